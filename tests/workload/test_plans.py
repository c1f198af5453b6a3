"""Values by the epoch they hold from: one spelling, faults in one sentence, and keys shared beginning by beginning."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.core.prefix import path, shared
from search.workload import SettingFaults, Workload
from search.workload.plans import EXAMPLE, at, entries, is_plan, spelt, takes_plans, values_of

LR: dict[str, Any] = {"type": "number", "exclusiveMinimum": 0, "epoch": True, "default": 0.1}


class Planned(Workload):
    settings = {
        "lr": LR,
        "kind": {"enum": ["plain", "mixed"], "default": "plain", "epoch": True},
        "alpha": {"type": "number", "default": 0.2, "epoch": True, "when": {"kind": ["mixed"]}},
        "depth": {"type": "integer", "default": 2},
        "shape": {"type": "object", "default": {}, "epoch": True},
    }


def canonical(**settings: Any) -> dict[str, Any]:
    return Planned().canonical(settings)


rates = st.sampled_from([0.1, 0.01, 0.001, 1, 0.1 + 1e-15])
late = st.dictionaries(st.integers(2, 12), rates, max_size=5)
plans = st.builds(lambda first, rest: {1: first, **rest}, rates, late)


@given(plans)
def test_a_plan_says_of_each_epoch_the_value_of_the_last_entry_up_to_it(plan):
    _, each = Planned().schedule(canonical(lr=plan), 12)
    value, wanted = 0.0, []
    for epoch in range(1, 13):
        value = plan.get(epoch, value)
        wanted.append(float(f"{value:.12g}"))
    assert [now["lr"] for now in each] == wanted
    assert each[3] is not each[4]


@given(plans, st.randoms())
def test_a_plan_has_one_spelling(plan, draws):
    once = canonical(lr=plan)["lr"]
    mixed = list(plan.items())
    draws.shuffle(mixed)
    written = {draws.choice([str, int])(epoch): value for epoch, value in mixed}
    assert canonical(lr=written)["lr"] == once == canonical(lr=once)["lr"]
    assert isinstance(once, float) or list(once) == sorted(once, key=int)
    assert all(before != after for before, after in pairwise(values_of(once, LR)))


@given(plans, plans)
def test_keys_are_shared_as_long_as_the_values_are_the_same(one, other):
    schedules = [Planned().schedule(canonical(lr=plan), 12)[1] for plan in (one, other)]
    first = next((epoch for epoch in range(12) if schedules[0][epoch] != schedules[1][epoch]), 12)
    assert shared(*(path("root", schedule) for schedule in schedules)) == first


def test_a_plan_that_changes_nothing_is_its_value():
    assert canonical(lr={1: 0.1, 5: 0.1})["lr"] == 0.1
    assert canonical(lr={1: 0.1, 5: 0.1, 9: 1})["lr"] == {"1": 0.1, "9": 1.0}


def test_a_longer_schedule_extends_a_shorter_one():
    settings = canonical(lr={1: 0.1, 3: 0.01, 7: 0.1})
    long = Planned().schedule(settings, 9)
    for epochs in range(9):
        assert Planned().schedule(settings, epochs) == (long[0], long[1][:epochs])


def test_a_setting_that_hangs_on_a_plan_is_there_where_any_of_its_values_asks_for_it():
    assert "alpha" in canonical(kind={1: "plain", 4: "mixed"})
    assert "alpha" not in canonical(kind="plain")


def test_plans_are_for_settings_of_epochs_that_are_no_mappings_themselves():
    assert [name for name, rule in Planned.settings.items() if takes_plans(rule)] == ["lr", "kind", "alpha"]
    assert canonical(shape={"1": 2})["shape"] == {"1": 2}
    assert is_plan({}, LR)
    assert not is_plan(0.1, LR)
    assert at(0.1, LR, 7) == 0.1
    assert entries({"10": 2, 9: 1}) == [(9, 1), (10, 2)]
    assert spelt({1: 1}, LR) == 1.0


@pytest.mark.parametrize(
    ("settings", "sentences"),
    [
        ({"lr": {}}, [f"is an empty plan, must have a value from epoch 1 on, as in {EXAMPLE}"]),
        ({"lr": {2: 1}}, [f"says nothing of the epochs before 2; let the plan begin with epoch 1, as in {EXAMPLE}"]),
        (
            {"lr": {1: 1, 1.5: 1, "x": 1, -3: 1, "01": 1}},
            [
                f"found {key} for an epoch, must be a whole number of at least 1, as in {EXAMPLE}"
                for key in ("1.5", "x", "-3", "01")
            ],
        ),
        ({"lr": {1: 1, "1": 2}}, ["gives a value for epoch 1 twice; keep one"]),
        (
            {"lr": {1: {1: 2}}},
            [f"holds a plan inside of a plan; write epochs and values in one, as in {EXAMPLE}"],
        ),
        (
            {"lr": {1: 0, 2: "a", 3: 1e-400}},
            [
                "from epoch 1 on: found 0, must be greater than 0",
                "from epoch 2 on: found 'a', must be a number",
                "from epoch 3 on: found 0.0, must be greater than 0",
            ],
        ),
        ({"depth": {1: 2, 3: 4}}, ["found {1: 2, 3: 4}, must be a whole number"]),
    ],
)
def test_what_is_wrong_with_a_plan_is_told(settings, sentences):
    with pytest.raises(SettingFaults) as refused:
        canonical(**settings)
    assert [sentence for _, sentence in refused.value.faults] == sentences


def test_a_workload_with_a_schedule_of_its_own_takes_no_plans():
    class Own(Planned):
        def schedule(self, settings, epochs):
            return super().schedule(settings, epochs)

    with pytest.raises(SettingFaults, match="must be a number"):
        Own().canonical({"lr": {1: 0.1, 3: 0.2}})
