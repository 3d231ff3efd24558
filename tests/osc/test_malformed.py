"""Whatever arrives is answered or ignored, and stops nothing."""

from __future__ import annotations

import random
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from daemon.osc.command_table import COMMANDS
from daemon.osc.outgoing import MAX_TEXT, OUTGOING
from tests.support.examples import scale_examples
from tests.support.osc_client import (
    SHORT,
    OscClient,
    encode_bundle,
    encode_message,
    expect_fail,
    expect_survival,
    make_clip,
)
from tests.support.stage import Stage, on_stage


def test_unknown_messages_and_patterns_are_refused_and_fire_nothing(client: OscClient) -> None:
    for address in (
        "/ace/genrate",
        "/ace/*",
        "/ace/{go,generate}",
        "/ace/g?",
        "/",
        "//go",
        "/ace/" + "*" * 60,
    ):
        assert expect_fail(client, address[:MAX_TEXT], "id", *SHORT)[1] == 404
    assert client.is_quiet()


@pytest.mark.parametrize("tag", "Sctmr[")
def test_a_type_tag_that_is_not_understood_is_refused_by_name(client: OscClient, tag: str) -> None:
    client.send_raw(b"/ace/ping\0\0\0" + f",{tag}".encode() + b"\0\0" + b"\0\0\0\x41")
    _, (id, command, code, text, _) = client.receive()
    assert id == ""
    assert command == "/ace/ping"
    assert code == 400
    assert f"type tag {tag!r}" in text


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        b"\xff" * 40,
        b"ping\0\0\0\0,\0\0\0",
        b"/ace/ping",
        b"/ace/ping\0\0\0,i\0\0",
        b"#bundle\0",
        b"#bundle\0" * 9,
    ],
)
def test_what_is_not_osc_is_answered_and_forgotten(client: OscClient, data: bytes) -> None:
    client.send_raw(data)
    address, values = client.receive()
    assert address == "/ace/fail"
    assert values[2] == 400
    assert client.is_quiet()


def test_the_daemons_own_words_are_never_answered(client: OscClient) -> None:
    for name in OUTGOING:
        if f"/ace/{name}" not in COMMANDS:
            client.send(f"/ace/{name}", "x")
    client.send("/ace/param/bars", 4)
    client.send("/ace/tempo", 99.0, "link")
    client.send("/ace/favourite", "x", 1, "/path")
    client.send("/ace/insert", "x", 1, 1, "/path")
    client.send("/ace/inserted", "x", "live", "track 1", "/path")
    assert client.is_quiet()


def test_a_daemon_that_is_its_own_subscriber_does_not_talk_to_itself(
    client: OscClient, stage: Stage
) -> None:
    client.ask("/ace/notify", 1, stage.osc.address[1])
    make_clip(client, "mirror", *SHORT)
    client.send("/ace/favourite", "mirror")
    client.until("/ace/done")
    client.ask("/ace/notify", 0, stage.osc.address[1])
    assert client.is_quiet()


@pytest.mark.long
def test_ten_thousand_mutated_datagrams_later_it_still_plays(tmp_path: Path) -> None:
    chance = random.Random(1)
    good = [
        encode_message("/ace/generate", "fuzz", "prompt", "p", "seconds", 1, "seed", 3),
        encode_message("/ace/go", "fuzz", "p", 1.0, 2),
        encode_message("/ace/notify", 1, 9999),
        encode_message("/ace/cancel", "*"),
        encode_message("/ace/lyrics/append", "song", 1, "la"),
        encode_message("/ace/set/seconds", 1.0),
        encode_message("/ace/query", "fu*"),
        encode_bundle(time.time() + 1, encode_message("/ace/ping", "x")),
    ]
    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        for number in range(10_000):
            data = bytearray(chance.choice(good))
            for _ in range(chance.randrange(1, 12)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            cut = bytes(data[: chance.randrange(len(data))])
            client.send_raw(chance.choice([bytes(data), cut, chance.randbytes(50)]))
            if (
                number % 50 == 0
            ):  # wait for the server: a full socket buffer would drop what should be tested
                client.send("/ace/ping", str(number))
                while client.receive()[1][:1] != [str(number)]:
                    pass
        client.send("/ace/panic")
        client.until("/ace/done")
        client.send("/ace/generate", "after", *SHORT)
        assert client.until_end("after")[-1][0] == "/ace/finished"


ATOMS = st.one_of(
    st.sampled_from(
        [
            "",
            "*",
            "x",
            "song",
            "prompt",
            "count",
            "priority",
            "live",
            "guide",
            "../x.mid",
            "[a",
            "param",
        ]
    ),
    st.integers(-(2**31), 2**31 - 1),
    st.floats(width=32),
    st.text(max_size=20).filter(lambda text: "\0" not in text),
    st.booleans(),
)


ADDRESSES = st.sampled_from(
    [*COMMANDS, "/ace/set/bars", "/ace/set/guide", "/ace/get/*", "/ace/get/[!a]*"]
)


@given(st.binary(max_size=200))
@example(b"#bundle\0" + b"\xff" * 40)
@settings(
    max_examples=scale_examples(300), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_bytes_stop_the_server(client: OscClient, data: bytes) -> None:
    expect_survival(client, data)


@given(ADDRESSES, st.lists(ATOMS, max_size=6))
@settings(
    max_examples=scale_examples(500), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_arguments_stop_the_server(
    client: OscClient, address: str, arguments: list[Any]
) -> None:
    try:
        data = encode_message(address, *arguments)
    except Exception:  # python-osc cannot write it
        return
    expect_survival(client, data)
