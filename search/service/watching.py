"""What a page that is watched is told as it happens, and the curves that it shows."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response

from search.core.errors import StudyNotFound
from search.core.queue import Entry, Phase
from search.ledger.answers import one_listed
from search.ledger.queue import EntryNotFound
from search.service.acts import Service
from search.service.bounds import OFFSETS_BYTES, number_of
from search.service.curve_picture import NARROW_PX, WIDE_PX, picture, shown
from search.service.moments import EVENT_SPACING_S, NOTHING, Moments
from search.service.streams import Streams
from search.service.templating import rendered


class Watching:
    """Tells watched pages of one server."""

    def __init__(self, service: Service) -> None:
        self.service, self.streams = service, Streams()
        self.moments = Moments(service.places.folder, self._phase, self._growth_of)

    def grown(self, entry: Entry) -> dict[str, object]:
        """Return the page of an entry's study, and how far that has come; empty before it is on record."""
        name = entry.study or entry.name
        try:
            page = f"/studies/{self.service.ledger.study(name).id}/"
            return {"study": page, "growth": self.growth(name, page, entry.phase is Phase.RUNNING)}
        except StudyNotFound:
            return {"study": "", "growth": {}}

    def growth(self, name: str, page: str, running: bool) -> dict[str, object]:
        """Return what pages show of how far a study has come; empty where nothing is on record."""
        grown = self.service.watcher.growth(name)
        found = shown(grown, page, running)
        if not found or not running:
            return found
        table = self.service.interims.newest(name, grown.done)
        return {**found, "interim": rendered("interim.html", {"table": table, "interim": True}) if table else ""}

    async def events(self, request: Request) -> Response:
        """What a page of a running entry is told as it happens."""
        number = int(request.path_params["entry"])
        entry = await asyncio.to_thread(self.service.queue.head, number)
        # What the page shows: the entry may have gone on since, and its command may have written more.
        phase, offset = request.query_params.get("phase", entry.state), request.query_params.get("from", "0")
        offset = request.headers.get("last-event-id") or offset  # a browser that was cut off asks the same again
        if entry.phase is Phase.ENDED and phase in (entry.state, str(entry.phase)):
            return Response(status_code=204)  # a browser asks no further: nothing more happens
        self.streams.check()
        return EventSourceResponse(self.streams.counted(self._events(number, phase, number_of(offset, OFFSETS_BYTES))))

    async def _events(self, number: int, phase: str, offset: int) -> AsyncIterator[ServerSentEvent]:
        folder, said, grown = self.service.places.folder(number), "", NOTHING
        since = time.monotonic()
        while True:
            moment = await self.moments.now(number, since)
            self.service.look()
            if moment.live != said:
                said = moment.live
                yield ServerSentEvent(said, event="live")
            if moment.growth not in (NOTHING, grown):
                grown = moment.growth
                yield ServerSentEvent(grown, event="growth")
            text, offset = moment.output(folder, offset)
            if text:
                yield ServerSentEvent(text, event="output", id=str(offset))
            if moment.phase != phase:
                yield ServerSentEvent(json.dumps({"phase": moment.phase}), event="phase")
                return
            await asyncio.sleep(EVENT_SPACING_S)

    def _growth_of(self, number: int) -> str:
        try:
            return json.dumps(self.grown(self.service.queue.head(number))["growth"])
        except EntryNotFound:
            return NOTHING

    async def curves(self, request: Request) -> Response:
        """A picture of the curves of a study, in one of two widths."""
        narrow = request.query_params.get("width") == "narrow"

        def read() -> str:
            study = one_listed(self.service.ledger.engine, int(request.path_params["study"]))
            return picture(self.service.watcher.growth(study.name), NARROW_PX if narrow else WIDE_PX)

        policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return Response(await asyncio.to_thread(read), media_type="image/svg+xml", headers=policy)

    def _phase(self, number: int) -> str:
        try:
            entry = self.service.queue.head(number)
            return str(entry.phase) if entry.phase is Phase.ENDED else entry.state
        except EntryNotFound:
            return "taken away"
