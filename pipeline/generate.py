"""`load` a model; `AceStep.generate` music with it."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import mlx.core as mx
import numpy as np
from tokenizers import Tokenizer

from . import audio, checkpoint, ops, prompts, sampler
from .checkpoint import Checkpoint
from .request import Progress, Request, Take

MIN_FRAMES = 128  # the model's shortest clip, 5.12 s: shorter ones are made longer and cut
CACHE_LIMIT = 2**31  # bytes MLX may keep while it renders instead of giving them back: the DAW wants memory too
REFERENCE_FRAMES = 750  # of silence, where no reference audio is given

# Rough shares of the work, for the progress fraction: text, condition; the rest by steps and seconds.
_TEXT, _CONDITION, _DIFFUSION, _FINISH = 0.02, 0.05, 0.75, 0.02
_FIXED_PASSES = 4.0  # encoding and decoding take about as long as this many passes


def load(name: str = "mini", variant: str = "", dtype: mx.Dtype | None = None) -> AceStep:
    """Load a model onto the calling thread, which then is the only one that may use it.

    `name`: a folder in the official layout, a hub name (`ACE-Step/ACE-Step1.5`, fetched when it is not on this
    machine), or the embedded voice `mini`. `variant`: the sub-folder of the DiT, turbo by default. `dtype`: float32
    on a CPU, bfloat16 on a GPU by default. Raises `CheckpointError` (a ValueError) naming the file and what to do.
    """
    mx.set_cache_limit(CACHE_LIMIT)
    ops.can_compile()  # decided before anything is compiled
    return AceStep(checkpoint.fetch(name, variant), dtype or checkpoint.default_dtype())


class AceStep:
    """One loaded model. Source of the procedure: the official `AceStepHandler.service_generate`."""

    def __init__(self, parts: Checkpoint, dtype: mx.Dtype) -> None:
        self.name = f"{parts.name}/{parts.variant}" if not parts.name.endswith(parts.variant) else parts.name
        self.model, self.config = checkpoint.load_model(parts.dit, dtype)
        self.text_encoder, self.tokenizer = checkpoint.load_text_encoder(parts.text_encoder, dtype)
        self.vae = checkpoint.load_vae(parts.vae)
        self.silence = checkpoint.load_silence(parts.dit)
        self.defaults = sampler.TURBO if self.config.is_turbo else sampler.BASE

    def generate(
        self,
        text: str,
        lyrics: str = "",
        duration: float = 30.0,
        seed: int | None = None,
        num_steps: int = 8,
        guidance_scale: float = 1.0,
        guidance_interval: float = 0.5,
        cfg_type: str = "apg",
        vocal_language: str = "unknown",
        **more: Any,
    ) -> Iterator[Take]:
        """Yield finished takes: `.audio` is an mx.array (2, samples) float32 in [-1, 1], `.sample_rate` is 48000.

        text: style, instruments, mood. lyrics: with [verse] markers; empty is instrumental. duration: seconds,
        0.1..600. seed: the same one makes the same bytes; None draws one. num_steps: 8 suits turbo; 0 is the model's
        own. guidance_scale: 1 is none. guidance_interval: the middle part of the steps that is guided, 0..1.
        cfg_type: "apg" or "cfg". vocal_language: a code like "en". more: any other field of `Request`
        (bpm=120, bars=4, key="A minor", ...). Raises `BadRequest` (a ValueError).
        """
        values = {"prompt": text, "lyrics": lyrics, "seconds": duration, "seed": -1 if seed is None else seed}
        values |= {"num_steps": num_steps, "guidance_scale": guidance_scale, "guidance_interval": guidance_interval}
        request = Request().changed(values | {"cfg_type": cfg_type, "language": vocal_language} | more)
        return (event for event in self.render(request) if isinstance(event, Take))

    def render(self, request: Request, noise: mx.array | None = None) -> Generator[Progress | Take, None, None]:
        """Yield `Progress` as the work goes, then the `Take`. Closing the iterator cancels.

        `noise` (1, frames, 64) replaces what the seed would draw. Raises `BadAudio` when the result is not music.
        """
        request = self.defaults.fill(request.resolved())
        timings: dict[str, float] = {}
        yield Progress("text", 0.0)
        with _timed(timings, "text"):
            text, lyrics = self.encode_text(request)
        yield Progress("condition", _TEXT)
        with _timed(timings, "condition"):
            condition = self.condition(text, lyrics)
        yield Progress("diffusion", _CONDITION)

        steps = sampler.timesteps(request, self.config.is_turbo)
        states = self.latents(request, condition, steps, self.noise(request) if noise is None else noise)
        latents = self.silence[:, :0]
        for step in range(len(steps)):
            with _timed(timings, "diffusion"):
                latents = next(states)
            yield Progress("diffusion", _CONDITION + _DIFFUSION * (step + 1) / len(steps))

        pieces, whole = [], latents.shape[1] * self.vae.config.hop
        for piece in _computed(self.vae.decode_tiles(latents), timings):
            pieces.append(piece)
            done = sum(map(len, pieces)) / whole
            yield Progress("decode", 1 - _FINISH - (1 - _CONDITION - _DIFFUSION - _FINISH) * max(0.0, 1 - done))
        yield Progress("finish", 1 - _FINISH)
        with _timed(timings, "finish"):
            decoded = np.concatenate(pieces).T
            clip = audio.finished(decoded, request.samples, request.peak_db, request.normalize)
            mx.clear_cache()
        yield Take("mix", mx.array(clip), request, self.name, timings, tuple(steps.tolist()))

    def audition(self, request: Request) -> None:
        """Go through a whole generation and throw it away, whatever it sounds like: afterwards kernels are compiled."""
        with suppress(audio.BadAudio):
            for _ in self.render(request):
                pass

    def cost(self, request: Request) -> float:
        """How much computing a request is, in a unit of its own: frames times passes of the network."""
        request = self.defaults.fill(request)
        guided = request.guidance_scale != 1.0
        passes = request.num_steps * (1 + request.guidance_interval * guided)
        return self.frames(request) * (passes + _FIXED_PASSES)

    # --- the stages, for those who want one of them --------------------------------------------------------------

    def encode_text(self, request: Request) -> tuple[mx.array, mx.array]:
        """The caption's states (1, T, width) and the lyrics' embeddings (1, L, width)."""
        caption, lyrics = prompts.for_request(request)
        text = self.text_encoder(self.tokens(caption, prompts.TEXT_LIMIT))
        embedded = self.text_encoder.embed(self.tokens(lyrics, prompts.LYRIC_LIMIT))
        mx.eval(text, embedded)
        return text, embedded

    def tokens(self, prompt: str, limit: int) -> mx.array:
        return mx.array([token_ids(self.tokenizer, prompt, limit)])

    def condition(self, text: mx.array, lyrics: mx.array) -> mx.array:
        """The packed condition (1, S, width), with silence as the reference for the timbre."""
        reference = self.silent(REFERENCE_FRAMES).astype(text.dtype)
        condition = self.model.encoder(text, lyrics, reference)
        mx.eval(condition)
        return condition

    def silent(self, frames: int) -> mx.array:
        """The latents of silence (1, frames, 64), from their start; repeated when more are asked for."""
        repeats = -(-frames // self.silence.shape[1])
        return mx.tile(self.silence, (1, repeats, 1))[:, :frames]

    def context(self, frames: int) -> mx.array:
        """Source latents and chunk mask (1, frames, 128) of text2music: nothing to keep, everything to paint."""
        silence = self.silent(frames)
        return mx.concatenate([silence, mx.ones_like(silence)], axis=-1)

    def frames(self, request: Request) -> int:
        return max(MIN_FRAMES, -(-request.samples // self.vae.config.hop))

    def noise(self, request: Request) -> mx.array:
        shape = (1, self.frames(request), self.config.audio_acoustic_hidden_dim)
        return mx.random.normal(shape, key=mx.random.key(request.seed))

    def latents(self, request: Request, condition: mx.array, steps: np.ndarray, noise: mx.array) -> Iterator[mx.array]:
        """The states of the diffusion (1, frames, 64), one per step; the last ones are the clip's latents."""
        context = self.context(noise.shape[1])
        guidance = sampler.Guidance.of(request)
        decoder = self.model.decoder
        cross = decoder.cross(condition)
        # The official code repeats this vector over the whole condition; attention over equal keys is one of them.
        null = decoder.cross(self.model.null_condition_emb)

        def velocity(x: mx.array, t: float, guided: bool) -> tuple[mx.array, mx.array | None]:
            at = mx.full((x.shape[0],), t)
            cond = decoder(x, context, at, at, cross)
            return cond, decoder(x, context, at, at, null) if guided else None

        return sampler.denoise(velocity, noise, steps, guidance)


def token_ids(tokenizer: Tokenizer, prompt: str, limit: int) -> list[int]:
    """At most `limit` ids. The tokenizer appends an end token of its own, which a cut must keep."""
    ids = tokenizer.encode(prompt).ids
    return ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]


def _computed(tiles: Iterator[mx.array], timings: dict[str, float]) -> Iterator[np.ndarray]:
    """Tile after tile (samples, 2), evaluated."""
    while True:
        with _timed(timings, "decode"):
            tile = next(tiles, None)
            if tile is None:
                return
            mx.eval(tile)  # lets other threads run, which the copy's own evaluation does not
            piece = np.array(tile[0])
        yield piece


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timings[stage] = timings.get(stage, 0.0) + time.perf_counter() - started
