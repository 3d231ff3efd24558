"""Afrobeats and its cousins: three-three-two, shakers, and log drums of amapiano."""

from __future__ import annotations

from .families import ISLANDS
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=ISLANDS,
    drums=read_drums(
        """
        Lagos
            kick        X.....x.X.....x.
            rim         ...x..x....x..x.
            shaker      xoxoxoxoxoxoxoxo
        Lagos, snared
            kick        X.....x.X.......
            snare       ...x..x....x..x.
            closed hat  x.x.x.x.x.x.x.x.
            shaker      oxoo
        three-three-two
            kick        X...X...X...X...
            rim         x..x..x.x..x..x.
            closed hat  ..x...x...x...x.
            high conga  .....x.....x.x..
        afropop
            kick        X..x..x...x.....
            rim         ....x..x....x.x.
            closed hat  x.xox.xox.xox.xo
        Accra
            kick        X...x...X...x...
            cowbell     x..x..x...x.x...
            rim         ......x.......x.
            shaker      xoxo
        highlife
            kick        X.......X.......
            claves      x..x..x...x.x...
            high conga  ..x.xx....x.xx..
            closed hat  x.xxx.xxx.xxx.xx
        amapiano
            kick        X...X...X...X...
            low tom     ...x..x..x....x....x..xx...x..x.
            shaker      xoxxxoxxxoxxxoxx
            clap        ....o.......o...
        log drum
            kick        X.......X.......
            low tom     x..x..x...xx..x.
            tom         .......x.....x..
            shaker      ogxgogxgogxgogxg
            rim         ....x.......x...
        dembow
            kick        X...X...X...X...
            snare       ...x..x....x..x.
            closed hat  x.x.x.x.x.x.x.x.
        seventies
            kick        X.....x..x......
            snare       ..g.x..g..x...gx
            closed hat  x.xxx.xx.xx.x.xx
            open hat    .......x........
        gqom
            kick        X..x..x....x..x.
            clap        ......x.......x.
            low tom     .......x.......x
            shaker      o.o.
        party
            kick        X...X...X...X...
            rim         ...x..x....x..x.
            clap        ....x.......x...
            tambourine  ..x...x...x...x.
            low conga   x.....x.x.....xx
        """
    ),
    turns=read_drums(
        """
        rim turns
            rim         ..........x.xx.x
        kick rests
            kick        ........____....
        kick before
            kick        .............x..
        congas
            high conga  ..........xx.x..
            low conga   ..............xx
        snare answers
            snare       ............x.xx
        shaker stops
            shaker      ............____
        log drum
            low tom     ..........x..xx.
        open
            open hat    ..............x.
        """
    ),
    lifts=read_drums(
        """
        claps
            clap        ....x.......x...
            open hat    ..x...x...x...x.
        bell
            cowbell     x..x..x...x.x...
        congas
            high conga  ..x.xx....x.xx..
            low conga   x.......x.......
        """
    ),
    bass=(
        *read_bass("1111111111115551", on_kick=4),
        *read_bass(
            """
            1--...1-1--...5-
            1..1..1-..8.7.5.
            ..1-..1...1-5.8.
            1-....1.5-..3-n-
            ...1..1..1..1-5.
            1--1--1-8--5--n-
            ...1..1..1....1....1..11...1..8.
            """
        ),
    ),
    bass_leads=0.35,
    lowest=29,
)
