"""Proofs, pairs, and kinds that are distrusted: what is shown of them, and to whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from search.core.trial import Row, State
from search.ledger.files import StateFile, all_files, write_state
from search.ledger.kept import KeptState, Pair, Role
from search.ledger.ledger import Ledger
from tests.ledger.test_ledger import key, study_of, trial

BAD, GOOD = "b" * 40, "a" * 40
TEXT = "the state of epoch 3 gave another val_loss behind it"
PAIR = {"fixed": {"width": 64, "seed": 3}, "settings": {"lr": 0.1}, "data": "f00", "inputs": {"weights": "cafe"}}


def row(value: float = 0.5) -> Row:
    return Row({"val_loss": value})


def state(number: int, epoch: int, content: str = "0", kind: str = BAD) -> KeptState:
    return KeptState(StateFile(key(number), content * 64, 10), epoch, Role.BRANCH, kind)


class TrustContract:
    """A subclass gives `storage`: a place without a ledger yet."""

    def put(self, ledger: Ledger, study: int, run: int, rows: dict[int, tuple[str, str]]) -> None:
        with ledger.step(study) as step:
            for number, (kind, origin) in rows.items():
                step.put_row(key(number), 1, row(number), 0.1, run, kind=kind, origin=origin)

    # What a row says of its making

    def test_a_row_keeps_its_kind_and_origin(self, ledger, study, run):
        self.put(ledger, study, run, {1: (BAD, "fresh"), 2: (BAD, key(1)), 3: ("", "")})
        found = ledger.rows([key(number) for number in (1, 2, 3)])
        assert [(one.kind, one.origin) for one in found.values()] == [(BAD, "fresh"), (BAD, key(1)), ("", "")]

    # Proofs

    def test_each_proof_is_on_record_once(self, ledger, study, run):
        assert ledger.proofs([BAD]) == {}
        with ledger.step(study) as step:
            step.put_proof(BAD, "start", key(1), run)
            step.put_proof(BAD, "start", key(2), run)
            step.put_proof(BAD, "depth 0", key(3), run)
            step.put_proof(GOOD, "depth 1", key(4), run)
        assert ledger.proofs([BAD]) == {BAD: frozenset({"start", "depth 0"})}
        assert ledger.proofs() == {BAD: frozenset({"start", "depth 0"}), GOOD: frozenset({"depth 1"})}

    # Pairs

    def test_a_pair_comes_back_as_it_was_put(self, ledger, study):
        with ledger.step(study) as step:
            step.put_state(state(1, 4))
            step.put_state(state(2, 2))
            step.put_state(state(3, 1, kind=GOOD))
        assert ledger.states.pairs([BAD]) == []
        with ledger.step(study) as step:
            step.put_behind(key(1), key(11), PAIR)
            step.put_behind(key(2), key(12), PAIR)
            step.put_behind(key(3), key(13), PAIR)
            step.put_behind(key(4), key(14), PAIR)  # freed in the meantime
        first = Pair(state(2, 2), key(12), PAIR["fixed"], PAIR["settings"], PAIR["data"], PAIR["inputs"])
        second = Pair(state(1, 4), key(11), PAIR["fixed"], PAIR["settings"], PAIR["data"], PAIR["inputs"])
        assert ledger.states.pairs([BAD]) == [first, second]
        assert ledger.states.pairs([]) == []
        assert ledger.states.find([key(1)]) == {key(1): state(1, 4)}
        ledger.states.forget([key(1)])
        assert ledger.states.pairs([BAD]) == [first]

    def test_another_state_of_the_key_has_nothing_behind_it(self, ledger, study):
        """Only the same bits were followed by the row."""
        with ledger.step(study) as step:
            step.put_state(state(1, 4))
            step.put_behind(key(1), key(11), PAIR)
            step.put_state(state(1, 4))
        assert len(ledger.states.pairs([BAD])) == 1
        with ledger.step(study) as step:
            step.put_state(state(1, 4, content="1"))
        assert ledger.states.pairs([BAD]) == []
        assert ledger.states.find([key(1)]) == {key(1): state(1, 4, content="1")}

    # Distrust

    def test_rows_that_did_not_come_from_a_fresh_process_are_withdrawn(self, ledger, storage, study, run):
        made = {1: (BAD, "fresh"), 2: (BAD, "used"), 3: (BAD, key(1)), 4: (GOOD, key(9)), 5: ("", ""), 6: (BAD, "")}
        self.put(ledger, study, run, made)
        assert ledger.distrust(BAD, TEXT, True, run) == 3
        keys = [key(number) for number in made]
        other = Ledger(storage)
        assert sorted(other.rows(keys)) == [key(1), key(4), key(5)]
        other.close()
        found = ledger.distrusted([BAD])[BAD]
        assert (found.text, found.repeatable, found.run_id, found.withdrawn) == (TEXT, True, run, 3)
        assert ledger.distrusted([GOOD]) == {}
        assert list(ledger.distrusted()) == [BAD]

    def test_what_is_committed_by_somebody_who_has_not_heard_is_shown_to_nobody(self, ledger, study, run):
        ledger.distrust(BAD, TEXT, True, run)
        self.put(ledger, study, run, {1: (BAD, "fresh"), 2: (BAD, "used"), 3: (BAD, key(8)), 4: (GOOD, "used")})
        assert sorted(ledger.rows([key(number) for number in range(9)])) == [key(1), key(4)]
        assert ledger.distrust(BAD, "another text", True, run) == 2
        assert ledger.distrusted()[BAD].text == TEXT
        assert ledger.distrust(BAD, "another text", True, run) == 0

    def test_it_may_turn_out_later_that_it_is_not_repeatable(self, ledger, study, run):
        ledger.distrust(BAD, TEXT, True, run)
        ledger.distrust(BAD, "two fresh processes differ", False, run)
        ledger.distrust(BAD, TEXT, True, run)
        found = ledger.distrusted()[BAD]
        assert (found.text, found.repeatable) == ("two fresh processes differ", False)

    def test_states_and_proofs_of_the_kind_are_gone(self, ledger, study, run):
        self.put(ledger, study, run, {1: (BAD, "fresh")})
        ledger.states.make_folder()
        lies = KeptState(write_state(ledger.states.folder, key(2), b"wrong"), 2, Role.BRANCH, BAD)
        with ledger.step(study) as step:
            step.put_state(state(1, 4, kind=""))  # said nothing of its kind, but its row did
            step.put_state(lies)
            step.put_state(state(3, 1, kind=GOOD))
            step.put_proof(BAD, "start", key(1), run)
            step.put_proof(GOOD, "start", key(3), run)
        ledger.distrust(BAD, TEXT, True, run)
        assert list(ledger.states.find([key(number) for number in range(5)])) == [key(3)]
        assert list(ledger.proofs()) == [GOOD]
        assert list(all_files(ledger.states.folder)) == []

    def test_trials_that_showed_such_a_row_are_open_again_in_all_studies(self, ledger, study, run):
        other = study_of(ledger, "other")
        self.put(ledger, study, run, {1: (BAD, "fresh"), 2: (BAD, key(1)), 3: (GOOD, "fresh")})
        ended: dict[str, Any] = {"state": State.FINISHED, "ended_by": "last epoch", "last_epoch": 2}
        with ledger.step(study) as step:
            step.add_trial(trial(0, **ended), [key(1), key(2)], "")
            step.add_trial(trial(1, **{**ended, "state": State.PRUNED, "last_epoch": 1}), [key(1), key(2)], "")
            step.log("before")
        with ledger.step(other) as step:
            step.add_trial(trial(7, **ended), [key(3), key(4)], "")
            step.add_trial(trial(8, **{**ended, "state": State.FAILED, "error": "Traceback"}), [key(1), key(2)], "")
        third = study_of(ledger, "third")
        with ledger.step(third) as step:
            step.add_trial(trial(0, **ended), [key(3), key(4)], "")
        assert ledger.distrust(BAD, TEXT, True, run) == 1
        assert [
            [(one.number, one.state, one.ended_by, one.last_epoch, one.error) for one in ledger.trials(each)]
            for each in (study, other, third)
        ] == [
            [(0, State.INTERRUPTED, "", 0, ""), (1, State.PRUNED, "last epoch", 1, "")],
            [(7, State.FINISHED, "last epoch", 2, ""), (8, State.INTERRUPTED, "", 0, "")],
            [(0, State.FINISHED, "last epoch", 2, "")],
        ]
        logged = [
            [(entry.seq, entry.detail) for entry in ledger.decisions(each, ["withdrawn"])]
            for each in (study, other, third)
        ]
        detail = {"kind_of_training": BAD, "text": TEXT, "rows": 1, "run": run}
        assert logged == [[(1, {**detail, "trials": [0]})], [(0, {**detail, "trials": [8]})], []]

    def test_trials_that_ended_with_such_a_row_since_are_reopened_when_asked(self, ledger, study, run):
        """Their driver had read the rows before, or committed its own, and had not heard of it."""
        assert ledger.reopen(study) == 0
        self.put(ledger, study, run, {1: (BAD, "fresh"), 2: (BAD, key(1)), 3: (GOOD, "fresh")})
        ledger.distrust(BAD, TEXT, True, run)
        self.put(ledger, study, run, {4: (BAD, "used")})
        ended: dict[str, Any] = {"state": State.FINISHED, "ended_by": "last epoch", "last_epoch": 2}
        with ledger.step(study) as step:
            step.add_trial(trial(0, **ended), [key(1), key(2)], "")
            step.add_trial(trial(1, **ended), [key(1), key(4)], "")
            step.add_trial(trial(2, **{**ended, "last_epoch": 1}), [key(1), key(4)], "")
            step.add_trial(trial(3, **ended), [key(1), key(3)], "")
            step.add_trial(trial(4, **{**ended, "state": State.INTERRUPTED}), [key(1), key(2)], "")
        assert ledger.reopen(study) == 2
        assert [one.state for one in ledger.trials(study)] == [
            State.INTERRUPTED,
            State.INTERRUPTED,
            State.FINISHED,
            State.FINISHED,
            State.INTERRUPTED,
        ]
        (entry,) = ledger.decisions(study, ["withdrawn"])
        assert entry.detail == {"kind_of_training": BAD, "text": TEXT, "rows": 2, "run": run, "trials": [0, 1]}
        assert ledger.reopen(study) == 0
        ledger.trust_again()
        with ledger.step(study) as step:
            step.set_trial(0, state=State.FINISHED, last_epoch=2)
        assert ledger.reopen(study) == 1, "withdrawn rows stay so"

    def test_a_row_put_again_takes_the_place_of_one_that_was_withdrawn(self, ledger, study, run):
        self.put(ledger, study, run, {1: (BAD, "fresh"), 2: (BAD, key(1))})
        ledger.distrust(BAD, TEXT, True, run)
        assert ledger.trust_again() == 1
        assert ledger.distrusted() == {}
        assert list(ledger.rows([key(1), key(2)])) == [key(1)]  # the cause may be mended, the row is not
        later = ledger.begin_run(study, {})
        with ledger.step(study) as step:
            assert step.put_row(key(2), 1, row(9.0), 0.7, later, kind=BAD, origin=key(1)) == (row(9.0), True, 0.7)
            assert step.put_row(key(2), 1, row(8.0), 0.6, later, kind=BAD, origin="used") == (row(9.0), False, 0.7)
        found = ledger.rows([key(2)])[key(2)]
        assert (found.row, found.seconds, found.run_id, found.origin) == (row(9.0), 0.7, later, key(1))

    def test_what_was_proven_late_is_proven_anew_when_distrust_is_cleared(self, ledger, study, run):
        ledger.distrust(BAD, TEXT, True, run)
        with ledger.step(study) as step:  # by a driver that has not heard of it
            step.put_proof(BAD, "depth 0", key(1), run)
            step.put_proof(GOOD, "depth 0", key(2), run)
        ledger.trust_again()
        assert ledger.proofs() == {GOOD: frozenset({"depth 0"})}

    def test_a_row_of_a_fresh_process_takes_the_place_of_one_that_came_in_late(self, ledger, study, run):
        """Else whoever trains it alone would be compared with a row that nobody is shown, and never be done."""
        ledger.distrust(BAD, TEXT, True, run)
        self.put(ledger, study, run, {2: (BAD, "used"), 3: (GOOD, "used")})
        with ledger.step(study) as step:
            assert step.put_row(key(2), 1, row(7.0), 0.7, run, kind=BAD, origin="used") == (row(2), False, 0.1)
            assert step.put_row(key(2), 1, row(9.0), 0.7, run, kind=BAD, origin="fresh") == (row(9.0), True, 0.7)
            assert step.put_row(key(2), 1, row(8.0), 0.6, run, kind=BAD, origin="fresh") == (row(9.0), False, 0.7)
            assert step.put_row(key(3), 1, row(8.0), 0.7, run, kind=GOOD, origin="fresh") == (row(3), False, 0.1)
            step.add_trial(trial(0, state=State.FINISHED, ended_by="last epoch", last_epoch=1), [key(2)], "")
        assert {name: found.row for name, found in ledger.rows([key(2), key(3)]).items()} == {
            key(2): row(9.0),
            key(3): row(3),
        }
        assert ledger.reopen(study) == 0

    def test_what_came_in_late_stays_hidden_when_distrust_is_cleared(self, ledger, study, run):
        ledger.distrust(BAD, TEXT, True, run)
        self.put(ledger, study, run, {2: (BAD, "used"), 3: (BAD, "fresh")})
        ledger.trust_again()
        assert list(ledger.rows([key(2), key(3)])) == [key(3)]


class TestSqlite(TrustContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> str:
        return str(tmp_path / "search.db")


@pytest.mark.slow
class TestPostgres(TrustContract):
    @pytest.fixture
    def storage(self, postgres_database: str) -> str:
        return postgres_database
