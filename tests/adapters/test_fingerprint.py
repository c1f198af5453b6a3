"""Data are known by their content: a changed bit, type, shape, name or place of an item is another fingerprint."""

from __future__ import annotations

import copy
import dataclasses
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset, TensorDataset

import search.adapters.torch.content  # noqa: F401
from search.adapters.fingerprint import NotHashable, card_of, fingerprint, with_groups, with_truth
from search.core.errors import UserError
from search.core.trial import DataCard
from tests.adapters.strategies import alike, states


@given(states, states)
def test_equal_data_have_equal_fingerprints_and_others_have_others(one, other):
    assert fingerprint(one) == fingerprint(copy.deepcopy(one))
    assert (fingerprint(one) == fingerprint(other)) or not alike(one, other)


def test_every_change_of_content_is_seen():
    array, colours = np.arange(6, dtype=np.float32), Image.new("P", (2, 2), 0)
    colours.putpalette([255, 0, 0] * 256)
    variants: list[object] = [
        *(array, array + 1, array.reshape(2, 3), array.astype(np.float64), array[:5], array[::-1], [array], (array, 1)),
        *(torch.arange(6.0), torch.arange(6.0).reshape(3, 2), torch.arange(6.0).bfloat16(), torch.arange(6)),
        *({"a": array}, {"b": array}, {"a": array, "b": 1}, [1, [2, 3]], [1, 2, [3]], [[1, 2], 3], "12", b"12", 12),
        *(0.0, -0.0, float("nan"), None, True, 1, [], {}, np.array(["a"], object), np.array(["b"], object)),
        *(pd.DataFrame({"x": [1, 2]}), pd.DataFrame({"y": [1, 2]}), pd.DataFrame({"x": [1, 3]})),
        *(Image.new("L", (2, 2), 0), Image.new("L", (2, 2), 1), Image.new("L", (4, 1), 0)),
        *(Image.new("P", (2, 2), 0), colours),
        *(Image.new("YCbCr", (2, 2), (0, 0, 0)), Image.new("RGB", (2, 2), (0, 0, 0))),
        *(np.ma.masked_array(array), np.ma.masked_array(array, array > 3), np.ma.masked_array(array, array > 4)),
        *(Point(1, 2), Point(2, 1), range(3), range(4)),
    ]
    assert len({fingerprint(value) for value in variants}) == len(variants)


@dataclasses.dataclass
class Point:
    x: int
    y: int


def test_layout_of_memory_and_place_of_a_file_do_not_count(tmp_path):
    images = torch.rand(2, 3, 4, 4)
    assert fingerprint(images) == fingerprint(images.to(memory_format=torch.channels_last))
    array = np.random.rand(3, 4)
    assert fingerprint(array) == fingerprint(np.asfortranarray(array))
    for folder in ("one", "other"):
        (tmp_path / folder / "deep").mkdir(parents=True)
        (tmp_path / folder / "deep" / "a").write_bytes(b"1")
        (tmp_path / folder / "b").write_bytes(b"2")
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "other")
    before = fingerprint(tmp_path / "one")
    (tmp_path / "one" / "deep" / "a").write_bytes(b"3")
    changed = fingerprint(tmp_path / "one")
    (tmp_path / "one" / "deep" / "a").rename(tmp_path / "one" / "deep" / "c")
    assert len({before, changed, fingerprint(tmp_path / "one"), fingerprint(tmp_path / "one" / "b")}) == 4


class Noisy(Dataset):
    """Items with random augmentation, of every library that an item may be made with."""

    def __init__(self, images: list[int]) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[float, ...]:
        return self.images[index] + random.random(), np.random.random(), torch.rand(()).item()


def test_augmented_items_have_one_fingerprint_and_leave_the_generators_alone():
    before = (random.getstate(), torch.get_rng_state().tolist(), np.random.get_state()[1].tolist())
    assert fingerprint(Noisy([1, 2])) == fingerprint(Noisy([1, 2])) != fingerprint(Noisy([2, 1]))
    assert before == (random.getstate(), torch.get_rng_state().tolist(), np.random.get_state()[1].tolist())


def test_datasets_are_their_items_and_a_loader_is_its_dataset():
    whole = TensorDataset(torch.arange(6), torch.ones(6))
    first = Subset(whole, [0, 1, 2])
    assert fingerprint(first) == fingerprint(Subset(TensorDataset(torch.arange(4), torch.ones(4)), [0, 1, 2]))
    assert fingerprint(first) != fingerprint(Subset(whole, [1, 0, 2]))
    assert fingerprint(whole) != fingerprint(TensorDataset(torch.arange(6), torch.zeros(6)))
    parts = [ConcatDataset([first, Subset(whole, indices)]) for indices in ([3, 4, 5], [3, 5, 4])]
    assert len({fingerprint(part) for part in parts}) == 2
    assert fingerprint(Subset(parts[0], [0, 4])) == fingerprint(Subset(parts[1], [0, 5]))
    assert fingerprint(DataLoader(whole, 2)) == fingerprint(DataLoader(whole, 3, shuffle=True))
    assert fingerprint(DataLoader(whole, 2)) != fingerprint(DataLoader(first, 2))


class Saying:
    def __init__(self, text: object) -> None:
        self.text = text

    def fingerprint(self) -> object:
        return self.text


def test_what_says_its_own_fingerprint_is_believed():
    assert fingerprint(Saying("1")) == fingerprint([Saying("1")][0]) != fingerprint(Saying("2"))


class Endless(IterableDataset):
    def __iter__(self) -> Iterator[int]:
        while True:
            yield 1


REMEDY = (
    "; return arrays, tensors, datasets with items by number, plain data or pathlib.Path, "
    "or give it a method `fingerprint()` that returns text"
)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"train": [1, object()]}, "data['train'][1] is an object, whose content cannot be hashed"),
        (iter([1]), "data is a list_iterator, whose content cannot be hashed"),
        ({1, 2}, "data is a set, whose content cannot be hashed"),
        (Endless(), f"data is a {__name__}.Endless, whose content cannot be hashed"),
        (Saying(3), "data.fingerprint() is an int and no text, whose content cannot be hashed"),
        (lambda: 1, "data is a function, whose content cannot be hashed"),
        (np.array([object()]), "data (0) is an object, whose content cannot be hashed"),
    ],
    ids=["object", "iterator", "set", "iterable", "number", "function", "array"],
)
def test_what_cannot_be_hashed_is_refused_by_its_place(value, said):
    with pytest.raises(NotHashable) as refused:
        fingerprint(value)
    assert str(refused.value) == said + REMEDY


def test_a_missing_file_is_told():
    with pytest.raises(FileNotFoundError):
        fingerprint({"images": Path("/no/such/folder")})


def test_a_card_has_the_fingerprint_and_a_name():
    card = card_of([1, 2], "make_data")
    assert (card.fingerprint, card.name) == (fingerprint([1, 2]), "make_data")


def test_a_card_with_the_truth_has_its_classes():
    card = with_truth(card_of([1], "x"), {"val": torch.tensor([0, 2, 1]), "test": [3], "empty": np.empty(0, int)})
    assert card.classes == ["0", "1", "2", "3"]
    assert {split: labels.tolist() for split, labels in card.truth.items()} == {
        "val": [0, 2, 1],
        "test": [3],
        "empty": [],
    }


@pytest.mark.parametrize("labels", [[0.5], [[1]], [-1], ["a"]])
def test_a_truth_that_is_no_classes_is_refused(labels):
    array = np.asarray(labels)
    with pytest.raises(ValueError, match="the true classes of 'val' have the shape") as refused:
        with_truth(card_of([1], "x"), {"val": labels})
    assert str(refused.value) == (
        f"the true classes of 'val' have the shape {array.shape} and the type {array.dtype}; "
        "they must be one whole number from 0 on for each item"
    )


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (["a", "a"], "groups are of type list; they must be split -> a name or a number for each item"),
        ({"val": ["a", None]}, "groups of 'val' hold None for item 1; they must be split -> a name or a number for"),
        ({"val": np.array([1.0, np.nan])}, "groups of 'val' hold nan for item 1; they must be split -> a name or a"),
    ],
)
def test_groups_without_a_name_are_not_taken_for_one(groups: Any, said: str) -> None:
    with pytest.raises(UserError) as caught:
        with_groups(DataCard("f"), groups)
    assert str(caught.value).startswith(said)
    assert with_groups(DataCard("f"), {"val": np.array([1, 1, 2])}).groups == {"val": ["1", "1", "2"]}
