"""How many pages are watched at once: a part of all connections, so that others are answered beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sse_starlette import ServerSentEvent

from search.service.guard import Refused

MAX_STREAMS = 200
"""Pages that are watched at once, of the connections that a server takes (`search.service.serving.MAX_CONNECTIONS`)."""


class Streams:
    """Counts what is watched; for one event loop."""

    def __init__(self) -> None:
        self._open = 0

    def check(self) -> None:
        """Refuse one more.

        Raises:
            Refused: too many are watched.
        """
        if self._open >= MAX_STREAMS:
            raise Refused(503, f"{MAX_STREAMS} pages are watched already: reload this one to see how far it is")

    async def counted(self, events: AsyncIterator[ServerSentEvent]) -> AsyncIterator[ServerSentEvent]:
        """Yield events; none where too many are watched, as those are that were let in at one moment."""
        if self._open >= MAX_STREAMS:
            return
        self._open += 1
        try:
            async for event in events:
                yield event
        finally:
            self._open -= 1
