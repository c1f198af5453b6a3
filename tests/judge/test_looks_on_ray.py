"""A question whose looks train on Ray."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from search.__main__ import run as command
from search.engine.executor import tune
from search.plan.process import AskedClass

pytestmark = pytest.mark.slow

FILE = """\
workload: examples.sine:SineFit
fixed: {epochs: 1, degree: 3}
space:
  lr: {grid: [0.01, 0.0100001]}
resources: {gpus: 0}
search:
  objective: {metric: val_loss, direction: minimize}
report:
  baseline: 0.01
  looks: [3, 4, 5]
  claims:
    - better: [0.0100001, 0.01]
"""


def test_the_machine_is_asked_once_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    begin, ask = AskedClass.__init__, tune.ask_execution_class

    def begun(self: AskedClass, workload: str, cpus: int, gpus: float) -> None:
        asked.append("process")
        begin(self, workload, cpus, gpus)

    def asks(*given: Any) -> dict[str, str]:
        asked.append("worker")
        return ask(*given)

    monkeypatch.setattr(AskedClass, "__init__", begun)
    monkeypatch.setattr(tune, "ask_execution_class", asks)
    file = tmp_path / "sine.yaml"
    file.write_text(FILE)
    code = command(["judge", str(file), "--results", str(tmp_path / "results")])
    out, err = capsys.readouterr()
    assert code == 5, err
    assert "looked 3 times of 3, with 5 seeds" in out
    assert asked == ["process"]


def test_a_look_that_a_limit_cuts_is_not_taken_and_ends_the_question(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, place = tmp_path / "sine.yaml", ["--results", str(tmp_path / "results")]
    file.write_text(f"{FILE}limits: {{epochs: 7}}\n")
    assert command(["judge", str(file), *place]) == 5
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[-2] == "looked 1 time of 3, with 3 seeds; 7 epochs trained"
    cut = re.fullmatch(
        r"look 2 of 3 was not taken: (The study is not complete: .*, [67] finished\. The limit of 7 epochs is reached "
        r"\(limits\.epochs\)\..*)",
        lines[-1],
    )
    assert cut is not None
    assert err.startswith("undecided: lr=0.0100001 is better than lr=0.01 (rows hold neither")
    assert "look 3 of 3" not in out
    assert command(["judge", str(file), *place, "--json"]) == 5
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert (said["looks_taken"], said["seeds"], said["epochs_trained"]) == ([], 0, 0)
    assert said["look_not_taken"] == cut[1]
    assert [(claim["verdict"], claim["reason"]) for claim in said["claims"]] == [("undecided", cut[1])]
    file.write_text(FILE)  # without the limit the same command goes on, and knows the look before
    assert command(["judge", str(file), *place]) == 5
    assert "looked 3 times of 3, with 5 seeds; 3 epochs trained" in capsys.readouterr().out
