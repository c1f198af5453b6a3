"""Surroundings of the tests of adapters."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """`verify` forks this process, and a fork cannot go on with threads of its parent's."""
