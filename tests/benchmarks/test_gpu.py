"""One call for all that wants a GPU: what it runs, how long, and that its own reader agrees with the service's."""

from __future__ import annotations

import json

import pytest

from benchmarks import gpu, rows
from benchmarks.gpu import Ended, Part, limit, parts, summarised
from benchmarks.rows import ROOT, Row, lines, rows_of
from search.space.reader import read_space

# Rows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["activation", "normalisation", "depth"])
def test_rows_are_those_the_service_reads(name):
    space = read_space(ROOT / f"spaces/{name}.yaml")
    [axis] = space.axes
    expected = {str(value): {**space.fixed, **axis.settings(value)} for value in axis.domain.values}
    assert rows_of(ROOT / f"spaces/{name}.yaml") == expected


def test_another_kind_of_file_is_refused():
    with pytest.raises(SystemExit, match=r"factorial.yaml: rows are the values of one grid; choose another file$"):
        rows_of(ROOT / "spaces/factorial.yaml")


def test_epochs_that_are_missing_count_as_the_later_ones_that_are_there():
    row = Row("relu", 10, [5.0, 1.0, 2.0])
    assert row.whole == 8 + 7 * 1.5
    assert Row("relu", 2, [5.0, 1.0]).whole == 6
    assert Row("relu", 3, [5.0]).whole == 15


def test_what_was_measured_and_what_was_estimated_is_said():
    done, half = Row("relu", 2, [2.0, 1.0], {"val_accuracy": 0.75}), Row("example", 4, [1.0, 1.0])
    assert " ".join(lines([done])[1].split()) == "relu 2 1.000 2.00 3.0 75.0"
    assert lines([done])[-1] == "all rows, one after the other: 3 s (measured)"
    assert lines([done, half])[-1] == ("all rows, one after the other: 7 s (estimated, 4 of 6 epochs trained in 5 s)")


@pytest.mark.slow
def test_rows_train_in_turns_and_are_written(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("SEARCH_DATA", raising=False)
    file = tmp_path / "rows.json"
    tiny = ["--few", "8", "--epochs", "2", "--set", "data.size=16", "--set", "batch_size=4", "--set"]
    rows.main([*tiny, "model.activation=tanh", "--device", "cpu", "--json", str(file)])
    told = json.loads(file.read_text())
    assert [(row["row"], len(row["seconds"])) for row in told["rows"]] == [
        ("relu", 2),
        ("leaky_relu", 2),
        ("sigmoid", 2),
        ("example", 2),
    ]
    assert (
        "drawn, 8 different, in place of flowers-102: 8 train, 8 val, 8 test images of 16 px" in told["conditions"][-1]
    )
    assert capsys.readouterr().out.splitlines()[-1].endswith("(measured)")


# Parts -------------------------------------------------------------------------------------------------------


def test_shares_are_at_most_all_the_time():
    listed = parts("cpu", False, 10)
    assert sum(part.share for part in listed if part.name != "study") <= 1
    assert [part.name for part in listed] == [
        "tests",
        "training",
        "profile",
        "rows bf16",
        "rows fp32",
        "packing",
        "study",
    ]


def test_the_tests_are_those_that_know_of_a_gpu():
    found = gpu.tests_for_a_gpu(ROOT / "tests")
    assert str(ROOT / "tests/classifier/augment/test_independence.py") in found
    assert str(ROOT / "tests/core/test_trial.py") not in found


def test_a_part_never_gets_more_than_is_left():
    assert limit(0.25, 10, 0) == 150
    assert limit(0.25, 10, 500) == 100
    assert limit(0.25, 10, 700) == gpu.MIN_PART_S


def test_what_cannot_be_done_is_left_out_with_the_reason(monkeypatch):
    monkeypatch.delenv("SEARCH_DATA", raising=False)
    monkeypatch.setattr(gpu, "missing", lambda modules: [name for name in modules if name == "ray"])
    *others, study = parts("cpu", True, 1)
    assert [part.missing for part in others] == [""] * 6
    assert study.missing == "ray is not installed; SEARCH_DATA names no folder with flowers-102"
    assert summarised([Ended("tests", 0, 1.5)], {"study": study.missing}) == [
        "tests            1.5 s  done",
        "study        left out: ray is not installed; SEARCH_DATA names no folder with flowers-102",
    ]


def test_without_what_training_needs_nothing_is_tried(monkeypatch):
    monkeypatch.setattr(gpu, "missing", lambda modules: [name for name in modules if name == "jsonschema"])
    assert {part.missing for part in parts("cuda", False, 10)[:-1]} == {"jsonschema is not installed"}


def test_how_parts_end_is_told_apart():
    told = [str(ended).split("s  ")[1] for ended in (Ended("a", 0, 1), Ended("b", 2, 1), Ended("c", None, 1))]
    assert told == ["done", "FAILED, code 2", "its time was over"]


@pytest.mark.slow
def test_a_part_is_ended_with_all_it_started_and_its_output_is_kept(tmp_path):
    script = (
        "import subprocess, sys, time; print('begun', flush=True); subprocess.run([sys.executable, '-c', sys.argv[1]])"
    )
    inner = "import time; print('inner', flush=True); time.sleep(36000)"
    with (tmp_path / "log.txt").open("w+") as log:
        ended = gpu.run(Part("long", ["-c", script, inner], 1.0), 3.0, log, tmp_path)
        log.seek(0)
        assert {"begun", "inner"} <= set(log.read().splitlines())
    assert ended.code is None


def test_figures_of_a_part_are_read(tmp_path):
    script = "import json, sys; open(sys.argv[1], 'w').write(json.dumps({'rate': 3}))"
    with (tmp_path / "log.txt").open("w") as log:
        assert gpu.run(Part("quick one", ["-c", script, gpu.JSON], 1.0), 60.0, log, tmp_path).figures == {"rate": 3}


def test_unknown_parts_are_refused(tmp_path, capsys):
    sentence = "found --parts nothing, must be some of packing, profile, rows, study, tests, training"
    with pytest.raises(SystemExit):
        gpu.main(["--out", str(tmp_path), "--device", "cpu", "--parts", "nothing"])
    assert capsys.readouterr().err.splitlines()[-1].endswith(sentence)
