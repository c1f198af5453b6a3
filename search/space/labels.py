"""What a person reads for a row: no label may be empty, or be taken for another row."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from search.space.nodes import Node, Problems, place, show, text_of, told_apart
from search.space.scalars import Ambiguous, resolve


def check_labels(labels: Mapping[str, Node], rows: str, values: Iterable[object], problems: Problems) -> None:
    """Refuse labels that are empty, equal, or the name of another row: a table would swap or hide rows.

    Args:
        labels: row value as text -> what a person reads.
        rows: axis that makes the rows.
        values: its values.
    """
    names = {name: text_of(value) for value in values for name in (text_of(value), _key(value))}
    first: dict[str, Node] = {}
    for row, entry in labels.items():
        if not isinstance(entry.value, str):
            continue
        seen = look(entry.value)
        other = first.setdefault(seen, entry)
        bare = seen.removeprefix(f"{rows}=")  # as a row without a label is called
        taken = next((names[name] for name in (bare, _read(bare)) if names.get(name, row) != row), "")
        if not seen:
            problems.add(entry, f"found {show(entry)}, must be text that can be seen; remove it, or write what is read")
        elif other is not entry:
            reason = f"found {show(entry)}, which is the label of another row ({place(other, entry)})"
            problems.add(entry, f"{reason}; name each row by a text of its own")
        elif taken:
            problems.add(entry, f"found {show(entry)}, which is the name of the row {taken}; choose another text")


def look(text: str) -> str:
    """Return what can be seen of a text, so that two that look alike are equal."""
    signs = (" " if sign.isspace() else sign for sign in unicodedata.normalize("NFC", text))
    return " ".join("".join(sign for sign in signs if unicodedata.category(sign)[0] != "C").split())


def _read(text: str) -> Any:
    try:
        return _key(resolve(text))
    except Ambiguous:
        return text


def _key(value: object) -> object:
    """Return what equal values share: 1 and 1.0, not 1 and true."""
    return value if isinstance(value, str) else told_apart(value)
