"""How wide an interval will be, and how often a true difference is found: simulated before anything is trained.

    python -m benchmarks.precision [--replicates 2000]

Five settings under S seeds, judged on n images by the product's own analysis. Half-width: half of the 95 % interval of
a difference to the baseline, mean over tables in which all settings are equally good. Power: how often a setting that
is 4 points better is found (Holm-adjusted p at most .05, with the right sign) among four settings of which the other
three equal the baseline. Two seeds decide nothing, whatever their p.

The simulated settings have a run noise of 1 point: so far apart lie the accuracies of two seeds of a setting on endless
images, as an sd, beyond what all settings of a seed share. It is what a study's own "sd over seeds" holds beside the
noise of its images. Half-widths grow with it; see `tests.statistics.generator`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from search.statistics.families import holm
from search.statistics.guarded import GUARD_SEEDS
from tests.statistics.generator import SCENARIOS, SIZES, draw
from tests.statistics.judging import crossed, guarded

SEEDS = (2, 3, 5, 10)
SETTINGS = 5
TRUE = 0.04
NOISE = next(one for one in SCENARIOS if one.name == "1 pt")

MAX_NUMBERS_AT_ONCE = 12_000_000
"""Numbers that are drawn at once at most."""


@dataclass(frozen=True)
class Precision:
    """What a table of so many seeds and images is worth.

    Attributes:
        half_width: of the 95 % interval of a difference, a fraction.
        power: share of tables in which the true difference is found; None where seeds are too few for a verdict.
    """

    half_width: float
    power: float | None

    def __str__(self) -> str:
        found = "no verdict" if self.power is None else f"{100 * self.power:.0f} %"
        return f"± {100 * self.half_width:.1f}, {found}"


def precision(seeds: int, images: int, accuracy: float, replicates: int) -> Precision:
    """Simulate tables of five settings; the same draws whatever else is asked for."""
    rng, judged = np.random.default_rng([seeds, images]), crossed if seeds < GUARD_SEEDS else guarded
    widths = []
    for size in _parts(replicates, seeds * images):
        low, high, _ = judged(draw(rng, NOISE, size, SETTINGS, seeds, images, accuracy))
        widths.append((high - low).mean(axis=1) / 2)
    half_width = float(np.concatenate(widths).mean())
    if seeds < 3:
        return Precision(half_width, None)
    levels, found = [accuracy] * SETTINGS, 0
    levels[1] += TRUE
    for size in _parts(replicates, seeds * images):
        low, high, p = judged(draw(rng, NOISE, size, SETTINGS, seeds, images, levels))
        for row, middle in zip(p.tolist(), low[:, 0] + high[:, 0], strict=True):
            adjusted = holm(row)[0]
            found += adjusted is not None and adjusted <= 0.05 and middle > 0
    return Precision(half_width, found / replicates)


def lines(replicates: int) -> Iterator[str]:
    """Yield the table, Markdown line by line."""
    yield f"| seeds | {' | '.join(f'{n:,} images, {100 * accuracy:.0f} % right' for n, accuracy in SIZES)} |"
    yield f"|---|{'---|' * len(SIZES)}"
    for seeds in SEEDS:
        cells = (str(precision(seeds, n, accuracy, replicates)) for n, accuracy in SIZES)
        yield f"| {seeds} | {' | '.join(cells)} |"


def _parts(replicates: int, numbers: int) -> list[int]:
    """Divide replicates so that each part fits into memory."""
    most = max(1, MAX_NUMBERS_AT_ONCE // (SETTINGS * numbers))
    return [min(most, replicates - start) for start in range(0, replicates, most)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--replicates", type=int, default=2000, help="simulated tables per entry (default: 2000)")
    replicates = parser.parse_args().replicates
    began = time.monotonic()
    print("half-width in points, and power for a true difference of 4 points, Holm over 4 comparisons")
    for line in lines(replicates):
        print(line, flush=True)
    print(f"{SETTINGS} settings, run noise 1 point, {replicates:,} tables per entry; {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
