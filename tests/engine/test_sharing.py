"""Sharing on real workers: every row as if its trial had been trained alone, and no epoch trained twice."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from search.core.trial import State
from tests.engine.sharing import EPOCHS, FACTORIAL, Shared, ends

pytestmark = pytest.mark.slow

LONGER = EPOCHS + 3
"""Epochs of the trials that train alone: enough to tell how each one ends that is asked for fewer."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Shared]]:
    """The factorial with sharing and without, and studies added later."""
    benches = {name: Shared(tmp_path_factory.mktemp(name), "factorial") for name in ("shared", "alone")}
    yield benches
    for bench in benches.values():
        for process in bench.started:
            bench.end(process)


def run(bench: Shared, *words: object) -> str:
    """Run a space to its end; return what was printed."""
    done = bench.run("run", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_rows_are_those_of_trials_trained_alone(made: dict[str, Shared]) -> None:
    """Those were trained for three epochs more, which changes nothing of the first twelve."""
    shared, alone = made["shared"], made["alone"]
    run(shared, shared.put())
    run(alone, alone.put(epochs=LONGER), "--no-sharing")

    assert len(shared.trials()) == 24
    assert {trial.state for trial in shared.trials()} == {State.FINISHED, State.STOPPED}
    assert ends(shared.trials()) == {name: cut(*end) for name, end in ends(alone.trials()).items()}
    curves, curves_alone = shared.curves(), alone.curves()
    assert curves.keys() == curves_alone.keys()
    for name, curve in curves.items():
        assert curve == curves_alone[name][:EPOCHS], name
        assert all({"val", "test"} <= predictions.keys() for _, predictions in curve)

    lines = shared.lines()
    lines_alone = [line for line in alone.lines() if int(line.split()[1]) <= EPOCHS]
    assert len(set(lines)) == shared.distinct()
    # One kind: its start is one epoch; branches leave behind epochs 4, 7 and 8, which are of depths 1 and 2.
    # Of the other states a sample is proven, drawn by their keys: these name the processor, so some machines draw one.
    proven = [entry.detail["what"] for entry in shared.log_of("proven")]
    named = [what for what in proven if not what.startswith("sample ")]
    assert sorted(named) == ["depth 1", "depth 2", "start"]
    assert len(lines) == shared.distinct() + len(proven), "distinct epochs and those to prove, no other"
    assert shared.proofs() == [1] * len(proven)
    assert set(lines) == set(lines_alone), "the same epochs, by the workload's own account"
    assert len(lines_alone) == sum(min(trial.last_epoch, EPOCHS) for trial in alone.trials()) + 1, "a start is proven"
    assert len(lines_alone) > 2 * len(lines)


def cut(state: str, ended_by: str, last_epoch: int) -> tuple[str, str, int]:
    """Return how a trial would have ended, had it been asked for `EPOCHS` epochs."""
    return (state, ended_by, last_epoch) if last_epoch <= EPOCHS else (State.FINISHED.value, "last epoch", EPOCHS)


def test_the_same_study_again_trains_nothing(made: dict[str, Shared]) -> None:
    shared = made["shared"]
    before, log = shared.lines(), shared.log_of()
    printed = run(shared, shared.put())
    assert shared.lines() == before
    assert shared.log_of() == log, "neither leased nor reused nor decided anew"
    assert "starting Ray" not in printed
    assert shared.runs()[-1]["outcome"] == "done"


def test_a_study_that_overlaps_trains_the_rest(made: dict[str, Shared]) -> None:
    """One more gamma, other thresholds, and in other words; of the old gammas nothing is trained."""
    shared = made["shared"]
    before, distinct = shared.lines(), shared.distinct()
    shared.name = "wider"
    space: dict[str, Any] = {**FACTORIAL, "loss.gamma": {"grid": [2.0, 1, 0.0]}, "stop.alpha": {"grid": [40, None]}}
    space["augmentation"] = {"grid": {"turned": {"augment.rotation": 20.0}, "none": {"augment.hflip": 0}}}
    run(shared, shared.put(space))
    fresh = shared.lines()[len(before) :]
    assert len(fresh) == len(set(fresh)) == shared.distinct() - distinct
    assert not set(fresh) & set(before)
    assert 0 < len(fresh) <= 2 * (12 + 8 + 4)
    for trial in shared.trials():
        if trial.parameters["loss.gamma"] != 1:
            assert trial.attempts == 0, "settled without a worker"
    shared.name = "factorial"


class Payload:
    """Unpickled, it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def damage(path: Path, kind: int) -> None:
    content = bytearray(path.read_bytes())
    if kind == 0:
        content[len(content) // 2] ^= 4
        path.write_bytes(content)
    elif kind == 1:
        os.truncate(path, len(content) - 100)
    elif kind == 2:
        path.unlink()
    elif kind == 3:
        foist(path, bytes(content[:40]) + pickle.dumps(Payload(path.with_name("executed"))))


def foist(path: Path, content: bytes) -> None:
    """Put another content in the place of a state, and its hash into the record: nothing but reading it can tell."""
    digest, key = hashlib.sha256(content).hexdigest(), bytes.fromhex(path.name[:40])
    path.with_name(f"{path.name[:40]}-{digest[:16]}").write_bytes(content)
    path.unlink()
    with contextlib.closing(sqlite3.connect(path.parents[2] / "search.db")) as connection, connection:
        change = "UPDATE state SET sha256 = ?, size = ? WHERE key = ?"
        assert connection.execute(change, [digest, len(content), key]).rowcount == 1


def test_damaged_states_are_noticed_and_trained_again(made: dict[str, Shared]) -> None:
    """Four of five states are spoilt before the study gets longer; rows are those of trials trained alone."""
    shared, alone = made["shared"], made["alone"]
    before = shared.lines()
    files = shared.state_files()
    assert len(files) >= 12, "at least the last one of each chain"
    for number, path in enumerate(files):
        damage(path, number % 5)
    run(shared, shared.put(epochs=LONGER))
    longer = shared.name + " (rev 2)"
    assert ends(shared.trials(longer)) == ends(alone.trials())
    assert shared.curves(longer) == alone.curves()
    reasons = {entry.detail["reason"].split(" ", 2)[2] for entry in shared.log_of("miss", study=longer)}
    said_of_each = ("has changed since it was written", "bytes, ", "cannot be read: No such file", "UnpicklingError(")
    for said in said_of_each:
        assert any(said in reason for reason in reasons), f"{said!r} is not among {reasons}"
    assert list((shared.results / "states").rglob("executed")) == [], "a state was run instead of read"
    again = set(before) & set(shared.lines()[len(before) :])
    assert again, "nothing was trained again, so no damage was met"
    assert shared.log_of("alarm", study=longer) == []
