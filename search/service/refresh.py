"""Keeping answers up to date behind the back of whoever reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import sqlalchemy as sa

from search.core.errors import UserError
from search.ledger.answers import stale
from search.service.examiner import Examiner

REFRESH_SPACING_S = 5.0
"""Seconds between two looks for answers that are out of date."""

REPEAT_PAUSE_S = 600.0
"""Seconds after which an answer that could not be made is tried again."""


async def refresh(engine: sa.Engine, examiner: Examiner, say: Callable[[str], object]) -> None:
    """Have every answer made that is missing or out of date, one after the other, until cancelled."""
    loop, failed = asyncio.get_running_loop(), dict[str, float]()
    while True:
        try:
            names = await asyncio.to_thread(stale, engine)
        except UserError:  # the database does not answer; the queue says so
            names = []
        for name in names:
            if loop.time() - failed.get(name, -REPEAT_PAUSE_S) < REPEAT_PAUSE_S:
                continue
            try:
                answer = await examiner.answer(name)
                reason = str(answer.get("error", ""))
            except UserError as error:
                reason = str(error)
            failed[name] = loop.time()
            if reason:
                say(f"the answer of study {name!r} cannot be made: {reason}")
            else:
                del failed[name]
        await asyncio.sleep(REFRESH_SPACING_S)
