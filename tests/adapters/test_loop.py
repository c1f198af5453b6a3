"""The loop of a script, read from its source: what stands at a wrong place is refused by its line."""

from __future__ import annotations

import pytest
import torch

from search.adapters.torch import ScriptError, workload
from search.adapters.torch.loop import read_loop


def no_loop(run):
    yield {"loss": 1}


def no_yield(run):
    for _ in run:
        print("epoch")


def in_a_bar(run):
    for epoch in tqdm(run):  # noqa: F821
        yield {"loss": epoch}


def counted(run):
    for epoch, _ in enumerate(run):
        yield {"loss": epoch}


def behind_the_yield(run):
    for epoch in run:
        yield {"loss": epoch}
        print("done")


def behind_the_loop(run):
    for epoch in run:
        yield {"loss": epoch}
    torch.save({}, "model.pt")


def otherwise(run):
    for epoch in run:
        yield {"loss": epoch}
    else:  # noqa: PLW0120
        print("done")


def behind_the_with(run):
    with open("log") as log:
        for epoch in run:
            yield {"loss": epoch}
        print(log)


def too_early(run):
    yield {"loss": 0}
    for epoch in run:
        yield {"loss": epoch}


def too_often(run):
    for epoch in run:
        yield {"loss": epoch}
        yield {"loss": epoch}


def from_another(run):
    for _ in run:
        yield from [{"loss": 1}]


def now_and_then(run):
    for epoch in run:
        if epoch % 2:
            yield {"loss": epoch}


def received(run):
    for epoch in run:
        answer = yield {"loss": epoch}
        print(answer)


def breaks(run):
    for epoch in run:
        if epoch > 3:
            break
        yield {"loss": epoch}


def goes_on(run):
    for epoch in run:
        for _ in range(3):
            break
        if epoch > 3:
            continue
        yield {"loss": epoch}


def returns(run):
    for epoch in run:
        for _ in range(3):
            if epoch > 3:
                return
        yield {"loss": epoch}


def two_loops(run):
    for _ in run:
        for epoch in run:
            print(epoch)
        yield {"loss": 1}


def around(run):
    for width in (1, 2):
        for _ in run:
            yield {"loss": width}


def globally(run):
    global counter  # noqa: PLW0603
    for _ in run:
        counter = 1
        yield {"loss": counter}


def nothing():
    yield {"loss": 1}


async def later(run):
    for _ in run:
        yield {"loss": 1}


ENDS = "the loop over `run` ends in the only yield: `yield run.measured(val_loss=...)`"
FILE = "when a trial ends, the space file says (`epochs`, `stop.rule`)"


@pytest.mark.parametrize(
    ("function", "line", "said"),
    [
        (
            no_loop,
            None,
            "has no loop over its epochs; write `for epoch in run:` in the place of `range(...)`",
        ),
        (no_yield, None, f"yields nothing; {ENDS}"),
        (in_a_bar, 1, "is `for epoch in tqdm(run):`, must be `for epoch in run:` and nothing around it"),
        (
            counted,
            1,
            "is `for (epoch, _) in enumerate(run):`, must be `for (epoch, _) in run:` and nothing around it",
        ),
        (
            behind_the_yield,
            3,
            "stands behind the yield: it runs in a process that goes on, and not in one that starts from the saved "
            "state; move it before the yield",
        ),
        *(
            (
                function,
                line,
                "stands behind the loop and never runs: the space file says how many epochs there are; "
                "move it into the loop, before the yield",
            )
            for function, line in ((behind_the_loop, 3), (otherwise, 4), (behind_the_with, 4))
        ),
        (too_early, 1, f"yields outside of the loop; {ENDS}"),
        (too_often, 3, f"yields too often; {ENDS}"),
        (from_another, 2, f"yields too often; {ENDS}"),
        (now_and_then, 3, f"yields inside of another statement; {ENDS}"),
        (received, 2, f"yields inside of another statement; {ENDS}"),
        (breaks, 3, f"breaks the loop; {FILE}"),
        (goes_on, 5, "goes on without a yield; each turn of the loop measures one epoch"),
        (returns, 4, f"returns from the loop; {FILE}"),
        (two_loops, 2, "loops over `run` again; one loop has all epochs"),
        (around, 1, "stands around the loop over the epochs; only `with` and `try` may"),
        (globally, 1, "makes 'counter' a global, which is in no state; make it a local"),
        (nothing, None, "takes nothing, must take the run first: `def nothing(run, ...):`"),
        (later, None, "found no function, must be `def later(run, ...):` with a yield"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_stands_at_a_wrong_place_is_refused_when_it_is_decorated(function, line, said):
    with pytest.raises(ScriptError) as refused:
        workload()(function)
    place = "" if line is None else f"line {function.__code__.co_firstlineno + line} "
    assert str(refused.value) == f"{function.__name__}: {place}{said}"


def test_a_function_without_a_source_is_refused():
    space: dict = {}
    exec("def script(run):\n    for _ in run:\n        yield {}\n", space)
    with pytest.raises(ScriptError) as refused:
        workload()(space["script"])
    assert str(refused.value) == "script: its source cannot be read; write it as a function in a file"


def in_a_with(run):
    with torch.autocast("cpu", enabled=False):
        for _ in run:
            yield {"loss": 1}


def metrics_of_kinds(run):
    for _ in run:
        yield run.measured(val_loss=1, predictions={}, test_loss=2)


def metrics_made(run):
    for _ in run:
        yield run.measured(**{"val_loss": 1})


def metrics_partly_made(run):
    for _ in run:
        row = {}
        yield {"val_loss": 1, **row}


def metrics_in_a_name(run):
    for _ in run:
        row = {"val_loss": 1}
        yield row


@pytest.mark.parametrize(
    ("function", "metrics"),
    [
        (in_a_with, ("loss",)),
        (metrics_of_kinds, ("val_loss", "test_loss")),
        (metrics_made, ()),
        (metrics_partly_made, ()),
        (metrics_in_a_name, ()),
    ],
)
def test_metrics_are_known_where_they_are_written_out(function, metrics):
    assert read_loop(function).metrics == metrics
    assert hasattr(workload()(function), "metrics") == bool(metrics)


def lasting_names(session, train, val):
    before = best = loss = step = total = history = buffer = x = y = seen = maybe = both = caught = None
    first = others = only = None

    def closed():
        nonlocal step
        step += 1
        return seen

    for _epoch in session:
        total.zero_()
        buffer[:] = 0
        history.clear()
        for x, y in train:
            loss = x + y
        if loss > 0:
            maybe = 1
        if loss > 1:
            both = 1
        else:
            both = 2
        try:
            caught = val()
        except ValueError:
            raise
        print([made + 1 for made in val])
        match train:
            case [first, *others] | {"first": first, **others}:
                print(first, others)
            case {"only": _} as only:
                print(only)
        best = max(best, loss)
        print(lambda z: z + before, maybe)
        total += loss
        history.append(both)
        buffer[0] = caught
        yield {"loss": closed()}


def test_names_that_last_are_those_read_before_they_are_assigned():
    loop = read_loop(lasting_names)
    assert loop.handle == "session"
    own = set(lasting_names.__code__.co_varnames) | set(lasting_names.__code__.co_cellvars)
    assert loop.lasting & own == {"train", "val", "best", "maybe", "before", "closed", "step", "seen"}


def test_a_script_halts_at_its_head_with_its_closure_its_defaults_and_its_lines():
    outer, other = 2, [1]

    def script(run, plain=3, *, named=4):
        inner = outer + plain

        def add(value):
            other.append(value)
            return value + inner

        for epoch in run:
            if epoch == 2:
                raise ValueError("in the loop")
            yield {"loss": add(named)}

    halting = read_loop(script).function
    generator = halting(iter([1, 2]))
    assert next(generator) is None
    assert other == [1]
    assert generator.gi_frame.f_locals["inner"] == 5
    assert next(generator) == {"loss": 9}
    assert other == [1, 4]
    with pytest.raises(ValueError, match="in the loop") as failed:
        next(generator)
    place = failed.traceback[-1]
    assert (place.path.name, place.lineno) == ("test_loop.py", script.__code__.co_firstlineno + 8)
    assert (halting.__code__.co_qualname, halting.__name__) == (script.__qualname__, "script")
    assert next(read_loop(in_a_with).function([])) is None
