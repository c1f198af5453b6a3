"""A hyperparameter-search service for controlled comparisons.

    from search import load_space, run

    study = run(load_space("spaces/focal.yaml"))
    study.table()      # the comparison table, a pandas data frame
    study.trials()     # one row per trial
    study.epochs()     # one row per trial and epoch

`search` is the service and knows nothing about images; what it tunes is a workload (see `search.workload`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.api import Study, load_space, open_study, run

__all__ = ["Study", "load_space", "open_study", "run"]


def __getattr__(name: str) -> Any:
    """Import the library's entrance only when it is used: workers need none of it."""
    if name in __all__:
        from search import api

        return getattr(api, name)
    raise AttributeError(f"module 'search' has no attribute {name!r}")
