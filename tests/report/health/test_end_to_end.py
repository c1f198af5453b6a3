"""A study with everything wrong, run by workers: frozen, audited, and trained again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from search.__main__ import run
from search.notebook import Study
from search.places import open_ledger

pytestmark = pytest.mark.slow

FILE: dict[str, Any] = {
    "workload": "tests.report.health.sick:Sick",
    "fixed": {"epochs": 4},
    "space": {"rate": {"grid": [0.1, 0.2]}, "momentum": {"grid": [0.5, 0.9]}, "clip": {"grid": [1.0, 2.0]}},
    "seeds": [0, 1],
    "report": {"claims": [{"best": {"rate": 0.2, "momentum": 0.5, "clip": 1.0}}], "rows": ["rate", "momentum", "clip"]},
}


def test_each_fault_is_found_and_a_frozen_claim_is_compared(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole, stopped = Path("whole.yaml"), Path("stopped.yaml")  # JSON is YAML
    whole.write_text(json.dumps({**FILE, "report": {}}))
    stopped.write_text(json.dumps({**FILE, "fixed": {**FILE["fixed"], "stop.rule": "patience", "stop.patience": 1}}))
    assert run(["run", str(whole)]) == 0
    assert run(["run", str(stopped)]) == 0  # its rows are on record: no worker is started
    capsys.readouterr()

    assert run(["audit", "stopped", "--json", "--fail-on", "flaw"]) == 4
    (content,) = json.loads(capsys.readouterr().out)
    assert [finding["name"] for finding in content["findings"]] == [
        "splits-overlap",
        "axis-without-effect",
        "axis-without-effect",
        "winner-was-ended",
    ]
    texts = [finding["seen"] for finding in content["findings"]]
    assert "3 pairs of identical images across splits" in texts[0]
    assert texts[1].startswith("momentum changed no bit: ")
    assert texts[2].startswith("clip changed no bit: ")
    assert texts[3].count("2 of 2 runs ended early (no lower loss for 1 epochs), at full length 94.99 %") == 4
    page = Path("results/stopped/report.html").read_text()
    assert all(name in page for name in ("momentum changed no bit", "identical images across splits"))

    assert run(["plan", str(stopped), "--no-probe", "--freeze"]) == 0
    assert "too late: 48 rows of this study are on record" in capsys.readouterr().err
    ledger = open_ledger(Path("results"), None)
    study = Study(ledger, ledger.study("whole"), Path("results"))
    content = study.retrain(1.0, say=lambda line: None, fork=False)
    ledger.close()
    assert (content["rows_compared"], content["rows_differing"]) == (64, 0)
