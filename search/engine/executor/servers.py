"""Whether Ray's servers are there while a run uses them. Free of Ray.

Without its raylet a run would wait for ever for workers; without its GCS Ray ends the process after a minute. The main
thread may be inside a call that does not return, so another one looks: it tells the run, which then ends in order, and
ends the process where the run cannot.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from search.core.errors import RayLost

SERVER_CHECK_INTERVAL_S = 1.0
"""Seconds between two looks."""

RUN_END_TIMEOUT_S = 30.0
"""Seconds after which a run that lost its Ray and has not ended is ended as by SIGKILL."""

SERVER_EXIT_NOTICE_S = 0.2
"""Seconds within which a server that took a worker with it is seen to have ended."""

NODE_EXIT_TIMEOUT_S = 10.0
"""Seconds that are waited for its end where Ray speaks of one: told to end, it ends its workers first."""

NODE_DEATH_PHRASES = ("node has died", "node was terminated", "node was dead", "raylet")
"""Words of Ray's that say that a worker died of its node."""

Listener = Callable[[RayLost], None]


class ServerWatch:
    """Looks after servers in a thread, from its making until `relieve` or `close`.

    Args:
        gone: which server is gone, and how, in words that follow "Ray's"; "" while all are there.
    """

    def __init__(self, gone: Callable[[], str]) -> None:
        self.lost: RayLost | None = None
        self.listener: Listener = lambda error: None
        self._gone = gone
        self._relieved, self._closed = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._look, name="servers", daemon=True)
        self._thread.start()

    def relieve(self) -> None:
        """Stop looking: the servers are about to be ended. Of one that was lost before, the run must still end soon."""
        self._relieved.set()
        if self.lost is None:
            self._thread.join(RUN_END_TIMEOUT_S)

    def close(self) -> None:
        """All is over."""
        self._relieved.set()
        self._closed.set()

    def look(self) -> RayLost | None:
        """Return the loss of a server, as of now."""
        if self.lost is None and not self._relieved.is_set() and (gone := self._gone()):
            self.lost = RayLost(gone)
        return self.lost

    def _look(self) -> None:
        while not self._relieved.wait(SERVER_CHECK_INTERVAL_S):
            if lost := self.look():
                self.listener(lost)
                break
        if self.lost is not None and not self._closed.wait(RUN_END_TIMEOUT_S):
            print(self.lost, file=sys.stderr)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self.lost.exit_code)  # what is committed is safe, and the guard ends Ray's processes


_watch: ServerWatch | None = None


@contextmanager
def watched(gone: Callable[[], str]) -> Iterator[ServerWatch]:
    """Look after the servers inside; see `ServerWatch`."""
    global _watch  # noqa: PLW0603  # Ray has one session per process
    _watch = watch = ServerWatch(gone)
    try:
        yield watch
    finally:
        _watch = None
        watch.close()


def fallen(said: str) -> RayLost | None:
    """Return the loss of a server of which a worker may have died, None where all are there.

    Args:
        said: what Ray said of that death.
    """
    watch = _watch
    if watch is None:
        return None
    until = time.monotonic() + (
        NODE_EXIT_TIMEOUT_S if any(words in said for words in NODE_DEATH_PHRASES) else SERVER_EXIT_NOTICE_S
    )
    while not (lost := watch.look()) and time.monotonic() < until:
        time.sleep(0.05)
    return lost


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Hear, in another thread, of the loss of a server of the Ray that is watched, if one is."""
    watch = _watch
    if watch is None:
        yield
        return
    watch.listener = listener
    try:
        if watch.lost is not None:
            listener(watch.lost)
        yield
    finally:
        watch.listener = lambda error: None
