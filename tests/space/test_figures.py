"""Published figures: what is an accuracy, and which fraction a figure stands for."""

from __future__ import annotations

import re

import pytest

from search.space.figures import FIGURE, PARAMETERS, counts_images, share, small


@pytest.mark.parametrize(
    "metric",
    [
        *("accuracy", "Accuracy", " accuracy ", "acc", "acc.", "accuracy (%)", "accuracy in %", "Accuracy [%]"),
        *(
            "val_accuracy",
            "test accuracy",
            "Validation Acc.",
            "top-1 accuracy",
            "Top1 accuracy (%)",
            "overall accuracy",
        ),
        *("test top-1 accuracy", "train_acc"),
    ],
)
def test_what_counts_images(metric: str) -> None:
    assert counts_images(metric)


@pytest.mark.parametrize(
    "metric",
    [
        *("balanced accuracy", "balanced_accuracy", "top-5 accuracy", "mean class accuracy", "mean accuracy"),
        *("F1", "macro F1", "error", "loss", "epochs", "accuracy gain", "inaccuracy", "", "multiply-adds in 10^9"),
    ],
)
def test_what_need_not(metric: str) -> None:
    assert not counts_images(metric)


@pytest.mark.parametrize(
    ("text", "beside", "value"),
    [
        ("54.01%", ["54.01%", "60.58%"], 0.5401),
        ("54.01 %", ["54.01 %", "60.58"], 0.5401),
        ("54.01", ["54.01", "60.58"], 0.5401),
        ("0.5401", ["0.5401", ".6058"], 0.5401),
        (".6058", ["0.5401", ".6058"], 0.6058),
        ("1.000", ["0.5401", "1.000"], 1.0),
        ("0", ["0", "1"], 0.0),
        ("0.73%", ["0.73%", "0.8%"], 0.0073),
        ("0.73", ["0.73", "54.01"], None),  # per cent, or a fraction: the table does not tell
        ("54.01", ["0.73", "54.01"], 0.5401),
    ],
)
def test_the_fraction_that_a_figure_stands_for(text: str, beside: list[str], value: float | None) -> None:
    assert share(text, beside) == (None if value is None else pytest.approx(value, abs=1e-15))


@pytest.mark.parametrize(
    ("text", "is_small"),
    [("0.5", True), (".5", True), ("1", True), ("1.0", True), ("+0.5", True), ("1.01", False), ("0.5%", False)],
)
def test_what_may_be_a_fraction(text: str, is_small: bool) -> None:
    assert small(text) is is_small


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (
            FIGURE,
            ["54.10", "54.10%", "54.10 %", "-3", "+3", ".678", "0"],
            ["54.", "54,10", "1,020", "54.1 ± 0.3", "1e3", "%", "", ".", "54.10  %", "nan", "5 4"],
        ),
        (
            PARAMETERS,
            ["11186772", "11.2M", "433k", "433 K", "1.2B", ".4M", "+5"],
            ["-5", "50%", "11.2m", "1,194,836", "11.2 MB", "M", "", "eleven"],
        ),
    ],
)
def test_what_may_be_written(pattern: str, good: list[str], bad: list[str]) -> None:
    assert [text for text in good if not re.fullmatch(pattern, text)] == []
    assert [text for text in bad if re.fullmatch(pattern, text)] == []
