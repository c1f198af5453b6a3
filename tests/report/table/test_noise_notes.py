"""Runs that misbehave, through the whole report: told, counted, and kept from the rows they have nothing to do with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from search.ledger.ledger import Ledger
from search.report.formats.columns import table_sheet
from search.report.formats.render import table_frame
from search.report.table.build import comparison_table
from search.report.table.model import Line, Table
from search.report.table.noise_notes import stuck_sentence
from search.space.model import Axis, Grid, Objective
from search.statistics.stuck import Stuck
from tests.report.judging import SPACE, Bench, card
from tests.report.scored import RMSE, Regression, errors
from tests.report.scored import SPACE as WIND

IMAGES = 300


def study(
    ledger: Ledger,
    settings: int = 4,
    seeds: int = 3,
    stuck: tuple[tuple[int, int], ...] = (),
    noise: str = "guarded",
    loud: int | None = None,
) -> Table:
    """Return the table of settings right on about .8 of the images; stuck runs are right on a quarter, as by chance."""
    report = replace(SPACE.report, noise=noise)
    space = replace(SPACE, axes=[Axis("gamma", Grid(list(range(settings))))], seeds=tuple(range(seeds)), report=report)
    bench = Bench(ledger, space, card(IMAGES))
    rng = np.random.default_rng(0)
    hard = rng.random(IMAGES)
    for a in range(settings):
        for s in range(seeds):
            share = 0.8 + (0.06 * (s - 1) if a == loud else 0.0)
            right = 0.8 * hard + 0.2 * rng.random(IMAGES) < share
            bench.run({"gamma": a}, s, rng.random(IMAGES) < 0.25 if (a, s) in stuck else right)
    return comparison_table(bench.opened)


def note(table: Table, start: str) -> str:
    return next((str(one) for one in table.notes if str(one).startswith(start)), "")


def half(line: Line) -> float:
    found = line.judged.difference
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    return (found.high - found.low) / 2


def test_a_run_that_did_not_learn_is_told_and_has_a_line_without_it(ledger: Ledger) -> None:
    table = study(ledger, stuck=((1, 2),))
    (flag,) = table.lines[1].judged.stuck
    assert (flag.seed, flag.why) == (2, Stuck.NOT_LEARNED)
    told = note(table, "‖ 1 of 3 runs of gamma=1 did not learn (")
    assert ", siblings " in told
    assert " With it: -" in told
    assert " Without it: " in told
    assert ", no verdict. Share of runs that fail: 0.8 to 90.6 % (95 % interval)." in told
    names = [line[0].text for line in table_sheet(table).lines]
    assert names == ["gamma=0", "gamma=1", "gamma=1, of runs that learn", "gamma=2", "gamma=3"]
    assert [line[2].text.endswith(" ‖") for line in table_sheet(table).lines] == [False, True, False, False, False]
    without = table.lines[1].learned
    assert without
    assert without[0].cell.seeds == 2
    assert without[0].better is without[0].worse is False
    assert abs(without[0].difference.estimate) < 0.05 < -table.lines[1].judged.difference.estimate
    frame = table_frame(table)
    assert frame["val_accuracy_stuck"].tolist() == [0, 1, 0, 0]
    assert frame["val_accuracy_learned"].notna().tolist() == [False, True, False, False]
    assert frame["val_accuracy_learned_difference_high"][1] == without[0].difference.high
    assert stuck_sentence(table) == "1 of 3 runs of gamma=1 did not learn"


def test_unrelated_rows_are_what_they_were(ledger: Ledger, tmp_path) -> None:
    """They were four times as wide, without a word."""
    clean = study(ledger)
    broken = study(Ledger(str(tmp_path / "other.db")), stuck=((3, 1),))
    for a in (1, 2):
        assert half(broken.lines[a]) <= 1.3 * half(clean.lines[a])
        assert broken.lines[a].learned == ()
    assert half(broken.lines[3]) > 4 * half(clean.lines[3])


def test_a_stuck_baseline_gives_every_setting_a_second_line(ledger: Ledger) -> None:
    table = study(ledger, stuck=((0, 1),))
    assert all(line.learned for line in table.lines)
    assert all(abs(line.learned[0].difference.estimate) < 0.05 for line in table.lines[1:])
    lines = [[entry.text for entry in line] for line in table_sheet(table).lines]
    assert [line[0] for line in lines[:3]] == ["gamma=0", "gamma=0, of runs that learn", "gamma=1"]


def test_too_few_others_leave_no_second_line(ledger: Ledger) -> None:
    table = study(ledger, stuck=((1, 1), (1, 2)))
    assert table.lines[1].learned == ()


def test_a_setting_at_chance_is_a_figure(ledger: Ledger) -> None:
    table = study(ledger, stuck=((1, 0), (1, 1), (1, 2)))
    assert note(table, "‖ Not told from chance") == "‖ Not told from chance: gamma=1."
    assert [line[2].text.endswith(" ‖") for line in table_sheet(table).lines] == [False, True, False, False]
    assert table.lines[1].learned == ()


def test_a_noisy_setting_is_named_and_has_its_own_spread(ledger: Ledger) -> None:
    table = study(ledger, settings=6, seeds=5, loud=2)
    told = note(table, "Runs scatter more than the rest in")
    assert told.startswith("Runs scatter more than the rest in gamma=2 (p ")
    assert told.endswith("): their own spread is used.")
    assert table.lines[2].judged.difference.noisy[0] is not None
    assert half(table.lines[2]) > 1.5 * half(table.lines[3])


@pytest.mark.parametrize(
    ("seeds", "noise", "said"), [(3, "guarded", True), (3, "strict", False), (5, "guarded", False)]
)
def test_few_seeds_recognise_no_noisy_setting_for_certain(ledger: Ledger, seeds: int, noise: str, said: bool) -> None:
    table = study(ledger, seeds=seeds, noise=noise)
    told = note(table, f"With {seeds} seeds a setting whose runs scatter far more")
    assert bool(told) is said
    assert stuck_sentence(table) == ""
    assert "val_accuracy_stuck" not in table_frame(table)


def test_strict_intervals_are_wider(ledger: Ledger, tmp_path) -> None:
    plain, strict = study(ledger), study(Ledger(str(tmp_path / "other.db")), noise="strict")
    assert sum(map(half, strict.lines[1:])) > sum(map(half, plain.lines[1:]))


def with_losses(ledger: Ledger, stuck: tuple[tuple[int, int], ...], wrong: bool = False) -> Table:
    """Return a table of right and wrong beside losses; stuck runs have the loss of a model that learned nothing, and if
    `wrong` are right as by chance."""
    space = replace(SPACE, search=replace(SPACE.search, objective=Objective("val_loss", "minimize")))
    bench = Bench(ledger, space, card(IMAGES))
    rng = np.random.default_rng(1)
    hard = rng.random(IMAGES)
    for a in (0, 1, 2):
        for s in (0, 1, 2):
            learned = (a, s) not in stuck
            right = 0.8 * hard + 0.2 * rng.random(IMAGES) < 0.8
            losses = 0.4 * rng.gamma(2, 0.5, IMAGES) if learned else rng.normal(1.4, 0.1, IMAGES)
            bench.run({"gamma": a}, s, right if learned or not wrong else rng.random(IMAGES) < 0.25, losses=losses)
    return comparison_table(bench.opened)


def test_a_run_that_is_stuck_by_its_loss_alone_is_told_beside_an_accuracy_that_is_not(ledger: Ledger) -> None:
    table = with_losses(ledger, stuck=((1, 2),))
    assert (table.judged, list(table.scored)) == ("val_accuracy", ["val_loss"])
    assert table.lines[1].judged.stuck == ()
    (flag,) = table.lines[1].scored["val_loss"].stuck
    assert flag.why is Stuck.NOT_LEARNED
    told = note(table, "‖ By val_loss 1 of 3 runs of gamma=1 did not learn (1.4")
    assert " nats, siblings 0." in told
    assert " With it: +" in told
    assert "Share of runs that fail: 0.8 to 90.6 % (95 % interval)." in told
    assert stuck_sentence(table) == "1 of 3 runs of gamma=1 did not learn by val_loss"
    again = table.lines[1].learned
    assert again
    assert not again.judged.known
    assert again.scored["val_loss"].cell.seeds == again.seeds == 2
    assert (
        abs(again.scored["val_loss"].difference.estimate) < 0.1 < table.lines[1].scored["val_loss"].difference.estimate
    )
    sheet = table_sheet(table)
    heads = [column.head for column in sheet.columns]
    loss = next(place for place, head in enumerate(heads) if head.startswith("val_loss, mean"))
    accuracy = next(place for place, head in enumerate(heads) if head.startswith("val_accuracy, mean"))
    lines = {line[0].text: line for line in sheet.lines}
    assert lines["gamma=1"][loss].text.endswith(" ‖")
    assert not lines["gamma=1"][accuracy].text.endswith(" ‖")
    second = lines["gamma=1, of runs that learn"]
    assert (second[1].text, second[accuracy].text) == ("2 of 3", "")
    assert second[loss].text.startswith("0.")
    frame = table_frame(table)
    assert frame["val_loss_stuck"].tolist() == [0, 1, 0]
    assert frame["val_loss_learned_difference"][1] == again.scored["val_loss"].difference.estimate
    assert "val_accuracy_stuck" not in frame


def test_a_run_that_is_stuck_by_every_metric_is_answered_once(ledger: Ledger) -> None:
    table = with_losses(ledger, stuck=((1, 2),), wrong=True)
    assert stuck_sentence(table) == "1 of 3 runs of gamma=1 did not learn"
    assert "Share of runs that fail" in note(table, "‖ 1 of 3 runs of gamma=1 did not learn (")
    assert "Share of runs that fail" not in note(table, "‖ By val_loss 1 of 3 runs of gamma=1 did not learn (")
    again = table.lines[1].learned
    assert again
    assert again.judged.known
    assert again.scored["val_loss"].known
    assert set(table_frame(table).filter(like="_stuck")) == {"val_accuracy_stuck", "val_loss_stuck"}


@pytest.mark.parametrize(
    ("untrained", "why", "told"),
    [(25.0, Stuck.NOT_LEARNED, "did not learn"), (None, Stuck.FAR_BELOW, "lies far above its siblings")],
)
def test_a_stuck_run_of_a_regression_with_and_without_what_an_untrained_model_scores(
    ledger: Ledger, untrained: float | None, why: Stuck, told: str
) -> None:
    rule = replace(RMSE, untrained=untrained)

    def of(width: int, seed: int) -> np.ndarray:
        return np.full(60, 25.0) + errors(1, 0) / 10 if (width, seed) == (2, 3) else errors(width, seed)

    table = comparison_table(Regression(ledger, WIND, rule).grid(of).opened)
    (flag,) = table.lines[1].judged.stuck
    assert (flag.seed, flag.why) == (3, why)
    assert stuck_sentence(table) == f"1 of 5 runs of width=2 {told}"
    for start in (f"‖ 1 of 5 runs of width=2 {told} (5.", f"‖ By test_rmse 1 of 5 runs of width=2 {told} (5."):
        assert " degrees, siblings " in note(table, start)
    again = table.lines[1].learned
    assert again
    assert (again.judged.cell.seeds, again.tested.cell.seeds) == (4, 4)
    frame = table_frame(table)
    assert frame["test_rmse_chosen_stuck"].tolist() == frame["val_rmse_stuck"].tolist() == [0, 1, 0]
