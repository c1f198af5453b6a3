"""The headline and its facts: never more than the answer says in full."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from search.core.trial import State
from search.report.page.answer import answer
from search.report.page.headline import facts, headline
from search.report.table.build import comparison_of
from search.report.table.confirmed import outcomes
from search.space.model import Axis, Confirm, Float, Grid, Objective, Search
from search.study.confirm import AXIS
from tests.report.judging import SPACE, Bench
from tests.report.page.studies import levels

NO_BASELINE = {"has_baseline": False, "baseline": None}


def said(bench, confirmed=None):
    return headline(comparison_of(bench.opened), confirmed)


def terms(bench, confirmed=None):
    return dict(facts(comparison_of(bench.opened), confirmed))


class TestGrid:
    def test_better_and_worse_are_named(self, ledger):
        bench = levels(ledger, (20, 2, 38))
        assert said(bench) == "gamma=2 is better than gamma=0, gamma=1 is worse."
        found = terms(bench)
        assert list(found) == ["gamma=2", "gamma=1", "Test images", "Rests on"]
        assert found["gamma=2"].startswith("better: +45 points, 95 % interval +29 to +61, adjusted p <0.001")
        assert found["Test images"] == "say the same"
        assert found["Rests on"] == "3 seeds per setting and 40 validation images"

    def test_many_are_counted(self, ledger):
        space = replace(SPACE, axes=[Axis("gamma", Grid([0, 1, 2, 3]))])
        bench = levels(ledger, (38, 2, 3, 4), space=space)
        assert said(bench) == "3 settings are worse than gamma=0."

    def test_nothing_clear_of_chance_is_not_called_equal(self, ledger):
        bench = levels(ledger, (20, 20, 21))
        assert said(bench) == "Nothing can be decided: no difference is clear of chance."
        assert terms(bench)["Smallest adjusted p"] == "0.437; a difference is clear of chance at 0.05"

    def test_the_objective_answers_before_the_accuracy_that_says_otherwise(self, ledger):
        """Half the loss, and fewer images right: the question asks for the loss."""
        bench = Bench(ledger, replace(SPACE, search=Search(objective=Objective("val_loss", "minimize"))))
        for a in (0, 1, 2):
            for s in (0, 1, 2):
                own = np.random.default_rng([a, s]).gamma(2, 1, 40) * 0.05
                loss = np.random.default_rng(1).gamma(2, 1, 40) * (1.0, 0.5, 0.5)[a] + own
                bench.run({"gamma": a}, s, np.arange(40) < (30, 30, 8)[a] + (s + a) % 2, losses=loss)
        assert said(bench) == (
            "gamma=1 and gamma=2 are better than gamma=0 in validation loss; gamma=2 is worse than gamma=0 in "
            "validation accuracy."
        )
        found = list(facts(comparison_of(bench.opened), None))
        assert [fact.term for fact in found] == ["gamma=1", "gamma=2", "gamma=2", "Rests on"]
        assert found[0].said.startswith("better in validation loss: -")
        assert found[2].said.startswith("worse in validation accuracy: -")
        compared = comparison_of(bench.opened)
        full = answer(compared.table, compared.read)
        assert full.startswith("In validation loss better than gamma=0: gamma=1 (-")
        assert "; in validation accuracy worse than gamma=0: gamma=2 (-" in full
        assert "nothing can be decided" not in full

    def test_few_seeds_decide_nothing_however_large_the_difference(self, ledger):
        assert said(levels(ledger, (2, 38, 38), (0,))) == "Nothing can be decided: a rerun may reverse any order."

    def test_what_only_test_images_show(self, ledger):
        bench = Bench(ledger, replace(SPACE, axes=[Axis("gamma", Grid([0, 1]))]))
        for a in range(2):
            for s in range(3):
                right = (np.arange(n) < share[a] + (s + a) % 2 for n, share in ((40, (20, 20)), (30, (2, 28))))
                bench.run({"gamma": a}, s, *right)
        decided = "On test images, where validation images decide nothing, gamma=1 is better than gamma=0."
        assert said(bench) == decided

    def test_claims_without_a_baseline(self, ledger):
        claims = ({"best": 2}, {"better": [1, 0]}, {"better": [0, 2]})
        bench = levels(ledger, claims=claims, **NO_BASELINE)
        assert said(bench) == "Of 3 claims of the file, 1 supported and 1 contradicted; nothing else is decided."

    def test_nothing_finished(self, ledger):
        bench = Bench(ledger)
        assert said(bench) == "Nothing can be decided: no run has finished yet."
        assert terms(bench) == {}
        bench.run({"gamma": 0}, 0, [True] * 40, state=State.FAILED)
        assert said(bench).startswith("Nothing can be decided: no run ")

    @pytest.mark.parametrize("shares", [(20, 2, 38), (20, 20, 38), (20, 20, 21), (38, 20, 20)])
    def test_it_decides_where_the_answer_does(self, ledger, shares):
        bench = levels(ledger, shares)
        full = answer(*reversed(comparison_of(bench.opened)))
        assert said(bench).startswith("Nothing") == full.startswith("Nothing")
        assert (" better" in said(bench)) == ("etter than" in full)
        assert ("worse" in said(bench)) == ("orse than" in full)


class TestSearch:
    space = replace(
        SPACE, name="s", axes=[Axis("gamma", Float(0, 2))], search=Search("random", 3, confirm=Confirm(1, 3))
    )

    @staticmethod
    def stage(ledger, shares):
        """A confirm stage of the search's best setting beside a baseline."""
        options = {"baseline": {"gamma": 9.0}, "best 1": {"gamma": 2.0}}
        report = replace(SPACE.report, rows=AXIS, baseline="baseline")
        space = replace(SPACE, name="s (confirm)", axes=[Axis(AXIS, Grid(list(options), options))], report=report)
        bench = Bench(ledger, space)
        for name, share in zip(options, shares, strict=True):
            for s in range(3):
                right = np.arange(40) < share + s % 2
                bench.run({AXIS: name}, s, right, right[:30], settings={"gamma": options[name]["gamma"], "seed": 7 + s})
        return bench

    def search(self, ledger, shares=(20, 20, 38)):
        bench = Bench(ledger, replace(self.space, report=replace(SPACE.report, **NO_BASELINE)))
        for a, share in enumerate(shares):
            for s in range(3):
                right = np.arange(40) < share + s % 2
                bench.run({"gamma": float(a)}, s, right, right[:30], settings={"gamma": float(a), "seed": s})
        return bench

    def test_the_best_found_is_optimistic(self, ledger):
        bench = self.search(ledger)
        assert said(bench) == "gamma=2 is the best found, by the very figure that chose it; no confirm stage was run."
        assert terms(bench)["Best found"].endswith(", the best of 3, so optimistic")

    @pytest.mark.parametrize(
        ("shares", "decided", "kind"),
        [
            ((10, 29), "Under fresh seeds, on test images, best 1 is better than the baseline.", "better"),
            ((29, 10), "Under fresh seeds, on test images, best 1 is worse than the baseline.", "worse"),
            ((20, 20), "gamma=2 is the best found; under fresh seeds nothing is decided.", "undecided"),
        ],
    )
    def test_its_confirm_stage_decides(self, ledger, shares, decided, kind):
        bench, stage = self.search(ledger), self.stage(ledger, shares)
        confirmed = comparison_of(stage.opened)
        assert said(bench, confirmed) == decided
        assert any(term == "gamma=2, again" for term in terms(bench, confirmed))
        (outcome,) = outcomes(comparison_of(bench.opened).read, *confirmed).values()
        assert (outcome.name, outcome.kind) == ("best 1", kind)

    def test_a_confirm_stage_that_has_not_begun(self, ledger):
        bench = self.search(ledger)
        stage = Bench(ledger, replace(SPACE, name="s (confirm)"))
        assert said(bench, comparison_of(stage.opened)).endswith("; its confirm stage has not finished.")
