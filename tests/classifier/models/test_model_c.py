"""Model C, as the report describes it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from classifier.models import MIN_INPUT_PX, build

RELU = {"model.name": "model_c", "model.activation": "relu"}


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_model_c_has_the_parameters_the_report_prints() -> None:
    assert parameters(build(RELU, 20)) == 441_748


def test_model_c_has_19_convolutions_with_bias_each_followed_by_batch_norm() -> None:
    model = build(RELU, 20)
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(convolutions) == len(norms) == 19
    assert all(convolution.bias is not None for convolution in convolutions)


@pytest.mark.parametrize(("size", "stem"), [(8, 4), (32, 16), (33, 17)])
def test_the_stem_shrinks_the_area_to_a_quarter_and_the_features_are_512(size: int, stem: int) -> None:
    model = build(RELU, 20).eval()
    images = torch.zeros(2, 3, size, size)
    assert model.stem(images).shape == (2, 64, stem, stem)
    assert model.features(images).shape == (2, 512)
    assert model(images).shape == (2, 20)


def test_below_the_smallest_input_a_stage_finds_a_single_pixel() -> None:
    maps: list[int] = []
    model = build(RELU, 20).eval()
    for block in model.blocks:
        if block.stride > 1:
            block.conv2.register_forward_pre_hook(lambda module, inputs: maps.append(inputs[0].shape[-1]))
    model(torch.zeros(2, 3, MIN_INPUT_PX["model_c"], MIN_INPUT_PX["model_c"]))
    model(torch.zeros(2, 3, MIN_INPUT_PX["model_c"] // 2, MIN_INPUT_PX["model_c"] // 2))
    assert maps[:2] == [4, 2]
    assert maps[3:5] == [2, 1]


def test_the_shortcut_subsamples_and_pads_with_zero_channels() -> None:
    block = build(RELU, 20).blocks[0]
    x = torch.randn(2, 64, 4, 4)
    shortcut = block.shortcut(x)
    assert shortcut.shape == (2, 128, 2, 2)
    assert torch.equal(shortcut[:, :64], x[:, :, ::2, ::2])
    assert not shortcut[:, 64:].any()
    same = build(RELU, 20).blocks[1]
    y = torch.randn(2, 128, 4, 4)
    assert same.shortcut(y) is y


@pytest.mark.parametrize("size", [7, 8])
def test_the_shortcuts_gradient_has_the_numbers_of_a_slice_and_the_layout_of_the_images(size: int) -> None:
    block = build(RELU, 20).blocks[0]
    images = torch.randn(2, 64, size, size).contiguous(memory_format=torch.channels_last).requires_grad_()
    out = block.shortcut(images)
    assert torch.equal(out[:, :64], images[:, :, ::2, ::2])
    arriving = torch.randn(out.shape).contiguous(memory_format=torch.channels_last)
    [found] = torch.autograd.grad(out, images, arriving)
    expected = torch.zeros_like(found)
    expected[:, :, ::2, ::2] = arriving[:, :64]
    assert torch.equal(found, expected)
    assert found.is_contiguous(memory_format=torch.channels_last)
