"""The keys of the section ``limits``: what a study may cost at most, and what it is looking for.

Rules as in `search.space.keys`.
"""

from __future__ import annotations

from search.core.values import Rule
from search.space.keys import MAX_TRIALS, OF_REALS, mapping, whole
from search.space.service import MAX_EPOCHS

LIMITS: Rule = mapping(
    "what a study may cost at most, and what it looks for; each key is left out for no limit",
    {
        "core_hours": {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": 10**9,
            "because": "a hundred thousand years of one core; leave it out for no limit",
            "description": "hours of training times CPU threads of a trial; the study ends when they are used up",
        },
        "epochs": whole(
            1,
            "distinct epochs that the study trains; it ends when they are trained",
            maximum=MAX_TRIALS * MAX_EPOCHS,
            because="all epochs of the most trials; leave it out for no limit",
        ),
        "trial_hours": {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": 1_000_000,
            "because": "more than a hundred years; leave it out for no limit",
            "description": "hours of training behind which a trial is cut off",
        },
        "target": {
            "type": "number",
            **OF_REALS,
            "because": "because figures are compared with it in floating point",
            "description": "the study ends when the mean objective of a setting, over all its seeds, is as good",
        },
    },
    example={"epochs": 5000, "target": 0.95},
)
