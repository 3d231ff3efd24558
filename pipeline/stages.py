"""A loaded model, and each stage of a generation by itself: for those who want one of them, and for
`generate`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import mlx.core as mx
import numpy as np
from tokenizers import Tokenizer

from . import audio, caches, codes, cost, loops, prompts, sampler, tasks
from .caches import Cache
from .guide import synth
from .guide.guide import resolve_guide
from .guide.score import Score
from .latent_store import LatentStore
from .networks.dit import CrossKV
from .networks.ops import Ops
from .planner.slot import PlannerSlot
from .request import SAMPLE_RATE, TRACKS, BadRequest, Request
from .tasks import KeptSource, Material, RepaintBlend, Scene
from .weights import checkpoint, quantise
from .weights.adapter import Adapter
from .weights.checkpoint import Checkpoint

RINGING = SAMPLE_RATE // 4  # samples that a guide's last notes may need
REFERENCE_FRAMES = 750  # of silence, where no reference audio is given


class Conditioning(NamedTuple):
    """What the DiT sees beside the noise in one step."""

    cross: CrossKV  # the condition, as every layer's keys and values
    context: mx.array  # (1, frames, 128): source latents and chunk mask


class Stages:
    """One loaded model. Source of the procedure: the official `AceStepHandler.service_generate`."""

    def __init__(
        self, parts: Checkpoint, ops: Ops, dtype: mx.Dtype, bits: int = 0, planner: str = ""
    ) -> None:
        self.name = (
            f"{parts.name}/{parts.variant}"
            if not parts.name.endswith(parts.variant)
            else parts.name
        )
        self.model, self.config = checkpoint.load_model(parts.dit, ops, dtype, bits)
        self.text_encoder, self.tokenizer = checkpoint.load_text_encoder(
            parts.text_encoder, ops, dtype, bits
        )
        self.weights = quantise.detect_format(self.model)
        self.adapters: tuple[Adapter, ...] = ()
        self.cache = Cache()
        self.store: LatentStore | None = None
        self.vae = checkpoint.load_vae(parts.vae, ops)
        self.vae_digest = caches.digest(self.vae.decoder.conv1.weight).hex()
        self.silence = checkpoint.load_silence(parts.dit)
        self.desk = PlannerSlot(
            parts.text_encoder.parent, ops, dtype, "" if self.config.guided else planner, bits
        )
        self.defaults, self.tasks = cost.variant(
            parts.variant, self.config.is_turbo, self.config.extracts
        )

    def timesteps(self, request: Request) -> np.ndarray:
        return sampler.timesteps(request, self.config.is_turbo)

    def steps_out(self, request: Request) -> np.ndarray:
        """The timesteps in which a stem is taken out."""
        own = (
            {"num_steps": self.config.extract_steps, "timesteps": ""}
            if self.config.extract_steps
            else {}
        )
        return self.timesteps(request.changed(own))

    def decided(self, request: Request) -> tuple[Request, Score | None]:
        """The request with everything that the guide decides, and the guide's notes. Raises
        `BadRequest`.
        """
        guided = self.config.guided and request.task not in tasks.UNGUIDED and not request.codes
        return resolve_guide(request, "auto" if guided else "off")

    def encode_text(
        self, request: Request, task: str = "text2music", tracks: Sequence[str] = ()
    ) -> tuple[mx.array, mx.array]:
        """The caption's states (1, T, width) and the lyrics' embeddings (1, L, width)."""
        if not self.config.sings:
            request = dataclasses.replace(request, lyrics="", language="unknown")
        caption, lyrics = prompts.for_request(request, task, tuple(tracks))
        ids = self.tokens(caption, prompts.TEXT_LIMIT)
        text = self.cache("text", caches.digest(ids), lambda: self.text_encoder(ids))
        embedded = self.text_encoder.embed(self.tokens(lyrics, prompts.LYRIC_LIMIT))
        mx.eval(embedded)
        return text, embedded

    def tokens(self, prompt: str, limit: int) -> mx.array:
        return mx.array([token_ids(self.tokenizer, prompt, limit)])

    def condition(
        self, text: mx.array, lyrics: mx.array, reference: mx.array | None = None
    ) -> mx.array:
        """The packed condition (1, S, width), with the timbre of the reference's latents (1, R,
        64), or of silence.
        """
        reference = self.silent(REFERENCE_FRAMES) if reference is None else reference
        encoder = self.model.encoder
        heard = reference.astype(text.dtype)
        sung = self.cache("lyrics", caches.digest(lyrics), lambda: encoder.lyric_encoder(lyrics))
        timbre = self.cache(
            "timbre", caches.digest(heard), lambda: encoder.timbre_encoder(heard)[None]
        )
        condition = encoder.join(text, sung, timbre)
        mx.eval(condition)
        return condition

    def silent(self, frames: int) -> mx.array:
        """The latents of silence (1, frames, 64), from their start; repeated when more are asked
        for.
        """
        repeats = -(-frames // self.silence.shape[1])
        return mx.tile(self.silence, (1, repeats, 1))[:, :frames]

    def encode(self, sound: np.ndarray, frames: int, seed: int = -1) -> Iterator[mx.array]:
        """The latents (1, frames, 64), piece by piece, of the whole frames of sound (samples, 2),
        then of silence.

        They are the posterior's mean, or with a `seed` drawn from it.
        """
        done = 0
        for piece in self.vae.encode_tiles(
            mx.array(sound)[None], noise=self._draw(len(sound), seed)
        ):
            done += piece.shape[1]
            yield piece
        if done < frames:
            yield self.silent(frames - done)

    def _draw(self, samples: int, seed: int) -> mx.array | None:
        shape = (1, samples // self.vae.config.hop, self.config.audio_acoustic_hidden_dim)
        return None if seed < 0 else mx.random.normal(shape, key=mx.random.key(seed))

    def encode_loop(self, sound: np.ndarray, frames: int, seed: int = -1) -> Iterator[mx.array]:
        """The latents (1, frames, 64) of sound (samples, 2) that repeats."""
        around = self.vae.encoder_receptive_field
        hop = self.vae.config.hop
        circle = audio.periodic(sound, frames * hop)
        shown = np.take(
            circle, np.arange(-around * hop, (frames + around) * hop), axis=0, mode="wrap"
        )
        tiles = self.vae.encode_tiles(mx.array(shown)[None], noise=self._draw(len(shown), seed))
        yield mx.concatenate(list(tiles), axis=1)[:, around : around + frames]

    def drawing(self, request: Request, score: Score) -> np.ndarray:
        """The guide's sound (samples, 2); what rings at the end of a loop is heard at its
        beginning.
        """
        if not request.loop:
            return synth.render(score, request.samples)
        return loops.folded(synth.render(score, request.samples + RINGING), request.samples)

    def coded(self, latents: mx.array) -> tuple[int, ...]:
        """The 5 Hz audio codes of latents (1, T, 64), the last of them with silence behind."""
        missing = -latents.shape[1] % self.config.pool_window_size
        found = self.model.tokenizer(mx.concatenate([latents, self.silent(missing)], axis=1))
        return tuple(np.array(found)[0].tolist())

    def hinted(self, given: Sequence[int], frames: int) -> mx.array:
        """What 5 Hz audio codes stand for: latents (1, frames, 64), followed by silence where the
        codes end.
        """
        quantized = self.model.tokenizer.quantizer.dequantise(mx.array([given], mx.int32))
        latents = self.model.detokenizer(quantized)[:, :frames].astype(mx.float32)
        return mx.concatenate([latents, self.silent(frames - latents.shape[1])], axis=1)

    def material(
        self,
        request: Request,
        samples: int = 0,
        source: mx.array | None = None,
        guide: mx.array | None = None,
    ) -> Material:
        """What tasks make scenes of. `samples`: how long the source was before it was encoded.

        A guided voice has no audio codes, and was taught to paint everything.
        """
        hop = self.vae.config.hop
        frames = self.frames(request)
        plain = self.config.guided
        given = codes.parse(request.codes)
        if request.task == "cover" and source is not None and not plain:
            given = self.coded(source)
        place = tasks.window(request, samples)
        window = range(place.start // hop, place.stop // hop)
        hints = self.hinted(given, frames) if given else None
        guide = hints if request.codes else guide
        silence = self.silent(frames)
        return Material(silence, source, guide, window, hints=hints, masked=not plain, codes=given)

    def kept(self, request: Request, material: Material, noise: mx.array) -> KeptSource | None:
        """What a repaint keeps."""
        if request.task != "repaint":
            return None
        return KeptSource(material.given, noise, material.window, RepaintBlend.asked(request))

    def playing(self, request: Request, material: Material, task: str, track: str) -> Conditioning:
        # what is taken out sounds as it is in the mix
        timbre = material.reference if task != "extract" else None
        condition = self.condition(*self.encode_text(request, task, [track]), timbre)
        return self.canvas(condition, tasks.TASKS[task](material))

    def canvas(self, condition: mx.array, scene: Scene) -> Conditioning:
        return Conditioning(self.crossed(condition), self.context(scene))

    def crossed(self, condition: mx.array) -> CrossKV:
        """The condition as every layer's keys and values."""
        return self.cache(
            "cross",
            caches.digest(condition),
            lambda: self.model.decoder.project_condition(condition),
        )

    def context(self, scene: Scene) -> mx.array:
        """(1, frames, 128): the source latents, and the chunk mask for each of their channels."""
        mask = mx.broadcast_to(scene.mask[..., None], scene.source.shape)
        return mx.concatenate([scene.source, mask], axis=-1)

    def frames(self, request: Request) -> int:
        return cost.frames(request, self.vae.config.hop)

    def noise(self, request: Request, track: str = "", draw: int = 0) -> mx.array:
        """(1, frames, 64), from the seed and the variation's; every track and every draw has a
        noise of its own.
        """
        shape = (1, self.frames(request), self.config.audio_acoustic_hidden_dim)

        def of(seed: int) -> mx.array:
            key = mx.random.key(seed + (draw << 32))  # a seed has 32 bits of a key's 64
            if track:
                key = mx.random.split(key, len(TRACKS))[TRACKS.index(track)]
            return mx.random.normal(shape, key=key)

        if not request.variation:
            return of(request.seed)
        return sampler.slerp(of(request.seed), of(request.variation_seed), request.variation)

    def varied(self, request: Request, noise: mx.array) -> mx.array:
        """Noise (1, frames, 64) that is given, towards the variation's. Raises `BadRequest` for
        another length.
        """
        other = self.noise(
            dataclasses.replace(request, seed=max(0, request.variation_seed), variation=0.0)
        )
        if noise.shape != other.shape:
            frames = f"must have {other.shape[1]} frames for {request.length:.6g} s, got {noise.shape[1]}"
            raise BadRequest(f"the noise {frames}", "ask for the length that it was made for")
        return sampler.slerp(noise, other, request.variation) if request.variation else noise

    def latents(
        self,
        request: Request,
        canvases: Sequence[Conditioning],
        steps: np.ndarray,
        noise: mx.array,
        kept: KeptSource | None = None,
    ) -> Iterator[sampler.SamplerState]:
        """The states of the diffusion (1, frames, 64), one per step; the last one is the clip's
        latents.
        """
        guidance = sampler.Guidance.of(request)
        decoder = self.model.decoder
        # The official code repeats this vector over the whole condition; attention over equal keys
        # is one of them.
        null = self.crossed(self.model.null_condition_emb) if guidance.scale != 1 else []

        def velocity(
            x: mx.array, t: float, step: int, guided: bool
        ) -> tuple[mx.array, mx.array | None]:
            at = mx.full((x.shape[0],), t)
            (cross, context) = canvases[step]

            def to(cross: CrossKV) -> mx.array:
                if request.loop:
                    return loops.circular(
                        lambda x, context: decoder(x, context, at, at, cross), x, context, step
                    )
                return decoder(x, context, at, at, cross)

            return to(cross), to(null) if guided else None

        return sampler.denoise(velocity, noise, steps, guidance, kept, self.solver(request, steps))

    def solver(self, request: Request, steps: np.ndarray) -> sampler.Solver:
        """How the steps are made; its state is one generation's."""
        if request.sampler == "heun":
            return sampler.Heun(to_the_end=not self.config.is_turbo)
        if request.sampler == "sde":
            # its base class does not shift these
            official = not self.config.is_turbo and not request.timesteps
            levels = sampler.schedule(len(steps), 1.0)[1:] if official else steps[1:]
            return sampler.Sde(
                lambda step: self.noise(request, draw=step + 1), np.append(levels, 0.0)
            )
        return {
            "euler": lambda: sampler.euler,
            "ab2": sampler.AdamsBashforth,
            "dpm": sampler.DpmSolver,
        }[request.sampler]()


def token_ids(tokenizer: Tokenizer, prompt: str, limit: int) -> list[int]:
    """At most `limit` ids. The tokenizer appends an end token of its own, which a cut must keep."""
    ids = tokenizer.encode(prompt).ids
    return ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]
