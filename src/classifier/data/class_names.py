"""When two folders name one class: Unicode has several spellings of the same letters, and file systems keep them.

An archive made on a Mac spells `é` as two characters (NFD), most others as one (NFC). Equal letters are one class.
Names that differ in case or blanks alone are two, but seldom meant so: they are named.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable


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
