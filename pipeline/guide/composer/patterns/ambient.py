"""Ambient: pulses, hearts and shakers, with much air between them."""

from __future__ import annotations

from .families import AIR
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=AIR,
    drums=read_drums(
        """
        pulse
            kick        x...............
            shaker      ..o...o...o...o.
        heartbeat
            kick        x.o.............x.o.............
            rim         ........o...........o..........?
        slow rim
            kick        x.........o.....
            rim         ........o......?
            closed hat  ..o...o...o...o.
        ride
            kick        o.......o.......
            ride        o...o...o...o.o.
        tides
            low tom     o...........g...o.......g...o...
            shaker      ogo.ogo.ogo.ogo.
        clockwork
            rim         o..g..o..g..o.g.
            closed hat  g.g.o.g.g.g.o.g.
            kick        x...............
        dub
            kick        x.......x.......
            rim         ......o.........
            open hat    ............o...
            closed hat  ..g...g...g...g.
        slow four
            kick        x...x...x...x...
            shaker      g.o.g.o.g.o.g.o.
        brushes
            snare       g.gog.gog.gog.go
            kick        o.........o.....
        congas
            high conga  ....o..g....o.og
            low conga   o.......o.......
            shaker      ..g...g...g...g.
        clave
            claves      o.....o.....o.......o.....o.....
            kick        x...............
            shaker      ..g.
        """
    ),
    turns=read_drums(
        """
        less
            shaker      ________........
            closed hat  ________........
        rim
            rim         ..........o.....
        second kick
            kick        ..........o.....
        a bell
            claves      ......o.........
        a tom
            low tom     ............o...
        tick
            closed hat  .............g.g
        open
            open hat    ..............g.
        silence
            kick        ____............
            rim         ________________
        """
    ),
    lifts=read_drums(
        """
        ride
            ride        o...o...o...o...
        shaker
            shaker      ogog
            kick        ........o.......
        toms
            low tom     o.....o.........
            closed hat  ..o...o...o...o.
        """
    ),
    bass=read_bass(
        """
        1---------------
        1-------5-------
        1-----------8---
        1-------1-------
        1---------5-----
        1-----5-8-------
        1---------------5---------------
        1-------........
        """
    ),
    bass_leads=0.1,
)
