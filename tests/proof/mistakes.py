"""Ordinary mistakes, as workloads in contract form, and right ones beside them.

Each trains a line through points by gradient descent in a few steps an epoch. Their names say what is wrong; nothing
else is. `MISTAKES` says which case of `verify` names each, and by which words; `RIGHT` are those it must pass.
"""

from __future__ import annotations

import os
import pickle
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from search.workload import DataCard, Settings, Workload

NATURE = np.random.default_rng(0)
X = NATURE.normal(size=(48, 4))
Y = X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.1 * NATURE.normal(size=48)


class Fit:
    """A right run: what it draws depends on (seed, epoch), and all that the next epoch needs is saved."""

    def __init__(self, fixed: Settings) -> None:
        self.fixed, self.seed, self.epoch = fixed, fixed["seed"], 0
        self.x, self.y = X, Y
        self.weights, self.velocity = np.random.default_rng(self.seed).normal(size=4), np.zeros(4)

    def order(self) -> np.ndarray:
        return np.random.default_rng([self.seed, self.epoch]).permutation(32)

    def rate(self, settings: Settings) -> float:
        return float(settings["lr"])

    def momentum(self) -> float:
        return 0.9

    def train_epoch(self, settings: Settings) -> Mapping[str, object]:
        self.epoch += 1
        rate = self.rate(settings)
        for batch in self.order().reshape(4, 8):
            slope = self.x[batch].T @ (self.x[batch] @ self.weights - self.y[batch]) / 8
            self.velocity = self.momentum() * self.velocity - rate * slope
            self.weights = self.weights + self.velocity
        return self.measured()

    def measured(self) -> dict[str, object]:
        errors = (self.x @ self.weights - self.y) ** 2
        return {"train_loss": errors[:32].mean(), "val_loss": errors[32:].mean()}

    def kept(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "weights": self.weights, "velocity": self.velocity}

    def save(self) -> bytes:
        return pickle.dumps(self.kept())

    def load(self, state: bytes) -> None:
        for name, value in pickle.loads(state).items():
            setattr(self, name, value)


class Right(Workload):
    """A workload whose runs are of its class `run`."""

    recipe = "1"
    settings: ClassVar[dict[str, Any]] = {
        "lr": {"type": "number", "exclusiveMinimum": 0, "default": 0.01, "epoch": True},
        "width": {"type": "integer", "default": 1},
    }
    run: ClassVar[type[Any]] = Fit

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Any:
        return self.run(fixed)


class Measured(Right):
    """Says what it measures, and prints."""

    metrics = ("test_loss", "val_loss", "train_loss")

    class run(Fit):  # as the attribute of its base is called
        def measured(self) -> dict[str, object]:
            print("measuring", self.epoch)
            return {**super().measured(), "test_loss": 1.0}


# Chance --------------------------------------------------------------------------------------------------------


class UnseededRun(Fit):
    def order(self) -> np.ndarray:
        return np.random.default_rng().permutation(32)


class Unseeded(Right):
    run = UnseededRun


class NobodySeedsPythonRun(Fit):
    def order(self) -> np.ndarray:
        return np.array(random.sample(range(32), 32))


class NobodySeedsPython(Right):
    run = NobodySeedsPythonRun


class PythonGlobalRun(Fit):
    def __init__(self, fixed: Settings) -> None:
        super().__init__(fixed)
        random.seed(self.seed)

    def order(self) -> np.ndarray:
        return np.array(random.sample(range(32), 32))


class PythonGlobal(Right):
    run = PythonGlobalRun


class NumpyGlobalRun(Fit):
    def __init__(self, fixed: Settings) -> None:
        super().__init__(fixed)
        np.random.seed(self.seed)

    def order(self) -> np.ndarray:
        return np.random.permutation(32)


class NumpyGlobal(Right):
    run = NumpyGlobalRun


class OwnGeneratorRun(Fit):
    def __init__(self, fixed: Settings) -> None:
        super().__init__(fixed)
        self.generator = np.random.default_rng(self.seed)

    def order(self) -> np.ndarray:
        return self.generator.permutation(32)


class OwnGenerator(Right):
    run = OwnGeneratorRun


class OwnGeneratorSavedRun(OwnGeneratorRun):
    def kept(self) -> dict[str, Any]:
        return {**super().kept(), "generator": self.generator}


class OwnGeneratorSaved(Right):
    run = OwnGeneratorSavedRun


SHARED_GENERATOR = np.random.default_rng(1)


class ModuleGeneratorRun(Fit):
    def order(self) -> np.ndarray:
        return SHARED_GENERATOR.permutation(32)


class ModuleGenerator(Right):
    run = ModuleGeneratorRun


class ClockRun(Fit):
    def rate(self, settings: Settings) -> float:
        return float(settings["lr"]) * (0.9 + 0.1 * (time.time() % 1))


class Clock(Right):
    run = ClockRun


class TimesItselfRun(Fit):
    def measured(self) -> dict[str, object]:
        return {**super().measured(), "seconds_per_image": time.perf_counter()}


class TimesItself(Right):
    run = TimesItselfRun


class HashOrderRun(Fit):
    def __init__(self, fixed: Settings) -> None:
        super().__init__(fixed)
        features = {f"feature {number}": number for number in range(4)}
        self.x = X[:, [features[name] for name in set(features)]]


class HashOrder(Right):
    run = HashOrderRun


# What is not saved ---------------------------------------------------------------------------------------------


class MomentumNotSavedRun(Fit):
    def kept(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "weights": self.weights}


class MomentumNotSaved(Right):
    run = MomentumNotSavedRun


class CounterNotSavedRun(Fit):
    def kept(self) -> dict[str, Any]:
        return {"weights": self.weights, "velocity": self.velocity}


class CounterNotSaved(Right):
    run = CounterNotSavedRun


class AverageNotSavedRun(Fit):
    def __init__(self, fixed: Settings) -> None:
        super().__init__(fixed)
        self.ema_weights = self.weights

    def measured(self) -> dict[str, object]:
        self.ema_weights = 0.9 * self.ema_weights + 0.1 * self.weights
        errors = (self.x @ self.ema_weights - self.y) ** 2
        return {**super().measured(), "ema_loss": errors[32:].mean()}


class AverageNotSaved(Right):
    run = AverageNotSavedRun


class AverageSavedRun(AverageNotSavedRun):
    def kept(self) -> dict[str, Any]:
        return {**super().kept(), "ema_weights": self.ema_weights}


class AverageSaved(Right):
    run = AverageSavedRun


class LateRun(MomentumNotSavedRun):
    """Its momentum, which is not saved, sets in with the third epoch."""

    def momentum(self) -> float:
        return 0.9 if self.epoch >= 3 else 0.0


class Late(Right):
    run = LateRun


class VeryLateRun(MomentumNotSavedRun):
    """Its momentum sets in where `verify` does not look, but with --thorough."""

    def momentum(self) -> float:
        return 0.9 if self.epoch >= 7 else 0.0


class VeryLate(Right):
    run = VeryLateRun


class TestOfTheBestRun(Fit):
    """Its test loss is that of the best epoch so far, which a state does not know."""

    best, best_test = np.inf, 0.0

    def measured(self) -> dict[str, object]:
        row = super().measured()
        if row["val_loss"] + self.epoch < self.best:  # type: ignore[operator]
            self.best, self.best_test = row["val_loss"] + self.epoch, float(self.weights.sum())  # type: ignore[operator]
        return {**row, "test_loss": self.best_test}


class TestOfTheBest(Right):
    run = TestOfTheBestRun


class TestOfTheBestSavedRun(TestOfTheBestRun):
    def kept(self) -> dict[str, Any]:
        return {**super().kept(), "best": self.best, "best_test": self.best_test}


class TestOfTheBestSaved(Right):
    run = TestOfTheBestSavedRun


class PlateauRun(Fit):
    """Right: what depends on results lives in the state."""

    lowest, waited, factor = np.inf, 0, 1.0

    def rate(self, settings: Settings) -> float:
        return float(settings["lr"]) * self.factor

    def measured(self) -> dict[str, object]:
        row = super().measured()
        self.waited = 0 if row["val_loss"] < self.lowest else self.waited + 1  # type: ignore[operator]
        self.lowest = min(self.lowest, float(row["val_loss"]))  # type: ignore[arg-type]
        if self.waited:
            self.factor, self.waited = self.factor / 2, 0
        return row

    def kept(self) -> dict[str, Any]:
        return {**super().kept(), "lowest": self.lowest, "waited": self.waited, "factor": self.factor}


class Plateau(Right):
    run = PlateauRun


class SavingDrawsRun(OwnGeneratorSavedRun):
    def save(self) -> bytes:
        state = super().save()
        self.generator.random()
        return state


class SavingDraws(Right):
    run = SavingDrawsRun


class LostOnTheSecondWayRun(Fit):
    """A run that was loaded does not save its velocity, for it holds it under another name."""

    def load(self, state: bytes) -> None:
        kept = pickle.loads(state)
        self.epoch, self.weights, self.loaded_velocity = kept["epoch"], kept["weights"], kept["velocity"]
        self.velocity = self.loaded_velocity

    def kept(self) -> dict[str, Any]:
        return {**super().kept(), "velocity": getattr(self, "loaded_velocity", self.velocity)}


class LostOnTheSecondWay(Right):
    run = LostOnTheSecondWayRun


SEEN_STATES: list[bytes] = []


class LoadedOnceRun(Fit):
    """What it loads depends on what was loaded before."""

    def load(self, state: bytes) -> None:
        SEEN_STATES.append(state)
        super().load(state)
        self.weights = self.weights * (1 + 0.01 * (len(SEEN_STATES) - 1))


class LoadedOnce(Right):
    run = LoadedOnceRun


STEPS = {"epochs": 0}


class BesideMuchElseRun(MomentumNotSavedRun):
    """Its velocity is lost, and so are things that move nothing: a generator, an average, a count of the module."""

    def __init__(self, fixed: Settings) -> None:
        super().__init__(fixed)
        self.unread_generator, self.running_rate, self.lost = np.random.default_rng(self.seed), 0.0, self.velocity

    def rate(self, settings: Settings) -> float:
        STEPS["epochs"] += 1
        self.unread_generator.random()
        self.running_rate = 0.5 * self.running_rate + float(settings["lr"])
        self.velocity = self.lost
        return float(settings["lr"])

    def measured(self) -> dict[str, object]:
        self.lost, self.velocity = self.velocity, np.zeros(4)
        return super().measured()


class BesideMuchElse(Right):
    run = BesideMuchElseRun


class CountOfTheModuleRun(Fit):
    """It counts its epochs in the module; what it counts besides moves nothing."""

    def __init__(self, fixed: Settings) -> None:
        super().__init__(fixed)
        STEPS["epochs"] = self.seen_epochs = 0

    def rate(self, settings: Settings) -> float:
        STEPS["epochs"] += 1
        self.seen_epochs += 1
        return float(settings["lr"]) / STEPS["epochs"]


class CountOfTheModule(Right):
    run = CountOfTheModuleRun


class TwoThingsNotSaved(Right):
    """Neither its velocity nor its count of epochs is saved."""

    class run(Fit):
        def kept(self) -> dict[str, Any]:
            return {"weights": self.weights}


# What a process keeps ------------------------------------------------------------------------------------------

MODELS: dict[str, np.ndarray] = {}


class ModelCacheRun(Fit):
    def __init__(self, fixed: Settings) -> None:
        super().__init__(fixed)
        self.weights = MODELS.setdefault("weights", self.weights)

    def train_epoch(self, settings: Settings) -> Mapping[str, object]:
        row = super().train_epoch(settings)
        MODELS["weights"] = self.weights
        return row


class ModelCache(Right):
    run = ModelCacheRun


DATA: dict[str, np.ndarray] = {}


class DataOfTheFirstSeedRun(Fit):
    def __init__(self, fixed: Settings) -> None:
        super().__init__(fixed)
        if "noise" not in DATA:
            DATA["noise"] = np.random.default_rng(self.seed).normal(size=X.shape)
        self.x = X + 0.01 * DATA["noise"]


class DataOfTheFirstSeed(Right):
    run = DataOfTheFirstSeedRun


IMAGES = X.copy()


class DataInPlaceRun(Fit):
    """Its augmentation writes into the data."""

    def __init__(self, fixed: Settings) -> None:
        super().__init__(fixed)
        self.x = IMAGES

    def order(self) -> np.ndarray:
        order = super().order()
        self.x[order[:4]] *= 1.01
        return order


class DataInPlace(Right):
    run = DataInPlaceRun


def collected(epoch: int, epochs: list[int] = []) -> list[int]:  # noqa: B006  # the mistake
    epochs.append(epoch)
    return epochs


class DefaultRun(Fit):
    """A default of its function collects what every trial adds."""

    def rate(self, settings: Settings) -> float:
        return float(settings["lr"]) / len(collected(self.epoch))


class Default(Right):
    run = DefaultRun


class ErrorsRun(Fit):
    """Where the seed is odd, it lets numpy raise; another trial finds it so."""

    def __init__(self, fixed: Settings) -> None:
        super().__init__(fixed)
        if self.seed % 2:
            np.seterr(under="raise")
        self.x = X * (1.0 if np.geterr()["under"] == "ignore" else 1.001)


class Errors(Right):
    run = ErrorsRun


class CheckpointRun(Fit):
    """It goes on from a file that the last training left, whoever that was."""

    def __init__(self, fixed: Settings) -> None:
        super().__init__(fixed)
        self.file = Path(os.environ["CHECKPOINTS"]) / f"{self.seed}.pickle"
        if self.file.exists():
            self.weights = pickle.loads(self.file.read_bytes())

    def train_epoch(self, settings: Settings) -> Mapping[str, object]:
        row = super().train_epoch(settings)
        if self.epoch == 1 and not self.file.exists():
            self.file.write_bytes(pickle.dumps(self.weights))
        return row


class Checkpoint(Right):
    run = CheckpointRun


# Settings ------------------------------------------------------------------------------------------------------


class NeverRead(Right):
    """Its setting `width` moves nothing."""


class SeedUnreadRun(Fit):
    def __init__(self, fixed: Settings) -> None:
        super().__init__({**fixed, "seed": 0})


class SeedUnread(Right):
    run = SeedUnreadRun


class SeedMovesData(Right):
    def data(self, fixed: Settings) -> DataCard:
        return DataCard(f"drawn by {fixed['seed']}")


class SeedLeavesData(Right):
    def data(self, fixed: Settings) -> DataCard:
        return DataCard("the points")


class RateReadOnceRun(Fit):
    def rate(self, settings: Settings) -> float:
        if self.epoch == 1:
            self.first_rate = float(settings["lr"])
        return self.first_rate

    def kept(self) -> dict[str, Any]:
        return {**super().kept(), "first_rate": self.first_rate}


class RateReadOnce(Right):
    run = RateReadOnceRun


class RateOneEpochLateRun(Fit):
    """As a scheduler does that is stepped at the end of the epoch."""

    next_rate = 0.01

    def rate(self, settings: Settings) -> float:
        rate, self.next_rate = self.next_rate, float(settings["lr"])
        return rate

    def kept(self) -> dict[str, Any]:
        return {**super().kept(), "next_rate": self.next_rate}


class RateOneEpochLate(Right):
    run = RateOneEpochLateRun


class RateOfTheStateRun(Fit):
    """A loaded run trains its first epoch with the rate that it was saved with."""

    old_rate: float | None = None
    last_rate = 0.0

    def rate(self, settings: Settings) -> float:
        self.last_rate = self.old_rate if self.old_rate is not None else float(settings["lr"])
        self.old_rate = None
        return self.last_rate

    def kept(self) -> dict[str, Any]:
        return {**super().kept(), "old_rate": self.last_rate}


class RateOfTheState(Right):
    run = RateOfTheStateRun


class ReadInTheLoopRun(Fit):
    """Its rate drops behind an epoch that a fixed setting names, and that epochs alone read."""

    def rate(self, settings: Settings) -> float:
        return float(settings["lr"]) * (0.1 if self.epoch > self.fixed["drop"] else 1.0)


class ReadInTheLoop(Right):
    settings: ClassVar[dict[str, Any]] = {**Right.settings, "drop": {"type": "integer", "default": 1}}
    run = ReadInTheLoopRun


# Which case names what -----------------------------------------------------------------------------------------

TWICE = "started twice, in two processes"
INTERPRETER = "started in another interpreter, with other hashes of text"
BEHIND = "after other trials in the same process"
STIRRED = "generators of Python, numpy and torch stirred between epochs"
SAVED = "saved after every epoch"
LOADED = "saved, and loaded in a fresh process"
LOADED_TWICE = "one state loaded twice in one process"
SAVED_AGAIN = "saved again after it was loaded, and loaded again"

MISTAKES: dict[str, tuple[str, str]] = {
    "Unseeded": (TWICE, "unseeded chance: a generator that is made without a seed (np.random.default_rng())"),
    "NobodySeedsPython": (TWICE, "unseeded chance: it draws from Python's global generator, which nobody seeds"),
    "Clock": (TWICE, "time: the rows depend on the clock"),
    "HashOrder": (INTERPRETER, "hash order: the order of a set of text"),
    "PythonGlobal": (STIRRED, "it draws from Python's global generator, whose place depends on what else has drawn"),
    "NumpyGlobal": (LOADED, "generator not saved: the state lacks where numpy's global generator is"),
    "OwnGenerator": (LOADED, "generator not saved: `run.generator`"),
    "ModuleGenerator": (BEHIND, "a generator that all trials draw from: `mistakes.SHARED_GENERATOR`"),
    "MomentumNotSaved": (LOADED, "optimiser state not saved: `run.velocity`"),
    "CounterNotSaved": (LOADED, "counter not saved: `run.epoch` (1 and 0)"),
    "AverageNotSaved": (LOADED, "buffers or averages not saved: `run.ema_weights`"),
    "Late": (LOADED, "optimiser state not saved: `run.velocity`; from the state of epoch 2, in the first epoch"),
    "TestOfTheBest": (LOADED, "not saved: `run.best"),
    "BesideMuchElse": (LOADED, "not saved, or data changed in place: `run.lost`; from the state of epoch 1"),
    "CountOfTheModule": (LOADED, "counter not saved: `mistakes.STEPS['epochs']` (1 and 0); from the state of epoch 1"),
    "TwoThingsNotSaved": (
        LOADED,
        "optimiser state not saved: `run.velocity`; and counter not saved: `run.epoch` (1 and 0); from",
    ),
    "SavingDraws": (SAVED, "saving changes `run.generator`"),
    "LostOnTheSecondWay": (SAVED_AGAIN, "`run.velocity`"),
    "LoadedOnce": (LOADED_TWICE, "process global: `mistakes.SEEN_STATES[1]`"),
    "ModelCache": (BEHIND, "process global: a model that outlives its trial: `mistakes.MODELS['weights']`"),
    "DataOfTheFirstSeed": (BEHIND, "`mistakes.DATA['noise']`; it is changed by the start of the first trial"),
    "DataInPlace": (BEHIND, "data changed in place, or a cache of them that the first trial filled: `mistakes.IMAGES`"),
    "Default": (BEHIND, "process global: `mistakes.collected (default 1)["),
    "Errors": (BEHIND, "process global: `numpy.geterr()['under']` ('ignore' and 'raise')"),
    "Checkpoint": (TWICE, "something that outlives a process, as a file that a start finds again"),
    "SeedUnread": ("another seed moves rows", "the seed is read nowhere"),
    "SeedMovesData": ("another seed moves no data", "the data or their split are drawn by the seed"),
    "RateReadOnce": ("lr: changed from epoch 3 on, it acts from there on", "it is read once, by the first epoch"),
    "RateOfTheState": ("lr: so it does behind a loaded state", "loading brings back the setting of the epoch before"),
}
"""Workload -> the case of `verify` that names it, and the words of the likely cause."""

RIGHT = [
    "Right",
    "OwnGeneratorSaved",
    "AverageSaved",
    "TestOfTheBestSaved",
    "Plateau",
    "SeedLeavesData",
    "TimesItself",
]
