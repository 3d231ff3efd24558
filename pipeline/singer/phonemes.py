"""The sounds of which words are made: ARPABET, and what other languages need besides.

ARPABET's names are those of CMUdict, without digits for stress; AX is the schwa. A name of `ADDED`
says which of ARPABET's sounds is nearest to it, and how the mouth differs from that one.
"""

from __future__ import annotations

from typing import NamedTuple

ARPABET_VOWELS = frozenset(
    {
        "AA",  # father
        "AE",  # cat
        "AH",  # cut
        "AO",  # caught
        "AW",  # how
        "AX",  # about, sofa
        "AY",  # my
        "EH",  # bed
        "ER",  # bird, letter
        "EY",  # day
        "IH",  # sit
        "IY",  # see
        "OW",  # go
        "OY",  # boy
        "UH",  # book
        "UW",  # blue
    }
)
ARPABET_CONSONANTS = frozenset(
    {
        "B",  # be
        "CH",  # cheese
        "D",  # day
        "DH",  # this
        "F",  # far
        "G",  # go
        "HH",  # he
        "JH",  # joy
        "K",  # key
        "L",  # love
        "M",  # me
        "N",  # no
        "NG",  # sing
        "P",  # pay
        "R",  # red
        "S",  # see
        "SH",  # she
        "T",  # to
        "TH",  # thin
        "V",  # very
        "W",  # we
        "Y",  # yes
        "Z",  # zoo
        "ZH",  # measure
    }
)


class Added(NamedTuple):
    """A sound that English lacks."""

    ipa: str
    nearest: str  # of ARPABET
    example: str
    articulation: str  # how it differs from the nearest


ADDED_VOWELS = {
    "A": Added("a", "AA", "Spanish casa", "open, between AA and AE: the tongue in the middle"),
    "E": Added("e", "EY", "French été", "EY's beginning, held: no glide"),
    "O": Added("o", "OW", "French eau", "rounder and further back than OW begins, no glide"),
    "UE": Added("y", "IY", "German süß, French lune", "IY's tongue, UW's lips"),
    "OE": Added("ø", "EY", "German schön, French peu", "E's tongue, O's lips"),
    "OEH": Added("œ", "EH", "French cœur", "EH's tongue, AO's lips"),
    "IX": Added("ɨ", "IH", "Mandarin si, zhi", "high, the tongue behind the teeth or curled"),
    "EU": Added("ɤ", "UH", "Mandarin le", "O's tongue, the lips spread"),
    "AN": Added("ɑ̃", "AA", "French sans", "AA through the nose as well"),
    "EN": Added("ɛ̃", "EH", "French vin", "EH, more open, through the nose as well"),
    "ON": Added("ɔ̃", "OW", "French bon", "O through the nose as well"),
    "IN": Added("ĩ", "IY", "Portuguese sim", "IY through the nose as well"),
    "UN": Added("ũ", "UW", "Portuguese um", "UW through the nose as well"),
    "MM": Added("m̩", "M", "mm, hmm", "hummed with the lips closed: a syllable of M"),
    "NN": Added("n̩", "N", "Japanese hon, at its end", "a syllable of N"),
}
ADDED_CONSONANTS = {
    "RR": Added("r", "D", "Spanish rosa", "trilled: two or three taps of the tongue's tip"),
    "DX": Added("ɾ", "D", "Spanish pero, Japanese ra", "one tap, 25 ms"),
    "RX": Added("ʁ", "HH", "French rue, German rot", "friction at the uvula, voiced, weak"),
    "X": Added("x", "HH", "German ach, Spanish jota", "friction where K closes, no voice"),
    "C": Added("ç", "SH", "German ich", "friction where Y narrows, no voice"),
    "NY": Added("ɲ", "N", "Spanish niño, Italian gnocchi", "N with the tongue's middle, as Y"),
    "LY": Added("ʎ", "L", "Italian figlio", "L with the tongue's middle, as Y"),
    "TS": Added("ts", "T", "German zu, Italian grazie", "T that opens into S"),
    "DZ": Added("dz", "D", "Italian zero", "D that opens into Z"),
    "WY": Added("ɥ", "W", "French nuit, Mandarin yue", "Y's tongue, W's lips"),
}
ADDED = ADDED_VOWELS | ADDED_CONSONANTS

VOWELS = ARPABET_VOWELS | ADDED_VOWELS.keys()
CONSONANTS = ARPABET_CONSONANTS | ADDED_CONSONANTS.keys()
