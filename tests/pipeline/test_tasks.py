"""Covers, repaints and stems of a file: how long they are, what stays of the source, and what is
refused.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from examples.voice import metrics, songs
from pipeline import AceStep, audio, audio_files, load, tasks
from pipeline.request import SAMPLE_RATE, BadRequest, Request
from pipeline.source_window import find_window
from pipeline.take import Clip, Progress
from pipeline.tasks import InputLatents, RepaintBlend

if TYPE_CHECKING:
    import mlx.core as mx

SECONDS = 1.0  # of the source
SAMPLES = round(SECONDS * SAMPLE_RATE)
BRIEF = round(0.8 * SAMPLE_RATE)
BLIP = round(0.3 * SAMPLE_RATE)
SONG = songs.make_song(5_400_003, SECONDS, parts=("drums", "bass", "chords"))


@pytest.fixture(scope="module")
def ace_step() -> AceStep:
    return load("mini")


@pytest.fixture(scope="module")
def turbo(light: Path) -> AceStep:
    return load(str(light), "acestep-v15-turbo")


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file with SONG's mix, half as loud as it could be."""
    path = tmp_path_factory.mktemp("sounds") / "song.wav"
    soundfile.write(path, 0.5 * SONG.render_mix(), SAMPLE_RATE, "FLOAT")
    return str(path)


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its first 0.8 seconds."""
    path = tmp_path_factory.mktemp("sounds") / "brief.wav"
    soundfile.write(path, 0.5 * SONG.render_mix()[:BRIEF], SAMPLE_RATE, "FLOAT")
    return str(path)


@pytest.fixture(scope="module")
def blip(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its first 0.3 seconds, where how long they are makes no difference."""
    path = tmp_path_factory.mktemp("sounds") / "blip.wav"
    soundfile.write(path, 0.5 * SONG.render_mix()[:BLIP], SAMPLE_RATE, "FLOAT")
    return str(path)


def render_clips(ace_step: AceStep, **values: Any) -> list[Clip]:
    request = Request(
        prompt=SONG.write_caption(np.random.default_rng(0)), num_steps=2, seed=1, plan="off"
    ).changed(values)
    return [event for event in ace_step.render(request) if isinstance(event, Clip)]


def sound(clip: Clip) -> np.ndarray:
    """(samples, 2)."""
    return np.asarray(clip.audio).T


def refusal(ace_step: AceStep, **values: Any) -> str:
    with pytest.raises(BadRequest) as caught:
        render_clips(ace_step, **values)
    return f"{caught.value} {caught.value.hint}"


# --- sources --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"just words, no sound", "is not readable audio ("),
        (b"", "has no sound: it ends behind its header"),
        (b"RIFF\xff\xff\xff\x7fWAVEfmt ", "is not readable audio ("),
    ],
)
def test_what_is_no_sound_is_refused(
    ace_step: AceStep, tmp_path: Path, content: bytes, says: str
) -> None:
    (tmp_path / "broken.wav").write_bytes(content)
    assert f"source: broken.wav {says}" in refusal(
        ace_step, task="cover", source=str(tmp_path / "broken.wav")
    )


def test_a_file_that_has_gone_is_refused(ace_step: AceStep, tmp_path: Path) -> None:
    request = Request(task="cover", source=str(tmp_path / "gone.wav"), seed=1)
    with pytest.raises(BadRequest, match="an audio file that exists"):
        list(ace_step.render(request))
    with pytest.raises(BadRequest, match="an audio file that exists"):
        ace_step.generate("x", task="cover", source=request.source)  # before anything is made
    with pytest.raises(BadRequest, match=r"gone\.wav is not there any more"):
        audio_files.read_audio(request.source)


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (np.zeros((0, 2)), "source: odd.wav has no sound: it ends behind its header"),
        (np.zeros((100, 2)), "source must make a clip of 0.1..600 seconds, got 0.00208"),
        (np.full((9600, 2), np.nan), "not finite"),
    ],
)
def test_a_file_without_music_is_refused(
    ace_step: AceStep, tmp_path: Path, samples: np.ndarray, says: str
) -> None:
    soundfile.write(tmp_path / "odd.wav", samples, SAMPLE_RATE, "FLOAT")
    assert says in refusal(ace_step, task="cover", source=str(tmp_path / "odd.wav"))


# --- what cannot be asked -------------------------------------------------------------------------


def test_a_task_needs_a_source() -> None:
    with pytest.raises(BadRequest, match="cover needs a source"):
        Request(task="cover").resolved()


def test_a_task_has_one_of_these_names() -> None:
    assert Request(task="Cover-NoFSQ").task == "cover-nofsq"
    assert Request(task="text2music").task == ""
    with pytest.raises(
        match="cover cover-nofsq repaint extract lego complete understand, got 'remix'"
    ):
        Request(task="remix")


def test_a_window_ends_after_it_begins() -> None:
    with pytest.raises(match="repaint_end must come after repaint_start, got 2 and 3"):
        Request(repaint_start=3, repaint_end=2)


def test_a_window_begins_inside_of_the_clip(ace_step: AceStep, song: str) -> None:
    message = refusal(ace_step, task="repaint", source=song, repaint_start=7)
    assert "repaint_start must be inside of the clip's 1 s, got 7" in message


def test_a_model_that_cannot_do_a_task_names_one_that_can(turbo: AceStep, song: str) -> None:
    message = refusal(turbo, task="extract", source=song)
    assert (
        "acestep-v15-turbo cannot extract; mini and acestep-v15-base and acestep-v15-xl-base can"
        in message
    )
    assert "cannot lego; acestep-v15-base" in refusal(
        turbo, task="lego", source=song, stems="drums"
    )
    assert "cannot complete; acestep-v15-base" in refusal(
        turbo, task="complete", source=song, stems="drums"
    )
    assert "cannot take stems out of a clip; mini and" in refusal(turbo, stems="drums")


def test_a_cover_takes_no_guide(ace_step: AceStep, song: str) -> None:
    assert "cover follows its source, it takes no guide" in refusal(
        ace_step, task="cover", source=song, guide="Am F"
    )


# --- covers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["cover", "cover-nofsq"])
def test_a_cover_is_as_long_as_its_source(ace_step: AceStep, song: str, task: str) -> None:
    (clip,) = render_clips(ace_step, task=task, source=song)
    assert clip.audio.shape == (2, SAMPLES)
    assert clip.request.seconds == SECONDS
    assert clip.request.guide == "off"
    assert "guides, not recordings" in clip.info.notes[0]
    (again,) = (event for event in ace_step.render(clip.request) if isinstance(event, Clip))
    assert sound(again).tobytes() == sound(clip).tobytes()


@pytest.mark.parametrize("length", [{"seconds": 0.5}, {"bars": 2, "bpm": 240}])
def test_or_as_long_as_is_asked(ace_step: AceStep, song: str, length: dict[str, float]) -> None:
    (clip,) = render_clips(ace_step, task="cover", source=song, **length)
    assert clip.audio.shape == (2, Request().changed(length).samples)


@pytest.mark.long
def test_a_cover_resembles_its_source_as_long_as_it_follows_it(
    ace_step: AceStep, tmp_path: Path
) -> None:
    """A guide: recordings it was not taught to follow."""
    guide = tmp_path / "guide.wav"
    soundfile.write(guide, SONG.render_guide(), SAMPLE_RATE, "FLOAT")
    source = audio_files.read_audio(str(guide))
    followed, half, alone = (
        sound(render_clips(ace_step, task="cover", source=str(guide), cover_strength=s)[0])
        for s in (1, 0.5, 0)
    )
    near, far = (
        metrics.measure_log_mel_distance(metrics.level_mono(one), metrics.level_mono(source))
        for one in (followed, alone)
    )
    assert near < far - 1
    assert not np.array_equal(half, followed)
    assert not np.array_equal(half, alone)


def test_a_cover_goes_through_the_audio_codes_where_the_model_has_them(
    turbo: AceStep, blip: str
) -> None:
    cover, clean = (
        render_clips(turbo, task=task, source=blip)[0] for task in ("cover", "cover-nofsq")
    )
    assert np.abs(sound(cover) - sound(clean)).max() > 1e-3
    assert cover.info.notes == clean.info.notes == ()
    assert cover.request.guide == "off"


# --- repaints -------------------------------------------------------------------------------------


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


@pytest.mark.parametrize(
    "window", [(0.5, 0.75), (0.0, 0.5), (0.75, -1)], ids=["middle", "beginning", "end"]
)
def test_a_repaint_leaves_what_is_around_its_window_as_it_was(
    ace_step: AceStep, song: str, window: tuple[float, float]
) -> None:
    (clip,) = render_clips(
        ace_step, task="repaint", source=song, repaint_start=window[0], repaint_end=window[1]
    )
    fade = round(RepaintBlend.of_strength(0.5).seconds * SAMPLE_RATE)
    begin, end = (round(second * SAMPLE_RATE) if second >= 0 else SAMPLES for second in window)
    here = sound(clip)
    original = audio_files.read_audio(song)
    outside = np.r_[0 : max(0, begin - fade), end + fade : SAMPLES]
    assert len(outside)
    assert here.shape == original.shape
    np.testing.assert_allclose(here[outside], original[outside], atol=1e-6)
    assert correlation(here[begin:end], original[begin:end]) < 0.9
    assert "was not taught to repaint" in clip.info.notes[0]


def test_a_repaint_plays_in_tempo_and_in_key_if_the_voice_has_a_guide(
    ace_step: AceStep, song: str
) -> None:
    values = {"task": "repaint", "source": song, "repaint_start": 0.25, "repaint_end": 0.75}
    guided, alone = (render_clips(ace_step, guide=guide, **values)[0] for guide in ("auto", "off"))
    assert guided.request.guide == "auto"
    assert alone.request.guide == "off"
    assert guided.request.bpm
    assert not np.array_equal(sound(guided), sound(alone))


@pytest.mark.parametrize(
    ("start", "end", "front", "length"),
    [(-0.5, 0.001, 0.5, 1.5), (1.0 - 1e-3, 1.5, 0.0, 1.5), (-0.25, 1.5, 0.25, 1.75)],
    ids=["in front", "behind", "both"],
)
def test_a_window_beyond_the_source_adds_to_it(
    ace_step: AceStep, song: str, start: float, end: float, front: float, length: float
) -> None:
    (clip,) = render_clips(
        ace_step, task="repaint", source=song, repaint_start=start, repaint_end=end
    )
    assert clip.audio.shape == (2, round(length * SAMPLE_RATE))
    again = tasks.fit_source(clip.request, audio_files.read_audio(song), 1920)[0]
    assert again.samples == clip.request.samples
    assert find_window(again, again.samples) == find_window(clip.request, clip.request.samples)
    window = find_window(clip.request, clip.request.samples)
    fade = round(RepaintBlend.of_strength(0.5).seconds * SAMPLE_RATE)
    offset = round(front * SAMPLE_RATE)
    whole = audio.place_in_silence(audio_files.read_audio(song), offset, clip.request.samples)
    for outside in (slice(0, max(0, window.start - fade)), slice(window.stop + fade, None)):
        np.testing.assert_allclose(sound(clip)[outside], whole[outside], atol=1e-6)


def test_a_repaint_goes_on_where_the_source_ends(ace_step: AceStep, song: str) -> None:
    (clip,) = render_clips(
        ace_step, task="repaint", source=song, seconds=1.5, repaint_start=SECONDS
    )
    assert clip.audio.shape == (2, round(1.5 * SAMPLE_RATE))
    np.testing.assert_allclose(
        sound(clip)[: SAMPLES - 2400], audio_files.read_audio(song)[: SAMPLES - 2400], atol=1e-6
    )
    assert np.abs(sound(clip)[SAMPLES + 2400 :]).max() > 0.02


def test_the_strength_is_how_freely(ace_step: AceStep, song: str) -> None:
    values = {"task": "repaint", "source": song, "repaint_start": 0.5, "repaint_end": 0.75}
    firm, free = (
        sound(render_clips(ace_step, repaint_strength=strength, **values)[0]) for strength in (0, 1)
    )
    original = audio_files.read_audio(song)
    border = slice(round(0.75 * SAMPLE_RATE), round(0.78 * SAMPLE_RATE))
    assert not np.array_equal(firm[border], original[border])
    np.testing.assert_allclose(free[border], original[border], atol=1e-6)


def test_a_voice_that_knows_no_masks_is_shown_none() -> None:
    import mlx.core as mx

    silence = mx.zeros((1, 10, 64))
    source = mx.ones((1, 10, 64))
    inputs = InputLatents(silence, source, window=range(2, 5))
    taught = tasks.build_context("repaint", inputs)
    untaught = tasks.build_context("repaint", dataclasses.replace(inputs, knows_masks=False))
    assert np.array(taught.chunk_mask)[0].tolist() == [0, 0, 1, 1, 1, 0, 0, 0, 0, 0]
    assert np.array(untaught.chunk_mask).all()
    assert taught.task == "repaint"
    assert untaught.task == "cover"
    np.testing.assert_array_equal(
        np.array(taught.source_latents), np.array(untaught.source_latents)
    )
    assert np.array(taught.source_latents)[0, :, 0].tolist() == [1, 1, 0, 0, 0, 1, 1, 1, 1, 1]


# --- stems ----------------------------------------------------------------------------------------


@pytest.mark.long
def test_extracting_gives_the_stems_alone_aligned_with_the_source(
    ace_step: AceStep, tmp_path: Path
) -> None:
    whole = songs.make_song(SONG.seed, 3.0, parts=SONG.sketch.parts)
    soundfile.write(tmp_path / "song.wav", whole.render_mix(), SAMPLE_RATE, "FLOAT")
    drums, bass, rest = render_clips(ace_step, task="extract", source=str(tmp_path / "song.wav"))
    assert drums.name == "drums"
    assert bass.name == "bass"
    assert rest.name == "rest"
    assert drums.request.stems == "drums bass"
    assert drums.audio.shape == bass.audio.shape == (2, 3 * SAMPLE_RATE)
    truth = whole.render_stems()
    for clip, other in ((drums, "bass"), (bass, "drums")):
        assert metrics.measure_si_sdr(sound(clip), truth[clip.name]) > metrics.measure_si_sdr(
            sound(clip), truth[other]
        )
        # dB: as loud as in the source
        assert abs(metrics.measure_level(sound(clip)) - metrics.measure_level(truth[clip.name])) < 6


def test_a_voice_that_learned_to_take_stems_out_in_one_step_does_so(
    ace_step: AceStep, song: str
) -> None:
    few, many = (
        render_clips(ace_step, task="extract", source=song, stems="drums", num_steps=steps)[0]
        for steps in (2, 8)
    )
    assert sound(few).tobytes() == sound(many).tobytes()


def test_a_base_model_extracts_any_track(base: AceStep, blip: str) -> None:
    vocals, _ = render_clips(base, task="extract", source=blip, stems="vocals")
    assert vocals.name == "vocals"
    assert vocals.audio.shape == (2, BLIP)


def test_a_cover_has_stems_too(ace_step: AceStep, song: str) -> None:
    named = [clip.name for clip in render_clips(ace_step, task="cover", source=song, stems="bass")]
    assert named == ["mix", "bass", "rest"]


@pytest.mark.parametrize("task", ["", "extract", "repaint"])
def test_stems_and_the_rest_add_up_to_the_mix(ace_step: AceStep, song: str, task: str) -> None:
    values: dict[str, Any] = {"task": task, "source": song} if task else {"seconds": 0.5}
    parts = {
        clip.name: sound(clip) for clip in render_clips(ace_step, stems=("drums", "bass"), **values)
    }
    assert [*parts][-3:] == ["drums", "bass", "rest"]
    mix = parts.pop("mix", None)
    mix = audio_files.read_audio(song) if mix is None else mix
    np.testing.assert_allclose(sum(parts.values()), mix, atol=1e-6)


# --- layers ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def base(light: Path) -> AceStep:
    return load(str(light), "acestep-v15-base")


def test_lego_plays_tracks_to_a_source_and_they_add_up(base: AceStep, brief: str) -> None:
    values = {
        "task": "lego",
        "source": brief,
        "stems": "guitar bass",
        "repaint_start": 0.2,
        "repaint_end": 0.5,
    }
    mix, guitar, bass, rest = render_clips(base, **values)
    assert [clip.name for clip in (mix, guitar, bass, rest)] == ["mix", "guitar", "bass", "rest"]
    np.testing.assert_allclose(sound(guitar) + sound(bass) + sound(rest), sound(mix), atol=1e-6)
    source = audio_files.read_audio(brief)
    scale = np.abs(sound(rest)).max() / np.abs(source).max()
    np.testing.assert_allclose(sound(rest), scale * source, atol=1e-5)
    inside = sound(guitar)[round(0.35 * SAMPLE_RATE)]
    outside = sound(guitar)[round(0.6 * SAMPLE_RATE) :]
    assert np.abs(inside).max() > 0
    assert np.abs(outside).max() < 1e-3
    assert mix.request.guidance_scale == 1.0  # more drowns the source


def test_a_later_track_hears_the_earlier_ones(base: AceStep, blip: str) -> None:
    alone, after = (
        render_clips(base, task="lego", source=blip, stems=stems)
        for stems in ("bass", "drums bass")
    )
    parts = {clip.name: sound(clip) for clip in after}
    assert not np.allclose(parts["bass"], sound(alone[1]), atol=1e-4)


def test_complete_makes_a_mix_of_the_source_and_more(base: AceStep, blip: str) -> None:
    (mix,) = render_clips(base, task="complete", source=blip, stems="drums bass")
    (other,) = render_clips(base, task="complete", source=blip, stems="strings")
    assert mix.name == "mix"
    assert mix.audio.shape == (2, BLIP)
    assert not np.allclose(sound(mix), sound(other), atol=1e-4)  # the tracks are in the prompt


def test_lego_has_to_know_what_and_where(base: AceStep, song: str) -> None:
    assert "lego needs to know which tracks" in refusal(base, task="lego", source=song)
    assert "within its source" in refusal(
        base, task="lego", source=song, stems="drums", repaint_start=-1
    )
    assert "must be names of tracks" in refusal(base, task="lego", source=song, stems="didgeridoo")


# --- windows in bars ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bar", "bars", "region"),
    [(1, 1, (0, 2)), (3, 2, (4, 8)), (2, 0, (2, math.inf)), (-1, 1, (-2, 0)), (-2, 3, (-4, 2))],
)
def test_a_window_in_bars_counts_from_one(bar: int, bars: int, region: tuple[float, float]) -> None:
    assert Request(bpm=120, repaint_bar=bar, repaint_bars=bars).window_seconds == region


def test_bars_and_seconds_repaint_the_same(ace_step: AceStep, song: str) -> None:
    values = {"task": "repaint", "source": song, "bpm": 240, "time_signature": "2"}
    (in_bars,) = render_clips(ace_step, repaint_bar=2, repaint_bars=1, **values)
    (in_seconds,) = render_clips(ace_step, repaint_start=0.5, repaint_end=1, **values)
    np.testing.assert_array_equal(sound(in_bars), sound(in_seconds))


def test_a_window_in_bars_needs_a_tempo_and_a_beginning(ace_step: AceStep, song: str) -> None:
    assert "repaint_bar needs the tempo" in refusal(
        ace_step, task="repaint", source=song, repaint_bar=2
    )
    assert "repaint_bars needs the bar" in refusal(
        ace_step, task="repaint", source=song, bpm=120, repaint_bars=2
    )


@pytest.mark.parametrize(
    "window",
    [{"repaint_start": -0.5, "repaint_end": 0}, {"bpm": 240, "repaint_bar": -1, "repaint_bars": 1}],
    ids=["seconds", "bars"],
)
def test_what_is_added_in_front_leaves_the_source_as_it_is(
    ace_step: AceStep, song: str, window: dict[str, Any]
) -> None:
    (clip,) = render_clips(ace_step, task="repaint", source=song, repaint_strength=1, **window)
    source = audio_files.read_audio(song)
    front = len(sound(clip)) - len(audio_files.read_audio(song))
    assert front == (SAMPLE_RATE if "bpm" in window else SAMPLE_RATE // 2)
    np.testing.assert_allclose(sound(clip)[front:], source, atol=1e-6)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ({"repaint_start": 0, "repaint_end": 0}, "must end after it begins"),
        (
            {"bpm": 120, "repaint_bar": 2, "repaint_end": 1},
            "must end after it begins, at 2 s, got 1 s",
        ),
        ({"bpm": 120, "repaint_bar": -2, "repaint_bars": 1}, "must reach the source's first bar"),
    ],
)
def test_a_window_that_cannot_be_is_refused_before_anything_is_made(
    ace_step: AceStep, song: str, window: dict[str, Any], expected: str
) -> None:
    assert expected in refusal(ace_step, task="repaint", source=song, **window)


def test_a_loud_source_keeps_its_level_and_its_stems_add_up_to_it(
    ace_step: AceStep, tmp_path: Path
) -> None:
    loud = np.tile(np.sin(np.arange(SAMPLE_RATE) * 0.05), (2, 1)).T.astype(np.float32)
    soundfile.write(tmp_path / "loud.wav", loud, SAMPLE_RATE, "FLOAT")
    values: dict[str, Any] = {"source": str(tmp_path / "loud.wav"), "seconds": 1}
    (painted,) = render_clips(
        ace_step, task="repaint", repaint_start=0.4, repaint_end=0.6, repaint_strength=1, **values
    )
    np.testing.assert_allclose(
        sound(painted)[: SAMPLE_RATE // 4], loud[: SAMPLE_RATE // 4], atol=1e-6
    )


def test_a_take_says_that_its_source_was_turned_down_so_that_nothing_is_cut_off(
    base: AceStep, tmp_path: Path
) -> None:
    loud = np.tile(np.sin(np.arange(SAMPLE_RATE // 4) * 0.05), (2, 1)).T.astype(np.float32)
    soundfile.write(tmp_path / "loud.wav", 2 * loud, SAMPLE_RATE, "FLOAT")
    parts = {
        clip.name: clip
        for clip in render_clips(
            base, task="lego", source=str(tmp_path / "loud.wav"), stems="drums"
        )
    }
    rest = sound(parts["rest"])
    down = 2 * np.abs(loud).max() / np.abs(rest).max()
    (note,) = parts["mix"].info.notes
    assert f"loud.wav was turned down by {20 * math.log10(down):.2g} dB" in note
    assert "would exceed full scale" in note
    assert max(np.abs(sound(part)).max() for part in parts.values()) <= 1


def test_a_take_says_that_its_source_is_silent(ace_step: AceStep, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "hush.wav", np.zeros((SAMPLE_RATE // 2, 2)), SAMPLE_RATE)
    (clip,) = render_clips(ace_step, task="cover", source=str(tmp_path / "hush.wav"))
    assert "hush.wav is silent: there was nothing to follow" in clip.info.notes
    (covered,) = render_clips(ace_step, task="cover", source=str(_half_loud(tmp_path)))
    assert not any("silent" in note or "turned down" in note for note in covered.info.notes)


def _half_loud(folder: Path) -> Path:
    soundfile.write(folder / "half.wav", 0.5 * SONG.render_mix(), SAMPLE_RATE, "FLOAT")
    return folder / "half.wav"


def test_a_crossfade_and_a_hold_can_be_asked_for() -> None:
    assert RepaintBlend.of_request(Request(repaint_strength=0.5)) == RepaintBlend.of_strength(0.5)
    assert RepaintBlend.of_request(
        Request(repaint_hold=0.25, repaint_crossfade=2.0)
    ) == RepaintBlend(0.25, 50, 2.0)


# --- covers that start from their source ----------------------------------------------------------


def test_a_cover_that_starts_from_its_source_stays_closer(ace_step: AceStep, song: str) -> None:
    original = audio_files.read_audio(song)
    values = {"task": "cover-nofsq", "source": song, "num_steps": 8, "normalize": False}
    free, close = (
        sound(render_clips(ace_step, cover_noise_strength=s, **values)[0]) for s in (0.0, 0.8)
    )
    assert metrics.measure_si_sdr(close, original) > metrics.measure_si_sdr(free, original)


def test_only_a_cover_starts_from_its_source(ace_step: AceStep) -> None:
    assert "cover_noise_strength is for a cover" in refusal(
        ace_step, cover_noise_strength=0.5, seconds=1
    )


# --- on the way -----------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["cover", "repaint", "extract"])
def test_progress_rises_from_the_source_on(ace_step: AceStep, song: str, task: str) -> None:
    events = list(
        ace_step.render(
            Request(prompt="x", task=task, source=song, num_steps=2, seed=1, plan="off")
        )
    )
    progress = [event for event in events if isinstance(event, Progress)]
    clip = events[-1]
    assert isinstance(clip, Clip)
    assert [one.fraction for one in progress] == sorted(one.fraction for one in progress)
    assert progress[0].stage == "source"
    assert 0.9 < progress[-1].fraction <= 1
    assert (
        {one.stage for one in progress} | {"condition"}
        == set(clip.info.timings)
        == set(clip.info.memory) | {"condition"}
    )
    assert all(size > 0 for size in clip.info.memory.values())


@pytest.mark.long
@pytest.mark.parametrize("stage", ["source", "guide"])
def test_closing_the_iterator_stops_the_encoding_within_a_tile(
    ace_step: AceStep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    soundfile.write(tmp_path / "long.wav", 0.1 * np.ones((40 * SAMPLE_RATE, 2)), SAMPLE_RATE)
    tiles: list[int] = []
    encode = ace_step.model.vae.encode

    def counted(sound: mx.array) -> tuple[mx.array, mx.array]:
        tiles.append(sound.shape[1])
        return encode(sound)

    monkeypatch.setattr(ace_step.model.vae, "encode", counted)
    values = (
        {"task": "cover-nofsq", "source": str(tmp_path / "long.wav")}
        if stage == "source"
        else {"guide": "Am"}
    )
    running = ace_step.render(Request(prompt="x", seed=1, seconds=40, plan="off", **values))  # type: ignore[arg-type]
    for event in running:
        if isinstance(event, Progress) and event.stage == stage and tiles:
            break
    running.close()
    assert len(tiles) == 1
    assert list(running) == []


# --- a source that ends before its clip -----------------------------------------------------------


def ramp(seconds: float) -> npt.NDArray[np.float32]:
    """A waveform of which no two samples are the same."""
    samples = round(seconds * SAMPLE_RATE)
    return np.repeat(np.linspace(0.1, 1, samples, dtype=np.float32)[:, None], 2, axis=1)


@pytest.mark.parametrize("task", ["cover", "cover-nofsq"])
def test_a_cover_repeats_a_loop_by_its_bars(task: str) -> None:
    request = Request(task=task, source="loop.wav", bars=5, bpm=120)
    repeated, notes = tasks.repeat_source(request, ramp(4))
    bar = 2 * SAMPLE_RATE
    np.testing.assert_array_equal(repeated, np.concatenate([ramp(4), ramp(4), ramp(4)[:bar]]))
    assert notes == (
        "loop.wav ends at 4.00 s of 10.00 s: it was repeated every 2 bars, at 120 bpm",
    )


@pytest.mark.parametrize(("seconds", "bars"), [(3.96, 2), (4.7, 2), (2.5, 1), (1.2, 1)])
def test_it_repeats_on_the_bar_whatever_rings_or_is_missing(seconds: float, bars: int) -> None:
    request = Request(task="cover", source="loop.wav", seconds=12, bpm=120)
    repeated, _ = tasks.repeat_source(request, ramp(seconds))
    period = bars * 2 * SAMPLE_RATE
    kept = min(period, round(seconds * SAMPLE_RATE))
    for start in range(0, len(repeated) - kept, period):
        np.testing.assert_array_equal(repeated[start : start + kept], ramp(seconds)[:kept])
        assert not repeated[start + kept : start + period].any()


def test_a_metre_of_six_eighths_is_repeated_by_its_own_bars() -> None:
    request = Request(task="cover", source="a.wav", bars=4, bpm=120, time_signature="6/8")
    repeated, notes = tasks.repeat_source(request, ramp(3))
    np.testing.assert_array_equal(repeated, np.concatenate([ramp(3), ramp(3)]))
    assert "every 2 bars" in notes[0]


@pytest.mark.parametrize(
    "values",
    [
        {"task": "complete", "bpm": 120},
        {"task": "lego", "stems": "drums", "bpm": 120},
        {"task": "extract", "bpm": 120},
        {"task": "cover"},
        {"task": "cover", "bpm": 120, "repeat_source": False},
    ],
)
def test_where_nothing_is_repeated_the_take_says_where_its_source_ends(
    values: dict[str, Any],
) -> None:
    request = Request(source="a.wav", seconds=8, **values)
    same, notes = tasks.repeat_source(request, ramp(4))
    assert len(same) == 4 * SAMPLE_RATE
    (note,) = notes
    assert note.startswith("a.wav ends at 4.00 s of 8.00 s: behind that there is nothing to follow")
    assert ("set bpm" in note) == ("bpm" not in values)


def test_nothing_is_said_of_a_source_that_is_long_enough() -> None:
    for seconds in (30.0, 4.0, 4.02, 2.0):
        request = Request(task="cover", source="a.wav", bpm=120, seconds=seconds)
        assert tasks.repeat_source(request, ramp(4)).notes == ()
    outpaint = Request(task="repaint", source="a.wav", bpm=120, seconds=8, repaint_end=8)
    assert tasks.repeat_source(outpaint, ramp(4)).notes == ()


def test_an_old_manifest_repeats_nothing() -> None:
    stored = dataclasses.asdict(Request(task="cover", source="a.wav", bpm=120, seconds=8))
    assert Request.restore(stored).repeat_source
    del stored["repeat_source"]
    assert not Request.restore(stored).repeat_source


def test_a_take_is_made_over_the_repeated_source(ace_step: AceStep, tmp_path: Path) -> None:
    path = tmp_path / "loop.wav"
    soundfile.write(path, 0.5 * ramp(1), SAMPLE_RATE)
    (clip,) = render_clips(ace_step, task="cover", source=str(path), bars=1, bpm=120)
    assert clip.info.notes[0] == (
        "loop.wav ends at 1.00 s of 2.00 s: it was repeated every bar, at 120 bpm"
    )
