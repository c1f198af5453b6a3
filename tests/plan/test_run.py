"""What was planned stands beside what a run then did."""

from __future__ import annotations

import importlib
import io
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from search.api import load_space, run
from search.engine.live import Lines
from search.plan.process import FIRST_EPOCHS
from search.plan.text import duration


@pytest.mark.slow
def test_a_run_keeps_its_plan_and_says_what_became_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a notebook, in which nothing but the study is displayed."""
    importlib.import_module("search.engine.executor.tune")  # before ray, as a run does
    monkeypatch.setattr("ray.tune.progress_reporter.IS_NOTEBOOK", True)
    displayed: list[str] = []
    notebook: Any = ModuleType("IPython.display")
    notebook.HTML, notebook.display = str, lambda text, **_: displayed.append(text)
    monkeypatch.setitem(sys.modules, "IPython.display", notebook)
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    axes = {"degree": {"grid": [1, 2]}}
    content = {"workload": "tests.contracts.toy:SineFit", "fixed": {"epochs": 3, "lr": 0.1}, "space": axes}
    space = load_space({**content, "search": {"objective": {"metric": "val_loss", "direction": "minimize"}}})
    said = io.StringIO()
    study = run(space, results=tmp_path, view=Lines(said))
    assert displayed == []
    (conditions,) = [found["conditions"] for found in study.ledger.runs(study_id=study.record.id)]
    assert conditions["plan"]["epochs"]["to_train"] == 6
    assert conditions["plan"]["place"]["execution_class"] == study.record.execution_class
    timings = conditions["timings"]
    assert set(timings) >= {"ray", "worker", "epoch"}
    assert all(seconds >= 0 for seconds in timings.values())
    compared = "planned 6 epochs, 0 again and 1 to prove, trained 6, 0 again and 1 to prove; planned about "
    (line,) = [line for line in said.getvalue().splitlines() if compared in line]
    seconds = conditions["plan"]["seconds"]
    assert seconds["sources"] == [FIRST_EPOCHS]
    assert seconds["overhead"]["ray"] == timings["ray"], "what is over by then is not guessed"
    told = f"planned about {duration(seconds['wall'])}, by its first epochs"
    assert f"; {told}, took " in line
    assert any(line.endswith(f"] {told}") for line in said.getvalue().splitlines()), "as soon as it is known"
