"""What every benchmark here needs: the conditions above its figures, and sides that take turns.

Sides take turns as processes that stay: each works when told to and sleeps while the others work. So none pays again
for its start, none finds another's flags, and a machine that gets busy or hot does so for all alike. Such a process
prints ``READY`` once it has warmed up, then one line of JSON for every line it reads.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
READY = "READY"

MAX_IDLE_LOAD = 0.5
"""Load average above which seconds say little: other programs run, too."""


def cores() -> list[int]:
    """Return the processors this process may use."""
    return sorted(os.sched_getaffinity(0))


def conditions(more: Mapping[str, object]) -> list[str]:
    """Return processor, GPU, versions, commit and load, then what else is named.

    Imports torch and little else of what a benchmark needs: on a machine that has no Ray it works, too.

    Args:
        more: name of a condition -> what it was.
    """
    import torch

    from search.engine.steps.conditions import commit
    from search.system.machine import processor, versions

    told: dict[str, object] = {
        "processor": f"{processor()}, {len(cores())} cores, {torch.backends.cpu.get_cpu_capability()}",
        **({"GPU": gpu()} if torch.cuda.is_available() else {}),
        "system": f"{platform.system()} {platform.release()}",
        "versions": ", ".join(
            [f"Python {platform.python_version()}", *(f"{name} {version}" for name, version in versions().items())]
        ),
        "commit": commit() or "unknown",
        "load": f"{os.getloadavg()[0]:.1f} before",
        **more,
    }
    width = max(len(name) for name in told) + 2
    return [f"{name:{width}}{value}" for name, value in told.items()]


def gpu() -> str:
    """Name the GPU, its driver's CUDA and cuDNN; "" where there is none."""
    import torch

    if not torch.cuda.is_available():
        return ""
    memory = torch.cuda.get_device_properties(0).total_memory / 2**30
    cudnn = torch.backends.cudnn.version()
    return f"{torch.cuda.get_device_name()}, {memory:.0f} GiB, CUDA {torch.version.cuda}, cuDNN {cudnn}"


def busy() -> str:
    """Say what other programs do to the figures; "" on an idle machine."""
    load = os.getloadavg()[0]
    return (
        f"NOT IDLE: load {load:.1f}; ratios of interleaved runs hold better than seconds"
        if load > MAX_IDLE_LOAD
        else ""
    )


def write(file: Path, figures: object) -> None:
    """Write figures as JSON; whoever reads the file meanwhile finds those of before, or these, and never a part."""
    beside = file.with_name(f".{file.name}")
    beside.write_text(json.dumps(figures, indent=1, default=str))
    beside.replace(file)


def read(file: Path) -> Any:
    """Return figures that were written; None where there are none."""
    try:
        return json.loads(file.read_text())
    except FileNotFoundError:
        return None


class Failed(RuntimeError):
    """A side ended before it was told to; the message ends with what it had to say."""


class Turn:
    """One side's process.

    Args:
        name: for people.
        command: arguments of the Python that runs it, from the repository's root.
        log: a file open for what it writes beside its answers.
        environment: variables it gets beside those of this process.
    """

    def __init__(self, name: str, command: Sequence[str], log: IO[str], environment: Mapping[str, str]) -> None:
        self.name, self._log = name, log
        self._process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )

    def ready(self) -> None:
        """Wait until it has warmed up.

        Raises:
            Failed: it ended.
        """
        self._line(READY)

    def take(self) -> Any:
        """Let it work once; return its answer.

        Raises:
            Failed: it ended.
        """
        self.tell()
        return self.answer()

    def tell(self) -> None:
        """Let it work once, without waiting for it."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it ended, which its answer will tell
            self._process.stdin.write("go\n")
            self._process.stdin.flush()

    def answer(self) -> Any:
        """Wait for what comes of it.

        Raises:
            Failed: it ended.
        """
        return json.loads(self._line("{"))

    def end(self) -> None:
        """Let it end."""
        self._process.communicate()

    def _line(self, start: str) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(start):
                return line
            self._log.write(line)
        code = self._process.wait()
        self._log.flush()
        self._log.seek(0)
        raise Failed(f"{self.name} ended with code {code}:\n{self._log.read()[-3000:]}")


@contextlib.contextmanager
def turns(
    commands: Mapping[str, Sequence[str]], environment: Mapping[str, str] | None = None
) -> Iterator[dict[str, Turn]]:
    """Start all sides and wait until they are ready; end them at exit.

    Args:
        commands: name of a side -> arguments of the Python that runs it.
        environment: variables they get beside those of this process.

    Raises:
        Failed: one ended.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="turns-")))
        processes = {}
        for number, (name, command) in enumerate(commands.items()):
            log = stack.enter_context((folder / f"{number}.txt").open("w+"))
            processes[name] = Turn(name, command, log, environment or {})
            stack.callback(processes[name].end)
        for process in processes.values():
            process.ready()
        yield processes


def serve(work: Callable[[], Any], cores: Sequence[int] = ()) -> None:
    """Be such a process: say that it is ready, then work at each line and print what comes of it, until none comes.

    Args:
        work: returns what JSON can hold.
        cores: the processors of it and of all processes it starts; all where empty.
    """
    if cores:
        os.sched_setaffinity(0, cores)
    print(READY, flush=True)
    for _ in sys.stdin:
        print(json.dumps(work()), flush=True)
