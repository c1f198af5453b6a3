"""Cross tables: cells with half intervals, and differences within each column."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from search.report.formats.columns import table_sheet
from search.report.formats.render import table_frame
from search.report.table.build import comparison_table
from search.report.table.cross import baseline_of, cross_axes
from search.report.table.judged_text import plus_minus
from search.report.table.model import Cell, Judged
from search.space.model import Axis, Condition, Grid
from search.statistics.families import holm
from search.statistics.results import CellEstimate, Trust
from tests.report.judging import SPACE, Bench

GAMMA, ACT = Axis("gamma", Grid([0, 1, 2])), Axis("act", Grid(["relu", "silu"]))
CROSS = replace(SPACE, axes=[GAMMA, ACT], report=replace(SPACE.report, columns="act", labels={"0": "CE"}))


@pytest.fixture
def bench(ledger):
    bench = Bench(ledger, CROSS)
    for a in (0, 1, 2):
        for k, act in enumerate(("relu", "silu")):
            for s in range(3):
                right = np.arange(40) < (38 if (a, k) == (2, 1) else 20 + (s + a) % 2)
                # The first epochs differ: what is equal at the last one is so by chance, and they are no equal rows.
                bench.run({"gamma": a, "act": act}, s, right, right[:30], first=np.arange(40) < 2 * a + k)
    return bench


def test_rows_columns_and_cells(bench):
    table = comparison_table(bench.opened)
    sheet = table_sheet(table)
    assert [column.head for column in sheet.columns] == [
        "gamma",
        *("act=relu: val_accuracy (%)", "act=relu: difference (points)", "act=relu: test_accuracy (%)"),
        *("act=silu: val_accuracy (%)", "act=silu: difference (points)", "act=silu: test_accuracy (%)"),
    ]
    lines = [[entry.text for entry in line] for line in sheet.lines]
    assert [line[0] for line in lines] == ["CE", "gamma=1", "gamma=2"]
    assert lines[0][2] == lines[0][5] == "baseline"
    low, high = table.lines[0].judged.interval
    assert lines[0][1] == f"51 ± {100 * (high - low) / 2:.0f}"
    assert not any(note.startswith("sd over seeds") for note in sheet.notes), "there is no such column"
    bold = [[entry.bold for entry in line] for line in sheet.lines]
    assert [(row, column) for row, each in enumerate(bold) for column, is_it in enumerate(each) if is_it] == [
        (2, 4),
        (2, 5),
        (2, 6),
    ]
    assert any(
        note.startswith("± half the 95 % interval ([ ]: its ends, where it is lopsided) for a new run")
        for note in sheet.notes
    )


def test_all_printed_differences_are_one_family(bench):
    table = comparison_table(bench.opened)
    p = [line.judged.difference.p if line.judged.difference else None for line in table.lines]
    assert sum(value is not None for value in p) == 4
    assert [line.judged.p_adjusted for line in table.lines] == holm(p)
    assert "adjusted by Holm over 4 comparisons" in "\n".join(table.notes)
    # Each difference is to the baseline within its own column.
    last = next(line for line in table.lines if line.parameters == {"gamma": 2, "act": "silu"})
    base = next(line for line in table.lines if line.parameters == {"gamma": 0, "act": "silu"})
    assert last.judged.difference.estimate == pytest.approx(last.judged.cell.estimate - base.judged.cell.estimate)


def test_the_long_format_stands_in_table_csv(bench):
    frame = table_frame(comparison_table(bench.opened))
    assert len(frame) == 6
    assert frame["act"].tolist() == ["relu", "silu"] * 3
    assert frame["val_accuracy_difference"].notna().sum() == 4


def test_more_than_two_axes_are_drawn_long():
    width = Axis("width", Grid([1, 2]))
    assert cross_axes(CROSS) == ("gamma", "act")
    assert cross_axes(replace(CROSS, axes=[GAMMA, ACT, width])) == ()
    assert cross_axes(replace(CROSS, axes=[GAMMA, ACT, Axis("width", Grid([1]))])) == ("gamma", "act")
    assert cross_axes(SPACE) == ()


def test_the_baseline_of_a_configuration_leaves_out_what_it_does_not_activate():
    slope = Axis("slope", Grid([0.1, 0.2]), Condition("act", ("leaky",)))
    axes = [Axis("act", Grid(["relu", "leaky"])), slope, GAMMA]
    space = replace(SPACE, axes=axes, report=replace(SPACE.report, rows="act", baseline="relu"))
    assert baseline_of(space, {"act": "leaky", "slope": 0.2, "gamma": 1}) == {"act": "relu", "gamma": 1}
    assert baseline_of(replace(space, report=replace(space.report, has_baseline=False)), {"act": "leaky"}) is None


def test_a_lopsided_interval_is_shown_whole():
    judged = Judged(CellEstimate(Trust.ESTIMATED, 0.067, 0.026, 0.159))
    assert plus_minus("val_accuracy", Cell(0.067, 0.01, 3), judged) == "6.7 [2.6, 15.9]"
    judged = Judged(CellEstimate(Trust.ESTIMATED, 0.6, 0.55, 0.64))
    assert plus_minus("val_accuracy", Cell(0.6, 0.01, 3), judged) == "60.0 ± 4.5"
