"""How leaves end: rows are fed to them, the pruner is asked, and what is decided is logged with the row it rests on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from search.core.pruning import Pruner
from search.core.trial import Row, State
from search.engine.decide.forecast import Forecast
from search.engine.decide.outcomes import Event, Outcomes, Progress
from search.ledger.ledger import Decision, Recorded
from search.ledger.step import Step
from search.space.model import Space
from search.study.fold import Fold
from search.study.pruner import COMPLETE, PROMOTED, pruner


class Judge:
    """Decides within a transaction; whoever watches hears of it when `announce` is called, after the commit.

    Args:
        space: its objective and pruning are used.
        outcomes: told of every end.
        progress: kept up to date.
        on_event: what a view wants to hear.
    """

    def __init__(self, space: Space, outcomes: Outcomes, progress: Progress, on_event: Event) -> None:
        self._space, self._pruner = space, pruner(space)
        self._outcomes, self._progress, self._on_event = outcomes, progress, on_event
        self.forecast = Forecast(space)
        self._news: list[tuple[str, Mapping[str, Any]]] = []

    def restore(self, rungs: Iterable[Decision]) -> None:
        """Replay the pruner's part of the order log."""
        self._pruner = pruner(self._space, rungs)

    def advance(self, step: Step, fold: Fold, row: Row, seconds: float) -> None:
        """Feed the next row, whose epoch took so many seconds, to a leaf and log what is decided on it."""
        key = fold.next_key
        assert key is not None
        end = fold.feed(row, seconds)
        if end is None and self._pruner is not None and not math.isnan(fold.curve[-1]):
            end = self._judged(step, fold, key, self._pruner)
        self.forecast.fed(fold, State.PRUNED if fold.paused else end[0] if end is not None else None)
        if end is not None:
            self.end(step, fold, *end)
        else:
            self._progress.standings.goes_on(fold.leaf.trial, fold.epoch, fold.curve[-1], key)

    def catch_up(self, step: Step, fold: Fold, known: Mapping[str, Recorded]) -> None:
        """Feed a leaf the rows on record, key -> row, that it needs next, until it ends, pauses or lacks one."""
        while not (fold.ended or fold.paused) and (recorded := known.get(fold.next_key or "")):
            self.advance(step, fold, recorded.row, recorded.seconds)

    def _judged(self, step: Step, fold: Fold, key: str, pruner: Pruner) -> tuple[State, str] | None:
        """Ask the pruner of a leaf that has a new row, and log what it decides; return how the leaf ends, or None."""
        trial, epoch = fold.leaf.trial, fold.epoch
        known = pruner.decided(epoch, key, trial.configuration)
        goes_on = pruner.judge(epoch, key, fold.curve, trial.configuration)
        if goes_on is not None and not known:
            about = pruner.about(fold.curve, trial.configuration)
            step.log("rung", trial=trial.number, epoch=epoch, key=key, value=fold.curve[-1], goes_on=goes_on, **about)
        if goes_on is False and pruner.resumes:
            fold.paused = True
            return None
        return (State.PRUNED, f"rung {epoch}") if goes_on is False else None

    def promotable(self) -> tuple[int, str] | None:
        """Return rung and key of the trials to go on next; None where a new one is to be started, or none pauses."""
        return self._pruner.next() if self._pruner is not None else None

    def promote(self, step: Step, rung: tuple[int, str]) -> None:
        """Trials that pause with this key go on."""
        assert self._pruner is not None
        self._pruner.promote(*rung)
        step.log(PROMOTED, epoch=rung[0], key=rung[1])

    def end(self, step: Step, fold: Fold, state: State, ended_by: str, error: str = "") -> None:
        """A leaf ends so."""
        trial = fold.leaf.trial
        self._progress.move(fold.state, state)
        fold.state, fold.ended = state, True
        step.set_trial(trial.number, state=state, ended_by=ended_by, last_epoch=fold.epoch, error=error)
        step.log("ended", trial=trial.number, epoch=fold.epoch, state=state.value, ended_by=ended_by)
        key = fold.leaf.path[fold.epoch - 1] if fold.epoch else ""
        self._outcomes.note(trial, state, fold.curve, key, fold.others)
        news = {"trial": trial, "state": state, "ended_by": ended_by, "epoch": fold.epoch, "fold": fold}
        self._news.append(("ended", news))
        if self._pruner is not None and state in COMPLETE:
            self._pruner.finished(fold.leaf.path[: fold.epoch])

    def announce(self) -> None:
        """Tell the view what was decided and committed since the last call."""
        news, self._news = self._news, []
        for kind, what in news:
            self._on_event(kind, what)
