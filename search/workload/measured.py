"""From what `train_epoch` returned to a row. Free of Ray: whoever trains an epoch checks it here.

Rows are read long after they were recorded, by tables, tests and figures, when nothing can be mended any more. So what
they could not read is refused at the first row, with what was expected and what came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from search.core.errors import nearest
from search.core.trial import DataCard, Row
from search.workload.form import Form, form_of
from search.workload.scored import PER_EXAMPLE, quoted, score_rules_of, scores_of, shown

PREDICTIONS_RULE = "train_epoch must return one class per image, a whole number from 0 on"


def row_of(measured: object, card: DataCard | None = None, form: Form | None = None) -> Row:
    """Check what `train_epoch` returned and make it a row. NaN and infinities are numbers: whoever decides sees them.

    Args:
        measured: what it returned.
        card: the data card that predictions must fit; without one, or of a split's truth, they need only be classes.
        form: that of an earlier row of the run, None of the first one.

    Raises:
        TypeError: it is no mapping; a metric is no number, or there is none; predictions are not one class per image;
            scores are not one float per example.
        ValueError: predictions are not those of the data card's images and classes, scores not those of its examples, a
            metric not what its scores say (`search.workload.scored`), or the row has another form than the one before
            it.
    """
    if not isinstance(measured, Mapping):
        raise TypeError(f"train_epoch returned {shown(measured)}; it must return a mapping of metric names to numbers")
    predicted = measured.get("predictions", {})
    if not isinstance(predicted, Mapping):
        raise TypeError(f"predictions are {shown(predicted)}; train_epoch must return a mapping of splits to classes")
    predictions = {}
    for split, classes in predicted.items():
        if not isinstance(split, str):
            raise TypeError(f"predictions have a split named {shown(split)}; splits are named by text")
        predictions[split] = _classes(split, classes, card)
    scores = scores_of(measured.get("scores", {}), card)
    metrics = {}
    for name, value in measured.items():
        if name in PER_EXAMPLE:
            continue
        if not isinstance(name, str):
            raise TypeError(f"train_epoch returned a metric named {shown(name)}; metrics are named by text")
        metrics[name] = _number(name, value)
    if not metrics:
        raise TypeError("train_epoch returned no metric; it must return a mapping of metric names to numbers")
    rules = score_rules_of(measured.get("score_rules", {}), metrics, scores, predictions, card)
    row = Row(metrics, predictions, scores, rules)
    if form is not None:
        _compare(form_of(row), form)
    return row


def _number(name: str, value: Any) -> float:
    try:
        if isinstance(value, (str, bytes, bytearray)) or getattr(getattr(value, "dtype", None), "kind", "f") in "cMmSU":
            raise TypeError  # NumPy would make a number of each: it reads text, and drops what is imaginary
        return float(value.item() if isinstance(value, np.ndarray) and value.size == 1 else value)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # the last is torch's, of many numbers
        raise TypeError(f"metric {name!r} is {shown(value)}; train_epoch must return numbers") from None


def _classes(split: str, classes: object, card: DataCard | None) -> np.ndarray:
    """Return the predictions of one split as an array of classes."""
    try:
        array = np.asarray(classes)
    except Exception as error:  # lists of unequal length; a tensor that lies on a GPU
        said = " ".join(str(error).split())
        raise TypeError(f"predictions of {split!r} cannot be read as an array ({said}); {PREDICTIONS_RULE}") from error
    if array.ndim != 1 or array.dtype.kind not in ("iu" if array.size else "biuf"):
        raise TypeError(
            f"predictions of {split!r} have the shape {array.shape} and the type {array.dtype}"
            f"{_values(array)}; {PREDICTIONS_RULE}{_remedy(array)}"
        )
    if card is not None and card.truth:
        if split not in card.truth:
            raise ValueError(
                f"there are predictions of {split!r}, but the data card has true classes of "
                f"{quoted(card.truth)} alone{nearest(split, card.truth)}"
            )
        if len(array) != (images := len(card.truth[split])):
            raise ValueError(
                f"there are predictions of {len(array)} images of {split!r}, but the data card has {images}; "
                "train_epoch must return one class for each of them, in the card's order"
            )
    beyond = _count(split, card)
    wrong = (array < 0) | ((array >= beyond) if beyond else False)
    if array.size and wrong.any():
        place = int(np.argmax(wrong))
        known = f"the data card has {beyond}, 0 to {beyond - 1}" if beyond else "classes are counted from 0"
        raise ValueError(f"predictions of {split!r} hold the class {array[place]} (image {place}); {known}")
    return array


def _count(split: str, card: DataCard | None) -> int:
    """Return the number of classes, 0 where it is not known."""
    if card is None or split not in card.truth:
        return 0
    return max(len(card.classes), int(np.max(card.truth[split], initial=-1)) + 1)


def _values(array: np.ndarray) -> str:
    """Return the first values of predictions that are no classes."""
    if array.ndim != 1:
        return ""
    some = ", ".join(shown(value) for value in array[:3].tolist())
    return f" ({some}{' ...' if len(array) > 3 else ''})"


def _remedy(array: np.ndarray) -> str:
    match array.ndim, array.dtype.kind:
        case 1, "f":
            return ": .astype(int) where these are classes, else the class of the highest score"
        case 1, "b":
            return ": .astype(int) where these are the classes 0 and 1"
        case 1, _:
            return ": the places of these classes in the data card's list"
        case 2, _ if 1 in array.shape:  # argmax of a single column would take every image for class 0
            return ": .reshape(-1) where these are classes"
        case 2, _:
            return ": .argmax(axis=1) where these are scores of classes"
    return ""


def _compare(now: Form, before: Form) -> None:
    """Compare the form of a row with that of the row before it.

    Raises:
        ValueError: they differ.
    """
    rule = "every epoch must measure the same"
    scores, scored = now.scores or {}, before.scores
    for noun, ours, theirs in (
        ("metric", now.metrics, before.metrics),
        ("predictions of", frozenset(now.images), frozenset(before.images)),
        ("scores of", _places(scores), _places(scores if scored is None else scored)),
    ):
        if gone := theirs - ours:
            raise ValueError(f"this epoch has no {noun} {quoted(gone)}, which the epochs before it have; {rule}")
        if new := ours - theirs:
            raise ValueError(f"this epoch has the {noun} {quoted(new)}, which the epochs before it have not; {rule}")
    for split, count in now.images.items():
        if count != before.images[split]:
            raise ValueError(
                f"there are predictions of {count} images of {split!r}, but of {before.images[split]} in the epochs "
                f"before this one; {rule}"
            )
    for place, count in scores.items():
        if scored is not None and count != scored[place]:
            name, split = reversed(place)
            raise ValueError(
                f"scores {name!r} of {split!r} are of {count} examples, but of {scored[place]} in the epochs before "
                f"this one; {rule}"
            )


def _places(scores: Iterable[tuple[str, str]]) -> frozenset[str]:
    return frozenset(f"{split}: {name}" for split, name in scores)
