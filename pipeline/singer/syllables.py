"""What is sung of a word: syllables, and how a row of phonemes is divided into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .phonemes import CONSONANTS, VOWELS

PRIMARY = 1.0
SECONDARY = 0.6
UNSTRESSED = 0.0
_STRESSES = {"1": PRIMARY, "2": SECONDARY}
# what a word without a vowel is held on: mm, brr, shh
_HELD = {"M": ("MM",), "N": ("NN",), "R": ("ER",), "L": ("AX", "L")}

Onsets = frozenset[tuple[str, ...]]


class Syllable(NamedTuple):
    """Consonants, the one vowel that is held, and consonants: names of phonemes.py."""

    onset: tuple[str, ...]
    vowel: str
    coda: tuple[str, ...]
    stress: float  # PRIMARY, SECONDARY or UNSTRESSED


class SungWord(NamedTuple):
    """What stands between two spaces, as it was written, and the syllables that it is sung on."""

    text: str
    syllables: tuple[Syllable, ...]


def make_onsets(clusters: str, glides: str = "") -> Onsets:
    """The clusters that may begin a syllable: "P-R P-L", and with each glide behind any of them or
    behind a single consonant.
    """
    written = {tuple(cluster.split("-")) for cluster in clusters.split()}
    leads = written | {(consonant,) for consonant in CONSONANTS}
    return frozenset(written | {(*lead, glide) for lead in leads for glide in glides.split()})


def syllabify(phonemes: Sequence[str], onsets: Onsets) -> tuple[Syllable, ...]:
    """Syllables of a word's phonemes, each with as many consonants before its vowel as `onsets`
    lets it have. 1 or 2 behind a vowel is its stress. A word without a vowel is held on what can
    be held: mm, brr. None for no phonemes.
    """
    names = [phoneme.rstrip("012") for phoneme in phonemes]
    if not any(name in VOWELS for name in names):
        return (_hold(names),) if names else ()
    peaks = [place for place, name in enumerate(names) if name in VOWELS]
    syllables = []
    begin = 0
    for peak, next_peak in zip(peaks, [*peaks[1:], len(names)]):
        end = next_peak
        if next_peak < len(names):
            end = _find_onset(names, peak + 1, next_peak, onsets)
        stress = _STRESSES.get(phonemes[peak][-1], UNSTRESSED)
        onset = tuple(names[begin:peak])
        coda = tuple(names[peak + 1 : end])
        syllables.append(Syllable(onset, names[peak], coda, stress))
        begin = end
    return tuple(syllables)


def stress_one(syllables: Sequence[Syllable], place: int) -> tuple[Syllable, ...]:
    """The same with stress on the one at `place`, counted as in a list; on the first, where there
    are not so many.
    """
    place = max(place + len(syllables), 0) if place < 0 else place
    return tuple(
        syllable._replace(stress=PRIMARY if number == place else UNSTRESSED)
        for number, syllable in enumerate(syllables)
    )


def weaken(syllables: Sequence[Syllable], to: float = UNSTRESSED) -> tuple[Syllable, ...]:
    """The same with no more stress than that: function words have none, for example."""
    return tuple(each._replace(stress=min(each.stress, to)) for each in syllables)


def _find_onset(names: Sequence[str], first: int, peak: int, onsets: Onsets) -> int:
    """Where the syllable of the vowel at `peak` begins, at `first` or later."""
    begin = peak
    if begin > first and names[begin - 1] != "NG":
        begin -= 1
    while begin > first and tuple(names[begin - 1 : peak]) in onsets:
        begin -= 1
    return begin


def _hold(consonants: Sequence[str]) -> Syllable:
    held = [place for place, name in enumerate(consonants) if name in _HELD]
    if not held:
        return Syllable(tuple(consonants), "AX", (), UNSTRESSED)
    vowel, *closing = _HELD[consonants[held[-1]]]
    coda = (*closing, *consonants[held[-1] + 1 :])
    return Syllable(tuple(consonants[: held[-1]]), vowel, coda, UNSTRESSED)
