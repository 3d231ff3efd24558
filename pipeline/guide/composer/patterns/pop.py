"""Pop: backbeats of drummers and of machines."""

from __future__ import annotations

from .families import BAND
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=BAND,
    drums=read_drums(
        """
        radio
            kick        X.....x.x.......
            snare       ....X.......X...
            closed hat  x.x.x.x.x.x.x.x.
        radio, clapped
            kick        X..x..x.x.......
            clap        ....X.......X...
            snare       ....x.......x...
            closed hat  x.x.x.xox.x.x.xo
        dance
            kick        X...X...X...X...
            clap        ....X.......X...
            closed hat  ..x...x...x...x.
            shaker      ogog
        tropical
            kick        X..x..x.X..x..x.
            clap        ....X.......X...
            shaker      xoxo
            rim         ...x..x....x..x.
        stomp
            kick        X.X.....X.X.....
            clap        ....X.......X...
            tambourine  ....x.......x...
        eighties
            kick        X...x...X...x.x.
            snare       ....X.......X...
            closed hat  xoxoxoxoxoxoxoxo
        piano ballad
            kick        X.......x.......
            rim         ....x.......x...
            closed hat  x.o.x.o.x.o.x.o.
        Motown
            kick        X.....x.X.....x.
            snare       X...X...X...X...
            tambourine  ....X.......X...
            closed hat  x.x.
        halftime
            kick        X.....x...x.....
            clap        ........X.......
            closed hat  x.xox.xox.xox.xo
        sixteenths
            kick        X..x......x.....
            snare       ....X.......X..g
            closed hat  xoxoxoxoxoxoxoxo
            open hat    ..............x.
        disco pop
            kick        X...X...X...X...
            snare       ....X.......X...
            open hat    ..x...x...x...x.
            tambourine  x.o.x.o.x.o.x.o.
        snaps
            kick        X.........x...x.
            rim         ....x.......x...
            closed hat  ..x...x...x...x.
        """
    ),
    turns=read_drums(
        """
        kick before the beat
            kick        ..............x.
        kick moves
            kick        ......_x........
        no second kick
            kick        ......_____.....
        clap after
            clap        ..............x.
        ghosts
            snare       .......g.g.....g
        open at the end
            closed hat  ..............__
            open hat    ..............x.
        hats double
            closed hat  ............xoxo
        breath
            kick        ............____
            closed hat  ............____
        tom
            low tom     ............x.x.
        """
    ),
    lifts=read_drums(
        """
        tambourine
            tambourine  o.x.o.x.o.x.o.x.
            clap        ....x.......x...
        open hats
            closed hat  ________________
            open hat    X.x.X.x.X.x.X.x.
        ride and shaker
            ride        x.x.x.x.x.x.x.x.
            shaker      xoxo
        """
    ),
    bass=(
        *read_bass("1111111111111111 1111111111115511", on_kick=4),
        *read_bass(
            """
            1-1-1-1-1-1-1-1-
            1--1--1-1--1--a-
            1-----1-5---1---
            1---1---1---1-a-
            ..1-..1-..1-..1-
            1-------1---5---
            1--1--1-8--1--5-
            """
        ),
    ),
)
