"""The narrow layout: panels below one another that do not touch, a legend below, nothing shrunk."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plotly.subplots import make_subplots

from search.report.figures.narrow import MAX_TICKS, NARROW_PX, PANEL_PX, PHONE_PX, TYPE_PX, narrow
from search.report.figures.overlay import metric_figure, spread
from search.report.figures.style import dressed, hinted, legend_below, legend_beside
from search.report.table.groups import groups_of
from tests.report.builder import Study


def panels(count: int, **hints: Any) -> dict[str, Any]:
    figure = make_subplots(cols=count, shared_yaxes=True)
    for column in range(1, count + 1):
        figure.add_trace(go.Scatter(x=[1, 2], y=[3, 4], name="a setting", showlegend=column == 1), 1, column)
        figure.update_xaxes(title=f"panel {column}", col=column)
    figure.update_yaxes(title="accuracy (%)", col=1)
    content: dict[str, Any] = json.loads(hinted(legend_below(dressed(figure, "Title")), **hints).to_json())
    return content


@pytest.mark.parametrize("count", [1, 2, 6])
def test_panels_lie_below_one_another_and_do_not_touch(count: int) -> None:
    layout = narrow(panels(count))["layout"]
    names = ["yaxis", *(f"yaxis{i}" for i in range(2, count + 1))]
    domains = [layout[name]["domain"] for name in names]
    assert domains[0][1] == pytest.approx(1)
    assert domains[-1][0] == pytest.approx(0)
    assert all(above[0] > below[1] for above, below in itertools.pairwise(domains))
    inner = layout["height"] - layout["margin"]["t"] - layout["margin"]["b"]
    assert [round(inner * (high - low)) for low, high in domains] == [PANEL_PX] * count
    assert all(layout[name.replace("y", "x")]["domain"] == [0, 1] for name in names)
    assert all(layout[name].get("matches") is None and layout[name]["showticklabels"] for name in names if count > 1)


def test_type_keeps_its_size_and_ticks_become_few() -> None:
    layout = narrow(panels(1))["layout"]
    assert layout["font"]["size"] == TYPE_PX >= 11
    assert layout["xaxis"]["nticks"] == layout["yaxis"]["nticks"] == MAX_TICKS
    assert "width" not in layout
    assert PHONE_PX < NARROW_PX


def test_the_title_of_the_vertical_axis_stands_above_it() -> None:
    layout = narrow(panels(2))["layout"]
    assert [note["text"] for note in layout["annotations"]] == ["accuracy (%)"]
    assert layout["yaxis"]["title"] == {}
    assert layout["xaxis2"]["title"]["text"] == "panel 2"


def test_the_legend_has_room_below() -> None:
    few, more = panels(1), panels(1)
    more["data"] += [{**more["data"][0], "name": "two<br>lines"}]
    low, high = (narrow(content)["layout"] for content in (few, more))
    assert low["legend"]["orientation"] == "v"
    assert high["margin"]["b"] - low["margin"]["b"] == high["height"] - low["height"] == 38


def test_hints_are_followed() -> None:
    content = panels(2, panel=100, last_labels=True, markers=0.5, legend=False)
    content["data"][0]["marker"] = {"size": [10, 2], "color": "#000000"}
    made = narrow(content)
    assert made["layout"]["showlegend"] is False
    assert made["layout"]["xaxis"]["showticklabels"] is False
    assert made["layout"]["xaxis2"].get("showticklabels", True)
    assert made["traces"] == [{"marker": {"size": [5.0, 2.0], "color": "#000000"}}, {}]
    assert content["layout"]["height"] == panels(2)["layout"]["height"], "the wide layout stays as it is"


def test_named_rows_keep_their_height() -> None:
    figure = dressed(go.Figure(go.Scatter(x=[1], y=[0])), "Rows", height=900)
    figure.update_yaxes(tickmode="array", tickvals=[0], ticktext=["a row"])
    content = json.loads(legend_beside(figure).to_json())
    layout, wide = narrow(content)["layout"], content["layout"]
    assert layout["height"] >= wide["height"] - wide["margin"]["t"] - wide["margin"]["b"]


def test_names_at_the_ends_of_lines_give_way_to_a_legend(focal: Study) -> None:
    figure = metric_figure(groups_of(focal.table, focal.read), "val_accuracy", "Accuracy")
    assert figure is not None
    assert figure.layout.showlegend is False
    assert [note.text.partition("</span> ")[2] for note in figure.layout.annotations] == [
        "gamma=0",
        "gamma=0.5",
        "gamma=2",
    ]
    low, high = figure.layout.yaxis.range
    assert all(low < note.y < high for note in figure.layout.annotations), "others would not be drawn"
    layout = narrow(json.loads(figure.to_json()))["layout"]
    assert layout["showlegend"] is True
    assert not [note for note in layout["annotations"] if "gamma" in note["text"]]


def test_lines_of_different_length_have_a_legend(make: Callable[..., Study]) -> None:
    study = make()
    study.trial({"gamma": 0}, 0, [0.1, 0.2, 0.3], configuration=0)
    study.trial({"gamma": 2}, 0, [0.1, 0.2], configuration=1)
    figure = metric_figure(groups_of(study.table, study.read), "val_accuracy", "Accuracy")
    assert figure is not None
    assert figure.layout.showlegend is True
    assert not figure.layout.annotations


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(0.5, 5)), min_size=1, max_size=12))
def test_labels_are_spread_in_their_order_without_touching(labels: list[tuple[float, float]]) -> None:
    places, heights = ([label[i] for label in labels] for i in range(2))
    found = spread(places, heights)
    order = sorted(range(len(labels)), key=lambda i: (places[i], i))
    for below, above in itertools.pairwise(order):
        assert found[above] - found[below] >= (heights[above] + heights[below]) / 2 - 1e-6


def test_labels_that_are_apart_stay_where_they_are() -> None:
    assert spread([10.0, 0.0, 5.0], [1.0, 1.0, 1.0]) == [10.0, 0.0, 5.0]
    assert spread([1.0, 1.0], [2.0, 2.0]) == [0.0, 2.0]
