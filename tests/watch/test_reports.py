"""What a writer is told of a file: as events, and in a report beside the takes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.jobs import Event, JobState
from daemon.watch.folder import MAX_ANNOUNCED
from daemon.watch.parameters import UNKNOWN_WORD
from daemon.watch.reports import format_report, name_report
from daemon.watch.sheet import Sheet, read_sheet
from pipeline.singer.vocal_part import NO_WORD
from tests.guide import midi_bytes as midi
from tests.support.line_times import left_out_line, sung_line
from tests.support.watched import EngineStub, PolledFolder, requests_of, set_age


def test_what_was_not_understood_is_reported_line_by_line_until_it_is(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.save("chorus.txt", "---\nprompt: warm\nspeling: 92\n---\nla la\n[chrous]\n")
    (order,) = folder.settle()
    assert folder.notes_on("chorus.txt") == [
        (0, 0, f"on its way: {order.id}"),
        (1, 0, "around the parameters"),
        (2, 0, "prompt = warm"),
        (3, 404, f"no parameter is called 'speling'; {UNKNOWN_WORD}"),
        (4, 0, "around the parameters"),
        (5, 0, "sung"),
        (6, 404, "marker [chrous]; did you mean [Chorus]?"),
    ]
    assert (
        f"line 3: speling: 92\n    no parameter is called 'speling'; {UNKNOWN_WORD}"
        in folder.report_on("chorus.txt")
    )
    folder.save("chorus.txt", "---\nprompt: warm\nbpm: 92\n---\nla la\n[chorus]\n")
    folder.settle()
    assert folder.report_on("chorus.txt") == ""
    assert not any(path.name.startswith(".") for path in folder.watch.out.iterdir())


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"\0\1\2", 400, "it is no text: it holds zero bytes"),
        (
            "---\nbpm: 92\n---\n",
            400,
            "there is nothing to play: prompt and lyrics are empty; say what it should sound like",
        ),
        ("---\nbars: 1000\n---\nla", 422, "the clip must be at most 600 seconds long"),
        ("la " * 100_000, 413, "it is too big: it has 293 KB, at most 256 KB are read"),
    ],
)
def test_what_makes_no_take_says_why_and_leaves_the_last_one_alone(
    folder: PolledFolder, engine: EngineStub, content: str | bytes, code: int, says: str
) -> None:
    folder.save("chorus.txt", "one")
    folder.settle()
    folder.save("chorus.txt", content)
    assert folder.settle() == []
    (problem,) = [(found, text) for line, found, text in folder.notes_on("chorus.txt") if found]
    assert problem[0] == code
    assert says in problem[1]
    assert says in folder.report_on("chorus.txt")
    assert engine.jobs[0].state == "waiting"
    folder.save("chorus.txt", "two")
    assert len(folder.settle()) == 1
    assert folder.report_on("chorus.txt") == ""


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ("time: free", "line 1: time: free\n    time is a metre, not free: not used"),
        ("Title: x\nMetre: swing", "line 2: Metre: swing\n    metre is a metre, not swing"),
        ("prompt: lo-fi, 84 bpm\nbpm: 92", "bpm 92 was given: it is 92"),
        ("prompt: lo-fi\ntime_signature: 7/8", "the model is not told 7/8"),
    ],
)
def test_what_becomes_something_else_than_is_written_is_reported(
    folder: PolledFolder, head: str, says: str
) -> None:
    folder.save("song.txt", f"{head}\n\nla la la\n")
    assert len(folder.settle()) == 1
    assert says in folder.report_on("song.txt")


@pytest.mark.parametrize(
    "head",
    [
        "Title: x\nArtist: Nobody\nCapo: 2\nAlbum: y\nTuning: drop D",
        "Metre: 8.6.8.6 D",
        "Meter: CM",
        "prompt: lo-fi, 84 bpm, in F#m",
        "key: Am\ntime: 3/4",
    ],
)
def test_what_is_just_taken_or_plays_no_part_makes_no_report(
    folder: PolledFolder, head: str
) -> None:
    folder.save("song.txt", f"{head}\n\nla la la\n")
    assert len(folder.settle()) == 1
    assert folder.report_on("song.txt") == ""


def test_what_is_read_otherwise_of_a_guide_is_reported(folder: PolledFolder) -> None:
    tune = midi.notes([(8, 1, 60), (9, 1, 64)], 96)
    whole = midi.file(0, 96, midi.track((0, midi.tempo(90)), *tune))
    for name, content in (("plain", whole), ("cut", whole[:-6])):
        folder.save(f"{name}.mid", content)
        folder.save(f"{name}.txt", f"---\nprompt: lo-fi\nguide: {name}.mid\nbars: 2\n---\n")
    folder.settle()
    assert "2 empty bars in front of it were left out" in folder.report_on("plain.txt")
    assert "ends too early: read as far as it goes" in folder.report_on("cut.txt")
    folder.save("first.mid", midi.file(0, 96, midi.track(*midi.notes([(0, 4, 60)], 96))))
    folder.save("first.txt", "---\nprompt: lo-fi\nguide: first.mid\nbars: 2\n---\n")
    folder.settle()
    assert folder.report_on("first.txt") == ""


def test_a_file_that_may_not_be_read_is_taken_when_it_may(
    folder: PolledFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    folder.save("chorus.txt")
    with monkeypatch.context() as patch:
        patch.setattr("daemon.watch.watched_files.os.open", denied)
        assert folder.settle() == []
    assert folder.notes_on("chorus.txt") == [
        (0, 403, "it cannot be read: Permission denied; it is tried again")
    ]
    assert len(folder.settle()) == 1


def test_a_text_in_any_encoding_is_read_and_that_is_said(folder: PolledFolder) -> None:
    folder.save("one.txt", "café".encode("utf-16"))
    folder.save("two.txt", "café".encode("cp1252"))
    assert [request.lyrics for request in requests_of(folder.settle())] == ["café", "café"]
    assert (0, 0, "read as UTF-16") in folder.notes_on("one.txt")
    hint = "save it as UTF-8 if words look wrong"
    assert (0, 400, f"read as Windows-1252 (a guess); {hint}") in folder.notes_on("two.txt")
    assert hint in folder.report_on("two.txt")


def test_how_a_job_fails_is_in_the_report_until_it_is_made(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.save("chorus.txt")
    folder.settle()
    engine.fail(engine.jobs[0], "the disk is full")
    assert "the file\n    the disk is full; try it again" in folder.report_on("chorus.txt")
    folder.restart()
    folder.settle()
    assert "the disk is full" in folder.report_on("chorus.txt")
    engine.jobs[0].state = JobState.WAITING  # it was kept
    engine.finish(engine.jobs[0])
    assert folder.report_on("chorus.txt") == ""


def test_what_a_sound_lacked_is_in_the_report_on_its_take(
    folder: PolledFolder, engine: EngineStub
) -> None:
    half = "loop.wav is not whole: its header promises 2.0 s, 1.0 s are there"
    folder.save("loop.wav", b"RIFF")
    folder.settle()
    (job,) = engine.jobs
    manifest = folder.watch.out / "said.json"
    folder.watch.out.mkdir(exist_ok=True)
    manifest.write_text(json.dumps({"notes": [half, "mini does not sing"]}))
    job.last_event = Event("finished", job, (1, str(manifest)))
    folder.watched.on_job_event(job.last_event)
    assert half in folder.report_on("loop.wav")
    assert "does not sing" not in folder.report_on("loop.wav")
    manifest.unlink()
    folder.watched.on_job_event(job.last_event)
    assert folder.report_on("loop.wav") == ""


def test_an_output_that_takes_no_files_keeps_nobody_from_ordering(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.watch.out.write_text("in the way")
    folder.save("chorus.txt", "la\n[chrous]")
    assert len(folder.settle()) == 1


def test_a_mishap_with_one_file_does_not_stop_the_others_and_rests_until_it_changes(
    folder: PolledFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.save("one.txt", "one")
    folder.save("two.txt", "two")
    with monkeypatch.context() as patch:
        patch.setattr(
            "daemon.watch.parsing.build_sheet",
            lambda read, *_: 1 / 0 if read.text == "one" else Sheet({"lyrics": read.text}),
        )
        assert [request.lyrics for request in requests_of(folder.settle())] == ["two"]
    folder.poll(3600)
    assert folder.settle() == []
    (note,) = folder.notes_on("one.txt")
    assert note == (
        0,
        500,
        "it could not be taken: ZeroDivisionError: division by zero; this is a bug, and the log "
        "has the details; it rests until it changes",
    )
    assert "division by zero" in folder.report_on("one.txt")
    set_age(folder.path / "one.txt", 10)
    assert [request.lyrics for request in requests_of(folder.settle())] == ["one"]
    assert folder.report_on("one.txt") == ""


def test_a_very_long_sheet_is_told_in_part_and_reported_whole(folder: PolledFolder) -> None:
    folder.save("chorus.txt", "la\n[chrous]\n" * 200)
    folder.settle()
    notes = folder.notes_on("chorus.txt")
    assert len(notes) == MAX_ANNOUNCED + 1
    assert (0, 0, "351 more notes are not sent") in notes
    assert "chorus.txt: 200 things to look at" in folder.report_on("chorus.txt")


def test_a_report_shows_first_what_to_look_at_and_then_the_rest() -> None:
    text = "---\nbmp: 92\nkey: Am\n---\none\ntwo\n"
    assert format_report("chorus.txt", read_sheet(text).notes, text) == (
        "chorus.txt: 1 thing to look at\n\n"
        "line 2: bmp: 92\n    no parameter is called 'bmp'; did you mean bpm?\n\n"
        "What was understood\n\n"
        "line 1: around the parameters\n"
        "line 3: key = A minor\n"
        "line 4: around the parameters\n"
        "lines 5 to 6: sung\n"
    )


def test_a_line_in_which_nothing_can_be_sung_is_not_too_much(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.save("chorus.txt", "hm\n")
    folder.settle()
    engine.sing(engine.jobs[0], left_out_line("hm", NO_WORD, number=0))
    folder.watched.announce_lines()
    assert folder.notes_on("chorus.txt")[-1] == (1, 400, f"not sung: {NO_WORD}")


def test_where_each_line_is_sung_is_said_of_the_line_of_the_file(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.save("chorus.txt", "---\nbpm: 92\n---\n\n[Chorus]\n\n\nWe rise\n# mine\nand fall\n")
    folder.settle()
    written = engine.jobs[0].request.lyrics.split("\n")
    assert written == ["[Chorus]", "", "We rise", "and fall"]
    engine.sing(
        engine.jobs[0],
        sung_line("We rise", bar=3, start=6.25, number=2),
        left_out_line("and fall", "left out, no bar was left", number=3),
    )
    folder.watched.announce_lines()
    assert folder.notes_on("chorus.txt")[-2:] == [
        (8, 0, "sung from bar 3, at 0:06.2, in Chorus"),
        (10, 413, "not sung: left out, no bar was left"),
    ]
    engine.finish(engine.jobs[0])
    assert "line 10: and fall\n    not sung: left out, no bar was left" in folder.report_on(
        "chorus.txt"
    )
    folder.watched.announce_lines()
    assert len(folder.notes_on("chorus.txt")) == len({*folder.notes_on("chorus.txt")}), "once"
    folder.save("chorus.txt", "We rise\n")
    folder.settle()
    assert folder.report_on("chorus.txt") == "", "the next one begins anew"


def test_notes_on_a_take_count_the_lines_of_the_file_too(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.save("chorus.txt", "bpm: 92\n\n[Chorus]\nWe rise\n# mine\nand fall\nand stay\n")
    folder.settle()
    (job,) = engine.jobs
    notes = {
        "sung in bars 1 to 2: line 2": "sung in bars 1 to 2: line 4",
        "left out, no time was left: lines 3 to 4": "left out, no time was left: lines 6 to 7",
        "hummed: lines 2 to 3 and 2 more": "hummed: lines 4, 6 and 2 more",
        "of something else: lines 2 to 40": "of something else: lines 2 to 40",
        "the guide has 2 lines 3": "the guide has 2 lines 3",
    }
    for note in notes:
        folder.watched.on_job_event(Event("note", job, (note,)))
    folder.watched.announce_lines()
    said = [text for _, _, text in folder.notes_on("chorus.txt")]
    assert said[-len(notes) :] == [*notes.values()]


def test_what_an_lrc_repeats_is_told_of_its_own_line(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.save("song.lrc", "[00:05.00]two\n[00:01.00][00:09.00]one\n")
    folder.settle()
    assert engine.jobs[0].request.lyrics == "one\ntwo\none"
    engine.sing(engine.jobs[0], sung_line("one", bar=5, number=2))
    folder.watched.announce_lines()
    assert folder.notes_on("song.lrc")[-1] == (2, 0, "sung from bar 5, at 0:00.5, in Chorus")


@given(st.text(min_size=1, max_size=260))
def test_the_report_on_any_name_can_be_a_file_and_no_other_s(name: str) -> None:
    called = name_report(name)
    assert len(f".{called}".encode()) <= 255
    assert called.endswith(".report.txt")
    assert name_report(f"{name}x") != called
    called.encode("utf-8")


@pytest.mark.parametrize("name", ["a" * 251 + ".txt", "é" * 125 + ".txt", "歌" * 83 + ".txt"])
def test_files_with_the_longest_names_are_reported(folder: PolledFolder, name: str) -> None:
    other = "b" + name[1:] if name.startswith("a") else name[:-5] + "x.txt"
    for one in (name, other):
        folder.save(one, "---\nbpm: ninety\n---\nwords\n")
    folder.settle()
    reports = list(folder.watch.out.glob("*.report.txt"))
    assert len(reports) == 2
    assert all("bpm" in report.read_text() for report in reports)
    for one in (name, other):
        folder.save(one, "---\nbpm: 90\n---\nwords\n")
    folder.settle()
    assert list(folder.watch.out.glob("*.report.txt")) == []


def test_names_that_are_not_in_utf_8_have_reports_of_their_own() -> None:
    assert name_report("a\udce9.txt") != name_report("a\udcea.txt")
    assert name_report("a\udce9.txt") != name_report("a?.txt") == "a?.txt.report.txt"


def test_of_a_line_that_is_not_sung_it_is_not_said_too_that_it_is(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.save("chorus.txt", "la la\nhm\nlo lo\nlu lu\n")
    folder.settle()
    lines = (sung_line("la la"), left_out_line("hm", NO_WORD, number=1))
    engine.sing(engine.jobs[0], *lines)
    folder.watched.announce_lines()
    report = folder.report_on("chorus.txt")
    assert f"line 2: hm\n    not sung: {NO_WORD}" in report
    assert "line 1: sung\nlines 3 to 4: sung\n" in report
