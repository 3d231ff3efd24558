"""Reggae: one drop, rockers, steppers, and what came before and after them."""

from __future__ import annotations

from .families import ISLANDS
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=ISLANDS,
    drums=read_drums(
        """
        one drop
            kick        ........X.......
            rim         ........X.......
            closed hat  x.X.x.X.x.X.x.X.
        one drop, shuffled
            kick        ........X.......
            rim         ........X.....o.
            closed hat  x.XoxoXox.XoxoXo
        one drop, rolling rim
            kick        ........X.......
            rim         ...o..o.X..o..o.
            closed hat  x.x.x.x.x.x.x.x.
        rockers
            kick        X.x.x.x.X.x.x.x.
            rim         ........X.......
            snare       ........X.....o.
            closed hat  x.X.x.X.x.X.x.X.
        rockers, syncopated
            kick        X..x....X.......
            snare       ........X..o..o.
            closed hat  x.xox.xox.xox.xo
        steppers
            kick        X...X...X...X...
            rim         ........X.......
            closed hat  x.xox.xox.xox.xo
        steppers, militant
            kick        X...X...X...X...
            snare       ........X.....t.
            closed hat  ..x...x...x...x.
            tambourine  ....o.......o...
        flying cymbal
            kick        ........X.......
            snare       ........X.......
            closed hat  x...x...x...x...
            open hat    ..X...X...X...X.
        lovers rock
            kick        ........X.......
            rim         ........X.......
            closed hat  x.o.x.o.x.o.x.o.
            shaker      ogogogogogogogog
        rocksteady
            kick        ....X.......X...
            rim         ....x.......x...
            closed hat  x.x.x.x.x.x.x.x.
        ska
            kick        X...X...X...X...
            rim         ..X...X...X...X.
            closed hat  .x.x.x.x.x.x.x.x
        dancehall
            kick        X.....X.....X...
            snare       ...x..x....x..x.
            closed hat  x.x.x.x.x.x.x.x.
        nyabinghi
            low conga   X.x.....X.x.....
            high conga  ....o.xo..x.o.xo
            kick        X.......X.......
            shaker      o.o.
        """
    ),
    turns=read_drums(
        """
        triplet on the snare
            snare       ............T...
        rim turns
            rim         ..........o..o.x
        kick before
            kick        ......x.........
        hat opens
            open hat    ..............x.
        hats rest
            closed hat  ____............
        timbale
            high tom    ..........x..x..
        kick answers
            kick        ..............x.
        hats turn
            closed hat  ............xoxx
        """
    ),
    lifts=read_drums(
        """
        open offbeats
            open hat    ..x...x...x...x.
        tambourine
            tambourine  ....x.......x...
            shaker      ogog
        ride
            ride        x.o.x.o.x.o.x.o.
        """
    ),
    bass=read_bass(
        """
        1--.1-5-..8-5-1-
        ..1-1-3-5---..1-
        1-----5-3-..1---
        1-1-..5-..5-1-a-
        ....1-1-5-3-1---
        1-..1-..3-3-5-5-
        1---..3-5---....1---..5-3---a-..
        ..1.1-..5-..3-1-
        """
    ),
    bass_leads=0.35,
)
