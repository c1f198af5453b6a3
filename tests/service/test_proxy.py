"""A reverse proxy says who asks: from its own address, in one header, by a name; nobody else does."""

from __future__ import annotations

import getpass
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from search.__main__ import run
from search.api import mirror_url
from search.core.errors import UserError
from search.ledger.tokens import Tokens
from search.service.app import guarded
from search.service.beside import beside
from search.service.guard import Refused
from search.service.people import Role
from search.service.proxy import Proxy, proxy_of
from tests.service.serving import URL, Asked
from tests.service.test_served import Running
from tests.surroundings import HANG_S

ENTRIES = "/api/v1/entries"
USER = "X-Forwarded-User"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


def made(*addresses: str, role: str = "runner") -> Proxy:
    found = proxy_of(USER, addresses, role)
    assert found is not None
    return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Asked]:
    asked = Asked(tmp_path / "results")
    yield asked
    asked.ledger.close()


def client_of(server: Asked, address: str, proxy: Proxy | None) -> TestClient:
    others = beside(server.ledger, mirror_url(server.places.results), server.places.results, server.said.append)
    app = guarded(server.service, None, others, server.said.append, proxy=proxy)
    return TestClient(app, base_url=URL, follow_redirects=False, client=(address, 5000))


@pytest.mark.parametrize(
    ("address", "status"),
    [
        *(("10.1.2.3", 200), ("10.1.2.4", 200), ("::ffff:10.1.2.3", 200), ("fd00::7", 200)),
        *(("10.1.3.3", 403), ("127.0.0.1", 403), ("fd00::8", 403), ("", 403), ("testclient", 403)),
    ],
)
def test_it_is_believed_from_its_address_alone(server: Asked, address: str, status: int) -> None:
    client = client_of(server, address, made("10.1.2.0/24", "fd00::7"))
    for path in ("/", ENTRIES, "/ours/watch.js"):
        answer = client.get(path, headers={USER: "ann", "X-Forwarded-For": "10.1.2.3"})
        assert answer.status_code == status, path
    if status == 403:
        said = f"header 'x-forwarded-user' from {address}: only a proxy that was named may say who asks"
        assert client.get(ENTRIES, headers={USER: "ann"}).json()["reason"] == said


@pytest.mark.parametrize("given", [[], [""], ["  "]])
def test_whom_it_does_not_name_needs_a_token(server: Asked, given: list[str]) -> None:
    client = client_of(server, "10.1.2.3", made("10.1.2.3"))
    token = Tokens(server.ledger.engine).add("bob", "viewer", "ann")
    headers: Any = [(USER, value) for value in given]
    assert client.get(ENTRIES, headers=headers).status_code == 401
    headers += [("Authorization", f"Bearer {token}")]
    assert client.get("/api/v1/server", headers=headers).json()["person"] == "bob"


@pytest.mark.parametrize("given", [["ann", "bob"], ["ann", ""], ["ann, bob"], ["<b>"], ["x" * 65], ["a\tb"], ["-a"]])
def test_several_or_odd_names_are_nobodys(server: Asked, given: list[Any]) -> None:
    client = client_of(server, "10.1.2.3", made("10.1.2.3"))
    headers: Any = [(USER, value) for value in given]
    assert client.get(ENTRIES, headers=headers).status_code == 400


def test_bytes_that_are_no_text_are_nobodys() -> None:
    headers = [(b"x-forwarded-user", b"\xff")]
    with pytest.raises(Refused) as caught:
        made("10.1.2.3").name(Request({"type": "http", "headers": headers, "client": ("10.1.2.3", 5000)}))
    assert caught.value.status == 400


def test_the_header_means_nothing_where_it_is_not_switched_on(server: Asked) -> None:
    client = client_of(server, "127.0.0.1", None)
    assert client.get(ENTRIES, headers={USER: "ann"}).status_code == 401


def test_what_somebody_may_is_said_by_their_token_and_else_by_default(server: Asked) -> None:
    tokens, client = Tokens(server.ledger.engine), client_of(server, "10.1.2.3", made("10.1.2.3", role="viewer"))

    def role(name: str) -> Any:
        return client.get("/api/v1/server", headers={USER: name}).json().get("role")

    tokens.add("ann", "admin", "root")
    assert (role("ann"), role("guest"), role("zoe")) == ("admin", "viewer", "viewer")
    assert client.post(ENTRIES, json={"text": "x: 1"}, headers={USER: "guest"}).status_code == 403
    assert client.post(ENTRIES, json={"text": "x: 1"}, headers={USER: "ann"}).json()["who"] == "ann"
    tokens.revoke("ann", "root")
    refused = client.get(ENTRIES, headers={USER: "ann"})
    assert (refused.status_code, refused.json()["reason"]) == (
        403,
        "ann: the token of that name was revoked, and with it all that they may",
    )
    foreign = {USER: "bob", "Origin": "https://evil.example"}
    assert client.post("/submit", data={"text": "x"}, headers=foreign).status_code == 403


TOGETHER = "--user-header and --trusted-proxy go together: a header is believed from an address alone"


@pytest.mark.parametrize(
    ("header", "addresses", "sentence"),
    [
        (USER, [], TOGETHER),
        (None, ["10.0.0.1"], TOGETHER),
        ("Cookie", ["10.0.0.1"], "'Cookie': must be a header that the proxy alone sets, as X-Forwarded-User"),
        ("a b", ["10.0.0.1"], "'a b': must be a header that the proxy alone sets, as X-Forwarded-User"),
        (USER, ["proxy"], "--trusted-proxy 'proxy': must be an IP address or a network, as 127.0.0.1 or 10.0.0.0/24"),
        (USER, ["10.0.0.1/24"], "must be an IP address or a network, as 127.0.0.1 or 10.0.0.0/24"),
    ],
)
def test_options_that_do_not_fit(header: str | None, addresses: list[str], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        proxy_of(header, addresses, "viewer")
    assert str(caught.value).endswith(sentence)
    assert proxy_of(None, [], "viewer") is None
    assert made("10.0.0.1", role="admin").role is Role.ADMIN


def test_the_verb_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--results", str(tmp_path), "--user-header", USER]) == 1
    assert capsys.readouterr().err == f"{TOGETHER}\n"


CONFIGURATION = """
user {user}; daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    location / {{
      auth_basic search; auth_basic_user_file {folder}/users;
      proxy_pass {url};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-User $remote_user;
      proxy_set_header Authorization "";
      proxy_buffering off;
      client_max_body_size 2m;
    }}
  }}
}}
"""


@pytest.mark.slow
@pytest.mark.skipif(NGINX is None or shutil.which("openssl") is None, reason="no nginx or openssl is installed")
def test_behind_nginx_with_tls(tmp_path: Path) -> None:
    assert NGINX is not None
    options = (
        "--allow-code",
        "--https",
        "--user-header",
        USER,
        "--trusted-proxy",
        "127.0.0.1",
        "--user-role",
        "runner",
    )
    server = Running(tmp_path / "results", *options)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    key = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    key += ["-addext", "subjectAltName=DNS:localhost", "-keyout", f"{tmp_path}/key.pem", "-out", f"{tmp_path}/cert.pem"]
    subprocess.run(key, check=True, capture_output=True)
    (tmp_path / "users").write_text("ann:{PLAIN}secret\n")
    written = CONFIGURATION.format(folder=tmp_path, port=port, url=server.client._url, user=getpass.getuser())
    (tmp_path / "nginx.conf").write_text(written)
    nginx = subprocess.Popen([NGINX, "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)])
    trust = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))

    def ask(path: str, **headers: str) -> tuple[int, Any]:
        request = urllib.request.Request(f"https://localhost:{port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, context=trust, timeout=HANG_S) as answer:
                return answer.status, answer.read(4000)
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    try:
        until = time.monotonic() + HANG_S
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert time.monotonic() < until
            time.sleep(0.05)
        basic = {"Authorization": "Basic YW5uOnNlY3JldA=="}
        assert ask("/api/v1/server")[0] == 401
        status, body = ask("/api/v1/server", **basic, **{USER: "root"})
        assert (status, b'"person":"ann"' in body, b'"role":"runner"' in body) == (200, True, True)
        own = {**basic, "Origin": f"https://localhost:{port}", "Sec-Fetch-Site": "same-origin"}
        form = urllib.request.Request(f"https://localhost:{port}/submit", data=b"text=x&act=check", headers=own)
        with pytest.raises(urllib.error.HTTPError) as caught:  # it has faults, and was let in
            urllib.request.urlopen(form, context=trust, timeout=HANG_S)
        assert caught.value.code == 422
    finally:
        nginx.terminate()
        nginx.wait(HANG_S)
        server.end()
