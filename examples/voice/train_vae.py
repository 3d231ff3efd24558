"""Train the voice's VAE: first encoder and decoder, then the decoder alone. Stops and resumes where
it was.

    python -m examples.voice.train_vae runs/voice --hours 3

Torch, not MLX: with two threads it takes less than half as long a step here. Leaves `vae.pt` with a
moving average of the weights, and `encoder.done` once the encoder is final, so that latents can be
made while the decoder goes on.
"""

from __future__ import annotations

import os

os.environ["ACESTEPD_MKL"] = "0"  # torch brings its own matrix library; two in one process quarrel
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import math
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from . import metrics, songs
from .oobleck import CONFIG, LATENT, VAE, write_linear_codec

HOP = 1920  # samples per latent frame
FRAMES = 48  # of an example
BATCH = 2
CLIP_SECONDS = 8.0
POOL = 700  # clips
RATE = 6e-4
NOISE = 0.1  # on the latents that the decoder learns from, at most
FREEZE_AT = 0.28  # of the time
WINDOWS = {2048: 96, 512: 40, 128: 12}  # STFT sizes, and their mel bands
MEL_WEIGHTS = {2048: 2.0, 512: 0.7, 128: 0.3}
WAVE_WEIGHT = 0.2
PROBED = 1024  # window of the envelope that `Probe` predicts, twice per latent frame
BANDS = 32  # of it
SAVE_EVERY = 120.0
HELD_OUT_SEED = 999_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    train(options.folder, options.hours * 3600)


def train(folder: Path, budget: float) -> None:
    torch.manual_seed(0)
    pool = Pool()
    held_out = torch.stack([render_clip(HELD_OUT_SEED + i, 6.0) for i in range(12)]).float()
    vae = VAE()
    probe = Probe()
    spent = 0.0
    step = 0
    if (folder / "vae_state.pt").exists():
        state = torch.load(folder / "vae_state.pt", weights_only=True)
        vae.load_state_dict(state["vae"])
        probe.load_state_dict(state["probe"])
        spent = state["spent"]
        step = state["step"]
        torch.manual_seed(step)
    else:
        write_linear_codec(vae, torch.stack(pool.clips).float(), CONFIG["downsampling_ratios"])
        report(folder, f"linear codec: {judge(vae, held_out)}")
    average = VAE()
    average.load_state_dict(vae.state_dict())
    optimiser = torch.optim.AdamW(
        [*vae.parameters(), *probe.parameters()], RATE, betas=(0.8, 0.99), weight_decay=1e-4
    )
    if spent:
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
    saved_at = time.monotonic()
    frozen = False
    running = 0.0
    while spent < budget:
        started = time.monotonic()
        if not frozen and spent > FREEZE_AT * budget:
            frozen = True
            vae.encoder.load_state_dict(average.encoder.state_dict())
            vae.encoder.requires_grad_(False)
            (folder / "encoder.done").touch()
        for group in optimiser.param_groups:
            group["lr"] = find_rate(step, spent / budget)
        audio = pool.draw_batch()
        with torch.set_grad_enabled(not frozen):
            mean = vae.encode(audio)
        # from none, as latents of the encoder have, to as much as a DiT leaves
        noise = NOISE * torch.rand(BATCH, 1, 1)
        decoded = vae.decode(mean + noise * torch.randn_like(mean))
        loss = measure_distance(decoded, audio)
        total = (
            loss
            if frozen
            else loss + probe.measure_loss(mean, audio) + 0.003 * mean.square().mean()
        )
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        trained = [parameter for parameter in vae.parameters() if parameter.grad is not None]
        norm = torch.nn.utils.clip_grad_norm_(trained, 2.0)
        if torch.isfinite(norm):
            optimiser.step()
        move_average(average, vae, min(0.995, (1 + step) / (20 + step)))
        running = loss.item() if not running else 0.97 * running + 0.03 * loss.item()
        step += 1
        spent += time.monotonic() - started
        if time.monotonic() - saved_at > SAVE_EVERY:
            saved_at = time.monotonic()
            save(folder, vae, probe, average, optimiser, spent, step)
            scores = judge(average, held_out)
            report(folder, f"step {step}, {spent / 60:.0f} min, loss {running:.3f}, {scores}")
    (folder / "encoder.done").touch()
    save(folder, vae, probe, average, optimiser, spent, step)
    report(folder, f"done: step {step}, {judge(average, held_out)}")


def find_rate(step: int, progress: float) -> float:
    """The learning rate: a short warm-up, then a cosine; `progress` is in 0..1."""
    cosine = 0.5 * (1 + math.cos(math.pi * progress))
    return RATE * min(1, (step + 1) / 60) * (0.03 + 0.97 * cosine)


@torch.no_grad()
def move_average(average: VAE, vae: VAE, keep: float) -> None:
    """Let `average` follow `vae`, keeping so much of itself."""
    for slow, fast in zip(average.parameters(), vae.parameters(), strict=True):
        slow.lerp_(fast, 1 - keep)


def save(
    folder: Path,
    vae: VAE,
    probe: Probe,
    average: VAE,
    optimiser: Optimizer,
    spent: float,
    step: int,
) -> None:
    """Write what training goes on from, and the average by itself."""
    state: dict[str, Any] = {
        "vae": vae.state_dict(),
        "probe": probe.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
        "spent": spent,
        "step": step,
    }
    for name, content in {"vae_state.pt": state, "vae.pt": average.state_dict()}.items():
        torch.save(content, folder / f"{name}.part")
        (folder / f"{name}.part").replace(folder / name)


def report(folder: Path, line: str) -> None:
    """Print a line, and append it to the log."""
    print(line, flush=True)
    with (folder / "vae.log").open("a") as log:
        log.write(f"{time.strftime('%H:%M:%S')} {line}\n")


class Pool:
    """Clips to learn from. A thread beside the training renders more and more of them."""

    def __init__(self, at_first: int = 60) -> None:
        self.clips = [render_clip(seed, CLIP_SECONDS) for seed in range(at_first)]
        self.choice = np.random.default_rng()
        threading.Thread(target=self._fill, args=(at_first,), daemon=True).start()

    def _fill(self, seed: int) -> None:
        while True:
            clip = render_clip(seed, CLIP_SECONDS)
            if len(self.clips) < POOL:
                self.clips.append(clip)
            else:
                self.clips[seed % POOL] = clip  # never the same music for long
                time.sleep(0.5)
            seed += 1

    def draw_batch(self) -> Tensor:
        """(B, 2, samples) from random places of random clips; now and then silence."""
        length = FRAMES * HOP
        rows = []
        for _ in range(BATCH):
            chosen = self.clips[self.choice.integers(len(self.clips))]
            at = self.choice.integers(chosen.shape[1] - length)
            rows.append(chosen[:, at : at + length].float() * float(self.choice.random() > 0.03))
        return torch.stack(rows)


def render_clip(seed: int, seconds: float) -> Tensor:
    """(2, samples) float16: a mix mostly, sometimes a stem or a guide, which the encoder has to
    learn as well.
    """
    return torch.from_numpy(songs.render_excerpt(seed, seconds).T).half()


# --- distances ------------------------------------------------------------------------------------

MEL = {
    size: torch.from_numpy(metrics.make_mel_bank(bands, size)).float()
    for size, bands in WINDOWS.items()
}
HANN = {size: torch.hann_window(size) for size in WINDOWS}


def compute_magnitude(signal: Tensor, size: int) -> Tensor:
    """(B, samples) -> (B, size // 2 + 1, frames): a full-scale sine is 1."""
    spectrum = torch.stft(signal, size, size // 4, window=HANN[size], return_complex=True)
    return (spectrum.real.square() + spectrum.imag.square() + 1e-9).sqrt() * (2 / HANN[size].sum())


def to_mid_side(audio: Tensor) -> Tensor:
    """(B, 2, samples) -> (2 B, samples)."""
    return torch.cat([(audio[:, 0] + audio[:, 1]) / 2, (audio[:, 0] - audio[:, 1]) / 2])


def measure_distance(decoded: Tensor, audio: Tensor) -> Tensor:
    """Spectra at three resolutions, as they are, as logarithms and in mel bands; and the wave's
    error.
    """
    ours = to_mid_side(decoded)
    theirs = to_mid_side(audio)
    total = torch.zeros(())
    for size, bank in MEL.items():
        a = compute_magnitude(ours, size)
        b = compute_magnitude(theirs, size)
        floor = 1e-3 * math.sqrt(b.shape[1] * b.shape[2])
        converging = (a - b).square().sum((1, 2)).sqrt() / (b.square().sum((1, 2)).sqrt() + floor)
        logarithm = (torch.log(a + 1e-3) - torch.log(b + 1e-3)).abs().mean()
        mel = (torch.log(bank @ a + 1e-4) - torch.log(bank @ b + 1e-4)).abs().mean()
        total = total + (converging.mean() + logarithm) / len(MEL) + MEL_WEIGHTS[size] * mel
    wave = (ours - theirs).abs().mean() / (theirs.abs().mean() + 1e-3)
    return total + WAVE_WEIGHT * wave


class Probe(nn.Module):
    """Predicts the spectrum's envelope from the latents, in training only.

    Without it the encoder leaves those latents empty that the linear codec does not use, and hats
    and partials are lost.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(LATENT, 2 * BANDS, 3, padding=1)
        self.bank = torch.from_numpy(metrics.make_mel_bank(BANDS, PROBED)).float()

    def measure_loss(self, latents: Tensor, audio: Tensor) -> Tensor:
        """Latents (B, 64, T) and their audio (B, 2, samples)."""
        spectrum = torch.stft(
            audio.mean(1), PROBED, HOP // 2, window=torch.hann_window(PROBED), return_complex=True
        )
        envelope = torch.log(self.bank @ spectrum.abs() * (4 / PROBED) + 1e-4) / 2 + 3
        batch = latents.shape[0]
        frames = latents.shape[2]
        target = envelope[..., : 2 * frames].reshape(batch, BANDS, frames, 2)
        target = target.transpose(2, 3).flatten(1, 2)
        return (self.conv(latents) - target).square().mean()


@torch.no_grad()
def judge(vae: VAE, clips: Tensor) -> str:
    """SI-SDR and log-mel distance of the held-out clips, both in dB."""
    sdr = []
    mel = []
    for audio in clips:
        decoded = vae.decode(vae.encode(audio[None]))
        sdr.append(metrics.measure_si_sdr(decoded[0].numpy(), audio.numpy()))
        bank = MEL[2048]
        a, b = (
            torch.log(bank @ compute_magnitude(clip[None].mean(1), 2048) + 1e-4)
            for clip in (decoded[0], audio)
        )
        mel.append(20 / math.log(10) * float((a - b).abs().mean()))
    return f"SI-SDR {np.mean(sdr):.2f} dB, log-mel {np.mean(mel):.2f} dB"


if __name__ == "__main__":
    main()
