"""What would decide: the numbers of seeds and images, and the sentences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from search.statistics.components import Components, components, components_high
from search.statistics.measure import ACCURACY, Measure
from search.statistics.power import Assumed, Remedy, assumed, fewest_images, fewest_seeds, need, need_equal
from search.statistics.results import Difference, MeanSquares, Trust
from search.statistics.scores import make_scores
from tests.statistics.helpers import difference, golden

TWO = Assumed(0.02, "report.margin")


def known(seeds: float, images: float, rest: float, settings: int = 2, s: int = 3, n: int = 360) -> Difference:
    """Return a difference whose mean squares have these components exactly."""
    noise = rest + n * seeds
    squares = MeanSquares(noise, rest + s * images, rest, noise if settings > 2 else None)
    f = (settings - 1) * (s - 1) if settings > 2 else s - 1
    return Difference(Trust.ESTIMATED, 0.01, -0.1, 0.1, 0.5, 1e-4, 4.0, s, n, settings, f, squares)


def test_components_come_back() -> None:
    found = components(known(4e-4, 0.02, 0.05))
    assert found is not None
    assert (found.seeds, found.images, found.rest, found.settings) == pytest.approx((4e-4, 0.02, 0.05, 2))
    high = components_high(known(4e-4, 0.02, 0.05))
    assert high is not None
    # f = 2: 2 / chi2_{.2, 2} = 4.4814
    assert high.seeds == pytest.approx(((0.05 + 360 * 4e-4) * 4.4814 - 0.05) / 360, rel=1e-4)


def test_pooled_noise_stands_for_the_pairs_own() -> None:
    found = difference(make_scores(golden(3, 3)), 2, 0)
    got, squares = components(found), found.squares
    assert got is not None
    assert squares is not None
    assert squares.pooled is not None
    assert got.seeds == pytest.approx((squares.pooled - squares.rest) / 40)
    assert got.settings == 3


@pytest.mark.parametrize("equality", [False, True])
def test_power_is_the_mean_over_the_noise_that_seeds_may_show(equality: bool) -> None:
    """Written out for two settings: the half-width goes by the larger of Q chi2 / f and MS_R."""
    one = Components(4e-4, 0.02, 0.05)
    s, n, delta = 6, 360, 0.03
    noise, i = n * one.seeds + one.rest, s * one.images
    error = np.sqrt((noise + i) / (n * s))

    def reached(x: float) -> float:
        q = max(noise * x / (s - 1), one.rest)
        df = (q + i) ** 2 / (q**2 / (s - 1))
        half = float(stats.t.ppf(0.95 if equality else 0.975, df)) * np.sqrt((q + i) / (n * s))
        inside = float(stats.norm.cdf((delta - half) / error))
        return max(2 * inside - 1, 0.0) if equality else inside

    mean = integrate.quad(lambda x: reached(x) * stats.chi2.pdf(x, s - 1), 0, 60, limit=200)[0]
    assert float(one.power(s, n, delta, equality=equality)) == pytest.approx(mean, abs=1e-3)


@pytest.mark.parametrize(
    ("settings", "seeds", "power", "equal"),
    [(2, 5, 0.7570, 0.7391), (5, 5, 0.8068, 0.7794), (5, 10, 0.9556, 0.9604), (2, 10, 0.9556, 0.9604)],
)
def test_power_of_known_noise(settings: int, seeds: int, power: float, equal: float) -> None:
    """As 40,000 simulated differences have it, give or take .002."""
    known = Components(2e-4, 0.029, 0.134, settings)
    assert float(known.power(seeds, 1000, 0.03)) == pytest.approx(power, abs=0.001)
    assert float(known.power(seeds, 1000, 0.03, equality=True)) == pytest.approx(equal, abs=0.001)


@pytest.mark.parametrize("equality", [False, True])
@pytest.mark.parametrize(("settings", "seeds"), [(3, 3), (5, 4), (20, 7), (4, 3)])
def test_power_with_guarded_pooling_written_out(settings: int, seeds: int, equality: bool) -> None:
    """X over 400 middles of its quantiles; h and SE by the rules; a noncentral t for the pool."""
    one, n, delta = Components(2e-4, 0.02, 0.1, settings), 700, 0.03
    noise, i, f = n * one.seeds + one.rest, seeds * one.images, (settings - 1) * (seeds - 1)
    error, shares = np.sqrt((noise + i) / (n * seeds)), []

    def degrees(q: float, f: float) -> float:
        return min(max((q + i) ** 2 / (q**2 / f), f), n - 1)

    for u in (np.arange(400) + 0.5) / 400:
        x = stats.chi2.ppf(u, seeds - 1) / (seeds - 1)
        q2 = max(noise * x, one.rest)
        df1, df2 = degrees(noise, f), degrees(q2, seeds - 1)
        se2 = np.sqrt((q2 + i) / (n * seeds))
        noisy = x > stats.f.ppf(0.95, seeds - 1, (settings - 2) * (seeds - 1))
        k = 1 if noisy else 1.5 if settings <= 4 else 2
        h = max(stats.t.ppf(0.975, df1) * error, stats.t.ppf(1 - 0.025 * k, df2) * se2)
        df = min(df1, df2) if noisy else df1
        t = stats.t.ppf(0.95 if equality else 0.975, df) * h / stats.t.ppf(0.975, df)
        share = stats.nct.sf(t / error, df1, delta / error)
        shares.append(max(2 * share - 1, 0) if equality else share)
    assert one.power(seeds, n, delta, equality=equality) == pytest.approx(np.mean(shares), abs=1e-9)


@pytest.mark.parametrize("equality", [False, True])
def test_power_rises_with_seeds_images_and_what_is_there(equality: bool) -> None:
    for settings in (2, 3, 5, 20):
        one = Components(2e-4, 0.02, 0.1, settings)
        for more in (
            [one.power(s, 500, 0.03, equality=equality) for s in (3, 4, 5, 6, 7)],
            [one.power(s, 500, 0.03, equality=equality) for s in (8, 10, 20, 50)],
            [one.power(4, n, 0.03, equality=equality) for n in (50, 100, 500, 5000)],
            [one.power(4, 500, d, equality=equality) for d in (0.0, 0.01, 0.03, 0.1, 0.5)],
        ):
            assert more == sorted(more)
        assert one.power(4, 500, 0.03, equality=equality, strict=True) <= one.power(4, 500, 0.03, equality=equality)


def test_the_smallest_difference_that_is_found() -> None:
    for settings, seeds in ((2, 3), (5, 3), (5, 12)):
        one = Components(2e-4, 0.02, 0.1, settings)
        for equality in (False, True):
            least = one.detectable(seeds, 700, equality=equality)
            assert least is not None
            assert one.power(seeds, 700, least, equality=equality) == pytest.approx(0.8, abs=1e-3)
    assert Components(0.0, 0.0, 1e300).detectable(3, 10) is None


def test_power_is_defined_at_the_ends() -> None:
    silent = Components(0.0, 0.0, 0.0)
    values = np.array([silent.power(seeds, 10_000_000, 0.5) for seeds in range(2, 101)])
    assert np.isfinite(values).all()
    assert values[5:].min() == 1.0
    noisy = Components(10.0, 0.0, 0.0)  # seed noise alone: Student's t, of whose level one side is left
    assert float(noisy.power(6, 1000, 1e-6)) == pytest.approx(0.025, abs=1e-3)
    assert float(noisy.power(6, 1000, 1e-6, equality=True)) == 0.0


@pytest.mark.parametrize("settings", [2, 5])
def test_fewest_are_the_fewest(settings: int) -> None:
    one = Components(2e-4, 0.005, 0.05, settings)
    seeds = fewest_seeds(one, 360, 0.03)
    assert seeds is not None
    assert 3 < seeds < 100
    assert float(one.power(seeds, 360, 0.03)) >= 0.8
    assert float(one.power(seeds - 1, 360, 0.03)) < 0.8
    images = fewest_images(one, 20, 0.03)
    assert images is not None
    assert float(one.power(20, images, 0.03)) >= 0.8
    assert float(one.power(20, images - 1, 0.03)) < 0.8
    assert fewest_images(Components(0.1, 0.1, 0.1), 3, 0.01) is None


def test_seeds_as_a_range() -> None:
    found = need(known(2e-4, 0.001, 0.05), Assumed(0.03, "the published difference"))
    assert found.remedy is Remedy.SEEDS
    assert found.seeds is not None
    assert found.seeds_high is not None
    assert 3 < found.seeds < found.seeds_high
    assert found.sentence == (
        f"{found.seeds} to {found.seeds_high} seeds per setting would be needed to find a difference of 3 pt (the "
        "published difference) with a probability of about 80 % (there are 3); images cannot decide this, it needs "
        "seeds"
    )


def test_more_comparisons_and_looks_need_more() -> None:
    one = known(2e-4, 0.001, 0.05)
    alone, family, looks = need(one, TWO), need(one, TWO, comparisons=4), need(one, TWO, comparisons=2, alpha=0.025)
    assert alone.seeds is not None
    assert family.seeds is not None
    assert alone.seeds < family.seeds == looks.seeds


def test_seeds_cannot_decide() -> None:
    """Image x setting effects alone: at 137 images their standard error is 2.6 pt however many seeds."""
    found = need(known(1e-6, 0.09, 0.05, s=10, n=137), TWO)
    assert (found.remedy, found.seeds, found.seeds_with_images) == (Remedy.IMAGES, None, 10)
    assert found.images is not None
    assert 1700 < found.images < 2100  # 0.09 (2.8 / .02)^2 = 1,764 and some for the rest
    assert found.sentence.startswith("seeds cannot decide this; it needs about ")
    assert found.sentence.endswith(
        "images (there are 137) to find a difference of 2 pt (report.margin) with a probability of about 80 %"
    )


def test_seeds_and_images_are_both_too_few() -> None:
    found = need(known(4e-4, 0.09, 0.05, n=137), TWO)
    assert found.remedy is Remedy.IMAGES
    assert found.seeds_with_images is not None
    assert found.seeds_with_images > 3
    assert f" images (there are 137) and {found.seeds_with_images} seeds (there are 3) to find" in found.sentence


def test_more_than_a_hundred_seeds() -> None:
    found = need(known(0.01, 1e-6, 0.05), TWO)
    assert (found.remedy, found.seeds, found.images) == (Remedy.BOTH, None, None)
    assert found.sentence.startswith("more than 100 seeds would be needed to find")
    assert found.sentence.endswith("; images cannot decide this, it needs seeds")


def test_the_upper_end_may_be_past_a_hundred() -> None:
    found = need(known(1.5e-3, 1e-6, 0.01), TWO)
    assert found.remedy is Remedy.SEEDS
    assert found.seeds_high is None
    assert f"{found.seeds} to more than 100 seeds per setting" in found.sentence


def test_enough_seeds_already() -> None:
    found = need(known(1e-5, 1e-4, 0.01, s=10), Assumed(0.05, "the claim's margin"))
    assert found.remedy is Remedy.NONE
    assert found.sentence == (
        "there are 10 seeds, which by an estimate are enough to find a difference of 5 pt (the claim's margin) with a "
        "probability of about 80 %"
    )


def test_equality_has_a_power_of_its_own() -> None:
    """Its interval of 90 % has to lie within the margin, where one of 95 % only has to be clear of 0."""
    one = known(2e-4, 1e-5, 0.001)
    differ, alike = need(one, Assumed(0.01, "the claim's margin")), need_equal(one, 0.01)
    assert differ.seeds is not None
    assert alike.seeds is not None
    assert differ.seeds < alike.seeds
    one = known(2e-4, 0.001, 0.05)
    alike = need_equal(one, 0.03)
    assert alike.seeds is not None
    assert alike.seeds_high is not None
    assert alike.seeds < alike.seeds_high
    assert alike.sentence == (
        f"{alike.seeds} to {alike.seeds_high} seeds per setting would be needed to show equality within 3 pt with a "
        "probability of about 80 % if there is no difference (there are 3); images cannot decide this, it needs seeds"
    )
    assert need_equal(one, 0.03, alpha=0.05 / 3).seeds > alike.seeds
    assert need_equal(known(1e-5, 1e-4, 0.01, s=10), 0.05).sentence == (
        "there are 10 seeds, which by an estimate are enough to show equality within 5 pt with a probability of about "
        "80 % if there is no difference"
    )
    images = need_equal(known(1e-6, 0.09, 0.05, s=10, n=137), 0.02)
    assert images.remedy is Remedy.IMAGES
    assert images.images > need(known(1e-6, 0.09, 0.05, s=10, n=137), TWO).images
    unknown = need_equal(difference(make_scores(golden(2, 1)), 1, 0), 0.02)
    assert unknown.sentence.startswith("what it takes to show equality within 2 pt with a probability of about 80 % ")


def test_one_run_tells_nothing_of_the_noise() -> None:
    found = need(difference(make_scores(golden(2, 1)), 1, 0), TWO)
    assert found.remedy is Remedy.UNKNOWN
    assert found.sentence.endswith("was not estimated; at least 3 seeds per setting come first")


def test_where_seeds_are_not_what_is_missing() -> None:
    """The reason is given, not a number of seeds that are there already."""
    image = Difference(Trust.NOT_ESTIMABLE, estimate=1.0, seeds=4, images=1, reason="a single image")
    assert need(image, TWO).sentence.endswith("was not estimated; a single image")
    pruned = Difference(Trust.PRUNED, seeds=2, images=90, reason="a seed was pruned; a pruned setting ...")
    assert need(pruned, TWO).sentence.endswith("was not estimated; a seed was pruned; a pruned setting ...")
    none = Difference(Trust.NOT_ESTIMABLE, seeds=0, images=90, reason="no seed that both settings finished")
    assert need(none, TWO).sentence.endswith("; at least 3 seeds per setting come first")


def test_the_assumed_difference_is_never_the_observed_one() -> None:
    assert assumed(claim=0.01, published=0.05, margin=0.02).told(ACCURACY) == "1 pt (the claim's margin)"
    assert assumed(published=-0.0584, margin=0.02).told(ACCURACY) == "5.84 pt (the published difference)"
    assert assumed(published=0.0, margin=0.03).told(ACCURACY) == "3 pt (report.margin)"
    assert assumed().told(ACCURACY) == "2 pt (assumed, as no margin is stated)"


def test_in_the_unit_of_another_metric() -> None:
    angle = Measure(unit="degrees", higher_is_better=False, example="scan", examples="scans")
    one = replace(known(2e-4, 0.001, 0.05), measure=angle)
    found = need(one, assumed(margin=0.03))
    assert " to find a difference of 0.03 degrees (report.margin) with" in found.sentence
    assert found.sentence.endswith("(there are 3); scans cannot decide this, it needs seeds")
    assert "equality within 0.03 degrees" in need_equal(one, 0.03).sentence


@pytest.mark.parametrize("equality", [False, True])
def test_the_strict_rule_needs_more_seeds(equality: bool) -> None:
    """Its intervals are wider with 3 to 7 seeds; from 8 on both rules go by the pair's own seeds."""
    pilot = known(0.0, 0.01, 0.05, settings=5)
    within, strict = 0.03, []
    for rule in (False, True):
        found = need_equal(pilot, within, strict=rule) if equality else need(pilot, Assumed(within, "a"), strict=rule)
        assert found.seeds is not None
        strict.append(found.seeds)
        one = components(pilot)
        assert one is not None
        assert one.power(found.seeds, 360, within, equality=equality, strict=rule) >= 0.8
        assert found.seeds == 3 or one.power(found.seeds - 1, 360, within, equality=equality, strict=rule) < 0.8
    assert strict[0] < strict[1]
