"""Pictures in the dashboard, as Optuna's artifacts: of each study, and of its best trials.

A picture's id is a hash of what it shows, so drawing again replaces a file by itself. Artifacts of a trial that has
ended hang on its study, under the key the dashboard reads them by: Optuna lets nobody add to such a trial.
"""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from search.ledger import Ledger, StudyRecord
from search.report.curves import Curve, Curves, read_curves
from search.report.figures.page_differences import differences  # replaced below
from search.report.figures.study import figures_of
from search.report.figures.writing import pngs
from search.report.labels import setting_label
from search.report.table import COUNTED, table_of
from search.space import rebuild
from search.visualize import recorded_figures

ARTIFACTS = "artifacts"
"""Folder of the pictures in the results folder."""

BEST = 3
"""Trials of a study whose pictures are drawn."""

RECIPE = 1
"""Raised when the same record is drawn in another way: what was drawn before is then replaced."""

DRAWN = "search:pictures"
"""Study attribute that holds what was drawn: group -> digest and the attributes of its artifacts."""

OURS = "5ea2c4"
"""What the ids of our artifacts begin with; others, which users uploaded, are never removed."""
