"""What a workload says of the settings and data of a space, and what its code raises, as errors of the space's file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from search.core.errors import Fault, Faults, SearchError, UserError
from search.core.shown import called
from search.space.model import Space
from search.space.nodes import DATA_OPTION
from search.workload.foreign import reason_of

SHIPPED = "classifier"
"""The workload that comes with the service."""


@contextmanager
def addressed(space: Space) -> Iterator[None]:
    """Turn what a workload says of its settings or data into faults of the space's file, and its own errors into ours.

    Raises:
        UserError: whatever the code of a workload that is not shipped raises, with the place in its source; what the
            disk or the memory refuses stays what it is.
    """
    try:
        yield
    except (SearchError, OSError, MemoryError, KeyboardInterrupt):
        raise
    except BaseException as error:
        if isinstance(error, ValueError) and hasattr(error, "faults"):
            raise Faults(_fault(space, name, reason) for name, reason in error.faults) from error
        if space.workload == SHIPPED and isinstance(error, Exception):
            raise  # a bug of ours
        raise UserError(f"workload {called(space.workload)!r} failed: {reason_of(error)}") from error


def _fault(space: Space, name: str, reason: str) -> Fault:
    """Return a fault where the setting was set: an option of the command line, or the file as a whole."""
    option = space.typed.get(name, space.file or "<python>")
    return Fault(option, 0, "" if option == DATA_OPTION else name, reason)
