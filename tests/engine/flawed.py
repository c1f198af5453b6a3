"""A workload with a setting that says which ordinary mistake it has: each value is a kind of training of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from search.workload import Settings
from tests.proof import mistakes

FLAWS: Mapping[str, type[mistakes.Right]] = {
    "none": mistakes.Right,
    "momentum": mistakes.MomentumNotSaved,
    "counter": mistakes.CounterNotSaved,
    "generator": mistakes.OwnGenerator,
    "average": mistakes.AverageNotSaved,
    "saving": mistakes.SavingDraws,
    "cache": mistakes.ModelCache,
    "data": mistakes.DataInPlace,
    "unseeded": mistakes.Unseeded,
}


class Flawed(mistakes.Right):
    """Trains as the workload that its setting `flaw` names; writes a line per epoch into the file `log`."""

    settings: ClassVar[dict[str, Any]] = {
        **mistakes.Right.settings,
        "flaw": {"enum": [*FLAWS], "default": "none"},
        "log": {"type": "string", "hashed": False, "description": "file for a line per epoch"},
    }

    def execution_class(self, cpus: int, gpus: float) -> Mapping[str, str]:
        """The order that a set of text has in a worker is one of a kind; every worker compares its own."""
        return {"hash of text": str(hash("text"))}

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Any:
        return Noted(FLAWS[fixed["flaw"]].run(fixed), fixed)


class Noted:
    """One run, with its epochs noted."""

    def __init__(self, run: Any, fixed: Settings) -> None:
        self.run, self.fixed = run, fixed

    def train_epoch(self, settings: Settings) -> Mapping[str, object]:
        with open(self.fixed["log"], "a") as file:
            file.write(f"{self.fixed['flaw']}\n")
        row: Mapping[str, object] = self.run.train_epoch(settings)
        return row

    def save(self) -> bytes:
        saved: bytes = self.run.save()
        return saved

    def load(self, state: bytes) -> None:
        self.run.load(state)
