"""Claims of a space file against runs: every verdict, its evidence, and what is printed of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from search.core.trial import State
from search.report.formats.judged_frame import verdicts_frame
from search.report.formats.render import table_json, table_markdown
from search.report.results import write_results
from search.report.table.build import comparison_table
from search.space.model import Axis, Float, Grid, Published, Search
from search.statistics.verdicts import Kind
from tests.report.builder import key_of
from tests.report.judging import SPACE, Bench, card, levels, pattern, verdict_of

GAMMA = Axis("gamma", Grid([0, 1, 2]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("claim", "kind", "reason"),
    [
        ({"better": [2, 0]}, "supported", "better by +45.0 pt"),
        ({"better": [0, 2]}, "contradicted", "worse: -45.0 pt"),
        ({"better": [2, 0], "by": 0.1}, "supported", "the interval lies above 10 pt"),
        ({"better": [2, 0], "by": 0.9}, "contradicted", "if better, then by less than 90 pt"),
        ({"better": [1, 0]}, "undecided", "the difference may be 0; "),
        ({"equal": [1, 0], "within": 0.25}, "supported", "the 90 % interval lies within 25 pt"),
        ({"equal": [2, 0], "within": 0.02}, "contradicted", "the 95 % interval lies outside 2 pt"),
        ({"equal": [1, 0], "within": 0.01}, "undecided", "the interval reaches beyond 1 pt; "),
        ({"best": 2}, "supported", "better than each of the 2 others"),
        ({"best": 0}, "contradicted", "worse than gamma=2"),
    ],
)
def test_claims_about_rows(ledger, claim, kind, reason):
    found = verdict_of(levels(ledger, [claim]))
    assert (found.kind, found.reason.startswith(reason)) == (kind, True), found.reason


def test_a_best_that_is_not_told_apart_names_who_is_left_and_what_would_tell(ledger):
    found = verdict_of(levels(ledger, [{"best": 2}], shares=(20, 38, 38)))
    assert found.kind == "undecided"
    assert found.reason.startswith("not ruled out: gamma=1; gamma=1: ")
    assert "to find a difference of 2 pt (assumed, as no margin is stated)" in found.reason


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
@pytest.mark.parametrize("claim", [{"better": [2, 0]}, {"equal": [1, 0], "within": 0.25}, {"best": 2}])
def test_fewer_than_three_seeds_decide_nothing(ledger, claim, seeds):
    assert verdict_of(levels(ledger, [claim], seeds=seeds)).kind == "undecided"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("claim", "report", "named"),
    [
        ({"better": [1, 0], "by": 0.3}, {}, "30 pt (the claim's margin)"),
        ({"equal": [1, 0], "within": 0.01}, {}, "to show equality within 1 pt"),
        ({"better": [1, 0]}, {"margin": 0.05}, "5 pt (report.margin)"),
        (
            {"better": [1, 0]},
            {"margin": 0.05, "published": Published(values={"0": "54.01%", "1": "60.58%"})},
            "6.57 pt (the published difference)",
        ),
        (
            {"better": [1, 0]},
            {"published": Published(values={"0": "0.5401", "1": ".6058"})},
            "6.57 pt (the published difference)",
        ),
        (
            {"better": [1, 0]},
            {"published": Published(metric="val_accuracy", values={"0": "54.01", "1": "60.58%"})},
            "6.57 pt (the published difference)",
        ),
        (
            {"better": [1, 0]},
            {"published": Published(values={"0": "0.54", "1": "60.58"})},  # per cent or a fraction?
            "2 pt (assumed, as no margin is stated)",
        ),
        (
            {"better": [1, 0]},
            {"published": Published(metric="epochs", values={"0": "54.01", "1": "60.58"})},
            "2 pt (assumed, as no margin is stated)",
        ),
    ],
)
def test_the_difference_that_is_assumed_is_named(ledger, claim, report, named):
    bench = levels(ledger, [claim], shares=(20, 20, 20), **report)
    found = verdict_of(bench)
    if found.kind == "undecided":
        assert named in found.reason
    else:
        assert "if better, then by less than" in found.reason  # decided by the margin: nothing is needed


def test_p_values_of_claims_are_one_family(ledger):
    claims = [{"better": [2, 0]}, {"better": [2, 1]}, {"better": [1, 0]}, {"best": 2}]
    found = comparison_table(levels(ledger, claims).opened).verdicts
    p = [claim.evidence["p"] for claim in found[:3]]
    order = np.argsort(p)
    adjusted = np.minimum(np.maximum.accumulate([(3 - rank) * p[i] for rank, i in enumerate(order)]), 1)
    assert [found[i].evidence["p_adjusted"] for i in order] == pytest.approx(list(adjusted))
    assert "p_adjusted" not in found[3].evidence


def test_planned_looks_divide_the_level(ledger):
    bench = levels(ledger, [{"better": [1, 0]}], shares=(20, 26, 20))
    p = verdict_of(bench).evidence["p_adjusted"]
    assert 0.0005 < p <= 0.05
    assert verdict_of(bench).kind == "supported"
    bench.reported(looks=100)
    assert verdict_of(bench).kind == "undecided"


def test_with_a_second_axis_each_column_is_judged(ledger):
    space = replace(SPACE, axes=[GAMMA, Axis("act", Grid(["relu", "silu"]))])
    bench = Bench(ledger, space).reported(claims=({"better": [2, 0]},))
    for act, share in (("relu", 38), ("silu", 20)):
        for a in (0, 2):
            for s in range(3):
                right = np.arange(40) < (share if a else 20) + (s + a // 2) % 2
                bench.run({"gamma": a, "act": act}, s, right)
    relu, silu = comparison_table(bench.opened).verdicts
    assert (relu.text, relu.kind) == ("gamma=2 is better than gamma=0 (act=relu)", "supported")
    assert (silu.text, silu.kind) == ("gamma=2 is better than gamma=0 (act=silu)", "undecided")


def test_a_row_that_did_not_run_is_undecided(ledger):
    found = verdict_of(levels(ledger, [{"better": [2, 0]}], shares=(20, 20)))
    assert (found.kind, found.reason) == ("undecided", "no setting is on record in the row 2")


def test_one_training_under_two_names(ledger):
    bench = Bench(ledger).reported(claims=({"better": [1, 0]}, {"equal": [1, 0], "within": 0.01}))
    for a in (0, 1):
        for s in range(3):
            bench.run({"gamma": a}, s, pattern(0, s, 40), keys=[key_of("one", s, epoch) for epoch in (1, 2)])
    better, equal = comparison_table(bench.opened).verdicts
    assert (better.kind, equal.kind) == ("contradicted", "supported")
    assert "same run" in equal.reason


def test_diverged_runs_count_at_chance(ledger):
    bench = Bench(ledger).reported(claims=({"better": [0, 1]},))
    for s in range(3):
        bench.run({"gamma": 0}, s, np.arange(40) < 38 + s % 2)
        bench.run({"gamma": 1}, s, np.zeros(40, dtype=bool), state=State.DIVERGED)
    found = verdict_of(bench)
    assert found.kind == "supported"
    assert found.evidence["estimate"] == pytest.approx((38 + 39 + 38) / 120 - 1 / 4)


def test_without_predictions_claims_about_rows_are_undecided(make):
    study = make(replace(SPACE, name="focal", report=replace(SPACE.report, claims=({"better": [2, 0]},))))
    study.trial({"gamma": 0}, 0, [0.5, 0.5, 0.5])
    (claim,) = comparison_table(study.opened).verdicts
    assert (claim.kind, claim.reason) == ("undecided", "the rows hold no predictions on val images")


def test_a_search_decides_no_claim_about_rows(ledger):
    space = replace(SPACE, axes=[GAMMA, Axis("lr", Float(0, 1))], search=Search("random", 3))
    bench = Bench(ledger, space).reported(claims=({"better": [2, 0]}, {"never": {"diverges": True}}))
    for s in range(3):
        bench.run({"gamma": 0, "lr": 0.5}, s, pattern(0, s, 40))
    rows, runs = comparison_table(bench.opened).verdicts
    assert rows.kind == "undecided"
    assert rows.reason.startswith("a search chose what it shows")
    assert runs.kind == "supported"


# What would decide ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("report", "assumed"),
    [
        ({}, "2 pt (assumed, as no margin is stated, beyond the claim's 44 pt)"),
        ({"margin": 0.1}, "10 pt (report.margin, beyond the claim's 44 pt)"),
        (
            {"margin": 0.1, "published": Published(values={"0": "50 %", "2": "97.5 %"})},
            "3.5 pt (the published difference, beyond the claim's 44 pt)",
        ),
        (
            {"margin": 0.1, "published": Published(values={"0": "50 %", "2": "90 %"})},  # 40 pt: not beyond it
            "10 pt (report.margin, beyond the claim's 44 pt)",
        ),
    ],
)
def test_what_is_better_but_not_surely_by_so_much(ledger, report, assumed):
    """Power to find a difference of the margin itself would say "enough", and yet nothing is decided."""
    found = verdict_of(levels(ledger, [{"better": [2, 0], "by": 0.44}], **report))
    assert found.kind == "undecided"
    assert found.reason.startswith("better, but not surely by 44 pt; ")
    assert f" to find a difference of {assumed} with a probability of about 80 %" in found.reason


def test_seeds_cannot_decide_what_images_leave_open(ledger):
    """Each setting is right on images of its own, the same under every seed."""
    bench = Bench(ledger).reported(claims=({"better": [1, 0]},))
    for s in range(3):
        bench.run({"gamma": 0}, s, np.arange(40) < 20)
        bench.run({"gamma": 1}, s, np.arange(40) >= 20)
    found = verdict_of(bench)
    assert (found.kind, found.reason) == (
        "undecided",
        "the difference may be 0; seeds cannot decide this; it needs about 68,000 images (there are 40) to find a "
        "difference of 2 pt (assumed, as no margin is stated) with a probability of about 80 %",
    )


def test_images_cannot_decide_what_seeds_leave_open(ledger):
    """A run is right on nearly everything or on nearly nothing."""
    bench = Bench(ledger).reported(claims=({"better": [1, 0], "by": 0.4},))
    for s in range(3):
        bench.run({"gamma": 0}, s, np.arange(40) < (36, 4, 20)[s])
        bench.run({"gamma": 1}, s, np.arange(40) < (4, 36, 30)[s])
    found = verdict_of(bench)
    assert (found.kind, found.reason) == (
        "undecided",
        "the difference may be 0; 35 to more than 100 seeds per setting would be needed to find a difference of 40 pt "
        "(the claim's margin) with a probability of about 80 % (there are 3); images cannot decide this, it needs "
        "seeds",
    )


# What is printed -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_verdicts_stand_under_the_table_in_every_format(ledger, tmp_path):
    claims = [{"better": [2, 0], "by": 0.02}, {"never": {"stops_before": 2, "where": {"gamma": [0, 1]}}}]
    bench = levels(ledger, claims)
    table = comparison_table(bench.opened)
    text = table_markdown(table)
    assert "Claim: gamma=2 is better than gamma=0 by at least 2 pt. Supported: the interval lies above 2 pt (" in text
    never = (
        "Claim: never: stops before 2 where gamma=0 or 1. Supported: in these 6 runs of 2 settings; up to 63 % of the"
    )
    assert f"{never} runs of a setting may do otherwise (95 % limit)." in text
    content = json.loads(table_json(table), parse_constant=pytest.fail)
    assert [entry["verdict"] for entry in content["verdicts"]] == ["supported", "supported"]
    assert [entry["metric"] for entry in content["verdicts"]] == ["val_accuracy", ""]
    frame = verdicts_frame(table.verdicts)
    assert frame["estimate"][0] == pytest.approx(0.45)
    assert np.isnan(frame["estimate"][1])
    names = {path.name: path for path in write_results(bench.opened, tmp_path)}
    assert (
        names["verdicts.csv"].read_text().splitlines()[0].startswith("claim,metric,verdict,reason,estimate,low,high,p")
    )
    assert "Supported: the interval lies above 2 pt" in names["table.tex"].read_text()


def test_every_kind_of_verdict_is_a_word():
    assert {kind.value for kind in Kind} == {"supported", "contradicted", "undecided"}


def test_the_family_of_the_claims_and_its_looks_are_said(ledger):
    """Also where the file names no baseline, so that the table has no differences of its own."""
    claims = [{"better": [2, 0]}, {"better": [2, 1]}, {"equal": [1, 0], "within": 0.02}]
    bench = levels(ledger, claims, baseline=None, has_baseline=False)
    said = "Claims that one is better are a family of their own: p values adjusted by Holm over 2 comparisons"
    assert f"{said}." in comparison_table(bench.opened).notes
    bench.reported(looks=2)
    assert f"{said}; 2 looks were planned, each at 0.025." in comparison_table(bench.opened).notes
    bench.reported(looks=None)
    with ledger.step(bench.record.id) as step:
        step.log("look", seeds=2)
    looked = "2 looks; seeds added after a look: p values are too small"
    assert f"{said}; {looked}." in comparison_table(bench.opened).notes
    bench.reported(claims=({"best": 2},))
    assert f"Claims: {looked}." in comparison_table(bench.opened).notes


def test_planned_looks_narrow_the_test_of_equality(ledger):
    bench = levels(ledger, [{"equal": [1, 0], "within": 0.25}])
    assert "the 90 % interval lies within 25 pt" in verdict_of(bench).reason
    assert "low_90" in verdict_of(bench).evidence
    bench.reported(looks=2)
    found = verdict_of(bench)
    assert (found.kind, "low_90" in found.evidence) == ("supported", False)
    assert "the 95 % interval lies within 25 pt" in found.reason


def test_best_of_all_needs_all_settings_of_a_grid_on_record(ledger):
    """What was never started is not ruled out; what is beaten already is contradicted."""
    bench = levels(ledger, [{"best": 1}, {"best": 0}], shares=(20, 38))
    best, beaten = comparison_table(bench.opened).verdicts
    assert (best.kind, best.reason) == ("undecided", "no run of gamma=2 is on record")
    assert (beaten.kind, beaten.reason) == ("contradicted", "worse than gamma=1")
    bench.space = replace(bench.space, axes=[Axis("gamma", Grid([0, 1]))])
    best, _ = comparison_table(bench.opened).verdicts
    assert (best.kind, best.reason) == ("supported", "better than the only other one")


def test_why_nothing_is_judged_is_said_once(ledger):
    bench = Bench(ledger).grid(gammas=(0, 1)).reported(claims=({"better": [2, 0]}, {"equal": [2, 0], "within": 0.1}))
    for s in range(3):
        bench.run({"gamma": 2}, s, pattern(2, s, 40), state=State.PRUNED if s == 2 else State.FINISHED)
    why = "a seed was pruned; a pruned setting can only be described, at an epoch all runs reached"
    better, equal = comparison_table(bench.opened).verdicts
    assert better.reason == (
        f"{why}; what it takes to find a difference of 2 pt (assumed, as no margin is stated) with a probability of "
        "about 80 % is unknown: the noise of new runs was not estimated"
    )
    assert (equal.reason.startswith(f"{why}; "), equal.reason.count(why)) == (True, 1)


def test_single_runs_are_explained_where_a_figure_is_of_one(ledger):
    """Of a setting whose other seeds were pruned no interval is shown, so there is nothing to explain."""
    for state, explained in ((State.PRUNED, False), (State.FAILED, True)):
        bench = Bench(ledger, replace(SPACE, name=state.value)).grid(gammas=(0, 1))
        for s in range(3):
            bench.run({"gamma": 2}, s, pattern(2, s, 40), state=State.FINISHED if s == 0 else state)
        notes = comparison_table(bench.opened).notes
        assert any("One seed:" in note for note in notes) is explained


@pytest.mark.parametrize("claim", [{"better": [1, 0]}, {"equal": [1, 0], "within": 0.03}])
def test_what_would_decide_goes_by_the_rule_of_the_table(ledger, claim):
    """The strict rule needs more seeds, so the sentence of an undecided claim names more."""
    rng = np.random.default_rng(4)
    bench = Bench(ledger, data=card(400)).reported(claims=(claim,), margin=0.03)
    hard = rng.random(400)
    for a in (0, 1, 2):
        for s in (0, 1, 2):
            bench.run({"gamma": a}, s, 0.7 * hard + 0.3 * rng.random(400) < 0.8 + 0.008 * rng.standard_normal())
    counts = []
    for noise in ("guarded", "strict"):
        needed = re.search(
            r"; (\d+)[ \w]* seeds per setting would be needed", verdict_of(bench.reported(noise=noise)).reason
        )
        assert needed is not None
        counts.append(int(needed[1]))
    assert counts == [5, 6]
