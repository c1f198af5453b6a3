"""The NVIDIA GPUs that a process may use, as the system and the driver's own tool know them; no library is asked."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from search.core.errors import UserError

VISIBLE = "CUDA_VISIBLE_DEVICES"
TOOLS = ("nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi")
"""The driver's tool, and where it lies in Windows' Linux, whose shells need not find it."""

TOOL_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Gpu:
    """A GPU: its name for programs, which stays the same in whatever order GPUs are counted, and its model."""

    uuid: str
    model: str


def listed(environment: Mapping[str, str] = os.environ) -> list[str] | None:
    """Return the GPUs that CUDA_VISIBLE_DEVICES leaves, by number or UUID; None where it leaves all.

    As CUDA reads it: those behind one that cannot be, such as -1, are not there.
    """
    allowed = environment.get(VISIBLE)
    if allowed is None:
        return None
    names = [name.strip() for name in allowed.split(",")]
    end = next((place for place, name in enumerate(names) if not name or name.startswith("-")), len(names))
    return [name for name in names[:end] if name != "NoDevFiles"]


def hidden(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether CUDA_VISIBLE_DEVICES leaves no GPU."""
    return listed(environment) == []


def count(devices: Path = Path("/dev"), environment: Mapping[str, str] = os.environ) -> int:
    """Count the GPUs a process may use; 0 on other systems than Linux."""
    if hidden(environment):
        return 0
    there = len(list(devices.glob("nvidia[0-9]*")))
    if not there and (devices / "dxg").exists():  # Windows' Linux has one device for all
        there = len(known())
    allowed = listed(environment)
    return there if allowed is None else min(there, len(allowed))


def known() -> list[Gpu]:
    """Return the GPUs of this machine, in the order of their numbers on the bus; none where nobody tells."""
    rows = (line.partition(",") for line in _told("uuid,name"))
    return [Gpu(uuid.strip(), model.strip()) for uuid, _, model in rows]


def driver() -> str:
    """Return the version of NVIDIA's driver; "" where nobody tells."""
    with suppress(OSError, IndexError):
        return Path("/sys/module/nvidia/version").read_text().split()[0]
    return next(iter(_told("driver_version")), "")


def _told(fields: str) -> list[str]:
    for tool in TOOLS:
        with suppress(OSError, subprocess.SubprocessError):
            command = [tool, f"--query-gpu={fields}", "--format=csv,noheader"]
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=TOOL_TIMEOUT_S)
            return [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return []


def allowed_of(gpus: Sequence[Gpu], allowed: Sequence[str] | None) -> list[Gpu]:
    """Return those of a machine's GPUs that are named, by number or by the beginning of a UUID; all for None."""
    if allowed is None:
        return [*gpus]
    found: list[Gpu] = []
    for name in allowed:
        if name.isdecimal():
            found += gpus[int(name) : int(name) + 1]
        else:
            found += [gpu for gpu in gpus if gpu.uuid.startswith(name)]
    return found


def require_alike() -> None:
    """Refuse to train on GPUs of several models at once: each would train other bits, and its rows be refused.

    Raises:
        UserError: names them, and the largest choice that is of one model.
    """
    if count() > 1 and (sentence := unlike(allowed_of(known(), listed()))):
        raise UserError(sentence)


def unlike(gpus: Sequence[Gpu]) -> str:
    """Say that GPUs are of several models, and what to do; "" where they are of one."""
    models: dict[str, list[str]] = {}
    for gpu in gpus:
        models.setdefault(gpu.model, []).append(gpu.uuid)
    if len(models) < 2:
        return ""
    most = max(models.values(), key=len)
    listing = "; ".join(f"{model}: {', '.join(uuids)}" for model, uuids in models.items())
    return (
        f"the GPUs of this machine are of {len(models)} models, which train different bits ({listing}); choose those "
        f"of one, for example {VISIBLE}={','.join(most)}, or set resources.gpus: 0"
    )
