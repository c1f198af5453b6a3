"""Settings and seeds that changed no bit, in the words of the table's notes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from search.report.health.unread import unread
from tests.report.builder import Study, key_of
from tests.report.health.doctored import compared, found, names


def filled(study: Study, of: Callable[[float, int], object]) -> Study:
    """A trial for every setting and seed, whose rows are those of `of` gamma and seed."""
    for number, parameters in enumerate(study.space.grid()):
        for seed in study.space.seeds:
            name = of(parameters["gamma"], seed)
            values = [int(key_of(name, epoch)[:6], 16) / 16**6 for epoch in range(3)]
            study.trial(parameters, seed, values, configuration=number, settings={**parameters, "seed": seed})
    return study


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (lambda gamma, seed: seed, ["axis-without-effect"]),
        (lambda gamma, seed: gamma, ["seed-without-effect"]),
        (lambda gamma, seed: (seed, gamma > 0), ["settings-alike"]),
        (lambda gamma, seed: 0, ["axis-without-effect", "seed-without-effect"]),
        (lambda gamma, seed: (seed, gamma), []),
    ],
)
def test_what_changed_nothing_is_found(make, of, expected):
    study = filled(make(), of)
    findings = found(unread, study)
    assert names(findings) == expected
    assert [f"{finding.seen} {finding.why}" for finding in findings] == list(compared(study).table.unmoved)


def test_an_axis_that_nobody_reads_is_a_flaw_with_its_figures(make):
    (finding,) = found(unread, filled(make(), lambda gamma, seed: seed))
    assert finding.severity == "flaw"
    assert finding.seen == (
        "gamma changed no bit: settings that differ in it alone have the same metrics and predictions in all 3 epochs."
    )
    assert finding.remedy.startswith("See whether the code reads this setting")
