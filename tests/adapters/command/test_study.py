"""Commands in whole studies: runs are shared, failures are told and mended, and nothing hangs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from search.core.trial import State
from search.core.trust import START_EPOCHS
from search.space.reader import space_from_mapping
from tests.adapters.command.made import LINE
from tests.adapters.shared import proofs, rows_shared_are_those_alone
from tests.engine.test_run import Bench
from tests.surroundings import ROOT

pytestmark = pytest.mark.slow


def content(run: str, space: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "workload": "command",
        "command": {"run": run, "settings": {"act": "string", "x": "integer"}},
        "space": space,
        "search": {"objective": {"metric": "val_loss", "direction": "minimize"}, "attempts": 1},
        **more,
    }


def test_trials_that_share_a_run_have_the_rows_of_trials_trained_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told no number of epochs, so that a shorter trial is the beginning of a longer one."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    space = {"x": {"grid": [1, 2]}, "epochs": {"grid": [3, 6]}}
    run = rows_shared_are_those_alone(
        space_from_mapping(content(f"{LINE} 5", space, fixed={"act": "endless"}), "shared"), tmp_path
    )
    assert (len(run.trained), run.to_prove) == (12, START_EPOCHS)
    started = len((tmp_path / "log").read_text().splitlines())
    assert started == 2 + run.to_prove + 4, "two runs for four trials, the proofs, and each trial alone"


def test_what_fails_is_told_and_goes_on_once_it_is_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path)
    monkeypatch.setenv("LOG", str(bench.log))
    monkeypatch.setenv("MENDED", str(tmp_path / "mended"))
    acts = {"act": {"grid": ["train", "fail", "words", "late-fail", "hang"]}}
    file = content(f"{LINE} {{epochs}}", acts, fixed={"epochs": 2, "x": 1}, resources={"epoch_seconds": 2})
    (bench.folder / f"{bench.name}.yaml").write_text(yaml.safe_dump(file))
    done = bench.run()
    assert done.returncode == 2
    ended = {trial.parameters["act"]: trial for trial in bench.trials()}
    assert ended.pop("train").state == State.FINISHED
    assert {trial.state for trial in ended.values()} == {State.FAILED}
    last = {act: trial.error.strip().splitlines()[-1] for act, trial in ended.items()}
    kind = "search.adapters.command.process.CommandFailed: "
    assert last["fail"] == "the program ended with exit status 3 after 1 row; its last words: 'ValueError: x is 1'"
    assert last["words"].startswith(f"{kind}line 1 of its output is 'loading data', must be one JSON object")
    assert last["late-fail"].startswith(
        "the program ended with exit status 1 behind its last row, which therefore does"
    )
    assert "took longer than 2 s in epoch 2 and was ended" in ended["hang"].error

    bench.log.unlink()
    (tmp_path / "mended").touch()
    again = bench.run()
    assert again.returncode == 0, again.stderr
    assert {trial.state for trial in bench.trials()} == {State.FINISHED}
    proven = proofs(again.stdout + again.stderr)
    assert len(bench.log.read_text().splitlines()) == len(ended) + proven, "what had finished was trained again"
