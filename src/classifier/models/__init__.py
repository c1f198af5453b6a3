"""Models by name. The activation is a parameter of each.

Every model takes float [n, 3, size, size] and gives logits [n, classes]; ``features(x)`` gives what its last linear
layer sees, [n, f]. Importing this module does not import torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from search.workload import Settings

if TYPE_CHECKING:
    from torch import nn

RESNETS = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]

MODEL_SETTINGS: dict[str, dict[str, Any]] = {
    "model.name": {
        "enum": ["model_c", *RESNETS, "example_cnn"],
        "default": "model_c",
        "description": "architecture",
    },
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
    "model.stem": {
        "enum": ["imagenet", "small"],
        "default": "imagenet",
        "description": "first layers of a ResNet: a strided 7x7 convolution and pooling, or for small images one 3x3 "
        "convolution with stride 1",
        "when": {"model.name": RESNETS},
    },
    "model.weights": {
        "enum": ["random", "imagenet"],
        "default": "random",
        "description": "initial weights: drawn by the seed, or pretrained on ImageNet but for the last layer",
        "when": {"model.name": RESNETS},
    },
    "model.weights_file": {
        "hashed": False,
        "type": ["string", "null"],
        "minLength": 1,
        "default": None,
        "description": "file with a torchvision state dict to take pretrained weights from; null downloads them",
        "when": {"model.weights": ["imagenet"]},
    },
    "model.frozen": {
        "type": "boolean",
        "default": False,
        "description": "train the last layer alone; the others keep their weights and running statistics",
        "when": {"model.weights": ["imagenet"]},
    },
}

MIN_INPUT_PX = dict.fromkeys(MODEL_SETTINGS["model.name"]["enum"], 8)
"""Model -> smallest input size in pixels.

Below it a stage of Model C that should shrink its map finds a single pixel. ResNets with the ImageNet stem find one in
their last stages up to 16 px already; they train all the same, but ``model.stem: small`` makes more of such images.
"""


def build(fixed: Settings, classes: int) -> Any:
    """Return a model whose weights have no meaning yet: `classifier.weights` draws them.

    Args:
        fixed: canonical ``model.*`` settings and ``data.size``.
        classes: outputs.
    """
    activation = activations(fixed.get("model.slope", 0.01))[fixed["model.activation"]]
    name = fixed["model.name"]
    # Imported here because torch is needed only from here on.
    if name == "model_c":
        from classifier.models.model_c import ModelC

        return ModelC(classes, activation)
    if name == "example_cnn":
        from classifier.models.example_cnn import ExampleCNN

        return ExampleCNN(classes, activation, fixed["data.size"])
    from classifier.models.resnet import ResNet

    return ResNet(
        int(name.removeprefix("resnet")),
        classes,
        activation,
        small=fixed.get("model.stem") == "small",
        frozen=fixed.get("model.frozen", False),
    )


def activations(slope: float) -> dict[str, Callable[[], nn.Module]]:
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
