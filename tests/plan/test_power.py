"""What a plan says that a study will be able to show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from search.core.trial import DataCard
from search.ledger.ledger import Ledger
from search.plan.plan import Plan
from search.plan.text import text
from tests.engine.decide.test_driver import space_of
from tests.engine.workloads import Synthetic
from tests.plan.test_plan import opened, planned

__all__ = ["opened"]


class Judging(Synthetic):
    """A workload whose data card says which images judge it; three of them are one image."""

    def data(self, fixed: Mapping[str, Any]) -> DataCard:
        truth = {"val": np.arange(502) % 4, "train": np.arange(9) % 4}
        return DataCard("made up", truth=truth, contents={"val": [str(max(i, 2)) for i in range(502)]})


def of(ledger: Ledger, metric: str = "val_accuracy", **report: Any) -> Plan:
    space = space_of({"a": {"grid": [1, 2, 3]}}, seeds=3, objective={"metric": metric, "direction": "maximize"})
    space = replace(space, report=replace(space.report, rows="a", **report))
    return planned(space, ledger, workload=Judging())


def test_a_plan_says_what_the_study_will_be_able_to_show(opened: Ledger) -> None:
    plan = of(opened, baseline=1, has_baseline=True, margin=0.03)
    assert plan.shows is not None
    assert (plan.shows.seeds, plan.shows.images, plan.shows.delta, plan.shows.margin) == (3, 500, 0.03, 0.03)
    line = next(line for line in text(plan).splitlines() if line.startswith("what it can show: "))
    assert line.startswith("what it can show: 3 seeds and 500 images find a true difference of 3 pt with a probability")
    assert ", and show equality within 3 pt with " in line
    assert "; one more seed: " in line
    shows = plan.to_json()["shows"]
    assert isinstance(shows, dict)
    assert shows["found"]["least"] < shows["found"]["expected"] < shows["found"]["most"]
    json.dumps(plan.to_json(), allow_nan=False)


def test_claims_say_which_difference(opened: Ledger) -> None:
    plan = of(
        opened,
        baseline=1,
        has_baseline=True,
        claims=[{"better": [2, 1], "by": 0.05}, {"equal": [3, 1], "within": 0.04}],
    )
    assert plan.shows is not None
    assert (plan.shows.delta, plan.shows.margin) == (0.05, 0.04)
    strict = of(opened, baseline=1, has_baseline=True, margin=0.05, noise="strict").shows
    assert strict is not None
    assert strict.found.expected < plan.shows.found.expected


@pytest.mark.parametrize(
    ("metric", "report"),
    [("val_accuracy", {}), ("val_loss", {"baseline": 1, "has_baseline": True})],
    ids=["nothing compared", "a loss"],
)
def test_where_nothing_is_said(opened: Ledger, metric: str, report: Mapping[str, Any]) -> None:
    plan = of(opened, metric=metric, **report)
    assert plan.shows is None
    assert plan.to_json()["shows"] is None
    assert "what it can show" not in text(plan)
