"""What a search-space file is made of before it means anything: values that know their address.

A `Node` carries the file, the line and the dotted key it came from, so that every later check can say where a
fault is, whichever of several files (``extends``), the command line or Python it was written in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from search.core.errors import Fault, Faults, nearest
from search.core.values import same as same_setting
from search.core.values import tidy
from search.space.numbers import meant

MAX_NESTING_LEVELS = 20
"""Deeper nesting than this is a mistake or an attack; the deepest legal file needs seven levels."""

MAX_FAULTS = 100
"""A reading ends with so many faults: nobody mends more in one go, and a hostile file has hundreds of thousands."""

COMMAND_LINE = "--set"
DATA_OPTION = "--data"
TYPED = (COMMAND_LINE, DATA_OPTION)
"""What stands for the file where a value was typed behind a command."""

Kind = Literal["scalar", "list", "mapping", "broken"]


@dataclass(frozen=True, eq=False)
class Node:
    """One value of a file, with its address.

    Attributes:
        kind: ``broken`` marks a value that a fault was already reported for: later checks pass over it.
        value: the scalar; a tuple of nodes for a list; a mapping from key text to node for a mapping.
        key: dotted path, ``space.loss.gamma.grid[2]``.
        file: path as the user gave it, ``--set``, or ``<python>``.
        line: 1-based line of the key it is the value of (or of the list entry), 0 outside files.
        text: the scalar as it was written; figures are read from here, for 54.10 is 54.1 as a number.
        plain: a scalar written without quotes.
        keys: for a mapping: key text to the key's own node.
        decimal: what this and the entry beside it would be as one number, where only a comma separates them.
        removes: a null in an extending file that stands over a value of its base (see `search.space.extends`).
    """

    kind: Kind
    value: Any
    key: str = ""
    file: str = ""
    line: int = 0
    text: str = ""
    plain: bool = False
    keys: Mapping[str, Node] = field(default_factory=dict)
    removes: bool = False
    decimal: str = ""

    @property
    def entries(self) -> Mapping[str, Node]:
        """Entries of a mapping; empty for every other kind."""
        return self.value if self.kind == "mapping" else {}

    @property
    def items(self) -> tuple[Node, ...]:
        """Entries of a list; empty for every other kind."""
        return self.value if self.kind == "list" else ()

    @property
    def null(self) -> bool:
        """Whether this is a plain null."""
        return self.kind == "scalar" and self.value is None

    @property
    def sound(self) -> bool:
        """Whether nothing in here is broken."""
        if self.kind == "broken":
            return False
        return all(node.sound for node in (*self.entries.values(), *self.items))

    def data(self) -> Any:
        """Return the plain Python data in here; null for what is broken."""
        if self.kind == "mapping":
            return {key: node.data() for key, node in self.entries.items()}
        if self.kind == "list":
            return [node.data() for node in self.items]
        return self.value if self.kind == "scalar" else None

    def with_entries(self, entries: Mapping[str, Node], keys: Mapping[str, Node]) -> Node:
        """Return this mapping with other entries, at the same address."""
        return replace(self, kind="mapping", value=dict(entries), keys={key: keys[key] for key in entries})

    def without(self, *names: str) -> Node:
        """Return this mapping without some of its entries."""
        gone = set(names)
        return self.with_entries({key: node for key, node in self.entries.items() if key not in gone}, self.keys)

    def put(self, name: str, node: Node) -> Node:
        """Return this mapping with one entry set, at its old place where it had one."""
        key_node = self.keys.get(name) or replace(node, kind="scalar", value=name, text=name, plain=False, keys={})
        return self.with_entries({**self.entries, name: node}, {**self.keys, name: key_node})


def empty_mapping(key: str, file: str, line: int) -> Node:
    """Return a mapping without entries, for a section that is not there."""
    return Node("mapping", {}, key, file, line)


class Problems:
    """The faults found so far.

    Attributes:
        faults: as they were found.
        partial: whether a base file could not be read, so that what seems to be missing may stand there.
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.partial = False

    def add(self, node: Node, message: str, key: str | None = None) -> None:
        """Note a fault at the address of `node` (or at another key of the same line)."""
        self.at(node.file, node.line, node.key if key is None else key, message)

    def at(self, file: str, line: int, key: str, message: str) -> None:
        """Note a fault at an address.

        Raises:
            Faults: there are too many to go on.
        """
        self.faults.append(Fault(file, line, printable(key), message))
        if len(self.faults) >= MAX_FAULTS:
            more = Fault(file, 0, "", f"has {MAX_FAULTS} faults or more, and was not read further; mend these first")
            raise Faults([more, *self.faults])

    def __len__(self) -> int:
        return len(self.faults)


def place(node: Node, reader: Node) -> str:
    """Name the line of `node` for someone who is reading about `reader`: the file too where it is another one."""
    if node.file == reader.file:
        return f"line {node.line}" if node.line else node.key
    return f"{node.file}:{node.line}" if node.line else node.file


def show(value: object) -> str:
    """Spell a value for a message, the way YAML would, and not longer than a line."""
    if isinstance(value, Node):
        if value.kind == "scalar":
            if value.plain and value.text and not isinstance(value.value, str):
                return _cut(value.text)
            return show(value.value)
        return {"list": "a list", "mapping": "a mapping"}.get(value.kind, "something unreadable")
    if value is None or isinstance(value, bool):
        return text_of(value)
    return _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


def printable(text: str) -> str:
    """Return a key fit for one line of a message."""
    text = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    return text if len(text) <= 200 else f"{text[:197]}..."


def text_of(value: object) -> str:
    """Return a value of an axis as the text that labels and published figures are filed under."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(tidy(value))
    return str(value)


def same(one: object, other: object) -> bool:
    """Whether two values of an axis are one: 1 and 1.0 are, 1 and true are not."""
    return same_setting(tidy(one), tidy(other))


def told_apart(value: object) -> tuple[bool, object]:
    """Return what two values (no lists) have in common exactly where they are the `same`, to look one up by."""
    return isinstance(value, bool), tidy(value)


def unknown(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean X?"``, or the known names where none is near; a number is a slip for no name."""
    names = list(known)
    if re.search(r"[^\W\d_]", word) and word not in names and (near := nearest(word, names)):
        return near
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"; known: {shown}" if names else ""


def comma(items: Iterable[Node]) -> str:
    """Return the remedy where a decimal comma may have made two entries of one number, or ``""``."""
    found = next((item.decimal for item in items if item.decimal), "")
    return f"; if a comma stands for the decimal point, write {found}" if found else ""


def requoted(node: Node, known: Iterable[object]) -> str:
    """Return how a value is written that differs from a known one only in being text or not, or ``""``."""
    for value in known if node.kind == "scalar" else ():
        text = text_of(value)
        if text == text_of(node.value) and isinstance(value, str) != isinstance(node.value, str):
            return f'; write "{text}", in quotes' if isinstance(value, str) else f"; write {text} without quotes"
    return ""


def no_value(node: Node, values: Iterable[object]) -> str:
    """Return the remedy for a value that an axis does not have: its other spelling, the nearest name, or all values."""
    choices = list(values)
    if hint := comma([node]) or requoted(node, choices):
        return hint
    numbers = [value for value in choices if isinstance(value, int | float) and not isinstance(value, bool)]
    if isinstance(node.value, str) and numbers:
        hint = meant(node.value, {"type": ["number", "integer"], "enum": numbers})
    if hint.startswith("; write "):
        return hint
    return unknown(node.text if isinstance(node.value, str) else "", map(text_of, choices))


def bad_text(text: str) -> str:
    """Say which character of a text cannot stand in a name, a path or a table, or return ``""``."""
    for char in text:
        if char not in "\t\n" and unicodedata.category(char) in ("Cc", "Cs"):
            return f"holds the control character U+{ord(char):04X}; remove it"
    return ""
