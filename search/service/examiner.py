"""Having space files checked and priced, in processes of their own with a time limit; some stay warm per workload."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from search.core.errors import StudyNotFound, UserError
from search.service.examining import Pool
from search.service.folder import Places, environment, storage_words, write_files
from search.service.submission import Submission
from search.space.nodes import Problems
from search.space.yaml import parse
from search.system import limits

EXAMINING_TIMEOUT_S = 120.0
"""Seconds that a check or a plan may take."""

MAX_WARM = 2
"""Workloads whose processes stay, each with its workload imported."""

MAX_AT_ONCE = 4
"""Questions on one workload that are answered at once, at most."""

COMMAND = (sys.executable, "-m", "search.service.examine")

MAX_ANSWER_BYTES = 1 << 24


def at_once() -> int:
    """Return how many questions on one workload are answered at once: each takes a processor while it is answered."""
    return min(MAX_AT_ONCE, limits.cpus().usable)


class Examiner:
    """Asks processes of its own; for one event loop.

    Args:
        places: the results folder, and the database.
        allow_code: whether files may name code that is not installed.
    """

    def __init__(self, places: Places, allow_code: bool) -> None:
        self._places, self._allow_code = places, allow_code
        self._pools: dict[str, Pool] = {}
        self._ending: set[asyncio.Task[None]] = set()

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
        pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            await pool.close()

    async def _asked(self, workload: str, question: dict[str, str]) -> dict[str, Any]:
        try:
            return await self._pool(workload).ask(question, EXAMINING_TIMEOUT_S)
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

    def _pool(self, workload: str) -> Pool:
        """Return the processes of a workload; where there are too many workloads, those of one that rests are ended."""
        pool = self._pools.pop(workload, None)
        if pool is None:
            lasting = ":" not in workload  # what is not installed may change from one question to the next
            first = {"what": "settings", "workload": workload} if lasting and workload else None
            pool = Pool(self._start, at_once(), lasting, first)
        self._pools[workload] = pool  # the last one is the one that was asked last
        for name in [name for name, other in self._pools.items() if other.idle and other is not pool]:
            if len(self._pools) > MAX_WARM:
                task = asyncio.get_running_loop().create_task(self._pools.pop(name).close())
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)
        return pool

    async def _start(self) -> asyncio.subprocess.Process:
        _, password = storage_words(self._places.storage)
        return await asyncio.create_subprocess_exec(
            *COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            limit=MAX_ANSWER_BYTES,
            env=environment(self._allow_code, password),
        )


def _sound(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        raise (StudyNotFound if answer["kind"] == StudyNotFound.__name__ else UserError)(answer["error"])
    return answer


def _workload_named(submitted: Submission) -> str:
    """Return the workload that a submission names, as far as its files say it; it only says which process is asked."""
    for name, text in submitted.files.items():
        root = parse(text, name, Problems())
        node = root.entries.get("workload") if root is not None else None
        if node is not None and isinstance(node.value, str):
            return node.value
    return ""
