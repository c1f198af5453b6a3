"""Verdicts on stated claims: supported, contradicted or undecided, with the figures that say so.

A verdict on a difference needs three seeds that both settings finished; with fewer every claim is undecided. A claim
may be contradicted for being too small only where a margin is stated. Settings without a significant
difference are not called equal for that: equality needs a margin and an interval inside it.

Sources: two one-sided tests (Schuirmann 1987) for equality, the intersection-union test (Berger 1982) for "best of
all", which needs no correction for several comparisons because every one of them has to hold.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from search.core.errors import InternalError
from search.statistics.families import holm_once
from search.statistics.measure import LARGEST, Measure
from search.statistics.results import ALPHA, VERDICT_SEEDS, Difference, Trust


class Kind(StrEnum):
    """The verdicts."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Verdict:
    """What the runs say about a claim.

    Attributes:
        kind: the verdict.
        reason: why, as one sentence without full stop.
        evidence: the figures it rests on, by name; finite numbers only.
        open: what it is undecided for: settings not ruled out (`best`).
    """

    kind: Kind
    reason: str
    evidence: Mapping[str, float] = field(default_factory=dict)
    open: tuple[str, ...] = ()


def better(
    difference: Difference,
    p_adjusted: float | None,
    by: float | None = None,
    margin: float | None = None,
    need: str = "",
    alpha: float = ALPHA,
) -> Verdict:
    """Judge "a is better than b".

    Args:
        difference: a minus b.
        p_adjusted: its p value, Holm-adjusted among the claims of the file.
        by: the claim's own margin, "better by at least `by`"; support then needs an interval above it (for a metric
            of which less is better, below -`by`).
        margin: the smallest difference that matters (`report.margin`), where the claim has none of its own.
        need: what would decide, for an undecided verdict (`power.need`).
        alpha: level of the test; margins are judged by the interval of level 1 - alpha.
    """
    measure = difference.measure
    for name, value in (("by", by), ("margin", margin)):
        _check_margin(name, value, measure)
    evidence = _evidence(difference, p_adjusted)
    if difference.state is Trust.SAME_RUN and difference.seeds >= VERDICT_SEEDS:
        return Verdict(Kind.CONTRADICTED, "both settings are the same run: the difference is exactly 0", evidence)
    if not difference.decidable or p_adjusted is None:
        return _undecided(_why_not(difference), need, evidence)
    up = measure.higher_is_better
    estimate, low, high = _figures(difference, alpha)
    clear, told = p_adjusted <= alpha, measure.amount(estimate if up else -estimate, signed=True)
    if clear and estimate > 0 and (by is None or low > by):
        if by is not None:
            side = "above" if up else "below"
            return Verdict(Kind.SUPPORTED, f"the interval lies {side} {measure.amount(by if up else -by)}", evidence)
        small = margin is not None and low > -margin and high < margin
        note = f", by less than {measure.amount(margin or 0)}" if small else ""
        return Verdict(Kind.SUPPORTED, f"{'better by' if up else 'better:'} {told}{note}", evidence)
    if clear and estimate < 0:
        return Verdict(Kind.CONTRADICTED, f"worse: {told}", evidence)
    limit = by if by is not None else margin
    if limit is not None and high < limit:
        return Verdict(Kind.CONTRADICTED, f"if better, then by less than {measure.amount(limit)}", evidence)
    if clear and by is not None:
        return _undecided(f"better, but not surely by {measure.amount(by)}", need, evidence)
    return _undecided("the difference may be 0", need, evidence)


def equal(
    difference: Difference, within: float, need: str = "", alpha: float = ALPHA, equal_alpha: float | None = None
) -> Verdict:
    """Judge "a equals b within a margin" by two one-sided tests: the 90 % interval inside (-within, within).

    Where several looks were planned, the interval is that of level 1 - 2 `equal_alpha`, by default `alpha`, which is
    the level of the interval outside of the margin.

    Raises:
        InternalError: no positive margin; a space file without one is refused when it is read.
    """
    measure = difference.measure
    _check_margin("within", within, measure)
    evidence = _evidence(difference, None)
    if difference.state is Trust.SAME_RUN and difference.seeds >= VERDICT_SEEDS:
        return Verdict(Kind.SUPPORTED, "both settings are the same run", evidence)
    inside = alpha if equal_alpha is None else equal_alpha
    inner = difference.interval(1 - 2 * inside)
    if not difference.decidable or inner is None:
        return _undecided(_why_not(difference), need, evidence)
    _, low, high = _figures(difference, alpha)
    if inside == ALPHA:
        evidence |= {"low_90": inner[0], "high_90": inner[1]}
    if -within < inner[0] and inner[1] < within:
        level = f"{100 * (1 - 2 * inside):.3g} %"
        return Verdict(Kind.SUPPORTED, f"the {level} interval lies within {measure.amount(within)}", evidence)
    if low > within or high < -within:
        return Verdict(
            Kind.CONTRADICTED, f"the {100 * (1 - alpha):.3g} % interval lies outside {measure.amount(within)}", evidence
        )
    return _undecided(f"the interval reaches beyond {measure.amount(within)}", need, evidence)


def best(
    differences: Mapping[str, Difference], alpha: float = ALPHA, alike: Sequence[Hashable] | None = None
) -> Verdict:
    """Judge "a is the best of all".

    Args:
        differences: other setting -> a minus it, for every other one.
        alpha: level of each test; support needs every one of them unadjusted, and no correction.
        alike: as in `families.holm_once`; None: all comparisons differ.
    """
    if not differences:
        return _undecided("there is no other setting", "", {})
    values = [d.p if d.decidable else None for d in differences.values()]
    adjusted = dict(zip(differences, holm_once(values, alike or list(differences))[0], strict=True))
    beaten_by = [name for name, d in differences.items() if _clear(d, adjusted[name], alpha) and (d.gain or 0) < 0]
    ruled_out = [name for name, d in differences.items() if _clear(d, d.p, alpha) and (d.gain or 0) > 0]
    left = tuple(name for name in differences if name not in ruled_out)
    evidence = {"others": float(len(differences)), "ruled_out": float(len(ruled_out))}
    known = [d.p for d in differences.values() if d.p is not None]
    if known:
        evidence["p_largest"] = max(known)
    if beaten_by:
        return Verdict(Kind.CONTRADICTED, f"worse than {', '.join(beaten_by)}", evidence, left)
    if not left:
        others = f"each of the {len(differences)} others" if len(differences) > 1 else "the only other one"
        return Verdict(Kind.SUPPORTED, f"better than {others}", evidence)
    few = [name for name, d in differences.items() if not d.decidable and d.state is not Trust.SAME_RUN]
    reason = f"not ruled out: {', '.join(left)}"
    if few:
        reason += f" ({_why_not(differences[few[0]])})"
    return Verdict(Kind.UNDECIDED, reason, evidence, left)


def always(held: Sequence[bool | None], each: Mapping[str, int] | None = None, pruned: int = 0) -> Verdict:
    """Judge "every run does this", or "no run does that", where `held` says that it did not.

    Args:
        held: per run whether it did; None for a run that failed, was pruned or is missing, which is no evidence.
        each: setting -> its runs that tell; None: all runs are of one setting.
        pruned: runs that do not tell because they were pruned.

    One counterexample contradicts. Without one the claim is supported in these runs, with the share of a setting's runs
    that may still break it: 1 - .05^(1/S), the exact 95 % upper bound for none in S. Runs of several settings are not
    alike, so S is that of the setting with the fewest runs. Where runs were pruned, those that are left were chosen by
    how well they did, and support nothing.
    """
    known = [one for one in held if one is not None]
    runs, against = len(known), known.count(False)
    evidence = {"runs": float(runs), "counterexamples": float(against)}
    word = "run" if runs == 1 else "runs"
    if against:
        return Verdict(Kind.CONTRADICTED, f"{against} of {runs} {word} did otherwise", evidence)
    if not runs:
        return Verdict(Kind.UNDECIDED, "no run finished", evidence)
    fewest, least = min((each or {"": runs}).items(), key=lambda item: item[1])
    several = len(each or {}) > 1
    if not least:
        return Verdict(Kind.UNDECIDED, f"none of {runs} {word} did otherwise, but no run of {fewest} tells", evidence)
    evidence["bound"] = 1 - ALPHA ** (1 / least)
    whose = "the runs of a setting" if several else "runs"
    bound = f"up to {100 * evidence['bound']:.0f} % of {whose} may do otherwise (95 % limit)"
    if pruned:
        others = (
            f"{pruned} {'was' if pruned == 1 else 'were'} pruned: those that are left were chosen by how well they did"
        )
        return Verdict(Kind.UNDECIDED, f"none of {runs} {word} did otherwise, but {others}", evidence)
    if least < VERDICT_SEEDS:
        of = f" of {fewest}" if several else ""
        return Verdict(Kind.UNDECIDED, f"only {least} {'run' if least == 1 else 'runs'}{of}; {bound}", evidence)
    of = f" of {len(each or {})} settings" if several else ""
    return Verdict(Kind.SUPPORTED, f"in these {runs} runs{of}; {bound}", evidence)


def _clear(difference: Difference, p: float | None, alpha: float) -> bool:
    return difference.decidable and p is not None and p <= alpha


def _figures(difference: Difference, alpha: float) -> tuple[float, float, float]:
    """Return gain and ends of a decidable difference, its interval of level 1 - alpha, in the good direction."""
    estimate, low, high = difference.estimate, difference.low, difference.high
    if alpha != ALPHA and (ends := difference.interval(1 - alpha)) is not None:
        low, high = ends
    if estimate is None or low is None or high is None:
        raise InternalError(f"a difference that is {difference.state} has no interval to judge by")
    return (estimate, low, high) if difference.measure.higher_is_better else (-estimate, -high, -low)


def _evidence(difference: Difference, p_adjusted: float | None) -> dict[str, float]:
    numbers = {
        "estimate": difference.estimate,
        "low": difference.low,
        "high": difference.high,
        "p": difference.p,
        "p_adjusted": p_adjusted,
        "seeds": float(difference.seeds),
        "images": float(difference.images),
    }
    return {name: value for name, value in numbers.items() if value is not None}


def _why_not(difference: Difference) -> str:
    """Return why no verdict can rest on a difference."""
    if difference.reason:
        return difference.reason
    count = f"{difference.seeds} seed" + ("" if difference.seeds == 1 else "s")
    return f"{count} finished by both, a verdict needs {VERDICT_SEEDS}"


def _undecided(reason: str, need: str, evidence: Mapping[str, float]) -> Verdict:
    told = need.removesuffix(f"; {reason}")
    return Verdict(Kind.UNDECIDED, f"{reason}; {told}" if told else reason, evidence)


def _check_margin(name: str, value: float | None, measure: Measure) -> None:
    if value is None or 0 < value <= min(measure.span, LARGEST):
        return
    rule = "a fraction above 0 and at most 1" if measure.unit == "pt" else "above 0 and at most the range of the metric"
    raise InternalError(f"{name} {value}: must be {rule}")
