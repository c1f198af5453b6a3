"""Settings that change no bit are named; runs that are one training for a reason are not called so."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from search.core.trial import State
from search.report.formats.render import table_json, table_markdown
from search.report.page.page import report_page
from search.report.record.curves import read_curves
from search.report.results import conditions
from search.report.table.build import Comparison, comparison_table
from search.report.table.unmoved import unmoved
from search.space.model import Axis, Choice, Float, Grid, Search, Space
from tests.report.builder import GAMMAS, Study, key_of

SAME = (
    "Either the workload does not read it, or its values mean the same here. Such lines are one training repeated, and "
    "no evidence that it does not matter."
)
GAMMA = (
    "gamma changed no bit: settings that differ in it alone have the same metrics and predictions in all 3 epochs. "
    f"{SAME}"
)
TWO = Space("two", "toy", [Axis("gamma", Grid([0, 1, 2])), Axis("width", Grid([8, 16]))], {"epochs": 3}, seeds=(0, 1))


def curve(*parts: object) -> list[float]:
    """Three accuracies that nothing else has."""
    return [int(key_of(*parts, epoch)[:6], 16) / 16**6 for epoch in range(3)]


def said(study: Study) -> list[str]:
    table = comparison_table(study.opened)
    assert [note for note in table.notes if note in table.unmoved] == list(table.unmoved)
    return list(table.unmoved)


def filled(study: Study, of: Callable[[Mapping[str, Any], int], object], **more: Any) -> Study:
    """A trial for every setting and seed; its curve is that of `of` its parameters and seed."""
    for number, parameters in enumerate(study.space.grid()):
        for seed in study.space.seeds:
            settings = {**parameters, "seed": seed}
            study.trial(parameters, seed, curve(of(parameters, seed)), configuration=number, settings=settings, **more)
    return study


def test_an_axis_that_nothing_reads(make):
    study = filled(make(), lambda parameters, seed: seed)
    assert said(study) == [GAMMA]


def test_it_stands_in_every_format(make):
    study = filled(make(), lambda parameters, seed: seed)
    table = comparison_table(study.opened)
    read = read_curves(study.opened)
    page = report_page(Comparison(read, table), conditions(read), None)
    for text in (table_markdown(table), table_json(table), page):
        assert "gamma changed no bit" in text


def test_an_axis_that_acts(make):
    assert said(filled(make(), lambda parameters, seed: (seed, parameters["gamma"]))) == []


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_a_last_bit_anywhere_is_a_difference(make, epoch):
    study = make(replace(GAMMAS, seeds=(0,)))
    values = curve("one")
    study.trial({"gamma": 0}, 0, values)
    study.trial({"gamma": 2}, 0, [*values[:epoch], math.nextafter(values[epoch], 2), *values[epoch + 1 :]])
    assert said(study) == []


def test_predictions_are_compared_as_well(make):
    study = make(replace(GAMMAS, seeds=(0,)))
    for gamma in (0, 2):
        study.trial({"gamma": gamma}, 0, curve("one"), predictions=True)  # the builder guesses by the trial's number
    assert said(study) == []


def test_one_of_two_axes_is_named_alone(make):
    study = filled(make(TWO), lambda parameters, seed: (seed, parameters["gamma"]))
    assert said(study) == [GAMMA.replace("gamma", "width")]


def test_both_of_two_axes(make):
    study = filled(make(TWO), lambda parameters, seed: seed)
    assert said(study) == [GAMMA, GAMMA.replace("gamma", "width")]


def test_two_values_of_an_axis_that_acts_elsewhere(make):
    study = filled(make(), lambda parameters, seed: (seed, parameters["gamma"] > 0))
    assert said(study) == [
        "No bit differs between settings that differ in gamma: gamma=0.5; gamma=2. Either the workload does not read "
        "what differs, or it means the same here: they are one training repeated."
    ]


def test_one_seed_that_differs_is_enough(make):
    study = filled(make(), lambda parameters, seed: (seed, parameters["gamma"] * (seed == 2)))
    assert said(study) == []


def test_many_groups_are_counted(make):
    space = replace(GAMMAS, axes=[Axis("gamma", Grid(list(range(20))))], seeds=(0,))
    study = filled(make(space), lambda parameters, seed: parameters["gamma"] % 10 if parameters["gamma"] < 18 else "x")
    found = said(study)
    assert len(found) == 4
    assert found[-1] == "No bit differs within 6 more groups of 12 settings."


def test_a_long_group_is_cut(make):
    space = replace(GAMMAS, axes=[Axis("gamma", Grid(list(range(9))))], seeds=(0,))
    study = filled(make(space), lambda parameters, seed: parameters["gamma"] == 0)
    assert "gamma=6; 2 more. Either" in said(study)[0]


def test_a_random_search_over_what_nothing_reads(make):
    """No two settings differ in one axis alone."""
    axes = [Axis("a", Float(0, 1)), Axis("b", Choice(["x", "y", "z"]))]
    study = make(Space("random", "toy", axes, {"epochs": 3}, seeds=(0,), search=Search("random", 3)))
    for place, value in enumerate("xyz"):
        study.trial({"a": place / 8, "b": value}, 0, curve("one"))
    (found,) = said(study)
    assert found.startswith("No bit differs between settings that differ in a and b: a=0, b=x; a=0.125, b=y; ")


def test_an_axis_that_is_not_read_beside_one_that_is_in_a_search(make):
    axes = [Axis("a", Choice([1, 2, 3])), Axis("b", Choice(["x", "y"]))]
    study = make(Space("random", "toy", axes, {"epochs": 3}, seeds=(0,), search=Search("random", 4)))
    for a, b in ((1, "x"), (2, "x"), (3, "y"), (1, "y")):
        study.trial({"a": a, "b": b}, 0, curve(b))
    assert said(study) == [GAMMA.replace("gamma", "a", 1)]


def test_thresholds_that_read_one_curve_are_the_same_run(make):
    axes = [Axis("stop.alpha", Grid([None, 3, 1]))]
    study = make(replace(GAMMAS, axes=axes, seeds=(0,)))
    for alpha in (None, 3, 1):
        study.trial({"stop.alpha": alpha}, 0, curve("one"), keys=[key_of("one", i) for i in range(3)])
    assert said(study) == []
    assert (
        "Same runs, by construction: stop.alpha=null; stop.alpha=3; stop.alpha=1."
        in comparison_table(study.opened).notes
    )


def test_thresholds_that_were_trained_apart_mean_the_same(make):
    """As without sharing: keys are salted with the trial."""
    study = make(replace(GAMMAS, axes=[Axis("stop.alpha", Grid([None, 3]))], seeds=(0, 1)))
    for alpha in (None, 3):
        for seed in (0, 1):
            settings = {"lr": 0.1, "seed": seed, "stop.alpha": alpha, "stop.rule": "generalisation_loss"}
            study.trial({"stop.alpha": alpha}, seed, curve(seed), settings=settings)
    assert said(study) == []
    expected = "Same settings to the workload, trained apart: stop.alpha=null; stop.alpha=3."
    assert expected in comparison_table(study.opened).notes


def test_synonyms_that_were_trained_apart_mean_the_same(make):
    study = make(replace(GAMMAS, axes=[Axis("loss", Grid(["cross_entropy", "focal with gamma 0"]))], seeds=(0,)))
    for loss in ("cross_entropy", "focal with gamma 0"):
        study.trial({"loss": loss}, 0, curve("one"), settings={"loss.gamma": 0.0, "seed": 0})
    assert said(study) == []
    expected = "Same settings to the workload, trained apart: loss=cross_entropy; loss=focal with gamma 0."
    assert expected in comparison_table(study.opened).notes


def test_many_groups_that_were_trained_apart_are_counted(make):
    study = make(replace(GAMMAS, axes=[Axis("gamma", Grid(list(range(10))))], seeds=(0,)))
    for gamma in range(10):
        study.trial({"gamma": gamma}, 0, curve(gamma % 5), settings={"really": gamma % 5, "seed": 0})
    notes = [note for note in comparison_table(study.opened).notes if "trained apart" in note.lower()]
    assert len(notes) == 4
    assert notes[-1] == "Trained apart as well: 2 more groups of 4 settings."


def test_a_prefix_that_is_shared_and_an_end_before_the_settings_part(make):
    study = make(replace(GAMMAS, seeds=(0,)))
    for gamma in (0, 2):
        keys = [*(key_of("both", epoch) for epoch in range(2)), key_of(gamma)]
        study.trial({"gamma": gamma}, 0, curve("one")[:2], State.STOPPED, keys=keys)
    assert said(study) == []


def test_settings_that_part_and_never_differ(make):
    """The keys agree in two epochs and part behind them, the rows do not."""
    study = make(replace(GAMMAS, seeds=(0,)))
    for gamma in (0, 2):
        study.trial({"gamma": gamma}, 0, curve("one"), keys=[*(key_of("both", i) for i in range(2)), key_of(gamma)])
    assert said(study) == [GAMMA]


def test_an_end_before_the_last_epoch_is_said(make):
    study = make(replace(GAMMAS, seeds=(0,)))
    for gamma in (0, 2):
        study.trial({"gamma": gamma}, 0, curve("one")[:2], State.STOPPED, epochs=10)
    assert said(study) == [
        "gamma changed no bit: settings that differ in it alone have the same metrics and predictions in all 2 epochs "
        f"that can be compared (what acts later was not tried). {SAME}"
    ]


def test_an_end_before_the_last_epoch_is_said_of_groups_too(make):
    study = make(replace(GAMMAS, seeds=(0,)))
    for gamma in (0, 0.5, 2):
        study.trial({"gamma": gamma}, 0, curve(gamma > 0)[:2], State.STOPPED, epochs=10)
    assert said(study) == [
        "No bit differs between settings that differ in gamma (what acts later was not tried): gamma=0.5; gamma=2. "
        "Either the workload does not read what differs, or it means the same here: they are one training repeated."
    ]


def test_of_a_pruned_run_the_epochs_that_it_has_count(make):
    study = make(replace(GAMMAS, seeds=(0,)))
    study.trial({"gamma": 0}, 0, curve("one")[:1], State.PRUNED, ended_by="rung 1")
    study.trial({"gamma": 2}, 0, curve("one"))
    one = "the one epoch that can be compared (what acts later was not tried)"
    assert said(study) == [GAMMA.replace("all 3 epochs", one)]


def test_the_longest_run_is_what_others_are_compared_with(make):
    """A pruned one is the beginning of both, which part behind it."""
    study = make(replace(GAMMAS, seeds=(0,)))
    values = curve("one")
    study.trial({"gamma": 0}, 0, values[:1], State.PRUNED, ended_by="rung 1")
    study.trial({"gamma": 0.5}, 0, [values[0], 0.25], State.PRUNED, ended_by="rung 2")
    study.trial({"gamma": 2}, 0, values)
    assert said(study) == []


@pytest.mark.parametrize("state", [State.FAILED, State.RUNNING, State.INTERRUPTED])
def test_what_failed_or_is_not_done_is_no_evidence(make, state):
    study = make(replace(GAMMAS, seeds=(0,)))
    study.trial({"gamma": 0}, 0, curve("one")[:1], state)
    study.trial({"gamma": 2}, 0, curve("one"))
    assert said(study) == []


def test_seeds_that_change_nothing(make):
    study = filled(make(), lambda parameters, seed: parameters["gamma"])
    assert said(study) == [
        "The seed changed no bit: runs of one setting under different seeds have the same metrics and predictions in "
        "all 3 epochs. Either the workload does not read its seed, or nothing in it is drawn at random. More seeds are "
        "one run repeated: no spread, interval or p value tells what a new run would do."
    ]


def test_what_has_no_epoch_says_nothing(make):
    study = make()
    for gamma in (0, 2):
        study.trial({"gamma": gamma}, 0, [], State.FAILED)
    assert said(study) == []


def test_an_axis_within_others_where_it_is_inactive(make):
    """`width` exists under gamma 2 alone, and is not read there."""
    study = make(replace(GAMMAS, axes=[*GAMMAS.axes, Axis("width", Grid([1, 2]))], seeds=(0,)))
    study.trial({"gamma": 0}, 0, curve(0))
    for width in (1, 2):
        study.trial({"gamma": 2, "width": width}, 0, curve(2))
    assert said(study) == [GAMMA.replace("gamma", "width", 1)]


def test_the_lines_are_told_by_their_places(make):
    study = filled(make(), lambda parameters, seed: (seed, parameters["gamma"] > 0))
    read = read_curves(study.opened)
    lines = [[curve for curve in read.curves if curve.trial.parameters["gamma"] == gamma] for gamma in (0, 0.5, 2)]
    found = unmoved(lines, study.space.axes)
    assert (dict(found.axes), list(found.groups), list(found.apart)) == ({}, [([1, 2], ["gamma"])], [])


def test_a_run_that_failed_early_hides_no_difference(make):
    study = make(replace(GAMMAS, seeds=(0,)))
    values = curve("one")
    study.trial({"gamma": 0}, 0, values[:1], State.FAILED)
    study.trial({"gamma": 1}, 0, values)
    study.trial({"gamma": 2}, 0, [values[0], *curve("other")[1:]])
    assert said(study) == []
