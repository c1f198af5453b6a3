"""The checks of a table of accuracies: every figure by itself, then what the table is too small to show."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from search.audit import grim
from search.audit.desk import Desk
from search.audit.differences import Overlap, overlap
from search.core.shown import counted
from search.space.figures import counts_images
from search.space.nodes import printable
from search.space.report import Report
from search.statistics.families import holm
from search.statistics.results import ALPHA
from search.statistics.single import wilson
from search.statistics.text import SMALLEST_P, p_bound_text

MAX_DIFFERENCES_TOLD = 10
"""Differences, or figures, of one table that are told one by one."""

Readable = Mapping[str, tuple[grim.Figure, ...]]


def check(desk: Desk) -> None:
    """Check the table of published values of a file."""
    published = desk.published
    if not published.values:
        return
    if not desk.is_accuracy:
        metric = printable(published.metric)
        alone = "only the share of right images has to be a number of images"
        desk.note(f"not checked: the figures are {metric}; {alone}", "metric")
        return
    for name in [name for name, found in desk.figures.items() if not found]:
        reason = f"is no decimal number of at most {grim.MAX_DIGITS} characters"
        desk.note(f"not checked: the figure of {desk.row(name)} {reason}", "values", name)
    readable = {name: found for name, found in desk.figures.items() if any(figure.possible for figure in found)}
    for name in [name for name, found in desk.figures.items() if found and name not in readable]:
        desk.flaw(f"{desk.printed(name)} is no accuracy, which lies between 0 and 100 %", "values", name)
    if not readable:
        return
    if published.n is None:
        _without_n(desk, readable)
    else:
        _with_n(desk, readable, published.n)
    _as_a_choice(desk, readable)
    if published.n is not None and published.runs == 1:
        _differences(desk, published.n)


def _without_n(desk: Desk, readable: Readable) -> None:
    n = grim.smallest(readable.values(), desk.published.runs)
    least = f"none up to {grim.MAX_IMAGES:,} fits all figures" if n is None else f"{n:,} is the smallest that fits all"
    desk.note(f"not checked: the number of images n is not stated; {least}", "values")


def _with_n(desk: Desk, readable: Readable, n: int) -> None:
    """GRIM, and what it rests on."""
    runs = desk.published.runs
    verdict = grim.judge(readable, n, runs)
    desk.truncated = verdict.truncated
    for name in verdict.impossible:
        desk.flaw(_impossible(desk, name, readable[name][0], n, runs), "values", name)
    if verdict.truncated:
        cut = "some figures are a number of images only if all were cut behind their last digit, not rounded"
        desk.note(f"truncated: {cut}, and that fits all of them", "values")
    if verdict.unchecked:
        few = ", ".join(desk.row(name) for name in verdict.unchecked[:MAX_DIFFERENCES_TOLD])
        more = ", ..." if len(verdict.unchecked) > MAX_DIFFERENCES_TOLD else ""
        whose = "every figure" if len(verdict.unchecked) == len(readable) else f"{few}{more}"
        several = f"{runs} runs on " if runs > 1 else ""
        reason = f"{several}{counted(n, 'image')} make every figure of so few digits possible"
        desk.note(f"not checkable: {whose}; {reason}", "values", *verdict.unchecked[:1])


def _impossible(desk: Desk, name: str, figure: grim.Figure, n: int, runs: int) -> str:
    every = runs * n
    below = min(figure.digits * every * 10 ** max(-figure.places, 0) // (100 * 10 ** max(figure.places, 0)), every - 1)
    near = ", ".join(f"{k:,} are {figure.shown(k, every)}" for k in (below, below + 1))
    if runs == 1:
        return f"{desk.printed(name)} is no number of {counted(n, 'image')}: {near}"
    return f"{desk.printed(name)} is no mean of {runs} runs on {counted(n, 'image')}: of {every:,}, {near}"


def _as_a_choice(desk: Desk, readable: Readable) -> None:
    """What no table of this kind can show, however exact its figures are."""
    published = desk.published
    if published.runs == 1:
        effect = "may reverse any order in this table" if len(readable) > 1 else "would give another figure"
        desk.note(f"one run per setting: another run {effect}", "values")
    if len(readable) < 2:
        return
    best = max(readable, key=lambda name: _value(readable[name][0]))
    images = counted(published.n, "image") if published.n else "images"
    desk.note(
        f"chosen and reported on the same {images}, as far as the file says: {desk.printed(best)} is the best of "
        f"{len(readable)}, and as a level optimistic",
        "values",
        best,
    )


def _value(figure: grim.Figure) -> Fraction:
    return Fraction(figure.digits) / Fraction(10) ** figure.places


def _differences(desk: Desk, n: int) -> None:
    """Say of the differences that the file speaks of what McNemar's test could make of them."""
    differences: list[tuple[str, str, Overlap]] = []
    for first, second in _compared(desk):
        ours, theirs = desk.counts(first), desk.counts(second)
        if ours and theirs and desk.published.values[first] != desk.published.values[second]:
            if ours[0] + ours[-1] < theirs[0] + theirs[-1]:
                differences.append((second, first, overlap(theirs, ours, n)))
            else:
                differences.append((first, second, overlap(ours, theirs, n)))
    _too_few(desk, n, [entry for entry in differences if entry[2].inseparable])
    adjusted = holm([span.largest for _, _, span in differences])
    told = [(*entry, p) for entry, p in zip(differences, adjusted, strict=True) if not entry[2].inseparable]
    for one, other, span, p in told[:MAX_DIFFERENCES_TOLD]:
        desk.note(_range(desk, n, one, other, span, p, len(differences)), "values", one)
    if len(told) > MAX_DIFFERENCES_TOLD:
        desk.note(f"{len(told) - MAX_DIFFERENCES_TOLD} more differences are not told one by one", "values")


def _compared(desk: Desk) -> list[tuple[str, str]]:
    """Return the pairs of published rows that the file compares, each once: the baseline's, and those of its claims."""
    report = desk.space.report
    names = list(desk.figures)
    wanted = []
    if report.has_baseline:
        wanted += [(name, _key(report, report.baseline)) for name in names]
    for claim in report.claims:
        if not counts_images(claim.get("metric", "accuracy")):
            continue  # it speaks of other figures than those that are published
        pairs = [claim[kind] for kind in ("better", "equal") if kind in claim]
        wanted += [(_key(report, one), _key(report, other)) for one, other in pairs]
        if "best" in claim:
            wanted += [(_key(report, claim["best"]), name) for name in names]
    first: dict[frozenset[str], tuple[str, str]] = {}
    for pair in wanted:
        if len(set(pair)) > 1 and set(pair) <= desk.figures.keys():
            first.setdefault(frozenset(pair), pair)
    return list(first.values())


def _key(report: Report, row: object) -> str:
    return report.key(report.meant(row))


def _too_few(desk: Desk, n: int, differences: list[tuple[str, str, Overlap]]) -> None:
    if not differences:
        return
    values = desk.published.values
    parts = {f"{values[other]} from {values[setting]} ({_apart(span)})": None for setting, other, span in differences}
    named = list(parts)[:MAX_DIFFERENCES_TOLD]
    more = f" and {len(parts) - MAX_DIFFERENCES_TOLD} more" if len(parts) > MAX_DIFFERENCES_TOLD else ""
    setting, other, _ = differences[0]
    k = desk.counts(other)
    assert k is not None
    low, high = (100 * end for end in wilson(k[len(k) // 2] / n, n))
    desk.note(
        f"n = {n:,} cannot separate {', '.join(named)}{more}: exact McNemar p is above {ALPHA:g} whichever images they "
        f"share; the 95 % interval of {values[other]} is {low:.1f} to {high:.1f} %",
        "values",
        setting,
    )


def _apart(span: Overlap) -> str:
    low, high = span.apart[0], span.apart[-1]
    return f"{counted(low, 'image')} apart" if low == high else f"{low:,} to {counted(high, 'image')} apart"


def _range(desk: Desk, n: int, one: str, other: str, span: Overlap, adjusted: float, comparisons: int) -> str:
    counts = [desk.counts(name) for name in (one, other)]
    numbers = " against ".join(
        f"{k[0]:,}" if len(k) == 1 else f"{k[0]:,} to {k[-1]:,}" for k in counts if k is not None
    )
    if span.separate and adjusted <= ALPHA:
        verdict = f"is at most {p_bound_text(span.largest)}: these two runs differ"
    elif span.separate:
        verdict = (
            f"is at most {p_bound_text(span.largest)}, but one of {comparisons} comparisons: after Holm at most "
            f"{p_bound_text(adjusted)}, so that it may be chance"
        )
    else:
        largest = p_bound_text(span.largest)
        if span.smallest >= SMALLEST_P:
            range_ = f"is between {p_bound_text(span.smallest)} and {largest}"
        else:
            range_ = f"is at most {largest}, and may be below {SMALLEST_P:g}"
        verdict = f"{range_}, depending on the images they share: cannot be told from the figures"
    where = f"{numbers} of {counted(n, 'image')}"
    pair = f"{desk.printed(one)} against {desk.printed(other)}"
    return f"{pair}, {where}: exact McNemar p {verdict}"
