"""The remote script for Ableton Live, as it is installed: in a Live of our own that refuses what
Live refuses, beside a real daemon.
"""

from __future__ import annotations

import ast
import gc
import importlib.util
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from daemon.integrations import installer
from daemon.integrations.catalogue import find_integration
from daemon.integrations.places import describe_this_machine
from daemon.panel import Panel
from tests.integrations.conftest import KEY_NOTE, NOTED_PROMPT, TEMPO_NOTE
from tests.integrations.live_fake import Clip, Program, guess_tempo
from tests.support.daemon_process import started
from tests.support.harness import SteppedModel
from tests.support.junk import make_junk
from tests.support.osc_client import OscClient
from tests.support.stage import Stage, on_stage, subscribed
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "integrations" / "live" / "acestepd"
SHARED = ROOT / "integrations" / "shared" / "acestep_osc.py"
NOTE_ON, CONTROL_CHANGE = 0x90, 0xB0
GO, REROLL, FAVOURITE, COVER = range(4)  # notes
CC_GO = 102


class Rig:
    """Live with the script in it, a daemon, and a musician who asks it for takes."""

    stage: Stage
    asker: OscClient

    def __init__(self, program: Program) -> None:
        self.program = program
        self.script: Any = None

    def meet(self, stage: Stage) -> None:
        """Another daemon from now on, and another client of it."""
        self.stage = stage
        self.asker = stage.client()

    def tick_until(self, condition: Callable[[], object]) -> None:
        def look() -> object:
            self.program.tick()
            return condition()

        until(look)
        assert self.program.errors == []

    def connect(self) -> None:
        """Wait until the daemon knows the script, and the set's tempo."""
        self.tick_until(lambda: self.stage.clients.find("live") is not None)
        self.tick_until(lambda: self.stage.tempo.current == (self.program.song().tempo, "explicit"))

    def ask(self, id: str, **values: object) -> None:
        """Have a take made: two bars, where nothing else is said."""
        pairs = {"prompt": "dusty lo-fi", "bars": 2, **values}
        flat = [part for pair in pairs.items() for part in pair]
        self.asker.send("/ace/generate", id, *flat)

    def put_in(self, id: str, **values: object) -> Clip:
        """Have a take made, and wait until its mix is in."""
        count = len(self.program.list_clips())
        self.ask(id, **values)
        self.tick_until(lambda: len(self.program.list_clips()) > count)
        self.tick_until(lambda: self.find_where(id))
        return self.find_clip(id)

    def find_clip(self, id: str) -> Clip:
        path = self.find_path(id)
        return next(clip for _, _, clip in self.program.list_clips() if clip.file_path == path)

    def find_path(self, id: str) -> str:
        job = self.stage.engine.journal.find_by_id(id)
        assert job is not None
        return str(job.clip_events[0].values[1])

    def find_where(self, id: str) -> str:
        """What the script said of it last."""
        return next((line for line in reversed(self.program.shown) if f"{id} is in" in line), "")

    def fill(self, track: int, *scenes: int) -> None:
        for scene in scenes:
            slot = self.program.song().tracks[track].clip_slots[scene]
            slot.create_audio_clip(
                str(write_loop(self.stage.settings.state / f"{track}-{scene}.wav"))
            )
        self.program.undo_steps.clear()

    def places(self) -> list[tuple[int, int]]:
        return [(track, scene) for track, scene, _ in self.program.list_clips()]

    def press(self, *message: int) -> None:
        self.program.press(self.script, *message)

    def tick_until_played(self, count: int) -> None:
        self.tick_until(lambda: len(self.stage.model.played) == count)


def write_loop(path: Path, seconds: float = 4.0, rate: int = 44_100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros((round(seconds * rate), 2), np.float32), rate)
    return path


def install(folder: Path, state: Path) -> Path:
    """As `acestepd integrations install live --to FOLDER` does it; the folder of the script."""
    live = find_integration("live")
    installer.install(live, folder / "installer", describe_this_machine(), folder / "scripts")
    (folder / "scripts" / "acestepd" / "state.txt").write_text(f"{state}\n")
    return folder / "scripts"


@contextmanager
def opened(rig: Rig, **hurry: float) -> Iterator[Rig]:
    """The script runs; it pings more often than it does with people, and is no less patient."""
    with ExitStack() as stack:
        stack.enter_context(rig.program.imported())
        osc = importlib.import_module("acestepd.acestep_osc")
        vars(osc).update({"PING_SECONDS": 0.1, "MISSED_PINGS": 600} | hurry)
        rig.script = stack.enter_context(rig.program.running())
        yield rig


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    with ExitStack() as stack:

        def make(
            tracks: str = "audio audio",
            scenes: int = 4,
            model: SteppedModel | None = None,
            **live: Any,
        ) -> Rig:
            state = tmp_path / "state"
            program = Program(tracks, scenes, install(tmp_path, state))
            for name, value in live.items():
                setattr(program, name, value)
            stage = stack.enter_context(on_stage(tmp_path, model))
            rig = Rig(program)
            rig.meet(stage)
            stack.callback(lambda: rig.asker.close())
            return rig

        yield make


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Iterator[Rig]:
    with opened(make_rig()) as rig:
        rig.connect()
        yield rig


# --- where a take lands ---------------------------------------------------------------------------


def test_a_take_lands_in_the_highlighted_slot_named_coloured_and_looping(rig: Rig) -> None:
    rig.program.song().view.select(1, 2)
    clip = rig.put_in("take1", bars=2)
    assert rig.places() == [(1, 2)]
    assert clip.file_path == rig.find_path("take1")
    assert clip.name == "dusty lo-fi"
    assert clip.color
    assert (clip.warping, clip.looping) == (True, True)
    assert (clip.loop_start, clip.loop_end) == (0.0, 8.0)
    assert (clip.start_marker, clip.end_marker) == (0.0, 8.0)
    assert len(rig.program.undo_steps) == 1


def test_the_next_take_lands_in_the_next_empty_slot_below_and_then_in_a_new_scene(
    rig: Rig,
) -> None:
    rig.fill(0, 0, 2)
    rig.program.song().view.select(0, 0)
    for number in range(3):
        rig.put_in(f"take{number}", seed=number)
    made = [place for place in rig.places() if place not in [(0, 0), (0, 2)]]
    assert made == [(0, 1), (0, 3), (0, 4)]
    assert len(rig.program.song().scenes) == 5
    assert rig.program.song().view.selected_scene == rig.program.song().scenes[0]
    assert len(rig.program.undo_steps) == 3


def test_stems_land_on_tracks_of_their_own_in_the_scene_of_the_mix(rig: Rig) -> None:
    rig.put_in("take1", stems="drums backing_vocals")
    song = rig.program.song()
    assert [track.name for track in song.tracks] == [
        "1-Audio",
        "2-Audio",
        "ace drums",
        "ace backing vocals",
    ]
    assert rig.places() == [(0, 0), (2, 0), (3, 0)]
    drums = song.tracks[2].clip_slots[0].clip
    assert drums is not None
    assert drums.file_path.endswith("_drums.wav")
    assert drums.name == "drums: dusty lo-fi"
    assert drums.color != rig.find_clip("take1").color
    assert (drums.looping, drums.loop_end) == (True, 8.0)
    assert len(rig.program.undo_steps) == 1
    assert song.view.selected_track == song.tracks[0], "the cursor stays"


def test_the_tracks_of_stems_are_made_once_and_a_scene_has_room_for_all_of_a_take(
    rig: Rig,
) -> None:
    rig.put_in("take1", stems="drums")
    rig.program.song().view.select(1, 0)  # beside the mix; the drums' slot is taken
    rig.put_in("take2", stems="drums bass", seed=2)
    names = [track.name for track in rig.program.song().tracks]
    assert names == ["1-Audio", "2-Audio", "ace drums", "ace bass"]
    assert rig.places() == [(0, 0), (1, 1), (2, 0), (2, 1), (3, 1)]


def test_a_track_that_a_person_froze_is_left_alone(rig: Rig) -> None:
    rig.put_in("take1", stems="drums")
    rig.program.song().tracks[2].freeze()
    rig.put_in("take2", stems="drums", seed=2)
    rig.put_in("take3", stems="drums", seed=3)
    names = [track.name for track in rig.program.song().tracks]
    assert names == ["1-Audio", "2-Audio", "ace drums", "ace drums"]


@pytest.mark.parametrize("cursor", [0, 1, 2, None], ids=["midi", "group", "frozen", "return"])
def test_where_the_cursor_takes_no_audio_a_track_is_made_once(
    make_rig: Callable[..., Rig], cursor: int | None
) -> None:
    rig = make_rig("midi group audio")
    song = rig.program.song()
    song.tracks[2].freeze()
    song.view.select(cursor, 1)
    with opened(rig):
        rig.put_in("take1")
        song.view.select(cursor, 1)
        rig.put_in("take2", seed=2)
    assert [track.name for track in song.tracks][3:] == ["ace"]
    assert rig.places() == [(3, 1), (3, 2)]


def test_a_track_and_slot_that_were_named_are_where_it_goes_too(rig: Rig) -> None:
    with subscribed(rig.stage, "inserted") as listener:
        rig.put_in("take1")
        listener.until("/ace/inserted")
        rig.asker.send("/ace/insert", "take1", 1, 2)
        rig.tick_until(lambda: rig.places() == [(0, 0), (1, 2)])
        told = listener.until("/ace/inserted")[-1]
    assert told[1] == ["take1", "live", "track 2 (2-Audio), scene 3", rig.find_path("take1")]


def test_a_slot_that_was_named_and_is_not_empty_is_left_alone(rig: Rig) -> None:
    rig.fill(1, 2, 3)
    rig.put_in("take1")
    rig.asker.send("/ace/insert", "take1", 1, 2)
    rig.tick_until(lambda: (1, 4) in rig.places())


@pytest.mark.parametrize(
    ("track", "place"), [(1, "track 2 takes no audio clips"), (9, "there is no track 10")]
)
def test_a_track_that_takes_no_clip_is_refused_and_the_path_shown(
    make_rig: Callable[..., Rig], track: int, place: str
) -> None:
    with opened(make_rig("audio midi")) as rig, subscribed(rig.stage, "inserted") as listener:
        rig.put_in("take1")
        listener.until("/ace/inserted")
        rig.program.song().tracks[0].clip_slots[0].delete_clip()
        rig.asker.send("/ace/insert", "take1", track, 0)
        message = f"acestepd: {place}: {rig.find_path('take1')}"
        rig.tick_until(lambda: message in rig.program.shown)
        assert listener.until("/ace/inserted")[-1][1][1:3] == ["live", ""]
        assert rig.places() == []


def test_where_an_edition_has_no_more_tracks_the_mix_goes_in_and_the_rest_is_named(
    make_rig: Callable[..., Rig],
) -> None:
    with opened(make_rig(max_tracks=3)) as rig:
        rig.put_in("take1", stems="drums bass")
        assert rig.places() == [(0, 0), (2, 0)]
        assert "bass stays out" in rig.find_where("take1")
        assert "_bass.wav" in rig.find_where("take1")


def test_where_an_edition_has_no_more_scenes_it_says_where_the_clip_is(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig(scenes=2, max_scenes=2)
    rig.fill(0, 0, 1)
    with opened(rig), subscribed(rig.stage, "inserted") as listener:
        rig.ask("take1")
        rig.tick_until(lambda: any("No more scenes" in line for line in rig.program.shown))
        assert rig.find_path("take1") in rig.program.shown[-1]
        assert listener.until("/ace/inserted")[-1][1][:3] == ["take1", "live", ""]


def test_a_live_that_does_not_let_scripts_add_clips_says_where_the_clip_is(
    make_rig: Callable[..., Rig],
) -> None:
    with (
        opened(make_rig(can_create_audio_clips=False)) as rig,
        subscribed(rig.stage, "inserted") as listener,
    ):
        rig.ask("take1")
        rig.tick_until(lambda: any("11.3.25" in line for line in rig.program.shown))
        assert rig.find_path("take1") in rig.program.shown[-1]
        assert listener.until("/ace/inserted")[-1][1][:3] == ["take1", "live", ""]
        assert rig.program.undo_steps == []


def test_where_live_refuses_for_a_moment_it_is_tried_again(make_rig: Callable[..., Rig]) -> None:
    with opened(make_rig(refuses=5)) as rig:
        rig.put_in("take1")
        assert rig.places() == [(0, 0)]
        assert len(rig.program.undo_steps) == 1


def test_where_live_goes_on_refusing_it_gives_up_and_says_where_the_clip_is(
    make_rig: Callable[..., Rig],
) -> None:
    with (
        opened(make_rig(refuses=1000)) as rig,
        subscribed(rig.stage, "inserted") as listener,
    ):
        rig.ask("take1")
        rig.tick_until(lambda: any("Live is busy" in line for line in rig.program.shown))
        assert listener.until("/ace/inserted")[-1][1][:3] == ["take1", "live", ""]


# --- in tempo -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "live",
    [
        {"guess": guess_tempo(98.0)},
        {"guess": guess_tempo(49.0)},
        {"guess": guess_tempo(131.3, first_beat=0.35)},
        {"guess": guess_tempo(131.3, first_beat=0.35), "hidden_marker_moves": False},
        {"guess": guess_tempo(120.0), "warps_at_once": True},
        {"guess": guess_tempo(98.01), "hidden_marker_moves": False},
        {"guess": guess_tempo(131.3, first_beat=0.35), "markers_in_samples": True},
        {"guess": guess_tempo(98.01), "hidden_marker_moves": False, "markers_in_samples": True},
        {"guess": lambda _: [(0.1, 0.0), (1.0, 2.0), (2.0, 5.0), (2.02, 5.03125)]},
        {"guess": lambda seconds: [(0.0, 0.0), (1.0, 2.0), (seconds, 8.0), (seconds + 1, 9.0)]},
    ],
    ids=[
        "right",
        "half",
        "late",
        "late, hidden",
        "at once",
        "nearly",
        "late, samples",
        "nearly, samples",
        "many",
        "uneven",
    ],
)
def test_a_file_is_as_many_beats_as_it_has_whatever_tempo_live_finds_in_it(
    make_rig: Callable[..., Rig], live: dict[str, Any]
) -> None:
    with opened(make_rig(**live)) as rig:
        clip = rig.put_in("take1", bars=2, bpm=98)
        assert clip.sample_to_beat_time(0.0) == pytest.approx(0.0, abs=0.002)
        assert clip.sample_to_beat_time(clip.sample_length) == pytest.approx(8.0, abs=0.002)
        assert clip.sample_to_beat_time(clip.sample_length / 2) == pytest.approx(4.0, abs=0.002)
        assert (clip.loop_start, clip.loop_end) == (0.0, 8.0)


@pytest.mark.parametrize(
    ("values", "beats"),
    [
        ({"time_signature": "3/4"}, 6.0),
        ({"time_signature": "6/8"}, 6.0),
        ({"beats_per_bar": 5}, 10.0),
    ],
)
def test_a_loop_has_the_beats_of_its_own_metre(
    rig: Rig, values: dict[str, Any], beats: float
) -> None:
    clip = rig.put_in("take1", bars=2, **values)
    assert clip.loop_end == beats
    assert clip.sample_to_beat_time(clip.sample_length) == pytest.approx(beats, abs=0.002)


def test_what_was_not_made_in_bars_is_in_tempo_and_does_not_loop(rig: Rig) -> None:
    clip = rig.put_in("take1", bars=0, seconds=3.0, bpm=100)
    assert (clip.warping, clip.looping) == (True, False)
    assert clip.sample_to_beat_time(clip.sample_length) == pytest.approx(5.0, abs=0.002)


def test_a_tempo_that_live_finds_later_is_put_right_too(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = rig.put_in("take1", bars=2)
    rig.program.guess = guess_tempo(77.0)
    clip.guess_again()
    monkeypatch.setattr(sys.modules["acestepd.bridge"], "SETTLE_SECONDS", 0.0)
    rig.tick_until(lambda: abs(clip.sample_to_beat_time(clip.sample_length) - 8.0) < 0.002)


# --- what the set says ----------------------------------------------------------------------------


def read_metre(panel: Panel) -> tuple[str, int]:
    return panel.request.time_signature, panel.request.beats_per_bar


def test_tempo_and_metre_of_the_set_reach_the_daemon_at_the_start_and_when_they_change(
    rig: Rig,
) -> None:
    song, panel = rig.program.song(), rig.stage.panel
    rig.tick_until(lambda: panel.request.time_signature == "4/4")
    song.turn(tempo=97.5, signature_numerator=3)
    rig.tick_until(lambda: rig.stage.tempo.current[0] == 97.5)
    rig.tick_until(lambda: panel.request.time_signature == "3/4")
    song.turn(signature_numerator=5)
    rig.tick_until(lambda: panel.request.time_signature == "5/4")
    song.turn(signature_numerator=5, signature_denominator=2)
    rig.tick_until(lambda: read_metre(panel) == ("", 10))
    song.turn(signature_numerator=7, signature_denominator=8)
    rig.tick_until(lambda: read_metre(panel) == ("7/8", 0))
    song.turn(signature_denominator=16)
    rig.tick_until(lambda: read_metre(panel) == ("", 0))


def test_the_scale_of_the_set_reaches_the_daemon_while_scale_mode_is_on(rig: Rig) -> None:
    song, panel = rig.program.song(), rig.stage.panel
    assert panel.request.key == ""
    song.turn(root_note=9, scale_name="Dorian", scale_mode=True)
    rig.tick_until(lambda: panel.request.key == "A minor")
    song.turn(root_note=6, scale_name="Lydian")
    rig.tick_until(lambda: panel.request.key == "F# major")
    song.turn(scale_name="Whole Tone")  # neither major nor minor
    rig.tick_until(lambda: panel.request.key == "")
    song.turn(scale_name="Minor")
    rig.tick_until(lambda: panel.request.key == "F# minor")
    song.turn(scale_mode=False)
    rig.tick_until(lambda: panel.request.key == "")


def test_a_live_without_scales_and_without_its_timer_works_as_well(
    make_rig: Callable[..., Rig],
) -> None:
    observable = ("tempo", "signature_numerator", "signature_denominator")
    rig = make_rig(observable=observable, has_timer=False)
    with opened(rig):
        rig.connect()
        rig.put_in("take1")
        assert rig.program.timers == []
    rig.program.tick()
    rig.program.tick()
    assert rig.program.scheduled == []


# --- buttons --------------------------------------------------------------------------------------


def test_a_button_plays_what_the_settings_say_and_its_clip_lands(rig: Rig) -> None:
    rig.stage.panel.set("prompt", "from the panel")
    rig.stage.panel.set("bars", 1)
    rig.press(NOTE_ON, GO, 100)
    rig.press(NOTE_ON, GO, 0)  # let go
    rig.tick_until(lambda: rig.places() == [(0, 0)])
    rig.press(CONTROL_CHANGE | 5, CC_GO, 127)
    rig.press(CONTROL_CHANGE | 5, CC_GO, 127)
    rig.press(CONTROL_CHANGE | 5, CC_GO, 0)
    rig.tick_until(lambda: rig.places() == [(0, 0), (0, 1)])
    assert rig.stage.model.played == ["from the panel"] * 2


def test_the_name_of_a_scene_is_a_prompt(rig: Rig) -> None:
    rig.stage.panel.set("bars", 1)
    rig.program.song().scenes[1].name = "Ace: slow dub techno"
    rig.program.song().view.select(0, 1)
    rig.press(NOTE_ON, GO, 100)
    rig.tick_until(lambda: rig.places() == [(0, 1)])
    assert rig.stage.model.played == ["slow dub techno"]


def test_the_selected_clip_is_made_again_with_another_seed(rig: Rig) -> None:
    rig.put_in("one", prompt="one", stems="drums")
    rig.put_in("two", prompt="two")
    rig.program.song().view.select(2, 0)  # a stem of the first
    rig.press(NOTE_ON, REROLL, 100)
    rig.tick_until_played(3)
    rig.program.song().view.select(1, 3)  # nothing: the newest
    rig.press(NOTE_ON, REROLL, 100)
    rig.tick_until_played(4)
    assert rig.stage.model.played[2:] == ["one", "one"]


def test_the_selected_clip_is_marked(rig: Rig) -> None:
    rig.put_in("one")
    rig.put_in("two", seed=2)
    rig.program.song().view.select(0, 0)
    with subscribed(rig.stage, "favourite") as listener:
        rig.press(NOTE_ON, FAVOURITE, 100)
        rig.tick_until(lambda: "acestepd: marked as a favourite" in rig.program.shown)
        assert listener.receive()[1][:2] == ["one", 1]


def test_a_cover_of_any_clip_of_the_set_lands_below_it(rig: Rig, tmp_path: Path) -> None:
    rig.fill(0, 0)  # 4 seconds, which Live takes for 120 bpm
    clip = rig.program.list_clips()[0][2]
    clip.warping = True
    rig.program.song().scenes[0].name = "ace: on a harp"
    rig.press(NOTE_ON, COVER, 100)
    rig.tick_until(lambda: (0, 1) in rig.places())
    job = rig.stage.engine.journal.find_newest()
    assert job is not None
    request = job.request
    assert (request.task, request.prompt) == ("cover", "on a harp")
    assert (request.bars, request.bpm) == (2, 120.0)
    source = Path(request.source)
    assert source.parent == rig.stage.settings.out / ".sources"
    assert source.read_bytes() == Path(clip.file_path).read_bytes()
    # again: nothing is copied a second time, and half a copy is nowhere
    rig.press(NOTE_ON, COVER, 100)
    rig.tick_until(lambda: (0, 2) in rig.places())
    assert list(source.parent.iterdir()) == [source]


def test_a_cover_of_a_clip_of_ours_copies_nothing(rig: Rig) -> None:
    clip = rig.put_in("one")
    rig.press(NOTE_ON, COVER, 100)
    rig.tick_until(lambda: (0, 1) in rig.places())
    job = rig.stage.engine.journal.find_newest()
    assert job is not None
    assert job.request.source == clip.file_path


def test_what_cannot_be_a_source_is_said(rig: Rig, tmp_path: Path) -> None:
    rig.press(NOTE_ON, COVER, 100)
    rig.tick_until(lambda: "select an audio clip first" in " ".join(rig.program.shown))
    rig.fill(0, 0)
    Path(rig.program.list_clips()[0][2].file_path).unlink()
    rig.press(NOTE_ON, COVER, 100)
    rig.tick_until(lambda: "the file cannot be copied" in " ".join(rig.program.shown))


def test_a_failure_and_its_hint_are_in_the_status_bar(rig: Rig) -> None:
    rig.press(NOTE_ON, GO, 100)  # there is no prompt anywhere
    rig.tick_until(lambda: "there is nothing to play" in " ".join(rig.program.shown))


def test_the_notes_on_a_prompt_stay_in_the_status_bar_until_its_clip_is_in(
    make_rig: Callable[..., Rig],
) -> None:
    with opened(make_rig(model=SteppedModel(running=False))) as rig:
        rig.connect()
        rig.program.song().view.selected_scene.name = f"ace: {NOTED_PROMPT}"
        rig.press(NOTE_ON, GO, 100)
        length = "4 bars at 120 bpm, as neither bars nor seconds were given"
        notes = f"{TEMPO_NOTE}, and bpm 120 was given: it is 120; {KEY_NOTE}; {length}"
        rig.tick_until(lambda: f"acestepd: waiting; {notes}" in rig.program.shown)
        rig.tick_until(lambda: rig.program.shown[-1] == f"acestepd: 0%; {notes}")
        rig.stage.model.run()
        rig.tick_until(lambda: " is in " in rig.program.shown[-1])
        assert rig.program.shown[-1].endswith(f"; {notes}")


def test_a_button_without_a_daemon_says_so(tmp_path: Path) -> None:
    program = Program(scripts=install(tmp_path, tmp_path / "state"))
    with program.running() as script:
        program.press(script, NOTE_ON, GO, 100)
        program.tick()
        assert program.shown == ["acestepd: it does not answer: is it started?"]
    assert program.errors == []


# --- nothing is lost, nothing twice ---------------------------------------------------------------


def test_what_is_in_the_set_is_not_put_in_again_but_acknowledged(rig: Rig) -> None:
    with subscribed(rig.stage, "inserted") as listener:
        rig.put_in("take1", stems="drums")
        listener.until("/ace/inserted")
        for _ in range(3):
            rig.asker.send("/ace/insert", "take1")
            rig.asker.until("/ace/done")  # it has been sent to Live
        again = rig.put_in("take2", seed=2)
        assert again
    assert rig.places() == [(0, 0), (0, 1), (2, 0)]


def test_a_script_that_was_started_again_knows_what_is_in_the_set(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig()
    with opened(rig):
        rig.put_in("take1")
    until(lambda: rig.stage.clients.find("live") is None)
    with opened(rig):
        rig.connect()
        rig.asker.send("/ace/insert", "take1")
        rig.asker.until("/ace/done")  # it has been sent to Live
        rig.put_in("take2", seed=2)
    assert rig.places() == [(0, 0), (0, 1)]


def test_the_daemon_goes_and_comes_back(rig: Rig, tmp_path: Path) -> None:
    vars(sys.modules["acestepd.acestep_osc"])["MISSED_PINGS"] = 3
    rig.put_in("take1")
    rig.stage.__exit__(None, None, None)
    rig.tick_until(lambda: "does not answer any more" in rig.program.shown[-1])
    rig.program.song().turn(tempo=88.0)
    with on_stage(tmp_path) as stage:
        rig.asker.close()
        rig.meet(stage)
        rig.connect()
        assert "acestepd: is there" in rig.program.shown
        rig.put_in("take2", seed=2)
        assert rig.places() == [(0, 0), (0, 1)]


def test_a_daemon_that_was_started_again_between_two_pings_is_noticed(
    rig: Rig, tmp_path: Path
) -> None:
    rig.put_in("take1")
    rig.stage.__exit__(None, None, None)
    with on_stage(tmp_path) as stage:
        rig.asker.close()
        rig.meet(stage)
        rig.connect()
        rig.put_in("take2", seed=2)
    assert not [line for line in rig.program.shown if "does not answer" in line]
    assert rig.places() == [(0, 0), (0, 1)]


# --- and nothing is left behind -------------------------------------------------------------------


def count_descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0


def test_after_its_end_nothing_of_it_is_left_in_live(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    song = rig.program.song()
    before = count_descriptors()
    for number in range(20):
        with opened(rig):
            rig.connect()
            song.turn(tempo=100.0 + number)
            assert song.count_listeners() == 6
            assert len(rig.program.timers) == 1
        assert song.count_listeners() == 0
        assert rig.program.timers == []
        assert rig.program.scheduled == []
    gc.collect()
    until(lambda: count_descriptors() <= before)  # the daemon, too, opens files for a moment
    assert rig.program.errors == []
    until(lambda: rig.stage.tempo.current[1] == "default")  # its tempo went with it


def test_half_a_copy_is_not_left_when_it_ends(
    make_rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(make_rig()) as rig:
        rig.connect()
        rig.fill(0, 0)
        monkeypatch.setattr(sys.modules["acestepd.sources"], "PIECE", 1000)
        rig.press(NOTE_ON, COVER, 100)
        folder = rig.stage.settings.out / ".sources"
        rig.tick_until(lambda: folder.is_dir() and list(folder.glob(".*.part")))
    assert list(folder.iterdir()) == []


# --- junk -----------------------------------------------------------------------------------------


@pytest.mark.long
def test_ten_thousand_datagrams_of_junk_from_the_daemon_itself_stop_nothing(
    make_rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the daemon had gone mad; and a stranger's are not even read."""
    with opened(make_rig()) as rig:
        rig.connect()
        client = rig.script._bridge._client
        port = client._socket.getsockname()[1]
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as stranger:
            for number, packet in enumerate(make_junk(10_000)):
                if number % 2:
                    stranger.sendto(packet, ("127.0.0.1", port))
                else:
                    rig.stage.osc._udp.send(packet, f"udp:127.0.0.1:{port}")
                if number % 100 == 0:
                    rig.program.tick()
        rig.tick_until(lambda: not rig.script._bridge._inserts)
        assert rig.places() == []
        rig.put_in("take1")
        assert rig.places() == [(0, 0)]


# --- the versions of Python and of Live's interface -----------------------------------------------

SOURCES = [*sorted(SCRIPT.glob("*.py")), SHARED]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_it_is_written_in_python_3_7_with_nothing_but_its_library(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 7))
    host = {"Live", "_Framework", "ableton"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            roots = {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            roots = {str(node.module).partition(".")[0]}
        else:
            continue
        assert roots <= sys.stdlib_module_names | host, path


def test_its_oldest_python_is_3_7() -> None:
    vermin = Path(sys.executable).with_name("vermin")
    if not vermin.is_file():
        pytest.skip("needs vermin: pip install vermin")
    command = [str(vermin), "-t=3.7-", "--no-tips", *map(str, SOURCES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def find_python_37() -> str | None:
    pyenv = sorted(Path.home().glob(".pyenv/versions/3.7.*/bin/python"))
    return shutil.which("python3.7") if not pyenv else str(pyenv[-1])


RUN_IN_PYTHON_37 = """
import sys
from types import ModuleType
from unittest.mock import MagicMock
import acestepd.acestep_osc as osc
assert osc.decode(osc.encode("/ace/x", 1, 2.5, "\u00fc")) == ("/ace/x", [1, 2.5, "\u00fc"])
assert osc.Takes().hear("/ace/insert", ["a", -1, -1, "/no/a.wav"]).take.id == "a"
class ControlSurface:
    def __init__(self, c_instance): self._c_instance = c_instance
    def build_midi_map(self, handle): pass
    def request_rebuild_midi_map(self): pass
    def disconnect(self): pass
sys.modules["Live"] = MagicMock()
sys.modules["_Framework"] = ModuleType("_Framework")
sys.modules["_Framework.ControlSurface"] = module = ModuleType("_Framework.ControlSurface")
module.ControlSurface = ControlSurface
import acestepd
program = MagicMock()
script = acestepd.create_instance(program)
script.build_midi_map(1)
script.receive_midi((0x90, 0, 100))
script._bridge.tick()
script.disconnect()
assert [str(call) for call in program.log_message.call_args_list] == [
    "call('acestepd: it does not answer: is it started?')"
]
"""


def test_it_runs_in_a_python_3_7(tmp_path: Path) -> None:
    python = find_python_37()
    if python is None:
        pytest.skip("there is no Python 3.7 on this machine")
    folder = install(tmp_path, tmp_path / "state")
    subprocess.run([python, "-W", "error", "-c", RUN_IN_PYTHON_37], check=True, cwd=folder)
    assert {path.name for path in SOURCES} == {path.name for path in folder.glob("acestepd/*.py")}


@pytest.mark.long
def test_what_it_asks_of_live_is_what_live_has(tmp_path: Path) -> None:
    """By the stubs that were made by introspection of Live."""
    if importlib.util.find_spec("Live-stubs") is None:
        pytest.skip("needs ableton-live-stubs: pip install ableton-live-stubs")
    folder = tmp_path / "acestepd"
    shutil.copytree(SCRIPT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(SHARED, folder)
    settings = tmp_path / "mypy.ini"
    settings.write_text(
        "[mypy]\nstrict = true\ndisallow_subclassing_any = false\n"
        "[mypy-_Framework.*,ableton.*]\nignore_missing_imports = true\n"
    )
    command = [sys.executable, "-m", "mypy", "--config-file", str(settings), "-p", "acestepd"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout


# --- a long time ----------------------------------------------------------------------------------

Start = Callable[[], AbstractContextManager[OscClient]]  # a daemon, always the same; its client


def churn(
    program: Program, start: Start, seconds: float, rng: random.Random, stay: float = 3.0
) -> None:
    """Ask for takes all the time, while the daemon goes, at any moment, and comes back; it stays
    for so many seconds at most. In the end each take is in the set once.
    """
    program.max_scenes = program.max_tracks = 1_000_000
    end = time.monotonic() + seconds
    ids: list[str] = []
    descriptors = 0
    while time.monotonic() < end:
        with start() as asker:
            for _ in range(rng.randrange(1, 6)):
                ids.append(f"take{len(ids)}")
                stems = rng.choice(["", "drums"])
                pairs = ("prompt", "p", "bars", 1, "seed", len(ids), "stems", stems)
                asker.send("/ace/generate", ids[-1], *pairs)
            asker.send("/ace/sync", 1)
            asker.until("/ace/synced")  # they are in the journal
            leave = time.monotonic() + rng.random() * stay
            while time.monotonic() < leave:
                program.tick()
                time.sleep(0.01)
        descriptors = descriptors or count_descriptors()
        for _ in range(rng.randrange(50)):
            program.tick()
    with start() as asker:
        mixes: dict[str, str] = {}

        def is_all_in() -> bool:
            program.tick()
            mixes.update({id: find_mix(asker, id) for id in ids if not mixes.get(id)})
            return set(mixes.values()) <= {clip.file_path for _, _, clip in program.list_clips()}

        patience = time.monotonic() + 60 + 20 * len(ids)  # there may be hours of work left
        while not is_all_in():
            assert time.monotonic() < patience, {id for id in ids if not mixes[id]}
            time.sleep(0.02)
    paths = [clip.file_path for _, _, clip in program.list_clips()]
    assert len(paths) == len(set(paths))
    assert (program.song().count_listeners(), len(program.timers)) == (6, 1)
    until(lambda: count_descriptors() <= descriptors + 1)
    assert program.errors == []


def find_mix(asker: OscClient, id: str) -> str:
    """The path of a take's mix; "" while there is none."""
    asker.send("/ace/query", id)
    asker.send("/ace/sync", 2)
    told = [values for address, values in asker.until("/ace/synced") if address == "/ace/clip"]
    return str(told[0][2]) if told else ""


@pytest.mark.long
def test_a_daemon_that_comes_and_goes_loses_no_take_and_gives_none_twice(
    tmp_path: Path,
) -> None:
    @contextmanager
    def start() -> Iterator[OscClient]:
        with on_stage(tmp_path) as stage, closing(stage.client()) as asker:
            yield asker

    rig = Rig(Program(scripts=install(tmp_path, tmp_path / "state")))
    with opened(rig, MISSED_PINGS=3):
        churn(rig.program, start, 6.0, random.Random(15))


@pytest.mark.soak
@pytest.mark.timeout(10_000)
def test_for_an_hour_beside_a_daemon_that_is_killed_again_and_again(tmp_path: Path) -> None:
    """A real one, with a process for its model, about once in a minute. ACESTEPD_SOAK is how many
    seconds that goes on.
    """
    out = tmp_path / "out"
    out.mkdir()
    rng = random.Random(15)

    @contextmanager
    def start() -> Iterator[OscClient]:
        with started(out) as (daemon, asker):
            yield asker
            if rng.random() < 0.5:
                daemon.process.kill()

    state = tmp_path / ".local" / "state" / "acestepd"
    rig = Rig(Program(scripts=install(tmp_path, state)))
    with opened(rig, MISSED_PINGS=3):
        churn(rig.program, start, float(os.environ.get("ACESTEPD_SOAK", "3600")), rng, stay=90.0)
