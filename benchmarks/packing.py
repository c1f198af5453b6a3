"""Trials per hour by how many share one device, and whether bits stay the same.

    python -m benchmarks.packing [--model model_c] [--precision fp32] [--device cpu] [--at-once 1 2] [--epochs 2]
                                 [--images N] [--repeat 1] [--recorded] [--one-process] [--mps] [--json FILE] [--drawn]
    python -m benchmarks.packing --study [--device cpu] [--seconds S] [--json FILE]

So many trials of one case of `benchmarks.training` at once, each a process of its own with one CPU thread,
which train their epochs from the start at the same moment. On a CPU each has a core of its own, and one trial with all
cores is a line, too. On a GPU they share it in slices of time, or with --mps through NVIDIA's Multi-Process Service,
which this command then starts and ends (where ``nvidia-cuda-mps-control`` is there). *Same bits* compares rows,
predictions and the final state with those of a trial alone under the same number of threads. With --recorded steps are
recorded on a GPU and replayed.

With --one-process so many trials are measured in one process first, each a thread with a stream of its own: on a GPU
their kernels run side by side without MPS, and libraries and context take its memory once.

With --study a study goes through the whole service instead, twice: `search run`, where trials come to share the GPU as
measuring says, and `search run --no-sharing`, where each has one to itself. Every row that both have is compared to the
last bit; so many seconds (--seconds) are for both. On a CPU a toy trains on a GPU that Ray is told of
(RAY_OVERRIDE_RESOURCES).

How to read it. *Trials per hour* are all trials at once by the seconds of the slowest; *by one* is that by one trial at
a time in a process of its own, and where trials share one process by one of them; *GiB* is what is taken of the GPU.
Figures are medians over the repeats, in which the numbers of trials take turns.
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import harness
from benchmarks.harness import Turn, serve, turns
from benchmarks.rates import CASES, Case, rounded

if TYPE_CHECKING:
    from classifier.training import Training

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Packed:
    """So many trials at once.

    Attributes:
        trials: how many.
        threads: of each.
        seconds: of the slowest, per repeat.
        digests: of what each trial came to.
        memory_gib: most that was taken of the GPU, by all that runs there; 0 without one.
    """

    trials: int
    threads: int
    seconds: Sequence[float]
    digests: Sequence[str]
    memory_gib: float = 0.0

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
    lines = [f"{'at once':>8}{'threads each':>14}{'seconds':>10}{'trials/hour':>13}{'by one':>9}{'GiB':>7}  same bits"]
    for packed in found:
        same = set(packed.digests) == set(alone.digests)
        bits = ("yes" if same else "NO") if packed.threads == alone.threads else "other threads, other bits"
        seconds = statistics.median(packed.seconds)
        ratio = packed.hourly / alone.hourly
        measured = f"{packed.trials:8d}{packed.threads:14d}{seconds:10.2f}{packed.hourly:13.1f}{ratio:9.2f}"
        lines.append(f"{measured}{packed.memory_gib:7.1f}  {bits}")
    return lines


# Processes ---------------------------------------------------------------------------------------------------


def work(case: Case, chosen: argparse.Namespace) -> None:
    """Be a trial: train it from the start whenever told to."""
    import torch

    torch.set_num_threads(chosen.threads)
    begin, of_an_epoch = beginning(case, chosen)

    def trial() -> dict[str, Any]:
        return {"digest": trained(begin(), of_an_epoch, chosen), "memory": taken_gib(chosen.device)}

    if chosen.device == "cuda":
        trial()  # the first one waits for the device's libraries
    else:
        begin().train_epoch(of_an_epoch)
    serve(trial, [int(core) for core in chosen.cores.split(",")] if chosen.cores else [])


def beginning(case: Case, chosen: argparse.Namespace) -> tuple[Callable[[], Training], dict[str, Any]]:
    """Return what begins a trial, on images that are decoded now, and the settings of its epochs."""
    from benchmarks.loops import settings_of
    from benchmarks.photos import decoded
    from benchmarks.training import photographs
    from classifier.training import Training

    fixed, of_an_epoch = settings_of(case, chosen.precision, chosen.recorded)
    with tempfile.TemporaryDirectory(prefix="packing-") as name:
        data = decoded(photographs(case, images_of(case, chosen), chosen.drawn, Path(name)), case.size)
    return lambda: Training(fixed, data, chosen.threads or 1, chosen.device), of_an_epoch


def trained(training: Training, of_an_epoch: Mapping[str, Any], chosen: argparse.Namespace) -> str:
    """Train the epochs of a trial; return a digest of all it came to."""
    from benchmarks.factorial import digest

    rows = [training.train_epoch(of_an_epoch) for _ in range(chosen.epochs)]
    return hashlib.sha256("".join(map(digest, rows)).encode() + training.save()).hexdigest()[:16]


def taken_gib(device: str) -> float:
    """Return what is taken of a GPU's memory, by all that runs there; 0 of the CPU."""
    import torch

    if device == "cpu":
        return 0.0
    free, total = torch.cuda.mem_get_info()
    return (total - free) / 2**30


def placed(trials: int, threads: int, cores: Sequence[int]) -> list[Sequence[int]]:
    """Return the cores of each trial: `threads` of its own, in turn where there are too few."""
    return [[cores[(trial * threads + one) % len(cores)] for one in range(threads)] for trial in range(trials)]


def at_once(processes: Sequence[Turn]) -> tuple[float, list[str], float]:
    """Let all of them train a trial at once; return the seconds until the last is done, digests, and the most GiB."""
    began = time.perf_counter()
    for process in processes:
        process.tell()
    answers = [process.answer() for process in processes]
    seconds = time.perf_counter() - began
    return seconds, [answer["digest"] for answer in answers], max(answer["memory"] for answer in answers)


def numbers(chosen: argparse.Namespace) -> list[int]:
    """Return how many trials are at once, each number in turn: one alone comes first."""
    return sorted({1, *chosen.at_once})


def measure(
    case: Case,
    chosen: argparse.Namespace,
    arguments: list[str],
    environment: Mapping[str, str],
    known: Callable[[Sequence[Packed]], None] = lambda packed: None,
) -> list[Packed]:
    """Train each number of trials at once, in turns; whoever asks is told of each figure."""
    cores = harness.cores()
    plans = [(trials, 1) for trials in numbers(chosen)]
    if chosen.device == "cpu" and len(cores) > 1:
        plans.append((1, len(cores)))
    seconds: dict[tuple[int, int], list[float]] = {plan: [] for plan in plans}
    digests: dict[tuple[int, int], list[str]] = {plan: [] for plan in plans}
    memory = dict.fromkeys(plans, 0.0)
    own = ["-m", "benchmarks.packing", *arguments, "--model", case.name]
    for repeat in range(chosen.repeat):
        for trials, threads in plans if repeat % 2 == 0 else reversed(plans):
            pinned = placed(trials, threads, cores) if chosen.device == "cpu" else [[]] * trials
            commands = {
                f"trial {number}": [*own, "--trial", "--threads", str(threads), "--cores", ",".join(map(str, given))]
                for number, given in enumerate(pinned)
            }
            with turns(commands, environment) as processes:
                took, what, gib = at_once(list(processes.values()))
            seconds[trials, threads].append(took)
            digests[trials, threads] += what
            memory[trials, threads] = max(memory[trials, threads], gib)
            print(f"  repeat {repeat + 1}, {trials} at once, {threads} threads: {took:.1f} s", file=sys.stderr)
            known([Packed(*plan, seconds[plan], digests[plan], memory[plan]) for plan in plans if seconds[plan]])
    return [Packed(*plan, seconds[plan], digests[plan], memory[plan]) for plan in plans]


# One process -------------------------------------------------------------------------------------------------


def together(case: Case, chosen: argparse.Namespace) -> Iterator[Packed]:
    """Train each number of trials at once in this process; yield the figures of one number after the other."""
    from benchmarks.loops import Beside, side_by_side

    begin, of_an_epoch = beginning(case, chosen)
    train = partial(trained, of_an_epoch=of_an_epoch, chosen=chosen)
    for trials in numbers(chosen):
        runs = [Beside(begin(), train, chosen.device) for _ in range(trials)]
        side_by_side(runs)  # steps are recorded, and libraries loaded
        seconds, digests = [], []
        for _ in range(chosen.repeat):
            began = time.perf_counter()
            digests += side_by_side(runs)
            seconds.append(time.perf_counter() - began)
        memory = taken_gib(chosen.device)
        del runs  # before those of the next number begin
        yield Packed(trials, chosen.threads or 1, seconds, digests, memory)


def one_process(
    case: Case, chosen: argparse.Namespace, arguments: list[str], known: Callable[[Sequence[Packed]], None]
) -> list[Packed]:
    """Train each number of trials at once in a process that then ends; whoever asks is told of each figure.

    This process itself takes nothing of the GPU, where what all processes take is measured behind it.
    """
    packed: list[Packed] = []
    command = ["-m", "benchmarks.packing", *arguments, "--model", case.name, "--together"]
    with turns({"one process": command}) as processes:
        for _ in numbers(chosen):
            packed.append(Packed(**processes["one process"].take()))
            known(packed)
            print(f"  {packed[-1].trials} at once in one process: {packed[-1].seconds[-1]:.1f} s", file=sys.stderr)
    return packed


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


# The whole service -------------------------------------------------------------------------------------------

CLASSIFIERS: dict[str, Any] = {
    "workload": "classifier",
    "fixed": {"data": "digits", "data.size": 32, "batch_size": 48, "epochs": 30, "augment.crop": True},
    "space": {
        "model.activation": {"grid": ["relu", "gelu", "silu", "tanh"]},
        "optimizer.lr": {"grid": [0.001, 0.002, 0.003, 0.005, 0.008, 0.01, 0.02, 0.03]},
    },
    "seeds": 8,
    "search": {"objective": {"metric": "val_accuracy", "direction": "maximize"}},
}
"""A study on a GPU: epochs of some 30 ms, and more of them than fit into the seconds."""

TOYS: dict[str, Any] = {
    "workload": "tests.engine.gpu:OnGpu",
    "fixed": {"epochs": 2_000, "stop.rule": "patience", "stop.patience": 2, "best": 15, "host": 0.1, "lr": 0.05},
    "space": {"degree": {"grid": [1, 2, 3, 4]}},
    "search": {"objective": {"metric": "train_loss", "direction": "minimize"}},
}
"""A study of toys on a made-up GPU, which they leave idle."""


def study(chosen: argparse.Namespace) -> int:
    """Run the study in both ways and compare; return how many faults there are."""
    told: dict[str, Any] = {"conditions": harness.conditions({"device": chosen.device})}
    with tempfile.TemporaryDirectory(prefix="study-") as name:
        folder = Path(name)
        space = {**(CLASSIFIERS if chosen.device == "cuda" else TOYS), "resources": "auto"}
        (folder / "study.json").write_text(json.dumps(space))  # which is YAML, too
        for way, more in (("shared", []), ("alone", ["--no-sharing"])):
            began = time.perf_counter()
            command = [sys.executable, "-m", "search", "run", str(folder / "study.json"), *more]
            command += ["--results", str(folder / way)]
            hours = ["--set", f"search.hours={chosen.seconds / 2 / 3600:.6f}"] if chosen.seconds else []
            done = subprocess.run([*command, *hours], cwd=ROOT, check=False)
            told[way] = {"code": done.returncode, "seconds": time.perf_counter() - began, **recorded(folder / way)}
            if chosen.json:
                harness.write(chosen.json, told)
        told |= compared(folder / "shared", folder / "alone")
    if chosen.json:
        harness.write(chosen.json, told)
    faults = study_faults(told)
    print("\n".join([json.dumps(told, indent=1), *faults]), flush=True)
    return len(faults)


def study_faults(told: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a study that was run in both ways."""
    faults = [
        f"{way}: search run ended with code {told[way]['code']}" for way in ("shared", "alone") if told[way]["code"]
    ]
    if not told["shared"]["sharing"]:
        faults.append("shared: nothing was decided on how many trials share the GPU")
    if not told["rows in both"]:
        faults.append("no row is in both, so no bits were compared")
    if told["differing"]:
        faults.append(f"{len(told['differing'])} of {told['rows in both']} rows differ: {told['differing'][:3]}")
    return faults


def recorded(results: Path) -> dict[str, Any]:
    """Return what a study's run recorded of sharing a GPU, and its rows."""
    file = results / "study" / "conditions.json"
    runs = json.loads(file.read_text())["runs"] if file.exists() else []
    sharing = [run["conditions"]["gpu_sharing"] for run in runs if "gpu_sharing" in run["conditions"]]
    return {"sharing": sharing, "rows": len(rows_of(results))}


def rows_of(results: Path) -> dict[tuple[int, int], Any]:
    """Return (trial, epoch) -> row of the one study there; nothing where there is none.

    Not by epoch key: without sharing every trial has its own.
    """
    from search.ledger.ledger import Ledger

    if not (results / "search.db").exists():
        return {}
    ledger = Ledger(str(results / "search.db"))
    try:
        [record] = ledger.studies()
        paths = {trial: path for trial, (path, _) in ledger.paths(record.id).items()}
        keys = dict.fromkeys(key for path in paths.values() for key in path)
        rows = ledger.rows(list(keys), predictions=True, scores=True)
        places = {(trial, place + 1): key for trial, path in paths.items() for place, key in enumerate(path)}
        return {place: rows[key].row for place, key in places.items() if key in rows}
    finally:
        ledger.close()


def compared(one: Path, other: Path) -> dict[str, Any]:
    """Compare the rows of two results folders, to the bit."""
    ours, theirs = rows_of(one), rows_of(other)
    both = {place: ours[place].differences(theirs[place]) for place in ours if place in theirs}
    differing = [f"trial {trial}, epoch {epoch}: {', '.join(names)}" for (trial, epoch), names in both.items() if names]
    return {"rows in both": len(both), "differing": differing}


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
    parser.add_argument("--recorded", action="store_true", help="record steps and replay them")
    parser.add_argument("--one-process", action="store_true", help="first so many trials in one process")
    parser.add_argument("--mps", action="store_true", help="on a GPU, also through NVIDIA's Multi-Process Service")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--drawn", action="store_true", help="photographs of nothing, also where there are real ones")
    for hidden in ("--threads", "--cores"):
        parser.add_argument(hidden, type=int if hidden == "--threads" else str, help=argparse.SUPPRESS)
    for hidden in ("--trial", "--together"):
        parser.add_argument(hidden, action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--study", action="store_true", help="a study through the whole service, in both ways")
    parser.add_argument("--seconds", type=float, default=0.0, help="of the study, in both ways together; 0: to the end")
    return parser


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = options()
    chosen = parser.parse_args(arguments)
    if min([1, *chosen.at_once]) < 1 or chosen.epochs < 1 or chosen.repeat < 1:
        parser.error("at least 1 trial at once, 1 epoch and 1 repeat")
    case = CASES[chosen.model]
    if chosen.trial:
        work(case, chosen)
        return 0
    if chosen.together:
        figures = together(case, chosen)
        serve(lambda: vars(next(figures)))
        return 0
    if chosen.study:
        return min(1, study(chosen))
    trial = f"{chosen.epochs} epochs of {images_of(case, chosen):,} images, {case.name} at {case.size} px"
    told = harness.conditions({"device": chosen.device, "each trial": f"{trial}, {chosen.precision}"})
    print("\n".join(line for line in [*told, harness.busy()] if line), flush=True)
    processes(case, chosen, arguments, told)
    return 0


def processes(case: Case, chosen: argparse.Namespace, arguments: list[str], told: Sequence[str]) -> None:
    """Measure trials as processes and print them, without and with the service that shares a GPU."""
    figures: dict[str, list[Any]] = {}

    def keep(way: str) -> Callable[[Sequence[Packed]], None]:
        def kept(packed: Sequence[Packed]) -> None:
            figures[way] = [vars(each) for each in packed]
            if chosen.json:
                harness.write(chosen.json, {"conditions": told, "processes": figures})

        return kept

    if chosen.one_process:
        shared = one_process(case, chosen, arguments, keep("one process"))
        print("\none process\n" + "\n".join(table(shared)), flush=True)
    plain = measure(case, chosen, arguments, {}, keep("apart"))
    print("\nprocesses\n" + "\n".join(table(plain)), flush=True)
    if chosen.mps and chosen.device == "cuda":
        try:
            with mps() as environment:
                shared = measure(case, chosen, arguments, environment, keep("mps"))
        except (RuntimeError, subprocess.SubprocessError) as error:
            print(f"\nprocesses with MPS: left out: {error}", flush=True)
        else:
            print("\nprocesses with MPS\n" + "\n".join(table([plain[0], *shared])), flush=True)


if __name__ == "__main__":
    sys.exit(main())
