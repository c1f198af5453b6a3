"""Under which conditions a run works: commit, versions, hardware. Stored with every run, printed with every table."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from search.system.machine import hardware, versions


def conditions(execution_class: Mapping[str, str], workers: int, cpus: int, gpus: float) -> dict[str, Any]:
    """Return what a reader needs to judge or repeat a run, as plain data."""
    return {
        "commit": commit(),
        "python": platform.python_version(),
        "versions": versions(),
        "hardware": hardware(),
        "pid": os.getpid(),
        "workers": workers,
        "cpus_per_trial": cpus,
        "gpus_per_trial": gpus,
        "execution_class": dict(execution_class),
    }


def commit() -> str:
    """Return the commit of this installation, with ``+changes`` where files differ from it; "" outside a repository."""
    folder = Path(__file__).resolve().parent

    def git(*words: str) -> str:
        try:
            done = subprocess.run(
                ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return ""
        return done.stdout.strip()

    # A package installed somewhere inside another repository has no commit of its own.
    if not git("ls-files", "--error-unmatch", str(Path(__file__).resolve())):
        return ""
    return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "")
