"""Everything that wants a GPU, in one call, what tells the most first.

    python -m benchmarks.gpu --out FOLDER [--minutes 10] [--parts probe tests ...] [--device cuda] [--dry-run]

The parts, in this order, each a process of its own:

    probe          what the machine is: GPU, driver, memory, versions, what is not installed
    tests          those that are skipped for want of a GPU, and no others
    leaks          60 leases in the manner of a worker, eager and recorded: runs that live on, memory that stays
    starts         seconds from a lease to its first batch
    rows           report B's four in bf16, eager and recorded: `benchmarks.rows`, those epochs that fit
    profile        gaps between kernels: `benchmarks.training --profile`
    training       images per second against the device's limit, bf16
    fused          augmentation by two kernels, against PyTorch's: `benchmarks.epochs fused`
    study          `search run` through Ray, trials sharing the GPU; once more with --no-sharing; the bits compared
    packing        `benchmarks.packing`, recorded: trials in one process, in processes, and those with MPS
    rows           in single precision, and in bf16 with batches of 256

A part has a share of the minutes that are left; one that runs over is ended, which is an error, and the next begins.
FOLDER gets ``log.txt`` (everything printed) and ``figures.json``, which is written anew whenever a part knows another
figure. Where something is not installed a part is left out, and said; `benchmarks/carry.sh` packs what a machine
without a network lacks. With --dry-run sizes are tiny; with --device cpu nothing needs a GPU, and the study trains a
toy on one that Ray is told of: so this can be tried anywhere.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from benchmarks import harness

ROOT = Path(__file__).resolve().parent.parent
SERVICE = (
    "ray",
    "pyarrow",  # Ray Tune asks for it, and for the next
    "pydantic",
    "optuna",
    "sqlalchemy",
    "jsonschema",
    "pandas",
    "scipy",
    "plotly",
    "click",
    "rich",
    "yaml",
    "tabulate",
)
"""What a study needs beside torch, as modules."""

TRAINING = ("jsonschema", "PIL", "yaml", "torchvision")
"""What the classifier and its benchmarks need beside torch and numpy, as modules."""

MARK = "pytest.mark" + ".cuda"
"""What tests that need a GPU are marked with."""

MIN_PART_S = 5.0
"""Seconds a part gets at least, whatever is left."""

OWN_SHARE = 0.8
"""Of the seconds of a part that ends itself, behind which it begins nothing more."""

JSON, SECONDS = "FIGURES", "SECONDS"
"""Words of a command that stand for the file of its figures, and for the seconds behind which it begins nothing."""


@dataclass(frozen=True)
class Part:
    """One process.

    Attributes:
        name: for people.
        command: arguments of Python, with `JSON` and `SECONDS` among them.
        share: of the minutes.
        needs: modules without which it is left out.
        environment: variables it gets beside those of this process.
    """

    name: str
    command: Sequence[str]
    share: float
    needs: Sequence[str] = TRAINING
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> str:
        """Why it is left out, or ""."""
        return "; ".join(f"{name} is not installed" for name in missing(self.needs))


@dataclass(frozen=True)
class Ended:
    """How a part ended: its code (None: its time was over), its seconds, and its figures, where it wrote some."""

    name: str
    code: int | None
    seconds: float
    figures: Any = None

    @property
    def error(self) -> str:
        """What went wrong, or ""."""
        return "its time was over" if self.code is None else f"FAILED, code {self.code}" if self.code else ""

    def __str__(self) -> str:
        return f"{self.name:16}{self.seconds:8.1f} s  {self.error or 'done'}"

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"code": self.code, "seconds": self.seconds, "error": self.error, "figures": self.figures}


def missing(modules: Sequence[str]) -> list[str]:
    """Return which of these cannot be imported."""
    return [name for name in modules if find_spec(name) is None]


def tests_for_a_gpu(folder: Path) -> list[str]:
    """Return the test files with tests that need a GPU, those of training first."""
    files = [path for path in sorted(folder.rglob("test_*.py")) if MARK in path.read_text()]
    return [str(path) for path in sorted(files, key=lambda path: path.name != "test_cuda.py")]


def parts(device: str, dry: bool, minutes: float) -> list[Part]:
    """Return what is run.

    Args:
        device: ``cuda`` or ``cpu``.
        dry: in tiny sizes.
        minutes: for all of it.
    """
    at = ["--device", device]
    small = ["--images", "48", "--repeat", "1", "--drawn"]
    measured = [*at, *(["--models", "model_c", *small] if dry else ["--repeat", "2"]), "--precisions", "bf16"]
    traced = [*at, *(["--models", "model_c", *small] if dry else ["--images", "3072"]), "--precisions", "bf16"]
    packed = [*at, "--one-process", "--recorded"]
    tiny = [*small, "--epochs", "1", "--at-once", "2"]
    packed += tiny if dry else ["--precision", "bf16", "--images", "6144", "--at-once", "1", "2", "4"]
    leases = [*at, "--models", "model_c", *(["--size", "16", "--leases", "4"] if dry else ["--leases", "60"])]
    begun = [*at, *(["--models", "model_c", "--size", "16", "--leases", "2"] if dry else [])]
    augmented = [*at, *(["--size", "12", "--images", "2", "--repeat", "1"] if dry else [])]
    interpreted = {"TRITON_INTERPRET": "1"} if device == "cpu" else {}

    def rows(name: str, share: float, precision: str, *settings: str) -> Part:
        command = ["-m", "benchmarks.rows", *at, "--precision", precision, "--json", JSON, "--seconds", SECONDS]
        tiny = ["--few", "8", "--epochs", "2", "--set", "data.size=32"]
        command += [word for setting in settings for word in ("--set", setting)]
        return Part(f"rows {name}", [*command, *([*tiny, "--set", "batch_size=4"] if dry else [])], share)

    of_kernels = ["-m", "benchmarks.epochs", "fused", *augmented, "--json", JSON]
    of_study = ["-m", "benchmarks.packing", *at, "--study", "--seconds", SECONDS, "--json", JSON]
    told = {"RAY_OVERRIDE_RESOURCES": '{"GPU": 1, "CPU": 2}'} if device == "cpu" else {}
    return [
        Part("probe", ["-m", "benchmarks.gpu", "--out", JSON, "--parts", "probe", *at], 0.03, ()),
        Part("tests", ["-m", "pytest", "-q", "-rs", "-m", "cuda", *tests_for_a_gpu(ROOT / "tests")], 0.15, ("pytest",)),
        Part("leaks", ["-m", "benchmarks.epochs", "start", *leases, "--whole", "--json", JSON], 0.06),
        Part("starts", ["-m", "benchmarks.epochs", "start", *begun, "--json", JSON], 0.06),
        rows("bf16", 0.1, "bf16"),
        rows("recorded", 0.1, "bf16", "cuda_graphs=true"),
        Part("profile", ["-m", "benchmarks.training", *traced, "--profile", "--json", JSON], 0.06),
        Part("training", ["-m", "benchmarks.training", *measured, "--json", JSON], 0.11),
        Part("fused", of_kernels, 0.03, (*TRAINING, "triton"), interpreted),
        Part("study", of_study, 0.15, (*TRAINING, *SERVICE), told),
        Part("packing", ["-m", "benchmarks.packing", *packed, "--mps", "--json", JSON], 0.09),
        rows("fp32", 0.04, "fp32"),
        rows("256", 0.02, "bf16", "cuda_graphs=true", "batch_size=256"),
    ]


@contextlib.contextmanager
def started(command: Sequence[str], environment: Mapping[str, str], log: IO[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start Python in a group of its own; end what is left of the group at exit."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        for sign in (signal.SIGINT, signal.SIGKILL) if process.poll() is None else ():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, sign)  # its own group: nothing but what it started
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)


def run(part: Part, limit: float, log: IO[str], folder: Path, write: Any = lambda ended: None) -> Ended:
    """Run a part, at most so many seconds, and write what it prints into the log.

    Args:
        part: not left out.
        limit: seconds; then it and what it started are ended.
        log: receives its output.
        folder: for its files.
        write: called with how it stands whenever it knows another figure.
    """
    file = folder / f"{part.name.replace(' ', '-')}.json"
    words = {JSON: str(file), SECONDS: f"{OWN_SHARE * limit:.0f}"}
    command = [words.get(word, word) for word in part.command]
    paths = [str(ROOT), str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # the tests need none, and one may lack what it needs
        "SEARCH_CACHE": os.environ.get("SEARCH_CACHE") or str(folder / "cache"),
        **part.environment,
    }
    log.write(f"\n==== {part.name}: python {' '.join(command)}\n")
    log.flush()
    began, known = time.monotonic(), None
    with started(command, environment, log) as process:
        while (code := process.poll()) is None and time.monotonic() - began < limit:
            time.sleep(0.1)
            if (figures := harness.read(file)) != known:
                known = figures
                write(Ended(part.name, None, time.monotonic() - began, known))
    return Ended(part.name, code, time.monotonic() - began, harness.read(file))


def limit_of(part: Part, listed: Sequence[Part], minutes: float, spent: float) -> float:
    """Return the seconds of a part: what its share is, among the parts that are still to come, of those that are left.

    Args:
        part: the next one.
        listed: it and those behind it.
        minutes: for all parts.
        spent: seconds so far.
    """
    return max(MIN_PART_S, (60 * minutes - spent) * part.share / sum(other.share for other in listed))


def probe(device: str) -> dict[str, Any]:
    """Return what this machine is, as far as it matters here."""
    import torch

    from search.system import gpus

    found: dict[str, Any] = {
        "conditions": harness.conditions({"device": device}),
        "driver": gpus.driver(),
        "GPUs": [vars(gpu) for gpu in gpus.known()],
        "missing": {"training": missing(TRAINING), "study": missing(SERVICE), "tests": missing(["pytest"])},
        "variables": {
            name: value for name, value in os.environ.items() if name.startswith(("CUDA", "NVIDIA", "CUBLAS"))
        },
    }
    if device == "cuda":
        free, total = torch.cuda.mem_get_info()
        found["memory"] = {"free": free, "total": total}
        found["multiprocessors"] = torch.cuda.get_device_properties(0).multi_processor_count
        found["bf16"] = torch.cuda.is_bf16_supported(including_emulation=False)
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for log.txt and figures.json")
    parser.add_argument("--minutes", type=float, default=10.0, help="for all parts together")
    parser.add_argument("--parts", nargs="*", help="only these: the first word of their names")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    parser.add_argument("--dry-run", action="store_true", help="tiny sizes, to try it out")
    chosen = parser.parse_args(arguments)
    if chosen.out.suffix == ".json":  # the first part
        harness.write(chosen.out, probe(chosen.device))
        return 0
    if chosen.device == "cuda" and not harness.gpu():
        parser.error("no GPU is to be seen; give --device cpu to try this out without one")
    listed = parts(chosen.device, chosen.dry_run, chosen.minutes)
    names = {part.name.split()[0] for part in listed}
    if unknown := sorted(set(chosen.parts or []) - names):
        parser.error(f"found --parts {unknown[0]}, must be some of {', '.join(sorted(names))}")
    wanted = [part for part in listed if chosen.parts is None or part.name.split()[0] in chosen.parts]
    chosen.out.mkdir(parents=True, exist_ok=True)
    left_out = {part.name: part.missing for part in wanted if part.missing}
    ended = all_of([part for part in wanted if not part.missing], left_out, chosen)
    print((chosen.out / "log.txt").read_text())
    return 1 if any(of.error for of in ended) else 0


def all_of(wanted: Sequence[Part], left_out: Mapping[str, str], chosen: argparse.Namespace) -> list[Ended]:
    """Run the parts; write log and figures."""
    told = harness.conditions({"device": chosen.device, "time": f"{chosen.minutes:g} minutes"})
    ended: list[Ended] = []

    def write(*running: Ended) -> None:
        known = {of.name: of.plain() for of in [*ended, *running]}
        harness.write(chosen.out / "figures.json", {"conditions": told, "parts": known, "left out": left_out})

    folder = chosen.out / "parts"
    folder.mkdir(exist_ok=True)
    with (chosen.out / "log.txt").open("w") as log:
        log.write("\n".join(told) + "\n")
        began = time.monotonic()
        for place, part in enumerate(wanted):
            limit = limit_of(part, wanted[place:], chosen.minutes, time.monotonic() - began)
            ended.append(run(part, limit, log, folder, write))
            print(ended[-1], flush=True)
            write()
        log.write("\n==== summary\n" + "\n".join(summarised(ended, left_out)) + "\n")
    return ended


def summarised(ended: Sequence[Ended], left_out: Mapping[str, str]) -> list[str]:
    """Return one line per part: how it ended, or why it was left out."""
    return [*map(str, ended), *(f"{name:16} left out: {why}" for name, why in left_out.items())]


if __name__ == "__main__":
    sys.exit(main())
