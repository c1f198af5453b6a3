"""One Ray for several runs of a command: starting it takes longer than the few epochs that some of them train."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import TracebackType


class KeptRay:
    """A Ray that the first run which needs one starts, and that is ended at exit, or by the first run that fails.

    Used as a context manager around the runs.
    """

    def __init__(self) -> None:
        self._stack: ExitStack | None = None
        self._classes: dict[tuple[str, int, float], Mapping[str, str]] = {}

    def learn(self, workload: str, cpus: int, gpus: float, execution_class: Mapping[str, str]) -> None:
        """Remember what a worker of this machine said it is, with so many CPUs and GPUs: each one says it again before
        it trains."""
        self._classes[workload, cpus, gpus] = dict(execution_class)

    def known_class(self, workload: str, cpus: int, gpus: float) -> dict[str, str] | None:
        """Return the execution class of workers that an earlier run asked for; None where none did."""
        known = self._classes.get((workload, cpus, gpus))
        return None if known is None else dict(known)

    @property
    def started(self) -> bool:
        """Whether there is one now."""
        return self._stack is not None

    @contextmanager
    def at(self, start: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
        """Use it, started by `start` where there is none.

        A failure ends it, as it ends a run's own: what went wrong may be Ray's, and is called so (`RayLost`).
        """
        if self._stack is None:
            with ExitStack() as stack:
                stack.enter_context(start())
                self._stack = stack.pop_all()
        try:
            yield
        except BaseException:
            if not self._close(*sys.exc_info()):
                raise

    def __enter__(self) -> KeptRay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close(kind, error, trace)

    def _close(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        stack, self._stack = self._stack, None
        return bool(stack is not None and stack.__exit__(kind, error, trace))
