"""What a look begins from: the run, and all that a process may keep from one trial to the next.

That is what the workload's modules hold - variables, attributes of classes, defaults of functions that can change, and
what a closure holds -, and what libraries and the system keep for the whole process. Runs in the fresh process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

from search.proof.look import RUN, Variable, Whole, hash_of
from search.workload import Run, Workload

INSTALLED = ("site-packages", "dist-packages")


def roots(run: Run, workload: Workload) -> dict[str, object]:
    """Return name -> what a look begins from, the run first."""
    begins: dict[str, object] = {RUN: run}
    home = getattr(workload, "source_module", "") or type(workload).__module__
    for module in _beside({home, type(run).__module__}):
        short = module.__name__.rpartition(".")[2]
        for name, value in list(vars(module).items()):
            if name.startswith("__") or isinstance(value, ModuleType):
                continue
            begins[f"{short}.{name}"] = Variable(module, name, value)
            if getattr(value, "__module__", None) == module.__name__:
                begins |= dict(_inside(f"{short}.{name}", value))
    return {**begins, **_of_the_process(), "workload": workload}


def _beside(names: set[str]) -> list[ModuleType]:
    """Return the modules of these names and those from the same folders; none of ours."""
    named = [sys.modules[name] for name in sorted(names) if name in sys.modules]
    files = [getattr(module, "__file__", None) for module in named]
    folders = {Path(file).parent for file in files if file} - {Path()}
    folders = {folder for folder in folders if folder.name not in INSTALLED}
    every = [each for each in list(sys.modules.values()) if isinstance(each, ModuleType)]
    near = [each for each in every if (file := getattr(each, "__file__", None)) and Path(file).parent in folders]
    ours = __name__.partition(".")[0]
    modules = {each.__name__: each for each in [*named, *near]}
    return [module for name, module in modules.items() if name.partition(".")[0] not in (ours, "builtins")]


def _inside(path: str, thing: object) -> Iterator[tuple[str, object]]:
    """Yield what a class or a function of a module keeps."""
    if isinstance(thing, FunctionType):
        changeable = [each for each in thing.__defaults__ or () if _can_change(each)]
        changeable += [each for each in (thing.__kwdefaults__ or {}).values() if _can_change(each)]
        yield from ((f"{path} (default {number})", each) for number, each in enumerate(changeable, start=1))
        for name, cell in zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=True):
            try:
                yield f"{path} ({name})", cell.cell_contents
            except ValueError:  # nothing was put there yet
                continue
    elif isinstance(thing, type):
        for name, value in list(vars(thing).items()):
            if isinstance(value, FunctionType):
                yield from _inside(f"{path}.{name}", value)
            elif not name.startswith("__"):
                yield f"{path}.{name}", Variable(thing, name, value)


def _can_change(value: object) -> bool:
    return not isinstance(
        value, (type(None), bool, int, float, complex, str, bytes, tuple, frozenset, type, FunctionType)
    )


def _of_the_process() -> dict[str, object]:
    """Return what the system and libraries keep for a process, that training code may change."""
    held: dict[str, object] = {"working folder": str(Path.cwd())}
    # Of variables the name is told and never the value, which may be a secret.
    held |= {f"os.environ[{name!r}]": Whole(hash_of(value.encode())) for name, value in os.environ.items()}
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None:
        held["numpy.geterr()"] = numpy.geterr()
    if torch is not None:
        held |= {
            "torch.get_default_dtype()": str(torch.get_default_dtype()),
            "torch.get_num_threads()": torch.get_num_threads(),
            "torch.is_grad_enabled()": torch.is_grad_enabled(),
            "torch.are_deterministic_algorithms_enabled()": torch.are_deterministic_algorithms_enabled(),
        }
    return held
