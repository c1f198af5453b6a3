"""Configurations of several axes, compact: what all of them share is said once, the rest stands in columns by axis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from search.report.formats.sheet import Column, Entry


def shared_parts(parts: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """Return the parts that all names have in common, and of each name the others; all of them where one has no
    other."""
    common = [part for part in parts[0] if all(part in mine for mine in parts)] if len(parts) > 1 else []
    left = [[part for part in mine if part not in common] for mine in parts]
    return (common, left) if all(left) else ([], [[*mine] for mine in parts])


def axis_columns(values: Sequence[Mapping[str, str]], axes: Sequence[str]) -> list[Column]:
    """Return a column for each axis that some line has a value of, under the last part of its name where that is of
    one axis alone."""
    there = [axis for axis in axes if any(axis in mine for mine in values)]
    last = Counter(axis.rpartition(".")[2] for axis in there)
    columns = []
    for axis in there:
        texts = [mine.get(axis, "") for mine in values]
        kind: Literal["text", "number"] = "number" if all(map(_is_number, texts)) else "text"
        name = axis.rpartition(".")[2]
        columns.append(Column(axis if last[name] > 1 else name, kind, [Entry(text) for text in texts], "axis"))
    return columns


def _is_number(text: str) -> bool:
    try:
        float(text or "0")
    except ValueError:
        return False
    return True
