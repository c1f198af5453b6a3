"""State files: complete or not there, and never believed without their hash.

A file is named ``<key>-<first 16 digits of its SHA-256>`` and is never overwritten while it is sound: it is written
under another name, synced, and renamed. Its content is what the run's ``save()`` returned, byte for byte. Every read
checks the whole hash: of the single-bit flips of a checkpoint nearly all load without an error and train other numbers.

Used by workers, which write and read states, and by the ledger, which remembers and frees them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"([0-9a-f]{40})-([0-9a-f]{16})")


@dataclass(frozen=True)
class StateFile:
    """A state on disk.

    Attributes:
        key: the epoch key it is the state of.
        sha256: of its content, 64 digits.
        size: bytes.
    """

    key: str
    sha256: str
    size: int

    @property
    def name(self) -> str:
        """Its path inside the folder of states."""
        return f"{self.key[:2]}/{self.key}-{self.sha256[:16]}"


class BadState(Exception):
    """A state that is missing, cut short or changed: no more than a reason to train its epochs again."""


def write_state(folder: str | os.PathLike[str], key: str, content: bytes) -> StateFile:
    """Put a state on disk; when this returns, it is there even after a power failure.

    The folder is not made: where it went away, another one in its place would be in the way of putting it back.

    Raises:
        OSError: there is no room, or the folder is gone or cannot be written; nothing is left behind.
    """
    state = StateFile(key, hashlib.sha256(content).hexdigest(), len(content))
    path = Path(folder) / state.name
    with contextlib.suppress(BadState):
        read_state(folder, state)
        return state  # another worker came to the same state
    path.parent.mkdir(exist_ok=True)
    # No two writers share a draft: process numbers of two machines, or of one after a restart, can be equal.
    draft = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    _sync_folder(path.parent)
    return state


def read_state(folder: str | os.PathLike[str], state: StateFile) -> bytes:
    """Return the content of a state.

    Raises:
        BadState: it is not there, or not what was written.
    """
    path = Path(folder) / state.name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadState(f"state {path.name} cannot be read: {error.strerror or error}") from error
    if len(content) != state.size:
        raise BadState(f"state {path.name} has {len(content):,} bytes, {state.size:,} were written")
    if hashlib.sha256(content).hexdigest() != state.sha256:
        raise BadState(f"state {path.name} has changed since it was written: its hash differs")
    return content


def remove_state(folder: str | os.PathLike[str], state: StateFile) -> None:
    """Free a state's room; it does not matter if it is gone already."""
    with contextlib.suppress(OSError):
        (Path(folder) / state.name).unlink()


def found_states(folder: str | os.PathLike[str], key: str) -> Iterator[StateFile]:
    """Yield the sound states of a key that lie on disk, named in the ledger or not."""
    for path in sorted((Path(folder) / key[:2]).glob(f"{key}-*")):
        match = _NAME.fullmatch(path.name)
        with contextlib.suppress(OSError):
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            if match and digest.startswith(match[2]):
                yield StateFile(key, digest, len(content))


def all_files(folder: str | os.PathLike[str]) -> Iterator[tuple[Path, str | None]]:
    """Yield every file in the folder of states, with its key, or None where it is no state (a draft left behind)."""
    for path in sorted(Path(folder).glob("[0-9a-f][0-9a-f]/*")):  # those with a leading dot included
        match = _NAME.fullmatch(path.name)
        yield path, match[1] if match else None


def _sync_folder(folder: Path) -> None:
    """Make a rename outlast a power failure, where the system lets folders be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
