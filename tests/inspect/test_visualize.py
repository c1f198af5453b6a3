"""The verb that looks inside a trial: which one it takes, what it writes, and what it says where it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from search.__main__ import run
from search.core.errors import UserError
from search.core.trial import State
from search.inspect import visualize as room
from search.inspect.chosen import best_trials
from search.inspect.revive import as_in_a_worker
from search.inspect.visualize import visualize
from search.ledger.ledger import Ledger
from search.report.figures import writing
from search.report.record.curves import read_curves
from tests.inspect.recorded import recorded
from tests.report.builder import Study, full


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "pngs", lambda figures: ({}, "no browser here"))


def best(study: Study) -> int | None:
    found = next(iter(best_trials(read_curves(study.opened))), None)
    return found.trial.number if found else None


class TestWhichTrial:
    def test_the_highest_objective_at_the_last_epoch_the_first_of_equals(self, make: Callable[..., Study]) -> None:
        study = make()
        study.trial({"gamma": 0}, 0, [0.9, 0.5])  # better once, not where the table reads
        study.trial({"gamma": 0}, 1, [0.1, 0.6])
        study.trial({"gamma": 0}, 2, [0.1, 0.6])
        assert best(study) == 1

    def test_only_trials_that_finished_or_were_stopped(self, make: Callable[..., Study]) -> None:
        study = make()
        for state in (State.PRUNED, State.DIVERGED, State.FAILED, State.RUNNING):
            study.trial({"gamma": 0}, 0, [0.9], state)
        assert best(study) is None
        study.trial({"gamma": 2}, 0, [0.2], State.STOPPED)
        assert best(study) == 4

    def test_a_value_that_is_no_number_is_never_the_best(self, make: Callable[..., Study]) -> None:
        study = make()
        study.trial({"gamma": 0}, 0, [float("nan")])
        study.trial({"gamma": 2}, 0, [0.2])
        assert best(study) == 1

    @pytest.mark.slow
    def test_it_is_said_with_the_rule(self, focal: Study, tmp_path: Path, no_browser: None) -> None:
        said: list[str] = []
        drawn = visualize(focal.opened, tmp_path, recorded=True, say=said.append)
        assert drawn.trial == 8
        assert said[0] == (
            "drawing trial 8 (gamma=2, seed 2): of the finished ones it has the highest val_accuracy at the last "
            "epoch, 64.23"
        )

    def test_none_has_finished(self, make: Callable[..., Study], tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"^no trial of study 'focal' has finished; name the one to draw$"):
            visualize(make().opened, tmp_path, recorded=True)

    def test_no_such_trial_or_epoch(self, focal: Study, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"^study 'focal' has no trial 9; it has the trials 0 to 8$"):
            visualize(focal.opened, tmp_path, 9, recorded=True)
        with pytest.raises(UserError, match=r"^trial 2 has no epoch 4 on record; it has 1 to 3$"):
            visualize(focal.opened, tmp_path, 2, epoch=4, recorded=True)
        assert list(tmp_path.glob("trial-*")) == []


def test_what_is_on_record_is_drawn_without_the_workload(
    make: Callable[..., Study],
    tmp_path: Path,
    no_browser: None,
) -> None:
    study = make()
    study.trial({"gamma": 0}, 0, [0.2, 0.4], metrics=full, predictions=True)
    drawn = visualize(study.opened, tmp_path / "deep", 0, epoch=1, recorded=True, say=lambda text: None)
    assert [path.name for path in drawn.files] == [
        *("trial-0-curves.html", "trial-0-learning-rate.html", "trial-0-confusion-val.html"),
    ]
    assert drawn.remarks == ["no browser here"]
    # epoch 1 predicts (1, 2, 0, 1) where (0, 1, 2, 0) is true
    assert "0 of 4 right (0.00 %)" in (tmp_path / "deep" / "trial-0-confusion-val.html").read_text()


def test_a_workload_without_pictures_says_so(
    make: Callable[..., Study],
    tmp_path: Path,
    no_browser: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = make()
    study.trial({"gamma": 0}, 0, [0.2])
    monkeypatch.setattr(room, "load_workload", lambda name: object())
    drawn = visualize(study.opened, tmp_path, say=lambda text: None)
    assert drawn.remarks[0] == "the workload 'toy' offers no pictures of its own; see search.workload.Picturing"
    with pytest.raises(UserError, match=r"^--filter: the workload 'toy' draws no filters$"):
        visualize(study.opened, tmp_path, filters=["conv:0"], say=lambda text: None)


@pytest.mark.slow
def test_a_study_of_the_classifier(tmp_path: Path, capsys: pytest.CaptureFixture[str], no_browser: None) -> None:
    results = ["--results", str(tmp_path)]
    ledger = Ledger(str(tmp_path / "search.db"))
    with as_in_a_worker(1):
        fixed = {"epochs": 2, "data": "digits", "data.limit": [96, 60, 20], "batch_size": 48, "optimizer.lr": 0.005}
        search = {"objective": {"metric": "val_accuracy", "direction": "maximize"}}
        recorded(ledger, "classifier", epochs=2, fixed=fixed, space={"loss.gamma": {"grid": [2]}}, search=search)
    ledger.close()

    assert run(["visualize", "toy", *results]) == 0
    said = capsys.readouterr()
    files = [Path(line) for line in said.out.splitlines()]
    assert all(path.is_file() and path.parent == tmp_path / "toy" / "figures" for path in files)
    charts = ("curves", "learning-rate", "confusion-val", "features-val", "features-train")
    images = [path for path in files if path.suffix == ".png"]
    assert [path.name for path in files[:5]] == [f"trial-0-{name}.html" for name in charts]
    assert len(images) == 12
    assert files[-1].name == "trial-0-filters.html"
    assert files[-1].read_text().count("data:image/png;base64,") == 12
    with Image.open(images[0]) as image:
        assert image.size == (256, 256)
    assert "all 2 epochs equal those on record, to the last bit\n" in said.err
    assert said.err.endswith("no browser here\n")

    assert run(["visualize", "toy", "0", "--filter", "block1.conv1:64", "--filter", "blok1.conv1:0", *results]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "--filter: block1.conv1:64: block1.conv1 has the filters 0 to 63, not 64\n" in said.err
    assert re.search(r"--filter: blok1.conv1:0: there is no convolution 'blok1.conv1'.*block1.conv1 ", said.err)

    assert run(["visualize", "toy", "--filter", "stem:3", "-o", str(tmp_path / "other"), "--epoch", "1", *results]) == 0
    names = [Path(line).name for line in capsys.readouterr().out.splitlines()]
    assert [name for name in names if "-filter-" in name] == [
        "trial-0-filter-stem-3-15.png",
        "trial-0-filter-stem-3-30.png",
    ]
