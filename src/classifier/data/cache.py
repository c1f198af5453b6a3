"""Arrays of pixels on disk: made once, checked on every opening, shared by all processes through memory mapping.

What it guarantees:

* what `obtain` returns is what the maker made: a damaged, truncated or foreign file is noticed by its hash, reported
  through logging, and made again;
* files appear complete or not at all (written beside, synced, renamed), whoever is killed and however many processes
  make the same one at once; they wait for each other where the file system can lock;
* a folder that cannot be written is no reason to stop: the array is then held in memory.

An entry is two files: ``<key>.json`` describes it, ``<key>-<hash>.npy`` holds it. What is measured of an array has the
first of them alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from classifier.data.kinds import odd

log = logging.getLogger(__name__)

FORMAT_VERSION = 1
Make = Callable[[dict[str, Any]], Iterable[np.ndarray]]
"""Yields the blocks of an array, and leaves what else is to be remembered in the mapping it is given; ``passing``
in there means that the result is not to be kept."""


@dataclass(frozen=True)
class CacheEntry:
    """A read-only array, the hash of its bytes, and what its maker wanted remembered."""

    array: np.ndarray
    sha256: str
    extra: dict[str, Any]


@dataclass(frozen=True)
class About:
    """What ``<key>.json`` says of an entry."""

    shape: tuple[int, ...]
    sha256: str
    extra: dict[str, Any]


class Damaged(Exception):
    """An entry that is not what was written; the message says in what."""


def folder() -> Path:
    """Return where the decoded images lie: ``SEARCH_CACHE``, or the user's cache folder."""
    if named := os.environ.get("SEARCH_CACHE"):
        return Path(named) / "images"
    import platformdirs  # not where a machine that only trains lacks it, and the folder is named

    return Path(platformdirs.user_cache_dir("search")) / "images"


def key(*parts: str) -> str:
    """Return a name for what these texts determine."""
    return hashlib.sha256(json.dumps([FORMAT_VERSION, *parts]).encode()).hexdigest()[:32]


def peek(name: str) -> About | None:
    """Return what is known of an entry without reading its array; None where it is missing or damaged."""
    try:
        return _about(folder(), name)
    except Damaged:
        return None  # `obtain` will find it and say so


def recall(name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what JSON can hold, known as `name`; made and stored first where it is missing or damaged."""
    place = folder()
    try:
        if (about := _about(place, name)) is not None:
            return about.extra
    except Damaged as damage:
        log.warning("the cached figures %s are damaged (%s) and are made again", _about_path(place, name), damage)
    extra = make()
    with contextlib.suppress(OSError):  # that the folder cannot be used is said where images are put there
        place.mkdir(parents=True, exist_ok=True)
        _describe(place, name, About((), "", extra))
    return extra


def obtain(name: str, shape: tuple[int, ...], make: Make) -> CacheEntry:
    """Open the uint8 array called `name`, made and stored first where it is missing or damaged."""
    place = folder()
    entry = _open(place, name, shape)
    if entry is not None:
        return entry
    try:
        place.mkdir(parents=True, exist_ok=True)
        with alone(place / f"{name}.lock") as locked:
            entry = _open(place, name, shape) if locked else None
            return entry or _make(place, name, shape, make, tidy=locked)
    except OSError as error:
        log.warning(
            "the cache folder %s cannot be used (%s): decoded images are held in memory; set SEARCH_CACHE to a "
            "folder that can be written",
            place,
            error.strerror or error,
        )
    return _in_memory(shape, make)


def _make(place: Path, name: str, shape: tuple[int, ...], make: Make, tidy: bool) -> CacheEntry:
    if tidy:  # nobody else is writing this one: what lies about was left by a process that was killed
        for leftover in place.glob(f"{name}.*.tmp"):
            leftover.unlink(missing_ok=True)
    extra: dict[str, Any] = {}
    digest = hashlib.sha256()
    with _written(place, name) as (stream, publish):
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for block in make(extra):
            data = block.tobytes()
            digest.update(data)
            stream.write(data)  # not through a memory map, where a full disk kills the process
        if not extra.get("passing"):
            publish(_array_path(place, name, digest.hexdigest()))
        else:
            stream.flush()
            array = np.load(stream.name, mmap_mode="r")  # stays readable after its file is removed
            return CacheEntry(array, digest.hexdigest(), extra)
    _describe(place, name, About(shape, digest.hexdigest(), extra))
    entry = _open(place, name, shape)
    if entry is None:
        raise OSError("what was written cannot be read back")
    return entry


def _describe(place: Path, name: str, about: About) -> None:
    """Write what is known of an entry."""
    header = {
        "format": FORMAT_VERSION,
        "key": name,
        "shape": list(about.shape),
        "sha256": about.sha256,
        "extra": about.extra,
    }
    with _written(place, name) as (stream, publish):
        stream.write(json.dumps(header | {"check": _check(header)}).encode())
        publish(_about_path(place, name))


def _in_memory(shape: tuple[int, ...], make: Make) -> CacheEntry:
    array = np.empty(shape, dtype=np.uint8)
    extra: dict[str, Any] = {}
    start = 0
    for block in make(extra):
        array[start : start + len(block)] = block
        start += len(block)
    array.flags.writeable = False
    return CacheEntry(array, hashlib.sha256(array.data).hexdigest(), extra)


def _open(place: Path, name: str, shape: tuple[int, ...]) -> CacheEntry | None:
    try:
        about = _about(place, name)
        if about is None:
            return None
        if about.shape != shape:
            raise Damaged(f"its shape is {about.shape}, not {shape}")
        return CacheEntry(_array(_array_path(place, name, about.sha256), about), about.sha256, about.extra)
    except Damaged as damage:
        log.warning("the cached images %s are damaged (%s) and are made again", _about_path(place, name), damage)
        return None


def _about(place: Path, name: str) -> About | None:
    if what := odd(_about_path(place, name)):
        raise Damaged(f"its description is {what}")
    try:
        text = _about_path(place, name).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Damaged(error.strerror or str(error)) from error
    try:
        said = json.loads(text)
        check = said.pop("check")
        if check != _check(said) or said["key"] != name or said["format"] != FORMAT_VERSION:
            raise Damaged("its description does not match its hash")
        return About(tuple(said["shape"]), said["sha256"], said["extra"])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Damaged("its description cannot be read") from error


def _array(path: Path, about: About) -> np.ndarray:
    if what := odd(path):
        raise Damaged(f"its pixels are {what}")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise Damaged("its pixels are missing") from error
    except Exception as error:  # numpy raises several kinds on files that are not its own
        raise Damaged(f"its pixels cannot be read: {error}") from error
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or array.shape != about.shape:
        raise Damaged("its pixels have another shape")
    if not array.flags.c_contiguous or hashlib.sha256(array.data).hexdigest() != about.sha256:
        raise Damaged("its pixels do not match their hash")
    return array


def _check(said: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _about_path(place: Path, name: str) -> Path:
    return place / f"{name}.json"


def _array_path(place: Path, name: str, sha256: str) -> Path:
    return place / f"{name}-{sha256[:16]}.npy"


@contextlib.contextmanager
def _written(place: Path, name: str) -> Iterator[tuple[IO[bytes], Callable[[Path], None]]]:
    """Open a temporary file and hand out a function that gives it its name; without that call it is removed."""
    with (place / f"{name}.{uuid.uuid4().hex}.tmp").open("xb") as stream:

        def publish(path: Path) -> None:
            stream.flush()
            os.fsync(stream.fileno())
            Path(stream.name).replace(path)

        try:
            yield stream, publish
        finally:
            Path(stream.name).unlink(missing_ok=True)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Wait until no other process makes the same entry; False where the file system cannot lock."""
    if what := odd(path):
        raise OSError(f"{path} is {what}")
    with path.open("wb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX)
        except OSError:
            yield False
        else:
            yield True
