"""Encode songs with the trained encoder: what the DiT learns from. Resumes where it stopped.

    python -m examples.voice.latents runs/voice --songs 3000

Waits for `encoder.done`. Each file holds `SHARD` songs: the latents of their mixes, of their
guides, and of the stems of every third song.
"""

from __future__ import annotations

import os

os.environ["ACESTEPD_MKL"] = "0"

import argparse
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from . import songs
from .oobleck import VAE
from .songs import FIRST_SEED, SECONDS, SHARD


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--songs", type=int, default=3000)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    while not (options.folder / "encoder.done").exists():
        time.sleep(5)
    vae = VAE()
    vae.load_state_dict(torch.load(options.folder / "vae.pt", weights_only=True))
    into = options.folder / "latents"
    into.mkdir(exist_ok=True)
    np.save(into / "silence.npy", encode(vae, np.zeros((480_000, 2), np.float32)))
    for shard in range(options.songs // SHARD):
        path = into / f"{shard:04d}.npz"
        if not path.exists():
            started = time.monotonic()
            made = encode_shard(vae, shard)
            with path.with_suffix(".part").open("wb") as file:
                np.savez(file, **made)  # type: ignore[arg-type]
            path.with_suffix(".part").rename(path)
            print(f"{path.name}: {time.monotonic() - started:.0f} s", flush=True)


def encode_shard(vae: VAE, shard: int) -> dict[str, np.ndarray]:
    """Latents (count, frames, 64) float16 of mixes, guides and stems; for a stem its song's place
    and its track.
    """
    made = defaultdict(list)
    for place in range(SHARD):
        song = songs.song(FIRST_SEED + shard * SHARD + place, SECONDS)
        made["mix"].append(encode(vae, song.mix()))
        made["guide"].append(encode(vae, song.guide()))
        if place % 3 == 0 and len(song.sketch.parts) > 1:
            for track, stem in song.tracks().items():
                made["stem"].append(encode(vae, stem))
                made["stem_song"].append(np.array(place))
                made["stem_track"].append(np.array(track))
    return {name: np.stack(rows) for name, rows in made.items()}


@torch.no_grad()
def encode(vae: VAE, audio: np.ndarray) -> np.ndarray:
    """(samples, 2) -> (frames, 64)."""
    mean = vae.encode(torch.from_numpy(np.ascontiguousarray(audio.T))[None])
    return mean[0].T.numpy().astype(np.float16)


if __name__ == "__main__":
    main()
