"""What is served under /reports/: the study's folder, and nothing else."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from search.service.reports import Reports, address, below
from tests.service.conftest import Served, ask, write_stub


@pytest.mark.slow
def test_the_report_is_written_where_it_is_missing_and_served(served: Served) -> None:
    assert served.prepare() == []
    status, headers, body = served.get("/reports/focal/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert body == (served.folder / "report.html").read_bytes()
    assert int(headers["Content-Length"]) == len(body)


def test_a_page_is_kept_from_the_dashboard(served: Served) -> None:
    write_stub(served.folder)
    for path in ("/reports/focal/", "/reports/", "/reports/focal/nothing", "/reports/other/"):
        headers = served.report(path)[1]
        assert headers["Content-Security-Policy"].startswith("sandbox allow-scripts allow-downloads;")
        assert "allow-same-origin" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


TYPES = [
    ("table.csv", "text/csv; charset=utf-8"),
    ("table.md", "text/plain; charset=utf-8"),
    ("space.yaml", "text/plain; charset=utf-8"),
    ("conditions.json", "application/json"),
    ("figures/one.PNG", "image/png"),
    ("figures/plotly.min.js", "text/javascript; charset=utf-8"),
    ("rows.parquet", "application/octet-stream"),
    ("קובץ %.html", "text/html; charset=utf-8"),
]


def test_types(served: Served) -> None:
    for name, kind in TYPES:
        file = served.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"content")
        status, headers, body = served.report(f"/reports/focal/{quote(name)}")
        assert (status, headers["Content-Type"], body) == (200, kind, b"content")
        status, headers, body = served.report(f"/reports/focal/{quote(name)}", "HEAD")
        assert (status, headers["Content-Length"], body) == (200, "7", b"")


OUTSIDE = [
    "/reports/focal/../search.db",
    "/reports/focal/%2e%2e/search.db",
    "/reports/focal/..%2fsearch.db",
    "/reports/focal/%2e%2e%2fsearch.db",
    "/reports/focal//etc/passwd",
    "/reports/focal/%2fetc/passwd",
    "/reports/focal/..%5csearch.db",
    "/reports/focal/link",
    "/reports/focal/inside/../table.csv",
    "/reports/focal/.hidden",
    "/reports/focal/table.csv%00.html",
    "/reports/focal/inside",
    "/reports/focal/inside/",
    "/reports/focal/missing.html",
    "/reports/focal/" + "x" * 5000,
    "/reports/focal/%ff",
    "/reports/../search.db",
    "/reports/states/state",
    "/reports/search.db",
    "/reports/./focal/table.csv",
    "/reports/%2e%2e/x",
]


def test_nothing_outside_of_the_folder(served: Served) -> None:
    write_stub(served.folder)
    (served.folder / "inside").mkdir()
    (served.folder / ".hidden").write_text("secret")
    (served.folder / "link").symlink_to(served.results / "search.db")
    (served.results / "states").mkdir(exist_ok=True)
    (served.results / "states" / "state").write_text("secret")
    assert served.report("/reports/focal/table.csv")[0] == 200
    answers = {path: served.report(path) for path in OUTSIDE}
    assert {path: status for path, (status, _, _) in answers.items() if status != 404} == {}
    assert [path for path, (*_, body) in answers.items() if b"secret" in body or b"SQLite" in body] == []


def test_a_link_that_stays_inside(served: Served) -> None:
    write_stub(served.folder)
    (served.folder / "link").symlink_to(served.folder / "table.csv")
    assert below(served.folder, "link") == (served.folder / "table.csv").resolve()


def test_reports_can_only_be_read(served: Served) -> None:
    write_stub(served.folder)
    for method in ("POST", "PUT", "DELETE"):
        status, headers, _ = served.report("/reports/focal/", method)
        assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert (served.folder / "report.html").exists()


def test_addresses_without_a_slash_and_without_a_report(served: Served) -> None:
    status, headers, _ = served.report("/reports/focal")
    assert (status, headers["Location"]) == (302, "/reports/focal/")
    status, _, body = served.report("/reports/focal/")
    assert (status, body) == (404, b"no report yet; `python -m search report 'focal'` writes it\n")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a/b", "../x", "<script>", "100 % &c", "states", "שלום"])
def test_hostile_names_have_an_address(tmp_path: Path, name: str) -> None:
    served = Served(tmp_path / "results", name)
    write_stub(served.folder)
    place = address(served.study.record.name)
    assert served.report(place)[0] == 200
    index = served.report("/reports")[2].decode()
    assert place in index
    assert "<script>" not in index
    served.ledger.close()


def test_every_other_address_goes_to_the_dashboard(served: Served) -> None:
    asked = []

    def other(environ: dict[str, str], start: object) -> list[bytes]:
        asked.append(environ["PATH_INFO"])
        start("200 OK", [])  # type: ignore[operator]
        return []

    reports = Reports(served.ledger, served.results, other)
    for path in ("/", "/dashboard", "/reportsx", "/api/studies"):
        ask(reports, path)
    assert asked == ["/", "/dashboard", "/reportsx", "/api/studies"]
