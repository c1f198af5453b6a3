"""GRIM: every true figure passes, whoever printed it; wrong ones fail as often as the module says."""

from __future__ import annotations

import random
from decimal import ROUND_DOWN, ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest

from search.audit import grim

ROUNDINGS = (ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_HALF_DOWN)


def one(text: str) -> grim.Figure:
    (figure,) = grim.readings(text, False)
    return figure


def printed(k: int, n: int, places: int, rounding: str) -> str:
    """100 k / n to so many decimals, from a quotient so long that no tie is missed."""
    with localcontext() as context:
        context.prec = 60
        return str((Decimal(100 * k) / Decimal(n)).quantize(Decimal(1).scaleb(-places), rounding=rounding))


def every() -> list[tuple[int, int, int]]:
    """Return k, n and decimals of all figures for n up to 400: 80,600 fractions, to 0, 1, 2 and 3 decimals."""
    return [(k, n, places) for n in range(1, 401) for k in range(n + 1) for places in range(4)]


@pytest.mark.slow
def test_no_figure_is_suspected_falsely() -> None:
    cases = every()
    assert len(cases) == 322_400
    for k, n, places in cases:
        # Half up in whole numbers: as `printed` does, a hundred times as fast; the next test holds the two together.
        digits = (200 * 10**places * k + n) // (2 * n)
        assert k in grim.counts(grim.Figure("", digits, places), n), (k, n, places)


def test_every_way_of_rounding_a_tie_passes() -> None:
    ties = [(k, n, t) for k, n, t in every() if (200 * 10**t * k) % n == 0 and (200 * 10**t * k) // n % 2]
    assert len(ties) > 500
    for k, n, places in ties:
        texts = {printed(k, n, places, rounding) for rounding in ROUNDINGS}
        assert len(texts) == 2
        assert all(k in grim.counts(one(text), n) for text in texts)


@pytest.mark.slow
def test_figures_printed_from_floats_pass() -> None:
    cases = [(k, n, places) for k, n, places in every() if n % 7 == 0]
    for kind in (np.float32, float):
        wrong = [
            (k, n, places)
            for k, n, places in cases
            if k not in grim.counts(one(f"{kind(100) * kind(k) / kind(n):.{places}f}"), n)
        ]
        assert wrong == []


def test_the_text_is_what_the_arithmetic_says() -> None:
    for k, n, places in random.Random(0).sample(every(), 2000):
        text = printed(k, n, places, ROUND_HALF_UP)
        assert one("0").shown(k, n) == f"{printed(k, n, 0, ROUND_HALF_UP)} %"
        assert grim.Figure(text, 0, places).shown(k, n) == f"{text} %"
        assert grim.counts(one(text), n) == grim.counts(grim.Figure("", int(text.replace(".", "")), places), n)


@pytest.mark.parametrize(("n", "places", "caught"), [(137, 2, 0.986), (137, 1, 0.863), (360, 2, 0.964), (50, 0, 0.5)])
def test_random_wrong_figures_are_caught_with_the_stated_chance(n: int, places: int, caught: float) -> None:
    draw = random.Random(n)
    figures = [grim.Figure("", draw.randrange(100 * 10**places), places) for _ in range(20_000)]
    share = sum(not grim.counts(figure, n) for figure in figures) / len(figures)
    assert caught == pytest.approx(1 - n / 10 ** (places + 2), abs=5e-4)
    assert share == pytest.approx(caught, abs=3 * (caught * (1 - caught) / 20_000) ** 0.5 + 1e-3)


def test_the_figure_of_the_report() -> None:
    assert [list(grim.counts(one(text), 137)) for text in ("54.01%", "54.74%", "55.36%", "60.58%")] == [
        [74],
        [75],
        [],
        [83],
    ]
    assert list(grim.counts(one("75%"), 1020)) == list(range(760, 771))


@pytest.mark.slow
@pytest.mark.parametrize(("runs", "truncated"), [(1, False), (3, False), (1, True)])
def test_the_window_is_the_stated_one_to_the_last_digit(runs: int, truncated: bool) -> None:
    """Against the definition in fractions: closed at both ends; a figure that was cut has an open upper end."""
    draw = random.Random(2)
    for _ in range(1500):
        n, places = draw.choice([1, 2, 8, 40, 125, 200, 400, draw.randint(1, 400)]), draw.randint(-2, 3)
        digits = draw.randint(0, 100 * 10**places if places >= 0 else 10 ** (2 + places))
        unit = Fraction(1, 10**places) if places >= 0 else Fraction(10**-places)
        value, every = digits * unit, runs * n
        half = (unit / 2 if runs == 1 else unit) + Fraction(2, 100_000)

        def holds(k: int) -> bool:
            share = Fraction(100 * k, every)  # noqa: B023
            return value <= share < value + unit if truncated else abs(share - value) <= half  # noqa: B023

        around = int(value * every / 100)
        reach = int(2 * unit * every / 100) + 2
        near = range(max(around - reach, 0), min(around + reach, every) + 1)
        found = grim.counts(grim.Figure("", digits, places), n, runs, truncated)
        assert list(found) == [k for k in near if holds(k)], (digits, places, n)


@pytest.mark.slow
@pytest.mark.parametrize("runs", [2, 3, 5, 10])
def test_means_of_runs_pass_however_they_were_rounded(runs: int) -> None:
    draw = random.Random(runs)
    for _ in range(3000):
        n, places = draw.randint(20, 400), draw.randint(0, 2)
        ks = [draw.randint(0, n) for _ in range(runs)]
        exact = Fraction(100 * sum(ks), runs * n)
        rounded = sum((Decimal(printed(k, n, places, ROUND_HALF_UP)) for k in ks), Decimal(0)) / runs
        whole = Decimal(exact.numerator) / Decimal(exact.denominator)
        for value in (whole, rounded):
            text = str(value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP))
            assert sum(ks) in grim.counts(one(text), n, runs)


def test_a_mean_of_runs_is_tested_with_twice_the_window() -> None:
    figure = one("55.36")
    assert list(grim.counts(figure, 137)) == []
    assert list(grim.counts(figure, 137, 3)) == []
    assert list(grim.counts(one("55.48"), 137, 3)) == [228]  # 55.4745: 228 of 411, once rounded 55.47, twice 55.48
    assert list(grim.counts(one("55.50"), 137, 3)) == []


class TestTables:
    def test_a_table_that_was_cut_is_a_table_that_was_cut(self) -> None:
        texts = {str(k): printed(k, 137, 2, ROUND_DOWN) for k in (11, 33, 56, 74, 75, 83)}
        verdict = grim.judge(grim.table(texts), 137)
        assert (verdict.truncated, verdict.impossible) == (True, [])
        texts["bad"] = "55.36"
        verdict = grim.judge(grim.table(texts), 137)
        assert not verdict.truncated
        assert "bad" in verdict.impossible

    def test_no_table_that_was_cut_is_called_wrong(self) -> None:
        draw = random.Random(1)
        for _ in range(1000):
            n, places = draw.randint(2, 400), draw.randint(0, 3)
            texts = {str(row): printed(draw.randint(0, n), n, places, ROUND_DOWN) for row in range(5)}
            assert grim.judge(grim.table(texts), n).impossible == []

    @pytest.mark.parametrize(
        ("text", "n", "runs", "checked"),
        [
            ("55", 99, 1, True),
            ("55", 100, 1, False),
            ("55.3", 999, 1, True),
            ("55.3", 1000, 1, False),
            ("55.36", 9960, 1, True),
            ("55.36", 9999, 1, False),
            ("55.36", 10_000, 1, False),
            ("55.36", 137, 36, True),
            ("55.36", 137, 37, False),
        ],
    )
    def test_what_can_be_checked(self, text: str, n: int, runs: int, checked: bool) -> None:
        figure = one(text)
        assert grim.checkable(figure, n, runs) is checked
        every = range(100 * 10**figure.places + 1)
        possible = all(grim.counts(grim.Figure("", digits, figure.places), n, runs) for digits in every)
        assert possible is not checked

    def test_fractions_are_fractions(self) -> None:
        figures = grim.table({"a": "0.5401", "b": "0.6058", "c": "1.0000"})
        assert [[(f.digits, f.places) for f in found] for found in figures.values()] == [
            [(5401, 2)],
            [(6058, 2)],
            [(10000, 2)],
        ]
        assert grim.judge(figures, 137).impossible == []
        assert grim.table({"a": ".5401"})["a"][0].digits == 5401
        assert grim.judge(grim.table({"a": "0.5536"}), 137).impossible == ["a"]
        assert grim.judge(grim.table({"a": ".5536"}), 137).impossible == ["a"]
        assert list(grim.counts(grim.table({"a": "0.5"})["a"][0], 10)) == [5]
        assert list(grim.counts(grim.table({"a": "0.5"})["a"][0], 20)) == [9, 10, 11]

    def test_beside_per_cents_a_small_figure_may_be_either(self) -> None:
        assert [len(found) for found in grim.table({"a": "54.01%", "b": "0.73", "c": "0.73%"}).values()] == [1, 2, 1]

    @pytest.mark.parametrize(
        ("texts", "n"), [(["50.00"], 2), (["54.01", "54.74"], 137), (["33.3", "66.7"], 3), (["50"], 2)]
    )
    def test_the_smallest_n(self, texts: list[str], n: int) -> None:
        figures = [(one(text),) for text in texts]
        assert grim.smallest(figures) == n
        assert not all(grim.counts(figure, n - 1) for (figure,) in figures)

    def test_there_may_be_no_n_small_enough(self) -> None:
        assert grim.smallest([(one("54.0145"),), (one("54.0146001"),)], most=500) is None

    @pytest.mark.parametrize(
        "text", ["", "%", ".", "-", "1e5", "54,01", "٥٤", "54.01\n", "1" * 41, "<b>", "54.", "nan"]
    )
    def test_what_is_no_figure(self, text: str) -> None:
        assert grim.readings(text, False) == ()

    @pytest.mark.parametrize(
        ("text", "possible"),
        [
            ("100", True),
            ("100.00%", True),
            ("100.01", False),
            ("-0.0", True),
            ("-0.01", False),
            ("101 %", False),
            ("0", True),
            ("+7", True),
        ],
    )
    def test_an_accuracy_lies_between_0_and_100(self, text: str, possible: bool) -> None:
        assert one(text).possible is possible
