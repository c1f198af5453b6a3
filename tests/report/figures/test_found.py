"""The best of a search, setting by setting, and the curve of the expected best where there may be one."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from search.core.trial import State
from search.report.figures.found import MAX_SETTINGS_DRAWN, found_figure, found_sentence
from search.report.record.curves import read_curves
from search.report.table.build import comparison_table
from search.report.table.tried import Tried, tried
from search.space.model import Axis, Float, Objective, Search, Space
from tests.report.builder import Study
from tests.report.figures.drawing import study_figures

SPACE = Space("focal", "toy", [Axis("x", Float(0, 1))], {"epochs": 3}, "Search", (0, 1), Search("random", trials=5))
VALUES = [0.5, 0.7, 0.6, 0.8, 0.65]


def searched(make: Callable[..., Study], space: Space = SPACE, ends: dict[int, State] | None = None) -> Study:
    """Settings of VALUES under two seeds, 0.01 better and worse; `ends` says how the second run of some ended."""
    study = make(space)
    for i, value in enumerate(VALUES):
        study.trial({"x": i / 10}, 0, [0.1, value + 0.01], configuration=i)
        end = (ends or {}).get(i, State.FINISHED)
        study.trial({"x": i / 10}, 1, [0.1, value - 0.01][: 2 if end is State.FINISHED else 1], end, configuration=i)
    return study


def test_a_random_search_of_whole_runs_has_the_curve(make: Callable[..., Study]) -> None:
    found = tried(read_curves(searched(make).opened))
    assert found.values == pytest.approx(VALUES)
    assert found.best == pytest.approx([0.5, 0.7, 0.7, 0.8, 0.8])
    mean_best = [np.mean([max(some) for some in itertools.combinations(VALUES, k)]) for k in range(1, 6)]
    assert found.expected == pytest.approx(dict(enumerate(mean_best, start=1)))
    assert found.why == ""


def test_what_is_lower_may_be_better(make: Callable[..., Study]) -> None:
    space = replace(SPACE, search=Search("random", trials=5, objective=Objective("val_loss", "minimize")))
    found = tried(read_curves(searched(make, space).opened))
    losses = [1 - value for value in VALUES]
    assert found.best == pytest.approx([0.5, 0.3, 0.3, 0.2, 0.2])
    assert (found.expected[1], found.expected[5]) == pytest.approx((np.mean(losses), min(losses)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sampler", "ends", "why"),
    [
        ("tpe", {}, "settings of the sampler tpe depend on one another; only independent random ones are exchangeable"),
        ("random", {2: State.PRUNED}, "1 setting was pruned; the expected best needs every one at full length"),
        ("random", {1: State.FAILED}, "1 setting was not finished; the expected best needs every one at full length"),
    ],
)
def test_others_have_the_best_so_far_and_a_reason(
    make: Callable[..., Study], sampler: str, ends: dict[int, State], why: str
) -> None:
    study = searched(make, replace(SPACE, search=Search(sampler, trials=5)), ends)
    found = tried(read_curves(study.opened))
    assert (found.expected, found.why) == ({}, why)
    assert found.best[-1] == pytest.approx(0.8)
    (drawn,) = [one for one in study_figures(study.opened) if one.name == "study-found"]
    assert drawn.alt.endswith(f"settings. No curve of the expected best: {why}.")
    assert f"no expected best of fewer settings: {why}" in drawn.figure.layout.title.subtitle.text.replace("<br>", " ")
    assert [trace.name for trace in drawn.figure.data] == ["a setting", "best so far in this search"]


def test_a_setting_without_all_its_seeds_has_no_value(make: Callable[..., Study]) -> None:
    study = make(SPACE)
    study.trial({"x": 0.1}, 0, [0.9], configuration=0)
    for seed in (0, 1):
        study.trial({"x": 0.2}, seed, [0.4], configuration=1)
    found = tried(read_curves(study.opened))
    assert (found.values, found.best) == ([None, 0.4], [None, 0.4])
    assert found.why.startswith("1 setting was not finished")


def test_a_diverged_setting_counts_at_chance_and_is_never_the_best(make: Callable[..., Study]) -> None:
    """Three classes: a setting that diverged under one seed of two is worth (0.66 + 1/3) / 2."""
    found = tried(read_curves(searched(make, ends={4: State.DIVERGED}).opened))
    assert found.values[4] is None
    assert found.best[-1] == pytest.approx(0.8)
    assert found.expected[1] == pytest.approx(np.mean([*VALUES[:4], (VALUES[4] + 0.01 + 1 / 3) / 2]))


def test_a_loss_that_diverged_has_no_chance_to_stand_for_it(make: Callable[..., Study]) -> None:
    space = replace(SPACE, search=Search("random", trials=5, objective=Objective("val_loss", "minimize")))
    found = tried(read_curves(searched(make, space, {4: State.DIVERGED}).opened))
    assert found.why == "a setting has no val_loss, and what stands for it is not known"


def test_what_is_drawn_and_said(make: Callable[..., Study]) -> None:
    (drawn,) = [one for one in study_figures(searched(make).opened) if one.name == "study-found"]
    points, best, expected = drawn.figure.data
    assert list(points.y) == pytest.approx([100 * value for value in VALUES])
    assert (list(best.x), list(best.y)) == ([1, 2, 4, 5], pytest.approx([50, 70, 80, 80]))
    assert list(expected.x) == [1, 2, 3, 4, 5]
    assert expected.y[0] == pytest.approx(65)
    assert drawn.alt == (
        "The best was chosen by the figure it is shown with, which is optimistic. "
        "Best val_accuracy so far in per cent: 50.00 after 1, 70.00 after 2, 80.00 after 4, 80.00 after 5 settings; "
        "expected best: 65.00 of 1, 75.50 of 3, 80.00 of 5."
    )
    assert "optimistic" in drawn.figure.layout.title.subtitle.text


def test_a_grid_and_a_single_setting_have_none(focal: Study, make: Callable[..., Study]) -> None:
    assert "study-found" not in [one.name for one in study_figures(focal.opened)]
    assert found_figure(Tried([0.5], [0.5], {1: 0.5}, ""), "val_accuracy", "Best") is None


def test_a_large_search_stays_small() -> None:
    values = np.random.default_rng(0).random(MAX_SETTINGS_DRAWN + 1).tolist()
    best = np.maximum.accumulate(values).tolist()
    figure = found_figure(Tried(values, best, {}, "none"), "val_accuracy", "Best")
    assert figure is not None
    assert [trace.name for trace in figure.data] == ["best so far in this search"]
    assert len(figure.data[0].x) < 40
    assert len(found_sentence(Tried(values, best, {}, "none"), "val_accuracy")) < 200


def test_the_expected_best_of_a_large_search_is_computed_for_some_sizes(
    make: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.report.table.tried.MAX_EXPECTED_SIZES", 10)
    study = make(replace(SPACE, seeds=(0,)))
    for i in range(40):
        study.trial({"x": i / 40}, 0, [i / 40], configuration=i)
    found = tried(read_curves(study.opened))
    assert list(found.expected) == [1, 2, 3, 5, 8, 12, 18, 27, 40]
    assert found.expected[40] == pytest.approx(39 / 40)


def test_the_table_says_what_the_search_was_given(make: Callable[..., Study]) -> None:
    notes = comparison_table(searched(make, ends={2: State.PRUNED}).opened).notes
    assert (
        "Budget: 5 settings from the sampler random, 2 seeds each, at most 3 epochs a trial; 19 epochs in all, 1 of 10 "
        "trials pruned."
    ) in notes
