"""Loops repeat without a seam, in the exact length, and are the model's music all the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from examples.voice import metrics
from pipeline import AceStep, load, loops
from pipeline.audio import resample_periodic
from pipeline.request import BadRequest, Request
from pipeline.take import Clip


@pytest.fixture(scope="module")
def ace_step() -> AceStep:
    return load("mini")


def loop(ace_step: AceStep, **values: Any) -> np.ndarray:
    """(samples, 2)."""
    request = Request(prompt="house, drums, bass and pads", seed=4, bpm=120, loop=True).changed(
        values
    )
    (clip,) = (event for event in ace_step.render(request) if isinstance(event, Clip))
    return np.asarray(clip.audio).T


@pytest.mark.long
@pytest.mark.parametrize(
    "values", [{"bars": 3}, {"bars": 1, "bpm": 97.3}, {"bars": 3, "guide": "off"}], ids=str
)
def test_the_step_across_the_seam_is_no_larger_than_those_inside(
    ace_step: AceStep, values: dict[str, Any]
) -> None:
    clip = loop(ace_step, **values)
    assert len(clip) == Request(bpm=120).changed(values).samples
    steps = np.abs(np.diff(clip, axis=0)).max(axis=1)
    assert np.abs(clip[0] - clip[-1]).max() <= steps.max()
    around = np.abs(np.diff(np.concatenate([clip[-480:], clip[:480]]), axis=0)).max(axis=1)
    assert around[479] <= around.max()  # not even the largest within 10 ms
    bends = np.abs(np.diff(np.concatenate([clip, clip[:2]]), n=2, axis=0)).max(axis=1)
    assert bends[-2:].max() <= bends[:-2].max()


@pytest.mark.long
def test_the_seam_is_nowhere(ace_step: AceStep) -> None:
    """Cut open at another place and decoded again, it is the same circle of sound."""
    import mlx.core as mx

    def decoded(latents: np.ndarray) -> np.ndarray:
        around = ace_step.model.vae.decoder_receptive_field
        hop = ace_step.model.vae.config.hop
        whole = ace_step.model.vae.decode(loops.surround(mx.array(latents)[None], around))
        return np.array(whole[0, around * hop : -around * hop])

    request = Request(prompt="house, drums and bass", seed=4, bpm=120, bars=1, loop=True)
    (clip,) = (event for event in ace_step.render(request) if isinstance(event, Clip))
    assert clip.latents is not None
    here = decoded(clip.latents)
    rolled = decoded(np.roll(clip.latents, 20, axis=0))
    np.testing.assert_allclose(np.roll(here, 20 * 1920, axis=0), rolled, atol=1e-4)


@pytest.mark.long
def test_a_loop_goes_on_where_a_clip_would_stop(ace_step: AceStep) -> None:
    """The last and the first 50 ms of a loop are about as loud, in a drone that has no rhythm."""
    clip = loop(ace_step, prompt="one long synth pad, no drums", bars=3, guide="C", normalize=False)
    whole = np.sqrt(np.mean(clip**2))
    for end in (clip[:2400], clip[-2400:]):
        assert np.sqrt(np.mean(end**2)) > whole / 10


@pytest.mark.long
def test_a_loop_keeps_time_and_its_seed(ace_step: AceStep) -> None:
    clip = loop(ace_step, prompt="house, drums and bass only", bars=4, bpm=126)
    assert metrics.is_tempo_right(clip, 126)
    np.testing.assert_array_equal(
        clip, loop(ace_step, prompt="house, drums and bass only", bars=4, bpm=126)
    )


def test_what_keeps_its_source_makes_no_loop(ace_step: AceStep, tmp_path: Any) -> None:
    (tmp_path / "x.wav").write_bytes(b"x")
    with pytest.raises(BadRequest, match="repaint keeps its source, it cannot make a loop"):
        loop(ace_step, task="repaint", source=str(tmp_path / "x.wav"))


def test_periodic_resampling_is_exact() -> None:
    turn = np.arange(4800) / 4800
    waveform = np.sin(2 * np.pi * 7 * turn)[:, None] * [1.0, 0.5]
    again = resample_periodic(waveform.astype(np.float32), 4700)
    np.testing.assert_allclose(
        again, np.sin(2 * np.pi * 7 * np.arange(4700) / 4700)[:, None] * [1.0, 0.5], atol=1e-5
    )


def test_a_circle_has_no_beginning() -> None:
    """Where a network answers each frame by what it is, and by nothing else, turning the circle
    changes nothing.
    """
    import mlx.core as mx

    for frames in (50, 130, 131):
        x = mx.random.normal((1, frames, 4))
        context = mx.random.normal((1, frames, 8))
        for step in range(3):
            seen = loops.predict_circle(lambda x, context: x + context[..., :4], x, context, step)
            np.testing.assert_allclose(seen, x + context[..., :4], atol=1e-6)


def test_what_rings_at_the_end_is_heard_at_the_beginning() -> None:
    sound = np.ones((250, 2), np.float32)
    folded = loops.fold_tail(sound, 100)
    assert folded[:, 0].tolist() == [3.0] * 50 + [2.0] * 50
