"""Names a reader can trust: what stands for a thing a few lines further on says what the thing is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("search", "src")
PRONOUNS = frozenset({"found", "one", "known", "said", "each", "there", "made", "some", "them", "such", "what"})
MAX_LINES_BEHIND = 5
"""A pronoun may be read so many lines behind the line that sets it."""


def far_pronouns(source: str) -> Iterator[tuple[int, str, int]]:
    """Yield line, name and distance in lines of every pronoun that is read further away than it may be."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        names = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id in PRONOUNS]
        for name in sorted({node.id for node in names}):
            lines = [node.lineno for node in names if node.id == name]
            stored = sorted({node.lineno for node in names if node.id == name and isinstance(node.ctx, ast.Store)})
            for line, following in pairwise([*stored, max(lines) + 1]):
                last = max(at for at in lines if line <= at < following)
                if last - line > MAX_LINES_BEHIND:
                    yield line, name, last - line


def function(*lines: str) -> str:
    return "\n".join(["def f(x):", *(f"    {line}" for line in lines)])


@pytest.mark.parametrize(
    ("source", "distances"),
    [
        (function("found = 1", *["x()"] * 4, "return found"), []),
        (function("found = 1", *["x()"] * 5, "return found"), [(2, "found", 6)]),
        (function("one, other = x", *["x()"] * 5, "return one"), [(2, "one", 6)]),
        (function("result = 1", *["x()"] * 5, "return result"), []),
        (function("found = 1", *["x()"] * 3, "found = 2", *["x()"] * 3, "return found"), []),
        (function("for each in x:", *["    x()"] * 6, "    x(each)"), [(2, "each", 7)]),
        (function("what = 1"), []),
        (function("return known"), []),
    ],
)
def test_a_pronoun_is_read_near_the_line_that_sets_it(source: str, distances: list[tuple[int, str, int]]) -> None:
    assert list(far_pronouns(source)) == distances


@pytest.mark.slow
def test_no_pronoun_is_read_far_from_where_it_is_set() -> None:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    assert len(paths) > 200
    assert [
        f"{path.relative_to(ROOT)}:{line}: {name} is read {lines} lines further on"
        for path in paths
        for line, name, lines in far_pronouns(path.read_text())
    ] == []
