"""The styles, as data that all parts read: tempos, registers, and the colours of chords. How each
is swung is in `groove`, what drums and bass play in `patterns`, progressions and the rhythms of
chords in modules of their own.

The tempos are those at which DJs' and producers' handbooks put each genre; R. Snoman, Dance Music
Manual (4th ed. 2019), for the electronic ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class LeadRhythm(NamedTuple):
    """How many notes a tune has in a bar, and where."""

    fewest: int
    most: int
    grid: int  # in steps: most notes start on its multiples
    longest: int  # steps that a note is held at most, but for the last of a phrase


class Style(NamedTuple):
    """What is usual in a style."""

    bpm: tuple[int, int]  # lowest and highest
    minor: float  # how often a key is minor
    energy: float  # 0..1 of a verse
    lead: LeadRhythm
    tune: tuple[int, int]  # MIDI: the lowest and highest note of a lead
    chords: tuple[int, int]  # MIDI: the lowest and highest note of the chords
    voicings: tuple[str, ...]  # of `voicings.KINDS`
    # how a plain chord of a progression may be coloured, with weights; "" leaves the triad
    colours: Mapping[str, float]


STYLES: dict[str, Style] = {
    "house": Style(
        bpm=(118, 128),
        minor=0.6,
        energy=0.55,
        lead=LeadRhythm(3, 6, 2, 4),
        tune=(62, 81),
        chords=(52, 74),
        voicings=("close", "drop 2"),
        colours={"7": 0.5, "9": 0.3, "": 0.15, "sus4": 0.05},
    ),
    "techno": Style(
        bpm=(126, 142),
        minor=0.95,
        energy=0.6,
        lead=LeadRhythm(2, 6, 1, 2),
        tune=(57, 76),
        chords=(50, 70),
        voicings=("close", "open"),
        colours={"": 0.5, "7": 0.25, "sus4": 0.15, "9": 0.1},
    ),
    "drum and bass": Style(
        bpm=(168, 178),
        minor=0.85,
        energy=0.65,
        lead=LeadRhythm(2, 5, 2, 8),
        tune=(60, 81),
        chords=(51, 72),
        voicings=("spread", "drop 2", "close"),
        colours={"7": 0.4, "9": 0.35, "": 0.15, "add9": 0.1},
    ),
    "hip hop": Style(
        bpm=(82, 98),
        minor=0.75,
        energy=0.45,
        lead=LeadRhythm(3, 6, 2, 6),
        tune=(60, 79),
        chords=(49, 69),
        voicings=("close", "drop 2", "shell"),
        colours={"7": 0.6, "9": 0.25, "": 0.15},
    ),
    "trap": Style(
        bpm=(130, 158),
        minor=0.95,
        energy=0.5,
        lead=LeadRhythm(3, 7, 2, 6),
        tune=(60, 81),
        chords=(50, 70),
        voicings=("close", "spread", "open"),
        colours={"": 0.6, "7": 0.2, "add9": 0.2},
    ),
    "lo-fi": Style(
        bpm=(70, 90),
        minor=0.55,
        energy=0.3,
        lead=LeadRhythm(2, 5, 2, 6),
        tune=(60, 79),
        chords=(49, 69),
        voicings=("drop 2", "shell", "close"),
        colours={"7": 0.5, "9": 0.45, "6": 0.05},
    ),
    "rock": Style(
        bpm=(96, 148),
        minor=0.4,
        energy=0.65,
        lead=LeadRhythm(3, 7, 2, 6),
        tune=(59, 81),
        chords=(45, 66),
        voicings=("guitar", "power"),
        colours={"": 0.5, "5": 0.3, "sus4": 0.1, "add9": 0.1},
    ),
    "pop": Style(
        bpm=(92, 128),
        minor=0.35,
        energy=0.5,
        lead=LeadRhythm(4, 7, 2, 6),
        tune=(60, 79),
        chords=(48, 69),
        voicings=("close", "spread", "open"),
        colours={"": 0.55, "add9": 0.2, "sus4": 0.1, "7": 0.15},
    ),
    "reggae": Style(
        bpm=(68, 88),
        minor=0.45,
        energy=0.4,
        lead=LeadRhythm(2, 5, 2, 4),
        tune=(59, 76),
        chords=(50, 69),
        voicings=("close", "guitar"),
        colours={"": 0.8, "7": 0.2},
    ),
    "synthwave": Style(
        bpm=(84, 116),
        minor=0.8,
        energy=0.55,
        lead=LeadRhythm(3, 6, 2, 8),
        tune=(62, 82),
        chords=(50, 74),
        voicings=("spread", "close", "open"),
        colours={"": 0.55, "7": 0.15, "sus4": 0.15, "add9": 0.15},
    ),
    "funk": Style(
        bpm=(98, 118),
        minor=0.6,
        energy=0.6,
        lead=LeadRhythm(3, 7, 1, 3),
        tune=(60, 79),
        chords=(51, 70),
        voicings=("close", "drop 2", "shell"),
        colours={"7": 0.45, "9": 0.5, "13": 0.05},
    ),
    "ambient": Style(
        bpm=(60, 84),
        minor=0.5,
        energy=0.2,
        lead=LeadRhythm(1, 3, 4, 12),
        tune=(60, 84),
        chords=(45, 74),
        voicings=("spread", "open"),
        colours={"add9": 0.3, "9": 0.25, "sus2": 0.15, "7": 0.2, "sus4": 0.1},
    ),
    "disco": Style(
        bpm=(110, 126),
        minor=0.6,
        energy=0.65,
        lead=LeadRhythm(3, 7, 2, 4),
        tune=(62, 81),
        chords=(52, 71),
        voicings=("close", "drop 2", "spread"),
        colours={"7": 0.55, "9": 0.25, "": 0.15, "6": 0.05},
    ),
    "r&b": Style(
        bpm=(66, 98),
        minor=0.6,
        energy=0.4,
        lead=LeadRhythm(3, 7, 1, 6),
        tune=(60, 79),
        chords=(49, 69),
        voicings=("drop 2", "spread", "close"),
        colours={"9": 0.5, "7": 0.4, "11": 0.05, "6": 0.05},
    ),
    "jazz": Style(
        bpm=(108, 190),
        minor=0.4,
        energy=0.45,
        lead=LeadRhythm(4, 8, 2, 4),
        tune=(58, 81),
        chords=(50, 70),
        voicings=("shell", "drop 2", "close"),
        colours={"7": 0.5, "9": 0.3, "6": 0.1, "13": 0.1},
    ),
    "bossa nova": Style(
        bpm=(112, 144),
        minor=0.45,
        energy=0.35,
        lead=LeadRhythm(3, 6, 2, 6),
        tune=(59, 77),
        chords=(50, 69),
        voicings=("drop 2", "shell", "close"),
        colours={"7": 0.4, "9": 0.4, "6": 0.15, "69": 0.05},
    ),
    "metal": Style(
        bpm=(108, 190),
        minor=1.0,
        energy=0.85,
        lead=LeadRhythm(4, 9, 1, 6),
        tune=(59, 84),
        chords=(40, 60),
        voicings=("power",),
        colours={"5": 0.8, "": 0.2},
    ),
    "country": Style(
        bpm=(88, 148),
        minor=0.15,
        energy=0.5,
        lead=LeadRhythm(3, 7, 2, 6),
        tune=(59, 78),
        chords=(48, 68),
        voicings=("guitar", "close"),
        colours={"": 0.75, "add9": 0.12, "sus4": 0.08, "7": 0.05},
    ),
    "uk garage": Style(
        bpm=(128, 136),
        minor=0.75,
        energy=0.55,
        lead=LeadRhythm(3, 6, 1, 4),
        tune=(60, 79),
        chords=(50, 70),
        voicings=("close", "drop 2"),
        colours={"7": 0.45, "9": 0.45, "sus4": 0.1},
    ),
    "afrobeats": Style(
        bpm=(98, 114),
        minor=0.55,
        energy=0.5,
        lead=LeadRhythm(3, 6, 1, 4),
        tune=(60, 78),
        chords=(51, 70),
        voicings=("close", "guitar", "drop 2"),
        colours={"": 0.45, "7": 0.4, "9": 0.15},
    ),
}
