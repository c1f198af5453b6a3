"""Nothing that somebody wrote steers a terminal: live lines, messages, and what is said of data."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from search.__main__ import run
from search.core.shown import called, cells, folded, one_line, printable
from search.engine.live import Lines, Terminal

HOSTILE = "a\x1b[31mb\nc \u202egnp.exe \x07\ud800"
SHOWN = "a\ufffd[31mb c \ufffdgnp.exe \ufffd\ufffd"


def test_one_line_and_several() -> None:
    assert one_line(HOSTILE) == SHOWN
    assert printable("a\tb\nc\x1b", lines=True) == "a\tb\nc\ufffd"
    assert one_line("焦点 naïve 👩\u200d🔬 עברית") == "焦点 naïve 👩\u200d🔬 עברית"


@pytest.mark.parametrize("kind", ["say", "miss", "alarm"])
def test_the_live_views_show_one_clean_line(kind: str) -> None:
    for terminal in (False, True):
        out = io.StringIO()
        view = Terminal(Console(file=out, width=200, color_system=None)) if terminal else Lines(out)
        if kind == "say":
            view.say(HOSTILE)
        else:
            view.event(kind, {"text": HOSTILE})
        assert SHOWN in out.getvalue()
        assert out.getvalue().count("\n") == 1


def test_a_message_is_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(tmp_path / "a\x1b[31m\u202e.yaml")]) == 1
    said = capsys.readouterr().err
    assert "a\ufffd[31m\ufffd" in said
    assert "\x1b" not in said


def test_a_workload_is_called_by_its_name_without_its_description() -> None:
    assert called("package.module:attribute") == "package.module:attribute"
    assert called('command {"run": "train {rate}"}') == "command"


@given(st.text(), st.integers(6, 120), st.sampled_from([0, 2, 4]))
def test_folded_lines_fit_and_say_the_same(text: str, width: int, hang: int) -> None:
    clean = one_line(text)
    lines = folded(clean, width, hang)
    assert all(cells(line) <= width for line in lines)
    assert all(line.startswith(" " * hang) for line in lines[1:])
    assert "".join("".join(lines).split(" ")) == "".join(clean.split(" "))


def test_long_words_are_broken_where_names_are_joined() -> None:
    assert folded("model.activation=leaky_relu", 18) == ["model.activation=", "leaky_relu"]
    assert folded("rotation+crop+vflip 12.345 x", 14) == ["rotation+crop+", "vflip 12.345 x"]
    assert folded("lr=0.00012345678", 12) == ["lr=", "0.0001234567", "8"], (
        "a number is broken where nothing else is left"
    )
    assert folded("one two three", 7, hang=2) == ["one two", "  three"]
    assert folded("", 10) == [""]
