"""What runs on a worker: trains the epochs of one lease after another, saves states, and reports rows.

A worker process serves many leases: starting one costs seconds. On a CPU each lease trains in a process of its own, a
fork of a warm one beside the worker (`search.engine.worker.process`): what one leaves behind - random state, flags, a
cache that was changed - can reach no other. Where a fork is no fresh process, on a GPU, the worker trains one lease
after another itself; what must not leak is then the workload's to set again when it starts a run, as its contract says.
"""

from __future__ import annotations

import gc
import math
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from typing import Any

from search.core.stopping import StopRule
from search.core.trial import DataCard, Row
from search.engine.decide.lease import Assignment, Lease, Proof, Trained
from search.engine.worker import process
from search.engine.worker.deaths import SETUP_ALLOWANCE_S, Signs, out_of_memory, visible_gpus
from search.engine.worker.place import prepare, verify_class, verify_data
from search.engine.worker.usage import Refused, Usage, taken
from search.ledger.files import BadState, read_state, write_state
from search.ledger.kept import KeptState, Role
from search.proof.fresh import Fresh, FreshDied, FreshFailed
from search.workload import Run
from search.workload.foreign import first_line
from search.workload.form import Form, form_of
from search.workload.measured import row_of

LEASE, TRAINED, PROVED = "lease_id", "lease_trained", "proof_rows"
ERROR, MISS, DIED = "lease_error", "lease_miss", "process_died"
USAGE, SHORT, GPUS = "gpu_usage", "gpu_short", "visible_gpus"
"""What is in a result: epochs that were trained, and for each of them what the run takes of its GPU; or the rows of a
proof; which GPUs the worker sees; or why there are none: an exception of the workload, whether for want of memory that
others on its GPU may have, a state to start from that is not there or not sound, or a fresh process that died."""

REPORTED_SHARE = 4
"""Epochs are reported together that are at most one in so many of those the lease trained before: a short lease reports
each by itself, and what a worker that dies takes with it is a small part of its work."""


class LeaseTrainable:
    """A Ray Tune trial: one lease, a few epochs a step; or one proof, in one step. Free of Ray."""

    def setup(self, config: Mapping[str, Any]) -> None:
        """Take the first lease; nothing is imported or built before the first step, where errors are told."""
        self._assignment: Assignment = config["assignment"]
        self._run: Run | None = None
        self._card: DataCard | None = None
        self._form: Form | None = None  # of the row before
        self._epoch = 0  # of the whole trial
        self._saved = 0  # epoch of the last state on disk
        self._unsaved = 0.0  # seconds trained since
        self._finite = True
        self._kept: KeptState | None = None  # the last state of this lease
        self._again = False  # whether the lease was begun once more, for want of memory on the GPU
        self._fresh = False  # whether this process had trained nothing before
        lease, setup = self._assignment.lease, self._assignment.setup
        self._stops = deepcopy(lease.stops) if isinstance(lease, Lease) else ()
        self._ends = deepcopy(lease.ends) if isinstance(lease, Lease) else ()
        self._stopped = False  # by one of these rules, with the last epoch
        self._ended = False  # so may have been a leaf, with the last epoch
        self._failure: dict[str, object] | None = None  # told behind the epochs that came before it
        self._signs = Signs(setup.signs, lease.id, setup.epoch_seconds)

    def reset_config(self, new_config: Mapping[str, object]) -> bool:
        """Take the next lease in the same process."""
        self._leave()
        self._signs.close()
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train the next epochs of the lease; an exception of the workload is a result, not a crash."""
        given = self._assignment.lease
        result = self._prove(given) if isinstance(given, Proof) else self._train(given)
        return {GPUS: visible_gpus(), **result}

    def _prove(self, proof: Proof) -> dict[str, object]:
        """Train what a proof asks for, in fresh processes; nothing of it says anything against the workload yet."""
        setup, epoch = self._assignment.setup, proof.stretches[0].epoch
        try:
            self._make_warm(epoch)
            with self._signs.busy(epoch, more=SETUP_ALLOWANCE_S):
                rows = process.proved(proof, setup)
        except BadState as bad:
            return {LEASE: proof.id, MISS: str(bad), "done": True}
        except (Exception, SystemExit) as error:
            return {LEASE: proof.id, ERROR: self._told(error), "done": True}
        return {LEASE: proof.id, PROVED: rows}  # never "done", as a row

    def _train(self, lease: Lease) -> dict[str, object]:
        """Train an epoch, and those behind it that are reported with it."""
        trained: list[Trained] = []
        usage: list[Usage | str | None] = []
        failure, self._failure = self._failure, None
        while failure is None:
            epoch = self._train_epoch(lease)
            if isinstance(epoch, dict):
                failure = epoch
                break
            trained.append(epoch[0])
            usage.append(epoch[1])
            failure = self._failure
            if not self._reports_later(lease, trained):
                break
        if failure is not None and not trained:
            return failure
        self._failure = failure
        # Never "done": Tune would not show its scheduler a last result, and every row must be committed.
        return {LEASE: lease.id, TRAINED: trained, USAGE: usage}

    def _reports_later(self, lease: Lease, trained: Sequence[Trained]) -> bool:
        """Whether the next epoch is trained before these are reported: nothing is decided on them that a worker cannot
        know, nobody waits for a state of theirs, and they were short."""
        last, count = trained[-1], len(trained)
        known = self._epoch < lease.offset + len(lease.path) and self._finite and not (self._stopped or self._ended)
        short = sum(one.seconds for one in trained) + last.seconds <= self._assignment.setup.reporting
        few = (count + 1) * REPORTED_SHARE <= self._epoch - lease.offset - count
        return known and short and few and last.kept is None and not last.unkept

    def _train_epoch(self, lease: Lease) -> tuple[Trained, Usage | str | None] | dict[str, object]:
        """Train the next epoch; return it and what the run takes of its GPU, or a result that says why not."""
        try:
            if self._run is None:
                self._begin(lease)
            try:
                measured, seconds, usage = self._measured(lease)
            except Refused:
                if self._again or self._assignment.setup.crowded:
                    raise
                self._begin_again(lease)
                measured, seconds, usage = self._measured(lease)
            if self._own is not None:
                process.learn_modules(self._assignment.setup, self._own)
            row = row_of(measured, self._card, self._form)
            self._form = form_of(row)
        except BadState as bad:
            self._let_go()
            return {LEASE: lease.id, MISS: str(bad), "done": True}
        except KeyboardInterrupt:
            raise
        except FreshDied as died:
            return self._died(lease, died)
        except BaseException as error:  # SystemExit and its like among them
            self._let_go()  # whatever state it is in, nobody shall go on from it
            short = self._assignment.setup.crowded and out_of_memory(error)
            return {LEASE: lease.id, ERROR: self._told(error), SHORT: short, "done": True}
        self._epoch += 1
        self._unsaved += seconds
        self._stopped = any(self._stops_now(self._stops, row))
        self._ended = any(self._stops_now(self._ends, row)) or any(
            rule.fault or rule.metric not in row.metrics for _, rule in self._ends
        )
        self._finite = all(math.isfinite(value) for value in row.metrics.values())
        kept, unkept = None, ""
        if role := self._due(lease):
            try:
                kept = self._save(lease, role)
            except FreshDied as died:  # the row stands, and is reported first
                self._failure = self._died(lease, died)
            except Exception as error:  # room, rights, or the workload's save: the row stands, others train again
                self._saved, self._unsaved = self._epoch, 0.0  # not tried again every epoch
                unkept = error.reason if isinstance(error, FreshFailed) else f"{type(error).__name__}: {error}"
        return Trained(row, seconds, kept, unkept, self._fresh), usage

    def _measured(self, lease: Lease) -> tuple[Any, float, Usage | str | None]:
        """Train the next epoch; return what the workload measured, its seconds, and what the run takes of its GPU.

        Raises:
            Refused: the run got less memory there than it asked for.
        """
        assert self._run is not None
        with self._signs.busy(self._epoch + 1, own=self._own):
            began = time.monotonic()
            measured = self._run.train_epoch(lease.schedule[self._epoch - lease.offset])
            seconds = time.monotonic() - began
        setup = self._assignment.setup
        return measured, seconds, taken(self._run, setup.crowded, self._again) if setup.gpus else None

    def _begin_again(self, lease: Lease) -> None:
        """Begin the lease once more, in a run that is refused nothing the last one was; come to where it was."""
        reached, saved, form = self._epoch, self._saved, self._form
        self._let_go()
        self._begin(lease)
        assert self._run is not None
        if self._kept is not None:
            self._run.load(read_state(self._assignment.setup.states, self._kept.file))
            self._epoch = self._kept.epoch
        while self._epoch < reached:
            with self._signs.busy(self._epoch + 1, own=self._own):
                self._run.train_epoch(lease.schedule[self._epoch - lease.offset])
            self._epoch += 1
        self._saved, self._form, self._again = saved, form, True

    def _stops_now(self, rules: Sequence[tuple[int, StopRule]], row: Row) -> list[str]:
        """Tell stop rules of the epoch that was just trained; return what each says."""
        read = row.metrics
        return [rule.update(read.get(rule.metric, math.nan)) for seen, rule in rules if self._epoch > seen]

    def cleanup(self) -> None:
        """Let go of the run."""
        self._leave()
        self._signs.close()

    def _told(self, error: BaseException) -> str:
        """Return the traceback of what ended a lease; its last line is shown where there is room for one."""
        text = str(error) if isinstance(error, FreshFailed) else traceback.format_exc()
        if out_of_memory(error):
            what = error.raised if isinstance(error, FreshFailed) else first_line(error)
            text += f"out of memory in epoch {self._epoch + 1}: {what}; "
            text += "give a trial more (resources.gpus, fewer at once), or make it smaller\n"
        return text

    @property
    def _own(self) -> Fresh | None:
        """The process of the lease, where it has one."""
        return self._run if isinstance(self._run, Fresh) else None

    def _make_warm(self, epoch: int) -> None:
        """Make what gives fresh processes: only the import of the workload may take too long."""
        setup = self._assignment.setup
        with self._signs.busy(epoch, more=SETUP_ALLOWANCE_S):
            verify_class(setup)
        process.make_warm(setup)

    def _begin(self, lease: Lease) -> None:
        """Start the run of a lease, in the state it starts from."""
        setup, first = self._assignment.setup, lease.offset + 1
        self._form = lease.form
        self._make_warm(first)
        if process.has_own(lease, setup):
            with self._signs.busy(first, more=SETUP_ALLOWANCE_S):
                own = self._run = process.fresh(setup, lease)  # ended with the lease, whether it starts or not
                own.note_faults(self._signs.faults)
            with self._signs.busy(first, more=SETUP_ALLOWANCE_S, own=own):
                self._fresh, self._card = True, verify_data(setup, lease, own.data)
                own.start(lease.fixed, setup.cpus, setup.gpus)
                if lease.start is not None:
                    process.load(own, setup, lease)
        else:
            with self._signs.busy(first, more=SETUP_ALLOWANCE_S):
                self._card, self._fresh = verify_data(setup, lease), process.begins_to_train()
                self._run = self._started_here(lease)
        self._epoch = self._saved = lease.offset

    def _started_here(self, lease: Lease) -> Run:
        """Return the run of a lease in this process, in the state it starts from."""
        setup = self._assignment.setup
        run = prepare(setup).start(lease.fixed, setup.cpus, setup.gpus)
        if lease.start is not None:
            state = read_state(setup.states, lease.start.file)
            try:
                run.load(state)
            except Exception as error:  # sound bytes that the workload cannot read: of another version of it
                raise BadState(f"state {lease.start.file.name} cannot be loaded: {error!r}") from error
        return run

    def _died(self, lease: Lease, died: FreshDied) -> dict[str, object]:
        """Return the result that the lease's own process died."""
        self._let_go()
        return {LEASE: lease.id, DIED: died.how, "done": True}

    def _due(self, lease: Lease) -> Role | None:
        """Return what the state is saved for now, if it is."""
        setup = self._assignment.setup
        if not setup.states or not self._finite or lease.alone:
            return None
        role = lease.keep.get(self._epoch)
        if role == Role.SPACED and self._unsaved < setup.spacing:
            role = None
        if role is None and self._stopped:
            role = Role.LAST
        if role is None and self._unsaved >= setup.rolling and self._epoch < lease.offset + len(lease.path):
            role = Role.ROLLING
        return role

    def _save(self, lease: Lease, role: Role) -> KeptState:
        assert self._run is not None
        key = lease.path[self._epoch - lease.offset - 1]
        with self._signs.busy(self._epoch, more=SETUP_ALLOWANCE_S, own=self._own):
            kept = KeptState(write_state(self._assignment.setup.states, key, self._run.save()), self._epoch, role)
        self._saved, self._unsaved, self._kept = self._epoch, 0.0, kept
        return kept

    def _leave(self) -> None:
        """Save the state in which the driver ended the chain, which finds the file by its name; let go of the run."""
        lease, setup = self._assignment.lease, self._assignment.setup
        states = self._run is not None and setup.states and setup.leave and self._epoch > self._saved and self._finite
        if states and isinstance(lease, Lease) and not lease.alone:
            with suppress(Exception):
                self._save(lease, Role.LAST)
        self._let_go()

    def _let_go(self) -> None:
        """Let go of the run; one in a fresh process ends with it. What others held on a GPU is free behind it."""
        if self._own is not None:
            self._own.close()
        elif self._run is not None and self._assignment.setup.gpus:
            self._run = None
            gc.collect()  # a run that holds itself would stay until somebody looks
        self._run = None
