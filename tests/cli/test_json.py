"""``--json``: one document on the standard output, with the names that the page of the schema lists."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from search.__main__ import run
from tests.surroundings import HANG_S, ROOT

PAGE = (ROOT / "docs/reference/json.md").read_text()
PIPELINES = (ROOT / "docs/how-to/pipelines.md").read_text()
FILE = (
    "workload: classifier\nfixed: {data: digits, epochs: 1, data.limit: [60, 40, 40]}\n"
    "space: {loss.label_smoothing: {grid: [0, 0.1]}}\nseeds: [0]\nreport: {baseline: 0, claims: [{better: [0.1, 0]}]}\n"
)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "results/reference/search.db", tmp_path)
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """Run a command; return its document."""
    code = run([*words, "--json"])
    output = capsys.readouterr()
    assert code == 0, output.err
    return json.loads(output.out)


def listed(beginning: str) -> list[str]:
    """Return the names that the page lists in the line or paragraph that begins so, those in parentheses apart."""
    (text,) = re.findall(rf"^{re.escape(beginning)}(.*?)(?:\n\n|\n\||\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return re.findall(
        r"`([a-z_]+)`", re.sub(r"\([^)]*\)", "", text.partition(":")[0] if "table.json" in text else text)
    )


def test_studies(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, "list", "--results", str(results))
    (focal,) = [study for study in found["studies"] if study["study"] == "focal"]
    assert list(found) == ["studies", "states"]
    assert [f"`{name}`" for name in focal] == re.findall(
        r"`[a-z_]+`", PAGE.partition("| `studies` (")[2].partition(")")[0]
    )
    assert sum(focal["trials"].values()) == len(printed(capsys, "show", "focal", "--results", str(results))["trials"])
    assert 0 < focal["best_single_trial"]["value"] <= 1


def test_a_study_and_a_trial(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ("--results", str(results))
    study = printed(capsys, "show", "focal", *place)
    assert list(study) == listed("| `show STUDY` | ")
    trial = printed(capsys, "show", "focal", "3", *place)
    assert list(trial) == listed("| `show STUDY TRIAL` | ")
    (row,) = [row for row in study["trials"] if row["trial"] == 3]
    assert (row["seed"], row["state"], row["epochs"]) == (trial["seed"], trial["state"], trial["last_epoch"])
    assert row["val_accuracy"] == trial["metrics"]["last"]["val_accuracy"]
    assert run(["show", "focal", "9999", *place, "--json"]) == 1
    assert "study 'focal' has no trial 9999" in capsys.readouterr().err


def test_the_table_and_what_may_be_concluded(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, "report", "focal", "--results", str(results))
    assert list(found) == ["table", "conclusions"]
    assert list(found["table"]) == listed("`table` has ")
    assert list(found["conclusions"]) == listed("`conclusions` has ")
    assert [claim["verdict"] for claim in found["conclusions"]["claims"]] == [
        claim["verdict"] for claim in found["table"]["verdicts"]
    ]
    written = (
        json.loads((results / "focal" / "table.json").read_text()) if (results / "focal/table.json").exists() else 0
    )
    assert written in (0, {name: found["table"][name] for name in found["table"] if name != "study"})


def test_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound, bad = tmp_path / "sound.yaml", tmp_path / "bad.yaml"
    sound.write_text(FILE)
    bad.write_text(FILE.replace("epochs: 1", "epochs: 0"))
    (found,) = printed(capsys, "check", str(sound))
    assert list(found) == listed("| `check FILE...` | list of ")
    assert (found["faults"], found["trials"], found["seeds"]) == ([], 2, [0])
    assert run(["check", str(bad), str(sound), "--json"]) == 1
    output = capsys.readouterr()
    first, second = json.loads(output.out)
    (fault,) = first["faults"]
    assert fault == {"file": str(bad), "line": 2, "key": "fixed.epochs", "message": "found 0, must be at least 1"}
    assert output.err == f"{bad}:2: fixed.epochs: found 0, must be at least 1\n"
    assert second == found
    assert run(["check", str(sound), "--data", "digits", "--json"]) == 1
    assert "--json is for space files; leave out --data and --write-groups" in capsys.readouterr().err


def test_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, "describe", "resnet18", "example_cnn", "--size", "64", "--classes", "20")
    assert list(found["models"]) == ["resnet18", "example_cnn"]
    resnet = found["models"]["resnet18"]
    assert list(found) + list(resnet) == listed("| `describe MODEL...` | ")
    assert (resnet["parameters"], resnet["size_px"], resnet["classes"]) == (11_186_772, 64, 20)
    assert sum(layer["parameters"] for layer in resnet["layers"]) == resnet["parameters"]
    assert f"`{'`, `'.join(resnet['layers'][0])}`" in PAGE
    assert run(["describe", "resnet18", "--json", "--size", "0"]) == 1
    assert capsys.readouterr().out == ""


def test_a_workload_that_tells_text_alone(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    class Text:
        def describe(self, names: object, options: object) -> str:
            return "layers"

    monkeypatch.setattr("search.workload.load_workload", lambda name: Text())
    assert run(["describe", "x", "--workload", "other", "--json"]) == 1
    assert capsys.readouterr().err == "workload 'other' describes its models as text alone: leave out --json\n"


def test_cleaning(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, "clean", "--states", "--results", str(results))
    assert list(found) == listed("| `clean` | ")
    assert found["kept"]["states"] == 0
    assert (found["freed"].keys(), found["alarms_cleared"]) == ({"files", "bytes"}, 0)


WITHOUT = {
    "init": "writes a file",
    "export": "writes files",
    "visualize": "writes files",
    "log": "writes to a tracker",
    "serve": "answers by REST",
    "dashboard": "answers by REST",
    "mcp": "speaks a protocol",
    "schema": "prints JSON",
}
"""Verbs that print no figures."""


def test_every_verb_that_prints_figures_has_it() -> None:
    group = importlib.import_module("search.cli").cli
    verbs = {name: group.get_command(click.Context(group), name) for name in group.list_commands(click.Context(group))}
    servers = verbs.pop("server")
    verbs |= {f"server {name}": verb for name, verb in servers.commands.items() if name != "token"}
    lacking = {name for name, verb in verbs.items() if not any("--json" in option.opts for option in verb.params)}
    assert lacking == set(WITHOUT)


# Pipelines -------------------------------------------------------------------------------------------------------


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a pipeline in a folder, whose `search` and `gh` lie in `bin`."""
    tools = folder / "bin"
    tools.mkdir()
    scripts = {
        "search": f'exec "{sys.executable}" -m search "$@"',
        "gh": 'printf "%s\\n" "$*" >> gh.txt; case "$*" in *--edit-last*) exit 1;; esac; cp comment.md sent.md',
    }
    for name, script in scripts.items():
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(stat.S_IRWXU)
    return {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.slow
def test_the_hook_checks_what_lies_in_spaces(tmp_path: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert f"- id: {hook['id']}\n" in PIPELINES
    tracked = [path.relative_to(ROOT).as_posix() for path in (ROOT / "spaces").rglob("*.yaml")]
    files = [path for path in tracked if re.search(hook["files"], path)]
    assert {*tracked} - {*files} == {path for path in tracked if "/base/" in path}
    ran = environment(tmp_path)

    def checked(*paths: str) -> subprocess.CompletedProcess[str]:
        command = [*hook["entry"].split(), *paths]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=ran, timeout=HANG_S)

    assert checked(*files).returncode == 0
    bad = tmp_path / "bad.yaml"
    bad.write_text("workload: classifier\nfixed: {epoch: 1}\nspace: {}\n")
    assert checked(str(bad)).returncode == 1


@pytest.mark.slow
def test_the_job_of_a_pull_request_comments_plan_and_verdicts(tmp_path: Path) -> None:
    """Its steps, as the page has them, one after the other as GitHub runs them; what it fetches is there already."""
    (text,) = re.findall(r"```yaml\n(name: study.*?\n)```\n\nThe comment", PIPELINES, re.DOTALL)
    job = yaml.safe_load(text)["jobs"]["study"]
    steps = {step["name"]: step["run"] for step in job["steps"] if "run" in step}
    assert steps.pop("Install") == "pip install search-service"
    (tmp_path / "spaces").mkdir()
    (tmp_path / job["env"]["FILE"]).write_text(FILE)
    ran = {**environment(tmp_path), "FILE": job["env"]["FILE"], "STUDY": job["env"]["STUDY"], "PULL_REQUEST": "7"}
    codes = {}
    for name, script in steps.items():
        command = ["bash", "-e", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=ran, timeout=HANG_S)
        codes[name] = done.returncode
    assert codes == {"Check": 0, "Plan": 0, "Train": 0, "Verdicts": 0, "Comment": 0, "Verdict": 5}
    asked = "pr comment 7 --edit-last --body-file comment.md\npr comment 7 --body-file comment.md\n"
    assert (tmp_path / "gh.txt").read_text() == asked
    sent = (tmp_path / "sent.md").read_text()
    assert sent.startswith("### Plan\n```\nstudy focal\n")
    assert "| loss.label_smoothing=0.1 " in sent
    assert "Claim: loss.label_smoothing=0.1 is better than loss.label_smoothing=0. Undecided: " in sent
