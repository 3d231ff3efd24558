"""Notes -> the sound of one part, without its room.

A note is a strike: a tone or a hit that is heard for a while from a sample on. A part is played in
stretches, of which each knows the strikes that are heard in it, so that a long piece needs no more
memory than a short one.
"""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from ...request import SAMPLE_RATE
from ...steps import Steps
from ..production import Production
from ..score import Note
from . import effects
from .drums import ROBINS, count_samples, render_drum
from .effects import LONGEST_DELAY, Dry
from .extents import Extent
from .instruments import INSTRUMENTS, Instrument
from .kits import HATS, KICK
from .signals import Planar, fade_in, render_noise
from .tones import PIECE, SLIDE, Shot, Slide, count_heard, measure_loudness, render_tone

# of the four round robins of a tone: how much harder, and how much louder in dB
TURNS = ((0.0, 0.0), (0.06, -0.35), (-0.05, 0.2), (0.03, 0.35))
KEPT = 320  # pieces of tones: 120 MB at most
CHOKE = round(0.02 * SAMPLE_RATE)
NOISE_FADE = round(0.005 * SAMPLE_RATE)
FOREVER = 1 << 40  # samples


class Strike(NamedTuple):
    """What is heard of a note."""

    start: int  # sample
    held: int  # samples, then it is released
    release: int  # samples
    length: int  # of all of it
    gain: float
    hard: float  # how much of its edge there is
    sound: Callable[[int], Shot]  # one piece of it
    piece: int  # samples of each


# --- notes become strikes -------------------------------------------------------------------------


def list_strikes(
    notes: Sequence[Note], sound: str, beat: float, production: Production, extent: Extent
) -> Steps[list[Strike]]:
    """Of one part: `sound` is an instrument or, for drums, a kit; a beat has so many samples."""
    strikes: list[Strike] = []
    if notes[0].role == "drums":
        listing = _list_hits(notes, sound, beat, production, extent)
    else:
        listing = _list_tones(notes, sound, beat, production)
    for strike in listing:
        strikes.append(strike)
        yield
    return strikes


def _list_hits(
    notes: Sequence[Note], kit: str, beat: float, production: Production, extent: Extent
) -> Iterator[Strike]:
    """A hat ends when the next one begins."""
    hat_gain = 10 ** (production.hats / 20)
    ordered = sorted(notes, key=lambda note: note.start)
    robins: Counter[int] = Counter()
    for note, held in zip(ordered, _find_next_hats(ordered, beat, extent)):
        robin = robins[note.pitch] % ROBINS
        robins[note.pitch] += 1
        whole = count_samples(kit, note.pitch)
        yield Strike(
            round(note.start * beat),
            held,
            CHOKE,
            min(held + CHOKE, whole),
            note.velocity * (hat_gain if note.pitch in HATS else 1.0),
            _find_hardness(note.velocity, production.hardness),
            partial(_take_hit, kit, note.pitch, robin),
            FOREVER,
        )


def _take_hit(kit: str, pitch: int, robin: int, _: int) -> Shot:
    return render_drum(kit, pitch, robin)


def _find_next_hats(notes: list[Note], beat: float, extent: Extent) -> list[int]:
    """How many samples each hit may ring."""
    ringing = []
    following = math.inf
    if extent.is_loop:
        hats = (note.start * beat for note in notes if note.pitch in HATS)
        following = next(hats, math.inf) + extent.samples
    for note in reversed(notes):
        start = note.start * beat
        is_hat = note.pitch in HATS
        unlimited = not is_hat or following == math.inf
        ringing.append(FOREVER if unlimited else max(round(following - start), CHOKE))
        if is_hat:
            following = start
    return ringing[::-1]


def _list_tones(
    notes: Sequence[Note], sound: str, beat: float, production: Production
) -> Iterator[Strike]:
    """A tone of every note, and the noise of its beginning."""
    instrument = INSTRUMENTS[sound]
    tone = instrument.tone
    release = round(tone.release * production.ringing * SAMPLE_RATE)
    turns: Counter[int] = Counter()
    for note in notes:
        start = round(note.start * beat)
        held = max(1, round((note.start + note.length) * beat) - start)
        pitch = instrument.fold(note.pitch)
        turn = turns[pitch] % len(TURNS)
        turns[pitch] += 1
        harder, louder = TURNS[turn]
        hard = _find_hardness(note.velocity, production.hardness) + harder
        level = instrument.gain * note.velocity
        gain = level * 10 ** (louder / 20) / _find_loudness(sound, pitch)
        length = min(held + release, count_heard(tone, _to_hertz(pitch)))
        playing = partial(_keep_tone, sound, pitch, _find_slide(note, pitch, held))
        yield Strike(start, held, release, length, gain, hard, playing, PIECE)
        if tone.noise:
            noise = _render_attack(sound, turn).soft.shape[1]
            playing = partial(_take_attack, sound, turn)
            gain = 1.4 * level * (0.4 + hard)
            length = min(held + release, noise)
            yield Strike(start, held, release, length, gain, 0.0, playing, FOREVER)


def _find_slide(note: Note, pitch: int, held: int) -> Slide | None:
    """From the same interval, where the note was moved by octaves."""
    if note.slide_from is None:
        return None
    origin = _to_hertz(pitch + note.slide_from - note.pitch)
    return Slide(origin, min(SLIDE, held / SAMPLE_RATE / 2))


@lru_cache(maxsize=KEPT)
def _keep_tone(sound: str, pitch: int, slide: Slide | None, number: int) -> Shot:
    """A piece of a tone, rendered once for all notes that have it."""
    return render_tone(INSTRUMENTS[sound].tone, _to_hertz(pitch), number, slide)


@lru_cache(maxsize=4096)
def _find_loudness(sound: str, pitch: int) -> float:
    return measure_loudness(_keep_tone(sound, pitch, None, 0))


def _take_attack(sound: str, turn: int, _: int) -> Shot:
    return _render_attack(sound, turn)


@lru_cache(maxsize=32)
def _render_attack(sound: str, turn: int) -> Shot:
    """The noise of a note's beginning, in the middle. It has no edge."""
    noise = INSTRUMENTS[sound].tone.noise
    assert noise is not None
    rng = np.random.default_rng([*sound.encode(), turn])
    seconds = min(0.02 + noise.attack + 7 / noise.decay, 3.0)
    burst = render_noise(noise, seconds, rng).astype(np.float32)[None]
    fade_in(burst)
    burst[:, -NOISE_FADE:] *= np.linspace(1, 0, NOISE_FADE, dtype=np.float32)
    burst.flags.writeable = False
    return Shot(burst, burst)


def _to_hertz(pitch: float) -> float:
    return float(440 * 2 ** ((pitch - 69) / 12))


def _find_hardness(velocity: float, hardness: float) -> float:
    """How much of a shot's edge is heard: 0..1, and a bit more of the hardest notes."""
    return min(max(1.25 * velocity - 0.15 + hardness, 0.0), 1.2)


# --- strikes become sound -------------------------------------------------------------------------


class Ducking(NamedTuple):
    """What kicks do to others."""

    kicks: Sequence[int]  # samples, in order
    decibels: float
    release: float  # seconds

    def make_gain(self, begin: int, samples: int) -> Planar:
        """From the sample `begin` on (samples,)."""
        ringing = round(self.release * SAMPLE_RATE)
        first = bisect.bisect_left(self.kicks, begin - ringing)
        last = bisect.bisect_right(self.kicks, begin + samples + effects.ATTACK)
        heard = self.kicks[first:last]
        return effects.make_ducking(heard, begin, samples, self.decibels, self.release)


def find_kicks(strikes: Iterable[Note], beat: float, extent: Extent) -> list[int]:
    """When the kick is heard; in a loop also shortly before it begins and after it ends."""
    kicks = {round(note.start * beat) for note in strikes if note.pitch == KICK}
    if extent.is_loop:
        times = math.ceil(SAMPLE_RATE / extent.samples)
        turns = range(-times, times + 1)
        kicks = {kick + turn * extent.samples for kick in kicks for turn in turns}
    return sorted(kicks)


class Part:
    """A part that plays a clip of this extent in stretches of so many samples."""

    def __init__(self, sound: str, send: float, ducking: Ducking | None) -> None:
        self.instrument: Instrument | None = INSTRUMENTS.get(sound)
        self.send = send
        self.ducking = ducking
        self._heard: list[list[Strike]] = []
        self._stretch = 0
        self._extent = Extent(0)

    def rehearse(self, strikes: Iterable[Strike], stretch: int, extent: Extent) -> Steps[None]:
        """Note which strikes are heard in which stretch; those that ring over the end of a loop are
        heard at its beginning.
        """
        self._stretch, self._extent = stretch, extent
        self._heard = [[] for _ in range(0, extent.samples, stretch)]
        for strike in strikes:
            while strike.start + strike.length > -LONGEST_DELAY:
                first = max(strike.start // stretch, 0)
                last = (strike.start + strike.length + LONGEST_DELAY) // stretch
                for heard in self._heard[first : last + 1]:
                    heard.append(strike)
                if not extent.is_loop:
                    break
                strike = strike._replace(start=strike.start - extent.samples)
            yield

    def play(self, number: int) -> Steps[Dry]:
        """One stretch, which ends where the clip does."""
        begin = number * self._stretch
        samples = min(self._stretch, self._extent.samples - begin)
        instrument = self.instrument
        is_wide = instrument is None or instrument.tone.width
        stem = np.zeros((2 if is_wide else 1, LONGEST_DELAY + samples), np.float32)
        for strike in self._heard[number]:
            yield from _add_strike(stem, begin - LONGEST_DELAY, strike)
        if instrument is not None:
            if instrument.amplifier:
                stem = effects.amplify(stem, instrument.amplifier, instrument.gain)
                yield
            if instrument.modulation:
                middle = effects.take_middle(stem)
                side = effects.modulate(middle, instrument.modulation, begin, self._extent)
                stem = stem[:, LONGEST_DELAY:] + np.stack([side, -side])
                yield
        stem = stem[:, -samples:]
        if self.ducking is not None:
            stem *= self.ducking.make_gain(begin, samples)
        return Dry(stem, self.send, instrument.amplifier if instrument else None)


def make_ducking(
    notes: Mapping[str, Sequence[Note]], beat: float, production: Production, extent: Extent
) -> Ducking | None:
    """How the kick ducks bass and chords, if there are any of it."""
    kicks = find_kicks(notes.get("drums", ()), beat, extent)
    if not (production.duck and kicks):
        return None
    return Ducking(kicks, production.duck, production.duck_release)


def _add_strike(stem: Planar, begin: int, strike: Strike) -> Steps[None]:
    """Add to the stem, whose first sample is `begin`, what is heard of a strike then."""
    start, held, release, length, gain, hard, sound, piece = strike
    first = max(begin - start, 0)
    last = min(begin + stem.shape[1] - start, length)
    while first < last:
        number = first // piece
        end = min((number + 1) * piece, last)
        shot = sound(number)
        part = slice(first - number * piece, end - number * piece)
        played = np.float32(gain) * shot.soft[:, part]
        if hard:
            played += np.float32(gain * hard) * shot.edge[:, part]
        if held < end:
            released = max(held, first)
            falling = _make_release(release)[released - held : end - held]
            played[:, released - first :] *= falling
        stem[:, start + first - begin : start + end - begin] += played
        first = end
        yield


@lru_cache(maxsize=64)
def _make_release(samples: int) -> Planar:
    """From 1 to 0, as a damper falls."""
    falling = np.linspace(1, 0, max(samples, 1), dtype=np.float32)
    curve: Planar = falling**2 * np.exp(-2 * (1 - falling))
    return curve
