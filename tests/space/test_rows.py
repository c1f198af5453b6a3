"""Rows of several axes: named by a mapping or by their text, and read back as they are written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.space.model import Axis, Condition, Grid, Report
from search.space.nodes import Problems
from search.space.python import from_python
from search.space.reader import read_space, space_from_mapping
from search.space.recorded import rebuild
from search.space.rows import Rows
from search.space.writing import dump

NUMBERS = st.one_of(st.integers(-3, 3), st.floats(-2, 2).map(lambda number: round(number, 3)))
VALUES = st.one_of(NUMBERS, st.booleans(), st.none(), st.text(", =ab1", min_size=1))
GRIDS = st.lists(VALUES, min_size=1, max_size=4, unique_by=str)
FILE: dict[str, Any] = {
    "workload": "tests.space.fake:Fake",
    "fixed": {"epochs": 10, "batch_size": 16},
    "space": {
        "loss.gamma": {"grid": [0, 0.5, 1]},
        "model.activation": {"grid": ["relu", "tanh"]},
        "optimizer.lr": {"grid": [0.1, 0.2]},
    },
}


def file(**report: Any) -> dict[str, Any]:
    return {**FILE, "report": report}


@given(st.data(), GRIDS, GRIDS)
def test_a_row_is_found_by_its_mapping_and_names_itself(data, some, others):
    axes = [Axis("one", Grid(some)), Axis("two", Grid(others))]
    problems = Problems()
    rows = Rows(("two", "one"), axes, ["one", "two"], True, problems)
    row = {"one": data.draw(st.sampled_from(some)), "two": data.draw(st.sampled_from(others))}
    node = from_python(row, problems)
    assert node is not None
    assert rows.find(node, node) == row
    assert not problems.faults
    key = rows.report.key(row)
    found = rows.parsed(key)
    assert found is not None
    assert rows.report.key(found) == key  # of "a, one=a" and the like there may be two


def test_a_key_leaves_out_the_axis_that_is_not_there():
    axes = [Axis("loss", Grid(["ce", "focal"])), Axis("gamma", Grid([1, 2]), Condition("loss", ("focal",)))]
    rows = Rows(("loss", "gamma"), axes, ["loss", "gamma"], True, Problems())
    assert rows.parsed("loss=ce") == {"loss": "ce"}
    assert rows.parsed("loss=focal, gamma=2") == {"loss": "focal", "gamma": 2}
    for wrong in (
        "loss=focal",
        "loss=ce, gamma=2",
        "gamma=2",
        "",
        "loss=ce, ",
        "loss=ce,gamma=2",
        "gamma=2, loss=focal",
    ):
        assert rows.parsed(wrong) is None


@pytest.mark.parametrize(
    ("report", "rows", "baseline"),
    [
        ({"rows": "loss.gamma", "baseline": 0.5}, "loss.gamma", 0.5),
        ({"rows": ["loss.gamma"], "baseline": {"loss.gamma": 0.50}}, "loss.gamma", 0.5),
        ({"baseline": {"loss.gamma": 0.5}}, "loss.gamma", 0.5),
        (
            {"rows": ["optimizer.lr", "loss.gamma"], "baseline": {"loss.gamma": 1, "optimizer.lr": 0.1}},
            ("optimizer.lr", "loss.gamma"),
            {"optimizer.lr": 0.1, "loss.gamma": 1},
        ),
        (
            {"baseline": {"loss.gamma": 1, "model.activation": "tanh", "optimizer.lr": 0.2}},
            ("loss.gamma", "model.activation", "optimizer.lr"),
            {"loss.gamma": 1, "model.activation": "tanh", "optimizer.lr": 0.2},
        ),
    ],
)
def test_a_baseline_is_a_value_or_a_mapping(report, rows, baseline):
    space = space_from_mapping(file(**report))
    assert (space.report.rows, space.report.baseline, space.report.has_baseline) == (rows, baseline, True)
    assert rebuild(dump(space), space.name).report == space.report


def test_names_in_the_file_are_text_and_labels_figures_and_claims_name_rows_of_several_axes(tmp_path):
    (tmp_path / "space.yaml").write_text(
        """
workload: tests.space.fake:Fake
fixed: {epochs: 10, batch_size: 16}
space:
  loss.gamma: {grid: [0, 1]}
  1e3: {grid: {a: {tag: x}, b: {tag: z}}}
report:
  baseline: {loss.gamma: 0, 1e3: a}
  labels:
    loss.gamma=1, 1e3=b: both
  published:
    values: {"loss.gamma=1, 1e3=b": 54.10}
  claims:
    - better: [{loss.gamma: 1, 1e3: b}, {1e3: a, loss.gamma: 0}]
    - best: {loss.gamma: 1, 1e3: b}
"""
    )
    report = read_space(tmp_path / "space.yaml").report
    base, both = {"loss.gamma": 0, "1e3": "a"}, {"loss.gamma": 1, "1e3": "b"}
    assert report.baseline == base
    assert report.labels == {"loss.gamma=1, 1e3=b": "both"}
    assert report.published is not None
    assert report.published.values == {"loss.gamma=1, 1e3=b": "54.10"}
    assert report.claims == ({"better": [both, base]}, {"best": both})


@pytest.mark.parametrize(
    ("overrides", "rows", "baseline"),
    [
        ({"report.baseline.loss.gamma": "1"}, ("loss.gamma", "optimizer.lr"), {"loss.gamma": 1, "optimizer.lr": 0.1}),
        ({"optimizer.lr": "0.3"}, "loss.gamma", 0),
        ({"model.activation": "relu"}, ("loss.gamma", "optimizer.lr"), {"loss.gamma": 0, "optimizer.lr": 0.1}),
        ({"loss.gamma": "0", "optimizer.lr": "0.3"}, "model.activation", None),
        ({"report.baseline": "{model.activation: tanh}"}, "model.activation", "tanh"),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_an_axis_that_is_fixed_on_the_command_line_makes_no_rows(tmp_path, overrides, rows, baseline, named):
    if named and "report.baseline" in overrides:
        pytest.skip("an axis that makes no rows is a fault, and has its sentence")
    report = {"baseline": {"loss.gamma": 0, "optimizer.lr": 0.1}, "labels": {"loss.gamma=1, optimizer.lr=0.1": "one"}}
    if named:
        report["rows"] = ["loss.gamma", "optimizer.lr"]
    if "report.baseline" in overrides:
        del report["labels"]
    found = space_from_mapping(file(**report), overrides=overrides).report
    assert (found.rows, found.baseline) == (rows, baseline)
    assert found.has_baseline is (baseline is not None)


def test_a_row_that_is_given_as_data_is_the_row_axes_part_of_it():
    report = Report(rows=("one", "two"))
    assert report.meant({"two": 2, "one": 1, "three": 3}) == {"one": 1, "two": 2}
    assert Report(rows="one").meant(None) == {"one": None}
