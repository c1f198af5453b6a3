"""Figures of a study: one function each, from frames and arrays to a plotly figure; `writing` makes files of them.

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
