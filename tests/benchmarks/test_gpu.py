"""One call for all that wants a GPU: what it runs, how long, and that its own reader agrees with the service's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import gpu, harness, rows
from benchmarks.gpu import Ended, Part, limit_of, parts, summarised
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


def test_what_tells_the_most_comes_first():
    listed = parts("cuda", False, 10)
    assert sum(part.share for part in listed) == pytest.approx(1)
    assert " ".join(part.name.replace(" ", "-") for part in listed) == (
        "probe tests leaks starts rows-bf16 rows-recorded profile training fused study packing rows-fp32 rows-256"
    )


def test_the_tests_are_those_that_need_a_gpu_and_no_others():
    """Whatever is skipped for want of a GPU has the mark by which it is chosen."""
    files = [Path(name) for name in gpu.tests_for_a_gpu(ROOT / "tests")]
    assert files[0].name == "test_cuda.py"
    own = Path(__file__)
    skipped = [
        path for path in (ROOT / "tests").rglob("test_*.py") if "(not torch.cuda.is_available()" in path.read_text()
    ]
    assert {*files} - {own} == {*skipped} - {own} != set()
    for path in skipped:
        if path != own:
            assert path.read_text().count("mark.skipif(not torch.cuda") == path.read_text().count(gpu.MARK)


def test_time_that_a_part_leaves_over_goes_to_those_behind_it():
    first, *others = [Part(name, [], share) for name, share in (("a", 0.5), ("b", 0.3), ("c", 0.2))]
    assert limit_of(first, [first, *others], 10, 0) == 300
    assert limit_of(others[0], others, 10, 100) == pytest.approx(300)
    assert limit_of(others[1], others[1:], 10, 500) == 100
    assert limit_of(others[1], others[1:], 10, 700) == gpu.MIN_PART_S


def test_what_cannot_be_done_is_left_out_with_the_reason(monkeypatch):
    monkeypatch.setattr(gpu, "missing", lambda modules: [name for name in modules if name in ("ray", "scipy")])
    left_out = {part.name: part.missing for part in parts("cpu", True, 1) if part.missing}
    assert left_out == {"study": "ray is not installed; scipy is not installed"}
    assert summarised([Ended("tests", 0, 1.5)], left_out) == [
        "tests                1.5 s  done",
        "study            left out: ray is not installed; scipy is not installed",
    ]


def test_without_what_training_needs_no_training_is_tried(monkeypatch):
    monkeypatch.setattr(gpu, "missing", lambda modules: [name for name in modules if name == "jsonschema"])
    assert [part.name for part in parts("cuda", False, 10) if not part.missing] == ["probe", "tests"]


def test_how_parts_end_is_told_apart():
    told = [str(ended).split("s  ")[1] for ended in (Ended("a", 0, 1), Ended("b", 2, 1), Ended("c", None, 1))]
    assert told == ["done", "FAILED, code 2", "its time was over"]


SLOW_FIGURES = """
import json, sys, time
from pathlib import Path
from benchmarks import harness
for number in range(1000):
    harness.write(Path(sys.argv[1]), {"number": number})
    time.sleep(0.3)
"""


@pytest.mark.slow
def test_a_part_that_runs_over_is_an_error_with_the_figures_it_knew(tmp_path, monkeypatch, capsys):
    """The file of all figures holds them while the part still runs."""
    seen: list[int] = []
    real = harness.write

    def watched(file, figures):
        real(file, figures)
        seen.append(figures["parts"]["long"]["figures"]["number"])

    listed = [Part("long", ["-c", SLOW_FIGURES, gpu.JSON], 0.9, ()), Part("quick", ["-c", ""], 0.1, ())]
    monkeypatch.setattr(gpu, "parts", lambda *_: listed)
    monkeypatch.setattr(harness, "write", watched)
    assert gpu.main(["--out", str(tmp_path), "--device", "cpu", "--minutes", str(4 / 60)]) == 1
    told = json.loads((tmp_path / "figures.json").read_text())["parts"]
    assert told["long"]["error"] == "its time was over"
    assert told["long"]["figures"]["number"] >= 1
    assert (told["quick"]["error"], told["quick"]["figures"]) == ("", None)
    assert len(set(seen)) > 1
    assert "long" in capsys.readouterr().out


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


def test_a_part_is_told_how_long_it_may_go_on_and_where_its_figures_go(tmp_path):
    script = "import json, sys; open(sys.argv[1], 'w').write(json.dumps({'seconds': sys.argv[2]}))"
    with (tmp_path / "log.txt").open("w") as log:
        ended = gpu.run(Part("quick one", ["-c", script, gpu.JSON, gpu.SECONDS], 1.0), 60.0, log, tmp_path)
    assert (ended.code, ended.figures) == (0, {"seconds": "48"})


def test_the_probe_says_what_the_machine_is(tmp_path):
    assert gpu.main(["--out", str(tmp_path / "probe.json"), "--device", "cpu"]) == 0
    told = json.loads((tmp_path / "probe.json").read_text())
    assert told["missing"] == {"training": [], "study": [], "tests": []}
    assert told["GPUs"] == []
    assert any(line.startswith("processor") for line in told["conditions"])


def test_unknown_parts_are_refused(tmp_path, capsys):
    names = "fused, leaks, packing, probe, profile, rows, starts, study, tests, training"
    with pytest.raises(SystemExit):
        gpu.main(["--out", str(tmp_path), "--device", "cpu", "--parts", "nothing"])
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"found --parts nothing, must be some of {names}")
