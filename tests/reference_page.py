"""Writes results/reference/README.md from the database beside it: python -m tests.reference_page"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from search import api
from search.report import comparison_table
from search.report.columns import table_sheet

REFERENCE = Path(__file__).parents[1] / "results" / "reference"
PAGE = REFERENCE / "README.md"
DATABASE = "search.db"

COMMANDS = {
    name: f"python -m search run spaces/{name}.yaml --data flowers-17 --set data.size=32"
    for name in ("focal", "decay", "early_stop", "augmentation")
}
"""Study -> what recorded it, in this order, with ``--results results/reference``."""

COLUMNS = {
    "published": "published",
    "val_accuracy, mean (%) [95 % interval]": "validation, % [95 %]",
    "difference (points) [95 % interval]": "difference [95 %]",
    "p, Holm": "p, Holm",
    "test_accuracy, mean (%) [95 % interval]": "test, % [95 %]",
    "epochs, mean": "epochs",
}
"""What of a table stands on the page, behind the setting, and under which heading."""

HEAD = """# Reference tables

Report A's comparisons, run in full on the 17 Category Flowers: Model C, three seeds, every epoch of every setting. The
report's own data are not public, so its figures stand beside ours and are not reproduced.

Written by `python -m tests.reference_page` from `search.db`, which holds every row and prediction. In a copy of this
folder, `python -m search report focal --results COPY` makes a table again with its page; `tests/test_reference.py`
compares them all, and trains epochs of each again on a machine of the same execution class.

Images are 32 px wide and high, where the usual size of these data here is 64: no GPU was at hand. For the same reason
missing, and not filled in: `activation.yaml`, `milestones.yaml` and `flowers102_best.yaml` on Flowers-102, and
`models.yaml`, whose pretrained weights want a network as well.

The seconds in the tables are no measure of speed: other programs ran beside these.
"""


def lines(results: Path, name: str) -> list[str]:
    """Return a study's table as Markdown, one line each, headings first."""
    study = api.open_study(name, results=results)
    sheet = table_sheet(comparison_table(study.ledger, study.record, study.space))
    found = {column.head: column for column in sheet.columns}
    columns = [sheet.columns[0], *(found[head] for head in COLUMNS)]
    heads = [sheet.columns[0].head, *COLUMNS.values()]
    rows = zip(*([entry.text for entry in column.entries] for column in columns), strict=True)
    return [f"| {' | '.join(cells)} |" for cells in [heads, ["---"] * len(heads), *rows]]


def page(results: Path) -> str:
    """Return the page, from a folder with the database, which may be written to."""
    parts = [HEAD]
    for name, command in COMMANDS.items():
        about = json.loads((REFERENCE / name / "conditions.json").read_text())
        device, torch = (about["execution_class"][key] for key in ("device", "torch"))
        commits = sorted({run["conditions"]["commit"][:10] for run in about["runs"]})
        parts.append(f"## {about['study']}\n\n    {command}\n")
        parts.append("\n".join(lines(results, name)) + "\n")
        parts.append(f"{device}; torch {torch}; commits {', '.join(commits)}.\n")
    return "\n".join(parts)


def copied(folder: Path) -> Path:
    """Copy the database into a folder, for whoever opens one may write to it; return the folder."""
    shutil.copy(REFERENCE / DATABASE, folder)
    return folder


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(page(copied(Path(folder))))
