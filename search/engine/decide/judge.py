"""How leaves end: rows are fed to them, the pruner is asked, and what is decided is logged with the row it rests on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from search.core.trial import Row, State
from search.engine.decide.forecast import Forecast
from search.engine.decide.outcomes import Event, Outcomes, Progress
from search.ledger.ledger import Decision
from search.ledger.step import Step
from search.space.model import Space
from search.study.fold import Fold
from search.study.pruner import pruner


class Judge:
    """Decides within a transaction; whoever watches hears of it when `announce` is called, after the commit.

    Args:
        space: its objective and pruning are used.
        outcomes: told of every end.
        progress: kept up to date.
        on_event: what a view wants to hear.
    """

    def __init__(self, space: Space, outcomes: Outcomes, progress: Progress, on_event: Event) -> None:
        self._space, self._asha = space, pruner(space)
        self._outcomes, self._progress, self._on_event = outcomes, progress, on_event
        self.forecast = Forecast(space)
        self._news: list[tuple[str, Mapping[str, Any]]] = []

    def restore(self, rungs: Iterable[Decision]) -> None:
        """Replay the pruner's part of the order log."""
        self._asha = pruner(self._space, rungs)

    def advance(self, step: Step, fold: Fold, row: Row, seconds: float) -> None:
        """Feed the next row, whose epoch took so many seconds, to a leaf and log what is decided on it."""
        key = fold.next_key
        assert key is not None
        end = fold.feed(row, seconds)
        if end is None and self._asha is not None and not math.isnan(value := fold.curve[-1]):
            known = self._asha.decided(fold.epoch, key)
            goes_on = self._asha.feed(fold.epoch, key, value)
            if goes_on is not None and not known:
                step.log("rung", trial=fold.leaf.trial.number, epoch=fold.epoch, key=key, value=value, goes_on=goes_on)
            if goes_on is False:
                end = (State.PRUNED, f"rung {fold.epoch}")
        self.forecast.fed(fold, end[0] if end is not None else None)
        if end is not None:
            self.end(step, fold, *end)
        else:
            self._progress.standings.goes_on(fold.leaf.trial, fold.epoch, fold.curve[-1], key)

    def end(self, step: Step, fold: Fold, state: State, ended_by: str, error: str = "") -> None:
        """A leaf ends so."""
        trial = fold.leaf.trial
        self._progress.move(fold.state, state)
        fold.state, fold.ended = state, True
        step.set_trial(trial.number, state=state, ended_by=ended_by, last_epoch=fold.epoch, error=error)
        step.log("ended", trial=trial.number, epoch=fold.epoch, state=state.value, ended_by=ended_by)
        self._outcomes.note(trial, state, fold.curve, fold.leaf.path[fold.epoch - 1] if fold.epoch else "")
        news = {"trial": trial, "state": state, "ended_by": ended_by, "epoch": fold.epoch, "fold": fold}
        self._news.append(("ended", news))

    def announce(self) -> None:
        """Tell the view what was decided and committed since the last call."""
        news, self._news = self._news, []
        for kind, what in news:
            self._on_event(kind, what)
