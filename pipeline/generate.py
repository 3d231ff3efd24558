"""`load` a model; `AceStep.generate` music with it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import mlx.core as mx
import numpy as np
from tokenizers import Tokenizer

from . import audio, checkpoint, guide, ops, prompts, sampler
from .checkpoint import Checkpoint
from .dit import CrossKV
from .request import SAMPLE_RATE, TRACKS, BadRequest, Progress, Request, Take
from .score import Score

MIN_FRAMES = 128  # the model's shortest clip, 5.12 s: shorter ones are made longer and cut
CACHE_LIMIT = 2**31  # bytes MLX may keep while it renders instead of giving them back: the DAW wants memory too
REFERENCE_FRAMES = 750  # of silence, where no reference audio is given

# Rough shares of the work, for the progress fraction: text, condition; the rest by steps and seconds.
_TEXT, _CONDITION, _FINISH = 0.02, 0.05, 0.02
_DIFFUSION = 0.8  # of what is left: the rest of it is decoding
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


class Canvas(NamedTuple):
    """What the DiT sees beside the noise in one step."""

    cross: CrossKV  # the condition, as every layer's keys and values
    context: mx.array  # (1, frames, 128): source latents and chunk mask


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
        request, score = self.decided(request)
        timings: dict[str, float] = {}
        yield Progress("text", 0.0)
        with _timed(timings, "text"):
            texts = [self.encode_text(request, task) for task in _tasks(request, score)]
        yield Progress("condition", _TEXT)
        with _timed(timings, "condition"):
            conditions = [self.condition(*text) for text in texts]
            silent = self.silent(self.frames(request))
        sources = [silent]
        if score:
            with _timed(timings, "guide"):
                sources = [self.guide(request, score), silent]
        yield Progress("diffusion", _CONDITION)

        steps = sampler.timesteps(request, self.config.is_turbo)
        canvases = [self.canvas(*seen) for seen in zip(conditions, sources)]
        turn = int(len(steps) * request.guide_strength)
        by_step = [canvases[0] if step < turn else canvases[-1] for step in range(len(steps))]
        tracks = request.stems.split()
        span = (1 - _CONDITION - _FINISH) / (1 + len(tracks))
        noise = self.noise(request) if noise is None else noise
        latents, mix = yield from self._painted(request, by_step, steps, noise, timings, (_CONDITION, span))
        stems = []
        for number, track in enumerate(tracks, 1):
            with _timed(timings, "condition"):
                canvas = self.canvas(self.condition(*self.encode_text(request, "extract", track)), latents)
            part = [canvas] * len(steps), steps, self.noise(request, track), timings, (_CONDITION + number * span, span)
            stems.append((yield from self._painted(request, *part))[1])
        yield Progress("finish", 1 - _FINISH)
        with _timed(timings, "finish"):
            clips = audio.finished_together(mix, stems, request.samples, request.peak_db, request.normalize)
            mx.clear_cache()
        for name, clip in zip(["mix", *tracks], clips, strict=True):
            yield Take(name, mx.array(clip), request, self.name, timings, tuple(steps.tolist()), self.notes(request))

    def extract(self, mix: np.ndarray, track: str, prompt: str = "", seed: int = 0) -> np.ndarray:
        """One track (samples, 2) of a mix (samples, 2) float32 at 48 kHz, aligned with it and as loud as in it.

        `track`: one of `request.TRACKS`. Raises `BadRequest` when the model cannot.
        """
        request, _ = self.decided(Request(prompt, seconds=len(mix) / SAMPLE_RATE, seed=seed, stems=track, guide="off"))
        latents = self.encode(mix, self.frames(request))
        canvas = self.canvas(self.condition(*self.encode_text(request, "extract", track)), latents)
        steps = sampler.timesteps(request, self.config.is_turbo)
        *_, painted = self.latents(request, [canvas] * len(steps), steps, self.noise(request, track))
        return np.concatenate([np.array(tile[0]) for tile in self.vae.decode_tiles(painted)])[: len(mix)]

    def decided(self, request: Request) -> tuple[Request, Score | None]:
        """The request with everything the model and the guide decide, and the guide's notes. Raises `BadRequest`."""
        request = self.defaults.fill(request.resolved())
        if request.stems and not self.config.extracts:
            raise BadRequest(f"{self.name} cannot take stems out of a clip", "leave stems empty, or load mini")
        return guide.drawn(request, usual="auto" if self.config.guided else "off")

    def notes(self, request: Request) -> tuple[str, ...]:
        """What of the request the model cannot do."""
        unsung = request.lyrics.strip() and not self.config.sings
        return (f"{self.name} does not sing: the lyrics were left out",) if unsung else ()

    def _painted(
        self,
        request: Request,
        canvases: Sequence[Canvas],
        steps: np.ndarray,
        noise: mx.array,
        timings: dict[str, float],
        span: tuple[float, float],
    ) -> Generator[Progress, None, tuple[mx.array, np.ndarray]]:
        """Diffusion and decoding: the latents and the audio (2, samples). `span` is where the progress starts, and how
        much of it this is."""
        start, length = span
        states = self.latents(request, canvases, steps, noise)
        latents = noise
        for step in range(len(steps)):
            with _timed(timings, "diffusion"):
                latents = next(states)
            yield Progress("diffusion", start + length * _DIFFUSION * (step + 1) / len(steps))
        pieces, whole = [], latents.shape[1] * self.vae.config.hop
        for piece in _computed(self.vae.decode_tiles(latents), timings):
            pieces.append(piece)
            done = min(1.0, sum(map(len, pieces)) / whole)
            yield Progress("decode", start + length * (_DIFFUSION + (1 - _DIFFUSION) * done))
        return latents, np.concatenate(pieces).T

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
        return self.frames(request) * (passes + _FIXED_PASSES) * (1 + len(request.stems.split()))

    # --- the stages, for those who want one of them --------------------------------------------------------------

    def encode_text(self, request: Request, task: str = "text2music", track: str = "") -> tuple[mx.array, mx.array]:
        """The caption's states (1, T, width) and the lyrics' embeddings (1, L, width)."""
        if not self.config.sings:
            request = dataclasses.replace(request, lyrics="", language="unknown")
        caption, lyrics = prompts.for_request(request, task, (track,) if track else ())
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

    def encode(self, audio: np.ndarray, frames: int) -> mx.array:
        """The latents (1, frames, 64) of audio (samples, 2), followed by silence where it is shorter."""
        whole = np.zeros((frames * self.vae.config.hop, 2), np.float32)
        whole[: len(audio)] = audio[: len(whole)]
        return self.vae.encode_tiles(mx.array(whole)[None])

    def guide(self, request: Request, score: Score) -> mx.array:
        """The latents (1, frames, 64) of the guide."""
        return self.encode(guide.render(score, request.samples), self.frames(request))

    def canvas(self, condition: mx.array, source: mx.array) -> Canvas:
        return Canvas(self.model.decoder.cross(condition), self.context(source))

    def context(self, source: mx.array) -> mx.array:
        """Source latents (1, frames, 64) and a chunk mask that says: paint everything."""
        return mx.concatenate([source, mx.ones_like(source)], axis=-1)

    def frames(self, request: Request) -> int:
        return max(MIN_FRAMES, -(-request.samples // self.vae.config.hop))

    def noise(self, request: Request, track: str = "") -> mx.array:
        """(1, frames, 64), from the seed; every track has a noise of its own."""
        key = mx.random.key(request.seed)
        if track:
            key = mx.random.split(key, len(TRACKS))[TRACKS.index(track)]
        shape = (1, self.frames(request), self.config.audio_acoustic_hidden_dim)
        return mx.random.normal(shape, key=key)

    def latents(
        self, request: Request, canvases: Sequence[Canvas], steps: np.ndarray, noise: mx.array
    ) -> Iterator[mx.array]:
        """The states of the diffusion (1, frames, 64), one per step; the last ones are the clip's latents."""
        guidance = sampler.Guidance.of(request)
        decoder = self.model.decoder
        # The official code repeats this vector over the whole condition; attention over equal keys is one of them.
        null = decoder.cross(self.model.null_condition_emb)

        def velocity(x: mx.array, step: int, guided: bool) -> tuple[mx.array, mx.array | None]:
            at, (cross, context) = mx.full((x.shape[0],), steps[step].item()), canvases[step]
            cond = decoder(x, context, at, at, cross)
            return cond, decoder(x, context, at, at, null) if guided else None

        return sampler.denoise(velocity, noise, steps, guidance)


def _tasks(request: Request, score: Score | None) -> tuple[str, ...]:
    """What the prompt asks for while the guide is followed, and afterwards."""
    if score is None:
        return ("text2music",)
    return ("cover",) if request.guide_strength == 1 else ("cover", "text2music")


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
