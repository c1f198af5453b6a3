"""Samplers: what they give lies inside the space, and a restart goes on where the last driver was."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.storages import InMemoryStorage

from search.core.prefix import fingerprint
from search.space.model import Choice, Float, Grid, Int, Space
from search.space.nodes import text_of
from search.space.reader import space_from_mapping
from search.study.asked import STARTED, Asked, Sampler, StartingPoint, Told, mean_outcome, started
from search.study.optuna_sampler import OptunaSampler
from search.study.sampling import make_sampler

SAMPLERS = ("random", "tpe", "gp", "qmc", "cmaes", "nsga2")
fast = settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))


def space_of(
    sampler: str, axes: Mapping[str, Any], trials: int = 12, direction: str = "minimize", **more: Any
) -> Space:
    search = {"sampler": sampler, "objective": {"metric": "val_loss", "direction": direction}, **more}
    if sampler != "grid":
        search["trials"] = trials
    return space_from_mapping(
        {
            "workload": "tests.engine.workloads:Synthetic",
            "fixed": {} if "epochs" in axes else {"epochs": 3},
            "space": dict(axes),
            "search": search,
        }
    )


EVERY = {
    "x": {"float": {"low": 1e-5, "high": 0.3, "log": True}},
    "pull": {"float": {"low": 0.1, "high": 0.7, "step": 0.1}},
    "a": {"int": {"low": 3, "high": 24, "step": 7}},
    "epochs": {"int": {"low": 1, "high": 64, "log": True}},
    "kind": {"choice": ["plain", "rich"]},
    "extra": {"int": {"low": 5, "high": 6}, "when": {"kind": "rich"}},
    "mode": {"choice": {"short": {"switch": 1}, "never": {"switch": None}}},
}


def inside(space: Space, parameters: Mapping[str, Any]) -> None:
    """Every active axis has a value of its domain, in its spelling, and no other has one."""
    for axis in space.axes:
        assert (axis.name in parameters) == axis.active(parameters)
        if axis.name not in parameters:
            continue
        value, domain = parameters[axis.name], axis.domain
        match domain:
            case Float():
                assert type(value) is float
                assert domain.low <= value <= domain.high
                assert value == float(f"{value:.12g}")
                if domain.step:
                    steps = (value - domain.low) / domain.step
                    assert steps == pytest.approx(round(steps), abs=1e-9)
            case Int():
                assert type(value) is int
                assert domain.low <= value <= domain.high
                assert (value - domain.low) % domain.step == 0
            case Grid():
                assert any(value == known and type(value) is type(known) for known in domain.values)
    assert parameters.keys() <= {axis.name for axis in space.axes}


def value_of(parameters: Mapping[str, Any]) -> float:
    return int(fingerprint(dict(parameters))[:6], 16) / 16**6


def finish(sampler: Sampler, asked: Asked) -> None:
    value = value_of(asked.parameters)
    sampler.tell(asked.configuration, mean_outcome(["finished"], [[value + 1, value]]))


@pytest.mark.slow
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_what_is_asked_lies_inside(sampler: str) -> None:
    space = space_of(sampler, EVERY, trials=14)
    room = make_sampler(space)
    seen = []
    while asked := room.ask():
        assert asked.configuration == len(seen)
        inside(space, asked.parameters)
        seen.append(asked.parameters)
        finish(room, asked)
    assert len(seen) == 14
    assert len({fingerprint(dict(parameters)) for parameters in seen}) == 14
    assert {parameters["kind"] for parameters in seen} == {"plain", "rich"}
    assert room.ask() is None


@fast
@given(st.data())
def test_any_domain(data: st.DataObject) -> None:
    numbers = st.floats(-1e6, 1e6).map(lambda x: float(f"{x:.12g}"))
    low = data.draw(numbers)
    high = data.draw(numbers.filter(lambda x: x > low))
    whole = data.draw(st.integers(-50, 50))
    axes = {
        "x": {"float": {"low": low, "high": high}},
        "a": {"int": {"low": whole, "high": whole + data.draw(st.integers(1, 40))}},
        "pull": {"choice": data.draw(st.lists(numbers, min_size=1, max_size=4, unique=True))},
    }
    space = space_of("random", axes, 5, seed=data.draw(st.integers(0, 2**32 - 1)))
    room = make_sampler(space)
    for _ in range(5):
        asked = room.ask()
        assert asked is not None
        inside(space, asked.parameters)


def test_a_grid_is_enumerated_in_the_files_order() -> None:
    axes = {
        "kind": {"grid": ["plain", "rich"]},
        "extra": {"grid": [2, 1], "when": {"kind": "rich"}},
        "switch": {"grid": [None, 3]},
    }
    room = make_sampler(space_of("grid", axes))
    assert not room.adaptive
    seen = []
    while asked := room.ask():
        assert asked.record == {}
        seen.append((asked.configuration, *asked.parameters.items()))
    plain_ones = [(0, ("kind", "plain"), ("switch", None)), (1, ("kind", "plain"), ("switch", 3))]
    assert seen[:2] == plain_ones
    assert [tuple(value for _, value in row[1:]) for row in seen[2:]] == [
        ("rich", 2, None),
        ("rich", 2, 3),
        ("rich", 1, None),
        ("rich", 1, 3),
    ]
    room.tell(0, Told("fail"))
    assert room.ask() is None


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_adaptive_ones_are_known(sampler: str) -> None:
    assert make_sampler(space_of(sampler, EVERY)).adaptive == (sampler in ("tpe", "gp", "cmaes", "nsga2"))


@pytest.mark.slow
@pytest.mark.parametrize("cut", [1, 5])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_replayed_sampler_goes_on_as_if_nothing_had_happened(sampler: str, cut: int) -> None:
    """Told one by one, in order: then what a restart rebuilds is what there was."""
    axes = {**EVERY}
    if sampler in ("gp", "cmaes"):
        axes = {name: axes[name] for name in ("x", "pull", "a")}
    space = space_of(sampler, axes, trials=9)

    def drive(room: Sampler, records: list[dict[str, Any]], until: int) -> list[Mapping[str, Any]]:
        seen = []
        while len(records) < until and (asked := room.ask()):
            records.append(json.loads(json.dumps(asked.record)))
            seen.append(asked.parameters)
            finish(room, asked)
        return seen

    undisturbed = drive(make_sampler(space), [], 9)
    assert len(undisturbed) == 9
    records: list[dict[str, Any]] = []
    first = drive(make_sampler(space), records, cut)
    room = make_sampler(space, json.loads(json.dumps(records)))
    for configuration, parameters in enumerate(first):
        finish(room, Asked(configuration, parameters))
    assert first + drive(room, records, 9) == undisturbed


@pytest.mark.parametrize("sampler", ["random", "qmc"])
def test_no_question_answer_or_replay_copies_the_trials_before_it(
    sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of all trials for each of them makes ten thousand take a hundred times as long as one thousand."""
    usual = InMemoryStorage.get_all_trials

    def uncopied(self: InMemoryStorage, study_id: int, deepcopy: bool = True, states: Any = None) -> Any:
        assert not deepcopy, "all trials are copied"
        return usual(self, study_id, deepcopy, states)

    monkeypatch.setattr(InMemoryStorage, "get_all_trials", uncopied)
    space = space_of(sampler, {"x": EVERY["x"], "kind": {"choice": ["plain", "rich"]}}, trials=6)
    first, records = make_sampler(space), []
    for _ in range(4):
        asked = first.ask()
        assert asked is not None
        records.append(asked.record)
        finish(first, asked)
    assert make_sampler(space, records).ask() is not None


@pytest.mark.slow
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_restart_knows_what_was_proposed_again(sampler: str) -> None:
    """Of a grid of eighteen, configurations are proposed more than once; a restart follows behind every new one."""
    axes = {"a": {"int": {"low": 1, "high": 6}}, "pull": {"float": {"low": 0.1, "high": 0.3, "step": 0.1}}}
    space = space_of(sampler, axes, trials=8 if sampler == "gp" else 14)  # its questions take a second each

    def step(room: Sampler, records: list[dict[str, Any]], seen: list[Asked]) -> bool:
        asked = room.ask()
        if asked is not None:
            records.append(json.loads(json.dumps(asked.record)))
            seen.append(asked)
            finish(room, asked)
        return asked is not None

    undisturbed: list[Asked] = []
    records: list[dict[str, Any]] = []
    room = make_sampler(space)
    while step(room, records, undisturbed):
        pass
    assert sampler == "qmc" or any(record["repeats"] for record in records)
    restarted: list[Asked] = []
    kept: list[dict[str, Any]] = []
    while True:
        room = make_sampler(space, json.loads(json.dumps(kept)))
        for asked in restarted:
            finish(room, asked)
        if not step(room, kept, restarted):
            break
    assert [asked.parameters for asked in restarted] == [asked.parameters for asked in undisturbed]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["random", "tpe", "qmc"])
def test_a_configuration_proposed_again_costs_nothing(sampler: str) -> None:
    space = space_of(sampler, {"a": {"choice": [1, 2, 3]}, "kind": {"choice": ["plain", "rich"]}}, trials=99)
    room = make_sampler(space)
    seen = []
    while asked := room.ask():
        seen.append(fingerprint(dict(asked.parameters)))
        finish(room, asked)
    assert len(seen) == len(set(seen)) == 6
    assert room.ask() is None


def test_the_number_of_configurations_may_be_raised() -> None:
    axes = {"x": EVERY["x"]}
    records = []
    room = make_sampler(space_of("random", axes, trials=3))
    while asked := room.ask():
        records.append(json.loads(json.dumps(asked.record)))
    more = make_sampler(space_of("random", axes, trials=5), records)
    numbers = []
    while asked := more.ask():
        numbers.append(asked.configuration)
    assert numbers == [3, 4]


def test_a_seed_gives_a_sequence_of_its_own() -> None:
    def first(seed: int) -> list[Any]:
        room = make_sampler(space_of("tpe", {"x": EVERY["x"]}, seed=seed))
        return [asked.parameters["x"] for _ in range(3) if (asked := room.ask())]

    assert first(1) == first(1)
    assert first(1) != first(2)


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_tpe_seeks_the_better_half(direction: str) -> None:
    """A blunt check that the direction is passed on: most of the later questions lie on the better side."""
    room = make_sampler(space_of("tpe", {"x": {"float": {"low": 0.0, "high": 1.0}}}, 40, direction))
    later = []
    while asked := room.ask():
        x = asked.parameters["x"]
        room.tell(asked.configuration, mean_outcome(["finished"], [[x]]))
        if asked.configuration >= 20:
            later.append(x)
    better = sum(x < 0.5 if direction == "minimize" else x > 0.5 for x in later)
    assert better >= 16


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_tpe_ranks_complete_before_pruned_before_diverged(direction: str) -> None:
    from optuna.samplers._tpe.sampler import _split_trials
    from optuna.trial import TrialState

    room = make_sampler(space_of("tpe", {"x": EVERY["x"]}, 5, direction))
    assert isinstance(room, OptunaSampler)
    sign = 1 if direction == "minimize" else -1
    outcomes = [
        mean_outcome(["diverged"], [[sign * 0.0, math.nan]]),
        mean_outcome(["pruned"], [[sign * 1.0]]),
        mean_outcome(["finished"], [[sign * 9.0, sign * 9.0]]),
        mean_outcome(["failed"], [[]]),
        mean_outcome(["stopped"], [[sign * 3.0]]),
    ]
    for outcome in outcomes:
        asked = room.ask()
        assert asked is not None
        room.tell(asked.configuration, outcome)
    states = [trial.state for trial in room._study.trials]
    assert states == [
        TrialState.PRUNED,
        TrialState.PRUNED,
        TrialState.COMPLETE,
        TrialState.FAIL,
        TrialState.COMPLETE,
    ]
    ranked = [trial for trial in room._study.trials if trial.state != TrialState.FAIL]
    below, _ = _split_trials(room._study, ranked, 3)
    assert sorted(trial.number for trial in below) == [1, 2, 4]
    below, _ = _split_trials(room._study, ranked, 2)
    assert sorted(trial.number for trial in below) == [2, 4]
    below, _ = _split_trials(room._study, ranked, 1)
    assert [trial.number for trial in below] == [4]


def test_an_outcome_is_told_once() -> None:
    room = make_sampler(space_of("tpe", {"x": EVERY["x"]}))
    asked = room.ask()
    assert asked is not None
    room.tell(asked.configuration, Told("complete", 0.5, {1: 0.5}))
    room.tell(asked.configuration, Told("fail"))
    assert isinstance(room, OptunaSampler)
    assert [trial.value for trial in room._study.trials] == [0.5]


# Means over seeds -----------------------------------------------------------------------------------------------


def test_a_mean_over_seeds() -> None:
    outcome = mean_outcome(["finished", "stopped"], [[4.0, 2.0, 1.0], [2.0, 3.0]])
    assert outcome == Told("complete", 2.0, {1: 3.0, 2: 2.5})


def test_one_pruned_seed_makes_it_pruned() -> None:
    outcome = mean_outcome(["finished", "pruned"], [[4.0, 2.0, 1.0], [2.0]])
    assert outcome == Told("pruned", None, {1: 3.0})


@pytest.mark.parametrize("others", [["finished"], ["pruned"], ["stopped"]])
def test_one_diverged_seed_leaves_no_value(others: list[str]) -> None:
    assert mean_outcome([*others, "diverged"], [[1.0], [math.nan]]) == Told("pruned")


@pytest.mark.parametrize("others", [["finished"], ["pruned"], ["diverged"]])
def test_one_failed_seed_makes_it_a_failure(others: list[str]) -> None:
    assert mean_outcome(["failed", *others], [[], [1.0]]) == Told("fail")


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5), min_size=1, max_size=4))
def test_means_lie_between_their_seeds(curves: list[list[float]]) -> None:
    outcome = mean_outcome(["finished"] * len(curves), curves)
    assert outcome.value is not None
    ends = [curve[-1] for curve in curves]
    assert min(ends) - 1e-6 <= outcome.value <= max(ends) + 1e-6
    assert list(outcome.intermediate) == list(range(1, min(map(len, curves)) + 1))
    assert outcome == mean_outcome(["finished"] * len(curves), curves[::-1])


def test_a_choice_of_numbers_keeps_its_kinds() -> None:
    space = space_of("random", {"pull": {"choice": [1, 0.5]}, "switch": {"choice": [None, 2]}}, 4)
    assert isinstance(space.axes[0].domain, Choice)
    room = make_sampler(space)
    while asked := room.ask():
        inside(space, asked.parameters)


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_what_python_takes_for_one_value_is_told_apart(sampler: str) -> None:
    """1 and true are equal to Python and its dictionaries, and so to Optuna."""
    content = {
        "workload": "tests.space.fake:Typed",
        "fixed": {"epochs": 1, "batch_size": 2},
        "space": {"kind": {"choice": [1, True, 2]}, "tag": {"choice": [False, 0, "x"]}},
        "search": {"sampler": sampler, "trials": 9},
    }
    space = space_from_mapping(content)
    made = make_sampler(space)
    assert isinstance(made, OptunaSampler)
    found = {}
    while (asked := made.ask()) is not None:
        inside(space, asked.parameters)
        found[asked.configuration] = (asked.parameters["kind"], asked.parameters["tag"])
        texts = {"kind": text_of(asked.parameters["kind"]), "tag": text_of(asked.parameters["tag"])}
        assert made._study.trials[-1].params == texts
        finish(made, asked)
    assert len(found) == len({repr(each) for each in found.values()}) == 9


# Starting points -----------------------------------------------------------------------------------------------

POINTS = [{"x": 0.01, "kind": "rich", "extra": 5}, {"mode": "never"}]


def started_search(sampler: str, start: list[dict[str, Any]], trials: int = 6) -> tuple[Space, list[StartingPoint]]:
    space = space_of(sampler, EVERY, trials, start=start)
    return space, [StartingPoint(json.dumps(point), point) for point in space.search.start if isinstance(point, dict)]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_starting_points_come_first_and_the_sampler_draws_what_they_leave_out(sampler: str) -> None:
    space, start = started_search(sampler, POINTS)
    asking = make_sampler(space, (), start)
    answers = [asking.ask() for _ in range(4)]
    for answer, point in zip(answers, POINTS, strict=False):
        assert answer is not None
        inside(space, answer.parameters)
        assert point.items() <= answer.parameters.items()
    assert started(answer.record for answer in answers if answer) == {point.name: n for n, point in enumerate(start)}
    assert all(answer is not None and STARTED not in answer.record for answer in answers[2:])


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_restart_tries_no_starting_point_twice(sampler: str) -> None:
    space, start = started_search(sampler, POINTS)
    whole, answers = make_sampler(space, (), start), []
    while (answer := whole.ask()) is not None:
        answers.append(answer)
        whole.tell(answer.configuration, Told("complete", value_of(answer.parameters)))
    records = json.loads(json.dumps([dict(answer.record) for answer in answers]))
    for known in range(len(answers)):
        again = make_sampler(space, records[:known], start)
        for answer in answers[:known]:
            again.tell(answer.configuration, Told("complete", value_of(answer.parameters)))
        following = again.ask()
        assert following is not None
        assert following.parameters == answers[known].parameters


def test_a_point_added_to_a_search_that_was_begun_is_tried_next() -> None:
    space, start = started_search("random", POINTS)
    before = make_sampler(space, (), start[:1])
    records = [answer.record for _ in range(3) if (answer := before.ask()) is not None]
    answer = make_sampler(space, records, start).ask()
    assert answer is not None
    assert (answer.configuration, answer.parameters["mode"]) == (3, "never")


def test_a_point_written_twice_takes_the_place_of_no_other_configuration() -> None:
    whole = {"x": 0.01, "pull": 0.3, "a": 10, "epochs": 4, "kind": "plain", "mode": "short"}
    space, (point,) = started_search("random", [whole])
    twice = [point, StartingPoint("the same", point.parameters)]
    asking = make_sampler(space, (), twice)
    answers = [answer for _ in range(8) if (answer := asking.ask()) is not None]
    assert len({fingerprint(answer.parameters) for answer in answers}) == len(answers) == 6
    assert started(answer.record for answer in answers) == {point.name: 0, "the same": 0}
