"""The pieces of the benchmark of epochs that are not measured elsewhere."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time

import pytest

from benchmarks import epochs, watched_study


@pytest.mark.slow
def test_leases_reach_their_first_batch(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("SEARCH_DATA", raising=False)
    file = tmp_path / "starts.json"
    epochs.main(["start", "--models", "model_c", "--size", "16", "--leases", "3", "--json", str(file)])
    [of] = json.loads(file.read_text())["starts"]
    assert of["case"] == "model_c"
    assert len(of["seconds"]) == 3
    assert all(0 < seconds < 600 for seconds in of["seconds"])
    assert capsys.readouterr().out.splitlines()[-1].startswith("model_c ")


@pytest.mark.slow
def test_leases_leave_no_run_behind(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("SEARCH_DATA", raising=False)
    file = tmp_path / "leaks.json"
    told = ["start", "--whole", "--models", "model_c", "--size", "16", "--leases", "2", "--json", str(file)]
    assert epochs.main(told) == 0
    found = json.loads(file.read_text())["leaks"]
    assert [(of["recorded"], of["alive"], of["kept"]) for of in found] == [(False, 0, 0), (True, 0, 1)]
    assert [(len(of["bytes"]), len(of["seconds"])) for of in found] == [(2, 2)] * 2
    assert "runs alive" in capsys.readouterr().out


@pytest.mark.slow
def test_kernels_are_compared_with_what_they_stand_for(tmp_path):
    pytest.importorskip("triton", reason="Triton is not installed")
    file = tmp_path / "fused.json"
    command = [
        "-m",
        "benchmarks.epochs",
        "fused",
        "--models",
        "model_c",
        "--device",
        "cpu",
        "--size",
        "8",
        "--images",
        "2",
    ]
    environment = {**os.environ, "TRITON_INTERPRET": "1"}  # read when Triton is imported
    subprocess.run([sys.executable, *command, "--repeat", "1", "--json", str(file)], env=environment, check=True)
    found = json.loads(file.read_text())["fused"]
    ways = {"PyTorch", "fused", "PyTorch, recorded", "fused, recorded"}
    assert [(of["case"], of["colours"], set(of["ms"])) for of in found] == [
        ("model_c", False, ways),
        ("model_c", True, ways),
    ]
    assert all(of["difference"] < 5e-4 for of in found)


def test_processor_time_is_that_of_all_processes_that_a_command_starts_but_the_servers() -> None:
    busy = "import time\nwhile time.process_time() < 0.4: pass\ntime.sleep(1)"
    rounded_s = 2 / os.sysconf("SC_CLK_TCK")  # the kernel tells a process's own seconds and the system's in whole ticks
    inner = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}], start_new_session=True)"
    with watched_study.marked() as processes:
        began = time.process_time()
        subprocess.run([sys.executable, "-c", inner], check=True)
        subprocess.run([sys.executable, "-c", busy, "serve", "x"], check=True)
        while time.process_time() - began < 0.3:
            pass
    taken_s = math.fsum(processes.seconds.values())
    assert 0.4 - rounded_s <= taken_s < 0.75, "one of the three: not the server's, not this one's"


def test_a_ratio_is_told_with_its_interval() -> None:
    assert watched_study.told([1.0, 1.02, 1.04]) == "1.020 (0.971 to 1.071 with 95 %), median 1.020 of 3"
    assert watched_study.told([1.5]) == "1.500, median 1.500 of 1"
