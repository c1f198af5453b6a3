"""The source of a workload without a recipe: of its module and of all it imports from beside it, as one hash."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

from search.workload.contract import Workload

OURS = {"search", "classifier"}
"""Top-level packages of this project, which have versions of their own."""


def source_hash(module: str) -> str:
    """Hash the code of a module and of the modules it imports from its own folder or package, theirs included.

    Comments, formatting and docstring positions do not enter. Imports inside functions count; what is imported by a
    name made at run time is not seen, nor what installed packages do.

    Args:
        module: name of an imported module.
    """
    dumps: dict[str, str] = {}
    ahead = [module]
    root = _root(module)
    while ahead:
        name = ahead.pop()
        if name in dumps or (path := _local(name, root, module)) is None:
            continue
        tree = ast.parse(path.read_bytes())
        dumps[name] = ast.dump(tree, include_attributes=False)
        ahead += _imports(tree, name, is_package=path.name == "__init__.py")
    code = [dumps.pop(module), *(f"{name}\n{dumps[name]}" for name in sorted(dumps))]
    return hashlib.sha256("\n".join(code).encode()).hexdigest()[:16]


def _origin(name: str) -> Path | None:
    """Return the file of a module, imported or not; None where there is none."""
    with contextlib.suppress(Exception):  # a parent package may raise whatever it likes
        loaded = sys.modules.get(name)
        spec = loaded.__spec__ if loaded is not None else importlib.util.find_spec(name)
        file = spec.origin if spec is not None and spec.has_location else getattr(loaded, "__file__", None)
        if file and file.endswith(".py"):
            return Path(file)
    return None


def _root(module: str) -> Path | None:
    """Return the folder that a module's outermost package, or itself, was imported from."""
    depth = module.count(".")
    file = _origin(module)
    if file is None:
        return None
    return file.parents[depth + (file.name == "__init__.py")]


def _local(name: str, root: Path | None, module: str) -> Path | None:
    """Return the file of a module that belongs to the workload's code; None where it does not."""
    file = _origin(name)
    top = name.partition(".")[0]
    if file is None or root is None or (top in OURS and name != module):
        return None
    if top == module.partition(".")[0]:
        return file
    installed = {"site-packages", "dist-packages"}
    beside = file.is_relative_to(root) and not file.is_relative_to(sys.base_prefix)
    return file if beside and not installed & set(file.parts) else None


def _imports(tree: ast.AST, module: str, is_package: bool) -> Iterator[str]:
    """Yield what a module imports: modules, their packages, and names that may be modules."""
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.rsplit(".", node.level - 1)[0] if package else ""
                base = ".".join(part for part in (above, base) if part)
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1) if parts[0])


def identity(name: str, workload: Workload) -> dict[str, str]:
    """Return what stands for the workload's code in an epoch key.

    A workload that an adapter makes of somebody's function has two attributes more: ``source_module``, the module whose
    code keys it instead of that of its class, and ``adapter_version``, which the adapter raises when it trains the same
    function to other bits.
    """
    module = getattr(workload, "source_module", "") or type(workload).__module__
    recipe = workload.recipe
    version = getattr(workload, "adapter_version", "")
    return {
        "workload": name,
        "recipe": recipe if recipe is not None else f"source {source_hash(module)}",
        "evaluation": workload.evaluation,
        **({"adapter": version} if version else {}),
    }
