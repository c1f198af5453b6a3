"""A server as people start it: it and its commands are killed, and studies come out as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from search.api import load_space, run
from search.core.errors import UserError
from search.ledger.ledger import Ledger
from search.service.client import Client, files_of
from search.service.folder import lives
from tests.surroundings import HANG_S, ROOT

DOCUMENT = {
    "name": "sine",
    "workload": "tests.contracts.toy:SineFit",
    "fixed": {"epochs": 60, "lr": 0.1},
    "space": {"degree": {"grid": [0, 2, 5]}},
    "seeds": [0, 1, 2],
    "search": {"objective": {"metric": "val_loss", "direction": "minimize"}},
}
STUDY_TIMEOUT_S = 180.0
IMPORTED = """
import os, pathlib
with pathlib.Path(__file__).with_name("imported").open("a") as file:
    file.write(f"{os.getpid()}\\n")
from tests.contracts.toy import SineFit
"""


class Running:
    """A server in a process of its own."""

    def __init__(self, results: Path, *options: str, cwd: Path = ROOT) -> None:
        self.results, self.options, self.cwd = results, options, cwd
        self.start()

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "search",
            "serve",
            "--port",
            "0",
            "--results",
            str(self.results),
            *self.options,
        ]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
        self.process = subprocess.Popen(command, cwd=self.cwd, env=environment, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        said = re.search(r"at (http://127\.0\.0\.1:\d+) ", self.process.stdout.readline())
        assert said is not None
        self.client = Client(said[1])

    def end(self, number: int = signal.SIGKILL) -> int:
        self.process.send_signal(number)
        code = self.process.wait(HANG_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def entry(self, number: int) -> dict[str, Any]:
        return self.client.ask("GET", f"/entries/{number}")

    def submit(self, **changes: object) -> int:
        body = {"text": json.dumps({**DOCUMENT, **changes}), "name": "sine"}
        return int(self.client.ask("POST", "/entries", body)["id"])

    def wait(self, number: int, what: Any) -> dict[str, Any]:
        until = time.monotonic() + STUDY_TIMEOUT_S
        while not what(found := self.entry(number)):
            assert time.monotonic() < until, found
            time.sleep(0.1)
        return found


def ended(found: dict[str, Any]) -> bool:
    return found["phase"] == "ended"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path / "results", "--allow-code")
    yield made
    if made.process.poll() is None:
        made.end(signal.SIGTERM)


def rows(results: Path, name: str = "sine") -> dict[tuple[Any, ...], list[str]]:
    """Return what is on record of each trial: its metrics to the last digit, epoch by epoch."""
    ledger = Ledger(str(results / "search.db"))
    study = ledger.study(name)
    trials, paths = ledger.trials(study.id), ledger.paths(study.id)
    found = {}
    for trial in trials:
        recorded = ledger.rows(paths[trial.number][0])
        metrics = [recorded[key].row.metrics for key in paths[trial.number][0]]
        found[(*trial.parameters.items(), trial.seed, trial.state)] = [repr(sorted(row.items())) for row in metrics]
    ledger.close()
    return found


@pytest.mark.slow
def test_killed_with_its_command_it_comes_back_to_the_same_queue_and_bits(server: Running, tmp_path: Path) -> None:
    other = {"name": "other", "fixed": {"epochs": 2000, "lr": 0.2}, "seeds": [0]}
    first, second = server.submit(), server.submit(**other)
    server.wait(first, lambda found: found["live"].get("trials_ended"))
    assert server.end() == -signal.SIGKILL
    assert lives(server.results / "queue" / str(first)), "its command goes on without it"
    server.start()
    assert server.entry(first)["phase"] in ("running", "ended")
    output = (server.results / "queue" / str(first) / "output.txt").read_text()
    assert output.count("UTC: started") == 1, "it is adopted, and not started again"
    found = server.wait(first, ended)
    assert (found["outcome"], found["study"]) == ("done", "sine")
    server.wait(second, lambda found: found["live"].get("epochs_trained") or ended(found))
    (pid,) = children(server.results / "queue" / str(second))
    server.end()
    os.kill(pid, signal.SIGKILL)  # the machine went down
    server.start()
    assert server.wait(second, ended)["outcome"] == "done"
    done = [act["what"] for act in reversed(server.entry(second)["actions"])]
    assert done == ["submit", "start", "found dead", "restart", "end"]
    run(load_space({**DOCUMENT, **other}), results=tmp_path / "undisturbed")
    assert rows(server.results, "other") == rows(tmp_path / "undisturbed", "other")
    with pytest.raises(UserError, match="no server answers at"):
        Client("http://127.0.0.1:1").ask("GET", "/entries")


def children(folder: Path) -> list[int]:
    """Return the processes of `run` that write to the output of an entry."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "fd/1").resolve() == folder / "output.txt" and b"\0run\0" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.stress
def test_twenty_kills_of_the_server_and_of_its_commands(tmp_path: Path) -> None:
    """No entry is lost, none runs beside itself, and every study has the bits of one that was left alone."""
    chance = random.Random(7)
    documents = [{"name": f"study {place}", "fixed": {"epochs": 1500, "lr": 0.1 + place / 100}} for place in range(4)]
    server = Running(tmp_path / "results", "--allow-code", "--slots", "2")
    numbers = [server.submit(**document) for document in documents]
    for _ in range(20):
        time.sleep(chance.uniform(0.2, 4.0))
        pids = [pid for number in numbers for pid in children(server.results / "queue" / str(number))]
        assert len(pids) <= 2, "more than there are slots"
        if chance.random() < 0.5 or not pids:
            server.end()
            if pids and chance.random() < 0.5:
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(pids), signal.SIGKILL)
            server.start()
        else:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(pids), signal.SIGKILL)
    for number in numbers:
        if server.wait(number, ended)["outcome"] == "broken":  # it was killed too often to come anywhere
            server.client.ask("POST", f"/entries/{number}/again", {})
        assert server.wait(number, ended)["outcome"] == "done"
    server.end(signal.SIGTERM)
    for document in documents:
        run(load_space({**DOCUMENT, **document}), results=tmp_path / "undisturbed")
        name = str(document["name"])
        assert rows(server.results, name) == rows(tmp_path / "undisturbed", name)


LOCKS = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
"""


@pytest.mark.stress
def test_a_database_that_is_locked_for_half_a_minute_loses_nothing(server: Running, tmp_path: Path) -> None:
    documents = [{"name": name, "fixed": {"epochs": 3000, "lr": 0.1}} for name in ("first", "second")]
    first = server.submit(**documents[0])
    server.wait(first, lambda found: found["live"].get("epochs_trained"))
    command = [sys.executable, "-c", LOCKS, str(server.results / "search.db"), "30"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as locker:
        assert locker.stdout is not None
        assert locker.stdout.readline() == "locked\n"
        second = server.submit(**documents[1])  # waits until there is room for it
        assert server.entry(first)["phase"] == "running"
    assert [server.wait(number, ended)["outcome"] for number in (first, second)] == ["done", "done"]
    assert [act["what"] for act in reversed(server.entry(first)["actions"])] == ["submit", "start", "end"]
    for document in documents:
        run(load_space({**DOCUMENT, **document}), results=tmp_path / "undisturbed")
        name = str(document["name"])
        assert rows(server.results, name) == rows(tmp_path / "undisturbed", name)


@pytest.mark.slow
def test_stop_go_on_and_more_seeds(server: Running) -> None:
    number = server.submit(fixed={"epochs": 20_000, "lr": 0.1})
    server.wait(number, lambda found: found["live"].get("epochs_trained"))
    server.client.ask("POST", f"/entries/{number}/stop", {})
    found = server.wait(number, ended)
    assert (found["outcome"], "the same command goes on" in found["said"]) == ("stopped", True)
    again = server.submit()
    assert server.wait(again, ended)["outcome"] == "done"
    more = server.client.ask("POST", "/studies/sine%20(rev%202)/seeds", {"count": 1})
    found = server.wait(more["id"], ended)
    assert (found["outcome"], found["study"]) == ("done", "sine (rev 2)")
    assert sorted({seed for *_, seed, _ in rows(server.results, "sine (rev 2)")}) == [0, 1, 2, 3]


@pytest.mark.slow
def test_code_is_taken_where_it_is_allowed_and_never_by_the_server_itself(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(IMPORTED)
    document = {**DOCUMENT, "workload": "mine:SineFit"}
    server = Running(tmp_path / "results", cwd=tmp_path)
    shell = {"workload": "command", "command": {"run": "touch imported"}, "fixed": {"epochs": 1}, "space": {}}
    for body in (document, shell):
        for path in ("/check", "/plan", "/entries"):
            try:
                faults = server.client.ask("POST", path, {"text": json.dumps(body)})["faults"]
                said = faults[0]["message"]
            except UserError as error:
                said = str(error)
            assert "this server takes workloads that were installed with it" in said
    overridden = {
        "text": json.dumps({**DOCUMENT, "workload": "classifier"}),
        "options": {"set": ["workload=mine:SineFit"]},
    }
    said = server.client.ask("POST", "/check", overridden)["faults"][0]["message"]
    assert "this server takes workloads that were installed with it" in said
    assert not (tmp_path / "imported").exists()
    server.end(signal.SIGTERM)
    server = Running(tmp_path / "results", "--allow-code", cwd=tmp_path)
    body = {"text": json.dumps(document)}
    assert server.client.ask("POST", "/check", body)["faults"] == []
    assert server.client.ask("POST", "/plan", body)["faults"] == []
    assert server.wait(int(server.client.ask("POST", "/entries", body)["id"]), ended)["outcome"] == "done"
    for what in ("table", "verdicts", "audit", "curves"):
        server.client.ask("GET", f"/studies/sine/{what}")
    imported = (tmp_path / "imported").read_text().split()
    assert imported
    assert str(server.process.pid) not in imported, "processes of its own import it"
    server.end(signal.SIGTERM)


def test_a_file_is_submitted_with_those_it_extends(tmp_path: Path) -> None:
    (tmp_path / "base" / "deep").mkdir(parents=True)
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "a.yaml").write_text("extends: ../base/b.yaml\n")
    (tmp_path / "base" / "b.yaml").write_text("extends: deep/c.yaml\n")
    (tmp_path / "base" / "deep" / "c.yaml").write_text("workload: classifier\n")
    files = files_of(str(tmp_path / "studies" / "a.yaml"))
    assert list(files) == ["studies/a.yaml", "base/b.yaml", "base/deep/c.yaml"]
    assert files["base/deep/c.yaml"] == "workload: classifier\n"
