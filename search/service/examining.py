"""Processes that answer a server's questions on one workload: several at once, and as few as do.

The first question starts one. Where another question comes while all are busy, one more is started behind the back of
whoever asks: they are answered by whichever is free first, for to import a workload takes longer than most answers.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

Process = asyncio.subprocess.Process


class Pool:
    """The processes of one workload; for one event loop.

    Args:
        start: starts one.
        most: processes at once.
        lasting: whether a process answers more than one question.
        first: a question by which another process gets ready; None where it is ready at once.
    """

    def __init__(
        self, start: Callable[[], Awaitable[Process]], most: int, lasting: bool, first: Mapping[str, str] | None
    ) -> None:
        self._start, self._most, self._lasting, self._first = start, most, lasting, first
        self._free: list[Process] = []
        self._there: set[Process] = set()
        self._count = 0  # of those that are there, or about to be
        self._asking = 0
        self._closed = False
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def idle(self) -> bool:
        """Whether nobody asks, and nothing is being started."""
        return not self._asking and not self._tasks

    async def ask(self, question: Mapping[str, str], seconds: float) -> dict[str, Any]:
        """Ask whichever process is free first.

        Args:
            question: as `search.service.examine.answered` takes it.
            seconds: the answer may take, from when a process is free.

        Raises:
            TimeoutError: it took longer.
            OSError, ValueError, EOFError: the process ended, or answered no mapping.
        """
        self._asking += 1
        try:
            process = await self._taken()
            try:
                return await asyncio.wait_for(_answer(process, question), seconds)
            finally:
                await self._give_back(process)
        finally:
            self._asking -= 1

    async def close(self) -> None:
        """End all processes, those that answer too."""
        self._closed = True
        for task in list(self._tasks):
            task.cancel()
        self._count -= len(self._free)
        self._free.clear()
        for process in list(self._there):
            await end(process)
        self._there.clear()

    async def _taken(self) -> Process:
        async with self._changed:
            while True:
                while self._free:
                    process = self._free.pop()
                    if process.returncode is None:
                        return process
                    self._count -= 1  # it was ended while nobody asked
                    self._there.discard(process)
                if not self._count or (self._first is None and self._count < self._most):
                    return await self._started()
                if self._count < self._most:
                    self._count += 1
                    task = asyncio.get_running_loop().create_task(self._make_ready())
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
                await self._changed.wait()

    async def _started(self) -> Process:
        self._count += 1
        try:
            process = await self._start()
        except BaseException:
            self._count -= 1
            raise
        self._there.add(process)
        return process

    async def _make_ready(self) -> None:
        assert self._first is not None
        process = None
        try:
            process = await self._start()
            self._there.add(process)
            await _answer(process, self._first)
        except (OSError, ValueError, EOFError):  # whoever asks next is told
            pass
        finally:
            await self._give_back(process)

    async def _give_back(self, process: Process | None) -> None:
        """Let the next one have a process; what is not installed may change between two questions."""
        if process is not None and self._lasting and not self._closed and process.returncode is None:
            self._free.append(process)
        else:
            self._count -= 1
            if process is not None:
                self._there.discard(process)
                await end(process)
        async with self._changed:
            self._changed.notify_all()


async def _answer(process: Process, question: Mapping[str, str]) -> dict[str, Any]:
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
        await end(process)
        raise


async def end(process: Process) -> None:
    """End a process, and all that it started."""
    with suppress(ProcessLookupError, PermissionError):
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
