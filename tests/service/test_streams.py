"""Pages that are watched take a part of the connections; who comes late is told so, and who goes makes room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sse_starlette import ServerSentEvent

from search.core.queue import Outcome, begun, concluded
from search.service import streams
from search.service.guard import Refused
from search.service.serving import MAX_CONNECTIONS
from search.service.streams import Streams
from tests.service.serving import Asked

NOW = "2026-01-01T00:00:00.000+00:00"


async def events() -> AsyncIterator[ServerSentEvent]:
    while True:
        yield ServerSentEvent("x")


def test_so_many_are_watched_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MAX_STREAMS", 2)

    async def watch() -> None:
        watched = Streams()
        first, second, third = (watched.counted(events()) for _ in range(3))
        watched.check()
        await anext(first)
        await anext(second)
        assert [event async for event in third] == [], "all three were let in at one moment"
        with pytest.raises(Refused) as caught:
            watched.check()
        assert (caught.value.status, str(caught.value)) == (
            503,
            "2 pages are watched already: reload this one to see how far it is",
        )
        await first.aclose()  # type: ignore[attr-defined]  # of a generator
        watched.check()

    asyncio.run(watch())
    assert 2 * streams.MAX_STREAMS < MAX_CONNECTIONS, "pages are answered beside them"


def test_an_entry_that_ended_is_watched_by_nobody(tmp_path: Path) -> None:
    server = Asked(tmp_path / "results")
    number = server.submit()
    server.queue.change(number, "server", "start", lambda entry: begun(entry, NOW, 0))
    server.queue.change(number, "command", "end", lambda entry: concluded(entry, NOW, Outcome.DONE, ""))
    for query in ("", "?phase=ended&from=0"):
        answer = server.client.get(f"/entries/{number}/events{query}")
        assert (answer.status_code, answer.text) == (204, ""), query
    server.ledger.close()
