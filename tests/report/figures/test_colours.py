"""A setting has one colour and one marker in all figures of its study."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

import plotly.graph_objects as go
import pytest

from search.core.trial import State
from search.report.figures.style import COLOURS, MARKERS, NEUTRAL, colour_of, marker_of
from search.report.table.groups import chosen, groups_of
from search.space.model import Axis, Grid, Objective, Report, Search
from tests.report.builder import GAMMAS, Study, full
from tests.report.figures.drawing import study_figures

Look = tuple[str, str]


def drawn(study: Study, *names: str) -> Iterator[tuple[str, go.Scatter]]:
    """Yield the traces that stand for a setting, with the figure's name."""
    labels = {group.name for group in groups_of(study.table, study.read)}
    for figure in study_figures(study.opened):
        for trace in figure.figure.data:
            if trace.type == "scatter" and trace.name in labels:
                yield figure.name, trace


def looks(study: Study) -> dict[str, dict[str, set[Look]]]:
    """Return setting -> figure -> colours and markers it has there."""
    found: dict[str, dict[str, set[Look]]] = defaultdict(lambda: defaultdict(set))
    for figure, trace in drawn(study):
        symbol = trace.marker.symbol
        symbols = {symbol} if isinstance(symbol, str) else set(symbol)
        colour = trace.marker.color or trace.line.color
        found[trace.name][figure] |= {(colour, one.removesuffix("-open")) for one in symbols}
    return found


def study_of(make: Callable[..., Study], accuracies: dict[float, list[float]], **changes: object) -> Study:
    axes = [Axis("gamma", Grid(list(accuracies)))]
    study = make(replace(GAMMAS, axes=axes, seeds=(0,), **changes))
    for number, (gamma, curve) in enumerate(accuracies.items()):
        metrics = lambda epoch, value, n=number: {**full(epoch, value), "lr": 0.1 / (n + 1)}  # noqa: E731
        study.trial({"gamma": gamma}, 0, curve, configuration=number, metrics=metrics, predictions=True)
    return study


@pytest.mark.parametrize("order", list(itertools.permutations([0.1, 0.2, 0.3])))
def test_the_order_of_results_changes_no_colour(make: Callable[..., Study], order: tuple[float, ...]) -> None:
    """The baseline leads some figures, and the best setting others."""
    curves = {gamma: [last, last] for gamma, last in zip((0, 0.5, 1), order, strict=True)}
    study = study_of(make, curves, report=Report(rows="gamma", baseline=1, has_baseline=True))
    found = looks(study)
    wanted = {f"gamma={gamma}": {(COLOURS[i], MARKERS[i])} for i, gamma in enumerate((0, 0.5, 1))}
    figures = {"study-objective", "study-learning-rate", "study-classes", "study-cost"}
    assert {name: set(each) for name, each in found.items()} == dict.fromkeys(wanted, figures)
    assert {name: set().union(*each.values()) for name, each in found.items()} == wanted


def test_nor_does_the_order_of_a_search(make: Callable[..., Study]) -> None:
    """Its table is sorted by results, and one setting has no accuracy to draw."""
    search = Search("random", 3, objective=Objective("val_loss", "minimize"))
    study = make(replace(GAMMAS, seeds=(0,), search=search))
    measured = {
        0: {"val_loss": 0.9},
        0.5: {"val_loss": 0.5, "val_accuracy": 0.7},
        2: {"val_loss": 0.7, "val_accuracy": 0.6},
    }
    for number, (gamma, metrics) in enumerate(measured.items()):
        study.trial({"gamma": gamma}, 0, [0.1, 0.2], metrics=lambda *_, m=metrics: m, configuration=number)
    found = looks(study)
    assert {name: set().union(*each.values()) for name, each in found.items()} == {
        f"gamma={gamma}": {(COLOURS[i], MARKERS[i])} for i, gamma in enumerate((0, 0.5, 2))
    }
    assert set(found["gamma=2"]) == {"study-objective", "study-accuracy", "study-cost"}


def test_of_many_settings_those_that_are_drawn_look_different(make: Callable[..., Study]) -> None:
    curves = {float(gamma): [0.1, (7 * gamma % 30) / 30] for gamma in range(30)}
    study = study_of(make, curves)
    groups = groups_of(study.table, study.read)
    shown, _ = chosen(groups, study.space)
    assert sorted(group.place for group in groups) == list(range(30))
    assert [group.place for group in shown] == list(range(8)), "in the order of the file"
    found = looks(study)
    assert all(len(set().union(*each.values())) == 1 for each in found.values())
    seen = [look for each in found.values() for look in set().union(*each.values())]
    assert len(set(seen)) == len(seen) >= 8


def test_places_beyond_the_colours_differ_in_marker(make: Callable[..., Study]) -> None:
    looks = {(colour_of(place), marker_of(place)) for place in range(len(COLOURS) * len(MARKERS))}
    assert len(looks) == len(COLOURS) * len(MARKERS)


def test_what_stands_for_all_settings_has_the_colour_of_none(make: Callable[..., Study]) -> None:
    study = make(replace(GAMMAS, seeds=(0,)))
    for number, gamma in enumerate((0, 2)):
        study.trial({"gamma": gamma}, 0, [0.1, 0.2 + gamma / 10], metrics=full, configuration=number)
    (rates,) = [one.figure for one in study_figures(study.opened) if one.name == "study-learning-rate"]
    assert {trace.line.color for trace in rates.data} == {NEUTRAL}
    assert NEUTRAL not in COLOURS


def test_a_band_has_the_colour_of_its_line(make: Callable[..., Study]) -> None:
    study = make(replace(GAMMAS, seeds=(0, 1)))
    study.trial({"gamma": 0}, 0, [0.1, 0.1], State.RUNNING)
    for seed in (0, 1):
        study.trial({"gamma": 2}, seed, [0.2, 0.3 + seed / 10], configuration=1)
    (figure,) = [one.figure for one in study_figures(study.opened) if one.name == "study-objective"]
    bands = [trace for trace in figure.data if trace.fillcolor]
    lines = [trace for trace in figure.data if trace.name == "gamma=2" and trace.showlegend is False]
    assert [trace.fillcolor for trace in bands] == [lines[0].line.color]
    assert bands[0].opacity < 0.3
