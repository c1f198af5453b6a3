"""A table as columns of text: what every format that people read is drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Entry:
    """What stands in one place of a table.

    Attributes:
        text: as a person should read it; "" where there is nothing.
        bold: drawn bold; who sets it says in a note what bold means.
        quiet: drawn quietly where a format can: it says nothing that other lines do not say.
        remark: stands behind the text, smaller, where a format can.
    """

    text: str
    bold: bool = False
    quiet: bool = False
    remark: str = ""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        head: its heading, with the unit.
        kind: ``number`` is set flush right and never folded on a terminal, ``text`` flush left.
        entries: from the first line to the last.
        key: names what it holds for notes, which are about columns (`search.report.table.model.Note`).
        priority: 0 is always shown; of the others a narrow terminal shows those of lower numbers first. Columns of one
            priority come together or not at all.
        group: columns of one group, "" apart, stand side by side where a table is cut into several.
        above: heading of it and its neighbours together ("validation accuracy (%)"), where a format has one; "" for
            none.
        brief: its own heading below that one.
    """

    head: str
    kind: Literal["text", "number"]
    entries: Sequence[Entry]
    key: str = ""
    priority: int = 0
    group: str = ""
    above: str = ""
    brief: str = ""


@dataclass(frozen=True)
class Sheet:
    """A table to draw: columns of equal length, of which the first names the lines.

    Attributes:
        title: stands above, or is the caption.
        columns: from left to right.
        notes: stand below, one paragraph each.
    """

    title: str
    columns: Sequence[Column]
    notes: Sequence[str] = ()

    @property
    def lines(self) -> list[tuple[Entry, ...]]:
        """The entries line by line."""
        return list(zip(*(column.entries for column in self.columns), strict=True))
