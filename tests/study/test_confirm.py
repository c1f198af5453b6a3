"""The confirm stage: who is chosen, under which seeds, and that it is a plain study of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from search.core.errors import Faults
from search.core.trial import Row, State, Trial
from search.ledger.ledger import Ledger
from search.space.model import Space, confirm_name
from search.space.reader import space_from_mapping
from search.space.recorded import rebuild
from search.space.writing import dump
from search.study.confirm import confirm_space
from search.study.opened import OpenStudy

CONTENT: Mapping[str, Any] = {
    "workload": "tests.engine.workloads:Synthetic",
    "fixed": {"epochs": 4, "extra": 1, "kind": "rich", "a": 3},
    "space": {
        "x": {"float": {"low": 0.0, "high": 1.0}},
        "way": {"choice": {"soft": {"pull": 0.5}, "hard": {"pull": 2.0, "switch": 2}}},
    },
    "seeds": [0, 7],
    "search": {"sampler": "tpe", "trials": 9, "confirm": {"top": 2, "seeds": 3, "baseline": {"x": 0.25}}},
    "resources": {"cpus": 2, "gpus": 0},
}


def space_with(confirm: Mapping[str, Any], **search: Any) -> Space:
    return space_from_mapping({**CONTENT, "search": {**CONTENT["search"], **search, "confirm": confirm}}, "tuned")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(str(tmp_path / "search.db"))
    opened.create_study("tuned", "tuned", 1, "", "id", CONTENT["workload"])
    yield opened
    opened.close()


def searched(ledger: Ledger, values: Mapping[int, tuple[Any, ...]]) -> None:
    """Record configurations: number -> for each seed the objective at the end, or how else it ended."""
    study = ledger.study("tuned").id
    run = ledger.begin_run(study, {})
    for number, ends in values.items():
        for index, end in enumerate(ends):
            place = 2 * number + index
            state = State.FINISHED if isinstance(end, float) else end
            parameters = {"x": number / 10, "way": "hard" if number % 2 else "soft"}
            trial = Trial(place, number, (0, 7)[index], parameters, {}, 4, state, last_epoch=4)
            keys = [f"{place:020x}{epoch:020x}" for epoch in range(4)]
            with ledger.step(study) as step:
                step.add_trial(trial, keys, "")
                for epoch, key in enumerate(keys, start=1):
                    value = end if isinstance(end, float) else 0.99
                    step.put_row(key, epoch, Row({"val_accuracy": value}), 1.0, run)


def test_the_best_means_and_the_baseline_under_fresh_seeds(ledger: Ledger) -> None:
    space = space_with(CONTENT["search"]["confirm"])
    searched(
        ledger,
        {
            1: (0.9, 0.5),
            2: (0.6, 0.8),
            3: (0.75, 0.7),
            4: (0.99, State.PRUNED),  # a mean over the seeds that survived is none
            5: (State.DIVERGED, State.FAILED),
        },
    )
    found = confirm_space(OpenStudy(ledger, ledger.study("tuned"), space))
    assert found is not None
    assert found.name == "tuned (confirm)"
    assert list(found.seeds) == [8, 9, 10]
    assert found.search.sampler == "grid"
    assert found.search.asha is None
    assert (found.resources.cpus, found.resources.gpus) == (2, 0)
    (axis,) = found.axes
    assert {name: dict(axis.settings(name)) for name in axis.domain.values} == {  # type: ignore[union-attr]
        "baseline": {"x": 0.25, "pull": 0.5},
        "best 1": {"x": 0.3, "pull": 2.0, "switch": 2},
        "best 2": {"x": 0.1, "pull": 2.0, "switch": 2},  # 0.7, as configuration 2, which comes later
    }
    assert found.settings({"candidate": "best 1"})["a"] == 3
    assert (found.report.rows, found.report.baseline) == ("candidate", "baseline")
    assert rebuild(dump(found), found.name).axes == found.axes


def test_less_is_better_where_the_objective_says_so(ledger: Ledger) -> None:
    space = space_with({"top": 1, "seeds": 2}, objective={"metric": "val_accuracy", "direction": "minimize"})
    searched(ledger, {1: (0.9, 0.5), 2: (0.2, 0.4)})
    found = confirm_space(OpenStudy(ledger, ledger.study("tuned"), space))
    assert found is not None
    assert found.settings({"candidate": "best 1"})["x"] == 0.2
    assert not found.report.has_baseline
    assert list(found.axes[0].domain.values) == ["best 1"]  # type: ignore[union-attr]


@pytest.mark.parametrize(("value", "best"), [("last", 0.2), ("best", 0.1)])
@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_the_best_are_those_of_the_table(value: str, best: float, direction: str, ledger: Ledger) -> None:
    """Configuration 1 is best in its second epoch, and behind configuration 2 in the end."""
    objective = {"metric": "val_accuracy", "direction": direction}
    search = {**CONTENT["search"], "objective": objective, "confirm": {"top": 1, "seeds": 2}}
    space = space_from_mapping({**CONTENT, "search": search, "report": {"value": value}}, "tuned")
    sign = 1 if direction == "maximize" else -1
    for number, curve in {1: (0.1, 0.9, math.nan, 0.5), 2: (0.1, 0.2, 0.3, 0.6)}.items():
        study, run = ledger.study("tuned").id, ledger.begin_run(ledger.study("tuned").id, {})
        for index in range(2):
            place = 10 * number + index
            parameters = {"x": number / 10, "way": "soft"}
            trial = Trial(place, 10 + number, (0, 7)[index], parameters, {}, 4, State.FINISHED, last_epoch=4)
            keys = [f"{place:020x}{epoch:020x}" for epoch in range(4)]
            with ledger.step(study) as step:
                step.add_trial(trial, keys, "")
                for epoch, (key, accuracy) in enumerate(zip(keys, curve, strict=True), start=1):
                    step.put_row(key, epoch, Row({"val_accuracy": sign * accuracy}), 1.0, run)
    found = confirm_space(OpenStudy(ledger, ledger.study("tuned"), space))
    assert found is not None
    assert found.settings({"candidate": "best 1"})["x"] == best


@pytest.mark.parametrize(("value", "best"), [("last", 0.2), ("best", 0.1)])
def test_an_earlier_epoch_never_counts_as_the_last_one(value: str, best: float, ledger: Ledger) -> None:
    """The last row of configuration 1 was withdrawn: it has none to be shown at, but for its best one."""
    searched(ledger, {1: (0.9, 0.9), 2: (0.2, 0.4)})
    run = ledger.begin_run(ledger.study("tuned").id, {})
    ledger.withdraw("k" * 40, [f"{2:020x}{3:020x}"], "trained anew", run)
    content = {**CONTENT, "search": {**CONTENT["search"], "confirm": {"top": 1, "seeds": 2}}}
    space = space_from_mapping({**content, "report": {"value": value}}, "tuned")
    found = confirm_space(OpenStudy(ledger, ledger.study("tuned"), space))
    assert found is not None
    assert found.settings({"candidate": "best 1"})["x"] == best


def test_a_baseline_among_the_best_stands_there_once(ledger: Ledger) -> None:
    space = space_with({"top": 2, "seeds": 2, "baseline": {"x": 0.2, "way": "soft"}})
    searched(ledger, {1: (0.9, 0.5), 2: (0.9, 0.9), 3: (0.6, 0.6)})
    found = confirm_space(OpenStudy(ledger, ledger.study("tuned"), space))
    assert found is not None
    x = {name: dict(found.axes[0].settings(name))["x"] for name in found.axes[0].domain.values}  # type: ignore[union-attr]
    assert x == {"baseline": 0.2, "best 1": 0.1, "best 2": 0.3}
    assert found.report.labels == {
        "baseline": "x=0.2, way=soft",
        "best 1": "best 1: x=0.1, way=hard",
        "best 2": "best 2: x=0.3, way=hard",
    }


def test_the_baseline_alone_needs_no_confirmation(ledger: Ledger) -> None:
    space = space_with({"top": 2, "seeds": 2, "baseline": {"x": 0.2, "way": "soft"}})
    searched(ledger, {2: (0.9, 0.9)})
    assert confirm_space(OpenStudy(ledger, ledger.study("tuned"), space)) is None


@pytest.mark.parametrize(("used", "fresh"), [(7, [8, 9]), (2**32 - 2, [2**32 - 1, 1]), (2**32 - 1, [1, 2])])
def test_fresh_seeds_are_seeds(ledger: Ledger, used: int, fresh: list[int]) -> None:
    space = space_from_mapping({**CONTENT, "seeds": [0, used]}, "tuned")
    searched(ledger, {2: (0.9,)})
    found = confirm_space(OpenStudy(ledger, ledger.study("tuned"), space))
    assert found is not None
    assert list(found.seeds[:2]) == fresh


def test_a_long_name_is_cut_and_told_apart() -> None:
    assert confirm_name("tuned") == "tuned (confirm)"
    names = {confirm_name("n" * 95 + end) for end in ("", "a", "b")}
    assert len(names) == 3
    for name in names:
        assert space_from_mapping(dict(CONTENT), name).name == name


def test_objectives_whose_sum_is_no_number_have_a_mean(ledger: Ledger) -> None:
    searched(ledger, {1: (1e308, 1.5e308), 2: (0.2, 0.4)})
    found = confirm_space(OpenStudy(ledger, ledger.study("tuned"), space_with({"top": 1, "seeds": 2})))
    assert found is not None
    assert found.settings({"candidate": "best 1"})["x"] == 0.1


def test_nothing_that_finished_is_nothing_to_confirm(ledger: Ledger) -> None:
    searched(ledger, {1: (State.PRUNED, State.PRUNED)})
    assert confirm_space(OpenStudy(ledger, ledger.study("tuned"), space_with({"top": 1, "seeds": 2}))) is None


@pytest.mark.parametrize(
    ("confirm", "sentence"),
    [
        ({"top": 1, "seeds": 1}, "search.confirm.seeds: found 1, must be at least 2"),
        ({"top": 0, "seeds": 2}, "search.confirm.top: found 0, must be at least 1"),
        (
            {"top": 1, "seeds": 2, "baseline": {"way": "sft"}},
            "search.confirm.baseline.way: found 'sft', which is no value of 'way'; did you mean 'soft'?",
        ),
        (
            {"top": 1, "seeds": 2, "baseline": {"x": 2}},
            "search.confirm.baseline.x: found 2, must be a number from 0.0 to 1.0, the range of 'x'",
        ),
        (
            {"top": 1, "seeds": 2, "baseline": {"wey": "soft"}},
            "search.confirm.baseline.wey: speaks of 'wey', which is no axis of this file; did you mean 'way'?",
        ),
    ],
)
def test_what_is_wrong_with_it(confirm: Mapping[str, Any], sentence: str) -> None:
    with pytest.raises(Faults) as refused:
        space_with(confirm)
    assert str(refused.value) == f"<python>: {sentence}"


def test_a_grid_has_nothing_to_confirm() -> None:
    content = {**CONTENT, "space": {"a": {"grid": [1, 2]}}, "search": {"confirm": {"top": 1, "seeds": 2}}}
    content["fixed"] = {"epochs": 4}
    with pytest.raises(Faults) as refused:
        space_from_mapping(content, "tuned")
    assert str(refused.value) == (
        "<python>: search.confirm: a grid is compared as a whole, nothing of it is chosen by luck; remove it, or add "
        "seeds"
    )
