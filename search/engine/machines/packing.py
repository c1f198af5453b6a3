"""How many leases share a GPU: a pure decision from what was measured, and whether it has paid. Free of Ray.

What decides is the memory a lease takes while it is alone on its GPU, the CPU threads it needs, how much is left to
train, and last the clock. How many are at once changes when a row is there, and nothing in it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

GPU_MEMORY_RESERVE_FRACTION = 0.2
"""Fraction of a GPU's memory that nobody is to fill. A library that finds too little for its workspace does not fail:
it computes in another way, and gives other bits."""

MAX_LEASES_PER_GPU = 8
"""Leases on one GPU. Each process costs some 500 MB there and some GB of the machine's own memory."""

MIN_TRAINING_LEFT_S = 60.0
"""Seconds of training that must be left on each GPU. Ending the leases and starting new workers takes about ten, and
where sharing brings a fifth, a minute brings those back."""

MIN_GPU_FRACTION = 0.001
"""Fractions are not told apart below this."""

MIN_SPEEDUP = 1.05
"""How many times the epochs per second it must bring to stay. Measured on a few epochs; less than that is noise."""


@dataclass(frozen=True)
class SharingChoice:
    """How many leases share a GPU, and what allows no more."""

    number: int
    why: str


def leases_per_gpu(
    memory: float, busy: float | None, fits: int, gpus: int, trials: int, epochs: int, seconds: float
) -> SharingChoice:
    """Decide how many leases share each GPU from now on; 1 where they do not.

    Args:
        memory: most that a lease alone on its GPU took, as a fraction of its memory.
        busy: least that a GPU was busy with it, as a fraction of the time; None where nobody knows.
        fits: leases that run at once by CPU threads.
        gpus: whole GPUs there are.
        trials: trials that are not decided.
        epochs: epochs they have still to come, at the most, each that they share counted once.
        seconds: of one epoch, alone.
    """
    percent = f"one trial takes {100 * memory:.0f} % of a GPU's memory"
    reserve, fraction_taken = GPU_MEMORY_RESERVE_FRACTION, max(memory, MIN_GPU_FRACTION)
    bounds = [
        SharingChoice(
            math.floor((1 - reserve) / fraction_taken + 1e-9), f"{percent}, and {100 * reserve:.0f} % stay free"
        ),
        SharingChoice(fits // gpus, "there are CPU cores for no more"),
        SharingChoice(math.ceil(trials / gpus), "there are no more trials"),
        SharingChoice(MAX_LEASES_PER_GPU, f"more than {MAX_LEASES_PER_GPU} are never tried"),
    ]
    if busy:
        why = f"one trial keeps a GPU busy {100 * busy:.0f} % of the time"
        bounds.append(SharingChoice(math.ceil(1 / max(busy, MIN_GPU_FRACTION)), why))
    least = min(bounds, key=lambda bound: bound.number)
    if least.number <= 1:
        return SharingChoice(1, least.why)
    if (left := epochs * seconds / gpus) < MIN_TRAINING_LEFT_S:
        return SharingChoice(1, f"the {left:.0f} s of training that are left on each would not repay a change")
    return least


def gain(alone: Mapping[int, Sequence[float]], shared: Mapping[int, Sequence[float]], number: int) -> float:
    """Return how many times the epochs per second of a GPU that `number` leases at once bring, against one.

    Trials that were seen in both ways are compared with themselves, for one study may hold models of very different
    cost; where there is none, all with all.

    Args:
        alone: trial -> seconds of its epochs while it had a GPU to itself.
        shared: the same while `number` shared one.
        number: leases at once.
    """
    both = [_ratio(alone[trial], shared[trial]) for trial in shared if alone.get(trial)]
    return number * (median(both) if both else _ratio(_all(alone), _all(shared)))


def _ratio(one: Sequence[float], other: Sequence[float]) -> float:
    return median(one) / max(median(other), 1e-9)


def _all(seconds: Mapping[int, Sequence[float]]) -> list[float]:
    return [one for each in seconds.values() for one in each]


def fraction(number: int) -> float:
    """Return what one of `number` leases takes of a GPU; Ray counts in ten thousandths and would round up."""
    return 1.0 if number == 1 else math.floor(10_000 / number) / 10_000
