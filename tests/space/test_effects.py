"""What changes nothing: notes on what never acts in trials of this length, and axes that act at no length."""

from __future__ import annotations

from typing import Any

import pytest

from search.__main__ import run
from search.core.errors import Faults
from search.space.reader import read_space, space_from_mapping


def notes(fixed: dict[str, Any], space: dict[str, Any] | None = None, **more: Any) -> list[str]:
    content = {"workload": "classifier", "fixed": fixed, "space": space or {}, **more}
    return [f"{note.key}: {note.message}" for note in space_from_mapping(content).notes]


STEP = {"decay.name": "step", "decay.start": 50, "decay.every": 30}


def test_a_setting_of_the_workload() -> None:
    assert notes({"epochs": 10, **STEP}) == [
        "fixed.decay.name: never acts: the rate first changes behind epoch 50 (decay.start), and the last epoch is 10"
    ]
    assert notes({"epochs": 100, **STEP}) == []


def test_a_default_is_told_at_the_setting_it_belongs_to() -> None:
    assert notes({"epochs": 10, "decay.name": "cosine"}) == [
        "fixed.decay.name: never acts in full: the floor is reached in epoch 100, and the last epoch is 10"
    ]


def test_what_acts_in_one_configuration_acts() -> None:
    assert notes(STEP, {"epochs": {"grid": [10, 100]}}) == []
    assert notes({**STEP, "decay.start": 200}, {"epochs": {"grid": [10, 100]}}) == [
        "fixed.decay.name: never acts: the rate first changes behind epoch 200 (decay.start), and the last epoch is 100"
    ]


@pytest.mark.parametrize(
    ("settings", "note"),
    [
        (
            {"stop.rule": "patience", "stop.patience": 9},
            "fixed.stop.patience: never acts: 9 epochs without gain end no trial early, for the last epoch is 10",
        ),
        (
            {"stop.rule": "patience"},
            "fixed.stop.rule: never acts: 10 epochs without gain end no trial early, for the last epoch is 10",
        ),
        (
            {"stop.rule": "generalisation_loss", "epochs": 2},
            "fixed.stop.rule: never acts: no trial ends early by comparing an epoch with one before, "
            "for the last epoch is 2",
        ),
        ({"data.ratio": [8, 1, 1]}, "fixed.data.ratio: never acts: it has no effect beside the other settings"),
        ({"stop.rule": "patience", "stop.patience": 8}, ""),
        ({"stop.rule": "generalisation_loss", "epochs": 3}, ""),
        ({"stop.rule": "generalisation_loss", "stop.alpha": None}, ""),
    ],
)
def test_stop_rules_and_settings_that_are_dropped(settings: dict[str, Any], note: str) -> None:
    assert notes({"epochs": 10, **settings}) == ([note] if note else [])


def test_values_that_train_the_same_for_so_long() -> None:
    axis = {"decay": {"grid": {"none": {}, "late": {"decay.name": "exponential"}, "early": {**STEP, "decay.start": 1}}}}
    found = notes({"epochs": 10}, axis)
    assert found[-1] == (
        "space.decay: none and late train and stop the same in trials of 10 epochs, so that their rows will be equal"
    )
    assert len(notes({"epochs": 100}, axis)) == 0
    starts = {"decay.start": {"grid": [*range(5, 30)]}}
    assert notes({"epochs": 5, "decay.name": "exponential"}, starts)[-1] == (
        "space.decay.start: 5, 6, 7, 8, 9 and 20 others train and stop the same in trials of 5 epochs, "
        "so that their rows will be equal"
    )


def test_one_training_by_two_names() -> None:
    axis = {"loss": {"grid": {"a": {"loss.name": "cross_entropy"}, "b": {"loss.gamma": 0}, "c": {"loss.gamma": 1}}}}
    assert notes({"epochs": 1}, axis) == [
        "space.loss: a and b train and stop the same in trials of 1 epoch, so that their rows will be equal"
    ]


ALWAYS = "every value trains and stops the same, whatever else is set, so that all rows would be equal; "
ALWAYS += "remove the axis, or mend what switches it off"


@pytest.mark.parametrize(
    ("fixed", "space"),
    [
        ({"optimizer.momentum": 0}, {"optimizer.nesterov": {"grid": [True, False]}}),
        ({"decay.name": "step", "decay.factor": 1}, {"decay.every": {"grid": [1, 2]}}),
        ({"decay.name": "step", "decay.factor": 1}, {"decay.start": {"int": {"low": 1, "high": 9}}}),
        (
            {"loss.gamma": 0},
            {"loss.name": {"grid": ["focal", "cross_entropy"]}, "model.activation": {"grid": ["relu"]}},
        ),
        (
            {"optimizer.weight_decay": 0},
            {"optimizer.name": {"choice": ["adam", "adamw"]}, "seed of": {"grid": {"x": {}}}},
        ),
    ],
)
def test_an_axis_that_acts_at_no_length(fixed: dict[str, Any], space: dict[str, Any]) -> None:
    prior = any("grid" not in axis for axis in space.values())
    content = {"workload": "classifier", "fixed": {"epochs": 60, **fixed}, "space": space}
    content |= {"search": {"sampler": "random", "trials": 2}} if prior else {}
    with pytest.raises(Faults) as caught:
        space_from_mapping(content)
    assert str(caught.value) == f"<python>: space.{next(iter(space))}: {ALWAYS}"


def test_an_axis_that_acts_beside_one_value_of_another() -> None:
    nesterov = {"optimizer.momentum": {"grid": [0, 0.9]}, "optimizer.nesterov": {"grid": [True, False]}}
    nothing = "changes nothing where optimizer.momentum is 0, so that rows will be equal; "
    remedy = "write `when: {optimizer.momentum: [0.9]}`, with optimizer.momentum listed above it"
    assert notes({"epochs": 1}, nesterov) == [f"space.optimizer.nesterov: {nothing}{remedy}"]
    conditional = {
        "optimizer.name": {"grid": ["sgd", "adam"]},
        "optimizer.nesterov": {"grid": [True, False], "when": {"optimizer.name": "sgd"}},
    }
    assert notes({"epochs": 1}, conditional) == []


SLOPE = {
    "model.slope": {"float": {"low": 0.01, "high": 0.3}},
    "model.activation": {"choice": ["relu", "leaky_relu", "gelu"]},
    "optimizer.lr": {"float": {"low": 0.01, "high": 0.3}},
}


def test_a_search_over_a_slope_that_only_one_activation_has() -> None:
    """It is looked at beside every activation, not beside the first alone."""
    nothing = "changes nothing where model.activation is relu or gelu, so that rows will be equal; "
    remedy = "write `when: {model.activation: [leaky_relu]}`, with model.activation listed above it"
    search = {"sampler": "random", "trials": 9}
    assert notes({"epochs": 1}, SLOPE, search=search) == [f"space.model.slope: {nothing}{remedy}"]
    conditional = {**SLOPE["model.slope"], "when": {"model.activation": "leaky_relu"}}
    ordered = {"model.activation": SLOPE["model.activation"], "model.slope": conditional}
    assert notes({"epochs": 1}, ordered, search=search) == []


def test_a_large_grid_has_notes_where_a_small_one_has_faults() -> None:
    """Of these not every configuration is looked at."""
    rates = {"optimizer.lr": {"grid": [n / 1000 for n in range(1, 400)]}, "optimizer.nesterov": {"grid": [True, False]}}
    assert notes({"epochs": 1, "optimizer.momentum": 0}, rates) == [
        "space.optimizer.nesterov: true and false train and stop the same in trials of 1 epoch, "
        "so that their rows will be equal"
    ]


def test_a_shortened_run_of_every_kind_is_sound() -> None:
    """Values that part later than the run goes are a note, however far: they act in a longer one."""
    assert notes({"epochs": 3, "decay.name": "exponential"}, {"decay.start": {"grid": [300, 7000]}})[-1] == (
        "space.decay.start: 300 and 7000 train and stop the same in trials of 3 epochs, "
        "so that their rows will be equal"
    )
    patience = {"stop.patience": {"grid": [50, 100]}}
    assert len(notes({"epochs": 3, "stop.rule": "patience"}, patience)) == 3


def test_check_prints_them(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(
        "workload: classifier\nfixed:\n  epochs: 2\n  data.limit: [60, 10, 10]\n  decay.name: cosine\n"
        "  decay.end: 9\nseeds: [0]\n"
    )
    note = f"{path}:6: fixed.decay.end: never acts in full: the floor is reached in epoch 9, and the last epoch is 2"
    assert run(["check", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: sound; grid, 1 trial\n  note: {note}\n"
    assert [str(each) for each in read_space(path).notes] == [note]


def test_a_stop_rule_over_what_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.space.fake import Fake

    content = {"workload": "tests.space.fake:Fake", "fixed": {"epochs": 9, "batch_size": 2, "stop.rule": "patience"}}
    content["fixed"]["stop.patience"] = 2
    assert space_from_mapping(content).notes == ()
    monkeypatch.setattr(Fake, "metrics", ("val_accuracy",))
    with pytest.raises(Faults) as caught:
        space_from_mapping(content)
    assert str(caught.value) == (
        "<python>: fixed.stop.rule: 'patience' reads val_loss, which the workload does not measure; name another in "
        "stop.metric; known: val_accuracy"
    )
