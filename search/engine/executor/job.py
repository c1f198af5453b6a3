"""What a local Ray or a cluster tells its workers of this driver: where they look for modules.

Ray's own workers would look first into the working folder: a `torch.py` there would stand for PyTorch before any code
of ours runs.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from ray.job_config import JobConfig

from search.engine.executor import private
from search.system.module_path import working_folder_last


def job(local: bool) -> JobConfig:
    """Return a job whose workers look for modules where the driver does."""
    own = Path(__file__).parents[3]
    installed = own in (Path(place) for place in sysconfig.get_paths().values())
    config = JobConfig()
    lead(config, working_folder_last(sys.path) if local else [] if installed else [str(own)])
    return config


def lead(config: JobConfig, module_path: Sequence[str]) -> None:
    """Let the workers of a job look for modules in these places first, and not in the working folder."""
    private.MODULE_PATH.put(list(reversed(module_path)), config)  # a worker puts each before those it has
    private.WORKING_FOLDER.put(lambda: True, config)
