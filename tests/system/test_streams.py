"""What is printed arrives in any encoding, and what cannot arrive ends nothing."""

from __future__ import annotations

import errno
import io
import json
import os
import pty
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from rich.console import Console

from search.__main__ import run
from search.cli import cli
from search.engine.decide.outcomes import Progress
from search.engine.decide.standings import Standings
from search.engine.live import Lines, Terminal
from search.ledger.ledger import Ledger
from search.report.table.notes import BEST, PARTIAL, SELECTED
from search.system import streams
from tests.engine.test_live import space_of
from tests.report.judging import SPACE, Bench
from tests.surroundings import HANG_S, ROOT

ENCODINGS = ("ascii", "iso8859-1", "cp1252", "iso8859-8", "cp437", "shift_jis", "utf-16", "utf-8")
LOST = "standard output: No space left on device; what was to be printed there is lost\n"
HOSTILE = "† ‡ § − ± ≤ … “ü” é ß 10² ½ ─│┼ α שלום 👩 \udcff"


class Usual(io.StringIO):
    """A stream as Python makes it: all that is asked of it is its encoding."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give standard output and error an encoding; returns what was printed since, decoded strictly."""
    opened = []

    def start(encoding: str) -> Any:
        descriptor = os.open(tmp_path / f"printed-{len(opened)}", os.O_RDWR | os.O_CREAT)
        opened.append(descriptor)
        stream = streams.printing(descriptor, Usual(encoding))
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "stderr", stream)

        def text() -> str:
            stream.flush()
            return (tmp_path / f"printed-{opened.index(descriptor)}").read_bytes().decode(encoding)

        return text

    yield start
    for descriptor in opened:
        os.close(descriptor)


# Encodings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_way_of_printing_arrives(encoding: str, printed: Any) -> None:
    text = printed(encoding)
    print(HOSTILE)
    click.echo(HOSTILE)
    click.echo(HOSTILE, err=True)
    click.ClickException(HOSTILE).show()
    Console(width=200).print(HOSTILE, markup=False)
    Lines().say(HOSTILE)
    Terminal(Console(width=200)).say(HOSTILE)
    lines = text().splitlines()
    assert len(lines) == 7
    assert lines[0] == lines[1] == lines[2]
    assert lines[3] == f"Error: {lines[0]}"
    assert lines[4] == lines[0]
    assert lines[6] in lines[5]


def test_substitutes_can_be_read(printed: Any) -> None:
    text = printed("ascii")
    print(HOSTILE)
    assert text() == (
        '+ # @ - +- <= ... "u" e ss 10^2 1/2 -|+ \\u03b1 \\u05e9\\u05dc\\u05d5\\u05dd \\U0001f469 \\udcff\n'
    )
    text = printed("cp1252")
    print(HOSTILE)
    assert text() == ("† ‡ § - ± <= … “ü” é ß 10² ½ -|+ \\u03b1 \\u05e9\\u05dc\\u05d5\\u05dd \\U0001f469 \\udcff\n")
    text = printed("utf-8")
    print(HOSTILE)
    assert text() == HOSTILE.replace("\udcff", "\\udcff") + "\n"


def test_marks_stay_apart_and_keep_their_width() -> None:
    marks = [streams.substitute(mark) for mark in (PARTIAL, SELECTED, "§", BEST)]
    assert marks == ["+", "#", "@", "%"]


def test_every_sign_of_ours_has_a_substitute() -> None:
    root = Path(streams.__file__).parents[1]
    files = [file for file in root.rglob("*.py") if file.name != "latex_text.py"]  # signs that others may write
    found = {c for file in files for c in file.read_text(encoding="utf-8") if not c.isascii()}
    without = {c for c in found if not streams.substitute(c).isascii() or "\\" in streams.substitute(c)}
    assert {c for c in without if not c.isalpha()} == set()


TEXT = "name: judged\ntitle: Größe † ≤ שלום\nworkload: toy\nfixed: {epochs: 2}\n"
AXES = "space: {gamma: {grid: [0, 1, 2]}}\nseeds: 3\nreport: {baseline: 0, value: best}\n"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder with a study whose table has marks, and whose title has letters of several scripts."""
    ledger = Ledger(str(tmp_path / "search.db"))
    bench = Bench(ledger, SPACE).grid()
    ledger.update_study(bench.record.id, space=TEXT + AXES)
    ledger.close()
    return tmp_path


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_verbs_print_in_every_encoding(encoding: str, results: Path, printed: Any) -> None:
    text = printed(encoding)
    place = ("--results", str(results))
    for words in (
        ["list", *place],
        ["show", "judged", *place],
        ["show", "judged", "0", *place],
        ["--help"],
        ["schema"],
    ):
        assert run([*words]) == 0, words
    for verb in cli.commands:
        assert run([verb, "--help"]) == 0
    assert run(["report", "שלום", *place]) == 1
    assert run(["rum"]) == 1
    assert "judged" in text()


def test_json_stays_json(tmp_path: Path, printed: Any) -> None:
    name = tmp_path / "é שלום †.yaml"
    name.write_text("name: sound\nworkload: classifier\nfixed: {epochs: 2}\nspace: {loss.gamma: {grid: [0]}}\n")
    for encoding in ("ascii", "iso8859-1", "utf-8"):
        text = printed(encoding)
        assert run(["audit", "--json", str(name)]) == 0
        assert json.loads(text()[: text().rindex("]") + 1])[0]["file"] == str(name)


# What cannot be printed ----------------------------------------------------------------------------------------


def stream_of(descriptor: int) -> tuple[Any, streams.Sink]:
    stream = streams.printing(descriptor, Usual("utf-8"))
    return stream, stream.buffer.raw  # type: ignore[attr-defined]


def test_a_reader_that_went_away() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream, sink = stream_of(writer)
    for _ in range(3):
        print("x" * 100_000, file=stream, flush=True)
    assert sink.lost is not None
    assert (sink.lost.errno, sink.told) == (errno.EPIPE, False)
    os.close(writer)


def test_a_terminal_that_went_away() -> None:
    terminal, program = pty.openpty()
    stream, sink = stream_of(program)
    console = Console(file=stream, width=80, force_terminal=True)
    view = Terminal(console)
    assert stream.isatty()
    view.begin(Progress(Standings(space_of())))
    os.close(terminal)
    view.say("nobody hears it")
    view.end()
    print("nor this", file=stream, flush=True)
    assert sink.lost is not None
    assert (sink.lost.errno, sink.told) == (errno.EIO, False)
    os.close(program)


def test_a_full_disk_is_told() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    stream, sink = stream_of(full)
    print("x", file=stream, flush=True)
    assert sink.lost is not None
    assert (sink.lost.errno, sink.told) == (errno.ENOSPC, True)
    os.close(full)


def test_a_pipe_that_does_not_wait_is_waited_for() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    stream, sink = stream_of(writer)
    read: list[bytes] = []

    def collect() -> None:
        with open(reader, "rb") as file:
            read.append(file.read())

    thread = threading.Thread(target=collect)
    thread.start()
    print("x" * 500_000, file=stream, flush=True)
    os.close(writer)
    thread.join()
    assert (len(read[0]), sink.lost) == (500_001, None)


CLOSED = [
    ("<&-", "--version", 0, ""),
    (">&-", "--version", 0, ""),
    ("2>&-", "rum", 1, ""),
    ("<&- >&- 2>&-", "list", 0, ""),
    (">/dev/full", "--version", 1, LOST),
    (">/dev/full 2>&1", "--version", 1, ""),
]


@pytest.mark.slow
@pytest.mark.parametrize(("redirected", "verb", "code", "said"), CLOSED)
def test_streams_that_are_closed(results: Path, redirected: str, verb: str, code: int, said: str) -> None:
    place = f"--results {shlex.quote(str(results))}" if verb == "list" else ""
    command = f"{shlex.quote(sys.executable)} -m search {verb} {place} {redirected}"
    before = (results / "search.db").read_bytes()
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=ROOT, timeout=HANG_S)
    assert (done.returncode, done.stderr) == (code, said)
    assert bool(done.stdout) == (redirected == "<&-")
    assert (results / "search.db").read_bytes() == before, "it was not opened as a standard stream"
    assert not (results / "search.db-wal").exists(), "it is closed at the end"


@pytest.mark.slow
def test_a_run_goes_on_without_its_terminal(tmp_path: Path) -> None:
    """Its terminal is closed in mid-run, as of a shell that has ended and told it to stay; its errors go nowhere."""
    file = tmp_path / "sine.yaml"
    file.write_text(
        "workload: tests.contracts.toy:SineFit\nfixed: {epochs: 3, lr: 0.1}\nspace: {degree: {grid: [0, 2]}}\n"
        "search: {objective: {metric: val_loss, direction: minimize}}\n"
    )
    terminal, program = pty.openpty()
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "search", "run", file, "--results", tmp_path / "results"]
    stay = [sys.executable, "-c", "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
            "os.execv(sys.argv[1], sys.argv[1:])"]  # fmt: skip
    process = subprocess.Popen(
        [*stay, *command], stdin=program, stdout=program, stderr=writer, cwd=ROOT, start_new_session=True
    )
    os.close(program)
    os.close(writer)
    seen = b""
    while b"starting Ray" not in seen:
        seen += os.read(terminal, 1000)
    os.close(terminal)
    try:
        assert process.wait(HANG_S) == 0
    finally:
        process.kill()
    assert (tmp_path / "results" / "sine" / "report.html").exists()


@pytest.mark.slow
def test_a_report_in_a_locale_without_utf_8(results: Path) -> None:
    """The study's files have the names that they have everywhere, and the terminal gets its own encoding."""
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    place = results / "größe"
    command = [sys.executable, "-m", "search", "report", "judged", "--storage", results / "search.db"]
    done = subprocess.run(
        [*command, "--results", place], capture_output=True, cwd=ROOT, env=environment, timeout=HANG_S
    )
    assert (done.returncode, done.stderr) == (0, b"")
    out = done.stdout.decode("ascii")
    assert "Grosse + <= \\u05e9" in out
    assert "# Chosen on the same images: the level is optimistic." in out
    assert (place / "judged" / "report.html").exists()


@pytest.mark.slow
def test_an_end_is_quiet() -> None:
    """Extension modules complain, where the interpreter is taken down, of what its last look for cycles has left."""
    command = [sys.executable, "-m", "search", "describe", "resnet18", "--size", "32"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=HANG_S)
    assert (done.returncode, done.stderr) == (0, "")


def test_threads_and_exit_functions_come_before_the_end() -> None:
    code = (
        "import atexit, sys, threading, time; from search.system import streams\n"
        "atexit.register(print, 'last'); streams.prepare()\n"
        "threading.Thread(target=lambda: (time.sleep(0.2), print('thread'))).start()\n"
        "print('first'); streams.leave(7)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=HANG_S)
    assert (done.returncode, done.stdout, done.stderr) == (7, "first\nthread\nlast\n", "")


class Narrow(io.StringIO):
    """A terminal that says nothing of its width."""

    def isatty(self) -> bool:
        return True


def test_lines_are_broken_at_words_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "spaces/a.yaml:3: epochs: 0 is below 1; write a whole number\n  note: the images of each class 0 45/30/30"
    assert streams.wrapped(text, io.StringIO()) == text
    monkeypatch.setenv("COLUMNS", "40")
    assert streams.wrapped(text, Narrow()).splitlines() == [
        "spaces/a.yaml:3: epochs: 0 is below 1;",
        "  write a whole number",
        "  note: the images of each class",
        "    0 45/30/30",
    ]
    monkeypatch.delenv("COLUMNS")
    assert streams.terminal_columns(Narrow()) == streams.USUAL_COLUMNS
    monkeypatch.setenv("COLUMNS", "3")
    assert streams.terminal_columns(Narrow()) == streams.USUAL_COLUMNS, "nothing can be read at that width"
