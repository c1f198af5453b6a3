"""Every key of the section ``command`` of a search-space file, as `search.space.keys` has those of the others."""

from __future__ import annotations

from search.core.values import Rule
from search.space.keys import OF_REALS, SCALAR, mapping

COMMAND_WORKLOAD = "command"
"""The workload whose definition stands in the space file, under a key of the same name."""

COMMAND_EXAMPLE = "python3 train.py --rate {rate} --seed {seed} --epochs {epochs}"

_LINE: Rule = {
    "type": ["string", "array"],
    "minLength": 1,
    "minItems": 1,
    "items": {"type": "string"},
    "examples": [COMMAND_EXAMPLE],
    "description": "the program and its arguments, as text or as a list of words; {name} stands for the value of a "
    "setting, {seed}, {epochs}, {cpus} and {folder} for those of the run",
}

_PATHS: Rule = {"type": ["string", "array"], "minLength": 1, "items": {"type": "string", "minLength": 1}}

_JSON_TYPE: Rule = {"enum": ["number", "integer", "string", "boolean", "array"]}

_SETTING: Rule = {
    **mapping(
        "the rule of a setting",
        {
            "type": {**_JSON_TYPE, "description": "what its values are"},
            "enum": {"type": "array", "minItems": 1, "items": {**SCALAR, **OF_REALS}, "description": "its values"},
            "default": {"description": "its value where the file sets none"},
            **{
                name: {"type": "number", **OF_REALS, "description": words}
                for name, words in {
                    "minimum": "its least value",
                    "maximum": "its greatest value",
                    "exclusiveMinimum": "what every value is greater than",
                    "exclusiveMaximum": "what every value is less than",
                }.items()
            },
            "unit": {"type": "string", "description": "of its values"},
            "description": {"type": "string", "description": "what it means"},
        },
    ),
    "type": ["object", "string"],
    "examples": [{"type": "number", "minimum": 0}],
}

_COMMAND_KEYS = mapping(
    "the program that trains, of `workload: command`",
    {
        "run": _LINE,
        "settings": {
            "type": "object",
            "additionalProperties": _SETTING,
            "description": "rules of settings: their type, or a mapping with type, range and default; a setting that "
            "the command line names and nobody describes takes any single value",
        },
        "rows": {
            "type": "string",
            "minLength": 1,
            "default": "output",
            "description": "where rows come from: `output`, or a file below {folder}",
        },
        "source": {
            **_PATHS,
            "description": "files and folders whose content keys the workload; default: the files that the command "
            "line names, and what Python files among them import from beside",
        },
        "data": {**_PATHS, "description": "files and folders that are read as data, known by their content"},
        "truth": {
            "type": "string",
            "minLength": 1,
            "description": "a JSON file with the true class of each item, {split: [0, 2, ...]}: rows may then hold "
            "predictions, from which tables make intervals",
        },
    },
    ("run",),
)

COMMAND: Rule = {**_COMMAND_KEYS, "type": ["object", "string", "array"], "items": {"type": "string"}, "minLength": 1}
"""The section ``command``: a mapping, or its ``run`` alone."""
