"""A folder of images: one folder per class, either under ``train``, ``val`` and ``test``, or to be split by a ratio.

What cannot be read is left out and named. A class folder without any image file is no class. A class needs an image
that can be read in the training split; without one for validation or test it trains all the same, and the data card
says so. Of a folder that is to be split, a class of one or two images trains only.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from classifier.data.decode import open_image
from classifier.data.errors import DataError, named
from classifier.data.files import EXTENSIONS, Passed, folders, identity, images, relative, visible
from classifier.data.source import SPLITS, Decoded, Source
from classifier.data.splits import draw, shares

_SPLIT_NAMES = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_LAYOUT = "one folder per class, either under train, val and test, or directly in it"
_ENDINGS = ", ".join(ending[1:] for ending in EXTENSIONS)
Split = Callable[[Decoded], Mapping[str, np.ndarray]]


def folder(path: Path, split_seed: int, ratio: Sequence[float]) -> Source:
    """Return the images of a folder.

    Args:
        path: an existing folder.
        split_seed, ratio: how to split it where it is not split into folders.

    Raises:
        DataError: everything that is wrong with its layout.
    """
    try:
        inside = folders(path)
        split_folders = [found for found in inside if found.name.lower() in _SPLIT_NAMES and folders(found)]
        if split_folders:
            return _divided(path, split_folders, [found.name for found in inside if found not in split_folders])
        return _whole(path, inside, split_seed, ratio)
    except OSError as error:
        raise _faults([f"{error.filename or path} cannot be read: {error.strerror or error}"]) from error


def _divided(path: Path, split_folders: Sequence[Path], others: Sequence[str]) -> Source:
    """List a folder that holds ``train``, ``val`` and ``test``."""
    by_split: dict[str, Path] = {}
    faults = []
    for found in split_folders:
        split = _SPLIT_NAMES[found.name.lower()]
        if split in by_split:
            faults.append(f"{path} holds both {by_split[split].name} and {found.name}; keep one of them as {split}")
        by_split[split] = found
    for split in SPLITS:
        if split not in by_split:
            has = " and ".join(found.name for found in split_folders)
            faults.append(
                f"{path} holds {has}, but no folder {split} with the class folders in it; add it, "
                "or name a folder that holds the class folders directly, which is then split by data.ratio"
            )
    if faults:
        raise _faults(faults)
    places = [(split, found) for split in SPLITS for found in folders(by_split[split])]
    listing = _Listing(path, [found for _, found in places])
    every = listing.classes
    there = {split: [found.name for owner, found in places if owner == split] for split in SPLITS}
    for split in SPLITS:
        lacking = [name for name in every if name not in there[split]]
        if lacking:
            faults.append(
                f"{by_split[split]} has no folder for {_classes(lacking)}, which other splits have; "
                "add it, it may be empty"
            )
    filled = set(listing.place)
    for number, (split, found) in enumerate(places):
        if split == "train" and found.name in every and number not in filled:
            faults.append(
                f"class folder {found} holds no image ({_ENDINGS}), while other splits have some of that class"
            )
    _enough(path, every, faults)
    if faults:
        raise _faults(faults)
    splits = np.array([SPLITS.index(places[number][0]) for number in listing.place], dtype=np.int64)

    def by_folder(decoded: Decoded) -> Mapping[str, np.ndarray]:
        kept = np.array([bool(digest) for digest in decoded.digests])
        parts = {name: np.flatnonzero(kept & (splits == number)) for number, name in enumerate(SPLITS)}
        empty = [
            f"class folder {by_split['train'] / name} holds no image that can be read{_why(listing, decoded)}"
            for label, name in enumerate(every)
            if label not in listing.labels[parts["train"]]
        ]
        empty += [
            f"{by_split[name]} holds no image that can be read{_why(listing, decoded)}"
            for name in SPLITS[1:]
            if not len(parts[name])
        ]
        if empty:
            raise _faults(empty)
        return parts

    passed_over = [f"{path.name} also holds {named(others, 5)}, which {_is(others)} not used"] if others else []
    return listing.source(by_folder, passed_over)


def _whole(path: Path, inside: Sequence[Path], split_seed: int, ratio: Sequence[float]) -> Source:
    """List a folder of class folders, to be split by `ratio`."""
    _check_ratio(ratio)
    faults: list[str] = []
    if not inside:
        raise _faults([f"{path} holds no folders; it must hold {_LAYOUT}"])
    listing = _Listing(path, inside)
    classes = listing.classes
    _enough(path, classes, faults)
    if faults:
        raise _faults(faults)

    def by_ratio(decoded: Decoded) -> Mapping[str, np.ndarray]:
        counts = Counter(int(label) for label, digest in zip(listing.labels, decoded.digests, strict=True) if digest)
        lost = [
            f"class folder {path / name} holds no image that can be read{_why(listing, decoded)}"
            for label, name in enumerate(classes)
            if not counts[label]
        ]
        if not lost and max(counts.values()) < len(SPLITS):
            lost = [
                f"no class of {path} has 3 images or more that can be read, one each for training, validation and test"
                f"{_why(listing, decoded)}"
            ]
        if lost:
            raise _faults(lost)
        return draw(
            listing.labels,
            decoded.digests,
            split_seed,
            lambda _, count: shares(count, ratio) if count >= len(SPLITS) else (count, 0, 0),
        )

    return listing.source(by_ratio, [])


class _Listing:
    """The images in a number of class folders.

    Attributes:
        classes: the names of those that hold images, sorted.
        place: per image, the number of the class folder it is in.
        labels: per image, its class number.
    """

    def __init__(self, root: Path, places: Sequence[Path]) -> None:
        self.root, self.passed = root, Passed()
        self.paths: list[Path] = []
        self.place: list[int] = []
        for number, found in enumerate(places):
            inside = images(found, root, self.passed)
            self.paths += inside
            self.place += [number] * len(inside)
        self.classes = sorted({places[number].name for number in self.place})
        self.no_classes = [found for found in places if found.name not in self.classes]
        number_of = {name: label for label, name in enumerate(self.classes)}
        self.labels = np.array([number_of[places[number].name] for number in self.place], dtype=np.int64)

    def source(self, split: Split, notes: Sequence[str]) -> Source:
        paths = self.paths
        loose = sum(1 for path in visible(self.root) if path.is_file() and path.suffix.lower() in EXTENSIONS)
        said = list(notes)
        if self.no_classes:
            listed = named([relative(found, self.root) for found in self.no_classes], 5)
            said.append(f"class folders without an image ({_ENDINGS}), no classes: {listed}")
        if loose:
            said.append(f"{loose} {'image lies' if loose == 1 else 'images lie'} outside the class folders, not used")
        if self.passed.others:
            endings = ", ".join(f"{count} {ending}" for ending, count in sorted(self.passed.others.items()))
            said.append(f"files in the class folders that do not end like an image, not used: {endings}")
        return Source(
            name=self.root.resolve().name,
            classes=self.classes,
            names=[relative(path, self.root) for path in paths],
            labels=self.labels,
            identity=identity(self.root, paths),
            read=lambda image: open_image(paths[image]),
            split=split,
            paths=paths,
            left_out=self.passed.unreadable,
            notes=said,
        )


def _check_ratio(ratio: Sequence[float]) -> None:
    numbers = [part for part in ratio if isinstance(part, (int, float)) and not isinstance(part, bool)]
    if len(ratio) != len(SPLITS) or len(numbers) != len(SPLITS) or not all(0 < n < math.inf for n in numbers):
        raise DataError(
            [("data.ratio", f"found {list(ratio)!r}, must be three numbers above 0: training, validation and test")]
        )


def _enough(path: Path, classes: Sequence[str], faults: list[str]) -> None:
    if not classes and not faults:
        faults.append(f"the class folders of {path} hold no image ({_ENDINGS})")
    elif len(classes) < 2 and not faults:
        faults.append(
            f"{path} holds only the class {_classes(classes)}; it must hold {_LAYOUT}, of two classes or more"
        )


def _why(listing: _Listing, decoded: Decoded) -> str:
    """Name the files whose loss may explain a class that is too small."""
    lost = [f"{relative(listing.paths[image], listing.root)}: {reason}" for image, reason in decoded.failed.items()]
    lost += [f"{name}: {reason}" for name, reason in listing.passed.unreadable]
    return f" (left out: {named(sorted(lost), 3)})" if lost else ""


def _classes(names: Sequence[str]) -> str:
    return named([repr(name) for name in names], 5)


def _is(things: Sequence[str]) -> str:
    return "is" if len(things) == 1 else "are"


def _faults(sentences: Sequence[str]) -> DataError:
    return DataError([("data", sentence) for sentence in sentences])
