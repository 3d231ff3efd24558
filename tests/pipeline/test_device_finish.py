"""A mix is finished on the device as it is on the processor. Here the device is a CPU."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline import AceStep, audio, device, device_finish, load
from pipeline.audio import BadAudio, true_peak
from pipeline.generation import Generation
from pipeline.postprocess import NO_STEMS, postprocess_clips_in_steps
from pipeline.request import SAMPLE_RATE, Request
from pipeline.steps import complete
from pipeline.take import PendingClip
from tests.support.signals import N, every_signal, stereo

# isort: split
import mlx.core as mx


def finish_on_both(
    sound: np.ndarray, request: Request, fades: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """(2, samples) of decoded audio (2, N): on the processor, on the device."""
    here = complete(postprocess_clips_in_steps(request, {"mix": sound}, None, 1.0, NO_STEMS, fades))
    there = complete(device_finish.finish(request, mx.array(np.ascontiguousarray(sound.T)), fades))
    assert there.gain == pytest.approx(here.gain, rel=1e-4)
    assert there.notes == here.notes == ()
    return audio.render(here.clips["mix"]), audio.render(there.clips["mix"])


@every_signal
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"peak_db": -9.0, "seconds": (N - 777) / SAMPLE_RATE},
        {"normalize": False, "seconds": 21_000 / SAMPLE_RATE},
    ],
)
def test_it_is_the_same_clip(name: str, values: dict[str, object]) -> None:
    request = Request(seconds=N / SAMPLE_RATE).changed(values)
    here, there = finish_on_both(stereo(name) + np.float32(0.2), request)
    assert there.shape == here.shape
    assert there.dtype == np.float32
    np.testing.assert_allclose(there, here, atol=2e-4 * np.abs(here).max())
    assert 20 * np.log10(true_peak(there) / true_peak(here)) == pytest.approx(0.0, abs=0.002)


def test_all_of_what_was_made_can_be_faded_out() -> None:
    sound = stereo("white noise")
    request = Request(seconds=N / SAMPLE_RATE)
    here, there = finish_on_both(sound, request, fades=True)
    np.testing.assert_allclose(there, here, atol=2e-4)
    assert not here[:, -1].any()
    assert np.abs(finish_on_both(sound, request)[0][:, -1]).max() > 0.01


def test_a_peak_is_found_wherever_it_is() -> None:
    """In the first sample, the last one, and where groups of blocks meet."""
    samples = 9 * SAMPLE_RATE
    for place in (0, 1, 6143, 6144, 64 * 6144 - 2048, 64 * 6144, samples - 1):
        sound = np.full((2, samples), 0.01, np.float32)
        sound[1, place] = 0.5
        found = complete(device_finish.find_true_peak(mx.array(sound.T)))
        assert found == pytest.approx(true_peak(sound), rel=1e-4)


def test_a_long_clip_is_finished_in_steps_and_its_mean_is_zero() -> None:
    long = np.tile(stereo("white noise") + np.float32(0.3), 60)
    request = Request(seconds=long.shape[1] / SAMPLE_RATE)
    steps = device_finish.finish(request, mx.array(long.T))
    pauses = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            clip = end.value.clips["mix"]
            break
        pauses += 1
    assert pauses > 3
    assert np.abs(clip.astype(np.float64).mean(axis=1)).max() < 1e-7


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("place", [0, 1000, N - 50])
def test_a_number_that_is_not_finite_is_refused(bad: float, place: int) -> None:
    sound = stereo("bass")
    sound[1, place] = bad
    with pytest.raises(BadAudio, match="not finite"):
        finish_on_device(sound, Request(seconds=(N - 100) / SAMPLE_RATE))


def test_silence_and_too_little_are_refused() -> None:
    request = Request(seconds=N / SAMPLE_RATE)
    with pytest.raises(BadAudio, match="silence"):
        finish_on_device(np.full((2, N), 0.3, np.float32), request)
    with pytest.raises(BadAudio, match=f"the model returned {N - 1} samples of {N}"):
        finish_on_device(stereo("bass")[:, 1:], request)


def finish_on_device(sound: np.ndarray, request: Request) -> None:
    complete(device_finish.finish(request, mx.array(np.ascontiguousarray(sound.T))))


@pytest.fixture(scope="module")
def model() -> AceStep:
    return load("mini")


def test_a_take_of_a_mix_alone_is_finished_there(
    model: AceStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request(prompt="drums", seconds=1.01, seed=3, preview="2")
    here = make_clips(model, request)
    monkeypatch.setattr(device, "is_cpu", lambda: False)
    there = make_clips(model, request)
    assert list(there) == list(here) == ["preview_2", "mix"]
    for name, samples in here.items():
        assert there[name].flags.f_contiguous == samples.flags.f_contiguous
        np.testing.assert_allclose(there[name], samples, atol=1e-4)


@pytest.mark.parametrize(
    "values",
    [
        {"loop": True, "bars": 1, "bpm": 97.0},  # its audio is resampled
        {"seconds": 1.0, "stems": "drums"},  # they add up to the mix
    ],
)
def test_a_take_that_is_more_is_the_processor_s(
    model: AceStep, monkeypatch: pytest.MonkeyPatch, values: dict[str, object]
) -> None:
    request = Request(prompt="drums", seed=3).changed(values)
    here = make_clips(model, request)
    monkeypatch.setattr(device, "is_cpu", lambda: False)
    there = make_clips(model, request)
    assert list(there) == list(here)
    assert all(np.array_equal(there[name], samples) for name, samples in here.items())


def make_clips(model: AceStep, request: Request) -> dict[str, np.ndarray]:
    outputs = Generation(model.model, request).run()
    return {each.name: each.render().samples for each in outputs if isinstance(each, PendingClip)}
