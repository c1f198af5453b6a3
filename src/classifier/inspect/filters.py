"""What a filter answers to: an image that grows from noise by gradient ascent on the filter's activation.

Activation maximisation after Erhan et al. 2009: the objective is the mean of the filter's output map, before batch norm
and activation function. The image is kept in [0, 1] units and normalised inside the graph, as the network's own input
is. Every step has the same length whatever the gradient's:

    x <- x + STEP_RMS * d / rms(d),    d = B g,    g = gradient of the objective with respect to x

B is a Gaussian blur: a preference for smooth images (Yosinski et al. 2015, who blur the image). As B is symmetric and
positive, d still ascends. Without it high frequencies win everywhere; and of Model C, whose first convolution has
stride 2 and dilation 2 and so looks at every second row and column alone, three pixels in four would stay noise.

The model is in evaluation mode and its weights are not touched. What comes out is centred and scaled to be seen: it
shows a pattern, not brightness.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from classifier.draws import generator
from classifier.process import undisturbed
from search.workload import SettingFaults

ITERATIONS = (15, 30)
"""Iterations after which the image is kept (report A)."""

IMAGE_SIZE_PX = 64
"""Pixels of the image, whatever the size of the training images."""

STEP_RMS = 0.03
"""Root mean square change of a pixel in one iteration, in units of the whole range of brightness."""

BLUR_SIGMA_PX = 1.0
"""Standard deviation of the blur, pixels."""

NOISE_HALF_RANGE = 0.1
"""Half the range of the grey noise an image grows from."""

SHOWN_DEVIATION = 0.2
"""Standard deviation of what is shown, in units of the whole range: 2.5 of them are left before pixels saturate."""

OF_MODEL_C = (
    *("block1.conv1:0", "block2.conv2:16", "block3.conv3:50"),
    *("block4.conv1:9", "block5.conv2:36", "block6.conv3:48"),
)
"""The six filters of report A."""


@dataclass(frozen=True)
class Filter:
    """One output channel of one convolution.

    Attributes:
        name: as people write it, ``block1.conv1:0``.
        module: path of the convolution in the model.
        channel: 0-based index.
    """

    name: str
    module: str
    channel: int


def convolutions(model: nn.Module) -> dict[str, tuple[str, nn.Conv2d]]:
    """Return name -> (module path, convolution), from input to output.

    A name is the module path; members of a sequence called ``blocks`` are counted from 1, as reports do: ``block1``.
    """
    return {_name(path): (path, module) for path, module in model.named_modules() if isinstance(module, nn.Conv2d)}


def find(model: nn.Module, names: Sequence[str]) -> list[Filter]:
    """Return the filters of these names, or a default choice where there are none.

    Raises:
        SettingFaults: all names that are not ``convolution:index``, name no convolution or no filter of it.
    """
    by_name = convolutions(model)
    if not names:
        return default(model)
    filters, faults = [], []
    for text in names:
        layer, _, index = text.rpartition(":")
        layer = _name(layer)
        if not layer or not re.fullmatch("[0-9]{1,9}", index):
            example = default(model)[0].name
            faults.append((text, f"is no name of a filter; write convolution:index, for example {example}"))
        elif layer not in by_name:
            close = difflib.get_close_matches(layer, by_name, n=3, cutoff=0.5) or list(by_name)[:3]
            near = ", ".join(f"{name} (filters 0 to {by_name[name][1].out_channels - 1})" for name in close)
            faults.append((text, f"there is no convolution {layer!r} in this model; the nearest are {near}"))
        elif int(index) >= by_name[layer][1].out_channels:
            last = by_name[layer][1].out_channels - 1
            faults.append((text, f"{layer} has the filters 0 to {last}, not {index}"))
        else:
            filters.append(Filter(f"{layer}:{int(index)}", by_name[layer][0], int(index)))
    if faults:
        raise SettingFaults(faults)
    return list(dict.fromkeys(filters))


def default(model: nn.Module) -> list[Filter]:
    """Return report A's six filters where the model has them, else six that are spread over its convolutions."""
    by_name = convolutions(model)
    try:
        return find(model, OF_MODEL_C)
    except SettingFaults:
        pass
    # Shortcuts of 1x1 (torchvision's "downsample") look like the convolutions beside them.
    names = [name for name in by_name if "downsample" not in name] or list(by_name)
    count = min(6, len(names))
    places = [round(i * (len(names) - 1) / max(1, count - 1)) for i in range(count)]
    chosen = []
    for i, place in enumerate(places):
        path, module = by_name[names[place]]
        channel = module.out_channels * i // count
        chosen.append(Filter(f"{names[place]}:{channel}", path, channel))
    return chosen


def ascend(
    model: nn.Module,
    one: Filter,
    normalise: Callable[[Tensor], Tensor],
    iterations: Sequence[int] = ITERATIONS,
    size: int = IMAGE_SIZE_PX,
    channels: int = 3,
    seed: int = 0,
) -> dict[int, np.ndarray]:
    """Grow an image from noise.

    Args:
        model: any model; its mode is restored, its weights and running statistics stay as they are.
        one: the filter.
        normalise: brings images [1, channels, size, size] in [0, 1] to what the model takes.
        iterations: after which the image is kept.
        size: pixels.
        channels: of the image: 3, or 1 where the model was trained on grey images.
        seed: of the noise.

    Returns:
        iterations -> the image, uint8 [size, size, 3].
    """
    device = next(model.parameters()).device
    noise = generator(seed, "filter", one.name, size).uniform(-NOISE_HALF_RANGE, NOISE_HALF_RANGE, (1, 1, size, size))
    mode, images = model.training, {}
    model.eval()
    try:
        with undisturbed(device.type):
            x = torch.from_numpy(0.5 + noise).float().expand(1, channels, size, size).contiguous().to(device)
            for step in range(1, max(iterations) + 1):
                x = x.detach().requires_grad_(True)
                (gradient,) = torch.autograd.grad(activation(model, one, normalise(x)), x)
                direction = blurred(gradient)
                x = x.detach() + STEP_RMS * direction / direction.square().mean().sqrt().clamp_min(1e-20)
                if step in iterations:
                    images[step] = shown(x[0])
    finally:
        model.train(mode)
    return images


class _Reached(Exception):
    """Ends a forward pass at the convolution that is looked at: what follows need not fit the image's size."""


def activation(model: nn.Module, one: Filter, x: Tensor) -> Tensor:
    """Return the mean of the filter's output map over positions, a scalar with its graph."""
    reached: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        reached.append(output[:, one.channel].mean())
        raise _Reached

    handle = model.get_submodule(one.module).register_forward_hook(keep)
    try:
        model(x)
    except _Reached:
        pass
    finally:
        handle.remove()
    return reached[0]


def blurred(images: Tensor, sigma: float = BLUR_SIGMA_PX) -> Tensor:
    """Blur images [b, c, h, w] with a Gaussian; outside they are 0, which keeps the blur symmetric."""
    radius = math.ceil(3 * sigma)
    places = torch.arange(-radius, radius + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-0.5 * (places / sigma) ** 2)
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, 1, -1)
    rows = functional.conv2d(images, kernel, padding=(0, radius), groups=images.shape[1])
    return functional.conv2d(rows, kernel.transpose(2, 3), padding=(radius, 0), groups=images.shape[1])


def shown(x: Tensor) -> np.ndarray:
    """Centre and scale an image [1 or 3, h, w] over all channels together; return uint8 [h, w, 3]."""
    x = x.detach().double().expand(3, -1, -1)
    x = 0.5 + SHOWN_DEVIATION * (x - x.mean()) / x.std().clamp_min(1e-12)
    pixels: np.ndarray = (torch.nan_to_num(x, nan=0.5).clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    return pixels


def _name(path: str) -> str:
    return re.sub(r"^blocks\.([0-9]+)\.", lambda found: f"block{int(found[1]) + 1}.", path)
