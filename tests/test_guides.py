"""README, CONTRIBUTING, the tutorial and how-to pages: their commands, code and quotes are what the service does."""

from __future__ import annotations

import difflib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from search.cli import cli
from search.report.table.labels import setting_label
from search.space.nodes import Problems
from search.space.reader import read_space, space_from_mapping
from search.space.yaml import parse
from tests import commands_page
from tests.settings_page import PAGE, page
from tests.surroundings import HANG_S

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
GUIDES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("[ehr]*/*.md"))
}
"""Pages that tell people what to do, by their place."""

MAX_README_LINES = 130
MAX_PICTURE_BYTES = 200_000


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(text: str) -> list[list[str]]:
    found = re.findall(r"^    python -m search ([^`\n]+)|`python -m search ([^`\n]+)`", text, re.MULTILINE)
    return [
        shlex.split(words) for one, two in found if not re.search(r"VERB|OPTIONS|\.\.\.", words := readable(one or two))
    ]


def readable(command: str) -> str:
    """Return a command without its remark, what becomes of its output, and the brackets of what may be left out."""
    return re.sub(r"\[(NAME|TRIAL)\]", r"\1", re.sub(r'("[^"]*")|[#>].*', r"\1", command)).replace(" TRIAL", " 3")


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


def test_the_table_that_make_run_prints_has_the_lines_of_its_space_file() -> None:
    space = read_space(ROOT / "spaces/focal.yaml")
    table, *_ = blocks(GUIDES["docs/explanation/tables.md"], "text")
    settings = [setting_label(space, configuration) for configuration in space.grid()]
    assert re.findall(r"^(\S.*?)  +\d+\.\d \[", table, re.MULTILINE) == settings


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
def test_the_plan_that_is_quoted_is_what_plan_prints(tmp_path: Path) -> None:
    plain, limited = blocks(GUIDES["docs/how-to/cost.md"], "text")
    command = ["plan", str(ROOT / "spaces/factorial_small.yaml"), "--no-probe", "--results", str(tmp_path)]
    for quoted, more in ((plain, []), (limited, ["--set", "limits.epochs=300"])):
        done = CliRunner().invoke(cli, [*command, *more])
        assert done.exit_code == 0, done.output
        printed = [line.split() for line in done.output.splitlines()]
        assert [line for line in quoted.splitlines() if line.split() not in printed] == []


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
            "docs/how-to/search.md",
            "docs/how-to/compare.md",
            "docs/how-to/code-python.md",
        )
        for block in blocks(GUIDES[place], "yaml")
    ],
)
def test_space_files_of_guides_read(place: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(blocks(README, "python")[0])
    (tmp_path / "path/to/flowers").mkdir(parents=True)
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
    """With fewer images and epochs, so that figures are others."""
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


def without_figures(text: str) -> list[list[str]]:
    """Return the words of a page's lines without figures; of a table its rows, for figures decide what fits."""
    from docs import record  # it imports the service, which takes a second

    text = re.sub(
        record.TABLE, lambda table: "\n".join(re.findall(r"^\S+=\S+", table[0], re.MULTILINE)), text, flags=re.M
    )
    return [re.sub(r"<?[+-]?\d[\d,.]*|─+", " ", line).split() for line in text.splitlines()]


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
