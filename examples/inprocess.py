"""Make a clip inside your own Python program, without a daemon.

python examples/inprocess.py "wide ambient pad" --duration 8 --seed 7 --out pad.wav
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import soundfile

from pipeline import load


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a clip without a daemon.")
    parser.add_argument("text", nargs="?", default="wide ambient pad")
    parser.add_argument("--duration", type=float, default=8.0, metavar="SECONDS")
    parser.add_argument("--seed", type=int)
    parser.add_argument(
        "--model", default="mini", help="embedded voice, folder or hub name (ACE-Step/Ace-Step1.5)"
    )
    parser.add_argument("--out", type=Path, default=Path("clip.wav"))
    arguments = parser.parse_args()

    model = load(arguments.model)  # once; every clip after that starts at once
    for result in model.generate(
        text=arguments.text, duration=arguments.duration, seed=arguments.seed
    ):
        samples = np.asarray(result.audio).T  # (2, samples) -> (samples, 2)
        soundfile.write(arguments.out, samples, result.sample_rate, subtype="PCM_24")
        print(f"{arguments.out}: {result.request.length:g} seconds, seed {result.request.seed}")


if __name__ == "__main__":
    main()
