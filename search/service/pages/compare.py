"""Compare: settings of several studies in one table."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from search.core.errors import UserError
from search.ledger.answers import listed, one_listed
from search.service.acts import Service
from search.service.bounds import NUMBERS, number_of
from search.service.pages.shown import show

STUDIES_COMPARED = 50
"""Studies that can be chosen to be compared: the newest."""


class Compare:
    """The page that compares."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def compare(self, request: Request) -> Response:
        """Settings of several studies in one table."""
        query = request.query_params
        chosen = [number_of(text, NUMBERS) for text in query.getlist("study")]
        base = number_of(query.get("base", "0"), NUMBERS)
        engine = self.service.ledger.engine
        studies = await asyncio.to_thread(listed, engine, 0, STUDIES_COMPARED)
        table, reason = None, ""
        if chosen:
            names = [(await asyncio.to_thread(one_listed, engine, number)).name for number in chosen]
            try:
                table = await self.service.examiner.compare(names, base)
            except UserError as error:
                reason = str(error)
        again = "&".join(f"study={number}" for number in chosen)
        given = {"studies": studies, "chosen": chosen, "table": table, "reason": reason, "query": again}
        return show(request, "compare.html", given, 400 if reason else 200)
