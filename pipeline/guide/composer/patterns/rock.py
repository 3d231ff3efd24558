"""Rock: a backbeat, eighths on the hat, and the ride where it opens up."""

from __future__ import annotations

from .families import BAND
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=BAND,
    drums=read_drums(
        """
        money beat
            kick        X.......X.X.....
            snare       ....X.......X...
            closed hat  X.x.X.x.X.x.X.x.
        driving
            kick        X...x...X.x.x...
            snare       ....X.......X...
            open hat    X...X...X...X...
        sixties
            kick        X.....x.X.......
            snare       ....X.x.....X...
            tambourine  X.x.X.x.X.x.X.x.
        garage
            kick        X.x.....X.x.....
            snare       ....X.......X...
            open hat    X...x...X...x...
        arena
            kick        X.x.....X.x.....
            snare       ....X.......X...
            clap        ....X.......X...
            closed hat  X...x...X...x...
        syncopated
            kick        X.....x...x.X.x.
            snare       ....X..g....X..g
            closed hat  X.x.X.x.X.x.X.x.
        floor tom
            kick        X...X...X...X...
            low tom     x.x.x.x.x.x.x.xx
            snare       ....X.......X...
        punk
            kick        X...X...X...X...
            snare       ..X...X...X...X.
            closed hat  X.x.X.x.X.x.X.x.
        indie
            kick        X...X...X...X...
            snare       ....X.......X...
            open hat    ..x...x...x...x.
            closed hat  x.o.x.o.x.o.x.o.
        ballad
            kick        X.......x.x.....
            rim         ....x.......x...
            closed hat  x.o.x.o.x.o.x.o.
        half-time
            kick        X.x...x.......x.
            snare       ........X.......
            ride        X.x.X.x.X.x.X.x.
        sixteenths
            kick        X..x..x.X.x.....
            snare       ....X.......X..g
            closed hat  XoxoXoxoXoxoXoxo
        """
    ),
    turns=read_drums(
        """
        kick before the beat
            kick        ..............x.
        kick on the and
            kick        ......x.........
        no second kick
            kick        ..........____..
        ghosts
            snare       .......g.g.....g
        open at the end
            closed hat  ..............__
            open hat    ..............X.
        two snares
            snare       ..............xx
        early snare
            snare       ..........x.....
        flam
            snare       ....f.......f...
        tom pick-up
            tom         .............xx.
            low tom     ...............x
        """
    ),
    lifts=read_drums(
        """
        ride
            closed hat  ________________
            ride        X.x.X.x.X.x.X.x.
        washing hats
            closed hat  ________________
            open hat    X.x.X.x.X.x.X.x.
        crash quarters
            closed hat  ________________
            crash       X.......x.......
            ride        ....x...x...x...
            tambourine  ....x.......x...
        """
    ),
    bass=(
        *read_bass("1111111111111111 111111111111558a", on_kick=4),
        *read_bass(
            """
            1-1-1-1-1-1-1-1-
            1-1-1-1-5-5-8-a-
            1---..1-1---..a-
            1-1-..1-1-1-..5-
            1-1.1-1.1-1.3-5.
            1-1-8-1-1-1-8-a-
            1-------1-1-5-c-
            """
        ),
    ),
)
