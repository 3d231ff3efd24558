"""The JavaScript client: its wire against python-osc, and how it keeps in touch with the daemon."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pythonosc.osc_message import OscMessage

from daemon.osc.outgoing import OUTGOING, PARAM, encode_reply
from tests.support.node import NodeProgram, needs_node, running
from tests.support.osc_client import encode_bundle, encode_message

pytestmark = needs_node
FAKE = Path(__file__).parent / "shared_fake.js"

CLIP = ["/ace/clip", "take1", "mix", "/out/a.wav", 120.0, 4, "7"]
STEM = ["/ace/clip", "take1", "drums", "/out/a_drums.wav", 120.0, 4, "7"]
FINISHED = ["/ace/finished", "take1", 2, "/out/a.json"]
INSERT = ["/ace/insert", "take1", -1, -1, "/out/a.wav"]
PONG = ["/ace/pong", "", "0.1", 1]


@pytest.fixture
def program() -> Iterator[NodeProgram]:
    with running(FAKE) as started:
        yield started


def hear(program: NodeProgram, *messages: list[Any]) -> None:
    for message in messages:
        program.do(hear=message)


def list_sent(program: NodeProgram, milliseconds: int) -> list[list[Any]]:
    """What it sends in so many milliseconds."""
    before = len(program.list_seen("sent"))
    program.do(after=milliseconds)
    program.wait("ticked")
    return program.list_seen("sent")[before:]


# --- the wire -------------------------------------------------------------------------------------


def decode(program: NodeProgram, packet: bytes) -> list[Any]:
    program.do(decode=packet.hex())
    return list(program.wait("messages"))


@pytest.mark.parametrize(
    ("values", "types"),
    [
        ([], ""),
        ([1, -1, 2**31 - 1, -(2**31)], "iiii"),
        ([0.5, -0.1, 1e-45, 3.4e38, 97.3], "fffff"),
        (["", "abc", "abcd", "wärm lo-fi \u2665 \U0001f3b5", "a\nb"], "sssss"),
        (["take1", "warm beat", 4, 7], "ssfi"),
    ],
    ids=["empty", "ints", "floats", "texts", "go"],
)
def test_messages_are_what_another_library_writes_and_reads(
    program: NodeProgram, values: list[Any], types: str
) -> None:
    packet = encode_message("/ace/go", *values, types=types)
    program.do(encode=["/ace/go", values, types])
    assert bytes.fromhex(program.wait("bytes")) == packet
    [message] = decode(program, packet)
    assert (message["address"], message["types"]) == ("/ace/go", types)
    assert message["args"] == OscMessage(packet).params


def test_it_reads_every_message_of_the_daemon(program: NodeProgram) -> None:
    for name, row in OUTGOING.items():
        if not name.startswith(PARAM):
            examples: dict[str, int | float | str] = {"i": -1, "f": 0.5, "s": "für elise"}
            values = [examples[kind] for kind in row.types]
            [message] = decode(program, encode_reply(name, *values))
            assert (message["address"], message["args"]) == (f"/ace/{name}", values)


def test_types_that_are_not_named_are_guessed(program: NodeProgram) -> None:
    program.do(encode=["/ace/x", [1, 0.5, "text", 4294967295], None])
    message = OscMessage(bytes.fromhex(program.wait("bytes")))
    assert list(message.params) == [1, 0.5, "text", 4294967296.0]


def test_numbers_are_read_in_every_size(program: NodeProgram) -> None:
    packet = b"/ace/x\0\0,hdTF\0\0\0" + struct.pack(">qd", 2**40 + 5, -0.1)
    assert decode(program, packet)[0]["args"] == [2**40 + 5, -0.1, True, False]


def test_bundles_are_opened(program: NodeProgram) -> None:
    inner = encode_bundle(0, encode_message("/ace/b", 2))
    messages = decode(program, encode_bundle(0, encode_message("/ace/a", 1), inner))
    assert [(one["address"], one["args"]) for one in messages] == [("/ace/a", [1]), ("/ace/b", [2])]


def test_ten_thousand_packets_of_junk_are_no_messages_or_whole_ones(program: NodeProgram) -> None:
    dice = random.Random(7)
    whole = encode_bundle(0, encode_message("/ace/clip", *CLIP[1:]), encode_message("/ace/x", 1))
    for _ in range(10_000):
        packet = bytearray(whole if dice.random() < 0.7 else dice.randbytes(dice.randrange(64)))
        for _ in range(dice.randrange(4)):
            if packet:
                packet[dice.randrange(len(packet))] = dice.randrange(256)
        program.do(decode=packet[: dice.randrange(len(packet) + 1)].hex())
    for _ in range(10_000):
        for message in program.wait("messages"):
            assert message["address"].startswith("/")
            assert len(message["types"]) == len(message["args"])


# --- in touch -------------------------------------------------------------------------------------


def test_it_asks_within_five_seconds_and_says_when_the_daemon_is_gone_and_back(
    program: NodeProgram,
) -> None:
    program.do(start=True)
    assert program.wait("sent") == ["/ace/notify", 1, 0, "clip insert", "stub"]
    hear(program, ["/ace/done", "/ace/notify", 1, 86400])
    program.wait("there")
    assert list_sent(program, 5000) == [["/ace/clients"]]
    hear(program, PONG)
    assert not program.list_seen("gone")
    assert list_sent(program, 20_000)[-1] == ["/ace/notify", 1, 0, "clip insert", "stub"]
    assert program.list_seen("gone") == [1]
    hear(program, PONG)
    program.wait("there")


def test_a_daemon_that_never_answers_is_said_once(program: NodeProgram) -> None:
    program.do(start=True)
    list_sent(program, 60_000)
    assert program.list_seen("gone") == [1]


def test_a_daemon_that_was_restarted_in_between_is_given_the_name_again(
    program: NodeProgram,
) -> None:
    program.do(start=True)
    hear(program, PONG)
    assert list_sent(program, 4000)[-1] == ["/ace/clients"]
    hear(program, ["/ace/client", "stub", "udp:127.0.0.1:1", 0.1, 1])
    hear(program, ["/ace/done", "/ace/clients", 1, 0])
    assert list_sent(program, 4000) == [["/ace/clients"]]
    # one of two answers was lost: nothing is known
    hear(program, ["/ace/client", "live", "udp:127.0.0.1:1", 0.1, 1])
    hear(program, ["/ace/done", "/ace/clients", 2, 0])
    assert list_sent(program, 4000) == [["/ace/clients"]]
    hear(program, ["/ace/client", "live", "udp:127.0.0.1:1", 0.1, 1])
    hear(program, ["/ace/done", "/ace/clients", 1, 0])
    assert program.wait("sent") == ["/ace/notify", 1, 0, "clip insert", "stub"]


def test_one_that_does_not_hear_replies_gives_its_name_each_time(program: NodeProgram) -> None:
    program.do(client={"port": 9113})
    program.do(start=True)
    hear(program, PONG)
    assert list_sent(program, 4000)[-1] == ["/ace/notify", 1, 9113, "clip insert", "stub"]
    program.do(stop=True)
    assert program.wait("sent") == ["/ace/notify", 0, 9113]
    assert list_sent(program, 9000) == []


def test_what_cannot_be_sent_is_lost_and_what_a_host_gets_wrong_is_said(
    program: NodeProgram,
) -> None:
    program.do(broken=True)
    program.do(start=True)
    hear(program, ["/ace/fail", "take1", "/ace/go", 500, "it failed", ""])
    assert program.wait("error") == "a mistake of the host"
    program.do(broken=False)
    assert list_sent(program, 4000) == [["/ace/clients"]]


def test_the_notes_of_the_job_that_was_accepted_last_are_kept_each_once(
    program: NodeProgram,
) -> None:
    program.do(start=True)
    hear(program, ["/ace/note", "one", "a"], ["/ace/note", "one", "b"], ["/ace/note", "one", "a"])
    program.do(notes="one")
    assert program.wait("notes") == ["a", "b"]
    hear(program, ["/ace/note", "two", "c"], ["/ace/note", "two"])
    program.do(notes="one")
    program.do(notes="two")
    assert [program.wait("notes") for _ in range(2)] == [[], ["c"]]
    hear(program, *(["/ace/note", "two", str(number)] for number in range(100)))
    program.do(notes="two")
    assert program.wait("notes") == [str(number) for number in range(84, 100)]
    hear(program, ["/ace/note", "", "undone: a fill of 4 pads"], ["/ace/note", "", "undone: more"])
    program.do(notes="")
    assert program.wait("notes") == ["undone: more"], "it is about no job"


# --- takes ----------------------------------------------------------------------------------------


def test_a_take_is_put_in_when_that_is_asked_for_with_all_its_files(program: NodeProgram) -> None:
    program.do(start=True)
    hear(program, STEM, CLIP, FINISHED)
    assert not program.list_seen("put")
    hear(program, INSERT)
    take = program.wait("put")
    assert [clip["stem"] for clip in take["clips"]] == ["drums", "mix"]
    assert (take["path"], take["manifest"]) == ("/out/a.wav", "/out/a.json")
    assert (take["track"], take["slot"]) == (-1, -1)
    program.do(inserted=[take, "track 1"])
    assert program.wait("sent", "/ace/inserted") == ["/ace/inserted", "take1", "stub", "track 1"]


def test_a_path_is_put_in_once_and_acknowledged_again(program: NodeProgram) -> None:
    program.do(start=True)
    hear(program, CLIP, FINISHED, INSERT, INSERT)
    take = program.wait("put")
    program.do(inserted=[take, "track 1"])
    hear(program, CLIP, FINISHED, INSERT)
    for _ in range(2):
        sent = program.wait("sent", "/ace/inserted")
        assert sent == ["/ace/inserted", "take1", "stub", "track 1"]
    assert len(program.list_seen("put")) == 1
    # where it did not work, it may be asked for again
    program.do(inserted=[take, ""])
    assert program.wait("sent", "/ace/inserted") == ["/ace/inserted", "take1", "stub"]
    hear(program, INSERT)
    program.wait("put")


def test_an_id_that_another_take_has_is_that_takes(program: NodeProgram) -> None:
    program.do(start=True)
    other = ["/ace/clip", "take1", "mix", "/out/b.wav", 90.0, 2, "8"]
    hear(program, CLIP, FINISHED, other, ["/ace/finished", "take1", 1, "/out/b.json"])
    hear(program, [*INSERT[:4], "/out/b.wav"], INSERT)
    assert program.wait("put")["manifest"] == "/out/b.json"
    assert program.wait("put")["manifest"] == "/out/a.json"


def test_a_take_whose_clips_were_missed_is_its_mix(program: NodeProgram) -> None:
    program.do(start=True)
    hear(program, INSERT)
    assert [clip["path"] for clip in program.wait("put")["clips"]] == ["/out/a.wav"]


def test_what_it_remembers_is_bounded(program: NodeProgram) -> None:
    program.do(start=True)
    for number in range(1500):
        hear(program, ["/ace/clip", f"take{number}", "mix", f"/out/{number}.wav", 120.0, 4, "7"])
        program.do(inserted=[{"id": "x", "path": f"/out/{number}.wav"}, "somewhere"])
    program.do(size=True)
    assert program.wait("size") == [64, 1000]
