"""What is done to one stem on its way into the mix: amplifier, modulation, ducking, room. All of it
but the amplifier is linear, and what changes with time follows from the sample's place, so that a
stem may be made in parts, and that stems add up to their mix.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...request import SAMPLE_RATE
from ...steps import Steps
from ..production import Room, Tint
from .extents import Extent
from .instruments import Amplifier, Modulation
from .signals import (
    Audio,
    Floats,
    Planar,
    Response,
    find_fft_size,
    make_high_pass,
    make_low_pass,
    make_shelf,
    make_times,
)

MONO_BELOW = 150.0  # Hz
ROOM_LOW = 180.0  # Hz: rooms have nothing below
ROOMS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)  # seconds: the rooms that there are
PREDELAY = 0.012  # seconds
SETTLING = 0.05  # seconds that filters ring on
AHEAD = 1024  # samples: so far ahead filters ring before a sound, as their responses end at 24 kHz
LANES = 4  # so many transforms at a time take half of the time
LONGEST_HOP = 150_000  # samples: with more in one transform, each takes up to three times as long
LONGEST_DELAY = 512  # samples, of a modulation
ATTACK = round(0.003 * SAMPLE_RATE)  # of the ducking


# --- of one instrument ----------------------------------------------------------------------------


def amplify(stem: Planar, amplifier: Amplifier, gain: float) -> Planar:
    """Clipped softly, as loud as before for a tone at the instrument's gain."""
    drive = np.float32(amplifier.drive / (2 * gain))
    level = np.float32(gain / np.tanh(amplifier.drive / 2) * 0.9)
    amplified: Planar = drive * stem
    np.tanh(amplified, out=amplified)
    amplified *= level
    return amplified


class Places(NamedTuple):
    """Where a sound is read instead of at each sample: after which of its samples, and how far."""

    earlier: npt.NDArray[np.intp]
    part: Planar


def find_places(at: npt.NDArray[np.float64]) -> Places:
    """For reading at these samples (samples,), or at the first before it."""
    at = np.maximum(at, 0)
    earlier = at.astype(np.intp)
    return Places(earlier, (at - earlier).astype(np.float32))


def read_at(sound: Planar, places: Places) -> Planar:
    """A sound (..., samples) at these places, by linear interpolation."""
    earlier, part = places
    # without "clip" it takes ten times as long
    before = sound.take(earlier, axis=-1, mode="clip")
    read: Planar = sound.take(earlier + 1, axis=-1, mode="clip")
    read -= before
    read *= part
    read += before
    return read


def modulate(middle: Planar, modulation: Modulation, begin: int, extent: Extent) -> Planar:
    """What it adds to the sides from the sample `begin` on, of a sound (LONGEST_DELAY + samples,)
    that begins so much earlier.
    """
    samples = len(middle) - LONGEST_DELAY
    tremolo, delayed = _make_swing(begin, samples, modulation, extent)
    side: Planar = tremolo * middle[LONGEST_DELAY:]
    if modulation.side:
        side += np.float32(modulation.side) * read_at(middle, delayed)
    return side


@lru_cache(maxsize=2)
def _make_swing(
    begin: int, samples: int, modulation: Modulation, extent: Extent
) -> tuple[Planar, Places]:
    """How much louder one side gets (samples,), and where the delay reads."""
    swing = np.sin(2 * np.pi * extent.fit_rate(modulation.rate) * _list_times(begin, samples))
    delays = modulation.depth * (1.3 + swing) / 1000 * SAMPLE_RATE
    tremolo = (modulation.tremolo * swing).astype(np.float32)
    return tremolo, find_places(LONGEST_DELAY + np.arange(samples) - delays)


def _list_times(begin: int, samples: int) -> Floats:
    """Seconds of these samples."""
    return np.arange(begin, begin + samples) / SAMPLE_RATE


def make_ducking(
    kicks: Iterable[int], begin: int, samples: int, decibels: float, release: float
) -> Planar:
    """The gain (samples,), from the sample `begin` on, that falls at every kick, within 3 ms before
    it, and comes back.
    """
    dip = _make_dip(round(release * SAMPLE_RATE))
    depth = np.zeros(samples, np.float32)
    for kick in kicks:
        first = kick - ATTACK - begin
        window = depth[max(first, 0) : max(first + len(dip), 0)]
        np.maximum(window, dip[max(-first, 0) :][: len(window)], out=window)
    ducking: Planar = 1 - np.float32(1 - 10 ** (-decibels / 20)) * depth
    return ducking


@lru_cache(maxsize=2)
def _make_dip(length: int) -> Planar:
    down = np.linspace(0, 1, ATTACK, endpoint=False)
    back = (0.5 + 0.5 * np.cos(np.linspace(0, np.pi, length))) ** 1.3
    return np.concatenate([down, back]).astype(np.float32)


# --- the room, in one pass over the spectrum ------------------------------------------------------


class Dry(NamedTuple):
    """A stem before it is placed, of one channel or two: what of it goes into the room, and what it
    comes out of.
    """

    sound: Planar
    send: float
    amplifier: Amplifier | None = None


MIDDLE, SIDE = 0, 1
Paths = tuple[tuple[int, Response], ...]  # to middle or sides, and the response on the way there


class Blocks(NamedTuple):
    """How a sound is cut for the FFT: into as many blocks at a time as there are LANES, each with
    silence after it for as long as a sample is heard in its room.
    """

    hop: int
    size: int  # of the FFT

    @property
    def samples(self) -> int:
        """Of all blocks at a time."""
        return LANES * self.hop

    def cut(self, sound: Planar) -> Planar:
        """The blocks (LANES, size) of a sound (samples,)."""
        blocks = np.zeros((LANES, self.size), np.float32)
        for lane, block in enumerate(blocks):
            part = sound[lane * self.hop : (lane + 1) * self.hop]
            block[: len(part)] = part
        return blocks


def choose_blocks(samples: int, room: Room) -> Blocks:
    """For a clip of so many samples."""
    number = LANES * -(-samples // (LANES * LONGEST_HOP))
    least = -(-samples // number)
    reach = _find_reach(_choose_room(room))
    size = find_fft_size(least + reach + AHEAD)
    return Blocks(min(size - reach - AHEAD, LONGEST_HOP), size)


def transform(blocks: Planar) -> Response:
    """The spectra of all blocks together; "ortho" keeps them in float32."""
    return np.fft.rfft(blocks, norm="ortho")


def invert(spectra: Response, size: int) -> Planar:
    """Back to blocks (LANES, size)."""
    return np.fft.irfft(spectra, size, norm="ortho").astype(np.float32, copy=False)


def place_in_room(
    target: Audio,
    stems: Sequence[Dry],
    level: float,
    production: tuple[Room, Tint],
    where: tuple[Blocks, int, Extent],
) -> Steps[None]:
    """Add to the target (samples, 2), from a sample on, the stems (channels, blocks.samples): so
    loud, coloured, through their amplifiers' cabinets, with their room, and with nothing at the
    sides below 150 Hz.
    """
    room, tint = production
    blocks, begin, extent = where
    seconds = _choose_room(room)
    placed: dict[int, Response] = {}
    for channel in (MIDDLE, SIDE):
        _make_room(blocks.size, seconds, channel)  # kept, but it takes a while
        yield
    for amplifier in dict.fromkeys(stem.amplifier for stem in stems):
        alike = [stem for stem in stems if stem.amplifier == amplifier]
        colour = np.float32(level) * _make_colour(blocks.size, tint, amplifier)
        for sound, paths in _list_paths(alike, colour, room.level, seconds):
            yield
            spectra = transform(blocks.cut(sound))
            yield
            for channel, path in paths:
                heard = path * spectra
                if channel in placed:
                    placed[channel] += heard
                else:
                    placed[channel] = heard
            yield
    middle = invert(placed.pop(MIDDLE), blocks.size)
    yield
    side: Floats = np.zeros(1, np.float32)
    if SIDE in placed:
        side = invert(placed.pop(SIDE), blocks.size)
        yield
    for channel, heard_there in enumerate((middle + side, middle - side)):
        for lane, block in enumerate(heard_there):
            start = begin + lane * blocks.hop
            extent.add(target[:, channel], start, block[:-AHEAD])
            extent.add(target[:, channel], start - AHEAD, block[-AHEAD:])
            yield


def _choose_room(room: Room) -> float:
    return min(ROOMS, key=lambda length: abs(length - room.seconds))


def _find_reach(seconds: float) -> int:
    """After how many samples nothing is left of one in a room."""
    return round((PREDELAY + seconds + SETTLING) * SAMPLE_RATE)


def _list_paths(
    stems: Sequence[Dry], colour: Response, level: float, seconds: float
) -> Iterator[tuple[Planar, Paths]]:
    """Sounds (samples,) of stems that are coloured alike, and where they are heard: what is in the
    middle, what goes into the room where that is another mix, and what is at the sides.
    """
    size = 2 * (len(colour) - 1)
    narrow = colour * _make_mono_low(size)
    wet_middle = np.float32(level) * _make_room(size, seconds, MIDDLE) * colour
    wet_side = np.float32(level) * _make_room(size, seconds, SIDE) * narrow
    middles = [take_middle(stem.sound) for stem in stems]
    sends = [np.float32(stem.send) for stem in stems]
    if not any(sends):
        yield _add(middles), ((MIDDLE, colour),)
    elif len(stems) == 1:
        [middle], [send] = middles, sends
        yield middle, ((MIDDLE, colour + send * wet_middle), (SIDE, send * wet_side))
    else:
        yield _add(middles), ((MIDDLE, colour),)
        sent = _add(send * middle for send, middle in zip(sends, middles))
        yield sent, ((MIDDLE, wet_middle), (SIDE, wet_side))
    half = np.float32(0.5)
    sides = [half * (stem.sound[0] - stem.sound[1]) for stem in stems if len(stem.sound) == 2]
    if sides:
        yield _add(sides), ((SIDE, narrow),)


def take_middle(sound: Planar) -> Planar:
    """What both sides of a sound have in common (samples,)."""
    middle: Planar = sound[0] if len(sound) == 1 else np.float32(0.5) * (sound[0] + sound[1])
    return middle


def _add(sounds: Iterable[Planar]) -> Planar:
    return functools.reduce(np.add, sounds)


@lru_cache(maxsize=24)
def _make_colour(size: int, tint: Tint, amplifier: Amplifier | None) -> Response:
    response = make_shelf(size, 2500, tint.bright)
    if tint.low:
        response = response * make_shelf(size, 160, -tint.low) * np.float32(10 ** (tint.low / 20))
    if tint.high_pass:
        response = response * make_high_pass(size, tint.high_pass, 2)
    if tint.low_pass:
        response = response * make_low_pass(size, tint.low_pass, 2)
    if amplifier:
        response = response * make_low_pass(size, amplifier.cabinet, 2)
        response = response * make_shelf(size, 1500, amplifier.presence)
    return response.astype(np.complex64)


@lru_cache(maxsize=4)
def _make_mono_low(size: int) -> Response:
    return make_high_pass(size, MONO_BELOW, 4).astype(np.complex64)


@lru_cache(maxsize=2)
def _draw_echoes(seconds: float) -> tuple[Floats, Floats]:
    """What comes back from a room's walls in the middle and at the sides: early reflections, then
    noise that fades.
    """
    rng = np.random.default_rng(160)
    time = make_times(seconds)
    fade = np.exp(-6.9 / seconds * time)
    echoes = []
    for _ in range(2):
        noise = rng.standard_normal(len(time)) * np.minimum(1, time / 0.02) * fade
        for at in rng.uniform(0.003, 0.04, 8):
            noise[round(at * SAMPLE_RATE)] += 6 * rng.choice([-1, 1]) * np.exp(-20 * at)
        echoes.append(noise)
    return echoes[0], echoes[1]


@lru_cache(maxsize=16)
def _make_room(size: int, seconds: float, channel: int) -> Response:
    """The response of a room in the middle or at the sides, of unit energy. Its treble fades
    first.
    """
    noise = _draw_echoes(seconds)[channel]
    fade = np.exp(-6.9 / seconds * make_times(seconds))
    dull = np.fft.rfft(noise, size) * make_low_pass(size, 6000)
    bright = np.fft.rfft(noise * fade, size)
    response = dull + 0.5 * (bright - bright * make_low_pass(size, 6000))
    impulse = np.fft.irfft(response * make_high_pass(size, ROOM_LOW, 2), size)
    impulse = np.concatenate([np.zeros(round(PREDELAY * SAMPLE_RATE)), impulse])[:size]
    impulse[_find_reach(seconds) :] = 0
    energy = np.sqrt(np.sum(np.square(impulse)))
    return np.fft.rfft(impulse / energy).astype(np.complex64)
