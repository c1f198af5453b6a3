"""Rows of several axes, all compared with one baseline: in every output, in the claims, and by the statistics."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import openpyxl
import pytest
from rich.console import Console

from search.core.trial import State, Trial
from search.engine.decide.standings import Standings
from search.report.formats.columns import table_sheet
from search.report.formats.comparison import Comparison
from search.report.formats.hypertext import html_table
from search.report.formats.latex import latex_table
from search.report.formats.render import table_frame, table_json, table_markdown
from search.report.page.answer import answer
from search.report.page.question import question
from search.report.record.curves import read_curves
from search.report.results import export
from search.report.table.build import comparison_table
from search.report.table.cross import baseline_of, cross_axes
from search.report.table.groups import groups_of
from search.space.model import Axis, Condition, Grid, Published, Report
from tests.report.judging import SPACE, Bench

GAMMA, ACT, WIDTH = Axis("gamma", Grid([0, 2])), Axis("act", Grid(["relu", "tanh"])), Axis("width", Grid([1, 2]))
BASE = {"gamma": 0, "act": "relu"}
FLAT = Report(rows=("gamma", "act"), baseline=BASE, has_baseline=True)
SHARES = {(0, "relu"): 20, (0, "tanh"): 22, (2, "relu"): 20, (2, "tanh"): 38}


def flat(ledger, report: Report = FLAT, widths: Any = ()) -> Bench:
    """Settings that get so many of 40 images right, give or take one by seed."""
    axes = [GAMMA, ACT, *([WIDTH] if widths else [])]
    bench = Bench(ledger, replace(SPACE, axes=axes, report=report))
    for (gamma, act), share in SHARES.items():
        for width in widths or (0,):
            for seed in (0, 1, 2):
                right = np.arange(40) < share + (seed + gamma // 2) % 2 + 3 * (width == 2)
                bench.run({"gamma": gamma, "act": act} | ({"width": width} if widths else {}), seed, right, right[:30])
    return bench


def test_every_line_is_compared_with_the_one_baseline(ledger):
    table = comparison_table(flat(ledger).opened)
    assert [line.setting for line in table.lines] == [
        "gamma=0, act=relu",
        "gamma=0, act=tanh",
        "gamma=2, act=relu",
        "gamma=2, act=tanh",
    ]
    assert [line.baseline for line in table.lines] == [True, False, False, False]
    estimates = [line.judged.difference.estimate for line in table.lines if line.judged.difference]
    assert estimates == pytest.approx([2 / 40, 0, 18 / 40], abs=0.01)
    assert table.comparisons["val_accuracy"] == 3
    assert [line.judged.better for line in table.lines] == [False, False, False, True]
    assert not cross_axes(replace(SPACE, axes=[GAMMA, ACT], report=FLAT))


def test_the_statistics_are_those_of_the_same_settings_on_one_axis(ledger, tmp_path):
    """A flat table of two axes is the table of one axis that lists the four settings."""
    from search.ledger.ledger import Ledger

    rows = {",".join(map(str, key)): key for key in SHARES}
    one = Axis("setting", Grid(list(rows)))
    report = Report(rows="setting", baseline="0,relu", has_baseline=True)
    other = Bench(Ledger(str(tmp_path / "other.db")), replace(SPACE, axes=[one], report=report))
    for name, (gamma, _) in rows.items():
        for seed in (0, 1, 2):
            right = np.arange(40) < SHARES[rows[name]] + (seed + gamma // 2) % 2
            other.run({"setting": name}, seed, right, right[:30])
    ours, theirs = comparison_table(flat(ledger).opened), comparison_table(other.opened)
    for mine, other in zip(ours.lines, theirs.lines, strict=True):
        assert (mine.cells, mine.judged, mine.tested) == (other.cells, other.judged, other.tested)
        assert (mine.baseline, mine.setting) == (other.baseline, mine.setting)
    assert (ours.comparisons, ours.level) == (theirs.comparisons, theirs.level)


def test_axes_beside_the_rows_keep_their_values_in_the_baseline(ledger):
    table = comparison_table(flat(ledger, widths=(1, 2)).opened)
    assert sum(line.baseline for line in table.lines) == 2
    assert "Differences in val_accuracy to the baseline gamma=0, act=relu with all else equal" in "\n".join(table.notes)
    for line in table.lines:
        if line.parameters == {"gamma": 2, "act": "tanh", "width": 2}:
            assert line.judged.difference is not None
            assert line.judged.difference.estimate == pytest.approx((41 - 23 - 1) / 40, abs=0.03)


def test_the_baseline_names_only_the_axes_that_exist_in_it():
    slope = Axis("slope", Grid([0.1, 0.2]), Condition("act", ("leaky",)))
    axes = [Axis("act", Grid(["relu", "leaky"])), slope, GAMMA]
    report = replace(FLAT, rows=("act", "slope"), baseline={"act": "relu"})
    space = replace(SPACE, axes=axes, report=report)
    assert baseline_of(space, {"act": "leaky", "slope": 0.2, "gamma": 2}) == {"act": "relu", "gamma": 2}
    leaky = replace(space, report=replace(report, baseline={"act": "leaky", "slope": 0.1}))
    assert baseline_of(leaky, {"act": "relu", "gamma": 0}) == {"act": "leaky", "slope": 0.1, "gamma": 0}
    assert baseline_of(leaky, {"gamma": 0}) is None


def test_what_people_read_shows_rows_and_baseline(ledger):
    bench = flat(ledger, replace(FLAT, labels={"gamma=2, act=tanh": "both"}))
    table = comparison_table(bench.opened)
    console = Console(file=io.StringIO(), width=200, record=True)
    console.print(Comparison(table))
    texts = {
        "terminal": console.export_text(),
        "markdown": table_markdown(table),
        "latex": latex_table(table_sheet(table)),
        "html": str(html_table(table_sheet(table))),
    }
    for name, text in texts.items():
        plain = text.replace("\\_", "_").replace("\\allowbreak", "").replace("{}", "")
        assert "gamma=2, act=relu" in plain, name
        assert "both" in plain, name
        assert "gamma=2, act=tanh" not in plain, name
        assert "baseline" in plain, name


def test_what_programs_read_has_a_column_for_each_axis(ledger):
    bench = flat(ledger)
    table = comparison_table(bench.opened)
    frame = table_frame(table)
    assert list(frame["gamma"]) == [0, 0, 2, 2]
    assert list(frame["val_accuracy_state"]) == ["baseline", "estimated", "estimated", "estimated"]
    lines = json.loads(table_json(table))["lines"]
    assert [line["act"] for line in lines] == ["relu", "tanh", "relu", "tanh"]
    assert [line["val_accuracy_better"] for line in lines] == [False, False, False, True]


def test_the_page_asks_and_answers_about_both_axes(ledger):
    read = read_curves(flat(ledger).opened)
    assert question(read) == (
        "Does any of the other 3 settings of gamma and act give a higher validation accuracy on toys than gamma=0, "
        "act=relu, under 3 seeds each?"
    )
    said = answer(comparison_table(read.study), read)
    assert said.startswith("Better than gamma=0, act=relu: gamma=2, act=tanh (+4")
    assert [group.baseline for group in groups_of(comparison_table(read.study), read)] == [True, False, False, False]


@pytest.mark.parametrize(
    ("claim", "text", "kind"),
    [
        ({"better": [{"gamma": 2, "act": "tanh"}, BASE]}, "both is better than gamma=0, act=relu", "supported"),
        ({"best": {"act": "tanh", "gamma": 2}}, "both is the best", "supported"),
        ({"better": [BASE, {"gamma": 2, "act": "tanh"}]}, "gamma=0, act=relu is better than both", "contradicted"),
        (
            {"equal": [{"gamma": 2, "act": "relu"}, BASE], "within": 0.25},
            "gamma=2, act=relu equals gamma=0, act=relu within 25 pt",
            "supported",
        ),
    ],
)
def test_claims_name_rows_by_their_axes(ledger, claim, text, kind):
    report = replace(FLAT, labels={"gamma=2, act=tanh": "both"}, claims=(claim,))
    (found,) = comparison_table(flat(ledger, report).opened).verdicts
    assert (found.text, found.kind) == (text, kind)


def test_the_best_of_a_grid_with_a_row_that_was_not_run_is_undecided(ledger):
    bench = Bench(ledger, replace(SPACE, axes=[GAMMA, ACT], report=replace(FLAT, claims=({"best": BASE},))))
    for seed in (0, 1, 2):
        bench.run(BASE, seed, np.arange(40) < 39 - seed % 2)
        bench.run({"gamma": 2, "act": "relu"}, seed, np.arange(40) < 10 + seed % 2)
    (found,) = comparison_table(bench.opened).verdicts
    assert found.reason == "no run of gamma=0, act=tanh, gamma=2, act=tanh is on record"


def test_figures_are_filed_under_the_row_and_set_the_difference_that_is_assumed(ledger):
    values = {"gamma=0, act=relu": "54.0%", "gamma=2, act=relu": "57.0%"}
    claims = ({"better": [{"gamma": 2, "act": "relu"}, BASE]},)
    table = comparison_table(flat(ledger, replace(FLAT, published=Published(values=values), claims=claims)).opened)
    assert [line.published for line in table.lines] == ["54.0%", "", "57.0%", ""]
    assert "3 pt (the published difference)" in table.verdicts[0].reason
    moved = replace(FLAT, published=Published(data="roses", values=values), labels={"gamma=2, act=relu": "focal"})
    apart = comparison_table(Bench(ledger, replace(SPACE, name="m", axes=[GAMMA, ACT], report=moved)).opened).elsewhere
    assert apart is not None
    assert apart.figures == [("gamma=0, act=relu", "54.0%"), ("focal", "57.0%")]


def test_a_workbook_holds_the_flat_table(ledger, tmp_path):
    export(flat(ledger).opened, "table", "xlsx", tmp_path / "table.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "table.xlsx").active
    assert sheet is not None
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    head = next(row for row in cells if "act" in row)
    place = head.index("act")
    assert [row[place] for row in cells[cells.index(head) + 1 :]][:4] == ["relu", "tanh", "relu", "tanh"]


def test_without_a_baseline_the_note_names_the_axes_it_is_a_row_of(ledger):
    table = comparison_table(flat(ledger, replace(FLAT, baseline=None, has_baseline=False)).opened)
    assert (
        "No differences: the file names no baseline; `report.baseline`, a value of each of the row axes gamma and act, "
        "gives them, with intervals and p values."
    ) in table.notes


def test_the_live_view_compares_with_the_one_baseline():
    space = replace(SPACE, axes=[GAMMA, ACT], report=FLAT)
    standings = Standings(space)
    for number, (gamma, act) in enumerate(SHARES):
        trial = Trial(number, number, 0, {"gamma": gamma, "act": act}, {}, 2)
        standings.add(trial)
        standings.ends(trial, State.FINISHED, [SHARES[gamma, act] / 40])
    found = standings.now()
    assert found[0].difference is None
    assert [standing.difference for standing in found[1:]] == pytest.approx([2 / 40, 0, 18 / 40])
