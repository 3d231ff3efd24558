"""Stems as parts of their mix. What a network makes of a stem is as blurred as its VAE; where and
how loud it is tells which part of the mix it is, and that is clear. Where a guide's own stems are
known, and the mix was played from it, they tell it better than any network.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping

import numpy as np
import numpy.typing as npt

from .audio import Floats
from .steps import Steps

WINDOW = 2048  # samples
HOP = WINDOW // 2
TOGETHER = 32  # windows that are transformed in one step
FAINT = np.float32(1e-8)  # a bin that nothing is heard of
# times the power of the guide: what is louder in the mix is by somebody else
LOUDER = np.float32(10.0)
ALIKE = 9  # neighbouring bins that are as near to the guide as each other

# its square and that of the next one add up to 1
SHAPE = np.sin(np.pi * (np.arange(WINDOW) + 0.5) / WINDOW).astype(np.float32)

Spectra = npt.NDArray[np.complex64]  # (2, windows, bins)
Powers = npt.NDArray[np.float32]  # (windows, bins)


def take_out(
    mix: Floats, stems: Mapping[str, Floats], is_loop: bool = False
) -> Steps[dict[str, Floats]]:
    """Of each stem the part of the mix that it is, all (2, N): every bin of its spectrum as loud as
    in the stem, and together never louder than in the mix. A loop goes on at its ends.
    """
    return (yield from _divide(mix, stems, [*stems], _divide_by_loudness, is_loop))


def share_out(
    mix: Floats, guide: Mapping[str, Floats], names: Collection[str], is_loop: bool = False
) -> Steps[dict[str, Floats]]:
    """The stems (2, N) of these names out of a mix (2, N) that was played from a guide, of which
    all stems are given: what the mix has in common with the guide is divided as that is, and the
    rest of it by their power. What nobody plays in the guide is in no stem.
    """
    return (yield from _divide(mix, guide, names, _divide_by_guide, is_loop))


# of the spectra of a mix and of stems: what each of them is of the mix
_Division = Callable[[Spectra, Mapping[str, Spectra], Collection[str]], dict[str, Spectra]]


def _divide_by_loudness(
    mix: Spectra, stems: Mapping[str, Spectra], names: Collection[str]
) -> dict[str, Spectra]:
    loudness = {name: np.sqrt(_measure(stems[name])) for name in names}
    most = np.maximum(np.sqrt(_measure(mix)), sum(loudness.values())) + FAINT
    return {name: mix * (loud / most) for name, loud in loudness.items()}


def _divide_by_guide(
    mix: Spectra, stems: Mapping[str, Spectra], names: Collection[str]
) -> dict[str, Spectra]:
    guide = sum(stems.values(), np.zeros_like(mix))
    common = (mix * guide.conj()).real.mean(axis=0)
    power = _smooth(_measure(guide))
    followed = np.clip(_smooth(common) / (power + FAINT**2), 0, 1).astype(np.float32)
    played = np.minimum(1, LOUDER * power / (_smooth(_measure(mix)) + FAINT**2))
    others = (mix - followed * guide) * played
    powers = {name: _measure(stem) for name, stem in stems.items()}
    all_power = sum(powers.values()) + FAINT**2
    return {
        name: followed * stems[name] + others * (powers[name] / all_power)
        for name in names
        if name in stems
    }


def _smooth(powers: Powers) -> Powers:
    """The sum of `ALIKE` bins around each."""
    bins = powers.shape[1]
    padded = np.pad(powers, ((0, 0), (ALIKE // 2, ALIKE // 2)))
    return functools.reduce(np.add, (padded[:, first : first + bins] for first in range(ALIKE)))


# --- from sound to spectra and back ---------------------------------------------------------------


def _divide(
    mix: Floats,
    stems: Mapping[str, Floats],
    names: Collection[str],
    division: _Division,
    is_loop: bool,
) -> Steps[dict[str, Floats]]:
    """The parts (2, N) of a mix that stems of these names are, some windows at a time."""
    samples = mix.shape[1] + HOP * is_loop  # a loop's beginning once more, behind its end
    taken = {name: np.zeros((2, samples), np.float32) for name in names}
    for begin in range(-HOP, samples, TOGETHER * HOP):
        end = min(begin + (TOGETHER + 1) * HOP, samples + -samples % HOP + HOP)
        spectra = {}
        for name, sound in stems.items():
            spectra[name] = _transform(_read(sound, begin, end, is_loop))
            yield
        whole = _transform(_read(mix, begin, end, is_loop))
        yield
        for name, part in division(whole, spectra, names).items():
            inside = slice(max(begin, 0), min(end, samples))
            taken[name][:, inside] += _join(part)[:, inside.start - begin : inside.stop - begin]
            yield
    return {name: _close(part) for name, part in taken.items()} if is_loop else taken


def _read(sound: Floats, begin: int, end: int, is_loop: bool) -> npt.NDArray[np.float32]:
    """(2, end - begin) of a sound (2, N): around it is silence, or it goes round."""
    if is_loop:
        return np.take(sound, range(begin, end), axis=1, mode="wrap").astype(np.float32)
    inside = np.asarray(sound[:, max(begin, 0) : end], np.float32)
    before = max(-begin, 0)
    return np.pad(inside, ((0, 0), (before, end - begin - before - inside.shape[1])))


def _close(sound: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A loop (2, N) of what goes on for `HOP` samples: where windows of its end and those of its
    beginning lie otherwise, it turns from the ones to the others.
    """
    loop, behind = sound[:, :-HOP], sound[:, -HOP:]
    turning = min(HOP, loop.shape[1])
    share = np.linspace(1, 0, HOP, dtype=np.float32)[:turning]
    loop[:, :turning] += share * (behind[:, :turning] - loop[:, :turning])
    return loop


def _transform(sound: npt.NDArray[np.float32]) -> Spectra:
    """(2, N) -> the spectra of its windows; "ortho" keeps them in float32."""
    windows = np.lib.stride_tricks.sliding_window_view(sound, WINDOW, axis=1)[:, ::HOP]
    spectra = np.fft.rfft(windows * SHAPE, norm="ortho")
    return spectra.astype(np.complex64, copy=False)


def _measure(spectra: Spectra) -> Powers:
    """The power of each bin, of both channels."""
    power: Powers = (spectra.real**2 + spectra.imag**2).mean(axis=0)
    return power


def _join(spectra: Spectra) -> npt.NDArray[np.float32]:
    """The sound (2, N) of spectra."""
    windows = np.fft.irfft(spectra, WINDOW, norm="ortho") * SHAPE
    halves = windows.reshape(len(windows), -1, 2, HOP)
    joined = np.zeros((len(windows), halves.shape[1] + 1, HOP), np.float32)
    joined[:, :-1] += halves[:, :, 0]
    joined[:, 1:] += halves[:, :, 1]
    return joined.reshape(len(windows), -1)
