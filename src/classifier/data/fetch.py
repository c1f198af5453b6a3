"""Data sets that lie elsewhere: found under ``SEARCH_DATA``, else in the cache folder, else fetched into it once.

What it guarantees:

* a set appears in the cache folder complete or not at all, however fetching it was broken off: it is made in a folder
  beside and renamed; processes that want the same one wait for the first;
* an archive is checked against its published md5 before it is unpacked, and nothing is written outside its folder;
* where a set cannot be had, one sentence says where it was looked for, what failed, and how to lay it there by hand.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from classifier.data import cache
from classifier.data.kinds import odd
from search.workload import SettingFaults

SERVER_TIMEOUT_S = 30.0
"""Seconds without a byte after which a server is given up."""


@dataclass(frozen=True)
class Remote:
    """A data set that can be fetched.

    Attributes:
        name: what it is called in settings.
        folder: the folder it fills.
        sign: an entry of that folder; where it is, the set is taken to be there.
        url: where it comes from, for people.
        megabytes: what is fetched, for people.
        layout: what must lie under ``SEARCH_DATA``, the end of the sentence "lay it so that ...".
        get: fetches and unpacks the set into ``folder`` inside the (empty) folder it is given.
    """

    name: str
    folder: str
    sign: str
    url: str
    megabytes: int
    layout: str
    get: Callable[[Path], None]

    @property
    def remedy(self) -> str:
        """How to lay the set where it is found, by hand."""
        return f"fetch it from {self.url} and lay it so that {self.layout}"


def data_folder() -> Path:
    """Return where fetched data sets lie: beside the decoded images."""
    return cache.folder().parent / "data"


def located(remote: Remote) -> Path:
    """Return the folder of a data set, fetched first where it is found nowhere.

    Raises:
        SettingFaults: it is found nowhere and cannot be fetched, or is no folder of files and folders.
    """
    root = os.environ.get("SEARCH_DATA")
    tried = []
    for place in ([Path(root).expanduser()] if root else []) + [data_folder()]:
        if (place / remote.folder / remote.sign).exists():
            return _sound(remote, place / remote.folder)
        tried.append(str(place / remote.folder / remote.sign))
    try:
        return _fetched(remote, data_folder())
    except Exception as error:  # urllib, http, tarfile, zlib and torchvision each raise kinds of their own
        reason = str(getattr(error, "reason", "") or error) or type(error).__name__
        set_to = f"SEARCH_DATA is {root}" if root else "SEARCH_DATA is not set"
        sentence = (
            f"{remote.name!r} was looked for as {' and '.join(tried)} ({set_to}), and could not be fetched from "
            f"{remote.url} into {data_folder()} ({' '.join(reason.split())}); {remote.remedy}"
        )
        raise SettingFaults([("data", sentence)]) from error


def _sound(remote: Remote, folder: Path) -> Path:
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise SettingFaults([("data", f"{folder} cannot be read: {error.strerror or error}")]) from error
    for path in inside:
        if what := odd(path):  # a library that opened it would wait for ever
            raise SettingFaults([("data", f"{path} is {what}, not a file; {remote.remedy}")])
    return folder


def _fetched(remote: Remote, place: Path) -> Path:
    final = place / remote.folder
    place.mkdir(parents=True, exist_ok=True)
    with cache.alone(place / f"{remote.folder}.lock") as locked:
        if (final / remote.sign).exists():  # another process was first
            return final
        if locked:  # nobody else is fetching it: what lies about was left by a process that was killed
            for leftover in place.glob(f".{remote.folder}-*"):
                shutil.rmtree(leftover, ignore_errors=True)
        print(f"fetching {remote.name} ({remote.megabytes} MB) from {remote.url} into {place}", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix=f".{remote.folder}-", dir=place, ignore_cleanup_errors=True) as beside:
            with _impatient():
                remote.get(Path(beside))
            if not (Path(beside) / remote.folder / remote.sign).exists():
                raise RuntimeError(f"what was fetched holds no {remote.folder}/{remote.sign}")
            try:
                Path(beside, remote.folder).replace(final)
            except OSError:
                if not (final / remote.sign).exists():  # where nothing can be locked another may have been first
                    raise
    return final


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    """Give up on silent servers: torchvision sets no limit, and would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SERVER_TIMEOUT_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
