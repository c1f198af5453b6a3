"""What a model is made of: layers with output sizes, parameters and multiply-adds, as rows and as text.

Multiply-adds are those of convolutions and linear layers for one image, counted by PyTorch's `FlopCounterMode` (which
counts a multiplication and an addition as two operations); biases, batch norm, activations and pooling are left out, as
in table 1 of He et al. (CVPR 2016). Models live on the meta device: nothing is drawn, computed or kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import torch
from tabulate import tabulate
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from classifier.config import SETTINGS, canonical
from classifier.inspect.stages import stage_table
from classifier.models import MODEL_SETTINGS, RESNETS, build
from search.workload import SettingFaults, Settings, nearest

DEFAULT_SIZE_PX, DEFAULT_CLASSES = "224", "102"
"""What `describe` takes where nothing is said, as text."""


@dataclass(frozen=True)
class Layer:
    """One layer of a model, for one image.

    Attributes:
        name: its path in the model.
        kind: what it is, in words.
        output: shape of its output without the batch: (channels, height, width) or (features,).
        parameters: numbers that are learnt.
        multiply_adds: see the module.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Anatomy:
    """A model taken apart.

    Attributes:
        layers: in the order they are computed; layers without parameters only where they pool.
        parameters: of all layers.
        trained: those that are not frozen.
        features: length of what the last layer sees.
        multiply_adds: of all layers.
    """

    layers: list[Layer]
    parameters: int
    trained: int
    features: int
    multiply_adds: int


def anatomy(fixed: Settings, classes: int) -> Anatomy:
    """Take a model apart.

    Args:
        fixed: canonical ``model.*`` settings and ``data.size``.
        classes: outputs.
    """
    with torch.device("meta"):
        model = build(fixed, classes).eval()
        image = torch.empty(1, 3, fixed["data.size"], fixed["data.size"])
    names = {module: name for name, module in model.named_modules()}
    outputs: dict[str, tuple[int, ...]] = {}

    def note(module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        outputs[names[module]] = tuple(output.shape[1:])

    hooks = [module.register_forward_hook(note) for module in names if _kind(module)]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(image)
    for hook in hooks:
        hook.remove()
    counts = counter.get_flop_counts()
    layers = []
    for name, output in outputs.items():
        module = model.get_submodule(name)
        operations = sum(counts.get(f"{type(model).__name__}.{name}", {}).values())
        layers.append(Layer(name, _kind(module), output, _size(module), operations // 2))
    head = model.get_submodule(layers[-1].name)
    assert isinstance(head, nn.Linear)
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    return Anatomy(layers, _size(model), trained, head.in_features, counter.get_total_flops() // 2)


def describe(names: Sequence[str], options: Mapping[str, str]) -> str:
    """Return the layer table of one model, or a comparison of several.

    Args:
        names: of `MODEL_SETTINGS`. Several ResNets are compared stage by stage, as in table 1 of He et al.
        options: ``size`` in px, ``classes``, and ``model.*`` settings, all as text.

    Raises:
        SettingFaults: no such model or option, or a size the model cannot take.
    """
    chosen, size, classes = _chosen(names, options)
    parts = {name: anatomy(fixed, classes) for name, fixed in chosen.items()}
    place = f"{size} x {size} px, {classes} classes"
    if len(parts) == 1:
        (name,) = parts
        return f"{name} at {place}\n\n{layer_table(parts[name])}"
    if all(name in RESNETS for name in parts):
        table = stage_table(
            chosen, classes, {name: (part.parameters, part.multiply_adds) for name, part in parts.items()}
        )
    else:
        table = summary(parts)
    return f"{place}\n\n{table}"


def layers(names: Sequence[str], options: Mapping[str, str]) -> dict[str, dict[str, object]]:
    """Return model -> its `Anatomy` as plain data, with the ``size_px`` and ``classes`` it was looked at for.

    Args:
        names, options: as for `describe`.

    Raises:
        SettingFaults: as for `describe`.
    """
    chosen, size, classes = _chosen(names, options)
    about = {"size_px": size, "classes": classes}
    return {name: {**about, **asdict(anatomy(fixed, classes))} for name, fixed in chosen.items()}


def _chosen(names: Sequence[str], options: Mapping[str, str]) -> tuple[dict[str, Settings], int, int]:
    """Return model -> canonical settings, the size in px, and the number of classes.

    Raises:
        SettingFaults: no such model or option.
    """
    rest = {name: value for name, value in options.items() if name not in ("size", "classes")}
    size = _whole("size", options.get("size", DEFAULT_SIZE_PX))
    classes = _whole("classes", options.get("classes", DEFAULT_CLASSES))
    faults = [(name, _unknown(name)) for name in rest if name not in MODEL_SETTINGS or name == "model.name"]
    if faults:
        raise SettingFaults(faults)
    given = {name: _value(text) for name, text in rest.items()}
    chosen: dict[str, Settings] = {name: canonical({**given, "model.name": name, "data.size": size}) for name in names}
    return chosen, size, classes


def layer_table(part: Anatomy) -> str:
    """Return one line per layer, and the totals."""
    rows = [
        (row.name, row.kind, " x ".join(map(str, row.output)), f"{row.parameters:,}", f"{row.multiply_adds:,}")
        for row in part.layers
    ]
    rows.append(("total", "", "", f"{part.parameters:,}", f"{part.multiply_adds:,}"))
    if part.trained != part.parameters:
        rows.append(("trained", "", "", f"{part.trained:,}", ""))
    headers = ["layer", "kind", "output", "parameters", "multiply-adds"]
    return _aligned(rows, headers, "lllrr")


def summary(parts: Mapping[str, Anatomy]) -> str:
    """Return one line per model, for models without common stages."""
    rows = [
        (
            name,
            str(sum(row.kind.startswith("convolution") for row in part.layers)),
            str(sum(row.kind == "linear" for row in part.layers)),
            str(part.features),
            f"{part.parameters:,}",
            f"{part.multiply_adds:,}",
        )
        for name, part in parts.items()
    ]
    headers = ["model", "convolutions", "linear layers", "features", "parameters", "multiply-adds"]
    return _aligned(rows, headers, "lrrrrr")


def _aligned(rows: Sequence[Sequence[str]], headers: Sequence[str], sides: str) -> str:
    words = {"l": "left", "r": "right"}
    align = [words[side] for side in sides]
    return tabulate(rows, headers, "simple", colalign=align, headersglobalalign=None, disable_numparse=True)


def _size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _kind(module: nn.Module) -> str:
    """Say what a layer is; "" for modules that get no line: containers, activations."""
    if isinstance(module, nn.Conv2d):
        extent, stride, dilation = module.kernel_size[0], module.stride[0], module.dilation[0]
        text = f"convolution {extent}x{extent}"
        text += f", stride {stride}" if stride > 1 else ""
        return text + (f", dilation {dilation}" if dilation > 1 else "")
    if isinstance(module, nn.MaxPool2d):
        return f"max pool {module.kernel_size}x{module.kernel_size}, stride {module.stride}"
    kinds = {nn.BatchNorm2d: "batch norm", nn.AdaptiveAvgPool2d: "average pool", nn.Linear: "linear"}
    return kinds.get(type(module), "")


MAX_DIGITS = 9
"""Of a size or a number of classes."""


def _whole(name: str, text: str) -> int:
    if not text.isdecimal() or not text.strip("0"):
        raise SettingFaults([(name, f"found {text!r}, must be a whole number of at least 1")])
    if len(text) > MAX_DIGITS:
        shown = text if len(text) <= 40 else f"{text[:37]}..."
        raise SettingFaults([(name, f"found {shown!r}, must be a whole number of at most {MAX_DIGITS} digits")])
    return int(text)


def _unknown(name: str) -> str:
    if name in SETTINGS:
        return "does not change the layers; only model.* settings do, and the names, size and classes"
    return f"unknown setting{nearest(name, MODEL_SETTINGS)}"


def _value(text: str) -> object:
    """Read a setting's text as JSON where it is JSON (0.2, true, null), else as the text it is."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
