"""Each thing that may be asked of a search, killed at random moments and gone on with by the same command.

Every row has the bits of the same trial trained alone, and every decision follows from the order log.

A search by chance, or by results under one worker, tries what it would have tried. Where trials are pruned, which of
them come first depends on the moments; what is decided follows by the pruner's rule from what was there before. The
seed is printed and can be given as TEST_KILLS_SEED.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from search.core.trial import State
from search.ledger.ledger import Ledger
from search.study.opened import OpenStudy
from search.study.pruner import PROMOTED, pruner
from tests.engine.sharing import Shared, ends
from tests.engine.test_run import kin
from tests.surroundings import HANG_S

pytestmark = pytest.mark.stress

KILLS = 2
"""How often each study is killed, where it takes long enough."""

DIGITS: dict[str, Any] = {
    "workload": "classifier",
    "fixed": {"data": "digits", "data.limit": [200, 100, 100], "optimizer.lr": 0.02, "epochs": 6},
    "space": {
        "optimizer.lr": {"float": {"low": 1.0e-3, "high": 0.1, "log": True}},
        "optimizer.momentum": {"choice": [0, 0.9]},
    },
}
SINE: dict[str, Any] = {
    "workload": "examples.sine:SineFit",
    "fixed": {"epochs": 6, "degree": 5},
    "space": {
        "lr": {"float": {"low": 1.0e-3, "high": 0.1, "log": True}},
        "momentum": {"choice": [0, 0.9]},
    },
}
FLOWERS: dict[str, Any] = {
    **DIGITS,
    "fixed": {
        **DIGITS["fixed"],
        "model.name": "example_cnn",
        "data": "flowers-17",
        "data.size": 32,
        "data.limit": [102, 68, 34],
    },
}
LOOP: dict[str, Any] = {
    "workload": "examples.digits_torch:main",
    "fixed": {"epochs": 6},
    "space": {"lr": {"float": {"low": 1.0e-3, "high": 0.5, "log": True}}},
}
"""A decorated PyTorch loop: it says nothing of its metrics, and has dropout and shuffled batches."""

LOSS = {"metric": "val_loss", "direction": "minimize"}
OLD_AND_NEW: dict[str, Any] = {
    "none": {},
    "mixup": {"augment.mixup": 0.2},
    "cutmix": {"augment.cutmix": 1},
    "randaugment": {"augment.policy": "randaugment"},
    "trivialaugment": {"augment.policy": "trivialaugment"},
    "erasing": {"augment.erase": 0.5},
}


@dataclass(frozen=True)
class Ask:
    """What is asked of a search.

    Attributes:
        search: section of the file, beside objective and number of trials.
        more: further sections.
        classifier: what only the classifier can do.
        space: in place of the workload's own.
        earlier: whether a study `earlier` is run before.
        stage: whether a confirm stage belongs to it.
    """

    search: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    classifier: bool = False
    space: Mapping[str, Any] = field(default_factory=dict)
    earlier: bool = False
    stage: bool = False


def _measured(metric: str, direction: str = "maximize") -> Ask:
    measure = {"measure.top5": True, "measure.calibration": True}
    return Ask({"objective": {"metric": metric, "direction": direction}}, {"fixed": measure}, classifier=True)


ASKS: Mapping[str, Ask] = {
    "start": Ask({"start": [{"momentum": 0.9}]}),
    "start from": Ask({"start": [{"from": "earlier"}]}, earlier=True),
    "where": Ask({"where": "momentum > 0 or lr < 0.01"}),
    "limit of epochs": Ask({}, {"limits": {"epochs": 15, "core_hours": 100, "trial_hours": 10}}),
    "target": Ask({}, {"limits": {"target": 1000.0}}),
    "balanced accuracy": _measured("val_balanced_accuracy"),
    "macro F1": _measured("val_macro_f1"),
    "top-5": _measured("val_top5_accuracy"),
    "calibration": _measured("val_calibration_error", "minimize"),
    "several by tpe": Ask(
        {"sampler": "tpe", "objective": [LOSS, {"metric": "train_loss", "direction": "minimize"}]},
    ),
    "several by nsga2 with a cost": Ask(
        {"sampler": "nsga2", "objective": [LOSS, {"metric": "parameters", "direction": "minimize"}]},
        classifier=True,
        space={"model.name": {"choice": ["example_cnn", "model_c"]}, **DIGITS["space"]},
    ),
    "several, of a loop": Ask(
        {"sampler": "tpe", "objective": [LOSS, {"metric": "val_accuracy", "direction": "maximize"}]},
    ),
    "a time": Ask(
        {
            "sampler": "random",
            "objective": [LOSS, {"metric": "seconds_per_image", "direction": "minimize"}],
            "confirm": {"top": 2, "seeds": 2},
        },
        {"fixed": {"measure.seconds": True}},
        classifier=True,
    ),
    "confirm": Ask({"confirm": {"top": 2, "seeds": 2}}, stage=True),
    "asha": Ask({"sampler": "random", "pruning": {"asha": {"grace_period": 1}}}),
    "promote": Ask({"sampler": "random", "pruning": {"asha": {"grace_period": 1, "promote": True}}}),
    "hyperband": Ask({"sampler": "random", "pruning": {"hyperband": {"grace_period": 1}}}),
    "median": Ask({"sampler": "random", "pruning": {"median": {"grace_period": 1, "min_finished": 1}}}),
    "augmentation": Ask(classifier=True, space={"augmentation": {"grid": OLD_AND_NEW}}),
}


def content(ask: Ask, base: Mapping[str, Any], pause: float = 0.0) -> dict[str, Any]:
    """The space file of what is asked, of a workload."""
    space = dict(ask.space or base["space"])
    grid = any("grid" in axis for axis in space.values())
    search = {"objective": LOSS, **({} if grid else {"trials": 6}), **ask.search}
    if base["workload"] == "classifier":  # its settings have longer names
        text = yaml.safe_dump(search)
        for name in ("momentum", "lr"):
            text = text.replace(f"{name} ", f"optimizer.{name} ").replace(f"{name}: ", f"optimizer.{name}: ")
        search = yaml.safe_load(text)
    fixed = {name: value for name, value in base["fixed"].items() if name not in space} | ask.more.get("fixed", {})
    more = {name: value for name, value in ask.more.items() if name != "fixed"}
    cpus = {"cpus": os.cpu_count() or 1}  # one worker: what a sampler learns comes in one order
    return {"workload": base["workload"], "fixed": fixed, "space": space, "search": search, "resources": cpus, **more}


SINE_LACKS = {name for name, ask in ASKS.items() if ask.classifier} | {"several, of a loop"}
NO_FLOWERS = pytest.mark.skipif(
    not os.environ.get("SEARCH_DATA"), reason="SEARCH_DATA is not set: there are no flowers"
)
CASES = [
    *(pytest.param(name, DIGITS, id=f"{name}, digits") for name in ASKS if name != "several, of a loop"),
    *(pytest.param(name, SINE, id=f"{name}, sine") for name in ASKS if name not in SINE_LACKS),
    *(pytest.param(name, FLOWERS, id=f"{name}, flowers", marks=NO_FLOWERS) for name in ("promote", "augmentation")),
    *(pytest.param(name, LOOP, id=f"{name}, loop") for name in ("promote", "several, of a loop")),
]


@pytest.mark.parametrize(("name", "base"), CASES)
def test_killed_and_gone_on_with(name: str, base: Mapping[str, Any], tmp_path: Path) -> None:
    ask = ASKS[name]
    seed = int(os.environ.get("TEST_KILLS_SEED", time.time_ns() % 10**6))
    rng = random.Random(seed)
    killed, alone = Shared(tmp_path / "killed", "study"), Shared(tmp_path / "alone", "study")
    try:
        for bench in (killed, alone):
            (bench.folder / "study.yaml").write_text(yaml.safe_dump(content(ask, base), sort_keys=False))
            if ask.earlier:
                earlier = bench.folder / "earlier.yaml"
                earlier.write_text(yaml.safe_dump(content(Ask({"trials": 2}), base), sort_keys=False))
                assert bench.run("run", earlier).returncode == 0, bench.err()
        hits = sum(kill(killed, rng) for _ in range(KILLS))
        done = killed.run()
        assert done.returncode == 0, done.stderr
        done = alone.run("run", alone.folder / "study.yaml", "--no-sharing")
        assert done.returncode == 0, done.stderr
    finally:
        for bench in (killed, alone):
            for process in bench.started:
                bench.end(process)
    told = compare(killed, alone, "study", pruned="pruning" in ask.search)
    if ask.stage:
        told += "; stage: " + compare(killed, alone, "study (confirm)", pruned=False)
    print(f"\n{name:30}{base['workload']:24}seed {seed:7}  {hits} kills  {told}")


def kill(bench: Shared, rng: random.Random) -> bool:
    """Start the study and kill its driver at a random moment behind its next row; return whether it still ran."""
    before = rows(bench)
    process = bench.start()
    until = time.monotonic() + HANG_S
    while process.poll() is None and rows(bench) <= before:
        assert time.monotonic() < until, bench.err()
        time.sleep(0.02)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(rng.uniform(0, 0.3))
    if process.poll() is not None:
        assert process.returncode == 0, bench.err()
        return False
    family = kin(process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for each in family:  # its own would need seconds to notice
        with contextlib.suppress(psutil.Error):
            if "guard.py" not in " ".join(each.cmdline()):
                each.kill()
    return True


def rows(bench: Shared) -> int:
    """Rows of all studies that are on record."""
    path = bench.results / "search.db"
    if not path.exists():
        return 0
    with contextlib.suppress(Exception):  # it is being made
        ledger = Ledger(str(path))
        try:
            return sum(len(ledger.decisions(record.id, ["row"])) for record in ledger.studies())
        finally:
            ledger.close()
    return 0


def compare(killed: Shared, alone: Shared, study: str, pruned: bool) -> str:
    """Rows are equal to the last bit, trials ended alike, and decisions follow from the log; return what was seen."""
    mine, others = killed.curves(study), alone.curves(study)
    assert mine.keys() == others.keys()
    compared = 0
    for name, curve in mine.items():
        common = min(len(curve), len(others[name]))
        assert pruned or len(curve) == len(others[name])
        assert curve[:common] == others[name][:common]
        compared += common
    if not pruned:
        assert ends(killed.trials(study)) == ends(alone.trials(study))
    assert killed.log_of("alarm", study=study) == []
    return f"{compared} equal rows of {len(mine)} trials, {follows(killed, study)} decisions of rungs"


def follows(bench: Shared, study: str) -> int:
    """Judge anew, in the order of the log, what a pruner judged; return how many decisions came out alike."""
    ledger = Ledger(str(bench.results / "search.db"))
    try:
        opened = OpenStudy(ledger, ledger.study(study))
        rule = pruner(opened.space)
        if rule is None:
            return 0
        paths, decided = ledger.paths(opened.record.id), 0
        configurations = {trial.number: trial.configuration for trial in ledger.trials(opened.record.id)}
        metric = opened.space.search.objective.metric
        for entry in ledger.decisions(opened.record.id, ["rung", "ended", PROMOTED]):
            if entry.kind == PROMOTED:
                assert rule.next() == (entry.epoch, entry.key)  # type: ignore[attr-defined]
                rule.promote(entry.epoch, entry.key)  # type: ignore[attr-defined]
                continue
            assert entry.trial is not None
            path = paths[entry.trial][0][: entry.epoch or 0]
            if entry.kind == "ended":
                if entry.detail["state"] in (State.FINISHED, State.STOPPED):
                    rule.finished(path)
                continue
            found = ledger.rows(path)
            curve = [found[key].row.metrics[metric] for key in path]
            goes_on = rule.judge(len(path), path[-1], curve, configurations[entry.trial])
            assert goes_on is entry.detail["goes_on"]
            decided += 1
        return decided
    finally:
        ledger.close()
