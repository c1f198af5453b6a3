"""Which images belong together, as ``data.groups`` says: one patient, one plant, near-duplicates of one photograph.

Images of a group are right or wrong together. So a table counts groups, a drawn split keeps each of them in one part,
and a folder whose parts share a group is refused: what was trained on one of its images has seen the others.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from classifier.data.listing import named
from classifier.data.source import LONG, Source
from search.workload import SettingFaults, nearest

SETTING = "data.groups"
COLUMNS = ("file", "group")
REGEX, CSV = "regex", "csv"
_MAX_NAMED_IMAGES = 3

Rule = Mapping[str, str]
"""``{"regex": ...}`` or ``{"csv": ...}``."""


def rule_fault(rule: Rule | None) -> str:
    """Return what is wrong with a rule whatever images it is for, "" for nothing."""
    if rule is None:
        return ""
    if len(rule) != 1 or not {REGEX, CSV} & rule.keys():
        return f"found {dict(rule)!r}, must have one of the keys {REGEX} and {CSV}"
    if REGEX in rule:
        try:
            count = re.compile(rule[REGEX]).groups
        except (re.error, RecursionError, OverflowError) as error:
            return f"found the regex {rule[REGEX]!r}, which cannot be read: {error}"
        if not count:
            return (
                f"found the regex {rule[REGEX]!r}, which has no group in parentheses; the first one names what images "
                r"belong together by, as in '(\w+)_\d+\.png'"
            )
    return ""


def groups_of(rule: Rule | None, names: Sequence[str], left_out: Collection[str] = ()) -> Sequence[str]:
    """Return the group of each image, or nothing where no rule asks for any.

    Args:
        rule: the setting.
        names: of the images, relative to their folder.
        left_out: names of files that cannot be read; a CSV file may hold them.

    Raises:
        SettingFaults: the rule is none, or leaves images without a group.
    """
    if rule is None:
        return ()
    if fault := rule_fault(rule):
        raise _fault(fault)
    return _by_regex(rule[REGEX], names) if REGEX in rule else _by_csv(rule[CSV], names, left_out)


def check_uncut(source: Source, parts: Mapping[str, np.ndarray]) -> None:
    """Refuse groups of which one part of the images lies in one split and another in another.

    Args:
        source: the images, with their groups.
        parts: split -> image numbers.

    Raises:
        SettingFaults: there are some.
    """
    if not source.groups:
        return
    members: dict[str, dict[str, list[str]]] = {}
    for split in source.splits:
        for image in parts[split].tolist():
            members.setdefault(source.groups[image], {}).setdefault(split, []).append(source.names[image])
    cut = sorted(group for group, by_split in members.items() if len(by_split) > 1)
    if not cut:
        return
    where = "; ".join(
        f"{LONG[split]}: {named(sorted(images), _MAX_NAMED_IMAGES)}" for split, images in members[cut[0]].items()
    )
    more = f" ({len(cut) - 1:,} more groups are cut, too)" if len(cut) > 1 else ""
    remedy = "move its images into one of them" if source.paths and not source.known else "name groups within splits"
    raise _fault(
        f"the group {cut[0]!r} lies in {len(members[cut[0]])} splits: {where}{more}; what was trained on one image of "
        f"a group has seen the others, so {remedy}"
    )


def check_filled(groups: Sequence[str], parts: Mapping[str, np.ndarray], splits: Sequence[str]) -> None:
    """Refuse groups of which whole ones leave a split empty.

    Args:
        groups: of the images that were split.
        parts: split -> image numbers.
        splits: those that must have images.

    Raises:
        SettingFaults: one has none.
    """
    if empty := [split for split in splits if not len(parts[split])]:
        count = len(set(groups))
        counts = f"{len(groups):,} images in {count:,} {'group' if count == 1 else 'groups'}"
        raise _fault(
            f"{counts} leave no {LONG[empty[0]]} image, for a group lies in one split; name more groups, or lay images "
            "into train, val and test"
        )


PLAIN_NAMES = (r"([^/]+)/[^/]+$", r"([^/]+)[_-]\d+\.\w+$")
"""How names of files often tell what belongs together: a folder for each patient, or ``patient-7_2.png``."""


def proposed(names: Sequence[str], classes: int) -> tuple[str, list[str]] | None:
    """Return a regex by which names of files tell groups plainly, with these; None where they do not.

    They do where it matches each name, most images are in groups of several, and groups are far more than classes.

    Args:
        names: of the images, relative to their folder.
        classes: how many there are, each with a folder of its own.
    """
    for pattern in PLAIN_NAMES:
        matches = [match for name in names if (match := re.search(pattern, name))]
        sizes = Counter(match[1] for match in matches)
        together = sum(size for size in sizes.values() if size > 1)
        if len(matches) == len(names) and len(sizes) > 2 * classes and 2 * len(sizes) <= together:
            return pattern, sorted(sizes)
    return None


def effective(groups: Sequence[str]) -> float:
    """Return how many groups of one size would tell as much: n^2 / sum n_c^2 over the groups' sizes."""
    sizes = np.array([*Counter(groups).values()], dtype=np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if len(sizes) else 0.0


def described(source: Source, parts: Mapping[str, np.ndarray]) -> list[str]:
    """Return a line on the groups of the images that are used, for the data check; nothing where there are none."""
    if not source.groups:
        return []
    of_split = {split: [source.groups[image] for image in parts[split].tolist()] for split in source.splits}
    sizes = Counter(group for groups in of_split.values() for group in groups).values()
    if max(sizes) == 1:
        return [f"groups: each of the {len(sizes):,} images is a group of its own, as without {SETTING}"]
    counts = ", ".join(f"{len(set(groups)):,} {LONG[split]}" for split, groups in of_split.items())
    tell = ", ".join(f"{effective(groups):.1f} {LONG[split]}" for split, groups in of_split.items() if split != "train")
    return [f"groups: {counts}, of {min(sizes):,} to {max(sizes):,} images; effective {tell}"]


def _by_regex(pattern: str, names: Sequence[str]) -> list[str]:
    look = re.compile(pattern)
    matches = [look.search(name) for name in names]
    groups = [match[1] if match else None for match in matches]
    lost = [name for name, group in zip(names, groups, strict=True) if not group]
    if lost:
        raise _fault(
            f"the regex {pattern!r} names no group for {len(lost):,} of {len(names):,} images: "
            f"{named(lost, _MAX_NAMED_IMAGES)}; its first group in parentheses must match in each name"
        )
    return [group for group in groups if group]


def _by_csv(file: str, names: Sequence[str], left_out: Collection[str]) -> list[str]:
    groups: dict[str, str] = {}
    lines: dict[str, int] = {}
    try:
        with Path(file).expanduser().open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            header = reader.fieldnames or []
            if not set(COLUMNS) <= set(header):
                raise _fault(f"{file} has the columns {', '.join(header) or 'none'}; it must have file and group")
            for entry in reader:
                name, group, line = entry["file"], entry["group"], reader.line_num
                if not name or not group:
                    raise _fault(f"{file}, line {line}: has no {'group' if name else 'file'}; each line must have both")
                if name in groups:
                    raise _fault(f"{file}, line {line}: names {name!r}, as line {lines[name]} does; keep one of them")
                groups[name], lines[name] = group, line
    except (OSError, RuntimeError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise _fault(
            f"{file} cannot be read: {reason}; it must be a CSV file with the columns file and group"
        ) from error
    there = set(names)
    if unknown := [name for name in groups if name not in there and name not in left_out]:
        raise _fault(
            f"{file}, line {lines[unknown[0]]}: names {unknown[0]!r}, which is no image of these data"
            f"{nearest(unknown[0], names)} ({len(unknown):,} such {'line' if len(unknown) == 1 else 'lines'})"
        )
    if lost := [name for name in names if name not in groups]:
        raise _fault(
            f"{file} lacks {len(lost):,} of {len(names):,} images: {named(lost, _MAX_NAMED_IMAGES)}; an image that "
            "stands alone needs a group of its own"
        )
    return [groups[name] for name in names]


def _fault(sentence: str) -> SettingFaults:
    return SettingFaults([(SETTING, sentence)])
