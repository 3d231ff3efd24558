"""The rhythms of chords in every style, as data, and in other meters.

A rhythm has a character for every 16th of a 4/4 bar: "." rests, "-" holds on. x is the whole chord,
X accented, o soft, ? only where it is lively; b its lowest note, t all above that; d and u are a
guitar's down and up strokes; numbers are single notes, counted from below.
"""

from __future__ import annotations

from .meter import BarMeter

WHOLE = "x---------------"
HALVES = "x-------x-------"
QUARTERS = "x---x---x---x---"
PUSHED = "x-----x---------"
OFFBEATS = "..x...x...x...x."
STRUMMED = "d---d-u-..u-d-u-"
RHYTHMS: dict[str, tuple[str, ...]] = {
    "house": (
        "x..x..x...x..x..",
        "..x-..x-..x-..x-",
        "x--x--x---------",
        WHOLE,
        ".x..x..x.x..x...",
        "..x..x..x..x..x?",
        "x..x..x-..x..x--",
        "..xo..x...xo..x.",
    ),
    "techno": (
        "..x....x..x.....",
        "x..x..x..x..x..?",
        "1.2.3.2.1.2.3.2.",
        WHOLE,
        "...x...x...x..?x",
        "..x.......?...x.",
        "123.123.123.123.",
        "x.......x..x....",
    ),
    "drum and bass": (
        WHOLE,
        "x-------x-----x-",
        PUSHED,
        "..x-----..x---?-",
        "1---2---3---4---",
        "x--x--x-..x--x--",
        "x-----------x---",
        "..x..x..x...?...",
    ),
    "hip hop": (
        WHOLE,
        "x-----x-x-------",
        "x.......x-x-..?.",
        HALVES,
        "x---..x-..x-....",
        "....x-......x-?.",
        "b---t-------t-..",
        "x--x--......x---",
    ),
    "trap": (
        WHOLE,
        "1---2---3---2---",
        "x-----------x---",
        "1-2-3-1-2-3-2-3-",
        "x-----x-----x---",
        "1--2--3--1--2-3-",
        "t---------t-----",
        "1-3-2-3-1-3-2-4-",
    ),
    "lo-fi": (
        WHOLE,
        HALVES,
        PUSHED,
        "x..x--..x..x--..",
        "b-t-----b-t-----",
        "x----.x--.x-----",
        "x-----..x---x-o-",
        "1-2-3-4---------",
    ),
    "rock": (
        "x-x-x-x-x-x-x-x-",
        WHOLE,
        "x--x--x-x--x--x-",
        "x---x-x-..x-x-x-",
        "X-xoX-xoX-xoX-xo",
        STRUMMED,
        "x-----x-x-----x-",
        "x...x...x-x-x-x-",
        "xoxoxoxoxoxoxoxo",
    ),
    "pop": (
        WHOLE,
        HALVES,
        QUARTERS,
        "x--x--x-x--x--x-",
        STRUMMED,
        "1-2-3-2-1-2-3-2-",
        "b-t-t-t-b-t-t-t-",
        "x-----x-..x-x-?-",
        "..x-..x-..x-..x-",
    ),
    "reggae": (
        OFFBEATS,
        "..xo..xo..xo..xo",
        "....x.......x...",
        "..x...x...x...x?",
        "..d...d...d...du",
        ".oxo.oxo.oxo.oxo",
        "....x-......x-..",
        "..x.x.....x.x...",
    ),
    "synthwave": (
        WHOLE,
        "1231231231231231",
        "1-2-3-2-1-2-3-2-",
        "x--x--x---------",
        "1.2.3.4.3.2.1.2.",
        QUARTERS,
        "x-----x---x-----",
        "1213121312131213",
    ),
    "funk": (
        "..x..x....x..x..",
        "x..x..x...x.....",
        "....xo......x.x.",
        "x.x..x.x..x...?.",
        "d.du.d.ud.du.d.u",
        "..x.x..x.x..x...",
        "x..xo.......x...",
        ".x..x..x.x..x..x",
    ),
    "ambient": (
        WHOLE,
        "1---2---3---2---",
        "1-2-3-4-3-2-1-2-",
        "x-------t-------",
        "1-----2-----3---",
        "....x-----------",
        "b---t-----------",
        "1---3---2---4---",
    ),
    "disco": (
        OFFBEATS,
        "x.x..x..x.x..x..",
        "d.dud.dud.dud.du",
        "x--x--x---x-----",
        "x-------x-x-x---",
        "..x.x...x.x..x?.",
        "x...x.x...x.x...",
        "1.3.2.3.1.3.2.3.",
    ),
    "r&b": (
        WHOLE,
        PUSHED,
        "x------x--x-----",
        "x---..x-..x-x---",
        "b--t--..t-----..",
        "1-2-3-4-3-------",
        "x--x----..x-..o.",
        "..x-----..x--x--",
    ),
    "jazz": (
        "x-....x-........",
        "......x-......x-",
        "..x-......x-..?.",
        "x-......x-......",
        "......x-..x-....",
        "..x-..x-......x-",
        "x-------......x-",
        "x-..o-..x-..o-..",
    ),
    "bossa nova": (
        "x--x--..x--x--..",
        "b-t-..t-b-t-t-..",
        "t..t..t...t..t..",
        "x-..x-x-..x-..x-",
        "b--tt.t.b--t..t.",
        "..x-..x-.x-..x-.",
        "b-t-.tb-.tb-t-..",
        "x---..x-x---x-o-",
    ),
    "metal": (
        "xooxooxoxooxooxo",
        "X.ooX.ooX.ooX.oo",
        "x-x-x-x-x-x-x-x-",
        "xo.xo.xo.xo.xo.x",
        "x-----x-----x---",
        "xoo.xoo.xoo.xoo.",
        "x---x-xox---x-xo",
        WHOLE,
        "X..oX..oX..oX.o.",
    ),
    "country": (
        "b---t---b---t---",
        "b---d-u-b---d-u-",
        STRUMMED,
        "1-3-2-3-1-4-2-3-",
        "b-t-o-t-b-t-o-t-",
        "d---d---d---d-u-",
        WHOLE,
        "x-------x---x---",
    ),
    "uk garage": (
        ".x..x..x..x..x..",
        "..x..x...x..x...",
        "x..x..x...x...?.",
        "x.....x..x......",
        WHOLE,
        "...x..x....x..x.",
        "..x-..x-..x-..x.",
        "x..x-...x..x-...",
    ),
    "afrobeats": (
        "x..x..x...x.x...",
        OFFBEATS,
        ".x..x..x.x..x...",
        "x..x...x..x.x...",
        "1.3.2..31.3.2...",
        "x--x--x---x-x---",
        "..x..x....x..x..",
        "d..du..d..du..d.",
    ),
}
# What stands for a rhythm in three four, and in six eight (two beats of six 16ths), by its texture.
WALTZES = {
    "held": ("x-----------", "x-------x---", "x---------x-", "x---t-------", "x-----x-----"),
    "struck": (
        "b---t---t---",
        "....x...x...",
        "x..x..x...?.",
        "..x-..x-..x-",
        "b...x.o.x...",
        "x.....x...x.",
    ),
    "broken": ("1-2-3-4-3-2-", "1---2---3---", "1-2-3-2-3-2-", "1-3-2-3-4-3-"),
    "strummed": ("d---d-u-d-u-", "d---d---d-u-", "d-..d-u-d-u-"),
}
JIGS = {
    "held": ("x-----------", "x-----x-----", "x---------x-", "x-------x---"),
    "struck": ("x.....x...x.", "....x.....x.", "b.t.t.b.t.t.", "x---x-x---x-", "x.o.x.x.o.x."),
    "broken": ("1-2-3-4-3-2-", "1-3-2-4-2-3-", "1-2-3-2-3-2-", "1-2-3-1-2-3-"),
    "strummed": ("d---u-d---u-", "d---u-d-u-u-", "d-----d---u-"),
}


def find_texture(rhythm: str) -> str:
    """ "held", "struck", "broken" (single notes) or "strummed"."""
    if any(symbol.isdigit() for symbol in rhythm):
        return "broken"
    if "d" in rhythm:
        return "strummed"
    return "held" if rhythm.count("-") >= 10 else "struck"


def fit_rhythm(rhythm: str, meter: BarMeter, index: int) -> str:
    """A rhythm in another meter, one symbol a step: three four and six eight have their own, in
    others whole beats are repeated, left out, and held on. Bars of less than two beats share one;
    `index` is which of them it is.
    """
    if meter.steps < 8:
        return "".join(rhythm[(index * meter.steps + step) % 16] for step in range(meter.steps))
    size = 4
    if meter.groups == (4, 4, 4) or meter.is_compound:
        table = (JIGS if meter.is_compound else WALTZES)[find_texture(rhythm)]
        rhythm = table[sum(map(ord, rhythm)) % len(table)]
        size = 6 if meter.is_compound else 4
    beats = [rhythm[begin : begin + size] for begin in range(0, len(rhythm), size)]
    return "".join(
        beats[beat % len(beats)].ljust(length, "-" if "-" in rhythm else ".")[:length]
        for beat, length in enumerate(meter.groups)
    )
