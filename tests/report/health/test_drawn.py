"""Drawn studies that are sound: the audit is silent where there is an effect, and speaks of noise alone where there is
none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search.ledger.ledger import Ledger
from search.report.health.examine import examine
from search.report.table.build import comparison_of
from search.space.model import Axis, Grid, Report
from tests.report.judging import SPACE, Bench, card

IMAGES, SEEDS = 300, 3
INSIDE, NONE = (0.0, 0.3, 0.6, 0.3, 0.0), (0.0,) * 5


def drawn(folder: Path, number: int, effects: Sequence[float]) -> list[str]:
    """Return what is found in a study whose images, runs and effects are drawn from normal distributions."""
    draws = np.random.default_rng([number, 5])
    values = list(range(1, len(effects) + 1))
    report = Report(rows="gamma", baseline=1, has_baseline=True)
    ledger = Ledger(str(folder / f"{number}.db"))
    bench = Bench(ledger, replace(SPACE, axes=[Axis("gamma", Grid(values))], report=report), card(IMAGES, IMAGES))
    ease = draws.normal(0.5, 1.2, (2, IMAGES))
    for gamma, effect in zip(values, effects, strict=True):
        for seed in range(SEEDS):
            luck = draws.normal(0, 0.08)
            val, test = ease + draws.normal(0, 0.7, (2, IMAGES)) + luck + effect > 0
            bench.run({"gamma": gamma}, seed, val, test, settings={"gamma": gamma, "seed": seed})
    findings = examine(comparison_of(bench.opened))
    ledger.close()
    return [finding.name for finding in findings]


def counts(folder: Path, studies: int, effects: Sequence[float]) -> Counter[str]:
    return Counter(name for number in range(studies) for name in drawn(folder, number, effects))


@pytest.mark.slow
def test_a_study_with_its_best_value_inside_has_no_finding(tmp_path: Path) -> None:
    assert counts(tmp_path, 10, INSIDE) == Counter()


@pytest.mark.slow
def test_a_study_without_an_effect_has_findings_on_noise_alone(tmp_path: Path) -> None:
    assert set(counts(tmp_path, 10, NONE)) == {"noise-above-effects"}


@pytest.mark.stress
def test_the_shares_that_the_page_of_findings_states(tmp_path: Path) -> None:
    for name in ("inside", "none"):
        (tmp_path / name).mkdir()
    assert counts(tmp_path / "inside", 100, INSIDE) == Counter()
    found = counts(tmp_path / "none", 200, NONE)
    assert set(found) == {"noise-above-effects"}
    page = (Path(__file__).parents[3] / "docs/reference/findings.md").read_text()
    assert f"in {found['noise-above-effects']} of 200 drawn grids" in " ".join(page.split())
