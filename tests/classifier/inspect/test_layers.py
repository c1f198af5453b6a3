"""The layer table, the table of stages, and what they count."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from classifier.inspect.layers import Anatomy, anatomy, describe
from classifier.models import RESNETS
from search.workload import SettingFaults

EXACT = {
    "resnet18": 1_814_073_344,
    "resnet34": 3_663_761_408,
    "resnet50": 4_089_184_256,
    "resnet101": 7_801_405_440,
    "resnet152": 11_513_626_624,
}
"""Multiply-adds at 224 px and 1000 classes."""

REPORTED = {"resnet18": 1.8, "resnet34": 3.6, "resnet50": 3.8, "resnet101": 7.6, "resnet152": 11.3}
"""What report B and table 1 of He et al. print, in 10^9."""


def taken_apart(name: str, size: int = 224, classes: int = 1000, **more: Any) -> Anatomy:
    return anatomy({"model.name": name, "model.activation": "relu", "data.size": size, **more}, classes)


def by_hand(model: nn.Module, size: int) -> int:
    """Count the multiply-adds of convolutions and linear layers from their definitions, without the library."""
    total = 0

    def count(module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        nonlocal total
        per_output = module.weight[0].numel()
        total += per_output * output[0].numel()

    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(count)
    with torch.no_grad():
        model.eval()(torch.empty(1, 3, size, size, device="meta"))
    return total


@pytest.mark.slow
@pytest.mark.parametrize("name", [*RESNETS[:3], *(pytest.param(name, marks=pytest.mark.slow) for name in RESNETS[3:])])
def test_multiply_adds_of_each_depth(name: str) -> None:
    with torch.device("meta"):
        theirs = getattr(torchvision.models, name)()
    assert taken_apart(name).multiply_adds == EXACT[name] == by_hand(theirs, 224)


@pytest.mark.slow
@pytest.mark.parametrize("name", RESNETS)
def test_the_reported_figures_are_those_of_bottlenecks_strided_in_the_first_convolution(name: str) -> None:
    """As docs/reference/models.md says: exact but for 34 and 50, which the paper rounded down."""
    with torch.device("meta"):
        model = getattr(torchvision.models, name)()
    for stage in (model.layer2, model.layer3, model.layer4):
        if hasattr(stage[0], "conv3"):
            stage[0].conv1.stride, stage[0].conv2.stride = stage[0].conv2.stride, (1, 1)
    exact = by_hand(model, 224) / 1e9
    assert REPORTED[name] == round(exact, 1) or (
        name in ("resnet34", "resnet50") and REPORTED[name] == exact // 0.1 / 10
    )


@pytest.mark.parametrize("name", ["resnet18", "model_c", "example_cnn"])
def test_the_rows_add_up(name: str) -> None:
    part = taken_apart(name, size=32, classes=20)
    assert sum(row.multiply_adds for row in part.layers) == part.multiply_adds
    assert sum(row.parameters for row in part.layers) == part.parameters == part.trained
    assert part.layers[-1].output == (20,)
    assert part.features == {"resnet18": 512, "model_c": 512, "example_cnn": 84}[name]


def test_parameters_of_report_a() -> None:
    assert taken_apart("resnet18", 64, 20).parameters == 11_186_772
    assert taken_apart("model_c", 64, 20).parameters == 441_748


def test_frozen_layers_are_not_counted_as_trained() -> None:
    assert taken_apart("resnet18", 64, 20, **{"model.frozen": True}).trained == 513 * 20


def test_the_table_of_one_model() -> None:
    lines = describe(["example_cnn"], {"size": "12", "classes": "10"}).splitlines()
    assert lines == [
        "example_cnn at 12 x 12 px, 10 classes",
        "",
        "layer    kind                    output         parameters    multiply-adds",
        "-------  ----------------------  -----------  ------------  ---------------",
        "conv1    convolution 5x5         6 x 12 x 12           456           64,800",
        "pool1    max pool 2x2, stride 2  6 x 6 x 6               0                0",
        "conv2    convolution 5x5         16 x 6 x 6          2,416           86,400",
        "pool2    max pool 2x2, stride 2  16 x 3 x 3              0                0",
        "fc1      linear                  120                17,400           17,280",
        "fc2      linear                  84                 10,164           10,080",
        "fc3      linear                  10                    850              840",
        "total                                               31,286          179,400",
    ]


def test_a_frozen_model_says_what_is_trained() -> None:
    text = describe(["resnet18"], {"size": "32", "classes": "10", "model.weights": "imagenet", "model.frozen": "true"})
    assert text.splitlines()[-1].split() == ["trained", "5,130"]


@pytest.mark.slow
def test_resnets_side_by_side_are_the_table_of_the_paper() -> None:
    lines = describe(RESNETS, {"classes": "1000"}).splitlines()
    assert lines[0] == "224 x 224 px, 1000 classes"
    assert lines[2].split() == ["stage", "output", *RESNETS]
    stages = {line[:13].strip(): line[13:24].strip() for line in lines[4:] if line[:13].strip()}
    assert stages == {
        "conv1": "112 x 112",
        "conv2_x": "56 x 56",
        "conv3_x": "28 x 28",
        "conv4_x": "14 x 14",
        "conv5_x": "7 x 7",
        "classifier": "1 x 1",
        "parameters": "",
        "multiply-adds": "",
    }
    start = next(number for number, line in enumerate(lines) if line.startswith("conv4_x"))
    cells = [re.split(r"  +", line.strip()) for line in lines[start : start + 3]]
    assert cells[0][2:] == ["3x3, 256"] * 2 + ["1x1, 256"] * 3
    blocks = re.findall(r"(\d+)x\d, (\d+) +x (\d+)", "\n".join(lines[start : start + 3]))
    assert blocks == [
        ("3", "256", "2"),
        ("3", "256", "6"),
        ("1", "1024", "6"),
        ("1", "1024", "23"),
        ("1", "1024", "36"),
    ]
    assert [float(cell) for cell in lines[-1].replace("x 10^9", "").split()] == [1.814, 3.664, 4.089, 7.801, 11.514]


def test_other_models_get_a_line_each() -> None:
    lines = describe(["model_c", "example_cnn", "resnet18"], {"size": "12", "classes": "10"}).splitlines()
    assert [line.split() for line in lines[4:]] == [
        ["model_c", "19", "1", "512", "436,618", "1,902,336"],
        ["example_cnn", "2", "3", "84", "31,286", "179,400"],
        ["resnet18", "20", "1", "512", "11,181,642", "14,253,824"],
    ]


@pytest.mark.parametrize(
    ("names", "options", "sentence"),
    [
        (
            ["resnet19"],
            {},
            "model.name: found 'resnet19', must be one of model_c, resnet18, resnet34, resnet50, resnet101, resnet152, "
            "example_cnn; did you mean 'resnet18'?",
        ),
        (["resnet18"], {"size": "big"}, "size: found 'big', must be a whole number of at least 1"),
        (["resnet18"], {"classes": "0"}, "classes: found '0', must be a whole number of at least 1"),
        (
            ["resnet18"],
            {"classes": "9" * 10},
            "classes: found '9999999999', must be a whole number of at most 9 digits",
        ),
        (
            ["resnet18"],
            {"size": "9" * 5000},
            f"size: found '{'9' * 37}...', must be a whole number of at most 9 digits",
        ),
        (
            ["resnet18"],
            {"size": "4"},
            "data.size: found 4, must be at least 8 px for resnet18; use larger images or another model",
        ),
        (["resnet18"], {"model.stm": "small"}, "model.stm: unknown setting; did you mean 'model.stem'?"),
        (
            ["resnet18"],
            {"loss.gamma": "2"},
            "loss.gamma: does not change the layers; only model.* settings do, and the names, size and classes",
        ),
    ],
)
def test_what_cannot_be_described(names: list[str], options: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingFaults) as error:
        describe(names, options)
    assert str(error.value) == sentence
