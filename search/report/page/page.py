"""The page put together from its sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from string import Template
from urllib.parse import quote

from search.core.shown import counted
from search.report.figures.study import figures_of
from search.report.formats.columns import table_sheet
from search.report.formats.hypertext import html_table
from search.report.formats.markup import NARROW, Markup, element, escaped, joined, sentence, wide
from search.report.page import drawn, facts
from search.report.page.answer import answer
from search.report.page.question import question, setup
from search.report.paths import study_folder
from search.report.record.curves import Curves
from search.report.record.looks import looks_of
from search.report.table.build import Comparison
from search.report.table.judged_text import evidence_text
from search.report.table.model import Claim, Table

MAX_PAGE_BYTES = 7_500_000
"""Bytes of a page."""

MAX_TABLE_LINES = 300
"""Lines of the table a page shows; ``table.csv`` has all of them."""


def report_page(compared: Comparison, conditions: Mapping[str, object], confirmed: Comparison | None) -> str:
    """Return the page of a study.

    Args:
        compared: the study, its table judged.
        conditions: what ``conditions.json`` holds.
        confirmed: its confirm stage, where there is one.
    """
    read, table = compared
    title = read.space.title or read.record.name
    runs = read.study.ledger.runs(study_id=read.record.id)
    sections = [
        ("answer", "Answer", _answer(table, read, confirmed)),
        ("table", "Table", joined([_table(table), facts.options(read.space)])),
        ("claims", "Claims", _claims(table.verdicts)),
        ("figures", "Figures", Markup("")),
        ("cost", "Cost", facts.cost(table, read, runs)),
        ("conditions", "Conditions", facts.conditions(conditions, read.space)),
        ("again", "Do it again", facts.reproduction(conditions, read.record.space)),
        ("words", "Words", facts.glossary(bool(table.test))),
    ]
    room = MAX_PAGE_BYTES - sum(len(content.encode("utf-8", "backslashreplace")) for _, _, content in sections) - 50_000
    pictures = drawn.figures(figures_of(compared), read.record.name, room)
    sections = [(name, head, pictures.body if name == "figures" else content) for name, head, content in sections]
    sections = [section for section in sections if section[2]]
    pieces = resources.files(__package__)
    return Template(pieces.joinpath("page.html").read_text("utf-8")).substitute(
        title=escaped(f"{title}: report"),
        policy=f"default-src 'none'; {pictures.policy}style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
        style=pieces.joinpath("page.css").read_text("utf-8").strip(),
        header=_header(title, read),
        contents=element("ol", *(element("li", _link(f"#{name}", head)) for name, head, _ in sections)),
        sections=joined(_section(*section) for section in sections),
        scripts=pictures.scripts,
    )


def _section(name: str, head: str, content: Markup) -> Markup:
    return element("section", element("h2", head, id=name), content, aria_labelledby=name)


def _header(title: str, read: Curves) -> Markup:
    record = read.record
    which = f"Report of the study {record.name}" + (f", revision {record.revision}" if record.revision > 1 else "")
    return joined(
        [
            element("p", which, class_="kind"),
            element("h1", title),
            element("p", sentence(question(read)), class_="question"),
        ]
    )


def _answer(table: Table, read: Curves, confirmed: Comparison | None) -> Markup:
    doubts = [doubt for doubt in (table.incomplete, *table.distrusted) if doubt]
    parts = [element("p", sentence(doubt), class_="warning") for doubt in doubts]
    parts.append(element("p", sentence(answer(table, read)), class_="answer"))
    if table.verdicts:
        counts = {kind: sum(claim.kind == kind for claim in table.verdicts) for kind in ("supported", "contradicted")}
        said = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        left = len(table.verdicts) - sum(counts.values())
        parts.append(
            element(
                "p",
                f"{counted(len(table.verdicts), 'claim')} of the file: {said}, {left} undecided. ",
                _link("#claims", "Why"),
            )
        )
    parts += [element("p", sentence(said)) for said in setup(read)]
    trials = [curve.trial for curve in read.curves]
    if looks_of(read.study, trials) > (read.space.report.looks or 1):
        said = "Seeds were added after a look at the table, which was not planned: p values are too small."
        parts.append(element("p", said, class_="warning"))
    parts += [element("p", sentence(said), class_="warning") for said in table.unmoved]
    return joined([*parts, *(() if confirmed is None else _confirmed(*confirmed))])


def _confirmed(again: Curves, table: Table) -> list[Markup]:
    """Lead to the page of the confirm stage."""
    name = again.record.name
    link = _link(f"../{quote(study_folder(Path(), name).name)}/report.html", name)
    paragraphs = [element("p", "Its best settings were run again under fresh seeds: ", link)]
    if again.curves:
        first = f"{table.incomplete.replace('The study', 'It')} " if table.incomplete else ""
        so_far = " so far" if table.incomplete else ""
        text = f"{first}The answer of that confirm stage{so_far}: {answer(table, again)}"
        paragraphs.append(element("p", sentence(text)))
    return paragraphs


def _table(table: Table) -> Markup:
    left = max(len(table.shown) - MAX_TABLE_LINES, 0)
    if left:
        table = replace(table, limit=MAX_TABLE_LINES)
    sheet = replace(table_sheet(table), title="Settings compared", notes=table.notes)
    more = (
        [f"The first {MAX_TABLE_LINES} lines are shown; table.csv beside this page has the other {left}."]
        if left
        else []
    )
    banner = [element("p", element("strong", _sentence(table.banner)), class_="warning")] if table.banner else []
    notes = [element("li", sentence(note)) for note in [*more, *sheet.notes]]
    return joined([*banner, NARROW, wide(html_table(sheet), sheet.title), element("ul", *notes, class_="notes")])


def _claims(claims: Sequence[Claim]) -> Markup:
    if not claims:
        return Markup("")
    said = "What the space file claims, and what the runs say of it. Undecided is no evidence for or against a claim."
    return joined([element("p", said), element("ol", *(_claim(claim) for claim in claims), class_="claims")])


def _claim(claim: Claim) -> Markup:
    verdict = element("span", _sentence(claim.kind), class_=f"verdict verdict-{claim.kind}")
    figures = evidence_text(claim)
    return element(
        "li",
        element("p", sentence(claim.text), class_="claim"),
        element("p", verdict, sentence(f": {claim.reason}.")),
        element("p", f"{_sentence(figures)}.", class_="quiet") if figures else Markup(""),
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _link(target: str, text: str) -> Markup:
    return element("a", text, href=target)
