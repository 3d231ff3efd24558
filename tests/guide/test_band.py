"""How a guide sounds: its band plays it, at its onsets, without a seam, and always the same."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.guide.bands import BANDS, DEFAULT_STYLE, choose_sounds
from pipeline.guide.composer.mood import Mood
from pipeline.guide.composer.styles import STYLES
from pipeline.guide.composer_1.styles import STYLES as FIRST_STYLES
from pipeline.guide.guide import Guide, resolve_guide
from pipeline.guide.palette import effects, players
from pipeline.guide.production import choose_production
from pipeline.guide.score import DRUMS, ROLES, Note, Score
from pipeline.request import SAMPLE_RATE, Request
from pipeline.steps import complete
from tests.guide import midi_bytes as midi

ROOT = Path(__file__).parents[2]
Audio = npt.NDArray[np.float32]
SOUNDING = 1e-4  # -80 dB
TONAL = ROLES[1:]


def compose(prompt: str, **changes: object) -> tuple[Request, Guide]:
    values: dict[str, object] = {"guide": "auto", "seed": 1, "bars": 2, **changes}
    request, guide = resolve_guide(Request.restore({"prompt": prompt, **values}).resolved())
    assert guide
    return request, guide


def give_to_band(*notes: Note, style: str = "pop", bpm: float = 60.0) -> Guide:
    production = choose_production(style, Mood())
    return Guide(Score(bpm, notes), 0.0, choose_sounds(style), production)


def render(guide: Guide, samples: int, is_loop: bool = False) -> Audio:
    return complete(guide.render_in_steps(samples, is_loop))


# --- who plays --------------------------------------------------------------------------------


def test_those_play_who_are_usual_in_the_style_and_as_the_mood_asks() -> None:
    _, guide = compose("dusty lo-fi", composer=4)
    assert guide.sounds == {role: getattr(BANDS["lo-fi"], role)[0] for role in ROLES}
    assert guide.caption
    assert guide.production == choose_production("lo-fi", guide.caption.sketch.mood)
    assert guide.production.tint.low_pass < choose_production("lo-fi", Mood()).tint.low_pass


def test_a_style_without_drums_has_some_where_they_are_asked_for() -> None:
    assert not BANDS["ambient"].drums
    _, guide = compose("ambient with drums", composer=4, seed=7, bars=8)
    assert any(note.role == "drums" for note in guide.score.notes)
    assert guide.sounds["drums"]


def test_the_first_composer_and_a_midi_file_are_played_in_the_style_of_the_prompt(
    tmp_path: Path,
) -> None:
    path = tmp_path / "tune.mid"
    path.write_bytes(midi.file(0, 96, midi.track(*midi.notes([(0, 4, 60)], 96))))
    for prompt, style in (
        ("dark techno", "techno"),
        ("no rock, a jazz trio", "jazz"),
        ("", DEFAULT_STYLE),
        ("something", DEFAULT_STYLE),
    ):
        _, guide = compose(prompt, guide=str(path))
        assert guide.sounds == choose_sounds(style), prompt
    _, dark = compose("dark techno", guide=str(path))
    assert dark.production.tint.bright < choose_production("techno", Mood()).tint.bright
    assert FIRST_STYLES.keys() <= STYLES.keys()
    _, guide = compose("slow techno", composer=1)
    assert guide.sounds == choose_sounds("techno")


# --- what is heard ----------------------------------------------------------------------------


@pytest.mark.parametrize("role", TONAL)
@pytest.mark.parametrize("start", [0.0, 1 / 3, 2.15])
def test_a_tone_begins_where_it_is_written(role: str, start: float) -> None:
    audio = render(give_to_band(Note(role, start, 1.0, 50, 0.8), bpm=97), 2 * SAMPLE_RATE)
    begin = round(start * 60 / 97 * SAMPLE_RATE)
    assert not np.abs(audio[: max(begin - 100, 0)]).max(initial=0) > SOUNDING
    assert np.abs(audio[begin : begin + 2400]).max() > 100 * SOUNDING


@pytest.mark.parametrize("drum", DRUMS)
def test_a_drum_begins_where_it_is_written(drum: int) -> None:
    audio = render(give_to_band(Note("drums", 0.35, 0.25, drum, 0.8)), SAMPLE_RATE)
    begin = round(0.35 * SAMPLE_RATE)
    assert np.abs(audio[: begin - 100]).max() < SOUNDING
    assert np.abs(audio[begin : begin + 2400]).max() > 0.02


@pytest.mark.parametrize("role", TONAL)
@pytest.mark.parametrize("pitch", [0, 21, 60, 108, 127])
def test_a_pitch_that_an_instrument_has_not_got_is_moved_by_octaves(role: str, pitch: int) -> None:
    audio = render(give_to_band(Note(role, 0.0, 2.0, pitch, 0.8)), 2 * SAMPLE_RATE)
    spectrum = np.abs(np.fft.rfft(audio.sum(axis=1) * np.hanning(len(audio))))
    hertz = np.argmax(spectrum) / 2
    semitones = 12 * np.log2(hertz / (440 * 2 ** ((pitch - 69) / 12)))
    octave = 12 * round(semitones / 12)
    fifth = 12 * round((semitones - 7.02) / 12) + 7.02  # the third harmonic is the loudest
    assert min(abs(semitones - octave), abs(semitones - fifth)) < 0.6


def test_silence_is_silent() -> None:
    assert not render(give_to_band(), 1000).any()
    assert not render(give_to_band(Note("lead", 10, 1, 60, 0.8)), SAMPLE_RATE).any()


@pytest.mark.parametrize("style", STYLES)
def test_a_guide_of_any_style_is_loud_and_does_not_clip(style: str) -> None:
    _, guide = compose(style, composer=4)
    audio = render(guide, 2 * SAMPLE_RATE + 17)
    assert audio.shape == (2 * SAMPLE_RATE + 17, 2)
    assert audio.dtype == np.float32
    assert audio.flags.c_contiguous
    assert 0.1 < np.abs(audio).max() < 0.9


def test_even_a_wall_of_notes_does_not_clip() -> None:
    notes = [Note(role, 0, 4, pitch, 1.0) for role in TONAL for pitch in range(0, 128, 3)]
    drums = [Note("drums", beat / 8, 1, drum, 1.0) for drum in DRUMS for beat in range(4)]
    audio = render(give_to_band(*notes, *drums, style="metal"), SAMPLE_RATE)
    assert np.isfinite(audio).all()
    assert np.abs(audio).max() < 0.9


@pytest.mark.parametrize("bpm", [20.0, 999.0])
def test_any_tempo_is_played(bpm: float) -> None:
    notes = [Note(role, beat / 4, 0.25, 40, 0.7) for beat in range(40) for role in ROLES[1:]]
    assert np.isfinite(render(give_to_band(*notes, bpm=bpm), SAMPLE_RATE)).all()


# --- always the same --------------------------------------------------------------------------


def test_the_same_guide_is_the_same_bytes_whatever_was_played_before() -> None:
    guides = [compose(style, seed=seed)[1] for style, seed in (("pop", 1), ("pop", 2), ("jazz", 1))]
    first = [render(guide, 100_000).tobytes() for guide in guides]
    longer = [render(guide, 300_000) for guide in guides]
    assert all(len(audio) == 300_000 for audio in longer)
    second = [render(guide, 100_000).tobytes() for guide in reversed(guides)]
    assert first == second[::-1]


def test_another_process_plays_the_same_bytes() -> None:
    program = (
        "import sys, hashlib; from tests.guide.test_band import compose, render; "
        "print(hashlib.sha256(render(compose('lo-fi')[1], 99_999).tobytes()).hexdigest())"
    )
    done = [
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout
        for _ in range(2)
    ]
    assert done[0]
    assert done[0] == done[1]


# --- loops ------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("bars", [1, 4])
def test_a_loop_of_any_style_goes_on_at_its_seam(style: str, bars: int) -> None:
    request, guide = compose(style, loop=True, bars=bars, seed=bars, composer=4)
    loop = render(guide, request.samples, is_loop=True)
    steps = np.abs(np.diff(np.concatenate([loop, loop[:1]]), axis=0)).max(axis=1)
    assert steps[-1] <= np.quantile(steps[:-1], 0.995)


@pytest.mark.parametrize("style", ["pop", "disco", "metal"])
def test_a_loop_sounds_as_it_does_between_itself_and_itself(
    style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is what is heard of it, from the second time on, but for the round robins of hits.
    (Where nothing swings: what does fits its rate to the loop.)
    """
    monkeypatch.setattr(players, "ROBINS", 1)
    monkeypatch.setattr(players, "TURNS", ((0.0, 0.0),))
    request, guide = compose(style, loop=True, bars=2, bpm=120.0, composer=4)
    samples = request.samples
    assert samples % 64 == 0
    beats = samples / SAMPLE_RATE * guide.score.bpm / 60
    sounds = {**guide.sounds, "chords": "piano" if style != "metal" else "distorted guitar"}
    sounds["lead"] = "trumpet"
    notes = sorted(
        (
            note._replace(start=note.start + turn * beats)
            for note in guide.score.notes
            for turn in range(4)
        ),
        key=lambda note: note.start,
    )
    once = Guide(guide.score, 0.0, sounds, guide.production)
    often = Guide(Score(guide.score.bpm, tuple(notes)), 0.0, sounds, guide.production)
    loop = render(once, samples, is_loop=True)
    whole = render(often, 4 * samples)[2 * samples : 3 * samples]
    assert np.abs(whole - loop).max() < 0.001


# --- in steps ---------------------------------------------------------------------------------


def test_nothing_of_it_is_imported_before_a_guide_is_played() -> None:
    program = (
        "import sys, pipeline.generation; "
        "sys.exit(any(name.startswith('pipeline.guide.palette') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


@pytest.mark.parametrize("style", ["lo-fi", "metal", "pop"])
def test_work_pauses_after_each_tone_hit_and_transform(
    style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nothing is kept of what was played before."""
    players._keep_tone.cache_clear()
    players._find_loudness.cache_clear()
    done: Counter[str] = Counter()
    for module, name in (
        (players, "render_tone"),
        (players, "render_drum"),
        (effects, "transform"),
        (effects, "invert"),
    ):
        monkeypatch.setattr(module, name, count_calls(getattr(module, name), done))
    _, guide = compose(style, bars=0, seconds=30.0)
    rendered: Counter[str] = Counter()
    for _ in guide.render_in_steps(30 * SAMPLE_RATE):
        assert done.total() <= 1, done
        rendered += done
        done.clear()
    assert min(rendered[name] for name in ("render_tone", "render_drum", "transform")) > 5
    assert rendered["invert"] > 1


def count_calls(function: Callable[..., Any], counts: Counter[str]) -> Callable[..., Any]:
    def count(*args: Any) -> Any:
        counts[function.__name__] += 1
        return function(*args)

    return count


@pytest.mark.parametrize("style", ["lo-fi", "pop"])
def test_it_is_told_how_much_is_played(style: str) -> None:
    _, guide = compose(style, bars=0, seconds=30.0)
    told: list[float] = []
    complete(guide.render_in_steps(30 * SAMPLE_RATE, tell=told.append))
    assert told == sorted(told)
    assert len({*told}) > 2
    assert told[0] == 0 < told[-1] < 1
