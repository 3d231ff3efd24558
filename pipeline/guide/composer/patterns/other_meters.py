"""Patterns in three, six, seven and five, which styles of a kind share. 7/8 is counted 2 2 3."""

from __future__ import annotations

from .notation import read_bass, read_drums

STRAIGHT_DRUMS = {
    "3/4": read_drums(
        """
        waltz
            kick        X...........
            snare       ....x...x...
            closed hat  x.x.x.x.x.x.
        rock waltz
            kick        X.........x.
            snare       ....X...x..g
            closed hat  X.x.x.x.x.x.
        long waltz
            kick        X.......x...X.....x.....
            snare       ........X...........X...
            ride        x...x...x...
        """
    ),
    "6/8": read_drums(
        """
        ballad
            kick        X.........x.
            snare       ......X.....
            closed hat  X.x.x.X.x.x.
        slow rock
            kick        X...x.....x.
            snare       ......X....g
            closed hat  X.xxx.X.xxx.
        march
            kick        X.....x.....
            snare       ....x.X.x.xo
            tambourine  ......x.....
        """
    ),
    "7/8": read_drums(
        """
        two two three
            kick        X.......X.....
            snare       ....X.....X...
            closed hat  X.x.X.x.X.x.x.
        driving
            kick        X.x.....X...x.
            snare       ....X.....X..g
            open hat    X...X...X.....
        one backbeat
            kick        X.....x.....x.
            snare       ........X.....
            ride        x.x.x.x.x.x.x.
        """
    ),
    "5/4": read_drums(
        """
        three and two
            kick        X.......x...X.......
            snare       ....X...........X...
            closed hat  X.x.X.x.X.x.X.x.X.x.
        late five
            kick        X.....x.X.........x.
            snare       ....X.......X......g
            closed hat  X.x.x.x.X.x.x.x.x.x.
        wide
            kick        X.........x.....x...
            snare       ........X.......X...
            ride        x...x...x...x...x...
        """
    ),
}
PULSE_DRUMS = {
    "3/4": read_drums(
        """
        three on the floor
            kick        X...X...X...
            clap        ........X...
            open hat    ..x...x...x.
        round
            kick        X...X...X...
            clap        ....X...X...
            closed hat  x.xox.xox.xo
        rims
            kick        X...x...x...
            rim         ...x..x..x..
            shaker      xoxo
            open hat    ..x...x...x.
        """
    ),
    "6/8": read_drums(
        """
        two on the floor
            kick        X.....X.....
            clap        ......X.....
            closed hat  ..x.x...x.x.
        six
            kick        X.....X.....
            closed hat  x.oxo.x.oxo.
            clap        ......X...o.
        against
            kick        X..x..X..x..
            rim         ....x.....x.
            shaker      xoxoxo
        """
    ),
    "7/8": read_drums(
        """
        seven
            kick        X...X...X.....
            clap        ....X.....X...
            closed hat  ..x...x...x.x.
        machine
            kick        X...X...X...x.
            closed hat  xoxoxoxoxoxoxo
            rim         ...x..x....x..
        offbeats
            kick        X...X...X.....
            open hat    ..x...x...x.x.
            snare       ............x.
        """
    ),
    "5/4": read_drums(
        """
        five on the floor
            kick        X...X...X...X...X...
            clap        ....X.......X.......
            open hat    ..x...x...x...x...x.
        three and two
            kick        X...X...X...X...X...
            clap        ........X.......X...
            closed hat  x.xox.xox.xox.xox.xo
        turning
            kick        X...X...X...X...X..x
            rim         ...x..x..x..x..x..x.
            open hat    ..x...x...x...x...x.
        """
    ),
}
BROKEN_DRUMS = {
    "3/4": read_drums(
        """
        late waltz
            kick        X......x....
            snare       ........X...
            closed hat  x.x.x.x.x.xo
        broken waltz
            kick        X..x......x.
            snare       ....X..g.X..
            closed hat  xoxoxoxoxoxo
        soul waltz
            kick        X.....x.....
            snare       ....x..gx..g
            ride        x.o.x.o.x.o.
        """
    ),
    "6/8": read_drums(
        """
        slow jam
            kick        X........x..
            snare       ......X.....
            closed hat  x.x.x.x.x.xo
        triplet bounce
            kick        X...x....x..
            snare       ......X...g.
            closed hat  xoxoxoxoxoxr
        bell
            kick        X.....X.....
            cowbell     x.x.xx.x.x.x
            snare       ......x.....
        """
    ),
    "7/8": read_drums(
        """
        limping
            kick        X......x......
            snare       ....X.....X...
            closed hat  x.x.x.x.x.x.xo
        ghosts
            kick        X..x....x..x..
            snare       ....X..g..X..g
            closed hat  xoxoxoxoxoxoxo
        half
            kick        X.....x.....x.
            snare       ........X.....
            closed hat  x.x.x.x.x.t.x.
        """
    ),
    "5/4": read_drums(
        """
        five
            kick        X......x..x.....x...
            snare       ....X.......X......g
            closed hat  x.x.x.x.x.x.x.x.x.x.
        long five
            kick        X..x......x.........
            snare       ........X.......X..g
            closed hat  xoxoxoxoxoxoxoxoxoxo
        pocket
            kick        X..x..x...x.....x...
            snare       ....X..g.g..X..gX..g
            closed hat  x.xox.xox.xox.xox.xo
        """
    ),
}
SWUNG_DRUMS = {
    "3/4": read_drums(
        """
        jazz waltz
            ride        x...x.x.x...
            pedal hat   ....x.......
            kick        o...........
        jazz waltz, comping
            ride        x...x.x.x.x.
            pedal hat   ....x...x...
            snare       ......o.....
            kick        x.........o.
        brushed waltz
            snare       o.g.x.g.x.g.
            pedal hat   ....x...x...
            kick        x...........
        """
    ),
    "6/8": read_drums(
        """
        six
            ride        x...x.x...x.
            pedal hat   ......x.....
            kick        x.........o.
        afro
            ride        x.x.xx.x.x.x
            pedal hat   ......x.....
            tom         ........x.x.
            kick        x.....x.....
        cross-stick
            ride        x.x.x.x.x.x.
            rim         ......x.....
            kick        x.........o.
        """
    ),
    "7/8": read_drums(
        """
        seven
            ride        x...x.x.x...x.
            pedal hat   ....x.....x...
            kick        o.......o.....
        comping
            ride        x...x...x.x.x.
            pedal hat   ....x...x.....
            snare       ......o.....o.
            kick        x.............
        brushes
            snare       o.g.x.g.o.x.g.
            pedal hat   ....x.....x...
            kick        o.......o.....
        """
    ),
    "5/4": read_drums(
        """
        take it in five
            ride        x...x.x.x...x...x.x.
            pedal hat   ....x...........x...
            kick        x.......x...x.......
        comping
            ride        x...x.x.x.x.x...x.x.
            pedal hat   ....x...x.......x...
            snare       ......o...o...o.....
            kick        x...........o.......
        brushes
            snare       o.g.x.g.o.g.x.g.x.g.
            pedal hat   ....x.......x...x...
            kick        o...........o.......
        """
    ),
}
SOFT_DRUMS = {
    "3/4": read_drums(
        """
        shaker waltz
            kick        x...........
            rim         ....o...o...
            shaker      x.o.x.o.x.o.
        still waltz
            kick        x.......o...
            shaker      ..o...o...o.
        conga waltz
            low conga   x...........
            high conga  ....o.o.x.o.
            shaker      ogog
        """
    ),
    "6/8": read_drums(
        """
        rocking
            kick        x...........
            rim         ......o.....
            shaker      x.o.o.x.o.o.
        bell
            claves      x...x.x...x.
            kick        x.....o.....
            shaker      xogogo
        congas
            low conga   x.....x...x.
            high conga  ....o.....o.
            shaker      ..o.o.
        """
    ),
    "7/8": read_drums(
        """
        seven
            kick        x.......o.....
            rim         ....o.....o...
            shaker      x.o.x.o.x.o.o.
        still
            kick        x.............
            shaker      ..o...o...o.o.
        congas
            low conga   x...........x.
            high conga  ....o...x.o...
            shaker      x.o.x.o.x.o.o.
        """
    ),
    "5/4": read_drums(
        """
        five
            kick        x...........o.......
            rim         ........o.......o...
            shaker      x.o.x.o.x.o.x.o.x.o.
        still
            kick        x...................
            shaker      ..o...o...o...o...o.
        congas
            low conga   x...........x.......
            high conga  ....o.o.x.......o.x.
            shaker      ogog
        """
    ),
}

STRAIGHT_BASS = {
    "3/4": read_bass("1---5---5--- 1-------5-a- 1-1-1-1-5-a-"),
    "6/8": read_bass("1---------5- 1---1-5---a- 1-1-1-5-5-8-"),
    "7/8": read_bass("1-------5----- 1-1-1-1-5-5-a- 1---5---1---a-"),
    "5/4": read_bass("1-------5---1---5-a- 1-1-1-1-1-1-5-5-8-a- 1-----------5-------"),
}
PULSE_BASS = {
    "3/4": read_bass("..1-..1-..1- 1.8.1.8.1.8a 1..1..1..1.."),
    "6/8": read_bass("1.1.1.8.1.1. ..1.1...1.1. 1--1--1--8--"),
    "7/8": read_bass("..1-..1-..1.1. 1.8.1.8.1.8.a. 1..1..1.1..1.."),
    "5/4": read_bass("..1-..1-..1-..1-..1- 1.8.1.8.1.8.1.8.1.a. 1..1..1..1..1..1..1."),
}
BROKEN_BASS = {
    "3/4": read_bass("1--1....5-a- 1------.1-5- 1-----x.8-5-"),
    "6/8": read_bass("1---..1---5- 1--..15--.a- 1---------s-"),
    "7/8": read_bass("1-----1---5-a- 1--1....5--.1- 1-------1-----"),
    "5/4": read_bass("1-----1---5-1-----a- 1--1....5---1--x8-5- 1-----------1---s---"),
}
SWUNG_BASS = {
    "3/4": read_bass("1---w---a--- 1-------5--- 1---5---w-a-"),
    "6/8": read_bass("1-----5---a- 1---5---8-a- 1-------5---"),
    "7/8": read_bass("1---w---w---a- 1-------5----- 1---5---1-5-a-"),
    "5/4": read_bass("1---w---w---w---a--- 1-----5-----1---5--- 1---w---w---1---c---"),
}
SOFT_BASS = {
    "3/4": read_bass("1----------- 1-----5-8--- 1-------5---"),
    "6/8": read_bass("1----------- 1-----5----- 1---------5-"),
    "7/8": read_bass("1------------- 1-------5----- 1---5---8-----"),
    "5/4": read_bass("1------------------- 1-----------5------- 1-----5-----8-------"),
}
