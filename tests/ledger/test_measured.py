"""Rows as they are read with what their predictions tell; what is on record stays as it is."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from search.core.derived import derived, rule_of, with_derived
from search.core.trial import DataCard, Row
from search.ledger import measured
from search.ledger.ledger import Ledger
from search.ledger.measured import Measured

TRUTH = np.array([0, 0, 1, 1, 2, 2])
GUESSES = [np.array([0, 0, 1, 1, 2, number % 3]) for number in range(5)]
F1, RECALL = "val_macro_f1", "val_balanced_accuracy"


@pytest.fixture
def recorded(tmp_path):
    ledger = Ledger(str(tmp_path / "search.db"))
    ledger.create_study("toys", "toys", 1, "", "id", "toy")
    record = ledger.study("toys")
    run = ledger.begin_run(record.id, {})
    ledger.put_data(DataCard("images", truth={"val": TRUTH}))
    ledger.put_data(DataCard("other", truth={"val": TRUTH[::-1]}))
    keys = [f"{number:040x}" for number in range(5)]
    with ledger.step(record.id) as step:
        for key, guess in zip(keys, GUESSES, strict=True):
            step.put_row(key, 1, Row({"val_loss": 1.0}, {"val": guess}), 0.5, run)
    yield ledger, keys
    ledger.close()


def test_predictions_tell_macro_f1_and_balanced_accuracy(recorded, monkeypatch):
    monkeypatch.setattr(measured, "ROWS_PER_QUERY", 2)
    ledger, keys = recorded
    rows = Measured(ledger, ["val_loss", F1, RECALL, "test_macro_f1"]).rows(dict.fromkeys(keys, "images"))
    assert list(rows) == keys
    for key, guess in zip(keys, GUESSES, strict=True):
        expected = {
            "val_loss": 1.0,
            F1: pytest.approx(f1_score(TRUTH, guess, average="macro")),
            RECALL: pytest.approx(balanced_accuracy_score(TRUTH, guess)),
        }
        assert (rows[key].row.metrics, rows[key].row.predictions) == (expected, {})
        assert ledger.rows([key])[key].row.metrics == {"val_loss": 1.0}


def test_each_row_is_judged_by_the_classes_of_its_own_data(recorded):
    ledger, keys = recorded
    rows = Measured(ledger, [F1]).rows({keys[0]: "images", keys[1]: "other", keys[2]: "nowhere"})
    assert rows[keys[0]].row.metrics[F1] == pytest.approx(f1_score(TRUTH, GUESSES[0], average="macro"))
    assert rows[keys[1]].row.metrics[F1] == pytest.approx(f1_score(TRUTH[::-1], GUESSES[1], average="macro"))
    assert rows[keys[2]].row.metrics == {"val_loss": 1.0}


def test_what_a_row_measured_itself_stands():
    row = Row({F1: 0.5}, {"val": GUESSES[0]})
    assert with_derived(row, [F1], {"val": TRUTH}) is row


def test_names_tell_which_metrics_these_are():
    assert derived(["val_loss", F1, "lr", RECALL, F1, "macro_f1"]) == (F1, RECALL)
    assert rule_of("val_accuracy") is None
