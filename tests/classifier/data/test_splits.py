from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.data.splits import draw, shares


@pytest.mark.parametrize(
    ("count", "ratio", "expected"),
    [
        (10, [0.7, 0.2, 0.1], [7, 2, 1]),
        (10, [7, 2, 1], [7, 2, 1]),
        (80, [0.5, 0.25, 0.25], [40, 20, 20]),
        (3, [0.98, 0.01, 0.01], [1, 1, 1]),
        (5, [0.9, 0.05, 0.05], [3, 1, 1]),
        (11, [1, 1, 1], [4, 4, 3]),
    ],
)
def test_shares(count: int, ratio: list[float], expected: list[int]) -> None:
    assert shares(count, ratio) == expected


@given(st.integers(3, 200), st.lists(st.integers(1, 20), min_size=3, max_size=3))
def test_shares_do_not_depend_on_how_a_ratio_is_spelled(count: int, tenths: list[int]) -> None:
    assert shares(count, tenths) == shares(count, [part / 10 for part in tenths])


@given(st.integers(3, 2000), st.lists(st.floats(1e-3, 1e3), min_size=3, max_size=3))
def test_shares_use_every_image_and_leave_no_part_empty(count: int, ratio: list[float]) -> None:
    parts = shares(count, ratio)
    assert sum(parts) == count
    assert min(parts) >= 1


@given(st.permutations(range(30)), st.integers(0, 5))
def test_draw_does_not_depend_on_the_order_of_images(order: list[int], seed: int) -> None:
    labels = np.arange(30) % 3
    identities = [b"image %d" % number for number in range(30)]

    def sizes(label: int, count: int) -> list[int]:
        return [5, 3, 2]

    straight = draw(labels, identities, seed, sizes)
    shuffled = draw(labels[order], [identities[number] for number in order], seed, sizes)
    for split, images in straight.items():
        assert {*images.tolist()} == {order[image] for image in shuffled[split].tolist()}


def test_draw_leaves_most_images_where_they_were() -> None:
    labels = np.zeros(101, dtype=np.int64)
    identities = [b"image %d" % number for number in range(101)]
    before = draw(labels[:100], identities[:100], 0, lambda _, count: shares(count, [0.6, 0.2, 0.2]))
    after = draw(labels, identities, 0, lambda _, count: shares(count, [0.6, 0.2, 0.2]))
    moved = sum(len(set(before[split].tolist()) - set(after[split].tolist())) for split in before)
    assert moved <= 2


def test_draw_leaves_out_what_has_no_identity() -> None:
    parts = draw(np.zeros(4, dtype=np.int64), [b"a", b"", b"c", b"d"], 0, lambda _, count: shares(count, [1, 1, 1]))
    assert sorted(np.concatenate(list(parts.values())).tolist()) == [0, 2, 3]
