"""A data set ready for training, and its card: what a report must know of it, by content."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from classifier.data.listing import named
from classifier.data.source import LONG, SPLITS, Decoded, Source
from search.workload import ACROSS_SPLITS, DataCard


@dataclass(frozen=True, eq=False)
class Dataset:
    """A decoded and split data set, in an order that only its content determines.

    Attributes:
        images: split -> uint8 [n, 3, size, size], RGB, read-only, memory-mapped where the cache can be written;
            ``test`` is missing where the data have no test split.
        labels: split -> int64 [n], read-only.
        card: the same by content. Its fingerprint covers decoded pixels at the size that is trained on, labels and
            splits; names, times and order of files do not enter. Its ``truth`` is int64, of ``val`` and, where there is
            one, ``test``; ``contents`` are hashes of the decoded pixels.
        content: that fingerprint again, where what is made of these images may be kept on disk under it; else "".
    """

    images: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    card: DataCard
    content: str = ""


def fingerprint(pixels_sha256: str, labels: Mapping[str, np.ndarray], size: int, classes: int) -> str:
    """Hash a data set by content: the pixels (all splits, one after the other), the labels and the splits.

    Models have as many outputs as there are classes, so their number enters where the labels do not tell it.
    """
    digest = hashlib.sha256(f"data 1: {size} px, pixels {pixels_sha256}".encode())
    for split in (split for split in SPLITS if split in labels):
        digest.update(f", {split} {len(labels[split])} ".encode() + labels[split].astype("<i8").tobytes())
    if classes != 1 + max((int(one.max()) for one in labels.values() if len(one)), default=-1):
        digest.update(f", {classes} classes".encode())
    return digest.hexdigest()


def notes(
    source: Source, parts: Mapping[str, np.ndarray], decoded: Decoded, size: int, before: Sequence[int]
) -> list[str]:
    """Say what a reader of a table should know of these data.

    Args:
        source, parts, decoded: the images, how they are split, what decoding found out.
        size: width and height in pixels.
        before: images of each split before they were limited.
    """
    sizes = ", ".join(f"{len(parts[split]):,} {LONG[split]}" for split in source.splits)
    sentences = [f"{sizes} images, {len(source.classes)} classes, {size} px"]
    if list(before) != [len(parts[split]) for split in source.splits]:
        all_of_them = ", ".join(f"{count:,} {LONG[split]}" for split, count in zip(source.splits, before, strict=True))
        sentences.append(f"limited, from {all_of_them} images")
    ranges = []
    for split in source.splits:
        counts = np.bincount(source.labels[parts[split]], minlength=len(source.classes))
        low, high = counts.min(), counts.max()
        ranges.append(f"{low} {LONG[split]}" if low == high else f"{low} to {high} {LONG[split]}")
    sentences.append(f"images per class: {', '.join(ranges)}")
    for split in source.splits:
        absent = np.setdiff1d(np.arange(len(source.classes)), source.labels[parts[split]])
        if len(absent):
            sentences.append(f"no {LONG[split]} image of: {named([source.classes[label] for label in absent], 5)}")
    sentences += _duplicates(source, parts, decoded)
    left_out = [*source.left_out, *((source.names[image], reason) for image, reason in decoded.failed.items())]
    if left_out:
        listed = named([f"{name} ({reason})" for name, reason in sorted(left_out)], 10, "; ")
        sentences.append(f"left out {len(left_out)} {_plural(len(left_out), 'file')}: {listed}")
    return [*sentences, *source.notes]


def _duplicates(source: Source, parts: Mapping[str, np.ndarray], decoded: Decoded) -> list[str]:
    """Report images that decode to the same pixels in two splits, or under two labels."""
    same: dict[bytes, dict[str, list[int]]] = {}
    for split in source.splits:
        for image in parts[split].tolist():
            same.setdefault(decoded.digests[image], {}).setdefault(split, []).append(image)
    across, listed = 0, []
    for groups in same.values():
        for one, other in itertools.combinations(groups, 2):
            across += len(groups[one]) * len(groups[other])
            pairs = itertools.islice(itertools.product(groups[one], groups[other]), 5)
            listed += [_pair(source, one, a, other, b) for a, b in pairs]
    sentences = []
    if across:
        shown = "; ".join(sorted(listed)[:5]) + (f"; and {across - 5:,} more" if across > 5 else "")
        sentences.append(f"{across:,} {_plural(across, 'pair')} of identical images {ACROSS_SPLITS}: {shown}")
    torn = [
        sorted(source.names[image] for image in images)
        for images in (list(itertools.chain(*groups.values())) for groups in same.values())
        if len({int(source.labels[image]) for image in images}) > 1
    ]
    if torn:
        shown = named([named(names, 5, " = ") for names in sorted(torn)], 5, "; ")
        sentences.append(f"{len(torn):,} {_plural(len(torn), 'image')} found under more than one label: {shown}")
    return sentences


def _pair(source: Source, one: str, a: int, other: str, b: int) -> str:
    return f"{source.names[a]} ({LONG[one]}) = {source.names[b]} ({LONG[other]})"


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"
