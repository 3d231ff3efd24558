"""`load` a model; `AceStep.generate` music with it."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import mlx.core as mx
import numpy as np

from . import audio, capabilities, codes, cost, device, diffusion, encoding, memory, postprocess
from .latent_store import StoredLatents
from .memory import limits as limits  # from here too
from .networks.ops import choose_ops
from .planner.planner import UNDERSTAND_TEMPERATURE, Description, PlanProgress
from .planner.planning import is_planned, plan_request, sampling_of
from .request import FIELDS, SAMPLE_RATE, BadRequest, Request
from .request_files import check_files, resolve_request
from .stages import Stages
from .take import Progress, Take, TakeInfo, machine
from .weights import adapter, checkpoint, lora
from .work import Meter, Work, after_plan, spans

_Result = TypeVar("_Result")


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
    by default. `dtype`: float32 on a CPU, bfloat16 on a GPU by default. `revision`: the hub's
    commit, tag or branch, see `checkpoint.fetch`. `bits`: 8 or 4 quantises the weights. `adapters`:
    what it wears, see `AceStep.wear`. `planner`: 0.6B, 1.7B, 4B, or a folder that one is in; empty
    takes what is there. Raises `CheckpointError` (a ValueError) naming the file and what to do.
    """
    device.can_compile()  # decided before anything is compiled
    ops = choose_ops()
    bits = adapter.check_bits(bits)
    wanted = adapter.parse_adapters(adapters)
    model = AceStep(
        checkpoint.fetch(name, variant, revision),
        ops,
        dtype or ops.DTYPE,
        bits,
        planner,
    )
    model.wear(*wanted)
    return model


class AceStep(Stages):
    """One loaded model that makes takes."""

    _needed = 0  # the most bytes that painting took
    _token = cost.TOKEN  # as the newest take has shown

    @property
    def title(self) -> str:
        """Its name, and what else decides how it sounds: the bits of its weights, the adapters it
        wears.
        """
        return adapter.format_title(self.name, self.weights.bits, self.adapters)

    def wear(self, *adapters: adapter.AdapterLike) -> None:
        """Play with these LoRA adapters, and no others, from now on; without any it is exactly what
        was loaded.

        Each is a PEFT folder or a `.safetensors` file: its path, "PATH=SCALE", or (path, scale).
        Nothing is loaded anew; a take that is being made would change on its way. Raises
        `AdapterError` (a ValueError); then it wears what it wore.
        """
        wanted = adapter.parse_adapters(adapters)
        lora.apply(self.model, wanted, self.model.decoder.scale_shift_table.dtype)
        self.cache.clear()
        self.adapters = wanted

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
        """Yield finished takes: `.audio` is an mx.array (2, samples) float32 in [-1, 1],
        `.sample_rate` is 48000.

        text: style, instruments, mood. lyrics: with [verse] markers; empty is instrumental.
        duration: seconds,
        0.1..600. seed: the same one makes the same bytes; None draws one. num_steps: 8 suits turbo;
        0 is the model's
        own. guidance_scale: 1 is none. guidance_interval: the middle part of the steps that is
        guided, 0..1. cfg_type: "apg" or "cfg". vocal_language: a code like "en". more: any other
        field of `Request` (bpm=120, bars=4, key="A minor", ...). Raises `BadRequest` (a
        ValueError).
        """
        values = {
            "prompt": text,
            "lyrics": lyrics,
            "seconds": duration,
            "seed": -1 if seed is None else seed,
        }
        values |= {
            "num_steps": num_steps,
            "guidance_scale": guidance_scale,
            "guidance_interval": guidance_interval,
        }
        request = Request().changed(
            values | {"cfg_type": cfg_type, "language": vocal_language} | more
        )
        check_files(request)
        return (event for event in self.render(request) if isinstance(event, Take))

    def render(
        self, request: Request, noise: mx.array | None = None
    ) -> Generator[Progress | Take, None, None]:
        """Yield `Progress` as the work goes, then the takes: the mix, unless the task is to
        extract, the stems, and the rest, which sums with the stems to the mix (or to the source).
        Closing the iterator cancels.

        `noise` (1, frames, 64) replaces what the seed would draw. Raises `BadRequest`, or
        `BadAudio` when the result is not music.
        """
        request = capabilities.possible(self, resolve_request(request))
        meter = Meter()
        source = None
        worn = self.adapters
        plan = None
        share = 0.0
        if is_planned(request, self.desk, not self.config.guided):
            writing = cost.planning(request)
            share = 1 - self._painting(request) / self.cost(request)
            plan = yield from self._written(plan_request(request, self.desk), meter, share, writing)
            request = plan.request
            yield Progress("plan", share, planned=plan.filled)
        self.desk.make_room(max(self._needed, mx.get_active_memory() - self.desk.bytes), memory.cap)
        if request.task:
            request, source = yield from encoding.opened(self, request, meter)
        request, score = self.decided(request)
        steps = self.timesteps(request)
        stored = encoding.stored(self, request)
        work = Work(request, steps, meter, spans(request, score is not None), source, stored)
        if plan is not None:
            work = work._replace(spans=after_plan(work.spans, share))
        material = yield from encoding.gathered(self, work, source, score)
        clips: dict[str, np.ndarray] = {}
        noise = self.noise(request) if noise is None else self.varied(request, noise)
        if request.task == "lego":
            assert source is not None
            clips = yield from diffusion.layered(self, work, material, source)
        elif request.task != "extract":
            material, clips["mix"] = yield from diffusion.mixed(self, work, material, noise)
        for track in request.taken:
            _, clips[track] = yield from diffusion.one_track(self, work, material, "extract", track)
        yield Progress("finish", next(work.spans).start)
        with meter("finish"):
            ready = postprocess.finished(request, clips, source, stored.gain if stored else 1.0)
            mx.clear_cache()
        self._needed = max(self._needed, meter.most("plan") - self.desk.bytes)
        if plan is not None:
            self._token = (
                meter.seconds["plan"]
                / writing.tokens
                / (meter.without("plan") / self._painting(request))
            )
        notes = capabilities.notes(self, request) + ready.notes + (plan.notes if plan else ())
        painted_over = material.codes[: math.ceil(round(request.length * codes.PER_SECOND, 6))]
        info = TakeInfo(
            request,
            self.name,
            bits=self.weights.bits,
            adapters=worn,
            timesteps=tuple(work.steps.tolist()),
            codes=codes.written(painted_over),
            planned=dict(plan.filled) if plan else {},
            timings=meter.seconds,
            memory=meter.bytes,
            machine=machine(),
            notes=notes,
        )
        for name, clip in ready.clips.items():
            take = Take(name, mx.array(clip), info)
            if name == "mix" and request.task != "lego":
                gain = postprocess.gain(work, clips["mix"], clip)
                latents = np.array(material.given[0])
                take = dataclasses.replace(
                    take, latents=latents, noise=np.array(noise[0]), gain=gain
                )
            yield take

    def retake(self, take: Take, **changes: Any) -> Iterator[Take]:
        """Takes from the noise of a mix that was made: other words, a little `variation`, another
        window.

        `changes`: fields of `Request`; the length stays, and the noise has the take's own variation
        in it already. Raises `BadRequest`.
        """
        if take.noise is None:
            raise BadRequest(f"{take.name} has no noise of its own", "retake the mix")
        request = take.request.changed({"variation": 0.0} | changes)
        check_files(request)
        events = self.render(request, mx.array(take.noise)[None])
        return (event for event in events if isinstance(event, Take))

    def remember(self, file: Path, take: Take) -> None:
        """`file` holds the mix `take`, as it is: a task on it needs no encoding. Raises OSError.

        `store` is where; without one nothing is remembered.
        """
        if self.store is not None and take.latents is not None:
            sum = hashlib.sha256(file.read_bytes()).hexdigest()
            self.store.put(sum, self.vae_digest, StoredLatents(take.latents, take.gain))

    def extract(self, mix: np.ndarray, track: str, prompt: str = "", seed: int = 0) -> np.ndarray:
        """One track (samples, 2) of a mix (samples, 2) float32 at 48 kHz, aligned with it and as
        loud as in it.

        `track`: one of `request.TRACKS`. Raises `BadRequest` when the model cannot.
        """
        wish = Request(prompt, seconds=len(mix) / SAMPLE_RATE, seed=seed, stems=track, guide="off")
        request, _ = self.decided(capabilities.possible(self, wish))
        hop = self.vae.config.hop
        whole = audio.placed(mix, 0, -(-len(mix) // hop) * hop)
        latents = mx.concatenate(list(self.encode(whole, self.frames(request))), axis=1)
        material = self.material(request, source=latents)
        steps = self.steps_out(request)
        canvases = [self.playing(request, material, "extract", track)] * len(steps)
        *_, painted = self.latents(request, canvases, steps, self.noise(request, track))
        return np.concatenate([np.array(tile[0]) for tile in self.vae.decode_tiles(painted.x)])[
            : len(mix)
        ]

    def _written(
        self,
        work: Generator[PlanProgress, None, _Result],
        meter: Meter,
        share: float,
        expected: cost.Writing,
    ) -> Generator[Progress, None, _Result]:
        """What the planner comes to, with its tokens as progress, up to `share`."""
        words = 0
        yield Progress("plan", 0.0)
        while True:
            with meter("plan"):
                try:
                    written = next(work)
                except StopIteration as done:
                    result: _Result = done.value
                    return result
            # nobody knows how many there will be
            words = max(words, min(written.tokens, expected.words))
            ready = (
                expected.words + expected.codes * written.tokens / written.total
                if written.total
                else words
            )
            yield Progress("plan", share * ready / expected.tokens, written.tokens, written.total)

    def understand(self, request: Request) -> Generator[Progress, None, Description]:
        """What the request's source is: caption, lyrics, metadata, its length and audio codes, as
        values of a request.

        Raises `BadRequest`, also for a voice without audio codes or a planner.
        """
        check_files(request)
        if self.config.guided:
            raise BadRequest(f"{self.name} has no audio codes", "load one of ACE-Step's models")
        if missing := self.desk.missing_reason:
            raise BadRequest(missing, "fetch one, and try again")
        meter = Meter()
        request = resolve_request(dataclasses.replace(request, task="cover"))
        request, source = yield from encoding.opened(self, request, meter)
        pieces = []
        for piece in meter.each("source", self.encode(source, self.frames(request))):
            pieces.append(piece)
            yield Progress("source", 0.0)
        with meter("source"):
            heard = self.coded(mx.array(np.concatenate(pieces, axis=1)))[
                : max(1, int(request.length * codes.PER_SECOND))
            ]
        taste = sampling_of(request)
        if request.lm_temperature == FIELDS["lm_temperature"].default:
            taste = dataclasses.replace(taste, temperature=UNDERSTAND_TEMPERATURE)
        with self.desk.borrow() as planner:
            said = yield from self._written(
                planner.understand(heard, taste), meter, 1.0, cost.UNDERSTANDING
            )
        known = {"seconds": request.length, "codes": codes.written(heard)}
        return dataclasses.replace(said, values={**said.values, **known})

    def audition(self, request: Request) -> None:
        """Go through a whole generation and throw it away, whatever it sounds like: afterwards
        kernels are compiled.
        """
        with suppress(audio.BadAudio):
            for _ in self.render(request):
                pass

    def reused(self) -> dict[str, list[int]]:
        """By kind, how often something was not computed again, and how often it was."""
        return self.cache.told()

    def cost(self, request: Request) -> float:
        """How much computing a request is, in a unit of its own: see `pipeline.cost`."""
        return cost.cost(request, self.defaults, self.vae.config.hop, self.token)

    def _painting(self, request: Request) -> float:
        """The cost of what comes after the plan."""
        return cost.cost(request, self.defaults, self.vae.config.hop)

    @property
    def token(self) -> float:
        """What a token of its planner costs, in the unit of `cost`; 0 without a planner."""
        return self._token if self.plans else 0.0

    @property
    def plans(self) -> bool:
        """Whether there is a planner, and it has codes for one."""
        return not self.config.guided and self.desk.is_available

    @property
    def roomy(self) -> bool:
        """Whether the memory has room for its planner beside it."""
        return self.desk.fits(memory.cap)
