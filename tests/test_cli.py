"""The command line: verbs, exit codes, sentences, and what a person sees while a study runs."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import jsonschema
import pandas as pd
import pytest

from search.__main__ import run
from search.cli import cli, studies
from search.cli.options import overrides
from search.core.errors import StudyInterrupted, UserError
from search.core.prefix import fingerprint
from search.core.trial import Row, State, Trial
from search.engine.steps.conclude import RunOutcome
from search.ledger.ledger import Ledger
from search.report.results import FORMATS, SUBJECTS
from search.report.table.model import Table
from search.space.reader import read_space
from search.space.writing import dump
from search.study.cards import unnoticed
from tests.surroundings import HANG_S

GOOD = """\
workload: tests.engine.workloads:Synthetic
title: A study of [a], made [/up]
fixed: {epochs: 2}
space:
  a: {grid: [1, 2]}
seeds: [0, 5]
search:
  objective: {metric: val_loss, direction: minimize}
"""

DATALESS = f"  note: {unnoticed('tests.engine.workloads:Synthetic')}\n"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "toy.yaml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def results(good: Path) -> Path:
    """A results folder with a study of five trials, made without Ray."""
    place = good.parent / "results"
    place.mkdir()
    space = read_space(good)
    ledger = Ledger(str(place / "search.db"))
    ledger.create_study("toy", "toy", 1, dump(space), "id", space.workload)
    record = ledger.study("toy")
    run_id = ledger.begin_run(record.id, {"commit": "abc"})
    for number, (a, seed, state) in enumerate(
        [(1, 0, State.FINISHED), (1, 5, State.FINISHED), (2, 0, State.FINISHED), (2, 5, State.FAILED)]
    ):
        path = [fingerprint([number, epoch]) for epoch in range(2)]
        done = 2 if state == State.FINISHED else 1
        trial = Trial(number, number // 2, seed, {"a": a}, {"a": a, "epochs": 2}, 2, state, "last epoch", done)
        with ledger.step(record.id) as step:
            step.add_trial(trial, path, "")
            for epoch, key in enumerate(path[:done], start=1):
                metrics = {"train_loss": 1.0, "val_loss": a + seed / 10 + 1 / epoch}
                step.put_row(key, epoch, Row(metrics), 0.5, run_id)
                step.log("row", trial=number, epoch=epoch, key=key, trained=True)
            if state == State.FAILED:
                error = "Traceback (most recent call last):\n  line [x]\nValueError: [bold]two[/bold]"
                step.set_trial(number, error=error, ended_by="ValueError: [bold]two[/bold]")
    ledger.end_run(run_id, "failed trials", 3.0)
    ledger.close()
    return place


def ask(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Run one command; return exit code, output and messages."""
    code = run([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


# Verbs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", sorted(cli.commands))
def test_every_verb_has_help_and_an_example_that_parses(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(capsys, verb, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: python -m search {verb} ")
    for option in cli.commands[verb].params:
        if isinstance(option, click.Option) and option.name not in ("what", "format_", "output", "results"):
            assert option.help, option.name
    examples = re.findall(r"^  Example: (.*)$", out, re.MULTILINE)
    assert len(examples) == 1
    words = shlex.split(examples[0].partition(" > ")[0])
    assert words[:4] == ["python", "-m", "search", verb]
    cli.commands[verb].make_context(verb, words[4:])


@pytest.mark.parametrize("words", [[], ["server"], ["server", "token"]])
def test_at_80_columns_the_line_of_every_verb_is_whole(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = ask(capsys, *words, "--help")
    lines = out.partition("Commands:\n")[2].splitlines()
    assert len(lines) > 2
    assert [line for line in lines if len(line) > 80 or not line.endswith(".") or line.endswith("...")] == []


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capsys, "--help")
    assert code == 0
    assert all(verb in out for verb in cli.commands)
    code, out, _ = ask(capsys, "--version")
    assert code == 0
    assert re.fullmatch(r"search, version \d+\.\d+\.\d+\n", out)


def test_an_unknown_verb(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(capsys, "rum")
    assert (code, out) == (1, "")
    assert "Error: No such command 'rum'" in err


def test_check(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(capsys, "check", good) == (0, f"{good}: sound; grid, 4 trials\n{DATALESS}", "")
    assert ask(capsys, "check", good, "--set", "seeds=[1]") == (0, f"{good}: sound; grid, 2 trials\n{DATALESS}", "")


def test_check_of_broken_files(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = good.with_name("bad.yaml")
    bad.write_text(GOOD.replace("epochs: 2", "epochs: 0").replace("a: {grid", "aa: {grid"))
    code, out, err = ask(capsys, "check", bad, good)
    assert (code, out) == (1, f"{good}: sound; grid, 4 trials\n{DATALESS}")
    assert err == (
        f"{bad}:3: fixed.epochs: found 0, must be at least 1\n{bad}:5: space.aa: unknown setting; did you mean 'a'?\n"
    )


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("check", "run"):
        code, out, err = ask(capsys, verb, tmp_path / "none.yaml")
        assert (code, out) == (1, "")
        assert err.startswith(f"{tmp_path}/none.yaml: ")
        assert "Traceback" not in err


@pytest.mark.parametrize("text", ["epochs", "=3", " =3"])
def test_set_wants_a_key_and_a_value(text: str, good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(capsys, "check", good, "--set", text)
    assert (code, out) == (1, "")
    assert err == f"--set {text!r}: write --set key=value, for example --set epochs=3\n"


def test_overrides() -> None:
    assert overrides("digits", ["a = x=1", "b="]) == {"data": "digits", "a": " x=1", "b": ""}
    assert overrides(None, []) == {}


@pytest.mark.slow
def test_schema(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["tests.engine.workloads:Synthetic"], []):
        code, out, err = ask(capsys, "schema", *words)
        assert (code, err) == (0, "")
        made = json.loads(out)
        jsonschema.Draft202012Validator.check_schema(made)
    code, out, err = ask(capsys, "schema", "tests.engine.workloads:Nothing")
    assert (code, out) == (1, "")
    assert err == (
        "workload 'tests.engine.workloads:Nothing': module 'tests.engine.workloads' has no attribute 'Nothing'\n"
    )


@pytest.mark.parametrize("verb", ["report", "export", "show"])
def test_an_unknown_study(verb: str, results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(capsys, verb, "toi", "--results", results)
    assert (code, out, err) == (1, "", f"no study 'toi' in {results}/search.db; did you mean 'toy'?\n")


@pytest.mark.parametrize("file", ["toy.yaml", "spaces/toy.yaml"])
def test_a_file_where_a_study_is_wanted(file: str, results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(capsys, "report", file, "--results", results)
    assert (code, out, err) == (1, "", f"no study {file!r} in {results}/search.db; did you mean 'toy'?\n")


@pytest.mark.parametrize(
    "words", [["list"], ["show", "toy"], ["report", "toy"], ["dashboard"], ["clean", "--states"], ["visualize", "toy"]]
)
def test_no_ledger(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What reads makes none: the folder may be misspelt."""
    sentence = f"there is no ledger '{tmp_path}/x/search.db'; `python -m search run FILE` makes one, "
    expected = (1, "", f"{sentence}--results names another folder\n")
    assert ask(capsys, *words, "--results", tmp_path / "x") == expected
    assert not (tmp_path / "x").exists()


def test_an_empty_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Ledger(str(tmp_path / "search.db")).close()
    code, out, _ = ask(capsys, "list", "--results", tmp_path)
    assert (code, out) == (0, "The ledger holds no study yet.\n")
    assert ask(capsys, "show", "toy", "--results", tmp_path) == (
        1,
        "",
        f"no study 'toy' in {tmp_path}/search.db; the ledger holds none yet\n",
    )
    assert ask(capsys, "dashboard", "--results", tmp_path)[:2] == (1, "")


def test_a_place_that_cannot_be_a_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "search.db").write_text("not a database at all, but long enough to be looked at as one")
    code, out, err = ask(capsys, "list", "--results", tmp_path)
    assert (code, out) == (1, "")
    assert (
        err
        == f"storage '{tmp_path}/search.db': file is not a database; check the path, its rights and that it is ours\n"
    )


def test_list(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(capsys, "list", "--results", results)
    assert (code, err) == (0, "")
    assert "toy" in out
    assert "3 finished, 1 failed" in out
    assert "val_loss 1.5" in out
    assert ask(capsys, "list", "--results", "elsewhere", "--storage", results / "search.db")[1] == out
    assert not Path("elsewhere").exists()


def test_show(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(capsys, "show", "toy", "--results", results)
    assert (code, err) == (0, "")
    assert "A study of [a], made [/up]" in out
    assert "ValueError: [bold]two[/bold]" in out
    code, out, err = ask(capsys, "show", "toy", 3, "--results", results)
    assert (code, err) == (0, "")
    assert "Traceback (most recent call last):\n  line [x]\nValueError: [bold]two[/bold]\n" in out
    assert ask(capsys, "show", "toy", 9, "--results", results) == (
        1,
        "",
        "study 'toy' has no trial 9; it has trials 0 to 3\n",
    )
    code, out, err = ask(capsys, "show", "toy", "first", "--results", results)
    assert (code, out) == (1, "")
    assert "'first' is not a valid integer" in err


def test_report(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(capsys, "report", "toy", "--results", results)
    assert (code, err) == (0, "")
    for name in ("space.yaml", "conditions.json", "trials.csv", "epochs.csv", "table.md", "table.csv", "table.tex"):
        assert (results / "toy" / name).stat().st_size
        assert name in out
    assert f"report: {results / 'toy' / 'report.html'} " in out
    assert "1 finished, 1 failed" in out.replace("\n", " "), "a failed seed stands marked"


@pytest.mark.parametrize("verb", ["show", "report", "export"])
def test_reading_a_study_names_its_latest_revision(
    verb: str, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(str(results / "search.db"))
    first = ledger.study("toy")
    for revision in (2, 3):
        name = f"toy (rev {revision})"
        ledger.create_study(name, "toy", revision, first.space, f"another question {revision}", first.workload)
    made = ledger.study("toy (rev 3)").created[:10]
    ledger.close()
    code, out, err = ask(capsys, verb, "toy", "--results", results)
    assert (code, bool(out)) == (0, True)
    assert err == f"note: this is revision 1 of toy; the latest is 3, made {made}; its name is 'toy (rev 3)'\n"
    assert ask(capsys, verb, "toy (rev 3)", "--results", results)[2] == ""


@pytest.mark.slow
@pytest.mark.parametrize("what", ["table", "trials", "epochs", "decisions", "predictions"])
@pytest.mark.parametrize("format_", FORMATS)
def test_export(what: str, format_: str, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new" / f"file.{format_}"
    code, out, err = ask(capsys, "export", "toy", "--what", what, "-o", path, "--results", results)
    assert (code, out, err) == (0, f"{path}\n", "")
    rows = {"table": 2, "trials": 4, "epochs": 7, "decisions": 7, "predictions": 0}[what]
    match format_:
        case "csv":
            assert len(pd.read_csv(path)) == rows
        case "parquet":
            assert len(pd.read_parquet(path)) == rows
        case "json":
            assert json.loads(path.read_text()) is not None
        case "xlsx":
            assert len(pd.read_excel(path)) == rows
        case "tex":
            assert path.read_text().count(r"\tabularnewline") == rows + 1, "one heading"
        case "html":
            assert path.read_text().count("<tr>") == rows + 1
        case _:
            assert path.read_text()


def test_export_picks_a_name_and_a_format(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ("--results", results)
    assert ask(capsys, "export", "toy", *place)[1] == f"{results}/toy/table.md\n"
    assert ask(capsys, "export", "toy", "--what", "trials", *place)[1] == f"{results}/toy/trials.csv\n"
    assert ask(capsys, "export", "toy", "--predictions", *place)[1] == f"{results}/toy/predictions.parquet\n"
    assert ask(capsys, "export", "toy", "--what", "epochs", "--format", "json", *place)[1] == (
        f"{results}/toy/epochs.json\n"
    )
    for called, ending in studies.CALLED.items():
        assert ask(capsys, "export", "toy", "--format", called.title(), *place)[1] == f"{results}/toy/table.{ending}\n"
        path, other = tmp_path / f"a.{called}", tmp_path / f"a.{ending}"
        for file in (path, other):
            assert ask(capsys, "export", "toy", "-o", file, *place) == (0, f"{file}\n", "")
        assert ending == "xlsx" or path.read_bytes() == other.read_bytes()  # a workbook holds the time
    assert ask(capsys, "export", "toy", "--format", "word", *place)[0] == 1
    code, out, err = ask(capsys, "export", "toy", "-o", tmp_path / "a.docx", *place)
    assert (code, out, err) == (1, "", "format 'docx': must be one of md, csv, tex, html, xlsx, json, parquet\n")
    assert not (tmp_path / "a.docx").exists()


def test_the_verb_knows_what_the_report_can_export() -> None:
    assert (studies.FORMATS, studies.SUBJECTS) == (FORMATS, SUBJECTS)


# Exit codes ----------------------------------------------------------------------------------------------------


def failing(error: BaseException) -> Any:
    def callback() -> None:
        raise error

    return callback


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (UserError("found 3, must be 4"), 1, "found 3, must be 4\n"),
        (StudyInterrupted("the same command goes on"), 130, "the same command goes on\n"),
        (KeyboardInterrupt(), 130, "\ninterrupted; give the same command again to go on\n"),
        (click.FileError("a.txt", "is a folder"), 1, "Error: Could not open file 'a.txt': is a folder\n"),
    ],
)
def test_exit_codes(
    error: BaseException, code: int, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(cli.commands, "fail", click.Command("fail", callback=failing(error)))
    assert ask(capsys, "fail") == (code, "", message)


def test_a_bug_says_that_it_is_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(cli.commands, "fail", click.Command("fail", callback=failing(IndexError("oh"))))
    code, out, err = ask(capsys, "fail")
    assert (code, out) == (3, "")
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.endswith("IndexError: oh\nthis is a bug of `search`, not of your file; what is recorded is safe\n")


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_bug(results: Path) -> None:
    root = Path(__file__).parents[1]
    command = f"{sys.executable} -m search schema | head -c 10"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=root, timeout=HANG_S)
    assert (done.stdout, done.stderr) == ('{\n  "$sche', "")


# How a run ended -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ((RunOutcome("s", "", [], "", 1), None), 0),
        ((RunOutcome("s", "", [], "", 1), RunOutcome("s (confirm)", "", [1], "", 1)), 2),
        ((RunOutcome("s", "", [], "", 1), RunOutcome("s (confirm)", "Ctrl-C", [], "", 1)), 130),
        ((RunOutcome("s", "", [3], "", 1), RunOutcome("s (confirm)", "", [], "", 1)), 2),
    ],
)
def test_the_exit_code_is_that_of_the_confirm_stage_too(good, monkeypatch, outcomes, code):
    studies = [
        None if one is None else SimpleNamespace(name="s", outcome=one, folder=Path(one.study), written=None)
        for one in outcomes
    ]
    studies[0].confirmed = studies[1]
    monkeypatch.setattr("search.api.run", lambda *given, **more: studies[0])
    monkeypatch.setattr(sys.modules["search.cli.run"], "print_table", lambda study: None)
    assert run(["run", str(good)]) == code


def test_a_run_ends_by_naming_what_changed_no_bit(good, monkeypatch, capsys):
    table = Table("t", (), "last", (), (), unmoved=["gamma changed no bit.", "The seed changed no bit."])
    outcome = RunOutcome("s", "", [], "", 1)
    confirmed = SimpleNamespace(outcome=None, folder=Path("s (confirm)"), written=replace(table, unmoved=()))
    study = SimpleNamespace(name="s", outcome=outcome, folder=Path("s"), written=table, confirmed=confirmed)
    monkeypatch.setattr("search.api.run", lambda *given, **more: study)
    monkeypatch.setattr(sys.modules["search.cli.run"], "print_table", lambda study: None)
    assert run(["run", str(good)]) == 0
    said = "study 's': gamma changed no bit.\nstudy 's': The seed changed no bit.\n"
    out, err = capsys.readouterr()
    assert err == said
    assert out.splitlines()[-5:] == [
        "report: s/report.html (all columns, notes and figures)",
        "report: s (confirm)/report.html (all columns, notes and figures)",
        "next: python -m search show s  (its trials, and how each ended)",
        "      python -m search visualize s  (its best trial in pictures)",
        "      python -m search dashboard  (all studies, in a browser)",
    ]
