"""The library: the same in a notebook as on the command line.

from search import load_space, run

study = run(load_space("spaces/focal.yaml", {"epochs": "10"}))
study.table()
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from search.core.errors import ReadOnly, StudyNotFound, UserError
from search.core.shown import counted
from search.ledger.ledger import Ledger, StudyRecord
from search.ledger.urls import ledger_exists, sqlite_url
from search.report.paths import study_folder
from search.space.model import Space
from search.study.opened import OpenStudy

# The rest is imported where it is used: the engine, Optuna, pandas and plotly take seconds, and to list studies needs
# none of them.
if TYPE_CHECKING:
    import pandas as pd

    from search.engine.live import View
    from search.engine.steps.conclude import RunOutcome
    from search.inspect.visualize import Drawn
    from search.inspect.weights import WeightsFile
    from search.proof.finding import Finding, Verified
    from search.proof.subject import Subject
    from search.report.figures.writing import Written
    from search.report.record.curves import Curves
    from search.report.table.build import Comparison
    from search.report.table.model import Table

RESULTS = Path("results")


def load_space(
    source: str | os.PathLike[str] | Mapping[str, object], overrides: Mapping[str, object] | None = None
) -> Space:
    """Read a search-space file, or build a space from plain data by the same rules.

    Args:
        source: path of the file, or what it would hold.
        overrides: like ``--set key=value``: dotted key -> plain Python data, or text as it would stand in the file.

    Raises:
        Faults: everything that is wrong with it.
    """
    from search.space.reader import read_space, space_from_mapping

    if isinstance(source, Mapping):
        return space_from_mapping(source, overrides=overrides or {})
    return read_space(source, overrides or {})


def run(
    space: Space | str | os.PathLike[str],
    *,
    results: str | os.PathLike[str] = RESULTS,
    storage: str | None = None,
    sharing: bool = True,
    new_revision: bool = False,
    address: str = "",
    view: View | None = None,
) -> Study:
    """Train what is missing of a study and write its results.

    Args:
        space: the space, or the path of its file.
        results: folder for the ledger, the mirror and one folder per study.
        storage: database of the ledger: an SQLAlchemy URL or a path; by default ``search.db`` in `results`.
        sharing: where false, every trial trains alone.
        new_revision: start a new revision where the study was run in another execution class, on other data or by
            other code.
        address: HOST:PORT of a Ray cluster that trains; by default this machine does. See ``docs/how-to/cluster.md``.
        view: what is shown while it runs; nothing by default.

    A sampled study whose space asks for it is followed by its confirm stage, `Study.confirmed`.

    Returns:
        the study; `Study.outcome` tells how the run ended.

    Raises:
        UserError: bad settings, a study that another driver runs, or one of another execution class; a cluster without
            tokens or a database server, or with a node that cannot train this study; results that were moved away.
    """
    if address:
        from search.engine.machines.agreement import require

        require(address, storage)
    if not isinstance(space, Space):
        space = load_space(space)
    place = Path(results)
    sqlite_url(place)  # before anything is made there
    ledger, mirror = open_ledger(place, storage), mirror_url(place)
    other_class = "new" if new_revision else "refuse"
    from search.engine.live import Silent, announced
    from search.engine.run import run_study
    from search.report.table.labels import setting_label

    shown = view or Silent()
    shown.name_settings(setting_label)

    def ran(stage: Space) -> Study:
        outcome = run_study(stage, ledger, mirror, shown, sharing, other_class, address)
        if not place.is_dir():  # a new one would be in the way of putting it back
            raise UserError(
                f"results {str(place)!r}: the folder was removed or moved away while the study ran; put it back, for "
                "what is committed stays, and the same command goes on"
            )
        study = Study(ledger, ledger.study(outcome.study), place, outcome)
        with announced(shown, "writing the table and the report"):
            study.write()
        return study

    study = ran(space)
    if space.search.confirm is not None and study.outcome is not None and study.outcome.complete:
        from search.study.confirm import confirm_space

        if (again := confirm_space(study.opened)) is not None:
            confirmed, seeds = counted(again.grid_size(), "setting"), counted(len(again.seeds), "fresh seed")
            shown.say(f"confirm stage: {confirmed} x {seeds}, trained at full length without pruning")
            study._confirmed = ran(again)
            study.write(again=False)  # its page leads to the confirm stage now
    return study


def verify(
    space: Space | str | os.PathLike[str],
    *,
    thorough: bool = False,
    begun: Callable[[Subject], object] = lambda base: None,
    found: Callable[[Finding], object] = lambda finding: None,
    say: Callable[[str], object] = lambda text: None,
    fork: bool | None = None,
) -> Verified:
    """Try whether a workload keeps the contract that sharing rests on; see `search.proof.verify`. Nothing is recorded.

    Args:
        space: the space, or the path of its file.
        thorough: whether every state is proven that trials of its plan part behind.
        begun: called with the configuration that is trained, before it is.
        found: called with each finding, as soon as there is one.
        say: told what takes long.
        fork: whether this process may be forked: no library with threads has computed in it. By default, where torch
            is not loaded; else every training starts an interpreter anew, which takes longer.

    Returns:
        what was tried; `Verified.broken` holds what did not hold.

    Raises:
        UserError: the first configuration cannot be trained at all, or measures nothing that could be compared.
    """
    from search.proof.verify import verify as try_it

    if fork is None:
        fork = "torch" not in sys.modules  # once it has computed, a fork may wait for its threads for ever
    if not isinstance(space, Space):
        space = load_space(space)
    return try_it(space, thorough=thorough, begun=begun, found=found, say=say, fork=fork)


def open_study(name: str, *, results: str | os.PathLike[str] = RESULTS, storage: str | None = None) -> Study:
    """Open a study that was run, from the database alone.

    Raises:
        StudyNotFound: there is none of that name, or no ledger.
    """
    place = Path(results)
    ledger = existing_ledger(place, storage)
    return Study(ledger, ledger.study(name), place)


def open_ledger(results: Path, storage: str | None) -> Ledger:
    """Open the ledger of a results folder, or the database given."""
    return Ledger(storage or str(results / "search.db"), states=results / "states")


def existing_ledger(results: Path, storage: str | None, *, reading: bool = True) -> Ledger:
    """Open the ledger of a results folder, or the database given; none is made where there is none.

    Args:
        results: the folder.
        storage: the database, where one is given.
        reading: it is enough to read it, where this user may not write to it.

    Raises:
        StudyNotFound: there is none.
        UserError: this user may not even read it.
    """
    named = storage or str(results / "search.db")
    if not ledger_exists(named):
        other = "--storage names another database" if storage else "--results names another folder"
        raise StudyNotFound(f"there is no ledger {named!r}; `python -m search run FILE` makes one, {other}")
    return Ledger(named, states=results / "states", reading=reading)


def mirror_url(results: Path) -> str:
    """Return the URL of the Optuna database of a results folder.

    Raises:
        UserError: the folder is not there and cannot be made, or its path is no text.
    """
    from search.study.mirror import MIRROR_FILE

    url = sqlite_url(results / MIRROR_FILE)
    try:
        results.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"results {str(results)!r}: {error.strerror}; give another folder with --results") from error
    return url


class Study:
    """A study and its tables, read from the ledger each time they are asked for.

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

    def predictions(self) -> pd.DataFrame:
        """One row per trial, split and image: truth and predicted class."""
        from search.report.record.frames import predictions_frame

        return predictions_frame(self._curves())

    def _curves(self) -> Curves:
        """Read its trials and their rows."""
        from search.report.record.curves import read_curves

        return read_curves(self.opened)

    def table(self) -> pd.DataFrame:
        """The comparison table, as in ``table.csv``."""
        from search.report.formats.render import table_frame
        from search.report.table.build import comparison_table

        return table_frame(comparison_table(self.opened))

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

    def look(self) -> None:
        """Record that the table is looked at, where this user may write to the ledger."""
        from search.report.record.looks import record_look

        try:
            record_look(self.opened)
        except ReadOnly as error:
            self.unrecorded = f"that its table was looked at is not on record: {error}"

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
