"""Addresses that are none of ours: who reads pages is told by a page, a program in JSON, and methods are named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.serving import URL, Asked

BROWSER = {"Accept": "text/html"}
OWN = {"Origin": URL, "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Asked]:
    made = Asked(tmp_path / "results")
    yield made
    made.ledger.close()


@pytest.mark.parametrize(
    "path", ["/nothing", "/studies", "/entries/x", "/entries/-1", "/ours", "/%3Cb%3E", "//evil.example/"]
)
def test_a_person_is_told_by_a_page(server: Asked, path: str) -> None:
    answer = server.client.get(f"{URL}{path}", headers=BROWSER)
    assert answer.status_code == 404
    assert "<h1>Not found</h1>" in answer.text
    assert "there is nothing at /" in answer.text
    assert "<b>" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_program_is_told_in_a_sentence(server: Asked) -> None:
    answer = server.client.get("/api/v1/nothing")
    assert (answer.status_code, answer.json()) == (404, {"reason": "there is nothing at /api/v1/nothing", "faults": []})
    answer = server.client.get("/nothing")
    assert (answer.status_code, answer.text) == (404, "there is nothing at /nothing\n")


@pytest.mark.parametrize(
    ("method", "path", "takes"),
    [
        ("PUT", "/api/v1/entries", "GET, HEAD, POST"),
        ("POST", "/api/v1/studies", "GET, HEAD"),
        ("GET", "/api/v1/check", "POST"),
        ("PATCH", "/compare", "GET, HEAD"),
        ("GET", "/entries/1/stop", "POST"),
    ],
)
def test_methods_that_an_address_takes_are_named(server: Asked, method: str, path: str, takes: str) -> None:
    answer = server.client.request(method, path, headers={**OWN, **BROWSER})
    assert (answer.status_code, answer.headers["allow"]) == (405, takes)
    assert f"{method} {path}: this address takes {takes}" in answer.text


def test_the_dashboard_and_reports_answer_for_themselves(server: Asked) -> None:
    assert server.client.get("/reports/").status_code == 200
    assert server.client.get("/reports/nothing/").text == "no such study\n"
    assert server.client.get("/api/studies").json() == {"study_summaries": []}
    assert server.client.post("/api/studies", headers=OWN).status_code == 405


def test_an_address_with_control_characters_is_refused(server: Asked) -> None:
    answer = server.client.get("/api/v1/workloads/a%0Ab/settings")
    said = "the address holds the control character '\\n': no page and no study has one"
    assert (answer.status_code, answer.json()) == (400, {"reason": said, "faults": []})


def test_every_refusal_has_the_form_that_is_described(server: Asked) -> None:
    described = server.client.get("/api/v1/openapi.json").json()["paths"]
    refusal = described["/api/v1/entries/{entry}"]["get"]["responses"]["404"]
    needed = set(refusal["content"]["application/json"]["schema"]["required"])
    asked = [
        ("GET", "/entries/7"),
        ("GET", "/studies/x/weights"),
        ("POST", "/entries"),
        ("PUT", "/server"),
        ("GET", "/x"),
    ]
    for method, path in asked:
        answer = server.client.request(method, f"/api/v1{path}")
        assert answer.status_code >= 400, path
        assert set(answer.json()) == needed, path
    assert described["/api/v1/entries/{entry}/output"]["get"]["parameters"][1]["name"] == "from"
