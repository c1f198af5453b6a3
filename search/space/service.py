"""The settings of the service itself: how long a trial is, and what ends it early."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search.core.trial import VAL_LOSS

MAX_EPOCHS = 1_000_000
"""Epochs of a trial."""

SERVICE_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "epochs": {
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_EPOCHS,
        "description": "epochs a trial is trained for",
        "unit": "epochs",
    },
    "stop.rule": {
        "enum": ["none", "generalisation_loss", "patience"],
        "default": "none",
        "description": "early-stopping rule, folded over a validation metric",
    },
    "stop.alpha": {
        "type": ["number", "null"],
        "exclusiveMinimum": 0,
        "maximum": 1_000_000,
        "because": "null never stops",
        "default": 2.0,
        "description": "stop when 100 (E_val / E_opt - 1) exceeds it; null never stops; needs losses above 0",
        "unit": "%",
        "when": {"stop.rule": ["generalisation_loss"]},
    },
    "stop.patience": {
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_EPOCHS,
        "because": "the most epochs of a trial",
        "default": 10,
        "description": "stop after this many epochs without a better validation metric",
        "unit": "epochs",
        "when": {"stop.rule": ["patience"]},
    },
    "stop.metric": {
        "type": "string",
        "pattern": "^(?![tT][eE][sS][tT]).+$",
        "words": "a validation metric: no decision may read test values",
        "default": VAL_LOSS,
        "description": "the validation metric that must get better",
        "when": {"stop.rule": ["patience"]},
    },
    "stop.direction": {
        "enum": ["minimize", "maximize"],
        "default": "minimize",
        "description": "whether a lower or a higher stop.metric is better",
        "when": {"stop.rule": ["patience"]},
    },
    "stop.min_delta": {
        "type": "number",
        "minimum": 0,
        "maximum": 1_000_000_000,
        "default": 0.0,
        "description": "stop.metric must be better by more than this, in its own unit, to count",
        "when": {"stop.rule": ["patience"]},
    },
}
"""Settings of the service itself, described like a workload's (see `search.workload.Description`). They may be fixed
or be axes; they change how far a trial goes, never what an epoch trains, and are in no epoch key."""
