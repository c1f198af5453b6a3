"""What a worker is asked to do: train a stretch of epochs, or prove a few; plain data that travels to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search.core.stopping import StopRule
from search.core.trial import Row
from search.ledger.kept import KeptState, Role
from search.workload.form import Form

REPORTING_INTERVAL_S = 0.25
"""Seconds of training behind which a worker reports: a report costs about as much as it lasts, 10 ms, with ten epochs
as with one. A worker that dies takes what it has not reported with it."""


@dataclass(frozen=True)
class Lease:
    """The stretch of epochs a worker is asked to train.

    Attributes:
        id: 0-based, unique in this run.
        trial: the leaf it is trained for.
        fixed: canonical fixed settings.
        schedule: settings of the epochs to train, in turn.
        path: their keys.
        start: the state it starts from, None for epoch 0.
        keep: epochs, counted from 1 over the whole trial, behind which the state is saved, and what for.
        stops: pairs of (epoch, stop rule of a leaf on this path, which has seen that epoch): where one stops, the chain
            may end, and a leaf that is not known yet may go on from there.
        ends: the same pairs for the leaves that wait for its rows, each kind of rule once: where one stops, the rows so
            far are reported, for no epoch may follow.
        data: fingerprint of the data its keys stand for.
        inputs: input weights its keys stand for, by name -> content hash.
        form: that of the row behind which it starts; None where it starts at epoch 0.
        kind: of its training (`search.core.trust`).
        alone: whether it is trained in a fresh process for its whole length, and no state is saved or loaded.
    """

    id: int
    trial: int
    fixed: Mapping[str, Any]
    schedule: Sequence[Mapping[str, Any]]
    path: Sequence[str]
    start: KeptState | None = None
    keep: Mapping[int, Role] = field(default_factory=dict)
    stops: Sequence[tuple[int, StopRule]] = ()
    ends: Sequence[tuple[int, StopRule]] = ()
    data: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    form: Form | None = None
    kind: str = ""
    alone: bool = False

    @property
    def offset(self) -> int:
        """Epochs behind the start."""
        return self.start.epoch if self.start is not None else 0


@dataclass(frozen=True)
class Trained:
    """One epoch that a lease trained.

    Attributes:
        row: what it measured.
        seconds: it took.
        kept: the state after it, where it lies on disk.
        unkept: why the state that should be kept could not be.
        fresh: whether its process had trained nothing before this lease.
    """

    row: Row
    seconds: float
    kept: KeptState | None = None
    unkept: str = ""
    fresh: bool = False


@dataclass(frozen=True)
class Stretch:
    """One epoch that a proof trains.

    Attributes:
        fixed: canonical fixed settings.
        settings: of the epoch.
        key: of the row on record that it must equal.
        start: the state it starts from, None for epoch 0.
        data: fingerprint of the data its key stands for.
        inputs: input weights its key stands for, by name -> content hash.
        before: fixed settings of trials that are begun before it in its process, and trained no epoch of: what a
            process keeps of them may change what it trains.
    """

    fixed: Mapping[str, Any]
    settings: Mapping[str, Any]
    key: str
    start: KeptState | None = None
    data: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    before: Sequence[Mapping[str, Any]] = ()

    @property
    def epoch(self) -> int:
        """The epoch it trains, from 1."""
        return self.start.epoch + 1 if self.start is not None else 1


@dataclass(frozen=True)
class Proof:
    """Epochs that are trained once more in fresh processes, to be compared with rows on record.

    Attributes:
        id: unique in this run, leases included.
        kind: whose proof it is (`search.core.trust`).
        what: which of its proofs; `CAUSE` where the kind is distrusted and its cause is looked for.
        processes: for each fresh process, what it trains in turn; it is started anew for each of them.
        completes: whether what it is a proof of is proven where it holds; else another proof is to follow.
    """

    id: int
    kind: str
    what: str
    processes: Sequence[Sequence[Stretch]]
    completes: bool = True

    @property
    def stretches(self) -> list[Stretch]:
        """All of them, process by process."""
        return [stretch for process in self.processes for stretch in process]


CAUSE = "cause"
"""No proof: the first epoch of a distrusted kind in two fresh processes, which tells chance from what is not saved."""


@dataclass(frozen=True)
class WorkerSetup:
    """What is the same for all leases of a run.

    Attributes:
        workload: its name in the space file.
        cpus, gpus: what a workload is told that it gets. Where leases come to share a GPU, it is told of a whole one.
        execution_class: what the worker must find itself to be.
        sys_path: where modules are looked for, the working folder last.
        folder: the folder the command was given in: relative paths of settings start there.
        states: the folder of state files; where it is empty, none is saved.
        rolling: seconds of training after which a chain saves its state for its own sake.
        spacing: seconds of training that must lie between a spaced state and the one before.
        reporting: seconds of training within which epochs are reported together; 0 where each is by itself, because
            results decide which of them are trained.
        leave: whether a worker saves the state in which a chain is ended before its last epoch.
        signs: folder in which workers note what they are doing, for when they die; "" where there is none they share.
        epoch_seconds: what an epoch may take; None for any time.
        elsewhere: whether workers may be on other machines than the driver, and compare their data with its own.
        crowded: whether other leases were put beside it on its GPU; where a person says a fraction, that is not asked.
    """

    workload: str
    cpus: int
    gpus: float
    execution_class: Mapping[str, str] = field(default_factory=dict)
    sys_path: Sequence[str] = ()
    folder: str = ""
    states: str = ""
    rolling: float = 20.0
    spacing: float = 5.0
    reporting: float = REPORTING_INTERVAL_S
    leave: bool = True
    elsewhere: bool = False
    signs: str = ""
    epoch_seconds: float | None = None
    crowded: bool = False


@dataclass(frozen=True)
class Assignment:
    """A lease or a proof, with its setup. Its text is short: Ray Tune writes configurations into names and logs."""

    lease: Lease | Proof
    setup: WorkerSetup

    def __repr__(self) -> str:
        return f"lease-{self.lease.id}"
