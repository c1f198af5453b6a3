"""Workloads found by name, and what a subclass gets for free."""

from __future__ import annotations

import importlib
import io
import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from search.core.errors import UserError
from search.workload import Workload, identity, load_workload
from search.workload.source import source_hash
from tests.surroundings import ROOT

# By name -------------------------------------------------------------------------------------------------------

MINIMAL = """
from search.workload import Workload

class Flat(Workload):
    settings = {"lr": {"type": "number", "default": 0.1, "epoch": True}, "depth": {"type": "integer", "default": 2}}

    def start(self, fixed, cpus, gpus):
        return (dict(fixed), cpus, gpus)

flat = Flat()
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module that can be imported by its name from the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    names = (f"workload_of_test_{number}" for number in itertools.count(next(counter)))

    def write(source: str) -> str:
        name = next(names)
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        return name

    return write


counter = itertools.count(step=100)


def refusal(name: str) -> str:
    with pytest.raises(UserError) as refused:
        load_workload(name)
    return str(refused.value)


@pytest.mark.parametrize("attribute", ["flat", "Flat"])
def test_an_object_or_a_class_in_the_current_folder_is_found(module, attribute):
    assert load_workload(f"{module(MINIMAL)}:{attribute}").canonical({}) == {"lr": 0.1, "depth": 2}


def test_a_bare_name_means_the_attribute_workload_of_its_module_workload(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "bare_name_of_test").mkdir()
    (tmp_path / "bare_name_of_test" / "workload.py").write_text(MINIMAL + "workload = flat\n")
    assert type(load_workload("bare_name_of_test")).__name__ == "Flat"


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("no_such_package", "no_such_package"),
        ("no_such_module:thing", "no_such_module"),
        ("search.no_such_module:thing", "search.no_such_module"),
    ],
)
def test_a_missing_module_is_named_with_the_place_that_was_searched(tmp_path, monkeypatch, name, missing):
    monkeypatch.chdir(tmp_path)
    assert refusal(name) == (
        f"workload {name!r}: no module {missing!r} can be imported from {tmp_path}; "
        "write `classifier` or `package.module:attribute`"
    )


def test_a_missing_attribute_is_named_with_the_nearest(module):
    name = module(MINIMAL)
    assert refusal(f"{name}:flatt") == (
        f"workload '{name}:flatt': module '{name}' has no attribute 'flatt'; did you mean 'flat'?"
    )
    assert refusal(f"{name}:zzzzz") == f"workload '{name}:zzzzz': module '{name}' has no attribute 'zzzzz'"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "import not_installed_anywhere",
            "No module named 'not_installed_anywhere' ({file}, line 1); install what it belongs to, or name its folder "
            "in PYTHONPATH",
        ),
        (
            "import sys\nsys.modules['lightning'] = None\nfrom lightning import pytorch",
            "import of lightning halted; None in sys.modules ({file}, line 3); pip install 'search-service[lightning]'",
        ),
        (
            "import sys\nsys.modules['transformers'] = None\nfrom transformers import Trainer",
            "import of transformers halted; None in sys.modules ({file}, line 3); "
            "pip install 'search-service[transformers]'",
        ),
        (
            "try:\n    raise ConnectionRefusedError(111)\nexcept OSError as why:\n    raise RuntimeError('no weights')",
            "RuntimeError('no weights') ({file}, line 4); have what it fetches from the network there before, and read "
            "it from a file",
        ),
        ("def half():\n    1 / 0\nhalf()", "ZeroDivisionError('division by zero') ({file}, line 2)"),
        (
            "import json\njson.loads('')",
            "JSONDecodeError('Expecting value: line 1 column 1 (char 0)') ({file}, line 2)",
        ),
        ("def (:", "SyntaxError: invalid syntax ({file}, line 1)"),
        ("import sys\nsys.exit(0)", "SystemExit(0) ({file}, line 2); {ended}"),
        ("raise SystemExit", "SystemExit() ({file}, line 1); {ended}"),
        ("import argparse\nargparse.ArgumentParser().exit()", "SystemExit(0) ({file}, line 2); {ended}"),
        ("x = 1\nexec('raise ValueError(1)')", "ValueError(1) ({file}, line 2)"),
        ("raise GeneratorExit", "GeneratorExit() ({file}, line 1)"),
        ("class Mine(BaseException): pass\nraise Mine(1)", "Mine(1) ({file}, line 2)"),
        ("from search.core.errors import UserError\nraise UserError('mine')", "UserError('mine') ({file}, line 2)"),
    ],
)
def test_an_import_that_fails_inside_is_told_with_its_place(module, tmp_path, monkeypatch, source, reason):
    for library in ("lightning", "transformers"):  # hidden by the source, or as they were
        monkeypatch.setitem(sys.modules, library, sys.modules.get(library))
    name = module(source + "\n")
    told = reason.format(file=tmp_path / f"{name}.py", ended=ENDED)
    assert refusal(f"{name}:x") == f"workload '{name}:x': importing '{name}' failed: {told}"


ENDED = 'a workload must not end the process: what a script does goes under `if __name__ == "__main__":`'


def test_an_import_that_is_interrupted_says_where(module, tmp_path, capsys):
    name = module("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        load_workload(f"{name}:x")
    where = f"{tmp_path / name}.py, line 1"
    assert capsys.readouterr().err == (
        f"workload '{name}:x': importing '{name}' was interrupted: KeyboardInterrupt() ({where})\n"
    )


def test_a_line_about_an_import_is_broken_at_words_on_a_terminal(module, tmp_path, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setattr(sys, "stderr", Terminal())
    name = module("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        load_workload(f"{name}:x")
    first, *others = sys.stderr.getvalue().splitlines()
    assert len(first) <= 50
    assert first.startswith(f"workload '{name}:x': importing")
    assert others[-1].endswith("line 1)")


def test_what_an_import_prints_is_named_and_is_no_result(module, capsys):
    name = module("import sys\nprint('one')\nprint('two', end='')\nsys.stdout.flush()\n" + MINIMAL)
    load_workload(f"{name}:flat")
    print("a result")
    said = capsys.readouterr()
    assert said.out == "a result\n"
    assert said.err == f"workload '{name}:flat': importing '{name}' prints:\none\ntwo"


def test_an_import_that_takes_long_is_named_with_the_place_it_has_come_to(module, tmp_path, monkeypatch, capsys):
    """The module waits for the line, so that no time decides."""
    said = threading.Event()
    monkeypatch.setattr("search.workload.foreign.SLOW_AFTER_S", 0.01)
    monkeypatch.setattr("search.workload.foreign._say", lambda text: (print(text, file=sys.stderr), said.set()))
    monkeypatch.setattr(sys.modules[__name__], "waited_for", said, raising=False)
    name = module(f"import {__name__} as tests\nassert tests.waited_for.wait(60)\n" + MINIMAL)
    load_workload(f"{name}:flat")
    assert capsys.readouterr().err == (
        f"workload '{name}:flat': importing '{name}' has taken 0.01 s so far; it is at {tmp_path / name}.py, line 2\n"
    )


def test_a_child_that_an_import_forks_ends_there(module, tmp_path, capfd):
    name = module("import os\nforked = os.fork()\n" + MINIMAL)
    load_workload(f"{name}:flat")
    _, status = os.waitpid(sys.modules[name].forked, 0)
    assert os.waitstatus_to_exitcode(status) == 1
    assert capfd.readouterr().err == (
        f"workload '{name}:flat': importing '{name}' has forked this process; the child ends here\n"
    )


@pytest.mark.parametrize("name", ["", ":x", "."])
def test_a_name_that_names_nothing_is_the_users_error(name):
    assert refusal(name).startswith(f"workload {name!r}: ")


@pytest.mark.parametrize(
    ("source", "lacking"),
    [
        ("x = 3", "settings, recipe, evaluation, canonical, schedule, data, inputs, execution_class, start"),
        ("from search.workload import Workload\nclass x(Workload): pass", "settings, start"),
        ("from search.workload import Workload\nclass x(Workload): settings = {}", "start"),
        ("from search.workload import Workload\nclass x(Workload):\n def start(self): pass", "settings"),
    ],
)
def test_what_is_no_workload_is_refused_with_what_it_lacks(module, source, lacking):
    name = module(source)
    assert refusal(f"{name}:x") == (
        f"workload '{name}:x': 'x' does not implement the contract (it lacks {lacking}); "
        "subclass search.workload.Workload"
    )


def test_a_class_that_needs_arguments_is_the_users_error(module):
    name = module(MINIMAL + "class Needy(Flat):\n    def __init__(self, depth): pass\n")
    assert refusal(f"{name}:Needy") == (
        f"workload '{name}:Needy': Needy() failed: "
        "TypeError(\"Needy.__init__() missing 1 required positional argument: 'depth'\")"
    )


def test_a_class_that_ends_the_process_is_the_users_error(module, tmp_path):
    name = module(MINIMAL + "class Ending(Flat):\n    def __init__(self): raise SystemExit(0)\n")
    line = MINIMAL.count("\n") + 2
    assert refusal(f"{name}:Ending") == (
        f"workload '{name}:Ending': Ending() failed: SystemExit(0) ({tmp_path / name}.py, line {line}); {ENDED}"
    )


def test_a_class_that_only_looks_like_a_workload_does_as_well(module):
    parts = ["canonical", "schedule", "data", "inputs", "execution_class", "start"]
    methods = "".join(f"    def {part}(self, *a): return {part!r}\n" for part in parts)
    name = module(f"class Lookalike:\n    settings, recipe, evaluation = {{}}, '1', '1'\n{methods}")
    assert load_workload(f"{name}:Lookalike").start({}, 1, 0) == "start"


# For free --------------------------------------------------------------------------------------------------------


@pytest.fixture
def flat(module):
    return load_workload(f"{module(MINIMAL)}:flat")


def test_the_contract_in_ten_lines(flat):
    canonical = flat.canonical({"lr": 1, "seed": 5})
    assert canonical == {"lr": 1.0, "depth": 2, "seed": 5}
    fixed, each = flat.schedule(canonical, 3)
    assert fixed == {"depth": 2, "seed": 5}
    assert each == [{"lr": 1.0}] * 3
    each[0]["lr"] = 2
    assert each[1] == {"lr": 1.0}, "every epoch has a mapping of its own"
    assert flat.data(fixed) is None
    assert flat.inputs(fixed) == {}
    assert {"python", "machine", "device", "threads"} <= set(flat.execution_class(2, 0))
    assert flat.start(fixed, 2, 0.5) == (fixed, 2, 0.5)
    assert flat.recipe is None
    assert flat.evaluation == "1"
    assert isinstance(flat, Workload)


def test_without_a_recipe_the_source_stands_in_the_keys(flat):
    assert identity("mine:flat", flat) == {
        "workload": "mine:flat",
        "recipe": f"source {source_hash(type(flat).__module__)}",
        "evaluation": "1",
    }
    flat.recipe, flat.evaluation = "7", "2"
    assert identity("mine:flat", flat) == {"workload": "mine:flat", "recipe": "7", "evaluation": "2"}


def hashed(module, source: str) -> str:
    return source_hash(type(load_workload(f"{module(source)}:flat")).__module__)


@pytest.mark.parametrize(
    "source",
    [
        "# a comment\n" + MINIMAL + "\n\n# and another\n",
        MINIMAL.replace('"default": 0.1', '"default" :\n        0.10'),
        MINIMAL.replace("(dict(fixed), cpus, gpus)", "dict(fixed), cpus, gpus  # the same tuple"),
        MINIMAL.replace('"', "'"),
    ],
)
def test_comments_and_formatting_are_not_in_the_source_hash(module, source):
    assert source != MINIMAL
    assert hashed(module, source) == hashed(module, MINIMAL)


@pytest.mark.parametrize(
    "source",
    [
        MINIMAL.replace('"default": 0.1', '"default": 0.2'),
        MINIMAL.replace("cpus, gpus)\n", "gpus, cpus)\n"),
        MINIMAL + "def helper(): pass\n",
        MINIMAL.replace("depth", "width"),
    ],
)
def test_code_changes_are_in_the_source_hash(module, source):
    assert source != MINIMAL
    assert hashed(module, source) != hashed(module, MINIMAL)
    assert len(hashed(module, source)) == 16


PARTS = {
    "__init__.py": "",
    "model.py": "from . import layers\nfrom .deep.blocks import width\nimport beside\nimport numpy\n",
    "layers.py": "def make():\n    from own.late import depth\n    return depth\n",
    "late.py": "depth = 3\n",
    "deep/__init__.py": "",
    "deep/blocks.py": "from ..base import Base\nwidth = 1\n",
    "base.py": "class Base: pass\n",
    "unused.py": "nothing = 1\n",
    "../beside.py": "import own.late\nfactor = 1\n",
    "../apart.py": "other = 1\n",
}


HASHES = """
import os, sys
from search.workload.source import source_hash
from tests.surroundings import ROOT
for place in sys.argv[1:]:
    if (child := os.fork()) == 0:  # a process of its own, that need not import all this again
        sys.path.insert(0, place)
        import own.model
        print(source_hash("own.model"), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


def hashes_of_packages(folder: Path, changes: list[dict[str, str]]) -> list[str]:
    """Hash packages, each in a process and a place of its own."""
    places = [folder / str(number) for number in range(len(changes))]
    for place, changed in zip(places, changes, strict=True):
        for name, text in {**PARTS, **changed}.items():
            path = place / "own" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    command = [sys.executable, "-c", HASHES, *map(str, places)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout.split()


@pytest.mark.slow
def test_what_a_module_imports_from_beside_it_is_in_the_source_hash(tmp_path):
    belonging = ("layers.py", "late.py", "deep/blocks.py", "base.py", "../beside.py", "__init__.py")
    others = ("unused.py", "../apart.py")
    changes = [{name: PARTS[name] + "more = 1\n"} for name in (*belonging, *others)]
    changes.append({"base.py": PARTS["base.py"] + "# a comment\n"})
    whole, elsewhere, *changed = hashes_of_packages(tmp_path, [{}, {}, *changes])
    assert elsewhere == whole
    assert [hash_ != whole for hash_ in changed] == [True] * len(belonging) + [False] * (len(others) + 1)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        ":",
        ".tests:x",
        "..tests.space.fake:Fake",
        "tests..space:x",
        "tests.space.:x",
        "tests.space.fake:",
        ":Fake",
        "tests.space.fake:Fake.x",
        "tests.space.fake:Fake:x",
        "tests space",
        "tests-space:x",
        "1tests:x",
        "tests\0:x",
        "a b:c",
    ],
)
def test_what_is_no_name_of_a_workload(name):
    with pytest.raises(UserError) as refused:
        load_workload(name)
    assert str(refused.value) == (
        f"workload {name!r}: found {name!r}, must be `classifier` or `package.module:attribute`, "
        "words of letters, digits and _ between dots"
    )


@pytest.mark.parametrize("name", ["tests/space/fake.py", "tests/fake.py:Fake", "./tests", "tests\\space\\fake:Fake"])
def test_the_file_of_a_workload_is_not_its_name(name):
    with pytest.raises(UserError) as refused:
        load_workload(name)
    assert str(refused.value) == (
        f"workload {name!r}: found {name!r}, must be `classifier` or `package.module:attribute`, "
        "the name of a module and not its file"
    )


def test_a_workload_of_an_adapter_is_keyed_by_the_module_that_it_names_and_by_the_adapters_version(module, flat):
    one, other = (module(f"def train():\n    return {number}\n") for number in (1, 2))
    plain = identity("mine:flat", flat)
    flat.source_module = one
    importlib.import_module(one), importlib.import_module(other)
    first = identity("mine:flat", flat)
    assert first == {**plain, "recipe": f"source {source_hash(one)}"}
    flat.source_module = other
    assert identity("mine:flat", flat) != first
    flat.source_module, flat.adapter_version = one, "torch 1"
    assert identity("mine:flat", flat) == {**first, "adapter": "torch 1"}
