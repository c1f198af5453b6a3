"""The page of experiments: every row of the reports, commands that parse, trials and counts that are right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from search.cli import cli
from tests.spaces.shipped import REPORT_A, REPORT_B, keys, leaves, space
from tests.test_guides import commands

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/reports.md").read_text()
FOUND = commands(PAGE)


def test_every_row_of_the_reports_has_its_line() -> None:
    rows = re.findall(r"^\| ([AB]\d+) \|.*`python -m search ", PAGE, re.MULTILINE)
    assert rows == [*(f"A{n}" for n in range(1, 13)), *(f"B{n}" for n in range(1, 9))]


@pytest.mark.slow
@pytest.mark.parametrize("words", FOUND, ids=" ".join)
def test_every_command_parses_and_names_what_there_is(words: list[str]) -> None:
    cli.commands[words[0]].make_context(words[0], words[1:])
    if words[0] == "run":
        assert (ROOT / words[1]).exists()
    if words[0] == "visualize" and words[2] != "--study":
        read = space(words[1])
        assert int(words[2]) < len(list(read.grid())) * len(read.seeds)


def test_every_file_is_on_the_page() -> None:
    assert {Path(words[1]).stem for words in FOUND if words[0] == "run"} == {*REPORT_A, *REPORT_B}


@pytest.mark.parametrize(
    ("study", "trial", "row"),
    [
        ("models", 0, "model_a"),
        ("models", 3, "model_b"),
        ("models", 6, "model_c"),
        ("decay", 0, "none"),
        ("decay", 3, "exponential"),
        ("decay", 6, "step"),
        ("activation", 6, "sigmoid"),
        ("activation", 9, "example"),
    ],
)
def test_trials_are_numbered_setting_by_setting(study: str, trial: int, row: str) -> None:
    read = space(study)
    (value,) = list(read.grid())[trial // len(read.seeds)].values()
    assert value == row
    assert trial % len(read.seeds) == 0
    assert ["visualize", study, str(trial)] in [words[:3] for words in FOUND]


@pytest.mark.slow
def test_the_counts_are_those_of_the_files() -> None:
    for name in (*REPORT_A, *REPORT_B):
        found = leaves(name)
        alone = sum(leaf.trial.epochs for leaf in found.values())
        assert f"| `spaces/{name}.yaml` | {len(found)} | {alone} | {len(keys(name))} |" in PAGE
    for letter, names in (("A", REPORT_A), ("B", REPORT_B)):
        alone = sum(leaf.trial.epochs for name in names for leaf in leaves(name).values())
        assert f"| **report {letter} together** | | {alone} | {len(keys(*names))} |" in PAGE
