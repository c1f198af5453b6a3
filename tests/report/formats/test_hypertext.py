"""HTML: read back with a parser; structure a screen reader needs; nothing that runs."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.report.formats.aligned import MINUS
from search.report.formats.columns import frame_sheet, table_sheet
from search.report.formats.hypertext import html_page, html_table
from search.report.formats.sheet import Column, Entry, Sheet
from search.report.record.curves import read_curves
from search.report.record.frames import trials_frame
from search.report.results import export
from search.report.table.build import comparison_table
from search.report.text import one_line
from tests.report.hostile import TEXTS, hostile_study

VOID = {"meta"}


class Page(HTMLParser):
    """Cells as text, tags with their attributes; fails where tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in VOID:
            return
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data.replace(MINUS, "-")
        elif self.open:
            self.text[self.open[-1]] = self.text.get(self.open[-1], "") + data


def test_a_parser_reads_the_table_back(focal):
    sheet = table_sheet(comparison_table(focal.opened))
    page = Page(html_page(sheet))
    assert page.rows == [
        [column.head for column in sheet.columns],
        *([entry.text for entry in row] for row in sheet.lines),
    ]
    assert page.rows[1][:4] == ["gamma=0", "3 of 3", "56.4", "3.0"]
    assert page.text["caption"] == page.text["title"] == "Focal loss"
    assert [note in page.text["p"] for note in sheet.notes] == [True] * 4


def test_headings_have_a_scope_and_the_first_cell_names_its_line(focal):
    page = Page(html_table(table_sheet(comparison_table(focal.opened))))
    assert page.tags[0] == ("table", {})
    scopes = [attributes["scope"] for tag, attributes in page.tags if tag == "th"]
    assert scopes == ["col"] * 7 + ["row"] * 3
    assert page.tags[1] == ("caption", {})


def test_hostile_names_stay_text(make, tmp_path):
    study = hostile_study(make)
    sheet = table_sheet(comparison_table(study.opened))
    for what in ("table", "trials"):
        page = Page(export(study.opened, what, "html", tmp_path / f"{what}.html").read_text(encoding="utf-8"))
        assert {tag for tag, _ in page.tags} <= {
            *("html", "head", "meta", "title", "style", "body", "main", "div", "p"),
            *("table", "caption", "thead", "tbody", "tr", "th", "td", "span"),
        }
        assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
        text = [cell for row in page.rows for cell in row]
        assert [one_line(value) in text for value in TEXTS[::2]] == [True] * 10
        rtl = [attributes for tag, attributes in page.tags if tag in ("th", "td") and attributes.get("dir") == "auto"]
        assert rtl
        assert "http" not in "".join(
            value or "" for _, found in page.tags for name, value in found.items() if name != "http-equiv"
        )
    assert page.text["caption"].endswith(": trials")
    assert len(page.rows) == 1 + len(trials_frame(read_curves(study.opened))) == 1 + 2 * len(sheet.lines)


@given(st.text())
def test_any_text_reads_back(text):
    sheet = Sheet(text, [Column(text, "text", [Entry(text)]), Column("n", "number", [Entry(text, bold=True)])], [text])
    shown = one_line(text)
    page = Page(html_page(sheet))
    assert page.rows == [[cell.replace(MINUS, "-") for cell in row] for row in [[shown, "n"], [shown] * 2]]
    assert page.text.get("caption", "") == one_line(text)


@pytest.mark.parametrize("bold", [True, False])
def test_bold_is_drawn_where_it_is_set(bold):
    text = html_table(Sheet("t", [Column("a", "number", [Entry("1.5", bold)])]))
    assert ("<strong>1.5</strong>" in text) is bold


def test_a_page_of_no_trials(make):
    study = make()
    page = Page(html_page(table_sheet(comparison_table(study.opened))))
    assert len(page.rows) == 1
    assert page.text["p"] == "No trial has been started."
    assert len(Page(html_page(frame_sheet(trials_frame(read_curves(study.opened)), "none"))).rows) == 1
