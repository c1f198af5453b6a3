"""Verdicts, on figures set by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from scipy import stats

from search.core.errors import InternalError
from search.statistics.measure import Measure
from search.statistics.results import Difference, Trust
from search.statistics.verdicts import Kind, always, best, better, equal

S, C, U = Kind.SUPPORTED, Kind.CONTRADICTED, Kind.UNDECIDED


def at(estimate: float, half: float, seeds: int = 3, df: float = 20.0) -> Difference:
    """Return a difference with this 95 % half-width, and the p value that goes with it."""
    error = half / float(stats.t.ppf(0.975, df))
    p = 2 * float(stats.t.sf(abs(estimate) / error, df))
    return Difference(
        Trust.ESTIMATED, estimate, estimate - half, estimate + half, p, error**2, df, seeds, 360, noise_df=4
    )


ONCE = Difference(Trust.ONE_RUN, 0.2, 0.1, 0.3, 0.001, seeds=1, images=137)
TWIN = Difference(Trust.SAME_RUN, 0.0, seeds=3, images=137)
PRUNED = Difference(Trust.PRUNED, seeds=3, images=137, reason="a seed was pruned")


@pytest.mark.parametrize(
    ("difference", "by", "margin", "kind", "reason"),
    [
        (at(0.05, 0.03), None, None, S, "better by +5.0 pt"),
        (at(-0.05, 0.03), None, None, C, "worse: -5.0 pt"),
        (at(0.01, 0.03), None, None, U, "the difference may be 0"),
        (at(-0.01, 0.015), None, None, U, "the difference may be 0"),  # no margin is stated: never "too small"
        (at(0.01, 0.005), None, 0.02, S, "better by +1.0 pt, by less than 2 pt"),
        (at(0.002, 0.01), None, 0.02, C, "if better, then by less than 2 pt"),
        (at(0.05, 0.02), 0.02, None, S, "the interval lies above 2 pt"),
        (at(0.05, 0.04), 0.02, None, U, "better, but not surely by 2 pt"),
        (at(0.01, 0.005), 0.02, None, C, "if better, then by less than 2 pt"),
        (at(0.01, 0.03), 0.02, None, U, "the difference may be 0"),
        (at(0.05, 0.01, seeds=2), None, None, U, "2 seeds finished by both, a verdict needs 3"),
        (ONCE, None, None, U, "1 seed finished by both, a verdict needs 3"),
        (PRUNED, None, None, U, "a seed was pruned"),
        (TWIN, None, None, C, "both settings are the same run: the difference is exactly 0"),
    ],
)
def test_better(difference: Difference, by: float | None, margin: float | None, kind: Kind, reason: str) -> None:
    found = better(difference, difference.p, by, margin)
    assert (found.kind, found.reason) == (kind, reason)
    assert "NaN" not in json.dumps(dict(found.evidence))


def test_better_goes_by_the_adjusted_p() -> None:
    difference = at(0.05, 0.045)
    assert better(difference, difference.p).kind is S
    assert better(difference, 0.06).kind is U
    assert better(difference, difference.p, alpha=0.01).kind is U


def test_margins_go_by_the_level_of_the_test() -> None:
    """Where looks were planned, an interval of 95 % is too short."""
    for difference, judge in (
        (at(0.06, 0.0365), lambda one, alpha: better(one, one.p, by=0.02, alpha=alpha)),
        (at(-0.022, 0.0365), lambda one, alpha: better(one, one.p, margin=0.02, alpha=alpha)),
        (at(0.045, 0.0255), lambda one, alpha: equal(one, 0.019, alpha=alpha)),
    ):
        assert judge(difference, 0.05).kind is not U
        assert judge(difference, 0.01).kind is U


def test_undecided_says_what_would_decide() -> None:
    found = better(at(0.01, 0.03), 0.5, need="7 to 12 seeds per setting would be needed")
    assert found.reason == "the difference may be 0; 7 to 12 seeds per setting would be needed"
    assert (found.evidence["low"], found.evidence["p_adjusted"]) == pytest.approx((-0.02, 0.5))


@pytest.mark.parametrize(
    ("difference", "kind", "reason"),
    [
        (at(0.001, 0.01), S, "the 90 % interval lies within 2 pt"),
        # 95 % reaches to .0205, 90 % to .0170: two one-sided tests at 5 %
        (at(-0.0005, 0.0210), S, "the 90 % interval lies within 2 pt"),
        (at(0.001, 0.05), U, "the interval reaches beyond 2 pt"),
        (at(0.06, 0.03), C, "the 95 % interval lies outside 2 pt"),
        (at(-0.06, 0.03), C, "the 95 % interval lies outside 2 pt"),
        (at(0.04, 0.03), U, "the interval reaches beyond 2 pt"),
        (at(0.001, 0.01, seeds=2), U, "2 seeds finished by both, a verdict needs 3"),
        (ONCE, U, "1 seed finished by both, a verdict needs 3"),
        (TWIN, S, "both settings are the same run"),
    ],
)
def test_equal(difference: Difference, kind: Kind, reason: str) -> None:
    found = equal(difference, 0.02)
    assert (found.kind, found.reason) == (kind, reason)


@pytest.mark.parametrize("within", [0.0, -0.1, 1.5, math.nan])
def test_equal_needs_a_margin(within: float) -> None:
    with pytest.raises(InternalError, match=r"within .*: must be a fraction above 0 and at most 1"):
        equal(at(0, 0.01), within)


def test_best_has_to_beat_every_other() -> None:
    found = best({"b": at(0.05, 0.03), "c": at(0.04, 0.039)})
    assert (found.kind, found.reason, found.open) == (S, "better than each of the 2 others", ())
    open_one = best({"b": at(0.05, 0.03), "c": at(0.01, 0.03)})
    assert (open_one.kind, open_one.reason, open_one.open) == (U, "not ruled out: c", ("c",))


def test_best_is_contradicted_after_holm_only() -> None:
    barely = at(-0.03, 0.0295)
    assert barely.p == pytest.approx(0.047, abs=0.001)
    assert best({"b": barely}).kind is C
    assert best({"b": barely, "c": at(0.01, 0.05)}).kind is U
    clear = best({"b": at(-0.05, 0.03), "c": at(0.05, 0.01)})
    assert (clear.kind, clear.reason) == (C, "worse than b")


def test_best_with_too_few_seeds() -> None:
    found = best({"b": ONCE, "c": at(0.05, 0.01)})
    assert (found.kind, found.open) == (U, ("b",))
    assert found.reason == "not ruled out: b (1 seed finished by both, a verdict needs 3)"
    assert best({"b": TWIN}).kind is U
    assert best({}).reason == "there is no other setting"


@pytest.mark.parametrize(("runs", "bound"), [(3, 0.6316), (10, 0.2589), (59, 0.0495)])
def test_runs_without_a_counterexample_have_a_bound(runs: int, bound: float) -> None:
    found = always([True] * runs + [None])
    assert found.kind is S
    assert found.evidence["bound"] == pytest.approx(bound, abs=1e-4)
    assert found.reason == f"in these {runs} runs; up to {100 * bound:.0f} % of runs may do otherwise (95 % limit)"


def test_one_counterexample_contradicts() -> None:
    assert always([True] * 58 + [False]).reason == "1 of 59 runs did otherwise"
    assert always([False]).kind is C
    assert always([True] * 9 + [False]).kind is C


def test_runs_that_did_not_finish_are_no_evidence() -> None:
    assert always([True, True, None, None]).kind is U
    assert always([True, True, None]).reason == "only 2 runs; up to 78 % of runs may do otherwise (95 % limit)"
    assert always([None, None]).reason == "no run finished"
    assert always([]).kind is U


LOSS = Measure(low=0.0, higher_is_better=False)
ANGLE = Measure(higher_is_better=False, unit="degrees")


@pytest.mark.parametrize(
    ("estimate", "half", "by", "margin", "kind", "reason"),
    [
        (-0.5, 0.3, None, None, S, "better: -0.5 degrees"),
        (0.5, 0.3, None, None, C, "worse: +0.5 degrees"),
        (-0.5, 0.3, 0.1, None, S, "the interval lies below -0.1 degrees"),
        (-0.5, 0.45, 0.1, None, U, "better, but not surely by 0.1 degrees"),
        (-0.01, 0.3, None, 2.0, C, "if better, then by less than 2 degrees"),
        (-1.0, 0.3, None, 2.0, S, "better: -1 degrees, by less than 2 degrees"),
        (-0.01, 0.3, None, None, U, "the difference may be 0"),
    ],
)
def test_less_may_be_better(
    estimate: float, half: float, by: float | None, margin: float | None, kind: Kind, reason: str
) -> None:
    difference = replace(at(estimate, half), measure=ANGLE)
    found = better(difference, difference.p, by, margin)
    assert (found.kind, found.reason) == (kind, reason)


def test_equal_and_best_in_the_unit_and_direction_of_the_metric() -> None:
    assert equal(replace(at(0.3, 1.0), measure=ANGLE), 2.0).reason == "the 90 % interval lies within 2 degrees"
    assert equal(replace(at(3.0, 0.5), measure=ANGLE), 2.0).kind is C
    one = best({"b": replace(at(-0.05, 0.03), measure=LOSS)})
    assert (one.kind, one.reason) == (S, "better than the only other one")
    assert best({"b": replace(at(0.05, 0.03), measure=LOSS)}).kind is C
    with pytest.raises(InternalError, match="within 0: must be above 0 and at most the range of the metric"):
        equal(replace(at(0.3, 1.0), measure=LOSS), 0)
