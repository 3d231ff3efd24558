"""What `postprocess` does of a take that is one mix and nothing else, on the GPU that made it.

On a GPU the model is so quick that a pass over minutes of audio on the processor would take longer
than a step of the diffusion. There it costs next to nothing to look at every block sixteen times as
densely (see `peaks`, whose bound saves a processor that): what comes out is the same peak, in
float32. The audio crosses to the processor once, finished and in the order of a file.
"""

from __future__ import annotations

import mlx.core as mx
import numpy as np

from . import audio
from .peaks import BLOCK, DENSITY, EDGE, SEGMENT, WINDOW
from .postprocess import PostprocessedClips
from .request import Request
from .steps import Steps

_TOGETHER = 64  # blocks: some 200 MB while they are transformed
_SEGMENTS = BLOCK // SEGMENT  # in a block, whose last one is the next block's first
_STEP = _SEGMENTS - 1


def finish(request: Request, decoded: mx.array, fades: bool = False) -> Steps[PostprocessedClips]:
    """The clip of a mix (N, 2) as the request has it, with pauses; `fades` as in `audio.cut`.
    Raises `BadAudio`.
    """
    mix = yield from cut(decoded, request.samples, fades)
    audio.check_not_silent(float(mx.abs(mix).max()))
    peak = yield from find_true_peak(mix)
    gain = audio.choose_gain(audio.find_peak_gain(request.peak_db, peak), request.normalize)
    frames = np.array(mix * gain)
    return PostprocessedClips({"mix": frames.T}, (), gain)


def cut(decoded: mx.array, samples: int, fades: bool = False) -> Steps[mx.array]:
    """As `audio.cut` does, of (N, 2): (samples, 2)."""
    audio.check_length(len(decoded), samples)
    fade = audio.build_end(samples, fades or len(decoded) > samples)
    faded = samples - len(fade)
    window = mx.array(fade.astype(np.float32))[:, None]
    whole, end, rest = decoded[:faded], decoded[faded:samples] * window, decoded[samples:]
    # of so many at a time: a sum of millions in float32 would be off
    total = sum(np.array(_sum_segments(part), np.float64).sum(axis=0) for part in (whole, end))
    yield
    audio.check_finite(total, np.array(_sum_segments(rest)))
    offset = mx.array((total / (faded + fade.sum())).astype(np.float32))
    return mx.concatenate([whole - offset, end - offset * window])


def _sum_segments(part: mx.array) -> mx.array:
    """(N, 2) -> (segments, 2)."""
    return _pad(part, 0, -len(part) % SEGMENT).reshape(-1, SEGMENT, 2).sum(axis=1)


def find_true_peak(mix: mx.array) -> Steps[float]:
    """The highest level of (N, 2), between its samples too: see `peaks.find_true_peak`."""
    window = mx.array(WINDOW.astype(np.float32))
    # the highest frequency becomes an ordinary one, which counts twice
    halved = mx.concatenate([mx.ones(BLOCK // 2), mx.full((1,), 0.5)])
    count = -(-(len(mix) + 2 * EDGE) // (_STEP * SEGMENT))
    behind = (count * _STEP + 1) * SEGMENT - 2 * EDGE - len(mix)
    segments = _pad(mix, 2 * EDGE, behind).T.reshape(2, -1, SEGMENT)
    peak = mx.abs(mix).max()
    for first in range(0, count, _TOGETHER):
        last = min(first + _TOGETHER, count)
        parts = [
            segments[:, first * _STEP + n : last * _STEP + n : _STEP] for n in range(_SEGMENTS)
        ]
        blocks = mx.concatenate(parts, axis=2) * window
        spectra = mx.fft.rfft(blocks) * halved
        levels = mx.fft.irfft(spectra, DENSITY * BLOCK) * DENSITY
        peak = mx.maximum(peak, mx.abs(levels).max())
        mx.eval(peak)
        yield
    return float(peak)


def _pad(part: mx.array, front: int, behind: int) -> mx.array:
    return mx.pad(part, [(front, behind), (0, 0)])
