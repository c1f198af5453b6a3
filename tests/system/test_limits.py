"""What affinity, cgroups and limits of the user leave of a machine, from made-up facts; and one run that heeds them."""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from search.system import limits, machine
from search.system.limits import Cpus, Processes, cpu_quota, least_cpus, memory_bytes, processes
from tests.engine.test_run import ROOT, Bench

HALF = 2**29
"""Bytes that every machine of these tests has more of."""


@pytest.fixture
def system(tmp_path: Path) -> Callable[..., Path]:
    """Make a ``/proc/self`` and the cgroups it tells of; return the former."""

    def make(cgroup: str, mounts: Mapping[str, str], files: Mapping[str, str]) -> Path:
        proc = tmp_path / "proc"
        proc.mkdir()
        base = str(tmp_path).replace("\\", r"\134").replace(" ", r"\040")  # as the kernel writes it
        (proc / "cgroup").write_text(cgroup)
        lines = [
            f"30 20 0:2{number} {what.split()[0]} {base}/{place} rw,nosuid shared:9 - {' '.join(what.split()[1:])}"
            for number, (place, what) in enumerate(mounts.items())
        ]
        (proc / "mountinfo").write_text("20 1 8:1 / / rw - ext4 /dev/vda rw\n" + "\n".join(lines) + "\n")
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content + "\n")
        return proc

    return make


V2 = {"cg": "/ cgroup2 cgroup2 rw,nsdelegate"}


def test_version_2_and_every_group_outside_counts(system: Callable[..., Path]) -> None:
    files = {"cg/a.slice/cpu.max": "150000 100000", "cg/a.slice/job/cpu.max": "max 100000"}
    files |= {"cg/a.slice/memory.max": "max", "cg/a.slice/job/memory.max": str(HALF), "cg/a.slice/pids.max": "77"}
    files |= {"cg/a.slice/pids.current": "70", "cg/a.slice/job/pids.max": "max", "cg/a.slice/job/pids.current": "9"}
    proc = system("0::/a.slice/job\n", V2, files)
    assert cpu_quota(proc) == 1.5
    assert memory_bytes(proc) == HALF
    assert processes(proc) == Processes(77, 70, "this cgroup may have (pids.max)")


def test_version_1_has_a_mount_for_each_controller(system: Callable[..., Path]) -> None:
    mounts = {"c": "/ cgroup cgroup rw,cpu,cpuacct", "m": "/ cgroup cgroup rw,memory", "u": "/ cgroup2 none rw"}
    files = {"c/box/cpu.cfs_quota_us": "50000", "c/box/cpu.cfs_period_us": "100000", "c/cpu.cfs_quota_us": "-1"}
    files |= {"c/cpu.cfs_period_us": "100000", "m/box/memory.limit_in_bytes": str(HALF)}
    files |= {"m/memory.limit_in_bytes": "9223372036854771712"}
    proc = system("4:memory:/box\n2:cpu,cpuacct:/box\n0::/\n", mounts, files)
    assert (cpu_quota(proc), memory_bytes(proc)) == (0.5, HALF)


@pytest.mark.parametrize(
    ("own", "root"),
    [
        ("/docker/f00", "/docker/f00"),  # of the host, of which this group alone is mounted
        ("/../../elsewhere", "/"),  # a namespace that begins further inside
        ("/", "/"),
        ("/gone", "/"),
    ],
)
def test_in_a_container_the_outermost_group_is_its_own(own: str, root: str, system: Callable[..., Path]) -> None:
    proc = system(f"0::{own}\n", {"cg": f"{root} cgroup2 cgroup rw"}, {"cg/cpu.max": "200000 100000"})
    assert cpu_quota(proc) == 2.0


@pytest.mark.parametrize("content", ["max 100000", "", "nonsense", "0 0", "-1 100000"])
def test_without_a_limit_there_is_none(content: str, system: Callable[..., Path]) -> None:
    proc = system("0::/\n", V2, {"cg/cpu.max": content, "cg/memory.max": "max", "cg/pids.max": "max"})
    assert cpu_quota(proc) == math.inf
    assert memory_bytes(proc) == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert processes(proc).left == math.inf


def test_where_there_are_no_cgroups(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path / "none") == math.inf
    assert list(limits.cgroups("cpu", tmp_path / "none")) == []


@pytest.mark.parametrize(
    ("there", "affinity", "quota", "found"),
    [
        (8, 8, math.inf, Cpus(8, 8)),
        (8, 8, 8.0, Cpus(8, 8)),
        (8, 8, 64.0, Cpus(8, 8)),
        (8, 2, math.inf, Cpus(2, 8, "CPU affinity")),
        (8, 8, 2.5, Cpus(2, 8, "cgroup quota of 2.5 CPUs")),
        (8, 8, 0.5, Cpus(1, 8, "cgroup quota of 0.5 CPUs")),
        (8, 4, 2.0, Cpus(2, 8, "cgroup quota of 2 CPUs")),
        (8, 1, 2.0, Cpus(1, 8, "CPU affinity")),
        (1, 1, 0.5, Cpus(1, 1)),
    ],
)
def test_the_narrowest_limit_counts(there: int, affinity: int, quota: float, found: Cpus) -> None:
    assert least_cpus(there, affinity, quota) == found


def test_what_a_trial_asks_for_is_given_and_said() -> None:
    free, bound = Cpus(8, 8), Cpus(2, 8, "CPU affinity")
    assert [free.offered(wanted) for wanted in (1, 8, 9)] == [8, 8, 8]
    assert [bound.offered(wanted) for wanted in (1, 2, 3, 8, 9)] == [2, 2, 3, 8, 8]
    assert [free.note(wanted) for wanted in (1, 8, 9)] == ["", "", ""]
    assert bound.note(1) == bound.note(9) == "2 of 8 CPUs may be used here (CPU affinity)"
    assert bound.note(3) == (
        "2 of 8 CPUs may be used here (CPU affinity), but resources.cpus gives each trial 3: one trial at a time "
        "trains with so many threads, as the file says; resources.cpus: 2 fits, in another execution class"
    )


def test_the_record_tells_what_may_be_used_where_that_is_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "cpus", lambda: Cpus(8, 8))
    assert not {"usable_cores", "limited_by"} & set(machine.hardware())
    monkeypatch.setattr(limits, "cpus", lambda: Cpus(2, 8, "CPU affinity"))
    told = machine.hardware()
    assert (told["cores"], told["usable_cores"], told["limited_by"]) == (os.cpu_count(), 2, "CPU affinity")


def test_threads_of_a_user_are_counted_and_their_limit_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, user, threads in ((1, 0, 5), (20, 1000, 3), (21, 1000, 8), (22, 1001, 50)):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "status").write_text(f"Name:\tx y\nUid:\t{user}\t0\t0\t0\nThreads:\t{threads}\n")
    monkeypatch.setattr("os.getuid", lambda: 1000)
    for limit, found in [
        (40, Processes(40, 11, "this user may have (ulimit -u)")),
        (5, Processes(5, 11, "this user may have (ulimit -u)")),
        (resource.RLIM_INFINITY, Processes()),
        (10**6, Processes()),
    ]:
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        assert processes(tmp_path / "self") == found
    monkeypatch.setattr(resource, "getrlimit", lambda _: (40, 40))
    monkeypatch.setattr("os.getuid", lambda: 0)
    assert processes(tmp_path / "self") == Processes(), "root is not limited"


def test_a_limit_is_trouble_where_too_little_is_left() -> None:
    limit = Processes(40, 11, "this user may have (ulimit -u)")
    assert (limit.left, limit.trouble(29), Processes().trouble(10**9), Processes(5, 9, "x").left) == (29, "", "", 0)
    assert limit.trouble(30) == (
        "it takes at least 30 processes and threads, 29 are left of the 40 processes and threads that this user may "
        "have (ulimit -u); raise this limit, or end other programs"
    )


@contextmanager
def one_cpu() -> Iterator[None]:
    """Let this process and its children have one CPU, as ``taskset -c`` does."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no CPU affinity")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="this machine has one CPU")
def test_a_run_on_one_cpu_has_one_worker(tmp_path: Path) -> None:
    made = Bench(tmp_path)
    path = made.write({"x": {"grid": [0, 1]}})
    words = ["--set", "resources.cpus=1"]
    note = f"1 of {os.cpu_count()} CPUs may be used here (CPU affinity)"
    with one_cpu():
        plan = [sys.executable, "-m", "search", "plan", str(path), *words, "--json", "--no-probe"]
        planned = json.loads(subprocess.run(plan, capture_output=True, cwd=ROOT, timeout=300, check=True).stdout)
        done = made.run("run", path, *words)
    assert (planned["seconds"]["workers"], planned["place"]["note"]) == (1, note)
    assert (done.returncode, done.stderr) == (0, "")
    assert note in done.stdout
    assert "study toy: 1 workers of 1 CPU and 0 GPU" in done.stdout
