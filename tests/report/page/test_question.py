"""What a page says a study asks, and what it says was answered: never more than the table and the verdicts do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from search.core.shown import listed
from search.core.trial import State
from search.report.page.answer import answer
from search.report.page.question import question, setup
from search.space.model import Axis, Choice, Float, Grid, Objective, Search
from tests.report.builder import key_of
from tests.report.judging import SPACE, Bench, pattern
from tests.report.page.studies import levels, told

NO_BASELINE = {"has_baseline": False, "baseline": None}


def confirm_space(search, report):
    return replace(SPACE, name="s (confirm)", search=search, report=replace(SPACE.report, **report))


def answered(bench):
    return answer(*told(bench))


class TestQuestion:
    def test_one_axis_with_a_baseline(self, ledger):
        assert question(told(levels(ledger))[1]) == (
            "Does any of the other 2 values of gamma give a higher validation accuracy on toys than gamma=0, under 3 "
            "seeds each?"
        )

    def test_two_values_a_cost_and_a_label(self, ledger):
        space = replace(
            SPACE, axes=[Axis("gamma", Grid([0, 1]))], search=Search(objective=Objective("val_loss", "minimize"))
        )
        bench = levels(ledger, (20, 30), (0,), space, labels={"0": "0 (cross-entropy)"})
        assert question(told(bench)[1]) == (
            "Does the other value of gamma give a lower validation loss on toys than 0 (cross-entropy), under 1 "
            "seed each?"
        )

    def test_several_axes_without_a_baseline(self, ledger):
        axes = [Axis(name, Grid([0, 1])) for name in ("a", "b", "c", "d", "e")]
        bench = Bench(ledger, replace(SPACE, axes=axes, report=replace(SPACE.report, rows="a", **NO_BASELINE)))
        assert question(told(bench)[1]) == (
            "How does validation accuracy differ between 32 settings of a, b, c and 2 more, under 3 seeds each?"
        )

    def test_several_axes_with_a_baseline(self, ledger):
        axes = [Axis("gamma", Grid([0, 1])), Axis("b", Grid([0, 1]))]
        assert question(told(Bench(ledger, replace(SPACE, axes=axes)))[1]) == (
            "How does validation accuracy differ between 4 settings of gamma and b, each beside gamma=0, under 3 seeds "
            "each?"
        )

    def test_a_search_and_a_single_setting(self, ledger):
        axes = [Axis("lr", Float(0.1, 1.0)), Axis("act", Choice(["a", "b"]))]
        report = replace(SPACE.report, rows="", **NO_BASELINE)
        search = replace(SPACE, name="s", axes=axes, search=Search("tpe", trials=30), seeds=(0,), report=report)
        assert question(told(Bench(ledger, search))[1]) == (
            "Which values of lr and act give the highest validation accuracy, among 30 settings drawn by TPE, under 1 "
            "seed each?"
        )
        one = replace(SPACE, axes=[Axis("gamma", Grid([0]))], report=report)
        assert question(told(Bench(ledger, one))[1]) == "What validation accuracy does one setting reach under 3 seeds?"


class TestAnswer:
    def test_better_with_its_figures_and_what_is_left_open(self, ledger):
        assert answered(levels(ledger)) == (
            "Better than gamma=0: gamma=2 (+45 points, 95 % interval +29 to +61, adjusted p <0.001); test images say "
            "the same; about the other setting nothing can be decided."
        )

    def test_runs_that_did_not_learn_are_said(self, ledger):
        said = answered(levels(ledger, (2, 38, 38), (0, 1)))
        assert said.endswith("baseline both finished. 2 of 2 runs of gamma=0 did not learn.")

    def test_better_and_worse(self, ledger):
        said = answered(levels(ledger, (20, 2, 38)))
        assert said.startswith("Better than gamma=0: gamma=2 (+45 points")
        assert "; worse than gamma=0: gamma=1 (-44 points" in said
        assert "nothing" not in said

    def test_no_clear_difference_is_not_called_equal(self, ledger):
        assert answered(levels(ledger, (20, 20, 21))) == (
            "Nothing can be decided from 3 seeds per setting and 40 validation images: no difference is clear of "
            "chance (smallest adjusted p 0.437), which does not show that the settings are equal."
        )

    @pytest.mark.parametrize(
        ("seeds", "why"),
        [
            ((0,), "1 seed per setting and 40 validation images: a rerun may reverse any order."),
            (
                (0, 1),
                "2 seeds per setting and 40 validation images: a verdict needs 3 seeds that a setting and its "
                "baseline both finished.",
            ),
        ],
    )
    def test_few_seeds_decide_nothing_however_large_the_difference(self, ledger, seeds, why):
        assert answered(levels(ledger, (26, 38, 38), seeds)) == f"Nothing can be decided from {why}"

    def test_a_diverged_seed_keeps_a_setting_from_being_called_better_or_worse(self, ledger):
        bench = Bench(ledger)
        for a, share in enumerate((20, 2, 38)):
            for s in range(4):
                diverged = s == 3 and a > 0
                state = State.DIVERGED if diverged else State.FINISHED
                bench.space = replace(bench.space, seeds=(0, 1, 2, 3))
                bench.run({"gamma": a}, s, [i < share + (s + a) % 2 for i in range(40)], state=state)
        assert answered(bench).startswith("Nothing can be decided")

    def test_without_a_baseline_claims_answer(self, ledger):
        claims = ({"best": 2}, {"better": [1, 0]}, {"better": [0, 2]})
        assert answered(levels(ledger, claims=claims, **NO_BASELINE)) == (
            "Of what the file claims, “gamma=2 is the best” is supported; “gamma=0 is better than gamma=2” is "
            "contradicted; beyond that nothing can be decided from 3 seeds per setting and 40 validation images."
        )

    def test_what_runs_never_do_is_no_answer(self, ledger):
        claims = ({"never": {"diverges": True}}, {"best": 2})
        said = answered(levels(ledger, (20, 20, 20), claims=claims))
        assert said.startswith("Nothing can be decided from 3 seeds")
        assert said.endswith(
            ", which does not show that the settings are equal. Of what the file claims about runs, “never: "
            "diverges” is supported."
        )

    def test_a_claim_that_the_table_does_not_share_is_told_with_the_reason(self, ledger):
        """The table adjusts one and the same p over more comparisons: both are shown, and why they differ."""
        bench = levels(ledger, (20, 20, 24), claims=({"better": [2, 0]},))
        assert answered(bench) == (
            "Of what the file claims, “gamma=2 is better than gamma=0” is supported; beyond that nothing can be "
            "decided from 3 seeds per setting and 40 validation images. “gamma=2 is better than gamma=0” is "
            "supported, while the table calls the difference of gamma=2 not clear of chance: both rest on one test "
            "(p 0.034), which the table adjusts over 2 comparisons (p 0.068) and the claims over 1 (p 0.034)."
        )
        table, _ = told(bench)
        assert sum("both rest on one test (p 0.034)" in note for note in table.notes) == 1

    def test_the_table_may_be_clear_where_a_claim_is_not(self, ledger):
        claims = ({"better": [2, 0]}, {"better": [2, 1]}, {"better": [1, 0]}, {"better": [0, 1]})
        bench = levels(ledger, (20, 21, 25), claims=claims)
        table, read = told(bench)
        found, sentence = next(
            (claim, note) for claim in table.verdicts for note in table.notes if note.startswith(f"“{claim.text}")
        )
        assert (found.kind, "the difference of gamma=2 clear of chance" in sentence) == ("undecided", True)
        assert sentence in answer(table, read)

    def test_a_best_that_is_supported_without_an_adjustment(self, ledger):
        bench = levels(ledger, (20, 20, 24), claims=({"best": 2},))
        assert answered(bench).endswith(
            "“gamma=2 is the best” is supported, while not every difference to it is clear of chance in the table: "
            "that one is the best of all asks for each p at most 0.05 by itself, because all of them have to hold; the "
            "table adjusts them over 2 comparisons, because any of them may be said."
        )
        assert answered(bench).split(". ", 1)[1] in told(bench)[0].notes

    def test_what_a_claim_decides_is_not_left_open(self, ledger):
        """Claims are read before it is said about how many settings nothing can be decided."""
        claims = ({"better": [2, 0]}, {"better": [1, 0]})
        said = answered(levels(ledger, (2, 8, 38), claims=claims))
        assert "“gamma=1 is better than gamma=0” is supported" in said
        assert "nothing can be decided" not in said

    def test_what_is_equal_within_a_margin_is_not_left_open(self, ledger):
        equal = answered(levels(ledger, claims=({"equal": [1, 0], "within": 0.25},)))
        assert equal.startswith("Better than gamma=0: gamma=2 (")
        assert equal.endswith("; of what the file claims, “gamma=1 equals gamma=0 within 25 pt” is supported.")

    def test_that_one_is_not_the_best_says_nothing_of_the_others(self, ledger):
        said = answered(levels(ledger, claims=({"best": 0},)))
        assert said.endswith(
            "of what the file claims, “gamma=0 is the best” is contradicted; about the other setting nothing can be "
            "decided."
        )

    @pytest.mark.parametrize(
        ("val", "test", "said"),
        [
            ((20, 38), (20, 20), "; on test images none of this is clear of chance."),
            ((20, 38), (2, 28), "; test images say the same."),
            (
                (20, 20),
                (2, 28),
                "On test images, where validation images decide nothing, better than gamma=0: gamma=1 (+88 points, ",
            ),
            ((20, 38), (28, 2), "; the two contradict each other on gamma=1."),
        ],
    )
    def test_the_test_images_are_read_too(self, ledger, val, test, said):
        bench = Bench(ledger, replace(SPACE, axes=[Axis("gamma", Grid([0, 1]))]))
        for a in range(2):
            for s in range(3):
                right = (np.arange(n) < share[a] + (s + a) % 2 for n, share in ((40, val), (30, test)))
                bench.run({"gamma": a}, s, *right)
        assert said in answered(bench)

    def test_the_same_run_is_decided(self, ledger):
        """Its difference is exactly 0: nothing about it is open."""
        bench = Bench(ledger)
        for a in range(3):
            for s in range(3):
                keys = [key_of("shared", s, epoch) for epoch in (1, 2)] if a < 2 else None
                bench.run({"gamma": a}, s, np.arange(40) < (38 if a == 2 else 20) + s % 2, keys=keys)
        said = answered(bench)
        assert said.startswith("Better than gamma=0: gamma=2 (")
        assert said.endswith("; the same run as gamma=0: gamma=1.")
        alone = Bench(ledger, replace(SPACE, name="alone", axes=[Axis("gamma", Grid([0, 1]))]))
        for a in range(2):
            for s in range(3):
                keys = [key_of("one", s, epoch) for epoch in (1, 2)]
                alone.run({"gamma": a}, s, np.arange(40) < 20 + s, keys=keys)
        assert answered(alone) == (
            "Nothing can be decided from 3 seeds per setting and 40 validation images: all settings are the same run, "
            "and their difference is exactly 0."
        )

    def test_a_pruned_baseline_is_the_reason(self, ledger):
        bench = Bench(ledger)
        for a in range(3):
            for s in range(3):
                state = State.PRUNED if (a, s) == (0, 2) else State.FINISHED
                bench.run({"gamma": a}, s, pattern(a, s, 40), state=state)
        assert answered(bench) == (
            "Nothing can be decided from 2 to 3 seeds per setting and 40 validation images: a seed was pruned; a "
            "pruned setting can only be described, at an epoch all runs reached."
        )

    def test_what_is_clear_but_for_a_diverged_run_is_not_said_to_be_unclear(self, ledger):
        bench = Bench(ledger, replace(SPACE, seeds=(0, 1, 2, 3)))
        for a, share in enumerate((20, 38, 38)):
            for s in range(4):
                state = State.DIVERGED if s == 3 and a == 0 else State.FINISHED
                bench.run({"gamma": a}, s, np.arange(40) < share + (s + a) % 2, state=state)
        assert answered(bench).endswith(
            "what is clear of chance (smallest adjusted p <0.001) is so on the seeds that did not diverge alone, and a "
            "diverged run is an outcome."
        )

    def test_planned_looks_have_their_level(self, ledger):
        assert answered(levels(ledger, (20, 20, 25), looks=3)).endswith(
            "no difference is clear of chance (smallest adjusted p 0.036, level 0.0167 as several looks were planned), "
            "which does not show that the settings are equal."
        )

    def test_worse_than_a_baseline_that_diverged_is_not_said(self, ledger):
        bench = Bench(ledger, replace(SPACE, seeds=(0, 1, 2, 3)))
        for a, share in enumerate((38, 20, 20)):
            for s in range(4):
                state = State.DIVERGED if s == 3 and a == 0 else State.FINISHED
                bench.run({"gamma": a}, s, np.arange(40) < share + (s + a) % 2, state=state)
        assert answered(bench).startswith("Nothing can be decided")

    def test_tests_of_another_metric_than_the_objective_name_it(self, ledger):
        space = replace(SPACE, search=Search(objective=Objective("val_loss", "minimize")))
        bench = levels(ledger, space=space)
        assert answered(bench).startswith("In validation accuracy better than gamma=0: gamma=2 (")
        assert list(setup(*told(bench)))[-1] == (
            "Judged by validation loss after the last epoch; lower is better. Intervals and tests speak of validation "
            "accuracy, of which higher is better."
        )

    def test_without_both_nothing_is_decided(self, ledger):
        assert answered(levels(ledger, **NO_BASELINE)) == (
            "Nothing can be decided from 3 seeds per setting and 40 validation images: the file names no baseline to "
            "compare with."
        )

    def test_one_setting_and_none(self, ledger):
        one = replace(SPACE, axes=[Axis("gamma", Grid([0]))])
        assert answered(levels(ledger, (20,), space=one, **NO_BASELINE)).endswith(
            ": there is one setting, and nothing to compare it with."
        )
        assert answered(Bench(ledger, replace(SPACE, name="other"))) == (
            "Nothing can be decided: no run has finished yet."
        )

    @pytest.mark.parametrize(
        ("state", "why"),
        [
            (State.FAILED, "no run finished: 2 failed"),
            (State.DIVERGED, "no run finished: 2 diverged"),
            (State.INTERRUPTED, "no run has finished yet"),
        ],
    )
    def test_where_no_run_finished_it_says_whether_one_may(self, ledger, state, why):
        bench = Bench(ledger)
        for seed in range(2):
            bench.run({"gamma": 0}, seed, pattern(0, seed, 40), state=state)
        assert answered(bench) == f"Nothing can be decided: {why}."

    def test_no_predictions(self, focal):
        assert answered(focal) == (
            "Nothing can be decided from 3 seeds per setting: no difference can be judged, and the notes of the table "
            "say why."
        )

    def test_a_search_decides_nothing_about_what_it_chose(self, ledger):
        space = replace(SPACE, axes=[Axis("gamma", Float(0, 2))], search=Search("tpe", trials=3))
        assert answered(levels(ledger, space=space, **NO_BASELINE)) == (
            "Nothing can be decided from a search alone: it found gamma=2 best (95.8 %); that figure chose it, so it "
            "is optimistic; a confirm stage would run the best again under fresh seeds."
        )

    def test_a_search_half_way_says_so_far_and_names_all_that_are_best(self, ledger):
        space = replace(SPACE, axes=[Axis("gamma", Float(0, 2))], search=Search("tpe", trials=3))
        bench = levels(ledger, (20, 10, 20), space=space, **NO_BASELINE)
        assert answered(bench).startswith(
            "Nothing can be decided from a search alone: it found gamma=0 and gamma=2 equally best (50.8 %); that "
            "figure chose it"
        )
        bench.run({"gamma": 1.5}, 0, np.arange(40) < 20, state=State.INTERRUPTED, last=1)
        table, read = told(bench)
        assert table.incomplete == (
            "The study is not complete: 1 interrupted, 9 finished. 2 runs of these settings have not been started."
        )
        assert ": so far it found gamma=0 and gamma=2 equally best" in answer(table, read)

    def test_the_best_of_a_search_that_lacks_seeds_says_under_how_many(self, ledger):
        space = replace(SPACE, axes=[Axis("gamma", Float(0, 2))], search=Search("random", trials=1))
        bench = Bench(ledger, replace(space, report=replace(SPACE.report, **NO_BASELINE)))
        bench.run({"gamma": 1.0}, 0, np.arange(40) < 20)
        assert "so far it found gamma=1 best under 1 of 3 seeds (50.00 %)" in answered(bench)

    def test_a_confirm_stage_is_judged_on_test(self, ledger):
        """Validation chose its settings: what it shows there is no answer."""
        bench = Bench(ledger, replace(SPACE, name="s (confirm)"))
        for a in range(3):
            for s in range(3):
                bench.run({"gamma": a}, s, [i < 20 + 9 * a + s % 2 for i in range(40)], pattern(0, s, 30))
        table, read = told(bench)
        assert max(line.judged.p_adjusted for line in table.lines[1:]) < 0.01
        assert answer(table, read).startswith("Nothing can be decided from 3 seeds per setting and 30 test images: ")
        assert "test accuracy on toys" in question(read)
        assert list(setup(table, read))[-1] == (
            "The candidates are what a search found best, run again under seeds it had not seen, and judged on test "
            "images, which chose none of them."
        )

    @pytest.mark.parametrize(
        ("values", "report", "asked"),
        [
            (
                3,
                {},
                "Does any of 2 settings that a search found best give a higher test accuracy on toys than its baseline",
            ),
            (
                3,
                NO_BASELINE,
                "How does test accuracy on toys differ between 3 settings that a search found best, under 3",
            ),
            (1, NO_BASELINE, "What test accuracy on toys does one setting reach under 3"),
        ],
    )
    def test_a_confirm_stage_asks_for_what_the_test_images_decide(self, ledger, values, report, asked):
        """Of accuracy more is better, whatever the search minimised."""
        space = confirm_space(Search("grid", objective=Objective("val_loss", "minimize")), report)
        bench = Bench(ledger, replace(space, axes=[Axis("gamma", Grid([*range(values)]))]))
        bench.run({"gamma": 0}, 0, np.arange(40) < 20, np.arange(30) < 20)
        assert question(told(bench)[1]).startswith(asked)

    def test_a_confirm_stage_of_several_objectives_names_what_it_compares(self, ledger):
        aims = (Objective("val_accuracy"), Objective("val_loss", "minimize"))
        bench = Bench(ledger, confirm_space(Search("grid", objective=aims[0], further=aims[1:]), {}))
        bench.run({"gamma": 0}, 0, np.arange(40) < 20, np.arange(30) < 20)
        assert question(told(bench)[1]) == (
            "Which of 2 settings that a search found best, and its baseline, are on the front of high test accuracy "
            "and low validation loss on toys, under 3 seeds each?"
        )

    def test_a_confirm_stage_without_test_images(self, ledger):
        """However clear its differences are on the validation images that chose its settings."""
        bench = Bench(ledger, replace(SPACE, name="s (confirm)"))
        for a in range(3):
            for s in range(3):
                bench.run({"gamma": a}, s, [i < 20 + 9 * a + s % 2 for i in range(40)])
        table, read = told(bench)
        assert max(line.judged.p_adjusted for line in table.lines[1:]) < 0.01
        assert answer(table, read) == (
            "Nothing can be decided: the validation images chose these settings, and there are no test images."
        )
        assert "validation accuracy on toys" in question(read)
        assert list(setup(table, read))[-1] == (
            "The candidates are what a search found best, run again under seeds it had not seen; there are no test "
            "images."
        )


def test_setup_of_what_is_not_there_yet(ledger):
    bench = Bench(ledger)
    bench.run({"gamma": 0}, 0, pattern(0, 0, 40))
    assert next(setup(*told(bench))).startswith("1 setting, each to be trained under 3 seeds (0, 1 and 2) for 2 epochs")


def test_setup_says_what_was_done(ledger):
    assert list(setup(*told(levels(ledger)))) == [
        "3 settings, each trained under 3 seeds (0, 1 and 2) for 2 epochs at most. A seed decides everything random in "
        "a run: initial weights, the order of the images, augmentations.",
        "Judged by validation accuracy after the last epoch; higher is better.",
    ]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (list("abcd"), "a, b, c and d"),
        (list("abcde"), "a, b, c and 2 more"),
    ],
)
def test_lists(names, text):
    assert listed(names) == text
