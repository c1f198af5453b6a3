"""A study whose data or code are others now is not gone on with: its table would mix them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from search.core.errors import UserError
from search.core.trial import DataCard
from search.ledger.ledger import Ledger
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.study.changed import StudyChanged, check_unchanged
from search.study.leaf import Planner
from search.study.opened import OpenStudy
from search.study.revision import find_study, study_in_class
from tests.engine.simulation import CLASS, Simulation
from tests.engine.workloads import Synthetic


class Changing(Synthetic):
    """Reads the data, and starts from the weights, of its attributes."""

    pixels, weights = "d0", "w0"

    def data(self, fixed: Mapping[str, Any]) -> DataCard:
        return DataCard(self.pixels, notes=[f"{3 + len(self.pixels)} images"])

    def inputs(self, fixed: Mapping[str, Any]) -> dict[str, str]:
        return {"weights": self.weights}


def space_of(**more: Any) -> Space:
    return space_from_mapping(
        {
            "workload": "tests.study.test_changed:Changing",
            "fixed": {"epochs": 3},
            "space": {"x": {"grid": [1, 2]}},
            "search": {"objective": {"metric": "score"}},
            **more,
        },
        "toy",
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(str(tmp_path / "search.db"))
    yield made
    made.close()


@pytest.fixture(params=[True, False], ids=["sharing", "alone"])
def trained(ledger: Ledger, request: pytest.FixtureRequest) -> Ledger:
    Simulation(space_of(), ledger, random.Random(1), sharing=request.param, workload=Changing()).run()
    return ledger


def check(ledger: Ledger, workload: Changing) -> None:
    space = space_of(seeds=3)
    check_unchanged(OpenStudy(ledger, ledger.study("toy"), space), workload, CLASS)


def test_the_same_study_goes_on(trained: Ledger) -> None:
    check(trained, Changing())


def test_other_data_are_refused_and_named(trained: Ledger) -> None:
    trained.put_data(DataCard("d0", notes=["5 images"]))
    changed = Changing()
    changed.pixels = "d0 more"
    with pytest.raises(StudyChanged) as refused:
        check(trained, changed)
    assert str(refused.value) == (
        "study 'toy' is no longer what was trained: its data were 5 images, fingerprint d0, and are 10 images, "
        "fingerprint d0 more, since trial 0 ended; nothing was trained and what is finished stays: put back what was "
        "there, or train everything anew in a new revision with `run --new-revision`"
    )


@pytest.mark.parametrize("what", ["weights", "recipe"])
def test_other_code_or_weights_are_refused(trained: Ledger, what: str) -> None:
    changed = Changing()
    setattr(changed, what, "new")
    with pytest.raises(StudyChanged, match="the code or the recipe of the workload, or weights that trials start from"):
        check(trained, changed)


def test_trials_that_have_not_ended_are_trained_anew(ledger: Ledger) -> None:
    begun = Simulation(space_of(), ledger, random.Random(1), workload=Changing())
    begun.plan()
    changed = Changing()
    changed.pixels = "d1"
    check(ledger, changed)


def test_two_machines_go_on_with_a_revision_each(ledger: Ledger) -> None:
    space, here, there = space_of(), {"device": "a"}, {"device": "b"}
    first = find_study(ledger, space)
    ledger.update_study(first.id, execution_class=here)
    second = study_in_class(OpenStudy(ledger, ledger.study("toy"), space), there, "new")
    assert second.name == "toy (rev 2)"
    ledger.update_study(second.id, execution_class=there)
    for found, name in ((here, "toy"), (there, "toy (rev 2)")):
        for start in ("toy", "toy (rev 2)"):
            assert study_in_class(OpenStudy(ledger, ledger.study(start), space), found, "refuse").name == name
    with pytest.raises(UserError, match="was run in another execution class"):
        study_in_class(OpenStudy(ledger, ledger.study("toy"), space), {"device": "c"}, "refuse")


def test_every_trial_alone_has_keys_of_its_revision() -> None:
    def keys(study: str) -> list[str]:
        return list(Planner(space_of(), Changing(), CLASS, False, study=study).leaf(0, 0, 0, {"x": 1}).path)

    assert keys("toy") == keys("")
    assert not set(keys("toy")) & set(keys("toy (rev 2)"))
