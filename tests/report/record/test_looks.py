"""Looks at a table: recorded once per number of seeds, and said where seeds were added after one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from search.api import Study
from search.core.trial import State
from search.report.record.looks import before_more_seeds, looks_of, record_look
from search.report.table.build import comparison_table
from tests.report.judging import SPACE, Bench, pattern


def add(bench, seed):
    for a in (0, 1, 2):
        bench.run({"gamma": a}, seed, pattern(a, seed, 40), pattern(a, seed, 30))


def looks(bench):
    return [entry.detail["seeds"] for entry in bench.ledger.decisions(bench.record.id, ["look"])]


def sentence(bench):
    (note,) = (note for note in comparison_table(bench.opened).notes if note.startswith("Differences in val"))
    return note


def test_a_look_is_recorded_once_per_number_of_seeds(ledger):
    bench = Bench(ledger)
    assert not record_look(bench.opened)
    for seed in range(2):
        add(bench, seed)
        assert record_look(bench.opened)
        assert not record_look(bench.opened)
    assert looks(bench) == [1, 2]


def test_a_setting_that_did_not_finish_adds_no_seed(ledger):
    bench = Bench(ledger)
    add(bench, 0)
    record_look(bench.opened)
    bench.run({"gamma": 0}, 1, pattern(0, 1, 40), state=State.FAILED)
    assert not record_look(bench.opened)


def test_seeds_added_after_a_look_are_said(ledger):
    bench = Bench(ledger, replace(SPACE, seeds=(0, 1, 2, 3)))
    for seed in range(3):
        add(bench, seed)
    assert "look" not in sentence(bench)
    record_look(bench.opened)
    assert "look" not in sentence(bench)
    add(bench, 3)
    assert "2 looks; seeds added after a look: p values are too small" in sentence(bench)


@pytest.mark.parametrize(
    ("planned", "told"),
    [
        (
            None,
            "2 looks; seeds added after a look: p values are too small; `report.looks` plans looks beforehand, and ",
        ),
        (2, "2 looks were planned, each at 0.025"),
        ((3, 5), "looks were planned at 3, 5 seeds; this one, at 4, decides nothing; `report.looks` plans"),
        ((3, 4), "look 2 of 2"),
    ],
)
def test_before_seeds_are_added_it_is_said_what_that_does(ledger, planned, told):
    bench = Bench(ledger, replace(SPACE, seeds=(0, 1, 2))).reported(looks=planned)
    for seed in range(3):
        add(bench, seed)
    more = replace(bench.opened, given=replace(bench.opened.space, seeds=(0, 1, 2, 3)))
    assert before_more_seeds(more) == "", "nobody has looked"
    record_look(bench.opened)
    assert before_more_seeds(bench.opened) == "", "no seed is new"
    said = before_more_seeds(more)
    assert said.startswith("seeds are added after a look at the table of 3 seeds: ")
    assert told in said


def test_an_interrupted_run_that_goes_on_adds_no_seed(ledger):
    """Only while it is not complete may what was seen decide when it ends."""
    bench = Bench(ledger, replace(SPACE, seeds=(0, 1, 2, 3)))

    def count():
        return looks_of(bench.opened, ledger.trials(bench.record.id))

    for seed in range(2):
        add(bench, seed)
    waiting = [bench.run({"gamma": 0}, seed, pattern(0, seed, 40), state=State.WAITING) for seed in (2, 3)]
    record_look(bench.opened)
    for number, looks in zip(waiting, (2, 1), strict=True):
        with ledger.step(bench.record.id) as step:
            step.set_trial(number, state=State.FINISHED, last_epoch=2)
        assert count() == looks
    record_look(bench.opened)
    bench.run({"gamma": 0}, 4, pattern(0, 4, 40))
    assert count() == 3, "a seed was added"


@pytest.mark.parametrize(("planned", "said"), [(2, "2 looks were planned, each at 0.025"), (1, "are too small")])
def test_planned_looks_share_the_level(ledger, planned, said):
    bench = Bench(ledger, replace(SPACE, seeds=(0, 1, 2, 3))).reported(looks=planned)
    for seed in range(3):
        add(bench, seed)
    record_look(bench.opened)
    add(bench, 3)
    assert said in sentence(bench)
    bold = next(note for note in comparison_table(bench.opened).notes if "Bold" in note)
    assert ("at most 0.025" in bold) is (planned == 2)


def test_more_looks_than_planned_are_said(ledger):
    bench = Bench(ledger, replace(SPACE, seeds=(0, 1, 2, 3))).reported(looks=2)
    for seed in range(4):
        add(bench, seed)
        record_look(bench.opened)
    assert "4 looks; seeds added after a look: p values are too small" in sentence(bench)


@pytest.mark.slow
def test_writing_the_results_is_a_look_and_two_writings_are_the_same_bytes(ledger, tmp_path):
    bench = Bench(ledger)
    text = "name: judged\nworkload: toy\nfixed: {epochs: 2}\nspace: {gamma: {grid: [0, 1, 2]}}\nseeds: 3\n"
    bench.ledger.update_study(bench.record.id, space=text)
    for seed in range(3):
        add(bench, seed)
    study = Study(bench.ledger, bench.ledger.study("judged"), tmp_path)
    first = [path.read_bytes() for path in study.write()]
    assert looks(bench) == [3]
    assert [path.read_bytes() for path in study.write()] == first
    assert list(study.verdicts().columns) == ["claim", "metric", "verdict", "reason"]
