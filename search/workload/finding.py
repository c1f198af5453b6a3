"""Finding the workload that a space file names."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import Any

from search.core.errors import UserError, nearest
from search.workload.contract import Workload
from search.workload.foreign import reason_of, watched

_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*)?")


def load_workload(name: str) -> Workload:
    """Import the workload a space file names.

    ``classifier`` means the attribute ``workload`` of the module ``classifier.workload``;
    ``package.module:attribute`` names any other; a class is instantiated without arguments.

    Raises:
        UserError: no such module or attribute, or it is no workload.
    """
    if not _NAME.fullmatch(name):
        path = name.partition(":")[0]
        file = path.endswith(".py") or "/" in path or "\\" in path
        remedy = ", the name of a module and not its file" if file else ", words of letters, digits and _ between dots"
        raise UserError(
            f"workload {name!r}: found {name!r}, must be `classifier` or `package.module:attribute`{remedy}"
        )
    module_name, _, attribute = name.partition(":")
    if not attribute:
        module_name, attribute = f"{name}.workload", "workload"
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    importing = f"workload {name!r}: importing {module_name!r}"
    try:
        with watched(importing):
            module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(error.name + ".")):
            raise UserError(
                f"workload {name!r}: no module {error.name!r} can be imported from {Path.cwd()}; "
                "write `classifier` or `package.module:attribute`"
            ) from error
        raise UserError(f"{importing} failed: {reason_of(error)}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise UserError(f"{importing} failed: {reason_of(error)}") from error
    if not hasattr(module, attribute):
        known = nearest(attribute, vars(module))
        raise UserError(f"workload {name!r}: module {module_name!r} has no attribute {attribute!r}{known}")
    found = getattr(module, attribute)
    making = f"workload {name!r}: {attribute}()"
    try:
        with watched(making):
            workload: Any = found() if inspect.isclass(found) else found
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise UserError(f"{making} failed: {reason_of(error)}") from error
    if lacking := _lacking(workload):
        raise UserError(
            f"workload {name!r}: {attribute!r} does not implement the contract (it lacks {', '.join(lacking)}); "
            "subclass search.workload.Workload"
        )
    return workload


def _lacking(workload: object) -> list[str]:
    """Name what the contract asks for and `workload` has not; a subclass without ``start`` inherits an empty one."""
    parts = [name for name in ("settings", "recipe", "evaluation") if not hasattr(workload, name)]
    methods = ("canonical", "schedule", "data", "inputs", "execution_class", "start")
    parts += [name for name in methods if not callable(getattr(workload, name, None))]
    if getattr(type(workload), "start", None) is Workload.start:
        parts.append("start")
    return parts
