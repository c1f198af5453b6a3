"""`check --data`: which files and which data sets it speaks of, and how it ends."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from classifier.data import progress
from search.__main__ import run
from search.study.cards import unnoticed

FILE = """\
workload: classifier
fixed: {epochs: 2, data: digits}
space:
  loss.gamma: {grid: [0, 1]}
"""
DIGITS = [
    "digits: 240 training, 300 validation, 300 test images, 10 classes, 12 px",
    "images per class: 10 to 45 training, 30 validation, 30 test",
]


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine reading takes as long as progress is told of."""
    monkeypatch.setattr(progress, "QUIET_TIME_S", math.inf)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "gamma.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """A folder of two classes of five images."""
    for place, name in enumerate(("cat", "dog")):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(5):
            Image.new("RGB", (9, 9), (100 * place, 20 * number, 0)).save(tmp_path / "pets" / name / f"{number}.png")
    return tmp_path / "pets"


def ask(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, list[str], str]:
    """Run `check`; return exit code, lines of output and messages."""
    code = run(["check", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out.splitlines(), said.err


def below(lines: Sequence[str], count: int) -> list[str]:
    assert all(line.startswith("  ") for line in lines[:count])
    return [line[2:] for line in lines[:count]]


def test_the_data_of_a_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([file, "--data"], ["--data", file]):  # click takes what follows --data for its name
        code, lines, err = ask(capsys, *words)
        assert (code, err) == (0, "")
        assert lines[0] == f"{file}: sound; grid, 2 trials"
        assert below(lines[1:], 2) == DIGITS


def test_the_data_of_several_files_are_told_once(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = file.with_name("other.yaml")
    other.write_text(FILE.replace("[0, 1]", "[2]"))
    code, lines, err = ask(capsys, "--data", file, other)
    assert (code, err) == (0, "")
    assert lines[-2:] == [f"{other}: sound; grid, 1 trial", f"  data as for {file}"]


def test_a_file_moved_to_other_data(file: Path, pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, err = ask(capsys, file, "--data", pets, "--set", "batch_size=6")
    assert (code, err) == (0, "")
    assert lines[1] == "  pets: 6 training, 2 validation, 2 test images, 2 classes, 64 px"


@pytest.mark.parametrize("words", [["--data", "digits"], ["--data"]])
def test_a_data_set_without_a_file(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, err = ask(capsys, *words)
    assert (code, err) == (0, "")
    assert lines[:2] == DIGITS


def test_settings_of_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, err = ask(capsys, "--data", "--set", "data.limit=[20, 10, 10]", "--set", "data.size=9")
    assert (code, err) == (0, "")
    assert lines[:2] == [
        "digits: 20 training, 10 validation, 10 test images, 10 classes, 9 px",
        "limited, from 240 training, 300 validation, 300 test images",
    ]


def test_warnings_end_well_and_unusable_data_do_not(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pets / "cat/text.jpg").write_text("no image")
    code, lines, err = ask(capsys, "--data", pets)
    assert (code, err) == (0, "")
    assert "left out, cannot be read: 1: cat/text.jpg (not an image, or a damaged one)" in lines
    for path in (pets / "dog").iterdir():
        path.write_text("")
    code, lines, err = ask(capsys, "--data", pets)
    assert (code, lines) == (1, [])
    assert err.startswith(f"--data: class folder {pets}/dog holds no image that can be read (left out: ")


def test_unusable_data_of_a_file_carry_its_name(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "nothing").mkdir()
    code, lines, err = ask(capsys, file, "--data", tmp_path / "nothing")
    assert (code, lines) == (1, [f"{file}: sound; grid, 2 trials"])
    assert err.startswith(f"--data: {tmp_path}/nothing holds no folders; it must hold one folder per class, ")


def test_a_name_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, err = ask(capsys, "--data", "digts")
    assert (code, lines) == (1, [])
    assert "found 'digts', which is neither a known data set (digits, flowers-17, flowers-102, cifar10)" in err
    assert err.endswith("did you mean 'digits'?\n")


def test_a_split_that_other_data_do_not_have_is_harmless(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(FILE.replace("data: digits", "data: flowers-102, data.split: swapped"))
    code, lines, err = ask(capsys, file, "--data", "digits")
    assert (code, err) == (0, "")
    assert below(lines[1:], 2) == DIGITS


def test_neither_file_nor_data(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, err = ask(capsys)
    assert (code, lines) == (1, [])
    assert "Error: Missing argument 'FILE...'; without one, --data [NAME] checks a data set." in err


def test_a_workload_that_checks_no_data(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, err = ask(capsys, "--data", "--workload", "tests.engine.workloads:Synthetic")
    assert (code, lines) == (1, [])
    assert err == "workload 'tests.engine.workloads:Synthetic' checks no data: it has no method check_data(fixed)\n"


REPOSITORY = Path(__file__).parents[2]
ENDED = 'a workload must not end the process: what a script does goes under `if __name__ == "__main__":`'


def test_a_module_that_ends_the_process_is_no_sound_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    (tmp_path / "ends_at_once.py").write_text("import sys\nsys.exit(0)\n")
    Path("space.yaml").write_text("workload: ends_at_once:x\nfixed: {epochs: 1}\n")
    for verb in ("check", "plan", "run"):
        assert run([verb, "space.yaml"]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err == (
            "space.yaml:1: workload: importing 'ends_at_once' failed: "
            f"SystemExit(0) ({tmp_path}/ends_at_once.py, line 2); {ENDED}\n"
        )
    assert run(["schema", "ends_at_once:x"]) == 1
    assert capsys.readouterr().err.startswith("workload 'ends_at_once:x': importing 'ends_at_once' failed: SystemExit")


def test_a_workload_that_ends_the_process_when_it_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "EndingWithData"
    path = tmp_path / "space.yaml"
    path.write_text(f"workload: tests.space.fake:{name}\nfixed: {{epochs: 1, batch_size: 2}}\n")
    assert run(["check", str(path), "--data"]) == 1
    said = capsys.readouterr()
    assert said.out == f"{path}: sound; grid, 1 trial\n"
    told = re.escape(
        f"workload 'tests.space.fake:{name}' failed: SystemExit(0) ({REPOSITORY}/tests/space/fake.py, line "
    )
    assert re.fullmatch(rf"{told}[0-9]+\); {re.escape(ENDED)}\n", said.err)


def test_what_a_workload_raises_is_no_bug_of_the_service(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "space.yaml"
    path.write_text("workload: tests.space.fake:EndingWithData\nfixed: {epochs: 1, batch_size: 2}\n")
    assert run(["run", str(path), "--results", str(tmp_path / "results")]) == 1
    told = re.escape(f"RuntimeError('no such patient') ({REPOSITORY}/tests/space/fake.py, line ")
    said = capsys.readouterr().err
    assert re.fullmatch(rf"workload 'tests.space.fake:EndingWithData' failed: {told}[0-9]+\)\n", said)


def test_what_the_data_refuse_is_told_of_every_configuration(
    tmp_path: Path, pets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`check --data` reads what `plan` and `run` would; both say the same."""
    path = tmp_path / "space.yaml"
    content = f"workload: classifier\nfixed: {{epochs: 1, data: {json.dumps(str(pets))}, data.size: 9}}\n"
    axes = "  batch_size: {choice: [4, 7, 100]}\n  optimizer.lr: {float: {low: 0.1, high: 0.2}}\n"
    path.write_text(f"{content}space:\n{axes}search: {{sampler: random, trials: 3}}\n")
    assert run(["check", str(path)]) == 0
    capsys.readouterr()
    faults = [
        f"{path}: batch_size: found {size}, must be at most 6, the number of training images" for size in (100, 7)
    ]
    for words in (["check", str(path), "--data"], ["plan", str(path)], ["run", str(path)]):
        results = [] if words[0] == "check" else ["--results", str(tmp_path / "results")]
        assert run([*words, *results]) == 1
        assert capsys.readouterr().err.splitlines() == faults


def test_a_default_batch_that_is_too_large(file: Path, pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, err = ask(capsys, file, "--data", pets)
    assert (code, lines[0]) == (1, f"{file}: sound; grid, 2 trials")
    assert err == f"{file}: batch_size: found 48, must be at most 6, the number of training images\n"


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (
            "{data: digits, batch_size: 241}",
            "fixed.batch_size: found 241, must be at most 240, the number of training images",
        ),
        (
            "{data: digits, batch_size: 21, data.limit: [20, 9, 9]}",
            "fixed.batch_size: found 21, must be at most 20, the number of training images",
        ),
        ("{data: <file>}", "fixed.data: found '<file>', which is a file; name the folder that holds the classes"),
        (
            "{data: /dev/null}",
            "fixed.data: found '/dev/null', which is a device; name the folder that holds the classes",
        ),
        (
            "{model.name: resnet18, data.size: 32, model.weights: imagenet, model.weights_file: nowhere.pt}",
            "fixed.model.weights_file: found 'nowhere.pt', which is no file; give one that torch.save wrote a state "
            "dict to",
        ),
    ],
)
def test_what_is_known_without_the_data(
    settings: str, fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, image = tmp_path / "space.yaml", str(tmp_path / "space.yaml")
    written = settings.replace("<file>", json.dumps(image)).replace("{", "{epochs: 1, ", 1)
    path.write_text(f"workload: classifier\nfixed: {written}\n")
    for verb in ("check", "plan", "run"):
        assert run([verb, str(path)]) == 1
        assert capsys.readouterr().err == f"{path}:2: {fault.replace('<file>', image)}\n"


@pytest.mark.parametrize("raised", ["SystemExit(0)", "GeneratorExit()", "Gone(1)"])
def test_a_workload_that_ends_another_verb(
    raised: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.delitem(sys.modules, "ends_when_described", raising=False)
    source = "from search.workload import Workload\nclass Gone(BaseException): pass\nclass Ends(Workload):\n"
    source += f"    settings = {{}}\n    def start(self, *_): pass\n    def describe(self, *_): raise {raised}\n"
    (tmp_path / "ends_when_described.py").write_text(source)
    assert run(["describe", "any", "--workload", "ends_when_described:Ends"]) == 1
    told = f"a workload ended this process: {raised} ({tmp_path}/ends_when_described.py, line 6)"
    assert capsys.readouterr().err == told + (f"; {ENDED}" if raised == "SystemExit(0)" else "") + "\n"


def test_a_workload_that_describes_no_data_is_told_so_once(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sine = file.with_name("sine.yaml")
    sine.write_text(
        "workload: tests.contracts.toy:SineFit\nfixed: {epochs: 1, lr: 0.1}\nspace: {degree: {grid: [1]}}\n"
    )
    code, lines, err = ask(capsys, sine, sine, file)
    assert (code, err) == (0, "")
    assert lines == [
        f"{sine}: sound; grid, 1 trial",
        f"  note: {unnoticed('tests.contracts.toy:SineFit')}",
        f"{sine}: sound; grid, 1 trial",
        f"{file}: sound; grid, 2 trials",
    ]
