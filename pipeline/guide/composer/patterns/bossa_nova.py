"""Bossa nova and its neighbours, counted in eighths: clave on the rim, a surdo on the kick."""

from __future__ import annotations

from .families import LATIN
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=LATIN,
    drums=read_drums(
        """
        bossa
            kick        x.....o.x.....o.
            rim         x.....x.....x.......x.....x.....
            closed hat  x.o.x.o.x.o.x.o.
        bossa, reversed
            kick        x.....o.x.....o.
            rim         ....x.....x.....x.....x.....x...
            closed hat  x.o.x.o.x.o.x.o.
            shaker      ogog
        bossa with brushes
            kick        x.....o.x.....o.
            snare       o.g.o.g.x.g.o.g.
            rim         ............x...
        son clave
            kick        x.....o.x.....o.
            claves      x.....x.....x.......x...x.......
            shaker      o.x.o.x.o.x.o.x.
            low conga   ............x.x.
            high conga  ....x...........
        rumba clave
            kick        ......x.....x...
            claves      x.....x.......x.....x...x.......
            high conga  ....x.......x...
            low conga   ..............x.
            shaker      o.x.
        partido alto
            kick        x.....o.x.....o.
            snare       ..x.....x...x...x...x.....x...x.
            tambourine  o.o.x.o.o.o.x.o.
        samba
            low tom     g.......X.......
            kick        x.....o.x.....o.
            shaker      xoox
            tambourine  x.xxx.x.xxx.x.xx
        baião
            kick        x.....x.....x...
            rim         ....x.......x...
            closed hat  x.o.x.o.x.o.x.o.
            cowbell     ..x...x...x...x.
        cha-cha
            cowbell     x...x...x...x...
            high conga  ....x.......x...
            low conga   ............x.x.
            kick        x.....x.........
            shaker      ..o.
        mambo
            cowbell     x...x.x.x.x.x.x.
            high conga  ..o.x.....o.x...
            low conga   ............x.x.
            kick        ......x.....x...
            rim         x.....x.....x.......x...x.......
        late night
            kick        x.....o.x.....o.
            rim         x.....x.....x...
            ride        x.o.x.o.x.o.x.o.
            pedal hat   ....o.......o...
        """
    ),
    turns=read_drums(
        """
        rim leaves
            rim         ________........
        rim pushes
            rim         ..............x.
        open conga
            low conga   ............x.x.
        hats open
            open hat    ..............o.
        kick alone
            closed hat  ____........____
        high conga
            high conga  ......x...x.....
        snare whispers
            snare       ..........g.g.g.
        shaker turns
            shaker      ............xxxx
        """
    ),
    lifts=read_drums(
        """
        ride
            ride        x.o.x.o.x.o.x.o.
        shaker and conga
            shaker      ogog
            low conga   ............x.x.
        cowbell
            cowbell     x...x...x...x...
            high conga  ....x.......x...
        """
    ),
    bass=read_bass(
        """
        1-----5-5-----1-
        1-----5-5-----n-
        1-----v-v-----1-
        1-----1-5-----5-
        1-------5-----n-
        ......5-----n---
        1-----5-8-----5-
        1-----5-5---3-a-1-----v-v-----n-
        """
    ),
    bass_leads=0.3,
    lowest=31,
)
