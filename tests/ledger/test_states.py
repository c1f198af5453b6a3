"""States: files that are complete or not there and never believed unread, and the table that remembers them."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from search.core.trial import Row
from search.ledger import files
from search.ledger.files import BadState, StateFile, all_files, found_states, read_state, write_state
from search.ledger.kept import KeptState, Role
from search.ledger.ledger import Ledger
from search.ledger.states import States
from search.ledger.tables import VERSION
from tests.ledger.test_ledger import key, python, study_of
from tests.surroundings import HANG_S

CONTENT = bytes(range(256)) * 5
KEY = "ab" * 20


def lying(folder: Path) -> list[str]:
    """Names of all files in a folder of states."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


# Files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"\0", CONTENT], ids=len)
def test_a_state_comes_back_as_it_was_written(tmp_path: Path, content: bytes) -> None:
    state = write_state(tmp_path, KEY, content)
    assert state == StateFile(KEY, hashlib.sha256(content).hexdigest(), len(content))
    assert read_state(tmp_path, state) == content
    assert lying(tmp_path) == [f"{KEY}-{state.sha256[:16]}"]


@given(st.binary(min_size=1, max_size=60), st.data())
@pytest.mark.slow
def test_no_bit_flips_unseen(tmp_path_factory: pytest.TempPathFactory, content: bytes, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("flip")
    state = write_state(folder, KEY, content)
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    flip(folder / state.name, bit)
    with pytest.raises(BadState):
        read_state(folder, state)
    assert list(found_states(folder, KEY)) == []


def test_a_folder_that_was_moved_away_is_not_made_again(tmp_path: Path) -> None:
    """It would be in the way of putting it back."""
    folder, elsewhere = tmp_path / "results" / "states", tmp_path / "elsewhere"
    folder.mkdir(parents=True)
    state = write_state(folder, KEY, CONTENT)
    folder.parent.rename(elsewhere)
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            write_state(folder, "cd" * 20, CONTENT)
        with pytest.raises(BadState):
            read_state(folder, state)
        assert not folder.parent.exists()
        folder.parent.mkdir()  # as the point is where a disk was mounted
        with pytest.raises(FileNotFoundError):
            write_state(folder, "cd" * 20, CONTENT)
        folder.parent.rmdir()
    elsewhere.rename(folder.parent)
    assert read_state(folder, state) == CONTENT
    assert lying(tmp_path) == [Path(state.name).name]


def flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a bit": (lambda path: flip(path, 77), "has changed since it was written: its hash differs"),
    "cut short": (lambda path: os.truncate(path, 1000), "has 1,000 bytes, 1,280 were written"),
    "empty": (lambda path: os.truncate(path, 0), "has 0 bytes, 1,280 were written"),
    "longer": (lambda path: path.write_bytes(CONTENT + b"."), "has 1,281 bytes, 1,280 were written"),
    "gone": (lambda path: path.unlink(), "cannot be read: No such file or directory"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "cannot be read: Is a directory"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_a_miss_and_can_be_written_again(tmp_path: Path, damage: str) -> None:
    spoil, said = DAMAGES[damage]
    state = write_state(tmp_path, KEY, CONTENT)
    path = tmp_path / state.name
    spoil(path)
    with pytest.raises(BadState) as bad:
        read_state(tmp_path, state)
    assert str(bad.value) == f"state {path.name} {said}"
    assert list(found_states(tmp_path, KEY)) == []
    if damage == "a folder":
        path.rmdir()
    assert write_state(tmp_path, KEY, CONTENT) == state
    assert read_state(tmp_path, state) == CONTENT


def test_a_foreign_file_is_no_state(tmp_path: Path) -> None:
    """One copied to another name, or put there by hand, has not the hash that its name says."""
    state = write_state(tmp_path, KEY, CONTENT)
    other = StateFile("cd" * 20, state.sha256, state.size)
    (tmp_path / "ab" / f"{KEY}-{'0' * 16}").write_bytes(CONTENT)
    (tmp_path / "ab" / f"{KEY}-notes.txt").write_text("mine")
    assert list(found_states(tmp_path, KEY)) == [state]
    with pytest.raises(BadState, match="No such file"):
        read_state(tmp_path, other)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_where_there_is_no_room_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, call, refuse)
    with pytest.raises(OSError, match=os.strerror(number)):
        write_state(tmp_path, KEY, CONTENT)
    assert lying(tmp_path) == []
    monkeypatch.undo()
    assert read_state(tmp_path, write_state(tmp_path, KEY, CONTENT)) == CONTENT


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(path: Path, mode: str, usual: Callable[..., IO[bytes]] = Path.open) -> IO[bytes]:
        return usual(Path("/dev/full") if mode == "wb" else path, mode)

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(OSError, match="No space left on device"):
        write_state(tmp_path, KEY, CONTENT)


def test_the_draft_is_synced_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    sync = os.fsync
    monkeypatch.setattr(files.os, "fsync", lambda number: (seen.append(lying(tmp_path)), sync(number)))
    write_state(tmp_path, KEY, CONTENT)
    assert len(seen) == 2, "the file, then its folder"
    assert all(name.startswith(".") for name in seen[0])
    assert seen[1] == lying(tmp_path)
    assert not seen[1][0].startswith(".")


@pytest.mark.slow
def test_processes_that_come_to_the_same_state_do_not_disturb_each_other(tmp_path: Path) -> None:
    code = (
        "import sys; from search.ledger.files import read_state, write_state\n"
        "sys.stdin.readline()\n"
        "for number in range(25):\n"
        "    content = bytes([number]) * 50_000\n"
        "    assert read_state(sys.argv[1], write_state(sys.argv[1], f'{number:040x}', content)) == content\n"
        "print('sound')"
    )
    writers = [python(code, str(tmp_path)) for _ in range(3)]
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [writer.communicate(timeout=HANG_S)[0] for writer in writers] == ["sound\n"] * 3
    assert len(lying(tmp_path)) == 25
    for number in range(25):
        assert len(list(found_states(tmp_path, f"{number:040x}"))) == 1


def test_a_writer_that_is_killed_leaves_a_draft_at_most(tmp_path: Path) -> None:
    code = (
        "import itertools, sys; from search.ledger.files import write_state\n"
        "print('on', flush=True)\n"
        "for number in itertools.count():\n"
        "    write_state(sys.argv[1], f'{number:040x}', bytes([number % 256]) * 2_000_000)"
    )
    writer = python(code, str(tmp_path))
    assert writer.stdout
    assert writer.stdout.readline() == "on\n"
    until = time.monotonic() + HANG_S
    while len(lying(tmp_path)) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    writer.send_signal(signal.SIGKILL)
    writer.communicate(timeout=HANG_S)
    names = [path for path, named in all_files(tmp_path) if named]
    assert len(names) >= 2
    drafts = [path for path, named in all_files(tmp_path) if not named]
    assert len(drafts) <= 1
    for path in names:
        assert [file.name for file in found_states(tmp_path, path.name[:40])] == [f"{path.parent.name}/{path.name}"]


# The table ------------------------------------------------------------------------------------------------------


class StatesContract:
    """What `search.ledger.states.States` promises. A subclass gives `storage`: a place without a ledger yet."""

    @pytest.fixture
    def states(self, ledger: Ledger) -> States:
        ledger.states.make_folder()
        return ledger.states

    @pytest.fixture
    def put(self, ledger: Ledger, study: int) -> Callable[..., KeptState]:
        ledger.states.make_folder()

        def put(number: int, role: Role = Role.SPACED, size: int = 10, epoch: int = 1, fill: bytes = b".") -> KeptState:
            kept = KeptState(write_state(ledger.states.folder, key(number), fill * size), epoch, role)
            with ledger.step(study) as step:
                step.put_state(kept)
            return kept

        return put

    def test_a_fresh_ledger_has_no_states(self, states):
        assert states.find([KEY]) == {}
        assert states.size() == (0, 0)
        assert states.make_room(0) == []
        assert states.clean() == (0, 0)

    def test_a_state_is_found_as_it_was_put(self, states, put):
        kept = put(1, Role.BRANCH, 33, 7)
        assert states.find([key(0), key(1)]) == {key(1): kept}
        assert states.size() == (1, 33)

    def test_a_state_is_named_with_its_step_or_not_at_all(self, ledger, states, study):
        kept = KeptState(write_state(states.folder, KEY, b"x"), 1, Role.LAST)
        with pytest.raises(ZeroDivisionError), ledger.step(study) as step:
            raise ZeroDivisionError(step.put_state(kept))
        assert states.find([KEY]) == {}

    def test_all_states_of_a_long_path_are_found(self, states, put):
        path = [key(number) for number in range(1200)]
        assert states.find(path) == {}
        early, last = put(3, epoch=4), put(700, epoch=701)
        assert states.find(path) == {key(3): early, key(700): last}
        assert states.find(path[:700]) == {key(3): early}

    def test_another_state_of_the_same_key_replaces_the_one_before(self, states, put):
        put(1, Role.SPACED, fill=b"a")
        second = put(1, Role.ROLLING, 20, fill=b"b")
        assert states.find([key(1)]) == {key(1): second}
        assert states.size() == (1, 20)
        assert states.clean(age=0) == (1, 10), "the file of the one before is nobody's"
        assert read_state(states.folder, second.file) == b"b" * 20

    def test_a_state_left_by_a_worker_is_adopted_if_it_is_sound(self, states):
        assert not states.adopt(KEY, 4, Role.LAST), "there is none"
        file = write_state(states.folder, KEY, CONTENT)
        path = states.folder / file.name
        flip(path, 5)
        assert not states.adopt(KEY, 4, Role.LAST), "it is not sound"
        flip(path, 5)
        assert states.adopt(KEY, 4, Role.LAST)
        assert states.find([KEY]) == {KEY: KeptState(file, 4, Role.LAST)}
        assert not states.adopt(KEY, 9, Role.BRANCH), "it is on record"
        assert states.find([KEY])[KEY].epoch == 4

    def test_what_is_forgotten_is_off_the_disk(self, states, put):
        kept = [put(number, size=number) for number in range(1, 5)]
        assert states.forget([key(1), key(3), key(9)]) == 4
        assert states.size() == (2, 6)
        assert lying(states.folder) == sorted(Path(kept[place].file.name).name for place in (1, 3))
        (states.folder / kept[1].file.name).unlink()
        assert states.forget([key(2)]) == 2, "a file that is gone already does not matter"
        assert states.forget([]) == 0

    def test_the_least_useful_goes_first(self, states, put):
        order = [Role.SPACED, Role.LANDMARK, Role.LAST, Role.RUNG, Role.BRANCH, Role.ROLLING]
        assert list(Role) == order
        for number, role in enumerate(reversed(order)):
            put(number, role)
        for freed, number in enumerate(reversed(range(6)), start=1):
            assert states.make_room(60 - 10 * freed) == [key(number)]
        assert lying(states.folder) == []

    def test_among_equals_the_oldest_goes_first(self, ledger, states, put):
        for number in (2, 1, 3):
            put(number, Role.LAST)
            time.sleep(0.003)  # ages are kept to the millisecond
        put(9, Role.BRANCH)
        assert states.make_room(20) == [key(2), key(1)]

    def test_what_a_driver_wants_goes_last(self, states, put):
        put(1, Role.SPACED)
        put(2, Role.BRANCH)
        put(3, Role.ROLLING)
        assert states.make_room(20, lambda: {key(1)}) == [key(2)]
        assert states.make_room(10, lambda: {key(1)}) == [key(3)]
        assert states.make_room(9, lambda: {key(1)}) == [key(1)]

    def test_room_is_made_to_the_byte(self, states, put):
        for number in range(4):
            put(number, size=10)
        assert states.make_room(40) == []
        assert len(states.make_room(39)) == 1
        assert len(states.make_room(11)) == 2
        assert states.size() == (1, 10)

    def test_clean_frees_what_nobody_names(self, states, put):
        kept = put(1, size=11)
        write_state(states.folder, key(2), b"left by a worker")
        write_state(states.folder, key(1), b"another one of a key that is named")
        draft = states.folder / key(1)[:2] / f".{key(1)}-{'0' * 16}.4711"
        draft.write_bytes(b"half a sta")
        assert states.clean(age=3600) == (0, 0), "somebody may be writing it, or about to name it"
        assert states.clean(age=0) == (3, 16 + 34 + 10)
        assert lying(states.folder) == [Path(kept.file.name).name]
        assert states.clean(age=0) == (0, 0)
        assert states.clean(everything=True) == (1, 11)
        assert states.size() == (0, 0)
        assert lying(states.folder) == []

    def test_two_ledgers_on_one_database_see_each_others_states(self, ledger, storage, tmp_path, put):
        second = Ledger(storage, tmp_path / "states")
        kept = put(1, Role.BRANCH)
        assert second.states.find([key(1)]) == {key(1): kept}
        assert second.states.forget([key(1)]) == 10
        assert ledger.states.find([key(1)]) == {}
        second.close()

    def test_a_ledger_without_the_table_gets_it(self, storage, tmp_path):
        """Of the layout before: everything else stays as it was."""
        first = Ledger(storage, tmp_path / "states")
        study = study_of(first)
        run = first.begin_run(study, {})
        with first.step(study) as step:
            step.put_row(KEY, 1, Row({"loss": 0.5}, {}), 1.0, run)
        with first.writing() as connection:
            connection.execute(sa.text("DROP TABLE state"))
            connection.execute(sa.text("UPDATE meta SET value = '1' WHERE name = 'version'"))
        first.close()
        opened = Ledger(storage, tmp_path / "states")
        assert opened.states.find([KEY]) == {}
        assert opened.rows([KEY])[KEY].row.metrics == {"loss": 0.5}
        opened.states.make_folder()
        kept = KeptState(write_state(opened.states.folder, KEY, CONTENT), 1, Role.LAST)
        with opened.step(study) as step:
            step.put_state(kept)
        opened.close()
        again = Ledger(storage, tmp_path / "states")
        assert again.states.find([KEY]) == {KEY: kept}
        again.close()


class TestSqlite(StatesContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> str:
        return str(tmp_path / "search.db")

    def test_states_lie_beside_the_database(self, tmp_path: Path) -> None:
        ledger = Ledger(str(tmp_path / "results" / "search.db"))
        assert ledger.states.folder == tmp_path / "results" / "states"
        ledger.close()

    def test_a_file_of_the_first_layout_says_that_it_is_of_this_one_now(self, ledger: Ledger, storage: str) -> None:
        ledger.close()
        with sqlite3.connect(storage) as connection:
            connection.execute("UPDATE meta SET value = '1'")
            connection.execute("DROP TABLE state")
        connection.close()
        Ledger(storage).close()
        with sqlite3.connect(storage) as connection:
            assert connection.execute("SELECT value FROM meta").fetchall() == [(VERSION,)]
        connection.close()


@pytest.mark.slow
class TestPostgres(StatesContract):
    @pytest.fixture
    def storage(self, postgres_database: str) -> str:
        return postgres_database


@pytest.mark.slow
def test_two_drivers_name_one_state_at_once(postgres_database, tmp_path):
    """The row is on record and its state is not: both trained it again."""
    one, other = (Ledger(postgres_database, states=tmp_path) for _ in range(2))
    try:
        key, row = "ab" * 20, Row({"loss": 1.0})
        kept = KeptState(StateFile(key, "0" * 64, 3), 5, Role.BRANCH)
        studies = []
        for ledger, name in ((one, "one"), (other, "other")):
            ledger.create_study(name, name, 1, "", "", "toy")
            study = ledger.study(name).id
            studies.append((study, ledger.begin_run(study, {})))
        with one.step(studies[0][0]) as step:
            step.put_row(key, 5, row, 1.0, studies[0][1])
        errors = []

        def second():
            try:
                with other.step(studies[1][0]) as step:
                    step.put_state(kept)
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=second)
        with one.step(studies[0][0]) as step:
            step.put_state(kept)
            thread.start()
            thread.join(0.5)  # it waits for the first one to commit
        thread.join(HANG_S)
        assert errors == []
        assert one.states.find([key]) == {key: kept}
    finally:
        one.close()
        other.close()
