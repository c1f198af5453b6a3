"""Rows and data cards as bytes: a line of JSON that says what follows, then the raw arrays.

Metrics are 8-byte floats in the blob, because SQLite turns a NaN bound to a number column into NULL. Nothing is
pickled.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from search.core.errors import InternalError
from search.core.trial import DataCard, Row


def encode_row(row: Row) -> bytes:
    """Return the bytes of a row.

    Raises:
        InternalError: predictions are not one number per image.
    """
    names = sorted(row.metrics)
    metrics = np.array([row.metrics[name] for name in names], dtype="<f8")
    return _pack({"metrics": names}, {"metrics": metrics, **{f"p:{k}": v for k, v in row.predictions.items()}})


def decode_row(blob: bytes, predictions: bool = True) -> Row:
    """Return the row of `encode_row`'s bytes, without its predictions where they are not wanted."""
    head, arrays = _unpack(blob, None if predictions else {"metrics"}, _common_head)
    metrics = dict(zip(head["metrics"], arrays["metrics"].tolist(), strict=True))
    return Row(metrics, {name[2:]: array for name, array in arrays.items() if name.startswith("p:")})


def encode_card(card: DataCard) -> bytes:
    """Return the bytes of a data card."""
    head = {
        "fingerprint": card.fingerprint,
        "name": card.name,
        "classes": list(card.classes),
        "images": {split: list(names) for split, names in card.images.items()},
        "notes": list(card.notes),
        "contents": {split: list(hashes) for split, hashes in card.contents.items()},
    }
    return _pack(head, dict(card.truth))


def decode_card(blob: bytes) -> DataCard:
    """Return the data card of `encode_card`'s bytes; one written before contents were recorded has none."""
    head, truth = _unpack(blob, None)
    contents = head.get("contents", {})
    return DataCard(
        head["fingerprint"], head["name"], head["classes"], truth, head["images"], head["notes"], contents=contents
    )


def _pack(head: Mapping[str, object], arrays: Mapping[str, object]) -> bytes:
    little = {}
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        if array.ndim != 1 or array.dtype.kind not in "biuf":
            raise InternalError(
                f"{name.removeprefix('p:')}: an array of shape {array.shape} and type {array.dtype} cannot be "
                "recorded; arrays of the ledger hold one number per image"
            )
        little[name] = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    layout = [[name, array.dtype.str, len(array)] for name, array in little.items()]
    line = json.dumps({**head, "arrays": layout}, sort_keys=True, separators=(",", ":"))
    return b"\n".join([line.encode(), b"".join(array.tobytes() for array in little.values())])


def _head(line: bytes) -> dict[str, object]:
    head: dict[str, Any] = json.loads(line.decode())
    return head


_common_head = functools.lru_cache(maxsize=1024)(_head)
"""The rows of a study share a few heads; what it returns must not be changed."""


def _unpack(
    blob: bytes, wanted: set[str] | None, parse: Callable[[bytes], dict[str, Any]] = _head
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    line, _, raw = blob.partition(b"\n")
    try:
        head = parse(line)
        arrays, offset = {}, 0
        for name, kind, length in head["arrays"]:
            dtype = np.dtype(kind)
            if wanted is None or name in wanted:
                arrays[name] = np.frombuffer(raw, dtype, length, offset)
            offset += dtype.itemsize * length
    except (ValueError, KeyError, TypeError) as error:
        raise InternalError(f"a blob of the ledger cannot be read: {error}") from error
    return head, arrays
