"""Files on disk: bit-exact, atomic, consistent with each other, and never outside their folder."""

from __future__ import annotations

import csv
import json
import math
import os
import re
import statistics
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.core.errors import UserError
from search.core.trial import State
from search.report.paths import study_folder
from search.report.record.curves import read_curves
from search.report.record.frames import epochs_frame, predictions_frame, trials_frame
from search.report.results import FORMATS, export, write_results
from search.report.text import neutral
from search.space.model import Axis, Grid
from search.system import writing
from tests.report.builder import GAMMAS, SPACE_TEXT
from tests.report.hostile import TEXTS, hostile_study

NAMES = ["space.yaml", "conditions.json", "trials.csv", "epochs.csv", "decisions.csv", "table.md", "table.csv"]
NAMES += ["table.tex", "report.html"]


def read(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_write_results_writes_all_files(focal, tmp_path):
    written = write_results(focal.opened, tmp_path / "results" / "focal")
    assert [path.name for path in written] == NAMES
    assert sorted(os.listdir(tmp_path / "results" / "focal")) == sorted(NAMES)
    assert (tmp_path / "results" / "focal" / "space.yaml").read_text() == SPACE_TEXT
    assert all(b"\r" not in path.read_bytes() for path in written)


def test_csv_reads_back_bit_identical(focal, tmp_path):
    write_results(focal.opened, tmp_path)
    for name, frame in (
        ("trials.csv", trials_frame(read_curves(focal.opened))),
        ("epochs.csv", epochs_frame(read_curves(focal.opened))),
    ):
        rows = read(tmp_path / name)
        assert len(rows) == len(frame) > 0
        assert list(rows[0]) == list(frame.columns)
        for column in frame.select_dtypes("float64"):
            assert [float(row[column]).hex() for row in rows] == [value.hex() for value in frame[column].tolist()]
        back = pd.read_csv(tmp_path / name)
        pd.testing.assert_frame_equal(back, frame, check_exact=True, check_dtype=False)


def test_table_and_trials_agree(focal, tmp_path):
    write_results(focal.opened, tmp_path)
    trials, lines = read(tmp_path / "trials.csv"), read(tmp_path / "table.csv")
    assert len(lines) == 3
    for line in lines:
        own = [row for row in trials if row["gamma"] == line["gamma"]]
        for metric in ("val_accuracy", "test_accuracy"):
            values = [float(row[metric]) for row in own]
            assert float(line[f"{metric}_mean"]) == pytest.approx(statistics.fmean(values), abs=1e-15)
            assert float(line[f"{metric}_sd"]) == pytest.approx(statistics.stdev(values), abs=1e-15)
        assert float(line["seconds"]) == math.fsum(float(row["seconds"]) for row in own)
        assert (line["finished"], line["seeds"]) == ("3", "3")


@pytest.mark.slow
def test_two_reports_of_one_ledger_are_the_same_bytes(focal, tmp_path):
    first = [path.read_bytes() for path in write_results(focal.opened, tmp_path / "a")]
    second = [path.read_bytes() for path in write_results(focal.opened, tmp_path / "b")]
    assert first == second


def test_no_nan_or_infinity_in_any_file(make, tmp_path):
    study = make()
    bad = {"val_accuracy": math.nan, "val_loss": math.inf, "train_loss": -math.inf}
    for seed in range(3):
        study.trial({"gamma": 0}, seed, [0.5, math.nan], State.DIVERGED, metrics=lambda *_: bad, predictions=True)
    written = write_results(study.opened, tmp_path)
    for what in ("table", "trials", "epochs", "decisions", "predictions"):
        for kind in ("csv", "md", "json", "tex", "html"):
            written.append(export(study.opened, what, kind, tmp_path / f"{what}.{kind}"))
    for path in written:
        text = path.read_text(encoding="utf-8").lower()
        text = re.sub('<script type="text/plain" id="plotly">.*?</script>', "", text, flags=re.DOTALL)  # not ours
        assert "nan" not in text, path
        assert "inf" not in text.replace("infra", ""), path
        if path.suffix == ".json":
            json.loads(text, parse_constant=pytest.fail)
    assert "diverged" in (tmp_path / "table.md").read_text()


def test_conditions_name_every_run_whose_rows_stand(focal, make, tmp_path):
    """A second study that reuses rows of the first names the first one's run as well as its own."""
    other = make(name="again")
    keys = focal.ledger.paths(focal.record.id)[0][0]
    other.trial({"gamma": 0}, 0, [0.1, 0.2, 0.3], keys=[*keys[:2], "ab" * 20], reused=[1, 2])
    idle = other.ledger.begin_run(other.record.id, {"commit": "idle"})
    other.ledger.end_run(idle, "done", 1.0)
    write_results(other.opened, tmp_path)
    content = json.loads((tmp_path / "conditions.json").read_text())
    assert [(run["run"], run["study"]) for run in content["runs"]] == [(focal.run, "focal"), (other.run, "again")]
    assert content["runs"][0]["conditions"] == {"commit": "abc", "loss": None}
    assert content["execution_class"] == {"machine": "x86_64"}
    (data,) = content["data"]
    assert data == {
        "fingerprint": "cafe",
        "name": "toys",
        "classes": ["a", "b", "c"],
        "notes": ["2 images twice"],
        "sizes": {"test": 2, "val": 4},
    }


def test_formulas_and_odd_text_in_csv(make, tmp_path):
    study = make(replace(GAMMAS, axes=[Axis("=aug", Grid(["=cmd()", "a,b\r\n|c", "\ud800"]))]))
    for value in ("=cmd()", "a,b\r\n|c", "\ud800"):
        study.trial({"=aug": value}, 0, [-0.5], ended_by="@last")
    write_results(study.opened, tmp_path)
    rows = read(tmp_path / "trials.csv")
    assert [row["'=aug"] for row in rows] == ["'=cmd()", "a,b\r\n|c", "\\ud800"]
    assert rows[0]["ended_by"] == "'@last"
    assert rows[0]["val_accuracy"] == "-0.5"
    for what in ("table", "trials", "decisions"):
        for kind in ("md", "json", "parquet"):
            export(study.opened, what, kind, tmp_path / "odd")


@pytest.mark.slow
def test_hostile_text_reads_back_in_every_format_programs_read(make, tmp_path):
    study = hostile_study(make)
    paths = {kind: export(study.opened, "trials", kind, tmp_path / f"t.{kind}") for kind in ("csv", "json", "parquet")}
    expected = [text for text in TEXTS for _ in range(2)]
    axis = "=axis_%|<b>"
    assert pd.read_parquet(paths["parquet"])[axis].tolist() == expected
    assert [row[axis] for row in json.loads(paths["json"].read_text(), parse_constant=pytest.fail)] == expected
    with open(paths["csv"], newline="") as file:  # pandas' C parser takes a bare carriage return for the end of a line
        back = pd.read_csv(file, keep_default_na=False)
    assert back[f"'{axis}"].tolist() == [neutral(text) for text in expected]
    assert back["val_accuracy"].tolist()[:2] == [-0.25, -0.25]
    markdown = export(study.opened, "table", "md", tmp_path / "t.md").read_text()
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len(rows) == len(TEXTS) + 2
    assert {len(re.sub(r"\\\\|\\\|", "", row).split("|")) for row in rows} == {len(rows[0].split("|"))}
    assert "<script" not in markdown


def test_a_failed_write_leaves_the_old_file_and_nothing_else(focal, tmp_path, monkeypatch):
    path = tmp_path / "table.md"
    path.write_text("old")

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.os, "replace", full_disk)
    with pytest.raises(UserError, match="cannot be written: No space left on device; give another place"):
        export(focal.opened, "table", "md", path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path / "db") and sorted(os.listdir(tmp_path)) == ["db", "table.md"]  # noqa: PT018


def test_a_folder_that_is_a_file_is_the_users_fault(focal, tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_results(focal.opened, tmp_path / "results")


@pytest.mark.slow
@pytest.mark.parametrize("what", ["table", "trials", "epochs", "decisions", "predictions"])
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("empty", [True, False])
def test_every_export_works(focal, make, tmp_path, what, kind, empty):
    study = make(name="none") if empty else focal
    path = export(study.opened, what, kind, tmp_path / "out" / f"x.{kind}")
    if kind == "parquet":
        assert (pq.read_table(path).num_rows == 0) is (empty or what == "predictions")
    elif kind != "xlsx":
        assert path.read_bytes().endswith(b"\n")


def test_predictions_parquet(make, tmp_path):
    study = make()
    study.trial({"gamma": 0}, 5, [0.1, 0.9, 0.3], predictions=True)
    path = export(study.opened, "predictions", "parquet", tmp_path / "predictions.parquet")
    table = pq.read_table(path)
    assert table.column_names == ["trial", "seed", "split", "epoch", "image", "truth", "prediction"]
    assert [str(field.type) for field in table.schema] == [
        *("int64", "int64", "large_string", "int64", "large_string", "int64", "int64")
    ]
    frame = predictions_frame(read_curves(study.opened))
    for name in table.column_names:
        assert table.column(name).to_pylist() == frame[name].tolist()


def test_parquet_of_trials_keeps_bits_and_mixed_axes(make, tmp_path):
    study = make(replace(GAMMAS, axes=[Axis("aug", Grid(["a", 1, None]))]))
    for value in ("a", 1, None):
        study.trial({"aug": value}, 0, [1 / 3])
    study.trial({}, 0, [math.inf])
    table = pq.read_table(export(study.opened, "trials", "parquet", tmp_path / "t.parquet"))
    assert table.column("aug").to_pylist() == ["a", "1", "null", None]
    assert table.column("val_accuracy").to_pylist() == [1 / 3, 1 / 3, 1 / 3, None]


def test_unknown_exports_are_named(focal, tmp_path):
    with pytest.raises(UserError, match=r"^export 'trails': must be one of table, .*; did you mean 'trials'\?$"):
        export(focal.opened, "trails", "csv", tmp_path / "x")
    with pytest.raises(UserError, match=r"^format 'docx': must be one of md, csv, tex, html, xlsx, json, parquet"):
        export(focal.opened, "trials", "docx", tmp_path / "x")


@pytest.mark.parametrize("name", ["focal", "focal (rev 2)", "焦点", "A4_gamma-1.5", "..." + "x"])
def test_ordinary_names_are_their_own_folders(name):
    expected = name if not name.startswith(".") else None
    found = study_folder(Path("results"), name)
    assert found.parent == Path("results")
    assert (found.name == name) is (expected is not None)


HOSTILE = [
    *("", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", "a\0b", "a\nb", "x" * 255, "é" * 300, " a", "a ", "a."),
    *("-rf", "~root", "con:", "reference", "search.db", "search.db-wal", "optuna.db", "\ud800", "e\u0301", "a\u202eb"),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_inside(name, tmp_path):
    folder = study_folder(tmp_path, name)
    assert folder.parent == tmp_path
    assert folder.name not in ("", ".", "..", name)
    assert len(os.fsencode(folder.name)) <= 255
    folder.mkdir()
    assert folder.resolve().parent == tmp_path.resolve()


signs = st.text("./\\~%-: \0\n\u2215\u2024\uff0e\ud800aA", max_size=9)
names = st.sampled_from(HOSTILE) | st.text(st.characters()) | signs


@settings(deadline=None, max_examples=250)
@given(names, st.sampled_from(["results", "/results", "."]))
def test_a_study_of_any_name_has_a_folder_inside_the_results(name, results):
    folder = study_folder(Path(results), name)
    assert Path(os.path.normpath(folder)).parent == Path(os.path.normpath(results))
    assert folder.name.isprintable()
    assert not folder.name.startswith((".", "-", "~", " "))
    assert len(folder.name.encode()) <= 200
    assert folder.name.casefold() not in {"reference", "states", "data", "ray", "logs", "search.db", "optuna.db"}


@settings(deadline=None)
@given(names, names)
def test_no_two_names_share_a_folder(one, other):
    folders = study_folder(Path("r"), one), study_folder(Path("r"), other)
    assert (folders[0] == folders[1]) is (one == other)
    assert all(folder.parent == Path("r") for folder in folders)


def test_a_name_that_looks_like_a_made_one_is_not_taken_for_it():
    made = study_folder(Path("r"), "a/b").name
    assert study_folder(Path("r"), made).name != made


@pytest.mark.slow
def test_the_room_imports_nothing_that_takes_seconds():
    code = (
        "import sys, search.report; "
        "bad = {'optuna', 'ray', 'torch', 'classifier', 'search.engine', 'scipy.stats'}; "
        "samplers = ('copies', 'mirror', 'optuna_rows', 'optuna_storage', 'optuna_sampler'); "
        "bad |= {f'search.study.{name}' for name in samplers}; "
        "sys.exit(', '.join(bad & set(sys.modules)) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system has no /proc")
def test_a_stream_that_leads_to_a_file_is_not_replaced(tmp_path: Path) -> None:
    """As `-o /dev/stdout` where the output goes into a file: another one in the place of the link would stay there."""
    with open(tmp_path / "out", "w+b") as file:
        path = Path(f"/proc/self/fd/{file.fileno()}")
        with pytest.raises(UserError) as caught:
            writing.write_text(path, "a table")
    assert str(caught.value) == f"{path}: is a stream, and the file would take its place; give the path of a file"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
