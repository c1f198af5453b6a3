"""Where a local Ray keeps its files, and which of them are swept; without Ray."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.core.errors import UserError
from search.engine.executor import folders
from search.engine.executor.folders import (
    LOCK_FILE,
    SOCKET_BYTES_INSIDE,
    SOCKET_PATH_BYTES,
    chosen,
    full,
    own_folder,
    sweep,
)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path is short and plain, wherever tests have theirs."""
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def place(short: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder for temporary files."""
    monkeypatch.setattr(folders, "places", lambda: [(str(short), "TMPDIR")])
    return short


def test_a_folder_that_will_not_do_is_passed_over_and_said(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long, most = short / ("x" * 100), SOCKET_PATH_BYTES - SOCKET_BYTES_INSIDE
    long.mkdir()
    for value, said in [
        (str(long), f"has {len(bytes(long))} bytes, and the paths of sockets inside allow {most}"),
        ("/no/such", "is no folder"),
        ("tmp", "is no absolute path"),
        ("/dev/null", "is no folder"),
        ("/\udcff", "is no text in UTF-8"),
        ("/tmp/é", "has letters beyond ASCII, which Ray does not take"),
    ]:
        monkeypatch.setenv("TMPDIR", value)
        monkeypatch.delenv("RAY_TMPDIR", raising=False)
        note = f"TMPDIR {value!r} {said}: Ray's files lie in '/tmp' instead"
        assert chosen(folders.places()) == ("/tmp", note)
        monkeypatch.setenv("RAY_TMPDIR", "/tmp")
        assert chosen(folders.places()) == ("/tmp", ""), "Ray's own variable goes first"
    monkeypatch.delenv("RAY_TMPDIR")
    monkeypatch.setenv("TMPDIR", "")
    assert chosen(folders.places()) == ("/tmp", "")


def test_paths_of_sockets_fit() -> None:
    place = "/" + "t" * (SOCKET_PATH_BYTES - SOCKET_BYTES_INSIDE - 1)
    session = "session_2026-11-29_02-00-00_123456_4194304"
    assert len(f"{place}/search-abcdefgh/{session}/sockets/plasma_store".encode()) == SOCKET_PATH_BYTES
    assert folders.trouble_of(place) == "is no folder"
    assert folders.trouble_of(place + "t").startswith("has ")


def test_a_disk_that_is_full_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MIN_FREE_BYTES", 1e30)
    with pytest.raises(UserError) as caught:
        chosen([("/no/such", "TMPDIR"), ("/tmp", "")])
    text = str(caught.value)
    assert text.startswith(
        "there is no folder for Ray's temporary files: TMPDIR '/no/such' is no folder; '/tmp' has only "
    )
    assert text.endswith(" MB free; give one that will do in TMPDIR")


def test_a_folder_whose_disk_is_full_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    session = f"{tmp_path}/search-12345678/session_2026-01-01_00-00-00_000000_1"
    os.makedirs(session)
    assert full(session) == full("/no/such") == ""
    monkeypatch.setattr(folders, "DISK_FULL_BYTES", 1e30)
    assert full(session) == (
        f"the folder for Ray's temporary files '{tmp_path}' is full; make room, or give another one in TMPDIR; what is "
        "committed stays, and the same command goes on"
    )


def test_what_a_dead_driver_left_is_swept_and_nothing_else(place: Path) -> None:
    code = (
        "import sys\nfrom search.engine.executor import folders\n"
        "folders.places = lambda: [(sys.argv[1], '')]\n"
        "with folders.own_folder(print) as folder:\n    print(folder, flush=True)\n    input()\n"
    )

    def driver() -> tuple[subprocess.Popen[str], Path]:
        words = [sys.executable, "-c", code, str(place)]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        return process, Path(process.stdout.readline().strip())

    others = [place / name for name in ("ray", "search-pg-12345", "search-abcdefgh", "search-tune-ab")]
    for other in others:  # of other programs, of ours that have no lock, and of one that has no such name
        (other / "session_2026-01-01_00-00-00_000000_1").mkdir(parents=True)
    (others[-1] / LOCK_FILE).write_text("1\n")
    with own_folder(print) as mine:
        dead, left = driver()
        alive, kept = driver()
        (left / "session" / "logs").mkdir(parents=True)
        assert sweep() == 0
        dead.kill()
        dead.communicate()
        assert sweep() == 1
        assert not left.exists()
        assert kept.exists()
        assert Path(mine).exists()
        alive.communicate("\n")
        (place / "search-link0000").symlink_to(kept)
        (place / "search-file0000").write_text("")
        assert sweep() == 1
    assert [each for each in others if not each.is_dir()] == []


def test_folders_of_another_user_stay(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with own_folder(print):
        pass
    user = os.getuid()
    monkeypatch.setattr("search.engine.executor.folders.os.getuid", lambda: user + 1)
    assert sweep() == 0


def test_the_next_run_sweeps(place: Path) -> None:
    with own_folder(print) as first:
        pass
    with own_folder(print) as second:
        assert os.listdir(place) == [Path(second).name]
    assert not Path(first).exists()
