"""Who may ask the page's server: the machines that may send OSC, and no page of another server.

A browser shows pages of everybody, and lets them send to this machine. So a question must name this
server by an address or a name that leads nowhere else (Host), and what changes something, or opens
a connection, must come from a page of this server itself (Origin, Sec-Fetch-Site).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from ..osc.guard import Guard
from ..osc.wire import Peer

HOST = re.compile(r"(\[[0-9a-f:.]+]|[0-9a-z.-]+)(?::[0-9]{1,5})?")  # name or address, port
MAX_HEAD = 16 * 1024  # bytes of a question's head
READING = ("GET", "HEAD")
VERSIONS = ("1.0", "1.1")  # of HTTP: h11 takes any
TOKEN = "/token"  # where a machine that must say the token is sent
OPEN = (TOKEN, "/style.css", "/icon.svg", "/js/token.js", "/js/http.js")  # what is needed there
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "media-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
UNUSED = ("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "usb")
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Admission:
    """In front of the application `app`: what it refuses never gets there, and all answers carry
    `HEADERS`. A machine that `guard` does not let in at all never gets here.
    """

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self.guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif refusal := self._find_refusal(scope):
            await _refuse(refusal, scope, receive, send)
        else:
            await self._app(scope, receive, _with_headers(send))

    def _find_refusal(self, scope: Scope) -> tuple[HTTPStatus, str] | None:
        headers = Headers(scope=scope)
        host = scope["client"][0]
        if scope["http_version"] not in VERSIONS:
            return HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "it is HTTP/1.1 that is understood here"
        if _measure_head(scope) > MAX_HEAD:
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"at most {MAX_HEAD} bytes are read"
        if "transfer-encoding" in headers and "content-length" in headers:
            return HTTPStatus.BAD_REQUEST, "its length is said twice"
        if len(headers.getlist("host")) != 1 or not is_own_name(headers["host"]):
            return HTTPStatus.FORBIDDEN, "Host must be this machine's address or name"
        if not _is_own_page(scope, headers):
            return HTTPStatus.FORBIDDEN, "only its own page may do that"
        # behind those two: a page of another server uses up nothing
        is_admitted = self.guard.admit(build_peer(host))
        if not is_admitted and not _says_token(scope):
            return HTTPStatus.TOO_MANY_REQUESTS, "ask slower, or raise rate in the settings"
        if not self.guard.is_authenticated(host) and scope["path"] not in OPEN:
            return HTTPStatus.UNAUTHORIZED, f"say the token first, at {TOKEN}"
        return None


def _says_token(scope: Scope) -> bool:
    """A right one is heard whatever its machine has sent before: that may have been another's."""
    return scope["type"] == "http" and (scope["method"], scope["path"]) == ("POST", TOKEN)


def _measure_head(scope: Scope) -> int:
    """Its bytes. uvicorn's limit is for a head that is not all there yet."""
    lines = sum(len(name) + len(value) + len(": \r\n") for name, value in scope["headers"])
    return lines + len(scope["raw_path"]) + len(scope["query_string"])


def build_peer(host: str) -> Peer:
    """Who pays for what a machine asks: on this one all that asks by HTTP has one budget."""
    return Peer(f"page:{host}", host)


def is_own_name(host: str) -> bool:
    """Whether a Host names this machine and cannot be another's name that was made to lead here: it
    is an address, or what this machine calls itself.
    """
    found = HOST.fullmatch(host.lower())
    name = found[1].strip("[]") if found else ""
    own = socket.gethostname().lower().partition(".")[0]
    return _is_address(name) or name in ("localhost", own, f"{own}.local")


def _is_address(name: str) -> bool:
    """Of one machine: 0.0.0.0 leads to this one too, and browsers say nothing of who asks there."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return not (getattr(address, "ipv4_mapped", None) or address).is_unspecified


def _is_own_page(scope: Scope, headers: Headers) -> bool:
    """Whether who asks is this server's page, or no page at all; what only reads a page may ask
    that is opened by a link or a bookmark.
    """
    if origins := headers.getlist("origin"):
        return origins == [f"http://{headers['host']}"]
    # a program is no page, but one that sends what changes something must say who it is
    if scope["type"] != "http" or scope["method"] not in READING:
        return False
    is_own = headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    is_opened = headers.get("sec-fetch-dest") == "document" and scope["path"] == "/"
    return is_own or is_opened


async def _refuse(
    refusal: tuple[HTTPStatus, str], scope: Scope, receive: Receive, send: Send
) -> None:
    status, text = refusal
    if scope["type"] == "websocket":
        await WebSocketClose(code=1008, reason=text)(scope, receive, send)
        return
    headers = {}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["Location"] = TOKEN
        if scope["path"] == "/":
            status = HTTPStatus.SEE_OTHER
    if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE):
        headers["Connection"] = "close"  # what follows may be anything
    response = PlainTextResponse(f"{text}\n", status, headers)
    await response(scope, receive, _with_headers(send))


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return send_with_headers
