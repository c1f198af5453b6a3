"""What whoever writes a workload needs: the contract, its optional parts, and settings with their rules.

The contract is in `contract`, what may be offered beside it in `offers`. A workload imports this package and nothing
else of the service; it brings neither Ray, Optuna nor torch.
"""

from search.core.errors import nearest
from search.core.influence import calibration, jackknife
from search.core.scores import ScoreRule
from search.core.trial import ACROSS_SPLITS, DataCard
from search.core.units import merged
from search.core.values import Settings, tidy
from search.workload.contract import Run, Workload
from search.workload.devices import trains_on_gpu
from search.workload.execution import cpu_model
from search.workload.finding import load_workload
from search.workload.offers import (
    Beginning,
    CheckingData,
    Costing,
    Counting,
    Describing,
    Idling,
    ImportingLate,
    Measuring,
    Occupying,
    OnDemand,
    Outside,
    Picturing,
    TellingLayers,
    TellingReads,
    Warming,
    Weighing,
    WritingGroups,
)
from search.workload.settings import Description, SettingFaults, complete
from search.workload.source import identity

__all__ = [
    "ACROSS_SPLITS",
    "Beginning",
    "CheckingData",
    "Costing",
    "Counting",
    "DataCard",
    "Describing",
    "Description",
    "Idling",
    "ImportingLate",
    "Measuring",
    "Occupying",
    "OnDemand",
    "Outside",
    "Picturing",
    "Run",
    "ScoreRule",
    "SettingFaults",
    "Settings",
    "TellingLayers",
    "TellingReads",
    "Warming",
    "Weighing",
    "Workload",
    "WritingGroups",
    "calibration",
    "complete",
    "cpu_model",
    "identity",
    "jackknife",
    "load_workload",
    "merged",
    "nearest",
    "tidy",
    "trains_on_gpu",
]
