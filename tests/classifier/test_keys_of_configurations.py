"""What changes an epoch changes its key from there on, and nothing else does: over generated configurations."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from classifier.config import SETTINGS, canonical, schedule
from classifier.workload import ClassifierWorkload
from search.core.prefix import path, root_key, shared, without_defaults
from search.core.trial import DataCard
from search.space.reader import read_space
from search.study.leaf import Planner, hashed
from search.workload import SettingFaults, identity
from tests.classifier.configurations import EPOCHS, Configuration, active, agreed, configurations, values

quick = settings(deadline=None, max_examples=50, suppress_health_check=list(HealthCheck))
thorough = settings(quick, max_examples=3000)
IDENTITY = identity("classifier", ClassifierWorkload())


def keys(chosen: Mapping[str, Any], epochs: int = EPOCHS, data: str = "data") -> list[str]:
    fixed, each = schedule(canonical(chosen), epochs)
    root = root_key(IDENTITY, data, {}, without_defaults(hashed(fixed, SETTINGS), SETTINGS), {})
    return path(root, [without_defaults(now, SETTINGS) for now in each])


def trainable(chosen: Mapping[str, Any]) -> None:
    """Pass over settings that clash, such as a floor that is reached within the warm-up."""
    try:
        canonical(chosen)
    except SettingFaults:
        assume(False)


def one_setting_more(chosen: Configuration, name: str, value: Any) -> None:
    """Two configurations that differ in one setting share the keys of the epochs they train alike, and no more."""
    changed = {**chosen, name: value}
    trainable(chosen)
    trainable(changed)
    before, after = keys(chosen), keys(changed)
    alike = agreed(chosen, changed)
    assert before[:alike] == after[:alike]
    assert not set(before[alike:]) & set(after)
    assert shared(before, after) == alike
    if not active(changed, name):
        assert alike == EPOCHS, "a setting that is not active"


@pytest.mark.slow
@quick
@given(configurations(), st.sampled_from(sorted(SETTINGS)), st.data())
def test_a_key_changes_where_an_epoch_does(chosen: Configuration, name: str, data: st.DataObject) -> None:
    one_setting_more(chosen, name, data.draw(values(name)))


@pytest.mark.stress
@thorough
@given(configurations(), st.sampled_from(sorted(SETTINGS)), st.data())
def test_so_it_does_in_thousands_of_configurations(chosen: Configuration, name: str, data: st.DataObject) -> None:
    one_setting_more(chosen, name, data.draw(values(name)))


RATES = sorted(name for name in SETTINGS if name.startswith("decay."))


@pytest.mark.slow
@quick
@given(configurations(), st.sampled_from(SETTINGS["decay.name"]["enum"][1:]), st.sampled_from(RATES), st.data())
def test_decays_share_the_epochs_before_they_part(
    chosen: Configuration, decay: str, name: str, data: st.DataObject
) -> None:
    one_setting_more({**chosen, "decay.name": decay}, name, data.draw(values(name)))


@pytest.mark.slow
@settings(quick, max_examples=30)
@given(configurations(), configurations())
def test_any_two_configurations_share_what_they_train_alike(one: Configuration, other: Configuration) -> None:
    other = {**other, "seed": one["seed"]}
    trainable(one)
    trainable(other)
    assert shared(keys(one), keys(other)) == agreed(one, other)


def context(name: str) -> Configuration:
    """Settings under which a setting is active."""
    found: Configuration = {"seed": 0}
    for parent, wanted in SETTINGS[name].get("when", {}).items():
        found |= {**context(parent), parent: wanted[0]}
    if name == "optimizer.nesterov":
        found["optimizer.momentum"] = 0.5
    return found


OTHER: dict[str, Any] = {
    "batch_size": 7,
    "decay.start": 3,
    "decay.every": 2,
    "decay.milestones": [4],
    "decay.end": 9,
    "decay.length": 5,
    "decay.warmup": 3,
    "optimizer.epsilon": 1e-3,
    "augment.operations": 3,
    "augment.magnitude": 12,
}
"""Values other than the default, where 0.37 or another choice will not do."""


def different(name: str) -> Any:
    rule = SETTINGS[name]
    if name in OTHER:
        return OTHER[name]
    if "enum" in rule:
        return next(value for value in rule["enum"] if value != rule["default"])
    return not rule["default"] if rule["type"] == "boolean" else 0.37


@pytest.mark.parametrize("name", sorted(name for name, rule in SETTINGS.items() if rule.get("hashed", True)))
def test_every_setting_that_is_hashed_is_in_the_keys(name: str) -> None:
    before = {**context(name), "decay.start": 5, "decay.milestones": [6, 9]}
    if name == "loss.name":
        before["loss.gamma"] = 2.0  # at gamma 0 the two losses are one
    after = {**before, name: different(name)}
    one, other = keys(before), keys(after)
    assert one[-1] != other[-1]
    if not name.startswith("decay."):
        assert one[0] != other[0], "it counts from the first epoch on"


def test_settings_that_say_where_data_lie_are_not_hashed_and_their_content_is() -> None:
    unhashed = {name for name, rule in SETTINGS.items() if not rule.get("hashed", True)}
    assert unhashed == {name for name in SETTINGS if name.split(".")[0] == "data"} | {"model.weights_file"}
    assert keys({"seed": 0}, data="one") != keys({"seed": 0}, data="other")


@pytest.mark.slow
@settings(quick, max_examples=20)
@given(configurations(), st.integers(0, 2**32), st.integers(1, EPOCHS))
def test_order_length_and_defaults_written_out_do_not_matter(chosen: Configuration, seed: int, length: int) -> None:
    trainable(chosen)
    names = sorted(chosen)
    random.Random(seed).shuffle(names)
    expected = keys(chosen)
    assert keys({name: chosen[name] for name in names}) == expected
    assert keys(chosen, length) == expected[:length], "a shorter run is the beginning of a longer one"
    assert keys(canonical(chosen)) == expected, "what is canonical stays so"
    written = {name: rule["default"] for name, rule in SETTINGS.items() if name not in chosen}
    assert keys({**written, **chosen}) == expected


@pytest.mark.slow
@settings(quick, max_examples=20)
@given(configurations(), configurations(), st.integers(1, EPOCHS))
def test_what_only_comes_later_does_not_matter_before(one: Configuration, other: Configuration, epoch: int) -> None:
    """Keys are a chain: the epochs ahead, whatever they are, leave those behind alone."""
    trainable(one)
    trainable(other)
    fixed, each = schedule(canonical(one), EPOCHS)
    _, later = schedule(canonical(other), EPOCHS)
    mixed = [without_defaults(now, SETTINGS) for now in [*each[:epoch], *later[epoch:]]]
    root = root_key(IDENTITY, "data", {}, without_defaults(hashed(fixed, SETTINGS), SETTINGS), {})
    assert path(root, mixed)[:epoch] == keys(one)[:epoch]


# From a file of the user's ---------------------------------------------------------------------------------------


class Undecoded(ClassifierWorkload):
    """The classifier, with data that nobody reads."""

    def data(self, fixed: Mapping[str, Any]) -> DataCard:
        return DataCard(fingerprint="data")


FILE: dict[str, Any] = {
    "name": "one",
    "workload": "classifier",
    "fixed": {"epochs": 12, "optimizer.lr": 0.1, "stop.rule": "generalisation_loss", "stop.alpha": 5},
    "space": {"loss.gamma": {"grid": [0.5, 2]}, "decay": {"grid": {"none": {}, "late": {"decay.name": "step"}}}},
    "seeds": [3],
    "search": {"objective": {"metric": "val_loss", "direction": "minimize"}},
}


def paths(folder: Path, content: str | Mapping[str, Any]) -> dict[tuple[float, str], list[str]]:
    """(gamma, decay) -> keys of seed 3, of a space file."""
    file = folder / "space.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(dict(content), sort_keys=False))
    space = read_space(file)
    planner = Planner(space, Undecoded(), {"machine": "simulated"})
    found = {}
    for number, parameters in enumerate(space.grid()):
        leaf = planner.leaf(number, number, 3, parameters)
        found[leaf.trial.settings["loss.gamma"], leaf.trial.settings["decay.name"]] = list(leaf.path)
    return found


def with_(**changes: Any) -> dict[str, Any]:
    """The file, with entries of its mappings added or replaced."""
    merged = {key: {**FILE.get(key, {}), **more} if isinstance(more, dict) else more for key, more in changes.items()}
    return {**FILE, **merged}


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"name": "another", "title": "Of another name"},
        {"seeds": [1, 3, 9]},
        {"resources": {"cpus": 1, "states_gb": 1}},
        {"search": {"pruning": {"asha": {"grace_period": 2, "reduction_factor": 2}}, "hours": 3}},
        {"search": {"objective": {"metric": "val_accuracy", "direction": "maximize"}}},
        {"fixed": {"stop.alpha": 50}},
        {"fixed": {"stop.alpha": None}},
        {"space": {"decay": {"grid": {"late": {"decay.name": "step"}, "none": {}}}, "loss.gamma": {"grid": [2, 0.5]}}},
        {"fixed": {"model.activation": "relu", "batch_size": 48}},
        {"space": {"decay": {"grid": {"b": {"decay.name": "none", "decay.warmup": 0}, "a": {"decay.name": "step"}}}}},
    ],
    ids=lambda changes: " ".join(map(str, changes)),
)
def test_what_does_not_train_is_in_no_key(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert paths(tmp_path, with_(**changes)) == paths(tmp_path, FILE)


def test_a_longer_study_goes_on_from_the_shorter(tmp_path: Path) -> None:
    longer, shorter = paths(tmp_path, with_(fixed={"epochs": 90})), paths(tmp_path, FILE)
    assert {name: path[:12] for name, path in longer.items()} == shorter
    assert shared(longer[2, "none"], longer[2, "step"]) == 50, "where the step's first one is by default"


@pytest.mark.slow
@pytest.mark.parametrize("spelling", ["0.10", "1.0e-1", ".1", "0.1000000000000001", "10.0e-2", "+0.1"])
def test_the_spelling_of_a_number_is_in_no_key(tmp_path: Path, spelling: str) -> None:
    text = yaml.safe_dump(FILE, sort_keys=False)
    assert "optimizer.lr: 0.1\n" in text
    assert paths(tmp_path, text.replace("optimizer.lr: 0.1\n", f"optimizer.lr: {spelling}\n")) == paths(tmp_path, FILE)


@pytest.mark.slow
@pytest.mark.parametrize("spelling", ["2.0", "2.", "2.0e0", "0.2e+1"])
def test_so_is_that_of_a_value_of_an_axis(tmp_path: Path, spelling: str) -> None:
    text = yaml.safe_dump(FILE, sort_keys=False)
    assert "    - 2\n" in text
    assert paths(tmp_path, text.replace("    - 2\n", f"    - {spelling}\n")) == paths(tmp_path, FILE)


def test_the_folder_that_results_go_to_is_in_no_key(tmp_path: Path) -> None:
    """Neither is the one the file lies in."""
    (tmp_path / "elsewhere").mkdir()
    assert paths(tmp_path / "elsewhere", FILE) == paths(tmp_path, FILE)


def test_another_seed_recipe_or_class_is_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "space.yaml"
    file.write_text(yaml.safe_dump(FILE))
    space = read_space(file)
    parameters = next(iter(space.grid()))

    def first(seed: int = 3, machine: str = "simulated") -> str:
        return Planner(space, Undecoded(), {"machine": machine}).leaf(0, 0, seed, parameters).path[0]

    found = {first(), first(seed=4), first(machine="another")}
    for attribute in ("recipe", "evaluation"):
        with monkeypatch.context() as patch:
            patch.setattr(Undecoded, attribute, "of another version")
            found.add(first())
    assert len(found) == 5
