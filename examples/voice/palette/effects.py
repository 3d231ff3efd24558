"""What is done to a stem: amplifier, modulation, ducking, room, wow; and gains that several stems
share. All of it but the amplifier and tape is linear, and whatever changes with time changes alike
for all stems, so that stems add up to their mix.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import fft

from pipeline.request import SAMPLE_RATE

from .instruments import Amplifier, Modulation
from .signals import (
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
BLOCK = 64  # samples for which a gain is found; in between it is interpolated
CEILING = 0.84  # -1.5 dB, so that between samples it is below -1
# what is half-way between two samples, of the four on either side: a sinc under a Hann window
HALFWAY = (np.sinc(np.arange(4) + 0.5) * np.cos(np.pi * (np.arange(4) + 0.5) / 10) ** 2).astype(
    np.float32
)
LOOK_AHEAD = 5  # blocks, 7 ms
GLUE_BLOCKS = 30  # 40 ms
OFFSET_BLOCKS = 187  # a quarter of a second


class Room(NamedTuple):
    """Where all instruments of a mix stand."""

    seconds: float  # until it has faded by 60 dB; above 4 kHz in half of that
    level: float = 1.0  # of all sends


class Tint(NamedTuple):
    """How a stem is coloured."""

    bright: float = 0.0  # dB above 2.5 kHz
    low: float = 0.0  # dB below 160 Hz
    high_pass: float = 0.0  # Hz; 0: none
    low_pass: float = 0.0  # Hz; 0: none


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


def _find_places(at: npt.NDArray[np.float64]) -> Places:
    """For reading at these samples (samples,), or at the first, which is silent, before it."""
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


def modulate(middle: Planar, modulation: Modulation) -> Planar:
    """What it adds to the sides, (samples,)."""
    tremolo, delayed = _make_swing(len(middle), modulation)
    side: Planar = tremolo * middle
    if modulation.side:
        side += np.float32(modulation.side) * read_at(middle, delayed)
    return side


@lru_cache(maxsize=4)
def _make_swing(samples: int, modulation: Modulation) -> tuple[Planar, Places]:
    """How much louder one side gets (samples,), and where the delay reads."""
    swing = np.sin(2 * np.pi * modulation.rate * make_times(samples / SAMPLE_RATE))
    delays = modulation.depth * (1.3 + swing) / 1000 * SAMPLE_RATE
    tremolo = (modulation.tremolo * swing).astype(np.float32)
    return tremolo, _find_places(np.arange(samples) - delays)


def make_ducking(kicks: Sequence[int], samples: int, decibels: float, release: float) -> Planar:
    """The gain (samples,) that falls at every kick, within 3 ms before it, and comes back."""
    attack = round(0.003 * SAMPLE_RATE)
    length = round(release * SAMPLE_RATE)
    down = np.linspace(0, 1, attack, endpoint=False)
    back = (0.5 + 0.5 * np.cos(np.linspace(0, np.pi, length))) ** 1.3
    dip = np.concatenate([down, back]).astype(np.float32)
    depth = np.zeros(samples + len(dip) + attack, np.float32)
    for kick in kicks:
        if kick < samples:
            window = depth[kick : kick + len(dip)]  # `depth` begins an attack early
            np.maximum(window, dip[: len(window)], out=window)
    lowest = np.float32(1 - 10 ** (-decibels / 20))
    ducking: Planar = 1 - lowest * depth[attack : attack + samples]
    return ducking


# --- one pass over the spectrum -------------------------------------------------------------------


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
    """How a sound is cut for the FFT: into pieces that overlap by as much as is heard of a sample
    before it and after it.
    """

    number: int
    hop: int
    reach: int  # samples after which nothing is left of one in its room
    size: int  # of the FFT

    def cut(self, sound: Planar) -> Planar:
        """The blocks (number, size) of a sound (samples,)."""
        padded = np.zeros(self.number * self.hop + self.size - self.hop, np.float32)
        padded[self.reach : self.reach + len(sound)] = sound
        windows: Planar = np.lib.stride_tricks.sliding_window_view(padded, self.size)[:: self.hop]
        return windows

    def join(self, heard: Planar) -> Planar:
        """What is heard of all blocks (number, size), one after the other (samples,)."""
        joined: Planar = heard[:, self.reach : self.reach + self.hop].reshape(-1)
        return joined


def place_in_room(
    groups: Iterable[Sequence[Dry]], level: float, room: Room, tint: Tint
) -> list[Planar]:
    """The sum of each group's stems, so loud, coloured, through their amplifiers' cabinets, with
    their room, and with nothing at the sides below 150 Hz. One channel if there is nothing at all.
    """
    return [_place(stems, level, room, tint) for stems in groups]


def _place(stems: Sequence[Dry], level: float, room: Room, tint: Tint) -> Planar:
    samples = stems[0].sound.shape[1]
    seconds = min(ROOMS, key=lambda length: abs(length - room.seconds))
    blocks = _choose_blocks(samples, seconds)
    placed: dict[int, Response] = {}
    for amplifier in dict.fromkeys(stem.amplifier for stem in stems):
        alike = [stem for stem in stems if stem.amplifier == amplifier]
        colour = np.float32(level) * _make_colour(blocks.size, tint, amplifier)
        for sound, paths in _list_paths(alike, colour, room.level, seconds):
            # in float32, and all blocks together: a quarter of the time of numpy's
            spectra = fft.rfft(blocks.cut(sound))
            for where, path in paths:
                heard = path * spectra
                placed[where] = np.add(placed[where], heard, heard) if where in placed else heard
    middle = blocks.join(fft.irfft(placed[MIDDLE], blocks.size, overwrite_x=True))
    if SIDE not in placed:
        return middle[None, :samples]
    side = blocks.join(fft.irfft(placed[SIDE], blocks.size, overwrite_x=True))
    return np.stack([middle + side, middle - side])[:, :samples]


def _choose_blocks(samples: int, seconds: float) -> Blocks:
    number = LANES * -(-samples // (LANES * LONGEST_HOP))
    reach = _find_reach(seconds)
    size = find_fft_size(-(-samples // number) + reach + AHEAD)
    return Blocks(number, size - reach - AHEAD, reach, size)


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
    room_middle, room_side = _make_room(size, seconds)
    wet_middle = np.float32(level) * room_middle * colour
    wet_side = np.float32(level) * room_side * narrow
    middles = [stem.sound.mean(axis=0) for stem in stems]
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
    sides = [(stem.sound[0] - stem.sound[1]) / 2 for stem in stems if len(stem.sound) == 2]
    if sides:
        yield _add(sides), ((SIDE, narrow),)


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


@lru_cache(maxsize=8)
def _make_room(size: int, seconds: float) -> tuple[Response, Response]:
    """The responses of a room in the middle and at the sides, each of unit energy: early
    reflections, then noise that fades, its treble first.
    """
    rng = np.random.default_rng(160)
    time = make_times(seconds)
    fade = np.exp(-6.9 / seconds * time)
    smooth = make_low_pass(size, 6000)
    sides = []
    for _ in range(2):
        noise = rng.standard_normal(len(time)) * np.minimum(1, time / 0.02) * fade
        for at in rng.uniform(0.003, 0.04, 8):
            noise[round(at * SAMPLE_RATE)] += 6 * rng.choice([-1, 1]) * np.exp(-20 * at)
        dull = np.fft.rfft(noise, size) * smooth
        bright = np.fft.rfft(noise * fade, size)
        response = (dull + 0.5 * (bright - bright * smooth)) * make_high_pass(size, ROOM_LOW, 2)
        impulse = np.fft.irfft(response, size)
        impulse = np.concatenate([np.zeros(round(PREDELAY * SAMPLE_RATE)), impulse])[:size]
        impulse[_find_reach(seconds) :] = 0
        energy = np.sqrt(np.sum(np.square(impulse)))
        sides.append(np.fft.rfft(impulse / energy).astype(np.complex64))
    return sides[0], sides[1]


# --- what all stems share -------------------------------------------------------------------------


def saturate(stems: Sequence[Planar], drive: float) -> Planar:
    """The sum of stems, each as tape records it: peaks are rounded, quiet sounds stay as loud, and
    no offset is recorded.
    """
    gain = np.float32(drive)
    saturated = _add(_round_peaks(stem, gain) for stem in stems)
    for channel in saturated:
        channel -= _find_offset(channel)
    return saturated


def _round_peaks(stem: Planar, gain: np.float32) -> Planar:
    rounded: Planar = gain * stem
    np.tanh(rounded, out=rounded)
    rounded /= gain
    return rounded


def _find_offset(channel: Planar) -> Planar:
    """What a channel (samples,) is around instead of 0, over half a second. Rounding makes one of
    a waveform that reaches further up than down.
    """
    blocks = _pad_to_blocks(channel).reshape(-1, BLOCK)
    window = np.hanning(2 * OFFSET_BLOCKS + 1)
    padded = np.pad(blocks.mean(axis=1), OFFSET_BLOCKS)
    smooth = np.convolve(padded, window / window.sum(), "valid")
    return _interpolate(smooth)[: len(channel)]


def _pad_to_blocks(sound: Planar) -> Planar:
    """With silence after it, if it is not of whole blocks."""
    missing = -sound.shape[-1] % BLOCK
    if not missing:
        return sound
    return np.concatenate([sound, np.zeros((*sound.shape[:-1], missing), np.float32)], axis=-1)


@lru_cache(maxsize=4)
def make_wow(samples: int, depth: float) -> Places:
    """Where a worn tape is: it drifts around where it should be."""
    time = make_times(samples / SAMPLE_RATE)
    # `depth` is how far its speed is off; a wow of .6 and a flutter of 6 Hz
    drift = depth / (2 * np.pi) * (np.cos(2 * np.pi * 0.6 * time) / 0.6)
    flutter = 0.15 * depth / (2 * np.pi) * np.cos(2 * np.pi * 6.1 * time) / 6.1
    drift += flutter
    return _find_places(np.arange(samples) - SAMPLE_RATE * (drift[0] - drift))


@lru_cache(maxsize=2)
def make_crackle(samples: int) -> Planar:
    """The dust on a record (2, samples), whose usual clicks reach 1: clicks, and a little hiss."""
    rng = np.random.default_rng(33)
    crackle = np.zeros((2, samples), np.float32)
    count = round(samples / SAMPLE_RATE * 14)
    places = rng.integers(0, samples, count)
    sizes = rng.exponential(1, count)
    sides = rng.uniform(0.3, 1, (count, 2))
    click = np.exp(-np.arange(40) / 7) * np.cos(np.arange(40) / 1.9)
    for place, size, side in zip(places, sizes, sides):
        window = crackle[:, place : place + len(click)]
        window += (size * side[:, None] * click[: window.shape[1]]).astype(np.float32)
    hiss = rng.standard_normal((2, samples), np.float32)
    crackle[:, 1:] += np.float32(0.035) * (hiss[:, 1:] - 0.6 * hiss[:, :-1])
    crackle.flags.writeable = False
    return crackle


def make_bus_gain(sound: Planar, glue: float) -> Planar:
    """The gain (samples,) of a bus whose sum is `sound` (channels, samples): a compressor that
    takes `glue`, 0..1, of what its loudness is above -20 dBFS; then a limiter that looks ahead and
    lets nothing above CEILING pass.
    """
    samples = sound.shape[1]
    padded = _pad_to_blocks(sound)
    blocks = padded.reshape(len(sound), -1, BLOCK)
    power = np.einsum("cbs,cbs->b", blocks, blocks) / blocks[:, 0].size
    kernel = np.exp(-np.arange(3 * GLUE_BLOCKS) / GLUE_BLOCKS)
    loudness = np.sqrt(np.convolve(power, kernel / kernel.sum())[: len(power)])
    glued = np.minimum(1, 0.1 / np.maximum(loudness, 1e-6)) ** glue
    gain = _interpolate(glued)
    peaks = _find_block_peaks(padded, gain)
    limit = np.minimum(1, CEILING / np.maximum(peaks, 1e-6))
    spread = np.pad(limit, LOOK_AHEAD + 1, mode="edge")
    lowest = np.lib.stride_tricks.sliding_window_view(spread, 2 * LOOK_AHEAD + 3).min(axis=1)
    window = np.hanning(2 * LOOK_AHEAD + 3)[1:-1]
    smoothed = np.convolve(np.pad(lowest, LOOK_AHEAD, mode="edge"), window / window.sum(), "valid")
    bus: Planar = (gain * _interpolate(smoothed))[:samples]
    return bus


def _find_block_peaks(sound: Planar, gain: Planar) -> Planar:
    """Of each block the loudest place (blocks,), at a sample or half-way to the next, at this gain.
    Where samples are so quiet that nothing between them can reach CEILING, only they are seen.
    """
    reach = len(HALFWAY)
    loud = (np.abs(sound).max(axis=0) * gain).reshape(-1, BLOCK).max(axis=1)
    around = np.maximum(loud, np.maximum(np.roll(loud, 1), np.roll(loud, -1)))
    chosen = np.flatnonzero(around > CEILING / (2 * np.abs(HALFWAY).sum()))
    padded = np.pad(sound, ((0, 0), (reach - 1, reach)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, BLOCK + 2 * reach - 1, axis=1)
    near = windows[:, chosen * BLOCK]
    halfway = np.zeros((len(sound), len(chosen), BLOCK), np.float32)
    for distance, share in enumerate(HALFWAY):
        first, last = reach - 1 - distance, reach + distance
        halfway += share * (near[..., first : first + BLOCK] + near[..., last : last + BLOCK])
    between = np.abs(halfway).max(axis=0) * gain.reshape(-1, BLOCK)[chosen]
    peaks: Planar = loud
    peaks[chosen] = np.maximum(loud[chosen], between.max(axis=1))
    return peaks


def _interpolate(gain: Floats) -> Planar:
    """From the middles of blocks to samples; the ends are held."""
    ends = np.concatenate([gain[:1], gain, gain[-1:]]).astype(np.float32)
    part = (np.arange(BLOCK) / BLOCK).astype(np.float32)
    between = ends[:-1, None] + part * np.diff(ends)[:, None]
    half = BLOCK // 2
    samples: Planar = between.reshape(-1)[half:-half]
    return samples
