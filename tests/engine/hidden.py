"""Studies with a Ray that lacks a private name, one after another in this process; prints a line of JSON for each.

    python -m tests.engine.hidden FOLDER start NAME ...    # every study starts its own Ray
    python -m tests.engine.hidden FOLDER run NAME ...     # one Ray for all of them

Ray's own code still has the name, as if Ray had given it another one. It lacks it for whoever asks the table.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

from search.engine.executor import forget, job, local, private, tune
from search.engine.live import Silent
from search.engine.run import run_study
from search.ledger.ledger import Ledger
from search.ledger.urls import sqlite_url
from search.space.reader import space_from_mapping

SPACE = {
    "workload": "tests.engine.lean:Telling",
    "name": "toy",
    "fixed": {"epochs": 2, "degree": 3},
    "space": {"lr": {"grid": [0.1]}},
    "seeds": 1,
    "search": {"objective": {"metric": "val_loss", "direction": "minimize"}},
    "resources": {"cpus": 1},
}


OF_INSTANCES = {"ray.tune.experiment.Trial": (forget, "forget"), "ray.job_config.JobConfig": (job, "lead")}
"""Class -> the function that is given an instance of it, of which names of this class are asked."""


class Lacking:
    """Something of Ray's as it is, but for an attribute, or an attribute of an attribute."""

    def __init__(self, thing: object, path: str) -> None:
        first, _, rest = path.partition(".")
        self.__dict__.update(_thing=thing, _first=first, _rest=rest)

    def __getattr__(self, name: str) -> Any:
        if name != self._first:
            return getattr(self._thing, name)
        if not self._rest:
            raise AttributeError(name)
        return Lacking(getattr(self._thing, name), self._rest)

    def __setattr__(self, name: str, value: object) -> None:
        assert name != self._first, "it was not there a moment ago"
        setattr(self._thing, name, value)


def without_parameter(function: Any, parameter: str, error: Exception) -> Any:
    """Return a function or class as it would be without one of its parameters."""

    def changed(*words: Any, **more: Any) -> Any:
        if parameter in more:
            raise error
        return function(*words, **more)

    known = inspect.signature(function)
    left = [value for name, value in known.parameters.items() if name != parameter]
    changed.__signature__ = known.replace(parameters=left)  # type: ignore[attr-defined]
    return changed


def without(name: private.Private) -> Any:
    """Take a name away: return a context manager."""
    module, _, path = name.address.partition("(")[0].partition(":")
    owner, _, member = path.partition(".")
    if name.parameter and module == "ray":
        error: Exception = RuntimeError(f"Unknown keyword argument(s): {name.parameter}")  # Ray's words
        return patch("ray.init", without_parameter(tune.ray.init, name.parameter, error))
    if name.parameter:
        error = TypeError(f"unexpected keyword argument {name.parameter!r}")
        usual = getattr(sys.modules[module], owner)
        return patch(f"{module}.{owner}", without_parameter(usual, name.parameter, error))
    if name in (private.DEAD_PROCESSES, private.GCS_ADDRESS):
        module, path = "ray._private.worker", f"_global_node.{member}"  # of the node that there is
    elif f"{module}.{owner}" in OF_INSTANCES and name != private.WORKER_ERROR:  # that one is asked of the class
        room, function = OF_INSTANCES[f"{module}.{owner}"]
        usual = getattr(room, function)
        return patch.object(room, function, lambda thing, *words: usual(Lacking(thing, member), *words))

    def imported(wanted: str) -> object:
        found = import_module(wanted)
        return Lacking(found, path) if wanted == module else found

    return patch.object(private, "import_module", imported)


class View(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def study(folder: Path, name: private.Private | None) -> dict[str, Any]:
    """Run a study without a name; return what it said and recorded."""
    view, ledger = View(), Ledger(str(folder / "search.db"), states=folder / "states")
    with private.telling(view.say), without(name) if name is not None else nullcontext():
        outcome = run_study(space_from_mapping(SPACE), ledger, sqlite_url(folder / "optuna.db"), view)
    record = ledger.study(outcome.study)
    paths = {number: keys for number, (keys, _) in ledger.paths(record.id).items()}
    rows = {number: [ledger.rows([key])[key].row.metrics for key in keys] for number, keys in paths.items()}
    states = [trial.state for trial in ledger.trials(record.id)]
    ledger.close()
    return {"said": view.said, "rows": rows, "states": states}


@contextmanager
def one_ray() -> Iterator[None]:
    """Let all studies meanwhile use one local Ray."""

    @contextmanager
    def ray_at(address: str, cpus: int | None, say: Callable[[str], object]) -> Iterator[None]:
        with private.telling(say), local.watched(local._gone) as watch:
            watch.look()
            yield

    agents = patch.object(local, "stripped", lambda command, write_port: command)  # for environments of workers
    with agents, tune.ray_at("", 2, lambda text: None), patch.object(tune, "ray_at", ray_at):
        yield


def main(folder: str, phase: str, *names: str) -> None:
    """Run a study with all names, then one without each of these."""
    table = {str(name): name for name in private.TABLE}
    with one_ray() if phase == "run" else nullcontext():
        for number, name in enumerate(["", *names]):
            print(json.dumps([name, study(Path(folder, str(number)), table.get(name))]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
