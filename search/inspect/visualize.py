"""Looking inside one trial: what is drawn of it, from which rows and which state.

Curves, learning rate and confusion matrix come from the ledger alone. Features and filters need the trial's state: it
is trained again (`search.inspect.revive`) where the workload offers pictures (`search.workload.Picturing`). All of
them show the same epoch: the one the study's tables read, or the one that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from search.core.errors import Fault, Faults, UserError
from search.core.shown import called, listed
from search.inspect.chosen import chosen_epoch, chosen_trial
from search.inspect.revive import Say, as_in_a_worker, revive, settings_of
from search.report.figures.confusion import are_classes, confusion_figure
from search.report.figures.curves import curves_figure, drawn_kinds, rate_figure
from search.report.figures.images import contact_sheet, write_image
from search.report.figures.scatter import scatter_figure
from search.report.figures.writing import write_all
from search.report.record.curves import Curve, Curves, read_curves
from search.report.record.frames import epochs_frame
from search.report.table.labels import setting_label
from search.study.opened import OpenStudy
from search.workload import Picturing, load_workload


@dataclass
class Drawn:
    """What a call drew.

    Attributes:
        trial: number of the trial.
        epoch: the epoch whose state and predictions are drawn.
        files: what was written, figures first.
        remarks: sentences on what could not be drawn, and why.
    """

    trial: int
    epoch: int
    files: list[Path] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def visualize(
    study: OpenStudy,
    folder: Path,
    trial: int | None = None,
    *,
    epoch: int | None = None,
    filters: Sequence[str] = (),
    recorded: bool = False,
    say: Say = print,
) -> Drawn:
    """Draw one trial into `folder`, file names beginning with ``trial-<number>-``.

    Args:
        study: the study.
        folder: made where it is not there.
        trial: its number; by default the first of `search.inspect.chosen.best_trials`.
        epoch: counted from 1; by default the one the study's tables read.
        filters: names of filters, in the workload's words; its own choice where there are none.
        recorded: draw only what is on record; nothing is trained.
        say: told in sentences which trial is taken, what takes long, and what differs from the record.

    Raises:
        UserError: no such trial, epoch or filter; nothing was written.
    """
    record, space = study.record, study.space
    read = read_curves(study)
    curve = chosen_trial(read, trial, "draw", say)
    epoch = chosen_epoch(curve, space, epoch, "draw")
    pictures, remarks = ({}, []) if recorded else _pictures(study, curve, epoch, filters, say)
    head = f"{space.title or record.name}: trial {curve.trial.number}"
    about = f"{setting_label(space, curve.trial.parameters)}, seed {curve.trial.seed}"
    state = f"{about}, after epoch {epoch}"
    drawn = Drawn(curve.trial.number, epoch, [], remarks)
    prefix = f"trial-{curve.trial.number}-"
    charts = recorded_figures(read, curve, epoch, head, about)
    images = {name: picture for name, picture in pictures.items() if "image" in picture}
    for name, picture in pictures.items():
        if "x" in picture:
            x, y, label, classes = (picture[part] for part in ("x", "y", "label", "classes"))
            about_it = f"{head}, {state}; {picture['note']}"
            charts[name] = scatter_figure(x, y, label, classes, picture["title"], about_it)
        elif "image" not in picture:
            drawn.remarks.append(f"{picture['title']}: {picture['note']}")
    say(f"writing {len(charts)} figures and {len(images)} images")
    written = write_all({prefix + name: chart for name, chart in charts.items()}, folder)
    drawn.files += written.files
    drawn.files += [write_image(one["image"], folder / f"{prefix}{name}.png") for name, one in images.items()]
    if images:
        drawn.files.append(contact_sheet(images, f"{head}, {state}", folder / f"{prefix}filters.html"))
    if written.remark:
        drawn.remarks.append(written.remark)
    return drawn


def recorded_figures(read: Curves, curve: Curve, epoch: int, head: str, about: str) -> dict[str, go.Figure]:
    """Return name -> figure of everything that is on record of a trial.

    Args:
        read: the study's curves; `curve` is one of them.
        curve: the trial's.
        epoch: whose predictions are drawn.
        head, about: what is written above: the study and the trial; the setting and the seed.
    """
    one = Curves(read.study, [curve], read.metrics, read.cards)
    epochs, objective = epochs_frame(one), read.space.search.objective.metric
    kinds = drawn_kinds(epochs, objective)
    title = f"{listed(kinds, between=' and ').replace('_', ' ').capitalize()} over epochs"
    units = {name: read.unit(name) for name in (f"val_{kind}" for kind in kinds)}
    charts = {
        "curves": curves_figure(epochs, title, f"{head}, {about}", epoch, objective, units),
        "learning-rate": rate_figure(epochs, "Learning rate over epochs", f"{head}, {about}"),
    }
    card = read.cards.get(curve.data)
    key = curve.keys[epoch - 1]
    predictions = read.study.ledger.rows([key], predictions=True)[key].row.predictions
    truth = card.truth.get("val") if card else None
    guess = predictions.get("val")
    if (
        card is not None
        and truth is not None
        and guess is not None
        and len(guess) == len(truth)
        and all(are_classes(one, len(card.classes)) for one in (truth, guess))
    ):
        title = "Confusion matrix on the validation images"
        charts["confusion-val"] = confusion_figure(
            truth, guess, card.classes, title, f"{head}, {about}, after epoch {epoch}"
        )
    return {name: chart for name, chart in charts.items() if chart is not None}


def _pictures(
    study: OpenStudy,
    curve: Curve,
    epoch: int,
    filters: Sequence[str],
    say: Say,
) -> tuple[Mapping[str, Mapping[str, Any]], list[str]]:
    """Return what the workload draws of the trial's state, and sentences on what it does not."""
    space = study.space
    workload = load_workload(space.workload)
    if not isinstance(workload, Picturing):
        if filters:
            raise UserError(f"--filter: the workload {called(space.workload)!r} draws no filters")
        return {}, [
            f"the workload {called(space.workload)!r} offers no pictures of its own; see search.workload.Picturing"
        ]
    options = {"filters": list(filters)}
    fixed, _ = settings_of(workload, space, curve.trial)
    try:
        workload.check_pictures(fixed, options)
    except ValueError as error:
        if not hasattr(error, "faults"):
            raise
        raise Faults(Fault("--filter", 0, name, reason) for name, reason in error.faults) from error
    with as_in_a_worker(space.resources.cpus):
        run = revive(study, workload, curve.trial, epoch, say)
        say("drawing features and filters")
        return workload.pictures(run, options), []
