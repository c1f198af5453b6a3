"""Model C, as the report describes it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from classifier.models import MODEL_SETTINGS, SMALLEST_INPUT, build
from classifier.weights import initialise


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_model_c_has_the_parameters_the_report_prints() -> None:
    assert parameters(build("model_c", 20, "relu")) == 441_748


def test_model_c_has_19_convolutions_with_bias_each_followed_by_batch_norm() -> None:
    model = build("model_c", 20, "relu")
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(convolutions) == len(norms) == 19
    assert all(convolution.bias is not None for convolution in convolutions)


@pytest.mark.parametrize(("size", "stem"), [(8, 4), (32, 16), (33, 17)])
def test_the_stem_shrinks_the_area_to_a_quarter_and_the_features_are_512(size: int, stem: int) -> None:
    model = build("model_c", 20, "relu").eval()
    images = torch.zeros(2, 3, size, size)
    assert model.stem(images).shape == (2, 64, stem, stem)
    assert model.features(images).shape == (2, 512)
    assert model(images).shape == (2, 20)


def test_below_the_smallest_input_a_stage_finds_a_single_pixel() -> None:
    maps: list[int] = []
    model = build("model_c", 20, "relu").eval()
    for block in model.blocks:
        if block.stride > 1:
            block.conv2.register_forward_pre_hook(lambda module, inputs: maps.append(inputs[0].shape[-1]))
    model(torch.zeros(2, 3, SMALLEST_INPUT["model_c"], SMALLEST_INPUT["model_c"]))
    model(torch.zeros(2, 3, SMALLEST_INPUT["model_c"] // 2, SMALLEST_INPUT["model_c"] // 2))
    assert maps[:2] == [4, 2]
    assert maps[3:5] == [2, 1]


def test_the_shortcut_subsamples_and_pads_with_zero_channels() -> None:
    block = build("model_c", 20, "relu").blocks[0]
    x = torch.randn(2, 64, 4, 4)
    shortcut = block.shortcut(x)
    assert shortcut.shape == (2, 128, 2, 2)
    assert torch.equal(shortcut[:, :64], x[:, :, ::2, ::2])
    assert not shortcut[:, 64:].any()
    same = build("model_c", 20, "relu").blocks[1]
    y = torch.randn(2, 128, 4, 4)
    assert same.shortcut(y) is y


@pytest.mark.parametrize("activation", MODEL_SETTINGS["model.activation"]["enum"])
def test_the_activation_is_replaced_throughout(activation: str) -> None:
    model = build("model_c", 10, activation, 0.2)
    kinds = {type(module).__name__.lower().replace("leakyrelu", "leaky_relu") for module in model.modules()}
    known = set(MODEL_SETTINGS["model.activation"]["enum"])
    assert kinds & known == {activation}


def test_initial_weights_depend_on_seed_and_name_alone() -> None:
    one, two, other = (build("model_c", 10, "relu") for _ in range(3))
    torch.manual_seed(1)
    initialise(one, 7)
    torch.manual_seed(2)
    initialise(two, 7)
    initialise(other, 8)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.stem.weight, other.stem.weight)
    # Other classes change the head alone: its shape is part of what is hashed.
    wider = build("model_c", 12, "relu")
    initialise(wider, 7)
    assert torch.equal(wider.stem.weight, one.stem.weight)
    assert one.stem.weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.05)
