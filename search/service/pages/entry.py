"""An entry: watched while it runs, and what can be done with it."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from search.core.errors import UserError
from search.core.queue import Entry
from search.service import acts
from search.service.acts import Service
from search.service.bounds import POSITIONS, number_of
from search.service.folder import arguments, live, output_from, verb
from search.service.pages.shown import places_words, show, text_of
from search.service.people import Person, Role, require
from search.service.watching import Watching

OUTPUT_SHOWN_BYTES = 1 << 16


ENTRY_ACTS: Mapping[str, Callable[[Service, Person, int], object]] = {
    "stop": acts.stop,
    "again": acts.again,
    "release": acts.release,
    "delete": acts.delete,
}


class EntryPage:
    """The page of an entry of the queue."""

    def __init__(self, service: Service, watching: Watching) -> None:
        self.service, self.watching = service, watching

    async def entry(self, request: Request) -> Response:
        """One entry: watched while it runs, right after a reload."""
        number = int(request.path_params["entry"])

        def read() -> dict[str, object]:
            entry, folder = self.service.queue.entry(number), self.service.places.folder(number)
            output, written = output_from(folder, -OUTPUT_SHOWN_BYTES)
            return {
                "entry": entry,
                "live": live(folder),
                "output": output,
                "written": written,
                "actions": self.service.queue.actions(number),
                "command": self._command(entry),
                **self.watching.grown(entry),
            }

        given = await asyncio.to_thread(read)
        self.service.look()
        return show(request, "entry.html", given)

    async def act(self, request: Request) -> Response:
        """Do something to an entry, and show it."""
        number, deed, person = int(request.path_params["entry"]), request.path_params["act"], request.state.person
        require(person, Role.RUNNER, f"{deed} an entry")
        if deed == "move":
            async with request.form(max_files=0, max_fields=5) as form:
                position = number_of(text_of(form, "position"), POSITIONS)
            await asyncio.to_thread(acts.move, self.service, person, number, position)
        else:
            if deed not in ENTRY_ACTS:
                raise UserError(f"there is no action {deed[:40]!r}")
            await asyncio.to_thread(ENTRY_ACTS[deed], self.service, person, number)
        return RedirectResponse("/" if deed == "delete" else f"/entries/{number}", 303)

    def _command(self, entry: Entry) -> str:
        words = ["python", "-m", "search", verb(entry.options), next(iter(entry.files)), *arguments(entry.options)]
        return shlex.join([*words, *places_words(self.service)])
