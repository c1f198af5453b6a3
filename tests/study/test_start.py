"""Starting points: the winner of an earlier study as a configuration of another space."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from search.core.errors import Faults
from search.core.trial import Row, State
from search.ledger.ledger import Ledger
from search.plan.known import take_stock
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.space.writing import dump
from search.study.leaf import Planner
from search.study.opened import OpenStudy
from search.study.revision import find_study
from search.study.start import began_at, starting_points
from tests.engine.workloads import Synthetic

FROM_EARLIER: list[dict[str, Any]] = [{"from": "earlier"}]
WAYS = {"plain": {}, "hard": {"pull": 2.0, "switch": 2}}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(str(tmp_path / "search.db"))
    yield opened
    opened.close()


def space_of(name: str, axes: Mapping[str, Any], start: list[dict[str, Any]] | None = None, **fixed: object) -> Space:
    listed = all("grid" in axis for axis in axes.values())
    search: dict[str, Any] = {"objective": {"metric": "val_loss", "direction": "minimize"}}
    search |= {} if listed else {"sampler": "tpe", "trials": 4}
    search |= {"start": start} if start else {}
    workload = "tests.engine.workloads:Synthetic"
    content = {"workload": workload, "name": name, "fixed": {"epochs": 2, **fixed}, "space": axes, "search": search}
    return space_from_mapping(content)


def planner_of(space: Space) -> Planner:
    return Planner(space, Synthetic(), {"machine": "this"})


def run(ledger: Ledger, space: Space, losses: list[float]) -> None:
    """Record a grid whose configurations ended with these losses."""
    record, planner = find_study(ledger, space), planner_of(space)
    run_id = ledger.begin_run(record.id, {})
    for number, (parameters, loss) in enumerate(zip(space.grid(), losses, strict=True)):
        leaf = planner.leaf(number, number, 0, parameters)
        with ledger.step(record.id) as step:
            step.add_trial(leaf.trial, leaf.path, "")
            for epoch, key in enumerate(leaf.path, start=1):
                step.put_row(key, epoch, Row({"val_loss": loss}), 1.0, run_id)
            step.set_trial(number, state=State.FINISHED, ended_by="last epoch", last_epoch=len(leaf.path))


def points(ledger: Ledger, space: Space) -> list[Mapping[str, Any]]:
    return [point.parameters for point in starting_points(ledger, planner_of(space))]


def test_a_winner_is_told_in_the_axes_of_the_new_space(ledger: Ledger) -> None:
    run(ledger, space_of("earlier", {"x": {"grid": [0.1, 0.2, 0.3]}, "way": {"grid": WAYS}}, a=7), [5, 5, 5, 1, 5, 5])
    axes: dict[str, Any] = {
        "x": {"float": {"low": 0, "high": 1}},
        "a": {"int": {"low": 1, "high": 9}},
        "pulled": {"choice": {"little": {"pull": 0.5}, "much": {"pull": 2.0, "switch": 2}}},
        "push": {"choice": [1, 2]},
    }
    space = space_of("later", axes, [{"push": 2}, *FROM_EARLIER])
    assert points(ledger, space) == [{"push": 2}, {"x": 0.2, "a": 7, "pulled": "much", "push": 1}]


def test_an_option_that_sets_nothing_stands_for_the_defaults(ledger: Ledger) -> None:
    run(ledger, space_of("earlier", {"x": {"grid": [0.1, 0.2]}}), [1, 2])
    space = space_of("later", {"x": {"float": {"low": 0, "high": 1}}, "way": {"choice": WAYS}}, FROM_EARLIER)
    assert points(ledger, space) == [{"x": 0.1, "way": "plain"}]


@pytest.mark.parametrize(
    ("axes", "sentence"),
    [
        (
            {"x": {"float": {"low": 0.5, "high": 1}}},
            "found 0.1, must be a number from 0.5 to 1.0, the range of 'x'",
        ),
        (
            {"x": {"choice": [1, 2]}},
            "found 0.1, which is no value of 'x'; known: 1, 2",
        ),
        (
            {"way": {"choice": {"hard": {"pull": 2.0}, "harder": {"pull": 3.0}}}},
            "pull=1.0 is no option of 'way'",
        ),
    ],
)
def test_a_winner_outside_of_the_space_is_a_fault(ledger: Ledger, axes: dict[str, Any], sentence: str) -> None:
    run(ledger, space_of("earlier", {"x": {"grid": [0.1, 0.2]}}), [1, 2])
    with pytest.raises(Faults) as caught:
        points(ledger, space_of("later", axes, FROM_EARLIER))
    winner = "<python>: search.start[0].from: the winner of 'earlier' does not lie in the space"
    assert str(caught.value) == f"{winner}: {sentence}; widen the axis, or write the point out"


def test_a_study_without_a_winner_is_a_fault(ledger: Ledger) -> None:
    space = space_of("later", {"x": {"float": {"low": 0, "high": 1}}}, FROM_EARLIER)
    with pytest.raises(Faults, match=r"search.start\[0\].from: no study 'earlier' in "):
        points(ledger, space)
    find_study(ledger, space_of("earlier", {"x": {"grid": [0.1]}}))
    with pytest.raises(Faults, match="'earlier' has no configuration that finished under all of its seeds; run it to"):
        points(ledger, space)


def test_what_was_tried_is_not_looked_at_again_and_is_named(ledger: Ledger) -> None:
    written: list[dict[str, Any]] = [*FROM_EARLIER, {"x": 0.25}]
    space = space_of("later", {"x": {"float": {"low": 0, "high": 1}}}, written)
    record = find_study(ledger, space)
    tried = {json.dumps(point, sort_keys=True): place for place, point in enumerate(written)}
    assert starting_points(ledger, planner_of(space), [{"started": tried}]) == []
    with ledger.step(record.id) as step:
        step.log("asked", started=tried)
    assert began_at(OpenStudy(ledger, record, space)) == {0: "the winner of earlier", 1: "x=0.25"}


def test_the_plan_knows_starting_points_and_what_of_them_is_on_record(ledger: Ledger) -> None:
    run(ledger, space_of("earlier", {"x": {"grid": [0.1, 0.2]}}), [1, 2])
    axes: dict[str, Any] = {"x": {"float": {"low": 0, "high": 1}}, "push": {"float": {"low": 1, "high": 2}}}
    space = space_of("later", axes, [*FROM_EARLIER, {"x": 0.5}])
    stock = take_stock(space, ledger, planner_of(space), None)
    assert [(known.leaf.trial.parameters, known.epoch, known.ended) for known in stock.trials] == [
        ({"x": 0.1, "push": 1.0}, 2, True)
    ], "what the sampler draws to complete a point is known when it is asked"
    assert stock.unasked == 3


def test_starting_points_survive_being_written_and_make_no_new_revision(ledger: Ledger) -> None:
    space = space_of("later", {"x": {"float": {"low": 0, "high": 1}}}, [*FROM_EARLIER, {"x": 0.25}])
    record = find_study(ledger, space)
    assert OpenStudy(ledger, record).space.search.start == space.search.start
    assert "from: earlier" in dump(space)
    assert find_study(ledger, space_of("later", {"x": {"float": {"low": 0, "high": 1}}})) == record
