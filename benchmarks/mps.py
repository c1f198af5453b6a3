"""NVIDIA's Multi-Process Service, for a while: processes that share a GPU run beside each other, not in turns."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

MPS = "nvidia-cuda-mps-control"


@contextlib.contextmanager
def mps() -> Iterator[Mapping[str, str]]:
    """Start NVIDIA's Multi-Process Service with folders of its own; end it at exit.

    Returns:
        the variables by which a process finds it.

    Raises:
        RuntimeError: it is not there, or does not start.
    """
    if shutil.which(MPS) is None:
        raise RuntimeError(f"{MPS} is not there; install it with the driver, or leave out --mps")
    with tempfile.TemporaryDirectory(prefix="mps-", ignore_cleanup_errors=True) as folder:
        found = {"CUDA_MPS_PIPE_DIRECTORY": f"{folder}/pipe", "CUDA_MPS_LOG_DIRECTORY": f"{folder}/log"}
        for name in found.values():
            Path(name).mkdir()
        environment = {**os.environ, **found}
        began = subprocess.run([MPS, "-d"], env=environment, capture_output=True, text=True, timeout=30)
        if began.returncode != 0:
            raise RuntimeError(f"{MPS} -d ended with code {began.returncode}: {began.stderr.strip()}")
        try:
            yield found
        finally:
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(
                    [MPS], env=environment, input="quit\n", capture_output=True, text=True, timeout=30, check=False
                )
