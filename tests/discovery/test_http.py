"""The OSCQuery server and what comes over sockets: strangers, junk, and who never ends."""

from __future__ import annotations

import itertools
import json
import resource
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from daemon.discovery import http
from daemon.discovery.http import MAX_CONNECTIONS, OscQueryServer, ask_name
from daemon.discovery.tree import build_host_info, build_tree, find_node
from daemon.osc.guard import BURST, LEASE, Guard
from daemon.osc.tcp import ACCEPT_PAUSE
from daemon.settings import Settings, SettingsError
from pipeline.request import Request
from tests.support.clock import Clock
from tests.support.examples import scale_examples
from tests.support.stage import named, on_stage
from tests.support.waiting import until

PATIENCE = 60.0


@contextmanager
def serving(
    guard: Guard | None = None, request: Request | None = None, host: str = "127.0.0.1"
) -> Iterator[int]:
    """The port of a server without a daemon."""
    server = OscQueryServer(
        host,
        0,
        guard or Guard(Settings()),
        build_host_info("127.0.0.1", 9100),
        lambda: build_tree(request or Request(), ("warm", "mini", 0), 120.0),
    )
    server.start()
    with closing(server):
        yield server.port


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(PATIENCE)
    return connection


def read_all(connection: socket.socket) -> bytes:
    """Up to the end, however it comes."""
    received = b""
    with suppress(ConnectionResetError):  # it was closed before it had read all of ours
        while data := connection.recv(65536):
            received += data
    return received


def send(port: int, request: bytes) -> bytes:
    with connect(port) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        return read_all(connection)


def ask(
    port: int, target: str, method: str = "GET", host: str = "localhost", more: str = ""
) -> tuple[int, dict[str, str], bytes]:
    """The status, the headers and the body of an answer."""
    request = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n"
    head, _, body = send(port, request.encode("latin-1")).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    headers = {name.lower(): value for name, value in pairs}
    return int(status.split()[1]), headers, body


def ask_json(port: int, target: str) -> Any:
    status, headers, body = ask(port, target)
    assert status == 200
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert int(headers["content-length"]) == len(body)
    return json.loads(body)


def test_a_node_an_attribute_and_the_host_can_be_asked_for() -> None:
    with serving(request=Request(bars=4)) as port:
        node = ask_json(port, "/ace/set/bars")
        assert (node["FULL_PATH"], node["VALUE"]) == ("/ace/set/bars", [4])
        assert ask_json(port, "/ace/set/bars?VALUE") == {"VALUE": [4]}
        assert ask_json(port, "/ace/set/bars/?TYPE") == {"TYPE": "i"}
        assert ask_json(port, "/ace/set/%62ars?VALUE") == {"VALUE": [4]}
        assert ask_json(port, "/?HOST_INFO")["OSC_PORT"] == 9100
        assert set(ask_json(port, "/")["CONTENTS"]) == {"ace"}
        assert ask_name("127.0.0.1", port) == ask_name("0.0.0.0", port) == "acestepd"


def test_without_a_free_file_handle_it_waits_and_answers_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries: list[float] = []
    get_request = OscQueryServer.get_request

    def count(server: OscQueryServer) -> tuple[socket.socket, Any]:
        tries.append(time.monotonic())
        return get_request(server)

    monkeypatch.setattr(OscQueryServer, "get_request", count)
    with serving() as port, closing(socket.socket()) as late:
        late.settimeout(PATIENCE)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        with closing(socket.socket()) as probe:
            free = probe.fileno()
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
        try:
            late.connect(("127.0.0.1", port))
            until(lambda: len(tries) >= 3)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        late.sendall(b"GET /?HOST_INFO HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" in read_all(late)
        assert all(b - a >= ACCEPT_PAUSE for a, b in itertools.pairwise(tries))


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/ace/nothing", 404),
        ("/%2e%2e/%2e%2e/etc/passwd", 404),
        ("/../../etc/passwd", 404),
        ("//ace//set//bars", 404),
        ("/ace/set/bars%00", 404),
        ("/ace/set/%ff%fe", 404),
        ("http://[", 403),
        ("*", 404),
        ("/ace/set/bars?", 200),
        ("/ace/set/bars?value", 400),
        ("/ace/set/bars?VALUE&TYPE", 400),
        ("/ace/set/bars?WHATEVER", 400),
        ("/ace/set/bars?UNIT", 204),  # OSCQuery knows it, the node has none
        ("/ace/set/prompt?RANGE", 204),
        ("/ace/go?VALUE", 204),  # it cannot be read
        ("/ace?VALUE", 204),
    ],
)
def test_what_is_not_there_has_the_status_that_oscquery_gives_it(target: str, status: int) -> None:
    with serving() as port:
        assert ask(port, target)[0] == status


def test_a_program_may_ask_with_the_whole_address_as_a_proxy_does() -> None:
    def read(target: str, **more: str) -> tuple[int, bytes]:
        status, _, body = ask(port, target, **more)
        return status, body

    with serving() as port:
        expected = read("/ace/set/bars?TYPE")
        assert expected[0] == 200
        for server in (f"127.0.0.1:{port}", "localhost", "LOCALHOST:1"):
            assert read(f"http://{server}/ace/set/bars?TYPE") == expected
            assert read(f"HTTP://{server}/ace/set/bars?TYPE") == expected
            assert read(f"http://{server}?HOST_INFO") == read("/?HOST_INFO")
            assert read(f"http://{server}") == read("/")
        for server in ("example.com", "example.com:80", "127.0.0.1@example.com", "x:y@localhost"):
            assert read(f"http://{server}/ace/set/bars")[0] == 403
        assert read("http://localhost/ace/set/bars", host="example.com")[0] == 403
        assert read("http://localhost/ace/nothing")[0] == 404


def test_head_is_get_without_the_body() -> None:
    with serving() as port:
        status, headers, body = ask(port, "/ace/set/bars", "HEAD")
        assert (status, body) == (200, b"")
        assert int(headers["content-length"]) == len(ask(port, "/ace/set/bars")[2])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "get", "BREW"])
def test_nothing_but_reading_is_done(method: str) -> None:
    with serving() as port:
        status, headers, _ = ask(port, "/ace/set/bars", method, more="Content-Length: 0\r\n")
        assert status == 405
        assert headers["allow"] == "GET, HEAD"


def test_no_web_page_may_read_it() -> None:
    with serving() as port:
        _, headers, _ = ask(port, "/", more="Origin: https://example.com\r\n")
        assert not [name for name in headers if name.startswith("access-control")]
        assert headers["x-content-type-options"] == "nosniff"
        for host in ("example.com", "example.com:80", "127.0.0.1.example.com", "127.0.0.2", ""):
            assert ask(port, "/", host=host)[0] == 403
        for host in ("localhost", "LOCALHOST:1", "127.0.0.1", f"127.0.0.1:{port}"):
            assert ask(port, "/", host=host)[0] == 200
        assert ask(port, "/", more="Host: localhost\r\n")[0] == 403  # two
        assert b" 403 " in send(port, b"GET / HTTP/1.0\r\n\r\n")  # none


def test_every_address_of_the_machine_is_a_host_when_all_are_listened_on() -> None:
    guard = Guard(Settings(host="0.0.0.0", allow=("10.9.8.7",)))
    with serving(guard, host="0.0.0.0") as port:
        assert ask(port, "/", host=f"127.0.0.1:{port}")[0] == 200
        assert ask(port, "/", host="0.0.0.0")[0] == 403


def test_the_connection_ends_after_one_answer() -> None:
    question = b"GET /?HOST_INFO HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n"
    with serving() as port:
        received = send(port, question * 3)
        assert received.count(b"HTTP/1.1 200 ") == 1
        assert b"Connection: close" in received


@pytest.mark.parametrize(
    "junk",
    [
        b"\r\n\r\n",
        b"\0" * 100 + b"\n\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/x\r\n\r\n",
        b"GET / / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 1000 + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n",  # TLS
        b"#bundle\0\0\0\0\0\0\0\0\1\n\n",
    ],
)
def test_junk_is_refused_and_the_next_is_served(
    junk: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with serving() as port:
        received = send(port, junk)
        assert b" 200 " not in received
        assert b"Traceback" not in received
        assert ask(port, "/")[0] == 200
    assert not caplog.records  # nothing that the daemon did not foresee


def test_random_bytes_end_nothing_and_are_no_bug(caplog: pytest.LogCaptureFixture) -> None:
    begin = st.sampled_from([b"", b"GET ", b"GET /", b"GET / HTTP/1.1\r\nHost: localhost\r\n"])

    with serving() as port:

        @given(begin, st.binary(max_size=300))
        @hypothesis_settings(max_examples=scale_examples(300))
        def check(begin: bytes, junk: bytes) -> None:
            assert b"Traceback" not in send(port, begin + junk + b"\r\n\r\n")

        check()
        assert ask(port, "/")[0] == 200
    assert not caplog.records


def test_as_many_as_may_be_connected_are_answered_whole_at_once() -> None:
    with serving(request=Request(lyrics="la " * 20_000)) as port:
        with ThreadPoolExecutor(MAX_CONNECTIONS) as pool:
            answers = list(pool.map(lambda _: ask_json(port, "/"), range(MAX_CONNECTIONS)))
        assert all(answer == ask_json(port, "/") for answer in answers)


def test_an_endless_head_is_refused() -> None:
    with serving() as port:
        for request in (
            b"GET / HTTP/1.1\r\nHost: localhost\r\nx: " + b"a" * 2**20,
            b"GET /" + b"a" * 2**20,
        ):
            received = send(port, request)
            assert received == b"" or b" 431 " in received  # it may be reset before it is read
        assert b" 431 " in send(port, b"GET /" + b"a" * (http.MAX_HEAD + 1))
        assert ask(port, "/")[0] == 200


def test_who_hangs_up_halfway_costs_nothing() -> None:
    with serving() as port:
        for part in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\n"):
            with connect(port) as connection:
                connection.sendall(part)
                connection.shutdown(socket.SHUT_WR)
                assert b" 200 " not in read_all(connection)
        assert ask(port, "/")[0] == 200


def test_who_never_ends_a_question_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_SECONDS", 0.1)
    with serving() as port, connect(port) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: local")
        assert b" 200 " not in read_all(slow)


def test_another_machine_holds_no_more_than_its_share_of_the_connections(
    other_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_SECONDS", PATIENCE)
    guard = Guard(Settings(host="0.0.0.0", allow=(other_address,), token="open sesame"))
    with serving(guard, host="0.0.0.0") as port, ExitStack() as opened:
        far = [
            opened.enter_context(socket.create_connection((other_address, port), PATIENCE))
            for _ in range(2 * MAX_CONNECTIONS)
        ]
        for connection in far[: -http.MAX_PER_HOST]:
            assert read_all(connection) == b""
        assert ask(port, "/")[0] == 200


def test_half_sent_questions_make_room_for_whole_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_SECONDS", PATIENCE)
    with serving() as port, ExitStack() as opened:
        held = []
        for _ in range(4 * MAX_CONNECTIONS):
            held.append(opened.enter_context(connect(port)))
            with suppress(OSError):
                held[-1].sendall(b"GET / HT")
        assert ask(port, "/")[0] == 200
        for connection in held[:-MAX_CONNECTIONS]:
            read_all(connection)  # so many connections and no more
        held[-1].sendall(b"TP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in read_all(held[-1])


def test_answers_that_nobody_reads_make_room_and_those_that_are_read_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "MAX_SECONDS", PATIENCE)
    go_on = threading.Event()
    entered = threading.Semaphore(0)

    def find_slowly(root: Any, path: str) -> Any:
        if path == "/slow":
            entered.release()
            assert go_on.wait(PATIENCE)
        return find_node(root, path)

    monkeypatch.setattr(http, "find_node", find_slowly)
    monkeypatch.setattr(http, "ANSWER_SECONDS", PATIENCE)
    with serving() as port, ExitStack() as opened:
        opened.callback(go_on.set)
        for _ in range(MAX_CONNECTIONS):
            opened.enter_context(connect(port)).sendall(
                b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n"
            )
            assert entered.acquire(timeout=PATIENCE)
        with connect(port) as one_more:
            assert read_all(one_more) == b""
        monkeypatch.setattr(http, "ANSWER_SECONDS", -1.0)
        assert ask(port, "/")[0] == 200


def test_closing_does_not_wait_for_who_is_connected() -> None:
    with serving() as port:
        connection = connect(port)
        assert ask(port, "/")[0] == 200  # so that one has been accepted
    with connection:
        assert read_all(connection) == b""


class FarGuard(Guard):
    """Takes those who ask for another machine, as a test cannot be one."""

    far = "192.0.2.7"

    def is_allowed(self, host: str) -> bool:
        return super().is_allowed(self.far)

    def is_authenticated(self, host: str) -> bool:
        return super().is_authenticated(self.far)


def test_a_machine_that_is_not_allowed_is_not_answered() -> None:
    with serving(FarGuard(Settings(host="0.0.0.0", allow=("10.9.8.7",)))) as port:
        assert send(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") == b""


def test_the_token_of_osc_opens_it_for_as_long_as_osc() -> None:
    clock = Clock()
    allowed = Settings(host="0.0.0.0", allow=(FarGuard.far,), token="swordfish")
    guard = FarGuard(allowed, clock)
    with serving(guard) as port:
        status, _, body = ask(port, "/?HOST_INFO")
        assert status == 401
        assert b"/ace/hello" in body
        assert b"swordfish" not in body
        guard.authenticate(FarGuard.far, "swordfish")
        assert ask(port, "/?HOST_INFO")[0] == 200
        clock.now += LEASE
        assert ask(port, "/?HOST_INFO")[0] == 401


def test_who_asks_too_fast_is_refused_until_later() -> None:
    clock = Clock()
    with serving(Guard(Settings(rate=1), clock)) as port:
        statuses = [ask(port, "/?HOST_INFO")[0] for _ in range(round(BURST) + 1)]
        assert statuses == [200] * round(BURST) + [429]
        clock.now += 1
        assert ask(port, "/?HOST_INFO")[0] == 200


def test_neither_token_nor_folders_nor_clients_of_a_daemon_are_in_it(tmp_path: Path) -> None:
    pytest.importorskip("zeroconf", reason="needs zeroconf (the extra 'discovery')")
    secret = {
        "token": "swordfish",
        "allow": ("192.0.2.7",),
        "subscribers": ("192.0.2.8:9001",),
        "folders": (tmp_path / "samples",),
    }
    with on_stage(tmp_path, discovery=True, **secret) as stage, named(stage, "secretive"):
        assert stage.discovery
        for target in ("/", "/?HOST_INFO"):
            status, _, body = ask(stage.discovery.port, target)
            assert status == 200
            for word in ("swordfish", "192.0.2", str(tmp_path), "secretive", "udp:"):
                assert word.encode() not in body


def test_a_port_that_is_taken_is_said_at_the_start() -> None:
    with serving() as port, pytest.raises(SettingsError, match="choose another oscquery"):
        OscQueryServer("127.0.0.1", port, Guard(Settings()), {}, dict)


def test_where_no_oscquery_answers_there_is_no_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        other.close()
        assert ask_name("127.0.0.1", port) == ""
