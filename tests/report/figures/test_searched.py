"""Searched axes: which settings are drawn, where, how those that were run again are marked; importances."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from search.core.trial import State
from search.report.figures.parallel import MARKS, parallel_figure
from search.report.figures.scales import Scale, scale_of
from search.report.figures.searched import importance_figure, slice_figure
from search.report.figures.style import text
from search.report.record.curves import identity
from search.report.table.build import comparison_table
from search.report.table.confirmed import Outcome
from search.report.table.groups import Group, groups_of
from search.report.table.importance import as_trials, complete, importances, varied
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


def test_complete_settings_take_part_with_the_mean_of_their_seeds(make: Callable[..., Study]) -> None:
    study = make(SPACE)
    study.trial({"lr": 0.1, "kind": None, "slope": 0.5, "size": 1}, 0, [0.5], configuration=0)
    study.trial({"lr": 0.1, "kind": None, "slope": 0.5, "size": 1}, 1, [0.7], configuration=0)
    study.trial({"lr": 0.2, "kind": None, "slope": 0.5, "size": 2}, 0, [0.5], configuration=1)  # lacks a seed
    study.trial({"lr": 0.3, "kind": "%{x}", "size": 2}, 0, [0.5], State.PRUNED, configuration=2)
    study.trial({"lr": 0.4, "kind": "%{x}", "size": 2}, 0, [0.1], configuration=3)
    study.trial({"lr": 0.4, "kind": "%{x}", "size": 2}, 1, [0.3], State.STOPPED, configuration=3)
    groups = groups_of(study.table, study.read)
    assert [axis.name for axis in varied(complete(groups), SPACE)] == ["lr", "kind", "size"]  # one slope alone
    figure = slice_figure(groups, SPACE, "Slices")
    assert figure is not None
    assert [(list(trace.x), list(trace.y)) for trace in figure.data] == [
        ([0.1, 0.4], pytest.approx([60, 20])),
        ([0, 1], pytest.approx([60, 20])),
        ([1, 2], pytest.approx([60, 20])),
    ]
    assert list(figure.layout.xaxis2.ticktext) == ["null", "%{x}"]
    trials, names = as_trials(complete(groups), SPACE, varied(complete(groups), SPACE), text)
    assert names == ["lr", "kind", "size"]
    assert [(trial.params, trial.value) for trial in trials] == [
        ({"lr": 0.1, "kind": "null", "size": 1}, pytest.approx(60)),
        ({"lr": 0.4, "kind": "%{x}", "size": 2}, pytest.approx(20)),
    ]


def test_scales_are_those_of_the_space(make: Callable[..., Study]) -> None:
    groups = fill(make(SPACE), 9)
    lr, kind, slope, size = (scale_of(axis, groups) for axis in AXES)
    assert (lr.logarithmic, slope.logarithmic, size.logarithmic) == (True, False, False)
    assert list(kind.words) == ["&lt;b&gt;plain&lt;/b&gt;", "null", "%{x}"]
    assert (size.low, size.high) == (1, 4)
    trials, _ = as_trials(groups, SPACE, SPACE.axes, text)
    distributions = trials[1].distributions
    assert isinstance(distributions["lr"], FloatDistribution)
    assert distributions["lr"].log
    assert distributions["kind"] == CategoricalDistribution(("&lt;b&gt;plain&lt;/b&gt;", "null", "%{x}"))
    assert distributions["size"] == IntDistribution(1, 4)


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.booleans(), st.floats(0, 1))
@example(1e-6, 1.0000000000000002e-06, False, 0.0)
@example(1e-6, 1.00000001e-06, False, 0.0)
def test_values_stand_between_the_ends_of_their_scale(
    one: float, other: float, logarithmic: bool, share: float
) -> None:
    low, high = sorted((one, other))
    scale = Scale("x", (), (), low, high, logarithmic)
    assert -1e-9 <= scale.share(low + share * (high - low)) <= 1 + 1e-9
    ticks = [value for value, _ in scale.ticks()]
    assert ticks == sorted(set(ticks))
    assert 1 <= len(ticks) <= 7
    room = 1e-6 * (high - low) + 1e-9 * low
    assert all(low - room <= value <= high + room for value in ticks)


def test_names_of_axes_and_values_are_no_markup(make: Callable[..., Study]) -> None:
    space = dataclasses.replace(SPACE, axes=[Axis("<i>lr</i>", AXES[0].domain), AXES[1]])
    study = make(space)
    for i, kind in enumerate(("<b>plain</b>", None, "%{x}")):
        study.trial({"<i>lr</i>": 0.1 / (i + 1), "kind": kind}, 0, [0.1 * i], configuration=i)
        study.trial({"<i>lr</i>": 0.1 / (i + 1), "kind": kind}, 1, [0.1 * i], configuration=i)
    groups = groups_of(study.table, study.read)
    upright, lying = (parallel_figure(groups, space, "Parallel", lying=lying) for lying in (False, True))
    for figure in (upright, lying, slice_figure(groups, space, "Slices")):
        assert figure is not None
        shown = figure.to_json().replace("\\u003c", "<")
        assert "&lt;i&gt;lr" in shown.replace("\\u0026", "&")
        assert "<i>" not in shown
        assert "<b>plain" not in shown


@pytest.mark.slow
def test_many_settings_are_a_hundred_lines_and_it_is_said(make: Callable[..., Study]) -> None:
    groups = fill(make(dataclasses.replace(SPACE, seeds=(0,))), 130, (0,))
    figure = parallel_figure(groups, dataclasses.replace(SPACE, seeds=(0,)), "Parallel")
    assert figure is not None
    assert sum(list(trace.x).count(None) for trace in figure.data if trace.mode == "lines") == 100
    assert figure.layout.title.subtitle.text.startswith("the 100 best of 130 complete settings; ")


def test_lying_axes_hold_the_same_lines(make: Callable[..., Study]) -> None:
    groups = fill(make(SPACE), 9)
    upright, lying = (parallel_figure(groups, SPACE, "Parallel", lying=lying) for lying in (False, True))
    assert upright is not None
    assert lying is not None
    assert [(trace.x, trace.y) for trace in upright.data] == [(trace.y, trace.x) for trace in lying.data]
    assert lying.layout.width < upright.layout.width


@pytest.mark.parametrize(("kind", "symbol"), MARKS.items())
def test_what_the_confirm_stage_says_is_marked(make: Callable[..., Study], kind: str, symbol: str) -> None:
    groups = fill(make(SPACE), 9)
    again = {identity(groups[0].parameters): Outcome("best 1", kind)}
    words = f"best 1, {groups[0].short}: {again[identity(groups[0].parameters)].words}"
    for figure in (
        parallel_figure(groups, SPACE, "Parallel", confirmed=again),
        parallel_figure(groups, SPACE, "Parallel", confirmed=again, lying=True),
        slice_figure(groups, SPACE, "Slices", confirmed=again),
    ):
        assert figure is not None
        assert {trace.marker.symbol for trace in figure.data if trace.name == words} == {symbol}
        assert sum(bool(trace.showlegend) for trace in figure.data if trace.name == words) == 1


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

    def test_where_none_is_complete_that_is_the_reason(self, make: Callable[..., Study]) -> None:
        study = make(dataclasses.replace(SPACE, search=TPE))
        for i in range(3):
            study.trial({"lr": 0.1 / (i + 1), "size": i}, 0, [0.5], State.PRUNED, configuration=i)
        remark = importances(groups_of(study.table, study.read), study.space).remark
        assert remark == "too few: 0 complete settings, importances need 30"
