"""Whole runs on a real local Ray, as a person starts them: ended, killed, refused and taken up again."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest
import yaml
from optuna.trial import TrialState

from search.core.trial import State, Trial
from search.core.trust import START_EPOCHS
from search.engine.executor.folders import FOLDER_PREFIX, places
from search.ledger.ledger import Ledger
from search.ledger.urls import sqlite_url
from tests.surroundings import HANG_S, PATIENCE, ROOT

pytestmark = pytest.mark.slow


@dataclass
class Bench:
    """A folder with one space file and its results; commands run in the repository's root."""

    folder: Path
    name: str = "toy"
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.results = self.folder / "results"
        self.log = self.folder / "epochs.log"

    def write(self, space: Mapping[str, Any], seeds: Any = 1, workload: str = "", **fixed: Any) -> Path:
        ours = not workload
        content = {
            "workload": workload or "tests.engine.workloads:Scripted",
            "fixed": {"epochs": 5, **({"log": str(self.log)} if ours else {}), **fixed},
            "space": dict(space),
            "seeds": seeds,
            "search": {"objective": {"metric": "val_loss", "direction": "minimize"}},
            "resources": {"cpus": max(1, (os.cpu_count() or 1) // 2)},
        }
        path = self.folder / f"{self.name}.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    def command(self, verb: str, *words: object) -> list[str]:
        return [sys.executable, "-m", "search", verb, *map(str, words), "--results", str(self.results)]

    def start(self, verb: str = "run", *words: object) -> subprocess.Popen[str]:
        """Start a command in a process group of its own, as a shell does."""
        if verb == "run" and not words:
            words = (self.folder / f"{self.name}.yaml",)
        with open(self.folder / "out.txt", "w") as out, open(self.folder / "err.txt", "w") as err:
            process = subprocess.Popen(
                self.command(verb, *words), stdout=out, stderr=err, text=True, cwd=ROOT, start_new_session=True
            )
        self.started.append(process)
        return process

    def run(self, verb: str = "run", *words: object) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        process = self.start(verb, *words)
        try:
            process.wait(HANG_S)
        finally:
            self.end(process)
        return subprocess.CompletedProcess(process.args, process.returncode, self.out(), self.err())

    def out(self) -> str:
        return (self.folder / "out.txt").read_text()

    def err(self) -> str:
        return (self.folder / "err.txt").read_text()

    def end(self, process: subprocess.Popen[str]) -> None:
        """Leave nothing behind that this bench started."""
        if process.poll() is None:
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
            process.kill()
            process.wait()

    def trials(self, study: str = "") -> list[Trial]:
        ledger = Ledger(str(self.results / "search.db"))
        try:
            return ledger.trials(ledger.study(study or self.name).id)
        finally:
            ledger.close()

    def runs(self) -> list[dict[str, Any]]:
        ledger = Ledger(str(self.results / "search.db"))
        try:
            return ledger.runs()
        finally:
            ledger.close()

    def proofs(self) -> list[int]:
        """Epochs of each proof that was given, in fresh processes."""
        ledger = Ledger(str(self.results / "search.db"))
        try:
            studies = [record.id for record in ledger.studies()]
            return [entry.detail["epochs"] for study in studies for entry in ledger.decisions(study, ["proven"])]
        finally:
            ledger.close()

    def table(self, name: str, study: str = "") -> list[dict[str, str]]:
        with open(self.results / (study or self.name) / name, newline="") as file:
            return list(csv.DictReader(file))

    def trained(self) -> list[tuple[int, int, int, int]]:
        """Process, x, seed and epoch of every epoch begun so far."""
        return [line[:4] for line in self._lines()]  # type: ignore[misc]

    def parents(self) -> set[int]:
        """Processes whose children trained epochs: the warm one of each worker."""
        return {line[4] for line in self._lines()}

    def _lines(self) -> list[tuple[int, ...]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [tuple(int(word) for word in line.split()) for line in lines]

    def optuna(self) -> optuna.Study:
        return optuna.load_study(study_name=self.name, storage=sqlite_url(self.results / "optuna.db"))


def wait_for(what: Callable[[], Any], seconds: float = HANG_S, process: subprocess.Popen[str] | None = None) -> Any:
    """Wait until something is so, and return it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := what():
            return found
        assert process is None or process.poll() is None, "ended too early"
        time.sleep(0.05)
    raise AssertionError(f"not so within {seconds} s")


def kin(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """A running driver, everything below it, and everything that works in its Ray session."""
    driver = psutil.Process(process.pid)
    family = {driver.pid: driver, **{child.pid: child for child in driver.children(recursive=True)}}
    sessions = set()
    for member in family.values():
        with contextlib.suppress(psutil.Error):
            sessions.update(re.findall(r"session_[0-9_-]+", " ".join(member.cmdline())))
    for other in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(session in " ".join(other.cmdline()) for session in sessions):
                family[other.pid] = other
    return list(family.values())


def sessions_of(driver: int) -> list[Path]:
    """The folders of the Ray sessions of a driver."""
    found = {each for place, _ in places() for each in Path(place).glob(f"{FOLDER_PREFIX}*/session_*_{driver}")}
    return sorted(found)


def gone(processes: Sequence[psutil.Process]) -> bool:
    alive = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
    return not alive


def shared_memory(family: Sequence[psutil.Process]) -> list[str]:
    """Segments of shared memory with a name that stands for one of these processes, or for Ray's object store."""
    numbers = {str(member.pid) for member in family}
    names = os.listdir("/dev/shm") if Path("/dev/shm").is_dir() else []
    return [name for name in names if name.startswith("plasma") or numbers & set(re.findall(r"\d+", name))]


def without(rows: Sequence[Mapping[str, str]], *columns: str) -> list[dict[str, str]]:
    return [{name: value for name, value in row.items() if name not in columns} for row in rows]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(name: str) -> Bench:
        made.append(Bench(tmp_path_factory.mktemp(name)))
        return made[-1]

    yield make
    for each in made:
        for process in each.started:
            each.end(process)


# A study that is left alone ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sine(bench: Callable[..., Bench]) -> tuple[Bench, subprocess.CompletedProcess[str]]:
    """The toy, to its end."""
    made = bench("sine")
    made.name = "sine"
    made.write({"degree": {"grid": [1, 3, 5]}}, [0, 1], "tests.contracts.toy:SineFit", epochs=8, lr=0.05)
    return made, made.run()


def test_end_to_end(sine: tuple[Bench, subprocess.CompletedProcess[str]]) -> None:
    made, done = sine
    assert (done.returncode, done.stderr) == (0, "")
    assert "degree=5" in done.stdout
    report = f"report: {made.results / 'sine' / 'report.html'} (all columns, notes and figures)"
    assert f"{report}\nnext: python -m search show sine --results {made.results}\n" in done.stdout
    trials, epochs = made.table("trials.csv"), made.table("epochs.csv")
    assert [(row["degree"], row["seed"]) for row in trials] == [(d, s) for d in "135" for s in "01"]
    assert {(row["state"], row["epochs"], row["epochs_trained"], row["epochs_reused"]) for row in trials} == {
        ("finished", "8", "8", "0")
    }
    assert [(row["trial"], row["epoch"]) for row in epochs] == [(str(t), str(e)) for t in range(6) for e in range(1, 9)]
    last = {row["trial"]: row["val_loss"] for row in epochs if row["epoch"] == "8"}
    assert [row["val_loss"] for row in trials] == [last[str(number)] for number in range(6)]
    assert len(made.table("table.csv")) == 3
    pinned = json.loads((made.results / "sine" / "conditions.json").read_text())["execution_class"]
    assert pinned
    (run,) = made.runs()
    assert (run["outcome"], run["conditions"]["execution_class"]) == ("done", pinned)


def test_both_databases_agree(sine: tuple[Bench, subprocess.CompletedProcess[str]]) -> None:
    made, _ = sine
    epochs = made.table("epochs.csv")
    mirrored = made.optuna().trials
    assert len(mirrored) == 6
    for trial, copy in zip(made.trials(), mirrored, strict=True):
        curve = {int(row["epoch"]): float(row["val_loss"]) for row in epochs if row["trial"] == str(trial.number)}
        assert (copy.number, copy.state, copy.params) == (trial.number, TrialState.COMPLETE, trial.parameters)
        assert copy.intermediate_values == curve
        assert copy.value == curve[8]


def test_a_finished_study_starts_no_ray(sine: tuple[Bench, subprocess.CompletedProcess[str]]) -> None:
    made, _ = sine
    before = {path: path.read_bytes() for path in (made.results / "sine").iterdir()}
    done = made.run()
    assert (done.returncode, done.stderr) == (0, "")
    assert "starting Ray" not in done.stdout
    assert "degree=5" in done.stdout
    assert {path: path.read_bytes() for path in (made.results / "sine").iterdir()} == before


def test_a_deleted_mirror(sine: tuple[Bench, subprocess.CompletedProcess[str]]) -> None:
    made, _ = sine
    (made.results / "optuna.db").unlink()
    done = made.run("report", "sine")
    assert (done.returncode, done.stderr) == (0, "")
    served = made.start("dashboard", "--port", 0)
    try:
        wait_for(lambda: "(Ctrl-C ends it)" in made.out(), process=served)
        (port,) = re.findall(r"http://127\.0\.0\.1:(\d+)/dashboard", made.out())
        address = f"http://127.0.0.1:{port}"
        with urllib.request.urlopen(f"{address}/dashboard", timeout=HANG_S) as page:
            assert b"<html" in page.read()
        with urllib.request.urlopen(f"{address}/api/studies", timeout=HANG_S) as page:
            (listed,) = json.loads(page.read())["study_summaries"]
        assert listed["study_name"] == "sine"
        (listening,) = [c for c in psutil.Process(served.pid).net_connections("inet") if c.status == "LISTEN"]
        assert listening.laddr == ("127.0.0.1", int(port))
        served.send_signal(signal.SIGINT)
        assert served.wait(HANG_S) == 0
        assert made.err() == ""
    finally:
        made.end(served)
    assert [trial.state for trial in made.optuna().trials] == [TrialState.COMPLETE] * 6


def test_more_seeds_train_only_those(sine: tuple[Bench, subprocess.CompletedProcess[str]]) -> None:
    made, _ = sine
    before = made.table("epochs.csv")
    made.write({"degree": {"grid": [1, 3, 5]}}, [0, 1, 9], "tests.contracts.toy:SineFit", epochs=8, lr=0.05)
    done = made.run()
    assert (done.returncode, done.stderr) == (0, "")
    assert [(row["trial"], row["seed"]) for row in made.table("trials.csv")[6:]] == [("6", "9"), ("7", "9"), ("8", "9")]
    assert made.table("epochs.csv")[: len(before)] == before
    assert re.findall(r"trial (\d+) started", done.stdout) == ["6", "7", "8"]


def test_a_new_study_over_rows_on_record_starts_no_ray(sine: tuple[Bench, subprocess.CompletedProcess[str]]) -> None:
    """Fewer epochs, a stop rule, another name: everything is on record, and the last run tells the execution class."""
    made, _ = sine
    content = yaml.safe_load((made.folder / "sine.yaml").read_text())
    content["fixed"] |= {"epochs": 7, "stop.rule": "patience", "stop.patience": 3}
    (made.folder / "shorter.yaml").write_text(yaml.safe_dump(content))
    again = made.run("run", made.folder / "shorter.yaml")
    assert (again.returncode, again.stderr) == (0, "")
    assert "starting Ray" not in again.stdout
    trials = made.table("trials.csv", "shorter")
    assert len(trials) == 9
    assert {row["epochs_trained"] for row in trials} == {"0"}
    assert {row["state"] for row in trials} == {"finished", "stopped"}


# A study that is disturbed -------------------------------------------------------------------------------------

GRID = {"x": {"grid": [0, 1, 2, 3]}, "act": {"grid": ["train", "diverge"]}}


@pytest.fixture(scope="module")
def alone(bench: Callable[..., Bench]) -> tuple[Bench, subprocess.CompletedProcess[str]]:
    """Eight trials, half of which diverge in their fourth epoch."""
    made = bench("alone")
    made.write(GRID, pause=0.1, at=4)
    return made, made.run()


def test_diverging_is_an_outcome(alone: tuple[Bench, subprocess.CompletedProcess[str]]) -> None:
    made, done = alone
    assert (done.returncode, done.stderr) == (0, "")
    for trial in made.trials():
        if trial.parameters["act"] == "diverge":
            assert (trial.state, trial.ended_by) == (State.DIVERGED, "train_loss is nan at epoch 4")
        else:
            assert (trial.state, trial.ended_by, trial.last_epoch) == (State.FINISHED, "last epoch", 5)
    mirrored = made.optuna().trials
    assert [trial.state for trial in mirrored] == [TrialState.COMPLETE, TrialState.PRUNED] * 4
    assert [len(trial.intermediate_values) for trial in mirrored] == [5, 4] * 4


def test_each_lease_has_its_own_process_and_workers_are_reused(
    alone: tuple[Bench, subprocess.CompletedProcess[str]],
) -> None:
    made, done = alone
    found = re.search(r"study toy: (\d+) workers", done.stdout)
    assert found
    # Kinds by the act, and by whether x is zero: of each the start is proven by one epoch.
    assert made.proofs() == [START_EPOCHS] * 4
    assert len({process for process, *_ in made.trained()}) == 8 + 4
    assert len(made.parents()) <= int(found[1]) + 1
    once = {(x, 0, epoch): 2 if epoch < 5 else 1 for x in range(4) for epoch in range(1, 6)}  # for each of the two acts
    count = Counter((x, seed, epoch) for _, x, seed, epoch in made.trained())
    count.subtract(once)
    assert all(times >= 0 for times in count.values())
    assert sum(times for (*_, epoch), times in count.items() if epoch == 1) == sum(count.values()) == 4


def test_a_killed_driver(bench: Callable[..., Bench], alone: tuple[Bench, subprocess.CompletedProcess[str]]) -> None:
    """On its way, a study is looked at from outside, loses a worker, and then its driver."""
    made = bench("killed")
    made.write(GRID, pause=0.6 * PATIENCE, at=4)
    process = made.start()
    wait_for(made.trained, process=process)

    # All sockets of all its processes listen on loopback only.
    family = kin(process)
    listening = []
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            listening += [c.laddr.ip for c in member.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert len(family) > 4
    assert listening
    assert {address.removeprefix("::ffff:") for address in listening} <= {"127.0.0.1", "::1"}

    # A worker dies in the middle of an epoch.
    victim, *_ = made.trained()[-1]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in {worker for worker, *_ in made.trained()[-2:]}, process=process)

    # The driver dies; half a minute later nothing of it is left, neither processes nor what they kept in memory.
    wait_for(lambda: sum(trial.state.ended for trial in made.trials()) >= 3, process=process)
    family = kin(process)
    (session,) = sessions_of(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: gone(family) and not session.parent.exists())
    assert shared_memory(family) == []
    kept = [trial for trial in made.trials() if trial.state.ended]
    assert 3 <= len(kept) < 8
    begun, proven = len(made.trained()), len(made.proofs())

    # The same command goes on.
    made.write(GRID, pause=0.6 * PATIENCE, at=4)
    done = made.run()
    assert (done.returncode, done.stderr) == (0, "")
    trials = made.trials()
    assert [trial for trial in trials if trial.number in {each.number for each in kept}] == kept
    assert len(trials) == 8
    assert all(trial.state in (State.FINISHED, State.DIVERGED) for trial in trials)
    whole = {x for x, count in Counter(trial.parameters["x"] for trial in kept).items() if count == 2}
    again = [epoch for _, x, _, epoch in made.trained()[begun:] if x in whole]
    assert set(again) <= {1}, "first epochs may prove the start of their kind; no other one is trained again"
    kinds = 4  # by the act, and by whether x is zero
    assert len(again) <= START_EPOCHS * (kinds - proven), "a proof on record is not given again"
    assert made.proofs() == [START_EPOCHS] * kinds
    assert [run["outcome"] for run in made.runs()] == ["", "done"]
    undisturbed, _ = alone
    assert without(made.table("epochs.csv"), "seconds", "reused") == without(
        undisturbed.table("epochs.csv"), "seconds", "reused"
    )
    same = ("trial", "seed", "x", "act", "state", "ended_by", "epochs", "best_epoch", "val_loss")
    assert [[row[name] for name in same] for row in made.table("trials.csv")] == [
        [row[name] for name in same] for row in undisturbed.table("trials.csv")
    ]
    assert [trial.state for trial in made.optuna().trials] == [TrialState.COMPLETE, TrialState.PRUNED] * 4


def test_ctrl_c_in_a_long_epoch(bench: Callable[..., Bench]) -> None:
    """The whole process group is interrupted, as by a terminal; the epoch would take hours more.

    Nobody knows yet how long an epoch takes, so it is given its ten seconds.
    """
    made = bench("interrupted")
    made.write({"x": {"grid": [0, 1, 2]}}, pause=20 * HANG_S)
    process = made.start()
    wait_for(made.trained, process=process)
    # A second driver is refused meanwhile.
    second = subprocess.run(
        made.command("run", made.folder / "toy.yaml"), capture_output=True, text=True, timeout=HANG_S, cwd=ROOT
    )
    assert second.returncode == 1
    assert re.fullmatch(
        rf"study 'toy' is being run by pid {process.pid} on {re.escape(socket.gethostname())} since "
        r"[-0-9]+T[:0-9]+\+00:00; wait for it, or end it and give the same command again\n",
        second.stderr,
    )

    family = kin(process)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(HANG_S) == 130
    assert re.search(r"\] dropped: epoch 1 of trial 0.*; the same command trains (it|them) again\n", made.out())
    assert made.err() == "study 'toy' was ended by Ctrl-C; the same command goes on\n"
    wait_for(lambda: gone(family))
    assert {trial.state for trial in made.trials()} <= {State.INTERRUPTED, State.WAITING}
    assert State.INTERRUPTED in {trial.state for trial in made.trials()}
    (run,) = made.runs()
    assert run["outcome"] == "interrupted: Ctrl-C"


def test_sigterm_once_and_again(bench: Callable[..., Bench]) -> None:
    """Once: epochs in progress are due within ten seconds and are finished. Again: they are not waited for."""
    made = bench("terminated")
    made.write({"x": {"grid": [0, 1]}}, pause=3, epochs=50)
    process = made.start()
    wait_for(lambda: len(made.trained()) >= 4, process=process)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    wait_for(lambda: "ending: epochs in progress" in made.out(), process=process)
    time.sleep(0.5)  # whoever was told to go on before has begun by now
    begun = len(made.trained())
    assert process.wait(HANG_S) == 130
    assert made.err() == "study 'toy' was ended by SIGTERM; the same command goes on\n"
    assert "dropped" not in made.out()
    assert sum(trial.last_epoch for trial in made.trials()) == begun == len(made.trained()), "every one begun is there"

    process = made.start()
    wait_for(lambda: any(epoch > 1 for *_, epoch in made.trained()[begun:]), process=process)  # no proof of a start
    process.send_signal(signal.SIGTERM)
    wait_for(lambda: "ending: epochs in progress" in made.out(), process=process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(HANG_S) == 130
    assert "dropped: epoch " in made.out()
    assert made.err() == "study 'toy' was ended by SIGTERM; the same command goes on\n"
    assert [run["outcome"] for run in made.runs()] == ["interrupted: SIGTERM"] * 2


ACTS = ["raise", "train", "die once", "no loss", "square", "diverge", "float"]


def test_trials_that_fail(bench: Callable[..., Bench]) -> None:
    made = bench("failing")
    made.write({"act": {"grid": ACTS}})
    done = made.run()
    assert done.returncode == 2
    same = "Either the workload does not read what differs, or it means the same here: they are one training repeated."
    assert done.stderr == (
        f"study 'toy': No bit differs between settings that differ in act: act=train; act=die once. {same}\n"
        "4 trials of study 'toy' failed; `python -m search show 'toy' 0` tells why, the same command tries again\n"
    )
    trials = dict(zip(ACTS, made.trials(), strict=True))
    assert {act: trial.state for act, trial in trials.items()} == {
        "raise": State.FAILED,
        "train": State.FINISHED,
        "die once": State.FINISHED,
        "no loss": State.FAILED,
        "square": State.FAILED,
        "diverge": State.DIVERGED,
        "float": State.FAILED,
    }
    assert trials["raise"].ended_by == "ZeroDivisionError: x is 0 in epoch 2"
    assert (trials["raise"].last_epoch, trials["raise"].attempts) == (1, 1)
    assert trials["die once"].attempts == 2
    assert trials["no loss"].ended_by == (
        "ValueError: this epoch has no metric 'val_loss', which the epochs before it have; every epoch must measure "
        "the same"
    )
    assert trials["square"].ended_by == (
        "TypeError: predictions of 'val' have the shape (2, 2) and the type int64; train_epoch must return one class "
        "per image, a whole number from 0 on: .argmax(axis=1) where these are scores of classes"
    )
    assert trials["float"].ended_by == (
        "TypeError: predictions of 'val' have the shape (2,) and the type float64 (0.0, 1.0); train_epoch must return "
        "one class per image, a whole number from 0 on: .astype(int) where these are classes, else the class of the "
        "highest score"
    )
    shown = made.run("show", "toy", 0)
    assert shown.returncode == 0
    assert "Traceback (most recent call last):" in shown.stdout
    assert 'raise ZeroDivisionError(f"x is {x} in epoch {self.epoch}")' in shown.stdout
    assert "ZeroDivisionError: x is 0 in epoch 2" in shown.stdout

    begun = len(made.trained())
    Path(f"{made.log}.mended").touch()
    done = made.run()
    assert done.returncode == 2
    assert done.stderr == (
        f"study 'toy': No bit differs between settings that differ in act: act=raise; act=train; act=die once. {same}\n"
        "3 trials of study 'toy' failed; `python -m search show 'toy' 3` tells why, the same command tries again\n"
    )
    again = made.trials()
    assert (again[0].state, again[0].ended_by, again[0].error) == (State.FINISHED, "last epoch", "")
    assert [trial.state for trial in again[1:]] == [trial.state for trial in trials.values()][1:]
    assert len(made.trained()) - begun == 5 + 3 * 2, "the mended trial, and those whose rows are refused up to that"


def test_workers_that_die(bench: Callable[..., Bench]) -> None:
    """On every attempt: the trial fails, says of what, and the study goes on."""
    acts = ["die", "crash", "hang", "memory", "leave", "train"]
    made = bench("dying")
    path = made.write({"act": {"grid": acts}})
    done = made.run("run", path, "--set", "search.attempts=2", "--set", "resources.epoch_seconds=4")
    assert done.returncode == 2
    trials = dict(zip(acts, made.trials(), strict=True))
    twice = "the worker died in each of 2 attempts; the last one"
    killed = r"was killed in epoch 2 \(SIGKILL\)(; out of memory: .*)?"
    assert re.fullmatch(f"{twice} {killed}", trials["die"].ended_by)
    assert trials["crash"].ended_by == f"{twice} died of SIGSEGV in epoch 2"
    assert trials["hang"].ended_by == f"{twice} took longer than 4 s in epoch 2 and was ended"
    assert trials["memory"].ended_by == (
        "out of memory in epoch 2: MemoryError; give a trial more (resources.gpus, fewer at once), or make it smaller"
    )
    assert trials["leave"].ended_by == "SystemExit: the workload left"
    assert [trials[act].attempts for act in acts] == [2, 2, 2, 1, 1, 1]
    assert [trials[act].last_epoch for act in acts] == [1, 1, 1, 1, 1, 5]
    assert {trials[act].state for act in acts[:-1]} == {State.FAILED}
    assert trials["train"].state == State.FINISHED
    hang = acts.index("hang")
    assert f"] trial {hang}: its worker took longer than 4 s in epoch 2 and was ended (attempt 1 of 2)\n" in done.stdout
    shown = made.run("show", "toy", hang).stdout
    assert re.search(r'File ".*workloads.py", line \d+ in train_epoch', shown), "where it hung"
    assert 'File "' in made.run("show", "toy", acts.index("crash")).stdout, "where it crashed"


def test_all_trials_fail(bench: Callable[..., Bench]) -> None:
    """In their first epoch, so that there is not one row."""
    made = bench("hopeless")
    made.write({"x": {"grid": [0, 1]}}, seeds=2, act="raise", at=1)
    done = made.run()
    assert done.returncode == 2
    assert done.stderr == (
        "4 trials of study 'toy' failed; `python -m search show 'toy' 0` tells why, the same command tries again\n"
    )
    assert [(row["state"], row["epochs"]) for row in made.table("trials.csv")] == [("failed", "0")] * 4
    assert "0 of 2" in done.stdout
    assert [run["outcome"] for run in made.runs()] == ["failed trials"]
