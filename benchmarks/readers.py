"""What readers cost a study: the same study alone, and with its report and the dashboard read all the time.

    python -m benchmarks.readers [--trials 20] [--epochs 20] [--pause 0.1] [--every 5] [--repeats 3]

The study is a grid of a workload whose epochs sleep, two workers of half the cores each. Of the readers one writes the
study's report anew, as `python -m search report` does, and one asks the dashboard for the study with all its trials, as
an open page of it does; each begins again `--every` seconds after it began. Alone and read runs alternate, which one
goes first too; each is a process of its own with a folder of its own. What is timed is the time from the first to the
last row on record: neither the start of Ray nor the writing of the results is in it.

Readers also need processor time, which a study of sleeping epochs has to spare: what is shown is what they cost by
locks and by the disk, and that no reader and no run saw an error. The last line is the ratio of the medians, read by
alone; the target is at most 1.05.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import yaml

from benchmarks.overhead import ROOT, conditions, shown
from search.ledger import Ledger

TARGET = 1.05


def space(trials: int, epochs: int, pause: float, log: Path) -> dict[str, object]:
    return {
        "workload": "tests.engine.workloads:Scripted",
        "fixed": {"epochs": epochs, "pause": pause, "log": str(log)},
        "space": {"x": {"grid": list(range(trials))}},
        "search": {"objective": {"metric": "val_loss", "direction": "minimize"}},
        "resources": {"cpus": max(1, (os.cpu_count() or 1) // 2)},
    }


def seconds(results: Path) -> float:
    """Time from the first row of the study to its last."""
    ledger = Ledger(str(results / "search.db"))
    rows = ledger.decisions(ledger.study("study").id, ["row"])
    ledger.close()
    return (datetime.fromisoformat(rows[-1].at) - datetime.fromisoformat(rows[0].at)).total_seconds()


class Readers:
    """A report and a dashboard, read until the study is over."""

    def __init__(self, results: Path, every: float) -> None:
        self.results, self.every = results, every
        self.reports = self.pages = 0
        self.errors: list[str] = []
        self.report: subprocess.Popen[str] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = ["dashboard", "--port", str(self.port), "--no-pictures", "--results", str(results)]
        self.dashboard = search(command, subprocess.DEVNULL)
        self.next = time.monotonic()

    def look(self) -> None:
        """Read what is due."""
        if self.report is not None and self.report.poll() is not None:
            self._collect(self.report)
            self.report = None
        if time.monotonic() < self.next:
            return
        self.next = time.monotonic() + self.every
        if self.report is None:
            self.report = search(["report", "study", "--results", str(self.results)], subprocess.DEVNULL)
        address = f"http://127.0.0.1:{self.port}/api/studies"
        try:
            for path in ("", "/1"):
                with urllib.request.urlopen(address + path, timeout=30) as page:
                    page.read()
            self.pages += 1
        except ConnectionRefusedError:
            pass  # it is starting
        except OSError as error:
            if "refused" not in str(error):
                self.errors.append(f"dashboard: {error}")

    def _collect(self, report: subprocess.Popen[str]) -> None:
        _, err = report.communicate()
        self.reports += 1
        if report.returncode or err:
            self.errors.append(f"report: exit {report.returncode}: {err.strip()[-300:]}")

    def end(self) -> None:
        """No more reading."""
        if self.report is not None:
            self.report.wait()
            self._collect(self.report)
        self.dashboard.terminate()
        _, err = self.dashboard.communicate()
        if "rror" in err:
            self.errors.append(f"dashboard: {err.strip()[-300:]}")


def search(words: Sequence[str], out: int) -> subprocess.Popen[str]:
    """Start a command of the product."""
    command = [sys.executable, "-m", "search", *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.PIPE, text=True)


def measure(chosen: argparse.Namespace, read: bool) -> tuple[float, int, int]:
    """Run the study once; return its seconds, and how many reports and pages were read meanwhile."""
    with tempfile.TemporaryDirectory(prefix="readers-") as folder:
        place, results = Path(folder), Path(folder, "results")
        (place / "study.yaml").write_text(
            yaml.safe_dump(space(chosen.trials, chosen.epochs, chosen.pause, place / "epochs.log"))
        )
        run = search(["run", str(place / "study.yaml"), "--results", str(results)], subprocess.DEVNULL)
        while not (place / "epochs.log").exists():
            if run.poll() is not None:
                raise SystemExit(f"the study ended early:\n{run.communicate()[1]}")
            time.sleep(0.05)
        readers = Readers(results, chosen.every) if read else None
        while run.poll() is None:
            if readers is not None:
                readers.look()
            time.sleep(0.05)
        if readers is not None:
            readers.end()
        _, err = run.communicate()
        errors = [
            *([f"run: exit {run.returncode}: {err}"] if run.returncode or err else []),
            *(readers.errors if readers else []),
        ]
        if errors:
            raise SystemExit("\n".join(errors))
        return seconds(results), readers.reports if readers else 0, readers.pages if readers else 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.readers", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--pause", type=float, default=0.1)
    parser.add_argument("--every", type=float, default=5.0)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    lines = conditions(chosen.trials, chosen.epochs, chosen.repeats)
    lines[4] = f"study          {chosen.trials} trials of {chosen.epochs} epochs of {chosen.pause:g} s"
    lines.append(f"readers        a report and a dashboard page every {chosen.every:g} s")
    print("\n".join(lines), flush=True)
    took: dict[bool, list[float]] = {False: [], True: []}
    for repeat in range(chosen.repeats):
        for read in (False, True) if repeat % 2 == 0 else (True, False):
            spent, reports, pages = measure(chosen, read)
            took[read].append(spent)
            what = f"read: {reports} reports, {pages} pages" if read else "alone"
            print(f"  repeat {repeat + 1}, {what}: {spent:.2f} s", flush=True)
    print("\nseconds from the first row to the last: median [least to most]")
    print(f"  alone   {shown(took[False])}")
    print(f"  read    {shown(took[True])}")
    ratio = statistics.median(took[True]) / statistics.median(took[False])
    print(f"target: at most {TARGET}: {'met' if ratio <= TARGET else 'not met'}")
    print(f"ratio: {ratio:.3f}")


if __name__ == "__main__":
    main()
