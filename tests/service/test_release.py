"""Release: what costs more than a bound waits until an admin lets it run, whatever happens to the server meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from search.core.errors import StorageFailed, UserError
from search.core.queue import Phase
from search.service import pricing as room
from search.service.agents import words
from search.service.news import news, notice_of, standing
from search.service.notices import Notice
from search.service.people import Person, Role
from search.service.pricing import Pricing, core_hours
from tests.service.serving import FILE, SOUND, Asked

BOB = Person("bob", Role.RUNNER)
HOURS = "costs 4 core hours, and no more than 2 start by themselves; an admin may release it"


def plan(device: float | None = 7200.0, **more: Any) -> dict[str, Any]:
    """Return figures of a plan, as far as a price is read from them."""
    seconds = {"device": device, "epoch": 10.0, "wall_expected": device}
    limits = [{"limit": name, "value": value} for name, value in more.get("limits", {}).items()]
    epochs = {"confirm_stage_at_most": more.get("confirm", 0), "to_train": 3}
    return {"seconds": seconds, "place": {"cpus_per_trial": 2}, "limits": limits, "epochs": epochs}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Asked]:
    made = Asked(tmp_path / "results", release_above=2.0)
    made.examiner.says = {**SOUND, "plan": plan()}
    made.person = BOB
    yield made
    made.ledger.close()


def submit(server: Asked) -> dict[str, Any]:
    answer = server.client.post("/api/v1/entries", json={"text": FILE})
    assert answer.status_code == 201
    found: dict[str, Any] = answer.json()
    return found


def priced(server: Asked, bound: float | None = 2.0) -> list[str]:
    """Let a server price what is held, until it has nothing more to do; return what it said."""
    given: Any = server.examiner
    said: list[str] = []

    async def work() -> None:
        pricing = Pricing(server.queue, given, bound, said.append)
        task = asyncio.create_task(pricing.work(server._wake))
        for _ in range(500):
            await asyncio.sleep(0.01)
            if not any(entry.unpriced for entry in server.queue.held_entries()):
                break
        task.cancel()

    asyncio.run(work())
    return said


@pytest.mark.parametrize(
    ("figures", "hours"),
    [
        (plan(), 4.0),
        (plan(0.0), 0.0),
        (plan(None), None),
        (plan(None, limits={"core_hours": 3.0}), 3.0),
        (plan(limits={"core_hours": 3.0, "epochs": 2}), 3.0),
        (plan(limits={"core_hours": 9.0}), 4.0),
        (plan(confirm=180), 5.0),
        ({**plan(confirm=180), "seconds": {"device": 7200.0, "epoch": None}}, None),
    ],
)
def test_what_a_study_costs_at_most(figures: Mapping[str, Any], hours: float | None) -> None:
    assert core_hours(figures) == hours


def test_it_waits_from_the_first_moment_and_an_admin_lets_it_run(server: Asked) -> None:
    made = submit(server)
    assert (made["phase"], server.woken) == ("waits for release", 0)
    number = made["id"]
    assert priced(server) == []
    found = server.client.get(f"/api/v1/entries/{number}").json()
    assert (found["phase"], found["said"], found["price"]) == ("waits for release", HOURS, plan())
    refused = server.client.post(f"/api/v1/entries/{number}/release", json={})
    assert refused.status_code == 403
    assert refused.json()["reason"] == "bob is a runner: to release an entry that is held back takes an admin"
    server.person = Person("eve", Role.ADMIN)
    assert server.client.post(f"/api/v1/entries/{number}/release", json={}).json()["phase"] == "queued"
    again = server.client.post(f"/api/v1/entries/{number}/release", json={})
    assert again.status_code == 409
    assert again.json()["reason"].endswith("is queued: only an entry that waits for release can be released")
    done = [(act.who, act.what, act.detail) for act in reversed(server.queue.actions(number))]
    assert done == [
        ("bob", "submit", ""),
        ("server", "price", "costs 4 core hours"),
        ("eve", "release", ""),
    ]
    assert server.woken == 2


def test_what_costs_no_more_than_the_bound_starts_by_itself(server: Asked) -> None:
    server.examiner.says = {**SOUND, "plan": plan(3600.0)}
    number = submit(server)["id"]
    priced(server)
    entry = server.queue.entry(number)
    assert (entry.phase, entry.released) == (Phase.QUEUED, "server")


def test_a_server_that_died_before_the_price_leaves_it_to_the_next_one(server: Asked) -> None:
    number = submit(server)["id"]
    assert server.queue.entry(number).unpriced
    assert priced(server, bound=None) == [], "the next server was started without a bound"
    assert server.queue.entry(number).phase is Phase.QUEUED


def test_one_that_waits_goes_on_waiting_however_the_next_server_is_started(server: Asked) -> None:
    number = submit(server)["id"]
    priced(server)
    priced(server, bound=None)
    assert server.queue.entry(number).phase is Phase.HELD


@pytest.mark.parametrize("kind", ["faults", "process"])
def test_one_that_cannot_be_priced_waits_and_says_why(
    server: Asked, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = submit(server)["id"]
    fault = {"file": "a", "line": 0, "key": "", "message": "other data than on record"}
    server.examiner.says = {"faults": [fault]}
    if kind == "process":

        async def ended(*_: object) -> dict[str, Any]:
            raise UserError("other data than on record")

        monkeypatch.setattr(server.examiner, "ask", ended)
    priced(server)
    assert server.queue.entry(number).said.startswith("nothing tells what it costs (other data than on record), and ")


def test_a_full_disk_keeps_a_price_waiting_and_no_longer(server: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    number = submit(server)["id"]
    put, tries = server.queue.put_price, []

    def full(number: int, price: Mapping[str, object]) -> None:
        tries.append(number)
        if len(tries) == 1:
            raise StorageFailed("x.db", "database or disk is full", "make room")
        put(number, price)

    monkeypatch.setattr(room, "RETRY_SPACING_S", 0.05)
    monkeypatch.setattr(server.queue, "put_price", full)
    said = priced(server)
    assert said == [f"entries wait for their price: {StorageFailed('x.db', 'database or disk is full', 'make room')}"]
    assert server.queue.entry(number).said == HOURS


def test_an_admin_releases_by_submitting_and_what_was_released_goes_on_freely(server: Asked) -> None:
    server.person = Person("eve", Role.ADMIN)
    number = submit(server)["id"]
    entry = server.queue.entry(number)
    assert (entry.phase, entry.released) == (Phase.QUEUED, "eve")
    held = server.queue.submit("old", {"a.yaml": FILE}, {}, "bob").id  # by a server without a bound
    server.person = BOB
    server.client.post(f"/api/v1/entries/{held}/stop", json={})
    assert server.client.post(f"/api/v1/entries/{held}/again", json={}).json()["phase"] == "waits for release"


def test_without_a_bound_nobody_is_held(tmp_path: Path) -> None:
    server = Asked(tmp_path / "results")
    server.person = BOB
    assert submit(server)["phase"] == "queued"
    server.ledger.close()


def test_pages_show_what_waits_and_who_may_sees_the_button(server: Asked) -> None:
    number = submit(server)["id"]
    page = server.client.get(f"/entries/{number}").text
    assert "being priced" in page
    priced(server)
    for path in ("/", f"/entries/{number}"):
        page = server.client.get(path).text
        assert "waits for release" in page
        assert f">C{HOURS[1:]}.</p>" in page
    button = f'action="/entries/{number}/release"'
    assert button not in page
    assert server.form(f"/entries/{number}/release").status_code == 403
    server.person = Person("eve", Role.ADMIN)
    assert button in server.client.get(f"/entries/{number}").text
    assert server.form(f"/entries/{number}/release").status_code == 303
    assert server.queue.entry(number).phase is Phase.QUEUED


def test_a_refused_one_is_removed(server: Asked) -> None:
    number = submit(server)["id"]
    priced(server)
    server.person = Person("eve", Role.ADMIN)
    assert server.client.delete(f"/api/v1/entries/{number}").status_code == 200
    assert server.queue.held_entries() == []


def test_it_is_told_once_and_not_while_its_price_is_worked_out(server: Asked) -> None:
    number = submit(server)["id"]
    assert standing(server.queue.entry(number)) == ""
    priced(server)
    entry = server.queue.entry(number)
    assert news([entry], {}) == [entry]
    assert news([entry], {str(number): standing(entry)}) == []
    assert notice_of(entry, {}) == Notice(
        "Study focal waits for release",
        f"Entry {number}, submitted by bob: {HOURS}.\npython -m search server release {number}",
        "warning",
    )


def test_an_agent_is_told_that_a_person_is_asked(server: Asked) -> None:
    made = submit(server)
    assert words.queued(made, "").startswith(f"Entry {made['id']}: study 'focal' is being priced. It starts by itself")
    priced(server)
    said = words.status(server.client.get(f"/api/v1/entries/{made['id']}").json(), "")
    assert f"(study 'focal'): waits for release. C{HOURS[1:]}." in said
    assert "tell whoever you work for that entry 1 waits for release" in said
