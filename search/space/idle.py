"""Settings that never act in trials of this length, and the configurations that this is read off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.core.errors import Fault
from search.core.values import Parameters, Settings
from search.space.nodes import Node, printable
from search.space.planned import late_in_plans
from search.space.service import SERVICE_SETTINGS
from search.workload import Idling, Workload

Where = Callable[[str, Mapping[str, Any]], Node | None]
"""Returns what sets a setting in a configuration."""


class Unanswered(Exception):
    """A workload's code raised something where it was asked for a schedule, or for what never acts.

    Attributes:
        question: what it could not do.
        error: what it raised.
    """

    def __init__(self, question: str, error: BaseException) -> None:
        super().__init__(question)
        self.question, self.error = question, error


@dataclass(frozen=True)
class Sample:
    """One configuration that the workload takes.

    Attributes:
        parameters: axis -> value.
        given: settings as the file has them.
        settings: canonical, of the workload.
        service: complete, of the service.
    """

    parameters: Parameters
    given: Mapping[str, Any]
    settings: Settings
    service: Mapping[str, Any]

    @property
    def epochs(self) -> int:
        """Length of the trial."""
        return int(self.service["epochs"])


def note(node: Node, sentence: str) -> Fault:
    """Return a sentence with the address of a node."""
    return Fault(node.file, node.line, printable(node.key), sentence)


def idle(workload: Workload, found: Sequence[Sample], where: Where) -> Iterator[Fault]:
    """Yield what never acts in any configuration that has it."""
    inert: dict[tuple[str, str], tuple[Node, str, int, int]] = {}  # setting, place -> node, sentence, epochs, samples
    had: Counter[tuple[str, str]] = Counter()
    for sample in found:
        reasons = dict(_never(workload, sample))
        dropped = [setting for setting in sample.given if setting not in sample.settings]
        for setting in (*sample.settings, *sample.service):
            if (node := _node(setting, sample, workload, where)) is not None:
                had[setting, node.key] += 1
                if setting in reasons:
                    _, known, longest, count = inert.get((setting, node.key), (node, "", 0, 0))
                    sentence = reasons[setting] if sample.epochs > longest else known
                    inert[setting, node.key] = (node, sentence, max(sample.epochs, longest), count + 1)
        for setting in dropped:
            if (node := where(setting, sample.parameters)) is not None:
                had[setting, node.key] += 0
                reason = "never acts: it has no effect beside the other settings"
                inert.setdefault((setting, node.key), (node, reason, 0, 0))
    for place, (node, sentence, _, count) in inert.items():
        if had[place] == count:
            yield note(node, sentence)


def refused(workload: Workload, sample: Sample, where: Where) -> Iterator[tuple[Node, str]]:
    """Yield settings that cannot be trained whatever the data are, where the file itself sets them, with the reason."""
    _, faults = _told(workload, sample)
    for setting, reason in faults:
        if (node := where(setting, sample.parameters)) is not None:
            yield node, reason


def _node(setting: str, sample: Sample, workload: Workload, where: Where) -> Node | None:
    """Return what sets a setting, or what it belongs to where it has its default."""
    rule = {**workload.settings, **SERVICE_SETTINGS}.get(setting, {})
    for name in (setting, *rule.get("when", {})):
        if (node := where(name, sample.parameters)) is not None:
            return node
    return None


def _never(workload: Workload, sample: Sample) -> Iterator[tuple[str, str]]:
    yield from (reason for reason in without_stop(sample) if reason[0] != "stop.alpha")  # null is meant to
    yield from late_in_plans(workload.settings, sample.settings, sample.epochs)
    yield from _told(workload, sample)[0]


def _told(workload: Workload, sample: Sample) -> tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]]:
    """Return what a workload says never acts, and what cannot be trained whatever the data are, with the reasons."""
    try:
        return list(workload.idle(sample.settings, sample.epochs)) if isinstance(workload, Idling) else [], []
    except Exception as error:
        if isinstance(error, ValueError) and hasattr(error, "faults"):
            return [], error.faults
        raise Unanswered("say what never acts", error) from error


def without_stop(sample: Sample) -> Iterator[tuple[str, str]]:
    """Say why the stop rule ends no trial before its last epoch, where it is known beforehand."""
    rule, epochs = sample.service["stop.rule"], sample.epochs
    last = f"the last epoch is {epochs}"
    if rule == "patience" and sample.service["stop.patience"] >= epochs - 1:
        yield (
            "stop.patience",
            f"never acts: {sample.service['stop.patience']} epochs without gain end no trial early, for {last}",
        )
    elif rule == "generalisation_loss" and sample.service["stop.alpha"] is None:
        yield "stop.alpha", "never acts: null never stops"
    elif rule == "generalisation_loss" and epochs < 3:
        yield "stop.rule", f"never acts: no trial ends early by comparing an epoch with one before, for {last}"
