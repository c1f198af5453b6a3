"""Compare: settings of several studies in one table."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from search.core.errors import UserError
from search.ledger.answers import Listed, listed, one_listed
from search.service.acts import Service
from search.service.bounds import NUMBERS, number_of
from search.service.pages.home import MAX_FIND_LETTERS
from search.service.pages.shown import show

STUDIES_OFFERED = 20
"""Studies of a page of the list that can be chosen from."""


class Compare:
    """The page that compares."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def compare(self, request: Request) -> Response:
        """Settings of several studies in one table."""
        query = request.query_params
        chosen = [number_of(text, NUMBERS) for text in query.getlist("study")]
        base = number_of(query.get("base", "0"), NUMBERS)
        first, find = number_of(query.get("first", "0"), NUMBERS), query.get("find", "")[:MAX_FIND_LETTERS].strip()
        engine = self.service.ledger.engine

        def read() -> tuple[list[Listed], list[Listed]]:
            return [one_listed(engine, number) for number in chosen], listed(engine, first, STUDIES_OFFERED + 1, find)

        picked, studies = await asyncio.to_thread(read)
        table, reason = None, ""
        if chosen and "look" not in query:  # else somebody still looks for studies to choose
            try:
                table = await self.service.examiner.compare([study.name for study in picked], base)
            except UserError as error:
                reason = str(error)
        given = {
            "picked": picked,
            "studies": [study for study in studies[:STUDIES_OFFERED] if study.id not in chosen],
            "older": first + STUDIES_OFFERED if len(studies) > STUDIES_OFFERED else None,
            "newer": max(0, first - STUDIES_OFFERED) if first else None,
            "find": find,
            "table": table,
            "reason": reason,
            "query": "&".join(f"study={number}" for number in chosen),
        }
        return show(request, "compare.html", given, 400 if reason else 200)
