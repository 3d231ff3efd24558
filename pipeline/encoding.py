"""Sounds that a generation works on become latents: its source, its guide, its reference."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator

import mlx.core as mx
import numpy as np

from . import audio, caches, reference, tasks
from .guide.score import Score
from .latent_store import StoredLatents
from .request import Request
from .stages import REFERENCE_FRAMES, Stages
from .take import Progress
from .tasks import Material
from .work import Meter, ProgressSpan, Work


def opened(
    model: Stages, request: Request, meter: Meter
) -> Generator[Progress, None, tuple[Request, np.ndarray]]:
    """The source's sound, (samples in whole frames, 2), and the request with the clip's length."""
    pieces = []
    yield Progress("source", 0.0)
    for piece in meter.each("source", audio.blocks(request.source)):
        pieces.append(piece)
        yield Progress("source", 0.0)
    with meter("source"):
        return tasks.staged(request, np.concatenate(pieces), model.vae.config.hop)


def gathered(
    model: Stages, work: Work, source: np.ndarray | None, score: Score | None
) -> Generator[Progress, None, Material]:
    """What the scenes are made of: the source and the guide, encoded."""
    latents = {}
    if source is not None:
        latents["source"] = yield from _heard_again(model, work, source)
    if score is not None:
        with work.meter("guide"):
            drawing = model.drawing(work.request, score)
        latents["guide"] = yield from encoded(model, work, "guide", drawing)
    with work.meter("condition"):
        material = model.material(work.request, 0 if source is None else len(source), **latents)
    if work.request.reference:
        material = dataclasses.replace(material, reference=(yield from _timbre(model, work)))
    return material


def stored(model: Stages, request: Request) -> StoredLatents | None:
    """What the source was decoded from, where that is known and of use."""
    kept = request.task and request.task != "lego" and request.region[0] >= 0
    if not kept or model.store is None or request.loop or request.source_seed >= 0:
        return None
    return model.store.get(request.source, model.vae_digest)


def _heard_again(
    model: Stages, work: Work, source: np.ndarray
) -> Generator[Progress, None, mx.array]:
    """The source's latents: those it was decoded from, or encoded."""
    if work.stored is None:
        return (yield from encoded(model, work, "source", source))
    yield Progress("source", next(work.spans).start)
    frames = model.frames(work.request)
    hop = model.vae.config.hop
    there = mx.array(work.stored.latents[: -(-_sounding(source) // hop)])[None, :frames]
    return mx.concatenate([there, model.silent(frames - there.shape[1])], axis=1)


def _timbre(model: Stages, work: Work) -> Generator[Progress, None, mx.array]:
    """The latents (1, 750, 64) of what the request is to sound like."""
    span = next(work.spans)
    pieces = []
    yield Progress("reference", span.start)
    for piece in work.meter.each("reference", audio.blocks(work.request.reference, "reference")):
        pieces.append(piece)
        yield Progress("reference", span.start)
    with work.meter("reference"):
        sound = reference.parts(work.request, np.concatenate(pieces))
    return (yield from _tiled(model, work, "reference", sound, REFERENCE_FRAMES, span))


def encoded(
    model: Stages, work: Work, stage: str, sound: np.ndarray
) -> Generator[Progress, None, mx.array]:
    """The latents (1, frames, 64) of sound (samples, 2), followed by silence."""
    span = next(work.spans)
    yield Progress(stage, span.start)
    return (yield from _tiled(model, work, stage, sound, model.frames(work.request), span))


def _tiled(
    model: Stages, work: Work, stage: str, sound: np.ndarray, frames: int, span: ProgressSpan
) -> Generator[Progress, None, mx.array]:
    """The same, unless it has been encoded before."""
    loop = work.request.loop and stage != "reference"
    pieces = []
    done = 0
    with work.meter(stage):
        drawn = work.request.source_seed if stage == "source" else -1
        made_from = caches.digest(sound, f"{frames} {loop} {drawn}")
        known: mx.array | None = model.cache.find(stage, made_from)
    if known is not None:
        return known
    if loop:
        tiles = model.encode_loop(sound[: work.request.samples], frames, drawn)
    else:
        tiles = model.encode(sound, frames, drawn)
    for piece in work.meter.each(stage, tiles):
        pieces.append(piece)
        done += piece.shape[1]
        yield Progress(stage, span.at(min(1.0, done / frames)))
    return model.cache.keep(stage, made_from, mx.array(np.concatenate(pieces, axis=1)))


def _sounding(source: np.ndarray) -> int:
    """Samples up to the end of the last one that is not zero."""
    found = np.flatnonzero(source.any(axis=1))
    return int(found[-1]) + 1 if found.size else 0
