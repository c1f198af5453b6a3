"""Working on the queue while no server does, so that an agent alone gets its studies run."""

from __future__ import annotations

import threading
from collections.abc import Callable

import sqlalchemy as sa

from search.core.errors import StudyLocked, UserError
from search.core.shown import first_line
from search.ledger.lock import server_lock
from search.service.supervisor import Supervisor

TRY_SPACING_S = 2.0
"""Seconds after which the queue is taken over from a server that has ended."""


class Runner:
    """Works on a queue in a thread of its own, whenever nobody else does.

    Args:
        engine: of the ledger.
        supervisor: works on the queue.
        say: told of what fails.
    """

    def __init__(self, engine: sa.Engine, supervisor: Supervisor, say: Callable[[str], object]) -> None:
        self._engine, self._supervisor, self._say = engine, supervisor, say
        self._over, self._state = threading.Event(), ""
        self._thread = threading.Thread(target=self._work, name="queue", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """End; commands that run go on."""
        self._over.set()
        self._supervisor.end()
        self._thread.join()

    def working(self) -> str:
        """Say who works on the queue, as a sentence."""
        return self._state or "The queue is being taken over."

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                with server_lock(self._engine):
                    self._state = (
                        "This connection works on the queue: studies that wait start as long as it, or a server "
                        "(`python -m search serve`), is there; one that runs goes on by itself."
                    )
                    self._supervisor.work()
            except StudyLocked as error:
                self._state = f"Another process works on the queue: {first_line(error).partition(';')[0]}."
            except (UserError, OSError) as error:
                state = f"Nobody works on the queue: {first_line(error)}."
                if state != self._state:
                    self._say(state)
                self._state = state
            self._over.wait(TRY_SPACING_S)
