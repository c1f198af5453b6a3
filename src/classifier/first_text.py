"""The text of a first space file: what was found out about somebody's images, as settings with a comment each."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from classifier.data.source import LONG, SPLITS

RATES = (0.0003, 0.001, 0.003)
"""Learning rates of Adam that are compared; the one in the middle is the usual one."""

SEEDS = (0, 1, 2)

UNEVEN = 3
"""The largest class has so many times the images of the smallest: then a word is said about it."""

COMMENT_COLUMN = 34


@dataclass(frozen=True)
class Facts:
    """What was found out, and what was chosen.

    Attributes:
        data: a set known by name, or a folder, as it was given.
        file: the path of the file.
        name: of these data, for people.
        size: width and height in pixels.
        counts: images of each split that is there, as they will be used.
        limit: most images of each split, None for all of them.
        there: images of each split before they were limited.
        classes: how many.
        smallest, largest: training images of the smallest and the largest class.
        usual: the most frequent class of the validation images, and `usual_share` its share of them.
        grey: the images have no colour.
        batch, epochs: chosen.
        seconds: of all runs together.
        rate: images per second that one run trains on.
        device: what a run is trained on, for people.
        groups: a regex by which names of files tell what belongs together, and the names of these groups; or None.
    """

    data: str
    file: str
    name: str
    size: int
    counts: Sequence[int]
    limit: Sequence[int] | None
    there: Sequence[int]
    classes: int
    smallest: int
    largest: int
    usual: str
    usual_share: float
    grey: bool
    batch: int
    epochs: int
    seconds: float
    rate: float
    device: str
    groups: tuple[str, Sequence[str]] | None = None


def text_of(facts: Facts) -> str:
    """Return the file."""
    head = [f"# {line}".rstrip() for line in _head(facts)]
    return "\n".join([*head, *_body(facts)]) + "\n"


def _head(facts: Facts) -> Iterator[str]:
    yield f"Which learning rate suits {_plain(facts.name)}? A first comparison, to be changed as you like."
    yield ""
    file = shlex.quote(_plain(facts.file))
    verbs = {
        "plan": "says what the study will cost",
        "run": "trains, and prints the table; called again it goes on",
        "check": "says what is odd, and with --data NAME what is odd about the images",
    }
    width = max(len(verb) for verb in verbs) + len(file)
    yield from (f"python -m search {f'{verb} {file}':{width + 1}}  {what}" for verb, what in verbs.items())
    yield ""
    yield f"{_images(facts.counts)} images, {facts.classes} classes of {_span(facts)} training images."
    share = f"{100 * facts.usual_share:.0f} % of the validation images"
    yield f"Whoever always answers {_plain(facts.usual)} is right on {share}: do better."
    if facts.largest >= UNEVEN * max(facts.smallest, 1):
        yield "The classes are uneven, so that accuracy speaks of the large ones most; see `loss.class_weights` below."
    runs = len(RATES) * len(SEEDS)
    yield f"{runs} runs of {facts.epochs} epochs take about {_duration(facts.seconds)} where this file was written:"
    yield f"a {facts.device} trained on {facts.rate:,.0f} images a second there, as three steps on noise were timed."


def _body(facts: Facts) -> Iterator[str]:
    yield f"title: {_quoted(f'Learning rates on {_plain(facts.name)}')}"
    yield _line("workload: classifier", "what is trained; your own code can be, too", 0)
    yield ""
    yield _line("fixed:", "what all runs have in common; `python -m search schema` lists all settings", 0)
    yield _line(
        f"data: {_quoted(facts.data)}",
        "a folder with a folder per class, or a set known by name",
    )
    yield _line(f"data.size: {facts.size}", "pixels of width and height; more are dearer, and often better")
    if facts.limit is not None:
        yield _line(f"data.limit: {list(facts.limit)}", f"at most so many of {_images(facts.there)}; remove it for all")
    if facts.groups is not None:
        pattern, names = facts.groups
        yield _line(
            f"# data.groups: {{regex: '{pattern}'}}",
            f"{len(names):,} groups by file name, as {_plain(names[0])}: where these belong together",
        )
    if facts.grey:
        yield _line("input.greyscale: true", "the images have no colour")
    yield _line("model.name: model_c", "a small network; resnet18 is a larger one")
    yield _line(f"batch_size: {facts.batch}", "images per step")
    yield _line(f"epochs: {facts.epochs}", "each run sees all training images so often")
    yield _line("loss.name: cross_entropy", "or focal, with loss.gamma")
    yield _line("optimizer.name: adam", "or sgd, with optimizer.momentum")
    yield _line("# augment.crop: true", "boxes cut at random: helps where images are few")
    yield _line("# augment.hflip: 0.5", "mirrored left and right: not for letters and digits")
    if facts.largest >= UNEVEN * max(facts.smallest, 1):
        yield _line("# loss.class_weights: balanced", "each class counts the same in the loss")
    yield ""
    yield _line("space:", "what is compared: each value is trained under each seed", 0)
    yield "  optimizer.lr:"
    yield f"    grid: {_list(RATES)}"
    yield ""
    yield _line(f"seeds: {list(SEEDS)}", "a seed decides all that is random in a run; a verdict needs three", 0)
    yield ""
    yield "report:"
    yield _line(f"baseline: {RATES[1]}", "the others are compared with this one")
    yield _line("value: last", "figures of the last epoch, which nothing chose")


def _line(text: str, comment: str, indent: int = 2) -> str:
    line = " " * indent + text
    return f"{line:{COMMENT_COLUMN}}  # {comment}"


def _images(counts: Sequence[int]) -> str:
    there = list(zip(SPLITS, counts, strict=False))
    return ", ".join(f"{count:,} {LONG[split]}" for split, count in there)


def _span(facts: Facts) -> str:
    return f"{facts.smallest:,}" if facts.smallest == facts.largest else f"{facts.smallest:,} to {facts.largest:,}"


def _duration(seconds: float) -> str:
    minutes = max(round(seconds / 60), 1)
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def _list(values: Sequence[float]) -> str:
    return f"[{', '.join(map(str, values))}]"


def _quoted(text: str) -> str:
    """Return text in YAML's double quotes."""
    escaped = {'"': '\\"', "\\": "\\\\"}
    signs = (escaped.get(sign, sign if sign.isprintable() else f"\\U{ord(sign):08X}") for sign in text)
    return f'"{"".join(signs)}"'


def _plain(text: str) -> str:
    """Return a name as a comment can hold it."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
