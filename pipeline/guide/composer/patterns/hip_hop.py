"""Hip hop: boom bap that swings its eighths, cut from funk and soul, with a late snare."""

from __future__ import annotations

from .families import BEATS
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=BEATS,
    drums=read_drums(
        """
        boom bap
            kick        X......x.xx.....
            snare       ....X.......X...
            closed hat  x.x.x.x.x.x.x.x.
        boom bap, open
            kick        X..x......x..x..
            snare       ....X.......X..g
            closed hat  x.x.x...x.x.x.xo
            open hat    ......x.........
        head nod
            kick        X.....x.x.......
            snare       ....X.......X...
            closed hat  x.o.x.o.x.o.x.o.
            tambourine  ....x.......x...
        golden age
            kick        X..x..x...x....x
            snare       ....X..g....X...
            closed hat  x.x.x.xox.x.x.xo
        funk loop
            kick        X.X...x...x..x..
            snare       ....X..g.g.gX..g
            closed hat  xoxoxox.xoxox.xo
            open hat    .......x.....x..
        drunk
            kick        X..x...x..x...?.
            snare       ....X.......X.g.
            closed hat  x.x.x.x.x.x.x.x.
            shaker      ..o...o...o...o.
        dusty
            kick        X.....xx..x.....X......x..x..x..
            snare       ....X.......X.......X..g....X...
            closed hat  x.x.x.x.x.xox.x.
        west coast
            kick        X.....x.X.x.....
            clap        ....X.......X...
            snare       ....x.......x...
            closed hat  xoxoxoxoxoxoxoxo
        southern bounce
            kick        X..x..x.....x..x
            clap        ....X.......X...
            closed hat  x.x.xrx.x.x.xrr.
        tambourine break
            kick        X.....xx.x......
            snare       ....X..o.o..X..o
            tambourine  x.x.x.x.x.x.x.x.
        slow roll
            kick        X.........x.....X.....x...x..x..
            rim         ....x.......x...
            snare       ....X.......X...
            ride        x.o.x.o.x.o.x.o.
        stripped
            kick        X.......x.x....o
            clap        ....X.......X...
            closed hat  ..x...x...x...x.
        """
    ),
    turns=read_drums(
        """
        kick drops out
            kick        ________........
        kick doubles
            kick        .............xx.
        late ghost
            snare       ..............gg
        pick-up snare
            snare       .............o.x
        open hat
            closed hat  ..............._
            open hat    ..............x.
        hats skip
            closed hat  ......_.......ox
        hat roll
            closed hat  ............x.t.
        kick shifts
            kick        ......_x..._....
        """
    ),
    lifts=read_drums(
        """
        tambourine
            tambourine  ....X.......X...
            open hat    ......x.........
        busy hats
            closed hat  x.xox.xox.xox.xo
            clap        ....x.......x...
        ride
            ride        x.o.x.o.x.o.x.o.
        """
    ),
    bass=(
        *read_bass("1111111111115511 111111118111111a", on_kick=5),
        *read_bass(
            """
            1--...1.1---..a-
            1---..5-1---....
            1-----7-1-..5-a-
            1-..1...x.1-..8.
            1---....1.1---s-
            1--1----....5-c-1--1----3-..5-a-
            """
        ),
    ),
    bass_leads=0.5,
    fills=read_drums(
        """
        scratch out
            kick        _______.
            closed hat  ________
            snare       x..x..x.
        """
    ),
)
