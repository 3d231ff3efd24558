"""What drums and basses play in every style, as data."""

from __future__ import annotations

from . import (
    afrobeats,
    ambient,
    bossa_nova,
    country,
    disco,
    drum_and_bass,
    funk,
    hip_hop,
    house,
    jazz,
    lo_fi,
    metal,
    pop,
    r_and_b,
    reggae,
    rock,
    synthwave,
    techno,
    trap,
    uk_garage,
)
from .notation import StylePatterns

PATTERNS: dict[str, StylePatterns] = {
    "house": house.PATTERNS,
    "techno": techno.PATTERNS,
    "drum and bass": drum_and_bass.PATTERNS,
    "hip hop": hip_hop.PATTERNS,
    "trap": trap.PATTERNS,
    "lo-fi": lo_fi.PATTERNS,
    "rock": rock.PATTERNS,
    "pop": pop.PATTERNS,
    "reggae": reggae.PATTERNS,
    "synthwave": synthwave.PATTERNS,
    "funk": funk.PATTERNS,
    "ambient": ambient.PATTERNS,
    "disco": disco.PATTERNS,
    "r&b": r_and_b.PATTERNS,
    "jazz": jazz.PATTERNS,
    "bossa nova": bossa_nova.PATTERNS,
    "metal": metal.PATTERNS,
    "country": country.PATTERNS,
    "uk garage": uk_garage.PATTERNS,
    "afrobeats": afrobeats.PATTERNS,
}
