"""One loaded model: its networks, and every computation of a generation by itself.

Source of the procedure: the official `AceStepHandler.service_generate`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Generator, Iterable, Iterator, Sequence
from typing import NamedTuple

import mlx.core as mx
import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from . import audio, caches, codes, cost, loops, memory, prompts, sampler, tasks
from .caches import Cache
from .capabilities import Capabilities
from .guide.composer.form import LyricSection
from .guide.guide import Guide, resolve_guide
from .latent_store import LatentStore, StoredLatents
from .networks.dit import CrossKV
from .networks.ops import Ops
from .planner.slot import PlannerSlot
from .request import TRACKS, BadRequest, Request
from .schedules import Schedule, build_schedule
from .source_window import find_window
from .tasks import InputLatents, RepaintBlend, SourceInjection, TaskContext
from .variants import find_variant
from .weights import adapter, checkpoint, lora, quantise
from .weights.adapter import Adapter
from .weights.checkpoint import Checkpoint

TIMBRE_FRAMES = 750  # of a reference, or of silence where there is none: 30 s


class Conditioning(NamedTuple):
    """What the DiT sees beside the noise in one step."""

    cross_kv: CrossKV  # the condition, as every layer's keys and values
    context_latents: mx.array  # (1, frames, 128): source latents and chunk mask


class Model:
    """One loaded model. It belongs to the thread that loaded it.

    `token_cost` is what a token of its planner costs in the unit of `estimate_cost`, as the newest
    planned take has shown; `peak_bytes` the most that a generation took beside the planner.
    """

    def __init__(
        self,
        parts: Checkpoint,
        ops: Ops,
        dtype: mx.Dtype | None = None,
        bits: int = 0,
        planner: str = "",
    ) -> None:
        self.name = parts.name
        if not parts.name.endswith(parts.variant):
            self.name = f"{parts.name}/{parts.variant}"
        self.networks, self.config = checkpoint.load_model(parts.dit, ops, dtype, bits)
        self.text_encoder, self.tokenizer = checkpoint.load_text_encoder(
            parts.text_encoder, ops, dtype, bits
        )
        self.weights = quantise.detect_format(self.networks)
        self.adapters: tuple[Adapter, ...] = ()
        self.cache = Cache()
        self.latent_store: LatentStore | None = None
        # those to whose files links are followed; None: to all files, also those of requests
        self.linked_adapters: Container[str] | None = None
        self.vae = checkpoint.load_vae(parts.vae, ops)
        self.vae_digest = caches.digest(self.vae.decoder.conv1.weight).hex()
        self.silence = checkpoint.load_silence(parts.dit)
        self.planner_slot = PlannerSlot(
            parts.text_encoder.parent,
            ops,
            dtype,
            "" if self.config.plays_guides else planner,
            bits,
        )
        published = find_variant(
            parts.variant, self.config.is_turbo, self.config.extracts, self.config.steps
        )
        self.capabilities = Capabilities(
            self.name,
            published.tasks,
            published.defaults,
            turbo=self.config.is_turbo,
            plays_guides=self.config.plays_guides,
            sings=self.config.sings,
            sings_guide=self.config.sings_guide,
            masks_stems=self.config.masks_stems,
        )
        self.token_cost = cost.DEFAULT_TOKEN_COST
        self.peak_bytes = 0

    @property
    def hop(self) -> int:
        """Audio samples in a latent frame."""
        return self.vae.config.hop

    @property
    def title(self) -> str:
        """Its name, and what else decides how it sounds: the bits of its weights, its adapters."""
        return adapter.format_title(self.name, self.weights.bits, self.adapters)

    def set_adapters(self, adapters: Iterable[adapter.AdapterLike]) -> None:
        """These LoRA adapters, and no others, from now on. Raises `AdapterError` (a ValueError);
        then it has those that it had.
        """
        checked = adapter.parse_adapters(adapters)
        dtype = self.networks.decoder.scale_shift_table.dtype
        lora.apply(self.networks, checked, dtype, self.linked_adapters)
        self.cache.clear()
        self.adapters = checked

    # --- what a request comes to ------------------------------------------------------------------

    def build_extract_timesteps(self, request: Request) -> Schedule:
        """The timesteps in which a track is taken out of a clip."""
        if self.config.extract_steps:
            own = {"num_steps": self.config.extract_steps, "timesteps": ""}
            request = request.changed(own)
        return self.capabilities.build_timesteps(request)

    def resolve_guide(
        self, request: Request, lyrics: tuple[LyricSection, ...] = ()
    ) -> tuple[Request, Guide | None]:
        """The request with everything that the guide decides, and the guide, whose form follows the
        lyrics. Raises `BadRequest`.
        """
        return resolve_guide(request, self.capabilities.default_guide(request), lyrics)

    def count_frames(self, request: Request) -> int:
        """The latent frames of its clip."""
        return cost.count_frames(request, self.hop)

    # --- texts ------------------------------------------------------------------------------------

    def encode_text(
        self, request: Request, task: str = "text2music", tracks: Sequence[str] = ()
    ) -> tuple[mx.array, mx.array]:
        """The caption's states (1, T, width) and the lyrics' embeddings (1, L, width)."""
        caption, lyrics = self._build_prompts(request, task, tracks)
        caption_ids = mx.array([encode_prompt(self.tokenizer, caption, prompts.TEXT_LIMIT)])
        states = self.cache.get(
            "text", caches.digest(caption_ids), lambda: self.text_encoder(caption_ids)
        )
        lyric_ids = mx.array([encode_prompt(self.tokenizer, lyrics, prompts.LYRIC_LIMIT)])
        embeddings = self.text_encoder.embed(lyric_ids)
        mx.eval(embeddings)
        return states, embeddings

    def find_unread(
        self, request: Request, task: str = "text2music", tracks: Sequence[str] = ()
    ) -> prompts.Unread:
        """What of a request's texts `encode_text` leaves out, as it is too long."""
        limits = (prompts.TEXT_LIMIT, prompts.LYRIC_LIMIT)
        texts = self._build_prompts(request, task, tracks)
        ends = (find_cut(self.tokenizer, text, limit) for text, limit in zip(texts, limits))
        return prompts.Unread(*map(prompts.find_unread, texts, ends))

    def _build_prompts(self, request: Request, task: str, tracks: Sequence[str]) -> tuple[str, str]:
        """That of the caption and that of the lyrics, for a model that sings or does not."""
        if not self.config.sings:
            request = dataclasses.replace(request, lyrics="", language="unknown")
        return prompts.build_prompts(request, task, tuple(tracks))

    def encode_condition(
        self, text: mx.array, lyrics: mx.array, timbre: mx.array | None = None
    ) -> mx.array:
        """The packed condition (1, S, width), with the timbre of a reference's latents (1, R, 64),
        or of silence.
        """
        latents = self.build_silence(TIMBRE_FRAMES) if timbre is None else timbre
        latents = latents.astype(text.dtype)
        encoder = self.networks.encoder
        lyric_states = self.cache.get(
            "lyrics", caches.digest(lyrics), lambda: encoder.lyric_encoder(lyrics)
        )
        timbre_states = self.cache.get(
            "timbre", caches.digest(latents), lambda: encoder.timbre_encoder(latents)[None]
        )
        condition = encoder.join(text, lyric_states, timbre_states)
        mx.eval(condition)
        return condition

    # --- latents and codes ------------------------------------------------------------------------

    def build_silence(self, frames: int) -> mx.array:
        """The latents of silence (1, frames, 64), from their start; repeated where that is longer
        than what is known of it.
        """
        repeats = -(-frames // self.silence.shape[1])
        return mx.tile(self.silence, (1, repeats, 1))[:, :frames]

    def encode_audio(
        self, waveform: npt.NDArray[np.float32], frames: int, seed: int = -1
    ) -> Iterator[mx.array]:
        """The latents (1, frames, 64), piece by piece, of the whole frames of a waveform
        (samples, 2), then of silence.

        They are the posterior's mean, or with a `seed` drawn from it.
        """
        done = 0
        noise = self._draw_posterior_noise(len(waveform), seed)
        for piece in self.vae.encode_tiles(mx.array(waveform)[None], noise=noise):
            done += piece.shape[1]
            yield piece
        if done < frames:
            yield self.build_silence(frames - done)

    def encode_loop(
        self, waveform: npt.NDArray[np.float32], frames: int, seed: int = -1
    ) -> Iterator[mx.array]:
        """The latents (1, frames, 64) of a waveform (samples, 2) that repeats."""
        margin = self.vae.encoder_receptive_field
        circle = audio.resample_periodic(waveform, frames * self.hop)
        place = np.arange(-margin * self.hop, (frames + margin) * self.hop)
        surrounded = np.take(circle, place, axis=0, mode="wrap")
        noise = self._draw_posterior_noise(len(surrounded), seed)
        tiles = self.vae.encode_tiles(mx.array(surrounded)[None], noise=noise)
        yield mx.concatenate(list(tiles), axis=1)[:, margin : margin + frames]

    def _draw_posterior_noise(self, samples: int, seed: int) -> mx.array | None:
        if seed < 0:
            return None
        shape = (1, samples // self.hop, self.config.audio_acoustic_hidden_dim)
        return mx.random.normal(shape, key=mx.random.key(seed))

    def find_stored_latents(self, request: Request) -> Generator[None, None, StoredLatents | None]:
        """What the request's source was decoded from, where that is known and of use. A step reads
        some of the source.
        """
        if not request.task or request.task == "lego" or request.window_seconds[0] < 0:
            return None
        if self.latent_store is None or request.loop or request.source_seed >= 0:
            return None
        return (yield from self.latent_store.find(request.source, self.vae_digest))

    def tokenize(self, latents: mx.array) -> tuple[int, ...]:
        """The 5 Hz audio codes of latents (1, T, 64), the last of them with silence behind."""
        missing = -latents.shape[1] % self.config.pool_window_size
        padded = mx.concatenate([latents, self.build_silence(missing)], axis=1)
        return tuple(np.array(self.networks.tokenizer(padded))[0].tolist())

    def detokenize(self, audio_codes: Sequence[int], frames: int) -> mx.array:
        """What 5 Hz audio codes stand for: latents (1, frames, 64), followed by silence where the
        codes end.
        """
        quantizer = self.networks.tokenizer.quantizer
        quantized = quantizer.dequantise(mx.array([audio_codes], mx.int32))
        latents = self.networks.detokenizer(quantized)[:, :frames].astype(mx.float32)
        return mx.concatenate([latents, self.build_silence(frames - latents.shape[1])], axis=1)

    # --- conditioning -----------------------------------------------------------------------------

    def build_inputs(
        self,
        request: Request,
        samples: int = 0,
        source: mx.array | None = None,
        guide: mx.array | None = None,
    ) -> InputLatents:
        """What the task makes its contexts of. `source` and `guide` are latents (1, frames, 64),
        `samples` how long the source was before it was encoded.
        """
        frames = self.count_frames(request)
        audio_codes = codes.parse(request.codes)
        if request.task == "cover" and source is not None and not self.config.plays_guides:
            audio_codes = self.tokenize(source)
        window = find_window(request, samples)
        code_latents = self.detokenize(audio_codes, frames) if audio_codes else None
        return InputLatents(
            self.build_silence(frames),
            source,
            guide=code_latents if request.codes else guide,
            window=range(window.start // self.hop, window.stop // self.hop),
            codes=audio_codes,
            code_latents=code_latents,
            knows_masks=not self.config.plays_guides,
        )

    def build_conditioning(self, condition: mx.array, context: TaskContext) -> Conditioning:
        return Conditioning(self.build_cross_kv(condition), self.build_context_latents(context))

    def build_track_conditioning(
        self, request: Request, inputs: InputLatents, task: str, track: str
    ) -> Conditioning:
        """Of one track that is taken out of the source, or added to it."""
        # what is taken out sounds as it is in the mix
        timbre = inputs.timbre if task != "extract" else None
        condition = self.encode_condition(*self.encode_text(request, task, [track]), timbre)
        return self.build_conditioning(condition, tasks.build_context(task, inputs))

    def build_cross_kv(self, condition: mx.array) -> CrossKV:
        """The condition as every layer's keys and values of the cross-attention."""
        return self.cache.get(
            "cross",
            caches.digest(condition),
            lambda: self.networks.decoder.project_condition(condition),
        )

    def build_context_latents(self, context: TaskContext) -> mx.array:
        """(1, frames, 128): the source latents, and the chunk mask for each of their channels."""
        mask = mx.broadcast_to(context.chunk_mask[..., None], context.source_latents.shape)
        return mx.concatenate([context.source_latents, mask], axis=-1)

    # --- noise and diffusion ----------------------------------------------------------------------

    def draw_noise(self, request: Request, track: str = "", draw_index: int = 0) -> mx.array:
        """Noise (1, frames, 64) from the seed, turned towards the variation's. The request must be
        resolved.

        Every `track` (of `TRACKS`, empty for the mix) has noise of its own, and so has every
        `draw_index`: 0 is what the diffusion begins with, step + 1 what the sampler sde adds in a
        step.
        """
        shape = (1, self.count_frames(request), self.config.audio_acoustic_hidden_dim)

        def draw_from(seed: int) -> mx.array:
            key = mx.random.key(seed + (draw_index << 32))  # a seed has 32 bits of a key's 64
            if track:
                key = mx.random.split(key, len(TRACKS))[TRACKS.index(track)]
            return mx.random.normal(shape, key=key)

        noise = draw_from(request.seed)
        if not request.variation:
            return noise
        return sampler.slerp(noise, draw_from(request.variation_seed), request.variation)

    def draw_track_noise(self, request: Request, task: str, track: str) -> mx.array:
        """What a track's diffusion begins with (1, frames, 64). A voice that takes stems out in one
        step begins with zeros: what it makes is a mean, for which noise is no use.
        """
        noise = self.draw_noise(request, track)
        is_mean = task == "extract" and self.config.extract_steps == 1
        return mx.zeros_like(noise) if is_mean else noise

    def interpolate_noise(self, request: Request, noise: mx.array) -> mx.array:
        """Given noise (1, frames, 64), turned towards the variation's. Raises `BadRequest` where it
        has another length than the request.
        """
        seed = max(0, request.variation_seed)  # -1 without a variation, which is not drawn then
        other = self.draw_noise(dataclasses.replace(request, seed=seed, variation=0.0))
        if noise.shape != other.shape:
            raise BadRequest(
                f"the noise must have {other.shape[1]} frames for {request.length:.6g} s, "
                f"got {noise.shape[1]}",
                "ask for the length that it was made for",
            )
        return sampler.slerp(noise, other, request.variation) if request.variation else noise

    def build_injection(
        self, request: Request, inputs: InputLatents, noise: mx.array
    ) -> SourceInjection | None:
        """What puts the source back around a repaint's window; None for other tasks."""
        if request.task != "repaint":
            return None
        blend = RepaintBlend.of_request(request)
        return SourceInjection(inputs.source_latents, noise, inputs.window, blend)

    def diffuse(
        self,
        request: Request,
        conditioning: Sequence[Conditioning],
        timesteps: Schedule,
        noise: mx.array,
        injection: SourceInjection | None = None,
    ) -> Iterator[sampler.SamplerState]:
        """The states of the diffusion (1, frames, 64), one per step; the last one is the clip's
        latents. `conditioning` has that of every step.
        """
        guidance = sampler.Guidance.of_request(request)
        decoder = self.networks.decoder
        # The official code repeats this vector over the whole condition: attention over equal keys
        # and values gives what one of them gives.
        null_kv: CrossKV = []
        if guidance.scale != 1:
            null_kv = self.build_cross_kv(self.networks.null_condition_emb)

        def velocity(
            x: mx.array, t: float, step: int, guided: bool
        ) -> tuple[mx.array, mx.array | None]:
            time = mx.full((x.shape[0],), t)
            context_latents = conditioning[step].context_latents

            def velocity_with(cross_kv: CrossKV) -> mx.array:
                if request.loop:
                    return loops.predict_circle(
                        lambda x, context: decoder(x, context, time, time, cross_kv),
                        x,
                        context_latents,
                        step,
                    )
                return decoder(x, context_latents, time, time, cross_kv)

            conditional = velocity_with(conditioning[step].cross_kv)
            return conditional, velocity_with(null_kv) if guided else None

        solver = self.build_solver(request, timesteps)
        return sampler.denoise(velocity, noise, timesteps, guidance, injection, solver)

    def build_solver(self, request: Request, timesteps: Schedule) -> sampler.Solver:
        """How the steps are made. Solvers may have state: one for each generation."""
        if request.sampler == "heun":
            return sampler.Heun(to_the_end=not self.config.is_turbo)
        if request.sampler == "sde":
            noise_levels = timesteps[1:]
            if not self.config.is_turbo and not request.timesteps:
                # as the official base class, which does not shift these
                noise_levels = build_schedule(len(timesteps), 1.0)[1:]
            return sampler.Sde(
                lambda step: self.draw_noise(request, draw_index=step + 1),
                np.append(noise_levels, 0.0),
            )
        if request.sampler == "ab2":
            return sampler.AdamsBashforth()
        if request.sampler == "dpm":
            return sampler.DpmSolver()
        return sampler.euler

    # --- how much it takes ------------------------------------------------------------------------

    @property
    def can_plan(self) -> bool:
        """Whether there is a planner, and the model has codes for one."""
        return not self.config.plays_guides and self.planner_slot.is_available

    def estimate_cost(self, request: Request) -> float:
        """How much computing a request is, in a unit of its own: see `pipeline.cost`."""
        token_cost = self.token_cost if self.can_plan else 0.0
        return self._estimate_cost(request, token_cost)

    def estimate_cost_after_plan(self, request: Request) -> float:
        """The same, of what comes after the plan."""
        return self._estimate_cost(request)

    def _estimate_cost(self, request: Request, token_cost: float = 0.0) -> float:
        able = self.capabilities
        divides = able.divides_by_guide(request)
        return cost.estimate_cost(request, able.defaults, self.hop, token_cost, divides)

    def make_room(self) -> None:
        """Unload the planner where a generation needs its memory."""
        others = mx.get_active_memory() - self.planner_slot.bytes
        self.planner_slot.make_room(max(self.peak_bytes, others), memory.find_cap())


def encode_prompt(tokenizer: Tokenizer, prompt: str, limit: int) -> list[int]:
    """At most `limit` token ids. The tokenizer appends an end token of its own, which a cut must
    keep.
    """
    ids: list[int] = tokenizer.encode(prompt).ids
    return ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]


def find_cut(tokenizer: Tokenizer, prompt: str, limit: int) -> int:
    """How many of a prompt's characters `encode_prompt` gives to the model."""
    offsets: list[tuple[int, int]] = tokenizer.encode(prompt).offsets
    return len(prompt) if len(offsets) <= limit else offsets[limit - 2][1]
