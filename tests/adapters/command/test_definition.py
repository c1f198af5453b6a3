"""The section ``command`` of a space file: what is read, and the sentence of each fault with its address."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.core.errors import Faults
from search.space.reader import read_space, space_from_mapping
from search.space.recorded import rebuild
from search.space.schema import schema
from search.space.writing import dump
from search.workload import load_workload

FILE = """\
workload: command
command:
  run: ./train.sh --rate {rate} --seed {seed} {model.width}
  settings:
    rate: {type: number, exclusiveMinimum: 0}
    model.width: integer
fixed: {epochs: 3, rate: 0.1}
space:
  model.width: {grid: [1, 2]}
seeds: 2
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("train.sh", "run.sh"):
        Path(name).write_text("#!/bin/sh\n")
    Path("train.sh").chmod(0o755)
    Path("points.csv").touch()
    Path("folder").mkdir()
    return tmp_path


def written(old: str = "", new: str = "", text: str = FILE) -> str:
    """Return the faults of a file, without the folder."""
    assert old in text
    Path("space.yaml").write_text(text.replace(old, new))
    with pytest.raises(Faults) as refused:
        read_space("space.yaml")
    return str(refused.value).replace(str(Path.cwd()), "<here>")


def test_a_command_is_read_with_its_settings() -> None:
    Path("space.yaml").write_text(FILE)
    space = read_space("space.yaml")
    workload = load_workload(space.workload)
    assert workload.settings["rate"] == {
        "type": "number",
        "exclusiveMinimum": 0,
        "description": "stands for {rate} in the command",
    }
    assert workload.settings["model.width"]["type"] == "integer"
    assert json.loads(space.workload.partition(" ")[2])["run"].startswith("./train.sh")


def test_a_command_on_record_is_read_back_and_loads_the_same_workload() -> None:
    Path("space.yaml").write_text(FILE)
    space = read_space("space.yaml")
    assert rebuild(dump(space), space.name).workload == space.workload
    again = space_from_mapping(yaml.safe_load(FILE), "space")
    assert load_workload(again.workload).recipe == load_workload(space.workload).recipe


@pytest.mark.parametrize("line", ["./train.sh {rate}", ["./train.sh", "{rate}"]])
def test_the_line_alone_may_stand_for_the_section(line: object) -> None:
    space = space_from_mapping(
        {"workload": "command", "command": line, "fixed": {"epochs": 2}, "space": {"rate": {"grid": [1, 2.5, "a"]}}}
    )
    assert list(load_workload(space.workload).settings) == ["rate"]


def test_a_value_of_a_base_file_and_of_the_command_line_is_laid_over_it() -> None:
    Path("base.yaml").write_text(FILE)
    Path("space.yaml").write_text("extends: base.yaml\ncommand: {data: points.csv}\n")
    space = read_space("space.yaml", {"command.settings": {"rate": "number"}})
    described = json.loads(space.workload.partition(" ")[2])
    assert (described["data"], described["settings"]) == ("points.csv", {"rate": "number"})


def test_what_is_set_behind_a_command_is_part_of_what_is_loaded() -> None:
    Path("space.yaml").write_text(FILE)
    space = read_space("space.yaml", {"command.run": "./train.sh {rate} {seed} {model.width} {depth}", "depth": "3"})
    assert space.fixed["depth"] == 3
    with pytest.raises(Faults) as refused:
        read_space("space.yaml", {"command.run": "sh -c true"})
    assert "--set: command.run: names no file that is there" in str(refused.value)


@pytest.mark.parametrize("data", [yaml.safe_load(FILE), {**yaml.safe_load(FILE), "command": "./train.sh {rate}"}])
def test_the_schema_takes_what_the_reader_takes(data: Mapping[str, Any]) -> None:
    for rule in (schema(), schema("command")):
        assert list(jsonschema.Draft202012Validator(rule).iter_errors(data)) == []


LINE = "run: ./train.sh --rate {rate} --seed {seed} {model.width}"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            FILE[FILE.index("command:\n") : FILE.index("fixed")],
            "",
            "1: workload: needs the key `command`: the program, such as `python3 train.py --rate {rate} --seed {seed} "
            "--epochs {epochs}`",
        ),
        (
            "workload: command",
            "workload: classifier",
            "2: command: is read with `workload: command` only; remove it, or name that workload",
        ),
        (LINE, "line: x", "3: command.line: unknown key; known: run, settings, rows, source, data, truth"),
        (LINE, "run: 3", "3: command.run: found 3, must be text or a list; for example python3 train.py --rate {rate} "
         "--seed {seed} --epochs {epochs}"),
        (LINE, "run: []", "3: command.run: found a list, must have at least 1 entry"),
        (LINE, "run: ./train.sh > log", "3: command.run: found '>', and no shell reads the command; put such a line "
         "into a script and name that, or write the command as a list of words"),
        ("./train.sh", "./lost.sh", "3: command.run: found './lost.sh', but there is no such file in <here>"),
        ("./train.sh", "./run.sh", "3: command.run: found './run.sh', which may not be executed; run "
         "`chmod +x ./run.sh`, or put its interpreter before it"),
        ("./train.sh", "./folder", "3: command.run: found './folder', which is a folder; name the program in it"),
        ("./train.sh", "train.sh", "3: command.run: found 'train.sh', but no program of this name is in PATH; write "
         "./train.sh for the file in the working folder"),
        ("./train.sh", "no-such-program", "3: command.run: found 'no-such-program', but no program of this name is in "
         "PATH; install it, or write its path"),
        ("./train.sh", "sh -c true", "3: command.run: names no file that is there, so that a changed program would not "
         "be noticed; list its files under `source`, or write `source: []` if it has none"),
        ("integer", "int", "6: command.settings.model.width: found 'int', must be one of number, integer, string, "
         "boolean, array; did you mean 'integer'?"),
        ("rate: {type: number", "rat: {type: number", "5: command.settings.rat: is not in the command line; did you "
         "mean 'rate'?"),
        ("model.width: integer", "folder: integer", "6: command.settings.folder: {folder} is a new, empty folder of "
         "its own, which is removed behind it; give the setting another name"),
        ("exclusiveMinimum: 0", "epoch: true", "5: command.settings.rate.epoch: unknown key; known: type, enum, "
         "default, minimum, maximum, exclusiveMinimum, exclusiveMaximum, unit, description"),
        ("exclusiveMinimum: 0", "exclusiveMinimum: 0, default: 0", "5: command.settings.rate.default: found 0, must be "
         "greater than 0"),
        ("  settings:", "  rows: rows.jsonl\n  settings:", "4: command.rows: found 'rows.jsonl', must be `output`, or "
         "a file in the folder of the run such as '{folder}/rows.jsonl'"),
        ("  settings:", "  rows: '{folder}/a'\n  settings:", "4: command.rows: the command line has no {folder}; write "
         "{folder} where the program is told of its file of rows"),
        ("  settings:", "  data: [points.csv, lost.csv]\n  settings:", "4: command.data[1]: found 'lost.csv', but "
         "there is no such file or folder in <here>"),
        ("  settings:", "  source: lost.py\n  settings:", "4: command.source: found 'lost.py', but there is no such "
         "file or folder in <here>"),
        ("  settings:", "  data: '{seed}.csv'\n  settings:", "4: command.data: data may depend on settings that the "
         "command line names, and {seed} is none"),
        ("  settings:", "  truth: points.csv\n  settings:", "4: command.truth: found 'points.csv', which holds no JSON"
         '; it must be a JSON object such as {"val": [0, 2, 1]}: the class of each item, a whole number from 0 on'),
        ("rate: 0.1", "rat: 0.1", "7: fixed.rat: unknown setting; did you mean 'rate'?"),
        ("rate: 0.1", "rate: 0", "7: fixed.rate: found 0, must be greater than 0"),
        (" --seed {seed}", "", "10: seeds: the command line has no {seed}, so that all seeds would train the same; "
         "tell the program its seed, or leave `seeds` out"),
    ],
)  # fmt: skip
def test_a_fault_has_an_address_and_a_remedy(old: str, new: str, sentence: str) -> None:
    said = written(old, new).splitlines()
    assert f"space.yaml:{sentence}" in said


def test_what_a_setting_without_a_rule_may_be() -> None:
    text = "workload: command\ncommand: ./train.sh {rate}\nfixed: {epochs: 2, rate: null}\n"
    assert written(text=text) == (
        "space.yaml:3: fixed.rate: found null, must be a number or text or true or false or a list"
    )


def test_a_setting_that_nothing_sets_is_named_with_what_it_stands_for() -> None:
    text = "workload: command\ncommand: ./train.sh {rate}\nfixed: {epochs: 2}\n"
    assert written(text=text) == (
        "space.yaml:3: fixed.rate: is required and has no default; set it under `fixed`, or make it an axis (stands "
        "for {rate} in the command)"
    )


def test_nothing_is_said_of_a_section_that_may_stand_in_a_base_that_cannot_be_read() -> None:
    assert written(text="workload: command\nextends: lost.yaml\n") == (
        "space.yaml:2: extends: found 'lost.yaml', but there is no file 'lost.yaml'"
    )


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
WORDS = st.sampled_from(
    ["run", "settings", "rows", "source", "data", "truth", "type", "enum", "default", "minimum", "rate"]
)
SECTIONS = st.recursive(
    SCALARS | st.sampled_from(["./train.sh {rate} {folder}", "number", "{folder}/a", "points.csv", "{rate}.csv", "."]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
)


@given(section=SECTIONS, sound=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_stands_there_is_read_or_refused_with_an_address(here: Path, section: Any, sound: bool) -> None:
    """Half of the time the line itself is sound, so that what stands beside it is looked at."""
    if sound and isinstance(section, dict):
        section = {**section, "run": "./train.sh {rate} {folder}"}
    file = {"workload": "command", "command": section, "fixed": {"epochs": 2, "rate": 1}}
    try:
        space = space_from_mapping(file)
    except Faults as refused:
        faults = refused.faults
        assert all(fault.key for fault in faults)
    else:
        assert load_workload(space.workload).settings
