"""The audit of a study: every detector asked, flaws first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from search.report.health.chosen import chosen
from search.report.health.claims import claims
from search.report.health.classes import classes
from search.report.health.disagree import disagree
from search.report.health.edge import edge
from search.report.health.failing import failing
from search.report.health.finding import Finding
from search.report.health.importances import importances
from search.report.health.noise import noise
from search.report.health.overlap import overlap
from search.report.health.stopped import stopped
from search.report.health.unread import unread
from search.report.table.build import Comparison

Detector = Callable[[Comparison], Iterable[Finding]]

DETECTORS: Sequence[Detector] = (
    overlap,
    claims,
    unread,
    stopped,
    disagree,
    noise,
    edge,
    failing,
    classes,
    chosen,
    importances,
)


OF_ONE_WINNER = frozenset({stopped, disagree, edge, chosen})
"""Detectors that ask for the winner by one objective: silent where there are several."""


def examine(compared: Comparison) -> list[Finding]:
    """Return what is found in a study: flaws, then notes, each in the order of the detectors; [] for a sound study,
    and for runs that were trained elsewhere: how is not known.

    Args:
        compared: the study, with its table judged.
    """
    if compared.table.outside:
        return []
    several = bool(compared.read.space.search.further)
    detectors = [one for one in DETECTORS if not several or one not in OF_ONE_WINNER]
    findings = [finding for detector in detectors for finding in detector(compared)]
    return sorted(findings, key=lambda finding: finding.severity)
