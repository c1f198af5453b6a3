"""Two settings class by class, differences with their intervals, and cost: the numbers that are drawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from search.core.trial import State
from search.report.figures.classes import per_class_figure, predicted_by, rescues
from search.report.figures.compared import compared_figure, largest_change
from search.report.figures.cost import cost_figure, front
from search.report.figures.forest import ForestRow, forest_figure, said
from search.report.table.groups import groups_of
from tests.report.builder import Study, full

TRUTH = np.array([0, 0, 1, 1, 2])
ONE = predicted_by("one", TRUTH, [np.array([0, 0, 0, 0, 2]), np.array([0, 1, 0, 0, 2])], 4)
OTHER = predicted_by("other", TRUTH, [np.array([0, 0, 1, 0, 1])], 4)


class TestConfusions:
    def test_seeds_are_put_together(self) -> None:
        assert ONE.counts.tolist() == [[3, 1, 0, 0], [4, 0, 0, 0], [0, 0, 2, 0], [0, 0, 0, 0]]
        assert ONE.accuracy == 5 / 10

    def test_both_matrices_are_shares_of_their_rows(self) -> None:
        figure = compared_figure(ONE, OTHER, "abcd", "Confusion")
        assert np.asarray(figure.data[0].z)[0].tolist() == [0.75, 0.25, 0, 0]
        assert np.asarray(figure.data[1].z)[1].tolist() == [0.5, 0.5, 0, 0]
        assert [note.text for note in figure.layout.annotations] == [
            "one<br>50.00 %",
            "other<br>60.00 %",
            "second minus first",
        ]

    def test_the_largest_change_is_told(self) -> None:
        assert largest_change(ONE, OTHER, "abcd") == (
            ", the largest of 16 cells, which is picked and not tested: c taken for b, +100.0 points"
        )
        fewer = predicted_by("fewer", TRUTH, [np.array([0, 0, 0, 0, 2])], 4)
        none = predicted_by("none", TRUTH, [np.array([0, 0, 0, 0, 3])], 4)
        assert largest_change(fewer, none, "abcd") == (
            ", the largest of 16 cells, which is picked and not tested: c recognised, -100.0 points"
        )
        assert largest_change(ONE, ONE, "abcd") == ""

    def test_more_and_fewer_differ_by_shape_and_the_area_is_the_difference(self) -> None:
        more, fewer = compared_figure(ONE, OTHER, "abcd", "Confusion").data[2:]
        assert sorted(zip(more.y, more.x, strict=True)) == [(0, 0), (1, 1), (2, 1)]
        assert sorted(zip(fewer.y, fewer.x, strict=True)) == [(0, 1), (1, 0), (2, 2)]
        assert (more.marker.symbol, fewer.marker.symbol) == ("square", "square-open")
        sizes = dict(zip(zip(more.y, more.x, strict=True), more.marker.size, strict=True))
        assert (sizes[0, 0] / sizes[2, 1]) ** 2 == pytest.approx(0.25)  # 25 points against 100

    def test_equal_settings_have_no_square(self) -> None:
        figure = compared_figure(ONE, ONE, "abcd", "Confusion")
        assert [len(trace.x) for trace in figure.data[2:]] == [0, 0]
        assert figure.layout.title.subtitle.text.endswith("no difference")


class TestClasses:
    def test_rescued_is_what_the_reference_never_got_right(self) -> None:
        assert rescues([ONE, OTHER]) == ([1], [2])
        assert rescues([OTHER, ONE]) == ([2], [1])
        assert rescues([ONE]) == ([], [])

    def test_accuracies_of_classes_with_images_and_marks_that_print(self) -> None:
        figure = per_class_figure([ONE, OTHER], ["rose", "<i>", "lily", "none"], "Classes")
        assert [list(trace.x) for trace in figure.data] == [[75, 0, 100], [100, 50, 0]]
        assert list(figure.layout.yaxis.ticktext) == [
            *("rose (2)", "<b>&lt;i&gt; (2) ▲</b>", "<b>lily (1) ▼</b>", "none (0)"),
        ]
        subtitle = figure.layout.title.subtitle.text.replace("<br>", " ")
        assert subtitle.endswith(
            "▲ never right with one, but else: &lt;i&gt;; ▼ right with one alone: lily; the extremes picked out of 4 "
            "classes, of which some are so by chance"
        )
        plain = per_class_figure([ONE, ONE], ["rose", "<i>", "lily", "none"], "Classes")
        assert "picked" not in plain.layout.title.subtitle.text
        assert len({trace.marker.symbol for trace in figure.data}) == 2


class TestForest:
    rows = (
        ForestRow("better", 0.05, 0.01, 0.09, "estimated"),
        ForestRow("undecided", 0.05, -0.01, 0.11),
        ForestRow("one run", -0.02, None, None, "this run, new images"),
        ForestRow("none", None, None, None, "pruned"),
        ForestRow("broken", float("nan"), 0.0, 0.0),
    )

    def test_rows_stand_by_what_their_interval_says(self) -> None:
        figure = forest_figure(self.rows, "Differences")
        assert figure is not None
        found = {trace.name: (list(trace.y), trace.marker.symbol) for trace in figure.data}
        assert found == {
            "interval without zero": ([0], "circle"),
            "interval holds zero": ([1], "circle-open"),
            "no interval": ([2], "x"),
        }
        (bars,) = (trace.error_x for trace in figure.data if trace.name == "interval holds zero")
        assert list(bars.array) == pytest.approx([6])
        assert list(bars.arrayminus) == pytest.approx([6])

    def test_numbers_stand_beside_the_rows(self) -> None:
        assert [said(row) for row in self.rows] == [
            *("+5.0 [+1.0, +9.0] estimated", "+5.0 [-1.0, +11.0]", "-2.0 this run, new images", "pruned"),
            "not estimable",
        ]

    def test_an_interval_that_ends_at_zero_holds_it(self) -> None:
        figure = forest_figure([ForestRow("edge", 0.05, 0.0, 0.1)], "Differences")
        assert figure is not None
        assert [trace.name for trace in figure.data] == ["interval holds zero"]

    def test_no_rows_no_figure_and_rows_without_estimates_are_drawn(self) -> None:
        assert forest_figure([], "Differences") is None
        figure = forest_figure([self.rows[3]], "Differences")
        assert figure is not None
        assert [note.text for note in figure.layout.annotations] == ["pruned"]

    def test_the_margin_is_drawn_on_both_sides(self) -> None:
        figure = forest_figure(self.rows, "Differences", margin=0.02)
        assert figure is not None
        assert [line.x0 for line in figure.layout.shapes] == [0, -2, 2]


class TestCost:
    def test_the_front_is_what_no_cheaper_one_equals(self) -> None:
        assert front([3, 1, 2, 2], [0.5, 0.5, 0.4, 0.7]) == [1, 3]
        assert front([3, 1, 2, 2], [0.5, 0.5, 0.4, 0.7], maximize=False) == [1, 2]

    def test_means_over_seeds_against_epochs_and_seconds(self, make: Callable[..., Study]) -> None:
        study = make()
        study.trial({"gamma": 0}, 0, [0.1, 0.5], configuration=0, seconds=2.0, metrics=full)
        study.trial({"gamma": 0}, 1, [0.1, 0.2, 0.7], configuration=0, seconds=2.0, metrics=full)
        study.trial({"gamma": 2}, 0, [0.3], configuration=1, seconds=1.0, metrics=full)
        figure = cost_figure(groups_of(study.table, study.read), "val_accuracy", "last", "Cost")
        assert figure is not None
        epochs = [(trace.x[0], trace.y[0]) for trace in figure.data if trace.xaxis == "x" and trace.mode == "markers"]
        seconds = [(trace.x[0], trace.y[0]) for trace in figure.data if trace.xaxis == "x2" and trace.mode == "markers"]
        assert epochs == [(2.5, pytest.approx(60)), (1, pytest.approx(30))]
        assert seconds == [(5, pytest.approx(60)), (1, pytest.approx(30))]

    def test_what_lacks_seeds_is_open_and_on_no_line_and_seconds_order_nothing(
        self, make: Callable[..., Study]
    ) -> None:
        study = make()
        for gamma, value, length in ((0, 0.5, 2), (0.5, 0.6, 3)):
            for seed in range(3):
                study.trial({"gamma": gamma}, seed, [0.1, 0.2, value][-length:], metrics=full)
        study.trial({"gamma": 2}, 0, [0.9], metrics=full)
        study.trial({"gamma": 2}, 1, [0.1], State.PRUNED, metrics=full)
        figure = cost_figure(groups_of(study.table, study.read), "val_accuracy", "last", "Cost")
        assert figure is not None
        (line,) = [trace for trace in figure.data if trace.mode == "lines"]
        assert (line.xaxis, list(line.x), list(line.y)) == ("x", [2, 3, 3], pytest.approx([50, 60, 60]))
        assert line.name == "highest mean up to here"
        markers = {trace.name: trace.marker.symbol for trace in figure.data if trace.mode == "markers"}
        assert [name for name, symbols in markers.items() if symbols[0].endswith("-open")] == ["gamma=2 (1 of 3 seeds)"]
        assert figure.layout.title.subtitle.text.endswith(
            "means and costs as measured, no difference is tested here; open: not every seed finished"
        )

    def test_epochs_that_are_all_equal_are_no_panel_and_one_setting_is_no_figure(self, focal: Study) -> None:
        groups = groups_of(focal.table, focal.read)
        figure = cost_figure(groups, "val_accuracy", "last", "Cost")
        assert figure is not None
        assert figure.layout.xaxis.title.text == "seconds of a run"
        assert {trace.mode for trace in figure.data} == {"markers"}
        assert cost_figure(groups[:1], "val_accuracy", "last", "Cost") is None
