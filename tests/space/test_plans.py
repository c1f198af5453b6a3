"""Values by epoch in a file: wherever a setting that may differ between epochs has a value."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from search.core.errors import Faults
from search.space.reader import read_space, space_from_mapping
from search.space.recorded import rebuild
from search.space.schema import schema
from search.space.writing import dump
from search.workload import load_workload
from tests.space.fake import Fake

HEAD = "workload: tests.space.fake:Fake\nfixed: {epochs: 10, batch_size: 16}\n"
PLANS = """workload: tests.space.fake:Fake
fixed: {epochs: 10, batch_size: 16, optimizer.lr: {1: 0.1, 6: 0.01}}
space:
  loss.gamma: {grid: [0, {1: 0, 3: 2}, {5: 2, 1: 1}]}
  kind:
    grid:
      plain: {}
      later: {decay.name: {1: none, 4: exponential}, decay.factor: 0.1}
"""


class Lists(Fake):
    settings = {**Fake.settings, "betas": {"type": "array", "items": {"type": "number"}, "epoch": True}}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def read(text, overrides=None, name="space.yaml"):
    Path(name).write_text(text)
    return read_space(name, overrides or {})


def test_plans_stand_under_fixed_in_lists_and_in_options():
    space = read(PLANS)
    assert space.fixed["optimizer.lr"] == {"1": 0.1, "6": 0.01}
    assert space.axes[0].domain.values == (0, "{1: 0.0, 3: 2.0}", "{1: 1.0, 5: 2.0}")
    assert [space.settings(one)["loss.gamma"] for one in space.grid()][::2] == [
        0,
        {"1": 0.0, "3": 2.0},
        {"1": 1.0, "5": 2.0},
    ]
    assert space.axes[1].settings("later")["decay.name"] == {"1": "none", "4": "exponential"}


def test_a_setting_of_the_whole_trial_takes_none():
    with pytest.raises(Faults) as refused:
        read(HEAD + "space:\n  data.size: {grid: [8, {1: 8, 3: 16}]}\n")
    assert str(refused.value) == (
        "space.yaml:4: space.data.size.grid[1]: found values by epoch, but this workload keeps one value of "
        "data.size for the whole trial; list single values"
    )


def test_lists_by_epoch_are_a_value_and_one_list_for_all_epochs_is_none():
    head = HEAD.replace("fake:Fake", "test_plans:Lists")
    space = read(head + "space:\n  betas: {grid: [{1: [0.9, 0.99], 3: [0.5, 0.5]}]}\n")
    assert space.axes[0].domain.values == ("{1: [0.9, 0.99], 3: [0.5, 0.5]}",)
    with pytest.raises(Faults) as refused:
        read(head + "space:\n  betas: {grid: [{1: [0.9, 0.99]}]}\n")
    assert str(refused.value) == (
        "space.yaml:4: space.betas.grid[0]: found the list [0.9, 0.99] for all epochs, must be a single value; use "
        "named options: `grid: {a name: {betas: ...}}`, with another name for the axis"
    )


def test_schedules_follow_them():
    workload, space = load_workload("tests.space.fake:Fake"), read(PLANS)
    configuration = list(space.grid())[3]
    settings = {name: value for name, value in space.settings(configuration).items() if name != "epochs"}
    _, each = workload.schedule(workload.canonical(settings), 6)
    assert [now["optimizer.lr"] for now in each] == [0.1] * 5 + [0.01]
    assert [now["loss.gamma"] for now in each] == [0, 0, 2, 2, 2, 2]
    assert [now["decay.name"] for now in each] == ["none"] * 3 + ["exponential"] * 3


def test_a_file_with_plans_is_written_and_read_again_with_and_without_its_workload():
    space = read(PLANS)
    assert read(dump(space), name="again.yaml").axes == space.axes
    assert read(dump(space), name="again.yaml").fixed == space.fixed
    recorded = rebuild(dump(space), "space")
    assert (recorded.axes, recorded.fixed) == (space.axes, space.fixed)


def test_plans_are_given_from_python_and_on_the_command_line():
    mapping = {"workload": "tests.space.fake:Fake", "fixed": {"epochs": 9, "batch_size": 1, "loss.gamma": {1: 0, 3: 2}}}
    assert space_from_mapping(mapping).fixed["loss.gamma"] == {"1": 0.0, "3": 2.0}
    assert read(PLANS, {"loss.gamma": "{1: 3, 2: 4}"}).fixed["loss.gamma"] == {"1": 3.0, "2": 4.0}
    assert read(PLANS, {"optimizer.lr": "0.5"}).fixed["optimizer.lr"] == 0.5


def test_an_extending_file_replaces_a_plan_as_a_whole():
    Path("base.yaml").write_text(HEAD.replace("}", ", optimizer.lr: {1: 0.1, 6: 0.01}}"))
    assert read("extends: base.yaml\nfixed: {optimizer.lr: {1: 0.2, 3: 0.1}}\n").fixed["optimizer.lr"] == {
        "1": 0.2,
        "3": 0.1,
    }
    assert read("extends: base.yaml\nfixed: {optimizer.lr: 0.3}\n").fixed["optimizer.lr"] == 0.3


def test_what_begins_behind_the_last_epoch_is_a_note():
    notes = [str(note) for note in read(PLANS, {"epochs": "3"}).notes]
    assert "space.yaml:2: fixed.optimizer.lr: never acts from epoch 6 on, for the last epoch is 3" in notes
    assert not [note for note in read(PLANS).notes if "epoch" in note.message]


def test_values_that_train_the_same_for_so_long_are_noted():
    text = HEAD + "space:\n  optimizer.lr: {grid: [0.1, {1: 0.1, 8: 0.01}]}\n"
    assert not read(text).notes
    assert "0.1 and {1: 0.1, 8: 0.01} train and stop the same in trials of 5 epochs" in "\n".join(
        str(note) for note in read(text, {"epochs": "5"}).notes
    )


def test_the_schema_for_editors_takes_plans_where_the_reader_does():
    validator = jsonschema.Draft202012Validator(schema("tests.space.fake:Fake"))
    base = {"workload": "x", "fixed": {"epochs": 3, "batch_size": 1}}

    def sound(**fixed):
        return validator.is_valid({**base, "fixed": {**base["fixed"], **fixed}})

    assert sound(**{"optimizer.lr": {"1": 0.1, "3": 0.2}})
    assert sound(**{"optimizer.lr": 0.1})
    assert not sound(**{"optimizer.lr": {"3": 0.2}})
    assert not sound(**{"optimizer.lr": {"1": 0}})
    assert not sound(**{"data.size": {"1": 8}})
    assert validator.is_valid({**base, "space": {"optimizer.lr": {"grid": [0.1, {"1": 0.1, "2": 1}]}}})
