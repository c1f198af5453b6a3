"""REST: what a program submits, sees and changes, and who may."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from search.core.queue import Outcome, Phase, begun, concluded
from search.service.people import Person, Role
from search.service.rest.routes import CALLS
from tests.ledger.test_ledger import study_of
from tests.service.serving import FILE, SOUND, Asked

NOW = "2026-01-01T00:00:00.000+00:00"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Asked]:
    made = Asked(tmp_path / "results")
    yield made
    made.ledger.close()


def test_a_sound_file_goes_into_the_queue_and_wakes_the_server(server: Asked) -> None:
    answer = server.client.post("/api/v1/entries", json={"files": {"focal.yaml": FILE}, "options": {"data": "x"}})
    assert answer.status_code == 201
    entry = server.queue.entry(server.queue.entries()[0].id)
    assert (entry.name, entry.who, dict(entry.files), entry.options) == (
        "focal",
        "ann",
        {"focal.yaml": FILE},
        {"data": "x"},
    )
    assert answer.json()["id"] == entry.id
    assert server.woken == 1


def test_a_file_with_faults_does_not_and_each_is_told_with_its_line(server: Asked) -> None:
    fault = {"file": "focal.yaml", "line": 2, "key": "fixed", "message": "unknown"}
    server.examiner.says = {"faults": [fault]}
    answer = server.client.post("/api/v1/entries", json={"text": FILE})
    assert answer.status_code == 422
    assert answer.json() == {"reason": "focal.yaml:2: fixed: unknown", "faults": [fault]}
    assert server.queue.entries() == []


def test_what_is_no_yaml_is_told_without_any_process(server: Asked) -> None:
    answer = server.client.post("/api/v1/entries", json={"files": {"a.yaml": "x: [1\n"}})
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["line"] >= 1
    assert server.examiner.asked == []


def test_stop_go_on_move_delete(server: Asked) -> None:
    first, second = server.submit("a"), server.submit("b")
    ask = server.client
    moved = ask.post(f"/api/v1/entries/{second}/move", json={"position": 1}).json()["entries"]
    assert [entry["id"] for entry in moved] == [second, first]
    assert ask.post(f"/api/v1/entries/{first}/stop", json={}).json()["outcome"] == "stopped"
    assert ask.post(f"/api/v1/entries/{first}/stop", json={}).status_code == 409
    assert ask.post(f"/api/v1/entries/{first}/again", json={}).json()["phase"] == "queued"
    server.queue.change(second, "server", "start", lambda entry: begun(entry, NOW, 0))
    assert ask.delete(f"/api/v1/entries/{second}").json() == {
        "reason": f"entry {second} (b) is running: stop it first",
        "faults": [],
    }
    assert ask.post(f"/api/v1/entries/{second}/stop", json={}).json()["stops"] == 1
    server.queue.change(second, "command", "end", lambda entry: concluded(entry, NOW, Outcome.STOPPED, "x"))
    assert ask.delete(f"/api/v1/entries/{second}").status_code == 200
    assert ask.get(f"/api/v1/entries/{second}").status_code == 404
    done = [(act["who"], act["what"]) for act in ask.get("/api/v1/actions").json()["actions"]]
    assert done[0] == ("ann", "delete")
    assert ("ann", "move") in done


def test_an_entry_with_its_output_and_how_far_it_is(server: Asked) -> None:
    number = server.submit()
    folder = server.places.folder(number)
    folder.mkdir(parents=True)
    (folder / "output.txt").write_text("é <b>\n" * 3)
    (folder / "live.json").write_text('{"bar": "3 epochs"}')
    found = server.client.get(f"/api/v1/entries/{number}").json()
    assert (found["live"], found["alive"], found["files"]) == ({"bar": "3 epochs"}, False, {"focal.yaml": FILE})
    answer = server.client.get(f"/api/v1/entries/{number}/output", params={"from": "-7"}).json()
    assert answer == {"text": "é <b>\n", "next": 21}
    assert server.client.get(f"/api/v1/entries/{number}/output", params={"from": "21"}).json()["text"] == ""
    assert server.client.get(f"/api/v1/entries/{number}/output", params={"from": "x"}).status_code == 400


def test_workers_are_those_of_a_command_that_lives(server: Asked) -> None:
    number = server.submit()
    folder = server.places.folder(number)
    folder.mkdir(parents=True)
    text = "here, process 7: trial 3, epoch 2 since 12:00:00 UTC"
    (folder / "live.json").write_text(json.dumps({"bar": "x", "workers": [{"trial": 3, "text": text}]}))
    found = server.client.get(f"/api/v1/entries/{number}").json()
    assert (found["live"]["workers"], found["live"]["bar"]) == ([], "x"), "its command is gone"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert server.client.get(f"/api/v1/entries/{number}").json()["live"]["workers"][0]["trial"] == 3
        assert f'<pre id="workers">{text}</pre>' in server.client.get(f"/entries/{number}").text


BODIES: list[tuple[Any, str]] = [
    ({}, "`files` must be a mapping from name to text, of 1 to 20 files, the space file first"),
    ({"files": {}}, "`files` must be a mapping from name to text, of 1 to 20 files, the space file first"),
    ({"file": "x"}, "unknown field 'file': a submission has files or text, name and options"),
    ({"text": 5}, "file 'study.yaml': its content must be text"),
    (
        {"text": "", "options": {"who": "x"}},
        "unknown option 'who': a submission has the options data, set, new_revision, judge and max_seeds",
    ),
    ({"text": "", "options": {"set": ["x"]}}, "the option `set` must be a list of at most 100 texts KEY=VALUE"),
    ({"text": "", "options": {"data": 3}}, "the option `data` must be the name of a data set, or a folder"),
    ({"text": "", "options": {"new_revision": 1}}, "the option `new_revision` must be true or false"),
    ({"text": "", "options": {"judge": 1}}, "the option `judge` must be true or false"),
    ({"text": "", "options": {"max_seeds": 5}}, "the option `max_seeds` must be a number from 3 on, with `judge`"),
    (
        {"text": "", "options": {"judge": True, "max_seeds": 2}},
        "the option `max_seeds` must be a number from 3 on, with `judge`",
    ),
    (
        {"text": "", "options": {"judge": True, "new_revision": True}},
        "the option `new_revision` is for a run; `judge` adds seeds to the study there is",
    ),
    ([1], "the body must be one JSON object"),
]


@pytest.mark.parametrize(("body", "reason"), BODIES)
def test_what_is_no_submission_is_told_in_a_sentence(server: Asked, body: Any, reason: str) -> None:
    answer = server.client.post("/api/v1/entries", json=body)
    assert (answer.status_code, answer.json()["reason"]) == (400, reason)


NAMES = ["../a.yaml", "/etc/a.yaml", "a/../b.yaml", ".a.yaml", "a", "a.yaml/", "a\\b.yaml", "a\0.yaml", "-a.yaml", ""]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_leads_out_of_its_folder(server: Asked, name: str) -> None:
    answer = server.client.post("/api/v1/entries", json={"files": {name: FILE}})
    assert answer.status_code == 400
    assert answer.json()["reason"].startswith("file ")


def test_names_that_no_folder_can_hold_are_told_in_a_sentence(server: Asked) -> None:
    answer = server.client.post("/api/v1/entries", json={"files": {"a.yaml": FILE, "a.yaml/b.yaml": FILE}})
    assert (answer.status_code, answer.json()["reason"]) == (
        400,
        "file 'a.yaml/b.yaml': 'a.yaml' is a file too, and cannot be a folder; rename one of them",
    )
    answer = server.client.post("/api/v1/entries", json={"files": {f"{'é' * 190}.yaml": FILE}})
    assert answer.status_code == 400
    assert "and . + - _, at most 200 bytes, below the folder" in answer.json()["reason"]
    assert server.client.post("/api/v1/entries", json={"files": {f"{'é' * 97}.yaml": FILE}}).status_code == 201


@pytest.mark.parametrize("number", ["2147483648", "9" * 23])
def test_a_number_that_no_entry_and_no_study_can_have_is_not_found(server: Asked, number: str) -> None:
    for path in (f"/api/v1/entries/{number}", f"/api/v1/entries/{number}/output", f"/entries/{number}"):
        assert server.client.get(path).status_code == 404, path
    assert server.client.get(f"/entries/{number}/events").status_code == 404
    assert server.client.get(f"/studies/{number}/").status_code == 404
    assert server.client.get(f"/studies/{number}/curves.svg").status_code == 404
    assert server.client.delete(f"/api/v1/entries/{number}").status_code == 404
    assert server.client.post(f"/api/v1/entries/{number}/stop", json={}).status_code == 404
    assert server.form(f"/entries/{number}/stop").status_code == 404


def test_an_address_is_not_longer_than_any_name(server: Asked) -> None:
    answer = server.client.get(f"/api/v1/entries/{'9' * 5000}")
    assert (answer.status_code, answer.json()["reason"]) == (
        414,
        "the address has 5016 letters: must be at most 2000",
    )


@pytest.mark.parametrize("base", ["/etc/passwd", "../../secret.yaml", "other.yaml", "base/../../x.yaml"])
def test_a_base_must_be_submitted_or_shipped(server: Asked, base: str) -> None:
    answer = server.client.post("/api/v1/entries", json={"files": {"a.yaml": f"extends: {base}\n"}})
    assert answer.status_code == 422
    assert "was submitted with it; submit both" in answer.json()["reason"]
    assert server.examiner.asked == []


def test_a_shipped_base_is_added_and_what_it_extends(server: Asked) -> None:
    assert server.client.post("/api/v1/check", json={"text": "extends: base/report_a.yaml\n"}).json() == SOUND
    (_, submitted), *_ = server.examiner.asked
    assert "base/report_a.yaml" in submitted.files
    assert submitted.name == "study.yaml"


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_a_role_may_what_the_table_says_and_no_more(server: Asked, call: Any) -> None:
    number = server.submit()
    path = "/api/v1" + call.path.replace("{entry:int}", str(number)).replace("{study:path}", "focal")
    for role in Role:
        server.person = Person("ann", role)
        status = server.client.request(call.method, path, json={} if call.method == "POST" else None).status_code
        assert (status == 403) == (role < call.role), role
        assert status < 500


def test_what_somebody_else_submitted_is_theirs(server: Asked) -> None:
    number = server.submit()
    server.person = Person("bob", Role.RUNNER)
    answer = server.client.post(f"/api/v1/entries/{number}/stop", json={})
    assert (answer.status_code, answer.json()["reason"]) == (
        403,
        f"entry {number} was submitted by ann: only they, or an admin, may change it",
    )
    assert server.queue.entry(number).phase is Phase.QUEUED
    server.person = Person("eve", Role.ADMIN)
    assert server.client.post(f"/api/v1/entries/{number}/stop", json={}).status_code == 200


def test_its_description_names_every_call(server: Asked) -> None:
    described = server.client.get("/api/v1/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert sum(len(methods) for methods in described["paths"].values()) == len(CALLS)
    page = server.client.get("/rest").text
    assert all(call.summary.replace("'", "&#39;") in page for call in CALLS)


def test_its_description_names_every_status_that_comes(server: Asked) -> None:
    number = server.submit()
    study_of(server.ledger)
    described = server.client.get("/api/v1/openapi.json").json()["paths"]
    seen = set()
    for call in sorted(CALLS, key=lambda call: call.method == "DELETE"):  # nothing is left behind it
        for given in ("x" * 20, number):
            for body in (None, {}, {"text": FILE}, {"text": "x: ["}, {"position": 1}, {"count": 0}, [1]):
                path = f"/api/v1{call.bare_path}".replace("{entry}", str(given))
                path = path.replace("{study}", "focal" if given == number else "none").replace("{workload}", "no such")
                for role in Role:
                    server.person = Person("bob", role)
                    status = server.client.request(call.method, path, json=body).status_code
                    listed = described[f"/api/v1{call.bare_path}"][call.method.lower()]["responses"]
                    assert str(status) in listed, (call.method, path, body, status)
                    seen.add(status)
    assert seen >= {200, 201, 400, 403, 404, 409, 422}
