"""The course of a run: every move leads where the rules say, from wherever it comes, and none is lost."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.core.errors import InternalError
from search.engine.decide.course import PHASES, PLANNINGS, Course, Move, Phase, Planning
from tests.engine.decide.test_driver import ledger, space_of
from tests.engine.simulation import Simulation
from tests.surroundings import HANG_S

MOVES = st.lists(st.tuples(st.sampled_from(Move), st.integers(0, 3)), max_size=12)


def moved(course: Course, move: Move, number: int) -> Course:
    match move:
        case Move.CHANGE_OVER:
            return course.change_over()
        case Move.GO_ON:
            return course.go_on()
        case Move.STOP:
            return course.stop(f"reason {number}")
        case Move.DROP:
            return course.drop(f"reason {number}")
        case Move.FAIL:
            return course.fail(ERRORS[number])
        case Move.FAIL_AT_ONCE:
            return course.fail(ERRORS[number], at_once=True)


ERRORS = [ValueError(str(number)) for number in range(4)]


def after(moves: Iterable[tuple[Move, int]]) -> Course:
    course = Course()
    for move, number in moves:
        course = moved(course, move, number)
    return course


@given(MOVES)
def test_a_course_answers_as_independent_flags_would(moves: list[tuple[Move, int]]) -> None:
    """Each thing that was ever asked for stays asked for; only a change is taken back."""
    course = after(moves)
    done = {move for move, _ in moves}
    changes = [move for move, _ in moves if move in (Move.CHANGE_OVER, Move.GO_ON)]
    failed = bool(done & {Move.FAIL, Move.FAIL_AT_ONCE})
    ends = failed or bool(done & {Move.STOP, Move.DROP})
    assert course.ends == ends
    assert course.gives_leases == (not ends and changes[-1:] != [Move.CHANGE_OVER])
    assert course.drops_epochs == bool(done & {Move.DROP, Move.FAIL_AT_ONCE})
    assert (course.phase in (Phase.FAILED, Phase.FAILED_AT_ONCE)) == failed


@given(MOVES)
def test_the_first_error_and_the_last_reason_stay(moves: list[tuple[Move, int]]) -> None:
    course = after(moves)
    errors = [ERRORS[number] for move, number in moves if move in (Move.FAIL, Move.FAIL_AT_ONCE)]
    assert course.error is (errors[0] if errors else None)
    stops = [f"reason {number}" for move, number in moves if move == Move.STOP]
    drops = [f"reason {number}" for move, number in moves if move == Move.DROP]
    assert course.reason == (stops or drops[:1] or [""])[-1]


@pytest.mark.parametrize(("move", "phase"), list(product(Move, Phase)))
def test_every_move_is_defined_in_every_phase(move: Move, phase: Phase) -> None:
    before = Course(phase)
    course = moved(before, move, 0)
    assert course.phase == PHASES[move].get(phase, phase)
    assert course.ends or not before.ends, "a run that ends came back to life"
    assert course.drops_epochs or not before.drops_epochs
    assert course.planning == before.planning


def test_every_phase_can_be_reached() -> None:
    reached = {Phase.GIVING}
    for _ in Phase:
        reached |= {moved(Course(phase), move, 0).phase for phase in reached for move in Move}
    assert reached == set(Phase)


@pytest.mark.parametrize(("before", "following"), list(product(Planning, Planning)))
def test_a_planner_goes_forward_only(before: Planning, following: Planning) -> None:
    course = Course(Phase.STOPPING, before, "a reason", ERRORS[0])
    if following == before or following in PLANNINGS[before]:
        planned = course.plan(following)
        assert planned == Course(Phase.STOPPING, following, "a reason", ERRORS[0])
        assert planned.grid_loaded >= course.grid_loaded
        assert planned.planned >= course.planned
    else:
        assert course.grid_loaded > (following != Planning.LOADING) or course.planned
        with pytest.raises(InternalError, match="cannot become"):
            course.plan(following)


def test_no_move_of_another_thread_is_lost() -> None:
    with ledger() as opened:
        driver = Simulation(space_of({"a": {"grid": [1]}}), opened, random.Random(1)).driver
        other = threading.Thread(target=driver.drop, args=("dropped",))

        def fail(course: Course) -> Course:
            other.start()  # between what this move read and what it writes
            other.join(0.05)
            return course.fail(ERRORS[0])

        driver.context.move(fail)
        other.join(HANG_S)
        assert driver.context.course == Course(Phase.FAILED_AT_ONCE, Planning.LOADING, "dropped", ERRORS[0])


def test_epochs_are_dropped_while_a_commit_holds_the_lock() -> None:
    with ledger() as opened:
        driver = Simulation(space_of({"a": {"grid": [1]}}), opened, random.Random(1)).driver
        with driver.context.lock:
            other = threading.Thread(target=driver.drop, args=("SIGTERM",), daemon=True)
            other.start()
            other.join(HANG_S)
            assert driver.dropping
        assert driver.stopping == "SIGTERM"
