"""A study's rows trained again: equal, changed on record, changed code, and the certificate of it."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from search.__main__ import run
from search.core.errors import UserError
from search.ledger import codec
from search.ledger.ledger import Ledger
from search.notebook import Study
from search.proof.certificate import HASH, sealed, text, untouched
from search.proof.retrain import Retrained, retrain
from search.study.changed import StudyChanged
from tests.inspect.recorded import Recorded, recorded
from tests.proof.small import Small

GRID = {"space": {"lr": {"grid": [0.1, 0.05]}}}


@pytest.fixture(scope="module")
def small() -> Iterator[Small]:
    with Small() as process:
        yield process


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Recorded]]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    ledger = Ledger(str(tmp_path / "search.db"))
    yield lambda **more: recorded(ledger, "tests.inspect.recorded:Weighed", **{**GRID, **more})
    ledger.close()


def change(database: Path, epoch: int) -> None:
    """Write another validation loss into the first row of an epoch, as somebody might who edits the database."""
    with sqlite3.connect(database) as connection:
        key, blob = connection.execute("SELECT key, row FROM epoch WHERE epoch = ?", (epoch,)).fetchone()
        row = codec.decode_row(blob)
        bent = type(row)({**row.metrics, "val_loss": row.metrics["val_loss"] * (1 - 1e-15)}, row.predictions)
        assert row.differences(bent) == ["val_loss"]
        connection.execute("UPDATE epoch SET row = ? WHERE key = ?", (codec.encode_row(bent), key))
    connection.close()


def again(place: Path, share: float, seed: int) -> Retrained:
    ledger = Ledger(str(place / "search.db"))
    try:
        return retrain(Study(ledger, ledger.study("toy"), place).opened, share, seed=seed)
    finally:
        ledger.close()


@pytest.mark.slow
def test_all_rows_come_out_equal(make, small, tmp_path):
    make()
    trained = small.call(again, tmp_path, 1.0, 0)
    assert (trained.rows, len(trained.compared), list(trained.differing)) == (8, 8, [])
    assert [(one.start, one.end) for one in trained.stretches] == [(0, 4), (0, 4)]


@pytest.mark.slow
def test_a_changed_row_is_seen_with_every_digit(make, small, tmp_path):
    study = make()
    change(tmp_path / "search.db", 3)
    (row,) = small.call(again, tmp_path, 1.0, 0).differing
    assert (row.difference.epoch, row.difference.metric) == (3, "val_loss")
    assert row.difference.expected != row.difference.found
    assert row.key in [study.ledger.paths(study.record.id)[trial][0][2] for trial in (0, 1)]


@pytest.mark.slow
def test_a_sample_begins_from_saved_states(make, small, tmp_path):
    study = make()
    study.keep(3)
    trained = small.call(again, tmp_path, 0.125, 0)
    assert sum(one.end - one.start for one in trained.stretches) == 1
    starts = {one.start for seed in range(6) for one in small.call(again, tmp_path, 0.125, seed).stretches}
    assert starts == {0, 3}


def test_another_execution_class_is_refused(make, tmp_path):
    study = make()
    study.ledger.update_study(study.record.id, execution_class={"machine": "there"})
    with pytest.raises(UserError) as refused:
        retrain(study.opened, 0.5, fork=False)
    assert str(refused.value) == (
        "study 'toy' was run in another execution class (machine was 'there', is 'here'), where the same settings give "
        "other bits; nothing was trained: train it again on a machine of that class"
    )


def test_settings_edited_on_record_are_seen(make, tmp_path):
    study = make()
    with sqlite3.connect(tmp_path / "search.db") as connection:
        connection.execute("""UPDATE trial SET parameters = '{"lr": 0.2}' WHERE number = 1""")
    connection.close()
    with pytest.raises(StudyChanged, match="is no longer what was trained"):
        retrain(study.opened, 0.5, fork=False)


@pytest.mark.slow
def test_the_verb_writes_a_certificate_and_fails_where_a_row_differs(make, small, tmp_path):
    make()
    place = tmp_path / "toy"
    command = ["audit", "toy", "--results", tmp_path, "--retrain", "1"]
    code, out, err = small.run(*command)
    assert code == 0
    assert out.startswith(
        "Study toy: every row equal to the last bit\n\n8 of 8 rows on record (100 %) were trained again on "
    )
    assert "certificate: " in err
    content = json.loads((place / "certificate.json").read_text())
    assert untouched(content)
    assert text(content) == (place / "certificate.txt").read_text() == out
    assert [content[name] for name in ("rows_compared", "epochs_trained", "execution_class")] == [
        8,
        8,
        {"machine": "here"},
    ]
    change(tmp_path / "search.db", 2)
    code, out, err = small.run(*command, "--json")
    assert code == 4
    assert err.endswith("1 row of study 'toy' comes out otherwise when trained again\n")
    (difference,) = json.loads(out)["differences"]
    assert (difference["epoch"], difference["metric"]) == (2, "val_loss")
    assert "differs" in (place / "certificate.txt").read_text()


def test_a_certificate_that_was_edited_is_not_what_its_hash_says():
    content = sealed({"result": "rows differ", "rows_compared": 3})
    assert untouched(content)
    assert not untouched({**content, "result": "every row equal to the last bit"})
    assert sealed({**content, "rows_compared": 4})[HASH] != content[HASH]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["a.yaml", "--retrain", "0.5"], "--retrain is for one study; name that alone"),
        (["toy", "--retrain", "1", "--fail-on", "note"], "--retrain fails where a row differs; leave --fail-on out"),
        (["toy", "--retrain", "0"], "0.0 is not in the range 0<x<=1"),
        (["toy", "--retrain", "1.5"], "1.5 is not in the range 0<x<=1"),
    ],
)
def test_what_the_verb_refuses(make, tmp_path, capsys, words, reason):
    make()
    assert run(["audit", *words, "--results", str(tmp_path)]) == 1
    assert reason in " ".join(capsys.readouterr().err.split())
