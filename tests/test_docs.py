"""The README and CONTRIBUTING say what the code does."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import click
import pytest

from search.cli import cli
from search.space import read_space, space_from_mapping
from search.space.nodes import Problems
from search.space.yaml import parse
from tests.settings_page import PAGE, page

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(text: str) -> list[list[str]]:
    found = re.findall(r"^    python -m search ([^`\n]+)|`python -m search ([^`\n]+)`", text, re.MULTILINE)
    return [shlex.split((one or two).partition("#")[0].replace("[TRIAL]", "")) for one, two in found]


def test_every_verb_stands_in_the_readme() -> None:
    shown = {words[0] for words in commands(README)}
    assert shown == set(cli.commands)


@pytest.mark.parametrize("words", commands(README), ids=" ".join)
def test_every_command_of_the_readme_parses(words: list[str]) -> None:
    command = cli.commands[words[0]]
    # Parsing alone: options and the number of arguments must be known, nothing is run.
    context = command.make_context(words[0], words[1:], resilient_parsing=False)
    assert isinstance(context, click.Context)


def test_the_first_screen_gives_the_two_commands() -> None:
    first = README.splitlines()[:12]
    assert any(line.strip().startswith("make run") for line in first)
    assert any(line.strip().startswith("make test") for line in first)


def test_the_table_of_the_readme_has_the_lines_and_published_figures_of_its_space_file() -> None:
    space = read_space(ROOT / "spaces/focal.yaml")
    published = space.report.published
    assert published is not None
    table, *_ = blocks(README, "text")
    lines = table.splitlines()[-len(published.values) :]
    assert [re.split(r"  +", line.strip())[4] for line in lines] == list(published.values.values())
    assert all("3 of 3" in line for line in lines)


def test_make_knows_what_the_documents_ask_of_it() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = set(re.findall(r"^    make (\w+)", README + CONTRIBUTING, re.MULTILINE))
    assert asked
    assert asked <= targets


def test_the_example_of_a_workload_is_the_one_that_is_tested() -> None:
    toy = (ROOT / "tests/contracts/toy.py").read_text()
    assert toy.strip() in [block.strip() for block in blocks(README, "python")]


@pytest.mark.parametrize("text", blocks(README, "yaml"))
def test_space_files_of_the_readme_read(text: str) -> None:
    problems = Problems()
    root = parse(text, "README.md", problems)
    assert root is not None
    assert not problems.faults
    assert space_from_mapping(root.data(), "readme").axes


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_files_that_are_named_are_there(text: str) -> None:
    named = re.findall(r"\b(?:search|src|tests|spaces|docs|benchmarks)/[\w/]+\.(?:py|md|yaml)\b", text)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_rooms_of_contributing_are_there() -> None:
    listing = CONTRIBUTING.partition("## Rooms")[2].partition("Imports go one way")[0]
    service = re.findall(r"^ {6,8}([\w/]+(?:\.py)?(?:, [\w.]+)*)", listing, re.MULTILINE)
    names = [name for entry in service for name in entry.split(", ")]
    assert "engine/" in names
    rooms = [ROOT / "search" / inside for inside in ("", "engine", "report")]
    assert [name for name in names if not any((room / name).exists() for room in rooms)] == []
    assert {f"{room.name}/" for room in (ROOT / "search").iterdir() if (room / "__init__.py").exists()} <= set(names)


def test_the_page_of_settings_is_what_the_settings_say() -> None:
    assert PAGE.read_text() == page(), "run python -m tests.settings_page"


# The promises of docs/reliability.md ---------------------------------------------------------------------------

RELIABILITY = (ROOT / "docs/reliability.md").read_text()
NAMED = re.findall(r"`([\w/]+\.py)::([\w:]+)`(\*?)", RELIABILITY)
"""File, test (perhaps in a class, or a class) and whether it is said to be left to `make stress`."""


def marks(node: ast.AST) -> str:
    return " ".join(ast.unparse(each) for each in getattr(node, "decorator_list", ()))


def found(file: str, name: str) -> str | None:
    """Return the marks of a test with those of its module; None where there is no such test."""
    paths = [ROOT / file] if file.startswith("tests/") else list((ROOT / "tests/engine").rglob(file))
    if not paths or not paths[0].exists():
        return None
    (path,) = paths
    module = ast.parse(path.read_text())
    node: ast.AST = module
    for part in name.split("::"):
        inside = [each for each in ast.iter_child_nodes(node) if getattr(each, "name", None) == part]
        if not inside:
            return None
        node = inside[-1]
    ours = [
        ast.unparse(each) for each in module.body if isinstance(each, ast.Assign) and "pytestmark" in ast.unparse(each)
    ]
    return " ".join([marks(node), *ours])


def test_every_promise_has_a_test() -> None:
    promises = [line for line in RELIABILITY.splitlines() if re.match(r"\| (?!promise)\w", line)]
    assert len(promises) > 40
    assert [line for line in promises if "::test_" not in line and "::Test" not in line] == []


@pytest.mark.slow
@pytest.mark.parametrize(("file", "name", "star"), NAMED, ids=["::".join(each[:2]) for each in NAMED])
def test_the_tests_of_promises_are_there(file: str, name: str, star: str) -> None:
    known = found(file, name)
    assert known is not None, "no such test"
    assert ("mark.stress" in known) is bool(star), "`make stress` alone runs those with a star"
    assert "mark.skip(" not in known
