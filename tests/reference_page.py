"""Writes results/reference/README.md from the database beside it: python -m tests.reference_page"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from search import api
from search.report.formats.columns import table_sheet
from search.report.table.build import comparison_table

REFERENCE = Path(__file__).parents[1] / "results" / "reference"
PAGE = REFERENCE / "README.md"
DATABASE = "search.db"

RUN = "python -m search run spaces/{name}.yaml{more} --set data.size=32"
WITHOUT_WEIGHTS = "".join(
    f" --set {key}.model_a=null" for key in ("space.model.grid", "report.labels", "report.published.values")
)
COMMANDS = {
    **{
        name: RUN.format(name=name, more=" --data flowers-17")
        for name in ("focal", "decay", "early_stop", "augmentation")
    },
    "augment_modern": RUN.format(name="augment_modern", more=" --data flowers-17") + " --set epochs=50",
    "models": RUN.format(name="models", more=" --data flowers-17") + WITHOUT_WEIGHTS,
    **{
        name: RUN.format(name=name, more="") + " --set data.limit=[1020,1020,1020]"
        for name in ("activation", "milestones")
    },
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

The comparisons of two course reports (`docs/explanation/reports.md` says what they are), run on real flowers at full
length, three seeds: of report A on the 17 Category Flowers with Model C, once beside ResNet-18 from scratch; of
report B on Flowers-102 with ResNet-18, its swapped split. The data of report A are not public; its figures, and those
of report B, stand beside ours and are not reproduced. Newer augmentations beside those of report A
(`augment_modern.yaml`) were trained for 50 epochs instead of 130, untuned. After so few none is shown to be better than
the crop alone; CutMix, TrivialAugment and all together are worse. Of long trainings, which they are made for, this says
nothing.

Written by `python -m tests.reference_page` from `search.db`, which holds every row and prediction. In a copy of this
folder, `python -m search report focal --results COPY` makes a table again with its page; `tests/test_reference.py`
compares them all, and trains epochs of each again on a machine of the same execution class.

No GPU was at hand. So images are 32 px wide and high, where the usual size is 64 for flowers-17 and 224 for
Flowers-102, and of the 6,149 training images of Flowers-102 there are 1,020. Missing, and not filled in:
`flowers102_best.yaml`, and the pretrained row of `models.yaml`, whose weights want a network.

The seconds in the tables are no measure of speed: other programs ran beside these.
"""


def lines(results: Path, name: str) -> list[str]:
    """Return a study's table as Markdown, one line each, headings first."""
    study = api.open_study(name, results=results)
    sheet = table_sheet(comparison_table(study.opened))
    texts = [[entry.text for entry in column.entries] for column in sheet.columns]
    found = dict(zip((column.head for column in sheet.columns), texts, strict=True))
    blank = [""] * len(texts[0])  # report B prints no figure of a schedule
    columns = [texts[0], *(found.get(head, blank) for head in COLUMNS)]
    heads = [sheet.columns[0].head, *COLUMNS.values()]
    rows = zip(*columns, strict=True)
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
