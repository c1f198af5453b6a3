"""The rules of a sequence of changes, apart from disk: how often they keep noise, and what they keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.judge.sequence import (
    BEGUN,
    CONFIRM_ALPHA,
    CONFIRM_SEEDS,
    CONFIRMING,
    JUDGED,
    KEPT,
    PROPOSED,
    REJECTED,
    SCREEN_ALPHA,
    SCREENED,
    SHOWN,
    History,
    Noise,
    folded,
    fresh_seeds,
    noise_of,
    one_sided,
    pooled,
)
from search.statistics.results import Difference, MeanSquares, Trust
from search.statistics.squares import df_of, variance_of
from search.statistics.student import t_tail

EXAMPLES, RUN_SD, REST, EFFECTS = 1000, 0.01, 0.134, 0.029
"""1,000 examples, runs that scatter by one point, and a setting's own effect on examples (z .7)."""


def kept(rng: np.random.Generator, truth: float, proposals: int, df: int = 8) -> tuple[float, float]:
    """Return the shares of proposals that pass the screening and that are kept, each with a noise estimated anew."""
    q = EXAMPLES * 2 * RUN_SD**2 + REST
    passed = found = 0
    for _ in range(proposals):
        effect = truth + rng.normal() * (EFFECTS / EXAMPLES) ** 0.5
        noise = Noise((q * rng.chisquare(df) / df - REST) / EXAMPLES, EFFECTS, REST, df)
        if noise.p(effect + rng.normal() * (q / EXAMPLES) ** 0.5, EXAMPLES) >= SCREEN_ALPHA:
            continue
        passed += 1
        gain = effect + rng.normal() * (q / EXAMPLES / CONFIRM_SEEDS) ** 0.5
        own, f = max(q * rng.chisquare(4) / 4, REST), CONFIRM_SEEDS - 1
        error = float(variance_of(own, CONFIRM_SEEDS * EFFECTS, CONFIRM_SEEDS, EXAMPLES)) ** 0.5
        p = 2 * float(t_tail(abs(gain) / error, df_of(own, CONFIRM_SEEDS * EFFECTS, f, EXAMPLES)))
        found += one_sided(Difference(Trust.ESTIMATED, estimate=gain, p=p)) < CONFIRM_ALPHA
    return passed / proposals, found / proposals


@pytest.mark.slow
def test_changes_that_do_nothing_are_hardly_ever_kept_and_changes_that_do_sometimes() -> None:
    passed, false = kept(np.random.default_rng(1), 0.0, 30_000)
    assert 0.19 < passed < 0.21
    assert 0.2 < 200 * false < 0.9, "of 200 changes; the bound that is printed is 2"
    _, found = kept(np.random.default_rng(2), 0.02, 6_000)
    assert 0.14 < found < 0.22
    _, found = kept(np.random.default_rng(3), 0.04, 2_000)
    assert found > 0.6


@given(st.lists(st.tuples(st.floats(1e-6, 1), st.integers(1, 20)), min_size=1, max_size=6))
def test_noise_is_pooled_by_its_degrees_of_freedom(parts: list[tuple[float, int]]) -> None:
    noises = [Noise(value, 2 * value, 3 * value, df) for value, df in parts]
    together = pooled(noises, "all")
    assert together is not None
    assert together.df == sum(df for _, df in parts)
    expected = sum(value * df for value, df in parts) / together.df
    assert (together.seeds, together.images, together.rest) == pytest.approx((expected, 2 * expected, 3 * expected))
    assert pooled([], "none") is None


def test_noise_is_that_of_the_mean_squares() -> None:
    q, f, seeds = EXAMPLES * 2 * RUN_SD**2 + REST, 12, 4
    noise = noise_of(MeanSquares(9.0, REST + seeds * EFFECTS, REST, q), f, seeds, EXAMPLES, "a study")
    assert noise.seeds == pytest.approx(2 * RUN_SD**2)
    assert (noise.images, noise.rest, noise.df) == (pytest.approx(EFFECTS), REST, f)
    error = ((q + EFFECTS) / EXAMPLES) ** 0.5
    assert noise.p(0.02, EXAMPLES) == pytest.approx(float(t_tail(0.02 / error, df_of(q, EFFECTS, f, EXAMPLES))))
    assert noise.p(-0.02, EXAMPLES) == pytest.approx(1 - noise.p(0.02, EXAMPLES))
    assert (Noise(0, 0, 0, 8).p(0.1, 10), Noise(0, 0, 0, 8).p(0.0, 10)) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("difference", "p"),
    [
        (Difference(Trust.ESTIMATED, estimate=0.1, p=0.02), 0.01),
        (Difference(Trust.ESTIMATED, estimate=-0.1, p=0.02), 0.99),
        (Difference(Trust.SAME_RUN, estimate=0.0), 1.0),
        (Difference(Trust.NOT_ESTIMABLE), 1.0),
    ],
)
def test_one_side_counts(difference: Difference, p: float) -> None:
    assert one_sided(difference) == pytest.approx(p)


def proposal(log: list[Any], name: str, p_screen: float, p_confirm: float | None = None) -> None:
    """Append what happens to a proposal, to its end."""
    number = len(folded(log).proposals) + 1
    told: dict[str, Any] = {"number": number, "gain": 0.01, "reason": "", "noise": None}
    against = folded(log).incumbent_number
    seeds = fresh_seeds(folded(log).seeds, 1, 1000)
    log.append(
        (PROPOSED, {"name": name, "settings": {}, "runs": name, "against": against, "seeds": seeds, "noise": None})
    )
    log.append((SCREENED, {**told, "p": p_screen}))
    if p_confirm is not None:
        log.append((CONFIRMING, {"number": number, "seeds": fresh_seeds(folded(log).seeds, 5, 1000)}))
        log.append((JUDGED, {**told, "p": p_confirm}))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=12))
def test_what_is_kept_is_what_others_are_judged_against(outcomes: list[tuple[float, float]]) -> None:
    log: list[Any] = [(BEGUN, {"name": "base", "settings": {}, "runs": "base"})]
    for place, (screen, confirm) in enumerate(outcomes, start=1):
        proposal(log, f"change {place}", screen, confirm if screen < SCREEN_ALPHA else None)
    state = folded(log)
    good = [screen < SCREEN_ALPHA and confirm < CONFIRM_ALPHA for screen, confirm in outcomes]
    assert [one.verdict == KEPT for one in state.proposals] == good
    assert {one.verdict for one in state.proposals} <= {KEPT, REJECTED}
    for place, one in enumerate(state.proposals):
        assert one.against == max((number + 1 for number in range(place) if good[number]), default=0)
    assert state.incumbent.name == next((f"change {n + 1}" for n in reversed(range(len(good))) if good[n]), "base")
    assert state.false_keeps == pytest.approx(len(outcomes) * CONFIRM_ALPHA)
    used = [seed for one in state.proposals for seed in (*one.seeds, *one.confirming)]
    assert len(used) == len(set(used)), "every seed is fresh"


def test_a_proposal_that_was_left_open_is_gone_on_with_unless_another_was_kept_meanwhile() -> None:
    log: list[Any] = [(BEGUN, {"name": "base", "settings": {}, "runs": "base"})]
    proposal(log, "left", 0.1)
    state = folded(log)
    assert state.judged("left") == state.proposals[0]
    proposal(log, "rejected", 0.5)
    assert folded(log).judged("left") == state.proposals[0]
    proposal(log, "kept", 0.1, 0.001)
    assert folded(log).judged("left") is None, "it was screened against another incumbent"
    proposal(log, "left", 0.5)
    assert folded(log).judged("left") == folded(log).proposals[3]
    assert (folded(log).incumbent_number, folded(log).proposals[3].against) == (3, 3)


def test_the_bound_of_false_keeps() -> None:
    log: list[Any] = [(BEGUN, {"name": "base", "settings": {}, "runs": "base"})]
    for place in range(10):
        assert folded(log).admits(0.1)
        proposal(log, f"change {place}", 0.5)
    assert not folded(log).admits(0.1)
    assert folded(log).admits(0.11)


def test_looks_at_test_figures_are_counted_and_their_seeds_used_up() -> None:
    log: list[Any] = [(BEGUN, {"name": "base", "settings": {}, "runs": "base"})]
    log += [(SHOWN, {"number": 0, "seeds": [1000, 1001]})] * 2
    state = folded(log)
    assert (state.looks, state.seeds, state.shown) == (2, {1000, 1001}, {0: (1000, 1001)})
    assert folded([("other", {})]) == History()
