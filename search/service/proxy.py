"""A reverse proxy that says who asks, in a header that is believed from its address alone."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.requests import Request

from search.core.errors import UserError
from search.ledger.tokens import NAME, Tokens
from search.service.guard import Refused
from search.service.people import Person, Role

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

NOT_USER_HEADERS = ("authorization", "cookie", "host", "origin", "content-type", "content-length")


@dataclass(frozen=True)
class Proxy:
    """Who is believed to say who asks.

    Attributes:
        header: that names the person, in lower case.
        networks: addresses from which it is believed.
        role: of a person who has no token; who has one has the role of that, and is shut out once it is revoked.
    """

    header: str
    networks: tuple[Network, ...]
    role: Role

    def name(self, request: Request) -> str:
        """Return who asks, as the proxy says; "" where it says nothing.

        Raises:
            Refused: somebody else says so, or what is said is no name.
        """
        named: list[tuple[bytes, bytes]] = request.scope["headers"]
        values = [value for name, value in named if name == self.header.encode("ascii")]
        if not values:
            return ""
        address = request.client.host if request.client else ""
        if not self._trusted(address):
            raise Refused(403, f"header {self.header!r} from {address}: only a proxy that was named may say who asks")
        if len(values) > 1:
            raise Refused(400, f"header {self.header!r}: found {len(values)} of them, must be one")
        name = values[0].decode("utf-8", "replace").strip()
        if name and not NAME.fullmatch(name):
            raise Refused(
                400, f"header {self.header!r}: {name[:80]!r} must be 1 to 64 letters, digits, spaces and . @ _ -"
            )
        return name

    def person(self, name: str, tokens: Tokens) -> Person:
        """Return a person with their role.

        Raises:
            Refused: their token was revoked.
        """
        token = tokens.named(name)
        if token is not None and token.revoked:
            raise Refused(403, f"{name}: the token of that name was revoked, and with it all that they may")
        return Person(name, self.role if token is None else Role[token.role.upper()])

    def _trusted(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        plain = getattr(parsed, "ipv4_mapped", None) or parsed  # an IPv6 socket shows IPv4 addresses so
        return any(plain in network for network in self.networks)


def proxy_of(header: str | None, addresses: Iterable[str], role: str) -> Proxy | None:
    """Return the proxy that options name; None where they name none.

    Args:
        header: name of the header.
        addresses: IP addresses or networks (``10.0.0.0/24``).
        role: of a person who has no token.

    Raises:
        UserError: one is named without the other, or cannot be used.
    """
    addresses = list(addresses)
    if header is None and not addresses:
        return None
    if header is None or not addresses:
        raise UserError("--user-header and --trusted-proxy go together: a header is believed from an address alone")
    name = header.lower()
    if not name.replace("-", "").isalnum() or not name.isascii() or name in NOT_USER_HEADERS:
        raise UserError(f"--user-header {header!r}: must be a header that the proxy alone sets, as X-Forwarded-User")
    networks = []
    for address in addresses:
        try:
            networks.append(ipaddress.ip_network(address))
        except ValueError as error:
            raise UserError(
                f"--trusted-proxy {address!r}: must be an IP address or a network, as 127.0.0.1 or 10.0.0.0/24"
            ) from error
    return Proxy(name, tuple(networks), Role[role.upper()])
