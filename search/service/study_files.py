"""The files of a study's folder, as its page lists them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

TOLD: Mapping[str, str] = {
    "report.html": "table, claims, figures and conditions on one page",
    "table.md": "the table as Markdown",
    "table.csv": "the table, all digits",
    "table.tex": "the table as LaTeX",
    "table.xlsx": "the table for Excel",
    "table.json": "the table for programs",
    "trials.csv": "a line per trial",
    "epochs.csv": "a line per epoch of each trial",
    "decisions.csv": "what was asked, stopped and pruned, in sequence",
    "verdicts.csv": "the claims with their verdicts",
    "conditions.json": "versions, machine and data behind it",
    "space.yaml": "the space file, whole",
    "best.safetensors": "the weights of the best trial",
}
"""What a file of a study's folder holds."""


def files_of(folder: Path) -> list[str]:
    """Return the names of the files of a study's folder: those that are known in their order, then the others."""
    written = {path.name for path in folder.glob("*") if path.is_file() and not path.name.startswith(".")}
    return [*(name for name in TOLD if name in written), *sorted(written - {*TOLD})]
