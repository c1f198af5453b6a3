"""What whole studies and the service cost, from figures to lines; whose processor time it is. No Ray is started."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from benchmarks import burning, sharing
from benchmarks.processes import DRIVER, SERVERS, WORKERS, kind, watching
from benchmarks.service import Cost, lines, targets
from benchmarks.shares import OURS, PLAIN, Side
from benchmarks.study import STUDIES, hours
from search.api import load_space


@pytest.mark.parametrize(
    ("command", "root", "what"),
    [
        (["python", "-m", "benchmarks.service"], True, DRIVER),
        (["ray::LeaseTrainable.train"], False, WORKERS),
        (["python", "-u", "/x/ray/_private/workers/default_worker.py", "--node-ip-address=127.0.0.1"], False, WORKERS),
        (["/x/ray/core/src/ray/raylet/raylet", "--raylet_socket_name=y"], False, SERVERS),
        (["/x/ray/core/src/ray/gcs/gcs_server"], False, SERVERS),
        ([], False, SERVERS),
    ],
)
def test_what_a_process_is(command, root, what):
    assert kind(command, root) == what


@pytest.mark.slow
def test_processor_time_is_counted_with_that_of_the_processes_it_starts():
    burning = "import time\nwhile time.process_time() < 0.6: pass\ntime.sleep(1.5)"
    starting = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    process = subprocess.Popen([sys.executable, "-c", starting, burning])
    with watching(process.pid) as watched:
        assert process.wait() == 0
    seconds = watched.seconds()
    assert seconds[SERVERS] >= 0.55  # whatever is neither the command nor a worker; counted in hundredths
    assert seconds[WORKERS] == 0


def cost(**changed):
    known = {
        "trials": 60,
        "workers": 2,
        "each": 10.0,
        "burnt": 0.0,
        "processor": {DRIVER: 14.0, WORKERS: 9.0, SERVERS: 6.0},
        "imports": 2.0,
        "wall": 320.0,
        "apart": 15.0,
        "steady": 303.0,
    }
    return Cost(**{**known, **changed})


def test_shares_are_of_the_seconds_trained_and_of_the_ideal():
    found = [" ".join(line.split()) for line in lines(cost())]
    assert found == [
        "60 trials of 10 s on 2 workers: 600 s trained, ideal 300 s",
        "processor time of the seconds trained",
        "driver 14.00 s 2.33 %",
        "without its imports 12.00 s 2.00 %",
        "Ray's servers 6.00 s 1.00 %",
        "workers beyond their epochs 9.00 s 1.50 %",
        "wall-clock beyond the ideal",
        "whole command 320.00 s 6.67 %",
        "without imports and starts 305.00 s 1.67 %",
        "first epoch to last 303.00 s 1.00 %",
    ]


def test_trials_that_do_not_go_into_the_workers_take_a_round_more():
    assert cost(trials=61).ideal == 310
    assert cost(trials=1).ideal == 10


@pytest.mark.parametrize(
    ("changed", "met"),
    [({}, [False, True]), ({"imports": 2.1}, [True, True]), ({"wall": 321.5}, [False, False])],
)
def test_targets_of_the_service(changed, met):
    assert [holds for _, holds in targets(cost(**changed))] == met


def test_a_burning_study_is_a_space_and_its_epochs_take_their_time():
    space = load_space(burning.space(3, 2, 0.05, "burn"))
    assert space.search.trials == 3
    run = burning.Burning().start({"x": 0.3, "y": 0.6, "seconds": 0.05, "how": "burn"}, 1, 0)
    before = time.thread_time()
    assert run.train_epoch({}) == {"val_loss": 1.0}
    assert time.thread_time() - before >= 0.05
    again = burning.Burning().start({"x": 0.3, "y": 0.6, "seconds": 0.0, "how": "sleep"}, 1, 0)
    again.load(run.save())
    assert again.train_epoch({}) == {"val_loss": 0.5}


def test_each_study_is_one_both_sides_know():
    sizes = {name: sharing.space_of(file, {}).grid_size() for name, file in STUDIES.items()}
    assert sizes == {"factorial": 96, "resnet": 8}


def test_hours_are_given_for_each_side_and_by_ours():
    sides = {
        OURS: Side({}, ["a"] * 10, 20.0, 36.0, 5.0, processor={DRIVER: 4.0, WORKERS: 25.0, SERVERS: 1.0}),
        PLAIN: Side({}, ["a"] * 40, 80.0, 180.0, 5.0, processor={DRIVER: 8.0, WORKERS: 100.0, SERVERS: 4.0}),
    }
    found = [line[30:].split() for line in hours(sides, 2)[1:]]
    assert found == [
        ["10", "36.0", "0.0200", "20.0", "30.0", "4.0", "25.0", "1.0"],
        ["40", "180.0", "0.1000", "80.0", "112.0", "8.0", "100.0", "4.0"],
        ["4.00", "5.00", "5.00", "4.00", "3.73", "2.00", "4.00", "4.00"],
    ]
