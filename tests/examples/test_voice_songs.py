"""The recipe of the embedded voice: what is learned from is what is sketch for, and what is written
can be loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examples.voice import bands, layout, palette, songs, train_dit
from pipeline.guide.composer.captions import read_caption
from pipeline.guide.composer.meter import read_meter
from pipeline.networks import training_ops
from pipeline.networks.ops import choose_ops
from pipeline.request import SAMPLE_RATE, TRACKS
from pipeline.weights import checkpoint
from pipeline.weights.tensors import read_torch

import mlx.core as mx  # isort: skip
from mlx.utils import tree_flatten  # isort: skip


def test_a_caption_asks_for_the_song_it_was_written_for() -> None:
    for seed in range(300):
        song = songs.make_song(seed, 8.0)
        text = song.write_caption(np.random.default_rng(seed))
        sketch = read_caption(text, bpm=0, key="", bars=1, meter=read_meter(4), seed=1).sketch
        assert sketch.style == song.sketch.style
        assert sketch.parts == song.sketch.parts


def test_a_number_is_always_the_same_song() -> None:
    one, again = (songs.make_song(7, 3.0) for _ in range(2))
    assert one.render_mix().tobytes() == again.render_mix().tobytes()
    assert one.render_mix().tobytes() != songs.make_song(8, 3.0).render_mix().tobytes()


@pytest.mark.long
def test_a_singer_sings_a_fifth_of_the_excerpts() -> None:
    sung: list[int] = []

    def sing(seed: int, seconds: float) -> songs.Audio:
        sung.append(seed)
        return np.full((round(seconds * SAMPLE_RATE), 2), 0.5, np.float32)

    alone = []
    for seed in range(30):
        excerpt = songs.render_excerpt(seed, 0.05, sing)
        if seed in sung:
            alone.append(bool(np.all(excerpt == 0.5)))
        else:
            assert np.array_equal(excerpt, songs.render_excerpt(seed, 0.05))
    assert 3 <= len(sung) <= 10
    assert 0 < sum(alone) < len(alone)


def test_stems_add_up_to_the_mix() -> None:
    song = songs.make_song(11, 4.0, parts=("drums", "bass", "chords", "lead"))
    for stems in (song.render_stems(), song.render_tracks()):
        assert np.allclose(sum(stems.values()), song.render_mix(), atol=1e-6)


def test_every_sound_has_a_track_that_the_model_can_name() -> None:
    assert set(bands.TRACK_OF) == {*palette.INSTRUMENTS, *palette.KITS}
    assert set(bands.TRACKS) <= set(TRACKS)


def test_every_band_plays_instruments_that_can_play_its_parts() -> None:
    for band in bands.BANDS.values():
        assert set(band.drums) <= set(palette.KITS)
        for role in ("bass", "chords", "lead"):
            for sound in getattr(band, role):
                assert role in palette.INSTRUMENTS[sound].roles


@pytest.mark.long
def test_mixes_are_loud_enough_and_never_clip() -> None:
    for seed in range(20):
        mix = songs.make_song(seed, 2.0).render_mix()
        assert 0.02 < np.abs(mix).max() < 1


def test_the_silence_that_is_written_is_read_as_torch_wrote_it(tmp_path: Path) -> None:
    latent = np.random.default_rng(0).standard_normal((1, 64, 30)).astype(np.float32)
    layout.write_silence(tmp_path / "silence.pt", latent.transpose(0, 1, 2))
    assert np.array_equal(read_torch(tmp_path / "silence.pt"), latent)


def test_what_is_trained_loads_strictly_and_computes_the_same(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="export reads what torch trained")
    from examples.voice import export

    voice = train_dit.Voice()
    train_dit.fill_weights(voice, mx.random.key(1))
    arrays = dict(tree_flatten(voice.parameters()))
    export.write_dit(tmp_path, arrays)
    layout.write_silence(tmp_path / "silence_latent.pt", np.zeros((1, 64, 30), np.float32))
    model, config = checkpoint.load_model(tmp_path, choose_ops(), mx.float32)
    assert config.plays_guides is True
    assert config.sings is False
    assert config.extracts is True
    assert config.extract_steps == 1
    before = voice.model.decoder.proj_in[1].weight
    after = model.decoder.proj_in[1].weight
    assert float(mx.abs(before - after).max()) < 0.01  # bfloat16


def test_the_activation_for_training_has_the_right_slopes() -> None:
    gate, up, weight = (mx.random.normal((4, 8), key=mx.random.key(k)) * 3 for k in range(3))

    def slopes(swiglu: Any) -> list[mx.array]:
        gradients: list[mx.array] = mx.grad(
            lambda g, u: mx.sum(swiglu(g, u) * weight), argnums=(0, 1)
        )(gate, up)
        return gradients

    for ours, plain in zip(slopes(training_ops.swiglu), slopes(lambda g, u: g * mx.sigmoid(g) * u)):
        assert float(mx.abs(ours - plain).max()) < 1e-5
