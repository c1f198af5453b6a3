"""From a listed source to a data set: decode every image once, split, and lay the splits out in content order."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from classifier.data import cache, decode
from classifier.data.card import Dataset, fingerprint, notes
from classifier.data.groups import check_uncut
from classifier.data.listing import named
from classifier.data.source import Decoded, Source
from classifier.data.splits import limited
from search.workload import DataCard, SettingFaults


def pool_key(source: Source, size: int) -> str:
    """Name the decoded images of a source, before they are split."""
    return cache.key("pool", source.identity, str(size), decode.version())


def pool(source: Source, size: int) -> cache.CacheEntry:
    """Open all images of a source at `size` pixels, in the order of its listing; decoded where that was not done."""
    shape = (len(source.names), 3, size, size)
    return cache.obtain(pool_key(source, size), shape, lambda extra: decode.decode_all(source, size, extra))


@dataclass(frozen=True)
class Split:
    """A source whose images are decoded and split, before they are laid out.

    Attributes:
        source: the source, or the part of it that a limit leaves.
        decoded: what decoding found out.
        parts: split -> image numbers, in no particular order.
        before: images of each split of `source` before they were limited.
        pool: opens all decoded images of `source`, in the order of its listing.
        pool_sha256: the hash of these.
    """

    source: Source
    decoded: Decoded
    parts: Mapping[str, np.ndarray]
    before: Sequence[int]
    pool: Callable[[], cache.CacheEntry]
    pool_sha256: str


def split(source: Source, size: int, seed: int, limit: Sequence[int] | None) -> Split:
    """Decode (or find decoded) the images of `source` at `size` pixels and split them.

    Args:
        source: the images.
        size: width and height in pixels.
        seed: the split seed, which draws the images that a limit leaves.
        limit: most images of each split of `source`, or None. Of a set known by name only these are decoded.

    Raises:
        SettingFaults: the source cannot be split, is a set known by name of which an image cannot be read, or has a
            group in two splits.
    """
    before = None
    if limit is not None and source.known and cache.peek(pool_key(source, size)) is None:
        parts = source.split(Decoded([], {}))
        before = [len(parts[name]) for name in source.splits]
        source = source.subset(limited(parts, source.labels, [name.encode() for name in source.names], seed, limit))
    opened = functools.cache(functools.partial(pool, source, size))
    cached = cache.peek(pool_key(source, size)) or opened()
    decoded = Decoded(
        [bytes.fromhex(digest) for digest in cached.extra["digests"]],
        {int(image): reason for image, reason in cached.extra["failed"].items()},
    )
    if source.known and decoded.failed:  # a known data set with a hole is another data set
        damaged = [f"{source.names[image]} ({reason})" for image, reason in sorted(decoded.failed.items())]
        where = f" in {source.paths[0].parent}" if source.paths else ""
        sentence = f"{len(damaged)} of the images{where} cannot be read: {named(damaged, 3)}; {source.remedy}"
        raise SettingFaults([("data", sentence)])
    parts = source.split(decoded)
    before = before or [len(parts[name]) for name in source.splits]
    if limit is not None:
        identities = [name.encode() for name in source.names] if source.known else decoded.digests
        parts = limited(parts, source.labels, identities, seed, limit)
    check_uncut(source, parts)
    return Split(source, decoded, parts, before, opened, cached.sha256)


def assemble(source: Source, size: int, seed: int = 0, limit: Sequence[int] | None = None) -> Dataset:
    """Decode (or find decoded) the images of `source` at `size` pixels, split them and describe the result.

    Two arrays are cached: all images in the order of the listing, and the chosen ones in the order of the splits. The
    second is what training maps; the first is opened only to make it, so that another split seed decodes nothing.
    Images are ordered by label and pixels, so that renaming files changes neither what is trained nor the fingerprint.

    Args:
        source, size, seed, limit: see `split`.

    Raises:
        SettingFaults: see `split`.
    """
    ready = split(source, size, seed, limit)
    source, decoded = ready.source, ready.decoded
    parts = {name: _in_order(source, decoded, images) for name, images in ready.parts.items()}
    chosen = np.concatenate([parts[name] for name in source.splits])

    def blocks(_extra: dict[str, object]) -> Iterator[np.ndarray]:
        for start in range(0, len(chosen), decode.BLOCK_IMAGES):
            yield ready.pool().array[chosen[start : start + decode.BLOCK_IMAGES]]

    order = cache.key("splits", ready.pool_sha256, " ".join(map(str, chosen)))
    arranged = cache.obtain(order, (len(chosen), 3, size, size), blocks)

    ends = np.cumsum([len(parts[name]) for name in source.splits])
    images = {name: arranged.array[end - len(parts[name]) : end] for name, end in zip(source.splits, ends, strict=True)}
    labels = {name: source.labels[parts[name]] for name in source.splits}
    for array in labels.values():
        array.flags.writeable = False
    judged = [name for name in source.splits if name != "train"]
    card = DataCard(
        fingerprint=fingerprint(arranged.sha256, labels, size, len(source.classes)),
        name=source.name,
        classes=list(source.classes),
        truth={name: labels[name] for name in judged},
        images={name: [source.names[image] for image in parts[name]] for name in judged},
        notes=notes(source, parts, decoded, size, ready.before),
        contents={name: [decoded.digests[image].hex() for image in parts[name]] for name in judged},
        groups={name: [source.groups[image] for image in parts[name]] for name in judged} if source.groups else {},
    )
    return Dataset(images, labels, card, card.fingerprint)


def _in_order(source: Source, decoded: Decoded, images: np.ndarray) -> np.ndarray:
    def place(image: int) -> tuple[int, bytes, str]:
        return int(source.labels[image]), decoded.digests[image], source.names[image]

    return np.array(sorted(images.tolist(), key=place), dtype=np.int64)
