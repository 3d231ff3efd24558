"""Voicings: clear at the bottom, within their register, and led."""

from __future__ import annotations

import itertools

import pytest

from pipeline.guide.chord_qualities import QUALITIES
from pipeline.guide.composer.styles import STYLES
from pipeline.guide.composer.voicings import KINDS, voice_chord
from pipeline.guide.harmony import NOTES, parse_chord

CHANGES = [parse_chord(name) for name in ("Dm9", "G13", "Cmaj7", "Am7", "F", "E7")]


@pytest.mark.parametrize("style", STYLES)
def test_no_two_lowest_notes_are_a_second_apart(style: str) -> None:
    low, high = STYLES[style].chords
    for kind in STYLES[style].voicings:
        assert kind in KINDS
        for note, quality in itertools.product(NOTES[::5], QUALITIES):
            chord = parse_chord(note + quality)
            voicing = voice_chord(chord, kind, low, high, (low + high) / 2)
            assert len(voicing) >= 2
            assert voicing[1] - voicing[0] > 2
            assert low <= voicing[0] < voicing[-1] <= high
            assert [*voicing] == sorted({*voicing})
            if kind != "power":
                assert {pitch % 12 for pitch in voicing} <= {*chord}


def test_thirds_are_no_lower_than_they_are_clear() -> None:
    for note in NOTES:
        voicing = voice_chord(parse_chord(note), "close", 40, 64, 48)
        assert voicing[0] >= 52 or voicing[1] - voicing[0] >= 5


def test_the_kinds_are_what_their_names_say() -> None:
    chord = parse_chord("Cmaj7")
    close = voice_chord(chord, "close", 48, 84, 66)
    assert close[-1] - close[0] < 12
    drop = voice_chord(chord, "drop 2", 48, 84, 66)
    assert 12 < drop[-1] - drop[0] < 24
    spread = voice_chord(chord, "spread", 40, 84, 60)
    assert spread[0] % 12 == 0
    assert spread[1] - spread[0] >= 7
    power = voice_chord(parse_chord("Am"), "power", 40, 60, 48)
    assert {pitch % 12 for pitch in power} == {9, 4}
    shell = voice_chord(chord, "shell", 48, 84, 66)
    assert {pitch % 12 for pitch in shell} == {0, 4, 11}


def test_voices_lead() -> None:
    """A voice moves by two semitones on average; by more if each chord were voiced by itself."""

    def mean_move(led: bool) -> float:
        previous: tuple[int, ...] = ()
        moves = []
        for index, chord in enumerate(CHANGES * 2):
            centre = 64 + (0 if led else 6 * (index % 2))
            voicing = voice_chord(chord, "close", 50, 78, centre, previous if led else ())
            if previous:
                moves += [min(abs(pitch - other) for other in previous) for pitch in voicing]
            previous = voicing
        return sum(moves) / len(moves)

    assert mean_move(led=True) < 1.5 < mean_move(led=False)
