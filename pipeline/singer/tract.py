"""The spectrum of one pulse of the voice: what the glottis gives, and what the vocal tract makes
of it.

The source is a resonance backwards in time, somewhat below the pitch, with a slope above it
(B. Doval, C. d'Alessandro and N. Henrich, VOQUAL 2003). The tract is a cascade of resonators
(D. Klatt, JASA 67 (1980) 971), with poles and zeros for the nose.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..request import SAMPLE_RATE

Floats = npt.NDArray[np.floating]  # 32 bits, as are the spectra
Spectra = npt.NDArray[np.complexfloating]  # (pulses, BINS)

LENGTH = 1024  # samples of a pulse
BINS = 257  # of its spectrum that sound: up to 12 kHz
KILOHERTZ = (np.arange(BINS) * (SAMPLE_RATE / LENGTH / 1000)).astype(np.float32)
GLOTTAL = 0.9  # the glottis' resonance against the pitch, and its bandwidth against that
WIDTHS = (0.07, 0.09, 0.14)  # kHz: bandwidths of F1 to F3
ASPIRATED = 0.3  # kHz: how much wider F1 is where the glottis is open
FULL_BREATH = 0.1  # the breath of an H
NOSTRILS = ((0.27, 0.10), (0.45, 0.10))  # kHz: a pole and a zero of the nose, with bandwidths
MOUTH = (1.2, 0.12)  # the pole above a closed mouth's zero, against it; bandwidth of both in kHz
EVENNESS = 0.5  # how much of the difference in loudness between vowels a singer makes up for
USUAL_ENERGY = 60.0  # of a pulse


class Pulses(NamedTuple):
    """What pulses are made of: columns of (pulses, 1), and `formants` of (pulses, 3). In kHz."""

    pitch: Floats
    formants: Floats
    nasal: Floats  # 0 to 1: how much goes through the nose
    zero: Floats  # what the closed mouth swallows
    voice: Floats  # amplitude of what the glottis gives
    breath: Floats  # amplitude of the noise in it


def shape_pulses(pulses: Pulses, tilt: float, upper: Spectra, grains: Spectra) -> Spectra:
    """The spectra of pulses. `tilt` is the kHz above which the glottis gives less, `upper` the
    tract above F3, (BINS,), and `grains` the noise of each pulse.
    """
    tract = _shape_tract(pulses, upper)
    glottal = np.float32(GLOTTAL) * pulses.pitch
    source = np.conj(_resonate(glottal, np.float32(GLOTTAL) * glottal))
    source *= (1 + 1j * (KILOHERTZ / np.float32(tilt))) * glottal**2
    voiced = 1j * KILOHERTZ / source * tract
    energy = np.sum(voiced.real**2 + voiced.imag**2, axis=1, keepdims=True)
    voiced *= pulses.voice * (np.float32(USUAL_ENERGY) / energy) ** np.float32(EVENNESS / 2)
    voiced += tract * grains * pulses.breath
    return voiced


def _shape_tract(pulses: Pulses, upper: Spectra) -> Spectra:
    """Its gains, (pulses, BINS)."""
    wider = 1 + pulses.nasal
    open_glottis = np.float32(ASPIRATED) * np.minimum(pulses.breath / FULL_BREATH, 1)
    gains = 1 / _resonate(pulses.formants[:, :1], np.float32(WIDTHS[0]) * wider + open_glottis)
    for index in (1, 2):
        gains /= _resonate(pulses.formants[:, [index]], np.float32(WIDTHS[index]) * wider)
    gains *= upper
    through = np.flatnonzero(pulses.nasal > 1e-3)
    nose = _shape_nose(pulses.zero[through])
    gains[through] *= 1 + pulses.nasal[through] * (nose - 1)
    return gains


def _shape_nose(zero: Floats) -> Spectra:
    (pole, pole_width), (dip, dip_width) = NOSTRILS
    above, width = MOUTH
    mouth = _resonate(zero, width) / _resonate(np.float32(above) * zero, width)
    return mouth * (_resonate(dip, dip_width) / _resonate(pole, pole_width))


def _resonate(centre: Floats | float, width: Floats | float) -> Spectra:
    """The denominators of resonators whose gain is 1 at 0 Hz: a row for each."""
    squared = centre * centre
    made: Spectra = 1 - KILOHERTZ**2 / squared + 1j * (KILOHERTZ * (width / squared))
    return made


@functools.lru_cache(maxsize=8)
def build_upper(size: float, ring: float) -> Spectra:
    """The tract above F3, (BINS,): a formant every kHz as of a tube of 17 cm, the fourth and the
    fifth drawn together by `ring` (0 to 1), as singers do; nothing at 12 kHz.
    """
    made = np.clip((12 - KILOHERTZ) / 2, 0, 1).astype(np.complex64)
    for number in range(4, 14):
        centre = number - 0.5
        if number == 4:
            centre -= 0.4 * ring
        if number == 5:
            centre -= 0.9 * ring
        made /= _resonate(size * centre, 0.06 * size * centre)
    return made
