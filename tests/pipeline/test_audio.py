from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import audio
from pipeline.audio import BadAudio, LevelledAudio
from pipeline.peaks import LazyAudio
from pipeline.postprocess import postprocess_clips, postprocess_clips_in_steps
from pipeline.request import SAMPLE_RATE, Request
from tests.support.signals import N, every_signal, stereo


def decibels(level: float) -> float:
    return 20 * float(np.log10(level))


def highest_between_samples(clip: np.ndarray, times: int = 16) -> float:
    """The definition of a true peak: the whole clip, with room to ring, interpolated through its
    spectrum.
    """
    length = 2 ** int(np.ceil(np.log2(clip.shape[1] + 8192)))
    room = length - clip.shape[1]
    spectrum = np.fft.rfft(np.pad(clip.astype(np.float64), ((0, 0), (room // 2, room - room // 2))))
    spectrum[:, -1] /= 2
    return float(np.abs(np.fft.irfft(spectrum, length * times) * times).max())


def finish(sound: np.ndarray, samples: int, peak_db: float, normalize: bool) -> np.ndarray:
    """What becomes of decoded audio (2, N) where a request has no more than these wishes."""
    request = Request(seconds=samples / SAMPLE_RATE, peak_db=peak_db, normalize=normalize)
    return audio.render(postprocess_clips(request, {"mix": sound}, None).clips["mix"])


def test_a_long_clip_is_finished_in_steps_of_seconds() -> None:
    long = np.tile(stereo("white noise"), 60)
    samples = long.shape[1]
    request = Request(seconds=samples / SAMPLE_RATE)
    steps = postprocess_clips_in_steps(request, {"mix": long, "drums": long}, None, 1.0)
    pauses = sum(1 for _ in steps)
    assert pauses >= 3 * samples / SAMPLE_RATE / 10  # mix, drums and rest


# --- length, ends and mean ------------------------------------------------------------------------


@pytest.mark.parametrize("samples", [N, N - 1, N - 1921, 4801])
def test_the_length_is_exact(samples: int) -> None:
    clip = finish(stereo("white noise"), samples, -1.0, True)
    assert clip.shape == (2, samples)
    assert clip.dtype == np.float32


def test_a_clip_that_is_too_short_is_refused() -> None:
    with pytest.raises(BadAudio, match=f"the model returned {N} samples of {N + 1}"):
        finish(stereo("white noise"), N + 1, -1.0, True)


@every_signal
def test_a_whole_clip_is_only_scaled_and_centred(name: str) -> None:
    """No fade: its end belongs to the music, and a loop would lose it."""
    source = stereo(name).astype(np.float64)
    clip = finish(stereo(name), N, -1.0, True)
    centred = source - source.mean(axis=1, keepdims=True)
    gain = np.abs(clip).max() / np.abs(centred).max()
    np.testing.assert_allclose(clip, gain * centred, atol=1e-6)


def test_a_cut_clip_fades_out_in_its_last_ten_milliseconds_only() -> None:
    samples = N - 1000
    fade = round(audio.FADE_SECONDS * SAMPLE_RATE)
    source = 0.5 + 0.1 * stereo("white noise").astype(np.float64)
    clip = finish(source.astype(np.float32), samples, -1.0, True).astype(np.float64)
    before = slice(0, samples - fade)
    for channel, original in zip(clip, source[:, :samples], strict=True):
        gain, offset = np.polyfit(original[before], channel[before], 1)
        np.testing.assert_allclose(channel[before], gain * original[before] + offset, atol=1e-6)
        np.testing.assert_allclose(
            channel, audio.build_fade_out(samples) * (gain * original + offset), atol=1e-6
        )
    assert np.array_equal(clip[:, -1], [0, 0])


def test_a_fade_longer_than_the_clip_is_the_clip() -> None:
    window = audio.build_fade_out(100)
    assert len(window) == 100
    assert window[0] == 1.0
    assert window[-1] == pytest.approx(0.0)
    assert (np.diff(window) <= 0).all()


@every_signal
@pytest.mark.parametrize("cut", [0, 777])
@pytest.mark.parametrize("offset", [0.0, 0.4])
def test_the_mean_of_every_channel_is_zero(name: str, cut: int, offset: float) -> None:
    clip = finish(stereo(name) + np.float32(offset), N - cut, -1.0, True)
    # less than the last bit of a 24-bit file
    assert np.abs(clip.astype(np.float64).mean(axis=1)).max() < 1e-7


# --- level ----------------------------------------------------------------------------------------


@pytest.mark.long
@every_signal
@pytest.mark.parametrize("cut", [0, 777])
@pytest.mark.parametrize("peak_db", [-1.0, 0.0])
def test_the_true_peak_stays_below_what_is_asked_and_close_to_it(
    name: str, cut: int, peak_db: float
) -> None:
    clip = finish(stereo(name), N - cut, peak_db, True)
    assert peak_db - 0.2 < decibels(highest_between_samples(clip)) < peak_db


@every_signal
def test_the_measured_peak_is_the_definition_s(name: str) -> None:
    assert audio.true_peak(stereo(name)) == pytest.approx(
        highest_between_samples(stereo(name)), rel=0.01
    )


def test_a_peak_is_found_wherever_it_is() -> None:
    """Also at the ends, and where the blocks it is looked for in meet."""
    burst = np.sin(np.pi / 2 * np.arange(64) + np.pi / 4) * np.hanning(64)
    expected = highest_between_samples(np.pad(burst, 2000)[None])
    for start in [0, *range(3000, 16_000, 97), 20_000 - 64]:
        clip = 0.1 * np.ones((1, 20_000))
        clip[0, start : start + 64] += burst
        assert audio.true_peak(clip) > 0.98 * expected


def test_the_highest_frequency_of_all_is_not_counted_twice() -> None:
    """At exactly half the rate a cut-out block rings at its ends: the peak may be measured a
    decibel too high.
    """
    clip = ((-1.0) ** np.arange(N) * np.hanning(N))[None]
    assert 0 <= decibels(audio.true_peak(clip) / highest_between_samples(clip)) < 1


@pytest.mark.parametrize("samples", [1, 2, 100, 6143, 6144, 6145, 8192, 20_000])
def test_a_clip_of_any_length_has_a_peak(samples: int) -> None:
    clip = np.random.default_rng(0).standard_normal((2, samples))
    assert audio.true_peak(clip) == pytest.approx(highest_between_samples(clip), rel=0.01)


@pytest.mark.parametrize("level", [1e-2, 1.0, 50.0])
def test_normalize_brings_every_clip_to_the_same_peak(level: float) -> None:
    clip = finish(stereo("bass") * np.float32(level), N, -6.0, True)
    assert decibels(highest_between_samples(clip)) == pytest.approx(-6.1, abs=0.02)


def test_without_normalize_a_quiet_clip_keeps_its_level() -> None:
    quiet = 0.1 * stereo("bass")
    clip = finish(quiet, N, -1.0, False)
    np.testing.assert_allclose(clip, quiet - quiet.mean(axis=1, keepdims=True), atol=1e-7)


def test_without_normalize_a_loud_clip_is_still_turned_down() -> None:
    clip = finish(3 * stereo("bass"), N, -1.0, False)
    assert decibels(highest_between_samples(clip)) == pytest.approx(-1.1, abs=0.02)


def test_the_balance_of_the_channels_is_kept() -> None:
    clip = finish(stereo("bass"), N, -1.0, True)
    np.testing.assert_allclose(clip[1], 0.3 * clip[0], atol=1e-6)


def test_the_source_is_left_alone() -> None:
    source = stereo("bass")
    before = source.copy()
    finish(source, N - 10, -1.0, True)
    assert np.array_equal(source, before)


# --- what is not music ----------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, N - 1])
def test_a_number_that_is_not_finite_is_refused(bad: float, place: int) -> None:
    source = stereo("bass")
    source[1, place] = bad
    with pytest.raises(BadAudio, match="not finite"):
        finish(source, N - 100, -1.0, True)


@pytest.mark.parametrize("level", [0.0, 0.0009])
@pytest.mark.parametrize("offset", [0.0, 0.5])
@pytest.mark.parametrize("normalize", [True, False])
def test_silence_is_refused_also_with_an_offset(
    level: float, offset: float, normalize: bool
) -> None:
    with pytest.raises(BadAudio, match=r"the model returned silence \(below -60 dBFS\)"):
        finish(stereo("bass") * np.float32(level) + np.float32(offset), N, -1.0, normalize)


def test_a_very_quiet_clip_is_not_silence() -> None:
    assert finish(stereo("bass") * np.float32(0.0011), N, -1.0, True).any()


def test_one_silent_channel_is_not_silence() -> None:
    source = stereo("bass")
    source[1] = 0
    clip = finish(source, N, -1.0, True)
    assert not clip[1].any()


# --- a repaint, and what is only turned down ------------------------------------------------------


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 12))
def test_a_ramp_is_one_in_the_window_and_falls_on_both_sides(
    start: int, length: int, fade: int
) -> None:
    share = audio.build_ramp(100, range(start, min(start + length, 100)), fade)
    place = np.arange(100)
    inside = (place >= start) & (place < start + length)
    near = (place >= start - fade) & (place < start + length + fade)
    assert (share[inside] == 1).all()
    assert ((share[near & ~inside] > 0) & (share[near & ~inside] < 1)).all()
    assert not share[~near].any()
    assert np.abs(np.diff(share)).max() <= 1 / (fade + 1) + 1e-9


def test_a_splice_is_new_in_its_window_and_old_outside_and_new_where_the_old_ends() -> None:
    new = np.ones((2, 1000))
    old = np.zeros((2, 800))
    spliced = audio.splice(new, old, range(300, 500), 50)
    assert spliced.shape == (2, 1000)
    assert not spliced[:, :250].any()
    assert (spliced[:, 300:500] == 1).all()
    assert not spliced[:, 550:800].any()
    assert (spliced[:, 800:] == 1).all()
    assert 0 < spliced[0, 275] < 1


def test_what_keeps_its_level_is_only_turned_down_and_silence_stays_silent() -> None:
    loud = np.full((2, 1000), 0.1)
    quiet = np.full((2, 1000), 0.01)
    same = audio.level([loud, quiet], -1.0, normalize=False)
    np.testing.assert_allclose(same, [loud, quiet], rtol=1e-6)
    down = audio.level([10 * loud, quiet], -6.0, normalize=False)
    assert np.abs(down).max() < 0.51
    assert down[1][0, 0] / down[0][0, 0] == pytest.approx(0.01, rel=1e-5)
    assert not np.any(audio.level([np.zeros((2, 100))], -1.0, normalize=True))


def test_a_sound_is_placed_cut_and_followed_by_silence() -> None:
    sound = np.ones((10, 2), np.float32)
    assert audio.place_in_silence(sound, 3, 20)[:, 0].tolist() == [0] * 3 + [1] * 10 + [0] * 7
    assert audio.place_in_silence(sound, 3, 8)[:, 0].tolist() == [0] * 3 + [1] * 5
    assert audio.place_in_silence(sound, 30, 20).shape == (20, 2)


@pytest.mark.parametrize("samples", [0, 1, 8192, 300_001])
def test_what_is_computed_piece_by_piece_is_the_part_times_its_gain(samples: int) -> None:
    part = np.random.default_rng(samples).uniform(-1, 1, (2, samples))
    levelled = LevelledAudio(LazyAudio.of(part), 0.7)
    whole = audio.render(levelled)
    assert np.array_equal(whole, (part * 0.7).astype(np.float32))
    for sound in (levelled, whole):
        assert audio.count_samples(sound) == samples
        pieces = [np.zeros((0, 2), np.float32), *audio.read_frames(sound)]
        assert all(piece.flags.c_contiguous and piece.dtype == np.float32 for piece in pieces)
        assert np.array_equal(np.concatenate(pieces).T, whole)
