"""The parts of a page that are facts on record: options, cost, conditions, how to do it again, what its words mean."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from search.core.shown import counted
from search.report.formats.markup import Markup, element, facts, joined, table
from search.report.record.curves import Curves
from search.report.table.labels import DRAWN_DIGITS, row_text
from search.report.table.model import Table
from search.report.text import duration, pairs_text, split_words, value_text
from search.space.model import Grid, Space
from search.statistics.measure import ACCURACY, Measure

MAX_RUNS_LISTED = 50
"""Runs that are listed; ``conditions.json`` has all of them."""

COMMITTED = "+changes"
"""Ends a commit where files of the installation differed from it."""


def cost(table_: Table, read: Curves, runs: Sequence[Mapping[str, object]]) -> Markup:
    """Return what the study cost: epochs alone, distinct, trained and reused, and seconds.

    Args:
        runs: runs of this study, with ``seconds``.
    """
    alone = sum(line.alone for line in table_.lines)
    seconds = {curve.keys[epoch - 1]: row.seconds for curve in read.curves for epoch, row in curve.rows.items()}
    trained = {curve.keys[epoch - 1] for curve in read.curves for epoch in curve.trained if epoch <= len(curve.keys)}
    begun = [curve for curve in read.curves if curve.rows]
    settled = sum(1 for curve in begun if not curve.trained and curve.trial.state.ended)
    clock = [float(took) for run in runs if isinstance(took := run.get("seconds"), int | float)]
    shared = [("every trial trained alone, to where it ended", f"{alone:,}", "")] if table_.shares else []
    name = "distinct: trials that begin alike share their epochs" if shared else "epochs of all trials"
    rows = [
        *shared,
        (name, f"{len(seconds):,}", _time(seconds.values())),
        ("trained by this study", f"{len(trained):,}", _time(seconds[key] for key in trained if key in seconds)),
        (
            "reused: on record before, from this or another study",
            f"{len(seconds) - len(trained & set(seconds)):,}",
            _time(value for key, value in seconds.items() if key not in trained),
        ),
    ]
    own = f"{settled:,} of {counted(len(begun), 'trial')} needed no training of their own."
    sentences = [own if settled else "Every trial needed training of its own."] if begun else []
    if trained:
        sentences.append("Seconds are as they were measured: what else the machine did at the time is in them.")
    if clock:
        lost = len(runs) - len(clock)
        but = f", without {counted(lost, 'run')} that did not end" if lost else " in all"
        took = f"{duration(math.fsum(clock))} seconds{but}"
        sentences.append(f"By the clock, with its workers side by side, this study ran for {took}.")
    return joined(
        [
            table("Epochs and their training time", ("epochs", "number", "seconds"), rows, numbers=(1, 2)),
            element("p", " ".join(sentences)),
        ]
    )


def _time(seconds: Any) -> str:
    total = math.fsum(seconds)
    return duration(total) if total else ""


def conditions(content: Mapping[str, Any], space: Space) -> Markup:
    """Return under which conditions the rows were made: what ``conditions.json`` holds, and what all runs have in
    common."""
    recorded: list[Mapping[str, Any]] = [run.get("conditions") or {} for run in content.get("runs", ())]
    machines = [one.get("hardware") or {} for one in recorded]
    data = [element("h3", "Data"), *(data_facts(card) for card in content.get("data", ()))]
    settings = [
        element("h3", "Settings of all runs"),
        facts((name, value_text(value)) for name, value in sorted(space.fixed.items())),
        element("p", "What is not named here or in the table has the workload's default.", class_="quiet"),
    ]
    software = [
        element("h3", "Software and machine"),
        facts(
            [
                ("Workload", str(content.get("workload") or "")),
                ("Commit", _distinct(one.get("commit") for one in recorded)),
                ("Python", _distinct(one.get("python") for one in recorded)),
                ("Libraries", _distinct(pairs_text(one.get("versions") or {}, between=" ") for one in recorded)),
                ("Processor", _distinct(machine.get("processor") for machine in machines)),
                ("Cores, memory", _distinct(_size(machine) for machine in machines)),
                ("System", _distinct(machine.get("system") for machine in machines)),
                ("Workers", _distinct(_workers(one) for one in recorded)),
                ("Execution class", pairs_text(content.get("execution_class") or {})),
            ]
        ),
        element(
            "p",
            "Rows of one execution class are bit-identical when they are trained again; in another one they differ in "
            "their last digits, and so may the figures.",
            class_="quiet",
        ),
    ]
    runs = [element("h3", "Runs"), _runs(content.get("runs", ()))]
    columns = (element("div", joined([*data, *settings])), element("div", joined([*software, *runs])))
    return element("div", *columns, class_="columns")


def options(space: Space) -> Markup:
    """Return which settings the named options of a space's axes stand for; nothing where it has none."""
    parts = []
    for axis in space.axes:
        found = axis.domain.options if isinstance(axis.domain, Grid) else {}
        if not found:
            continue
        named = {row_text(space, name) if axis.name == space.report.rows else name: found[name] for name in found}
        parts.append(
            element(
                "div",
                element("h3", f"What the options of {axis.name} stand for"),
                facts(
                    (name, pairs_text(settings, DRAWN_DIGITS) or "nothing that is not the default")
                    for name, settings in named.items()
                ),
            )
        )
    return element("div", *parts, class_="columns") if parts else Markup("")


def data_facts(card: Mapping[str, Any]) -> Markup:
    """Return what a data card says, of `conditions.json`."""
    sizes = card.get("sizes") or {}
    images = ", ".join(f"{n:,} {split_words(split)}" for split, n in sorted(sizes.items(), reverse=True))
    return facts(
        [
            ("Name", str(card.get("name") or "")),
            ("Images", images),
            ("Classes", str(len(card["classes"])) if card.get("classes") else ""),
            ("Fingerprint", str(card.get("fingerprint") or "")),
            ("Notes", [str(note) for note in card.get("notes") or ()]),
        ]
    )


def _runs(runs: Sequence[Mapping[str, Any]]) -> Markup:
    rows = [
        (
            str(run.get("run", "")),
            str(run.get("study") or ""),
            str(run.get("started") or "")[:19].replace("T", " "),
            "" if run.get("seconds") is None else duration(run["seconds"]),
            str(run.get("outcome") or "not ended"),
        )
        for run in runs[-MAX_RUNS_LISTED:]
    ]
    if not rows:
        return element("p", "No epoch is on record.")
    caption = "Runs that trained what the table rests on"
    more = (
        f"; the last {MAX_RUNS_LISTED} of {len(runs)}, conditions.json has all" if len(runs) > MAX_RUNS_LISTED else ""
    )
    return table(f"{caption}{more}", ("run", "study", "began (UTC)", "seconds", "ended"), rows, numbers=(3,))


def _distinct(values: Any) -> list[str]:
    return list(dict.fromkeys(str(value) for value in values if value))


def _size(machine: Mapping[str, object]) -> str:
    cores, memory = machine.get("cores"), machine.get("memory_gib")
    usable = f"{machine['usable_cores']} of " if machine.get("usable_cores") else ""
    return ", ".join([f"{usable}{cores} cores"] * bool(cores) + [f"{memory} GiB"] * bool(memory))


def _workers(one: Mapping[str, Any]) -> str:
    if not one.get("workers"):
        return ""
    gpus = f", {one['gpus_per_trial']} GPUs" if one.get("gpus_per_trial") else ""
    nodes = (one.get("cluster") or {}).get("nodes", ())
    where = f", on a cluster: {', '.join(str(node.get('host')) for node in nodes)}" if nodes else ""
    sharing = one.get("gpu_sharing") or {}
    shared = f"; {sharing['said']}" if sharing.get("said") else ""
    return f"{one['workers']}, each with {counted(one.get('cpus_per_trial') or 1, 'CPU thread')}{gpus}{where}{shared}"


def reproduction(content: Mapping[str, Any], space: str) -> Markup:
    """Return the commands that make the study again, and the resolved space file they take.

    Args:
        content: what ``conditions.json`` holds.
        space: the resolved space file as text, as it stands in ``space.yaml`` beside the page.
    """
    commits = _distinct((run.get("conditions") or {}).get("commit") for run in content.get("runs", ()))
    lines = [f"git checkout {shlex.quote(commit.removesuffix(COMMITTED))}" for commit in commits if len(commits) == 1]
    lines.append("python -m search run space.yaml --results again")
    sentences = []
    if any(commit.endswith(COMMITTED) for commit in commits):
        sentences.append("The installation had changes that are in no commit.")
    if len(commits) > 1:
        several = f"Rows of {len(commits)} commits"
        sentences.append(f"{several} stand in the table, see Conditions; the last one is the nearest.")
    sentences.append(
        "In the product's folder, with space.yaml from beside this page, or with the text below saved under that name:"
    )
    return joined(
        [
            element("p", " ".join(sentences)),
            element("pre", element("code", "\n".join(lines), lines=True), tabindex="0", aria_label="Commands"),
            element(
                "p",
                "A new results folder trains everything again; without --results what is on record is read, and only "
                "what is missing is trained.",
            ),
            element(
                "details",
                element("summary", "The space file, bases and overrides resolved"),
                element("pre", element("code", space, lines=True), tabindex="0", aria_label="Space file"),
            ),
        ]
    )


_WORDS = {
    "setting": "one configuration of what is compared.",
    "seed": "the number that everything random in a run follows; equal seeds give settings equal luck.",
    "run": "one training: one setting under one seed.",
    "epoch": "one pass over the training images.",
    "training and validation images": "the model learns from the first; the second judge it while settings are "
    "compared.",
    "accuracy": "share of images that are classified rightly, in per cent: val_accuracy on validation images. "
    "Differences are in points: from 50 % to 52 % are 2 points.",
    "sd over seeds": "standard deviation of the runs of one setting: how far they lie apart. It is no interval.",
    "95 % interval": "would hold the true value in 95 of 100 repetitions with new runs, judged on new images of the "
    "same source; where each setting was run once, repetitions of the images alone.",
    "pointwise": "an interval speaks of its own line; that all lines of a table are right at once is less likely.",
    "adjusted p (p, Holm)": "how likely a difference at least so large would be if there were none, adjusted by Holm's "
    "method for the number of comparisons in the table.",
    "seed noise, df": "how much a new seed alone changes a difference, and from how many degrees of freedom that was "
    "estimated: the fewer, the wider the intervals.",
    "baseline": "the setting that the others are compared with.",
    "bold": "better than the baseline at an adjusted p of at most 0.05 (less where several looks were planned), with "
    "at least 3 seeds that both finished, none of which diverged. Nothing else is bold.",
    "published": "what somebody else printed, put beside; not measured here.",
    "supported, contradicted, undecided": "what the runs say of a claim. Undecided is no evidence for or against it.",
    "pruned": "ended early, because it did worse than others at the same epoch.",
    "cut off": "ended early, because its training took longer than the file allows; it is in no mean.",
    "¶": "the figure by which a search found a setting the best: many were tried, so it is optimistic.",
    "‖": "a run of it did not learn, or its figure is not told from chance: the notes of the table say how many.",
    "diverged": "its loss or its objective was no finite number any more.",
}

_SHARING = {
    "epochs alone, distinct epochs": "what a setting would cost if nothing were shared, and what it adds to the lines "
    "above it: runs that begin alike are trained once.",
}


def glossary(tested: bool, shared: bool, measure: Measure = ACCURACY) -> Markup:
    """Return what the words of the page mean.

    Args:
        tested: whether the page speaks of test images.
        shared: whether it speaks of epochs that trials share.
        measure: what its table is judged by, which says what an image is called.
    """
    test = "they are kept aside, and choose nothing; test_accuracy is the accuracy on them."
    words = {**_WORDS, **({"test images": test} if tested else {}), **(_SHARING if shared else {})}
    if not measure.correctness:
        words = {_noun(name, measure): _noun(text, measure) for name, text in words.items() if name != "accuracy"}
        words = {name: text.partition("; test_accuracy")[0] for name, text in words.items()}
    return element("div", facts(words.items()), class_="words")


def _noun(text: str, measure: Measure) -> str:
    """Return a text of ours that speaks of images as it is said of other examples."""
    return re.sub(r"\bimages?\b", lambda found: getattr(measure, found[0].replace("image", "example")), text)
