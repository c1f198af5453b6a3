"""A study trained by hand, without Ray: by default of one trial of four epochs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from examples.sine import Fit, SineFit
from search.core.trial import Row, State
from search.inspect.revive import revive
from search.ledger.files import write_state
from search.ledger.kept import KeptState, Role
from search.ledger.ledger import Ledger, StudyRecord
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.space.writing import dump
from search.study.leaf import Planner
from search.study.opened import OpenStudy
from search.workload import Workload, load_workload
from search.workload.measured import row_of

CLASS = {"machine": "here"}


class Weighed(SineFit):
    """The polynomial, with its coefficients to give away."""

    def execution_class(self, cpus: int, gpus: float) -> dict[str, str]:
        return CLASS

    def weights(self, run: Fit) -> dict[str, Any]:
        return {"coefficients": run.weights}

    def about(self, run: Fit) -> dict[str, Any]:
        return {"classes": ["one", "two"], "input_size": 1, "kind": "polynomial"}


@dataclass
class Recorded:
    """The study.

    Attributes:
        ledger: where it is.
        workload: what trained it.
        space: its space.
        states: after each epoch, trial by trial.
    """

    ledger: Ledger
    workload: Workload
    space: Space
    states: list[bytes]

    @property
    def record(self) -> StudyRecord:
        return self.ledger.study("toy")

    @property
    def opened(self) -> OpenStudy:
        return OpenStudy(self.ledger, self.record, self.space)

    def revive(self, epoch: int | None = None, **more: Any) -> tuple[Any, list[str]]:
        told: list[str] = []
        (trial,) = self.ledger.trials(self.record.id)
        return revive(self.opened, self.workload, trial, epoch, told.append, **more), told

    def keep(self, epoch: int) -> Path:
        """Keep the state after an epoch; return its file."""
        states = self.ledger.states
        states.make_folder()
        path, _ = self.ledger.paths(self.record.id)[0]
        file = write_state(states.folder, path[epoch - 1], self.states[epoch - 1])
        with self.ledger.step(self.record.id) as step:
            step.put_state(KeptState(file, epoch, Role.LANDMARK))
        return states.folder / file.name

    def coefficients(self, epoch: int) -> Any:
        """Return what was learnt after an epoch, from its state."""
        return np.split(np.frombuffer(self.states[epoch - 1])[1:], 2)[0]


def recorded(
    ledger: Ledger,
    name: str,
    bend: Callable[[int, Row], Row] = lambda epoch, row: row,
    state: State = State.FINISHED,
    epochs: int = 4,
    **text: Any,
) -> Recorded:
    """Train the trials of a study and record it.

    Args:
        ledger: where to.
        name: of the workload.
        bend: what is recorded in the place of an epoch's row.
        state: how each trial ended.
        epochs: on record of each.
        text: what the space says besides, or in the place of one trial of four epochs.
    """
    workload = load_workload(name)
    given = {"workload": name, "fixed": {"epochs": 4}, "space": {"lr": {"grid": [0.1]}}, "name": "toy", "seeds": [3]}
    search = {"objective": {"metric": "val_loss", "direction": "minimize"}}
    space = space_from_mapping({**given, "search": search, **text}, overrides={})
    execution_class = dict(workload.execution_class(1, 0.0))
    ledger.create_study("toy", "toy", 1, dump(space), "id", space.workload)
    ledger.update_study(ledger.study("toy").id, execution_class=execution_class)
    study, states = ledger.study("toy").id, []
    run_id = ledger.begin_run(study, {"gpus_per_trial": 0.0})
    planner = Planner(space, workload, execution_class, True, lambda card: card.fingerprint and ledger.put_data(card))
    for number, parameters in enumerate(space.grid()):
        leaf = planner.leaf(number, number, space.seeds[0], parameters)
        run = workload.start(leaf.fixed, 1, 0)
        trial = replace(leaf.trial, state=state, last_epoch=epochs)
        with ledger.step(study) as step:
            step.add_trial(trial, leaf.path, leaf.data)
            for epoch, settings in enumerate(leaf.schedule[:epochs], start=1):
                row = row_of(dict(run.train_epoch(settings)))
                step.put_row(leaf.path[epoch - 1], epoch, bend(epoch, row), 2.5, run_id)
                states.append(run.save())
    return Recorded(ledger, workload, space, states)
