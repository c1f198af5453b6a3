"""Files that were made to hurt are refused at once, with a sentence; nothing in them is run, expanded or copied."""

from __future__ import annotations

import difflib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from search.core.errors import Faults
from search.space.model import Axis, Condition, Grid
from search.space.nodes import MAX_FAULTS, Node, Problems
from search.space.reader import read_space
from search.space.rows import Rows
from search.space.yaml import MAX_VALUES

HEAD = "workload: tests.space.fake:Fake\nfixed: {epochs: 10, batch_size: 16}\n"
LARGE = 900_000
"""Signs of a file that is just small enough to be looked at."""

ALIASES = "a: &a [x, x]\n" + "".join(
    f"{two}: &{two} [*{one}, *{one}]\n" for one, two in zip("abcdefgh", "bcdefghi", strict=True)
)
MANY = f"has {MAX_FAULTS} faults or more, and was not read further; mend these first"


def refused(content: str | bytes, seconds: float = 3.0) -> list[str]:
    """Return the sentences a file is refused with, seeing that it took no long thinking and no memory."""
    path = Path("space.yaml")
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    began = time.process_time()
    with pytest.raises(Faults) as caught:
        read_space(path)
    assert time.process_time() - began < seconds
    assert len(str(caught.value)) < 100_000
    return str(caught.value).splitlines()


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system [touch ran]",
        "!!python/object/new:os.system [touch ran]",
        "!!python/name:os.system",
        '!<tag:yaml.org,2002:python/object/apply:os.system> ["touch ran"]',
        "!!binary dG91Y2ggcmFu",
        "!ruby/object:Gem {}",
        "!!float 1",
        "! 1",
    ],
)
def test_tags_are_refused_and_run_nothing(tag: str) -> None:
    sentences = refused(f"{HEAD}title: {tag}\n")
    assert len(sentences) == 1
    assert sentences[0].startswith("space.yaml:3: title: tags (`")
    assert sentences[0].endswith("`) are not read; write plain values")
    assert os.listdir() == ["space.yaml"]


def test_a_bomb_of_aliases_is_not_expanded() -> None:
    sentences = refused(HEAD + ALIASES)
    assert (
        "space.yaml:3: a: anchors (`&a`) are not read; put shared parts in a base file and use `extends`" in sentences
    )
    assert any("aliases (`*h`) are not read" in sentence for sentence in sentences)


LISTED = ",".join(str(number) for number in range(100_000))

LARGE_BODIES = {
    "values": f"seeds: [{LISTED}]\n",
    "keys": f"fixed2: {{{','.join(f'a{number}: 1' for number in range(50_000))}}}\n",
    "nested": f"report: {{published: {{confusion_matrix: [{','.join(['[1,1]'] * 100_000)}]}}}}\n",
    "lines": "report:\n  labels:\n" + "".join(f"    a{number}: x\n" for number in range(50_000)),
}


@pytest.mark.parametrize("body", LARGE_BODIES.values(), ids=LARGE_BODIES)
@pytest.mark.slow
def test_so_many_values_are_read_and_no_more(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What bounds the time that a file of a megabyte takes."""
    parse, read = yaml.parse, []

    def counted(*arguments: Any, **options: Any) -> Iterator[Any]:
        for event in parse(*arguments, **options):
            read.append(1)
            yield event

    monkeypatch.setattr(yaml, "parse", counted)
    sentences = refused(HEAD + body, seconds=30)
    assert sentences == [
        "space.yaml: holds more than 50,000 keys and values; a search-space file is a page of text",
    ]
    assert len(read) <= 2 * MAX_VALUES  # a list or a mapping has an end as well


def test_settings_of_options_are_looked_up_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    options = "".join(f"      o{number}: {{loss.gamma: {number / 1000:.4f}}}\n" for number in range(500))
    asked: list[str] = []
    settings = Axis.settings

    def counted(axis: Axis, value: Any) -> Any:
        asked.append(value)
        return settings(axis, value)

    monkeypatch.setattr(Axis, "settings", counted)
    Path("space.yaml").write_text(f"{HEAD}space:\n  focus:\n    grid:\n{options}")
    assert len(read_space("space.yaml").axes[0].domain.values) == 500
    assert len(asked) < 10 * 500


class Compared(float):
    """A value that counts what it is compared with."""

    count = 0

    def __eq__(self, other: object) -> bool:
        Compared.count += 1
        return float(self) == other

    __hash__ = float.__hash__


def test_rows_are_found_without_looking_at_each(monkeypatch: pytest.MonkeyPatch) -> None:
    axis = Axis("loss.gamma", Grid(tuple(number / 100 for number in range(1000))))
    rows = Rows("loss.gamma", [axis], ["loss.gamma"], True, Problems())
    Compared.count = 0
    for number in range(1000):
        node = Node("scalar", Compared(number / 100), "report.baseline", "space.yaml", 1, f"{number / 100}00", True)
        assert rows.find(node, node) == {"loss.gamma": number / 100}
    assert Compared.count < 10 * 1000


def test_a_condition_is_met_without_looking_at_each_value() -> None:
    condition = Condition("loss.gamma", tuple(Compared(number) for number in range(1000)))
    Compared.count = 0
    assert all(condition.holds(number) for number in range(1000))
    assert not condition.holds(1000)
    assert not condition.holds(True)
    assert Compared.count < 10 * 1000


@pytest.mark.parametrize("size", [300, 300_000])
def test_no_long_word_is_compared_with_others(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(difflib, "get_close_matches", lambda *_, **__: pytest.fail("compared"))
    (sentence,) = refused(f"{HEAD}search: {{sampler: {'a' * size}}}\n")
    assert sentence.startswith("space.yaml:3: search.sampler: found 'aaaa")


@pytest.mark.parametrize("extending", [False, True], ids=["file", "base"])
@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("pipe", "is a pipe, must be a search-space file; write its text to a file first"),
        ("socket", "is a socket, must be a search-space file; write its text to a file first"),
        ("/dev/zero", "is a device, must be a search-space file; write its text to a file first"),
        ("folder", "is a folder, must be a search-space file"),
    ],
)
def test_what_is_no_file_is_refused_at_once(kind: str, sentence: str, extending: bool) -> None:
    path = kind if kind.startswith("/") else f"odd.{kind}"
    bound = socket.socket(socket.AF_UNIX)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        bound.bind(path)
    elif kind == "folder":
        Path(path).mkdir()
    Path("mine.yaml").write_text(f"extends: {path}\n")
    with pytest.raises(Faults) as caught, bound:
        read_space("mine.yaml" if extending else path)
    assert str(caught.value) == f"{path}: {sentence}"


def test_fifty_megabytes_are_not_read() -> None:
    with open("space.yaml", "wb") as file:
        file.truncate(50_000_000)
    began = time.process_time()
    with pytest.raises(Faults) as caught:
        read_space("space.yaml")
    assert time.process_time() - began < 0.5
    assert str(caught.value) == ("space.yaml: is larger than 1,000,000 bytes; a search-space file is a page of text")


@pytest.mark.parametrize(
    "nested",
    [
        "[" * LARGE,
        "{a: " * (LARGE // 4),
        "\n" + "- " * (LARGE // 2),
        "\n" + "".join(f"{' ' * n}a:\n" for n in range(1, 900)),
    ],
    ids=["lists", "mappings", "dashes", "indents"],
)
def test_deep_nesting_is_refused(nested: str) -> None:
    (sentence,) = refused(f"{HEAD}space: {nested}")
    assert sentence.endswith("is nested deeper than 20 levels; a search-space file needs at most seven")


@pytest.mark.parametrize(
    ("encoding", "sentence"),
    [
        ("utf-16", "space.yaml:1: is not UTF-8: found byte 0xff; save the file as UTF-8"),
        ("utf-32-be", "space.yaml:1: holds the character U+0000; {}"),
        ("utf-16-le", "space.yaml:1: holds the character U+0000; {}"),
        ("latin-1", "space.yaml:3: is not UTF-8: found byte 0xe9; save the file as UTF-8"),
        ("cp1252", "space.yaml:3: is not UTF-8: found byte 0xe9; save the file as UTF-8"),
    ],
)
def test_other_encodings_are_refused(encoding: str, sentence: str) -> None:
    title = "caf\N{LATIN SMALL LETTER E WITH ACUTE}" if "{}" not in sentence else "cafe"
    content = f"{HEAD}title: {title}\n".encode(encoding)
    assert refused(content) == [sentence.format("a search-space file is text without control characters")]


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    Path("space.yaml").write_bytes(b"\xef\xbb\xbf" + HEAD.encode())
    assert read_space("space.yaml").workload == "tests.space.fake:Fake"


@pytest.mark.parametrize(
    "content", [b"\0" * 1000, b"\x7fELF" + bytes(range(256)), b"\xff\xd8\xff\xe0" * 100, b"\r\0\n\0"]
)
def test_what_is_no_text_at_all(content: bytes) -> None:
    assert len(refused(content)) == 1


SOME = 200_000

MANY_FAULTS = {
    "keys": "".join(f"k{n}: 1\n" for n in range(SOME // 10)),
    "one key": "k: 1\n" * (SOME // 5),
    "aliases": f"title: [{'*a,' * (SOME // 3)}]\n",
    "anchors": f"title: [{''.join(f'&a{n} x,' for n in range(SOME // 10))}]\n",
    "tags": f"title: [{'!!str x,' * (SOME // 8)}]\n",
    "seeds": f"seeds: [{''.join(f'{n}, a{n}, ' for n in range(SOME // 16))}]\n",
    "axes": f"space: {{{''.join(f'k{n}: {{grid: [0]}},' for n in range(SOME // 25))}}}\n",
    "claims": f"report: {{claims: [{'{better: [a, b]},' * (SOME // 40)}]}}\n",
    "labels": "space: {loss.gamma: {grid: [0]}}\nreport: {labels: {"
    + "".join(f"a{n}: x," for n in range(SOME // 20))
    + "}}\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("body", MANY_FAULTS.values(), ids=MANY_FAULTS)
def test_a_hundred_faults_are_enough(body: str) -> None:
    sentences = refused(HEAD + body, seconds=30)
    assert len(sentences) == MAX_FAULTS + 1
    assert sentences[0] == f"space.yaml: {MANY}"


@pytest.mark.slow
def test_a_line_of_a_megabyte_is_shown_short() -> None:
    (sentence,) = refused(f"{HEAD}title: {'x' * LARGE}\n")
    assert len(sentence) < 300
