"""What it saves on a CPU that memory stays with the process. `classifier.process` tells glibc to keep what a
batch gives back. Here one process does so and another does not; each trains the cases of `benchmarks.training`, drawn
images instead of photographs. Printed are the milliseconds of a step, of wall-clock and of processor time, page faults
per step, the most memory a process ever had, and whether both have trained the same bits.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.harness import serve, turns
from benchmarks.pairs import middle
from benchmarks.photos import decoded, drawn
from benchmarks.rates import CASES, rounded

KEPT, RETURNED = "kept", "returned"


def work(name: str, precision: str, kept: bool, chosen: argparse.Namespace) -> None:
    """Be a side: train an epoch whenever told to."""
    from benchmarks.loops import settings_of
    from classifier import process
    from classifier.training import Training

    if not kept:
        process._keep_memory = lambda: None
    case = CASES[name]
    size = chosen.size or case.size
    images = rounded(chosen.images or case.images["cpu"], case.batch)
    fixed, of_an_epoch = settings_of(case, precision)
    with tempfile.TemporaryDirectory(prefix="memory-") as folder:
        data = decoded(drawn(case.data, images, Path(folder)), size)
    training = Training(fixed, data, chosen.threads, "cpu")
    training.train_epoch(of_an_epoch)

    def timed() -> dict[str, float | str]:
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        training.train_epoch(of_an_epoch)
        seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
        steps = images / case.batch
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {
            "wall": 1000 * seconds / steps,
            "processor": 1000 * used / steps,
            "faults": (after.ru_minflt - before.ru_minflt) / steps,
            "most": after.ru_maxrss / 1024,
            "bits": hashlib.sha256(training.save()).hexdigest()[:12],
        }

    serve(timed)


def measure(name: str, precision: str, chosen: argparse.Namespace, arguments: list[str]) -> None:
    """Let both sides take turns; print what they took."""
    own = ["-m", "benchmarks.epochs", "memory", *arguments, "--models", name, "--precisions", precision, "--side"]
    with turns({side: [*own, side] for side in (KEPT, RETURNED)}) as sides:
        epochs_of: dict[str, list[dict[str, float | str]]] = {side: [] for side in sides}
        for repeat in range(chosen.repeat):
            for side in (KEPT, RETURNED) if repeat % 2 == 0 else (RETURNED, KEPT):
                epochs_of[side].append(sides[side].take())
    print(f"\n{name}, {precision}\n{'':10}{'ms a step':>12}{'processor ms':>14}{'faults a step':>15}{'most MB':>10}")
    for side, epochs in epochs_of.items():
        wall, used, faults, most = (middle(epochs, figure) for figure in ("wall", "processor", "faults", "most"))
        print(f"{side:10}{wall:12.1f}{used:14.1f}{faults:15,.0f}{most:10,.0f}")
    pairs = list(zip(epochs_of[RETURNED], epochs_of[KEPT], strict=True))
    ratios = {
        of: statistics.median(float(old[figure]) / float(new[figure]) for old, new in pairs)
        for of, figure in (("wall-clock", "wall"), ("processor time", "processor"))
    }
    bits = "equal" if all(old["bits"] == new["bits"] for old, new in pairs) else "DIFFER"
    print(f"returned by kept: {', '.join(f'{ratio:.3f} of {of}' for of, ratio in ratios.items())}; bits {bits}")
