"""Studies of adapters, and what a trial measures where it is trained alone."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search.core.trial import Row
from search.engine.decide.lease import Lease, Proof, Stretch
from search.ledger.files import read_state, write_state
from search.ledger.kept import KeptState, Role
from search.ledger.ledger import Ledger
from search.space.model import Space
from search.workload import Run, Workload, load_workload
from search.workload.measured import row_of
from tests.engine.simulation import Simulation
from tests.engine.test_run import Bench

Curves = list[tuple[Mapping[str, Any], list[Row]]]


def rows(bench: Bench) -> Curves:
    """Settings and rows of each trial of a study, as they are on record."""
    ledger = Ledger(str(bench.results / "search.db"))
    try:
        return curves(ledger, bench.name)
    finally:
        ledger.close()


def curves(ledger: Ledger, name: str) -> Curves:
    study = ledger.study(name).id
    trials = ledger.trials(study)
    paths = ledger.paths(study, [trial.number for trial in trials])
    keys = {trial.number: paths[trial.number][0][: trial.last_epoch] for trial in trials}
    recorded = ledger.rows(sorted({key for path in keys.values() for key in path}), predictions=True)
    return [(trial.settings, [recorded[key].row for key in keys[trial.number]]) for trial in trials]


def proofs(printed: str) -> int:
    """How many epochs a run trained to prove others, by its own account."""
    (count,) = re.findall(r"trained [0-9,]+, [0-9,]+ again and ([0-9]+) to prove", printed)
    return int(count)


def alone(workload: Workload, settings: Mapping[str, Any]) -> list[Row]:
    """The rows of a trial that is trained from its first epoch to its last, and shares nothing."""
    own = {name: value for name, value in settings.items() if name in workload.settings or name == "seed"}
    fixed, each = workload.schedule(workload.canonical(own), settings["epochs"])
    run = workload.start(fixed, 1, 0)
    return [row_of(run.train_epoch(now)) for now in each]


@dataclass
class Trained(Simulation):
    """A study that the driver runs without Ray: a workload trains each lease in a run of its own, in this process.

    Attributes:
        runs: of the leases that go on.
    """

    runs: dict[int, Run] = field(default_factory=dict)

    def train(self, lease_id: int) -> None:
        if lease_id in self.proofs:
            self.prove(self.proofs.pop(lease_id))
            return
        lease, done = self.running[lease_id]
        if not done:
            self.runs[lease_id] = self.begun(lease)
        key, epoch = lease.path[done], lease.offset + done + 1
        row = row_of(self.runs[lease_id].train_epoch(lease.schedule[done]))
        self.trained.append((lease_id, key, key in self._on_record))
        self._on_record.add(key)
        self.running[lease_id] = (lease, done + 1)
        role = lease.keep.get(epoch)
        kept = None
        if role not in (None, Role.SPACED):
            self.ledger.states.make_folder()
            saved = write_state(self.ledger.states.folder, key, bytes(self.runs[lease_id].save()))
            kept = KeptState(saved, epoch, role)
        process = self.processes[lease_id]
        if not self.driver.row(lease_id, row, 1.0, kept, "", len(process) == 1):
            self._end(lease_id)
            self.kept_processes += [] if lease.alone else [process]

    def prove(self, proof: Proof) -> None:
        stretches = proof.stretches
        self.proved.append((proof.kind, proof.what, len(stretches)))
        self.driver.proved(proof.id, [row_of(self.begun(each).train_epoch(each.settings)) for each in stretches])
        self.driver.lease_ended(proof.id)

    def begun(self, stretch: Lease | Stretch) -> Run:
        """Return a run that stands where a stretch of epochs starts."""
        run: Run = self.workload.start(stretch.fixed, 1, 0)
        if stretch.start is not None:
            run.load(read_state(self.ledger.states.folder, stretch.start.file))
        return run

    def _load(self, stretch: Lease | Stretch) -> None:
        """Leave it to `begun`."""


def rows_shared_are_those_alone(space: Space, folder: Path) -> Trained:
    """Run a study without Ray, compare each trial's rows with those it has alone, and return the run."""
    workload, ledger = load_workload(space.workload), Ledger(str(folder / "search.db"))
    try:
        run = Trained(space, ledger, random.Random(0), workload=workload)
        assert run.run()
        assert not run.driver.fallen, "a row came out otherwise when it was trained again"
        assert len({key for _, key, _ in run.trained}) == len(run.trained), "an epoch was trained twice"
        run.driver.close()
        run.abandon()
        trials = curves(ledger, space.name)
        assert [settings["epochs"] for settings, _ in trials] == [len(curve) for _, curve in trials]
        assert [curve for _, curve in trials] == [alone(workload, settings) for settings, _ in trials]
        return run
    finally:
        ledger.close()
