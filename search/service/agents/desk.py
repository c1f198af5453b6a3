"""Where the tools of an agent get things done: in this process, or at a server by its address."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from search.service.acts import Service
from search.service.client import Client
from search.service.people import Person, require
from search.service.rest.asked import Asked, Call, answered
from search.service.rest.routes import CALLS

NOTHING: Mapping[str, str] = {}


class Desk(Protocol):
    """Answers the calls of REST."""

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] = NOTHING,
        **names: str | int,
    ) -> dict[str, Any]:
        """Answer one call.

        Args:
            method: of the call.
            path: as `CALLS` has it, without converters: ``/entries/{entry}``.
            body: what is sent with it.
            query: what stands behind the ``?``.
            names: what stands in the path.

        Raises:
            UserError: it cannot be done.
        """

    def working(self) -> str:
        """Say who works on the queue, as a sentence."""


class Near:
    """Answers by itself.

    Args:
        service: what it works with.
        person: who asks.
        working: says who works on the queue.
    """

    def __init__(self, service: Service, person: Person, working: Any) -> None:
        self._service, self._person, self.working = service, person, working

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] = NOTHING,
        **names: str | int,
    ) -> dict[str, Any]:
        """Answer one call."""
        call = _call(method, path)
        require(self._person, call.role, call.summary)
        answer = await answered(call.answer, Asked(self._service, self._person, names, query, body or {}))
        assert isinstance(answer, dict)
        return answer


class Far:
    """Asks a server.

    Args:
        client: of the server.
        url: its address.
    """

    def __init__(self, client: Client, url: str) -> None:
        self._client, self._url = client, url

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] = NOTHING,
        **names: str | int,
    ) -> dict[str, Any]:
        """Answer one call."""
        filled = path.format(**{name: quote(str(value), safe="") for name, value in names.items()})
        return await asyncio.to_thread(self._client.ask, method, f"{filled}?{urlencode(query)}".rstrip("?"), body)

    def working(self) -> str:
        """Say who works on the queue."""
        return f"The server at {self._url} works on the queue."


def _call(method: str, path: str) -> Call:
    return next(call for call in CALLS if call.method == method and call.bare_path == path)
