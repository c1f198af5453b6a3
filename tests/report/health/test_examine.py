"""The audit as a whole: silent on sound studies, flaws first, and a section of the page."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search import api
from search.core.trial import ACROSS_SPLITS
from search.report.health.examine import examine
from search.report.table.build import Comparison
from tests.reference_page import copied
from tests.report.health.doctored import compared, names
from tests.report.judging import Bench, card
from tests.report.page.studies import Page, page_of

EXPECTED = {
    "activation": [],
    "augmentation": [],
    "decay": [],
    "early_stop": ["stop-costs-winner"],
    "focal": [],
    "milestones": ["noise-above-effects"],
    "models": ["noise-above-effects"],
}
"""What is found in studies that were run on real flowers."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory.mktemp("reference"))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_what_is_found_in_studies_that_were_run(reference, name):
    assert names(api.open_study(name, results=reference).findings()) == EXPECTED[name]


def overlapping(ledger):
    """A study whose splits overlap, and whose best value stands at the edge."""
    note = f"1 pair of identical images {ACROSS_SPLITS}: <b>.png"
    bench = Bench(ledger, data=replace(card(), notes=[note]))
    for gamma, share in enumerate((10, 20, 38)):
        for seed in range(3):
            right = np.random.default_rng([gamma, seed]).permutation(40) < share + (seed + gamma) % 2
            bench.run({"gamma": gamma}, seed, right, right[:30])
    return bench


def test_flaws_come_first(ledger):
    findings = examine(compared(overlapping(ledger)))
    assert names(findings) == ["splits-overlap", "best-at-edge"]
    assert [finding.severity for finding in findings] == ["flaw", "note"]


def test_the_page_has_a_section_of_them_and_a_sound_study_has_none(ledger):
    page = Page(page_of(overlapping(ledger)))
    assert (2, "findings", "Findings") in page.headings
    assert "Data toys: 1 pair of identical images across splits: <b>.png." in page.text
    assert "Remedy: Add values of gamma above 2" in page.text
    assert re.search(r"Audit\s+1 flaw, 1 note\.\s+What was found", page.text)


def test_the_page_of_a_sound_study_has_no_such_section(ledger):
    page = Page(page_of(Bench(ledger).grid()))
    assert "Findings" not in [words for _, _, words in page.headings]


def test_of_runs_that_were_trained_elsewhere_nothing_is_said(ledger):
    read, table = compared(overlapping(ledger))
    assert examine(Comparison(read, replace(table, outside=True))) == []


def test_an_empty_study(ledger):
    assert examine(compared(Bench(ledger))) == []
