"""The command line on a machine whose clock is set forth and back, and whose time zone changes, all the time."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime as true_datetime
from datetime import tzinfo
from typing import Any
from unittest import mock

from search.ledger import lock, tables
from search.study import copies
from tests.engine.workloads import Scripted

ZONES = ("Pacific/Kiritimati", "UTC", "America/St_Johns", "Pacific/Niue", "Asia/Kathmandu")
JUMPS = (0, 40 * 86_400, -3_600, -400 * 86_400, 59, -86_400 * 20_000)
"""Seconds the clock is off: from question to question, in turn."""

true_time = time.time


def jumps() -> Callable[[], float]:
    """Return a clock that is off by another of the jumps at every question."""
    turn = itertools.cycle(JUMPS)
    return lambda: true_time() + next(turn)


class Datetime(true_datetime):
    """The time of day by such a clock."""

    clock = staticmethod(jumps())

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> true_datetime:  # type: ignore[override]
        return true_datetime.fromtimestamp(cls.clock(), tz)


@contextmanager
def set_all_the_time() -> Iterator[None]:
    """Let the clock jump, and the time zone change, as this process sees them; the monotonic clock goes on."""
    zone, over = os.environ.get("TZ"), threading.Event()

    def travel() -> None:
        for each in itertools.cycle(ZONES):
            os.environ["TZ"] = each
            time.tzset()
            if over.wait(0.05):
                break

    traveller = threading.Thread(target=travel, daemon=True)
    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(time, "time", jumps()))
        for module in (tables, lock, copies):
            patches.enter_context(mock.patch.object(module, "datetime", Datetime))
        traveller.start()
        try:
            yield
        finally:
            over.set()
            traveller.join()
            os.environ.pop("TZ", None)
            os.environ.update({} if zone is None else {"TZ": zone})
            time.tzset()


class Jumpy(Scripted):
    """`Scripted`, on workers whose clocks jump as well."""

    def start(self, fixed: Any, cpus: int, gpus: float) -> Any:
        time.time = jumps()
        os.environ["TZ"] = ZONES[fixed["x"] % len(ZONES)]
        time.tzset()
        return super().start(fixed, cpus, gpus)


def no_upload(*_: Any, **__: Any) -> None:
    """Stand in for the copying of Ray Tune's own state, whose end it would wait for by the clock."""
    raise AssertionError("Ray Tune saves a state of its own")


if __name__ == "__main__":
    import search.engine.executor.tune  # noqa: F401  # it prepares for Ray
    from search.__main__ import main

    with set_all_the_time(), mock.patch("ray.train._internal.storage._upload_to_fs_path", no_upload):
        main()
