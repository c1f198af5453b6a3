"""What a server does with its queue, again and again: start what is due, adopt what lives, start again what died."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from search.core.errors import StorageFailed
from search.core.queue import NotNow, begun, died, due, postponed, restarted
from search.core.shown import first_line
from search.ledger.queue import SERVER, EntryNotFound, Queue
from search.ledger.tables import utc_now
from search.ledger.trouble import room
from search.service.folder import Places, lives, start

LOOK_SPACING_S = 1.0
"""Seconds between two looks at the queue, where nothing wakes the server before."""


class Supervisor:
    """Works on one queue; for whoever holds its lock.

    Args:
        queue: the queue.
        places: where the entries have their folders.
        slots: commands that run at once.
        allow_code: whether files may name code that is not installed.
        say: told of what fails.
    """

    def __init__(
        self, queue: Queue, places: Places, slots: int, allow_code: bool, say: Callable[[str], object]
    ) -> None:
        self._queue, self._places, self._slots, self._allow_code, self._say = queue, places, slots, allow_code, say
        self._children: list[subprocess.Popen[bytes]] = []
        self._wake = threading.Event()
        self._over = threading.Event()
        self._complaint = ""

    def wake(self) -> None:
        """Look at the queue soon: something has changed."""
        self._wake.set()

    def end(self) -> None:
        """Let `work` return; commands that run go on."""
        self._over.set()
        self._wake.set()

    def work(self) -> None:
        """Look at the queue until `end` is called."""
        while not self._over.is_set():
            try:
                self.step()
                self._complaint = ""
            except (StorageFailed, OSError) as error:  # it is tried again: a full disk or a server that is restarted
                if (complaint := self._told(error)) != self._complaint:
                    self._complaint = complaint
                    self._say(f"the queue waits: {complaint}")
            self._wake.wait(LOOK_SPACING_S)
            self._wake.clear()

    def step(self) -> None:
        """Do what is due now."""
        self._children = [child for child in self._children if child.poll() is None]  # poll() buries what has ended
        entries = self._queue.open_entries()
        living = {entry.id for entry in entries if lives(self._places.folder(entry.id))}
        names = {entry.id: entry.name for entry in entries}
        for what, number in due(entries, living, self._slots, utc_now()):
            try:
                self._do(what, number, names[number])
            except (NotNow, EntryNotFound):  # somebody stopped it, or took it away, a moment ago
                continue

    def _do(self, what: str, number: int, name: str) -> None:
        now, reached = utc_now(), self._queue.reached(name)
        if what == "bury":
            # Looked at again: its end may have come on record between the two questions.
            self._queue.change(number, SERVER, "found dead", partial(died, now=now, reached=reached))
            return
        change = partial(begun, now=now, reached=reached) if what == "start" else restarted
        entry = self._queue.change(number, SERVER, what, change)
        try:
            child = start(self._places, entry, self._allow_code)
        except OSError as error:
            with suppress(NotNow, EntryNotFound):
                waits = partial(postponed, now=utc_now(), said=f"waits: {self._told(error)}")
                self._queue.change(number, SERVER, "cannot start", waits)
            raise
        if child is not None:
            self._children.append(child)

    def _told(self, error: Exception) -> str:
        """Return why the queue, or an entry, waits, with what to do about it."""
        if isinstance(error, OSError):
            reason = error.strerror or first_line(error)
            return f"{reason}: {room(self._places.results)}: make room there, and it goes on"
        return first_line(error)
