"""OSC over TCP: the same messages and events as over UDP, behind lengths or in SLIP's frames."""

from __future__ import annotations

import itertools
import os
import re
import resource
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pythonosc.tcp_client import SimpleTCPClient

from daemon.jobs import Event
from daemon.osc import tcp
from daemon.osc.tcp import Framing, LengthFraming, SlipFraming, TcpTransport, detect_framing
from daemon.osc.wire import MAX_DATAGRAM, Malformed, Peer
from daemon.settings import SettingsError
from tests.support.examples import scale_examples
from tests.support.osc_client import (
    SHORT,
    SLIP_END,
    TcpClient,
    addresses,
    encode_bundle,
    encode_message,
    expect_fail,
    expect_survival,
    make_clip,
    slip_frame,
)
from tests.support.stage import Stage, on_stage

PING = encode_message("/ace/ping", "x")


@pytest.fixture(params=[False, True], ids=["lengths", "slip"])
def client(stage: Stage, request: pytest.FixtureRequest) -> Iterator[TcpClient]:
    with closing(stage.tcp_client(slip=request.param)) as connected:
        yield connected


# --- framing --------------------------------------------------------------------------------------


SPECIAL = st.text("\xc0\xdb\xdc\xdd", min_size=1).map(lambda text: text.encode("latin-1"))


@given(
    st.lists(st.binary(min_size=1) | SPECIAL),
    st.integers(1, 40),
    st.sampled_from([LengthFraming, SlipFraming]),
)
def test_packets_come_out_as_they_went_in_however_they_are_cut(
    packets: list[bytes], size: int, kind: type[LengthFraming] | type[SlipFraming]
) -> None:
    framing: Framing = kind()
    data = b"".join(map(kind().encode, packets))
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert [packet for piece in pieces for packet in framing.decode(piece)] == packets


@given(st.binary(), st.sampled_from([LengthFraming, SlipFraming]))
@example(b"\xc0\xdb\xc0", SlipFraming)
@example(b"\xdb\xdb\xdc\xc0", SlipFraming)
def test_any_bytes_are_packets_or_refused(
    data: bytes, kind: type[LengthFraming] | type[SlipFraming]
) -> None:
    with suppress(Malformed):
        list(kind().decode(data))


def test_the_first_byte_says_which_framing_it_is() -> None:
    assert isinstance(detect_framing(0), LengthFraming)
    for first in b"\xc0/#":
        assert isinstance(detect_framing(first), SlipFraming)
    for first in b"G\x01\xff":
        with pytest.raises(Malformed):
            detect_framing(first)


# --- the same as over UDP -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("framing", "nothing", "frame"),
    [(LengthFraming(), b"\0" * 4, b"\0\0\0\4/abc"), (SlipFraming(), b"\xc0", b"\xc0/abc\xc0")],
)
def test_frames_of_nothing_are_passed_over_at_once(
    framing: Framing, nothing: bytes, frame: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A million of them a second cost a loop that serves others too much."""
    lengths: list[int] = []

    def measure(values: Sequence[object]) -> int:
        lengths.append(1)
        return len(values)

    monkeypatch.setattr(tcp, "len", measure, raising=False)
    assert list(framing.decode(nothing * 10_000 + frame + nothing * 10_000 + frame)) == [
        b"/abc",
        b"/abc",
    ]
    assert len(lengths) < 100


def test_the_whole_story_comes_back_on_the_connection(client: TcpClient) -> None:
    id = f"story-{client._slip}"
    client.send("/ace/generate", id, *SHORT)
    assert addresses(client.until_end(id)) == [
        "/ace/queued",
        "/ace/progress",
        "/ace/clip",
        "/ace/finished",
    ]


def test_failures_and_bundles_are_answered_too(client: TcpClient) -> None:
    assert expect_fail(client, "/ace/generate", "x", "prompt", "p", "bars", -1)[1] == 422
    client.send_raw(
        encode_bundle(0, encode_message("/ace/ping", "a"), encode_message("/ace/ping", "b"))
    )
    assert [client.receive()[1][0] for _ in "ab"] == ["a", "b"]
    client.send_raw(b"not osc")
    assert client.receive()[1][2] == 400
    assert client.is_quiet()


def test_a_large_packet_and_one_full_of_framing_bytes_arrive_whole(client: TcpClient) -> None:
    text = "\u06c0\u06db" * 5000  # db 80, db 9b in UTF-8
    client.send("/ace/set/lyrics", text + "Û" * 1000)
    assert client.receive()[0] == "/ace/param/lyrics"
    client.send_raw(encode_message("/ace/ping", "_").replace(b"_", b"\xdb"))
    assert client.receive()[1][0] == "Û"
    client.send("/ace/set/lyrics", "")
    client.receive()


def test_packets_may_come_a_byte_at_a_time_or_many_at_once(stage: Stage, client: TcpClient) -> None:
    frame = slip_frame(PING) if client._slip else struct.pack(">i", len(PING)) + PING
    for byte in frame:
        client.send_bytes(bytes([byte]))
    client.send_bytes(frame * 100)
    assert [client.receive()[1][0] for _ in range(101)] == ["x"] * 101


def test_half_a_packet_and_a_connection_that_ends_harm_nobody(
    stage: Stage, client: TcpClient
) -> None:
    with closing(stage.tcp_client(client._slip)) as gone:
        gone.send_bytes((SLIP_END if client._slip else struct.pack(">i", len(PING))) + PING[:7])
    assert client.is_quiet()


@pytest.mark.parametrize("beginning", [b"\0", b"\0\0\0\x10/ace", b"/ace/pi", b"\xc0/ace"])
def test_a_packet_that_never_ends_ends_its_connection(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, beginning: bytes
) -> None:
    monkeypatch.setattr(tcp, "PACKET_SECONDS", 0.1)
    with closing(stage.tcp_client()) as slow, closing(stage.tcp_client()) as listener:
        assert listener.ask("/ace/ping", "x")[0] == "/ace/pong"
        slow._socket.sendall(beginning)
        assert slow.ended()
        assert listener.ask("/ace/ping", "still here")[0] == "/ace/pong"


def test_a_packet_has_its_time_from_its_first_byte_whatever_trickles_in() -> None:
    here, there = socket.socketpair()
    with closing(here), closing(there):
        connection = tcp.Connection(here, Peer("tcp:1", "127.0.0.1"), opened=0)
        frame = LengthFraming().encode(PING)
        assert connection.deadline == float("inf")
        assert list(connection.decode(frame[:6], now=5)) == []
        assert list(connection.decode(frame[6:7], now=20)) == []
        assert connection.deadline == 5 + tcp.PACKET_SECONDS
        assert list(connection.decode(frame[7:] + frame[:1], now=21)) == [PING]
        assert connection.deadline == 21 + tcp.PACKET_SECONDS
        assert list(connection.decode(frame[1:], now=22)) == [PING]
        assert connection.deadline == float("inf")


def test_a_subscriber_hears_everything_on_its_connection_until_it_ends(
    stage: Stage, client: TcpClient
) -> None:
    before = set(stage.osc.subscribers.list_peers("clip"))  # other tests share the stage
    client.send("/ace/notify", 1, 0, "clip", "param")
    assert client.receive()[0] == "/ace/done"
    with closing(stage.client()) as other:
        clip = make_clip(other, f"seen-{client._slip}", *SHORT)
    assert client.until("/ace/clip")[-1][1] == clip
    (subscriber,) = set(stage.osc.subscribers.list_peers("clip")) - before
    assert re.fullmatch(r"tcp:\d+", subscriber.client)
    client.close()
    with closing(stage.client()) as other:
        while subscriber in stage.osc.subscribers.list_peers("clip"):
            other.is_quiet()


def test_a_subscription_with_a_port_goes_to_udp(stage: Stage, client: TcpClient) -> None:
    with closing(stage.client()) as listener:
        client.send("/ace/notify", 1, listener.port, "clip")
        assert client.receive()[0] == "/ace/done"
        assert listener.receive()[0] == "/ace/done"
        client.send("/ace/notify", 0, listener.port)
        assert client.receive()[1][1] > 0


def test_what_others_ask_costs_no_look_at_each_silent_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[object] = []
    with (
        on_stage(tmp_path) as stage,
        closing(stage.tcp_client()) as silent,
        closing(stage.client()) as other,
    ):
        silent.send("/ace/ping", "here")
        silent.until("/ace/pong")
        monkeypatch.setattr(stage.osc.selector, "get_key", looked.append)
        for number in range(10):
            assert other.ask("/ace/ping", str(number))[1][0] == str(number)
        monkeypatch.undo()
    assert looked == []


def test_a_job_outlives_its_connection(stage: Stage) -> None:
    with closing(stage.client()) as listener:
        with closing(stage.tcp_client()) as gone:
            gone.send("/ace/generate", "left", *SHORT)
            gone.until("/ace/queued", "left")
        listener.send("/ace/sync", 1)
        listener.until("/ace/synced")
        while stage.engine.active():
            listener.is_quiet()
        listener.send("/ace/query", "left")
        assert listener.until_end("left")[-1][0] == "/ace/finished"


def test_no_connection_is_called_like_one_of_an_earlier_daemon(tmp_path: Path) -> None:
    names: list[str] = []
    for _ in range(2):
        with on_stage(tmp_path) as stage, closing(stage.tcp_client()) as client:
            client.send("/ace/generate", "take1", "prompt", f"run {len(names)}", "seconds", 0.5)
            client.until_end("take1")  # neither a conflict nor the same job again
            names.append(stage.engine.journal.search(limit=1)[0].client)
    assert names[0] != names[1]


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff\xff\xff\xff",
        struct.pack(">i", MAX_DATAGRAM + 1),
        b"\x00\xff\xff\xff",
        b"\xc0\xdb\x00\xc0",
        b"\xc0" + b"x" * 3 * MAX_DATAGRAM,
    ],
)
def test_what_cannot_be_framed_is_answered_and_closed(stage: Stage, data: bytes) -> None:
    with closing(stage.tcp_client(slip=data[:1] == SLIP_END)) as client:
        with suppress(
            ConnectionResetError, BrokenPipeError
        ):  # it was closed while there was more to read
            client.send_bytes(data)
            address, values = client.receive()
            assert address == "/ace/fail"
            assert values[2] == 400
        assert client.ended()
    with closing(stage.tcp_client()) as client:
        assert client.is_quiet()


def test_empty_packets_are_nothing(client: TcpClient) -> None:
    client.send_bytes(SLIP_END * 3 if client._slip else bytes(8))
    assert client.is_quiet()


def test_who_takes_all_connections_and_speaks_on_each_leaves_others_the_last_ones(
    tmp_path: Path,
) -> None:
    with on_stage(tmp_path) as stage, ExitStack() as opened:
        assert stage.osc._tcp

        def connect() -> TcpClient:
            client = opened.enter_context(closing(stage.tcp_client()))
            assert client.ask("/ace/ping", "in")[1][0] == "in"
            return client

        clients = [connect() for _ in range(tcp.MAX_CONNECTIONS)]
        standing = clients[: -tcp.MAX_NEWEST]
        newest = clients[-tcp.MAX_NEWEST :]
        assert newest[0].ask("/ace/ping", "again")[1][0] == "again"
        late = connect()
        assert newest[1].ended(), "it was silent for longest"
        newest += [late, *(connect() for _ in range(4 * tcp.MAX_NEWEST))]
        assert len(stage.osc._tcp._connections) == tcp.MAX_CONNECTIONS
        for client in (*standing, *newest[-tcp.MAX_NEWEST :]):
            assert client.ask("/ace/ping", "still here")[1][0] == "still here"


def test_who_says_nothing_makes_room_for_who_does(tmp_path: Path) -> None:
    with on_stage(tmp_path) as stage, ExitStack() as opened:
        first = opened.enter_context(closing(stage.tcp_client()))
        first.send("/ace/ping", "first")
        assert first.receive()[1][0] == "first"
        silent = [
            opened.enter_context(closing(stage.tcp_client()))
            for _ in range(tcp.MAX_CONNECTIONS - 1)
        ]
        late = opened.enter_context(closing(stage.tcp_client()))
        late.send("/ace/ping", "late")
        assert late.receive()[1][0] == "late"
        assert silent[0].ended()
        first.send("/ace/ping", "still here")
        assert first.receive()[1][0] == "still here"


def test_without_a_free_file_handle_others_are_served_and_who_waits_is_taken_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[float] = []
    accept = TcpTransport._accept

    def count(transport: TcpTransport) -> None:
        tries.append(time.monotonic())
        accept(transport)

    monkeypatch.setattr(TcpTransport, "_accept", count)
    with (
        on_stage(tmp_path) as stage,
        closing(stage.client()) as other,
        closing(socket.socket()) as late,
    ):
        assert stage.osc.tcp_address
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        with closing(socket.socket()) as probe:
            free = probe.fileno()
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
        try:
            late.connect(stage.osc.tcp_address)
            while not tries:
                assert other.is_quiet()
            for _ in range(20):
                assert other.is_quiet()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        refused = len(tries)
        late.sendall(struct.pack(">i", len(PING)) + PING)
        assert late.recv(100)
        assert len(tries) <= refused + 2
        assert all(b - a >= tcp.ACCEPT_PAUSE for a, b in itertools.pairwise(tries))


def test_a_client_that_does_not_read_is_let_go_and_holds_nobody_up(tmp_path: Path) -> None:
    with (
        on_stage(tmp_path) as stage,
        closing(stage.tcp_client()) as slow,
        closing(stage.client()) as other,
    ):
        slow.send("/ace/notify", 1, 0, "read")
        assert slow.receive()[0] == "/ace/done"
        event = Event("read", None, ("x" * 200, 1, 0, "y" * 200))
        while stage.osc.subscribers.list_peers("read"):
            for _ in range(1000):
                stage.engine.publish(event)
            assert other.is_quiet()
        assert make_clip(other, "goes-on", *SHORT)


@pytest.mark.long
def test_a_client_that_reads_late_hears_everything_in_order(tmp_path: Path) -> None:
    with on_stage(tmp_path) as stage, closing(stage.tcp_client()) as late:
        late._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        late.send("/ace/notify", 1, 0, "read")
        assert late.receive()[0] == "/ace/done"
        for number in range(2000):
            stage.engine.publish(Event("read", None, ("x" * 200, number, 0, "")))
        assert [late.receive()[1][1] for _ in range(2000)] == list(range(2000))


def test_whoever_sends_too_fast_is_told_so(tmp_path: Path) -> None:
    with on_stage(tmp_path, rate=1) as stage, closing(stage.tcp_client()) as client:
        client.send_bytes((struct.pack(">i", len(PING)) + PING) * 50)
        assert client.until("/ace/fail")[-1][1][2] == 429


def test_it_is_off_unless_the_settings_say_so(tmp_path: Path) -> None:
    with on_stage(tmp_path, tcp=-1) as stage, closing(stage.client()) as client:
        assert stage.osc.tcp_address is None
        assert client.is_quiet()


def test_a_taken_port_is_refused_politely_and_gives_udp_back(stage: Stage, tmp_path: Path) -> None:
    assert stage.osc.tcp_address
    taken = on_stage(tmp_path, tcp=stage.osc.tcp_address[1])
    with (
        pytest.raises(SettingsError, match=r"TCP 127\.0\.0\.1.*another tcp in the settings"),
        taken,
    ):
        pass


@given(st.binary(max_size=100), st.booleans())
@settings(
    max_examples=scale_examples(200), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_bytes_stop_the_server(stage: Stage, data: bytes, framed: bool) -> None:
    with closing(stage.tcp_client()) as client:
        if framed:
            expect_survival(client, data)
        else:
            client.send_bytes(data)
    with closing(stage.client()) as other:
        assert other.is_quiet()


# --- programs of others ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["1.0", "1.1"])
def test_python_osc_s_own_client_is_understood(stage: Stage, mode: str) -> None:
    assert stage.osc.tcp_address
    with SimpleTCPClient(*stage.osc.tcp_address, mode=mode) as client:
        client.send_message("/ace/ping", ["theirs"])
        answer = next(client.get_messages(timeout=30))
        assert answer.address == "/ace/pong"
        assert answer.params[0] == "theirs"


@pytest.mark.skipif(shutil.which("oscsend") is None, reason="liblo's oscsend is not installed")
def test_oscsend_is_understood(stage: Stage) -> None:
    assert stage.osc.tcp_address
    with closing(stage.client()) as listener:
        listener.send("/ace/notify", 1, 0, "finished")
        assert listener.receive()[0] == "/ace/done"
        url = f"osc.tcp://127.0.0.1:{stage.osc.tcp_address[1]}/"
        texts = ("by-oscsend", "prompt", "sent by liblo", "name", "liblo")
        command = ["oscsend", url, "/ace/generate", "sssss", *texts]
        subprocess.run(command, check=True, timeout=60)
        assert listener.until("/ace/finished", "by-oscsend")


SUPERCOLLIDER = """
OSCdef(\\heard, {{ |message| message.postln; 0.exit }}, '/ace/finished');
n = NetAddr("127.0.0.1", {port});
n.connect({{ "the connection ended".postln }});
n.sendMsg("/ace/generate", "by-sclang", "prompt", "sent by sclang", "seconds", 0.5);
"""


@pytest.mark.skipif(shutil.which("sclang") is None, reason="sclang is not installed")
def test_sclang_is_understood_and_hears_the_answer(stage: Stage, tmp_path: Path) -> None:
    assert stage.osc.tcp_address
    code = tmp_path / "tcp.scd"
    code.write_text(SUPERCOLLIDER.format(port=stage.osc.tcp_address[1]))
    home = {
        name: str(tmp_path)
        for name in ("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    }
    # no screen, and root may run the tests
    qt = {
        "QT_QPA_PLATFORM": "offscreen",
        "QTWEBENGINE_DISABLE_SANDBOX": "1",
    }
    run = subprocess.run(
        ["sclang", code], env=os.environ | home | qt, capture_output=True, text=True, timeout=120
    )
    assert "[ /ace/finished, by-sclang, 1," in run.stdout
