"""An executor without Ray: leases are trained step by step in one thread, in an order drawn at random.

Rows are a pure function of their key; so are states, which lie as small files beside the ledger. The driver's planner
runs in a thread of its own, as in a real run, but only while the executor lets it: it hands back whenever it would
wait, and before each question to the sampler. So a run is a function of its random generator.
"""

from __future__ import annotations

import math
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from search.core.stopping import StopRule
from search.core.trial import Row, State, Trial
from search.core.trust import depth_of
from search.engine.decide.context import Context
from search.engine.decide.driver import Driver
from search.engine.decide.lease import Lease, Proof, Stretch, Trained
from search.ledger.files import BadState, StateFile, read_state, write_state
from search.ledger.kept import KeptState, Role
from search.ledger.ledger import Ledger, StudyRecord
from search.space.model import Space
from search.space.writing import dump
from search.study.asked import Asked, Sampler, Told
from search.study.leaf import Planner
from search.study.opened import OpenStudy
from search.study.sampling import make_sampler
from tests.engine.workloads import Synthetic

CLASS = {"machine": "simulated"}

SIZE = 40
"""Bytes of a state: its key."""


def part(key: str, start: int) -> float:
    """A number in [0, 1) out of four digits of a key."""
    return int(key[start : start + 4], 16) / 16**4


FLAWS = ("unsaved", "leak", "chance", "cache")
"""Mistakes of a workload: a state that misses something, a process that one trial leaves changed for the next, chance
without a seed, and a cache of the process that forgets settings."""

Settings = Mapping[str, Any]


@dataclass
class Nature:
    """What rows are, and which keys cannot be trained: pure functions of the key, but for a mistake of the workload.

    Attributes:
        diverging, failing: shares of keys.
        flaw: one of `FLAWS`, or "".
        since: the first epoch that it acts in: of states before it nothing is missing.
        spared: kinds of training that do not have it.
        cached_by, forgotten: settings by which the cache finds what it made for the first one, and those that what it
            made depends on, too.
    """

    diverging: float = 0.0
    failing: float = 0.0
    flaw: str = ""
    since: int = 1
    spared: frozenset[str] = frozenset()
    cached_by: Sequence[str] = ()
    forgotten: Sequence[str] = ()
    trained: int = 0

    def measured(self, key: str, kind: str, loaded: KeptState | None, process: Sequence[Settings]) -> Row:
        """What a worker measures: in a run that loaded a state or not, in a process that began these trainings, the
        last one of which is this one."""
        row = self.row(key)
        self.trained += 1
        misses = loaded is not None and loaded.epoch + 1 >= self.since
        acts = {
            "unsaved": misses,
            "leak": len(process) > 1,
            "chance": True,
            "cache": self._is_another(process),
            "": False,
        }[self.flaw]
        if not acts or kind in self.spared:
            return row
        off = 1e-6 * (self.trained if self.flaw == "chance" else 1)
        return Row({**row.metrics, "val_loss": row.metrics["val_loss"] + off})

    def _is_another(self, process: Sequence[Settings]) -> bool:
        """Whether the cache has another thing than the last training of a process needs."""
        mine = process[-1]
        made = next(one for one in process if all(one.get(name) == mine.get(name) for name in self.cached_by))
        return any(made.get(name) != mine.get(name) for name in self.forgotten)

    def row(self, key: str) -> Row:
        train_loss = math.nan if part(key, 4) < self.diverging else 1 + part(key, 12)
        return Row({"train_loss": train_loss, "val_loss": 0.5 + part(key, 0), "score": part(key, 16)})

    def fails(self, key: str) -> bool:
        return part(key, 8) < self.failing


class _Abandoned(BaseException):
    """The driver of this planner is gone."""


class _Baton(threading.Condition):
    """The driver's lock; the planner's waits hand the baton to the executor instead of taking time."""

    def __init__(self) -> None:
        super().__init__(threading.RLock())
        self.mine, self.theirs = threading.Semaphore(0), threading.Semaphore(0)
        self.abandoned = False
        self.waits = False  # the planner stands where only the executor can help it on

    def wait(self, timeout: float | None = None) -> bool:
        self.release()
        self.waits = True
        try:
            self.park()
        finally:
            self.waits = False
            self.acquire()
        return True

    def park(self) -> None:
        self.mine.release()
        self.theirs.acquire()
        if self.abandoned:
            raise _Abandoned


class _Slow:
    """A sampler that lets the executor go on before each question."""

    def __init__(self, sampler: Sampler, baton: _Baton) -> None:
        self.sampler, self.baton, self.adaptive = sampler, baton, sampler.adaptive
        self.undecided = lambda: 0
        self.seen: list[int] = []

    def ask(self) -> Asked | None:
        self.baton.park()
        self.seen.append(self.undecided())
        return self.sampler.ask()

    def tell(self, configuration: int, outcome: Told) -> None:
        self.sampler.tell(configuration, outcome)


@dataclass
class Simulation:
    """One run over one study.

    Attributes:
        space, ledger: what is run.
        rng: draws what happens next.
        workers: slots.
        nature: what is trained.
        dying: chance that a step of a lease is the death of its worker.
        rotten: chance that a state is damaged, or gone, before a lease starts from it.
        full: chance that a state that is due cannot be saved.
        rolling: chance that a worker saves its state for its own sake behind an epoch.
        reporting: chance that a worker trains the next epoch before it reports the last one, where it may.
        spaced: chance that enough time has passed for a spaced state.
        room: states that fit on the disk.
        slow: chance that the planner gets a turn where the executor has something to do.
        sharing: passed to the planner.
        lasting: seconds that an epoch lets pass, of whichever worker.
        proofs_dying: chance that the worker of a proof dies.
        own_process: whether each lease is trained in a process of its own.
        reused: without that, chance that a lease is given to a process that has trained, where one waits.
    """

    space: Space
    ledger: Ledger
    rng: random.Random
    workers: int = 2
    nature: Nature = field(default_factory=Nature)
    dying: float = 0.0
    rotten: float = 0.0
    full: float = 0.0
    rolling: float = 0.0
    reporting: float = 0.3
    spaced: float = 0.0
    room: int = 1_000_000
    slow: float = 0.5
    sharing: bool = True
    lasting: float = 1.0
    proofs_dying: float = 0.0
    own_process: bool = True
    reused: float = 0.8
    workload: Any = field(default_factory=Synthetic)

    def __post_init__(self) -> None:
        self.record = study(self.ledger, self.space)
        asked = [entry.detail for entry in self.ledger.decisions(self.record.id, ["asked"])]
        self.baton = _Baton()
        self.sampler = _Slow(make_sampler(self.space, asked), self.baton)
        alone = self.ledger.distrusted()
        planner = Planner(self.space, self.workload, CLASS, self.sharing, alone=alone)
        self.run_id = self.ledger.begin_run(self.record.id, {})
        self.events: Counter[str] = Counter()
        self.remarks: list[str] = []
        self.ended_at: dict[int, float] = {}  # trial -> when it was decided
        self.now = 0.0
        context = Context(
            OpenStudy(self.ledger, self.record, self.space),
            planner,
            self.sampler,
            self.run_id,
            self.workers,
            on_event=self._hear,
            clock=lambda: self.now,
            own_process=self.own_process,
        )
        self.driver = Driver(context)
        self.driver.context.lock = self.baton
        self.driver.context.keeper._limit = self.room * SIZE
        self.sampler.undecided = lambda: len(self.driver.context.board.configurations)
        self.running: dict[int, tuple[Lease, int]] = {}
        self.proofs: dict[int, Proof] = {}
        self.proved: list[tuple[str, str, int]] = []  # kind, proof, epochs
        self.proof_keys: list[str] = []  # of the epochs they trained
        self.processes: dict[int, list[Settings]] = {}  # lease -> what its process began to train, it included
        self.kept_processes: list[list[Settings]] = []  # of those that wait for the next lease
        self.trained: list[tuple[int, str, bool]] = []  # lease, key, whether it was on record before
        self.deaths: Counter[int] = Counter()
        self.misses: Counter[int] = Counter()
        self.stops: dict[int, list[tuple[int, StopRule]]] = {}  # lease -> its worker's own stop rules
        self.ends: dict[int, list[tuple[int, StopRule]]] = {}  # lease -> stop rules of leaves that wait for its rows
        self.held: dict[int, list[tuple[str, Trained]]] = {}  # lease -> epochs that are not reported yet
        self.left: list[str] = []  # states in which workers stand that wait for their next lease
        self.thread = threading.Thread(target=self._plan, daemon=True)
        self._planned = False
        self._on_record = set(_keys(self.ledger))

    def _hear(self, kind: str, what: Mapping[str, Any]) -> None:
        self.events.update([kind])
        self.remarks += [what["text"]] if "text" in what else []
        if kind == "ended":
            self.ended_at[what["trial"].number] = self.now

    def _plan(self) -> None:
        self.baton.theirs.acquire()
        if not self.baton.abandoned:
            self.driver.plan_ahead()
        self._planned = True
        self.baton.mine.release()

    def plan(self) -> None:
        """Give the planner one turn."""
        if not self._planned:
            if not self.thread.is_alive():
                self.thread.start()
            self.baton.theirs.release()
            self.baton.mine.acquire()

    def start(self) -> bool:
        """Fill a slot; return whether there was something to fill it with."""
        if len(self.running) + len(self.proofs) >= self.workers or (lease := self.driver.next_lease()) is None:
            return False
        if isinstance(lease, Proof):
            self.proofs[lease.id] = lease
            return True
        coming = {key for other, done in self.running.values() for key in other.path[done:] if not self.stalls(other)}
        waiting = self.driver.context.board.get(lease.trial).next_key
        assert waiting in lease.path
        assert waiting not in coming, "a running lease is about to produce it"
        fold = self.driver.context.board.get(lease.trial)
        assert not self.states_to_come() & set(fold.leaf.path[fold.base : fold.epoch]), "a state is on its way"
        assert len(lease.schedule) == len(lease.path)
        self.running[lease.id] = (lease, 0)
        used = not (lease.alone or self.own_process) and self.kept_processes and self.rng.random() < self.reused
        process = self.kept_processes.pop(self.rng.randrange(len(self.kept_processes))) if used else []
        self.processes[lease.id] = [*process, lease.fixed]
        self.stops[lease.id] = deepcopy(list(lease.stops))
        self.ends[lease.id] = deepcopy(list(lease.ends))
        if lease.start is not None:
            assert len(lease.path) + lease.offset == len(self.driver.context.board.get(lease.trial).leaf.path)
            self._begin(lease)
        if self.left:  # a worker that was kept for the next lease saves the state it stands in before it begins
            self._leave(self.left.pop(self.rng.randrange(len(self.left))))
        return True

    def states_to_come(self) -> set[str]:
        """Keys at which a running lease will save its state for others."""
        return {
            key
            for lease, done in self.running.values()
            for epoch, key in enumerate(lease.path[done:], lease.offset + done + 1)
            if lease.keep.get(epoch, Role.SPACED) != Role.SPACED and not self.stalls(lease)
        }

    def _begin(self, lease: Lease) -> None:
        """Load the state a lease starts from; what is proven of it is looked up anew."""
        assert lease.start is not None
        proven = self.ledger.proofs([lease.kind]).get(lease.kind, frozenset())
        if lease.kind not in self.ledger.distrusted([lease.kind]):  # by another driver, just now
            assert f"depth {depth_of(lease.start.epoch)}" in proven, "a lease from a state whose depth is not proven"
        try:
            self._load(lease)
        except BadState as bad:
            self.misses[lease.trial] += 1
            self._end(lease.id, miss=str(bad))

    def saved(self, lease: Lease, done: int) -> tuple[KeptState | None, str]:
        """What a worker saves behind the epoch it has just trained, or why it could not."""
        epoch, key = lease.offset + done + 1, lease.path[done]
        role = lease.keep.get(epoch)
        if role == Role.SPACED and self.rng.random() >= self.spaced:
            role = None
        loss = self.nature.row(key).metrics.get("val_loss", math.nan)
        said = [rule.update(loss) for seen, rule in self.stops[lease.id] if epoch > seen]
        if role is None and any(said):
            role = Role.LAST
        if (
            role is None
            and not lease.alone
            and self.rng.random() < self.rolling
            and epoch < lease.offset + len(lease.path)
        ):
            role = Role.ROLLING
        if role is None or not math.isfinite(self.nature.row(key).metrics["train_loss"]):
            return None, ""
        if self.rng.random() < self.full:
            return None, "No space left on device"
        return KeptState(self._write(key), epoch, role), ""

    def stalls(self, lease: Lease) -> bool:
        """Whether its worker is so slow that nobody needs to wait for it."""
        return False

    def seconds(self, lease: Lease, key: str) -> float:
        """How long a worker takes for an epoch."""
        return 1.0

    def _write(self, key: str) -> StateFile:
        self.ledger.states.make_folder()
        return write_state(self.ledger.states.folder, key, key.encode())

    def _leave(self, key: str) -> None:
        if self.rng.random() >= self.full:
            self._write(key)

    def train(self, lease_id: int) -> None:
        """Train one epoch of a lease, or let its worker die; or give a proof."""
        if lease_id in self.proofs:
            self.prove(self.proofs.pop(lease_id))
            return
        lease, done = self.running[lease_id]
        held = self.held.pop(lease_id, [])
        if done == len(lease.path):
            raise AssertionError("the last epoch of a lease is reported at once")
        key = lease.path[done]
        if self.rng.random() < self.dying:
            self.deaths[lease.trial] += 1
            self._end(lease_id, lost=True)
        elif self.nature.fails(key):
            if not held or self._report(lease, held):
                self._end(lease_id, error=f"Traceback\nZeroDivisionError: {key}")
        else:
            self.now += self.lasting
            self.running[lease_id] = (lease, done + 1)
            kept, unkept = self.saved(lease, done)
            process = self.processes[lease_id]
            row = self.nature.measured(key, lease.kind, lease.start, process)
            held.append((key, Trained(row, self.seconds(lease, key), kept, unkept, len(process) == 1)))
            if self._reports_later(lease, done, held[-1][1]):
                self.held[lease_id] = held
            else:
                self._report(lease, held)

    def _reports_later(self, lease: Lease, done: int, trained: Trained) -> bool:
        """Whether a worker goes on before it reports; drawn where it may, as `LeaseTrainable` does."""
        epoch, loss = lease.offset + done + 1, trained.row.metrics.get("val_loss", math.nan)
        said = [rule.update(loss) for seen, rule in self.ends[lease.id] if epoch > seen]
        faults = any(rule.fault or rule.metric not in trained.row.metrics for _, rule in self.ends[lease.id])
        finite = all(map(math.isfinite, trained.row.metrics.values()))
        judged = self.space.search.objective.metric in trained.row.metrics
        known = done + 1 < len(lease.path) and finite and judged and not (any(said) or faults)
        decided = self.space.search.pruning is not None or self.space.limits.epochs is not None
        alone = not decided and trained.kept is None and not trained.unkept
        return known and alone and self.rng.random() < self.reporting

    def _report(self, lease: Lease, held: list[tuple[str, Trained]]) -> bool:
        """Report epochs to the driver; return whether the lease goes on."""
        for key, _ in held:
            self.trained.append((lease.id, key, key in self._on_record))
            self._on_record.add(key)
        if self.driver.rows(lease.id, [trained for _, trained in held]):
            return True
        self._end(lease.id)
        self.kept_processes += [] if lease.alone else [self.processes[lease.id]]
        key, last = held[-1]
        finite = math.isfinite(self.nature.row(key).metrics["train_loss"])
        if last.kept is None and self.sharing and not lease.alone and finite:
            self.left.append(key)
        return False

    def prove(self, proof: Proof) -> None:
        """Train what a proof asks for, each process fresh; or let its worker die."""
        self.now += self.lasting
        if self.rng.random() < self.proofs_dying:
            self.driver.lease_ended(proof.id, lost=True)
            return
        rows = []
        for stretches in proof.processes:
            process: list[Settings] = []
            for stretch in stretches:
                try:
                    self._load(stretch)
                except BadState as bad:
                    self.driver.lease_ended(proof.id, miss=str(bad))
                    return
                process += [*stretch.before, stretch.fixed]
                rows.append(self.nature.measured(stretch.key, proof.kind, stretch.start, process))
        self.proved.append((proof.kind, proof.what, len(rows)))
        self.proof_keys += [stretch.key for stretch in proof.stretches]
        self.driver.proved(proof.id, rows)
        self.driver.lease_ended(proof.id)

    def _load(self, stretch: Stretch | Lease) -> None:
        """Read the state that training starts from, as a worker would; it may be damaged."""
        if stretch.start is None:
            return
        folder = self.ledger.states.folder
        if self.rng.random() < self.rotten:
            path = folder / stretch.start.file.name
            if self.rng.random() < 0.5:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(b"0" * SIZE)
        assert read_state(folder, stretch.start.file) == stretch.start.file.key.encode()

    def _end(self, lease_id: int, **how: Any) -> None:
        del self.running[lease_id]
        self.driver.lease_ended(lease_id, **how)

    def step(self) -> None:
        """Let one thing happen. The executor is asked again only when the planner has had a turn."""
        if not self._planned and self.rng.random() < self.slow:
            self.plan()
        elif self.rng.random() < 0.5 and self.start():
            pass
        elif self.running or self.proofs:
            self.train(self.rng.choice([*self.running, *self.proofs]))
        elif not self.start():
            self.plan()

    def run(self, steps: int | None = None) -> bool:
        """Go on to the end, or for so many steps; return whether the study ended."""
        bound = 200 + 60 * self.size()
        taken = 0
        while not (self.driver.finished and not self.running and not self.proofs):
            if steps is not None and taken >= steps:
                return False
            self.step()
            taken += 1
            assert taken < bound, f"not at its end after {taken} steps: a deadlock"
        if self.driver.error is not None:
            raise self.driver.error
        self.finish()
        return True

    def finish(self) -> None:
        """Workers go home: each saves the state it stands in, and the driver looks for them."""
        for key in self.left:
            self._leave(key)
        self.left = []
        self.driver.collect()

    def size(self) -> int:
        """Epochs of the whole study, were every trial trained alone, every attempt used up."""
        configurations = self.space.search.trials or self.space.grid_size()
        return configurations * len(self.space.seeds) * 10 * self.space.search.attempts

    def abandon(self) -> None:
        """The driver is killed: nothing of it happens any more."""
        self.baton.abandoned = True
        if not self._planned:
            if not self.thread.is_alive():
                self.thread.start()
            self.baton.theirs.release()
            self.thread.join()
        self.running.clear()
        self.proofs.clear()

    @property
    def to_prove(self) -> int:
        """Epochs that proofs trained."""
        return sum(epochs for _, _, epochs in self.proved)


def rounds(space: Space, ledger: Ledger, rng: random.Random, **how: Any) -> list[Simulation]:
    """Run a study to its end, as `run` does: one more round wherever a kind came to be distrusted."""
    done: list[Simulation] = []
    while not done or ledger.reopen(done[-1].record.id) or done[-1].driver.fallen:
        assert len(done) < 9, "no end of rounds"
        done.append(Simulation(space, ledger, rng, **how))
        done[-1].run()
        if done[-1].driver.fallen:
            done[-1].driver.stop("")
            done[-1].driver.close()
            done[-1].abandon()
    return done


def study(ledger: Ledger, space: Space) -> StudyRecord:
    """Return the study of a space in a ledger, made where it is not there."""
    ledger.create_study(space.name, space.name, 1, dump(space), "id", space.workload)
    record = ledger.study(space.name)
    ledger.update_study(record.id, execution_class=CLASS)
    return ledger.study(space.name)


def _keys(ledger: Ledger) -> list[str]:
    paths: set[str] = set()
    for record in ledger.studies():
        for path, _ in ledger.paths(record.id).values():
            paths.update(path)
    return list(ledger.rows(sorted(paths)))


# What must come out, worked out anew --------------------------------------------------------------------------


def end_of(
    trial: Trial, path: Sequence[str], space: Space, nature: Nature, verdicts: Mapping[tuple[int, str], bool]
) -> tuple[State, int]:
    """How a trial must end, and at which epoch."""
    lowest, waited = math.inf, 0
    for epoch, key in enumerate(path, start=1):
        if nature.fails(key):
            return State.FAILED, epoch - 1
        metrics = nature.row(key).metrics
        if not all(math.isfinite(metrics[name]) for name in ("train_loss", "val_loss", space.search.objective.metric)):
            return State.DIVERGED, epoch
        loss = metrics["val_loss"]
        waited = 0 if loss < lowest else waited + 1
        lowest = min(lowest, loss)
        rule, alpha = trial.settings["stop.rule"], trial.settings.get("stop.alpha")
        if rule == "generalisation_loss" and alpha is not None and 100 * (loss / lowest - 1) > alpha:
            return State.STOPPED, epoch
        if rule == "patience" and waited >= trial.settings["stop.patience"]:
            return State.STOPPED, epoch
        if epoch == trial.epochs:
            return State.FINISHED, epoch
        if verdicts.get((epoch, key)) is False:
            return State.PRUNED, epoch
    raise AssertionError("a path without end")


def quantile(values: Sequence[float], q: float) -> float:
    """Linear interpolation between order statistics."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * q
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def verdicts_of(ledger: Ledger, record: StudyRecord, space: Space) -> dict[tuple[int, str], bool]:
    """ASHA over the order log, the plain way: what was fed, in sequence, and what must have come of it."""
    asha = space.search.asha
    if asha is None:
        assert ledger.decisions(record.id, ["rung"]) == []
        return {}
    sign = 1 if space.search.objective.maximize else -1
    seen: defaultdict[int, list[float]] = defaultdict(list)
    verdicts: dict[tuple[int, str], bool] = {}
    for entry in ledger.decisions(record.id, ["rung"]):
        assert entry.epoch is not None
        assert entry.key is not None
        assert (entry.epoch, entry.key) not in verdicts, "a key is fed to a rung once"
        score = sign * entry.detail["value"]
        earlier = seen[entry.epoch]
        verdicts[entry.epoch, entry.key] = not earlier or score >= quantile(earlier, 1 - 1 / asha.reduction_factor)
        earlier.append(score)
        assert entry.detail["goes_on"] == verdicts[entry.epoch, entry.key]
    return verdicts
