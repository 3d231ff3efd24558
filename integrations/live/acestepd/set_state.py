"""What a set says of its music, as messages to the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from Live.Song import Song

    from .acestep_osc import Value

TEMPO = "/ace/tempo"
KEY = "/ace/set/key"
TIME_SIGNATURE = "/ace/set/time_signature"
BEATS_PER_BAR = "/ace/set/beats_per_bar"
NOTHING: dict[str, Value] = {TEMPO: 0.0, KEY: "", TIME_SIGNATURE: "", BEATS_PER_BAR: 0}

OBSERVED = (
    "tempo",
    "signature_numerator",
    "signature_denominator",
    "root_note",
    "scale_name",
    "scale_mode",
)
NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
MINOR_SCALES = (  # by their third, for acestepd knows major and minor
    "Minor",
    "Dorian",
    "Phrygian",
    "Locrian",
    "Minor Blues",
    "Minor Pentatonic",
    "Harmonic Minor",
    "Melodic Minor",
    "Dorian #4",
    "Super Locrian",
    "Hungarian Minor",
)
MAJOR_SCALES = (
    "Major",
    "Mixolydian",
    "Lydian",
    "Major Pentatonic",
    "Harmonic Major",
    "Phrygian Dominant",
    "Lydian Augmented",
    "Lydian Dominant",
)
METRES = (2, 3, 4, 6)  # numerators that acestepd knows over 2, 4, 8 and 16
MOST_COUNTED = 16  # and the most that it knows over 4 and 8


def read(song: Song) -> dict[str, Value]:
    """Tempo, metre and key, by the address of the message that tells it."""
    numerator = int(song.signature_numerator)
    denominator = int(song.signature_denominator)
    quarters = numerator * 4.0 / denominator
    has_name = (numerator in METRES and denominator in (2, 4, 8, 16)) or (
        2 <= numerator <= MOST_COUNTED and denominator in (4, 8)
    )
    # 5/2 has no name, but a length; 7/16 has not even one in whole beats
    has_length = not has_name and quarters == int(quarters)
    return {
        TEMPO: float(song.tempo),
        TIME_SIGNATURE: f"{numerator}/{denominator}" if has_name else "",
        BEATS_PER_BAR: int(quarters) if has_length else 0,
        KEY: _read_key(song),
    }


def _read_key(song: Song) -> str:
    """Only with Live's scale mode on (12): C major is what every set says without it."""
    if not getattr(song, "scale_mode", False):
        return ""
    note = NOTES[int(song.root_note) % 12]
    if song.scale_name in MAJOR_SCALES:
        return f"{note} major"
    return f"{note} minor" if song.scale_name in MINOR_SCALES else ""
