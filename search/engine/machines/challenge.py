"""Whether a node sees the folder of states: who can repeat a secret that lies there sees the same folder."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

from search.core.errors import UserError

CHALLENGE_LIFETIME_S = 86_400.0
"""Seconds after which a challenge is that of a driver that was killed: others may wait long for a busy node."""


FILE_VISIBLE_TIMEOUT_S = 15.0
"""Seconds until a file written on one node is seen on every other: network file systems remember what was missing."""


class Challenge:
    """A folder with a secret, in the folder of states: who can repeat the secret there sees the same folder.

    Raises:
        UserError: the driver itself cannot write there.
    """

    def __init__(self, states: str | os.PathLike[str]) -> None:
        self._states = Path(states)
        self.name = f".proof-{secrets.token_hex(8)}"
        self._secret = secrets.token_hex(16)

    def __enter__(self) -> Challenge:
        try:
            for old in self._states.glob(".proof-*"):
                with suppress(OSError):  # its driver is faster
                    if time.time() - old.stat().st_mtime > CHALLENGE_LIFETIME_S:
                        shutil.rmtree(old, ignore_errors=True)
            (self._states / self.name).mkdir(parents=True)
            _write(self._states / self.name / "secret", self._secret)
        except OSError as error:
            raise UserError(
                f"the folder of states {str(self._states)!r} cannot be written ({error.strerror or error}); give "
                "--results a folder that all nodes share"
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._states / self.name, ignore_errors=True)

    def was_met(self, node: str, patience: float = FILE_VISIBLE_TIMEOUT_S) -> bool:
        """Whether this node's answer is seen here within so many seconds."""
        until = time.monotonic() + patience
        while True:
            with suppress(OSError):
                if (self._states / self.name / node).read_text() == _response(self._secret, node):
                    return True
            if time.monotonic() >= until:
                return False
            time.sleep(0.2)


def _response(secret: str, node: str) -> str:
    return hashlib.sha256(f"{secret} {node}".encode()).hexdigest()


def _write(path: Path, text: str) -> None:
    with path.open("x") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def meet(states: str, challenge: str, node: str, patience: float = FILE_VISIBLE_TIMEOUT_S) -> str:
    """Answer a challenge on a node; return what is wrong, or ""."""
    folder = Path(states, challenge)
    until = time.monotonic() + patience
    while True:
        try:
            secret = (folder / "secret").read_text()
            break
        except OSError as error:
            if time.monotonic() >= until:
                why = error.strerror or error
                return f"does not see the folder of states {states!r} of this run ({why}); {SHARED_FOLDER_REMEDY}"
        time.sleep(0.2)
    try:
        _write(folder / node, _response(secret, node))
    except OSError as error:
        return f"cannot write into the folder of states {states!r} ({error.strerror or error}); {SHARED_FOLDER_REMEDY}"
    return ""


SHARED_FOLDER_REMEDY = "give --results a folder that all nodes share under one path, and may write"
