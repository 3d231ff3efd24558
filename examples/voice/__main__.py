"""Train a voice from nothing: `python -m examples.voice runs/small --minutes 10`, or leave it
running overnight.

Three programs work side by side: the VAE is trained; as soon as its encoder is final, songs are
encoded; as soon as there are songs, the DiT learns from them while the VAE's decoder goes on. In
the end the decoder hears what the DiT makes. Stop it, and the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

SONGS_PER_MINUTE = 12
FINISHED_PER_MINUTE = 5  # songs that the decoder hears of the DiT
MOST_FINISHED = 300
PACKAGE = "examples.voice"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folder", type=Path, help="where the training lives, and its result in voice/"
    )
    parser.add_argument("--minutes", type=float, default=600.0, help="of training, in all")
    parser.add_argument("--device", default="auto", help="auto, cuda or cpu")
    options = parser.parse_args()
    folder = options.folder
    device = ("--device", options.device)
    hours = options.minutes / 60
    songs = max(50, round(options.minutes * SONGS_PER_MINUTE / 50) * 50)
    stages = [
        start("train_vae", folder, "--hours", 0.7 * hours, "--threads", 1, *device),
        start("latents", folder, "--songs", songs, *device),
        start("train_dit", folder, "--hours", 0.6 * hours, "--threads", 1, *device),
    ]
    try:
        failed = [stage for stage in stages if stage.wait()]
    finally:
        for stage in stages:
            stage.terminate()
    if failed:
        sys.exit(
            "a part of the training failed: see above; the same command goes on from what was saved"
        )
    finished = min(MOST_FINISHED, max(10, round(options.minutes * FINISHED_PER_MINUTE)))
    last = ("--minutes", 0.1 * options.minutes, "--songs", finished, *device)
    subprocess.run(make_command("finish", folder, *last), check=True)
    voice = folder / "voice"
    subprocess.run(make_command("export", folder, voice), check=True)
    subprocess.run(make_command("evaluate", voice, "--quick"), check=True)


def start(program: str, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(make_command(program, *arguments))


def make_command(program: str, *arguments: object) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", f"{PACKAGE}.{program}", *map(str, arguments)]


if __name__ == "__main__":
    main()
