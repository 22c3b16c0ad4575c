"""Whom the server answers: only the browser that had the token, by its own name, from its own page."""

import http.client
from collections.abc import Callable

import pytest

from pipeline.review.page.reviewing import Review
from pipeline.review.page.server import Served
from tests.review.page.conftest import Wheel

PATHS = ("/", "/_dash-layout", "/_dash-dependencies", "/assets/page.js", "/_dash-update-component", "/_mcp", "/x/../y")


class Client:
    """Speaks HTTP as it is told, whatever a browser would think of it."""

    def __init__(self, served: Served) -> None:
        self.port = served.port
        self.host = f"127.0.0.1:{served.port}"
        self.token = served.url.rpartition("=")[2]
        self.cookie = ""

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        given = {"Host": self.host, **({"Cookie": self.cookie} if self.cookie else {})}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection.putrequest(method, path, skip_host=True)
        for name, value in given.items():
            if value:
                connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body.encode() if body is not None else None)
        answer = connection.getresponse()
        answer.text = answer.read().decode(errors="replace")  # type: ignore[attr-defined]
        connection.close()
        return answer

    def sign_in(self) -> "Client":
        answer = self.ask("GET", f"/?token={self.token}")
        assert answer.status == 200
        self.cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
        return self


@pytest.fixture
def client(wheel: Wheel, serve: Callable[[Review], Served]) -> Client:
    return Client(serve(wheel.review(to="guard")))


def test_the_token_opens_one_browser_once(client: Client) -> None:
    answer = client.ask("GET", f"/?token={client.token}")
    cookie = answer.getheader("Set-Cookie") or ""
    assert answer.status == 200
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert client.token not in cookie
    assert client.ask("GET", f"/?token={client.token}").status == 403
    assert client.ask("GET", "/", Cookie=cookie.partition(";")[0]).status == 200


@pytest.mark.parametrize("path", PATHS)
def test_without_a_cookie_there_is_nothing(client: Client, path: str) -> None:
    for cookie in (
        "",
        f"nsp-review-{client.port}=",
        f"nsp-review-{client.port}=x\u00e4",
        "a=b; c",
        "\x80=;;;=",
        "=" * 5000,
    ):
        answer = client.ask("GET", path, Cookie=cookie)
        assert answer.status == 403
        assert "nsp review" in answer.text  # type: ignore[attr-defined]


@pytest.mark.parametrize("token", ["", "x", "x%C3%A4", "%ff", "a&token=b", "&" * 300])
def test_a_wrong_token_opens_nothing_and_uses_nothing_up(client: Client, token: str) -> None:
    assert client.ask("GET", f"/?token={token}").status == 403
    assert client.ask("HEAD", f"/?token={client.token}").status == 403  # a link preview
    assert client.ask("GET", f"/?token={client.token}", Sec_Purpose="prefetch").status == 403
    assert client.ask("GET", f"/other?token={client.token}").status == 403
    client.sign_in()


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}",
     "0.0.0.0:{port}", "[::1]:{port}", "127.0.0.1:{port}, evil.example", "LOCALHOST.:{port}", ""],
)  # fmt: skip
def test_another_name_for_this_server_is_refused_even_with_the_cookie(client: Client, host: str) -> None:
    client.sign_in()
    for method, body in (("GET", None), ("POST", "{}")):
        given = host.format(port=client.port)
        answer = client.ask(method, "/_dash-layout", body, Host=given, Origin=f"http://{given}")
        assert answer.status in {400, 403}, (method, host)


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1"},
     {"Origin": "https://127.0.0.1:{port}"}, {"Origin": "http://localhost:{port}"},
     {"Origin": "http://127.0.0.1:{port}", "Sec_Fetch_Site": "cross-site"},
     {"Origin": "http://127.0.0.1:{port}", "Sec_Fetch_Site": "same-site"}],
)  # fmt: skip
def test_a_post_of_another_page_is_refused(client: Client, headers: dict[str, str]) -> None:
    client.sign_in()
    given = {name: value.format(port=client.port) for name, value in headers.items()}
    answer = client.ask("POST", "/_dash-update-component", "{}", Content_Type="application/json", **given)
    assert answer.status == 403


def test_a_post_without_the_cookie_decides_nothing(client: Client) -> None:
    answer = client.ask("POST", "/_dash-update-component", "{}", Origin=f"http://{client.host}",
                        Content_Type="application/json")  # fmt: skip
    assert answer.status == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"])
def test_other_methods_are_refused(client: Client, method: str) -> None:
    assert client.sign_in().ask(method, "/").status in {400, 405}


def test_a_page_of_another_site_loads_no_part_of_it(client: Client) -> None:
    client.sign_in()
    for headers in (
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "script"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "iframe"},
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "cors", "Sec_Fetch_Dest": "empty"},
    ):
        assert client.ask("GET", "/", **headers).status == 403
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    assert client.ask("GET", "/", **link).status == 200


def test_every_answer_forbids_frames_foreign_scripts_and_caches(client: Client) -> None:
    client.sign_in()
    for path in ("/", "/_dash-layout", "/assets/style.css"):
        answer = client.ask("GET", path)
        assert answer.status == 200
        policy = answer.getheader("Content-Security-Policy") or ""
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        (scripts,) = [part for part in policy.split("; ") if part.startswith("script-src")]
        assert "unsafe" not in scripts
        assert "http" not in policy
        assert answer.getheader("X-Frame-Options") == "DENY"
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert answer.getheader("Referrer-Policy") == "no-referrer"
        assert path.startswith("/assets") or answer.getheader("Cache-Control") == "no-store"
        assert not answer.getheader("Access-Control-Allow-Origin")


def test_the_page_asks_for_nothing_elsewhere(client: Client) -> None:
    text: str = client.sign_in().ask("GET", "/").text  # type: ignore[attr-defined]
    assert "//" not in text.replace("<!DOCTYPE html>", "").replace(f"http://{client.host}", "")


def test_a_large_request_is_refused(client: Client) -> None:
    client.sign_in()
    answer = client.ask("POST", "/_dash-layout", Origin=f"http://{client.host}", Content_Length="2100000")
    assert answer.status == 413
