"""Lyrics on a composition's melody: where, how high, and what is said of them."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import pytest

from pipeline.guide.composer.form import Section, SungBars
from pipeline.guide.composer.lead import play_lead
from pipeline.guide.composer.melody import weigh
from pipeline.singer.prosody import SUNG
from pipeline.singer.vocal_line import SungSyllable
from pipeline.singer.vocal_part import CUT, MELISMA, NO_TIME, NO_WORD, VocalPart
from pipeline.singer.vocals import REGISTERS, write_vocals, write_vocals_in_steps
from tests.singer.songs import VERSE_AND_CHORUS, make_words

METERS = (
    (4, ""),
    (3, ""),
    (3, "6/8"),
    (3.5, ""),
    (5, ""),
    (0.5, ""),
    (1.1, ""),
    (7.3, ""),
    (32, ""),
)


def sing(text: str = VERSE_AND_CHORUS, singer: str = "woman", **changes: Any) -> VocalPart:
    part = write_vocals(*make_words(text, **changes), singer)
    assert part
    return part


def sing_alone(text: str, bars: int, **changes: Any) -> VocalPart:
    """One line in so many bars, behind a bar of silence."""
    arrangement, lyrics = make_words(text, bars=bars + 1, **changes)
    lines = (SungBars(0, 0, 1, bars),)
    section = Section("Verse", "verse", 0, bars + 1, 0.5, (), 0, 0, lines=lines)
    part = write_vocals(dataclasses.replace(arrangement, sections=(section,)), lyrics, "woman")
    assert part
    return part


def list_pitches(syllables: tuple[SungSyllable, ...]) -> list[float]:
    return [note.pitch for syllable in syllables for note in syllable.notes]


def test_every_word_is_sung_in_its_bars_one_after_the_other() -> None:
    part = sing()
    words = [word.text for line in part.lines for word in line.words]
    assert words == [
        word for line in VERSE_AND_CHORUS.split("\n") if "[" not in line for word in line.split()
    ]
    assert all(line.bar > 0 and line.note == "" for line in part.lines)
    for one, other in itertools.pairwise(part.syllables):
        assert one.end <= other.start + 1e-6
    for line in part.lines:
        begin, end = (bar * 2.4 for bar in (line.bar - 1, line.bar - 1 + line.bars))
        assert begin - 0.6 - 0.2 <= line.start < line.end <= end
    assert [line.section for line in part.lines] == ["Verse 1", "Verse 1", "Chorus", "Chorus"]
    assert [line.line for line in part.lines] == [1, 2, 4, 5]


def test_stressed_syllables_are_on_beats() -> None:
    for seed in range(3):
        stressed = [each for each in sing(seed=seed).syllables if each.syllable.stress >= 1]
        steps = [round(each.start / 0.15) % 16 for each in stressed]
        assert sum(step % 4 == 0 for step in steps) / len(steps) > 0.8


@pytest.mark.parametrize("bpm", [40, 70, 100, 140, 200, 300])
def test_lines_breathe_and_syllables_are_long_enough_at_any_tempo(bpm: float) -> None:
    part = sing(bpm=bpm, bars=32)
    for one, other in itertools.pairwise(part.lines):
        ends = max(each.end for each in part.syllables if each.start < one.end)
        following = min(each.start for each in part.syllables if each.start > ends)
        if one.start < other.start:
            assert following - ends >= max(30 / bpm, 0.15) - 1e-4
    assert all(note.length >= 0.1 for each in part.syllables for note in each.notes)
    assert all(each.notes[-1].length <= SUNG.held + 1e-6 for each in part.syllables)


def test_the_last_syllable_of_a_line_is_long() -> None:
    part = sing()
    for line in part.lines:
        own = [each for each in part.syllables if line.start <= each.start < line.end]
        lengths = [each.end - each.start for each in own]
        assert lengths[-1] == max(lengths) >= 0.6


@pytest.mark.parametrize("singer", REGISTERS)
def test_a_singer_stays_within_an_octave_and_below_e4(singer: str) -> None:
    pitches = [
        pitch
        for seed, key in enumerate(("A minor", "C major", "F# minor", "Eb major"))
        for pitch in list_pitches(sing(singer=singer, seed=seed, key=key).syllables)
    ]
    assert max(pitches) - min(pitches) <= 12
    assert max(pitches) <= 64
    middle = 50 if singer == "man" else 59
    assert abs(sum(pitches) / len(pitches) - middle) < 3


def test_the_seed_chooses_who_sings_where_nobody_is_named() -> None:
    singers = [sing(singer="", seed=seed).singer for seed in range(6)]
    assert {*singers} == {"man", "woman"}
    assert singers == [sing(singer="", seed=seed).singer for seed in range(6)]


def test_heavy_syllables_are_chord_tones_and_most_goes_by_step() -> None:
    for seed in range(3):
        arrangement, lyrics = make_words(seed=seed)
        part = write_vocals(arrangement, lyrics)
        assert part
        heavy = 0
        for each in part.syllables:
            bar, step = divmod(round(each.start / 0.15), 16)
            if each.syllable.stress >= 1 and weigh(arrangement.sketch.meter, step) >= 0.8:
                heavy += 1
                assert each.notes[0].pitch % 12 in arrangement.span_at(bar, step).chord
        assert heavy >= 3
        pitches = list_pitches(part.syllables)
        intervals = [abs(one - other) for one, other in itertools.pairwise(pitches)]
        assert sum(interval <= 2 for interval in intervals) / len(intervals) > 0.6
        assert sum(interval > 7 for interval in intervals) <= 1


def test_a_chorus_is_sung_the_same_when_it_comes_again() -> None:
    chorus = "[Chorus]\nRunning through the city\nWe will never be alone\n"
    part = sing(f"{chorus}[Verse]\nAll the stars are falling\nInto light\n{chorus}", bars=24)
    first, second = (
        [
            (note.pitch, round(note.length, 3))
            for each in part.syllables
            if begin.start - 0.01 <= each.start <= end.end
            for note in each.notes
        ]
        for begin, end in ((part.lines[0], part.lines[1]), (part.lines[4], part.lines[5]))
    )
    assert first == second


@pytest.mark.parametrize("bars", [16, 24])
def test_every_chorus_has_the_same_rhythm_whatever_is_sung_before_it(bars: int) -> None:
    chorus = "[Chorus]\nWe are alive tonight\nBurning in the morning light\n"
    part = sing(
        "[Verse 1]\nWalking down the empty road\nCarrying a heavy load\n"
        f"{chorus}[Verse 2]\nRunning through the falling rain\nCatching every other train\n"
        f"{chorus}[Bridge]\nHold on hold on\n{chorus}",
        bars=bars,
        bpm=120.0,
    )
    rhythms = [
        [round(word.start - 2.0 * line.bar, 2) for word in line.words]
        for line in part.lines
        if line.text == "We are alive tonight"
    ]
    assert len(rhythms) >= 3
    assert all(rhythm == rhythms[0] for rhythm in rhythms)


def test_a_loops_lines_are_of_the_section_that_the_composition_has() -> None:
    assert {line.section for line in sing(loop=True).lines} == {"Loop"}


def test_the_lead_does_not_play_while_somebody_sings() -> None:
    arrangement, lyrics = make_words(bars=32)
    part = write_vocals(arrangement, lyrics)
    assert part
    lead = [(note.start * 0.6, (note.start + note.length) * 0.6) for note in play_lead(arrangement)]
    assert lead
    for each in part.syllables:
        assert not any(begin < each.end - 0.05 and end > each.start + 0.05 for begin, end in lead)


def test_a_second_voice_sings_what_is_in_parentheses_a_third_away() -> None:
    part = sing("We are here (we are here)", bars=8)
    alone = sing("We are here we are here", bars=8)
    half = len(part.syllables)
    assert half == len(part.backing) == len(alone.syllables) / 2
    for third, tune in zip(part.backing[:3], alone.syllables[3:6]):
        assert abs(third.notes[0].pitch - tune.notes[0].pitch) in (3, 4, 5)
    assert max(list_pitches(part.backing)) <= 64
    assert [word.text for word in part.lines[0].words][3:] == ["(we", "are", "here)"]


def test_rap_is_spoken_and_has_no_tune() -> None:
    part = sing("[Rap]\nI got the money and the power\n[Chorus]\nAlone tonight", bars=12)
    spoken = [each for each in part.syllables if each.spoken]
    assert len(spoken) >= 9
    assert any(not each.spoken for each in part.syllables)
    pitches = list_pitches(tuple(spoken))
    assert pitches[0] > pitches[8] > pitches[0] - 8


def test_a_line_with_many_syllables_is_sung_in_sixteenths() -> None:
    part = sing_alone("over and over and over and over again I remember the river", bars=2)
    lengths = [each.end - each.start for each in part.syllables[:-1]]
    assert min(lengths) == pytest.approx(0.15, abs=0.01)
    assert part.lines[0].note == ""


def test_a_line_with_far_too_many_syllables_is_cut_short_and_that_is_said() -> None:
    part = sing_alone("alone " * 60, bars=2)
    assert 4 < len(part.lines[0].words) < 30
    assert part.lines[0].note == CUT
    assert f"{CUT}: line 1" in part.notes


def test_one_word_for_a_minute_is_a_melisma_and_then_silence() -> None:
    part = sing_alone("love", bars=25)
    (syllable,) = part.syllables
    assert len(syllable.notes) >= 4
    assert 3 < syllable.end - syllable.start < 8
    assert part.lines[0].note == MELISMA
    for one, other in itertools.pairwise(syllable.notes):
        assert one.start + one.length == pytest.approx(other.start, abs=1e-5)


def test_400_lines_for_4_bars_are_sung_as_far_as_they_go() -> None:
    part = sing("\n".join(["over and over"] * 400), bars=4)
    assert len(part.lines) == 400
    assert [line.line for line in part.lines] == [*range(400)]
    sung = [line for line in part.lines if line.is_sung]
    assert 1 <= len(sung) <= 4
    assert {line.note for line in part.lines if not line.is_sung} == {NO_TIME}
    assert f"{NO_TIME}: lines {len(sung) + 1} to 400" in part.notes


def test_many_lines_are_placed_in_steps() -> None:
    arrangement, lyrics = make_words("\n".join(["over and over"] * 40), bars=64)
    steps = write_vocals_in_steps(arrangement, lyrics, "man", 1000.0)
    assert sum(1 for _ in steps) >= 20


def test_stressed_syllables_get_the_long_notes() -> None:
    """And those without stress are not held: "pick" is longer than "a"."""
    part = sing("Pick a card and make a wish", bars=4, bpm=100)
    lengths = [sum(note.length for note in each.notes) for each in part.syllables[:-1]]
    assert min(lengths[0::2]) > max(lengths[1::2])


def test_a_fast_line_fills_its_bars_before_it_is_rushed() -> None:
    part = sing("My father whistles when he works", bars=4, bpm=140)
    starts = [each.start for each in part.syllables]
    assert (starts[-1] - starts[0]) / (len(starts) - 1) > 0.3


def test_what_has_no_words_has_no_vocals() -> None:
    for text in ("", "[Verse]\n\n[Chorus]\n", "😀\n❤️"):
        assert write_vocals(*make_words(text)) is None


def test_a_line_of_emoji_among_others_is_left_out_and_that_is_said() -> None:
    part = sing("hello my old friend\n😀😀\nI never said goodbye")
    assert [line.note for line in part.lines[:3]] == ["", NO_WORD, ""]
    assert f"{NO_WORD}: line 2" in part.notes


def test_a_script_without_rules_is_hummed() -> None:
    part = sing("Я иду по улице", language="ru", bars=8)
    assert {each.syllable.vowel for each in part.syllables} == {"MM"}
    assert part.lines[0].note == "hummed"


@pytest.mark.parametrize(("quarters", "signature"), METERS)
def test_every_meter_can_be_sung(quarters: float, signature: str) -> None:
    bars = round(128 / quarters)
    arrangement, lyrics = make_words(quarters=quarters, time_signature=signature, bars=bars)
    part = write_vocals(arrangement, lyrics)
    assert part
    assert len({line.line for line in part.lines if line.is_sung and not line.note}) >= 3
    assert part.syllables[-1].end <= bars * quarters * 0.6 + 1e-6
    assert part.syllables[0].start >= 0.1


def test_a_loop_is_sung_within_itself_again_and_again() -> None:
    part = sing("Running through the city", bars=8, loop=True)
    assert len(part.lines) >= 2
    assert part.syllables[0].start >= 0.1
    assert part.syllables[-1].end < 8 * 2.4


def test_nothing_is_sung_behind_the_clips_end() -> None:
    arrangement, lyrics = make_words()
    part = write_vocals(arrangement, lyrics, seconds=15.0)
    assert part
    assert 14 < part.syllables[-1].end <= 15
    assert any(line.note == NO_TIME for line in part.lines)


def test_the_same_composition_is_sung_the_same() -> None:
    assert sing() == sing()
    tunes = {tuple(list_pitches(sing(seed=seed).syllables)) for seed in range(6)}
    assert len(tunes) == 6


def test_other_lyrics_than_the_compositions_are_refused() -> None:
    arrangement, _ = make_words()
    _, other = make_words("something else")
    with pytest.raises(ValueError, match="the lyrics that the sketch was composed with"):
        write_vocals(arrangement, other)


def test_words_begin_with_their_first_consonant() -> None:
    """Before the vowel, which is on the note."""
    part = sing("Strong", bars=8)
    (word,) = part.lines[0].words
    assert 0.1 < part.syllables[0].start - word.start < 0.4
    assert word.end == pytest.approx(part.syllables[0].end, abs=0.01)
