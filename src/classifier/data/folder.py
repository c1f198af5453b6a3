"""A folder of images: one folder per class, either under ``train``, ``val`` and ``test``, or to be split by a ratio.

Where ``val`` is missing, its images are drawn from ``train``; where ``test`` is missing, there is no test split.

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

from classifier.data.class_names import differing, look_alikes, name_of
from classifier.data.decode import open_image
from classifier.data.files import EXTENSIONS, Passed, folders, identity, images, note_above, relative, visible
from classifier.data.groups import Rule, check_filled, groups_of
from classifier.data.layout import Layout, layout, unwrapped
from classifier.data.links import broken
from classifier.data.listing import named
from classifier.data.settings import DATA_SETTINGS
from classifier.data.source import SPLITS, Decoded, Source
from classifier.data.splits import draw, drawn_whole, shares
from search.workload import SettingFaults

_LAYOUT = "one folder per class, either under train, val and test, or directly in it"
_ENDINGS = ", ".join(ending[1:] for ending in EXTENSIONS)
Split = Callable[[Decoded], Mapping[str, np.ndarray]]


def folder(path: Path, split_seed: int, ratio: Sequence[float], top: bool = False, rule: Rule | None = None) -> Source:
    """Return the images of a folder.

    Args:
        path: an existing folder.
        split_seed, ratio: how to split it where it is not split into folders.
        top: the folders in it are the classes, whatever they are called and hold.
        rule: which images belong together.

    Raises:
        SettingFaults: everything that is wrong with its layout.
    """
    try:
        found = Layout({}, folders(path)) if top else layout(path)
        listed = _divided if found.splits else _whole
        return listed(path, found, split_seed, ratio, rule)
    except SettingFaults as error:  # what is missing may be there, as a link
        of_layout = any(name == "data" for name, _ in error.faults)
        links = [link for place in (path, *folders(path)) for link in visible(place)] if of_layout else []
        if lost := [f"{relative(link, path)} is {reason}" for link in links if (reason := broken(link))]:
            raise SettingFaults([*error.faults, ("data", f"in {path} {named(lost, 5)}; mend or remove it")]) from error
        raise
    except OSError as error:
        raise _faults([f"{error.filename or path} cannot be read: {error.strerror or error}"]) from error


def _divided(path: Path, found: Layout, split_seed: int, ratio: Sequence[float], rule: Rule | None) -> Source:
    """List a folder that holds ``train``, and ``val`` or ``test`` or both."""
    by_split = {split: unwrapped(place, split) for split, place in found.splits.items()}
    places = [(split, place) for split in by_split for place in folders(by_split[split])]
    listing = _Listing(path, [place for _, place in places])
    there = {split: [name_of(place.name) for owner, place in places if owner == split] for split in by_split}
    faults = [*listing.faults, *differing(by_split, there, listing.classes)]
    filled = {(places[number][0], name_of(places[number][1].name)) for number in set(listing.place)}
    for split, place in places:
        name = name_of(place.name)
        if split == "train" and name in listing.classes and (split, name) not in filled:
            faults.append(
                f"class folder {place} holds no image ({_ENDINGS}), while other splits have some of that class"
            )
    _enough(path, listing.classes, faults)
    if faults:
        raise _faults(faults)
    listing.group_by(rule)
    notes = []
    if found.others:
        listed = named([other.name for other in found.others], 5)
        notes.append(f"{path.resolve().name} also holds {listed}, which {_is(found.others)} not used")
    if "test" not in by_split:
        notes.append("no folder test: there is no test split, and nothing is measured on test images")
    drawn = "val" not in by_split
    if drawn:
        wanted = "two or three numbers above 0: training and validation, and test, of which none is drawn"
        ratio = _checked(ratio, (2, 3), wanted)[:2]
        share = 100 * ratio[1] / sum(ratio)
        notes.append(
            f"no folder val: {share:.3g} % of the images in {found.splits['train'].name} are for validation, drawn by "
            "data.ratio and data.split_seed"
        )
    elif list(ratio) != DATA_SETTINGS["data.ratio"]["default"]:
        notes.append("data.ratio is not used: no image has to be drawn for a split")
    splits = np.array([list(by_split).index(places[number][0]) for number in listing.place], dtype=np.int64)

    def by_folder(decoded: Decoded) -> Mapping[str, np.ndarray]:
        kept = np.array([bool(digest) for digest in decoded.digests])
        parts: Mapping[str, np.ndarray] = {
            split: np.flatnonzero(kept & (splits == number)) for number, split in enumerate(by_split)
        }
        empty = [
            f"class folder {by_split['train'] / name} holds no image that can be read{_why(listing, decoded)}"
            for label, name in enumerate(listing.classes)
            if label not in listing.labels[parts["train"]]
        ]
        empty += [
            f"{by_split[split]} holds no image that can be read{_why(listing, decoded)}"
            for split in by_split
            if split != "train" and not len(parts[split])
        ]
        if empty:
            raise _faults(empty)
        if not drawn:
            return parts
        own = kept & (splits == 0)
        return {**_by_ratio(listing, decoded, own, by_split["train"], split_seed, ratio), "test": parts["test"]}

    return listing.source(by_folder, notes, [split for split in SPLITS if split in by_split or split == "val"], drawn)


def _whole(path: Path, found: Layout, split_seed: int, ratio: Sequence[float], rule: Rule | None) -> Source:
    """List a folder of class folders, to be split by `ratio`."""
    inside = found.others
    _checked(ratio, (len(SPLITS),), "three numbers above 0: training, validation and test")
    if not inside:
        raise _faults([f"{path} holds no folders; it must hold {_LAYOUT}"])
    listing = _Listing(path, inside)
    faults = list(listing.faults)
    _enough(path, listing.classes, faults)
    if faults:
        raise _faults(faults)
    listing.group_by(rule)

    def by_ratio(decoded: Decoded) -> Mapping[str, np.ndarray]:
        kept = np.array([bool(digest) for digest in decoded.digests])
        return _by_ratio(listing, decoded, kept, path, split_seed, ratio)

    return listing.source(by_ratio, [], SPLITS, drawn=True)


def _by_ratio(
    listing: _Listing, decoded: Decoded, kept: np.ndarray, path: Path, split_seed: int, ratio: Sequence[float]
) -> Mapping[str, np.ndarray]:
    """Draw splits from the images in the class folders of `path`.

    Args:
        listing, decoded: the images, and what decoding found out.
        kept: per image, whether it is there and can be read.
        path: holds their class folders.
        split_seed: the split seed.
        ratio: shares of training and validation, and perhaps test images.
    """
    counts = Counter(listing.labels[kept].tolist())
    lost = [
        f"class folder {path / name} holds no image that can be read{_why(listing, decoded)}"
        for label, name in enumerate(listing.classes)
        if not counts[label]
    ]
    if not lost and max(counts.values()) < len(ratio):
        each = "training, validation and test" if len(ratio) == len(SPLITS) else "training and validation"
        lost = [
            f"no class of {path} has {len(ratio)} images or more that can be read, one each for {each}"
            f"{_why(listing, decoded)}"
        ]
    if lost:
        raise _faults(lost)
    none = [0] * (len(SPLITS) - len(ratio))
    digests = [digest if there else b"" for digest, there in zip(decoded.digests, kept, strict=True)]

    def sizes(_: int, count: int) -> Sequence[int]:
        return [*shares(count, ratio), *none] if count >= len(ratio) else (count, 0, 0)

    if not listing.groups:
        return draw(listing.labels, digests, split_seed, sizes)
    parts = drawn_whole(listing.labels, digests, listing.groups, split_seed, sizes)
    check_filled([listing.groups[image] for image in np.flatnonzero(kept).tolist()], parts, SPLITS[: len(ratio)])
    return parts


class _Listing:
    """The images in a number of class folders.

    Attributes:
        places: the class folders.
        classes: the names of those that hold images, sorted.
        place: per image, the number of the class folder it is in.
        labels: per image, its class number.
        faults: what is wrong with the names of the folders.
        groups: per image, the name of its group; empty where images stand alone.
    """

    def __init__(self, root: Path, places: Sequence[Path]) -> None:
        self.root, self.places, self.passed = root, places, Passed()
        self.paths: list[Path] = []
        self.place: list[int] = []
        self.groups: Sequence[str] = ()
        for number, found in enumerate(places):
            inside = images(found, root, self.passed)
            self.paths += inside
            self.place += [number] * len(inside)
        note_above(places, root, self.passed)
        spelt: dict[str, str] = {}  # class -> the spelling of the first folder of it, which sorts it
        twins: dict[tuple[Path, str], set[Path]] = {}
        for number in dict.fromkeys(self.place):
            name = name_of(places[number].name)
            spelt.setdefault(name, places[number].name)
            twins.setdefault((places[number].parent, name), set()).add(places[number])
        self.classes = sorted(spelt, key=lambda name: spelt[name])
        self.no_classes = [found for found in places if name_of(found.name) not in spelt]
        number_of = {name: label for label, name in enumerate(self.classes)}
        self.labels = np.array([number_of[name_of(places[number].name)] for number in self.place], dtype=np.int64)
        self.faults = [
            f"{parent} holds two folders for the class {name!r}, which spell its letters in two ways: "
            f"{' and '.join(ascii(found.name) for found in sorted(found_twice))}; move the images of one into the other"
            for (parent, name), found_twice in twins.items()
            if len(found_twice) > 1
        ]

    @property
    def names(self) -> list[str]:
        return [relative(path, self.root) for path in self.paths]

    def group_by(self, rule: Rule | None) -> None:
        self.groups = groups_of(rule, self.names, {name for name, _ in self.passed.unreadable})

    def source(self, split: Split, notes: Sequence[str], splits: Sequence[str], drawn: bool) -> Source:
        paths = self.paths
        loose = sum(1 for path in visible(self.root) if path.is_file() and path.suffix.lower() in EXTENSIONS)
        sentences = list(notes)
        if close := look_alikes(self.classes):
            listed = named([" and ".join(map(repr, group)) for group in close], 5, "; ")
            sentences.append(f"classes whose names differ in case or blanks alone: {listed}")
        if self.no_classes:
            listed = named([relative(found, self.root) for found in self.no_classes], 5)
            sentences.append(f"class folders without an image ({_ENDINGS}), no classes: {listed}")
        if loose:
            sentences.append(
                f"{loose} {'image lies' if loose == 1 else 'images lie'} outside the class folders, not used"
            )
        if self.passed.others:
            endings = ", ".join(f"{count} {ending}" for ending, count in sorted(self.passed.others.items()))
            sentences.append(f"files in the class folders that do not end like an image, not used: {endings}")
        return Source(
            name=self.root.resolve().name,
            classes=self.classes,
            names=self.names,
            labels=self.labels,
            identity=identity(self.root, paths),
            read=lambda image: open_image(paths[image]),
            split=split,
            paths=paths,
            left_out=self.passed.unreadable,
            notes=sentences,
            splits=splits,
            remarks=[*self.passed.remarks(), *self._below(drawn and not self.groups)],
            groups=self.groups,
        )

    def _below(self, drawn: bool) -> list[str]:
        """Name the folders in class folders: masks beside images, another level of classes, one folder per patient."""
        parents = {(self.places[number], path.parent) for number, path in zip(self.place, self.paths, strict=True)}
        inside = {place / parent.relative_to(place).parts[0] for place, parent in parents if parent != place}
        listed = named([relative(found, self.root) for found in sorted(inside)], 10)
        apart = "; images of one may be in several splits, which are drawn image by image" if drawn else ""
        what = f"folders in class folders, whose images are images of the class{apart}"
        return [f"{what}: {len(inside):,}: {listed}"] * bool(inside)


def _checked(ratio: Sequence[float], lengths: Sequence[int], wanted: str) -> Sequence[float]:
    numbers = [part for part in ratio if isinstance(part, (int, float)) and not isinstance(part, bool)]
    if len(ratio) not in lengths or len(numbers) != len(ratio) or not all(0 < n < math.inf for n in numbers):
        raise SettingFaults([("data.ratio", f"found {list(ratio)!r}, must be {wanted}")])
    return ratio


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


def _is(things: Sequence[object]) -> str:
    return "is" if len(things) == 1 else "are"


def _faults(sentences: Sequence[str]) -> SettingFaults:
    return SettingFaults([("data", sentence) for sentence in sentences])
