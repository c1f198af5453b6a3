"""Two thousand short trials with few file descriptors: none runs out, and the driver does not grow with them."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

import psutil
import pytest

from tests.engine.test_run import Bench

pytestmark = pytest.mark.stress

TRIALS, EARLY = 2_000, 500
DESCRIPTORS = 256
GROWTH = 20e6
"""Bytes the driver may have more after 2,000 trials than after 500: 13 kB for each."""

LIMIT = 1500
"""Seconds; on free cores it takes a tenth."""


class Frugal(Bench):
    def command(self, verb: str, *words: object) -> list[str]:
        """Everything that the command starts has so few file descriptors, Ray included."""
        return ["bash", "-c", f'ulimit -n {DESCRIPTORS} && exec "$@"', "-", *super().command(verb, *words)]

    def ended(self) -> int:
        """Trials that ended, without a ledger of one's own: it would be asked hundreds of times."""
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.results}/search.db?mode=ro", uri=True)) as connection:
                return int(connection.execute("SELECT count(*) FROM trial WHERE state = 'finished'").fetchone()[0])
        except sqlite3.Error:
            return 0


def test_two_thousand_trials_with_256_descriptors(tmp_path: Path) -> None:
    made = Frugal(tmp_path, "many")
    rates = [round(0.001 * (1 + number), 6) for number in range(TRIALS // 20)]
    made.write({"degree": {"grid": list(range(20))}, "lr": {"grid": rates}}, 1, "tests.contracts.toy:SineFit", epochs=2)
    process = made.start()
    driver = psutil.Process(process.pid)
    sizes: dict[int, int] = {}  # trials that ended -> bytes of the driver
    open_files = 0
    began = time.monotonic()
    try:
        while process.poll() is None:
            assert time.monotonic() - began < LIMIT, f"{made.ended()} trials after {LIMIT} s"
            with contextlib.suppress(psutil.Error):
                sizes[made.ended()] = driver.memory_info().rss
                open_files = max(open_files, driver.num_fds())
            time.sleep(0.5)
    finally:
        made.end(process)
    assert (process.returncode, made.err()) == (0, "")
    assert made.ended() == len(made.trials()) == TRIALS
    early, late = (max(size for count, size in sizes.items() if low <= count <= high) for low, high in BANDS)
    print(f"\n{time.monotonic() - began:.0f} s; at most {open_files} descriptors in the driver")
    for count in sorted(sizes):
        if count % 250 < 20:
            print(f"{count:5} trials: {sizes[count] / 1e6:.1f} MB")
    print(f"{early / 1e6:.1f} MB at {EARLY} trials, {late / 1e6:.1f} MB at {TRIALS}")
    assert late - early < GROWTH
    assert open_files < DESCRIPTORS


BANDS = ((EARLY - 100, EARLY + 50), (TRIALS - 150, TRIALS - 1))
"""Trials behind which the driver is measured: the report that follows the last one is not part of it."""
