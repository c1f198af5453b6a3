"""From parameters to a leaf: what is in an epoch key, and from which epoch on."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.core.errors import UserError
from search.core.trial import DataCard
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.study.leaf import Leaf, Planner, longest
from tests.contracts.toy import SineFit
from tests.engine.workloads import Synthetic

CLASS = {"machine": "here"}
AXES = {
    "x": {"choice": [0.0, 0.1, 0.3]},
    "epochs": {"choice": [4, 6, 9]},
    "switch": {"choice": [None, 2, 5]},
    "kind": {"choice": ["plain", "rich"]},
    "extra": {"choice": [0, 3], "when": {"kind": "rich"}},
    "stop.alpha": {"choice": [None, 5, 10]},
}


def space_of(axes: Mapping[str, Any] = AXES, name: str = "one", **fixed: Any) -> Space:
    return space_from_mapping(
        {
            "name": name,
            "workload": "tests.engine.workloads:Synthetic",
            "fixed": {"stop.rule": "generalisation_loss", **({} if "epochs" in axes else {"epochs": 5}), **fixed},
            "space": dict(axes),
            "search": {"sampler": "random", "trials": 3},
        }
    )


@functools.cache
def usual() -> Planner:
    return Planner(space_of(), Synthetic(), CLASS)


def path(parameters: Mapping[str, Any], seed: int = 0, space: Space | None = None, **more: Any) -> list[str]:
    return list(planner(space, **more).leaf(0, 0, seed, parameters).path)


def planner(space: Space | None = None, workload: Any = None, where: Mapping[str, str] = CLASS, **more: Any) -> Planner:
    if space is None and workload is None and where == CLASS and not more:
        return usual()
    return Planner(space or space_of(), workload or Synthetic(), where, **more)


FULL = {"x": 0.1, "epochs": 6, "switch": 2, "kind": "plain", "stop.alpha": 5}
parameters = st.fixed_dictionaries({name: st.sampled_from(axis["choice"]) for name, axis in AXES.items()}).map(
    lambda chosen: {name: value for name, value in chosen.items() if name != "extra" or chosen["kind"] == "rich"}
)


def common(one: list[str], other: list[str]) -> int:
    """Epochs two paths share; behind them they share nothing."""
    shared = 0
    while shared < min(len(one), len(other)) and one[shared] == other[shared]:
        shared += 1
    assert not set(one[shared:]) & set(other[shared:])
    return shared


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(parameters, parameters, st.integers(0, 1), st.integers(0, 1))
def test_paths_agree_exactly_as_long_as_epochs_do(
    one: dict[str, Any], other: dict[str, Any], seed: int, other_seed: int
) -> None:
    def trained(chosen: dict[str, Any], seed: int) -> list[Any]:
        fixed = (chosen["x"], chosen["kind"], chosen.get("extra"), seed)
        switch = chosen["switch"] or 99
        return [(fixed, 1.0 if epoch < switch else 2.0) for epoch in range(chosen["epochs"])]

    wanted = 0
    for mine, theirs in zip(trained(one, seed), trained(other, other_seed), strict=False):
        if mine != theirs:
            break
        wanted += 1
    assert common(path(one, seed), path(other, other_seed)) == wanted


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@given(parameters, st.integers(0, 9))
def test_a_leaf_is_complete(chosen: dict[str, Any], seed: int) -> None:
    leaf = planner().leaf(7, 3, seed, chosen)
    trial = leaf.trial
    assert (trial.number, trial.configuration, trial.seed, trial.parameters) == (7, 3, seed, chosen)
    assert trial.epochs == len(leaf.path) == len(leaf.schedule) == chosen["epochs"]
    assert leaf.fixed["seed"] == seed
    assert trial.settings["stop.rule"] == "generalisation_loss"
    assert trial.settings["stop.alpha"] == chosen["stop.alpha"]
    assert ("extra" in trial.settings) == (chosen["kind"] == "rich")
    assert not {"stop.rule", "stop.alpha", "epochs"} & {*leaf.fixed, *leaf.schedule[0]}
    assert all(len(bytes.fromhex(key)) == 20 for key in leaf.path)
    assert len(set(leaf.path)) == len(leaf.path)


def test_name_and_number_are_in_no_key() -> None:
    assert path(FULL) == path(FULL, space=space_of(name="two"))
    assert planner().leaf(0, 0, 0, FULL).path == planner().leaf(9, 4, 0, FULL).path


def test_a_longer_trial_goes_on_where_a_shorter_one_ends() -> None:
    assert path({**FULL, "epochs": 9})[:4] == path({**FULL, "epochs": 4})


def test_the_stop_rule_is_in_no_key() -> None:
    assert path({**FULL, "stop.alpha": None}) == path(FULL)
    patience = space_of({"x": AXES["x"]}, **{"stop.rule": "patience", "stop.patience": 3})
    assert path({"x": 0.1}, space=patience) == path({"x": 0.1}, space=space_of({"x": AXES["x"]}))


def test_a_default_is_left_out_and_spelling_does_not_matter() -> None:
    plain = space_of({"a": {"choice": [1, 2]}})
    written_out = space_of({"a": {"choice": [1, 2]}}, x=0, pull=1, kind="plain")
    assert path({"a": 1}, space=plain) == path({"a": 1}, space=written_out)
    assert path({**FULL, "x": 0.1 + 0.2}) == path({**FULL, "x": 0.3})


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"where": {"machine": "there"}},
        {"where": {**CLASS, "threads": "2"}},
        {"sharing": False},
    ],
    ids=["seed", "class", "wider class", "salt"],
)
def test_what_is_in_every_key(other: dict[str, Any]) -> None:
    assert common(path(FULL), path(FULL, **other)) == 0


def test_fixed_settings_are_in_every_key() -> None:
    axes = {"a": {"choice": [1, 2]}}
    assert common(path({"a": 1}, space=space_of(axes)), path({"a": 1}, space=space_of(axes, x=0.5))) == 0


def test_recipe_evaluation_data_and_inputs_are_in_every_key() -> None:
    class Other(Synthetic):
        card: DataCard | None = None
        hashes: Mapping[str, str] = {}

        def data(self, fixed: Mapping[str, Any]) -> DataCard | None:
            return self.card

        def inputs(self, fixed: Mapping[str, Any]) -> Mapping[str, str]:
            return self.hashes

    known = path(FULL)
    assert path(FULL, workload=Other()) == known
    for name, value in {
        "recipe": "2",
        "evaluation": "2",
        "card": DataCard("cafe"),
        "hashes": {"weights": "beef"},
    }.items():
        other = Other()
        setattr(other, name, value)
        assert common(path(FULL, workload=other), known) == 0, name


def test_without_sharing_every_trial_has_keys_of_its_own() -> None:
    space = space_of()
    alone = planner(space, sharing=False)
    leaves: list[Leaf] = [alone.leaf(0, configuration, seed, FULL) for configuration in (0, 1) for seed in (0, 1)]
    keys = [key for leaf in leaves for key in leaf.path]
    assert len(set(keys)) == len(keys)
    assert alone.leaf(5, 0, 0, FULL).path == leaves[0].path, "a restart must find its rows"
    other = planner(space_of(name="two"), sharing=False)
    assert common(list(other.leaf(0, 0, 0, FULL).path), list(leaves[0].path)) == 0


def test_data_are_announced_once() -> None:
    class Data(Synthetic):
        def data(self, fixed: Mapping[str, Any]) -> DataCard:
            return DataCard(f"{fixed['a']:04x}")

    heard: list[DataCard] = []
    room = planner(space_of({"a": {"choice": [1, 2]}}), Data(), on_data=heard.append)
    leaves = [room.leaf(n, n, seed, {"a": n}) for n in (1, 2) for seed in (0, 1)]
    assert [card.fingerprint for card in heard] == ["0001", "0002"]
    assert [leaf.data for leaf in leaves] == ["0001", "0001", "0002", "0002"]


def test_settings_that_clash_are_refused() -> None:
    room = planner()
    with pytest.raises(UserError) as caught:
        room.leaf(0, 0, 0, {**FULL, "kind": "odd"})
    assert str(caught.value) == "<python>: kind: found 'odd', must be one of plain, rich"


@pytest.mark.parametrize(
    ("axes", "fixed", "wanted"),
    [
        ({"x": {"choice": [0.1]}}, {"epochs": 7}, 7),
        ({"epochs": {"choice": [3, 12, 5]}}, {}, 12),
        ({"epochs": {"int": {"low": 2, "high": 40}}}, {}, 40),
        ({"plan": {"choice": {"short": {"epochs": 2, "x": 1}, "long": {"epochs": 20}}}}, {}, 20),
    ],
)
def test_the_longest_trial(axes: dict[str, Any], fixed: dict[str, Any], wanted: int) -> None:
    content = {"workload": "tests.engine.workloads:Synthetic", "fixed": fixed, "space": axes}
    space = space_from_mapping({**content, "search": {"sampler": "random", "trials": 1}})
    assert longest(space) == wanted


def test_data_are_asked_for_once_for_all_seeds_and_settings_of_an_epoch() -> None:
    asked = []

    class Counted(SineFit):
        settings = {**SineFit.settings, "lr": {**SineFit.settings["lr"], "epoch": True}}

        def data(self, fixed):
            asked.append(fixed["degree"])
            return DataCard(f"points for degree {fixed['degree']}")

    told = []
    space = space_from_mapping(
        {
            "workload": "tests.contracts.toy:SineFit",
            "fixed": {"epochs": 2},
            "space": {"degree": {"grid": [1, 2]}, "lr": {"grid": [0.1, 0.2]}},
        },
        "counted",
    )
    planner = Planner(space, Counted(), {}, on_data=lambda card: told.append(card.fingerprint))
    leaves = [
        planner.leaf(0, 0, seed, {"degree": degree, "lr": lr})
        for degree in (1, 2)
        for lr in (0.1, 0.2)
        for seed in (0, 1)
    ]
    assert asked == [1, 2]
    assert told == ["points for degree 1", "points for degree 2"]
    assert [leaf.data for leaf in leaves] == [told[0]] * 4 + [told[1]] * 4


def test_trials_that_run_the_same_code_are_one_kind() -> None:
    one = planner().leaf(0, 0, 0, FULL)
    assert one.kind == planner().leaf(5, 2, 3, {**FULL, "x": 0.3, "epochs": 9, "switch": None, "stop.alpha": None}).kind
    rich = {**FULL, "kind": "rich", "extra": 3}
    assert len({one.kind, *(planner().leaf(0, 0, 0, other).kind for other in (rich, {**rich, "extra": 0}))}) == 3
    assert planner(where={"machine": "there"}).leaf(0, 0, 0, FULL).kind != one.kind
    assert planner(sharing=False).leaf(0, 0, 0, FULL).kind == one.kind


def test_a_kind_that_is_trained_alone_shares_nothing_and_others_go_on() -> None:
    rich, plain = {**FULL, "kind": "rich", "extra": 3}, FULL
    shared = planner()
    alone = planner(alone=[shared.leaf(0, 0, 0, rich).kind])
    unshared = planner(sharing=False)
    assert alone.leaf(0, 1, 2, plain).path == shared.leaf(0, 1, 2, plain).path
    assert alone.leaf(0, 1, 2, rich).path == unshared.leaf(0, 1, 2, rich).path
    assert common(list(alone.leaf(0, 1, 2, rich).path), list(alone.leaf(1, 2, 2, rich).path)) == 0


class Counting(Synthetic):
    """Counts the settings that it is asked about."""

    asked = 0

    def canonical(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        self.asked += 1
        return super().canonical(settings)


def test_where_others_may_part_is_found_by_few_values_of_an_axis_however_long_it_is() -> None:
    for values in ([None, 2, 4], [None, *range(2, 500)]):
        workload = Counting()
        known = planner(space_of({"switch": {"choice": values}}, epochs=500), workload)
        leaf = known.leaf(0, 0, 0, {"switch": None})
        workload.asked = 0
        partings = known.partings(leaf)
        assert partings <= {value for value in values if value is not None}
        assert len(partings) >= 2
        assert workload.asked <= 9
