"""Results that this user may only read: every verb that reads says what it says to their owner, and changes nothing."""

from __future__ import annotations

import importlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from search import api
from search.__main__ import run
from search.core.errors import ReadOnly, UserError
from search.ledger.ledger import Ledger
from search.ledger.urls import sqlite_url
from search.plan.priced import ledger_to_read
from tests.report.judging import SPACE, Bench
from tests.stranger import listing, shared_folder, stranger
from tests.surroundings import HANG_S, ROOT

TEXT = """\
name: judged
workload: toy
fixed: {epochs: 2}
space: {gamma: {grid: [0, 1, 2]}}
seeds: 3
report: {baseline: 0}
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with ``results``, which hold a study, and ``mine``, to which everybody may write."""
    for module in ("pandas", "search.report.results", "search.report.page.page", "search.logs.content"):
        importlib.import_module(module)  # the other user may not read the interpreter's files
    with shared_folder() as folder:
        (folder / "results").mkdir()
        (folder / "mine").mkdir()
        (folder / "mine").chmod(0o777)
        ledger = Ledger(str(folder / "results" / "search.db"))
        bench = Bench(ledger, SPACE).grid()
        ledger.update_study(bench.record.id, space=TEXT)
        ledger.close()
        yield folder


def ask(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = run([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


READING = (["list"], ["show", "judged"], ["show", "judged", "0"])


def test_what_a_stranger_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = place / "results"
    told = {}
    for words in READING:
        told[tuple(words)] = ask(capsys, *words, "--results", results)
    before = listing(results)
    with stranger(results):
        for words in READING:
            assert ask(capsys, *words, "--results", results) == told[tuple(words)]
        path = place / "mine" / "table.csv"
        code, out, err = ask(capsys, "export", "judged", "--results", results, "-o", path)
        assert (code, out, err) == (0, f"{path}\n", "")
        code, out, err = ask(capsys, "export", "judged", "--results", results)
        assert (code, out) == (1, "")
        assert err == f"{results}/judged/table.md: cannot be written: Permission denied; give another place\n"
    assert listing(results) == before


@pytest.mark.slow
def test_a_report_is_printed_where_it_cannot_be_written(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, mine = place / "results", place / "mine"
    with stranger(results):
        code, out, err = ask(capsys, "report", "judged", "--results", results)
        assert code == 0
        assert "gamma=2" in out
        assert err == (
            f"{results}/judged/space.yaml: cannot be written: Permission denied; --results FOLDER "
            f"--storage '{results}/search.db' writes elsewhere\n"
            f"that its table was looked at is not on record: storage '{results}/search.db': this user may read it, and "
            "not write to it\n"
        )
        code, printed, err = ask(capsys, "report", "judged", "--results", mine, "--storage", results / "search.db")
        assert code == 0
        assert (mine / "judged" / "report.html").exists()
        assert printed.startswith(out)
        assert err.count("\n") == 1, "the look is not on record"
    assert not (results / "judged").exists()


@pytest.mark.slow
def test_other_verbs_that_read(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorboardX")
    loading = ("--results", place / "loaded", "--storage", place / "results" / "search.db")
    ask(capsys, "log", "judged", "--to", "tensorboard", *loading)  # the other user may not read the interpreter's files
    ask(capsys, "visualize", "judged", "--recorded", "-o", place / "loaded", *loading)
    results, mine = place / "results", place / "mine"
    before = listing(results)
    with stranger(results):
        with ledger_to_read(results, None) as ledger:  # of `plan`
            assert (ledger.read_only, len(ledger.studies())) == (True, 1)
        code, _, err = ask(capsys, "log", "judged", "--to", "tensorboard", "--results", results)
        assert (code, err) == (
            1,
            f"{results}/judged/tensorboard: cannot be written: Permission denied; --results and --storage name other "
            "places\n",
        )
        elsewhere = ("--results", mine, "--storage", results / "search.db")
        code, out, _ = ask(capsys, "log", "judged", "--to", "tensorboard", *elsewhere)
        assert (code, out.partition(";")[0]) == (0, f"TensorBoard: 9 trials in {mine}/judged/tensorboard")
        code, out, _ = ask(capsys, "visualize", "judged", "--recorded", "-o", mine / "figures", "--results", results)
        assert code == 0
        assert f"{mine}/figures/" in out
    assert listing(results) == before


def test_a_study_that_is_read_refuses_to_be_written(place: Path) -> None:
    with stranger(place / "results"):
        study = api.open_study("judged", results=place / "results")
        assert study.ledger.read_only
        assert len(study.trials()) == 9
        with pytest.raises(ReadOnly) as caught, study.ledger.step(study.record.id) as step:
            step.log("look", seeds=1, asked=1)
    assert str(caught.value) == (f"storage '{place}/results/search.db': this user may read it, and not write to it")


HOLDER = """
import sys
from search.ledger.ledger import Ledger
from search.ledger.urls import sqlite_url
ledger = Ledger(sys.argv[1])
record = ledger.study("judged")
with ledger.step(record.id) as step:
    step.log("noted", what="behind the log")
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def written(place: Path) -> Iterator[Path]:
    """A results folder to which another process is writing: its last entry stands in the log alone."""
    command = [sys.executable, "-c", HOLDER, str(place / "results" / "search.db")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield place / "results"
    finally:
        process.communicate(timeout=HANG_S)


@pytest.mark.slow
def test_a_file_with_a_log(written: Path, place: Path) -> None:
    """Of a writer that is there, that was killed, and whose files were copied without the log's index."""
    killed, copied = place / "killed", place / "copied"
    for folder, names in ((killed, ("", "-wal", "-shm")), (copied, ("", "-wal"))):
        folder.mkdir()
        for name in names:
            shutil.copy(written / f"search.db{name}", folder / f"search.db{name}")
    for folder in (written, killed, copied):
        before = listing(folder)
        with stranger(folder):
            study = api.open_study("judged", results=folder)
            assert [entry.detail["what"] for entry in study.ledger.decisions(study.record.id, ["noted"])] == [
                "behind the log"
            ], folder
            study.ledger.close()
        assert listing(folder) == before


def test_a_file_with_a_journal(place: Path) -> None:
    """Another kind of writer was killed in the middle: its half-written pages are no part of the study."""
    results, killed = place / "results", place / "killed"
    killed.mkdir()
    with closing(sqlite3.connect(results / "search.db", isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = DELETE")
        writer.execute("PRAGMA cache_size = 1")  # pages go to the file before the commit
        writer.execute("PRAGMA cache_spill = 1")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE trial SET state = 'failed'")
        writer.execute("CREATE TABLE more AS SELECT randomblob(1000000) AS much")
        for name in ("search.db", "search.db-journal"):
            shutil.copy(results / name, killed / name)
        writer.execute("ROLLBACK")
    assert b"failed" in (killed / "search.db").read_bytes()
    with stranger(killed):
        study = api.open_study("judged", results=killed)
        assert set(study.trials()["state"]) == {"finished"}
        study.ledger.close()


@pytest.mark.slow
def test_a_writer_that_comes_later_is_seen(place: Path) -> None:
    """The dashboard stays open for days."""
    results = place / "results"
    with stranger(results):
        study = api.open_study("judged", results=results)
        assert study.ledger.decisions(study.record.id, ["noted"]) == []
    (results / "search.db").chmod(0o644)
    results.chmod(0o755)
    subprocess.run([sys.executable, "-c", HOLDER, results / "search.db"], input="", cwd=ROOT, text=True, check=True)
    with stranger(results):
        assert len(study.ledger.decisions(study.record.id, ["noted"])) == 1


def test_a_ledger_of_an_earlier_layout(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = place / "old"
    old.mkdir()
    with sqlite3.connect(old / "search.db") as connection:
        connection.executescript((ROOT / "tests" / "ledger" / "layouts" / "layout_1.sql").read_text())
    connection.close()
    before = listing(old)
    with stranger(old):
        code, out, err = ask(capsys, "list", "--results", old)
    assert (code, err) == (0, "")
    assert "finished" in out
    assert listing(old) == before


def test_results_that_cannot_even_be_read(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    closed = place / "results"
    closed.chmod(0o700)
    (place / "open").mkdir()
    with stranger(place / "open"):
        if os.access(closed, os.R_OK, effective_ids=True):
            pytest.skip("this user owns it")
        code, _, err = ask(capsys, "list", "--results", closed)
        with pytest.raises(UserError) as caught, ledger_to_read(closed, None):
            pass
    assert (code, err) == (1, f"{caught.value}\n")
    assert err == (
        f"'{closed}/search.db': Permission denied; ask whoever owns it for the right to read it, or name another "
        "place\n"
    )


def test_reading_makes_no_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for storage in (tmp_path / "none.db", sqlite_url(tmp_path / "none.db")):
        assert ask(capsys, "list", "--storage", storage, "--results", tmp_path / "r") == (
            1,
            "",
            f"there is no ledger {str(storage)!r}; `python -m search run FILE` makes one, --storage names another "
            "database\n",
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_server_at_which_this_user_may_only_read(
    postgres_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(postgres_database, states=tmp_path / "states")
    bench = Bench(ledger, SPACE).grid()
    ledger.update_study(bench.record.id, space=TEXT)
    url = sa.make_url(postgres_database)
    role = f"reader_{url.database}"
    with ledger.engine.begin() as connection:
        connection.execute(sa.text(f"CREATE ROLE {role} LOGIN PASSWORD 'x'"))
        connection.execute(sa.text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"))
    reader = url.set(username=role, password="x").render_as_string(hide_password=False)
    shown = url.set(username=role, password="x").render_as_string()
    try:
        assert ask(capsys, "list", "--storage", reader, "--results", tmp_path)[0] == 0
        code, out, err = ask(capsys, "report", "judged", "--storage", reader, "--results", tmp_path)
        assert (code, err) == (
            0,
            f"that its table was looked at is not on record: storage '{shown}': this user may read it, and not write "
            "to it (permission denied for table study)\n",
        )
        assert "gamma=2" in out
    finally:
        with ledger.engine.begin() as connection:
            connection.execute(sa.text(f"DROP OWNED BY {role}"))
            connection.execute(sa.text(f"DROP ROLE {role}"))
        ledger.close()
