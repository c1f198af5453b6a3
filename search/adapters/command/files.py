"""The files behind a command, by content: its program and source, which key the workload, and its data."""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from search.workload.modules import imports_of

_hashes: dict[tuple[str, int, int, int], str] = {}  # path, inode, size, time of change -> hash


def content_hash(path: str | os.PathLike[str]) -> str:
    """Return the hash of a file's bytes; read once per process as long as it is not written.

    Raises:
        OSError: it cannot be read.
    """
    about = Path(path).stat()
    name = (os.path.realpath(path), about.st_ino, about.st_size, about.st_mtime_ns)
    if name not in _hashes:
        with Path(path).open("rb") as file:
            _hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    return _hashes[name]


def hashes(paths: Iterable[str]) -> dict[str, str]:
    """Return file -> hash; of a folder, those of all files in it; of a Python file, those of what it imports, too.

    Args:
        paths: as a person wrote them, from the working folder on.

    Raises:
        OSError: one cannot be read.
    """
    digests: dict[str, str] = {}
    for path in paths:
        if not Path(path).is_dir():
            digests[path] = content_hash(path)
            digests |= {str(other): content_hash(other) for other in imported(path)}
            continue
        for inner in sorted(Path(path).rglob("*")):
            if inner.is_file() and "__pycache__" not in inner.parts:
                digests[str(inner)] = content_hash(inner)
    return digests


def imported(script: str) -> Iterator[Path]:
    """Yield the Python files that a Python file imports from its own folder, theirs included."""
    if not script.endswith(".py"):
        return
    root = Path(script).parent
    ahead, seen = [(Path(script), "")], {Path(script)}
    while ahead:
        path, module = ahead.pop()
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):  # it is the program's own to say so
            continue
        for name in imports_of(tree, module, path.name == "__init__.py"):
            base = root / name.replace(".", "/")
            for file in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
                if file not in seen and file.is_file():
                    seen.add(file)
                    ahead.append((file, name))
                    yield file


def named_files(words: Sequence[str]) -> list[str]:
    """Return the files that the words of a command line name: a word, what follows its first ``=``, or ``-m MODULE``.

    The program itself counts where it is given by a path from the working folder on.
    """
    named: dict[str, None] = {}
    for place, word in enumerate(words):
        choices = [word, word.partition("=")[2]]
        if place and words[place - 1] == "-m":
            base = word.replace(".", "/")
            choices += [f"{base}.py", f"{base}/__main__.py"]
        if place == 0 and (Path(word).is_absolute() or os.sep not in word):
            continue
        named |= dict.fromkeys(choice for choice in choices if choice and Path(choice).is_file())
    return list(named)


def program_of(word: str) -> str:
    """Return the path of a program that can be started, or "" where there is none."""
    return shutil.which(word) or ""


def why_no_program(word: str) -> str:
    """Say why a program cannot be started, and what to do about it."""
    if os.sep in word and Path(word).is_dir():
        return f"found {word!r}, which is a folder; name the program in it"
    if os.sep in word and Path(word).exists():
        return f"found {word!r}, which may not be executed; run `chmod +x {word}`, or put its interpreter before it"
    if os.sep in word:
        return f"found {word!r}, but there is no such file in {Path.cwd()}"
    beside = f"; write ./{word} for the file in the working folder" if Path(word).is_file() else ""
    return f"found {word!r}, but no program of this name is in PATH{beside or '; install it, or write its path'}"
