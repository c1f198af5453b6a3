"""ResNets of He et al., "Deep Residual Learning for Image Recognition" (CVPR 2016), with 18, 34, 50, 101 or 152 layers.

What a caller may rely on: with ReLU and the ImageNet stem, parameters and buffers have torchvision's names and shapes,
so state dicts load both ways, and outputs equal torchvision's bit for bit in training and in evaluation. As there, a
bottleneck is strided in its 3x3 convolution ("v1.5"); the paper strides the first 1x1, which costs 0.2 x 10^9
multiply-adds less at 224 px.

Depths up to 34 stack basic blocks (two 3x3 convolutions), the others bottlenecks (1x1, 3x3, 1x1, widening by 4). Each
of the four stages behind the first halves the map in its first block, where a 1x1 convolution with batch norm stands in
for the identity ("option B" of the paper). No convolution has a bias: batch norm follows each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn

Activation = Callable[[], nn.Module]


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    widening = 1

    def __init__(self, inputs: int, width: int, stride: int, activation: Activation) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(inputs, width * self.widening, stride)
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, inputs, h, w] to [n, width, h / stride, w / stride], rounded up."""
        y = self.activation(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += x if self.downsample is None else self.downsample(x)
        mapped: Tensor = self.activation(y)
        return mapped


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut; the last one widens by 4."""

    widening = 4

    def __init__(self, inputs: int, width: int, stride: int, activation: Activation) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * self.widening, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * self.widening)
        self.downsample = _shortcut(inputs, width * self.widening, stride)
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, inputs, h, w] to [n, 4 width, h / stride, w / stride], rounded up."""
        y = self.activation(self.bn1(self.conv1(x)))
        y = self.activation(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += x if self.downsample is None else self.downsample(x)
        mapped: Tensor = self.activation(y)
        return mapped


BLOCKS: dict[int, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, int, int, int]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
}
"""Depth -> the kind of block and how many of them each stage has (table 1 of the paper)."""

WIDTHS = (64, 128, 256, 512)
"""Width of each stage's blocks."""


class ResNet(nn.Module):
    """See the module. Takes float [n, 3, size, size], gives logits [n, classes].

    Args:
        depth: a key of `BLOCKS`.
        classes: outputs.
        activation: makes the activation function of every place.
        small: begin with one 3x3 convolution of stride 1 without pooling, as for the CIFAR images of 32 px.
        frozen: train the last layer alone; all others stay in evaluation mode, so their running statistics stay too.
    """

    def __init__(
        self, depth: int, classes: int, activation: Activation, small: bool = False, frozen: bool = False
    ) -> None:
        super().__init__()
        block, counts = BLOCKS[depth]
        first = WIDTHS[0]
        self.conv1 = nn.Conv2d(3, first, 3 if small else 7, 1 if small else 2, padding=1 if small else 3, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        self.activation = activation()
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, 2, padding=1)
        inputs = first
        for stage, (width, count) in enumerate(zip(WIDTHS, counts, strict=True), start=1):
            blocks = []
            for number in range(count):
                stride = 2 if stage > 1 and number == 0 else 1
                blocks.append(block(inputs, width, stride, activation))
                inputs = width * block.widening
            self.add_module(f"layer{stage}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(inputs, classes)
        self.frozen = frozen
        if frozen:
            self.requires_grad_(False)
            self.fc.requires_grad_(True)

    def features(self, x: Tensor) -> Tensor:
        """Return the features before the classifier, [n, 512] up to depth 34 and [n, 2048] from 50."""
        x = self.maxpool(self.activation(self.bn1(self.conv1(x))))
        for stage in range(1, len(WIDTHS) + 1):
            x = self.get_submodule(f"layer{stage}")(x)
        return torch.flatten(self.avgpool(x), 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [n, classes]."""
        logits: Tensor = self.fc(self.features(x))
        return logits

    def train(self, mode: bool = True) -> Self:
        """Switch to training mode, or back; frozen layers stay in evaluation mode."""
        super().train(mode)
        if self.frozen:
            for name, child in self.named_children():
                if name != "fc":
                    child.eval()
        return self


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    """Return None for the identity, else the projection that brings the input to the output's shape."""
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
