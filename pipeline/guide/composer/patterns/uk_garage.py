"""UK garage: two-step and the shuffle of four on the floor, sixteenths swung hard."""

from __future__ import annotations

from .families import FOUR_ON_THE_FLOOR
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=FOUR_ON_THE_FLOOR,
    drums=read_drums(
        """
        two-step
            kick        X.........x.....
            snare       ....X.......X...
            closed hat  ..xx..xx..xx..xx
            rim         .......o.....o..
        two-step, skipping
            kick        X......x..x.....
            snare       ....X.......X..o
            closed hat  x.xx.xxx.xxx.xx.
            shaker      ogog
        two-step, swung rim
            kick        X.........x..x..
            rim         ....X..o....X.o.
            snare       ....X.......X...
            closed hat  ..x...x...x...x.
            open hat    ......x.........
        four by four
            kick        X...X...X...X...
            clap        ....X.......X...
            closed hat  x.xxx.xxx.xxx.xx
            open hat    ..x...x...x...x.
        four by four, shuffled snare
            kick        X...X...X...X...
            snare       ....X..o....X..o
            closed hat  ..xx..xx..xx..xx
            rim         .o.....o.o......
        speed garage
            kick        X...X...X...X..x
            clap        ....X.......X...
            snare       .......o.o.....o
            open hat    ..X...X...X...X.
        bumpy
            kick        X..x......x....x
            snare       ....X.......X...
            closed hat  .xx..xx..xx..xx.
            shaker      o.x.
        future
            kick        X.........x..x..X..x......x.....
            clap        ....X.......X.......X.......X..o
            closed hat  x.xxx.xxx.xx.xxx
            rim         ...o...o.......o..o....o.o......
        dubby
            kick        X.....x...x.....
            snare       ....X.......X...
            rim         .o.....o.o...o..
            closed hat  ..x...x...x...xx
        grime
            kick        X.....x....x..x.
            clap        ....X.......X...
            closed hat  x..x..x.x..x..x.
            open hat    ..............x.
        breakstep
            kick        X..x..x...x.....
            snare       ....X..o.o..X..o
            closed hat  x.xxx.xxx.xxx.xx
        """
    ),
    turns=read_drums(
        """
        kick skips
            kick        .............x..
        kick stays away
            kick        ........________
        snare shuffles
            snare       .......o.o.....o
        rims
            rim         ...o...o...o.o..
        hats drop
            closed hat  ________........
        hats rush
            closed hat  ............xxxx
        open
            open hat    ..............x.
        clap twice
            clap        ...............x
        """
    ),
    lifts=read_drums(
        """
        ride
            ride        ..x...x...x...x.
        shaker
            shaker      xoxo
            clap        ....x.......x...
        open hats
            open hat    ..x...x...x...x.
        """
    ),
    bass=read_bass(
        """
        1-....1...1-..8.
        1--..1..1.u---..
        ..1-..1-.1..1-8.
        1-.1..1.....5-a-
        1-----..d-----1-
        ..1..1-...1..1s-
        1---...1..1-..5-1---...8..7-..5-
        1..1-...1..1-.a.
        """
    ),
    bass_leads=0.3,
    lowest=29,
)
