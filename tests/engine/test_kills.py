"""kill -9, again and again: the same command ends with the bits of a study that was left alone.

Which moments are hit is drawn anew each time; the seed is printed and can be given as TEST_KILLS_SEED.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import psutil
import pytest

from search.ledger.ledger import Ledger
from tests.engine.doomed import DOOM, MOMENTS
from tests.engine.hasty import ROLLING
from tests.engine.sharing import Shared, ends
from tests.engine.test_run import kin
from tests.engine.workloads import COUNTED, PAUSE
from tests.surroundings import HANG_S

pytestmark = pytest.mark.stress

KILLS = 20
"""How often the driver is killed; workers besides."""

STUDY: dict[str, Any] = {
    "loss.gamma": {"grid": [0, 2]},
    "decay": {
        "grid": {
            "none": {},
            "step": {"decay.name": "step", "decay.start": 9, "decay.every": 7},
            "exponential": {"decay.name": "exponential", "decay.start": 21},
        }
    },
    "stop.alpha": {"grid": [25, None]},
}


class Killed(Shared):
    program = "tests.engine.hasty"

    def command(self, verb: str, *words: object) -> list[str]:
        return [sys.executable, "-m", self.program, verb, *map(str, words), "--results", str(self.results)]

    def workers(self, driver: psutil.Process) -> list[psutil.Process]:
        """Processes that train for a driver, those that are still starting among them."""
        found = []
        for child in driver.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if "ray::" in " ".join(child.cmdline()):
                    found.append(child)
        return found


def test_twenty_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = int(os.environ.get("TEST_KILLS_SEED", time.time_ns() % 10**6))
    print(f"\nseed {seed}")
    rng = random.Random(seed)
    killed, alone = Killed(tmp_path / "killed", "study"), Shared(tmp_path / "alone", "study")
    path = killed.put(STUDY, epochs=40)
    alone.put(STUDY, epochs=40)
    monkeypatch.setenv(COUNTED, str(killed.log))
    monkeypatch.setenv(PAUSE, "0.5")
    hits: list[str] = []
    try:
        while hits.count("driver") < KILLS:
            before = len(killed.lines())
            process = killed.start("run", path)
            driver = psutil.Process(process.pid)
            # Mostly while it trains, now and then while it starts.
            starting = rng.random() < 0.2
            until = time.monotonic() + HANG_S
            while process.poll() is None and len(killed.lines()) == before and not starting:
                assert time.monotonic() < until, killed.err()
                time.sleep(0.05)
            time.sleep(rng.uniform(0, 3))
            if process.poll() is not None:
                assert process.returncode == 0, killed.err()
                break  # all is trained
            family = kin(process)
            if rng.random() < 0.4 and (workers := killed.workers(driver)):
                rng.choice(workers).send_signal(signal.SIGKILL)
                hits.append("worker")
                time.sleep(rng.uniform(0, 4))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                hits.append("driver")
            process.wait()
            for each in family:  # its own would need seconds to notice, and train on meanwhile
                with contextlib.suppress(psutil.Error):
                    if "guard.py" not in " ".join(each.cmdline()):
                        each.kill()
        done = killed.run("run", path)
        assert done.returncode == 0, done.stderr
        monkeypatch.setenv(PAUSE, "0")
        done = alone.run("run")
        assert done.returncode == 0, done.stderr
    finally:
        for bench in (killed, alone):
            for process in bench.started:
                bench.end(process)
    print(f"{len(hits)} hits: {', '.join(hits)}")
    assert hits.count("driver") >= KILLS, "the study was over before; make its epochs longer"
    assert ends(killed.trials()) == ends(alone.trials())
    assert killed.curves() == alone.curves()
    assert killed.log_of("alarm") == []
    lines, distinct = killed.lines(), killed.distinct()
    assert set(lines) == set(alone.lines())
    lost = lost_seconds(killed)
    print(f"{distinct} distinct epochs, {len(lines)} begun, {len(killed.log_of('retrained'))} rows trained again; ")
    print(f"at most {max(lost, default=0):.2f} s of rows trained again by one lease, {sum(lost):.1f} s in all")
    assert max(lost, default=0) < ROLLING, "more than the rolling state's stretch"
    begun_in_vain = len(lines) - distinct - len(killed.log_of("retrained"))
    assert begun_in_vain <= 2 * len(hits), "at most one epoch of each worker was under way when it was hit"


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_a_commit(moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly between the state on disk and its row in the database, and on either side of it, three times over."""
    killed, alone = Killed(tmp_path / "killed", "study"), Shared(tmp_path / "alone", "study")
    killed.program = "tests.engine.doomed"
    path = killed.put(STUDY, epochs=12)
    alone.put(STUDY, epochs=12)
    monkeypatch.setenv(PAUSE, "0.2")
    try:
        for number in (1, 3, 2):
            monkeypatch.setenv(DOOM, f"{moment} {number}")
            done = killed.run("run", path)
            assert done.returncode == -signal.SIGKILL, done.stderr
        monkeypatch.delenv(DOOM)
        done = killed.run("run", path)
        assert done.returncode == 0, done.stderr
        monkeypatch.setenv(PAUSE, "0")
        done = alone.run("run")
        assert done.returncode == 0, done.stderr
    finally:
        for bench in (killed, alone):
            for process in bench.started:
                bench.end(process)
    assert ends(killed.trials()) == ends(alone.trials())
    assert killed.curves() == alone.curves()
    assert killed.log_of("alarm") == []
    assert set(killed.lines()) == set(alone.lines())


def lost_seconds(bench: Shared) -> list[float]:
    """Seconds that the rows took that leases trained again, for each lease that did."""
    ledger = Ledger(str(bench.results / "search.db"))
    try:
        lost: dict[int, float] = defaultdict(float)
        lease_of: dict[int, int] = {}
        for entry in ledger.decisions(ledger.study(bench.name).id, ["lease", "retrained"]):
            assert entry.trial is not None
            if entry.kind == "lease":
                lease_of[entry.trial] = entry.seq
            else:
                assert entry.key is not None
                lost[lease_of[entry.trial]] += ledger.rows([entry.key])[entry.key].seconds
        return list(lost.values())
    finally:
        ledger.close()
