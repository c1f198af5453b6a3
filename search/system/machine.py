"""What this machine is and what is installed on it, for people and to tell whether a record was made here.

Of ours it imports only what the system says of limits.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
from importlib import metadata
from pathlib import Path

from search.system import limits

PACKAGES = ("torch", "torchvision", "ray", "optuna", "numpy", "pandas", "scikit-learn", "pillow", "sqlalchemy")


def fork_is_fresh(gpus: float) -> bool:
    """Whether a fork of a process that has trained nothing counts as a fresh process: on Linux, for what trains on a
    CPU. A GPU's context does not survive a fork, nor do macOS's libraries."""
    return not gpus and sys.platform.startswith("linux")


def hardware() -> dict[str, object]:
    """Return host, system, processor, cores and memory, as plain data; where fewer cores may be used, how many.

    The cores tell a machine from another one, whatever is left of them to whom.
    """
    cpus = limits.cpus()
    return {
        "host": socket.gethostname(),
        "system": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        **({"usable_cores": cpus.usable, "limited_by": cpus.by} if cpus.by else {}),
        "memory_gib": round(limits.memory_bytes() / 2**30, 1),
    }


def versions() -> dict[str, str]:
    """Return the versions of the packages that matter, of those that are installed."""
    return {name: version for name in PACKAGES if (version := installed_version(name))}


def processor() -> str:
    """Return the processor's model name."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def installed_version(package: str) -> str:
    """Return the version of an installed package, "" where it is not there."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
