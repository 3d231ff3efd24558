"""Funk: the one, sixteenths on the hat, and ghost notes between the backbeats."""

from __future__ import annotations

from .families import POCKET
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=POCKET,
    drums=read_drums(
        """
        the one
            kick        X..x..x...x.....
            snare       ....X..g.g..X..g
            closed hat  XoxoXoxoXoxoXoxo
        funky drummer
            kick        X.x...x...x..x..
            snare       ....X..g.g.gX..g
            closed hat  xxxxxxx.xxxxx.xx
            open hat    .......x.....x..
        cold sweat
            kick        X.x.......x.....X.x.......x.x...
            snare       ....X..g.g....X..g..X..g.g..X..g
            ride        x.x.x.x.x.x.x.x.
        second line
            kick        X..x..x.X..x..x.
            snare       x.gxg.xgx.gxX.xg
            pedal hat   ....x.......x...
        New Orleans
            kick        X.....x...x..x..
            snare       g.xgX.gxg.xgX.gx
            cowbell     x.x.
        slap
            kick        X.x.......xx....
            snare       ....X..g.g..X...
            closed hat  x.x.x...x.x.x.x.
            open hat    ......x.........
        linear
            kick        X..x......x..x..
            snare       ....X..g....X..g
            closed hat  .xx..xx.xx.x..x.
        minneapolis
            kick        X...x...X...x...
            clap        ....X.......X...
            snare       ....x.......x..o
            closed hat  x.xxx.xxx.xxx.xx
        tower
            kick        X..x..x..x....x.
            snare       ....X.g.g.g.X..g
            closed hat  x.xxx.xxx.x.x.xx
            open hat    ...........x....
        cissy strut
            kick        X..x..x...x.....
            snare       ..gxX.gx.xg.X.gx
            closed hat  x.x.x.x.x.x.x.x.
        street
            kick        X.x..x....xx.x..
            snare       ....X..o.o..X..o
            tambourine  xoxo
        go-go
            kick        X..x..x...x..x..
            snare       ....X.......X.o.
            closed hat  x.xox.xox.xox.xo
            cowbell     x...x.x...x.x...
            high conga  ..xx..xx..xx..xx
        """
    ),
    turns=read_drums(
        """
        late backbeat
            snare       ............_.X.
        extra ghosts
            snare       .g.....g.g.g...g
        kick runs
            kick        .............x.x
        open hat
            closed hat  ..............__
            open hat    ..............x.
        kick skips
            kick        ......____..x...
        early snare
            snare       ..........x.....
        hats thin
            closed hat  ....._._._._._._
        snare answers
            snare       ..............ox
        """
    ),
    lifts=read_drums(
        """
        ride bell
            ride        X.x.X.x.X.x.X.x.
            closed hat  .o.o
        congas
            high conga  ..xo..xo..xo..xo
            low conga   ......xx......xx
        tambourine
            tambourine  xoxo
            clap        ....x.......x...
        """
    ),
    bass=(
        *read_bass("1111111118111588 11111111x1118x1a", on_kick=2),
        *read_bass(
            """
            1..1..8.1..5.38.
            1...5.8.1..8..a.
            11.8..1.5..8.1.a
            1.x8.x1.x.8.1.xc
            1.8.1.8x1.8.1.8.
            1..x8..x.7.8.x.a
            1.1.....7.8.x.5.1.1....x7.8.5.ca
            """
        ),
    ),
    lowest=31,
)
