"""Tables in plain text on terminals that are narrower."""

from __future__ import annotations

import io

from rich.console import Console
from tabulate import tabulate

from search.report.formats.ruled import blocks

ROWS = [
    ("stem", "convolution 3x3, stride 2, dilation 2", "64 x 32 x 32", "1,792", "1,769,472"),
    ("blocks.0.conv1", "convolution 1x1", "64 x 32 x 32", "4,160", "4,194,304"),
    ("total", "", "", "483,814", "44,944,384"),
]
HEADS = ("layer", "kind", "output", "parameters", "multiply-adds")
TEXT = "model_c at 64 x 64 px\n\n" + tabulate(ROWS, HEADS, "simple", disable_numparse=True) + "\n\nand so on"


def shown(text: str, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for block in blocks(text):
        console.print(block)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_a_wide_terminal_shows_all() -> None:
    lines = shown(TEXT, 120)
    assert lines[0] == "model_c at 64 x 64 px"
    assert lines[-1] == "and so on"
    assert [line.split() for line in lines[4:6]] == [" ".join(row).split() for row in ROWS[:2]]


def test_a_narrow_one_shows_figures_whole_and_names_the_rest() -> None:
    lines = shown(TEXT, 60)
    assert max(map(len, lines)) <= 60
    text = " ".join(" ".join(lines).split())
    for row in ROWS:
        assert row[3] in text
        assert row[4] in text
    assert "convolution 3x3, stride 2, dilation 2" in " ".join(line[14:40].strip() for line in lines[4:7])
    assert "Left out at 60 columns: output" in text


def test_a_table_of_words_is_cut_into_panels() -> None:
    words = [("conv1", "112 x 112", *["7x7, 64, stride 2"] * 4)]
    table = tabulate(words, ["stage", "output", "resnet18", "resnet34", "resnet50", "resnet101"], "simple")
    lines = shown(table, 60)
    assert max(map(len, lines)) <= 60
    assert sum(line.count("7x7, 64, stride 2") for line in lines) == 4
    assert sum(line.startswith("conv1") for line in lines) == 2
