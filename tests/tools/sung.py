"""What ears hear of sung words: python -m tests.tools.sung [BPM ...]

Ten lines, by a man and by a woman, dry and in front of a composed band. "closed" is the share of
lines that are told from the nine others, "free" the share of words that are written down rightly
without help. Ten lines are few: read every share as a tenth more or less. It needs
`pip install -e ".[ears]"` and takes a minute a row.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Sequence

import numpy as np

from pipeline.guide.guide import resolve_guide
from pipeline.guide.synth import render
from pipeline.request import SAMPLE_RATE, Request
from pipeline.singer.production import duck, find_balance, produce
from pipeline.singer.voice import MAN, WOMAN, Voice, sing
from tests.support.ears import (
    Sound,
    choose,
    count_edits,
    open_phoneme_ear,
    open_word_ear,
    split_words,
)
from tests.support.sung_lines import LINES, MORE_LINES, place_line

SINGERS = {"man, D3": (MAN, 50), "woman, A3": (WOMAN, 57), "woman, D4": (WOMAN, 62)}
TEMPOS = (70.0, 100.0, 140.0)
STYLE = "pop"
TAIL = 0.6  # seconds after the last note

Render = Callable[[str, int], Sound]


def sing_line(voice: Voice, pitch: int, bpm: float, text: str, seed: int) -> Sound:
    line = place_line(text, bpm, pitch, seed)
    return sing(line, round((line[-1].end + TAIL) * SAMPLE_RATE), voice, seed)


def mix_line(voice: Voice, pitch: int, bpm: float, style: str, text: str, seed: int) -> Sound:
    """The line in front of a band, as it is heard by default."""
    vocals = produce(sing_line(voice, pitch, bpm, text, seed))
    band = render_band(style, bpm, len(vocals), seed)
    return duck(band, vocals) + np.float32(find_balance(band, vocals)) * vocals


def render_band(style: str, bpm: float, samples: int, seed: int) -> Sound:
    seconds = float(samples // SAMPLE_RATE + 1)
    request = Request(
        style, guide="auto", bpm=bpm, key="A minor", beats_per_bar=4, seconds=seconds, seed=seed + 1
    )
    _, guide = resolve_guide(request.resolved())
    assert guide
    return render(guide.score, samples)


def judge(sound: Render, spelled: dict[str, str]) -> dict[str, float]:
    """The shares of what is heard of lines, by the names of the table's columns."""
    phonemes, words = open_phoneme_ear(), open_word_ear()
    shares: dict[str, list[float]] = {}
    wrong = total = 0
    for seed, line in enumerate(spelled):
        heard = sound(line, seed)
        likeness = phonemes.compare(heard, spelled)
        shares.setdefault("hama closed", []).append(choose(likeness) == line)
        shares.setdefault("phones", []).append(likeness[line])
        shares.setdefault("tiny.en closed", []).append(
            choose(words.compare(heard, spelled)) == line
        )
        written = split_words(line)
        wrong += min(count_edits(words.write(heard), written), len(written))
        total += len(written)
    return {name: float(np.mean(values)) for name, values in shares.items()} | {
        "free": 1 - wrong / total
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bpm", nargs="*", type=float, default=TEMPOS)
    parser.add_argument("--more", action="store_true", help="fifty lines, in tens")
    options = parser.parse_args(arguments)
    tens = [dict(LINES)]
    if options.more:
        more = list(open_phoneme_ear().spell(MORE_LINES).items())
        tens += [dict(more[at : at + 10]) for at in range(0, len(more), 10)]
    columns = ("hama closed", "phones", "tiny.en closed", "free")
    print("| singer | bpm | |", " | ".join(columns), "|")
    print("| --- " * (len(columns) + 3) + "|")
    for bpm in options.bpm:
        for name, (voice, pitch) in SINGERS.items():
            sounds: dict[str, Render] = {
                "dry": functools.partial(sing_line, voice, pitch, bpm),
                f"in {STYLE}": functools.partial(mix_line, voice, pitch, bpm, STYLE),
            }
            for where, sound in sounds.items():
                heard = [judge(sound, ten) for ten in tens]
                means = (np.mean([shares[column] for shares in heard]) for column in columns)
                cells = " | ".join(f"{mean:.2f}" for mean in means)
                print(f"| {name} | {bpm:g} | {where} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
