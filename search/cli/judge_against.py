"""`judge FILE --against INCUMBENT`: proposals, one after another."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from search.cli.ended import complain
from search.cli.options import Command, say
from search.core.errors import ClaimContradicted, ClaimUndecided, UserError
from search.core.shown import counted, is_accuracy
from search.statistics.text import p_text

if TYPE_CHECKING:
    from search.judge.against import Against, Told
    from search.judge.sequence import Step
    from search.ledger.ledger import Ledger
    from search.space.model import Space

AGAINST = "--against"


def sequence_options(command: Command) -> Command:
    """Add the options of a sequence of changes."""
    for option in (
        click.option("--final", is_flag=True, help="Of a sequence: the incumbent's figure on test data."),
        click.option(
            "--max-false-keeps",
            "most_false",
            type=click.FloatRange(min=0, min_open=True),
            metavar="N",
            help="Of a sequence: expected false keeps at most; by default 2, which are 200 proposals.",
        ),
        click.option(
            AGAINST,
            "incumbent",
            metavar="INCUMBENT",
            help="Judge FILE as a proposal against what was accepted last: a space file to begin with, then its name.",
        ),
    ):
        command = option(command)
    return command


def judge_against(
    file: str | None,
    incumbent: str,
    changes: Mapping[str, str],
    results: Path,
    storage: str | None,
    most: float | None,
    final: bool,
    as_json: bool,
) -> None:
    """Judge the settings of a file against a sequence's incumbent, or show the incumbent's test figure.

    Raises:
        ClaimContradicted: none was kept, all were judged.
        ClaimUndecided: none was kept, and one was not judged.
    """
    from search.engine.executor.kept import KeptRay
    from search.engine.live import view_for
    from search.engine.run import run_study
    from search.judge.against import Against
    from search.judge.candidates import opened
    from search.judge.sequence import MAX_FALSE_KEEPS
    from search.ledger.lock import study_lock
    from search.places import mirror_url, open_ledger
    from search.report.table.labels import setting_label
    from search.space.reader import read_space

    proposed = None if file is None else read_space(file, changes)
    view = view_for(sys.stderr if as_json else sys.stdout)
    view.name_settings(setting_label)
    mirror = mirror_url(results)
    ledger = open_ledger(results, storage)

    def train(space: Space, ledger: Ledger) -> str:
        outcome = run_study(space, ledger, mirror, view, ray=ray)
        complain(outcome)
        return outcome.study

    record = opened(ledger, incumbent, {name: value for name, value in changes.items() if name == "data"})
    with study_lock(ledger.engine, record.name), KeptRay() as ray:
        sequence = Against(ledger, record, train, view.say)
        if final:
            _show(sequence, as_json)
        if proposed is not None:
            bound = MAX_FALSE_KEEPS if most is None else most
            _judge(sequence, proposed, bound, as_json)


def _judge(sequence: Against, proposed: Space, most: float, as_json: bool) -> None:
    """Judge proposals, print what becomes of each, and end with the exit code of what they come to."""
    from search.judge.against import NOT_ADMITTED
    from search.judge.sequence import KEPT

    verdicts: list[Told] = []
    for told in sequence.judge(proposed, most):
        verdicts.append(told)
        for line in _lines(sequence, told, most):
            say(line, err=as_json)
    state = sequence.history
    if as_json:
        click.echo(
            json.dumps(
                {
                    "sequence": sequence.name,
                    "incumbent": {"number": state.incumbent_number, **state.incumbent.told},
                    "proposals": [_as_json(told) for told in verdicts],
                    "judged": len(state.proposals),
                    "expected_false_keeps": state.false_keeps,
                    "max_false_keeps": most,
                },
                indent=2,
            )
        )
    say(
        f"sequence {sequence.name}: {counted(len(state.proposals), 'proposal')}; of changes that do nothing at most "
        f"{state.false_keeps:.2f} are kept on average, {most:g} are allowed; the incumbent is {state.incumbent.name}",
        err=as_json,
    )
    if any(told.verdict == KEPT for told in verdicts):
        return
    if left := [told.name for told in verdicts if told.verdict == NOT_ADMITTED]:
        raise ClaimUndecided(f"not judged: {', '.join(left)}")
    raise ClaimContradicted(f"not better: {', '.join(told.name for told in verdicts)}")


def _lines(sequence: Against, told: Told, most: float) -> list[str]:
    """Return what is said of a proposal."""
    from search.judge.against import NOT_ADMITTED
    from search.judge.sequence import CONFIRM_ALPHA, SCREEN_ALPHA

    proposal = told.proposal
    if told.verdict == NOT_ADMITTED:
        return [
            f"{told.name}: not judged, for one more proposal could keep more than {most:g} false ones on average; go "
            "on with a larger --max-false-keeps, or begin a new sequence on validation data that this one did not read"
        ]
    if proposal is None:
        return [f"{told.name}: is what the sequence began with; nothing to judge"]
    lines = [f"{told.name}: judged before, as proposal {proposal.number}"] if told.earlier else []
    if proposal.screening is not None:
        noise = (
            "the noise of its own seeds"
            if proposal.noise is None
            else f"noise of {proposal.noise.source}, {proposal.noise.df} df"
        )
        said = _step(sequence.metric, proposal.screening, SCREEN_ALPHA)
        lines.append(
            f"proposal {proposal.number}, {told.name}: screening, {counted(len(proposal.seeds), 'seed')}: {said} "
            f"({noise})"
        )
    if proposal.confirmation is not None:
        said = _step(sequence.metric, proposal.confirmation, CONFIRM_ALPHA)
        seeds = counted(len(proposal.confirming), "fresh seed")
        lines.append(f"proposal {proposal.number}, {told.name}: confirmation, {seeds}: {said}")
    return [*lines, f"proposal {proposal.number}, {told.name}: {told.verdict}"]


def _step(metric: str, step: Step, alpha: float) -> str:
    from search.judge.shown import gain_text

    if step.gain is None:
        return f"nothing to compare: {step.reason}"
    gain = gain_text(metric, step.gain)
    sign = "<" if step.p < alpha else ">="
    return f"{gain}, one-sided p {p_text(step.p)} {sign} {alpha:g}"


def _as_json(told: Told) -> dict[str, object]:
    """Return what became of a proposal as plain data. Names are stable."""
    from search.judge.shown import plain_steps

    proposal = told.proposal
    return {
        "name": told.name,
        "verdict": told.verdict,
        "number": None if proposal is None else proposal.number,
        "judged_before": told.earlier,
        **plain_steps(proposal),
    }


def _show(sequence: Against, as_json: bool) -> None:
    """Print the incumbent's test figure."""
    incumbent, estimate, metric, looks = sequence.final()
    if estimate.estimate is None:
        raise UserError(f"{incumbent.name}: has no {metric} ({estimate.reason})")
    scale, unit = (100, " %") if is_accuracy(metric) else (1, "")
    low, high = estimate.low, estimate.high
    interval = "" if low is None or high is None else f" [{scale * low:.4g}, {scale * high:.4g}]"
    times = f"looked at {counted(looks, 'time')}"
    if as_json:
        told = {"incumbent": incumbent.name, "metric": metric, "estimate": estimate.estimate, "low": low, "high": high}
        click.echo(json.dumps({**told, "seeds": estimate.seeds, "looks": looks}, indent=2))
    say(
        f"{incumbent.name}: {metric} {scale * estimate.estimate:.4g}{interval}{unit}, 95 % interval, on "
        f"{counted(estimate.seeds, 'fresh seed')} and data that no verdict of the sequence read; {times}"
        + ("" if looks == 1 else ": whoever goes on by it chooses by test data"),
        err=as_json,
    )
