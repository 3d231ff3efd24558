"""Lo-fi: slow boom bap, soft, late and crooked, with rims and shakers."""

from __future__ import annotations

from .families import BEATS
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=BEATS,
    drums=read_drums(
        """
        bedroom
            kick        X.....x...x.....
            snare       ....x.......x...
            closed hat  x.x.x.x.x.x.x.x.
        bedroom, shaken
            kick        X.....x...x.....
            snare       ....x.......x..g
            closed hat  x.o.x.o.x.o.x.o?
            shaker      ..o...o...o...o.
        rim
            kick        X..x......x.....
            rim         ....x.......x...
            closed hat  x.o.x.o.x.o.x.oo
        late
            kick        X......x..x.....
            snare       ....x.......x.g.
            closed hat  x.x.x.x.x.x.x.x.
            open hat    ..............o.
        study
            kick        X.......x.x.....
            snare       ....x..?....x...
            closed hat  o.x.o.x.o.x.o.x.
        jazzy
            kick        X.....o...x..o..
            snare       ....x..g.g..x..g
            ride        x.o.x.oox.o.x.oo
        crooked
            kick        X..x...x..x.....X......x..x..x..
            snare       ....x.......x.......x..g....x...
            closed hat  x.xox.x.x.xox.x.
        sleepy
            kick        X.........o.....
            rim         ........x.......
            shaker      o.x.o.x.o.x.o.x.
            closed hat  ....o.......o...
        vinyl break
            kick        X.x...x...x.....
            snare       ....x..g.g..x..g
            closed hat  x.x.x.xox.x.x.xo
            tambourine  ....o.......o...
        brushed
            kick        o.......o.o.....
            snare       g.o.x.gog.o.x.go
            pedal hat   ....o.......o...
        window
            kick        X..o..x.......x.
            snare       ....x.......x...
            rim         ...o......o....o
            closed hat  x.o.x.o.x.o.x.o.
        """
    ),
    turns=read_drums(
        """
        no second kick
            kick        .....______.....
        ghost
            snare       ..............g.
        rim
            rim         ..........o..o..
        hats rest
            closed hat  ........________
        hat opens
            closed hat  ..............__
            open hat    ..............o.
        stumble
            kick        .............o..
        shaker fades in
            shaker      ........o.o.o.oo
        late clap
            clap        ............o...
        """
    ),
    lifts=read_drums(
        """
        shaker
            shaker      oggoogogoggoogog
        ride
            ride        x.o.x.oox.o.x.oo
            snare       .......g.g.....g
        tambourine
            tambourine  ....o.......o...
            closed hat  x.xox.xox.xox.xo
        """
    ),
    bass=(
        *read_bass("1111111111115111", on_kick=6),
        *read_bass(
            """
            1---..5-1---..8-
            1-----1-3-..5---
            1-------5-----a-
            1--...1-..5-..c-
            1-----..7-5---..
            1---3---5---a---
            1-------..1-5---1-------3-..a---
            """
        ),
    ),
    bass_leads=0.5,
    fills=read_drums(
        """
        rest
            kick        ....____
            closed hat  ________
            snare       ...g.go.
            rim         x..x..o.
        """
    ),
)
