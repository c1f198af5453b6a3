"""What is drawn: escaping, marks, units, and nothing that a reader could run."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from search.core.errors import UserError
from search.core.trial import State
from search.report.formats import comparison, render
from search.report.formats.columns import table_sheet
from search.report.formats.comparison import Comparison
from search.report.formats.render import frame_csv, frame_markdown, table_frame, table_json, table_markdown
from search.report.formats.sheet import Entry
from search.report.page.page import report_page
from search.report.table.build import comparison_of, comparison_table
from search.report.text import csv_cell, figure, markdown_cell, plain, printable, readable, rounded, value_text
from search.report.views import show_study, show_trial, study_list
from search.space.model import AshaSettings, Axis, Grid, Objective, Published, Report, Search
from search.study.opened import OpenStudy
from tests.report.builder import GAMMAS


def drawn(renderable) -> str:
    console = Console(file=io.StringIO(), width=220, force_terminal=True, color_system=None)
    console.print(renderable)
    return console.file.getvalue()


def test_markdown_table_reads_as_it_should(focal):
    values = {"0": "54.01", "2": "60.58"}
    report = Report(rows="gamma", labels={"0": "CE"}, published=Published("the paper", n=137, values=values))
    focal.space = replace(focal.space, report=report)
    lines = table_markdown(comparison_table(focal.opened)).splitlines()
    assert lines[0] == "# Focal loss"
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:7]]
    assert rows[0] == [
        *("setting", "seeds finished", "val_accuracy, mean (%)", "sd over seeds (points)", "published"),
        *("test_accuracy, mean (%)", "epochs, mean", "seconds, sum"),
    ]
    assert rows[2] == ["CE", "3 of 3", "56.4", "3.0", "54.01", "43.2", "3", "2.2"]
    assert rows[4][:3] == ["gamma=2", "3 of 3", "60.8"]
    assert "**" not in "\n".join(lines)


def test_marks_stand_beside_the_value(make):
    study = make(replace(GAMMAS, report=Report(value="best")))
    study.trial({"gamma": 0}, 0, [0.5])
    study.trial({"gamma": 0.5}, 0, [0.25], State.PRUNED)
    study.trial({"gamma": 2}, 0, [math.nan], State.DIVERGED)
    text = table_markdown(comparison_table(study.opened))
    assert "50.00 † ‡" in text
    assert "25.00 †" in text
    assert "25.00 † ‡" not in text
    assert "diverged †" in text
    assert "nan" not in text.lower()
    frame = table_frame(comparison_table(study.opened))
    assert frame["marks"].tolist() == ["partial; chosen on the same images", "partial", "partial; diverged"]


def test_hostile_labels_stay_text(make):
    label = "a|b\n<script>alert(1)</script> **x** [l](u) `c` \\ _e_ \x1b[31m[red]"
    study = make(replace(GAMMAS, report=Report(rows="gamma", labels={"0": label})))
    study.trial({"gamma": 0}, 0, [0.5])
    table = comparison_table(study.opened)
    text = table_markdown(table)
    assert "a\\|b &lt;script&gt;alert(1)&lt;/script&gt; \\*\\*x\\*\\* \\[l\\](u) \\`c\\` \\\\ \\_e\\_ " in text
    assert "\x1b" not in text
    shown = drawn(Comparison(table))
    assert "[red]" in shown
    assert "\x1b[31m" not in shown


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|x", "'+cmd|x"),
        ("-rf", "'-rf"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\n=1", '"\'\n=1"'),
        ("\uff1d1", "'\uff1d1"),
        ("-0.5", "-0.5"),
        ("-1e-3", "-1e-3"),
        (-0.5, "-0.5"),
        (np.float64(-1e-300), "-1e-300"),
        (-7, "-7"),
        (True, "true"),
        (None, "null"),
        (pd.NA, ""),
        (math.nan, ""),
        (-math.inf, ""),
        ('say "a,b"', '"say ""a,b"""'),
        ("a\rb", '"a\rb"'),
        ("a\0b", "a\ufffdb"),
    ],
)
def test_csv_cells(value, cell):
    assert csv_cell(value) == cell


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.floats() | st.text() | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.none(), min_size=2))
def test_any_csv_row_reads_back(values):
    text = frame_csv(pd.DataFrame([pd.Series(values, dtype="object", index=[f"c{i}" for i in range(len(values))])]))
    head, row = csv.reader(io.StringIO(text, newline=""))
    assert len(head) == len(row) == len(values)
    for value, cell in zip(values, row, strict=True):
        if isinstance(value, float):
            assert cell == "" if not math.isfinite(value) else float(cell).hex() == value.hex()
        elif isinstance(value, str):
            assert cell.removeprefix("'") == value.replace("\0", "\ufffd").removeprefix("'")
            assert not cell.startswith(("=", "@"))
        else:
            assert cell == value_text(value)


@settings(deadline=None)
@given(st.text())
def test_any_text_stays_in_its_markdown_cell(text):
    cell = markdown_cell(text)
    assert len(cell.splitlines()) <= 1
    assert "<" not in cell
    assert "|" not in cell.replace("\\\\", "").replace("\\|", "")


def test_figures():
    assert figure("val_accuracy", 83 / 137) == "60.58"
    assert figure("val_accuracy", 1.0) == "100.00"
    assert figure("val_loss", 1.23456789) == "1.235"
    assert figure("val_loss", 12345.6) == "12350"
    assert figure("val_loss", 1.5e-9) == "1.5e-09"
    assert figure("val_loss", 0.0) == "0"
    assert [figure("val_loss", value) for value in (None, math.nan, math.inf)] == ["", "", ""]


@pytest.mark.parametrize(
    ("value", "uncertainty", "text", "own"),
    [
        (56.447, 3.04, "56.4", "3.0"),
        (56.447, 0.0996, "56.45", "0.10"),
        (56.447, 0.0994, "56.447", "0.099"),
        (56.447, 12.3, "56", "12"),
        (1234567.8, 12345.6, "1234568", "12346"),
        (90.0, 1.0, "90.0", "1.0"),
        (-0.04, 3.0, "0.0", "3.0"),
        (0.0, 0.5, "0.00", "0.50"),
        (1 / 3, 1e-20, "0.333333333333", "1.0e-20"),
        (1.2345e-7, 2.1e-8, "1.23e-07", "2.1e-08"),
        (2e-9, 1e-7, "2e-09", "1.0e-07"),
        (1e22, 1e20, "1.00000000000e+22", "1.00000000000e+20"),
        (1e9, 1e-5, "1000000000.00", "1.0e-05"),
    ],
)
def test_digits_follow_the_uncertainty(value, uncertainty, text, own):
    assert (rounded(value, uncertainty), rounded(uncertainty, uncertainty)) == (text, own)


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(min_value=1e-300, max_value=1e300))
def test_rounding_moves_no_value_by_more_than_the_second_digit(value, uncertainty):
    moved = abs(float(rounded(value, uncertainty)) - value)
    assert moved <= max(uncertainty / 10, abs(value) * 1e-11, 0.5 if uncertainty > 1 else 0)


def test_figures_with_an_uncertainty():
    assert figure("val_accuracy", 83 / 137, 0.0304) == "60.6"
    assert figure("val_accuracy", 0.0304, 0.0304) == "3.0"
    assert figure("val_loss", 1.23456, 0.0123) == "1.235"
    assert [figure("val_accuracy", 0.5, none) for none in (None, 0.0, math.nan, math.inf)] == ["50.00"] * 4
    assert figure("val_accuracy", None, 0.1) == figure("val_accuracy", math.nan, 0.1) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0.1, "0.1"), (0.819996001, "0.8200"), (1 / 3, "0.3333"), (32768.0, "32768.0"), (123456.789, "123457")),
        *((1234567890123.5, "1234567890124"), (1e-17 / 3, "3.333e-18"), (-2 / 3, "-0.6667"), (1e300 / 3, "3.333e+299")),
        *((123456789012, "123456789012"), (None, "null"), (pd.NA, ""), (math.nan, ""), ("0.123456789", "0.123456789")),
    ],
)
def test_readable_keeps_what_counts(value, text):
    assert readable(value) == text


def test_bold_is_drawn_where_it_is_set(focal, monkeypatch):
    table = comparison_table(focal.opened)
    sheet = table_sheet(table)
    first = replace(sheet.columns[2], entries=[Entry("a_b", bold=True), *sheet.columns[2].entries[1:]])
    for room in (render, comparison):
        monkeypatch.setattr(room, "table_sheet", lambda _: replace(sheet, columns=[*sheet.columns[:2], first]))
    assert "**a_b** |" in table_markdown(table)
    assert table_markdown(table).count("**") == 2
    assert " a_b *\n" in drawn(Comparison(table)), "a log knows no bold"


def test_plain_leaves_nothing_json_cannot_hold():
    content = plain({"a": math.nan, 1: [np.float64(math.inf), np.int64(3), np.array([1.5, math.nan])], "b": {pd.NA}})
    assert json.loads(json.dumps(content, allow_nan=False)) == {"a": None, "1": [None, 3, [1.5, None]], "b": [None]}


def test_table_json_has_no_nan(make):
    study = make()
    study.trial({"gamma": 0}, 0, [math.nan], State.DIVERGED)
    content = json.loads(table_json(comparison_table(study.opened)), parse_constant=pytest.fail)
    assert content["lines"][0]["val_accuracy_mean"] is None
    assert content["lines"][0]["ending"] == "1 diverged, 2 not started"


def test_an_empty_study_draws(make):
    study = make()
    table = comparison_table(study.opened)
    assert "No trial has been started." in table_markdown(table)
    assert "No trial has been started." in drawn(Comparison(table))
    assert "finished" in frame_csv(table_frame(table))
    assert frame_markdown(table_frame(table)).startswith("| setting")


def test_list_shows_states_and_the_best_value(focal, make):
    other = make(name="empty [red]")
    other.trial({"gamma": 0}, 0, [], State.WAITING)
    text = drawn(study_list(focal.ledger))
    assert "9 finished" in text
    assert f"val_accuracy (%) {100 * (74 + 6 + 8) / 137:.2f}" in text
    assert "empty [red]" in text
    assert "1 waiting" in text


def test_list_of_an_empty_ledger(ledger):
    assert "The ledger holds no study yet." in drawn(study_list(ledger))


def test_a_revision_says_once_that_it_is_one(make):
    study = make(replace(GAMMAS, name="rates"))
    text, workload = study.record.space, study.record.workload
    study.ledger.create_study("rates (rev 2)", "rates", 2, text, "another question", workload)
    again = OpenStudy(study.ledger, study.ledger.study("rates (rev 2)"), GAMMAS)
    assert drawn(show_study(again)).count("rev") == 1
    assert '<p class="kind">Report of the study rates (rev 2)</p>' in report_page(comparison_of(again), {}, None)


def test_show_study(focal):
    text = drawn(show_study(focal.opened))
    for part in (
        "focal (revision 1)",
        "9 finished",
        "machine=x86_64",
        "not ended",
        " gamma ",
        " 0.5 ",
        "val %",
    ):
        assert part in text


def test_show_trial_says_what_a_pruned_one_was_compared_with(make):
    space = replace(
        GAMMAS,
        axes=[Axis("gamma", Grid([0, 1, 2]))],
        search=replace(GAMMAS.search, asha=AshaSettings(grace_period=1, reduction_factor=2)),
    )
    study = make(space)
    numbers = []
    for gamma, value in ((0, 0.5), (1, 0.7), (2, 0.55)):
        pruned = gamma == 2
        numbers.append(
            study.trial(
                {"gamma": gamma}, 3, [value] if pruned else [value] * 3, State.PRUNED if pruned else State.FINISHED
            )
        )
        keys, _ = study.ledger.paths(study.record.id)[numbers[-1]]
        with study.ledger.step(study.record.id) as step:
            step.log("rung", trial=numbers[-1], epoch=1, key=keys[0], value=value, goes_on=not pruned)
    said = "val_accuracy (%) 55.00 at epoch 1 is below 60.00, the cutoff from the 2 trainings that were there before: "
    assert f"{said}one in 2 goes on" in " ".join(drawn(show_trial(study.opened, numbers[2])).split())
    assert "because" not in drawn(show_trial(study.opened, numbers[0]))
    (shown,) = [line for line in drawn(show_trial(study.opened, numbers[2])).splitlines() if line.startswith("because")]
    page = Path(__file__).parents[3] / "docs/how-to/why-it-ended.md"
    (quoted,) = [line for line in page.read_text().splitlines() if line.startswith("because")]
    assert re.sub(r"[\d.]+", "#", quoted) == re.sub(r"[\d.]+", "#", shown.rstrip())


def test_show_trial(make):
    study = make(replace(GAMMAS, axes=[Axis("gamma", Grid([0]))]))
    trace = "Traceback:\n\tboom [bold]\x1b[31m"
    number = study.trial({"gamma": 0}, 3, [0.5, math.nan], State.FAILED, ended_by="an exception", error=trace)
    text = drawn(show_trial(study.opened, number))
    for part in (
        "failed",
        "an exception",
        "2 of 3",
        "gamma = 0",
        "lr = 0.1",
        "50.00",
        "not finite",
        "boom [bold]\ufffd",
    ):
        assert part in text
    with pytest.raises(UserError, match=r"^study 'focal' has no trial 7; it has trials 0 to 0$"):
        show_trial(study.opened, 7)


def test_printable_keeps_what_people_write():
    assert printable("焦点 naïve 👩‍🔬 a\u202eb\x00") == "焦点 naïve 👩‍🔬 a\ufffdb\ufffd"


def test_published_figures_stand_beside_validation_accuracy(make):
    search = Search(objective=Objective("val_loss", "minimize"))
    report = Report(rows="gamma", published=Published(values={"0": "54.01"}))
    study = make(replace(GAMMAS, search=search, report=report, seeds=(0,)))
    study.trial({"gamma": 0}, 0, [0.5])
    sheet = table_sheet(comparison_table(study.opened))
    head, lines = [column.head for column in sheet.columns], [[entry.text for entry in line] for line in sheet.lines]
    assert head[:5] == ["setting", "seeds finished", "val_loss", "val_accuracy (%)", "published"]
    assert head[5:] == ["epochs", "seconds"]
    assert lines == [["gamma=0", "1 of 1", "0.5", "50.00", "54.01", "1", "0.2"]]
