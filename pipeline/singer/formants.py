"""How the mouth makes every sound of phonemes.py: resonances, closures and noises, in figures of a
man's voice.

Formants: D. Klatt, JASA 67 (1980) 971; G. Peterson and H. Barney, JASA 24 (1952) 175;
J. Hillenbrand et al., JASA 97 (1995) 3099. Loci: H. Sussman et al., JASA 90 (1991) 1309. Friction:
A. Jongman et al., JASA 108 (2000) 1252. Bursts: S. Blumstein and K. Stevens, JASA 66 (1979) 1001.
What they say of speech is a beginning: the figures are those with which recognisers heard sung
words best.
"""

from __future__ import annotations

from typing import NamedTuple

Formants = tuple[float, float, float]  # F1, F2 and F3 in Hz


class Vowel(NamedTuple):
    """A vowel's formants, where they go late in a diphthong, and its share of the nose, 0 to 1."""

    formants: Formants
    glide: Formants | None = None
    nasal: float = 0.0


class Consonant(NamedTuple):
    """A consonant: it is shut for `closure` ms, rubs for `friction` and breathes for `aspiration`,
    or it resonates for `hold`.
    """

    locus: Formants  # where its formants are, or seem to come from; F1 of 0 is the vowel's
    grip: float  # how firmly F2 and F3 stay there: at 0 they are the neighbouring vowel's
    closure: int = 0
    friction: int = 0
    aspiration: int = 0
    hold: int = 0
    voice: float | None = None  # dB of voicing against a vowel's; None: it has none
    noise: str = ""  # of `NOISES`: what its friction sounds like
    level: float = 0.0  # dB of the friction
    zero: float = 0.0  # Hz that the closed mouth swallows where the sound goes through the nose
    taps: int = 0  # of the tongue, within `hold`
    transition: int = 50  # ms in which a vowel's formants come from it, or go there


class Hump(NamedTuple):
    """A part of a noise's spectrum, a bell over octaves: 4 dB down at `octaves` from its middle."""

    hertz: float
    octaves: float
    decibels: float = 0.0


VOWELS = {
    "IY": Vowel((290, 2200, 2980)),
    "IH": Vowel((400, 1890, 2570)),
    "EH": Vowel((550, 1760, 2500)),
    "AE": Vowel((680, 1700, 2430)),
    "AA": Vowel((760, 1120, 2550)),
    "AO": Vowel((550, 850, 2500)),
    "AH": Vowel((620, 1260, 2600)),
    "UH": Vowel((450, 1060, 2300)),
    "UW": Vowel((320, 920, 2230)),
    "ER": Vowel((480, 1300, 1620)),
    "AX": Vowel((560, 1350, 2600)),
    "EY": Vowel((470, 1900, 2550), (320, 2150, 2750)),
    "OW": Vowel((530, 1000, 2400), (370, 820, 2300)),
    "AY": Vowel((720, 1220, 2550), (360, 2020, 2600)),
    "AW": Vowel((710, 1240, 2550), (390, 880, 2350)),
    "OY": Vowel((550, 900, 2400), (360, 1950, 2550)),
    "A": Vowel((730, 1350, 2500)),
    "E": Vowel((400, 2020, 2620)),
    "O": Vowel((420, 820, 2450)),
    "UE": Vowel((280, 1850, 2200)),
    "OE": Vowel((390, 1500, 2250)),
    "OEH": Vowel((530, 1450, 2350)),
    "IX": Vowel((340, 1500, 2500)),
    "EU": Vowel((460, 1150, 2450)),
    "AN": Vowel((640, 1000, 2550), nasal=0.7),
    "EN": Vowel((620, 1500, 2500), nasal=0.7),
    "ON": Vowel((470, 800, 2500), nasal=0.7),
    "IN": Vowel((300, 2200, 2950), nasal=0.6),
    "UN": Vowel((330, 850, 2250), nasal=0.6),
    "MM": Vowel((300, 1100, 2200), nasal=1.0),
    "NN": Vowel((300, 1550, 2500), nasal=1.0),
}
NASAL_ZERO = 1000.0  # Hz: a nasal vowel's

CONSONANTS = {
    "B": Consonant((220, 900, 2200), 0.7, 60, 12, voice=-17, noise="P", level=-12, transition=40),
    "P": Consonant((350, 900, 2200), 0.7, 75, 10, 45, noise="P", level=-9, transition=40),
    "D": Consonant((230, 1750, 2700), 0.6, 55, 16, voice=-17, noise="T", level=-12),
    "T": Consonant((350, 1750, 2700), 0.6, 70, 16, 45, noise="T", level=-7),
    "G": Consonant((230, 2420, 2520), 0.83, 55, 24, voice=-17, noise="K", level=-11, transition=60),
    "K": Consonant((350, 2420, 2520), 0.83, 70, 18, 45, noise="K", level=-7, transition=60),
    "CH": Consonant((320, 1850, 2600), 0.7, 60, 90, noise="SH", level=-9),
    "JH": Consonant((250, 1850, 2600), 0.7, 50, 60, voice=-17, noise="SH", level=-13),
    "TS": Consonant((330, 1650, 2600), 0.6, 60, 95, noise="S", level=-10),
    "DZ": Consonant((240, 1650, 2600), 0.6, 50, 60, voice=-17, noise="S", level=-14),
    "F": Consonant((340, 1050, 2200), 0.3, friction=105, noise="F", level=-21, transition=45),
    "V": Consonant((260, 1050, 2200), 0.3, 0, 70, voice=-8, noise="F", level=-28, transition=45),
    "TH": Consonant((330, 1400, 2600), 0.5, friction=100, noise="TH", level=-22),
    "DH": Consonant((270, 1400, 2600), 0.5, friction=55, voice=-8, noise="TH", level=-29),
    "S": Consonant((330, 1650, 2600), 0.6, friction=115, noise="S", level=-10),
    "Z": Consonant((260, 1650, 2600), 0.6, friction=85, voice=-9, noise="S", level=-15),
    "SH": Consonant((320, 1850, 2600), 0.7, friction=120, noise="SH", level=-8),
    "ZH": Consonant((270, 1850, 2600), 0.7, friction=85, voice=-9, noise="SH", level=-13),
    "HH": Consonant((0, 0, 0), 0.0, aspiration=75),
    "X": Consonant((450, 1300, 2400), 0.3, friction=105, noise="X", level=-12),
    "C": Consonant((300, 2100, 2900), 0.8, friction=110, noise="C", level=-12),
    "RX": Consonant((450, 1150, 2450), 0.6, friction=75, voice=-6, noise="X", level=-22),
    "M": Consonant((300, 950, 2150), 0.45, hold=80, voice=-2, zero=1000, transition=40),
    "N": Consonant((300, 1650, 2600), 0.6, hold=75, voice=-2, zero=1700),
    "NG": Consonant((300, 2420, 2520), 0.83, hold=85, voice=-2, zero=3200, transition=60),
    "NY": Consonant((300, 2200, 2900), 0.9, hold=85, voice=-2, zero=2300, transition=80),
    "L": Consonant((350, 1050, 2800), 0.85, hold=70, voice=-5, transition=45),
    "LY": Consonant((300, 2100, 2900), 0.9, hold=80, voice=-5, transition=80),
    "R": Consonant((330, 1120, 1480), 0.95, hold=70, voice=-5, transition=75),
    "W": Consonant((290, 640, 2200), 0.95, hold=60, voice=-5, transition=80),
    "Y": Consonant((270, 2250, 3000), 0.95, hold=55, voice=-5, transition=65),
    "WY": Consonant((270, 1900, 2200), 0.95, hold=55, voice=-5, transition=65),
    "DX": Consonant((300, 1700, 2600), 0.6, hold=28, voice=0, taps=1, transition=30),
    "RR": Consonant((400, 1400, 2300), 0.6, hold=110, voice=0, taps=3, transition=40),
}  # fmt: skip
# Behind their vowel, where the tongue only points there: half a vowel themselves.
CODA_CONSONANTS = CONSONANTS | {
    "R": Consonant((470, 1250, 1620), 0.9, hold=105, voice=-1, transition=90),
    "L": Consonant((440, 950, 2700), 0.85, hold=90, voice=-2, transition=60),
}
# K, G and NG are made where their vowel is: so in front of the palate, and behind it like this.
VELARS = frozenset({"K", "G", "NG"})
FRONT = 1650.0  # Hz of a vowel's F2: a higher one is made in front
BACK_VELAR = (2700.0, 1900.0)  # Hz: locus of F2 and F3 beside other vowels
BACK_VELAR_GRIP = 0.2
# What is shut at the same place: one stop goes into the other without being let go.
PLACES = {"P": "lips", "T": "ridge", "S": "ridge", "SH": "ridge", "K": "palate"}

NOISES = {
    "P": (Hump(500, 1.2), Hump(1400, 1.0, -4)),
    "T": (Hump(4600, 0.5), Hump(8000, 0.6, -3)),
    "K": (Hump(1750, 0.22), Hump(3800, 0.4, -14)),
    "K front": (Hump(2450, 0.22), Hump(4500, 0.4, -14)),
    "K back": (Hump(1380, 0.25), Hump(3500, 0.4, -22)),
    "S": (Hump(6200, 0.32), Hump(9000, 0.4, -3)),
    "SH": (Hump(2900, 0.32), Hump(4600, 0.45, -3)),
    "F": (Hump(1300, 1.0), Hump(4500, 1.0, 2), Hump(9000, 0.6, 2)),
    "TH": (Hump(1500, 0.8, -2), Hump(4500, 1.0, 1), Hump(8000, 0.6, 2)),
    "X": (Hump(1400, 0.35), Hump(3600, 0.5, -10)),
    "C": (Hump(3400, 0.35), Hump(5200, 0.5, -5)),
}
