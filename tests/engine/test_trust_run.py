"""Proofs on real workers: of many kinds with a mistake each, no study shows a row that a fresh process would not train.

One study holds them all, for each value of `flaw` is a kind of its own. What is right is what a process trains in which
nothing was trained before, from epoch 0, for each trial.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from search.core.trial import State
from search.ledger.distrust import Distrust
from search.ledger.ledger import Ledger
from search.proof.fresh import Warm
from search.space.reader import read_space
from search.study.leaf import Leaf, Planner
from search.workload.measured import row_of
from tests.engine.flawed import FLAWS, Flawed
from tests.engine.test_run import Bench

pytestmark = pytest.mark.slow

EPOCHS = 8

PLANS = {
    "steady": {"lr": 0.01},
    "higher": {"lr": {1: 0.01, 4: 0.02}},
    "lower": {"lr": {1: 0.01, 7: 0.005}},
}
"""They part behind the epochs 3 and 6: depths 1 and 2."""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The study of all kinds, run to its end by one command."""
    bench = Bench(tmp_path_factory.mktemp("flawed"))
    axes = {"flaw": {"grid": [*FLAWS]}, "plan": {"grid": PLANS}}
    bench.write(axes, 2, "tests.engine.flawed:Flawed", epochs=EPOCHS, log=str(bench.log))
    done = bench.run()
    assert done.returncode == 0, done.stderr
    yield bench
    for process in bench.started:
        bench.end(process)


def opened(bench: Bench) -> tuple[Ledger, list[Leaf], dict[str, Distrust]]:
    """Return the ledger, the leaves as they are keyed now, and the distrusted kinds by their flaw."""
    ledger = Ledger(str(bench.results / "search.db"))
    record = ledger.study(bench.name)
    space = read_space(bench.folder / f"{bench.name}.yaml")
    distrusted = ledger.distrusted()
    assert record.execution_class is not None
    planner = Planner(space, Flawed(), record.execution_class, alone=distrusted)
    leaves = [planner.leaf(t.number, t.configuration, t.seed, t.parameters) for t in ledger.trials(record.id)]
    flaw_of = {leaf.kind: leaf.fixed["flaw"] for leaf in leaves}
    return ledger, leaves, {flaw_of[kind]: told for kind, told in distrusted.items()}


def test_each_mistake_is_found_and_no_right_kind_is_refused(study: Bench) -> None:
    ledger, _, distrusted = opened(study)
    ledger.close()
    assert set(distrusted) == set(FLAWS) - {"none", "cache"}, "a cache that a process keeps reaches no other trial"
    assert {flaw for flaw, told in distrusted.items() if not told.repeatable} == {"unseeded"}
    for flaw in ("momentum", "counter", "average", "generator", "saving"):
        assert "from the state after epoch" in distrusted[flaw].text, distrusted[flaw].text
        assert "not in what save() returns" in distrusted[flaw].text
    assert "not in what save() returns" in distrusted["data"].text
    assert "chance that is not seeded" in distrusted["unseeded"].text
    for told in distrusted.values():
        assert f"ALARM: {told.text}"[:60] in study.out()


def test_no_row_is_shown_that_a_fresh_process_would_not_train(study: Bench) -> None:
    ledger, leaves, _ = opened(study)
    assert {trial.state for trial in study.trials()} == {State.FINISHED}
    paths = ledger.paths(ledger.study(study.name).id)
    with Warm(Flawed, fork=True) as warm:
        for leaf in leaves:
            keys = paths[leaf.trial.number][0]
            rows = ledger.rows(keys)
            assert sorted(rows) == sorted(keys)
            if leaf.fixed["flaw"] == "unseeded":
                continue
            fixed = {**leaf.fixed, "log": str(study.folder / "truth.log")}
            with warm.fresh() as process:
                process.start(fixed, 1, 0.0)
                for key, settings in zip(keys, leaf.schedule, strict=True):
                    assert not rows[key].row.differences(row_of(process.train_epoch(settings), None, None))
    ledger.close()


def test_epochs_are_the_distinct_ones_and_those_to_prove(study: Bench) -> None:
    """Two seeds of a trunk with a branch behind the epochs 3 and 6; the start, depth 1 and depth 2 are proven."""
    lines = Counter(study.log.read_text().split())
    assert lines["none"] == lines["cache"] == 2 * (8 + 5 + 2) + 1 + 1 + 1


def test_trials_of_a_distrusted_kind_share_nothing(study: Bench) -> None:
    ledger, leaves, distrusted = opened(study)
    paths = ledger.paths(ledger.study(study.name).id)
    keys = Counter(key for leaf in leaves if leaf.fixed["flaw"] == "momentum" for key in paths[leaf.trial.number][0])
    rows = ledger.rows(list(keys))
    assert {row.origin for row in rows.values()} == {"fresh"}
    assert not ledger.states.find([key for leaf in leaves if leaf.fixed["flaw"] in distrusted for key in leaf.path])
    ledger.close()


def test_the_same_command_again_trains_nothing(study: Bench) -> None:
    before = study.log.read_text()
    again = study.run()
    assert again.returncode == 0, again.stderr
    assert study.log.read_text() == before
    assert "starting Ray" not in again.stdout


def test_text_has_the_same_order_in_every_worker(study: Bench) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-c", "print(hash('text'))"]
    expected = subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout.strip()
    ledger, _, _ = opened(study)
    assert ledger.study(study.name).execution_class == {"hash of text": expected}
    ledger.close()
