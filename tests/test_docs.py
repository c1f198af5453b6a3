"""README, CONTRIBUTING and the pages of the documentation say what the code does."""

from __future__ import annotations

import ast
import difflib
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

import search
from docs import stage
from search.cli import cli
from search.space.nodes import Problems
from search.space.reader import read_space, space_from_mapping
from search.space.yaml import parse
from tests import commands_page, trace_pictures
from tests.settings_page import PAGE, page
from tests.surroundings import HANG_S

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
GUIDES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("[eh]*/*.md"))
}
"""Pages that tell people what to do, by their place."""

MAX_README_LINES = 130
MAX_PICTURE_BYTES = 200_000


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(text: str) -> list[list[str]]:
    found = re.findall(r"^    python -m search ([^`\n]+)|`python -m search ([^`\n]+)`", text, re.MULTILINE)
    return [
        shlex.split(words) for one, two in found if "VERB" not in (words := readable(one or two)) and "..." not in words
    ]


def readable(command: str) -> str:
    """Return a command without its remark and the brackets of what may be left out."""
    return re.sub(r"\[(NAME|TRIAL)\]", r"\1", command.partition("#")[0]).replace(" TRIAL", " 3")


def test_the_readme_is_read_in_one_go() -> None:
    assert len(README.splitlines()) <= MAX_README_LINES


def test_every_verb_stands_in_the_readme() -> None:
    shown = {words[0] for words in commands(README)}
    assert shown == set(cli.commands)


@pytest.mark.parametrize(
    "words",
    sorted({tuple(words) for text in GUIDES.values() for words in commands(text)}),
    ids=" ".join,
)
def test_every_command_of_a_guide_parses(words: tuple[str, ...]) -> None:
    command = cli.commands[words[0]]
    # Parsing alone: options and the number of arguments must be known, nothing is run.
    context = command.make_context(words[0], list(words[1:]), resilient_parsing=False)
    assert isinstance(context, click.Context)


def test_the_first_screen_gives_the_two_commands() -> None:
    first = README.splitlines()[:12]
    assert any(line.strip().startswith("make run") for line in first)
    assert any(line.strip().startswith("make test") for line in first)


def test_the_pictures_of_the_readme_are_there_and_small() -> None:
    named = re.findall(r"docs/pictures/[\w-]+\.\w+", README)
    assert len(named) == 3
    for name in named:
        assert 1000 < (ROOT / name).stat().st_size < MAX_PICTURE_BYTES, name


def test_the_table_that_make_run_prints_has_the_lines_and_published_figures_of_its_space_file() -> None:
    space = read_space(ROOT / "spaces/focal.yaml")
    published = space.report.published
    assert published is not None
    table, *_ = blocks(GUIDES["docs/explanation/tables.md"], "text")
    lines = table.splitlines()[-len(published.values) :]
    assert [re.split(r"  +", line.strip())[4] for line in lines] == list(published.values.values())
    assert all("3 of 3" in line for line in lines)


def test_make_knows_what_the_documents_ask_of_it() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = set(re.findall(r"^    make (\w+)", "\n".join([CONTRIBUTING, *GUIDES.values()]), re.MULTILINE))
    assert asked
    assert asked <= targets


def test_the_example_of_a_workload_is_the_one_that_is_tested() -> None:
    page = GUIDES["docs/how-to/code-python.md"]
    for name, language in (("sine.py", "python"), ("sine.yaml", "yaml")):
        shown = [block.strip() for block in blocks(page, language)]
        assert (ROOT / "examples" / name).read_text().strip() in shown


@pytest.mark.slow
def test_the_code_of_the_readme_keeps_the_contract(tmp_path: Path) -> None:
    (code,) = blocks(README, "python")
    assert len(code.partition("def digits")[2].strip().splitlines()) == 1 + 10
    (tmp_path / "mine.py").write_text(code)
    (tmp_path / "mine.yaml").write_text(blocks(README, "yaml")[-1])
    command = [sys.executable, "-m", "search", "verify", "mine.yaml"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "src")))}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=HANG_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not held" not in done.stdout


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (place, block)
        for place in (
            "README.md",
            "docs/tutorial.md",
            "docs/how-to/images.md",
            "docs/how-to/compare.md",
            "docs/how-to/code-python.md",
        )
        for block in blocks(GUIDES[place], "yaml")
    ],
)
def test_space_files_of_guides_read(place: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(blocks(README, "python")[0])
    (tmp_path / "path/to/images").mkdir(parents=True)
    problems = Problems()
    root = parse(text, place, problems)
    assert root is not None
    assert not problems.faults
    assert space_from_mapping(root.data(), "readme").axes


@pytest.mark.parametrize("place", [*GUIDES, "CONTRIBUTING.md"])
def test_files_that_are_named_are_there(place: str) -> None:
    text = (ROOT / place).read_text()
    named = re.findall(
        r"(?<![\w./-])(?:search|src|tests|spaces|docs|benchmarks|examples)/[\w/-]+\.(?:py|md|yaml)\b", text
    )
    assert [path for path in named if not (ROOT / path).exists()] == []


# The tutorial ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_tutorial_runs_and_prints_what_it_quotes(tmp_path: Path) -> None:
    """With fewer images and epochs; all but the figures must be the same."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "src")))}
    command = [sys.executable, str(ROOT / "docs/record.py"), "tutorial", "--short", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=HANG_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert without_figures((tmp_path / "tutorial.md").read_text()) == without_figures(GUIDES["docs/tutorial.md"]), (
        "run python docs/record.py tutorial"
    )
    picture = (tmp_path / "pictures/live.svg").read_text()
    assert picture.startswith("<svg")
    assert "url(" not in picture.replace("url(#", "")
    assert str(tmp_path) not in picture


def without_figures(text: str) -> list[str]:
    """Return the lines of a page without figures, and without the width that they take."""
    return [re.sub(r"<?[+-]?\d[\d,.]*|─+|\s+", " ", line).split() for line in text.splitlines()]


def test_the_page_of_settings_is_what_the_settings_say() -> None:
    assert PAGE.read_text() == page(), "run python -m tests.settings_page"


def test_the_page_of_commands_is_what_the_command_line_says() -> None:
    assert commands_page.PAGE.read_text() == commands_page.page(), "run python -m tests.commands_page"


# Pages of adapters ---------------------------------------------------------------------------------------------

ADAPTED = {
    "code-lightning.md": "lightning_digits",
    "code-sklearn.md": "digits_sklearn",
    "code-transformers.md": "transformers_gpt",
}
"""Page -> name of its example, whose script as it was is in `examples/originals/`."""

SHOWN = {"code-command.md": "command", **ADAPTED}


@pytest.mark.parametrize(("file", "name"), ADAPTED.items())
def test_the_page_of_an_adapter_shows_what_changes_in_the_original_script(file: str, name: str) -> None:
    before, after = (
        (ROOT / folder / f"{name}.py").read_text().splitlines() for folder in ("examples/originals", "examples")
    )
    changes = list(difflib.unified_diff(before, after, n=len(before), lineterm=""))[3:]  # without names and places
    assert [block.splitlines() for block in blocks((ROOT / "docs/how-to" / file).read_text(), "diff")] == [changes]


@pytest.mark.parametrize(("file", "name"), SHOWN.items())
def test_the_page_of_an_adapter_shows_the_space_file_of_its_example(file: str, name: str) -> None:
    shown = [block.strip() for block in blocks((ROOT / "docs/how-to" / file).read_text(), "yaml")]
    assert (ROOT / "examples" / f"{name}.yaml").read_text().strip() in shown


# docs/structure.md ---------------------------------------------------------------------------------------------

STRUCTURE = (ROOT / "docs/structure.md").read_text()
NAMES = sorted(
    {
        *re.findall(r"`((?:search|src|tests|docs|examples|benchmarks)/[\w/.]*(?:::[\w.]+)?)`", STRUCTURE),
        *(f"search/{place}" for _, boxes in trace_pictures.TRACES.values() for box in boxes for place in box.places),
    }
)
"""Files and folders that the page and its pictures name, most of them with what is in them."""


def defined(path: Path, name: str) -> bool:
    """Whether a module defines a class, function or constant; of a class, its methods too."""
    node: ast.AST = ast.parse(path.read_text())
    for part in name.split("."):
        inside = [child for child in ast.iter_child_nodes(node) if part in names_of(child)]
        if not inside:
            return False
        node = inside[-1]
    return True


def names_of(node: ast.AST) -> list[str]:
    match node:
        case ast.Assign():
            return [ast.unparse(target) for target in node.targets]
        case ast.AnnAssign():
            return [ast.unparse(node.target)]
    return [getattr(node, "name", "")]


def test_what_the_page_of_structure_names_is_there() -> None:
    assert len(NAMES) > 80
    missing = []
    for entry in NAMES:
        path, _, name = entry.partition("::")
        if not (ROOT / path).exists() or (name and not defined(ROOT / path, name)):
            missing.append(entry)
    assert missing == []


def test_every_room_stands_on_the_page_of_structure() -> None:
    listing = STRUCTURE.partition("## Rooms")[2].partition("\n## ")[0]
    top = ROOT / "search"
    inits = [*top.glob("*/__init__.py"), *top.glob("engine/*/__init__.py"), *top.glob("report/*/__init__.py")]
    rooms = {f"{init.parent.relative_to(ROOT).as_posix()}/" for init in inits}
    assert set(re.findall(r"^\| `(search/[\w/]+/)`", listing, re.MULTILINE)) == rooms


def test_the_page_of_structure_has_eight_objects_and_three_traces() -> None:
    objects = STRUCTURE.partition("## Eight objects")[2].partition("\n## ")[0]
    assert len(re.findall(r"^- \*\*\w+\*\*: .+ `search/.+::\w+`$", objects, re.MULTILINE)) == 8
    shown = re.findall(r"!\[[^\]]{80,}\]\(pictures/(\w+)\.svg\)", STRUCTURE)
    assert sorted(shown) == sorted(trace_pictures.TRACES)


@pytest.mark.parametrize("name", trace_pictures.TRACES)
def test_the_pictures_of_the_traces_are_what_the_traces_say(name: str) -> None:
    picture = (trace_pictures.FOLDER / f"{name}.svg").read_text()
    assert picture == trace_pictures.drawn(*trace_pictures.TRACES[name]), "run python -m tests.trace_pictures"


# The site ------------------------------------------------------------------------------------------------------


def test_every_page_stands_in_the_contents_of_the_site_and_its_links_lead_somewhere(tmp_path: Path) -> None:
    stage.stage(tmp_path / "pages")
    pages = {path.relative_to(tmp_path / "pages").as_posix() for path in (tmp_path / "pages").rglob("*.md")}
    contents = re.findall(r'"([\w/-]+\.md)"', (ROOT / "zensical.toml").read_text())
    assert sorted(contents) == sorted(pages)
    links = [
        (page, target)
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", (tmp_path / "pages" / page).read_text())
        if "://" not in target
    ]
    assert len(links) > 20
    assert [link for link in links if not (tmp_path / "pages" / link[0] / ".." / link[1]).resolve().exists()] == []


def test_a_link_to_a_file_becomes_its_path_and_one_to_nothing_is_an_error(tmp_path: Path, monkeypatch: Any) -> None:
    page = "docs/how-to/verify.md"
    (tmp_path / "docs/how-to").mkdir(parents=True)
    (tmp_path / "SECURITY.md").touch()
    (tmp_path / page).write_text("[a](../../search.py) [b](../../SECURITY.md#who) [c](https://ray.io) [d](verify.md)")
    monkeypatch.setattr(stage, "ROOT", tmp_path)
    with pytest.raises(FileNotFoundError, match=rf"^{page} links to \.\./\.\./search\.py, which is not there$"):
        stage.staged(page)
    (tmp_path / "search.py").touch()
    assert stage.staged(page) == "`search.py` [b](../security.md#who) [c](https://ray.io) [d](verify.md)"


def test_modules_whose_docstrings_the_site_shows_are_there() -> None:
    modules = [module for _, modules in stage.API.values() for module in modules]
    assert [module for module in modules if importlib.util.find_spec(module) is None] == []


# The changelog ---------------------------------------------------------------------------------------------------


def test_the_changelog_has_one_line_for_each_thing_under_the_release_that_has_it() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text().splitlines()
    releases = [line[3:] for line in lines if line.startswith("## ")]
    assert search.__version__ in releases[:2]
    assert [line for line in lines if line.startswith(" ") or len(line) > 120] == []


# The promises of docs/reference/reliability.md -----------------------------------------------------------------

RELIABILITY = (ROOT / "docs/reference/reliability.md").read_text()
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
