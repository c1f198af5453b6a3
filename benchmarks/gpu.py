"""Everything that wants a GPU, in one call: tests, speed, gaps, report B's rows, and trials that share the device.

    python -m benchmarks.gpu --out FOLDER [--minutes 10] [--parts tests training ...] [--device cuda] [--dry-run]

The parts, in this order, each a process of its own with a share of the minutes; one that runs over is ended, what it
printed until then counts, and the next begins:

    tests       the files in which something is skipped for want of a GPU
    training    `benchmarks.training` in both precisions
    profile     `benchmarks.training --profile`
    rows bf16   `benchmarks.rows` with recorded steps, as many of the 400 epochs as fit, the others estimated
    rows fp32   the same in single precision, as the file stands
    packing     `benchmarks.packing --mps`
    study       `search run spaces/activation.yaml`, one seed and one epoch: where its libraries and images are there

Ray, Optuna and the like may be missing: what is left out is said. Training itself needs jsonschema, Pillow, PyYAML and
torchvision. FOLDER gets ``log.txt`` (everything printed) and
``figures.json``. With --dry-run sizes are tiny; with --device cpu nothing needs a GPU: so this can be tried anywhere.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from benchmarks import harness

ROOT = Path(__file__).resolve().parent.parent
SERVICE = ("ray", "optuna", "sqlalchemy", "jsonschema", "platformdirs", "pandas", "plotly", "click", "rich", "yaml")
"""What a study needs beside torch, as modules."""

TRAINING = ("jsonschema", "PIL", "yaml", "torchvision")
"""What the classifier and its benchmarks need beside torch and numpy, as modules."""

MIN_PART_S = 5.0
"""Seconds a part gets at least, whatever is left."""


@dataclass(frozen=True)
class Part:
    """One process.

    Attributes:
        name: for people.
        command: arguments of Python; `JSON` in it stands for a file for its figures.
        share: of the minutes.
        missing: why it is left out, or "".
    """

    name: str
    command: Sequence[str]
    share: float
    missing: str = ""


JSON = "FIGURES"


@dataclass(frozen=True)
class Ended:
    """How a part ended: its code (None: its time was over), its seconds, and its figures where it wrote some."""

    name: str
    code: int | None
    seconds: float
    figures: Any = field(default=None)

    def __str__(self) -> str:
        how = "its time was over" if self.code is None else "done" if self.code == 0 else f"FAILED, code {self.code}"
        return f"{self.name:12}{self.seconds:8.1f} s  {how}"


def missing(modules: Sequence[str]) -> list[str]:
    """Return which of these cannot be imported."""
    return [name for name in modules if find_spec(name) is None]


def tests_for_a_gpu(folder: Path) -> list[str]:
    """Return the test files in which something is skipped for want of a GPU."""
    return [str(path) for path in sorted(folder.rglob("test_*.py")) if "cuda.is_available()" in path.read_text()]


def parts(device: str, dry: bool, minutes: float) -> list[Part]:
    """Return what is run.

    Args:
        device: ``cuda`` or ``cpu``.
        dry: in tiny sizes.
        minutes: for all of it.
    """
    at = ["--device", device]
    tests = ["-m", "pytest", "-q", "-rs", *tests_for_a_gpu(ROOT / "tests")]
    small = ["--images", "48", "--repeat", "1", "--drawn"]
    training = ["-m", "benchmarks.training", *at, *(small if dry else [])]
    profile = ["-m", "benchmarks.training", *at, "--profile", *(small if dry else ["--images", "3072"])]
    if dry:
        training += ["--models", "model_c", "--precisions", "fp32"]
        profile += ["--models", "model_c", "--precisions", "fp32"]
    packing = ["-m", "benchmarks.packing", *at, "--mps"]
    packing += [*small, "--epochs", "1", "--at-once", "2"] if dry else []

    def rows(precision: str, share: float) -> Part:
        command = ["-m", "benchmarks.rows", *at, "--precision", precision, "--json", JSON]
        tiny = ["--few", "8", "--epochs", "2", "--set", "data.size=32", "--set", "batch_size=4"]
        # It ends itself before it is ended: what is estimated would be lost otherwise.
        command += ["--set", "cuda_graphs=true"] if precision == "bf16" else []
        command += tiny if dry else ["--seconds", f"{0.8 * 60 * minutes * share:.0f}"]
        return Part(f"rows {precision}", command, share)

    listed = [
        Part("tests", tests, 0.1),
        Part("training", [*training, "--json", JSON], 0.25),
        Part("profile", profile, 0.1),
        rows("bf16", 0.25),
        rows("fp32", 0.1),
        Part("packing", [*packing, "--json", JSON], 0.2),
    ]
    why = "; ".join(f"{name} is not installed" for name in missing(TRAINING))
    return [*(replace(part, missing=why) for part in listed), study(device, dry)]


def study(device: str, dry: bool) -> Part:
    """Return the part that goes through the whole service, or why it is left out."""
    command = ["-m", "search", "run", "spaces/activation.yaml", "--set", "seeds=[0]", "--set", "epochs=1"]
    if dry:
        command += ["--set", "data.size=32", "--set", "data.limit=[96,48,48]", "--set", "batch_size=16"]
    command += ["--set", "resources.gpus=0.25"] if device == "cuda" else []
    named = os.environ.get("SEARCH_DATA")
    reasons = [f"{name} is not installed" for name in missing(SERVICE)]
    if not (named and (Path(named) / "flowers-102/jpg").is_dir()):
        reasons.append("SEARCH_DATA names no folder with flowers-102")
    return Part("study", command, 0.2, "; ".join(reasons))


def run(part: Part, limit: float, log: IO[str], folder: Path) -> Ended:
    """Run a part, at most so many seconds, and write what it prints into the log.

    Args:
        part: not left out.
        limit: seconds; then it and what it started are ended.
        log: receives its output.
        folder: for its files.
    """
    figures = folder / f"{part.name.replace(' ', '-')}.json"
    command = [str(figures) if word == JSON else word for word in part.command]
    if part.name == "study":
        command += ["--results", str(folder / "results")]
    paths = [str(ROOT), str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # the tests need none, and one may lack what it needs
        "SEARCH_CACHE": os.environ.get("SEARCH_CACHE") or str(folder / "cache"),
    }
    log.write(f"\n==== {part.name}: python {' '.join(command)}\n")
    log.flush()
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    code: int | None
    try:
        code = process.wait(limit)
    except subprocess.TimeoutExpired:
        code = None
        for sign in (signal.SIGINT, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, sign)  # its own group: nothing but what it started
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
    seconds = time.monotonic() - began
    return Ended(part.name, code, seconds, json.loads(figures.read_text()) if figures.exists() else None)


def limit(share: float, minutes: float, spent: float) -> float:
    """Return the seconds of a part: its share, what others left over not counted, and never more than what is left."""
    return max(MIN_PART_S, min(share * 60 * minutes, 60 * minutes - spent))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for log.txt and figures.json")
    parser.add_argument("--minutes", type=float, default=10.0, help="for all parts together")
    parser.add_argument("--parts", nargs="*", help="only these: the first word of their names")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    parser.add_argument("--dry-run", action="store_true", help="tiny sizes, to try it out")
    chosen = parser.parse_args(arguments)
    if chosen.device == "cuda" and not harness.gpu():
        parser.error("no GPU is to be seen; give --device cpu to try this out without one")
    listed = parts(chosen.device, chosen.dry_run, chosen.minutes)
    known = {part.name.split()[0] for part in listed}
    if unknown := sorted(set(chosen.parts or []) - known):
        parser.error(f"found --parts {unknown[0]}, must be some of {', '.join(sorted(known))}")
    wanted = [part for part in listed if chosen.parts is None or part.name.split()[0] in chosen.parts]
    chosen.out.mkdir(parents=True, exist_ok=True)
    told = harness.conditions({"device": chosen.device, "time": f"{chosen.minutes:g} minutes"})
    with (chosen.out / "log.txt").open("w") as log, tempfile.TemporaryDirectory(prefix="gpu-") as name:
        log.write("\n".join(told) + "\n")
        ended, began = [], time.monotonic()
        for part in wanted:
            if part.missing:
                continue
            ended.append(run(part, limit(part.share, chosen.minutes, time.monotonic() - began), log, Path(name)))
            print(ended[-1], flush=True)
        summary = summarised(ended, {part.name: part.missing for part in wanted if part.missing})
        log.write("\n==== summary\n" + "\n".join(summary) + "\n")
    figures = {of.name: {"code": of.code, "seconds": of.seconds, "figures": of.figures} for of in ended}
    (chosen.out / "figures.json").write_text(json.dumps({"conditions": told, "parts": figures}, indent=1))
    print((chosen.out / "log.txt").read_text())
    return 1 if any(of.code not in (0, None) for of in ended) else 0


def summarised(ended: Sequence[Ended], left_out: Mapping[str, str]) -> list[str]:
    """Return one line per part: how it ended, or why it was left out."""
    return [*map(str, ended), *(f"{name:12} left out: {why}" for name, why in left_out.items())]


if __name__ == "__main__":
    sys.exit(main())
