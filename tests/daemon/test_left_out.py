"""What a take leaves out of what was asked for is told to whoever asked, and where one looks."""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.engine.job_events import list_take_notes
from daemon.jobs import Event, Job
from daemon.landing.clips import Landed
from daemon.runtime.logs import EventLog
from daemon.service import Daemon
from daemon.settings import Settings, Watch
from pipeline.explain import Explanation
from pipeline.request import Request
from tests.support.osc_client import OscClient, Received

UNSUNG = ["prompt", "house", "lyrics", "blue jar", "guide", "off", "seconds", 1, "num_steps", 2]
LEFT_OUT = "the lyrics were left out: there is no guide to sing them to"


@pytest.fixture
def settings(quick_voice: str, tmp_path: Path) -> Settings:
    (tmp_path / "sheets").mkdir()
    return Settings(
        port=0,
        page=-1,
        out=tmp_path / "out",
        state=tmp_path / "state",
        model=quick_voice,
        watch=(Watch(folder=tmp_path / "sheets"),),
    )


def list_left_out(story: list[Received]) -> list[int]:
    """Where in a story it is told."""
    return [
        number
        for number, (address, values) in enumerate(story)
        if address in ("/ace/note", "/ace/read") and LEFT_OUT in str(values[-1])
    ]


@pytest.mark.long
def test_who_asked_hears_it_before_the_clip_and_after_a_restart_too(settings: Settings) -> None:
    with Daemon(settings) as first, closing(OscClient(first.osc.address)) as client:
        client.send("/ace/generate", "x", *UNSUNG)
        story = client.until_end("x")
        (place,) = list_left_out(story)
        assert place < [address for address, _ in story].index("/ace/clip")
    with Daemon(settings) as second, closing(OscClient(second.osc.address)) as client:
        client.send("/ace/query", "x")
        assert len(list_left_out(client.until_end("x"))) == 1


def test_a_sheet_s_report_and_its_readers_hear_it(settings: Settings) -> None:
    with Daemon(settings) as daemon, closing(OscClient(daemon.osc.address)) as client:
        client.ask("/ace/notify", 1, 0, "read")
        sheet = settings.watch[0].folder / "song.txt"
        sheet.write_text("---\nprompt: house\nguide: off\nseconds: 1\n---\nblue jar\n")
        story = [client.receive()]
        while not list_left_out(story):
            story.append(client.receive())
        path, line, code, _ = story[-1][1]
        assert (path, line, code) == (str(sheet), 0, 400)
    report = settings.watch[0].out / "song.txt.report.txt"
    assert LEFT_OUT in report.read_text()


def test_the_log_warns_of_it_and_of_nothing_else_that_was_read(
    caplog: pytest.LogCaptureFixture, job: Job
) -> None:
    events = EventLog()
    with caplog.at_level(logging.INFO):
        for event in job.add_notes([Explanation("90 bpm was read"), Explanation("unsung", True)]):
            events.write(event)
    assert [record.getMessage() for record in caplog.records] == ["x: unsung"]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job("udp:127.0.0.1:9", "x", Request("pad"), Request("pad", seed=1), tmp_path)


def test_what_was_told_is_not_told_again(job: Job) -> None:
    assert job.add_notes([Explanation("unsung", True)]) == (
        Event("note", job, ("unsung",), is_problem=True),
    )
    (later,) = job.add_notes([Explanation("unsung", True), Explanation("quiet")])
    assert later.values == ("quiet",)
    assert [event.is_problem for event in job.note_events] == [True, False]
    assert replace(job, problems=()).notes == ("unsung", "quiet")


def test_of_a_take_without_its_manifest_its_own_notes_are_told(tmp_path: Path) -> None:
    assert list_take_notes(Landed((), tmp_path / "gone.json"), None) == ()
