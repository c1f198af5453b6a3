"""What a program finds of the machine: variables, and the GPUs by name."""

from __future__ import annotations

import functools
import os
import subprocess
import sysconfig

OURS = ("RAY_", "TUNE_")
OURS_WHOLE = {"PYTHONBREAKPOINT", "SPT_NOENV"}
"""Variables that Ray sets for its workers: beginnings of names, and whole names."""


def environment(cpus: int) -> dict[str, str]:
    """Return the variables of a program: those of the person, and its number of threads where that is not said.

    Nothing of ours is among them: not what Ray sets for its workers, nor places of this interpreter's own packages. One
    variable stays: PYTHONHASHSEED is 0 where the person sets none, so that a set of text has one order in every run.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS) and name not in OURS_WHOLE}
    own = {sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    places = [place for place in kept.pop("PYTHONPATH", "").split(os.pathsep) if place and place not in own]
    return {"OMP_NUM_THREADS": str(cpus), **kept, **({"PYTHONPATH": os.pathsep.join(places)} if places else {})}


@functools.cache
def gpu_names() -> str:
    """Return models and driver of this machine's GPUs, as their tool tells them; "unknown" where it is not there."""
    asked = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        text = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return "; ".join(sorted({row.strip() for row in text.splitlines()})) or "unknown"
