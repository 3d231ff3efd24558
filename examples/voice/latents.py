"""Encode songs with the trained encoder: what the DiT learns from. Resumes where it stopped.

    python -m examples.voice.latents runs/voice --songs 3000 --workers 2

Waits for `encoder.done`. Each file holds `SHARD` songs: the latents of their mixes, of their
guides, of the stems of every third song, and of the vocals of every one that is sung. Other
processes render them meanwhile.
"""

from __future__ import annotations

import os

os.environ["ACESTEPD_MKL"] = "0"

import argparse
import itertools
import signal
import sys
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
import torch

from .oobleck import VAE, choose_device
from .rendering import ONE_THREAD, RenderedSong, render_lesson
from .songs import SHARD
from .trainer import multiplies_bfloat16

AHEAD = 4  # songs that each worker may be ahead


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--songs", type=int, default=3000)
    workers = max(1, (os.cpu_count() or 1) // 2)
    parser.add_argument("--workers", type=int, default=workers, help="processes that render songs")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU, that encode")
    parser.add_argument("--device", default="auto", help="auto, cuda or cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    # as an exception: the processes that render end with this one
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    while not (options.folder / "encoder.done").exists():
        time.sleep(5)
    vae = VAE()
    vae.load_state_dict(torch.load(options.folder / "vae.pt", weights_only=True))
    vae.to(choose_device(options.device))
    into = options.folder / "latents"
    into.mkdir(exist_ok=True)
    np.save(into / "silence.npy", encode(vae, [np.zeros((480_000, 2), np.float32)])[0])
    with (
        mock.patch.dict(os.environ, ONE_THREAD),
        ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool,
    ):
        write_shards(vae, into, options.songs // SHARD, pool, AHEAD * options.workers)


def write_shards(vae: VAE, into: Path, count: int, pool: Executor, ahead: int) -> None:
    """The files that are missing of the first `count`; `ahead` songs are rendered meanwhile."""
    paths = [into / f"{shard:04d}.npz" for shard in range(count)]
    missing = [shard for shard, path in enumerate(paths) if not path.exists()]
    numbers = (shard * SHARD + place for shard in missing for place in range(SHARD))
    rendered = render_ahead(pool, numbers, ahead)
    for shard in missing:
        path = paths[shard]
        started = time.monotonic()
        arrays = encode_shard(vae, itertools.islice(rendered, SHARD))
        with path.with_suffix(".part").open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        path.with_suffix(".part").rename(path)
        print(f"{path.name}: {time.monotonic() - started:.0f} s", flush=True)


def render_ahead(pool: Executor, numbers: Iterable[int], ahead: int) -> Iterator[RenderedSong]:
    """The songs of these numbers in their order, `ahead` of them at most before they are needed."""
    waiting: deque[Future[RenderedSong]] = deque()
    for number in numbers:
        waiting.append(pool.submit(render_lesson, number))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    for future in waiting:
        yield future.result()


def encode_shard(vae: VAE, rendered: Iterable[RenderedSong]) -> dict[str, npt.NDArray[Any]]:
    """Latents (count, frames, 64) float16 of mixes, guides and stems; for each stem the place of
    its song in the shard, and its track.
    """
    rows: dict[str, list[npt.NDArray[Any]]] = defaultdict(list)
    for place, song in enumerate(rendered):
        mix, guide, *stems = encode(vae, [song.mix, song.guide, *song.stems.values()])
        rows["mix"].append(mix)
        rows["guide"].append(guide)
        rows["stem"] += stems
        rows["stem_song"] += [np.array(place)] * len(stems)
        rows["stem_track"] += map(np.array, song.stems)
    return {name: np.stack(arrays) for name, arrays in rows.items()}


@torch.no_grad()
def encode(vae: VAE, clips: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.float16]:
    """Clips (samples, 2) of one length -> the posterior's means (clips, frames, 64)."""
    device = next(vae.parameters()).device
    audio = torch.from_numpy(np.stack([clip.T for clip in clips])).to(device)
    with torch.autocast(device.type, torch.bfloat16, enabled=multiplies_bfloat16(device)):
        means = vae.encode(audio)
    latents: npt.NDArray[np.float16] = means.transpose(1, 2).half().cpu().numpy()
    return latents


if __name__ == "__main__":
    main()
