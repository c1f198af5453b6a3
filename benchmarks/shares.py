"""What the sides of `benchmarks.sharing` have in common, and how their ratio divides: pure, from figures to lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

OURS, ALONE = "ours", "ours, --no-sharing"
PLAIN, TUNED = "plain Ray Tune", "plain Ray Tune, tuned"
SIDES = (OURS, PLAIN, TUNED, ALONE)

EFFICIENCY, TOTAL, FEWER = 0.85, 5.0, 3.0
"""Targets: wall-clock ratio by epoch ratio; wall-clock ratio; epochs trained alone by distinct ones, without alpha."""


@dataclass(frozen=True)
class Trial:
    """How one trial ended: its length in epochs, whether its stop rule could end it, and its last row's metrics."""

    epochs: int
    stoppable: bool
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Side:
    """What one side did.

    Attributes:
        trials: what is set -> how it ended.
        rows: hashes of the epochs trained, in the order they were trained, as counted inside the workload.
        training: seconds of these epochs together, on whichever core.
        wall: seconds of the whole command.
        start: of them, seconds of Ray's start and end.
        distinct: different epochs of the trials without alpha, where the side knows.
        load: load average when it began and when it ended.
    """

    trials: Mapping[str, Trial]
    rows: Sequence[str]
    training: float
    wall: float
    start: float
    distinct: int = 0
    load: Sequence[float] = field(default=(0.0, 0.0))

    @property
    def epochs(self) -> int:
        """Epochs trained."""
        return len(self.rows)

    @property
    def alone(self) -> int:
        """Epochs of the trials without alpha, each counted for itself."""
        return sum(trial.epochs for trial in self.trials.values() if not trial.stoppable)


def differences(one: Side, other: Side) -> list[str]:
    """Name what differs between two sides by at least one bit.

    Trials in their length and their last metrics, those of `one` being compared; and rows that only one side trained.
    """
    found = [f"trial {name}: on one side only" for name in sorted(one.trials.keys() ^ other.trials.keys())]
    for trial in sorted(one.trials.keys() & other.trials.keys()):
        ours, theirs = one.trials[trial], other.trials[trial]
        if ours.epochs != theirs.epochs:
            found.append(f"trial {trial}: {ours.epochs} epochs against {theirs.epochs}")
        # Not ==, for which 0.0 is -0.0 and NaN is not NaN. Ray adds metrics of its own to theirs.
        names = [name for name, value in ours.metrics.items() if _bits(value) != _bits(theirs.metrics.get(name))]
        found += [f"trial {trial}: {name}" for name in sorted(names)]
    odd = len(set(one.rows) ^ set(other.rows))
    return [*found, *([f"{odd} rows are on one side only"] if odd else [])]


def _bits(value: float | None) -> str | None:
    return None if value is None else float(value).hex()


def table(sides: Mapping[str, Side]) -> list[str]:
    """Return one line per side: what it trained and how long it took."""
    head = ("epochs", "different", "wall s", "without Ray's start", "training core-s", "ms per epoch", "load")
    lines = [f"{'':24}" + "".join(f"{text:>{max(len(text), 7) + 3}}" for text in head)]
    for name, side in sides.items():
        values = (
            str(side.epochs),
            str(len(set(side.rows))),
            f"{side.wall:.1f}",
            f"{side.wall - side.start:.1f}",
            f"{side.training:.1f}",
            f"{1000 * side.training / max(1, side.epochs):.0f}",
            "-".join(f"{load:.1f}" for load in side.load),
        )
        cells = "".join(f"{value:>{max(len(text), 7) + 3}}" for text, value in zip(head, values, strict=True))
        lines.append(f"{name:24}{cells}")
    return lines


def ratios(sides: Mapping[str, Side]) -> list[str]:
    """Return each other side by ours, in epochs and in time, and what of it is sharing and what is service."""
    ours = sides[OURS]
    lines = [f"{'by ours':24}{'epochs':>9}{'wall':>9}{'wall/epochs':>14}{'without start':>16}{'/epochs':>10}"]
    for name, side in sides.items():
        if name != OURS:
            epochs, wall = side.epochs / ours.epochs, side.wall / ours.wall
            bare = (side.wall - side.start) / (ours.wall - ours.start)
            lines.append(f"{name:24}{epochs:9.2f}{wall:9.2f}{wall / epochs:14.2f}{bare:16.2f}{bare / epochs:10.2f}")
    if ALONE in sides:
        alone = sides[ALONE].wall
        for name in (PLAIN, TUNED):
            if name in sides:
                wall = sides[name].wall
                lines.append(
                    f"{name} by ours, {wall / ours.wall:.2f} = {alone / ours.wall:.2f} sharing (--no-sharing by ours) "
                    f"x {wall / alone:.2f} service ({name} by --no-sharing)"
                )
    return lines


def targets(sides: Mapping[str, Side], without_alpha: bool) -> list[tuple[str, bool]]:
    """Return each target as text with what was found, and whether it holds.

    Args:
        sides: ours and the plain one at least.
        without_alpha: whether there are trials with and without alpha, so that the third one says something.
    """
    ours, plain = sides[OURS], sides[PLAIN]
    epochs, wall = plain.epochs / ours.epochs, plain.wall / ours.wall
    aims = [
        (
            f"wall-clock ratio {wall:.2f}, at least {EFFICIENCY} x the epoch ratio {epochs:.2f}",
            wall >= EFFICIENCY * epochs,
        ),
        (f"wall-clock ratio {wall:.2f}, at least {TOTAL:g}", wall >= TOTAL),
    ]
    if without_alpha:
        fewer = ours.alone / ours.distinct
        text = f"trials without alpha: {ours.alone} epochs alone, {ours.distinct} different, {fewer:.2f} times fewer"
        aims.append((f"{text}, at least {FEWER:g}", fewer >= FEWER))
    return aims
