"""A space from the ledger: it was checked when it was run, and must be read back without its workload."""

from __future__ import annotations

from search.errors import InternalError
from search.space import reader
from search.space.model import Space
from search.space.nodes import Problems
from search.space.yaml import parse


def rebuild(text: str, name: str) -> Space:
    """Return the space that `dump` wrote, checked for its form only.

    Raises:
        InternalError: the text is not what `dump` wrote.
    """
    problems = Problems()
    root = parse(text, f"<study {name}>", problems)
    if root is not None and not problems.faults:
        space = reader._space(root, name, "", None, None, problems)
        if not problems.faults:
            return space
    raise InternalError(f"the space file recorded with study {name!r} cannot be read: {list(problems.faults)}")
