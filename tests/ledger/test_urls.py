"""A path becomes a URL from its parts, and names the same file again."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from search.__main__ import run
from search.core.errors import UserError
from search.core.shown import shell_word
from search.ledger.ledger import Ledger
from search.ledger.urls import is_url, parsed, sqlite_file, sqlite_url

HOSTILE = (
    *("/a/feature%2Fx/o.db", "a?b", "a#b", "a&b=c", "a b+c", "100 %", "a:b@c", "{x}", "file:x", "é שלום", "C:\\x"),
    *("x;y", "~", "a'b\"c", "//host/x", "?", "%", "a\nb"),
)


@pytest.mark.parametrize("path", HOSTILE)
def test_a_url_names_the_file_it_was_made_of(path: str) -> None:
    url = sa.make_url(sqlite_url(path))
    assert (url.database, dict(url.query), url.host) == (path, {}, None)
    assert "{" not in sqlite_url(path), "Optuna formats its URLs"
    assert sqlite_file(sqlite_url(path)) == sqlite_file(path) == Path(path)
    assert not is_url(path)


def test_a_path_that_is_no_text() -> None:
    with pytest.raises(UserError) as caught:
        sqlite_url("/x/a\udcff")
    assert str(caught.value) == (
        "'/x/a\\udcff': the path holds bytes that are no UTF-8, of which no URL can be made; give a folder with "
        "another name as --results"
    )


def test_a_path_with_a_url_inside_is_a_path() -> None:
    assert parsed("/a/postgresql://x").database == "/a/postgresql://x"
    assert parsed("postgresql://host/x").host == "host"
    assert sqlite_file("postgresql://host/x") is None
    assert sqlite_file(":memory:") is None


def test_a_url_that_is_cut_off_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path}/a?b/search.db"
    assert run(["list", "--storage", url]) == 1
    assert capsys.readouterr().err == (
        f"storage {url!r}: {url.partition('?')[2]!r} behind the ? is no argument of an SQLite URL; write the "
        "path alone, or %3F for a ? that belongs to it\n"
    )
    assert list(tmp_path.iterdir()) == []
    Ledger(sqlite_url(tmp_path / "a?b" / "search.db") + "?timeout=5").close()
    assert [path.name for path in tmp_path.iterdir()] == ["a?b"]


def test_a_word_for_a_shell() -> None:
    assert shell_word("a b") == "'a b'"
    assert shell_word("a'b") == "'a'\"'\"'b'"
