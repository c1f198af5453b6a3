"""What grids of very many trials cost once their rows are on record: seconds and memory of each verb, size by size.

    python -m benchmarks.scale [--trials 1000 10000 100000] [--epochs 2] [--verbs run again plan list show report]

Nothing is trained. A ledger is filled with the rows of a whole grid, whose epochs are a formula, as another study
would leave them; then each verb is a process of its own, as a person starts it:

    run      the study is new: every trial is entered, settled from the rows, mirrored, and its results are written
    again    the same command once more: nothing is left to do
    plan     what it would cost
    list     all studies of the ledger
    show     the study
    report   its results, written anew

How to read it. Seconds (of processor time, which a busy machine does not stretch) and the largest resident memory are
the process's own, imports and all. A study of 100 trials shows what a verb costs whatever its size; "each" is what a
trial costs beyond that, in milliseconds and kilobytes. "ratio" is the milliseconds of the largest size by those of the
smallest one above 100: where costs are flat it is 1.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import harness
from search.core.trial import Row
from search.engine.steps.conditions import conditions
from search.ledger.ledger import Ledger
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.space.writing import dump
from search.study.leaf import Planner
from search.workload import Description, Settings, Workload, load_workload

CLASS = {"machine": "none: nothing is trained"}
SMALL_TRIALS = 100
"""What a verb costs whatever its size is taken from a study of so many trials."""

STUDY = "grid"
VERBS: Mapping[str, list[str]] = {
    "run": ["run", "FILE"],
    "again": ["run", "FILE"],
    "plan": ["plan", "FILE", "--no-probe"],
    "list": ["list"],
    "show": ["show", STUDY],
    "report": ["report", STUDY],
}


SETTINGS: Description = {
    "lr": {"type": "number", "minimum": 1e-4, "maximum": 1e-1, "description": "one axis of the grid"},
    "decay": {"type": "number", "minimum": 0.0, "maximum": 1.0, "description": "the other one"},
}


def loss(lr: float, decay: float, epoch: int) -> float:
    """Return the loss after that many epochs: it falls with each, towards a floor that the two floats set."""
    return (math.log10(lr) + 2) ** 2 + (decay - 0.3) ** 2 + 1 / epoch


class Noop(Workload):
    """Two floats; no data, no random numbers."""

    recipe = "1"
    settings = SETTINGS

    def start(self, fixed: Settings, cpus: int, gpus: float) -> NoopRun:
        return NoopRun(fixed["lr"], fixed["decay"])


class NoopRun:
    """One run; its state is the number of epochs."""

    def __init__(self, lr: float, decay: float) -> None:
        self.lr, self.decay, self.epoch = lr, decay, 0

    def train_epoch(self, settings: Settings) -> dict[str, float]:
        self.epoch += 1
        return {"val_loss": loss(self.lr, self.decay, self.epoch)}

    def save(self) -> bytes:
        return self.epoch.to_bytes(8, "big")

    def load(self, state: bytes) -> None:
        self.epoch = int.from_bytes(state, "big")


@dataclass(frozen=True)
class Cost:
    """What one process took: seconds of processor time, seconds on the wall, megabytes at most."""

    seconds: float
    wall: float
    megabytes: float


def grid(trials: int, epochs: int) -> dict[str, Any]:
    """Return what the space file would hold: a grid of about so many trials, of two axes."""
    side = max(1, round(math.sqrt(trials)))
    other = max(1, trials // side)
    return {
        "name": STUDY,
        "workload": "benchmarks.scale:Noop",
        "fixed": {"epochs": epochs},
        "space": {
            "lr": {"grid": [round(1e-4 + 0.09 * place / side, 9) for place in range(side)]},
            "decay": {"grid": [round(place / other, 9) for place in range(other)]},
        },
        "search": {"objective": {"metric": "val_loss", "direction": "minimize"}},
    }


def record(space: Space, folder: Path) -> int:
    """Put the rows of a whole grid on record, as of a study of another name; return the number of trials."""
    ledger = Ledger(str(folder / "search.db"), states=folder / "states")
    ledger.create_study("earlier", "earlier", 1, dump(space), "earlier", space.workload)
    earlier = ledger.study("earlier")
    ledger.update_study(earlier.id, execution_class=CLASS)
    run = ledger.begin_run(earlier.id, conditions(CLASS, os.cpu_count() or 1, 1, 0.0))
    planner = Planner(space, load_workload(space.workload), CLASS)
    count = 0
    for batch in _batches(space):
        with ledger.step(earlier.id) as step:
            for parameters in batch:
                leaf = planner.leaf(count, count, 0, parameters)
                for epoch, key in enumerate(leaf.path, start=1):
                    value = loss(parameters["lr"], parameters["decay"], epoch)
                    step.put_row(key, epoch, Row({"val_loss": value}), 1e-4, run)
                count += 1
    ledger.end_run(run, "done", 1.0)
    ledger.close()
    return count


def _batches(space: Space, size: int = 1000) -> Iterator[list[Mapping[str, Any]]]:
    batch: list[Mapping[str, Any]] = []
    for parameters in space.grid():
        batch.append(parameters)
        if len(batch) == size:
            yield batch
            batch = []
    yield batch


def command(words: list[str], file: Path, results: Path) -> Cost:
    """Run one verb to its end."""
    words = [str(file) if word == "FILE" else word for word in words]
    with tempfile.TemporaryFile() as out:
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "search", *words, "--results", str(results)],
            cwd=harness.ROOT,
            stdout=out,
            stderr=out,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - began
        if process.returncode != 0:
            out.seek(0)
            raise SystemExit(f"{' '.join(words)} failed:\n{out.read().decode()[-3000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / (1024 if sys.platform != "darwin" else 2**20))


def measure(trials: int, epochs: int, verbs: list[str]) -> tuple[int, dict[str, Cost]]:
    """Fill a folder and run the verbs in it; return the number of trials and what each verb took."""
    with tempfile.TemporaryDirectory(prefix="scale-") as made:
        results, file = Path(made, "results"), Path(made, "grid.yaml")
        space = space_from_mapping(grid(trials, epochs))
        file.write_text(dump(space))
        count = record(space, results)
        return count, {verb: command(VERBS[verb], file, results) for verb in VERBS if verb in verbs}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--verbs", nargs="+", choices=list(VERBS), default=list(VERBS))
    chosen = parser.parse_args()
    wanted = [
        verb for verb in VERBS if verb in chosen.verbs or (verb == "run" and set(chosen.verbs) - {"plan", "list"})
    ]
    costs_of: dict[int, dict[str, Cost]] = {}
    print(f"{'verb':8}{'trials':>9}{'seconds':>10}{'MB':>8}{'ms each':>10}{'kB each':>10}", flush=True)
    base: dict[str, Cost] = {}
    for size in [SMALL_TRIALS, *chosen.trials]:
        count, costs = measure(size, chosen.epochs, wanted)
        base = base or costs
        costs_of[count] = costs
        for verb, cost in costs.items():
            each = f"{1000 * (cost.seconds - base[verb].seconds) / count:10.2f}" if size > SMALL_TRIALS else f"{'':10}"
            room = f"{1024 * (cost.megabytes - base[verb].megabytes) / count:10.1f}" if size > SMALL_TRIALS else ""
            print(f"{verb:8}{count:9,}{cost.seconds:10.2f}{cost.megabytes:8.0f}{each}{room}", flush=True)
    sizes = sorted(costs_of)[1:]
    if len(sizes) > 1:
        print(f"\nratio of milliseconds per trial, {sizes[-1]:,} trials by {sizes[0]:,}")
        for verb in wanted:
            few, many = ((costs_of[size][verb].seconds - base[verb].seconds) / size for size in (sizes[0], sizes[-1]))
            print(f"  {verb:8}{many / few if few > 0 else math.nan:6.2f}")
    # Last, because it imports torch: the memory of a command begins with that of the process that starts it.
    shape = f"{chosen.epochs} epochs a trial, two axes, one seed, nothing to train"
    print("\n" + "\n".join(harness.conditions({"grid": shape})))


if __name__ == "__main__":
    main()
