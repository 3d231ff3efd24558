"""Who plays each style, as data: the sounds of `palette`, by their names."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

from .score import ROLES


class Band(NamedTuple):
    """What may play a style; the first of each is usual."""

    drums: tuple[str, ...]
    bass: tuple[str, ...]
    chords: tuple[str, ...]
    lead: tuple[str, ...]


def _read_band(drums: str, bass: str, chords: str, lead: str) -> Band:
    """From lists with commas."""
    lists = (drums, bass, chords, lead)
    return Band(*(tuple(filter(None, text.split(", "))) for text in lists))


BANDS = {
    "house": _read_band(
        drums="909",
        bass="synth bass, sub bass",
        chords="piano, rotary organ, supersaw, pluck, rhodes",
        lead="pluck, saw lead, vocal",
    ),
    "techno": _read_band(
        drums="909",
        bass="acid bass, synth bass, reese bass",
        chords="pluck, pad",
        lead="square lead, bell",
    ),
    "drum and bass": _read_band(
        drums="acoustic, 909",
        bass="reese bass, sub bass, synth bass",
        chords="pad, electric piano, choir pad",
        lead="bell, vocal, pluck",
    ),
    "hip hop": _read_band(
        drums="boom bap, 808, lo-fi",
        bass="sub bass, electric bass, upright bass",
        chords="rhodes, electric piano, piano, string section",
        lead="flute, bell, trumpet",
    ),
    "trap": _read_band(
        drums="808",
        bass="808 bass, sub bass",
        chords="bell, piano, pad, choir pad",
        lead="flute, bell, square lead",
    ),
    "lo-fi": _read_band(
        drums="lo-fi",
        bass="electric bass, upright bass, sub bass",
        chords="rhodes, nylon guitar, electric piano, guitar",
        lead="vibraphone, guitar, flute, bell",
    ),
    "rock": _read_band(
        drums="rock, acoustic",
        bass="electric bass",
        chords="distorted guitar, guitar, rotary organ",
        lead="distorted guitar, guitar, saw lead",
    ),
    "pop": _read_band(
        drums="909, acoustic",
        bass="electric bass, synth bass",
        chords="piano, steel guitar, supersaw, guitar, string section",
        lead="saw lead, vocal, bell",
    ),
    "reggae": _read_band(
        drums="acoustic",
        bass="electric bass",
        chords="guitar, rotary organ, organ",
        lead="organ, flute, brass",
    ),
    "synthwave": _read_band(
        drums="80s, 909",
        bass="synth bass",
        chords="supersaw, pad, strings, choir pad",
        lead="saw lead, square lead",
    ),
    "funk": _read_band(
        drums="acoustic",
        bass="electric bass",
        chords="guitar, clavinet, brass, rhodes",
        lead="saxophone, brass, rotary organ, saw lead",
    ),
    "ambient": _read_band(
        drums="",
        bass="sub bass",
        chords="pad, string section, choir pad, strings",
        lead="bell, flute, vocal, vibraphone",
    ),
    "disco": _read_band(
        drums="acoustic, 909",
        bass="electric bass, synth bass",
        chords="string section, guitar, rhodes, piano",
        lead="brass, string section, vocal",
    ),
    "r&b": _read_band(
        drums="808, acoustic",
        bass="electric bass, sub bass, synth bass",
        chords="rhodes, electric piano, guitar, string section",
        lead="vocal, saxophone, bell",
    ),
    "jazz": _read_band(
        drums="brushes, acoustic",
        bass="upright bass",
        chords="piano, guitar, vibraphone, rhodes",
        lead="saxophone, trumpet, vibraphone, flute",
    ),
    "bossa nova": _read_band(
        drums="hand percussion, brushes",
        bass="upright bass",
        chords="nylon guitar, piano, rhodes",
        lead="flute, nylon guitar, vibraphone, saxophone",
    ),
    "metal": _read_band(
        drums="rock",
        bass="electric bass",
        chords="distorted guitar",
        lead="distorted guitar, saw lead",
    ),
    "country": _read_band(
        drums="acoustic, brushes",
        bass="upright bass, electric bass",
        chords="steel guitar, nylon guitar, piano",
        lead="fiddle, steel guitar, guitar",
    ),
    "uk garage": _read_band(
        drums="909",
        bass="sub bass, reese bass, synth bass",
        chords="rotary organ, pluck, rhodes, pad",
        lead="vocal, pluck, bell",
    ),
    "afrobeats": _read_band(
        drums="hand percussion, 808, acoustic",
        bass="electric bass, 808 bass, sub bass",
        chords="guitar, pluck, rhodes, brass",
        lead="brass, vocal, saxophone, flute",
    ),
}
DEFAULT_STYLE = "pop"  # whose band plays where nobody names a style
DEFAULT_KIT = "brushes"  # of a style without drums, where some are asked for


def choose_sounds(style: str, unwanted: Container[str] = ()) -> dict[str, str]:
    """Who usually plays a style: an instrument or a kit for every role, the first that is wanted
    where there is one.
    """
    return {role: _choose_sound(getattr(BANDS[style], role), unwanted) for role in ROLES}


def _choose_sound(players: tuple[str, ...], unwanted: Container[str]) -> str:
    wanted = (player for player in players if player not in unwanted)
    return next(wanted, players[0] if players else DEFAULT_KIT)
