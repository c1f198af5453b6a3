"""Measures while a study runs whether several leases may share a GPU, and says when their number is to change.

A study begins with one lease on each GPU. When the first epochs have told what a lease takes,
`search.engine.machines.packing` says how many are to be there at once; running leases then end behind the epoch they
are in, and new workers take over from their states. The epochs of both ways are compared: where more at once are not
faster, half as many go on, down to one. Free of Ray and of the driver; wrong guesses cost time, never a row.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping

from search.engine.decide.outlook import Outlook
from search.engine.machines.nodes import Share
from search.engine.machines.packing import GPU_MEMORY_RESERVE_FRACTION, MIN_SPEEDUP, SharingChoice, gain, leases_per_gpu
from search.engine.worker.usage import Usage

MEASURED_EPOCHS_PER_WORKER = 2
"""Epochs per worker that are measured, behind the first one of its process, which is slower."""


class Gauge:
    """How many leases share a GPU in one run.

    Args:
        given: what leases get at first: one has a GPU.
        outlook: asked when there is something to decide.
        decided: told of every decision: a sentence, and what is recorded with the run.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        given: Share,
        outlook: Callable[[], Outlook],
        decided: Callable[[str, Mapping[str, object]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.number = 1
        """Leases on each GPU."""
        self.next: int | None = None
        """How many there are to be, where that is to change: running leases end, and `go_on` is called."""
        self._outlook, self._decided, self._clock = outlook, decided, clock
        self._gpus = self._workers = given.workers
        self._fits = given.fits
        self._settled = False  # the number stays, unless memory grows short
        self._memory, self._busy = 0.0, None  # type: tuple[float, float | None]
        self._alone: dict[int, list[float]] = defaultdict(list)  # trial -> seconds of its epochs
        self._begin()

    @property
    def measuring(self) -> bool:
        """Whether leases may still be ended for another number of them."""
        return not self._settled

    def _begin(self) -> None:
        self._shared: dict[int, list[float]] = defaultdict(list)
        self._warm: set[int] = set()  # processes that have trained an epoch
        self._heard: set[int] = set()  # leases
        self._full = float("inf")  # since when all workers have been at work

    def row(
        self, lease: int, trial: int, process: int, seconds: float, usage: Usage | str | None, running: Collection[int]
    ) -> bool:
        """Take note of an epoch; return whether all leases are to end behind theirs.

        Args:
            lease, trial: it was trained by and for.
            process: number of the worker's process.
            seconds: it took.
            usage: what the run takes of its GPU; a text says why that cannot be told.
            running: leases that workers have.
        """
        if self.next is not None:
            return True
        if usage is None or (self._settled and self.number == 1):
            return False
        if isinstance(usage, str):
            self._settled = True
            self._change(1, f"one trial to a GPU, for what it takes cannot be told: {usage}")
        elif self.number > 1 and usage.memory > 1 - GPU_MEMORY_RESERVE_FRACTION / 2:
            self.short(f"{100 * usage.memory:.0f} % of a GPU's memory are taken")
        elif not self._settled:
            self._note(lease, trial, process, seconds, usage, running)
        return self.next is not None

    def _note(
        self, lease: int, trial: int, process: int, seconds: float, usage: Usage, running: Collection[int]
    ) -> None:
        self._heard.add(lease)
        if len(running) < self._workers or not self._heard.issuperset(running):
            self._full = float("inf")  # with fewer neighbours than there will be it is faster
        else:
            self._full = min(self._full, self._clock())
        warm = process in self._warm
        self._warm.add(process)
        if self.number == 1:
            self._memory = max(self._memory, usage.memory)
            if usage.busy is not None:
                self._busy = usage.busy if self._busy is None else min(self._busy, usage.busy)
            if warm:
                self._alone[trial].append(seconds)
                self._choose(running)
        elif warm and self._clock() - seconds >= self._full:
            self._shared[trial].append(seconds)
            self._judge()

    def _choose(self, running: Collection[int]) -> None:
        """Decide how many are to share, once every lease that runs has been heard and there is more to start."""
        epochs = [seconds for each in self._alone.values() for seconds in each]
        if len(epochs) < MEASURED_EPOCHS_PER_WORKER * self._workers or not self._heard.issuperset(running):
            return
        outlook = self._outlook()
        if not outlook.more:
            return
        seconds = sum(epochs) / len(epochs)
        choice = leases_per_gpu(
            self._memory, self._busy, self._fits, self._gpus, outlook.trials, outlook.epochs, seconds
        )
        self._settled = choice.number == 1
        self._change(choice.number, self._said(choice, seconds), memory_alone=self._memory, seconds_alone=seconds)

    def _said(self, choice: SharingChoice, seconds: float) -> str:
        if choice.number == 1:
            return f"one trial to a GPU: {choice.why}"
        taken = f"alone one takes {100 * self._memory:.0f} % of its memory and {seconds:.3g} s an epoch"
        return f"{choice.number} trials share each GPU from now on: {taken}; no more than that, for {choice.why}"

    def _judge(self) -> None:
        """Compare the epochs per second with those of one at a time, once enough have been measured."""
        if sum(map(len, self._shared.values())) < MEASURED_EPOCHS_PER_WORKER * self._workers:
            return
        times = gain(self._alone, self._shared, self.number)
        pays = f"{self.number} trials at once train {times:.2f} times the epochs per second of one"
        if times >= MIN_SPEEDUP:
            self._settled = True
            self._change(self.number, f"{pays}; they go on so", gain=times)
        else:
            self._fewer(f"{pays}, which does not pay", gain=times)

    def short(self, why: str) -> None:
        """Memory is short where leases share a GPU: half as many go on."""
        if self.next is None and self.number > 1:
            self._fewer(why)

    def _fewer(self, why: str, **measured: float) -> None:
        fewer = self.number // 2
        self._settled = fewer == 1
        what = f"{fewer} share each GPU from now on" if fewer > 1 else "each has a GPU to itself from now on"
        self._change(fewer, f"{why}; {what}", **measured)

    def _change(self, number: int, text: str, **measured: float) -> None:
        if number != self.number:
            self.next = number
        else:
            self._settled = True
        self._decided(text, {"trials_per_gpu": number, "said": text, **measured})

    def go_on(self, workers: int) -> None:
        """The leases have ended; from now on so many run at once."""
        assert self.next is not None
        self.number, self.next, self._workers = self.next, None, workers
        self._begin()
