"""What a fresh process can do to its own surroundings: stir generators, stop the clock, seal the source of chance.

A row that changes when one of these changes depends on it, which the contract forbids. Runs in the fresh process.
"""

from __future__ import annotations

import datetime
import os
import random
import sys
import time
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any, Self

GENERATORS = ("python", "numpy", "torch")
"""The generators that all code of a process shares."""

FROZEN_S = 1_700_000_000.0
"""What a stopped clock shows, in seconds; a date in 2023."""

_CLOCKS = ("time", "monotonic", "perf_counter", "process_time")


def stir(names: Iterable[str], number: int) -> None:
    """Put shared generators at a place that a number names; one whose library is not loaded is left out."""
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    for name in names:
        if name == "python":
            random.seed(number)
        elif name == "numpy" and numpy is not None:
            numpy.random.seed(number)
        elif name == "torch" and torch is not None:
            torch.manual_seed(number)


def places() -> dict[str, object]:
    """Return where the shared generators are, for `put_back`."""
    generators: dict[str, object] = {"python": random.getstate()}
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None:
        generators["numpy"] = numpy.random.get_state()
    if torch is not None:
        generators["torch"] = torch.get_rng_state().numpy()
    return generators


def put_back(generators: dict[str, object]) -> None:
    """Put the shared generators where those of another process were."""
    state: Any = generators["python"]
    random.setstate(state)
    if "numpy" in generators:
        sys.modules["numpy"].random.set_state(generators["numpy"])
    if "torch" in generators:
        import importlib

        torch = importlib.import_module("torch")
        torch.set_rng_state(torch.from_numpy(generators["torch"]))


def stop_clock() -> None:
    """Let the clock stand still, for every module that has asked for it by name as well."""
    changed: list[tuple[object, object]] = [(datetime.datetime, _Stopped)]
    for name in _CLOCKS:
        changed.append((getattr(time, name), lambda: FROZEN_S))
        changed.append((getattr(time, f"{name}_ns"), lambda: int(FROZEN_S * 1e9)))
    _replace(changed)


def seal_chance() -> None:
    """Let the system's source of chance, from which generators without a seed get theirs, give zeros."""
    _replace([(os.urandom, lambda size: bytes(size))])


def _replace(changed: Sequence[tuple[object, object]]) -> None:
    """Put something else in the place of objects, wherever a module has them.

    The objects live until all is replaced: what a module makes when it is asked for its names (`cffi` does so) could
    else stand where one of them was, and be taken for it.
    """
    others = {id(usual): other for usual, other in changed}
    for module in [each for each in sys.modules.values() if isinstance(each, ModuleType)]:
        for name, value in list(vars(module).items()):
            if id(value) in others:
                setattr(module, name, others[id(value)])


class _Stopped(datetime.datetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Self:
        return cls.fromtimestamp(FROZEN_S, tz)

    @classmethod
    def utcnow(cls) -> Self:
        return cls.fromtimestamp(FROZEN_S, datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Self:
        return cls.fromtimestamp(FROZEN_S)  # as the original is
