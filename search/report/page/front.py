"""What is said of a study with several objectives instead of a best setting: its front, as far as it is decided."""

from __future__ import annotations

from search.core.shown import counted, listed
from search.report.table.labels import short_label
from search.report.table.model import Table
from search.space.model import Space
from search.statistics.front import Place

MAX_FRONT_NAMED = 4
"""Settings of the front that a sentence names."""


def front_answer(table: Table, space: Space, confirmed: Table | None = None) -> str:
    """Return as one sentence or two what is decided of the front.

    Args:
        table: of several objectives, judged.
        space: of the study.
        confirmed: the table of its confirm stage, where there is one.
    """
    front = f"the front of {listed([one.metric for one in space.search.objectives], 8)}"
    placed = [line for line in table.lines if line.front]
    if not placed:
        return f"Nothing can be decided of {front}: no setting has finished."
    said = f"{_by_values(table)} of {counted(len(placed), 'setting')} {_are(_by_values(table))} on {front} by values"
    if space.search.sampler == "grid":
        return f"{_decided(table, front)}; {said}."
    if confirmed is None or confirmed.front is None or not any(line.front for line in confirmed.lines):
        return f"{said}, which chose them; a search alone decides nothing of what is measured with noise."
    return f"{said}, which chose them. Under fresh seeds: {_decided(confirmed, front)}."


def _decided(table: Table, front: str) -> str:
    on = [short_label(table, line) for line in table.lines if line.front == Place.ON]
    off = sum(line.front == Place.OFF for line in table.lines)
    left = sum(line.front == Place.OPEN for line in table.lines)
    if not on and not off:
        return f"nothing is decided of {front}"
    sure = f"{listed(on, MAX_FRONT_NAMED)} {_are(len(on))} on {front}" if on else f"no setting is surely on {front}"
    dominated = f", {off} {_are(off)} dominated" if off else ""
    return f"{sure}{dominated}{f', of {left} it is not decided' if left else ''}"


def _by_values(table: Table) -> int:
    return sum(line.front_by_values for line in table.lines)


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
