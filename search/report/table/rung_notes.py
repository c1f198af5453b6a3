"""Where the best run stood on each rung of a pruner, and what a stricter one would have cost."""

from __future__ import annotations

import math
from collections.abc import Iterator

from search.core.median import MedianRule
from search.core.shown import listed
from search.report.record.curves import COUNTED, Curve, Curves
from search.report.table.model import Note
from search.report.text import figure, is_accuracy
from search.space.model import MedianSettings
from search.study.pruner import pruner, rungs_on_record

MAX_RUNGS_NAMED = 6


def rung_notes(read: Curves) -> Iterator[Note]:
    """Say where the best run stood on each rung, among all trainings that came there, and which reduction factor would
    have ended it; of the median rule, where it came nearest to its end."""
    pruning, best = read.space.search.pruning, best_run(read)
    if pruning is None or best is None:
        return
    if isinstance(pruning, MedianSettings):
        yield Note(_nearest(read, best, pruning.min_finished), "")
        return
    places = places_of(read, best)
    if not places:
        return
    named = [f"{_ordinal(place)} of {count} at epoch {epoch}" for epoch, place, count in places[:MAX_RUNGS_NAMED]]
    least = min(count / place for _, place, count in places)
    lost = f"one in {least:.3g}" if least > 1 else "any but the last"
    sentence = (
        f"Rungs: the best run (trial {best.trial.number}) stood {listed(named, MAX_RUNGS_NAMED)}, among all trainings "
        f"that came there; were fewer than {lost} let go on, it would have been lost."
    )
    yield Note(sentence, "")


def _nearest(read: Curves, best: Curve, least: int) -> str:
    """Say by how little, at least, a run was better than a median that would have ended it.

    Args:
        least: trainings that have finished before any is ended.
    """
    metric, sign = read.space.search.objective.metric, 1 if read.space.search.objective.maximize else -1
    entries = rungs_on_record(read.study.ledger, read.record.id)
    rule = pruner(read.space, entries)
    assert isinstance(rule, MedianRule)
    compared = {
        entry.epoch: (entry.detail["best"], *rule.because(entry.epoch, entry.key or ""))
        for entry in entries
        if entry.kind == "rung" and entry.epoch is not None and entry.key in best.keys
        if rule.compared(entry.epoch, entry.key or "")[1] >= least
    }
    start = f"Median rule: the best run (trial {best.trial.number})"
    if not compared:
        return f"{start} was compared with nothing, for fewer than {least} had finished before its last epochs."
    nearest = min(compared, key=lambda epoch: sign * (compared[epoch][0] - compared[epoch][1]))
    *values, words = compared[nearest]
    best_text, cutoff = (f"{figure(metric, value)}{' %' if is_accuracy(metric) else ''}" for value in values)
    return (
        f"{start} came nearest to its end at epoch {nearest}: its best {metric} so far was {best_text}, and "
        f"{'below' if sign > 0 else 'above'} {cutoff} it would have been lost, {words}."
    )


def best_run(read: Curves) -> Curve | None:
    """Return the run with the best objective at the epoch that tables read, of those that came to their end."""
    objective, value = read.space.search.objective, read.space.report.value
    measured = [
        (figure if objective.maximize else -figure, -curve.trial.number, curve)
        for curve in read.curves
        if curve.trial.state in COUNTED
        and (figure := curve.metric(objective.metric, curve.epoch(value))) is not None
        and math.isfinite(figure)
    ]
    return max(measured, key=lambda one: one[:2])[2] if measured else None


def places_of(read: Curves, run: Curve) -> list[tuple[int, int, int]]:
    """Return epoch, place (1 is the best, ties share the better one) and number of trainings of each rung that a run
    passed; of brackets within its own."""
    maximize = read.space.search.objective.maximize
    entries = [entry for entry in rungs_on_record(read.study.ledger, read.record.id) if entry.kind == "rung"]
    mine = {(entry.epoch, entry.key): entry.detail.get("bracket") for entry in entries}
    places = []
    for epoch in sorted({entry.epoch or 0 for entry in entries}):
        key = run.keys[epoch - 1] if 0 < epoch <= len(run.keys) else ""
        if (epoch, key) not in mine:
            continue
        here = [entry for entry in entries if entry.epoch == epoch and entry.detail.get("bracket") == mine[epoch, key]]
        value = next(entry.detail["value"] for entry in here if entry.key == key)
        better = sum(entry.detail["value"] > value if maximize else entry.detail["value"] < value for entry in here)
        places.append((epoch, better + 1, len(here)))
    return places


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
