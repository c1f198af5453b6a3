"""Claims that are judged by the metric they name: its direction, its unit, and what is said where it has none."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from search.ledger.ledger import Ledger
from search.report.formats.judged_frame import verdicts_frame
from search.report.formats.render import table_json, table_markdown
from search.report.table.build import comparison_table
from search.report.table.model import Claim, Table
from search.space.model import Objective, Search
from search.statistics.crossed import compare
from search.statistics.families import holm
from search.statistics.scores import make_scores
from search.statistics.verdicts import Kind
from tests.report.judging import SPACE, Bench
from tests.report.table.test_scored import NATS

IMAGES = 40
BETTER = {"better": [2, 0]}


def losses(a: int, s: int) -> np.ndarray:
    """Setting 2 has half the loss of the others."""
    rng = np.random.default_rng([a, s])
    return np.random.default_rng(1).gamma(2, 1, IMAGES) * (1.0, 1.0, 0.5)[a] + rng.uniform(0, 0.1, IMAGES)


def right(a: int, s: int) -> np.ndarray:
    """Setting 2 is right on fewer images than the others."""
    return np.arange(IMAGES) < (30, 30, 8)[a] + (s + a) % 2


def table_of(ledger: Ledger, *claims: dict, objective: str = "val_accuracy", scored: bool = True, **report) -> Table:
    """Return the table of settings of which 2 has the best loss and the worst accuracy."""
    search = Search(objective=Objective(objective, "minimize" if "loss" in objective else "maximize"))
    bench = Bench(ledger, replace(SPACE, search=search)).reported(claims=claims, **report)
    for a in (0, 1, 2):
        for s in (0, 1, 2):
            bench.run({"gamma": a}, s, right(a, s), right(a, s)[:30], losses=losses(a, s) if scored else None)
    return comparison_table(bench.opened)


def kinds(claims: list[Claim]) -> list[str]:
    return [claim.kind.value for claim in claims]


def test_a_claim_is_judged_in_the_direction_and_unit_of_the_metric_it_names(ledger: Ledger) -> None:
    table = table_of(
        ledger,
        BETTER,
        {**BETTER, "metric": "val_loss", "by": 0.3},
        {**BETTER, "metric": "val_loss", "by": 5.0},
        {"equal": [2, 0], "metric": "val_loss", "within": 3.0},
        {"best": 2, "metric": "val_loss"},
        {"best": 0},
        {**BETTER, "metric": "test_accuracy"},
    )
    assert kinds(table.verdicts) == [
        *("contradicted", "supported", "contradicted", "supported", "supported", "undecided", "contradicted")
    ]
    assert [claim.text for claim in table.verdicts] == [
        "gamma=2 is better than gamma=0",
        "gamma=2 is better than gamma=0 in val_loss by at least 0.3 nats",
        "gamma=2 is better than gamma=0 in val_loss by at least 5 nats",
        "gamma=2 equals gamma=0 in val_loss within 3 nats",
        "gamma=2 is the best in val_loss",
        "gamma=0 is the best",
        "gamma=2 is better than gamma=0 in test_accuracy",
    ]
    assert [claim.metric for claim in table.verdicts[:2]] == ["val_accuracy", "val_loss"]
    assert table.verdicts[1].reason == "the interval lies below -0.3 nats"
    assert table.verdicts[2].reason == "if better, then by less than 5 nats"
    assert "val_loss" in table.metrics, "what a claim is judged by is shown"


def test_claims_of_all_metrics_are_one_family(ledger: Ledger) -> None:
    table = table_of(ledger, BETTER, {**BETTER, "metric": "val_loss"}, {"better": [1, 0], "metric": "val_loss"})
    scores = make_scores([[losses(a, s) for s in (0, 1, 2)] for a in (0, 1, 2)], measure=NATS)
    values = [table.verdicts[0].evidence["p"], *(one.p for one in compare(scores, [(2, 0), (1, 0)]))]
    assert [claim.evidence["p_adjusted"] for claim in table.verdicts] == pytest.approx(holm(values))
    assert "are a family of their own: p values adjusted by Holm over 3 comparisons." in "\n".join(table.notes)
    assert table.verdicts[1].evidence["estimate"] == table.lines[2].scored["val_loss"].difference.estimate < 0


def test_the_objective_is_the_default_where_rows_hold_its_scores(ledger: Ledger) -> None:
    table = table_of(ledger, BETTER, {**BETTER, "metric": "val_accuracy"}, objective="val_loss")
    assert [(claim.metric, claim.kind.value) for claim in table.verdicts] == [
        ("val_loss", "supported"),
        ("val_accuracy", "contradicted"),
    ]
    assert [claim.text for claim in table.verdicts] == [
        "gamma=2 is better than gamma=0 in val_loss",
        "gamma=2 is better than gamma=0 in val_accuracy",
    ]


def test_rows_of_before_give_the_verdicts_of_before(ledger: Ledger) -> None:
    """They hold no scores: a claim that names no metric is judged by the accuracy, with the file's margin."""
    table = table_of(ledger, BETTER, {"equal": [1, 0], "within": 0.3}, objective="val_loss", scored=False, margin=0.02)
    assert [(claim.metric, claim.kind.value, claim.text) for claim in table.verdicts] == [
        ("val_accuracy", "contradicted", "gamma=2 is better than gamma=0"),
        ("val_accuracy", "supported", "gamma=1 equals gamma=0 within 30 pt"),
    ]


@pytest.mark.parametrize("metric", ["val_f1", "val_loss", "test_loss"])
def test_a_metric_that_no_row_tells_decides_nothing(ledger: Ledger, metric: str) -> None:
    (claim,) = table_of(ledger, {**BETTER, "metric": metric}, scored=False).verdicts
    assert (claim.kind, claim.reason) == (
        Kind.UNDECIDED,
        f"rows hold neither predictions nor scores that {metric} comes from; return `scores` of each example from the "
        "epoch (docs/how-to/scores.md)",
    )


def test_a_margin_in_a_metric_that_nothing_tells_has_no_unit(ledger: Ledger) -> None:
    stated = {"equal": [2, 0], "within": 2.0, "metric": "val_loss"}
    assert table_of(ledger, stated, scored=False).verdicts[0].text == "gamma=2 equals gamma=0 in val_loss within 2"


def test_the_margin_is_a_size_of_the_objective(ledger: Ledger) -> None:
    """Of .02 points an accuracy on test images has as many, and a loss has none."""
    same = {"better": [1, 0]}
    own, test, loss = table_of(
        ledger, same, {**same, "metric": "test_accuracy"}, {**same, "metric": "val_loss"}, margin=0.02
    ).verdicts
    assert "2 pt (report.margin)" in own.reason
    assert "2 pt (report.margin)" in test.reason
    assert loss.reason.endswith(
        "`report.margin`, the smallest difference that matters, would tell how many seeds find it"
    )


def test_every_format_names_the_metric(ledger: Ledger) -> None:
    table = table_of(ledger, {**BETTER, "metric": "val_loss"}, {"never": {"diverges": True}})
    assert "Claim: gamma=2 is better than gamma=0 in val_loss. Supported: better: -" in table_markdown(table)
    assert [one["metric"] for one in json.loads(table_json(table), parse_constant=pytest.fail)["verdicts"]] == [
        "val_loss",
        "",
    ]
    assert verdicts_frame(table.verdicts)["metric"].tolist() == ["val_loss", ""]


def test_a_metric_that_predictions_tell_may_be_claimed(ledger: Ledger) -> None:
    """Macro F1 is worked out of predictions on record, where a claim names it."""
    (claim,) = table_of(ledger, {**BETTER, "metric": "val_macro_f1"}).verdicts
    assert (claim.kind, claim.metric) == (Kind.CONTRADICTED, "val_macro_f1")
    assert claim.reason.startswith("worse: -")
