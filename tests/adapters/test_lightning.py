"""Lightning's training, epoch by epoch: alone, shared and plain it gives the same bits; what cannot is named."""

from __future__ import annotations

import importlib
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import BaseFinetuning, EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split

from search.adapters.lightning import workload
from search.adapters.torch.seeding import left_alone, seed_all
from search.workload import SettingFaults, identity
from tests.adapters.driven import goes_on_exactly, left_as_it_was, rows

pytestmark = pytest.mark.slow


class Points(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Data with augmentation from generators of its own and of everybody."""

    def __init__(self, augmented: bool) -> None:
        nature = torch.Generator().manual_seed(0)
        self.x = torch.randn(48, 4, generator=nature)
        self.y = (self.x.sum(dim=1) > 0).long()
        self.augmented, self.rng = augmented, np.random.default_rng(5)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        noise = self.rng.normal() + random.random() + np.random.random() if self.augmented else 0.0
        return self.x[index] + 0.1 * noise, self.y[index]


class Data(L.LightningDataModule):
    def __init__(self, augmented: bool = False, workers: int = 0, own: bool = False) -> None:
        super().__init__()
        self.augmented, self.workers, self.own = augmented, workers, own

    def setup(self, stage: str) -> None:
        self.train, self.val = random_split(Points(self.augmented), [32, 16])  # the same for every seed

    def train_dataloader(self) -> DataLoader[Any]:
        own = torch.Generator() if self.own else None  # seeded by nobody else
        return DataLoader(
            self.train, 8, shuffle=True, generator=own, num_workers=self.workers, persistent_workers=self.workers > 0
        )

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(self.val, 16)


class Net(L.LightningModule):
    """A module with what goes wrong elsewhere: counters, buffers, averages, schedules and thaws."""

    def __init__(self, schedule: str = "plateau", manual: bool = False) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3))
        self.head = nn.Linear(8, 2)
        self.average = torch.optim.swa_utils.AveragedModel(self.head)
        self.register_buffer("decayed", torch.zeros(1), persistent=False)
        self.seen, self.losses = 0, [0.0]
        self.automatic_optimization = not manual
        self.head.bias.requires_grad_(False)

    def on_train_epoch_start(self) -> None:
        self.head.bias.requires_grad_(self.current_epoch >= 1)

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        x, y = batch
        loss = nn.functional.cross_entropy(self.head(self.body(x)), y) * (1 + 0.01 * self.seen / (1 + len(self.losses)))
        self.seen += len(x)
        self.decayed.mul_(0.9).add_(loss.detach())
        self.log("train_loss", loss, on_step=True, on_epoch=True)
        if not self.automatic_optimization:
            optimizer = self.optimizers()
            self.manual_backward(loss)
            if self.seen % 24 == 0:  # so an epoch of 32 leaves gradients behind
                optimizer.step()
                optimizer.zero_grad()
        return loss

    def on_train_batch_end(self, *_: object) -> None:
        self.average.update_parameters(self.head)

    def validation_step(self, batch: Any, index: int) -> None:
        x, y = batch
        self.log("val_loss", nn.functional.cross_entropy(self.average(self.body(x)), y))

    def on_validation_epoch_end(self) -> None:
        self.losses.append(float(self.decayed))
        self.log("decayed", self.decayed.mean())

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(self.parameters(), lr=0.05)
        if self.hparams["schedule"] == "cycle":
            steps = int(self.trainer.estimated_stepping_batches)
            cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=steps)
            return [optimizer], [{"scheduler": cycle, "interval": "step"}]
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": plateau, "monitor": "val_loss"}}


class Loaded(Net):
    """The module has its loaders itself."""

    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(random_split(Points(False), [32, 16])[0], 8, shuffle=True)

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(Points(False), 16)


def pair() -> tuple[DataLoader[Any], DataLoader[Any]]:
    return DataLoader(Points(False), 8, shuffle=True), DataLoader(Points(False), 16)


class Unvalidated(Net):
    """Lightning forgets gradients before it validates; here it does not."""

    def __init__(self) -> None:
        super().__init__(manual=True)

    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(Points(False), 8, shuffle=True)


class Thawing(BaseFinetuning):
    def freeze_before_training(self, pl_module: Any) -> None:
        self.freeze(pl_module.body, train_bn=False)

    def finetune_function(self, pl_module: Any, epoch: int, optimizer: Any) -> None:
        if epoch == 1:
            self.unfreeze_and_add_param_group(pl_module.body[0], optimizer, lr=0.01)


class Frozen(Net):
    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.head.parameters(), lr=0.1, momentum=0.9)

    def configure_callbacks(self) -> Any:
        return [Thawing()]


def impatient() -> list[Any]:
    return [EarlyStopping("val_loss")]


def averaged() -> list[Any]:
    return [EMAWeightAveraging(decay=0.8), ModelCheckpoint()]


SETTINGS: dict[str, Any] = {
    "schedule": {"type": "string", "default": "plateau"},
    "manual": {"type": "boolean", "default": False},
    "augmented": {"type": "boolean", "default": False},
    "workers": {"type": "integer", "default": 0},
    "own": {"type": "boolean", "default": False},
    "max_epochs": {"type": "integer", "default": -1},
    "precision": {"type": "string", "default": "32-true"},
    "accumulate_grad_batches": {"type": "integer", "default": 1},
}
NET = workload(Net, Data, settings=SETTINGS)
EMA = workload(Net, Data, settings=SETTINGS, callbacks=averaged, trainer={"val_check_interval": 0.5})
CLIPPED = workload(Net, Data, settings=SETTINGS, trainer={"gradient_clip_val": 0.1})
THAWED = workload(Frozen, Data, settings={})
UNVALIDATED = workload(Unvalidated, settings={})
OWN = workload(Loaded, settings={"schedule": SETTINGS["schedule"]})
PAIR = workload(Net, pair, settings={}, trainer={"reload_dataloaders_every_n_epochs": 1})


def set_rate(module: Any, settings: Any) -> None:
    module.optimizers().param_groups[0]["lr"] = settings["lr"]


PLANNED = workload(Net, Data, settings={"lr": {"type": "number", "epoch": True}}, each_epoch=set_rate)


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing of a test is left behind, and nothing may be written where it runs."""
    monkeypatch.chdir(tmp_path)
    with left_as_it_was():
        yield
    assert list(tmp_path.glob("lightning*")) + list(tmp_path.glob("check*")) == []


@pytest.mark.parametrize(
    ("made", "chosen"),
    [
        (NET, {}),
        (NET, {"augmented": True, "workers": 1}),
        (CLIPPED, {"augmented": True, "own": True, "precision": "bf16-mixed", "accumulate_grad_batches": 3}),
        (NET, {"schedule": "cycle", "max_epochs": 5}),
        (NET, {"manual": True}),
        (EMA, {}),
        (OWN, {}),
        (UNVALIDATED, {}),
        (THAWED, {}),
        (PAIR, {}),
    ],
)
def test_a_training_that_goes_on_from_a_state_has_the_bits_of_one_alone(made: Any, chosen: Any) -> None:
    alone = goes_on_exactly(made, {**made.canonical(chosen), "seed": 3}, [{}] * 4)
    assert len({row.metrics["train_loss"] for row in alone}) == 4


def test_so_has_one_with_a_rate_for_each_epoch() -> None:
    fixed, lower = {"seed": 3}, [{"lr": 0.02}, {"lr": 0.02}, {"lr": 0.005}, {"lr": 0.005}]
    lowered, steady = goes_on_exactly(PLANNED, fixed, lower), rows(PLANNED.start(fixed, 1, 0), lower[:1] * 4)
    assert lowered[:2] == steady[:2]
    assert lowered[2] != steady[2]


class Reseeding(L.Callback):
    """Gives a plain training the random numbers of ours."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
        epoch = trainer.current_epoch + 1
        seed_all(3, epoch, "epoch")
        if epoch == 1:
            iter(trainer.fit_loop._data_fetcher)

    def on_validation_end(self, trainer: Any, module: Any) -> None:
        self.rows.append({name: float(trainer.callback_metrics[name]) for name in ("val_loss", "decayed")})


def test_the_bits_are_those_of_a_plain_fit() -> None:
    fixed = {**NET.canonical({}), "seed": 3}
    ours = rows(NET.start(fixed, 1, 0), 4)
    data = Data()
    inner = data.setup

    def setup(stage: str) -> None:
        with left_alone():
            seed_all(0, 0, "data")
            inner(stage)

    data.setup = setup  # type: ignore[method-assign]
    seed_all(3, 0, "start")
    plain = Reseeding()
    options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "num_sanity_val_steps": 0}
    trainer = L.Trainer(max_epochs=4, accelerator="cpu", callbacks=[plain], enable_model_summary=False, **options)
    trainer.fit(Net(), data)
    assert [{name: row.metrics[name] for name in ("val_loss", "decayed")} for row in ours] == plain.rows


def test_a_training_finds_no_switch_that_another_one_left() -> None:
    fixed = {**NET.canonical({}), "seed": 3}
    NET.start(fixed, 1, 0)  # with one thread, as all of them
    before = NET.execution_class(1, 0)
    warning = workload(Net, Data, settings={}, trainer={"deterministic": "warn", "detect_anomaly": True})
    first = warning.start({"seed": 0}, 1, 0)
    assert torch.is_deterministic_algorithms_warn_only_enabled()
    second = NET.start(fixed, 1, 0)
    rows(second, 1)
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    rows(first, 1)
    assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert NET.execution_class(1, 0) == before
    assert "lightning" in before


def test_data_are_told_by_content_and_never_by_the_seed() -> None:
    cards = [
        made.data({**made.canonical(chosen), "seed": seed})
        for made, chosen in ((NET, {}), (NET, {"augmented": True}), (OWN, {}))
        for seed in (0, 1)
    ]
    told = [card.fingerprint for card in cards]
    assert told[::2] == told[1::2]
    assert len(set(told)) == 3


def test_a_changed_line_of_the_module_is_another_workload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    source = (
        "from search.adapters.lightning import workload\nimport lightning as L\n"
        "class Net(L.LightningModule):\n    def depth(self):\n        return {depth}\n"
        "net = workload(Net, settings={{}})\n"
    )
    said = []
    for depth in (1, 2, 1):
        (tmp_path / "their_net.py").write_text(source.format(depth=depth))
        sys.modules.pop("their_net", None)
        importlib.invalidate_caches()
        said.append(identity("net", importlib.import_module("their_net").net))
    assert said[0] == said[2] != said[1]
    sys.modules.pop("their_net")


def test_the_length_of_a_training_is_a_setting_where_it_is_read() -> None:
    fixed = {**NET.canonical({"schedule": "cycle"}), "seed": 0}
    undeclared = workload(Net, Data, settings={"schedule": SETTINGS["schedule"]})
    with pytest.raises(ValueError, match="reads the length of the training, which nobody has said: declare a setting"):
        undeclared.start({"schedule": "cycle", "seed": 0}, 1, 0)
    with pytest.raises(SettingFaults, match="max_epochs: found 3, must be at least 4, the epochs trained"):
        NET.idle({**fixed, "max_epochs": 3}, 4)
    run = NET.start({**fixed, "max_epochs": 1}, 1, 0)
    rows(run, 1)
    with pytest.raises(ValueError, match=r"^the training of 1 epochs \(max_epochs\) is over"):
        rows(run, 1)


def test_a_rate_that_the_schedule_would_set_anew_is_refused() -> None:
    settings = {name: SETTINGS[name] for name in ("schedule", "max_epochs")}
    settings["lr"] = {"type": "number", "epoch": True}
    made = workload(Net, Data, settings=settings, each_epoch=set_rate)
    run = made.start({"schedule": "cycle", "max_epochs": 4, "seed": 0}, 1, 0)
    sentence = (
        "each_epoch set a learning rate to 0.02, and the schedule, OneCycleLR, sets it anew behind every step; return "
        "no schedule from configure_optimizers where the rate is a setting, or change what the schedule goes by"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        run.train_epoch({"lr": 0.02})


class Stopping(Net):
    def on_train_epoch_end(self) -> None:
        self.trainer.should_stop = True


class Silent(L.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        return self.weight.sum()

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Opaque(Net):
    def on_train_epoch_end(self) -> None:
        self.found = {1, 2}


def one() -> DataLoader[Any]:
    return DataLoader(TensorDataset(torch.zeros(8, 4), torch.zeros(8, dtype=torch.long)), 4)


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (
            lambda: workload(Net, Data, settings={"depth": {"type": "integer"}}),
            "nobody takes the setting 'depth' (module Net takes schedule, manual, data Data takes augmented, ",
        ),
        (
            lambda: workload(Net, Data, settings={"lr": {"type": "number", "epoch": True}}),
            "the setting 'lr' may differ from epoch to epoch, and nothing takes it; give each_epoch=, a function of ",
        ),
        (
            lambda: workload(Net, Data, settings={}, trainer={"logger": True}),
            "trainer: logger has no place here; what ",
        ),
        (lambda: workload(Net, Data, settings={}, callbacks=[]), "callbacks is no function; write a function that "),
        (
            lambda: workload(Net, Data, settings={}, callbacks=lambda: [EarlyStopping("val_loss")]).start(
                {"seed": 0}, 1, 0
            ),
            "the callback EarlyStopping cannot be used: say it in the space file, stop: {rule: patience, ...}",
        ),
        (
            lambda: rows(workload(Stopping, Data, settings={}).start({"seed": 0}, 1, 0), 1),
            "the module or a callback set trainer.should_stop, which ends a training by itself; say when to stop in ",
        ),
        (
            lambda: rows(workload(Silent, one, settings={}).start({"seed": 0}, 1, 0), 1),
            "the module logged nothing in this epoch; log what is to be compared with self.log(...)",
        ),
        (
            lambda: workload(nn.Identity, settings={}).start({"seed": 0}, 1, 0),
            "Identity is no LightningModule; give its class, or a function that returns one",
        ),
        (
            lambda: workload(Net, Data, settings={}, trainer={"reload_dataloaders_every_n_epochs": 2}).start(
                {"seed": 0}, 1, 0
            ),
            "reload_dataloaders_every_n_epochs must be 0 or 1",
        ),
    ],
)
def test_what_cannot_be_trained_epoch_by_epoch_is_named(act: Any, sentence: str) -> None:
    with pytest.raises((TypeError, ValueError), match="^" + re.escape(sentence)):
        act()


def test_what_cannot_be_saved_is_named_and_the_training_goes_on() -> None:
    run = workload(Opaque, Data, settings={}).start({"seed": 0}, 1, 0)
    rows(run, 1)
    with pytest.raises(TypeError, match=r"^module\.found is a set, which changed and has no bytes"):
        run.save()
    rows(run, 1)


def test_a_module_of_the_package_by_its_other_name_is_trained_too() -> None:
    other = importlib.import_module("pytorch_lightning")

    class Line(other.LightningModule):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def training_step(self, batch: Any, index: int) -> torch.Tensor:
            loss = nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
            self.log("train_loss", loss, on_epoch=True)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    line = workload(Line, one, settings={})
    run = line.start({"seed": 0}, 1, 0)
    alone = rows(run, 1)
    state = run.save()
    alone += rows(run, 1)
    run.load(state)
    assert rows(run, 1) == alone[1:]
    assert {"lightning", "pytorch-lightning"} <= line.execution_class(1, 0).keys()
