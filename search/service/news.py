"""What is to be told of a queue: pure functions of its entries, and of what was told already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from search.core.queue import Entry, Outcome, Phase
from search.service.notices import Kind, Notice

Told = Mapping[str, str]
"""Number of an entry as text -> where it stood when it was told of last."""

KINDS: Mapping[Outcome, Kind] = {
    Outcome.DONE: "success",
    Outcome.FAILED_TRIALS: "warning",
    Outcome.STOPPED: "info",
    Outcome.REFUSED: "failure",
    Outcome.BROKEN: "failure",
}

WORDS = {
    Outcome.DONE: "ended",
    Outcome.FAILED_TRIALS: "ended, and some trials failed",
    Outcome.STOPPED: "was stopped",
    Outcome.REFUSED: "was refused",
    Outcome.BROKEN: "broke",
}


def standing(entry: Entry) -> str:
    """Return where an entry stands, as far as anybody is told of it; "" for nothing to tell."""
    if entry.phase is Phase.ENDED and entry.outcome is not None:
        return f"{entry.outcome} {entry.ended}"
    return f"waits {entry.said}" if entry.phase in (Phase.QUEUED, Phase.HELD) and entry.said else ""


def news(entries: Sequence[Entry], told: Told) -> list[Entry]:
    """Return the entries that somebody is to be told of."""
    return [entry for entry in entries if (now := standing(entry)) and now != told.get(str(entry.id))]


def told_of(entries: Sequence[Entry], told: Told, untold: Sequence[Entry] = ()) -> dict[str, str]:
    """Return what was told once all news was but that of `untold`; entries that are gone are forgotten."""
    waiting = {entry.id for entry in untold}
    after = {
        str(entry.id): told.get(str(entry.id), "") if entry.id in waiting else standing(entry) for entry in entries
    }
    return {number: where for number, where in after.items() if where}


def notice_of(entry: Entry, answer: Mapping[str, object]) -> Notice:
    """Return what is told of an entry.

    Args:
        entry: has ended, or waits.
        answer: what its study came to, as it is kept (`search.service.answers.make_answer`); empty where it is not.
    """
    name = entry.study or entry.name
    if entry.phase is Phase.HELD:
        said = f"Entry {entry.id}, submitted by {entry.who}: {entry.said}."
        return Notice(
            f"Study {name} waits for release", f"{said}\npython -m search server release {entry.id}", "warning"
        )
    if entry.outcome is None:
        return Notice(f"Study {name} waits", entry.said, "warning")
    lines = [line for line in (entry.said, str(answer.get("headline", ""))) if line]
    return Notice(f"Study {name} {WORDS[entry.outcome]}", "\n".join([*lines, *_verdicts(answer)]), KINDS[entry.outcome])


def _verdicts(answer: Mapping[str, object]) -> Iterator[str]:
    if answer and not answer.get("complete", True):
        yield "The study is not complete: raise its limit, or submit the file again, and it goes on."
    verdicts = answer.get("verdicts")
    for claim in verdicts if isinstance(verdicts, list) else ():
        yield f"{str(claim['verdict']).capitalize()}: {claim['claim']}; {claim['reason']}"
