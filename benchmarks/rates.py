"""What the sides of `benchmarks.training` are, and what their figures come to: pure, from epochs to lines."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

OURS, LIMIT, REPORT_B, RECIPE = "ours", "device's limit", "report B's pipeline", "torchvision's recipe"

OF_LIMIT, OVER_REPORT_B, OVER_RECIPE, H200 = 0.9, 3.0, 1.5, 10_000
"""Targets: ours by the device's limit; on a CPU by report B's pipeline (ResNet-18) and by torchvision's recipe
(Model C); images per second of ResNet-18 at 224 px with augmentation on an H200, in bf16. Single precision cannot reach
it, and is held against the device's limit alone."""


@dataclass(frozen=True)
class Case:
    """What is trained.

    Attributes:
        name: the model, as ``model.name`` has it.
        data: the photographs.
        size: width and height in pixels.
        batch: images per step.
        settings: what else ours is told.
        images: per epoch, on a CPU and on a GPU.
    """

    name: str
    data: str
    size: int
    batch: int
    settings: Mapping[str, Any]
    images: Mapping[str, int]


CASES = {
    "resnet18": Case(
        "resnet18",
        "flowers-102",
        224,
        48,
        {
            "input.normalise": "cifar10",
            "loss.name": "cross_entropy",
            "optimizer.name": "adam",
            "optimizer.lr": 0.001,
            "augment.vflip": 0.5,
            "augment.rotation": 10,
        },
        {"cpu": 96, "cuda": 6144},
    ),
    "model_c": Case(
        "model_c",
        "flowers-17",
        64,
        48,
        {
            "input.normalise": "imagenet",
            "loss.name": "cross_entropy",
            "optimizer.name": "sgd",
            "optimizer.lr": 0.005,
            "optimizer.momentum": 0.9,
            "augment.crop": True,
            "augment.hflip": 0.5,
        },
        {"cpu": 768, "cuda": 12288},
    ),
}


@dataclass(frozen=True)
class Side:
    """One way to train a case.

    Attributes:
        way: one of `OURS`, `LIMIT`, `REPORT_B`, `RECIPE`.
        precision: ``fp32`` or ``bf16``; of the recipe, whether its flag ``--amp`` is off or on.
        channels_last: of the recipe, whether weights and images lie so; ours and the limit always have it.
        graphs: of ours and the limit, whether steps are recorded and replayed; without effect on a CPU.
    """

    way: str
    precision: str = "fp32"
    channels_last: bool = False
    graphs: bool = False

    def __str__(self) -> str:
        if self.way == RECIPE:
            flags = [*(["channels_last"] if self.channels_last else []), *(["amp"] if self.precision != "fp32" else [])]
            return ", ".join([self.way, *flags])
        if self.way == REPORT_B:
            return self.way
        return f"{self.way}, {self.precision}{', graphs' if self.graphs else ''}"


def sides(case: Case, precisions: Sequence[str], device: str) -> list[Side]:
    """Return what is compared: ours and the limit in each precision, and what one would write instead.

    Args:
        case: what is trained.
        precisions: of ours and the limit; with bf16 the recipe gets its flag, too.
        device: ``cpu`` or ``cuda``, where steps are also recorded.
    """
    modes = [
        (precision, graphs) for precision in precisions for graphs in ([False, True] if device == "cuda" else [False])
    ]
    found = [Side(way, precision, graphs=graphs) for precision, graphs in modes for way in (OURS, LIMIT)]
    if case.name == "resnet18":
        return [*found, Side(REPORT_B)]
    amps = ["fp32", *(["bf16"] if "bf16" in precisions else [])]
    return found + [Side(RECIPE, amp, last) for amp in amps for last in (False, True)]


@dataclass(frozen=True)
class Epoch:
    """One epoch of one side: its images, its seconds, and seconds of processor time of it and its workers."""

    images: int
    seconds: float
    processor: float

    @property
    def rate(self) -> float:
        """Images per second."""
        return self.images / self.seconds

    @property
    def thrift(self) -> float:
        """Images per second of processor time: what a busy machine changes least."""
        return self.images / self.processor


@dataclass(frozen=True)
class Found:
    """What was measured of a case: side -> one epoch per repeat; in a repeat the sides took turns."""

    case: Case
    epochs: Mapping[Side, Sequence[Epoch]] = field(default_factory=dict)

    def rate(self, side: Side) -> float:
        """Median images per second."""
        return statistics.median(epoch.rate for epoch in self.epochs[side])

    def ratios(self, one: Side, other: Side) -> list[float]:
        """Rate of `one` by that of `other` in each repeat, from least to most."""
        pairs = zip(self.epochs[one], self.epochs[other], strict=True)
        return sorted(ours.rate / theirs.rate for ours, theirs in pairs)

    def thrift(self, one: Side, other: Side) -> float:
        """Median images per second of processor time of `one` by that of `other`."""
        ours, theirs = (statistics.median(epoch.thrift for epoch in self.epochs[side]) for side in (one, other))
        return ours / theirs


def rounded(images: int, batch: int) -> int:
    """Return a number of images that is whole batches, at least one: all sides take the same steps."""
    return max(1, images // batch) * batch


def table(found: Found, cores: int) -> list[str]:
    """Return one line per side: images per second, of one core too, its use of the cores, and each of ours by it."""
    ours = [side for side in found.epochs if side.way == OURS]
    head = "".join(f"{f'{side} by it'.replace(',', ''):>24}" for side in ours)
    name = f"{found.case.name} at {found.case.size} px"
    lines = [f"{name:42}{'images/s':>26}{'per core-s':>12}{f'of {cores} cores':>12}{head}"]
    for side, epochs in found.epochs.items():
        used = statistics.median(epoch.processor / epoch.seconds for epoch in epochs)
        thrift = statistics.median(epoch.thrift for epoch in epochs)
        cells = "".join(f"{spread(found.ratios(own, side)) if own != side else '':>24}" for own in ours)
        rates = spread([epoch.rate for epoch in epochs], 1)
        lines.append(f"{side!s:42}{rates:>26}{thrift:12.1f}{used:12.2f}{cells}".rstrip())
    return lines


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return median [least to most]."""
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f} to {max(values):.{digits}f}]"


def targets(found: Found, device: str) -> list[tuple[str, bool]]:
    """Return each target that the figures speak of as text with what was found, and whether it is met.

    Args:
        found: at least ours.
        device: ``cpu``, or the name of the GPU.
    """
    aims = []
    name = f"{found.case.name} at {found.case.size} px"
    for ours in [side for side in found.epochs if side.way == OURS]:
        for other in found.epochs:
            if other.way == LIMIT and (other.precision, other.graphs) == (ours.precision, ours.graphs):
                least = OF_LIMIT
            elif device == "cpu" and other.way in (REPORT_B, RECIPE):
                least = OVER_REPORT_B if other.way == REPORT_B else OVER_RECIPE
            else:
                continue
            ratio = statistics.median(found.ratios(ours, other))
            busy = f" ({found.thrift(ours, other):.2f} in processor time)" if device == "cpu" else ""
            aims.append((f"{name}: {ours} by {other}: {ratio:.2f}, at least {least:g}{busy}", ratio >= least))
        if found.case.name == "resnet18" and "H200" in device and ours.precision == "bf16":
            rate = found.rate(ours)
            aims.append((f"{name}: {ours} on an H200: {rate:,.0f} images/s, at least {H200:,}", rate >= H200))
    return aims
