"""The footnotes on scores that may have heavy tails: what stands beside a difference of their means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from search.report.table.judged_text import points, with_words
from search.report.table.model import Judged, Note, Table
from search.report.text import rounded
from search.statistics.measure import Form
from search.statistics.results import Difference
from search.statistics.tails import LEVEL_NOTE

MAX_SETTINGS_TOLD = 5
"""Settings whose companions are told; table.csv has those of all."""


def tail_notes(table: Table) -> Iterator[Note]:
    """Yield, of each metric that is a mean of real scores, its companions, setting by setting."""
    for metric in table.metrics_judged:
        cells = [(line.setting, line.judgement(table, metric)) for line in table.lines]
        told = [f"{setting} {_told(one)}" for setting, one in cells if one.companions is not None]
        if not told:
            continue
        measure = next(one.cell.measure for _, one in cells if one.companions is not None)
        more = len(told) - MAX_SETTINGS_TOLD
        told = told[:MAX_SETTINGS_TOLD] + ([f"{more} more in table.csv"] if more > 0 else [])
        comes = "is a mean" if measure.form is Form.MEAN else "comes from a mean"
        capped = "; capped: scores beyond the table's 99 % quantile count as that" if _capped(cells) else ""
        seen = f" Its level {LEVEL_NOTE}." if None in (measure.low, measure.high) else ""
        yield Note(
            f"{metric} {comes}, which may hang on a few {measure.sampled}. Beside its differences: "
            f"{'; '.join(told)}. "
            f"A tie counts half{capped}.{seen}",
            "",
        )


def _capped(cells: Sequence[tuple[str, Judged]]) -> bool:
    return any(one.companions is not None and one.companions.capped is not None for _, one in cells)


def _told(one: Judged) -> str:
    beside = one.companions
    if beside is None:
        return ""
    parts = [f"better on {_share_text(beside.won)}"]
    if beside.capped is not None:
        parts.append(f"capped {interval_text(beside.capped)}")
    if beside.sentence:
        parts.append(beside.sentence)
    return ", ".join(parts)


def _share_text(won: Difference) -> str:
    """Return the share of examples on which a setting is better, "62 [55, 69] % of documents"."""
    if won.estimate is None or won.low is None or won.high is None:
        return f"a share of {won.measure.sampled} that cannot be told: {won.reason or won.answer}"
    half = 50 * (won.high - won.low)
    numbers = (50 + 100 * value for value in (won.estimate, won.low, won.high))
    middle, low, high = (rounded(value, half) if half > 0 else f"{value:.1f}" for value in numbers)
    return f"{middle} [{low}, {high}] % of {won.measure.sampled}"


def interval_text(difference: Difference) -> str:
    """Return a difference with its interval and its unit, "+4.3 [-1.2, +9.8] points"; without one the reason."""
    if difference.estimate is None or difference.low is None or difference.high is None:
        return difference.reason or difference.answer
    numbers = (difference.estimate, difference.low, difference.high)
    middle, low, high = (points(value, difference) for value in numbers)
    measure = difference.measure
    return (
        f"{middle} [{low}, {high}]"
        if measure.form is Form.EXP_MEAN
        else with_words(f"{middle} [{low}, {high}]", measure)
    )
