"""What the service itself costs: a study of trials that take 10 seconds, in processor time and beyond its ideal time.

    python -m benchmarks.service [--trials 60] [--epochs 10] [--seconds 1] [--how sleep|burn]

One study of `benchmarks.burning` through `search.run`, with all that a user gets: TPE, ledger, mirror, results folder,
a line per event, one trial per core. Its epochs sleep, as a core does while a GPU trains: seconds beyond the ideal are
the service's own, and a busy machine stretches no epoch. With --how burn they use the processor instead, so that the
service works beside trials that leave no core free.

How to read it. *Processor time* is that of the driver (space, searcher, ledger, mirror, report, imports and all), of
Ray's servers (raylet, GCS, their agents) and of the workers beyond what their epochs burn; each is given as a share of
the seconds trained, trials by 10 s. The driver alone is given without its imports, too. *Wall-clock* is the whole
command; less Ray's start and end and less imports, which do not grow with the study; and from the first epoch to the
last: against the ideal, trials x seconds / workers, rounded up to whole trials. The last lines say which targets are
met: the service, that is driver, storage and searcher, under 2 % of the seconds trained, and no more than 2 % of
wall-clock beyond the ideal, Ray's start and end and imports apart.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import burning, conditions
from benchmarks.processes import DRIVER, SERVERS, WORKERS, watching
from benchmarks.starts import timed_starts

ROOT = Path(__file__).resolve().parent.parent
TARGET = 2.0
"""Per cent of a study of 10-second trials that the service may take."""


@dataclass(frozen=True)
class Cost:
    """What a study took, in seconds.

    Attributes:
        trials, workers: how many.
        each: of one trial's epochs.
        burnt: processor time of all epochs.
        processor: what a process is -> its processor time.
        imports: processor time of the driver before the study began.
        wall: the whole command; apart: of it, imports and Ray's start and end; steady: from the first epoch's start to
            the last one's end.
    """

    trials: int
    workers: int
    each: float
    burnt: float
    processor: Mapping[str, float]
    imports: float
    wall: float
    apart: float
    steady: float

    @property
    def trained(self) -> float:
        """Seconds of all trials."""
        return self.trials * self.each

    @property
    def ideal(self) -> float:
        """Seconds on the wall where nothing but epochs takes time."""
        return math.ceil(self.trials / self.workers) * self.each


def lines(cost: Cost) -> list[str]:
    """Return the figures."""

    def share(seconds: float) -> str:
        return f"{seconds:8.2f} s{100 * seconds / cost.trained:8.2f} %"

    def beyond(seconds: float) -> str:
        return f"{seconds:8.2f} s{100 * (seconds / cost.ideal - 1):8.2f} %"

    driver = cost.processor[DRIVER]
    return [
        f"{cost.trials} trials of {cost.each:g} s on {cost.workers} workers: {cost.trained:g} s trained, "
        f"ideal {cost.ideal:g} s",
        f"processor time{'':26}of the seconds trained",
        f"  driver                      {share(driver)}",
        f"    without its imports       {share(driver - cost.imports)}",
        f"  Ray's servers               {share(cost.processor[SERVERS])}",
        f"  workers beyond their epochs {share(cost.processor[WORKERS] - cost.burnt)}",
        f"wall-clock{'':30}beyond the ideal",
        f"  whole command               {beyond(cost.wall)}",
        f"  without imports and starts  {beyond(cost.wall - cost.apart)}",
        f"  first epoch to last         {beyond(cost.steady)}",
    ]


def targets(cost: Cost) -> list[tuple[str, bool]]:
    """Return each target as text with what was found, and whether it is met."""
    service = 100 * (cost.processor[DRIVER] - cost.imports) / cost.trained
    longer = 100 * ((cost.wall - cost.apart) / cost.ideal - 1)
    return [
        (f"processor time of the service {service:.2f} % of the seconds trained, under {TARGET:g}", service < TARGET),
        (f"wall-clock {longer:.2f} % beyond the ideal, under {TARGET:g}", longer < TARGET),
    ]


# The study, in a process of its own --------------------------------------------------------------------------


def work(chosen: argparse.Namespace) -> dict[str, float]:
    """Run the study; return what its process alone can know."""
    began = time.monotonic()
    spent = timed_starts()
    import search.engine.executor.tune  # noqa: F401  # what a run imports anyway is no part of it
    from search.api import load_space, run
    from search.engine.live import Lines

    imports, imported = time.process_time(), time.monotonic()
    space = load_space(burning.space(chosen.trials, chosen.epochs, chosen.seconds, chosen.how))
    study = run(space, results=chosen.folder, view=Lines())
    frame, log = study.trials(), study.decisions()
    if len(frame) != chosen.trials or not (frame.state == "finished").all():
        raise SystemExit(f"not every trial finished:\n{frame}")
    rows = log[log.kind == "row"]["at"]
    took = (_seconds(rows.iloc[-1]) - _seconds(rows.iloc[0])) + chosen.seconds
    return {"imports": imports, "apart": imported - began + sum(spent.values()), "steady": took}


def _seconds(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def measure(chosen: argparse.Namespace) -> Cost:
    """Run the study in a fresh process and folder, and watch it.

    Raises:
        SystemExit: it failed.
    """
    with tempfile.TemporaryDirectory(prefix="service-", ignore_cleanup_errors=True) as name:
        log, told = Path(name, "log.txt"), Path(name, "found.json")
        asked = ["--trials", chosen.trials, "--epochs", chosen.epochs, "--seconds", chosen.seconds, "--how", chosen.how]
        command = [sys.executable, "-m", "benchmarks.service", *map(str, asked), "--folder", name]
        with log.open("w") as out:
            began = time.monotonic()
            process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
            with watching(process.pid) as watched:
                code = process.wait()
            wall = time.monotonic() - began
        if code != 0 or not told.exists():
            raise SystemExit(f"the study failed:\n{log.read_text()[-3000:]}")
        found: dict[str, Any] = json.loads(told.read_text())
    each = chosen.epochs * chosen.seconds
    burnt = chosen.trials * each if chosen.how == "burn" else 0.0
    workers = len(conditions.cores())
    return Cost(chosen.trials, workers, each, burnt, watched.seconds(), wall=wall, **found)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.service", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=1.0, help="of an epoch")
    parser.add_argument("--how", choices=["sleep", "burn"], default="sleep")
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.trials < 1 or chosen.epochs < 1 or chosen.seconds <= 0:
        parser.error("at least 1 trial and 1 epoch, of more than 0 seconds")
    if chosen.folder:
        Path(chosen.folder, "found.json").write_text(json.dumps(work(chosen)))
        return
    study = f"{chosen.trials} trials of {chosen.epochs} epochs of {chosen.seconds:g} s ({chosen.how}), TPE, 1 per core"
    print("\n".join(line for line in [*conditions.lines({"study": study}), conditions.busy()] if line), flush=True)
    cost = measure(chosen)
    print("\n" + "\n".join(lines(cost)))
    print(f"load after: {os.getloadavg()[0]:.1f}\ntargets:")
    for text, met in targets(cost):
        print(f"  {'yes' if met else 'NO '}   {text}")


if __name__ == "__main__":
    main()
