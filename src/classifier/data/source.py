"""What every kind of data set hands over: its images one by one, their classes, and how they are split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

SPLITS = ("train", "val", "test")
LONG = {"train": "training", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class Decoded:
    """What decoding found out about the images of a source, apart from their pixels.

    Attributes:
        digests: per image, the hash of its pixels in full size; empty where it could not be decoded.
        failed: image number -> why it could not be decoded.
    """

    digests: Sequence[bytes]
    failed: Mapping[int, str]


@dataclass(frozen=True)
class Source:
    """A data set, listed but not yet decoded.

    Attributes:
        name: for people.
        classes: class names in label order.
        names: one per image, for people.
        labels: class number per image, int64.
        identity: text that changes whenever the images may have changed (names, sizes and times of files).
        read: image number -> the image as stored; called from several threads, raises where it cannot be read.
        split: split -> image numbers, from what decoding found out. Drawn from the split seed alone.
        left_out: pairs of (name, reason) of files that were not even listed.
        notes: sentences for the data card.
    """

    name: str
    classes: Sequence[str]
    names: Sequence[str]
    labels: np.ndarray
    identity: str
    read: Callable[[int], Image.Image]
    split: Callable[[Decoded], Mapping[str, np.ndarray]]
    left_out: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
