"""What ears hear of sung words: python -m tests.tools.sung [BPM ...]

Lines as they are sung by default in four bars of pop, by a man and by a woman: the dry voice, and
in front of the guide, which is the singer's part alone; with --mini in front of what that model
makes of it. "closed" is the share of the lines that are told from all others, "free" the share of
words that are written down rightly without help. Ten lines are few: read every share as a tenth
more or less, of twenty lines as .07. It needs `pip install -e ".[ears]"` and takes a minute a row.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Sequence

import numpy as np

from examples.voice.ears import (
    Sound,
    choose,
    count_edits,
    open_phoneme_ear,
    open_word_ear,
    split_words,
)
from examples.voice.processes import generate_clip
from examples.voice.sung import TEMPOS, compose_line, request_line
from examples.voice.sung_lines import (
    CHOICE_LINES,
    EVERYDAY_LINES,
    FRESH_LINES,
    HISSED_LINES,
    KEPT_LINES,
    LAST_LINES,
    LINES,
    NEW_LINES,
    TRIED_LINES,
    UNSEEN_LINES,
)
from pipeline import AceStep, load
from pipeline.singer.voice import MAN, WOMAN, sing

SINGERS = {"man": MAN, "woman": WOMAN}
COLUMNS = ("hama closed", "phones", "tiny.en closed", "free")

Render = Callable[[str, int], Sound]


def sing_line(singer: str, bpm: float, text: str, seed: int) -> Sound:
    """The dry voice."""
    line = compose_line(singer, bpm, text, seed)
    return sing(line.part.syllables, line.request.samples, SINGERS[singer], seed)


def mix_line(singer: str, bpm: float, text: str, seed: int) -> Sound:
    """The line in front of its guide."""
    mix: Sound = np.add(*compose_line(singer, bpm, text, seed).render())
    return mix


def play_line(model: AceStep, singer: str, bpm: float, text: str, seed: int) -> Sound:
    """The line in a clip of a model."""
    return generate_clip(model, request_line(singer, bpm, text, seed))


def judge(sound: Render, spelled: dict[str, str], words_alone: bool) -> dict[str, float]:
    """The shares of what is heard of lines, by the names of the table's columns."""
    phonemes, words = open_phoneme_ear(), open_word_ear()
    shares: dict[str, list[float]] = {}
    wrong = total = 0
    for seed, line in enumerate(spelled):
        heard = sound(line, seed)
        written = split_words(line)
        wrong += min(count_edits(words.write(heard), written), len(written))
        total += len(written)
        if words_alone:
            continue
        likeness = phonemes.compare(heard, spelled)
        shares.setdefault("hama closed", []).append(choose(likeness) == line)
        shares.setdefault("phones", []).append(likeness[line])
        shares.setdefault("tiny.en closed", []).append(
            choose(words.compare(heard, spelled)) == line
        )
    return {name: float(np.mean(values)) for name, values in shares.items()} | {
        "free": 1 - wrong / total
    }


def main(arguments: Sequence[str] | None = None) -> None:
    spell = open_phoneme_ear().spell
    sets: dict[str, Callable[[], dict[str, str]]] = {
        "tuned": lambda: dict(LINES),  # on which formants and levels were chosen
        "new": lambda: spell(NEW_LINES),  # of which it was looked at what is not heard
        "unseen": lambda: spell(UNSEEN_LINES),  # on which nothing was tried
        "tried": lambda: spell(TRIED_LINES),  # how stops are made was tried on these,
        "choice": lambda: spell(CHOICE_LINES),  # decided by these,
        "last": lambda: spell(LAST_LINES),  # and counted on these, once
        "fresh": lambda: spell(FRESH_LINES),  # on which nothing was tried either
        "hissed": lambda: spell(HISSED_LINES),  # of which it was looked at what is misheard
        "kept": lambda: spell(KEPT_LINES),  # on which nothing was tried
        "everyday": lambda: spell(EVERYDAY_LINES),  # nor on these
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bpm", nargs="*", type=float, default=TEMPOS)
    parser.add_argument("--lines", choices=sets, default="unseen", help="which of them")
    parser.add_argument("--mini", action="store_true", help="what mini makes of them, too")
    parser.add_argument("--words", action="store_true", help="free words alone: much quicker")
    options = parser.parse_args(arguments)
    spelled = sets[options.lines]()
    model = load("mini") if options.mini else None
    print("| lines | singer | bpm | |", " | ".join(COLUMNS), "|")
    print("| --- " * (len(COLUMNS) + 4) + "|")
    for bpm in options.bpm:
        for singer in SINGERS:
            sounds: dict[str, Render] = {
                "dry": functools.partial(sing_line, singer, bpm),
                "in the guide": functools.partial(mix_line, singer, bpm),
            }
            if model is not None:
                sounds["in mini's mix"] = functools.partial(play_line, model, singer, bpm)
            for where, sound in sounds.items():
                heard = judge(sound, spelled, options.words)
                cells = " | ".join(
                    f"{heard[each]:.2f}" if each in heard else "" for each in COLUMNS
                )
                print(f"| {options.lines} | {singer} | {bpm:g} | {where} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
