"""Figures of a study inside a notebook, in an editor and in plain Python."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, overload

import plotly.graph_objects as go

from search.core.errors import UserError
from search.report.figures.study import StudyFigure, figures_of
from search.report.table.build import comparison_of
from search.study.opened import OpenStudy

PLOTLY = "application/vnd.plotly.v1+json"
"""Type of a figure that JupyterLab and VS Code draw themselves."""

_CONFIG = {"displaylogo": False}


class Figure:
    """One figure: a notebook shows it, `show` opens it in a browser, `plotly` is there to be changed.

    Attributes:
        name: what it is found by among the others.
        title: what stands above it.
        alt: a sentence with its main numbers.
        plotly: plotly's figure.
    """

    def __init__(self, found: StudyFigure) -> None:
        self.name, self.title, self.alt = found.name.removeprefix("study-"), found.title, found.alt
        self.plotly: go.Figure = found.figure

    def show(self) -> None:
        """Show it as plotly does: in the notebook, or in a browser."""
        self.plotly.show(config=_CONFIG)

    def __repr__(self) -> str:
        return f"{self.name}: {self.title}. {self.alt}"

    def _repr_html_(self) -> str:
        """Return it as HTML that needs no network."""
        return _drawn(self, library=True)

    def _repr_mimebundle_(self, **_asked: object) -> dict[str, Any]:
        """Return it for whoever draws plotly's figures, and as HTML and text for others."""
        figure = json.loads(self.plotly.to_json())
        return {PLOTLY: {**figure, "config": _CONFIG}, "text/html": self._repr_html_(), "text/plain": repr(self)}


class Figures(Sequence[Figure]):
    """The figures of a study, in the order of its page; a notebook shows all of them."""

    def __init__(self, found: Sequence[StudyFigure]) -> None:
        self._figures = [Figure(one) for one in found]

    def __len__(self) -> int:
        return len(self._figures)

    def __iter__(self) -> Iterator[Figure]:
        return iter(self._figures)

    @overload
    def __getitem__(self, which: int | str) -> Figure: ...
    @overload
    def __getitem__(self, which: slice) -> Sequence[Figure]: ...
    def __getitem__(self, which: int | str | slice) -> Figure | Sequence[Figure]:
        """Return a figure by its place or its name.

        Raises:
            IndexError: there are not so many.
            UserError: none has this name.
        """
        if not isinstance(which, str):
            return self._figures[which]
        for figure in self._figures:
            if figure.name == which:
                return figure
        names = ", ".join(figure.name for figure in self._figures)
        raise UserError(f"found {which!r}, must be the name of a figure of this study: {names}")

    def show(self) -> None:
        """Show one after the other as plotly does: in the notebook, or in a browser."""
        for figure in self._figures:
            figure.show()

    def __repr__(self) -> str:
        return "\n".join(map(repr, self._figures)) or "no figures: the study has no epoch on record"

    def _repr_html_(self) -> str:
        """Return all of them as HTML that needs no network; plotly's library is in it once."""
        shown = [_drawn(figure, library=place == 0) for place, figure in enumerate(self._figures)]
        return "\n".join(shown) or f"<p>{escape(repr(self))}</p>"

    def _repr_mimebundle_(self, **_asked: object) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}


def figures_inline(study: OpenStudy) -> Figures:
    """Return the figures of a study; none where it has no epoch on record."""
    stage = study.confirm_stage()
    return Figures(figures_of(comparison_of(study), confirmed=None if stage is None else comparison_of(stage)))


def _drawn(figure: Figure, library: bool) -> str:
    body = figure.plotly.to_html(full_html=False, include_plotlyjs=library, config=_CONFIG)
    return f'<figure style="margin: 1em 0">{body}<figcaption>{escape(figure.alt)}</figcaption></figure>'
