"""What takes long says so, on standard error alone."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from classifier.data import progress
from classifier.data.progress import ReadingProgress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def count(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, seconds: float) -> str:
    """Return what is said while 500 of 1,000, then all images are reached, `seconds` after the start."""
    clock = iter([0.0, seconds, seconds])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(progress.sys, "stderr", stream)
    with ReadingProgress("decoding pets", 1000) as shown:
        shown.reached(500)
        shown.reached(1000)
    return stream.getvalue()


def test_what_is_quick_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert count(monkeypatch, io.StringIO(), 1.9) == ""
    assert count(monkeypatch, Terminal(), 1.9) == ""


def test_a_terminal_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert count(monkeypatch, Terminal(), 2.1) == (
        "\rdecoding pets: 500 of 1,000 images\rdecoding pets: 1,000 of 1,000 images\n"
    )


def test_elsewhere_one_line_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    assert count(monkeypatch, io.StringIO(), 2.1) == "decoding pets: 1,000 images\n"
