"""Captions become sketches: style, tempo, key and parts, as a person would mean them. These are
read alike by both composers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import pytest

from pipeline.guide.composer import caption_words, captions, styles
from pipeline.guide.composer.meter import read_meter
from pipeline.guide.composer.sketch import Sketch
from pipeline.guide.composer_1 import captions as first_captions
from pipeline.guide.composer_1 import styles as first_styles
from pipeline.guide.composer_1.sketch import FirstSketch
from pipeline.guide.score import ROLES

ALL = ROLES
TONAL = ("bass", "chords", "lead")


def read_newest(
    prompt: str, seed: int = 1, bpm: float = 0, key: str = "", chords: tuple[str, ...] = ()
) -> Sketch:
    return captions.read_caption(
        prompt, bpm=bpm, key=key, bars=4, meter=read_meter(4), seed=seed, chords=chords
    ).sketch


def read_first(
    prompt: str, seed: int = 1, bpm: float = 0, key: str = "", chords: tuple[str, ...] = ()
) -> FirstSketch:
    return first_captions.read_caption(
        prompt, bpm=bpm, key=key, bars=4, beats_per_bar=4, seed=seed, chords=chords
    )


class Composer(NamedTuple):
    """How one of them reads a caption, and what it knows."""

    sketch_of: Callable[..., Sketch | FirstSketch]
    tempos: Mapping[str, tuple[int, int]]  # of every style
    tables: tuple[Mapping[str, str], ...]
    default_styles: tuple[str, ...]


COMPOSERS = {
    "newest": Composer(
        read_newest,
        {name: style.bpm for name, style in styles.STYLES.items()},
        (caption_words.STYLE_WORDS, caption_words.MOOD_WORDS),
        caption_words.DEFAULT_STYLES,
    ),
    "first": Composer(
        read_first,
        {name: style.bpm for name, style in first_styles.STYLES.items()},
        (first_captions.STYLE_WORDS, first_captions.MOOD_WORDS),
        first_captions.DEFAULT_STYLES,
    ),
}


@pytest.fixture(params=COMPOSERS)
def composer(request: pytest.FixtureRequest) -> Composer:
    return COMPOSERS[request.param]


@pytest.mark.parametrize(
    ("prompt", "style"),
    [
        ("drum & bass", "drum and bass"),
        ("Drum'n'Bass roller", "drum and bass"),
        ("drum-n-bass", "drum and bass"),
        ("dnb with a reese", "drum and bass"),
        ("jungle breakbeat", "drum and bass"),
        ("lofi hip hop to study to", "lo-fi"),
        ("LO-FI beats", "lo-fi"),
        ("lofi house", "house"),
        ("boom-bap", "hip hop"),
        ("trip-hop", "hip hop"),
        ("dubstep", "trap"),
        ("dub techno", "techno"),
        ("dub", "reggae"),
        ("trance", "techno"),
        ("EDM festival", "house"),
        ("pop punk", "rock"),
        ("rock'n'roll", "rock"),
        ("latin pop", "pop"),
        ("80s retrowave", "synthwave"),
        ("80s", "synthwave"),
        ("80s rock", "rock"),
        ("8-bit chiptune", "synthwave"),
        ("cinematic orchestral", "ambient"),
        ("cinematic trap", "trap"),
        ("ambient techno", "techno"),
        ("classical piano", "ambient"),
        ("drone meditation", "ambient"),
        ("a funky house groove", "house"),
        ("something funky", "funk"),
    ],
)
def test_captions_name_styles(composer: Composer, prompt: str, style: str) -> None:
    assert composer.sketch_of(prompt).style == style


def test_a_styles_name_means_it(composer: Composer) -> None:
    for style in composer.tempos:
        assert composer.sketch_of(style).style == style


def test_every_word_of_the_tables_means_its_style(composer: Composer) -> None:
    for table in composer.tables:
        assert set(table) <= set(composer.tempos)
        for style, words in table.items():
            for word in words.split(", "):
                assert composer.sketch_of(f"some {word}, please").style == style, word


def test_words_are_matched_whole(composer: Composer) -> None:
    for seed in range(20):
        one = composer.sketch_of("popular rocket trappers of Dublin", seed=seed)
        assert one.style == composer.sketch_of("", seed=seed).style


def test_without_a_style_the_seed_picks_one(composer: Composer) -> None:
    picked = {composer.sketch_of("", seed=seed).style for seed in range(40)}
    assert picked == set(composer.default_styles)


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("", ALL),
        ("drum and bass", ALL),
        ("drum and bass only", ALL),
        ("bass guitar and drums, rock", ALL),
        ("techno, drums only", ("drums",)),
        ("only kick and hats, techno", ("drums",)),
        ("just 808s", ("drums",)),
        ("drums and bass only", ("drums", "bass")),
        ("drum and bass, drums only", ("drums",)),
        ("techno acid bass only", ("bass",)),
        ("synth bass only, dark house", ("bass",)),
        ("solo piano", ("chords",)),
        ("solo electric piano, lo-fi", ("chords",)),
        ("solo flute", ("lead",)),
        ("a cappella", ("lead",)),
        ("acapella pop", ("lead",)),
        ("vocals only", ("lead",)),
        ("flute melody only", ("lead",)),
        ("organ melody only", ("lead",)),
        ("bell chords only", ("chords",)),
        ("house with a solo flute", ALL),
        ("rock with guitar solo", ALL),
        ("solo piano with drums", ALL),
        ("only good vibes", ALL),
        ("rock, no drums", TONAL),
        ("rock without any live drums", TONAL),
        ("no drums, bass and piano", TONAL),
        ("no drums and bass", ("chords", "lead")),
        ("no drums, no bass", ("chords", "lead")),
        ("drumless jazz", TONAL),
        ("beatless techno", TONAL),
        ("drum-less techno", TONAL),
        ("pop w/o bass or lead", ("drums", "chords")),
        ("house without a melody", ("drums", "bass", "chords")),
        ("rock, no vocals", ALL),
        ("no vocals, piano only", ("chords",)),
        ("ambient", TONAL),
        ("orchestral strings", TONAL),
        ("ambient with soft drums", ALL),
        ("no drums no bass no chords no lead", ALL),
        ("drums only, no drums", ALL),
    ],
)
def test_captions_name_parts(composer: Composer, prompt: str, parts: tuple[str, ...]) -> None:
    assert composer.sketch_of(prompt).parts == parts


@pytest.mark.parametrize(
    ("prompt", "key"),
    [
        ("house in A minor", "A minor"),
        ("house in a minor", "A minor"),
        ("F# minor techno", "F# minor"),
        ("techno in F#m", "F# minor"),
        ("key of Dm", "D minor"),
        ("in E flat major", "Eb major"),
        ("in B♭ major", "B♭ major"),
        ("in bb minor", "Bb minor"),
    ],
)
def test_captions_name_keys(composer: Composer, prompt: str, key: str) -> None:
    assert composer.sketch_of(prompt).key == key


def test_a_mode_without_a_note_is_no_key_but_counts(composer: Composer) -> None:
    minor = [composer.sketch_of("in a minor key", seed=seed).key for seed in range(20)]
    assert all(key.endswith("minor") for key in minor)
    assert len({*minor}) > 5
    for seed in range(20):
        assert composer.sketch_of("a happy pop song", seed=seed).key.endswith("major")


def test_what_is_given_wins(composer: Composer) -> None:
    sketch = composer.sketch_of("fast techno in A minor, 150 bpm", bpm=91.5, key="C major")
    assert sketch.bpm == 91.5
    assert sketch.key == "C major"
    assert sketch.style == "techno"


def test_the_tempo_is_one_of_the_style_s(composer: Composer) -> None:
    for style, (low, high) in composer.tempos.items():
        tempos = {
            word: [composer.sketch_of(f"{word} {style}", seed=seed).bpm for seed in range(30)]
            for word in ("", "fast", "slow")
        }
        assert all(
            low <= bpm <= high and bpm == int(bpm) for bpms in tempos.values() for bpm in bpms
        )
        assert min(tempos["fast"]) > max(tempos["slow"])
        assert len(set(tempos[""])) > 5
    assert composer.sketch_of("techno at 133 bpm").bpm == 133
    assert composer.sketch_of("techno at 999 bpm").bpm <= composer.tempos["techno"][1]


def test_a_chord_line_chooses_the_key_that_nobody_names(composer: Composer) -> None:
    chords = ("Dm7", "G7", "C")
    assert composer.sketch_of("pop", chords=chords).key == "C major"
    assert composer.sketch_of("pop in A minor", chords=chords).key == "A minor"
