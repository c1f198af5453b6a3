"""Every key of a search-space file but the settings: its rule as a JSON Schema fragment, and what it means.

Those of the section ``report`` are in `search.space.report_keys`, of ``command`` in `search.space.command_keys`.

`search.space.schema` assembles these for editors and `search.space.conform` walks them for the reader, so a key cannot
be known to one and not to the other. ``words`` says in plain language what a pattern or a range means, ``because``
why a number has the maximum it has.
"""

from __future__ import annotations

from collections.abc import Mapping

from search.core.values import Rule
from search.space.model import MAX_NAME_LETTERS, MAX_SEED
from search.space.service import MAX_EPOCHS
from search.space.where import MAX_WHERE_LETTERS

MAX_TRIALS = 1_000_000
"""Largest number of trials (configurations times seeds) of one study."""

SAMPLERS = ("grid", "random", "tpe", "gp", "qmc", "cmaes", "nsga2")
DOMAINS = ("grid", "choice", "float", "int")

FROM = "from"
"""What names, in a starting point, the study whose winner is meant."""

AUTO = "auto"
"""What stands under ``resources`` where the service measures and decides."""

SCALAR = {"type": ["string", "number", "boolean", "null"]}


def mapping(
    description: str, properties: Mapping[str, Rule], required: tuple[str, ...] = (), example: object = None
) -> Rule:
    """Return the rule of a mapping with these keys and no others."""
    return {
        "type": "object",
        "description": description,
        "properties": dict(properties),
        "additionalProperties": False,
        **({} if example is None else {"examples": [example]}),
        **({"required": list(required)} if required else {}),
    }


def whole(least: int, description: str, **more: object) -> Rule:
    """Return the rule of a whole number of at least so much."""
    return {"type": "integer", "minimum": least, **more, "description": description}


OF_EPOCHS: Rule = {"maximum": MAX_EPOCHS, "because": "the most epochs of a trial"}
OF_TRIALS: Rule = {"maximum": MAX_TRIALS, "because": "the most trials of a study"}
OF_REALS = {
    "minimum": -(10**100),
    "maximum": 10**100,
    "because": "because samplers multiply bounds with each other, and beyond 10^308 there are no numbers",
}
OF_WHOLE = {
    "minimum": -(2**53),
    "maximum": 2**53,
    "because": "because samplers count in floating point, which does not tell larger whole numbers apart",
}
MAX_STARTING_POINTS = 1000
MAX_OBJECTIVES = 8
MAX_PRIOR_STEPS = 10**9
"""Steps of a prior: finer ones are the same as none."""


OBJECTIVE: Rule = mapping(
    "what the sampler and the pruner look at",
    {
        "metric": {
            "type": "string",
            "minLength": 1,
            "default": "val_accuracy",
            "description": "a metric that is not measured on test data",
        },
        "direction": {
            "enum": ["maximize", "minimize"],
            "default": "maximize",
            "description": "whether more or less of it is better",
        },
    },
    example={"metric": "val_loss", "direction": "minimize"},
)

SEARCH: Rule = mapping(
    "how configurations are chosen and how far they get",
    {
        "sampler": {
            "enum": list(SAMPLERS),
            "description": "default: grid where every axis is a grid, else tpe",
        },
        "trials": whole(
            1, "configurations to try (each under every seed); required for every sampler but grid", maximum=MAX_TRIALS
        ),
        "seed": whole(0, "seed of the sampler; default 0", maximum=MAX_SEED),
        "objective": {
            **OBJECTIVE,
            "type": ["object", "array"],
            "minItems": 1,
            "maxItems": MAX_OBJECTIVES,
            "items": OBJECTIVE,
            "description": "what the sampler and the pruner look at; a list where there are several",
        },
        "pruning": mapping(
            "ending poor trials early",
            {
                "asha": mapping(
                    "asynchronous successive halving (Li et al. 2020)",
                    {
                        "grace_period": whole(1, "epochs before a trial may be pruned; below `epochs`", **OF_EPOCHS),
                        "reduction_factor": {
                            "type": "number",
                            "exclusiveMinimum": 1,
                            **OF_EPOCHS,
                            "default": 3,
                            "description": "one in so many trials goes on at each rung",
                        },
                        "promote": {
                            "type": "boolean",
                            "default": False,
                            "description": "trials pause at rungs, and go on from their state once they belong to the "
                            "best; false ends them",
                        },
                    },
                    ("grace_period",),
                ),
                "hyperband": mapping(
                    "brackets of successive halving (Li et al. 2018), from many short trials to few long ones",
                    {
                        "grace_period": whole(1, "fewest epochs of a trial; below `epochs`", **OF_EPOCHS),
                        "reduction_factor": {
                            "type": "number",
                            "minimum": 2,
                            **OF_EPOCHS,
                            "default": 3,
                            "description": "one in so many trials goes on at each rung",
                        },
                    },
                    ("grace_period",),
                ),
                "median": mapping(
                    "ends a trial that is worse than the median of those that finished (Golovin et al. 2017)",
                    {
                        "grace_period": whole(1, "epochs before a trial may be pruned; below `epochs`", **OF_EPOCHS),
                        "min_finished": whole(
                            1, "trials that have finished before any is pruned", **OF_TRIALS, default=5
                        ),
                    },
                    ("grace_period",),
                ),
            },
            example={"asha": {"grace_period": 3}},
        ),
        "confirm": mapping(
            "the best configurations of a search, run again under fresh seeds and judged on test images",
            {
                "top": whole(1, "how many of the best are confirmed", **OF_TRIALS),
                "seeds": whole(2, "fresh seeds each of them runs under", **OF_TRIALS),
                "baseline": {
                    "type": "object",
                    "description": "axis: value of the configuration they are compared with; what is left out is the "
                    "axis's first value or low end",
                    "additionalProperties": SCALAR,
                },
            },
            ("top", "seeds"),
            {"top": 3, "seeds": 5},
        ),
        "hours": {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": 1_000_000,
            "because": "more than a hundred years; leave it out for no limit",
            "description": "no new trial is started after so many hours of a run; default: no limit",
        },
        "where": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_WHERE_LETTERS,
            "description": "a condition that every configuration fulfils, such as model.width * batch_size <= 4096",
            "examples": ["model.width * batch_size <= 4096"],
        },
        "start": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_STARTING_POINTS,
            "items": {"type": "object", "minProperties": 1, "additionalProperties": SCALAR},
            "description": "configurations that are tried first, as axis: value, the sampler draws what is left out; "
            "or `from: STUDY`, the best configuration of a study on record",
            "examples": [[{"optimizer.lr": 0.005}, {FROM: "focal"}]],
        },
        "attempts": whole(
            1,
            "how often a trial whose worker died is started",
            maximum=1000,
            because="for a worker that dies so often does not die by chance",
            default=3,
        ),
    },
)

RESOURCES: Rule = mapping(
    "what one trial gets, and what may be kept",
    {
        "cpus": whole(1, "CPU threads", maximum=4096, because="more than a machine has", default=1),
        "gpus": {
            "type": ["number", "string"],
            "minimum": 0,
            "maximum": 1024,
            "because": "more than a machine has",
            "pattern": f"^{AUTO}$",
            "words": f"a number of GPUs, or {AUTO}",
            "description": "GPUs, a fraction below 1 or a whole number; default: auto, one where there is one, and "
            "several trials share it where measuring says that they fit and that it pays",
        },
        "epoch_seconds": {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": 31_536_000,
            "because": "a year; leave it out for no limit",
            "description": "seconds an epoch may take: a worker that hangs longer is ended; default: no limit",
        },
        "states_gb": {
            "type": "number",
            "minimum": 0,
            "maximum": 10**9,
            "because": "which is 10^18 bytes, more than a machine can store",
            "default": 10,
            "description": "room for saved states of training, of all studies together, in GB; 0 keeps none",
        },
    },
)

_LOG = {"type": "boolean", "default": False, "description": "uniform in the logarithm"}

FLOAT: Rule = mapping(
    "a prior over real numbers",
    {
        "low": {"type": "number", **OF_REALS, "description": "lowest value"},
        "high": {"type": "number", **OF_REALS, "description": "highest value"},
        "log": _LOG,
        "step": {"type": "number", "exclusiveMinimum": 0, "description": "only low, low + step ... high"},
    },
    ("low", "high"),
    {"low": 0.1, "high": 1.0},
)

INT: Rule = mapping(
    "a prior over whole numbers",
    {
        "low": {"type": "integer", **OF_WHOLE, "description": "lowest value"},
        "high": {"type": "integer", **OF_WHOLE, "description": "highest value"},
        "log": _LOG,
        "step": {"type": "integer", "minimum": 1, "default": 1, "description": "only low, low + step ... high"},
    },
    ("low", "high"),
    {"low": 1, "high": 8},
)

NAME: Rule = {
    "type": "string",
    "pattern": r"^[A-Za-z0-9_()-]([A-Za-z0-9 ._()-]*[A-Za-z0-9._()-])?$",
    "words": "letters, digits, spaces and ._-() only, starting with none of '. ' and ending without a space",
    "maxLength": MAX_NAME_LETTERS,
    "description": "name of the study; default: the file's name without its ending",
}

OPTION: Rule = {
    "type": "string",
    "maxLength": 100,
    "pattern": r"^\S([^\n\t]*\S)?$",
    "words": "one line of text without space around it",
}

RESERVED = frozenset(
    {
        *("trial", "configuration", "seed", "state", "ended_by", "epochs_trained", "epochs_reused", "best_epoch"),
        *("val_accuracy", "val_loss", "test_accuracy", "seconds"),
    }
)
"""Columns of a table of trials, which an axis with a name of its own would hide."""

SEEDS: Rule = {
    "description": "seeds every configuration runs under; a number n stands for 0, 1 ... n - 1; default [0]",
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": MAX_TRIALS},
        {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": "integer", "minimum": 0, "maximum": MAX_SEED},
        },
    ],
}

EXTENDS: Rule = {
    "type": "string",
    "minLength": 1,
    "description": "a base file, relative to this one; this file is laid over it, null removes a key",
}
TITLE: Rule = {
    "type": "string",
    "maxLength": 200,
    "pattern": r"^[^\n]*$",
    "words": "one line",
    "description": "one line for people",
}
WORKLOAD: Rule = {
    "type": "string",
    "minLength": 1,
    "words": "`classifier`, `command` or `package.module:attribute`",
    "description": "what is tuned: `classifier`, `command`, or `package.module:attribute`",
}
