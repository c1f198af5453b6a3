"""What happens to an image depends on its number, the seed and the epoch; on nothing else."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from classifier import augment
from classifier.augment import Augmentation
from classifier.augment_settings import AUGMENT_SETTINGS

from .reference import augmented, named

EVERYTHING: dict[str, Any] = {
    "rotation": 20,
    "crop": True,
    "hflip": 0.5,
    "vflip": 0.5,
    "brightness": 0.4,
    "contrast": 0.4,
    "saturation": 0.4,
    "hue": 0.1,
    "greyscale": 0.3,
}
LATE: dict[str, Any] = {"policy": "randaugment", "erase": 0.5, "mixup": 0.4, "cutmix": 1}
SOME = [{name: value} for name, value in EVERYTHING.items()] + [
    {"hflip": 0.5, "vflip": 0.5},
    {"contrast": 0.5, "hue": 0.2},
    EVERYTHING,
    {"policy": "trivialaugment"},
    {"policy": "randaugment", "operations": 3, "magnitude": 20},
    {"erase": 0.5},
    {**EVERYTHING, **LATE},
]


@pytest.mark.parametrize("settings", SOME, ids=str)
def test_order_and_size_of_the_batch_do_not_matter(
    settings: dict[str, Any], noise: torch.Tensor, index: torch.Tensor
) -> None:
    # An odd size too: the last pixels then do not fill a vector register, where rounding may differ.
    for batch in (noise, noise[:, :, :23, :31].contiguous()):
        whole = augmented(settings, batch, index)
        order = torch.randperm(len(batch), generator=torch.Generator().manual_seed(2))
        assert torch.equal(augmented(settings, batch[order], index[order]), whole[order])
        for size in (1, 5):
            parts = zip(batch.split(size), index.split(size), strict=True)
            assert torch.equal(torch.cat([augmented(settings, *part) for part in parts]), whole)


@pytest.mark.parametrize("settings", SOME, ids=str)
def test_the_memory_format_is_kept_and_changes_no_bit(
    settings: dict[str, Any], noise: torch.Tensor, index: torch.Tensor
) -> None:
    last = noise.contiguous(memory_format=torch.channels_last)
    ours = augmented(settings, last, index)
    assert ours.is_contiguous(memory_format=torch.channels_last)
    plain = augmented(settings, noise, index)
    assert plain.is_contiguous()
    assert torch.equal(ours, plain)


@pytest.mark.slow
def test_the_number_of_threads_changes_no_bit(index: torch.Tensor) -> None:
    batch = torch.rand(12, 3, 96, 97, generator=torch.Generator().manual_seed(0))
    one = augmented(EVERYTHING, batch, index)
    torch.set_num_threads(2)
    assert torch.equal(augmented(EVERYTHING, batch, index), one)
    assert torch.equal(augmented(EVERYTHING, batch[:1], index[:1]), one[:1])


@pytest.mark.parametrize("settings", SOME[:4] + SOME[4:8], ids=str)
def test_the_same_image_comes_out_differently_under_another_number_epoch_or_seed(settings: dict[str, Any]) -> None:
    picture = torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(3)).expand(40, -1, -1, -1).contiguous()
    numbers = torch.arange(40)
    out = [
        Augmentation(named(settings), seed, epoch, 40).apply(picture, numbers)
        for seed, epoch in ((0, 1), (0, 2), (1, 1))
    ]
    different = {tuple(image.flatten().tolist()) for image in out[0]}
    assert len(different) == (2 if "flip" in str(settings) else 40)
    assert not torch.equal(out[0], out[1])
    assert not torch.equal(out[0], out[2])


def test_adding_an_operation_moves_nobody_elses_draws() -> None:
    both = {**EVERYTHING, **LATE}
    everything = Augmentation(named(both), 3, 7, 30)
    assert set(everything.drawn) == set(both)
    for name, value in both.items():
        alone = Augmentation(named({name: value}), 3, 7, 30)
        assert set(alone.drawn) == {name}
        assert np.array_equal(alone.drawn[name], everything.drawn[name])
        assert all(np.array_equal(key, everything.keys[other]) for other, key in alone.keys.items())
    assert np.array_equal(Augmentation({"augment.crop": True}, 3, 7, 30).boxes(24, 32), everything.boxes(24, 32))


def test_more_images_change_nothing_for_the_first_ones(noise: torch.Tensor) -> None:
    numbers = torch.arange(12)
    late = {"policy": "trivialaugment", "erase": 0.5}
    few, many = (
        Augmentation(named({**EVERYTHING, **late}), 0, 1, images).apply(noise, numbers) for images in (12, 5000)
    )
    assert torch.equal(few, many)


def test_a_stronger_setting_sees_the_same_numbers() -> None:
    weak, strong = (
        Augmentation(named({"rotation": limit, "hflip": limit / 90}), 0, 1, 200).drawn for limit in (10, 40)
    )
    assert strong["rotation"] == pytest.approx(4 * weak["rotation"])
    assert (strong["hflip"] >= weak["hflip"]).all()  # who is flipped at 1/9 is flipped at 4/9 too


def test_one_operation_more_in_turn_moves_none_of_the_first() -> None:
    two, three = (
        Augmentation(named({"policy": "randaugment", "operations": turns}), 0, 1, 50).drawn["policy"]
        for turns in (2, 3)
    )
    assert np.array_equal(three[:2], two)
    assert not np.array_equal(three[2], two[0])
    (one,) = Augmentation(named({"policy": "trivialaugment"}), 0, 1, 50).drawn["policy"]
    assert np.array_equal(one[:, [0, 2]], two[0][:, [0, 2]]), "the same operations and signs at other strengths"


WAITS = {"_local_scalar_dense", "nonzero", "masked_select", "index", "item", "is_nonzero", "equal", "unique"}
"""Operations that make the host wait for its device."""


class Calls(TorchDispatchMode):
    """Notes the name of every torch operation."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def calls(settings: dict[str, Any], batch: torch.Tensor, index: torch.Tensor) -> set[str]:
    augmentation = Augmentation(named(settings), 0, 1, 50)
    augmentation.apply(batch, index)  # the first call of an epoch uploads
    with Calls() as recorded:
        augmentation.apply(batch, index)
    return set(recorded.names)


def test_an_operation_that_is_off_costs_nothing(noise: torch.Tensor, index: torch.Tensor) -> None:
    assert calls({}, noise, index) == {"_to_copy", "div_"}
    assert calls({}, noise.float(), index) == set()
    assert not calls({"hflip": 0.5}, noise, index) & {"grid_sampler_2d", "mul", "clamp_"}
    assert not calls({"brightness": 0.5}, noise, index) & {"grid_sampler_2d", "sum", "flip", "split", "aminmax"}
    assert not calls({"saturation": 0.5}, noise, index) & {"grid_sampler_2d", "sum", "flip", "aminmax"}
    assert "flip" not in calls({"rotation": 5, "hflip": 0.5}, noise, index)
    assert not calls({"erase": 0.5}, noise, index) & {"grid_sampler_2d", "flip", "split", "scatter_add_"}


def test_everything_is_one_resampling_and_never_waits_for_the_device(noise: torch.Tensor, index: torch.Tensor) -> None:
    augmentation = Augmentation(named(EVERYTHING), 0, 1, 50)
    augmentation.apply(noise, index)
    with Calls() as recorded:
        augmentation.apply(noise, index)
    assert recorded.names.count("grid_sampler_2d") == 1
    assert recorded.names.count("aminmax") == 1  # hue is computed once
    assert not set(recorded.names) & WAITS


@pytest.mark.parametrize("policy", ["randaugment", "trivialaugment"])
def test_nor_does_what_comes_behind_the_colours(policy: str, noise: torch.Tensor, index: torch.Tensor) -> None:
    augmentation = Augmentation(named({**LATE, "policy": policy}), 0, 1, 50)
    rows = augmentation.rows(index, *noise.shape[-2:])
    augmentation.mix(augmentation.change(noise, rows), rows)
    with Calls() as recorded:
        augmentation.mix(augmentation.change(noise, rows), rows)
    assert recorded.names.count("grid_sampler_2d") == (2 if policy == "randaugment" else 1)
    assert not set(recorded.names) & WAITS


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that drew a table."""
    drawn: list[str] = []
    original = augment.table

    def noting(seed: int, epoch: int, operation: str, images: int, parameters: int) -> Any:
        drawn.append(operation)
        return original(seed, epoch, operation, images, parameters)

    monkeypatch.setattr(augment, "table", noting)
    return drawn


def test_an_operation_that_is_off_draws_nothing(tables: list[str], noise: torch.Tensor, index: torch.Tensor) -> None:
    augmented({"rotation": 0, "hue": 0}, noise, index)
    assert tables == []
    augmentation = Augmentation(named({"rotation": 3, "contrast": 1}), 0, 1, 50)
    for _ in range(3):
        augmentation.apply(noise, index)
    assert tables == ["augment.rotation", "augment.contrast"]


def test_every_setting_is_described_and_off_by_default() -> None:
    assert not Augmentation({name: rule["default"] for name, rule in AUGMENT_SETTINGS.items()}, 0, 1, 5).drawn
    for name, rule in AUGMENT_SETTINGS.items():
        assert name.startswith("augment.")
        assert rule["epoch"] is True
        assert rule["description"]


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_agrees_with_the_cpu_and_never_synchronises(noise: torch.Tensor, index: torch.Tensor) -> None:
    for settings in SOME:
        augmentation = Augmentation(named(settings), 0, 1, 50)
        batch, numbers = noise.cuda(), index.cuda()
        first = augmentation.apply(batch, numbers)
        torch.cuda.set_sync_debug_mode("error")
        try:
            second = augmentation.apply(batch, numbers)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        assert torch.equal(first, second)
        assert torch.equal(augmentation.apply(batch[3:4], numbers[3:4]), first[3:4])
        gap = (first.cpu() - augmentation.apply(noise, index)).abs()
        if "policy" in settings:  # cuts to levels and takes nearest pixels: rounding may make either another one
            assert (gap > 1e-4).float().mean() < 0.01
        else:
            assert gap.max() < 1e-4


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_mixes_as_the_cpu_does_and_never_synchronises(noise: torch.Tensor, index: torch.Tensor) -> None:
    augmentation = Augmentation(named({"mixup": 0.4, "cutmix": 1}), 0, 1, 50)
    images, numbers = noise.cuda().float() / 255, index.cuda()
    rows = augmentation.rows(numbers, *noise.shape[-2:])
    first = augmentation.mix(images, rows)
    torch.cuda.set_sync_debug_mode("error")
    try:
        second = augmentation.mix(images, augmentation.rows(numbers, *noise.shape[-2:]))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    here = augmentation.mix(noise.float() / 255, augmentation.rows(index, *noise.shape[-2:]))
    for one, other, cpu in zip(first, second, here, strict=True):
        assert torch.equal(one, other)
        assert (one.cpu() - cpu).abs().max() < 1e-5
