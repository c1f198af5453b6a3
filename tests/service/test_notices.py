"""Notifications: what is told, once; no address is ever shown; what cannot be sent ends nothing."""

from __future__ import annotations

import json
import logging
import shutil
import socket
import sys
import threading
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.__main__ import run
from search.cli.notify import telling
from search.core.errors import ClaimContradicted, StorageFailed, StudyInterrupted, TrialsFailed, UserError
from search.core.queue import Entry, Outcome, Phase, begun, concluded, postponed
from search.ledger.answers import keep_answer
from search.service.announcer import Announcer, Disk
from search.service.news import news, notice_of, standing, told_of
from search.service.notices import MAX_BODY_LETTERS, Notice, Notices, addresses
from tests.service.serving import Asked

SECRET = "S3cr3tWord"
NOW = "2026-01-01T00:00:00.000+00:00"


class Hook:
    """A webhook on this machine; answers with `status`."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"json://ann:{SECRET}@127.0.0.1:{self.server.server_port}/{SECRET}"

    def told(self) -> list[tuple[str, str, str]]:
        return [(message["title"], message["message"], message["type"]) for message in self.heard]


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return f"json://ann:{SECRET}@127.0.0.1:{port}/"


# Sending -------------------------------------------------------------------------------------------------------------


def test_a_message_comes_as_it_was_written(hook: Hook) -> None:
    said: list[str] = []
    assert Notices([hook.url], said.append).send(Notice("Study é ended", "a <b> & c\n*d* \\n", "success"))
    assert hook.told() == [("Study é ended", "a <b> & c\n*d* \\n", "success")]
    assert said == []


def test_a_long_one_is_cut(hook: Hook) -> None:
    Notices([hook.url], print).send(Notice("x", "é" * 5000))
    ((_, body, _),) = hook.told()
    assert len(body) == MAX_BODY_LETTERS
    assert body.endswith("é ...")


def test_what_cannot_be_sent_is_said_without_its_address(hook: Hook, nobody: str, caplog: Any, capfd: Any) -> None:
    said: list[str] = []
    hook.status = 500
    with caplog.at_level(logging.DEBUG):
        assert not Notices([nobody, hook.url], said.append).send(Notice("Study a ended", "x"))
    assert said == ["a notification could not be sent (address 1, json://, address 2, json://): Study a ended"]
    assert hook.told() == [("Study a ended", "x", "info")]
    assert SECRET not in caplog.text + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (f"nosuchthing://{SECRET}", "address 1, nosuchthing://"),
        (f"slack://{SECRET}", "address 1, slack://"),
        (SECRET, "address 1"),
        (f"json://{SECRET}:notaport@[/", "address 1, json://"),
    ],
)
def test_an_address_that_is_none_is_refused_and_not_shown(url: str, name: str) -> None:
    with pytest.raises(UserError) as caught:
        Notices([url], print)
    assert str(caught.value).startswith(f"--notify: {name}: Apprise knows no such address; see ")
    assert SECRET not in str(caught.value)


def test_a_plugin_that_raises_ends_nothing(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    import apprise

    def broken(*_given: object, **_more: object) -> bool:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(apprise.Apprise, "notify", broken)
    said: list[str] = []
    assert not Notices([hook.url], said.append).send(Notice("t", "b"))
    assert said == ["a notification could not be sent (address 1, json://): t"]


def test_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(UserError, match=r"^--notify needs a package that is not installed \(apprise\): pip install"):
        Notices(["json://x"], print)


def test_addresses_of_files(tmp_path: Path) -> None:
    path = tmp_path / "addresses.txt"
    path.write_text("# ours\n\n json://a \njson://b/#c\n")
    assert addresses(["json://first", str(path)]) == ["json://first", "json://a", "json://b/#c"]
    path.write_text("# none\n")
    with pytest.raises(UserError, match="the file holds no address; write one per line"):
        addresses([str(path)])
    for given_text in (f"slack:/{SECRET}", str(tmp_path / "nowhere")):
        with pytest.raises(UserError, match="neither an address such as mailto://") as caught:
            addresses([given_text])
        assert SECRET not in str(caught.value)


# What is told of a queue -----------------------------------------------------------------------------------------

ENTRY = Entry(1, "focal", {"focal.yaml": ""}, {}, "ann", NOW, 1)
ENTRIES = st.lists(
    st.builds(
        lambda number, phase, outcome, ended, said: replace(
            ENTRY, id=number, phase=phase, outcome=outcome if phase is Phase.ENDED else None, ended=ended, said=said
        ),
        st.integers(1, 4),
        st.sampled_from(Phase),
        st.sampled_from(Outcome),
        st.sampled_from(["1", "2"]),
        st.sampled_from(["", "waits: a"]),
    ),
    unique_by=lambda entry: entry.id,
)


@given(st.lists(ENTRIES, max_size=6), st.data())
def test_each_end_is_told_once_however_often_one_looks_and_starts_again(looks: list[list[Entry]], data: Any) -> None:
    told: dict[str, str] = {}
    for entries in looks:
        due = news(entries, told)
        assert all(standing(entry) for entry in due)
        later = [entry for entry in due if data.draw(st.booleans())]
        told = json.loads(json.dumps(told_of(entries, told, later)))  # the next server reads it
        assert {entry.id for entry in news(entries, told)} == {entry.id for entry in later}
        assert news(entries, told_of(entries, told)) == []


def test_what_ended_with_its_verdicts() -> None:
    done = replace(ENTRY, phase=Phase.ENDED, outcome=Outcome.DONE, study="focal (rev 2)")
    claim = {"claim": "a is better than b", "verdict": "undecided", "reason": "2 seeds are too few"}
    answer = {"headline": "Nothing can be decided.", "complete": False, "verdicts": [claim]}
    assert notice_of(done, answer) == Notice(
        "Study focal (rev 2) ended",
        "Nothing can be decided.\n"
        "The study is not complete: raise its limit, or submit the file again, and it goes on.\n"
        "Undecided: a is better than b; 2 seeds are too few",
        "success",
    )
    refused = replace(ENTRY, phase=Phase.ENDED, outcome=Outcome.REFUSED, said="other data")
    assert notice_of(refused, {}) == Notice("Study focal was refused", "other data", "failure")
    assert notice_of(replace(ENTRY, said="waits: locked"), {}) == Notice(
        "Study focal waits", "waits: locked", "warning"
    )


def test_a_server_tells_of_ends_once_and_waits_for_the_verdicts(tmp_path: Path) -> None:
    server = Asked(tmp_path / "results")
    ledger, queue, heard = server.ledger, server.queue, list[Notice]()

    def started() -> Announcer:
        return Announcer(ledger, queue, tmp_path / "results", heard.append)

    def end(number: int, outcome: Outcome, said: str) -> None:
        queue.change(number, "server", "start", lambda entry: begun(entry, NOW, 0))
        queue.change(number, "command", "end", lambda entry: concluded(entry, NOW, outcome, said))

    end(server.submit("old"), Outcome.DONE, "")
    started().step()
    assert heard == []
    ledger.create_study("focal", "focal", 1, "", "id", "toy")
    end(server.submit("focal"), Outcome.DONE, "")
    end(server.submit("bad"), Outcome.REFUSED, "other data")
    announcer = started()
    announcer.step()
    assert [notice.title for notice in heard] == ["Study bad was refused"]
    keep_answer(ledger.engine, ledger.study("focal").id, {"headline": "a is better.", "complete": True, "verdicts": []})
    started().step()
    started().step()
    assert heard[1:] == [Notice("Study focal ended", "a is better.", "success")]
    queue.change(server.submit("locked"), "server", "start", lambda entry: begun(entry, NOW, 0))
    queue.change(4, "command", "end", lambda entry: postponed(entry, NOW, "waits: pid 3 runs it"))
    started().step()
    assert heard[2:] == [Notice("Study locked waits", "waits: pid 3 runs it", "warning")]
    ledger.close()


def test_what_was_told_is_not_told_again_where_a_full_disk_keeps_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, heard = Asked(tmp_path / "results"), list[Notice]()
    announcer = Announcer(server.ledger, server.queue, tmp_path / "results", heard.append)
    announcer.step()
    replace_file = Path.replace

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    server.queue.change(server.submit("bad"), "ann", "start", lambda entry: begun(entry, NOW, 0))
    server.queue.change(1, "command", "end", lambda entry: concluded(entry, NOW, Outcome.REFUSED, "other data"))
    for _ in range(3):
        announcer.step()
    assert [notice.title for notice in heard] == ["Study bad was refused"]
    monkeypatch.setattr(Path, "replace", replace_file)
    announcer.step()
    Announcer(server.ledger, server.queue, tmp_path / "results", heard.append).step()
    assert len(heard) == 1, "the next server knows, too"
    server.ledger.close()


def test_a_disk_runs_short_once_until_there_is_room_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = namedtuple("usage", "total used free")
    told = []
    disk = Disk(tmp_path, 1000)
    for free in (2000, 900, 800, 1100, 900, 1300, 900):
        monkeypatch.setattr(shutil, "disk_usage", lambda _folder, free=free: usage(0, 0, free))
        told.append(disk.look() is not None)
    assert told == [False, True, False, False, False, False, True]
    monkeypatch.undo()
    assert Disk(tmp_path / "nowhere").look() is None


# Commands --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (TrialsFailed("2 trials failed"), ("Study focal ended, and some trials failed", "2 trials failed", "warning")),
        (StudyInterrupted("by Ctrl-C"), ("Study focal was interrupted", "by Ctrl-C", "info")),
        (
            StorageFailed("x.db", "disk full", "make room"),
            ("Study focal failed", str(StorageFailed("x.db", "disk full", "make room")), "failure"),
        ),
        (ClaimContradicted("contradicted: a"), ("Study focal ended", "the verdicts", "success")),
    ],
)
def test_how_a_command_ended(hook: Hook, tmp_path: Path, error: Exception, message: tuple[str, str, str]) -> None:
    def ends() -> None:
        with telling([hook.url], "spaces/focal.yaml", str(tmp_path)) as told:
            if isinstance(error, ClaimContradicted):
                told.lines.append("the verdicts")
            raise error

    with pytest.raises(type(error)):
        ends()
    assert hook.told() == [message]


def test_a_command_without_it_tells_nobody(tmp_path: Path) -> None:
    with telling([], "focal.yaml", str(tmp_path)) as told:
        assert told.name == "focal"


def test_a_run_that_cannot_begin_tells_so_and_the_failing_address_changes_nothing(
    hook: Hook, nobody: str, tmp_path: Path, capsys: Any
) -> None:
    missing = str(tmp_path / "no.yaml")
    assert run(["run", missing, "--results", str(tmp_path), "--notify", hook.url, "--notify", nobody]) == 1
    output = capsys.readouterr()
    ((title, body, kind),) = hook.told()
    assert (title, kind) == ("Study no failed", "failure")
    assert body in output.err
    assert "a notification could not be sent (address 2, json://)" in output.err
    assert SECRET not in output.out + output.err


@pytest.mark.slow
def test_a_run_tells_its_verdicts(hook: Hook, tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(
        "workload: tests.contracts.toy:SineFit\nfixed: {epochs: 2, lr: 0.1}\nspace: {degree: {grid: [0, 1]}}\n"
        "seeds: [0]\nsearch: {objective: {metric: val_loss, direction: minimize}}\n"
        "report: {baseline: 0, claims: [{better: [1, 0]}]}\n"
    )
    assert run(["run", str(path), "--results", str(tmp_path / "results"), "--notify", hook.url]) == 0
    ((title, body, kind),) = hook.told()
    assert (title, kind) == ("Study tiny ended", "success")
    assert body.startswith("Claim: degree=1 is better than degree=0. Undecided: ")
