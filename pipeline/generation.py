"""One run of a model: a request becomes a take."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from typing import TypeVar

import mlx.core as mx
import numpy as np

from . import (
    audio,
    audio_files,
    caches,
    codes,
    cost,
    device,
    device_finish,
    loops,
    masks,
    postprocess,
    reference,
    sampler,
    tasks,
)
from .audio import Floats, LevelledAudio, PendingSound, Waveform
from .capabilities import explain_lost_vocals, keeps_vocals
from .explain import Explanation
from .guide.composer.captions import describe_caption
from .guide.guide import Guide
from .latent_store import StoredLatents
from .lengths import explain_length
from .meter import Meter, ProgressSpan, split_progress
from .model import TIMBRE_FRAMES, Conditioning, Model
from .planner.planner import PlanProgress
from .planner.planning import PlannedRequest, is_planned, plan_request
from .postprocess import PostprocessedClips
from .prompts import Unread
from .request import PREVIEW, SAMPLE_RATE, VOCALS, Request
from .request_files import list_explanations, resolve_request
from .schedules import Schedule
from .singer.lines import LineTime, bound_lines
from .singer.lyrics import Lyrics
from .singer.vocal_part import VocalPart, leave_out_all, leave_out_last
from .singing import (
    Singing,
    duck_tracks,
    find_loudness,
    plan_singing,
    put_before,
    put_before_tracks,
    put_beside,
    render_vocals,
    write_part,
)
from .source_facts import find_stem
from .source_window import find_window
from .steps import Share, Steps, advance
from .take import PendingClip, Progress, TakeInfo, describe_machine
from .tasks import InputLatents, RepaintBlend, SourceInjection

# seconds between pauses of work in steps, for a more urgent take, or a cancel: pauses after each
# step took 20 ms of a take of 240 s
_BETWEEN_PAUSES = 0.02
_PLAYED = 0.5  # share of a guide's progress that playing it is; the rest is encoding
_DIFFUSION = 0.8  # share of diffusion in the progress of `_diffuse`; the rest is decoding

# audio (2, N), or (N, 2) where it is left on the device that made it
Decoded = Floats | mx.array

_Result = TypeVar("_Result")
# a stage of a run: yields progress and clips on its way to its result
_Stage = Generator[Progress | PendingClip, None, _Result]


class Generation:
    """One run of a model. `run` has its stages in their order.

    It pauses whenever it yields; another generation may run on the same model meanwhile. Its
    attributes are what the stages have decided so far: the request as it is used, the task's
    `source` (samples, 2), those of its stems that are known (`source_stems`) and the latents that
    it was decoded from (`stored`), the guide, the timesteps, and which part of the progress each of
    the stages to come is (`spans`, in their order). `singing` is what becomes of the lyrics, `part`
    what the guide's singer has of them, and `vocals` (samples, 2) how that sounds, where it is
    heard over what the model made.
    """

    timesteps: Schedule
    spans: Iterator[ProgressSpan]

    def __init__(self, model: Model, request: Request, noise: mx.array | None = None) -> None:
        """`noise` (1, frames, 64) replaces what the seed would draw. The request need not be
        resolved: its seeds are drawn here. Raises `BadRequest`.
        """
        self.model = model
        default_guide = model.capabilities.default_guide(request)
        self.request = model.capabilities.accept(resolve_request(request, default_guide))
        assumed = (Explanation(text) for text in explain_length(request, self.request))
        # of what was asked, before any plan
        self.explanations = (*list_explanations(self.request), *assumed)
        self.adapters = model.adapters
        self.meter = Meter()
        self.plan: PlannedRequest | None = None
        self.plan_length = cost.PlanLength(0, 0)  # as expected before
        self.plan_share = 0.0  # of the progress
        self.source: Waveform | None = None
        self.source_stems: dict[str, Waveform] = {}
        self.repeats_source = False  # it is longer than the file that it was decoded from
        self.sound_notes: list[str] = []  # of the files of sound that were read
        self.stored: StoredLatents | None = None
        self.guide: Guide | None = None
        self.singing = Singing()
        self.unread = Unread()
        self.part: VocalPart | None = None
        self.vocals: Waveform | None = None
        self._given_noise = noise

    def run(self) -> _Stage[None]:
        """Yield `Progress` as the work goes, then the clips. Raises `BadRequest`, and `BadAudio`
        when the result is not music.
        """
        yield from self._write_plan()
        self.model.make_room()
        yield from self._read_source()
        yield from self._choose_guide()
        yield from self._find_stored_latents()
        self._prepare_steps()
        inputs = yield from self._encode_inputs()  # source, guide and reference become latents
        noise = self._draw_noise()
        decoded: dict[str, Decoded] = {}  # the mix and the tracks, by name
        if self.request.task == "lego":
            decoded |= yield from self._add_tracks(inputs)
        elif self.request.task != "extract":
            latents, decoded["mix"] = yield from self._make_mix(inputs, noise)
            inputs = dataclasses.replace(inputs, source=latents)
        if self._plays_tracks:
            decoded |= yield from self._divide_mix(decoded["mix"])
        else:
            for track in self._unknown_tracks:
                decoded[track] = yield from self._make_track(inputs, "extract", track)
        finished = yield from self._postprocess(decoded)
        info = self._describe(inputs, finished.notes)
        for name, sound in finished.clips.items():
            clip = PendingClip(name, self._measure_sound(sound), info)
            if name == "mix" and self.request.task != "lego":
                clip = dataclasses.replace(clip, noise=np.array(noise[0]))
                # a mix with vocals of ours is not what the latents are decoded to
                if self.vocals is None:
                    clip = dataclasses.replace(
                        clip,
                        latents=np.array(inputs.source_latents[0]),
                        gain=finished.gain,
                    )
            yield clip

    @property
    def _unknown_tracks(self) -> list[str]:
        """Those that have to be taken out: vocals that are sung beside the model are known, and no
        part of what it made.
        """
        known = {*self.source_stems}
        if self.part is not None and not self.singing.in_guide:
            known.add(VOCALS)
        return [track for track in self.request.extracted_tracks if track not in known]

    @property
    def _plays_tracks(self) -> bool:
        """Whether stems are asked for that those of the guide tell."""
        is_told = self.guide is not None and self.model.capabilities.divides_by_guide(self.request)
        return is_told and bool(self._unknown_tracks)

    # --- plan -------------------------------------------------------------------------------------

    def _write_plan(self) -> _Stage[None]:
        """The planner fills metadata and audio codes into the request, where that is wanted."""
        model = self.model
        if is_planned(self.request, model.planner_slot, model.capabilities):
            self.plan_length = cost.estimate_plan(self.request)
            rest = model.estimate_cost_after_plan(self.request) / model.estimate_cost(self.request)
            self.plan_share = 1 - rest
            work = plan_request(self.request, model.planner_slot)
            self.plan = yield from report_tokens(
                work, self.meter, self.plan_share, self.plan_length
            )
            self.request = self.plan.request
            yield Progress("plan", self.plan_share, planned=self.plan.filled)

    # --- source, guide, reference -----------------------------------------------------------------

    def _read_source(self) -> _Stage[None]:
        """The task's source, and the length that its clip gets from it."""
        if self.request.task:
            whole = yield from read_sound(
                "source", self.request.source, self.meter, self.sound_notes
            )
            with self.meter.measure("source"):
                repeated = tasks.repeat_source(self.request, whole)
                self.repeats_source = len(repeated.waveform) > len(whole)
                self.sound_notes += repeated.notes
                fitted = tasks.fit_source(self.request, repeated.waveform, self.model.hop)
            self.request, self.source = fitted
            if keeps_vocals(self.request, self.model.config.sings):
                yield from self._read_vocals()

    def _read_vocals(self) -> _Stage[None]:
        """What was sung in the source, where that has a stem of its own, at its place in the
        clip.
        """
        path = find_stem(self.request.source, VOCALS)
        if path is None:
            return
        stem = yield from read_sound("source", str(path), self.meter, self.sound_notes)
        with self.meter.measure("source"):
            _, self.source_stems[VOCALS] = tasks.fit_source(self.request, stem, self.model.hop)

    def _choose_guide(self) -> _Stage[None]:
        """The guide, what it decides of the request, and when it has the words sung."""
        model = self.model
        if not (self.request.bars or self.request.seconds):  # nor has a plan a length
            self.request = self.request.changed({"seconds": self.request.length})
        default = model.capabilities.default_guide(self.request)
        request = self.request.changed({"guide": self.request.guide or default})
        self.singing = plan_singing(request, model.capabilities)
        if self.singing.lyrics is not None:
            yield Progress("guide", self.plan_share)
        is_guided = request.guide != "off"
        with self.meter.measure("guide") if is_guided else nullcontext():
            self.request, self.guide = model.resolve_guide(self.request, self.singing.sections)
        if self.guide is not None and self.singing.lyrics is not None:
            yield Progress("guide", self.plan_share)
            writing = write_part(self.request, self.guide, self.singing.lyrics)
            self.part = yield from self._report_steps(
                "guide", writing, ProgressSpan(self.plan_share, 0.0)
            )
        stage = "text" if self.guide is None else "guide"
        if self.lines:
            yield Progress(stage, self.plan_share, lines=self.lines)
        if notes := tuple(self._explain_limits()):
            yield Progress(stage, self.plan_share, notes=notes)

    def _find_stored_latents(self) -> _Stage[None]:
        """The latents that the source was decoded from, where the model has made it."""
        if self.repeats_source:
            return
        search = self.model.find_stored_latents(self.request)
        while True:
            try:
                next(search)
            except StopIteration as end:
                self.stored = end.value
                return
            yield Progress("source", 0.0)

    def _prepare_steps(self) -> None:
        """The timesteps, and which part of the progress every stage after the plan is."""
        self.timesteps = self.model.capabilities.build_timesteps(self.request)
        taken_out = len(self._unknown_tracks)
        has_guide = self.guide is not None
        spans = split_progress(self.request, has_guide, taken_out, self._plays_tracks)
        if self.plan is not None:
            rest = ProgressSpan(self.plan_share, 1 - self.plan_share)
            spans = (span.within(rest) for span in spans)
        self.spans = spans

    def _encode_inputs(self) -> _Stage[InputLatents]:
        """The latents of the source, the guide and the reference."""
        source = None
        guide = None
        if self.source is not None:
            source = yield from self._encode_source(self.source)
        if self.guide is not None:
            guide = yield from self._encode_guide(self.guide)
        with self.meter.measure("condition"):
            samples = 0 if self.source is None else len(self.source)
            inputs = self.model.build_inputs(self.request, samples, source, guide)
        if self.request.reference:
            timbre = yield from self._encode_reference()
            inputs = dataclasses.replace(inputs, timbre=timbre)
        return inputs

    def _encode_source(self, source: Waveform) -> _Stage[mx.array]:
        """The source's latents: those that it was decoded from, or encoded."""
        if self.stored is None:
            return (yield from self._encode("source", source))
        yield Progress("source", next(self.spans).start)
        frames = self.model.count_frames(self.request)
        used = -(-_count_sounding(source) // self.model.hop)
        latents = mx.array(self.stored.latents[:used])[None, :frames]
        silence = self.model.build_silence(frames - latents.shape[1])
        return mx.concatenate([latents, silence], axis=1)

    def _encode_guide(self, guide: Guide) -> _Stage[mx.array]:
        """The latents of the guide, in which a model that sings hears the words: from the cache
        where the same notes were encoded before, as rendering a long guide takes seconds.
        """
        span = next(self.spans)
        yield Progress("guide", span.start)
        if self.part is not None and self.singing.in_mix:
            self.vocals = yield from self._sing(self.part, span)
        sung = self.part if self.singing.in_guide else None
        frames = self.model.count_frames(self.request)
        with self.meter.measure("guide"):
            key = self._identify_guide(guide, sung, frames)
            cached: mx.array | None = self.model.cache.find("guide", key)
        if cached is not None:
            return cached
        waveform = yield from self._render_guide(guide, sung, span.divide(0.0, _PLAYED))
        rest = span.divide(_PLAYED, 1.0)
        return (yield from self._encode_anew("guide", key, waveform, frames, rest))

    def _identify_guide(self, guide: Guide, sung: VocalPart | None, frames: int) -> bytes:
        """A key of all that its latents are made from."""
        request = self.request
        band = guide.score, guide.sounds, guide.production
        words = sung and (sung, request.guide_seed, find_loudness(guide))
        return caches.digest(repr((band, words, request.samples, request.loop, frames)))

    def _render_guide(
        self, guide: Guide, sung: VocalPart | None, span: ProgressSpan
    ) -> _Stage[Waveform]:
        """The band, and what is sung before it, (samples, 2)."""
        share = Share()
        playing = guide.render_in_steps(self.request.samples, self.request.loop, share.tell)
        waveform = yield from self._report_steps("guide", playing, span, share)
        if sung is None:
            return waveform
        end = span.divide(1.0, 1.0)
        vocals = yield from self._sing(sung, end)
        mixing = put_before(waveform, vocals, find_loudness(guide))
        return np.add(*(yield from self._report_steps("guide", mixing, end)))

    def _sing(self, part: VocalPart, span: ProgressSpan) -> _Stage[Waveform]:
        """The vocals (samples, 2), once."""
        if self.vocals is not None:
            return self.vocals
        return (yield from self._report_steps("guide", render_vocals(part, self.request), span))

    def _report_steps(
        self, stage: str, steps: Steps[_Result], span: ProgressSpan, share: Share | None = None
    ) -> _Stage[_Result]:
        """The result of work that is done in steps, and pauses between them; it tells `share` how
        far it is, or nobody.
        """
        while True:
            with self.meter.measure(stage):
                try:
                    advance(steps, _BETWEEN_PAUSES)
                except StopIteration as end:
                    result: _Result = end.value
                    return result
            yield Progress(stage, span.at(share.done if share else 0.0))

    def _encode_reference(self) -> _Stage[mx.array]:
        """The latents (1, 750, 64) of what the clip is to sound like."""
        span = next(self.spans)
        whole = yield from read_sound(
            "reference", self.request.reference, self.meter, self.sound_notes, span.start
        )
        with self.meter.measure("reference"):
            waveform = reference.pick_parts(self.request, whole)
        return (yield from self._encode_once("reference", waveform, TIMBRE_FRAMES, span))

    def _encode(self, stage: str, waveform: Waveform) -> _Stage[mx.array]:
        """The latents (1, frames, 64) of a waveform (samples, 2), followed by silence."""
        span = next(self.spans)
        yield Progress(stage, span.start)
        frames = self.model.count_frames(self.request)
        return (yield from self._encode_once(stage, waveform, frames, span))

    def _encode_once(
        self, stage: str, waveform: Waveform, frames: int, span: ProgressSpan
    ) -> _Stage[mx.array]:
        """The latents (1, frames, 64) of a waveform: from the cache where it was encoded before."""
        with self.meter.measure(stage):
            facts = f"{frames} {self._encodes_loop(stage)} {self._find_seed(stage)}"
            key = caches.digest(waveform, facts)
            cached: mx.array | None = self.model.cache.find(stage, key)
        if cached is not None:
            return cached
        return (yield from self._encode_anew(stage, key, waveform, frames, span))

    def _encode_anew(
        self, stage: str, key: bytes, waveform: Waveform, frames: int, span: ProgressSpan
    ) -> _Stage[mx.array]:
        """The latents (1, frames, 64) of a waveform, kept under the key."""
        model = self.model
        seed = self._find_seed(stage)
        if self._encodes_loop(stage):
            tiles = model.encode_loop(waveform[: self.request.samples], frames, seed)
        else:
            tiles = model.encode_audio(waveform, frames, seed)
        pieces = []
        done = 0
        for piece in self.meter.measure_each(stage, tiles):
            pieces.append(piece)
            done += piece.shape[1]
            yield Progress(stage, span.at(min(1.0, done / frames)))
        return model.cache.store(stage, key, mx.array(np.concatenate(pieces, axis=1)))

    def _encodes_loop(self, stage: str) -> bool:
        """Whether what it encodes repeats: all of a loop, but not its reference."""
        return self.request.loop and stage != "reference"

    def _find_seed(self, stage: str) -> int:
        """Of the encoder's noise; -1: none."""
        return self.request.source_seed if stage == "source" else -1

    # --- text, condition --------------------------------------------------------------------------

    def _draw_noise(self) -> mx.array:
        """(1, frames, 64): the seed's or what was given, with the request's variation."""
        if self._given_noise is None:
            return self.model.draw_noise(self.request)
        return self.model.interpolate_noise(self.request, self._given_noise)

    def _make_mix(self, inputs: InputLatents, noise: mx.array) -> _Stage[tuple[mx.array, Decoded]]:
        """The mix's latents, and its audio."""
        conditioning = yield from self._condition_steps(inputs)
        start = noise
        if self.request.cover_noise_strength:
            t = self.timesteps[0].item()
            start = sampler.add_noise(inputs.source_latents, noise, t)
        injection = self.model.build_injection(self.request, inputs, noise)
        previews = [int(step) for step in self.request.preview.split()]
        return (yield from self._diffuse(conditioning, self.timesteps, start, injection, previews))

    def _condition_steps(self, inputs: InputLatents) -> _Stage[list[Conditioning]]:
        """What the DiT sees beside the noise, for every step of the mix."""
        request = self.request
        model = self.model
        contexts = tasks.build_contexts(request, inputs)
        text_start = next(self.spans).start
        yield Progress("text", text_start)
        with self.meter.measure("text"):
            added = request.tracks if request.task == "complete" else ()
            texts = [model.encode_text(request, context.task, added) for context in contexts]
            self.unread = model.find_unread(request, contexts[0].task, added)
        if self.unread.lyrics:
            yield Progress("text", text_start, lines=self.lines)
        if any(self.unread):
            yield Progress("text", text_start, notes=tuple(self._explain_limits()))
        yield Progress("condition", next(self.spans).start)
        with self.meter.measure("condition"):
            conditionings = [
                model.build_conditioning(model.encode_condition(*text, inputs.timbre), context)
                for text, context in zip(texts, contexts)
            ]
        count = len(self.timesteps)
        guide_steps = int(count * request.guide_strength)  # the first ones follow the guide
        return [
            conditionings[0] if step < guide_steps else conditionings[-1] for step in range(count)
        ]

    def _divide_mix(self, mix: Decoded) -> _Stage[dict[str, Floats]]:
        """The tracks (2, N) that are asked for, as parts of the mix that those of the guide tell;
        silence where nobody plays one.
        """
        assert not isinstance(mix, mx.array)  # a take with tracks is finished elsewhere
        request = self.request
        span = next(self.spans)
        yield Progress("guide", span.start)
        tracks = yield from self._play_tracks(span.divide(0.0, _PLAYED))
        guide = {track: sound.T for track, sound in tracks.items()}
        whole = mix[:, : request.samples]
        dividing = masks.share_out(whole, guide, self._unknown_tracks, request.loop)
        rest = span.divide(_PLAYED, 1.0)
        stems = yield from self._report_steps("finish", dividing, rest)
        if self._is_silent_around:
            for stem in stems.values():
                fade = audio.build_fade_in(request.samples)
                stem[:, : len(fade)] *= fade
        return stems

    def _play_tracks(self, span: ProgressSpan) -> _Stage[dict[str, Waveform]]:
        """The guide's tracks (samples, 2), with what is sung in it: what it was encoded from."""
        assert self.guide is not None
        request = self.request
        share = Share()
        asked = request.extracted_tracks
        playing = self.guide.render_tracks_in_steps(
            request.samples, asked, request.loop, share.tell
        )
        tracks = yield from self._report_steps("guide", playing, span, share)
        if self.part is None or not self.singing.in_guide:
            return tracks
        end = span.divide(1.0, 1.0)
        vocals = yield from self._sing(self.part, end)
        mixing = put_before_tracks(tracks, vocals, find_loudness(self.guide))
        return (yield from self._report_steps("guide", mixing, end))

    def _make_track(self, inputs: InputLatents, task: str, track: str) -> _Stage[Waveform]:
        """The audio (2, N) of one track that is taken out of the source's latents, or added to
        them.
        """
        timesteps = self.timesteps
        if task == "extract":
            timesteps = self.model.build_extract_timesteps(self.request)
        with self.meter.measure("condition"):
            conditioning = self.model.build_track_conditioning(self.request, inputs, task, track)
        noise = self.model.draw_track_noise(self.request, task, track)
        _, waveform = yield from self._diffuse([conditioning] * len(timesteps), timesteps, noise)
        assert not isinstance(waveform, mx.array)  # a take with tracks is finished elsewhere
        return waveform

    def _add_tracks(self, inputs: InputLatents) -> _Stage[dict[str, Floats]]:
        """The audio (2, N) of the tracks that are added to the source, each conditioned on those
        before it; first "mix", the source with all of them.
        """
        assert self.source is not None
        request = self.request
        together: Floats = self.source.T
        samples = together.shape[1]
        window = find_window(request, request.samples)
        fade = round(RepaintBlend.of_request(request).seconds * SAMPLE_RATE)
        ramp = audio.build_ramp(samples, window, fade)
        tracks: dict[str, Floats] = {}
        for number, track in enumerate(request.tracks):
            if number:
                waveform = np.ascontiguousarray(together.T, np.float32)
                latents = yield from self._encode("source", waveform)
                inputs = dataclasses.replace(inputs, source=latents)
            waveform = yield from self._make_track(inputs, "lego", track)
            tracks[track] = waveform[:, :samples]
            together = together + tracks[track] * ramp
        return {"mix": together} | tracks

    # --- diffusion, decode ------------------------------------------------------------------------

    def _diffuse(
        self,
        conditioning: Sequence[Conditioning],
        timesteps: Schedule,
        noise: mx.array,
        injection: SourceInjection | None = None,
        previews: Sequence[int] = (),
    ) -> _Stage[tuple[mx.array, Decoded]]:
        """Diffusion and decoding: the latents (1, frames, 64), and the audio. `noise` is where the
        first step begins.
        """
        span = next(self.spans)
        latents = noise
        states = self.model.diffuse(self.request, conditioning, timesteps, noise, injection)
        yield Progress("diffusion", span.start)
        for step in range(1, len(timesteps) + 1):
            with self.meter.measure("diffusion"):
                latents, clean = next(states)
            here = span.at(_DIFFUSION * step / len(timesteps))
            yield Progress("diffusion", here)
            if step in previews:
                yield from self._preview(clean, step, ProgressSpan(here, 0.0))
        rest = ProgressSpan(span.at(_DIFFUSION), span.length * (1 - _DIFFUSION))
        return latents, (yield from self._decode(latents, rest))

    @property
    def _finishes_on_device(self) -> bool:
        """Whether the take is a mix alone, of which a GPU makes the clip in no time."""
        request = self.request
        is_mix_alone = not (request.task or request.extracted_tracks or self.vocals is not None)
        return is_mix_alone and not request.loop and not device.is_cpu()

    @property
    def _is_silent_around(self) -> bool:
        """Whether it begins and ends in silence, as the guide that it is played from. A model knows
        nothing before its first sample and behind its last, and may begin and end with a click.
        """
        return self.guide is not None and not (self.request.task or self.request.loop)

    def _decode(self, latents: mx.array, span: ProgressSpan) -> _Stage[Decoded]:
        """The audio: of a loop exactly, of another clip at least as long as it is."""
        loop = self.request.loop
        hop = self.model.hop
        margin = self.model.vae.decoder_receptive_field
        if loop:
            latents = loops.surround(latents, margin)
        else:  # what lies behind the end of a short clip is heard by nobody
            latents = latents[:, : math.ceil(self.request.samples / hop) + margin]
        total = latents.shape[1] * hop
        stays = self._finishes_on_device
        waveform = np.empty((0 if stays else total, 2), np.float32)
        pieces = []
        done = 0
        tiles = self.model.vae.decode_tiles(latents)
        for piece in self.meter.measure_each_array("decode", tiles):
            if self._is_silent_around and not done:
                fade = mx.array(audio.build_fade_in(piece.shape[1]))[:, None]
                piece[:, : len(fade)] *= fade
            if stays:
                pieces.append(piece[0])
            else:
                with self.meter.measure("decode"):
                    waveform[done : done + piece.shape[1]] = np.asarray(piece[0])
            done += piece.shape[1]
            yield Progress("decode", span.at(done / total))
        if stays:
            return mx.concatenate(pieces)
        waveform = waveform[:done]  # an odd stride shortens it
        if loop:
            with self.meter.measure("decode"):
                waveform = audio.resample_periodic(
                    waveform[margin * hop : -margin * hop], self.request.samples
                )
        return waveform.T

    def _preview(self, clean: mx.array, step: int, span: ProgressSpan) -> _Stage[None]:
        """What the mix would be if it ended with this step. Silence is not worth hearing."""
        waveform = yield from self._decode(clean, span)
        with suppress(audio.BadAudio):
            building = self._build_clips({"mix": waveform})
            finished = yield from self._report_steps("finish", building, span)
            info = TakeInfo(self.request, self.model.name, bits=self.model.weights.bits)
            yield PendingClip(f"{PREVIEW}{step}", self._measure_sound(finished.clips["mix"]), info)

    # --- postprocess ------------------------------------------------------------------------------

    def _postprocess(self, decoded: Mapping[str, Decoded]) -> _Stage[PostprocessedClips]:
        """The clips; and what the run has shown of its costs."""
        span = next(self.spans)
        yield Progress("finish", span.start)
        building = self._build_clips(decoded, self.source_stems)
        finished = yield from self._report_steps("finish", building, span)
        self._learn_costs()
        return finished

    def _measure_sound(self, sound: PendingSound) -> PendingSound:
        """The same; what it takes when it is asked for is time of the finish, too."""
        if not isinstance(sound, LevelledAudio):
            return sound
        return dataclasses.replace(sound, measured=partial(self.meter.measure, "finish"))

    def _build_clips(
        self, decoded: Mapping[str, Decoded], stems: Mapping[str, Waveform] = postprocess.NO_STEMS
    ) -> Steps[PostprocessedClips]:
        mix = decoded.get("mix")
        fades = self._is_silent_around
        if isinstance(mix, mx.array):  # it is alone
            return (yield from device_finish.finish(self.request, mix, fades))
        if mix is not None:  # stems end as it does
            fades |= mix.shape[1] > self.request.samples
        parts = {name: part for name, part in decoded.items() if not isinstance(part, mx.array)}
        gain = self.stored.gain if self.stored else 1.0
        taken_out = [name for name in self.request.extracted_tracks if name in parts]
        if self.model.config.masks_stems and taken_out and not self._plays_tracks:
            parts |= yield from self._mask_stems(parts, taken_out, gain)
        if self.vocals is not None:
            parts = yield from self._add_vocals(parts, self.vocals)
        return (
            yield from postprocess.postprocess_clips_in_steps(
                self.request, parts, self.source, gain, stems, fades
            )
        )

    def _mask_stems(
        self, decoded: Mapping[str, Floats], names: Sequence[str], gain: float
    ) -> Steps[dict[str, Floats]]:
        """The tracks (2, N) of these names, as parts of what they were taken out of."""
        samples = self.request.samples
        stems = {name: decoded[name][:, :samples] for name in names}
        mix = decoded.get("mix")
        if mix is None:
            assert self.source is not None
            mix = self.source.T / gain  # it has the gain already
        return (yield from masks.take_out(mix[:, :samples], stems, self.request.loop))

    def _add_vocals(
        self, decoded: Mapping[str, Floats], vocals: Waveform
    ) -> Steps[dict[str, Floats]]:
        """The same with the vocals in the mix, and in their track: behind a mix that sings, and
        before one that does not, where all else makes room for them.
        """
        samples = self.request.samples
        tracks = {
            name: np.asarray(sound[:, :samples].T, np.float32) for name, sound in decoded.items()
        }
        mix = tracks.pop("mix")
        if self.singing.in_guide:
            sung = yield from put_beside(mix, vocals)
        else:
            loudness = find_loudness(self.guide) if self.guide else 1.0
            sung = yield from put_before(mix, vocals, loudness)
            tracks = yield from duck_tracks(tracks, vocals)
        tracks[VOCALS] = tracks[VOCALS] + sung.vocals if VOCALS in tracks else sung.vocals
        tracks["mix"] = np.add(*sung)
        names = ("mix", *self.request.extracted_tracks)
        return {name: tracks[name].T for name in names if name in tracks}

    def _learn_costs(self) -> None:
        """How much memory the model needs, and what a token of its planner costs."""
        model = self.model
        peak = self.meter.most_bytes(without="plan") - model.planner_slot.bytes
        model.peak_bytes = max(model.peak_bytes, peak)
        if self.plan is not None:
            per_token = self.meter.seconds["plan"] / self.plan_length.tokens
            rest = model.estimate_cost_after_plan(self.request)
            model.token_cost = per_token / (self.meter.total_seconds(without="plan") / rest)

    def _describe(self, inputs: InputLatents, notes: tuple[str, ...]) -> TakeInfo:
        """The facts about the take."""
        model = self.model
        request = self.request
        explanations = dict.fromkeys(
            (
                *self.explanations,
                *self._explain_limits(),
                *(Explanation(note, True) for note in notes),
                *(Explanation(note) for note in (self.plan.notes if self.plan else ())),
            )
        )
        used_codes = inputs.codes[: math.ceil(round(request.length * codes.PER_SECOND, 6))]
        return TakeInfo(
            request,
            model.name,
            bits=model.weights.bits,
            adapters=self.adapters,
            timesteps=tuple(self.timesteps.tolist()),
            codes=codes.format_codes(used_codes),
            sections=self._list_sections(),
            chords=self._list_chords(),
            lines=self.lines,
            planned=self.plan.filled if self.plan else {},
            timings=self.meter.seconds,
            memory=self.meter.bytes,
            machine=describe_machine(device.name_device()),
            notes=tuple(said.text for said in explanations),
            problems=tuple(said.text for said in explanations if said.is_problem),
        )

    def _list_sections(self) -> tuple[tuple[float, str], ...]:
        """When the guide's sections begin, and what they are called; none of a loop's only one."""
        sections = self.guide.sections if self.guide else ()
        if len(sections) < 2:
            return ()
        return tuple((section.begin, section.label) for section in sections)

    def _list_chords(self) -> tuple[tuple[float, str], ...]:
        """When the guide's chords begin, and what they are called."""
        chords = self.guide.chords if self.guide else ()
        return tuple((round(chord.begin, 3), chord.name) for chord in chords)

    @property
    def lines(self) -> tuple[LineTime, ...]:
        """When each line of the lyrics is sung by the guide's singer, or why it is not; where the
        model sings, only those that it does not read. As many as are told of.
        """
        if self.part is not None:
            return bound_lines(self.part.lines)
        if self.singing.lyrics is not None and self.singing.is_heard:
            return bound_lines(leave_out_all(self.singing.lyrics))
        return bound_lines(leave_out_last(self.request.lyrics, self.unread.lyric_lines))

    @property
    def _is_sung(self) -> bool:
        """Whether anything of the lyrics is sung by the guide's singer."""
        part = self.part if self.singing.is_heard else None
        return part is not None and any(line.is_sung for line in part.lines)

    def _explain_silence(self, lyrics: Lyrics) -> str:
        """Why nothing of the lyrics is sung."""
        if any(part.sung for part in lyrics.parts):
            return "left out: the MIDI guide has no notes in a track named vocals"
        if any(part.lines for part in lyrics.parts):
            return "left out: nothing in them can be sung"
        return "left out: they have markers alone, and no words"

    def _explain_singer(self) -> str:
        """Who is heard."""
        if self.singing.place == "guide":
            return "the model sings what the guide's own singer sings to it"
        if self.singing.place == "both":
            return (
                "the model sings, and softly beside it the guide's own singer, so that the words "
                "are clear (guide_voice guide: the model alone; on: that singer alone; off: nobody)"
            )
        if self.model.capabilities.sings_guide:
            return "the guide's own singer sings, mixed in beside the model"
        return (
            f"{self.model.name} does not sing: the guide's own singer does, mixed in beside it "
            "(guide_voice off leaves it out)"
        )

    def _explain_limits(self) -> Iterator[Explanation]:
        """What is known by now of what the model makes otherwise than it was asked for, and of the
        guide.
        """
        limits = (
            *self.sound_notes,
            *self.model.capabilities.describe_limits(self.request),
            *filter(None, [explain_lost_vocals(self.request, self.model.capabilities.has_voice)]),
            *self.unread.describe(),
        )
        yield from (Explanation(limit, True) for limit in limits)
        yield from self._explain_guide()

    def _explain_guide(self) -> Iterator[Explanation]:
        """What was read out of the caption for the guide, and what became of the lyrics."""
        if self.singing.note:
            yield Explanation(self.singing.note, True)
        if self.singing.lyrics is not None and self.part is None and self.singing.is_heard:
            reason = self._explain_silence(self.singing.lyrics)
            yield Explanation(f"the lyrics were {reason}", True)
        if self._is_sung and not self.model.config.sings:
            yield Explanation(self._explain_singer())
        if self.part is not None:
            yield from (Explanation(note) for note in self.part.notes)
        if self.guide is not None and self._plays_tracks:
            played = self.guide.name_tracks(self._unknown_tracks)
            for track in self._unknown_tracks:
                if track not in played and not (track == VOCALS and self._is_sung):
                    yield Explanation(f"nobody plays {track}: its stem is silent", True)
        if self.guide is not None and self.guide.caption is not None:
            text = describe_caption(self.guide.caption)
            yield from (Explanation(text),) if text else ()


def read_sound(
    field: str, path: str, meter: Meter, notes: list[str], done: float = 0.0
) -> Generator[Progress, None, Waveform]:
    """The waveform (samples, 2) of a file that the request names in that field, with `done` as
    progress; what there is to say of it is added to `notes`. Raises `BadRequest`.
    """
    pieces = []
    yield Progress(field, done)
    for piece in meter.measure_each(field, audio_files.read_blocks(path, field, notes)):
        pieces.append(piece)
        yield Progress(field, done)
    with meter.measure(field):
        return np.concatenate(pieces)


def report_tokens(
    work: Generator[PlanProgress, None, _Result],
    meter: Meter,
    share: float,
    expected: cost.PlanLength,
) -> Generator[Progress, None, _Result]:
    """The planner's result, with its tokens as progress, from 0 up to `share`."""
    words = 0
    yield Progress("plan", 0.0)
    while True:
        with meter.measure("plan"):
            try:
                written = next(work)
            except StopIteration as end:
                result: _Result = end.value
                return result
        # nobody knows how many words there will be
        words = max(words, min(written.tokens, expected.words))
        done: float = words
        if written.total:
            done = expected.words + expected.codes * written.tokens / written.total
        yield Progress("plan", share * done / expected.tokens, written.tokens, written.total)


def _count_sounding(source: Waveform) -> int:
    """Samples up to the end of the last one that is not zero."""
    sounding = np.flatnonzero(source.any(axis=1))
    return int(sounding[-1]) + 1 if sounding.size else 0
