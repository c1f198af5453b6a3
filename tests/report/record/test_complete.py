"""What is missing of a study is said first, in every format, before anything that its runs seem to answer."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from search.core.trial import State
from search.report.formats.columns import printed_notes
from search.report.formats.render import table_json, table_markdown
from search.report.record.complete import incomplete
from search.report.record.curves import read_curves
from search.report.table.build import comparison_table
from search.space.model import Axis, Float, Search
from tests.report.judging import SPACE, Bench, pattern
from tests.report.page.studies import Page, levels, page_of

OPEN = (State.WAITING, State.RUNNING, State.INTERRUPTED, State.FAILED)


def missing(bench: Bench) -> str:
    return incomplete(read_curves(bench.opened))


@pytest.mark.parametrize("state", OPEN)
def test_an_open_trial(ledger, state):
    bench = Bench(ledger).grid(gammas=(0, 1))
    for s in range(3):
        bench.run({"gamma": 2}, s, pattern(2, s, 40), state=state if s == 2 else State.FINISHED)
    counts = {State.FINISHED: 8, state: 1}
    said = ", ".join(f"{counts[one]} {one.value}" for one in State if one in counts)
    assert missing(bench) == f"The study is not complete: {said}."


@pytest.mark.parametrize("state", [State.FINISHED, State.STOPPED, State.PRUNED, State.DIVERGED])
def test_a_study_whose_trials_all_ended_is_complete(ledger, state):
    bench = Bench(ledger).grid(gammas=(0, 1))
    for s in range(3):
        bench.run({"gamma": 2}, s, pattern(2, s, 40), state=state)
    assert missing(bench) == ""
    assert comparison_table(bench.opened).incomplete == ""


def test_seeds_and_settings_that_were_never_started(ledger):
    bench = Bench(ledger)
    bench.run({"gamma": 0}, 0, pattern(0, 0, 40))
    assert missing(bench) == (
        "The study is not complete: 1 finished. 2 runs of these settings have not been started. 2 settings have not "
        "been started."
    )
    bench.run({"gamma": 0}, 1, pattern(0, 1, 40))
    bench.grid(gammas=(1,))
    assert missing(bench) == (
        "The study is not complete: 5 finished. 1 run of these settings has not been started. 1 setting has not been "
        "started."
    )


def test_a_search_that_drew_fewer_settings_than_it_was_asked_for(ledger):
    """It may have found no new ones: whether it is complete, nobody knows."""
    space = replace(SPACE, axes=[Axis("gamma", Float(0, 2))], search=Search("random", trials=5))
    bench = Bench(ledger, space).grid()
    assert missing(bench) == "Of 5 settings asked for, 3 were drawn."
    assert missing(Bench(ledger, replace(space, name="none"))) == ""


def test_it_is_said_first_in_every_format(ledger):
    bench = Bench(ledger).grid(gammas=(0, 1)).reported(claims=({"better": [1, 0]},))
    table = comparison_table(bench.opened)
    said = "The study is not complete: 6 finished. 1 setting has not been started."
    assert table.notes[0] == printed_notes(table)[0] == said
    assert sum("not complete" in note for note in printed_notes(table)) == 1
    assert table_markdown(table).index(said) < table_markdown(table).index("Claim: ")
    assert json.loads(table_json(table))["notes"][0] == said
    read = Page(page_of(bench)).text
    assert read.index(said) < read.index("Nothing can be decided")


def test_a_confirm_stage_that_was_interrupted_says_so_before_its_answer(ledger):
    """On its own page, and on that of the search that leads to it."""
    search = replace(SPACE, name="s", axes=[Axis("gamma", Float(0, 2))], search=Search("random", trials=3))
    searched = levels(ledger, space=search, has_baseline=False, baseline=None)
    again = Bench(ledger, replace(SPACE, name="s (confirm)", seeds=(10, 11, 12)))
    text = "workload: toy\nfixed: {epochs: 2}\nspace: {gamma: {grid: [0, 1, 2]}}\nseeds: [10, 11, 12]\n"
    ledger.update_study(again.record.id, space=f"{text}report: {{baseline: 0}}\n")
    for a in range(3):
        for s in (10, 11, 12):
            state = State.INTERRUPTED if s == 12 else State.FINISHED
            again.run({"gamma": a}, s, np.arange(40) < 20 + 9 * a + s % 2, np.arange(30) < 10 + a + s % 2, state=state)
    said = "The study is not complete: 3 interrupted, 6 finished."
    own = Page(page_of(again)).text
    assert own.index(said) < own.index("Nothing can be decided from 2 seeds per setting and 30 test images")
    theirs = Page(page_of(searched)).text
    assert (
        "It is not complete: 3 interrupted, 6 finished. The answer of that confirm stage so far: Nothing can be "
        "decided from 2 seeds per setting and 30 test images"
    ) in theirs
