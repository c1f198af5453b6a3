"""How long a study takes: epochs and what a run takes beside them, laid out over the workers."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search.core.trust import START_EPOCHS
from search.ledger.ledger import Ledger
from search.plan.overhead import ASSUMED, MAX_RUNS_ASKED, MEASURED, TIMINGS, Overhead, overhead_on_record, probed
from search.plan.process import Probe
from search.plan.text import text
from search.space.model import Space
from search.study.leaf import Leaf
from search.study.sampling import make_sampler
from search.system import machine
from tests.engine.clock import Timed
from tests.engine.decide.test_driver import asha, space_of, study
from tests.engine.simulation import CLASS
from tests.plan.test_plan import HERE, opened, planned

WORKLOAD = "tests.engine.workloads:Synthetic"
NOTHING = Overhead(0.0, 0.0, 0.0, 0.0, 0.0, MEASURED)

__all__ = ["opened"]


def a_run(ledger: Ledger, timings: dict[str, float], host: str = "", workload: str = WORKLOAD, name: str = "s") -> None:
    """Record a run that took so long beside its epochs."""
    ledger.create_study(name, name, 1, "", "id", workload)
    hardware = {**machine.hardware(), **({"host": host} if host else {})}
    ledger.begin_run(ledger.study(name).id, {"hardware": hardware, TIMINGS: timings})


def test_nothing_on_record_is_assumed(opened: Ledger) -> None:
    assert overhead_on_record(opened, WORKLOAD) == ASSUMED
    a_run(opened, {"ray": 1.0, "worker": 2.0}, host="another")
    assert overhead_on_record(opened, WORKLOAD) == ASSUMED


def test_the_newest_runs_of_the_workload_tell(opened: Ledger) -> None:
    for number in range(MAX_RUNS_ASKED + 2):
        seconds = [100.0, 100.0, 5.0, 1.0, 2.0, 3.0, 9.0][number]
        a_run(opened, {"ray": 2 * seconds, "worker": seconds}, name=f"s{number}")
    told = overhead_on_record(opened, WORKLOAD)
    assert (told.ray, told.worker, told.source) == (6.0, 3.0, MEASURED)
    assert (told.lease, told.epoch, told.proof) == (ASSUMED.lease, ASSUMED.epoch, ASSUMED.proof)


def test_another_workloads_runs_tell_of_ray_alone(opened: Ledger) -> None:
    a_run(opened, {"ray": 3.0, "worker": 50.0}, workload="other")
    told = overhead_on_record(opened, WORKLOAD)
    assert (told.ray, told.worker, told.source) == (3.0, ASSUMED.worker, ASSUMED.source)


def test_a_probe_tells_where_no_run_does() -> None:
    told = probed(ASSUMED, 12.5)
    assert (told.ray, told.worker, told.proof) == (ASSUMED.ray, 12.5, 12.5)
    assert told.source == "by a probe of one epoch, and assumed of Ray"
    assert probed(NOTHING, 12.5) == NOTHING
    assert probed(ASSUMED, None) == ASSUMED


def one_second(monkeypatch: pytest.MonkeyPatch, overhead: Overhead = NOTHING) -> Any:
    """Return a probe by which an epoch takes a second; a run takes so long besides."""
    monkeypatch.setattr("search.plan.plan.overhead_on_record", lambda ledger, workload: overhead)
    return lambda leaf: Probe(1.0, 100)


def test_everything_a_run_does_is_in_its_time(opened: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    overhead = Overhead(ray=8.0, worker=5.0, lease=0.5, epoch=0.25, proof=3.0, source=MEASURED)
    space = space_of({"a": {"grid": [1, 2, 3, 4]}}, fixed={"epochs": 10})
    plan = planned(space, opened, probe=one_second(monkeypatch, overhead))
    assert (plan.epochs.train, plan.epochs.prove) == (40, START_EPOCHS)
    chains = 2 * (10 * 1.25 + 0.5)  # two on each of two workers
    assert plan.seconds.wall == pytest.approx(13.0 + chains + (START_EPOCHS * 1.0 + 3.0) / 2)
    assert plan.seconds.least == pytest.approx(13.0 + (40 + START_EPOCHS) / 2)
    shown = text(plan)
    assert "  of it until the first epoch begins           13.0 s  Ray 8.0 s, workers 5.0 s; as in runs on" in shown
    assert "about; longest chain 10.0 s" in shown


def test_uneven_chains_are_laid_out(opened: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    space = space_of({"a": {"grid": [1, 2, 3]}}, fixed={"epochs": 10})
    plan = planned(space, opened, probe=one_second(monkeypatch))
    assert plan.seconds.wall == pytest.approx(20 + START_EPOCHS / 2), "three chains on two workers end after two"


def test_a_pruned_study_has_an_expectation(opened: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    space = space_of({"a": {"grid": list(range(9))}}, fixed={"epochs": 9}, pruning=asha(1, 3))
    plan = planned(space, opened, probe=one_second(monkeypatch))
    assert plan.seconds.wall is not None
    assert plan.seconds.expected == pytest.approx(plan.seconds.wall * (plan.epochs.expected or 0) / plan.epochs.train)
    assert "at most; expected " in text(plan)


SHARING = space_of({"a": {"grid": [1, 2]}, "switch": {"grid": [None, 3, 6]}}, 3, {"epochs": 9})


@pytest.mark.slow
def test_it_is_due_when_the_driver_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planned end, and that of the first seed, against a study in time; proofs come in between."""
    ledger = Ledger(str(tmp_path / "search.db"))
    study(ledger, SHARING)
    plan = planned(SHARING, ledger, probe=one_second(monkeypatch))
    timed = Timed(SHARING, ledger, random.Random(1), 2)
    timed.run()
    trials = ledger.trials(timed.record.id)
    first = max(timed.ended_at[trial.number] for trial in trials if trial.seed == SHARING.seeds[0])
    assert plan.seconds.wall == pytest.approx(timed.now, rel=0.1)
    assert plan.seconds.first == pytest.approx(first, rel=0.2)
    assert "  first comparison after" in text(plan)
    ledger.close()


ONE_SEED = space_of({"a": {"grid": [1, 2]}})
CHOSEN = space_of({"x": {"float": {"low": 0.0, "high": 1.0}}}, 2, sampler="tpe", trials=3)


@pytest.mark.parametrize("space", [ONE_SEED, CHOSEN], ids=["one seed", "a search"])
def test_where_there_is_no_first_comparison_none_is_promised(
    space: Space, opened: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(space, opened, probe=one_second(monkeypatch))
    assert plan.seconds.first is None
    assert "first comparison" not in text(plan)


def test_a_search_that_has_no_trial_yet_is_timed_by_the_first_one_it_asks_for(opened: Ledger) -> None:
    asked: list[Leaf] = []

    def probe(leaf: Leaf) -> Probe:
        asked.append(leaf)
        return Probe(0.5, None)

    plan = planned(CHOSEN, opened, probe=probe)
    first = make_sampler(CHOSEN).ask()
    assert first is not None
    assert [leaf.trial.parameters for leaf in asked] == [first.parameters]
    assert (plan.seconds.device, plan.seconds.epoch) == (0.5 * plan.epochs.train, 0.5)
    assert plan.seconds.sources == ["a probe of one epoch, made now"]
    assert opened.studies() == [], "nothing is recorded"


def test_many_trials_are_added_up(opened: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(SHARING, opened, probe=one_second(monkeypatch))
    monkeypatch.setattr("search.plan.times.MAX_TRIALS_LAID_OUT", 3)
    added = planned(SHARING, opened, probe=one_second(monkeypatch))
    assert added.seconds.wall == pytest.approx(plan.seconds.wall, rel=0.1)
    assert added.seconds.first == pytest.approx(plan.seconds.first, rel=0.25)


def test_a_study_that_is_on_record_takes_no_time(opened: Ledger) -> None:
    space = space_of({"a": {"grid": [1]}}, fixed={"epochs": 2})
    timed = Timed(space, opened, random.Random(1), 1)
    timed.run()
    plan = planned(space, opened, replace(HERE, execution_class=CLASS))
    assert (plan.seconds.wall, plan.seconds.start, plan.seconds.first) == (0.0, 0.0, None)
