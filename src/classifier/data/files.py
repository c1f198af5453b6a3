"""Which files of a folder are images, and text that changes when they do."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".tif", ".tiff", ".gif")


@dataclass
class Passed:
    """Files of a folder that are not among its images.

    Attributes:
        unreadable: pairs of (name relative to the folder, reason).
        others: extension -> number of visible files that end in it.
    """

    unreadable: list[tuple[str, str]] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)


def visible(folder: Path) -> list[Path]:
    """List a folder by name, hidden entries apart."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def folders(folder: Path) -> list[Path]:
    """List the visible folders in a folder, by name; ``__MACOSX``, which unpacking leaves behind, is none."""
    return [path for path in visible(folder) if path.is_dir() and path.name != "__MACOSX"]


def images(folder: Path, root: Path, passed: Passed) -> list[Path]:
    """List the images in a folder and in the folders below it, as torchvision's ImageFolder does.

    Args:
        folder: where to look.
        root: what names are relative to.
        passed: receives the files that are passed over.
    """
    found = []
    for path in _below(folder, set()):
        if path.suffix.lower() not in EXTENSIONS:
            passed.others[path.suffix.lower() or "no extension"] += 1
        elif not path.is_file():
            passed.unreadable.append((relative(path, root), "a link to nothing" if path.is_symlink() else "not a file"))
        elif not os.access(path, os.R_OK):
            passed.unreadable.append((relative(path, root), "no permission to read it"))
        else:
            found.append(path)
    return found


def _below(folder: Path, entered: set[str]) -> Iterator[Path]:
    real = os.path.realpath(folder)
    if real in entered:  # a link to a folder above
        return
    for path in visible(folder):
        if path.is_dir():
            yield from _below(path, entered | {real})
        else:
            yield path


def relative(path: Path, root: Path) -> str:
    """Return a file's name relative to `root`, as text that can be written anywhere."""
    return os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", "replace")


def identity(root: Path, paths: Sequence[Path]) -> str:
    """Return text that changes when one of these files may have changed.

    The place of the folder and the time of a file's last change of any kind (ctime) are part of it: two folders may
    agree in all names, sizes and modification times, and copying tools set the latter back. What decoded pixels a
    folder has is for the fingerprint to say; the worst a changed identity costs is decoding once more.
    """
    digest = hashlib.sha256(os.fsencode(os.path.realpath(root)))
    for path in paths:
        about = path.stat()
        name = os.fsencode(path.relative_to(root).as_posix())
        digest.update(b"\0%s\0%d %d %d" % (name, about.st_size, about.st_mtime_ns, about.st_ctime_ns))
    return f"folder {digest.hexdigest()}"
