"""Intervals, differences and p values of a table, recomputed from its exported predictions by other code."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from search.core.trial import Row, State
from search.ledger import codec, tables
from search.report.formats.columns import table_sheet
from search.report.formats.render import table_frame, table_json
from search.report.record.curves import read_curves
from search.report.record.frames import predictions_frame, trials_frame
from search.report.table.build import comparison_table
from search.space.model import Axis, Float, Grid, Objective, Search
from search.statistics.results import Trust
from tests.report import independent
from tests.report.builder import key_of
from tests.report.judging import CLASSES, SPACE, Bench, card, pattern


@pytest.fixture
def bench(ledger):
    return Bench(ledger)


def notes_of(bench) -> str:
    return "\n".join(comparison_table(bench.opened).notes)


def by_hand(y: np.ndarray, a: int, b: int) -> tuple[float, float, float, float]:
    """Return a difference as it is written out once more: A settings x S seeds x n images, all finished."""
    right = {str(a): dict(enumerate(rows)) for a, rows in enumerate(y)}
    states = {a: dict.fromkeys(rows, "finished") for a, rows in right.items()}
    found = independent.difference(independent.Runs(right, states, CLASSES), str(a), str(b))
    return found["m"], found["low"], found["high"], found["p"]


def correctness(bench, split: str, value: str) -> np.ndarray:
    """Settings x seeds x images from the exported predictions, at the last or the best epoch of each trial."""
    frame, trials = (
        predictions_frame(read_curves(bench.opened)),
        trials_frame(read_curves(bench.opened)).set_index("trial"),
    )
    frame = frame[frame["split"] == split]
    epoch = trials["epochs"] if value == "last" else trials["best_epoch"]
    frame = frame[frame["epoch"] == frame["trial"].map(epoch)]
    frame = frame.assign(right=frame["truth"] == frame["prediction"], gamma=frame["trial"].map(trials["gamma"]))
    wide = frame.pivot_table(index=["gamma", "seed"], columns="image", values="right", sort=True).astype(float)
    return wide.to_numpy().reshape(3, -1, wide.shape[1])


@pytest.mark.parametrize("value", ["last", "best"])
def test_differences_are_those_of_the_exported_predictions(bench, value):
    bench.grid().reported(value=value)
    frame = table_frame(comparison_table(bench.opened))
    for metric, split, epoch in (("val_accuracy", "val", value), ("test_accuracy_chosen", "test", "best")):
        y = correctness(bench, split, epoch)
        p = []
        for a in (1, 2):
            row = frame.iloc[a]
            m, low, high, value_p = by_hand(y, a, 0)
            names = [f"{metric}_{name}" for name in ("difference", "difference_low", "difference_high", "p")]
            assert row[names].tolist() == pytest.approx([m, low, high, value_p], abs=1e-12)
            p.append(value_p)
        holm = sorted(p)
        adjusted = [min(2 * holm[0], 1), min(max(2 * holm[0], holm[1]), 1)]
        assert sorted(frame[f"{metric}_p_holm"][1:]) == pytest.approx(adjusted, abs=1e-12)
        assert frame[f"{metric}_state"].tolist() == ["baseline", "estimated", "estimated"]


def test_golden_values_through_the_whole_report(bench):
    """STATISTICS' golden table: A = 3, S = 3, n = 40."""
    frame = table_frame(comparison_table(bench.grid().opened))
    low, high = frame["val_accuracy_difference_low"], frame["val_accuracy_difference_high"]
    middle = frame["val_accuracy_difference"]
    assert (middle[1] - low[1], high[1] - middle[1]) == pytest.approx((0.255002, 0.255002), abs=2e-6)
    assert (middle[2] - low[2], high[2] - middle[2]) == pytest.approx((0.209015, 0.209015), abs=2e-6)
    assert frame["val_accuracy_p"][1:].tolist() == pytest.approx([0.143767, 0.143547], abs=2e-6)
    cell = (frame["val_accuracy_low"][0], frame["val_accuracy_high"][0])
    assert cell == (pytest.approx(0.205677, abs=1e-6), pytest.approx(0.805002, abs=1e-6))


def test_what_is_printed(bench):
    sheet = table_sheet(comparison_table(bench.grid().opened))
    assert [column.head for column in sheet.columns] == [
        *("setting", "seeds finished", "val_accuracy, mean (%) [95 % interval]", "sd over seeds (points)"),
        *("difference (points) [95 % interval]", "p, Holm", "test_accuracy, mean (%) [95 % interval]"),
        *("test difference (points) [95 % interval]", "test p, Holm"),
        *("epochs, mean", "seconds, sum"),
    ]
    lines = [[entry.text for entry in line] for line in sheet.lines]
    assert lines[0][:6] == ["gamma=0", "3 of 3", "51 [21, 81] ‖", "15", "baseline", ""]
    assert lines[1][:6] == ["gamma=1", "3 of 3", "68 [30, 91]", "16", "+17 [-9, +42]", "0.287"]
    assert sheet.title == "Judged"
    notes = "\n".join(sheet.notes)
    for part in (
        "[ ] 95 % interval for a new run judged on new images of the same kind; same training images, one split for "
        "all seeds. 3 seeds, 40 images.",
        "sd over seeds: how far these runs lie apart; it is no interval.",
        "test_accuracy: at the epoch that each run chose on validation, on 30 test images.",
        "Differences in val_accuracy to the baseline gamma=0, on the seeds that both finished; p values adjusted by "
        "Holm over 2 comparisons; seed noise estimated from 3 settings, 4 df.",
        "Bold: better than the baseline, adjusted p at most 0.05 with at least 3 seeds",
    ):
        assert part in notes


def test_a_level_at_the_best_epoch_has_its_mark_and_no_interval(bench):
    table = comparison_table(bench.grid().reported(value="best").opened)
    text = [entry.text for entry in table_sheet(table).columns[2].entries]
    assert all(entry.split(" ")[1] == "‡" and "[" not in entry for entry in text)
    assert table_sheet(table).columns[2].head == "val_accuracy, mean (%)"
    assert table_frame(table)["val_accuracy_low"].isna().all()
    assert table_frame(table)["test_accuracy_chosen_low"].notna().all()
    assert "its epoch was chosen on the same images. Differences may have one." in "\n".join(table.notes)
    assert "[ ] 95 % interval for a new run judged on new images" in "\n".join(table.notes)


def test_test_accuracy_is_read_where_validation_was_best(bench):
    """The first epoch is better on validation, so its test figure is the one that counts."""
    for a in (0, 1, 2):
        for s in range(3):
            right = pattern(a, s, 30)
            bench.run({"gamma": a}, s, pattern(a, s, 40), right, first=np.ones(40, dtype=bool))
    table = comparison_table(bench.opened)
    chosen = [line.tested.cell.per_seed for line in table.lines]
    assert chosen == [tuple(pattern(a, s, 30)[::-1].mean() for s in range(3)) for a in (0, 1, 2)]
    assert [line.chosen.mean for line in table.lines] == pytest.approx([np.mean(each) for each in chosen])


def clear(bench, seeds=(0, 1, 2)):
    """Setting 2 right wherever the others are, and on many images more."""
    for a in (0, 1, 2):
        for s in seeds:
            right = np.arange(40) < (20 + (s + a) % 2 if a < 2 else 38)
            bench.run({"gamma": a}, s, right, right[:30])
    return bench


@pytest.mark.parametrize(("seeds", "bold"), [((0,), False), ((0, 1), False), ((0, 1, 2), True)])
def test_bold_needs_three_seeds(ledger, seeds, bold):
    bench = clear(Bench(ledger, replace(SPACE, seeds=seeds)), seeds)
    table = comparison_table(bench.opened)
    assert table.lines[2].judged.p_adjusted < 0.05
    assert [line.judged.better for line in table.lines] == [False, False, bold]
    entries = [entry for column in table_sheet(table).columns for entry in column.entries]
    assert any(entry.bold for entry in entries) is bold


def test_one_seed_is_an_honest_table(ledger):
    bench = Bench(ledger, replace(SPACE, seeds=(0,))).grid(seeds=(0,))
    table = comparison_table(bench.opened)
    sheet = table_sheet(table)
    assert sheet.title == "Judged (one run per setting: a rerun may reverse any of these)"
    heads = [column.head for column in sheet.columns]
    assert "val_accuracy (%) [95 %: this run, new images]" in heads
    assert "difference (points) [95 %: this run, new images]" in heads
    assert "p, Holm (this run, new images)" in heads
    assert not any(entry.bold for column in sheet.columns for entry in column.entries)
    y = correctness(bench, "val", "last")[:, 0]
    assert sheet.columns[3].entries[0].text == f"{y[0].sum():.0f} of 40"
    b, c = int((y[1] > y[0]).sum()), int((y[1] < y[0]).sum())
    assert table.lines[1].judged.difference.p == pytest.approx(stats.binomtest(b, b + c).pvalue)
    wilson = stats.binomtest(int(y[0].sum()), 40).proportion_ci(method="wilson")
    assert table.lines[0].judged.interval == pytest.approx((wilson.low, wilson.high))
    assert "Nothing can be bold." in notes_of(bench)
    methods = "(Wilson; differences: Bonett and Price) and the p value (exact McNemar)"
    assert f"One seed: the 95 % interval {methods} are for this very run on new images" in notes_of(bench)
    assert json.loads(table_json(table))["banner"] == "one run per setting: a rerun may reverse any of these"


def test_settings_of_one_training_differ_by_nothing(bench):
    for a in (0, 1):
        for s in range(3):
            keys = [key_of("shared", s, epoch) for epoch in (1, 2)]
            bench.run({"gamma": a}, s, pattern(0, s, 40), pattern(0, s, 30), keys=keys)
    for s in range(3):
        bench.run({"gamma": 2}, s, pattern(2, s, 40), pattern(2, s, 30))
    table = comparison_table(bench.opened)
    same = table.lines[1].judged
    assert (same.difference.state, same.difference.estimate, same.p_adjusted) == (Trust.SAME_RUN, 0.0, None)
    assert table_sheet(table).columns[4].entries[1].text == "same run"
    assert "adjusted by Holm over 1 comparison;" in notes_of(bench)


@pytest.mark.parametrize("keys", ["shared", "own"])
def test_settings_with_equal_rows_are_one_comparison(bench, keys):
    """Thresholds that read one curve, and a setting that training never reads, give one comparison several names."""
    bench.space = replace(SPACE, axes=[Axis("gamma", Grid([0, 1, 2, 3]))])
    for a in (0, 1, 2, 3):
        pattern_of = 0 if a == 0 else 2
        for s in range(3):
            shared = [key_of("shared", pattern_of, s, epoch) for epoch in (1, 2)] if keys == "shared" else None
            right = pattern(pattern_of, s, 40), pattern(pattern_of, s, 30)
            bench.run({"gamma": a}, s, *right, keys=shared)
    table = comparison_table(bench.opened)
    judged = [line.judged for line in table.lines[1:]]
    assert {one.p_adjusted for one in judged} == {judged[0].difference.p}
    assert judged[0].difference.settings == 2, "the pool holds each training once"
    assert "adjusted by Holm over 1 comparison (comparisons of equal rows count once);" in notes_of(bench)


def test_equal_rows_are_not_told_apart_by_more_seeds(bench):
    """A setting that changes no bit is no comparison, and claims that compare the same rows are one."""
    for a in (0, 1, 2):
        for s in range(3):
            bench.run({"gamma": a}, s, pattern(2 * (a == 2), s, 40))
    claims = ({"better": [1, 0]}, {"better": [2, 0]}, {"better": [2, 1]}, {"best": 2})
    bench.reported(claims=(*claims, {"equal": [1, 0], "within": 0.001}))
    table = comparison_table(bench.opened)
    assert [line.judged.p_adjusted for line in table.lines[1:]] == [1.0, table.lines[2].judged.difference.p]
    once = "adjusted by Holm over 1 comparison (comparisons of equal rows count once)"
    assert f"{once};" in notes_of(bench)
    assert f"Claims that one is better are a family of their own: p values {once}." in notes_of(bench)
    nothing, first, again, best, equal = table.verdicts
    said = "their rows are equal to the last bit, so that more seeds tell no more"
    assert (nothing.kind, nothing.reason) == ("undecided", f"the difference may be 0; {said}")
    assert (equal.kind, equal.reason) == ("undecided", f"the interval reaches beyond 0.1 pt; {said}")
    p = table.lines[2].judged.difference.p
    assert [one.evidence["p_adjusted"] for one in (first, again)] == [p, p]
    assert best.evidence["others"] == 2


@pytest.mark.parametrize("same", [True, False])
def test_seeds_that_change_no_bit_are_one_run(bench, same):
    """Three copies of one run are no three runs: nothing is bold, and no claim is decided by them."""
    for a, share in enumerate((20, 20, 38)):
        for s in range(3):
            right = np.arange(40) < share + (0 if same else (s + a) % 2)
            bench.run({"gamma": a}, s, right, right[:30], settings={"gamma": a, "seed": s})
    bench.reported(claims=({"better": [2, 0]}, {"never": {"diverges": True}}))
    table = comparison_table(bench.opened)
    states = {line.judged.difference.state for line in table.lines[1:]}
    assert states == ({Trust.ONE_RUN} if same else {Trust.ESTIMATED})
    assert [line.judged.better for line in table.lines] == [False, False, not same]
    assert [claim.kind for claim in table.verdicts] == ["undecided" if same else "supported"] * 2
    assert any(note.startswith("The seed changed no bit") for note in table.notes) is same


def test_pruned_diverged_failed_and_missing_seeds(bench):
    for s in range(3):
        bench.run({"gamma": 0}, s, pattern(0, s, 40), pattern(0, s, 30))
    for s in range(2):
        bench.run({"gamma": 1}, s, pattern(1, s, 40), pattern(1, s, 30))
    bench.run({"gamma": 1}, 2, pattern(1, 2, 40), state=State.PRUNED, last=1)
    bench.run({"gamma": 2}, 0, pattern(2, 0, 40), pattern(2, 0, 30))
    bench.run({"gamma": 2}, 1, pattern(2, 1, 40), state=State.FAILED)
    table = comparison_table(bench.opened)
    whole, pruned, single = table.lines
    assert whole.judged.interval is not None
    assert (pruned.judged.difference.state, pruned.judged.p_adjusted, pruned.judged.interval) == (
        Trust.PRUNED,
        None,
        None,
    )
    assert single.judged.difference.state is Trust.ONE_RUN
    texts = [entry.text for entry in table_sheet(table).columns[4].entries]
    assert texts[1] == "pruned"
    assert texts[2].endswith(" §")
    assert "§ One seed:" in notes_of(bench)


def test_a_diverged_seed_has_a_second_line_at_chance_and_no_bold(bench):
    for s in range(4):
        for a in (0, 1):
            bench.run({"gamma": a}, s, np.arange(40) < 20 + (s + a) % 2, np.arange(30) < 15)
        if s < 3:
            bench.run({"gamma": 2}, s, np.arange(40) < 38, np.arange(30) < 28)
    bench.run({"gamma": 2}, 3, np.zeros(40, dtype=bool), state=State.DIVERGED)
    table = comparison_table(bench.opened)
    line = table.lines[2]
    assert line.judged.p_adjusted < 0.05
    assert not line.judged.better
    chance = line.at_chance.judged
    assert chance.cell.estimate == pytest.approx((3 * 38 / 40 + 1 / CLASSES) / 4)
    names = [entry.text for entry in table_sheet(table).columns[0].entries]
    assert names == ["gamma=0", "gamma=1", "gamma=2", "gamma=2, diverged at chance"]
    assert table_frame(table)["val_accuracy_at_chance"][2] == pytest.approx(chance.cell.estimate)
    assert len(table_frame(table)) == 3
    assert "A diverged run is an outcome (gamma=2: 1 of 4 seeds): the second line of its setting" in notes_of(bench)


@pytest.mark.parametrize("right", [0, 40])
def test_nought_and_a_hundred_per_cent_and_ties(bench, right):
    for a in (0, 1, 2):
        for s in range(3):
            bench.run({"gamma": a}, s, np.arange(40) < right, np.arange(30) < 30 * right // 40)
    table = comparison_table(bench.opened)
    low, high = table.lines[0].judged.interval
    assert (low == 0) is (right == 0)
    assert (high == 1) is (right == 40)
    difference = table.lines[1].judged.difference
    assert (difference.estimate, difference.p) == (0.0, 1.0)
    assert difference.low < 0 < difference.high


def test_one_image_and_one_setting(ledger):
    bench = Bench(ledger, replace(SPACE, axes=[Axis("gamma", SPACE.axes[0].domain)]), card(1, 1))
    for s in range(3):
        bench.run({"gamma": 0}, s, [True], [False])
    table = comparison_table(bench.opened)
    assert table.lines[0].judged.interval is None
    assert not table.compared
    assert table_sheet(table).columns[2].entries[0].text == "100.00"
    json.loads(table_json(table), parse_constant=pytest.fail)


def test_without_a_baseline_there_are_no_differences_and_a_way_to_them(bench):
    bench.grid().reported(baseline=None, has_baseline=False)
    table = comparison_table(bench.opened)
    assert not any("difference" in column.head or column.head.startswith("p,") for column in table_sheet(table).columns)
    assert not any("difference" in name for name in table_frame(table))
    assert "No differences: the file names no baseline; `report.baseline`" in notes_of(bench)
    assert table.lines[0].judged.interval is not None


def test_a_baseline_that_did_not_run_is_said(bench):
    bench.grid(gammas=(1, 2))
    assert "No differences: the baseline gamma=0 has no run on record." in notes_of(bench)


def test_predictions_that_are_no_class_are_wrong_and_counted(bench):
    def odd(right, truth):
        return np.where(right, truth.astype(float), np.array([math.nan, -1.0, 99.0, 0.5])[np.arange(len(truth)) % 4])

    for a in (0, 1, 2):
        for s in range(3):
            bench.run({"gamma": a}, s, pattern(a, s, 40), pattern(a, s, 30), guess=odd)
    wrong = sum(int((~pattern(a, s, 40)).sum()) for a in range(3) for s in range(3))
    assert f"{wrong} predictions are no class on validation images: counted as wrong." in notes_of(bench)
    assert comparison_table(bench.opened).lines[0].judged.cell.per_seed[0] == pytest.approx(pattern(0, 0, 40).mean())


def rewrite(bench, key: str, **metrics: float) -> None:
    row = bench.ledger.rows([key], predictions=True)[key].row
    blob = codec.encode_row(Row({**row.metrics, **metrics}, row.predictions))
    with bench.ledger.writing() as connection:
        connection.execute(tables.epoch.update().where(tables.epoch.c.key == bytes.fromhex(key)).values(row=blob))


def test_predictions_of_another_accuracy_are_not_used(bench):
    bench.grid()
    rewrite(bench, key_of({"gamma": 2}, 0, 2), val_accuracy=0.123)
    table = comparison_table(bench.opened)
    assert not table.lines[2].judged.known
    assert table.lines[1].judged.interval is not None
    why = "the predictions on val images do not give val_accuracy as it is on record"
    assert f"1 setting has no interval: {why}." in notes_of(bench)


def test_images_found_twice_count_as_one(ledger):
    contents = {"val": [f"{i // 2:032x}" for i in range(40)], "test": [f"{i:032x}" for i in range(30)]}
    bench = Bench(ledger, data=card(contents=contents)).grid()
    table = comparison_table(bench.opened)
    assert table.lines[0].judged.cell.images == 20
    assert table.lines[0].tested.cell.images == 30
    assert table.lines[0].judged.cell.estimate == pytest.approx(np.mean([pattern(0, s, 40).mean() for s in range(3)]))
    assert "20 validation images are there twice or more" in notes_of(bench)


def test_of_single_runs_on_images_found_twice_the_right_method_is_named(ledger):
    contents = {"val": [f"{i // 2:032x}" for i in range(40)]}
    bench = Bench(ledger, replace(SPACE, seeds=(0,)), card(contents=contents)).grid(seeds=(0,))
    assert comparison_table(bench.opened).lines[1].judged.difference.discordant is None
    assert "(differences: paired t over images, which count differently)" in notes_of(bench)
    assert "McNemar" not in notes_of(bench)


def test_settings_on_other_images_are_not_compared(bench):
    bench.grid(gammas=(0, 1))
    other = card(n=36, fingerprint="others")
    bench.ledger.put_data(other)
    for s in range(3):
        bench.run({"gamma": 2}, s, pattern(2, s, 36), pattern(2, s, 30), data=other)
    table = comparison_table(bench.opened)
    assert table.lines[1].judged.difference.state is Trust.ESTIMATED
    assert table.lines[2].judged.difference.state is Trust.NOT_ESTIMABLE
    assert table.lines[2].judged.interval is not None
    assert "Settings were measured on 2 sets of validation images: no difference across." in notes_of(bench)


def test_balanced_accuracy(ledger):
    space = replace(SPACE, search=Search(objective=Objective("val_balanced_accuracy")))
    bench = Bench(ledger, space)
    truth = np.array([0] * 20 + [1] * 10 + [2] * 6 + [3] * 4)
    data = replace(card(fingerprint="uneven"), truth={"val": truth})
    bench.ledger.put_data(data)
    bench.data = data
    for a in (0, 1, 2):
        for s in range(3):
            number = bench.run({"gamma": a}, s, pattern(a, s, 40))
            value = float(np.mean([pattern(a, s, 40)[truth == label].mean() for label in range(4)]))
            rewrite(bench, bench.ledger.paths(bench.record.id)[number][0][1], val_balanced_accuracy=value)
    table = comparison_table(bench.opened)
    assert table.judged == "val_balanced_accuracy"
    assert table.lines[1].judged.cell.estimate == pytest.approx(table.lines[1].cells["val_balanced_accuracy"].mean)
    assert table.lines[1].judged.cell.n_eff is None


def test_an_objective_that_is_no_accuracy_has_no_interval_of_its_own(ledger):
    space = replace(SPACE, search=Search(objective=Objective("val_loss", "minimize")))
    bench = Bench(ledger, space).grid()
    table = comparison_table(bench.opened)
    assert table.judged == "val_accuracy"
    assert "val_loss: no interval, for rows hold no scores that intervals could rest on." in table.notes


@pytest.mark.parametrize("tested", [True, False])
def test_a_sampled_study_has_no_interval_no_p_and_no_bold(ledger, tested):
    space = replace(SPACE, axes=[Axis("gamma", Float(0, 3))], search=Search("random", 3))
    bench = Bench(ledger, space)
    if tested:
        clear(bench)
    else:
        for a in (0, 1, 2):
            bench.run({"gamma": a}, 0, pattern(a, 0, 40))
    table = comparison_table(bench.opened)
    assert all(not line.judged.known and not line.tested.known for line in table.lines)
    assert not any("interval" in column.head or "p," in column.head for column in table_sheet(table).columns)
    how = ", to be judged on test." if tested else ", but without test images none can be called better."
    assert (
        "No interval, p value or bold: the search chose what is shown; `search.confirm` in the file runs the best ones "
        f"under fresh seeds{how}"
    ) in notes_of(bench)


@pytest.mark.parametrize("tested", [True, False])
def test_a_confirm_stage_is_judged_on_test_images_alone(ledger, tested):
    """Validation images chose its settings: however clear they are there, only test images may call one better."""
    bench = Bench(ledger, replace(SPACE, name="found (confirm)"))
    for a in (0, 1, 2):
        for s in range(3):
            right = np.arange(40) < (20 + (s + a) % 2 if a < 2 else 38)
            bench.run({"gamma": a}, s, right, right[:30] if tested else None)
    table = comparison_table(bench.opened)
    best = table.lines[2]
    assert best.judged.p_adjusted < 0.05
    assert not best.judged.better
    assert best.tested.better is tested
    bold = "only the differences in test accuracy can be bold." if tested else "without test images none is bold."
    assert bold in notes_of(bench)


def test_a_confirm_stage_without_a_baseline_names_the_way_to_one(ledger):
    bench = Bench(ledger, replace(SPACE, name="found (confirm)")).grid().reported(baseline=None, has_baseline=False)
    assert "`search.confirm.baseline` does." in notes_of(bench)


def test_no_export_holds_nan(bench):
    bench.grid(seeds=(0, 1))
    bench.run({"gamma": 0}, 2, pattern(0, 2, 40), state=State.DIVERGED)
    bench.run({"gamma": 1}, 2, pattern(1, 2, 40), state=State.PRUNED)
    table = comparison_table(bench.opened)
    json.loads(table_json(table), parse_constant=pytest.fail)
    assert not any("nan" in entry.text.lower() for column in table_sheet(table).columns for entry in column.entries)
    assert isinstance(table_frame(table), pd.DataFrame)


def test_settings_without_test_images_beside_others_that_have_some(ledger):
    """Data sets may be an axis: one with a test split, one without."""
    bench = Bench(ledger)
    for s in range(3):
        bench.run({"gamma": 0}, s, pattern(0, s, 40), pattern(0, s, 30))
        bench.run({"gamma": 1}, s, pattern(1, s, 40))
    table = comparison_table(bench.opened)
    assert table.test == "test_accuracy"
    tested, untested = table.lines
    assert tested.tested.interval is not None
    assert untested.tested.cell.estimate is None
    column = next(column for column in table_sheet(table).columns if column.head.startswith("test_accuracy"))
    assert [bool(entry.text) for entry in column.entries] == [True, False]


@pytest.mark.parametrize(("shares", "other"), [((20, 38, 38), 1), ((20, 20, 20), 0)])
def test_more_seeds_do_not_tell_which_of_two_settings_with_equal_rows_is_best(bench, shares, other):
    for a, share in enumerate(shares):
        for s in range(3):
            right = np.arange(40) < share - s
            bench.run({"gamma": a}, s, right, right[:30])
    bench.reported(claims=({"best": 2},))
    (claim,) = comparison_table(bench.opened).verdicts
    left = [f"gamma={a}" for a in (0, 1) if shares[a] == shares[2]]
    assert (claim.kind, claim.reason) == (
        "undecided",
        f"not ruled out: {', '.join(left)}; gamma=2 and gamma={other}: their rows are equal to the last bit, so that "
        "more seeds tell no more",
    )


def test_what_is_decided_of_equal_rows_is_said_to_be_no_evidence(bench):
    for a in (0, 1, 2):
        for s in range(3):
            bench.run({"gamma": a}, s, np.arange(40) < 20 + s, np.arange(30) < 15)
    bench.reported(claims=({"equal": [1, 0], "within": 0.5}, {"better": [1, 0], "by": 0.5}))
    table = comparison_table(bench.opened)
    said = "their rows are equal to the last bit, which is no evidence that what differs does not matter"
    assert [(claim.kind, claim.reason) for claim in table.verdicts] == [
        ("supported", f"the 90 % interval lies within 50 pt; {said}"),
        ("contradicted", f"if better, then by less than 50 pt; {said}"),
    ]
    notes = notes_of(bench)
    assert "on the seeds that both finished; all settings have its rows, so there is no comparison." in notes
    assert "Claims that one is better: all of them compare equal rows, so there is no comparison." in notes
    assert "none has a p value" not in notes
    assert "over 0 comparisons" not in notes


def test_claims_about_copies_of_one_run_name_the_seed(bench):
    for a, share in enumerate((20, 20, 38)):
        for s in range(3):
            right = np.arange(40) < share
            bench.run({"gamma": a}, s, right, right[:30], settings={"gamma": a, "seed": s})
    bench.reported(claims=({"better": [2, 0]}, {"equal": [1, 0], "within": 0.5}, {"best": 2}))
    said = "the seed changed no bit, so that all runs of a setting are one; a verdict needs 3 that are drawn anew"
    found = [(claim.kind, claim.reason) for claim in comparison_table(bench.opened).verdicts]
    assert found == [("undecided", said)] * 3
