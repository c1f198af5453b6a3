"""Figures of a study: one function per figure, from frames and arrays to a plotly figure; `write` makes files of them.

What this room promises:

* a figure computes nothing that a table of the study does not hold, and takes plain data alone: any workload's;
* series differ by dash and marker, points by marker and label, not by colour alone: a black and white print is read
  like the screen;
* a setting has one colour, dash and marker in all figures of its study, in the order of the file; what belongs to no
  setting, or to all, is grey;
* HTML needs no network: all figures of a folder share one ``plotly.min.js`` beside them, so move the folder as a whole;
* a PNG is written where kaleido and a Chrome are there, one browser for all figures of a call; where they are not, HTML
  alone, and one sentence says how to get the rest.
"""

from search.report.figures.classes import per_class_figure
from search.report.figures.compared import compared_figure
from search.report.figures.confusion import are_classes, confusion_figure
from search.report.figures.cost import cost_figure
from search.report.figures.curves import curves_figure, rate_figure
from search.report.figures.forest import ForestRow, forest_figure
from search.report.figures.images import contact_sheet, write_image
from search.report.figures.scatter import scatter_figure
from search.report.figures.study import StudyFigure, study_figures, write_figures
from search.report.figures.writing import Written, write, write_all

__all__ = [
    "ForestRow",
    "StudyFigure",
    "Written",
    "are_classes",
    "compared_figure",
    "confusion_figure",
    "contact_sheet",
    "cost_figure",
    "curves_figure",
    "forest_figure",
    "per_class_figure",
    "rate_figure",
    "scatter_figure",
    "study_figures",
    "write",
    "write_all",
    "write_figures",
    "write_image",
]
