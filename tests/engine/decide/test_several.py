"""Several objectives: what the sampler is told, after a crash too, and what mirror and table make of it."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest

from search.core.trial import Row, State
from search.ledger.ledger import Ledger
from search.ledger.urls import sqlite_url
from search.report.page.compared import compared_table
from search.report.page.headline import facts, headline
from search.report.page.question import question
from search.report.record.curves import read_curves
from search.report.table.build import comparison_of, table_of
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.statistics.front import undominated
from search.study.asked import Told
from search.study.confirm import best_configurations, confirm_space
from search.study.costs import COSTS, costs_on_record
from search.study.mirror import Mirror
from search.study.opened import OpenStudy
from tests.engine.decide.test_driver import ledger
from tests.engine.simulation import Nature, Simulation
from tests.engine.workloads import Costed

OBJECTIVES = [
    {"metric": "val_loss", "direction": "minimize"},
    {"metric": "score", "direction": "maximize"},
    {"metric": "size", "direction": "minimize"},
]
WORKLOAD = "tests.engine.workloads:Costed"


def several(sampler: str, trials: int = 27, seeds: int = 1, **search: Any) -> Space:
    content = {
        "workload": WORKLOAD,
        "fixed": {"epochs": 2},
        "space": {"x": {"float": {"low": 0, "high": 1}}, "a": {"choice": [1, 2, 3]}},
        "seeds": seeds,
        "search": {"sampler": sampler, "trials": trials, "objective": OBJECTIVES, **search},
    }
    return space_from_mapping(content, "made up")


def simulated(space: Space, opened: Ledger, seed: int, nature: Nature, workers: int = 1) -> Simulation:
    return Simulation(space, opened, random.Random(seed), workers, nature, workload=Costed())


def tried(simulation: Simulation) -> list[Mapping[str, object]]:
    return [trial.parameters for trial in simulation.ledger.trials(simulation.record.id)]


def finish(simulation: Simulation) -> Simulation:
    simulation.run()
    simulation.driver.close()
    return simulation


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_a_search_that_is_killed_tries_what_it_would_have_tried(sampler: str) -> None:
    space, nature = several(sampler), Nature(diverging=0.03)
    with ledger() as opened:
        whole = tried(finish(simulated(space, opened, 1, nature)))
    with ledger() as opened:
        for seed, steps in enumerate([9, 40, 25]):
            killed = simulated(space, opened, seed, nature)
            killed.run(steps)
            killed.abandon()
        again = finish(simulated(space, opened, 7, nature))
        assert tried(again) == whole
        entries = opened.decisions(again.record.id, [COSTS])
        assert sorted(entry.detail["configuration"] for entry in entries) == list(range(len(whole)))
        for number, costs in costs_on_record(opened, again.record.id, space).items():
            assert costs == {"size": 10 * whole[number]["a"] + whole[number]["x"]}  # type: ignore[operator]


def test_the_sampler_is_told_means_of_all_objectives_and_a_restart_tells_the_same() -> None:
    space, nature = several("tpe", trials=4, seeds=2), Nature()
    with ledger() as opened:
        first, told = simulated(space, opened, 1, nature), dict[int, Told]()
        record_told(first, told)
        finish(first)
        trials = opened.trials(first.record.id)
        for configuration, outcome in told.items():
            paths = opened.paths(first.record.id)
            own = [trial for trial in trials if trial.configuration == configuration]
            last = [opened.rows([paths[one.number][0][-1]])[paths[one.number][0][-1]].row.metrics for one in own]
            size = Costed().costs(own[0].parameters)["size"]
            assert len(own) == 2
            assert outcome.value == sum(row["val_loss"] for row in last) / 2
            assert outcome.further == (sum(row["score"] for row in last) / 2, size)
        assert len(told) == 4
        second, again = simulated(several("tpe", trials=5, seeds=2), opened, 2, nature), dict[int, Told]()
        record_told(second, again)
        finish(second)
        assert {number: again[number] for number in told} == told


def record_told(simulation: Simulation, told: dict[int, Told]) -> None:
    sampler = simulation.driver.context.sampler
    tell = sampler.tell

    def noting(configuration: int, outcome: Told) -> None:
        told[configuration] = outcome
        tell(configuration, outcome)

    sampler.tell = noting  # type: ignore[method-assign]


class Timing(Nature):
    """Rows hold a time, which is another number whenever an epoch is trained."""

    def measured(self, *given: Any) -> Row:
        row = super().measured(*given)
        return Row({**row.metrics, "seconds_per_image": 0.001 * self.trained})


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_a_time_is_told_as_it_is_on_record_and_proofs_leave_it_aside(sampler: str) -> None:
    timed = [OBJECTIVES[0], {"metric": "seconds_per_image", "direction": "minimize"}]
    space, nature = several(sampler, trials=12, objective=timed), Timing()
    with ledger() as opened:
        killed = simulated(space, opened, 1, nature, workers=2)
        killed.run(20)
        killed.abandon()
        told: dict[int, Told] = {}
        again = simulated(space, opened, 2, nature, workers=2)
        record_told(again, told)
        finish(again)
        paths = opened.paths(again.record.id)
        assert len(told) >= 10  # those that end last are told nobody
        for number, outcome in told.items():  # of one seed: a configuration is a trial
            last = paths[number][0][-1]
            metrics = opened.rows([last])[last].row.metrics
            assert (outcome.value, *outcome.further) == (metrics["val_loss"], metrics["seconds_per_image"])
        trained = {entry.key for entry in opened.decisions(again.record.id, ["row"]) if entry.detail["trained"]}
        assert nature.trained > len(trained)  # epochs were proven, or trained again
        assert opened.decisions(again.record.id, ["alarm"]) == []
        assert not again.driver.fallen
        table = table_of(read_curves(OpenStudy(opened, again.record, space)))
        assert table.exact == []
        assert {line.front for line in table.lines} == {"not decided"}


def test_optuna_finds_the_same_front_in_the_mirror_and_draws_it(tmp_path: Path) -> None:
    with ledger() as opened:
        simulation = finish(simulated(several("random", trials=12), opened, 1, Nature(diverging=0.1)))
        study = OpenStudy(opened, simulation.record, simulation.space)
        url = sqlite_url(tmp_path / "optuna.db")
        mirror = Mirror(study, url)
        mirror.sync()
        copied = optuna.load_study(study_name=simulation.record.name, storage=url)
        front = [trial.params for trial in copied.best_trials]
        best = best_configurations(study)
        assert sorted(map(str, front)) == sorted(map(str, best))
        assert copied.metric_names == ["val_loss", "score", "size"]
        drawn = optuna.visualization.plot_pareto_front(copied)
        assert sum(len(trace.x) for trace in drawn.data) == len(
            [t for t in copied.trials if t.state.name == "COMPLETE"]
        )
        (pareto,) = [trace for trace in drawn.data if "Best Trial" in trace.hovertemplate]
        lines = [line for line in table_of(read_curves(study)).lines if line.front_by_values]
        ours = [tuple(line.cells[name].mean for name in copied.metric_names) for line in lines]
        assert sorted(zip(pareto.x, pareto.y, pareto.z, strict=True)) == sorted(ours)
        assert Mirror(study, url).stop() == ""
        ids = [trial._trial_id for trial in optuna.load_study(study_name=simulation.record.name, storage=url).trials]
        assert ids == [trial._trial_id for trial in copied.trials]  # taken up as it is, not written anew


def test_the_table_of_a_search_says_what_values_say_and_decides_costs_alone() -> None:
    with ledger() as opened:
        simulation = finish(simulated(several("random", trials=9), opened, 3, Nature()))
        study = OpenStudy(opened, simulation.record, simulation.space)
        table = table_of(read_curves(study))
        assert table.metrics[:3] == ["val_loss", "score", "size"]
        assert table.exact == ["size"]
        values = [[line.cells[name].mean or 0.0 for name in table.metrics[:3]] for line in table.lines]
        by_value = undominated(values, [False, True, False])
        assert [place for place, line in enumerate(table.lines) if line.front_by_values] == by_value
        cheapest = min(table.lines, key=lambda line: line.cells["size"].mean or 0.0)
        assert [line.front for line in table.lines] == [
            "on" if line is cheapest else "not decided" for line in table.lines
        ]


def test_the_confirm_stage_runs_the_front_and_asks_for_the_same_objectives() -> None:
    with ledger() as opened:
        space = several("random", trials=9, confirm={"top": 2, "seeds": 2})
        simulation = finish(simulated(space, opened, 3, Nature()))
        study = OpenStudy(opened, simulation.record, space)
        stage = confirm_space(study)
        assert stage is not None
        assert [one.metric for one in stage.search.objectives] == ["val_loss", "score", "size"]
        options = stage.axes[0].domain.options  # type: ignore[union-attr]
        assert list(options.values()) == [dict(one) for one in best_configurations(study)[:2]]
        confirmed = finish(simulated(stage, opened, 4, Nature()))
        assert question(read_curves(OpenStudy(opened, confirmed.record, stage))) == (
            "Which of 2 settings that a search found best are on the front of low validation loss, high score and low "
            "size, under 2 seeds each?"
        )


class Lacking(Costed):
    def costs(self, fixed: Mapping[str, Any]) -> dict[str, float]:
        return {"size": float("nan")}


def test_a_cost_that_is_no_number_ends_the_run_with_a_sentence() -> None:
    with ledger() as opened:
        simulation = Simulation(several("random", trials=2), opened, random.Random(1), workload=Lacking())
        with pytest.raises(Exception, match="its costs hold size = nan, must be a finite number; mend `costs`"):
            simulation.run()


def test_a_further_objective_that_no_row_has_fails_the_trial() -> None:
    content = {
        "workload": "tests.engine.workloads:Synthetic",
        "fixed": {"epochs": 1},
        "space": {"x": {"float": {"low": 0, "high": 1}}},
        "search": {"sampler": "random", "trials": 1, "objective": [OBJECTIVES[0], {"metric": "depth"}]},
    }
    with ledger() as opened:
        simulation = finish(Simulation(space_from_mapping(content, "made up"), opened, random.Random(1)))
        (trial,) = opened.trials(simulation.record.id)
        assert (trial.state, trial.ended_by) == (
            State.FAILED,
            "the row has no metric 'depth'; it has score, train_loss, val_loss; remove it from search.objective, or "
            "name one of them",
        )


def test_a_page_folds_no_setting_of_the_front_away_and_has_its_place_beside_the_objectives() -> None:
    with ledger() as opened:
        space = several("random", trials=27)
        simulation = finish(simulated(space, opened, 3, Nature()))
        table = table_of(read_curves(OpenStudy(opened, simulation.record, space)))
        made = compared_table(table, space, {})
        front = [line.configuration for line in table.lines if line.front_by_values]
        assert not {line.configuration for line in table.lines[:5]} >= set(front), "it would be seen anyway"
        kept = re.findall(r'<tr class="kept">\s*<th[^>]*>(\d+)', made)
        assert [int(number) for number in kept] == front[:12]
        heads = re.findall(r'<th[^>]*scope="col"[^>]*>([^<]+)', made)
        assert heads.index("front") < heads.index("x")


def test_what_is_said_of_a_search_is_its_front_and_no_best_setting() -> None:
    with ledger() as opened:
        simulation = finish(simulated(several("random", trials=9), opened, 3, Nature()))
        compared = comparison_of(OpenStudy(opened, simulation.record, simulation.space))
        count = sum(line.front_by_values for line in compared.table.lines)
        assert headline(compared, None) == (
            f"{count} of 9 settings are on the front of val_loss, score and size by values, which chose them; a search "
            "alone decides nothing of what is measured with noise."
        )
        assert question(compared.read) == (
            "Which settings of x and a give the best balance of low validation loss, high score and low size, under 1 "
            "seed each?"
        )
        named = {fact.term for fact in facts(compared, None)}
        assert {"Front", "Best by val_loss alone"} <= named
        assert "Best found" not in named
