"""The table of docs/reference/benchmarks.md, how many seeds are worth what, is the one that is simulated."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.precision import SEEDS, Precision, precision
from tests.statistics.generator import SIZES

PAGE = (Path(__file__).parents[2] / "docs/reference/benchmarks.md").read_text()
ENTRY = re.compile(r"± ([\d.]+), (?:(\d+) %|no verdict)")


def table() -> dict[tuple[int, int], tuple[float, float | None]]:
    """Return (seeds, images) -> half-width in points and power in per cent, as the page has them."""
    found = {}
    for line in PAGE.splitlines():
        if (row := re.match(r"\| (\d+) \| ±", line)) is None:
            continue
        entries = ENTRY.findall(line)
        assert len(entries) == len(SIZES), line
        for (images, _), (half, power) in zip(SIZES, entries, strict=True):
            found[int(row[1]), images] = float(half), float(power) if power else None
    return found


def test_the_table_is_whole() -> None:
    found = table()
    assert set(found) == {(seeds, images) for seeds in SEEDS for images, _ in SIZES}
    for seeds in SEEDS[1:]:
        for images, _ in SIZES:
            more, fewer = found[seeds, images], found[SEEDS[SEEDS.index(seeds) - 1], images]
            assert more[0] < fewer[0]


@pytest.mark.parametrize(("images", "accuracy"), SIZES[:2])
@pytest.mark.parametrize("seeds", SEEDS[:3])
def test_a_smaller_simulation_gives_the_same(seeds: int, images: int, accuracy: float) -> None:
    """Half-widths to 5 % beside the rounding of the page, power to 4 of its standard errors at 200 tables."""
    half, power = table()[seeds, images]
    found = precision(seeds, images, accuracy, 200)
    assert 100 * found.half_width == pytest.approx(half, abs=0.05 * half + 0.05)
    assert (found.power is None) is (power is None)
    if power is not None and found.power is not None:
        assert found.power == pytest.approx(power / 100, abs=4 * (power / 100 * (1 - power / 100) / 200) ** 0.5 + 0.01)


def test_an_entry_reads_like_the_page() -> None:
    assert ENTRY.fullmatch(str(Precision(0.0612, 0.084)))
    assert str(Precision(0.0612, 0.084)) == "± 6.1, 8 %"
    assert str(Precision(0.093, None)) == "± 9.3, no verdict"
