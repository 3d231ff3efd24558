"""Captions become sketches: style, tempo, key and parts, as a person would mean them."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.guide.composer_1.captions import DEFAULT_STYLES, MOOD_WORDS, STYLE_WORDS, read_caption
from pipeline.guide.composer_1.compose import compose
from pipeline.guide.composer_1.sketch import FirstSketch
from pipeline.guide.composer_1.styles import STYLES
from pipeline.guide.score import ROLES

ALL = ROLES
TONAL = ("bass", "chords", "lead")


def sketch_of(prompt: str, **changes: Any) -> FirstSketch:
    return read_caption(
        prompt, **{"bpm": 0, "key": "", "bars": 4, "beats_per_bar": 4, "seed": 1, **changes}
    )


@pytest.mark.parametrize(
    ("prompt", "style"),
    [
        *((style, style) for style in STYLES),
        ("drum & bass", "drum and bass"),
        ("Drum'n'Bass roller", "drum and bass"),
        ("drum-n-bass", "drum and bass"),
        ("dnb with a reese", "drum and bass"),
        ("jungle breakbeat", "drum and bass"),
        ("lofi hip hop to study to", "lo-fi"),
        ("LO-FI beats", "lo-fi"),
        ("lo fi house", "lo-fi"),
        ("lofi house", "house"),
        ("boom-bap", "hip hop"),
        ("R&B slow jam", "hip hop"),
        ("trip-hop", "hip hop"),
        ("dubstep", "trap"),
        ("dub techno", "techno"),
        ("dub", "reggae"),
        ("trance", "techno"),
        ("disco", "house"),
        ("EDM festival", "house"),
        ("heavy metal", "rock"),
        ("pop punk", "rock"),
        ("rock'n'roll", "rock"),
        ("indie folk", "pop"),
        ("country road", "pop"),
        ("smooth jazz", "lo-fi"),
        ("soul", "funk"),
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
def test_captions_name_styles(prompt: str, style: str) -> None:
    assert sketch_of(prompt).style == style


def test_every_word_of_the_tables_means_its_style() -> None:
    for table in (STYLE_WORDS, MOOD_WORDS):
        assert set(table) <= set(STYLES)
        for style, words in table.items():
            for word in words.split(", "):
                assert sketch_of(f"some {word}, please").style == style, word


def test_words_are_matched_whole() -> None:
    for seed in range(20):
        assert (
            sketch_of("popular rocket trappers of Dublin", seed=seed).style
            == sketch_of("", seed=seed).style
        )


def test_without_a_style_the_seed_picks_one() -> None:
    assert {sketch_of("", seed=seed).style for seed in range(40)} == set(DEFAULT_STYLES)


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
def test_captions_name_parts(prompt: str, parts: tuple[str, ...]) -> None:
    assert sketch_of(prompt).parts == parts


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
def test_captions_name_keys(prompt: str, key: str) -> None:
    assert sketch_of(prompt).key == key


def test_a_mode_without_a_note_is_no_key_but_counts() -> None:
    for seed in range(20):
        assert sketch_of("in a minor key", seed=seed).key.endswith("minor")
        assert sketch_of("a happy pop song", seed=seed).key.endswith("major")
    assert len({sketch_of("in a minor key", seed=seed).key for seed in range(20)}) > 5


def test_what_is_given_wins() -> None:
    sketch = sketch_of("fast techno in A minor, 150 bpm", bpm=91.5, key="C major")
    assert sketch.bpm == 91.5
    assert sketch.key == "C major"
    assert sketch.style == "techno"


def test_the_tempo_is_one_of_the_style_s() -> None:
    for name, style in STYLES.items():
        low, high = style.bpm
        tempos = {
            word: [sketch_of(f"{word} {name}", seed=seed).bpm for seed in range(30)]
            for word in ("", "fast", "slow")
        }
        assert all(
            low <= bpm <= high and bpm == int(bpm) for bpms in tempos.values() for bpm in bpms
        )
        assert min(tempos["fast"]) > max(tempos["slow"])
        assert len(set(tempos[""])) > 5
    assert sketch_of("techno at 133 bpm").bpm == 133
    assert sketch_of("techno at 999 bpm").bpm <= 145


def test_a_chord_line_chooses_the_key_that_nobody_names() -> None:
    assert sketch_of("pop", chords=("Dm7", "G7", "C")).key == "C major"
    assert sketch_of("pop in A minor", chords=("Dm7", "G7", "C")).key == "A minor"


def test_every_sketch_can_be_composed() -> None:
    for seed in range(40):
        sketch = sketch_of("", seed=seed, beats_per_bar=3)
        assert sketch == sketch_of("", seed=seed, beats_per_bar=3)
        assert compose(sketch).notes
