"""The script of the page on Slurm, executed with stand-ins for Slurm and for the command."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.surroundings import HANG_S, ROOT

(SCRIPT,) = re.findall(r"```bash\n(#!/bin/bash\n.*?)```", (ROOT / "docs/how-to/slurm.md").read_text(), re.DOTALL)
COMMAND = """#!/bin/bash
# Stands for Python: says what it was given, and ends on SIGTERM with the code that the file `told` holds.
printf '%s\\n' "$@" > given
trap 'exit "$(cat told)"' TERM
[ -f at_once ] && exit "$(cat at_once)"
touch runs
while :; do sleep 0.05; done
"""


class Job:
    """A folder in which the script runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".venv/bin").mkdir(parents=True)
        for path, text in (
            (folder / "study.sbatch", SCRIPT),
            (folder / ".venv/bin/python", COMMAND),
            (folder / "scontrol", '#!/bin/sh\nprintf "%s\\n" "$*" > requeued\n'),
        ):
            path.write_text(text)
            path.chmod(stat.S_IRWXU)

    def start(self) -> subprocess.Popen[bytes]:
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        known = {"SLURM_SUBMIT_DIR": str(self.folder), "SLURM_JOB_ID": "17", "PATH": path}
        words = ["bash", str(self.folder / "study.sbatch"), "spaces/a b.yaml", "--results", "r"]
        return subprocess.Popen(words, env={**os.environ, **known}, cwd="/")

    def until_it_runs(self) -> None:
        until = time.monotonic() + HANG_S
        while not (self.folder / "runs").exists():
            assert time.monotonic() < until
            time.sleep(0.01)

    @property
    def requeued(self) -> str:
        path = self.folder / "requeued"
        return path.read_text() if path.exists() else ""


@pytest.mark.parametrize("code", [0, 2, 130])
def test_the_job_ends_with_the_code_of_the_run(tmp_path: Path, code: int) -> None:
    job = Job(tmp_path)
    (tmp_path / "at_once").write_text(str(code))
    assert job.start().wait(HANG_S) == code
    given = (tmp_path / "given").read_text().splitlines()
    assert given == ["-m", "search", "run", "spaces/a b.yaml", "--results", "r"]
    assert job.requeued == ""


@pytest.mark.parametrize(("code", "requeued"), [(130, "requeue 17\n"), (0, ""), (2, "")])
def test_when_the_time_is_over_the_run_ends_and_the_job_is_requeued_where_there_is_more_to_do(
    tmp_path: Path, code: int, requeued: str
) -> None:
    job = Job(tmp_path)
    (tmp_path / "told").write_text(str(code))
    with job.start() as process:
        job.until_it_runs()
        process.send_signal(signal.SIGUSR1)
        assert process.wait(HANG_S) == code
    assert job.requeued == requeued


def test_the_script_ends_behind_its_run_when_slurm_ends_both(tmp_path: Path) -> None:
    """With a script that is gone first, the next start of the job finds its study locked by the run before."""
    job = Job(tmp_path)
    (tmp_path / "told").write_text("130")
    with job.start() as process:
        job.until_it_runs()
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        (run,) = psutil.Process(process.pid).children()
        run.terminate()
        assert process.wait(HANG_S) == 130
    assert job.requeued == ""


def test_slurm_is_told_what_the_page_says() -> None:
    options = re.findall(r"^#SBATCH (.*)$", SCRIPT, re.MULTILINE)
    assert {"--requeue", "--open-mode=append", "--signal=B:USR1@120"} <= {*options}
    assert [line for line in SCRIPT.splitlines() if line.startswith("#")][: len(options) + 1] == [
        "#!/bin/bash",
        *(f"#SBATCH {option}" for option in options),
    ]
