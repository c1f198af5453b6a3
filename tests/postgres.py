"""A PostgreSQL server for tests that need one of their own: started in a folder, on 127.0.0.1, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.surroundings import HANG_S

USER = "postgres"
"""Whose server it is where the tests run as root, which PostgreSQL refuses to run as."""


def binaries() -> Path | None:
    """Return the folder of the server's programs, or None where it is not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


class Server:
    """A server with an empty database; `url` stays the same when it is stopped and started again."""

    def __init__(self, place: Path) -> None:
        programs = binaries()
        assert programs is not None, "PostgreSQL is not installed"
        self._programs, self.place = programs, place
        self._before = ["runuser", "-u", USER, "--"] if os.getuid() == 0 else []
        if self._before:
            shutil.chown(place, USER)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"postgresql+psycopg://search@127.0.0.1:{self._port}/postgres"
        self._call("initdb", "-A", "trust", "-U", "search", "--no-sync")

    def start(self) -> None:
        # Test data need not outlive the machine, only the server.
        options = f"-p {self._port} -c unix_socket_directories= -c listen_addresses=127.0.0.1 -c fsync=off"
        self._call("pg_ctl", "-w", "-l", str(self.place / "log"), "-o", options, "start")

    def stop(self, how: str = "fast") -> None:
        """End it: ``fast`` ends all connections, ``immediate`` is a crash."""
        self._call("pg_ctl", "-w", "-m", how, "stop")

    def _call(self, program: str, *words: str) -> None:
        command = [*self._before, str(self._programs / program), "-D", str(self.place / "data"), *words]
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", timeout=HANG_S
        )


@contextmanager
def running() -> Iterator[Server]:
    """Run a server."""
    found = _started()
    try:
        yield found
    finally:
        with suppress(subprocess.CalledProcessError):  # a test may have stopped it
            found.stop("immediate")
        shutil.rmtree(found.place, ignore_errors=True)


def _started(again: bool = True) -> Server:
    """Start a server; once more where somebody took the port that was free before `initdb`."""
    # Root's folder for temporary files may be closed to the server's user.
    place = Path(tempfile.mkdtemp(prefix="search-pg-", dir="/tmp" if os.getuid() == 0 else None))
    try:
        found = Server(place)
        found.start()
    except BaseException as error:
        shutil.rmtree(place, ignore_errors=True)
        if again and isinstance(error, subprocess.CalledProcessError):
            return _started(again=False)
        raise
    return found


@contextmanager
def server() -> Iterator[str]:
    """Run a server; yield the URL of an empty database."""
    with running() as found:
        yield found.url
