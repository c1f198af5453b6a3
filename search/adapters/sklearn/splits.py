"""The data of an estimator: splits of inputs and targets, known by content."""

from __future__ import annotations

import hashlib
import inspect
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from search.adapters import fingerprint
from search.adapters.sklearn.errors import EstimatorError
from search.core.shown import counted, listed
from search.core.trial import DataCard
from search.core.values import Settings

TRAIN, VAL = "train", "val"

RULE = 'must return {"train": (X, y), "val": (X, y)} with perhaps "test", or what train_test_split(X, y) returns'


@fingerprint.content.register(scipy.sparse.sparray)
@fingerprint.content.register(scipy.sparse.spmatrix)
def _sparse_content(matrix: object) -> Iterable[object]:
    rows = scipy.sparse.csr_array(matrix)
    return [list(rows.shape), rows.data, rows.indices, rows.indptr]


@dataclass(frozen=True)
class Split:
    """Inputs [n, features] and targets [n], or None where an estimator has none."""

    x: Any
    y: Any

    def __len__(self) -> int:
        return int(self.x.shape[0])

    def rows(self, order: np.ndarray) -> tuple[Any, Any]:
        """Return inputs and targets in this order."""
        return _taken(self.x, order), None if self.y is None else _taken(self.y, order)


def made(function: Callable[..., object], settings: Settings) -> dict[str, Split]:
    """Call the function that makes the data, under fixed random numbers, for the seed of a trial must not move them.

    Args:
        function: takes the fixed settings without the seed, or nothing.
        settings: those settings.

    Raises:
        EstimatorError: it returns something else, or splits that do not fit.
    """
    takes = len(inspect.signature(function).parameters)
    with seeded(0, 0, "data"):
        value = function(settings) if takes else function()
    name = getattr(function, "__name__", str(function))
    if isinstance(value, (list, tuple)) and len(value) == 4:
        x_train, x_val, y_train, y_val = value
        value = {TRAIN: (x_train, y_train), VAL: (x_val, y_val)}
    if not isinstance(value, Mapping) or TRAIN not in value or len(value) < 2:
        raise EstimatorError(f"data={name} returned {_shown(value)}; it {RULE}")
    splits = {}
    for split, pair in value.items():
        x, y = pair if isinstance(pair, tuple) and len(pair) == 2 else (pair, None)
        x, y = _rows(x), None if y is None else _rows(y)
        if y is not None and y.shape[0] != x.shape[0]:
            raise EstimatorError(
                f"data={name} returned {x.shape[0]} inputs and {y.shape[0]} targets of {split!r}; each input has one"
            )
        if not x.shape[0]:
            raise EstimatorError(f"data={name} returned no inputs of {split!r}; leave the split out, or fill it")
        splits[str(split)] = Split(x, y)
    return splits


def classes_of(splits: Mapping[str, Split]) -> np.ndarray:
    """Return the labels of all splits, in their order.

    Raises:
        EstimatorError: a split has none, or more than one for an input.
    """
    for name, split in splits.items():
        if split.y is None or len(split.y.shape) != 1:
            shape = "no targets" if split.y is None else f"targets of the shape {tuple(split.y.shape)}"
            raise EstimatorError(
                f"the data have {shape} for {name!r}; a classifier wants one label for each input, [n]"
            )
    return np.unique(np.concatenate([np.unique(np.asarray(split.y)) for split in splits.values()]))


def card_of(splits: Mapping[str, Split], name: str, classes: np.ndarray | None) -> DataCard:
    """Return the data card.

    Args:
        splits: the data.
        name: for people.
        classes: labels in their order, of a classifier; None of any other estimator.
    """
    content = {split: [each.x, each.y] for split, each in splits.items()}
    notes = [", ".join(f"{split} {len(each):,}" for split, each in splits.items())]
    found = fingerprint.fingerprint(content, name)
    if classes is None:
        return DataCard(found, name, notes=notes)
    judged = {split: each for split, each in splits.items() if split != TRAIN}
    return DataCard(
        found,
        name,
        [str(label) for label in classes],
        {split: np.searchsorted(classes, np.asarray(each.y)) for split, each in judged.items()},
        notes=notes,
        contents={split: list(_digests(each.x)) for split, each in judged.items() if isinstance(each.x, np.ndarray)},
    )


def looked_over(splits: Mapping[str, Split], card: DataCard) -> list[str]:
    """Return lines on the data: how many there are, their classes, inputs that training shares with other splits."""
    lines = [f"data: {card.name}; {card.notes[0]}"]
    if card.classes:
        lines.append(f"classes: {len(card.classes)}: {listed([str(name) for name in card.classes])}")
    if isinstance(splits[TRAIN].x, np.ndarray):
        trained = set(_digests(splits[TRAIN].x))
        for name, split in splits.items():
            shared = sum(digest in trained for digest in _digests(split.x)) if name != TRAIN else 0
            if shared:
                lines.append(f"{name}: {counted(shared, 'input')} of {len(split):,} equal to one of {TRAIN}")
    return lines


class seeded:  # read as a function
    """Has the global generators of Python and numpy begin at a place of their own, and puts them back."""

    def __init__(self, seed: int, epoch: int, purpose: str) -> None:
        digest = hashlib.blake2b(f"{seed} {epoch} {purpose}".encode(), digest_size=4).digest()
        self._number = int.from_bytes(digest, "little")

    def __enter__(self) -> None:
        self._before = random.getstate(), np.random.get_state()
        random.seed(self._number)
        np.random.seed(self._number)

    def __exit__(self, *error: object) -> None:
        random.setstate(self._before[0])
        np.random.set_state(self._before[1])


def _rows(values: object) -> Any:
    return values if hasattr(values, "shape") else np.asarray(values)


def _taken(values: Any, order: np.ndarray) -> object:
    return values.iloc[order] if hasattr(values, "iloc") else values[order]


def _digests(rows: np.ndarray) -> Iterator[str]:
    for row in rows:
        yield hashlib.blake2b(np.ascontiguousarray(row).tobytes(), digest_size=8).hexdigest()


def _shown(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"{len(value)} values"
    if isinstance(value, Mapping):
        return f"the splits {', '.join(map(repr, value)) or 'of none'}"
    return f"a {type(value).__name__}"
