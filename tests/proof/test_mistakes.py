"""`verify` names ordinary mistakes, with the cause, and passes what is right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from search.proof.finding import Result, Verified
from search.proof.verify import verify
from search.space.reader import space_from_mapping
from search.system.machine import fork_is_fresh
from tests.proof import mistakes
from tests.proof.small import Small

pytestmark = pytest.mark.skipif(not fork_is_fresh(0), reason="a fork is not fresh here, and anew each takes minutes")


@pytest.fixture(scope="module")
def anywhere() -> Iterator[Small]:
    with Small() as small:
        yield small


@pytest.fixture
def everywhere(anywhere: Small) -> Small:
    anywhere.interpreters = True
    return anywhere


@pytest.fixture
def here(anywhere: Small) -> Small:
    """Leave out the case that starts an interpreter, which takes longer than all others."""
    anywhere.interpreters = False
    return anywhere


def tried(small: Small, workload: str, **axes: object) -> Verified:
    space = {"lr": {"grid": [0.01, 0.02]}, **axes}
    content = {"workload": workload, "fixed": {"epochs": 5}, "space": space}
    return small.call(verify, space_from_mapping(content, "toy"))


def assert_named(verified: Verified, case: str, cause: str) -> None:
    finding = next(finding for finding in verified.findings if finding.case == case)
    assert finding.result == Result.NOT_HELD
    assert cause in finding.cause
    assert finding.difference is None or finding.difference.expected != finding.difference.found


@pytest.mark.parametrize("name", [name for name in mistakes.MISTAKES if name != "HashOrder"])
def test_a_mistake_is_named(name: str, here: Small, tmp_path: Path) -> None:
    here.environment = {"CHECKPOINTS": str(tmp_path)}
    assert_named(tried(here, f"tests.proof.mistakes:{name}"), *mistakes.MISTAKES[name])


@pytest.mark.slow
def test_an_order_that_hashes_give_is_named(everywhere: Small) -> None:
    verified = tried(everywhere, "tests.proof.mistakes:HashOrder")
    assert_named(verified, *mistakes.MISTAKES["HashOrder"])
    assert len(verified.broken) == 1


@pytest.mark.parametrize("name", mistakes.RIGHT)
def test_what_is_right_holds(name: str, here: Small) -> None:
    verified = tried(here, f"tests.proof.mistakes:{name}")
    assert [finding for finding in verified.findings if finding.result not in (Result.HELD, Result.NOT_TRIED)] == []
    assert len([finding for finding in verified.findings if finding.result == Result.HELD]) >= 11


def load_torch() -> None:
    """Load all that a first epoch loads, once and not in every fork."""
    from tests.proof.torch_mistakes import Net

    Net({"seed": 0}).train_epoch({})


@pytest.fixture(scope="module")
def torch_is_loaded(anywhere: Small) -> None:
    anywhere.call(load_torch)


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
def test_a_mistake_with_torch_is_named(name: str, here: Small, torch_is_loaded: None) -> None:
    from tests.proof import torch_mistakes

    assert_named(tried(here, f"tests.proof.torch_mistakes:{name}"), *torch_mistakes.MISTAKES[name])


@pytest.mark.slow
def test_what_is_right_with_torch_holds(everywhere: Small, torch_is_loaded: None) -> None:
    verified = tried(everywhere, "tests.proof.torch_mistakes:Right")
    assert verified.broken == []
