"""Data cards that contradict themselves are refused before anything is trained on their data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from search.core.errors import UserError
from search.core.trial import DataCard
from search.study.cards import check_card, unnoticed
from search.study.leaf import Planner
from tests.engine.decide.test_driver import space_of
from tests.engine.simulation import CLASS
from tests.engine.workloads import Synthetic

RULE = "it must be the class of each image, a whole number from 0 on, in a list of one dimension"


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        (np.zeros((2, 2), int), f"has the shape (2, 2) and the type int64; {RULE}"),
        (["a", "b"], f"has the shape (2,) and the type <U1; {RULE}"),
        ([0, 1, -1], f"is -1 for image 2; {RULE}"),
        ([0.5, 1.0], f"is 0.5 for image 0; {RULE}"),
        ([0.0, float("nan")], f"is nan for image 1; {RULE}"),
        ([1, 4, 0], "is 4 for image 1, but it names 3 classes, counted from 0; name all of them"),
    ],
)
def test_truth_that_is_no_class_is_named(truth: Any, said: str) -> None:
    with pytest.raises(UserError) as caught:
        check_card(DataCard("f", "toys", ["a", "b", "c"], {"test": np.array([0]), "val": truth}), "mine")
    assert str(caught.value) == f"workload 'mine': in its data card the truth of 'val' {said}"


@pytest.mark.parametrize("truth", [[0, 2], [0.0, 2.0], [True, False], np.array([2], np.uint8), [], np.array([7])])
def test_classes_of_any_type_are_taken(truth: Any) -> None:
    names = ["a", "b", "c"] if not len(truth) or max(truth) < 3 else []
    check_card(DataCard("f", "toys", names, {"val": np.asarray(truth)}), "mine")
    check_card(DataCard("f"), "mine")


def test_it_is_looked_at_when_a_trial_is_planned() -> None:
    class Wrong(Synthetic):
        def data(self, fixed: Any) -> DataCard:
            return DataCard("f", "toys", ["a"], {"val": np.array([0, 1])})

    planner = Planner(space_of({"a": {"grid": [1]}}), Wrong(), CLASS)
    with pytest.raises(UserError, match=r"is 1 for image 1, but it names 1 class, counted from 0; name all of them$"):
        planner.leaf(0, 0, 0, {"a": 1})


def test_what_it_means_that_nothing_is_said_of_the_data() -> None:
    assert unnoticed("mine:fit") == (
        "the workload 'mine:fit' describes no data, so that changed data cannot be noticed: rows trained on the old "
        "ones would be used again; return a DataCard with a hash of their content from data()"
    )


def test_data_that_are_not_noticed_are_told_with_the_remedy_of_the_kind_of_workload() -> None:
    said = "describes no data, so that changed data cannot be noticed: rows trained on the old ones would be used again"
    assert unnoticed("mine:workload") == (
        f"the workload 'mine:workload' {said}; return a DataCard with a hash of their content from data()"
    )
    listed = "list them under `data`, or write `data: []` for none"
    assert unnoticed('command {"run": "x"}') == f"the workload 'command' {said}; {listed}"


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({"val": ["p1"]}, "'val' are 1 names, must be one for each of 2 examples"),
        ({"val": ["p1", 2]}, "'val' hold 2, must be names as text"),
        (
            {"val": ["p1", "p2"], "test": ["p3", "p2"]},
            "'test' hold 'p2', which 'val' holds, too; examples of one group must lie in one split",
        ),
    ],
)
def test_groups_that_are_none_are_named(groups: Any, said: str) -> None:
    with pytest.raises(UserError) as caught:
        check_card(DataCard("f", truth={"val": np.array([0, 1])}, groups=groups), "mine")
    assert str(caught.value) == f"workload 'mine': in its data card the groups of {said}"


def test_groups_of_examples_that_nothing_else_counts_are_taken() -> None:
    check_card(DataCard("f", groups={"val": ["p1", "p1"], "test": ["p2"]}), "mine")
