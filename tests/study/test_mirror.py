"""The mirror: what the dashboard sees is what the ledger holds, whatever was done to the mirror."""

from __future__ import annotations

import io
import json
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from search.core.errors import UserError
from search.core.trial import Row, State, Trial
from search.ledger.ledger import Ledger
from search.ledger.urls import sqlite_url
from search.service import server
from search.space.model import Space
from search.space.nodes import text_of
from search.space.reader import space_from_mapping
from search.space.writing import dump
from search.study import mirror
from search.study.copies import Copies
from search.study.mirror import Mirror
from search.study.opened import OpenStudy
from tests.surroundings import HANG_S

NAN = math.nan


def space_of(name: str = "sine", asha: bool = False, epochs: int = 4, **axes: Any) -> Space:
    search: dict[str, Any] = {"objective": {"metric": "val_loss", "direction": "minimize"}}
    if asha:
        search["pruning"] = {"asha": {"grace_period": 2, "reduction_factor": 2}}
    return space_from_mapping(
        {
            "name": name,
            "workload": "tests.engine.workloads:Synthetic",
            "fixed": {"epochs": epochs},
            "space": axes or {"a": {"grid": [1, 2, 3, 4, 5]}, "kind": {"grid": ["plain", "rich"]}},
            "seeds": [0, 7],
            "search": search,
        }
    )


class Written:
    """A study written into a ledger, trial by trial."""

    def __init__(self, folder: Path, space: Space | None = None, name: str = "", ledger: Ledger | None = None) -> None:
        self.space = space or space_of()
        self.name = name or self.space.name
        self.ledger = ledger or Ledger(str(folder / "search.db"))
        self.file = folder / "optuna.db"
        self.url = sqlite_url(self.file)
        self.ledger.create_study(self.name, self.space.name, 1, dump(self.space), self.name, self.space.workload)
        self.record = self.ledger.study(self.name)
        self.run = self.ledger.begin_run(self.record.id, {})
        self.count = 0

    def trial(self, state: State, curve: Sequence[float] = (), seed: int = 0, ended_by: str = "", **more: Any) -> int:
        number, self.count = self.count, self.count + 1
        parameters = more.pop("parameters", {"a": 1 + number % 5, "kind": "plain"})
        epochs = more.pop("epochs", 4)
        trial = Trial(number, number, seed, parameters, {"a": 1}, epochs, state, ended_by, len(curve), **more)
        with self.ledger.step(self.record.id) as step:
            step.add_trial(trial, [self.key(number, t) for t in range(epochs)], "")
            self._rows(step, number, curve, 0)
        return number

    def key(self, number: int, epoch: int) -> str:
        return f"{self.record.id:08x}{number:016x}{epoch:016x}"

    def _rows(self, step: Any, number: int, curve: Sequence[float], start: int) -> None:
        for t, value in enumerate(curve, start=start):
            step.put_row(self.key(number, t), t + 1, Row({"val_loss": value, "other": 1.0}), 0.1, self.run)

    def go_on(self, number: int, values: Sequence[float], state: State, **changes: Any) -> None:
        last = self.ledger.trials(self.record.id)[number].last_epoch
        with self.ledger.step(self.record.id) as step:
            self._rows(step, number, values, last)
            step.set_trial(number, state=state, last_epoch=last + len(values), **changes)

    def mirror(self) -> Mirror:
        return Mirror(OpenStudy(self.ledger, self.record, self.space), self.url)

    def sync(self) -> list[FrozenTrial]:
        """Bring a new mirror up to date; return what it holds."""
        assert self.mirror().stop() == ""
        return self.seen()

    def seen(self) -> list[FrozenTrial]:
        return optuna.load_study(study_name=self.name, storage=self.url).get_trials(deepcopy=False)

    def content(self) -> list[str]:
        """Everything the ledger holds."""
        with sqlite3.connect(self.ledger.storage) as connection:
            return list(connection.iterdump())


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Written]:
    written = Written(tmp_path)
    yield written
    written.ledger.close()


def alike(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def every(study: Written) -> None:
    """One trial of each kind."""
    study.trial(State.FINISHED, [0.9, 0.8, 0.85, 0.7], ended_by="last epoch")
    study.trial(State.STOPPED, [0.9, 0.95], 7, ended_by="generalisation loss > 2 %")
    study.trial(State.PRUNED, [0.9, 1.5], ended_by="rung 2")
    study.trial(State.DIVERGED, [0.9, 1.0, NAN], 7, ended_by="val_loss is nan at epoch 3")
    study.trial(State.FAILED, [0.9], ended_by="ZeroDivisionError: x", error="Traceback\nZeroDivisionError: x")
    study.trial(State.INTERRUPTED, [0.9, 0.7], 7)
    study.trial(State.WAITING)
    study.trial(State.RUNNING, [0.6, 0.5, 0.4], 7)
    study.trial(State.DIVERGED, [math.inf], ended_by="val_loss is inf at epoch 1")


STATES = {
    State.FINISHED: TrialState.COMPLETE,
    State.STOPPED: TrialState.COMPLETE,
    State.PRUNED: TrialState.PRUNED,
    State.DIVERGED: TrialState.PRUNED,
    State.FAILED: TrialState.FAIL,
    State.INTERRUPTED: TrialState.WAITING,
    State.WAITING: TrialState.WAITING,
    State.RUNNING: TrialState.RUNNING,
}


def equals(study: Written, frozen: Sequence[FrozenTrial], kept: Callable[[int, int], bool] = lambda *_: True) -> None:
    """The mirror holds exactly the ledger's trials. `kept` says whether an epoch of so many is among its values."""
    trials = study.ledger.trials(study.record.id)
    assert [copy.number for copy in frozen] == [trial.number for trial in trials]
    paths = study.ledger.paths(study.record.id)
    for trial, copy in zip(trials, frozen, strict=True):
        rows = study.ledger.rows(paths[trial.number][0][: trial.last_epoch])
        curve = {row.epoch: row.row.metrics["val_loss"] for row in rows.values()}
        wanted = {epoch: value for epoch, value in curve.items() if kept(epoch, trial.last_epoch)}
        assert copy.state == STATES[trial.state]
        assert copy.params == trial.parameters
        assert copy.intermediate_values.keys() == wanted.keys()
        assert all(alike(copy.intermediate_values[epoch], value) for epoch, value in wanted.items())
        assert copy.user_attrs["seed"] == trial.seed
        assert copy.user_attrs["trial"] == trial.number
        assert copy.user_attrs["configuration"] == trial.configuration
        assert json.loads(copy.user_attrs["settings"]) == trial.settings
        if copy.state == TrialState.COMPLETE:
            assert copy.value == curve[trial.last_epoch] == copy.intermediate_values[trial.last_epoch]
        if trial.state.ended:
            assert copy.user_attrs["ended_by"] == trial.ended_by


@pytest.mark.slow
def test_every_state(study: Written) -> None:
    every(study)
    frozen = study.sync()
    equals(study, frozen)
    assert frozen[0].value == 0.7
    assert frozen[2].intermediate_values == {1: 0.9, 2: 1.5}
    assert math.isnan(frozen[3].intermediate_values[3])
    assert frozen[8].intermediate_values == {1: math.inf}
    loaded = optuna.load_study(study_name="sine", storage=study.url)
    assert loaded.direction == optuna.study.StudyDirection.MINIMIZE
    assert loaded.metric_names == ["val_loss"]
    assert loaded.best_trial.number == 0


@pytest.mark.slow
def test_parameters_are_plotted_by_what_they_are(tmp_path: Path) -> None:
    axes = {
        "a": {"grid": [3, 1, 2]},
        "x": {"grid": [0.5, 2, 1]},
        "switch": {"grid": [None, 2]},
        "mode": {"grid": {"one": {"pull": 2}, "two": {"pull": 3}}},
    }
    study = Written(tmp_path, space_of(**axes))
    study.trial(State.WAITING, parameters={"a": 3, "x": 2, "switch": None, "mode": "two"})
    study.trial(State.WAITING, parameters={"a": 1, "x": 0.5, "switch": 2})
    frozen = study.sync()
    equals(study, frozen)
    assert frozen[0].distributions == {
        "a": optuna.distributions.IntDistribution(1, 3),
        "x": optuna.distributions.FloatDistribution(0.5, 2),
        "switch": optuna.distributions.CategoricalDistribution((None, 2)),
        "mode": optuna.distributions.CategoricalDistribution(("one", "two")),
    }
    assert frozen[1].distributions.keys() == {"a", "x", "switch"}


@pytest.mark.slow
def test_a_running_study_is_followed(study: Written) -> None:
    room = study.mirror()
    room.sync()
    assert study.seen() == []
    number = study.trial(State.WAITING)
    room.sync()
    equals(study, study.seen())
    for value in (0.9, 0.8):
        study.go_on(number, [value], State.RUNNING)
        room.sync()
        equals(study, study.seen())
    room.sync()
    equals(study, study.seen())
    study.trial(State.RUNNING, [0.5])
    study.go_on(number, [0.7, 0.6], State.FINISHED, ended_by="last epoch")
    room.sync()
    equals(study, study.seen())
    study.go_on(1, [], State.INTERRUPTED)
    room.sync()
    equals(study, study.seen())
    study.go_on(1, [0.4], State.RUNNING)
    room.sync()
    study.go_on(1, [0.9], State.PRUNED, ended_by="rung 3")
    room.sync()
    equals(study, study.seen())
    identities = [trial._trial_id for trial in study.seen()]
    assert room.stop() == ""
    assert [trial._trial_id for trial in study.sync()] == identities, "nothing had to be made anew"


@pytest.mark.slow
def test_its_thread_copies_and_ends(study: Written) -> None:
    room = study.mirror()
    room.start(interval=0.05)
    number = study.trial(State.RUNNING, [0.5])
    deadline = time.monotonic() + HANG_S
    while time.monotonic() < deadline and not (study.file.exists() and _copied(study)):
        time.sleep(0.05)
    equals(study, study.seen())
    study.go_on(number, [0.4], State.STOPPED, ended_by="a rule")
    assert room.stop() == ""
    assert threading.active_count() == 1 or "mirror" not in {thread.name for thread in threading.enumerate()}
    equals(study, study.seen())


def _copied(study: Written) -> bool:
    try:
        return len(study.seen()) == 1 and study.seen()[0].intermediate_values == {1: 0.5}
    except Exception:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("same", [True, False], ids=["the same object", "a new one"])
@pytest.mark.parametrize(
    "damage",
    ["file deleted", "file emptied", "study deleted", "trial added", "state edited", "values told", "seed edited"],
)
def test_damage_is_put_right(study: Written, damage: str, same: bool) -> None:
    every(study)
    room = study.mirror()
    assert room.stop() == ""
    before = study.content()
    there = optuna.load_study(study_name="sine", storage=study.url)
    identities = {trial.number: trial._trial_id for trial in there.trials}
    storage = there._storage
    match damage:
        case "file deleted":
            study.file.unlink()
        case "file emptied":
            study.file.write_bytes(b"")
        case "study deleted":
            optuna.delete_study(study_name="sine", storage=study.url)
        case "trial added":
            there.add_trial(optuna.trial.create_trial(value=0.0))
        case "state edited":
            storage.set_trial_state_values(identities[7], TrialState.FAIL)
        case "values told":
            there.tell(7, 0.0)
        case "seed edited":
            storage.set_trial_user_attr(identities[6], "seed", 99)
    if same and damage in ("trial added", "state edited", "values told", "seed edited"):
        study.trial(State.FINISHED, [0.1] * 4)  # what the mirror believes is looked at again by the next run only
        room = study.mirror()
    assert (room if same else study.mirror()).stop() == ""
    equals(study, study.seen())
    if not same:
        assert study.content() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE trial_values SET value = 0.001",
        "DELETE FROM trial_values",
        "UPDATE trial_params SET param_value = 2 WHERE param_name = 'a'",
        "DELETE FROM trial_intermediate_values WHERE step = 1",
        "UPDATE trial_intermediate_values SET intermediate_value = 5.5 WHERE step = 2",
        "UPDATE trials SET state = 'COMPLETE' WHERE number = 4",
        "UPDATE trials SET number = 20 - number",
        "UPDATE trial_user_attributes SET value_json = '\"mine\"' WHERE key = 'ended_by'",
        "UPDATE study_directions SET direction = 'MAXIMIZE'",
    ],
)
def test_edits_behind_optunas_back_are_put_right(study: Written, edit: str) -> None:
    every(study)
    assert study.mirror().stop() == ""
    with sqlite3.connect(study.file) as connection:
        assert connection.execute(edit).rowcount > 0
    connection.close()
    equals(study, study.sync())
    loaded = optuna.load_study(study_name="sine", storage=study.url)
    assert loaded.direction == optuna.study.StudyDirection.MINIMIZE


@pytest.mark.slow
def test_a_locked_mirror_is_behind_and_no_worse(study: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mirror, "_connect_args", lambda self: {"timeout": 0.1})
    every(study)
    study.sync()
    study.trial(State.FINISHED, [0.4] * 4)
    before = study.content()
    with sqlite3.connect(study.file, isolation_level=None) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        room = study.mirror()
        reason = room.stop()
        assert "database is locked" in reason
        assert room._try_sync() > 0
        assert study.content() == before
        connection.execute("ROLLBACK")
    connection.close()
    assert room.stop() == ""
    equals(study, study.seen())


def test_a_place_that_cannot_be_written(study: Written) -> None:
    study.trial(State.WAITING)
    study.url = sqlite_url(study.file.parent / "nowhere" / "optuna.db")
    assert "unable to open database file" in study.mirror().stop()


@pytest.mark.slow
@pytest.mark.parametrize("end", [State.FINISHED, State.STOPPED, State.PRUNED, State.DIVERGED])
def test_a_failed_trial_may_succeed_in_a_later_run(study: Written, end: State) -> None:
    study.trial(State.FINISHED, [0.5] * 4, ended_by="last epoch")
    study.trial(State.FAILED, [0.9, 0.7], ended_by="OSError: disk full", error="OSError: disk full")
    room = study.mirror()
    room.sync()
    study.go_on(1, [], State.WAITING, ended_by="", error="")
    room.sync()
    equals(study, study.seen())
    study.go_on(1, [0.6], State.RUNNING)
    room.sync()
    study.go_on(1, [NAN if end == State.DIVERGED else 0.5], end, ended_by="an end")
    room.sync()
    equals(study, study.seen())


@pytest.mark.slow
def test_two_revisions_lie_side_by_side(study: Written) -> None:
    every(study)
    other = Written(study.file.parent, study.space, "sine (rev 2)", study.ledger)
    other.trial(State.FINISHED, [0.4, 0.3, 0.2, 0.1])
    equals(study, study.sync())
    equals(other, other.sync())
    names = {summary.study_name for summary in optuna.get_all_study_summaries(storage=study.url)}
    assert names == {"sine", "sine (rev 2)"}
    optuna.delete_study(study_name="sine", storage=study.url)
    assert server.update(study.ledger, study.url) == []
    equals(study, study.seen())
    equals(other, other.seen())


@pytest.mark.slow
def test_a_large_study_keeps_rungs_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "MAX_TRIALS_IN_FULL", 5)
    study = Written(tmp_path, space_of(asha=True, epochs=7, a={"grid": list(range(20))}))
    for number in range(6):
        values = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
        study.trial(State.FINISHED, values, epochs=7, parameters={"a": number})
    study.trial(State.STOPPED, [1.0, 0.9, 1.1], epochs=7, parameters={"a": 6})
    study.trial(State.PRUNED, [1.0, 0.9], epochs=7, parameters={"a": 7})
    running = study.trial(State.RUNNING, [1.0, 0.9, 0.8], epochs=7, parameters={"a": 8})

    def kept(epoch: int, last: int) -> bool:
        return epoch in (2, 4) or epoch == last

    frozen = study.sync()
    assert frozen[0].intermediate_values == {2: 0.9, 4: 0.7, 7: 0.4}
    assert frozen[6].intermediate_values == {2: 0.9, 3: 1.1}
    assert frozen[7].intermediate_values == {2: 0.9}
    assert frozen[running].intermediate_values == {2: 0.9}
    study.go_on(running, [0.7, 0.6], State.RUNNING)
    assert study.sync()[running].intermediate_values == {2: 0.9, 4: 0.7}
    study.go_on(running, [0.5, 0.4], State.FINISHED)
    equals(study, study.sync(), kept)


@pytest.mark.slow
def test_a_study_that_becomes_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "MAX_TRIALS_IN_FULL", 2)
    study = Written(tmp_path)
    study.trial(State.FINISHED, [0.9, 0.8, 0.7, 0.6])
    room = study.mirror()
    room.sync()
    for _ in range(3):
        study.trial(State.FINISHED, [0.9, 0.8, 0.7, 0.6])
    room.sync()
    for _ in range(2):
        frozen = study.sync()
        assert [copy.value for copy in frozen] == [0.6] * 4
        assert all(copy.intermediate_values[4] == 0.6 for copy in frozen)
        assert frozen[3].intermediate_values == {4: 0.6}


# The dashboard ---------------------------------------------------------------------------------------------------


def get(application: Any, path: str) -> tuple[str, bytes]:
    """Ask a WSGI application without a network."""
    status: list[str] = []
    environment: Mapping[str, Any] = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "test",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
    }
    body = b"".join(application(environment, lambda line, *_: status.append(line)))
    return status[0], body


@pytest.mark.slow
def test_the_dashboard_shows_it(study: Written) -> None:
    from optuna_dashboard import wsgi

    every(study)
    assert server.update(study.ledger, study.url) == []
    application = wsgi(optuna.storages.RDBStorage(study.url))
    status, body = get(application, "/api/studies")
    assert status.startswith("200")
    (listed,) = json.loads(body)["study_summaries"]
    assert listed["study_name"] == "sine"
    status, body = get(application, f"/api/studies/{listed['study_id']}")
    assert status.startswith("200")
    trials = json.loads(body)["trials"]
    assert [trial["state"] for trial in trials] == [
        *("Complete", "Complete", "Pruned", "Pruned", "Fail", "Waiting", "Waiting", "Running", "Pruned")
    ]
    status, body = get(application, "/dashboard")
    assert status.startswith("200")
    assert b"<html" in body


def test_no_study_no_dashboard(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "search.db"))
    with pytest.raises(UserError) as caught:
        server.serve(ledger, sqlite_url(tmp_path / "optuna.db"), 0, print, tmp_path)
    assert str(caught.value) == (
        f"the ledger {tmp_path}/search.db holds no study yet; run one first: python -m search run FILE"
    )
    assert not (tmp_path / "optuna.db").exists()


@pytest.mark.slow
def test_a_port_that_is_taken(study: Written) -> None:
    import socket

    study.trial(State.WAITING)
    with socket.socket() as taken:
        taken.bind((server.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError) as caught:
            server.serve(study.ledger, study.url, port, print, study.file.parent, False)
    assert str(caught.value) == f"port {port} of 127.0.0.1: Address already in use; choose another with --port"


def test_what_python_takes_for_one_value_is_told_apart() -> None:
    content = {
        "workload": "tests.space.fake:Typed",
        "fixed": {"epochs": 1, "batch_size": 2},
        "space": {"kind": {"grid": [1, True, 2]}},
    }
    copies = Copies(space_from_mapping(content))
    values = optuna.distributions.CategoricalDistribution(("1", "true", "2"))
    for number, value in enumerate((1, True, 2)):
        copy = copies.of(Trial(number, number, 0, {"kind": value}, {}, 1), [], large=False)
        assert (copy.params, copy.distributions) == ({"kind": text_of(value)}, {"kind": values})


def test_rows_that_are_withdrawn_leave_a_mirror_that_is_open(study: Written) -> None:
    """Of a trial in progress Optuna lets values be added, not taken away; and it has come as far again by then."""
    with study.ledger.step(study.record.id) as step:
        for number, state in enumerate((State.RUNNING, State.FINISHED)):
            step.add_trial(Trial(number, number, 0, {"a": 1, "kind": "plain"}, {"a": 1}, 4, state, "", 3), [], "")
            path = [study.key(number, t) for t in range(4)]
            step.set_trial(number, path=bytes.fromhex("".join(path)))
            for t in range(3):
                row = Row({"val_loss": 0.5 + number + t, "other": 1.0})
                step.put_row(
                    path[t], t + 1, row, 0.1, study.run, kind="b" * 40, origin="used" if number == 0 else "fresh"
                )
    mirror = study.mirror()
    mirror.sync()
    assert [list(trial.intermediate_values.values()) for trial in study.seen()] == [[0.5, 1.5, 2.5], [1.5, 2.5, 3.5]]
    study.ledger.distrust("b" * 40, "it differs", True, study.run)
    with study.ledger.step(study.record.id) as step:
        path = [study.key(99, t) for t in range(4)]
        step.set_trial(0, state=State.RUNNING, last_epoch=3, path=bytes.fromhex("".join(path)))
        for t in range(3):
            row = Row({"val_loss": 9.0 + t, "other": 1.0})
            step.put_row(path[t], t + 1, row, 0.1, study.run, kind="b" * 40, origin="fresh")
    mirror.sync()
    assert [list(trial.intermediate_values.values()) for trial in study.seen()] == [[9.0, 10.0, 11.0], [1.5, 2.5, 3.5]]
