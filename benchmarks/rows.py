"""Seconds that the rows of a comparison take on one device, by the training code alone: report B's four by default.

    python -m benchmarks.rows [FILE] [--epochs 100] [--seconds S] [--precision bf16] [--device cuda] [--set KEY=VALUE]

FILE (spaces/activation.yaml) is read here in its simplest form, one grid over ``extends``, because the reader
of the service asks for libraries that a machine with a GPU may lack; `tests/benchmarks/test_gpu.py` compares.
Every row is trained by `classifier.training.Training` under one seed, with its evaluations; no ledger, no states, no
Ray. The rows take turns epoch by epoch, so that where --seconds end it, what is missing is estimated from what was
trained of all of them, and said. Images come from `SEARCH_DATA`; where they are not there they are drawn, as many and
as large, which takes the same time and makes accuracies worthless.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import harness

if TYPE_CHECKING:
    from classifier.data import Dataset

ROOT = Path(__file__).resolve().parent.parent
TARGET_ROWS_S = 480.0
"""Seconds of report B's four rows of 100 epochs on an H200, in bf16."""

SPLITS = {"train": 6149, "val": 1020, "test": 1020}
"""Images of flowers-102, swapped."""


@dataclass
class Row:
    """What was trained of one row.

    Attributes:
        name: its label.
        epochs: how many it has.
        seconds: of each epoch that was trained.
        last: metrics of the last of them.
    """

    name: str
    epochs: int
    seconds: list[float] = field(default_factory=list)
    last: Mapping[str, float] = field(default_factory=dict)

    @property
    def whole(self) -> float:
        """Seconds of all epochs: those trained, and the mean of them, the first apart, for each that is missing."""
        later = self.seconds[1:] or self.seconds
        missing = self.epochs - len(self.seconds)
        return sum(self.seconds) + (missing * sum(later) / len(later) if missing else 0.0)


def rows_of(file: Path) -> dict[str, dict[str, Any]]:
    """Return label -> settings of each row of a file with one axis: of values, or of named options.

    Raises:
        SystemExit: it is another kind of file.
    """
    import yaml

    told = yaml.safe_load(file.read_text())
    fixed: dict[str, Any] = {}
    if "extends" in told:
        fixed = dict(yaml.safe_load((file.parent / told["extends"]).read_text()).get("fixed", {}))
    fixed |= told.get("fixed", {})
    axes = told.get("space", {})
    [(name, axis)] = axes.items() if len(axes) == 1 else [("", {})]
    if "grid" not in axis:
        raise SystemExit(f"{file}: rows are the values of one grid; choose another file")
    options = axis["grid"] if isinstance(axis["grid"], dict) else {str(value): {name: value} for value in axis["grid"]}
    return {label: {**fixed, **option} for label, option in options.items()}


def images_for(settings: Mapping[str, Any], few: int, folder: Path) -> Dataset:
    """Return the images of all rows: real where they are there, else drawn, as many.

    Args:
        settings: canonical.
        few: images of each split; 0 for all.
        folder: for what is drawn.
    """
    from classifier import data

    named = os.environ.get("SEARCH_DATA")
    if named and (Path(named) / str(settings["data"]) / "jpg").is_dir():
        return data.load({**settings, "data.limit": [few] * 3 if few else settings.get("data.limit")})
    from benchmarks.photos import decoded, drawn
    from classifier.data.card import Dataset

    counts = {split: few or count for split, count in SPLITS.items()}
    found = decoded(drawn("flowers-102", max(counts.values()), folder), settings["data.size"])
    images = {split: found.images["train"][:count] for split, count in counts.items()}
    labels = {split: found.labels["train"][:count] for split, count in counts.items()}
    return Dataset(images, labels, found.card)


def train(rows: Mapping[str, dict[str, Any]], chosen: argparse.Namespace) -> tuple[list[Row], str]:
    """Train the rows in turns until they are done or the seconds are over; return them, and what they trained on."""
    from classifier import config
    from classifier.training import Training

    began = time.monotonic()
    asked = {"precision": chosen.precision, **dict(map(_setting, chosen.sets))}
    runs = []
    with tempfile.TemporaryDirectory(prefix="rows-") as name:
        data = None
        for label, settings in rows.items():
            given = {key: value for key, value in {**settings, **asked}.items() if key != "epochs"}
            fixed, schedule = config.schedule(config.canonical({**given, "seed": 0}), chosen.epochs)
            data = data or images_for(fixed, chosen.few, Path(name))
            runs.append((Row(label, chosen.epochs), Training(fixed, data, chosen.threads, chosen.device), schedule))
    assert data is not None
    print(f"{len(runs)} rows ready behind {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    for epoch in range(chosen.epochs):
        for row, training, schedule in runs:
            if chosen.seconds and time.monotonic() - began > chosen.seconds and row.seconds:
                continue
            before = time.perf_counter()
            row.last = training.train_epoch(schedule[epoch])
            row.seconds.append(time.perf_counter() - before)
        if chosen.json:
            harness.write(chosen.json, {"rows": [plain(row) for row, _, _ in runs]})
    counts = ", ".join(f"{len(array):,} {split}" for split, array in data.images.items())
    return [row for row, _, _ in runs], f"{data.card.name}: {counts} images of {data.images['train'].shape[-1]} px"


def _setting(text: str) -> tuple[str, Any]:
    import yaml

    name, _, value = text.partition("=")
    return name, yaml.safe_load(value)


def plain(row: Row) -> dict[str, Any]:
    """Return what was measured of a row as plain data."""
    return {"row": row.name, "epochs": row.epochs, "seconds": row.seconds, "whole": row.whole}


def lines(rows: Sequence[Row]) -> list[str]:
    """Return one line per row, and what all of them take."""
    listed = [f"{'row':16}{'epochs':>8}{'s/epoch':>10}{'first':>8}{'whole s':>10}{'val %':>8}"]
    for row in rows:
        later = row.seconds[1:] or row.seconds
        accuracy = f"{100 * row.last['val_accuracy']:.1f}" if "val_accuracy" in row.last else ""
        each = sum(later) / len(later)
        listed.append(
            f"{row.name:16}{len(row.seconds):8d}{each:10.3f}{row.seconds[0]:8.2f}{row.whole:10.1f}{accuracy:>8}"
        )
    trained, asked = sum(len(row.seconds) for row in rows), sum(row.epochs for row in rows)
    spent, whole = sum(sum(row.seconds) for row in rows), sum(row.whole for row in rows)
    how = "measured" if trained == asked else f"estimated, {trained} of {asked} epochs trained in {spent:.0f} s"
    return [*listed, f"all rows, one after the other: {whole:.0f} s ({how})"]


def main(arguments: list[str] | None = None) -> None:
    import torch

    parser = argparse.ArgumentParser(prog="python -m benchmarks.rows", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, default=ROOT / "spaces/activation.yaml")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=0.0, help="train no epoch behind them; 0: to the end")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", dest="sets", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--few", type=int, default=0, help="images of each split, to try it out")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    chosen = parser.parse_args(arguments)
    if chosen.epochs < 1:
        parser.error("at least 1 epoch")
    rows, images = train(rows_of(chosen.file), chosen)
    told = harness.conditions(
        {"device": chosen.device, "precision": chosen.precision, "rows": chosen.file.name, "images": images}
    )
    print("\n".join([*told, "", *lines(rows)]))
    whole = sum(row.whole for row in rows)
    if "H200" in harness.gpu() and chosen.precision == "bf16" and not chosen.few:  # fp32 cannot reach it
        met = whole * 100 / chosen.epochs < TARGET_ROWS_S
        measured = f"{whole * 100 / chosen.epochs:.0f} s per 100 epochs"
        print(f"  {'yes' if met else 'NO '}   {measured}, under {TARGET_ROWS_S:.0f}")
    if chosen.json:
        harness.write(chosen.json, {"conditions": told, "rows": [plain(row) for row in rows], "whole": whole})


if __name__ == "__main__":
    main()
