"""Nothing in the product can run what it reads: no pickles, no evaluated text, no shell, no module named by data.

Each exception is listed with its reason; one that is no longer needed fails, too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("search", "src", "benchmarks")

UNPICKLERS = frozenset({"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"})
"""Modules whose readers run what they read."""

BUILTINS = frozenset({"eval", "exec", "compile", "__import__"})

CALLS = frozenset(
    {
        *("os.system", "os.popen", "importlib.import_module", "importlib.reload", "runpy.run_path", "runpy.run_module"),
        *("yaml.load", "yaml.load_all", "yaml.full_load", "yaml.full_load_all", "yaml.unsafe_load"),
        *("yaml.unsafe_load_all", "pd.read_pickle", "pandas.read_pickle", "torch.hub.load", "jsonpickle.decode"),
        *("shutil.unpack_archive", "torchvision.datasets.CIFAR10", "CIFAR10"),
    }
)

ALLOWED = {
    "search/workload/finding.py: importlib.import_module": "the workload of a space file: files are trusted with that",
    "search/adapters/lightning/beginning.py: importlib.import_module": "the package that the user's module comes from",
    "search/adapters/lightning/run.py: importlib.import_module": "the package that the user's module comes from",
    "search/adapters/torch/loop.py: compile": "the user's own function, which is run anyway, with a stop at each epoch",
    "search/logs/__init__.py: importlib.import_module": "a file of this room, by its name in TRACKERS",
    "search/proof/child.py: importlib.import_module": "what another process of the same training has imported",
    "search/proof/child.py: pickle": "what one of our processes asks another, over a pipe that only they hold",
    "search/proof/disturb.py: importlib.import_module": "torch, where the training uses it",
    "search/proof/fresh.py: pickle": "what one of our processes asks another, over a pipe that only they hold",
    "search/proof/transplant.py: pickle": "what our own process copied from one run of the same training into another",
    "src/classifier/pretrained.py: pickle": "for the name of an exception that torch.load raises",
    "src/classifier/data/cifar10.py: CIFAR10": "torchvision checks the md5 of each file before it unpickles it",
}
"""file: what is found there -> why it may be."""


def findings(source: str) -> Iterator[str]:
    """Yield what in a Python source can run what it reads."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] in UNPICKLERS)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in UNPICKLERS:
            yield node.module
        elif isinstance(node, ast.Call):
            yield from _of_call(node)


def _of_call(call: ast.Call) -> Iterator[str]:
    name = ast.unparse(call.func)
    options = {word.arg: ast.unparse(word.value) for word in call.keywords if word.arg}
    if name in BUILTINS or name in CALLS:
        yield name
    if options.get("shell", "False") != "False":
        yield "shell=True"
    if name == "torch.load" and options.get("weights_only") != "True":
        yield "torch.load without weights_only=True"
    if options.get("weights_only", "True") != "True":
        yield "weights_only that is not True"
    if options.get("allow_pickle", "False") != "False" and name.endswith("load"):
        yield "allow_pickle=True"
    if name.endswith((".extract", ".extractall")) and "filter" not in options:
        yield f"{name} without filter="


def found_in_product() -> list[str]:
    found = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            found += [f"{name}: {what}" for what in dict.fromkeys(findings(path.read_text(encoding="utf-8")))]
    return found


@pytest.mark.slow
def test_nothing_runs_what_it_reads() -> None:
    unexpected = [entry for entry in found_in_product() if entry not in ALLOWED]
    assert unexpected == [], "read it as data, or add it to ALLOWED with its reason"


@pytest.mark.slow
def test_no_exception_is_listed_in_vain() -> None:
    assert sorted(set(ALLOWED) - set(found_in_product())) == []


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import pickle", "pickle"),
        ("import joblib.numpy_pickle", "joblib.numpy_pickle"),
        ("from dill import loads", "dill"),
        ("torch.load(path)", "torch.load without weights_only=True"),
        ("torch.load(path, weights_only=False)", "torch.load without weights_only=True"),
        ("weights.get_state_dict(weights_only=flag)", "weights_only that is not True"),
        ("np.load(path, allow_pickle=True)", "allow_pickle=True"),
        ("yaml.load(text, Loader=yaml.Loader)", "yaml.load"),
        ("eval(text)", "eval"),
        ("x = [exec(line) for line in lines]", "exec"),
        ("subprocess.run(command, shell=True)", "shell=True"),
        ("subprocess.Popen(command, shell=wanted)", "shell=True"),
        ("os.system(command)", "os.system"),
        ("archive.extractall(folder)", "archive.extractall without filter="),
        ("importlib.import_module(name)", "importlib.import_module"),
    ],
)
def test_what_is_looked_for_is_found(source: str, what: str) -> None:
    assert what in findings(source)


@pytest.mark.parametrize(
    "source",
    [
        "torch.load(path, map_location='cpu', weights_only=True)",
        "model.eval()",
        "np.load(path, mmap_mode='r')",
        "yaml.safe_load(text)",
        "subprocess.run([program, word])",
        "re.compile(pattern)",
        "archive.extractall(folder, filter='data')",
        "import json",
    ],
)
def test_what_is_harmless_is_not(source: str) -> None:
    assert list(findings(source)) == []
