"""Claims of a space file against runs: every verdict, its evidence, and what is printed of it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from search.report import comparison_table, table_json, table_markdown, verdicts_frame, write_results
from search.report.statistics.verdicts import Kind
from search.space import Axis, Float, Grid, Published, Search
from search.trial import State
from tests.report.builder import key_of
from tests.report.judging import SPACE, Bench, card, pattern

GAMMA = Axis("gamma", Grid([0, 1, 2]))


def levels(ledger, claims, shares=(20, 20, 38), seeds=(0, 1, 2), space=SPACE, **report):
    """Settings that get so many of 40 images right, give or take one by seed."""
    report = replace(space.report, claims=tuple(claims), **report)
    bench = Bench(ledger, replace(space, seeds=seeds, report=report))
    for a, share in enumerate(shares):
        for s in seeds:
            right = np.arange(40) < share + (s + a) % 2
            bench.run({"gamma": a}, s, right, right[:30])
    return bench


def verdict_of(bench):
    (claim,) = comparison_table(*bench.args).verdicts
    return claim


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


@pytest.mark.parametrize(
    ("claim", "report", "named"),
    [
        ({"better": [1, 0], "by": 0.3}, {}, "30 pt (the claim's margin)"),
        ({"equal": [1, 0], "within": 0.01}, {}, "1 pt (the claim's margin)"),
        ({"better": [1, 0]}, {"margin": 0.05}, "5 pt (report.margin)"),
        (
            {"better": [1, 0]},
            {"margin": 0.05, "published": Published(values={"0": "54.01%", "1": "60.58%"})},
            "6.57 pt (the published difference)",
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
    found = comparison_table(*levels(ledger, claims).args).verdicts
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
    relu, silu = comparison_table(*bench.args).verdicts
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
    better, equal = comparison_table(*bench.args).verdicts
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
    (claim,) = comparison_table(*study.args).verdicts
    assert (claim.kind, claim.reason) == ("undecided", "the rows hold no predictions on val images")


def test_a_search_decides_no_claim_about_rows(ledger):
    space = replace(SPACE, axes=[GAMMA, Axis("lr", Float(0, 1))], search=Search("random", 3))
    bench = Bench(ledger, space).reported(claims=({"better": [2, 0]}, {"never": {"diverges": True}}))
    for s in range(3):
        bench.run({"gamma": 0, "lr": 0.5}, s, pattern(0, s, 40))
    rows, runs = comparison_table(*bench.args).verdicts
    assert rows.kind == "undecided"
    assert rows.reason.startswith("a search chose what it shows")
    assert runs.kind == "supported"


# Runs ----------------------------------------------------------------------------------------------------------


def stopping(ledger, claim, ends):
    """Thresholds 0, 1 and 2 that read one curve per seed and end it after these epochs of 6."""
    bench = Bench(ledger).reported(claims=(claim,))
    for s in range(3):
        keys = [key_of("curve", s, epoch) for epoch in range(6)]
        for a, last in enumerate(ends):
            state = State.STOPPED if last < 6 else State.FINISHED
            bench.run({"gamma": a}, s, pattern(0, s, 40), keys=keys, state=state, last=last)
    return verdict_of(bench)


@pytest.mark.parametrize(
    ("claim", "kind", "runs"),
    [
        ({"never": {"stops_before": 6, "where": {"gamma": [0]}}}, "supported", 3),
        ({"never": {"stops_before": 6, "where": {"gamma": [0, 1]}}}, "contradicted", 3),
        ({"never": {"stops_before": 5, "where": {"gamma": [0, 1]}}}, "supported", 3),
        ({"always": {"stops_by": 5, "where": {"gamma": [1, 2]}}}, "supported", 3),
        ({"always": {"stops_by": 5}}, "contradicted", 3),
        ({"never": {"stops_before": 50}}, "contradicted", 3),
        ({"never": {"stops_before": 50, "where": {"gamma": [0]}}}, "undecided", 0),
        ({"never": {"diverges": True}}, "supported", 3),
    ],
)
def test_what_is_read_off_one_curve_is_one_run(ledger, claim, kind, runs):
    found = stopping(ledger, claim, (6, 5, 2))
    assert (found.kind, found.evidence["runs"]) == (kind, runs)
    if kind == "supported":
        assert found.evidence["bound"] == pytest.approx(1 - 0.05 ** (1 / 3))


def test_runs_that_do_not_tell_are_no_evidence(ledger):
    bench = Bench(ledger).reported(claims=({"never": {"diverges": True}},))
    for s, state in enumerate([State.FAILED, State.PRUNED, State.WAITING]):
        bench.run({"gamma": 0}, s, pattern(0, s, 40), state=state)
    found = verdict_of(bench)
    assert (found.kind, found.reason) == ("undecided", "no run on record tells")


@pytest.mark.parametrize(
    ("claim", "kind"),
    [
        ({"always": {"reaches": 0.9, "where": {"gamma": [2]}}}, "supported"),
        ({"always": {"reaches": 0.9}}, "contradicted"),
        ({"never": {"reaches": 0.99}}, "supported"),
    ],
)
def test_levels_that_every_run_reaches(ledger, claim, kind):
    assert verdict_of(levels(ledger, [claim])).kind == kind


def test_a_diverged_run_reaches_nothing(ledger):
    bench = Bench(ledger).reported(claims=({"always": {"reaches": 0.1}},))
    bench.run({"gamma": 0}, 0, np.ones(40, dtype=bool), state=State.DIVERGED)
    assert verdict_of(bench).kind == "contradicted"


def test_classes_without_a_hit(ledger):
    claim = {"never": {"misses_a_class": True, "where": {"gamma": [0]}}}
    bench = Bench(ledger).reported(claims=(claim,))
    truth = card().truth["val"]
    for s in range(3):
        bench.run({"gamma": 0}, s, np.arange(40) < 4)
        bench.run({"gamma": 1}, s, truth != 3)
    assert verdict_of(bench).kind == "supported"
    bench.reported(claims=({"never": {"misses_a_class": True}},))
    assert verdict_of(bench).kind == "contradicted"


# What is printed -----------------------------------------------------------------------------------------------


def test_verdicts_stand_under_the_table_in_every_format(ledger, tmp_path):
    claims = [{"better": [2, 0], "by": 0.02}, {"never": {"stops_before": 2, "where": {"gamma": [0, 1]}}}]
    bench = levels(ledger, claims)
    table = comparison_table(*bench.args)
    text = table_markdown(table)
    assert "Claim: gamma=2 is better than gamma=0 by at least 2 pt. Supported: the interval lies above 2 pt (" in text
    assert "Claim: never: stops before 2 where gamma=0 or 1. Supported: in these 6 runs; up to 39 % of runs" in text
    content = json.loads(table_json(table), parse_constant=pytest.fail)
    assert [entry["verdict"] for entry in content["verdicts"]] == ["supported", "supported"]
    frame = verdicts_frame(table.verdicts)
    assert frame["estimate"][0] == pytest.approx(0.45)
    assert np.isnan(frame["estimate"][1])
    names = {path.name: path for path in write_results(*bench.args, tmp_path)}
    assert names["verdicts.csv"].read_text().splitlines()[0].startswith("claim,verdict,reason,estimate,low,high,p")
    assert "Supported: the interval lies above 2 pt" in names["table.tex"].read_text()


def test_every_kind_of_verdict_is_a_word():
    assert {kind.value for kind in Kind} == {"supported", "contradicted", "undecided"}
