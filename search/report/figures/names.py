"""Names of settings beside a plot: whole where they fit, else with short names of axes, and no two of them alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from search.report.figures.style import wrapped


def told_apart(names: Sequence[str], numbers: Sequence[str], width: int, lines: int) -> list[str]:
    """Return what plotly shows for each name.

    Where one does not fit, axes are called by the last part of their names; names that look alike when they are cut
    make room for the numbers of their configurations.

    Args:
        names: of settings, as the table has them.
        numbers: what each is called instead, "" for no other name.
        width, lines: letters of a line, and lines, that a name may have.
    """
    if any(wrapped(name, width, lines) != wrapped(name, width, len(name) + 1) for name in names):
        names = short_axes(names)
    shown = [wrapped(name, width, lines) for name in names]
    alike = {label for label, count in Counter(shown).items() if count > 1}
    return [
        wrapped(number, width, lines) if label in alike and number else label
        for label, number in zip(shown, numbers, strict=True)
    ]


def short_axes(names: Sequence[str]) -> list[str]:
    """Return names of the form ``axis=value, axis=value`` with the last part of each axis, where one alone has that."""
    parts = [[part.partition("=") for part in name.split(", ")] for name in names]
    axes = dict.fromkeys(axis for mine in parts for axis, equals, _ in mine if equals)
    last = Counter(axis.rpartition(".")[2] for axis in axes)
    called = {axis: axis if last[tail := axis.rpartition(".")[2]] > 1 else tail for axis in axes}
    return [", ".join(f"{called.get(axis, axis)}{equals}{value}" for axis, equals, value in mine) for mine in parts]
