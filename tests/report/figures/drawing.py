"""The figures of a study whose table is not judged."""

from __future__ import annotations

from collections.abc import Sequence

from search.report.figures.forest import ForestRow
from search.report.figures.study import StudyFigure, figures_of
from search.report.record.curves import read_curves
from search.report.table.build import Comparison, table_of
from search.study.opened import OpenStudy


def study_figures(study: OpenStudy, differences: Sequence[ForestRow] = ()) -> list[StudyFigure]:
    """Return them with these differences in the forest plot."""
    read = read_curves(study)
    return figures_of(Comparison(read, table_of(read, judging=False)), differences)
