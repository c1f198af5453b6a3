"""Who gets in: tokens shown once and kept as hashes, revoked at once, guessed in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from search.__main__ import run
from search.api import mirror_url
from search.core.errors import UserError
from search.ledger.tokens import Tokens
from search.service import entrance, serving
from search.service.app import guarded
from search.service.beside import beside
from search.service.folder import Places
from search.service.guard import Refused
from search.service.people import Person, Role
from tests.service.serving import URL, Asked

ENTRIES = "/api/v1/entries"
OWN = {"Origin": URL, "Sec-Fetch-Site": "same-origin"}


class Guarded(Asked):
    def client_for(self, person: Person | None, secure: bool = False) -> TestClient:
        others = beside(self.ledger, mirror_url(self.places.results), self.places.results, self.said.append)
        app = guarded(self.service, person, others, self.said.append, secure=secure)
        return TestClient(app, base_url=URL, follow_redirects=False)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Guarded]:
    made = Guarded(tmp_path / "results")
    yield made
    made.ledger.close()


@pytest.fixture
def tokens(server: Guarded) -> Tokens:
    return Tokens(server.ledger.engine)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_without_a_token_nothing_is_answered(server: Guarded) -> None:
    client = server.client_for(None)
    assert client.get(ENTRIES).status_code == 401
    assert client.get(ENTRIES).json()["reason"].startswith("a token is needed: `python -m search server token add")
    for path in ("/", "/submit", "/reports/", "/dashboard", "/ours/watch.js", "/nothing"):
        assert client.get(path).status_code == 401, path
        browsed = client.get(path, headers={"Accept": "text/html"})
        assert (browsed.status_code, browsed.headers["location"]) == (303, "/enter"), path
    for headers in ({}, {"Accept": "text/html"}):
        assert client.get("/api/studies", headers=headers).status_code == 401
    assert client.post(ENTRIES, json={"text": "x"}).status_code == 401
    assert client.get("/enter").status_code == 200


def test_over_loopback_whoever_started_it_needs_none_but_a_proxy_does(server: Guarded) -> None:
    client = server.client_for(Person("ann", Role.ADMIN))
    assert client.get("/api/v1/server").json()["person"] == "ann"
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
        assert client.get(ENTRIES, headers={header: "1.2.3.4"}).status_code == 401


def test_a_token_says_who_asks_and_what_they_may(server: Guarded, tokens: Tokens) -> None:
    viewer, runner = tokens.add("vic", "viewer", "ann"), tokens.add("rob", "runner", "ann")
    client = server.client_for(None)
    assert client.get("/api/v1/server", headers=bearer(viewer)).json()["role"] == "viewer"
    assert client.post(ENTRIES, json={"text": "x: 1"}, headers=bearer(viewer)).status_code == 403
    assert client.post(ENTRIES, json={"text": "x: 1"}, headers=bearer(runner)).json()["who"] == "rob"


def test_a_token_is_kept_as_a_hash_and_revoked_at_once(server: Guarded, tokens: Tokens) -> None:
    made = tokens.add("rob", "runner", "ann")
    client = server.client_for(None)
    assert client.get(ENTRIES, headers=bearer(made)).status_code == 200
    tokens.revoke("rob", "ann")
    assert client.get(ENTRIES, headers=bearer(made)).status_code == 401
    server.ledger.close()
    files = [path for path in server.places.results.rglob("*") if path.is_file()]
    written = b"".join(path.read_bytes() for path in files)
    assert b"rob" in written, "who has a token is on record, so the record was read"
    assert made.encode() not in written
    assert [(act.who, act.what, act.detail) for act in server.queue.actions()] == [
        ("ann", "revoke", "rob"),
        ("ann", "token", "rob, runner"),
    ]
    with pytest.raises(UserError) as caught:
        tokens.revoke("rob", "ann")
    assert str(caught.value) == "name 'rob': has no token that is valid; `server token list` lists them"
    with pytest.raises(UserError, match="has a token, or had one"):
        tokens.add("rob", "admin", "ann")


def test_a_browser_keeps_it_where_no_script_and_no_other_site_can_use_it(server: Guarded, tokens: Tokens) -> None:
    made = tokens.add("rob", "runner", "ann")
    client = server.client_for(None, secure=True)
    answer = client.post("/enter", data={"token": made}, headers=OWN)
    cookie = answer.headers["set-cookie"].lower()
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert all(word in cookie for word in ("httponly", "samesite=strict", "secure", "path=/"))
    assert client.post("/enter", data={"token": "x"}, headers=OWN).status_code == 401
    kept = {"Cookie": f"search_token={made}"}
    assert client.get("/", headers=kept).status_code == 200
    assert (
        client.post(ENTRIES, json={"text": "x: 1"}, headers={**kept, "Origin": "https://evil.example"}).status_code
        == 403
    )
    left = client.post("/enter", data={"token": ""}, headers=OWN).headers
    assert (left["location"], "max-age=0" in left["set-cookie"].lower()) == ("/enter", True), "the browser forgets it"
    assert client.post("/enter", data={"token": made}, headers={"Origin": "https://evil.example"}).status_code == 403


def test_guesses_are_bounded(server: Guarded, tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tokens.add("rob", "runner", "ann")
    client = server.client_for(None)
    statuses = [client.get(ENTRIES, headers=bearer(f"guess {place}")).status_code for place in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert client.get(ENTRIES, headers=bearer(made)).status_code == 200, "a stale cookie locks nobody else out"
    assert client.get(ENTRIES, headers=bearer("guess")).status_code == 429
    monkeypatch.setattr(entrance, "WRONG_WINDOW_S", -1.0)
    assert client.get(ENTRIES, headers=bearer("guess")).status_code == 401


def test_two_requests_with_a_valid_token_at_once(server: Guarded, tokens: Tokens) -> None:
    made = tokens.add("rob", "runner", "ann")
    door: Any = entrance.Entrance(PlainTextResponse("in"), None, tokens, lambda reason: PlainTextResponse(reason))
    request = Request({"type": "http", "client": ("10.0.0.1", 1), "headers": []})

    async def both() -> list[Person | None]:
        return await asyncio.gather(door._known(request, made), door._known(request, made))

    assert asyncio.run(both()) == [Person("rob", Role.RUNNER)] * 2


def test_guesses_from_one_address_lock_no_other_out(server: Guarded, tokens: Tokens) -> None:
    door: Any = entrance.Entrance(PlainTextResponse("in"), None, tokens, lambda reason: PlainTextResponse(reason))

    def guess(address: str) -> Person | None:
        found: Person | None = asyncio.run(
            door._known(Request({"type": "http", "client": (address, 1), "headers": []}), "guess")
        )
        return found

    assert [guess("10.0.0.1") for _ in range(entrance.MAX_WRONG)] == [None] * entrance.MAX_WRONG
    with pytest.raises(Refused, match=r"wrong tokens came from 10\.0\.0\.1: wait a minute"):
        guess("10.0.0.1")
    assert guess("10.0.0.2") is None


@pytest.mark.parametrize("given", ["", "x" * 100_000, "é", "\x7f"])
def test_odd_tokens_are_nobodys(server: Guarded, given: str) -> None:
    client = server.client_for(None)
    raw: Any = {"Authorization": b"Bearer " + given.encode()}
    assert client.get(ENTRIES, headers=raw).status_code == 401


@pytest.mark.parametrize(("host", "names"), [("0.0.0.0", ()), ("127.0.0.1", ("search.example.org",))])
def test_where_others_reach_it_somebody_must_have_a_token(server: Guarded, host: str, names: tuple[str, ...]) -> None:
    with pytest.raises(UserError) as caught:
        serving.serve(server.ledger, Places(server.places.results), host, 0, 1, False, print, names)
    assert str(caught.value).endswith("make one first: python -m search server token add NAME --role admin")


def test_the_verbs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--results", str(tmp_path)]
    assert run(["server", "token", "add", "ann", "--role", "admin", *place]) == 0
    printed = capsys.readouterr()
    assert len(printed.out.strip()) >= 40
    assert printed.err == "this is shown once; ann enters it at the page /enter, or sets SEARCH_TOKEN\n"
    assert run(["server", "token", "list", *place]) == 0
    listed = capsys.readouterr().out
    assert "ann" in listed
    assert printed.out.strip() not in listed
    assert run(["server", "token", "revoke", "ann", *place]) == 0
    assert capsys.readouterr().out == "the token of ann is no longer valid\n"
