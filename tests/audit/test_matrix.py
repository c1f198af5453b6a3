"""A confusion matrix against n, the class sizes and the accuracy beside it."""

from __future__ import annotations

import pytest

from search.audit import grim, matrix

ROWS = "rows of the confusion matrix do not add up to class_sizes: "
SOUND = [[50, 10], [7, 70]]


@pytest.mark.parametrize(
    ("cells", "sizes", "n", "runs", "sentences"),
    [
        (SOUND, [60, 77], 137, 1, []),
        (SOUND, None, None, 1, []),
        ([[150, 30], [21, 210]], [60, 77], 137, 3, []),
        (SOUND, [60, 77], 137, 3, []),
        (SOUND, [60, 77], 138, 1, ["the confusion matrix adds up to 137 images, n is 138"]),
        (SOUND, [61, 76], 137, 1, [f"{ROWS}60 for 61 in row 1 and 77 for 76 in row 2"]),
        (
            SOUND,
            [57, 80],
            137,
            1,
            [f"{ROWS}60 for 57 in row 1 and 77 for 80 in row 2; its columns do, but rows are truth"],
        ),
        (SOUND, [60, 70, 7], 137, 1, ["the confusion matrix has 2 classes, class_sizes has 3"]),
        ([[1, -1], [0, 137]], None, 137, 1, ["the confusion matrix holds a number below 0; it counts images"]),
        ([[0]], [0], None, 1, []),
        (
            [[1, 0, 0, 0, 0]] * 5,
            [0, 2, 3, 4, 5],
            None,
            1,
            [f"{ROWS}1 for 0 in row 1, 1 for 2 in row 2, 1 for 3 in row 3 and 2 more"],
        ),
    ],
)
def test_sums(cells, sizes, n, runs, sentences) -> None:
    assert list(matrix.sums(cells, sizes, n, runs)) == sentences


@pytest.mark.parametrize(
    ("text", "n", "runs", "sound"),
    [
        ("87.59%", 137, 1, True),
        ("87.6", 137, 1, True),
        ("88%", None, 1, True),
        ("87.59", 200, 1, True),
        ("60.00", 200, 1, True),
        ("87.58%", 137, 1, False),
        ("86.86%", 137, 1, False),
        ("89%", 137, 1, False),
    ],
)
def test_the_diagonal(text: str, n: int | None, runs: int, sound: bool) -> None:
    assert (matrix.trace(SOUND, grim.readings(text, False), n, runs) == "") is sound


def test_a_diagonal_that_is_another_accuracy() -> None:
    assert matrix.trace(SOUND, grim.readings("86.86%", False), 137) == (
        "the confusion matrix has 120 of 137 images on its diagonal, 87.59 %; it is printed with 86.86%, which is 119"
    )
    assert matrix.trace([[0, 0], [0, 0]], grim.readings("50%", False), None) == (
        "the confusion matrix has 0 of 0 images on its diagonal; it is printed with 50%"
    )


def test_a_table_that_was_cut() -> None:
    (figure,) = grim.readings("87.5", False)
    assert matrix.trace(SOUND, (figure,), 137) != ""
    assert matrix.trace(SOUND, (figure,), 137, truncated=True) == ""


def test_a_matrix_of_several_runs_and_the_mean_of_rounded_ones() -> None:
    cells = [[228, 183], [0, 0]]
    assert matrix.trace(cells, grim.readings("55.47", False), 137, 3) == ""
    assert matrix.trace(cells, grim.readings("55.48", False), 137, 3) == ""
    assert matrix.trace(cells, grim.readings("55.49", False), 137, 3) != ""
