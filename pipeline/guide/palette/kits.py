"""The kits, as data. Each has every drum of `score.DRUMS`; what it has not got of its own, a shared
one plays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .signals import Noise


@dataclass(frozen=True)
class Body:
    """The drum's skin: a sine that falls to its pitch."""

    pitch: float
    decay: float
    fall: float = 0.0  # Hz above its pitch at the onset
    rate: float = 40.0  # of the fall, per second
    level: float = 1.0


@dataclass(frozen=True)
class Metal:
    """A cymbal or a cowbell: square waves out of tune."""

    pitch: float  # of the lowest
    low: float  # Hz: between these it is heard
    high: float
    decay: float
    level: float = 1.0
    voices: int = 6


@dataclass(frozen=True)
class Drum:
    """One drum of a kit."""

    gain: float  # peak
    seconds: float
    bodies: tuple[Body, ...] = ()
    noises: tuple[Noise, ...] = ()
    metals: tuple[Metal, ...] = ()
    pan: float = 0.0  # -1 is left, 1 is right
    width: float = 0.0  # of its noise
    looseness: float = 0.006  # how much its pitch differs from hit to hit; a machine's does not


KICK = 36
RIM = 37
SNARE = 38
CLAP = 39
LOW_TOM = 41
HAT = 42
PEDAL_HAT = 44
TOM = 45
OPEN_HAT = 46
HIGH_TOM = 48
CRASH = 49
RIDE = 51
TAMBOURINE = 54
COWBELL = 56
HIGH_CONGA = 62
LOW_CONGA = 64
SHAKER = 70
CLAVES = 75

HATS = (HAT, PEDAL_HAT, OPEN_HAT)  # one pair of cymbals: the next ends what rings
STAND_INS = {PEDAL_HAT: HAT, LOW_TOM: TOM, HIGH_TOM: TOM}


def _make_cymbals(pitch: float, gain: float = 1.0) -> dict[int, Drum]:
    return {
        CRASH: Drum(
            0.34 * gain,
            2.4,
            noises=(Noise(3200, 15000, 2.6), Noise(5000, 16000, 14, 0.5)),
            metals=(Metal(pitch, 2500, 15000, 3, 0.5),),
            pan=-0.3,
            width=0.5,
        ),
        RIDE: Drum(
            0.17 * gain,
            1.3,
            bodies=(Body(3150, 14, level=0.25), Body(4730, 18, level=0.2)),
            noises=(Noise(5000, 15000, 4, 0.45),),
            metals=(Metal(1.6 * pitch, 4000, 14000, 5, 0.5),),
            pan=0.35,
            width=0.3,
        ),
    }


PERCUSSION = {
    TAMBOURINE: Drum(
        0.2, 0.3, noises=(Noise(6000, 15000, 22, attack=0.004, claps=(0.03,)),), pan=0.3, width=0.3
    ),
    COWBELL: Drum(0.2, 0.35, metals=(Metal(560, 500, 6000, 12, voices=2),), pan=0.25),
    HIGH_CONGA: Drum(
        0.34,
        0.35,
        (Body(340, 16, fall=25), Body(540, 30, level=0.3)),
        (Noise(1500, 7000, 160, 0.4),),
        pan=-0.3,
        looseness=0.015,
    ),
    LOW_CONGA: Drum(
        0.36,
        0.45,
        (Body(205, 11, fall=20), Body(330, 24, level=0.3)),
        (Noise(900, 5000, 140, 0.35),),
        pan=-0.18,
        looseness=0.015,
    ),
    CLAVES: Drum(0.2, 0.12, (Body(2450, 45), Body(2480, 60, level=0.5)), pan=0.35),
    SHAKER: Drum(0.15, 0.12, noises=(Noise(5000, 14000, 38, attack=0.018),), pan=-0.3, width=0.2),
}


def _make_kit(
    drums: dict[int, Drum], cymbals: float = 330, machine: bool = False
) -> dict[int, Drum]:
    """With what all kits share. A machine's drums are never out of tune."""
    kit = {**PERCUSSION, **_make_cymbals(cymbals), **drums}
    if machine:
        kit = {pitch: replace(drum, looseness=0.0015) for pitch, drum in kit.items()}
    return kit


ACOUSTIC = {
    KICK: Drum(
        0.65,
        0.4,
        (Body(56, 13, fall=120), Body(92, 28, level=0.3)),
        (Noise(1800, 9000, 240, 0.4),),
    ),
    SNARE: Drum(
        0.52,
        0.4,
        (Body(190, 24, fall=40, level=0.55), Body(330, 34, level=0.3)),
        (Noise(900, 9000, 15), Noise(4000, 15000, 26, 0.5)),
        width=0.15,
    ),
    CLAP: Drum(0.38, 0.25, noises=(Noise(1100, 6500, 22, claps=(0.008, 0.019)),), width=0.3),
    HAT: Drum(
        0.2,
        0.14,
        noises=(Noise(6000, 15500, 40),),
        metals=(Metal(420, 5500, 14000, 42, 0.5),),
        pan=0.25,
    ),
    PEDAL_HAT: Drum(0.14, 0.12, noises=(Noise(4500, 12000, 60, attack=0.006),), pan=0.25),
    OPEN_HAT: Drum(
        0.2,
        0.7,
        noises=(Noise(5500, 15500, 6),),
        metals=(Metal(420, 5000, 14000, 6, 0.5),),
        pan=0.25,
        width=0.15,
    ),
    LOW_TOM: Drum(
        0.48, 0.7, (Body(82, 7, fall=35, rate=20),), (Noise(400, 3500, 60, 0.25),), pan=-0.4
    ),
    TOM: Drum(
        0.46, 0.6, (Body(112, 8, fall=45, rate=20),), (Noise(500, 4000, 60, 0.25),), pan=-0.1
    ),
    HIGH_TOM: Drum(
        0.44, 0.5, (Body(158, 9, fall=60, rate=20),), (Noise(600, 5000, 60, 0.25),), pan=0.25
    ),
    RIM: Drum(0.28, 0.08, (Body(900, 90), Body(1730, 110, level=0.6)), (Noise(1800, 9000, 120),)),
}

KITS: dict[str, dict[int, Drum]] = {
    "909": _make_kit(
        {
            KICK: Drum(0.7, 0.6, (Body(48, 9, fall=180),), (Noise(800, 10000, 400, 0.3),)),
            SNARE: Drum(
                0.5,
                0.35,
                (Body(185, 22, fall=60, level=0.5),),
                (Noise(900, 9000, 14), Noise(5000, 15000, 30, 0.4)),
                width=0.15,
            ),
            CLAP: Drum(0.46, 0.4, noises=(Noise(900, 5000, 16, claps=(0.012, 0.024)),), width=0.35),
            HAT: Drum(0.24, 0.1, noises=(Noise(7000, 15500, 55),), pan=0.15),
            OPEN_HAT: Drum(0.21, 0.5, noises=(Noise(6000, 15500, 9),), pan=0.15, width=0.15),
            LOW_TOM: Drum(0.45, 0.6, (Body(72, 7, fall=50, rate=20),), pan=-0.35),
            TOM: Drum(0.45, 0.5, (Body(100, 8, fall=60, rate=20),), pan=-0.1),
            HIGH_TOM: Drum(0.42, 0.4, (Body(145, 9, fall=80, rate=20),), pan=0.25),
            RIM: Drum(0.28, 0.06, (Body(1700, 90),), (Noise(1500, 9000, 200, 0.5),), pan=0.2),
        },
        machine=True,
    ),
    "808": _make_kit(
        {
            KICK: Drum(0.58, 1, (Body(44, 5.5, fall=110),), (Noise(800, 8000, 500, 0.18),)),
            SNARE: Drum(
                0.46,
                0.3,
                (Body(210, 20, level=0.7), Body(330, 30, level=0.3)),
                (Noise(1500, 10000, 18, 0.8),),
                width=0.1,
            ),
            CLAP: Drum(
                0.42, 0.45, noises=(Noise(900, 5000, 13, claps=(0.01, 0.021, 0.032)),), width=0.4
            ),
            HAT: Drum(0.22, 0.08, metals=(Metal(205, 7000, 15500, 70),), pan=0.15),
            OPEN_HAT: Drum(0.2, 0.6, metals=(Metal(205, 6500, 15500, 7),), pan=0.15),
            LOW_TOM: Drum(0.45, 0.8, (Body(66, 5, fall=25, rate=15),), pan=-0.35),
            TOM: Drum(0.45, 0.7, (Body(90, 6, fall=30, rate=15),), pan=-0.1),
            HIGH_TOM: Drum(0.42, 0.6, (Body(130, 7, fall=40, rate=15),), pan=0.25),
            RIM: Drum(0.26, 0.06, (Body(1500, 110), Body(490, 120, level=0.4)), pan=0.2),
            COWBELL: Drum(0.2, 0.4, metals=(Metal(540, 500, 5000, 9, voices=2),), pan=0.25),
            HIGH_CONGA: Drum(0.34, 0.35, (Body(370, 13),), pan=-0.3),
            LOW_CONGA: Drum(0.36, 0.45, (Body(185, 9),), pan=-0.2),
        },
        cymbals=205,
        machine=True,
    ),
    "acoustic": _make_kit(ACOUSTIC),
    # cut from records, with a low tone under the kick
    "boom bap": _make_kit(
        {
            **ACOUSTIC,
            KICK: Drum(
                0.84,
                0.55,
                (Body(53, 7, fall=110), Body(92, 28, level=0.2)),
                (Noise(1200, 7000, 220, 0.35),),
            ),
        }
    ),
    "brushes": _make_kit(
        {
            **ACOUSTIC,
            KICK: Drum(0.42, 0.45, (Body(64, 12, fall=50),), (Noise(600, 3500, 160, 0.2),)),
            SNARE: Drum(
                0.34,
                0.4,
                (Body(200, 30, level=0.25),),
                (Noise(1500, 12000, 18, attack=0.012), Noise(3000, 15000, 60, 0.5)),
                width=0.3,
            ),
            HAT: Drum(0.15, 0.12, noises=(Noise(6000, 15000, 45),), pan=0.3),
            RIDE: Drum(
                0.22,
                1.6,
                (Body(3350, 16, level=0.4), Body(5100, 20, level=0.3)),
                (Noise(5000, 15500, 3.5, 0.5),),
                (Metal(560, 4000, 14000, 4, 0.5),),
                pan=0.35,
                width=0.35,
            ),
        },
        cymbals=380,
    ),
    "rock": _make_kit(
        {
            **ACOUSTIC,
            KICK: Drum(
                0.7,
                0.35,
                (Body(52, 14, fall=150), Body(88, 30, level=0.3)),
                (Noise(2500, 9000, 190, 0.7),),
            ),
            SNARE: Drum(
                0.6,
                0.55,
                (Body(205, 20, fall=50, level=0.6), Body(360, 30, level=0.35)),
                (Noise(900, 10000, 11), Noise(4000, 15500, 20, 0.6)),
                width=0.3,
            ),
        }
    ),
    "lo-fi": _make_kit(
        {
            KICK: Drum(0.78, 0.5, (Body(50, 7.5, fall=110),), (Noise(500, 4000, 200, 0.3),)),
            SNARE: Drum(0.48, 0.3, (Body(170, 25, fall=30, level=0.7),), (Noise(700, 6500, 19),)),
            CLAP: Drum(0.36, 0.3, noises=(Noise(800, 5000, 20, claps=(0.013, 0.026)),), width=0.3),
            HAT: Drum(0.18, 0.1, noises=(Noise(4500, 11000, 60),), pan=0.15, looseness=0.02),
            OPEN_HAT: Drum(0.16, 0.4, noises=(Noise(4000, 10000, 11),), pan=0.15, looseness=0.02),
            LOW_TOM: Drum(0.42, 0.5, (Body(68, 9, fall=40, rate=20),), pan=-0.3),
            TOM: Drum(0.42, 0.4, (Body(88, 10, fall=40, rate=20),), pan=-0.1),
            HIGH_TOM: Drum(0.4, 0.35, (Body(125, 11, fall=50, rate=20),), pan=0.2),
            RIM: Drum(0.26, 0.06, (Body(1200, 100),), (Noise(900, 6000, 200, 0.4),), pan=0.2),
        }
    ),
    # an eighties' kit: snare and toms with a gated room, as on P. Collins, In the Air Tonight
    "80s": _make_kit(
        {
            **ACOUSTIC,
            KICK: Drum(0.68, 0.4, (Body(54, 12, fall=150),), (Noise(1500, 9000, 260, 0.4),)),
            SNARE: Drum(
                0.55,
                0.5,
                (Body(190, 18, fall=50, level=0.6),),
                (Noise(900, 9000, 16), Noise(700, 9000, 3, 0.4, attack=0.015, gate=0.26)),
                width=0.6,
            ),
            LOW_TOM: Drum(
                0.5,
                0.7,
                (Body(80, 6, fall=70, rate=12),),
                (Noise(400, 5000, 3, 0.2, gate=0.35),),
                pan=-0.4,
                width=0.6,
            ),
            TOM: Drum(
                0.5,
                0.6,
                (Body(110, 7, fall=90, rate=12),),
                (Noise(400, 5000, 3, 0.2, gate=0.35),),
                pan=-0.1,
                width=0.6,
            ),
            HIGH_TOM: Drum(
                0.48,
                0.6,
                (Body(155, 8, fall=120, rate=12),),
                (Noise(400, 5000, 3, 0.2, gate=0.3),),
                pan=0.25,
                width=0.6,
            ),
        },
        machine=True,
    ),
    # no sticks: congas, shakers, claves and a soft low drum
    "hand percussion": _make_kit(
        {
            KICK: Drum(0.5, 0.5, (Body(70, 9, fall=30, rate=20),), (Noise(500, 3000, 120, 0.2),)),
            SNARE: Drum(
                0.4,
                0.3,
                (Body(290, 22, fall=30, level=0.7),),
                (Noise(1500, 9000, 70, 0.8),),
                looseness=0.015,
            ),
            CLAP: Drum(0.36, 0.2, noises=(Noise(1300, 8000, 30, claps=(0.01,)),), width=0.35),
            HAT: Drum(0.17, 0.1, noises=(Noise(5500, 15000, 45, attack=0.012),), pan=0.25),
            OPEN_HAT: Drum(
                0.17, 0.25, noises=(Noise(5000, 15000, 14, attack=0.02),), pan=0.25, width=0.2
            ),
            LOW_TOM: Drum(0.42, 0.5, (Body(120, 9, fall=20),), pan=-0.3),
            TOM: Drum(0.42, 0.45, (Body(175, 11, fall=20),), pan=-0.15),
            HIGH_TOM: Drum(0.4, 0.4, (Body(250, 13, fall=20),), pan=0.2),
            RIM: Drum(0.26, 0.1, (Body(2450, 50), Body(1100, 70, level=0.3)), pan=0.3),
        }
    ),
}
