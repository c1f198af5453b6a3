"""The exception tree, and how faults read."""

from __future__ import annotations

import pickle

import pytest

from search.core import errors
from search.core.errors import Fault, Faults, SearchError, nearest


@pytest.mark.parametrize(
    ("name", "code", "parent"),
    [
        ("SearchError", 3, "Exception"),
        ("InternalError", 3, "SearchError"),
        ("UserError", 1, "SearchError"),
        ("Faults", 1, "UserError"),
        ("StudyNotFound", 1, "UserError"),
        ("StudyLocked", 1, "UserError"),
        ("StorageFailed", 1, "UserError"),
        ("TrialsFailed", 2, "SearchError"),
        ("StudyInterrupted", 130, "SearchError"),
    ],
)
def test_every_exception_has_its_exit_code(name, code, parent):
    kind = getattr(errors, name)
    assert kind.exit_code == code
    assert kind.__base__.__name__ == parent


def test_the_tree_at_the_top_of_the_file_is_complete():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SearchError)]
    assert [kind.__name__ for kind in kinds if kind.__name__ not in errors.__doc__] == []


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault("focal.yaml", 7, "space.lr", "found 'x'"), "focal.yaml:7: space.lr: found 'x'"),
        (Fault("focal.yaml", 0, "", "is empty"), "focal.yaml: is empty"),
        (Fault("--set", 0, "lr", "found 0"), "--set: lr: found 0"),
        (Fault("focal.yaml", 3, "", "cannot be read"), "focal.yaml:3: cannot be read"),
    ],
)
def test_a_fault_is_an_address_and_a_sentence(fault, text):
    assert str(fault) == text


def test_all_faults_are_told_once_in_the_order_of_the_file():
    faults = Faults([Fault("b", 2, "y", "two"), Fault("a", 10, "z", "ten"), Fault("a", 9, "x", "nine")] * 2)
    assert str(faults) == "a:9: x: nine\na:10: z: ten\nb:2: y: two"
    assert [fault.line for fault in faults.faults] == [9, 10, 2]


def test_faults_survive_a_process_boundary():
    faults = Faults([Fault("a", 1, "x", "wrong"), Fault("b", 0, "", "missing")])
    again = pickle.loads(pickle.dumps(faults))
    assert str(again) == str(faults)
    assert again.faults == faults.faults


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("los.gamma", "; did you mean 'loss.gamma'?"),
        ("loss.gama", "; did you mean 'loss.gamma'?"),
        ("seedz", "; did you mean 'seeds'?"),
        ("quite another", ""),
        ("", ""),
    ],
)
def test_the_nearest_right_name(word, hint):
    assert nearest(word, ["loss.gamma", "loss.kind", "seeds"]) == hint


def test_nothing_is_near_nothing():
    assert nearest("lr", []) == ""
