"""Names that Ray does not promise: all in one table, and a study without any of them trains the same."""

from __future__ import annotations

import ast
import inspect
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.lean import IMPORTED
from tests.surroundings import HANG_S, ROOT

TABLE = Path("search/engine/executor/private.py")
PUBLIC = {
    "ray",
    "ray.job_config",
    "ray.tune",
    "ray.tune.schedulers",
    "ray.tune.search",
    "ray.util.scheduling_strategies",
}
"""Modules of Ray with a page in its reference."""


def addresses() -> list[str]:
    """The first argument of every entry, read without Ray."""
    calls = [node for node in ast.walk(ast.parse((ROOT / TABLE).read_text())) if isinstance(node, ast.Call)]
    entries = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Private"]
    return [ast.literal_eval(word) for call in entries for word in call.args]


def spelled(address: str) -> str:
    return address.replace(":", ".")


def name_of(address: str) -> str:
    """What is private: a parameter, a member of a class, or what stands in a module."""
    path = address.partition(":")[2]
    return path.partition("(")[2].rstrip(")") or path.partition(".")[2] or path


ENTRIES = addresses()
OF_A_RUN_WORDS = ("ray.tune.", "ray.train.", "PROCESS_TYPE", ":Node.", ".worker:")
OF_A_START = [spelled(address) for address in ENTRIES if not any(word in address for word in OF_A_RUN_WORDS)]
OF_A_RUN = [spelled(address) for address in ENTRIES if spelled(address) not in OF_A_START]


# No private name anywhere else -------------------------------------------------------------------------------------


def private_names(source: str) -> Iterator[str]:
    """Yield what a module uses of Ray's beside the public interface."""
    of_the_table = {part for address in ENTRIES for part in name_of(address).split(".")} - {"get", "checkpoint"}
    tree = ast.parse(source)
    rays = {"ray"}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                full = f"{module}.{alias.name}".strip(".")
                if full.split(".")[0] == "ray":
                    rays.add(alias.asname or alias.name.split(".")[0])
                    if (module or full) not in PUBLIC or alias.name.startswith("_"):
                        yield full
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            root: ast.expr = node
            while isinstance(root, ast.Attribute):
                root = root.value
            private = node.attr.startswith("_") and isinstance(root, ast.Name) and root.id in rays
            if private or node.attr in of_the_table:
                yield node.attr
        elif isinstance(node, ast.keyword) and node.arg in of_the_table:
            yield node.arg
        elif isinstance(node, ast.Constant):
            text = str(node.value)
            yield from [text] * (text in of_the_table or text.startswith(("ray._", "ray.tune.execution")))


def test_only_the_table_has_private_names_of_ray() -> None:
    modules = [path for path in (ROOT / "search").rglob("*.py") if path != ROOT / TABLE]
    assert {str(path): names for path in modules if (names := sorted(private_names(path.read_text())))} == {}


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("from ray._private import services", "ray._private.services"),
        ("import ray._raylet", "ray._raylet"),
        ("from ray.tune.execution import class_cache", "ray.tune.execution.class_cache"),
        ("import ray\nray._private.worker", "_private"),
        ("from ray import tune as t\nt._value", "_value"),
        ("trial.run_metadata", "run_metadata"),
        ("ray.init(_temp_dir='')", "_temp_dir"),
        ("setattr(trial, '_Trial__unresolved_config', {})", "_Trial__unresolved_config"),
        ("import_module('ray._private.node')", "ray._private.node"),
    ],
)
def test_a_private_name_elsewhere_is_noticed(source: str, name: str) -> None:
    assert name in private_names(source)


def test_every_entry_says_what_it_is_what_it_buys_and_what_happens_without_it() -> None:
    calls = [node for node in ast.walk(ast.parse((ROOT / TABLE).read_text())) if isinstance(node, ast.Call)]
    for call in calls:
        if isinstance(call.func, ast.Name) and call.func.id == "Private":
            assert [word.arg for word in call.keywords] == ["what", "buys", "without"]
    assert len(set(ENTRIES)) == len(ENTRIES) > 0


# A study without one of them ---------------------------------------------------------------------------------------


def without_each(phase: str, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Run a study with all names, and one without each of these; return what each said and recorded."""
    with tempfile.TemporaryDirectory() as folder:  # a short path: sockets lie in it
        words = [sys.executable, "-m", "tests.engine.hidden", folder, phase, *names]
        environment = {**os.environ, "RAY_TMPDIR": folder}
        ended = subprocess.run(
            words, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=2 * HANG_S, check=False
        )
    assert (ended.returncode, ended.stderr) == (0, "")
    return dict(json.loads(line) for line in ended.stdout.splitlines())


def trained(study: dict[str, Any]) -> list[Any]:
    rows = [row for trial in study["rows"].values() for row in trial]
    return [{name: value for name, value in row.items() if name != IMPORTED} for row in rows]


def imported_tune(study: dict[str, Any]) -> set[bool]:
    return {row[IMPORTED] == 1.0 for trial in study["rows"].values() for row in trial}


def assert_equal_without(name: str, studies: dict[str, dict[str, Any]]) -> None:
    from search.engine.executor.tune import private, ray, tune

    (entry,) = [entry for entry in private.TABLE if str(entry) == name]
    complete, without = studies[""], studies[name]
    assert [len(rows) for rows in complete["rows"].values()] == [2]
    assert (trained(without), without["states"]) == (trained(complete), complete["states"])
    logged = "logger_creator" in inspect.signature(tune.Trainable).parameters  # before Ray 2.60: a function of Tune's
    assert imported_tune(complete) == {logged}
    unread = (private.ACTOR_CLASS, private.TRIAL_STORAGE, private.TRIAL_INFO)
    assert imported_tune(without) == {logged or entry in unread}
    assert not [text for text in complete["said"] if text.startswith("Ray ")]
    assert [text for text in without["said"] if text.startswith("Ray ")] == [
        f"Ray {ray.__version__} has no {name}: {entry.without}"
    ]


@pytest.fixture(scope="module")
def runs() -> dict[str, dict[str, Any]]:
    return without_each("run", OF_A_RUN)


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_A_RUN)
def test_a_study_without_a_private_name(name: str, runs: dict[str, dict[str, Any]]) -> None:
    assert_equal_without(name, runs)


@pytest.fixture(scope="module")
def starts() -> dict[str, dict[str, Any]]:
    return without_each("start", OF_A_START)


@pytest.mark.stress
@pytest.mark.parametrize("name", OF_A_START)
def test_a_ray_that_starts_without_a_private_name(name: str, starts: dict[str, dict[str, Any]]) -> None:
    assert_equal_without(name, starts)


@pytest.mark.slow
def test_a_name_that_means_something_else_is_said_and_the_watch_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from search.engine.executor.local import _gone
    from search.engine.executor.tune import private, ray

    said: list[str] = []
    node = SimpleNamespace(dead_processes=lambda: [("raylet", "no process")], gcs_address="nowhere")
    monkeypatch.setattr(ray._private.worker, "_global_node", node)
    monkeypatch.setattr(private, "_said", set())
    with private.telling(said.append):
        assert (_gone(), _gone()) == ("", "")
    assert said == [
        f"Ray {ray.__version__}: ray._private.node.Node.dead_processes failed (AttributeError: 'str' object has no "
        "attribute 'returncode'): a run that waits for a server that has ended is not ended"
    ]


@pytest.mark.slow
def test_a_module_that_is_gone_takes_its_names_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from search.engine.executor.tune import private

    said: list[str] = []
    monkeypatch.setattr(private, "_said", set())
    monkeypatch.setitem(sys.modules, "ray._private.utils", None)
    with private.telling(said.append), private.COMMAND_LINE.replaced(lambda usual: pytest.fail("there is none")):
        assert private.SIGTERM_HANDLER.get() is None
    assert [text.partition(":")[0].partition(" has no ")[2] for text in said] == [
        "ray._private.utils.get_entrypoint_name",
        "ray._private.utils.set_sigterm_handler",
    ]
