"""Settings that change no bit: what differs in the space file, and not in what was recorded.

A setting that the training code never reads makes lines of a table that differ in name alone, under epoch keys of their
own. So recorded rows are compared, metrics and predictions, never keys:

* runs that have one key are one training, however they are called, and say nothing here: thresholds that read the same
  curve, a schedule that parts behind the last epoch;
* settings that mean the same to the workload are one training, too, where each was trained apart (``--no-sharing``);
* an axis, or the seed, changed no bit where all runs that differ in it alone have equal rows, as far as both went; runs
  that failed or are not done say nothing;
* other settings with equal rows are named line by line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from search.core.trial import State
from search.report.record.curves import Curve
from search.report.text import one_line
from search.space.model import Axis
from search.space.service import SERVICE_SETTINGS

GROUPS_NAMED, LINES_NAMED = 3, 6
"""Groups of lines that are named at most, and lines of each."""

SEED = "seed"

LATER = "what acts later was not tried"

DONE = (State.FINISHED, State.STOPPED, State.PRUNED, State.DIVERGED)
"""Ends that come of what was measured."""


@dataclass(frozen=True)
class Unmoved:
    """What changed no bit.

    Attributes:
        axes: axis (or ``seed``) whose values changed no bit -> epochs that were compared at most.
        groups: lines, by their places, whose rows are equal although they were trained under different settings, and
            the axes in which they differ; those that differ in `axes` alone are left out.
        apart: lines that mean the same to the workload and were trained apart.
        short: axes of `axes` whose runs could be compared in none of their last epochs.
        early: groups, by their first line, whose runs all ended before their last epoch.
    """

    axes: Mapping[str, int]
    groups: Sequence[tuple[Sequence[int], Sequence[str]]] = ()
    apart: Sequence[Sequence[int]] = ()
    short: frozenset[str] = frozenset()
    early: frozenset[int] = frozenset()


def unmoved(lines: Sequence[Sequence[Curve]], axes: Sequence[Axis]) -> Unmoved:
    """Find what changed no bit.

    Args:
        lines: per line of the table its runs, one per seed.
        axes: of the space.
    """
    runs = [run for line in lines for run in line if run.rows and run.trial.state in DONE]
    runs.sort(key=lambda run: -len(run.rows))  # the longest is what the others are compared with
    trained = [axis.name for axis in axes if not _of_the_service(axis)]
    axes_unmoved: dict[str, int] = {}
    short = set()
    for name in (*trained, SEED):
        if (pairs := _all_equal(_siblings(runs, name))) is not None:
            axes_unmoved[name] = max(_common(one, other) for one, other in pairs)
            if all(_common(one, other) < min(one.trial.epochs, other.trial.epochs) for one, other in pairs):
                short.add(name)
    groups, apart, early = [], [], set()
    for alike in _equal_lines(lines):
        places = [*_trained_apart(alike, lines)]
        one = [lines[place][0] for place in places]
        differing = _differing(one, trained)
        if len({_meaning(run) for run in one}) == 1:
            apart += [places] if len(places) > 1 else []
        elif not set(differing) <= set(axes_unmoved):
            groups.append((places, differing))
            if all(len(run.rows) < run.trial.epochs for place in places for run in lines[place]):
                early.add(places[0])
    return Unmoved(axes_unmoved, groups, apart, frozenset(short), frozenset(early))


class Said(NamedTuple):
    """What is to be said of settings that changed no bit: what was seen, and what that means; sentences."""

    seen: str
    meaning: str = ""


def unmoved_sentences(found: Unmoved, names: Sequence[str]) -> Iterator[str]:
    """Yield what is to be said of settings that changed no bit, lines being called so."""
    for said in (*axes_said(found), *seed_said(found), *groups_said(found, names)):
        yield " ".join(filter(None, said))


def axes_said(found: Unmoved) -> Iterator[Said]:
    """Yield what is to be said of axes that changed no bit."""
    for name in (axis for axis in found.axes if axis != SEED):
        yield Said(
            f"{one_line(name)} changed no bit: settings that differ in it alone have the same metrics and "
            f"predictions in {_epochs(found, name)}.",
            "Either the workload does not read it, or its values mean the same here. Such lines are one training "
            "repeated, and no evidence that it does not matter.",
        )


def seed_said(found: Unmoved) -> Iterator[Said]:
    """Yield what is to be said of seeds that changed no bit."""
    if SEED in found.axes:
        yield Said(
            "The seed changed no bit: runs of one setting under different seeds have the same metrics and "
            f"predictions in {_epochs(found, SEED)}.",
            "Either the workload does not read its seed, or nothing in it is drawn at random. More seeds are one run "
            "repeated: no spread, interval or p value tells what a new run would do.",
        )


def groups_said(found: Unmoved, names: Sequence[str]) -> Iterator[Said]:
    """Yield what is to be said of other settings without a bit between them, lines being called so."""
    for places, axes in found.groups[:GROUPS_NAMED]:
        later = f" ({LATER})" if places[0] in found.early else ""
        yield Said(
            f"No bit differs between settings that differ in {' and '.join(map(one_line, axes))}{later}: "
            f"{_named(places, names)}.",
            "Either the workload does not read what differs, or it means the same here: they are one training "
            "repeated.",
        )
    if more := found.groups[GROUPS_NAMED:]:
        settings = sum(len(group) for group, _ in more)
        yield Said(f"No bit differs within {len(more)} more groups of {settings} settings.")


def _epochs(found: Unmoved, name: str) -> str:
    epochs = found.axes[name]
    many = f"all {epochs} epochs" if epochs > 1 else "the one epoch"
    return f"{many} that can be compared ({LATER})" if name in found.short else many


def apart_sentences(found: Unmoved, names: Sequence[str]) -> list[str]:
    """Return which lines mean the same to the workload although each was trained: nothing is wrong with them."""
    said = [f"Same settings to the workload, trained apart: {_named(each, names)}." for each in found.apart]
    if len(said) > GROUPS_NAMED:
        rest = found.apart[GROUPS_NAMED:]
        more = f"Trained apart as well: {len(rest)} more groups of {sum(map(len, rest))} settings."
        said = [*said[:GROUPS_NAMED], more]
    return said


def _named(places: Sequence[int], names: Sequence[str]) -> str:
    more = len(places) - LINES_NAMED
    return "; ".join(names[place] for place in places[:LINES_NAMED]) + (f"; {more} more" if more > 0 else "")


def _of_the_service(axis: Axis) -> bool:
    """Whether an axis sets nothing that is trained, but where a trial ends."""
    options = getattr(axis.domain, "options", {})
    return set(chain(*options.values()) if options else [axis.name]) <= set(SERVICE_SETTINGS)


def _siblings(runs: Iterable[Curve], name: str) -> Iterator[tuple[Curve, Curve]]:
    """Yield runs that differ in an axis (or the seed) alone, each with the longest of its kind.

    Runs that equal the longest as far as they went equal one another; a short one would say nothing of later epochs.
    """
    longest: dict[str, Curve] = {}
    for run in sorted(runs, key=lambda run: -len(run.rows)):
        parameters = dict(run.trial.parameters)
        if name != SEED and name not in parameters:
            continue
        if name != SEED:
            del parameters[name]
        kin = json.dumps([parameters, None if name == SEED else run.trial.seed], sort_keys=True)
        other = longest.setdefault(kin, run)
        if other is not run:
            yield other, run


def _all_equal(pairs: Iterable[tuple[Curve, Curve]]) -> list[tuple[Curve, Curve]] | None:
    """Return the pairs that were trained under settings of their own, if all of them have equal rows; else None."""
    equal_pairs = []
    for one, other in pairs:
        if not _common(one, other) or _one_path(one, other) or _meaning(one, True) == _meaning(other, True):
            continue
        if not _equal(one, other):
            return None
        equal_pairs.append((one, other))
    return equal_pairs or None


def _equal_lines(lines: Sequence[Sequence[Curve]]) -> list[list[int]]:
    """Return groups of lines that have equal rows in all epochs under all seeds that they have in common."""
    group_of: dict[int, list[int]] = {}
    alike: dict[tuple[int, int, int], int] = {}  # seed, epochs and content of the last row -> the first such line
    for place, runs in enumerate(lines):
        for run in runs:
            last = run.last_epoch
            if last is None or run.trial.state not in DONE:
                continue
            first = alike.setdefault((run.trial.seed, last, run.rows[last].content), place)
            if first != place and place not in group_of and _equal_throughout(lines[first], runs):
                group = group_of.setdefault(first, [first])
                group.append(place)
                group_of[place] = group
    return [group for place, group in sorted(group_of.items()) if group[0] == place]


def _equal_throughout(some: Sequence[Curve], others: Sequence[Curve]) -> bool:
    by_seed = {run.trial.seed: run for run in some if run.rows}
    pairs = [(by_seed[run.trial.seed], run) for run in others if run.rows and run.trial.seed in by_seed]
    return all(len(one.rows) == len(other.rows) and _equal(one, other) for one, other in pairs)


def _equal(one: Curve, other: Curve) -> bool:
    """Whether the rows of two runs are equal to the last bit, as far as both went."""
    epochs = range(_common(one, other), 0, -1)  # runs that part rarely meet again: the last epoch tells at once
    return all(
        epoch in one.rows and epoch in other.rows and one.rows[epoch].content == other.rows[epoch].content
        for epoch in epochs
    )


def _common(one: Curve, other: Curve) -> int:
    return min(one.last_epoch or 0, other.last_epoch or 0)


def _one_path(one: Curve, other: Curve) -> bool:
    """Whether two runs have one key in every epoch that both have: they are one training."""
    common = _common(one, other)
    return bool(common) and one.keys[common - 1] == other.keys[common - 1]


def _trained_apart(places: Sequence[int], lines: Sequence[Sequence[Curve]]) -> Iterator[int]:
    """Yield the lines that are a training of their own: none of their last keys is one of a line before."""
    seen: set[str] = set()
    for place in places:
        last = {run.keys[len(run.rows) - 1] for run in lines[place] if run.rows}
        if not last & seen:
            yield place
        seen |= last


def _meaning(run: Curve, seed: bool = False) -> str:
    """Return what runs share that mean the same to the workload: canonical settings, those of the service apart."""
    apart = set(SERVICE_SETTINGS) | (set() if seed else {SEED})
    kept: dict[str, Any] = {name: value for name, value in run.trial.settings.items() if name not in apart}
    return json.dumps(kept, sort_keys=True)


def _differing(runs: Sequence[Curve], axes: Sequence[str]) -> list[str]:
    """Return the axes in which the settings of runs differ."""
    active = [{name: json.dumps(value) for name, value in run.trial.parameters.items()} for run in runs]
    return [axis for axis in axes if len({values.get(axis) for values in active}) > 1]
