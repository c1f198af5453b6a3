"""The front in a table: what differences on record decide, and costs by their value."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from search.ledger.ledger import Ledger
from search.report.briefs import best_single
from search.report.figures.study import figures_of
from search.report.formats.columns import table_columns
from search.report.formats.fitting import fit
from search.report.formats.render import table_json
from search.report.health.examine import examine
from search.report.page.headline import headline
from search.report.record.curves import read_curves
from search.report.table.build import Comparison, comparison_of
from search.report.table.front import decided_text, read_metric
from search.space.model import Objective, Report, confirm_name
from search.study.costs import COSTS
from tests.report.scored import SPACE, Regression, errors

TIME = "seconds_per_image"

SIZES = {1: 10.0, 2: 20.0, 3: 15.0}
"""Width -> what it costs. Widths 1 and 2 make the same errors but for noise, width 3 clearly smaller ones."""


def study(ledger: Ledger, sizes: dict[int, float] = SIZES, name: str = "wind") -> Comparison:
    further = (Objective("size", "minimize", cost=True),)
    space = replace(SPACE, name=name, search=replace(SPACE.search, further=further), report=Report(rows="width"))
    built = Regression(ledger, space)
    built.grid(lambda a, s: errors({1: 1, 2: 2, 3: 3}[a], s))
    with ledger.step(built.record.id) as step:
        for trial in ledger.trials(built.record.id):
            width = int(trial.parameters["width"])
            step.log(COSTS, configuration=trial.configuration, costs={"size": sizes[width]})
    return comparison_of(built.opened)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(str(tmp_path / "search.db"))


def test_domination_is_said_where_the_difference_is_clear_and_the_cost_is_no_larger(ledger: Ledger) -> None:
    table = study(ledger).table
    said = {line.parameters["width"]: (line.front, line.dominated_by) for line in table.lines}
    # Width 3 is clearly better than 2 and cheaper; 1 is the cheapest; nothing dominates 3, for 1 is clearly worse.
    assert said == {1: ("on", ()), 2: ("dominated", ("width=3",)), 3: ("on", ())}
    assert table.front is not None
    assert table.front.tests == 3
    assert decided_text(table).startswith("2 on it, 1 dominated; by values, noise left aside, ")
    assert table.front.why == ""
    entries = {column.head: [entry.text for entry in column.entries] for column in table_columns(table)}
    assert entries["size"] == ["10", "20", "15"]
    assert entries["front"][0] == "on"
    assert entries["front"][1].startswith("dominated by ")


@pytest.mark.parametrize("width", [80, 44])
def test_a_terminal_shows_every_objective_before_anything_that_decides_nothing(ledger: Ledger, width: int) -> None:
    table = study(ledger).table
    assert table.front is not None
    columns = list(table_columns(table))
    layout = fit(columns, width)
    shown = {columns[place].head for panel in layout.panels for place in panel}
    assert shown >= {"size", "front"}
    assert any(head.startswith("val_rmse") for head in shown)
    assert table.front.metrics == ("val_rmse", "size")


def test_a_difference_that_is_not_clear_decides_nothing(ledger: Ledger) -> None:
    table = study(ledger, {1: 10.0, 2: 20.0, 3: 30.0}).table
    places = {line.parameters["width"]: line.front for line in table.lines}
    assert places == {1: "on", 2: "not decided", 3: "on"}


def test_table_page_and_json_speak_of_the_front_and_of_no_best(ledger: Ledger) -> None:
    compared = study(ledger)
    said = headline(compared, None)
    assert said.endswith("2 of 3 settings are on the front of val_rmse and size by values.")
    assert "1 is dominated" in said
    assert '"front": "dominated"' in table_json(compared.table)
    (drawn,) = [one for one in figures_of(compared) if one.name == "study-front"]
    assert drawn.figure is not None
    bars = [list(trace.error_y.array) for trace in drawn.figure.data if trace.error_y.array is not None]
    assert bars
    assert all(np.all(np.asarray(one) > 0) for one in bars)
    assert {finding.name for finding in examine(compared)}.isdisjoint({"edge", "test-disagrees", "stopped-too-early"})


def test_a_confirm_stage_decides_by_test_examples(ledger: Ledger) -> None:
    compared = study(ledger, {1: 10.0, 2: 20.0, 3: 15.0}, name=confirm_name("wind"))
    table = compared.table
    assert table.confirms
    assert table.test == "test_rmse"
    assert [read_metric(table, name) for name in ("val_rmse", "size")] == ["test_rmse", "size"]
    assert {line.parameters["width"]: line.front for line in table.lines} == {1: "on", 2: "dominated", 3: "on"}
    (drawn,) = [one for one in figures_of(compared) if one.name == "study-front"]
    assert drawn.title == "The front of test rmse and size"


def timed_study(ledger: Ledger, taken: dict[int, float], seeds: int = 5, name: str = "wind") -> Comparison:
    """Widths 1 and 2 make the same errors but for noise, width 3 clearly smaller ones; their times scatter by 2 %."""
    further = (Objective(TIME, "minimize"),)
    search = replace(SPACE.search, further=further)
    built = Regression(ledger, replace(SPACE, name=name, seeds=tuple(range(seeds)), search=search))
    for width in (1, 2, 3):
        for seed in range(seeds):
            draw = np.random.default_rng([width, seed]).normal(0, 0.02)
            seconds = {TIME: taken[width] * float(np.exp(draw))}
            built.run(width, seed, errors({1: 1, 2: 2, 3: 3}[width], seed), **seconds)
    return comparison_of(built.opened)


def test_a_time_decides_by_the_runs_where_its_difference_is_clear(ledger: Ledger) -> None:
    compared = timed_study(ledger, {1: 0.010, 2: 0.020, 3: 0.015})
    table = compared.table
    said = {line.parameters["width"]: (line.front, line.dominated_by) for line in table.lines}
    assert said == {1: ("on", ()), 2: ("dominated", ("width=3",)), 3: ("on", ())}
    assert table.front is not None
    assert (table.front.why, table.front.tests) == ("", 6)
    first, second = (line.judgement(table, TIME) for line in table.lines[:2])
    runs = [curve.metric(TIME, 1) or 0.0 for curve in compared.read.curves]
    logs = np.log(runs[:5]), np.log(runs[5:10])
    ends = stats.t.interval(0.95, 4, logs[0].mean(), stats.sem(logs[0]))
    assert first.interval == pytest.approx(tuple(np.exp(ends)))
    assert first.difference is None
    welch = stats.ttest_ind(logs[1], logs[0], equal_var=False)
    assert second.difference is not None
    assert second.difference.p == pytest.approx(welch.pvalue)
    assert second.worse
    heads = [column.head for column in table_columns(table)]
    assert f"{TIME}, mean [95 % interval]" in heads
    assert f"{TIME} difference (log of the ratio) [95 % interval]" in heads
    assert any(note.startswith(f"{TIME}: a time, told by the runs alone.") for note in table.notes)


def test_times_that_scatter_too_far_decide_nothing(ledger: Ledger) -> None:
    table = timed_study(ledger, {1: 0.010, 2: 0.0101, 3: 0.0100}).table
    # Width 3 is clearly better than both, so nothing dominates it; whether it is as fast nobody knows.
    assert {line.parameters["width"]: line.front for line in table.lines} == {
        1: "not decided",
        2: "not decided",
        3: "on",
    }


def test_one_seed_tells_nothing_of_times(ledger: Ledger) -> None:
    table = timed_study(ledger, {1: 0.010, 2: 0.020, 3: 0.015}, seeds=1).table
    assert table.front is not None
    assert f"of {TIME}: a single run of each tells nothing of how times scatter" in table.front.why
    assert all(line.judgement(table, TIME).interval is None for line in table.lines)
    assert {line.front for line in table.lines} == {"not decided"}


def test_a_time_beside_a_metric_without_scores_has_its_notes_as_well(ledger: Ledger) -> None:
    search = replace(SPACE.search, further=(Objective(TIME, "minimize"),))
    built = Regression(ledger, replace(SPACE, search=search))
    for width in (1, 2, 3):
        for seed in range(3):
            built.run(width, seed, None, val_rmse=1.0 / width + seed, **{TIME: width * (1 + 0.01 * seed)})
    table = comparison_of(built.opened).table
    assert table.judged == ""
    assert all(line.judgement(table, TIME).interval is not None for line in table.lines)
    assert any(note.startswith("No interval and no p value for val_rmse") for note in table.notes)
    assert any(note.startswith(f"{TIME}: a time, told by the runs alone.") for note in table.notes)
    assert any(note.startswith(f"Differences in {TIME} to the baseline") for note in table.notes)


def test_a_confirm_stage_decides_a_time_by_its_own_runs(ledger: Ledger) -> None:
    table = timed_study(ledger, {1: 0.010, 2: 0.020, 3: 0.015}, name=confirm_name("wind")).table
    assert table.confirms
    assert [read_metric(table, name) for name in ("val_rmse", TIME)] == ["test_rmse", TIME]
    assert {line.parameters["width"]: line.front for line in table.lines} == {1: "on", 2: "dominated", 3: "on"}
    assert table.front is not None
    assert table.front.why == ""


def test_a_claim_about_a_time_is_answered_with_why_it_cannot_be_judged(ledger: Ledger) -> None:
    report = replace(SPACE.report, claims=({"better": [1, 2], "metric": TIME},))
    search = replace(SPACE.search, further=(Objective(TIME, "minimize"),))
    built = Regression(ledger, replace(SPACE, search=search, report=report))
    for width in (1, 2, 3):
        for seed in range(5):
            built.run(width, seed, errors(width, seed), **{TIME: 0.01 * width})
    (verdict,) = comparison_of(built.opened).table.verdicts
    assert verdict.kind == "undecided"
    assert "a time is told by no example" in verdict.reason


def test_the_list_of_studies_knows_the_first_objective(ledger: Ledger) -> None:
    opened = study(ledger).read.study
    text = "search: {objective: [{metric: val_rmse, direction: minimize}, {metric: size, direction: minimize}]}\n"
    ledger.update_study(opened.record.id, space=text)
    record = ledger.study(opened.record.name)
    best = min(curve.metric("val_rmse", 1) or 0.0 for curve in read_curves(opened).curves)
    assert best_single(ledger, record, ledger.trials(record.id)) == ("val_rmse", best)
