"""How a style is produced: its room, what the kick ducks, its bus. A mood turns it, so that what a
caption says of the sound is true.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from .composer.mood import Mood

ROLLED_HATS = 5.0  # dB louder: whoever asks for rolls wants to hear them
SENDS = {"drums": 0.15, "bass": 0.0, "chords": 0.31, "lead": 0.28}


class Room(NamedTuple):
    """Where all instruments of a mix stand."""

    seconds: float  # until it has faded by 60 dB; above 4 kHz in half of that
    level: float = 1.0  # of all sends


class Tint(NamedTuple):
    """How a stem is coloured."""

    bright: float = 0.0  # dB above 2.5 kHz
    low: float = 0.0  # dB below 160 Hz
    high_pass: float = 0.0  # Hz; 0: none
    low_pass: float = 0.0  # Hz; 0: none


@dataclass(frozen=True)
class Production:
    """What is done to all stems of a mix."""

    room: Room = Room(0.8)
    duck: float = 2.0  # dB, of bass and chords at every kick
    duck_release: float = 0.16  # seconds
    tint: Tint = Tint()
    level: float = 0.0  # dB into the bus
    glue: float = 0.3  # of its compressor, 0..1
    tape: float = 0.0  # saturation of each stem; 0: none
    wow: float = 0.0  # how far the tape's speed is off, as a part of it
    crackle: float = 0.0  # peak of usual clicks
    hats: float = 0.0  # dB, of all hats
    hardness: float = 0.0  # how much harder all notes are played, -1..1
    ringing: float = 1.0  # how much longer notes ring on
    sends: dict[str, float] = field(default_factory=lambda: dict(SENDS))


PRODUCTIONS = {
    "house": Production(Room(0.9), 6, 0.22, Tint(bright=1.5), level=1, glue=0.4),
    "techno": Production(Room(1.3, 1.7), 7, 0.2, level=1, glue=0.45),
    "drum and bass": Production(Room(1.0), 4, 0.12, Tint(bright=-3), level=1, glue=0.5),
    "hip hop": Production(Room(0.6), 3, 0.15, Tint(bright=2.7), glue=0.4, tape=1.2),
    "trap": Production(Room(1.2, 1.2), 4, 0.18, Tint(bright=4.4, low=1), level=0.5, glue=0.4),
    "lo-fi": Production(
        Room(0.7, 0.9),
        4,
        0.25,
        Tint(bright=3, low_pass=11_000, high_pass=35),
        level=0.8,
        glue=0.4,
        tape=1.8,
        wow=0.0025,
        crackle=0.016,
    ),
    "rock": Production(
        Room(0.7), 1, 0.1, Tint(bright=-5, high_pass=30), level=-1.4, glue=0.25, tape=1.0
    ),
    "pop": Production(Room(0.9), 2.5, 0.14, Tint(bright=1), glue=0.4),
    "reggae": Production(Room(1.3), 1, 0.12, Tint(low=1, bright=0.6), glue=0.3, tape=1.0),
    "synthwave": Production(
        Room(1.6, 0.9), 5, 0.22, Tint(bright=-1.5), level=0.5, glue=0.4, tape=0.8
    ),
    "funk": Production(Room(0.5), 1, 0.1, Tint(bright=-3), glue=0.35),
    "ambient": Production(Room(3.2, 1.0), 0, 0.2, Tint(bright=4.4), level=0.8, glue=0.2),
    "disco": Production(Room(0.9), 1.5, 0.12, Tint(bright=-2), level=-0.5, glue=0.35, tape=0.8),
    "r&b": Production(Room(1.1), 3, 0.15, Tint(bright=2.5, low=0.5), glue=0.35),
    "jazz": Production(Room(1.0, 1.05), 0, 0.1, Tint(bright=-1), level=-4, glue=0.1),
    "bossa nova": Production(Room(0.9), 0, 0.1, Tint(bright=4.8), level=-3, glue=0.15),
    "metal": Production(
        Room(0.6, 0.9), 1, 0.08, Tint(bright=-6, high_pass=40), level=0.0, glue=0.3, tape=1.2
    ),
    "country": Production(Room(0.8), 0.5, 0.1, Tint(bright=-4), level=0.5, glue=0.3),
    "uk garage": Production(Room(0.9), 4, 0.14, Tint(bright=-2), level=0.5, glue=0.4),
    "afrobeats": Production(Room(0.9), 2.5, 0.14, Tint(bright=1.7), level=0.5, glue=0.35),
}


def choose_production(style: str, mood: Mood) -> Production:
    """How a style is produced in a mood."""
    usual = PRODUCTIONS[style]
    brightness = mood.brightness + 0.4 * mood.valence + 0.3 * mood.energy
    brightness = min(max(brightness, -1.0), 1.0)
    dust = max(mood.dust, 0.0)
    weight = mood.weight
    dream = mood.dream
    room, tint = usual.room, usual.tint
    low_pass = tint.low_pass
    if dust:
        low_pass = min(low_pass or 16_000, 16_000 - 8_500 * dust)
    elif mood.dust < 0 and low_pass:
        low_pass = min(16_000, low_pass * (1 - mood.dust))
    return replace(
        usual,
        room=Room(
            round(room.seconds * 2 ** (1.3 * dream), 2), min(room.level * 2 ** (0.8 * dream), 2)
        ),
        duck=usual.duck + 2 * max(weight, 0),
        tint=Tint(
            bright=tint.bright + 6 * brightness - 2 * dream,
            low=tint.low + 4 * weight,
            high_pass=tint.high_pass + 60 * max(-weight, 0),
            low_pass=low_pass,
        ),
        level=usual.level + mood.energy,
        tape=max(usual.tape, 2.0 * dust, 2.5 * weight),
        wow=max(usual.wow * (1 + min(mood.dust, 0)), 0.003 * dust),
        crackle=max(usual.crackle * (1 + min(mood.dust, 0)), 0.02 * dust),
        hats=ROLLED_HATS * max(mood.hats, 0),
        hardness=0.3 * brightness + 0.15 * mood.energy - 0.2 * dream,
        ringing=2 ** (1.2 * dream),
    )
