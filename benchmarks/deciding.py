"""What it costs to decide in a search of very many trials: processor time per trial, rule by rule, as the search grows.

    python -m benchmarks.deciding [--trials 10000] [--rules none asha promote hyperband median tpe nsga2 limits grid]

Nothing is trained: rows are a formula, and a worker's epoch takes a second of a clock that shows the processor time
besides, so that what is limited to a share of the time stays limited. All else is what a run does: its driver decides,
its sampler is asked, and every row and decision is committed to a database on disk.

    none         configurations drawn at random, nothing pruned
    asha         the same, pruned by asynchronous successive halving
    promote      the same, with trials that pause and may be promoted
    hyperband    the same, pruned in brackets
    median       the same, pruned by the median rule
    several      the same, with two objectives more, one of them a cost
    limits       the same, with limits on core hours, epochs, hours of a trial, and a target
    grid         every configuration of a grid, pruned by asynchronous successive halving
    tpe, nsga2   two objectives, chosen by these samplers

How to read it. Milliseconds of processor time per trial, of whole studies of each size. What the workers' own part
takes (states on disk, rows) is left out. *Sampler* is what Optuna and its questions take, *rest* what the service does
besides. "ratio" is the milliseconds of the largest study by those of the smallest one, sampler and rest: where costs
are flat it is 1. "again" is the same command once more on the largest study, with nothing left to do. Every epoch is a
transaction: with TMPDIR on a disk in memory (/dev/shm) seconds on the wall come near to those of the processor.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import harness
from benchmarks.scale import SETTINGS, Noop, loss
from search.core.trial import Row
from search.engine.decide.context import Context
from search.engine.decide.driver import Driver
from search.engine.decide.lease import Lease, Proof, Trained
from search.ledger.files import write_state
from search.ledger.kept import KeptState
from search.ledger.ledger import Ledger
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.space.writing import dump
from search.study.asked import Asked, Sampler, Told
from search.study.leaf import Planner
from search.study.opened import OpenStudy
from search.study.sampling import make_sampler
from search.workload import Settings, load_workload

CLASS = {"machine": "none: nothing is trained"}
EPOCHS = 4
"""Of a trial; rungs lie at 1 and 2."""

WORKERS = 4

LOSS = {"metric": "val_loss", "direction": "minimize"}
SEVERAL = [LOSS, {"metric": "gap", "direction": "minimize"}, {"metric": "size", "direction": "minimize"}]
HALVING = {"grace_period": 1, "reduction_factor": 2}

RULES: Mapping[str, Mapping[str, Any]] = {
    "none": {},
    "asha": {"pruning": {"asha": HALVING}},
    "promote": {"pruning": {"asha": {**HALVING, "promote": True}}},
    "hyperband": {"pruning": {"hyperband": HALVING}},
    "median": {"pruning": {"median": {"grace_period": 2}}},
    "several": {"objective": SEVERAL},
    "limits": {},
    "grid": {"sampler": "grid", "pruning": {"asha": HALVING}},
    "tpe": {"sampler": "tpe", "objective": SEVERAL[:2]},
    "nsga2": {"sampler": "nsga2", "objective": SEVERAL},
}
"""Name -> what stands under `search` beside what all have."""

DEAR = ("tpe",)
"""Rules of whose sampler one question takes longer than all else, the more so the longer the search is; they are left
out unless they are named."""


class Costed(Noop):
    """Two floats, and a cost of them that no training changes."""

    settings = SETTINGS
    cost_metrics = ("size",)

    def costs(self, fixed: Settings) -> dict[str, float]:
        return {"size": 1e3 * fixed["lr"]}


def space_of(rule: str, trials: int) -> Space:
    """Return the space of a search of so many trials under a rule."""
    search: dict[str, Any] = {"sampler": "random", "trials": trials, "objective": LOSS, **RULES[rule]}
    if search["sampler"] == "grid":
        del search["trials"]
        side = max(1, math.isqrt(trials))
        axes: dict[str, Any] = {
            "lr": {"grid": [round(1e-4 + 0.09 * place / side, 9) for place in range(side)]},
            "decay": {"grid": [round(place / (trials // side), 9) for place in range(trials // side)]},
        }
    else:
        axes = {"lr": {"float": {"low": 1e-4, "high": 0.1, "log": True}}, "decay": {"float": {"low": 0, "high": 1}}}
    limits = {"core_hours": 1e6, "epochs": 10**9, "trial_hours": 100, "target": 0.0} if rule == "limits" else {}
    return space_from_mapping(
        {
            "name": rule,
            "workload": "benchmarks.deciding:Costed",
            "fixed": {"epochs": EPOCHS},
            "space": axes,
            "search": search,
            **({"limits": limits} if limits else {}),
        }
    )


class Asking:
    """A sampler, and the processor time that its questions take.

    Args:
        sampler: the study's.
    """

    def __init__(self, sampler: Sampler) -> None:
        self._sampler, self.adaptive = sampler, sampler.adaptive
        self.seconds = 0.0

    def ask(self) -> Asked | None:
        """Return the next configuration, or None where there is none left."""
        began = time.thread_time()
        asked = self._sampler.ask()
        self.seconds += time.thread_time() - began
        return asked

    def tell(self, configuration: int, outcome: Told) -> None:
        """Take what became of a configuration."""
        began = time.thread_time()
        self._sampler.tell(configuration, outcome)
        self.seconds += time.thread_time() - began


@dataclass(frozen=True)
class Spent:
    """Processor time: of the sampler's questions, and of all else but the workers' part; seconds, or milliseconds per
    trial."""

    sampler: float
    rest: float

    def per_trial(self, trials: int) -> Spent:
        """Return milliseconds per trial of seconds."""
        return Spent(1000 * self.sampler / trials, 1000 * self.rest / trials)


@dataclass
class Search:
    """One run of a study in one process.

    Attributes:
        space, ledger: what is run.
    """

    space: Space
    ledger: Ledger

    def run(self) -> Spent:
        """Run it to its end; return what that took."""
        began, self._workers_s, self._now = time.process_time(), 0.0, 0.0
        self.ledger.create_study(self.space.name, self.space.name, 1, dump(self.space), "id", self.space.workload)
        record = self.ledger.study(self.space.name)
        self.ledger.update_study(record.id, execution_class=CLASS)
        asked = [entry.detail for entry in self.ledger.decisions(record.id, ["asked"])]
        sampler = Asking(make_sampler(self.space, asked))
        opened = OpenStudy(self.ledger, self.ledger.study(self.space.name), self.space)
        planner = Planner(self.space, load_workload(self.space.workload), CLASS)
        run = self.ledger.begin_run(record.id, {})
        driver = Driver(Context(opened, planner, sampler, run, WORKERS, clock=self._clock))
        planning = threading.Thread(target=driver.plan_ahead, daemon=True)
        planning.start()
        running: deque[tuple[Lease, int]] = deque()  # with the epochs it has trained, that whose turn it is first
        while True:
            while len(running) < WORKERS and (given := driver.next_lease()) is not None:
                if isinstance(given, Proof):
                    driver.proved(given.id, [self._row(stretch.fixed, stretch.epoch) for stretch in given.stretches])
                    driver.lease_ended(given.id)
                else:
                    running.append((given, 0))
            if not running:
                if driver.finished:
                    break
                driver.wait_for_work()
                continue
            lease, done = running.popleft()
            if self._trained(driver, lease, done):
                running.append((lease, done + 1))
            else:
                driver.lease_ended(lease.id)
        planning.join()
        if driver.error is not None:
            raise driver.error
        driver.collect()
        driver.close()
        return Spent(sampler.seconds, time.process_time() - began - self._workers_s - sampler.seconds)

    def _clock(self) -> float:
        """Return seconds: those that workers would train, and what deciding takes, which must not be free for it."""
        return self._now + time.process_time()

    def _trained(self, driver: Driver, lease: Lease, done: int) -> bool:
        """Let a worker train an epoch and report it; return whether it goes on."""
        self._now += 1 / WORKERS
        epoch, kept, began = lease.offset + done + 1, None, time.thread_time()
        if (role := lease.keep.get(epoch)) is not None:
            key = lease.path[done]
            self.ledger.states.make_folder()
            kept = KeptState(write_state(self.ledger.states.folder, key, key.encode()), epoch, role)
        row = self._row(lease.fixed, epoch)
        self._workers_s += time.thread_time() - began
        return driver.rows(lease.id, [Trained(row, 1.0, kept, fresh=True)])

    @staticmethod
    def _row(fixed: Settings, epoch: int) -> Row:
        value = loss(fixed["lr"], fixed["decay"], epoch)
        return Row({"train_loss": value, "val_loss": value, "gap": abs(fixed["decay"] - 0.6) + 1 / epoch})


def measure(rule: str, trials: int) -> tuple[Spent, Spent]:
    """Run a search of so many trials, and once more; return what one of them took, each time."""
    with tempfile.TemporaryDirectory(prefix="deciding-") as folder:
        ledger = Ledger(str(Path(folder, "search.db")), states=Path(folder, "states"))
        space = space_of(rule, trials)
        first, again = (Search(space, ledger).run() for _ in range(2))
        ended = [trial.state.ended for trial in ledger.trials(ledger.study(space.name).id)]
        ledger.close()
    assert all(ended)
    assert len(ended) == (space.search.trials or space.grid_size())
    return first.per_trial(len(ended)), again.per_trial(len(ended))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deciding", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="+", default=[1_000, 3_000, 10_000], help="sizes, ascending")
    parser.add_argument("--rules", nargs="+", choices=list(RULES), default=[rule for rule in RULES if rule not in DEAR])
    chosen = parser.parse_args()
    sizes = sorted(chosen.trials)
    print(f"{'':11}" + "".join(f"{f'{size:,}':>16}" for size in sizes) + f"{'ratio':>15}{'again':>16}")
    print(
        f"{'rule':11}"
        + f"{'sampler':>9}{'rest':>7}" * len(sizes)
        + f"{'sampler':>8}{'rest':>7}{'sampler':>9}{'rest':>7}"
    )
    for rule in chosen.rules:
        print(f"{rule:11}", end="", flush=True)
        taken, again = [], Spent(0.0, 0.0)
        for size in sizes:
            first, again = measure(rule, size)
            taken.append(first)
            print(f"{first.sampler:9.2f}{first.rest:7.2f}", end="", flush=True)
        few, many = taken[0], taken[-1]
        ratios = f"{many.sampler / few.sampler if few.sampler else 1:8.2f}{many.rest / few.rest:7.2f}"
        print(f"{ratios}{again.sampler:9.2f}{again.rest:7.2f}", flush=True)
    shape = f"{EPOCHS} epochs a trial, two axes, one seed, {WORKERS} workers, nothing to train"
    print("\n" + "\n".join(harness.conditions({"search": shape})))


if __name__ == "__main__":
    main()
