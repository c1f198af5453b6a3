"""A real study on a machine whose clock is set forth and back, as Ray's servers see it as well."""

from __future__ import annotations

import itertools
import sys
import threading
from pathlib import Path

import pytest

from search.core.trial import State
from tests.engine import moved
from tests.engine.test_run import Bench, sessions_of, wait_for
from tests.surroundings import HANG_S

pytestmark = pytest.mark.stress

OFF = ("+0", "+40d", "-3600", "-400d", "+59")
"""How far off the servers' clocks are, in turn, in libfaketime's words."""


class Moved(Bench):
    def command(self, verb: str, *words: object) -> list[str]:
        return [sys.executable, "-m", "tests.engine.moved", verb, *map(str, words), "--results", str(self.results)]

    def days(self, driver: int) -> set[str]:
        """The days of which Ray's servers speak in their logs."""
        logs = [Path(each, "logs", f"{server}.out") for each in sessions_of(driver) for server in moved.SERVERS]
        lines = [line for log in logs if log.exists() for line in log.read_text(errors="replace").splitlines()]
        return {line[1:11] for line in lines if line.startswith("[2")}


@pytest.mark.skipif(not moved.library(), reason=f"libfaketime is not installed, and {moved.LIBRARY} names none")
def test_rays_servers_do_not_mind_the_clock_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, over, bench = tmp_path / "clock", threading.Event(), Moved(tmp_path)
    clock.write_text("+0\n")

    def jump() -> None:
        for each in itertools.cycle(OFF):
            clock.write_text(f"{each}\n")
            if over.wait(0.5):
                break

    monkeypatch.setenv(moved.CLOCK, str(clock))
    traveller = threading.Thread(target=jump, daemon=True)
    traveller.start()
    try:
        bench.write({"x": {"grid": [0, 1, 2, 3]}}, 1, "tests.engine.jumpy:Jumpy", pause=1.0, log=str(bench.log))
        process = bench.start()
        wait_for(lambda: len(bench.days(process.pid)) > 2, process=process)
        assert process.wait(HANG_S) == 0, bench.err()
    finally:
        over.set()
        traveller.join()
        for each in bench.started:
            bench.end(each)
    assert bench.err() == ""
    assert "starting it again" not in bench.out()
    assert [(trial.state, trial.attempts) for trial in bench.trials()] == [(State.FINISHED, 1)] * 4
    assert len(bench.trained()) == 4 * 5, "nothing was trained twice"
