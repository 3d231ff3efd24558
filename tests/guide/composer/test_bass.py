"""The bass: on the chords, in its register, with the kick, and on its way to the next chord."""

from __future__ import annotations

import itertools

import numpy as np

from pipeline.guide.composer.arrangement import Arrangement
from pipeline.guide.composer.bass import PITCHES, play_bass
from pipeline.guide.composer.drums import find_kicks
from pipeline.guide.composer.mood import Mood
from pipeline.guide.composer.patterns import PATTERNS
from pipeline.guide.score import Note
from tests.guide.composer.arrangements import make_arrangement, make_section
from tests.guide.composer.test_drums import METERS, make_styled, make_styled_song


def find_seed(style: str, index: int) -> int:
    """A seed whose first material plays a bass pattern of the table."""
    return next(
        seed for seed in range(2000) if make_arrangement(style, seed=seed).hand["bass"] == index
    )


def find_index(style: str, symbol: str) -> int:
    """The first pattern that has a symbol whatever the kick plays."""
    return next(
        index
        for index, pattern in enumerate(PATTERNS[style].bass)
        if symbol in pattern.row and not pattern.on_kick
    )


def chord_at(arrangement: Arrangement, note: Note) -> tuple[int, ...]:
    """The chord of the sixteenth that a note is nearest to."""
    step = round(note.start * 4)
    return arrangement.span_at(step // 16, step % 16).chord


def find_step(note: Note) -> int:
    return round(note.start * 4)


def test_basses_are_in_their_register() -> None:
    for style, weight in itertools.product(PATTERNS, (0.0, 1.0, -1.0)):
        mood = Mood(weight=weight)
        notes = play_bass(make_styled(style, bars=4, key="F minor", mood=mood))
        pitches = [note.pitch for note in notes]
        assert min(pitches) >= PITCHES[0], style
        assert max(pitches) <= PITCHES[-1], style


def test_most_notes_are_of_the_chord_and_those_that_are_not_lead_to_the_next() -> None:
    for style in PATTERNS:
        arrangement = make_styled(style, seed=3)
        notes = list(play_bass(arrangement))
        on_chord = [note.pitch % 12 in chord_at(arrangement, note) for note in notes]
        assert np.mean(on_chord) > (0.5 if style == "jazz" else 0.7), style
        outside = [note for note in notes if note.pitch % 12 not in arrangement.scale]
        following = dict(itertools.pairwise([*notes, notes[0]]))
        for note in outside:
            assert abs(note.pitch - following[note].pitch) % 12 in (1, 11, 7, 5, 4, 8, 3, 9)


def test_downbeats_are_roots_mostly() -> None:
    for style in ("rock", "pop", "disco", "country", "metal"):
        arrangement = make_styled(style, seed=2)
        downbeats = [note for note in play_bass(arrangement) if find_step(note) % 16 == 0]
        roots = [note.pitch % 12 == chord_at(arrangement, note)[0] for note in downbeats]
        assert np.mean(roots) > 0.9, style


def test_a_bass_that_follows_the_kick_plays_with_it() -> None:
    for style in ("hip hop", "trap", "metal", "pop"):
        arrangement = make_styled(style, seed=find_seed(style, 0))
        bass = {find_step(note) for note in play_bass(arrangement)}
        kicks = {16 * bar + step for bar in range(8) for step in find_kicks(arrangement, bar)}
        assert len(kicks & bass) > 0.9 * len(kicks), style


def test_808s_glide() -> None:
    arrangement = make_styled("trap", seed=find_seed("trap", find_index("trap", "u")))
    slides = [note for note in play_bass(arrangement) if note.slide_from is not None]
    assert slides
    assert {note.pitch - (note.slide_from or 0) for note in slides} <= {12, -12, 2}


def test_jazz_walks_in_quarters_by_steps_that_never_stand_still() -> None:
    arrangement = make_styled("jazz", seed=find_seed("jazz", 0), bars=16)
    notes = list(play_bass(arrangement))
    assert len(notes) >= 62
    intervals = np.abs(np.diff([note.pitch for note in notes]))
    assert np.mean(intervals == 0) < 0.1
    assert np.median(intervals) <= 5
    beats = [note.start % 1 for note in notes]
    assert np.mean([beat < 0.1 or beat > 0.9 for beat in beats]) > 0.9


def test_disco_jumps_octaves() -> None:
    notes = list(play_bass(make_styled("disco", seed=find_seed("disco", 0))))
    jumps = [abs(other.pitch - note.pitch) == 12 for note, other in itertools.pairwise(notes)]
    assert np.mean(jumps) > 0.5


def test_bossa_anticipates_the_next_root() -> None:
    index = find_index("bossa nova", "n")
    arrangement = make_styled("bossa nova", seed=find_seed("bossa nova", index))
    last = [note for note in play_bass(arrangement) if find_step(note) % 16 == 14]
    roots = {arrangement.spans_by_bar[(find_step(note) // 16 + 1) % 8][0].chord[0] for note in last}
    assert {note.pitch % 12 for note in last} <= roots


def test_a_chord_that_comes_within_a_bar_begins_with_its_root() -> None:
    arrangement = make_styled("rock", chords=("Am F", "C G"), seed=find_seed("rock", 2))
    middles = [note for note in play_bass(arrangement) if find_step(note) % 16 == 8]
    assert len(middles) == 8
    for note in middles:
        assert note.pitch % 12 == chord_at(arrangement, note)[0]


def test_sparse_busy_heavy_and_dreamy_are_heard() -> None:
    for style in PATTERNS:
        plain = list(play_bass(make_styled(style, bars=4)))
        sparse = list(play_bass(make_styled(style, bars=4, mood=Mood(density=-1.0))))
        assert len(sparse) <= len(plain), style
        dreamy = list(play_bass(make_styled(style, bars=4, mood=Mood(dream=1.0))))
        assert sum(note.length for note in dreamy) >= sum(note.length for note in plain) - 0.5
    heavy = list(play_bass(make_styled("metal", mood=Mood(weight=1.0))))
    assert len(heavy) >= len(list(play_bass(make_styled("metal"))))


def test_the_last_bar_is_one_root_that_is_held_for_half_of_it() -> None:
    song = make_styled_song("funk")
    last = [note for note in play_bass(song) if note.start > 63 * 4 - 0.1]
    assert len(last) == 1
    assert last[0].pitch % 12 == song.spans_by_bar[63][0].chord[0]
    assert 1.8 < last[0].length <= 2  # and rings on


def test_sections_without_a_bass_have_none() -> None:
    sections = (make_section(bars=4, parts=("drums",)), make_section(bar=4, bars=4))
    assert min(note.start for note in play_bass(make_arrangement(sections=sections))) > 15


def test_every_meter_has_a_bass_within_the_piece() -> None:
    for style, quarters in zip(itertools.cycle(PATTERNS), METERS * 2):
        notes = list(play_bass(make_styled(style, bars=4, quarters=quarters)))
        assert notes, (style, quarters)
        assert min(note.start for note in notes) >= 0
        assert max(note.start + note.length for note in notes) <= 4 * quarters + 1e-5


def test_seeds_give_other_basses_and_one_seed_the_same() -> None:
    basses = [tuple(play_bass(make_styled("funk", seed=seed))) for seed in (1, 1, 2, 3)]
    assert basses[0] == basses[1]
    assert len({*basses}) == 3
