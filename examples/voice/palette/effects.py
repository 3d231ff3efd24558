"""What is done to a stem: amplifier, modulation, ducking, room, wow; and gains that several stems
share. All of it but the amplifier and tape is linear, and whatever changes with time changes alike
for all stems, so that stems add up to their mix.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    amplified: Planar = level * np.tanh(drive * stem)
    return amplified


def modulate(middle: Planar, modulation: Modulation) -> Planar:
    """What it adds to the sides, (samples,)."""
    time = make_times(len(middle) / SAMPLE_RATE)
    swing = np.sin(2 * np.pi * modulation.rate * time).astype(np.float32)
    side: Planar = np.float32(modulation.tremolo) * swing * middle
    if modulation.side:
        delays = (modulation.depth * (1.3 + swing) / 1000 * SAMPLE_RATE).astype(np.float32)
        side += np.float32(modulation.side) * _delay(middle, delays)
    return side


def _delay(sound: Planar, delays: Planar) -> Planar:
    """The sound (samples,) as it was so many samples ago; silence before it began."""
    whole = np.ceil(delays)
    part = whole - delays
    place = np.arange(len(sound)) - whole.astype(np.intp)
    before = sound.take(place, mode="clip")
    before[place < 0] = 0
    after = sound.take(place + 1, mode="clip")
    delayed: Planar = before + part * (after - before)
    return delayed


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
    """A stem before it is placed, (2, samples): what of it goes into the room, and what it comes
    out of.
    """

    sound: Planar
    send: float
    amplifier: Amplifier | None = None


def place_in_room(stems: Sequence[Dry], room: Room, tint: Tint) -> list[Planar]:
    """The stems, coloured, through their amplifiers' cabinets, with their room, and with nothing at
    the sides below 150 Hz.
    """
    samples = stems[0].sound.shape[1]
    seconds = min(ROOMS, key=lambda length: abs(length - room.seconds))
    size = find_fft_size(samples + round(seconds * SAMPLE_RATE))
    return [_place(stem, room.level, seconds, tint, size)[:, :samples] for stem in stems]


def _place(stem: Dry, level: float, seconds: float, tint: Tint, size: int) -> Planar:
    """One stem, (2, size). What is alike on both sides is transformed once."""
    is_mono = np.array_equal(*stem.sound)
    # in float32, a third of the time of numpy's
    spectra = fft.rfft(stem.sound[:1] if is_mono else stem.sound, size)
    colour = _make_colour(size, tint, stem.amplifier)
    middle = spectra[0] + spectra[-1]
    middle *= colour
    if is_mono and not stem.send:
        sound = fft.irfft(middle, size, overwrite_x=True)
        return np.stack([sound, sound])
    side = np.zeros_like(middle)
    if not is_mono:
        np.subtract(spectra[0], spectra[1], out=side)
        side *= colour
    if stem.send:
        wet_middle, wet_side = _make_room(size, seconds)
        wet = np.complex64(stem.send * level) * middle
        side += wet * wet_side
        wet *= wet_middle
        middle += wet
    side *= _make_mono_low(size)
    placed: Planar = fft.irfft(np.stack([middle + side, middle - side]), size, overwrite_x=True)
    return placed


@lru_cache(maxsize=24)
def _make_colour(size: int, tint: Tint, amplifier: Amplifier | None) -> Response:
    """Half of it, as left and right together are twice the middle."""
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
    return np.float32(0.5) * response.astype(np.complex64)


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
        energy = np.sqrt(np.sum(np.square(impulse)))
        sides.append(np.fft.rfft(impulse / energy).astype(np.complex64))
    return sides[0], sides[1]


# --- what all stems share -------------------------------------------------------------------------


def saturate(stem: Planar, drive: float) -> Planar:
    """As tape does: peaks are rounded, quiet sounds stay as loud, and no offset is recorded."""
    gain = np.float32(drive)
    saturated: Planar = np.tanh(gain * stem)
    saturated /= gain
    for channel in saturated:
        channel -= _find_offset(channel)
    return saturated


def _find_offset(channel: Planar) -> Planar:
    """What a channel (samples,) is around instead of 0, over half a second. Rounding makes one of
    a waveform that reaches further up than down.
    """
    blocks = np.pad(channel, (0, -len(channel) % BLOCK)).reshape(-1, BLOCK)
    window = np.hanning(2 * OFFSET_BLOCKS + 1)
    padded = np.pad(blocks.mean(axis=1), OFFSET_BLOCKS)
    smooth = np.convolve(padded, window / window.sum(), "valid")
    return _interpolate(smooth)[: len(channel)]


def make_wow(samples: int, depth: float) -> npt.NDArray[np.float64]:
    """Where a worn tape is (samples,), in samples: it drifts around where it should be."""
    time = make_times(samples / SAMPLE_RATE)
    # `depth` is how far its speed is off; a wow of .6 and a flutter of 6 Hz
    drift = depth / (2 * np.pi) * (np.cos(2 * np.pi * 0.6 * time) / 0.6)
    flutter = 0.15 * depth / (2 * np.pi) * np.cos(2 * np.pi * 6.1 * time) / 6.1
    drift += flutter
    places: npt.NDArray[np.float64] = np.arange(samples) - SAMPLE_RATE * (drift[0] - drift)
    return np.maximum(places, 0)


def play_tape(stem: Planar, places: npt.NDArray[np.float64]) -> Planar:
    """The stem (2, samples) where the tape is."""
    index = np.minimum(places.astype(np.int64), stem.shape[1] - 2)
    part = np.minimum(places - index, 1).astype(np.float32)
    before = stem[:, index]
    played: Planar = before + part * (stem[:, index + 1] - before)
    return played


def make_crackle(samples: int, level: float) -> Planar:
    """The dust on a record (2, samples): clicks, and a little hiss."""
    rng = np.random.default_rng(33)
    crackle = np.zeros((2, samples), np.float32)
    count = round(samples / SAMPLE_RATE * 14)
    places = rng.integers(0, samples, count)
    sizes = level * rng.exponential(1, count)
    sides = rng.uniform(0.3, 1, (count, 2))
    click = np.exp(-np.arange(40) / 7) * np.cos(np.arange(40) / 1.9)
    for place, size, side in zip(places, sizes, sides):
        window = crackle[:, place : place + len(click)]
        window += (size * side[:, None] * click[: window.shape[1]]).astype(np.float32)
    hiss = rng.standard_normal((2, samples), np.float32)
    crackle[:, 1:] += np.float32(0.035 * level) * (hiss[:, 1:] - 0.6 * hiss[:, :-1])
    return crackle


def make_bus_gain(sound: Planar, glue: float) -> Planar:
    """The gain (samples,) of a bus whose sum is `sound` (2, samples): a compressor that takes
    `glue`, 0..1, of what its loudness is above -20 dBFS; then a limiter that looks ahead and lets
    nothing above CEILING pass.
    """
    samples = sound.shape[1]
    padding = -samples % BLOCK
    padded = np.pad(sound, ((0, 0), (0, padding)))
    blocks = padded.reshape(2, -1, BLOCK)
    power = np.square(blocks).mean(axis=(0, 2))
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
    halfway = np.zeros((2, len(chosen), BLOCK), np.float32)
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
