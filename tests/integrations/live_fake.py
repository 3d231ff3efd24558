"""Ableton Live as a script sees it: `Live`, `_Framework`, and a set to change.

It refuses what Live refuses (by its own documentation, the stubs made by introspection of Live 11
to 12, and what people report): changes while it tells of one, a clip in a slot that is not empty or
on a track that is MIDI, a group or frozen, a file that is no audio, a loop of what is not warped,
positions in beats before it is warped, a warp marker that overtakes another, one more track than
its edition has; and what its version does not have is not there. Arguments are positional only.
"""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import soundfile

IN_NOTIFICATION = (
    "Changes cannot be triggered by notifications. You will need to defer your response."
)
HELPER_BEATS = 1 / 32  # from the last marker that is seen to the hidden one behind it

Listener = Callable[[], None]
Guess = Callable[[float], list[tuple[float, float]]]  # a file's seconds -> (seconds, beat)


class LimitationError(Exception):
    """This edition has no more tracks or scenes."""


class LomObject:
    """Its listeners are told of what changes in it, and may change nothing meanwhile."""

    OBSERVABLE: tuple[str, ...] = ()

    def __init__(self, program: Program) -> None:
        self._program = program
        self._listeners: dict[str, list[Listener]] = {name: [] for name in self.OBSERVABLE}

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_") and not hasattr(type(self), name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        """`add_tempo_listener`, `remove_tempo_listener`, `tempo_has_listener`."""
        for observed, listeners in self.__dict__.get("_listeners", {}).items():
            if name == f"add_{observed}_listener":
                return lambda listener, /: self._add(listeners, listener)
            if name == f"remove_{observed}_listener":
                return lambda listener, /: self._remove(listeners, listener)
            if name == f"{observed}_has_listener":
                return lambda listener, /: listener in listeners
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _add(self, listeners: list[Listener], listener: Listener) -> None:
        if listener in listeners:
            raise RuntimeError("Listener already connected")
        listeners.append(listener)

    def _remove(self, listeners: list[Listener], listener: Listener) -> None:
        if listener not in listeners:
            raise RuntimeError("Listener not connected")
        listeners.remove(listener)

    def _change(self, what: str) -> None:
        self._program.note_change(what)

    def _tell(self, name: str) -> None:
        """Call the listeners; what they raise is in Live's log, and harms nobody else."""
        self._program.notifying += 1
        try:
            for listener in list(self._listeners[name]):
                try:
                    listener()
                except Exception as error:
                    self._program.errors.append(error)
        finally:
            self._program.notifying -= 1

    def count_listeners(self) -> int:
        return sum(map(len, self._listeners.values()))


@dataclass(frozen=True)
class WarpMarker:
    sample_time: float  # seconds, or samples
    beat_time: float


class Clip(LomObject):
    def __init__(self, program: Program, slot: ClipSlot, path: str) -> None:
        super().__init__(program)
        self._slot = slot
        self._path = path
        self._name = Path(path).stem
        self._color = 0
        info = soundfile.info(path)
        self._frames = int(info.frames)
        self._rate = float(info.samplerate)
        self._warping = False
        self._looping = False
        self._markers = sorted(program.guess(self._frames / self._rate))
        seconds = self._frames / self._rate
        # in seconds, until it is warped
        self._places = {
            "loop_start": 0.0,
            "loop_end": seconds,
            "start_marker": 0.0,
            "end_marker": seconds,
        }
        if program.warps_at_once:
            self._warp(True)

    @property
    def canonical_parent(self) -> ClipSlot:
        return self._slot

    @property
    def is_audio_clip(self) -> bool:
        return True

    @property
    def file_path(self) -> str:
        return self._path

    @property
    def sample_length(self) -> int:
        return self._frames

    @property
    def sample_rate(self) -> float:
        return self._rate

    @property
    def name(self) -> str:
        return self._name

    @name.setter
    def name(self, value: str) -> None:
        _expect(value, str)
        self._change("clip name")
        self._name = value

    @property
    def color(self) -> int:
        return self._color

    @color.setter
    def color(self, value: int) -> None:
        _expect(value, int)
        self._change("clip color")
        self._color = value

    @property
    def warping(self) -> bool:
        return self._warping

    @warping.setter
    def warping(self, value: bool) -> None:
        self._change("warping")
        self._warp(bool(value))

    @property
    def looping(self) -> bool:
        return self._looping

    @looping.setter
    def looping(self, value: bool) -> None:
        self._change("looping")
        if value and not self._warping:
            raise RuntimeError("Only warped audio clips can be looped")
        self._looping = bool(value)

    @property
    def loop_start(self) -> float:
        return self._places["loop_start"]

    @loop_start.setter
    def loop_start(self, value: float) -> None:
        self._place("loop_start", value)
        if value >= self._places["loop_end"]:
            raise RuntimeError("LoopStart must be before LoopEnd")
        self._places["loop_start"] = float(value)

    @property
    def loop_end(self) -> float:
        return self._places["loop_end"]

    @loop_end.setter
    def loop_end(self, value: float) -> None:
        self._place("loop_end", value)
        if value <= self._places["loop_start"]:
            raise RuntimeError("LoopEnd must be behind LoopStart")
        self._places["loop_end"] = float(value)

    @property
    def start_marker(self) -> float:
        return self._places["start_marker"]

    @start_marker.setter
    def start_marker(self, value: float) -> None:
        self._place("start_marker", value)
        if value >= self._places["end_marker"]:
            raise RuntimeError("StartMarker must be before EndMarker")
        self._places["start_marker"] = float(value)

    @property
    def end_marker(self) -> float:
        return self._places["end_marker"]

    @end_marker.setter
    def end_marker(self, value: float) -> None:
        self._place("end_marker", value)
        if value <= self._places["start_marker"]:
            raise RuntimeError("EndMarker must be behind StartMarker")
        self._places["end_marker"] = float(value)

    @property
    def warp_markers(self) -> tuple[WarpMarker, ...]:
        """The last one is not seen in Live: it holds the tempo behind the one before it."""
        unit = self._marker_unit
        return tuple(WarpMarker(seconds * unit, beat) for seconds, beat in self._markers)

    @property
    def _marker_unit(self) -> float:
        """Of a marker's time, in a second."""
        return self._rate if self._program.markers_in_samples else 1.0

    def sample_to_beat_time(self, sample_time: float, /) -> float:
        if not self._warping:
            raise RuntimeError("The sample is not warped")
        return self._to_beat(sample_time / self._rate)

    def move_warp_marker(self, beat_time: float, distance: float, /) -> None:
        self._change("move_warp_marker")
        index = self._find_marker(beat_time)
        if index == len(self._markers) - 1 and not self._program.hidden_marker_moves:
            raise RuntimeError("Invalid warp marker")
        moved = self._markers[index][1] + distance
        before = self._markers[index - 1][1] if index else -1e9
        after = self._markers[index + 1][1] if index + 1 < len(self._markers) else 1e9
        if not before < moved < after:
            raise RuntimeError("A warp marker may not overtake another")
        self._markers[index] = (self._markers[index][0], moved)

    def add_warp_marker(self, marker: WarpMarker, /) -> None:
        self._change("add_warp_marker")
        if not isinstance(marker, WarpMarker):
            raise TypeError("No registered converter to TWarpMarker")
        added = marker.sample_time / self._marker_unit
        if any(abs(seconds - added) < 1e-4 for seconds, _ in self._markers):
            return  # without a word
        *seen, _ = self._markers
        seen = sorted([*seen, (added, marker.beat_time)])
        if any(one[1] >= other[1] for one, other in itertools.pairwise(seen)):
            raise RuntimeError("A warp marker may not overtake another")
        (seconds, beat), (last_seconds, last_beat) = seen[-2:]
        pace = (last_seconds - seconds) / (last_beat - beat)
        hidden = (last_seconds + HELPER_BEATS * pace, last_beat + HELPER_BEATS)
        self._markers = [*seen, hidden]

    def remove_warp_marker(self, beat_time: float, /) -> None:
        self._change("remove_warp_marker")
        index = self._find_marker(beat_time)
        if index in (0, len(self._markers) - 1):
            raise RuntimeError("Invalid warp marker")
        del self._markers[index]

    def guess_again(self) -> None:
        """As when the analysis of a file ends long after it was imported."""
        self._markers = sorted(self._program.guess(self._frames / self._rate))

    def _warp(self, value: bool) -> None:
        if value and not self._warping:
            self._places = {name: self._to_beat(place) for name, place in self._places.items()}
        self._warping = value
        self._looping = self._looping and value

    def _place(self, name: str, value: float) -> None:
        self._change(name)
        _expect(value, (float, int))
        if not self._warping and not 0 <= value <= self._frames / self._rate:
            raise RuntimeError(f"{name} is in seconds while the clip is not warped")

    def _find_marker(self, beat_time: float) -> int:
        for index, (_, beat) in enumerate(self._markers):
            if abs(beat - beat_time) < 1e-9:
                return index
        raise RuntimeError("There is no warp marker")

    def _to_beat(self, seconds: float) -> float:
        pairs = list(zip(self._markers, self._markers[1:]))
        (start, beat), (end, last) = next(
            (pair for pair in pairs if seconds < pair[1][0]), pairs[-1]
        )
        return beat + (seconds - start) * (last - beat) / (end - start)


class ClipSlot(LomObject):
    def __init__(self, program: Program, track: Track) -> None:
        super().__init__(program)
        self._track = track
        self._clip: Clip | None = None

    @property
    def canonical_parent(self) -> Track:
        return self._track

    @property
    def has_clip(self) -> bool:
        return self._clip is not None

    @property
    def clip(self) -> Clip | None:
        return self._clip

    def _create_audio_clip(self, path: str, /) -> Clip:
        self._program.check_notifying()
        _expect(path, str)
        if self._clip is not None:
            raise RuntimeError("The slot is not empty")
        if self._track.kind != "audio" or self._track.is_frozen:
            raise RuntimeError("Audio clips can only be created in audio tracks")
        if self._program.refuses:
            self._program.refuses -= 1
            raise RuntimeError("Live is busy")
        try:
            assert Path(path).is_absolute()
            self._clip = Clip(self._program, self, path)
        except (AssertionError, soundfile.LibsndfileError) as error:
            raise RuntimeError("The path is no valid audio file") from error
        self._change("create_audio_clip")
        return self._clip

    def __getattr__(self, name: str) -> Any:
        if name == "create_audio_clip" and self._program.can_create_audio_clips:
            return self._create_audio_clip
        return super().__getattr__(name)

    def delete_clip(self) -> None:
        self._change("delete_clip")
        if self._clip is None:
            raise RuntimeError("The slot is empty")
        self._clip = None


class Track(LomObject):
    OBSERVABLE = ("name",)

    def __init__(self, program: Program, name: str, kind: str, scenes: int) -> None:
        super().__init__(program)
        self._name = name
        self._kind = kind
        self._frozen = False
        self._color = 0
        self._slots = [ClipSlot(program, self) for _ in range(scenes)]

    @property
    def kind(self) -> str:
        """Not Live's: audio, midi or group."""
        return self._kind

    @property
    def clip_slots(self) -> tuple[ClipSlot, ...]:
        return tuple(self._slots)

    @property
    def has_audio_input(self) -> bool:
        return self._kind == "audio"

    @property
    def has_midi_input(self) -> bool:
        return self._kind == "midi"

    @property
    def is_foldable(self) -> bool:
        return self._kind == "group"

    @property
    def is_frozen(self) -> bool:
        return self._frozen

    def freeze(self) -> None:
        """Not Live's: only a person can."""
        self._frozen = True

    @property
    def name(self) -> str:
        return self._name

    @name.setter
    def name(self, value: str) -> None:
        _expect(value, str)
        self._change("track name")
        self._name = value
        self._tell("name")

    @property
    def color(self) -> int:
        return self._color

    @color.setter
    def color(self, value: int) -> None:
        _expect(value, int)
        self._change("track color")
        self._color = value

    def add_slot(self) -> None:
        self._slots.append(ClipSlot(self._program, self))


class Scene(LomObject):
    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._name = ""

    @property
    def name(self) -> str:
        return self._name

    @name.setter
    def name(self, value: str) -> None:
        self._change("scene name")
        self._name = value


class View(LomObject):
    def __init__(self, program: Program, song: Song) -> None:
        super().__init__(program)
        self._song = song
        self._track: Track | None = song.tracks[0]
        self._scene = song.scenes[0]
        self._detail: Clip | None = None

    @property
    def selected_track(self) -> Any:
        return self._track

    @selected_track.setter
    def selected_track(self, value: Track) -> None:
        _expect(value, Track)
        self._program.check_notifying()
        self._track = value

    @property
    def selected_scene(self) -> Scene:
        return self._scene

    @selected_scene.setter
    def selected_scene(self, value: Scene) -> None:
        _expect(value, Scene)
        self._program.check_notifying()
        self._scene = value

    @property
    def highlighted_clip_slot(self) -> ClipSlot | None:
        if self._track is None:
            return None
        return self._track.clip_slots[self._song.scenes.index(self._scene)]

    @property
    def detail_clip(self) -> Clip | None:
        return self._detail

    def select(self, track: int | None, scene: int = 0) -> None:
        """Not Live's: what a person clicks on; None is a return track."""
        self._track = None if track is None else self._song.tracks[track]
        self._scene = self._song.scenes[scene]


class Song(LomObject):
    def __init__(self, program: Program, kinds: Iterable[str], scenes: int) -> None:
        self.OBSERVABLE = program.observable
        super().__init__(program)
        self._values: dict[str, Any] = {
            "tempo": 120.0,
            "signature_numerator": 4,
            "signature_denominator": 4,
            "root_note": 0,
            "scale_name": "Major",
            "scale_mode": False,
        }
        self._scenes = [Scene(program) for _ in range(scenes)]
        self._tracks = [
            Track(program, f"{number}-{kind.title()}", kind, scenes)
            for number, kind in enumerate(kinds, 1)
        ]
        self._view = View(program, self)

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("_values", {})
        if name in values and name in self._program.observable:
            return values[name]
        return super().__getattr__(name)

    def turn(self, **values: Any) -> None:
        """Not Live's: what a person changes; the listeners hear of it."""
        for name, value in values.items():
            self._values[name] = value
            self._tell(name)

    @property
    def tracks(self) -> tuple[Track, ...]:
        return tuple(self._tracks)

    @property
    def scenes(self) -> tuple[Scene, ...]:
        return tuple(self._scenes)

    @property
    def view(self) -> View:
        return self._view

    def create_audio_track(self, index: int, /) -> Track:
        self._change("create_audio_track")
        assert index == -1
        if len(self._tracks) >= self._program.max_tracks:
            raise LimitationError("No more tracks in this edition")
        track = Track(self._program, f"{len(self._tracks) + 1}-Audio", "audio", len(self._scenes))
        self._tracks.append(track)
        self._view.selected_track = track
        return track

    def create_scene(self, index: int, /) -> Scene:
        self._change("create_scene")
        assert index == -1
        if len(self._scenes) >= self._program.max_scenes:
            raise LimitationError("No more scenes in this edition")
        self._scenes.append(Scene(self._program))
        for track in self._tracks:
            track.add_slot()
        self._view.selected_scene = self._scenes[-1]
        return self._scenes[-1]

    def begin_undo_step(self) -> None:
        assert self._program.undo_step is None, "an undo step is open"
        self._program.undo_step = []

    def end_undo_step(self) -> None:
        assert self._program.undo_step is not None, "no undo step is open"
        if self._program.undo_step:
            self._program.undo_steps.append(self._program.undo_step)
        self._program.undo_step = None


class Timer:
    """`Live.Base.Timer`: an exception in the callback stops it."""

    def __init__(self, program: Program, callback: Listener, interval: int, **flags: bool) -> None:
        self.callback = callback
        self.interval = interval
        self.running = False
        self._program = program
        assert flags.pop("repeat", False), "it would ring once"
        if flags.pop("start", False):
            self.start()
        assert not flags

    def start(self) -> None:
        self.running = True
        self._program.timers.append(self)

    def stop(self) -> None:
        self.running = False
        if self in self._program.timers:
            self._program.timers.remove(self)


class Program:
    """Live, with a set of these tracks: "audio midi group". `observable` and `has_timer` are what
    its version has; `guess` is the tempo it finds in a file.
    """

    def __init__(
        self, tracks: str = "audio audio", scenes: int = 4, scripts: Path = Path()
    ) -> None:
        self.observable: tuple[str, ...] = (
            "tempo",
            "signature_numerator",
            "signature_denominator",
            "root_note",
            "scale_name",
            "scale_mode",
        )
        self.can_create_audio_clips = True
        self.has_timer = True
        self.max_tracks = 64
        self.max_scenes = 64
        self.guess: Guess = guess_tempo(120.0)
        self.warps_at_once = False
        self.hidden_marker_moves = True
        self.markers_in_samples = False
        self.refuses = 0  # how many clips it refuses before it takes one
        self.notifying = 0
        self.errors: list[Exception] = []
        self.timers: list[Timer] = []
        self.scheduled: list[Listener] = []
        self.undo_step: list[str] | None = None
        self.undo_steps: list[list[str]] = []
        self.shown: list[str] = []
        self.logged: list[str] = []
        self.forwarded: set[tuple[str, int, int]] = set()
        self.is_map_stale = False
        self.scripts = scripts
        self._tracks = tracks.split()
        self._scene_count = scenes
        self._song: Song | None = None

    def song(self) -> Song:
        if self._song is None:
            self._song = Song(self, self._tracks, self._scene_count)
        return self._song

    @contextmanager
    def running(self) -> Iterator[Any]:
        """The script of the folder `scripts`, chosen as a Control Surface, until it is not."""
        with self.imported() as package:
            script = package.create_instance(self)
            self._rebuild_map(script)
            try:
                yield script
            finally:
                script.disconnect()

    @contextmanager
    def imported(self) -> Iterator[ModuleType]:
        """The package, as Live imports it: its own modules are there, and the scripts' folder."""
        before = dict(sys.modules)
        sys.modules.update(self._build_modules())
        sys.path.insert(0, str(self.scripts))
        importlib.invalidate_caches()
        try:
            yield importlib.import_module("acestepd")
        finally:
            sys.path.remove(str(self.scripts))
            for name in set(sys.modules) - set(before):
                if name.partition(".")[0] in ("acestepd", "Live", "_Framework"):
                    del sys.modules[name]

    def tick(self) -> None:
        """What Live's clock does: every timer rings once, and what was scheduled is called."""
        scheduled, self.scheduled = self.scheduled, []
        for timer in list(self.timers):
            self._call(timer.callback, timer.stop)
        for callback in scheduled:
            self._call(callback, lambda: None)
        assert self.undo_step is None, "an undo step was left open"

    def press(self, script: Any, *message: int) -> None:
        """MIDI at the script's port; Live hands on only what the script asked for."""
        if self.is_map_stale:
            self._rebuild_map(script)
        kind = {0x90: "note", 0x80: "note", 0xB0: "cc"}[message[0] & 0xF0]
        if (kind, message[0] & 0x0F, message[1]) in self.forwarded:
            script.receive_midi(message)

    def check_notifying(self) -> None:
        if self.notifying:
            raise RuntimeError(IN_NOTIFICATION)

    def note_change(self, what: str) -> None:
        self.check_notifying()
        if self.undo_step is None:
            self.undo_steps.append([what])
        else:
            self.undo_step.append(what)

    def list_clips(self) -> list[tuple[int, int, Clip]]:
        """Every clip of the set, with its track and scene counted from 0."""
        return [
            (column, row, slot.clip)
            for column, track in enumerate(self.song().tracks)
            for row, slot in enumerate(track.clip_slots)
            if slot.clip is not None
        ]

    # --- c_instance -------------------------------------------------------------------------------

    def show_message(self, message: str, /) -> None:
        _expect(message, str)
        self.shown.append(message)

    def log_message(self, message: str, /) -> None:
        _expect(message, str)
        self.logged.append(message)

    def handle(self) -> int:
        return 7

    def request_rebuild_midi_map(self) -> None:
        self.is_map_stale = True

    # ----------------------------------------------------------------------------------------------

    def _call(self, callback: Listener, stop: Listener) -> None:
        try:
            callback()
        except Exception as error:
            self.errors.append(error)
            stop()

    def _rebuild_map(self, script: Any) -> None:
        self.forwarded.clear()
        self.is_map_stale = False
        script.build_midi_map(11)

    def _forward(self, kind: str, script: int, midi_map: int, channel: int, number: int) -> None:
        assert (script, midi_map) == (7, 11)
        assert 0 <= channel < 16
        assert 0 <= number < 128
        self.forwarded.add((kind, channel, number))

    def _build_modules(self) -> dict[str, ModuleType]:
        live = ModuleType("Live")
        base = SimpleNamespace(LimitationError=LimitationError)
        if self.has_timer:
            base.Timer = lambda **arguments: Timer(self, **arguments)
        vars(live).update(
            Base=base,
            Clip=SimpleNamespace(WarpMarker=WarpMarker),
            MidiMap=SimpleNamespace(
                forward_midi_note=lambda *arguments: self._forward("note", *arguments),
                forward_midi_cc=lambda *arguments: self._forward("cc", *arguments),
            ),
        )
        framework = ModuleType("_Framework")
        module = ModuleType("_Framework.ControlSurface")
        vars(module)["ControlSurface"] = ControlSurface
        return {"Live": live, "_Framework": framework, "_Framework.ControlSurface": module}


class ControlSurface:
    """What a script needs of `_Framework.ControlSurface.ControlSurface`."""

    def __init__(self, c_instance: Program) -> None:
        self._c_instance = c_instance
        self.is_connected = True

    def schedule_message(self, delay_in_ticks: int, callback: Listener, /) -> None:
        assert delay_in_ticks == 1
        self._c_instance.scheduled.append(callback)

    def request_rebuild_midi_map(self) -> None:
        self._c_instance.request_rebuild_midi_map()

    def build_midi_map(self, midi_map_handle: int) -> None:
        assert midi_map_handle == 11

    def disconnect(self) -> None:
        assert self.is_connected
        self.is_connected = False


def guess_tempo(bpm: float, first_beat: float = 0.0) -> Guess:
    """Live takes a file for one of this tempo, whose beat 0 is at `first_beat` seconds."""

    def guess(seconds: float) -> list[tuple[float, float]]:
        return [(first_beat, 0.0), (first_beat + HELPER_BEATS * 60 / bpm, HELPER_BEATS)]

    return guess


def _expect(value: object, kinds: type | tuple[type, ...]) -> None:
    if not isinstance(value, kinds):
        raise TypeError("Python argument types did not match C++ signature")
