"""A Trainer's training, epoch by epoch: alone, shared and plain it gives the same bits; what cannot is named."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    EarlyStoppingCallback,
    PreTrainedTokenizerFast,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from search.adapters.torch.seeding import derived, seed_all
from search.adapters.transformers import set_learning_rate, workload
from search.workload import SettingFaults
from tests.adapters.driven import goes_on_exactly, left_as_it_was, rows

pytestmark = pytest.mark.slow


class Images(torch.utils.data.Dataset[dict[str, Any]]):
    """Digits as sequences of 64 tokens, with tokens dropped at random."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, dropped: float) -> None:
        self.images, self.labels, self.dropped = images, labels, dropped
        self.rng = np.random.default_rng(5)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, Any]:
        tokens = self.images[index].astype(np.int64)
        chance = self.rng.random(64) + random.random() + torch.rand(1).item()
        return {"input_ids": np.where(chance < 3 * self.dropped, 0, tokens), "labels": int(self.labels[index])}


def make_digits(dropped: float = 0.0) -> dict[str, Images]:
    digits = load_digits()
    order = np.random.permutation(96)  # the same for every seed
    train, val = order[:64], order[64:]
    return {
        "train_dataset": Images(digits.data[train], digits.target[train], dropped),
        "eval_dataset": Images(digits.data[val], digits.target[val], 0.0),
    }


def measured(predicted: Any) -> dict[str, float]:
    return {"accuracy": float((predicted.predictions.argmax(axis=1) == predicted.label_ids).mean())}


class Counting(TrainerCallback):
    """Keeps a count, and thaws a layer in the second epoch."""

    def __init__(self) -> None:
        self.steps, self.losses = 0, [0.0]

    def on_epoch_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        model.classifier.bias.requires_grad_(state.epoch is not None and state.epoch >= 1)

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        self.steps += 1
        model.classifier.weight.data.mul_(1 - 1e-4 * self.steps / len(self.losses))

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any) -> None:
        self.losses.append(metrics["eval_loss"])


class Scaled(Trainer):
    """A Trainer of one's own, with a counter."""

    scale = 1.0

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **more: Any) -> Any:
        self.scale *= 0.99
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, **more)
        return (loss * self.scale, outputs) if return_outputs else loss * self.scale


SETTINGS: dict[str, Any] = {
    "scheduler": {"type": "string", "default": "linear"},
    "num_train_epochs": {"type": "integer", "default": 4},
    "bf16": {"type": "boolean", "default": False},
    "accumulated": {"type": "integer", "default": 1},
    "workers": {"type": "integer", "default": 0},
    "dropped": {"type": "number", "default": 0.0},
    "made_by": {"type": "string", "default": "model"},
}


def small() -> BertForSequenceClassification:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    return BertForSequenceClassification(BertConfig(vocab_size=17, max_position_embeddings=64, num_labels=10, **sizes))


def build(
    data: Any,
    scheduler: str = "linear",
    num_train_epochs: int = 4,
    bf16: bool = False,
    accumulated: int = 1,
    workers: int = 0,
    made_by: str = "model",
    **arguments: Any,
) -> Trainer:
    plateau = {"lr_scheduler_kwargs": {"patience": 0}, "metric_for_best_model": "loss"}
    args = TrainingArguments(
        **{
            "learning_rate": 0.01,
            "num_train_epochs": num_train_epochs,
            "per_device_train_batch_size": 16,
            "lr_scheduler_type": scheduler,
            "warmup_steps": 2,
            "bf16": bf16,
            "gradient_accumulation_steps": accumulated,
            "dataloader_num_workers": workers,
            "dataloader_persistent_workers": workers > 0,
            "eval_strategy": "epoch",
            "save_strategy": "epoch",
            "load_best_model_at_end": True,
            "use_cpu": True,
            **(plateau if scheduler == "reduce_lr_on_plateau" else {}),
            **arguments,
        }
    )
    kind: Any = Scaled if made_by == "trainer" else Trainer
    model = {"model_init": small} if made_by == "model_init" else {"model": small()}
    return kind(args=args, compute_metrics=measured, callbacks=[Counting()], **model, **data)


def set_rate(trainer: Any, settings: Any) -> None:
    set_learning_rate(trainer, settings["rate"])


TRAINED = workload(SETTINGS, data=make_digits)(build)


def slow(data: Any, **arguments: Any) -> Trainer:
    return build(data, learning_rate=5e-5, **arguments)


BY_EPOCH: dict[str, Any] = {**SETTINGS, "rate": {"type": "number", "epoch": True}}
RATED = workload(BY_EPOCH, data=make_digits, each_epoch=set_rate)(slow)


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing of a test is left behind, and nothing may be written where it runs."""
    monkeypatch.chdir(tmp_path)
    with left_as_it_was():
        yield
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"scheduler": "reduce_lr_on_plateau", "accumulated": 3, "made_by": "trainer"},
        {"scheduler": "cosine", "bf16": True, "dropped": 0.2},
        {"scheduler": "constant", "workers": 1, "dropped": 0.2, "made_by": "model_init"},
    ],
)
def test_a_training_that_goes_on_from_a_state_has_the_bits_of_one_alone(chosen: Any) -> None:
    fixed = {**TRAINED.canonical(chosen), "seed": 3}
    alone = goes_on_exactly(TRAINED, fixed, [{}] * 4)
    assert set(alone[0].metrics) == {"loss", "grad_norm", "learning_rate", "eval_loss", "eval_accuracy"}
    assert len({row.metrics["eval_loss"] for row in alone}) == 4


# A rate for each epoch --------------------------------------------------------------------------------------------

SCHEDULES = ["linear", "cosine", "constant", "reduce_lr_on_plateau"]


def rated(scheduler: str, *rates: float) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """Fixed settings and the schedule of a trial."""
    fixed = {**TRAINED.canonical({"scheduler": scheduler}), "seed": 3}
    return fixed, [{"rate": rate} for rate in rates]


@pytest.mark.parametrize("scheduler", SCHEDULES)
def test_a_rate_that_changes_is_the_schedules_own_from_its_epoch_on(scheduler: str) -> None:
    fixed, schedule = rated(scheduler, 0.01, 0.01, 0.002, 0.002)
    lowered = goes_on_exactly(RATED, fixed, schedule)
    as_begun = rows(TRAINED.start(fixed, 1, 0), 4)  # TrainingArguments(learning_rate=0.01)
    assert lowered[:2] == as_begun[:2]
    rates, lower = ([row.metrics["learning_rate"] for row in curve] for curve in (as_begun, lowered))
    assert len(set(rates)) == {"constant": 1, "reduce_lr_on_plateau": len(set(rates))}.get(scheduler, 4)
    if scheduler != "reduce_lr_on_plateau":  # which depends on losses
        assert lower[2:] == pytest.approx([rate / 5 for rate in rates[2:]], rel=1e-12)
    assert lowered[2].metrics["eval_loss"] != as_begun[2].metrics["eval_loss"]


def overwritten(trainer: Any, settings: Any) -> None:
    trainer.optimizer.param_groups[0]["lr"] = settings["rate"]


def test_a_rate_that_would_last_for_a_step_is_refused() -> None:
    made = workload(BY_EPOCH, data=make_digits, each_epoch=overwritten)(build)
    fixed, schedule = rated("constant", 0.02)
    with pytest.raises(
        ValueError,
        match=r"^each_epoch set a learning rate to 0\.02, and the schedule, LambdaLR, sets it anew behind every step; "
        r"write set_learning_rate\(trainer, rate\) from search\.adapters\.transformers, which the schedule then starts "
        r"from$",
    ):
        rows(made.start(fixed, 1, 0), schedule)
    rows(made.start({**fixed, "scheduler": "reduce_lr_on_plateau"}, 1, 0), schedule)  # which goes on from it


class Reseeding(TrainerCallback):
    """Gives a plain training the random numbers of ours."""

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        epoch = round(state.epoch or 0) + 1
        seed_all(3, epoch, "epoch")


def test_the_bits_are_those_of_a_plain_train(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = rows(TRAINED.start({**TRAINED.canonical({}), "seed": 3}, 1, 0), 4)
    seed_all(0, 0, "data")
    data = make_digits()
    for split in data.values():
        split.dropped = 0.0
    seed_all(3, 0, "start")
    options = {"output_dir": "plain", "logging_strategy": "epoch", "save_strategy": "no", "disable_tqdm": True}
    trainer = build(data, seed=derived(3, 0, "start") % 2**32, load_best_model_at_end=False, **options)
    trainer.add_callback(Reseeding())
    inner = trainer.get_train_dataloader

    def loader() -> Any:
        seed_all(3, 0, "loader")
        return inner()

    monkeypatch.setattr(trainer, "get_train_dataloader", loader)
    trainer.train()
    Path("plain").rmdir()
    plain = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
    assert [row.metrics["eval_loss"] for row in ours] == plain


def test_data_are_told_by_content_and_never_by_the_seed() -> None:
    told = [
        TRAINED.data({**TRAINED.canonical({"dropped": dropped, "scheduler": scheduler}), "seed": seed}).fingerprint
        for dropped, scheduler, seed in ((0, "linear", 0), (0, "cosine", 1), (0.5, "linear", 0))
    ]
    assert told[0] == told[1] != told[2]
    assert workload({})(lambda: build(make_digits())).data({"seed": 0}) is None


def tokenizer(words: str, **how: Any) -> PreTrainedTokenizerFast:
    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", *words.split()])}
    made = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]", **how)


def test_a_tokenizer_among_the_data_is_what_it_makes_of_text() -> None:
    def told(made: Any) -> str:
        card = workload({}, data=lambda: {"tokenizer": made})(make_none).data({"seed": 0})
        assert card is not None
        return card.fingerprint

    used = tokenizer("a b c")
    used(["a b", "c"], padding=True, truncation=True, max_length=2)
    first = told(tokenizer("a b c"))
    assert told(used) == first
    others = [told(made) for made in (tokenizer("a c b"), tokenizer("a b c", padding_side="left"), tokenizer("a b"))]
    assert len({first, *others}) == 4


class Ending(TrainerCallback):
    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        control.should_training_stop = True


def wanting(data: Any) -> Trainer:
    return Trainer(AutoModelForSequenceClassification.from_pretrained("nobody/not-a-model"), **data)


def patient(data: Any) -> Trainer:
    trainer = build(data, metric_for_best_model="loss")
    trainer.add_callback(EarlyStoppingCallback(1))
    return trainer


def make_none(data: Any) -> Any:
    return data


def ending(data: Any) -> Trainer:
    trainer = build(data)
    trainer.add_callback(Ending())
    return trainer


def started(function: Any) -> Any:
    return workload({}, data=make_digits)(function).start({"seed": 0}, 1, 0)


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (
            lambda: workload({"depth": {"type": "integer"}}, data=make_digits)(patient),
            "nobody takes the setting 'depth' (trainer patient takes data, data make_digits takes dropped); ",
        ),
        (
            lambda: workload({"bf16": {"type": "boolean", "epoch": True}}, data=make_digits)(build),
            "the setting 'bf16' may differ from epoch to epoch, and nothing takes it; give each_epoch=, a function of "
            "the Trainer and the epoch's settings",
        ),
        (
            lambda: started(wanting),
            "trainer wanting wants something from the Hugging Face hub that is not on this machine; fetch it first "
            "(`hf download NAME --revision COMMIT`), or make the model from a config; a training itself is kept off "
            "the network unless HF_HUB_OFFLINE=0",
        ),
        (
            lambda: started(patient),
            "EarlyStoppingCallback cannot be used: say it in the space file, stop: {rule: patience, ...}",
        ),
        (
            lambda: rows(started(ending), 1),
            "a callback ended the training by itself; say when to stop in the space file, stop: {rule: ...}",
        ),
        (
            lambda: started(lambda data: build(data, max_steps=5)),
            "TrainingArguments: max_steps=5 cannot be used: say num_train_epochs instead",
        ),
        (
            lambda: started(lambda data: build(data, auto_find_batch_size=True)),
            "TrainingArguments: auto_find_batch_size=True cannot be used: a training must not depend on ",
        ),
        (lambda: started(make_none), "trainer make_none returned a dict; it must return the Trainer"),
        (
            lambda: started(lambda data: build({**data, "train_dataset": None})),
            "the Trainer has no train_dataset",
        ),
    ],
)
def test_what_cannot_be_trained_epoch_by_epoch_is_named(act: Any, sentence: str) -> None:
    with pytest.raises((TypeError, ValueError, ConnectionError), match="^" + re.escape(sentence)):
        act()


def test_a_training_is_as_long_as_it_was_told() -> None:
    fixed = {**TRAINED.canonical({"num_train_epochs": 1}), "seed": 0}
    with pytest.raises(SettingFaults, match="num_train_epochs: found 1, must be at least 2, the epochs trained"):
        TRAINED.idle(fixed, 2)
    run = TRAINED.start(fixed, 1, 0)
    rows(run, 1)
    with pytest.raises(ValueError, match=r"^the training of 1 epochs \(num_train_epochs\) is over"):
        rows(run, 1)
