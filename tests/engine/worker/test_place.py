"""What a worker process is before it trains."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from search.engine.decide.lease import WorkerSetup
from search.engine.worker import place
from tests.surroundings import ROOT
from tests.workload.test_workload import MINIMAL


@pytest.mark.parametrize("given", [True, False], ids=["by the driver", "by Ray"])
def test_a_worker_looks_into_the_working_folder_last_and_finds_a_workload_there(
    given: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "_workloads", {})
    monkeypatch.chdir(Path.cwd())  # `prepare` changes it
    others = list(dict.fromkeys(str(Path(path).resolve()) for path in [ROOT, *sys.path]))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *others])
    name = f"workload_of_worker_{given}"
    (tmp_path / f"{name}.py").write_text(MINIMAL)
    module_path = [str(tmp_path), *others] if given else others
    place.prepare(WorkerSetup(f"{name}:flat", 1, 0.0, sys_path=module_path, folder=str(tmp_path)))
    assert Path.cwd() == tmp_path
    assert sys.path == [*others, str(tmp_path)]
