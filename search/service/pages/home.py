"""Home: studies with their answers, what runs, and the queue."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from search.core.queue import Entry, Phase
from search.ledger.answers import Listed, listed
from search.ledger.pages import Page, ended_page
from search.service.acts import Service
from search.service.bounds import NUMBERS, number_of
from search.service.folder import live
from search.service.pages.shown import show
from search.service.waiting import prices

STUDIES_SHOWN = 20
ENDED_SHOWN = 10
MAX_FIND_LETTERS = 200


class Home:
    """The first page of a server."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def home(self, request: Request) -> Response:
        """Studies with their answers, what runs, and the queue."""
        first = number_of(request.query_params.get("first", "0"), NUMBERS)
        ended_after = request.query_params.get("ended_after", "")
        find = request.query_params.get("find", "")[:MAX_FIND_LETTERS].strip()
        engine, places = self.service.ledger.engine, self.service.places

        def read() -> tuple[list[Entry], Page[Entry], list[Listed], dict[int, dict[str, object]]]:
            entries = self.service.queue.open_entries()
            running = [entry for entry in entries if entry.phase is Phase.RUNNING]
            lives = {entry.id: live(places.folder(entry.id)) for entry in running}
            studies = listed(engine, first, STUDIES_SHOWN + 1, find)
            return entries, ended_page(engine, ENDED_SHOWN, ended_after), studies, lives

        entries, ended, studies, lives = await asyncio.to_thread(read)
        waiting = [entry for entry in entries if entry.phase is Phase.QUEUED]
        held = [entry for entry in entries if entry.phase is Phase.HELD]
        given = {
            "running": [(entry, lives[entry.id]) for entry in entries if entry.id in lives],
            "waiting": prices(waiting, list(lives.values()), self.service.slots),
            "held": held,
            "ended": ended.items,
            "ended_next": ended.next,
            "ended_later": bool(ended_after),
            "studies": studies[:STUDIES_SHOWN],
            "older": first + STUDIES_SHOWN if len(studies) > STUDIES_SHOWN else None,
            "newer": max(0, first - STUDIES_SHOWN) if first else None,
            "find": find,
        }
        return show(request, "home.html", given)
