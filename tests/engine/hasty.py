"""The command line, with chains that save their state for their own sake every second instead of every twenty."""

from __future__ import annotations

from typing import Any

from search.__main__ import main
from search.engine.decide.lease import WorkerSetup
from search.engine.executor import tune

ROLLING = 1.0

_usual = tune.worker_setup


def worker_setup(*arguments: Any, **more: Any) -> WorkerSetup:
    return _usual(*arguments, **{**more, "rolling": ROLLING})


def hurry() -> None:
    tune.worker_setup = worker_setup


if __name__ == "__main__":
    hurry()
    main()
