"""What the terminal and the log say of events: a person's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.jobs import Event, Job
from daemon.runtime.event_lines import describe_event, describe_progress
from pipeline.request import Request

NOW = 1_000_000.0


def make_job(client: str = "udp:127.0.0.1:9001", *clips: str) -> Job:
    request = Request(prompt="a beat")
    job = Job(client, "take2", request, request, Path("/out"), created=NOW - 3.14159)
    job.clip_events = tuple(
        Event("clip", job, (stem, f"/out/{stem}.wav", 92.0, 4, "7")) for stem in clips
    )
    return job


@pytest.mark.parametrize(
    ("kind", "values", "line"),
    [
        ("queued", (0, 2.0312), "take2 queued, about 2 s"),
        ("queued", (0, 0.25), "take2 queued, about 1 s"),
        ("queued", (0, 0.0), "take2 queued"),
        ("queued", (1, 3.0), "take2 queued behind 1 other, about 3 s"),
        ("queued", (3, 75.4), "take2 queued behind 3 others, about 1 min 15 s"),
        ("finished", (1, "/out/take2.json"), "take2 finished after 3.14 s: /out/mix.wav"),
        ("cancelled", (), "take2 cancelled"),
        ("favourite", (1,), "take2 is a favourite"),
        ("favourite", (0,), "take2 is no favourite"),
        ("planned", ("bpm", "92"), "take2 planned bpm 92"),
        (
            "fail",
            ("/ace/generate", 507, "the disk is full", "free some space"),
            "take2 failed: the disk is full; free some space (asked for by 127.0.0.1:9001)",
        ),
    ],
)
def test_a_jobs_events_are_said_in_words(kind: str, values: tuple[object, ...], line: str) -> None:
    job = make_job("udp:127.0.0.1:9001", "mix")
    assert describe_event(Event(kind, job, values), NOW) == line


def test_stems_are_counted_and_what_was_understood_has_its_manifest() -> None:
    stems = make_job("watch:/songs", "drums", "mix", "bass")
    line = describe_event(Event("finished", stems, (3, "/out/x.json")), NOW)
    assert line == "take2 finished after 3.14 s: /out/mix.wav and 2 more"
    line = describe_event(Event("finished", make_job(), (0, "/out/x.json")), NOW)
    assert line == "take2 finished after 3.14 s: /out/x.json"


def test_a_take_that_was_prepared_is_there_at_once() -> None:
    prepared = make_job("udp:127.0.0.1:9001", "mix")
    prepared.ended = prepared.created + 0.0348
    line = describe_event(Event("finished", prepared, (1, "/out/take2.json")), NOW)
    assert line == "take2 finished at once: /out/mix.wav"


def test_which_pad_is_prepared_is_said_and_that_none_is() -> None:
    for pad, line in ((7, "preparing pad 7"), (0, "preparing no pad")):
        assert describe_event(Event("preparing", None, (pad,)), NOW) == line


@pytest.mark.parametrize(
    ("kind", "values", "line"),
    [
        ("state", ("busy", "mini", 3), "busy mini, 3 waiting"),
        ("tempo", (92.5, "link"), "tempo 92.5 bpm (link)"),
        ("pad", (3, "queued", 0.0), "pad 3 queued"),
        ("bank", ("verse", 2, 16), "bank verse with 16 pads"),
        ("read", ("song.txt", 3, 404, "no such thing"), "song.txt, line 3: no such thing"),
        ("read", ("song.txt", 0, 0, "fine"), "song.txt: fine"),
        ("fail", ("/ace/pad/hit", 404, "no pad", ""), "/ace/pad/hit failed: no pad"),
        ("midi/learned", ("bpm", "cc 7"), "midi/learned bpm cc 7"),
    ],
)
def test_other_events_are_too(kind: str, values: tuple[object, ...], line: str) -> None:
    assert describe_event(Event(kind, None, values), NOW) == line


def test_progress_is_a_share_its_stage_and_what_is_left() -> None:
    event = Event("progress", make_job(), (0.4321, "denoising", 2.2))
    assert describe_progress(event) == "take2  43% denoising, about 2 s to go"
