"""What a trial costs beyond its training: ours against a plain Ray Tune script, for a workload that does nothing.

    python -m benchmarks.overhead [--trials 100] [--epochs 9] [--repeats 1] [--reuse-actors]

Both sides search the same two floats for the same formula (`benchmarks.noop`), with Optuna's TPE and ASHA (grace period
1, reduction factor 3), as many trials of as many epochs, one CPU per trial, on all cores. Ours goes through
`search.run` and does all that a user gets: ledger, Optuna mirror, results folder, one line per event. The other side,
`benchmarks.plain`, is what Ray's documentation shows: a function trainable, `OptunaSearch`, `ASHAScheduler`, defaults.
Each side of each repeat is a process of its own with a folder of its own; which one goes first alternates. For both,
Ray listens on loopback only and reports no usage. ASHA decides by order of arrival, so the epochs trained differ a
little between runs; they are printed.

How to read it. Three definitions of seconds per trial, training (measured, about nothing) subtracted from each:

    whole command       from the start of the process to its end, by the number of trials: imports, Ray's start and end
                        and all; what a single small study feels like
    without Ray's start the call that runs the search, until its results are there, without `ray.init` and
                        `ray.shutdown` (timed by the same wrapper on both sides), by the number of trials; the first
                        workers' start is in it, for both
    each further trial  from the moment the first worker begins to train to the end of that call, `ray.shutdown` apart,
                        by the number of trials less one; what the search pays for one more trial

The headline is the second. The first measures mostly how long Ray takes to start, which is the same for both, is paid
once and shrinks with the number of trials; the third leaves out costs that a study does have. Figures are medians over
the repeats, [least to most]. `--reuse-actors` also shows the plain script with `reuse_actors=True`; it is no part of
the ratio. The last line is the ratio of the headline: theirs by ours.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from importlib import metadata
from pathlib import Path

from benchmarks.starts import timed_starts

ROOT = Path(__file__).resolve().parent.parent
TARGET = 15
PACKAGES = ("ray", "optuna", "numpy", "pandas", "sqlalchemy")
DEFINITIONS = ("whole command", "without Ray's start", "each further trial")
HEADLINE = "without Ray's start"
OURS, PLAIN, REUSING = "ours", "plain Ray", "plain Ray, reuse_actors"

Figures = dict[str, float]


# One side, in a process of its own ---------------------------------------------------------------------------


def work(side: str, trials: int, epochs: int, folder: str) -> Figures:
    """Run one side and return what was measured in its process."""
    began = time.monotonic()
    spent = timed_starts()
    search = _ours if side == OURS else _plain
    call = search(trials, epochs, folder, side == REUSING)
    imported = time.monotonic()
    figures = call()
    return {
        "imports": imported - began,
        "call": time.monotonic() - imported,
        "end": time.time(),
        **spent,
        **figures,
    }


def _ours(trials: int, epochs: int, folder: str, reuse_actors: bool) -> Callable[[], Figures]:
    import search.engine.executor.tune  # noqa: F401  # the other side imports ray.tune before it is called, too
    from benchmarks import noop
    from search.api import load_space, run
    from search.engine.live import Lines

    def call() -> Figures:
        study = run(load_space(noop.space(trials, epochs)), results=folder, view=Lines())
        ended = time.time()
        frame, log = study.trials(), study.decisions()
        if len(frame) != trials or not frame.state.isin(["finished", "pruned"]).all():
            raise SystemExit(f"not every trial ended:\n{frame}")
        rows = log[log.kind == "row"]
        return {
            "trials": len(frame),
            "epochs": int(frame.epochs_trained.sum()),
            "training": float(frame.seconds.sum()),
            "first": datetime.fromisoformat(rows["at"].iloc[0]).timestamp(),
            "ended": ended,
        }

    return call


def _plain(trials: int, epochs: int, folder: str, reuse_actors: bool) -> Callable[[], Figures]:
    import ray

    from benchmarks import plain

    def call() -> Figures:
        ray.init()
        frame = plain.search(trials, epochs, folder, reuse_actors)
        ended = time.time()
        ray.shutdown()
        if len(frame) != trials:
            raise SystemExit(f"not every trial ended:\n{frame}")
        return {
            "trials": len(frame),
            "epochs": int(frame.training_iteration.sum()),
            "training": float(frame.train_seconds.sum()),
            "first": float(frame.began.min()),
            "ended": ended,
        }

    return call


# All of them -------------------------------------------------------------------------------------------------


def measure(side: str, trials: int, epochs: int) -> Figures:
    """Run one side in a fresh process and folder; return its figures with the seconds per trial of each definition."""
    with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
        told, log = Path(folder, "figures.json"), Path(folder, "log.txt")
        command = [sys.executable, "-m", "benchmarks.overhead", "--trials", str(trials), "--epochs", str(epochs)]
        with log.open("w") as out:
            began = time.monotonic()
            done = subprocess.run(
                [*command, "--side", side, "--folder", folder], cwd=ROOT, stdout=out, stderr=subprocess.STDOUT
            )
            wall = time.monotonic() - began
        if done.returncode != 0 or not told.exists():
            raise SystemExit(f"{side} failed:\n{log.read_text()[-3000:]}")
        found: Figures = json.loads(told.read_text())
    start = found["ray.init"] + found["ray.shutdown"]
    further = found["ended"] - found["first"] - (found["ray.shutdown"] if side == OURS else 0)
    return {
        **found,
        "wall": wall,
        "whole command": (wall - found["training"]) / trials,
        "without Ray's start": (found["call"] - start - found["training"]) / trials,
        "each further trial": (further - found["training"]) / (trials - 1),
    }


def conditions(trials: int, epochs: int, repeats: int) -> list[str]:
    """Return under which conditions the figures hold."""
    from search.engine.conditions import commit, processor

    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    return [
        f"processor      {processor()}, {len(os.sched_getaffinity(0))} cores; load before {os.getloadavg()[0]:.1f}",
        f"system         {platform.system()} {platform.release()}",
        f"versions       Python {platform.python_version()}, {versions}",
        f"commit         {commit() or 'unknown'}",
        f"search         {trials} trials of up to {epochs} epochs, TPE, ASHA (1, 3), 1 CPU per trial",
        f"repeats        {repeats}",
    ]


def shown(values: list[float]) -> str:
    """Return median [least to most]."""
    return f"{statistics.median(values):8.3f} [{min(values):.3f} to {max(values):.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--reuse-actors", action="store_true", help="also the plain script with reuse_actors=True")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.trials < 2 or chosen.epochs < 1 or chosen.repeats < 1:
        parser.error("at least 2 trials, 1 epoch and 1 repeat")
    if chosen.side:
        figures = work(chosen.side, chosen.trials, chosen.epochs, chosen.folder)
        Path(chosen.folder, "figures.json").write_text(json.dumps(figures))
        return

    print("\n".join(conditions(chosen.trials, chosen.epochs, chosen.repeats)), flush=True)
    sides = [OURS, PLAIN, *([REUSING] if chosen.reuse_actors else [])]
    runs: dict[str, list[Figures]] = {side: [] for side in sides}
    for repeat in range(chosen.repeats):
        for side in sides if repeat % 2 == 0 else reversed(sides):
            runs[side].append(measure(side, chosen.trials, chosen.epochs))
            last = runs[side][-1]
            print(f"  repeat {repeat + 1}, {side}: {last['wall']:.1f} s, {last[HEADLINE]:.3f} s per trial", flush=True)

    def of(side: str, name: str) -> list[float]:
        return [run[name] for run in runs[side]]

    print("\nseconds, once per run: median [least to most]")
    for side in sides:
        print(f"  {side}; epochs trained: {', '.join(f'{value:.0f}' for value in of(side, 'epochs'))}")
        for name, label in (
            ("wall", "whole command"),
            ("imports", "of it imports"),
            ("ray.init", "of it ray.init"),
            ("ray.shutdown", "of it ray.shutdown"),
            ("training", "of it training"),
        ):
            print(f"    {label:20}{shown(of(side, name))}")

    print("\nseconds per trial beyond training: median [least to most]")
    for name in DEFINITIONS:
        for side in sides:
            print(f"  {name:20}{side:25}{shown(of(side, name))}")
        ratio = statistics.median(of(PLAIN, name)) / statistics.median(of(OURS, name))
        each = [theirs / ours for theirs, ours in zip(of(PLAIN, name), of(OURS, name), strict=True)]
        print(f"  {name:20}{'ratio':25}{ratio:8.1f} [{min(each):.1f} to {max(each):.1f}]")
    ratio = statistics.median(of(PLAIN, HEADLINE)) / statistics.median(of(OURS, HEADLINE))
    print(f"\nheadline: {HEADLINE}: what a trial costs beyond the start and end of Ray, which both pay once alike")
    print(f"target: at least {TARGET} times less than the plain script: {'met' if ratio >= TARGET else 'not met'}")
    print(f"ratio: {ratio:.1f}")


if __name__ == "__main__":
    main()
