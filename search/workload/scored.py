"""Scores that `train_epoch` returned: real numbers per example, and how metrics come from them.

What a table could not read is refused at the first row: intervals of other numbers than those that are printed would be
worse than none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from search.core.directions import better_by_name
from search.core.errors import nearest
from search.core.scores import AUC, CLASS_FORMS, EXP_MEAN, FORMS, HIGHER, INFLUENCE, LOWER, ROOT_MEAN, ScoreRule
from search.core.trial import DataCard
from search.workload.classed import WORDS, influence_of, remedy_of

PER_EXAMPLE = ("predictions", "scores", "score_rules")
"""Names in what `train_epoch` returns that are no metrics."""

_LARGEST_SINGLE = float(np.finfo(np.float32).max)
"""A metric beyond this is infinite where it was computed in single precision."""

SCORE_TOLERANCE = 1e-5
"""How far a metric may lie from what its scores say, as a share of the larger one of it and their mean size: a mean in
single precision is exact to a few millionths."""

SMALLEST_DIFFERENCE = float(np.finfo(np.float32).tiny)
"""What single precision cannot tell from 0 to its full digits is no difference."""

SCORES_RULE = "train_epoch must return split -> name -> one float per example"

_RULE_KEYS = {
    "split": str,
    "score": str,
    "better": str,
    "form": str,
    "unit": str,
    "example": str,
    "examples": str,
    "label": str,
}
_RULE_NUMBERS = ("low", "high", "untrained")


def scores_of(given: object, card: DataCard | None) -> dict[str, dict[str, np.ndarray]]:
    """Check scores and return them as arrays of float32 or float64.

    Args:
        given: what ``scores`` is in what `train_epoch` returned.
        card: the data card whose examples they must fit, where it tells how many there are.

    Raises:
        TypeError: they are not split -> name -> floats [n].
        ValueError: they are of other examples than the data card's.
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"scores are {shown(given)}; {SCORES_RULE}")
    scores: dict[str, dict[str, np.ndarray]] = {}
    for split, named in given.items():
        if not isinstance(split, str) or not isinstance(named, Mapping):
            raise TypeError(f"scores of {shown(split)} are {shown(named)}; {SCORES_RULE}")
        count = _examples(split, card)
        unused = set(card.groups) - set(given) if card is not None else set()
        if split not in (card.groups if card is not None else ()) and (meant := nearest(split, unused)):
            raise ValueError(f"there are scores of {split!r}, but the data card has groups of {quoted(unused)}{meant}")
        scores[split] = {}
        for name, values in named.items():
            if not isinstance(name, str):
                raise TypeError(f"scores of {split!r} have the name {shown(name)}; scores are named by text")
            array = _floats(f"scores {name!r} of {split!r}", values)
            if count is not None and len(array) != count:
                raise ValueError(
                    f"scores {name!r} of {split!r} are of {len(array)} examples, but the data card has {count}; "
                    "train_epoch must return one for each of them, in the card's order"
                )
            scores[split][name] = array
        if len({len(array) for array in scores[split].values()}) > 1:
            counts = ", ".join(f"{name!r} of {len(array)}" for name, array in scores[split].items())
            raise ValueError(f"scores of {split!r} are of different examples: {counts}; {SCORES_RULE}")
    return {split: named for split, named in scores.items() if named}


def score_rules_of(
    given: object,
    metrics: Mapping[str, float],
    scores: Mapping[str, Mapping[str, np.ndarray]],
    predictions: Mapping[str, np.ndarray] | None = None,
    card: DataCard | None = None,
) -> dict[str, ScoreRule]:
    """Return how metrics come from scores, those that are declared and those that go without saying, and check them.

    A metric ``SPLIT_NAME`` is the mean of the scores NAME of SPLIT unless something else is declared.

    Args:
        given: metric -> what is declared of it, by the names of `search.core.scores.ScoreRule`.
        metrics: of the row.
        scores: of the row, as `scores_of` returns them.
        predictions: of the row.
        card: the data card, None where it is not at hand: then metrics of its classes are not checked.

    Raises:
        TypeError: a declaration is no mapping, or holds what it cannot.
        ValueError: it names a metric or scores that are not there; nothing says whether more is better; scores lie
            outside the range that is declared, or are not finite where their metric is; a metric is not what its scores
            say.
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"score_rules are {shown(given)}; train_epoch must return a mapping of metrics to rules")
    if unknown := [name for name in given if name not in metrics]:
        raise ValueError(
            f"score_rules speak of {shown(unknown[0])}, which is no metric of this row: "
            f"{quoted(metrics)}{nearest(str(unknown[0]), metrics)}"
        )
    rules: dict[str, ScoreRule] = {}
    for split, named in scores.items():
        for name in named:
            if (metric := f"{split}_{name}") in metrics and metric not in given:
                rules[metric] = _rule(metric, {"split": split, "score": name})
    for metric, declared in given.items():
        rules[metric] = _rule(metric, declared, scores)
    for metric, rule in rules.items():
        if not rule.of_classes:
            _check(metric, metrics[metric], rule, scores[rule.split][rule.score])
            continue
        finite = math.isfinite(metrics[metric])
        influence = influence_of(metric, rule, predictions or {}, scores, card, finite)
        if influence is not None:
            _check(metric, metrics[metric], rule, influence)
    read = {(rule.split, name) for rule in rules.values() for name in (rule.score, rule.label)}
    if all(map(math.isfinite, metrics.values())):
        for split, named in scores.items():
            for name in named:
                if (split, name) not in read:
                    _check_finite(split, name, named[name], "every metric of the row is finite")
    return rules


def _rule(metric: str, declared: object, scores: Mapping[str, Mapping[str, np.ndarray]] | None = None) -> ScoreRule:
    """Return the rule of a metric; what is declared is looked up among `scores`."""
    where = f"score_rules of {metric!r}"
    if isinstance(declared, ScoreRule):
        declared = vars(declared)
    if not isinstance(declared, Mapping):
        raise TypeError(f"{where} are {shown(declared)}; they must be a mapping such as {{'better': 'lower'}}")
    names = [rule.name for rule in fields(ScoreRule)]
    values: dict[str, Any] = {}
    for name, value in declared.items():
        if name not in names:
            raise ValueError(f"{where} hold {shown(name)}, must be among {quoted(names)}{nearest(str(name), names)}")
        if name in _RULE_NUMBERS:
            if value is not None and (isinstance(value, (str, bool)) or not _is_number(value)):
                raise TypeError(f"{where}: {name} is {shown(value)}, must be a finite number or None")
            values[name] = None if value is None else float(value)
        elif not isinstance(value, _RULE_KEYS[name]):
            raise TypeError(f"{where}: {name} is {shown(value)}, must be text")
        else:
            values[name] = value
    split, _, score = metric.partition("_")
    values.setdefault("split", split)
    forms = (*FORMS, INFLUENCE, *CLASS_FORMS)
    of_classes = values.get("form") in CLASS_FORMS
    if of_classes:
        usual = {"better": HIGHER, "low": 0.0, "high": 1.0, "untrained": 0.5 if values["form"] == AUC else None}
        values = {"score": "", **usual, **values}
        if values["form"] == AUC and not values["score"]:
            raise ValueError(f"{where}: an AUC comes of a score per example; name it, as in {{'score': 'probability'}}")
    values.setdefault("score", score)
    for name, known in (("better", (LOWER, HIGHER)), ("form", forms)):
        if name in values and values[name] not in known:
            raise ValueError(f"{where}: {name} is {values[name]!r}, must be one of {', '.join(known)}")
    if "better" not in values:
        values["better"] = _better(metric)
    if values.get("label") and not of_classes:
        raise ValueError(f"{where}: label is {values['label']!r}, which only {', '.join(CLASS_FORMS)} have; remove it")
    if scores is not None:
        own = scores.get(values["split"], {})
        for name in filter(None, (values["score"], values.get("label"))):
            if name not in own:
                there = quoted(f"{score} of {split}" for split, each in scores.items() for score in each)
                raise ValueError(
                    f"{where} speak of scores {name!r} of {values['split']!r}, which this row has not: "
                    f"{there or 'it has none'}"
                )
    low, high = values.get("low"), values.get("high")
    if values.get("form") == ROOT_MEAN and low is not None and low < 0:
        raise ValueError(f"{where}: low is {low:g}, and the root of a mean needs scores of 0 or more")
    if low is not None and high is not None and not low < high:
        raise ValueError(f"{where}: the range from {low:g} to {high:g} is empty")
    return ScoreRule(**values)


def _better(metric: str) -> str:
    if better := better_by_name(metric):
        return better
    raise ValueError(
        f"metric {metric!r} comes from scores, and nothing says whether more of it is better; return "
        f"score_rules={{{metric!r}: {{'better': 'lower'}}}} beside it, or 'higher'"
    )


def _check(metric: str, value: float, rule: ScoreRule, scores: np.ndarray) -> None:
    """Refuse scores that are not those of the metric; of a metric of classes they are its influence values.

    Raises:
        ValueError: they say something else.
    """
    where = f"scores {rule.score!r} of {rule.split!r}" if rule.score else f"predictions of {rule.split!r}"
    if math.isfinite(value) and not rule.of_classes:
        _check_finite(rule.split, rule.score, scores, f"{metric} is {value:.6g}")
    single = rule.form in FORMS
    for end, beyond, word in ((rule.low, np.less, "least"), (rule.high, np.greater, "largest")):
        if not single and end is not None and beyond(value, end):
            raise ValueError(f"{metric} is {value!r}; the {word} that is declared is {end:g}")
        if single and end is not None and (wrong := beyond(scores, end)).any():
            place = int(np.argmax(wrong))
            raise ValueError(f"{where} hold {scores[place]} (example {place}); the {word} that is declared is {end:g}")
    if rule.form == ROOT_MEAN and (wrong := scores < 0).any():
        place = int(np.argmax(wrong))
        raise ValueError(
            f"{where} hold {scores[place]} (example {place}); the root of a mean needs scores of 0 or more"
        )
    told = rule.metric(scores)
    if not math.isfinite(value) and (not math.isfinite(told) or (math.isinf(value) and told > _LARGEST_SINGLE)):
        return
    size = _size(value, told, rule, scores)
    if not abs(told - value) <= SCORE_TOLERANCE * size + SMALLEST_DIFFERENCE:
        mean_of = {"root_mean": "root of the mean", "exp_mean": "exponential of the mean"}
        what = WORDS[rule.form] if rule.of_classes else mean_of.get(rule.form, "mean")
        usual = "; a mean of batch means counts a last, smaller batch too much"
        raise ValueError(
            f"{metric} is {value!r}, but the {what} of the {where} is {told!r}; a metric must be what its scores say "
            f"(to {SCORE_TOLERANCE:g} of its size{remedy_of(rule) if rule.of_classes else usual})"
        )


def _size(value: float, told: float, rule: ScoreRule, scores: np.ndarray) -> float:
    """Return what rounding is a share of: the metric's size, or that of the numbers it was summed from."""
    if not math.isfinite(told) or not math.isfinite(value):
        return 0.0
    with np.errstate(all="ignore"):
        summed = float(np.mean(np.abs(scores), dtype=np.float64)) if len(scores) else 0.0
    if rule.form == EXP_MEAN:
        return max(abs(value), abs(told)) * max(1.0, summed)
    return max(abs(value), abs(told), FORMS.get(rule.form, float)(summed))


def _check_finite(split: str, name: str, scores: np.ndarray, although: str) -> None:
    finite = np.isfinite(scores)
    if not finite.all():
        place = int(np.argmin(finite))
        raise ValueError(
            f"scores {name!r} of {split!r} hold {scores[place]} (example {place}; {int((~finite).sum())} of "
            f"{len(scores)} are not finite), but {although}; each example must have a finite score"
        )


def _floats(where: str, values: object) -> np.ndarray:
    try:
        array = np.asarray(values)
    except Exception as error:  # lists of unequal length; a tensor that lies on a GPU
        said = " ".join(str(error).split())
        raise TypeError(f"{where} cannot be read as an array ({said}); {SCORES_RULE}") from error
    if array.ndim != 1 or array.dtype.kind not in "biuf":
        remedy = ": .reshape(-1) where there is one per example" if array.ndim == 2 and 1 in array.shape else ""
        raise TypeError(f"{where} have the shape {array.shape} and the type {array.dtype}; {SCORES_RULE}{remedy}")
    kept = array.dtype.kind == "f" and array.dtype.itemsize in (4, 8)
    return np.ascontiguousarray(array if kept else array.astype(np.float64))


def _examples(split: str, card: DataCard | None) -> int | None:
    """Return how many examples of a split the data card has; None where it does not tell.

    Raises:
        ValueError: it has examples of other splits alone.
    """
    if card is None:
        return None
    for by_split in (card.truth, card.images, card.contents, card.groups):
        if split in by_split:
            return len(by_split[split])
    if known := {*card.truth, *card.images, *card.contents}:
        raise ValueError(
            f"there are scores of {split!r}, but the data card has examples of {quoted(known)} alone"
            f"{nearest(split, known)}"
        )
    return None


def _is_number(value: object) -> bool:
    try:
        return math.isfinite(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False


def quoted(names: Iterable[object]) -> str:
    """Return names in their order, each in quotes."""
    return ", ".join(repr(name) for name in sorted(map(str, names)))


def shown(value: object) -> str:
    """Return what somebody gave as a short text, whatever it is."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a stranger's class, or a whole number of thousands of digits
        text = f"of type {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."
