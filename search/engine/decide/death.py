"""How a worker died, as the driver is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Death:
    """How a worker died: what to say of it ("died of SIGSEGV in epoch 2"), what more there is to read, and whether the
    machine's memory was short."""

    text: str
    detail: str = ""
    memory: bool = False


UNKNOWN = Death("exited without leaving a trace")
