"""What the kernels of `classifier.fused` save. A batch of random pixels is augmented and normalised, by them and
by PyTorch's operations in turn, eager and recorded, with the augmentation of the case, and with that and all of the
colours. Printed are the milliseconds of a batch and the largest difference. Without a GPU it needs TRITON_INTERPRET=1
in the environment, and its times say nothing.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

from benchmarks import harness
from benchmarks.rates import CASES, Case

COLOURS = {f"augment.{name}": 0.4 for name in ("brightness", "contrast", "saturation")} | {"augment.hue": 0.1}


def augmented(case: Case, colours: bool, chosen: argparse.Namespace) -> dict[str, Any]:
    """Return the milliseconds in which a batch is augmented and normalised, in each way, and how they differ."""
    import torch

    from benchmarks.loops import wait
    from classifier import fused
    from classifier.augment import Augmentation
    from classifier.inputs import CONSTANTS
    from classifier.network import Network
    from classifier.steps import STEPS_BEFORE_RECORDING, Graphed

    device, size, images = torch.device(chosen.device), chosen.size or case.size, chosen.images or case.batch
    augmentation = Augmentation({**case.settings, **(COLOURS if colours else {})}, 0, 1, images)
    batch = torch.randint(256, (images, 3, size, size), dtype=torch.uint8, device=device)
    batch = batch.contiguous(memory_format=torch.channels_last)
    rows = augmentation.rows(torch.arange(images, device=device), size, size)
    columns, kinds = augmentation._parameters(device, size, size)[1], frozenset(augmentation.keys) - {"hue"}
    means, deviations = (torch.tensor(values, device=device) for values in CONSTANTS["cifar10"])
    network = Network(torch.nn.Identity(), CONSTANTS["cifar10"], "fp32", device)

    def torchs(batch: Any, rows: Any) -> Any:
        return network.normalise(augmentation.change(batch, rows))

    def ours(batch: Any, rows: Any) -> Any:
        return fused.changed(batch, rows, columns, kinds, means, deviations)

    difference = (torchs(batch, rows) - ours(batch, rows)).abs().max().item()
    ways = {"PyTorch": torchs, "fused": ours, "PyTorch, recorded": Graphed(torchs), "fused, recorded": Graphed(ours)}
    milliseconds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(STEPS_BEFORE_RECORDING + 1 + chosen.repeat):
        for way, change in ways.items():
            wait(chosen.device)
            began = time.perf_counter()
            change(batch, rows)
            wait(chosen.device)
            if number > STEPS_BEFORE_RECORDING:
                milliseconds[way].append(1000 * (time.perf_counter() - began))
    medians = {way: statistics.median(taken) for way, taken in milliseconds.items()}
    return {"case": case.name, "colours": colours, "ms": medians, "difference": difference}


def kernels(chosen: argparse.Namespace) -> int:
    """Print what fused kernels save; return 0."""
    lines = harness.conditions({"device": chosen.device})
    print("\n".join(lines), f"\n\n{'ms a batch':20}{'differ by':>11}", end="")
    figures = []
    for name, colours in [(name, colours) for name in chosen.models for colours in (False, True)]:
        figures.append(augmented(CASES[name], colours, chosen))
        taken, what = figures[-1]["ms"], f"{name}{', colours' if colours else ''}"
        if len(figures) == 1:
            print("".join(f"{way:>19}" for way in taken))
        columns = "".join(f"{milliseconds:19.3f}" for milliseconds in taken.values())
        print(f"{what:20}{figures[-1]['difference']:11.1e}{columns}", flush=True)
        if chosen.json:
            harness.write(chosen.json, {"conditions": lines, "fused": figures})
    return 0
