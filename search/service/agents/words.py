"""What the tools answer, in words: every sentence on a study is one of its table's or its page's own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

MAX_SETTINGS_LISTED = 200
"""Settings of a workload that are listed."""

HELD = (
    "It starts by itself where it costs no more than this server's bound; else it waits until a person, an admin, "
    "releases it."
)

READ_VERDICTS = "read and cite what it shows with the tool `verdicts`"


def faults(answer: Mapping[str, Any]) -> str:
    """Say what is wrong with a space file, or that it is sound."""
    if found := answer["faults"]:
        lines = [_fault(fault) for fault in found]
        return "\n".join([f"{len(found)} fault{'s' * (len(found) != 1)}; mend them all, and check again:", *lines])
    notes = [f"note: {note}" for note in answer["notes"]]
    seeds = answer["seeds"]
    head = (
        f"Sound: study {answer['name']!r}, workload {answer['workload']}, {answer['sampler']}, {answer['trials']} "
        f"trials, {len(seeds)} seed{'s' * (len(seeds) != 1)} per setting. Nothing was trained. Next: the tool `plan`."
    )
    return "\n".join([head, *notes])


def _fault(fault: Mapping[str, Any]) -> str:
    place = f"{fault['file']}:{fault['line']}" if fault["line"] else str(fault["file"])
    return f"- {place}: {fault['key']}: {fault['message']}" if fault["key"] else f"- {place}: {fault['message']}"


def plan(answer: Mapping[str, Any]) -> str:
    """Say what a study costs and what it can show."""
    if answer["faults"]:
        return faults(answer)
    return "\n".join(
        [answer["text"], *answer["remarks"], "", "Nothing was trained. Next: the tool `submit` or `judge`."]
    )


def queued(entry: Mapping[str, Any], working: str) -> str:
    """Say that an entry is in the queue, and what comes next."""
    number = entry["id"]
    if entry["phase"] == "waits for release":
        return (
            f"Entry {number}: study {entry['name']!r} is being priced. {HELD} Next: the tool `status` with "
            f"entry={number} and wait_seconds=50."
        )
    verb = "its claims are judged, seeds added until they are decided" if entry["options"].get("judge") else "it is run"
    return (
        f"Entry {number}: study {entry['name']!r} is in the queue; {verb}. {working} "
        f"Next: the tool `status` with entry={number} and wait_seconds=50, again until it has ended."
    )


def status(entry: Mapping[str, Any], working: str) -> str:
    """Say how far an entry is."""
    name, state = entry["study"] or entry["name"], entry["outcome"] or entry["phase"]
    lines = [f"Entry {entry['id']} (study {name!r}): {state}.{_behind(entry['said'])}"]
    if entry["phase"] == "queued":
        lines.append(working)
    if entry["phase"] == "waits for release":
        lines.append(_held(entry))
    if entry["phase"] != "ended":
        live = entry["live"]
        lines += [str(line["text"]) for line in live.get("comparison", ())]
        lines += [str(text) for text in (live.get("bar") or live.get("last"),) if text]
        lines.append(
            "It has not ended: figures that are shown while it runs may not be cited. Ask again with wait_seconds=50."
        )
    else:
        lines.append(_next(str(entry["outcome"]), name, entry["id"]))
    return "\n".join(lines)


def _held(entry: Mapping[str, Any]) -> str:
    if not entry["said"]:
        return f"Its price is being worked out. {HELD}"
    return (
        "Nothing of it is trained before a person, an admin, releases it: tell whoever you work for that entry "
        f"{entry['id']} waits for release. To submit it again changes nothing; fewer seeds or epochs cost less."
    )


def _behind(said: str) -> str:
    return f" {said[:1].upper()}{said[1:].rstrip('.')}." if said else ""


def _next(outcome: str, name: str, number: int) -> str:
    match outcome:
        case "done":
            return f"All of it is on record: {READ_VERDICTS}, study={name!r}."
        case "failed trials":
            return (
                f"Some trials failed; the others are on record: {READ_VERDICTS}, study={name!r}, and name the failures."
            )
        case "stopped":
            return "What was trained is on record, and nothing is lost: submit the same file again, and it goes on."
        case "refused":
            return "Nothing more was trained. Mend what the sentence says, and submit again."
    return (
        "That is no finding, and none of the file's faults: tell whoever you work for. What was trained is on "
        f"record; its output is in queue/{number}/output.txt of the results folder."
    )


def queue(answer: Mapping[str, Any], working: str) -> str:
    """Say what is in the queue and on record, and how to ask for what is older."""
    entries, studies = answer["entries"], answer["studies"]
    lines = [working, f"Entries: {_shown(answer, 'entries')}"]
    lines += [f"- {entry['id']}: study {entry['name']!r}: {entry['outcome'] or entry['phase']}" for entry in entries]
    lines.append(f"Studies on record: {_shown(answer, 'studies')}")
    lines += [f"- {study['name']!r}, made {study['created'][:10]}" for study in studies]
    return "\n".join(lines)


def _shown(answer: Mapping[str, Any], what: str) -> str:
    count, following = len(answer[what]), answer[f"{what}_next"]
    if following is None:
        return f"{count}."
    return f"{count} are shown; the tool `status` with {what}_after={following!r} lists those behind them."


def table(answer: Mapping[str, Any]) -> str:
    """Return a table as Markdown with all of its notes, and what not to do with it."""
    banner = [answer["banner"]] if answer["banner"] else []
    stage = answer["confirm_stage"]
    also = [f"Its best settings were run again under fresh seeds: study {stage!r}."] if stage else []
    end = "A larger figure is no verdict: what may be said of these settings tells the tool `verdicts`."
    return "\n\n".join([*banner, answer["markdown"].rstrip(), *also, end])


def verdicts(answer: Mapping[str, Any]) -> str:
    """Say what may be concluded from a study, what not, and what to cite."""
    return "\n".join(_verdicts(answer))


def _verdicts(answer: Mapping[str, Any]) -> Iterator[str]:
    yield f"Study {answer['study']!r}: {answer['title']}"
    yield f"Question: {answer['question']}"
    yield f"Answer: {answer['answer_in_full']}"
    yield from (f"  {fact}" for fact in answer["rests_on"])
    yield f"Complete: {'yes' if answer['complete'] else 'no; verdicts of a study that is not complete may change'}"
    for head, name in (("May be concluded:", "may_be_concluded"), ("May NOT be concluded:", "may_not_be_concluded")):
        yield head
        yield from (f"- {sentence}" for sentence in answer[name])
    yield f"Cite as (figures and verdict as they stand): {answer['cite']}"
    if unrecorded := answer.get("unrecorded"):
        yield str(unrecorded)
    if answer["confirm_stage"] is not None:
        yield "Its confirm stage, which decides what a search found:"
        yield from _verdicts(answer["confirm_stage"])


def audit(answer: Mapping[str, Any]) -> str:
    """Say what rows show to be wrong with a study."""
    found = answer["findings"]
    if not found:
        return f"Study {answer['study']!r}: nothing found. What may be concluded says the tool `verdicts`."
    lines = [f"Study {answer['study']!r}: {len(found)} finding{'s' * (len(found) != 1)}. A citation names every flaw."]
    for finding in found:
        lines += [
            f"- {finding['severity']}: {finding['name']}: {finding['seen']}",
            f"  Why: {finding['why']}",
            f"  Remedy: {finding['remedy']}",
        ]
    return "\n".join(lines)


def settings(answer: Mapping[str, Any]) -> str:
    """List the settings of a workload, one a line."""
    lines = [
        f"Settings of workload {answer['workload']!r}, for `fixed` and as axes under `space`; `epochs` is one besides, "
        "and seeds stand under `seeds`."
    ]
    for name, rule in list(answer["settings"].items())[:MAX_SETTINGS_LISTED]:
        kind = json.dumps(rule["enum"]) if "enum" in rule else _kind(rule)
        lines.append(f"- {name}: {kind}, default {json.dumps(rule.get('default'))}: {rule.get('description', '')}")
    if metrics := answer["metrics"]:
        lines.append(f"Metrics: {', '.join(metrics)}.")
    return "\n".join(lines)


def _kind(rule: Mapping[str, Any]) -> str:
    kinds = rule.get("type", "any")
    bounds = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    text = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    return " ".join([text, *(f"{sign} {rule[key]:g}" for key, sign in bounds.items() if key in rule)])
