"""Commands of the program of these tests, as a space file would describe them."""

from __future__ import annotations

import json
from typing import Any

import psutil

from search.adapters.command import Command
from search.adapters.command.process import CommandFailed
from search.adapters.command.run import CommandRun

PROGRAM = "tests/adapters/command/program.sh"
LINE = f"./{PROGRAM} {{act}} {{x}} {{seed}}"
NAME = "command " + json.dumps({"run": f"{LINE} 3", "settings": {"act": "string", "x": "integer"}, "source": [PROGRAM]})
"""Of a workload that ends by itself after three rows, for the suite of the contract."""


def command(more: str = " {epochs} {folder}/rows.jsonl", **definition: Any) -> Command:
    return Command({"run": LINE + more, **definition})


ENDLESS = command(" 5")
"""Is not told how many epochs it is asked for."""


def begin(act: str, workload: Command | None = None, epochs: int = 2, **settings: Any) -> CommandRun:
    workload = workload or command()
    canonical = workload.canonical({"act": act, "x": 1, "seed": 0, **settings})
    return workload.start(workload.schedule(canonical, epochs)[0], 1, 0)


def rows(act: str, workload: Command | None = None, epochs: int = 2, **settings: Any) -> list[dict[str, object]]:
    run = begin(act, workload, epochs, **settings)
    return [dict(run.train_epoch({})) for _ in range(epochs)]


def failure(act: str, workload: Command | None = None, epochs: int = 2) -> str:
    """Return the sentence with which a run fails."""
    try:
        found = rows(act, workload, epochs)
    except CommandFailed as error:
        return str(error).splitlines()[-1]
    raise AssertionError(f"it did not fail: {found}")


def gone(process: int) -> bool:
    """Whether a process is there no more; of one that nobody has asked for yet nothing runs."""
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
