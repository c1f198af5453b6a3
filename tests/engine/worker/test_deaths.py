"""What is said of a worker that died, whichever way; on processes of its own, without Ray."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from search.engine.decide.death import Death
from search.engine.worker import deaths
from search.engine.worker.deaths import Deaths, Signs, alive, out_of_memory
from tests.surroundings import HANG_S

WORKER = """
import ctypes, os, signal, sys, time
from search.engine.worker.deaths import Signs
folder, limit, what = sys.argv[1], float(sys.argv[2]) or None, sys.argv[3]
signs = Signs(folder, 7, limit)
with signs.busy(2, more=60):
    pass
print("begun", flush=True)
with signs.busy(3):
    exec(what)
time.sleep(1.2 * (limit or 0) if (limit or 0) < 10 else 0)  # longer than the limit, but nothing is to be done in time
signs.close()
os._exit(0)
"""


@contextmanager
def worker(folder: Path | str, what: str, limit: float = 0.0) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", WORKER, str(folder), str(limit), what]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL"])
def test_the_signal_of_a_crash_is_named(name: str, tmp_path: Path) -> None:
    with worker(tmp_path, f"os.kill(os.getpid(), signal.{name})") as process:
        assert process.wait(HANG_S) == -signal.Signals[name]
    death = Deaths(str(tmp_path)).of(7)
    assert death.text == f"died of {name} in epoch 3"
    assert 'File "<string>", line 10 in <module>' in death.detail, "where it was"


@pytest.mark.parametrize("what", ["os.kill(os.getpid(), signal.SIGKILL)", "os._exit(1)"])
def test_what_leaves_no_note_is_concluded(what: str, tmp_path: Path) -> None:
    with worker(tmp_path, what) as process:
        assert process.wait(HANG_S)
    assert Deaths(str(tmp_path)).of(7) == Death("was killed in epoch 3 (SIGKILL, or os._exit in the workload)")
    assert Deaths(str(tmp_path)).of(8) == Death("was killed (SIGKILL, or os._exit in the workload)"), "it noted nothing"


def test_a_worker_that_was_started_in_vain_empties_no_notes(tmp_path: Path) -> None:
    """Tune starts one for a lease that another worker takes over meanwhile."""
    with worker(tmp_path, "print('training', flush=True); time.sleep(60)") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "training\n"
        in_vain = Signs(str(tmp_path), 7, None)
        in_vain.close()
    assert Deaths(str(tmp_path)).of(7, how="died of SIGTERM") == Death("died of SIGTERM in epoch 3")


def test_the_kernel_is_named_where_it_was_out_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter([4, 5, 5])
    monkeypatch.setattr(deaths, "kernel_kills", lambda: next(counts))
    found = Deaths(str(tmp_path))
    with worker(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)") as process:
        process.wait(HANG_S)
    assert found.of(7) == Death(
        "was killed in epoch 3 (SIGKILL); out of memory: the kernel ended a process meanwhile", memory=True
    )
    assert found.of(7) == Death("was killed in epoch 3 (SIGKILL, or os._exit in the workload)"), "not meanwhile"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel says it on Linux alone")
def test_the_kernel_counts() -> None:
    assert isinstance(deaths.kernel_kills(), int)


def test_ray_is_named_where_it_was_out_of_memory(tmp_path: Path) -> None:
    said = "Task was killed due to the node running low on memory.\nMemory on the node was 30GB / 31GB."
    death = Deaths(str(tmp_path)).of(7, said)
    assert death == Death("was ended by Ray; out of memory: this machine ran low", said, memory=True)


def test_of_other_machines_nothing_is_known() -> None:
    assert Deaths("", here=False).of(7, "node 3 is dead") == Death("exited without leaving a trace", "node 3 is dead")


@pytest.mark.parametrize(
    "what",
    ["while True: time.sleep(1)", "ctypes.PyDLL(None).sleep(3600)"],  # the second never lets go of Python's lock
    ids=["Python", "native code"],
)
def test_a_hung_epoch_ends(what: str, tmp_path: Path) -> None:
    assert hasattr(ctypes.PyDLL(None), "sleep")
    with worker(tmp_path, what, limit=0.3) as process:
        assert process.wait(HANG_S) == 1
    death = Deaths(str(tmp_path)).of(7)
    assert death.text == "took longer than 0.3 s in epoch 3 and was ended"
    assert 'File "<string>", line 1 in <module>' in death.detail, "where it hung"


def test_notes_that_find_no_room_hurt_nobody(tmp_path: Path) -> None:
    """What could not be written is tried again when the file is closed."""
    with worker(tmp_path, "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))", limit=60.0) as process:
        assert process.wait(HANG_S) == 0


def test_without_a_folder_a_hung_epoch_ends_too() -> None:
    with worker("", "time.sleep(3600)", limit=0.3) as process:
        assert process.wait(HANG_S) == 1


@pytest.mark.slow
def test_an_epoch_in_time_goes_on(tmp_path: Path) -> None:
    with worker(tmp_path, "time.sleep(0.1)", limit=3.0) as process:
        assert process.wait(HANG_S) == 0


def test_an_endless_limit_is_none(tmp_path: Path) -> None:
    with worker(tmp_path, "time.sleep(0.1)", limit=1e300) as process:
        assert process.wait(HANG_S) == 0


@pytest.mark.slow
def test_a_stopped_worker_is_ended_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGSTOP stops its own alarm as well."""
    monkeypatch.setattr(deaths, "KILL_DELAY_S", 0.3)
    found = Deaths(str(tmp_path))
    with worker(tmp_path, "time.sleep(3600)", limit=100.0) as process:
        while '"epoch": 3, "began"' not in (tmp_path / "lease-7").read_text():
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGSTOP)
        found.end_late([7, 8])
        assert process.poll() is None, "not yet"
        much_later = time.monotonic() + 100.5
        monkeypatch.setattr(deaths, "time", SimpleNamespace(monotonic=lambda: much_later))
        found.end_late([7, 8])
        assert process.wait(HANG_S) == -signal.SIGKILL
    assert found.of(7).text == "took longer than 100 s in epoch 3 and was ended"


def test_nobody_is_ended_without_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deaths, "KILL_DELAY_S", -1e9)
    with worker(tmp_path, "time.sleep(60)") as process:
        Deaths(str(tmp_path)).end_late([7])
        time.sleep(0.2)
        assert process.poll() is None


def test_a_process_that_has_ended_is_not_there() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert alive(process.pid)
    process.communicate(b"\n")
    assert not alive(process.pid)


class OutOfMemoryError(RuntimeError):
    """As torch's for a GPU."""


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (MemoryError(), True),
        (np._core._exceptions._ArrayMemoryError((10**12,), np.dtype(float)), True),
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."), True),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
            True,
        ),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (RuntimeError("shapes cannot be multiplied"), False),
        (KeyError("memory"), False),
    ],
)
def test_out_of_memory(error: Exception, is_one: bool) -> None:
    assert out_of_memory(error) is is_one
