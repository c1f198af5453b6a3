"""How long Ray takes to start and to end, measured by the same wrapper whoever starts it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any


def timed_starts() -> dict[str, float]:
    """Import Ray, listening on loopback only and reporting no usage, and time its start and end from now on.

    Returns:
        ``ray.init`` and ``ray.shutdown`` -> seconds spent in them; grows with every call.
    """
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    spent = {"ray.init": 0.0, "ray.shutdown": 0.0}

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            before = time.monotonic()
            try:
                return function(*args, **options)
            finally:
                spent[name] += time.monotonic() - before

        return call

    ray.init, ray.shutdown = timed("ray.init", ray.init), timed("ray.shutdown", ray.shutdown)
    return spent
