"""Train the voice's VAE, on a GPU where there is one. Stops and resumes where it was, also on
another machine.

    python -m examples.voice.train_vae runs/voice --hours 3
    python -m examples.voice.train_vae runs/voice --hours 1 --stop-after 6    # minutes, now

First encoder and decoder learn, then the decoder alone; for the last part of the time
discriminators listen as well. Leaves `vae.pt`, a moving average of the weights; `encoder.done` once
the encoder is final, so that latents can be made while the decoder goes on; and `vae_state.pt`,
what training goes on from, in 40 MB.

Torch, not MLX: with two threads it takes less than half as long a step here.
"""

from __future__ import annotations

import os

os.environ["ACESTEPD_MKL"] = "0"  # torch brings its own matrix library; two in one process quarrel
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import json
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from . import clips, metrics, songs
from .losses import HOP, Spectra
from .oobleck import CONFIG, VAE, choose_device, compile_for
from .rendering import SEEDS, Plan
from .trainer import Meter, Trainer, add_run_options, find_rate, report

LOG = "vae.log"
FRAMES = 48  # of an example
VAE_FOLDER = "vae"
VAE_FILE = "diffusion_pytorch_model.safetensors"
HELD_OUT = 12
HELD_OUT_SECONDS = 6.0


class Options(argparse.Namespace):
    """The command line's."""

    folder: Path
    hours: float
    stop_after: float
    device: str
    threads: int
    workers: int
    batch: int
    clips: int
    at_first: int
    rate: float
    freeze_at: float
    discriminate_at: float
    save_every: float
    singer: str
    voice: Path | None


class Defaults(NamedTuple):
    """What depends on the device."""

    batch: int
    clips: int
    at_first: int
    rate: float
    save_every: float  # seconds
    pause: float  # seconds between two new clips
    discriminate_at: float  # part of the time; discriminators take ten times as long on a CPU


DEFAULTS = {
    "cpu": Defaults(4, 700, 60, 1e-3, 120.0, 2.0, 1.0),
    "cuda": Defaults(64, 4000, 260, 1e-3, 30.0, 0.02, 0.6),
}


def read_options(arguments: list[str] | None = None) -> Options:
    """The options, with the device's defaults filled in."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_run_options(parser)
    parser.add_argument("--workers", type=int, help="processes that render songs")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--clips", type=int, help="that are kept")
    parser.add_argument("--at-first", type=int, help="clips that are there before the first step")
    parser.add_argument("--rate", type=float, help="of learning")
    parser.add_argument("--freeze-at", type=float, default=0.28, help="part of the time")
    parser.add_argument("--discriminate-at", type=float, help="part of the time")
    parser.add_argument("--save-every", type=float, metavar="SECONDS")
    parser.add_argument(
        "--singer", default="", metavar="MODULE:FUNCTION", help="sings: (seed, seconds) -> audio"
    )
    parser.add_argument(
        "--voice", type=Path, help="a voice's folder: its decoder learns on, its encoder stays"
    )
    options = parser.parse_args(arguments, Options())
    defaults = DEFAULTS[choose_device(options.device).type]
    for name in ("batch", "clips", "at_first", "rate", "save_every", "discriminate_at"):
        if getattr(options, name) is None:
            setattr(options, name, getattr(defaults, name))
    if options.workers is None:
        options.workers = max(1, (os.cpu_count() or 1) - options.threads - 1)
    return options


def main() -> None:
    options = read_options()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    # as an exception: the processes that render end with this one
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    train(options)


def train(options: Options) -> None:
    """Until the hours are spent, or this run's minutes."""
    torch.manual_seed(0)
    device = choose_device(options.device)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = True
        sys.setswitchinterval(0.001)  # the thread that takes clips over must not hold up the steps
    compile_for(device)
    folder = options.folder
    state_path = folder / "vae_state.pt"
    state = torch.load(state_path, weights_only=True) if state_path.exists() else None
    voice = read_voice(options.voice) if options.voice and not state else None
    trainer = Trainer(device, state["config"] if state else voice.config if voice else CONFIG)
    first_seed = 0
    if state:
        trainer.unpack(state)
        torch.manual_seed(trainer.step)
        first_seed = trainer.step * 10  # other music than before
    elif voice:
        trainer.start_from(voice.weights)
    if not trainer.is_frozen:
        (folder / "encoder.done").unlink(missing_ok=True)
    plan = Plan(
        options.clips,
        options.at_first,
        options.workers,
        DEFAULTS[device.type].pause,
        options.singer,
    )
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as beside:
        seeds = range(SEEDS, SEEDS + HELD_OUT)
        rendered = beside.map(songs.render_excerpt, seeds, [HELD_OUT_SECONDS] * HELD_OUT)
        pool = clips.Clips(plan, device, first_seed)
        held_out = torch.stack([to_tensor(clip) for clip in rendered]).to(device)
    try:
        if voice:
            report(folder / LOG, f"the voice: {judge(trainer.average, trainer.spectra, held_out)}")
        elif not state:
            trainer.start(pool.audio[: min(len(pool), 60)].float())
            report(
                folder / LOG, f"linear codec: {judge(trainer.average, trainer.spectra, held_out)}"
            )
        run(trainer, pool, held_out, options)
    finally:
        pool.close()


class Voice(NamedTuple):
    """A VAE in the official layout."""

    config: dict[str, Any]
    weights: dict[str, Tensor]


def read_voice(folder: Path) -> Voice:
    """The VAE of a voice's folder, in float32."""
    import mlx.core as mx

    config = json.loads((folder / VAE_FOLDER / "config.json").read_text())
    arrays: Any = mx.load(str(folder / VAE_FOLDER / VAE_FILE))
    weights = {
        name: torch.from_numpy(np.array(array.astype(mx.float32))) for name, array in arrays.items()
    }
    return Voice(config, weights)


def run(trainer: Trainer, pool: clips.Clips, held_out: Tensor, options: Options) -> None:
    """The steps, and what is told and saved between them."""
    folder = options.folder
    budget = options.hours * 3600
    started_with = trainer.spent
    this_run = min(options.stop_after * 60, budget - started_with)
    began = time.monotonic()
    saved_at = began
    meter = Meter(trainer.device)
    first_step = trainer.step
    while (elapsed := time.monotonic() - began) < this_run:
        trainer.spent = started_with + elapsed
        progress = trainer.spent / budget
        if not trainer.is_frozen and progress > options.freeze_at:
            trainer.freeze_encoder()
            trainer.save(folder)
            (folder / "encoder.done").touch()
        step = trainer.step - first_step
        rate = options.rate * find_rate(step, progress, elapsed / this_run)
        with meter.time_step():
            audio = pool.draw(options.batch, FRAMES * HOP)
            trainer.train_step(audio, rate, progress > options.discriminate_at)
        if time.monotonic() - saved_at > options.save_every:
            saved_at = time.monotonic()
            speed = meter.read()
            trainer.save(folder)
            report(folder / LOG, f"{describe(trainer, held_out)}, {speed}, {pool.taken} clips")
    if trainer.spent / budget > options.freeze_at or this_run >= budget - started_with:
        (folder / "encoder.done").touch()
    trainer.spent = started_with + max(this_run, 0.0)
    trainer.save(folder)
    report(folder / LOG, f"done: {describe(trainer, held_out)}, {meter.read()}")


def describe(trainer: Trainer, held_out: Tensor) -> str:
    """A line about how far it is."""
    losses = " ".join(f"{name} {float(loss):.3f}" for name, loss in trainer.losses.items())
    return (
        f"step {trainer.step}, {trainer.spent / 60:.1f} min, {losses}, "
        f"{judge(trainer.average, trainer.spectra, held_out)}"
    )


def to_tensor(audio: songs.Audio) -> Tensor:
    """(samples, 2) -> (2, samples)."""
    return torch.from_numpy(np.ascontiguousarray(audio.T))


@torch.no_grad()
def decode_clips(vae: VAE, held_out: Tensor) -> Tensor:
    """Clips (N, 2, samples) by way of the latents, one after the other."""
    return torch.cat([vae.decode(vae.encode(clip[None])) for clip in held_out])


def judge(vae: VAE, spectra: Spectra, held_out: Tensor) -> str:
    """SI-SDR and log-mel distance of the held-out clips (N, 2, samples) in dB, and the comb in what
    was decoded.
    """
    decoded = decode_clips(vae, held_out)
    sdr = spectra.measure_si_sdr(decoded, held_out).mean()
    mel = spectra.measure_log_mel(decoded.mean(1), held_out.mean(1)).mean()
    comb = np.mean([metrics.measure_comb(clip.T) for clip in decoded.cpu().numpy()])
    return f"SI-SDR {sdr:.2f} dB, log-mel {mel:.2f} dB, comb {comb:.2f}"


if __name__ == "__main__":
    main()
