"""A folder of images: one folder per class, either under ``train``, ``val`` and ``test``, or to be split by a ratio."""

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
    classes = {split: [found.name for found in folders(by_split[split])] for split in SPLITS}
    every = sorted({name for names in classes.values() for name in names})
    for split in SPLITS:
        lacking = [name for name in every if name not in classes[split]]
        if lacking:
            faults.append(f"{by_split[split]} has no folder for {_classes(lacking)}, which other splits have")
    _enough(path, every, faults)
    places = [(name, by_split[split] / name) for split in SPLITS for name in classes[split]]
    owner = [split for split in SPLITS for _ in classes[split]]
    listing = _Listing(path, places, every, faults)
    splits = np.array([SPLITS.index(owner[place]) for place in listing.place], dtype=np.int64)

    def by_folder(decoded: Decoded) -> Mapping[str, np.ndarray]:
        kept = np.array([bool(digest) for digest in decoded.digests])
        parts = {name: np.flatnonzero(kept & (splits == number)) for number, name in enumerate(SPLITS)}
        empty = [
            f"class folder {by_split[name] / every[label]} holds no image that can be read{_why(listing, decoded)}"
            for name, images_in_it in parts.items()
            for label in range(len(every))
            if label not in listing.labels[images_in_it]
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
    _enough(path, [found.name for found in inside], faults)
    classes = sorted(found.name for found in inside)
    listing = _Listing(path, [(found.name, found) for found in inside], classes, faults)

    def by_ratio(decoded: Decoded) -> Mapping[str, np.ndarray]:
        counts = Counter(int(label) for label, digest in zip(listing.labels, decoded.digests, strict=True) if digest)
        few = [
            f"class {name!r} has {counts[label]} {'image' if counts[label] == 1 else 'images'} that can be read; "
            f"it needs at least 3, one each for training, validation and test{_why(listing, decoded)}"
            for label, name in enumerate(classes)
            if counts[label] < len(SPLITS)
        ]
        if few:
            raise _faults(few)
        return draw(listing.labels, decoded.digests, split_seed, lambda _, count: shares(count, ratio))

    return listing.source(by_ratio, [])


class _Listing:
    """The images in a number of class folders.

    Attributes:
        place: per image, the number of the class folder it is in.
        labels: per image, its class number.
    """

    def __init__(
        self, root: Path, places: Sequence[tuple[str, Path]], classes: Sequence[str], faults: list[str]
    ) -> None:
        self.root, self.classes, self.passed = root, classes, Passed()
        self.paths: list[Path] = []
        self.place: list[int] = []
        for number, (_, found) in enumerate(places):
            inside = images(found, root, self.passed)
            if not inside:
                faults.append(f"class folder {found} holds no image ({', '.join(e[1:] for e in EXTENSIONS)})")
            self.paths += inside
            self.place += [number] * len(inside)
        if faults:
            raise _faults(faults)
        number_of = {name: label for label, name in enumerate(classes)}
        self.labels = np.array([number_of[places[number][0]] for number in self.place], dtype=np.int64)

    def source(self, split: Split, notes: Sequence[str]) -> Source:
        paths = self.paths
        loose = sum(1 for path in visible(self.root) if path.is_file() and path.suffix.lower() in EXTENSIONS)
        said = list(notes)
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
    if len(classes) < 2:
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
