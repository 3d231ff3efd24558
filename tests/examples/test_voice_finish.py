"""The end of the recipe, in small: the decoder learns what takes should sound like."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch", reason="the VAE is trained in torch")

from examples.voice import finish, lessons, songs, train_vae, trainer  # noqa: E402
from examples.voice.dit import Lesson  # noqa: E402
from examples.voice.losses import HOP, compare_balances  # noqa: E402
from examples.voice.oobleck import CONFIG  # noqa: E402
from pipeline.request import SAMPLE_RATE  # noqa: E402

# official names are those of the old weight norm
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning"),
    pytest.mark.usefixtures("one_thread"),
]

CPU = torch.device("cpu")
FRAMES = train_vae.FRAMES + 2 * finish.MARGIN + 8


def test_a_take_is_played_in_the_steps_of_the_voice() -> None:
    target = torch.randn(1, 20, 64)
    times: list[float] = []

    def predict_velocity(lesson: Lesson, noisy: Any, t: Any) -> Any:
        times.append(float(t))
        return (noisy - lesson.target) / t

    lesson: Any = SimpleNamespace(target=target)
    voice: Any = SimpleNamespace(predict_velocity=predict_velocity)
    torch.testing.assert_close(finish.play(voice, lesson), target, atol=1e-5, rtol=1e-5)
    assert times == pytest.approx([1.0, 0.9, 0.75, 0.5])


def test_examples_are_cut_where_their_audio_is() -> None:
    """Each frame has its number, and so has each sample of the audio."""
    numbers = torch.arange(FRAMES).float()
    played = numbers.expand(2, 64, FRAMES)
    audio = numbers.repeat_interleave(HOP).expand(2, 2, -1).half()
    takes = finish.Takes(played, -1 - played, audio)
    torch.manual_seed(0)
    seen, heard = takes.draw(40)
    assert seen.shape == (40, 64, train_vae.FRAMES + 2 * finish.MARGIN)
    assert heard.shape == (40, 2, train_vae.FRAMES * HOP)
    first = heard[:, 0, 0]
    assert len(first.unique()) > 4
    encoded = seen[:, 0, 0] < 0
    assert 8 < int(encoded.sum()) < 32
    frames = torch.where(encoded, -1 - seen[:, 0, finish.MARGIN], seen[:, 0, finish.MARGIN])
    torch.testing.assert_close(frames, first)


def test_songs_are_those_that_their_guides_are_near_to(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    mix = rng.standard_normal((songs.SHARD, 200, 64)).astype(np.float16)
    guide = mix.copy()
    guide[::2] = rng.standard_normal((songs.SHARD // 2, 200, 64))
    (tmp_path / "latents").mkdir()
    np.save(tmp_path / "latents" / "silence.npy", mix[0])
    np.savez(tmp_path / "latents" / "0000.npz", mix=mix, guide=guide, stem_song=[], stem_track=[])
    pool = lessons.LessonPool(tmp_path, lessons.get_tokenizer(tmp_path), 1, 4, CPU)
    assert finish.list_songs(pool, 3) == [33, 35, 37]
    assert finish.list_songs(pool, 100, held_out=True) == [*range(1, 32, 2)]
    lesson = next(iter(finish.make_lessons(pool, [33])))
    np.testing.assert_array_equal(lesson.source[0].numpy(), pool.guide[33].astype(np.float32))


def test_what_is_too_soft_in_a_third_of_an_octave_is_told_whatever_its_waves_are() -> None:
    torch.manual_seed(0)
    seconds = torch.arange(48_000) / SAMPLE_RATE
    low = torch.sin(2 * torch.pi * 200 * seconds)[None]
    high = torch.sin(2 * torch.pi * 3000 * seconds)[None]
    turned = torch.sin(2 * torch.pi * 3000 * seconds + 1)[None]
    whole = low + high
    assert float(compare_balances(low + turned, whole)) < 1e-3
    soft = low + 0.5 * high
    assert float(compare_balances(soft, whole)) == pytest.approx(3.0 * 0.602 / 24, rel=0.05)
    soft.requires_grad_()
    compare_balances(soft, whole).backward()
    assert float((soft.grad * high).sum()) < 0, "louder is nearer"
    faint = low + 1e-3 * high
    assert float(compare_balances(low, faint)) < 0.01
    silent = torch.zeros_like(low)
    assert float(compare_balances(silent, silent)) == 0


def test_the_decoder_learns_on_and_the_encoder_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    seconds = FRAMES * HOP / SAMPLE_RATE
    rendered = [songs.make_song(seed, seconds).render_mix().T for seed in range(3)]
    audio = torch.from_numpy(np.stack(rendered))
    small = trainer.Trainer(CPU, CONFIG | {"channel_multiples": [12, 12, 12]})
    small.start(audio)
    small.save(tmp_path)
    with torch.no_grad():
        latents = small.vae.encode(audio)
    takes = finish.Takes(0.5 * latents, 0.5 * latents, audio.half())
    monkeypatch.setattr(finish, "RATE", 1e-2)
    finish.finish(tmp_path, takes, takes, seconds=4.0, batch=2)
    told = re.findall(r"played log-mel ([\d.]+)", (tmp_path / finish.LOG).read_text())
    assert float(told[-1]) < float(told[0]) - 0.1
    state = torch.load(tmp_path / "vae_state.pt", weights_only=True)
    assert state["is_frozen"]
    assert state["step"] > 2
    before, after = small.vae.state_dict(), torch.load(tmp_path / "vae.pt", weights_only=True)
    for name, tensor in before.items():
        same = torch.equal(tensor.half(), after[name])
        assert same == name.startswith("encoder.") or tensor.numel() < 100, name
