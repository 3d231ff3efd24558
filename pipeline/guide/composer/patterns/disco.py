"""Disco: four on the floor, open offbeats, and a bass in octaves."""

from __future__ import annotations

from .families import FOUR_ON_THE_FLOOR
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=FOUR_ON_THE_FLOOR,
    drums=read_drums(
        """
        Philadelphia
            kick        X...X...X...X...
            snare       ....X.......X...
            open hat    ..X...X...X...X.
            closed hat  x...x...x...x...
        Philadelphia, sixteenths
            kick        X...X...X...X...
            snare       ....X.......X..g
            closed hat  xo.oxo.oxo.oxo.o
            open hat    ..X...X...X...X.
        tambourine
            kick        X...X...X...X...
            snare       ....X.......X...
            open hat    ..x...x...x...x.
            tambourine  xoxoXoxoxoxoXoxo
        congas
            kick        X...X...X...X...
            clap        ....X.......X...
            high conga  ..xo..xxo.xo..xx
            low conga   x.......x.x.....
            open hat    ..x...x...x...x.
        Munich
            kick        X...X...X...X...
            snare       ....X.......X...
            closed hat  xoxoxoxoxoxoxoxo
        boogie
            kick        X...X...X.x.X...
            clap        ....X.......X...
            snare       ....x..g....x..g
            closed hat  x.xxx.xxx.xxx.xx
            open hat    ......x.......x.
        cowbell
            kick        X...X...X...X...
            snare       ....X.......X...
            cowbell     x.x.xx.xx.x.xx.x
            open hat    ..x...x...x...x.
        syncopated kick
            kick        X..xX...X..xX.x.
            snare       ....X.......X...
            open hat    ..X...X...X...X.
        strut
            kick        X...X...X...X...
            snare       ....X..o.o..X...
            closed hat  x.x.x.x.x.x.x.x.
            tambourine  ..x...x...x...x.
        Latin disco
            kick        X...X...X...X...
            snare       ....X.......X...
            claves      x..x..x...x.x...
            open hat    ..x...x...x...x.
            shaker      xoxo
        ballroom
            kick        X...X...X...X...
            snare       ....X.......X...
            ride        x.X.x.X.x.X.x.X.
        """
    ),
    turns=read_drums(
        """
        sixteenths at the end
            snare       ............x.xx
        claps
            clap        ....x.......x...
        open barks
            open hat    ...............X
        kick before
            kick        ..............x.
        ghosts
            snare       .......g.g.....g
        toms
            high tom    ............x...
            tom         .............x..
            low tom     ..............xx
        kick rests
            kick        ............____
        hats rest
            open hat    ..........____..
        """
    ),
    lifts=read_drums(
        """
        claps and tambourine
            clap        ....X.......X...
            tambourine  xoxo
        ride
            ride        ..x...x...x...x.
        sixteenth hats
            closed hat  xo.oxo.oxo.oxo.o
            cowbell     x...x...x...x...
        """
    ),
    bass=read_bass(
        """
        1.8.1.8.1.8.1.8.
        1.8.1.8.1.8.5.a.
        1..81..81..81..a
        1.81.81.1.81.8a.
        1--.1.8.1--.5.8.
        118.118.118.5.8a
        1---..8.1.7.5.3.
        1.8.5.8.1.8.3.c.
        """
    ),
    lowest=31,
)
