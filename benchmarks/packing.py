"""Trials per hour by how many share one device, and whether bits stay the same.

    python -m benchmarks.packing [--model model_c] [--precision fp32] [--device cpu] [--at-once 1 2] [--epochs 2]
                                 [--images N] [--repeat 1] [--mps] [--json FILE] [--drawn]

So many trials of one case of `benchmarks.training` at once, each a process of its own with one CPU thread,
which train their epochs from the start at the same moment. On a CPU each has a core of its own, and one trial with all
cores is a line, too. On a GPU they share it in slices of time, or with --mps through NVIDIA's Multi-Process Service,
which this command then starts and ends (where ``nvidia-cuda-mps-control`` is there). *Same bits* compares rows,
predictions and the final state with those of a trial alone under the same number of threads.

How to read it. *Trials per hour* are all trials at once by the seconds of the slowest; *by one* is that by one trial at
a time. Figures are medians over the repeats, in which the numbers of trials take turns.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import harness
from benchmarks.harness import Turn, serve, turns
from benchmarks.rates import CASES, Case, rounded


@dataclass(frozen=True)
class Packed:
    """So many trials at once.

    Attributes:
        trials: how many.
        threads: of each.
        seconds: of the slowest, per repeat.
        digests: of what each trial came to.
    """

    trials: int
    threads: int
    seconds: Sequence[float]
    digests: Sequence[str]

    @property
    def hourly(self) -> float:
        """Trials per hour."""
        return 3600 * self.trials / statistics.median(self.seconds)


def table(found: Sequence[Packed]) -> list[str]:
    """Return one line per number of trials; the first one is what the others are compared with.

    Args:
        found: one trial at a time first. Those of other threads have other bits by right.
    """
    alone = found[0]
    lines = [f"{'at once':>8}{'threads each':>14}{'seconds':>10}{'trials/hour':>13}{'by one':>9}  same bits"]
    for packed in found:
        same = set(packed.digests) == set(alone.digests)
        bits = ("yes" if same else "NO") if packed.threads == alone.threads else "other threads, other bits"
        seconds = statistics.median(packed.seconds)
        ratio = packed.hourly / alone.hourly
        lines.append(f"{packed.trials:8d}{packed.threads:14d}{seconds:10.2f}{packed.hourly:13.1f}{ratio:9.2f}  {bits}")
    return lines


# Processes ---------------------------------------------------------------------------------------------------


def work(case: Case, chosen: argparse.Namespace) -> None:
    """Be a trial: train it from the start whenever told to."""
    import torch

    from benchmarks.factorial import digest
    from benchmarks.loops import settings_of, wait
    from benchmarks.photos import decoded
    from benchmarks.training import photographs
    from classifier.training import Training

    torch.set_num_threads(chosen.threads)
    fixed, of_an_epoch = settings_of(case, chosen.precision)
    with tempfile.TemporaryDirectory(prefix="packing-") as name:
        data = decoded(photographs(case, images_of(case, chosen), chosen.drawn, Path(name)), case.size)

    def trial() -> dict[str, Any]:
        began = time.perf_counter()
        training = Training(fixed, data, chosen.threads, chosen.device)
        rows = [training.train_epoch(of_an_epoch) for _ in range(chosen.epochs)]
        wait(chosen.device)
        seconds = time.perf_counter() - began
        whole = hashlib.sha256("".join(map(digest, rows)).encode() + training.save()).hexdigest()
        return {"seconds": seconds, "digest": whole[:16]}

    if chosen.device == "cuda":
        trial()  # the first one waits for the device's libraries
    else:
        Training(fixed, data, chosen.threads, chosen.device).train_epoch(of_an_epoch)
    serve(trial, [int(core) for core in chosen.cores.split(",")] if chosen.cores else [])


def placed(trials: int, threads: int, cores: Sequence[int]) -> list[Sequence[int]]:
    """Return the cores of each trial: `threads` of its own, in turn where there are too few."""
    return [[cores[(trial * threads + one) % len(cores)] for one in range(threads)] for trial in range(trials)]


def at_once(processes: Sequence[Turn]) -> tuple[float, list[str]]:
    """Let all of them train a trial at the same moment; return the seconds until the last is done, and what came."""
    began = time.perf_counter()
    for process in processes:
        process.tell()
    answers = [process.answer() for process in processes]
    return time.perf_counter() - began, [answer["digest"] for answer in answers]


def measure(
    case: Case, chosen: argparse.Namespace, arguments: list[str], environment: Mapping[str, str]
) -> list[Packed]:
    """Train each number of trials at once, in turns."""
    cores = harness.cores()
    plans = [(trials, 1) for trials in sorted({1, *chosen.at_once})]
    if chosen.device == "cpu" and len(cores) > 1:
        plans.append((1, len(cores)))
    seconds: dict[tuple[int, int], list[float]] = {plan: [] for plan in plans}
    digests: dict[tuple[int, int], list[str]] = {plan: [] for plan in plans}
    own = ["-m", "benchmarks.packing", *arguments, "--model", case.name]
    for repeat in range(chosen.repeat):
        for trials, threads in plans if repeat % 2 == 0 else reversed(plans):
            pinned = placed(trials, threads, cores) if chosen.device == "cpu" else [[]] * trials
            commands = {
                f"trial {number}": [*own, "--trial", "--threads", str(threads), "--cores", ",".join(map(str, given))]
                for number, given in enumerate(pinned)
            }
            with turns(commands, environment) as processes:
                took, what = at_once(list(processes.values()))
            seconds[trials, threads].append(took)
            digests[trials, threads] += what
            print(f"  repeat {repeat + 1}, {trials} at once, {threads} threads: {took:.1f} s", file=sys.stderr)
    return [Packed(*plan, seconds[plan], digests[plan]) for plan in plans]


# NVIDIA's Multi-Process Service -----------------------------------------------------------------------------

MPS = "nvidia-cuda-mps-control"


@contextlib.contextmanager
def mps() -> Iterator[Mapping[str, str]]:
    """Start NVIDIA's Multi-Process Service with folders of its own; end it at exit.

    Returns:
        the variables by which a process finds it.

    Raises:
        RuntimeError: it is not there, or does not start.
    """
    if shutil.which(MPS) is None:
        raise RuntimeError(f"{MPS} is not there; install it with the driver, or leave out --mps")
    with tempfile.TemporaryDirectory(prefix="mps-", ignore_cleanup_errors=True) as folder:
        named = {"CUDA_MPS_PIPE_DIRECTORY": f"{folder}/pipe", "CUDA_MPS_LOG_DIRECTORY": f"{folder}/log"}
        for name in named.values():
            Path(name).mkdir()
        environment = {**os.environ, **named}
        began = subprocess.run([MPS, "-d"], env=environment, capture_output=True, text=True, timeout=30)
        if began.returncode != 0:
            raise RuntimeError(f"{MPS} -d ended with code {began.returncode}: {began.stderr.strip()}")
        try:
            yield named
        finally:
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(
                    [MPS], env=environment, input="quit\n", capture_output=True, text=True, timeout=30, check=False
                )


# All of it ---------------------------------------------------------------------------------------------------


def images_of(case: Case, chosen: argparse.Namespace) -> int:
    """Return the images of an epoch: whole batches."""
    return rounded(chosen.images or case.images[chosen.device], case.batch)


def options() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    import torch

    cuda = torch.cuda.is_available()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.packing", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", choices=list(CASES), default="model_c")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if cuda else "cpu")
    parser.add_argument("--at-once", nargs="*", type=int, default=[1, 2, 4, 8] if cuda else [1, 2])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--images", type=int, help="per epoch, cut to whole batches")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--mps", action="store_true", help="on a GPU, also through NVIDIA's Multi-Process Service")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--drawn", action="store_true", help="photographs of nothing, also where there are real ones")
    for hidden in ("--threads", "--cores"):
        parser.add_argument(hidden, type=int if hidden == "--threads" else str, help=argparse.SUPPRESS)
    parser.add_argument("--trial", action="store_true", help=argparse.SUPPRESS)
    return parser


def main(arguments: list[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = options()
    chosen = parser.parse_args(arguments)
    if min([1, *chosen.at_once]) < 1 or chosen.epochs < 1 or chosen.repeat < 1:
        parser.error("at least 1 trial at once, 1 epoch and 1 repeat")
    case = CASES[chosen.model]
    if chosen.trial:
        work(case, chosen)
        return
    trial = f"{chosen.epochs} epochs of {images_of(case, chosen):,} images, {case.name} at {case.size} px"
    told = harness.conditions({"device": chosen.device, "each trial": f"{trial}, {chosen.precision}"})
    print("\n".join(line for line in [*told, harness.busy()] if line), flush=True)
    figures = processes(case, chosen, arguments)
    if chosen.json:
        chosen.json.write_text(json.dumps({"conditions": told, "processes": figures}, indent=1))


def processes(case: Case, chosen: argparse.Namespace, arguments: list[str]) -> dict[str, Any]:
    """Measure trials as processes and print them, without and with the service that shares a GPU."""
    figures = {}
    plain = measure(case, chosen, arguments, {})
    print("\nprocesses\n" + "\n".join(table(plain)), flush=True)
    figures["apart"] = [vars(packed) for packed in plain]
    if chosen.mps and chosen.device == "cuda":
        try:
            with mps() as environment:
                shared = measure(case, chosen, arguments, environment)
        except (RuntimeError, subprocess.SubprocessError) as error:
            print(f"\nprocesses with MPS: left out: {error}", flush=True)
        else:
            print("\nprocesses with MPS\n" + "\n".join(table([plain[0], *shared])), flush=True)
            figures["mps"] = [vars(packed) for packed in shared]
    return figures


if __name__ == "__main__":
    main()
