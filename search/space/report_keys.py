"""The keys of the section ``report``: how a table is laid out, what a paper printed, and what is claimed.

Rules as in `search.space.keys`.
"""

from __future__ import annotations

from collections.abc import Mapping

from search.core.values import Rule
from search.space.figures import FIGURE, FIGURE_WORDS, PARAMETERS, PARAMETERS_WORDS
from search.space.keys import OF_EPOCHS, SCALAR, mapping, whole

MAX_LOOK_SEEDS = 1000

FRACTION_WORDS = "a fraction above 0 and at most 1, where 0.02 is two percentage points"
"""Of margins where an accuracy is judged ..."""

MARGIN_WORDS = "a number above 0, in the unit of the metric"
"""... and of any other metric."""
MAX_MARGIN = 1e100
OF_IMAGES = {"maximum": 10**9, "because": "more images than a figure was ever measured on"}
MAX_FIGURE_LETTERS = 40
"""Characters of a printed figure."""


def _margin(description: str) -> Rule:
    """Return the rule of a margin; one of an accuracy is a fraction, see `search.space.reporting.check_margins`."""
    limits = {"exclusiveMinimum": 0, "maximum": MAX_MARGIN}
    return {"type": "number", **limits, "words": MARGIN_WORDS, "description": description}


def _row(description: str) -> Rule:
    """Return the rule of what names a row of the table."""
    rule: Rule = {"type": [*SCALAR["type"], "object"], "minProperties": 1, "additionalProperties": SCALAR}
    of = "value of the row axis, or {axis: value, ...} of several"
    return {**rule, "description": f"{description}: {of}" if description else of}


def _pair(description: str) -> Rule:
    rule: Rule = {"type": "array", "items": _row(""), "minItems": 2, "maxItems": 2, "description": description}
    return {**rule, "examples": [["a", "b"]]}


def _printed(pattern: str, words: str) -> Rule:
    return {"type": ["string", "number"], "maxLength": MAX_FIGURE_LETTERS, "pattern": pattern, "words": words}


def _happens(description: str) -> Rule:
    words = "true; `never` and `always` say whether runs do it"
    return {"enum": [True], "words": words, "description": description}


_PUBLISHED = mapping(
    "figures of a paper to put beside ours, audited",
    {
        "source": {"type": "string", "description": "where they stand"},
        "data": {
            "type": "string",
            "minLength": 1,
            "description": "what they and the claims were found on; default: the `data` of the file; a study "
            "of other data shows them apart and judges no claim",
            "examples": ["flowers-17"],
        },
        "n": {"type": "integer", "minimum": 1, **OF_IMAGES, "description": "images behind each figure"},
        "runs": whole(1, "runs that each figure is the mean of", maximum=1000, default=1),
        "metric": {"type": "string", "minLength": 1, "default": "accuracy", "description": "what they measure"},
        "values": {
            "type": "object",
            "description": "value of the row axis: figure, to its last printed digit (54.10, 54.10 %)",
            "examples": [{"0": "54.10 %"}],
            "additionalProperties": _printed(FIGURE, FIGURE_WORDS),
        },
        "confusion_matrix": {
            "type": "array",
            "minItems": 1,
            "description": "rows are truth, columns are prediction",
            "items": {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0, **OF_IMAGES}},
        },
        "confusion_matrix_row": _row("row that the matrix belongs to"),
        "class_sizes": {
            "type": "array",
            "minItems": 1,
            "description": "images of each class",
            "items": {"type": "integer", "minimum": 0, **OF_IMAGES},
        },
        "parameters": {
            "type": "object",
            "description": "name of a model, as the workload spells it: printed number of parameters (11186772, 11.2M)",
            "additionalProperties": _printed(PARAMETERS, PARAMETERS_WORDS),
        },
    },
)

RUN_KINDS = ("never", "always")
"""Claims about runs ..."""

CLAIM_KINDS = ("better", "equal", "best", *RUN_KINDS)
"""... and all claims."""

PREDICATES: Mapping[str, Rule] = {
    "stops_before": whole(2, "the stop rule ends the run before this epoch", **OF_EPOCHS),
    "stops_by": whole(1, "the stop rule ends the run at this epoch or before", **OF_EPOCHS),
    "reaches": {
        "type": "number",
        "description": "the objective is at least this (at most, where it is minimised) at the epoch the table reads",
    },
    "misses_a_class": _happens("a class of the validation images has no hit at that epoch"),
    "diverges": _happens("a loss or the objective becomes infinite or NaN"),
}
"""What a run may do: the claims `never` and `always` say one of these."""

WHERE = "where"


def _runs(description: str) -> Rule:
    values: Rule = {"type": ["string", "number", "boolean", "null", "array"], "items": SCALAR, "minItems": 1}
    where = {
        "type": "object",
        "minProperties": 1,
        "description": "{axis: value or [values]}: the runs that are meant; default: all of them",
        "additionalProperties": values,
    }
    rule = mapping(description, {**PREDICATES, WHERE: where})
    return {**rule, "oneOf": [{"required": [name]} for name in PREDICATES], "examples": [{"stops_before": 100}]}


CLAIM: Rule = {
    **mapping(
        "a statement to be judged: exactly one of better, equal, best, never, always",
        {
            "better": _pair("[a, b]: row a is better than row b"),
            "by": _margin("with `better`: by at least this much; of an accuracy a fraction"),
            "equal": _pair("[a, b]: rows a and b do not differ by more than `within`"),
            "within": _margin("with `equal`: the margin; of an accuracy a fraction"),
            "best": _row("row that is better than every other"),
            "metric": {
                "type": "string",
                "minLength": 1,
                "description": "with `better`, `equal` and `best`: what they are judged by, in its own direction and "
                "unit; default: the objective",
                "examples": ["val_loss"],
            },
            "never": _runs("what no run may do"),
            "always": _runs("what every run must do"),
        },
        example={"better": ["a", "b"]},
    ),
    "oneOf": [{"required": [kind]} for kind in CLAIM_KINDS],
    "dependentRequired": {"by": ["better"], "within": ["equal"], "equal": ["within"]},
    "not": {"required": ["metric"], "anyOf": [{"required": ["never"]}, {"required": ["always"]}]},
}

REPORT: Rule = mapping(
    "how the comparison table is laid out and judged",
    {
        "rows": {
            "type": ["string", "array"],
            "items": {"type": "string"},
            "minItems": 1,
            "uniqueItems": True,
            "description": "axis, or list of axes, that make the rows; default: those of `baseline`, or the only axis",
        },
        "columns": {"type": "string", "description": "second axis, for a cross table"},
        "value": {"enum": ["last", "best"], "default": "last", "description": "epoch whose figures are shown"},
        "baseline": _row("row that the others are compared with"),
        "margin": _margin("smallest difference that matters; of an accuracy a fraction: 0.02 is two percentage points"),
        "looks": {
            "type": ["integer", "array"],
            "minimum": 1,
            "maximum": 100,
            "minItems": 1,
            "maxItems": 20,
            "items": whole(3, "seeds of a look", maximum=MAX_LOOK_SEEDS, because="levels are worked out up to there"),
            "description": "how often the table may be looked at while seeds are added, whose tests share the level; "
            "or the seeds of each look, such as [3, 5, 7, 10], with O'Brien-Fleming levels; default: once, and more "
            "is said to be so",
            "examples": [[3, 5, 7, 10]],
        },
        "noise": {
            "enum": ["guarded", "strict"],
            "default": "guarded",
            "description": "how the noise of runs is estimated from those of other settings; strict: wider intervals "
            "with 3 and 4 seeds, should one setting be far noisier than the rest",
        },
        "metrics": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "minItems": 1,
            "uniqueItems": True,
            "description": "further metrics with a column each; split_macro_f1 and split_balanced_accuracy are worked "
            "out where rows hold predictions",
            "examples": [["val_macro_f1"]],
        },
        "labels": {
            "type": "object",
            "description": "value of the row axis: what a person reads",
            "additionalProperties": {"type": "string"},
        },
        "published": _PUBLISHED,
        "claims": {
            "type": "array",
            "items": CLAIM,
            "description": "statements to be judged",
            "examples": [[{"better": ["a", "b"]}]],
        },
    },
)
