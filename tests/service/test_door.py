"""Pages of other sites neither read the dashboard nor write to it; what it cannot make use of is said, not printed."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from search.service import server
from search.service.door import MAX_BODY_BYTES, Door
from tests.service.conftest import Served

HOST = "127.0.0.1:8080"
OWN = {"HTTP_ORIGIN": f"http://{HOST}", "HTTP_SEC_FETCH_SITE": "same-origin"}


def knock(application: Any, path: str = "/", method: str = "GET", body: Any = None, **headers: str) -> Any:
    """Ask a WSGI application; return status, headers and text. What is no text or bytes is sent as JSON."""
    sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "HTTP_HOST": HOST,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "CONTENT_LENGTH": str(len(sent)) if sent else "",
        "CONTENT_TYPE": "application/json" if sent else "",
        "wsgi.input": io.BytesIO(sent),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
        **headers,
    }
    environ = {name: value for name, value in environ.items() if value is not None}
    told: list[Any] = []
    parts = application(environ, lambda status, headers, *_: told.append((status, headers)))
    text = b"".join(parts).decode("utf-8", "replace")
    assert len(told) == 1
    assert environ["wsgi.errors"].getvalue() == ""  # type: ignore[union-attr]
    return int(told[0][0].split()[0]), {name.lower(): value for name, value in told[0][1]}, text


def room(environ: Any, start: Any) -> list[bytes]:
    """What lies behind the door: says what it was sent, and that everybody may read it."""
    start("200 OK", [("Access-Control-Allow-Origin", "*"), ("X-Content-Type-Options", "nosniff")])
    return [environ["wsgi.input"].read()]


HOSTS = [
    *(("127.0.0.1", 200), ("127.0.0.1:8080", 200), ("localhost:9000", 200), ("LocalHost", 200), ("[::1]:8080", 200)),
    *(("evil.example", 403), ("evil.example:8080", 403), ("127.0.0.1.evil.example", 403), ("localhost.evil", 403)),
    *(("127.0.0.1:8080,evil.example", 403), ("127.0.0.1@evil.example", 403), ("0.0.0.0:8080", 403), ("[::]", 403)),
    *(("127.0.0.1:8080 ", 403), ("localhost:", 403), ("127.0.0.1:8080\nx", 403), ("", 400), (None, 400)),
]


@pytest.mark.parametrize(("host", "status"), HOSTS)
def test_the_names_it_answers_to(host: Any, status: int) -> None:
    for method, path in (("GET", "/"), ("GET", "/reports/focal/"), ("POST", "/api/studies")):
        assert knock(Door(room, shared="/reports"), path, method, HTTP_HOST=host)[0] == status, (method, path)


def test_why_a_host_is_refused() -> None:
    sentence = (
        "host 'evil.example': the dashboard answers to 127.0.0.1, localhost and [::1] alone; to look at it from "
        "elsewhere use a tunnel: ssh -L 8080:127.0.0.1:8080 HOST"
    )
    assert knock(Door(room), HTTP_HOST="evil.example")[2] == f"{sentence}\n"
    status, headers, text = knock(Door(room), "/api/studies", HTTP_HOST="evil.example")
    assert (status, headers["content-type"]) == (403, "application/json")
    assert json.loads(text) == {"reason": sentence}
    assert knock(Door(room), HTTP_HOST=None)[2] == (
        "the request names no host; the dashboard answers to 127.0.0.1 and localhost\n"
    )


WRITERS = [
    ({}, 200),  # no browser
    (OWN, 200),
    ({"HTTP_SEC_FETCH_SITE": "none"}, 200),
    ({"HTTP_REFERER": f"http://{HOST}/dashboard"}, 200),
    ({"HTTP_ORIGIN": "http://localhost:9", "HTTP_HOST": "localhost:9"}, 200),  # a tunnel
    ({"HTTP_ORIGIN": "https://evil.example"}, 403),
    ({"HTTP_ORIGIN": "null"}, 403),  # of a report, which has no origin
    ({"HTTP_ORIGIN": ""}, 403),
    ({"HTTP_ORIGIN": "http://127.0.0.1:9999"}, 403),  # another program of this machine
    ({"HTTP_ORIGIN": f"http://{HOST}.evil.example"}, 403),
    ({"HTTP_ORIGIN": f"http://evil.example/{HOST}"}, 403),
    ({"HTTP_ORIGIN": f"file://{HOST}"}, 403),
    ({"HTTP_ORIGIN": "http://[x"}, 403),
    ({**OWN, "HTTP_SEC_FETCH_SITE": "cross-site"}, 403),
    ({"HTTP_SEC_FETCH_SITE": "same-site"}, 403),
    ({"HTTP_REFERER": "https://evil.example/127.0.0.1:8080"}, 403),
]


@pytest.mark.parametrize(("headers", "status"), WRITERS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "post", "ODD"])
def test_who_may_write(headers: dict[str, str], status: int, method: str) -> None:
    assert knock(Door(room), "/api/studies", method, {}, **headers)[0] == status
    assert knock(Door(room, shared="/reports"), "/reports/focal/", method, {}, **headers)[0] == status


def test_why_a_writer_is_refused() -> None:
    said = knock(Door(room), "/", "POST", {}, HTTP_ORIGIN="https://evil.example")[2]
    assert said == "a page of 'https://evil.example' asked for this: only the dashboard's own may write\n"


def test_no_page_of_another_site_reads() -> None:
    """A link leads here; a script, a picture or a frame of another page does not."""
    door = Door(room, shared="/reports")
    assert knock(door, HTTP_SEC_FETCH_SITE="cross-site", HTTP_SEC_FETCH_MODE="navigate")[0] == 200
    assert knock(door, HTTP_SEC_FETCH_SITE="same-origin", HTTP_SEC_FETCH_MODE="cors")[0] == 200
    for site in ("cross-site", "same-site"):
        for mode in ("no-cors", "cors"):
            assert knock(door, "/api/studies", HTTP_SEC_FETCH_SITE=site, HTTP_SEC_FETCH_MODE=mode)[0] == 403
    headers = knock(door)[1]
    assert "access-control-allow-origin" not in headers
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_report_reads_its_own_files() -> None:
    """It has no origin, so that its browser calls them another site's."""
    door = Door(room, shared="/reports")
    for path in ("/reports", "/reports/focal/figures/plotly.min.js"):
        status, headers, _ = knock(door, path, HTTP_SEC_FETCH_SITE="cross-site", HTTP_SEC_FETCH_MODE="no-cors")
        assert (status, headers.get("cross-origin-resource-policy")) == (200, None)
    assert knock(door, "/reportsx", HTTP_SEC_FETCH_SITE="cross-site", HTTP_SEC_FETCH_MODE="no-cors")[0] == 403


BODIES = [
    (b"{}", {}, 200, "{}"),
    (b"", {"CONTENT_TYPE": "text/plain"}, 200, ""),
    (b"{}", {"CONTENT_TYPE": "Application/JSON; charset=utf-8"}, 200, "{}"),
    (b"{}", {"CONTENT_TYPE": "text/plain"}, 415, "Content-Type 'text/plain': must be application/json\n"),
    (b"a=b", {"CONTENT_TYPE": "application/x-www-form-urlencoded"}, 415, None),
    (b"{}", {"CONTENT_TYPE": None}, 415, "Content-Type '': must be application/json\n"),
    (b"[1]", {}, 400, "the body must be one JSON object\n"),
    (b'"x"', {}, 400, "the body must be one JSON object\n"),
    (b"null", {}, 400, "the body must be one JSON object\n"),
    (b"{", {}, 400, None),
    (b"\xff\xfe", {}, 400, None),
    (b"[" * 100_000, {}, 400, None),
    (b"{}", {"CONTENT_LENGTH": "-1"}, 400, "Content-Length '-1': must be a number of bytes\n"),
    (b"{}", {"CONTENT_LENGTH": "2e3"}, 400, "Content-Length '2e3': must be a number of bytes\n"),
    (b"{}", {"CONTENT_LENGTH": str(MAX_BODY_BYTES + 1)}, 413, None),
    (b"", {"HTTP_TRANSFER_ENCODING": "chunked"}, 411, "a body must have a Content-Length\n"),
]


@pytest.mark.parametrize(("body", "headers", "status", "text"), BODIES)
def test_what_may_be_sent(body: bytes, headers: dict[str, Any], status: int, text: str | None) -> None:
    found = knock(Door(room), "/x", "POST", body, **headers)
    assert found[0] == status
    assert text in (found[2], None)


def failing(error: Exception) -> Any:
    def answer(environ: Any, start: Any) -> Any:
        raise error

    return answer


def test_a_fault_of_the_request_and_one_of_ours() -> None:
    said: list[str] = []
    assert knock(Door(failing(TypeError("an int is no\ntext")), said.append), "/x")[::2] == (
        400,
        "the dashboard cannot make use of this: TypeError: an int is no\n",
    )
    assert said == []
    locked = OperationalError("SELECT", {}, Exception("database is locked"))
    assert knock(Door(failing(locked), said.append), "/x")[0] == 500
    assert said == ["dashboard: GET /x: OperationalError: (builtins.Exception) database is locked"]


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    def answer(environ: Any, start: Any) -> list[bytes]:
        try:
            raise KeyError("a trial")
        except KeyError:
            logging.getLogger("optuna_dashboard._bottle_util").error("Exception: a traceback")
        start("500 Internal Server Error", [])
        return [b"internal server error"]

    assert knock(Door(answer), "/x")[::2] == (400, "the dashboard cannot make use of this: KeyError: 'a trial'\n")
    assert capfd.readouterr() == ("", "")


# Optuna's dashboard behind it ----------------------------------------------------------------------------------

ODD = (None, 5, -1, "x", [], ["x"], {}, {"x": 1}, True, 1e300, 10**30)
FIELDS = (
    *("study_name", "directions", "version", "body", "mode", "candidates", "clicked", "output_type", "artifact_key"),
    *("state", "values", "user_attrs", "file", "filename", "remove_associated_artifacts"),
)


@pytest.fixture
def behind(served: Served, quick_report: None) -> Any:
    served.prepare()
    return server.application(served.ledger, served.mirror, served.results)


def routes(application: Any) -> list[tuple[str, str]]:
    """Method and a path of every route that writes."""
    optunas = application._other._other
    names = {"study_id:int": "1", "trial_id:int": "1", "history_id": "x", "artifact_id:re:[0-9a-fA-F-]+": "ab"}
    found = []
    for route in optunas.routes:
        path = route.rule
        for name, value in names.items():
            path = path.replace(f"<{name}>", value)
        if route.method not in ("GET", "HEAD"):
            assert "<" not in path
            found.append((route.method, path))
    return found


@pytest.mark.slow
def test_every_route_that_writes(behind: Any, served: Served, capfd: pytest.CaptureFixture[str]) -> None:
    """Requests of other sites and of wrong types; those that delete come last."""
    found = sorted(routes(behind), key=lambda one: (one[0] == "DELETE", one[1].endswith("rename")))
    assert len(found) >= 20
    before = [(trial.state, trial.values) for trial in served.optuna().trials]
    for method, path in found:
        assert knock(behind, path, method, {}, HTTP_ORIGIN="https://evil.example")[0] == 403, path
        assert knock(behind, path, method, {}, HTTP_HOST="evil.example")[0] == 403, path
        assert knock(behind, path, method, b"{}", CONTENT_TYPE="text/plain")[0] == 415, path
    assert [(trial.state, trial.values) for trial in served.optuna().trials] == before
    for method, path in [one for one in found if one[0] != "DELETE"]:
        for odd in ODD:
            status, _, text = knock(behind, path, method, dict.fromkeys(FIELDS, odd), **OWN)
            assert status < 500, (path, odd, text)
        for large in ("99999999999999999999999", "0"):
            status, _, text = knock(behind, path.replace("/1", f"/{large}"), method, {"study_name": "y"}, **OWN)
            assert status < 500, (path, large, text)
    assert "Traceback" not in "".join(capfd.readouterr())
    for path in ("/static/bundle.js", "/favicon.ico", f"/api/studies/{10**30}", "/api/studies/7/plot/slice", "/csv/x"):
        assert knock(behind, path)[0] < 500, path


@pytest.mark.slow
def test_its_own_pages_may_write(behind: Any, served: Served) -> None:
    study = json.loads(knock(behind, "/api/studies")[2])["study_summaries"][0]["study_id"]
    status, _, _ = knock(behind, f"/api/studies/{study}/note", "PUT", {"version": 99, "body": "mine"}, **OWN)
    assert status in (204, 409)
    assert knock(behind, f"/api/studies/{study}", "DELETE", None, **OWN)[0] == 204
    assert json.loads(knock(behind, "/api/studies")[2])["study_summaries"] == []
