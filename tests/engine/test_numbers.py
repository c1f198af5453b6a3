"""Numbers that are none: NaN, infinities, metrics that are missing or text. The same over SQLite and PostgreSQL."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from search.core.trial import DataCard, Row, State
from search.ledger.ledger import Ledger
from search.report.record.curves import read_curves
from search.report.record.frames import trials_frame
from search.report.table.build import comparison_table
from search.report.views import show_study, study_list
from search.space.keys import SAMPLERS
from search.space.model import Space
from search.study.asked import mean_outcome
from search.study.leaf import Planner
from search.study.opened import OpenStudy
from search.study.sampling import make_sampler
from search.workload.form import Form, form_of
from search.workload.measured import row_of
from tests.engine.decide.test_driver import space_of
from tests.engine.simulation import CLASS, Nature, Simulation, part
from tests.engine.workloads import Synthetic

NAN, INF = math.nan, math.inf
SOUND = {"train_loss": 1.0, "val_loss": 1.0, "test_loss": 1.0}

CASES: Mapping[int, tuple[int, dict[str, float | None], State, str]] = {
    0: (1, {}, State.FINISHED, "last epoch"),
    1: (3, {"score": NAN}, State.DIVERGED, "score is nan at epoch 3"),
    2: (3, {"score": INF}, State.DIVERGED, "score is inf at epoch 3"),
    3: (1, {"score": -INF}, State.DIVERGED, "score is -inf at epoch 1"),
    4: (2, {"train_loss": NAN}, State.DIVERGED, "train_loss is nan at epoch 2"),
    5: (4, {"val_loss": INF}, State.DIVERGED, "val_loss is inf at epoch 4"),
    6: (2, {"test_loss": NAN, "noise": -INF}, State.FINISHED, "last epoch"),
    7: (
        *(2, {"score": None}, State.FAILED),
        "the row has no metric 'score'; it has test_loss, train_loss, val_loss; name one of them in search.objective",
    ),
    8: (1, {}, State.FINISHED, "last epoch"),
    9: (5, {"score": INF}, State.DIVERGED, "score is inf at epoch 5"),
}
"""configuration -> epoch, the metrics it has there (None: not at all), and how the trial must end."""


class Cases(Nature):
    """Rows of the cases above; score 0.1 in the first configuration, 0.2 in the second, and so on."""

    def __init__(self, space: Space) -> None:
        super().__init__()
        planner = Planner(space, Synthetic(), CLASS)
        self.rows: dict[str, Row] = {}
        for number, parameters in enumerate(space.grid()):
            at, changed, *_ = CASES[number]
            for epoch, key in enumerate(planner.leaf(0, number, 0, parameters).path, start=1):
                metrics: dict[str, Any] = {**SOUND, "score": (number + 1) / 10}
                metrics |= changed if epoch == at else {}
                self.rows[key] = Row({name: value for name, value in metrics.items() if value is not None})

    def row(self, key: str) -> Row:
        return self.rows[key]


def best_of(simulation: Simulation) -> tuple[float, int]:
    """Mean and configuration of the setting that stands best while a study runs."""
    standings = simulation.driver.progress.standings
    best = standings.ranked(standings.now())[0]
    assert best.mean is not None
    return best.mean, best.configuration


class NumbersContract:
    """A subclass gives `storage`: a database without a ledger yet."""

    @pytest.fixture
    def done(self, storage: str, tmp_path: Path) -> Iterator[Simulation]:
        """A study of the ten cases, run to its end."""
        space = space_of({"a": {"grid": list(range(10))}}, objective={"metric": "score", "direction": "maximize"})
        ledger = Ledger(storage, states=tmp_path / "states")
        simulation = Simulation(space, ledger, random.Random(1), nature=Cases(space))
        simulation.run()
        yield simulation
        ledger.close()

    def test_each_ends_as_it_must_with_the_epoch_and_the_reason(self, done: Simulation) -> None:
        ledger, study = done.ledger, done.record.id
        paths = ledger.paths(study)
        ends = {entry.trial: entry for entry in ledger.decisions(study, ["ended"])}
        for trial in ledger.trials(study):
            at, _, state, reason = CASES[trial.number]
            last = 5 if state == State.FINISHED else at
            assert (trial.state, trial.ended_by, trial.last_epoch) == (state, reason, last)
            assert trial.attempts == 1, "an outcome is not tried again"
            assert (ends[trial.number].epoch, ends[trial.number].detail["state"]) == (last, state.value)
            keys = paths[trial.number][0][:last]
            rows = ledger.rows(keys)
            assert all(rows[key].row.differences(done.nature.row(key)) == [] for key in keys), "bits are lost"

    def test_none_of_them_is_ever_the_best(self, done: Simulation) -> None:
        assert best_of(done) == (0.9, 8)
        again = Simulation(done.space, done.ledger, random.Random(2), nature=done.nature)
        assert best_of(again) == (0.9, 8), "nor after a restart"
        again.abandon()
        text = printed(study_list(done.ledger))
        assert "score 0.9" in text
        frame = trials_frame(read_curves(OpenStudy(done.ledger, done.record, done.space)))
        best = dict(zip(frame["trial"], frame["best_epoch"].astype(object), strict=True))
        assert {number: best[number] for number in (1, 2, 5, 9)} == {1: 1, 2: 1, 5: 1, 9: 1}, "the first finite one"
        assert pd.isna(best[3])

    def test_the_table_has_an_order_and_no_number_that_is_none(self, done: Simulation) -> None:
        lines = comparison_table(OpenStudy(done.ledger, done.record, done.space)).lines
        assert [line.parameters["a"] for line in lines] == list(range(10))
        means = {line.parameters["a"]: line.cells["score"].mean for line in lines}
        assert means == {a: (a + 1) / 10 if CASES[a][2] == State.FINISHED else None for a in range(10)}
        assert [line.diverged for line in lines] == [CASES[a][2] == State.DIVERGED for a in range(10)]
        text = printed(show_study(OpenStudy(done.ledger, done.record, done.space)))
        assert "score is inf at epoch 5" in text

    def test_another_run_trains_none_of_them_again_but_the_failed_one(self, done: Simulation) -> None:
        again = Simulation(done.space, done.ledger, random.Random(2), nature=done.nature)
        again.run()
        assert again.trained == [], "what failed fails by the row on record"
        trials = done.ledger.trials(done.record.id)
        assert [(trial.state, trial.ended_by) for trial in trials] == [CASES[number][2:] for number in range(10)]


def printed(what: Any) -> str:
    console = Console(width=300, file=io.StringIO())
    with console.capture() as captured:
        console.print(what)
    return captured.get()


class TestSqlite(NumbersContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> str:
        return str(tmp_path / "search.db")


@pytest.mark.slow
class TestPostgres(NumbersContract):
    @pytest.fixture
    def storage(self, postgres_database: str) -> str:
        return postgres_database


# Sampled studies ----------------------------------------------------------------------------------------------


OTHERS = [name for name in SAMPLERS if name not in ("grid", "gp")]


class HalfBad(Nature):
    """Half of all keys diverge, one way or the other; the rest is good."""

    def row(self, key: str) -> Row:
        bad = [NAN, INF, -INF][int(key[0], 16) % 3]
        return Row({"train_loss": 1.0, "val_loss": bad if part(key, 4) < 0.5 else 1 + part(key, 8)})


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [1, 2])
@pytest.mark.parametrize("sampler", [*OTHERS, pytest.param("gp", marks=pytest.mark.slow)])
def test_no_sampler_is_poisoned(sampler: str, seeds: int, tmp_path: Path) -> None:
    axes = {"x": {"float": {"low": 0.5, "high": 2.0}}, "a": {"int": {"low": 0, "high": 9}}}
    objective = {"metric": "val_loss", "direction": "minimize"}
    space = space_of(axes, seeds, {"epochs": 2}, sampler=sampler, trials=10, objective=objective)
    ledger = Ledger(str(tmp_path / "search.db"))
    for turn in range(2):  # the second time everything is taken up from the record
        simulation = Simulation(space, ledger, random.Random(1), nature=HalfBad())
        simulation.run()
        trials = ledger.trials(simulation.record.id)
        assert len(trials) == 10 * seeds, turn
        assert {trial.state for trial in trials} == {State.FINISHED, State.DIVERGED}
        assert all(0.5 <= trial.parameters["x"] <= 2 and trial.parameters["a"] in range(10) for trial in trials)
        told = simulation.sampler.sampler._study.trials  # type: ignore[attr-defined]
        numbers = [number for one in told for number in (*(one.values or ()), *one.intermediate_values.values())]
        assert all(math.isfinite(number) for number in numbers)
        assert 1 <= best_of(simulation)[0] < 2
    lines = comparison_table(OpenStudy(ledger, simulation.record, space)).lines
    ranked = [line for line in lines if line.cells["val_loss"].mean is not None]
    assert list(lines[len(ranked) :]) == [line for line in lines if line not in ranked], "what diverged stands last"
    assert all(line.diverged for line in lines[len(ranked) :])
    for part_of in (lines[len(ranked) :], [line for line in ranked if not line.partial]):
        keys = [(line.cells["val_loss"].mean or 0, line.configuration) for line in part_of]
        assert keys == sorted(keys)
    ledger.close()


def test_a_sampler_learns_to_stay_away_from_what_diverges(tmp_path: Path) -> None:
    axes = {"x": {"float": {"low": 0.0, "high": 1.0}}}
    objective = {"metric": "val_loss", "direction": "minimize"}
    sampler = make_sampler(space_of(axes, sampler="tpe", trials=60, objective=objective))
    drawn = []
    while (asked := sampler.ask()) is not None:
        x = asked.parameters["x"]
        drawn.append(x)
        state, curve = ("finished", [(x - 0.2) ** 2]) if x < 0.5 else ("diverged", [-INF])
        sampler.tell(asked.configuration, mean_outcome([state], [curve]))
    assert sum(x < 0.5 for x in drawn[-30:]) >= 24


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize("state", ["diverged", "failed"])
def test_what_a_sampler_is_told_of_them_holds_no_number(state: str, bad: float) -> None:
    told = mean_outcome(["finished", state], [[0.5, 0.4], [0.5, bad]])
    assert (told.state, told.value, dict(told.intermediate)) == ({"diverged": "pruned"}.get(state, "fail"), None, {})


# What an epoch returns ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0.5", "'0.5'"),
        (b"1", "b'1'"),
        (bytearray(b"1"), "bytearray(b'1')"),
        (None, "None"),
        ([0.5], "[0.5]"),
        (np.array([0.5, 0.6]), "array([0.5, 0.6])"),
        (1j, "1j"),
        (np.str_("nan"), "np.str_('nan')"),
        (np.array("0.5"), "array('0.5', dtype='<U3')"),
        (np.complex128(1j), "np.complex128(1j)"),
        (np.timedelta64(1, "s"), "np.timedelta64(1,'s')"),
    ],
)
def test_a_metric_that_is_no_number_is_named(value: object, shown: str) -> None:
    with pytest.raises(TypeError) as caught:
        row_of({"train_loss": 1.0, "val_loss": value})
    assert str(caught.value) == f"metric 'val_loss' is {shown}; train_epoch must return numbers"


def test_a_number_beyond_all_floats_is_named() -> None:
    with pytest.raises(TypeError, match=r"^metric 'val_loss' is 10{76}\.\.\.; train_epoch must return numbers$"):
        row_of({"val_loss": 10**400})
    with pytest.raises(TypeError, match=r"^metric 'val_loss' is of type int; train_epoch must return numbers$"):
        row_of({"val_loss": 10**5000})


@pytest.mark.parametrize(
    "value", [1, True, np.float32(0.5), np.array(0.5), np.array([[0.5]]), np.int64(3), NAN, -INF, 5e-324]
)
def test_numbers_of_any_kind_are_taken(value: Any) -> None:
    (found,) = row_of({"val_loss": value}).metrics.values()
    assert type(found) is float
    assert found == np.asarray(value).item() or math.isnan(found)


@pytest.mark.parametrize("measured", [None, 0.5, [("val_loss", 1.0)], "val_loss"])
def test_an_epoch_that_returns_no_mapping(measured: Any) -> None:
    with pytest.raises(TypeError) as caught:
        row_of(measured)
    assert str(caught.value) == (
        f"train_epoch returned {measured!r}; it must return a mapping of metric names to numbers"
    )


def refused(predictions: Any, card: DataCard | None = None, form: Form | None = None, **metrics: Any) -> str:
    with pytest.raises((TypeError, ValueError)) as caught:
        row_of({"val_loss": 1.0, **metrics, "predictions": predictions}, card, form)
    return str(caught.value)


WANTED = "train_epoch must return one class per image, a whole number from 0 on"
CARD = DataCard("f", "four", ["a", "b", "c"], {"val": np.array([0, 1, 2, 0]), "test": np.array([1, 1])})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            np.array([0.0, 1.0, 2.0, 0.0]),
            f"have the shape (4,) and the type float64 (0.0, 1.0, 2.0 ...); {WANTED}: .astype(int) where these are "
            "classes, else the class of the highest score",
        ),
        (
            np.array([0.25, NAN], dtype=np.float32),
            f"have the shape (2,) and the type float32 (0.25, nan); {WANTED}: .astype(int) where these are classes, "
            "else the class of the highest score",
        ),
        (
            np.array([[0.5, 0.5, 0.0]] * 4),
            f"have the shape (4, 3) and the type float64; {WANTED}: .argmax(axis=1) where these are scores of classes",
        ),
        (
            np.array([[0], [1], [2], [0]]),
            f"have the shape (4, 1) and the type int64; {WANTED}: .reshape(-1) where these are classes",
        ),
        (
            np.array([[0, 1, 2, 0]]),
            f"have the shape (1, 4) and the type int64; {WANTED}: .reshape(-1) where these are classes",
        ),
        (np.array(1), f"have the shape () and the type int64; {WANTED}"),
        (
            [True, False],
            f"have the shape (2,) and the type bool (True, False); {WANTED}: .astype(int) where these are the classes "
            "0 and 1",
        ),
        (
            ["a", "b", "c", "a"],
            f"have the shape (4,) and the type <U1 ('a', 'b', 'c' ...); {WANTED}: the places of these classes in the "
            "data card's list",
        ),
        (
            [None, 1],
            f"have the shape (2,) and the type object (None, 1); {WANTED}: the places of these classes in the data "
            "card's list",
        ),
        (None, f"have the shape () and the type object; {WANTED}"),
        ({0: 1}, f"have the shape () and the type object; {WANTED}"),
    ],
)
def test_predictions_that_are_no_classes_are_named(given: Any, said: str) -> None:
    for card in (CARD, None):
        assert refused({"val": given}, card) == f"predictions of 'val' {said}"


def test_predictions_that_are_no_array_are_named() -> None:
    said = refused({"val": [[0], [1, 2]]})
    assert said.startswith("predictions of 'val' cannot be read as an array (setting an array element with a sequence.")
    assert said.endswith(f"; {WANTED}")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([0, 1, 2, 3], "predictions of 'val' hold the class 3 (image 3); the data card has 3, 0 to 2"),
        ([0, -1, 2, 9], "predictions of 'val' hold the class -1 (image 1); the data card has 3, 0 to 2"),
        (
            [0, 1, 2],
            "there are predictions of 3 images of 'val', but the data card has 4; train_epoch must return one class "
            "for each of them, in the card's order",
        ),
        (
            [],
            "there are predictions of 0 images of 'val', but the data card has 4; train_epoch must return one class "
            "for each of them, in the card's order",
        ),
    ],
)
def test_predictions_must_fit_the_data_card(given: Any, said: str) -> None:
    assert refused({"val": given}, CARD) == said


def test_classes_are_counted_from_0_where_no_card_names_them() -> None:
    assert refused({"val": [1, -1]}) == "predictions of 'val' hold the class -1 (image 1); classes are counted from 0"
    unnamed = replace(CARD, classes=())
    assert refused({"val": [0, 1, 3, 0]}, unnamed) == (
        "predictions of 'val' hold the class 3 (image 2); the data card has 3, 0 to 2"
    )


def test_a_split_that_the_card_does_not_have() -> None:
    assert refused({"vall": [0] * 4}, CARD) == (
        "there are predictions of 'vall', but the data card has true classes of 'test', 'val' alone; "
        "did you mean 'val'?"
    )
    assert row_of({"a": 1, "predictions": {"vall": [0]}}, DataCard("f")).predictions, "nobody knows its images"


@pytest.mark.parametrize("given", [None, [0, 1], np.array([0, 1]), "val"])
def test_predictions_that_are_no_mapping(given: Any) -> None:
    assert refused(given) == f"predictions are {given!r}; train_epoch must return a mapping of splits to classes"


def test_names_that_are_no_text() -> None:
    assert refused({1: [0]}) == "predictions have a split named 1; splits are named by text"
    with pytest.raises(TypeError) as caught:
        row_of({("val", "loss"): 1.0})
    assert str(caught.value) == "train_epoch returned a metric named ('val', 'loss'); metrics are named by text"


SAME = "every epoch must measure the same"


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        ({"a": 1, "predictions": {}}, f"this epoch has no metric 'b', which the epochs before it have; {SAME}"),
        (
            {"a": 1, "b": 1, "c": 1, "d": 2},
            f"this epoch has the metric 'c', 'd', which the epochs before it have not; {SAME}",
        ),
        ({"a": 1, "b": 1}, f"this epoch has no predictions of 'val', which the epochs before it have; {SAME}"),
        (
            {"a": 1, "b": 1, "predictions": {"val": [0, 1], "test": [1]}},
            f"this epoch has the predictions of 'test', which the epochs before it have not; {SAME}",
        ),
        (
            {"a": 1, "b": 1, "predictions": {"val": [0, 1, 1]}},
            f"there are predictions of 3 images of 'val', but of 2 in the epochs before this one; {SAME}",
        ),
    ],
)
def test_rows_of_a_run_have_one_form(measured: Any, said: str) -> None:
    first = {"a": 1.0, "b": NAN, "predictions": {"val": [0, 1]}}
    form = form_of(row_of(first))
    assert form_of(row_of({"b": 2, "a": 3, "predictions": {"val": np.array([1, 0], np.uint8)}}, None, form)) == form
    with pytest.raises(ValueError, match=r"^") as caught:
        row_of(measured, None, form)
    assert str(caught.value) == said


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64, int])
def test_classes_of_any_integer_type_are_taken_as_they_are(dtype: Any) -> None:
    row = row_of({"a": 1, "predictions": {"val": np.array([0, 1, 2, 0], dtype), "test": [1, 2]}}, CARD)
    assert row.predictions["val"].dtype == dtype
    assert [row.predictions[split].tolist() for split in ("val", "test")] == [[0, 1, 2, 0], [1, 2]]


def test_an_empty_split_has_no_predictions_to_be_wrong() -> None:
    card = replace(CARD, truth={"val": np.array([], int)})
    assert len(row_of({"a": 1, "predictions": {"val": []}}, card).predictions["val"]) == 0
