"""A process of its own in which a workload is asked what it is, and trains a first epoch to be timed.

What a process has imported and set can change what it answers; a fresh one is like a worker. It is given plain data on
its input and answers with plain data on its last line.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from search.core.errors import UserError
from search.system.module_path import working_folder_last

SECOND_EPOCH_LIMIT_S = 5.0
"""Seconds up to which a first epoch is followed by a second one, which counts: the first pays for the start."""

END_TIMEOUT_S = 5.0
"""Seconds in which what a process has written is read once it has ended: one that it started may hold the pipe."""

FIRST_EPOCHS = "the first epochs of the run"
"""Source of the seconds of an epoch where a run was planned with none on record."""

_MARK, _ENDED = "answer: ", "ended: "
_FAULTS = "search.workload.settings.SettingFaults: "  # how Python names it; the sentence behind it is for people


@dataclass(frozen=True)
class Probe:
    """What training one epoch showed.

    Attributes:
        seconds: of the epoch.
        size: bytes of the state after it; None where it cannot be saved.
        start: seconds from the start of the process until it began; None where nobody looked.
        source: where it is from, for people.
    """

    seconds: float
    size: int | None
    start: float | None = None
    source: str = "a probe of one epoch, made now"


def ask_class(workload: str, cpus: int, gpus: float) -> dict[str, str]:
    """Return what a fresh process answers for its execution class.

    Raises:
        UserError: the workload cannot be imported there, or does not answer.
    """
    with AskedClass(workload, cpus, gpus) as asked:
        return asked.answer()


def probe(
    workload: str, cpus: int, gpus: float, fixed: Mapping[str, object], schedule: Sequence[Mapping[str, object]]
) -> Probe:
    """Train the first epoch of a schedule in a fresh process and time it; the row is dropped.

    Raises:
        UserError: it cannot be trained.
    """
    asked = {"what": "epoch", "workload": workload, "cpus": cpus, "gpus": gpus}
    began = time.monotonic()
    answer = _ask({**asked, "fixed": dict(fixed), "schedule": [dict(each) for each in schedule[:2]]})
    return Probe(answer["seconds"], answer["size"], answer["began"] - began)


def _ask(question: Mapping[str, Any]) -> dict[str, Any]:
    with _Asked(question) as asked:
        return asked.found()


class _Asked:
    """A fresh process that answers a question meanwhile; it ends with the context.

    Args:
        question: plain data, with ``workload`` and ``cpus``.
    """

    def __init__(self, question: Mapping[str, Any]) -> None:
        self._workload, places = question["workload"], working_folder_last(sys.path)
        self._question = json.dumps({**question, "sys_path": places})
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__],  # by its path: the rest of this package takes a second to import
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",  # what a workload prints is its own affair
            env=_environment(int(question["cpus"]), places),
        )
        self._told: list[tuple[str, str]] = []
        self._reader = threading.Thread(target=self._listen, name="asked", daemon=True)
        self._reader.start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # ended before it has read the question
            self._told.append(self._process.communicate(self._question))

    def found(self, timeout_s: float | None = None) -> dict[str, Any]:
        """Return the answer, once it is there.

        Raises:
            UserError: there is none, or none within the time.
        """
        self._reader.join(timeout_s)
        out, err = self._told[0] if self._told else ("", "")
        lines = [line for line in out.splitlines() if line.startswith(_MARK)]
        if not lines or self._process.poll():
            code = self._process.poll()
            ended = f"it ended with code {code}" if code is not None else f"no answer within {timeout_s:g} s"
            reason = (err.strip().splitlines() or [ended])[-1]
            prepared = f"workload {self._workload!r} cannot be prepared on a worker"
            raise UserError(f"{prepared}: {reason.removeprefix(_ENDED).removeprefix(_FAULTS)}")
        return dict(json.loads(lines[-1].removeprefix(_MARK)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._reader.join(END_TIMEOUT_S)


class AskedClass(_Asked):
    """A fresh process that says meanwhile of which execution class it is; it ends with the context.

    Args:
        workload: as a space file names it.
        cpus, gpus: of one trial.

    Attributes:
        given: these CPUs and GPUs.
    """

    def __init__(self, workload: str, cpus: int, gpus: float) -> None:
        super().__init__({"what": "class", "workload": workload, "cpus": cpus, "gpus": gpus})
        self.given = cpus, gpus

    def answer(self, timeout_s: float | None = None) -> dict[str, str]:
        """Return the execution class, once it is there.

        Raises:
            UserError: the workload cannot be imported there, or does not answer within the time.
        """
        return {str(name): str(value) for name, value in self.found(timeout_s).items()}


def _environment(cpus: int, places: Sequence[str]) -> dict[str, str]:
    """Return this process's environment as a worker has it: as many threads as CPUs, and our modules to be found."""
    return {"OMP_NUM_THREADS": str(cpus), **os.environ, "PYTHONPATH": os.pathsep.join(places)}


def answer() -> None:
    """Answer the question on standard input; runs in the fresh process."""
    question = json.load(sys.stdin)
    sys.path[:] = [*question["sys_path"], *(place for place in sys.path if place not in question["sys_path"])]
    from search.workload import load_workload
    from search.workload.foreign import reason_of

    workload = load_workload(question["workload"])
    try:
        found = _found(workload, question)
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as error:  # SystemExit and its like would end this process and give no reason
        sys.exit(f"{_ENDED}{reason_of(error)}")
    print(f"\n{_MARK}{json.dumps(found, default=str)}")


def _found(workload: Any, question: Mapping[str, Any]) -> Mapping[str, object]:
    cpus, gpus = question["cpus"], question["gpus"]
    if question["what"] == "class":
        return dict(workload.execution_class(cpus, gpus))
    run = workload.start(question["fixed"], cpus, gpus)
    first, seconds = time.monotonic(), 0.0  # a clock that all processes of a machine share
    for settings in question["schedule"]:
        began = time.monotonic()
        run.train_epoch(settings)
        seconds = time.monotonic() - began
        if seconds > SECOND_EPOCH_LIMIT_S:
            break
    try:
        size: int | None = len(run.save())
    except Exception:  # states cannot be kept: `run` says why when it comes to that
        size = None
    return {"seconds": seconds, "size": size, "began": first}


if __name__ == "__main__":
    answer()
