"""Stands before every request of the page: who has no token, comes by another name or from another page gets nothing.

Dash itself answers any Host and takes a POST without any credential. That opens a loopback server to every page that
the browser shows (DNS rebinding makes it "same origin"), and to everybody else on the machine.
"""

import hmac
import secrets
from collections.abc import Callable, Iterable, Sequence
from http.cookies import CookieError, SimpleCookie
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

Environment = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environment, StartResponse], Iterable[bytes]]
Header = tuple[str, str]

METHODS = ("GET", "HEAD", "POST")
SIGNED_IN = b"""<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/">
<title>nsp review</title></head><body><p>Signed in. <a href="/">Go on</a>.</p></body></html>"""


class Guard:
    """Lets requests through to the page, or refuses them.

    The token opens one browser: it goes into a cookie and is of no more use. The cookie can't be read by scripts and
    isn't sent by other sites' pages.

    Args:
        app: the page.
        script_hashes: of the inline scripts that the page has, as Content-Security-Policy writes them.
    """

    def __init__(self, app: Application, script_hashes: Sequence[str]) -> None:
        self._app = app
        self._policy = _policy(script_hashes)
        self._session = secrets.token_urlsafe(32)
        self._token: str | None = secrets.token_urlsafe(32)
        self._lock = Lock()
        self._hosts: tuple[str, ...] = ()
        self._cookie = ""

    def bind(self, port: int) -> str:
        """Say on which port of 127.0.0.1 the page is served; return the address that opens it."""
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self._cookie = f"nsp-review-{port}"  # cookies are shared by all ports of a host
        return f"http://{self._hosts[0]}/?token={self._token}"

    def __call__(self, environment: Environment, start: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        host, method = environment.get("HTTP_HOST", ""), environment["REQUEST_METHOD"]
        if host not in self._hosts:
            return _refuse(start, "403 Forbidden", f"This page answers to {' and '.join(self._hosts)} only.")
        if method not in METHODS:
            return _refuse(start, "405 Method Not Allowed", "GET, HEAD and POST are all there is.")
        if why := _foreign(environment, f"http://{host}"):
            return _refuse(start, "403 Forbidden", why)
        if not self._has_cookie(environment):
            if method == "GET" and environment["PATH_INFO"] == "/" and self._takes(environment):
                return self._sign_in(start)
            return _refuse(
                start,
                "403 Forbidden",
                "Open the address that nsp review printed. It is good for one browser, once: start nsp review again "
                "for another.",
            )
        return self._app(environment, self._guarded(start, environment["PATH_INFO"]))

    def _has_cookie(self, environment: Environment) -> bool:
        try:
            found = SimpleCookie(environment.get("HTTP_COOKIE", "")).get(self._cookie)
        except CookieError:
            return False
        return found is not None and _equal(found.value, self._session)

    def _takes(self, environment: Environment) -> bool:
        """Take the token, which is of no more use then."""
        if "prefetch" in environment.get("HTTP_SEC_PURPOSE", "") + environment.get("HTTP_PURPOSE", ""):
            return False
        try:
            given = parse_qs(environment.get("QUERY_STRING", ""), max_num_fields=10).get("token", [""])[0]
        except ValueError:
            return False
        with self._lock:
            if self._token is None or not _equal(given, self._token):
                return False
            self._token = None
            return True

    def _sign_in(self, start: StartResponse) -> Iterable[bytes]:
        # a page that goes on by itself, not a redirect: after one that began elsewhere, a strict cookie isn't sent
        cookie = f"{self._cookie}={self._session}; Path=/; HttpOnly; SameSite=Strict"
        headers = [("Content-Type", "text/html; charset=utf-8"), ("Set-Cookie", cookie), *self._headers("/")]
        start("200 OK", headers)
        return [SIGNED_IN]

    def _guarded(self, start: StartResponse, path: str) -> StartResponse:
        def begin(status: str, headers: list[Header], *more: Any) -> Any:
            ours = self._headers(path)
            names = {name.lower() for name, _ in ours}
            return start(status, [each for each in headers if each[0].lower() not in names] + ours, *more)

        return begin

    def _headers(self, path: str) -> list[Header]:
        kept = [] if path.startswith(("/_dash-component-suites/", "/assets/")) else [("Cache-Control", "no-store")]
        return [("Content-Security-Policy", self._policy), *_ALWAYS, *kept]


_ALWAYS: list[Header] = [
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]


def _policy(script_hashes: Sequence[str]) -> str:
    scripts = " ".join(["'self'", *script_hashes])
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            "style-src 'self' 'unsafe-inline'",  # the grid and Dash put <style> elements into the page
            "img-src 'self' data:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _foreign(environment: Environment, origin: str) -> str:
    """Return why a request isn't of this page's own making; "" where it is."""
    given, site = environment.get("HTTP_ORIGIN"), environment.get("HTTP_SEC_FETCH_SITE")
    if given is not None and given != origin:
        return "This request comes from a page of another origin."
    if environment["REQUEST_METHOD"] == "POST":
        if given is None:
            return "A POST has to say its Origin."
        return "" if site in {None, "same-origin"} else "This request comes from a page of another site."
    opens = environment.get("HTTP_SEC_FETCH_MODE") == "navigate" and (
        environment.get("HTTP_SEC_FETCH_DEST") == "document" and environment["PATH_INFO"] == "/"
    )
    if site in {None, "same-origin", "none"} or opens:
        return ""
    return "This request comes from a page of another site."


def _equal(given: str, kept: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), kept.encode())


def _refuse(start: StartResponse, status: str, why: str) -> Iterable[bytes]:
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store"), *_ALWAYS]
    start(status, headers)
    return [f"{why}\n".encode()]
