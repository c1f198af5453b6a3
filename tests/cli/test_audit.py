"""`audit`: what is printed where, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from search.__main__ import run

FILE = """\
workload: classifier
fixed: {epochs: 2}
space:
  loss.gamma: {grid: [0, 0.30]}
report:
  published:
    n: 137
    values:
      0: 54.01%
      0.30: 55.36
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "gamma.yaml"
    path.write_text(FILE)
    return path


def ask(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, list[str], str]:
    code = run(["audit", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out.splitlines(), said.err


def test_a_flaw_is_exit_code_1(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, err = ask(capsys, file)
    assert code == 1
    assert (
        lines[0]
        == f"{file}:10: flaw: 55.36 (loss.gamma=0.3) is no number of 137 images: 75 are 54.74 %, 76 are 55.47 %"
    )
    assert [line.partition(": ")[2][:5] for line in lines] == ["flaw:", "note:", "note:"]
    assert err == "1 file, 2 published figures: 1 flaw, 2 notes\n"


def test_notes_alone_are_exit_code_0(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(FILE.replace("55.36", "55.47"))
    code, lines, err = ask(capsys, file)
    assert (code, err) == (0, "")
    assert lines[-1] == "1 file, 2 published figures: 0 flaws, 2 notes"


def test_findings_as_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["audit", "--json", str(file)])
    said = capsys.readouterr()
    (one,) = json.loads(said.out)
    assert (code, one["file"], one["figures"]) == (1, str(file), 2)
    assert one["findings"][0] == {
        "severity": "flaw",
        "file": str(file),
        "line": 10,
        "key": "report.published.values.0.3",
        "sentence": "55.36 (loss.gamma=0.3) is no number of 137 images: 75 are 54.74 %, 76 are 55.47 %",
    }


def test_a_finding_in_a_base_file_has_its_address(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    child = file.with_name("child.yaml")
    child.write_text("extends: gamma.yaml\nfixed: {epochs: 3}\n")
    code, lines, _ = ask(capsys, child)
    assert code == 1
    assert lines[0].startswith(f"{file}:10: flaw: 55.36")


def test_a_file_with_faults_does_not_hide_the_others(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = file.with_name("broken.yaml")
    broken.write_text(FILE.replace("epochs: 2", "epochs: 0"))
    code, lines, err = ask(capsys, broken, file)
    assert code == 1
    assert lines[0].startswith(f"{file}:10: flaw: 55.36")
    assert err.startswith(f"{broken}:2: fixed.epochs: found 0")
    assert lines[-1] == "1 file, 2 published figures: 1 flaw, 2 notes"


def test_a_file_given_twice_is_one_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = ask(capsys, file, file)
    assert err == "1 file, 2 published figures: 1 flaw, 2 notes\n"


def test_a_file_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, err = ask(capsys)
    assert (code, lines) == (1, [])
    assert "Missing argument 'FILE|STUDY...'" in err
