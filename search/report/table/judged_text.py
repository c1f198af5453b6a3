"""Intervals, differences, p values and verdicts as people read them: rounded by their uncertainty, marked by what they
are."""

from __future__ import annotations

from search.report.table.model import Cell, Claim, Judged, Line, Table
from search.report.text import figure, rounded, significant
from search.statistics.measure import Form, Measure
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
    """Return a difference with its interval, ``+4.3 [-1.2, +9.8]``, or why there is none; fractions in points.

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
        return difference.answer
    middle, low, high = (points(value, difference) for value in (difference.estimate, difference.low, difference.high))
    if halved:
        half = factor(difference.measure) * (difference.high - difference.low) / 2
        return f"{middle} ± {rounded(half, half)}, p {p_text(judged.p_adjusted)}"
    return f"{middle} [{low}, {high}]{_single(difference.state, mark)}"


def factor(measure: Measure) -> float:
    """Return what a difference is printed times: fractions are read in points."""
    return 100 if measure.unit == "pt" else 1


def unit_words(measure: Measure) -> str:
    """Return the unit of a difference for people, "" for none. Perplexities are compared by their logarithms, of which
    the difference is the ratio's."""
    if measure.form is Form.EXP_MEAN:
        return "log of the ratio"
    return "points" if measure.unit == "pt" else measure.unit


def difference_head(measure: Measure) -> str:
    """Return the heading of differences: "difference (points)"."""
    return f"difference ({words})" if (words := unit_words(measure)) else "difference"


def with_words(text: str, measure: Measure) -> str:
    """Return a figure with the unit of differences behind it: "+1.5 points"."""
    return f"{text} {words}" if (words := unit_words(measure)) else text


def points(value: float, found: Difference) -> str:
    """Return a value with its sign, rounded by half the interval of its difference; fractions in points."""
    times = factor(found.measure)
    half = times * ((found.high or 0.0) - (found.low or 0.0)) / 2
    text = rounded(times * value, half) if half > 0 else f"{100 * value:.2f}" if times > 1 else significant(value)
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
    evidence, times = claim.evidence, factor(claim.measure)
    parts = []
    if "low" in evidence:
        low, high = times * evidence["low"], times * evidence["high"]
        half = (high - low) / 2
        three = (times * evidence["estimate"], low, high)
        middle, *ends = (rounded(value, half) if half > 0 else f"{value:.2f}" for value in three)
        parts.append(f"{with_words(middle, claim.measure)}, 95 % interval {ends[0]} to {ends[1]}")
    if "low_90" in evidence:
        inner = [times * evidence[end] for end in ("low_90", "high_90")]
        wide = (inner[1] - inner[0]) / 2
        least, most = (f"{value:.1f}" if times > 1 or not wide else rounded(value, wide) for value in inner)
        parts.append(f"90 % interval {least} to {most}")
    if "p" in evidence:
        adjusted = f", adjusted {p_text(evidence['p_adjusted'])}" if "p_adjusted" in evidence else ""
        parts.append(f"p {p_text(evidence['p'])}{adjusted}")
    if "p_largest" in evidence:
        count = f"{evidence['ruled_out']:.0f} of {evidence['others']:.0f} ruled out"
        parts.append(f"{count}, largest p {p_text(evidence['p_largest'])}")
    if "seeds" in evidence:
        seeds, images = evidence["seeds"], evidence["images"]
        parts.append(f"{seeds:.0f} seed{'' if seeds == 1 else 's'}, {images:,.0f} {claim.measure.sampled}")
    return "; ".join(parts)


def _single(state: Trust, mark: bool) -> str:
    return f" {ONE_RUN}" if mark and state is Trust.ONE_RUN else ""


def mixed(table: Table) -> bool:
    """Whether single runs stand among settings with several, so that they must be marked."""
    return not table.banner
