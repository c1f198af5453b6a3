"""What the audit of a study found, as a section of the page; there is none where it found nothing."""

from __future__ import annotations

from collections.abc import Sequence

from search.report.formats.markup import Markup, element, joined, sentence
from search.report.health.finding import Finding

WORDS = {"flaw": ("Flaw", "contradicted"), "note": ("Note", "undecided")}
"""What a severity is called, and the verdict whose colour it has."""


def findings_section(findings: Sequence[Finding]) -> Markup:
    """Return the findings, each with what was seen, why it matters and what to do."""
    if not findings:
        return Markup("")
    said = "What rows on record show to be wrong with this study, or worth knowing before its table is used."
    return joined([element("p", said), element("ol", *map(_finding, findings), class_="claims")])


def _finding(finding: Finding) -> Markup:
    word, colour = WORDS[finding.severity]
    severity = element("span", word, class_=f"verdict verdict-{colour}")
    return element(
        "li",
        element("p", severity, sentence(f": {finding.seen}")),
        element("p", sentence(finding.why)),
        element("p", "Remedy: ", *_words(finding.remedy), class_="quiet"),
    )


def _words(text: str) -> list[Markup]:
    """Return a text of ours with what stands in backticks as code."""
    parts = text.split("`")
    return [element("code", part) if place % 2 else sentence(part) for place, part in enumerate(parts)]
