"""Where the best run stood on each rung of a pruner, and what a stricter one would have cost."""

from __future__ import annotations

import math
from collections.abc import Iterator

from search.core.shown import listed
from search.report.record.curves import COUNTED, Curve, Curves
from search.report.table.model import Note
from search.study.pruner import rungs_on_record

MAX_RUNGS_NAMED = 6


def rung_notes(read: Curves) -> Iterator[Note]:
    """Say where the best run stood on each rung, among all trainings that came there, and which reduction factor would
    have ended it; for pruners that let one in so many go on."""
    pruning, best = read.space.search.pruning, best_run(read)
    if not hasattr(pruning, "reduction_factor") or best is None:
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
