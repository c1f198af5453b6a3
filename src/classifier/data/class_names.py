"""When two folders name one class: Unicode has several spellings of the same letters, and file systems keep them.

An archive made on a Mac spells `é` as two characters (NFD), most others as one (NFC). Equal letters are one class.
Names that differ in case or blanks alone are two, but seldom meant so: they are named.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from classifier.data.listing import named


def name_of(folder: str) -> str:
    """Return the name of the class that a folder holds: its letters, however they are spelt (NFC)."""
    return unicodedata.normalize("NFC", folder)


def alike(name: str) -> str:
    """Return what names share that a person takes for one: without case, blanks at the ends, and what is not seen."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    seen = "".join(letter for letter in folded if unicodedata.category(letter) not in ("Cf", "Cc"))
    return re.sub(r"[\s_]+", " ", seen).strip()


def look_alikes(names: Iterable[str]) -> list[list[str]]:
    """Return the groups of different names that are `alike`, sorted."""
    groups: dict[str, set[str]] = {}
    for name in names:
        groups.setdefault(alike(name), set()).add(name)
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


def differing(by_split: Mapping[str, Path], there: Mapping[str, Sequence[str]], every: Sequence[str]) -> list[str]:
    """Say which classes some splits have and others lack: by another name, or at all.

    Args:
        by_split: split -> the folder that holds its class folders.
        there: split -> the names of the classes it has a folder for.
        every: the names of the classes of which there is an image.
    """
    faults, renamed = [], set()
    trained = {alike(name) for name in there["train"]}
    strange = [split for split in by_split if trained.isdisjoint(map(alike, there[split]))]
    for split in strange:
        faults.append(
            f"{by_split[split]} holds none of the class folders of {by_split['train']}, but {_quoted(there[split])}; "
            "lay its images into folders with the names of those, or move it out of the data folder"
        )
    by_split = {split: place for split, place in by_split.items() if split not in strange}
    every = [name for name in every if any(name in there[split] for split in by_split)]
    for group in look_alikes(every):
        holding = {name: [split for split in by_split if name in there[split]] for name in group}
        if any(len(splits) < len(by_split) for splits in holding.values()):
            listed = ", ".join(f"{name!r} in {' and '.join(splits)}" for name, splits in holding.items())
            faults.append(
                f"class names of {next(iter(by_split.values())).parent} differ in case or blanks alone: {listed}; give "
                "the folders of one class one name"
            )
            renamed.update(group)
    for split, place in by_split.items():
        lacking = [name for name in every if name not in there[split] and name not in renamed]
        if lacking:
            add = "with images to train on" if split == "train" else "it may be empty"
            faults.append(
                f"{place} has no folder for {_quoted(lacking)}, which other splits have; add it, {add}, or move it out "
                "of the others if it is no class"
            )
    return faults


def _quoted(names: Sequence[str]) -> str:
    return named([repr(name) for name in names], 5)
