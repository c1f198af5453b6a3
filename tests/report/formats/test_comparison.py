"""The comparison table on terminals of several widths: compact names, and the notes that the shown figures need."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from search.core.shown import cells
from search.core.trial import State
from search.report.formats.axes import shared_parts
from search.report.formats.columns import table_sheet
from search.report.formats.comparison import Comparison
from search.report.table.build import comparison_table
from search.report.table.model import Note, Table
from search.report.text import pairs_text
from search.space.model import Axis, Float, Grid, Objective, Report, Search
from search.study.confirm import AXIS
from tests.report.builder import GAMMAS
from tests.report.judging import SPACE, Bench

WIDTHS = (60, 80, 100, 120, 200)


def on_terminal(table: Table, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(Comparison(table))
    return console.file.getvalue()  # type: ignore[attr-defined]


def paragraphs(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def judged(ledger):
    return comparison_table(Bench(ledger, SPACE).grid().opened)


@pytest.mark.parametrize("width", WIDTHS)
def test_what_decides_is_whole_at_any_width(judged, width):
    text = on_terminal(judged, width)
    assert max(map(cells, text.splitlines())) <= width
    columns = {column.key: column for column in table_sheet(judged).columns}
    for key in ("level", "difference", "p"):
        assert columns[key].entries
        assert all(entry.text in text for entry in columns[key].entries)
    said = paragraphs(text)
    for name in ("seeds", "sd over", "test difference", "epochs", "seconds"):
        assert name in said, "shown, or named as left out"
    assert ("Left out at" in said) is (width < 120)


def test_notes_speak_of_what_is_shown(judged):
    narrow, wide = (paragraphs(on_terminal(judged, width)) for width in (60, 200))
    spread = "sd over seeds: how far these runs lie apart; it is no interval."
    assert spread not in narrow
    assert spread in wide
    for text in (narrow, wide):
        assert "95 % interval for a new run judged on new images" in text
        assert "p values adjusted by Holm over" in text
        assert "images of each class" not in text
    assert "Differences in test_accuracy" not in narrow
    assert "Differences in test_accuracy" in wide
    assert "Differences in test_accuracy" in "\n".join(judged.notes), "the report has all notes"


def test_a_note_is_said_with_its_column_or_its_mark(judged):
    notes = [
        Note("of p.", about=("p",)),
        Note("of no column.", about=("absent",)),
        Note("long.", "short."),
        Note("x.", ""),
    ]
    text = on_terminal(replace(judged, footnotes=notes), 80)
    assert "of p." in text
    assert "of no column." not in text
    assert "short." in text
    assert "long." not in text
    marked = replace(judged, footnotes=[Note("* is better.", about=("*",)), Note("† is partial.", about=("†",))])
    bold = any(line.judged.better for line in judged.lines)
    assert ("* is better." in on_terminal(marked, 80)) is bold
    assert "† is partial." not in on_terminal(marked, 80)


def search_of(make, axes, trials):
    space = replace(
        GAMMAS, axes=axes, seeds=(0,), search=Search("tpe", trials=9, objective=Objective()), report=Report()
    )
    study = make(space)
    for place, parameters in enumerate(trials):
        study.trial(parameters, 0, [0.1 + place / 20])
    return comparison_table(study.opened)


AXES = [
    Axis("optimizer.lr", Float(1e-4, 1.0, True)),
    Axis("loss.gamma", Float(0, 3)),
    Axis("decay", Grid(["none", "step"])),
]


def test_a_search_has_a_column_per_axis_in_which_its_settings_differ(make):
    trials = [
        {"optimizer.lr": 0.1 / (place + 1), "loss.gamma": 2.5, "decay": name}
        for place, name in enumerate(["none", "step", "step"])
    ]
    lines = on_terminal(search_of(make, AXES, trials), 60).splitlines()
    assert lines[1] == "All of them: loss.gamma=2.5."
    head = next(line for line in lines if line.lstrip().startswith("#"))
    assert head.split()[:4] == ["#", "lr", "decay", "seeds"]
    rows = [line.split()[:3] for line in lines if re.match(r" *[0-9]+  ", line)]
    assert rows == [["2", "0.03333", "step"], ["1", "0.05", "step"], ["0", "0.1", "none"]]


def test_long_settings_stand_above_their_figures_where_no_column_per_axis_fits(make):
    axes = [Axis(f"a_rather_long_room.a_long_name_{place}", Float(0, 1)) for place in range(9)]
    trials = [{axis.name: (place + number + 1) / 17 for place, axis in enumerate(axes)} for number in range(3)]
    table = search_of(make, axes, trials)
    text = on_terminal(table, 60)
    assert max(map(cells, text.splitlines())) <= 60
    for line in table.lines:
        assert "".join(line.setting.split()) in "".join(text.split()), "nothing of a name is lost"


@pytest.mark.parametrize("width", WIDTHS)
def test_candidates_of_a_confirm_stage_are_called_as_it_calls_them(ledger, width):
    """What they stand for is said below: it would take the room of the figures that decide."""
    options = {
        "baseline": {"optimizer.lr": 0.005, "loss.gamma": 0, "model.activation": "relu"},
        "best 1": {"optimizer.lr": 0.01333, "loss.gamma": 2.536, "model.activation": "leaky_relu"},
    }
    labels = {name: f"{name}: {pairs_text(settings)}" for name, settings in options.items()}
    report = replace(SPACE.report, rows=AXIS, baseline="baseline", labels=labels)
    bench = Bench(
        ledger, replace(SPACE, name="s (confirm)", axes=[Axis(AXIS, Grid([*options], options))], report=report)
    )
    for name in options:
        for seed in bench.space.seeds:
            bench.run({AXIS: name}, seed, np.arange(40) < 20 + seed, np.arange(30) < 15 + seed)
    text = on_terminal(comparison_table(bench.opened), width)
    assert max(map(cells, text.splitlines())) <= width
    assert [line.split("  ")[0] for line in text.splitlines() if line.startswith(("baseline  ", "best 1  "))] == [
        *options
    ]
    for label in labels.values():
        assert label in paragraphs(text)


def test_a_second_line_is_called_what_it_is_and_stands_only_with_figures(ledger):
    """A candidate of which a run did not learn, by val_loss alone, which a narrow terminal leaves out."""
    options = {"baseline": {"gamma": 0}, "best 1": {"gamma": 2}}
    labels = {name: f"{name}: {pairs_text(settings)}" for name, settings in options.items()}
    report = replace(SPACE.report, rows=AXIS, baseline="baseline", labels=labels)
    space = replace(SPACE, name="s (confirm)", axes=[Axis(AXIS, Grid([*options], options))], report=report)
    bench = Bench(ledger, replace(space, search=replace(space.search, objective=Objective("val_loss", "minimize"))))
    rng = np.random.default_rng(0)
    for name in options:
        for seed in bench.space.seeds:
            stuck = (name, seed) == ("best 1", 2)
            losses = rng.normal(1.4, 0.01, 40) if stuck else rng.gamma(2, 0.1, 40)
            bench.run({AXIS: name}, seed, np.arange(40) < 30 + seed, np.arange(30) < 25 + seed, losses=losses)
    table = comparison_table(bench.opened)
    wide, narrow = (on_terminal(table, width) for width in (250, 60))
    assert "best 1, of runs that learn  " in wide
    assert "diverged at chance" not in wide
    assert "best 1  " in narrow
    assert "of runs that learn" not in narrow
    assert "By val_loss 1 of 3 runs of best 1: gamma=2 did not learn (" in paragraphs(narrow)


def test_labels_keep_their_names(make):
    report = Report(rows="gamma", labels={"0": "plain", "2": "focal"})
    space = replace(GAMMAS, axes=[Axis("gamma", Grid([0, 2])), Axis("lr", Grid([0.1, 0.2]))], report=report)
    study = make(space)
    for gamma in (0, 2):
        for lr in (0.1, 0.2):
            study.trial({"gamma": gamma, "lr": lr}, 0, [0.5])
    text = on_terminal(comparison_table(study.opened), 80)
    assert "plain, lr=0.1" in text
    assert "All of them" not in text


def test_shared_parts():
    assert shared_parts([["a=1", "b=2"], ["a=1", "b=3"]]) == (["a=1"], [["b=2"], ["b=3"]])
    assert shared_parts([["a=1"], ["a=1", "b=3"]]) == ([], [["a=1"], ["a=1", "b=3"]]), "no name is left empty"
    assert shared_parts([["a=1"]]) == ([], [["a=1"]])
    assert shared_parts([]) == ([], [])


def test_trials_that_did_not_finish_say_how_they_ended_at_any_width(make):
    study = make(replace(GAMMAS, seeds=(0, 1, 2)))
    study.trial({"gamma": 0}, 0, [0.5])
    study.trial({"gamma": 0}, 1, [0.25], State.PRUNED)
    study.trial({"gamma": 0}, 2, [], State.FAILED)
    table = comparison_table(study.opened)
    for width in WIDTHS:
        text = paragraphs(on_terminal(table, width))
        assert "1 finished" in text
        assert "1 pruned" in text
        assert "50.00 †" in text
        assert "† Not every seed finished" in text
