"""What a command of the queue tells its server: how far it is, in a file that is replaced whole, and how it ended."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from search.core.errors import (
    ClaimContradicted,
    ClaimUndecided,
    StorageFailed,
    StudyInterrupted,
    StudyLocked,
    UserError,
)
from search.core.errors import TrialsFailed as TrialsFailed
from search.core.queue import MAX_PAUSE_S, Entry, NotNow, Outcome, concluded, postponed
from search.core.shown import one_line, printable
from search.engine.decide.outcomes import Progress
from search.engine.drawn import Label, awaited, bar, comparison
from search.engine.live import Lines, plain_label
from search.ledger.queue import EntryNotFound, Queue
from search.ledger.tables import utc_now
from search.service.folder import Places, lacks_room, live_file

STOP_POLL_S = 1.0
"""Seconds between two looks whether somebody asked to stop."""

LIVE_SPACING_S = 1.0
"""Seconds between two writings of how far the command is."""

LIVE_COLUMNS = 110
LIVE_LINES = 60
"""Size of the comparison that is written."""

FINAL_TRIES = 5
"""Times that the end of a command is written to a database that does not answer."""


class Watched(Lines):
    """One line per event, as in a log; and once in a while how far it all is, in a file.

    Args:
        path: the file.
        named: told the study's name on record.
    """

    def __init__(self, path: Path, named: Callable[[str], object]) -> None:
        super().__init__()
        self._path, self._named = path, named
        self._study, self._last = "", ""
        self.limit = ""
        self._written, self._trains_since = 0.0, time.monotonic()
        self._shown_label: Label = plain_label
        self._behind = False  # whether something happened since
        self._lock = threading.Lock()

    def name_study(self, name: str) -> None:
        """Note which study is worked on."""
        self._study = name
        self._named(name)
        self._write()

    def name_settings(self, label: Label) -> None:
        """Call settings so."""
        super().name_settings(label)
        self._shown_label = label

    def say(self, text: str) -> None:
        """Print a line, and write it down as the last one."""
        super().say(text)
        self._last = one_line(text)
        self._write()

    def limited(self, text: str) -> None:
        """Print it, and keep it as what the entry ended with."""
        super().limited(text)
        self.limit = text

    def event(self, kind: str, what: Mapping[str, Any]) -> None:
        """Print what a log has, and write how far it is, at most once in `LIVE_SPACING_S`."""
        super().event(kind, what)
        self._behind |= kind != "workers" or bool(what["changed"])
        if self._behind and time.monotonic() - self._written >= LIVE_SPACING_S:
            self._write()

    def begin(self, progress: Progress) -> None:
        """Training begins."""
        self._trains_since = time.monotonic()
        super().begin(progress)

    def end(self) -> None:
        """Training is over."""
        super().end()
        self._write()

    def _write(self) -> None:
        with self._lock, suppress(OSError):  # a full disk does not end a study
            self._written, self._behind = time.monotonic(), False
            aside = self._path.with_suffix(".new")
            aside.write_text(json.dumps(self._plain()), "utf-8")
            aside.replace(self._path)

    def _plain(self) -> dict[str, object]:
        head: dict[str, object] = {"at": utc_now(), "study": self._study, "last": self._last}
        progress = self._progress
        if progress is None:
            return head
        now = time.monotonic()
        waits_for = awaited(progress, now - self._trains_since)
        return {
            **head,
            "trials": progress.total,
            "trials_ended": progress.done,
            "epochs_trained": progress.epochs_trained,
            "epochs_planned": progress.epochs_planned,
            "seconds_left": None if progress.ends_at is None else max(0.0, progress.ends_at - now),
            "workers": [{**asdict(worker), "text": worker.text} for worker in progress.workers],
            "bar": bar(progress, LIVE_COLUMNS, now, waits_for),
            "comparison": [
                {"text": line.text, "style": line.style}
                for line in comparison(progress, self._shown_label, LIVE_COLUMNS, LIVE_LINES)
            ],
        }


@contextmanager
def running_entry(queue: Queue, places: Places, number: int) -> Iterator[Watched]:
    """Run as the command of an entry: hear when somebody asks to stop, and put on record how it ended.

    Where it was interrupted and nobody had asked for that, the entry stays as it is: its server starts it again.

    Yields:
        what is to be shown while it runs.
    """
    over = threading.Event()
    listening = threading.Thread(target=_listen, args=(queue, number, over), name="stops", daemon=True)
    listening.start()
    view = Watched(live_file(places.folder(number)), partial(queue.name_study, number))
    try:
        yield view
    except BaseException as error:
        _put_end(queue, number, error, view.limit)
        raise
    else:
        _put_end(queue, number, None, view.limit)
    finally:
        over.set()


def _listen(queue: Queue, number: int, over: threading.Event) -> None:
    """Send this process a SIGTERM for each time that somebody asked to stop: the second one ends it at once."""
    heard = 0
    while not over.wait(STOP_POLL_S):
        with suppress(StorageFailed):
            for _ in range(queue.stops(number) - heard):
                heard += 1
                os.kill(os.getpid(), signal.SIGTERM)


def _put_end(queue: Queue, number: int, error: BaseException | None, limit: str) -> None:
    for attempt in range(FINAL_TRIES):
        try:
            change = _change(queue.entry(number), error, limit)
            if change is not None:
                queue.change(number, "command", "end", change)
            return
        except (NotNow, EntryNotFound):  # it was taken away, or buried: nothing is left to be said
            return
        except StorageFailed:
            time.sleep(2.0**attempt)


def _change(entry: Entry, error: BaseException | None, limit: str) -> Callable[[Entry], Entry] | None:
    """Return what becomes of an entry whose command ended so, perhaps at a limit; None where it is started again."""
    now = utc_now()
    sentence = printable(str(error or ""), lines=True)[:4000]
    if error is None or isinstance(error, (ClaimContradicted, ClaimUndecided)):
        return lambda found: concluded(found, now, Outcome.DONE, "; ".join(filter(None, [limit, sentence])))
    if isinstance(error, TrialsFailed):
        return lambda found: concluded(found, now, Outcome.FAILED_TRIALS, sentence)
    if isinstance(error, (StudyInterrupted, KeyboardInterrupt)):
        if not entry.stops:
            return None
        return lambda found: concluded(found, now, Outcome.STOPPED, sentence or "stopped; it can go on")
    if isinstance(error, StudyLocked):
        return lambda found: postponed(found, now, f"waits: {sentence}")
    if isinstance(error, StorageFailed) or lacks_room(error):  # nothing is wrong with the study
        return lambda found: postponed(found, now, f"waits: {sentence}", MAX_PAUSE_S)
    if isinstance(error, UserError):
        return lambda found: concluded(found, now, Outcome.REFUSED, sentence)
    told = f"a bug of ours: {type(error).__name__}: {sentence}"
    return lambda found: concluded(found, now, Outcome.BROKEN, told)
