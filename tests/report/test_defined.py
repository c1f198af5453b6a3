"""Odd studies have defined answers: every export, the page and the claims, without NaN, infinity or None as text."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow.parquet as pq
import pytest

from search.core.trial import State
from search.ledger.ledger import Ledger
from search.report.results import FORMATS, SUBJECTS, export, write_results
from search.space.model import Axis, Float, Grid, Objective, Report, Search
from tests.report.builder import GAMMAS, Study
from tests.report.figures.drawing import study_figures
from tests.report.judging import SPACE, Bench, card, pattern
from tests.report.page.studies import Page

pytestmark = pytest.mark.slow

NO_VALUE = re.compile(r"(?<![\w-])[-+]?(NaN|nan|inf|Infinity|None|NaT|<NA>|&lt;NA&gt;)(?![\w-])")
CLAIMS: Any = (
    {"better": [2, 0]},
    {"equal": [1, 0], "within": 0.02},
    {"best": 2},
    {"never": {"diverges": True}},
    {"always": {"reaches": 0.5, "where": {"gamma": [2]}}},
    {"never": {"misses_a_class": True}},
)


def bench(ledger: Ledger, seeds: int = 3, values: tuple[int, ...] = (0, 1, 2), n: int = 40, **more: Any) -> Bench:
    """Return an empty study of these settings with all kinds of claims, on n validation images."""
    claims = CLAIMS if values == (0, 1, 2) else ()
    report = replace(SPACE.report, claims=claims, **more)
    space = replace(SPACE, seeds=tuple(range(seeds)), axes=[Axis("gamma", Grid(list(values)))], report=report)
    return Bench(ledger, space, card(n))


def mixed(ledger: Ledger) -> Bench:
    """Return settings of which seeds are pruned, diverged, failed, not done, or not there at all."""
    made = bench(ledger)
    for seed, state in enumerate([State.FINISHED, State.STOPPED, State.PRUNED]):
        made.run({"gamma": 0}, seed, pattern(0, seed, 40), pattern(0, seed, 30), state=state)
    for seed, state in enumerate([State.FINISHED, State.DIVERGED, State.FAILED]):
        made.run({"gamma": 1}, seed, pattern(1, seed, 40), pattern(1, seed, 30), state=state)
    made.run({"gamma": 2}, 0, pattern(2, 0, 40), pattern(2, 0, 30), state=State.RUNNING, last=1)
    made.run({"gamma": 2}, 1, pattern(2, 1, 40), pattern(2, 1, 30), state=State.WAITING)
    return made


def ended(state: State) -> Callable[[Ledger], Bench]:
    """Return a study all of whose trials ended so."""

    def made(ledger: Ledger) -> Bench:
        found = bench(ledger)
        for gamma in (0, 1, 2):
            for seed in range(3):
                right = pattern(gamma, seed, 40)
                found.run({"gamma": gamma}, seed, right, right[:30], state=state, last=1 + (state is State.PRUNED))
        return found

    return made


def shares(*counts: int, n: int = 40, seeds: int = 3) -> Callable[[Ledger], Bench]:
    """Return a study whose settings get so many of n images right under every seed."""

    def made(ledger: Ledger) -> Bench:
        found = bench(ledger, seeds, tuple(range(len(counts))), n)
        for gamma, count in enumerate(counts):
            for seed in range(seeds):
                found.run({"gamma": gamma}, seed, np.arange(n) < count, np.arange(30) < min(count, 30))
        return found

    return made


def measured(metrics: Callable[[int, float], Mapping[str, float]], space: Any) -> Callable[[Ledger], Study]:
    """Return a study that measures this, and predicts no classes."""

    def made(ledger: Ledger) -> Study:
        study = Study(ledger, space)
        for number, value in enumerate([0, 0.5, 2]):
            for seed in range(3):
                study.trial({"gamma": value}, seed, [0.5, value, seed], configuration=number, metrics=metrics)
        return study

    return made


LOSS = replace(
    GAMMAS, search=Search(objective=Objective("val_loss", "minimize")), report=Report(rows="gamma", baseline=0)
)
SAMPLED = replace(
    SPACE, axes=[Axis("gamma", Float(0, 2))], search=Search("random", trials=3), report=Report(has_baseline=False)
)
STUDIES: Mapping[str, Callable[[Ledger], Any]] = {
    "every way to end": mixed,
    "all failed": ended(State.FAILED),
    "all diverged": ended(State.DIVERGED),
    "all pruned": ended(State.PRUNED),
    "all interrupted": ended(State.INTERRUPTED),
    "nothing started": bench,
    "nothing and everything right": shares(0, 40, 20),
    "everything right": shares(40, 40, 40),
    "nothing right": shares(0, 0, 0),
    "one image": shares(0, 1, 1, n=1),
    "one setting": shares(20),
    "one setting, one seed, one image": shares(1, n=1, seeds=1),
    "ties": shares(20, 20, 20),
    "one seed": lambda ledger: bench(ledger, 1).grid(seeds=(0,)),
    "two seeds": lambda ledger: bench(ledger, 2).grid(seeds=(0, 1)),
    "one seed of three": lambda ledger: bench(ledger).grid(seeds=(0,)),
    "the best epoch": lambda ledger: bench(ledger, value="best").grid(),
    "no classes": measured(lambda _, value: {"val_loss": value}, LOSS),
    "losses that are no numbers": measured(lambda _, value: {"val_loss": 1 / value if value else float("nan")}, LOSS),
    "no objective": measured(lambda _, value: {"another": value}, GAMMAS),
    "no metric": measured(lambda *_: {}, GAMMAS),
    "a search with nothing": lambda ledger: Bench(ledger, SAMPLED),
    "a search with one": lambda ledger: _one(Bench(ledger, SAMPLED)),
}


def _one(made: Bench) -> Bench:
    made.run({"gamma": 0.123456789}, 0, pattern(0, 0, 40), pattern(0, 0, 30))
    return made


@pytest.fixture(params=STUDIES)
def study(request: pytest.FixtureRequest, ledger: Ledger) -> Any:
    return STUDIES[request.param](ledger)


def test_no_export_holds_what_is_no_value(study: Any, tmp_path: Path) -> None:
    for what in SUBJECTS:
        for kind in FORMATS:
            path = export(study.opened, what, kind, tmp_path / f"{what}.{kind}")
            for text in texts(path):
                assert not NO_VALUE.search(text), f"{path.name}: {text}"


def texts(path: Path) -> list[str]:
    """Return what is to be read in a file: its cells, or all of its text; numbers must be finite."""
    if path.suffix == ".parquet":
        values = [value for column in pq.read_table(path).columns for value in column.to_pylist()]
    elif path.suffix == ".xlsx":
        cells = [cell for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows() for cell in row]
        assert {cell.data_type for cell in cells} <= {"s", "n", "b"}
        values = [cell.value for cell in cells]
    elif path.suffix == ".csv":
        with open(path, encoding="utf-8", newline="") as file:
            values = [cell for row in csv.reader(file) for cell in row]
    elif path.suffix == ".json":
        values = leaves(json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail))
    else:
        return [path.read_text(encoding="utf-8")]
    assert all(np.isfinite(value) for value in values if isinstance(value, float))
    return [value for value in values if isinstance(value, str)]


def leaves(content: Any) -> list[Any]:
    """Return the single values of what JSON holds."""
    inside = content.values() if isinstance(content, dict) else content if isinstance(content, list) else None
    return [content] if inside is None else [leaf for one in inside for leaf in leaves(one)]


def test_the_results_are_written_and_the_page_says_what_it_can(study: Any, tmp_path: Path) -> None:
    written = {path.name: path for path in write_results(study.opened, tmp_path)}
    page = Page(written.pop("report.html").read_text(encoding="utf-8"))
    assert not NO_VALUE.search(page.text)
    for about, content in page.scripts:
        if about.get("type") == "application/json":
            json.loads(content, parse_constant=pytest.fail)
    for path in written.values():
        if path.suffix != ".yaml":
            assert not [text for text in texts(path) if NO_VALUE.search(text)]
    assert not [one.alt for one in study_figures(study.opened) if NO_VALUE.search(one.alt)]
    if study.space.report.claims:
        verdicts = [row.split(",") for row in written["verdicts.csv"].read_text(encoding="utf-8").splitlines()]
        assert len(verdicts) == 1 + len(CLAIMS)
