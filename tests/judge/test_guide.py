"""Scripts of the guide on runs trained elsewhere, on small logs of the form that they are for."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from search.judge.score_file import ScoreFile, read_scores

GUIDE = (Path(__file__).parents[2] / "docs/how-to/runs-elsewhere.md").read_text()
LM_EVAL, INSPECT = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
VALUES = {("base", 0): [1, 0], ("base", 1): [0, 0], ("more shots", 0): [1, 1], ("more shots", 1): [0, 1]}


def run(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ScoreFile:
    monkeypatch.chdir(folder)
    exec(compile(script, "guide", "exec"), {})
    return read_scores("scores.csv")


def test_samples_of_lm_eval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for (setting, seed), values in VALUES.items():
        folder = tmp_path / "logs" / setting / str(seed) / "gpt2"
        folder.mkdir(parents=True)
        lines = [
            json.dumps(
                {
                    "doc_id": place,
                    "doc": {"question": f"what is {place}?"},
                    "target": "0",
                    "resps": [[["-1.5", "False"]]],
                    "filter": name,
                    "metrics": ["acc"],
                    "doc_hash": f"{place:064x}",
                    "acc": float(value) if name == "none" else 0.0,
                }
            )
            for name in ("none", "strict")
            for place, value in enumerate(values)
        ]
        (folder / "samples_arc_easy_2026-01-01T00-00-00.000000.jsonl").write_text("\n".join(lines) + "\n")
        (folder / "results_2026-01-01T00-00-00.000000.json").write_text("{}")
    file = run(LM_EVAL, tmp_path, monkeypatch)
    assert {run: own["given"].tolist() for run, own in file.scores.items()} == VALUES


def test_logs_of_inspect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is stood in for by what the script takes of it: two functions and the fields of a log."""

    def read(setting: str) -> SimpleNamespace:
        own = {seed: values for (name, seed), values in VALUES.items() if name == setting}
        samples = [
            SimpleNamespace(id=place, epoch=seed, scores={"match": SimpleNamespace(value="C" if value else "I")})
            for seed, values in own.items()
            for place, value in enumerate(values)
        ]
        return SimpleNamespace(eval=SimpleNamespace(model=setting), samples=samples)

    log, scorer = ModuleType("inspect_ai.log"), ModuleType("inspect_ai.scorer")
    log.list_eval_logs, log.read_eval_log = lambda folder: ["base", "more shots"], read  # type: ignore[attr-defined]
    scorer.value_to_float = lambda: lambda value: {"C": 1.0, "I": 0.0}[value]  # type: ignore[attr-defined]
    for module in (ModuleType("inspect_ai"), log, scorer):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    file = run(INSPECT, tmp_path, monkeypatch)
    assert {run: own["given"].tolist() for run, own in file.scores.items()} == VALUES
