"""Who may play each style, and what people call that."""

from __future__ import annotations

from typing import NamedTuple

from . import palette


class Band(NamedTuple):
    """What may play a style, and what people call it."""

    drums: tuple[str, ...]
    bass: tuple[str, ...]
    chords: tuple[str, ...]
    lead: tuple[str, ...]
    words: tuple[str, ...]


def _read_band(drums: str, bass: str, chords: str, lead: str, words: str) -> Band:
    """From lists with commas."""
    lists = (drums, bass, chords, lead, words)
    return Band(*(tuple(filter(None, text.split(", "))) for text in lists))


BANDS = {
    "house": _read_band(
        drums="909",
        bass="synth bass, sub bass",
        chords="piano, rotary organ, supersaw, pluck, rhodes",
        lead="pluck, saw lead, vocal",
        words="groovy, upbeat, club, deep, bright, dark",
    ),
    "techno": _read_band(
        drums="909",
        bass="acid bass, synth bass, reese bass",
        chords="pluck, pad",
        lead="square lead, bell",
        words="dark, driving, hypnotic, heavy, sparse, dusty",
    ),
    "drum and bass": _read_band(
        drums="acoustic, 909",
        bass="reese bass, sub bass, synth bass",
        chords="pad, electric piano, choir pad",
        lead="bell, vocal, pluck",
        words="fast, energetic, rolling, dark, dreamy",
    ),
    "hip hop": _read_band(
        drums="boom bap, 808, lo-fi",
        bass="sub bass, electric bass, upright bass",
        chords="rhodes, electric piano, piano, string section",
        lead="flute, bell, trumpet",
        words="laid-back, boom bap, head-nodding, dusty, dark, clean",
    ),
    "trap": _read_band(
        drums="808",
        bass="808 bass, sub bass",
        chords="bell, piano, pad, choir pad",
        lead="flute, bell, square lead",
        words="hard, moody, modern, dark, dreamy, heavy",
    ),
    "lo-fi": _read_band(
        drums="lo-fi",
        bass="electric bass, upright bass, sub bass",
        chords="rhodes, nylon guitar, electric piano, guitar",
        lead="vibraphone, guitar, flute, bell",
        words="chill, dusty, relaxed, sad, dreamy, warm",
    ),
    "rock": _read_band(
        drums="rock, acoustic",
        bass="electric bass",
        chords="distorted guitar, guitar, rotary organ",
        lead="distorted guitar, guitar, saw lead",
        words="energetic, loud, raw, heavy, bright",
    ),
    "pop": _read_band(
        drums="909, acoustic",
        bass="electric bass, synth bass",
        chords="piano, steel guitar, supersaw, guitar, string section",
        lead="saw lead, vocal, bell",
        words="bright, catchy, happy, sad, dreamy, energetic",
    ),
    "reggae": _read_band(
        drums="acoustic",
        bass="electric bass",
        chords="guitar, rotary organ, organ",
        lead="organ, flute, brass",
        words="sunny, easy, offbeat, heavy, warm",
    ),
    "synthwave": _read_band(
        drums="80s, 909",
        bass="synth bass",
        chords="supersaw, pad, strings, choir pad",
        lead="saw lead, square lead",
        words="retro, 80s, neon, dark, dreamy, driving",
    ),
    "funk": _read_band(
        drums="acoustic",
        bass="electric bass",
        chords="guitar, clavinet, brass, rhodes",
        lead="saxophone, brass, rotary organ, saw lead",
        words="funky, tight, groovy, dirty, busy",
    ),
    "ambient": _read_band(
        drums="",
        bass="sub bass",
        chords="pad, string section, choir pad, strings",
        lead="bell, flute, vocal, vibraphone",
        words="calm, slow, dreamy, dark, warm, bright",
    ),
    "disco": _read_band(
        drums="acoustic, 909",
        bass="electric bass, synth bass",
        chords="string section, guitar, rhodes, piano",
        lead="brass, string section, vocal",
        words="glittering, upbeat, groovy, happy, energetic",
    ),
    "r&b": _read_band(
        drums="808, acoustic",
        bass="electric bass, sub bass, synth bass",
        chords="rhodes, electric piano, guitar, string section",
        lead="vocal, saxophone, bell",
        words="smooth, soulful, warm, intimate, dreamy",
    ),
    "jazz": _read_band(
        drums="brushes, acoustic",
        bass="upright bass",
        chords="piano, guitar, vibraphone, rhodes",
        lead="saxophone, trumpet, vibraphone, flute",
        words="swinging, smooth, warm, relaxed, busy",
    ),
    "bossa nova": _read_band(
        drums="hand percussion, brushes",
        bass="upright bass",
        chords="nylon guitar, piano, rhodes",
        lead="flute, nylon guitar, vibraphone, saxophone",
        words="gentle, warm, sunny, relaxed, soft",
    ),
    "metal": _read_band(
        drums="rock",
        bass="electric bass",
        chords="distorted guitar",
        lead="distorted guitar, saw lead",
        words="heavy, aggressive, dark, crushing, fast",
    ),
    "country": _read_band(
        drums="acoustic, brushes",
        bass="upright bass, electric bass",
        chords="steel guitar, nylon guitar, piano",
        lead="fiddle, steel guitar, guitar",
        words="easy, happy, warm, upbeat, sad",
    ),
    "uk garage": _read_band(
        drums="909",
        bass="sub bass, reese bass, synth bass",
        chords="rotary organ, pluck, rhodes, pad",
        lead="vocal, pluck, bell",
        words="bouncy, dark, deep, groovy, bright",
    ),
    "afrobeats": _read_band(
        drums="hand percussion, 808, acoustic",
        bass="electric bass, 808 bass, sub bass",
        chords="guitar, pluck, rhodes, brass",
        lead="brass, vocal, saxophone, flute",
        words="sunny, groovy, happy, bouncy, warm",
    ),
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
TRACKS = {
    "drums": tuple(kit for kit in palette.KITS if kit != "hand percussion"),
    "percussion": ("hand percussion",),
    "bass": tuple(name for name in palette.INSTRUMENTS if name.endswith("bass")),
    "keyboard": (
        "piano",
        "electric piano",
        "rhodes",
        "organ",
        "rotary organ",
        "clavinet",
    ),
    "strings": ("strings", "string section", "fiddle"),
    "guitar": ("guitar", "nylon guitar", "steel guitar", "distorted guitar"),
    "woodwinds": ("flute", "saxophone"),
    "brass": ("brass", "trumpet"),
    "vocals": ("vocal",),
    "backing_vocals": ("choir pad",),
    "synth": ("pluck", "supersaw", "pad", "square lead", "saw lead", "bell", "vibraphone"),
}
TRACK_OF = {sound: track for track, sounds in TRACKS.items() for sound in sounds}
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
