"""The pruner of a study, as its space describes it and its order log left it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from search.core.hyperband import Hyperband
from search.core.median import MedianRule
from search.core.promotion import Promotion
from search.core.pruning import Asha, Pruner
from search.core.shown import listed
from search.core.trial import State
from search.ledger.ledger import Decision, Ledger
from search.space.model import AshaSettings, HyperbandSettings, MedianSettings, Space
from search.study.leaf import longest

PROMOTED = "promoted"
"""Kind of the entries of the order log that say who went on from a rung where trials pause."""

RUNGS = ("rung", PROMOTED)
"""Kinds of the entries that say what was decided at rungs."""

PATH = "path"
"""In the detail of an entry ``ended``, as `rungs_on_record` returns it: the keys of the trial's epochs."""

COMPLETE = (State.FINISHED, State.STOPPED)
"""How a trial ended that the median rule compares others with."""


def pruner(space: Space, decisions: Iterable[Decision] = ()) -> Pruner | None:
    """Return the pruner of a space, with what was decided as `rungs_on_record` tells; None where nothing is pruned."""
    rule = _pruner(space)
    if rule is not None:
        for entry in decisions:
            if entry.kind == "ended":
                rule.finished(entry.detail[PATH])
            elif entry.kind == PROMOTED:
                rule.promote(entry.epoch or 0, entry.key or "")
            else:
                rule.restore(entry.epoch or 0, entry.key or "", entry.detail)
    return rule


def _pruner(space: Space) -> Pruner | None:
    maximize = space.search.objective.maximize
    match space.search.pruning:
        case AshaSettings(grace_period, reduction_factor, promote):
            kind = Promotion if promote else Asha
            return kind(grace_period, reduction_factor, longest(space), maximize)
        case HyperbandSettings(grace_period, reduction_factor):
            return Hyperband(grace_period, reduction_factor, longest(space), maximize)
        case MedianSettings(grace_period, min_finished):
            return MedianRule(grace_period, min_finished, longest(space), maximize)
    return None


def rungs_on_record(ledger: Ledger, study_id: int) -> Sequence[Decision]:
    """Return what a study's pruner was fed, in sequence, without what came from rows that were withdrawn since: entries
    ``rung`` and ``promoted``, and ``ended`` of trials that finished, where others are judged by these."""
    entries = ledger.decisions(study_id, RUNGS)
    if entries and "average" in entries[0].detail:
        entries = _with_ends(ledger, study_id)
    if not entries or not ledger.decisions(study_id, ["withdrawn"]):
        return entries
    rows = ledger.rows([entry.key for entry in entries if entry.key is not None])
    return [entry for entry in entries if entry.key is None or entry.key in rows]


def decided(log: Iterable[Decision]) -> dict[tuple[int, str], tuple[Decision, bool]]:
    """Return what rungs decided so far: (epoch, key) -> its newest entry, and whether its trials went on, at once or
    because they were promoted since.

    Args:
        log: entries of the kinds `RUNGS`, in sequence.
    """
    verdicts: dict[tuple[int, str], tuple[Decision, bool]] = {}
    for entry in log:
        place = entry.epoch or 0, entry.key or ""
        if entry.kind == "rung":
            verdicts[place] = entry, bool(entry.detail.get("goes_on"))
        elif entry.kind == PROMOTED and place in verdicts:
            verdicts[place] = verdicts[place][0], True
    return verdicts


def _with_ends(ledger: Ledger, study_id: int) -> list[Decision]:
    paths = ledger.paths(study_id)
    entries = []
    for entry in ledger.decisions(study_id, ["rung", "ended"]):
        if entry.kind == "ended" and entry.trial is not None and entry.detail["state"] in COMPLETE:
            entries.append(replace(entry, detail={PATH: paths[entry.trial][0][: entry.epoch or 0]}))
        elif entry.kind == "rung":
            entries.append(entry)
    return entries


def decided_at(space: Space) -> Sequence[int]:
    """Return the epochs behind which the pruner of a space decides."""
    made = _pruner(space)
    return made.rungs if made is not None else ()


def decided_text(space: Space) -> str:
    """Say in words where the pruner of a space decides; "" where it does nowhere."""
    search, epochs = space.search, [f"{epoch:,}" for epoch in decided_at(space)]
    if search.median is not None:
        return f"the median rule may end trials behind each epoch from {search.median.grace_period:,} on"
    what = "pauses trials" if search.asha is not None and search.asha.promote else "may end trials"
    behind = f"{'epoch' if len(epochs) == 1 else 'epochs'} {listed(epochs)}"
    return f"successive halving {what} behind {behind}" if epochs else ""


def rungs_of(space: Space) -> Sequence[int]:
    """Return the epochs at which many trials are compared and some end: where states are worth keeping. A rule that
    decides behind every epoch has none."""
    return () if isinstance(space.search.pruning, MedianSettings) else decided_at(space)


def share_going_on(space: Space) -> Callable[[int, int], float] | None:
    """Return a function of two epochs: the share of trials that have come to the first one and, as the pruner means it,
    are trained for the second one, too. None where there is no pruner, or it means no share."""
    made = _pruner(space)
    if isinstance(made, Asha | Promotion):
        return _share_of([made], [1])
    return _share_of(made.brackets, made.sizes) if isinstance(made, Hyperband) else None


def _share_of(brackets: Sequence[Asha | Promotion], sizes: Sequence[int]) -> Callable[[int, int], float]:
    def at(epoch: int) -> float:
        rungs_before = [sum(rung < epoch for rung in bracket.rungs) for bracket in brackets]
        return sum(
            size * bracket.reduction_factor**-count
            for size, bracket, count in zip(sizes, brackets, rungs_before, strict=True)
        ) / sum(sizes)

    return lambda start, epoch: at(epoch) / at(start + 1) if epoch > start + 1 else 1.0
