"""What does not get past the guard: foreign hosts and pages, bodies that are too large or too slow."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from search.service import guard, prompt
from search.service.guard import MAX_BODY_BYTES, POLICY
from tests.service.serving import FILE, URL, Asked
from tests.surroundings import HANG_S

OWN = {"Origin": URL, "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Asked]:
    made = Asked(tmp_path / "results")
    yield made
    made.ledger.close()


HOSTS = [
    *(("127.0.0.1", 200), ("127.0.0.1:8642", 200), ("localhost:9000", 200), ("LocalHost", 200), ("[::1]:8642", 200)),
    *(("evil.example", 403), ("127.0.0.1.evil.example", 403), ("127.0.0.1@evil.example", 403), ("0.0.0.0", 403)),
    *(("127.0.0.1,evil.example", 403), ("localhost:", 403), ("[::]", 403), ("", 400)),
]


@pytest.mark.parametrize(("host", "status"), HOSTS)
def test_the_names_it_answers_to(server: Asked, host: str, status: int) -> None:
    for path in ("/", "/api/v1/entries", "/reports/"):
        assert server.client.get(path, headers={"Host": host}).status_code == status, path


WRITERS: list[tuple[dict[str, str], int]] = [
    ({}, 201),  # no browser
    (OWN, 201),
    ({"Origin": "https://evil.example"}, 403),
    ({"Origin": "null"}, 403),  # of a report, which has no origin
    ({"Origin": "http://127.0.0.1:9999"}, 403),  # another program of this machine
    ({"Origin": f"http://evil.example/{URL}"}, 403),
    ({"Origin": "http://[x"}, 403),
    ({**OWN, "Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Content-Type": "text/plain"}, 415),
    ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
]


@pytest.mark.parametrize(("headers", "status"), WRITERS)
def test_who_may_write(server: Asked, headers: dict[str, str], status: int) -> None:
    assert server.client.post("/api/v1/entries", json={"text": FILE}, headers=headers).status_code == status
    assert len(server.queue.entries()) == (status == 201)


@pytest.mark.parametrize("act", ["stop", "again", "delete", "move"])
def test_no_form_of_another_site_acts(server: Asked, act: str) -> None:
    number = server.submit()
    for headers in ({"Origin": "https://evil.example"}, {}):
        answer = server.client.post(f"/entries/{number}/{act}", data={"position": "1"}, headers=headers)
        assert answer.status_code in (403, 415)
    assert server.queue.actions(number)[0].what == "submit"


def test_no_page_of_another_site_reads(server: Asked) -> None:
    for mode, status in (("navigate", 200), ("no-cors", 403), ("cors", 403)):
        headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}
        assert server.client.get("/api/v1/entries", headers=headers).status_code == status


def test_every_page_of_ours_has_the_policy_and_no_script_or_style_within(server: Asked) -> None:
    number = server.submit()
    for path in ("/", "/submit", "/actions", "/rest", f"/entries/{number}", "/entries/77", "/nothing"):
        answer = server.client.get(path)
        assert answer.headers["content-security-policy"] == POLICY or path == "/nothing"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in answer.headers
        if path != "/nothing":
            assert "<style" not in answer.text
            assert " style=" not in answer.text
            assert re.search(r"<[^>]* on[a-z]+=", answer.text) is None
            assert answer.text.count("<script") == answer.text.count('<script src="/ours/')


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/api/studies", "/dashboard", "/reports/focal/", "/static/x", "/api/studies/1"])
def test_optunas_dashboard_and_reports_can_only_be_read(server: Asked, method: str, path: str) -> None:
    answer = server.client.request(method, path, json={}, headers=OWN)
    assert answer.status_code == 405
    assert answer.text == "Optuna's dashboard and reports can only be read here\n"


def test_a_body_that_is_too_large_is_refused_before_and_while_it_comes(server: Asked) -> None:
    answer = server.client.post("/api/v1/check", content=b"x" * (MAX_BODY_BYTES + 1), headers=OWN)
    assert answer.status_code == 413

    def parts() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * (1 << 16)

    answer = server.client.post("/api/v1/check", content=parts(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert server.examiner.asked == []


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_TIMEOUT_S", 0.05)
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass

    async def never() -> Any:
        await asyncio.sleep(60)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/api/v1/x", "headers": [(b"host", b"localhost")]}
    asyncio.run(guard.Guard(app)(scope, never, send))
    assert sent[0]["status"] == 408


def test_a_request_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not behind the first bytes of a head, not before them, and not behind an answer."""
    monkeypatch.setattr(prompt, "REQUEST_TIMEOUT_S", 0.3)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.5)  # an answer may take longer
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def said(port: int, *parts: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.01)
        everything = await asyncio.wait_for(reader.read(), HANG_S)
        writer.close()
        return everything

    async def ask() -> list[bytes]:
        config = uvicorn.Config(app, http=prompt.PromptProtocol, log_level="error", lifespan="off")
        config.load()
        state = ServerState()
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(
            lambda: prompt.PromptProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
        )
        port = listener.sockets[0].getsockname()[1]
        whole, part = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nHo"
        async with listener:
            return await asyncio.gather(said(port), said(port, part, b"st"), said(port, whole), said(port, whole, part))

    silent, slow, answered, second = asyncio.run(ask())
    assert silent == slow == prompt.TOO_LATE
    for answer in (answered, second):
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.endswith(b"ok" + prompt.TOO_LATE)
