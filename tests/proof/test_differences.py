"""Where two rows differ first, as a proof tells it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from search.core.trial import Row
from search.engine.decide.proofs import difference
from search.proof.trainer import Difference, first_difference

LOSSES = np.array([0.5, 0.25], np.float32)


def row(loss: float = 1.0, val: tuple[int, ...] = (0, 1), scores: np.ndarray = LOSSES) -> Row:
    return Row({"val_loss": loss}, {"val": np.array(val)}, {"val": {"loss": scores}})


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (row(), None),
        (row(math.nextafter(1, 2)), ("val_loss", "1.0", "1.0000000000000002")),
        (row(val=(0, 2)), ("predictions on val", "class 1 of image 1", "class 2 of image 1")),
        (
            row(scores=np.array([0.5, 0.75], np.float32)),
            ("scores loss on val", "0.25 of example 1", "0.75 of example 1"),
        ),
        (row(scores=LOSSES.astype(float)), ("scores loss on val", "2 of float32", "2 of float64")),
        (row(scores=LOSSES[:1]), ("scores loss on val", "2 of float32", "1 of float32")),
    ],
)
def test_the_first_difference_is_named_with_both_values(other: Row, found: tuple[str, str, str] | None) -> None:
    assert first_difference([row(), row()], [row(), other]) == (None if found is None else Difference(2, *found))


def test_an_alarm_names_what_differs() -> None:
    scores = row(scores=np.array([0.5, 0.75], np.float32))
    assert difference(row(), row(2.0)) == "val_loss is 2.0, and 1.0 on record"
    named = difference(Row({"epoch_time": 1.0}), Row({"epoch_time": 2.0}))
    assert named == "epoch_time is 2.0, and 1.0 on record (a time? named `seconds_...` it is compared with no other)"
    assert difference(row(), scores) == "scores loss on val differ from those on record"
