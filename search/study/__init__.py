"""Samplers, trials, and their mirror in an Optuna database; only this room and `search.service` import optuna."""

from search.study.cards import check_card
from search.study.changed import StudyChanged, check_unchanged
from search.study.fold import Fold
from search.study.leaf import Leaf, Planner, canonical, longest
from search.study.mirror import MIRROR_FILE, Mirror
from search.study.optuna_storage import open_optuna
from search.study.revision import continued_study, find_study, study_in_class
from search.study.sampling import Asked, Outcome, Sampler, make_sampler, mean_outcome

__all__ = [
    "MIRROR_FILE",
    "Asked",
    "Fold",
    "Leaf",
    "Mirror",
    "Outcome",
    "Planner",
    "Sampler",
    "StudyChanged",
    "canonical",
    "check_card",
    "check_unchanged",
    "continued_study",
    "find_study",
    "longest",
    "make_sampler",
    "mean_outcome",
    "open_optuna",
    "study_in_class",
]
