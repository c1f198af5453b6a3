"""A real study, looked at from outside while it runs: what it listens on, and whether it minds the clock.

One study serves all of these tests: its clock jumps and its time zone changes in driver and workers alike.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import struct
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from search.core.trial import State
from tests.engine.test_run import Bench, kin, wait_for
from tests.surroundings import HANG_S

pytestmark = pytest.mark.slow

NETWORK = Path("/proc/net/tcp")
LISTEN = "0A"  # in include/net/tcp_states.h


@dataclass(frozen=True)
class Socket:
    """A socket that takes what comes from elsewhere."""

    process: str
    kind: str
    address: str
    port: int

    @property
    def inside(self) -> bool:
        """Whether nobody but this machine can reach it."""
        found = ipaddress.ip_address(self.address)
        return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def open_sockets(processes: Sequence[psutil.Process]) -> list[Socket]:
    """Every listening TCP socket and every UDP socket that is bound, of these processes, as the kernel lists them."""
    owners: dict[int, str] = {}
    for process in processes:
        with contextlib.suppress(OSError, psutil.Error):
            for entry in os.scandir(f"/proc/{process.pid}/fd"):
                with contextlib.suppress(OSError):
                    if (target := os.readlink(entry.path)).startswith("socket:["):
                        owners[int(target[8:-1])] = f"{process.pid} {process.name()}"
    found = []
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in NETWORK.with_name(kind).read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            inode, bound = int(rest[5]), int(local.rpartition(":")[2], 16)
            if inode in owners and (state == LISTEN if kind.startswith("tcp") else bound):
                found.append(Socket(owners[inode], kind, address_of(local.rpartition(":")[0]), bound))
    return found


def address_of(text: str) -> str:
    """Spell an address of /proc/net: hexadecimal, in words of 32 bits in the machine's own order."""
    raw = bytes.fromhex(text)
    words = struct.unpack(f"={len(raw) // 4}I", raw)
    return str(ipaddress.ip_address(b"".join(struct.pack(">I", word) for word in words)))


def name_of(process: psutil.Process) -> str:
    """Its name, "" where it has ended meanwhile: Ray's helpers come and go."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.name()
    return ""


class Jumping(Bench):
    def command(self, verb: str, *words: object) -> list[str]:
        return [sys.executable, "-m", "tests.engine.jumpy", verb, *map(str, words), "--results", str(self.results)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Jumping, subprocess.Popen[str]]]:
    """A study in the middle of its training."""
    bench = Jumping(tmp_path_factory.mktemp("jumping"))
    space = {"x": {"grid": [0, 1, 2, 3]}, "act": {"grid": ["train", "diverge"]}}
    bench.write(space, 1, "tests.engine.jumpy:Jumpy", pause=0.2, at=4, log=str(bench.log))
    process = bench.start()
    try:
        wait_for(bench.trained, process=process)
        yield bench, process
    finally:
        bench.end(process)


@pytest.mark.skipif(not NETWORK.exists(), reason="lists sockets as Linux does, in /proc/net")
def test_nothing_listens_beyond_this_machine(running: tuple[Jumping, subprocess.Popen[str]]) -> None:
    _, process = running
    family = kin(process)
    names = set(map(name_of, family))
    assert {"raylet", "gcs_server"} <= names, "Ray's servers are looked at, too"
    found = open_sockets(family)
    assert len(found) >= 4, "Ray listens on some ports"
    assert [each for each in found if not each.inside] == []


def test_workers_do_not_stand_back_for_other_programs(running: tuple[Jumping, subprocess.Popen[str]]) -> None:
    _, process = running
    # A worker that waits for work is called IDLE; Ray's servers have names of their own.
    workers = [member for member in kin(process) if name_of(member).startswith("ray::")]
    assert workers
    assert {member.nice() for member in workers} == {psutil.Process(process.pid).nice()}


def test_a_study_does_not_mind_the_clock(running: tuple[Jumping, subprocess.Popen[str]]) -> None:
    bench, process = running
    assert process.wait(HANG_S) == 0, bench.err()
    assert bench.err() == ""
    trials = bench.trials()
    assert {trial.parameters["act"]: trial.state for trial in trials} == {
        "train": State.FINISHED,
        "diverge": State.DIVERGED,
    }
    assert {trial.attempts for trial in trials} == {1}, "nobody was taken for dead"
    assert len(bench.trained()) == 4 * (5 + 4) + sum(bench.proofs()), "and nothing was trained twice"
    assert bench.proofs()
    assert all(float(row["seconds"]) > 0.1 for row in bench.table("epochs.csv"))
    assert all(run["seconds"] > 0 for run in bench.runs())
    assert all(trial.duration is not None and trial.duration.total_seconds() > 0 for trial in bench.optuna().trials)


@pytest.mark.skipif(not NETWORK.exists(), reason="lists sockets as Linux does, in /proc/net")
def test_neither_does_the_dashboard(running: tuple[Jumping, subprocess.Popen[str]]) -> None:
    bench, process = running
    process.wait(HANG_S)
    served = bench.start("dashboard", "--port", 0, "--no-pictures")
    try:
        wait_for(lambda: "(Ctrl-C ends it)" in bench.out(), process=served)
        (port,) = map(int, re.findall(r"http://127\.0\.0\.1:(\d+)/dashboard", bench.out()))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/dashboard", timeout=HANG_S) as page:
            assert page.status == 200
        found = open_sockets(kin(served))
        assert [(each.address, each.port) for each in found] == [("127.0.0.1", port)]
    finally:
        bench.end(served)


@pytest.mark.skipif(not NETWORK.exists(), reason="lists sockets as Linux does, in /proc/net")
@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")])
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_socket_that_is_open_to_all_would_be_seen(
    family: socket.AddressFamily, address: str, kind: socket.SocketKind
) -> None:
    try:
        with socket.socket(family, kind) as open_one:
            open_one.bind((address, 0))
            if kind == socket.SOCK_STREAM:
                open_one.listen()
            port = open_one.getsockname()[1]
            found = [each for each in open_sockets([psutil.Process()]) if each.port == port]
            assert [(each.address, each.inside) for each in found] == [(address, False)]
    except OSError as error:
        pytest.skip(f"this machine has no such sockets: {error}")
