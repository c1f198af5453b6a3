"""The space files that come with the service, and copies of them in a folder of the user's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from search.core.errors import UserError, nearest
from search.space.nodes import Node, Problems
from search.space.yaml import read

_PACKAGE = Path(__file__).parents[1]


def shipped_folder() -> Path:
    """Return where they lie: beside the package, under one name where it is installed, under another in a checkout."""
    installed = _PACKAGE.parent / "search_spaces"
    return installed if installed.is_dir() else _PACKAGE.parent / "spaces"


def shipped_spaces() -> dict[str, str]:
    """Return name -> title of every space file that can be run."""
    return {path.stem: _root(path)["title"].value for path in sorted(shipped_folder().glob("*.yaml"))}


def copy_shipped(name: str, folder: Path) -> list[Path]:
    """Copy a space file, and the base files it extends, into a folder; return all that are there now, itself first.

    A file that is there with the same content stays; none is ever overwritten.

    Raises:
        UserError: there is no space file of that name, a file of other content is in the way, or the folder cannot be
            written.
    """
    names = shipped_spaces()
    if name not in names:
        meant = nearest(name, names) or f"; there are {', '.join(names)}"
        raise UserError(f"space file {name!r}: found {name!r}, must be the name of one that is shipped{meant}")
    source = shipped_folder()
    texts = {
        folder / path.relative_to(source): path.read_text("utf-8") for path in _with_bases(source / f"{name}.yaml")
    }
    try:
        for path, text in texts.items():
            if path.exists() and path.read_text("utf-8", "replace") != text:
                raise UserError(
                    f"{path}: is there with other content, and no file is overwritten; rename it, or give another "
                    f"folder: python -m search init {name} --folder FOLDER"
                )
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.write_text(text, "utf-8")
    except OSError as error:
        raise UserError(
            f"{error.filename or folder}: {error.strerror}; give a folder that can be written: "
            f"python -m search init {name} --folder FOLDER"
        ) from error
    return list(texts)


def _with_bases(path: Path) -> list[Path]:
    """Return a sound space file and those it extends, in turn."""
    paths = [path]
    while base := _root(paths[-1]).get("extends"):
        paths.append(Path(paths[-1].parent, base.value))
    return paths


def _root(path: Path) -> Mapping[str, Node]:
    """Return what a sound space file says, without its base."""
    root = read(path, Problems())
    return root.entries if root is not None else {}
