"""A question whose looks train on Ray."""

from __future__ import annotations

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
