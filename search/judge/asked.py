"""What is asked of runs trained elsewhere: the metric, the baseline and the claims, as a space like that of a file.

What nobody said is filled in only where it goes without saying, and the output names it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from search.core.directions import HIGHER, LOWER, better_by_name
from search.core.errors import Fault, Faults, UserError, nearest
from search.core.outside import OUTSIDE
from search.core.scores import ScoreRule
from search.judge.score_file import ScoreFile, named
from search.space.model import MAX_NAME_LETTERS, Space
from search.space.reader import space_from_mapping

SCORE = "score"
"""Name under which rows hold the scores."""

_RELATIONS = {">": "better", "=": "equal"}
_METRIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Wishes:
    """What somebody said about scores; None and () where nothing.

    Attributes:
        metric: what the mean of the scores is called.
        better: "higher" or "lower".
        range: least and largest score that there can be.
        baseline: the setting that the others are compared with.
        margin: the smallest difference that matters, in the unit of the metric.
        claims: "A > B" (A is better than B) or "A = B" (equal within the margin).
    """

    metric: str | None = None
    better: str | None = None
    range: tuple[float, float] | None = None
    baseline: str | None = None
    margin: float | None = None
    claims: Sequence[str] = ()


@dataclass(frozen=True)
class Question:
    """What is asked of a file of scores.

    Attributes:
        space: a grid over its settings, with metric, baseline and claims.
        rules: metric -> how it comes from scores.
        assumed: what nobody said, a sentence each.
    """

    space: Space
    rules: Mapping[str, ScoreRule]
    assumed: Sequence[str]


OPTIONS = {"report.margin": "--margin", "report.baseline": "--baseline", "report.claims": "--claim"}
"""Beginning of a key of a space file -> the option of `judge` that says the same of scores."""


def question_of(file: ScoreFile, wishes: Wishes) -> Question:
    """Return what is asked of a file.

    Raises:
        UserError: a wish does not fit the file, or which scores are better cannot be known.
    """
    assumed: list[str] = []
    rules = _rules(file, wishes, assumed)
    metric = next((name for name in rules if name.startswith("val_")), None)
    metric = metric or next(name for name in rules if not name.startswith("test"))
    baseline = wishes.baseline
    if baseline is None:
        baseline = file.settings[0]
        assumed.append(f"baseline: {baseline!r}, the first setting of the file (--baseline names another one)")
    _known(file, baseline, "--baseline")
    claims = [_claim(file, text, wishes.margin) for text in wishes.claims]
    if not claims:
        claims = [{"better": [name, baseline]} for name in file.settings if name != baseline]
        which = "the other setting is" if len(claims) == 1 else "each other setting is"
        assumed.append(f"claims: {which} better than the baseline (--claim 'A > B' names others)")
    report: dict[str, object] = {
        "rows": "setting",
        "labels": {name: name for name in file.settings},
        "baseline": baseline,
        "claims": claims,
        "metrics": list(rules),
    }
    if wishes.margin is not None:
        report["margin"] = wishes.margin
    asked = {
        "name": _name(file.path),
        "title": f"Runs trained elsewhere: {Path(file.path).name}",
        "workload": OUTSIDE,
        "fixed": {"epochs": 1},
        "space": {"setting": {"grid": list(file.settings)}},
        "seeds": list(file.seeds),
        "search": {
            "objective": {
                "metric": metric,
                "direction": "maximize" if rules[metric].better == HIGHER else "minimize",
            }
        },
        "report": report,
    }
    try:
        return Question(space_from_mapping(asked), rules, assumed)
    except Faults as error:
        raise Faults(Fault(file.path, 0, _option(fault.key), fault.message) for fault in error.faults) from error


def _option(key: str) -> str:
    """Return the option that a key of the made-up space file comes from, or the key."""
    return next((option for start, option in OPTIONS.items() if key.startswith(start)), key)


def _rules(file: ScoreFile, wishes: Wishes, assumed: list[str]) -> dict[str, ScoreRule]:
    """Return metric -> rule, one per split; the name says the split only where there are several, or it is val."""
    name = wishes.metric
    whole = file.whole and wishes.range is None
    if name is None:
        name = "accuracy" if whole and wishes.better != LOWER else "score"
        kind = ", because every score is 0 or 1" if name == "accuracy" else ""
        assumed.append(f"metric: {name}{kind} (--metric names it)")
    if not _METRIC.fullmatch(name):
        raise UserError(f"--metric {name!r}: must be letters, digits and _.- only, as in `exact_match`")
    better = wishes.better or better_by_name(name)
    if better is None and whole:
        better = HIGHER
    if better is None:
        raise UserError(
            f"{file.path}: nothing says whether more of {name!r} is better; give --better higher or --better lower"
        )
    if wishes.better is None:
        assumed.append(f"better: {better} (--better says otherwise)")
    low, high = wishes.range or ((0.0, 1.0) if whole else (None, None))
    _in_range(file, low, high)
    several = len(file.examples) > 1
    if not several and "val" not in file.examples and name.lower().startswith("test"):
        raise UserError(
            f"--metric {name!r}: names that begin with test are for test examples, which decide nothing; call it "
            "otherwise, as in `accuracy`, or give a column `split`"
        )
    rules = {}
    for split in file.examples:
        if several and (not _METRIC.fullmatch(split) or (split != "test" and split.lower().startswith("test"))):
            raise UserError(
                f"{file.path}: split {split!r} names a metric, so it must be letters, digits and _.- only, and none "
                "but `test` may begin with test"
            )
        metric = f"{split}_{name}" if several or split == "val" else name
        rules[metric] = ScoreRule(split, SCORE, better, low=low, high=high)
    return rules


def _in_range(file: ScoreFile, low: float | None, high: float | None) -> None:
    if low is None or high is None:
        return
    if not low < high:
        raise UserError(f"--range {low:g} {high:g}: the first number must be below the second")
    for (setting, seed), own in file.scores.items():
        for split, values in own.items():
            beyond = (values < low) | (values > high)
            if beyond.any():
                place = int(beyond.argmax())
                raise UserError(
                    f"{file.path}: setting {setting!r}, seed {seed}, example {file.examples[split][place]!r} has the "
                    f"score {values[place]:g}, outside of --range {low:g} {high:g}; mend one of them"
                )


def _claim(file: ScoreFile, text: str, margin: float | None) -> dict[str, object]:
    """Return a claim as a space file has it."""
    for sign, kind in _RELATIONS.items():
        left, between, right = text.partition(f" {sign} ")
        if not between:
            continue
        pair = [left.strip(), right.strip()]
        for name in pair:
            _known(file, name, f"--claim {text!r}")
        if kind == "equal" and margin is None:
            raise UserError(f"--claim {text!r}: equal within which margin? give --margin")
        return {kind: pair} if kind == "better" else {kind: pair, "within": margin}
    raise UserError(f"--claim {text!r}: write 'A > B' (A is better than B) or 'A = B' (equal within --margin)")


def _known(file: ScoreFile, name: str, option: str) -> None:
    if name not in file.settings:
        meant = nearest(name, file.settings)
        raise UserError(f"{option}: {file.path} has no setting {name!r}{meant or f'; it has {named(file.settings)}'}")


def _name(path: str) -> str:
    """Return the name of the study: that of the file, as far as a study may be called so."""
    stem = re.sub(r"[^A-Za-z0-9 ._()-]", "_", Path(path).stem).strip(" .")
    return stem[:MAX_NAME_LETTERS].strip(" .") or "scores"
