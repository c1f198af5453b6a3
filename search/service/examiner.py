"""Having space files checked and priced, in processes of their own with a time limit; one stays warm per workload."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search.core.errors import StudyNotFound, UserError
from search.service.folder import Places, environment, storage_words, write_files
from search.service.submission import Submission
from search.space.nodes import Problems
from search.space.yaml import parse

EXAMINING_TIMEOUT_S = 120.0
"""Seconds that a check or a plan may take."""

MAX_WARM = 2
"""Processes that stay, each with its workload imported."""

MAX_ANSWER_BYTES = 1 << 24


@dataclass
class _Child:
    """A process that examines; one question at a time."""

    process: asyncio.subprocess.Process
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Examiner:
    """Asks processes of its own; for one event loop.

    Args:
        places: the results folder, and the database.
        allow_code: whether files may name code that is not installed.
    """

    def __init__(self, places: Places, allow_code: bool) -> None:
        self._places, self._allow_code = places, allow_code
        self._warm: dict[str, _Child] = {}

    async def ask(self, what: str, submitted: Submission) -> dict[str, Any]:
        """Have a submission examined.

        Args:
            what: ``check`` or ``plan``.
            submitted: the files and options.

        Returns:
            what `search.service.examine.answered` does.

        Raises:
            UserError: it took too long, or the process that examined it ended.
        """
        with tempfile.TemporaryDirectory(prefix="search-examine-") as folder:
            path = await asyncio.to_thread(write_files, Path(folder), submitted.files)
            storage, _ = storage_words(self._places.storage)
            question = {
                "what": what,
                "file": str(path),
                "folder": str(path.parents[submitted.name.count("/")]),
                "options": json.dumps(dict(submitted.options)),
                "results": str(self._places.results),
                "storage": storage[1] if storage else "",
            }
            return await self._asked(await asyncio.to_thread(_workload_named, submitted), question)

    async def answer(self, study: str) -> dict[str, Any]:
        """Have the answer of a study on record made and kept, in a process that imports no workload.

        Raises:
            UserError: it took too long, or the process that made it ended.
        """
        storage, _ = storage_words(self._places.storage)
        return await self._asked(
            "",
            {
                "what": "answer",
                "study": study,
                "results": str(self._places.results),
                "storage": storage[1] if storage else "",
            },
        )

    async def read(self, what: str, study: str) -> dict[str, Any]:
        """Have a study on record read: its table, its verdicts or its audit, as `search.service.readings` has them, or
        its comparison while it runs, as `search.service.interim` does.

        Raises:
            StudyNotFound: there is none of that name.
            UserError: it took too long, or the process that read it ended.
        """
        storage, _ = storage_words(self._places.storage)
        place = {"results": str(self._places.results), "storage": storage[1] if storage else ""}
        return _sound(await self._asked("", {"what": what, "study": study, **place}))

    async def compare(self, studies: Sequence[str], base: int) -> dict[str, Any]:
        """Have settings of several studies compared, as `search.service.compared` does.

        Raises:
            StudyNotFound: there is none of a name.
            UserError: they cannot be put into one table, or it took too long.
        """
        storage, _ = storage_words(self._places.storage)
        place = {"results": str(self._places.results), "storage": storage[1] if storage else ""}
        question = {"what": "compare", "studies": json.dumps(list(studies)), "base": str(base), **place}
        return _sound(await self._asked("", question))

    async def settings(self, workload: str) -> dict[str, Any]:
        """Have the settings of a workload read, in a process that imports it.

        Raises:
            UserError: there is no such workload, it may not be imported, or it took too long.
        """
        return _sound(await self._asked(workload, {"what": "settings", "workload": workload}))

    async def close(self) -> None:
        """End all processes."""
        children, self._warm = list(self._warm.values()), {}
        for child in children:
            await _end(child.process)

    async def _asked(self, workload: str, question: dict[str, str]) -> dict[str, Any]:
        while True:
            child = await self._child(workload)
            async with child.lock:
                if child.process.returncode is None:  # it may have been ended while somebody else was answered
                    return await self._asked_of(child, workload, question)

    async def _asked_of(self, child: _Child, workload: str, question: dict[str, str]) -> dict[str, Any]:
        try:
            return await asyncio.wait_for(_answer(child.process, question), EXAMINING_TIMEOUT_S)
        except TimeoutError as error:
            raise UserError(
                f"{question['what']}: its workload {workload!r} took longer than {EXAMINING_TIMEOUT_S:.0f} s and "
                "was ended; try `python -m search check` where the file lies"
            ) from error
        except (OSError, ValueError, EOFError) as error:
            raise UserError(
                f"{question['what']}: the process that looked at the file ended; its workload {workload!r} may "
                "have ended it: try `python -m search check` where the file lies"
            ) from error
        finally:
            # What is not installed may change from one question to the next; so may a process that failed.
            if self._warm.get(workload) is not child or child.process.returncode is not None or ":" in workload:
                await _end(child.process)
                if self._warm.get(workload) is child:
                    del self._warm[workload]

    async def _child(self, workload: str) -> _Child:
        child = self._warm.get(workload)
        if child is None or child.process.returncode is not None:
            _, password = storage_words(self._places.storage)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "search.service.examine"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
                limit=MAX_ANSWER_BYTES,
                env=environment(self._allow_code, password),
            )
            child = _Child(process)
            self._warm[workload] = child
            for name in [name for name, other in self._warm.items() if not other.lock.locked()][: -MAX_WARM or None]:
                if len(self._warm) > MAX_WARM and name != workload:
                    await _end(self._warm.pop(name).process)
        return child


def _sound(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        raise (StudyNotFound if answer["kind"] == StudyNotFound.__name__ else UserError)(answer["error"])
    return answer


async def _answer(process: asyncio.subprocess.Process, question: dict[str, str]) -> dict[str, Any]:
    """Ask a process; it is ended where it does not answer as it should."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(question).encode() + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
        if not line:
            raise EOFError("no answer")
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise ValueError("no mapping")
        return answer
    except BaseException:
        await _end(process)
        raise


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process, and all that it started."""
    with suppress(ProcessLookupError, PermissionError):
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _workload_named(submitted: Submission) -> str:
    """Return the workload that a submission names, as far as its files say it; it only says which process is asked."""
    for name, text in submitted.files.items():
        root = parse(text, name, Problems())
        node = root.entries.get("workload") if root is not None else None
        if node is not None and isinstance(node.value, str):
            return node.value
    return ""
