"""The truth that tables are held against: every trial in a process of its own."""

from __future__ import annotations

import pytest

from search.core.prefix import fingerprint
from search.space.reader import space_from_mapping
from search.system.machine import fork_is_fresh
from search.workload import load_workload
from tests.proof.truth import truth

pytestmark = pytest.mark.skipif(not fork_is_fresh(0), reason="a fork is not fresh here, and anew each takes minutes")


@pytest.mark.parametrize("name", ["Right", "ModelCache", "DataInPlace"])
def test_no_trial_notices_another_one_even_where_a_process_keeps_something(name: str) -> None:
    workload = f"tests.proof.mistakes:{name}"
    plain = {"workload": workload, "fixed": {"epochs": 3}, "space": {"lr": {"grid": [0.01, 0.02]}}, "seeds": [4, 7]}
    rows = truth(space_from_mapping(plain, "toy"))
    assert list(rows) == [(fingerprint({"lr": lr}), seed) for lr in (0.01, 0.02) for seed in (4, 7)]
    backwards = {**plain, "space": {"lr": {"grid": [0.02, 0.01]}}, "seeds": [7, 4]}
    assert truth(space_from_mapping(backwards, "toy")) == rows
    assert load_workload(workload).settings["lr"]["epoch"]
