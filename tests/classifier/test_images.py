"""Where images lie while a run trains: resident ones and streamed ones must be the same images."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from classifier.images import Resident, Streamed, cut, fits, hold

CPU = torch.device("cpu")
PIXELS = np.random.default_rng(0).integers(0, 256, (23, 3, 5, 4), dtype=np.uint8)


@pytest.mark.slow
@given(st.permutations(range(23)), st.integers(2, 30), st.integers(1, 23))
def test_streamed_images_are_the_resident_ones(order: list[int], size: int, count: int) -> None:
    chosen = torch.tensor(order[:count])
    resident, streamed = (list(kind(PIXELS, CPU).batches(chosen, size)) for kind in (Resident, Streamed))
    for (here, ours), (there, theirs) in zip(resident, streamed, strict=True):
        assert torch.equal(here, there)
        assert torch.equal(ours, theirs)
    assert torch.equal(torch.cat([images for _, images in streamed]), torch.from_numpy(PIXELS)[chosen])


@pytest.mark.parametrize("kind", [Resident, Streamed])
def test_an_order_of_two_rows_gives_batches_of_both(kind: type[Resident] | type[Streamed]) -> None:
    order = torch.stack((torch.arange(23), torch.arange(23).flip(0)))
    found = list(kind(PIXELS, CPU).batches(order, 11))
    assert [numbers.tolist() for numbers, _ in found] == [
        [*range(11), *range(22, 11, -1)],
        [*range(11, 23), *range(11, -1, -1)],  # the 23rd image joins, and its partner
    ]
    for numbers, pixels in found:
        assert torch.equal(pixels, torch.from_numpy(PIXELS)[numbers])


@pytest.mark.parametrize("kind", [Resident, Streamed])
@pytest.mark.parametrize("size", [1, 7, 23, 100])
def test_slices_hold_every_image_in_turn(kind: type[Resident] | type[Streamed], size: int) -> None:
    images = kind(PIXELS, CPU)
    found = list(images.slices(size))
    assert torch.equal(torch.cat([pixels for _, pixels in found]), torch.from_numpy(PIXELS))
    assert [where.stop - where.start for where, _ in found] == [len(pixels) for _, pixels in found]
    assert images.shape == (23, 3, 5, 4)


def test_images_nobody_wants_are_not_fetched() -> None:
    batches = Streamed(PIXELS, CPU).batches(torch.arange(23), 2)
    next(batches)
    assert [thread for thread in threading.enumerate() if thread.name.startswith("fetch")]
    batches.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fetch")]


def test_a_failure_of_the_thread_is_told() -> None:
    with pytest.raises(IndexError, match="out of bounds"):
        list(Streamed(PIXELS, CPU).batches(torch.tensor([0, 1, 23]), 2))


@pytest.mark.parametrize(("held", "kind"), [("device", Resident), ("host", Streamed), ("auto", Resident)])
def test_where_they_are_asked_to_lie(held: str, kind: type) -> None:
    found = hold({"train": PIXELS, "val": PIXELS[:3]}, CPU, held)
    assert {split: type(images) for split, images in found.items()} == {"train": kind, "val": kind}


@pytest.mark.parametrize(
    ("needed", "free", "fit"), [(10, 20, True), (11, 20, False), (0, 0, True), (10**12, None, True)]
)
def test_images_leave_the_network_half_of_a_device(needed: int, free: int | None, fit: bool) -> None:
    assert fits(needed, free) is fit


@pytest.mark.parametrize(
    ("images", "size", "lengths"),
    [(240, 48, [48] * 5), (97, 48, [48, 49]), (98, 48, [48, 48, 2]), (3, 2, [3]), (1, 2, [1]), (5, 48, [5])],
)
def test_a_last_batch_of_one_image_joins_the_one_before(images: int, size: int, lengths: list[int]) -> None:
    batches = list(cut(torch.arange(images), size))
    assert [len(batch) for batch in batches] == lengths
    assert torch.equal(torch.cat(batches), torch.arange(images))
