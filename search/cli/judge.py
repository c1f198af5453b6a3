"""The verb that adds seeds until a file's claims are decided."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli.ended import answered, complain
from search.cli.entry import shown_of
from search.cli.judge_against import judge_against, sequence_options
from search.cli.judge_scores import holds_scores, judge_file, refuse_other_options, score_options
from search.cli.options import changes, overrides, places, print_report, print_table, say
from search.core.errors import UserError
from search.core.shown import counted

if TYPE_CHECKING:
    from search.engine.live import View
    from search.judge.judging import Block
    from search.report.table.model import Claim


@click.command()
@click.argument("file", required=False)
@changes
@places
@click.option("--max-seeds", "most", type=int, metavar="N", help="Seeds that are paid for at most; the last look.")
@score_options
@sequence_options
@click.option("--json", "as_json", is_flag=True, help="The verdicts as JSON; all else goes to standard error.")
def judge(
    file: str | None,
    data: str | None,
    sets: Sequence[str],
    results: str,
    storage: str | None,
    most: int | None,
    incumbent: str | None,
    most_false: float | None,
    final: bool,
    as_json: bool,
    **wishes: Any,
) -> None:
    """Add seeds until every claim of a file is decided. Looks are fixed beforehand: after 3, 5, 7 and 10 seeds, or
    those of `report.looks`. Of runs trained elsewhere FILE holds the scores (.csv or .parquet): they are judged as they
    are.

    With --against the settings of FILE are proposals to a sequence of changes: screened with one seed, confirmed on
    five fresh ones, and kept or not.

    Exit code 0: all claims are supported, or a proposal is kept; 4: one claim is contradicted, or no proposal is
    better; 5: one claim is undecided, or one proposal is not judged.

    Example: python -m search judge spaces/focal.yaml --max-seeds 5
    """
    if incumbent is not None:
        others = {"max-seeds": most, **wishes}
        if given := [name for name, value in others.items() if value not in (None, ())]:
            raise UserError(
                f"--{given[0].replace('claims', 'claim')}: is not for a sequence of changes (--against); leave it out"
            )
        if (file is None) == (not final):
            raise UserError("--against: name the file of a proposal, or --final for the incumbent's test figure")
        judge_against(file, incumbent, overrides(data, sets), Path(results), storage, most_false, final, as_json)
        return
    if final or most_false is not None:
        raise UserError(f"--{'final' if final else 'max-false-keeps'}: is for a sequence of changes; give --against")
    if file is None:
        raise UserError("name the file that is judged, as in `python -m search judge spaces/focal.yaml`")
    refuse_other_options(file, wishes, {"set": tuple(sets), "data": data, "max-seeds": most})
    if holds_scores(file):
        judge_file(file, wishes, results, storage, as_json)
        return
    with shown_of(results, storage, sys.stderr if as_json else sys.stdout) as view:
        _judge(view, file, overrides(data, sets), results, storage, most, as_json)


def _judge(
    view: View,
    file: str,
    changed: Mapping[str, str],
    results: str,
    storage: str | None,
    most: int | None,
    as_json: bool,
) -> None:
    from search.engine.executor.kept import KeptRay
    from search.judge.judging import judged

    blocks: list[Block] = []
    trained = looks = 0
    with KeptRay() as ray:
        for block in judged(file, changed, Path(results), storage, most, view, view.say, ray):
            outcome = block.study.outcome
            assert outcome is not None
            complain(outcome)
            trained += outcome.epochs_trained
            blocks.append(block)
            look = f"look {block.number} of {len(block.planned)}"
            if block.cut:
                continue
            looks = block.looked
            for claim in block.claims:
                view.say(f"{look}: {claim.text}: {claim.kind}; {claim.reason}")
    last, taken = blocks[-1], [block for block in blocks if not block.cut]
    judged_at = (taken or blocks)[-1]  # what is decided, was decided at the last look that was taken
    if as_json:
        click.echo(json.dumps(_as_json(taken, last, judged_at.claims, trained), indent=2))
    else:
        print_table(last.study)
        print_report(last.study.folder / "report.html")
    if taken:
        looked = f"looked {counted(looks, 'time')} of {len(last.planned)}, with {taken[-1].seeds} seeds"
        end = f"{looked}; {trained:,} epochs trained"
        say(f"{end}, {last.spared:,} of the whole budget spared" if last.spared and not last.cut else end, err=as_json)
    if last.cut:
        say(f"look {last.number} of {len(last.planned)} was not taken: {last.cut}", err=as_json)
    answered(judged_at.claims)


def _as_json(taken: Sequence[Block], last: Block, claims: Sequence[Claim], trained: int) -> dict[str, object]:
    """Return the verdicts as plain data. Names are stable."""
    return {
        "study": last.study.name,
        "looks_planned": list(last.planned),
        "looks_taken": [block.seeds for block in taken],
        "look_not_taken": last.cut or None,
        "seeds": taken[-1].seeds if taken else 0,
        "epochs_trained": trained,
        "epochs_spared": last.spared,
        "claims": [
            {"claim": claim.text, "verdict": str(claim.kind), "reason": claim.reason, "evidence": dict(claim.evidence)}
            for claim in claims
        ],
    }
