"""The comparison table's numbers, marks, order and footnotes."""

from __future__ import annotations

import re
import statistics
from dataclasses import replace

import pytest

from search.core.trial import State
from search.report.formats.columns import table_sheet
from search.report.formats.hypertext import html_table
from search.report.formats.latex import latex_table
from search.report.formats.render import table_frame, table_markdown
from search.report.table.build import comparison_table
from search.space.model import Axis, Choice, Float, Grid, Objective, Published, Report, Search
from tests.report.builder import GAMMAS, full, key_of

ROWS = replace(GAMMAS, report=Report(rows="gamma"))


def notes_of(study) -> str:
    return "\n".join(comparison_table(study.opened).notes)


def only(study):
    (line,) = comparison_table(study.opened).lines
    return line


def test_means_and_spreads_over_seeds(focal):
    table = comparison_table(focal.opened)
    assert table.metrics == ["val_accuracy", "test_accuracy"]
    for configuration, line in enumerate(table.lines):
        values = [(74 + 3 * configuration + 2 * seed * seed) / 137 for seed in range(3)]
        assert line.cells["val_accuracy"].mean == pytest.approx(statistics.fmean(values), abs=1e-15)
        assert line.cells["val_accuracy"].sd == pytest.approx(statistics.stdev(values), abs=1e-15)
        tests = [value - 1 / 7 for value in values]
        assert line.cells["test_accuracy"].mean == pytest.approx(statistics.fmean(tests), abs=1e-15)
        assert line.chosen.mean == pytest.approx(statistics.fmean(tests) + 0.01, abs=1e-15)
        assert (line.finished, line.seeds, line.epochs, line.seconds) == (3, 3, 3.0, 2.25)
        assert (line.ending, line.partial) == ("", False)
    assert [line.setting for line in table.lines] == ["gamma=0", "gamma=0.5", "gamma=2"]


def test_the_footnotes_say_what_the_number_is(focal):
    notes = comparison_table(focal.opened).notes
    assert notes == [
        "val_accuracy: mean over 3 seeds, at the last epoch, on 4 validation images; higher is better.",
        "No interval and no p value for val_accuracy: they need predictions, and the rows hold no predictions on val "
        "images. The sd over seeds says how far these runs lie apart, not how far a new run on new images may fall.",
        "test_accuracy: at the epoch that each run chose on validation.",
        "Data: 2 images twice",
    ]


def test_a_column_that_is_not_there_is_not_explained(make):
    study = make(replace(GAMMAS, seeds=(0,)))
    study.trial({"gamma": 0}, 0, [0.1, 0.2, 0.5])
    sheet = table_sheet(comparison_table(study.opened))
    assert not any("sd over seeds" in column.head for column in sheet.columns)
    assert any(note.startswith("No interval and no p value for val_accuracy") for note in sheet.notes)
    assert "sd over seeds" not in notes_of(study)


def test_best_epoch_is_read_for_test_as_well_and_marked(focal):
    focal.space = replace(ROWS, report=Report(rows="gamma", value="best"))
    line = comparison_table(focal.opened).lines[0]
    values = [(74 + 2 * seed * seed) / 137 + 0.01 for seed in range(3)]
    assert line.cells["val_accuracy"].mean == pytest.approx(statistics.fmean(values), abs=1e-15)
    assert line.cells["test_accuracy"].mean == pytest.approx(statistics.fmean(values) - 1 / 7, abs=1e-15)
    assert "‡ Chosen on the same images: the level is optimistic." in notes_of(focal)
    assert "at the epoch with the best val_accuracy" in notes_of(focal)


def test_a_pruned_seed_is_left_out_and_said(make):
    study = make()
    study.trial({"gamma": 0}, 0, [0.1, 0.2, 0.5], configuration=0)
    study.trial({"gamma": 0}, 1, [0.1, 0.2, 0.7], State.STOPPED, configuration=0)
    study.trial({"gamma": 0}, 2, [0.9], State.PRUNED, ended_by="rung 1", configuration=0)
    line = only(study)
    assert line.cells["val_accuracy"].mean == pytest.approx(0.6)
    assert (line.finished, line.seeds, line.partial) == (2, 3, True)
    assert line.ending == "1 finished, 1 stopped, 1 pruned"
    assert line.epochs == pytest.approx(7 / 3)
    assert "† Not every seed finished" in notes_of(study)
    assert ": mean over those that finished of " in notes_of(study)


def test_where_all_are_pruned_the_value_is_at_their_last_epoch(make):
    study = make(replace(GAMMAS, report=Report(value="best")))
    for seed in range(3):
        study.trial({"gamma": 0}, seed, [0.9, 0.2 + seed / 10], State.PRUNED, ended_by="rung 2")
    line = only(study)
    assert line.cells["val_accuracy"].mean == pytest.approx(0.3)
    assert (line.ending, line.finished, line.partial) == ("3 pruned", 0, True)


def test_diverged_runs_are_in_no_mean(make):
    study = make()
    study.trial({"gamma": 0}, 0, [0.5, float("nan")], State.DIVERGED)
    study.trial({"gamma": 0}, 1, [0.5, 0.5, 0.25])
    study.trial({"gamma": 0}, 2, [0.5, 0.5, 0.75])
    for seed in range(3):
        study.trial({"gamma": 2}, seed, [float("inf")], State.DIVERGED)
    mixed, gone = comparison_table(study.opened).lines
    assert (mixed.cells["val_accuracy"].mean, mixed.ending, mixed.diverged) == (0.5, "2 finished, 1 diverged", False)
    assert (gone.cells["val_accuracy"].mean, gone.ending, gone.diverged) == (None, "3 diverged", True)


@pytest.mark.parametrize("state", [State.FAILED, State.INTERRUPTED, State.RUNNING, State.WAITING])
def test_what_is_not_done_has_no_value(make, state):
    study = make()
    study.trial({"gamma": 0}, 0, [0.5], state)
    line = only(study)
    assert line.cells["val_accuracy"].mean is None
    assert line.ending == f"1 {state.value}, 2 not started"
    assert not line.diverged


def test_one_seed_has_no_spread(make):
    study = make(replace(GAMMAS, seeds=(0,)))
    study.trial({"gamma": 0}, 0, [0.5, 0.5, 0.7])
    line = only(study)
    assert (line.cells["val_accuracy"].mean, line.cells["val_accuracy"].sd, line.ending) == (0.7, None, "")
    assert "One run per setting: a rerun may reverse any order." in notes_of(study)
    assert "val_accuracy: the run of 1 seed, at the last epoch" in notes_of(study)


def test_equal_values_have_no_spread_and_their_own_mean(make):
    study = make()
    for seed in range(3):
        study.trial({"gamma": 0}, seed, [0.1, 0.1, 0.1])
    assert only(study).cells["val_accuracy"] == replace(only(study).cells["val_accuracy"], mean=0.1, sd=0.0, n=3)


def test_the_same_seed_twice_is_one_seed(make):
    study = make()
    for number in range(2):
        for seed in range(3):
            keys = [key_of(seed, epoch) for epoch in range(3)]
            study.trial({"gamma": 0}, seed, [0.1, 0.2, 0.3 + seed], keys=keys, configuration=number)
    line = only(study)
    assert (line.seeds, line.cells["val_accuracy"].n, line.configuration, line.alone) == (3, 3, 0, 9)


def test_of_a_seed_twice_the_finished_trial_counts(make):
    study = make(replace(GAMMAS, seeds=(0,)))
    study.trial({"gamma": 0}, 0, [0.1], State.FAILED)
    study.trial({"gamma": 0}, 0, [0.1, 0.2, 0.3])
    assert (only(study).cells["val_accuracy"].mean, only(study).ending) == (0.3, "")


def test_settings_that_are_one_training_are_named(make):
    study = make()
    for gamma in (0, 0.5):
        for seed in range(3):
            keys = [key_of("one", seed, epoch) for epoch in range(3)]
            study.trial({"gamma": gamma}, seed, [0.1, 0.2, 0.3], keys=keys)
    assert "Same runs, by construction: gamma=0; gamma=0.5." in notes_of(study)
    assert "All lines: 18 epochs if every trial were trained alone to where it ended, 9 distinct ones;" in notes_of(
        study
    )
    assert [(line.alone, line.distinct) for line in comparison_table(study.opened).lines] == [(9, 9), (9, 0)]


def test_trials_that_needed_no_training_are_counted(make):
    study = make()
    for number, gamma in enumerate((0, 0.5)):
        for seed in range(3):
            keys = [key_of("one", seed, epoch) for epoch in range(3)]
            reused = [1, 2, 3] if number else []
            study.trial({"gamma": gamma}, seed, [0.1, 0.2, 0.3], keys=keys, reused=reused)
    assert "Runs of this study trained 9 epochs; 3 of 6 trials needed no training of their own." in notes_of(study)


def test_many_groups_of_one_training_are_counted_not_listed(make):
    study = make(replace(GAMMAS, seeds=(0,)))
    for number in range(10):
        keys = [key_of(f"pair {number // 2}", 0, epoch) for epoch in range(3)]
        study.trial({"gamma": number / 8}, 0, [0.1, 0.2, 0.3], keys=keys)
    notes = notes_of(study)
    assert "Same runs, by construction: gamma=0.5; gamma=0.625." in notes
    assert "gamma=0.75; gamma=0.875" not in notes
    assert "Same runs, by construction, in 2 more groups of 4 lines." in notes


def test_settings_not_started_are_counted(make):
    study = make()
    assert comparison_table(study.opened).notes == ["No trial has been started."]
    study.trial({"gamma": 0}, 0, [0.1, 0.2, 0.3])
    assert "2 settings have not been started." in notes_of(study)


@pytest.mark.slow
def test_labels_rows_first_and_published_as_text(make):
    axes = [Axis("act", Grid(["relu", "silu"])), Axis("gamma", Grid([2, 0])), Axis("width", Grid([64]))]
    published = Published("paper", n=137, values={"relu": "54.10", "gelu": "75"})
    report = Report(rows="gamma", labels={"0": "CE", "2": "focal 2"}, published=published)
    study = make(replace(GAMMAS, axes=axes, report=report))
    for parameters in study.space.grid():
        study.trial(parameters, 0, [0.1, 0.2, 0.3])
    lines = comparison_table(study.opened).lines
    assert [line.setting for line in lines] == [
        "focal 2, act=relu",
        "focal 2, act=silu",
        "CE, act=relu",
        "CE, act=silu",
    ]
    assert "Published figures that stand beside no line: relu (54.10), gelu (75)." in notes_of(study)


def test_a_published_figure_stands_on_its_line_as_printed(focal):
    values = {"0": "54.01", "0.5": "54.10", "2.0": "60.58"}
    focal.space = replace(ROWS, report=Report(rows="gamma", published=Published("Table 3", n=137, values=values)))
    assert [line.published for line in comparison_table(focal.opened).lines] == ["54.01", "54.10", "60.58"]
    assert "Published: accuracy as printed by Table 3, on 137 images; not measured here." in notes_of(focal)


@pytest.mark.parametrize(
    ("published", "sentence"),
    [
        (
            Published("Table 7", metric="epochs", values={"0": "100"}),
            "Published: epochs as printed by Table 7; not measured here.",
        ),
        (
            Published(values={"0": "54.01"}),
            "Published: accuracy as printed, on a number of images that is not stated; not measured here.",
        ),
    ],
)
def test_what_published_figures_rest_on(focal, published, sentence):
    focal.space = replace(ROWS, report=Report(rows="gamma", published=published))
    assert sentence in notes_of(focal)


def test_a_published_figure_may_be_filed_under_a_label(focal):
    report = Report(rows="gamma", labels={"2": "focal"}, published=Published(values={"focal": "60.58"}))
    focal.space = replace(ROWS, report=report)
    assert [line.published for line in comparison_table(focal.opened).lines] == ["", "", "60.58"]


def test_sampled_studies_are_sorted_and_cut(make):
    search = Search("random", 35)
    study = make(replace(GAMMAS, axes=[Axis("lr", Float(1e-4, 1.0, True))], search=search, seeds=(0,)))
    for number in range(35):
        study.trial({"lr": 0.0123456789 + number}, 0, [0, 0, (number * 13 % 35) / 35])
    study.trial({"lr": 0.5}, 0, [0.99], State.PRUNED)
    table = comparison_table(study.opened)
    values = [line.cells["val_accuracy"].mean for line in table.lines]
    assert values[:35] == sorted((number / 35 for number in range(35)), reverse=True)
    assert table.lines[-1].ending == "1 pruned"
    assert (len(table.shown), len(table.lines)) == (30, 36)
    assert table.lines[0].setting == f"lr={0.0123456789 + table.lines[0].configuration:.4g}"
    assert "The 30 best of 36 lines are shown; 6 more." in table.notes
    assert any("the validation figure of the best of 35 is optimistic" in note for note in table.notes)


def test_what_a_search_found_best_is_marked_in_every_format(make):
    """The figure that chose a row is optimistic, and the row says so; of equally good ones each."""
    study = make(replace(GAMMAS, axes=[Axis("lr", Float(1e-4, 1.0, True))], search=Search("random", 4), seeds=(0,)))
    for number, value in enumerate((0.5, 0.75, 0.25, 0.75)):
        study.trial({"lr": 0.1 + number / 10}, 0, [value], metrics=full)
    table = comparison_table(study.opened)
    assert [line.best_of for line in table.lines] == [4, 4, 0, 0]
    sheet = table_sheet(table)
    column = next(column for column in sheet.columns if column.head == "val_accuracy (%)")
    assert [entry.text for entry in column.entries] == ["75.00 ¶", "75.00 ¶", "50.00", "25.00"]
    (note,) = [note for note in table.notes if note.startswith("¶")]
    assert note == (
        "¶ Sorted by val_accuracy: the validation figure of the best of 4 is optimistic, because the same images chose "
        "it; the next ones are so, too, if less."
    )
    assert table_frame(table)["marks"].tolist() == ["best of 4, optimistic", "best of 4, optimistic", "", ""]
    assert "75.00 ¶" in table_markdown(table)
    assert r"75.00 \P{}" in latex_table(sheet)
    assert "75.00 ¶" in re.sub("<span[^>]*>", "", html_table(sheet))


def test_one_setting_alone_is_no_best(make):
    study = make(replace(GAMMAS, axes=[Axis("lr", Float(1e-4, 1.0, True))], search=Search("random", 1), seeds=(0,)))
    study.trial({"lr": 0.5}, 0, [0.75])
    table = comparison_table(study.opened)
    assert [line.best_of for line in table.lines] == [0]
    assert not any("¶" in note for note in table.notes)


def test_a_minimised_objective_sorts_the_other_way(make):
    search = Search("tpe", 3, objective=Objective("val_loss", "minimize"))
    study = make(replace(GAMMAS, axes=[Axis("gamma", Choice([0, 1, 2]))], search=search, seeds=(0,)))
    for gamma, value in ((0, 0.2), (1, 0.9), (2, 0.5)):
        study.trial({"gamma": gamma}, 0, [value], metrics=full)
    table = comparison_table(study.opened)
    assert [line.parameters["gamma"] for line in table.lines] == [1, 2, 0]
    assert table.metrics == ["val_loss", "val_accuracy", "test_accuracy"]
    assert "lower is better" in table.notes[0]


def test_a_test_metric_that_some_runs_lack_has_no_mean(make):
    study = make()
    for seed in range(3):
        extra = {"test_accuracy": 0.5} if seed else {}
        study.trial({"gamma": 0}, seed, [0.5], metrics=lambda _, value, extra=extra: {"val_accuracy": value, **extra})
    assert only(study).cells["test_accuracy"].mean is None


def test_huge_values_do_not_overflow(make):
    study = make(replace(GAMMAS, search=Search(objective=Objective("val_loss", "minimize"))))
    for seed in range(3):
        study.trial({"gamma": 0}, seed, [(-1) ** seed * 1e308], metrics=lambda _, value: {"val_loss": value})
    cell = only(study).cells["val_loss"]
    assert cell.sd is None or cell.sd < float("inf")
