"""What the folders in a data folder are: classes, or splits with the class folders in them.

What this file promises:

* folders that are named like splits are splits, in any case and with the usual affixes: ``Training``, ``val_set``,
  ``test-images``; the words are those of Hugging Face's ImageFolder, where ``eval`` is a test, and some more;
* folders that hold the same folders, or nearly the same, are splits or folds, whatever they are called: they are
  refused, never trained as classes, unless a person says that they are classes;
* a folder that holds the folders beside it once more is no class either, unless a person says so.
"""

from __future__ import annotations

import itertools
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from classifier.data.class_names import alike
from classifier.data.files import folders
from classifier.data.links import holds
from classifier.data.listing import named
from classifier.data.source import SPLITS
from search.workload import SettingFaults

TOP = "data.classes: top"
"""The line that says that the folders in a data folder are the classes, whatever they are called and hold."""

_WORDS = {
    **dict.fromkeys(("train", "training", "trainval", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "validating", "dev", "development"), "val"),
    **dict.fromkeys(("test", "testing", "tst", "eval", "evaluation", "holdout", "heldout"), "test"),
}
_PLAIN = ("train", "val", "valid", "validation", "test")
"""Names that are preferred where a folder holds two for one split."""

_AFFIX = "images?|imgs?|pictures?|pics?|photos?|jpe?gs?|pngs?|files?|samples?|examples?|sets?|data|splits?|folders?"
_NEUTRAL = re.compile(rf"(?:{_AFFIX})+")
_AFFIXED = re.compile(rf"(?:{_AFFIX})*({'|'.join(sorted(_WORDS, key=len, reverse=True))})(?:{_AFFIX})*")

Below = Mapping[Path, frozenset[str]]


@dataclass(frozen=True)
class Layout:
    """How a data folder is laid out.

    Attributes:
        splits: split -> its folder, with the class folders in it; empty where these lie directly in the data folder.
        others: the other folders in it: the class folders where there are no splits, else what is not used.
    """

    splits: Mapping[str, Path]
    others: Sequence[Path]


def layout(path: Path) -> Layout:
    """Find out how a folder is laid out.

    Raises:
        SettingFaults: its folders are no classes, and no splits that can be trained on.
        OSError: it cannot be read.
    """
    held = {found: _held(found) for found in folders(path)}
    inside, below = list(held), {found: frozenset(alike(sub.name) for sub in subs) for found, subs in held.items()}
    meant = _meant(below)
    divided = [found for found in meant if below[found]]
    if divided:
        splits = _splits(path, {found: meant[found] for found in divided}, below)
        return Layout(splits, [found for found in inside if found not in splits.values()])
    if len(set(meant.values())) > 1:
        listed = _and(meant)
        raise _refused(
            f"{path} holds {listed}, which are named like splits, without a class folder in them; lay the images of "
            f"each class into a folder of its own there, or write `{TOP}` if they are classes"
        )
    if len(inside) == 1 and len(held[inside[0]]) > 1:
        listed = named([sub.name for sub in held[inside[0]]], 5)
        raise _refused(
            f"{path} holds one folder, {inside[0].name}, which holds {listed}; name {inside[0]} if these are the "
            "classes or the splits"
        )
    _no_splits_below(path, held)
    _no_copies(path, below)
    _no_folds(path, held, below)
    return Layout({}, inside)


def unwrapped(found: Path, split: str) -> Path:
    """Return where the class folders of a split lie: ``training_set/training_set`` and ``train/images`` are usual."""
    inside = folders(found)
    if len(inside) == 1 and (
        _spoken(inside[0].name)[0] == split or _NEUTRAL.fullmatch("".join(_words(inside[0].name)))
    ):
        return inside[0] if folders(inside[0]) else found
    return found


def _held(found: Path) -> list[Path]:
    """Return the folders in a folder; of a single one that holds folders, the folders in that one."""
    inside = folders(found)
    return (folders(inside[0]) or inside) if len(inside) == 1 else inside


def _words(name: str) -> list[str]:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", name))
    return [word.casefold() for word in re.findall(r"[^\W\d_]+", apart)]


def _spoken(name: str) -> tuple[str, str]:
    """Return the split that a name speaks of, and what else it says; "" where it speaks of none or of several."""
    words = _words(name)
    if match := _AFFIXED.fullmatch("".join(words)):
        return _WORDS[match[1]], ""
    found = {_WORDS[word] for word in words if word in _WORDS}
    return (found.pop(), " ".join("" if word in _WORDS else word for word in words)) if len(found) == 1 else ("", "")


def _meant(below: Below) -> dict[Path, str]:
    """Return folder -> split, for the folders whose names mean one.

    A name that says more (``seg_train``, ``train_station``) means a split where another one says the same of another
    split, or where another split holds the same folders.
    """
    spoken = {found: words for found in below if (words := _spoken(found.name))[0]}

    def sure(found: Path) -> bool:
        split, more = spoken[found]
        return not more or any(
            split != other and (more == said or nearly_same(below[found], below[place]))
            for place, (other, said) in spoken.items()
        )

    return {found: spoken[found][0] for found in spoken if sure(found)}


def _splits(path: Path, divided: Mapping[Path, str], below: Below) -> dict[str, Path]:
    """Return split -> its folder, in the order of `SPLITS`.

    Args:
        path: the data folder.
        divided: folder -> split, where there are class folders in it.
        below: what each folder in the data folder holds.
    """
    faults, splits = [], dict[str, Path]()
    for split in SPLITS:
        places = [found for found in divided if divided[found] == split]
        places = [found for found in places if found.name.lower() in _PLAIN] or places
        if len(places) > 1:
            faults.append(f"{path} holds both {places[0].name} and {places[1].name}; keep one of them as {split}")
        if places:
            splits[split] = places[0]
    twins = [
        found for found in below if found not in divided and any(nearly_same(below[found], below[d]) for d in divided)
    ]
    so = f", or call {_and(twins)} so, with such folders in {'it' if len(twins) == 1 else 'them'}" if twins else ""
    directly = "or name a folder that holds the class folders directly, which is then split by data.ratio"
    if "train" not in splits:
        faults.append(
            f"{path} holds {_and(divided)}, but no folder train with the class folders in it; add it{so}, {directly}, "
            f"or write `{TOP}` if the folders in it are the classes"
        )
    elif len(splits) == 1:
        alone = splits["train"]
        faults.append(
            f"{path} holds {alone.name}, but no folder val or test with the class folders in it; add one of them{so}, "
            f"or name {alone}, which is then split by data.ratio, or write `{TOP}` if the folders in it are the classes"
        )
    if faults:
        raise _refused(*faults)
    return splits


def _no_splits_below(path: Path, held: Mapping[Path, Sequence[Path]]) -> None:
    """Refuse folders that hold splits: a data set in a folder of its own, folds, or the splits of each class."""
    holding = {}
    for found, inside in held.items():
        spoken = {sub: words[0] for sub in inside if (words := _spoken(sub.name))[0] and not words[1]}
        if len(set(spoken.values())) > 1:
            holding[found] = spoken
    if not holding:
        return
    first, splits = next(iter(holding.items()))
    if len(holding) == 1:
        sentence = f"{first} holds {_and(splits)}, which are named like splits; name {first}"
    else:
        listed = named([found.name for found in holding], 5)
        sentence = (
            f"{path} holds {listed}, with {_and(splits)} in {first.name}, which are named like splits; name one of "
            f"them if the classes are in these, or lay each class into the splits, as in {next(iter(splits)).name}/"
            f"{first.name}"
        )
    raise _refused(f"{sentence}, or write `{TOP}` if the folders of {path} are the classes")


def _no_copies(path: Path, below: Below) -> None:
    """Refuse a folder that holds the folders beside it once more: archives are often unpacked into themselves."""
    beside = {found: frozenset(alike(other.name) for other in below if other != found) for found in below}
    copies = [
        found
        for found in below
        if nearly_same(below[found], beside[found]) and not holds(os.path.realpath(found), os.path.realpath(path))
    ]
    if not copies:
        return
    twice = below[copies[0]] & beside[copies[0]]
    some = named([repr(found.name) for found in below if alike(found.name) in twice], 3)
    one = len(copies) == 1
    raise _refused(
        f"{path} holds {_and(copies)}, which {'holds' if one else 'hold'} folders of the same names as those beside "
        f"{'it' if one else 'them'} ({some}), like a second copy of the classes; move {'it' if one else 'them'} out of "
        f"{path}, or name {copies[0]}, or write `{TOP}` if the folders of {path} are the classes"
    )


def _no_folds(path: Path, held: Mapping[Path, Sequence[Path]], below: Below) -> None:
    """Refuse folders that hold the same folders."""
    places: dict[frozenset[str], list[Path]] = {}
    for found, names in below.items():
        if names:
            places.setdefault(names, []).append(found)
    groups = [[names] for names in places if len(names) > 1 and len(places[names]) > 1]
    groups += [list(pair) for pair in itertools.combinations(places, 2) if nearly_same(*pair)]
    if not groups:
        return
    group = [names for names in places if any(nearly_same(names, other) for other in groups[0])]
    alike_ones = sorted(found for names in group for found in places[names])
    shared = frozenset.intersection(*groups[0])
    some = named([repr(sub.name) for sub in held[alike_ones[0]] if alike(sub.name) in shared], 3)
    same = "the same folders" if len(group) == 1 else "nearly the same folders"
    raise _refused(
        f"{path} holds {named([found.name for found in alike_ones], 5)}, which hold {same} ({some}), so that they look "
        f"like splits or folds and not like classes; call them train, val and test, or name one of them, which is then "
        f"split by data.ratio, or write `{TOP}` if they are classes"
    )


def nearly_same(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two folders hold nearly the same folders, by name: half of those that the one with fewer holds.

    One that both hold says nothing (``images`` in the folder of every class), unless it is one of two at most.
    """
    shared = len(one & other)
    return (shared > 1 and 2 * shared >= min(len(one), len(other))) or (shared == 1 and len(one | other) == 2)


def _and(found: Sequence[Path] | Mapping[Path, str]) -> str:
    names = [place.name for place in found]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _refused(*sentences: str) -> SettingFaults:
    return SettingFaults([("data", sentence) for sentence in sentences])
