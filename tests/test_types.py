"""Signatures say what they take and give: `Any` is the exception."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("search", "src/classifier")
MAX_SHARE_OF_ANY = 0.10
"""Of all signatures, with `Any` in a parameter or in what is returned."""


def signatures(source: str) -> Iterator[tuple[str, int, bool]]:
    """Yield name and line of every function, and whether its signature speaks of `Any`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            arguments = [argument.annotation for argument in ast.walk(node.args) if isinstance(argument, ast.arg)]
            names = [name for part in [*arguments, node.returns] if part is not None for name in ast.walk(part)]
            yield node.name, node.lineno, any(isinstance(name, ast.Name) and name.id == "Any" for name in names)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def f(x: int) -> str: ...", False),
        ("def f(x: Any) -> str: ...", True),
        ("def f(*x: dict[str, Any]) -> str: ...", True),
        ("def f(**x: Any) -> str: ...", True),
        ("def f(x, /, *, y: Mapping[str, list[Any]] = {}) -> str: ...", True),
        ("def f() -> Iterator[Any]: ...", True),
        ("async def f(x: int) -> Any: ...", True),
        ("def f(x: Anything) -> str:\n    y: Any = x", False),
    ],
)
def test_a_signature_speaks_of_any_in_what_it_takes_or_gives(text: str, found: bool) -> None:
    assert list(signatures(text)) == [("f", 1, found)]


@pytest.mark.slow
def test_any_stands_in_fewer_than_one_signature_in_ten() -> None:
    listed = [
        (f"{path.relative_to(ROOT)}:{line} {name}", vague)
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for name, line, vague in signatures(path.read_text())
    ]
    vague = [where for where, is_vague in listed if is_vague]
    assert len(listed) > 1000
    assert len(vague) / len(listed) < MAX_SHARE_OF_ANY, "\n".join(vague)
