"""Draws docs/pictures, the traces of docs/structure.md: python -m tests.trace_pictures

Each trace is one column of boxes, narrow enough for a phone. A box tells what happens and where; what travels to the
next box stands beside the arrow.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[1] / "docs/pictures"

WIDTH_PX = 392
BOX_PX = 364
MAX_CODE_LETTERS = 50
"""Letters of a line of code at most: what fits into a box on all systems."""

FILLS = {"driver": "#ffffff", "worker": "#e3eefb", "file": "#fdf1d3"}
"""What does it -> the ground of its box: the driver's process, a worker, or a file that lies there."""


class Box(NamedTuple):
    """One step.

    Attributes:
        text: what happens, or the name of a file.
        places: paths below search/.
        carries: what travels to the next step.
        kind: what does it, see `FILLS`.
        back_to: an earlier step that may follow as well, by its text.
    """

    text: str
    places: tuple[str, ...] = ()
    carries: str = ""
    kind: str = "driver"
    back_to: str = ""


TRACES = {
    "settings": (
        "Settings, from YAML to the table",
        (
            Box("spaces/focal.yaml", (), "bytes", "file"),
            Box("YAML becomes values that know file, line and key", ("space/yaml.py::parse",), "nodes"),
            Box(
                "All faults at once; without any, a typed space",
                ("space/reader.py::read_space", "space/model.py::Space"),
                "the values of the axes, a seed",
            ),
            Box(
                "One spelling; what is fixed, what each epoch has",
                ("study/leaf.py::Planner.leaf", "workload/settings.py::complete"),
                "settings of each epoch",
            ),
            Box("Each epoch gets its key", ("core/prefix.py::path",), "trial and epoch keys"),
            Box("results/search.db: trials, and rows by key", ("ledger/ledger.py::Ledger",), "rows", "file"),
            Box("The rows of each trial in a line", ("report/record/curves.py::read_curves",), "curves"),
            Box(
                "One line per setting, with a label",
                ("report/table/build.py::table_of", "report/table/labels.py::setting_label"),
                "a Table",
            ),
            Box("Columns of text, rounded, with notes", ("report/formats/columns.py::table_sheet",), "a Sheet"),
            Box("Markdown, LaTeX, HTML", ("report/formats/render.py::table_markdown",), "text"),
            Box("results/focal/table.md", (), "", "file"),
        ),
    ),
    "trial": (
        "A trial, from the sampler to the mirror",
        (
            Box("The sampler gives a configuration", ("study/sampling.py::make_sampler",), "values of the axes"),
            Box(
                "One trial per seed; rows on record settle it",
                ("engine/decide/admission.py::Admission.enter",),
                "leaves that rows do not settle",
            ),
            Box("What waits for which row", ("engine/decide/board.py::Board.free",), "leaves that could start"),
            Box(
                "No start from a state that nothing proves",
                ("engine/decide/lending.py::Lending.ready", "engine/decide/trust.py::Trust.advise"),
                "the longest leaf; or a proof, in its stead",
            ),
            Box(
                "A lease: start state, epochs, keys",
                ("engine/decide/driver.py::Driver.next_lease", "engine/decide/lease.py::Lease"),
                "a lease",
            ),
            Box("Ray Tune asks for it", ("engine/executor/leasing.py::LeaseQueue.suggest",), "a lease"),
            Box(
                "A worker trains one epoch, saves its state",
                ("engine/worker/trainable.py::LeaseTrainable.step",),
                "a row, and where the state lies",
                "worker",
            ),
            Box("Ray Tune hands the row over", ("engine/executor/leasing.py::RowScheduler",), "a row"),
            Box(
                "Row and decision, in one transaction",
                ("engine/decide/driver.py::Driver.row", "engine/decide/judge.py::Judge.advance"),
                "end; or go on, with the next epoch",
                back_to="A worker trains one epoch, saves its state",
            ),
            Box("results/search.db", ("ledger/step.py::Step",), "how the trial ended", "file"),
            Box("The sampler hears the mean over seeds", ("engine/decide/outcomes.py::Outcomes.tell",)),
            Box("The mirror copies the ledger, in batches", ("study/mirror.py::Mirror.sync",), "Optuna's rows"),
            Box("results/optuna.db, for the dashboard", (), "", "file"),
        ),
    ),
    "figure": (
        "A figure, from the ledger to the page",
        (
            Box("results/search.db: rows by key", ("ledger/ledger.py::Ledger.rows",), "rows", "file"),
            Box("Ledger, record and space as one object", ("study/opened.py::OpenStudy",), "an OpenStudy"),
            Box("The rows of each trial in a line", ("report/record/curves.py::read_curves",), "curves"),
            Box("The comparison table, judged", ("report/table/build.py::comparison_of",), "curves and Table"),
            Box(
                "Which figures make sense for this study",
                ("report/figures/study.py::figures_of",),
                "arrays and labels",
            ),
            Box("One function per figure", ("report/figures/cost.py::cost_figure",), "a plotly figure"),
            Box("Name, title, alt text", ("report/figures/study.py::StudyFigure",), "figures"),
            Box("Data, drawn when the reader comes near", ("report/page/drawn.py::figures",), "markup"),
            Box("Put together with text and tables", ("report/page/page.py::report_page",), "HTML"),
            Box("Written whole or not at all", ("report/results.py::write_comparison",), "a file"),
            Box("results/focal/report.html", (), "", "file"),
        ),
    ),
}


def drawn(title: str, boxes: tuple[Box, ...]) -> str:
    """Return a trace as SVG."""
    parts, top = [], 8
    middles: dict[str, int] = {}
    for index, box in enumerate(boxes):
        height = 28 + 18 * len(box.places)
        parts.append(
            f'<rect x="8" y="{top}" width="{BOX_PX}" height="{height}" rx="5" fill="{FILLS[box.kind]}" '
            'stroke="#5b6470"/>'
        )
        parts.append(f'<text x="18" y="{top + 19}" class="what">{escape(box.text)}</text>')
        for line, place in enumerate(box.places):
            if len(place) > MAX_CODE_LETTERS:
                raise ValueError(f"{place} is longer than a box is wide")
            parts.append(f'<text x="18" y="{top + 37 + 18 * line}" class="where">{escape(place)}</text>')
        middles[box.text] = top + height // 2
        if box.back_to:
            lower, upper = middles[box.text], middles[box.back_to]
            parts.append(
                f'<path d="M {8 + BOX_PX} {lower} h 10 V {upper} h -9 m 5 -4 l -6 4 l 6 4" '
                'fill="none" stroke="#5b6470"/>'
            )
        top += height
        if index < len(boxes) - 1:
            parts.append(f'<path d="M 30 {top} v 17 m -4 -5 l 4 6 l 4 -6" fill="none" stroke="#5b6470"/>')
            parts.append(f'<text x="44" y="{top + 14}" class="carries">{escape(box.carries)}</text>')
            top += 20
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_PX}" height="{top + 8}" '
        f'viewBox="0 0 {WIDTH_PX} {top + 8}" role="img">\n<title>{escape(title)}</title>\n'
        "<style>text{font-family:Helvetica,Arial,'DejaVu Sans',sans-serif;fill:#16191d}"
        ".what{font-size:13.5px}.where{font-family:Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:11px}"
        ".carries{font-size:12px;font-style:italic}</style>\n"
        f'<rect width="{WIDTH_PX}" height="{top + 8}" fill="#f6f7f9"/>\n'
    )
    return head + "\n".join(parts) + "\n</svg>\n"


def main() -> None:
    """Write the pictures."""
    FOLDER.mkdir(exist_ok=True)
    for name, (title, boxes) in TRACES.items():
        (FOLDER / f"{name}.svg").write_text(drawn(title, boxes), encoding="utf-8")


if __name__ == "__main__":
    main()
