"""Studies to make pages of, and a parser that reads a page back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np

from search.ledger.ledger import Ledger
from search.report.page.page import report_page
from search.report.record.curves import Curves
from search.report.results import conditions
from search.report.table.build import Comparison, comparison_of
from search.report.table.model import Table
from search.space.model import Space
from tests.report.judging import SPACE, Bench

VOID = {"meta", "link", "img", "br", "hr", "input"}
NEVER_READ = {"script", "style"}


def levels(
    ledger: Ledger,
    shares: Sequence[int] = (20, 20, 38),
    seeds: Sequence[int] = (0, 1, 2),
    space: Space = SPACE,
    **report: Any,
) -> Bench:
    """Settings that get so many of 40 images right, give or take one by seed."""
    bench = Bench(ledger, replace(space, seeds=tuple(seeds), report=replace(space.report, **report)))
    for a, share in enumerate(shares):
        for s in seeds:
            right = np.arange(40) < share + (s + a) % 2
            bench.run({"gamma": a}, s, right, right[:30])
    return bench


def told(study: Any) -> tuple[Table, Curves]:
    """Return a study's table and curves."""
    read, table = comparison_of(study.opened)
    return table, read


def page_of(study: Any, **changes: Any) -> str:
    """Return a study's page."""
    table, read = told(study)
    stage = study.opened.confirm_stage()
    confirmed = None if stage is None else comparison_of(stage)
    return report_page(Comparison(replace(read, **changes), table), conditions(read), confirmed)


class Page(HTMLParser):
    """A page read back; fails where tags do not nest.

    Attributes:
        tags: every tag with its attributes.
        headings: level, id and text of every heading.
        texts: (tags that are open, text), of what a reader sees.
        scripts: attributes and content of every script.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, Mapping[str, str | None]]] = []
        self.headings: list[tuple[int, str | None, str]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.scripts: list[tuple[Mapping[str, str | None], str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len(dict(attrs)), f"an attribute twice in {tag}: {attrs}"
        self.tags.append((tag, dict(attrs)))
        if tag in VOID:
            return
        self.open.append(tag)
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        if tag in ("h1", "h2", "h3", "h4"):
            self.headings.append((int(tag[1]), dict(attrs).get("id"), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        inner = self.open[-1] if self.open else ""
        if inner == "script":
            about, before = self.scripts[-1]
            self.scripts[-1] = (about, before + data)
        elif inner and inner not in NEVER_READ:
            self.texts.append((tuple(self.open), data))
            if inner[:1] == "h" and inner[1:].isdigit():
                level, name, before = self.headings[-1]
                self.headings[-1] = (level, name, before + data)

    def named(self, tag: str) -> list[Mapping[str, str | None]]:
        """Return the attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        """All that is read."""
        return " ".join(text for _, text in self.texts)
