"""What `serve` costs the study that it runs, while twenty viewers watch its page.

A study of four trials on the digits is run by `run` alone, and below a server whose page of it so many viewers watch,
in turns; each time into a new folder. Its seconds are those on record, by the clock. Its processor time is that of the
command and of all processes that it starts, Ray's among them, wherever they run; the server and the processes that
examine for it do not count. Printed are the medians of both, the ratio of each pair (its geometric mean with an
interval of 95 %, by Student's t over the logarithms), and the share of a core that the server took. The viewers, in a
process of their own, run on the same machine: on one of few cores they take the study's time, which processor time
tells apart.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import servers

ALONE, WATCHED = "alone", "watched"
DIGITS = """name: digits
workload: classifier
fixed: {{epochs: {epochs}, data: digits}}
space:
  optimizer.lr: {{grid: [0.005, 0.05]}}
seeds: [0, 1]
"""
MARK_VARIABLE = "SEARCH_BENCHMARK_MARK"
"""Variable of the environment by which the processes of a study are known: all that it starts inherit it."""

SAMPLE_SPACING_S = 0.2
NOT_THE_STUDY = (b"\0serve\0", b"search.service.examine")
"""Words in the command lines of processes that have the variable and are the server's."""


@dataclass
class Processes:
    """The processes that bear a mark, and the processor time of each as it was seen last."""

    mark: str
    seconds: dict[int, float] = field(default_factory=dict)
    _ours: dict[int, bool] = field(default_factory=dict)

    def look(self) -> None:
        """Look at all processes of this machine."""
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and self._is_ours(int(folder.name)):
                seen = servers.processor_s(int(folder.name), waited=False)
                self.seconds[int(folder.name)] = max(seen, self.seconds.get(int(folder.name), 0.0))

    def _is_ours(self, pid: int) -> bool:
        if pid not in self._ours:
            try:
                environment = Path(f"/proc/{pid}/environ").read_bytes()
            except OSError:  # another user's, or gone
                return False
            marked = f"{MARK_VARIABLE}={self.mark}".encode() in environment.split(b"\0")
            command = servers.command_of(pid)
            if marked and not command:  # a process that is only just being started
                return False
            self._ours[pid] = marked and not any(word in command for word in NOT_THE_STUDY)
        return self._ours[pid]


@contextmanager
def marked() -> Iterator[Processes]:
    """Let what is started meanwhile bear a mark, and look at its processes again and again."""
    processes, over = Processes(uuid.uuid4().hex), threading.Event()

    def watch() -> None:
        while not over.wait(SAMPLE_SPACING_S):
            processes.look()

    os.environ[MARK_VARIABLE] = processes.mark
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield processes
    finally:
        over.set()
        thread.join()
        del os.environ[MARK_VARIABLE]


def served(chosen: argparse.Namespace) -> int:
    """Run a study alone and below a server that is watched, in turns; print what they took; return 0."""
    wall: dict[str, list[float]] = {ALONE: [], WATCHED: []}
    processor: dict[str, list[float]] = {ALONE: [], WATCHED: []}
    shares = []
    for repeat in range(chosen.repeat):
        for side in (ALONE, WATCHED) if repeat % 2 == 0 else (WATCHED, ALONE):
            with tempfile.TemporaryDirectory(prefix="served-") as folder:
                file, results = Path(folder) / "digits.yaml", Path(folder) / "results"
                file.write_text(DIGITS.format(epochs=chosen.epochs))
                with marked() as processes:
                    if side == ALONE:
                        command = [sys.executable, "-m", "search", "run", str(file), "--results", str(results)]
                        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                    else:
                        shares.append(_watched(file, results, chosen.viewers))
                wall[side].append(_on_record(results))
                processor[side].append(math.fsum(processes.seconds.values()))
        print(f"pair {repeat + 1}: {_pair(wall, repeat)} s; processor {_pair(processor, repeat)} s", flush=True)
    for name, taken in (("wall-clock", wall), ("processor time", processor)):
        print(
            f"{name:16}{statistics.median(taken[ALONE]):9.2f} s alone{statistics.median(taken[WATCHED]):9.2f} s watched"
        )
    for name, taken in (("wall-clock", wall), ("processor time", processor)):
        ratios = [after / before for before, after in zip(taken[ALONE], taken[WATCHED], strict=True)]
        print(f"watched by alone, {name}: {told(ratios)}")
    print(f"the server took {100 * statistics.median(shares):.1f} % of a core, with {chosen.viewers} viewers")
    return 0


def _pair(taken: dict[str, list[float]], place: int) -> str:
    return f"{taken[ALONE][place]:.2f} alone, {taken[WATCHED][place]:.2f} watched"


def told(ratios: Sequence[float]) -> str:
    """Return the geometric mean of ratios, its interval of 95 %, and their median."""
    from scipy.special import stdtrit

    logs = [math.log(ratio) for ratio in ratios]
    middle, text = statistics.fmean(logs), ""
    if len(logs) > 1:
        half = float(stdtrit(len(logs) - 1, 0.975)) * statistics.stdev(logs) / math.sqrt(len(logs))
        text = f" ({math.exp(middle - half):.3f} to {math.exp(middle + half):.3f} with 95 %)"
    return f"{math.exp(middle):.3f}{text}, median {statistics.median(ratios):.3f} of {len(ratios)}"


def _on_record(results: Path) -> float:
    """Return the seconds that the run of a folder took."""
    from search.ledger.ledger import Ledger

    ledger = Ledger(str(results / "search.db"))
    try:
        return float(ledger.runs()[-1]["seconds"])
    finally:
        ledger.close()


def _watched(file: Path, results: Path, viewers: int) -> float:
    """Run a study below a server with viewers; return the share of a core that the server took."""
    from search.service.client import Client

    with servers.serving(results) as server:
        client = Client(server.url)
        number = client.ask("POST", "/entries", {"text": file.read_text(), "name": "digits"})["id"]
        while client.ask("GET", f"/entries/{number}")["phase"] == "queued":
            time.sleep(0.1)
        began, before = time.perf_counter(), server.processor_s()
        address = f"{server.url}/entries/{number}/events?phase=running&from=0"
        with servers.audience(viewers, [address]) as watching:
            watching.wait()  # until the study has ended
        share = (server.processor_s() - before) / (time.perf_counter() - began)
        assert client.ask("GET", f"/entries/{number}")["outcome"] == "done"
    return share
