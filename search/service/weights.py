"""Weights of the best trial of a study, written by the command `export` in a process of its own, one at a time.

Where no state of the epoch is kept, the command trains again, and what it trains must equal the record: the server says
what the command said, also why there are no weights. What was written lies in the study's folder.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from search.core.errors import UserError
from search.core.shown import printable
from search.report.paths import study_folder
from search.service.folder import Places, environment, storage_words

WEIGHTS_FILE = "best.safetensors"
WEIGHTS_TIMEOUT_S = 3600.0
"""Seconds that writing weights may take: epochs may have to be trained again."""

MAX_SAID_LETTERS = 2000
"""Letters of what the command said that are kept: the last ones."""


def export_command(places: Places, study: str, file: Path) -> list[str]:
    """Return the command that writes the weights of the best trial."""
    storage, _ = storage_words(places.storage)
    words = ["export", study, "--weights", str(file), "--results", str(places.results), *storage]
    return [sys.executable, "-m", "search", *words]


class Weights:
    """Has weights written; for one event loop.

    Args:
        places: the results folder, and the database.
        allow_code: whether studies may name code that is not installed.
    """

    def __init__(self, places: Places, allow_code: bool) -> None:
        self._places, self._allow_code = places, allow_code
        self._lock = asyncio.Lock()
        self._said: dict[str, str] = {}
        self._busy: set[str] = set()

    def said(self, study: str) -> str:
        """Return what is to be told of the weights of a study; "" where nobody asked for them."""
        if study in self._busy:
            return "The weights of the best trial are being written; this may take a while. Reload the page to see."
        return self._said.get(study, "")

    def claim(self, study: str) -> None:
        """Take the weights of a study on, to be written by `write`.

        Raises:
            UserError: they are being written.
        """
        if study in self._busy:
            raise UserError(f"the weights of study {study!r} are being written: wait for them")
        self._busy.add(study)

    async def write(self, study: str) -> None:
        """Write the weights of a study that was claimed, and note what came of it."""
        try:
            async with self._lock:
                self._said[study] = await self._written(study)
        finally:
            self._busy.discard(study)

    async def _written(self, study: str) -> str:
        folder = study_folder(self._places.results, study)
        folder.mkdir(parents=True, exist_ok=True)
        code, text = await self._run(export_command(self._places, study, folder / WEIGHTS_FILE))
        if code is None:
            return f"No weights were written: it took longer than {WEIGHTS_TIMEOUT_S / 60:.0f} minutes."
        told = printable(text.strip()[-MAX_SAID_LETTERS:], lines=True)
        return f"Written: {WEIGHTS_FILE}. {told}" if code == 0 else f"No weights were written: {told}"

    async def _run(self, command: Sequence[str]) -> tuple[int | None, str]:
        """Run a command; return its exit status, None where it took too long, and what it said."""
        _, password = storage_words(self._places.storage)
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,  # the path of the file, which pages do not show
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env=environment(self._allow_code, password),
        )
        try:
            _, errors = await asyncio.wait_for(process.communicate(), WEIGHTS_TIMEOUT_S)
        except TimeoutError:
            return None, ""
        finally:
            with suppress(ProcessLookupError, PermissionError):
                if process.returncode is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    await process.wait()
        return process.returncode, errors.decode("utf-8", "replace")
