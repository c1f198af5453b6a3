"""What entries cost that are held back: each is priced, and starts by itself where that is no more than a bound.

An entry is put on record as held before anybody knows its price, so that whatever happens to the server between the two
it never starts by itself: the next server prices it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from search.core.errors import Faults, StorageFailed, UserError
from search.core.queue import Entry, NotNow, priced
from search.core.shown import first_line
from search.ledger.queue import SERVER, EntryNotFound, Queue
from search.service.examiner import Examiner
from search.service.submission import Submission

RETRY_SPACING_S = 5.0
"""Seconds after which it is tried again where the database or the disk does not answer."""


class Pricing:
    """Prices the entries of one queue that are held, one after the other.

    Args:
        queue: the queue.
        examiner: prices files.
        bound: core hours that start by themselves; None for any.
        say: told of what fails.
    """

    def __init__(self, queue: Queue, examiner: Examiner, bound: float | None, say: Callable[[str], object]) -> None:
        self.bound = bound
        self._queue, self._examiner, self._say = queue, examiner, say
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look for entries soon; may be called in any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._woken.set)

    async def work(self, woken: Callable[[], object]) -> None:
        """Price entries until cancelled.

        Args:
            woken: called where one may start.
        """
        self._loop = asyncio.get_running_loop()
        complaint = ""
        while True:
            self._woken.clear()
            pause = None
            try:
                await self._price_all(woken)
                complaint = ""
            except (StorageFailed, OSError) as error:  # a full disk, or a server that is restarted
                pause = RETRY_SPACING_S
                if (told := first_line(error)) != complaint:
                    complaint = told
                    self._say(f"entries wait for their price: {told}")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), pause)

    async def _price_all(self, woken: Callable[[], object]) -> None:
        for found in await asyncio.to_thread(self._queue.held_entries):
            if found.unpriced:
                with suppress(EntryNotFound, NotNow):  # it was taken away, stopped or released meanwhile
                    await self._price(await asyncio.to_thread(self._queue.entry, found.id))
                    woken()

    async def _price(self, entry: Entry) -> None:
        plan, why = await self._planned(entry)
        if plan is not None:
            await asyncio.to_thread(self._queue.put_price, entry.id, plan)
        hours = None if plan is None else core_hours(plan)
        change = partial(priced, core_hours=hours, bound=self.bound, why_none=why, server=SERVER)
        detail = "its price is unknown" if hours is None else f"costs {hours:.3g} core hours"
        await asyncio.to_thread(self._queue.change, entry.id, SERVER, "price", change, detail)

    async def _planned(self, entry: Entry) -> tuple[Mapping[str, Any] | None, str]:
        """Return the figures of an entry's plan, or why there are none."""
        try:
            planned = await self._examiner.ask("plan", Submission(entry.files, entry.options))
        except (StorageFailed, OSError):
            raise
        except Faults as error:
            return None, error.faults[0].message
        except UserError as error:
            return None, first_line(error)
        if planned["faults"]:
            return None, str(planned["faults"][0]["message"])
        return planned["plan"], ""


def core_hours(plan: Mapping[str, Any]) -> float | None:
    """Return what a study costs at most, in hours of one CPU core; None where nothing tells.

    What is on record costs nothing. Limits of its own file bound it; a confirm stage comes besides.

    Args:
        plan: its figures, as `search.plan.plan.Plan.to_json` has them.
    """
    seconds, cpus = plan["seconds"], plan["place"]["cpus_per_trial"]
    trained = math.inf if seconds["device"] is None else seconds["device"] * cpus / 3600
    limits = [cut["value"] for cut in plan["limits"] if cut["limit"] == "core_hours"]
    confirm, epoch_s = plan["epochs"]["confirm_stage_at_most"], seconds["epoch"]
    confirmed = 0.0 if not confirm else math.inf if epoch_s is None else confirm * epoch_s * cpus / 3600
    total = min(trained, *limits, math.inf) + confirmed
    return total if math.isfinite(total) else None
