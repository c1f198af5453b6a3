"""Telling people what becomes of the queue and of the disk, while a server runs; and of the disk while a study does."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from search.core.errors import UserError
from search.core.queue import Entry, Outcome
from search.ledger.answers import one_listed
from search.ledger.ledger import Ledger
from search.ledger.queue import Queue
from search.service.folder import QUEUE
from search.service.news import Told, news, notice_of, told_of
from search.service.notices import Notice

LOOK_SPACING_S = 2.0
DISK_SPACING_S = 10.0
ANSWER_TIMEOUT_S = 120.0
"""Seconds that a message on a study waits for its verdicts."""

MIN_FREE_BYTES = 2_000_000_000
"""Room on the disk below which it runs short."""

RECOVERY = 1.25
"""The disk runs short again only after it had so many times that room."""

Send = Callable[[Notice], object]


class Disk:
    """Notices once that a disk runs short, until there is room again."""

    def __init__(self, folder: Path, least: int = MIN_FREE_BYTES) -> None:
        self._folder, self._least, self._short = folder, least, False

    def look(self) -> Notice | None:
        """Return what is to be told now."""
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError:  # the folder is made later
            return None
        short = free < self._least * (RECOVERY if self._short else 1)
        before, self._short = self._short, short
        if not short or before:
            return None
        body = (
            f"{free / 1e9:.2f} GB are left where results lie. A full disk ends a run, and nothing that is committed is "
            "lost; `python -m search clean --states` makes room, and the same command goes on."
        )
        return Notice("The disk runs short", body, "warning")


@contextmanager
def disk_watched(folder: Path, send: Send) -> Iterator[None]:
    """Tell when a disk runs short, meanwhile."""
    over, disk = threading.Event(), Disk(folder)

    def watch() -> None:
        while True:
            if (notice := disk.look()) is not None:
                send(notice)
            if over.wait(DISK_SPACING_S):
                return

    threading.Thread(target=watch, name="disk", daemon=True).start()
    try:
        yield
    finally:
        over.set()


class Announcer:
    """Tells what becomes of a queue: each end once, also of what ended while no server ran.

    Args:
        ledger: of the studies.
        queue: in its database.
        results: the results folder, where it keeps what it told.
        send: sends a message.
    """

    def __init__(self, ledger: Ledger, queue: Queue, results: Path, send: Send) -> None:
        self._ledger, self._queue, self._send = ledger, queue, send
        self._file, self._disk = results / QUEUE / "told.json", Disk(results)
        self._since: dict[int, float] = {}
        self._known: Told | None = None  # what was told, also where the disk has no room for the file
        self._saved, self._seen = True, -1  # the last action of the queue that was looked at
        self._disk_at = -DISK_SPACING_S

    @contextmanager
    def working(self) -> Iterator[None]:
        """Tell, in a thread of its own, meanwhile."""
        over = threading.Event()

        def work() -> None:
            while not over.wait(LOOK_SPACING_S):
                with suppress(UserError, OSError):  # the database or the disk does not answer; the queue says so
                    self.step()

        thread = threading.Thread(target=work, name="announcer", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()

    def step(self) -> None:
        """Tell what there is to be told now."""
        if time.monotonic() - self._disk_at >= DISK_SPACING_S:
            self._disk_at = time.monotonic()
            if (notice := self._disk.look()) is not None:
                self._send(notice)
        last = self._queue.last_action()
        if last == self._seen and self._saved and not self._since:
            return
        entries, told = self._queue.entries(), self._told()
        if told is None:  # the first server that tells: what ended before is no news
            self._keep(told_of(entries, {}))
            self._seen = last
            return
        untold: list[Entry] = []
        for entry in news(entries, told):
            answer = self._answer(entry)
            if answer is None:
                untold.append(entry)
            else:
                self._send(notice_of(entry, answer))
        if (after := told_of(entries, told, untold)) != told or not self._saved:
            self._keep(after)
        self._seen = last

    def _answer(self, entry: Entry) -> Mapping[str, object] | None:
        """Return what the study of an entry came to; {} where there is nothing to say, None for not known yet."""
        if entry.outcome not in (Outcome.DONE, Outcome.FAILED_TRIALS):
            return {}
        since = self._since.setdefault(entry.id, time.monotonic())
        try:
            listed = one_listed(self._ledger.engine, self._ledger.study(entry.study or entry.name).id)
        except UserError:
            return {}
        if not listed.fresh and time.monotonic() - since < ANSWER_TIMEOUT_S:
            return None
        self._since.pop(entry.id, None)
        return listed.answer

    def _told(self) -> Told | None:
        if self._known is not None:
            return self._known
        try:
            found = json.loads(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except ValueError:  # half written
            return None
        return found if isinstance(found, dict) else None

    def _keep(self, told: Told) -> None:
        self._known, self._saved = told, False  # nothing is told twice for want of room
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            aside = self._file.with_suffix(".new")
            aside.write_text(json.dumps(dict(told)), "utf-8")
            aside.replace(self._file)
            self._saved = True
