"""A repaint of a file that was made here needs no encoding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from pipeline import AceStep, load
from pipeline.latent_store import LatentStore, StoredLatents
from pipeline.request import SAMPLE_RATE, Request
from pipeline.take import Clip, Progress
from tests.support.hostile import forge_wav

REQUEST = Request(prompt="house, drums and bass only", bars=2, bpm=120, seed=3, num_steps=4)


@pytest.fixture(scope="module")
def ace_step() -> AceStep:
    return load("mini")


@pytest.fixture(scope="module")
def take(ace_step: AceStep) -> Clip:
    (clip,) = (event for event in ace_step.render(REQUEST) if isinstance(event, Clip))
    return clip


@pytest.fixture
def mix(ace_step: AceStep, take: Clip, tmp_path: Path) -> Clip:
    """The take, which landed as tmp_path/made.wav."""
    ace_step.model.latent_store = LatentStore(tmp_path / "latents")
    soundfile.write(tmp_path / "made.wav", np.asarray(take.audio).T, SAMPLE_RATE, "PCM_24")
    ace_step.remember(tmp_path / "made.wav", take)
    return take


def repainted(ace_step: AceStep, path: Path, **more: Any) -> Clip:
    values = {
        "task": "repaint",
        "source": str(path),
        "repaint_bar": 2,
        "repaint_bars": 1,
        "guide": "off",
        "seed": 9,
    }
    request = REQUEST.changed({"bars": 0, **values, **more})
    (clip,) = (event for event in ace_step.render(request) if isinstance(event, Clip))
    return clip


@pytest.mark.long
def test_it_is_not_encoded(
    ace_step: AceStep, mix: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_store = repainted(ace_step, tmp_path / "made.wav")
    assert from_store.latents is not None
    assert mix.latents is not None
    # the very latents, far from the window
    np.testing.assert_array_equal(from_store.latents[:12], mix.latents[:12])
    monkeypatch.setattr(ace_step.model, "encode_audio", None)
    (tmp_path / "made.wav").rename(tmp_path / "moved.wav")
    again = repainted(ace_step, tmp_path / "moved.wav")
    np.testing.assert_array_equal(from_store.audio, again.audio)


@pytest.mark.long
def test_it_sounds_as_if_it_had_been_encoded(ace_step: AceStep, mix: Clip, tmp_path: Path) -> None:
    from_latents = np.asarray(repainted(ace_step, tmp_path / "made.wav").audio)
    ace_step.model.latent_store = None
    from_sound = np.asarray(repainted(ace_step, tmp_path / "made.wav").audio)
    np.testing.assert_allclose(from_latents[:, :90_000], from_sound[:, :90_000], atol=1e-5)
    levels = [
        np.std(one[:, SAMPLE_RATE * 2 : SAMPLE_RATE * 4]) for one in (from_latents, from_sound)
    ]
    assert 0.5 < levels[0] / levels[1] < 2


def test_a_take_says_how_loud_its_latents_are_in_it(ace_step: AceStep, mix: Clip) -> None:
    import mlx.core as mx

    assert mix.latents is not None
    decoded = np.array(ace_step.model.vae.decode(mx.array(mix.latents)[None])[0])[
        : mix.request.samples
    ]
    ours = mix.gain * (decoded - decoded.mean(axis=0))
    clip = np.asarray(mix.audio).T
    inside = slice(24, -480)  # it begins and ends with a fade
    np.testing.assert_allclose(ours[inside], clip[inside], atol=1e-3)


def find(store: LatentStore, file: Path, vae: str) -> StoredLatents | None:
    """With all of its steps."""
    steps = store.find(str(file), vae)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            stored: StoredLatents | None = end.value
            return stored


def test_a_changed_file_is_not_known(tmp_path: Path) -> None:
    store = LatentStore(tmp_path / "latents")
    (tmp_path / "x.wav").write_bytes(b"one")
    digest = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"  # SHA-256 of "one"
    store.put(digest, "vae", StoredLatents(np.ones((3, 64), np.float32), 0.5))
    stored = find(store, tmp_path / "x.wav", "vae")
    assert stored is not None
    assert stored.latents.shape == (3, 64)
    assert stored.gain == 0.5
    assert find(store, tmp_path / "x.wav", "another") is None
    (tmp_path / "x.wav").write_bytes(b"two")
    assert find(store, tmp_path / "x.wav", "vae") is None


def test_a_damaged_one_is_no_loss_and_the_folder_stays_small(tmp_path: Path) -> None:
    store = LatentStore(tmp_path / "latents", limit_mb=0.01)
    for number in range(5):
        store.put(str(number), "vae", StoredLatents(np.ones((10, 64), np.float32), 1.0))
    assert sum(path.stat().st_size for path in store.folder.glob("*.npz")) <= 0.01 * 2**20
    (tmp_path / "x.wav").write_bytes(b"two")
    for path in store.folder.glob("*.npz"):
        path.write_bytes(b"nonsense")
    assert find(store, tmp_path / "x.wav", "vae") is None


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "a text": lambda path: path.write_text("a shopping list"),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:1000]),
    "a byte wrong": lambda path: path.write_bytes(
        path.read_bytes()[:5000] + b"~" + path.read_bytes()[5001:]
    ),
    "another shape": lambda path: np.savez(path, latents=np.zeros((7, 3), np.float32), gain=1.0),
    "no numbers": lambda path: np.savez(
        path, latents=np.full((128, 64), np.nan, np.float32), gain=1.0
    ),
    "no gain": lambda path: np.savez(path, latents=np.zeros((128, 64), np.float32)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_latents_that_cannot_be_read_are_no_loss(
    ace_step: AceStep, mix: Clip, tmp_path: Path, damage: str
) -> None:
    (path,) = (tmp_path / "latents").glob("*.npz")
    DAMAGE[damage](path)
    assert ace_step.model.latent_store is not None
    store = ace_step.model.latent_store
    assert find(store, tmp_path / "made.wav", ace_step.vae_digest) is None


def test_a_large_source_is_read_in_steps_between_which_it_can_be_cancelled(
    ace_step: AceStep, mix: Clip, tmp_path: Path
) -> None:
    """100 GB of it kept the engine busy until it was taken for hanging."""
    size = 20 * 2**24
    source = forge_wav(tmp_path / "large.wav", data=4 * SAMPLE_RATE, size=size)
    steps = 0
    work = ace_step.render(Request(prompt="x", task="cover", source=str(source), num_steps=1))
    for event in work:
        if isinstance(event, Progress):
            steps += event.label == "source"
            if event.label == "diffusion":
                break
    work.close()
    assert steps >= 20


def test_a_file_is_not_read_at_all_where_nothing_is_known(tmp_path: Path) -> None:
    store = LatentStore(tmp_path / "latents")
    assert find(store, tmp_path / "not there.wav", "vae") is None
    store.put("0" * 64, "another", StoredLatents(np.ones((3, 64), np.float32), 0.5))
    assert find(store, tmp_path / "not there.wav", "vae") is None
