"""What programs are told may be concluded: nothing that the table does not say, and all that speaks against it."""

from __future__ import annotations

from dataclasses import replace

from search.report.page.conclusions import CONTRADICTED, NO_CLAIMS, SCOPE, UNDECIDED, conclusions
from search.report.page.headline import headline
from search.report.table.build import comparison_of
from search.report.table.judged_text import claim_note
from tests.report.judging import SPACE, Bench, pattern
from tests.report.page.studies import levels


def claiming(*claims):
    return replace(SPACE, report=replace(SPACE.report, claims=list(claims)))


def test_each_claim_stands_with_its_verdict_where_it_belongs(ledger):
    bench = levels(ledger, (20, 2, 21), space=claiming({"better": [0, 1]}, {"better": [1, 0]}, {"better": [2, 0]}))
    compared = comparison_of(bench.opened)
    found = conclusions(compared)
    supported, contradicted, undecided = map(claim_note, compared.table.verdicts)
    assert [claim["verdict"] for claim in found["claims"]] == ["supported", "contradicted", "undecided"]
    assert found["may_be_concluded"] == [supported, contradicted]
    assert undecided in found["may_not_be_concluded"]
    for sentence in (UNDECIDED, CONTRADICTED, SCOPE):
        assert f"{sentence}." in found["may_not_be_concluded"]
    assert f"{NO_CLAIMS}." not in found["may_not_be_concluded"]
    assert all(sentence in found["cite"] for sentence in (supported, contradicted, undecided))
    assert "3 seeds per setting and 40 validation images" in found["cite"]
    assert found["cite"].startswith("Study “judged” (on "), found["cite"]
    assert found["complete"]


def test_without_claims_the_answer_of_the_page_is_all_there_is(ledger):
    compared = comparison_of(levels(ledger, (20, 2, 38)).opened)
    found = conclusions(compared)
    assert found["may_be_concluded"] == [headline(compared, None)] == [found["answer"]]
    assert found["answer"] in found["cite"]
    assert f"{NO_CLAIMS}." in found["may_not_be_concluded"]


def test_what_is_missing_is_said_first_and_in_the_citation(ledger):
    bench = levels(ledger, (20, 2, 21), space=claiming({"better": [0, 1]}))
    bench.space = replace(bench.space, seeds=(0, 1, 2, 3, 4))
    found = conclusions(comparison_of(bench.opened))
    assert not found["complete"]
    assert found["may_not_be_concluded"][0].startswith("The study is not complete: ")
    assert found["cite"].endswith(" The study is not complete.")


def test_what_changed_no_bit_is_said_once_and_counts_as_a_flaw(ledger):
    bench = Bench(ledger)
    for gamma in (0, 1, 2):
        for seed in (0, 1, 2):
            settings = {"gamma": gamma, "seed": seed}
            bench.run({"gamma": gamma}, seed, pattern(0, seed, 40), pattern(0, seed, 30), settings=settings)
    found = conclusions(comparison_of(bench.opened))
    told = [sentence for sentence in found["may_not_be_concluded"] if "gamma changed no bit" in sentence]
    assert len(told) == 1
    assert "The audit finds 1 flaw, which the citation must name." in found["cite"]


def test_one_seed_carries_the_banner_of_its_table(ledger):
    compared = comparison_of(levels(ledger, (20, 2, 21), (0,), space=claiming({"better": [0, 1]})).opened)
    found = conclusions(compared)
    assert compared.table.banner
    assert compared.table.banner in found["may_not_be_concluded"]
    assert found["may_be_concluded"] == [found["answer"]]
    assert found["answer"].startswith("Nothing can be decided")
