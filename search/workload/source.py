"""The source of a workload without a recipe: of its module and of all it imports from beside it, as one hash."""

from __future__ import annotations

import ast
import hashlib

from search.workload.contract import Workload
from search.workload.modules import code_of


def source_hash(module: str) -> str:
    """Hash the code of a module and of the modules it imports from its own folder or package, theirs included.

    Comments, formatting and docstring positions do not enter. Imports inside functions count; what is imported by a
    name made at run time is not seen, nor what installed packages do.

    Args:
        module: name of an imported module.
    """
    dumps = {name: ast.dump(tree, include_attributes=False) for name, tree in code_of(module).items()}
    code = [dumps.pop(module), *(f"{name}\n{dumps[name]}" for name in sorted(dumps))]
    return hashlib.sha256("\n".join(code).encode()).hexdigest()[:16]


def identity(name: str, workload: Workload) -> dict[str, str]:
    """Return what stands for the workload's code in an epoch key.

    A workload that an adapter makes of somebody's function has two attributes more: ``source_module``, the module whose
    code keys it instead of that of its class, and ``adapter_version``, which the adapter raises when it trains the same
    function to other bits. The name of a workload that the space file describes holds the description, which its recipe
    stands for.
    """
    module = getattr(workload, "source_module", "") or type(workload).__module__
    recipe = workload.recipe
    version = getattr(workload, "adapter_version", "")
    return {
        "workload": name.partition(" {")[0],
        "recipe": recipe if recipe is not None else f"source {source_hash(module)}",
        "evaluation": workload.evaluation,
        **({"adapter": version} if version else {}),
    }
