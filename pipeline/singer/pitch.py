"""The pitch of a vocal line: notes joined by glides, vibrato on long ones, and a little unrest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .trajectories import Times, Trajectory
from .vocal_line import SungSyllable, is_legato

GLIDE = 0.07  # seconds from one note to the next
ARRIVAL = 0.02  # seconds after a note's start at which its pitch is reached
SCOOP = 0.6  # semitones from below into a phrase
VIBRATO_RATE = 5.5  # Hz
VIBRATO_ONSET = 0.25  # seconds after a note's start
VIBRATO_RISE = 0.3  # seconds until it is full
UNREST = 0.03  # semitones
UNREST_STEP = 0.05  # seconds
ACCENT = 2.5  # semitones: how much higher a stressed syllable is spoken
FALL = 2.0  # semitones within a spoken syllable
DECLINATION = 1.2  # semitones a second, as the breath of a spoken phrase runs out
MOST_DECLINATION = 4.0


def trace_pitch(
    line: Sequence[SungSyllable], times: Times, vibrato: float, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Hz at `times`, which begin at 0. `vibrato` in semitones to either side."""
    pitch = _join_notes(line).sample(times)[:, 0]
    pitch += vibrato * _swing(line, times)
    knots = np.arange(0, times[-1] + 2 * UNREST_STEP, UNREST_STEP)
    pitch += UNREST * np.interp(times, knots, rng.standard_normal(len(knots)))
    hertz: npt.NDArray[np.float64] = 440 * 2 ** ((pitch - 69) / 12)
    return hertz


def _join_notes(line: Sequence[SungSyllable]) -> Trajectory:
    """MIDI pitches."""
    track = Trajectory()
    phrase = 0.0
    for number, sung in enumerate(line):
        fresh = not number or not is_legato(line[number - 1], sung)
        if fresh:
            phrase = sung.start
        if sung.spoken:
            _speak(track, sung, sung.start - phrase)
            continue
        for note in sung.notes:
            begin = note.start
            if fresh:
                track.hold(begin - 2 * GLIDE, begin - GLIDE, note.pitch - SCOOP)
                fresh = False
            arrival = begin + min(ARRIVAL, 0.2 * note.length)
            track.hold(arrival, begin + note.length - GLIDE + ARRIVAL, note.pitch)
    return track


def _speak(track: Trajectory, sung: SungSyllable, since: float) -> None:
    """A spoken syllable falls, from higher if it is stressed and early in its phrase."""
    length = sung.end - sung.start
    high = sung.notes[0].pitch + ACCENT * sung.syllable.stress
    high -= min(MOST_DECLINATION, DECLINATION * since)
    track.pass_through(sung.start, high)
    track.pass_through(sung.start + 0.3 * length, high)
    track.pass_through(sung.start + 0.9 * length, high - FALL)


def _swing(line: Sequence[SungSyllable], times: Times) -> npt.NDArray[np.float64]:
    """Vibrato from -1 to 1: it comes late in a note, and not in speech."""
    notes = [(note.start, not sung.spoken) for sung in line for note in sung.notes]
    starts, sings = np.array(notes).T
    current = np.maximum(np.searchsorted(starts, times, "right") - 1, 0)
    age = times - starts[current] - VIBRATO_ONSET
    depth = sings[current] * np.clip(age / VIBRATO_RISE, 0, 1)
    swing: npt.NDArray[np.float64] = depth * np.sin(2 * np.pi * VIBRATO_RATE * age)
    return swing
