"""Drums: skins that ring, metal, and noise. Four round robins of each: no two hits in a row are
the same samples.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...request import SAMPLE_RATE
from .kits import KITS, STAND_INS, Body, Drum, Metal
from .signals import Floats, Noise, fade_in, filter_band, make_times, render_noise
from .tones import Shot

ROBINS = 4
KEPT = 160  # hits: 60 MB of usual ones, 140 if all were crashes
SOFT = 1500.0  # Hz: what a soft hit has little of lies above
# the ratios of a cymbal's square waves, as in the TR-808's circuit: 205, 284, 370, 523, 540, 800 Hz
RATIOS = (1.0, 1.383, 1.804, 2.548, 2.634, 3.902)


def find_drum(kit: str, pitch: int) -> Drum:
    """The drum that plays this pitch in a kit: its own, or the nearest that it has."""
    drums = KITS[kit]
    return drums[pitch] if pitch in drums else drums[STAND_INS[pitch]]


def count_samples(kit: str, pitch: int) -> int:
    """Of one hit."""
    return round(find_drum(kit, pitch).seconds * SAMPLE_RATE)


@lru_cache(maxsize=KEPT)
def render_drum(kit: str, pitch: int, robin: int) -> Shot:
    """One hit, with its pan: (2, samples)."""
    drum = find_drum(kit, pitch)
    rng = np.random.default_rng([*kit.encode(), pitch, robin])
    detuning = 1 + drum.looseness * rng.uniform(-1, 1)
    time = make_times(drum.seconds)
    middle = np.zeros(len(time))
    for body in drum.bodies:
        middle += _render_body(body, detuning, time)
    for metal in drum.metals:
        middle += _render_metal(metal, detuning, time)
    side = np.zeros(len(time))
    for noise in drum.noises:
        middle += render_noise(_loosen(noise, detuning), drum.seconds, rng)
        if drum.width:
            side += drum.width * render_noise(noise, drum.seconds, rng)
    gain = drum.gain / np.abs(middle).max()
    middle *= gain
    side = side * gain + drum.pan * middle
    soft = np.stack([_darken(middle + side), _darken(middle - side)])
    whole = np.stack([middle - side, middle + side])[::-1]
    fade_out = np.minimum(1, (drum.seconds - time) / (drum.seconds / 4))
    layers = [(layer * fade_out).astype(np.float32) for layer in (soft, whole - soft)]
    for layer in layers:
        fade_in(layer)
        layer.flags.writeable = False
    return Shot(*layers)


def _loosen(noise: Noise, detuning: float) -> Noise:
    if detuning == 1:
        return noise
    return Noise(
        noise.low * detuning,
        noise.high * detuning,
        noise.decay / detuning**2,
        noise.level,
        noise.attack,
        noise.claps,
        noise.gate,
    )


def _darken(sound: Floats) -> Floats:
    """How a soft hit sounds: with a third of what is above SOFT."""
    low: Floats = filter_band(sound, 0, SOFT)
    return low + 0.35 * (sound - low)


def _render_body(body: Body, detuning: float, time: Floats) -> Floats:
    fallen = body.fall * (1 - np.exp(-body.rate * time)) / body.rate
    cycles = detuning * (body.pitch * time + fallen)
    sound: Floats = body.level * np.sin(2 * np.pi * cycles) * np.exp(-body.decay * time)
    return sound


def _render_metal(metal: Metal, detuning: float, time: Floats) -> Floats:
    """Square waves out of tune with each other, high-passed."""
    sound = np.zeros(len(time))
    for ratio in RATIOS[: metal.voices]:
        # their aliases are as much out of tune as they are
        sound += np.sign(np.sin(2 * np.pi * (metal.pitch * ratio * detuning * time + ratio)))
    sound = filter_band(sound, metal.low, metal.high) * np.exp(-metal.decay * time)
    scaled: Floats = sound * (metal.level / np.abs(sound).max())
    return scaled
