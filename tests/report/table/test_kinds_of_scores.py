"""Tables of other people's kinds: several metrics from one set of scores, groups of examples, ratios, single runs."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search.core.scores import ScoreRule
from search.core.trial import DataCard, Row, State, Trial
from search.ledger.ledger import Ledger
from search.report.formats import render
from search.report.results import write_results
from search.report.table.build import comparison_table
from search.report.table.model import Table
from search.space.model import CONFIRM_SUFFIX, Axis, Grid, Objective, Report, Search, Space
from search.study.opened import OpenStudy
from tests.report.builder import key_of

WORDS = {"example": "document", "examples": "documents"}
NLL = ScoreRule("val", "nll", low=0.0, unit="nats", **WORDS)
PERPLEXITY = ScoreRule("val", "nll", form="exp_mean", low=0.0, untrained=4.0, **WORDS)


def language_model(metric: str = "val_perplexity", seeds: Sequence[int] = (0, 1, 2), **report: object) -> Space:
    return Space(
        "prose",
        "toy",
        [Axis("context", Grid([1, 2, 3]))],
        {"epochs": 1},
        "Prose",
        tuple(seeds),
        search=Search(objective=Objective(metric, "minimize")),
        report=Report(rows="context", baseline=1, has_baseline=True, **report),
    )


def nll(context: int, seed: int, n: int = 40) -> np.ndarray:
    """Log-likelihoods of documents: context 3 is better than the others."""
    own = np.random.default_rng([context, seed]).normal(0, 0.03, n)
    return np.random.default_rng(5).gamma(8, 0.25, n) * (1.0, 1.0, 0.8)[context - 1] + own + 0.2


def study(
    ledger: Ledger,
    space: Space,
    rules: Mapping[str, ScoreRule],
    scores: Callable[[int, int], np.ndarray] = nll,
    groups: Sequence[str] = (),
    diverged: Sequence[tuple[int, int]] = (),
) -> OpenStudy:
    """Record a run of each setting and seed whose metrics all come from the same scores."""
    ledger.create_study(space.name, space.name, 1, "", "id", space.workload)
    ledger.put_data(DataCard("shelf", "books", groups={"val": groups} if groups else {}))
    record = ledger.study(space.name)
    begun = ledger.begin_run(record.id, {})
    pairs = [(context, seed) for context in (1, 2, 3) for seed in space.seeds]
    with ledger.step(record.id) as step:
        for number, (context, seed) in enumerate(pairs):
            lost = (context, seed) in diverged
            given = np.full(4, np.nan) if lost else scores(context, seed)
            state = State.DIVERGED if lost else State.FINISHED
            parameters = {"context": context}
            key = key_of(space.name, context, seed)
            step.add_trial(Trial(number, number, seed, parameters, parameters, 1, state, "", 1), [key], "shelf")
            metrics = {name: rule.metric(given) for name, rule in rules.items()}
            step.put_row(key, 1, Row(metrics, {}, {"val": {"nll": given}}, rules), 0.5, begun)
    return OpenStudy(ledger, record, space)


def told(table: Table) -> str:
    return "\n".join([render.table_markdown(table), *table.notes, *(claim.text for claim in table.verdicts)])


@pytest.mark.parametrize("order", [("val_nll", "val_perplexity"), ("val_perplexity", "val_nll")])
@pytest.mark.parametrize("objective", ["val_nll", "val_perplexity"])
def test_several_metrics_may_come_from_the_same_scores(ledger, order, objective):
    rules = {name: {"val_nll": NLL, "val_perplexity": PERPLEXITY}[name] for name in order}
    table = comparison_table(study(ledger, language_model(objective), rules))
    assert table.judged == objective
    assert [line.judged.known for line in table.lines] == [True, True, True]
    assert table.lines[2].judged.better


def test_a_margin_of_perplexities_is_read_as_a_ratio(ledger):
    claims = ({"better": [3, 1], "by": 0.1}, {"better": [1, 3]}, {"equal": [1, 2], "within": 0.2})
    table = comparison_table(study(ledger, language_model(claims=claims), {"val_perplexity": PERPLEXITY}))
    first, second, third = table.verdicts
    assert first.text == "context=3 is better than context=1 by at least 0.1 in log (a factor of 1.11)"
    assert first.reason == "the interval lies below -0.1 in log (a factor of 0.905)"
    more = second.evidence["estimate"]
    assert second.reason == f"worse: {more:+.3g} in log (a factor of {math.exp(more):.3g})"
    assert more > 0.3
    assert third.text == "context=1 equals context=2 within 0.2 in log (a factor of 1.22)"


def test_what_intervals_count_is_named_where_examples_stand_in_groups(ledger):
    """Forty documents of twenty authors are twenty groups, in every sentence that has their number beside it."""
    claims = ({"better": [2, 1]}, {"equal": [1, 2], "within": 0.001})
    space = language_model("val_nll", claims=claims, margin=0.001)
    authors = [f"author {i // 2}" for i in range(40)]
    table = comparison_table(study(ledger, space, {"val_nll": NLL}, groups=authors))
    text = told(table) + " ".join(claim.reason for claim in table.verdicts)
    assert "for a new run judged on new groups of documents of the same kind; same training documents" in text
    assert "3 seeds, 20 groups of documents" in text
    assert "Validation documents that belong together count as one: 20 groups (40 documents; effective 20.0)." in text
    assert "% of groups of documents" in text
    counted = re.findall(r"20 (?:groups of )?documents", text)
    assert counted
    assert set(counted) == {"20 groups of documents"}


def test_groups_of_one_are_examples(ledger):
    own = [f"author {i}" for i in range(40)]
    table = comparison_table(study(ledger, language_model("val_nll"), {"val_nll": NLL}, groups=own))
    assert "3 seeds, 40 documents" in told(table)


def test_a_root_of_scores_without_a_declared_range_has_an_interval(ledger):
    rule = replace(NLL, form="root_mean", low=None)
    table = comparison_table(study(ledger, language_model("val_nll"), {"val_nll": rule}))
    assert [line.judged.interval is not None for line in table.lines] == [True, True, True]
    assert table.measure.low == 0


@pytest.mark.parametrize("size", [1e120, 1e300])
def test_scores_too_large_to_be_squared_leave_their_setting_without_an_interval(ledger, size):
    table = comparison_table(
        study(ledger, language_model("val_nll"), {"val_nll": NLL}, lambda a, s: nll(a, s) * (size if a == 2 else 1))
    )
    assert [line.judged.interval is not None for line in table.lines] == [True, False, True]
    assert "1 setting has no interval: scores that val_nll comes from are larger than 1e+100." in table.notes


def test_a_file_that_wants_more_of_what_should_be_less_is_told(ledger):
    space = language_model("val_nll")
    assert not comparison_table(study(ledger, space, {"val_nll": NLL})).distrusted
    fixed = {**space.fixed, "stop.rule": "patience", "stop.metric": "val_nll", "stop.direction": "maximize"}
    upward = replace(space, name="up", fixed=fixed, search=Search(objective=Objective("val_nll", "maximize")))
    first, second = comparison_table(study(ledger, upward, {"val_nll": NLL})).distrusted
    assert first == (
        "search.objective.direction is maximize, but rows say that lower values of val_nll are better: the search, "
        "pruning and the order went by the file, intervals and claims go by the rows. Write minimize there, or "
        "`better: higher` in score_rules."
    )
    assert second.startswith("stop.direction is maximize, but rows say that lower values of val_nll are better")


@pytest.mark.parametrize("name", ["hunt", f"hunt{CONFIRM_SUFFIX}"])
def test_a_search_and_its_confirm_stage_speak_of_documents(ledger, tmp_path, name):
    """Nothing of a search is judged, and yet its examples have a name."""
    space = replace(language_model("val_nll"), name=name)
    if name == "hunt":
        space = replace(space, search=Search("random", trials=3, objective=Objective("val_nll", "minimize")))
    opened = study(ledger, space, {"val_nll": NLL})
    table = comparison_table(opened)
    chosen = "A search chose these settings on the validation documents" if table.confirms else "on the documents that"
    assert any(chosen in f"{note.text} {note.short}" for note in table.footnotes)
    assert wrong_words(opened, tmp_path) == []


@pytest.mark.parametrize("right", [False, True])
def test_single_runs_are_judged_on_what_examples_are_called(ledger, tmp_path, right):
    rule = replace(NLL, better="higher", high=1.0, unit="") if right else NLL
    opened = study(
        ledger,
        language_model("val_nll", [0]),
        {"val_nll": rule},
        (lambda a, s: (nll(a, s) > 1.5).astype(float)) if right else nll,
    )
    table = comparison_table(opened)
    assert "[95 %: this run, new documents]" in render.table_markdown(table).replace("\\", "")
    method = (
        "the 95 % interval (differences: Bonett and Price) and the p value (exact McNemar)"
        if right
        else "the 95 % interval and the p value (t over documents, of differences paired)"
    )
    assert any(f"One seed: {method} are for this very run on new documents" in note for note in table.notes)
    assert render.table_frame(table)["val_nll_state"].tolist()[1:] == ["this run, new documents"] * 2
    assert wrong_words(opened, tmp_path) == []


def wrong_words(opened: OpenStudy, folder: Path) -> list[str]:
    """Return what results say of images and points."""
    found = []
    for path in write_results(opened, folder):
        plain = re.sub(r"(?s)<script.*?</script>|<style.*?</style>|<[^>]*>", " ", path.read_text())
        if path.suffix != ".json":
            found += re.findall(r"[^.;\n]*\b(?:images?|points|pt|accuracy)\b[^.;\n]*", plain)
    return found
