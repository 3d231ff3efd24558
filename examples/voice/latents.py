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
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from . import songs
from .oobleck import VAE, choose_device
from .songs import FIRST_SEED, SECONDS, SHARD


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--songs", type=int, default=3000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="auto", help="auto, cuda or cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    while not (options.folder / "encoder.done").exists():
        time.sleep(5)
    vae = VAE()
    vae.load_state_dict(torch.load(options.folder / "vae.pt", weights_only=True))
    vae.to(choose_device(options.device))
    into = options.folder / "latents"
    into.mkdir(exist_ok=True)
    np.save(into / "silence.npy", encode(vae, np.zeros((480_000, 2), np.float32)))
    for shard in range(options.songs // SHARD):
        path = into / f"{shard:04d}.npz"
        if not path.exists():
            started = time.monotonic()
            arrays = encode_shard(vae, shard)
            with path.with_suffix(".part").open("wb") as file:
                np.savez(file, allow_pickle=True, **arrays)
            path.with_suffix(".part").rename(path)
            print(f"{path.name}: {time.monotonic() - started:.0f} s", flush=True)


def encode_shard(vae: VAE, shard: int) -> dict[str, npt.NDArray[Any]]:
    """Latents (count, frames, 64) float16 of mixes, guides and stems; for each stem the place of
    its song in the shard, and its track.
    """
    rows: dict[str, list[npt.NDArray[Any]]] = defaultdict(list)
    for place in range(SHARD):
        song = songs.make_song(FIRST_SEED + shard * SHARD + place, SECONDS)
        rows["mix"].append(encode(vae, song.render_mix()))
        rows["guide"].append(encode(vae, song.render_guide()))
        if place % 3 == 0 and len(song.sketch.parts) > 1:
            for track, stem in song.render_tracks().items():
                rows["stem"].append(encode(vae, stem))
                rows["stem_song"].append(np.array(place))
                rows["stem_track"].append(np.array(track))
    return {name: np.stack(arrays) for name, arrays in rows.items()}


@torch.no_grad()
def encode(vae: VAE, audio: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
    """(samples, 2) -> the posterior's mean (frames, 64)."""
    device = next(vae.parameters()).device
    mean = vae.encode(torch.from_numpy(np.ascontiguousarray(audio.T))[None].to(device))
    latents: npt.NDArray[np.float16] = mean[0].T.cpu().numpy().astype(np.float16)
    return latents


if __name__ == "__main__":
    main()
