"""Pages on the code, the site, the changelog and the promises say what there is."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

import search
from docs import stage
from tests import trace_pictures

ROOT = Path(__file__).parents[1]

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


def test_links_into_a_page_lead_to_a_heading(tmp_path: Path) -> None:
    stage.stage(tmp_path)
    links = [
        (page, (tmp_path / page).parent / target, anchor)
        for page in stage.PAGES.values()
        for target, anchor in re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", (tmp_path / page).read_text())
    ]
    assert links
    assert [
        (page, anchor)
        for page, target, anchor in links
        if anchor not in headings((target if target.is_file() else tmp_path / page).read_text())
    ] == []


def headings(text: str) -> set[str]:
    """Return the anchors of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


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
