"""Which GPUs a process may use, and that those of several models are not mixed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from search.core.errors import UserError
from search.system import gpus
from search.system.gpus import Gpu, allowed_of, count, driver, hidden, known, listed, unlike

H, T = [Gpu(f"GPU-h{number}", "NVIDIA H200") for number in range(2)], Gpu("GPU-t0", "Tesla T4")


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The driver's tool of a machine with these three GPUs."""
    file = tmp_path / "nvidia-smi"
    rows = "\\n".join(f"{gpu.uuid}, {gpu.model}" for gpu in [*H, T])
    file.write_text(f'#!/bin/sh\ncase $1 in *driver*) echo 580.159.03;; *) printf "{rows}\\n";; esac\n')
    file.chmod(0o755)
    monkeypatch.setattr(gpus, "TOOLS", (str(tmp_path / "not there"), str(file)))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return file


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (None, None),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("0", ["0"]),
        ("1, 0", ["1", "0"]),
        ("0,-1,1", ["0"]),
        ("0,,1", ["0"]),
        ("GPU-h1,MIG-x", ["GPU-h1", "MIG-x"]),
    ],
)
def test_what_is_visible_is_read_as_cuda_reads_it(value: str | None, names: list[str] | None) -> None:
    environment = {} if value is None else {"CUDA_VISIBLE_DEVICES": value}
    assert listed(environment) == names
    assert hidden(environment) is (names == [])


def test_gpus_are_counted_by_their_devices(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert count(tmp_path, {}) == 3
    assert count(tmp_path, {"CUDA_VISIBLE_DEVICES": "1,0"}) == 2
    assert count(tmp_path, {"CUDA_VISIBLE_DEVICES": "-1"}) == 0
    assert count(tmp_path / "none", {}) == 0


def test_in_windows_linux_the_drivers_tool_counts_them(tmp_path: Path, tool: Path) -> None:
    devices = tmp_path / "dev"
    devices.mkdir()
    assert count(devices, {}) == 0
    (devices / "dxg").touch()
    assert count(devices, {}) == 3
    assert count(devices, {"CUDA_VISIBLE_DEVICES": "-1"}) == 0
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert count(devices, {}) == 0


def test_the_driver_tells_what_it_knows(tool: Path) -> None:
    assert known() == [*H, T]
    assert driver() == "580.159.03"
    tool.unlink()
    assert known() == []
    assert driver() == ""


def test_gpus_are_named_by_number_or_by_the_beginning_of_their_uuid() -> None:
    assert allowed_of([*H, T], None) == [*H, T]
    assert allowed_of([*H, T], ["2", "GPU-h0", "7"]) == [T, H[0]]


def test_gpus_of_several_models_are_refused_with_a_choice(tool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert unlike(H) == unlike([T]) == unlike([]) == ""
    monkeypatch.setattr(gpus, "count", lambda: 3)
    with pytest.raises(UserError) as refused:
        gpus.require_alike()
    assert str(refused.value) == (
        "the GPUs of this machine are of 2 models, which train different bits (NVIDIA H200: GPU-h0, GPU-h1; Tesla T4: "
        "GPU-t0); choose those of one, for example CUDA_VISIBLE_DEVICES=GPU-h0,GPU-h1, or set resources.gpus: 0"
    )
    monkeypatch.setitem(os.environ, "CUDA_VISIBLE_DEVICES", "GPU-h0,GPU-h1")
    gpus.require_alike()
