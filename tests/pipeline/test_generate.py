"""The Python side: `load`, `generate`, and what a take is. With the embedded voice, and the tiny
official layouts.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
import soundfile

from examples.voice import layout, metrics, songs
from pipeline import AceStep, load, masks
from pipeline.cost import MIN_FRAMES
from pipeline.generation import Generation
from pipeline.model import Model
from pipeline.networks import cpu_ops, gpu_ops
from pipeline.networks.ops import Ops, choose_ops
from pipeline.networks.vae import VAE
from pipeline.request import BadRequest, Request
from pipeline.singer.lines import MAX_LEFT_OUT
from pipeline.singer.vocal_part import UNREAD
from pipeline.steps import complete
from pipeline.take import Clip, Progress
from pipeline.weights import checkpoint

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ace_step() -> AceStep:
    return load("mini")


def audio(clips: Iterator[Clip]) -> np.ndarray:
    (clip,) = clips
    return np.asarray(clip.audio)


WORDS = {"text": "words", "duration": 0.1, "seed": 3, "num_steps": 4}


@pytest.fixture(scope="module")
def turbo(light: Path) -> AceStep:
    """The official layout with random weights."""
    return load(str(light), "acestep-v15-turbo")


@pytest.fixture(scope="module")
def unchanged(ace_step: AceStep) -> Callable[[float], np.ndarray]:
    """The take of those words at a guidance scale, made once."""

    @functools.cache
    def make(guidance_scale: float) -> np.ndarray:
        return audio(ace_step.generate(**WORDS, guidance_scale=guidance_scale))  # type: ignore[arg-type]

    return make


def test_the_call_of_the_original_readme_works_as_written_there(ace_step: AceStep) -> None:
    results = list(
        ace_step.generate(
            text="upbeat electronic dance music with energetic synthesizers", duration=3.0
        )
    )
    result = results[-1]
    assert result.audio.shape == (2, 144_000)
    assert result.sample_rate == 48_000
    samples = np.array(result.audio.astype(mx.float32))
    assert np.abs(samples).max() <= 1


def test_its_parameters_have_the_defaults_of_the_table() -> None:
    parameters = inspect.signature(AceStep.generate).parameters
    assert {name: p.default for name, p in parameters.items() if p.default is not p.empty} == {
        "lyrics": "",
        "duration": 30.0,
        "seed": None,
        "num_steps": 8,
        "guidance_scale": 1.0,
        "guidance_interval": 0.5,
        "cfg_type": "apg",
        "vocal_language": "unknown",
    }


@pytest.mark.long
@pytest.mark.parametrize(
    "change",
    [
        {"text": "other words"},
        {"seed": 4},
        {"num_steps": 5},
        {"guidance_scale": 5.0},
        {"guidance_scale": 5.0, "guidance_interval": 1.0},
        {"guidance_scale": 5.0, "guidance_interval": 0.0},
        {"guidance_scale": 5.0, "cfg_type": "cfg"},
        {"guidance_scale": 5.0, "cfg_type": "adg"},
        {"sampler": "sde"},
        {"sampler": "heun"},
        {"sampler": "ab2"},
        {"sampler": "dpm"},
        {"timesteps": "1 0.75 0.3"},
        {"bpm": 90},
        {"guide": "off"},
        {"guide": "Am F"},
        {"guide_strength": 0.5},
        {"guide_seed": 5},
        {"key": "A minor"},
        {"time_signature": "3"},
        {"shift": 1.0},
        {"guidance_scale": 5.0, "cfg_interval_end": 0.6},
        {"guidance_scale": 5.0, "cfg_interval_start": 0.9},
        {"peak_db": -6.0},
        {"duration": 0.5},
    ],
    ids=str,
)
def test_no_parameter_is_ignored(
    ace_step: AceStep, unchanged: Callable[[float], np.ndarray], change: dict[str, object]
) -> None:
    is_guided = bool(change.get("guidance_scale")) and len(change) > 1
    before = unchanged(5.0 if is_guided else 1.0)
    after = audio(ace_step.generate(**(WORDS | change)))  # type: ignore[arg-type]
    assert before.shape != after.shape or np.abs(before - after).max() > 1e-4


SUNG = {"text": "words", "duration": 0.5, "seed": 3, "plan": "off", "num_steps": 2}


@pytest.fixture(scope="module")
def sung(turbo: AceStep) -> np.ndarray:
    return audio(turbo.generate(**SUNG))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change", [{"lyrics": "[verse]\nla"}, {"vocal_language": "en"}, {"guide": "auto"}], ids=str
)
def test_nor_by_a_model_that_sings(
    turbo: AceStep, sung: np.ndarray, change: dict[str, object]
) -> None:
    after = audio(turbo.generate(**(SUNG | change)))  # type: ignore[arg-type]
    assert np.abs(sung - after).max() > 1e-4


def test_normalize_off_only_turns_down(ace_step: AceStep) -> None:
    quiet = audio(
        ace_step.generate(
            text="words", duration=2.0, seed=3, num_steps=4, normalize=False, peak_db=0.0
        )
    )
    assert 0.05 < np.abs(quiet).max() < 0.85


def test_the_same_request_gives_the_same_bytes(ace_step: AceStep) -> None:
    request = Request(
        prompt="warm", lyrics="[verse]\nla", seconds=0.7, seed=11, guidance_scale=4.0, num_steps=3
    )
    first, again = (
        audio(e for e in ace_step.render(request) if isinstance(e, Clip)) for _ in range(2)
    )
    fresh = audio(e for e in load("mini").render(request) if isinstance(e, Clip))
    assert first.tobytes() == again.tobytes() == fresh.tobytes()


@pytest.mark.long
def test_a_variation_goes_from_one_seed_to_another(ace_step: AceStep) -> None:
    def clip(**values: object) -> np.ndarray:
        return audio(
            ace_step.generate(text="warm", duration=0.5, guide_seed=1, num_steps=4, **values)  # type: ignore[arg-type]
        )

    start = clip(seed=3)
    end = clip(seed=4)
    other = clip(seed=3, variation=1.0, variation_seed=4)
    assert clip(seed=3, variation=0.0, variation_seed=4).tobytes() == start.tobytes()
    near, far = (clip(seed=3, variation=v, variation_seed=4) for v in (0.1, 0.4))
    distances = [metrics.measure_si_sdr(one.T, start.T) for one in (near, far, other)]
    assert distances == sorted(distances, reverse=True)
    assert metrics.measure_si_sdr(other.T, end.T) > 60


def test_a_take_says_which_variation_it_is(ace_step: AceStep) -> None:
    first, second = (
        next(ace_step.generate(text="warm", duration=0.5, seed=3, variation=0.3, num_steps=2))
        for _ in range(2)
    )
    assert first.request.variation_seed >= 0
    assert first.request.variation_seed != second.request.variation_seed
    again = audio(e for e in ace_step.render(first.request) if isinstance(e, Clip))
    assert again.tobytes() == np.asarray(first.audio).tobytes()


def test_a_preview_is_heard_before_the_take_and_does_not_change_it(ace_step: AceStep) -> None:
    request = Request(prompt="house, drums and bass only", bars=1, bpm=240, seed=3, num_steps=8)
    events = list(ace_step.render(request.changed({"preview": "6, 3"})))
    early, later, clip = (event for event in events if isinstance(event, Clip))
    assert [early.name, later.name, clip.name] == ["preview_3", "preview_6", "mix"]
    assert isinstance(events[events.index(early) + 1], Progress)
    fractions = [event.fraction for event in events if isinstance(event, Progress)]
    assert fractions == sorted(fractions)
    (plain,) = (event for event in ace_step.render(request) if isinstance(event, Clip))
    assert np.asarray(plain.audio).tobytes() == np.asarray(clip.audio).tobytes()
    near = [
        metrics.measure_si_sdr(np.asarray(one.audio).T, np.asarray(clip.audio).T)
        for one in (early, later)
    ]
    assert near[1] > near[0] > -3
    assert early.audio.shape == clip.audio.shape


def test_a_preview_comes_before_the_last_step(ace_step: AceStep) -> None:
    with pytest.raises(BadRequest, match="preview must be steps before the last of 4, got 4"):
        list(ace_step.render(Request(preview="3 4", seconds=1)))


def test_no_spectrum_is_made_where_no_stem_is_wanted(
    ace_step: AceStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    masked: list[object] = []
    monkeypatch.setattr(masks, "take_out", lambda *given: masked.append(given))
    assert ace_step.generate(text="pop", duration=0.5, num_steps=1)
    assert not masked


@pytest.mark.long
def test_a_retake_starts_from_the_noise_of_a_take(ace_step: AceStep) -> None:
    (clip,) = ace_step.generate(text="warm", duration=0.5, seed=3, guide_seed=1, num_steps=4)
    assert clip.noise is not None
    assert clip.latents is not None
    assert clip.noise.shape == clip.latents.shape == (128, 64)
    same = audio(ace_step.retake(clip))
    assert same.tobytes() == np.asarray(clip.audio).tobytes()
    far = audio(ace_step.retake(clip, variation=0.5, variation_seed=9))
    near = audio(ace_step.retake(clip, variation=0.1, variation_seed=9))
    assert metrics.measure_si_sdr(near.T, same.T) > metrics.measure_si_sdr(far.T, same.T)
    with pytest.raises(BadRequest, match=r"the noise must have 250 frames for 10 s, got 128"):
        list(ace_step.retake(clip, seconds=10))


def test_a_retake_of_a_variation_is_varied_no_further(ace_step: AceStep) -> None:
    (clip,) = ace_step.generate(
        text="warm",
        duration=0.5,
        seed=3,
        guide_seed=1,
        variation=0.5,
        variation_seed=9,
        num_steps=2,
    )
    assert audio(ace_step.retake(clip)).tobytes() == np.asarray(clip.audio).tobytes()


@pytest.mark.parametrize("sampler", ["euler", "heun", "ab2", "dpm"])
def test_timesteps_that_fall_together_on_turbo_do_no_harm(ace_step: AceStep, sampler: str) -> None:
    (clip,) = ace_step.generate(
        text="warm", duration=0.5, seed=3, timesteps="1 0.96 0.95 0.94 0.5", sampler=sampler
    )
    assert np.isfinite(np.asarray(clip.audio)).all()


def test_more_timesteps_than_turbo_takes_are_refused(ace_step: AceStep) -> None:
    with pytest.raises(BadRequest, match="turbo takes at most 20 timesteps, got 21"):
        list(
            ace_step.generate(
                text="warm", duration=1.0, timesteps=" ".join(str(1 - n / 30) for n in range(21))
            )
        )


def test_a_take_carries_the_request_that_makes_it_again(ace_step: AceStep) -> None:
    (clip,) = ace_step.generate(text="warm", duration=0.5)
    assert clip.request.seed >= 0
    assert clip.request.num_steps == 8
    assert clip.request.shift == 3.0
    assert (
        audio(e for e in ace_step.render(clip.request) if isinstance(e, Clip)).tobytes()
        == np.asarray(clip.audio).tobytes()
    )
    assert clip.info.model == "mini/acestep-v15-turbo"
    assert len(clip.info.timesteps) == 8
    assert (
        set(clip.info.timings)
        == set(clip.info.memory)
        == {"guide", "text", "condition", "diffusion", "decode", "finish"}
    )
    assert all(size > 10**7 for size in clip.info.memory.values())  # the weights alone are more


@pytest.mark.parametrize("seconds", [0.1, 1.0, 5.12, 5.13, 5.77])
def test_any_length_is_met_to_the_sample(ace_step: AceStep, seconds: float) -> None:
    assert audio(ace_step.generate(text="x", duration=seconds, num_steps=1)).shape == (
        2,
        round(seconds * 48_000),
    )


@pytest.mark.long
def test_a_clip_longer_than_the_silence_and_than_one_tile(ace_step: AceStep) -> None:
    (clip,) = ace_step.generate(text="x", bars=20, bpm=97.3, seed=1)
    assert clip.audio.shape == (2, round(80 * 60 / 97.3 * 48_000))
    assert ace_step.model.count_frames(clip.request) > ace_step.model.silence.shape[1]


def test_progress_comes_first_and_rises(ace_step: AceStep) -> None:
    events = list(ace_step.render(Request(prompt="x", seconds=10.28, num_steps=4)))
    progress = [event for event in events if isinstance(event, Progress)]
    assert isinstance(events[-1], Clip)
    assert len(progress) == len(events) - 1
    assert [p.fraction for p in progress] == sorted(p.fraction for p in progress)
    assert list(dict.fromkeys(p.stage for p in progress)) == [
        "guide",
        "text",
        "condition",
        "diffusion",
        "decode",
        "finish",
    ]
    assert sum(p.stage == "decode" for p in progress) == math.ceil(257 / 256)
    assert sum(p.stage == "guide" for p in progress) >= 1 + math.ceil(257 / 256)
    assert max(b.fraction - a.fraction for a, b in itertools.pairwise(progress)) < 0.25


def test_closing_the_iterator_stops_the_work(ace_step: AceStep) -> None:
    running = ace_step.render(Request(prompt="x", seconds=10))
    for event in running:
        if isinstance(event, Progress) and event.stage == "diffusion":
            break
    running.close()
    assert list(running) == []


def test_a_clip_has_no_dc_and_does_not_clip(ace_step: AceStep) -> None:
    clip = audio(ace_step.generate(text="loud", duration=1.0, seed=2))
    assert np.abs(clip.mean(axis=1, dtype=np.float64)).max() < 1e-6
    assert 0.8 < np.abs(clip).max() <= 10 ** (-1 / 20)


@pytest.mark.parametrize(
    "values",
    [
        {"duration": 0},
        {"duration": 601},
        {"seed": -5},
        {"cfg_type": "x"},
        {"vocal_language": "x"},
        {"nothing": 1},
    ],
)
def test_a_bad_parameter_is_refused_before_anything_is_computed(
    ace_step: AceStep, values: dict[str, object]
) -> None:
    with pytest.raises(BadRequest):
        ace_step.generate(**({"text": "x"} | values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "variant", ["acestep-v15-base", "acestep-v15-xl-turbo", "acestep-v15-xl-base"]
)
def test_every_variant_plays_with_its_own_defaults(tiny: Path, variant: str) -> None:
    ace_step = load(str(tiny), variant)
    (clip,) = (
        e
        for e in ace_step.render(Request(prompt="x", seconds=1, num_steps=1, plan="off"))
        if isinstance(e, Clip)
    )
    assert clip.audio.shape == (2, 48_000)
    assert clip.request.guidance_scale == (1.0 if "turbo" in variant else 7.0)


@pytest.mark.long
def test_the_formulation_for_gpus_agrees_in_half_precision() -> None:
    """Metal cannot be run here, but what it would run can: the plain operations, with bfloat16
    weights.
    """
    request = Request(
        prompt="warm", seconds=1, seed=5, guidance_scale=4.0, normalize=False, peak_db=0.0
    )

    def play(ops: Ops, dtype: mx.Dtype) -> np.ndarray:
        ace_step = AceStep(Model(checkpoint.fetch("mini"), ops, dtype))
        return audio(e for e in ace_step.render(request) if isinstance(e, Clip)).ravel()

    on_cpu = play(cpu_ops, mx.float32)
    on_gpu = play(gpu_ops, mx.float32)
    half = play(gpu_ops, gpu_ops.DTYPE)
    assert np.abs(on_gpu - on_cpu).max() < 1e-4
    assert half @ on_cpu / np.linalg.norm(half) / np.linalg.norm(on_cpu) > 0.99


def test_a_model_works_on_the_thread_that_loaded_it_whichever_that_is() -> None:
    request = Request(prompt="x", seconds=0.5, seed=5, num_steps=2)
    clips: list[np.ndarray] = []

    def work() -> None:
        from pipeline.device import leave_thread

        clips.append(audio(e for e in load("mini").render(request) if isinstance(e, Clip)))
        leave_thread()

    for _ in range(2):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert clips[0].tobytes() == clips[1].tobytes()


# --- guides and stems -----------------------------------------------------------------------------


@pytest.mark.long
def test_the_embedded_voice_keeps_time(ace_step: AceStep) -> None:
    for seed, bpm in enumerate((84.0, 97.0, 126.0)):
        clip = audio(
            ace_step.generate(text="house, drums and bass only", bars=4, bpm=bpm, seed=seed)
        )
        assert metrics.is_tempo_right(clip.T, bpm)


def test_the_embedded_voice_composes_unless_it_is_told_not_to(ace_step: AceStep) -> None:
    (clip,) = ace_step.generate(text="slow funk in D minor", duration=1.0, seed=9, num_steps=1)
    assert clip.request.guide == "auto"
    assert clip.request.key == "D minor"
    assert 96 <= clip.request.bpm <= 122
    (alone,) = ace_step.generate(
        text="slow funk in D minor", duration=1.0, seed=9, num_steps=1, guide="off"
    )
    assert alone.request.guide == "off"
    assert alone.request.bpm == 0
    assert alone.request.key == "D minor"  # which the prompt says, to the model too


def test_a_real_model_plays_alone_unless_it_is_given_a_guide(turbo: AceStep) -> None:
    (clip,) = turbo.generate(text="house", duration=0.5, seed=1, plan="off", num_steps=1)
    assert clip.request.guide == "off"
    (followed,) = turbo.generate(
        text="house", duration=0.5, seed=1, guide="auto", guide_strength=0.5, num_steps=1
    )
    assert followed.request.bpm >= 116


def test_stems_come_with_the_clip_aligned_and_in_the_order_asked(ace_step: AceStep) -> None:
    request = Request(
        prompt="house, drums and bass only", bars=1, bpm=240, seed=3, stems="bass, drums"
    )
    events = list(ace_step.render(request))
    clips = [event for event in events if isinstance(event, Clip)]
    fractions = [event.fraction for event in events if isinstance(event, Progress)]
    assert [clip.name for clip in clips] == ["mix", "bass", "drums", "rest"]
    assert {clip.audio.shape for clip in clips} == {(2, 48_000)}
    assert fractions == sorted(fractions)
    mix, bass, drums, _ = (np.asarray(clip.audio) for clip in clips)
    assert metrics.measure_si_sdr((bass + drums).T, mix.T) > 0
    (alone,) = (e for e in ace_step.render(request.changed({"stems": ""})) if isinstance(e, Clip))
    # the same clip, whatever is taken out of it
    assert metrics.measure_si_sdr(np.asarray(alone.audio).T, mix.T) > 40


@pytest.mark.parametrize("seconds", [1.0, 6.0])  # the model makes 5.12 s, or just these
def test_a_take_begins_and_ends_in_silence_as_its_guide_does(
    ace_step: AceStep, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    request = {"text": "rock, drums only", "duration": seconds, "seed": 3, "num_steps": 1}
    faded = audio(ace_step.generate(**request))  # type: ignore[arg-type]
    monkeypatch.setattr(Generation, "_is_silent_around", False)
    abrupt = audio(ace_step.generate(**request))  # type: ignore[arg-type]
    assert np.abs(abrupt[:, 0]).max() > 0.01
    assert np.abs(faded[:, [0, -1]]).max() < 0.002
    np.testing.assert_allclose(faded[:, 24:-480], abrupt[:, 24:-480], atol=1e-3)


@pytest.mark.parametrize("changes", [{"guide": "off"}, {"loop": True}])
def test_what_has_no_guide_or_goes_round_begins_and_ends_as_it_was_made(
    ace_step: AceStep, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object]
) -> None:
    request = {"text": "rock, drums only", "duration": 1.0, "seed": 3, "num_steps": 1, **changes}
    usual = audio(ace_step.generate(**request))  # type: ignore[arg-type]
    monkeypatch.setattr(Generation, "_is_silent_around", False)
    assert audio(ace_step.generate(**request)).tobytes() == usual.tobytes()  # type: ignore[arg-type]


def render_stems(model: AceStep, **changes: object) -> dict[str, Clip]:
    request = Request(prompt="house, drums and bass only", bars=1, bpm=240, seed=3, num_steps=1)
    events = model.render(request.changed(changes))
    return {event.name: event for event in events if isinstance(event, Clip)}


def test_the_stems_of_a_take_are_those_of_its_guide_as_far_as_it_follows_that(
    ace_step: AceStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ace_step.model, "draw_track_noise", None)  # the network takes none out
    clips = render_stems(ace_step, stems="bass drums")
    request, guide = ace_step.model.resolve_guide(clips["mix"].info.request)
    assert guide is not None
    tracks = complete(guide.render_tracks_in_steps(request.samples))
    assert {*tracks} == {"bass", "drums"}
    for track, other in (("bass", "drums"), ("drums", "bass")):
        stem = np.asarray(clips[track].audio).T
        likeness = metrics.measure_si_sdr(stem, tracks[track])
        assert likeness > metrics.measure_si_sdr(stem, tracks[other]) + 10
    rest, mix = (np.asarray(clips[name].audio) for name in ("rest", "mix"))
    assert np.square(rest).mean() < 0.01 * np.square(mix).mean()


@pytest.mark.parametrize(
    "changes", [{"bars": 0, "seconds": 1.0}, {"bars": 0, "seconds": 6.0}, {"guide_voice": "on"}]
)
def test_stems_begin_and_end_in_silence_as_their_mix(
    ace_step: AceStep, changes: dict[str, object]
) -> None:
    clips = render_stems(ace_step, stems="bass drums", lyrics="[verse]\nla la", **changes)
    assert {*clips} == {"mix", "bass", "drums", "rest"}
    for clip in clips.values():
        assert np.abs(np.asarray(clip.audio)[:, [0, -1]]).max() < 0.002


def test_what_is_cut_ends_in_silence_with_all_its_stems(ace_step: AceStep) -> None:
    for clip in render_stems(ace_step, stems="bass drums", guide="off").values():
        assert np.abs(np.asarray(clip.audio)[:, -1]).max() < 0.002


def test_a_stem_that_nobody_plays_is_silent_and_the_take_says_so(ace_step: AceStep) -> None:
    clips = render_stems(ace_step, stems="guitar drums")
    assert not np.asarray(clips["guitar"].audio).any()
    assert np.asarray(clips["drums"].audio).any()
    assert "nobody plays guitar: its stem is silent" in clips["mix"].info.problems


@pytest.mark.parametrize("changes", [{"guide": "off"}, {"guide_strength": 0.5}])
def test_the_network_takes_stems_out_of_what_no_guide_tells(
    ace_step: AceStep, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object]
) -> None:
    draw = ace_step.model.draw_track_noise
    drawn: list[str] = []

    def draw_noise(request: Request, task: str, track: str) -> mx.array:
        drawn.append(track)
        return draw(request, task, track)

    monkeypatch.setattr(ace_step.model, "draw_track_noise", draw_noise)
    clips = render_stems(ace_step, stems="drums", **changes)
    assert drawn == ["drums"]
    assert np.asarray(clips["drums"].audio).any()


def test_a_track_is_taken_out_of_any_mix(ace_step: AceStep) -> None:
    song = songs.make_song(5_400_003, 2.5, parts=("drums", "bass", "chords"))
    drums = ace_step.extract(
        song.render_mix(), "drums", song.write_caption(np.random.default_rng(0))
    )
    assert drums.shape == (120_000, 2)
    assert metrics.measure_si_sdr(drums, song.render_stems()["drums"]) > metrics.measure_si_sdr(
        drums, song.render_stems()["bass"]
    )


def test_a_model_that_has_not_learned_stems_says_so(turbo: AceStep) -> None:
    with pytest.raises(BadRequest, match="stems"):
        list(turbo.render(Request(prompt="x", seconds=1, stems="drums")))


def test_what_the_voice_cannot_do_is_said_in_the_take(ace_step: AceStep, turbo: AceStep) -> None:
    short = {"text": "pop", "duration": 2.0, "num_steps": 1}
    lyrics = "[verse]\nla la"
    (clip,) = ace_step.generate(**short, lyrics=lyrics)  # type: ignore[arg-type]
    assert "softly beside it the guide's own singer" in clip.info.notes[0]
    assert clip.request.lyrics
    (silent,) = ace_step.generate(**short)  # type: ignore[arg-type]
    assert silent.info.notes == ()
    (sung,) = turbo.generate(**short, lyrics=lyrics, plan="off")  # type: ignore[arg-type]
    assert sung.info.notes == ()


@pytest.mark.long
def test_what_is_longer_than_the_model_reads_is_said_with_its_first_words(turbo: AceStep) -> None:
    short = Request(prompt="ballad", seconds=0.5, num_steps=1, plan="off", seed=1)
    lines = [f"line {number} of the harbour and its boats" for number in range(250)]
    lyrics = "\n\n[verse]\n" + "\n".join(lines) + "\n"
    outputs = [*turbo.render(short.changed({"lyrics": lyrics}))]
    info = next(output.info for output in outputs if isinstance(output, Clip))
    (note,) = [note for note in info.notes if "longer than the model reads" in note]
    first = info.lines[0]
    assert note.startswith("the lyrics are longer than the model reads (2048 tokens): left out")
    assert lyrics.split("\n")[first.line] == first.text
    unread = lines[lines.index(first.text) :]
    assert [line.text for line in info.lines] == unread[:MAX_LEFT_OUT]
    more = f"{UNREAD}; {len(unread) - MAX_LEFT_OUT} more lines are not sung"
    assert [line.note for line in info.lines] == [UNREAD] * (MAX_LEFT_OUT - 1) + [more]
    assert not any(line.is_sung for line in info.lines)
    assert [event.lines for event in outputs if isinstance(event, Progress) and event.lines] == [
        info.lines
    ], "before the take is made"
    read = "\n".join(lines[: lines.index(first.text)])
    (clip,) = (e for e in turbo.render(short.changed({"lyrics": read})) if isinstance(e, Clip))
    assert not clip.info.notes
    assert not clip.info.lines


def test_a_prompt_that_is_too_long_takes_bpm_and_key_with_it(turbo: AceStep) -> None:
    short = {"duration": 0.5, "num_steps": 1, "plan": "off"}
    (clip,) = turbo.generate("warm and dusty drums, " * 90 + "a choir", **short)  # type: ignore[arg-type]
    (note,) = clip.info.notes
    assert note.startswith(
        "the prompt is longer than the model reads (256 tokens): left out from '"
    )
    assert note.endswith("on, and bpm, key, time signature and length; shorten it")
    (clip,) = turbo.generate("warm and dusty drums", **short)  # type: ignore[arg-type]
    assert clip.info.notes == ()


def test_encoding_in_tiles_has_no_seams(ace_step: AceStep) -> None:
    sound = np.random.default_rng(0).standard_normal((1, 150 * 1920, 2)).astype(np.float32) * 0.1
    whole, _ = ace_step.model.vae.encode(mx.array(sound))
    tiled = mx.concatenate(list(ace_step.model.vae.encode_tiles(mx.array(sound), tile=32)), axis=1)
    assert tiled.shape == whole.shape
    assert float(mx.abs(tiled - whole).max()) < 1e-4


@pytest.mark.long
def test_decoding_in_tiles_has_no_seams(ace_step: AceStep) -> None:
    latents = ace_step.model.draw_noise(Request(seed=1, seconds=1))[:, :80]
    tiled = mx.concatenate(list(ace_step.model.vae.decode_tiles(latents, tile=32)), axis=1)
    assert float(mx.abs(tiled - ace_step.model.vae.decode(latents)).max()) < 1e-4


@pytest.mark.long
def test_what_lies_behind_the_end_of_a_short_clip_is_not_decoded(
    ace_step: AceStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []  # frames
    decode = VAE.decode

    def note(vae: VAE, latents: mx.array) -> mx.array:
        decoded.append(latents.shape[1])
        return decode(vae, latents)

    monkeypatch.setattr(VAE, "decode", note)
    field = ace_step.model.vae.decoder_receptive_field
    short = audio(ace_step.generate(text="warm", duration=1.0, seed=3, num_steps=2))
    monkeypatch.setattr(VAE, "decoder_receptive_field", 1000)  # whatever lies there reaches it
    whole = audio(ace_step.generate(text="warm", duration=1.0, seed=3, num_steps=2))
    assert decoded == [25 + field, MIN_FRAMES]
    assert short.tobytes() == whole.tobytes()


def test_a_source_is_its_mean_or_drawn_with_a_seed(ace_step: AceStep) -> None:
    sound = np.random.default_rng(0).standard_normal((40 * 1920, 2)).astype(
        np.float32
    ) * np.float32(0.1)
    mean, sampled, again, other = (
        np.array(next(ace_step.model.encode_audio(sound, 40, seed))) for seed in (-1, 3, 3, 4)
    )
    assert np.array_equal(sampled, again)
    assert not np.array_equal(sampled, other)
    assert np.abs(sampled - mean).max() > 0


# --- the layout of a voice of our own -------------------------------------------------------------


def test_a_voice_without_lyric_timbre_and_pooler_layers_loads_and_plays(
    root: Path, tmp_path: Path
) -> None:
    """As `examples/voice/layout.py` has it: those networks are in the files, and pass through."""
    from mlx.utils import tree_flatten

    from pipeline.networks.config import AceStepConfig
    from pipeline.weights.checkpoint import AceStepModel

    for part in ("Qwen3-Embedding-0.6B", "vae"):
        (tmp_path / part).symlink_to(root / part)
    folder = tmp_path / "acestep-v15-turbo"
    layout.write_config(
        folder, layout.DIT | {"num_hidden_layers": 2, "intermediate_size": 64, "guided": True}
    )
    config = AceStepConfig.from_folder(folder)
    assert config.num_lyric_encoder_hidden_layers == 0
    arrays = dict(tree_flatten(AceStepModel(config, choose_ops()).parameters()))
    key = mx.random.key(0)
    random = {name: 0.02 * mx.random.normal(array.shape, key=key) for name, array in arrays.items()}
    mx.save_safetensors(str(folder / "model.safetensors"), random)
    layout.write_silence(folder / "silence_latent.pt", np.zeros((1, 64, 100), np.float32))
    assert not any(name.startswith("encoder.lyric_encoder.layers") for name in random)

    voice = load(str(tmp_path))
    soundfile.write(tmp_path / "x.wav", 0.1 * np.ones((60_000, 2)), 48_000)
    for values in ({}, {"task": "cover"}, {"task": "repaint", "repaint_end": 0.5}):
        request = Request(
            prompt="house", seconds=1, num_steps=2, seed=1, source=str(tmp_path / "x.wav"), **values
        )
        (clip,) = (event for event in voice.render(request) if isinstance(event, Clip))
        assert clip.audio.shape == (2, 48_000)
