"""Ordinary mistakes with torch, and a right workload beside them; see `tests.proof.mistakes`."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from search.workload import Settings, Workload
from tests.proof import mistakes
from tests.proof.mistakes import BEHIND, LOADED, STIRRED, X, Y


class Net:
    """A right run: a small net with batch norm and dropout, an optimiser with momentum, and a scheduler."""

    keeps: ClassVar[tuple[str, ...]] = ("model", "optimizer", "scheduler")

    def __init__(self, fixed: Settings) -> None:
        torch.set_num_threads(1)
        self.seed, self.epoch = fixed["seed"], 0
        self.generator = torch.Generator().manual_seed(self.seed)
        self.x, self.y = torch.tensor(X, dtype=torch.float32), torch.tensor(Y, dtype=torch.float32)
        self.model = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.BatchNorm1d(6), torch.nn.Linear(6, 1))
        with torch.no_grad():
            for parameter in self.model.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=self.generator))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, step_size=2, gamma=0.5)

    def order(self) -> torch.Tensor:
        return torch.randperm(32, generator=self.generator)

    def passed(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)[:, 0]

    def train_epoch(self, settings: Settings) -> Mapping[str, object]:
        self.epoch += 1
        self.model.train()
        for batch in self.order().split(8):
            loss = ((self.passed(self.x[batch]) - self.y[batch]) ** 2).mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        self.scheduler.step()
        self.model.eval()
        with torch.no_grad():
            errors = (self.passed(self.x) - self.y) ** 2
        return {"train_loss": errors[:32].mean(), "val_loss": errors[32:].mean()}

    def kept(self) -> dict[str, Any]:
        states = {name: getattr(self, name).state_dict() for name in self.keeps}
        return {**states, "epoch": self.epoch, "generator": self.generator.get_state()}

    def save(self) -> bytes:
        buffer = io.BytesIO()
        torch.save(self.kept(), buffer)
        return buffer.getvalue()

    def load(self, state: bytes) -> None:
        kept = torch.load(io.BytesIO(state), weights_only=True)
        self.epoch = kept["epoch"]
        for name in self.keeps:
            getattr(self, name).load_state_dict(kept[name])
        if "generator" in kept:
            self.generator.set_state(kept["generator"])


class Right(Workload):
    recipe = "1"
    settings: ClassVar[dict[str, Any]] = mistakes.Right.settings
    run: ClassVar[type[Any]] = Net

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Any:
        return self.run(fixed)


class GeneratorNotSavedRun(Net):
    def kept(self) -> dict[str, Any]:
        return {name: value for name, value in super().kept().items() if name != "generator"}


class GeneratorNotSaved(Right):
    run = GeneratorNotSavedRun


class OptimizerNotSavedRun(Net):
    keeps = ("model", "scheduler")

    def kept(self) -> dict[str, Any]:
        return {**super().kept(), "rate": self.optimizer.param_groups[0]["lr"]}

    def load(self, state: bytes) -> None:
        super().load(state)
        self.optimizer.param_groups[0]["lr"] = torch.load(io.BytesIO(state), weights_only=True)["rate"]


class OptimizerNotSaved(Right):
    run = OptimizerNotSavedRun


class OptimizerAmongOthersRun(OptimizerNotSavedRun):
    """Beside its optimiser's state it loses a generator and a buffer that nothing reads."""

    def __init__(self, fixed: Settings) -> None:
        super().__init__(fixed)
        self.unread, self.running_epochs = torch.Generator(), torch.zeros(1)

    def order(self) -> torch.Tensor:
        torch.rand(1, generator=self.unread)
        self.running_epochs += 1
        return super().order()


class OptimizerAmongOthers(Right):
    run = OptimizerAmongOthersRun


class SchedulerNotSavedRun(Net):
    keeps = ("model", "optimizer")


class SchedulerNotSaved(Right):
    run = SchedulerNotSavedRun


class BuffersNotSavedRun(Net):
    keeps = ("optimizer", "scheduler")

    def kept(self) -> dict[str, Any]:
        return {**super().kept(), "weights": list(self.model.parameters())}

    def load(self, state: bytes) -> None:
        super().load(state)
        weights = torch.load(io.BytesIO(state), weights_only=True)["weights"]
        with torch.no_grad():
            for parameter, value in zip(self.model.parameters(), weights, strict=True):
                parameter.copy_(value)


class BuffersNotSaved(Right):
    run = BuffersNotSavedRun


class DropoutRun(Net):
    """Its dropout draws from torch's generator, which the start seeds."""

    def __init__(self, fixed: Settings) -> None:
        super().__init__(fixed)
        torch.manual_seed(self.seed)

    def passed(self, x: torch.Tensor) -> torch.Tensor:
        return super().passed(torch.nn.functional.dropout(x, 0.2, self.model.training))


class Dropout(Right):
    run = DropoutRun


class NobodySeedsTorchRun(Net):
    """A fresh process always has torch's generator in one place, so that nobody notices."""

    def order(self) -> torch.Tensor:
        return torch.randperm(32)


class NobodySeedsTorch(Right):
    run = NobodySeedsTorchRun


MISTAKES: dict[str, tuple[str, str]] = {
    "GeneratorNotSaved": (LOADED, "generator not saved: `run.generator`"),
    "OptimizerNotSaved": (LOADED, "optimiser state not saved: `run.optimizer['state'][0]['momentum_buffer']`"),
    "OptimizerAmongOthers": (LOADED, "optimiser state not saved: `run.optimizer['state'][0]['momentum_buffer']`"),
    "SchedulerNotSaved": (LOADED, "learning-rate scheduler not saved: `run.scheduler['"),
    "BuffersNotSaved": (LOADED, "buffers or averages not saved: `run.model.1.running_mean`"),
    "Dropout": (STIRRED, "it draws from torch's global generator"),
    "NobodySeedsTorch": (BEHIND, "it draws from torch's global generator, which goes on from trial to trial"),
}

RIGHT = ["Right"]
