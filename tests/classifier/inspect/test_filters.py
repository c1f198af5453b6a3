"""What filters answer to: names, and gradient ascent that ascends."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from classifier.inspect.filters import (
    OF_MODEL_C,
    Filter,
    activation,
    ascend,
    blurred,
    convolutions,
    default,
    find,
    shown,
)
from classifier.models.model_c import ModelC
from classifier.models.resnet import ResNet
from classifier.weights import initialise
from search.workload import SettingFaults


@pytest.fixture(scope="module")
def model() -> ModelC:
    torch.manual_seed(0)
    model = ModelC(20, nn.ReLU)
    initialise(model, 0)
    return model


def as_is(x: torch.Tensor) -> torch.Tensor:
    return x


# Names -----------------------------------------------------------------------------------------------------------


def test_blocks_of_model_c_are_counted_from_one(model: ModelC) -> None:
    names = list(convolutions(model))
    assert names[:4] == ["stem", "block1.conv1", "block1.conv2", "block1.conv3"]
    assert (len(names), names[-1]) == (19, "block6.conv3")
    assert convolutions(model)["block2.conv3"][1] is model.blocks[1].conv3


def test_the_six_filters_of_report_a_are_the_default(model: ModelC) -> None:
    assert tuple(one.name for one in default(model)) == OF_MODEL_C
    assert find(model, []) == default(model)
    sizes = {one.name: model.get_submodule(one.module).kernel_size[0] for one in default(model)}
    assert [sizes[name] for name in OF_MODEL_C[:3]] == [1, 3, 1]  # as the report says of the first three


def test_other_models_get_six_that_are_spread_from_input_to_output() -> None:
    model = ResNet(18, 20, nn.ReLU)
    chosen = default(model)
    order = list(convolutions(model))
    places = [order.index(one.name.partition(":")[0]) for one in chosen]
    assert len(chosen) == 6
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0, len(order) - 1)
    assert find(model, [one.name for one in chosen]) == chosen


@pytest.mark.slow
def test_names_are_module_paths_too(model: ModelC) -> None:
    assert find(model, ["blocks.1.conv2:16", "block2.conv2:16"]) == [Filter("block2.conv2:16", "blocks.1.conv2", 16)]
    assert find(ResNet(18, 20, nn.ReLU), ["layer1.0.conv1:5"])[0].module == "layer1.0.conv1"


def test_names_that_are_none_are_refused_together(model: ModelC) -> None:
    with pytest.raises(SettingFaults) as refused:
        find(model, ["block1.conv9:0", "block2.conv1:64", "block1.conv1", "block1.conv1:-1", "stem:3"])
    assert refused.value.faults == [
        (
            "block1.conv9:0",
            "there is no convolution 'block1.conv9' in this model; the nearest are block1.conv3 (filters 0 to 127), "
            "block1.conv2 (filters 0 to 63), block1.conv1 (filters 0 to 63)",
        ),
        ("block2.conv1:64", "block2.conv1 has the filters 0 to 63, not 64"),
        ("block1.conv1", "is no name of a filter; write convolution:index, for example block1.conv1:0"),
        ("block1.conv1:-1", "is no name of a filter; write convolution:index, for example block1.conv1:0"),
    ]


# Gradient ascent -------------------------------------------------------------------------------------------------


def one_pixel_filter(weights: list[float]) -> tuple[nn.Module, Filter]:
    """A network that is one 1x1 convolution: its gradient is the same at every pixel, and known."""
    model = nn.Sequential(nn.Conv2d(3, 1, 1))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor(weights).view(1, 3, 1, 1))
    return model, Filter("0:0", "0", 0)


def test_a_filter_for_red_without_green_grows_red_without_green() -> None:
    model, one = one_pixel_filter([1.0, -1.0, 0.0])
    image = ascend(model, one, as_is)[30].astype(int)
    middle = image[8:-8, 8:-8]
    assert middle[..., 0].min() > middle[..., 2].max() > middle[..., 2].min() > middle[..., 1].max()


def test_a_step_has_the_length_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    monkeypatch.setattr("classifier.inspect.filters.shown", lambda x: seen.append(x.clone()) or np.zeros(1))
    model, one = one_pixel_filter([1e-6, -1e-6, 0.0])  # however small the gradient
    ascend(model, one, as_is, (1, 2))
    assert (seen[1] - seen[0]).square().mean().sqrt().item() == pytest.approx(0.03, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_MODEL_C)
def test_the_activation_ascends(model: ModelC, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    monkeypatch.setattr("classifier.inspect.filters.shown", lambda x: seen.append(x.clone()) or np.zeros(1))
    (one,) = find(model, [name])
    ascend(model, one, as_is, (1, 15, 30))
    model.eval()
    values = [activation(model, one, x[None]).item() for x in seen]
    assert values[0] < values[1] < values[2]


def test_the_same_filter_gives_the_same_image_and_another_one_another(model: ModelC) -> None:
    one, other = find(model, ["block2.conv2:16", "block2.conv2:17"])
    torch.manual_seed(5)
    first = ascend(model, one, as_is, (3,))[3]
    torch.manual_seed(6)
    assert np.array_equal(first, ascend(model, one, as_is, (3,))[3])
    assert not np.array_equal(first, ascend(model, other, as_is, (3,))[3])
    assert (first.shape, first.dtype) == ((64, 64, 3), np.uint8)


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_as_it_was(model: ModelC, training: bool) -> None:
    model.train(training)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    hooks = [len(module._forward_hooks) for module in model.modules()]
    ascend(model, default(model)[3], as_is, (2,))
    assert model.training is training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert [len(module._forward_hooks) for module in model.modules()] == hooks


def test_modes_that_somebody_left_on_do_not_matter(model: ModelC) -> None:
    one = default(model)[1]
    expected = ascend(model, one, as_is, (2,))[2]
    with torch.inference_mode():
        assert np.array_equal(ascend(model, one, as_is, (2,))[2], expected)


def test_a_model_of_grey_images_gets_grey_ones() -> None:
    model, one = one_pixel_filter([1.0, -1.0, 0.5])
    image = ascend(model, one, lambda x: x.expand(-1, 3, -1, -1), (2,), channels=1)[2]
    assert image.shape == (64, 64, 3)
    assert np.array_equal(image[..., 0], image[..., 1])
    assert np.array_equal(image[..., 0], image[..., 2])


def test_what_follows_the_filter_need_not_fit_the_size() -> None:
    rigid = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(4, 2))
    assert ascend(rigid, Filter("0:1", "0", 1), as_is, (1,))[1].shape == (64, 64, 3)


def test_the_blur_is_symmetric_positive_and_keeps_what_is_flat() -> None:
    one, other = torch.randn(2, 1, 3, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.allclose((one * blurred(other)).sum(), (blurred(one) * other).sum())
    assert (one * blurred(one)).sum() > 0
    assert torch.allclose(blurred(torch.ones(1, 3, 16, 16))[..., 4:-4, 4:-4], torch.ones(1))


def test_a_filter_that_nothing_reaches_shows_its_noise() -> None:
    model, one = one_pixel_filter([0.0, 0.0, 0.0])
    image = ascend(model, one, as_is)[30]
    assert np.array_equal(image[..., 0], image[..., 1])
    assert image.std() > 10


def test_images_that_are_not_finite_or_flat_are_grey() -> None:
    assert set(shown(torch.full((3, 4, 4), torch.nan)).ravel()) == {128}
    assert set(shown(torch.ones(3, 4, 4)).ravel()) == {128}
