"""Drum and bass: two-step, and the breaks of funk and soul that jungle cut up."""

from __future__ import annotations

from .families import BREAKS
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=BREAKS,
    drums=read_drums(
        """
        two-step
            kick        X.........X.....
            snare       ....X.......X...
            closed hat  x.x.x.x.x.x.x.x.
        roller
            kick        X.........X..o..
            snare       ....X..g.g..X..g
            closed hat  xoxoxoxoxoxoxoxo
        amen
            kick        X.X.......XX....X.X.......XX....X.X.......X.......XX......X.....
            snare       ....X..o.o..X..o....X..o.o..X..o....X..o.o....X..o..X..o.o....X.
            ride        x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.....x.
            crash       ..........................................................x.....
        soul break
            kick        X.....X...X.....X.X.......X.....
            snare       ....X..o.o..X.......X..o.o..X..o
            tambourine  x.x.X.x.x.x.X.x.
            shaker      .g.g
        funky drummer
            kick        X.X...X...X..X..
            snare       ....X..g.g.gX..g
            closed hat  xxxxxxx.xxxxx.xx
            open hat    .......x.....x..
        liquid
            kick        X.........X.....
            snare       ....X..g..g.X...
            ride        x.o.x.o.x.o.x.o.
            shaker      ogog
        stepper
            kick        X.....X.........X.....X...X.....
            snare       ....X.......X.......X.......X..g
            open hat    ..x...x...x...x.
            closed hat  .o.o
        jump up
            kick        X..x......X.....
            snare       ....X.......X...
            closed hat  x.xxx.xxx.xxx.xx
        techstep
            kick        X.........X..x..
            snare       ....X.......X...
            rim         ......x..x.....x
            ride        x...x...x...x...
        jungle
            kick        X.X.......X..X....X...X...X.....
            snare       ....X..x.x..X..x.o..X..x.x....X.
            closed hat  x.x.x.x.x.x.x.xx
            high conga  ...o......o..o..
        halftime
            kick        X.....x.........
            snare       ........X.....g.
            closed hat  x.xox.xxx.xox.rx
        bongo break
            kick        X..x..X...X..x..
            snare       ....X.......X..o
            high conga  x.xxx.xox.xxx.xo
            low conga   .x...x.x.x...x.x
        """
    ),
    turns=read_drums(
        """
        late snare
            snare       ............_.X.
        kick moves
            kick        .........._..X..
        early kick
            kick        ........X._.....
        ghosts
            snare       .......g.g.....g
        snare rush
            snare       .............xxX
        stutter
            snare       .......x.x......
            kick        ..x.............
        drop
            kick        ..........______
            closed hat  ........________
        hat opens
            open hat    ..............x.
        cut
            snare       ....r...........
            kick        .......x........
        """
    ),
    lifts=read_drums(
        """
        ride on top
            ride        X.x.X.x.X.x.X.x.
        sixteenths
            shaker      xoxo
            closed hat  xoXo
        doubled break
            open hat    ..x...x...x...x.
            snare       .......g.g.....g
        """
    ),
    bass=read_bass(
        """
        1-------........
        1-----1---5---1-
        1--1--1-----8-a-
        1---------3---5-
        1-----------u---
        1.1...1..1....8.
        1-----d-----1-a-1---------u---d-
        1..s--..1..s--a-
        """
    ),
    bass_leads=0.4,
)
