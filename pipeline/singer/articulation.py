"""What the mouth does while sounds follow each other: formants, voicing, breath and friction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .formants import (
    BACK_VELAR,
    BACK_VELAR_GRIP,
    FRONT,
    NASAL_ZERO,
    VELARS,
    VOWELS,
    Consonant,
    Formants,
)
from .timing import Phone, time_phones
from .trajectories import Trajectory
from .vocal_line import SungSyllable

RAMP = 0.006  # seconds on either side of the moment in which one sound becomes the next
ATTACK = 0.025  # seconds: of a vowel out of silence
FADE = 0.10  # of a vowel into silence
HIATUS = 0.05  # seconds in which a vowel leaves for another one
GLIDE = 0.16  # seconds that a diphthong takes for its second half, however long it is held
NASALISED = 0.05  # seconds in which a vowel before a nasal opens the nose
ASPIRATION = 0.03  # amplitude against a vowel's voice
INHALATION = 0.012
LONGEST_INHALATION = 0.35  # seconds
LOUDNESS = 14  # dB from velocity 0 to 1
STRESS = 2  # dB


class Friction(NamedTuple):
    """Noise of the mouth itself between two times, at an amplitude; `attack` and `release` are
    the seconds in which it rises and falls.
    """

    noise: str  # of formants.NOISES
    begin: float
    end: float
    level: float
    attack: float
    release: float


class Articulation(NamedTuple):
    """The movements of a man's mouth."""

    formants: Trajectory  # F1, F2 and F3 in Hz
    voice: Trajectory  # amplitude against a vowel's
    breath: Trajectory  # amplitude of the noise at the glottis
    nose: Trajectory  # how much goes through it, 0 to 1, and the Hz that the closed mouth swallows
    frictions: list[Friction]


class PhonePlace(NamedTuple):
    """A sound with its neighbours; None is silence."""

    before: Phone | None
    phone: Phone
    after: Phone | None
    sung: SungSyllable
    silent: float  # seconds since a sound, where `before` is None

    @property
    def level(self) -> float:
        """The amplitude of its syllable."""
        return amplify(LOUDNESS * (self.sung.velocity - 1))


def articulate(line: Sequence[SungSyllable]) -> Articulation:
    """The movements that sing `line`, which has a syllable at least."""
    made = Articulation(Trajectory(), Trajectory(), Trajectory(), Trajectory(), [])
    for place in _find_places(line):
        _trace_formants(made.formants, place)
        _trace_voice(made.voice, place)
        _trace_breath(made.breath, place)
        _trace_nose(made.nose, place)
        if place.phone.rubs:
            made.frictions.append(_rub(place))
    return made


def amplify(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def _find_places(line: Sequence[SungSyllable]) -> Iterator[PhonePlace]:
    phones = time_phones(line)
    for index, phone in enumerate(phones):
        before = phones[index - 1] if index else None
        after = phones[index + 1] if index + 1 < len(phones) else None
        silent = phone.begin - (before.end if before else 0)
        yield PhonePlace(
            before if before and _touch(before, phone) else None,
            phone,
            after if after and _touch(phone, after) else None,
            line[phone.syllable],
            silent,
        )


def _touch(phone: Phone, following: Phone) -> bool:
    return following.begin - phone.end < 1e-6


def _trace_formants(track: Trajectory, place: PhonePlace) -> None:
    phone = place.phone
    if not phone.is_vowel:
        length = phone.free - phone.begin
        leave = phone.free - _count_early_seconds(phone)
        track.hold(phone.begin + 0.2 * length, leave, *_find_locus(place))
        return
    vowel = VOWELS[phone.name]
    most = 0.35 * (phone.end - phone.begin)
    come = min(_count_transition(place.before), most)
    if place.before:  # a part of the way was gone while it breathed
        come -= min(0.7 * come, place.before.aspiration)
    reached = phone.begin + come
    left = phone.end - min(_count_transition(place.after), most)
    if not vowel.glide:
        track.hold(reached, left, *vowel.formants)
        return
    steady = left - reached
    glide = min(0.5 * steady, GLIDE + 0.1 * steady)
    track.hold(reached, left - glide, *vowel.formants)
    track.pass_through(left, *vowel.glide)


def _count_early_seconds(phone: Phone) -> float:
    """Seconds before a consonant leaves the mouth free in which its formants move on already."""
    sound = phone.sound
    if sound.closure:
        return phone.free - phone.opened
    share = 0.75 if sound.hold else 0.4
    return share * min(sound.transition / 1000, phone.free - phone.begin)


def _count_transition(neighbour: Phone | None) -> float:
    """Seconds in which the formants of a vowel come from `neighbour`, or go there."""
    if neighbour is None:
        return 0.0
    return HIATUS if neighbour.is_vowel else neighbour.sound.transition / 1000


def _find_locus(place: PhonePlace) -> Formants:
    """The formants of a consonant beside its vowel."""
    sound = place.phone.sound
    near = _find_vowel(place)
    locus, grip = sound.locus[1:], sound.grip
    if place.phone.name in VELARS and near[1] <= FRONT:
        locus, grip = BACK_VELAR, BACK_VELAR_GRIP
    second, third = (grip * own + (1 - grip) * its for own, its in zip(locus, near[1:]))
    return sound.locus[0] or near[0], second, third


def _find_vowel(place: PhonePlace) -> Formants:
    """The vowel's formants that a consonant comes before or after."""
    vowel = VOWELS[place.sung.syllable.vowel]
    in_coda = place.phone.begin > place.sung.start
    return vowel.glide if in_coda and vowel.glide else vowel.formants


def _trace_voice(track: Trajectory, place: PhonePlace) -> None:
    phone = place.phone
    if place.before is None:
        track.pass_through(phone.begin, 0.0)
    if phone.is_vowel:
        _swell(track, place)
    else:
        _voice_consonant(track, place, phone.sound)
    if place.after is None:
        track.pass_through(phone.end, 0.0)


def _swell(track: Trajectory, place: PhonePlace) -> None:
    """A vowel gets louder towards its middle, and softer after it the longer it is."""
    phone = place.phone
    length = phone.end - phone.begin
    level = place.level * amplify(STRESS * (place.sung.syllable.stress - 1))
    rise = min(RAMP if place.before else ATTACK, 0.3 * length)
    fall = min(RAMP if place.after else FADE, 0.5 * length)
    bend = min(1.0, length)
    track.pass_through(phone.begin + rise, level * (1 - 0.15 * bend))
    track.pass_through(phone.begin + max(rise, 0.4 * length), level)
    track.pass_through(phone.end - fall, level * (1 - 0.3 * bend))


def _voice_consonant(track: Trajectory, place: PhonePlace, sound: Consonant) -> None:
    phone = place.phone
    length = phone.end - phone.begin
    ramp = min(RAMP, 0.25 * length)
    voice = 0.0 if sound.voice is None else place.level * amplify(sound.voice)
    begin = phone.begin
    if _is_breathed_into(place):
        begin += 0.3 * length
        track.pass_through(begin, 0.1 * voice)
    if not sound.taps:
        track.hold(begin + ramp, phone.end - ramp, voice)
        return
    period = length / sound.taps
    for number in range(sound.taps):
        middle = phone.begin + (number + 0.5) * period
        track.hold(middle - 0.25 * period, middle + 0.25 * period, 0.12 * voice)
        if number + 1 < sound.taps:
            track.pass_through(middle + 0.5 * period, 0.8 * voice)


def _is_breathed_into(place: PhonePlace) -> bool:
    """Whether a sonorant begins with the breath of the stop before it."""
    return bool(
        place.before
        and place.before.aspiration
        and not place.before.is_vowel
        and place.before.sound.voice is None
        and place.phone.sound.hold
    )


def _trace_breath(track: Trajectory, place: PhonePlace) -> None:
    phone = place.phone
    if place.before is None:
        _inhale(track, place)
    if phone.is_vowel:
        track.hold(phone.begin + 4 * RAMP, phone.end - RAMP, 0.0)
    elif phone.aspiration > 0.002:
        ramp = min(RAMP, 0.3 * phone.aspiration)
        track.pass_through(phone.free - ramp, 0.0)
        track.hold(phone.free + ramp, phone.end - ramp, ASPIRATION * place.level)
    elif _is_breathed_into(place):
        track.hold(
            phone.begin, phone.begin + 0.3 * (phone.end - phone.begin), ASPIRATION * place.level
        )
        track.pass_through(phone.end, 0.0)
    else:
        track.hold(phone.begin + RAMP, phone.end - RAMP, 0.0)
    if place.after is None:
        track.pass_through(phone.end + 2 * RAMP, 0.0)


def _inhale(track: Trajectory, place: PhonePlace) -> None:
    """Air is taken before a phrase, if there is time."""
    begin = place.phone.begin
    length = min(place.silent - 0.1, LONGEST_INHALATION)
    if length > 0.1:
        track.pass_through(begin - 0.04 - length, 0.0)
        track.pass_through(begin - 0.04 - 0.3 * length, INHALATION)
        track.pass_through(begin - 0.04, 0.0)
    track.pass_through(begin, 0.0)


def _trace_nose(track: Trajectory, place: PhonePlace) -> None:
    phone = place.phone
    ramp = min(RAMP, 0.25 * (phone.end - phone.begin))
    if not phone.is_vowel:
        zero = phone.sound.zero
        track.hold(phone.begin + ramp, phone.end - ramp, float(zero > 0), zero or NASAL_ZERO)
        return
    before_nasal = place.after and not place.after.is_vowel and place.after.sound.zero
    early = min(NASALISED, 0.3 * (phone.end - phone.begin)) if before_nasal else ramp
    track.hold(phone.begin + ramp, phone.end - early, VOWELS[phone.name].nasal, NASAL_ZERO)


def _rub(place: PhonePlace) -> Friction:
    phone = place.phone
    sound = phone.sound
    length = phone.free - phone.opened
    is_burst = length < 0.04 and sound.closure > 0
    attack = 0.001 if sound.closure else 0.3 * length
    release = (0.9 if is_burst else 0.25) * length
    level = place.level * amplify(sound.level)
    return Friction(_find_noise(place), phone.opened, phone.free, level, attack, release)


def _find_noise(place: PhonePlace) -> str:
    """A K is made further forward before IY, further back before UW."""
    noise = place.phone.sound.noise
    second = _find_vowel(place)[1]
    if noise != "K" or 1150 <= second <= FRONT:
        return noise
    return "K back" if second < 1150 else "K front"
