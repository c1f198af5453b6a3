"""What a look sees, what settings tell of their readers, and what a process can do to its surroundings."""

from __future__ import annotations

import functools
import json
import random
import subprocess
import sys
from collections import OrderedDict
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from search.proof.fresh import Warm
from search.proof.look import Seen, differing, look
from search.proof.roots import roots
from search.proof.watched import Watched
from search.system.machine import fork_is_fresh
from tests.proof import mistakes, workloads
from tests.surroundings import HANG_S


@dataclass
class Slotted:
    __slots__ = ("value",)
    value: int


def looked(thing: object) -> dict[str, Seen]:
    return look({"run": thing})


@pytest.mark.parametrize(
    ("name", "one", "other", "path", "kind"),
    [
        ("weights", np.ones(2), np.zeros(2), "run.weights", "weights"),
        ("images", np.ones(2), np.zeros(2), "run.images", "array"),
        ("velocity", np.ones(2), np.zeros(2), "run.velocity", "optimiser"),
        ("ema", 1.0, 2.0, "run.ema", "buffer"),
        ("epoch", 1, 2, "run.epoch", "counter"),
        ("best", 1.0, 1.5, "run.best", "value"),
        ("names", {"a", "b"}, {"a", "c"}, "run.names", "value"),
        ("rng", np.random.default_rng(0), np.random.default_rng(1), "run.rng", "generator"),
        ("rng", np.random.RandomState(0), np.random.RandomState(1), "run.rng", "generator"),
        ("rng", random.Random(0), random.Random(1), "run.rng", "generator"),
        ("inner", {"a": [1, (2, 3)]}, {"a": [1, (2, 4)]}, "run.inner['a'][1][1]", "value"),
        ("inner", OrderedDict(a=Slotted(1)), OrderedDict(a=Slotted(2)), "run.inner['a'].value", "value"),
        ("text", np.array(["a"], dtype=object), np.array(["b"], dtype=object), "run.text", "array"),
    ],
)
def test_what_differs_is_named_with_its_kind(name: str, one: object, other: object, path: str, kind: str) -> None:
    first, second = (looked(SimpleNamespace(**{name: each, "same": [1, 2]})) for each in (one, other))
    assert [(where, here.kind) for where, here, _ in differing(first, second) if here is not None] == [(path, kind)]
    assert differing(first, looked(SimpleNamespace(**{name: one, "same": [1, 2]}))) == []


def test_the_most_telling_things_come_first() -> None:
    def thing(seed: int) -> SimpleNamespace:
        return SimpleNamespace(
            best=seed, epoch=seed, data=np.array([seed]), momentum=np.array([seed]), rng=np.random.default_rng(seed)
        )

    paths = [path for path, _, _ in differing(looked(thing(0)), looked(thing(1)))]
    assert paths == ["run.rng", "run.momentum", "run.epoch", "run.data", "run.best"]


def test_a_look_ends_in_circles_and_sees_a_generator_of_frames() -> None:
    def loop(step: int):
        total = step
        while True:
            total += 1
            yield total

    circle = SimpleNamespace(loop=loop(3))
    circle.own = circle
    next(circle.loop)
    before = looked(circle)
    assert before["total"].text == "4"
    next(circle.loop)
    assert [path for path, _, _ in differing(before, looked(circle))] == ["total"]


def test_a_cache_of_a_function_is_seen() -> None:
    @functools.cache
    def read(name: str) -> str:
        return name

    before = looked(SimpleNamespace(read=read))
    read("a")
    (found,) = differing(before, looked(SimpleNamespace(read=read)))
    assert found[0] == "run.read"
    assert found[1] is not None
    assert found[1].kind == "cache"


@pytest.mark.slow
def test_what_torch_holds_is_seen_by_its_kind() -> None:
    import torch

    def net() -> SimpleNamespace:
        model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(0.5)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
        return SimpleNamespace(m=model, o=optimizer, s=scheduler, g=torch.Generator().manual_seed(1))

    one, other = net(), net()
    before = looked(one)
    assert differing(before, looked(other)) == []
    other.m(torch.ones(3, 2)).sum().backward()
    other.o.step()
    other.s.step()
    torch.rand(1, generator=other.g)
    kinds = {path: (here or there).kind for path, here, there in differing(before, looked(other)) if here or there}
    assert kinds["run.g"] == "generator"
    assert kinds["run.o['state'][0]['momentum_buffer']"] == "optimiser"
    assert kinds["run.m.1.running_mean"] == "buffer"
    assert kinds["run.m.1.bias"] == "weights"
    assert kinds["run.s['last_epoch']"] == "scheduler"


def test_what_a_process_keeps_is_seen_and_no_value_of_a_variable_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def seen() -> dict[str, Seen]:
        return look(roots(mistakes.Fit({"seed": 1}), mistakes.Right()))

    before = seen()
    assert {"mistakes.SHARED_GENERATOR.bit_generator", "mistakes.SHARED_GENERATOR"} & set(before)
    assert not [path for path in before if path.startswith(("search.", "np."))]
    monkeypatch.setenv("A_SECRET", "hunter2")
    monkeypatch.setattr(mistakes.Right, "best", 3, raising=False)
    monkeypatch.setitem(mistakes.MODELS, "weights", np.ones(2))
    (generated, *_), collected = differing(before, seen()), mistakes.collected(1)
    assert generated[0] == "mistakes.MODELS['weights']"
    after = seen()
    paths = {path for path, _, _ in differing(before, after)}
    added = f"mistakes.collected (default 1)[{len(collected) - 1}]"
    assert paths == {"mistakes.MODELS['weights']", "mistakes.Right.best", "os.environ['A_SECRET']", added}
    assert not [one for one in after.values() if "hunter2" in one.text]


# Settings that tell who reads them -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "read", [dict, lambda s: {**s}, json.dumps, list, lambda s: s.copy(), lambda s: sorted(s.values()), Watched.items]
)
def test_a_copy_reads_all_settings(read) -> None:
    settings = Watched({"a": 1, "b": 2})
    read(settings)
    assert settings.read == {"a", "b"}


def test_what_is_read_by_name_is_noted_and_what_is_asked_for_is_not() -> None:
    settings = Watched({"a": 1, "b": 2, "c": 3})
    assert (settings["a"], settings.get("b"), settings.get("d", 4), "c" in settings, len(settings)) == (
        1,
        2,
        4,
        True,
        3,
    )
    assert settings.read == {"a", "b", "d"}
    assert json.loads(json.dumps(settings)) == {"a": 1, "b": 2, "c": 3}


# What a process does to itself ---------------------------------------------------------------------------------


@pytest.mark.skipif(not fork_is_fresh(0), reason="a fork is not fresh here")
def test_generators_the_clock_and_chance_can_be_set() -> None:
    def asked(*first: object) -> tuple[object, ...]:
        with Warm(workloads.chance, fork=True) as warm, warm.fresh() as fresh:
            fresh.start({"seed": 1}, 1, 0)
            fresh.ask(*first)
            row = fresh.train_epoch({})
            return row["python"], row["numpy"], row["time"], row["date"], row["new"], row["urandom"]

    free, again = asked("generators"), asked("generators")
    assert all(one != other for one, other in zip(free, again, strict=True))
    for question, constant in (
        (("stir", ("python",), 3), {0}),
        (("stir", ("numpy",), 3), {1}),
        (("stop_clock",), {2, 3}),
        (("seal_chance",), {4, 5}),
    ):
        one, other = asked(*question), asked(*question)
        assert {place for place in range(6) if one[place] == other[place]} == constant, question


MAKES_NAMES = """
import sys, types
class Making(types.ModuleType):
    @property
    def __dict__(self):
        return {f"name_{number}": [].append for number in range(1000)}
    def __setattr__(self, name, value):
        raise AttributeError(f"cannot write to {name}")
sys.modules["making"] = Making("making")
from search.proof import disturb
import time
disturb.stop_clock()
disturb.seal_chance()
print(time.time() == disturb.FROZEN_S)
"""


def test_what_a_module_makes_when_asked_for_its_names_is_never_taken_for_the_clock() -> None:
    done = subprocess.run([sys.executable, "-c", MAKES_NAMES], capture_output=True, text=True, timeout=HANG_S)
    assert (done.stdout, done.stderr) == ("True\n", "")


@pytest.mark.skipif(not fork_is_fresh(0), reason="a fork is not fresh here")
def test_generators_can_be_put_where_those_of_another_process_were() -> None:
    with Warm(workloads.chance, fork=True) as warm, warm.fresh() as one, warm.fresh() as other:
        places = one.ask("generators")
        other.ask("put_back", places)
        rows = []
        for fresh in (one, other):
            fresh.start({"seed": 1}, 1, 0)
            rows.append(fresh.train_epoch({}))
    assert [rows[0][name] == rows[1][name] for name in ("python", "numpy", "new")] == [True, True, False]


@pytest.mark.skipif(not fork_is_fresh(0), reason="a fork is not fresh here")
def test_what_a_workload_imports_late_is_imported_once() -> None:
    with Warm(workloads.told, fork=True) as warm:
        with warm.fresh() as fresh:
            before = fresh.ask("modules")
        assert "wave" not in before
        warm.import_modules(["no_such_module", "wave"])
        with warm.fresh() as fresh:
            assert fresh.ask("modules") == [*before, *(name for name in fresh.ask("modules") if name not in before)]
            assert "wave" in fresh.ask("modules")
