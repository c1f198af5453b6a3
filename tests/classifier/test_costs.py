"""What a model costs, beside a model that is built and counted."""

from __future__ import annotations

import pytest
import torch

from classifier.inspect.costs import costs
from classifier.models import build
from classifier.workload import workload


@pytest.mark.parametrize("name", ["example_cnn", "model_c", "resnet18"])
def test_costs_are_those_of_the_model_that_is_trained(name: str) -> None:
    settings = workload.canonical({"model.name": name, "data": "digits", "seed": 0})
    fixed, _ = workload.schedule(settings, 1)
    model = build(fixed, 10)
    saved = sum(tensor.nbytes for tensor in model.state_dict().values())
    told = costs(fixed, 10)
    assert tuple(told) == workload.cost_metrics
    assert told["parameters"] == sum(one.numel() for one in model.parameters())
    assert told["weight_bytes"] == saved
    assert told["weight_bytes"] >= 4 * told["parameters"]
    assert told["multiply_adds"] == _counted(model, fixed["data.size"])
    assert workload.costs(fixed) == told
    assert not set(workload.cost_metrics) & set(workload.metrics)


def _counted(model: torch.nn.Module, size: int) -> int:
    """Return multiply-adds of one image, by the shapes that layers see."""
    total = 0

    def note(layer: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(layer, torch.nn.Conv2d):
            total += output.numel() * layer.weight[0].numel()
        elif isinstance(layer, torch.nn.Linear):
            total += output.numel() * layer.in_features

    hooks = [layer.register_forward_hook(note) for layer in model.modules()]
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, size, size))
    for hook in hooks:
        hook.remove()
    return total
