"""The local Ray where it does not start at once; nothing of it is started here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from search.errors import UserError

pytestmark = pytest.mark.slow  # Ray's import takes seconds


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[str]]:
    """Start a Ray that fails so many times; return what happened, in turn."""
    import search.engine.tune  # noqa: F401  # it prepares for Ray
    from search.engine import local

    def run(failures: int) -> list[str]:
        happened: list[str] = []

        @contextmanager
        def guard() -> Iterator[Callable[[str], None]]:
            happened.append("guarded")
            yield lambda folder: happened.append(f"told {Path(folder).name[-3:]}")
            happened.append("guard sees to it")

        def init(*_: Any, **__: Any) -> Any:
            number = happened.count("guarded")
            folder = tmp_path / str(failures) / "ray" / f"session_2026-01-01_00-00-0{number}_000000_{os.getpid()}"
            folder.mkdir(parents=True)
            if number <= failures:
                raise Exception("The current node timed out during startup.\nMore of it.")
            return SimpleNamespace(address_info={"session_dir": str(folder.with_name("the one"))})

        monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / str(failures)))
        monkeypatch.setattr(local, "guard", guard)
        monkeypatch.setattr(local.ray, "init", init)
        monkeypatch.setattr(local.ray, "shutdown", lambda: happened.append("shut down"))
        try:
            with local.local_ray():
                happened.append(f"runs in {Path(local.session()).name}")
        except UserError as error:
            happened.append(str(error))
        assert local.session() == ""
        return happened

    return run


def test_ray_is_started_again(start: Callable[[int], list[str]]) -> None:
    end = str(os.getpid())[-3:]
    assert start(0) == ["guarded", "told one", "runs in the one", "shut down", "guard sees to it"]
    assert start(1) == [
        *("guarded", f"told {end}", "shut down", "guard sees to it"),
        *("guarded", "told one", "runs in the one", "shut down", "guard sees to it"),
    ]


def test_ray_that_never_starts(start: Callable[[int], list[str]]) -> None:
    happened = start(9)
    assert happened.count("guarded") == 3
    assert happened[-1] == (
        "Ray did not start on this machine, tried 3 times (The current node timed out during startup.); see whether it "
        "is overloaded, or its memory or the folder for temporary files full"
    )


def test_only_what_is_needed_is_started(start: Callable[[int], list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    from ray._private import parameter, services

    from search.engine import local

    def init(*words: object, **more: object) -> Any:
        made = parameter.RayParams()
        seen.append((made.no_monitor, made.include_log_monitor, services.start_api_server(False, False)))
        return SimpleNamespace(address_info={"session_dir": "one"})

    seen: list[Any] = []
    before = parameter.RayParams, services.start_api_server, services.ConsolePopen
    start(0)
    monkeypatch.setattr("ray.init", init)
    with local.local_ray():
        pass
    assert seen == [(True, False, (None, None))]
    assert (parameter.RayParams, services.start_api_server, services.ConsolePopen) == before
