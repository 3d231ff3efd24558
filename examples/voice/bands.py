"""What people call those who play a style, and how they call it: the words of the captions."""

from __future__ import annotations

from pipeline.guide import palette

WORDS = {  # of every style: moods, mostly
    "house": ("groovy", "upbeat", "club", "deep", "bright", "dark"),
    "techno": ("dark", "driving", "hypnotic", "heavy", "sparse", "dusty"),
    "drum and bass": ("fast", "energetic", "rolling", "dark", "dreamy"),
    "hip hop": ("laid-back", "boom bap", "head-nodding", "dusty", "dark", "clean"),
    "trap": ("hard", "moody", "modern", "dark", "dreamy", "heavy"),
    "lo-fi": ("chill", "dusty", "relaxed", "sad", "dreamy", "warm"),
    "rock": ("energetic", "loud", "raw", "heavy", "bright"),
    "pop": ("bright", "catchy", "happy", "sad", "dreamy", "energetic"),
    "reggae": ("sunny", "easy", "offbeat", "heavy", "warm"),
    "synthwave": ("retro", "80s", "neon", "dark", "dreamy", "driving"),
    "funk": ("funky", "tight", "groovy", "dirty", "busy"),
    "ambient": ("calm", "slow", "dreamy", "dark", "warm", "bright"),
    "disco": ("glittering", "upbeat", "groovy", "happy", "energetic"),
    "r&b": ("smooth", "soulful", "warm", "intimate", "dreamy"),
    "jazz": ("swinging", "smooth", "warm", "relaxed", "busy"),
    "bossa nova": ("gentle", "warm", "sunny", "relaxed", "soft"),
    "metal": ("heavy", "aggressive", "dark", "crushing", "fast"),
    "country": ("easy", "happy", "warm", "upbeat", "sad"),
    "uk garage": ("bouncy", "dark", "deep", "groovy", "bright"),
    "afrobeats": ("sunny", "groovy", "happy", "bouncy", "warm"),
}
DRUM_WORDS = {
    "909": ("909 drums", "electronic drums", "drum machine"),
    "808": ("808 drums", "808 beat", "808 drum machine"),
    "acoustic": ("acoustic drums", "live drums", "drum kit"),
    "boom bap": ("boom bap drums", "sampled drums", "drum break"),
    "brushes": ("brushed drums", "drums with brushes", "soft drum kit"),
    "rock": ("big drums", "loud drums", "live drum kit"),
    "lo-fi": ("lo-fi drums", "dusty drums", "soft drums"),
    "80s": ("gated drums", "80s drums", "big electronic drums"),
    "hand percussion": ("hand percussion", "congas and shakers", "percussion"),
}
# instruments that by themselves are understood as chords; others are called "flute chords"
CHORD_WORDS = tuple(
    name
    for name, instrument in palette.INSTRUMENTS.items()
    if "chords" in instrument.roles and name not in ("bell", "vibraphone", "vocal", "clavinet")
)
# styles in which nobody sings, and who sings in the others
UNSUNG = ("techno", "ambient")
SINGER_WORDS = {
    "woman": ("female vocals", "female singer", "sung by a woman", "female voice"),
    "man": ("male vocals", "male singer", "sung by a man", "male voice"),
}
