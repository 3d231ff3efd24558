"""Bundles are handled in order, when their time has come."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from daemon.osc import timed_queue
from tests.support.osc_client import (
    OscClient,
    addresses,
    encode_bundle,
    encode_message,
)
from tests.support.stage import Stage, on_stage


def test_a_bundle_is_handled_in_order(client: OscClient) -> None:
    builder = OscBundleBuilder(0)
    for token in "abc":
        ping = OscMessageBuilder("/ace/ping")
        ping.add_arg(token)
        builder.add_content(ping.build())
    client.send_raw(builder.build().dgram)
    assert [client.receive()[1][0] for _ in "abc"] == ["a", "b", "c"]


def test_a_bundle_waits_for_its_time_while_others_are_served(client: OscClient) -> None:
    due = time.time() + 0.8
    client.send_raw(encode_bundle(due, encode_message("/ace/ping", "later")))
    assert client.ask("/ace/ping", "now")[1][0] == "now"
    assert client.receive()[1][0] == "later"
    assert time.time() >= due


def test_bundles_come_in_the_order_of_their_times(client: OscClient) -> None:
    now = time.time()
    for wait in (1.0, 0.8, 0.9):
        client.send_raw(encode_bundle(now + wait, encode_message("/ace/ping", str(wait))))
    assert [client.receive()[1][0] for _ in range(3)] == ["0.8", "0.9", "1.0"]


@pytest.mark.parametrize("offset", [-10.0, 3600.0, -1e9])
def test_a_bundle_from_the_past_or_a_silly_clock_means_now(
    client: OscClient, offset: float
) -> None:
    client.send_raw(
        encode_bundle(max(0, time.time() + offset), encode_message("/ace/ping", "late"))
    )
    assert client.receive()[1][0] == "late"


def test_nested_bundles_are_read_but_not_without_end(client: OscClient) -> None:
    data = encode_message("/ace/ping", "deep")
    for _ in range(3):
        data = encode_bundle(time.time(), data)
    client.send_raw(data)
    assert client.receive()[1][0] == "deep"
    for _ in range(2000):
        data = encode_bundle(0, data)
    client.send_raw(data)
    assert client.receive()[1][2] == 400


def test_too_many_timed_messages_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timed_queue, "MAX_TIMED", 3)
    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        client.send_raw(encode_bundle(time.time() + 30, *[encode_message("/ace/ping", "x")] * 4))
        assert client.receive()[1][2] == 429
        client.send("/ace/panic")
        assert addresses(client.until("/ace/done")) == ["/ace/fail"] * 3 + ["/ace/done"]
        assert len(stage.osc.timed_queue) == 0


def test_what_waits_of_many_ports_makes_room_for_another_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timed_queue, "MAX_TIMED", 3)
    monkeypatch.setattr(timed_queue, "MAX_TIMED_IN_ALL", 6)
    with on_stage(tmp_path) as stage, ExitStack() as opened:
        flood = [opened.enter_context(closing(stage.client())) for _ in range(2)]
        for client in flood:
            pings = [encode_message("/ace/ping", f"flood {number}") for number in range(3)]
            client.send_raw(encode_bundle(time.time() + 30, *pings))
            client.ask("/ace/ping", "sent")
        mine = opened.enter_context(closing(stage.client()))
        mine.send_raw(encode_bundle(time.time() + 0.5, encode_message("/ace/ping", "mine")))
        assert flood[0].receive()[1][1:3] == ["/ace/ping", 429]
        assert mine.receive()[1][0] == "mine"


def test_a_clock_that_is_set_back_delays_no_bundle(
    paused_client: OscClient, paused_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused_client.send_raw(encode_bundle(time.time() + 1, encode_message("/ace/ping", "on time")))
    paused_client.send("/ace/sync", 1)
    paused_client.until("/ace/synced")
    set_back = time.time() - 600
    monkeypatch.setattr(time, "time", lambda: set_back)
    paused_client.until("/ace/pong", "on time")
