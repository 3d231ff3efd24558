"""The files that a request names: looked at when it is accepted, and not before."""

from __future__ import annotations

import builtins
import io
import os
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import soundfile

from pipeline.request import SOUNDS, BadRequest, OutOfRange, Request, names_file
from pipeline.request_files import (
    accept_request,
    check_file,
    check_files,
    explain,
    follow_source,
    resolve_request,
)

MISSING_SOUND = r"must be the path of an audio file that exists \(\.wav .*\), got '/gone\.wav'"
MISSING_MIDI = (
    r"guide must be auto, off, chords like Am F C G, or the path of a \.mid file that exists, "
    r"got '/gone\.mid'"
)


@pytest.fixture
def no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **more: Any) -> Any:
        raise AssertionError(f"the disk was touched: {arguments}")

    monkeypatch.setattr(builtins, "open", refuse)
    monkeypatch.setattr(io, "open", refuse)
    for name in ("stat", "lstat", "scandir", "listdir", "open", "access"):
        monkeypatch.setattr(os, name, refuse)
    monkeypatch.setattr(os.path, "isfile", refuse)
    monkeypatch.setattr(os.path, "exists", refuse)


@pytest.mark.usefixtures("no_disk")
def test_a_request_is_made_changed_and_resolved_without_a_look_at_the_disk() -> None:
    request = Request(
        guide="/gone.mid", source="/gone.wav", reference="/gone.flac", task="repaint", bars=2
    )
    changed = request.changed({"source": "/other.mp3", "guide": "~/VERSE.MIDI"})
    assert changed.resolved().bpm == 120
    assert changed.changed({"bpm": 70}).resolved().bpm == 70


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"source": "/gone.wav"}, f"source {MISSING_SOUND}"),
        ({"reference": "/gone.wav"}, f"reference {MISSING_SOUND}"),
        ({"guide": "/gone.mid"}, MISSING_MIDI),
    ],
)
def test_a_file_that_does_not_exist_is_refused(values: dict[str, Any], says: str) -> None:
    ((field, value),) = values.items()
    for refused in (
        lambda: check_file(field, value),
        lambda: check_files(Request(**values)),
        lambda: accept_request(values),
        lambda: resolve_request(Request(**values)),
    ):
        with pytest.raises(OutOfRange, match=says):
            refused()


def test_files_that_exist_are_accepted_and_none_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("tune.mid", *(f"song{ending}" for ending in SOUNDS)):
        (tmp_path / name).touch(0o000)
    for ending in SOUNDS:
        request = accept_request({"source": f"~/song{ending}", "guide": "~/tune.mid"})
        assert request == Request(source=f"~/song{ending}", guide="~/tune.mid")


def test_a_guide_names_a_file_only_where_it_is_midi() -> None:
    assert names_file("guide", "a.mid")
    assert names_file("guide", "A.MIDI")
    for guide in ("", "auto", "off", "Am F C G"):
        assert not names_file("guide", guide)
        check_files(Request(guide=guide))
    assert names_file("source", "a.wav")
    assert not names_file("source", "")
    assert not names_file("prompt", "a.wav")
    assert not names_file("bars", 4)


def test_bars_without_a_tempo_have_that_of_the_midi_guide(tmp_path: Path) -> None:
    path = tmp_path / "tune.mid"
    file = mido.MidiFile()
    track = file.add_track()
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(100)))
    track.append(mido.Message("note_on", note=60))
    track.append(mido.Message("note_off", note=60, time=480))
    file.save(path)
    request = Request(guide=str(path), bars=2)
    assert resolve_request(request).bpm == pytest.approx(100)
    assert resolve_request(request.changed({"bpm": 150})).bpm == 150
    assert resolve_request(request.changed({"bars": 0})).bpm == 100  # before any planner sets one
    path.write_bytes(b"no MIDI")
    with pytest.raises(OutOfRange, match="is not a MIDI file"):
        resolve_request(request)


def test_what_a_task_needs_is_said_when_it_is_resolved() -> None:
    with pytest.raises(BadRequest, match="cover needs a source"):
        resolve_request(Request(task="cover"))


def test_a_source_is_checked_lightly_when_it_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.wav", tmp_path, __file__, f"{'x' * 5000}.wav"):
        with pytest.raises(
            OutOfRange, match=r"source must be the path of an audio file that exists \(\.wav"
        ):
            check_files(Request(source=str(path)))


# --- a source -------------------------------------------------------------------------------------

SESSION = ("bpm", "key", "bars", "seconds", "time_signature", "beats_per_bar", "prompt")


@pytest.fixture
def loop(tmp_path: Path) -> str:
    """Four bars at 90 bpm, in A minor."""
    path = tmp_path / "dusk_90bpm_Am.wav"
    soundfile.write(path, np.zeros((round(16 * 60 / 90 * 48_000), 2), np.float32), 48_000)
    return str(path)


@pytest.mark.parametrize("task", ["extract", "cover", "cover-nofsq", "repaint", "complete"])
def test_work_on_a_sound_goes_by_that_sound(loop: str, task: str) -> None:
    session = Request(prompt="techno, 92 bpm", bpm=92, key="C major", bars=8)
    request = session.changed({"task": task, "source": loop})
    followed, said = follow_source(request, SESSION)
    assert (followed.bpm, followed.key, followed.bars, followed.name) == (90, "A minor", 4, "dusk")
    assert followed.count_samples(48_000) == round(16 * 60 / 90 * 48_000)
    assert [each.text for each in said][:2] == [
        "the session is at 92 bpm, and the source at 90 bpm: it is 90 bpm",
        "the session is in C major, and the source in A minor: it is A minor",
    ]
    assert "the session has 8 bars: it is as long as the source" in [each.text for each in said]
    assert follow_source(followed, ()) == (followed, ())
    assert "the source: 4 bars, 90 bpm, A minor (its name)" in explain(resolve_request(followed))


def test_what_a_message_says_goes_before_its_source_and_is_told(loop: str) -> None:
    request = Request(task="extract", source=loop, bpm=92, key="C major", bars=2)
    followed, _ = follow_source(request)
    assert (followed.bpm, followed.key, followed.bars) == (92, "C major", 2)
    assert explain(request)[1:] == (
        "the source is at 90 bpm, and 92 bpm was asked for: it is 92 bpm",
        "the source is in A minor, and C major was asked for: it is C major",
    )
    assert explain(request) == explain(resolve_request(request))


def test_a_session_holds_where_a_source_says_nothing_and_that_is_told(tmp_path: Path) -> None:
    path = tmp_path / "field recording.wav"
    soundfile.write(path, np.zeros((48_000, 2), np.float32), 48_000)
    request = Request(task="extract", source=str(path), bpm=92, key="C major", bars=8, prompt="x")
    followed, said = follow_source(request, SESSION)
    assert (followed.bpm, followed.key, followed.bars) == (92, "C major", 0)
    assert followed.has_length_of_source
    assert [each.text for each in said] == [
        "the source says no tempo: it is the session's, 92 bpm",
        "the source says no key: it is the session's, C major",
        "the session has 8 bars: it is as long as the source",
    ]


def test_a_stored_request_of_before_does_not_ask_its_source(loop: str) -> None:
    stored = Request.restore({"task": "extract", "source": loop, "seed": 7})
    resolved = resolve_request(stored)
    assert (resolved.bpm, resolved.key, resolved.bars, resolved.name) == (0, "", 0, "")
    assert explain(stored) == ()


@pytest.mark.parametrize(
    ("window", "bars"),
    [
        ({"repaint_bar": 2, "repaint_bars": 2}, 4),
        ({"repaint_bar": 3, "repaint_bars": 2}, 4),
        ({"repaint_bar": 5, "repaint_bars": 2}, 0),
        ({"repaint_bar": -2, "repaint_bars": 2}, 0),
        ({"repaint_start": 1.0}, 4),
        ({"repaint_end": 60.0}, 0),
    ],
)
def test_what_is_added_to_a_source_makes_it_longer(
    loop: str, window: dict[str, Any], bars: int
) -> None:
    resolved = resolve_request(Request(task="repaint", source=loop, **window))
    assert (resolved.bpm, resolved.bars) == (90, bars)
    assert resolved.has_length_of_source == (bars == 0)


def test_its_own_words_name_a_cover_and_the_source_what_has_none(loop: str) -> None:
    request = Request(task="cover", source=loop, prompt="jazz")
    assert resolve_request(request).name == ""
    assert resolve_request(request.changed({"prompt": ""})).name == "dusk"
