"""Captions become sketches, sketches become notes: in key, in meter, and always the same."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import pytest

from pipeline.compose import (
    MOOD_WORDS,
    STYLE_WORDS,
    STYLES,
    Sketch,
    chord_pitches,
    compose,
    parse_chords,
    scale,
    sketch,
)
from pipeline.score import DRUMS, ROLES, Note, Score

KEYS = ("C major", "A minor", "F# minor", "Bb major", "E♭ minor")
METERS = (4.0, 3.0, 2.0, 6.0, 5.0, 3.5, 0.5, 1.0, 1.1, 7.3, 32.0)


def drawn(style: str = "pop", **changes: Any) -> Sketch:
    plain = Sketch(style, 120, "A minor", 8, 4.0, ROLES, 1)
    return dataclasses.replace(plain, **changes)


def caption(prompt: str, **changes: Any) -> Sketch:
    return sketch(prompt, **{"bpm": 0, "key": "", "bars": 4, "beats_per_bar": 4, "seed": 1, **changes})


def of(score: Score, role: str) -> list[Note]:
    return [note for note in score.notes if note.role == role]


def variety(seeds: int) -> list[Sketch]:
    """Every style, with keys and seeds in turn."""
    keys = itertools.cycle(KEYS)
    return [drawn(style, seed=seed, key=next(keys)) for style in STYLES for seed in range(seeds)]


def test_there_are_twelve_styles_and_their_patterns_fit_a_bar() -> None:
    assert len(STYLES) == 12
    for style in STYLES.values():
        drums = [pattern for variant in style.drums for pattern in variant.values()]
        for pattern in (*drums, *style.bass, *style.chords):
            assert pattern == "kick" or len(pattern) == 16
        assert all(set(variant) <= set(DRUMS.values()) for variant in style.drums)
        assert len(style.drums) >= 2
        assert {*"".join(drums)} <= {*"Xxo?."}
        assert {*"".join(style.bass).replace("kick", "")} <= {*"1358a-."}
        assert {*"".join(style.chords)} <= {*"x1234-."}


def test_every_note_is_in_the_key() -> None:
    for asked in variety(6):
        tones = set(scale(asked.key.replace("♭", "b")))
        for note in compose(asked).notes:
            assert note.role == "drums" or note.pitch % 12 in tones, (asked, note)


def test_same_sketch_same_bytes() -> None:
    for asked in variety(2):
        assert repr(compose(asked)) == repr(compose(dataclasses.replace(asked)))


def test_seeds_differ() -> None:
    for style in STYLES:
        assert len({compose(drawn(style, seed=seed)) for seed in range(8)}) == 8


def test_every_part_plays_and_no_other() -> None:
    for asked in variety(3):
        assert {note.role for note in compose(asked).notes} == set(ROLES)
        for role in ROLES:
            alone = compose(dataclasses.replace(asked, parts=(role,)))
            assert {note.role for note in alone.notes} == {role}


def test_leaving_a_part_out_changes_no_other() -> None:
    for style in STYLES:
        whole = compose(drawn(style))
        for role in ROLES:
            assert list(compose(drawn(style, parts=(role,))).notes) == of(whole, role)


@pytest.mark.parametrize("beats", METERS)
def test_bars_are_exact_in_every_meter(beats: float) -> None:
    for style, bars in itertools.product(STYLES, (1, 5)):
        score = compose(drawn(style, beats_per_bar=beats, bars=bars, seed=bars))
        for note in score.notes:
            bar = int(note.start / beats + 1e-4)
            assert 0 <= note.start < bars * beats
            assert note.length > 0
            assert note.start + note.length <= (bar + 1) * beats + 1e-5
            step = (note.start - bar * beats) * 4  # only the 16ths that the bar has, and late ones
            late = step - round(step - 0.2)
            assert -1e-4 < late < 0.31


def test_longer_compositions_begin_like_shorter_ones() -> None:
    short, long = compose(drawn(bars=4, parts=("drums",))), compose(drawn(bars=8, parts=("drums",)))
    assert list(short.notes) == [note for note in long.notes if note.start < 16]


def test_off_16ths_swing_only_where_the_style_does() -> None:
    for name, style in STYLES.items():
        straight = all(round(note.start * 4, 4).is_integer() for note in compose(drawn(name)).notes)
        assert straight or style.feel.swing > 0


def test_registers() -> None:
    for asked in variety(4):
        score = compose(asked)
        assert all(28 <= note.pitch <= 51 for note in of(score, "bass"))
        assert all(48 <= note.pitch <= 67 for note in of(score, "chords"))
        assert all(60 <= note.pitch <= 81 for note in of(score, "lead"))
        assert all(note.pitch in DRUMS for note in of(score, "drums"))
        assert all(0 < note.velocity <= 1 for note in score.notes)


def test_the_bass_plays_the_chords_root() -> None:
    score = compose(drawn("rock", chords=("Am", "F", "C/G", "Dm"), bars=4))
    firsts = [next(note.pitch % 12 for note in of(score, "bass") if note.start >= 4 * bar) for bar in range(4)]
    assert firsts == [9, 5, 7, 2]


def test_voices_move_little() -> None:
    for style, seed in itertools.product(("pop", "lo-fi", "drum and bass"), range(6)):
        chords: dict[float, list[int]] = {}
        for note in of(compose(drawn(style, seed=seed)), "chords"):
            chords.setdefault(note.start, []).append(note.pitch)
        for before, after in itertools.pairwise(chords.values()):
            if len(before) == len(after):
                moved = [abs(a - b) for a, b in zip(sorted(before), sorted(after))]
                assert max(moved) <= 9
                assert sum(moved) / len(moved) <= 5


def test_a_melody_repeats_and_comes_to_rest() -> None:
    for seed in range(10):
        lead = of(compose(drawn("pop", seed=seed, bars=8)), "lead")
        rhythm = [tuple(round(note.start % 4, 3) for note in lead if note.start // 4 == bar) for bar in range(8)]
        assert rhythm[0] == rhythm[4]
        assert len(set(rhythm)) <= 4
        last = [note for note in lead if note.start < 16][-1]
        assert last.start == 14 or last.length > 1


def test_drums_sometimes_fill_the_fourth_bar() -> None:
    def hits(score: Score, bar: int) -> set[tuple[float, int]]:
        return {(note.start % 4, note.pitch) for note in score.notes if note.start // 4 == bar}

    filled = 0
    for seed in range(40):
        score = compose(drawn("techno", seed=seed, bars=4, parts=("drums",)))
        first, fourth = hits(score, 0), hits(score, 3)
        assert {hit for hit in first if hit[0] < 3} == {hit for hit in fourth if hit[0] < 3}
        filled += any(DRUMS[pitch] == "snare" for _, pitch in fourth)  # techno has none otherwise
    assert 5 < filled < 35


def test_a_part_or_style_that_does_not_exist_is_refused() -> None:
    for asked in (drawn("polka"), drawn(parts=("kazoo",)), drawn(key="H major"), drawn(chords=("Hm",))):
        with pytest.raises(ValueError):
            compose(asked)


# ------------------------------------------------------------------------------------------------------------ chords


@pytest.mark.parametrize(
    ("name", "pitches"),
    [
        ("C", (0, 4, 7)),
        ("Am", (9, 0, 4)),
        ("am", (9, 0, 4)),
        ("bb", (10, 2, 5)),
        ("F#m", (6, 9, 1)),
        ("F♯m", (6, 9, 1)),
        ("Bb", (10, 2, 5)),
        ("Cb", (11, 3, 6)),
        ("G7", (7, 11, 2, 5)),
        ("Cmaj7", (0, 4, 7, 11)),
        ("CM7", (0, 4, 7, 11)),
        ("Dm7", (2, 5, 9, 0)),
        ("Bdim", (11, 2, 5)),
        ("Caug", (0, 4, 8)),
        ("Dsus2", (2, 4, 9)),
        ("Dsus4", (2, 7, 9)),
        ("C6", (0, 4, 7, 9)),
        ("Am6", (9, 0, 4, 6)),
        ("C9", (0, 4, 7, 10, 2)),
        ("Cadd9", (0, 4, 7, 2)),
        ("F#m/A", (9, 6, 1)),
        ("C/D", (2, 0, 4, 7)),
    ],
)
def test_chord_pitches(name: str, pitches: tuple[int, ...]) -> None:
    assert chord_pitches(name) == pitches


@pytest.mark.parametrize(
    ("line", "bars"),
    [
        ("Am F C G", ("Am", "F", "C", "G")),
        ("Am | F | C | G", ("Am", "F", "C", "G")),
        ("| Am F C G |", ("Am", "F", "C", "G")),
        ("Dm7, G7, Cmaj7", ("Dm7", "G7", "Cmaj7")),
        ("Am F | C", ("Am F", "C")),
        ("Am\nF", ("Am", "F")),
        ("F#m/A", ("F#m/A",)),
    ],
)
def test_chord_lines(line: str, bars: tuple[str, ...]) -> None:
    assert parse_chords(line) == bars


@pytest.mark.parametrize("bad", ["Hm", "Cmaj77", "atuo", "C/", "C/H", "A#b", "1", "Am-F"])
def test_a_chord_that_is_none_is_named_with_what_is_allowed(bad: str) -> None:
    with pytest.raises(ValueError, match="like Am") as told:
        parse_chords(f"Am {bad} C")
    assert bad in str(told.value)


@pytest.mark.parametrize("line", ["", "  | |", "C " * 300])
def test_a_line_without_chords_or_with_too_many_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="1 to 256"):
        parse_chords(line)


def test_given_chords_are_what_is_heard() -> None:
    for style in STYLES:
        line = parse_chords("Am F C E7 | Dm G7 | Bdim | F#m")
        score = compose(drawn(style, bars=8, chords=line))
        for note in of(score, "chords"):
            bar = line[int(note.start // 4) % len(line)].split()
            name = bar[int(note.start % 4 // (4 / len(bar)))]
            assert note.pitch % 12 in chord_pitches(name)


def test_the_melody_gives_way_to_a_foreign_chord() -> None:
    for seed in range(20):
        score = compose(drawn("pop", seed=seed, bars=4, chords=("E",)))
        assert all(note.pitch % 12 != 7 for note in of(score, "lead"))  # G, against the chord's G#


def test_more_chords_than_bars_are_spread_evenly() -> None:
    score = compose(drawn("ambient", bars=2, chords=("C", "D", "E", "F"), parts=("bass",)))
    firsts = [next(note.pitch % 12 for note in score.notes if note.start >= beat) for beat in (0, 2, 4, 6)]
    assert firsts == [0, 2, 4, 5]


# ---------------------------------------------------------------------------------------------------------- captions


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
    assert caption(prompt).style == style


def test_every_word_of_the_tables_means_its_style() -> None:
    for table in (STYLE_WORDS, MOOD_WORDS):
        assert set(table) <= set(STYLES)
        for style, words in table.items():
            for word in words.split(", "):
                assert caption(f"some {word}, please").style == style, word


def test_words_are_matched_whole() -> None:
    for seed in range(20):
        assert caption("popular rocket trappers of Dublin", seed=seed).style == caption("", seed=seed).style


def test_without_a_style_the_seed_draws_one() -> None:
    assert {caption("", seed=seed).style for seed in range(40)} == {"pop", "house", "hip hop", "lo-fi"}


ALL, TONAL = ROLES, ("bass", "chords", "lead")


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
    assert caption(prompt).parts == parts


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
    assert caption(prompt).key == key


def test_a_mode_without_a_note_is_no_key_but_counts() -> None:
    for seed in range(20):
        assert caption("in a minor key", seed=seed).key.endswith("minor")
        assert caption("a happy pop song", seed=seed).key.endswith("major")
    assert len({caption("in a minor key", seed=seed).key for seed in range(20)}) > 5


def test_what_is_given_wins() -> None:
    asked = caption("fast techno in A minor, 150 bpm", bpm=91.5, key="C major")
    assert (asked.bpm, asked.key, asked.style) == (91.5, "C major", "techno")


def test_the_tempo_is_drawn_from_the_style() -> None:
    for name, style in STYLES.items():
        low, high = style.feel.bpm
        tempos = {
            word: [caption(f"{word} {name}", seed=seed).bpm for seed in range(30)] for word in ("", "fast", "slow")
        }
        assert all(low <= bpm <= high and bpm == int(bpm) for drawn in tempos.values() for bpm in drawn)
        assert min(tempos["fast"]) > max(tempos["slow"])
        assert len(set(tempos[""])) > 5
    assert caption("techno at 133 bpm").bpm == 133
    assert caption("techno at 999 bpm").bpm <= 145


def test_a_chord_line_chooses_its_key() -> None:
    for line, key in [
        ("Am F C G", "A minor"),
        ("C F G C", "C major"),
        ("F#m D A E", "F# minor"),
        ("Dm7 G7 C", "C major"),
    ]:
        assert caption("pop", chords=parse_chords(line)).key == key


def test_a_drawn_sketch_is_one_that_composes() -> None:
    for seed in range(40):
        asked = caption("", seed=seed, beats_per_bar=3)
        assert asked == caption("", seed=seed, beats_per_bar=3)
        assert compose(asked).notes
