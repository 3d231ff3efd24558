"""HTTP as it must not be, over plain sockets: what is no question, what never ends, and who opens
more than anybody needs.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from daemon.osc.guard import Guard
from daemon.page import app, protocol
from tests.page.conftest import Asker
from tests.support.stage import Stage, on_stage
from tests.support.waiting import until


@pytest.fixture(scope="module")
def asker(shared_asker: Asker) -> Asker:
    return shared_asker


def open_connection(port: int, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 60, (source, 0))


def read_to_end(connection: socket.socket) -> bytes:
    received = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return received
        if not part:
            return received
        received += part


def ask_raw(asker: Asker, text: str | bytes, is_all: bool = False) -> bytes:
    """All that is answered to these bytes, until the server ends it, or `is_all` says that no more
    comes.
    """
    packet = text if isinstance(text, bytes) else text.encode("latin-1")
    with closing(open_connection(asker.port)) as connection:
        connection.sendall(packet)
        if is_all:
            connection.shutdown(socket.SHUT_WR)
        return read_to_end(connection)


def ask_path(asker: Asker, target: str, method: str = "GET") -> bytes:
    host = f"127.0.0.1:{asker.port}"
    origin = f"Origin: http://{host}\r\n" if method != "GET" else ""
    return ask_raw(
        asker, f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{origin}Connection: close\r\n\r\n"
    )


def read_statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


# --- what is no question --------------------------------------------------------------------------

NO_QUESTIONS = [
    "\r\n\r\n\r\n",
    "hello\r\n\r\n",
    "GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
    "GET /\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
    "GET / HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n X: folded\r\nA\0B: c\r\n\r\n",
    "GET / HTTP/1.1\nHost: 127.0.0.1\nX\x01: y\n\n",
    "GET /\x00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "POST /reading HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
    "POST /reading HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1e3\r\n\r\n",
    "POST /reading HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "POST /reading HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + "a" * 40_000 + "\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + "X: y\r\n" * 5000 + "\r\n",
    "GET /" + "a" * 40_000 + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]


@pytest.mark.parametrize("text", NO_QUESTIONS)
def test_what_is_no_question_is_refused_and_the_next_is_answered(asker: Asker, text: str) -> None:
    statuses = read_statuses(ask_raw(asker, text, is_all=True))
    assert all(400 <= status < 500 or status in (501, 505) for status in statuses)
    assert asker.ask("/takes").status == 200


def test_another_version_of_http_is_refused(asker: Asker) -> None:
    host = f"Host: 127.0.0.1:{asker.port}\r\nConnection: close\r\n\r\n"
    assert read_statuses(ask_raw(asker, f"GET / HTTP/9.9\r\n{host}")) == [505]
    assert read_statuses(ask_raw(asker, f"GET / HTTP/1.0\r\n{host}")) == [200]


def test_bytes_of_all_kinds_are_refused(asker: Asker) -> None:
    assert read_statuses(ask_raw(asker, bytes(range(256)) * 64, is_all=True)) in ([], [400])


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "CONNECT", "OPTIONS", "BREW", "get"])
@pytest.mark.parametrize("path", ["/", "/takes", "/takes/1", "/sources", "/reading", "/js/main.js"])
def test_methods_that_no_page_uses_are_refused(asker: Asker, method: str, path: str) -> None:
    statuses = read_statuses(ask_path(asker, path, method))
    assert statuses in ([405], [404], [400], [403])


@pytest.mark.parametrize("path", ["/reading", "/sources?name=a.wav", "/takes/1", "/token"])
def test_what_changes_something_is_nothing_that_a_link_or_an_image_does(
    asker: Asker, path: str
) -> None:
    """GET changes nothing, wherever it comes from."""
    answer = asker.ask(path, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status in (404, 405) or path == "/token"


# --- what leads out of the folders ----------------------------------------------------------------

OUT = [
    "/../pyproject.toml", "/..%2fpyproject.toml", "/%2e%2e/pyproject.toml",
    "/%2e%2e%2fetc%2fpasswd",
    "/%252e%252e%252fetc%252fpasswd", "/..%5c..%5cetc%5cpasswd", "/js/..;/..;/etc/passwd",
    "/js/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd", "/%e0%80%ae%e0%80%ae/etc/passwd",
    "//etc/passwd", "///etc/passwd", "/etc/passwd", "/%2fetc%2fpasswd", "/js//etc/passwd",
    "/index.html%00.js", "/%00", "/js/main.js/", "/js", "/js/", "/.", "/..", "/./index.html/..",
    "/file:///etc/passwd", "/\\..\\..\\etc\\passwd", "/index.html/../../../etc/passwd",
    "http://127.0.0.1/../../etc/passwd",
    "/takes/1/sound/..%2f..%2f..%2fetc%2fpasswd", "/takes/1/sound/%2fetc%2fpasswd",
    "/takes/1/sound/mix%00.wav", "/takes/..%2f1/manifest", "/takes/1/waveform/%2e%2e",
    "/takes/0x1/manifest", "/takes/1%00/manifest", "/takes/+1/manifest", "/takes/%31%20/manifest",
    "/takes/9223372036854775808", "/takes/18446744073709551617",
]  # fmt: skip


@pytest.mark.parametrize("target", OUT)
def test_no_spelling_of_a_path_leads_to_a_file(asker: Asker, target: str) -> None:
    answer = ask_path(asker, target)
    assert read_statuses(answer) == [404] or read_statuses(answer) == [400]
    assert b"root:" not in answer
    assert b"[project]" not in answer


def test_only_files_of_the_page_are_ever_looked_for(tmp_path: Path) -> None:
    assert set(app.list_files()) >= {"index.html", "token.html", "style.css", "js/main.js"}
    assert not any(name.startswith(("/", ".")) for name in app.list_files())


# --- more than one question in a connection -------------------------------------------------------


def test_each_question_of_a_connection_is_looked_at(asker: Asker) -> None:
    """A second one, hidden behind the body of the first, is admitted by itself."""
    own = f"127.0.0.1:{asker.port}"
    hidden = "DELETE /takes/1 HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    answer = ask_raw(
        asker,
        f"POST /reading HTTP/1.1\r\nHost: {own}\r\nOrigin: http://{own}\r\n"
        f"Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n{hidden}",
    )
    assert read_statuses(answer) == [200, 403]
    assert b"Host must be" in answer


@pytest.mark.parametrize(
    "lines",
    [
        ["Origin: {own}", "Origin: http://evil.example"],
        ["Origin: {own}, http://evil.example"],
        ["Origin: {own}.evil.example"],
        ["Origin: {own}@evil.example"],
        ["Origin: HTTP://127.0.0.1:{port}"],
        ["Origin: null"],
        ["Referer: {own}/"],
        ["X-Forwarded-Host: 127.0.0.1", "X-HTTP-Method-Override: GET"],
        [],
    ],
)
def test_nothing_but_its_own_origin_is_its_own(asker: Asker, lines: list[str]) -> None:
    own = f"127.0.0.1:{asker.port}"
    head = "".join(f"{line}\r\n" for line in lines)
    head = head.format(own=f"http://{own}", port=asker.port)
    answer = ask_raw(
        asker,
        f"POST /reading HTTP/1.1\r\nHost: {own}\r\n{head}Content-Length: 2\r\nConnection: close"
        "\r\n\r\n{}",
    )
    assert read_statuses(answer) == [403]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:99999999", "127.0.0.1:x", "127.0.0.1:", "[::1", "[::1]x", "[evil]", "::1",
        "evil@127.0.0.1", "127.0.0.1@evil", "127.0.0.1/evil", "127.0.0.1 evil", "127.0.0.1,evil",
        "localhost.", "127.0.0.1.nip.io", "0x7f.1", "2130706433", "127.1", "%31%32%37.0.0.1",
        "xn--localhost", "ｌocalhost", "[::ffff:127.0.0.1%25eth0]",
    ],
)  # fmt: skip
def test_a_host_that_is_no_plain_address_and_no_name_of_this_machine_is_none(
    asker: Asker, host: str
) -> None:
    head = f"GET /takes HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    assert read_statuses(ask_raw(asker, head.encode())) in ([403], [400])


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("evil.example:{port}", "http://evil.example:{port}"),
        ("127.0.0.1:{port}", "http://localhost:{port}"),
        ("127.0.0.1:{port}", "null"),
        ("127.0.0.1:{port}", "https://127.0.0.1:{port}"),
        ("127.0.0.1", "http://127.0.0.1:{port}"),
    ],
)
def test_a_websocket_is_opened_by_its_own_page_under_its_own_name(
    asker: Asker, host: str, origin: str
) -> None:
    head = (
        f"GET /messages HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert read_statuses(ask_raw(asker, head.format(port=asker.port))) == [403]


@pytest.mark.parametrize("order", [1, -1])
def test_a_body_whose_length_is_said_twice_ends_the_connection(asker: Asker, order: int) -> None:
    own = f"127.0.0.1:{asker.port}"
    lengths = ["Content-Length: 5", "Transfer-Encoding: chunked"][::order]
    head = [f"Host: {own}", f"Origin: http://{own}", *lengths]
    answer = ask_raw(
        asker,
        "POST /reading HTTP/1.1\r\n" + "\r\n".join(head) + "\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        f"GET /takes HTTP/1.1\r\nHost: {own}\r\n\r\n",
    )
    assert read_statuses(answer) == [400]


def test_a_head_of_very_many_short_lines_is_too_large_and_ends_the_connection(
    asker: Asker,
) -> None:
    head = f"GET /takes HTTP/1.1\r\nHost: 127.0.0.1:{asker.port}\r\n" + "X: a\r\n" * 3000
    assert read_statuses(ask_raw(asker, head + "\r\n")) == [431]


# --- what never ends ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET /takes HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"GET /icon.svg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /ta",
        b"POST /reading HTTP/1.1\r\nHost: evil\r\nContent-Length: 100\r\n\r\n{",
    ],
)
def test_who_never_ends_a_question_is_put_off(
    shared_stage: Stage, asker: Asker, monkeypatch: pytest.MonkeyPatch, beginning: bytes
) -> None:
    assert shared_stage.page
    monkeypatch.setattr(protocol, "ASKING_SECONDS", 0.2)
    monkeypatch.setattr(shared_stage.page._server.config, "timeout_keep_alive", 0.2)
    with closing(open_connection(asker.port)) as connection:
        connection.sendall(beginning)
        read_to_end(connection)  # it ends, or this test does after a minute


def test_what_comes_in_bits_does_not_prolong_it(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "ASKING_SECONDS", 0.3)
    with closing(open_connection(asker.port)) as connection:
        connection.settimeout(0.02)
        connection.sendall(b"GET /takes HTTP/1.1\r\n")
        while True:
            try:
                connection.sendall(b"X: y\r\n")
                if not connection.recv(100):
                    return
            except TimeoutError:
                continue
            except ConnectionError:
                return


@pytest.mark.parametrize("path", ["/reading", "/sources?name=a.wav", "/token"])
def test_a_body_that_stops_is_not_waited_for(
    shared_stage: Stage, asker: Asker, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(app, "SILENCE_SECONDS", 0.2)
    own = f"127.0.0.1:{asker.port}"
    with closing(open_connection(asker.port)) as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: {own}\r\nOrigin: http://{own}\r\n"
            "Content-Length: 100\r\nConnection: close\r\n\r\nRIFF".encode()
        )
        assert read_statuses(read_to_end(connection)) == [408]
    folder = shared_stage.settings.out / ".sources"
    assert not folder.exists() or list(folder.iterdir()) == []


def begin_post(asker: Asker, path: str, size: int = 100_000) -> socket.socket:
    """A question whose body has begun."""
    own = f"127.0.0.1:{asker.port}"
    connection = open_connection(asker.port)
    connection.sendall(
        f"POST {path} HTTP/1.1\r\nHost: {own}\r\nOrigin: http://{own}\r\n"
        f"Content-Length: {size}\r\n\r\nR".encode()
    )
    return connection


@pytest.mark.parametrize("path", ["/reading", "/sources?name=a.wav"])
def test_a_body_that_comes_byte_by_byte_is_not_waited_for(
    asker: Asker, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Each comes within the silence that there may be, and all of them take days."""
    monkeypatch.setattr(app, "SILENCE_SECONDS", 0.3)
    with closing(begin_post(asker, path)) as connection:
        connection.settimeout(0.05)
        for _ in range(1000):
            try:
                connection.sendall(b"x")
                assert read_statuses(connection.recv(1000)) == [408]
                return
            except TimeoutError:
                continue
    pytest.fail("it was waited for all the same")


def test_a_drop_that_is_broken_off_leaves_nothing(shared_stage: Stage, asker: Asker) -> None:
    own = f"127.0.0.1:{asker.port}"
    with closing(open_connection(asker.port)) as connection:
        connection.sendall(
            f"POST /sources?name=a.wav HTTP/1.1\r\nHost: {own}\r\nOrigin: http://{own}\r\n"
            "Content-Length: 100\r\n\r\nRIFF".encode()
        )
    assert asker.ask("/takes").status == 200
    folder = shared_stage.settings.out / ".sources"
    assert not [path for path in folder.glob("*") if path.suffix == ".wav"]


@pytest.mark.parametrize(("path", "size"), [("/reading", app.MAX_BODY), ("/token", app.MAX_TOKEN)])
def test_a_body_that_is_too_large_is_refused(asker: Asker, path: str, size: int) -> None:
    answer = asker.ask(path, "POST", b" " * (size + 1))
    assert answer.status == 413
    assert str(size) in answer.json["message"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b"\xff", b'{"a": NaN}', b"[" * 100_000, b'{"bars": {}}']
)
def test_a_body_that_makes_no_sense_is_told_why(asker: Asker, body: bytes) -> None:
    answer = asker.ask("/reading", "POST", body, {"Content-Type": "application/json"})
    assert answer.status in (200, 400, 422)
    assert answer.json.get("message") or answer.json.get("problem")


def test_ranges_of_all_kinds_are_answered_within_the_file(
    shared_stage: Stage, asker: Asker
) -> None:
    size = len(asker.ask("/js/main.js").body)
    for wanted in ("bytes=0-0", "bytes=-1", f"bytes=0-{size * 9}"):
        answer = asker.ask("/js/main.js", headers={"Range": wanted})
        assert answer.status == 206
        assert len(answer.body) <= size
    many = "bytes=" + ",".join(f"{first}-{first}" for first in range(0, 2000, 2))
    for wanted in (f"bytes={size}-", "bytes=5-1", "bytes=x", "lines=1-2", "bytes=" + "0-," * 3000):
        assert asker.ask("/js/main.js", headers={"Range": wanted}).status in (200, 400, 416)
    assert len(asker.ask("/js/main.js", headers={"Range": many}).body) < 400 * 1000


# --- who opens more than anybody needs ------------------------------------------------------------


def test_who_opens_many_makes_room_by_its_oldest_and_a_page_is_answered(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "MAX_CONNECTIONS", 8)
    with ExitStack() as opened, asker.connect() as page:
        held = [opened.enter_context(closing(open_connection(asker.port))) for _ in range(40)]
        assert asker.ask("/takes").status == 200
        assert read_to_end(held[0]) == b""
        page.send('[["/ace/ping", "here"]]')
        assert "/ace/pong" in str(page.recv(timeout=60))


def test_bodies_that_never_end_make_room_for_a_page(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "MAX_CONNECTIONS", 8)
    with ExitStack() as opened:
        for _ in range(20):
            opened.enter_context(closing(begin_post(asker, "/sources?name=a.wav")))
            assert asker.ask("/takes").status == 200


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that comes is as from another machine."""
    for module in ("osc.guard", "page.protocol", "page.app"):
        monkeypatch.setattr(f"daemon.{module}.is_loopback", lambda host: False)


@pytest.mark.usefixtures("foreign")
def test_a_machine_that_is_not_in_allow_is_not_answered(asker: Asker) -> None:
    with closing(open_connection(asker.port, source="127.0.0.2")) as connection:
        assert read_to_end(connection) == b""
    assert asker.ask("/takes").status == 200


@pytest.mark.usefixtures("foreign")
def test_another_machine_has_so_many_connections(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "MAX_PER_MACHINE", 3)
    with ExitStack() as opened:
        held = [opened.enter_context(closing(open_connection(asker.port))) for _ in range(5)]
        assert read_to_end(held[0]) == b""
        assert asker.ask("/takes").status == 200


@pytest.fixture
def stranger(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Asker]:
    """A machine that has not said the token."""
    with on_stage(tmp_path, page=0, token="open sesame") as stage:
        request.getfixturevalue("foreign")
        assert stage.page
        yield Asker(stage.page.port)


def test_who_has_not_said_the_token_has_few_connections(stranger: Asker) -> None:
    with ExitStack() as opened:
        held = [
            opened.enter_context(closing(begin_post(stranger, "/token", 4000)))
            for _ in range(protocol.MAX_STRANGERS + 3)
        ]
        for connection in held:
            connection.settimeout(0.02)
        until(lambda: sum(map(is_open, held)) == protocol.MAX_STRANGERS)


def test_who_has_not_said_the_token_has_no_connection_for_long(
    stranger: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "TOKEN_SECONDS", 0.3)
    with closing(begin_post(stranger, "/token", 4000)) as connection:
        connection.settimeout(0.02)
        until(lambda: not is_open(connection))


def is_open(connection: socket.socket) -> bool:
    """Sends a byte more."""
    try:
        connection.sendall(b"x")
        return bool(connection.recv(1000))
    except TimeoutError:
        return True
    except ConnectionError:
        return False


def test_the_right_token_is_heard_whatever_its_machine_floods(
    stranger: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Guard, "admit", lambda self, sender: False)  # it has used up everything
    assert stranger.ask("/token").status == 429
    assert stranger.ask("/token", "POST", "open").status == 401
    assert stranger.ask("/token", "POST", "open sesame").status == 303
    assert stranger.ask("/takes").status == 429


def test_a_machine_that_has_not_said_the_token_gets_the_page_that_asks_for_it(
    stranger: Asker,
) -> None:
    answer = stranger.ask("/")
    assert (answer.status, answer.headers["location"]) == (303, "/token")
    for path in ("/takes", "/panel", "/daemon", "/takes/1/sound/mix", "/js/main.js"):
        assert stranger.ask(path).status == 401
    with pytest.raises(InvalidStatus):
        stranger.connect()
    for path in ("/token", "/style.css", "/js/token.js"):
        assert stranger.ask(path).status == 200
    assert stranger.ask("/token", "POST", "open").status == 401
    assert stranger.ask("/token", "POST", "open sesame").status == 303
    assert stranger.ask("/takes").status == 200
    with stranger.connect() as page:
        page.send('[["/ace/ping", "here"]]')
        assert "/ace/pong" in str(page.recv(timeout=60))
