"""A library that an adapter is for, and which may not be installed."""

from __future__ import annotations

import importlib.util


def needed(adapter: str, extra: str, *libraries: str) -> None:
    """Check that one of the libraries of an adapter is installed, without importing it.

    Args:
        adapter: module name of the adapter.
        extra: of this project, that installs the library.
        libraries: names of modules, any of which does.

    Raises:
        ModuleNotFoundError: none is installed; the message names the extra.
    """
    if not any(importlib.util.find_spec(name) for name in libraries):
        raise ModuleNotFoundError(
            f"{adapter} needs {libraries[0]}, which is not installed: pip install 'search-service[{extra}]'",
            name=libraries[0],
        )
