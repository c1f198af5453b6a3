"""The command line, whose driver is killed at the commit of a row with a state: the state lies on disk by then."""

from __future__ import annotations

import os
import signal
from typing import Any

from search.__main__ import main
from search.engine.decide.driver import Driver
from search.engine.decide.keeping import Keeper
from tests.engine import hasty

DOOM = "TEST_DOOM"
"""Environment variable: ``before``, ``within`` or ``after`` the transaction, and which state it is, counted from 1."""

MOMENTS = ("before", "within", "after")


def doom(moment: str, number: int) -> None:
    """Kill this process at that moment."""
    count = [0]
    row, commit = Driver.row, Keeper.commit

    def die(now: str) -> None:
        if now == moment and count[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def doomed_row(self: Driver, lease: int, what: Any, seconds: float, kept: Any = None, unkept: str = "") -> bool:
        count[0] += kept is not None
        if kept is not None:
            die("before")
        goes_on = row(self, lease, what, seconds, kept, unkept)
        if kept is not None:
            die("after")
        return goes_on

    def doomed_commit(self: Keeper, step: Any, lease: Any, kept: Any) -> list[str]:
        stale = commit(self, step, lease, kept)
        if kept is not None:
            step.flush()
            die("within")
        return stale

    Driver.row, Keeper.commit = doomed_row, doomed_commit  # type: ignore[method-assign]


if __name__ == "__main__":
    hasty.hurry()
    moment, number = os.environ.get(DOOM, " 0").split(" ")
    doom(moment, int(number))
    main()
