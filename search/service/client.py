"""Asking a server from a program: its REST, over the standard library alone."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from search.core.errors import Fault, Faults, UserError
from search.service.people import is_loopback
from search.space.nodes import Problems
from search.space.yaml import read

TOKEN_VARIABLE = "SEARCH_TOKEN"
DEFAULT_URL = "http://127.0.0.1:8642"
ASKING_TIMEOUT_S = 180.0
"""Seconds that a server may take to answer: a check imports a workload."""


class Client:
    """Asks one server.

    Args:
        url: its address.
        token: who asks, "" for whoever started it, over loopback.

    Raises:
        UserError: the address is none.
    """

    def __init__(self, url: str, token: str = "") -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UserError(f"--url {url!r}: must be an address such as {DEFAULT_URL}")
        self._url, self._token = url.rstrip("/"), token or os.environ.get(TOKEN_VARIABLE, "")
        proxies = urllib.request.ProxyHandler({} if is_loopback(parts.hostname) else None)
        self._opener = urllib.request.build_opener(proxies)

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Ask for something below ``/api/v1``.

        Args:
            method: of the call.
            path: as it stands in an address: names in it are quoted.
            body: what is sent with it.

        Raises:
            Faults: a space file that was sent has them.
            UserError: the server cannot be reached, or says why it does not do it.
        """
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        content = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self._url}/api/v1{path}", content, headers, method=method)
        try:
            with self._opener.open(request, timeout=ASKING_TIMEOUT_S) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            raise _refusal(self._url, error) from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise UserError(
                f"no server answers at {self._url} ({reason}); start one with `python -m search serve`, or name "
                "another with --url"
            ) from error
        return answer if isinstance(answer, dict) else {}


def _refusal(url: str, error: urllib.error.HTTPError) -> UserError:
    try:
        answer = json.load(error)
        if answer.get("faults"):
            return Faults(Fault(**fault) for fault in answer["faults"])
        return UserError(str(answer["reason"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return UserError(f"{url} answers {error.code} {error.reason}: it is no server of ours, or an older one")


def files_of(path: str) -> dict[str, str]:
    """Return a space file and the files it extends: name below their common folder -> text, the space file first.

    Raises:
        Faults: one of them cannot be read.
    """
    problems, paths = Problems(), [Path(path)]
    while True:
        root = read(str(paths[-1]), problems)
        node = root.entries.get("extends") if root is not None else None
        if node is None or not isinstance(node.value, str) or not node.value:
            break
        base = Path(os.path.normpath(paths[-1].parent / node.value))
        if base in paths:
            break  # a circle, which the server names
        paths.append(base)
    if problems.faults:
        raise Faults(problems.faults)
    common = Path(os.path.commonpath([other.parent.absolute() for other in paths]))
    return {other.absolute().relative_to(common).as_posix(): other.read_text("utf-8-sig") for other in paths}
