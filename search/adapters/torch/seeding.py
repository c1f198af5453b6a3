"""Random numbers from (seed, epoch, purpose): never from how many were drawn before, or by whom."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

SEED_BYTES = 8


def derived(seed: int, epoch: int, *purpose: int | str) -> int:
    """Return a whole number of 63 bits for one purpose of one epoch: a seed of its own."""
    text = repr((seed, epoch, purpose)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=SEED_BYTES).digest(), "little") >> 1


def seed_all(seed: int, epoch: int, *purpose: int | str) -> None:
    """Seed the global generators of Python, numpy and torch, on every device, for one purpose of one epoch."""
    # Each by a number of its own: Python's and numpy's generators are one algorithm, and would draw the same numbers.
    random.seed(derived(seed, epoch, *purpose, "python"))
    number = derived(seed, epoch, *purpose, "numpy")
    np.random.seed([number & 0xFFFFFFFF, number >> 32])
    torch.manual_seed(derived(seed, epoch, *purpose, "torch"))  # of the CPU, and of each accelerator once it is used


def generator(seed: int, epoch: int, *purpose: int | str) -> torch.Generator:
    """Return a generator of torch's, on the CPU, at the start of its stream for one purpose of one epoch."""
    made = torch.Generator()
    made.manual_seed(derived(seed, epoch, *purpose))
    return made


def global_states() -> dict[str, object]:
    """Return the states of the global generators of Python, numpy and torch on the CPU, and on GPUs that are in use."""
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else []
    return {"python": random.getstate(), "numpy": np.random.get_state(), "torch": torch.get_rng_state(), "gpus": gpus}


def restore_global(states: dict[str, Any]) -> None:
    """Put the global generators back to states from `global_states`."""
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
    torch.set_rng_state(states["torch"])
    if states["gpus"]:
        torch.cuda.set_rng_state_all(states["gpus"])


@contextmanager
def left_alone() -> Iterator[None]:
    """Leave the global generators as they were, whatever is drawn in here."""
    states = global_states()
    try:
        yield
    finally:
        restore_global(states)
