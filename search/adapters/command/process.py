"""A program while it runs: its lines one by one, the end of what it said, and its end with all it has started."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from search.adapters.command.rows import MAX_ROW_BYTES

KILL_DELAY_S = 2.0
"""Seconds that a program which is ended (SIGTERM) has to clean up before it is killed (SIGKILL)."""

POLL_S = 0.02
"""Seconds between two looks at a file of rows."""

LOOK_S = 0.2
"""Seconds between two looks at whether a program has ended that left its pipes to others."""

TAIL_BYTES = 4096
TAIL_LINES = 10
"""Of standard error: what an error shows of it."""

CHUNK_BYTES = 2**16

DONE = b"done\n"

GUARD = f"""trap "" TERM INT HUP
exec 3<&0
(
    read word <&3
    test "$word" = done && exit
    kill -TERM 0
    sleep {KILL_DELAY_S:g}
    test -z "$1" || rm -rf -- "$1"
    kill -KILL 0
) &
wait"""
"""A shell that leads the program's process group. Its child waits for the end of a pipe whose other end this process
alone holds: whatever ends this process, SIGKILL included, ends the program and all it has started. It is a child, for
Ray kills the children of a worker that ends, and not theirs."""


class CommandFailed(RuntimeError):
    """A program did not do what a command has to; the last line says what, with the remedy."""


class Process:
    """A program that was started, in a process group of its own.

    Args:
        words: the program and its arguments.
        environment: its variables, all of them.
        folder: a folder that goes with it, or "".
        rows: the file it writes its rows into; "" where it prints them.

    Raises:
        CommandFailed: it cannot be started.
    """

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], folder: str = "", rows: str = "") -> None:
        self._rows = rows
        self._file: BinaryIO | None = None
        self.closed = False
        """Whether the program has ended and all it wrote was taken."""
        self._buffer, self._searched, self._tail = bytearray(), 0, bytearray()
        guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            process_group=0,
        )
        try:
            self._program = subprocess.Popen(
                list(words),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(environment),
                process_group=guard.pid,
            )
        except (OSError, ValueError) as error:
            _end(os.getpid(), guard, None, folder)
            reason = getattr(error, "strerror", None) or error
            raise CommandFailed(
                f"{words[0]!r} cannot be started: {reason}; see whether it can be run by hand"
            ) from None
        self._selector = selectors.DefaultSelector()
        for pipe in (self._program.stdout, self._program.stderr):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ)
        self.close = weakref.finalize(self, _end, os.getpid(), guard, self._program, folder)
        """Ends the program, what it has started, and its folder; whoever lets go of this object does so as well."""

    def line(self) -> bytes | None:
        """Return the next line that is not blank, None behind the last one; waits for either.

        Raises:
            CommandFailed: a line is longer than any row.
        """
        while True:
            end = self._buffer.find(b"\n", self._searched)
            self._searched = len(self._buffer)
            if end < 0 and self.closed and self._buffer:
                end = len(self._buffer)
            if end >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 1]
                self._searched = 0
                if line.strip():
                    return line
            elif self.closed:
                return None
            elif len(self._buffer) > MAX_ROW_BYTES:
                raise self.failed(
                    f"it wrote more than {MAX_ROW_BYTES >> 20} MB without the end of a line; it must write one JSON "
                    "object per epoch, each on a line of its own"
                )
            else:
                self._read()

    def _read(self) -> None:
        """Wait for a moment, and take what there is."""
        ended = self._program.poll() is not None
        got = False
        for key, _ in self._selector.select(0 if ended else POLL_S if self._rows else LOOK_S):
            with contextlib.suppress(BlockingIOError):
                chunk = os.read(key.fd, CHUNK_BYTES)
                if not chunk:
                    self._selector.unregister(key.fileobj)
                got = got or bool(chunk)
                if key.fileobj is self._program.stdout and not self._rows:
                    self._buffer += chunk
                else:
                    self._tail = (self._tail + chunk)[-TAIL_BYTES:]
        got = self._read_file() or got
        if ended and not got:  # what it left running may hold its pipes open
            self.closed = True
        elif not self._selector.get_map() and not ended:
            time.sleep(POLL_S)

    def _read_file(self) -> bool:
        if not self._rows:
            return False
        if self._file is None:
            with contextlib.suppress(FileNotFoundError):
                self._file = Path(self._rows).open("rb")  # noqa: SIM115  # for as long as the program runs
                weakref.finalize(self, self._file.close)
        chunk = self._file.read(CHUNK_BYTES) if self._file is not None else b""
        self._buffer += chunk
        return bool(chunk)

    @property
    def where(self) -> str:
        """Where rows are, for people."""
        return f"the file {Path(self._rows).name!r}" if self._rows else "its output"

    @property
    def ending(self) -> str:
        """How the program ended: ``""`` if well, else as what follows its name in a sentence."""
        code = self._program.wait()
        if code >= 0:
            return f"ended with exit status {code}" if code else ""
        with contextlib.suppress(ValueError):
            return f"was ended by the signal {signal.Signals(-code).name}"
        return f"was ended by the signal {-code}"

    def failed(self, sentence: str) -> CommandFailed:
        """End the program and return its error: the last lines it wrote to standard error, and the sentence."""
        if not self.closed:
            self._read()  # what it has said so far
        self.close()
        return CommandFailed(told(sentence, bytes(self._tail)))


def told(sentence: str, tail: bytes) -> str:
    """Return a sentence behind the last lines of standard error; it names the very last one itself."""
    lines = [line.rstrip() for line in tail.decode(errors="backslashreplace").splitlines() if line.strip()]
    if not lines:
        return sentence
    last = lines[-1].strip()
    shown = "\n".join(f"  {line}" for line in lines[-TAIL_LINES:])
    return f"standard error ended in\n{shown}\n{sentence}; its last words: {last[:200]!r}"


def new_folder() -> str:
    """Return a new, empty folder for one run."""
    return tempfile.mkdtemp(prefix="search-command-")


def _end(owner: int, guard: subprocess.Popen[bytes], program: subprocess.Popen[bytes] | None, folder: str) -> None:
    """End a process group: the program may clean up, and then nothing of it is there any more."""
    if os.getpid() != owner:  # a fork of the process that started it
        return
    if program is not None and program.poll() is None:
        with contextlib.suppress(OSError):
            os.killpg(guard.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(KILL_DELAY_S)
    assert guard.stdin is not None
    with contextlib.suppress(OSError):
        os.write(guard.stdin.fileno(), DONE)
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PID, guard.pid, os.WEXITED | os.WNOWAIT)
    with contextlib.suppress(OSError):  # as the guard was not waited for yet, its number cannot be another's
        os.killpg(guard.pid, signal.SIGKILL)
    for process in (program, guard):
        if process is not None:
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
