"""Sketches become notes: in key, in meter, and always the same."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import pytest

from pipeline.guide.composer_1.compose import compose
from pipeline.guide.composer_1.sketch import FirstSketch
from pipeline.guide.composer_1.styles import STYLES
from pipeline.guide.harmony import parse_chord, parse_chord_line, scale_of
from pipeline.guide.score import DRUMS, ROLES, Note, Score

KEYS = ("C major", "A minor", "F# minor", "Bb major", "E♭ minor")
METERS = (4.0, 3.0, 2.0, 6.0, 5.0, 3.5, 0.5, 1.0, 1.1, 7.3, 32.0)


def make_sketch(style: str = "pop", **changes: Any) -> FirstSketch:
    default = FirstSketch(style, 120, "A minor", 8, 4.0, ROLES, 1)
    return dataclasses.replace(default, **changes)


def notes_of(score: Score, role: str) -> list[Note]:
    return [note for note in score.notes if note.role == role]


def make_sketches(seeds: int) -> list[FirstSketch]:
    """Every style, with keys and seeds in turn."""
    keys = itertools.cycle(KEYS)
    return [
        make_sketch(style, seed=seed, key=next(keys)) for style in STYLES for seed in range(seeds)
    ]


def test_there_are_twelve_styles_and_their_patterns_fit_a_bar() -> None:
    assert len(STYLES) == 12
    for style in STYLES.values():
        drums = [pattern for variant in style.drums for pattern in variant.values()]
        for pattern in (*drums, *style.bass, *style.chords):
            assert pattern == "kick" or len(pattern) == 16
        assert all(set(variant) <= set(DRUMS.values()) for variant in style.drums)
        assert all("kick" in variant for variant in style.drums)
        assert len(style.drums) >= 2
        assert {*"".join(drums)} <= {*"Xxo?."}
        assert {*"".join(style.bass).replace("kick", "")} <= {*"1358a-."}
        assert {*"".join(style.chords)} <= {*"x1234-."}


def test_every_note_is_in_the_key() -> None:
    for sketch in make_sketches(6):
        tones = set(scale_of(sketch.key.replace("♭", "b")))
        for note in compose(sketch).notes:
            assert note.role == "drums" or note.pitch % 12 in tones, (sketch, note)


def test_same_sketch_same_bytes() -> None:
    for sketch in make_sketches(2):
        assert repr(compose(sketch)) == repr(compose(dataclasses.replace(sketch)))


def test_seeds_differ() -> None:
    for style in STYLES:
        assert len({compose(make_sketch(style, seed=seed)) for seed in range(8)}) == 8


def test_every_part_plays_and_no_other() -> None:
    for sketch in make_sketches(3):
        assert {note.role for note in compose(sketch).notes} == set(ROLES)
        for role in ROLES:
            alone = compose(dataclasses.replace(sketch, parts=(role,)))
            assert {note.role for note in alone.notes} == {role}


def test_leaving_a_part_out_changes_no_other() -> None:
    for style in STYLES:
        whole = compose(make_sketch(style))
        for role in ROLES:
            assert list(compose(make_sketch(style, parts=(role,))).notes) == notes_of(whole, role)


@pytest.mark.parametrize("beats", METERS)
def test_bars_are_exact_in_every_meter(beats: float) -> None:
    for style, bars in itertools.product(STYLES, (1, 5)):
        score = compose(make_sketch(style, beats_per_bar=beats, bars=bars, seed=bars))
        for note in score.notes:
            bar = int(note.start / beats + 1e-4)
            assert 0 <= note.start < bars * beats
            assert note.length > 0
            assert note.start + note.length <= (bar + 1) * beats + 1e-5
            step = (note.start - bar * beats) * 4  # only the 16ths that the bar has, and late ones
            late = step - round(step - 0.2)
            assert -1e-4 < late < 0.31


def test_longer_compositions_begin_like_shorter_ones() -> None:
    short = compose(make_sketch(bars=4, parts=("drums",)))
    long = compose(make_sketch(bars=8, parts=("drums",)))
    assert list(short.notes) == [note for note in long.notes if note.start < 16]


def test_off_16ths_swing_only_where_the_style_does() -> None:
    for name, style in STYLES.items():
        straight = all(
            round(note.start * 4, 4).is_integer() for note in compose(make_sketch(name)).notes
        )
        assert straight or style.swing > 0


def test_registers() -> None:
    for sketch in make_sketches(4):
        score = compose(sketch)
        assert all(28 <= note.pitch <= 51 for note in notes_of(score, "bass"))
        assert all(48 <= note.pitch <= 67 for note in notes_of(score, "chords"))
        assert all(60 <= note.pitch <= 81 for note in notes_of(score, "lead"))
        assert all(note.pitch in DRUMS for note in notes_of(score, "drums"))
        assert all(0 < note.velocity <= 1 for note in score.notes)


def test_the_bass_plays_the_chords_root() -> None:
    score = compose(make_sketch("rock", chords=("Am", "F", "C/G", "Dm"), bars=4))
    firsts = [
        next(note.pitch % 12 for note in notes_of(score, "bass") if note.start >= 4 * bar)
        for bar in range(4)
    ]
    assert firsts == [9, 5, 7, 2]


def test_voices_move_little() -> None:
    for style, seed in itertools.product(("pop", "lo-fi", "drum and bass"), range(6)):
        chords: dict[float, list[int]] = {}
        for note in notes_of(compose(make_sketch(style, seed=seed)), "chords"):
            chords.setdefault(note.start, []).append(note.pitch)
        for before, after in itertools.pairwise(chords.values()):
            if len(before) == len(after):
                moved = [abs(a - b) for a, b in zip(sorted(before), sorted(after))]
                assert max(moved) <= 9
                assert sum(moved) / len(moved) <= 5


def test_a_melody_repeats_and_comes_to_rest() -> None:
    for seed in range(10):
        lead = notes_of(compose(make_sketch("pop", seed=seed, bars=8)), "lead")
        rhythm = [
            tuple(round(note.start % 4, 3) for note in lead if note.start // 4 == bar)
            for bar in range(8)
        ]
        assert rhythm[0] == rhythm[4]
        assert len(set(rhythm)) <= 4
        last = [note for note in lead if note.start < 16][-1]
        assert last.start == 14 or last.length > 1


def test_drums_sometimes_fill_the_fourth_bar() -> None:
    def hits(score: Score, bar: int) -> set[tuple[float, int]]:
        return {(note.start % 4, note.pitch) for note in score.notes if note.start // 4 == bar}

    filled = 0
    for seed in range(40):
        score = compose(make_sketch("techno", seed=seed, bars=4, parts=("drums",)))
        first = hits(score, 0)
        fourth = hits(score, 3)
        assert {hit for hit in first if hit[0] < 3} == {hit for hit in fourth if hit[0] < 3}
        filled += any(DRUMS[pitch] == "snare" for _, pitch in fourth)  # techno has none otherwise
    assert 5 < filled < 35


def test_a_part_or_style_that_does_not_exist_is_refused() -> None:
    for sketch in (
        make_sketch("polka"),
        make_sketch(parts=("kazoo",)),
        make_sketch(key="H major"),
        make_sketch(chords=("Im",)),
    ):
        with pytest.raises(ValueError):
            compose(sketch)


def test_given_chords_are_what_is_heard() -> None:
    for style in STYLES:
        line = parse_chord_line("Am F C E7 | Dm G7 | Bdim | F#m")
        score = compose(make_sketch(style, bars=8, chords=line))
        for note in notes_of(score, "chords"):
            bar = line[int(note.start // 4) % len(line)].split()
            name = bar[int(note.start % 4 // (4 / len(bar)))]
            assert note.pitch % 12 in parse_chord(name)


def test_the_melody_gives_way_to_a_foreign_chord() -> None:
    for seed in range(20):
        score = compose(make_sketch("pop", seed=seed, bars=4, chords=("E",)))
        assert all(
            note.pitch % 12 != 7 for note in notes_of(score, "lead")
        )  # G, against the chord's G#


def test_more_chords_than_bars_are_spread_evenly() -> None:
    score = compose(make_sketch("ambient", bars=2, chords=("C", "D", "E", "F"), parts=("bass",)))
    firsts = [
        next(note.pitch % 12 for note in score.notes if note.start >= beat) for beat in (0, 2, 4, 6)
    ]
    assert firsts == [0, 2, 4, 5]
