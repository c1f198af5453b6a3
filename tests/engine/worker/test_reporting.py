"""Which epochs a worker reports together: a few short ones of a long lease, and none that something is decided on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from search.core.stopping import GeneralisationLoss, Patience, StopRule
from search.engine.decide.lease import REPORTING_INTERVAL_S, Assignment, Lease, Trained, WorkerSetup
from search.ledger.kept import Role

pytest.importorskip("ray")
from search.engine.worker import trainable

ROLLING_S = 20.0


class Clock:
    now = 0.0


class Curve:
    """A run whose epochs take some seconds of a clock and measure given losses; a text among them is an error."""

    def __init__(self, losses: Sequence[float | str], seconds: float, clock: Clock) -> None:
        self.losses, self.seconds, self.clock, self.epoch = losses, seconds, clock, 0

    def train_epoch(self, settings: Mapping[str, object]) -> Mapping[str, object]:
        loss = self.losses[self.epoch]
        self.epoch += 1
        self.clock.now += self.seconds
        if isinstance(loss, str):
            raise ValueError(loss)
        return {"val_loss": loss}

    def save(self) -> bytes:
        return b"state"

    def load(self, state: bytes) -> None:
        raise AssertionError("nothing starts from a state here")


def reports(
    losses: Sequence[float | str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any = "",
    seconds: float = 0.01,
    reporting: float = REPORTING_INTERVAL_S,
    keep: Mapping[int, Role] | None = None,
    ends: Sequence[tuple[int, StopRule]] = (),
) -> list[dict[str, Any]]:
    """Return what a worker reports of a lease over these epochs."""
    clock = Clock()
    monkeypatch.setattr(trainable, "time", SimpleNamespace(monotonic=lambda: clock.now))
    path = [f"{epoch:040x}" for epoch in range(len(losses))]
    lease = Lease(0, 0, {}, [{}] * len(losses), path, keep=keep or {}, ends=ends)
    setup = WorkerSetup("none", 1, 0.0, states=str(tmp_path), rolling=ROLLING_S, reporting=reporting)
    worker = trainable.LeaseTrainable.__new__(trainable.LeaseTrainable)
    worker.setup({"assignment": Assignment(lease, setup)})
    worker._run = Curve(losses, seconds, clock)
    found: list[dict[str, Any]] = []
    while sum(len(report.get(trainable.TRAINED, ())) for report in found) < len(losses):
        found.append(worker.step())
        if trainable.TRAINED not in found[-1]:
            break
    return found


def sizes(found: Sequence[Mapping[str, Sequence[Trained]]]) -> list[int]:
    return [len(report[trainable.TRAINED]) for report in found]


def test_a_short_lease_reports_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sizes(reports([1.0] * 8, monkeypatch)) == [1] * 8


def test_what_is_not_reported_is_a_small_part_of_what_was_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    found = sizes(reports([1.0] * 100, monkeypatch))
    assert sum(found) == 100
    assert len(found) < 30
    before = 0
    for size in found:
        assert size == 1 or size * trainable.REPORTED_SHARE <= before
        before += size


def test_long_epochs_are_reported_each(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sizes(reports([1.0] * 40, monkeypatch, seconds=0.13)) == [1] * 40
    found = sizes(reports([1.0] * 40, monkeypatch, seconds=0.12))
    assert max(found) == 2, "an interval holds two"


def test_where_a_pruner_decides_every_epoch_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sizes(reports([1.0] * 40, monkeypatch, reporting=0.0)) == [1] * 40


@pytest.mark.parametrize("last", range(20, 40))
@pytest.mark.parametrize(
    ("rule", "loss"),
    [(GeneralisationLoss(20.0), 1.3), (Patience(1), 1.0), (GeneralisationLoss(20.0), -1.0), (None, math.nan)],
    ids=["generalisation loss", "patience", "cannot be judged", "no number"],
)
def test_nothing_is_trained_behind_an_end(
    last: int, rule: StopRule | None, loss: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = [1.0 / (epoch + 1) for epoch in range(last - 1)] + [loss] + [0.001] * (50 - last)
    found = reports(losses, monkeypatch, ends=[(0, rule)] if rule is not None else [])
    ends = [sum(sizes(found[: place + 1])) for place in range(len(found))]
    assert last in ends
    assert max(sizes(found)) > 1


def test_a_rule_that_has_seen_epochs_is_told_of_those_behind_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = Patience(30)
    found = reports([1.0] * 60, monkeypatch, ends=[(0, rule)])
    assert 31 in [sum(sizes(found[: place + 1])) for place in range(len(found))]
    assert rule.waited == 0, "the lease's own copy"


def test_a_state_is_reported_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    found = reports([1.0] * 60, monkeypatch, tmp_path, keep={21: Role.BRANCH, 42: Role.BRANCH})
    epochs = [one for report in found for one in report[trainable.TRAINED]]
    assert [epoch for epoch, one in enumerate(epochs, start=1) if one.kept is not None] == [21, 42]
    for report in found:
        assert not any(one.kept is not None for one in report[trainable.TRAINED][:-1])


def test_an_error_is_told_behind_the_epochs_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = reports([1.0] * 38 + ["no more"] + [1.0] * 20, monkeypatch)
    *trained, failure = found
    assert sum(sizes(trained)) == 38
    assert max(sizes(trained)) > 1
    assert failure[trainable.ERROR].endswith("ValueError: no more\n")
    assert failure["done"]
