"""However a driver ends, its Ray session's processes and folder go; on processes that pretend to be Ray's."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from search.engine.executor.guard import members_of
from tests.engine.test_run import gone, wait_for
from tests.surroundings import HANG_S

pytestmark = pytest.mark.slow

DRIVER = """
import os, signal, subprocess, sys, time
from pathlib import Path
from search.engine.executor.guard import guard
folder, end = Path(sys.argv[1]), sys.argv[2]
with guard(str(folder)) as told:
    (folder / "logs").mkdir(parents=True)
    stay = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)"
    named = subprocess.Popen([sys.executable, "-c", stay, f"--session-dir={folder}"])
    with open(folder / "logs" / "agent.log", "w") as log:
        writes = subprocess.Popen([sys.executable, "-c", stay], stdout=log)
    reader = subprocess.Popen([sys.executable, "-c", stay, str(folder)], start_new_session=True)
    other = subprocess.Popen([sys.executable, "-c", stay])
    told.starting(1000.0, "it did not start")
    if end != "starting":
        told.started()
    print(named.pid, writes.pid, reader.pid, other.pid, folder, flush=True)
    if end != "leaves":
        time.sleep(1000)
print("left", flush=True)
time.sleep(1000)
"""


@dataclass
class Driver:
    """A driver that pretends; its children pretend to be a helper of Ray's, a worker, and two that are neither."""

    end: str
    process: subprocess.Popen[str]
    folder: Path
    named: psutil.Process
    writes: psutil.Process
    reader: psutil.Process
    other: psutil.Process
    watching: psutil.Process


@pytest.fixture(scope="module")
def drivers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Driver]]:
    """All at once, for each takes seconds: killed with its Ray started, killed in its start, and well and alive but
    done with Ray."""
    made: dict[str, Driver] = {}
    for end in ("killed", "starting", "leaves"):
        place = tmp_path_factory.mktemp(end) / f"search-{end:_<8}"
        process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(place), end],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        *pids, folder = process.stdout.readline().rstrip("\n").split(" ", 4)
        family = [psutil.Process(int(pid)) for pid in pids]
        (watching,) = [each for each in psutil.Process(process.pid).children() if "guard.py" in str(each.cmdline())]
        made[end] = Driver(end, process, Path(folder), *family, watching)
    try:
        for driver in made.values():
            assert {driver.named.pid, driver.writes.pid} <= members_of(str(driver.folder))
            assert driver.other.pid not in members_of(str(driver.folder))
            if driver.end != "leaves":
                assert driver.watching.is_running()
                driver.process.send_signal(signal.SIGKILL)
                driver.process.wait()
        yield made
    finally:
        for driver in made.values():
            for each in (driver.named, driver.writes, driver.reader, driver.other, driver.watching):
                with contextlib.suppress(psutil.Error):
                    each.kill()
            driver.process.kill()
            driver.process.communicate()


@pytest.mark.parametrize("end", ["killed", "starting", "leaves"])
def test_nothing_is_left(end: str, drivers: dict[str, Driver]) -> None:
    driver = drivers[end]
    wait_for(lambda: gone([driver.named, driver.writes, driver.watching]) and not driver.folder.exists())
    assert driver.reader.is_running(), "whoever reads its logs elsewhere is no part of it"
    assert driver.other.is_running(), "nor is another process of the same terminal"
    assert driver.process.poll() == (None if end == "leaves" else -signal.SIGKILL)


def test_a_guard_that_was_killed_hurts_nobody() -> None:
    code = (
        "import os, subprocess, sys; from search.engine.executor.guard import guard\n"
        "with guard('/nowhere') as told:\n"
        "    import psutil; [each.kill() for each in psutil.Process().children()]\n"
        "    psutil.wait_procs(psutil.Process().children(), 600); told.starting(900, 'x'); told.started()\n"
        "print('done')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=HANG_S)
    assert (done.stdout, done.stderr) == ("done\n", "")


STARTS = """
import ctypes, sys
from search.engine.executor.guard import guard
with guard(sys.argv[1]) as told:
    told.starting(1.0, "Ray did not start within a second")
    if sys.argv[2]:
        ctypes.PyDLL(None).sleep(300)  # never lets go of Python's lock
    told.started()
    ctypes.PyDLL(None).sleep(2)
print("done")
"""


@pytest.mark.parametrize(
    ("hangs", "code", "out", "err"),
    [
        ("hangs", 1, "", "Ray did not start within a second\n"),
        ("", 0, "done\n", ""),  # it starts in time, and goes on for longer than a start may take
    ],
)
def test_a_start_that_hangs_in_native_code_ends_with_a_sentence(
    hangs: str, code: int, out: str, err: str, tmp_path: Path
) -> None:
    folder = tmp_path / "search-12345678"
    folder.mkdir()
    command = [sys.executable, "-c", STARTS, str(folder), hangs]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_S)
    assert (done.returncode, done.stdout, done.stderr) == (code, out, err)
    wait_for(lambda: not folder.exists(), 60)
