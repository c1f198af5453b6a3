"""Searched axes: Optuna sees one trial per complete setting, and importances say when there are none."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from search.core.trial import State
from search.report.figures.searched import importance_figure, parallel_figure, slice_figure
from search.report.figures.style import text
from search.report.table.build import comparison_table
from search.report.table.groups import Group, groups_of
from search.report.table.importance import complete, importances, rebuilt, varied
from search.space.model import Axis, Choice, Condition, Float, Grid, Space
from tests.report.builder import Study

AXES = [
    Axis("lr", Float(1e-4, 1e-1, log=True)),
    Axis("kind", Choice(["<b>plain</b>", None, "%{x}"])),
    Axis("slope", Float(0, 1), Condition("kind", [None])),
    Axis("size", Grid([1, 2, 4])),
]
SPACE = Space("focal", "toy", AXES, {"epochs": 3}, "Search", (0, 1))
TPE = dataclasses.replace(SPACE.search, sampler="tpe", trials=60)


def fill(study: Study, count: int, seeds: Sequence[int] = (0, 1)) -> list[Group]:
    """Settings of which only `lr` matters."""
    for i in range(count):
        kind = ("<b>plain</b>", None, "%{x}")[i % 3]
        lr = 10 ** -(1 + 3 * (i * 7 % count) / count)
        parameters = {
            "lr": lr,
            "kind": kind,
            **({"slope": i / count} if kind is None else {}),
            "size": (1, 2, 4)[i * 5 % 3],
        }
        for seed in seeds:
            study.trial(parameters, seed, [0.9 - 0.2 * abs(math.log10(lr) + 2) + 0.001 * seed], configuration=i)
    return groups_of(study.table, study.read)


def test_one_trial_per_complete_setting_with_the_mean_of_its_seeds(make: Callable[..., Study]) -> None:
    study = make(SPACE)
    study.trial({"lr": 0.1, "kind": None, "slope": 0.5, "size": 1}, 0, [0.5], configuration=0)
    study.trial({"lr": 0.1, "kind": None, "slope": 0.5, "size": 1}, 1, [0.7], configuration=0)
    study.trial({"lr": 0.2, "kind": None, "slope": 0.5, "size": 2}, 0, [0.5], configuration=1)  # lacks a seed
    study.trial({"lr": 0.3, "kind": "%{x}", "size": 2}, 0, [0.5], State.PRUNED, configuration=2)
    study.trial({"lr": 0.4, "kind": "%{x}", "size": 2}, 0, [0.1], configuration=3)
    study.trial({"lr": 0.4, "kind": "%{x}", "size": 2}, 1, [0.3], State.STOPPED, configuration=3)
    groups = complete(groups_of(study.table, study.read))
    found, names = rebuilt(groups, SPACE, varied(groups, SPACE), text)
    assert names == ["lr", "kind", "size"]  # one slope alone
    trials = [(trial.params, trial.value) for trial in found.trials]
    assert trials == [
        ({"lr": 0.1, "kind": "null", "size": 1}, pytest.approx(60)),
        ({"lr": 0.4, "kind": "%{x}", "size": 2}, pytest.approx(20)),
    ]


def test_scales_are_those_of_the_space(make: Callable[..., Study]) -> None:
    groups = fill(make(SPACE), 9)
    found, _ = rebuilt(groups, SPACE, SPACE.axes, text)
    scales = found.trials[1].distributions
    assert isinstance(scales["lr"], FloatDistribution)
    assert scales["lr"].log
    assert scales["kind"] == CategoricalDistribution(("&lt;b&gt;plain&lt;/b&gt;", "null", "%{x}"))
    assert scales["size"] == IntDistribution(1, 4)
    assert isinstance(scales["slope"], FloatDistribution)
    assert not scales["slope"].log


def test_names_of_axes_and_values_are_no_markup(make: Callable[..., Study]) -> None:
    space = dataclasses.replace(SPACE, axes=[Axis("<i>lr</i>", AXES[0].domain), AXES[1]])
    study = make(space)
    for i, kind in enumerate(("<b>plain</b>", None, "%{x}")):
        study.trial({"<i>lr</i>": 0.1 / (i + 1), "kind": kind}, 0, [0.1 * i], configuration=i)
        study.trial({"<i>lr</i>": 0.1 / (i + 1), "kind": kind}, 1, [0.1 * i], configuration=i)
    groups = groups_of(study.table, study.read)
    for figure in (parallel_figure(groups, space, "Parallel"), slice_figure(groups, space, "Slices")):
        assert figure is not None
        shown = figure.to_json().replace("\\u003c", "<")
        assert "&lt;i&gt;lr" in shown.replace("\\u0026", "&")
        assert "<i>" not in shown
        assert "<b>plain" not in shown
    sliced = slice_figure(groups, space, "Slices")
    assert sliced is not None
    assert list(sliced.layout.xaxis2.categoryarray or sliced.layout.xaxis.categoryarray)[1] == "null"  # without quotes


@pytest.mark.slow
def test_many_settings_are_a_hundred_lines_and_it_is_said(make: Callable[..., Study]) -> None:
    groups = fill(make(dataclasses.replace(SPACE, seeds=(0,))), 130, (0,))
    figure = parallel_figure(groups, dataclasses.replace(SPACE, seeds=(0,)), "Parallel")
    assert figure is not None
    assert sum(1 for trace in figure.data if trace.mode == "lines") == 100
    assert figure.layout.title.subtitle.text.startswith("the 100 best of 130 complete settings; ")


class TestImportances:
    @pytest.mark.slow
    def test_what_matters_comes_first_and_the_evaluator_is_named(self, make: Callable[..., Study]) -> None:
        space = dataclasses.replace(SPACE, seeds=(0,))
        found = importances(fill(make(space), 60, (0,)), space)
        assert next(iter(found.values)) == "lr"
        assert sum(found.values.values()) == pytest.approx(1)
        assert all(low <= high for low, high in found.spread.values())
        figure = importance_figure(found, "Importance")
        assert figure is not None
        said = figure.layout.title.subtitle.text.replace("<br>", " ")
        assert said.startswith("PED-ANOVA (Watanabe et al. 2023): share in telling the best 10 % from the rest; ")

    def test_too_few(self, make: Callable[..., Study]) -> None:
        found = importances(fill(make(SPACE), 29), SPACE)
        assert found.remark == "too few: 29 complete settings, importances need 30"
        assert importance_figure(found, "Importance") is None

    @pytest.mark.slow
    def test_the_table_names_them_with_their_evaluator(self, make: Callable[..., Study]) -> None:
        study = make(dataclasses.replace(SPACE, seeds=(0,), search=TPE))
        found = importances(fill(study, 60, (0,)), study.space)
        (said,) = [note for note in comparison_table(study.opened).notes if note.startswith("Importances")]
        assert said.startswith(f"Importances in per cent by {found.evaluator}: ")
        for name, share in found.values.items():
            low, high = found.spread[name]
            assert f"{name} {100 * share:.0f} [{100 * low:.0f}, {100 * high:.0f}]" in said

    def test_the_table_says_that_there_are_too_few(self, make: Callable[..., Study]) -> None:
        study = make(dataclasses.replace(SPACE, search=TPE))
        fill(study, 29)
        said = "No importances of the axes; too few: 29 complete settings, importances need 30."
        assert said in comparison_table(study.opened).notes

    def test_equal_objectives_have_defined_importances(self, make: Callable[..., Study]) -> None:
        space = dataclasses.replace(SPACE, seeds=(0,), axes=[AXES[0], AXES[3]])
        study = make(space)
        for i in range(30):
            study.trial({"lr": 10 ** -(1 + i / 10), "size": (1, 2, 4)[i % 3]}, 0, [0.5], configuration=i)
        found = importances(groups_of(study.table, study.read), space)
        assert all(math.isfinite(share) for share in found.values.values())

    def test_one_axis_has_none(self, focal: Study) -> None:
        groups = groups_of(focal.table, focal.read)
        assert importances(groups, focal.space).remark == "importances need two axes that vary"
        assert parallel_figure(groups, focal.space, "Parallel") is None
