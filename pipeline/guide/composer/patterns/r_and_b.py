"""R&B and soul: slow pockets with late snares, rims and ghosts."""

from __future__ import annotations

from .families import BEATS
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=BEATS,
    drums=read_drums(
        """
        neo soul
            kick        X..x...x..x.....
            snare       ....X..g....X..g
            closed hat  x.x.x.x.x.x.x.x.
        neo soul, rim
            kick        X......x..x..x..
            rim         ....X.......X..o
            closed hat  x.xox.x.x.xox.xo
        slow jam
            kick        X.......x.x.....
            snare       ....X.......X...
            closed hat  x.x.x.x.x.x.x.xr
            shaker      o.x.
        quiet storm
            kick        X.........x.....
            rim         ....x.......x...
            ride        x.o.x.o.x.o.x.o.
        new jack
            kick        X..x..x...x..x..
            snare       ....X.......X...
            clap        ....X.......X.x.
            closed hat  x.xxx.xxx.xxx.xx
        Memphis
            kick        X.x.....x.x.....
            snare       ....X.......X...
            closed hat  x.x.x.x.x.x.x.x.
        Motown
            kick        X.....x.X.....x.
            snare       X...X...X...X...
            tambourine  ....X.......X...
        modern
            kick        X.....x....x....
            clap        ........X.......
            closed hat  x.x.t.x.x.xrx.t.
            rim         ...o......o..o..
        snaps
            kick        X..x......x..x..
            rim         ....X.......X...
            shaker      ogogogogogogogog
        church
            kick        X.....x.x..x..x.
            snare       ....X.g.....X.gg
            closed hat  x.xox.xox.xox.xo
            tambourine  ..x...x...x...x.
        two-bar pocket
            kick        X..x...x..x.....X......x.xx..x..
            snare       ....X..g....X.......X..g.g..X..g
            closed hat  x.x.x.x.x.x.x.x.x.x.x.x...x.x.x.
            open hat    ........................x.......
        """
    ),
    turns=read_drums(
        """
        kick leaves
            kick        .....___........
        ghosts
            snare       .......g.g.....g
        late snare again
            snare       ..............o.
        hats roll
            closed hat  ............t.rr
        open
            open hat    ..............o.
            closed hat  ..............__
        kick before
            kick        .............x..
        rim
            rim         ..........o..o..
        breath
            kick        ............____
            closed hat  ............____
        """
    ),
    lifts=read_drums(
        """
        clap
            clap        ....x.......x...
            shaker      ogog
        tambourine
            tambourine  ..x...x...x...x.
        ride
            ride        x.o.x.o.x.o.x.o.
            snare       .......g.g.....g
        """
    ),
    bass=(
        *read_bass("1111111111115517 111111181111511a", on_kick=6),
        *read_bass(
            """
            1--...71..5-..c-
            1-----1-..5-8.7-
            1---..1.5-..3-a-
            1-..1-x.1-..7.5-
            1--1----..5-6-a-
            1-----s---..8-7-1-----5-..3-1-c-
            """
        ),
    ),
    bass_leads=0.5,
    lowest=29,
)
