"""Files of named tensors: what comes back, and what is refused."""

from __future__ import annotations

import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file

from search.core.errors import UserError
from search.inspect.tensor_file import check_file, fault_of, write_tensors

TIED = torch.arange(6.0).reshape(2, 3)
ARRAYS: dict[str, Any] = {
    "conv": torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last),
    "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "count": torch.tensor(7),
    "tied": TIED,
    "again": TIED.T,
    "own": torch.nn.Parameter(torch.ones(2)),
    "array": np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
}
TEXT = {"classes": '["a", "ü"]', "study": "focal (rev 2)"}


def test_safetensors_come_back_with_their_text(tmp_path: Path) -> None:
    path = write_tensors(tmp_path / "deep" / "w.safetensors", ARRAYS, TEXT)
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"format": "pt", **TEXT}
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert_equal(found)


def test_a_state_dict_comes_back_without_executing_anything(tmp_path: Path) -> None:
    path = write_tensors(tmp_path / "w.pt", ARRAYS, TEXT)
    found = torch.load(path, weights_only=True)
    assert found.metadata == {"format": "pt", **TEXT}
    assert_equal(found)


def assert_equal(found: dict[str, torch.Tensor]) -> None:
    assert set(found) == set(ARRAYS)
    for name, array in ARRAYS.items():
        wanted = torch.as_tensor(array)
        assert found[name].dtype == wanted.dtype
        assert torch.equal(found[name], wanted), name
        assert found[name].is_contiguous()


def test_arrays_alone_need_no_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3).T, "scalar": np.array(3)}
    for name in ("torch", "safetensors.torch"):
        monkeypatch.setitem(sys.modules, name, None)
    path = write_tensors(tmp_path / "w.safetensors", arrays, {})
    with safe_open(path, "np") as file:
        assert file.metadata() == {"format": "np"}
    found = load_file(path)
    assert found["a"].tolist() == arrays["a"].tolist()
    assert found["scalar"].shape == ()


def test_versions_that_modules_note_stay_in_a_state_dict(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    found = torch.load(write_tensors(tmp_path / "w.pt", model.state_dict(), {}), weights_only=True)
    assert found._metadata == model.state_dict()._metadata
    model.load_state_dict(found, strict=True)


@pytest.mark.parametrize("ending", [".safetensors", ".pt"])
def test_numbers_of_the_other_order_of_bytes_stay_what_they_are(ending: str, tmp_path: Path) -> None:
    swapped = np.arange(6, dtype=np.dtype(np.float32).newbyteorder("S")).reshape(2, 3).T
    path = write_tensors(tmp_path / f"w{ending}", {"a": swapped}, {})
    found = load_file(path)["a"] if ending == ".safetensors" else torch.load(path, weights_only=True)["a"].numpy()
    assert found.tolist() == swapped.tolist()


def test_what_stands_there_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_text("something else")
    write_tensors(path, {"a": np.ones(2)}, {})
    assert load_file(path)["a"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("w.bin", "found the ending '.bin', must be .safetensors or .pt"),
        ("weights", "found no ending, must be .safetensors or .pt"),
        ("w.PT", "found the ending '.PT', must be .safetensors or .pt"),
    ],
)
def test_an_ending_that_names_no_format(name: str, said: str) -> None:
    with pytest.raises(UserError) as refused:
        check_file(Path(name))
    assert str(refused.value) == f"weights {name!r}: {said}"


@pytest.mark.parametrize(
    ("name", "library", "other", "remedy"),
    [
        ("w.safetensors", "safetensors", "", ", or write a file that ends in .pt"),
        ("w.pt", "torch", "", ", or write a file that ends in .safetensors"),
        ("w.pt", "torch", "safetensors", ""),
    ],
)
def test_a_library_that_is_missing(
    name: str, library: str, other: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for missing in filter(None, (library, other)):
        monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UserError) as refused:
        check_file(Path(name))
    assert str(refused.value) == (
        f"weights {name!r}: {Path(name).suffix} is written by the package {library!r}, which is not installed; "
        f"`pip install {library}`{remedy}"
    )


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        (3, np.ones(1), "has the name 3, which must be text"),
        ("a", [1.0], "'a' is a list, and must be a NumPy array or a tensor of numbers"),
        ("a", np.array(["x"]), "'a' is an array of <U1, and must be a NumPy array or a tensor of numbers"),
        ("a", np.array([None]), "'a' is an array of object, and must be a NumPy array or a tensor of numbers"),
        (
            "a",
            torch.ones(1, dtype=torch.complex64),
            "'a' is a Tensor, and must be a NumPy array or a tensor of numbers",
        ),
        ("a", torch.ones(1, device="meta"), "'a' is a Tensor, and must be a NumPy array or a tensor of numbers"),
        ("a", torch.eye(2).to_sparse(), "'a' is a sparse tensor; make it dense"),
        ("a", torch.ones(1), ""),
        ("a", torch.nn.Parameter(torch.ones(1)), ""),
        ("a", np.ones(1), ""),
        ("a", np.array(True), ""),
    ],
    ids=str,
)
def test_what_is_no_array_of_numbers(name: object, array: object, said: str) -> None:
    assert fault_of(name, array) == said


def test_a_mapping_of_another_kind_is_written_as_well(tmp_path: Path) -> None:
    found = torch.load(
        write_tensors(tmp_path / "w.pt", OrderedDict(b=np.ones(1), a=np.zeros(1)), {}), weights_only=True
    )
    assert list(found) == ["b", "a"]


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize <= 8, reason="no longer numbers here")
def test_numbers_longer_than_both_formats_have() -> None:
    kind = np.dtype(np.longdouble)
    said = f"'a' is an array of {kind}, and must be a NumPy array or a tensor of numbers"
    assert fault_of("a", np.ones(1, kind)) == said
