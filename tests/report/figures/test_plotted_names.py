"""Names beside a plot: whole where they fit, short names of axes where they do not, and never two alike."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.report.figures.forest import ForestRow, forest_figure
from search.report.figures.names import short_axes, told_apart


def test_axes_are_called_by_their_last_part_where_one_alone_has_it() -> None:
    names = ["optimizer.lr=0.1, loss.gamma=2", "optimizer.lr=0.2, 0 (cross-entropy)"]
    assert short_axes(names) == ["lr=0.1, gamma=2", "lr=0.2, 0 (cross-entropy)"]
    both = ["model.name=a, data.name=b, data.size=3"]
    assert short_axes(both) == ["model.name=a, data.name=b, size=3"]
    assert short_axes(["milestones=[1, 2], decay.end=3"]) == ["milestones=[1, 2], end=3"]


def test_names_that_fit_stay() -> None:
    names = ["optimizer.lr=0.1", "optimizer.lr=0.2"]
    assert told_apart(names, ["configuration 0", "configuration 1"], 34, 1) == names
    broken = [f"optimizer.learning_rate={value},<br>loss.gamma=2" for value in (1, 2)]
    assert told_apart([name.replace("<br>", " ") for name in broken], ["", ""], 30, 2) == broken


def test_names_that_would_look_alike_are_numbers() -> None:
    names = [f"optimizer.a_long_name_of_a_setting=1, loss.gamma={value}" for value in (1, 2)]
    assert told_apart(names, ["configuration 7", "configuration 8"], 34, 1) == ["configuration 7", "configuration 8"]


AXES = ("optimizer.lr", "optimizer.weight_decay", "loss.gamma", "model.activation", "decay.every", "augment.every")


@given(st.lists(st.tuples(*[st.integers(0, 9_999)] * len(AXES)), unique=True, max_size=12), st.booleans())
def test_no_two_rows_of_a_forest_plot_are_called_alike(settings: list[tuple[int, ...]], narrow: bool) -> None:
    rows = [
        ForestRow(
            ", ".join(f"{axis}={value}" for axis, value in zip(AXES, values, strict=True)),
            *(0.1, 0.0, 0.2),
            number=f"configuration {number}",
        )
        for number, values in enumerate(settings)
    ]
    figure = forest_figure(rows, "Differences", narrow=narrow)
    assert (figure is None) is (not rows)
    if figure is not None:
        shown = [note.text for note in figure.layout.annotations] if narrow else figure.layout.yaxis.ticktext
        assert len(set(shown)) == len(rows)


@pytest.mark.parametrize("narrow", [False, True])
def test_a_forest_plot_of_many_rows_copies_no_annotation_for_each_row(
    narrow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_by_one = list[object]()
    monkeypatch.setattr(go.Figure, "add_annotation", lambda self, *_, **how: one_by_one.append(how))
    figure = forest_figure([ForestRow(f"lr={row}", 0.01, -0.05, 0.05) for row in range(30)], "title", narrow=narrow)
    assert figure is not None
    assert one_by_one == []
    assert sorted(one.y for one in figure.layout.annotations if one.yref == "y") == list(range(30))
