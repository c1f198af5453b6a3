"""The same epochs in two ways, an epoch in turn: what something saves or costs. Ratios are medians over the repeats.

    python -m benchmarks.epochs memory [--models resnet18 model_c] [--precisions fp32 bf16] [--size N] [--images N]
                                       [--threads N] [--repeat 5]
    python -m benchmarks.epochs adapter [--repeat 100]
    python -m benchmarks.epochs start [--models resnet18 model_c] [--device cpu] [--leases 10] [--whole] [--json FILE]
    python -m benchmarks.epochs fused [--models resnet18 model_c] [--device cuda] [--size N] [--images N]
                                      [--repeat 100] [--json FILE]
    python -m benchmarks.epochs served [--viewers 20] [--epochs 40] [--repeat 5]

*memory*: what it saves on a CPU that memory stays with the process. `classifier.process` tells glibc to keep what a
batch gives back. Here one process does so and another does not; each trains the cases of `benchmarks.training`, drawn
images instead of photographs. Printed are the milliseconds of a step, of wall-clock and of processor time, page faults
per step, the most memory a process ever had, and whether both have trained the same bits.

*adapter*: what the adapter of PyTorch scripts costs. One process trains epochs of `examples/digits_torch.py`, another
those of the untouched original, whose `range` is put off between epochs until it is its turn; each on one thread. An
epoch has four passes over the digits, about a tenth of a second.

*start*: seconds from a lease to its first batch, of the first and the last lease that a worker serves, as
`search.engine.worker.process` serves them: on a CPU each in a fork, on a GPU all in one process. Its data are images of
flowers-102 swapped and of flowers-17, from `SEARCH_DATA`, or a folder of drawn ones, and are decoded before. With
--whole each trains a whole epoch in one process, eager and recorded. Printed are the seconds of the first lease and of
the last one, and what stays behind: runs that nobody holds and that live all the same, machineries of recorded steps
(one is kept for the next run), and memory of the GPU (on a CPU, of the process).

*fused*: what the kernels of `classifier.fused` save. A batch of random pixels is augmented and normalised, by them and
by PyTorch's operations in turn, eager and recorded, with the augmentation of the case, and with that and all of the
colours. Printed are the milliseconds of a batch and the largest difference. Without a GPU it needs TRITON_INTERPRET=1
in the environment, and its times say nothing.

*served*: what `serve` costs the study that it runs. A study of four trials on the digits is run by `run` alone, and
below a server whose page of it so many viewers watch, in turns; each time into a new folder. Its seconds are those on
record, by the clock. Printed are these, their ratio, and the share of a core that the server took while it was watched.
The viewers, in a process of their own, run on the same machine.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import harness
from benchmarks.harness import serve, turns
from benchmarks.photos import decoded, drawn
from benchmarks.rates import CASES, Case, rounded
from classifier.workload import ClassifierWorkload

KEPT, RETURNED = "kept", "returned"
PASSES = 4
ALONE, WATCHED = "alone", "watched"
DIGITS = """name: digits
workload: classifier
fixed: {{epochs: {epochs}, data: digits}}
space: {{optimizer.lr: {{grid: [0.005, 0.05]}}}}
seeds: [0, 1]
"""
SCRIPT_SIDES = ADAPTER, ORIGINAL = "adapter", "original"


def work(name: str, precision: str, kept: bool, chosen: argparse.Namespace) -> None:
    """Be a side: train an epoch whenever told to."""
    from benchmarks.loops import settings_of
    from classifier import process
    from classifier.training import Training

    if not kept:
        process._keep_memory = lambda: None
    case = CASES[name]
    size = chosen.size or case.size
    images = rounded(chosen.images or case.images["cpu"], case.batch)
    fixed, of_an_epoch = settings_of(case, precision)
    with tempfile.TemporaryDirectory(prefix="memory-") as folder:
        data = decoded(drawn(case.data, images, Path(folder)), size)
    training = Training(fixed, data, chosen.threads, "cpu")
    training.train_epoch(of_an_epoch)

    def timed() -> dict[str, float | str]:
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        training.train_epoch(of_an_epoch)
        seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
        steps = images / case.batch
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {
            "wall": 1000 * seconds / steps,
            "processor": 1000 * used / steps,
            "faults": (after.ru_minflt - before.ru_minflt) / steps,
            "most": after.ru_maxrss / 1024,
            "bits": hashlib.sha256(training.save()).hexdigest()[:12],
        }

    serve(timed)


def measure(name: str, precision: str, chosen: argparse.Namespace, arguments: list[str]) -> None:
    """Let both sides take turns; print what they took."""
    own = ["-m", "benchmarks.epochs", "memory", *arguments, "--models", name, "--precisions", precision, "--side"]
    with turns({side: [*own, side] for side in (KEPT, RETURNED)}) as sides:
        epochs_of: dict[str, list[dict[str, float | str]]] = {side: [] for side in sides}
        for repeat in range(chosen.repeat):
            for side in (KEPT, RETURNED) if repeat % 2 == 0 else (RETURNED, KEPT):
                epochs_of[side].append(sides[side].take())
    print(f"\n{name}, {precision}\n{'':10}{'ms a step':>12}{'processor ms':>14}{'faults a step':>15}{'most MB':>10}")
    for side, epochs in epochs_of.items():
        wall, used, faults, most = (_middle(epochs, figure) for figure in ("wall", "processor", "faults", "most"))
        print(f"{side:10}{wall:12.1f}{used:14.1f}{faults:15,.0f}{most:10,.0f}")
    pairs = list(zip(epochs_of[RETURNED], epochs_of[KEPT], strict=True))
    ratios = {
        of: statistics.median(float(old[figure]) / float(new[figure]) for old, new in pairs)
        for of, figure in (("wall-clock", "wall"), ("processor time", "processor"))
    }
    bits = "equal" if all(old["bits"] == new["bits"] for old, new in pairs) else "DIFFER"
    print(f"returned by kept: {', '.join(f'{ratio:.3f} of {of}' for of, ratio in ratios.items())}; bits {bits}")


def _middle(epochs: list[dict[str, float | str]], figure: str) -> float:
    return statistics.median(float(epoch[figure]) for epoch in epochs)


def scripted() -> None:
    """Be the side that trains through the adapter."""
    from examples import digits_torch

    script = longer(digits_torch).main
    fixed, (now,) = script.schedule(script.canonical({"seed": 0}), 1)
    training = script.start(fixed, 1, 0)
    training.train_epoch(now)

    def timed() -> dict[str, float]:
        began = clocks()
        training.train_epoch(now)
        return since(began)

    serve(timed)


def untouched() -> None:
    """Be the side that trains the original."""
    import torch

    from examples.originals import digits_torch as original

    def turned(_: int) -> Iterator[int]:
        yield 0
        print(harness.READY, flush=True)
        for _ in sys.stdin:
            began = clocks()
            yield 1
            print(json.dumps(since(began)), flush=True)

    torch.set_num_threads(1)
    vars(longer(original))["range"] = turned
    original.main()


def longer(module: ModuleType) -> ModuleType:
    """Let each epoch of a script pass over its training data several times."""
    loader = module.DataLoader

    def passes(*data: Any, **loading: Any) -> Iterator[Any]:
        for _ in range(PASSES):
            yield from loader(*data, **loading)

    vars(module)["DataLoader"] = passes
    return module


def clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def since(began: tuple[float, float]) -> dict[str, float]:
    """Return the milliseconds of wall-clock and of processor time since then."""
    wall, used = clocks()
    return {"wall": 1000 * (wall - began[0]), "processor": 1000 * (used - began[1])}


def compare(repeat: int) -> None:
    """Let the script and its original take turns; print what an epoch took."""
    with turns({side: ["-m", "benchmarks.epochs", "adapter", "--side", side] for side in SCRIPT_SIDES}) as sides:
        epochs_of: dict[str, list[dict[str, float | str]]] = {side: [] for side in sides}
        for number in range(repeat):
            for side in SCRIPT_SIDES if number % 2 == 0 else SCRIPT_SIDES[::-1]:
                epochs_of[side].append(sides[side].take())
    print(f"\n{'':10}{'ms an epoch':>12}{'processor ms':>14}")
    for side, epochs in epochs_of.items():
        print(f"{side:10}{_middle(epochs, 'wall'):12.1f}{_middle(epochs, 'processor'):14.1f}")
    pairs = list(zip(epochs_of[ADAPTER], epochs_of[ORIGINAL], strict=True))
    ratios = {
        of: statistics.median(float(ours[figure]) / float(theirs[figure]) for ours, theirs in pairs)
        for of, figure in (("wall-clock", "wall"), ("processor time", "processor"))
    }
    print(f"adapter by original: {', '.join(f'{ratio:.3f} of {of}' for of, ratio in ratios.items())}")


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
        setup = WorkerSetup("benchmarks.epochs:FirstBatch", 1, gpus)
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


COLOURS = {f"augment.{name}": 0.4 for name in ("brightness", "contrast", "saturation")} | {"augment.hue": 0.1}


def augmented(case: Case, colours: bool, chosen: argparse.Namespace) -> dict[str, Any]:
    """Return the milliseconds in which a batch is augmented and normalised, in each way, and how they differ."""
    import torch

    from benchmarks.loops import wait
    from classifier import fused
    from classifier.augment import Augmentation
    from classifier.inputs import CONSTANTS
    from classifier.network import Network
    from classifier.steps import STEPS_BEFORE_RECORDING, Graphed

    device, size, images = torch.device(chosen.device), chosen.size or case.size, chosen.images or case.batch
    augmentation = Augmentation({**case.settings, **(COLOURS if colours else {})}, 0, 1, images)
    batch = torch.randint(256, (images, 3, size, size), dtype=torch.uint8, device=device)
    batch = batch.contiguous(memory_format=torch.channels_last)
    rows = augmentation.rows(torch.arange(images, device=device), size, size)
    columns, kinds = augmentation._parameters(device, size, size)[1], frozenset(augmentation.keys) - {"hue"}
    means, deviations = (torch.tensor(values, device=device) for values in CONSTANTS["cifar10"])
    network = Network(torch.nn.Identity(), CONSTANTS["cifar10"], "fp32", device)

    def torchs(batch: Any, rows: Any) -> Any:
        return network.normalise(augmentation.change(batch, rows))

    def ours(batch: Any, rows: Any) -> Any:
        return fused.changed(batch, rows, columns, kinds, means, deviations)

    difference = (torchs(batch, rows) - ours(batch, rows)).abs().max().item()
    ways = {"PyTorch": torchs, "fused": ours, "PyTorch, recorded": Graphed(torchs), "fused, recorded": Graphed(ours)}
    milliseconds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(STEPS_BEFORE_RECORDING + 1 + chosen.repeat):
        for way, change in ways.items():
            wait(chosen.device)
            began = time.perf_counter()
            change(batch, rows)
            wait(chosen.device)
            if number > STEPS_BEFORE_RECORDING:
                milliseconds[way].append(1000 * (time.perf_counter() - began))
    medians = {way: statistics.median(taken) for way, taken in milliseconds.items()}
    return {"case": case.name, "colours": colours, "ms": medians, "difference": difference}


def kernels(chosen: argparse.Namespace) -> int:
    """Print what fused kernels save; return 0."""
    lines = harness.conditions({"device": chosen.device})
    print("\n".join(lines), f"\n\n{'ms a batch':20}{'differ by':>11}", end="")
    figures = []
    for name, colours in [(name, colours) for name in chosen.models for colours in (False, True)]:
        figures.append(augmented(CASES[name], colours, chosen))
        taken, what = figures[-1]["ms"], f"{name}{', colours' if colours else ''}"
        if len(figures) == 1:
            print("".join(f"{way:>19}" for way in taken))
        columns = "".join(f"{milliseconds:19.3f}" for milliseconds in taken.values())
        print(f"{what:20}{figures[-1]['difference']:11.1e}{columns}", flush=True)
        if chosen.json:
            harness.write(chosen.json, {"conditions": lines, "fused": figures})
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


def served(chosen: argparse.Namespace) -> int:
    """Run a study alone and below a server that is watched, in turns; print what they took."""
    seconds: dict[str, list[float]] = {ALONE: [], WATCHED: []}
    shares = []
    for repeat in range(chosen.repeat):
        for side in (ALONE, WATCHED) if repeat % 2 == 0 else (WATCHED, ALONE):
            with tempfile.TemporaryDirectory(prefix="served-") as folder:
                file, results = Path(folder) / "digits.yaml", Path(folder) / "results"
                file.write_text(DIGITS.format(epochs=chosen.epochs))
                if side == ALONE:
                    command = [sys.executable, "-m", "search", "run", str(file), "--results", str(results)]
                    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                else:
                    shares.append(_watched(file, results, chosen.viewers))
                seconds[side].append(_on_record(results))
    for side, taken in seconds.items():
        print(f"{side:10}{statistics.median(taken):10.2f} s")
    ratios = [after / before for before, after in zip(seconds[ALONE], seconds[WATCHED], strict=True)]
    print(f"watched by alone: {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
    print(f"the server took {100 * statistics.median(shares):.1f} % of a core, with {chosen.viewers} viewers")
    return 0


def _on_record(results: Path) -> float:
    """Return the seconds that the run of a folder took."""
    from search.ledger.ledger import Ledger

    ledger = Ledger(str(results / "search.db"))
    try:
        return float(ledger.runs()[-1]["seconds"])
    finally:
        ledger.close()


def _watched(file: Path, results: Path, viewers: int) -> float:
    """Run a study below a server with viewers; return the share of a core that the server took."""
    from search.service.client import Client

    command = [sys.executable, "-u", "-m", "search", "serve", "--port", "0", "--results", str(results)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().partition(" at ")[2].split()[0]
            client = Client(url)
            number = client.ask("POST", "/entries", {"text": file.read_text(), "name": "digits"})["id"]
            page = f"{url}/entries/{number}/events?phase=running&from=0"
            while client.ask("GET", f"/entries/{number}")["phase"] == "queued":
                time.sleep(0.1)
            began, before = time.perf_counter(), _processor_s(server.pid)
            audience = [sys.executable, "-m", "benchmarks.epochs", "served", "--page", page, "--viewers", str(viewers)]
            subprocess.run(audience, check=True)  # until the study has ended
            share = (_processor_s(server.pid) - before) / (time.perf_counter() - began)
            assert client.ask("GET", f"/entries/{number}")["outcome"] == "done"
        finally:
            server.terminate()
    return share


def _processor_s(pid: int) -> float:
    """Return the seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def view(page: str, viewers: int) -> None:
    """Be so many viewers of a page, until it has ended."""

    def look() -> None:
        with urllib.request.urlopen(page, timeout=3600) as stream:
            while stream.readline():
                pass

    threads = [threading.Thread(target=look) for _ in range(viewers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m benchmarks.epochs", description=(__doc__ or "").splitlines()[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    memory = kinds.add_parser("memory")
    memory.add_argument("--models", nargs="+", choices=list(CASES), default=list(CASES))
    memory.add_argument("--precisions", nargs="+", choices=["fp32", "bf16"], default=["fp32", "bf16"])
    memory.add_argument("--size", type=int, help="of the images, in pixels; as in benchmarks.training where not given")
    memory.add_argument("--images", type=int, help="per epoch, cut to whole batches")
    memory.add_argument("--threads", type=int, default=len(harness.cores()))
    memory.add_argument("--repeat", type=int, default=5)
    memory.add_argument("--side", choices=[KEPT, RETURNED], help=argparse.SUPPRESS)
    adapter = kinds.add_parser("adapter")
    adapter.add_argument("--repeat", type=int, default=100)
    adapter.add_argument("--side", choices=SCRIPT_SIDES, help=argparse.SUPPRESS)
    start = kinds.add_parser("start")
    start.add_argument("--models", nargs="+", choices=list(CASES), default=list(CASES))
    start.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    start.add_argument("--size", type=int, help="of the images, in pixels")
    start.add_argument("--leases", type=int, default=10)
    start.add_argument("--whole", action="store_true", help="whole epochs in one process, and what they leave behind")
    start.add_argument("--json", type=Path, help="also write the figures there")
    kernel = kinds.add_parser("fused")
    kernel.add_argument("--models", nargs="+", choices=list(CASES), default=list(CASES))
    kernel.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    kernel.add_argument("--size", type=int, help="of the images, in pixels")
    kernel.add_argument("--images", type=int, help="of a batch; as the case has it where not given")
    kernel.add_argument("--repeat", type=int, default=100)
    kernel.add_argument("--json", type=Path, help="also write the figures there")
    watched = kinds.add_parser("served")
    watched.add_argument("--viewers", type=int, default=20)
    watched.add_argument("--epochs", type=int, default=40)
    watched.add_argument("--repeat", type=int, default=5)
    watched.add_argument("--page", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.kind == "served":
        if chosen.page:
            view(chosen.page, chosen.viewers)
            return 0
        lines = [*harness.conditions({"viewers": chosen.viewers}), harness.busy()]
        print("\n".join(line for line in lines if line), flush=True)
        return served(chosen)
    if chosen.kind == "fused":
        return kernels(chosen)
    if chosen.kind == "start":
        return min(1, starts(chosen))
    if chosen.side and chosen.kind == "adapter":
        scripted() if chosen.side == ADAPTER else untouched()
        return 0
    if chosen.side:
        work(chosen.models[0], chosen.precisions[0], chosen.side == KEPT, chosen)
        return 0
    threads = 1 if chosen.kind == "adapter" else chosen.threads
    lines = [*harness.conditions({"each side": f"{threads} thread{'s' * (threads > 1)}"}), harness.busy()]
    print("\n".join(line for line in lines if line), flush=True)
    if chosen.kind == "adapter":
        compare(chosen.repeat)
    else:
        for name in chosen.models:
            for precision in chosen.precisions:
                measure(name, precision, chosen, arguments[1:])
    print(f"\nload after: {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
