"""The verbs `server submit, status, stop, release, wait`: what is printed, as JSON too, and the exit codes."""

from __future__ import annotations

import importlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from search.__main__ import run
from search.core.queue import Outcome, begun, concluded
from search.service.people import Person, Role
from tests.service.serving import FILE, Asked, Wire

NOW = "2026-01-01T00:00:00.000+00:00"
verbs = importlib.import_module("search.cli.server")  # the package has a command of that name
Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    made = Asked(tmp_path / "results", release_above=1.0)
    monkeypatch.setattr(verbs, "_client", lambda _url: Wire(made))
    monkeypatch.setattr(verbs, "WAIT_SPACING_S", 0.01)
    yield made
    made.ledger.close()


@pytest.fixture
def say(server: Asked, capsys: pytest.CaptureFixture[str]) -> Say:
    def said(*words: str) -> tuple[int, str, str]:
        code = run(["server", *words])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return said


def on_record(server: Asked, number: int) -> Any:
    return server.client.get(f"/api/v1/entries/{number}").json()


def start(server: Asked, **live: object) -> int:
    """Let an entry run, whose command says so much of itself."""
    number = server.submit()
    server.queue.change(number, "server", "start", lambda entry: begun(entry, NOW, 0))
    folder = server.places.folder(number)
    folder.mkdir(parents=True)
    (folder / "live.json").write_text(json.dumps(live))
    return number


def end(server: Asked, number: int, outcome: Outcome, said: str = "") -> None:
    server.queue.change(number, "command", "end", lambda entry: concluded(entry, NOW, outcome, said))


def test_what_is_submitted(server: Asked, say: Say, tmp_path: Path) -> None:
    (tmp_path / "focal.yaml").write_text(FILE)
    code, out, err = say("submit", str(tmp_path / "focal.yaml"), "--set", "epochs=2", "--data", "x", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["options"] == {"data": "x", "set": ["epochs=2"]}
    assert found["files"] == ["focal.yaml"]
    assert found in server.client.get("/api/v1/entries").json()["entries"], "the same as the server says"
    server.person = Person("bob", Role.RUNNER)
    assert say("submit", str(tmp_path / "focal.yaml")) == (
        0,
        "entry 2: study focal is being priced: above the server's bound it waits for release\n"
        "next: python -m search server wait 2\n",
        "",
    )
    (tmp_path / "focal.yaml").write_text("workload: [\n")
    code, out, err = say("submit", str(tmp_path / "focal.yaml"), "--json")
    assert (code, out) == (1, "")
    assert "focal.yaml:2" in err
    assert len(server.queue.entries()) == 2


def test_the_status_of_all_and_of_one(server: Asked, say: Say) -> None:
    assert say("status") == (0, "The queue is empty.\n", "")
    assert say("status", "1") == (
        1,
        "",
        "the queue has no entry 1; `python -m search server status` lists those it has\n",
    )
    number = start(server, bar="3 epochs", comparison=[{"text": "a 90", "style": ""}])
    code, out, err = say("status")
    assert (code, err) == (0, "")
    assert [line.split()[:4] for line in out.splitlines()] == [
        ["entry", "study", "state", "who"],
        ["1", "focal", "running", "ann"],
    ]
    assert say("status", str(number)) == (0, "entry 1 (focal): running\n  a 90\n3 epochs\n", "")
    code, out, err = say("status", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == server.client.get("/api/v1/entries").json()
    code, out, err = say("status", str(number), "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == on_record(server, number)


def test_stopping_what_waits_and_what_runs(server: Asked, say: Say) -> None:
    server.submit()
    assert say("stop", "1") == (0, "entry 1 (focal): stopped; stopped before it was started\n", "")
    code, out, err = say("stop", "1", "--json")
    assert (code, out) == (1, "")
    assert err == "entry 1 (focal) is ended: only an entry that is running can be stopped\n"
    number = start(server)
    asked = "entry 2 was asked to stop; `python -m search server wait 2` waits until it has\n"
    assert say("stop", str(number)) == (0, asked, "")
    code, out, err = say("stop", str(number), "--json")
    assert (code, err) == (0, "")
    assert (json.loads(out)["phase"], json.loads(out)["stops"]) == ("running", 2)


def test_releasing_what_is_held(server: Asked, say: Say) -> None:
    def held() -> str:
        server.person = Person("bob", Role.RUNNER)
        number = str(server.client.post("/api/v1/entries", json={"text": FILE}).json()["id"])
        assert say("release", number) == (
            1,
            "",
            "bob is a runner: to release an entry that is held back takes an admin\n",
        )
        server.person = Person("ann", Role.ADMIN)
        return number

    assert say("release", held()) == (0, "entry 1: study focal starts when its turn comes\n", "")
    code, out, err = say("release", held(), "--json")
    assert (code, err) == (0, "")
    assert (json.loads(out)["phase"], json.loads(out)["released"]) == ("queued", "ann")
    code, out, err = say("release", "1", "--json")
    assert (code, out) == (1, "")
    assert "only an entry that waits for release can be released" in err


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome.DONE, 0),
        (Outcome.FAILED_TRIALS, 2),
        (Outcome.STOPPED, 130),
        (Outcome.REFUSED, 1),
        (Outcome.BROKEN, 1),
    ],
)
def test_waiting_ends_as_the_command_did(server: Asked, say: Say, outcome: Outcome, code: int) -> None:
    number = start(server, bar="3 epochs")
    ending = threading.Timer(0.3, end, (server, number, outcome, "so it ended"))
    ending.start()
    waited, out, err = say("wait", str(number), "--json")
    ending.join()
    assert waited == code
    assert json.loads(out) == on_record(server, number), "nothing but the entry is on the standard output"
    assert err == f"3 epochs\nentry 1 (focal): {outcome}; so it ended\n", "each line of progress once"
    waited, out, err = say("wait", str(number))
    assert waited == code
    assert out + err == f"entry 1 (focal): {outcome}; so it ended\n"
    assert (out == "") is (code != 0)


def test_waiting_for_a_while(server: Asked, say: Say) -> None:
    server.submit()
    assert say("wait", "1", "--timeout", "0.05", "--json") == (
        1,
        "",
        "queued\nentry 1 is queued after 0.05 s; it goes on\n",
    )
