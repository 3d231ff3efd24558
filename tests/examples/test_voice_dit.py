"""The recipe of the DiT, in small: it computes what is played, it learns, it resumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

torch: Any = pytest.importorskip("torch", reason="the DiT is trained in torch")

import mlx.core as mx  # noqa: E402

from examples.voice import export, layout, lessons, songs, train_dit  # noqa: E402
from examples.voice.dit import Lesson, Voice  # noqa: E402
from pipeline.networks.ops import choose_ops  # noqa: E402
from pipeline.weights import checkpoint  # noqa: E402

CPU = torch.device("cpu")
SILENCE = np.random.default_rng(0).standard_normal((lessons.REFERENCE, 64)).astype(np.float32)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    """One thread, and nothing is compiled, which takes a minute."""
    monkeypatch.setattr(train_dit, "compile_chains", lambda device: False)


@pytest.fixture
def voice() -> Any:
    """A voice whose every weight matters, in numbers that bfloat16 has."""
    torch.manual_seed(1)
    voice = Voice()
    with torch.no_grad():
        for parameter in voice.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
            parameter.copy_(parameter.bfloat16())
    return voice


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose songs are encoded: a shard of random latents."""
    rng = np.random.default_rng(3)

    def draw(count: int) -> npt.NDArray[np.float16]:
        return rng.standard_normal((count, 200, 64)).astype(np.float16)

    (tmp_path / "latents").mkdir()
    np.save(tmp_path / "latents" / "silence.npy", draw(1)[0])
    write_shard(tmp_path, 0, mix=draw(songs.SHARD), guide=draw(songs.SHARD), stem=draw(2))
    return tmp_path


def write_shard(run: Path, number: int, **latents: npt.NDArray[np.float16]) -> None:
    arrays: dict[str, Any] = dict(latents)
    arrays["stem_song"] = np.array([40, 40])
    arrays["stem_track"] = np.array(["drums", "vocals"])
    np.savez(run / "latents" / f"{number:04d}.npz", **arrays)


def open_pool(run: Path) -> lessons.LessonPool:
    return lessons.LessonPool(run, lessons.get_tokenizer(run), 1, 4, CPU)


def make_lesson(frames: int, **more: Any) -> Lesson:
    generator = torch.Generator().manual_seed(2)
    target, source = (torch.randn(2, frames, 64, generator=generator) for _ in range(2))
    ids = torch.randint(1, 1000, (2, 21), generator=generator)
    words = torch.randint(1, 1000, (1, 9), generator=generator)
    return Lesson(target, source, ids, words, torch.from_numpy(SILENCE)[None], **more)


@pytest.mark.parametrize("unconditional", [False, True])
@pytest.mark.parametrize("frames", [20, 160, 300])
def test_it_is_taught_as_what_is_played(
    voice: Any, tmp_path: Path, frames: int, unconditional: bool
) -> None:
    lesson = make_lesson(frames, unconditional=unconditional)
    t = torch.tensor([0.3, 0.9])
    with torch.no_grad():
        taught = voice.predict_velocity(lesson, lesson.target, t).numpy()
    export.write_text(tmp_path / "text", voice.state_dict())
    lessons.get_tokenizer(tmp_path).save(str(tmp_path / "text" / "tokenizer.json"))
    export.write_dit(tmp_path / "dit", voice.state_dict())
    text, _ = checkpoint.load_text_encoder(tmp_path / "text", choose_ops(), mx.float32)
    model, config = checkpoint.load_model(tmp_path / "dit", choose_ops(), mx.float32)
    assert (config.plays_guides, config.extracts, config.extract_steps) == (True, True, 1)
    assert (config.sings, config.sings_guide, config.steps) == (False, True, 4)
    assert config.masks_stems
    decoder = model.decoder
    for row in range(2):
        sides = (lesson.target, lesson.source, lesson.caption)
        noisy, source, ids = (mx.array(side[row].numpy())[None] for side in sides)
        words = text.embed(mx.array(lesson.lyrics.numpy()))
        condition = model.encoder(text(ids), words, mx.array(lesson.silence.numpy()))
        if unconditional:
            condition = model.null_condition_emb
        context = mx.concatenate([source, mx.ones_like(source)], axis=-1)
        at = mx.array([float(t[row])])
        played = decoder(noisy, context, at, at, decoder.project_condition(condition))
        np.testing.assert_allclose(np.array(played)[0], taught[row], atol=2e-3)


def test_it_learns() -> None:
    torch.manual_seed(0)
    trainer = train_dit.Trainer(CPU)
    lesson = make_lesson(160, single_step=True)
    lesson = lesson._replace(target=lesson.source)
    t = train_dit.draw_timesteps(lesson, np.random.default_rng(0))
    assert t.tolist() == [1, 1]
    noise = torch.zeros_like(lesson.target)

    def measure(voice: Any) -> float:
        with torch.no_grad():
            return float(trainer.measure_loss(voice, lesson, t, noise))

    before = measure(trainer.voice)
    for _ in range(20):
        trainer.train_step(lesson, t, 1e-3)
    assert measure(trainer.voice) < 0.5 * before
    assert measure(trainer.average) < 0.7 * before


def test_timesteps_are_spread_evenly_and_shifted_towards_noise() -> None:
    lesson = make_lesson(20)._replace(target=torch.zeros(1000, 2, 64))
    t = train_dit.draw_timesteps(lesson, np.random.default_rng(0))
    assert float(t.min()) < 0.01
    assert float(t.max()) > 0.99
    assert abs(float(t.median()) - 0.75) < 0.01, "3 u / (1 + 2 u) at one half"


def test_it_goes_on_where_it_was(run: Path, tmp_path: Path) -> None:
    arguments = [str(run), "--hours", "0.002", "--batch", "2", "--threads", "1"]
    first = train_dit.read_options([*arguments, "--stop-after", "0.05"])
    train_dit.train(first)
    state = torch.load(run / "dit_state.pt", weights_only=True)
    assert state["step"] >= 1
    assert 2.9 < state["spent"] < 4
    assert (run / "dit_state.pt").stat().st_size < 60e6
    train_dit.train(train_dit.read_options(arguments))
    later = torch.load(run / "dit_state.pt", weights_only=True)
    assert later["step"] > state["step"]
    assert later["spent"] == pytest.approx(7.2, abs=0.1)
    assert len((run / "dit.log").read_text().splitlines()) == 2
    average = torch.load(run / "dit.pt", weights_only=True)
    Voice().load_state_dict(average)


def test_lessons_are_of_what_is_asked_for(run: Path) -> None:
    pool = open_pool(run)
    kinds = set()
    for _ in range(80):
        lesson = pool.draw()
        assert lesson.target.shape == lesson.source.shape == (4, lessons.FRAMES, 64)
        assert lesson.caption.shape[0] == 4
        is_silent = bool((lesson.source[0] == lesson.silence[0, :1]).all())
        kinds.add((is_silent, lesson.single_step, lesson.unconditional))
    # from the guide, from nothing, and a stem out of a mix
    assert {(False, False, False), (True, False, False), (False, True, False)} <= kinds
    assert all(is_silent for is_silent, _, unconditional in kinds if unconditional)


def test_latents_are_evened_out_and_new_shards_are_read(run: Path) -> None:
    rng = np.random.default_rng(1)
    sizes = np.geomspace(0.1, 10, 64)
    scale = lessons.measure_scale(rng.standard_normal((2, 500, 64)) * sizes)
    scaled = rng.standard_normal((5000, 64)) * sizes * scale
    assert np.mean(scaled**2) == pytest.approx(1, rel=0.05)
    assert scaled.std(0).max() / scaled.std(0).min() < 100**0.5
    pool = open_pool(run)
    assert len(pool.mix) == songs.SHARD
    latents = np.ones((songs.SHARD, 200, 64), np.float16)
    write_shard(run, 1, mix=latents, guide=latents, stem=latents[:2])
    pool.read_new()
    assert len(pool.mix) == 2 * songs.SHARD


def test_held_out_songs_are_not_learnt_from(run: Path) -> None:
    pool = open_pool(run)
    asked = {example.song for examples in pool.by_length.values() for example, _ in examples}
    assert asked == set(range(lessons.HELD_OUT, songs.SHARD))
    assert len(list(pool.make_held_out("cover"))) == lessons.HELD_OUT


def test_what_is_written_for_no_lesson_is_silent(voice: Any, tmp_path: Path) -> None:
    export.write_dit(tmp_path, voice.state_dict())
    tensors = checkpoint.read_file(tmp_path / "model.safetensors")
    untrained = [name for name in tensors if name.startswith(export.UNTRAINED)]
    assert untrained
    assert not any(bool(mx.any(tensors[name] != 0)) for name in untrained)
    assert layout.DIT["hidden_size"] == tensors["decoder.norm_out.weight"].shape[0]
