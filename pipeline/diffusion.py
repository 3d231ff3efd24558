"""Noise becomes sound: the mix, tracks that are taken out of it or added to it, and estimates on
the way.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Sequence
from contextlib import suppress

import mlx.core as mx
import numpy as np

from . import audio, encoding, loops, postprocess, sampler, tasks
from .request import PREVIEW, SAMPLE_RATE
from .stages import Conditioning, Stages
from .take import Progress, Take, TakeInfo
from .tasks import KeptSource, Material, RepaintBlend
from .work import ProgressSpan, Work

_DIFFUSION = 0.8  # of painting; the rest of it is decoding


def mixed(
    model: Stages, work: Work, material: Material, noise: mx.array
) -> Generator[Progress | Take, None, tuple[Material, np.ndarray]]:
    """The mix (2, samples); and what stems are taken out of: its latents."""
    request = work.request
    meter = work.meter
    count = len(work.steps)
    scenes = tasks.scenes(request, material)
    yield Progress("text", next(work.spans).start)
    with meter("text"):
        added = request.tracks if request.task == "complete" else ()
        texts = [model.encode_text(request, scene.task, added) for scene in scenes]
    yield Progress("condition", next(work.spans).start)
    with meter("condition"):
        timbre = material.reference
        canvases = [
            model.canvas(model.condition(*text, timbre), scene)
            for text, scene in zip(texts, scenes)
        ]
    turn = int(count * request.guide_strength)
    by_step = [canvases[0] if step < turn else canvases[-1] for step in range(count)]
    if request.cover_noise_strength:
        noise = sampler.noised(material.given, noise, work.steps[0].item())
    previews = [int(step) for step in request.preview.split()]
    latents, mix = yield from _painted(
        model, work, by_step, noise, model.kept(request, material, noise), previews
    )
    return dataclasses.replace(material, source=latents), mix


def one_track(
    model: Stages, work: Work, material: Material, task: str, track: str
) -> Generator[Progress | Take, None, tuple[mx.array, np.ndarray]]:
    """One track that is taken out of the material's source, or added to it: its latents and audio
    (2, samples).
    """
    work = work._replace(steps=model.steps_out(work.request)) if task == "extract" else work
    with work.meter("condition"):
        canvas = model.playing(work.request, material, task, track)
    return (
        yield from _painted(
            model, work, [canvas] * len(work.steps), model.noise(work.request, track)
        )
    )


def layered(
    model: Stages, work: Work, material: Material, source: np.ndarray
) -> Generator[Progress | Take, None, dict[str, np.ndarray]]:
    """Tracks that go with the source: each hears those before it. With what they make together,
    first.
    """
    request = work.request
    heard = source.T
    tracks = {}
    window = tasks.window(request, request.samples)
    fade = round(RepaintBlend.asked(request).seconds * SAMPLE_RATE)
    for number, track in enumerate(request.tracks):
        if number:
            latents = yield from encoding.encoded(
                model, work, "source", np.ascontiguousarray(heard.T, np.float32)
            )
            material = dataclasses.replace(material, source=latents)
        _, sound = yield from one_track(model, work, material, "lego", track)
        tracks[track] = sound[:, : heard.shape[1]]
        heard = heard + tracks[track] * audio.ramped(heard.shape[1], window, fade)
    return {"mix": heard} | tracks


def _painted(
    model: Stages,
    work: Work,
    canvases: Sequence[Conditioning],
    noise: mx.array,
    kept: KeptSource | None = None,
    previews: Sequence[int] = (),
) -> Generator[Progress | Take, None, tuple[mx.array, np.ndarray]]:
    """Diffusion and decoding: the latents and the audio (2, samples)."""
    span = next(work.spans)
    latents = noise
    states = model.latents(work.request, canvases, work.steps, noise, kept)
    yield Progress("diffusion", span.start)
    for step in range(1, len(canvases) + 1):
        with work.meter("diffusion"):
            latents, clean = next(states)
        now = span.at(_DIFFUSION * step / len(canvases))
        yield Progress("diffusion", now)
        if step in previews:
            yield from _previewed(model, work, clean, step, ProgressSpan(now, 0.0))
    rest = ProgressSpan(span.at(_DIFFUSION), span.length * (1 - _DIFFUSION))
    return latents, (yield from _decoded(model, work, latents, rest))


def _previewed(
    model: Stages, work: Work, clean: mx.array, step: int, span: ProgressSpan
) -> Generator[Progress | Take, None, None]:
    """What the mix would be if it ended with this step. Silence is not worth hearing."""
    sound = yield from _decoded(model, work, clean, span)
    with suppress(audio.BadAudio):
        gain = work.stored.gain if work.stored else 1.0
        clip = postprocess.finished(work.request, {"mix": sound}, work.source, gain).clips["mix"]
        info = TakeInfo(work.request, model.name, bits=model.weights.bits)
        yield Take(f"{PREVIEW}{step}", mx.array(clip), info)


def _decoded(
    model: Stages, work: Work, latents: mx.array, span: ProgressSpan
) -> Generator[Progress, None, np.ndarray]:
    """The audio (2, samples); a loop's is its exact length."""
    loop = work.request.loop
    hop = model.vae.config.hop
    around = model.vae.decoder_receptive_field
    shown = loops.surrounded(latents, around) if loop else latents
    pieces = []
    done = 0
    whole = shown.shape[1] * hop
    for piece in work.meter.each("decode", model.vae.decode_tiles(shown)):
        pieces.append(piece[0])
        done += piece.shape[1]
        yield Progress("decode", span.at(min(1.0, done / whole)))
    sound = np.concatenate(pieces)
    if loop:
        with work.meter("decode"):
            sound = audio.periodic(sound[around * hop : -around * hop], work.request.samples)
    return sound.T
