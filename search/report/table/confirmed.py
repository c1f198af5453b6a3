"""What became of a search's best settings when its confirm stage ran them again under fresh seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from search.report.record.curves import Curves, by_setting, identity
from search.report.table.model import Line, Table
from search.statistics.front import Place

WORDS = {
    "better": "better than the baseline",
    "worse": "worse than the baseline",
    "undecided": "run again, undecided",
    "baseline": "the baseline",
    "on": "run again, on the front",
    "dominated": "run again, dominated",
}
"""Kind of an `Outcome` -> what it is called."""


class Outcome(NamedTuple):
    """How the confirm stage judges a setting of the search.

    Attributes:
        name: what the confirm stage calls it ("best 1").
        kind: ``better``, ``worse``, ``undecided`` or ``baseline``, of several objectives ``on`` or ``dominated`` where
            that is decided: a key of `WORDS`.
    """

    name: str
    kind: str

    @property
    def words(self) -> str:
        """What became of it, for people."""
        return WORDS[self.kind]


def outcomes(read: Curves, again: Curves, table: Table) -> Mapping[str, Outcome]:
    """Return `identity` of a search's setting -> what its confirm stage says of it, of those that it ran.

    The confirm stage names its candidates; they are found again by the settings that they stand for.

    Args:
        read: the search.
        again, table: its confirm stage.
    """
    lines = {identity(line.parameters): line for line in table.lines}
    confirmed: dict[str, Outcome] = {}
    for place, curves in by_setting(again.curves).items():
        if place in lines:
            confirmed[_without_seed(curves[0].trial.settings)] = _outcome(lines[place])
    return {
        identity(curve.trial.parameters): confirmed[settings]
        for curve in read.curves
        if (settings := _without_seed(curve.trial.settings)) in confirmed
    }


def _without_seed(settings: Mapping[str, object]) -> str:
    return identity({name: value for name, value in settings.items() if name != "seed"})


def _outcome(line: Line) -> Outcome:
    judged = line.tested
    if line.front in (Place.ON, Place.OFF) and not line.baseline:
        return Outcome(", ".join(str(value) for value in line.parameters.values()), line.front)
    kind = "baseline" if line.baseline else "better" if judged.better else "worse" if judged.worse else "undecided"
    return Outcome(", ".join(str(value) for value in line.parameters.values()), kind)
