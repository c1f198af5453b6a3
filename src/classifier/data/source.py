"""What every kind of data set hands over: its images one by one, their classes, and how they are split."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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
        known: a data set known by name: the name of an image says which one it is in every copy of the set, the split
            depends on names alone, and a copy with a hole is another data set.
        remedy: what to do where an image of a set known by name cannot be read.
        paths: the file of each image; empty where images do not lie in files of their own.
        left_out: pairs of (name, reason) of files that were not even listed.
        notes: sentences for the data card.
        splits: those of `SPLITS` that it has, in that order: training and validation always, test perhaps.
        remarks: sentences for the data check alone: they change nothing in how a table is read.
        groups: the name of each image's group, as ``data.groups`` says; empty where it says nothing.
    """

    name: str
    classes: Sequence[str]
    names: Sequence[str]
    labels: np.ndarray
    identity: str
    read: Callable[[int], Image.Image]
    split: Callable[[Decoded], Mapping[str, np.ndarray]]
    known: bool = False
    remedy: str = ""
    paths: Sequence[Path] = ()
    left_out: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    splits: Sequence[str] = SPLITS
    remarks: Sequence[str] = ()
    groups: Sequence[str] = ()

    def subset(self, parts: Mapping[str, np.ndarray]) -> Source:
        """Return the source that lists the images of these parts alone, and is split into them.

        Args:
            parts: split -> image numbers of this source.
        """
        images = np.sort(np.concatenate([parts[split] for split in self.splits]))
        renumbered = {split: np.searchsorted(images, part) for split, part in parts.items()}
        which = hashlib.sha256(images.astype("<i8").tobytes()).hexdigest()
        read = self.read
        return replace(
            self,
            names=[self.names[image] for image in images],
            labels=self.labels[images],
            identity=f"{self.identity}, images {which}",
            read=lambda image: read(int(images[image])),
            split=lambda _: renumbered,
            paths=[self.paths[image] for image in images] if self.paths else (),
            groups=[self.groups[image] for image in images] if self.groups else (),
        )
