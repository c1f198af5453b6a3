"""One run over one study, from a space to settled trials."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from search.core.errors import StorageFailed
from search.core.trial import DataCard
from search.engine.decide.context import Context
from search.engine.decide.driver import Driver
from search.engine.executor.kept import KeptRay
from search.engine.live import View, announced
from search.engine.machines.agreement import StudySample
from search.engine.machines.gauge import Gauge
from search.engine.machines.nodes import Share, TrainingNode
from search.engine.outage import through_outages
from search.engine.signals import dropped, stopping_on_signals
from search.engine.steps.conclude import RunOutcome, conclude
from search.engine.steps.conditions import conditions
from search.engine.steps.first_epochs import FirstEpochs
from search.engine.steps.prepare import asked_ahead, every_trial_ended, grid_on_record, proven_class, read_data
from search.ledger.ledger import Ledger, StudyRecord
from search.ledger.lock import study_lock
from search.plan.overhead import TIMINGS
from search.plan.place import Place, recorded_place
from search.plan.plan import plan_of
from search.space.model import Space
from search.study.changed import StudyChanged, check_unchanged
from search.study.frozen import CODE, code_of, frozen_of
from search.study.leaf import Planner
from search.study.limited import limit_reached
from search.study.mirror import Mirror
from search.study.opened import OpenStudy
from search.study.revision import bring_up_to_date, find_study, new_revision, study_in_class
from search.study.sampling import make_sampler
from search.study.start import starting_points
from search.system import gpus as gpus_here
from search.system import limits
from search.system.machine import fork_is_fresh
from search.system.surroundings import require_surroundings
from search.workload import Workload, load_workload

ALONE = (
    "what may be wrong is withdrawn; the study goes on with every trial like these alone, from its first epoch to its "
    "last in a process of its own"
)
"""Said where a kind came to be distrusted."""


def run_study(
    space: Space,
    ledger: Ledger,
    mirror: str,
    view: View,
    sharing: bool = True,
    other_class: str = "refuse",
    address: str = "",
    ray: KeptRay | None = None,
    remark: Callable[[OpenStudy], str] = lambda study: "",
) -> RunOutcome:
    """Train what is missing of a study, until it is done or interrupted.

    Args:
        space: what to search.
        ledger: where rows are.
        mirror: SQLAlchemy URL of the Optuna database.
        view: what the person sees.
        sharing: where false, every trial trains alone.
        other_class: what to do where the study is pinned to another execution class: ``refuse``, or ``new`` for a
            new revision in this machine's class.
        address: HOST:PORT of a Ray cluster that trains; where it is empty, this machine does.
        ray: that several runs of this machine use; None: one is started for this run, and ended with it.
        remark: gives what is to be said of the study before anything is trained, or "".

    Raises:
        UserError: the study is locked, or of another execution class, or a node of the cluster cannot train it, or this
            machine's GPUs are of several models, or Ray cannot run here; nothing was changed.
        StorageFailed: the database went away for good, or has no room; what is committed stays.
    """
    require_surroundings()
    workload = load_workload(space.workload)
    sample, card = read_data(space, workload, view)
    deadline: list[float] = []  # of the whole run, whatever outages there are

    def run() -> RunOutcome:
        record = find_study(ledger, space)
        with study_lock(ledger.engine, record.name):
            record = bring_up_to_date(ledger, record, space)
            if card is not None and card.fingerprint:  # of a study that is settled nobody plans, and so asks, a trial
                ledger.put_data(card)
            if said := remark(OpenStudy(ledger, record, space)):
                view.say(said)
            steps = _Steps(space, ledger, workload, view, sharing, address, sample, deadline, ray)
            return steps.run(record, mirror, other_class)

    return through_outages(run, ledger, view)


@dataclass
class _Steps:
    """The steps of one run, in order; Ray is started only where something is to be trained."""

    space: Space
    ledger: Ledger
    workload: Workload
    view: View
    sharing: bool
    address: str
    sample: StudySample
    deadline: list[float]  # monotonic seconds, once training has begun
    ray: KeptRay | None = None
    nodes: Sequence[TrainingNode] = ()  # of a cluster
    first: FirstEpochs | None = None  # with the plan of the run
    ray_s: float = 0.0  # until a worker had said what it is

    def run(self, record: StudyRecord, mirror_url: str, other_class: str) -> RunOutcome:
        """Settle what is known; train what is missing."""
        with ExitStack() as locks:
            record = self._unchanged(record, other_class, locks)
            return self._run(record, mirror_url, other_class, locks)

    def _run(self, record: StudyRecord, mirror_url: str, other_class: str, locks: ExitStack) -> RunOutcome:
        self.view.name_study(record.name)
        place = recorded_place(self.ledger, self.space) if not self.address else None  # of a cluster nothing is known
        allowed, wanted = limits.cpus(), self.space.resources.cpus
        pinned = record.execution_class or (place.execution_class if place is not None else None)
        with announced(self.view, "looking at what is on record"):
            maybe = pinned is not None and self._may_be_settled(record, pinned)
        if pinned is not None and maybe:
            record = self._pinned(record, pinned)
            with announced(self.view, "reading what is on record"):
                driver, run_id = self._driver(record, allowed.usable, place.gpus if place is not None else 0.0)
                settled = not self._settle(driver)
            if settled:
                behind = Mirror(self._study(record), mirror_url).stop()
                return conclude(driver, self._study(record), run_id, behind, 0.0, None, self.view)
            self.ledger.end_run(run_id, "settled", 0.0)
        if not self.address and self.space.resources.gpus != 0:
            gpus_here.require_alike()
        self.ledger.states.make_folder()
        asks = not self.address and self._known_class(wanted, 0.0) is None
        if (ahead := asked_ahead(self.space) if asks else None) is not None:
            locks.enter_context(ahead)
        began = time.monotonic()
        ray_runs = self.ray is not None and self.ray.started
        if not ray_runs:
            self.view.say(f"joining the Ray cluster at {self.address}" if self.address else "starting Ray")
        from search.engine.executor import tune

        if not self.address and (note := allowed.note(wanted)):
            self.view.say(note)
        start = partial(tune.ray_at, self.address, allowed.offered(wanted), self.view.say)
        with start() if self.ray is None else self.ray.at(start):
            share = tune.share(self.space.resources)
            cpus, gpus, workers = share.cpus, share.gpus, share.workers
            if self.address:
                self.nodes = share.nodes
                cluster = (self.address, share, self.sample, self.view)
                execution_class = proven_class(self.ledger, self.space, self.workload, *cluster)
            elif (known := self._known_class(cpus, gpus)) is not None:
                execution_class = known
            else:
                self.view.say("asking a worker what it is")
                execution_class = tune.ask_execution_class(self.space.workload, cpus, gpus, ahead)
                if self.ray is not None:
                    self.ray.learn(self.space.workload, cpus, gpus, execution_class)
            self.ray_s = 0.0 if ray_runs else time.monotonic() - began
            other = study_in_class(self._study(record), execution_class, other_class)
            if other.name != record.name:
                locks.enter_context(study_lock(self.ledger.engine, other.name))
                other = self._unchanged(other, other_class, locks)
            record = self._pinned(other, execution_class)
            self.view.name_study(record.name)
            room = self.space.resources.states_gb > 0 and getattr(self.workload, "resumable", True)
            states = {
                "states": str(self.ledger.states.folder),
                "leave": self.sharing and room,
                "elsewhere": bool(self.address),
                "epoch_seconds": self.space.resources.epoch_seconds,
                **({"reporting": 0.0} if self._decides_on_each_row else {}),
                **({} if room else {"rolling": math.inf}),
            }
            setup = tune.worker_setup(self.space.workload, cpus, gpus, execution_class, **states)
            where = f", nodes: {len(self.nodes)}" if self.nodes else ""
            self.view.say(f"study {record.name}: {workers} workers of {cpus} CPU and {gpus:g} GPU{where}")

            def execute(driver: Driver, run_id: int) -> None:
                tune.execute(driver, setup, share, self._gauge(driver, run_id, share))

            mirror = Mirror(self._study(record), mirror_url, self.view.say)
            mirror.start()
            try:
                *rounds, (driver, run_id, seconds) = self._rounds(record, workers, gpus, execute)
            finally:
                with announced(self.view, "bringing Optuna's mirror up to date"):
                    behind = mirror.stop()
                if self.ray is None:
                    self.view.say("ending Ray")
        driver.collect()
        ray_s = self.ray_s if not rounds else None
        assert self.first is not None
        outcome = conclude(driver, self._study(record), run_id, behind, seconds, self.first.plan, self.view, ray_s)
        earlier = sum(before.progress.epochs_trained for before, _, _ in rounds)
        return replace(outcome, epochs_trained=outcome.epochs_trained + earlier)

    def _rounds(
        self, record: StudyRecord, workers: int, gpus: float, execute: Callable[[Driver, int], None]
    ) -> list[tuple[Driver, int, float]]:
        """Train until nothing is left: in one round, and in one more wherever kinds came to be distrusted.

        Returns:
            for each round its driver, the run it is on record as, and the seconds it trained.
        """
        rounds: list[tuple[Driver, int, float]] = []
        while not rounds or self._goes_on_alone(record, rounds[-1][0]):
            if rounds:
                self.view.say(ALONE)
                rounds[-1][0].collect()
                self.ledger.end_run(rounds[-1][1], "went on alone", rounds[-1][2])
            with announced(self.view, "planning the run"):
                driver, run_id = self._driver(record, workers, gpus, training=True)
            began = time.monotonic()
            try:
                self._train(driver, partial(execute, driver, run_id))
            except StorageFailed:
                raise  # nothing can be recorded now
            except BaseException as error:
                self.ledger.end_run(run_id, f"error: {type(error).__name__}", time.monotonic() - began)
                raise
            rounds.append((driver, run_id, time.monotonic() - began))
            if measured := driver.context.pace.overhead():
                self.ledger.amend_run(run_id, {TIMINGS: ({"ray": self.ray_s} if self.ray_s else {}) | measured})
        return rounds

    def _goes_on_alone(self, record: StudyRecord, driver: Driver) -> bool:
        """Whether one more round follows: a kind came to be distrusted, by this driver or by another one meanwhile."""
        if driver.stopping or driver.out_of_time or driver.limit:
            return False
        return self.ledger.reopen(record.id) > 0 or driver.fallen

    def _unchanged(self, record: StudyRecord, other_class: str, locks: ExitStack) -> StudyRecord:
        """Return the study, or a new revision of it where its data or code are others now, and one was asked for.

        Raises:
            StudyChanged: they are, and none was.
        """
        if record.execution_class is None:
            return record
        try:
            check_unchanged(self._study(record), self.workload, record.execution_class)
        except StudyChanged:
            if other_class != "new":
                raise
            record = new_revision(self.ledger, self.space)
            locks.enter_context(study_lock(self.ledger.engine, record.name))
        return record

    def _gauge(self, driver: Driver, run_id: int, share: Share) -> Gauge | None:
        """Return what measures whether trials may share GPUs; None where they are not to.

        They are not where the person says what a trial gets; nor on a cluster; nor where trials train alone, or leave
        no states that other workers could take over from.
        """
        resources = self.space.resources
        states = self.sharing and resources.states_gb > 0 and driver.context.planner.resumable
        if resources.gpus is not None or not share.gpus or self.address or not states:
            return None
        known: dict[str, Any] = {}

        def decided(text: str, what: Mapping[str, object]) -> None:
            known.update(what)
            self.view.say(text)
            self.ledger.amend_run(run_id, {"gpu_sharing": dict(known)})

        return Gauge(share, lambda: driver.outlook, decided)

    def _train(self, driver: Driver, execute: Callable[[], None]) -> None:
        """Let the planner plan and the executor train, until nothing is left or the person ends it."""
        planner = threading.Thread(target=driver.plan_ahead, name="planner", daemon=True)
        planner.start()
        try:
            with stopping_on_signals(driver, self.view):
                with announced(self.view, "laying out the trials"):
                    left = driver.wait_for_work()
                if left:
                    self.view.begin(driver.progress)
                    execute()
        except KeyboardInterrupt:
            driver.stop(driver.stopping or "Ctrl-C")
            if lost := dropped(driver):
                self.view.say(lost)
        finally:
            if driver.fallen:  # another driver takes over: no two of them may number trials
                driver.stop(driver.stopping)
                planner.join()
            driver.close()
            self.view.end()

    def _may_be_settled(self, record: StudyRecord, execution_class: Mapping[str, str]) -> bool:
        """Whether it is worth looking if nothing is left to train, before seconds are spent on Ray."""
        if every_trial_ended(self.ledger, record, self.space) or limit_reached(self._study(record)):
            return True
        grid = self.space.search.sampler == "grid"
        return grid and grid_on_record(self.ledger, self.space, self._planner(record, execution_class))

    @property
    def _decides_on_each_row(self) -> bool:
        """Whether an epoch must not begin before it is known what follows from the last one: the pruner may end the
        trial, or the limit of epochs be reached."""
        return self.space.search.pruning is not None or self.space.limits.epochs is not None

    def _known_class(self, cpus: int, gpus: float) -> dict[str, str] | None:
        """Return the execution class of workers, where an earlier run of this command asked for it."""
        return self.ray.known_class(self.space.workload, cpus, gpus) if self.ray is not None else None

    def _study(self, record: StudyRecord) -> OpenStudy:
        return OpenStudy(self.ledger, record, self.space)

    def _planner(self, record: StudyRecord, execution_class: Mapping[str, str]) -> Planner:
        alone = self.ledger.distrusted()
        return Planner(self.space, self.workload, execution_class, self.sharing, self._on_data, record.name, alone)

    def _pinned(self, record: StudyRecord, execution_class: Mapping[str, str]) -> StudyRecord:
        """Pin a study that is new to an execution class."""
        if record.execution_class is not None:
            return record
        self.ledger.update_study(record.id, execution_class=dict(execution_class))
        return self.ledger.study(record.name)

    def _settle(self, driver: Driver) -> bool:
        """Settle everything from the ledger; return whether something is left to train."""
        planner = threading.Thread(target=driver.plan_ahead, name="planner", daemon=True)
        planner.start()
        left = driver.wait_for_work()
        if left:
            driver.stop("more to train")
        planner.join()  # another driver takes over: no two of them may number trials
        if not left:
            driver.close()
        return left

    def _driver(self, record: StudyRecord, workers: int, gpus: float, training: bool = False) -> tuple[Driver, int]:
        assert record.execution_class is not None
        self.ledger.reopen(record.id)  # a driver that was killed may not have heard of it
        planner = self._planner(record, record.execution_class)
        asked = [entry.detail for entry in self.ledger.decisions(record.id, ["asked"])]
        sampler = make_sampler(self.space, asked, starting_points(self.ledger, planner, asked))
        recorded = conditions(record.execution_class, workers, self.space.resources.cpus, gpus)
        if frozen_of(self.ledger, record):  # what trains is compared with what was frozen
            recorded[CODE] = code_of(self.space.workload, self.workload)
        if self.nodes:
            nodes = [{"address": node.address, "host": node.host, "leases": node.leases} for node in self.nodes]
            recorded["cluster"] = {"address": self.address, "nodes": nodes}
        if training:  # what was planned is on record before the first epoch is trained, to be compared with the truth
            place = Place(record.execution_class, self.space.resources.cpus, gpus, workers, "this run")
            plan = plan_of(self.space, self.ledger, planner, place, record)
            recorded["plan"] = plan.to_json()
        run_id = self.ledger.begin_run(record.id, recorded)
        if training:
            self.first = FirstEpochs(plan, self.ledger, run_id, self.view, self.ray_s)
        if training and not self.deadline:
            self.deadline.append(time.monotonic() + 3600 * (self.space.search.hours or math.inf))
        deadline = self.deadline[0] if self.deadline else None
        arguments = (self._study(record), planner, sampler, run_id, workers)
        hear = self.first.event if self.first is not None else self.view.event
        own_process = fork_is_fresh(gpus)
        driver = Driver(Context(*arguments, on_event=hear, deadline=deadline, own_process=own_process))
        if self.first is not None:
            self.first.pace = driver.context.pace
        configurations = self.space.search.trials or self.space.grid_size()
        driver.progress.total = configurations * len(self.space.seeds)
        return driver, run_id

    def _on_data(self, card: DataCard) -> None:
        if card.fingerprint:
            self.ledger.put_data(card)
