"""What lies where a file or a folder is due, and a ledger that is none of both."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from search.core.errors import UserError
from search.ledger.ledger import Ledger
from search.system.special import kind_of
from search.system.writing import write_text


@pytest.fixture
def odd(tmp_path: Path) -> dict[str, Path]:
    """Kind -> something of that kind."""
    paths = {kind: tmp_path / kind for kind in ("file", "folder", "pipe", "socket")}
    paths["file"].touch()
    paths["folder"].mkdir()
    os.mkfifo(paths["pipe"])
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(paths["socket"]))  # a socket's path must be short
    return {**paths, "device": Path("/dev/null")}


def test_kinds(odd: dict[str, Path], tmp_path: Path) -> None:
    assert {kind: kind_of(path) for kind, path in odd.items()} == {kind: f"a {kind}" for kind in odd}
    link = tmp_path / "link"
    link.symlink_to(odd["pipe"])
    assert kind_of(link) == "a pipe"
    assert kind_of(tmp_path / "nothing") == kind_of("a\0b") == kind_of(odd["file"] / "below") == ""


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket", "device"])
def test_a_ledger_is_a_file(odd: dict[str, Path], kind: str) -> None:
    path = odd[kind]
    with pytest.raises(UserError) as caught:
        Ledger(str(path))
    assert str(caught.value) == (
        f"storage {str(path)!r}: {str(path)!r} is a {kind}, must be a file; name another place with --storage or "
        "--results"
    )


@pytest.mark.parametrize("kind", ["file", "pipe", "socket", "device"])
def test_results_are_a_folder(odd: dict[str, Path], kind: str) -> None:
    path = odd[kind]
    with pytest.raises(UserError) as caught:
        Ledger(str(path / "search.db"), states=path / "states")
    assert str(caught.value) == (
        f"storage {str(path / 'search.db')!r}: {str(path)!r} is a {kind}, must be a folder; name another place with "
        "--storage or --results"
    )


@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
def test_no_file_is_put_in_the_place_of_what_is_none(odd: dict[str, Path], kind: str) -> None:
    path = odd[kind]
    if kind == "device":
        path = odd["file"].with_name("link")  # as /dev/stdout is one
        path.symlink_to(odd[kind])
    with pytest.raises(UserError) as caught:
        write_text(path, "a table")
    assert str(caught.value) == f"{path}: is a {kind}, and the file would take its place; give the path of a file"
    assert kind_of(path) == f"a {kind}"
