"""A run without a similar trial on record times its first epochs, and plans its time by them, once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from search.engine.decide.pace import Pace
from search.engine.live import Silent
from search.engine.steps.first_epochs import FirstEpochs
from search.ledger.ledger import Ledger
from search.plan.overhead import ASSUMED
from search.plan.place import Place
from search.plan.plan import Plan, plan_of
from search.plan.process import FIRST_EPOCHS, SECOND_EPOCH_LIMIT_S, Probe
from search.plan.text import timed
from search.space.model import Space
from search.study.leaf import Leaf, Planner
from tests.engine.decide.test_driver import space_of
from tests.engine.simulation import CLASS, study
from tests.engine.workloads import Synthetic


class Heard(Silent):
    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def event(self, kind: str, what: Mapping[str, object]) -> None:  # View
        self.kinds.append(kind)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(str(tmp_path / "search.db"))
    yield ledger
    ledger.close()


def plan_for(space: Space, opened: Ledger, probe: Probe | None = None) -> Plan:
    def told(leaf: Leaf) -> Probe:  # as plan_of asks it
        assert probe is not None
        return probe

    place = Place(CLASS, 1, 0.0, 2, "made up")
    return plan_of(space, opened, Planner(space, Synthetic(), CLASS), place, None, None if probe is None else told)


def listening(plan: Plan, opened: Ledger, space: Space) -> tuple[FirstEpochs, Heard]:
    """Return what hears of the epochs of a run, whose first worker was ready after 3 of 5 seconds; and its view."""
    now, heard = [0.0], Heard()
    first = FirstEpochs(plan, opened, opened.begin_run(study(opened, space).id, {"plan": plan.to_json()}), heard, 6.0)
    first.pace = Pace(lambda: now[0])
    first.pace.start(0)
    now[0] = 5.0
    first.pace.row(0, 2.0)
    return first, heard


def epoch(number: int, seconds: float) -> tuple[str, dict[str, Any]]:
    return "epoch", {"trial": 0, "epoch": number, "row": None, "seconds": seconds}


@pytest.mark.parametrize(
    ("epochs", "before", "counts"),
    [
        (5, [("worker", {}), epoch(1, 2.0)], epoch(2, 0.5)),
        (5, [("worker", {})], epoch(1, SECOND_EPOCH_LIMIT_S + 1)),
        (1, [("worker", {})], epoch(1, 2.0)),
    ],
    ids=["the second", "a long first one", "the only one"],
)
def test_the_epoch_that_a_probe_would_time_counts(
    opened: Ledger, epochs: int, before: list[tuple[str, Any]], counts: tuple[str, Any]
) -> None:
    space = space_of({"a": {"grid": [1, 2, 3]}}, fixed={"epochs": epochs})
    first, heard = listening(plan_for(space, opened), opened, space)
    for event in before:
        first.event(*event)
    assert first.plan.seconds.wall is None
    assert not heard.said
    first.event(*counts)
    seconds = counts[1]["seconds"]
    probed = plan_for(space, opened, Probe(seconds, None)).seconds
    assert (first.plan.seconds.device, first.plan.seconds.chain) == (probed.device, probed.chain)
    assert first.plan.seconds.wall == pytest.approx(probed.wall - ASSUMED.start + 6.0 + 3.0)
    assert first.plan.seconds.sources == [FIRST_EPOCHS]
    first.event(*epoch(3, 99.0))
    (run,) = opened.runs()
    assert run["conditions"]["plan"]["seconds"]["wall"] == first.plan.seconds.wall
    assert heard.said == [timed(first.plan)]
    assert heard.kinds == [kind for kind, _ in [*before, counts, epoch(3, 99.0)]], "the view hears of everything"


def test_a_time_that_was_known_stays(opened: Ledger) -> None:
    space = space_of({"a": {"grid": [1, 2]}}, fixed={"epochs": 3})
    plan = plan_for(space, opened, Probe(0.5, None))
    first, heard = listening(plan, opened, space)
    first.event(*epoch(2, 7.0))
    assert first.plan.seconds == plan.seconds
    assert not heard.said
