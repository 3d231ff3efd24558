"""`load` a model; `AceStep.generate` music with it."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import mlx.core as mx
import numpy as np
from tokenizers import Tokenizer

from . import audio, caches, codes, cost, loops, prompts, reference, sampler, tasks
from .caches import Cache
from .guide import guide
from .guide.score import Score
from .networks import ops
from .networks.dit import CrossKV
from .planner import takes as planned
from .planner.planner import UNDERSTAND_TEMPERATURE, Description, Written
from .planner.takes import Planned
from .request import FIELDS, PREVIEW, REST, SAMPLE_RATE, TRACKS, BadRequest, Progress, Request, Take
from .stored import Store, Stored
from .tasks import Hold, Kept, Material, Scene
from .weights import adapter, checkpoint, lora, quantise
from .weights.adapter import Adapter
from .weights.checkpoint import Checkpoint

_Result = TypeVar("_Result")

CACHE_GB = 2.0  # that MLX may keep while it renders instead of giving them back: the DAW wants memory too
COVERS = ("cover", "cover-nofsq")
RINGING = SAMPLE_RATE // 4  # samples that a guide's last notes may need
REFERENCE_FRAMES = 750  # of silence, where no reference audio is given

# Rough shares of the work, for the progress fraction.
_ENCODE, _TEXT, _CONDITION, _PAINT, _FINISH = 0.15, 0.02, 0.03, 0.93, 0.02
_DIFFUSION = 0.8  # of painting; the rest of it is decoding


def load(
    name: str = "mini",
    variant: str = "",
    dtype: mx.Dtype | None = None,
    revision: str = "",
    bits: int = 0,
    adapters: Iterable[adapter.Asked] = (),
    planner: str = "",
) -> AceStep:
    """Load a model onto the calling thread, which then is the only one that may use it.

    `name`: a folder in the official layout, a hub name (`ACE-Step/ACE-Step1.5`, fetched when it is not on this
    machine), or the embedded voice `mini`. `variant`: the sub-folder of the DiT, turbo by default. `dtype`: float32
    on a CPU, bfloat16 on a GPU by default. `revision`: the hub's commit, tag or branch, see `checkpoint.fetch`.
    `bits`: 8 or 4 quantises the weights. `adapters`: what it wears, see `AceStep.wear`. `planner`: 0.6B, 1.7B or 4B;
    empty takes what is there.
    Raises `CheckpointError` (a ValueError) naming the file and what to do.
    """
    ops.can_compile()  # decided before anything is compiled
    bits = adapter.checked_bits(bits)
    wanted = adapter.checked(adapters)
    model = AceStep(checkpoint.fetch(name, variant, revision), dtype or checkpoint.default_dtype(), bits, planner)
    model.wear(*wanted)
    return model


def limits(cache_gb: float = CACHE_GB, memory_gb: float = 0.0, wired_gb: float = 0.0) -> None:
    """How much memory MLX may keep for reuse, should stay below, and may wire, in GB of 2^30 bytes.

    0 leaves the last two to MLX. Wiring is something that Metal does: elsewhere it changes nothing. Raises ValueError
    where the machine cannot give that much.
    """
    global _memory_cap
    mx.set_cache_limit(round(cache_gb * 2**30))
    _memory_cap = round(memory_gb * 2**30)
    if memory_gb:
        mx.set_memory_limit(round(memory_gb * 2**30))
    if wired_gb:
        mx.set_wired_limit(round(wired_gb * 2**30))


_memory_cap = 0  # bytes; 0 is none
limits()  # what holds until somebody says otherwise


class Canvas(NamedTuple):
    """What the DiT sees beside the noise in one step."""

    cross: CrossKV  # the condition, as every layer's keys and values
    context: mx.array  # (1, frames, 128): source latents and chunk mask


class Span(NamedTuple):
    """A part of the progress."""

    start: float
    length: float

    def at(self, part: float) -> float:
        return self.start + self.length * part


class Meter:
    """Seconds, and the most bytes that MLX held, of every stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.bytes: dict[str, int] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Around work of a stage, without a pause in it: another generation may run in a pause."""
        mx.reset_peak_memory()
        started = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started
        self.bytes[stage] = max(self.bytes.get(stage, 0), mx.get_peak_memory(), mx.get_active_memory())

    def most(self, *without: str) -> int:
        """The most bytes of any stage but those."""
        return max((size for stage, size in self.bytes.items() if stage not in without), default=0)

    def each(self, stage: str, pieces: Iterator[mx.array] | Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """The pieces, computed."""
        while True:
            with self(stage):
                piece = next(pieces, None)
                if piece is None:
                    return
                mx.eval(piece)  # lets other threads run, which the copy's own evaluation does not
                copied = np.array(piece)
            yield copied


class Work(NamedTuple):
    """One generation under way."""

    request: Request  # with everything decided
    steps: np.ndarray  # the timesteps
    meter: Meter
    spans: Iterator[Span]  # the progress of each part of the work, in their order
    source: np.ndarray | None = None  # the task's, (samples, 2)
    stored: Stored | None = None  # what the source was decoded from


def _spans(request: Request, guided: bool) -> Iterator[Span]:
    encoded, mix = [_ENCODE] * (bool(request.task) + guided + bool(request.reference)), [_TEXT, _CONDITION, _PAINT]
    if request.task == "lego":
        shares = encoded + ([_PAINT] + [_ENCODE, _PAINT] * len(request.tracks))[: 2 * len(request.tracks) - 1]
    else:
        shares = encoded + mix * (request.task != "extract") + [_PAINT] * len(request.taken)
    shares.append(_FINISH)
    start = 0.0
    for share in shares:
        yield Span(start, share / sum(shares))
        start += share / sum(shares)


def _after_plan(spans: Iterator[Span]) -> Iterator[Span]:
    rest = Span(planned.SHARE, 1 - planned.SHARE)
    return (Span(rest.at(span.start), span.length * rest.length) for span in spans)


class AceStep:
    """One loaded model. Source of the procedure: the official `AceStepHandler.service_generate`."""

    def __init__(self, parts: Checkpoint, dtype: mx.Dtype, bits: int = 0, planner: str = "") -> None:
        self.name = f"{parts.name}/{parts.variant}" if not parts.name.endswith(parts.variant) else parts.name
        self.model, self.config = checkpoint.load_model(parts.dit, dtype, bits)
        self.text_encoder, self.tokenizer = checkpoint.load_text_encoder(parts.text_encoder, dtype, bits)
        self.weights = quantise.weights(self.model)
        self.adapters: tuple[Adapter, ...] = ()
        self.cache = Cache()
        self.store: Store | None = None
        self.vae = checkpoint.load_vae(parts.vae)
        self.vae_digest = caches.digest(self.vae.decoder.conv1.weight).hex()
        self.silence = checkpoint.load_silence(parts.dit)
        self.desk = planned.Desk(parts.text_encoder.parent, dtype, planner, bits)
        self._needed = 0  # the most bytes that painting took
        self.defaults, self.tasks = cost.variant(parts.variant, self.config.is_turbo, self.config.extracts)

    @property
    def title(self) -> str:
        """Its name, and what else decides how it sounds: the bits of its weights, the adapters it wears."""
        return adapter.title(self.name, self.weights.bits, self.adapters)

    def wear(self, *adapters: adapter.Asked) -> None:
        """Play with these LoRA adapters, and no others, from now on; without any it is exactly what was loaded.

        Each is a PEFT folder or a `.safetensors` file: its path, "PATH=SCALE", or (path, scale). Nothing is loaded
        anew; a take that is being made would change on its way. Raises `AdapterError` (a ValueError); then it wears
        what it wore.
        """
        wanted = adapter.checked(adapters)
        lora.put_on(self.model, wanted, self.model.decoder.scale_shift_table.dtype)
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
        """Yield `Progress` as the work goes, then the takes: the mix, unless the task is to extract, the stems, and
        the rest, which sums with the stems to the mix (or to the source). Closing the iterator cancels.

        `noise` (1, frames, 64) replaces what the seed would draw. Raises `BadRequest`, or `BadAudio` when the result
        is not music.
        """
        request, meter, source, worn = self.possible(request.resolved()), Meter(), None, self.adapters
        plan = None
        if planned.asked(request, self.desk, not self.config.guided):
            plan = yield from self._planned(request, meter)
            request = plan.request
        if request.task:
            request, source = yield from self._opened(request, meter)
        request, score = self.decided(request)
        steps = self.timesteps(request)
        stored = self._stored(request)
        work = Work(request, steps, meter, _spans(request, score is not None), source, stored)
        if plan is not None:
            work = work._replace(spans=_after_plan(work.spans))
        material = yield from self._gathered(work, source, score)
        clips: dict[str, np.ndarray] = {}
        noise = self.noise(request) if noise is None else self.varied(request, noise)
        if request.task == "lego":
            assert source is not None
            clips = yield from self._layered(work, material, source)
        elif request.task != "extract":
            material, clips["mix"] = yield from self._mixed(work, material, noise)
        for track in request.taken:
            _, clips[track] = yield from self._track(work, material, "extract", track)
        yield Progress("finish", next(work.spans).start)
        with meter("finish"):
            raw, clips = clips, self.finished(request, clips, source, stored.gain if stored else 1.0)
            mx.clear_cache()
        self._needed = max(self._needed, meter.most("plan") - self.desk.bytes)
        notes = self.notes(request) + (plan.notes if plan else ())
        about = meter.seconds, tuple(work.steps.tolist()), notes, meter.bytes
        painted_over = codes.written(material.codes[: math.ceil(round(request.length * codes.PER_SECOND, 6))])
        how: dict[str, Any] = {"bits": self.weights.bits, "adapters": worn, "codes": painted_over}
        how["planned"] = plan.filled if plan else {}
        for name, clip in clips.items():
            take = Take(name, mx.array(clip), request, self.name, *about, **how)
            if name == "mix" and request.task != "lego":
                gain = self._gain(work, raw["mix"], clip)
                latents = np.array(material.given[0])
                take = dataclasses.replace(take, latents=latents, noise=np.array(noise[0]), gain=gain)
            yield take

    def retake(self, take: Take, **changes: Any) -> Iterator[Take]:
        """Takes from the noise of a mix that was made: other words, a little `variation`, another window.

        `changes`: fields of `Request`; the length stays, and the noise has the take's own variation in it already.
        Raises `BadRequest`.
        """
        if take.noise is None:
            raise BadRequest(f"{take.name} has no noise of its own", "retake the mix")
        events = self.render(take.request.changed({"variation": 0.0} | changes), mx.array(take.noise)[None])
        return (event for event in events if isinstance(event, Take))

    def remember(self, file: Path, take: Take) -> None:
        """`file` holds the mix `take`, as it is: a task on it needs no encoding. Raises OSError.

        `store` is where; without one nothing is remembered.
        """
        if self.store is not None and take.latents is not None:
            sum = hashlib.sha256(file.read_bytes()).hexdigest()
            self.store.put(sum, self.vae_digest, Stored(take.latents, take.gain))

    def extract(self, mix: np.ndarray, track: str, prompt: str = "", seed: int = 0) -> np.ndarray:
        """One track (samples, 2) of a mix (samples, 2) float32 at 48 kHz, aligned with it and as loud as in it.

        `track`: one of `request.TRACKS`. Raises `BadRequest` when the model cannot.
        """
        wish = Request(prompt, seconds=len(mix) / SAMPLE_RATE, seed=seed, stems=track, guide="off")
        request, _ = self.decided(self.possible(wish))
        hop = self.vae.config.hop
        whole = audio.placed(mix, 0, -(-len(mix) // hop) * hop)
        latents = mx.concatenate(list(self.encode(whole, self.frames(request))), axis=1)
        material = self.material(request, source=latents)
        steps = self.steps_out(request)
        canvases = [self.playing(request, material, "extract", track)] * len(steps)
        *_, painted = self.latents(request, canvases, steps, self.noise(request, track))
        return np.concatenate([np.array(tile[0]) for tile in self.vae.decode_tiles(painted.x)])[: len(mix)]

    def possible(self, request: Request) -> Request:
        """The request with the model's defaults, if the model can make it. Raises `BadRequest`."""
        if request.task and request.task not in self.tasks:
            raise BadRequest(f"{self.name} cannot {request.task}; {cost.able(request.task)} can", "load one of them")
        if request.taken and "extract" not in self.tasks:
            message = f"{self.name} cannot take stems out of a clip; {cost.able('extract')} can"
            raise BadRequest(message, "load one of them, or leave stems empty")
        if request.loop and request.task not in ("", *COVERS):
            raise BadRequest(f"{request.task} keeps its source, it cannot make a loop of it", "set loop to 0, or cover")
        if request.cover_noise_strength and not request.task.startswith("cover"):
            raise BadRequest("cover_noise_strength is for a cover", "set task to cover or cover-nofsq, or it to 0")
        if request.codes and self.config.guided:
            raise BadRequest(f"{self.name} has no audio codes, ACE-Step's own models have", "leave codes empty")
        if request.codes and request.guide not in ("", "off"):
            raise BadRequest("codes say what is played, and so does a guide", "leave one of them empty")
        if request.task in tasks.UNGUIDED and request.guide not in ("", "off"):
            raise BadRequest(f"{request.task} follows its source, it takes no guide", "leave guide empty, or task")
        request = self.defaults.fill(request)
        steps = len(self.timesteps(request))
        if late := [step for step in request.preview.split() if int(step) >= steps]:
            raise BadRequest(f"preview must be steps before the last of {steps}, got {late[0]}", "hear it earlier")
        return request

    def timesteps(self, request: Request) -> np.ndarray:
        return sampler.timesteps(request, self.config.is_turbo)

    def steps_out(self, request: Request) -> np.ndarray:
        """The timesteps in which a stem is taken out."""
        own = {"num_steps": self.config.extract_steps, "timesteps": ""} if self.config.extract_steps else {}
        return self.timesteps(request.changed(own))

    def decided(self, request: Request) -> tuple[Request, Score | None]:
        """The request with everything that the guide decides, and the guide's notes. Raises `BadRequest`."""
        guided = self.config.guided and request.task not in tasks.UNGUIDED and not request.codes
        return guide.drawn(request, usual="auto" if guided else "off")

    def notes(self, request: Request) -> tuple[str, ...]:
        """What of the request the model cannot do, or not well."""
        unsung = request.lyrics.strip() and not self.config.sings
        told = ["does not sing: the lyrics were left out"] if unsung else []
        if self.config.guided and request.task.startswith("cover"):
            told.append("was taught to paint over drawings, not recordings: it follows the source roughly")
        if self.config.guided and request.task == "repaint":
            told.append("was not taught to repaint: the window may not fit in with what is around it")
        if self.config.guided and request.reference:
            told.append("was not taught to sound like a reference: it may not follow it")
        return self._folded(request) + tuple(f"{self.name} {one}" for one in told)

    def _folded(self, request: Request) -> tuple[str, ...]:
        """What was done to files with more channels than are heard."""
        files = {path: audio.folded(path) for path in (request.source, request.reference) if path}
        return tuple(
            f"{os.path.basename(path)} has {channels} channels: the odd ones were mixed to the left, the others right"
            for path, channels in files.items()
            if channels
        )

    def _planned(self, request: Request, meter: Meter) -> Generator[Progress, None, Planned]:
        """The request with its plan; then the planner makes room, if it must."""
        done = yield from self._written(planned.work(request, self.desk), meter, planned.SHARE)
        self.desk.make_room(self._needed, _memory_cap)
        return done

    def _written(
        self, work: Generator[Written, None, _Result], meter: Meter, share: float
    ) -> Generator[Progress, None, _Result]:
        """What the planner comes to, with its tokens as progress."""
        yield Progress("plan", 0.0)
        while True:
            with meter("plan"):
                try:
                    tokens = next(work)
                except StopIteration as done:
                    return done.value
            part = tokens.tokens / tokens.of if tokens.of else 0.0
            yield Progress("plan", share * part, tokens.tokens, tokens.of)

    def understand(self, request: Request) -> Generator[Progress, None, Description]:
        """What the request's source is, in words: caption, lyrics, metadata, as values of a request.

        Raises `BadRequest` for a voice without audio codes, and `CheckpointError` without a planner.
        """
        if self.config.guided:
            raise BadRequest(f"{self.name} has no audio codes", "load one of ACE-Step's models")
        meter, request = Meter(), dataclasses.replace(request, task="cover").resolved()
        request, source = yield from self._opened(request, meter)
        pieces = []
        for piece in meter.each("source", self.encode(source, self.frames(request))):
            pieces.append(piece)
            yield Progress("source", 0.0)
        with meter("source"):
            heard = self.coded(mx.array(np.concatenate(pieces, axis=1)))[
                : max(1, int(request.length * codes.PER_SECOND))
            ]
        taste = planned.sampling(request)
        if request.lm_temperature == FIELDS["lm_temperature"].default:
            taste = dataclasses.replace(taste, temperature=UNDERSTAND_TEMPERATURE)
        with self.desk.planner() as planner:
            return (yield from self._written(planner.understand(heard, taste), meter, 1.0))

    def _opened(self, request: Request, meter: Meter) -> Generator[Progress, None, tuple[Request, np.ndarray]]:
        """The source's sound, (samples in whole frames, 2), and the request with the clip's length."""
        pieces = []
        yield Progress("source", 0.0)
        for piece in meter.each("source", audio.blocks(request.source)):
            pieces.append(piece)
            yield Progress("source", 0.0)
        with meter("source"):
            return tasks.staged(request, np.concatenate(pieces), self.vae.config.hop)

    def _gathered(
        self, work: Work, source: np.ndarray | None, score: Score | None
    ) -> Generator[Progress, None, Material]:
        """What the scenes are made of: the source and the guide, encoded."""
        latents = {}
        if source is not None:
            latents["source"] = yield from self._heard_again(work, source)
        if score is not None:
            with work.meter("guide"):
                drawing = self.drawing(work.request, score)
            latents["guide"] = yield from self._encoded(work, "guide", drawing)
        with work.meter("condition"):
            material = self.material(work.request, 0 if source is None else len(source), **latents)
        if work.request.reference:
            material = dataclasses.replace(material, reference=(yield from self._timbre(work)))
        return material

    def _gain(self, work: Work, decoded: np.ndarray, clip: np.ndarray) -> float:
        """What the decoded sound was multiplied with, told from its loudest sample that is in the clip."""
        request = work.request
        window = tasks.window(request, request.samples) if request.task == "repaint" else range(request.samples)
        before, after = (one[0, window.start : window.stop] for one in (audio.cut(decoded, request.samples), clip))
        loudest = np.argmax(np.abs(before))
        return float(after[loudest] / before[loudest]) if before[loudest] else 1.0

    def _stored(self, request: Request) -> Stored | None:
        """What the source was decoded from, where that is known and of use."""
        kept = request.task and request.task != "lego" and request.region[0] >= 0
        if not kept or self.store is None or request.loop or request.source_seed >= 0:
            return None
        return self.store.get(request.source, self.vae_digest)

    def _heard_again(self, work: Work, source: np.ndarray) -> Generator[Progress, None, mx.array]:
        """The source's latents: those it was decoded from, or encoded."""
        if work.stored is None:
            return (yield from self._encoded(work, "source", source))
        yield Progress("source", next(work.spans).start)
        frames, hop = self.frames(work.request), self.vae.config.hop
        there = mx.array(work.stored.latents[: -(-_sounding(source) // hop)])[None, :frames]
        return mx.concatenate([there, self.silent(frames - there.shape[1])], axis=1)

    def _timbre(self, work: Work) -> Generator[Progress, None, mx.array]:
        """The latents (1, 750, 64) of what the request is to sound like."""
        span, pieces = next(work.spans), []
        yield Progress("reference", span.start)
        for piece in work.meter.each("reference", audio.blocks(work.request.reference, "reference")):
            pieces.append(piece)
            yield Progress("reference", span.start)
        with work.meter("reference"):
            sound = reference.parts(work.request, np.concatenate(pieces))
        return (yield from self._tiled(work, "reference", sound, REFERENCE_FRAMES, span))

    def _encoded(self, work: Work, stage: str, sound: np.ndarray) -> Generator[Progress, None, mx.array]:
        """The latents (1, frames, 64) of sound (samples, 2), followed by silence."""
        span = next(work.spans)
        yield Progress(stage, span.start)
        return (yield from self._tiled(work, stage, sound, self.frames(work.request), span))

    def _tiled(
        self, work: Work, stage: str, sound: np.ndarray, frames: int, span: Span
    ) -> Generator[Progress, None, mx.array]:
        """The same, unless it has been encoded before."""
        loop, pieces, done = work.request.loop and stage != "reference", [], 0
        with work.meter(stage):
            drawn = work.request.source_seed if stage == "source" else -1
            made_from = caches.digest(sound, f"{frames} {loop} {drawn}")
            known = self.cache.find(stage, made_from)
        if known is not None:
            return known
        if loop:
            encoded = self.encode_loop(sound[: work.request.samples], frames, drawn)
        else:
            encoded = self.encode(sound, frames, drawn)
        for piece in work.meter.each(stage, encoded):
            pieces.append(piece)
            done += piece.shape[1]
            yield Progress(stage, span.at(min(1.0, done / frames)))
        return self.cache.keep(stage, made_from, mx.array(np.concatenate(pieces, axis=1)))

    def _mixed(
        self, work: Work, material: Material, noise: mx.array
    ) -> Generator[Progress | Take, None, tuple[Material, np.ndarray]]:
        """The mix (2, samples); and what stems are taken out of: its latents."""
        request, meter, count = work.request, work.meter, len(work.steps)
        scenes = tasks.scenes(request, material)
        yield Progress("text", next(work.spans).start)
        with meter("text"):
            added = request.tracks if request.task == "complete" else ()
            texts = [self.encode_text(request, scene.task, added) for scene in scenes]
        yield Progress("condition", next(work.spans).start)
        with meter("condition"):
            timbre = material.reference
            canvases = [self.canvas(self.condition(*text, timbre), scene) for text, scene in zip(texts, scenes)]
        turn = int(count * request.guide_strength)
        by_step = [canvases[0] if step < turn else canvases[-1] for step in range(count)]
        if request.cover_noise_strength:
            noise = sampler.noised(material.given, noise, work.steps[0].item())
        previews = [int(step) for step in request.preview.split()]
        latents, mix = yield from self._painted(work, by_step, noise, self.kept(request, material, noise), previews)
        return dataclasses.replace(material, source=latents), mix

    def _track(
        self, work: Work, material: Material, task: str, track: str
    ) -> Generator[Progress | Take, None, tuple[mx.array, np.ndarray]]:
        """One track that is taken out of the material's source, or added to it: its latents and audio (2, samples)."""
        work = work._replace(steps=self.steps_out(work.request)) if task == "extract" else work
        with work.meter("condition"):
            canvas = self.playing(work.request, material, task, track)
        return (yield from self._painted(work, [canvas] * len(work.steps), self.noise(work.request, track)))

    def _layered(
        self, work: Work, material: Material, source: np.ndarray
    ) -> Generator[Progress | Take, None, dict[str, np.ndarray]]:
        """Tracks that go with the source: each hears those before it. With what they make together, first."""
        request, heard, tracks = work.request, source.T, {}
        window = tasks.window(request, request.samples)
        fade = round(Hold.asked(request).seconds * SAMPLE_RATE)
        for number, track in enumerate(request.tracks):
            if number:
                latents = yield from self._encoded(work, "source", np.ascontiguousarray(heard.T, np.float32))
                material = dataclasses.replace(material, source=latents)
            _, sound = yield from self._track(work, material, "lego", track)
            tracks[track] = sound[:, : heard.shape[1]]
            heard = heard + tracks[track] * audio.ramped(heard.shape[1], window, fade)
        return {"mix": heard} | tracks

    def _painted(
        self,
        work: Work,
        canvases: Sequence[Canvas],
        noise: mx.array,
        kept: Kept | None = None,
        previews: Sequence[int] = (),
    ) -> Generator[Progress | Take, None, tuple[mx.array, np.ndarray]]:
        """Diffusion and decoding: the latents and the audio (2, samples)."""
        span, latents = next(work.spans), noise
        states = self.latents(work.request, canvases, work.steps, noise, kept)
        yield Progress("diffusion", span.start)
        for step in range(1, len(canvases) + 1):
            with work.meter("diffusion"):
                latents, clean = next(states)
            now = span.at(_DIFFUSION * step / len(canvases))
            yield Progress("diffusion", now)
            if step in previews:
                yield from self._previewed(work, clean, step, Span(now, 0.0))
        rest = Span(span.at(_DIFFUSION), span.length * (1 - _DIFFUSION))
        return latents, (yield from self._decoded(work, latents, rest))

    def _previewed(self, work: Work, clean: mx.array, step: int, span: Span) -> Generator[Progress | Take, None, None]:
        """What the mix would be if it ended with this step. Silence is not worth hearing."""
        sound = yield from self._decoded(work, clean, span)
        with suppress(audio.BadAudio):
            gain = work.stored.gain if work.stored else 1.0
            clip = self.finished(work.request, {"mix": sound}, work.source, gain)["mix"]
            yield Take(f"{PREVIEW}{step}", mx.array(clip), work.request, self.name, bits=self.weights.bits)

    def _decoded(self, work: Work, latents: mx.array, span: Span) -> Generator[Progress, None, np.ndarray]:
        """The audio (2, samples); a loop's is its exact length."""
        loop, hop, around = work.request.loop, self.vae.config.hop, self.vae.reach
        shown = loops.surrounded(latents, around) if loop else latents
        pieces, done, whole = [], 0, shown.shape[1] * hop
        for piece in work.meter.each("decode", self.vae.decode_tiles(shown)):
            pieces.append(piece[0])
            done += piece.shape[1]
            yield Progress("decode", span.at(min(1.0, done / whole)))
        sound = np.concatenate(pieces)
        if loop:
            with work.meter("decode"):
                sound = audio.periodic(sound[around * hop : -around * hop], work.request.samples)
        return sound.T

    def finished(
        self, request: Request, clips: Mapping[str, np.ndarray], source: np.ndarray | None, gain: float = 1.0
    ) -> dict[str, np.ndarray]:
        """The decoded clips as they are asked for, and the rest. What keeps a source, or is a part of it, keeps its
        level too."""
        parts = {name: audio.cut(clip, request.samples) * gain for name, clip in clips.items()}
        whole = None if source is None else source[: request.samples].T.astype(np.float64)
        window, fade = tasks.window(request, request.samples), round(Hold.asked(request).seconds * SAMPLE_RATE)
        if request.task == "lego" and whole is not None:
            for track in request.tracks:  # nothing around the window
                parts[track] *= audio.ramped(request.samples, window, fade)
            parts["mix"] = whole + sum(parts[track] for track in request.tracks)
        elif request.task == "repaint" and whole is not None:
            parts["mix"] = audio.spliced(parts["mix"], whole, window, fade)
        if "mix" in parts:
            audio.not_silent(parts["mix"])
        whole = parts.get("mix", whole)
        stems = [part for name, part in parts.items() if name != "mix"]
        if stems and whole is not None:
            parts[REST] = whole - sum(stems)
        ready = list(parts.values())
        kept = request.task in ("repaint", "extract", "lego")
        levelled = audio.within_full_scale(ready) if kept else audio.levelled(ready, request.peak_db, request.normalize)
        return dict(zip(parts, levelled, strict=True))

    def audition(self, request: Request) -> None:
        """Go through a whole generation and throw it away, whatever it sounds like: afterwards kernels are compiled."""
        with suppress(audio.BadAudio):
            for _ in self.render(request.changed({"plan": "off"})):
                pass

    def reused(self) -> dict[str, list[int]]:
        """By kind, how often something was not computed again, and how often it was."""
        return self.cache.told()

    def cost(self, request: Request) -> float:
        """How much computing a request is, in a unit of its own: see `pipeline.cost`."""
        return cost.cost(request, self.defaults, self.vae.config.hop)

    # --- the stages, for those who want one of them --------------------------------------------------------------

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

    def condition(self, text: mx.array, lyrics: mx.array, reference: mx.array | None = None) -> mx.array:
        """The packed condition (1, S, width), with the timbre of the reference's latents (1, R, 64), or of silence."""
        reference = self.silent(REFERENCE_FRAMES) if reference is None else reference
        encoder, heard = self.model.encoder, reference.astype(text.dtype)
        sung = self.cache("lyrics", caches.digest(lyrics), lambda: encoder.lyric_encoder(lyrics))
        timbre = self.cache("timbre", caches.digest(heard), lambda: encoder.timbre_encoder(heard)[None])
        condition = encoder.packed(text, sung, timbre)
        mx.eval(condition)
        return condition

    def silent(self, frames: int) -> mx.array:
        """The latents of silence (1, frames, 64), from their start; repeated when more are asked for."""
        repeats = -(-frames // self.silence.shape[1])
        return mx.tile(self.silence, (1, repeats, 1))[:, :frames]

    def encode(self, sound: np.ndarray, frames: int, seed: int = -1) -> Iterator[mx.array]:
        """The latents (1, frames, 64), piece by piece, of the whole frames of sound (samples, 2), then of silence.

        They are the posterior's mean, or with a `seed` drawn from it.
        """
        done = 0
        for piece in self.vae.encode_tiles(mx.array(sound)[None], noise=self._draw(len(sound), seed)):
            done += piece.shape[1]
            yield piece
        if done < frames:
            yield self.silent(frames - done)

    def _draw(self, samples: int, seed: int) -> mx.array | None:
        shape = (1, samples // self.vae.config.hop, self.config.audio_acoustic_hidden_dim)
        return None if seed < 0 else mx.random.normal(shape, key=mx.random.key(seed))

    def encode_loop(self, sound: np.ndarray, frames: int, seed: int = -1) -> Iterator[mx.array]:
        """The latents (1, frames, 64) of sound (samples, 2) that repeats."""
        around, hop = self.vae.sight, self.vae.config.hop
        circle = audio.periodic(sound, frames * hop)
        shown = np.take(circle, np.arange(-around * hop, (frames + around) * hop), axis=0, mode="wrap")
        tiles = self.vae.encode_tiles(mx.array(shown)[None], noise=self._draw(len(shown), seed))
        yield mx.concatenate(list(tiles), axis=1)[:, around : around + frames]

    def drawing(self, request: Request, score: Score) -> np.ndarray:
        """The guide's sound (samples, 2); what rings at the end of a loop is heard at its beginning."""
        if not request.loop:
            return guide.render(score, request.samples)
        return loops.folded(guide.render(score, request.samples + RINGING), request.samples)

    def coded(self, latents: mx.array) -> tuple[int, ...]:
        """The 5 Hz audio codes of latents (1, T, 64), the last of them with silence behind."""
        missing = -latents.shape[1] % self.config.pool_window_size
        found = self.model.tokenizer(mx.concatenate([latents, self.silent(missing)], axis=1))
        return tuple(np.array(found)[0].tolist())

    def hinted(self, given: Sequence[int], frames: int) -> mx.array:
        """What 5 Hz audio codes stand for: latents (1, frames, 64), followed by silence where the codes end."""
        quantized = self.model.tokenizer.quantizer.output(mx.array([given], mx.int32))
        latents = self.model.detokenizer(quantized)[:, :frames].astype(mx.float32)
        return mx.concatenate([latents, self.silent(frames - latents.shape[1])], axis=1)

    def material(
        self, request: Request, samples: int = 0, source: mx.array | None = None, guide: mx.array | None = None
    ) -> Material:
        """What tasks make scenes of. `samples`: how long the source was before it was encoded.

        A guided voice has no audio codes, and was taught to paint everything.
        """
        hop, frames, plain = self.vae.config.hop, self.frames(request), self.config.guided
        given = codes.parse(request.codes)
        if request.task == "cover" and source is not None and not plain:
            given = self.coded(source)
        place = tasks.window(request, samples)
        window = range(place.start // hop, place.stop // hop)
        hints = self.hinted(given, frames) if given else None
        guide = hints if request.codes else guide
        silence = self.silent(frames)
        return Material(silence, source, guide, window, hints=hints, masked=not plain, codes=given)

    def kept(self, request: Request, material: Material, noise: mx.array) -> Kept | None:
        """What a repaint keeps."""
        if request.task != "repaint":
            return None
        return Kept(material.given, noise, material.window, Hold.asked(request))

    def playing(self, request: Request, material: Material, task: str, track: str) -> Canvas:
        timbre = material.reference if task != "extract" else None  # what is taken out sounds as it is in the mix
        condition = self.condition(*self.encode_text(request, task, [track]), timbre)
        return self.canvas(condition, tasks.TASKS[task](material))

    def canvas(self, condition: mx.array, scene: Scene) -> Canvas:
        return Canvas(self.crossed(condition), self.context(scene))

    def crossed(self, condition: mx.array) -> CrossKV:
        """The condition as every layer's keys and values."""
        return self.cache("cross", caches.digest(condition), lambda: self.model.decoder.cross(condition))

    def context(self, scene: Scene) -> mx.array:
        """(1, frames, 128): the source latents, and the chunk mask for each of their channels."""
        mask = mx.broadcast_to(scene.mask[..., None], scene.source.shape)
        return mx.concatenate([scene.source, mask], axis=-1)

    def frames(self, request: Request) -> int:
        return cost.frames(request, self.vae.config.hop)

    def noise(self, request: Request, track: str = "", draw: int = 0) -> mx.array:
        """(1, frames, 64), from the seed and the variation's; every track and every draw has a noise of its own."""
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
        """Noise (1, frames, 64) that is given, towards the variation's. Raises `BadRequest` for another length."""
        other = self.noise(dataclasses.replace(request, seed=max(0, request.variation_seed), variation=0.0))
        if noise.shape != other.shape:
            frames = f"must have {other.shape[1]} frames for {request.length:.6g} s, got {noise.shape[1]}"
            raise BadRequest(f"the noise {frames}", "ask for the length that it was made for")
        return sampler.slerp(noise, other, request.variation) if request.variation else noise

    def latents(
        self,
        request: Request,
        canvases: Sequence[Canvas],
        steps: np.ndarray,
        noise: mx.array,
        kept: Kept | None = None,
    ) -> Iterator[sampler.State]:
        """The states of the diffusion (1, frames, 64), one per step; the last one is the clip's latents."""
        guidance = sampler.Guidance.of(request)
        decoder = self.model.decoder
        # The official code repeats this vector over the whole condition; attention over equal keys is one of them.
        null = self.crossed(self.model.null_condition_emb) if guidance.scale != 1 else []

        def velocity(x: mx.array, t: float, step: int, guided: bool) -> tuple[mx.array, mx.array | None]:
            at, (cross, context) = mx.full((x.shape[0],), t), canvases[step]

            def to(cross: CrossKV) -> mx.array:
                if request.loop:
                    return loops.circular(lambda x, context: decoder(x, context, at, at, cross), x, context, step)
                return decoder(x, context, at, at, cross)

            return to(cross), to(null) if guided else None

        return sampler.denoise(velocity, noise, steps, guidance, kept, self.solver(request, steps))

    def solver(self, request: Request, steps: np.ndarray) -> sampler.Solver:
        """How the steps are made; its state is one generation's."""
        if request.sampler == "heun":
            return sampler.Heun(to_the_end=not self.config.is_turbo)
        if request.sampler == "sde":
            official = not self.config.is_turbo and not request.timesteps  # its base class does not shift these
            levels = sampler.schedule(len(steps), 1.0)[1:] if official else steps[1:]
            return sampler.Sde(lambda step: self.noise(request, draw=step + 1), np.append(levels, 0.0))
        return {"euler": lambda: sampler.euler, "ab2": sampler.AdamsBashforth, "dpm": sampler.DpmSolver}[
            request.sampler
        ]()


def _sounding(source: np.ndarray) -> int:
    """Samples up to the end of the last one that is not zero."""
    found = np.flatnonzero(source.any(axis=1))
    return int(found[-1]) + 1 if found.size else 0


def token_ids(tokenizer: Tokenizer, prompt: str, limit: int) -> list[int]:
    """At most `limit` ids. The tokenizer appends an end token of its own, which a cut must keep."""
    ids = tokenizer.encode(prompt).ids
    return ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]
