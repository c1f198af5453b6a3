"""Which worker trains what: made of what workers note and report, for whoever watches. Decides nothing."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Task:
    """What a running lease, or a proof, is at, as the driver has it.

    Attributes:
        trial: the leaf it is trained for; None for a proof.
        epoch: it is at, counted from 1 over the whole trial.
        seconds: since it began, or last brought something.
    """

    trial: int | None
    epoch: int
    seconds: float


@dataclass(frozen=True)
class Worker:
    """A worker and what it trains.

    Attributes:
        node: host it is on; "" before it has said so.
        process: its number there; None before it has said so.
        gpus: those it sees, as the system names them; "" for none.
        trial: that it trains; None for a proof.
        epoch: it is in.
        since: when that began (UTC, to the second).
    """

    node: str
    process: int | None
    gpus: str
    trial: int | None
    epoch: int
    since: str

    @property
    def text(self) -> str:
        """It in a line."""
        who = [self.node, *([f"process {self.process}"] if self.process is not None else [])]
        who += [f"GPU {self.gpus}"] if self.gpus else []
        name = ", ".join(word for word in who if word) or "a worker that is starting"
        what = "a proof" if self.trial is None else f"trial {self.trial}"
        return f"{name}: {what}, epoch {self.epoch} since {self.since[11:19]} UTC"


class Roster:
    """Knows who has which lease.

    Args:
        note_of: returns what a worker on this machine notes of a lease: pid, epoch, gpus, and when that epoch began in
            monotonic seconds; empty where there is no note.
        clock: monotonic seconds.
        now: UTC time.
    """

    def __init__(
        self,
        note_of: Callable[[int], Mapping[str, Any]],
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._note_of, self._clock, self._now = note_of, clock, now
        self._reported: dict[int, tuple[str, int | None, str]] = {}  # lease -> node, process, GPUs

    def report(self, lease: int, node: str, process: int | None, gpus: str) -> None:
        """A worker has reported something of a lease."""
        self._reported[lease] = node, process, gpus

    def end(self, lease: int) -> None:
        """A lease, or a proof, is over."""
        self._reported.pop(lease, None)

    def look(self, tasks: Mapping[int, Task]) -> list[Worker]:
        """Return who does what, by trial; what a worker notes of its epoch is newer than what it has reported."""
        workers = [self._worker(lease, task) for lease, task in tasks.items()]
        return sorted(workers, key=lambda worker: (worker.trial is None, worker.trial or 0, worker.epoch))

    def _worker(self, lease: int, task: Task) -> Worker:
        note = self._note_of(lease)
        node, process, gpus = self._reported.get(lease, ("", None, ""))
        if note:
            node, process, gpus = socket.gethostname(), note.get("pid"), str(note.get("gpus", ""))
        epoch, seconds = task.epoch, task.seconds
        if isinstance(began := note.get("began"), int | float):
            epoch, seconds = int(note.get("epoch") or epoch), max(0.0, self._clock() - began)
        since = self._now() - timedelta(seconds=seconds)
        return Worker(node, process, gpus, task.trial, epoch, since.isoformat(timespec="seconds"))
