"""A results folder of any name: all that is written lies inside of it, and the dashboard serves it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.service.conftest import Served

NAMES = ("feature%2Fx", "a?b", "a?mode=memory&uri=true#c", "file:x", "100 % {x} 'é' \"ש\";\\:@~", "sqlite:")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_results_folder_of_any_name(
    name: str, tmp_path: Path, quick_report: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # so that the name begins the path
    served = Served(Path(name))
    assert served.prepare() == []
    status, _, body = served.get("/api/studies")
    assert (status, [one["study_name"] for one in json.loads(body)["study_summaries"]]) == (200, ["focal"])
    assert served.get("/reports/focal/")[0] == 200
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name / "optuna.db").is_file()
    served.ledger.close()
