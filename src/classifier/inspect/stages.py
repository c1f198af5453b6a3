"""ResNets side by side, stage by stage, in the form of table 1 of He et al. (CVPR 2016)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from tabulate import tabulate
from torch import Tensor, nn

from classifier.models import build
from search.workload import Settings


def stage_table(chosen: Mapping[str, Mapping[str, object]], classes: int, totals: Mapping[str, tuple[int, int]]) -> str:
    """Return the table as text.

    Args:
        chosen: name -> canonical settings of a ResNet; all have the same size and stem.
        classes: outputs.
        totals: name -> (parameters, multiply-adds).
    """
    columns = {name: _stages(fixed, classes) for name, fixed in chosen.items()}
    first = next(iter(columns.values()))
    rows = [[stage, size, *(cells[stage][1] for cells in columns.values())] for stage, (size, _) in first.items()]
    rows.append(["parameters", "", *(f"{totals[name][0]:,}" for name in columns)])
    rows.append(["multiply-adds", "", *(f"{totals[name][1]:,}" for name in columns)])
    rows.append(["", "", *(f"{totals[name][1] / 1e9:.3f} x 10^9" for name in columns)])
    return tabulate(rows, ["stage", "output", *columns], "simple", disable_numparse=True)


def _stages(fixed: Settings, classes: int) -> dict[str, tuple[str, str]]:
    """Return stage -> (output size, its layers, one to a line)."""
    with torch.device("meta"):
        model = build(fixed, classes).eval()
        image = torch.empty(1, 3, fixed["data.size"], fixed["data.size"])
    sizes: dict[str, str] = {}

    def note(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            sizes[name] = " x ".join(str(extent) for extent in output.shape[2:])

        return hook

    children = dict(model.named_children())
    for name in ("conv1", "avgpool", *(name for name in children if name.startswith("layer"))):
        children[name].register_forward_hook(note(name))
    with torch.no_grad():
        model(image)
    stages = {"conv1": (sizes["conv1"], _convolution(children["conv1"]))}
    pool = children["maxpool"]
    for name, stage in children.items():
        if not name.startswith("layer"):
            continue
        assert isinstance(stage, nn.Sequential)
        lines = [_convolution(module) for key, module in stage[0].named_children() if key.startswith("conv")]
        lines[-1] += f"   x {len(stage)}"
        if name == "layer1" and isinstance(pool, nn.MaxPool2d):
            lines.insert(0, f"{pool.kernel_size}x{pool.kernel_size} max pool, stride {pool.stride}")
        stages[f"conv{int(name.removeprefix('layer')) + 1}_x"] = (sizes[name], "\n".join(lines))
    stages["classifier"] = (sizes["avgpool"], f"average pool\n{classes}-d linear")
    return stages


def _convolution(module: nn.Module) -> str:
    """Return ``"3x3, 64"``; the stride of a stage shows in its output size, so only the stem names it."""
    assert isinstance(module, nn.Conv2d)
    text = f"{module.kernel_size[0]}x{module.kernel_size[1]}, {module.out_channels}"
    return text + (f", stride {module.stride[0]}" if module.in_channels == 3 and module.stride[0] > 1 else "")
