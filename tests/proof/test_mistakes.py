"""`verify` names ordinary mistakes, with the cause, and passes what is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.proof import cases
from search.proof.finding import Finding, Result, Verified
from search.proof.fresh import fork_is_fresh
from search.proof.verify import verify
from search.space.reader import space_from_mapping
from tests.proof import mistakes

pytestmark = pytest.mark.skipif(not fork_is_fresh(0), reason="a fork is not fresh here, and anew each takes minutes")


def tried(workload: str, **axes: object) -> Verified:
    space = {"lr": {"grid": [0.01, 0.02]}, **axes}
    return verify(space_from_mapping({"workload": workload, "fixed": {"epochs": 5}, "space": space}, "toy"))


def assert_named(verified: Verified, case: str, cause: str) -> None:
    finding = next(finding for finding in verified.findings if finding.case == case)
    assert finding.result == Result.NOT_HELD
    assert cause in finding.cause
    assert finding.difference is None or finding.difference.expected != finding.difference.found


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the case that starts an interpreter, which takes longer than all others."""
    held = Finding(cases.INTERPRETER, Result.HELD)
    monkeypatch.setattr(cases, "_in_another_interpreter", lambda ground: held)


@pytest.mark.parametrize("name", [name for name in mistakes.MISTAKES if name != "HashOrder"])
def test_a_mistake_is_named(name: str, here: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHECKPOINTS", str(tmp_path))
    assert_named(tried(f"tests.proof.mistakes:{name}"), *mistakes.MISTAKES[name])


@pytest.mark.slow
def test_an_order_that_hashes_give_is_named() -> None:
    verified = tried("tests.proof.mistakes:HashOrder")
    assert_named(verified, *mistakes.MISTAKES["HashOrder"])
    assert len(verified.broken) == 1


@pytest.mark.parametrize("name", mistakes.RIGHT)
def test_what_is_right_holds(name: str, here: None) -> None:
    verified = tried(f"tests.proof.mistakes:{name}")
    assert [finding for finding in verified.findings if finding.result not in (Result.HELD, Result.NOT_TRIED)] == []
    assert len([finding for finding in verified.findings if finding.result == Result.HELD]) >= 11


@pytest.fixture(scope="module")
def torch_is_loaded() -> None:
    """Load all that a first epoch loads, once and not in every test."""
    from tests.proof.torch_mistakes import Net

    Net({"seed": 0}).train_epoch({})


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "GeneratorNotSaved",
        "OptimizerNotSaved",
        "OptimizerAmongOthers",
        "SchedulerNotSaved",
        "BuffersNotSaved",
        "Dropout",
        "NobodySeedsTorch",
    ],
)
def test_a_mistake_with_torch_is_named(name: str, here: None, torch_is_loaded: None) -> None:
    from tests.proof import torch_mistakes

    assert_named(tried(f"tests.proof.torch_mistakes:{name}"), *torch_mistakes.MISTAKES[name])


@pytest.mark.slow
def test_what_is_right_with_torch_holds(torch_is_loaded: None) -> None:
    verified = tried("tests.proof.torch_mistakes:Right")
    assert verified.broken == []
