"""Samplers, trials, and their mirror in an Optuna database; only this room and `search.dashboard` import optuna."""

from search.study.leaf import Leaf, Planner, addressed, canonical, longest
from search.study.mirror import Mirror
from search.study.sampling import Asked, Outcome, Sampler, make_sampler, mean_outcome

__all__ = [
    "Asked",
    "Leaf",
    "Mirror",
    "Outcome",
    "Planner",
    "Sampler",
    "addressed",
    "canonical",
    "longest",
    "make_sampler",
    "mean_outcome",
]
