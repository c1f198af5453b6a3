"""An objective that no row measures, and that its predictions tell: the driver prunes and ends by it."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sklearn.metrics import f1_score

from search.core.trial import DataCard, Row, State
from search.ledger.ledger import Ledger
from tests.engine.decide.test_driver import asha, space_of
from tests.engine.simulation import Nature, Simulation, verdicts_of
from tests.engine.workloads import Synthetic

TRUTH = np.arange(12) % 3
CARD = DataCard("toys", truth={"val": TRUTH})


class Guesses(Nature):
    """Rows with predictions, which digits of their key make up."""

    def row(self, key: str) -> Row:
        guesses = np.array([int(digit, 16) % 3 for digit in key[:12]])
        return Row({"train_loss": 1.0, "val_loss": 1.0}, {"val": guesses})


class Labelled(Synthetic):
    def data(self, fixed: object) -> DataCard:
        return CARD


@pytest.mark.parametrize("sampler", ["grid", "tpe"])
def test_a_macro_f1_decides_who_is_pruned(tmp_path, sampler):
    objective = {"metric": "val_macro_f1", "direction": "maximize"}
    more = {} if sampler == "grid" else {"sampler": "tpe", "trials": 8, "seed": 0}
    axes = {"a": {"grid" if sampler == "grid" else "choice": list(range(8))}}
    space = space_of(axes, 2, {"epochs": 4}, objective=objective, pruning=asha(1, 2), **more)
    ledger = Ledger(str(tmp_path / "search.db"))
    ledger.put_data(CARD)
    nature = Guesses()
    simulation = Simulation(space, ledger, random.Random(1), nature=nature, workload=Labelled())
    assert simulation.run()
    record = simulation.record
    rungs = ledger.decisions(record.id, ["rung"])
    assert {trial.state for trial in ledger.trials(record.id)} == {State.PRUNED, State.FINISHED}
    for entry in rungs:
        guesses = nature.row(entry.key).predictions["val"]
        assert entry.detail["value"] == pytest.approx(f1_score(TRUTH, guesses, average="macro"))
    assert verdicts_of(ledger, record, space)
    trained = nature.trained
    again = Simulation(space, ledger, random.Random(2), nature=nature, workload=Labelled())
    assert again.run()
    assert nature.trained == trained
    assert ledger.decisions(record.id, ["rung"]) == rungs
    ledger.close()
