"""The lines above every benchmark's figures: under which conditions they hold."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping

BUSY = 0.5
"""Load average above which seconds say little: other programs run, too."""


def cores() -> list[int]:
    """Return the processors this process may use."""
    return sorted(os.sched_getaffinity(0))


def lines(more: Mapping[str, object]) -> list[str]:
    """Return processor, GPU, versions, commit and load, then what else is named.

    Imports torch and little else of what a benchmark needs: on a machine that has no Ray it works, too.

    Args:
        more: name of a condition -> what it was.
    """
    import torch

    from search.engine.conditions import commit
    from search.system.machine import processor, versions

    found: dict[str, object] = {
        "processor": f"{processor()}, {len(cores())} cores, {torch.backends.cpu.get_cpu_capability()}",
        **({"GPU": gpu()} if torch.cuda.is_available() else {}),
        "system": f"{platform.system()} {platform.release()}",
        "versions": ", ".join(
            [f"Python {platform.python_version()}", *(f"{name} {version}" for name, version in versions().items())]
        ),
        "commit": commit() or "unknown",
        "load": f"{os.getloadavg()[0]:.1f} before",
        **more,
    }
    width = max(len(name) for name in found) + 2
    return [f"{name:{width}}{value}" for name, value in found.items()]


def gpu() -> str:
    """Name the GPU, its driver's CUDA and cuDNN; "" where there is none."""
    import torch

    if not torch.cuda.is_available():
        return ""
    memory = torch.cuda.get_device_properties(0).total_memory / 2**30
    cudnn = torch.backends.cudnn.version()
    return f"{torch.cuda.get_device_name()}, {memory:.0f} GiB, CUDA {torch.version.cuda}, cuDNN {cudnn}"


def busy() -> str:
    """Say what other programs do to the figures; "" on an idle machine."""
    load = os.getloadavg()[0]
    return f"NOT IDLE: load {load:.1f}; ratios of interleaved runs hold better than seconds" if load > BUSY else ""
