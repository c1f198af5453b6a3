"""Whether a run of PyTorch's trains on a GPU."""

from __future__ import annotations

import os
from typing import Any

from search.system import gpus as system
from search.workload.settings import SettingFaults


def trains_on_gpu(torch: Any, gpus: float) -> bool:
    """Return whether a run trains on a GPU: where it is given one.

    Args:
        torch: the module.
        gpus: (a share of) GPUs that the run is given.

    Raises:
        SettingFaults: PyTorch cannot use the one it is given; training on the CPU instead is the person's to choose.
    """
    if gpus <= 0:
        return False
    if torch.cuda.is_available():
        return True
    told = [_reason(torch)]
    if version := system.driver():
        told.append(f"the driver is {version}")
    if system.VISIBLE in os.environ:
        told.append(f"{system.VISIBLE} is {os.environ[system.VISIBLE]!r}")
    sentence = (
        f"a trial has {gpus:g} GPU here, which PyTorch {torch.__version__} cannot use ({'; '.join(told)}); install a "
        "driver and a PyTorch that fit each other, or set resources.gpus: 0 to train on the CPU"
    )
    raise SettingFaults([("resources.gpus", sentence)])


def _reason(torch: Any) -> str:
    """Return what PyTorch says when it is to use a GPU, on one line."""
    try:
        torch.cuda.init()
    except Exception as error:  # of several kinds, by what is wrong
        return " ".join(str(error).split()) or type(error).__name__
    return "it says that there is none"
