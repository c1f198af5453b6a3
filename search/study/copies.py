"""What a trial of ours looks like in an Optuna database, and whether what one holds is that.

Finished and stopped trials are COMPLETE, pruned and diverged ones PRUNED, failed ones FAIL, interrupted ones WAITING;
intermediate values are the objective of every epoch, counted from 1.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from search.core.trial import State, Trial
from search.ledger.ledger import Recorded
from search.space.model import Axis, Grid, Space
from search.study.optuna_rows import Copy
from search.study.optuna_sampler import called, distribution
from search.study.pruner import rungs_of

STATES = {
    State.WAITING: TrialState.WAITING,
    State.RUNNING: TrialState.RUNNING,
    State.INTERRUPTED: TrialState.WAITING,
    State.FINISHED: TrialState.COMPLETE,
    State.STOPPED: TrialState.COMPLETE,
    State.PRUNED: TrialState.PRUNED,
    State.CUT_OFF: TrialState.PRUNED,
    State.DIVERGED: TrialState.PRUNED,
    State.FAILED: TrialState.FAIL,
}


class Copies:
    """Makes and compares the copies of one study's trials.

    Args:
        space: its space.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self.costs: Mapping[int, Mapping[str, float]] = {}
        """Configuration -> what it costs, as far as it is on record; set anew before trials are copied."""
        self._shown = {axis.name: shown(axis) for axis in space.axes}

    def of(self, trial: Trial, rows: Sequence[Recorded], large: bool) -> Copy:
        """Return a trial as Optuna is to hold it; `large` studies have values at their rungs and ends only."""
        state = STATES[trial.state]
        curve = {epoch: self._value(row) for epoch, row in enumerate(rows, start=1)}
        steps = sorted(self._steps(len(curve), large, state.is_finished()))
        params, distributions = self._parameters(trial)
        return Copy(
            trial.number,
            state,
            params,
            distributions,
            _attributes(trial),
            [curve[len(curve)], *self._further(trial, rows[-1])] if state == TrialState.COMPLETE else (),
            {step: curve[step] for step in steps},
            *_times(rows, state),
        )

    def agree(self, copy: Copy, trial: Trial, path: Sequence[str], known: Mapping[str, Recorded], large: bool) -> bool:
        """Whether what the mirror holds of a trial can be brought up to ours by adding."""
        finished, values = copy.state.is_finished(), copy.intermediate
        if finished and (copy.state != STATES[trial.state] or copy.attributes.get("ended_by") != trial.ended_by):
            return False
        params, _ = self._parameters(trial)
        attributes = {name: value for name, value in _attributes(trial).items() if name != "ended_by"}
        if copy.params != params or not attributes.items() <= copy.attributes.items():
            return False
        reached = trial.last_epoch if finished else max(values, default=0)
        if reached > trial.last_epoch or not self._steps(reached, large, finished) <= values.keys():
            return False
        if copy.state == TrialState.COMPLETE:
            last = known.get(path[reached - 1]) if 0 < reached <= len(path) else None
            if last is None or list(copy.values) != [values[reached], *self._further(trial, last)]:
                return False
        return all(
            0 < step <= len(path) and path[step - 1] in known and _alike(value, self._value(known[path[step - 1]]))
            for step, value in values.items()
        )

    def _value(self, row: Recorded) -> float:
        return row.row.metrics.get(self._space.search.objective.metric, math.nan)

    def _further(self, trial: Trial, row: Recorded) -> list[float]:
        """Return what the objectives behind the first one came to, in their order."""
        known = {**row.row.metrics, **self.costs.get(trial.configuration, {})}
        return [known.get(one.metric, math.nan) for one in self._space.search.further]

    def _steps(self, epochs: int, large: bool, finished: bool) -> set[int]:
        """Which of so many epochs have an intermediate value."""
        if not large:
            return set(range(1, epochs + 1))
        steps = rungs_of(self._space)
        return {step for step in steps if step <= epochs} | ({epochs} if finished and epochs else set())

    def _parameters(self, trial: Trial) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
        """Return a trial's parameters, and by what each of them is plotted."""
        domains = {axis.name: axis.domain for axis in self._space.axes}
        params = {name: called(domains[name], value) for name, value in trial.parameters.items() if name in domains}
        distributions = {name: self._shown[name] for name in params}
        for name, value in params.items():
            known = distributions[name]
            if isinstance(known, CategoricalDistribution) and value not in known.choices:
                distributions[name] = CategoricalDistribution((*known.choices, value))
        return params, distributions


def _attributes(trial: Trial) -> dict[str, object]:
    """Return what is said of a trial besides its parameters."""
    return {
        "trial": trial.number,
        "configuration": trial.configuration,
        "seed": trial.seed,
        "ended_by": trial.ended_by if STATES[trial.state].is_finished() else "",
        "settings": json.dumps(dict(trial.settings)),
    }


def shown(axis: Axis) -> BaseDistribution:
    """Return the distribution the dashboard plots an axis by: numeric where all its values are numbers."""
    domain = axis.domain
    if isinstance(domain, Grid) and not domain.options:
        values = list(domain.values)
        if values and all(isinstance(value, int) and not isinstance(value, bool) for value in values):
            return IntDistribution(min(values), max(values))
        if values and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
            return FloatDistribution(float(min(values)), float(max(values)))
    return distribution(domain)


def _alike(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _times(rows: Sequence[Recorded], state: TrialState) -> tuple[datetime | None, datetime | None]:
    """Return when a trial began and ended, as naive UTC, which is how Optuna 5 stores them.

    What lies between is the time its epochs took by the clock that nobody sets, whoever trained them and whenever the
    mirror was brought up: clocks that are set back make no duration negative.
    """
    if state == TrialState.WAITING:
        return None, None
    now = datetime.now(UTC).replace(tzinfo=None)
    began = now
    if rows:
        first = datetime.fromisoformat(rows[0].recorded).astimezone(UTC).replace(tzinfo=None)
        began = first - timedelta(seconds=rows[0].seconds)
    took = timedelta(seconds=math.fsum(row.seconds for row in rows))
    return began, began + took if state.is_finished() else None
