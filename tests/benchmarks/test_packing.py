"""Trials that share a device: figures to lines, cores to trials, and a small run of both ways."""

from __future__ import annotations

import json
import os
import re
import shutil
import weakref
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import loops, packing
from benchmarks.packing import Packed, placed, table
from benchmarks.rates import CASES

ALONE = Packed(1, 1, [10.0, 12.0, 8.0], ["a", "a"])


def rows(lines):
    return [" ".join(line.split()) for line in lines[1:]]


def test_trials_per_hour_are_by_the_slowest_of_them():
    assert ALONE.hourly == 360
    assert Packed(4, 1, [20.0], ["a"] * 4).hourly == 720


def test_bits_are_compared_with_those_of_a_trial_alone():
    found = [
        ALONE,
        Packed(2, 1, [10.0], ["a", "a"], 3.21),
        Packed(2, 1, [10.0], ["a", "b"]),
        Packed(1, 2, [5.0], ["c"]),
    ]
    assert rows(table(found)) == [
        "1 1 10.00 360.0 1.00 0.0 yes",
        "2 1 10.00 720.0 2.00 3.2 yes",
        "2 1 10.00 720.0 2.00 0.0 NO",
        "1 2 5.00 720.0 2.00 0.0 other threads, other bits",
    ]


def test_a_trial_that_differs_from_itself_is_seen():
    assert rows(table([ALONE, Packed(1, 1, [10.0], ["b"])]))[1].endswith("NO")


def test_each_trial_has_cores_of_its_own_while_there_are_enough():
    assert placed(2, 1, [4, 7]) == [[4], [7]]
    assert placed(1, 2, [4, 7]) == [[4, 7]]
    assert placed(3, 1, [4, 7]) == [[4], [7], [4]]


def test_without_the_service_it_is_said_what_to_do(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    sentence = "nvidia-cuda-mps-control is not there; install it with the driver, or leave out --mps"
    with pytest.raises(RuntimeError, match=f"^{re.escape(sentence)}$"), packing.mps():
        pass


@pytest.mark.slow
def test_trials_share_the_processor_and_keep_their_bits(capsys):
    wanted = ["--images", "48", "--epochs", "1", "--at-once", "2", "--device", "cpu", "--drawn"]
    packing.main(wanted)
    lines = [line for line in capsys.readouterr().out.splitlines() if re.match(r" +\d+ +\d+ +[\d.]+ ", line)]
    assert [line.split()[:2] for line in lines[:2]] == [["1", "1"], ["2", "1"]]
    assert [line.split()[-1] for line in lines[:2]] == ["yes", "yes"]


@pytest.mark.slow
@pytest.mark.parametrize("recorded", [[], ["--recorded"]], ids=["eager", "recorded"])
def test_trials_share_a_process_and_keep_their_bits(recorded):
    wanted = ["--images", "96", "--epochs", "2", "--at-once", "3", "--device", "cpu", "--drawn", *recorded]
    alone, shared = packing.together(replace(CASES["model_c"], size=16), packing.options().parse_args(wanted))
    assert (alone.trials, shared.trials) == (1, 3)
    assert len(alone.digests) == 1
    assert shared.digests == alone.digests * 3


def test_trials_of_one_number_are_freed_before_those_of_the_next_begin(monkeypatch):
    begun, alive = [], weakref.WeakSet()

    class Run:
        def __init__(self, *what):
            begun.append(len(alive))
            alive.add(self)

        def __call__(self):
            return "digest"

    monkeypatch.setattr(loops, "Beside", Run)
    monkeypatch.setattr(packing, "beginning", lambda case, chosen: (object, {}))
    wanted = packing.options().parse_args(["--at-once", "2", "3", "--device", "cpu"])
    assert [len(of.digests) for of in packing.together(CASES["model_c"], wanted)] == [1, 2, 3]
    assert begun == [0, 0, 1, 0, 1, 2]


@pytest.mark.slow
def test_trials_of_one_process_are_in_a_process_that_ends_before_others_are_measured(tmp_path, monkeypatch, capsys):
    def here(*what):
        raise AssertionError("they trained in the process that measures")

    def apart(case, chosen, arguments, environment, known):
        assert children() <= before
        return [ALONE]

    monkeypatch.setattr(packing, "together", here)
    monkeypatch.setattr(packing, "measure", apart)
    before, file = children(), tmp_path / "packing.json"
    wanted = ["--images", "48", "--epochs", "1", "--at-once", "2", "--device", "cpu", "--drawn", "--one-process"]
    assert packing.main([*wanted, "--json", str(file)]) == 0
    alone, shared = json.loads(file.read_text())["processes"]["one process"]
    assert (alone["trials"], shared["trials"], len(shared["digests"])) == (1, 2, 2)
    assert set(shared["digests"]) == set(alone["digests"])
    assert "\none process\n" in capsys.readouterr().out


def children():
    """Return the processes that this one has started."""
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


def test_a_trial_that_fails_beside_others_lets_them_end_and_is_told():
    ended = []

    def fails():
        raise ZeroDivisionError("made up")

    with pytest.raises(ZeroDivisionError, match="made up"):
        loops.side_by_side([fails, lambda: ended.append("other") or "digest"])
    assert ended == ["other"]


# A study in both ways ------------------------------------------------------------------------------------------


def told(**more):
    ways = {
        way: {"code": 0, "sharing": [{"trials_per_gpu": 2}] if way == "shared" else []} for way in ("shared", "alone")
    }
    return {**ways, "rows in both": 5, "differing": [], **more}


@pytest.mark.parametrize(
    ("more", "faults"),
    [
        ({}, []),
        ({"alone": {"code": 3, "sharing": []}}, ["alone: search run ended with code 3"]),
        (
            {"shared": {"code": 0, "sharing": []}},
            ["shared: nothing was decided on how many trials share the GPU"],
        ),
        ({"rows in both": 0}, ["no row is in both, so no bits were compared"]),
        ({"differing": ["trial 1, epoch 2: val_loss"]}, ["1 of 5 rows differ: ['trial 1, epoch 2: val_loss']"]),
    ],
)
def test_what_is_wrong_with_a_study_in_both_ways_is_told(more, faults):
    assert packing.study_faults(told(**more)) == faults
