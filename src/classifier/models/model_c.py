"""Model C of report A: 19 convolutions in bottlenecks, 441,748 parameters at 20 classes.

Stem: one 3x3 convolution, 3 -> 64, stride 2, dilation 2. Six bottlenecks of width 64 (1x1 -> 64, 3x3 64 -> 64,
1x1 64 -> out), every convolution with bias and followed by batch norm; shortcuts without parameters. Global average
pool, one linear layer. The report does not say where a block is strided; the three that widen are the natural choice.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

WIDTH = 64
BLOCKS = ((64, 128), (128, 128), (128, 256), (256, 256), (256, 512), (512, 512))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions beside a shortcut; halves the map where it widens."""

    def __init__(self, inputs: int, outputs: int, activation: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.stride = 2 if outputs > inputs else 1
        self.widening = outputs - inputs
        self.conv1 = nn.Conv2d(inputs, WIDTH, 1)
        self.norm1 = nn.BatchNorm2d(WIDTH)
        self.conv2 = nn.Conv2d(WIDTH, WIDTH, 3, self.stride, padding=1)
        self.norm2 = nn.BatchNorm2d(WIDTH)
        self.conv3 = nn.Conv2d(WIDTH, outputs, 1)
        self.norm3 = nn.BatchNorm2d(outputs)
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, inputs, h, w] to [n, outputs, h / stride, w / stride], rounded up."""
        y = self.activation(self.norm1(self.conv1(x)))
        y = self.activation(self.norm2(self.conv2(y)))
        mapped: Tensor = self.activation(self.norm3(self.conv3(y)) + self.shortcut(x))
        return mapped

    def shortcut(self, x: Tensor) -> Tensor:
        """Identity; where the shape changes, subsample and pad with zero channels (option A of He et al. 2016)."""
        if self.stride > 1:
            # The same numbers as a slice, but with a gradient in the layout of the images. A slice's is in standard
            # layout, and everything before it that mixes both is many times slower.
            x = functional.avg_pool2d(x, 1, self.stride)
        return functional.pad(x, (0, 0, 0, 0, 0, self.widening)) if self.widening else x


class ModelC(nn.Module):
    """See the module. Takes float [n, 3, size, size], gives logits [n, classes]."""

    def __init__(self, classes: int, activation: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, WIDTH, 3, stride=2, padding=2, dilation=2)
        self.norm = nn.BatchNorm2d(WIDTH)
        self.activation = activation()
        self.blocks = nn.Sequential(*(Bottleneck(inputs, outputs, activation) for inputs, outputs in BLOCKS))
        self.head = nn.Linear(BLOCKS[-1][1], classes)

    def features(self, x: Tensor) -> Tensor:
        """Return the 512 features before the classifier, [n, 512]."""
        mapped: Tensor = self.blocks(self.activation(self.norm(self.stem(x))))
        return mapped.mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [n, classes]."""
        logits: Tensor = self.head(self.features(x))
        return logits
