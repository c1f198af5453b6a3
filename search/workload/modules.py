"""The code of a workload: its module, and the modules that it imports from beside it, theirs included."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

OURS = {"search", "classifier"}
"""Top-level packages of this project, which have versions of their own."""


def code_of(module: str) -> dict[str, ast.Module]:
    """Return name -> syntax tree of a module and of the modules it imports from its own folder or package.

    Imports inside functions count; what is imported by a name made at run time is not seen.

    Args:
        module: name of an imported module; the first of what is returned, where it has a file.
    """
    trees: dict[str, ast.Module] = {}
    ahead, root = [module], _root(module)
    while ahead:
        name = ahead.pop()
        if name in trees or (path := _local(name, root, module)) is None:
            continue
        trees[name] = ast.parse(path.read_bytes())
        ahead += imports_of(trees[name], name, is_package=path.name == "__init__.py")
    return trees


def packages_of(module: str) -> set[str]:
    """Return the top-level names that a module's code (see `code_of`) imports, wherever they lie."""
    nodes = [node for tree in code_of(module).values() for node in ast.walk(tree)]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return {name.partition(".")[0] for name in names}


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


def imports_of(tree: ast.AST, module: str, is_package: bool) -> Iterator[str]:
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
