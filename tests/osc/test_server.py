"""The loop: nobody keeps the others waiting, and everybody pays for what it causes."""

from __future__ import annotations

import itertools
import select
import struct
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from daemon.engine.client_jobs import ClientJobs
from daemon.engine.dispatcher import ENDED_AT_ONCE
from daemon.jobs import Job
from daemon.osc import guard, server
from daemon.osc.publisher import Publisher
from daemon.osc.sender_lanes import MAX_NEW
from daemon.osc.udp import UdpTransport
from daemon.osc.wire import Peer
from pipeline.request import FIELDS
from tests.support.harness import SteppedModel
from tests.support.osc_client import (
    SHORT,
    OscClient,
    addresses,
    encode_bundle,
    encode_message,
)
from tests.support.stage import Stage, on_stage, slow_guards_clock
from tests.support.waiting import PATIENCE, until

GET_ALL = encode_message("/ace/get/*")
MANY = encode_bundle(0, *[GET_ALL] * 2000)  # 40 kB, which ask for 2,000 times all parameters


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many datagrams were sent, by client. Now and then that rests: the clients are in this
    process, and get Python's lock from no thread that lets go of it for an instant only.
    """
    counted: Counter[str] = Counter()
    number = itertools.count(1)
    send = UdpTransport.send

    def count(transport: UdpTransport, packet: bytes, client: str) -> None:
        counted[client] += 1
        send(transport, packet, client)
        if next(number) % 50 == 0:
            time.sleep(1e-4)

    monkeypatch.setattr(UdpTransport, "send", count)
    return counted


def until_synced(client: OscClient) -> None:
    client.send("/ace/sync", 7)
    while client.receive() != ("/ace/synced", [7]):
        pass


# --- waiting --------------------------------------------------------------------------------------


def test_a_bundle_that_asks_for_everything_keeps_nobody_waiting(
    tmp_path: Path, sent: Counter[str]
) -> None:
    with (
        on_stage(tmp_path) as stage,
        closing(stage.client()) as flood,
        closing(stage.client()) as other,
    ):
        flood.send_raw(MANY)
        for number in range(20):
            assert other.ask("/ace/ping", str(number))[1][0] == str(number)
        assert sent[f"udp:127.0.0.1:{flood.port}"] < 1000 * len(FIELDS), "and it goes on"


def test_many_packets_on_a_connection_keep_nobody_waiting(
    tmp_path: Path, sent: Counter[str]
) -> None:
    with (
        on_stage(tmp_path) as stage,
        closing(stage.tcp_client()) as flood,
        closing(stage.client()) as listener,
        closing(stage.client()) as other,
    ):
        listen = encode_message("/ace/notify", 1, listener.port)
        flood.send_bytes((struct.pack(">i", len(listen)) + listen) * 1000)
        for number in range(20):
            assert other.ask("/ace/ping", str(number))[1][0] == str(number)
        assert sent[f"udp:127.0.0.1:{listener.port}"] < 500 * len(FIELDS)


def test_messages_whose_time_has_come_keep_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both senders' are due at once: who asks in this process while it answers waits for Python's
    lock, and not for its turn.
    """
    answered: list[str] = []  # clients, in the order in which they were
    send = UdpTransport.send

    def note(transport: UdpTransport, packet: bytes, client: str) -> None:
        answered.append(client)
        send(transport, packet, client)

    monkeypatch.setattr(UdpTransport, "send", note)
    with (
        on_stage(tmp_path) as stage,
        closing(stage.client()) as flood,
        closing(stage.client()) as other,
    ):
        due = time.time() + 0.3
        flood.send_raw(encode_bundle(due, *[GET_ALL] * 900))
        pings = [encode_message("/ace/ping", str(number)) for number in range(20)]
        other.send_raw(encode_bundle(due, *pings))
        for number in range(20):
            assert other.receive()[1][0] == str(number)
        until(lambda: len(answered) >= 900 * len(FIELDS))
        client = f"udp:127.0.0.1:{other.port}"
    pongs = [at for at, one in enumerate(answered) if one == client]
    assert pongs[-1] < 450 * len(FIELDS)


def test_as_much_time_is_spent_on_serving_as_on_receiving_however_long_that_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here a slice for each datagram, and as much to answer it."""
    received: list[bytes] = []
    answered: list[str] = []
    waiting: list[int] = []  # with each answer: of what was received
    all_sent = threading.Event()
    receive = UdpTransport.receive
    send_reply = Publisher.send_reply

    def count(transport: UdpTransport) -> tuple[bytes, Peer]:
        assert all_sent.wait(PATIENCE)
        packet, sender = receive(transport)
        received.append(packet)
        return packet, sender

    def reply(publisher: Publisher, peer: Peer, name: str, *values: Any) -> None:
        answered.append(str(values[0]))
        waiting.append(len(received) - len(answered))
        send_reply(publisher, peer, name, *values)

    with (
        on_stage(tmp_path) as stage,
        closing(stage.client()) as flood,
        closing(stage.client()) as player,
    ):
        monkeypatch.setattr(server, "BATCH", 8)
        monkeypatch.setattr(
            stage.osc, "_clock", lambda: (len(received) + len(answered)) * server.SLICE
        )
        monkeypatch.setattr(UdpTransport, "receive", count)
        monkeypatch.setattr(Publisher, "send_reply", reply)
        ping = encode_message("/ace/ping", "flood")
        for _ in range(60):
            flood.send_raw(ping)
        player.send("/ace/ping", "behind it")
        for _ in range(60):
            flood.send_raw(ping)
        all_sent.set()
        until(lambda: len(answered) == 121)
    assert answered.index("behind it") <= 60
    assert max(waiting) <= 8


def test_a_port_for_every_message_keeps_nobody_waiting(tmp_path: Path, sent: Counter[str]) -> None:
    with on_stage(tmp_path) as stage, closing(stage.client()) as player, ExitStack() as opened:
        assert player.ask("/ace/ping", "here")
        ports = [opened.enter_context(closing(stage.client())) for _ in range(300)]
        sent.clear()
        for port in ports:
            port.send_raw(GET_ALL)
        assert player.ask("/ace/ping", "still")[1][0] == "still"
        assert sum(sent.values()) < 200 * len(FIELDS), "and most of them wait"


def test_who_comes_after_many_that_are_new_waits_for_a_turn_of_each(
    tmp_path: Path, sent: Counter[str]
) -> None:
    """`oscsend` has a new port for every message, while somebody opens one for every flood."""
    with on_stage(tmp_path) as stage, ExitStack() as opened:
        ports = [opened.enter_context(closing(stage.client())) for _ in range(MAX_NEW + 4)]
        late = opened.enter_context(closing(stage.client()))
        for port in ports:
            port.send_raw(MANY)
        assert late.ask("/ace/ping", "late")[1][0] == "late"
        assert sum(sent.values()) < 1000 * len(FIELDS), "and most of it waits"


def test_one_clients_messages_are_answered_in_their_order_however_long_an_answer_is(
    stage: Stage,
) -> None:
    with closing(stage.client()) as client:
        client.send("/ace/get/*")
        client.send("/ace/ping", "behind it")
        received = client.until("/ace/pong")
        assert [address for address, _ in received] == [
            *(f"/ace/param/{name}" for name in FIELDS),
            "/ace/pong",
        ]


def test_a_panic_is_also_for_what_waits_for_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood that arrived before it makes no job after it; what comes behind it does."""
    receive = UdpTransport.receive
    all_sent = threading.Event()

    def receive_later(transport: UdpTransport) -> tuple[bytes, Peer]:
        assert all_sent.wait(PATIENCE)
        return receive(transport)

    monkeypatch.setattr(server, "QUANTUM", 0.0)  # a turn is one step
    monkeypatch.setattr(server, "SLICE", 0.0)
    with (
        on_stage(tmp_path, SteppedModel(running=False)) as stage,
        closing(stage.client()) as flood,
        closing(stage.client()) as player,
    ):
        monkeypatch.setattr(stage.osc, "_clock", lambda: 0.0)  # to receive takes no time
        monkeypatch.setattr(UdpTransport, "receive", receive_later)
        generate = encode_message("/ace/generate", "x", "prompt", "p", "seconds", 1)
        # no more answers than a socket holds that nobody reads yet
        flood.send_raw(encode_bundle(0, *[GET_ALL] * 3, generate))
        player.send("/ace/panic")
        player.send("/ace/generate", "mine", *SHORT)
        all_sent.set()
        player.until("/ace/queued", "mine")
        address, values = flood.until("/ace/fail")[-1]
        assert (address, values[:3]) == ("/ace/fail", ["x", "/ace/generate", 499])
        assert [job.id for job in stage.engine.active()] == ["mine"]


def test_a_panic_of_many_jobs_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    with (
        on_stage(tmp_path, SteppedModel(running=False), queue=300, queue_per_client=300) as stage,
        closing(stage.client()) as player,
        closing(stage.client()) as other,
    ):
        end_job = ClientJobs.end_job
        send_reply = Publisher.send_reply

        def end(jobs: ClientJobs, job: Job, *values: Any, **more: Any) -> None:
            if not happened:
                other.send("/ace/ping", "while it is done")
                assert select.select([stage.osc._udp.socket], [], [], PATIENCE)[0]  # it is there
            happened.append(job.id)
            end_job(jobs, job, *values, **more)

        def reply(publisher: Publisher, peer: Peer, name: str, *values: Any) -> None:
            happened.append(f"/ace/{name}")
            send_reply(publisher, peer, name, *values)

        player.send("/ace/generate", "x", *SHORT, "count", 300)
        player.until("/ace/queued", "x.300")
        monkeypatch.setattr(ClientJobs, "end_job", end)
        monkeypatch.setattr(Publisher, "send_reply", reply)
        monkeypatch.setattr(server, "QUANTUM", 0.0)  # a turn is one step
        monkeypatch.setattr(server, "SLICE", 0.0)
        monkeypatch.setattr(stage.osc, "_clock", lambda: 0.0)  # to receive takes no time
        player.send("/ace/panic")
        player.send("/ace/generate", "new", *SHORT)
        assert other.receive()[0] == "/ace/pong"
        answers = player.until("/ace/queued", "new")
        assert ("/ace/done", ["/ace/panic", 300, 0]) in answers, "before what came after it"
        assert happened.index("/ace/pong") <= 3 * ENDED_AT_ONCE
        until(lambda: len(set(happened) - {"/ace/pong", "/ace/done"}) == 300)
        assert [job.id for job in stage.engine.active()] == ["new"]


# --- paying ---------------------------------------------------------------------------------------


def test_what_is_sent_back_is_paid_for(tmp_path: Path, sent: Counter[str]) -> None:
    with on_stage(tmp_path, rate=100) as stage, closing(stage.client()) as flood:
        slow_guards_clock(stage)
        flood.send_raw(MANY)
        assert flood.until("/ace/fail")[-1][1][2] == 429
        most = 100 * guard.BURST + 2 * len(FIELDS)
        assert sent[f"udp:127.0.0.1:{flood.port}"] <= most


def test_who_lets_things_be_sent_to_another_port_pays_for_them(
    tmp_path: Path, sent: Counter[str]
) -> None:
    with (
        on_stage(tmp_path, rate=100) as stage,
        closing(stage.client()) as flood,
        closing(stage.client()) as neighbour,
    ):
        slow_guards_clock(stage)
        listen = encode_message("/ace/notify", 1, neighbour.port)
        flood.send_raw(encode_bundle(0, *[listen] * 2000))
        assert flood.until("/ace/fail")[-1][1][2] == 429
        most = 100 * guard.BURST + 3 * len(FIELDS)
        assert sent[f"udp:127.0.0.1:{neighbour.port}"] <= most
        assert neighbour.until("/ace/param/" + list(FIELDS)[-1])
        until_synced(neighbour)  # it has paid for nothing


def test_a_message_for_later_is_paid_for_when_it_comes(tmp_path: Path) -> None:
    with on_stage(tmp_path, rate=1) as stage, closing(stage.client()) as client:
        slow_guards_clock(stage)
        ping = encode_message("/ace/ping", "later")
        client.send_raw(encode_bundle(time.time() + 0.5, *[ping] * 50))
        received = [client.receive() for _ in range(round(guard.BURST) + 1)]
        assert addresses(received) == ["/ace/fail", *["/ace/pong"] * round(guard.BURST)]
        assert received[0][1][2] == 429


def test_more_than_can_wait_is_refused_and_others_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        on_stage(tmp_path) as stage,
        closing(stage.client()) as flood,
        closing(stage.client()) as other,
    ):
        monkeypatch.setattr(stage.osc._waiting, "has_room", lambda *_: False)
        assert flood.ask("/ace/ping", "x")[1][1:3] == ["/ace/ping", 429]
        monkeypatch.undo()
        assert other.is_quiet()
        assert flood.is_quiet()
