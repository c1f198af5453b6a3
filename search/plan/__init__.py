"""What a study will cost, before it is run: trials, epochs, seconds and bytes, and what sharing saves.

Nothing is written, and nothing is trained but one epoch as a probe where that is wanted. Of grids, and of samplers that
do not learn, every trial is known beforehand: counts of epochs are exact where no stop rule or pruning can end a trial,
and bounds where they can, as is said beside them. Seconds and bytes are estimates, each with its source.
"""

from search.plan.place import Place, place_of, recorded_place
from search.plan.plan import Plan, plan_of
from search.plan.process import Probe, probe
from search.plan.text import compared, duration, text

__all__ = [
    "Place",
    "Plan",
    "Probe",
    "compared",
    "duration",
    "place_of",
    "plan_of",
    "probe",
    "recorded_place",
    "text",
]
