"""The scores of every setting's runs on the same examples: the one input of the statistics.

A table of scores is settings x seeds x images; "image" stands for whatever a score belongs to (`measure.Measure`). It
also knows how each run ended, so that no statistic can take a run that was pruned, diverged or is missing for a
finished one, and which runs are one and the same training.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from search.core.errors import InternalError
from search.core.influence import root_mean
from search.statistics.measure import ACCURACY, LARGEST, Form, Measure

Floats = npt.NDArray[np.float64]


class Ended(StrEnum):
    """How one run ended."""

    FINISHED = "finished"
    DIVERGED = "diverged"
    PRUNED = "pruned"
    MISSING = "missing"


@dataclass(frozen=True, eq=False)
class Scores:
    """One score per setting, seed and image.

    Attributes:
        values: settings x seeds x images. Of accuracies fractions: 1 right, 0 wrong, between them for groups of images
            and for runs counted at chance. 0 where the run did not finish.
        ended: settings x seeds, how each run ended.
        weights: per image, mean 1; of groups their sizes.
        balanced: the weights give every class the same weight (balanced accuracy).
        identities: settings x seeds, what the run was settled from: equal entries are one training.
        contents: settings x seeds, what the run's rows hold: equal entries are equal to the last bit.
        measure: what a score is.
        folded: an "image" is a group of images.
    """

    values: Floats
    ended: tuple[tuple[Ended, ...], ...]
    weights: Floats
    balanced: bool
    identities: tuple[tuple[Hashable, ...], ...]
    contents: tuple[tuple[Hashable, ...], ...]
    measure: Measure = ACCURACY
    folded: bool = False

    @property
    def settings(self) -> int:
        """Number of settings."""
        return int(self.values.shape[0])

    @property
    def images(self) -> int:
        """Number of images, or of groups of duplicates."""
        return int(self.values.shape[2])

    @property
    def weighted(self) -> bool:
        """Whether images count differently, or in part: then no image is simply right or wrong."""
        return self.balanced or bool((self.weights != 1).any())

    @property
    def finished(self) -> npt.NDArray[np.bool_]:
        """Settings x seeds: which runs finished."""
        return self._which(Ended.FINISHED)

    def same_run(self, a: int, b: int, seeds: Sequence[int]) -> bool:
        """Return whether both settings were settled from the same training under each of these seeds."""
        return bool(len(seeds)) and all(self.identities[a][seed] == self.identities[b][seed] for seed in seeds)

    def rows(self, a: int, seeds: Sequence[int]) -> tuple[Hashable, ...]:
        """Return what names a setting's rows under these seeds: settings with equal names are one training repeated."""
        return tuple(self.contents[a][seed] for seed in seeds)

    def analysed(self, setting: int, seeds: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Floats:
        """Return what the analysis of variance reads of a setting, seeds x images; a run's mean is its metric.

        Scores, times the weights of classes; for the root of a mean their influence values. Of groups u = m + (C/n) sum
        (y - m) over the images of a group, where m is the run's mean, C the number of groups and n that of images:
        groups are the units then, and their size is part of their spread.
        """
        values: Floats = self.values[setting, seeds]
        if self.measure.form is Form.ROOT_MEAN:
            values = root_mean(values, self.weights)
        if not self.folded:
            return values * self.weights if self.weighted else values
        mean = (values * self.weights).mean(axis=-1, keepdims=True)
        spread: Floats = mean + (values - mean) * self.weights
        return spread

    def at_chance(self, classes: int) -> Scores:
        """Return the scores with every diverged run counted as finished at chance, 1 / classes.

        A setting that diverges under some seeds is worse than its finished runs say: this is its second line.
        """
        return self._counted(1.0 / classes)

    def as_untrained(self) -> Scores | None:
        """Return the scores with every diverged run counted at the score of an untrained model; None: not declared."""
        untrained = self.measure.untrained
        if untrained is None:
            return None
        return self._counted(untrained)

    def without(self, runs: Collection[tuple[int, int]]) -> Scores:
        """Return the scores with these runs (setting, place of the seed) missing."""
        ended = tuple(
            tuple(Ended.MISSING if (a, s) in runs else end for s, end in enumerate(row))
            for a, row in enumerate(self.ended)
        )
        return replace(self, ended=ended)

    def _counted(self, score: float) -> Scores:
        values = np.where(self._which(Ended.DIVERGED)[:, :, None], score, self.values)
        ended = tuple(tuple(Ended.FINISHED if end is Ended.DIVERGED else end for end in row) for row in self.ended)
        return replace(self, values=values, ended=ended)

    def _which(self, wanted: Ended) -> npt.NDArray[np.bool_]:
        flags = [[end is wanted for end in row] for row in self.ended]
        return np.array(flags, dtype=bool).reshape(self.values.shape[:2])


def make_scores(
    correct: npt.ArrayLike,
    *,
    measure: Measure = ACCURACY,
    ended: Sequence[Sequence[Ended]] | None = None,
    classes: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
    identities: Sequence[Sequence[Hashable]] | None = None,
    contents: Sequence[Sequence[Hashable]] | None = None,
) -> Scores:
    """Return scores, checked.

    Args:
        correct: settings x seeds x images, booleans or scores; what stands where a run did not finish is not read.
        measure: what a score is.
        ended: settings x seeds; None: all finished.
        classes: true class of each image, for balanced accuracy: image i of a class of n_i among n images and C
            classes then weighs n / (C n_i). None: all images count the same.
        groups: names the group of each image (its content, its patient, its document): groups are the units, not
            images. None: all images differ.
        identities: settings x seeds, what each run was settled from (its last row's key). None: all differ.
        contents: settings x seeds, what each run's rows hold. None: as the identities.

    Raises:
        InternalError: a shape that does not fit, or a score in a run that finished that is no finite number or lies
            outside the declared range.
    """
    raw = np.asarray(correct)
    if raw.ndim != 3:
        raise InternalError(f"scores of shape {raw.shape}: must be settings x seeds x images")
    settings, seeds, images = raw.shape
    ends = _rows(ended, (settings, seeds), "ended") or ((Ended.FINISHED,) * seeds,) * settings
    keys = _rows(identities, (settings, seeds), "identities")
    keys = keys or tuple(tuple((a, s) for s in range(seeds)) for a in range(settings))
    rows = _rows(contents, (settings, seeds), "contents") or keys
    values = raw.astype(np.float64)
    done = np.array([[end is Ended.FINISHED for end in row] for row in ends], dtype=bool).reshape(settings, seeds)
    values = np.where(done[:, :, None], values, 0.0)
    _check(values[done], measure)
    weights = np.ones(images)
    if classes is not None:
        weights = _balance(np.asarray(classes), images)
    if groups is not None:
        values, weights = _fold(values, weights, np.asarray(groups))
        if measure.correctness:
            values = np.minimum(values, 1.0)
    folded = values.shape[2] != images
    return Scores(values, ends, weights, classes is not None, keys, rows, measure, folded)


@dataclass(frozen=True, eq=False)
class RunScores:
    """One run of one setting.

    Attributes:
        setting: place of the setting in the table, from 0.
        seed: its seed.
        ended: how it ended.
        correct: per image, booleans or scores; not read where it did not finish.
        identity: what it was settled from; None: a training of its own.
        content: what its rows hold; None: as the identity.
    """

    setting: int
    seed: int
    ended: Ended
    correct: npt.ArrayLike = ()
    identity: Hashable = None
    content: Hashable = None


def from_runs(
    runs: Iterable[RunScores],
    settings: int,
    images: int,
    *,
    measure: Measure = ACCURACY,
    classes: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
) -> Scores:
    """Return the scores of runs in any order; seeds ascend, a run that is not there is missing.

    The same seed of a setting twice (settings shared by studies) is one seed: the finished one where one is.

    Args:
        settings: number of settings.
        images: number of images.
        measure: what a score is.
        classes: as in `make_scores`.
        groups: as in `make_scores`.

    Raises:
        InternalError: as `make_scores`; a setting outside the table; a finished run on another number of images.
    """
    run_at: dict[tuple[int, int], RunScores] = {}
    for run in runs:
        if not 0 <= run.setting < settings:
            raise InternalError(f"setting {run.setting}: must be one of 0 to {settings - 1}")
        place = run.setting, run.seed
        if place not in run_at or run_at[place].ended is not Ended.FINISHED:
            run_at[place] = run
    seeds = sorted({seed for _, seed in run_at})
    correct = np.zeros((settings, len(seeds), images))
    ended = [[Ended.MISSING] * len(seeds) for _ in range(settings)]
    identities: list[list[Hashable]] = [[(a, seed) for seed in seeds] for a in range(settings)]
    contents = [row.copy() for row in identities]
    for (a, seed), run in run_at.items():
        s = seeds.index(seed)
        ended[a][s] = run.ended
        if run.identity is not None:
            identities[a][s] = contents[a][s] = ("training", run.identity)
        if run.content is not None:
            contents[a][s] = ("rows", run.content)
        if run.ended is Ended.FINISHED:
            values = np.asarray(run.correct)
            if values.shape != (images,):
                raise InternalError(
                    f"scores of setting {a}, seed {seed}: {values.shape}, must be one per image, {images}"
                )
            correct[a, s] = values
    return make_scores(
        correct,
        measure=measure,
        ended=ended,
        classes=classes,
        groups=groups,
        identities=identities,
        contents=contents,
    )


def why_not_scores(values: npt.ArrayLike, measure: Measure) -> str:
    """Return why these are no scores of a finished run that can be analysed, a phrase; "" where they are."""
    given = np.asarray(values)
    if measure.correctness:
        right = ((given >= 0) & (given <= 1)).all()
        return "" if right else "must lie in [0, 1]; a prediction that is no number is wrong, 0"
    if not np.isfinite(given).all():
        return "are not finite"
    if not (np.abs(given) <= np.float64(LARGEST)).all():  # of single precision, in which it would be infinite, too
        return f"are larger than {LARGEST:g}"
    if measure.form is Form.INFLUENCE:
        return ""
    for limit, fits, side in ((measure.low, np.greater_equal, "below"), (measure.high, np.less_equal, "above")):
        if limit is not None and not (fit := fits(given, limit)).all():
            return f"hold {given[~fit].flat[0]:g}, {side} the declared {limit:g}"
    return ""


def _check(values: Floats, measure: Measure) -> None:
    """Refuse scores of finished runs that are no finite numbers, or lie outside the declared range."""
    if measure.form is Form.ROOT_MEAN and (measure.low is None or measure.low < 0):
        raise InternalError("a root of a mean: its scores must be declared to be 0 or more")
    if why := why_not_scores(values, measure):
        raise InternalError(f"scores of a finished run {why}")


def _balance(classes: npt.NDArray[np.generic], images: int) -> Floats:
    """Return the weight per image that makes accuracy balanced accuracy."""
    if classes.shape != (images,):
        raise InternalError(f"classes of shape {classes.shape}: must be one per image, {images}")
    _, index, counts = np.unique(classes, return_inverse=True, return_counts=True)
    return images / (len(counts) * counts[index]) if images else np.ones(0)


def _fold(values: Floats, weights: Floats, groups: npt.NDArray[np.generic]) -> tuple[Floats, Floats]:
    """Return one image per group: the weighted mean of its images, and their weight, with mean 1 over the groups.

    So (C/n) sum (y - m) over a group is its weight times the distance of its mean from m.
    """
    if groups.shape != weights.shape:
        raise InternalError(f"groups of shape {groups.shape}: must be one per image, {len(weights)}")
    _, first, index = np.unique(groups, return_index=True, return_inverse=True)
    if len(first) == len(weights):
        return values, weights
    # Groups stand in the order of their first image, so that folding nothing changes nothing.
    place = np.argsort(np.argsort(first))[index]
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    total = np.add.reduceat(weights[order], starts)
    sums = np.add.reduceat((values * weights)[..., order], starts, axis=-1)
    return sums / total, total * (len(first) / total.sum())


def _rows(given: Sequence[Sequence[object]] | None, shape: tuple[int, int], name: str) -> tuple[tuple[Any, ...], ...]:
    if given is None:
        return ()
    rows = tuple(tuple(row) for row in given)
    if len(rows) != shape[0] or any(len(row) != shape[1] for row in rows):
        raise InternalError(f"{name}: must be {shape[0]} settings x {shape[1]} seeds, as the scores")
    return rows
