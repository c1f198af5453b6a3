"""Numbers of parameters by a model's name: those of the reports, and those the layers add up to."""

from __future__ import annotations

import pytest

from classifier.config import canonical
from classifier.inspect.layers import anatomy
from classifier.inspect.parameters import parameters
from classifier.models import MODEL_SETTINGS
from classifier.workload import workload
from search.workload import Counting, SettingFaults

NAMES = MODEL_SETTINGS["model.name"]["enum"]


def test_the_two_models_of_report_a() -> None:
    assert parameters("resnet18", {}, 20) == 11_186_772
    assert parameters("model_c", {}, 20) == 441_748


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_they_are_what_the_layers_add_up_to(name: str) -> None:
    fixed = canonical({"model.name": name, "data.size": 32})
    assert parameters(name, {"model.name": "model_c", "data.size": 32}, 7) == anatomy(fixed, 7).parameters


def test_settings_count_where_they_are_of_this_model() -> None:
    small = {"model.name": "resnet18", "model.stem": "small"}
    assert parameters("resnet18", small, 20) == 11_186_772 - 64 * 3 * (49 - 9)
    assert parameters("resnet34", small, 20) == parameters("resnet34", {}, 20)
    frozen = {"model.name": "resnet18", "model.weights": "imagenet", "model.frozen": True}
    assert parameters("resnet18", frozen, 20) == 11_186_772
    assert parameters("example_cnn", {"data.size": 64}, 5) > parameters("example_cnn", {"data.size": 32}, 5)


def test_a_model_there_is_not() -> None:
    with pytest.raises(SettingFaults) as caught:
        parameters("ResNet-18", {}, 20)
    assert [name for name, _ in caught.value.faults] == ["model.name"]


def test_the_classifier_counts_through_the_contract() -> None:
    assert isinstance(workload, Counting)
    assert workload.parameters("resnet18", {"model.name": "model_c", "batch_size": 48}, 20) == 11_186_772
