"""Pictures as Optuna's artifacts: which there are, that nothing is drawn twice, and what is cleared away."""

from __future__ import annotations

import json
import threading
from typing import Any

import optuna
import pytest

from search.report.record.curves import read_curves
from search.service import pictures
from tests.service.conftest import Served

# Each of them makes an Optuna database, which takes a second.
pytestmark = [pytest.mark.usefixtures("quick_report"), pytest.mark.slow]


def listed(served: Served) -> tuple[list[str], dict[int, list[str]]]:
    """Return what the dashboard lists: the study's artifacts, and those of each trial that has some."""
    (study,) = json.loads(served.get("/api/studies")[2])["study_summaries"]
    found = json.loads(served.get(f"/api/studies/{study['study_id']}")[2])
    trials = {
        trial["number"]: sorted(one["filename"] for one in trial["artifacts"])
        for trial in found["trials"]
        if trial["artifacts"]
    }
    return [one["filename"] for one in found["artifacts"]], trials


def keys(served: Served) -> list[str]:
    """Return the attributes of the study that hold an artifact."""
    attributes = optuna.storages.RDBStorage(served.mirror).get_study_system_attrs(1)
    return [key for key, value in attributes.items() if "artifacts:" in key and json.loads(value) is not None]


def files(served: Served) -> set[str]:
    return {file.name for file in (served.results / "artifacts").iterdir()}


def test_the_study_and_its_best_trials_have_pictures(served: Served, quick_pictures: list[str]) -> None:
    served.prepare()
    assert served.draw() == [f"drew {len(quick_pictures)} pictures; reload the dashboard to see them"]
    study, trials = listed(served)
    names = [name.partition("-")[2] for name in study]
    assert names[0] == "objective.png"
    assert "confusion.png" in names
    assert trials == {number: ["confusion-val.png", "curves.png"] for number in (3, 4, 5)}
    assert len(files(served)) == len(quick_pictures) == len(study) + 6
    for key in keys(served):
        *_, trial, artifact = ["", *key.split(":")]
        place = f"/artifacts/1/{trial}/{artifact}" if trial.isdigit() else f"/artifacts/1/{artifact}"
        status, headers, body = served.get(place)
        assert (status, headers["Content-Type"], body[:4]) == (200, "image/png", b"\x89PNG")


def test_nothing_is_drawn_twice(served: Served, quick_pictures: list[str]) -> None:
    served.prepare()
    served.draw()
    before, there, listing = len(quick_pictures), files(served), listed(served)
    assert served.draw() == []
    assert (len(quick_pictures), files(served), listed(served)) == (before, there, listing)


def test_a_new_best_trial_takes_the_place_of_the_third(served: Served, quick_pictures: list[str]) -> None:
    served.prepare()
    served.draw()
    quick_pictures.clear()
    served.study.trial({"degree": 5}, 2, [0.1, 0.2, 0.99], metrics=lambda e, v: {"val_accuracy": v}, predictions=True)
    served.prepare()
    served.draw()
    assert {name.split()[0] for name in quick_pictures} == {"study", "6"}
    study, trials = listed(served)
    assert list(trials) == [4, 5, 6]
    assert len(files(served)) == len(keys(served)) == len(study) + sum(map(len, trials.values()))


def test_a_mirror_that_was_deleted_has_its_pictures_again(served: Served, quick_pictures: list[str]) -> None:
    served.prepare()
    served.draw()
    before = listed(served), files(served)
    (served.results / "optuna.db").unlink()
    served.restart()
    served.prepare()
    assert listed(served) == ([], {})
    served.draw()
    assert (listed(served), files(served)) == before


def test_a_lost_file_is_drawn_again_and_a_deleted_picture_is_not(served: Served, quick_pictures: list[str]) -> None:
    served.prepare()
    served.draw()
    mine = [key for key in keys(served) if key.startswith("artifacts:")]
    artifact = mine[0].rpartition(":")[2]
    status, _, _ = served.get(f"/api/artifacts/1/{artifact}", "DELETE")
    assert status == 204
    quick_pictures.clear()
    assert served.draw() == []
    assert artifact not in files(served)
    (served.results / "artifacts" / mine[1].rpartition(":")[2]).unlink()
    served.draw()
    assert quick_pictures
    assert all(name.startswith("study ") for name in quick_pictures)
    assert artifact in files(served)


def test_what_a_user_uploaded_stays(served: Served, quick_pictures: list[str]) -> None:
    served.prepare()
    other = served.results / "artifacts" / "0f0f0f0f-0000"
    other.parent.mkdir(exist_ok=True)
    other.write_bytes(b"mine")
    served.draw()
    assert other.read_bytes() == b"mine"


def test_without_a_browser_there_are_none_and_it_is_said(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from search.report.figures import writing

    monkeypatch.setattr(pictures, "pngs", lambda figures: ({}, writing.NO_CHROME))
    served.prepare()
    (said,) = served.draw()
    assert said.startswith("the dashboard has no pictures: PNG needs Chrome or Chromium, which was not found; install")
    assert listed(served) == ([], {})


def test_what_cannot_be_drawn_is_said_and_raises_nothing(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("out of ink")

    monkeypatch.setattr(pictures, "pngs", fail)
    served.prepare()
    assert served.draw() == ["the pictures of 'focal' cannot be drawn: RuntimeError: out of ink"]


def test_the_best_are_those_with_the_best_objective_the_first_of_equals_first(served: Served) -> None:
    read = read_curves(served.study.opened)
    assert [curve.trial.number for curve in pictures.best_trials(read)[:3]] == [5, 4, 3]
    served.study.trial({"degree": 5}, 5, [0.1, 0.2, 0.81], metrics=lambda e, v: {"val_accuracy": v})
    read = read_curves(served.study.opened)
    assert [curve.trial.number for curve in pictures.best_trials(read)[:2]] == [5, 6]


def test_an_end_leaves_the_rest_to_the_next_start(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    end = threading.Event()

    def pngs(figures: Any) -> tuple[dict[str, bytes], str]:
        done = {}
        for name, _ in figures.items():
            done[name] = name.encode()
            if name == "5 curves":
                end.set()
        return done, ""

    monkeypatch.setattr(pictures, "pngs", pngs)
    served.prepare()
    said: list[str] = []
    pictures.draw(served.ledger, served.mirror, served.results, said.append, end)
    study, trials = listed(served)
    assert (said, trials) == ([f"drew {len(study)} pictures; reload the dashboard to see them"], {})
    served.draw()
    assert listed(served) == (study, {number: ["confusion-val.png", "curves.png"] for number in (3, 4, 5)})
