"""`load` a model; make music with it: `AceStep`."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Container, Generator, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import numpy.typing as npt

from . import audio, codes, cost, device, masks, memory, tasks
from .capabilities import Capabilities
from .generation import Generation, read_sound, report_tokens
from .latent_store import LatentStore, StoredLatents
from .meter import Meter
from .model import Model
from .networks.ops import choose_ops
from .planner.planner import UNDERSTAND_TEMPERATURE, Description
from .planner.planning import sampling_of
from .request import FIELDS, MAX_SECONDS, SAMPLE_RATE, BadRequest, OutOfRange, Request
from .request_files import check_files, follow_links, resolve_request
from .steps import complete
from .take import Clip, PendingClip, Progress
from .weights import adapter, checkpoint
from .weights.adapter import Adapter


def load(
    name: str = "mini",
    variant: str = "",
    dtype: mx.Dtype | None = None,
    revision: str = "",
    bits: int = 0,
    adapters: Iterable[adapter.AdapterLike] = (),
    planner: str = "",
) -> AceStep:
    """Load a model onto the calling thread, which then is the only one that may use it.

    `name`: a folder in the official layout, a hub name (`ACE-Step/ACE-Step1.5`, fetched when it is
    not on this machine), or the embedded voice `mini`. `variant`: the sub-folder of the DiT, turbo
    by default. `dtype`: without it bfloat16 on a GPU, and on a CPU float32, where large matrices
    stay in bfloat16 if that is faster. `revision`: the hub's commit, tag or branch, see
    `checkpoint.fetch`. `bits`: 8 or 4 quantises the weights. `adapters`:
    see `AceStep.set_adapters`. `planner`: 0.6B, 1.7B, 4B, or a folder that one is in; empty takes
    what is there. Raises `CheckpointError` (a ValueError) naming the file and what to do.
    """
    device.can_compile()  # decided before anything is compiled
    ops = choose_ops()
    bits = adapter.check_bits(bits)
    checked = adapter.parse_adapters(adapters)
    parts = checkpoint.fetch(name, variant, revision)
    model = Model(parts, ops, dtype, bits, planner)
    model.set_adapters(checked)
    return AceStep(model)


class AceStep:
    """Makes takes with one loaded model."""

    def __init__(self, model: Model) -> None:
        self.model = model

    # --- music ------------------------------------------------------------------------------------

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
    ) -> Iterator[Clip]:
        """Yield a take's finished clips: `.audio` is an mx.array (2, samples) float32 in [-1, 1],
        `.sample_rate` is 48000.

        text: style, instruments, mood. lyrics: with [verse] markers; empty is instrumental.
        duration: seconds, 0.1..600. seed: the same one makes the same bytes; None draws one.
        num_steps: 8 suits turbo; 0 is the model's own. guidance_scale: 1 is none.
        guidance_interval: the middle part of the steps that is guided, 0..1. cfg_type: "apg" or
        "cfg". vocal_language: a code like "en". more: any other field of `Request` (bpm=120,
        bars=4, key="A minor", ...). Raises `BadRequest` (a ValueError).
        """
        if duration == 0:  # a request's word for one that is left open
            raise OutOfRange(f"duration must be in 0.1..{MAX_SECONDS:g}, got 0")
        values = {
            "prompt": text,
            "lyrics": lyrics,
            "seconds": duration,
            "seed": -1 if seed is None else seed,
            "num_steps": num_steps,
            "guidance_scale": guidance_scale,
            "guidance_interval": guidance_interval,
            "cfg_type": cfg_type,
            "language": vocal_language,
        }
        request = Request().changed(values | more)
        check_files(request)
        return self._list_clips(request)

    def render(
        self, request: Request, noise: mx.array | None = None
    ) -> Generator[Progress | Clip, None, None]:
        """Yield `Progress` as the work goes, then the clips: the mix, unless the task is to
        extract, the stems, and the rest, which sums with the stems to the mix (or to the source).
        Closing the iterator cancels.

        `noise` (1, frames, 64) replaces what the seed would draw. Raises `BadRequest`, or
        `BadAudio` when the result is not music.
        """
        with closing(self.render_pending(request, noise)) as events:
            for event in events:
                yield event.render() if isinstance(event, PendingClip) else event

    def render_pending(
        self, request: Request, noise: mx.array | None = None
    ) -> Generator[Progress | PendingClip, None, None]:
        """The same with the last pass over each clip left to whoever passes it on."""
        yield from Generation(self.model, self._locate_files(request), noise).run()

    def retake(self, mix: Clip, **changes: Any) -> Iterator[Clip]:
        """A take made from the noise of an earlier mix: with other words, a little `variation`,
        another window.

        `changes`: fields of `Request`; the length stays, and the noise has the take's own variation
        in it already. Raises `BadRequest`.
        """
        if mix.noise is None:
            raise BadRequest(f"{mix.name} has no noise of its own", "retake the mix")
        request = mix.request.changed({"variation": 0.0} | changes)
        check_files(request)
        return self._list_clips(request, mx.array(mix.noise)[None])

    def _list_clips(self, request: Request, noise: mx.array | None = None) -> Iterator[Clip]:
        """The clips alone. At the end MLX gives back the memory that it keeps for the next take."""
        try:
            for event in self.render(request, noise):
                if isinstance(event, Clip):
                    yield event
        finally:
            mx.clear_cache()

    def extract(
        self, mix: npt.NDArray[np.float32], track: str, prompt: str = "", seed: int = 0
    ) -> npt.NDArray[np.float32]:
        """One track (samples, 2) of a mix (samples, 2) float32 at 48 kHz, aligned with it and as
        loud as in it.

        `track`: one of `request.TRACKS`. Raises `BadRequest` when the model cannot.
        """
        model = self.model
        request = model.capabilities.accept(
            Request(prompt, seconds=len(mix) / SAMPLE_RATE, seed=seed, stems=track, guide="off")
        )
        request, _ = model.resolve_guide(request)
        whole = audio.place_in_silence(mix, 0, -(-len(mix) // model.hop) * model.hop)
        pieces = model.encode_audio(whole, model.count_frames(request))
        inputs = model.build_inputs(request, source=mx.concatenate(list(pieces), axis=1))
        timesteps = model.build_extract_timesteps(request)
        conditioning = model.build_track_conditioning(request, inputs, "extract", track)
        noise = model.draw_track_noise(request, "extract", track)
        *_, last = model.diffuse(request, [conditioning] * len(timesteps), timesteps, noise)
        tiles = [np.array(tile[0]) for tile in model.vae.decode_tiles(last.x)]
        stem: npt.NDArray[np.float32] = np.concatenate(tiles)[: len(mix)]
        if model.config.masks_stems:
            stem = complete(masks.take_out(mix.T, {track: stem.T}))[track].T
        return stem

    def rehearse(self, request: Request) -> None:
        """Warm up: run a whole generation and throw its clips away, so that kernels are compiled. A
        result that is not music is no error.
        """
        with suppress(audio.BadAudio):
            for _ in self.render(request):
                pass

    # --- words ------------------------------------------------------------------------------------

    def understand(self, request: Request) -> Generator[Progress, None, Description]:
        """What the request's source is: caption, lyrics, metadata, its length and audio codes, as
        values of a request.

        Raises `BadRequest`, also for a voice without audio codes or a planner.
        """
        model = self.model
        check_files(request)
        if obstacle := self.find_obstacle_to_understanding():
            raise obstacle
        meter = Meter()
        request = self._locate_files(dataclasses.replace(request, task="cover"))
        request = resolve_request(request)
        source = yield from read_sound("source", request.source, meter, [])
        request, source = tasks.fit_source(request, source, model.hop)
        pieces = []
        tiles = model.encode_audio(source, model.count_frames(request))
        for piece in meter.measure_each("source", tiles):
            pieces.append(piece)
            yield Progress("source", 0.0)
        with meter.measure("source"):
            audio_codes = model.tokenize(mx.array(np.concatenate(pieces, axis=1)))
            audio_codes = audio_codes[: max(1, int(request.length * codes.PER_SECOND))]
        sampling = sampling_of(request)
        if request.lm_temperature == FIELDS["lm_temperature"].default:
            sampling = dataclasses.replace(sampling, temperature=UNDERSTAND_TEMPERATURE)
        with model.planner_slot.borrow() as planner:
            work = planner.understand(audio_codes, sampling)
            description = yield from report_tokens(work, meter, 1.0, cost.DESCRIPTION_LENGTH)
        values = {"seconds": request.length, "codes": codes.format_codes(audio_codes)}
        return dataclasses.replace(description, values={**description.values, **values})

    def find_obstacle_to_understanding(self) -> BadRequest | None:
        """Why it cannot say what a recording is, and what to do: it is a voice without audio codes,
        or has no planner.
        """
        if self.model.config.plays_guides:
            return BadRequest(
                f"{self.model.name} has no audio codes",
                "load one of ACE-Step's models",
            )
        if missing := self.model.planner_slot.missing_reason:
            return BadRequest(missing, "fetch one, and try again")
        return None

    # --- the model --------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The model's."""
        return self.model.name

    @property
    def capabilities(self) -> Capabilities:
        """What it can do, and what it uses where a request leaves the choice to it."""
        return self.model.capabilities

    @property
    def title(self) -> str:
        """The model's name, and what else decides how it sounds: the bits of its weights, its
        adapters.
        """
        return self.model.title

    @property
    def adapters(self) -> tuple[Adapter, ...]:
        """Those that it plays with."""
        return self.model.adapters

    def set_adapters(self, *adapters: adapter.AdapterLike) -> None:
        """Play with these LoRA adapters, and no others, from now on; without any it is exactly what
        was loaded.

        Each is a PEFT folder or a `.safetensors` file: its path, "PATH=SCALE", or (path, scale).
        Nothing is loaded anew; a take that is being made would change on its way. Raises
        `AdapterError` (a ValueError); then it has those that it had.
        """
        self.model.set_adapters(adapters)

    def confine(self, adapters: Container[str] = ()) -> None:
        """From now on follow no links to the files of requests and adapters: whoever asks for them
        has confined them to folders. `adapters`: but for these, by their paths.
        """
        self.model.linked_adapters = adapters

    def _locate_files(self, request: Request) -> Request:
        """The request with its files where they really are, unless they are confined."""
        return follow_links(request) if self.model.linked_adapters is None else request

    def estimate_cost(self, request: Request) -> float:
        """How much computing a request is, in a unit of its own: see `pipeline.cost`."""
        return self.model.estimate_cost(request)

    @property
    def token_cost(self) -> float:
        """What a token of its planner costs, in that unit; 0 without a planner."""
        return self.model.token_cost if self.model.can_plan else 0.0

    @property
    def can_plan(self) -> bool:
        """Whether there is a planner, and the model has codes for one."""
        return self.model.can_plan

    @property
    def has_room_for_planner(self) -> bool:
        """Whether the memory has room for its planner beside it."""
        return self.model.planner_slot.fits(memory.find_cap())

    # --- what it remembers ------------------------------------------------------------------------

    def limit_cache(self, limit_mb: float) -> None:
        """How much it may keep of what it has encoded."""
        self.model.cache.limit_mb = limit_mb

    def count_cached(self) -> dict[str, list[int]]:
        """By kind, how often something was not computed again, and how often it was."""
        return self.model.cache.count()

    def keep_latents(self, store: LatentStore) -> None:
        """Where the latents of files are that were made here: see `remember`."""
        self.model.latent_store = store

    @property
    def keeps_latents(self) -> bool:
        """Whether it knows where."""
        return self.model.latent_store is not None

    @property
    def vae_digest(self) -> str:
        """What decodes its latents, by its weights."""
        return self.model.vae_digest

    def remember(self, file: Path, mix: Clip) -> None:
        """`file` holds the `mix`, as it is: a task on it needs no encoding. Raises OSError.

        Nothing is remembered without `keep_latents`.
        """
        store = self.model.latent_store
        if store is not None and mix.latents is not None:
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            store.put(digest, self.model.vae_digest, StoredLatents(mix.latents, mix.gain))
