"""Which states are kept, and which one goes first when room is short.

The table remembers states; the files hold them (`search.ledger.files`). A file without an entry is room to be freed;
an entry without a sound file is a miss: its epochs are trained again. So neither is changed together with the other.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from search.core.errors import UserError
from search.ledger import files, tables
from search.ledger.files import StateFile
from search.ledger.kept import KeptState, Pair, Role

_ORDER = {role.value: place for place, role in enumerate(Role)}


class States:
    """The states of a ledger.

    Args:
        engine: of the database whose table of states it is.
        folder: where the files lie.
    """

    def __init__(self, engine: sa.Engine, folder: Path) -> None:
        self._engine, self.folder = engine, folder

    def make_folder(self) -> None:
        """Make the folder, before a run begins and never while it lasts.

        Raises:
            UserError: it cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"the folder of states {str(self.folder)!r} cannot be made ({error.strerror or error}); give --results "
                "a folder that can be written"
            ) from error

    def find(self, keys: Sequence[str]) -> dict[str, KeptState]:
        """Return the states on record of these keys; whether their files are sound is seen when they are read."""
        kept_of = {}
        with self._engine.connect() as connection:
            for batch in tables.batches(keys):
                query = sa.select(tables.state).where(tables.state.c.key.in_(list(map(bytes.fromhex, batch))))
                for row in connection.execute(query):
                    kept_of[row.key.hex()] = _kept(row)
        return kept_of

    def pairs(self, kinds: Collection[str]) -> list[Pair]:
        """Return the states of these kinds that have the row behind them, by epoch and key."""
        if not kinds:
            return []
        table = tables.state.c
        query = sa.select(tables.state).where(table.kind.in_(sorted(kinds)), table.behind.is_not(None))
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(table.epoch, table.key)).all()
        return [Pair(state=_kept(row), row_key=row.behind.hex(), **json.loads(row.pair)) for row in rows]

    def adopt(self, key: str, epoch: int, role: Role, kind: str = "") -> bool:
        """Take a sound file that has no entry into the record: a worker wrote it at its end; return whether there is
        one."""
        if self.find([key]):
            return False
        for file in files.found_states(self.folder, key):
            with tables.writing(self._engine) as connection:
                values: dict[str, Any] = {
                    "key": bytes.fromhex(key),
                    "sha256": file.sha256,
                    "size": file.size,
                    "epoch": epoch,
                }
                values |= {"role": role.value, "kind": kind or None}
                connection.execute(tables.insert_new(self._engine.dialect.name, tables.state, values))
            return True
        return False

    def forget(self, keys: Iterable[str]) -> int:
        """Free states; return their bytes. Entries go first: an entry must not outlive its file for long."""
        forgotten = self.find(list(keys))
        with tables.writing(self._engine) as connection:
            for kept in forgotten.values():
                connection.execute(tables.state.delete().where(tables.state.c.key == bytes.fromhex(kept.file.key)))
        for kept in forgotten.values():
            files.remove_state(self.folder, kept.file)
        return sum(kept.file.size for kept in forgotten.values())

    def size(self) -> tuple[int, int]:
        """Return the number of states on record and their bytes."""
        query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(tables.state.c.size), 0))
        with self._engine.connect() as connection:
            count, size = connection.execute(query.select_from(tables.state)).one()
        return int(count), int(size)

    def make_room(self, limit: int, wanted: Callable[[], Collection[str]] = tuple) -> list[str]:
        """Free the least useful states until all of them fit into `limit` bytes; return the keys of those freed.

        Args:
            limit: bytes.
            wanted: returns the keys of states a driver will start from: they go last. Only asked where some must go.
        """
        size = self.size()[1]
        if size <= limit:
            return []
        kept_longest = wanted()
        with self._engine.connect() as connection:
            kept = [_kept(row) for row in connection.execute(sa.select(tables.state).order_by(tables.state.c.made))]
        kept.sort(key=lambda state: (state.file.key in kept_longest, _ORDER[state.role]))  # stable: older ones first
        victims = []
        for state in kept:
            if size <= limit:
                break
            victims.append(state.file.key)
            size -= state.file.size
        self.forget(victims)
        return victims

    def clean(self, everything: bool = False, age: float = 600.0) -> tuple[int, int]:
        """Free what no entry names: drafts and states of drivers that were killed; with `everything`, all states.

        Args:
            everything: free states on record too.
            age: seconds a file must lie there without an entry: a worker may be about to be believed.

        Returns:
            files and bytes freed.
        """
        oldest = math.inf if everything else time.time() - age
        if everything:
            with tables.writing(self._engine) as connection:
                connection.execute(tables.state.delete())
        count = freed = 0
        there = list(files.all_files(self.folder))
        named = self.find([key for _, key in there if key])
        for path, key in there:
            kept = named.get(key or "")
            if kept is None or Path(self.folder, kept.file.name) != path:
                with contextlib.suppress(OSError):
                    found = path.stat()
                    if found.st_mtime <= oldest:
                        path.unlink()
                        count, freed = count + 1, freed + found.st_size
        return count, freed


def _kept(row: sa.Row[object]) -> KeptState:
    return KeptState(StateFile(row.key.hex(), row.sha256, row.size), row.epoch, Role(row.role), row.kind or "")
