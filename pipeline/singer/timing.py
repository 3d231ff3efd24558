"""When every sound of a vocal line begins and ends.

A vowel begins on its note; the consonants before it take their time from what was before, as
singers do (J. Sundberg, The Science of the Singing Voice, 1987).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .formants import CODA_CONSONANTS, CONSONANTS, PLACES, Consonant
from .vocal_line import SungSyllable, is_legato

VOWEL_SHARE = 0.45  # of the time between two vowels, where consonants are many
SHORTEST_VOWEL = 0.07  # seconds, where the notes leave that much
RELEASE = 0.03  # seconds of breath after the last stop of a phrase
AFTER_S = 0.25  # how much of its aspiration a stop keeps there: "spin"
BEFORE_SONORANT = 0.4  # the rest is breathed into the sonorant: "pray"
AFTER_NASAL = 0.5  # how long a voiced stop is shut there: "spend on", which is not "spent on"


class Phone(NamedTuple):
    """One sound, in seconds: the mouth is shut until `opened`, rubs until `free`, and breathes or
    resonates until `end`. A stop that is not `released` goes into the next sound shut.
    """

    name: str
    begin: float
    opened: float
    free: float
    end: float
    syllable: int  # which of the line
    released: bool = True
    in_coda: bool = False  # behind its vowel

    @property
    def sound(self) -> Consonant:
        """How a consonant is made; KeyError of a vowel."""
        return (CODA_CONSONANTS if self.in_coda else CONSONANTS)[self.name]

    @property
    def aspiration(self) -> float:
        """Seconds of breath at its end; 0 of a vowel."""
        return 0.0 if self.is_vowel or self.sound.hold else self.end - self.free

    @property
    def rubs(self) -> bool:
        """Whether it has a noise of its own."""
        return not self.is_vowel and self.released and self.sound.friction > 0

    @property
    def heard(self) -> float:
        """When it is heard first where silence is before it: a stop without voice when it opens."""
        is_mute = not self.is_vowel and self.sound.closure and self.sound.voice is None
        return self.opened if is_mute else self.begin

    @property
    def is_vowel(self) -> bool:
        return self.name not in CONSONANTS


def time_phones(line: Sequence[SungSyllable]) -> list[Phone]:
    """Every sound of `line`, in order."""
    phones: list[Phone] = []
    silent = 0.0  # from here on nothing is sung yet
    for number, sung in enumerate(line):
        if not number or not is_legato(line[number - 1], sung):
            phones += _place(_measure_onset(sung, number), silent, sung.start)
        end = sung.end
        if number + 1 < len(line) and is_legato(sung, line[number + 1]):
            following = line[number + 1]
            end = following.start
            consonants = _measure_coda(sung, number, following.syllable.onset)
            consonants += _measure_onset(following, number + 1)
        else:
            consonants = _release(_measure_coda(sung, number))
        room = end - sung.start
        vowel = max(VOWEL_SHARE * room, min(SHORTEST_VOWEL, 0.7 * room))
        placed = _place(consonants, sung.start + vowel, end)
        stop = placed[0].begin if placed else end
        phones.append(Phone(sung.syllable.vowel, sung.start, sung.start, sung.start, stop, number))
        phones += placed
        silent = end
    return phones


def _measure_onset(sung: SungSyllable, number: int) -> list[Phone]:
    names = sung.syllable.onset
    return _measure([Phone(name, 0, 0, 0, 0, number) for name in names], names)


def _measure_coda(sung: SungSyllable, number: int, following: Sequence[str] = ()) -> list[Phone]:
    names = sung.syllable.coda
    phones = [Phone(name, 0, 0, 0, 0, number, in_coda=True) for name in names]
    return _measure(phones, (*names, *following))


def _measure(phones: Sequence[Phone], names: Sequence[str]) -> list[Phone]:
    """Consonants with their usual lengths, each as if it began at 0. `names` are theirs and those
    of what comes after them.
    """
    made = []
    for index, phone in enumerate(phones):
        sound = phone.sound
        after = [CONSONANTS[other] for other in names[index + 1 : index + 2]]
        is_shut_after = bool(sound.closure and after and after[0].closure)
        released = not (is_shut_after and PLACES[sound.noise] == PLACES[after[0].noise])
        aspiration: float = sound.aspiration
        if after and (after[0].closure or after[0].friction):  # its breath is what comes next
            aspiration = 0
        elif sound.closure and index and names[index - 1] == "S":
            aspiration *= AFTER_S
        elif sound.closure and after and after[0].hold:
            aspiration *= BEFORE_SONORANT
        opened: float = sound.closure
        if sound.voice is not None and index and phones[index - 1].sound.zero:
            opened *= AFTER_NASAL
        free = opened + sound.hold + (sound.friction if released else 0)
        end = free + (aspiration if released else 0)
        opened, free, end = opened / 1000, free / 1000, end / 1000
        made.append(phone._replace(opened=opened, free=free, end=end, released=released))
    return made


def _release(coda: list[Phone]) -> list[Phone]:
    """`coda` at the end of a phrase: its last stop is let go with a breath."""
    if coda and coda[-1].sound.closure:
        last = coda[-1]
        coda[-1] = last._replace(end=max(last.end, last.free + RELEASE))
    return coda


def _place(phones: Sequence[Phone], earliest: float, until: float) -> list[Phone]:
    """Consonants one after the other that end at `until`, shorter where time is short."""
    usual = sum(phone.end for phone in phones)
    scale = min(1.0, max(until - earliest, 0.01) / usual) if phones else 1.0
    at = until - scale * usual
    made = []
    for phone in phones:
        opened, free, end = (at + scale * time for time in (phone.opened, phone.free, phone.end))
        made.append(phone._replace(begin=at, opened=opened, free=free, end=end))
        at = end
    return made
