"""The dashboard over results that this user may only read, and over a mirror that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from search.api import existing_ledger, mirror_url
from search.core.errors import UserError
from search.service import server
from tests.service.conftest import Served, ask, write_stub
from tests.stranger import listing, shared_folder, stranger


@pytest.mark.slow
def test_results_of_somebody_else(quick_report: None) -> None:
    with shared_folder() as folder:
        results = folder / "results"
        served = Served(results)
        write_stub(served.folder)
        (served.folder / "table.csv").write_text("of its owner")
        Served(results, "second").ledger.close()
        served.ledger.close()
        before = listing(results)
        with stranger(results), server.place_for(results) as place:
            assert place != results
            ledger, mirror = existing_ledger(results, None), mirror_url(place)
            assert server.prepare(ledger, mirror, place, results) == []
            application = server.application(ledger, mirror, place, results)
            listed = json.loads(ask(application, "/api/studies")[2])["study_summaries"]
            assert [one["study_name"] for one in listed] == ["focal", "second"]
            assert ask(application, "/reports/focal/table.csv")[::2] == (200, b"of its owner")
            assert ask(application, "/reports/second/")[0] == 200
            ledger.close()
        assert not place.exists()
        assert listing(results) == before


def test_a_place_that_can_be_written_is_taken(tmp_path: Path) -> None:
    with server.place_for(tmp_path / "new") as place:
        assert place == tmp_path / "new"
    assert place.is_dir()


def test_a_folder_of_which_no_url_can_be_made(tmp_path: Path) -> None:
    with server.place_for(tmp_path / "a\udcff") as place:
        assert mirror_url(place)
    assert not place.exists()


def test_a_mirror_that_cannot_be_used(served: Served, quick_report: None) -> None:
    (served.results / "optuna.db").write_text("this is no database, and much too long to be an empty one" * 100)
    said: list[str] = []
    with pytest.raises(UserError) as caught:
        server.serve(served.ledger, served.mirror, 0, said.append, served.results, pictures=False)
    assert str(caught.value) == (
        f"the mirror {served.mirror} cannot be used: (sqlite3.DatabaseError) file is not a database; remove it, for it "
        "is made anew from the ledger"
    )
    assert said[0].startswith("the mirror is behind: focal: ")
