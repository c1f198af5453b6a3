"""Where configurations come from: an enumerated grid, or an Optuna sampler that is asked and told.

Optuna is imported only where one of its samplers is made (`search.study.optuna_sampler`): a grid needs none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search.space.model import Space
from search.study.asked import Asked, Sampler, StartingPoint, Told


class GridSampler:
    """Every configuration of the grid, lazily, in the file's order."""

    adaptive = False

    def __init__(self, space: Space) -> None:
        self._configurations = enumerate(space.grid())

    def ask(self) -> Asked | None:
        """Return the next configuration of the grid."""
        found = next(self._configurations, None)
        return None if found is None else Asked(*found)

    def tell(self, configuration: int, outcome: Told) -> None:
        """A grid does not care."""


def make_sampler(
    space: Space, asked: Sequence[Mapping[str, object]] = (), start: Sequence[StartingPoint] = ()
) -> Sampler:
    """Return the sampler a space names, having asked `asked` already, which tries the points of `start` next."""
    if space.search.sampler == "grid":
        return GridSampler(space)
    from search.study.optuna_sampler import OptunaSampler

    return OptunaSampler(space, asked, start)
