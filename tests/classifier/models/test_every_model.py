"""What holds for every model: activation throughout, features, initial weights, training without special cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from classifier.models import MIN_INPUT_PX, MODEL_SETTINGS, build
from classifier.weights import initialise

NAMES = MODEL_SETTINGS["model.name"]["enum"]
ACTIVATIONS = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "elu": nn.ELU,
    "tanh": nn.Tanh,
}
LAST = {"model_c": "head", "resnet18": "fc", "example_cnn": "fc3"}
SHALLOW = list(LAST)


def fixed(name: str, size: int = 12, activation: str = "relu", **more: Any) -> dict[str, Any]:
    return {"model.name": name, "model.activation": activation, "data.size": size, **more}


def drawn(name: str, classes: int = 10, seed: int = 7, **more: Any) -> nn.Module:
    model = build(fixed(name, **more), classes)
    initialise(model, seed)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("activation", MODEL_SETTINGS["model.activation"]["enum"])
def test_the_activation_is_replaced_throughout(name: str, activation: str) -> None:
    with torch.device("meta"):
        model = build(fixed(name, activation=activation, **{"model.slope": 0.2}), 10)
    found = [module for module in model.modules() if isinstance(module, tuple(ACTIVATIONS.values()))]
    assert found
    assert {type(module) for module in found} == {ACTIVATIONS[activation]}
    if activation == "leaky_relu":
        assert {module.negative_slope for module in found} == {0.2}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_features_are_what_the_last_layer_sees_and_nothing_else_acts_behind(name: str) -> None:
    with torch.device("meta"):
        model = build(fixed(name), 10).eval()
        images = torch.empty(3, 3, 12, 12)
    last = list(model.children())[-2 if name == "example_cnn" else -1]
    assert isinstance(last, nn.Linear)
    assert model.features(images).shape == (3, last.in_features)
    assert model(images).shape == (3, 10)


@pytest.mark.parametrize("name", SHALLOW)
def test_logits_are_a_linear_function_of_the_features(name: str) -> None:
    model = drawn(name).eval()
    images = torch.rand(3, 3, 12, 12)
    *_, last = (module for module in model.modules() if isinstance(module, nn.Linear))
    with torch.no_grad():
        assert torch.equal(model(images), functional.linear(model.features(images), last.weight, last.bias))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_smallest_input_trains(name: str) -> None:
    size = MIN_INPUT_PX[name]
    with torch.device("meta"):
        model = build(fixed(name, size=size), 10)
        model(torch.empty(2, 3, size, size)).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("name", ["model_c", "example_cnn", pytest.param("resnet18", marks=pytest.mark.slow)])
def test_initial_weights_depend_on_seed_name_and_shape_alone(name: str) -> None:
    torch.manual_seed(1)
    one = dict(drawn(name).named_parameters())
    torch.manual_seed(2)
    two, other, wider = (
        dict(model.named_parameters()) for model in (drawn(name), drawn(name, seed=8), drawn(name, classes=12))
    )
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert not any(torch.equal(one[key], other[key]) for key in one if one[key].dim() in (2, 4))
    # Other classes change the last layer alone.
    different = [key for key in one if not torch.equal(one[key], wider[key])]
    assert different == [f"{LAST[name]}.weight", f"{LAST[name]}.bias"]


@pytest.mark.slow
@pytest.mark.parametrize("name", SHALLOW)
def test_initial_weights_have_the_stated_distribution(name: str) -> None:
    for module in drawn(name, size=32).modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 5000:
            fan_out = module.out_channels * module.kernel_size[0] ** 2
            assert module.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.05)
            assert module.bias is None or not module.bias.any()
        elif isinstance(module, nn.Linear) and module.weight.numel() > 5000:
            bound = module.in_features**-0.5
            assert 0.99 * bound < module.weight.abs().max().item() <= bound
            assert module.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all()
            assert not module.bias.any()


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"model.name": "example_cnn", "optimizer.lr": 0.05},
        {"model.name": "resnet18", "model.activation": "sigmoid", "optimizer.lr": 0.02},
        {"model.name": "resnet18", "model.stem": "small", "data.size": 8},
    ],
    ids=["example_cnn", "resnet18-sigmoid", "resnet18-small"],
)
def test_it_learns_the_digits_without_special_casing(settings: dict[str, Any]) -> None:
    from classifier.workload import workload

    ready, each = workload.schedule(workload.canonical({"seed": 0, **settings}), 6)
    run = workload.start(ready, 1, 0.0)
    rows = [run.train_epoch(now) for now in each]
    assert np.isfinite([row["val_loss"] for row in rows]).all()
    assert rows[-1]["train_loss"] < 0.8 * rows[0]["train_loss"]
