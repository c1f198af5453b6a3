"""True classes from a file, and predictions that are compared with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from search.adapters.command.truth import RULE, BadTruth, read_truth
from search.workload.measured import row_of
from tests.adapters.command.made import command, rows

LABELS = {"val": [0, 2, 1], "test": [1, 1]}


def put(folder: Path, content: object) -> str:
    path = folder / "labels.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_classes_are_read_with_their_names_or_numbers(tmp_path: Path) -> None:
    truth = read_truth(put(tmp_path, LABELS))
    assert {split: classes.tolist() for split, classes in truth.splits.items()} == LABELS
    assert truth.classes == ["0", "1", "2"]
    assert read_truth(put(tmp_path, {**LABELS, "classes": ["a", "b", "c", "d"]})).classes == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", f"which holds no JSON; it {RULE}"),
        ([0, 1], f"which names no split; it {RULE}"),
        ({"classes": ["a"]}, f"which names no split; it {RULE}"),
        ({"val": [0.5]}, f"whose split 'val' is no list of classes; it {RULE}"),
        ({"val": [True]}, f"whose split 'val' is no list of classes; it {RULE}"),
        ({"val": []}, f"whose split 'val' is no list of classes; it {RULE}"),
        ({"val": [-1]}, f"whose split 'val' is no list of classes; it {RULE}"),
        ({"val": [2], "classes": ["a"]}, "whose 'classes' must be a list of 3 names or more, for there are as many"),
    ],
)
def test_what_holds_no_classes_is_refused(tmp_path: Path, content: object, sentence: str) -> None:
    path = put(tmp_path, content)
    with pytest.raises(BadTruth) as refused:
        read_truth(path)
    assert str(refused.value) == f"found {path!r}, {sentence}"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadTruth) as refused:
        read_truth(f"{tmp_path}/lost.json")
    assert str(refused.value) == f"found '{tmp_path}/lost.json', which cannot be read: No such file or directory"


def test_predictions_of_a_row_are_those_of_the_truth(tmp_path: Path) -> None:
    workload = command(truth=put(tmp_path, LABELS))
    card = workload.data({})
    assert card is not None
    (row,) = (row_of(each, card) for each in rows("classes", workload, epochs=1))
    assert row.predictions["val"].tolist() == [0, 2, 2]
    other = command(truth=put(tmp_path, {**LABELS, "val": [0, 2, 2]})).data({})
    assert other is not None
    assert other.fingerprint != card.fingerprint
