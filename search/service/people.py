"""Who asks, and what they may do."""

from __future__ import annotations

import getpass
import ipaddress
from dataclasses import dataclass
from enum import IntEnum

from search.core.errors import UserError


class Role(IntEnum):
    """What a person may do; a higher role may do all that a lower one may."""

    VIEWER = 1  # reads
    RUNNER = 2  # submits, stops, moves
    ADMIN = 3  # deletes, and does so with what others submitted


@dataclass(frozen=True)
class Person:
    """Somebody who asks a server for something."""

    name: str
    role: Role


class NotAllowed(UserError):
    """Somebody may not do what they ask for."""


def owner() -> Person:
    """Return who started this server: whoever asks over loopback without a token is taken for them."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a user without an entry in the system
        name = "owner"
    return Person(name, Role.ADMIN)


def require(person: Person, role: Role, what: str) -> None:
    """Refuse what a person may not do.

    Raises:
        NotAllowed: their role is too low.
    """
    if person.role < role:
        raise NotAllowed(f"{person.name} is {_a(person.role)}: to {what} takes {_a(role)}")


def _a(role: Role) -> str:
    return f"an {role.name.lower()}" if role is Role.ADMIN else f"a {role.name.lower()}"


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
