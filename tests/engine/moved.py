"""The command line on such a machine as in `jumpy`, where the clocks of Ray's servers are set forth and back, too.

They are no Python: libfaketime stands between them and the system's clock. The monotonic clock goes on.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LIBRARY, CLOCK = "TEST_FAKETIME", "FAKETIME_TIMESTAMP_FILE"
"""Environment variables: the library, and the file that says how far off the servers' clocks are."""

SERVERS = ("gcs_server", "raylet")


def library() -> str:
    """Return the path of libfaketime, or "" where it is not installed."""
    places = [
        *Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"),
        *Path("/usr/lib/faketime").glob("libfaketimeMT.so.1"),
    ]
    return os.environ.get(LIBRARY, "") or next(map(str, places), "")


def move_servers() -> None:
    """Start Ray's servers under libfaketime from now on."""
    from ray._private import services

    usual = services.ConsolePopen
    faked = {"LD_PRELOAD": library(), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def start(command: Sequence[str], *words: Any, env: dict[str, str], **more: Any) -> Any:
        more["env"] = {**env, **faked} if Path(command[0]).name in SERVERS else env
        return usual(command, *words, **more)

    services.ConsolePopen = start


if __name__ == "__main__":
    import search.engine.executor.tune  # noqa: F401  # it prepares for Ray
    from search.__main__ import main
    from tests.engine.jumpy import set_all_the_time

    move_servers()
    with set_all_the_time():
        main()
