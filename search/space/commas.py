"""Decimal commas: inside brackets YAML ends a value at a comma, so that ``{loss.gamma: 0,5}`` has a key called 5."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml

from search.space.numbers import decimal

_LEFT = re.compile(r"[-+]?[0-9][0-9.]*")
_RIGHT = re.compile(r"[0-9]+([eE][-+]?[0-9]+)?( ?%)?")


def tight(text: str, left: Any, right: Any) -> bool:
    """Whether two events could be one number with a comma: plain digits, and nothing but a comma between them."""
    if not all(isinstance(event, yaml.ScalarEvent) and event.style is None for event in (left, right)):
        return False
    between = text[left.end_mark.index : right.start_mark.index]
    return between == "," and bool(_LEFT.fullmatch(left.value) and _RIGHT.fullmatch(right.value))


class Commas:
    """Finds the numbers of one mapping that a comma has cut in two, and says how they are written.

    Args:
        text: of the file.
        fault: takes a key, a sentence and a line.
    """

    def __init__(self, text: str, fault: Callable[[str, str, int], None]) -> None:
        self._text, self._fault = text, fault
        self._last: Any = None  # the event of the last value, or of its key where it is empty
        self._name, self._path, self._line = "", "", 0  # of the entry that it belongs to
        self._empty = False
        self._parts: list[str] = []

    def taken(self, name: Any, value: Any, path: str, line: int) -> str | None:
        """Look at a key and its value; return the key of the entry that they belong to, None where they are their own.

        Args:
            name: event of the key, a scalar.
            value: event that follows it.
            path: of the entry.
            line: of the key.
        """
        empty = isinstance(value, yaml.ScalarEvent) and not value.value and value.style is None
        cut = self._last is not None and tight(self._text, self._last, name)
        if cut and empty and (self._parts or not self._empty):  # loss.gamma: 0,5
            self._parts = [*(self._parts or [self._last.value]), name.value]
            self._last = name
            return self._name
        if cut and self._empty and not empty:  # 0,5: half
            number = f"{self._last.value},{name.value}"
            remedy = decimal(self._last.value, name.value)
            self._fault(self._path, f"found {number} for a key, which ends at the comma; write {remedy}", line)
            owner, self._last = self._name, None
            return owner
        self.close()
        self._last, self._empty = name if empty else value, empty
        self._name, self._path, self._line = name.value, path, line
        return None

    def close(self) -> None:
        """Say what was found; to be called at the end of the mapping."""
        if self._parts:
            remedy = decimal(*self._parts) if len(self._parts) == 2 else "".join(self._parts)
            found = f"found {','.join(self._parts)}, but inside {{ }} a value ends at a comma"
            self._fault(self._path, f"{found}; write {remedy}", self._line)
        self._parts = []
