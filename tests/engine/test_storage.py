"""Real studies whose storage is taken away while they run: the same bits afterwards, and nothing acknowledged is lost.

Each is compared with the same study left alone.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from search.core.trial import State
from search.ledger.ledger import Ledger
from search.ledger.urls import sqlite_url
from tests.engine.test_run import ROOT, Bench, gone, kin, wait_for, without
from tests.postgres import Server, binaries, running
from tests.surroundings import HANG_S

pytestmark = pytest.mark.stress

GRID = {"x": {"grid": [0, 1, 2, 3]}, "act": {"grid": ["train", "diverge"]}}
SAME = ("trial", "seed", "x", "act", "state", "ended_by", "epochs", "best_epoch", "val_loss")
PATIENCE = 120
"""Seconds that anything may take; on free cores it takes a few."""

GOES_ON = "; what is committed stays, and the same command goes on\n"


class Stored(Bench):
    """A study of eight trials of five short epochs, on whatever storage."""

    storage = ""

    def put(self, pause: float = 0.4) -> Path:
        return self.write(GRID, pause=pause, at=4)

    def command(self, verb: str, *words: object) -> list[str]:
        return [*super().command(verb, *words), *(["--storage", self.storage] if self.storage else [])]

    def run(self, verb: str = "run", *words: object) -> subprocess.CompletedProcess[str]:
        process = self.start(verb, *words)
        try:
            process.wait(3 * PATIENCE)
        finally:
            self.end(process)
        return subprocess.CompletedProcess(process.args, process.returncode, self.out(), self.err())

    def ledger(self) -> Ledger:
        return Ledger(self.storage or str(self.results / "search.db"))

    def keys(self) -> set[str]:
        """Keys of the rows on record."""
        ledger = self.ledger()
        try:
            paths = ledger.paths(ledger.study(self.name).id)
            return set(ledger.rows([key for path, _ in paths.values() for key in path]))
        finally:
            ledger.close()

    def kinds(self, *kinds: str) -> list[tuple[int | None, int | None]]:
        ledger = self.ledger()
        try:
            return [(entry.trial, entry.epoch) for entry in ledger.decisions(ledger.study(self.name).id, kinds)]
        finally:
            ledger.close()

    def begun(self) -> int:
        return len(self.trained())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[[str], Stored]]:
    made: list[Stored] = []

    def make(name: str, folder: Path | None = None) -> Stored:
        made.append(Stored((folder or tmp_path) / name))
        return made[-1]

    yield make
    for each in made:
        for process in each.started:
            each.end(process)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """The same study left alone."""
    made = Stored(tmp_path_factory.mktemp("alone"))
    made.put(pause=0)
    done = made.run()
    assert done.returncode == 0, done.stderr
    return made


def same_bits(made: Stored, alone: Stored) -> None:
    assert without(made.table("epochs.csv"), "seconds", "reused") == without(
        alone.table("epochs.csv"), "seconds", "reused"
    )
    assert [[row[name] for name in SAME] for row in made.table("trials.csv")] == [
        [row[name] for name in SAME] for row in alone.table("trials.csv")
    ]
    assert made.kinds("alarm") == []


def ended(made: Stored, process: subprocess.Popen[str], code: int = 0, seconds: float = 2 * PATIENCE) -> None:
    assert process.wait(seconds) == code, made.out() + made.err()


# The database ---------------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[Server]:
    if binaries() is None:
        pytest.skip("no PostgreSQL is installed: none can be stopped and started again")
    with running() as found:
        yield found


def test_a_server_is_stopped_for_ten_seconds_and_crashes_once(
    bench: Callable[[str], Stored], alone: Stored, server: Server
) -> None:
    made = bench("postgres")
    made.storage = server.url
    made.put()
    process = made.start()
    wait_for(lambda: made.begun() >= 4, PATIENCE, process)
    committed = made.keys()
    server.stop()
    time.sleep(10)
    server.start()
    wait_for(lambda: "going on from what is committed" in made.out(), PATIENCE, process)
    assert committed <= made.keys()
    begun = made.begun()
    wait_for(lambda: made.begun() >= begun + 4, PATIENCE, process)
    server.stop("immediate")
    time.sleep(1)
    server.start()
    ended(made, process)
    out = made.out()
    assert out.count("waiting up to 10 min for it") == out.count("the database answers again after ") == 2, out
    assert made.err() == ""
    same_bits(made, alone)
    again = made.begun() - alone.begun()
    print(f"{again} epochs were begun again")
    assert again <= 2 * 2 * 5, "at most the chains that were being trained, once for each outage"


def test_a_server_that_stays_away(bench: Callable[[str], Stored], alone: Stored, server: Server) -> None:
    """The person ends the waiting; the same command goes on when the server is back."""
    made = bench("away")
    made.storage = server.url
    made.put()
    process = made.start()
    wait_for(lambda: made.begun() >= 4, PATIENCE, process)
    family = kin(process)
    server.stop()
    wait_for(lambda: "waiting up to 10 min for it" in made.out(), PATIENCE, process)
    process.send_signal(2)
    ended(made, process, 130, 60)
    assert made.err().strip() == "interrupted; give the same command again to go on"
    wait_for(lambda: gone(family), PATIENCE)
    refused = made.run()
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"storage '{server.url}': connection failed: ")
    server.start()
    assert made.run().returncode == 0
    same_bits(made, alone)


def test_a_file_is_locked_by_another_process_for_twenty_seconds(bench: Callable[[str], Stored], alone: Stored) -> None:
    made = bench("locked")
    made.put()
    process = made.start()
    wait_for(lambda: made.begun() >= 4, PATIENCE, process)
    with contextlib.closing(sqlite3.connect(made.results / "search.db", isolation_level=None)) as other:
        other.execute("PRAGMA busy_timeout = 10000")
        other.execute("BEGIN EXCLUSIVE")
        begun = made.begun()
        time.sleep(20)
        assert made.begun() <= begun + 2 * 2, "no epoch is trained while the one before is not committed"
        other.execute("ROLLBACK")
    ended(made, process)
    assert made.err() == ""
    same_bits(made, alone)
    assert len(made.trained()) == len(alone.trained()), "nothing was trained twice"


# The mirror -----------------------------------------------------------------------------------------------------


@contextmanager
def dashboard(made: Stored) -> Iterator[str]:
    """Optuna's own dashboard over the mirror, with all that its API lets one do."""
    code = (
        "import sys; from optuna_dashboard import wsgi; from optuna.storages import RDBStorage\n"
        "from wsgiref.simple_server import make_server\n"
        "server = make_server('127.0.0.1', 0, wsgi(RDBStorage(sys.argv[1])))\n"
        "print(server.server_port, flush=True); server.serve_forever()"
    )
    command = [made.command("run")[0], "-c", code, sqlite_url(made.results / "optuna.db")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT)
    try:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/api"
    finally:
        process.kill()
        process.communicate()


def ask(method: str, address: str, content: Any = None) -> Any:
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=HANG_S) as answer:
        text = answer.read()
    return json.loads(text) if text.strip() else None


def test_the_mirror_is_deleted_told_and_locked_through_the_dashboard(
    bench: Callable[[str], Stored], alone: Stored
) -> None:
    made = bench("mirrored")
    hold = Path(f"{made.log}.hold")
    made.write(GRID, workload="tests.engine.workloads:Held", pause=2.5, at=4, log=str(made.log))
    made.results.mkdir()
    hold.touch()  # the study goes on for as long as there is something to be done to its mirror
    with dashboard(made) as api:
        process = made.start()

        def listed() -> Any:
            with contextlib.suppress(Exception):
                return ask("GET", f"{api}/studies")["study_summaries"]

        def trials() -> Any:
            with contextlib.suppress(Exception):
                (one,) = listed()
                return ask("GET", f"{api}/studies/{one['study_id']}")["trials"]

        def running() -> Any:
            return [trial["trial_id"] for trial in trials() or () if trial["state"] == "Running"]

        wait_for(made.begun, PATIENCE, process)
        told, *_ = wait_for(running, PATIENCE, process)
        ask("POST", f"{api}/trials/{told}/tell", {"state": "Complete", "values": [-1.0]})
        hold.unlink()  # it is noticed when that trial comes to its own end
        wait_for(lambda: "the Optuna mirror was deleted or edited by somebody else" in made.out(), PATIENCE, process)
        hold.touch()
        found = wait_for(trials, PATIENCE, process)
        assert -1.0 not in [value for trial in found for value in trial.get("values") or []]
        (one,) = wait_for(listed, PATIENCE, process)
        ask("DELETE", f"{api}/studies/{one['study_id']}")
        wait_for(trials, PATIENCE, process)
        (made.results / "optuna.db").unlink()
        wait_for((made.results / "optuna.db").exists, PATIENCE, process)
    with contextlib.closing(sqlite3.connect(made.results / "optuna.db", isolation_level=None)) as other:
        other.execute("PRAGMA busy_timeout = 20000")
        other.execute("BEGIN EXCLUSIVE")
        hold.unlink()
        time.sleep(15)  # the mirror waits for 10
        hold.touch()
        other.execute("ROLLBACK")
    hold.unlink()
    ended(made, process)
    out = made.out()
    assert made.err() == ""
    assert out.count("it is written anew from the ledger") == 1, "said once"
    assert out.count("cannot be brought up now (") == 1, "said once"
    same_bits(made, alone)
    assert len(made.trained()) == len(alone.trained())
    mirrored = made.optuna().trials
    assert [trial.number for trial in mirrored] == list(range(8))
    assert [trial.value for trial in mirrored] == [trial.value for trial in alone.optuna().trials]


# The disk -------------------------------------------------------------------------------------------------------


@contextmanager
def disk(place: Path, megabytes: int) -> Iterator[Path]:
    """A disk of so many megabytes, mounted at a folder."""
    place.mkdir(parents=True)
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk of its own can be mounted here: {getattr(error, 'stderr', error)!r}")
    try:
        yield place
    finally:
        while place.is_mount():
            subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    """Take all room there is on a disk; return the file that has it."""
    ballast = place / "ballast"
    with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def test_the_disk_of_the_states_is_full(bench: Callable[..., Stored], tmp_path: Path, alone: Stored) -> None:
    made = bench("states")
    made.put(pause=0.1)
    with disk(made.results / "states", 1):
        fill(made.results / "states")
        done = made.run()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("states cannot be kept (OSError: [Errno 28] No space left on device)") == 1
    same_bits(made, alone)


def test_the_disk_of_the_rows_is_full(bench: Callable[..., Stored], tmp_path: Path, alone: Stored) -> None:
    made = bench("rows")
    made.put()
    with disk(made.results, 8):
        process = made.start()
        wait_for(lambda: made.begun() >= 6, PATIENCE, process)
        committed, family = made.keys(), kin(process)
        ballast = fill(made.results)
        ended(made, process, 1)
        err = made.err()
        assert err.startswith(f"storage '{made.results}/search.db': database or disk is full; 0.0 MB are free on "), err
        assert err.endswith(f"(mounted at {made.results}): make room{GOES_ON}")
        assert "Traceback" not in err
        wait_for(lambda: gone(family), PATIENCE)
        again = made.run()
        assert again.returncode == 1
        assert "Traceback" not in again.stderr
        assert " (mounted at " in again.stderr or "No space left on device" in again.stderr
        ballast.unlink()
        assert committed <= made.keys()
        done = made.run()
        assert (done.returncode, done.stderr) == (0, "")
        assert committed <= made.keys()
        same_bits(made, alone)


def test_the_disk_of_the_report_is_full(bench: Callable[..., Stored], tmp_path: Path, alone: Stored) -> None:
    made = bench("report")
    shutil.copytree(alone.results, made.results)
    folder = made.results / "toy"
    shutil.rmtree(folder)
    with disk(folder, 8):
        assert made.run("report", "toy").returncode == 0
        before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        assert "report.html" in before
        ballast = fill(folder)
        done = made.run("report", "toy")
        assert done.returncode == 1
        assert done.stderr.startswith(f"{folder}/")
        assert "cannot be written: No space left on device; " in done.stderr
        assert "Traceback" not in done.stderr
        ballast.unlink()
        assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_the_results_become_read_only(bench: Callable[..., Stored], alone: Stored) -> None:
    """What is open already can be written to its end; states, mirror and report cannot, and each says so."""
    made = bench("sealed")
    made.put()
    with disk(made.results, 16):
        process = made.start()
        wait_for(lambda: made.begun() >= 6, PATIENCE, process)
        committed = made.keys()
        # The disk itself is busy; a second mount over it is what everything opened from now on goes through.
        subprocess.run(["mount", "--bind", str(made.results), str(made.results)], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", str(made.results)], check=True)
        ended(made, process, 1)
        assert "Read-only file system; " in made.err() or "readonly" in made.err(), made.err()
        assert "Traceback" not in made.err()
        refused = made.run()
        assert refused.returncode == 1
        assert "Traceback" not in refused.stderr
        assert refused.stderr.startswith((f"storage '{made.results}/", f"{made.results}/search.db.")), refused.stderr
        subprocess.run(["umount", "-l", str(made.results)], check=True)
        assert committed <= made.keys()
        assert made.run().returncode == 0
        same_bits(made, alone)


def test_the_results_vanish(bench: Callable[..., Stored], alone: Stored) -> None:
    """What was moved away is put back: everything that was committed before it vanished is there."""
    made = bench("vanished")
    made.put()
    process = made.start()
    wait_for(lambda: made.begun() >= 6, PATIENCE, process)
    made.results.rename(made.folder / "elsewhere")
    ended(made, process, 1)
    assert made.err() == (
        f"storage '{made.results}/search.db': the file was removed, or another one lies in its place; "
        f"put it back if there is a copy of it{GOES_ON}"
    )
    assert not made.results.exists(), "nobody makes it anew"
    (made.folder / "elsewhere").rename(made.results)
    committed = made.keys()
    assert committed
    assert made.run().returncode == 0
    assert committed <= made.keys()
    same_bits(made, alone)
    assert {trial.state for trial in made.trials()} == {State.FINISHED, State.DIVERGED}
