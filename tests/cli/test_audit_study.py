"""`audit STUDY`: what is printed, when it fails, and which of a file and a study is meant."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from search.__main__ import run
from search.core.trial import ACROSS_SPLITS
from search.ledger.ledger import Ledger
from tests.cli.test_audit import FILE
from tests.report.judging import SPACE, Bench, card, pattern

NOTE = f"1 pair of identical images {ACROSS_SPLITS}"
TEXT = "workload: toy\nfixed: {epochs: 2}\nspace: {gamma: {grid: [0, 1, 2]}}\nseeds: 3\nreport: {baseline: 0}\n"


def study(ledger: Ledger, name: str, notes: list[str]) -> None:
    bench = Bench(ledger, replace(SPACE, name=name), replace(card(fingerprint=name), notes=notes))
    ledger.update_study(bench.record.id, space=TEXT)
    for gamma in (0, 1, 2):
        for seed in range(3):
            bench.run({"gamma": gamma}, seed, pattern(gamma, seed, 40), pattern(gamma, seed, 30, 3), keys=None)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    ledger = Ledger(str(tmp_path / "results" / "search.db"))
    study(ledger, "torn", [NOTE])
    ledger.close()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "results"


def ask(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = run(["audit", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_flaw_is_said_with_why_and_remedy(results, capsys):
    code, out, err = ask(capsys, "torn")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "torn: flaw: splits-overlap"
    assert lines[1] == f"  Data toys: {NOTE}."
    assert lines[2].startswith("  Why: A model that has seen an example knows it")
    assert lines[3].startswith("  Remedy: Look at the pairs (`check FILE --data`)")
    assert lines[-1] == "study 'torn': 1 flaw, 0 notes"


@pytest.mark.parametrize("fail_on", ["flaw", "note"])
def test_it_fails_where_asked_to(results, capsys, fail_on):
    code, out, err = ask(capsys, "torn", "--fail-on", fail_on)
    assert (code, err) == (4, f"--fail-on {fail_on}: torn\n")
    assert "splits-overlap" in out


def test_findings_as_json_beside_those_of_a_file(results, capsys):
    Path("gamma.yaml").write_text(FILE.replace("55.36", "55.47"))
    code, out, err = ask(capsys, "torn", "gamma.yaml", "--json")
    of_file, of_study = json.loads(out)
    assert (code, of_file["file"], of_study["study"]) == (0, "gamma.yaml", "torn")
    (finding,) = of_study["findings"]
    assert (finding["name"], finding["severity"]) == ("splits-overlap", "flaw")
    assert set(finding) == {"name", "severity", "seen", "why", "remedy"}
    assert err == "study 'torn': 1 flaw, 0 notes\n1 file, 2 published figures: 0 flaws, 2 notes\n"


def test_a_name_that_is_both_is_the_file_and_that_is_said(results, capsys):
    Path("torn").write_text(FILE.replace("55.36", "55.47"))
    code, out, err = ask(capsys, "torn")
    assert code == 0
    assert out.endswith("1 file, 2 published figures: 0 flaws, 2 notes\n")
    assert err == (
        "note: 'torn' is a file and a study on record; the file is audited. For the study, give the command in another "
        "folder, with --results\n"
    )


def test_a_name_that_is_neither(results, capsys):
    code, out, err = ask(capsys, "tron")
    assert (code, out) == (1, "")
    assert err == "'tron' is no file, and no study 'tron' in results/search.db; did you mean 'torn'?\n"


def test_a_name_where_there_is_no_ledger(results, capsys, tmp_path):
    code, _, err = ask(capsys, "torn", "--results", tmp_path / "elsewhere")
    assert code == 1
    assert err.startswith("'torn' is no file, and there is no ledger ")
    assert not (tmp_path / "elsewhere").exists()


def test_fail_on_is_for_studies(results, capsys):
    Path("gamma.yaml").write_text(FILE)
    code, out, err = ask(capsys, "gamma.yaml", "--fail-on", "note")
    assert (code, out) == (1, "")
    assert "--fail-on is for studies" in err


def test_a_sound_study_says_that_nothing_was_found(tmp_path, capsys, monkeypatch):
    ledger = Ledger(str(tmp_path / "results" / "search.db"))
    study(ledger, "whole", [])
    ledger.close()
    monkeypatch.chdir(tmp_path)
    assert ask(capsys, "whole", "--fail-on", "note") == (0, "study 'whole': nothing found\n", "")
