"""The tables of the protocol, and how what we say is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.jobs import Event, Job
from daemon.osc import commands
from daemon.osc.protocol import (
    COMMANDS,
    EVENTS,
    SEEDS,
    SENT,
    TOPICS,
    encode_event,
    encode_fail,
    encode_param,
    is_ours,
    mix_of,
    short,
)
from daemon.osc.wire import Message, read_message
from pipeline.request import FIELDS, Request
from tests.tools import tables

JOB = Job(
    "udp:127.0.0.1:1", "take1", Request(prompt="p"), Request(prompt="p", seed=1), Path("/out")
)
SMALL = 1200  # bytes: a datagram that no network splits


def told(event: Event) -> tuple[str, list[Any]]:
    message = read_message(encode_event(event))
    return message.address, list(message.arguments)


def clip(stem: str, path: str) -> Event:
    return Event("clip", JOB, (stem, path, 120.0, 4, "7"))


def test_every_message_has_a_handler_and_every_handler_a_row() -> None:
    assert set(commands.HANDLERS) == set(COMMANDS)
    assert set(COMMANDS) >= commands.BUTTONS | commands.WITH_ID


def test_every_event_but_parameters_is_a_topic_and_parameters_are_one() -> None:
    assert set(TOPICS) == set(EVENTS) - {"param/<param>", "midi/learned"} | {"param", "midi"}


def test_the_readmes_tables_have_a_row_for_each() -> None:
    assert [row.split("`")[1] for row in tables.messages().splitlines()[2:]] == list(COMMANDS)
    assert [row.split("`")[1] for row in tables.events().splitlines()[2:]] == [
        f"/ace/{name}" for name in SENT
    ]
    for name, table in tables.TABLES.items():
        widths = {line.replace("\\|", "").count("|") for line in table().splitlines()}
        assert len(widths) == 1, name


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        (Event("queued", JOB, (2, 1.5)), ["take1", 2, 1.5]),
        (Event("progress", JOB, (0.5, "diffusion", 3.0)), ["take1", 0.5, "diffusion", 3.0]),
        (clip("mix", "/out/x.wav"), ["take1", "mix", "/out/x.wav", 120.0, 4, "7"]),
        (Event("cancelled", JOB), ["take1"]),
        (Event("state", None, ("warm", "mini", 3)), ["warm", "mini", 3]),
        (Event("tempo", None, (98.5, "link")), [98.5, "link"]),
        (Event("read", None, ("/l/x.md", 3, 422, "no")), ["/l/x.md", 3, 422, "no"]),
        (Event("insert", JOB, (1, -1, "/out/x.wav")), ["take1", 1, -1, "/out/x.wav"]),
        (Event("favourite", JOB, (1,)), ["take1", 1, ""]),
        (
            Event("fail", None, ("/ace/generate", 500, "m", "h")),
            ["", "/ace/generate", 500, "m", "h"],
        ),
    ],
)
def test_an_event_is_its_jobs_id_and_its_values(event: Event, arguments: list[Any]) -> None:
    assert told(event) == (f"/ace/{event.kind}", arguments)


def test_the_mix_stands_for_a_job_or_else_its_first_file() -> None:
    job = Job("cli", "x", JOB.request, JOB.resolved, JOB.out)
    assert mix_of(job) == ""
    job.clip_events = (clip("drums", "/d.wav"), clip("bass", "/b.wav"))
    assert mix_of(job) == "/d.wav"
    job.clip_events = (clip("drums", "/d.wav"), clip("mix", "/m.wav"))
    assert mix_of(job) == "/m.wav"
    assert told(Event("favourite", job, (0,)))[1] == ["x", 0, "/m.wav"]


def test_a_path_is_sent_whole_and_what_is_for_reading_is_not() -> None:
    long = "/" + "x" * 3000
    assert told(clip("mix", long))[1][2] == long
    assert told(Event("state", None, ("warm", long, 0)))[1][1].endswith("…")


@given(st.text(), st.text(), st.text(), st.text())
def test_a_fail_fits_into_a_small_datagram(id: str, command: str, message: str, hint: str) -> None:
    assert len(encode_fail(id * 50, command * 50, 400, message * 50, hint * 50)) <= SMALL


@given(st.text(), st.integers(4, 50))
def test_short_is_at_most_as_long_as_said_and_leaves_short_texts_alone(
    text: str, limit: int
) -> None:
    size = len(text.encode(errors="replace"))
    assert len(short(text, limit).encode(errors="replace")) <= limit
    assert size > limit or short(text, limit) == text


@pytest.mark.parametrize("name", FIELDS)
def test_a_parameter_has_one_type_whatever_its_value(name: str) -> None:
    default = FIELDS[name].default
    kinds = {str: "s", bool: "i", int: "i", float: "f"}
    wanted = "s" if name in SEEDS else kinds[type(default)]
    assert encode_param(name, default).split(b"\0,")[1][:1].decode() == wanted


@pytest.mark.parametrize(
    ("address", "count", "ours"),
    [
        ("/ace/state", 0, True),
        ("/ace/fail", 5, True),
        ("/ace/param/bars", 1, True),
        ("/ace/set/bars", 1, False),
        ("/ace/generate", 3, False),
        ("/ace/tempo", 0, False),
        ("/ace/tempo", 1, False),
        ("/ace/tempo", 2, True),
        ("/ace/favourite", 2, False),
        ("/ace/favourite", 3, True),
        ("/ace/insert", 3, False),
        ("/ace/insert", 4, True),
        ("/other/state", 0, False),
        ("state", 0, False),
    ],
)
def test_what_a_daemon_says_is_told_from_what_it_is_told(
    address: str, count: int, ours: bool
) -> None:
    assert is_ours(Message(address, (1,) * count)) is ours
