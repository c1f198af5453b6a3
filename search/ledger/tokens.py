"""Who may use a server: names with a role, and hashes of tokens that were shown to them once."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from search.core.errors import UserError
from search.ledger.tables import action, token, utc_now, writing

TOKEN_BYTES = 32
"""Random bytes of a token: so many that a plain hash of it tells nobody anything."""

ROLES = ("viewer", "runner", "admin")
"""What a person may do: read; submit, stop and move; delete, and change what others submitted."""

NAME = re.compile(r"[\w][\w.@ -]{0,63}")
"""How a person may be called."""


@dataclass(frozen=True)
class Token:
    """A token as it is on record, without what it is: name, role, when made (UTC), by whom, and when revoked or ""."""

    name: str
    role: str
    made: str
    who: str
    revoked: str


class Tokens:
    """The tokens of one database.

    Args:
        engine: the ledger's.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, name: str, role: str, who: str) -> str:
        """Make a token and return it; it is not on record, and cannot be shown again.

        Args:
            name: of the person it is for.
            role: one of `ROLES`.
            who: makes it.

        Raises:
            UserError: the name is none, or taken; the role is none.
        """
        if not NAME.fullmatch(name):
            raise UserError(f"name {name!r}: must be 1 to 64 letters, digits, spaces and . @ _ -")
        if role not in ROLES:
            raise UserError(f"role {role!r}: must be one of {', '.join(ROLES)}")
        given = secrets.token_urlsafe(TOKEN_BYTES)
        with writing(self._engine) as connection:
            if connection.execute(sa.select(token.c.name).where(token.c.name == name)).scalar() is not None:
                raise UserError(f"name {name!r}: has a token, or had one; choose another name, so that logs stay clear")
            values = {"name": name, "sha256": _hash(given), "role": role, "made": utc_now(), "who": who, "revoked": ""}
            connection.execute(token.insert().values(**values))
            _log(connection, who, "token", f"{name}, {role}")
        return given

    def revoke(self, name: str, who: str) -> None:
        """Take a token's rights away, from now on.

        Raises:
            UserError: there is none of that name, or it was revoked.
        """
        with writing(self._engine) as connection:
            valid = token.c.name == name, token.c.revoked == ""
            result = connection.execute(token.update().where(*valid).values(revoked=utc_now()))
            if not result.rowcount:
                raise UserError(f"name {name!r}: has no token that is valid; `server token list` lists them")
            _log(connection, who, "revoke", name)

    def find(self, given: str) -> Token | None:
        """Return whose token this is; None where it is nobody's, or was revoked."""
        query = sa.select(token).where(token.c.sha256 == _hash(given), token.c.revoked == "")
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _token(row)

    def named(self, name: str) -> Token | None:
        """Return the token of a person, also one that was revoked; None where there never was one."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(token).where(token.c.name == name)).one_or_none()
        return None if row is None else _token(row)

    def all(self) -> list[Token]:
        """Return all tokens there are or were, oldest first."""
        with self._engine.connect() as connection:
            return [_token(row) for row in connection.execute(sa.select(token).order_by(token.c.made))]


def _token(row: sa.Row[tuple[str, ...]]) -> Token:
    return Token(row.name, row.role, row.made, row.who, row.revoked)


def _hash(given: str) -> str:
    return hashlib.sha256(given.encode("utf-8", "backslashreplace")).hexdigest()


def _log(connection: sa.Connection, who: str, what: str, detail: str) -> None:
    values = {"at": utc_now(), "who": who, "what": what, "entry": None, "study": "", "detail": detail}
    connection.execute(action.insert().values(**values))
