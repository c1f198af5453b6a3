"""What an estimator has learned, as bytes and back: attributes that are plain data, arrays and parts of scikit-learn.

Nothing is pickled: a part is the path of its class, which has to be scikit-learn's, and its attributes. Anything else
is refused by name.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from search.adapters.plain import NotPlain, decode, encode
from search.adapters.sklearn.errors import EstimatorError

RECOMPUTED = frozenset({"_loss_function_"})
"""Attributes that each ``partial_fit`` of a linear model makes anew, before it reads them."""

_PART, _TEXTS, _GLOBAL, _STATE, _GENERATOR, _SAME = (
    "a part of scikit-learn",
    "an array of texts",
    "numpy's global generator",
    "a RandomState",
    "a Generator",
    "the array before",
)


def learned(estimator: BaseEstimator) -> dict[str, object]:
    """Return the attributes of an estimator that are no parameters."""
    parameters = estimator.get_params(deep=False)
    return {name: value for name, value in vars(estimator).items() if name not in parameters and name not in RECOMPUTED}


def save(estimator: BaseEstimator) -> bytes:
    """Return what an estimator has learned.

    Raises:
        EstimatorError: an attribute cannot be saved.
    """
    try:
        return encode(_Plainly().simple(learned(estimator)))
    except (NotPlain, RecursionError) as error:
        reason = str(error) if isinstance(error, NotPlain) else "its parts hold each other in a circle"
        raise EstimatorError(
            f"{type(estimator).__name__} cannot be saved: {reason}; take an estimator whose state is arrays, as linear "
            "models, MLPs, naive Bayes and MiniBatchKMeans have, or give resumable=False, and each run is trained from "
            "its first epoch"
        ) from None


def load(estimator: BaseEstimator, state: bytes) -> None:
    """Give an estimator what `save` returned, in place of all it has learned.

    Raises:
        ValueError: these bytes are no such state.
    """
    values = _Wholly().whole(decode(state))
    for name in learned(estimator):
        delattr(estimator, name)
    vars(estimator).update(values)


def bits(value: object) -> bytes:
    """Return all that tells two learned values apart: their bits, and how their arrays lie in memory."""
    return encode([_Plainly().simple(value), list(_layouts(value))])


def _layouts(value: object) -> Iterator[tuple[bool, bool]]:
    """Yield for each array in there whether it lies row by row, and column by column: products of both round apart."""
    if isinstance(value, np.ndarray):
        yield bool(value.flags.c_contiguous), bool(value.flags.f_contiguous)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _layouts(item)
    elif isinstance(value, dict) or _is_part(value):
        for item in (value if isinstance(value, dict) else vars(value)).values():
            yield from _layouts(item)


class _Plainly:
    """Makes plain data of parts and generators. Arrays that share their numbers stay one: they are written in place."""

    def __init__(self) -> None:
        self._places: dict[tuple[int, int, str], int] = {}  # address, bytes and type of an array -> its number
        self._held: list[np.ndarray] = []  # or its address might become another's

    def simple(self, value: Any) -> object:
        if type(value) is np.ndarray and value.size and value.flags.forc and not value.dtype.hasobject:
            place = (value.__array_interface__["data"][0], value.nbytes, value.dtype.str)
            number = self._places.setdefault(place, len(self._places))
            if number < len(self._held):
                return {_SAME: [number, list(value.shape)]}
            self._held.append(value)
            return value
        if type(value) is np.ndarray and value.dtype.hasobject and all(type(item) is str for item in value.flat):
            return {_TEXTS: value.tolist()}  # names of columns, labels
        if value is np.random.mtrand._rand:
            return {_GLOBAL: True}
        if isinstance(value, np.random.RandomState):
            return {_STATE: value.get_state(legacy=False)}
        if isinstance(value, np.random.Generator):
            return {_GENERATOR: value.bit_generator.state}
        if type(value) in (list, tuple):
            return type(value)(self.simple(item) for item in value)
        if type(value) is dict:
            return {name: self.simple(item) for name, item in value.items()}
        if _is_part(value):
            attributes = {name: self.simple(item) for name, item in vars(value).items() if name not in RECOMPUTED}
            return {_PART: f"{type(value).__module__}:{type(value).__qualname__}", **attributes}
        return value


class _Wholly:
    """Makes parts and generators of what `_Plainly` made of them."""

    def __init__(self) -> None:
        self._arrays: list[np.ndarray] = []

    def whole(self, value: Any) -> Any:
        if type(value) is np.ndarray:
            if value.size:
                self._arrays.append(value)
            return value
        if type(value) in (list, tuple):
            return type(value)(self.whole(item) for item in value)
        if type(value) is not dict:
            return value
        if _SAME in value:
            number, shape = value[_SAME]
            return self._arrays[number].reshape(shape)
        if _TEXTS in value:
            return np.array(value[_TEXTS], dtype=object)
        if _GLOBAL in value:
            return np.random.mtrand._rand
        if _STATE in value:
            generator = np.random.RandomState()
            generator.set_state(value[_STATE])
            return generator
        if _GENERATOR in value:
            stream = np.random.Generator(getattr(np.random, value[_GENERATOR]["bit_generator"])())
            stream.bit_generator.state = value[_GENERATOR]
            return stream
        if _PART not in value:
            return {name: self.whole(item) for name, item in value.items()}
        module, _, name = value[_PART].partition(":")
        if module.partition(".")[0] != "sklearn":
            raise ValueError(f"a part of the class {module}.{name}, which is none of scikit-learn's")
        kind = getattr(sys.modules.get(module), name, None)  # the estimator that has such a part has imported it
        if not isinstance(kind, type):
            raise ValueError(f"a part of the class {module}.{name}, which this scikit-learn has not")
        part: Any = object.__new__(kind)
        vars(part).update({key: self.whole(item) for key, item in value.items() if key != _PART})
        return part


def _is_part(value: object) -> bool:
    """Whether this is an object of scikit-learn whose attributes are all there is of it."""
    kind = type(value)
    compiled = kind.__reduce__ is not object.__reduce__ or not hasattr(value, "__dict__")
    return kind.__module__.partition(".")[0] == "sklearn" and not compiled
