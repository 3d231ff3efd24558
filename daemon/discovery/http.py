"""OSCQuery's HTTP: who asks for a node gets it as JSON. It reads, and changes nothing.

Whoever may send OSC may ask here, and nobody else. A web page that somebody has open is not among
them: what it asks comes with the name of its own server (the header Host), and no other page is
told that it may read the answer.
"""

from __future__ import annotations

import io
import json
import logging
import math
import re
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote

from pipeline import untrusted

from ..osc.guard import HELLO, Guard, is_loopback
from ..osc.tcp import ACCEPT_PAUSE, EXHAUSTED
from ..osc.wire import Peer
from ..runtime.logs import LimitedLog
from ..settings import SettingsError
from .tree import ATTRIBUTES, EVERY_ADDRESS, NAME, Node, find_node, pick_attribute

log = LimitedLog(logging.getLogger("acestepd.discovery"))

MAX_HEAD = 8192  # bytes of a request
MAX_CONNECTIONS = 16
MAX_PER_HOST = 4  # of them, of another machine
MAX_SECONDS = 5.0  # that a connection may last, whatever comes or does not
ANSWER_SECONDS = 1.0  # from a whole question on, in which it makes room for no other
POLL_SECONDS = 0.2  # between two looks for those that last longer
HOST_INFO = "HOST_INFO"
METHODS = "GET, HEAD"


def find_near_address(host: str) -> str:
    """Where this machine reaches what listens on `host`."""
    return "127.0.0.1" if host == EVERY_ADDRESS else host


def ask_name(host: str, port: int) -> str:
    """What the OSCQuery server there is called; empty where none answers."""
    connection = HTTPConnection(find_near_address(host), port, timeout=MAX_SECONDS)
    try:
        connection.request("GET", f"/?{HOST_INFO}")
        return str(untrusted.parse_json(connection.getresponse().read(MAX_HEAD))["NAME"])
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return ""
    finally:
        connection.close()


@dataclass
class _Connection:
    host: str
    opened: float  # time.monotonic()
    asked: float = math.inf  # when its whole question had come, the same


class OscQueryServer(socketserver.ThreadingTCPServer):
    """Listens from the start, and answers once it is started. Raises `SettingsError` where the port
    is taken.

    `build_root` is called for every request, on a thread of its own.
    """

    allow_reuse_address = True
    request_queue_size = MAX_CONNECTIONS

    def __init__(
        self, host: str, port: int, guard: Guard, host_info: Node, build_root: Callable[[], Node]
    ) -> None:
        self.guard = guard
        self.host_info = host_info
        self.build_root = build_root
        # the oldest first
        self._connections: dict[socket.socket, _Connection] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(
            target=self.serve_forever, args=(POLL_SECONDS,), name="oscquery", daemon=True
        )
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise SettingsError(
                f"cannot listen on TCP {host}:{port}: {error.strerror}; "
                "choose another oscquery in the settings"
            ) from error

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        self._end_connections(opened_before=float("inf"))
        self.server_close()  # waits for what is being answered

    # --- connections ------------------------------------------------------------------------------

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return self.guard.is_allowed(client_address[0])

    def get_request(self) -> tuple[socket.socket, Any]:
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in EXHAUSTED:  # it stays pending, so that select would not wait at all
                self._closing.wait(ACCEPT_PAUSE)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        host = client_address[0]
        with self._lock:
            if has_room := self._has_room(host):
                self._connections[request] = _Connection(host, time.monotonic())
        if has_room:
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def _has_room(self, host: str) -> bool:
        """Whether one more of that machine may be held. Where there are too many, the oldest makes
        room whose question has not come, or whose answer is not read: a program does both at once.
        """
        own = [one for one, other in self._connections.items() if other.host == host]
        if len(own) >= MAX_PER_HOST and not is_loopback(host):
            return self._make_room(own)
        return len(self._connections) < MAX_CONNECTIONS or self._make_room(list(self._connections))

    def _make_room(self, connections: list[socket.socket]) -> bool:
        now = time.monotonic()
        for request in connections:
            asked = self._connections[request].asked
            if asked == math.inf or asked + ANSWER_SECONDS < now:
                del self._connections[request]
                _end(request)
                return True
        return False

    def note_question(self, request: Any) -> None:
        """A whole question has come."""
        with self._lock:
            if connection := self._connections.get(request):
                connection.asked = time.monotonic()

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        self._end_connections(opened_before=time.monotonic() - MAX_SECONDS)

    def _end_connections(self, opened_before: float) -> None:
        with self._lock:
            for request, connection in self._connections.items():
                if connection.opened < opened_before:
                    _end(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # or else somebody hung up
            host = client_address[0]
            log.exception(host, "a question of %s could not be answered", host)


def _end(connection: socket.socket) -> None:
    """Its thread finds out, and closes it."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """One question, and the end of the connection."""

    server: OscQueryServer
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._head = _receive_head(self.connection)
        if _is_complete(self._head):
            self.server.note_question(self.connection)
        self.rfile = io.BytesIO(self._head)

    def handle(self) -> None:
        if _is_complete(self._head):
            self.handle_one_request()
        elif self._head:
            self.requestline = ""
            self.request_version = self.protocol_version
            self.command = ""
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def do_GET(self) -> None:
        host = self.client_address[0]
        if not self.server.guard.is_authenticated(host):
            self._refuse(HTTPStatus.UNAUTHORIZED, f"send {HELLO} TOKEN over OSC first")
        elif not self.server.guard.admit(Peer(f"http:{host}", host)):
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS)
        elif not self._is_host_ours():
            self._refuse(HTTPStatus.FORBIDDEN, "Host must be the address that this listens on")
        else:
            self._answer(*_split_target(self.path)[1:])

    do_HEAD = do_GET  # noqa: N815

    def _is_host_ours(self) -> bool:
        """A page of another server, whose name was made to lead here, is told apart by it."""
        hosts = self.headers.get_all("Host", [])
        server, _, _ = _split_target(self.path)
        named = [*hosts, server] if server else hosts
        names = {name.partition(":")[0].strip().lower() for name in named}
        return len(hosts) == 1 and names <= {self.connection.getsockname()[0], "localhost"}

    def _answer(self, path: str, query: str = "") -> None:
        if query == HOST_INFO:
            self._send_json(self.server.host_info)
        elif query and query not in ATTRIBUTES:
            self._refuse(HTTPStatus.BAD_REQUEST, f"attributes: {' '.join(sorted(ATTRIBUTES))}")
        elif (node := find_node(self.server.build_root(), unquote(path))) is None:
            self._refuse(HTTPStatus.NOT_FOUND)
        elif query and pick_attribute(node, query) is None:
            self._send(HTTPStatus.NO_CONTENT)
        else:
            self._send_json(pick_attribute(node, query) if query else node)

    def _send_json(self, value: Node | None) -> None:
        self._send(HTTPStatus.OK, "application/json", json.dumps(value))

    def _refuse(self, status: HTTPStatus, text: str = "") -> None:
        self._send(status, "text/plain", f"{text or status.phrase}\n")

    def _send(self, status: HTTPStatus, kind: str = "", text: str = "") -> None:
        body = text.encode()
        self.send_response(status)
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", METHODS)
        if kind:
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What `http.server` itself finds wrong. A method it does not find is one we do not do."""
        is_method = code == HTTPStatus.NOT_IMPLEMENTED
        self._refuse(HTTPStatus.METHOD_NOT_ALLOWED if is_method else HTTPStatus(code))

    def version_string(self) -> str:
        return NAME

    def log_message(self, format: str, *args: Any) -> None:
        """What is asked here is no event."""


def _split_target(target: str) -> tuple[str, str, str]:
    """Server, path and query of what is asked for; the server is empty but in http://host/path."""
    scheme, _, rest = target.partition("://")
    server = ""
    if scheme.lower() == "http":
        server = re.split("[/?]", rest, maxsplit=1)[0]
        target = rest[len(server) :]
    path, _, query = target.partition("?")
    return server, path, query


def _receive_head(connection: socket.socket) -> bytes:
    """What comes up to the blank line that ends a request; less, or more than `MAX_HEAD` bytes,
    where none comes.
    """
    head = b""
    while not _is_complete(head) and len(head) <= MAX_HEAD and (data := connection.recv(4096)):
        head += data
    return head


def _is_complete(head: bytes) -> bool:
    return b"\r\n\r\n" in head or b"\n\n" in head
