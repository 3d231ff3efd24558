"""A content that is saved makes one take, once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daemon.jobs import JobState, Order
from daemon.settings import Watch
from pipeline.request import Request
from tests.support.watched import WORDS, EngineStub, PolledFolder, requests_of, set_age


def test_a_saved_text_is_ordered_once_with_its_name_for_the_folder_s_output(
    folder: PolledFolder,
) -> None:
    folder.save("chorus.txt", "---\nprompt: warm\nbpm: 92\n---\n" + WORDS)
    (order,) = folder.settle()
    assert order.request == Request(
        prompt="warm", bpm=92, name="chorus", lyrics="[Verse]\nCity lights are calling me home"
    )
    assert order.client == f"watch:{folder.path}"
    assert order.out == folder.path / "takes"
    assert order.origin == str(folder.path / "chorus.txt")
    assert order.id.startswith("chorus.txt ")
    assert folder.settle() == []


def test_what_a_prompt_says_of_tempo_and_key_is_told_of_its_file(folder: PolledFolder) -> None:
    folder.save("chorus.txt", "---\nprompt: warm, 84 bpm, key: 13A\n---\n" + WORDS)
    (order,) = folder.settle()
    assert order.request.resolved().bpm == 84
    told = [(line, code, text[:48]) for line, code, text in folder.notes_on("chorus.txt")]
    assert (0, 0, "the prompt says 84 bpm: it was taken") in told
    assert (0, 400, "the prompt names a key that was not understood, ") in told
    assert "the prompt names a key that was not understood, 13A" in folder.report_on("chorus.txt")
    assert "the file: the prompt says 84 bpm: it was taken" in folder.report_on("chorus.txt")


def test_the_settings_of_the_folder_hold_for_what_a_file_leaves_out(
    tmp_path: Path, engine: EngineStub
) -> None:
    watch = Watch(
        folder=tmp_path, out=tmp_path / "elsewhere", request={"prompt": "warm", "bpm": 90}
    )
    folder = PolledFolder(tmp_path, engine, watch)
    folder.poll()
    folder.save("chorus.md", "bpm: 92\nname: Refrain\n\nla la")
    (order,) = folder.settle()
    assert order.request.prompt == "warm"
    assert order.request.bpm == 92
    assert order.request.name == "Refrain"
    assert order.out == tmp_path / "elsewhere"


def test_every_content_is_ordered_and_the_older_one_cancelled(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.save("chorus.txt", "one")
    folder.settle()
    folder.save("chorus.txt", "two")
    folder.settle()
    assert engine.states() == [
        ("one", "cancelled"),
        ("two", "waiting"),
    ]


def test_the_same_content_is_not_ordered_again(folder: PolledFolder, engine: EngineStub) -> None:
    path = folder.save("chorus.txt")
    folder.settle()
    folder.save("chorus.txt")
    os.utime(path)
    assert folder.settle() == []
    engine.finish(engine.jobs[0])
    set_age(path, 60)
    assert folder.settle() == []


def test_files_of_the_same_content_are_takes_of_their_own(folder: PolledFolder) -> None:
    folder.save("one.txt")
    folder.save("two.txt")
    assert [request.name for request in requests_of(folder.settle())] == ["one", "two"]


def test_a_change_that_leaves_size_and_time_as_they_were_is_seen(folder: PolledFolder) -> None:
    path = folder.save("chorus.txt", "one")
    found = path.stat()
    folder.poll()
    folder.poll(0.31)
    path.write_text("two")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    # looked at once more by itself
    assert [request.lyrics for request in requests_of(folder.settle())] == [
        "one",
        "two",
    ]
    path.write_text("six")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    folder.poll(hints=("chorus.txt",))
    assert [request.lyrics for request in requests_of(folder.settle())] == ["six"]


def test_a_file_that_still_grows_is_waited_for(folder: PolledFolder) -> None:
    path = folder.save("chorus.txt", "one\n")
    for line in ("two\n", "three\n", "four\n"):
        folder.poll(0.2)
        with path.open("a") as stream:
            stream.write(line)
    assert [request.lyrics for request in requests_of(folder.settle())] == ["one\ntwo\nthree\nfour"]


@pytest.mark.parametrize("content", ["", "\n", " \n\t\n"])
def test_an_empty_file_waits_for_its_words(folder: PolledFolder, content: str) -> None:
    folder.save("chorus.txt", content)
    assert folder.settle() == []
    assert folder.notes_on("chorus.txt") == []
    folder.save("chorus.txt")
    assert len(folder.settle()) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [("chorus.txt", ""), ("chorus.lrc", " \n\t\n"), ("loop.wav", b""), ("take.json", "")],
)
def test_of_a_file_that_stays_empty_it_is_said_until_it_has_something(
    folder: PolledFolder, name: str, content: str | bytes
) -> None:
    folder.save(name, content)
    assert folder.settle() == []
    folder.poll(6)
    folder.poll(6)
    assert "it is empty: nothing is played" in folder.report_on(name)
    assert len(folder.notes_on(name)) == 1
    if name.endswith(".txt"):
        folder.save(name)
        assert len(folder.settle()) == 1
        assert "it is empty" not in folder.report_on(name)


def test_an_empty_file_of_parameters_asks_for_nothing(folder: PolledFolder) -> None:
    folder.save("acestepd.txt", "")
    folder.poll(6)
    folder.poll(6)
    assert folder.notes_on("acestepd.txt") == []


def test_two_hundred_edits_that_never_rest_make_one_take(
    folder: PolledFolder, engine: EngineStub
) -> None:
    for number in range(200):
        folder.save("chorus.txt", f"take {number}")
        folder.poll(0.05)
    assert [request.lyrics for request in requests_of(folder.settle())] == ["take 199"]


def test_two_hundred_edits_that_rest_end_with_one_take_and_never_two_open(
    folder: PolledFolder, engine: EngineStub
) -> None:
    for number in range(200):
        folder.save("chorus.txt", f"take {number}")
        folder.poll(0.01)
        folder.poll(0.31)
    folder.settle()
    assert [job.request.lyrics for job in engine.active()] == ["take 199"]
    assert sum(job.state == "cancelled" for job in engine.jobs) == len(engine.jobs) - 1
    assert engine.most_open == 1


def test_a_job_whose_files_are_landing_lands_and_the_next_one_follows(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.save("chorus.txt", "one")
    folder.settle()
    engine.jobs[0].state = JobState.LANDING
    folder.save("chorus.txt", "two")
    folder.settle()
    assert [job.state for job in engine.jobs] == ["landing", "waiting"]


def test_jobs_of_others_are_left_alone(folder: PolledFolder, engine: EngineStub) -> None:
    folder.save("one.txt", "one")
    folder.save("two.txt", "two")
    folder.settle()
    engine.submit(
        Order(
            "udp:127.0.0.1:9",
            "mine",
            Request(prompt="x"),
            out=folder.path,
            origin=str(folder.path / "one.txt"),
        )
    )
    folder.save("one.txt", "three")
    folder.settle()
    assert [(job.id.split()[0], job.state) for job in engine.jobs] == [
        ("one.txt", "cancelled"),
        ("two.txt", "waiting"),
        ("mine", "waiting"),
        ("one.txt", "waiting"),
    ]


# --- a content comes back -------------------------------------------------------------------------


def test_a_content_that_comes_back_is_not_made_again_while_its_take_is_there(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.save("chorus.txt", "one")
    folder.settle()
    clip = engine.finish(engine.jobs[0])
    folder.save("chorus.txt", "two")
    folder.settle()
    folder.save("chorus.txt", "one")
    assert folder.settle() == []
    assert engine.jobs[1].state == "cancelled"
    assert folder.notes_on("chorus.txt")[-2] == (0, 0, f"made already: {clip}")


def test_a_content_that_comes_back_is_made_again_when_it_was_superseded_or_its_take_is_gone(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.save("chorus.txt", "one")
    folder.settle()
    folder.save("chorus.txt", "two")
    folder.settle()
    engine.finish(engine.jobs[1]).unlink()
    folder.save("chorus.txt", "one")
    folder.settle()
    folder.save("chorus.txt", "two")
    folder.settle()
    assert engine.states() == [
        ("one", "cancelled"),
        ("two", "finished"),
        ("one", "cancelled"),
        ("two", "waiting"),
    ]
    assert len({job.id for job in engine.jobs}) == 4


def test_a_job_that_failed_is_tried_again_when_its_file_is_saved_again(
    folder: PolledFolder, engine: EngineStub
) -> None:
    path = folder.save("chorus.txt")
    folder.settle()
    engine.fail(engine.jobs[0], "out of memory")
    assert folder.settle() == []
    set_age(path, 10)
    assert len(folder.settle()) == 1


def test_a_job_that_its_writer_cancelled_stays_cancelled(
    folder: PolledFolder, engine: EngineStub
) -> None:
    path = folder.save("chorus.txt")
    folder.settle()
    engine.cancel(folder.watched.client, engine.jobs[0].id)
    set_age(path, 10)
    assert folder.settle() == []


def test_a_number_that_was_not_understood_holds_the_take_until_it_is_mended(
    folder: PolledFolder,
) -> None:
    folder.save("chorus.txt", "prompt: warm\nbpm: ninety\n\nla la")
    assert folder.settle() == []
    (_, code, says) = folder.notes_on("chorus.txt")[1]
    assert code == 400
    assert "bpm must be" in says
    assert "'ninety'" in says
    assert "line 2: bpm: ninety" in folder.report_on("chorus.txt")
    folder.save("chorus.txt", "prompt: warm\nbpm: 90\n\nla la")
    assert [request.bpm for request in requests_of(folder.settle())] == [90]


@pytest.mark.parametrize(
    "line",
    [
        "bpm: 900",
        "bars: two and a half",
        "time signature: 9/7",
        "bmp: 84",
        "tmepo: 140",
        "bras: 8",
        "bar: 8",
        "secnds: 20",
        "sed: 7",
        "guide_sed: 7",
        "timesignatur: 3/4",
    ],
)
def test_no_take_is_made_without_a_number_that_its_writer_gave(
    folder: PolledFolder, line: str
) -> None:
    folder.save("chorus.txt", f"---\nprompt: warm\n{line}\n---\nla la")
    assert folder.settle() == []


def test_a_word_that_is_no_parameter_and_a_number_that_is_given_again_hold_nothing(
    folder: PolledFolder,
) -> None:
    folder.save("a.txt", "---\ncreated: 2024-05-01\nprompt: warm\n---\nla la")
    folder.save("b.txt", "---\nbpm: fast\nbpm: 90\n---\nla la")
    assert len(folder.settle()) == 2
