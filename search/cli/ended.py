"""How a command that trains ends: what is wrong with its run, and what the verdicts on its claims come to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from search.cli.options import say
from search.core.errors import ClaimContradicted, ClaimUndecided, StudyInterrupted, TrialsFailed

if TYPE_CHECKING:
    from search.engine.steps.conclude import RunOutcome
    from search.report.table.model import Claim


def complain(outcome: RunOutcome) -> None:
    """Say what is wrong with a run that ended.

    Raises:
        StudyInterrupted: it was ended early.
        TrialsFailed: some did.
    """
    if outcome.mirror:
        say(f"the Optuna mirror is behind ({outcome.mirror}); `dashboard` brings it up to date", err=True)
    if outcome.interrupted:
        raise StudyInterrupted(f"study {outcome.study!r} was ended by {outcome.interrupted}; the same command goes on")
    if outcome.failed:
        first = outcome.failed[0]
        raise TrialsFailed(
            f"{len(outcome.failed)} trial{'s' if len(outcome.failed) > 1 else ''} of study {outcome.study!r} failed; "
            f"`python -m search show {outcome.study!r} {first}` tells why, the same command tries again"
        )


def answered(claims: Sequence[Claim], open_fails: bool = True) -> None:
    """End with the exit code of what the verdicts come to.

    Args:
        claims: judged.
        open_fails: whether an undecided claim is a failure, too.

    Raises:
        ClaimContradicted, ClaimUndecided: names the claims.
    """
    from search.judge.blocks import Answer, answer

    result = answer(claims)
    texts = [f"{claim.text} ({claim.reason})" for claim in claims if str(claim.kind) == result.name.lower()]
    if result is Answer.CONTRADICTED:
        raise ClaimContradicted(f"contradicted: {'; '.join(texts)}")
    if result is Answer.UNDECIDED and open_fails:
        raise ClaimUndecided(f"undecided: {'; '.join(texts)}")
