"""A study as a notebook has it: its table, data frames and figures, and the files of its results folder."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.ledger.ledger import Ledger, StudyRecord
from search.report.paths import study_folder
from search.space.model import Space
from search.study.opened import OpenStudy

# The rest is imported where it is used: pandas and plotly take seconds.
if TYPE_CHECKING:
    import pandas as pd

    from search.engine.steps.conclude import RunOutcome
    from search.inspect.visualize import Drawn
    from search.inspect.weights import WeightsFile
    from search.report.figures.inline import Figures
    from search.report.figures.writing import Written
    from search.report.health.finding import Finding
    from search.report.record.curves import Curves
    from search.report.table.build import Comparison
    from search.report.table.model import Table


class Study:
    """A study and its tables, read from the ledger each time they are asked for; a notebook shows it as its table.

    Attributes:
        name: its name, with its revision.
        opened: where it is, what is on record of it, and its space.
        folder: where its results are written.
        outcome: how the run that returned it ended; None for an opened one.
        unrecorded: why it is not on record that `write` showed the table, or "".
    """

    def __init__(self, ledger: Ledger, record: StudyRecord, results: Path, outcome: RunOutcome | None = None) -> None:
        self.opened, self.outcome = OpenStudy(ledger, record), outcome
        self.name, self._results = record.name, results
        self._compared: Comparison | None = None
        self.unrecorded = ""
        self._confirmed: Study | None = None
        self.folder = study_folder(results, record.name)

    @property
    def ledger(self) -> Ledger:
        """Where it is on record."""
        return self.opened.ledger

    @property
    def record(self) -> StudyRecord:
        """What is on record of it, as it was when it was opened."""
        return self.opened.record

    @property
    def space(self) -> Space:
        """Its space, as it is on record."""
        return self.opened.space

    @property
    def written(self) -> Table | None:
        """The comparison table that was built last to be written; None before."""
        return self._compared.table if self._compared is not None else None

    @property
    def confirmed(self) -> Study | None:
        """The confirm stage of a sampled study, its last revision; None where there is none."""
        if self._confirmed is None and (stage := self.opened.confirm_stage()) is not None:
            self._confirmed = Study(self.ledger, stage.record, self._results)
        return self._confirmed

    def trials(self) -> pd.DataFrame:
        """One row per trial, as in ``trials.csv``."""
        from search.report.record.frames import trials_frame

        return trials_frame(self._curves())

    def epochs(self) -> pd.DataFrame:
        """One row per trial and epoch, as in ``epochs.csv``."""
        from search.report.record.frames import epochs_frame

        return epochs_frame(self._curves())

    def decisions(self) -> pd.DataFrame:
        """The order log: what was decided, on which row, in sequence."""
        from search.report.record.frames import decisions_frame

        return decisions_frame(self.opened)

    def findings(self) -> list[Finding]:
        """What its rows show to be wrong with it, flaws first; [] for a sound study. See `search.report.health`."""
        from search.report.health.examine import examine

        return examine(self._comparison(again=True))

    def retrain(
        self,
        share: float,
        *,
        seed: int | None = None,
        say: Callable[[str], object] = print,
        fork: bool | None = None,
    ) -> dict[str, Any]:
        """Train a share of its epochs again and compare every bit; return a certificate. See `search.proof.retrain`."""
        from search.proof.certificate import certificate
        from search.proof.retrain import retrain

        if fork is None:
            fork = "torch" not in sys.modules  # once it has computed, a fork may wait for its threads for ever
        return certificate(retrain(self.opened, share, seed=seed, say=say, fork=fork))

    def write_certificate(self, content: Mapping[str, Any]) -> list[Path]:
        """Write what `retrain` returned into the study's folder, as JSON and as text; return the files.

        Raises:
            UserError: the folder cannot be written.
        """
        from search.proof.certificate import text
        from search.system.writing import write_text

        written = {"certificate.json": json.dumps(content, indent=2) + "\n", "certificate.txt": text(content)}
        return [write_text(self.folder / name, words) for name, words in written.items()]

    def predictions(self) -> pd.DataFrame:
        """One row per trial, split and example: truth, predicted class, and scores such as ``score_loss``."""
        from search.report.record.frames import predictions_frame

        return predictions_frame(self._curves())

    def _curves(self) -> Curves:
        """Read its trials and their rows."""
        from search.report.record.curves import read_curves

        return read_curves(self.opened)

    def table(self, all: bool = False) -> pd.DataFrame:
        """The comparison table as numbers: one row per setting, accuracies as fractions.

        Args:
            all: every column of ``table.csv``; by default those that one reads, see `read_columns`.
        """
        from search.report.formats.inline import read_columns
        from search.report.formats.render import table_frame
        from search.report.table.build import comparison_table

        table = comparison_table(self.opened)
        frame = table_frame(table)
        return frame if all else frame[read_columns(table, frame)]

    def figures(self) -> Figures:
        """The figures of the study as a whole, as on its page; a notebook shows them where they stand.

        Returns:
            a sequence, in the order of the page, whose members are found by name, too: ``study.figures()["cost"]``.
        """
        from search.report.figures.inline import figures_inline  # plotly is needed only here

        return figures_inline(self.opened)

    def verdicts(self) -> pd.DataFrame:
        """The claims of the space file, judged: claim, verdict, reason and the figures it rests on, as in
        ``verdicts.csv``."""
        from search.report.formats.judged_frame import verdicts_frame
        from search.report.table.build import comparison_table

        return verdicts_frame(comparison_table(self.opened).verdicts)

    def write(self, again: bool = True) -> list[Path]:
        """Write the results folder anew from the ledger; return the files.

        Whoever opens them looks at the table: the ledger records how many seeds had finished.

        Args:
            again: where false, what was read and compared last is written, if anything was.

        Raises:
            ReadOnly: this user may not write there; the table is made.
        """
        from search.report.results import write_comparison

        self.look()
        compared = self._comparison(again)
        confirmed = self.confirmed._comparison(again) if self.confirmed is not None else None
        return write_comparison(compared, self.folder, confirmed)

    def _comparison(self, again: bool) -> Comparison:
        """Read the study and build its table, or return those that were read and built last."""
        from search.report.table.build import comparison_of

        if again or self._compared is None:
            self._compared = comparison_of(self.opened)
        return self._compared

    def plain(self) -> dict[str, Any]:
        """Return its table as plain data, with what may be concluded; see `search.report.page.conclusions`."""
        from search.report.formats.render import table_json
        from search.report.page.conclusions import conclusions

        compared = self._comparison(again=False)
        confirmed = None if self.confirmed is None else self.confirmed._comparison(again=False)
        table = {"study": self.name, **json.loads(table_json(compared.table))}
        return {"table": table, "conclusions": conclusions(compared, confirmed)}

    def look(self) -> None:
        """Record that the table is looked at, where this user may write to the ledger."""
        from search.report.record.looks import look_or_reason

        self.unrecorded = look_or_reason(self.opened) or self.unrecorded

    def visualize(
        self,
        trial: int | None = None,
        *,
        folder: Path | None = None,
        filters: Sequence[str] = (),
        epoch: int | None = None,
        recorded: bool = False,
        say: Callable[[str], object] = print,
    ) -> Drawn:
        """Draw a trial, by default the best finished one, into ``figures/``; see `search.inspect.visualize`."""
        from search.inspect.visualize import visualize  # plotly is needed only here

        place = folder or self.folder / "figures"
        return visualize(self.opened, place, trial, epoch=epoch, filters=filters, recorded=recorded, say=say)

    def weights(
        self,
        path: str | os.PathLike[str],
        trial: int | None = None,
        *,
        epoch: int | None = None,
        say: Callable[[str], object] = print,
    ) -> WeightsFile:
        """Write the weights of a trial, by default the best finished one; see `search.inspect.weights`."""
        from search.inspect.weights import export_weights

        return export_weights(self.opened, Path(path), trial, epoch=epoch, say=say)

    def draw(self, folder: Path | None = None) -> Written:
        """Draw the study as a whole into ``figures/``: its settings, compared; see `search.report.figures.study`."""
        from search.report.figures.study import write_figures

        return write_figures(self.opened, folder or self.folder / "figures")

    def log(self, *trackers: str) -> list[str]:
        """Write the study for trackers (``tensorboard``, ``mlflow``, ``wandb``); see `search.logs`.

        Returns:
            one sentence per tracker: where it is and how to look at it.
        """
        from search.logs import log_study  # their libraries are needed only here

        return log_study(trackers, self.opened, self._results, self.folder)

    def __repr__(self) -> str:
        return f"Study({self.name!r})"

    def _repr_html_(self) -> str:
        """Return the comparison table with its notes, as a notebook shows it."""
        from search.report.formats.inline import inline_html

        self.look()
        return inline_html(self._comparison(again=True).table)

    def _repr_mimebundle_(self, **_asked: object) -> dict[str, str]:
        """Return the comparison table as HTML, and as text for a notebook that runs in a terminal."""
        from search.report.formats.inline import inline_text

        shown = {"text/html": self._repr_html_()}
        return {**shown, "text/plain": inline_text(self._comparison(again=False).table)}
