"""The Live that tests use refuses what Live refuses, and has nothing that Live has not."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.integrations import live_fake
from tests.integrations.live_fake import Clip, LimitationError, Program, WarpMarker, guess_tempo

# what people do in Live, and what tests look at; no script may use it
BEYOND = {
    "Clip": {"guess_again"},
    "ClipSlot": set(),
    "Track": {"kind", "freeze", "add_slot"},
    "Scene": set(),
    "Song": {"turn"},
    "View": {"select"},
}


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Eight seconds."""
    soundfile.write(tmp_path / "x.wav", np.zeros((8 * 8000, 1), np.float32), 8000)
    return str(tmp_path / "x.wav")


@pytest.fixture
def clip(path: str) -> Clip:
    program = Program("audio")
    return program.song().tracks[0].clip_slots[0].create_audio_clip(path)  # type: ignore[no-any-return]


def refuse(action: Callable[[], Any], match: str, kind: type[Exception] = RuntimeError) -> None:
    with pytest.raises(kind, match=match):
        action()


@pytest.mark.parametrize("kind", ["midi", "group"])
def test_only_an_audio_track_takes_a_clip(path: str, kind: str) -> None:
    slot = Program(kind).song().tracks[0].clip_slots[0]
    refuse(lambda: slot.create_audio_clip(path), "audio tracks")


def test_neither_a_frozen_track_takes_a_clip_nor_a_slot_two(path: str) -> None:
    track = Program("audio").song().tracks[0]
    track.clip_slots[0].create_audio_clip(path)
    refuse(lambda: track.clip_slots[0].create_audio_clip(path), "not empty")
    track.freeze()
    refuse(lambda: track.clip_slots[1].create_audio_clip(path), "audio tracks")


def test_a_file_must_be_audio_and_named_whole(path: str, tmp_path: Path) -> None:
    slot = Program("audio").song().tracks[0].clip_slots[0]
    (tmp_path / "text.wav").write_text("no audio")
    for name in (str(tmp_path / "text.wav"), str(tmp_path / "none.wav"), "x.wav"):
        refuse(lambda name=name: slot.create_audio_clip(name), "valid audio")  # type: ignore[misc]
    refuse(lambda: slot.create_audio_clip(Path(path)), "C\\+\\+ signature", TypeError)
    refuse(lambda: slot.create_audio_clip(file_path=path), "file_path", TypeError)


def test_an_older_version_has_no_such_function(path: str) -> None:
    program = Program("audio")
    program.can_create_audio_clips = False
    assert not hasattr(program.song().tracks[0].clip_slots[0], "create_audio_clip")


def test_nothing_changes_while_live_tells_of_a_change(path: str) -> None:
    program = Program("audio")
    song = program.song()

    def listener() -> None:
        song.create_scene(-1)

    song.add_tempo_listener(listener)
    song.turn(tempo=99.0)
    assert [str(error) for error in program.errors] == [live_fake.IN_NOTIFICATION]
    assert len(song.scenes) == 4
    refuse(lambda: song.add_tempo_listener(listener), "already connected")
    song.remove_tempo_listener(listener)
    refuse(lambda: song.remove_tempo_listener(listener), "not connected")


def test_a_clip_that_is_not_warped_has_seconds_and_no_loop(clip: Clip) -> None:
    assert clip.loop_end == 8.0
    refuse(lambda: setattr(clip, "loop_end", 16.0), "in seconds")
    refuse(lambda: setattr(clip, "looping", True), "Only warped")
    refuse(lambda: clip.sample_to_beat_time(0.0), "not warped")
    clip.warping = True
    assert clip.loop_end == 16.0  # at the 120 bpm that it was taken for
    refuse(lambda: setattr(clip, "loop_start", 16.0), "before")
    refuse(lambda: setattr(clip, "loop_end", 0.0), "behind")


def test_warp_markers_do_not_overtake_each_other(clip: Clip) -> None:
    clip.warping = True
    first, hidden = clip.warp_markers
    refuse(lambda: clip.move_warp_marker(first.beat_time, 1.0), "overtake")
    refuse(lambda: clip.remove_warp_marker(hidden.beat_time), "Invalid")
    refuse(lambda: clip.move_warp_marker(3.0, 1.0), "no warp marker")
    clip.add_warp_marker(WarpMarker(8.0, 12.0))
    assert clip.sample_to_beat_time(8.0 * 8000) == pytest.approx(12.0)
    assert clip.sample_to_beat_time(12.0 * 8000) == pytest.approx(18.0)
    clip.add_warp_marker(WarpMarker(8.0, 13.0))  # there is one: without a word
    assert clip.sample_to_beat_time(8.0 * 8000) == pytest.approx(12.0)
    refuse(lambda: clip.add_warp_marker({"beat_time": 1.0}), "TWarpMarker", TypeError)  # type: ignore[arg-type]


def test_what_live_guesses_is_what_a_clip_has(path: str) -> None:
    program = Program("audio")
    program.guess = guess_tempo(60.0, first_beat=1.0)
    clip = program.song().tracks[0].clip_slots[0].create_audio_clip(path)
    clip.warping = True
    assert clip.sample_to_beat_time(0.0) == pytest.approx(-1.0)
    assert clip.sample_to_beat_time(8.0 * 8000) == pytest.approx(7.0)


def test_an_edition_has_an_end() -> None:
    program = Program("audio", scenes=2)
    program.max_tracks, program.max_scenes = 1, 2
    refuse(lambda: program.song().create_audio_track(-1), "tracks", LimitationError)
    refuse(lambda: program.song().create_scene(-1), "scenes", LimitationError)


def test_nothing_can_be_set_that_is_not_there(clip: Clip) -> None:
    refuse(lambda: setattr(clip, "volume", 1.0), "no attribute", AttributeError)
    refuse(lambda: setattr(clip, "sample_length", 1), "setter", AttributeError)


def test_an_exception_stops_a_timer() -> None:
    program = Program("audio")

    def callback() -> None:
        raise ValueError("oops")

    live_fake.Timer(program, callback, 50, repeat=True, start=True)
    program.tick()
    assert program.timers == []
    assert [str(error) for error in program.errors] == ["oops"]


@pytest.mark.parametrize("name", sorted(BEYOND))
def test_live_has_all_that_it_has(name: str) -> None:
    """By the stubs that were made by introspection of Live."""
    stubs = importlib.util.find_spec("Live-stubs")
    if stubs is None or not stubs.submodule_search_locations:
        pytest.skip("needs ableton-live-stubs: pip install ableton-live-stubs")
    folder = Path(stubs.submodule_search_locations[0])
    module = "Song" if name == "View" else name
    known = {
        node.name
        for cls in ast.walk(ast.parse((folder / f"{module}.pyi").read_text("utf-8")))
        if isinstance(cls, ast.ClassDef) and cls.name == name
        for node in cls.body
        if isinstance(node, ast.FunctionDef)
    }
    beyond = BEYOND[name] | {"OBSERVABLE", "count_listeners"}
    own = {one for one in dir(getattr(live_fake, name)) if not one.startswith("_")}
    assert own - beyond <= known
