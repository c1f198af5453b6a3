"""What a sequence begins with, and what is proposed to it: settings of space files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from search.core.errors import StudyNotFound, UserError
from search.core.prefix import fingerprint
from search.core.sequences import SUFFIX, member_name, member_title, sequence_of
from search.core.shown import listed
from search.core.values import same
from search.judge.sequence import BEGUN, Candidate, folded
from search.ledger.ledger import Ledger, StudyRecord
from search.plan.place import place_of
from search.report.table.labels import setting_label
from search.space.model import MAX_NAME_LETTERS, Space
from search.space.reader import read_space, space_from_mapping
from search.space.service import SERVICE_SETTINGS
from search.space.writing import dump
from search.study.leaf import Leaf, Planner
from search.workload import load_workload

MORE_LETTERS = 20
"""Of the name of a sequence are kept free for what stands behind it in names of its studies."""

AXIS = "candidate"

KEY_SEED = 0
"""Under this seed runs are named, so that a proposal is known again under another name."""


def opened(ledger: Ledger, incumbent: str, changes: Mapping[str, object]) -> StudyRecord:
    """Return the log of a sequence: the one of this name, or of a file, which begins it where there is none.

    Args:
        ledger: where it is.
        incumbent: a space file of one setting, or the name of a sequence.
        changes: to the file, as for `search.space.reader.read_space`.

    Raises:
        UserError: there is no such file or sequence, the file holds several settings, or others than the sequence began
            with.
    """
    if not Path(incumbent).exists():
        try:
            return ledger.study(incumbent + SUFFIX)
        except StudyNotFound as error:
            known = [sequence for name in ledger.names().values() if (sequence := sequence_of(name))]
            there = f"; there are {listed(known)}" if known else ""
            raise UserError(
                f"--against {incumbent!r}: is neither a space file nor a sequence on record{there}"
            ) from error
    space = read_space(incumbent, changes)
    name = space.name[: MAX_NAME_LETTERS - MORE_LETTERS] + SUFFIX
    if name not in ledger.names().values():
        ledger.create_study(name, name, 1, dump(space), "", space.workload)
    record = ledger.study(name)
    if record.execution_class is None:
        ledger.update_study(record.id, execution_class=place_of(ledger, space, None).execution_class)
        record = ledger.study(name)
    (first, *others) = candidates(space, record)
    if others:
        raise UserError(
            f"--against {incumbent}: holds {1 + len(others)} settings, and a sequence begins with one; fix "
            "every setting"
        )
    before = folded((entry.kind, entry.detail) for entry in ledger.decisions(record.id)).first
    if before is None:
        with ledger.step(record.id) as step:
            step.log(BEGUN, **first[0].told)
    elif before.key != first[0].key:
        raise UserError(
            f"--against {incumbent}: holds other settings than the sequence {sequence_of(name)!r} began with; "
            "go on by the sequence's name, or give the file a new `name` for a new sequence"
        )
    return record


def candidates(space: Space, record: StudyRecord) -> list[tuple[Candidate, Leaf]]:
    """Return the settings of a file, each with a leaf that shows what its runs are.

    Raises:
        UserError: it is a search.
    """
    if space.search.sampler != "grid":
        raise UserError(f"{space.file}: a search draws its settings; write the proposals out as a grid")
    planner = planner_of(space, record)
    listed_ones = []
    for place, parameters in enumerate(space.grid()):
        leaf = planner.leaf(place, place, KEY_SEED, parameters)
        service = {name: leaf.trial.settings[name] for name in SERVICE_SETTINGS if name in leaf.trial.settings}
        name = space.name + (f": {setting_label(space, parameters)}" if space.axes else "")
        key = fingerprint([leaf.path[-1], service])
        listed_ones.append((Candidate(name, space.settings(parameters), key), leaf))
    return listed_ones


def planner_of(space: Space, record: StudyRecord) -> Planner:
    """Return what makes leaves of a space in the execution class that a sequence is pinned to."""
    return Planner(space, load_workload(space.workload), record.execution_class or {})


def compared_space(
    base: Space, sequence: str, what: str, sides: Mapping[str, Candidate], seeds: Sequence[int]
) -> Space:
    """Return a grid over candidates.

    Args:
        base: the space that the sequence began with, which says what decides, and what a trial gets.
        sequence: its name.
        what: is compared: the number of a proposal.
        sides: name of each candidate in the grid -> the candidate.
        seeds: of each.
    """
    objective, resources = base.search.objective, base.source.get("resources")
    return space_from_mapping(
        {
            "name": member_name(sequence, what),
            "title": member_title(sequence, what),
            "workload": base.workload,
            **_parted(sides),
            "seeds": list(seeds),
            "search": {
                "objective": {"metric": objective.metric, "direction": objective.direction},
                "attempts": base.search.attempts,
            },
            **({"resources": resources} if resources else {}),
            "report": {"value": base.report.value},
        }
    )


def _parted(sides: Mapping[str, Candidate]) -> dict[str, Any]:
    """Return the sections `fixed` and `space` of a grid over candidates: what all of them set alike is fixed."""
    first, *others = (one.settings for one in sides.values())
    fixed = {
        name: value
        for name, value in first.items()
        if all(name in other and same(other[name], value) for other in others)
    }
    options = {
        side: {name: value for name, value in one.settings.items() if name not in fixed} for side, one in sides.items()
    }
    return {"fixed": fixed, "space": {AXIS: {"grid": options}}}
