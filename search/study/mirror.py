"""The mirror: the ledger's trials copied into an Optuna database, for the dashboard and for Optuna's own plots.

Nothing of ours ever reads it to decide anything: deleting or editing it loses nothing, the next `sync` puts it right.
Our trial n is Optuna's trial n. Finished and stopped trials are COMPLETE, pruned and diverged ones PRUNED, failed ones
FAIL, interrupted ones WAITING; intermediate values are the objective of every epoch, counted from 1.
"""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy as sa
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.storages._rdb.models import TrialIntermediateValueModel
from optuna.trial import FrozenTrial, TrialState

from search import pruning
from search.ledger import Ledger, Recorded, StudyRecord
from search.space import Axis, Grid, Space
from search.study.leaf import longest
from search.study.sampling import distribution
from search.trial import State, Trial

optuna.logging.set_verbosity(optuna.logging.ERROR)
log = logging.getLogger(__name__)

LARGE = 2_000
"""Studies of more trials are mirrored with final and rung values only."""

STATES = {
    State.WAITING: TrialState.WAITING,
    State.RUNNING: TrialState.RUNNING,
    State.INTERRUPTED: TrialState.WAITING,
    State.FINISHED: TrialState.COMPLETE,
    State.STOPPED: TrialState.COMPLETE,
    State.PRUNED: TrialState.PRUNED,
    State.DIVERGED: TrialState.PRUNED,
    State.FAILED: TrialState.FAIL,
}


class Mirror:
    """Copies one study. Used by one thread at a time; `start` gives it a thread of its own.

    Args:
        ledger: where the truth is.
        record: the study.
        space: its space.
        storage: SQLAlchemy URL of the Optuna database.
    """

    def __init__(self, ledger: Ledger, record: StudyRecord, space: Space, storage: str) -> None:
        self._ledger = ledger
        self._record = record
        self._space = space
        self._url = storage
        self._storage: RDBStorage | None = None
        self._study_id = -1
        self._copied: dict[int, tuple[int, TrialState, int]] = {}  # number -> Optuna's id, state, values written
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, interval: float = 2.0) -> None:
        """Begin to copy every `interval` seconds (more rarely where one copy takes long) in a thread."""

        def work() -> None:
            pause = interval
            while not self._end.wait(pause):
                pause = max(interval, 10 * self._try_sync())

        self._thread = threading.Thread(target=work, name="mirror", daemon=True)
        self._thread.start()

    def stop(self) -> str:
        """End the thread and copy what is left; return why the mirror is behind, or ``""``."""
        self._end.set()
        if self._thread:
            self._thread.join()
        for _ in range(3):
            try:
                self.sync()
                return ""
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                self._storage = None
        return reason

    def _try_sync(self) -> float:
        """Copy, whatever happens to the mirror's database; return the seconds it took."""
        began = time.monotonic()
        try:
            self.sync()
        except Exception as error:  # a locked, deleted or edited mirror must not touch the study
            log.info("the mirror is behind and will be tried again: %s", error)
            self._storage = None
        return time.monotonic() - began

    def sync(self) -> None:
        """Bring the mirror up to the ledger; from scratch where it holds something else."""
        trials = self._ledger.trials(self._record.id)
        if self._storage is None or not self._still_there():
            self._open(trials)
        if any(self._contradicts(trial) for trial in trials):
            self._recreate()
        behind = [trial for trial in trials if self._behind(trial)]
        if not behind:
            return
        paths = self._ledger.paths(self._record.id)
        large = len(trials) > LARGE
        for trial in behind:
            keys = paths[trial.number][0][: trial.last_epoch]
            known = self._ledger.rows(keys)
            self._copy(trial, [known[key] for key in keys if key in known], large)

    # The Optuna side -----------------------------------------------------------------------------------------

    def _open(self, trials: Sequence[Trial]) -> None:
        self._storage = RDBStorage(self._url, engine_kwargs={"connect_args": self._connect_args()})
        if self._storage.engine.dialect.name == "sqlite":
            # Losing the mirror costs nothing, and waiting for the disk is most of what a copy takes.
            sa.event.listen(self._storage.engine, "connect", _hurry)
            self._storage.engine.dispose()
        direction = [optuna.study.StudyDirection[self._space.search.objective.direction.upper()]]
        try:
            self._study_id = self._storage.get_study_id_from_name(self._record.name)
        except KeyError:
            self._study_id = self._storage.create_new_study(direction, self._record.name)
            self._storage.set_study_system_attr(
                self._study_id, "study:metric_names", [self._space.search.objective.metric]
            )
        self._copied = {}
        found = sorted(self._storage.get_all_trials(self._study_id, deepcopy=False), key=lambda frozen: frozen.number)
        numbers = [frozen.number for frozen in found]
        same = self._storage.get_study_directions(self._study_id) == direction
        paths = self._ledger.paths(self._record.id) if found else {}
        if not same or numbers != [trial.number for trial in trials[: len(found)]]:
            self._recreate()
            return
        for frozen, trial in zip(found, trials, strict=False):
            if not self._agrees(frozen, trial, paths[trial.number][0], len(trials) > LARGE):
                self._recreate()
                return
            self._copied[trial.number] = (frozen._trial_id, frozen.state, max(frozen.intermediate_values, default=0))

    def _agrees(self, frozen: FrozenTrial, trial: Trial, path: Sequence[str], large: bool) -> bool:
        """Whether what the mirror holds of a trial can be brought up to ours by adding."""
        finished, values = frozen.state.is_finished(), frozen.intermediate_values
        if finished and (frozen.state != STATES[trial.state] or frozen.user_attrs.get("ended_by") != trial.ended_by):
            return False
        ours = self._template(trial, frozen.state, ())
        attributes = {name: value for name, value in ours.user_attrs.items() if name != "ended_by"}
        if frozen.params != ours.params or not attributes.items() <= frozen.user_attrs.items():
            return False
        reached = trial.last_epoch if finished else max(values, default=0)
        if reached > trial.last_epoch or not self._steps(reached, large, finished) <= values.keys():
            return False
        if frozen.state == TrialState.COMPLETE and frozen.values != [values[reached]]:
            return False
        known = self._ledger.rows([path[step - 1] for step in values])
        return all(
            path[step - 1] in known and _alike(value, self._value(known[path[step - 1]]))
            for step, value in values.items()
        )

    def _recreate(self) -> None:
        assert self._storage is not None
        self._storage.delete_study(self._study_id)
        self._copied = {}
        self._open([])

    def _connect_args(self) -> dict[str, Any]:
        return {"timeout": 10} if self._url.startswith("sqlite") else {}

    def _still_there(self) -> bool:
        assert self._storage is not None
        url = sa.make_url(self._url)
        if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
            return False
        try:
            return bool(self._storage.get_study_id_from_name(self._record.name) == self._study_id)
        except KeyError:
            return False

    def _contradicts(self, trial: Trial) -> bool:
        """A trial Optuna holds for finished, which ended otherwise or goes on: Optuna does not let it be changed."""
        if trial.number not in self._copied:
            return False
        _, state, _ = self._copied[trial.number]
        return state.is_finished() and state != STATES[trial.state]

    def _behind(self, trial: Trial) -> bool:
        if trial.number not in self._copied:
            return True
        _, state, written = self._copied[trial.number]
        return state != STATES[trial.state] or (not state.is_finished() and written < trial.last_epoch)

    def _copy(self, trial: Trial, rows: Sequence[Recorded], large: bool) -> None:
        assert self._storage is not None
        wanted = STATES[trial.state]
        curve = {t + 1: self._value(row) for t, row in enumerate(rows)}
        if trial.number not in self._copied:
            # A finished trial is made unfinished first: what is finished takes no values any more.
            state = TrialState.WAITING if wanted == TrialState.WAITING else TrialState.RUNNING
            trial_id = self._storage.create_new_trial(self._study_id, self._template(trial, state, rows))
            self._copied[trial.number] = (trial_id, state, 0)
        trial_id, state, written = self._copied[trial.number]
        if wanted != TrialState.WAITING and state == TrialState.WAITING:
            self._storage.set_trial_state_values(trial_id, TrialState.RUNNING)
            state = TrialState.RUNNING
        steps = self._steps(len(curve), large, wanted.is_finished())
        self._insert_values(trial_id, {step: curve[step] for step in sorted(steps) if step > written})
        if wanted != state:
            self._storage.set_trial_user_attr(trial_id, "ended_by", trial.ended_by)
            value = [curve[len(rows)]] if wanted == TrialState.COMPLETE else None
            self._storage.set_trial_state_values(trial_id, wanted, value)
        self._copied[trial.number] = (trial_id, wanted, len(curve))

    def _value(self, row: Recorded) -> float:
        return row.row.metrics.get(self._space.search.objective.metric, math.nan)

    def _steps(self, epochs: int, large: bool, finished: bool) -> set[int]:
        """Which of so many epochs have an intermediate value."""
        if not large:
            return set(range(1, epochs + 1))
        asha = self._space.search.asha
        steps = set(pruning.rungs(asha.grace_period, asha.reduction_factor, longest(self._space))) if asha else set()
        return {step for step in steps if step <= epochs} | ({epochs} if finished and epochs else set())

    def _insert_values(self, trial_id: int, values: Mapping[int, float]) -> None:
        """One bulk insert: through the storage's own method each value is a transaction of about 2 ms."""
        if not values:
            return
        assert self._storage is not None
        rows = []
        for step, value in values.items():
            stored, kind = TrialIntermediateValueModel.intermediate_value_to_stored_repr(value)
            rows.append(
                {"trial_id": trial_id, "step": step, "intermediate_value": stored, "intermediate_value_type": kind}
            )
        with self._storage.engine.begin() as connection:
            connection.execute(sa.delete(_VALUES).where(_VALUES.c.trial_id == trial_id, _VALUES.c.step.in_(values)))
            connection.execute(sa.insert(_VALUES), rows)

    def _template(self, trial: Trial, state: TrialState, rows: Sequence[Recorded]) -> FrozenTrial:
        axes = {axis.name: axis for axis in self._space.axes}
        distributions = {name: shown(axes[name]) for name in trial.parameters if name in axes}
        params = {name: trial.parameters[name] for name in distributions}
        for name, value in params.items():
            known = distributions[name]
            if isinstance(known, CategoricalDistribution) and value not in known.choices:
                distributions[name] = CategoricalDistribution((*known.choices, value))
        template = FrozenTrial(
            number=-1,
            trial_id=-1,
            state=state,
            value=None,
            datetime_start=_began(rows) if state == TrialState.RUNNING else None,
            datetime_complete=None,
            params=params,
            distributions=distributions,
            user_attrs={
                "trial": trial.number,
                "configuration": trial.configuration,
                "seed": trial.seed,
                "ended_by": "",
                "settings": json.dumps(dict(trial.settings)),
            },
            system_attrs={},
            intermediate_values={},
        )
        return template


def _hurry(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous = OFF")


_VALUES: sa.Table = TrialIntermediateValueModel.__table__


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


def _began(rows: Sequence[Recorded]) -> datetime:
    """When the first row's epoch began. Optuna 5 stores UTC and wants a naive time."""
    if not rows:
        return datetime.now()
    first = datetime.fromisoformat(rows[0].recorded) - timedelta(seconds=rows[0].seconds)
    return first.astimezone().replace(tzinfo=None)
