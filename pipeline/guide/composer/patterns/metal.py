"""Metal: double kicks that lock with the guitars, d-beats, blasts and breakdowns."""

from __future__ import annotations

from .families import BAND
from .notation import StylePatterns, read_bass, read_drums

PATTERNS = StylePatterns(
    family=BAND,
    drums=read_drums(
        """
        gallop
            kick        X.xxX.xxX.xxX.xx
            snare       ....X.......X...
            open hat    X...X...X...X...
        thrash
            kick        X...X...X...X...
            snare       ..X...X...X...X.
            closed hat  X.x.X.x.X.x.X.x.
        d-beat
            kick        X..xX...X..xX...
            snare       ..X...X...X...X.
            open hat    X...X...X...X...
        double kick
            kick        xxxxxxxxxxxxxxxx
            snare       ....X.......X...
            ride        X.x.X.x.X.x.X.x.
        blast beat
            kick        X.X.X.X.X.X.X.X.
            snare       .X.X.X.X.X.X.X.X
            ride        X.X.X.X.X.X.X.X.
        hammer blast
            kick        X.X.X.X.X.X.X.X.
            snare       X.X.X.X.X.X.X.X.
            open hat    X.X.X.X.X.X.X.X.
        breakdown
            kick        X..xx..x.x..xx..
            snare       ........X.......
            crash       X...x...x...x...
        doom
            kick        X.......x.x.....
            snare       ........X.......
            ride        X...X...X...X...
        heavy
            kick        X.x.....X.x...x.
            snare       ....X.......X...
            closed hat  X...X...X...X...
        groove
            kick        X..x..x.x..x.xx.
            snare       ....X.......X...
            open hat    X...X...X...X...
        chug
            kick        xxx.xxx.xxx.x.x.
            snare       ........X.......
            open hat    X...X...X...X...
        three over four
            kick        xx.xx.xx.xx.xx.x
            snare       ........X.......
            crash       X...............
            ride        ....X...X...X...
        """
    ),
    turns=read_drums(
        """
        kick burst
            kick        ............xxxx
        snare before
            snare       ..............x.
        kick rests
            kick        ............____
        bell
            ride        ............X.X.
        sixteenths
            snare       ............xxxx
        toms
            tom         ............xx..
            low tom     ..............xx
        kick thins
            kick        .........._.._..
        flam
            snare       ............f...
        crash on four
            crash       ............X...
        """
    ),
    lifts=read_drums(
        """
        crash ride
            crash       X.......X.......
        ride bell
            ride        X.X.X.X.X.X.X.X.
        china of hats
            open hat    X.X.X.X.X.X.X.X.
        """
    ),
    bass=(
        *read_bass("1111111111111111 1111111111115511 111111111111111a", on_kick=2),
        *read_bass(
            """
            1.111.111.111.11
            1111111111111111
            1-1-1-1-1-1-1-1-
            1-------1-----c-
            1-1.1-1.1-1.5-c-
            """
        ),
    ),
    bass_leads=0.2,
)
