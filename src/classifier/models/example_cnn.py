"""The example of report B: a plain CNN of two convolutions and three linear layers.

The report states no more than that. Widths are those of the network with these five layers in PyTorch's tutorial
"Training a Classifier": 5x5 convolutions 3 -> 6 -> 16, 2x2 max pooling behind each, linear layers 120, 84, classes.
Unlike there the convolutions are padded by 2, so that any size from 4 px works; the first linear layer has the size the
images ask for. At 224 px it holds nearly all of the parameters.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

WIDTHS = (6, 16)
HIDDEN = (120, 84)


class ExampleCNN(nn.Module):
    """See the module. Takes float [n, 3, size, size], gives logits [n, classes].

    Args:
        classes: outputs.
        activation: makes the activation function of every place.
        size: width and height of its images in pixels.
    """

    def __init__(self, classes: int, activation: Callable[[], nn.Module], size: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 5, padding=2)
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(WIDTHS[0], WIDTHS[1], 5, padding=2)
        self.pool2 = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(WIDTHS[1] * (size // 4) ** 2, HIDDEN[0])
        self.fc2 = nn.Linear(HIDDEN[0], HIDDEN[1])
        self.fc3 = nn.Linear(HIDDEN[1], classes)
        self.activation = activation()

    def features(self, x: Tensor) -> Tensor:
        """Return the features before the classifier, [n, 84]."""
        x = self.pool1(self.activation(self.conv1(x)))
        x = self.pool2(self.activation(self.conv2(x)))
        x = self.activation(self.fc1(torch.flatten(x, 1)))
        features: Tensor = self.activation(self.fc2(x))
        return features

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [n, classes]."""
        logits: Tensor = self.fc3(self.features(x))
        return logits
