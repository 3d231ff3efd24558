"""The instruments, as data: a tone, the parts that it may play, its range, and what is behind it:
an amplifier, a rotary speaker, a chorus.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .signals import Noise
from .tones import Filter, Tone


class Amplifier(NamedTuple):
    """Soft clipping, each channel by itself: two takes of a guitar stay two."""

    drive: float  # gain before it clips, of a tone at the instrument's level
    cabinet: float  # Hz: its loudspeaker plays nothing above
    presence: float = 0.0  # dB above 1.5 kHz


class Modulation(NamedTuple):
    """A delay that an LFO moves. It is heard at the sides only, so that the middle has no comb."""

    rate: float  # Hz
    depth: float  # ms
    side: float  # level
    tremolo: float = 0.0  # how much louder one side gets than the other, in turn


CHORUS = Modulation(0.6, 2.5, 0.4)
ROTARY = Modulation(6.3, 0.9, 0.45, tremolo=0.25)
TREMOLO = Modulation(4.6, 0.0, 0.0, tremolo=0.35)


@dataclass(frozen=True)
class Instrument:
    """A tone, the parts that it may play, and its range."""

    roles: tuple[str, ...]
    low: int
    high: int
    gain: float  # a note's RMS over its first half second, at velocity 1
    tone: Tone
    amplifier: Amplifier | None = None
    modulation: Modulation | None = None

    def fold(self, pitch: int) -> int:
        """The pitch, moved by octaves into the instrument's range."""
        if pitch < self.low:
            return self.low + (pitch - self.low) % 12
        if pitch > self.high:
            return self.high - (self.high - pitch) % 12
        return pitch


MOST = 400  # harmonics
SAW = tuple(1 / k for k in range(1, MOST))
SQUARE = tuple(k % 2 / k for k in range(1, MOST))
FELT = tuple(1 / k**1.3 for k in range(1, 61))
SOFT = tuple(1 / k**1.5 for k in range(1, 41))
BRASSY = tuple(1 / k**0.7 for k in range(1, 61))
BOWED = tuple((1.0 + 0.5 * np.cos(1.7 * k)) / k**0.95 for k in range(1, 81))
REED = tuple((1.0 if k % 2 else 0.55) / k**0.75 for k in range(1, 61))
FLAT = (1.0,) * 120


def _pluck(place: float, steepness: float, count: int = 60) -> tuple[float, ...]:
    """A string that is plucked at a part of its length: harmonics with a node there are missing."""
    return tuple(float(abs(np.sin(np.pi * k * place))) / k**steepness for k in range(1, count + 1))


AH = ((750, 160, 1.0), (1150, 180, 0.6), (2600, 300, 0.3), (3300, 350, 0.18), (7500, 2500, 0.03))
OO = ((350, 120, 1.0), (800, 150, 0.5), (2500, 300, 0.1), (3300, 350, 0.07), (7000, 2500, 0.02))
WOOD = ((280, 120, 1.0), (480, 200, 0.8), (1200, 600, 0.5), (2800, 1200, 0.35), (7000, 4000, 0.2))

PICK = Noise(1800, 9000, 220, 0.5)
NAIL = Noise(1200, 6000, 180, 0.35)
FINGER = Noise(500, 3500, 150, 0.3)
HAMMER = Noise(600, 5000, 140, 0.22)
BREATH = Noise(2500, 12000, 2.5, 0.06, attack=0.05)
BOW = Noise(3000, 13000, 4, 0.05, attack=0.06)
LIP = Noise(2000, 9000, 30, 0.08, attack=0.01)

BASS = ("bass",)
CHORDS = ("chords",)
LEAD = ("lead",)
BOTH = ("chords", "lead")

INSTRUMENTS: dict[str, Instrument] = {
    "sub bass": Instrument(BASS, 24, 55, 0.18, Tone((1, 0.25, 0.1, 0.04), 0.5, release=0.06)),
    "808 bass": Instrument(
        BASS,
        24,
        55,
        0.18,
        Tone((1, 0.16, 0.1), 0.7, 0.6, release=0.12, noise=Noise(600, 6000, 300, 0.2)),
        Amplifier(1.6, 5000),
    ),
    "synth bass": Instrument(
        BASS, 24, 55, 0.18, Tone(SAW, 1.2, filter=Filter(150, 2600, 9, 3), unison=(1.004,))
    ),
    "reese bass": Instrument(
        BASS,
        24,
        55,
        0.17,
        Tone(
            SAW, 0.2, filter=Filter(700, lfo=0.8, lfo_rate=0.7), unison=(1.009, 0.992), width=0.25
        ),
    ),
    "electric bass": Instrument(
        BASS,
        28,
        55,
        0.18,
        Tone(_pluck(0.19, 0.9, 40), 1.6, 0.35, release=0.07, velocity=0.8, noise=FINGER),
    ),
    "upright bass": Instrument(
        BASS,
        28,
        55,
        0.18,
        Tone(
            _pluck(0.3, 1.2, 30),
            2.2,
            0.8,
            0.008,
            0.1,
            velocity=0.7,
            noise=Noise(200, 3000, 60, 0.3),
        ),
    ),
    "acid bass": Instrument(
        BASS,
        24,
        55,
        0.155,
        Tone(SQUARE, 1.5, filter=Filter(250, 4200, 12, 1, lfo=0.4, lfo_rate=0.3), velocity=0.8),
        Amplifier(1.5, 9000),
    ),
    "piano": Instrument(
        BOTH,
        41,
        89,
        0.1,
        Tone(FELT, 1.1, 0.3, release=0.16, width=0.3, velocity=0.9, noise=HAMMER),
    ),
    "electric piano": Instrument(
        BOTH,
        41,
        84,
        0.1,
        Tone((1, 0.55, 0.25, 0.08, 0.05, 0.04, 0.2), 1, 0.9, release=0.12, width=0.2, velocity=0.9),
        modulation=CHORUS,
    ),
    "rhodes": Instrument(
        BOTH,
        41,
        84,
        0.1,
        Tone(
            (1, 0.5, 0.16, 0.12, 0.04, 0.05, 0.03, 0.1, 0, 0, 0, 0.05),
            0.8,
            0.6,
            release=0.14,
            width=0.15,
            velocity=1.0,
            noise=Noise(1500, 5000, 120, 0.15),
        ),
        Amplifier(0.6, 9000),
        TREMOLO,
    ),
    "organ": Instrument(
        BOTH,
        41,
        84,
        0.085,
        Tone(
            (0.8, 0.6, 0.5, 0.35, 0, 0.2, 0, 0.15), 0.02, attack=0.006, release=0.05, velocity=0.1
        ),
        modulation=CHORUS,
    ),
    "rotary organ": Instrument(
        BOTH,
        41,
        84,
        0.08,
        Tone(
            (0.9, 0.8, 0.8, 0.45, 0.1, 0.3, 0, 0.3, 0, 0.1, 0, 0.12, 0, 0, 0, 0.12),
            0.02,
            attack=0.004,
            release=0.04,
            velocity=0.1,
            noise=Noise(2000, 9000, 400, 0.2),
        ),
        Amplifier(1.4, 7500),
        ROTARY,
    ),
    "clavinet": Instrument(
        BOTH,
        41,
        84,
        0.09,
        Tone(_pluck(0.11, 0.65, 80), 2.0, 0.12, release=0.05, velocity=0.8, noise=PICK, width=0.15),
    ),
    "vibraphone": Instrument(
        BOTH,
        48,
        89,
        0.1,
        Tone(
            (1, 0, 0, 0.3, 0, 0, 0, 0, 0, 0.12, 0, 0, 0, 0, 0, 0, 0.04),
            0.7,
            0.25,
            release=0.9,
            velocity=0.6,
            noise=Noise(1500, 7000, 120, 0.12),
            width=0.1,
        ),
        modulation=TREMOLO,
    ),
    "pluck": Instrument(
        BOTH, 48, 91, 0.09, Tone(SAW, 3, release=0.25, filter=Filter(400, 8000, 18, 1), width=0.35)
    ),
    "supersaw": Instrument(
        BOTH,
        45,
        84,
        0.085,
        Tone(
            SAW,
            0.15,
            attack=0.004,
            release=0.25,
            filter=Filter(7500),
            unison=(1.006, 0.9945, 1.0025),
            width=0.45,
        ),
    ),
    "pad": Instrument(
        CHORDS,
        41,
        84,
        0.085,
        Tone(
            SOFT,
            0.05,
            attack=0.25,
            release=0.9,
            filter=Filter(3000, lfo=0.7, lfo_rate=0.16),
            unison=(1.004,),
            width=0.45,
            noise=Noise(5000, 14000, 0.4, 0.02, attack=0.5),
        ),
        modulation=CHORUS,
    ),
    "choir pad": Instrument(
        CHORDS,
        43,
        84,
        0.085,
        Tone(
            FLAT,
            0.03,
            attack=0.16,
            release=0.6,
            unison=(1.006, 0.995),
            width=0.5,
            vibrato=0.004,
            formants=OO,
            noise=Noise(3500, 12000, 0.5, 0.04, attack=0.3),
        ),
    ),
    "strings": Instrument(
        BOTH,
        41,
        88,
        0.085,
        Tone(
            SAW,
            0.05,
            attack=0.12,
            release=0.45,
            filter=Filter(3500, lfo=0.3, lfo_rate=0.25),
            unison=(0.997, 1.004),
            width=0.4,
        ),
    ),
    "string section": Instrument(
        BOTH,
        43,
        91,
        0.085,
        Tone(
            BOWED,
            0.03,
            attack=0.07,
            release=0.35,
            filter=Filter(6500),
            unison=(1.005, 0.9958, 1.0022),
            width=0.45,
            vibrato=0.0035,
            velocity=0.7,
            noise=BOW,
        ),
    ),
    "brass": Instrument(
        BOTH,
        43,
        84,
        0.09,
        Tone(
            BRASSY,
            0.15,
            attack=0.025,
            release=0.1,
            filter=Filter(3500, -3000, 14, 1),
            unison=(1.0035, 0.9972),
            width=0.35,
            velocity=0.9,
            noise=LIP,
        ),
    ),
    "guitar": Instrument(
        BOTH,
        40,
        84,
        0.1,
        Tone(_pluck(0.19, 0.75), 1.2, 0.3, release=0.12, width=0.25, velocity=0.8, noise=PICK),
        modulation=CHORUS,
    ),
    "nylon guitar": Instrument(
        BOTH,
        40,
        84,
        0.1,
        Tone(_pluck(0.27, 1.1), 1.5, 0.5, 0.002, 0.18, width=0.2, velocity=0.6, noise=NAIL),
    ),
    "steel guitar": Instrument(
        BOTH,
        40,
        84,
        0.1,
        Tone(_pluck(0.13, 0.85, 90), 1.0, 0.16, release=0.16, width=0.4, velocity=0.7, noise=PICK),
    ),
    "distorted guitar": Instrument(
        BOTH,
        36,
        86,
        0.085,
        Tone(_pluck(0.15, 0.8, 40), 0.35, 0.08, release=0.06, width=0.38, noise=PICK),
        Amplifier(9, 6500, 8),
    ),
    "square lead": Instrument(
        LEAD,
        55,
        91,
        0.1,
        Tone(
            SQUARE,
            0.2,
            attack=0.004,
            release=0.12,
            filter=Filter(6000, lfo=0.4, lfo_rate=0.5),
            width=0.2,
            vibrato=0.002,
        ),
    ),
    "saw lead": Instrument(
        LEAD,
        55,
        91,
        0.1,
        Tone(
            SAW,
            0.2,
            release=0.14,
            filter=Filter(6500),
            unison=(1.004, 0.997),
            width=0.35,
            vibrato=0.002,
        ),
    ),
    "bell": Instrument(
        BOTH,
        48,
        96,
        0.085,
        Tone((1, 0, 0.5, 0, 0, 0.35, 0, 0, 0.2, 0, 0, 0, 0.1), 1.2, 0.35, 0.002, 1.2, width=0.25),
    ),
    "flute": Instrument(
        LEAD,
        60,
        91,
        0.1,
        Tone(
            (1, 0.3, 0.14, 0.06, 0.03, 0.015),
            0.05,
            attack=0.05,
            release=0.1,
            vibrato=0.004,
            velocity=0.9,
            noise=BREATH,
        ),
    ),
    "saxophone": Instrument(
        LEAD,
        49,
        81,
        0.1,
        Tone(
            REED,
            0.05,
            attack=0.03,
            release=0.09,
            filter=Filter(4000, -2500, 12, 1),
            vibrato=0.005,
            velocity=0.9,
            formants=((550, 300, 1.0), (1400, 500, 0.7), (3000, 1200, 0.5), (7000, 3000, 0.15)),
            noise=Noise(2500, 11000, 3, 0.07, attack=0.03),
        ),
    ),
    "trumpet": Instrument(
        LEAD,
        54,
        84,
        0.1,
        Tone(
            BRASSY,
            0.05,
            attack=0.02,
            release=0.08,
            filter=Filter(4500, -3800, 18, 1),
            vibrato=0.004,
            velocity=1.1,
            noise=LIP,
        ),
    ),
    "fiddle": Instrument(
        LEAD,
        55,
        91,
        0.095,
        Tone(
            SAW,
            0.03,
            attack=0.035,
            release=0.12,
            filter=Filter(9000),
            vibrato=0.006,
            formants=WOOD,
            noise=BOW,
        ),
    ),
    "vocal": Instrument(
        BOTH,
        48,
        84,
        0.1,
        Tone(
            FLAT,
            0.03,
            attack=0.05,
            release=0.12,
            vibrato=0.008,
            formants=AH,
            width=0.15,
            noise=Noise(4000, 12000, 1.5, 0.04, attack=0.05),
        ),
    ),
}
