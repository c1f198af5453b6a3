"""A state holds all that the next epoch depends on, for every model and optimiser, and equal states are equal bytes."""

from __future__ import annotations

import io
import os
import pickle
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from classifier import training
from classifier.config import canonical, schedule
from classifier.data import Dataset
from classifier.optimisers import OPTIMISER_SETTINGS, descend, optimiser, set_rate
from classifier.training import Training
from search.workload import DataCard
from tests.classifier.rows import differences

EPOCHS = 2
OPTIMISERS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer.name": "sgd"},
    "sgd without momentum": {"optimizer.name": "sgd", "optimizer.momentum": 0},
    "nesterov": {"optimizer.name": "sgd", "optimizer.nesterov": True, "optimizer.weight_decay": 0.01},
    "adam": {"optimizer.name": "adam", "optimizer.lr": 0.001, "optimizer.weight_decay": 0.01},
    "adamw": {"optimizer.name": "adamw", "optimizer.lr": 0.001, "optimizer.weight_decay": 0.01},
}
SLOW_MODELS: dict[str, dict[str, Any]] = {
    "model_c": {"model.name": "model_c"},
    "resnet18": {"model.name": "resnet18"},
    "small stem, sigmoid": {"model.name": "resnet18", "model.stem": "small", "model.activation": "sigmoid"},
    "resnet50": {"model.name": "resnet50"},
}
SLOW_PAIRS = [("model_c", name) for name in OPTIMISERS]
SLOW_PAIRS += [("resnet18", "adamw"), ("small stem, sigmoid", "nesterov"), ("resnet50", "nesterov")]
PAIRS = [("example_cnn", name) for name in OPTIMISERS] + [
    pytest.param(*pair, marks=pytest.mark.slow) for pair in SLOW_PAIRS
]


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Noise in three classes, 15 training images of 16 px."""
    draws = np.random.default_rng(0)
    counts = {"train": 15, "val": 5, "test": 4}
    images = {split: draws.integers(0, 256, (n, 3, 16, 16), dtype=np.uint8) for split, n in counts.items()}
    labels = {split: np.arange(n) % 3 for split, n in counts.items()}
    return Dataset(images, labels, DataCard("noise", classes=["a", "b", "c"]))


def start(data: Dataset, seed: int = 0, **settings: Any) -> tuple[Training, list[dict[str, Any]]]:
    everything = {
        "data.size": 16,
        "batch_size": 5,
        "loss.gamma": 0.5,
        "augment.hflip": 0.5,
        "decay.name": "wsd",
        "decay.start": 1,
        "decay.length": 2,
        "seed": seed,
        **settings,
    }
    fixed, each = schedule(canonical(everything), EPOCHS)
    return Training(fixed, data, 1, "cpu"), each


def settings_of(model: str, optimizer: str) -> dict[str, Any]:
    return {"model.name": model, **SLOW_MODELS.get(model, {}), **OPTIMISERS[optimizer]}


def assert_same(row: dict[str, Any], expected: dict[str, Any]) -> None:
    assert differences(row, expected) == []


@pytest.mark.parametrize(("model", "optimizer"), PAIRS)
def test_a_loaded_run_trains_the_same_epoch_and_saves_the_same_bytes(data: Dataset, model: str, optimizer: str) -> None:
    settings = settings_of(model, optimizer)
    whole, each = start(data, **settings)
    whole.train_epoch(each[0])
    middle = whole.save()
    expected = whole.train_epoch(each[1])
    assert np.isfinite(expected["train_loss"])
    end = whole.save()
    assert middle != end
    assert end == whole.save(), "saving twice must not give two states"

    loaded, _ = start(data, **settings)
    loaded.load(middle)
    assert loaded.save() == middle
    assert_same(loaded.train_epoch(each[1]), expected)
    assert loaded.save() == end, "a run that was loaded writes the bytes of one that was not"

    loaded.load(middle)  # back from a later state
    assert loaded.save() == middle


def test_every_optimiser_is_among_those_that_resume() -> None:
    assert {settings["optimizer.name"] for settings in OPTIMISERS.values()} == set(
        OPTIMISER_SETTINGS["optimizer.name"]["enum"]
    )


def test_a_state_before_the_first_epoch_is_one_too(data: Dataset) -> None:
    adam = settings_of("example_cnn", "adam")
    fresh, each = start(data, **adam)
    state = fresh.save()
    expected = fresh.train_epoch(each[0])
    loaded, _ = start(data, **adam)
    loaded.train_epoch(each[0])
    loaded.load(state)
    assert loaded.save() == state
    assert_same(loaded.train_epoch(each[0]), expected)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_weights_and_moments_stay_in_the_memory_format_they_are_trained_in(data: Dataset, optimizer: str) -> None:
    run, each = start(data, **settings_of("example_cnn", optimizer))
    run.train_epoch(each[0])
    strides = [parameter.stride() for parameter in run.model.parameters()]
    assert run.model.get_parameter("conv2.weight").is_contiguous(memory_format=torch.channels_last)
    other, _ = start(data, **settings_of("example_cnn", optimizer))
    other.load(run.save())
    assert [parameter.stride() for parameter in other.model.parameters()] == strides
    for parameter, held in other._optimizer.state.items():
        assert held
        assert all(tensor.stride() == parameter.stride() for tensor in held.values() if tensor.ndim)


def test_a_state_is_plain_tensors_and_numbers(data: Dataset) -> None:
    run, each = start(data, **settings_of("example_cnn", "adamw"))
    run.train_epoch(each[0])
    found = torch.load(io.BytesIO(run.save()), weights_only=True)
    assert found.keys() == {"epoch", "model", "optimizer"}
    assert found["epoch"] == 1
    assert list(found["optimizer"]) == list(range(10))
    assert all(list(held) == ["exp_avg", "exp_avg_sq", "step"] for held in found["optimizer"].values())
    assert {held["step"].item() for held in found["optimizer"].values()} == {3}
    weights = found["model"]["conv1.weight"]
    assert weights.is_contiguous()
    assert weights.untyped_storage().nbytes() == 4 * weights.numel()


class Payload:
    """Unpickled, it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def test_a_state_that_is_code_is_refused_and_not_run(data: Dataset, tmp_path: Path) -> None:
    run, _ = start(data, **settings_of("example_cnn", "sgd"))
    in_torchs_format = io.BytesIO()
    torch.save({"epoch": 1, "model": Payload(tmp_path / "run"), "optimizer": {}}, in_torchs_format)
    for content in (pickle.dumps(Payload(tmp_path / "run")), in_torchs_format.getvalue()):
        with pytest.raises(pickle.UnpicklingError):
            run.load(content)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        run.load(in_torchs_format.getvalue())
    pickle.loads(pickle.dumps(Payload(tmp_path / "run")))
    assert [path.name for path in tmp_path.iterdir()] == ["run"], "the payload is one"


def test_an_epoch_at_rate_0_leaves_the_weights_alone(data: Dataset) -> None:
    for optimizer in ("nesterov", "adamw"):
        run, each = start(data, **settings_of("example_cnn", optimizer))
        run.train_epoch(each[0])
        before = [parameter.detach().clone() for parameter in run.model.parameters()]
        row = run.train_epoch({**each[1], "optimizer.lr": 0.0})
        assert np.isfinite(row["train_loss"])
        assert all(torch.equal(one, two) for one, two in zip(before, run.model.parameters(), strict=True))


@pytest.mark.slow
def test_greyscale_trains_as_on_images_that_are_grey(data: Dataset) -> None:
    from classifier.inputs import grey

    images = {split: np.repeat(grey(array), 3, axis=1) for split, array in data.images.items()}
    already = Dataset(images, data.labels, data.card)
    settings = {
        **settings_of("example_cnn", "sgd"),
        "augment.rotation": 10,
        "augment.contrast": 0.3,
        "input.greyscale": True,
    }
    for more in ({}, {"augment.rotation": 0, "augment.contrast": 0}, {"input.normalise": "half"}):
        run, each = start(data, **{**settings, **more})
        other, _ = start(already, **{**settings, **more, "input.greyscale": False})
        assert_same(run.train_epoch(each[0]), other.train_epoch(each[0]))
        assert np.array_equal(run.features("val")[0], other.features("val")[0])
    coloured, each = start(data, **{**settings, "input.greyscale": False})
    grey_run, _ = start(data, **settings)
    assert coloured.train_epoch(each[0])["train_loss"] != grey_run.train_epoch(each[0])["train_loss"]


@pytest.mark.slow
def test_each_setting_of_the_input_and_the_loss_trains_something_else(data: Dataset) -> None:
    unequal = {**data.labels, "train": np.array([0] * 9 + [1] * 4 + [2] * 2)}
    data = Dataset(data.images, unequal, data.card)
    settings: list[dict[str, Any]] = [{}, {"loss.label_smoothing": 0.1}, {"loss.class_weights": "balanced"}]
    settings += [{"input.normalise": name} for name in ("imagenet", "cifar10", "half")]
    losses = set()
    for more in settings:
        run, each = start(data, **{**settings_of("example_cnn", "sgd"), **more})
        losses.add(run.train_epoch(each[0])["train_loss"])
    assert len(losses) == len(settings)


def test_frozen_parameters_belong_to_no_optimiser() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
    model[0].requires_grad_(False)
    for settings in OPTIMISERS.values():
        held = optimiser(model, canonical(settings)).param_groups
        assert [parameter.shape for group in held for parameter in group["params"]] == [(2, 4), (2,)]


@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_optimiser_is_torchs_under_its_settings(name: str) -> None:
    made = optimiser(torch.nn.Linear(3, 2), canonical({**OPTIMISERS[name], "optimizer.beta1": 0.8}))
    assert type(made) is {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}.get(
        name, torch.optim.SGD
    )
    (group,) = made.param_groups
    assert group["foreach"]
    assert group["lr"] == 0
    assert group["weight_decay"] == OPTIMISERS[name].get("optimizer.weight_decay", 0)
    if "momentum" in group:
        assert group["momentum"] == (0 if name == "sgd without momentum" else 0.9)
        assert group["nesterov"] == (name == "nesterov")
    else:
        assert (group["betas"], group["eps"]) == ((0.8, 0.999), 1e-8)


def test_adamw_without_weight_decay_is_adam_and_nesterov_without_momentum_is_plain(data: Dataset) -> None:
    for one, other in (
        ({"optimizer.name": "adamw"}, {"optimizer.name": "adam"}),
        ({"optimizer.momentum": 0, "optimizer.nesterov": True}, {"optimizer.momentum": 0}),
    ):
        assert canonical(one) == canonical(other)
    # The synonyms are true ones: PyTorch's own classes end in the same bits.
    gradients = [torch.randn(4, 3, generator=torch.Generator().manual_seed(step)) for step in range(5)]
    ends = []
    for make in (
        lambda weights: torch.optim.Adam([weights], lr=0.01, foreach=True),
        lambda weights: torch.optim.AdamW([weights], lr=0.01, weight_decay=0, foreach=True),
    ):
        weights = torch.ones(4, 3, requires_grad=True)
        optimizer = make(weights)
        for gradient in gradients:
            weights.grad = gradient.clone()
            optimizer.step()
        ends.append(weights.detach())
    assert torch.equal(*ends)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_descent_is_torchs_step(name: str) -> None:
    gradients = [torch.randn(2, 3, generator=torch.Generator().manual_seed(step)) for step in range(5)]
    ends = []
    for own in (True, False):
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 2, bias=False)
        optimizer = optimiser(model, canonical(OPTIMISERS[name]))
        set_rate(optimizer, 0.1)
        for gradient in gradients:
            model.weight.grad = gradient.clone()
            if own:
                descend(optimizer)
                assert model.weight.grad is None
            else:
                optimizer.step()
        ends.append(model.weight.detach())
    assert torch.equal(*ends)


class WholeNumbers(TorchDispatchMode):
    """Counts additions in place to a single whole number."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        whole = func is torch.ops.aten.add_.Tensor and args[0].dtype == torch.int64 and args[0].ndim == 0
        self.count += whole
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("settings", "layers"),
    [
        pytest.param({"model.name": "model_c"}, 19, marks=pytest.mark.slow),
        pytest.param({"model.name": "resnet18", "model.stem": "small"}, 20, marks=pytest.mark.slow),
        ({"model.name": "example_cnn"}, 0),
    ],
)
def test_batch_norm_counts_its_batches_once_an_epoch_as_if_at_each_step(
    settings: dict[str, Any], layers: int, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, each = start(data, **settings)
    with WholeNumbers() as numbers:
        row = ours.train_epoch(each[0])
    assert numbers.count == 3 + layers, "the right ones of each step, and the counters"
    monkeypatch.setattr(training, "uncounted", lambda model: nullcontext([]))  # as PyTorch does it
    theirs, _ = start(data, **settings)
    assert_same(theirs.train_epoch(each[0]), row)
    state = ours.save()
    assert theirs.save() == state
    theirs.load(state)
    expected = theirs.train_epoch(each[1])
    monkeypatch.undo()
    assert_same(ours.train_epoch(each[1]), expected)
    assert ours.save() == theirs.save()
    counters = [value for name, value in ours.weights().items() if name.endswith("num_batches_tracked")]
    assert [int(counter) for counter in counters] == [6] * layers
