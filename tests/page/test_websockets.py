"""WebSockets as no browser opens or uses them, over plain sockets: what costs without saying
anything, and what is never taken.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from daemon.osc.wire import encode
from daemon.page import connections, protocol
from daemon.page.protocol import GuardedProtocol, GuardedWebSocket
from tests.page.conftest import Asker
from tests.page.test_protocol import open_connection, read_statuses, read_to_end
from tests.support.stage import Stage
from tests.support.waiting import until

TEXT, PING, PONG, CONTINUED, CLOSE = 1, 9, 10, 0, 8  # opcodes
SMALL = 4096  # bytes that the system keeps between two programs, as far as it lets itself be told


@pytest.fixture
def asker(shared_asker: Asker) -> Asker:
    return shared_asker


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    return shared_stage


def build_head(asker: Asker, *lines: str, method: str = "GET", path: str = "/messages") -> bytes:
    own = f"127.0.0.1:{asker.port}"
    head = (
        f"{method} {path} HTTP/1.1", f"Host: {own}", f"Origin: http://{own}", "Upgrade: websocket",
        "Connection: Upgrade", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *lines,
    )  # fmt: skip
    return ("\r\n".join(head) + "\r\n\r\n").encode("latin-1")


def build_frame(opcode: int, content: bytes = b"", is_last: bool = True) -> bytes:
    """With a mask that changes nothing."""
    length = len(content)
    size = bytes([0x80 | length]) if length < 126 else b"\xfe" + struct.pack(">H", length)
    return bytes([is_last << 7 | opcode]) + size + b"\0\0\0\0" + content


def open_socket(asker: Asker) -> socket.socket:
    """A WebSocket; what comes from it has not been read."""
    connection = open_connection(asker.port)
    connection.sendall(build_head(asker))
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1)
    assert read_statuses(head) == [101]
    return connection


def read_frame(connection: socket.socket) -> tuple[int, bytes]:
    """Its opcode and what it says."""
    with connection.makefile("rb", buffering=0) as file:
        first, length = _read(file, 2)
        if length == 126:
            [length] = struct.unpack(">H", _read(file, 2))
        return first & 15, _read(file, length)


def _read(file: socket.SocketIO, length: int) -> bytes:
    content = b""
    while len(content) < length:
        content += file.read(length - len(content)) or b""
    return content


def list_served(stage: Stage) -> list[GuardedProtocol | GuardedWebSocket]:
    """The server's side of all connections."""
    assert stage.page
    found = list(stage.page._server.server_state.connections)
    return [each for each in found if isinstance(each, GuardedProtocol | GuardedWebSocket)]


def find_served(
    stage: Stage, connection: socket.socket
) -> GuardedProtocol | GuardedWebSocket | None:
    """The server's side of one; None where it is gone."""
    address = connection.getsockname()
    return next((each for each in list_served(stage) if each.client == address), None)


def keep_little(stage: Stage, connection: socket.socket) -> GuardedProtocol | GuardedWebSocket:
    """From now on what is not read stays in the server."""
    until(lambda: find_served(stage, connection) is not None)
    served = find_served(stage, connection)
    assert served
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    sending = served.transport.get_extra_info("socket")
    sending.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
    return served


def find_page(stage: Stage, connection: socket.socket) -> connections._Connection:
    """What is to be sent to one is kept in it."""
    assert stage.page
    pages = stage.page._connections
    address = connection.getsockname()
    found: list[connections._Connection] = []

    def look() -> bool:
        found[:] = [each for each in pages._open.values() if each._socket.client == address]
        return bool(found)

    until(look)
    return found[0]


# --- what opens none ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 2"],
        ["Transfer-Encoding: chunked"],
        ["Sec-WebSocket-Protocol: a\x7f"],
        [f"X-Long: {'x' * 9000}"],
        [f"X-{number}: x" for number in range(500)],
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_head_that_opens_none_is_refused_and_hung_up_on(
    asker: Asker, lines: list[str], method: str
) -> None:
    with closing(open_connection(asker.port)) as connection:
        connection.sendall(build_head(asker, *lines, method=method))
        assert read_statuses(read_to_end(connection)) == [400]


# --- what costs without saying anything -----------------------------------------------------------


def test_pings_whose_answers_are_not_read_are_not_all_answered(stage: Stage, asker: Asker) -> None:
    many = 2000
    with closing(open_socket(asker)) as connection:
        keep_little(stage, connection)
        page = find_page(stage, connection)
        opened = page.heard
        connection.sendall(build_frame(PING, b"x" * 125) * many)
        connection.sendall(build_frame(TEXT, b'[["/ace/ping"]]'))
        until(lambda: page.heard > opened)
        opcodes = []
        while TEXT not in opcodes:
            opcodes.append(read_frame(connection)[0])
    assert 0 < opcodes.count(PONG) < many


def test_a_message_has_so_many_parts(asker: Asker) -> None:
    parts = build_frame(CONTINUED, is_last=False) * (protocol.MAX_FRAGMENTS + 1)
    with closing(open_socket(asker)) as connection:
        connection.sendall(build_frame(TEXT, is_last=False) + parts)
        opcode, content = read_frame(connection)
    assert opcode == CLOSE
    assert struct.unpack(">H", content[:2]) == (protocol.TOO_BIG,)


def test_frames_are_read_a_few_at_a_time(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many are in a part that a transport reads otherwise that nobody else gets a word in."""
    sizes = []
    receive = GuardedWebSocket.data_received

    def measure(self: GuardedWebSocket, data: bytes) -> None:
        sizes.append(len(data))
        receive(self, data)

    with closing(open_socket(asker)) as connection:
        monkeypatch.setattr(GuardedWebSocket, "data_received", measure)
        connection.sendall(build_frame(PONG) * 10_000 + build_frame(TEXT, b'[["/ace/ping"]]'))
        assert read_frame(connection)[0] == TEXT
    assert sum(sizes) > 60_000
    assert max(sizes) <= protocol.READ_BYTES


def test_whose_frames_have_cost_time_is_not_read_for_longer(
    stage: Stage, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the message among them was taken meanwhile."""
    with closing(open_socket(asker)) as connection:
        monkeypatch.setattr(protocol, "REST", 1e9)
        connection.sendall(build_frame(TEXT, b'[["/ace/ping"]]'))
        assert read_frame(connection)[0] == TEXT
        served = find_served(stage, connection)
        assert served
        assert not served.transport.is_reading()
        served.loop.call_soon_threadsafe(served.transport.abort)


# --- what is never taken --------------------------------------------------------------------------


@pytest.fixture
def full(stage: Stage, asker: Asker) -> Iterator[tuple[socket.socket, GuardedWebSocket]]:
    """A WebSocket that has not read what fills it, and the server's side of it."""
    with closing(open_socket(asker)) as connection:
        served = keep_little(stage, connection)
        assert isinstance(served, GuardedWebSocket)
        find_page(stage, connection).push(encode("/ace/pong", "s", "x" * 200_000))
        until(lambda: not served.writable.is_set())
        yield connection, served


def test_a_page_that_reads_too_slowly_is_gone_also_where_it_does_not_read_that(
    stage: Stage, full: tuple[socket.socket, GuardedWebSocket], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, _ = full
    monkeypatch.setattr(connections, "MAX_UNSENT", 1000)
    find_page(stage, connection).push(encode("/ace/pong", "s", "x" * 2000))
    until(lambda: find_served(stage, connection) is None)


def test_who_is_not_there_any_more_is_gone_whatever_waits_for_it(
    stage: Stage, full: tuple[socket.socket, GuardedWebSocket]
) -> None:
    connection, served = full
    served.loop.call_soon_threadsafe(served.keepalive_timeout)
    until(lambda: find_served(stage, connection) is None)


def test_what_waits_to_be_read_for_ever_counts_and_makes_room_first(
    stage: Stage, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it is written and closed, but does not end before it is read."""
    most = 6
    monkeypatch.setattr(protocol, "MAX_CONNECTIONS", most)
    until(lambda: not list_served(stage))
    question = f"GET /style.css HTTP/1.1\r\nHost: 127.0.0.1:{asker.port}\r\n"
    packet = f"{question}\r\n" * 2 + f"{question}Connection: close\r\n\r\n"
    with ExitStack() as opened:
        for _ in range(3 * most):
            connection = opened.enter_context(closing(socket.socket()))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
            connection.connect(("127.0.0.1", asker.port))
            served = keep_little(stage, connection)
            connection.sendall(packet.encode())
            until(served.transport.is_closing)
            assert served.transport.get_write_buffer_size()
        assert asker.ask("/takes").status == 200
        assert len(list_served(stage)) <= most + 1
