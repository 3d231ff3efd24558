"""The OSC client in Python that integrations share: its messages are those of the daemon, nothing
that comes breaks it, and it finds its daemon again.
"""

from __future__ import annotations

import importlib.util
import json
import math
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_message import OscMessage

from daemon.osc.outgoing import OUTGOING, encode_reply
from tests.support.osc_client import encode_message
from tests.support.waiting import PATIENCE, until

FILE = Path(__file__).parents[2] / "integrations" / "shared" / "acestep_osc.py"
LOCK = "acestepd.lock"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("acestep_osc_under_test", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


osc = load()


class StandIn:
    """The daemon's socket, which says what a test wants it to."""

    def __init__(self, state: Path) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(PATIENCE)
        self.state = state
        self.client = ("", 0)
        self.write_lock()

    def write_lock(self, **more: object) -> None:
        lock = {"pid": 1, "host": "127.0.0.1", "port": self.port, "started": 1.0, "out": "/out"}
        self.state.mkdir(exist_ok=True)
        (self.state / LOCK).write_text(json.dumps(lock | more))

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def receive(self) -> tuple[str, list[Any]]:
        packet, self.client = self.socket.recvfrom(65_535)
        parsed = OscMessage(packet)
        return parsed.address, list(parsed.params)

    def send(self, address: str, *arguments: Any) -> None:
        self.socket.sendto(encode_message(address, *arguments), self.client)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[StandIn]:
    stand_in = StandIn(tmp_path / "state")
    with closing(stand_in.socket):
        yield stand_in


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(daemon: StandIn, clock: Clock) -> Iterator[Any]:
    made = osc.Client("live", "clip insert", str(daemon.state), clock)
    yield made
    made.close()


def connect(client: Any, daemon: StandIn) -> None:
    client.poll()
    assert daemon.receive() == ("/ace/notify", [1, 0, "clip insert", "live"])
    daemon.send("/ace/done", "/ace/notify", 1, 86400)
    until(client.poll)
    assert client.is_there


# --- messages -------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
ARGUMENTS = st.lists(
    st.integers(-(2**31), 2**31 - 1) | st.floats(width=32, allow_nan=False) | TEXTS
)


@given(ARGUMENTS)
def test_what_it_writes_others_read_and_what_others_write_it_reads(arguments: list[Any]) -> None:
    packet = osc.encode("/ace/x", *arguments)
    assert list(OscMessage(packet).params) == arguments
    types = "".join({int: "i", float: "f", str: "s"}[type(one)] for one in arguments)
    assert osc.decode(encode_message("/ace/x", *arguments, types=types)) == ("/ace/x", arguments)


@pytest.mark.parametrize("name", sorted(OUTGOING))
def test_it_reads_every_message_of_the_daemon(name: str) -> None:
    types = OUTGOING[name].types if set(OUTGOING[name].types) <= set("ifs") else "f"
    values: list[Any] = [{"i": -1, "f": 0.5, "s": "für elise"}[kind] for kind in types]
    if name.startswith("param"):
        return
    address, arguments = osc.decode(encode_reply(name, *values))
    assert (address, arguments) == (f"/ace/{name}", values)
    assert osc.matches(arguments, types)


@given(st.binary(max_size=200))
def test_no_datagram_breaks_it(packet: bytes) -> None:
    decoded = osc.decode(packet)
    assert decoded is None or decoded[0].startswith("/")


@given(st.integers(0, 60), st.integers(0, 255))
def test_no_damaged_message_breaks_it(place: int, byte: int) -> None:
    packet = bytearray(encode_message("/ace/insert", "take1", -1, -1, "/music/take1.wav"))
    packet[place % len(packet)] = byte
    osc.decode(bytes(packet))
    assert osc.decode(bytes(packet[:place])) is None or place >= len(packet)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 1e39])
def test_a_number_that_does_not_fit_is_not_sent(client: Any, value: float) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        osc.encode("/ace/x", value)
    assert not client.send("/ace/x", value)


# --- where the daemon is --------------------------------------------------------------------------


def test_it_finds_the_daemon_by_its_lock_file(daemon: StandIn) -> None:
    found = osc.find_daemon(str(daemon.state))
    assert (found.address, found.out) == (("127.0.0.1", daemon.port), "/out")
    daemon.write_lock(host="0.0.0.0")
    assert osc.find_daemon(str(daemon.state)).address == ("127.0.0.1", daemon.port)


NO_LOCKS = [
    *["", "{", "[]", "null", '"x"', "{}", '{"port": "x"}', '{"port": 0}', '{"port": 1e999}'],
    *['{"port": 70000}', '{"port": 9, "host": 3}', '{"port": 9, "started": [1]}', "[" * 100_000],
    *['{"port": 9, "pid": "x"}', '{"port": 9, "host": "a.name"}', "\x80"],
]


@pytest.mark.parametrize("text", NO_LOCKS, ids=range(len(NO_LOCKS)))
def test_where_there_is_no_good_lock_file_it_tries_the_usual_port(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / LOCK).write_bytes(text.encode("latin-1"))
    assert osc.find_daemon(str(tmp_path)) == osc.DaemonAddress(("127.0.0.1", 9100))


def test_a_state_folder_can_be_named_beside_it(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(vars(osc), "__file__", str(tmp_path / "acestep_osc.py"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert osc.find_state() == str(tmp_path / ".local" / "state" / "acestepd")
    (tmp_path / "state.txt").write_text("~/elsewhere\n")
    assert osc.find_state() == str(tmp_path / "elsewhere")


# --- keeping in touch -----------------------------------------------------------------------------


def test_it_gives_its_name_and_then_pings(client: Any, daemon: StandIn, clock: Clock) -> None:
    connect(client, daemon)
    clock.now += 2.0
    client.poll()
    assert daemon.receive() == ("/ace/ping", ["live"])


def test_a_lost_answer_makes_it_give_its_name_again(
    client: Any, daemon: StandIn, clock: Clock
) -> None:
    connect(client, daemon)
    clock.now += 2.0
    client.poll()
    assert daemon.receive()[0] == "/ace/ping"  # and is silent: was it started again?
    clock.now += 2.0
    client.poll()
    assert daemon.receive() == ("/ace/notify", [1, 0, "clip insert", "live"])
    assert client.is_there


def test_another_process_in_the_lock_file_makes_it_give_its_name_again(
    client: Any, daemon: StandIn, clock: Clock
) -> None:
    connect(client, daemon)
    daemon.write_lock(pid=2, started=2.0)
    clock.now += 2.0
    client.poll()
    assert daemon.receive()[0] == "/ace/notify"


def test_after_some_silence_the_daemon_is_gone_and_one_word_brings_it_back(
    client: Any, daemon: StandIn, clock: Clock
) -> None:
    connect(client, daemon)
    for _ in range(4):
        assert client.is_there
        clock.now += 2.0
        client.poll()
    assert not client.is_there
    for _ in range(4):
        daemon.receive()
    daemon.send("/ace/done", "/ace/notify", 1, 86400)
    until(client.poll)
    assert client.is_there


def test_a_stranger_is_not_heard(client: Any, daemon: StandIn) -> None:
    connect(client, daemon)
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as stranger:
        stranger.sendto(encode_message("/ace/insert", "x", 0, 0, "/x.wav"), daemon.client)
        daemon.send("/ace/pong", "live", "1", 1)
        messages: list[Any] = []

        def poll() -> list[Any]:
            messages.extend(client.poll())
            return messages

        until(poll)
    assert [address for address, _ in messages] == ["/ace/pong"]


def test_a_flood_is_read_in_pieces(client: Any, daemon: StandIn) -> None:
    connect(client, daemon)
    for _ in range(600):
        daemon.send("/ace/state", "warm", "mini", 0)
    counts = [len(client.poll()) for _ in range(4)]
    assert counts[0] == osc.MAX_DATAGRAMS
    assert counts[-1] == 0


def test_nobody_at_the_port_is_no_error(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows says so when one reads; and goes on saying it."""

    class Reset:
        def __init__(self, inner: socket.socket) -> None:
            self.inner = inner
            self.left = 3

        def recvfrom(self, size: int) -> tuple[bytes, Any]:
            self.left -= 1
            if self.left >= 0:
                raise ConnectionResetError(10054, "reset")
            return self.inner.recvfrom(size)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

    client.poll()
    monkeypatch.setattr(client, "_socket", Reset(client._socket))
    assert client.poll() == []


def test_after_its_end_it_does_nothing(client: Any, daemon: StandIn) -> None:
    connect(client, daemon)
    client.close()
    assert daemon.receive() == ("/ace/notify", [0])
    client.close()
    assert client.poll() == []
    assert not client.send("/ace/ping")


def test_only_loopback_reaches_it_while_the_daemon_is_there(client: Any, daemon: StandIn) -> None:
    connect(client, daemon)
    assert client._socket.getsockname()[0] == "127.0.0.1"


# --- takes ----------------------------------------------------------------------------------------


def hear(takes: Any, address: str, *arguments: Any) -> Any:
    return takes.hear(address, list(arguments))


def test_takes_are_told_apart_where_two_clients_use_one_id() -> None:
    takes = osc.Takes()
    for name in ("a", "b"):
        hear(takes, "/ace/clip", "take1", "mix", f"/{name}.wav", 120.0, 2, "1")
        hear(takes, "/ace/clip", "take1", "drums", f"/{name}_drums.wav", 120.0, 2, "1")
    wanted = hear(takes, "/ace/insert", "take1", 3, -1, "/a.wav")
    assert (wanted.track, wanted.slot, wanted.path) == (3, -1, "/a.wav")
    assert wanted.take.clips == [("mix", "/a.wav"), ("drums", "/a_drums.wav")]
    assert (wanted.take.bars, wanted.take.bpm, wanted.take.beats) == (2, 120.0, 0.0)


def test_what_no_message_told_is_in_the_manifest(tmp_path: Path) -> None:
    clips = [
        {"stem": "mix", "file": "x.wav", "samples": 96000, "sample_rate": 48000},
        {"stem": "backing_vocals", "file": "x_backing_vocals.wav"},
    ]
    request = {"bpm": 90.0, "bars": 2, "time_signature": "6/8", "prompt": "slow"}
    (tmp_path / "x.json").write_text(
        json.dumps({"id": "take7", "request": request, "clips": clips})
    )
    take = hear(osc.Takes(), "/ace/insert", "take7", -1, -1, str(tmp_path / "x.wav")).take
    assert [clip.stem for clip in take.clips] == ["mix", "backing_vocals"]
    assert (take.bpm, take.bars, take.beats, take.prompt) == (90.0, 2, 6.0, "slow")
    for name in ("x.wav", "x_backing_vocals.wav"):
        assert osc.find_take_id(str(tmp_path / name)) == "take7"
    assert osc.find_take_id(str(tmp_path / "x_y.wav")) == ""


@pytest.mark.parametrize(("more", "beats"), [({"read_prompt": True}, 6.0), ({}, 12.0)])
def test_a_six_is_six_eighths_and_was_six_quarters_in_older_takes(
    tmp_path: Path, more: dict[str, bool], beats: float
) -> None:
    request = {"bpm": 90.0, "bars": 2, "time_signature": "6", "beats_per_bar": 0} | more
    clips = [{"stem": "mix", "file": "x.wav"}]
    (tmp_path / "x.json").write_text(json.dumps({"id": "a", "request": request, "clips": clips}))
    take = hear(osc.Takes(), "/ace/insert", "a", -1, -1, str(tmp_path / "x.wav")).take
    assert take.beats == beats


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["request", "clips", "bars", "bpm", "beats", "stem", "file", "samples"])
            | st.sampled_from(["time_signature", "beats_per_bar", "sample_rate", "prompt", "id"]),
            inner,
            max_size=6,
        )
    ),
)


@given(data=JSON)
def test_no_manifest_breaks_it(data: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("takes")
    (folder / "x.json").write_text(json.dumps(data))
    take = hear(osc.Takes(), "/ace/insert", "t", -1, -1, str(folder / "x.wav")).take
    assert take.clips[0] == ("mix", str(folder / "x.wav"))
    assert all(math.isfinite(value) for value in (take.bpm, take.bars, take.beats))
    assert all(Path(clip.path).parent == folder for clip in take.clips)
    osc.find_take_id(str(folder / "x_drums.wav"))


def test_it_keeps_no_more_than_some_takes() -> None:
    takes = osc.Takes()
    for number in range(1000):
        hear(takes, "/ace/clip", f"t{number}", "mix", f"/{number}.wav", 0.0, 0, "1")
    assert len(takes._takes) == osc.MAX_TAKES
