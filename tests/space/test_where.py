"""Conditions between settings: what they hold for, that nothing else is taken, and what they leave of a space."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.space.model import Space
from search.space.reader import space_from_mapping
from search.space.sampling import samples
from search.space.where import WhereError, parse
from search.space.writing import dump
from search.study.asked import Told
from search.study.revision import identity
from search.study.sampling import make_sampler

NUMBERS = st.integers(-9, 9) | st.floats(-9, 9)
AXES: dict[str, Any] = {
    "x": {"grid": [1, 2, 4]},
    "a": {"grid": [1, 2, 3, 4]},
    "kind": {"grid": ["plain", "rich"]},
    "extra": {"grid": [5, 6], "when": {"kind": "rich"}},
}


def space_of(where: str | None, axes: dict[str, Any] = AXES, **search: Any) -> Space:
    condition = {} if where is None else {"where": where}
    objective = {"metric": "val_loss", "direction": "minimize"}
    content = {"workload": "tests.engine.workloads:Synthetic", "fixed": {"epochs": 2, "push": 2.0}, "space": axes}
    return space_from_mapping({**content, "search": {"objective": objective, **condition, **search}})


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("model.width * batch_size <= 4096", True),
        ("model.width * batch_size < 4096", False),
        ("1 < batch_size <= 64 != model.width + 1", True),
        ("name in ['relu', 'gelu'] and not flag", True),
        ("name not in ('relu', 'gelu') or flag == true", False),
        ("flag == 0", False),
        ("flag == false and nothing == null", True),
        ("'a' < name < 'z'", True),
        ("min(batch_size, 100, model.width) == 64 == abs(-model.width)", True),
        ("batch_size % 10 // 3 == 1 and batch_size / 128 == 0.5", True),
        ("elsewhere > 3", True),
    ],
)
def test_a_condition_holds_or_not(text: str, holds: bool) -> None:
    values = {"model.width": 64, "batch_size": 64, "name": "relu", "flag": False, "nothing": None}
    assert parse(text).holds(values) is holds


@given(
    text=st.recursive(
        st.sampled_from(["x", "y"]) | NUMBERS.map(lambda number: f"({number!r})"),
        lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(
            lambda it: f"({' '.join(it)})"
        ),
        max_leaves=6,
    ),
    order=st.sampled_from(["<", "<=", "==", "!=", ">", ">="]),
    x=NUMBERS,
    y=NUMBERS,
)
@settings(deadline=None, max_examples=75)
def test_numbers_are_counted_as_python_counts_them(text: str, order: str, x: float, y: float) -> None:
    whole = f"x {order} {text}"
    try:
        expected = eval(whole, {"__builtins__": {}}, {"x": x, "y": y})  # made of numbers above
    except (ZeroDivisionError, OverflowError):
        with pytest.raises(WhereError, match=r"divides by zero at|counts beyond the largest number at"):
            parse(whole).holds({"x": x, "y": y})
    else:
        assert parse(whole).holds({"x": x, "y": y}) is expected


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x')",
        "x ** 9 ** 9 > 1",
        "'x' * 10 == kind",
        "[1 for i in x]",
        "lambda: x",
        "x if kind else 1",
        "x[0] > 1",
        "x.real() > 1",
        "(x := 1) > 0",
        "f'{x}' == kind",
        "x is null",
        "x @ 2 > 1",
        "~x > 1",
        "x > 1; x < 2",
        "print(x)",
        "max(*kind) > 1",
        "min(x, key=kind) > 1",
        "(" * 230 + "x > 1" + ")" * 230,
        "not " * 120 + "x",
        "3 < 4",
        "x +",
        "x + 1",
        "kind in x",
        "x and true",
        "b'x' == kind",
    ],
)
def test_nothing_else_is_taken(text: str) -> None:
    with pytest.raises(WhereError):
        parse(text).holds({"x": 3, "kind": "plain"})


CONDITIONS = ["x * a <= 6", "kind == 'plain' or extra > 5", "a % 2 == 0 and x != a", "extra < 6", "push > x"]


@pytest.mark.parametrize("where", CONDITIONS)
def test_a_grid_leaves_out_what_does_not_fulfil_it(where: str) -> None:
    every, left = space_of(None), space_of(where)
    names = set(parse(where).names)
    expected = []
    for parameters in every.grid():
        values = {**every.fixed, **parameters}
        written = where.replace("push", "2.0")
        if not names <= values.keys() or eval(written, {"__builtins__": {}}, values):  # of this file
            expected.append(parameters)
    assert list(left.grid()) == expected
    assert left.grid_size() == len(expected) < left.combinations() == every.grid_size()
    assert all(left.allows(parameters) for parameters in samples(left))
    assert left.allows(left.example())
    assert left.left_out().startswith(
        f"{every.grid_size() - len(expected)} of {every.grid_size()} configurations are left"
    )


PRIORS: dict[str, Any] = {
    "x": {"float": {"low": 0, "high": 1}},
    "pull": {"float": {"low": 0, "high": 1}},
    "a": {"int": {"low": 1, "high": 8}},
    "kind": {"choice": ["plain", "rich"]},
}


@pytest.mark.parametrize("sampler", ["random", "tpe", "gp", "qmc", "cmaes"])
def test_a_sampler_gives_what_fulfils_it_and_goes_on_behind_a_restart(sampler: str) -> None:
    space = space_of("x + pull < 0.7 and a != 4", PRIORS, sampler=sampler, trials=8)
    records: list[Any] = []
    answers = []
    whole = make_sampler(space)
    for known in range(8):
        again = make_sampler(space, records)
        for answer in answers:
            again.tell(answer.configuration, Told("complete", answer.parameters["x"]))
        following, answer = again.ask(), whole.ask()
        assert answer is not None
        assert following is not None
        assert following.parameters == answer.parameters, known
        assert space.allows(answer.parameters)
        whole.tell(answer.configuration, Told("complete", answer.parameters["x"]))
        answers.append(answer)
        records.append(answer.record)


def test_tpe_learns_what_is_refused() -> None:
    """Half of the space is refused: proposals at random are refused half of the time, those of TPE more rarely."""
    refused = {}
    for sampler in ("random", "tpe"):
        space = space_of("x < 0.5", {"x": PRIORS["x"], "pull": PRIORS["pull"]}, sampler=sampler, trials=60, seed=1)
        asking = make_sampler(space)
        for _ in range(60):
            answer = asking.ask()
            assert answer is not None
            asking.tell(answer.configuration, Told("complete", answer.parameters["pull"]))
        refused[sampler] = len(asking._refused)  # type: ignore[attr-defined]
    assert refused["tpe"] < refused["random"] / 2


@pytest.mark.parametrize("where", ["0.2 < x < 0.3", "a % 7 == 5 and x > 0.9", "0.41 < x * pull < 0.42"])
def test_what_lies_inside_of_a_range_is_found(where: str) -> None:
    space = space_of(where, PRIORS, sampler="random", trials=3)
    assert space.allows(space.example())
    assert space.example() == space.example()


def test_the_example_of_a_large_grid_is_its_first_configuration_that_is_left() -> None:
    space = space_of("x == 3 and pull == 119", {name: {"grid": list(range(120))} for name in ("pull", "x")})
    assert space.example() == {"pull": 119, "x": 3}


def test_a_sampler_gives_up_where_hardly_anything_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.study.optuna_sampler.MAX_REFUSED_ASKS", 50)
    axes = {"a": {"int": {"low": 1, "high": 10**6}}, "x": PRIORS["x"]}
    asking = make_sampler(space_of("a == 1 and x > 0.2", axes, sampler="random", trials=5))
    assert list(itertools.islice(iter(asking.ask, None), 5)) == []


def test_a_condition_belongs_to_the_question_and_is_written_out() -> None:
    space = space_of("x < 4")
    assert identity(space) != identity(space_of(None))
    assert "where: x < 4" in dump(space)
