"""Files of results: a study's folder, and single exports. Each appears whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from search.core.errors import UserError, nearest
from search.report.formats import render
from search.report.formats.columns import frame_sheet, printed_notes, table_sheet, table_title
from search.report.formats.hypertext import html_page
from search.report.formats.judged_frame import verdicts_columns
from search.report.formats.latex import latex_table
from search.report.record.curves import Curves, read_curves
from search.report.record.series import decisions_columns, epochs_columns, trials_columns
from search.report.table.build import Comparison, comparison_of, comparison_table
from search.report.table.model import Table
from search.report.text import missing, plain, storable, value_text
from search.study.opened import OpenStudy
from search.system.writing import write_atomically, write_text

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

FORMATS = ("md", "csv", "tex", "html", "xlsx", "json", "parquet")

SUBJECTS = ("table", "trials", "epochs", "decisions", "predictions")
"""What can be exported."""


def write_results(study: OpenStudy, folder: Path) -> list[Path]:
    """Write the files of a study's results into `folder`, making it where it is not there.

    ``space.yaml`` (resolved), ``conditions.json``, ``trials.csv``, ``epochs.csv``, ``decisions.csv``, ``table.md``,
    ``table.csv``, ``table.tex``, ``verdicts.csv`` where the file claims something, and ``report.html``, all of it as
    one page: UTF-8, lines end with a line feed, numbers of the CSV files read back bit-identical.
    Everything comes from the ledger; files of an earlier report are replaced, one by one, each atomically.

    Raises:
        UserError: the folder cannot be written.
    """
    stage = study.confirm_stage()
    return write_comparison(comparison_of(study), folder, None if stage is None else comparison_of(stage))


def write_comparison(compared: Comparison, folder: Path, confirmed: Comparison | None) -> list[Path]:
    """Write `write_results` of a study that is read, and of which the table is built already.

    Args:
        compared: the study.
        folder: where its files go.
        confirmed: its confirm stage, where there is one.
    """
    read, table = compared
    under = conditions(read)
    texts = {
        "space.yaml": read.record.space,
        "conditions.json": render.to_json(under),
        "trials.csv": render.columns_csv(trials_columns(read)),
        "epochs.csv": render.columns_csv(epochs_columns(read)),
        "decisions.csv": render.columns_csv(decisions_columns(read.study)),
        "table.md": render.table_markdown(table),
        "table.csv": render.columns_csv(render.table_columns(table)),
        "table.tex": latex_table(table_sheet(table)),
    }
    if table.verdicts:
        texts["verdicts.csv"] = render.columns_csv(verdicts_columns(table.verdicts))
    written = [write_text(folder / name, text) for name, text in texts.items()]
    from search.report.page.page import report_page  # plotly is loaded once the tables are there

    return [*written, write_text(folder / "report.html", report_page(compared, under, confirmed))]


def conditions(read: Curves) -> dict[str, Any]:
    """Return under what conditions the rows in a study's table were made.

    ``runs`` holds every run that trained one of them, also runs of other studies; ``data`` every data set by content,
    with the number of images per split.
    """
    record, ledger = read.record, read.study.ledger
    ids = sorted({row.run_id for curve in read.curves for row in curve.rows.values()})
    cards = read.cards
    data = []
    for fingerprint in dict.fromkeys(curve.data for curve in read.curves):
        card = cards.get(fingerprint)
        sizes = {split: len(truth) for split, truth in card.truth.items()} if card else {}
        about = {"name": card.name, "classes": list(card.classes), "notes": list(card.notes)} if card else {}
        data.append({"fingerprint": fingerprint, **about, "sizes": sizes})
    names = ("id", "study_id", "started", "ended", "seconds", "outcome", "conditions")
    studies = ledger.names()
    runs = [{name: run[name] for name in names} for run in ledger.runs(ids)]
    content = {
        "study": record.name,
        "revision": record.revision,
        "created": record.created,
        "workload": record.workload,
        "execution_class": record.execution_class,
        "data": data,
        "runs": [{"run": run.pop("id"), "study": studies.get(run.pop("study_id")), **run} for run in runs],
    }
    result: dict[str, Any] = plain(content)
    return result


def export(study: OpenStudy, what: str, format: str, path: Path) -> Path:
    """Write one subject of a study to a file.

    Args:
        what: ``table``, ``trials``, ``epochs``, ``decisions`` or ``predictions``.
        format: one of `FORMATS`. Those that programs read (csv, json, xlsx, parquet) hold the frame with all digits;
            those that people read (md, tex, html) what is printed, rounded and with its notes.
        path: the file; its folder is made where it is not there.

    Raises:
        UserError: an unknown subject or format, more rows than the format holds, or the file cannot be written.
    """
    for value, known, word in ((what, SUBJECTS, "export"), (format, FORMATS, "format")):
        if value not in known:
            raise UserError(f"{word} {value!r}: must be one of {', '.join(known)}{nearest(value, known)}")
    title, notes = f"{study.space.title or study.record.name}: {what}", []
    if what == "table":
        table = comparison_table(study)
        if format in _TABLES:
            return write_text(path, _TABLES[format](table))
        frame, title, notes = render.table_frame(table), table_title(table), printed_notes(table)
    else:
        frame = _frame(study, what)
    if format in _DRAWN:
        return write_text(path, _DRAWN[format](frame, title))
    if format == "parquet":
        import pyarrow.parquet as pq

        return write_atomically(path, lambda file: pq.write_table(arrow(frame), file))
    from search.report.formats.workbook import workbook  # openpyxl is loaded for this format alone

    return write_atomically(path, lambda file: workbook(frame, title, notes, file))


def _frame(study: OpenStudy, what: str) -> pd.DataFrame:
    """Return one of `SUBJECTS`, the table apart."""
    from search.report.record import frames  # which brings pandas

    if what == "decisions":
        return frames.decisions_frame(study)
    make = {"trials": frames.trials_frame, "epochs": frames.epochs_frame, "predictions": frames.predictions_frame}
    return make[what](read_curves(study))


_TABLES: Mapping[str, Callable[[Table], str]] = {
    "md": render.table_markdown,
    "json": render.table_json,
    "tex": lambda table: latex_table(table_sheet(table)),
    "html": lambda table: html_page(table_sheet(table)),
}
"""The comparison table with its notes, by format; other formats hold its frame."""

_DRAWN: Mapping[str, Callable[[pd.DataFrame, str], str]] = {
    "csv": lambda frame, _: render.frame_csv(frame),
    "md": lambda frame, _: render.frame_markdown(frame),
    "json": lambda frame, _: render.frame_json(frame),
    "tex": lambda frame, title: latex_table(frame_sheet(frame, title)),
    "html": lambda frame, title: html_page(frame_sheet(frame, title)),
}
"""A frame under a title as text, by format."""


def arrow(frame: pd.DataFrame) -> pa.Table:
    """Return a data frame as an Arrow table: what is not finite or not there as null, mixed columns as text."""
    import pyarrow as pa

    columns = {}
    for name in frame.columns:
        column = frame[name]
        if column.dtype == object:
            kinds = {type(value) for value in column if plain(value) is not None}
            text = str in kinds or len(kinds) > 1
            values: Any = [_as_text(value) if text else plain(value) for value in column]
        else:
            values = column.where(np.isfinite(column)) if column.dtype.kind == "f" else column
        columns[str(name)] = pa.array(values, from_pandas=True)
    return pa.table(columns)


def _as_text(value: object) -> str | None:
    return None if missing(value) else storable(value_text(value))
