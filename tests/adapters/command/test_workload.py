"""Runs of a command: rows, keys, files, variables, and the sentence of whatever it does instead."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from search.adapters.command import Command
from search.adapters.command.process import CommandFailed
from search.workload import SettingFaults, identity
from search.workload.measured import row_of
from tests.adapters.command.made import ENDLESS, LINE, PROGRAM, begin, command, failure, rows

ROW = 'must be one JSON object such as {"val_loss": 0.5}'
REMEDY = "; let it print all else to standard error, or write rows into a file that `rows` names"
ASKED = "it must write one row for each of {epochs} epochs"
OF_A_FILE = {"rows": "{folder}/rows.jsonl"}


def test_rows_come_from_its_output() -> None:
    assert rows("train", x=3) == [{"val_loss": 0.113, "train_loss": 0.5}, {"val_loss": 0.123, "train_loss": 0.5}]


@pytest.mark.parametrize("act", ["file", "late"])
def test_rows_come_from_a_file_and_the_output_is_its_own(act: str) -> None:
    assert rows(act, command(**OF_A_FILE)) == rows("train")


def test_a_last_line_without_an_end_is_a_row() -> None:
    assert len(rows("open")) == 2


def test_a_program_that_is_not_told_how_many_epochs_is_ended_where_they_end() -> None:
    assert rows("endless", ENDLESS, epochs=4)[:2] == rows("train")


def test_what_a_program_left_running_is_not_waited_for() -> None:
    assert len(rows("orphan")) == 2


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        ("words", f"line 1 of its output is 'loading data', {ROW}{REMEDY}"),
        ("list", f"line 1 of its output is '[1, 2]', {ROW}{REMEDY}"),
        (
            "half",
            f'line 2 of its output is \'{{"epoch": 2, "val_lo\', {ROW}{REMEDY}; the program ended in the middle of '
            "a line",
        ),
        (
            "cut",
            f'line 2 of its output is \'{{"epoch": 2, "val_lo\', {ROW}{REMEDY}; the program was ended by the signal '
            "SIGKILL in the middle of a line",
        ),
        ("twice", "line 1 of its output names 'val_loss' twice; each metric has one value per epoch"),
        ("skip", "row 2 says that it is of epoch 3, must be 2: one row for each epoch, in turn"),
        (
            "silent",
            'the program ended without a row; it must write one JSON object per epoch, such as {"val_loss": 0.5}',
        ),
        ("fewer", f"the program ended after 1 row of 2 epochs; {ASKED}"),
        ("more", f"the program wrote more than 2 rows; {ASKED}"),
        ("endless", f"the program wrote more than 2 rows; {ASKED}"),
        ("fail", "the program ended with exit status 3 after 1 row; its last words: 'ValueError: x is 1'"),
        ("never", "the program ended with exit status 4 before its first row"),
        ("signal", "the program was ended by the signal SIGSEGV after 1 row"),
        (
            "late-fail",
            "the program ended with exit status 1 behind its last row, which therefore does not count; see what it "
            "does at its end; its last words: 'no room to save'",
        ),
        (
            "flood",
            "it wrote more than 64 MB without the end of a line; it must write one JSON object per epoch, each on a "
            "line of its own",
        ),
    ],
)
def test_what_a_program_does_instead_is_one_sentence_with_the_remedy(act: str, sentence: str) -> None:
    assert failure(act) == sentence


def test_one_that_ends_before_it_was_told_to_is_told_how() -> None:
    assert failure("fewer", ENDLESS) == (
        "the program ended after 1 row and more were asked for; tell it how many with {epochs} in the command, or set "
        "`epochs` to what it trains"
    )


def test_an_error_shows_the_last_lines_of_standard_error() -> None:
    run = begin("fail")
    run.train_epoch({})
    with pytest.raises(CommandFailed) as failed:
        run.train_epoch({})
    assert str(failed.value).splitlines()[:3] == ["standard error ended in", "  Traceback:", "  ValueError: x is 1"]


@pytest.mark.parametrize("act", ["nan", "null"])
def test_a_metric_that_is_no_number_any_more_is_a_row(act: str) -> None:
    first, second = (row_of(row) for row in rows(act))
    assert first.metrics["train_loss"] != first.metrics["train_loss"]
    assert second.metrics["train_loss"] == 0.5


def test_a_number_as_other_languages_print_it_is_refused_with_the_spelling() -> None:
    assert failure("lower").endswith(f"{ROW}; write NaN, Infinity or -Infinity for what is no finite number")


def test_a_program_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    script = tmp_path / "train.sh"
    script.write_text("#!/nowhere/interpreter\n")
    script.chmod(0o755)
    assert failure("train", Command({"run": f"{script} {{act}} {{x}} {{seed}}", "source": [str(script)]})) == (
        f"'{script}' cannot be started: No such file or directory; see whether it can be run by hand"
    )


# Its variables and its folder ------------------------------------------------------------------------------------


def test_nothing_of_ours_is_among_its_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("RAY_", "TUNE_"))]:
        monkeypatch.delenv(name)  # a search in this process, of a test before, leaves them
    for name in ("RAY_AUTH_TOKEN", "TUNE_WARN_THRESHOLD_S", "PYTHONBREAKPOINT", "SPT_NOENV"):
        monkeypatch.setenv(name, "ours")
    packages = next(place for place in sys.path if place.endswith("site-packages"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/their/own", packages]))
    monkeypatch.setenv("THEIRS", "kept")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    workload = command(f" {{epochs}} {tmp_path}/variables")
    workload.start({"act": "environment", "x": 1, "seed": 0, "epochs": 1}, 3, 0).train_epoch({})
    found = dict(line.split("=", 1) for line in (tmp_path / "variables").read_text().splitlines())
    expected = {**os.environ, "OMP_NUM_THREADS": "3", "PYTHONPATH": "/their/own"}
    for name in ("RAY_AUTH_TOKEN", "TUNE_WARN_THRESHOLD_S", "PYTHONBREAKPOINT", "SPT_NOENV"):
        del expected[name]
    shells_own = {"_", "PWD", "OLDPWD", "SHLVL"}
    assert {name: found[name] for name in found.keys() - shells_own} == {
        name: expected[name] for name in expected.keys() - shells_own
    }


def test_its_folder_is_new_and_goes_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run = begin("late", command(**OF_A_FILE))
    run.train_epoch({})
    (folder,) = tmp_path.iterdir()
    assert (folder / "rows.jsonl").exists()
    run.train_epoch({})
    assert not list(tmp_path.iterdir())


# Keys ------------------------------------------------------------------------------------------------------------


def described(**definition: Any) -> dict[str, str]:
    return identity("command {}", command(**definition))


def test_the_identity_is_of_the_line_the_source_and_defaults_and_not_of_words_for_people(tmp_path: Path) -> None:
    source = tmp_path / "source.py"
    source.write_text("a = 1\n")
    plain = described(source=[str(source)])
    assert plain["workload"] == "command"
    assert plain == described(source=str(source), settings={"x": {"type": "integer", "description": "a number"}})
    changed = [
        described(source=[str(source)], more=" 3"),
        described(source=[str(source)], rows="{folder}/rows.jsonl"),
        described(source=[str(source)], settings={"x": {"type": "integer", "default": 2}}),
        described(source=[PROGRAM]),
    ]
    source.write_text("a = 2\n")
    changed.append(described(source=[str(source)]))
    assert len({str(each) for each in [plain, *changed]}) == 6


def test_a_module_that_a_script_imports_from_beside_it_is_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lib").mkdir()
    texts = {
        "train.py": "import json\nfrom lib import model",
        "lib/__init__.py": "",
        "lib/model.py": "from . import deep",
        "lib/deep.py": "",
        "lib/other.py": "",
        "a.conf": "",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)

    def recipe() -> str:
        return Command({"run": f"{sys.executable} train.py --config=a.conf --seed {{seed}}"}).recipe

    before = recipe()
    for name, text in texts.items():
        (tmp_path / name).write_text(f"{text}\nprint()")
        assert (recipe() != before) is (name != "lib/other.py"), name
        (tmp_path / name).write_text(text)
    assert recipe() == before


def test_a_module_started_by_name_is_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/train.py").write_text("")
    command = Command({"run": f"{sys.executable} -m mine.train --seed {{seed}}"})
    before = command.recipe
    (tmp_path / "mine/train.py").write_text("print()")
    assert Command({"run": f"{sys.executable} -m mine.train --seed {{seed}}"}).recipe != before


def test_a_number_of_epochs_that_it_is_told_is_a_fixed_setting() -> None:
    told, untold = command(), ENDLESS
    settings = told.canonical({"act": "train", "x": 1, "seed": 0})
    assert told.schedule(settings, 5) == ({**settings, "epochs": 5}, [{}] * 5)
    assert untold.schedule(settings, 5) == (settings, [{}] * 5)


def test_numbers_that_are_equal_are_one_run_and_one_line() -> None:
    workload = command()
    one, other = (workload.canonical({"act": "train", "x": x, "seed": 0}) for x in (3, 3.0))
    assert repr(one) == repr(other)
    assert repr(one["x"]) == "3"


def test_data_are_known_by_content_wherever_they_lie(tmp_path: Path) -> None:
    for folder in ("one", "other", "changed"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.csv").write_text("changed" if folder == "changed" else "1,2")
    cards = {}
    for folder in ("one", "other", "changed"):
        for data in (f"{tmp_path}/{{x}}", f"{tmp_path}/{{x}}/a.csv"):
            card = command(data=[data]).data({"act": "train", "x": folder, "seed": 0})
            assert card is not None
            cards[folder, data.endswith(".csv")] = card
    for whole in (False, True):
        one, other, changed = (cards[folder, whole].fingerprint for folder in ("one", "other", "changed"))
        assert one == other != changed
    assert cards["one", True].notes == ["1 file, 3 bytes"]
    assert command().data({}) is None
    nothing = command(data=[]).data({"x": 1})
    assert nothing is not None
    assert (nothing.name, nothing.notes) == ("none", ["0 files, 0 bytes"])
    assert nothing.fingerprint


def test_data_that_are_not_there_are_a_fault_of_their_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingFaults) as refused:
        command(data=[f"{tmp_path}/{{x}}.csv"]).data({"act": "train", "x": "lost", "seed": 0})
    reason = f"the data file '{tmp_path}/lost.csv' cannot be read: No such file or directory"
    assert refused.value.faults == [("x", f"{reason}; put it there, or mend `data` under `command`")]


def test_files_that_a_setting_names_are_inputs(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_text("weights")
    workload, fixed = command(), {"act": "train", "x": f"{tmp_path}/a.bin", "seed": 0, "epochs": 1}
    before = workload.inputs(fixed)
    assert list(before) == [f"{tmp_path}/a.bin"]
    (tmp_path / "a.bin").write_text("others")
    assert workload.inputs(fixed) != before
    assert workload.inputs({**fixed, "x": 1}) == {}
    assert command(data=["{x}"]).inputs(fixed) == {}


def test_the_program_is_of_the_execution_class_where_it_is_no_source() -> None:
    assert set(command().execution_class(2, 0)) == {"system", "cpus"}
    by_name = Command({"run": f"sh {PROGRAM} {{act}}"}).execution_class(2, 0)
    assert by_name["program"].startswith("sh ")
    assert by_name["cpus"] == "2"


def test_a_zero_character_is_refused() -> None:
    with pytest.raises(SettingFaults) as refused:
        command().canonical({"act": "a\0b", "x": 1, "seed": 0})
    reason = "found 'a\\x00b', which no command line can hold; leave out the zero character"
    assert refused.value.faults == [("act", reason)]


def test_check_shows_what_stands_behind_a_command() -> None:
    workload = command(data=[PROGRAM])
    text = workload.check_data({"act": "train", "x": 1, "epochs": 2})  # it is asked without a seed
    assert text[0] == f'command: ["./{PROGRAM}", "train", "1", "SEED", "EPOCHS", "FOLDER/rows.jsonl"]'
    assert workload.inputs({"act": "train", "x": 1}) == {}
    assert text[1].startswith(f"source: ./{PROGRAM} (")
    assert text[2].startswith(f"data: {PROGRAM} 1 file, ")


def test_a_command_has_no_states() -> None:
    run = begin("train")
    for refused in (run.save, lambda: run.load(b"")):
        with pytest.raises(NotImplementedError) as said:
            refused()
        assert str(said.value) == "a command has no states: every run is trained from its first epoch"
    assert "{epochs}" not in LINE
