"""`verify` and scripts: what a look at their locals cannot see is named, and what is right holds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from search.proof.finding import Finding, Result
from search.proof.verify import verify
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.system.machine import fork_is_fresh
from tests.adapters.mistakes import MISTAKES
from tests.proof.small import Small

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not fork_is_fresh(0), reason="a fork is not fresh here, and anew each takes minutes"),
]


@pytest.fixture(scope="module")
def small() -> Iterator[Small]:
    """Leaves out the case that starts an interpreter, which takes longer than all others."""
    with Small() as made:
        made.interpreters = False
        yield made


class _Told(Exception):
    """What was looked for is found; the cases behind it need not be tried."""


def finding_of(space: Space, case: str) -> Finding:
    """Return what `verify` finds in a case, without trying those behind it."""
    findings = []

    def look(finding: Finding) -> None:
        findings.append(finding)
        if finding.case == case:
            raise _Told

    with contextlib.suppress(_Told):
        verify(space, found=look)
    return findings[-1]


def space_of(workload: str) -> Space:
    content = {
        "workload": workload,
        "fixed": {"epochs": 3},
        "space": {"lr": {"grid": [0.05, {1: 0.05, 3: 0.02}]}},
        "search": {"objective": {"metric": "val_loss", "direction": "minimize"}},
    }
    return space_from_mapping(content, "scripts")


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_that_no_local_shows_is_named(name: str, small: Small) -> None:
    case, cause = MISTAKES[name]
    finding = small.call(finding_of, space_of(f"tests.adapters.mistakes:{name}"), case)
    assert (finding.case, finding.result) == (case, Result.NOT_HELD)
    assert cause in finding.cause


def test_the_example_holds(small: Small) -> None:
    verified = small.call(verify, space_of("examples.digits_torch:main"))
    assert verified.broken == []
    assert len([finding for finding in verified.findings if finding.result == Result.HELD]) >= 12


def test_a_fixed_setting_that_the_loop_alone_reads_is_named_with_what_it_costs(small: Small) -> None:
    """With `drop` 1 and 2 the first epoch is the same: one of six is trained too often."""
    space = {
        "workload": "tests.adapters.mistakes:read_in_the_loop",
        "fixed": {"epochs": 3, "lr": 0.05},
        "space": {"drop": {"grid": [1, 2]}, "hidden": {"grid": [3, 4]}},
        "search": {"objective": {"metric": "val_loss", "direction": "minimize"}},
    }
    verified = small.call(verify, space_from_mapping(space, "scripts"))
    assert verified.broken == []
    (named,) = [finding for finding in verified.findings if finding.result == Result.NAMED]
    assert named.case == "drop: fixed, though it is read only inside the loop"
    assert named.note == "declared per epoch, it would save 2 of the plan's 12 epochs"
