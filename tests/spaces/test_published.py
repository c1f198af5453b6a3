"""Published figures stand in the files digit for digit, with what else the reports print, sound or not.

The expected texts are typed from the reports, not computed: figures that do not add up stand here as they were printed.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.spaces.shipped import REPORT_A, REPORT_B, space

VALUES = {
    "augmentation": {
        "crop": "50.36%",
        "rotation+crop": "40.88%",
        "rotation+crop+vflip": "37.23%",
        "crop+vflip+hflip": "37.23%",
        "crop+jitter": "42.34%",
        "rotation+crop+jitter": "23.36%",
    },
    "decay": {"none": "50.36%", "exponential": "51.09%", "step": "54.01%"},
    "early_stop": {"null": "100", "3": "100", "2": "100", "1": "5", "0.5": "2"},
    "focal": {"0": "54.01%", "0.3": "54.74%", "0.5": "54.74%", "1": "55.36%", "2": "60.58%"},
    "models": {"model_a": "84.67%", "model_b": "59.12%", "model_c": "60.58%"},
    "activation": {"relu": "75%", "leaky_relu": "74%", "sigmoid": "46%", "example": "36%"},
    "depth": {"resnet18": "1.8", "resnet34": "3.6", "resnet50": "3.8", "resnet101": "7.6", "resnet152": "11.3"},
}
NO_FIGURES = {"greyscale", "milestones", "normalisation"}
SIZES = [10, 6, 4, 6, 10, 4, 4, 7, 10, 7, 10, 5, 4, 8, 10, 8, 6, 6, 8, 4]


def published(name):
    found = space(name).report.published
    assert found is not None
    return found


def test_files_without_figures_publish_none():
    assert {name for name in (*REPORT_A, *REPORT_B) if space(name).report.published is None} == NO_FIGURES
    assert {*VALUES, *NO_FIGURES} == {*REPORT_A, *REPORT_B}


@pytest.mark.parametrize("name", VALUES)
def test_figures_as_they_are_printed(name):
    assert dict(published(name).values) == VALUES[name]
    assert published(name).source.startswith("report A" if name in REPORT_A else "report B")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "metric", "n"),
    [
        *((name, "accuracy", 137) for name in ("augmentation", "decay", "focal", "models")),
        ("activation", "accuracy", 1020),
        ("early_stop", "epochs", None),
        ("depth", "multiply-adds in 10^9", None),
    ],
)
def test_what_figures_measure_and_on_how_many_images(name, metric, n):
    assert (published(name).metric, published(name).n) == (metric, n)


def test_confusion_matrix_class_sizes_and_parameter_counts():
    facts = published("models").facts
    assert facts["parameters"] == {"resnet18": "1194836", "model_c": "441748"}
    assert facts["class_sizes"] == SIZES
    assert facts["confusion_matrix_row"] == "model_c"
    matrix = facts["confusion_matrix"]
    assert [len(row) for row in matrix] == [20] * 20
    assert [sum(row) for row in matrix] == SIZES
    assert sum(SIZES) == 137
    assert [matrix[k][k] for k in range(20)] == [5, 1, 4, 1, 7, 1, 1, 2, 5, 4, 9, 3, 2, 5, 6, 5, 5, 4, 6, 1]
    # What lies beside the diagonal, column by column: a number in the wrong column keeps every row sum.
    columns = [sum(matrix[row][column] for row in range(20)) - matrix[column][column] for column in range(20)]
    assert columns == [4, 1, 1, 3, 6, 1, 2, 3, 5, 9, 3, 0, 3, 4, 5, 2, 2, 1, 3, 2]


def test_what_does_not_add_up_is_kept():
    figures = {figure for name in ("focal", "decay", "augmentation", "models") for figure in VALUES[name].values()}
    possible = {f"{100 * k / 137:.2f}%" for k in range(138)}
    assert figures - possible == {"55.36%"}
    matrix = published("models").facts["confusion_matrix"]
    assert Fraction(sum(matrix[k][k] for k in range(20)), 137) == Fraction(77, 137)
    assert f"{100 * 77 / 137:.2f}%" not in VALUES["models"].values()


CLAIMS = {
    "augmentation": [{"best": "crop"}],
    "decay": [{"best": "step"}, {"better": ["exponential", "none"]}],
    "early_stop": [
        {"never": {"stops_before": 100, "where": {"stop.alpha": [2, 3]}}},
        {"always": {"stops_by": 5, "where": {"stop.alpha": [1, 0.5]}}},
    ],
    "focal": [
        {"better": [2, 0]},
        {"best": 2},
        {"never": {"misses_a_class": True, "where": {"loss.gamma": [2]}}},
    ],
    "models": [{"equal": ["model_c", "model_b"], "within": 0.02}],
    "activation": [
        {"better": ["relu", "sigmoid"]},
        {"better": ["relu", "example"]},
        {"equal": ["relu", "leaky_relu"], "within": 0.02},
    ],
    "depth": [],
    "greyscale": [{"better": [False, True]}],
    "milestones": [{"better": ["40 and 70, x 0.2", "60, x 0.5"]}],
    "normalisation": [],
}


@pytest.mark.parametrize("name", CLAIMS)
def test_claims_are_the_reports(name):
    assert [dict(claim) for claim in space(name).report.claims] == CLAIMS[name]
