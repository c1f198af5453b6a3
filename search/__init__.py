"""A hyperparameter-search service for controlled comparisons.

    from search import load_space, run

    study = run(load_space("spaces/focal.yaml"))
    study.table()      # the comparison table, a pandas data frame
    study.trials()     # one row per trial
    study.epochs()     # one row per trial and epoch

`search` is the service and knows nothing about images; what it tunes is a workload (see `search.workload`).
"""

# Nothing is imported here: `python -m search` comes to this file while a user's folder is the first place of modules.

TYPE_CHECKING = False
if TYPE_CHECKING:
    from search.api import Study, load_space, open_study, run

__version__ = "0.1.0"

__all__ = ["Study", "__version__", "load_space", "open_study", "run"]


def __getattr__(name: str) -> object:
    """Import the library's entrance only when it is used: workers need none of it."""
    if name in __all__:
        from search import api

        return getattr(api, name)
    raise AttributeError(f"module 'search' has no attribute {name!r}")
