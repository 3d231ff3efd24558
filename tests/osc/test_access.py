"""Who is let in, and how much each may send."""

from __future__ import annotations

import dataclasses
import socket
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from daemon.osc import guard, server, tcp, wire
from daemon.settings import SettingsError
from tests.support.osc_client import (
    PATIENCE,
    SHORT,
    OscClient,
    TcpClient,
    encode_bundle,
    encode_message,
    expect_fail,
    make_clip,
)
from tests.support.stage import Stage, on_stage, slow_guards_clock


def test_whoever_sends_too_fast_is_told_once_and_others_are_served(tmp_path: Path) -> None:
    with (
        on_stage(tmp_path, rate=1) as stage,
        closing(stage.client()) as fast,
        closing(stage.client()) as other,
    ):
        slow_guards_clock(stage)
        fast.send_raw(encode_bundle(0, *[encode_message("/ace/ping", str(n)) for n in range(200)]))
        received = [fast.receive() for _ in range(round(guard.BURST) + 1)]
        assert [address for address, _ in received] == ["/ace/pong"] * round(guard.BURST) + [
            "/ace/fail"
        ]
        assert received[-1][1][2] == 429
        assert other.ask("/ace/ping", "other")[1][0] == "other"


class RemoteClient(OscClient):
    """Sends from that address."""

    def __init__(self, server: tuple[str, int], host: str) -> None:
        super().__init__((host, server[1]))
        self._socket.close()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.settimeout(PATIENCE)


def test_a_sender_off_the_list_is_not_answered(tmp_path: Path, other_address: str) -> None:
    with (
        on_stage(tmp_path, host="0.0.0.0", allow=("10.9.8.7",)) as stage,
        closing(stage.client()) as near,
    ):
        near._server = ("127.0.0.1", stage.osc.address[1])
        with closing(RemoteClient(stage.osc.address, other_address)) as far:
            far.send("/ace/set/bars", 5)
            far.send("/ace/ping", "let me in")
            near.send("/ace/get/bars")  # comes after it
            assert near.receive() == ("/ace/param/bars", [0])
            far._socket.setblocking(False)
            with pytest.raises(BlockingIOError):
                far.receive()


def test_another_machine_says_the_token_first(tmp_path: Path, other_address: str) -> None:
    with on_stage(tmp_path, host="0.0.0.0", allow=(other_address,), token="open sesame") as stage:
        slow_guards_clock(stage)
        with closing(RemoteClient(stage.osc.address, other_address)) as far:
            assert expect_fail(far, "/ace/ping", "x")[1] == 401
            far.send("/ace/set/bars", 5)  # is not even told no: once a second is enough
            assert far.ask("/ace/hello", "open", "sesame") == (
                "/ace/done",
                ["/ace/hello", guard.LEASE, 0],
            )
            assert far.ask("/ace/ping", "x")[0] == "/ace/pong"
            assert stage.panel.request.bars == 0
            assert make_clip(far, "far", *SHORT)
        with closing(RemoteClient(stage.osc.address, other_address)) as far:
            assert far.ask("/ace/ping", "another port")[0] == "/ace/pong"


def test_who_is_taken_off_the_list_is_not_heard_and_hears_nothing_from_then_on(
    tmp_path: Path, other_address: str
) -> None:
    with (
        on_stage(tmp_path, host="0.0.0.0", allow=(other_address,)) as stage,
        closing(stage.client()) as near,
    ):
        near._server = ("127.0.0.1", stage.osc.address[1])
        assert stage.osc.tcp_address
        with (
            closing(RemoteClient(stage.osc.address, other_address)) as far,
            closing(TcpClient((other_address, stage.osc.tcp_address[1]), False)) as wired,
        ):
            far.send("/ace/notify", 1, 0, "param", "live")
            far.send("/ace/sync", 1)
            far.until("/ace/synced")
            assert [one.name for one in stage.clients.list_all()] == ["live"]
            wired.send("/ace/ping", "in")
            assert wired.receive()[0] == "/ace/pong"
            stage.osc.change_settings(
                dataclasses.replace(stage.osc.settings, allow=("10.9.8.7",)),
                stage.osc.allowed_folders,
            )
            assert wired.ended()
            assert stage.clients.list_all() == []
            near.ask("/ace/set/bars", 5)
            far._socket.setblocking(False)
            with pytest.raises(BlockingIOError):
                far.receive()


def test_a_wrong_token_opens_nothing_and_the_right_one_is_not_kept_waiting(
    tmp_path: Path, other_address: str
) -> None:
    settings: dict[str, Any] = {
        "host": "0.0.0.0",
        "allow": (other_address,),
        "token": "open sesame",
    }
    with (
        on_stage(tmp_path, **settings) as stage,
        closing(RemoteClient(stage.osc.address, other_address)) as far,
        closing(RemoteClient(stage.osc.address, other_address)) as thief,
    ):
        slow_guards_clock(stage)
        assert expect_fail(thief, "/ace/hello", "sesame")[1] == 401
        assert expect_fail(thief, "/ace/hello", "sesame!")[1] == 429, "they are told once a second"
        assert expect_fail(thief, "/ace/ping", "x")[1] == 401
        assert far.ask("/ace/hello", "open sesame")[0] == "/ace/done"


def test_a_flood_of_wrong_tokens_does_not_keep_the_right_one_out(
    tmp_path: Path, other_address: str
) -> None:
    """Of another program on the same machine, or of one that says it is: a datagram's sender can be
    forged.
    """
    settings: dict[str, Any] = {"allow": (other_address,), "token": "open sesame", "rate": 1}
    with (
        on_stage(tmp_path, host="0.0.0.0", **settings) as stage,
        closing(RemoteClient(stage.osc.address, other_address)) as far,
        closing(RemoteClient(stage.osc.address, other_address)) as thief,
    ):
        for number in range(100):
            thief.send("/ace/hello", str(number))
            thief.send("/ace/ping", "let me in")
            thief.send("/ace/hello", True, None, number)
        assert far.ask("/ace/hello", "open sesame")[0] == "/ace/done"


def test_what_a_flood_of_wrong_tokens_says_is_not_read(
    tmp_path: Path, other_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"allow": (other_address,), "token": "open sesame", "rate": 1}
    read: list[bytes] = []

    def read_packet(data: bytes, now: float) -> Any:
        read.append(data)
        return wire.read_packet(data, now)

    with (
        on_stage(tmp_path, host="0.0.0.0", **settings) as stage,
        closing(RemoteClient(stage.osc.address, other_address)) as far,
        closing(RemoteClient(stage.osc.address, other_address)) as thief,
    ):
        expect_fail(thief, "/ace/hello", "sesame")
        monkeypatch.setattr(server, "read_packet", read_packet)
        for _ in range(100):
            thief.send("/ace/hello", "x" * 2000, *range(100))
        assert far.ask("/ace/hello", "open", "sesame")[0] == "/ace/done"
    wrong = [data for data in read if len(data) > 2000]
    assert len(wrong) < 20  # within its rate, or to answer once a second


# --- connections ----------------------------------------------------------------------------------


def test_who_does_not_say_the_token_holds_few_connections_and_keeps_nobody_out(
    tmp_path: Path, other_address: str
) -> None:
    settings: dict[str, Any] = {"allow": (other_address,), "token": "open sesame"}
    with on_stage(tmp_path, host="0.0.0.0", **settings) as stage, ExitStack() as opened:
        assert stage.osc.tcp_address
        port = stage.osc.tcp_address[1]

        def connect(host: str) -> TcpClient:
            return opened.enter_context(closing(TcpClient((host, port), False)))

        strangers = [connect(other_address) for _ in range(3 * tcp.MAX_STRANGERS)]
        for stranger in strangers:
            with suppress(OSError):
                stranger.send("/ace/ping", "let me in")  # to say anything does not help
        for stranger in strangers[: -tcp.MAX_STRANGERS]:
            while not stranger.ended():  # it may have been told that a token is wanted
                pass
        friend = connect(other_address)
        assert friend.ask("/ace/hello", "open sesame")[0] == "/ace/done"
        assert connect("127.0.0.1").ask("/ace/ping", "near")[0] == "/ace/pong"
        assert friend.ask("/ace/ping", "far")[0] == "/ace/pong"


def test_a_connection_ends_where_the_token_is_not_said_in_time(
    tmp_path: Path, other_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"allow": (other_address,), "token": "open sesame"}
    with on_stage(tmp_path, host="0.0.0.0", **settings) as stage:
        assert stage.osc.tcp_address
        server = (other_address, stage.osc.tcp_address[1])
        monkeypatch.setattr(tcp, "TOKEN_SECONDS", 0.1)
        with closing(TcpClient(server, False)) as stranger:
            assert stranger.ended()
        monkeypatch.setattr(tcp, "TOKEN_SECONDS", 60)
        with closing(TcpClient(server, False)) as friend:
            assert friend.ask("/ace/hello", "open sesame")[0] == "/ace/done"
            monkeypatch.setattr(tcp, "TOKEN_SECONDS", 0)
            assert friend.ask("/ace/ping", "still here")[0] == "/ace/pong"
            another = dataclasses.replace(stage.osc.settings, token="another")
            stage.osc.change_settings(another, stage.osc.allowed_folders)
            assert friend.ended()


def test_another_machine_holds_no_more_than_its_share_of_the_connections(
    tmp_path: Path, other_address: str
) -> None:
    with (
        on_stage(tmp_path, host="0.0.0.0", allow=(other_address,)) as stage,
        ExitStack() as opened,
    ):
        assert stage.osc.tcp_address
        port = stage.osc.tcp_address[1]

        def connect(host: str) -> TcpClient:
            return opened.enter_context(closing(TcpClient((host, port), False)))

        for _ in range(tcp.MAX_PER_HOST):
            assert connect(other_address).ask("/ace/ping", "in")[0] == "/ace/pong"
        assert connect(other_address).ended()
        assert connect("127.0.0.1").ask("/ace/ping", "near")[0] == "/ace/pong"


def test_a_job_of_an_address_that_is_no_longer_allowed_is_not_told_there(stage: Stage) -> None:
    assert stage.osc.publisher.is_reachable("udp:127.0.0.1:9")
    assert stage.osc.publisher.is_reachable("tcp:7")
    assert not stage.osc.publisher.is_reachable("udp:10.9.8.7:9")
    assert not stage.osc.publisher.is_reachable("watch:/lyrics")
    assert not stage.osc.publisher.is_reachable("cli")


def test_a_taken_port_is_refused_politely(stage: Stage, tmp_path: Path) -> None:
    taken = on_stage(tmp_path, port=stage.osc.address[1])
    with (
        pytest.raises(SettingsError, match=r"UDP 127\.0\.0\.1.*Choose another port with --port"),
        taken,
    ):
        pass
