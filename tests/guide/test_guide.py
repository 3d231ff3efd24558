"""The guide: exact onsets, true pitches, silence elsewhere; and what a request's text means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest

from pipeline.guide.compose import STYLES
from pipeline.guide.guide import drawn, guide_kind, render
from pipeline.guide.score import DRUMS, ROLES, Note, Score
from pipeline.request import SAMPLE_RATE, BadRequest, Request

TONAL = ("bass", "chords", "lead")


def one(
    role: str, start: float = 0.0, length: float = 1.0, pitch: int = 60, bpm: float = 120.0
) -> Score:
    return Score(bpm, (Note(role, start, length, pitch, 0.8),))


def asked(guide: str, **changes: Any) -> Score | None:
    plain = {
        "prompt": "pop",
        "bpm": 120.0,
        "key": "A minor",
        "beats_per_bar": 4.0,
        "seconds": 8.0,
        "seed": 1,
    }
    return drawn(Request(guide=guide, **{**plain, **changes}).resolved())[1]


def midi(path: Path, *beats: float, bpm: float = 100.0) -> Path:
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=round(60e6 / bpm))])
    now = 0
    for beat in beats:
        tick = round(beat * 480)
        track.append(mido.Message("note_on", note=72, time=tick - now))
        track.append(mido.Message("note_off", note=72, time=240))
        now = tick + 240
    file.tracks.append(track)
    file.save(path)
    return path


@pytest.mark.parametrize("role", TONAL)
@pytest.mark.parametrize("start", [0.0, 1.0, 1 / 3, 2.15])
def test_a_tone_begins_on_its_sample(role: str, start: float) -> None:
    wave = render(one(role, start, bpm=97.0), 4 * SAMPLE_RATE)
    begin = round(start * 60 / 97 * SAMPLE_RATE)
    assert not wave[: begin + 1].any()  # a sine of phase 0 is silent at its first sample
    assert wave[begin + 1].all()


@pytest.mark.parametrize("drum", DRUMS)
def test_a_drum_begins_on_its_sample(drum: int) -> None:
    wave = render(one("drums", 0.7, 0.25, drum), SAMPLE_RATE)
    begin = round(0.35 * SAMPLE_RATE)
    assert not wave[: begin + 1].any()
    assert wave[begin + 1].all()
    assert np.abs(wave).max() > 0.05
    assert not wave[begin + round(0.13 * SAMPLE_RATE) :].any()


@pytest.mark.parametrize("role", TONAL)
@pytest.mark.parametrize("pitch", [28, 45, 60, 69, 81, 100])
def test_a_tone_has_its_pitch(role: str, pitch: int) -> None:
    wave = render(one(role, pitch=pitch, length=2), SAMPLE_RATE)[:, 0]
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
    assert np.argmax(spectrum) == pytest.approx(440 * 2 ** ((pitch - 69) / 12), abs=1.0)


def test_a_tone_is_released_within_20_ms() -> None:
    wave = render(one("lead", 0.5, 1.0), 2 * SAMPLE_RATE)
    end = round(0.75 * SAMPLE_RATE)
    assert np.abs(wave[end - 200 : end]).max() > 0.02
    assert not wave[end + round(0.020 * SAMPLE_RATE) :].any()


def test_silence_is_silent() -> None:
    assert not render(Score(120, ()), 1000).any()
    assert not render(one("lead", 10), SAMPLE_RATE).any()


def test_a_tone_has_no_clicks() -> None:
    for role in TONAL:
        wave = render(one(role, 0.5, pitch=48), SAMPLE_RATE)
        assert np.abs(np.diff(wave, axis=0)).max() < 0.02


def test_shape_kind_and_level_of_full_guides() -> None:
    for style in STYLES:
        for seed in range(2):
            score = asked("auto", prompt=style, seed=seed)
            assert score
            wave = render(score, 8 * SAMPLE_RATE + 17)
            assert wave.shape == (8 * SAMPLE_RATE + 17, 2)
            assert wave.dtype == np.float32
            assert 0.1 < np.abs(wave).max() < 0.9


def test_even_a_wall_of_notes_stays_below_the_ceiling() -> None:
    notes = tuple(Note(role, 0, 4, pitch, 1.0) for role in TONAL for pitch in range(128))
    drums = tuple(Note("drums", beat, 1, drum, 1.0) for drum in DRUMS for beat in (0, 1, 2))
    assert np.abs(render(Score(120, notes + drums), SAMPLE_RATE)).max() < 0.9


def test_same_score_same_bytes_whatever_was_drawn_before() -> None:
    scores = [asked("auto", seed=seed) for seed in range(3)]
    first = [render(score, 100_000).tobytes() for score in scores if score]
    second = [render(score, 100_000).tobytes() for score in reversed(scores) if score]
    assert first == second[::-1]


def test_a_shorter_guide_is_the_beginning_of_a_longer_one() -> None:
    score = asked("auto")
    assert score
    assert np.array_equal(render(score, 50_001), render(score, 200_000)[:50_001])


def test_roles_sit_where_they_are_told_apart() -> None:
    def balance(role: str) -> float:
        left, right = np.square(render(one(role, pitch=45), SAMPLE_RATE)).sum(axis=0)
        return float(left / (left + right))

    assert balance("bass") == balance("drums") == pytest.approx(0.5)
    assert balance("chords") == pytest.approx(0.63, abs=0.05)
    assert balance("lead") == pytest.approx(0.37, abs=0.05)


def test_long_tones_fade_but_do_not_break() -> None:
    wave = render(one("chords", 0, 100), 12 * SAMPLE_RATE)
    assert np.abs(wave[:SAMPLE_RATE]).max() > 100 * np.abs(wave[7 * SAMPLE_RATE :]).max()


# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("auto", "auto"),
        (" Off ", "off"),
        ("Am F C G", "chords"),
        ("~/loop.mid", "midi"),
        ("A B.MIDI", "midi"),
    ],
)
def test_kinds(text: str, kind: str) -> None:
    assert guide_kind(text) == kind


def test_off_is_no_score() -> None:
    assert asked("off") is None


def test_a_composed_guide_fills_the_clip_exactly() -> None:
    for seconds, beats_per_bar, bpm in [
        (8.0, 4.0, 120.0),
        (5.3, 3.0, 97.0),
        (0.1, 4.0, 30.0),
        (30.0, 3.0, 0.0),
    ]:
        score = asked("auto", seconds=seconds, beats_per_bar=beats_per_bar, bpm=bpm)
        assert score
        beats = seconds * score.bpm / 60
        assert score.bpm == (bpm or score.bpm)
        assert beats - beats_per_bar <= score.end <= beats + 1e-6


def test_a_caption_decides_what_is_drawn() -> None:
    score = asked("auto", prompt="techno, drums and bass only", bpm=0)
    assert score
    assert {note.role for note in score.notes} == {"drums", "bass"}
    assert 124 <= score.bpm <= 145


def test_a_chord_line_is_played() -> None:
    score = asked("Am F C G", prompt="rock, chords only", key="")
    assert score
    bars = [{note.pitch % 12 for note in score.notes if note.start // 4 == bar} for bar in range(4)]
    assert bars == [{9, 0, 4}, {5, 9, 0}, {0, 4, 7}, {7, 11, 2}]


def test_a_midi_file_keeps_its_beats_at_another_tempo(tmp_path: Path) -> None:
    path = midi(tmp_path / "tune.mid", 0, 1.5, 3)
    score = asked(str(path), bpm=120.0, seconds=4.0)
    assert score
    assert score.bpm == 120
    assert [note.start for note in score.notes] == [0, 1.5, 3, 4, 5.5, 7]


def test_a_midi_file_keeps_its_own_tempo_when_none_is_given(tmp_path: Path) -> None:
    score = asked(str(midi(tmp_path / "tune.mid", 0, 1.5, 3)), bpm=0.0, seconds=2.4)
    assert score
    assert score.bpm == 100
    assert [note.start for note in score.notes] == [0, 1.5, 3]


def test_bars_of_a_midi_file_are_counted_at_its_own_tempo(tmp_path: Path) -> None:
    request = Request(guide=str(midi(tmp_path / "tune.mid", 0, 1.5, 3)), bars=2)
    assert request.resolved().bpm == 100
    assert request.resolved().samples == round(8 * 60 / 100 * 48_000)
    assert request.changed({"bpm": 150}).resolved().bpm == 150
    # what is wrong with it is said when it is to be played
    (tmp_path / "tune.mid").write_bytes(b"MThd")
    assert request.resolved().bpm == 120


@pytest.mark.parametrize(
    ("text", "told"), [("Am Xm", "Xm"), ("atuo", "atuo"), ("/no/such.mid", "/no/such.mid")]
)
def test_a_guide_that_cannot_be_is_refused_when_it_is_asked_for(text: str, told: str) -> None:
    with pytest.raises(BadRequest, match=told) as refused:
        Request(guide=text)
    assert "auto" in str(refused.value)


def test_a_guide_left_open_is_the_models_own() -> None:
    assert drawn(Request(seed=1))[1] is None
    request, score = drawn(Request(seed=1), usual="auto")
    assert score
    assert request.guide == "auto"
    assert request.guide_seed == 1
    assert request.bpm == score.bpm


def test_what_the_guide_decided_makes_the_same_guide_again() -> None:
    for seed in range(20):
        request, score = drawn(Request(prompt="slow funk", guide="auto", seed=seed, seconds=8))
        assert request.key
        assert request.bpm
        assert drawn(request) == (request, score)


def test_the_guide_seed_holds_the_composition_while_the_seed_changes() -> None:
    one, other = (drawn(Request(guide="auto", seed=seed, guide_seed=5))[1] for seed in (1, 2))
    assert one == other != drawn(Request(guide="auto", seed=1, guide_seed=6))[1]


def test_no_strength_is_no_guide() -> None:
    assert drawn(Request(guide="auto", guide_strength=0.0, seed=1))[1] is None


def test_a_broken_midi_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.mid"
    path.write_bytes(b"MThd and nothing more")
    with pytest.raises(BadRequest, match="damaged"):
        asked(str(path))


def test_every_role_has_a_sound() -> None:
    assert all(render(one(role, pitch=42), 9600).any() for role in ROLES)
