"""What a local Ray or a cluster tells its workers of this driver: where they look for modules."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from ray.job_config import JobConfig

from search.system.module_path import working_folder_last


class Job(JobConfig):
    """A job whose workers look for modules where the driver does.

    Ray's own workers would look first into the working folder: a `torch.py` there would stand for PyTorch before any
    code of ours runs. What a version of Ray does not have stays as it is there.
    """

    def __init__(self, local: bool) -> None:
        super().__init__()
        own = Path(__file__).parents[3]
        installed = own in (Path(place) for place in sysconfig.get_paths().values())
        here = working_folder_last(sys.path) if local else [] if installed else [str(own)]
        self._py_driver_sys_path = here[::-1]  # a worker puts each before those it has

    def _runtime_env_has_working_dir(self) -> bool:
        """Be asked by Ray whether a worker needs to be told the working folder."""
        return True
