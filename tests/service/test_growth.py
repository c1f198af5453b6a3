"""How far a study has come: curves, rungs and runs in training, from the ledger, as a picture and in words."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.core.queue import begun
from search.core.trial import State, Trial
from search.ledger.brief import brief_trials
from search.ledger.distrust import Distrust
from search.ledger.ledger import Decision
from search.service import growth
from search.service.curve_picture import NARROW_PX, WIDE_PX, described, picture, ticks
from search.service.growth import MAX_POINTS, Growth, SettingCurve, Watcher, epochs_drawn, mean_curve, rungs
from tests.service.conftest import Served
from tests.service.serving import Asked

SVG = "{http://www.w3.org/2000/svg}"
NOW = "2026-01-01T00:00:00.000+00:00"


def trial(number: int, last_epoch: int, epochs: int = 9, state: State = State.FINISHED) -> Trial:
    return Trial(number, number, 0, {}, {}, epochs, state=state, last_epoch=last_epoch)


@given(st.integers(1, 10**6), st.data())
def test_a_curve_has_its_ends_and_few_points_that_siblings_share(epochs: int, data: st.DataObject) -> None:
    last = data.draw(st.integers(1, epochs))
    drawn, whole = epochs_drawn(trial(0, last, epochs)), epochs_drawn(trial(1, epochs, epochs))
    assert (drawn[0], drawn[-1]) == (1, last)
    assert drawn == sorted(set(drawn))
    assert len(whole) <= MAX_POINTS + 2
    assert set(drawn) - {last} <= set(whole)
    assert len(whole) == epochs or len(whole) > MAX_POINTS / 2.6


def test_a_mean_is_one_of_the_same_runs_at_every_epoch() -> None:
    assert mean_curve([[(1, 1.0), (2, 2.0), (3, 9.0)], [(1, 3.0), (2, 4.0)]]) == [(1, 2.0), (2, 3.0)]
    assert mean_curve([]) == []


def decided(epoch: int, key: str, value: object, goes_on: bool) -> Decision:
    return Decision(0, NOW, "rung", 0, epoch, key, {"value": value, "goes_on": goes_on})


def test_a_rung_says_how_many_reached_it_and_by_which_values_they_went_on() -> None:
    log = [
        *(decided(1, "a", 0.5, False), decided(1, "a", 0.5, True), decided(1, "b", 0.25, True)),
        *(decided(1, "c", 0.75, False), decided(1, "d", math.nan, False), decided(3, "e", 0.1, True)),
    ]
    trials = [trial(0, 9), trial(1, 3, state=State.RUNNING), trial(2, 1, state=State.PRUNED)]
    trials += [trial(3, 1, state=State.PRUNED), trial(4, 1, state=State.RUNNING)]
    assert rungs(log, trials, "val_loss") == [
        "epoch 1: 5 reached it, 2 ended there; val_loss: went on with 0.25 to 0.5; ended with 0.75",
        "epoch 3: 2 reached it, 0 ended there; val_loss: went on with 0.1",
    ]
    assert rungs([decided(1, "b", 0.25, True)], trials[:1], "val_accuracy")[0].endswith("went on with 25.00 %")
    assert rungs([], trials, "val_loss") == []
    promoted = Decision(0, NOW, "promoted", None, 1, "c", {})
    assert rungs(
        [decided(1, "b", 0.5, False), decided(1, "c", 0.25, False), promoted], trials, "loss", pauses=True
    ) == ["epoch 1: 5 reached it, 2 ended there; loss: went on with 0.25; stayed with 0.5"]


def test_curves_of_a_study_are_those_on_record(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    served.study.trial({"degree": 5}, 1, [0.9], State.RUNNING)
    watcher = Watcher(served.ledger)
    found = watcher.growth("focal")
    assert [setting.label for setting in found.settings] == ["degree=0", "degree=2", "degree=5"]
    assert found.settings[0].runs == [[(1, 0.1), (2, 0.2), (3, 0.3)], [(1, 0.1), (2, 0.2), (3, 0.31)]]
    assert found.settings[0].mean[-1] == (3, pytest.approx(0.305))
    assert len(found.settings[2].runs) == 3
    assert found.settings[2].mean[-1] == (3, pytest.approx(0.805)), "of the runs that ended"
    assert found.training == ["trial 6: degree=5, seed 1; epoch 1 of 3"]
    assert (found.more, found.epochs, found.metric) == (0, 3, "val_accuracy")
    assert watcher.growth("focal") is found, "not read again at once"
    monkeypatch.setattr(growth, "GROWTH_SPACING_S", 0.0)
    monkeypatch.setattr(growth, "READING_SHARE", math.inf)
    assert watcher.growth("focal") is found, "nothing has come on record since"
    log_entry(served)
    asked: list[int] = []
    rows = served.ledger.rows
    monkeypatch.setattr(served.ledger, "rows", lambda keys, **how: asked.append(len(keys)) or rows(keys, **how))
    monkeypatch.setattr(growth, "MAX_SETTINGS", 2)
    best = watcher.growth("focal")
    assert sum(asked) == 0, "what was read stays in memory"
    assert ([setting.label for setting in best.settings], best.more) == (["degree=5", "degree=2"], 1)
    withdrawn = Distrust("a kind", "a reason", True, 1, NOW, withdrawn=1)
    monkeypatch.setattr(served.ledger, "distrusted", lambda kinds=None: {"a kind": withdrawn})
    assert watcher.growth("focal") is not best
    assert sum(asked) > 0, "where rows may be withdrawn, they are read again"


def test_a_study_that_is_dear_to_read_is_read_less_often(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "GROWTH_SPACING_S", 0.0)
    monkeypatch.setattr(growth, "READING_SHARE", 1e-9)
    watcher = Watcher(served.ledger)
    found = watcher.growth("focal")
    log_entry(served)
    assert watcher.growth("focal") is found


def test_what_stays_in_memory_is_what_is_drawn(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "GROWTH_SPACING_S", 0.0)
    monkeypatch.setattr(growth, "READING_SHARE", math.inf)
    number = served.study.trial({"degree": 5}, 1, [0.9], State.RUNNING)
    watcher = Watcher(served.ledger)
    watcher.growth("focal")
    with served.ledger.step(served.study.record.id) as step:
        step.set_trial(number, last_epoch=2)
        step.log("row", trial=number, epoch=2)
    watcher.growth("focal")
    monkeypatch.setattr(growth, "MAX_SETTINGS", 0)
    log_entry(served)
    watcher.growth("focal")
    places = watcher._seen["focal"].values
    assert set(places) <= {(trial.number, trial.last_epoch) for trial in brief_trials(served.ledger.engine, 1)}


def log_entry(served: Served) -> None:
    """Put an entry into the study's order log."""
    with served.ledger.step(served.study.record.id) as step:
        step.log("look", seeds=2, asked=2)


def made(*values: float, label: str = "a") -> Growth:
    curve = list(enumerate(values, start=1))
    return Growth("val_loss", len(values), [SettingCurve(label, [curve], curve)] if values else [], 0, [], [])


@pytest.mark.parametrize("width", [NARROW_PX, WIDE_PX])
@pytest.mark.parametrize(
    "shown", [made(), made(0.5), made(0.0, 0.0), made(1e-9, 1e9), made(3, 2, label="</text>" * 99)]
)
def test_a_picture_is_sound_and_nothing_leaves_it(shown: Growth, width: int) -> None:
    root = ET.fromstring(picture(shown, width))
    assert root.get("width") == str(width)
    for line in root.iter(f"{SVG}polyline"):
        for point in line.get("points", "").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= width
            assert 0 <= y <= float(root.get("height", "0"))
    points = [point for point in root.iter(f"{SVG}circle") if 0 <= float(point.get("cx", "-1")) <= width]
    lines = list(root.iter(f"{SVG}polyline"))
    assert len(points if shown.epochs == 1 else lines) == 2 * len(shown.settings), "one epoch is a point"


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_and_between(low: float, span: float) -> None:
    found = ticks(low, low + span, 5)
    assert len(found) <= 6
    assert all(low - span * 1e-6 - 1e-9 <= tick <= low + span * (1 + 1e-6) + 1e-9 for tick in found)


def test_words_say_what_the_picture_shows() -> None:
    assert described(made(0.5, 0.25)) == "val_loss by epoch. a: 0.25 at epoch 2"
    assert described(made()) == "val_loss by epoch: nothing yet"


def test_pages_show_the_picture_in_two_widths_and_the_stream_tells_of_it(served: Served) -> None:
    server: Any = Asked(served.results, served.ledger)
    served.study.trial({"degree": 5}, 1, [0.9], State.RUNNING)
    number = server.submit("focal")
    server.queue.change(number, "server", "start", lambda entry: begun(entry, NOW, 0))
    for path in (f"/entries/{number}", "/studies/1/"):
        page = server.client.get(path).text
        assert 'srcset="/studies/1/curves.svg?width=narrow"' in page
        assert 'src="/studies/1/curves.svg"' in page
        assert 'alt="val_accuracy by epoch. degree=0: 30.5 at epoch 3;' in page
        assert "trial 6: degree=5, seed 1; epoch 1 of 3" in page
    answer = server.client.get("/studies/1/curves.svg?width=narrow")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert f'width="{NARROW_PX}"' in answer.text
    assert server.client.get("/studies/77/curves.svg").status_code == 404
    curves = server.client.get("/api/v1/studies/focal/curves").json()
    assert curves["settings"][0]["label"] == "degree=0"
    assert curves["settings"][0]["runs"][0] == [[1, 0.1], [2, 0.2], [3, 0.3]]
    assert curves["training"] == ["trial 6: degree=5, seed 1; epoch 1 of 3"]
    assert server.client.get("/api/v1/studies/nothing/curves").status_code == 404
    told = server.client.get(f"/entries/{number}/events?phase=queued&from=0").text
    assert "event: growth" in told
    assert '"curves": "/studies/1/curves.svg"' in told
