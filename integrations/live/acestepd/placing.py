"""Where in the set a take goes, and putting it there.

The mix goes to the track of the cursor, or the one that was named; the stems to tracks of their
own; all in one scene, the first from the cursor down where everything they need is empty.
"""

from __future__ import annotations

import os
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Callable, Iterator, NamedTuple

from . import warping
from .acestep_osc import MIX, Insert, Take

if TYPE_CHECKING:
    from Live.Clip import Clip
    from Live.ClipSlot import ClipSlot
    from Live.Song import Song
    from Live.Track import Track

TRACK_NAME = "ace"  # a stem's track is called "ace drums"; "ace" is for sets without a place
MAX_NAME = 60  # characters of a clip's name
MAX_WHERE = 200  # characters
COLOURS = {  # RGB
    MIX: 0xF7941D,
    "drums": 0xE5484D,
    "percussion": 0xC4467A,
    "bass": 0x4C6FFF,
    "guitar": 0xB7791F,
    "keyboard": 0x2FA36B,
    "strings": 0x8E6BD8,
    "synth": 0x19A7B8,
    "brass": 0xD9A400,
    "woodwinds": 0x6FA82E,
    "fx": 0x9AA0A6,
    "vocals": 0xE879B9,
    "backing_vocals": 0xB98AD6,
    "rest": 0x808488,
}


class Refusal(Exception):
    """It cannot be put in, and why: for a person."""


class Placed(NamedTuple):
    """A take that is in the set."""

    where: str  # "track 3 (Drums), scene 5"
    clips: list[tuple[Clip, float]]  # and how many beats each is to have
    notes: list[str]  # what did not work


def find_clip(song: Song, wanted: Insert) -> str:
    """Where in the set the mix is already, or on the track that was named; "" where it is not."""
    name = _normalise(os.path.basename(wanted.path))
    for number, track in enumerate(song.tracks):
        if wanted.track not in (-1, number):
            continue
        for row, slot in enumerate(track.clip_slots):
            if slot.has_clip and slot.clip.is_audio_clip:
                path = slot.clip.file_path
                if _normalise(os.path.basename(path)) == name and _is_same_file(path, wanted.path):
                    return _describe(track, number, row)
    return ""


def insert(song: Song, wanted: Insert, make_marker: Callable[..., Any]) -> Placed:
    """Put a take into the set; the cursor stays where it is. Raises `Refusal`, and what Live raises
    where it refuses the mix; the set has no new clip then.
    """
    track, scene = song.view.selected_track, song.view.selected_scene
    try:
        return _insert(song, wanted, make_marker)
    finally:
        # a new track or scene may have been selected
        with suppress(Exception):
            if song.view.selected_track != track:
                song.view.selected_track = track
            if song.view.selected_scene != scene:
                song.view.selected_scene = scene


def _insert(song: Song, wanted: Insert, make_marker: Callable[..., Any]) -> Placed:
    if not os.path.isfile(wanted.path):
        raise Refusal("the file is not there any more")
    if not hasattr(song.tracks[0].clip_slots[0], "create_audio_clip"):
        raise Refusal("this Live does not let scripts add clips (11.3.25 and 12.0.5 do)")
    target, first_row = _find_place(song, wanted)
    stems = [clip for clip in wanted.take.clips if clip.stem != MIX]
    tracks = {clip.stem: _find_track(song, _name_track(clip.stem)) for clip in stems}
    needed = [target] + [track for track in tracks.values() if track is not None]
    row = _find_row(song, needed, first_row)
    beats = wanted.take.beats or _count_beats(song, wanted.take)
    notes: list[str] = []
    clip = _make_clip(target.clip_slots[row], wanted.path)
    placed = [(clip, beats)]
    notes += shape(clip, wanted.take, MIX, beats, make_marker)
    for part in stems:
        try:
            track = tracks[part.stem] or _make_track(song, _name_track(part.stem), part.stem)
            clip = _make_clip(track.clip_slots[row], part.path)
        except Exception as error:  # the others still go in
            notes.append(f"{part.stem} stays out ({_say(error)}): {part.path}")
            continue
        placed.append((clip, beats))
        notes += shape(clip, wanted.take, part.stem, beats, make_marker)
    number = list(song.tracks).index(target)
    return Placed(_describe(target, number, row), placed, notes)


def shape(
    clip: Clip, take: Take, stem: str, beats: float, make_marker: Callable[..., Any]
) -> list[str]:
    """Name, colour and loop of a new clip; what did not work. A clip that is not perfect stays."""
    notes = []
    try:
        prompt = " ".join(take.prompt.split())[:MAX_NAME] or take.id
        clip.name = prompt if stem == MIX else f"{_write_stem(stem)}: {prompt}"
        clip.color = COLOURS.get(stem, COLOURS["rest"])
    except Exception as error:
        notes.append(f"no name or colour: {_say(error)}")
    try:
        fits = not beats or warping.loop(clip, beats, bool(take.bars), make_marker)
    except Exception as error:
        notes.append(f"not warped: {_say(error)}")
    else:
        if not fits:
            notes.append(f"Live holds on to another tempo for {stem}: look at its warp markers")
    return notes


# --- where ----------------------------------------------------------------------------------------


def _find_place(song: Song, wanted: Insert) -> tuple[Track, int]:
    """The mix's track, and the first scene that will do."""
    highlighted = song.view.highlighted_clip_slot
    track = highlighted.canonical_parent if highlighted is not None else None
    row = _find_cursor_row(song)
    if wanted.track >= 0:
        tracks = list(song.tracks)
        if wanted.track >= len(tracks):
            raise Refusal(f"there is no track {wanted.track + 1}")
        track = tracks[wanted.track]
        if not can_take_audio(track):
            raise Refusal(f"track {wanted.track + 1} takes no audio clips")
        row = 0
    elif track is None or not can_take_audio(track):
        track = _find_track(song, TRACK_NAME) or _make_track(song, TRACK_NAME, MIX)
    return track, wanted.slot if wanted.slot >= 0 else row


def can_take_audio(track: Track) -> bool:
    """Neither MIDI, nor a group, nor frozen."""
    return bool(track.has_audio_input and not track.is_foldable and not track.is_frozen)


def _find_cursor_row(song: Song) -> int:
    scenes = list(song.scenes)
    selected = song.view.selected_scene
    return scenes.index(selected) if selected in scenes else 0


def _find_row(song: Song, tracks: list[Track], first: int) -> int:
    """The first scene from there on whose slots on these tracks are all empty; else a new one."""
    count = len(song.scenes)
    for row in range(first, count):
        if not any(track.clip_slots[row].has_clip for track in tracks):
            return row
    song.create_scene(-1)
    return count


def _name_track(stem: str) -> str:
    return f"{TRACK_NAME} {_write_stem(stem)}"


def _write_stem(stem: str) -> str:
    return stem.replace("_", " ")


def _find_track(song: Song, name: str) -> Track | None:
    tracks: Iterator[Track] = iter(song.tracks)
    return next((track for track in tracks if track.name == name and can_take_audio(track)), None)


def _make_track(song: Song, name: str, stem: str) -> Track:
    song.create_audio_track(-1)
    track: Track = list(song.tracks)[-1]
    track.name = name
    track.color = COLOURS.get(stem, COLOURS["rest"])
    return track


def _make_clip(slot: ClipSlot, path: str) -> Clip:
    slot.create_audio_clip(path)
    return slot.clip


def _count_beats(song: Song, take: Take) -> float:
    """What the bars come to in the set's metre, where the take does not say."""
    return take.bars * song.signature_numerator * 4.0 / song.signature_denominator


def _describe(track: Track, number: int, row: int) -> str:
    return f"track {number + 1} ({track.name}), scene {row + 1}"[:MAX_WHERE]


def _is_same_file(one: str, other: str) -> bool:
    return _normalise(os.path.realpath(one)) == _normalise(os.path.realpath(other))


def _normalise(path: str) -> str:
    """macOS writes accents in two ways."""
    return unicodedata.normalize("NFC", path)


def _say(error: Exception) -> str:
    return str(error) or type(error).__name__
