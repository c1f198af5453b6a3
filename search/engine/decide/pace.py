"""How fast epochs come: which leases have fallen silent, and which are about to bring something. Pure bookkeeping."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from statistics import fmean, median

STALLED_EPOCHS = 10.0
"""Nobody waits for a lease whose epoch takes this many times the usual one and its own last one, and more than
`MIN_SILENCE_S`."""

MIN_SILENCE_S = 60.0
"""Seconds for which every lease is waited for, however short its epochs are."""

MAX_RECENT_EPOCHS = 101
"""Epochs that say what is usual."""


class Pace:
    """Running leases, when each brought something last, and seconds of epochs.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._recent: deque[float] = deque(maxlen=MAX_RECENT_EPOCHS)  # seconds of epochs, of all leases
        self._heard: dict[int, float] = {}  # lease -> when it started or last brought something
        self._own: dict[int, float] = {}  # lease -> seconds of its last epoch
        self._ending: set[int] = set()  # told to end
        self._early: set[int] = set()  # leases that began before a worker was ready, and have brought nothing yet
        self._begun: float | None = None  # when the first lease was given
        self._worker: float | None = None  # seconds from then until its first epoch began
        # Seconds besides training: of the first epoch of a lease on a worker that was there, of others, of proofs.
        self._besides: dict[str, deque[float]] = {
            name: deque(maxlen=MAX_RECENT_EPOCHS) for name in ("lease", "epoch", "proof")
        }

    def start(self, lease: int) -> None:
        """A lease, or a proof, began."""
        self._heard[lease] = self._clock()
        if self._begun is None:
            self._begun = self._heard[lease]
        if self._worker is None:
            self._early.add(lease)

    def row(self, lease: int, seconds: float, together: float | None = None) -> None:
        """A lease brought a row of so many seconds, the first of some that took so many together."""
        together = seconds if together is None else together
        besides = max(0.0, self._clock() - self._heard.get(lease, self._clock()) - together)
        if self._worker is None and self._begun is not None:
            self._worker = max(0.0, self._clock() - self._begun - together)
        elif lease not in self._early:
            self._besides["epoch" if lease in self._own else "lease"].append(besides)
        self._early.discard(lease)
        self._recent.append(seconds)
        self._own[lease] = seconds
        self._heard[lease] = self._clock()

    def proved(self, proof: int, epochs: int) -> None:
        """A proof has brought so many rows."""
        usual = median(self._recent) if self._recent else 0.0
        if proof in self._heard:
            self._besides["proof"].append(max(0.0, self._clock() - self._heard[proof] - epochs * usual))

    def since(self, lease: int) -> float:
        """Return the seconds since a lease, or a proof, began or last brought something; 0 where it is not known."""
        now = self._clock()
        return now - self._heard.get(lease, now)

    def overhead(self) -> dict[str, float]:
        """Return the seconds that the run took beside its epochs, by the names of `search.plan.overhead.Overhead`."""
        # The mean: of rows that are reported together the first one has all that they took besides.
        known = {name: fmean(seconds) for name, seconds in self._besides.items() if seconds}
        return known if self._worker is None else {"worker": self._worker, **known}

    def ends(self, lease: int) -> None:
        """A lease is told to end: it trains no other epoch."""
        self._ending.add(lease)

    def end(self, lease: int) -> None:
        """A lease ended."""
        self._heard.pop(lease, None)
        self._own.pop(lease, None)
        self._ending.discard(lease)

    @property
    def in_progress(self) -> list[int]:
        """Leases in the middle of an epoch."""
        return [lease for lease in self._heard if lease not in self._ending]

    @property
    def ending(self) -> set[int]:
        """Leases that were told to end and have not ended yet."""
        return set(self._ending)

    def stalled(self) -> set[int]:
        """Return the leases that have brought nothing for so long that nobody should wait for them.

        Their own epochs count as well as the usual ones: one study may hold models of very different cost.
        """
        now = self._clock()
        silent = {lease: now - heard for lease, heard in self._heard.items() if now - heard > MIN_SILENCE_S}
        if not silent or not self._recent:
            return set()
        usual, dearest = median(self._recent), max(self._recent)
        return {
            lease
            for lease, seconds in silent.items()
            if seconds > STALLED_EPOCHS * max(usual, self._own.get(lease, dearest))
        }

    def due(self, within: float) -> bool:
        """Whether an epoch in progress may end within so many seconds.

        Judged by the lease's own last epoch, else by the usual one; where nothing is known yet, it may.
        """
        now, usual = self._clock(), median(self._recent) if self._recent else 0.0
        return any(self._own.get(lease, usual) - (now - self._heard[lease]) <= within for lease in self.in_progress)
