"""Where the results of a study lie: a folder that any name of a study can have, and that no other study shares."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path

_MAX_NAME_BYTES = 200
"""Bytes of a folder's name: file systems allow 255, and copies and archives add to it."""

_UNSAFE = re.compile(r'[/\\:*?"<>|~%]')
_TAKEN = re.compile(
    r"(reference|states?|data|ray|queue|logs|artifacts|mlartifacts|(search|optuna|mlflow)\.db.*)", re.IGNORECASE
)
"""Names that other things in the results folder have."""


def study_folder(results: Path, name: str) -> Path:
    """Return the folder of a study: `results`/<name> wherever that is a safe name.

    Any other name (with separators, control characters, leading or trailing dots, too long ...) is made safe and told
    apart by a hash of the original, after a sign that safe names do not have: two studies never share a folder. On a
    file system that ignores case, names that differ in case alone do.
    """
    if _safe(name):
        return results / name
    stem = "".join(c if c.isprintable() and not _UNSAFE.match(c) else "_" for c in name).strip(" .-")
    stem = stem.encode("utf-8", "replace")[:100].decode("utf-8", "ignore").strip(" .")
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return results / f"{stem or 'study'}~{digest}"


def _safe(name: str) -> bool:
    return (
        name.isprintable()
        and not _UNSAFE.search(name)
        and bool(name)
        and name == name.strip(" .")
        and not name.startswith("-")
        and not _TAKEN.fullmatch(name)
        and unicodedata.is_normalized("NFC", name)  # file systems take other forms for the same name
        and len(name.encode()) <= _MAX_NAME_BYTES
    )
