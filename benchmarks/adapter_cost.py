"""What the adapter of PyTorch scripts costs. One process trains epochs of `examples/digits_torch.py`, another
those of the untouched original, whose `range` is put off between epochs until it is its turn; each on one thread. An
epoch has four passes over the digits, about a tenth of a second.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from benchmarks import harness
from benchmarks.harness import serve, turns
from benchmarks.pairs import middle

PASSES = 4
SCRIPT_SIDES = ADAPTER, ORIGINAL = "adapter", "original"


def scripted() -> None:
    """Be the side that trains through the adapter."""
    from examples import digits_torch

    script = longer(digits_torch).main
    fixed, (now,) = script.schedule(script.canonical({"seed": 0}), 1)
    training = script.start(fixed, 1, 0)
    training.train_epoch(now)

    def timed() -> dict[str, float]:
        began = clocks()
        training.train_epoch(now)
        return since(began)

    serve(timed)


def untouched() -> None:
    """Be the side that trains the original."""
    import torch

    from examples.originals import digits_torch as original

    def turned(_: int) -> Iterator[int]:
        yield 0
        print(harness.READY, flush=True)
        for _ in sys.stdin:
            began = clocks()
            yield 1
            print(json.dumps(since(began)), flush=True)

    torch.set_num_threads(1)
    vars(longer(original))["range"] = turned
    original.main()


def longer(module: ModuleType) -> ModuleType:
    """Let each epoch of a script pass over its training data several times."""
    loader = module.DataLoader

    def passes(*data: Any, **loading: Any) -> Iterator[Any]:
        for _ in range(PASSES):
            yield from loader(*data, **loading)

    vars(module)["DataLoader"] = passes
    return module


def clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def since(began: tuple[float, float]) -> dict[str, float]:
    """Return the milliseconds of wall-clock and of processor time since then."""
    wall, used = clocks()
    return {"wall": 1000 * (wall - began[0]), "processor": 1000 * (used - began[1])}


def compare(repeat: int) -> None:
    """Let the script and its original take turns; print what an epoch took."""
    with turns({side: ["-m", "benchmarks.epochs", "adapter", "--side", side] for side in SCRIPT_SIDES}) as sides:
        epochs_of: dict[str, list[dict[str, float | str]]] = {side: [] for side in sides}
        for number in range(repeat):
            for side in SCRIPT_SIDES if number % 2 == 0 else SCRIPT_SIDES[::-1]:
                epochs_of[side].append(sides[side].take())
    print(f"\n{'':10}{'ms an epoch':>12}{'processor ms':>14}")
    for side, epochs in epochs_of.items():
        print(f"{side:10}{middle(epochs, 'wall'):12.1f}{middle(epochs, 'processor'):14.1f}")
    pairs = list(zip(epochs_of[ADAPTER], epochs_of[ORIGINAL], strict=True))
    ratios = {
        of: statistics.median(float(ours[figure]) / float(theirs[figure]) for ours, theirs in pairs)
        for of, figure in (("wall-clock", "wall"), ("processor time", "processor"))
    }
    print(f"adapter by original: {', '.join(f'{ratio:.3f} of {of}' for of, ratio in ratios.items())}")
