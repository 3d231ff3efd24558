"""Finish the VAE's decoder on what the DiT makes, once both are trained: takes are a little off
where the DiT was not sure, and the decoder learns what they should sound like.

    python -m examples.voice.finish runs/voice --minutes 30

Half of what it hears are latents of the encoder, as ever. The DiT plays songs that it learned from,
from their guides, and what it should have played is the guide itself; songs whose players their
captions do not name are left out. Writes `vae.pt` and `vae_state.pt` anew.
"""

from __future__ import annotations

import os

os.environ["ACESTEPD_MKL"] = "0"
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import itertools
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pipeline.schedules import build_schedule

from . import metrics, songs
from .dit import Lesson, Voice
from .lessons import HELD_OUT, LessonPool, get_tokenizer, write_prompt
from .losses import HOP, Spectra
from .oobleck import VAE, choose_device, compile_for
from .rendering import ONE_THREAD
from .train_vae import FRAMES, to_tensor
from .trainer import Meter, Trainer, find_rate, report

LOG = "finish.log"
STEPS = 4  # of a take, as the voice plays
SHIFT = 3.0
SONGS = 300
NEAR = 0.1  # a guide's distance from its song, in parts of a song's variance, at most
RATE = 6e-4
MARGIN = 8  # frames on both sides of an example, which the decoder sees and is not asked for
ENCODED = 0.5  # share of the examples that are the encoder's
JUDGED = 12
PRESENCE = (1000.0, 4000.0)  # Hz
REPORT_EVERY = 120.0  # seconds

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Takes:
    """What the DiT played, what it was asked to play, (N, 64, frames), and how that sounds
    (N, 2, samples) in float16.
    """

    played: Tensor
    asked: Tensor
    audio: Tensor

    def draw(self, batch: int) -> tuple[Tensor, Tensor]:
        """Latents (batch, 64, FRAMES + 2 MARGIN) and the audio (batch, 2, samples) of their
        middle.
        """
        frames = self.played.shape[2]
        rows = []
        for song in torch.randint(len(self.played), (batch,)).tolist():
            first = int(torch.randint(MARGIN, frames - FRAMES - MARGIN + 1, ()))
            latents = self.asked if float(torch.rand(())) < ENCODED else self.played
            seen = latents[song, :, first - MARGIN : first + FRAMES + MARGIN]
            heard = self.audio[song, :, first * HOP : (first + FRAMES) * HOP]
            rows.append((seen, heard.float()))
        seen, heard = (torch.stack(side) for side in zip(*rows))
        return seen, heard


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--songs", type=int, default=SONGS)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--device", default="auto", help="auto, cuda or cpu")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    device = choose_device(options.device)
    compile_for(device)
    pool = LessonPool(options.folder, get_tokenizer(options.folder), 0, 1, device)
    learned = make_takes(pool, list_songs(pool, options.songs), options.threads)
    held_out = make_takes(pool, list_songs(pool, JUDGED, held_out=True), options.threads)
    finish(options.folder, learned, held_out, options.minutes * 60, options.batch)


def list_songs(pool: LessonPool, count: int, held_out: bool = False) -> list[int]:
    """The first songs that their guides are near to: those that the DiT learned from, or those that
    it did not.
    """
    numbers = range(HELD_OUT) if held_out else range(HELD_OUT, len(pool.mix))
    near = (
        number
        for number in numbers
        if np.square(pool.mix[number] - pool.guide[number], dtype=np.float32).mean() < NEAR
    )
    return list(itertools.islice(near, count))


def make_takes(pool: LessonPool, numbers: Sequence[int], workers: int) -> Takes:
    """Takes of these songs from their guides; other processes render those meanwhile."""
    with (
        mock.patch.dict(os.environ, ONE_THREAD),
        ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as others,
    ):
        rendered = others.map(render_guide, numbers)
        voice = read_dit(pool)
        scale = torch.from_numpy(pool.scale).to(pool.device)
        played, asked = [], []
        for lesson in make_lessons(pool, numbers):
            played.append((play(voice, lesson)[0] / scale).T)
            asked.append((lesson.source[0] / scale).T)
        audio = [to_tensor(guide).half() for guide in rendered]
    return Takes(torch.stack(played), torch.stack(asked), torch.stack(audio).to(pool.device))


def render_guide(number: int) -> songs.Audio:
    """The guide of the song of this number."""
    return songs.make_lesson(number).render_guide()


def read_dit(pool: LessonPool) -> Voice:
    """The average of what was trained."""
    voice = Voice()
    weights: Any = torch.load(pool.folder / "dit.pt", weights_only=True)
    voice.load_state_dict(weights)
    return voice.to(pool.device).requires_grad_(False)


def make_lessons(pool: LessonPool, numbers: Sequence[int]) -> Iterator[Lesson]:
    """Each song as its take is asked for, whole."""
    rng = np.random.default_rng(2)
    for number in numbers:
        song = songs.make_lesson(number)
        ids = pool.tokenizer.encode(write_prompt(song, song.caption, "cover", rng)).ids
        target, guide = (
            torch.from_numpy(each.astype(np.float32))[None].to(pool.device)
            for each in (pool.mix[number], pool.guide[number])
        )
        caption = torch.tensor([ids], device=pool.device)
        yield Lesson(target, guide, caption, pool.lyrics, pool.make_reference())


@torch.no_grad()
def play(voice: Voice, lesson: Lesson) -> Tensor:
    """The take (1, frames, 64) of a lesson."""
    schedule = [*build_schedule(STEPS, SHIFT).tolist(), 0.0]
    x = torch.randn_like(lesson.target)
    for t, following in itertools.pairwise(schedule):
        velocity = voice.predict_velocity(lesson, x, x.new_full((1,), t))
        x = x + (following - t) * velocity
    return x


def finish(folder: Path, learned: Takes, held_out: Takes, seconds: float, batch: int) -> None:
    """Train the decoder for so many seconds."""
    state: Any = torch.load(folder / "vae_state.pt", weights_only=True)
    trainer = Trainer(learned.audio.device, state["config"])
    trainer.unpack(state)
    trainer.freeze_encoder()
    first_step = trainer.step
    report(folder / LOG, f"{len(learned.played)} songs; before: {judge(trainer, held_out)}")
    meter = Meter(trainer.device)
    began = reported = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        progress = elapsed / seconds
        rate = RATE * find_rate(trainer.step - first_step, progress, progress)
        with meter.time_step():
            trainer.finish_step(*learned.draw(batch), rate)
        if time.monotonic() - reported > REPORT_EVERY:
            reported = time.monotonic()
            trainer.save(folder)
            report(folder / LOG, f"step {trainer.step}, {meter.read()}, {judge(trainer, held_out)}")
    trainer.save(folder)
    report(folder / LOG, f"done: step {trainer.step}, {judge(trainer, held_out)}")


@torch.no_grad()
def judge(trainer: Trainer, takes: Takes) -> str:
    """How near what was played comes to what it should be, and what was encoded, decoded."""
    return ", ".join(
        f"{name} {measure(trainer.average, trainer.spectra, latents, takes.audio)}"
        for name, latents in (("played", takes.played), ("encoded", takes.asked))
    )


def measure(vae: VAE, spectra: Spectra, latents: Tensor, audio: Tensor) -> str:
    """The same of latents (N, 64, frames) and the audio (N, 2, samples) that they should be; and
    how far the presence of each is off.
    """
    decoded = torch.cat([vae.decode(each[None]) for each in latents])
    ours, theirs = decoded.mean(1), audio.float().mean(1)
    mel = spectra.measure_log_mel(ours, theirs).mean()
    sdr = spectra.measure_si_sdr(decoded, audio.float()).mean()
    presence = [
        abs(metrics.measure_band(a.T, *PRESENCE) - metrics.measure_band(b.T, *PRESENCE))
        for a, b in zip(decoded.cpu().numpy(), audio.float().cpu().numpy())
    ]
    off = np.mean(presence)
    return f"log-mel {mel:.2f}, SI-SDR {sdr:.2f} dB, 1 to 4 kHz off by {off:.2f} dB"


if __name__ == "__main__":
    main()
