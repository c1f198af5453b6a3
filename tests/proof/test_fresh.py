"""Fresh processes: nothing was trained there before, they answer as a run does, and nothing of them is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from search.proof.fresh import Fresh, FreshDied, FreshFailed, Warm
from search.system.machine import fork_is_fresh
from tests.proof import workloads
from tests.surroundings import HANG_S

WAYS = [
    pytest.param(True, id="forked", marks=pytest.mark.skipif(not fork_is_fresh(0), reason="a fork is not fresh here")),
    pytest.param(False, id="spawned"),
]


@pytest.fixture(scope="module", params=WAYS)
def warm(request) -> Iterator[Warm]:
    with Warm(workloads.told, fork=request.param) as made:
        yield made


@pytest.fixture(scope="module")
def forked() -> Iterator[Warm]:
    if not fork_is_fresh(0):
        pytest.skip("a fork is not fresh here")
    with Warm(workloads.told, fork=True) as made:
        yield made


def do(fresh: Fresh, what: str = "", started: bool = False) -> dict[str, object]:
    if not started:
        fresh.start({"seed": 1}, 1, 0)
    return dict(fresh.train_epoch({"do": what}))


def gone(process: int) -> bool:
    """Wait until a process has ended."""
    deadline = time.monotonic() + HANG_S
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            try:
                os.kill(process, 0)
            except ProcessLookupError:
                return True
        time.sleep(0.02)
    return False


def written(path: Path) -> int:
    """Wait for the process number that a workload writes."""
    deadline = time.monotonic() + HANG_S
    while time.monotonic() < deadline:
        if path.exists() and path.read_text():
            return int(path.read_text())
        time.sleep(0.02)
    raise AssertionError(f"{path} was not written")


@pytest.mark.slow
def test_nothing_was_trained_in_a_fresh_process_and_another_run_starts_anew_there(warm):
    before = len(workloads.trained_here)
    with warm.fresh() as one, warm.fresh() as other:
        first, second = do(one), do(one, started=True)
        again, apart = do(one), do(other)
    assert [row["value"] for row in (first, second, again, apart)] == [1, 2, 1, 1]
    assert [row["trained_here"] for row in (first, second, again, apart)] == [1, 2, 3, 1]
    assert len({first["process"], apart["process"], os.getpid()}) == 3
    assert first["chance"] != apart["chance"]
    assert len(workloads.trained_here) == before


@pytest.mark.slow
def test_a_state_goes_on_there_as_in_this_process(warm):
    with warm.fresh() as fresh:
        fresh.start({"seed": 1}, 1, 0, b"6")
        assert do(fresh, started=True)["value"] == 7
        assert fresh.save() == b"7"
        fresh.load(b"2")
        assert do(fresh, started=True)["value"] == 3
        assert fresh.data({"seed": 1}) is None


@pytest.mark.slow
def test_an_exception_comes_with_its_traceback_and_the_process_lives_on(warm):
    with warm.fresh() as fresh:
        with pytest.raises(FreshFailed, match=r"Traceback[\s\S]*ValueError: not so") as failed:
            do(fresh, "raise so")
        assert failed.value.reason.startswith("ValueError('not so') (")
        assert "workloads.py, line" in failed.value.reason
        assert do(fresh)["value"] == 1
        with pytest.raises(FreshFailed, match="SystemExit: 3"):
            do(fresh, "exit 3")
        with pytest.raises(FreshFailed, match="lambda"):  # what cannot be handed over
            do(fresh, "lambda")
        assert do(fresh)["value"] == 1


@pytest.mark.slow
def test_a_process_that_dies_is_told_with_its_signal_or_status(warm):
    with warm.fresh() as fresh, pytest.raises(FreshDied, match=r"^the process died of SIGKILL$"):
        do(fresh, "kill SIGKILL")
    with warm.fresh() as fresh:
        with pytest.raises(FreshDied, match=r"^the process ended with exit status 7$"):
            do(fresh, "leave 7")
        with pytest.raises(FreshDied, match=r"^the process was closed$"):
            fresh.save()


def test_what_is_asked_too_early_is_an_exception(forked):
    with forked.fresh() as fresh, pytest.raises(FreshFailed, match="no run was started"):
        fresh.train_epoch({})


@pytest.mark.slow
def test_what_a_workload_prints_goes_to_standard_error_and_it_reads_nothing():
    script = (
        "from tests.proof import workloads, test_fresh; from search.proof.fresh import Warm\n"
        "for fork in (True, False):\n"
        "    with Warm(workloads.told, fork=fork) as warm, warm.fresh() as fresh:\n"
        "        test_fresh.do(fresh, 'print hello'); assert test_fresh.do(fresh, 'read')['value'] == 0\n"
        "print('done')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, input="x", timeout=HANG_S)
    assert (done.stdout, done.stderr) == ("done\n", "hello\n" * 4)


@pytest.mark.slow
@pytest.mark.parametrize("fork", WAYS)
def test_children_end_with_whoever_is_killed_also_in_the_midst_of_training(fork, tmp_path):
    script = (
        "import sys; from tests.proof import workloads, test_fresh; from search.proof.fresh import Warm\n"
        f"with Warm(workloads.told, fork={fork}) as warm, warm.fresh() as fresh:\n"
        "    test_fresh.do(fresh, 'sleep ' + sys.argv[1])\n"
    )
    caller = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "number")])
    child = written(tmp_path / "number")
    caller.kill()
    caller.wait()
    assert gone(child)


@pytest.mark.slow
def test_a_process_that_is_closed_ends_with_what_it_has_started(warm, tmp_path):
    with warm.fresh() as fresh:
        do(fresh, f"child {tmp_path / 'number'}")
    assert gone(written(tmp_path / "number"))
    assert gone(fresh.pid)
    fresh.close()  # again


def test_a_closed_warm_process_ends_its_forks_and_gives_no_more(forked):
    with Warm(workloads.told, fork=True) as warm:
        fresh = warm.fresh()
        do(fresh)
    assert gone(fresh.pid)
    with pytest.raises(FreshDied):
        fresh.save()
    fresh.close()
    with pytest.raises(FreshDied, match=r"^the warm process was closed$"):
        warm.fresh()
    warm.close()


@pytest.mark.usefixtures("forked")  # not where a fork is not fresh
def test_a_warm_process_that_was_killed_is_told_whatever_is_asked():
    with Warm(workloads.told, fork=True) as killed:
        os.kill(killed._pid, signal.SIGKILL)
        for ask in (killed.fresh, lambda: killed.import_modules(["json"])):
            with pytest.raises(FreshDied, match=r"^the warm process has ended$"):
                ask()


def test_nothing_is_left_open(forked):
    with forked.fresh() as fresh:
        before = do(fresh)["descriptors"]
    here = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with forked.fresh() as fresh:
            assert do(fresh)["descriptors"] == before
    assert len(os.listdir("/proc/self/fd")) == here


def test_several_threads_may_use_one_and_several_warm_processes_may_be_there(forked):
    def work(number: int) -> list[object]:
        with Warm(workloads.told, fork=True) as own, own.fresh() as one, forked.fresh() as other:
            rows = [do(fresh, started=bool(epoch)) for epoch in range(3) for fresh in (one, other)]
            with pytest.raises(FreshDied):
                do(one, "leave 1")
        return [row["value"] for row in rows]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(8))) == [[1, 1, 2, 2, 3, 3]] * 8


def test_a_fork_of_a_process_with_threads_that_hold_locks_answers(forked):
    lock, stop = threading.Lock(), threading.Event()

    def hold() -> None:
        with lock:
            stop.wait()

    threads = [threading.Thread(target=hold if number == 0 else stop.wait) for number in range(8)]
    for thread in threads:
        thread.start()
    try:
        with Warm(workloads.told, fork=True) as warm, warm.fresh() as fresh:
            assert do(fresh)["value"] == 1
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.slow
def test_torch_computes_with_several_threads_in_a_fork():
    """In a process of its own: a fork of one in which threads have computed already waits for them for ever."""
    script = (
        "from tests.proof import workloads, test_fresh; from search.proof.fresh import Warm\n"
        "with Warm(workloads.told, fork=True) as warm, warm.fresh() as fresh, warm.fresh() as other:\n"
        "    for each in (fresh, other):\n"
        "        each.start({'seed': 1}, 2, 0)\n"
        "        print(test_fresh.do(each, 'threads', started=True)['value'] == 600.0**3)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=HANG_S, check=False)
    assert (done.stdout, done.stderr) == ("True\nTrue\n", "")


@pytest.mark.slow
def test_the_same_bits_as_in_this_process(forked):
    fixed, settings = {"degree": 3, "momentum": 0.9, "seed": 5}, {"lr": 0.05}
    run = workloads.sine().start(fixed, 1, 0)
    here = [run.train_epoch(settings) for _ in range(3)]
    for fork in (True, False):
        with Warm(workloads.sine, fork=fork) as warm, warm.fresh() as fresh:
            fresh.start(fixed, 1, 0)
            assert [fresh.train_epoch(settings) for _ in range(2)] == here[:2]
            state = fresh.save()
            fresh.start(fixed, 1, 0, state)
            assert fresh.train_epoch(settings) == here[2]


@pytest.mark.slow
@pytest.mark.parametrize("fork", WAYS)
@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [(workloads.lacking, "a library is not installed"), (workloads.torn, "the folder is empty")],
)
def test_a_workload_that_cannot_be_imported_or_has_no_data_is_told(fork, prepare, sentence):
    with Warm(prepare, fork=fork) as warm, pytest.raises(FreshFailed, match=sentence), warm.fresh() as fresh:
        do(fresh)
