"""Models by name. The activation is a parameter of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MODEL_SETTINGS: dict[str, dict[str, Any]] = {
    "model.name": {"enum": ["model_c"], "default": "model_c", "description": "architecture"},
    "model.activation": {
        "enum": ["relu", "leaky_relu", "sigmoid", "gelu", "silu", "elu", "tanh"],
        "default": "relu",
        "description": "activation function, throughout the network",
    },
    "model.slope": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "default": 0.01,
        "description": "slope of LeakyReLU for negative inputs",
        "when": {"model.activation": ["leaky_relu"]},
    },
}

SMALLEST_INPUT = {"model_c": 8}
"""Model -> smallest input size in pixels: below it a stage that should shrink its map finds a single pixel."""


def build(name: str, classes: int, activation: str, slope: float = 0.01) -> Any:
    """Return a model with uninitialised meaning: its weights are drawn by `classifier.weights`.

    Args:
        name: a name of `MODEL_SETTINGS`.
        classes: outputs.
        activation, slope: see `MODEL_SETTINGS`.
    """
    from classifier.models.model_c import ModelC  # torch is needed only from here on

    return {"model_c": ModelC}[name](classes, activations(slope)[activation])


def activations(slope: float) -> dict[str, Callable[[], Any]]:
    """Return activation name -> a function that makes one."""
    from torch import nn

    return {
        "relu": lambda: nn.ReLU(inplace=True),
        "leaky_relu": lambda: nn.LeakyReLU(slope, inplace=True),
        "sigmoid": nn.Sigmoid,
        "gelu": nn.GELU,
        "silu": lambda: nn.SiLU(inplace=True),
        "elu": lambda: nn.ELU(inplace=True),
        "tanh": nn.Tanh,
    }
