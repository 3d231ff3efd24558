"""House: four on the floor, offbeat hats, shuffled sixteenths."""

from __future__ import annotations

from .families import FOUR_ON_THE_FLOOR
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=FOUR_ON_THE_FLOOR,
    drums=read_drums(
        """
        four on the floor
            kick        X...X...X...X...
            clap        ....X.......X...
            closed hat  o.g.o.g.o.g.o.g?
            open hat    ..x...x...x...x.
        shuffled
            kick        X...X...X...X...
            clap        ....X.......X..g
            closed hat  o.gxo.gxo.gxo.gx
            open hat    ..x...x...x...x.
        jacking
            kick        X...X...X...X.o.
            clap        ....X..o....X...
            rim         ..x..x....x..x..
            open hat    ..x...x...x...x.
        deep
            kick        X...X...X...X...
            rim         ...x..x....x..x.
            clap        ............X...
            closed hat  ..x...x...x...x.
            shaker      ogxgogxgogxgogxg
        tribal
            kick        X...X...X...X...
            high conga  ..x..x.o..x..xo.
            low conga   x.....x.x.....x.
            shaker      ogxg
            open hat    ..x...x...x...x.
        filtered
            kick        X...X...X...X...
            clap        ....X.......X...
            closed hat  xoxxxo.xxoxxxo.x
            open hat    ......X.......X.
            tambourine  ....o.......o...
        New Jersey
            kick        X...X...X...X..o
            snare       ....X.......X..o
            closed hat  x.xxx.xxx.xxx.xx
            open hat    ......x.......x.
        piano house
            kick        X...X...X...X...
            clap        ....X.......X...
            snare       ....x..g....x..g
            open hat    ..x...x...x...x.
            tambourine  x.oxx.oxx.oxx.ox
        minimal
            kick        X...X...X...X...
            closed hat  ..x...x...x..gx.
            rim         ......x......x..
            clap        ............X...
            shaker      ..o.
        latin
            kick        X...X...X...X...
            clap        ....X.......X...
            cowbell     x..x..x...x.x...
            low conga   ......x.......xx
            open hat    ..x...x...x...x.
        riding
            kick        X...X...X...X...
            clap        ....X.......X...
            ride        o.X.o.X.o.X.o.X.
            closed hat  .g.g
        broken
            kick        X.....X...x.X...
            clap        ....X.......X...
            closed hat  x.xgx.xgx.xgx.xg
            open hat    ..x.......x.....
        """
    ),
    turns=read_drums(
        """
        double kick
            kick        ..............x.
        breath
            kick        ............_...
        clap before
            clap        .......o........
        two claps
            clap        ..............xx
        rim answer
            rim         ..........x..x.x
        hats stop
            closed hat  ............____
            open hat    ..............X.
        hats double
            closed hat  ..........xoxox.
        kick stumbles
            kick        ..........o..o..
        """
    ),
    lifts=read_drums(
        """
        ride
            ride        ..x...x...x...x.
            snare       ....o.......o...
        tambourine
            tambourine  o.x.o.x.o.x.o.x.
        wide open
            open hat    ..X...X...X...X.
            shaker      xoxo
        """
    ),
    bass=read_bass(
        """
        ..1-..1-..1-..1-
        ..1...1...8...1a
        1..1..1...1..5..
        1..1..8..1..1.a.
        ..1.1...3.5.1..a
        1.....1.1...3.5.
        ..8-..1-..8-..1-
        1---....1.1.8.a.
        ..1..1..1..1..5.1..1..1..3..5..a
        """
    ),
    lowest=29,
)
