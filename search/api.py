"""The library: the same in a notebook as on the command line.

from search import load_space, run

study = run(load_space("spaces/focal.yaml", {"epochs": "10"}))
study              # its comparison table
study.figures()    # its figures

What a study is there is in `search.notebook`, where its ledger lies in `search.places`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from search.core.errors import UserError
from search.core.shown import counted
from search.ledger.urls import sqlite_url
from search.notebook import Study as Study
from search.places import RESULTS as RESULTS
from search.places import existing_ledger as existing_ledger
from search.places import mirror_url as mirror_url
from search.places import open_ledger as open_ledger
from search.space.model import Space

# The rest is imported where it is used: the engine, Optuna, pandas and plotly take seconds, and to list studies needs
# none of them.
if TYPE_CHECKING:
    from search.engine.executor.kept import KeptRay
    from search.engine.live import View
    from search.proof.finding import Finding, Verified
    from search.proof.subject import Subject


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
    ray: KeptRay | None = None,
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
        ray: that several runs of this process use; by default each run starts one of its own.

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
    from search.report.record.looks import before_more_seeds
    from search.report.table.labels import setting_label

    shown = view or Silent()
    shown.name_settings(setting_label)

    def ran(stage: Space) -> Study:
        outcome = run_study(stage, ledger, mirror, shown, sharing, other_class, address, ray, before_more_seeds)
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
