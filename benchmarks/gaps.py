"""How long a GPU idles between two kernels of an epoch, from a trace of `torch.profiler`.

The steady state is what lies between the first and the last twentieth of the time from the first kernel to the last
one: the start uploads the epoch's order and drawn parameters, the end evaluates and reads the figures. A kernel is a
kernel, a copy or a fill; where several run at once they count as one.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TARGET = 1000.0
"""No gap is longer, in microseconds."""

TRIM = 0.05
KINDS = {"cuda": {"kernel", "gpu_memcpy", "gpu_memset"}, "cpu": {"cpu_op"}}
"""Categories of a trace that count as work of the device; those of the CPU serve to try this out without a GPU."""

Span = tuple[float, float]


@dataclass(frozen=True)
class Gaps:
    """What was found in the steady state; times in microseconds.

    Attributes:
        kernels: how many there are.
        span: from the first one's start to the last one's end.
        busy: share of the span in which at least one ran.
        longest: the longest gaps, longest first, each with the kernel before it and the one behind it.
        over: how many are longer than `TARGET`.
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
        return [*found, f"  {met}   largest gap {worst:,.1f} us, none over {TARGET:,.0f} us ({self.over} are)"]


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
    low, high = first + TRIM * (last - first), last - TRIM * (last - first)
    steady = [kernel for kernel in every if kernel[0] >= low and kernel[1] <= high] or every
    found: list[tuple[float, str, str]] = []
    busy, (reached, name) = 0.0, (steady[0][0], steady[0][2])
    for start, end, called in steady:
        if start > reached:
            found.append((start - reached, name, called))
        if end > reached:
            busy += end - max(start, reached)
            reached, name = end, called
    span = reached - steady[0][0]
    over = sum(gap > TARGET for gap, _, _ in found)
    return Gaps(len(steady), span, busy / span if span else 1.0, sorted(found, reverse=True)[:shown], over)


def kernels_of(trace: dict[str, Any], device: str) -> list[tuple[float, float, str]]:
    """Return start, end and name of what the device did, from a trace in Chrome's format."""
    return [
        (event["ts"], event["ts"] + event["dur"], event["name"])
        for event in trace["traceEvents"]
        if event.get("cat") in KINDS[device] and "dur" in event
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
