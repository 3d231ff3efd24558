"""Fills, breaks and other meters that styles of one kind share."""

from __future__ import annotations

from . import other_meters
from .notation import Family, read_drums

BAND = Family(
    fills=read_drums(
        """
        down the toms
            snare     xx......
            high tom  ..xx....
            tom       ....xx..
            low tom   ......xx
        snare sixteenths
            snare     oxoxxxXX
        snare and toms
            snare     x.xx....
            tom       ....xx..
            low tom   ......xx
        with the kick
            snare     x..x..x.
            kick      .xx.xx.x
        eighths
            snare     x.x.x.x.
            low tom   x.x.x.x.
        flams
            snare     f...f.fx
        late toms
            tom       ...xx...
            low tom   ......xx
            snare     x.......
        triplets
            snare     T.......
            low tom   ....T...
        """
    ),
    breaks=read_drums(
        """
        toms
            kick        X...............
            low tom     x.......x.....x.
        hat only
            closed hat  x.x.x.x.x.x.x.x.
            kick        X...............
        claps
            clap        ....x.......x...
            tambourine  x.o.x.o.x.o.x.o.
        """
    ),
    drums=other_meters.STRAIGHT_DRUMS,
    bass=other_meters.STRAIGHT_BASS,
)
FOUR_ON_THE_FLOOR = Family(
    fills=read_drums(
        """
        roll
            snare       ooxxxxrr
        claps
            clap        x..x..x.
        hats alone
            kick        ________
            closed hat  xoxoxxxx
        toms
            high tom    x..x....
            tom         ....x...
            low tom     ......xx
        stutter
            kick        X.xX.xXX
            clap        ....X...
        nothing
            kick        ________
            open hat    ......X.
        snare eighths
            snare       x.x.x.xx
            kick        X...X...
        """
    ),
    breaks=read_drums(
        """
        hats
            closed hat  o.x.o.x.o.x.o.x.
            rim         ......x......x..
        claps
            clap        ....x.......x...
            shaker      ogog
        ride
            ride        ..x...x...x...x.
            kick        X...............
        """
    ),
    drums=other_meters.PULSE_DRUMS,
    bass=other_meters.PULSE_BASS,
)
BREAKS = Family(
    fills=read_drums(
        """
        chopped
            snare       x.xx.xxX
            kick        .x..x...
        roll
            snare       xoxoxxrr
        late crash
            kick        ..x.....
            snare       x..o..X.
            crash       ..x.....
        stop
            kick        ________
            snare       x......X
        kick and snare
            kick        X..X..X.
            snare       .xx.xx.x
        repeats
            snare       r.r.rrrr
        """
    ),
    breaks=read_drums(
        """
        ride
            ride        x.o.x.o.x.o.x.o.
        shaker
            shaker      ogxgogxgogxgogxg
            rim         ......o......o..
        hats and one kick
            kick        X...............
            closed hat  ..x...x...x.x.x.
        """
    ),
    drums=other_meters.BROKEN_DRUMS,
    bass=other_meters.BROKEN_BASS,
)
BEATS = Family(
    fills=read_drums(
        """
        pick-up
            snare       x...x.xx
        kick stops
            kick        ________
            closed hat  x.x.x.x.
            snare       x.......
        triplet
            snare       x...T...
        claps
            clap        x.x..x.x
        machine toms
            high tom    x.x.....
            tom         ....x.x.
            low tom     .......x
        kick runs
            kick        X..x.xxx
            snare       x...x...
        """
    ),
    breaks=read_drums(
        """
        hats
            closed hat  x.o.x.o.x.o.x.o.
        snaps
            rim         ....x.......x...
            shaker      o.x.
        one kick
            kick        X...............
            rim         ........x.......
            closed hat  x...x...x...x.x.
        """
    ),
    drums=other_meters.BROKEN_DRUMS,
    bass=other_meters.BROKEN_BASS,
)
POCKET = Family(
    fills=read_drums(
        """
        ghosts
            snare       g.xgX.xX
        toms
            snare       x.x.....
            tom         ....xx..
            low tom     ......xx
        linear
            snare       x..x..x.
            kick        .xx.xx.x
        barks
            open hat    ..X..X..
            kick        ..X..X..
            snare       x.....xx
        the hole
            kick        ____....
            snare       ....X.xX
        six
            snare       t.x.t.x.
        """
    ),
    breaks=read_drums(
        """
        hats
            closed hat  x.xox.xox.xox.xo
            snare       .......g.......g
        congas
            high conga  ..xo..xo..xo..xo
            low conga   x.....x.x.....xx
        cowbell
            cowbell     x...x.x...x.x...
            kick        X...............
        """
    ),
    drums=other_meters.BROKEN_DRUMS,
    bass=other_meters.BROKEN_BASS,
)
SWING = Family(
    fills=read_drums(
        """
        triplets
            snare     T...T...
        snare to tom
            snare     T.......
            low tom   ....T...
        talk
            snare     x.x.....
            kick      ....x.x.
            ride      x.......
        around
            snare     T.......
            high tom  ....x...
            low tom   ......x.
        press
            snare     ooooxxxX
        """
    ),
    breaks=read_drums(
        """
        hat
            pedal hat  ....x.......x...
        brushes
            snare      o.g.o.g.o.g.o.g.
            pedal hat  ....o.......o...
        ride
            ride       x...x...x...x...
        """
    ),
    drums=other_meters.SWUNG_DRUMS,
    bass=other_meters.SWUNG_BASS,
    crash="ride",
)
LATIN = Family(
    fills=read_drums(
        """
        timbales
            high tom    x.x.xx.x
        abanico
            rim         x...x...
            snare       ....xrxX
        congas
            high conga  x.xx.x..
            low conga   ......xx
        rim
            rim         x..x..x.
        surdo
            low tom     ....x.x.
            snare       x.xx....
        """
    ),
    breaks=read_drums(
        """
        clave
            rim         x.....x.....x.......x.....x.....
        shaker
            shaker      o.x.o.x.o.x.o.x.
        surdo
            kick        x.....o.x.....o.
            shaker      ogog
        """
    ),
    drums=other_meters.SOFT_DRUMS,
    bass=other_meters.SWUNG_BASS,
    crash="ride",
    build="shaker",
)
ISLANDS = Family(
    fills=read_drums(
        """
        timbale roll
            high tom    T...x.x.
        rim shots
            rim         x..x..x.
            snare       ......xX
        tom triplets
            tom         T.......
            low tom     ....T...
        congas
            high conga  x.xxx...
            low conga   .....xxx
        drop
            kick        ________
            snare       x..x..X.
        snare roll
            snare       ooxxxxX.
        """
    ),
    breaks=read_drums(
        """
        dub
            rim         ........x.......
            closed hat  x.x.x.x.x.x.x.x.
        congas
            high conga  ..x.xx....x.xx..
            low conga   x.......x.......
        shaker
            shaker      xoxo
            kick        X...............
        """
    ),
    drums=other_meters.BROKEN_DRUMS,
    bass=other_meters.BROKEN_BASS,
)
COUNTRY = Family(
    fills=read_drums(
        """
        train roll
            snare     ogxgoxxX
        walk up
            snare     x.x.x.x.
            kick      x...x...
        toms
            snare     x.x.....
            tom       ....x.x.
            low tom   .......x
        two and two
            snare     xx..xx..
            low tom   ..xx..xx
        flam
            snare     ....f.x.
        """
    ),
    breaks=read_drums(
        """
        kick
            kick        X.......X.......
        tambourine
            tambourine  ....x.......x...
            kick        X...............
        shaker
            shaker      x.o.x.o.x.o.x.o.
        """
    ),
    drums=other_meters.STRAIGHT_DRUMS,
    bass=other_meters.STRAIGHT_BASS,
)
AIR = Family(
    fills=read_drums(
        """
        low toms
            low tom     o...o.o.
        ride swells
            ride        gogooooo
        shaker
            shaker      o.o.oooo
        nothing
            kick        ________
        """
    ),
    breaks=read_drums(
        """
        shaker
            shaker      ..g...g...g...g.
        ride
            ride        o...............
        heart
            kick        o.g.............
        """
    ),
    drums=other_meters.SOFT_DRUMS,
    bass=other_meters.SOFT_BASS,
    crash="ride",
    build="ride",
)
