"""Figures inside a notebook: one by one, all of them, by name, and as text where nothing draws."""

from __future__ import annotations

import json

import pytest

from search.core.errors import UserError
from search.report.figures.inline import PLOTLY, figures_inline
from tests.report.judging import SPACE, Bench


@pytest.fixture
def figures(ledger):
    return figures_inline(Bench(ledger, SPACE).grid().opened)


def test_they_are_those_of_the_page_and_are_found_by_place_and_name(figures):
    names = [figure.name for figure in figures]
    assert len(figures) == len(names) > 3
    assert figures[names[-1]] is figures[-1]
    assert [figure.name for figure in figures[:2]] == names[:2]
    with pytest.raises(UserError) as refused:
        figures["nothing"]
    assert str(refused.value) == f"found 'nothing', must be the name of a figure of this study: {', '.join(names)}"
    with pytest.raises(IndexError):
        figures[99]


def test_each_is_there_for_whoever_draws_it_and_says_what_it_shows(figures):
    for figure in figures:
        shown = figure._repr_mimebundle_(include=None, exclude=None)
        assert json.loads(json.dumps(shown[PLOTLY]))["data"] == json.loads(figure.plotly.to_json())["data"]
        assert shown["text/plain"] == f"{figure.name}: {figure.title}. {figure.alt}"
        assert "Plotly.newPlot" in shown["text/html"]


def test_together_they_hold_the_library_once_and_need_no_network(figures):
    text = figures._repr_html_()
    assert text.count("Plotly.newPlot(") >= len(figures)
    assert len(text) < sum(len(figure._repr_html_()) for figure in figures) / (len(figures) - 1)
    assert text.count("<figcaption>") == len(figures)
    assert 'src="http' not in text
    assert len(repr(figures).splitlines()) == len(figures)


def test_show_shows_each(figures, monkeypatch):
    shown = []
    for figure in figures:
        monkeypatch.setattr(type(figure.plotly), "show", lambda self, **more: shown.append(self))
    figures.show()
    assert len(shown) == len(figures)


def test_a_study_without_a_run_says_so(ledger):
    none = figures_inline(Bench(ledger, SPACE).opened)
    assert repr(none) == "no figures: the study has no epoch on record"
    assert none._repr_html_() == "<p>no figures: the study has no epoch on record</p>"
