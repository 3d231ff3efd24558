"""What the adjectives of a caption turn: a mood is a place on a few scales."""

from __future__ import annotations

from typing import NamedTuple


class Mood(NamedTuple):
    """How a piece is to feel. Scales go from -1 to 1; 0 is what the style does by itself."""

    energy: float = 0.0  # calm to energetic: velocities, drum patterns, lifts of sections
    density: float = 0.0  # sparse to busy: how many notes
    brightness: float = 0.0  # dark to bright: registers, open hats, harmonics of the sounds
    valence: float = 0.0  # sad to happy: mode, borrowed chords, contour of tunes
    weight: float = 0.0  # light to heavy: low octaves, doubled bass, drive
    dust: float = 0.0  # clean to dusty: exact or late, hard or soft, sevenths
    dream: float = 0.0  # dry to dreamy: short or long notes, arpeggios, softness
    hats: float = 0.0  # -1 no hats, less than 0 few of them, 1 rolls of hats
    drums: float = 0.0  # how loud each part is
    bass: float = 0.0
    chords: float = 0.0
    lead: float = 0.0
    voice: float = 0.0  # of the singer
    half_time: bool = False
    swing: float | None = None  # of the style where None; 0 straight, 1 triplets


# What a listener calls it where a scale is turned down, and up.
DIRECTIONS = {
    "energy": ("calmer", "more energetic"),
    "density": ("sparser", "busier"),
    "brightness": ("duller, lower", "brighter, higher"),
    "valence": ("sadder", "happier"),
    "weight": ("lighter", "heavier"),
    "dust": ("cleaner, more exact", "dustier, later"),
    "dream": ("shorter notes", "longer notes, softer"),
    "hats": ("fewer hats", "rolls of hats"),
    "drums": ("drums quieter", "drums louder"),
    "bass": ("bass quieter", "bass louder"),
    "chords": ("chords quieter", "chords louder"),
    "lead": ("lead quieter", "lead louder"),
    "voice": ("singer quieter", "singer louder"),
    "half_time": ("full time", "half time"),
    "swing": ("straight", "swung"),
}


def describe_turn(scale: str, amount: float) -> str:
    """What a listener hears of a scale that is turned."""
    if scale == "hats" and amount <= -1:
        return "hats left out"
    return DIRECTIONS[scale][amount > 0]
