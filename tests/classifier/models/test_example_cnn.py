"""Report B's example: two convolutions, three linear layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from classifier.models import build


def example(size: int, classes: int = 10) -> nn.Module:
    return build({"model.name": "example_cnn", "model.activation": "relu", "data.size": size}, classes)


def test_it_has_two_convolutions_and_three_linear_layers() -> None:
    kinds = [type(module) for module in example(32).modules()]
    assert kinds.count(nn.Conv2d) == 2
    assert kinds.count(nn.Linear) == 3
    assert nn.BatchNorm2d not in kinds


@pytest.mark.parametrize("size", [8, 12, 13, 32, 224])
def test_every_size_works(size: int) -> None:
    with torch.device("meta"):
        model = example(size)
        assert model(torch.empty(2, 3, size, size)).shape == (2, 10)
        assert model.features(torch.empty(2, 3, size, size)).shape == (2, 84)
    assert model.fc1.in_features == 16 * (size // 4) ** 2


def test_its_parameters_counted_by_hand() -> None:
    convolutions = (3 * 25 + 1) * 6 + (6 * 25 + 1) * 16
    linear = (16 * 3 * 3 + 1) * 120 + (120 + 1) * 84 + (84 + 1) * 10
    assert sum(parameter.numel() for parameter in example(12).parameters()) == convolutions + linear == 31_286
