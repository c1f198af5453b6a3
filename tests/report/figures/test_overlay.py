"""Settings laid over one another: which runs stand for one, which are shown, and what line and band are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from search.core.trial import State
from search.report.figures.overlay import metric_figure, over_seeds, rates_figure, same_training
from search.report.table.groups import Group, chosen, groups_of, pair
from search.space.model import Axis, Grid, Report, Space
from tests.report.builder import GAMMAS, Study, full, key_of

BASED = dataclasses.replace(GAMMAS, report=Report(rows="gamma", baseline=2, has_baseline=True))


def groups(study: Study) -> list[Group]:
    return groups_of(study.table, study.read)


class TestGroups:
    def test_finished_and_stopped_runs_stand_for_a_setting_one_per_seed(self, make: Callable[..., Study]) -> None:
        study = make()
        study.trial({"gamma": 0}, 0, [0.6], State.FAILED, configuration=0)
        study.trial({"gamma": 0}, 0, [0.6], configuration=0)
        study.trial({"gamma": 0}, 1, [0.7], State.STOPPED, configuration=0)
        study.trial({"gamma": 0}, 2, [0.9], State.DIVERGED, configuration=0)
        (group,) = groups(study)
        assert [run.trial.number for run in group.runs] == [1, 2]
        assert group.mean == pytest.approx(0.65)
        assert group.name == "gamma=0 (2 of 3 seeds)"

    def test_where_none_did_the_label_says_what_stands_for_it(self, make: Callable[..., Study]) -> None:
        study = make()
        study.trial({"gamma": 0}, 0, [0.5], State.PRUNED)
        study.trial({"gamma": 0.5}, 0, [0.5], State.RUNNING)
        study.trial({"gamma": 2}, 0, [], State.WAITING)
        assert [group.name for group in groups(study)] == ["gamma=0 (pruned)", "gamma=0.5 (running)"]

    def test_a_long_label_is_numbered(self, make: Callable[..., Study]) -> None:
        study = make(Space("focal", "toy", [Axis("gamma", Grid(["a" * 60]))], {"epochs": 3}, "", (0,)))
        study.trial({"gamma": "a" * 60}, 0, [0.5], configuration=17)
        (group,) = groups(study)
        assert (group.short, group.name) == ("configuration 17", "17: gamma=" + "a" * 60)


class TestChoice:
    @pytest.fixture
    def many(self, make: Callable[..., Study]) -> Callable[[Space], list[Group]]:
        def build(space: Space) -> list[Group]:
            study = make(dataclasses.replace(space, seeds=(0,), axes=[Axis("gamma", Grid(list(range(12))))]))
            for gamma in range(12):
                study.trial({"gamma": gamma}, 0, [gamma / 20], configuration=gamma)
            return groups(study)

        return build

    def test_few_settings_are_all_shown(self, focal: Study) -> None:
        found = groups(focal)
        assert chosen(found, GAMMAS) == (found, "")

    def test_the_best_are_shown_in_the_order_of_the_table_and_it_is_said(
        self, many: Callable[[Space], list[Group]]
    ) -> None:
        shown, words = chosen(many(GAMMAS), GAMMAS)
        assert [group.parameters["gamma"] for group in shown] == [4, 5, 6, 7, 8, 9, 10, 11]
        assert words == "the 8 best of 12 settings by mean val_accuracy"

    def test_the_baseline_is_always_among_them(self, many: Callable[[Space], list[Group]]) -> None:
        shown, words = chosen(many(BASED), BASED)
        assert [group.parameters["gamma"] for group in shown] == [2, 5, 6, 7, 8, 9, 10, 11]
        assert words == "the 7 best of 12 settings by mean val_accuracy and the baseline"

    def test_settings_that_are_one_training_take_one_place(self, make: Callable[..., Study]) -> None:
        space = dataclasses.replace(GAMMAS, seeds=(0,), axes=[Axis("gamma", Grid(list(range(12))))])
        study = make(space)
        for gamma in range(12):
            study.trial({"gamma": gamma}, 0, [0.5], keys=[key_of(gamma // 6)])
        shown, words = chosen(groups(study), space)
        assert [group.parameters["gamma"] for group in shown] == [0, 6]
        assert words.endswith("settings that are one training (10 of them) shown once")

    def test_two_are_the_baseline_and_the_best_other_one(self, focal: Study) -> None:
        found = groups(focal)
        assert [group.parameters["gamma"] for group in pair(found, GAMMAS) or ()] == [0, 2]
        focal.space = BASED
        based = groups(focal)
        assert [group.parameters["gamma"] for group in pair(based, BASED) or ()] == [2, 0.5]

    def test_pruned_settings_are_not_compared(self, make: Callable[..., Study]) -> None:
        study = make()
        study.trial({"gamma": 0}, 0, [0.5], State.PRUNED)
        study.trial({"gamma": 2}, 0, [0.5])
        assert pair(groups(study), GAMMAS) is None


class TestMetric:
    def test_line_and_band_are_mean_and_range_over_seeds_in_per_cent(self, make: Callable[..., Study]) -> None:
        study = make()
        for seed, curve in enumerate([[0.1, 0.2, 0.3], [0.2, 0.4, 0.6], [0.3, 0.3, 0.3]]):
            study.trial({"gamma": 0}, seed, curve, configuration=0)
        figure = metric_figure(groups(study), "val_accuracy", "Accuracy")
        assert figure is not None
        band, line, key = figure.data
        assert list(line.x) == [1, 2, 3]
        assert list(line.y) == pytest.approx([20, 30, 40])
        assert list(zip(band.x, band.y, strict=True)) == [
            *[(1, 30), (2, pytest.approx(40)), (3, pytest.approx(60))],
            *[(3, 30), (2, 20), (1, 10)],
        ]
        assert (key.name, line.showlegend, key.showlegend) == ("gamma=0", False, True)
        assert "no interval" in figure.layout.title.subtitle.text
        assert figure.layout.yaxis.title.text == "validation accuracy (%)"

    def test_a_line_ends_where_the_first_seed_does_and_it_is_said(self, make: Callable[..., Study]) -> None:
        study = make()
        study.trial({"gamma": 0}, 0, [0.1, 0.2, 0.3], State.STOPPED, configuration=0)
        study.trial({"gamma": 0}, 1, [0.2, 0.4], State.STOPPED, configuration=0)
        found = groups(study)
        assert over_seeds(found[0], "val_accuracy")[0] == [1, 2]
        figure = metric_figure(found, "val_accuracy", "Accuracy")
        assert figure is not None
        assert figure.layout.title.subtitle.text.endswith("a line ends where the first of its seeds does")

    def test_what_is_not_finite_is_a_gap(self, make: Callable[..., Study]) -> None:
        study = make()
        study.trial({"gamma": 0}, 0, [0.1, float("nan"), 0.3])
        assert over_seeds(groups(study)[0], "val_accuracy")[2] == [0.1, None, 0.3]

    def test_settings_differ_without_colour(self, focal: Study) -> None:
        figure = metric_figure(groups(focal), "val_accuracy", "Accuracy")
        assert figure is not None
        keys = [trace for trace in figure.data if trace.showlegend]
        assert len({trace.line.dash for trace in keys}) == len({trace.marker.symbol for trace in keys}) == 3

    def test_runs_that_diverge_leave_the_frame(self, make: Callable[..., Study]) -> None:
        """Their last values may be a billion times those of the others."""
        study = make()
        study.trial({"gamma": 0}, 0, [3.0, 2.0, 1.0], metrics=lambda _, value: {"val_mse": value})
        mse = [3.0, 1e30, float("nan")]
        study.trial({"gamma": 2}, 0, mse, State.DIVERGED, metrics=lambda _, value: {"val_mse": value})
        figure = metric_figure(groups(study), "val_mse", "Error", unit="square degrees")
        assert figure is not None
        low, high = figure.layout.yaxis.range
        assert (low < 1.0, 3.0 < high < 4.0) == (True, True)
        lost = figure.data[2]
        assert [lost.y[0], lost.y[2]] == [3.0, None]
        assert high < lost.y[1] < 10
        assert figure.layout.title.subtitle.text.endswith("what diverges leaves the frame")
        assert figure.layout.yaxis.title.text == "validation mse (square degrees)"

    def test_a_run_that_diverges_near_the_others_stays_in_the_frame(self, make: Callable[..., Study]) -> None:
        study = make()
        study.trial({"gamma": 0}, 0, [0.1, 0.5, 0.6])
        study.trial({"gamma": 2}, 0, [0.1, 0.05], State.DIVERGED)
        figure = metric_figure(groups(study), "val_accuracy", "Accuracy")
        assert figure is not None
        assert figure.layout.yaxis.range is None
        assert "diverges" not in figure.layout.title.subtitle.text

    def test_a_metric_nobody_measured_has_no_figure(self, focal: Study) -> None:
        assert metric_figure(groups(focal), "recall", "Recall") is None

    def test_settings_that_are_one_training_are_named(self, make: Callable[..., Study]) -> None:
        study = make()
        study.trial({"gamma": 0}, 0, [0.1], keys=[key_of("same")])
        study.trial({"gamma": 2}, 0, [0.1], keys=[key_of("same")])
        assert same_training(groups(study)) == "one training, so one line: gamma=0 = gamma=2"


class TestRates:
    def test_equal_rates_share_a_line(self, focal: Study) -> None:
        figure = rates_figure(groups(focal), "Rate")
        assert figure is not None
        line, key = figure.data
        assert list(line.x) == [0, 1, 2, 3]
        assert list(line.y) == pytest.approx([0.1, 0.1, 0.05, 0.1 / 3])
        assert (line.line.shape, key.name) == ("vh", "all 3 settings")

    def test_different_ones_have_lines_of_their_own(self, make: Callable[..., Study]) -> None:
        study = make()
        study.trial({"gamma": 0}, 0, [0.1, 0.2], metrics=full)
        study.trial({"gamma": 0.5}, 0, [0.1, 0.2], metrics=lambda e, v: {**full(e, v), "lr": 0.001})
        study.trial({"gamma": 2}, 0, [0.1, 0.2], metrics=full)
        figure = rates_figure(groups(study), "Rate")
        assert figure is not None
        assert [trace.name for trace in figure.data if trace.showlegend] == ["gamma=0; gamma=2", "gamma=0.5"]
        assert figure.layout.yaxis.type == "log"

    def test_a_workload_without_a_rate_has_no_figure(self, make: Callable[..., Study]) -> None:
        study = make()
        study.trial({"gamma": 0}, 0, [0.1])
        assert rates_figure(groups(study), "Rate") is None
