"""One objective or a list of several, and what several are refused with."""

from __future__ import annotations

from typing import Any

import pytest

from search.core.errors import Faults
from search.space.reader import read_space, space_from_mapping
from search.space.writing import dump
from search.study.revision import identity

FIRST = {"metric": "val_accuracy"}
LOSS = {"metric": "val_loss", "direction": "minimize"}
TIME = "seconds_per_image"
SIZE = {"metric": "parameters", "direction": "minimize"}


def content(objective: Any, sampler: str = "random", **more: Any) -> dict[str, Any]:
    count = {} if sampler == "grid" else {"trials": 3}
    search = {"sampler": sampler, **count, "objective": objective, **more.pop("search", {})}
    return {
        "workload": "tests.space.fake:Fake",
        "fixed": {"epochs": 10, "batch_size": 16},
        "space": {"optimizer.lr": {"float": {"low": 0.1, "high": 1}}},
        "search": search,
        **more,
    }


def test_a_list_of_one_is_that_one() -> None:
    one, listed = (space_from_mapping(content(given)) for given in (LOSS, [LOSS]))
    assert one == listed
    assert dump(one) == dump(listed)
    assert identity(one) == identity(listed)
    assert listed.search.further == ()


def test_several_are_read_written_and_another_study(tmp_path: Any) -> None:
    space = space_from_mapping(content([FIRST, LOSS, SIZE], "nsga2"))
    assert [(one.metric, one.maximize, one.cost) for one in space.search.objectives] == [
        ("val_accuracy", True, False),
        ("val_loss", False, False),
        ("parameters", False, True),
    ]
    assert space.search.measured == ("val_accuracy", "val_loss")
    file = tmp_path / "space.yaml"
    file.write_text(dump(space))
    assert read_space(file) == space
    others = [content(FIRST, "nsga2"), content([FIRST, LOSS], "nsga2"), content([FIRST, SIZE, LOSS], "nsga2")]
    assert len({identity(space), *(identity(space_from_mapping(other)) for other in others)}) == 4


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            content([FIRST, LOSS], "gp"),
            "search.sampler: found gp, which takes one objective, and there are several; choose tpe, nsga2, random or "
            "qmc",
        ),
        (
            content([FIRST, LOSS], search={"pruning": {"asha": {"grace_period": 2}}}),
            "search.pruning: ends trials by one objective, and there are several; remove it, or keep one objective",
        ),
        (
            content([FIRST, LOSS], limits={"target": 0.9}),
            "limits.target: is a figure of one objective, and there are several; remove it, or keep one objective",
        ),
        (
            content([FIRST, LOSS, FIRST]),
            "search.objective[2].metric: names val_accuracy, which is listed already; each metric is one objective: "
            "remove it",
        ),
        (
            content([FIRST, {"metric": "paramters", "direction": "minimize"}]),
            "search.objective[1].metric: found 'paramters', which the workload does not measure; did you mean "
            "'parameters'?",
        ),
        (
            content([FIRST, {"metric": "val_loss"}]),
            "search.objective[1].metric: found 'val_loss', which would be maximized; add `direction: minimize`",
        ),
        (
            content([FIRST, {"metric": "test_accuracy"}]),
            "search.objective[1].metric: found 'test_accuracy', but no decision may read test values; use one on "
            "validation data",
        ),
        (
            content([SIZE, FIRST]),
            "search.objective[0].metric: found 'parameters', which training does not change; name a metric of rows "
            "first, and it as a further objective",
        ),
        (
            content([{"metric": TIME, "direction": "minimize"}, FIRST], workload="tests.space.fake:Timed"),
            f"search.objective[0].metric: found '{TIME}', a time, which is another number in every run; name a metric "
            "that repeats first, and it behind",
        ),
        (
            content([FIRST, {"metric": TIME}], workload="tests.space.fake:Timed"),
            f"search.objective[1].metric: found '{TIME}', which would be maximized; add `direction: minimize`",
        ),
        (
            content(
                [FIRST, {"metric": TIME, "direction": "minimize"}],
                "grid",
                workload="tests.space.fake:Timed",
                space={"optimizer.lr": {"grid": [0.1, 0.2]}},
                report={"rows": "optimizer.lr", "claims": [{"better": [0.1, 0.2], "metric": TIME}]},
            ),
            f"report.claims[0].metric: found '{TIME}', a time, which no example tells; `report.baseline` compares "
            "times in the table: name another metric",
        ),
        (content([]), "search.objective: found a list, must have at least 1 entry"),
    ],
)
def test_what_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Faults) as caught:
        space_from_mapping(given)
    assert str(caught.value) == f"<python>: {said}"
