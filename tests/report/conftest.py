"""Ledgers and studies to report on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from search.ledger.ledger import Ledger
from tests.report.builder import GAMMAS, Study, full


@pytest.fixture
def ledger(tmp_path: Path) -> Iterable[Ledger]:
    opened = Ledger(str(tmp_path / "db" / "search.db"))
    yield opened
    opened.close()


@pytest.fixture
def make(ledger: Ledger) -> Callable[..., Study]:
    return lambda space=GAMMAS, **more: Study(ledger, space, **more)


@pytest.fixture
def focal(make: Callable[..., Study]) -> Study:
    """Three settings under three seeds, all finished, with figures that do not round well."""
    study = make()
    for configuration, gamma in enumerate([0, 0.5, 2]):
        for seed in range(3):
            last = (74 + 3 * configuration + 2 * seed * seed) / 137
            curve = [last - 0.1, last + 0.01, last]
            study.trial({"gamma": gamma}, seed, curve, configuration=configuration, metrics=full)
    return study
