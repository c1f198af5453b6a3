"""Finding the workload that a space file names."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import inspect
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from search.core.errors import UserError, nearest
from search.system.module_path import working_folder_last
from search.workload.contract import Workload
from search.workload.foreign import hidden_modules, reason_of, watched
from search.workload.settings import SettingFaults

ENTRY_POINT_GROUP = "search.workloads"
"""Group of entry points by which an installed package gives its workloads a name."""

SHIPPED_WORKLOADS = {
    "classifier": "classifier.workload:workload",
    "command": "search.adapters.command:Command",
}
"""What is found without an entry point: an installation may have been made before there was the group."""

INSTALLED_ONLY_VARIABLE = "SEARCH_INSTALLED_WORKLOADS_ONLY"
"""Variable of the environment that a server sets for what it starts: where it is ``1``, no other code is imported."""

RUNS_ANYTHING = "command"
"""The installed workload that starts whatever program a file names."""

_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*)?")


@dataclass(frozen=True)
class _Target:
    """What a name stands for: an attribute of a module, and whether that is installed rather than the user's own."""

    module: str
    attribute: str
    installed: bool = False


def load_workload(name: str) -> Workload:
    """Import the workload a space file names.

    The name of an entry point of the group ``search.workloads``, as ``classifier``, means what that says: the working
    folder is looked at last. ``package.module:attribute`` names any other: the working folder is looked at first. Any
    other name is short for ``NAME.workload:workload``. A class is instantiated without arguments.

    Behind the name of a workload that a space file describes (``command``), and a space, stands that description as
    JSON: the class is given it.

    Raises:
        UserError: no such module or attribute, or it is no workload.
        SettingFaults: the description is at fault; names are paths in it.
    """
    name, brace, described = name.partition(" {")
    target = _target(name)
    module = _imported(name, target)
    if not hasattr(module, target.attribute):
        meant = nearest(target.attribute, vars(module))
        raise UserError(
            f"workload {name!r}: module {target.module!r} has no attribute {target.attribute!r}{meant}"
            f"{hidden_modules()}"
        )
    made = getattr(module, target.attribute)
    making = f"workload {name!r}: {target.attribute}()"
    try:
        with watched(making):
            arguments = [json.loads(f"{{{described}")] if brace else []
            workload: Any = made(*arguments) if inspect.isclass(made) else made
    except (KeyboardInterrupt, SettingFaults):
        raise
    except BaseException as error:
        raise UserError(f"{making} failed: {reason_of(error)}") from error
    if lacking := _lacking(workload):
        raise UserError(
            f"workload {name!r}: {target.attribute!r} does not implement the contract (it lacks {', '.join(lacking)}); "
            "subclass search.workload.Workload"
        )
    return cast(Workload, workload)


def _target(name: str) -> _Target:
    if os.environ.get(INSTALLED_ONLY_VARIABLE) == "1" and (name == RUNS_ANYTHING or not _registered(name)):
        raise UserError(
            f"workload {name!r}: this server takes workloads that were installed with it, and no file that names code; "
            "start it with --allow-code, or install the workload as a package with an entry point of the group "
            f"{ENTRY_POINT_GROUP}"
        )
    if not _NAME.fullmatch(name):
        path = name.partition(":")[0]
        file = path.endswith(".py") or "/" in path or "\\" in path
        remedy = ", the name of a module and not its file" if file else ", words of letters, digits and _ between dots"
        raise UserError(
            f"workload {name!r}: found {name!r}, must be `classifier` or `package.module:attribute`{remedy}"
        )
    module, _, attribute = name.partition(":")
    if attribute:
        return _Target(module, attribute)
    if place := _registered(name):
        module, _, attribute = place.partition(":")
        return _Target(module, attribute, installed=True)
    return _Target(f"{name}.workload", "workload")


def _registered(name: str) -> str:
    """Return the ``module:attribute`` of a workload that is installed, or ""."""
    return _entry_point(name) or SHIPPED_WORKLOADS.get(name, "")


@functools.cache
def _entry_point(name: str) -> str:
    """Return the ``module:attribute`` that an installed package registered under a name, or ""."""
    return next((entry.value for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP, name=name)), "")


def _imported(name: str, target: _Target) -> ModuleType:
    importing = f"workload {name!r}: importing {target.module!r}"
    try:
        with watched(importing), _working_folder_last() if target.installed else _working_folder_first():
            return importlib.import_module(target.module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        lacking = (error.name or "") if isinstance(error, ModuleNotFoundError) else ""
        if lacking and f"{target.module}.".startswith(f"{lacking}."):
            raise UserError(
                f"workload {name!r}: no module {lacking!r} can be imported from {Path.cwd()}; "
                f"write `classifier` or `package.module:attribute`{hidden_modules(error)}"
            ) from error
        raise UserError(f"{importing} failed: {reason_of(error)}{hidden_modules(error)}") from error


@contextmanager
def _working_folder_first() -> Iterator[None]:
    """Look at the working folder first, and behind all other places afterwards where it was not among them."""
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        with suppress(ValueError):
            sys.path.remove(folder)
        if folder not in sys.path and "" not in sys.path:
            sys.path.append(folder)


@contextmanager
def _working_folder_last() -> Iterator[None]:
    """Look at the working folder last, whatever a program that imported this package has made of the places."""
    before, moved = list(sys.path), working_folder_last(sys.path)
    sys.path[:] = moved
    try:
        yield
    finally:
        if sys.path == moved:
            sys.path[:] = before


def _lacking(workload: object) -> list[str]:
    """Name what the contract asks for and `workload` has not; a subclass without ``start`` inherits an empty one."""
    parts = [name for name in ("settings", "recipe", "evaluation") if not hasattr(workload, name)]
    methods = ("canonical", "schedule", "data", "inputs", "execution_class", "start")
    parts += [name for name in methods if not callable(getattr(workload, name, None))]
    if getattr(type(workload), "start", None) is Workload.start:
        parts.append("start")
    return parts
