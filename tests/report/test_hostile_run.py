"""Studies whose every text is hostile, run for real, exported in every format, and opened by what reads it."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest

from search import open_study
from search.__main__ import run
from search.report.results import FORMATS, SUBJECTS, export
from tests.report.formats.test_hypertext import Page as Sheet
from tests.report.formats.test_latex import compiled
from tests.report.hostile_run import CLASSES, VALUES, write_spaces
from tests.report.page.studies import Page
from tests.report.page.test_page import KNOWN

pytestmark = pytest.mark.slow

STUDIES = ("values", "(study) - of options.v1")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    ends = [run(["run", str(path), "--results", str(folder / "results")]) for path in write_spaces(folder)]
    assert ends == [2, 0], "of the first one a setting fails"
    return folder / "results"


@pytest.mark.parametrize("what", SUBJECTS)
@pytest.mark.parametrize("name", STUDIES)
def test_every_export_opens(results: Path, tmp_path: Path, name: str, what: str) -> None:
    study = open_study(name, results=results)
    paths = {kind: export(study.opened, what, kind, tmp_path / f"table.{kind}") for kind in FORMATS}
    frame = pd.read_csv(paths["csv"], keep_default_na=False, na_values=[""])
    with open(paths["csv"], encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file, strict=True) for cell in row]
    book = openpyxl.load_workbook(paths["xlsx"])
    sheet = pd.read_excel(paths["xlsx"], keep_default_na=False)
    assert len(frame) == len(sheet) == pq.read_table(paths["parquet"]).num_rows > 0
    content = json.loads(paths["json"].read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert len(content["lines"] if what == "table" else content) == len(frame)
    kinds = {cell.data_type for page in book for row in page.iter_rows() for cell in row}
    assert kinds <= {"s", "n", "b"}, "no formula, no error"
    assert not [cell for cell in cells if re.match(r"[=+@\t\r\n]|-(?![0-9.e-]+$)", cell)]
    html = Sheet(paths["html"].read_text(encoding="utf-8"))
    assert not {tag for tag, _ in html.tags} & {"script", "b", "i", "br", "img"}
    assert "<script" not in paths["md"].read_text(encoding="utf-8")
    if what != "predictions" and shutil.which("pdflatex"):
        log = compiled(tmp_path, "table.tex")
        assert "Missing character" not in log
        assert "passwd" not in log


@pytest.mark.parametrize("name", STUDIES)
def test_the_page_is_text_alone(results: Path, name: str) -> None:
    text = (results / name / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert {tag for tag, _ in page.tags} <= set(KNOWN.split())
    assert not [key for _, about in page.tags for key in about if key.startswith("on")]
    assert "\u202e" not in text
    figures = "".join(content for about, content in page.scripts if about.get("type") == "application/json")
    assert CLASSES[0].split("<")[0] in figures
    assert not set("<>") & set(figures)


def test_values_read_back_and_the_failure_is_told(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = open_study("values", results=results)
    trials = study.trials()
    (axis,) = (column for column in trials.columns if column.startswith("=name"))
    assert list(dict.fromkeys(trials[axis]))[:-1] == VALUES
    failed = trials.loc[trials["state"] == "failed", "trial"].tolist()
    assert len(failed) == 2
    capsys.readouterr()
    assert run(["show", "values", str(failed[0]), "--results", str(results)]) == 0
    said = capsys.readouterr().out
    assert "<script>alert('1')</script> �[31m =cmd()" in said
    assert "\x1b[31m" not in said
