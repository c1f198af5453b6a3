"""Images per second of one training epoch: ours, what one would write instead, and the most the device can do.

    python -m benchmarks.training [--models resnet18 model_c] [--precisions fp32 bf16] [--device cpu] [--images N]
                                  [--threads N] [--workers N] [--repeat 3] [--json FILE] [--drawn] [--profile]

Two cases: ResNet-18 on flowers-102 at 224 px with rotation and vertical flip, and Model C on flowers-17 at 64 px with
random crop and horizontal flip, both with batches of 48. The sides (`benchmarks.loops` has them):

    ours                  an epoch of `classifier.training.Training`, which evaluates one image of each other split
    device's limit        the same model, deterministic flags, precision, memory format, loss and optimiser on batches
                          of random numbers that lie on the device already: no image, no augmentation, no figure
                          (both on a GPU also with *graphs*, the setting ``cuda_graphs``)
    report B's pipeline   of ResNet-18: torchvision's transforms on PIL images, from JPEG files, a `DataLoader` with
                          workers, torchvision's ResNet-18, single precision, standard memory layout
    torchvision's recipe  of Model C: references/classification, as it is, with channels_last, with amp, with both

Each side is a process of its own that stays; in every repeat each trains one epoch in turn, the order turned round from
repeat to repeat, after an epoch of warming up that does not count. All see the same photographs (from `SEARCH_DATA`;
where they are not there, or with --drawn, drawn ones of the same size). All have the same processors: a side and its
workers are pinned to the first N, with N threads for the training and N workers (--workers) that share them.

How to read it. Figures are medians over the repeats, [least to most]; a ratio is taken within each repeat, so that a
machine that is busy for a while is so for both. *per core-s* is images by processor time, workers included, which
other programs hardly change; *of N cores* is processor time by seconds: below N a side waited.
Decoding is none of our epoch, because it is done once; how long it took stands above the table. The last lines say
which targets are met. With --profile, on a GPU, an epoch of ours is traced instead, and the largest gap between two
kernels is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import harness
from benchmarks.harness import serve, turns
from benchmarks.photos import Photos, decoded, drawn, flowers
from benchmarks.rates import CASES, OURS, Case, Epoch, Found, Side, rounded, sides, table, targets


def photographs(case: Case, images: int, artificial: bool, folder: Path) -> Photos:
    """Return the photographs of an epoch: real ones where they are there."""
    named = os.environ.get("SEARCH_DATA")
    if artificial or not (named and (Path(named) / case.data / "jpg").is_dir()):
        return drawn(case.data, images, folder / case.data)
    return flowers(case.data, images)


# One side, in a process of its own ---------------------------------------------------------------------------


def work(side: Side, case: Case, photos: Photos, chosen: argparse.Namespace) -> None:
    """Be a side: train an epoch whenever told to."""
    os.sched_setaffinity(0, harness.cores()[: chosen.threads])
    from benchmarks.loops import epoch_of

    epoch = epoch_of(side, case, photos, chosen.threads, chosen.workers, chosen.device)
    epoch()  # kernels are chosen and files read before anything is timed

    def timed() -> dict[str, float]:
        before, began = processor(), time.perf_counter()
        images = epoch()
        seconds = time.perf_counter() - began
        return {"images": images, "seconds": seconds, "processor": processor() - before}

    serve(timed)


def processor() -> float:
    """Return seconds of processor time of this process and of its workers that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


# Gaps between kernels ---------------------------------------------------------------------------------------

MAX_GAP_US = 1000.0
"""No gap is longer, in microseconds."""

TRIMMED_SHARE = 0.05
"""Of a trace, at each end: the start uploads the epoch's order and drawn parameters, the end evaluates and reads the
figures; what lies between is the steady state."""

KERNEL_KINDS = {"cuda": {"kernel", "gpu_memcpy", "gpu_memset"}, "cpu": {"cpu_op"}}
"""Categories of a trace that count as work of the device; those of the CPU serve to try this out without a GPU."""


@dataclass(frozen=True)
class Gaps:
    """How long a device idles between two kernels of an epoch's steady state; times in microseconds.

    A kernel is a kernel, a copy or a fill; where several run at once they count as one.

    Attributes:
        kernels: how many there are.
        span: from the first one's start to the last one's end.
        busy: share of the span in which at least one ran.
        longest: the longest gaps, longest first, each with the kernel before it and the one behind it.
        over: how many are longer than `MAX_GAP_US`.
    """

    kernels: int
    span: float
    busy: float
    longest: list[tuple[float, str, str]]
    over: int

    def lines(self, name: str) -> list[str]:
        """Return what is printed, under a name of what was traced."""
        found = [
            f"{name}: {self.kernels:,} kernels in {self.span / 1000:,.1f} ms of steady state, the device busy "
            f"{100 * self.busy:.1f} % of it"
        ]
        found += [
            f"  gap of {gap:8,.1f} us between {before[:60]} and {after[:60]}" for gap, before, after in self.longest
        ]
        worst = self.longest[0][0] if self.longest else 0.0
        met = "yes" if self.over == 0 else "NO "
        return [*found, f"  {met}   largest gap {worst:,.1f} us, none over {MAX_GAP_US:,.0f} us ({self.over} are)"]


def gaps(kernels: Iterable[tuple[float, float, str]], shown: int = 3) -> Gaps:
    """Find the gaps between kernels.

    Args:
        kernels: start and end in microseconds, and name.
        shown: how many of the longest gaps are kept.

    Raises:
        ValueError: there are no kernels.
    """
    every = sorted(kernels)
    if not every:
        raise ValueError("the trace holds no kernels; the epoch was not trained on the device that was traced")
    first, last = every[0][0], max(end for _, end, _ in every)
    low, high = first + TRIMMED_SHARE * (last - first), last - TRIMMED_SHARE * (last - first)
    steady = [kernel for kernel in every if kernel[0] >= low and kernel[1] <= high] or every
    idle: list[tuple[float, str, str]] = []
    busy, (reached, name) = 0.0, (steady[0][0], steady[0][2])
    for start, end, called in steady:
        if start > reached:
            idle.append((start - reached, name, called))
        if end > reached:
            busy += end - max(start, reached)
            reached, name = end, called
    span = reached - steady[0][0]
    over = sum(gap > MAX_GAP_US for gap, _, _ in idle)
    return Gaps(len(steady), span, busy / span if span else 1.0, sorted(idle, reverse=True)[:shown], over)


def kernels_of(trace: dict[str, Any], device: str) -> list[tuple[float, float, str]]:
    """Return start, end and name of what the device did, from a trace in Chrome's format."""
    return [
        (event["ts"], event["ts"] + event["dur"], event["name"])
        for event in trace["traceEvents"]
        if event.get("cat") in KERNEL_KINDS[device] and "dur" in event
    ]


def traced(epoch: Callable[[], int], device: str) -> Gaps:
    """Train an epoch under the profiler and return its gaps.

    Args:
        epoch: warmed up.
        device: ``cuda``, or ``cpu`` to try it out.
    """
    from torch.profiler import ProfilerActivity, profile

    wanted = ProfilerActivity.CUDA if device == "cuda" else ProfilerActivity.CPU
    with profile(activities=[wanted]) as profiler:
        epoch()
    with tempfile.TemporaryDirectory(prefix="gaps-") as folder:
        file = Path(folder, "trace.json")
        profiler.export_chrome_trace(str(file))
        return gaps(kernels_of(json.loads(file.read_text()), device))


# All of them -------------------------------------------------------------------------------------------------


def measure(
    case: Case, chosen: argparse.Namespace, arguments: list[str], known: Callable[[Found], None] = lambda found: None
) -> Found:
    """Let the sides of a case take turns; whoever asks is told of the figures behind each repeat."""
    listed = sides(case, chosen.precisions, chosen.device)
    own = ["-m", "benchmarks.training", *arguments, "--models", case.name]
    commands = {str(side): [*own, "--side", str(place)] for place, side in enumerate(listed)}
    epochs: dict[Side, list[Epoch]] = {side: [] for side in listed}
    with turns(commands) as processes:
        for repeat in range(chosen.repeat):
            for side in listed if repeat % 2 == 0 else reversed(listed):
                epochs[side].append(Epoch(**processes[str(side)].take()))
                rate = epochs[side][-1].rate
                print(f"  repeat {repeat + 1}, {case.name}, {side}: {rate:.1f} images/s", file=sys.stderr, flush=True)
            known(Found(case, epochs))
    return Found(case, epochs)


def plain(found: list[Found], lines: list[str]) -> dict[str, Any]:
    """Return conditions, epochs and targets as plain data."""
    return {
        "conditions": lines,
        "cases": {
            of.case.name: {str(side): [vars(epoch) for epoch in epochs] for side, epochs in of.epochs.items()}
            for of in found
        },
    }


def options() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    import torch

    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--precisions", nargs="+", choices=["fp32", "bf16"], default=["fp32", "bf16"])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--images", type=int, help="per epoch and case, cut to whole batches")
    parser.add_argument("--threads", type=int, default=len(harness.cores()), help="processors of each side")
    parser.add_argument("--workers", type=int, help="of a DataLoader; as many as threads where not given")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write all epochs there")
    parser.add_argument("--drawn", action="store_true", help="photographs of nothing, also where there are real ones")
    parser.add_argument("--profile", action="store_true", help="trace an epoch of ours instead")
    parser.add_argument("--side", type=int, help=argparse.SUPPRESS)
    return parser


def main(arguments: list[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = options()
    chosen = parser.parse_args(arguments)
    if chosen.repeat < 1 or chosen.threads < 1 or (chosen.images is not None and chosen.images < 1):
        parser.error("at least 1 repeat, 1 thread and 1 image")
    chosen.workers = chosen.threads if chosen.workers is None else chosen.workers
    cases = [CASES[name] for name in chosen.models]
    with tempfile.TemporaryDirectory(prefix="training-") as name:
        if chosen.side is not None:
            [case] = cases
            side = sides(case, chosen.precisions, chosen.device)[chosen.side]
            work(side, case, photographs(case, images_of(case, chosen), chosen.drawn, Path(name)), chosen)
            return
        lines = [*harness.conditions({"device": chosen.device, "each side": budget(chosen)})]
        print("\n".join(line for line in [*lines, harness.busy()] if line), flush=True)
        measured: list[Found] = []
        traces: dict[str, Any] = {}

        def keep(figures: object) -> None:
            """Write what there is: whoever ends this early has it."""
            if chosen.json:
                harness.write(chosen.json, figures)

        for case in cases:
            photos = photographs(case, images_of(case, chosen), chosen.drawn, Path(name))
            began = time.perf_counter()
            decoded(photos, case.size)
            print(
                f"\n{case.name}: {len(photos.paths):,} images per epoch, {photos.name}; decoding them once takes ours "
                f"{time.perf_counter() - began:.1f} s",
                flush=True,
            )
            if chosen.profile:
                traces |= profile(case, photos, chosen)
                keep({"conditions": lines, "gaps": traces})
                continue
            of_case = measure(case, chosen, arguments, lambda found: keep(plain([*measured, found], lines)))
            measured.append(of_case)
            print("\n".join(table(of_case, chosen.threads)), flush=True)
    if measured:
        report(measured, lines, chosen)


def images_of(case: Case, chosen: argparse.Namespace) -> int:
    """Return the images of an epoch: whole batches."""
    return rounded(chosen.images or case.images[chosen.device], case.batch)


def budget(chosen: argparse.Namespace) -> str:
    """Say what each side may use."""
    return (
        f"{chosen.threads} cores, {chosen.threads} threads, {chosen.workers} workers of a DataLoader on the same cores"
    )


def profile(case: Case, photos: Photos, chosen: argparse.Namespace) -> dict[str, Any]:
    """Print the gaps between the kernels of our epochs, in each precision, eager and recorded; return them."""
    from benchmarks.loops import ours

    found = {}

    for side in sides(case, chosen.precisions, chosen.device):
        if side.way == OURS:
            epoch = ours(side, case, photos, chosen.threads, chosen.device)
            epoch()
            name, of = f"{case.name}, {side}", traced(epoch, chosen.device)
            print("\n".join(of.lines(name)), flush=True)
            found[name] = vars(of)
    return found


def report(found: list[Found], lines: list[str], chosen: argparse.Namespace) -> None:
    """Print which targets are met, and write the figures where asked to."""
    device = chosen.device if chosen.device == "cpu" else harness.gpu()
    aims = [aim for of in found for aim in targets(of, device)]
    print(f"\nload after: {os.getloadavg()[0]:.1f}\ntargets:")
    for text, met in aims:
        print(f"  {'yes' if met else 'NO '}   {text}")
    print(f"{sum(met for _, met in aims)} of {len(aims)} targets are met")
    if chosen.json:
        told = {**plain(found, lines), "targets": [{"target": text, "met": met} for text, met in aims]}
        harness.write(chosen.json, told)


if __name__ == "__main__":
    main()
