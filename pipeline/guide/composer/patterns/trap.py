"""Trap: half-time claps, an 808 that glides, and rolls of hats in thirty-seconds and triplets."""

from __future__ import annotations

from .families import BEATS
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=BEATS,
    drums=read_drums(
        """
        Atlanta
            kick        X......x..x.....
            clap        ........X.......
            closed hat  x.x.x.xxx.x.xrx.
        triplet flow
            kick        X.....x....x....
            clap        ........X.......
            closed hat  x.x.t.x.x.x.t.t.
        rolling
            kick        X.....x.....x...
            clap        ........X.......
            snare       ........x.....g.
            closed hat  xoxoxoxrxoxoxorr
        sparse
            kick        X.........x.....
            snare       ........X.......
            closed hat  x...x...x...x.t.
            open hat    ............o...
        bounce
            kick        X..x......x....x
            clap        ........X.......
            closed hat  x.x.x.x.x.x.x.x.
            open hat    ....x...........
        drill
            kick        X.....x.........X..x......x.....
            snare       ......X.......X.......X....X....
            closed hat  x..x..x.x..x..t.x..x..x.x..xt.x.
        dark
            kick        X.............x.X..x......x.....
            clap        ........X...............X.......
            closed hat  x.x.x.x.x.xrrrx.x.x.t.x.x.x.x.rr
            rim         .......o..o.....
        double time
            kick        X......x..x..x..
            snare       ....X.......X...
            closed hat  xoxoxoxoxoxoxrxr
        plugg
            kick        X.....x...x..x..
            clap        ........X.......
            rim         ...x.....x....x.
            closed hat  x.x.x.x.x.x.x.x.
        hard
            kick        X.xx......x.x...
            clap        ........X......x
            snare       ........X.......
            closed hat  x.xrx.x.x.xrx.t.
            open hat    ......x.........
        half floor
            kick        X...x.....x...x.
            clap        ........X.......
            closed hat  x.o.x.o.x.o.t.rr
            shaker      ..o.
        """
    ),
    turns=read_drums(
        """
        triplets at the end
            closed hat  ............t.t.
        thirty-seconds
            closed hat  ............rrrr
        hats stop
            closed hat  ............____
        roll in the middle
            closed hat  ......rr........
        kick runs
            kick        ............x.xx
        kick gone
            kick        ......____......
        snare flam
            snare       ..............fx
        clap again
            clap        ..............x.
        open
            open hat    ..............x.
            closed hat  ..............__
        """
    ),
    lifts=read_drums(
        """
        snare with the clap
            snare       ........X.......
            closed hat  x.xox.xrx.xox.rr
        open hats
            open hat    ..x.......x.....
        shaker
            shaker      xoxo
        """
    ),
    bass=(
        *read_bass("1111111111111111 1111111111uuuu1a 111111dddd1188s1", on_kick=10),
        *read_bass(
            """
            1-----1---u-----
            1---------d---1-
            1------8--5-----
            1-----u---d-1---
            1----------s--a-1-----u-----d---
            """
        ),
    ),
    bass_leads=0.25,
    fills=read_drums(
        """
        snare triplets
            kick        ________
            snare       t.t.t.x.
        hats alone
            kick        ________
            clap        ________
            closed hat  t.t.rrrr
        """
    ),
)
