"""Our ResNets are torchvision's, bit for bit."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from classifier.models import RESNETS, build


def ours(name: str, classes: int, **settings: Any) -> nn.Module:
    return build({"model.name": name, "model.activation": "relu", **settings}, classes)


def pair(name: str, classes: int) -> tuple[nn.Module, nn.Module]:
    """Return torchvision's model and ours with the same weights in other memory."""
    theirs = getattr(torchvision.models, name)(num_classes=classes)
    with torch.device("meta"):
        model = ours(name, classes)
    model.load_state_dict(copy.deepcopy(theirs.state_dict()), assign=True)
    return theirs, model


def compare(theirs: nn.Module, model: nn.Module, size: int) -> None:
    """Compare outputs, gradients and running statistics in training mode, then outputs in evaluation mode."""
    images = torch.randn(2, 3, size, size)
    expected, found = theirs.train()(images), model.train()(images)
    assert torch.equal(found, expected)
    # The first and the last gradient: all others lie between.
    inputs, outputs = ("conv1.weight", "fc.weight"), torch.randn_like(expected)
    gradients = [
        torch.autograd.grad(logits, [net.get_parameter(name) for name in inputs], outputs)
        for net, logits in ((theirs, expected), (model, found))
    ]
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))
    after = model.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in theirs.state_dict().items())
    with torch.no_grad():
        assert torch.equal(model.eval()(images), theirs.eval()(images))


QUICK = ("resnet18", "resnet50")
DEPTHS = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in RESNETS]


@pytest.mark.slow
@pytest.mark.parametrize("name", DEPTHS)
def test_outputs_equal_torchvision_s_bit_for_bit(name: str) -> None:
    compare(*pair(name, 7), size=40)


@pytest.mark.slow
def test_outputs_equal_torchvision_s_at_224_px() -> None:
    compare(*pair("resnet18", 1000), size=224)


@pytest.mark.slow
@pytest.mark.parametrize("name", RESNETS)
def test_names_shapes_and_order_are_torchvision_s_so_states_load_both_ways(name: str) -> None:
    with torch.device("meta"):
        theirs, model = getattr(torchvision.models, name)(num_classes=20), ours(name, 20)
    expected, found = theirs.state_dict(), model.state_dict()
    assert [(key, tensor.shape) for key, tensor in found.items()] == [
        (k, tensor.shape) for k, tensor in expected.items()
    ]
    theirs.load_state_dict(found, assign=True)
    model.load_state_dict(expected, assign=True)


def test_resnet18_has_the_parameters_of_report_a_s_classes() -> None:
    with torch.device("meta"):
        model = ours("resnet18", 20)
    assert sum(parameter.numel() for parameter in model.parameters()) == 11_186_772


def test_the_small_stem_keeps_the_size_and_changes_nothing_else() -> None:
    with torch.device("meta"):
        small, usual = ours("resnet18", 10, **{"model.stem": "small"}), ours("resnet18", 10)
        assert small.maxpool(small.conv1(torch.empty(1, 3, 32, 32))).shape == (1, 64, 32, 32)
        assert small.layer4(small.layer3(small.layer2(torch.empty(1, 64, 32, 32)))).shape == (1, 512, 4, 4)
    assert small.conv1.weight.shape == (64, 3, 3, 3)
    shapes = [{name: tensor.shape for name, tensor in net.state_dict().items()} for net in (small, usual)]
    assert {name for name in shapes[1] if shapes[0][name] != shapes[1][name]} == {"conv1.weight"}


def test_frozen_all_but_the_last_layer_stays_as_it_is() -> None:
    model = ours("resnet18", 10, **{"model.frozen": True}).train()
    assert {name for name, parameter in model.named_parameters() if parameter.requires_grad} == {"fc.weight", "fc.bias"}
    assert not any(module.training for module in model.modules() if isinstance(module, nn.BatchNorm2d))
    assert model.training
    before = copy.deepcopy(model.state_dict())
    model(torch.randn(4, 3, 32, 32)).sum().backward()
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert model.fc.weight.grad is not None
