"""Notifications: short messages to wherever an address of Apprise leads (mail, Slack, a webhook, and a hundred more).

An address holds secrets. So it is never shown: messages, faults and logs name its place in the list and its kind
(``json://``), and logs of Apprise and of what it sends with, which may quote it, are silent. A message that cannot be
sent is said, and ends nothing.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from search.core.errors import UserError
from search.core.shown import printable

if TYPE_CHECKING:
    from apprise import Apprise

Kind = Literal["info", "success", "warning", "failure"]

MISSING = (
    "--notify needs a package that is not installed ({name}): pip install 'search-service[notify]', or in a checkout "
    "pip install -e '.[notify]'"
)

SENDING_TIMEOUT_S = 30.0
"""Seconds that all addresses together may take for one message."""

MAX_BODY_LETTERS = 3000
"""Letters of a message; some services refuse longer ones."""

LOGS = ("apprise", "urllib3")
"""Logs that quote addresses."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30})://")


@dataclass(frozen=True)
class Notice:
    """One message."""

    title: str
    body: str
    kind: Kind = "info"


def addresses(given: Sequence[str]) -> list[str]:
    """Return the addresses behind ``--notify``: each is one, or a file with one per line (``#`` begins a remark).

    Raises:
        UserError: a file cannot be read, or holds none.
    """
    found: list[str] = []
    for text in given:
        if _SCHEME.match(text):
            found.append(text)
            continue
        try:
            lines = Path(text).read_text("utf-8").splitlines()
        except (OSError, ValueError) as error:
            # What is no file may be an address with a slip in it: it is not shown.
            reason = getattr(error, "strerror", None) or "it is no UTF-8"
            raise UserError(
                f"--notify: found neither an address such as mailto://... nor a file that can be read ({reason})"
            ) from error
        held = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
        if not held:
            raise UserError(f"--notify {text}: the file holds no address; write one per line")
        found += held
    return found


class Notices:
    """Sends messages to addresses.

    Args:
        urls: addresses of Apprise.
        say: told what could not be sent.

    Raises:
        UserError: Apprise is not installed, or knows no such address.
    """

    def __init__(self, urls: Sequence[str], say: Callable[[str], object]) -> None:
        self._say = say
        self._targets = [_target(number, url) for number, url in enumerate(urls, start=1)]

    def send(self, notice: Notice) -> bool:
        """Send a message to all addresses; return whether all of them took it."""
        body = printable(notice.body, lines=True)
        if len(body) > MAX_BODY_LETTERS:
            body = f"{body[: MAX_BODY_LETTERS - 4]} ..."
        failed = [name for name, target in self._targets if not _sent(target, notice, body)]
        if failed:
            self._say(f"a notification could not be sent ({', '.join(failed)}): {printable(notice.title)}")
        return not failed


def _target(number: int, url: str) -> tuple[str, Apprise]:
    """Return what an address is called, and what sends to it."""
    scheme = _SCHEME.match(url)
    name = f"address {number}, {scheme[1].lower()}://" if scheme else f"address {number}"
    try:
        import apprise
    except ModuleNotFoundError as error:
        raise UserError(MISSING.format(name=error.name)) from error
    for logger in map(logging.getLogger, LOGS):
        logger.handlers, logger.propagate = [logging.NullHandler()], False
    target = apprise.Apprise()
    try:
        known = target.add(url)
    except Exception:  # whatever it raises may quote the address
        known = False
    if not known:
        raise UserError(f"--notify: {name}: Apprise knows no such address; see https://github.com/caronc/apprise/wiki")
    return name, target


def _sent(target: Apprise, notice: Notice, body: str) -> bool:
    try:
        answer = target.notify(
            body, printable(notice.title), notice.kind, body_format="text", timeout=SENDING_TIMEOUT_S
        )
    except Exception:  # a study never ends because of a message, whatever a service or its plugin does
        return False
    return bool(answer)
