"""Country and folk: trains, two-steps, shuffles and waltzes."""

from __future__ import annotations

from .families import COUNTRY
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=COUNTRY,
    drums=read_drums(
        """
        train
            kick        x...x...x...x...
            snare       ogXgogXgogXgogXg
        train with kick on one
            kick        X.......X.......
            snare       oogXoogXoogXoogX
            closed hat  ..x...x...x...x.
        two-step
            kick        X.......X.......
            snare       ....x.......x...
            closed hat  ....x.......x...
        two-step, rim
            kick        X.......X.......
            rim         ....X.......X...
            closed hat  x.o.x.o.x.o.x.o.
        shuffle
            kick        X.......X.....x.
            snare       o.o.X.o.o.o.X.o.
            closed hat  x.x.x.x.x.x.x.x.
        honky-tonk
            kick        X...X...X...X...
            snare       ....X.......X...
            closed hat  x.x.x.x.x.x.x.x.
        outlaw
            kick        X.....x.X.......
            snare       ....X.......X...
            closed hat  X.x.X.x.X.x.X.x.
        ballad
            kick        X.......x.x.....
            rim         ....x.......x...
            ride        x.o.x.o.x.o.x.o.
        stomp
            kick        X...X...X...X...
            clap        ....X.......X...
            tambourine  ....x.......x...
        folk brushes
            kick        x.......x.......
            snare       o.g.x.g.o.g.x.g.
            shaker      o.x.
        bluegrass
            kick        x.......x.......
            snare       ..x...x...x...x.
            shaker      xgog
        new country
            kick        X..x....X.x.....
            snare       ....X.......X...
            closed hat  x.x.x.x.x.x.x.x.
            tambourine  ..o...o...o...o.
        """
    ),
    turns=read_drums(
        """
        snare roll
            snare       ............xoxo
        kick before
            kick        ..............x.
        rest
            snare       ............_...
        rim
            rim         ..........o...o.
        open
            open hat    ..............x.
        two on the snare
            snare       ..............xx
        kick walks
            kick        ............x.x.
        hats rest
            closed hat  ________........
        """
    ),
    lifts=read_drums(
        """
        tambourine
            tambourine  ....x.......x...
            open hat    ..o...o...o...o.
        ride
            ride        x.x.x.x.x.x.x.x.
        shaker
            shaker      xoxo
            clap        ....o.......o...
        """
    ),
    bass=read_bass(
        """
        1---....5---....
        1-------v-------
        1---....5---..a-
        1-----1-5-----5-
        1---5---1---5---
        1---v---1---a---
        1-1-5-5-1-1-5-a-
        1-------5-------1---3---5---a---
        """
    ),
    bass_leads=0.5,
)
