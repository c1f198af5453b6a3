"""Large grids: what is asked of the databases grows no faster than the trials, and what is too large is refused.

The times and the memory of grids of thousands are those of `benchmarks.scale`; a smaller one is measured here.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from benchmarks import scale
from search.api import mirror_url, open_ledger
from search.cli import cli
from search.core.errors import Faults
from search.core.trial import State
from search.engine.live import Silent
from search.engine.run import run_study
from search.plan.place import place_of
from search.plan.plan import plan_of
from search.plan.text import text
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.study.leaf import Planner
from search.study.revision import find_study
from search.workload import load_workload

FEW, MANY = 49, 400


@contextmanager
def statements() -> Iterator[Counter[str]]:
    """Count what is asked of each database, by the name of its file; many rows put in at once are one statement."""
    found: Counter[str] = Counter()

    def hear(connection: sa.Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        found[Path(str(connection.engine.url.database)).name] += not statement.startswith("PRAGMA")

    sa.event.listen(sa.Engine, "before_cursor_execute", hear)
    try:
        yield found
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", hear)


def space_of(trials: int) -> Space:
    return space_from_mapping(scale.grid(trials, 2))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Counter[str]]]:
    """Trials -> what is asked to settle them from rows on record, by the same command again, and to plan them."""
    found: dict[int, dict[str, Counter[str]]] = {}
    for trials in (FEW, MANY):
        folder, space = tmp_path_factory.mktemp(f"grid-{trials}"), space_of(trials)
        assert scale.record(space, folder) == trials
        ledger, counts = open_ledger(folder, None), {}
        for turn in ("run", "again"):
            with statements() as counts[turn]:
                outcome = run_study(space, ledger, mirror_url(folder), Silent())
            assert (outcome.epochs_trained, outcome.failed, outcome.mirror, outcome.complete) == (0, [], "", True)
        record = find_study(ledger, space)
        assert Counter(trial.state for trial in ledger.trials(record.id)) == {State.FINISHED: trials}
        with statements() as counts["plan"]:
            place = place_of(ledger, space, record)
            planner = Planner(space, load_workload(space.workload), place.execution_class)
            assert f"{2 * trials:,}" in text(plan_of(space, ledger, planner, place, record))
        found[trials] = counts
        ledger.close()
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("what", "each"), [("run", 1.5), ("again", 0.1), ("plan", 0.1)])
def test_a_settled_trial_costs_the_ledger_no_more_among_many(
    asked: dict[int, dict[str, Counter[str]]], what: str, each: float
) -> None:
    few, many = (asked[trials][what]["search.db"] for trials in (FEW, MANY))
    assert few > 0
    assert (many - few) / (MANY - FEW) < each, "statements for each further trial"


@pytest.mark.slow
@pytest.mark.parametrize("what", ["run", "again"])
def test_it_costs_the_mirror_no_statement_of_its_own(asked: dict[int, dict[str, Counter[str]]], what: str) -> None:
    few, many = (asked[trials][what]["optuna.db"] for trials in (FEW, MANY))
    assert few > 0
    assert (many - few) / (MANY - FEW) < 0.1


TOO_MANY = "grid: [" + ", ".join(f"0.{place:03}1" for place in range(1000)) + "]"


@pytest.mark.slow
@pytest.mark.parametrize("words", [["check"], ["plan"], ["run"]], ids=" ".join)
def test_a_thousand_million_configurations_are_refused_at_once(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text(
        "workload: tests.space.fake:Fake\nfixed: {epochs: 1, batch_size: 16}\n"
        f"space:\n  loss.gamma: {{{TOO_MANY}}}\n  optimizer.lr: {{{TOO_MANY}}}\n  clip: {{{TOO_MANY}}}\n"
    )
    began = time.process_time()
    with pytest.raises(Faults) as caught:
        cli.main([*words, "space.yaml"], standalone_mode=False)
    assert time.process_time() - began < 5
    assert str(caught.value) == (
        "space.yaml:3: space: the grid has 1,000,000,000 configurations, at most 1,000,000 trials can be run; choose "
        "search.sampler random or tpe, with search.trials"
    )
    assert [path.name for path in Path().iterdir()] == ["space.yaml"], "nothing was opened, nothing begun"


@pytest.mark.stress
def test_seconds_and_memory_of_ten_thousand_settled_trials() -> None:
    """Each of ten thousand settled trials costs at most twice what each of one thousand does, in every verb."""
    found = {size: scale.measure(size, 2, list(scale.VERBS)) for size in (scale.SMALL_TRIALS, 1_000, 10_000)}
    _, small = found[scale.SMALL_TRIALS]
    for verb in scale.VERBS:
        each = {}
        for size in (1_000, 10_000):
            count, costs = found[size]
            each[size] = (costs[verb].seconds - small[verb].seconds) / count
            kilobytes = 1024 * (costs[verb].megabytes - small[verb].megabytes) / count
            print(f"{verb:8}{count:7,} trials: {1000 * each[size]:7.2f} ms and {kilobytes:6.1f} kB each")
            assert kilobytes < 50
        assert each[10_000] < 2 * max(each[1_000], 0.0005), verb
