"""Intervals, differences, p values and verdicts as people read them: rounded by their uncertainty, marked by what they
are."""

from __future__ import annotations

from search.report.table.model import Cell, Claim, Judged, Line, Table
from search.report.text import figure, rounded
from search.statistics.results import CellEstimate, Difference, Trust
from search.statistics.text import p_text

LOPSIDED_SHARE = 0.2
"""Of half an interval: so far its middle may lie from the mean that a cross table shows with ±."""

ONE_RUN = "§"
"""Marks what is said of a single run in a table of several."""


def level(metric: str, cell: Cell, judged: Judged, mark: bool) -> str:
    """Return an accuracy in per cent with its interval, ``56.4 [48.1, 64.2]``; without one where it may not be shown.

    Args:
        metric: name of the accuracy.
        cell: the plain mean over seeds.
        judged: what the predictions say.
        mark: whether to mark what is said of a single run.
    """
    interval = judged.interval
    if interval is None:
        return figure(metric, cell.mean, cell.sd)
    half = (interval[1] - interval[0]) / 2
    middle = cell.mean if cell.mean is not None else judged.cell.estimate
    low, high = (figure(metric, end, half) for end in interval)
    return f"{figure(metric, middle, half)} [{low}, {high}]{_single(judged.cell.state, mark)}"


def plus_minus(metric: str, cell: Cell, judged: Judged) -> str:
    """Return an accuracy in per cent with half its interval, ``62.0 ± 3.1``; with both ends where it is lopsided."""
    interval = judged.interval
    if interval is None or cell.mean is None:
        return figure(metric, cell.mean, cell.sd)
    half = (interval[1] - interval[0]) / 2
    if abs(cell.mean - sum(interval) / 2) > LOPSIDED_SHARE * half:
        return level(metric, cell, judged, False)
    return f"{figure(metric, cell.mean, half)} ± {figure(metric, half, half)}"


def difference_text(line: Line, judged: Judged, mark: bool, halved: bool = False) -> str:
    """Return a difference in points with its interval, ``+4.3 [-1.2, +9.8]``, or why there is none.

    Args:
        line: whose difference it is.
        judged: what the predictions say.
        mark: whether to mark what is said of a single run.
        halved: show half the interval and the p value instead, ``+4.3 ± 5.0, p 0.012``.
    """
    if line.baseline:
        return "baseline"
    difference = judged.difference
    if difference is None:
        return ""
    if difference.estimate is None or difference.low is None or difference.high is None:
        return difference.state.value
    middle, low, high = (points(value, difference) for value in (difference.estimate, difference.low, difference.high))
    if halved:
        half = 50 * (difference.high - difference.low)
        return f"{middle} ± {rounded(half, half)}, p {p_text(judged.p_adjusted)}"
    return f"{middle} [{low}, {high}]{_single(difference.state, mark)}"


def points(value: float, found: Difference) -> str:
    """Return a value in points with its sign, rounded by half the interval of its difference."""
    half = 50 * ((found.high or 0.0) - (found.low or 0.0))
    text = rounded(100 * value, half) if half > 0 else f"{100 * value:.2f}"
    return text if text.startswith("-") or not text.strip("0.") else f"+{text}"


def right_text(cell: CellEstimate) -> str:
    """Return "83 of 137" for a single run."""
    return f"{cell.correct} of {cell.images}" if cell.correct is not None else ""


def claim_note(claim: Claim) -> str:
    """Return a claim with its verdict, why, and the figures that say so, as one paragraph."""
    figures = evidence_text(claim)
    return f"Claim: {claim.text}. {claim.kind.capitalize()}: {claim.reason}{f' ({figures})' if figures else ''}."


def evidence_text(claim: Claim) -> str:
    """Return the figures a verdict rests on."""
    evidence = claim.evidence
    parts = []
    if "low" in evidence:
        low, high = 100 * evidence["low"], 100 * evidence["high"]
        half = (high - low) / 2
        three = (100 * evidence["estimate"], low, high)
        middle, *ends = (rounded(value, half) if half > 0 else f"{value:.2f}" for value in three)
        parts.append(f"{middle} points, 95 % interval {ends[0]} to {ends[1]}")
    if "low_90" in evidence:
        parts.append(f"90 % interval {100 * evidence['low_90']:.1f} to {100 * evidence['high_90']:.1f}")
    if "p" in evidence:
        adjusted = f", adjusted {p_text(evidence['p_adjusted'])}" if "p_adjusted" in evidence else ""
        parts.append(f"p {p_text(evidence['p'])}{adjusted}")
    if "p_largest" in evidence:
        count = f"{evidence['ruled_out']:.0f} of {evidence['others']:.0f} ruled out"
        parts.append(f"{count}, largest p {p_text(evidence['p_largest'])}")
    if "seeds" in evidence:
        seeds, images = evidence["seeds"], evidence["images"]
        parts.append(f"{seeds:.0f} seed{'' if seeds == 1 else 's'}, {images:,.0f} images")
    return "; ".join(parts)


def _single(state: Trust, mark: bool) -> str:
    return f" {ONE_RUN}" if mark and state is Trust.ONE_RUN else ""


def mixed(table: Table) -> bool:
    """Whether single runs stand among settings with several, so that they must be marked."""
    return not table.banner
