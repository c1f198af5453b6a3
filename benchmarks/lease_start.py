"""Seconds from a lease to its first batch, of the first and the last lease that a worker serves, as
`search.engine.worker.process` serves them: on a CPU each in a fork, on a GPU all in one process. Its data are images of
flowers-102 swapped and of flowers-17, from `SEARCH_DATA`, or a folder of drawn ones, and are decoded before. With
--whole each trains a whole epoch in one process, eager and recorded. Printed are the seconds of the first lease and of
the last one, and what stays behind: runs that nobody holds and that live all the same, machineries of recorded steps
(one is kept for the next run), and memory of the GPU (on a CPU, of the process).
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import statistics
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import harness
from benchmarks.photos import drawn
from benchmarks.rates import CASES
from classifier.workload import ClassifierWorkload


def first_batches(name: str, chosen: argparse.Namespace) -> dict[str, Any]:
    """Return the seconds from each of several leases of one worker to its first batch."""
    from classifier import config
    from search.engine.decide.lease import Lease, WorkerSetup
    from search.engine.worker import process
    from search.engine.worker.place import execution_class, prepare, verify_data

    case, gpus = CASES[name], float(chosen.device == "cuda")
    with tempfile.TemporaryDirectory(prefix="start-") as folder:
        data = source(case.data, Path(folder))
        told = {**case.settings, **data, "data.size": chosen.size or case.size, "model.name": case.name}
        told = {"batch_size": case.batch, **told, "input.normalise": "train", "seed": 0}
        fixed, [of_an_epoch] = config.schedule(config.canonical(told), 1)
        setup = WorkerSetup("benchmarks.lease_start:FirstBatch", 1, gpus)
        setup = replace(setup, execution_class=execution_class(setup))
        card = prepare(setup).data(fixed)
        lease = Lease(0, 0, fixed, [of_an_epoch], ["00"], data=card.fingerprint if card is not None else "")
        process.make_warm(setup)
        seconds = []
        for _ in range(chosen.leases):
            began = time.monotonic()
            if process.has_own(lease, setup):
                with process.fresh(setup, lease) as run:
                    verify_data(setup, lease, run.data)
                    run.start(fixed, 1, gpus)
                    reached = run.train_epoch(of_an_epoch)["reached"]
            else:
                verify_data(setup, lease)
                reached = prepare(setup).start(fixed, 1, gpus).train_epoch(of_an_epoch)["reached"]
            seconds.append(float(reached) - began)  # type: ignore[arg-type]
        process._warm.pop(setup.workload).close()
    return {"case": name, "seconds": seconds}


def leaks(name: str, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Return what leases that follow one another in one process leave behind, with each kind of steps."""
    import torch

    from classifier.workload import workload

    case, gpus, found = CASES[name], float(chosen.device == "cuda"), []
    with tempfile.TemporaryDirectory(prefix="leaks-") as folder:
        told = {"batch_size": case.batch, **case.settings, **source(case.data, Path(folder)), "seed": 0}
        told |= {"data.size": chosen.size or case.size, "model.name": case.name}
        for graphs in (False, True):
            fixed, [now] = workload.schedule(workload.canonical({**told, "cuda_graphs": graphs}), 1)
            held: list[int] = []
            seconds: list[float] = []
            alive: list[weakref.ref[Any]] = []
            machineries: weakref.WeakSet[Any] = weakref.WeakSet()
            gc.collect()
            gc.disable()  # so that nothing is freed later than at once
            for _ in range(chosen.leases):
                began = time.monotonic()
                run = workload.start(fixed, 1, gpus)
                run.train_epoch(now)
                seconds.append(time.monotonic() - began)
                alive.append(weakref.ref(run))
                machineries.add(run._machinery)
                del run
                held.append(torch.cuda.memory_reserved() if gpus else resident_bytes())
            gc.enable()
            living = sum(one() is not None for one in alive)
            stay = {"alive": living, "kept": len(machineries), "bytes": held}
            found.append({"case": name, "recorded": graphs, "leases": chosen.leases, **stay, "seconds": seconds})
    return found


def resident_bytes() -> int:
    """Return the memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def leaked(chosen: argparse.Namespace, lines: Sequence[str]) -> int:
    """Print what leases leave behind; return how many runs live on, and machineries beside the one that is kept."""
    last = f"{chosen.leases}"
    columns = f"{'runs alive':>12}{'kept':>6}{'MB, first':>12}{f'MB, {last}':>10}{'s, first':>10}{f's, {last}':>8}"
    print(f"\n{'behind its lease':24}{columns}")
    figures: list[dict[str, Any]] = []
    for name in chosen.models:
        figures += leaks(name, chosen)
        for of in figures[-2:]:
            kind, held, seconds = "recorded" if of["recorded"] else "eager", of["bytes"], of["seconds"]
            memory = f"{held[0] / 1e6:12.0f}{held[-1] / 1e6:10.0f}"
            took = f"{seconds[0]:10.2f}{seconds[-1]:8.2f}"
            print(f"{f'{name}, {kind}':24}{of['alive']:12}{of['kept']:6}{memory}{took}", flush=True)
        if chosen.json:
            harness.write(chosen.json, {"conditions": lines, "leaks": figures})
    return sum(of["alive"] + max(0, of["kept"] - of["recorded"]) for of in figures)


def starts(chosen: argparse.Namespace) -> int:
    """Print the seconds from a lease to its first batch, or what leases leave behind; return how many are at fault."""
    lines = [*harness.conditions({"device": chosen.device}), harness.busy()]
    print("\n".join(line for line in lines if line), flush=True)
    if chosen.whole:
        return leaked(chosen, lines)
    print(f"\n{'s to the first batch':24}{'first lease':>12}{f'lease {chosen.leases}':>12}{'median':>10}")
    figures = []
    for name in chosen.models:
        figures.append(first_batches(name, chosen))
        seconds = figures[-1]["seconds"]
        print(f"{name:24}{seconds[0]:12.2f}{seconds[-1]:12.2f}{statistics.median(seconds):10.2f}", flush=True)
        if chosen.json:
            harness.write(chosen.json, {"conditions": lines, "starts": figures})
    return 0


def source(name: str, folder: Path) -> dict[str, Any]:
    """Return settings that name the images of a case: real ones, or a few drawn in a folder."""
    named = os.environ.get("SEARCH_DATA")
    if named and (Path(named) / name / "jpg").is_dir():
        return {"data": name, **({"data.split": "swapped"} if name == "flowers-102" else {})}
    photos = drawn(name, 192, folder / "all")
    for number, path in enumerate(sorted(set(photos.paths))):
        place = folder / "classes" / f"{number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        path.rename(place / path.name)
    return {"data": str(folder / "classes"), "batch_size": 16}


class FirstBatch(ClassifierWorkload):
    """The classifier, but its runs end an epoch behind its first batch, and their row says when that was."""

    def start(self, fixed: Mapping[str, Any], cpus: int, gpus: float) -> Any:
        """Begin such a run."""
        from benchmarks.loops import wait

        class Reached(Exception):
            """The first batch is done."""

        run: Any = super().start(fixed, cpus, gpus)
        step_of, whole = run._step, run.train_epoch

        def once(*arguments: Any) -> Any:
            step = step_of(*arguments)

            def first(*tensors: Any) -> None:
                step(*tensors)
                wait("cuda" if gpus else "cpu")
                raise Reached

            return first

        def train_epoch(settings: Mapping[str, Any]) -> dict[str, float]:
            run._step = once
            with suppress(Reached):
                whole(settings)
            return {"reached": time.monotonic()}

        run.train_epoch = train_epoch
        return run
