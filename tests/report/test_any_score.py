"""Whatever the contract takes of scores, a study of them has a table and exports in which each value is one."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.core.trial import DataCard, State, Trial
from search.ledger.ledger import Ledger
from search.report.formats import render
from search.report.formats.columns import table_sheet
from search.report.formats.judged_frame import verdicts_columns
from search.report.formats.latex import latex_table
from search.report.table.build import comparison_table
from search.report.table.judged_text import claim_note
from search.space.model import Axis, Grid, Objective, Report, Search, Space
from search.study.opened import OpenStudy
from search.workload.measured import row_of
from tests.report.builder import key_of
from tests.report.test_defined import NO_VALUE

NUMBERS = st.sampled_from(
    [0.0, -0.0, 1.0, 0.5, 0.25, -1.0, 3.0, 1e-300, 5e-324, 1e-9, 1e9, 1e30, 1e99, 1e120, 1e300, 700.0, -800.0]
)
KINDS = {
    "free": {"better": "higher"},
    "above": {"better": "lower", "low": 0, "untrained": 2.0},
    "below": {"better": "higher", "high": 1.0, "untrained": 0.0},
    "between": {"better": "higher", "low": 0, "high": 1},
    "root": {"better": "lower", "form": "root_mean", "untrained": 4.0},
    "root, bounded": {"better": "lower", "form": "root_mean", "low": 0, "high": 9},
    "exp": {"better": "lower", "form": "exp_mean", "unit": "nats"},
    "influence": {"better": "higher", "form": "influence", "low": 0, "high": 1},
}
CLAIMS: Any = (
    {"better": [2, 1], "by": 0.5},
    {"equal": [1, 2], "within": 0.5},
    {"best": 3},
    {"never": {"diverges": True}},
)
STATES = [State.FINISHED] * 5 + [State.STOPPED, State.DIVERGED, State.PRUNED, State.FAILED]
COUNT = itertools.count()


def metric_of(form: str, scores: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        mean = np.mean(scores, dtype=np.float64)
        return float({"root_mean": np.sqrt, "exp_mean": np.exp}.get(form, np.asarray)(mean))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.data())
def test_a_study_of_any_scores_is_written(ledger: Ledger, data: st.DataObject) -> None:
    rule = KINDS[data.draw(st.sampled_from(sorted(KINDS)))]
    n, seeds = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 4))
    spread = data.draw(st.sampled_from([0.0, 0.0, 1e-12, 0.01]))
    grouped = data.draw(st.booleans())
    study = opened(ledger, f"any {next(COUNT)}", seeds, 8 * n if grouped else n, grouped)
    record = study.record
    run = ledger.begin_run(record.id, {})
    examples = 8 * n if grouped else n
    for number, (width, seed) in enumerate(itertools.product((1, 2, 3), range(seeds))):
        values = np.resize(data.draw(st.lists(NUMBERS, min_size=1, max_size=4)), examples)
        scores = values * (1 + spread * np.random.default_rng([width, seed]).random(examples))
        state = data.draw(st.sampled_from(STATES))
        measured = {"val_cost": metric_of(rule.get("form", ""), scores)}
        if state is State.DIVERGED:
            measured, scores = {"val_cost": float("nan")}, np.full(examples, np.nan)
        measured |= {"scores": {"val": {"cost": scores}}, "score_rules": {"val_cost": rule}}
        key, row = key_of(record.name, width, seed), None
        try:
            row = row_of(measured, ledger.data(record.name))
        except ValueError:
            state = State.FAILED
        parameters = {"width": width}
        with ledger.step(record.id) as step:
            step.add_trial(
                Trial(number, width, seed, parameters, parameters, 1, state, "", int(row is not None)),
                [key],
                record.name,
            )
            if row is not None:
                step.put_row(key, 1, row, 0.5, run)
    table = comparison_table(study)
    columns = (render.table_columns(table), verdicts_columns(table.verdicts))
    told = [render.table_markdown(table), render.table_json(table), latex_table(table_sheet(table))]
    for text in (*told, *map(render.columns_csv, columns), *map(claim_note, table.verdicts)):
        assert not NO_VALUE.search(text), text


def opened(ledger: Ledger, name: str, seeds: int, examples: int, grouped: bool) -> OpenStudy:
    report = Report(rows="width", baseline=1, has_baseline=True, margin=0.1, claims=CLAIMS)
    search = Search(objective=Objective("val_cost", "minimize"))
    axes = [Axis("width", Grid([1, 2, 3]))]
    space = Space(name, "toy", axes, {"epochs": 1}, "Any", tuple(range(seeds)), search=search, report=report)
    ledger.create_study(space.name, space.name, 1, "", "id", space.workload)
    groups = {"val": [str(i // 2) for i in range(examples)]} if grouped else {}
    ledger.put_data(DataCard(name, "books", groups=groups))
    return OpenStudy(ledger, ledger.study(space.name), space)
