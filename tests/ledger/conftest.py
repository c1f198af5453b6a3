"""A ledger, a study in it and a run of that, wherever a test says with `storage` that it lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from search.ledger.ledger import Ledger
from tests.ledger.test_ledger import study_of


@pytest.fixture
def ledger(storage: str, tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(storage, tmp_path / "states")
    yield ledger
    ledger.close()


@pytest.fixture
def study(ledger: Ledger) -> int:
    return study_of(ledger)


@pytest.fixture
def run(ledger: Ledger, study: int) -> int:
    return ledger.begin_run(study, {"commit": "abc"})
