"""What of a process and its machine can change a bit: set before every epoch, and named for the execution class.

Several runs take turns in one process, beside code of others. None of them may find what another one left behind, so
nothing here is set once and trusted from then on.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import platform
from collections.abc import Iterator
from typing import Any

import torch

from search.workload import SettingFaults, cpu_model

_DISPATCH = (
    *("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS"),
    *("ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE"),
)
"""Variables of the environment that make the libraries under PyTorch choose other kernels, or round between them."""

_DISPATCH_CUDA = ("CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE")
"""The same of a run on a GPU: in how much memory cuBLAS computes, and whether products are rounded to TF32."""

CUBLAS_WORKSPACE = ":4096:8"
"""What `configure` sets where nobody has; the execution class names another one."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt(3), as glibc's malloc.h numbers them."""


def configure(threads: int) -> None:
    """Set everything of the process that can change a bit, apart from the modes `undisturbed` keeps out.

    Args:
        threads: CPU threads of PyTorch's kernels.
    """
    # cuBLAS is deterministic only with a workspace of fixed size; it reads this when its first handle is made.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", CUBLAS_WORKSPACE)
    _keep_memory()
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    torch.set_default_dtype(torch.float32)
    torch.set_flush_denormal(False)
    # Not `use_deterministic_algorithms`: it imports the compiler, which takes a process over a second.
    torch.set_deterministic_debug_mode("error")
    # Otherwise every new tensor is filled before it is written, a tenth of an epoch; nothing here reads it before.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")
    backends: Any = torch.backends  # its attributes are made when it is imported
    backends.mkldnn.enabled = True
    for one in (backends, backends.mkldnn, backends.mkldnn.conv):
        one.fp32_precision = "ieee"


@functools.cache
def _keep_memory() -> None:
    """Let the C library keep what a batch gives back for the next one: it changes no bit, only what a step costs.

    glibc asks the kernel anew for every large tensor and returns it behind its use, and the kernel clears each page
    when it is touched; `python -m benchmarks.epochs memory` says what that takes. Other libraries do as they do.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(_M_MMAP_THRESHOLD, 1 << 30)  # bytes from which memory is asked for, and given back, by itself
    mallopt(_M_TRIM_THRESHOLD, -1)  # give nothing back from the end of the heap


@contextlib.contextmanager
def undisturbed(device: str) -> Iterator[None]:
    """Train and evaluate here as if nobody had switched on a mode: gradients as usual, no autocast.

    Args:
        device: its type, "cpu" or "cuda".
    """
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast(device, enabled=False):
        yield


def precision(name: str, device: str) -> contextlib.AbstractContextManager[Any]:
    """Run the forward pass in here in a precision: float32, or bfloat16 where autocast thinks it safe.

    Weights, sums of batch norm, losses and the optimiser stay in float32 either way.

    Args:
        name: a value of the setting ``precision``.
        device: its type, "cpu" or "cuda".
    """
    # Without the cache of cast weights: it is emptied only where the outermost autocast ends, which is `undisturbed`
    # around a whole epoch, and every batch would be trained on the weights the epoch began with.
    return torch.autocast(device, torch.bfloat16, enabled=name == "bf16", cache_enabled=False)


def check_precision(name: str, device: torch.device) -> None:
    """Refuse a precision that a device would have to imitate.

    Raises:
        SettingFaults: it has none of it.
    """
    if name == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        sentence = f"found 'bf16', which {torch.cuda.get_device_name(device)} does not compute in; set it to fp32"
        raise SettingFaults([("precision", sentence)])


def execution_class(threads: int, cuda: bool) -> dict[str, str]:
    """Return name -> value of everything about this machine that can change a bit of a run.

    Args:
        threads: CPU threads of the run.
        cuda: whether it trains on a GPU.
    """
    import numpy

    usual = {"CUBLAS_WORKSPACE_CONFIG": CUBLAS_WORKSPACE}
    names = (*_DISPATCH, *_DISPATCH_CUDA) if cuda else _DISPATCH
    found = {name: os.environ[name] for name in names if os.environ.get(name, usual.get(name)) != usual.get(name)}
    dispatch = " ".join(f"{name}={value}" for name, value in found.items())
    return {
        "device": torch.cuda.get_device_name() if cuda else f"{cpu_model()}, {torch.backends.cpu.get_cpu_capability()}",
        "threads": str(threads),
        "precision": "float32, no TF32",
        "memory format": "channels_last",
        "mode": "eager",
        "deterministic": "yes",
        "torch": torch.__version__,
        "numpy": numpy.__version__,  # initial weights come from its distributions
        **(_cuda() if cuda else {}),
        **({"environment": dispatch} if dispatch else {}),
    }


def _cuda() -> dict[str, str]:
    return {
        "cuda": str(torch.version.cuda),
        "cudnn": str(torch.backends.cudnn.version()),
        # Kernels are chosen by it, and MPS can give a process a part of them only.
        "multiprocessors": str(torch.cuda.get_device_properties(torch.cuda.current_device()).multi_processor_count),
    }
