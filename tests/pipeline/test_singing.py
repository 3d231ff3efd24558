"""Who sings the lyrics, and how they are heard in a clip."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from daemon.landing import clips as landing
from daemon.landing import staging
from daemon.landing.finished_take import FinishedTake
from daemon.landing.manifest import JobFacts
from pipeline import AceStep, generation, load
from pipeline.guide.guide import resolve_guide
from pipeline.request import SAMPLE_RATE, Request
from pipeline.singer.lrc import format_lrc
from pipeline.singer.lyrics import parse_lyrics
from pipeline.singer.timing import time_phones
from pipeline.singer.vocal_part import NO_WORD
from pipeline.singing import (
    Singing,
    duck_tracks,
    find_loudness,
    plan_singing,
    put_before,
    put_before_tracks,
    put_beside,
    render_vocals,
    write_part,
)
from pipeline.steps import complete
from pipeline.take import Clip, Progress
from tests.pipeline.test_capabilities import OFFICIAL, VOICE

CHORUS = "[Chorus]\nWe are alive tonight\nHold me closer in the rain"
SONG = Request(prompt="bright pop", lyrics=CHORUS, bars=2, bpm=150, seed=3, num_steps=1)


@pytest.fixture(scope="module")
def mini() -> AceStep:
    return load("mini")


def render(model: AceStep, request: Request) -> tuple[list[Progress], dict[str, Clip]]:
    """What it says on its way, and its clips by their names."""
    outputs = list(model.render(request))
    said = [output for output in outputs if isinstance(output, Progress)]
    return said, {output.name: output for output in outputs if isinstance(output, Clip)}


def read(clip: Clip) -> np.ndarray:
    """Its samples, (2, N)."""
    return np.asarray(clip.audio, np.float64)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"guide": "off"}, "there is no guide to sing them to"),
        ({"guide_strength": 0.0}, "there is no guide to sing them to"),
        ({"guide_voice": "off"}, "guide_voice is off"),
        ({"composer": 1}, "composer 1 has no singer"),
        ({"task": "cover"}, "cover has no guide that is sung"),
    ],
)
def test_lyrics_that_are_not_sung_are_told_of_with_the_reason(
    changes: dict[str, object], why: str
) -> None:
    request = dataclasses.replace(SONG, **changes)  # type: ignore[arg-type]
    planned = plan_singing(request, VOICE)
    assert planned.lyrics is None
    assert not planned.is_heard
    assert planned.note == f"the lyrics were left out: {why}"


def test_a_model_that_sings_does_it_alone_unless_it_is_asked_for_a_guide_with_words() -> None:
    alone = plan_singing(SONG, OFFICIAL)
    assert alone.lyrics is not None, "the guide leaves room for the words"
    assert not alone.is_heard
    asked = dataclasses.replace(SONG, guide_voice="on")
    assert plan_singing(asked, OFFICIAL).is_heard
    asked = dataclasses.replace(asked, guide="off")
    note = plan_singing(asked, OFFICIAL).note
    assert note == "guide_voice was left out: there is no guide to sing them to"


@pytest.mark.parametrize(
    ("voice", "place", "official"),
    [("auto", "both", ""), ("on", "mix", "guide"), ("guide", "guide", "guide"), ("off", "", "")],
)
def test_a_model_that_hears_its_guide_sings_with_its_singer_and_one_that_reads_words_alone(
    voice: str, place: str, official: str
) -> None:
    asked = dataclasses.replace(SONG, guide_voice=voice)
    planned = plan_singing(asked, dataclasses.replace(VOICE, sings_guide=True))
    assert planned.place == place
    assert (planned.in_guide, planned.in_mix) == (
        place in ("guide", "both"),
        place in ("mix", "both"),
    )
    assert plan_singing(asked, OFFICIAL).place == official
    deaf = plan_singing(asked, VOICE).place
    assert deaf == ("mix" if place == "both" else place)


def test_without_lyrics_nothing_is_said_of_them() -> None:
    assert plan_singing(Request(prompt="pop"), VOICE) == Singing()


def test_mini_sings_the_lyrics_and_says_when(mini: AceStep) -> None:
    said, clips = render(mini, SONG)
    (lines,) = [progress.lines for progress in said if progress.lines is not None]
    assert [line.text for line in lines] == CHORUS.split("\n")[1:]
    assert all(line.is_sung for line in lines)
    info = clips["mix"].info
    assert info.lines == lines
    assert any("softly beside it the guide's own singer" in note for note in info.notes)
    assert clips["mix"].latents is None, "they are the band's alone"
    fractions = [progress.fraction for progress in said]
    assert fractions == sorted(fractions)


def test_mini_sings_itself_what_it_hears_in_its_guide(mini: AceStep) -> None:
    _, clips = render(mini, dataclasses.replace(SONG, guide_voice="guide", stems="vocals"))
    mix = clips["mix"]
    assert any("sings what the guide's own singer sings" in note for note in mix.info.notes)
    assert all(line.is_sung for line in mix.info.lines)
    assert mix.latents is not None
    first = mix.info.lines[0]
    inside = slice(round(48_000 * first.start), round(48_000 * first.end))
    assert np.sqrt(np.mean(read(clips["vocals"])[:, inside] ** 2)) > 0.01


def test_its_singer_alone_is_a_stem_to_the_last_bits(mini: AceStep) -> None:
    request = dataclasses.replace(SONG, guide_voice="on", stems="vocals drums")
    _, clips = render(mini, request)
    assert "the guide's own singer sings, mixed in beside the model" in clips["mix"].info.notes
    resolved, guide = resolve_guide(
        clips["mix"].info.request, "auto", parse_lyrics(CHORUS).sections
    )
    assert guide is not None
    part = complete(write_part(resolved, guide, parse_lyrics(CHORUS)))
    assert part is not None
    drawn = complete(render_vocals(part, resolved)).T[:, :-480]
    stem = read(clips["vocals"])[:, :-480]  # it fades out at its end
    gain = np.vdot(stem, drawn) / np.vdot(drawn, drawn)
    np.testing.assert_allclose(stem, gain * drawn, atol=1e-5)


@pytest.mark.parametrize("voice", ["on", "auto"])
def test_a_take_of_which_only_the_vocals_are_asked_for_comes_to_its_end(
    mini: AceStep, voice: str
) -> None:
    said, clips = render(mini, dataclasses.replace(SONG, guide_voice=voice, stems="vocals"))
    assert [*clips] == ["mix", "vocals", "rest"]
    assert said[-1].fraction > 0.95


def test_a_clip_that_is_too_short_for_any_line_has_no_singer(mini: AceStep) -> None:
    request = dataclasses.replace(SONG, bars=0, seconds=0.1, stems="vocals")
    info = render(mini, request)[1]["mix"].info
    assert not any(line.is_sung for line in info.lines)
    assert not any("the guide's own singer" in note for note in info.notes)
    assert "nobody plays vocals: its stem is silent" in info.problems


def test_the_singer_beside_a_mix_that_sings_is_3_db_below_it() -> None:
    seconds = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * 1000 * seconds).astype(np.float32)
    vocals = np.stack([tone, tone], axis=1)
    mix, beside = complete(put_beside(0.2 * vocals, 0.7 * vocals))
    np.testing.assert_array_equal(mix, 0.2 * vocals)
    np.testing.assert_allclose(beside, 0.2 * 10 ** (-3 / 20) * vocals, atol=1e-4)


@pytest.mark.parametrize("sung", [False, True])
def test_tracks_make_room_as_their_band_does(sung: bool) -> None:
    rng = np.random.default_rng(1)
    drums, bass, vocals = 0.1 * rng.standard_normal((3, SAMPLE_RATE, 2)).astype(np.float32)
    vocals[: SAMPLE_RATE // 2] = 0
    band, voice = complete(put_before(drums + bass, vocals))
    tracks = {"drums": drums, "vocals" if sung else "bass": bass}
    placed = complete(put_before_tracks(tracks, vocals))
    assert {*placed} == {*tracks, "vocals"}
    np.testing.assert_allclose(sum(placed.values()), band + voice, atol=1e-5)
    np.testing.assert_allclose(
        placed["drums"], complete(duck_tracks({"drums": drums}, vocals))["drums"]
    )


@pytest.mark.long
def test_a_sung_take_is_made_again_from_its_noise(mini: AceStep) -> None:
    first = render(mini, SONG)[1]["mix"]
    (again,) = mini.retake(first)
    np.testing.assert_allclose(read(again), read(first), atol=1e-6)


def test_its_vocals_are_a_stem_which_the_rest_is_without(mini: AceStep) -> None:
    _, clips = render(mini, dataclasses.replace(SONG, stems="drums vocals"))
    assert [*clips] == ["mix", "drums", "vocals", "rest"]
    mix, drums, vocals, rest = (read(clip) for clip in clips.values())
    assert np.abs(drums + vocals + rest - mix).max() < 1e-6
    first = clips["mix"].info.lines[0]
    before = round(48_000 * (first.words[0].start - 0.05))
    inside = slice(round(48_000 * first.start), round(48_000 * first.end))
    assert np.abs(vocals[:, :before]).max(initial=0.0) < 1e-3
    assert np.sqrt(np.mean(vocals[:, inside] ** 2)) > 0.01


def land(folder: Path, clips: Mapping[str, Clip]) -> Path:
    """Their files, with their manifest. Returns that of the mix."""
    take = FinishedTake.of([*clips.values()])
    landed = landing.land(staging.stage(folder, "t", JobFacts("a"), take))
    assert landed
    return dict(landed.clips)["mix"]


@pytest.mark.parametrize("task", ["repaint", "extract"])
def test_a_voice_that_is_kept_is_that_of_the_sources_stem(
    mini: AceStep, tmp_path: Path, task: str
) -> None:
    _, sung = render(mini, dataclasses.replace(SONG, stems="drums vocals"))
    source = land(tmp_path, sung)
    request = dataclasses.replace(SONG, task=task, source=str(source), stems="vocals drums")
    window = {"repaint_bar": 2, "repaint_bars": 1, "repaint_crossfade": 0.0}
    _, clips = render(mini, request.changed(window if task == "repaint" else {}))
    vocals, drums, rest = (read(clips[name]) for name in ("vocals", "drums", "rest"))
    mix = read(clips["mix"]) if task == "repaint" else read(sung["mix"])
    assert np.abs(vocals + drums + rest - mix).max() < 1e-6
    bar = sung["mix"].samples.shape[1] // 2
    np.testing.assert_allclose(vocals[:, :bar], read(sung["vocals"])[:, :bar], atol=1e-6)
    assert not any("stays in the rest" in note for note in clips["rest"].info.notes)
    if task == "repaint":
        assert not vocals[:, bar:].any(), "nobody sings there"


def test_a_voice_whose_stem_is_not_what_it_was_is_taken_out_anew(
    mini: AceStep, tmp_path: Path
) -> None:
    _, sung = render(mini, dataclasses.replace(SONG, stems="vocals"))
    source = land(tmp_path, sung)
    request = dataclasses.replace(
        SONG, task="repaint", source=str(source), stems="vocals", repaint_bar=2
    )
    with source.with_name(f"{source.stem}_vocals.wav").open("ab") as stem:
        stem.write(b"changed")
    _, clips = render(mini, request)
    assert not any("stays in the rest" in note for note in clips["mix"].info.problems)
    bar = sung["mix"].samples.shape[1] // 2
    assert np.sqrt(np.mean(read(clips["vocals"])[:, :bar] ** 2)) > 0.01
    assert np.abs(read(clips["vocals"]) + read(clips["rest"]) - read(clips["mix"])).max() < 1e-6


@pytest.mark.long
def test_without_its_singer_the_band_is_the_same_as_without_lyrics(mini: AceStep) -> None:
    _, silent = render(mini, dataclasses.replace(SONG, guide_voice="off"))
    _, plain = render(mini, dataclasses.replace(SONG, lyrics=""))
    np.testing.assert_array_equal(read(silent["mix"]), read(plain["mix"]))
    assert silent["mix"].info.lines == ()


@pytest.mark.long
def test_a_loop_that_is_sung_has_no_seam(mini: AceStep) -> None:
    _, clips = render(mini, dataclasses.replace(SONG, loop=True, stems="vocals"))
    vocals = read(clips["vocals"])
    steps = np.abs(np.diff(vocals, axis=1)).max()
    assert np.abs(vocals[:, 0] - vocals[:, -1]).max() <= steps


@pytest.mark.long
def test_the_same_seed_sings_the_same_bytes(mini: AceStep) -> None:
    first = render(mini, SONG)[1]["mix"]
    second = render(mini, SONG)[1]["mix"]
    np.testing.assert_array_equal(read(first), read(second))


def test_words_that_nobody_can_sing_leave_the_band_alone(mini: AceStep) -> None:
    _, clips = render(mini, dataclasses.replace(SONG, lyrics="[Chorus]\n🔥🔥🔥"))
    info = clips["mix"].info
    assert "the lyrics were left out: nothing in them can be sung" in info.notes
    assert [(line.bar, line.note) for line in info.lines] == [(0, NO_WORD)]


def test_markers_alone_are_told_of(mini: AceStep) -> None:
    _, clips = render(mini, dataclasses.replace(SONG, bars=1, lyrics="[Instrumental]"))
    notes = clips["mix"].info.notes
    assert "the lyrics were left out: they have markers alone, and no words" in notes


def test_a_take_says_how_the_guide_read_its_prompt(mini: AceStep) -> None:
    read_so = dataclasses.replace(SONG, prompt="very dark zydeco, no hats", lyrics="", bars=1)
    _, clips = render(mini, read_so)
    assert clips["mix"].info.notes == (
        "the guide read in the prompt: very dark (duller, lower, sadder, key minor), no hats; "
        "nothing of the guide is made of: zydeco (the model may know them)",
    )
    _, clips = render(mini, dataclasses.replace(read_so, composer=1))
    assert clips["mix"].info.notes == ()


@pytest.mark.long
def test_a_song_pauses_while_it_is_composed_and_sung(
    mini: AceStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "_BETWEEN_PAUSES", 0.0)  # after each step, however quick it is
    long = dataclasses.replace(SONG, bars=0, seconds=30.0, lyrics="\n".join([CHORUS] * 4))
    stages = [output.stage for output in render(mini, long)[0]]
    before = list(itertools.takewhile(lambda stage: stage in ("plan", "guide"), stages))
    assert before.count("guide") > 30 / 2, "at least every two seconds of what is sung"
    assert stages.count("finish") > 5, "while it is mixed"


# Words of every onset, each a line of its own, so that silence is before them; one begins at once.
ONSETS = (
    "oh bay pay day tea go key chew joy far vow thin they sea zoo show how may now low red way you "
    "spin tree play clean scream strange queen"
).split()


@pytest.mark.long
@pytest.mark.parametrize("singer", ["male", "female"])
def test_words_out_of_silence_are_heard_when_the_lrc_says(singer: str) -> None:
    request = Request(
        f"pop, {singer} vocals", lyrics="\n".join(ONSETS), bars=80, bpm=120, guide="auto", seed=5
    )
    lyrics = parse_lyrics(request.lyrics, "en")
    request, guide = resolve_guide(request, "auto", lyrics.sections)
    assert guide is not None
    part = complete(write_part(request, guide, lyrics))
    assert part is not None
    stem = complete(render_vocals(part, request)).mean(axis=1)
    written = re.findall(r"<(\d\d):(\d\d\.\d\d)> ([a-z]+) ", format_lrc(part.lines))
    assert len(written) >= len(ONSETS) - 2
    for minutes, rest, word in written:
        at = 60 * int(minutes) + float(rest)
        begin = round((at - 0.03) * SAMPLE_RATE)  # behind the singer's breath
        sound = np.abs(stem[begin : begin + SAMPLE_RATE // 2])
        first = int(np.argmax(sound > 0.05 * sound.max())) / SAMPLE_RATE - 0.03
        assert abs(first) <= 0.02, f"{word} is heard {first:.3f} s beside its time"


def test_other_words_begin_with_their_first_phone() -> None:
    """And their times are rounded by less than the format of an LRC rounds them."""
    request = Request(prompt="pop", lyrics=CHORUS, bars=8, bpm=100, guide="auto", seed=2)
    lyrics = parse_lyrics(request.lyrics, "en")
    request, guide = resolve_guide(request, "auto", lyrics.sections)
    assert guide is not None
    part = complete(write_part(request, guide, lyrics))
    assert part is not None
    begins = np.array([phone.begin for phone in time_phones(part.syllables)])
    for line in part.lines:
        for word in line.words[1:]:
            assert np.abs(begins - word.start).min() < 0.001


@pytest.mark.parametrize(
    ("prompt", "loudness"), [("pop", 1.0), ("pop, less vocals", 0.5), ("pop, louder vocals", 2.0)]
)
def test_a_caption_says_how_loud_the_singer_is(prompt: str, loudness: float) -> None:
    _, guide = resolve_guide(Request(prompt=prompt, bars=1, bpm=120, guide="auto").resolved())
    assert guide is not None
    assert find_loudness(guide) == pytest.approx(loudness)
    tone = np.sin(np.arange(48_000, dtype=np.float32) / 50)[:, None] * np.ones(2, np.float32)
    usual = complete(put_before(tone, tone)).vocals
    turned = complete(put_before(tone, tone, find_loudness(guide))).vocals
    np.testing.assert_allclose(turned, loudness * usual, rtol=1e-5)
