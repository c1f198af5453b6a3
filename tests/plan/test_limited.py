"""What a plan says of the limits of a file."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from search.ledger.ledger import Ledger
from search.plan.plan import Plan, plan_of
from search.plan.process import Probe
from search.plan.text import text
from search.study.leaf import Planner
from tests.engine.decide.test_limits import limited
from tests.engine.simulation import CLASS, Simulation
from tests.engine.workloads import Synthetic
from tests.plan.test_plan import HERE

PRIOR: dict[str, Any] = {"x": {"float": {"low": 0, "high": 1}}}


@pytest.fixture
def opened(tmp_path: Path) -> Any:
    found = Ledger(str(tmp_path / "search.db"))
    yield found
    found.close()


def planned(opened: Ledger, limits: dict[str, float], seconds: float | None = 2.0, **more: Any) -> Plan:
    space = limited(limits, 1, **more)
    record = next((one for one in opened.studies() if one.name == space.name), None)
    planner = Planner(space, Synthetic(), CLASS)
    return plan_of(space, opened, planner, HERE, record, None if seconds is None else lambda leaf: Probe(seconds, 1))


def says(plan: Plan) -> dict[str, str]:
    return {cut.limit: cut.says for cut in plan.limits}


def test_a_plan_says_which_limit_cuts_off_what(opened: Ledger) -> None:
    plan = planned(opened, {"core_hours": 50 / 3600, "epochs": 20, "trial_hours": 7 / 3600, "target": 0.2})
    assert (plan.epochs.train, plan.epochs.prove) == (24, 2)
    assert says(plan) == {
        "core_hours": "cuts off 0.000556 of 0.0144 core hours",
        "epochs": "cuts off 4 of 24 epochs",
        "trial_hours": "cuts off about 6 of 6 trials, the first after 4 epochs",
        "target": "the study ends at the first setting whose mean val_loss is as good; the figures above leave it out",
    }
    lines = text(plan).splitlines()
    at = lines.index("limits")
    assert lines[at + 2] == "  epochs                                           20  cuts off 4 of 24 epochs"
    assert plan.to_json()["limits"][1] == {  # type: ignore[index]
        "limit": "epochs",
        "value": 20,
        "needed": 24,
        "exact": True,
        "says": "cuts off 4 of 24 epochs",
    }


def test_a_plan_says_that_a_limit_is_not_reached(opened: Ledger) -> None:
    assert says(planned(opened, {"core_hours": 3, "epochs": 24, "trial_hours": 1})) == {
        "core_hours": "not reached: 0.0144 core hours are needed",
        "epochs": "not reached: 24 epochs are needed",
        "trial_hours": "not reached: the longest trial takes about 10.0 s",
    }
    assert planned(opened, {}).limits == []


def test_of_a_search_only_the_most_is_known(opened: Ledger) -> None:
    search = {"sampler": "tpe", "trials": 8, "pruning": {"asha": {"grace_period": 2}}}
    assert says(planned(opened, {"epochs": 20, "trial_hours": 7 / 3600}, axes=PRIOR, **search)) == {
        "epochs": "may cut off at most 20 of 40 epochs",
        "trial_hours": "cuts off about 1 of 1 trial, the first after 4 epochs",
    }


def test_where_nothing_tells_the_time_it_says_so(opened: Ledger) -> None:
    assert says(planned(opened, {"core_hours": 3, "trial_hours": 1}, seconds=None)) == {
        "core_hours": "nothing on record tells how many core hours are needed",
        "trial_hours": "nothing is left to train, or nothing on record tells how long an epoch takes",
    }


def test_what_earlier_runs_spent_counts(opened: Ledger) -> None:
    simulation = Simulation(limited({"epochs": 10}, 1), opened, random.Random(1))
    simulation.run()
    simulation.driver.close()
    assert says(planned(opened, {"epochs": 10}))["epochs"] == "cuts off 14 of 24 epochs"
    assert says(planned(opened, {"epochs": 30}))["epochs"] == "not reached: 24 epochs are needed"
