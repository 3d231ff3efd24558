"""Techno: a kick on every beat, and rhythms of little else that turn against it."""

from __future__ import annotations

from .families import FOUR_ON_THE_FLOOR
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=FOUR_ON_THE_FLOOR,
    drums=read_drums(
        """
        offbeat
            kick        X...X...X...X...
            open hat    ..x...x...x...x.
            closed hat  xoxoxoxoxoxoxoxo
        Detroit
            kick        X...X...X...X...
            clap        ....X.......X...
            closed hat  x.xxx.xxx.xxx.xx
            rim         ...x..x....x..x.
        warehouse
            kick        X...X...X...X...
            open hat    ..X...X...X...X.
            rim         ...x..x..x..x...
            clap        ............x..?
        rumble
            kick        X...X...X...X...
            low tom     .oog.oog.oog.oog
            closed hat  ..X...X...X...X.
        toms
            kick        X...X...X...X...
            closed hat  ..x...x...x...x.
            tom         ...o..x....o.x..
            high tom    ......o...o.....
            shaker      xoxo
        three against four
            kick        X...X...X...X...
            rim         x..x..x..x..x..x..x..x..x..x..x.
            open hat    ..x...x...x...x...x...x...x...x.
            closed hat  gogo
        peak time
            kick        X...X...X...X...
            clap        ....X.......X...
            ride        ..X...X...X...X.
            closed hat  xoxoxoxoxoxoxoxo
        hypnotic
            kick        X...X...X...X...
            closed hat  .x.x.x.x.x.x.x.x
            cowbell     ...o......o..o..
            shaker      o.x.
        broken
            kick        X..x..X...X..x..
            clap        ....x.......x...
            closed hat  ..x...x...x...x.
            ride        o.o.
        acid
            kick        X...X...X...X...
            snare       ....x.......x.?.
            open hat    ..x...x...x...x.
            closed hat  x.x.x.xxx.x.x.xx
        industrial
            kick        X...X...X...X.xx
            snare       ......X..X....X.
            open hat    ..x...x...x...x.
            cowbell     x.....o.........
        """
    ),
    turns=read_drums(
        """
        no fourth kick
            kick        ............____
        kick rolls
            kick        ............x.xx
        rim falls
            rim         ........x.x..x.x
        clap drags
            clap        .............o.x
        hat opens
            open hat    .............x.x
        hats gone
            closed hat  ________........
        tom answers
            low tom     ..........o..oo.
        snare lifts
            snare       ............ooxx
        """
    ),
    lifts=read_drums(
        """
        ride eighths
            ride        o.X.o.X.o.X.o.X.
        sixteenth hats
            closed hat  xoXoxoXoxoXoxoXo
            clap        ....X.......X...
        shaker and clap
            shaker      xoxo
            clap        ....x.......x...
        """
    ),
    bass=read_bass(
        """
        .111.111.111.111
        ..1-..1-..1-..1-
        1.81.181.1811.81
        1..1..1..1..1.1.
        .1.1.1.1.1.1.1.8
        ..11..11..11..18
        1--1--1--1--1--1--1--1--1--1--1-
        ...1..1....1..8.
        """
    ),
    bass_leads=0.1,
    lowest=29,
)
