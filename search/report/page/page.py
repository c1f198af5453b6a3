"""The page put together from its sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template
from urllib.parse import quote

from search.core.shown import counted
from search.report import design
from search.report.figures.study import figures_of
from search.report.formats.hypertext import TABLE_STYLE
from search.report.formats.markup import Markup, element, escaped, joined, sentence
from search.report.health.examine import examine
from search.report.health.finding import Finding, severities
from search.report.page import drawn, facts, headline, outside
from search.report.page.answer import answer
from search.report.page.compared import compared_table
from search.report.page.elsewhere import published_elsewhere
from search.report.page.findings import findings_section
from search.report.page.question import question, setup
from search.report.paths import study_folder
from search.report.record.curves import Curves
from search.report.record.frozen import Freeze
from search.report.record.looks import looks_of, seeds_finished
from search.report.table.build import Comparison
from search.report.table.confirmed import outcomes
from search.report.table.judged_text import evidence_text
from search.report.table.model import Claim, Table
from search.statistics.families import level_of

MAX_PAGE_BYTES = 7_500_000
"""Bytes of a page."""

BESIDE = ("study-differences", "study-confirmed")
"""Figures that stand beside the answer."""


def report_page(compared: Comparison, conditions: Mapping[str, object], confirmed: Comparison | None) -> str:
    """Return the page of a study.

    Args:
        compared: the study, its table judged.
        conditions: what ``conditions.json`` holds.
        confirmed: its confirm stage, where there is one.
    """
    read, table = compared
    title = read.space.title or read.record.name
    again = {} if confirmed is None else outcomes(read, *confirmed)
    options = Markup("") if table.confirms else facts.options(read.space)  # there the table has a column for each
    findings = examine(compared)
    sections = [
        ("answer", "Answer", _answer(compared, confirmed, findings)),
        ("table", "Table", joined([compared_table(table, read.space, again), options])),
        ("claims", "Claims", _claims(table.verdicts, table.frozen)),
        ("findings", "Findings", findings_section(findings)),
        ("elsewhere", "" if table.elsewhere is None else table.elsewhere.heading, published_elsewhere(table.elsewhere)),
        ("figures", "Figures", Markup("")),
        *(_outside(conditions, read) if table.outside else _trained(conditions, read, table)),
        ("words", "Words", facts.glossary(bool(table.test), table.shares, table.measure)),
    ]
    room = MAX_PAGE_BYTES - sum(len(content.encode("utf-8", "backslashreplace")) for _, _, content in sections) - 50_000
    pictures = drawn.figures(figures_of(compared, confirmed=confirmed), read.record.name, title, room)
    beside = {name: piece for name, piece in pictures.pieces.items() if name in BESIDE}
    others = [piece for name, piece in pictures.pieces.items() if name not in BESIDE]
    below = joined([pictures.remark, element("div", *others, class_="figures")]) if others else Markup("")
    content_of = {"answer": _paired(sections[0][2], joined(beside.values())), "figures": below}
    sections = [(name, head, content_of.get(name, content)) for name, head, content in sections]
    sections = [section for section in sections if section[2]]
    pieces = resources.files(__package__)
    style = "\n".join((design.variables(), TABLE_STYLE.strip(), pieces.joinpath("page.css").read_text("utf-8").strip()))
    return Template(pieces.joinpath("page.html").read_text("utf-8")).substitute(
        title=escaped(f"{title}: report"),
        policy=f"default-src 'none'; {pictures.policy}style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
        style=style,
        header=_header(title, read),
        contents=element(
            "ol", *(element("li", _link(f"#{name}", head.partition(",")[0])) for name, head, _ in sections)
        ),
        sections=joined(_section(*section) for section in sections),
        scripts=pictures.scripts,
    )


def _trained(conditions: Mapping[str, object], read: Curves, table: Table) -> list[tuple[str, str, Markup]]:
    """Return the sections on what runs cost, how they were trained, and how they are trained again."""
    runs = read.study.ledger.runs(study_id=read.record.id)
    return [
        ("cost", "Cost", facts.cost(table, read, runs)),
        ("conditions", "Conditions", facts.conditions(conditions, read.space)),
        ("again", "Do it again", facts.reproduction(conditions, read.record.space)),
    ]


def _outside(conditions: Mapping[str, object], read: Curves) -> list[tuple[str, str, Markup]]:
    """Return the section on runs that were trained elsewhere: where their scores are from, and what is not known."""
    return [("conditions", "Conditions", outside.conditions(conditions, read))]


def _paired(answered: Markup, figure: Markup) -> Markup:
    """Put a figure beside the answer, where there is one."""
    if not figure:
        return element("div", answered, class_="answer")
    return element("div", element("div", answered), figure, class_="answer pair")


def _section(name: str, head: str, content: Markup) -> Markup:
    return element("section", element("h2", head, id=name), content, aria_labelledby=name)


def _header(title: str, read: Curves) -> Markup:
    record = read.record
    which = f"Report of the study {record.name}"
    return joined(
        [
            element("p", which, class_="kind"),
            element("h1", title),
            element("p", sentence(question(read)), class_="question"),
        ]
    )


def _answer(compared: Comparison, confirmed: Comparison | None, findings: Sequence[Finding]) -> Markup:
    read, table = compared
    doubts = [doubt for doubt in (table.incomplete, *table.distrusted) if doubt]
    parts = [element("p", sentence(doubt), class_="warning") for doubt in doubts]
    parts.append(element("p", sentence(headline.headline(compared, confirmed)), class_="headline"))
    pairs = [
        (fact.term, sentence(fact.said.replace(" p ", " p\u00a0"))) for fact in headline.facts(compared, confirmed)
    ]
    if table.verdicts:
        counts = {kind: sum(claim.kind == kind for claim in table.verdicts) for kind in ("supported", "contradicted")}
        said = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        left = len(table.verdicts) - sum(counts.values())
        counted_claims = f"{counted(len(table.verdicts), 'claim')}: {said}, {left} undecided. "
        pairs.append(("Claims", Markup(f"{escaped(counted_claims)}{_link('#claims', 'Why')}")))
    if findings:
        pairs.append(("Audit", Markup(f"{escaped(severities(findings))}. {_link('#findings', 'What was found')}")))
    if confirmed is not None:
        pairs.append(("Confirm stage", _stage_link(confirmed.read)))
    rows = [element("div", element("dt", term), element("dd", said)) for term, said in pairs]
    parts += [element("dl", *rows, class_="facts")] if rows else []
    trials = [curve.trial for curve in read.curves]
    level = level_of(read.space.report.looks, looks_of(read.study, trials), seeds_finished(trials))
    if not level.decides:
        parts.append(element("p", sentence(f"{level.told[0].upper()}{level.told[1:]}."), class_="warning"))
    if not level.planned:
        said = "Seeds were added after a look at the table, which was not planned: p values are too small."
        parts.append(element("p", said, class_="warning"))
    parts += [element("p", sentence(said), class_="warning") for said in table.unmoved]
    full = [answer(table, read), *setup(table, read), *(() if confirmed is None else _confirmed(*confirmed))]
    summary = element("summary", "In full, and how it was run")
    parts.append(element("details", summary, *(element("p", sentence(said)) for said in full)))
    return joined(parts)


def _stage_link(again: Curves) -> Markup:
    """Lead to the page of the confirm stage."""
    name = again.record.name
    return _link(f"../{quote(study_folder(Path(), name).name)}/report.html", name)


def _confirmed(again: Curves, table: Table) -> list[str]:
    """Return what the confirm stage answers."""
    if not again.curves:
        return ["Its best settings are to be run again under fresh seeds."]
    first = f"{table.incomplete.replace('The study', 'It')} " if table.incomplete else ""
    so_far = " so far" if table.incomplete else ""
    text = f"{first}The answer of that confirm stage{so_far}: {answer(table, again)}"
    return ["Its best settings were run again under fresh seeds.", text]


def _claims(claims: Sequence[Claim], frozen: Freeze) -> Markup:
    doubtful = False if frozen.sound else "warning"
    when = [element("p", sentence(frozen.said), class_=doubtful)] if frozen.said else []
    if not claims:
        return joined(when)
    said = "What is claimed, and what the runs say of it. Undecided is no evidence for or against a claim."
    return joined([element("p", said), *when, element("ol", *(_claim(claim) for claim in claims), class_="claims")])


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
