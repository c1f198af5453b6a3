"""The ledger's guarantees, over SQLite and, where there is a server, over PostgreSQL."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from search.core.errors import InternalError, StorageFailed, StudyLocked, StudyNotFound, UserError
from search.core.scores import ScoreRule
from search.core.trial import DataCard, Row, State, Trial
from search.ledger import codec
from search.ledger.brief import brief_trials, last_keys, parameters_of
from search.ledger.ledger import Ledger
from search.ledger.lock import study_lock
from search.ledger.scored import score_rules, scores_of
from search.ledger.tables import VERSION
from search.ledger.urls import without_password
from tests.surroundings import HANG_S

KEY = "ab" * 20


def key(number: int) -> str:
    return f"{number:040x}"


def row(loss: float = 0.5, val: Sequence[int] = (0, 1, 2)) -> Row:
    return Row({"train_loss": loss, "val_loss": math.nan}, {"val": np.array(val, dtype=np.uint8)})


def trial(number: int, **values) -> Trial:
    given = {"configuration": 0, "seed": 3, "parameters": {"lr": 0.1}, "settings": {"lr": 0.1, "betas": [0.9, 1.0]}}
    return Trial(number=number, epochs=2, **{**given, **values})


def study_of(ledger: Ledger, name: str = "focal") -> int:
    ledger.create_study(name, name, 1, "space: {}", "identity", "classifier")
    return ledger.study(name).id


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *arguments]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, cwd=root)


class LedgerContract:
    """What `search.ledger` promises. A subclass gives `storage`: a place without a ledger yet."""

    # Studies and runs

    def test_a_fresh_ledger_is_empty(self, ledger):
        assert ledger.studies() == []
        assert ledger.rows([KEY]) == {}
        assert ledger.runs() == []

    def test_a_study_comes_back_as_it_was_put(self, ledger):
        ledger.create_study("focal (rev 2)", "focal", 2, "space: {é: 1}\n", "id", "mine:it")
        found = ledger.study("focal (rev 2)")
        assert (found.name, found.base_name, found.revision) == ("focal (rev 2)", "focal", 2)
        assert (found.space, found.identity, found.workload) == ("space: {é: 1}\n", "id", "mine:it")
        assert found.execution_class is None
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", found.created)

    def test_the_first_of_two_studies_of_one_name_stands(self, ledger):
        ledger.create_study("focal", "focal", 1, "first", "id", "w")
        ledger.create_study("focal", "focal", 1, "second", "other", "w")
        assert [study.space for study in ledger.studies()] == ["first"]

    def test_studies_are_listed_oldest_first(self, ledger):
        for name in ("b", "a", "c"):
            study_of(ledger, name)
        assert [study.name for study in ledger.studies()] == ["b", "a", "c"]

    def test_an_execution_class_and_a_space_can_be_set_later(self, ledger, study):
        ledger.update_study(study, execution_class={"threads": "1", "device": "cpu"})
        ledger.update_study(study, space="changed")
        assert ledger.study("focal").execution_class == {"device": "cpu", "threads": "1"}
        assert ledger.study("focal").space == "changed"

    def test_an_unknown_study_is_told_with_the_nearest(self, ledger):
        shown = without_password(ledger.storage)
        with pytest.raises(StudyNotFound) as refused:
            ledger.study("focal")
        assert str(refused.value) == f"no study 'focal' in {shown}; the ledger holds none yet"
        study_of(ledger, "focal")
        study_of(ledger, "decay")
        with pytest.raises(StudyNotFound) as refused:
            ledger.study("focl")
        assert str(refused.value) == f"no study 'focl' in {shown}; did you mean 'focal'?"
        with pytest.raises(StudyNotFound) as refused:
            ledger.study("zzz")
        assert str(refused.value) == f"no study 'zzz' in {shown}; there are focal, decay"

    def test_runs_keep_their_conditions_and_ends(self, ledger, study):
        one = ledger.begin_run(study, {"commit": "abc", "gpus": [1, 2]})
        other = ledger.begin_run(study_of(ledger, "other"), {})
        ledger.end_run(one, "done", 12.5)
        assert [run["id"] for run in ledger.runs()] == [one, other]
        assert [run["id"] for run in ledger.runs(study_id=study)] == [one]
        (ended,) = ledger.runs([one])
        assert (ended["conditions"], ended["outcome"], ended["seconds"]) == (
            {"commit": "abc", "gpus": [1, 2]},
            "done",
            12.5,
        )
        assert ended["started"] <= ended["ended"]
        ledger.amend_run(one, {"gpus": [3], "found": "out"})
        assert ledger.runs([one])[0]["conditions"] == {"commit": "abc", "gpus": [3], "found": "out"}
        (open_one,) = ledger.runs([other])
        assert open_one["conditions"] == {}
        assert (open_one["ended"], open_one["outcome"], open_one["seconds"]) == (None, "", None)

    # Data, trials, rows

    def test_a_data_card_comes_back_and_the_first_stands(self, ledger):
        truth = {"val": np.array([0, 1], dtype=np.uint16)}
        contents = {"val": ["0a", "0b"]}
        images = {"val": ["a\n.png", "b\udc80.png"]}
        card = DataCard("f00", "digits", ["null", "één"], truth, images, ["two images"], contents)
        ledger.put_data(card)
        ledger.put_data(DataCard("f00", "another"))
        found = ledger.data("f00")
        assert (found.name, found.classes, found.images, found.notes, found.contents) == (
            card.name,
            card.classes,
            card.images,
            card.notes,
            card.contents,
        )
        assert found.truth["val"].dtype == np.uint16
        assert found.truth["val"].tolist() == [0, 1]
        assert ledger.data("f01") is None

    def test_what_was_said_of_groups_last_is_taken_and_nothing_else_of_a_later_card(self, ledger):
        ledger.put_data(DataCard("f00", "digits", ["a"], {"val": np.array([0, 0])}))
        for names in (["p1", "p1"], ["p1", "p2"]):
            ledger.put_data(DataCard("f00", "another", groups={"val": names}))
        ledger.put_data(DataCard("f00", "a third"))
        found = ledger.data("f00")
        assert (found.name, found.classes, found.groups) == ("digits", ["a"], {"val": ["p1", "p2"]})

    def test_a_later_card_gives_what_the_first_left_empty(self, ledger):
        ledger.put_data(DataCard("f00", "digits"))
        ledger.put_data(
            DataCard("f00", "another", ["a"], {"val": np.array([0])}, {"val": ["i"]}, ["n"], {"val": ["c"]})
        )
        ledger.put_data(DataCard("f00", "a third", ["b", "c"], images={"val": ["j"]}))
        found = ledger.data("f00")
        assert (found.name, found.classes, found.notes) == ("digits", ["a"], [])
        assert (found.truth["val"].tolist(), found.images, found.contents) == ([0], {"val": ["i"]}, {"val": ["c"]})

    def test_a_later_card_gives_a_split_that_the_first_did_not_have(self, ledger):
        ledger.put_data(DataCard("f00", "digits", truth={"val": np.array([0])}, contents={"val": ["v"]}))
        ledger.put_data(DataCard("f00", "digits", truth={"test": np.array([1, 0])}, contents={"test": ["t", "u"]}))
        found = ledger.data("f00")
        assert {split: labels.tolist() for split, labels in found.truth.items()} == {"val": [0], "test": [1, 0]}
        assert found.contents == {"val": ["v"], "test": ["t", "u"]}

    @pytest.mark.parametrize(("labels", "differ"), [([0, 2, 2], "2 of 3 differ"), ([0], "their number differs")])
    def test_other_true_classes_of_the_same_data_are_refused(self, ledger, labels, differ):
        ledger.put_data(DataCard("f00", "load", truth={"val": np.array([0, 1, 0], np.uint8)}))
        ledger.put_data(DataCard("f00", "load", truth={"val": np.array([0, 1, 0])}))
        with pytest.raises(UserError) as caught:
            ledger.put_data(DataCard("f00", "load", truth={"val": np.array(labels)}))
        assert str(caught.value) == (
            "the data 'load' have other true classes of 'val' than on record, where rows were judged by those; "
            f"{differ}. If the new ones are right, let what is hashed as data hold them too: they are other data then, "
            "with rows of their own"
        )
        assert ledger.data("f00").truth["val"].tolist() == [0, 1, 0]

    def test_a_card_recorded_before_contents_were_has_none(self):
        blob = codec.encode_card(DataCard("f00", "digits", ["a"], {"val": np.array([0])}, {"val": ["a.png"]}))
        head, _, rest = blob.partition(b"\n")
        old = json.loads(head)
        del old["contents"]
        found = codec.decode_card(b"\n".join([json.dumps(old).encode(), rest]))
        assert (found.name, found.contents, found.truth["val"].tolist()) == ("digits", {}, [0])

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0, 0.0, 0.1, 5e-324, 1.7976931348623157e308])
    def test_every_number_comes_back_to_the_last_bit(self, ledger, study, run, value):
        with ledger.step(study) as step:
            step.put_row(KEY, 1, Row({"loss": value}), 0.5, run)
        found = ledger.rows([KEY])[KEY].row
        assert found.differences(Row({"loss": value})) == []
        assert math.copysign(1, found.metrics["loss"]) == math.copysign(1, value)

    @pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int64, ">i4", "<i2"])
    @pytest.mark.parametrize("values", [[], [0], [3, 1, 2, 100]])
    def test_predictions_come_back_in_their_width(self, ledger, study, run, kind, values):
        given = Row({"loss": 1.0}, {"val": np.array(values, dtype=kind), "test": np.array([7], dtype=np.uint8)})
        with ledger.step(study) as step:
            step.put_row(KEY, 1, given, 0.5, run)
        found = ledger.rows([KEY], predictions=True)[KEY].row
        assert found == given
        assert found.predictions["val"].tolist() == values
        assert found.predictions["val"].dtype.itemsize == np.dtype(kind).itemsize
        assert ledger.rows([KEY])[KEY].row.predictions == {}

    def test_scores_come_back_to_the_last_bit_and_only_where_they_are_asked_for(self, ledger, study, run):
        scores = {"val": {"loss": np.array([0.1, math.nan, -0.0], np.float32), "iou": np.array([1 / 3, 0.5, 1])}}
        rule = ScoreRule("val", "loss", low=0.0, unit="nats")
        given = Row({"val_loss": 1.0}, scores={**scores, "test": {"loss": np.ones(2)}}, score_rules={"val_loss": rule})
        with ledger.step(study) as step:
            step.put_row(KEY, 1, given, 0.5, run)
            step.put_row(key(2), 2, Row({"val_loss": 1.0}), 0.5, run)
        found = ledger.rows([KEY], scores=True)[KEY].row
        assert found.differences(given) == []
        assert found.scores["val"]["loss"].dtype == np.float32
        assert (found.scores.keys(), found.score_rules) == ({"val", "test"}, {"val_loss": rule})
        assert ledger.rows([KEY])[KEY].row.scores == {}
        ((named, losses, own),) = scores_of(ledger, [key(2), KEY, key(3)], "val_loss", rule)
        assert (named, losses.tolist()[2], own) == (KEY, 0.0, rule)
        ((_, tested, none),) = scores_of(ledger, [KEY], "test_loss", replace(rule, split="test"))
        assert (tested.tolist(), none) == ([1.0, 1.0], None)
        assert list(scores_of(ledger, [KEY], "test_iou", replace(rule, split="test", score="iou"))) == []
        assert score_rules(ledger, [key(3), key(2), KEY]) == {"val_loss": rule}
        assert score_rules(ledger, [key(2)]) == score_rules(ledger, []) == {}
        other = replace(rule, better="higher")
        with ledger.step(study) as step:
            step.put_row(key(4), 2, replace(given, score_rules={"val_loss": other}), 0.5, run)
        assert score_rules(ledger, [key(2), key(4), KEY]) == {"val_loss": other}
        assert score_rules(ledger, [key(2), KEY, key(4)]) == {"val_loss": rule}

    def test_a_row_with_scores_equals_the_one_that_was_recorded_before_there_were_any(self, ledger, study, run):
        scored = Row({"val_loss": 0.5}, scores={"val": {"loss": np.array([0.5])}})
        other = Row({"val_loss": 0.5}, scores={"val": {"loss": np.array([0.25])}})
        with ledger.step(study) as step:
            step.put_row(KEY, 1, Row({"val_loss": 0.5}), 0.5, run)
            assert step.put_row(KEY, 1, scored, 0.75, run) == (scored, False, 0.5)
            step.put_row(key(2), 1, scored, 0.5, run)
            standing, ours, seconds = step.put_row(key(2), 1, other, 0.75, run)
        assert (ours, seconds) == (False, 0.5)
        assert standing.differences(other) == ["scores loss on val"]

    def test_rows_that_differ_in_a_time_alone_have_one_content_and_keep_their_times(self, ledger, study, run):
        timed = [Row({**row().metrics, "seconds_per_image": taken}, row().predictions) for taken in (0.5, 0.25)]
        others = [row(), row(0.25), Row({**row(0.25).metrics, "seconds_per_image": 0.5}, row().predictions)]
        with ledger.step(study) as step:
            for place, one in enumerate((*timed, *others)):
                step.put_row(key(place), 1, one, 0.5, run)
            standing, ours, _ = step.put_row(key(0), 1, timed[1], 0.5, run)
        assert (standing.metrics["seconds_per_image"], ours) == (0.5, False)
        found = [ledger.rows([key(place)])[key(place)] for place in range(5)]
        assert [one.row.metrics.get("seconds_per_image") for one in found] == [0.5, 0.25, None, None, 0.5]
        a, b, c, d, e = (one.content for one in found)
        assert a == b == c != d == e

    def test_a_row_keeps_what_it_cost_and_who_trained_it(self, ledger, study, run):
        with ledger.step(study) as step:
            step.put_row(KEY, 7, row(), 1.25, run)
        found = ledger.rows([KEY])[KEY]
        assert (found.epoch, found.seconds, found.run_id) == (7, 1.25, run)

    def test_the_first_row_of_a_key_stands_whoever_comes_later(self, ledger, storage, study, run):
        with ledger.step(study) as step:
            assert step.put_row(KEY, 1, row(0.5), 1.0, run) == (row(0.5), True, 1.0)
            assert step.put_row(KEY, 1, row(0.5), 9.0, run) == (row(0.5), False, 1.0)
        other = Ledger(storage)
        with other.step(study) as step:
            standing, ours, seconds = step.put_row(KEY, 1, row(0.25, [2, 2, 2]), 2.0, run)
        other.close()
        assert (ours, seconds) == (False, 1.0)
        assert standing.differences(row(0.25, [2, 2, 2])) == ["train_loss", "predictions on val"]
        found = ledger.rows([KEY], predictions=True)[KEY]
        assert (found.row, found.seconds) == (row(0.5), 1.0)

    def test_many_keys_are_read_at_once_and_unknown_ones_left_out(self, ledger, study, run):
        with ledger.step(study) as step:
            for number in range(1203):
                step.put_row(key(number), 1, row(number), 0.1, run)
        found = ledger.rows([key(number) for number in range(1300)] * 2)
        assert sorted(found) == [key(number) for number in range(1203)]
        assert all(found[key(number)].row.metrics["train_loss"] == number for number in range(1203))

    def test_a_trial_comes_back_as_it_was_put(self, ledger, study):
        given = trial(
            4,
            configuration=2,
            seed=2**32 - 1,
            parameters={"augment": "crop", "deep": None},
            state=State.FAILED,
            ended_by="exception",
            last_epoch=1,
            error="Traceback é",
            attempts=2,
        )
        with ledger.step(study) as step:
            step.add_trial(given, [key(1), key(2)], "f00")
            step.add_trial(trial(0), [], "")
        assert ledger.trials(study) == [trial(0), given]
        assert ledger.paths(study) == {4: ([key(1), key(2)], "f00"), 0: ([], "")}
        assert ledger.trials(study_of(ledger, "other")) == []
        bare = replace(given, parameters={}, settings={}, ended_by="", error="")
        assert brief_trials(ledger.engine, study) == [replace(trial(0), parameters={}, settings={}), bare]
        assert brief_trials(ledger.engine, study_of(ledger, "other")) == []
        assert parameters_of(ledger.engine, study, [2, 7]) == {2: {"augment": "crop", "deep": None}}
        assert parameters_of(ledger.engine, study_of(ledger, "other"), [2]) == {}

    def test_the_last_key_of_a_trial_is_that_of_its_last_epoch(self, ledger, study):
        with ledger.step(study) as step:
            for number in range(3):
                step.add_trial(trial(number, last_epoch=number), [key(5), key(6), key(7)], f"f{number}")
        assert last_keys(ledger.engine, study) == {1: (key(5), "f1"), 2: (key(6), "f2")}
        assert last_keys(ledger.engine, study_of(ledger, "other")) == {}

    def test_the_first_trial_of_a_configuration_that_has_begun(self, ledger, study):
        made = [trial(number, configuration=number // 3, seed=number, last_epoch=number % 3) for number in range(6)]
        with ledger.step(study) as step:
            for each in made:
                step.add_trial(each, [key(1), key(2)], f"f{each.number}")
        assert [ledger.begun(study, data) for data in ("f1", "f4", "f0")] == [[made[1]], [made[4]], []]
        assert ledger.begun(study_of(ledger, "other"), "f1") == []

    def test_the_last_decision_is_that_of_its_study(self, ledger, study):
        other = study_of(ledger, "other")
        assert ledger.last_decision(study) == -1
        with ledger.step(study) as step:
            last = step.log("look", seeds=1) + 1
            step.log("look", seeds=2)
        assert (ledger.last_decision(study), ledger.last_decision(other)) == (last, -1)

    def test_a_trial_is_changed_in_its_own_study_only(self, ledger, study):
        other = study_of(ledger, "other")
        for each in (study, other):
            with ledger.step(each) as step:
                step.add_trial(trial(0), [], "")
                step.add_trial(trial(1), [], "")
        with ledger.step(study) as step:
            step.set_trial(1, state=State.PRUNED, ended_by="rung 3", last_epoch=3)
        assert [(t.state, t.ended_by, t.last_epoch) for t in ledger.trials(study)] == [
            (State.WAITING, "", 0),
            (State.PRUNED, "rung 3", 3),
        ]
        assert {t.state for t in ledger.trials(other)} == {State.WAITING}

    def test_each_trial_of_a_step_gets_its_own_changes(self, ledger, study):
        with ledger.step(study) as step:
            for number in range(4):
                step.add_trial(trial(number), [], "")
        with ledger.step(study) as step:
            for number in (2, 0, 3):
                step.set_trial(number, last_epoch=number + 1)
            step.set_trial(1, ended_by="rung 3", state=State.PRUNED)
            step.set_trial(3, state=State.STOPPED, ended_by="alpha")
        assert [(t.state, t.ended_by, t.last_epoch) for t in ledger.trials(study)] == [
            (State.WAITING, "", 1),
            (State.PRUNED, "rung 3", 0),
            (State.WAITING, "", 3),
            (State.STOPPED, "alpha", 4),
        ]

    def test_a_state_that_is_none_is_refused(self, ledger, study):
        with ledger.step(study) as step:
            step.add_trial(trial(0), [], "")
        with pytest.raises(ValueError, match="'lost' is not a valid State"), ledger.step(study) as step:
            step.set_trial(0, state="lost")
        assert ledger.trials(study)[0].state is State.WAITING

    # Steps and the order log

    def test_an_exception_in_a_step_leaves_no_trace(self, ledger, study, run):
        with ledger.step(study) as step:
            step.add_trial(trial(0), [KEY], "")
            step.log("first")
        with suppress(ZeroDivisionError), ledger.step(study) as step:
            step.put_row(KEY, 1, row(), 0.1, run)
            step.add_trial(trial(1), [], "")
            step.set_trial(0, state=State.RUNNING)
            assert step.log("second") == 1
            raise ZeroDivisionError
        assert ledger.rows([KEY]) == {}
        assert ledger.trials(study) == [trial(0)]
        assert [decision.kind for decision in ledger.decisions(study)] == ["first"]
        with ledger.step(study) as step:
            assert step.log("third") == 1, "the number of the step that was undone is given again"

    def test_a_step_is_seen_as_a_whole_or_not_at_all(self, ledger, storage, study, run):
        reader = Ledger(storage)
        with ledger.step(study) as step:
            step.add_trial(trial(0), [KEY], "")
            step.put_row(KEY, 1, row(), 0.1, run)
            step.log("row", trial=0)
            assert (reader.trials(study), reader.rows([KEY]), reader.decisions(study)) == ([], {}, [])
        assert len(reader.trials(study)) == len(reader.rows([KEY])) == len(reader.decisions(study)) == 1
        reader.close()

    def test_a_decision_comes_back_as_it_was_put(self, ledger, study):
        with ledger.step(study) as step:
            step.log("pruned", trial=3, epoch=9, key=KEY, rung=9, value=math.inf, note="é")
            step.log("asked")
        pruned, asked = ledger.decisions(study)
        assert (pruned.seq, pruned.kind, pruned.trial, pruned.epoch, pruned.key) == (0, "pruned", 3, 9, KEY)
        assert pruned.detail == {"rung": 9, "value": math.inf, "note": "é"}
        assert (asked.seq, asked.trial, asked.epoch, asked.key, asked.detail) == (1, None, None, None, {})
        assert [decision.kind for decision in ledger.decisions(study, ["asked", "told"])] == ["asked"]

    def test_decisions_are_numbered_per_study(self, ledger, study):
        other = study_of(ledger, "other")
        for _ in range(2):
            for each in (study, other):
                with ledger.step(each) as step:
                    step.log("a")
                    step.log("b")
        for each in (study, other):
            assert [(d.seq, d.kind) for d in ledger.decisions(each)] == [(0, "a"), (1, "b"), (2, "a"), (3, "b")]

    def test_two_threads_number_their_decisions_without_gaps_in_commit_order(self, ledger, study):
        given: dict[str, list[int]] = {"one": [], "other": []}
        together = threading.Barrier(2)

        def write(kind: str) -> None:
            together.wait()
            for _ in range(15):
                with ledger.step(study) as step:
                    given[kind].append(step.log(kind))
                    given[kind].append(step.log(kind))

        threads = [threading.Thread(target=write, args=[kind]) for kind in given]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANG_S)
        log = ledger.decisions(study)
        assert [decision.seq for decision in log] == list(range(60))
        assert sorted(given["one"] + given["other"]) == list(range(60))
        for kind, numbers in given.items():
            assert numbers == [decision.seq for decision in log if decision.kind == kind]
        times = [decision.at for decision in log]
        assert times == sorted(times)

    def test_readers_read_while_a_writer_writes(self, ledger, storage, study, run):
        reader = Ledger(storage)
        with ledger.step(study) as step:
            step.put_row(key(1), 1, row(), 0.1, run)
        with ledger.step(study) as step:
            step.put_row(key(2), 1, row(), 0.1, run)
            # A reader that waited for the writer would wait for ever: the writer commits behind these lines.
            assert list(reader.rows([key(1), key(2)])) == [key(1)]
            assert reader.study("focal").id == study
        assert len(reader.rows([key(1), key(2)])) == 2
        reader.close()

    # Processes

    @pytest.mark.slow
    def test_eight_processes_create_one_fresh_database_at_once(self, storage):
        code = (
            "import multiprocessing, sys; from search.ledger.ledger import Ledger\n"
            "several = multiprocessing.get_context('fork'); together = several.Barrier(8)\n"
            "def drive():\n"
            "    together.wait()\n"
            "    ledger = Ledger(sys.argv[1]); ledger.create_study('s', 's', 1, '', '', 'w')\n"
            "    for _ in range(3):\n"
            "        with ledger.step(ledger.study('s').id) as step: step.log('here')\n"
            "drivers = [several.Process(target=drive) for _ in range(8)]\n"
            "for driver in drivers: driver.start()\n"
            "for driver in drivers: driver.join(600)\n"
            "print([driver.exitcode for driver in drivers])\n"
        )
        told, _ = python(code, storage).communicate(timeout=HANG_S)
        assert told == f"{[0] * 8}\n"
        ledger = Ledger(storage)
        assert len(ledger.studies()) == 1
        assert [d.seq for d in ledger.decisions(ledger.study("s").id)] == list(range(24))
        ledger.close()

    @pytest.mark.slow
    def test_a_second_driver_is_told_who_holds_the_study_until_that_one_is_killed(self, ledger, storage):
        code = (
            "import sys, time; from search.ledger.ledger import Ledger; from search.ledger.lock import study_lock\n"
            "with study_lock(Ledger(sys.argv[1]).engine, 'focal'):\n"
            "    print('held', flush=True); time.sleep(120)\n"
        )
        holder = python(code, storage)
        try:
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(StudyLocked) as refused, study_lock(ledger.engine, "focal"):
                pass
            told = re.fullmatch(
                r"study 'focal' is being run by pid (\d+) on (\S+) since (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00); "
                r"wait for it, or end it and give the same command again",
                str(refused.value),
            )
            assert told, str(refused.value)
            assert told[1] == str(holder.pid)
            assert socket.gethostname().startswith(told[2])
            with study_lock(ledger.engine, "another"):
                pass
        finally:
            holder.send_signal(signal.SIGKILL)
            holder.wait(HANG_S)
            holder.stdin.close()
            holder.stdout.close()
        self.take(ledger, "focal")

    def take(self, ledger: Ledger, study: str) -> None:
        """Take a lock whose holder died; a server may notice it a little later."""
        for _ in range(100):
            try:
                with study_lock(ledger.engine, study):
                    return
            except StudyLocked:
                time.sleep(0.05)
        pytest.fail("the lock outlived its holder")

    def test_a_lock_is_given_back_also_when_the_run_fails(self, ledger, storage):
        other = Ledger(storage)
        with suppress(ZeroDivisionError), study_lock(ledger.engine, "focal"):
            with pytest.raises(StudyLocked, match=f"pid {os.getpid()} on "), study_lock(other.engine, "focal"):
                pass
            raise ZeroDivisionError
        with study_lock(other.engine, "focal"), pytest.raises(StudyLocked), study_lock(ledger.engine, "focal"):
            pass
        other.close()

    @pytest.mark.parametrize("name", ["a/b", "../up", "", "é" * 200, "a\x01b", "C:\\x"])
    def test_a_study_may_have_any_name(self, ledger, name):
        study_of(ledger, name)
        with study_lock(ledger.engine, name):
            assert ledger.study(name).name == name


class TestSqlite(LedgerContract):
    @pytest.fixture
    def storage(self, tmp_path) -> str:
        return str(tmp_path / "results" / "search.db")

    @pytest.mark.slow
    def test_committed_survives_a_kill(self, ledger, storage, study, run):
        code = (
            "import os, signal, sys; from search.ledger.ledger import Ledger; from search.core.trial import Row\n"
            "ledger = Ledger(sys.argv[1])\n"
            "with ledger.step(1) as step: step.put_row('01' * 20, 1, Row({'a': 1.0}), 0.1, 1)\n"
            "with ledger.step(1) as step:\n"
            "    step.put_row('02' * 20, 2, Row({'a': 2.0}), 0.1, 1)\n"
            "    os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        killed = python(code, storage)
        killed.communicate(timeout=HANG_S)
        assert killed.returncode == -signal.SIGKILL
        assert list(ledger.rows(["01" * 20, "02" * 20])) == ["01" * 20]

    @pytest.mark.slow
    def test_many_fresh_files_are_each_created_by_eight_processes_at_once(self, tmp_path):
        code = (
            "import multiprocessing, sys; from search.ledger.ledger import Ledger\n"
            "several = multiprocessing.get_context('fork'); together = several.Barrier(8)\n"
            "def open_all():\n"
            "    for number in range(10):\n"
            "        together.wait(600); Ledger(f'{sys.argv[1]}/{number}.db').close()\n"
            "drivers = [several.Process(target=open_all) for _ in range(8)]\n"
            "for driver in drivers: driver.start()\n"
            "for driver in drivers: driver.join(600)\n"
            "print([driver.exitcode for driver in drivers])\n"
        )
        told, _ = python(code, str(tmp_path)).communicate(timeout=HANG_S)
        assert told == f"{[0] * 8}\n"

    @pytest.mark.parametrize("folder", ["with space", "what?mode=ro", "100%", "a#b", "é", "a'b"])
    def test_the_path_may_hold_anything(self, tmp_path, folder):
        path = tmp_path / folder / "search.db"
        ledger = Ledger(str(path))
        study_of(ledger)
        ledger.close()
        assert path.exists()
        assert [study.name for study in Ledger(f"{path}").studies()] == ["focal"]

    def test_a_lock_is_one_whichever_way_the_file_is_named(self, ledger, storage, tmp_path):
        (tmp_path / "link").symlink_to(tmp_path / "results")
        (tmp_path / "other.db").symlink_to(storage)
        with study_lock(ledger.engine, "focal"):
            for name in ("link/search.db", "other.db"):
                with pytest.raises(StudyLocked), study_lock(Ledger(str(tmp_path / name)).engine, "focal"):
                    pass

    def test_rows_of_a_run_that_is_not_there_are_refused(self, ledger, study):
        with pytest.raises(sa.exc.IntegrityError), ledger.step(study) as step:
            step.put_row(KEY, 1, row(), 0.1, 99)


@pytest.mark.slow
class TestPostgres(LedgerContract):
    @pytest.fixture
    def storage(self, postgres_database: str) -> str:
        return postgres_database

    def test_nothing_is_written_once_the_lock_is_lost_with_its_connection(self, ledger, storage, study):
        def end(whose: str) -> None:
            with sa.create_engine(storage).connect() as connection:
                found = connection.execute(
                    sa.text(
                        f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {whose} "
                        "AND datname = current_database() AND pid <> pg_backend_pid()"
                    )
                ).all()
                assert found == [(True,)] * len(found) != []

        other = Ledger(storage)
        with study_lock(ledger.engine, "focal"):
            with ledger.step(study) as step:
                step.log("held")
            end("application_name NOT LIKE '% % %'")
            with ledger.step(study) as step:
                step.log("another connection is as good")
            end("application_name LIKE '% % %'")
            with study_lock(other.engine, "focal"):
                with pytest.raises(StorageFailed) as failed, ledger.step(study) as step:
                    step.log("lost")
                with other.step(study) as step:
                    assert step.log("the other's") == 2
        shown = sa.make_url(storage).render_as_string()
        assert str(failed.value) == (
            f"storage '{shown}': the lock of study 'focal' was lost with its connection; see that the server runs and "
            "can be reached; what is committed stays, and the same command goes on"
        )
        assert failed.value.passing
        with study_lock(ledger.engine, "focal"), ledger.step(study) as step:
            assert step.log("taken again") == 3
        other.close()

    def test_the_lock_is_not_lost_by_being_held_for_long(self, storage):
        engine = sa.create_engine(storage, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(
                sa.text(f"ALTER DATABASE {sa.make_url(storage).database} SET idle_session_timeout = '300ms'")
            )
        engine.dispose()
        ledger, other = Ledger(storage), Ledger(storage)
        study = study_of(ledger)
        with study_lock(ledger.engine, "focal"):
            time.sleep(1)
            with pytest.raises(StudyLocked), study_lock(other.engine, "focal"):
                pass
            with ledger.step(study) as step:
                assert step.log("its own connection was ended meanwhile") == 0
        ledger.close()
        other.close()


# Places that are no ledger ------------------------------------------------------------------------------------


def refusal(storage: str | Path) -> str:
    with pytest.raises(UserError) as refused:
        Ledger(str(storage))
    return str(refused.value)


def tables_of(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        found = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    connection.close()
    return sorted(found)


@pytest.mark.parametrize("tables", [["trials"], ["meta"], ["meta", "study"]])
def test_a_foreign_database_is_refused_and_left_alone(tmp_path, tables):
    path = tmp_path / "optuna.db"
    with sqlite3.connect(path) as connection:
        for table in tables:
            connection.execute(f"CREATE TABLE {table} (name, value)")
    connection.close()
    assert refusal(path) == f"{path}: this database holds other tables; give ours a place of its own"
    assert tables_of(path) == tables


@pytest.mark.parametrize("layout", ["0", str(int(VERSION) + 1)])
def test_another_layout_is_refused_and_left_alone(tmp_path, layout):
    path = tmp_path / "search.db"
    Ledger(str(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = ?", [layout])
        connection.execute("DROP TABLE decision")
    connection.close()
    before = tables_of(path)
    assert refusal(path) == (
        f"{path}: the ledger has layout {layout}, this version reads layout {VERSION}; "
        "use the version that wrote it, or another --storage"
    )
    assert tables_of(path) == before


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, though it is long enough to be taken for one" * 20)
    before = path.read_bytes()
    assert refusal(path) == (
        f"storage '{path}': file is not a database; check the path, its rights and that it is ours"
    )
    assert path.read_bytes() == before


def test_a_folder_in_place_of_a_file_is_refused(tmp_path):
    assert refusal(tmp_path) == (
        f"storage '{tmp_path}': '{tmp_path}' is a folder, must be a file; name another place with "
        "--storage or --results"
    )


def test_a_file_in_place_of_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    assert refusal(tmp_path / "file" / "search.db") == (
        f"storage '{tmp_path}/file/search.db': '{tmp_path}/file' is a file, must be a folder; "
        "name another place with --storage or --results"
    )


@contextmanager
def ordinary_rights() -> Iterator[None]:
    """Root may write anywhere: be nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def sealed() -> Iterator[Path]:
    """A folder that everybody may read and nobody may write."""
    folder = Path(tempfile.mkdtemp())
    Ledger(str(folder / "there.db")).close()
    (folder / "there.db").chmod(0o444)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_folder_that_cannot_be_written_is_refused(sealed):
    with ordinary_rights():
        new, deeper, there = (refusal(sealed / name) for name in ("new.db", "a/b.db", "there.db"))
    assert new == (
        f"storage '{sealed}/new.db': unable to open database file; check the path, its rights and that it is ours"
    )
    assert deeper == (
        f"storage '{sealed}/a/b.db': [Errno 13] Permission denied: '{sealed}/a'; "
        "give a place that can be written with --storage"
    )
    assert there.startswith(f"storage '{sealed}/there.db': ")
    assert there.endswith("; check the path, its rights and that it is ours")


def test_a_url_of_no_known_kind_is_refused():
    assert refusal("mongo://host/db") == (
        "storage 'mongo://host/db': Can't load plugin: sqlalchemy.dialects:mongo; "
        "write a path or a URL such as postgresql://host/db"
    )


def test_a_url_without_its_driver_says_so_and_keeps_the_password():
    assert refusal("postgresql+nodriver://me:secret@host/db") == (
        "storage 'postgresql+nodriver://me:***@host/db': Can't load plugin: sqlalchemy.dialects:postgresql.nodriver; "
        "write a path or a URL such as postgresql://host/db"
    )
    assert refusal("oracle+cx_oracle://me:secret@host/db") == (
        "storage 'oracle+cx_oracle://me:***@host/db': No module named 'cx_Oracle'; install this driver, or write a path"
    )


# Bytes --------------------------------------------------------------------------------------------------------

NAMES = st.text(max_size=5)
ARRAYS = npst.arrays(st.sampled_from([np.uint8, np.uint16, np.int32, np.int64, np.dtype(">i8")]), st.integers(0, 5))
ROWS = st.builds(Row, st.dictionaries(NAMES, st.floats(), max_size=4), st.dictionaries(NAMES, ARRAYS, max_size=3))


@pytest.mark.slow
@given(ROWS)
def test_rows_survive_their_bytes(given_row):
    found = codec.decode_row(codec.encode_row(given_row))
    assert found.differences(given_row) == []
    assert set(found.predictions) == set(given_row.predictions)
    assert codec.decode_row(codec.encode_row(given_row), predictions=False).metrics.keys() == given_row.metrics.keys()


FLOATS = npst.arrays(st.sampled_from([np.float32, np.float64, np.dtype(">f8")]), st.integers(0, 5))
RULES = st.builds(ScoreRule, NAMES, NAMES, untrained=st.none() | st.floats(allow_nan=False), unit=NAMES)
SCORED = st.builds(
    lambda scores, rules: Row({"a": 1.0}, scores=scores, score_rules=rules),
    st.dictionaries(NAMES, st.dictionaries(NAMES, FLOATS, min_size=1, max_size=2), min_size=1, max_size=2),
    st.dictionaries(NAMES, RULES, max_size=2),
)


@pytest.mark.slow
@given(SCORED)
def test_scores_survive_their_bytes(given_row):
    scores, rules = codec.decode_scores(codec.encode_scores(given_row))
    assert rules == given_row.score_rules
    assert [(split, *named) for split, named in scores.items()] == sorted(
        (split, *sorted(named)) for split, named in given_row.scores.items()
    )
    assert Row({"a": 1.0}, scores=scores).differences(given_row) == []
    split = min(scores)
    name = min(scores[split])
    one, _ = codec.decode_scores(codec.encode_scores(given_row), (split, name))
    assert {split: list(named) for split, named in one.items()} == {split: [name]}


def test_the_losses_of_a_million_examples_take_less_than_their_floats_and_little_memory_beside_them():
    losses = np.random.default_rng(0).lognormal(-1, 1.5, 1_000_000).astype(np.float32)
    row = Row({"val_loss": 1.0}, scores={"val": {"loss": losses}})
    tracemalloc.start()
    blob = codec.encode_scores(row)
    scores, _ = codec.decode_scores(blob)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.array_equal(scores["val"]["loss"], losses)
    assert len(blob) < 0.9 * losses.nbytes
    assert peak < 5 * losses.nbytes


@pytest.mark.slow
@given(ROWS)
def test_the_order_of_names_is_not_in_the_bytes(given_row):
    backwards = Row(dict(reversed(given_row.metrics.items())), dict(reversed(given_row.predictions.items())))
    assert codec.encode_row(backwards) == codec.encode_row(given_row)


@pytest.mark.parametrize(
    ("predictions", "shown"),
    [
        (np.zeros((2, 3)), "shape (2, 3) and type float64"),
        (np.int64(3), "shape () and type int64"),
        (["cat", "dog"], "shape (2,) and type <U3"),
        (np.array([1, None]), "shape (2,) and type object"),
    ],
)
def test_what_is_not_one_number_per_image_is_refused(predictions, shown):
    with pytest.raises(InternalError) as refused:
        codec.encode_row(Row({"a": 1.0}, {"val": predictions}))
    assert str(refused.value) == (
        f"val: an array of {shown} cannot be recorded; arrays of the ledger hold one number per image"
    )


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:-1], lambda b: b"x" + b, lambda b: b"{}\n"])
def test_damaged_bytes_are_an_error_not_a_row(damage):
    with pytest.raises(InternalError, match=r"^a blob of the ledger cannot be read: "):
        codec.decode_row(damage(codec.encode_row(row())))
