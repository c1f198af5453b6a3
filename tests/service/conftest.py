"""A study with predictions, its mirror, and the application over both."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest

from search.api import mirror_url
from search.ledger.ledger import Ledger
from search.report.paths import study_folder
from search.service import pictures, reports, server
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.space.writing import dump
from tests.report.builder import Study, full

DOCUMENT: Mapping[str, Any] = {
    "name": "focal",
    "title": "Focal <b>loss</b>",
    "workload": "tests.contracts.toy:SineFit",
    "fixed": {"epochs": 3, "lr": 0.1},
    "space": {"degree": {"grid": [0, 2, 5]}},
    "seeds": [0, 1],
    "search": {"objective": {"metric": "val_accuracy", "direction": "maximize"}},
}


class Served:
    """A results folder with a study of six finished trials; trial 5 is the best."""

    def __init__(self, results: Path, name: str = "focal") -> None:
        self.results, self.name = results, name
        self.ledger = Ledger(str(results / "search.db"))
        self.space: Space = space_from_mapping(DOCUMENT)
        self.study = Study(self.ledger, self.space, name, dump(self.space))
        for degree in (0, 2, 5):
            for seed in (0, 1):
                last = 0.3 + degree / 10 + seed / 100
                self.study.trial({"degree": degree}, seed, [0.1, 0.2, last], metrics=full, predictions=True)
        self.mirror = mirror_url(results)
        self.folder = study_folder(results, name)
        self._application: Any = None

    def prepare(self) -> list[str]:
        return server.prepare(self.ledger, self.mirror, self.results)

    def draw(self) -> list[str]:
        said: list[str] = []
        pictures.draw(self.ledger, self.mirror, self.results, said.append)
        return said

    def optuna(self) -> optuna.Study:
        return optuna.load_study(study_name=self.name, storage=self.mirror)

    def get(self, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        """Ask without a network."""
        if self._application is None:
            self._application = server.application(self.ledger, self.mirror, self.results)
        return ask(self._application, path, method)

    def restart(self) -> None:
        """Let the next question start the dashboard again."""
        self._application = None

    def report(self, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        """Ask for a report; there is no dashboard behind."""
        return ask(reports.Reports(self.ledger, self.results, _nothing), path, method)


def _nothing(environ: Any, start: Any) -> list[bytes]:
    raise AssertionError(f"{environ['PATH_INFO']} went on to the dashboard")


def ask(application: Any, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Ask a WSGI application; `path` as it stands in an address, its escapes undone as a server does."""
    from urllib.parse import unquote_to_bytes

    told: list[Any] = []
    environment = {
        "REQUEST_METHOD": method,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": "",
        "HTTP_HOST": "127.0.0.1:8080",
        "SERVER_NAME": "test",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
    }
    answer: Iterable[bytes] = application(environment, lambda status, headers, *_: told.extend((status, headers)))
    body = b"".join(answer)
    return int(told[0].split()[0]), dict(told[1]), body


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path / "results")
    yield made
    made.ledger.close()


@pytest.fixture
def quick_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write no more of a report than that it is there."""

    monkeypatch.setattr(server, "write_results", lambda study, folder: write_stub(folder))


def write_stub(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text("<!DOCTYPE html><title>x</title>")
    (folder / "table.csv").write_text("setting")


@pytest.fixture
def quick_pictures(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Draw without a browser; return the names of what was drawn, as it is drawn."""
    drawn: list[str] = []

    def pngs(figures: Mapping[str, Any]) -> tuple[dict[str, bytes], str]:
        drawn.extend(figures)
        return {name: b"\x89PNG " + figure.to_json().encode()[:5000] for name, figure in figures.items()}, ""

    monkeypatch.setattr(pictures, "pngs", pngs)
    return drawn
