"""A small process that `verify` is called in.

It forks a process for each case, and the system copies the page tables of all that the process holds: of the tests' own
a gigabyte, a second for each workload.
"""

from __future__ import annotations

import io
import multiprocessing
import os
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, Self, TypeVar
from unittest.mock import patch

from search.proof import cases
from search.proof.finding import Finding, Result
from tests.surroundings import HANG_S

P = ParamSpec("P")
T = TypeVar("T")


class Small:
    """One interpreter, started anew, that calls functions; a context manager."""

    def __init__(self) -> None:
        started = multiprocessing.get_context("spawn")
        self._connection, its = started.Pipe()
        self._process = started.Process(target=_serve, args=(its,), daemon=True)
        self._process.start()
        its.close()
        self.environment: dict[str, str] = {}
        """Variables that functions see besides."""
        self.interpreters = True
        """Whether `verify` tries the case that starts an interpreter, which takes longer than all others."""

    def call(self, function: Callable[P, T], /, *words: P.args, **more: P.kwargs) -> T:
        """Return what a function returns there, or raise what it raises; all is pickled."""
        self._connection.send((self.environment, self.interpreters, function, words, more))
        assert self._connection.poll(HANG_S), "no answer"
        error, result = self._connection.recv()
        if error is not None:
            raise error
        answer: T = result
        return answer

    def run(self, *words: object) -> tuple[int, str, str]:
        """Return the exit code of a command, and what it printed."""
        return self.call(_run, list(map(str, words)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End it at once: the end of an interpreter takes a second where PyTorch is loaded."""
        self._process.kill()
        self._process.join()
        self._connection.close()


def _serve(connection: Connection) -> None:
    while True:
        request = connection.recv()
        try:
            answer = None, _called(*request)
        except Exception as error:
            answer = error, None
        connection.send(answer)


def _called(
    environment: Mapping[str, str],
    interpreters: bool,
    function: Callable[..., object],
    words: tuple[Any, ...],
    more: Mapping[str, Any],
) -> object:
    with patch.dict(os.environ, environment):
        if interpreters:
            return function(*words, **more)
        held = Finding(cases.INTERPRETER, Result.HELD)
        with patch.object(cases, "_in_another_interpreter", lambda ground: held):
            return function(*words, **more)


def _run(words: list[str]) -> tuple[int, str, str]:
    from search.__main__ import run

    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = run(words)
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    return code, texts[0], texts[1]
