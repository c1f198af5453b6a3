"""A factorial of image classifiers: ours against plain Ray Tune, in epochs and in time.

    python -m benchmarks.sharing [SPACE] [--set KEY=VALUE] [--repeats 1] [--short | --service]

SPACE is a grid (default: `spaces/factorial_small.yaml`). The sides, each a process of its own with a folder of its own,
one after the other on the same machine; the order turns round with each repeat:

    ours                    `search.run`, as `python -m search run` does it: ledger, mirror, results folder, lines
    plain Ray Tune          `benchmarks.factorial`: what Ray's documentation shows, `tune.grid_search` over all
                            axes, a function trainable, a Stopper for generalisation loss, one CPU per trial, defaults
    plain Ray Tune, tuned   the same with `reuse_actors=True` and without file loggers
    ours, --no-sharing      the same as ours, every trial trained alone; what remains against it is sharing alone

`--short` leaves out the last two; `--service` leaves out the first two, and prints what the service itself costs: ours
without sharing by the tuned side, of each repeat. All sides train with the same code, `benchmarks.factorial`, which
counts epochs as they are trained. The baseline is the one with stop rules: it trains no epoch behind the one that ends
a trial. For all, Ray listens on loopback only and reports no usage.

The sides must agree to the last bit, or the command fails: in the length of each trial, in all metrics of its last
epoch, and in the set of all rows trained, predictions included.

How to read it. *Epochs* are those really trained; *different* ones are rows that differ in at least one bit. *Wall* is
the whole command, imports and Ray's start and end and all; *without Ray's start* is less `ray.init` and `ray.shutdown`.
*ms per epoch* is what an epoch took in its process: where it differs between sides, the machine was not equally free.
Ray gives its workers a niceness of 15, so beside other programs they starve: times count on an idle machine alone.
The ratio in time divides twice: into the ratio of epochs and the rest (above 1: an epoch costs less beside its training
with us), and, by way of `--no-sharing`, into what the same service saves by sharing and what the service itself costs.
Of several repeats the one whose ratio in time is the median is shown. The last line says which targets hold.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import factorial, harness
from benchmarks.shares import ALONE, OURS, PLAIN, SIDES, TUNED, Side, Trial, differences, ratios, table, targets

if TYPE_CHECKING:
    from search.space.model import Space


def space_of(file: str, sets: Mapping[str, str]) -> Space:
    """Read the space, with the workload that counts.

    Raises:
        SystemExit: it is no grid, or its trials end by another rule than the plain side knows.
    """
    from search.space.model import Grid
    from search.space.reader import read_space

    space = read_space(file, {**sets, "workload": "benchmarks.factorial:Counted"})
    listed = all(isinstance(axis.domain, Grid) and axis.when is None for axis in space.axes)
    if not listed or space.search.sampler != "grid" or space.search.asha is not None:
        raise SystemExit(f"{file}: the plain side knows grids without conditions and pruning; choose another file")
    options = [option for axis in options_of(space).values() for option in axis]
    if any("epochs" in option for option in options):
        raise SystemExit(f"{file}: the plain side knows trials of one length; choose another file")
    rules = {settings.get("stop.rule", "none") for settings in (space.fixed, *options)}
    if not rules <= {"none", "generalisation_loss"}:
        raise SystemExit(f"{file}: the plain side knows the stop rule generalisation_loss; choose another file")
    return space


def options_of(space: Space) -> dict[str, list[dict[str, Any]]]:
    """Return axis -> settings of each of its options, where it lists them."""
    values = {axis.name: getattr(axis.domain, "values", ()) for axis in space.axes}
    return {axis.name: [dict(axis.settings(value)) for value in values[axis.name]] for axis in space.axes}


def fixed_of(space: Space) -> dict[str, Any]:
    """Return the settings of all trials, with the default of alpha where a rule is set and no alpha."""
    from search.space.service import SERVICE_SETTINGS

    fixed = {name: value for name, value in space.fixed.items() if name != "epochs"}
    return {"stop.alpha": SERVICE_SETTINGS["stop.alpha"]["default"], **fixed}


def name_of(options: Mapping[str, Mapping[str, Any]], seed: int) -> str:
    """Return what stands for a trial on all sides: the settings of its options, and its seed."""
    return json.dumps([{name: dict(option) for name, option in options.items()}, seed], sort_keys=True)


# One side, in a process of its own ---------------------------------------------------------------------------


def timed_starts() -> dict[str, float]:
    """Import Ray, listening on loopback only and reporting no usage, and time its start and end from now on.

    Returns:
        ``ray.init`` and ``ray.shutdown`` -> seconds spent in them; grows with every call.
    """
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    spent = {"ray.init": 0.0, "ray.shutdown": 0.0}

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            before = time.monotonic()
            try:
                return function(*args, **options)
            finally:
                spent[name] += time.monotonic() - before

        return call

    ray.init, ray.shutdown = timed("ray.init", ray.init), timed("ray.shutdown", ray.shutdown)
    return spent


def work(side: str, space: Space, folder: Path) -> dict[str, Any]:
    """Run one side and return what was found in its process."""
    if side == TUNED:
        os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
    spent = timed_starts()
    found = _ours(space, folder, side == OURS) if side in (OURS, ALONE) else _plain(space, folder, side == TUNED)
    return {**found, "start": sum(spent.values())}


def _ours(space: Space, folder: Path, sharing: bool) -> dict[str, Any]:
    from search.api import run
    from search.engine.live import Lines

    study = run(space, results=folder, sharing=sharing, view=Lines())
    trials: dict[str, Any] = {}
    distinct: set[str] = set()
    paths = study.ledger.paths(study.record.id)
    for trial in study.ledger.trials(study.record.id):
        path = paths[trial.number][0][: trial.last_epoch]
        options = {axis.name: axis.settings(trial.parameters[axis.name]) for axis in space.axes}
        stoppable = trial.settings.get("stop.alpha") is not None
        if trial.state.value not in ("finished", "stopped"):
            raise SystemExit(f"trial {trial.number} ended as {trial.state}: {trial.ended_by}")
        if not stoppable:
            distinct.update(path)
        metrics = study.ledger.rows(path[-1:])[path[-1]].row.metrics
        trials[name_of(options, trial.seed)] = {
            "epochs": trial.last_epoch,
            "stoppable": stoppable,
            "metrics": dict(metrics),
        }
    return {"trials": trials, "distinct": len(distinct)}


def _plain(space: Space, folder: Path, tuned: bool) -> dict[str, Any]:
    import ray

    ray.init()
    axes, epochs = options_of(space), space.fixed["epochs"]
    results = factorial.search(fixed_of(space), axes, space.seeds, epochs, str(folder), tuned)
    ray.shutdown()
    trials = {}
    for result in results:
        config, last = result["config"], result["metrics"]
        trials[name_of(config["axes"], config["seed"])] = {
            "epochs": last["training_iteration"],
            "stoppable": factorial.alpha_of(config) is not None,
            "metrics": {name: value for name, value in last.items() if isinstance(value, float)},
        }
    return {"trials": trials}


# All of them -------------------------------------------------------------------------------------------------


def measure(side: str, arguments: list[str]) -> Side:
    """Run one side in a fresh process and folder."""
    with tempfile.TemporaryDirectory(prefix="sharing-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        log, told, epochs = folder / "log.txt", folder / "found.json", folder / "epochs.txt"
        command = [sys.executable, "-m", "benchmarks.sharing", *arguments, "--side", side, "--folder", name]
        environment = {**os.environ, factorial.EPOCHS: str(epochs)}
        before = os.getloadavg()[0]
        with log.open("w") as out:
            began = time.monotonic()
            done = subprocess.run(command, cwd=harness.ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
            wall = time.monotonic() - began
        if done.returncode != 0 or not told.exists():
            raise SystemExit(f"{side} failed:\n{log.read_text()[-3000:]}")
        found = json.loads(told.read_text())
        rows, training = factorial.epochs_of(epochs)
    trials = {name: Trial(**trial) for name, trial in found.pop("trials").items()}
    load = (before, os.getloadavg()[0])
    return Side(trials, rows, training, wall, load=load, **found)


def conditions(space: Space, arguments: list[str]) -> list[str]:
    """Return under which conditions the figures hold."""
    axes = " x ".join(str(len(options)) for options in options_of(space).values())
    trials = space.grid_size() * len(space.seeds)
    return harness.conditions(
        {
            "factorial": f"{' '.join(arguments)}: {axes}, {len(space.seeds)} seeds, {trials} trials",
            "trials": f"{space.fixed['epochs']} epochs each; {trials * space.fixed['epochs']} without stop rules",
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sharing", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("space", nargs="?", default="spaces/factorial_small.yaml")
    parser.add_argument("--set", dest="sets", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--repeats", type=int, default=1)
    fewer = parser.add_mutually_exclusive_group()
    fewer.add_argument("--short", action="store_true", help="only ours and the plain side")
    fewer.add_argument("--service", action="store_true", help="only ours without sharing and the tuned side")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.repeats < 1:
        parser.error("at least 1 repeat")
    if odd := [text for text in chosen.sets if "=" not in text]:
        parser.error(f"--set {odd[0]}: write --set key=value")
    space = space_of(chosen.space, dict(text.split("=", 1) for text in chosen.sets))
    if chosen.side:
        found = work(chosen.side, space, Path(chosen.folder, "results"))
        Path(chosen.folder, "found.json").write_text(json.dumps(found))
        return

    arguments = [chosen.space, *(word for text in chosen.sets for word in ("--set", text))]
    print("\n".join(conditions(space, arguments)), flush=True)
    if busy := harness.busy():
        print(busy, flush=True)
    decode(space)
    names = [OURS, PLAIN] if chosen.short else [TUNED, ALONE] if chosen.service else list(SIDES)
    runs: list[dict[str, Side]] = []
    for repeat in range(chosen.repeats):
        found = {}
        for name in names if repeat % 2 == 0 else reversed(names):
            found[name] = measure(name, arguments)
            print(f"  repeat {repeat + 1}, {name}: {found[name].epochs} epochs, {found[name].wall:.1f} s", flush=True)
        runs.append({name: found[name] for name in names})
    sys.exit(report_service(runs) if chosen.service else report(runs))


def decode(space: Space) -> None:
    """Decode the images, so that whichever side goes first does not pay for it."""
    first = {name: options[0] for name, options in options_of(space).items()}
    fixed, _ = factorial.split({"fixed": fixed_of(space), "axes": first, "seed": space.seeds[0], "epochs": 1})
    factorial.workload.data(fixed)


def report_service(runs: list[dict[str, Side]]) -> int:
    """Print what the service costs where nothing is shared; return the exit code: 1 where the sides do not agree."""
    for run in runs:
        ours, tuned = run[ALONE], run[TUNED]
        an_epoch = f"{1000 * tuned.training / tuned.epochs:.0f} ms"
        print(f"\nours without sharing by tuned: {ours.wall / tuned.wall:.3f}, epochs of {an_epoch}")
        print(f"without Ray's start: {(ours.wall - ours.start) / (tuned.wall - tuned.start):.3f}")
    differing = [line for run in runs for line in differences(run[ALONE], run[TUNED])]
    print("\n".join(differing) if differing else "\nboth sides agree to the last bit")
    return 1 if differing else 0


def report(runs: list[dict[str, Side]]) -> int:
    """Print what was found; return the exit code: 1 where the sides do not agree."""
    if len(runs) > 1:
        each = sorted(run[PLAIN].wall / run[OURS].wall for run in runs)
        print(
            f"\nwall-clock ratio of the repeats: {', '.join(f'{ratio:.2f}' for ratio in each)}; shown: the median one"
        )
    sides = sorted(runs, key=lambda run: run[PLAIN].wall / run[OURS].wall)[(len(runs) - 1) // 2]
    print()
    wrong = False
    for run in runs:
        for name in [name for name in run if name != OURS]:
            found = differences(run[OURS], run[name])
            wrong = wrong or bool(found)
            count = len(run[name].trials)
            same = f"{count} trials and {len(set(run[name].rows))} rows agree with ours to the last bit"
            print(f"{name}: " + (f"{len(found)} DIFFERENCES, first: {'; '.join(found[:3])}" if found else same))
    print("\n" + "\n".join(table(sides)))
    print("\n" + "\n".join(ratios(sides)))
    ours = sides[OURS]
    stoppable = {trial.stoppable for trial in ours.trials.values()}
    aims = targets(sides, without_alpha=len(stoppable) == 2)
    print("\ntargets, over plain Ray Tune with its stop rules, whole commands:")
    for text, holds in aims:
        print(f"  {'holds' if holds else 'FAILS'}   {text}")
    print(f"{sum(holds for _, holds in aims)} of {len(aims)} targets hold" + ("; THE SIDES DIFFER" if wrong else ""))
    return 1 if wrong else 0


if __name__ == "__main__":
    main()
