"""Printed numbers of parameters, whole and rounded, with and without a number of classes."""

from __future__ import annotations

import pytest

from search.audit.parameters import judge, readings


def resnet18(classes: int) -> list[int]:
    return [11_176_512 + 513 * classes]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("11186772", (True, "")),
        ("11186771", (False, "with 20 classes it has 11,186,772")),
        ("1194836", (False, "with 20 classes it has 11,186,772")),
        ("11186773", (False, "with 20 classes it has 11,186,772")),
        ("11.19", (True, "if they are millions")),
        ("11.2", (True, "if they are millions")),
        ("11", (True, "if they are millions")),
        ("11.1", (False, "with 20 classes it has 11,186,772")),
        ("11187", (True, "if they are thousands")),
        ("11186.772", (True, "if they are thousands")),
        ("0.0112", (True, "if they are 10^9")),
        ("11200000", (True, "if they are rounded to 100,000")),
        ("11100000", (False, "with 20 classes it has 11,186,772")),
        ("0", (False, "with 20 classes it has 11,186,772")),
        ("11.19M", (True, "")),
        ("11187 k", (True, "")),
        (".0112G", (True, "")),
        ("11.1M", (False, "with 20 classes it has 11,186,772")),
        ("1.19M", (False, "with 20 classes it has 11,186,772")),
        ("11M", (True, "")),
        ("11.18677200M", (True, "")),
        # Sizes of models as they come, of a head that was replaced.
        ("11.69M", (False, "with 20 classes it has 11,186,772; the figure is that with 1,000 classes")),
        ("11689512", (False, "with 20 classes it has 11,186,772; the figure is that with 1,000 classes")),
        ("11181642", (False, "with 20 classes it has 11,186,772; the figure is that with 10 classes")),
    ],
)
def test_a_known_number_of_classes(text: str, verdict: tuple[bool, str]) -> None:
    assert judge(text, resnet18, 20) == verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("11186772", (True, "with 20 classes")),
        ("11177025", (True, "with 1 class")),
        ("11186773", (False, "it has that with no number of classes")),
        ("1194836", (False, "it has that with no number of classes")),
        ("11.2", (True, "if they are millions and with 1 class")),
    ],
)
def test_a_number_of_classes_that_is_not_stated(text: str, verdict: tuple[bool, str]) -> None:
    assert judge(text, resnet18, None) == verdict


def test_a_model_in_several_configurations() -> None:
    def either(classes: int) -> list[int]:
        return [100 * classes, 100 * classes + 7]

    assert judge("207", either, 2) == (True, "")
    assert judge("307", either, None) == (True, "with 3 classes")
    assert judge("206", either, 2) == (False, "with 2 classes it has 200 or 207")


def test_what_no_head_depends_on() -> None:
    assert judge("5", lambda classes: [5], None) == (True, "with 1 class")
    assert judge("6", lambda classes: [5], None)[0] is False


@pytest.mark.parametrize("text", ["", ".", "M", "-5", "5%", "5e3", "1,194,836", "11.2 MB", "11.2m", "1" * 41])
def test_what_is_no_number_of_parameters(text: str) -> None:
    assert readings(text) == []
