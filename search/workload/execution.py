"""The execution class of a workload that says nothing of its own: all of a machine that is known to change bits.

It is asked on a worker, once the workload is imported and before it trains, and imports nothing itself. So nothing in
it may depend on whether a library is imported already, as far as that can be had: versions are those that are
installed, the processor and the GPU are asked of the system, and switches of PyTorch count where they differ from how
it is imported. CUDA's and cuDNN's versions are known only where PyTorch is loaded.
"""

from __future__ import annotations

import functools
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from search.workload.modules import packages_of

FRAMEWORKS = ("torch", "numpy", "jax", "tensorflow")
"""Libraries that count where they are loaded, whoever loaded them: code of others trains with them."""

LIBRARIES = (
    *FRAMEWORKS,
    *("accelerate", "albumentations", "catboost", "cupy", "cv2", "flax", "jaxlib", "keras", "lightgbm", "lightning"),
    *("numba", "optax", "PIL", "pytorch_lightning", "scipy", "sklearn", "timm", "torchaudio", "torchvision"),
    *("transformers", "xgboost"),
)
"""Libraries that count where the workload's code imports them, inside a function as well."""

_DISTRIBUTIONS = {"sklearn": "scikit-learn", "PIL": "pillow", "cv2": "opencv-python"}
"""Library -> what it is installed as, where that has another name."""

ENVIRONMENT = (
    *("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS"),
    *("ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE", "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES"),
    *("MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
    *("XLA_FLAGS", "JAX_ENABLE_X64", "TF_DETERMINISTIC_OPS", "TF_ENABLE_ONEDNN_OPTS"),
)
"""Variables of the environment that make libraries choose other kernels, or round between them."""

GPU_ENVIRONMENT = ("CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE")
"""The same of a run on a GPU."""

_INSTRUCTIONS = ("amx_tile", "avx512f", "avx2", "avx", "sse4_2", "sve2", "sve", "asimd")
"""Instruction sets that kernels are written for, as Linux names them, the widest of a family first."""


def default_class(module: str, libraries: Iterable[str], cpus: int, gpus: float) -> dict[str, str]:
    """Return name -> value of everything about this machine that is known to change bits.

    Args:
        module: of the workload's code.
        libraries: what the workload names besides.
        cpus: CPU threads of a run.
        gpus: (a share of) GPUs of a run.
    """
    torch = sys.modules.get("torch")
    processor = ", ".join(part for part in (cpu_model(), _instructions()) if part)
    device = {"device": _gpu(torch), "cpu": processor} if gpus > 0 else {"device": processor}
    variables = ENVIRONMENT if gpus <= 0 else (*ENVIRONMENT, *GPU_ENVIRONMENT)
    environment = " ".join(f"{name}={os.environ[name]}" for name in variables if name in os.environ)
    switches = ", ".join(_switches(torch)) if torch is not None else ""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        **device,
        "threads": _threads(torch, cpus),
        **_versions({*libraries, *packages_of(module).intersection(LIBRARIES)}),
        **(_cuda(torch) if torch is not None and gpus > 0 else {}),
        **({"switches": switches} if switches else {}),
        **({"environment": environment} if environment else {}),
    }


def _versions(names: set[str]) -> dict[str, str]:
    """Return the versions of these libraries and of the frameworks that are loaded, of those that are installed."""
    loaded = {name for name in FRAMEWORKS if name in sys.modules}
    return {name: version for name in sorted(names | loaded) if (version := _version(name))}


def _version(name: str) -> str:
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(_DISTRIBUTIONS.get(name, name))
    return str(getattr(sys.modules.get(name), "__version__", ""))


def still_installed(execution_class: Mapping[str, str]) -> bool:
    """Whether Python and the libraries that a recorded class names have the versions here that it names."""
    if execution_class.get("python") not in (None, platform.python_version()):
        return False
    # A workload may name more than the version: 2.15.0+cu132.
    return all(value.startswith(_version(name)) for name, value in execution_class.items())


def _threads(torch: ModuleType | None, cpus: int) -> str:
    """Say how many threads a run is given, and how many its libraries take where that is another number."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    pool = torch.get_num_threads() if torch is not None else int(told) if told.isdecimal() else os.cpu_count() or 1
    return str(cpus) if pool == cpus else f"{cpus}, libraries take {pool}"


def _switches(torch: Any) -> Iterator[str]:
    """Yield the switches of PyTorch that are not as they are where it is imported."""
    if torch.are_deterministic_algorithms_enabled():
        yield "deterministic algorithms"
    if torch.get_default_dtype() != torch.float32:
        yield str(torch.get_default_dtype()).removeprefix("torch.")
    if (precision := torch.get_float32_matmul_precision()) != "highest":
        yield f"float32 products of {precision} precision"
    cudnn = torch.backends.cudnn
    for name, switched in (("deterministic", cudnn.deterministic), ("benchmark", cudnn.benchmark)):
        if switched:
            yield f"cudnn {name}"
    if not cudnn.enabled:
        yield "without cudnn"


def _cuda(torch: Any) -> dict[str, str]:
    """Return the versions of CUDA and cuDNN, or of HIP, that PyTorch was built with."""
    found = {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(), "hip": torch.version.hip}
    return {name: str(version) for name, version in found.items() if version}


def _gpu(torch: Any) -> str:
    """Name the GPUs a process may use: by the driver, which needs no library; else by PyTorch where it is loaded."""
    names = _nvidia(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    if not names and torch is not None and torch.cuda.is_available():
        names = tuple(torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count()))
    return ", ".join(dict.fromkeys(names)) or "a GPU without a name"


@functools.cache
def _nvidia(visible: str) -> tuple[str, ...]:
    """Return the names of the NVIDIA GPUs that are visible, by number or UUID; all of them where none is named."""
    chosen = ["-i", visible] if visible else []
    command = ["nvidia-smi", *chosen, "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(line.strip() for line in done.stdout.splitlines() if line.strip())


@functools.cache
def _instructions() -> str:
    """Name the widest instruction set of this processor that kernels are written for; "" where it does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    flags = next((line.partition(":")[2] for line in lines if line.lower().startswith(("flags", "features"))), "")
    return next((name.upper() for name in _INSTRUCTIONS if name in flags.split()), "")


@functools.cache
def cpu_model() -> str:
    """Name the CPU model. Libraries choose kernels by maker, model and cache, not by instruction set alone."""
    try:
        if platform.system() == "Darwin":
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
        first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except (OSError, subprocess.SubprocessError):
        return platform.machine()
    return cpu_named(first) or platform.machine()


def cpu_named(block: str) -> str:
    """Return ``"Brand (family F, model M)"`` from one processor's lines of /proc/cpuinfo; "" where they name none.

    Virtual machines cut the brand short ("AMD EPYC"); family and model still tell generations apart.
    """
    entries = (line.partition(":") for line in block.splitlines())
    lines = {name.strip(): value.strip() for name, _, value in entries}
    if "model name" in lines and "cpu family" in lines:
        return f"{lines['model name']} (family {lines['cpu family']}, model {lines.get('model', '?')})"
    if "CPU part" in lines:  # Arm
        return f"{platform.machine()} implementer {lines.get('CPU implementer', '?')}, part {lines['CPU part']}"
    return lines.get("model name", "")
