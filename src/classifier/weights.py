"""Initial weights: a function of (seed, parameter name, shape), whatever else was drawn before.

Convolutions: He normal over the fan-out (He et al. 2015; as torchvision's ResNets), biases 0. Linear layers: uniform in
+-1/sqrt(fan-in), biases too (PyTorch's default). Batch norm: scale 1, shift 0.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from classifier.draws import generator


@torch.no_grad()
def initialise(model: nn.Module, seed: int) -> None:
    """Draw all weights of a model anew."""
    for prefix, module in model.named_modules():
        for suffix, parameter in module.named_parameters(recurse=False):
            parameter.copy_(_draw(module, suffix, parameter, seed, f"{prefix}.{suffix}"))


def _draw(module: nn.Module, suffix: str, parameter: torch.Tensor, seed: int, name: str) -> torch.Tensor:
    shape = tuple(parameter.shape)
    draws = generator(seed, "weights", name, *shape)
    if isinstance(module, nn.Conv2d):
        if suffix == "bias":
            return torch.zeros(shape)
        fan_out = shape[0] * math.prod(shape[2:])
        return torch.from_numpy(draws.standard_normal(shape) * math.sqrt(2 / fan_out)).float()
    if isinstance(module, nn.Linear):
        bound = 1 / math.sqrt(module.in_features)
        return torch.from_numpy(draws.uniform(-bound, bound, shape)).float()
    if isinstance(module, nn.BatchNorm2d):
        return torch.ones(shape) if suffix == "weight" else torch.zeros(shape)
    raise TypeError(f"{name}: no initial weights are defined for {type(module).__name__}")
