"""The execution class of a workload that says nothing of its own: what is in it, and what may not move it."""

from __future__ import annotations

import importlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from search.workload import Workload, cpu_model, execution

OF_ANY_CLASS = {"python", "machine", "device", "threads"}


def torch_like(**changed: Any) -> SimpleNamespace:
    """Return what the class reads of PyTorch, as it is where nobody has switched anything."""
    cudnn = SimpleNamespace(deterministic=False, benchmark=False, enabled=True, version=lambda: 92600)
    parts = {
        "float32": "torch.float32",
        "are_deterministic_algorithms_enabled": lambda: False,
        "get_default_dtype": lambda: "torch.float32",
        "get_float32_matmul_precision": lambda: "highest",
        "get_num_threads": lambda: 1,
        "backends": SimpleNamespace(cudnn=cudnn),
        "version": SimpleNamespace(cuda="13.2", hip=None),
        "cuda": SimpleNamespace(is_available=lambda: True, device_count=lambda: 1, get_device_name=lambda n: "GPU X"),
    }
    return SimpleNamespace(**{**parts, **changed})


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a worker of one CPU in which no framework but NumPy is loaded."""
    for name in ("torch", "jax", "tensorflow"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in (*execution.ENVIRONMENT, *execution.GPU_ENVIRONMENT):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(execution, "_nvidia", lambda visible: ())


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Write and import a module of this source; return its name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(source: str) -> str:
        name = f"code_{abs(hash(source))}"
        (tmp_path / f"{name}.py").write_text(source)
        importlib.import_module(name)
        return name

    return write


def asked(module: str = "search", *libraries: str, cpus: int = 1, gpus: float = 0.0) -> dict[str, str]:
    return execution.default_class(module, libraries, cpus, gpus)


def test_a_bare_one_names_python_machine_processor_threads_and_what_is_loaded() -> None:
    found = asked()
    assert set(found) == {*OF_ANY_CLASS, "numpy"}
    assert (found["python"], found["machine"]) == (platform.python_version(), platform.machine())
    assert found["device"].startswith(cpu_model())
    assert found["threads"] == "1"
    assert found["numpy"] == metadata.version("numpy")


def test_a_workload_has_it_by_default() -> None:
    class Mine(Workload):
        settings: dict[str, Any] = {}
        libraries = ("scipy",)

        def start(self, fixed: Any, cpus: int, gpus: float) -> Any: ...

    assert Mine().execution_class(1, 0.0) == asked(__name__, "scipy")
    assert "scipy" in Mine().execution_class(1, 0.0)


def test_a_library_that_the_code_imports_counts_before_it_is_loaded(code: Callable[[str], str]) -> None:
    """Inside a function, too: a workload often imports its library when training starts."""
    lazy = code("import json\ndef start():\n    from sklearn.linear_model import SGDClassifier\n    import torch.nn\n")
    assert "torch" not in sys.modules
    found = asked(lazy)
    assert found["torch"] == metadata.version("torch")
    assert found["sklearn"] == metadata.version("scikit-learn")
    assert set(found) == {*OF_ANY_CLASS, "numpy", "torch", "sklearn"}, "json has no version, click was not imported"


def test_what_is_imported_beside_the_code_counts(code: Callable[[str], str]) -> None:
    below = code("import scipy.optimize as of_below\n")
    assert "scipy" in asked(code(f"import {below}\n"))


def test_a_library_that_is_not_installed_is_left_out(code: Callable[[str], str]) -> None:
    optional = code("try:\n    import catboost\nexcept ImportError:\n    pass\n")
    assert "catboost" not in asked(optional, "no_such_library")


def test_loading_a_framework_that_the_code_imports_moves_nothing(
    code: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lazy = code("def start():\n    import torch\n")
    before = asked(lazy)
    monkeypatch.setitem(sys.modules, "torch", torch_like())
    assert asked(lazy) == before


def test_a_framework_that_others_loaded_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", torch_like())
    assert asked()["torch"] == metadata.version("torch")


@pytest.mark.parametrize(
    ("changed", "still"),
    [
        ({}, True),
        ({"sklearn": "0.1"}, False),
        ({"python": "2.7.18"}, False),
        ({"sklearn": metadata.version("scikit-learn") + "+own"}, True),
        ({"device": "another", "threads": "9", "no_such_library": "3"}, True),
    ],
)
def test_a_recorded_class_whose_libraries_are_no_longer_there(changed: dict[str, str], still: bool) -> None:
    assert execution.still_installed({**asked("search", "sklearn"), **changed}) is still
    assert execution.still_installed({"machine": "here"})


@pytest.mark.parametrize(
    ("told", "pool", "threads"),
    [("1", None, "1"), ("4", None, "1, libraries take 4"), ("1", 3, "1, libraries take 3"), ("4,2", 1, "1")],
)
def test_threads_are_those_given_and_those_that_libraries_take(
    monkeypatch: pytest.MonkeyPatch, told: str, pool: int | None, threads: str
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    if pool is not None:
        monkeypatch.setitem(sys.modules, "torch", torch_like(get_num_threads=lambda: pool))
    assert asked()["threads"] == threads
    monkeypatch.delenv("OMP_NUM_THREADS")
    if pool is None:
        assert asked(cpus=os.cpu_count() or 1)["threads"] == str(os.cpu_count())


def test_switches_are_named_where_somebody_moved_them(monkeypatch: pytest.MonkeyPatch) -> None:
    cudnn = SimpleNamespace(deterministic=True, benchmark=True, enabled=False, version=lambda: None)
    moved = torch_like(
        are_deterministic_algorithms_enabled=lambda: True,
        get_default_dtype=lambda: "torch.float64",
        get_float32_matmul_precision=lambda: "high",
        backends=SimpleNamespace(cudnn=cudnn),
    )
    monkeypatch.setitem(sys.modules, "torch", moved)
    assert asked()["switches"] == (
        "deterministic algorithms, float64, float32 products of high precision, cudnn deterministic, cudnn benchmark, "
        "without cudnn"
    )
    monkeypatch.setitem(sys.modules, "torch", torch_like())
    assert "switches" not in asked()


def test_variables_that_choose_kernels_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    assert asked()["environment"] == "ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=AVX2"
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    assert "NVIDIA" not in asked()["environment"]
    assert asked(gpus=1.0)["environment"].endswith(" NVIDIA_TF32_OVERRIDE=0")


def test_a_gpu_is_named_by_its_driver_before_any_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setattr(execution, "_nvidia", lambda visible: (f"GPU {visible}",))
    found = asked(gpus=0.5)
    assert found["device"] == "GPU 1"
    assert found["cpu"].startswith(cpu_model())
    assert "cuda" not in found
    monkeypatch.setitem(sys.modules, "torch", torch_like())
    found = asked(gpus=0.5)
    assert (found["device"], found["cuda"], found["cudnn"]) == ("GPU 1", "13.2", "92600")
    assert "hip" not in found
    assert "cuda" not in asked(), "a run on the CPU does not use it"
    monkeypatch.setattr(execution, "_nvidia", lambda visible: ())
    assert asked(gpus=1.0)["device"] == "GPU X"
    monkeypatch.delitem(sys.modules, "torch")
    assert asked(gpus=1.0)["device"] == "a GPU without a name"


def test_the_driver_is_asked_for_the_gpus_that_are_visible(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    tool = tmp_path / "nvidia-smi"
    tool.write_text('#!/bin/sh\n[ "$1" = -i ] && echo "NVIDIA H200 $2" || printf "NVIDIA A\\nNVIDIA B\\n"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    execution._nvidia.cache_clear()
    try:
        assert execution._nvidia("2") == ("NVIDIA H200 2",)
        assert execution._nvidia("") == ("NVIDIA A", "NVIDIA B")
        tool.write_text("#!/bin/sh\nexit 9\n")
        assert execution._nvidia("7") == ()
    finally:
        execution._nvidia.cache_clear()


@pytest.mark.slow
def test_nothing_is_imported_and_torch_as_it_is_has_no_switch_moved() -> None:
    """Against PyTorch itself: what it is imported with counts as nothing, so that loading it moves nothing."""
    script = (
        "import json, os, sys\n"
        "from search.workload.execution import default_class\n"
        "before = default_class('search', ['torch'], 1, 0.0)\n"
        "loaded = 'torch' in sys.modules\n"
        "import torch\n"
        "print(json.dumps([loaded, before, default_class('search', ['torch'], 1, 0.0)]))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded, before, after = json.loads(done.stdout)
    assert not loaded
    assert before == after
    assert before["torch"] == metadata.version("torch")
    assert before["threads"] == "1"


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (
            "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC",
            "AMD EPYC (family 25, model 17)",
        ),
        ("processor\t: 0\nmodel name\t: Some CPU @ 2.0 GHz", "Some CPU @ 2.0 GHz"),
        ("processor\t: 0", ""),
    ],
)
def test_a_processor_is_named_apart_from_its_generations(lines: str, name: str) -> None:
    assert execution.cpu_named(lines) == name


def test_an_arm_processor_is_named_by_its_part() -> None:
    name = execution.cpu_named("CPU implementer\t: 0x41\nCPU part\t: 0xd0c")
    assert name.endswith("implementer 0x41, part 0xd0c")
