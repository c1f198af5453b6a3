"""What is shown of a command that trains: to a person, or to the server that started it for an entry of its queue."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from search.engine.live import View


@contextmanager
def shown_of(results: str, storage: str | None, stream: TextIO) -> Iterator[View]:
    """Give what is shown of a run.

    Args:
        results, storage: where the ledger is.
        stream: where a person reads.
    """
    from search.engine.live import view_for

    entry = os.environ.pop("SEARCH_ENTRY", "")  # what this command starts is no entry itself
    if not entry:
        yield view_for(stream)
        return
    from search.ledger.queue import Queue
    from search.places import open_ledger
    from search.service.folder import Places
    from search.service.watched import running_entry

    place = Path(results)
    queue = Queue(open_ledger(place, storage).engine)
    with running_entry(queue, Places(place, storage), int(entry)) as view:
        yield view
