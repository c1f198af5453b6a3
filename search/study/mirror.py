"""The mirror: the ledger's trials copied into an Optuna database, for the dashboard and for Optuna's own plots.

Nothing of ours ever reads it to decide anything: deleting or editing it loses nothing, the next `sync` puts it right.
Our trial n is Optuna's trial n; `search.study.copies` says what it looks like there.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy as sa
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from search.core.trial import Trial
from search.ledger.distrust import Distrust
from search.ledger.ledger import Recorded
from search.ledger.measured import Measured
from search.study import optuna_rows
from search.study.copies import STATES, Copies
from search.study.costs import costs_on_record
from search.study.opened import OpenStudy
from search.study.optuna_sampler import directions
from search.study.optuna_storage import open_optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
log = logging.getLogger(__name__)

MIRROR_FILE = "optuna.db"
"""Its place in a results folder, where no other is given."""

MAX_TRIALS_IN_FULL = 2_000
"""Studies of more trials are mirrored with final and rung values only."""

BATCH_TRIALS = 200
"""Trials brought up at once."""

EDITED = "the Optuna mirror was deleted or edited by somebody else: it is written anew from the ledger, nothing is lost"


class Mirror:
    """Copies one study. Used by one thread at a time; `start` gives it a thread of its own.

    Args:
        study: the study, whose ledger holds the truth.
        storage: SQLAlchemy URL of the Optuna database.
        say: told once when the database cannot be used, and once when somebody else deleted or edited it.
    """

    def __init__(self, study: OpenStudy, storage: str, say: Callable[[str], None] = lambda text: None) -> None:
        self._ledger, self._record, self._space = study.ledger, study.record, study.space
        self._measured = Measured(self._ledger, self._space.search.measured)
        self._say, self._said = say, set[str]()
        self._url = storage
        self._storage: RDBStorage | None = None
        self._file: tuple[int, int] | None = None  # which one was opened
        self._study_id = -1
        self._opened = False
        self._distrusted: dict[str, Distrust] = {}
        self._copied: dict[int, tuple[int, TrialState, int]] = {}  # number -> Optuna's id, state, values written
        self._copies = Copies(study.space)
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
                self._drop()
        return reason

    def _try_sync(self) -> float:
        """Copy, whatever happens to the mirror's database; return the seconds it took."""
        began = time.monotonic()
        try:
            self.sync()
        except Exception as error:  # a locked, deleted or edited mirror must not touch the study
            log.info("the mirror is behind and will be tried again: %s", error)
            self._drop()
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            self._remark(f"the Optuna mirror cannot be brought up now ({reason}): the study goes on, it is tried again")
        return time.monotonic() - began

    def sync(self) -> None:
        """Bring the mirror up to the ledger; from scratch where it holds something else."""
        distrusted = self._ledger.distrusted()  # before the trials: what changes in between is seen the next time
        trials = self._ledger.trials(self._record.id)
        self._copies.costs = costs_on_record(self._ledger, self._record.id, self._space)
        if self._storage is not None and not self._still_there():
            self._drop()
            self._remark(EDITED)
        if self._storage is None:
            self._open(trials)
        elif distrusted != self._distrusted:  # it may hold rows that were withdrawn since
            self._recreate()
        self._distrusted = distrusted
        if any(self._contradicts(trial) for trial in trials):
            self._recreate()
        behind = [trial for trial in trials if self._behind(trial)]
        for start in range(0, len(behind), BATCH_TRIALS):
            self._catch_up(behind[start : start + BATCH_TRIALS], len(trials) > MAX_TRIALS_IN_FULL)

    def _catch_up(self, trials: Sequence[Trial], large: bool) -> None:
        """Bring trials that are behind up to the ledger: those that are new in one transaction."""
        assert self._storage is not None
        paths = self._ledger.paths(self._record.id, [trial.number for trial in trials])
        keys = {trial.number: paths[trial.number][0][: trial.last_epoch] for trial in trials}
        data_of = {key: paths[number][1] for number, path in keys.items() for key in path}
        known = self._measured.rows(data_of)
        rows = {number: [known[key] for key in path if key in known] for number, path in keys.items()}
        new = [trial for trial in trials if trial.number not in self._copied]
        copies = [self._copies.of(trial, rows[trial.number], large) for trial in new]
        with self._storage.engine.begin() as connection:
            ids = optuna_rows.insert(connection, self._study_id, copies)
        for trial, copy, trial_id in zip(new, copies, ids, strict=True):
            self._copied[trial.number] = (trial_id, copy.state, len(rows[trial.number]))
        for trial in trials:
            if self._behind(trial):
                self._go_on(trial, rows[trial.number], large)

    def _remark(self, text: str) -> None:
        kind = text.partition("(")[0]
        if kind not in self._said:
            self._said.add(kind)
            self._say(text)

    # The Optuna side -----------------------------------------------------------------------------------------

    def _open(self, trials: Sequence[Trial]) -> None:
        self._storage = open_optuna(self._url, connect_args=self._connect_args())
        if self._storage.engine.dialect.name == "sqlite":
            # Losing the mirror costs nothing, and waiting for the disk is most of what a copy takes.
            sa.event.listen(self._storage.engine, "connect", _hurry)
            self._storage.engine.dispose()
        self._file = self._file_there()
        direction = directions(self._space)
        try:
            self._study_id = self._storage.get_study_id_from_name(self._record.name)
        except KeyError:
            self._study_id = self._storage.create_new_study(direction, self._record.name)
            self._storage.set_study_system_attr(
                self._study_id, "study:metric_names", [one.metric for one in self._space.search.objectives]
            )
        again, self._opened = self._opened, True
        same = self._storage.get_study_directions(self._study_id) == direction
        if not (same and self._take_up(trials)):
            if again:  # before the first time it may be of an earlier run, and another truth
                self._remark(EDITED)
            self._recreate()

    def _drop(self) -> None:
        """Forget the storage, and close its files at once: one may be opened every other second for hours."""
        if self._storage is not None:
            self._storage.engine.dispose()
        self._storage = None

    def _take_up(self, trials: Sequence[Trial]) -> bool:
        """Take note of what the mirror holds; return whether it can be brought up to ours by adding."""
        assert self._storage is not None
        self._copied = {}
        large = len(trials) > MAX_TRIALS_IN_FULL
        for copies in optuna_rows.read(self._storage.engine, self._study_id):
            ours = trials[len(self._copied) : len(self._copied) + len(copies)]
            if [copy.number for copy in copies] != [trial.number for trial in ours]:
                return False
            paths = self._ledger.paths(self._record.id, [trial.number for trial in ours])
            steps = [(*paths[copy.number], step) for copy in copies for step in copy.intermediate]
            keys = {path[step - 1]: data for path, data, step in steps if 0 < step <= len(path)}
            known = self._measured.rows(keys)
            for copy, trial in zip(copies, ours, strict=True):
                if not self._copies.agree(copy, trial, paths[trial.number][0], known, large):
                    return False
                self._copied[trial.number] = (copy.id, copy.state, max(copy.intermediate, default=0))
        return True

    def _recreate(self) -> None:
        assert self._storage is not None
        with self._storage.engine.begin() as connection:
            optuna_rows.remove(connection, self._study_id)
        self._storage.delete_study(self._study_id)
        self._copied = {}
        self._open([])

    def _connect_args(self) -> dict[str, object]:
        return {"timeout": 10} if self._url.startswith("sqlite") else {}

    def _still_there(self) -> bool:
        assert self._storage is not None
        if self._file_there() != self._file:
            return False
        try:
            return bool(self._storage.get_study_id_from_name(self._record.name) == self._study_id)
        except KeyError:
            return False

    def _file_there(self) -> tuple[int, int] | None:
        """Return what tells one SQLite file from another that took its place; None where there is none."""
        url = sa.make_url(self._url)
        if url.get_backend_name() != "sqlite" or not url.database:
            return None
        try:
            found = Path(url.database).stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

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

    def _go_on(self, trial: Trial, rows: Sequence[Recorded], large: bool) -> None:
        """Add to a trial that Optuna holds what came since."""
        assert self._storage is not None
        wanted = STATES[trial.state]
        copy = self._copies.of(trial, rows, large)
        trial_id, state, written = self._copied[trial.number]
        if wanted != TrialState.WAITING and state == TrialState.WAITING:
            self._storage.set_trial_state_values(trial_id, TrialState.RUNNING)
            state = TrialState.RUNNING
        with self._storage.engine.begin() as connection:
            new = {step: value for step, value in copy.intermediate.items() if step > written}
            optuna_rows.put_steps(connection, trial_id, new)
        if wanted != state:
            self._storage.set_trial_user_attr(trial_id, "ended_by", trial.ended_by)
            self._storage.set_trial_state_values(trial_id, wanted, copy.values or None)
            with self._storage.engine.begin() as connection:
                optuna_rows.put_times(connection, trial_id, copy.began, copy.ended)
        self._copied[trial.number] = (trial_id, wanted, len(rows))


def _hurry(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")
