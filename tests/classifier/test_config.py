"""Settings: their one spelling, and the sentences for those that cannot be trained."""

from __future__ import annotations

import importlib
import json
import pickle
import subprocess
import sys
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.config import SETTINGS, canonical, schedule
from search.workload import SettingFaults


def faults(**settings: Any) -> list[tuple[str, str]]:
    with pytest.raises(SettingFaults) as caught:
        canonical({name.replace("__", "."): value for name, value in settings.items()})
    return caught.value.faults


def test_cross_entropy_is_focal_loss_with_gamma_zero() -> None:
    assert canonical({"loss.name": "cross_entropy"}) == canonical({"loss.name": "focal", "loss.gamma": 0})


def test_inactive_settings_are_dropped() -> None:
    assert canonical({"model.slope": 0.2}) == canonical({})
    assert canonical({"model.activation": "leaky_relu", "model.slope": 0.2})["model.slope"] == 0.2
    assert canonical({"decay.every": 7}) == canonical({})
    assert canonical({"optimizer.name": "adam", "optimizer.momentum": 0.5}) == canonical({"optimizer.name": "adam"})
    assert "optimizer.momentum" not in canonical({"optimizer.name": "adam"})
    assert canonical({"optimizer.beta1": 0.5}) == canonical({})


def test_the_usual_size_depends_on_the_data() -> None:
    assert canonical({})["data.size"] == 12
    assert canonical({"data": "flowers-17"})["data.size"] == 64
    assert canonical({"data": "digits", "data.size": 12}) == canonical({})


def test_faults_name_value_rule_and_remedy() -> None:
    assert faults(loss__gama=1) == [("loss.gama", "unknown setting; did you mean 'loss.gamma'?")]
    assert faults(data__size=4) == [
        ("data.size", "found 4, must be at least 8 px for model_c; use larger images or another model")
    ]
    assert faults(model__activation="rely") == [
        (
            "model.activation",
            "found 'rely', must be one of relu, leaky_relu, sigmoid, gelu, silu, elu, tanh; did you mean 'relu'?",
        )
    ]
    assert faults(seed=-1) == [("seed", "found -1, must be at least 0")]
    assert faults(optimizer__lr=float("nan")) == [("optimizer.lr", "found nan, must be a finite number")]
    assert faults(data__ratio=[float("nan"), 1, 1]) == [("data.ratio", "found nan, must be a finite number")]


def test_milestones_ascend() -> None:
    for wrong in ([70, 40], [40, 40]):
        assert faults(decay__name="multistep", decay__milestones=wrong) == [
            ("decay.milestones", f"found {wrong}, must ascend; list every epoch once, in order")
        ]
    assert [name for name, _ in faults(decay__name="multistep", decay__milestones=[])] == ["decay.milestones"]
    assert [name for name, _ in faults(decay__name="multistep", decay__milestones=[0, 3])] == ["decay.milestones"]
    assert canonical({"decay.name": "step", "decay.milestones": [70, 40]}) == canonical({"decay.name": "step"})


def test_a_cosine_ends_behind_its_warm_up() -> None:
    assert faults(decay__name="cosine", decay__end=6, decay__warmup=5) == [
        (
            "decay.end",
            "found 6, must be at least 7, two epochs behind decay.warmup; warm up for fewer epochs or reach the floor "
            "later",
        )
    ]
    assert canonical({"decay.name": "cosine", "decay.end": 7, "decay.warmup": 5})["decay.end"] == 7


def test_all_faults_are_told_at_once() -> None:
    assert [name for name, _ in faults(loss__gamma=-1, batch_size=1, nonsense=0)] == [
        "loss.gamma",
        "batch_size",
        "nonsense",
    ]


def test_rounding_does_not_reach_over_a_bound() -> None:
    sentence = "found 0.9999999999999, in 12 significant digits 1.0, must be less than 1"
    assert faults(optimizer__momentum=0.9999999999999) == [("optimizer.momentum", sentence)]


def test_faults_survive_the_way_from_a_worker() -> None:
    error = SettingFaults([("data", "is gone")])
    copy = pickle.loads(pickle.dumps(error))
    assert copy.faults == error.faults
    assert str(copy) == str(error)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_described(name: str) -> None:
    rule = SETTINGS[name]
    jsonschema.Draft202012Validator.check_schema(rule)
    assert rule["description"]
    jsonschema.validate(rule["default"], rule)
    assert set(rule.get("when", {})) <= set(SETTINGS)


values = st.fixed_dictionaries(
    {},
    optional={
        "loss.gamma": st.floats(0, 5),
        "optimizer.lr": st.floats(1e-6, 1),
        "optimizer.name": st.sampled_from(["sgd", "adam", "adamw"]),
        "optimizer.momentum": st.floats(0, 0.99),
        "optimizer.nesterov": st.booleans(),
        "optimizer.weight_decay": st.sampled_from([0, 1e-4]),
        "loss.name": st.sampled_from(["focal", "cross_entropy"]),
        "loss.label_smoothing": st.floats(0, 0.9),
        "loss.class_weights": st.sampled_from(["none", "balanced"]),
        "input.normalise": st.sampled_from(["train", "half"]),
        "model.activation": st.sampled_from(["relu", "leaky_relu", "tanh"]),
        "model.slope": st.floats(0, 1),
        "decay.name": st.sampled_from(SETTINGS["decay.name"]["enum"]),
        "decay.start": st.integers(0, 20),
        "decay.milestones": st.sets(st.integers(1, 30), min_size=1).map(sorted),
        "decay.end": st.integers(12, 40),
        "decay.warmup": st.integers(0, 10),
        "augment.rotation": st.floats(0, 90),
        "augment.crop": st.booleans(),
        "seed": st.integers(0, 9),
    },
)


@pytest.mark.slow
@given(values, st.integers(1, 30))
def test_canonical_is_idempotent_plain_and_keeps_prefixes(settings: dict[str, Any], epochs: int) -> None:
    once = canonical(settings)
    assert canonical(once) == once
    assert json.loads(json.dumps(once)) == once
    fixed, each = schedule(once, epochs)
    longer_fixed, longer = schedule(once, epochs + 5)
    assert fixed == longer_fixed
    assert each == longer[:epochs]
    assert len(each) == epochs


@pytest.mark.slow
def test_reading_settings_needs_neither_torch_nor_what_the_service_runs_on() -> None:
    code = "import sys, classifier.workload; print(*sorted({'torch', 'ray', 'optuna', 'sqlalchemy'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout.strip() == b""


def test_what_is_known_of_data_sets_is_what_they_hold() -> None:
    importlib.import_module("classifier.data")  # the names of its modules are those of functions as well
    from classifier.data.settings import SWAPPED_TRAINING_IMAGES, TRAINING_IMAGES, USUAL_SIZE_PX

    assert TRAINING_IMAGES.keys() == USUAL_SIZE_PX.keys()
    assert TRAINING_IMAGES["digits"] == sum(sys.modules["classifier.data.digits"].TRAINING_IMAGES_OF_DIGIT)
    flowers = sys.modules["classifier.data.flowers17"]
    assert TRAINING_IMAGES["flowers-17"] == flowers.SPLIT_IMAGES_PER_CLASS[0] * len(flowers.CLASSES)
    sizes = sys.modules["classifier.data.flowers102"].SIZES
    assert (TRAINING_IMAGES["flowers-102"], SWAPPED_TRAINING_IMAGES) == (sizes["trnid"], sizes["tstid"])


@pytest.mark.parametrize("name", ["batch_size", "optimizer.lr", "data.limit", "seed", "data.split_seed", "model.name"])
@pytest.mark.parametrize("number", [10**400, 10**5000, -(10**5000)], ids=["400", "5000", "-5000"])
def test_a_number_beyond_all_others_is_refused(name: str, number: int) -> None:
    value = [number, 10, 10] if name == "data.limit" else number
    with pytest.raises(SettingFaults) as caught:
        canonical({name: value})
    shown = number if abs(number) == 10**400 else "a number of some 5,000 digits"
    assert caught.value.faults == [(name, f"found {shown}, must be a finite number")]
