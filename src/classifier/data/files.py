"""Which files of a folder are images, and text that changes when they do."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from classifier.data.kinds import odd
from classifier.data.links import broken, holds, links_to
from classifier.data.listing import named
from classifier.data.system import kind as skipped_as

EXTENSIONS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".ppm", ".pgm", ".pnm", ".tif", ".tiff", ".gif"),
    *(".avif", ".heic", ".heif", ".hif"),
)
"""Those of torchvision's ImageFolder, and what else Pillow reads of photos; in any letter case."""


@dataclass
class Passed:
    """Files of a folder that are not among its images, and links. Names are relative to the folder.

    Attributes:
        unreadable: pairs of (name, reason).
        others: extension -> number of visible files that end in it.
        skipped: name of what is hidden or made by a system -> how often it is there.
        outside: name of a link to an image or a folder that leads out of the folder -> where it leads.
        again: names of links that are not followed: what they lead to is read without them, or holds them.
    """

    unreadable: list[tuple[str, str]] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    outside: dict[str, str] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)

    def remarks(self) -> list[str]:
        """Return what the data check says of what is skipped, and of links."""
        ordered = sorted(self.skipped.items(), key=lambda item: (-item[1], item[0]))
        skipped = [f"{count:,} {text(name)}" for name, count in ordered]
        lines = [f"skipped, hidden or made by a system: {self.skipped.total():,}: {named(skipped, 10)}"] * bool(skipped)
        for what, links in (
            ("links that lead outside the folder, followed", [f"{a} -> {b}" for a, b in self.outside.items()]),
            ("links to a folder that is read without them, or that holds them, not followed", self.again),
        ):
            lines += [f"{what}: {len(links):,}: {named(links, 10, '; ')}"] * bool(links)
        return lines


def visible(folder: Path) -> list[Path]:
    """List a folder by name, apart from what is hidden or made by a system."""
    return sorted(path for path in folder.iterdir() if not skipped_as(path.name))


def folders(folder: Path) -> list[Path]:
    """List the visible folders in a folder, by name."""
    with os.scandir(folder) as entries:  # which tells files from folders without asking for each of very many
        found = [entry for entry in entries if not skipped_as(entry.name) and (entry.is_symlink() or entry.is_dir())]
    return [path for path in sorted(folder / entry.name for entry in found) if path.is_dir()]


def images(folder: Path, root: Path, passed: Passed) -> list[Path]:
    """List the images in a folder and in the folders below it, as torchvision's ImageFolder does.

    Args:
        folder: where to look.
        root: what names are relative to.
        passed: receives the files that are passed over, and links.
    """
    readable = []
    for path in _below(folder, root, passed):
        if reason := broken(path):
            passed.unreadable.append((relative(path, root), reason))
        elif path.suffix.lower() not in EXTENSIONS:
            passed.others[path.suffix.lower() or "no extension"] += 1
        elif not path.is_file():
            passed.unreadable.append((relative(path, root), odd(path) or "not a file"))
        elif not os.access(path, os.R_OK):
            passed.unreadable.append((relative(path, root), "no permission to read it"))
        else:
            readable.append(path)
    return readable


def _below(folder: Path, root: Path, passed: Passed) -> Iterator[Path]:
    """Yield the files in a folder and below it, in the order of their names, and note what is skipped, and links."""
    inside, top = os.path.realpath(root), os.path.realpath(folder)
    for link in links_to(folder, root):
        if holds(os.path.realpath(link), os.path.realpath(link.parent)):
            passed.again += [relative(link, root)] * (relative(link, root) not in passed.again)
            return
        _note(link, root, inside, passed)
    read = {top}
    open_folders = [(top, iter(_listed(folder, passed)))]
    while open_folders:
        parent, listed = open_folders[-1]
        path = next(listed, None)
        if path is None:
            open_folders.pop()
            continue
        if not path.is_dir():
            if path.suffix.lower() in EXTENSIONS:
                _note(path, root, inside, passed)
            yield path
            continue
        linked = path.is_symlink()
        real = os.path.realpath(path) if linked else str(Path(parent, path.name))
        if linked and (real in read or holds(top, real) or holds(real, parent)):
            passed.again.append(relative(path, root))
        elif real not in read:
            _note(path, root, inside, passed)
            read.add(real)
            open_folders.append((real, iter(_listed(path, passed))))


def _listed(folder: Path, passed: Passed) -> list[Path]:
    listed = list(folder.iterdir())
    passed.skipped.update(filter(None, (skipped_as(path.name) for path in listed)))
    return sorted(path for path in listed if not skipped_as(path.name))


def _note(path: Path, root: Path, inside: str, passed: Passed) -> None:
    """Note a link that leads out of the real folder `inside`."""
    if path.is_symlink() and not broken(path) and not holds(inside, os.path.realpath(path)):
        passed.outside[relative(path, root)] = text(os.path.realpath(path))


def note_above(places: Sequence[Path], root: Path, passed: Passed) -> None:
    """Note what lies beside the class folders `places` and above them, up to `root`: what is skipped, or no file."""
    for folder in sorted({parent for place in places for parent in place.parents if root in (parent, *parent.parents)}):
        found = [(relative(path, root), broken(path) or odd(path)) for path in _listed(folder, passed)]
        passed.unreadable += [(name, reason) for name, reason in found if reason]


def relative(path: Path, root: Path) -> str:
    """Return a file's name relative to `root`, as text that can be written anywhere."""
    return text(path.relative_to(root).as_posix())


def text(name: str) -> str:
    """Return a name of the file system as text that can be written anywhere."""
    return os.fsencode(name).decode("utf-8", "replace")


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
