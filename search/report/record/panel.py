"""What examples say of the lines of a table, as the statistics take it: scores of settings measured on the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from search.statistics.measure import ACCURACY, Measure
from search.statistics.scores import Ended, Scores
from search.statistics.stuck import Flag, flags


@dataclass(frozen=True)
class Panel:
    """Settings that were measured on the same images.

    Attributes:
        scores: settings x seeds x images; seeds ascend.
        places: configuration (its place in the table) -> place in `scores`.
        classes: number of classes; 0 where scores are no right or wrong.
        images: images behind an accuracy, duplicates counted as often as they are there.
        grouped: the data card says which images belong together.
    """

    scores: Scores
    places: Mapping[int, int]
    classes: int
    images: int
    grouped: bool = False

    @property
    def effective(self) -> float:
        """Groups of one size that would tell as much: n^2 / sum n_c^2 over the groups' sizes."""
        return float(self.scores.images**2 / (self.scores.weights**2).sum()) if self.scores.images else 0.0

    @cached_property
    def stuck(self) -> Sequence[Flag]:
        """Runs that did not learn, or whose figure is not told from chance."""
        return flags(self.scores, 1 / self.classes if self.classes else None)

    @cached_property
    def unlearned(self) -> frozenset[tuple[int, int]]:
        """Runs that did not learn, or diverged, as (place of the setting, place of the seed)."""
        stuck = {(flag.setting, flag.seed) for flag in self.stuck if flag.outcome}
        diverged = {
            (a, s) for a, row in enumerate(self.scores.ended) for s, end in enumerate(row) if end is Ended.DIVERGED
        }
        return frozenset(stuck | diverged)

    @property
    def with_diverged(self) -> Scores | None:
        """The scores with diverged runs at chance, or at the score of an untrained model; None: nobody said which."""
        return self.scores.at_chance(self.classes) if self.classes else self.scores.as_untrained()


@dataclass(frozen=True)
class Evidence:
    """What the predictions of one split say of a table's lines.

    Attributes:
        panels: one per set of images.
        why: why there is none, "" where there is one: a phrase.
        unused: settings that have finished runs and no usable predictions.
        faults: why not, phrases.
        wrong: predictions that were no class.
        folded: images beyond the first of their content.
        missed: key of a row that was read -> whether a class of the images has no hit in it.
        measure: what was measured of each example.
        small: classes of which there are so few examples that the metric's level is biased, each with their number.
    """

    panels: Sequence[Panel] = ()
    why: str = ""
    unused: int = 0
    faults: Sequence[str] = ()
    wrong: int = 0
    folded: int = 0
    missed: Mapping[str, bool] = field(default_factory=dict)
    measure: Measure = ACCURACY
    small: Sequence[str] = ()

    def panel(self, line: int) -> Panel | None:
        """Return the panel of a line."""
        return next((panel for panel in self.panels if line in panel.places), None)
