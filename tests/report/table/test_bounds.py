"""What a table costs as examples grow, and what it says where there is next to nothing to say."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

from search.core.trial import DataCard
from search.ledger.ledger import Ledger
from search.report.results import write_results
from search.report.table.build import comparison_table
from search.space.model import Axis, Grid
from search.workload.measured import row_of
from tests.report.judging import SPACE as CLASSES
from tests.report.judging import Bench
from tests.report.scored import SPACE, Regression

FEW, MANY = 1_000, 100_000
TWO = replace(SPACE, axes=[Axis("width", Grid([1, 2]))], seeds=(0, 1, 2))


@contextmanager
def calls() -> Iterator[Counter[str]]:
    """Count the calls of functions, of Python and of C: work that is done example by example would be so many more."""
    found: Counter[str] = Counter()

    def hear(_frame: FrameType, event: str, _what: Any) -> None:
        found[event] += 1

    sys.setprofile(hear)
    try:
        yield found
    finally:
        sys.setprofile(None)


def of_scores(ledger: Ledger, n: int) -> Regression:
    study = Regression(ledger, TWO)
    for width in (1, 2):
        for seed in (0, 1, 2):
            study.run(width, seed, np.random.default_rng([width, seed]).gamma(2, width, n).astype(np.float32))
    return study


def of_classes(ledger: Ledger, n: int) -> Bench:
    truth = {"val": np.arange(n) % 4, "test": np.arange(9) % 4}
    space = replace(CLASSES, axes=[Axis("gamma", Grid([0, 1]))])
    bench = Bench(ledger, space, DataCard("images", "toys", list("abcd"), truth, {}))
    for gamma in (0, 1):
        for seed in (0, 1, 2):
            bench.run({"gamma": gamma}, seed, np.random.default_rng([gamma, seed]).random(n) < 0.8)
    return bench


@pytest.mark.parametrize("study", [of_scores, of_classes])
def test_no_work_is_done_example_by_example(tmp_path: Path, study: Callable[[Ledger, int], Any]) -> None:
    """A hundred times as many examples take as many calls, each on all examples at once."""
    counts = {}
    for n in (FEW, FEW, MANY):  # the first one fills what is remembered of heads and rules
        ledger = Ledger(str(tmp_path / f"{n}-{len(list(tmp_path.iterdir()))}.db"))
        opened = study(ledger, n).opened
        with calls() as counted:
            table = comparison_table(opened)
        assert table.lines[1].judged.difference is not None
        assert table.lines[1].judged.difference.images == n
        counts[n] = sum(counted.values())
        ledger.close()
    assert counts[MANY] <= 1.1 * counts[FEW]


@pytest.mark.parametrize(("n", "seeds", "value"), [(1, (0,), "own"), (1, (0, 1, 2), "own"), (5, (0, 1, 2), "constant")])
def test_next_to_nothing_has_a_defined_answer_in_every_file(
    ledger: Ledger, tmp_path: Path, n: int, seeds: Any, value: str
) -> None:
    """One example, one seed, scores that are all equal: no NaN, no infinity, in no export."""
    claims = (
        {"better": [2, 1]},
        {"equal": [2, 1], "within": 0.5},
        {"best": 2},
        {"better": [2, 1], "metric": "test_rmse"},
    )
    study = Regression(ledger, replace(TWO, seeds=seeds, report=replace(SPACE.report, claims=claims)))
    for width in (1, 2):
        for seed in seeds:
            own = np.random.default_rng([width, seed]).gamma(2, width, n)
            study.run(width, seed, own if value == "own" else np.full(n, 2.0))
    paths = write_results(study.opened, tmp_path)
    verdicts = comparison_table(study.opened).verdicts
    assert [claim.kind.value for claim in verdicts] == ["undecided"] * 4
    for path in paths:
        if path.suffix == ".json":
            json.loads(path.read_text(), parse_constant=pytest.fail)
        elif path.suffix in (".csv", ".md", ".tex"):
            assert not re.search(r"\b(NaN|nan|inf|Infinity)\b|(^|,)None(,|$)", path.read_text(), re.MULTILINE), (
                path.name
            )


@pytest.mark.parametrize("weights", [{"val": [-1.0, 2.0]}, [1.0, 2.0]])
def test_examples_have_no_weights_that_a_row_could_give(weights: Any) -> None:
    """Scores enter a table as they are: what a row calls weights is no part of it, whatever their sign."""
    with pytest.raises(TypeError, match=r"metric 'weights' is .*; train_epoch must return numbers"):
        row_of({"val_loss": 1.0, "weights": weights})
    scores = {"val": {"loss": np.ones(2)}}
    with pytest.raises(ValueError, match=r"score_rules of 'val_loss' hold 'weights', must be among 'better', "):
        row_of({"val_loss": 1.0, "scores": scores, "score_rules": {"val_loss": {"weights": weights}}})
