"""What a plan says that a study will be able to show."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from search.core.scores import ScoreRule
from search.core.trial import DataCard, Row, State, Trial
from search.ledger.ledger import Ledger
from search.ledger.scored import finished_runs
from search.plan import similar
from search.plan.plan import Plan
from search.plan.text import text
from search.statistics.noise import from_record, pooled_squares
from tests.engine.decide.test_driver import space_of
from tests.engine.workloads import Synthetic
from tests.plan.test_plan import opened, planned
from tests.test_scale import statements

__all__ = ["opened"]


class Judging(Synthetic):
    """A workload whose data card says which images judge it; three of them are one image."""

    def data(self, fixed: Mapping[str, Any]) -> DataCard:
        truth = {"val": np.arange(502) % 4, "train": np.arange(9) % 4}
        return DataCard("made up", truth=truth, contents={"val": [str(max(i, 2)) for i in range(502)]})


def recorded(
    ledger: Ledger,
    settings: int = 3,
    seeds: int = 4,
    name: str = "earlier",
    *,
    workload: str = "",
    metric: str = "val_accuracy",
    share: float = 0.8,
    spread: float = 0.02,
    count: int = 502,
) -> None:
    """Put a study on record, of the same workload and data where nothing else is said."""
    ledger.put_data(Judging().data({}))
    ledger.create_study(name, name, 1, "", name, workload or space_of({}, seeds=1).workload)
    record = ledger.study(name)
    begun, rng = ledger.begin_run(record.id, {}), np.random.default_rng(len(name))
    truth, hard = np.arange(count) % 4, rng.random(count)
    with ledger.step(record.id) as step:
        for number in range(settings * seeds):
            a, s = divmod(number, seeds)
            right = 0.7 * hard + 0.3 * rng.random(count) < share + spread * rng.standard_normal()
            key = hashlib.sha1(f"{name} {number}".encode()).hexdigest()
            step.add_trial(Trial(number, number, s, {"a": a}, {"a": a}, 1, State.FINISHED, "", 1), [key], "made up")
            guess = np.where(right, truth, (truth + 1) % 4)
            row = Row({metric: float(right.mean())}, {"val": guess})
            if metric == "val_loss":
                losses = rng.gamma(2, 0.5, count) * (1 + spread * rng.standard_normal())
                rule = ScoreRule("val", "loss", low=0.0, unit="nats", examples="images")
                row = Row({metric: float(losses.mean())}, {}, {"val": {"loss": losses}}, {metric: rule})
            step.put_row(key, 1, row, 0.1, begun)


def of(ledger: Ledger, metric: str = "val_accuracy", **report: Any) -> Plan:
    space = space_of({"a": {"grid": [1, 2, 3]}}, seeds=3, objective={"metric": metric, "direction": "maximize"})
    space = replace(space, report=replace(space.report, rows="a", **report))
    return planned(space, ledger, workload=Judging())


def test_a_plan_says_what_the_study_will_be_able_to_show(opened: Ledger) -> None:
    plan = of(opened, baseline=1, has_baseline=True, margin=0.03)
    assert plan.shows is not None
    assert (plan.shows.seeds, plan.shows.images, plan.shows.delta, plan.shows.margin) == (3, 500, 0.03, 0.03)
    line = next(line for line in text(plan).splitlines() if line.startswith("what it can show: "))
    assert line.startswith("what it can show: 3 seeds and 500 images find a true difference of 3 pt with a probability")
    assert ", and show equality within 3 pt with " in line
    assert "; one more seed: " in line
    shows = plan.to_json()["shows"]
    assert isinstance(shows, dict)
    assert shows["found"]["least"] < shows["found"]["expected"] < shows["found"]["most"]
    assert shows["noise"] == "noise as seen elsewhere, of accuracies about 80 %"
    json.dumps(plan.to_json(), allow_nan=False)


def test_claims_say_which_difference(opened: Ledger) -> None:
    plan = of(
        opened,
        baseline=1,
        has_baseline=True,
        claims=[{"better": [2, 1], "by": 0.05}, {"equal": [3, 1], "within": 0.04}],
    )
    assert plan.shows is not None
    assert (plan.shows.delta, plan.shows.margin) == (0.05, 0.04)
    strict = of(opened, baseline=1, has_baseline=True, margin=0.05, noise="strict").shows
    assert strict is not None
    assert strict.found.expected < plan.shows.found.expected


@pytest.mark.parametrize(
    ("metric", "report"),
    [("val_accuracy", {}), ("val_loss", {"baseline": 1, "has_baseline": True})],
    ids=["nothing compared", "a loss"],
)
def test_where_nothing_is_said(opened: Ledger, metric: str, report: Mapping[str, Any]) -> None:
    plan = of(opened, metric=metric, **report)
    assert plan.shows is None
    assert plan.to_json()["shows"] is None
    assert "what it can show" not in text(plan)


def test_noise_is_that_of_a_similar_study_on_record(opened: Ledger) -> None:
    recorded(opened, 3, 3, "small")
    recorded(opened, 4, 5, "large")
    recorded(opened, 6, 6, "of another workload", workload="another")
    shows = of(opened, baseline=1, has_baseline=True, margin=0.03).shows
    assert shows is not None
    assert shows.source == "noise of study 'large' (4 settings, 5 seeds: 12 df), at its 80 % upper limit"
    assert (shows.images, shows.measure.unit) == (500, "pt")
    assert shows.found is not None
    assert shows.found.least == shows.found.expected < shows.found.most
    # 3 of the 502 images are one: the noise is that of 500 units, pooled over all pairs of settings
    design = similar._design(2, finished_runs(opened, space_of({}, seeds=1).workload, "made up", 99)[:20])
    assert design.df == 12
    scores, chance = similar._scores(opened, design, Judging().data({}), "val_accuracy") or (None, None)
    assert scores is not None
    assert (scores.values.shape, chance) == ((4, 5, 500), 0.25)
    squares = pooled_squares(scores, chance)
    assert squares is not None
    assert from_record(squares, 3, "study 'large'").expected.power(3, 500, 0.03) == shows.found.expected


def test_noisier_records_promise_less(opened: Ledger, tmp_path: Any) -> None:
    other = Ledger(str(tmp_path / "other.db"))
    recorded(opened, 4, 6, spread=0.005)
    recorded(other, 4, 6, spread=0.04)
    quiet, loud = (of(one, baseline=1, has_baseline=True, margin=0.05).shows for one in (opened, other))
    other.close()
    assert quiet is not None
    assert loud is not None
    assert quiet.found is not None
    assert loud.found is not None
    assert quiet.found.expected > loud.found.expected + 0.3


def test_a_loss_is_planned_by_its_record(opened: Ledger) -> None:
    recorded(opened, 4, 6, metric="val_loss")
    shows = of(opened, "val_loss", baseline=1, has_baseline=True).shows
    assert shows is not None
    assert " nats on; one more seed: from " in shows.sentence
    assert "images find a true difference with a probability of 80 % from " in shows.sentence
    claimed = of(opened, "val_loss", baseline=1, has_baseline=True, margin=0.05).shows
    assert claimed is not None
    assert "find a true difference of 0.05 nats with a probability of " in claimed.sentence


@pytest.mark.parametrize("found", [{"settings": 1}, {"seeds": 1}, {"share": 2.0}, {"count": 7}])
def test_a_record_that_tells_nothing(opened: Ledger, found: Mapping[str, Any]) -> None:
    """One setting, one seed, all runs right on all images, predictions on other images."""
    recorded(opened, **found)
    shows = of(opened, baseline=1, has_baseline=True).shows
    assert shows is not None
    assert shows.source.startswith("noise as seen elsewhere")


def test_what_is_read_is_bounded(opened: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 1,000 trials the last rows of as many runs as tell enough; of long rows fewer runs."""
    recorded(opened, 100, 10)
    keys: list[int] = []
    reading = Ledger.rows

    def counting(ledger: Ledger, those: Sequence[str], **how: Any) -> Any:
        keys.append(len(those))
        return reading(ledger, those, **how)

    monkeypatch.setattr(Ledger, "rows", counting)
    space = space_of({}, seeds=1)
    with statements() as asked:
        noise = similar.noise_on_record(opened, space.workload, "made up", "val_accuracy", 3)
    assert noise is not None
    assert "(8 settings, 8 seeds: 49 df)" in noise.source
    assert keys == [64]
    assert sum(asked.values()) <= 10
    monkeypatch.setattr(similar, "MAX_SCORES_READ", 6 * 502)
    short = similar.noise_on_record(opened, space.workload, "made up", "val_accuracy", 3)
    assert short is not None
    assert "(2 settings, 3 seeds: 2 df)" in short.source
    monkeypatch.setattr(similar, "MAX_SCORES_READ", 502)
    assert similar.noise_on_record(opened, space.workload, "made up", "val_accuracy", 3) is None


def test_a_metric_that_predictions_tell_is_planned_by_its_record(opened: Ledger) -> None:
    recorded(opened, 4, 5)
    shows = of(opened, "val_macro_f1", baseline=1, has_baseline=True, margin=0.03).shows
    assert shows is not None
    assert shows.source.startswith("noise of study 'earlier' (4 settings, 5 seeds: 12 df)")
    assert shows.found is not None
    assert 0 < shows.found.expected < 1
