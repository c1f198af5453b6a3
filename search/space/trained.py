"""What two configurations have in common that train the same: texts that are equal just where their rows would be."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from search.core.values import same
from search.space.idle import Sample, Unanswered, without_stop
from search.workload import Workload
from search.workload.plans import epoch_of

MAX_COMPARED_EPOCHS = 50_000
"""Epochs of schedules that are compared in one reading; the rest count as different. A check must take no time."""


class Trained:
    """Answers for the configurations of one workload, each once.

    Two answers that differ say nothing where too many epochs would have to be looked at.
    """

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._known: dict[tuple[str, int], tuple[Sample, str]] = {}  # with the sample, or its id might be another's
        self._left = MAX_COMPARED_EPOCHS

    def wrong(self, sample: Sample) -> str:
        """Say what is wrong with the schedule of a configuration, or return ""; of a very long one nothing is known."""
        if sample.epochs > MAX_COMPARED_EPOCHS:
            return ""
        _, each = self._asked(sample, sample.epochs)
        if len(each) == sample.epochs:
            return ""
        return f"the workload's schedule of {sample.epochs} epochs has {len(each)}; it must have the settings of each"

    def begin(self, sample: Sample) -> str:
        """Return what is equal for two that train the same first epoch and stop alike."""
        return self._once("begin", sample, lambda: [self._schedule(sample, 1), sample.epochs, _stops(sample)])

    def whole(self, sample: Sample) -> str:
        """Return what is equal for two that train the same epochs and stop alike."""
        return self._once("whole", sample, lambda: [self._schedule(sample, sample.epochs), _stops(sample)])

    def long(self, sample: Sample) -> str:
        """Return what is equal for two that would train and stop alike in trials of any length.

        Tried is a length beyond every number that decides the schedule.
        """
        fixed, _ = self._asked(sample, 1)
        deciding = [value for name, value in sample.settings.items() if name not in fixed]
        length = 2 * int(max([50, *_numbers(deciding)])) + 2
        return self._once("long", sample, lambda: [self._schedule(sample, length), sorted(sample.service.items())])

    def _once(self, question: str, sample: Sample, answer: Callable[[], object]) -> str:
        name = (question, id(sample))
        if name not in self._known:
            self._known[name] = (sample, json.dumps(answer(), sort_keys=True, default=repr))
        return self._known[name][1]

    def _asked(self, sample: Sample, epochs: int) -> tuple[Mapping[str, object], Sequence[Mapping[str, object]]]:
        try:
            fixed, each = self._workload.schedule(sample.settings, epochs)
            return dict(fixed), [dict(now) for now in each]
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise Unanswered(f"make a schedule of {epochs} epoch{'s' * (epochs > 1)}", error) from error

    def _schedule(self, sample: Sample, epochs: int) -> object:
        """Return the fixed settings, and what changes from epoch to epoch; all settings where there is no room."""
        if epochs > 1 and epochs > self._left:
            return sample.settings
        self._left -= epochs if epochs > 1 else 0
        fixed, each = self._asked(sample, epochs)
        changes: list[Any] = []
        before: Mapping[str, Any] = {}
        for epoch, now in enumerate(each):
            changed = {
                name: value for name, value in now.items() if name not in before or not same(before[name], value)
            }
            gone = sorted(before.keys() - now.keys())
            changes += [[epoch, changed, gone]] if changed or gone else []
            before = now
        return [fixed, changes]


def _numbers(value: object) -> Iterator[float]:
    if isinstance(value, Mapping):  # values by epoch
        value = [*(epoch_of(key) for key in value), *value.values()]
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield value


def _stops(sample: Sample) -> object:
    """Return the stop rule; that of `none` where it ends no trial before its last epoch."""
    if sample.service["stop.rule"] == "none" or any(setting.startswith("stop.") for setting, _ in without_stop(sample)):
        return []
    return sorted((name, repr(value)) for name, value in sample.service.items() if name.startswith("stop."))
