"""Who trains what: from what workers note and report, never from a process number alone."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import Any

from search.engine.decide.roster import Roster, Task, Worker

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def roster(notes: dict[int, dict[str, Any]]) -> Roster:
    return Roster(lambda lease: notes.get(lease, {}), lambda: 100.0, lambda: NOW)


def test_a_note_says_who_is_in_which_epoch_since_when() -> None:
    found = roster({3: {"pid": 41, "epoch": 7, "began": 95.0, "gpus": "1"}}).look({3: Task(5, 6, 9.0)})
    assert found == [Worker(socket.gethostname(), 41, "1", 5, 7, "2026-01-01T11:59:55+00:00")]
    assert found[0].text == f"{socket.gethostname()}, process 41, GPU 1: trial 5, epoch 7 since 11:59:55 UTC"


def test_a_note_between_two_epochs_says_who_and_the_driver_which_epoch() -> None:
    (found,) = roster({3: {"pid": 41, "epoch": 7}}).look({3: Task(5, 8, 2.0)})
    assert (found.process, found.epoch, found.since[11:19]) == (41, 8, "11:59:58")


def test_a_worker_on_another_machine_is_known_once_it_has_reported() -> None:
    one = roster({})
    (before,) = one.look({3: Task(5, 1, 2.0)})
    assert before.text == "a worker that is starting: trial 5, epoch 1 since 11:59:58 UTC"
    one.report(3, "node7", 12, "0,1")
    (after,) = one.look({3: Task(5, 2, 0.0)})
    assert after.text == "node7, process 12, GPU 0,1: trial 5, epoch 2 since 12:00:00 UTC"
    one.end(3)
    assert one.look({3: Task(5, 2, 0.0)})[0].process is None


def test_trials_come_in_their_order_and_proofs_behind() -> None:
    found = roster({}).look({1: Task(None, 4, 0.0), 2: Task(9, 1, 0.0), 3: Task(2, 1, 0.0)})
    assert [worker.trial for worker in found] == [2, 9, None]
    assert found[2].text == "a worker that is starting: a proof, epoch 4 since 12:00:00 UTC"
