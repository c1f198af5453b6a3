"""Switches of the process that change bits: as torch has them for each script, then as the script itself set them.

Several runs take turns in one process; none may find what another one switched.
"""

from __future__ import annotations

import functools
import os
from typing import Any

import torch

# cuBLAS is deterministic only with a workspace of fixed size; it reads this when its first handle is made. The
# execution class names it, so it stands there before that is asked.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def capture() -> dict[str, object]:
    """Return the present position of every switch."""
    backends: Any = torch.backends
    return {
        "dtype": torch.get_default_dtype(),
        "matmul": torch.get_float32_matmul_precision(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "only warns": torch.is_deterministic_algorithms_warn_only_enabled(),
        "cudnn": (backends.cudnn.enabled, backends.cudnn.allow_tf32),
        "denormal": torch._C._get_flush_denormal() if hasattr(torch._C, "_get_flush_denormal") else None,
        "gradients": torch.is_grad_enabled(),
        "anomalies": torch.is_anomaly_enabled(),
    }


@functools.cache
def pristine() -> dict[str, object]:
    """Return the switches as they were when this process first trained a script, made deterministic."""
    return {**capture(), "deterministic": True, "only warns": False, "gradients": True}


def apply(switches: dict[str, Any], threads: int) -> None:
    """Put every switch into a position that `capture` returned, and take so many CPU threads."""
    backends: Any = torch.backends
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    torch.set_default_dtype(switches["dtype"])
    torch.set_float32_matmul_precision(switches["matmul"])
    torch.use_deterministic_algorithms(switches["deterministic"], warn_only=switches["only warns"])
    # Otherwise every new tensor is filled before it is written.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    backends.cudnn.enabled, backends.cudnn.allow_tf32 = switches["cudnn"]
    backends.cudnn.benchmark, backends.cudnn.deterministic = False, True  # by measured time it would choose other bits
    torch.set_grad_enabled(switches["gradients"])
    torch.autograd.set_detect_anomaly(switches["anomalies"])
