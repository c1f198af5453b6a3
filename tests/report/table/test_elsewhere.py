"""Published figures and claims of other data than a study's: apart from ours, and judged by nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from search.report.formats.render import table_json, table_markdown
from search.report.page.answer import answer
from search.report.record.curves import read_curves
from search.report.table.build import comparison_table
from search.report.table.elsewhere import foreign
from search.report.table.model import Table
from search.space.model import Axis, Grid, Published
from tests.report.judging import SPACE, Bench, levels, pattern

PAPER = Published("table 3", "roses", n=137, values={"0": "54.01%", "2": "60.58%"})
CLAIMS: list[dict[str, Any]] = [{"better": [2, 0]}, {"best": 2}, {"never": {"misses_a_class": True}}]


def bench_on(ledger, data: str, published: Published = PAPER) -> Bench:
    space = replace(SPACE, fixed={**SPACE.fixed, "data": data})
    return levels(ledger, CLAIMS, space=space, published=published)


def published_in(table: Table) -> list[str]:
    return [line.published for line in table.lines]


@pytest.mark.parametrize("data", ["roses", "./roses/"])
def test_figures_and_claims_of_the_same_data_stand_in_the_table(ledger, data):
    table = comparison_table(bench_on(ledger, data).opened)
    assert published_in(table) == ["54.01%", "", "60.58%"]
    assert [claim.kind for claim in table.verdicts] == ["supported"] * 3
    assert table.elsewhere is None


def test_figures_and_claims_of_other_data_stand_apart_and_no_verdict_speaks_of_them(ledger):
    bench = bench_on(ledger, "tulips")
    table = comparison_table(bench.opened)
    assert published_in(table) == ["", "", ""]
    assert not table.verdicts
    assert [note for note in table.notes if "roses" in note] == [
        "Published for roses, not for tulips, by table 3: accuracy on 137 images: gamma=0 54.01% and gamma=2 60.58%.",
        "Claimed of roses, so not judged on tulips: gamma=2 is better than gamma=0; gamma=2 is the best; never: misses "
        "a class. `--set report.published=null` judges them as claims about tulips.",
    ]
    text = table_markdown(table)
    assert "| published" not in text
    assert "supported" not in text
    assert "claim" not in answer(table, read_curves(bench.opened))


def test_other_data_change_no_figure_of_ours(ledger):
    bench = bench_on(ledger, "tulips")
    apart = comparison_table(bench.opened)
    beside = comparison_table(bench.reported(published=None).opened)
    assert [replace(line, foreign=False) for line in apart.lines] == list(beside.lines)
    assert [claim.kind for claim in beside.verdicts] == ["supported"] * 3


def test_programs_get_what_stands_apart_in_a_place_of_its_own(ledger):
    bench = bench_on(ledger, "tulips")
    table = json.loads(table_json(comparison_table(bench.opened)))
    assert table["verdicts"] == []
    assert table["published_elsewhere"] == {
        "data": "roses",
        "here": "tulips",
        "source": "table 3",
        "metric": "accuracy",
        "n": 137,
        "figures": [["gamma=0", "54.01%"], ["gamma=2", "60.58%"]],
        "claims": ["gamma=2 is better than gamma=0", "gamma=2 is the best", "never: misses a class"],
    }
    beside = bench.reported(published=replace(PAPER, data="tulips"))
    assert json.loads(table_json(comparison_table(beside.opened)))["published_elsewhere"] is None


@pytest.mark.parametrize(("used", "apart"), [("roses", False), ("tulips", True)])
def test_before_anything_is_trained_the_file_tells_what_stands_apart(ledger, used, apart):
    bench = bench_on(ledger, used)
    bench = Bench(ledger, replace(bench.space, name="new"))
    assert (comparison_table(bench.opened).elsewhere is not None) is apart


def test_figures_that_name_no_data_belong_to_those_of_the_file(ledger):
    table = comparison_table(bench_on(ledger, "tulips", replace(PAPER, data="")).opened)
    assert published_in(table) == ["54.01%", "", "60.58%"]
    assert len(table.verdicts) == 3


def test_a_paper_without_figures_has_its_claims_apart(ledger):
    table = comparison_table(bench_on(ledger, "tulips", Published("table 3", "roses")).opened)
    (note,) = [note for note in table.notes if "roses" in note]
    assert note.startswith("Claimed of roses, by table 3, so not judged on tulips: gamma=2 is better than gamma=0;")


def test_where_data_are_an_axis_figures_and_claims_belong_to_the_lines_of_their_data(ledger):
    axes = [Axis("data", Grid(["roses", "tulips"])), *SPACE.axes]
    report = replace(SPACE.report, published=PAPER, claims=tuple(CLAIMS))
    bench = Bench(ledger, replace(SPACE, axes=axes, report=report))
    for data, best in (("roses", 2), ("tulips", 0)):
        for gamma in (0, 1, 2):
            for seed in (0, 1, 2):
                right = pattern(2 if gamma == best else 0, seed, 40) if gamma != best else [True] * 40
                bench.run({"data": data, "gamma": gamma}, seed, right)
    table = comparison_table(bench.opened)
    assert {line.published for line in table.lines if line.parameters["data"] == "tulips"} == {""}
    assert sorted(published_in(table))[-2:] == ["54.01%", "60.58%"]
    assert [claim.kind for claim in table.verdicts if claim.best] == ["supported"]
    assert table.elsewhere is None


def test_a_trial_says_what_it_was_trained_on_where_the_file_leaves_it_to_a_default(ledger):
    bench = bench_on(ledger, "roses")
    space = replace(bench.space, fixed={"epochs": 2})
    bench.run({"gamma": 0}, 9, [True] * 40, settings={"data": "tulips"})
    trials = ledger.trials(bench.record.id)
    assert [foreign(space, trials[0]), foreign(space, trials[-1])] == [True, True]
    assert not foreign(bench.space, trials[0])
