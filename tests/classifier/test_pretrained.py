"""Pretrained weights: what is taken, what names them, and what is said of files that do not fit.

The files are written here, with torchvision's own models and random weights: nothing is downloaded.
"""

from __future__ import annotations

import copy
import hashlib
import io
import os
import re
import urllib.error
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
import torchvision
from torch import Tensor

from classifier import pretrained
from classifier.models import build
from classifier.weights import initialise
from classifier.workload import workload
from search.workload import SettingFaults

IMAGENET = {"model.name": "resnet18", "model.weights": "imagenet"}


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """A state dict as torchvision's file for ResNet-18 holds it."""
    torch.manual_seed(0)
    found = torchvision.models.resnet18().state_dict()
    for name, tensor in found.items():
        if name.endswith("running_mean"):
            tensor.normal_()
    return found


@pytest.fixture(scope="module")
def file(state: Mapping[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save(state, path)
    return path


def fixed(file: Path | None, **more: Any) -> dict[str, Any]:
    given = {**IMAGENET, "model.weights_file": str(file) if file else None, "seed": 0, **more}
    ready, _ = workload.schedule(workload.canonical(given), 1)
    return ready


def written(content: object, path: Path) -> Path:
    torch.save(content, path)
    return path


def fault(file: Path | None, **more: Any) -> str:
    with pytest.raises(SettingFaults) as error:
        workload.inputs(fixed(file, **more))
    return str(error.value)


@pytest.mark.slow
def test_only_runs_that_start_from_weights_have_inputs(file: Path) -> None:
    assert workload.inputs(workload.canonical({})) == {}
    assert workload.inputs(workload.canonical({"model.name": "resnet18"})) == {}
    (name,) = workload.inputs(fixed(file))
    assert name == "model.weights"


def test_the_hash_is_of_the_content_as_stated(state: Mapping[str, Tensor], file: Path) -> None:
    digest = hashlib.sha256()
    for name in sorted(state):
        if not name.startswith("fc.") and not name.endswith("num_batches_tracked"):
            digest.update(f"{name}{tuple(state[name].shape)}\n".encode() + state[name].numpy().tobytes())
    assert workload.inputs(fixed(file)) == {"model.weights": digest.hexdigest()}


@pytest.mark.slow
def test_the_same_weights_in_another_file_have_the_same_hash(
    state: Mapping[str, Tensor], file: Path, tmp_path: Path
) -> None:
    other = {name: tensor for name, tensor in reversed(state.items()) if not name.endswith("num_batches_tracked")}
    other["fc.weight"], other["fc.bias"] = torch.zeros(20, 512), torch.zeros(20)
    same = written(other, tmp_path / "other.pth")
    assert same.read_bytes() != file.read_bytes()
    assert workload.inputs(fixed(same)) == workload.inputs(fixed(file))


def test_a_file_that_was_written_anew_is_read_anew(state: Mapping[str, Tensor], tmp_path: Path) -> None:
    path = written(state, tmp_path / "weights.pth")
    before = workload.inputs(fixed(path))
    changed = copy.deepcopy(dict(state))
    changed["layer4.1.bn2.running_var"][511] += 1e-3
    written(changed, path)
    os.utime(path, ns=(1, 1))
    assert workload.inputs(fixed(path)) != before


def test_a_file_is_hashed_once_per_process(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = workload.inputs(fixed(file))
    monkeypatch.setattr(torch, "load", lambda *a, **k: pytest.fail("read again"))
    assert workload.inputs(fixed(file, seed=1)) == expected


def test_a_run_starts_from_the_file_but_for_the_last_layer(state: Mapping[str, Tensor], file: Path) -> None:
    model = build(fixed(file), 10)
    initialise(model, 0)
    drawn = copy.deepcopy(model.fc.state_dict())
    pretrained.load_into(model, fixed(file))
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, drawn[name[3:]] if name.startswith("fc.") else state[name])
    assert model.fc.out_features == 10


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [False, True])
def test_frozen_the_last_layer_alone_is_trained(frozen: bool, state: Mapping[str, Tensor], file: Path) -> None:
    settings = workload.canonical({**IMAGENET, "model.weights_file": str(file), "model.frozen": frozen, "seed": 0})
    ready, each = workload.schedule(settings, 1)
    run = workload.start(ready, 1, 0.0)
    last = run.model.fc.weight.detach().clone()
    run.train_epoch(each[0])
    found = run.model.state_dict()
    kept = {name for name in state if name in found and torch.equal(found[name], state[name])}
    assert not torch.equal(found["fc.weight"], last)
    # Frozen, running statistics and counters stay as well; else no convolution, scale or statistic stays as it was.
    others = {name for name in state if not name.startswith("fc.")}
    assert kept == others if frozen else not kept


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.pth"
    remedy = "give one that torch.save wrote a state dict to"
    assert fault(path) == f"model.weights_file: found '{path}', which is no file; {remedy}"
    assert fault(tmp_path) == f"model.weights_file: found '{tmp_path}', which is no file; {remedy}"


class Payload:
    """What a hostile file would run on being read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("payload",)


@pytest.mark.parametrize("kind", ["text", "empty", "truncated", "payload"])
def test_files_that_cannot_be_read_as_tensors(
    kind: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights.pth"
    if kind == "payload":
        written(Payload(), path)
    else:
        path.write_bytes({"text": b"weights", "empty": b"", "truncated": file.read_bytes()[:-1000]}[kind])
    assert fault(path) == (
        f"model.weights_file: found '{path}', which is damaged or holds more than tensors (only tensors are read, "
        "never code); write it anew with torch.save(model.state_dict(), file)"
    )
    assert not Path("payload").exists()


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3, "state_dict": {}}, torch.zeros(3)], ids=str)
def test_files_that_hold_something_else(content: object, tmp_path: Path) -> None:
    path = written(content, tmp_path / "weights.pth")
    assert fault(path) == (
        f"model.weights_file: found '{path}', which holds no state dict (name -> tensor); "
        "write it with torch.save(model.state_dict(), file)"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "tensor", "said"),
    [
        ("bn1.weight", None, "lacks bn1.weight"),
        ("conv2.weight", torch.zeros(1), "holds conv2.weight, which resnet18 has not"),
        ("conv1.weight", torch.zeros(64, 3, 3, 3), "conv1.weight has shape [64, 3, 3, 3], must be [64, 3, 7, 7]"),
        ("bn1.bias", torch.zeros(64, dtype=torch.int64), "bn1.bias holds int64, must be floating-point numbers"),
        ("bn1.bias", torch.full((64,), torch.nan), "bn1.bias holds numbers that are not finite"),
    ],
)
def test_states_that_do_not_fit(
    name: str, tensor: Tensor | None, said: str, state: Mapping[str, Tensor], tmp_path: Path
) -> None:
    changed = {key: value for key, value in {**state, name: tensor}.items() if value is not None}
    path = written(changed, tmp_path / "weights.pth")
    expected = f"which does not fit resnet18: {said}; take the weights of a resnet18"
    assert fault(path) == f"model.weights_file: found '{path}', {expected}"


def test_the_weights_of_another_depth(file: Path) -> None:
    assert fault(file, **{"model.name": "resnet34"}) == (
        f"model.weights_file: found '{file}', which does not fit resnet34: lacks layer1.2.conv1.weight; "
        "lacks layer1.2.bn1.weight and 78 faults more; take the weights of a resnet34"
    )


def test_other_floating_point_numbers_are_taken_as_float32(state: Mapping[str, Tensor], tmp_path: Path) -> None:
    doubles = {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    singles, path = written(state, tmp_path / "32.pth"), written(doubles, tmp_path / "64.pth")
    assert workload.inputs(fixed(path)) == workload.inputs(fixed(singles))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of torch's downloads, and a network that is not there."""
    folder = tmp_path / "hub"
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(folder))
    (folder / "checkpoints").mkdir(parents=True)
    pretrained._content.cache_clear()

    def refuse(*args: Any, **more: Any) -> None:
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(torch.hub, "urlopen", refuse)
    yield folder / "checkpoints"
    pretrained._content.cache_clear()


def test_a_download_that_fails_names_address_reason_and_remedy(cache: Path) -> None:
    assert fault(None) == (
        "model.weights: found 'imagenet', but https://download.pytorch.org/models/resnet18-f37072fd.pth could not be "
        "downloaded (Name or service not known); set model.weights_file to a local file with them, or leave out what "
        "asks for model.weights imagenet"
    )


@pytest.mark.parametrize("error", [ConnectionResetError("Connection reset by peer"), KeyboardInterrupt()])
def test_a_download_that_breaks_off_leaves_no_file(
    cache: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    class Broken(io.BytesIO):
        headers: ClassVar = {"Content-Length": "46830571"}

        def read(self, *size: Any) -> bytes:
            if found := super().read(*size):
                return found
            raise error

    monkeypatch.setattr(torch.hub, "urlopen", lambda *_, **__: Broken(b"half of the weights"))
    with pytest.raises((SettingFaults, KeyboardInterrupt)):
        workload.inputs(fixed(None))
    assert list(cache.iterdir()) == []


def test_a_pipe_among_the_downloads_is_not_waited_for(cache: Path) -> None:
    kept = cache / "resnet18-f37072fd.pth"
    os.mkfifo(kept)
    assert fault(None) == f"model.weights: found 'imagenet', but {kept} is no file; remove it and start again"


def test_a_downloaded_file_is_found_and_its_hash_checked(
    cache: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = cache / "resnet18-f37072fd.pth"
    kept.write_bytes(file.read_bytes())
    assert fault(None) == (
        f"model.weights: found 'imagenet', but the downloaded {kept} is damaged; delete it and start again"
    )
    # Under its own hash the same file is taken, and nobody asks the network.
    weights = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    own = hashlib.sha256(file.read_bytes()).hexdigest()[:8]
    url = re.sub("f37072fd", own, weights.url)
    monkeypatch.setattr(weights, "_value_", torchvision.models.Weights(url, weights.transforms, weights.meta))
    kept.rename(cache / f"resnet18-{own}.pth")
    assert workload.inputs(fixed(None)) == workload.inputs(fixed(file))


def test_pretrained_weights_have_the_imagenet_stem() -> None:
    with pytest.raises(SettingFaults) as error:
        workload.canonical({**IMAGENET, "model.stem": "small"})
    assert str(error.value) == (
        "model.stem: found 'small', but pretrained weights have the stem imagenet; set model.weights to random"
    )
