"""Every shipped file is sound, moves to other data, and trains what the reports describe, each epoch once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from search.report.table.labels import published_figures, setting_label
from search.space.model import Grid
from search.space.reader import read_space
from search.space.recorded import rebuild
from search.space.writing import dump
from tests.spaces.shipped import REPORT_A, REPORT_B, SPACES, keys, leaves, space

BASE_A = {
    "data": "digits",
    "model.name": "model_c",
    "batch_size": 48,
    "epochs": 100,
    "optimizer.name": "sgd",
    "optimizer.lr": 0.005,
    "optimizer.momentum": 0.9,
    "augment.crop": True,
    "augment.rotation": 0.0,
    "loss.gamma": 0.0,
    "decay.name": "none",
    "input.normalise": "train",
}
BASE_B = {
    "data": "flowers-102",
    "data.split": "swapped",
    "data.size": 224,
    "model.name": "resnet18",
    "model.activation": "relu",
    "model.weights": "random",
    "model.stem": "imagenet",
    "input.normalise": "cifar10",
    "input.greyscale": False,
    "batch_size": 48,
    "epochs": 100,
    "loss.gamma": 0.0,
    "optimizer.name": "adam",
    "optimizer.lr": 0.001,
    "optimizer.weight_decay": 0.0,
    "decay.name": "multistep",
    "decay.milestones": [40, 70],
    "decay.factor": 0.2,
    "decay.warmup": 0,
    "augment.vflip": 0.5,
    "augment.hflip": 0.0,
    "augment.rotation": 10.0,
    "augment.crop": False,
}
STEP = {"decay.name": "step", "decay.start": 50, "decay.every": 30, "decay.factor": 0.1}
JITTER = {"augment.brightness": 0.4, "augment.saturation": 0.4, "augment.hue": 0.1, "augment.contrast": 0.4}

# File -> row -> what differs from the report's base.
ROWS: dict[str, dict[str, dict[str, Any]]] = {
    "augmentation": {
        row: {"epochs": 130, "augment.crop": True, **changes}
        for row, changes in {
            "crop": {},
            "rotation+crop": {"augment.rotation": 30.0},
            "rotation+crop+vflip": {"augment.rotation": 30.0, "augment.vflip": 0.5},
            "crop+vflip+hflip": {"augment.vflip": 0.5, "augment.hflip": 0.5},
            "crop+jitter": JITTER,
            "rotation+crop+jitter": {"augment.rotation": 30.0, **JITTER},
        }.items()
    },
    "decay": {
        "none": {},
        "exponential": {"decay.name": "exponential", "decay.start": 50, "decay.factor": 0.3},
        "step": STEP,
    },
    "early_stop": {
        str(alpha): {**STEP, "loss.gamma": 2.0, "stop.rule": "generalisation_loss", "stop.alpha": alpha}
        for alpha in (None, 3, 2, 1, 0.5)
    },
    "focal": {str(gamma): {**STEP, "loss.gamma": gamma} for gamma in (0, 0.3, 0.5, 1, 2)},
    "models": {
        "model_a": {
            "model.name": "resnet18",
            "model.weights": "imagenet",
            "model.frozen": False,
            "input.normalise": "imagenet",
        },
        "model_b": {"model.name": "resnet18", "model.weights": "random"},
        "model_c": {**STEP, "loss.gamma": 2.0},
    },
    "activation": {
        "relu": {},
        "leaky_relu": {"model.activation": "leaky_relu", "model.slope": 0.01},
        "sigmoid": {"model.activation": "sigmoid"},
        "example": {"model.name": "example_cnn", "model.stem": None, "model.weights": None},
    },
    "depth": {name: {"model.name": name} for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")},
    "greyscale": {"False": {}, "True": {"input.greyscale": True}},
    "milestones": {
        "40 and 70, x 0.2": {},
        "60, x 0.5": {"decay.milestones": [60], "decay.factor": 0.5},
    },
    "normalisation": {"cifar10": {}, "half": {"input.normalise": "half"}},
}


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(SPACES.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_file_is_sound(path: Path) -> None:
    assert read_space(path).name == path.stem


def test_the_reports_files_are_all_there() -> None:
    assert {*REPORT_A, *REPORT_B} <= {path.stem for path in SPACES.glob("*.yaml")}
    assert {path.stem for path in SPACES.glob("base/*.yaml")} == {"report_a", "report_b"}


@pytest.mark.parametrize("name", [*REPORT_A, *REPORT_B])
def test_a_file_trains_what_the_report_describes(name: str) -> None:
    base: Mapping[str, Any] = BASE_A if name in REPORT_A else BASE_B
    found = leaves(name)
    assert list(found) == list(ROWS[name])
    for row, changes in ROWS[name].items():
        settings = found[row].trial.settings
        assert {key: settings.get(key) for key in {**base, **changes}} == {**base, **changes}, row
        switched_on = {key for key in settings if key.startswith("augment.") and settings[key] not in (0, "none")}
        assert switched_on - {"augment.crop_scale"} <= {key for key, value in {**base, **changes}.items() if value}, row


@pytest.mark.slow
@pytest.mark.parametrize("name", [*REPORT_A, *REPORT_B])
def test_every_file_says_what_it_is_and_runs_under_three_seeds(name: str) -> None:
    read = space(name)
    assert read.title
    assert read.seeds == (0, 1, 2)
    assert read.search.sampler == "grid"
    assert read.report.has_baseline
    assert read.source["workload"] == "classifier"
    assert "extends" not in read.source, "a recorded study must not hang on a file"
    recorded = rebuild(dump(read), read.name)
    assert list(recorded.grid()) == list(read.grid())
    assert recorded.report == read.report


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "trials", "alone", "distinct"),
    [
        ("augmentation", 6, 780, 780),
        ("decay", 3, 300, 50 + 3 * 50),
        ("early_stop", 5, 500, 100),
        ("focal", 5, 500, 500),
        ("models", 3, 300, 300),
        ("activation", 4, 400, 400),
        ("depth", 5, 500, 500),
        ("greyscale", 2, 200, 200),
        ("milestones", 2, 200, 40 + 2 * 60),
        ("normalisation", 2, 200, 200),
    ],
)
def test_trials_and_epochs_of_one_seed(name: str, trials: int, alone: int, distinct: int) -> None:
    found = leaves(name)
    assert len(found) == trials
    assert sum(leaf.trial.epochs for leaf in found.values()) == alone
    assert len(keys(name)) == distinct


def test_seeds_share_nothing() -> None:
    first, second = leaves("decay", seed=0)["none"], leaves("decay", seed=1)["none"]
    assert not set(first.path) & set(second.path)


def test_the_same_training_is_paid_for_once() -> None:
    """What report A trained twice: "none" is the row "crop" cut at 100 epochs, "MultiStep" is gamma 0; and gamma 2."""
    crop, decay, focal = leaves("augmentation")["crop"], leaves("decay"), leaves("focal")
    assert decay["none"].path == crop.path[:100]
    assert decay["step"].path == focal["0"].path
    assert decay["step"].path[:50] == crop.path[:50]
    assert decay["step"].path[50] != crop.path[50]
    assert leaves("models")["model_c"].path == focal["2"].path
    assert all(leaf.path == focal["2"].path for leaf in leaves("early_stop").values())


def test_old_augmentations_are_not_trained_again_beside_new_ones() -> None:
    old, both = leaves("augmentation"), leaves("augment_modern")
    assert {row: both[row].path for row in old} == {row: leaf.path for row, leaf in old.items()}
    new = {row: leaf.path[0] for row, leaf in both.items() if row not in old}
    assert list(new) == [
        f"crop+{name}" for name in ("erasing", "mixup", "cutmix", "randaugment", "trivialaugment", "all")
    ]
    assert len({*new.values(), *(leaf.path[0] for leaf in old.values())}) == 12


def test_report_b_trains_its_base_once() -> None:
    bases = {
        "activation": "relu",
        "depth": "resnet18",
        "greyscale": "False",
        "milestones": "40 and 70, x 0.2",
        "normalisation": "cifar10",
    }
    assert len({tuple(leaves(name)[row].path) for name, row in bases.items()}) == 1


def test_epochs_of_all_files_of_a_report() -> None:
    # focal 500; augmentation without 50 of crop; the exponential tail; models A and B; early stopping costs nothing
    assert len(keys(*REPORT_A)) == 500 + 730 + 50 + 200 + 0
    # the base 100; three cases; four depths; grey; the tail behind epoch 40; the other constants
    assert len(keys(*REPORT_B)) == 100 + 300 + 400 + 100 + 60 + 100


def test_the_reports_step_is_a_multistep_at_50_and_80() -> None:
    # The report calls torch's MultiStepLR: "from epoch 50, every 30 epochs".
    other = leaves("decay", **{"space.decay.grid.step": "{decay.name: multistep, decay.milestones: [50, 80]}"})
    assert other["step"].path == leaves("decay")["step"].path


@pytest.mark.slow
@pytest.mark.parametrize("data", ["digits", "flowers-17", "flowers-102", "cifar10"])
@pytest.mark.parametrize("name", [*REPORT_A, *REPORT_B, "augment_modern", "prior", "flowers102_best"])
def test_every_file_moves_to_every_data_set(name: str, data: str) -> None:
    read = space(name, data=data)
    assert read.fixed["data"] == data
    assert ("data.split" in read.fixed) == (name in (*REPORT_B, "flowers102_best") and data == "flowers-102")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*REPORT_A, *REPORT_B])
def test_a_shortened_run_is_the_beginning_of_the_whole_one(name: str) -> None:
    short = leaves(name, epochs="3")
    assert {row: leaf.path[:3] for row, leaf in leaves(name).items()} == {row: leaf.path for row, leaf in short.items()}


def test_a_weights_file_counts_for_the_pretrained_model_alone(tmp_path: Path) -> None:
    weights = tmp_path / "weights.pt"
    weights.touch()
    given = leaves("models", **{"model.weights_file": str(weights)})
    assert given["model_a"].trial.settings["model.weights_file"] == str(weights)
    assert "model.weights_file" not in given["model_b"].trial.settings
    assert {row: leaf.path for row, leaf in given.items()} == {row: leaf.path for row, leaf in leaves("models").items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*REPORT_A, *REPORT_B])
def test_every_published_figure_finds_its_line(name: str) -> None:
    read = space(name)
    published = read.report.published
    lines = [(setting_label(read, parameters), parameters) for parameters in read.grid()]
    figures, homeless = published_figures(read, lines)
    assert homeless == []
    assert [figure for figure in figures if figure] == list(published.values.values() if published else [])


@pytest.mark.slow
@pytest.mark.parametrize("name", [*REPORT_A, *REPORT_B])
def test_claims_speak_of_rows(name: str) -> None:
    read = space(name)
    (axis,) = read.axes
    assert isinstance(axis.domain, Grid)
    rows = list(axis.domain.values)
    for claim in read.report.claims:
        named = [*claim.get("better", ()), *claim.get("equal", ()), *([claim["best"]] if "best" in claim else [])]
        assert all(row in rows for row in named)
