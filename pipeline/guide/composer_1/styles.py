"""The styles, as data: tempos, swing and the patterns that each part plays."""

from __future__ import annotations

from typing import NamedTuple


class FirstLeadRhythm(NamedTuple):
    """How many notes a lead has in a bar, and where."""

    fewest: int
    most: int
    grid: int  # in steps: notes start on its multiples
    longest: int  # steps that a note is held at most


class FirstStyle(NamedTuple):
    """How a style plays. A step is a 16th; patterns have one character per step of a 4/4 bar: "."
    rests, "-" holds on.

    Drums: X loud, x, o soft, ? soft and only sometimes. Bass: 1 3 5 8 of the chord, "a" leads to
    the next one; "kick" follows the kick. Chords: x all notes, 1 2 3 4 one of them.
    """

    bpm: tuple[int, int]  # lowest and highest
    voices: int  # notes in a chord
    lead: FirstLeadRhythm
    swing: float  # how late every second step is, in steps
    minor: float  # how often a key is minor
    drums: tuple[dict[str, str], ...]
    bass: tuple[str, ...]
    chords: tuple[str, ...]


FOUR_FLOOR = "X...X...X...X..."
BACKBEAT = "....X.......X..."
HALF_TIME = "........X......."
OFFBEATS = "..x...x...x...x."
EIGHTHS = "x.x.x.x.x.x.x.x."
SIXTEENTHS = "xoxoxoxoxoxoxoxo"
WHOLE = "x---------------"
HALVES = "x-------x-------"
STYLES = {
    "house": FirstStyle(
        bpm=(116, 130),
        voices=4,
        lead=FirstLeadRhythm(3, 6, 2, 4),
        swing=0.1,
        minor=0.6,
        drums=(
            {
                "kick": FOUR_FLOOR,
                "clap": BACKBEAT,
                "open hat": OFFBEATS,
                "closed hat": "o.o.o.o.o.o.o.o?",
            },
            {
                "kick": "X...X...X...X..?",
                "clap": "....x.......x..o",
                "closed hat": OFFBEATS,
                "shaker": SIXTEENTHS,
            },
            {"kick": FOUR_FLOOR, "clap": BACKBEAT, "open hat": OFFBEATS, "rim": "...x..x....x..x."},
        ),
        bass=("..1-..1-..1-..1-", "1..1..1...1..5..", "..1...1...8...1a"),
        chords=("x..x..x...x..x..", "..x-..x-..x-..x-", "x--x--x---------", WHOLE),
    ),
    "techno": FirstStyle(
        bpm=(124, 145),
        voices=3,
        lead=FirstLeadRhythm(2, 5, 1, 2),
        swing=0.0,
        minor=0.9,
        drums=(
            {"kick": FOUR_FLOOR, "open hat": OFFBEATS, "closed hat": SIXTEENTHS},
            {
                "kick": FOUR_FLOOR,
                "open hat": OFFBEATS,
                "rim": "...x..x....x..x.",
                "clap": "............x..?",
            },
            {
                "kick": FOUR_FLOOR,
                "closed hat": "..X...X...X...X.",
                "tom": "...o..x....o.x..",
                "shaker": SIXTEENTHS,
            },
        ),
        bass=(".111.111.111.111", "1.81.181.1811.81", "1..1..1..1..1.1."),
        chords=("..x....x..x.....", "x..x..x..x..x...", "1.2.3.2.1.2.3.2.", WHOLE),
    ),
    "drum and bass": FirstStyle(
        bpm=(160, 180),
        voices=3,
        lead=FirstLeadRhythm(2, 5, 2, 8),
        swing=0.0,
        minor=0.8,
        drums=(
            {"kick": "X.........X.....", "snare": BACKBEAT, "closed hat": EIGHTHS},
            {"kick": "X.X.......XX....", "snare": "....X..o.o..X..o", "closed hat": EIGHTHS},
            {
                "kick": "X.........X..?..",
                "snare": "....X..?....X...",
                "shaker": SIXTEENTHS,
                "open hat": "..x...?...x.....",
            },
        ),
        bass=("1-------........", "1-----1---5---1-", "1--1--1-----8-a-", "1---------3---5-"),
        chords=(WHOLE, "x-------x-----x-", "x-----x---------"),
    ),
    "hip hop": FirstStyle(
        bpm=(80, 100),
        voices=4,
        lead=FirstLeadRhythm(3, 6, 2, 6),
        swing=0.25,
        minor=0.7,
        drums=(
            {"kick": "X.....x.x.......", "snare": BACKBEAT, "closed hat": EIGHTHS},
            {"kick": "X..x......x..x..", "snare": BACKBEAT, "closed hat": "x.x.x.xox.x.x.x?"},
            {
                "kick": "X.......x.x....o",
                "clap": BACKBEAT,
                "closed hat": EIGHTHS,
                "open hat": "......x.........",
            },
        ),
        bass=("kick", "1--...1.1---..a-", "1---..5-1---...."),
        chords=(WHOLE, "x-----x-x-------", "x..-....x-x-....", HALVES),
    ),
    "trap": FirstStyle(
        bpm=(120, 160),
        voices=3,
        lead=FirstLeadRhythm(3, 7, 2, 4),
        swing=0.0,
        minor=0.9,
        drums=(
            {"kick": "X......x..x.....", "clap": HALF_TIME, "closed hat": "x.x.x.xxx.x.xxx."},
            {"kick": "X.....x.....x...", "clap": HALF_TIME, "closed hat": "xoxoxoxxxoxoxo??"},
            {
                "kick": "X..x......x....x",
                "snare": HALF_TIME,
                "closed hat": EIGHTHS,
                "open hat": "....x...........",
            },
        ),
        bass=("kick", "1-----1---1-----", "1------8--5-----"),
        chords=(WHOLE, "1---2---3---2---", "x-----------x---", "1-2-3-1-2-3-2-3-"),
    ),
    "lo-fi": FirstStyle(
        bpm=(66, 92),
        voices=4,
        lead=FirstLeadRhythm(2, 5, 2, 6),
        swing=0.3,
        minor=0.6,
        drums=(
            {
                "kick": "X.....x...x.....",
                "snare": "....x.......x...",
                "closed hat": EIGHTHS,
                "shaker": OFFBEATS,
            },
            {
                "kick": "X..x......x.....",
                "rim": "....x.......x...",
                "closed hat": "x.o.x.o.x.o.x.o?",
            },
            {"kick": "X.......x.x.....", "snare": "....x..?....x...", "closed hat": EIGHTHS},
        ),
        bass=("1---..5-1---..8-", "1-----1-3-..5---", "1-------5-----a-", "kick"),
        chords=(WHOLE, HALVES, "x-----x---------", "x..x--..x..x--.."),
    ),
    "rock": FirstStyle(
        bpm=(90, 150),
        voices=2,
        lead=FirstLeadRhythm(3, 7, 2, 6),
        swing=0.0,
        minor=0.5,
        drums=(
            {"kick": "X.......X.X.....", "snare": BACKBEAT, "closed hat": EIGHTHS},
            {"kick": "X.X.....X.......", "snare": BACKBEAT, "open hat": FOUR_FLOOR},
            {
                "kick": "X.....x.X.x.....",
                "snare": "....X..o....X...",
                "closed hat": "X.x.X.x.X.x.X.x.",
            },
            {"kick": FOUR_FLOOR, "snare": BACKBEAT, "tom": "..x...x...x...xx"},
        ),
        bass=("1-1-1-1-1-1-1-1-", "1-1-1-1-5-5-8-a-", "1---..1-1---..a-"),
        chords=("x-x-x-x-x-x-x-x-", WHOLE, "x--x--x-x--x--x-", "x---x-x-..x-x-x-"),
    ),
    "pop": FirstStyle(
        bpm=(90, 130),
        voices=3,
        lead=FirstLeadRhythm(4, 7, 2, 6),
        swing=0.0,
        minor=0.3,
        drums=(
            {"kick": "X.....x.x.......", "clap": BACKBEAT, "closed hat": EIGHTHS},
            {"kick": FOUR_FLOOR, "snare": BACKBEAT, "closed hat": OFFBEATS},
            {
                "kick": "X..x..x.........",
                "snare": BACKBEAT,
                "closed hat": EIGHTHS,
                "shaker": SIXTEENTHS,
            },
        ),
        bass=("1-1-1-1-1-1-1-1-", "1--1--1-1--1--a-", "1-----1-5---1---", "kick"),
        chords=(WHOLE, HALVES, "x---x---x---x---", "x--x--x-x--x--x-"),
    ),
    "reggae": FirstStyle(
        bpm=(66, 90),
        voices=3,
        lead=FirstLeadRhythm(2, 5, 2, 4),
        swing=0.0,
        minor=0.5,
        drums=(
            {"kick": HALF_TIME, "rim": HALF_TIME, "closed hat": EIGHTHS},
            {"kick": FOUR_FLOOR, "rim": "........x.......", "closed hat": "x.xox.xox.xox.xo"},
            {
                "kick": "X.......X.......",
                "snare": BACKBEAT,
                "closed hat": EIGHTHS,
                "open hat": "..............?.",
            },
        ),
        bass=("1--.1-5-..8-5-1-", "..1-1-3-5---..1-", "1-----5-3-..1---", "1-1-..5-..5-1-a-"),
        chords=(OFFBEATS, "..xx..xx..xx..xx", "....x.......x..."),
    ),
    "synthwave": FirstStyle(
        bpm=(84, 118),
        voices=3,
        lead=FirstLeadRhythm(3, 6, 2, 8),
        swing=0.0,
        minor=0.8,
        drums=(
            {"kick": FOUR_FLOOR, "snare": BACKBEAT, "closed hat": EIGHTHS},
            {"kick": "X.....x.X.......", "snare": BACKBEAT, "closed hat": SIXTEENTHS},
            {
                "kick": FOUR_FLOOR,
                "snare": BACKBEAT,
                "open hat": OFFBEATS,
                "tom": ".............?x.",
            },
        ),
        bass=("1111111111111111", "1.8.1.8.1.8.1.8.", "1-11.11-1.11.18.", "1-1-1-1-1-1-1-1-"),
        chords=(WHOLE, "1231231231231231", "1-2-3-2-1-2-3-2-", "x--x--x---------"),
    ),
    "funk": FirstStyle(
        bpm=(96, 122),
        voices=4,
        lead=FirstLeadRhythm(3, 7, 1, 3),
        swing=0.15,
        minor=0.5,
        drums=(
            {
                "kick": "X..x..x...x.....",
                "snare": "....X..o.o..X..o",
                "closed hat": "XoxoXoxoXoxoXoxo",
            },
            {
                "kick": "X.x.......xx....",
                "snare": "....X..o.o..X...",
                "closed hat": EIGHTHS,
                "open hat": "......x.........",
            },
            {
                "kick": "X..x....x.x.....",
                "clap": BACKBEAT,
                "closed hat": "x.xxx.xxx.xxx.xx",
                "shaker": OFFBEATS,
            },
        ),
        bass=("1..1..8.1..5.38.", "1...5.8.1..8..a.", "11.8..1.5..8.1.a"),
        chords=("..x..x....x..x..", "x..x..x...x.....", "....xx......x.x.", "x.x..x.x..x....."),
    ),
    "ambient": FirstStyle(
        bpm=(60, 90),
        voices=4,
        lead=FirstLeadRhythm(1, 3, 4, 12),
        swing=0.0,
        minor=0.5,
        drums=(
            {"kick": "x...............", "shaker": "..o...o...o...o."},
            {
                "kick": "x.........o.....",
                "rim": "........o......?",
                "closed hat": "..o...o...o...o.",
            },
        ),
        bass=("1---------------", "1-------5-------", "1-----------8---"),
        chords=(WHOLE, "1---2---3---2---", "1-2-3-4-3-2-1-2-"),
    ),
}
