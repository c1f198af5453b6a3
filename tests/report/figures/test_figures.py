"""Figures from frames and arrays: what is drawn are the numbers, and series differ without colour."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from search.report.figures.confusion import confusion_figure, confusion_matrix
from search.report.figures.curves import curves_figure, drawn_kinds, rate_figure
from search.report.figures.scatter import scatter_figure

EPOCHS = pd.DataFrame(
    {
        "epoch": [1, 2, 3],
        "lr": [0.1, 0.1, 0.01],
        "train_loss": [2.0, 1.0, 0.5],
        "train_accuracy": [0.25, 0.5, 0.75],
        "val_loss": [2.5, float("nan"), 1.5],
        "val_accuracy": [0.2, 0.4, 0.6],
    }
)


class TestCurves:
    def test_losses_stay_and_accuracies_are_per_cent(self) -> None:
        figure = curves_figure(EPOCHS, "Curves", read=3, units={"val_loss": "nats per image"})
        assert figure is not None
        assert [(line.name, list(line.x), list(line.y)) for line in figure.data] == [
            ("training", [1, 2, 3], [2.0, 1.0, 0.5]),
            ("validation", [1, 2, 3], [2.5, None, 1.5]),
            ("training", [1, 2, 3], [25.0, 50.0, 75.0]),
            ("validation", [1, 2, 3], [20.0, 40.0, 60.0]),
        ]
        assert figure.layout.yaxis.title.text == "loss (nats per image)"
        assert figure.layout.yaxis2.title.text == "accuracy (%)"

    def test_the_objective_is_drawn_whatever_it_is(self) -> None:
        frame = EPOCHS[["epoch"]].assign(val_rmse=[3.0, 2.0, 1.5], train_rmse=[2.0, 1.0, 0.5], val_r2=[0.1, 0.2, 0.3])
        assert drawn_kinds(frame, "val_rmse") == ["rmse"]
        assert drawn_kinds(EPOCHS, "val_loss") == ["loss", "accuracy"]
        figure = curves_figure(frame, "Curves", objective="val_rmse", units={"val_rmse": "degrees"})
        assert figure is not None
        assert [(line.name, list(line.y)) for line in figure.data] == [
            ("training", [2.0, 1.0, 0.5]),
            ("validation", [3.0, 2.0, 1.5]),
        ]
        assert figure.layout.yaxis.title.text == "rmse (degrees)"

    def test_training_and_validation_differ_without_colour(self) -> None:
        figure = curves_figure(EPOCHS, "Curves")
        assert figure is not None
        assert len({line.line.dash for line in figure.data}) == 2
        assert len({line.marker.symbol for line in figure.data}) == 2

    def test_the_epoch_that_tables_read_is_marked_in_both_panels(self) -> None:
        figure = curves_figure(EPOCHS, "Curves", read=2)
        assert figure is not None
        assert [(line.x0, line.x1) for line in figure.layout.shapes] == [(2, 2), (2, 2)]
        assert [note.text for note in figure.layout.annotations] == ["epoch 2", "epoch 2"]

    def test_only_what_was_measured_is_drawn(self) -> None:
        figure = curves_figure(EPOCHS[["epoch", "val_loss"]], "Curves")
        assert figure is not None
        assert [line.name for line in figure.data] == ["validation"]
        assert curves_figure(EPOCHS[["epoch", "lr"]], "Curves") is None


class TestLearningRate:
    def test_a_step_falls_at_the_end_of_the_last_epoch_under_the_old_rate(self) -> None:
        figure = rate_figure(EPOCHS, "Rate")
        assert figure is not None
        (line,) = figure.data
        # vertical, then horizontal: the value of epoch 3 holds from 2 to 3
        assert (list(line.x), list(line.y), line.line.shape) == ([0, 1, 2, 3], [0.1, 0.1, 0.1, 0.01], "vh")

    def test_the_axis_is_logarithmic_where_rates_span_decades_and_names_the_rates(self) -> None:
        figure = rate_figure(EPOCHS, "Rate")
        assert figure is not None
        assert figure.layout.yaxis.type == "log"
        assert list(figure.layout.yaxis.ticktext) == ["0.01", "0.1"]

    def test_of_rates_that_lie_together_one_is_named(self) -> None:
        figure = rate_figure(EPOCHS.assign(lr=[0.00184, 0.00181, 0.1]), "Rate")
        assert list(figure.layout.yaxis.ticktext) == ["0.00181", "0.1"]

    @pytest.mark.parametrize("rates", [[0.1, 0.09, 0.08], [0.1, 0.01, 0.0]])
    def test_and_linear_where_they_do_not_or_reach_zero(self, rates: list[float]) -> None:
        figure = rate_figure(EPOCHS.assign(lr=rates), "Rate")
        assert figure is not None
        assert figure.layout.yaxis.type == "linear"

    def test_a_workload_without_a_rate_has_no_figure(self) -> None:
        assert rate_figure(EPOCHS.drop(columns="lr"), "Rate") is None
        assert rate_figure(EPOCHS.assign(lr=np.nan), "Rate") is None


class TestConfusion:
    truth = np.array([0, 0, 0, 1, 1, 3])
    prediction = np.array([0, 0, 1, 0, 0, 3])

    def test_rows_are_the_truth(self) -> None:
        counts = confusion_matrix(self.truth, self.prediction, 4)
        assert counts.tolist() == [[2, 1, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]]

    def test_cells_are_shares_of_their_row_with_counts_written_in(self) -> None:
        heat, bars = confusion_figure(self.truth, self.prediction, "abcd", "Confusion").data
        assert np.asarray(heat.z)[0].tolist() == [2 / 3, 1 / 3, 0, 0]
        assert list(heat.text[0]) == ["2", "1", "", ""]
        assert list(bars.text) == ["67 (2/3)", "0 (0/2)", "no images", "100 (1/1)"]

    def test_the_subtitle_counts_what_is_right_and_names_what_never_is(self) -> None:
        figure = confusion_figure(self.truth, self.prediction, "abcd", "Confusion", "trial 3")
        assert figure.layout.title.subtitle.text == "trial 3; 3 of 6 right (50.00 %); never right: b"

    def test_the_matrix_that_report_a_prints_is_not_of_the_accuracy_it_prints(self) -> None:
        # 77 on the diagonal of 137, as in the report's matrix: 56.20 %, not 60.58 %
        truth = np.zeros(137, dtype=int)
        figure = confusion_figure(truth, np.where(np.arange(137) < 77, 0, 1), "ab", "Confusion")
        assert figure.layout.title.subtitle.text == "77 of 137 right (56.20 %)"

    def test_a_hundred_classes_are_named_and_no_counts_are_written(self) -> None:
        names = [f"flower {i}" for i in range(102)]
        every = np.arange(102)
        figure = confusion_figure(every, every, names, "Confusion")
        assert figure.data[0].text is None
        assert list(figure.layout.yaxis.ticktext) == list(figure.layout.xaxis.ticktext) == names
        assert figure.layout.height > 102 * figure.layout.yaxis.tickfont.size


class TestScatter:
    @staticmethod
    def points(classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        label = np.repeat(np.arange(classes), 3)
        return label + np.tile([-1.0, 0.0, 1.0], classes), label * 2.0, label

    def test_every_point_stands_in_the_trace_of_its_class(self) -> None:
        figure = scatter_figure(*self.points(3), ["rose", "tulip", "lily"], "t-SNE")
        assert [(trace.name, list(trace.x), list(trace.y)) for trace in figure.data] == [
            ("1 rose", [-1, 0, 1], [0, 0, 0]),
            ("2 tulip", [0, 1, 2], [2, 2, 2]),
            ("3 lily", [1, 2, 3], [4, 4, 4]),
        ]

    def test_numbers_of_the_list_stand_at_the_median_of_their_points(self) -> None:
        figure = scatter_figure(*self.points(3), ["rose", "tulip", "lily"], "t-SNE")
        tags = [(note.text, note.x, note.y) for note in figure.layout.annotations]
        assert tags == [("<b>1</b>", 0, 0), ("<b>2</b>", 1, 2), ("<b>3</b>", 2, 4)]

    def test_short_names_stand_for_themselves(self) -> None:
        figure = scatter_figure(*self.points(2), ["0", "1"], "t-SNE")
        assert [trace.name for trace in figure.data] == ["0", "1"]
        assert [note.text for note in figure.layout.annotations] == ["<b>0</b>", "<b>1</b>"]

    @pytest.mark.parametrize("classes", [20, 102])
    def test_no_two_classes_share_colour_and_marker(self, classes: int) -> None:
        figure = scatter_figure(*self.points(classes), [f"flower {i}" for i in range(classes)], "t-SNE")
        looks = {(trace.marker.color, trace.marker.symbol) for trace in figure.data}
        assert len(looks) == len(figure.data) == classes

    def test_the_list_of_a_hundred_classes_has_columns_inside_the_figure(self) -> None:
        figure = scatter_figure(*self.points(102), [f"flower {i}" for i in range(102)], "t-SNE")
        assert {trace.legend for trace in figure.data} == {"legend", "legend2", "legend3"}
        margin = figure.layout.margin
        plot = figure.layout.width - margin.l - margin.r
        assert figure.layout.legend3.x * plot + margin.l < figure.layout.width - 100
        assert figure.layout.height - margin.t - margin.b >= 34 * 19

    def test_a_class_without_points_is_left_out(self) -> None:
        figure = scatter_figure(*self.points(2), ["rose", "tulip", "lily"], "t-SNE")
        assert [trace.name for trace in figure.data] == ["1 rose", "2 tulip"]


def test_names_of_others_are_no_markup() -> None:
    hostile = "<a href='x'>&"
    figures = [
        scatter_figure(np.zeros(1), np.zeros(1), np.zeros(1, dtype=int), [hostile], hostile, hostile),
        confusion_figure(np.zeros(1), np.zeros(1), [hostile], hostile, hostile),
        curves_figure(EPOCHS, hostile, hostile),
    ]
    for figure in figures:
        assert figure is not None
        assert not re.search("<a|&(?!amp;|lt;|gt;)", re.sub(r"\\u0026", "&", figure.to_json().replace("\\u003c", "<")))


def test_a_long_subtitle_is_broken_and_the_figure_grows() -> None:
    short, long = curves_figure(EPOCHS, "Curves", "one"), curves_figure(EPOCHS, "Curves", "many words " * 40)
    assert short is not None
    assert long is not None
    lines = long.layout.title.subtitle.text.split("<br>")
    assert len(lines) > 1
    assert long.layout.height - short.layout.height == 16 * (len(lines) - 1)
