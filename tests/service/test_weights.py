"""Weights by a button: written by the command in a process of its own, or the reason why there are none."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from search.core.errors import UserError
from search.service import weights as room
from search.service.folder import Places
from search.service.people import Person, Role
from search.service.weights import WEIGHTS_FILE, Weights
from tests.ledger.test_ledger import study_of
from tests.service.conftest import Served
from tests.service.serving import Asked

WRITES = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('w'); print('exporting trial 5', file=sys.stderr)"
FAILS = "import sys; print('offers no weights', file=sys.stderr); sys.exit(1)"
SLEEPS = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(600)"


def written(places: Places, study: str) -> str:
    """Have weights written, and return what is said of them afterwards."""

    async def write() -> str:
        made = Weights(places, allow_code=True)
        made.claim(study)
        assert made.said(study).startswith("The weights of the best trial are being written")
        with pytest.raises(UserError, match="are being written: wait for them"):
            made.claim(study)
        await made.write(study)
        made.claim(study)  # once more
        return made._said[study]

    return asyncio.run(write())


@pytest.mark.parametrize(
    ("script", "said"),
    [(WRITES, "Written: best.safetensors. exporting trial 5"), (FAILS, "No weights were written: offers no weights")],
)
def test_what_the_command_says_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str) -> None:
    monkeypatch.setattr(room, "export_command", lambda places, study, file: [sys.executable, "-c", script, str(file)])
    assert written(Places(tmp_path), "focal") == said
    assert (tmp_path / "focal" / WEIGHTS_FILE).exists() is (script == WRITES)


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "WEIGHTS_TIMEOUT_S", 1.0)
    monkeypatch.setattr(room, "export_command", lambda places, study, file: [sys.executable, "-c", SLEEPS, str(file)])
    assert written(Places(tmp_path), "focal") == "No weights were written: it took longer than 0 minutes."
    pid = int((tmp_path / "focal" / WEIGHTS_FILE).read_text())
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError("it goes on")


@pytest.mark.slow
def test_a_workload_without_weights_is_the_reason(served: Served) -> None:
    said = written(Places(served.results), "focal")
    assert said == (
        "No weights were written: the workload 'tests.contracts.toy:SineFit' offers no weights; see "
        "search.workload.Weighing"
    )


def test_the_button_is_logged_and_not_for_viewers(tmp_path: Path) -> None:
    server: Any = Asked(tmp_path / "results")
    study, claimed = study_of(server.ledger), list[str]()
    page = f"/studies/{study}/"

    class Told:
        def claim(self, name: str) -> None:
            claimed.append(name)

        def said(self, name: str) -> str:
            return f"of {name} <b>"

        async def write(self, name: str) -> None:
            return

    object.__setattr__(server.service, "weights", Told())
    assert "Write the weights of the best trial" in server.client.get(page).text
    assert "of focal &lt;b&gt;" in server.client.get(page).text
    answer = server.form(f"{page}weights")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{page}#weights")
    assert claimed == ["focal"]
    assert [(act.who, act.what, act.study) for act in server.queue.actions()] == [("ann", "weights", "focal")]
    assert server.client.post("/api/v1/studies/focal/weights").json() == {"said": "of focal <b>"}
    assert server.client.post("/api/v1/studies/nothing/weights").status_code == 404
    assert server.client.get("/api/v1/studies/nothing/weights").status_code == 404
    assert claimed == ["focal", "focal"]
    server.person = Person("guest", Role.VIEWER)
    assert server.client.post("/api/v1/studies/focal/weights").status_code == 403
    assert server.client.get("/api/v1/studies/focal/weights").json() == {"said": "of focal <b>"}
    assert "Write the weights" not in server.client.get(page).text
    assert server.form(f"{page}weights").status_code == 403
    assert claimed == ["focal", "focal"]
    server.ledger.close()
