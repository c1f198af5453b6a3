"""From a listed source to a data set: decode every image once, split, and lay the splits out in content order."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from classifier.data import cache, decode
from classifier.data.card import DataCard, Dataset, fingerprint, notes
from classifier.data.source import SPLITS, Decoded, Source


def pool_key(source: Source, size: int) -> str:
    """Name the decoded images of a source, before they are split."""
    return cache.key("pool", source.identity, str(size), decode.version())


def assemble(source: Source, size: int) -> Dataset:
    """Decode (or find decoded) the images of `source` at `size` pixels, split them and describe the result.

    Two arrays are cached: all images in the order of the listing, and the chosen ones in the order of the splits. The
    second is what training maps; the first is opened only to make it, so that another split seed decodes nothing.
    Images are ordered by label and pixels, so that renaming files changes neither what is trained nor the fingerprint.
    """

    @functools.cache
    def pool() -> cache.Entry:
        shape = (len(source.names), 3, size, size)
        return cache.obtain(key, shape, lambda extra: decode.decode_all(source, size, extra))

    key = pool_key(source, size)
    known = cache.peek(key) or pool()
    decoded = Decoded(
        [bytes.fromhex(digest) for digest in known.extra["digests"]],
        {int(image): reason for image, reason in known.extra["failed"].items()},
    )
    parts = {split: _in_order(source, decoded, images) for split, images in source.split(decoded).items()}
    chosen = np.concatenate([parts[split] for split in SPLITS])

    def blocks(extra: dict[str, Any]) -> Iterator[np.ndarray]:
        for start in range(0, len(chosen), decode.BLOCK):
            yield pool().array[chosen[start : start + decode.BLOCK]]

    order = cache.key("splits", known.sha256, " ".join(map(str, chosen)))
    arranged = cache.obtain(order, (len(chosen), 3, size, size), blocks)

    ends = np.cumsum([len(parts[split]) for split in SPLITS])
    images = {split: arranged.array[end - len(parts[split]) : end] for split, end in zip(SPLITS, ends, strict=True)}
    labels = {split: source.labels[parts[split]] for split in SPLITS}
    for array in labels.values():
        array.flags.writeable = False
    card = DataCard(
        fingerprint=fingerprint(arranged.sha256, labels, size),
        name=source.name,
        classes=list(source.classes),
        truth={split: labels[split] for split in ("val", "test")},
        images={split: [source.names[image] for image in parts[split]] for split in ("val", "test")},
        notes=notes(source, parts, decoded, size),
    )
    return Dataset(images, labels, card)


def _in_order(source: Source, decoded: Decoded, images: np.ndarray) -> np.ndarray:
    def place(image: int) -> tuple[int, bytes, str]:
        return int(source.labels[image]), decoded.digests[image], source.names[image]

    return np.array(sorted(images.tolist(), key=place), dtype=np.int64)
