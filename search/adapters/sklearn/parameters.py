"""Parameters of an estimator as settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import InvalidParameterError

from search.adapters.declared import TYPES, ruled
from search.adapters.sklearn.errors import EstimatorError
from search.core.errors import nearest
from search.core.values import Rule, Settings
from search.workload import Description, SettingFaults

ANY: Rule = {
    "type": ["number", "string", "boolean", "array", "null"],
    "items": {"type": ["number", "string", "boolean", "null"]},
}
"""What a parameter may be, as far as a space file can say it; scikit-learn's own rules are asked besides."""

OWN = frozenset({"random_state", "n_jobs", "verbose", "warm_start", "copy_X"})
"""Parameters that are no settings: the seed of the trial, its threads, and what trains no other numbers."""

BATCH_SIZE = "batch_size"

_BROKEN = re.compile(r"The '(.+?)' parameter of \w+ must be (.*?)\. Got (.*) instead\.", re.DOTALL)


def rules_of(estimator: BaseEstimator) -> dict[str, Rule]:
    """Return the settings that an estimator's parameters are: those whose values a space file can hold.

    The values that it has are the defaults.
    """
    return {
        name: {**ANY, "default": _plain(value), "description": f"parameter of {type(estimator).__name__}"}
        for name, value in estimator.get_params(deep=False).items()
        if name not in OWN and _listable(value)
    }


def described(settings: Mapping[str, object], rules: Mapping[str, Rule], what: str) -> Description:
    """Return the rules of settings as their author wrote them, each on top of the one it has already.

    Args:
        settings: name -> rule, or a default value alone.
        rules: what there is already.
        what: the workload, for errors.

    Raises:
        EstimatorError: what stands there is neither a rule nor a default.
    """
    try:
        declared = ruled(settings)
    except TypeError as error:
        raise EstimatorError(f"{what}: {error}") from None
    result = dict(rules)
    for name, value in settings.items():
        if isinstance(value, Mapping):
            before = {} if {"type", "enum"} & set(value) else dict(result.get(name, ANY))
            default = {"default": result[name]["default"]} if name in result else {}
            result[name] = {"description": f"setting of {what}", **default, **before, **value}
        else:
            kind = result.get(name, declared[name])
            result[name] = {"description": f"setting of {what}", **kind, "default": value}
    return result


def spelled(settings: Settings, rules: Description) -> dict[str, Any]:
    """Return canonical settings with whole numbers as the estimator wants them: whole where the default is no float."""
    result = {}
    for name, value in settings.items():
        rule = rules.get(name, {})
        loose = rule.get("type") == ANY["type"] and not isinstance(rule.get("default"), float)
        result[name] = _whole(value) if loose else value
    return result


def put(estimator: BaseEstimator, settings: Settings) -> BaseEstimator:
    """Give an estimator's parameters these values; return it.

    Raises:
        EstimatorError: it has no such parameter.
    """
    known = estimator.get_params()
    for name in settings:
        if name not in known:
            raise EstimatorError(
                f"{type(estimator).__name__} has no parameter {name!r}{nearest(name, known)}; what the estimator is "
                "not given itself, the function that makes it reads"
            )
    return estimator.set_params(**settings)


def check(estimator: BaseEstimator, settings: Settings) -> None:
    """Ask scikit-learn whether these parameters may have their values.

    Raises:
        SettingFaults: they may not.
    """
    try:
        estimator._validate_params()
    except AttributeError:  # somebody's own estimator
        return
    except InvalidParameterError as error:
        match = _BROKEN.search(str(error))
        name = match[1] if match and match[1] in settings else ""
        sentence = f"found {settings[name]!r}, must be {' '.join(match[2].split())}" if match and name else str(error)
        raise SettingFaults([(name, sentence)]) from None


def _listable(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return all(type(item) in TYPES or item is None for item in value)
    return value is None or type(value) in TYPES


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _whole(value: object) -> object:
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, Mapping):  # values by epoch
        return {epoch: _whole(item) for epoch, item in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value
