"""Synthwave: drum machines of the eighties with a large snare and rolling toms."""

from __future__ import annotations

from .families import FOUR_ON_THE_FLOOR
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=FOUR_ON_THE_FLOOR,
    drums=read_drums(
        """
        night drive
            kick        X...X...X...X...
            snare       ....X.......X...
            closed hat  x.x.x.x.x.x.x.x.
        night drive, open
            kick        X...X...X...X...
            snare       ....X.......X...
            open hat    ..x...x...x...x.
            closed hat  x.o.x.o.x.o.x.o.
        cruise
            kick        X.....x.X.......
            snare       ....X.......X...
            closed hat  xoxoxoxoxoxoxoxo
        outrun
            kick        X.x.....X.x.....
            snare       ....X.......X...
            closed hat  XoxoXoxoXoxoXoxo
            tom         .............xx.
        toms
            kick        X...X...X...X...
            snare       ....X.......X...
            high tom    ..........x.....
            tom         .............x..
            low tom     ..............xx
            closed hat  x.x.
        dark
            kick        X...X...X...X.x.
            clap        ....X.......X...
            closed hat  ..x...x...x...x.
            rim         ......x..x......
        chase
            kick        X...X...X...X...
            snare       ....X.......X..x
            shaker      xoxo
            open hat    ..x...x...x...x.
        power ballad
            kick        X.........X.....
            snare       ....X.......X...
            closed hat  x...x...x...x...
        half-time
            kick        X.......x.x.....X.....x...x.....
            snare       ........X...............X.......
            closed hat  x.x.x.x.x.x.x.x.
        electro
            kick        X.....X...X.....
            snare       ....X.......X...
            closed hat  x.xxx.xxx.xxx.xx
            cowbell     ......x..x......
        claps
            kick        X.....x.X.....x.
            snare       ....X.......X...
            clap        ....X.......X.x.
            closed hat  x.x.x.x.x.x.x.x.
            open hat    ......x.........
        """
    ),
    turns=read_drums(
        """
        snare after
            snare       ..............x.
        two toms
            tom         ............x.x.
        toms fall
            high tom    ..........x.....
            tom         ............x...
            low tom     ..............x.
        kick moves
            kick        ..........x.....
        kick rests
            kick        ............____
        hats rest
            closed hat  ............____
            open hat    ............x...
        claps
            clap        .............xx.
        sixteenths
            closed hat  ........xoxoxoxo
        """
    ),
    lifts=read_drums(
        """
        tambourine
            tambourine  x.o.x.o.x.o.x.o.
        open hats
            open hat    ..X...X...X...X.
            clap        ....x.......x...
        ride
            ride        x.x.x.x.x.x.x.x.
        """
    ),
    bass=read_bass(
        """
        1111111111111111
        1.8.1.8.1.8.1.8.
        1-11.11-1.11.18.
        1-1-1-1-1-1-1-1-
        .111.111.111.118
        1.1181.11.1181.1
        1-1-8-1-1-1-8-5-
        111111111111888a
        """
    ),
    bass_leads=0.3,
)
