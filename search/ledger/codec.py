"""Rows and data cards as bytes: a line of JSON that says what follows, then the raw arrays.

Metrics are 8-byte floats in the blob, because SQLite turns a NaN bound to a number column into NULL. Nothing is
pickled.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from search.core.errors import InternalError
from search.core.scores import ScoreRule
from search.core.trial import TIMED, DataCard, Row


def encode_row(row: Row) -> bytes:
    """Return the bytes of a row.

    Raises:
        InternalError: predictions are not one number per image.
    """
    names = sorted(row.metrics)
    metrics = np.array([row.metrics[name] for name in names], dtype="<f8")
    return _pack({"metrics": names}, {"metrics": metrics, **{f"p:{k}": v for k, v in row.predictions.items()}})


def content(blob: bytes) -> int:
    """Return what the bytes of rows that are equal have in common, predictions included, within this process; times,
    which are another number every time, are left aside."""
    if blob.find(TIMED.encode(), 0, blob.find(b"\n")) < 0:
        return hash(blob)
    return hash(encode_row(decode_row(blob).untimed))


def decode_row(blob: bytes, predictions: bool = True) -> Row:
    """Return the row of `encode_row`'s bytes, without its predictions where they are not wanted."""
    head, arrays = _unpack(blob, None if predictions else {"metrics"}, _common_head)
    metrics = dict(zip(head["metrics"], arrays["metrics"].tolist(), strict=True))
    return Row(metrics, {name[2:]: array for name, array in arrays.items() if name.startswith("p:")})


Scores = tuple[dict[str, dict[str, np.ndarray]], dict[str, ScoreRule]]
"""What a row says by scores: split -> name -> one float per example, and metric -> how it comes from them."""


def encode_scores(row: Row) -> bytes | None:
    """Return the bytes of a row's scores and their rules, None where it has neither: bit for bit, compressed.

    The bytes of each float are put apart by their place, because signs and exponents repeat and fractions do not.
    """
    if not row.scores and not row.score_rules:
        return None
    rules = {metric: dataclasses.asdict(rule) for metric, rule in row.score_rules.items()}
    for rule in rules.values():
        if not rule["label"]:  # which few rules have: the bytes of all others stay what they were
            del rule["label"]
    layout, packed = [], []
    for split, name in sorted((split, name) for split, named in row.scores.items() for name in named):
        array = _little(f"{split}: {name}", row.scores[split][name])
        compressed = zlib.compress(array.view(np.uint8).reshape(len(array), array.itemsize).T.tobytes(), 1)
        layout.append([split, name, array.dtype.str, len(array), len(compressed)])
        packed.append(compressed)
    line = json.dumps({"rules": rules, "scores": layout}, sort_keys=True, separators=(",", ":"))
    return b"\n".join([line.encode(), b"".join(packed)])


def decode_scores(blob: bytes, only: tuple[str, str] | None = None) -> Scores:
    """Return the scores of `encode_scores`'s bytes: all of them, or those of one (split, name) `only`."""
    line, _, raw = blob.partition(b"\n")
    scores: dict[str, dict[str, np.ndarray]] = {}
    offset = 0
    try:
        head = _common_head(line)
        for own, name, kind, length, size in head["scores"]:
            if only in (None, (own, name)):
                dtype = np.dtype(kind)
                apart = np.frombuffer(zlib.decompress(raw[offset : offset + size]), np.uint8)
                together = apart.reshape(dtype.itemsize, length).T
                scores.setdefault(own, {})[name] = np.ascontiguousarray(together).view(dtype).reshape(length)
            offset += size
        rules = {metric: ScoreRule(**rule) for metric, rule in head["rules"].items()}
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise InternalError(f"a blob of the ledger cannot be read: {error}") from error
    return scores, rules


def row_with_scores(row: bytes, scores: bytes | None, predictions: bool = True) -> Row:
    """Return the row of `encode_row`'s bytes with what it says by scores."""
    found = decode_row(row, predictions)
    if scores is None:
        return found
    by_split, rules = decode_scores(scores)
    return dataclasses.replace(found, scores=by_split, score_rules=rules)


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
    if card.groups:
        head["groups"] = {split: list(names) for split, names in card.groups.items()}
    return _pack(head, dict(card.truth))


def decode_card(blob: bytes) -> DataCard:
    """Return the data card of `encode_card`'s bytes; one written before contents or groups were recorded has none."""
    head, truth = _unpack(blob, None)
    named = {name: head[name] for name in ("fingerprint", "name", "classes", "images", "notes")}
    return DataCard(**named, truth=truth, contents=head.get("contents", {}), groups=head.get("groups", {}))


def _pack(head: Mapping[str, object], arrays: Mapping[str, object]) -> bytes:
    little = {}
    for name in sorted(arrays):
        little[name] = _little(name.removeprefix("p:"), arrays[name])
    layout = [[name, array.dtype.str, len(array)] for name, array in little.items()]
    line = json.dumps({**head, "arrays": layout}, sort_keys=True, separators=(",", ":"))
    return b"\n".join([line.encode(), b"".join(array.tobytes() for array in little.values())])


def _little(name: str, values: object) -> np.ndarray:
    """Return values as a contiguous array of little-endian numbers.

    Raises:
        InternalError: they are not one number per image.
    """
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "biuf":
        raise InternalError(
            f"{name}: an array of shape {array.shape} and type {array.dtype} cannot be "
            "recorded; arrays of the ledger hold one number per image"
        )
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))


def _head(line: bytes) -> dict[str, Any]:
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
