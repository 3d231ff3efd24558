"""The table of events and replies, and how they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.jobs import Event, Job
from daemon.osc.outgoing import (
    EVENTS,
    OUTGOING,
    SEEDS,
    TOPICS,
    encode_event,
    encode_fail,
    encode_parameter,
    shorten,
)
from daemon.osc.wire import read_message
from pipeline.request import FIELDS, Request

JOB = Job(
    "udp:127.0.0.1:1", "take1", Request(prompt="p"), Request(prompt="p", seed=1), Path("/out")
)
SMALL = 1200  # bytes: a datagram that no network splits


def encode_and_read(event: Event) -> tuple[str, list[Any]]:
    message = read_message(encode_event(event))
    return message.address, list(message.arguments)


def clip_event(stem: str, path: str) -> Event:
    return Event("clip", JOB, (stem, path, 120.0, 4, "7"))


def test_every_event_but_parameters_is_a_topic_and_parameters_are_one() -> None:
    assert set(TOPICS) == set(EVENTS) - {"param/<param>", "midi/learned"} | {"param", "midi"}


def test_every_argument_of_a_message_has_a_type_and_a_name() -> None:
    for row in OUTGOING.values():
        if row.name != "param/<param>":
            assert len(row.fields.split()) == len(row.types), row.name
            assert not row.has_id or row.fields.split()[0] == "id"


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        (Event("queued", JOB, (2, 1.5)), ["take1", 2, 1.5]),
        (Event("note", JOB, ("it was taken",)), ["take1", "it was taken"]),
        (Event("progress", JOB, (0.5, "diffusion", 3.0)), ["take1", 0.5, "diffusion", 3.0]),
        (clip_event("mix", "/out/x.wav"), ["take1", "mix", "/out/x.wav", 120.0, 4, "7"]),
        (
            Event("words", JOB, (1, 3, "Chorus", 4.5, 5.5, "la la", "4.50 5.00", "")),
            ["take1", 1, 3, "Chorus", 4.5, 5.5, "la la", "4.50 5.00", ""],
        ),
        (Event("cancelled", JOB), ["take1"]),
        (Event("state", None, ("warm", "mini", 3)), ["warm", "mini", 3]),
        (Event("tempo", None, (98.5, "link")), [98.5, "link"]),
        (Event("read", None, ("/l/x.md", 3, 422, "no")), ["/l/x.md", 3, 422, "no"]),
        (Event("insert", JOB, (1, -1, "/out/x.wav")), ["take1", 1, -1, "/out/x.wav"]),
        (Event("favourite", JOB, (1,)), ["take1", 1, ""]),
        (
            Event("inserted", JOB, ("live", "track 1", "/out/x.wav")),
            ["take1", "live", "track 1", "/out/x.wav"],
        ),
        (
            Event("fail", None, ("/ace/generate", 500, "m", "h")),
            ["", "/ace/generate", 500, "m", "h"],
        ),
    ],
)
def test_an_event_is_its_jobs_id_and_its_values(event: Event, arguments: list[Any]) -> None:
    assert encode_and_read(event) == (f"/ace/{event.kind}", arguments)


def test_the_mix_stands_for_a_job_or_else_its_first_file() -> None:
    job = Job("cli", "x", JOB.request, JOB.resolved, JOB.out)
    assert job.mix_path == ""
    job.clip_events = (clip_event("drums", "/d.wav"), clip_event("bass", "/b.wav"))
    assert job.mix_path == "/d.wav"
    job.clip_events = (clip_event("drums", "/d.wav"), clip_event("mix", "/m.wav"))
    assert job.mix_path == "/m.wav"
    assert encode_and_read(Event("favourite", job, (0,)))[1] == ["x", 0, "/m.wav"]


def test_a_path_is_sent_whole_and_what_is_for_reading_is_not() -> None:
    long = "/" + "x" * 3000
    assert encode_and_read(clip_event("mix", long))[1][2] == long
    assert encode_and_read(Event("state", None, ("warm", long, 0)))[1][1].endswith("…")


@given(st.text(), st.text(), st.text(), st.text())
def test_a_fail_fits_into_a_small_datagram(id: str, command: str, message: str, hint: str) -> None:
    assert len(encode_fail(id * 50, command * 50, 400, message * 50, hint * 50)) <= SMALL


@given(st.text(), st.integers(4, 50))
def test_a_shortened_text_is_at_most_as_long_as_said_and_leaves_short_texts_alone(
    text: str, limit: int
) -> None:
    size = len(text.encode(errors="replace"))
    assert len(shorten(text, limit).encode(errors="replace")) <= limit
    assert size > limit or shorten(text, limit) == text


@pytest.mark.parametrize("name", FIELDS)
def test_a_parameter_has_one_type_whatever_its_value(name: str) -> None:
    default: Any = FIELDS[name].default
    kinds = {str: "s", bool: "i", int: "i", float: "f"}
    expected = "s" if name in SEEDS else kinds[type(default)]
    assert encode_parameter(name, default).split(b"\0,")[1][:1].decode() == expected
