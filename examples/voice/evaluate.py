"""Measure a model against what its voice should do, on songs that no training has seen: the same
table every time.

    python -m examples.voice.evaluate mini --picture takes.png --words words.png --json numbers.json

`real` is the value of the same compositions, rendered instead of generated: the most that the
measure gives. `control` is the value against the truth of another clip: what chance gives. Seconds
are only worth reading on an idle machine.

What is sung is heard by recognisers that `pip install -e ".[ears]"` brings; without them its rows
are left out. `, network alone` are takes with `guide_voice guide`, with no voice mixed in.

A process for every core makes the clips, each with one thread. What the classifiers learn from is
kept in `--cache`, for as long as neither the VAE nor the code that renders and measures changes.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import hashlib
import itertools
import json
import math
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

# before MLX: it brings the fast matrix library, without which all of this takes hours
import pipeline  # noqa: F401

import mlx.core as mx  # isort: skip
import numpy as np
import numpy.typing as npt

from pipeline import device, guide, masks
from pipeline.generate import AceStep
from pipeline.guide import palette
from pipeline.guide.bands import BANDS
from pipeline.guide.composer.captions import read_caption
from pipeline.guide.composer.meter import read_meter
from pipeline.guide.composer.sketch import Sketch
from pipeline.guide.guide import Guide, resolve_guide
from pipeline.request import VOCALS, BadRequest, Request
from pipeline.steps import complete
from pipeline.weights import checkpoint

from . import bands, ears, metrics, pictures, songs, sung
from .processes import Audio, Map, generate_clip, get_model, start_pool
from .table import HEADER, Row, mean, rotate, to_json

Floats = npt.NDArray[np.floating]

# training stays below
CODEC_SEED = 5_000_000
TAKE_SEED = 5_110_000
STEM_SEED = 5_200_000
LEARN_SEED = 5_300_000
LOOP_SEED = 5_400_000
TAKE_SECONDS = 8.0
CODEC_SECONDS = 6.0
SAFETY_SECONDS = 4.0
LOOP_BARS = 2
TIMED = 5  # takes, after one to warm up
SHORT_PROMPTS = (
    *BANDS,
    "",
    "drums only",
    "bass only",
    "piano",
    "sad strings",
    "808 beat",
    "flute melody",
    "happy",
    "distorted guitar",
    "dark",
    "no drums",
    "slow",
    "bell and pad",
)


@dataclass(frozen=True)
class Sizes:
    """How many clips each part measures."""

    takes: int = 64
    songs: int = 16
    silent_check: int = 500
    learn: int = 500  # real renders that the classifiers learn from
    lines: int = 20  # sung

    def eighth(self) -> Sizes:
        """An eighth of everything, at least two."""
        return Sizes(*(max(2, size // 8) for size in dataclasses.astuple(self)))


# --- the VAE --------------------------------------------------------------------------------------


def measure_codec(name: str, sizes: Sizes, parallel_map: Map) -> Iterator[Row]:
    """How near decoded songs are to what was encoded; which held notes keep their harmonics; and
    the comb that the decoder's frames leave.
    """
    numbers = range(sizes.songs)
    pairs = list(parallel_map(functools.partial(decode_song, name), numbers))
    mixes, decoded = zip(*pairs)
    for metric, measure, target, better in (
        ("VAE log-mel distance, dB", metrics.measure_log_mel_distance, 2.0, "less"),
        ("VAE SI-SDR, dB", metrics.measure_si_sdr, 13.0, "more"),
    ):
        value = mean(map(measure, decoded, mixes))
        control = mean(map(measure, decoded, rotate(mixes)))
        yield Row(metric, value, control, target, better, note=f"{len(mixes)} songs")
    held = [
        songs.make_song(CODEC_SEED + number, CODEC_SECONDS).list_held_notes() for number in numbers
    ]
    kept = list(itertools.chain(*map(metrics.measure_harmonics, decoded, mixes, held)))
    chance = list(itertools.chain(*map(metrics.measure_harmonics, rotate(decoded), mixes, held)))
    metric = "VAE harmonics 2..6 kHz kept, of held notes"
    yield Row(metric, mean(kept), mean(chance), 0.8, note=f"{len(kept)} notes")
    combs = [mean(map(metrics.measure_comb, clips)) for clips in (decoded, mixes)]
    yield Row("VAE comb every 300 Hz", combs[0], target=0.2, better="less", real=combs[1])


def decode_song(name: str, number: int) -> tuple[Audio, Audio]:
    """A song's mix, before the VAE and after it."""
    mix = songs.make_song(CODEC_SEED + number, CODEC_SECONDS).render_mix()
    return mix, encode_and_decode(get_model(name), mix)


def encode_and_decode(voice: AceStep, audio: Audio) -> Audio:
    """Audio (samples, 2) by way of the posterior's mean."""
    vae = voice.model.vae
    latents, _ = vae.encode(mx.array(audio)[None])
    return np.array(vae.decode(latents)[0])[: len(audio)]


# --- takes ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Features:
    """What is measured of a clip."""

    balance: metrics.Balance
    first: float  # how far the first sample is from 0
    tempo: float
    beats: float  # the tempo that librosa hears; NaN where that is not installed
    chroma: Floats
    peaks: Floats  # the chroma of spectral peaks
    drums: Floats  # features of the classifiers
    style: Floats
    mel: Floats  # (frames, 96) dBFS


@dataclass(frozen=True)
class EvaluatedTake:
    """A held-out prompt, the take of it, the same composition rendered: played by whom the prompt
    names, and by those who usually play the style for all else; and that render after the VAE: what
    the VAE loses, no network before it can give. `song` is it by the players of the song that the
    prompt was written for, whom it does not all name.
    """

    request: Request
    sketch: Sketch
    take: Features
    real: Features
    decoded: Features
    song: Features

    @property
    def drums(self) -> str:
        return label_drums(self.sketch)

    @property
    def is_pitched(self) -> bool:
        return set(self.sketch.parts) != {"drums"}


def label_drums(sketch: Sketch) -> str:
    """The label of the classifier of drums."""
    return "drums" if "drums" in sketch.parts else "none"


def measure_features(audio: Audio, bpm: float) -> Features:
    return Features(
        balance=metrics.measure_balance(audio),
        first=metrics.measure_first_sample(audio),
        tempo=metrics.measure_tempo(audio),
        beats=math.nan if ears.find_missing("librosa") else ears.hear_tempo(audio),
        chroma=metrics.compute_chroma(audio),
        peaks=metrics.compute_chroma(audio, peaks=True),
        drums=metrics.compute_drum_features(audio),
        style=metrics.compute_style_features(audio, bpm),
        mel=metrics.compute_log_mel(audio),
    )


def make_request(song: songs.Song, seed: int) -> Request:
    """A request for this song."""
    caption = song.write_caption(np.random.default_rng(song.seed))
    return Request(
        caption, bpm=song.sketch.bpm, key=song.sketch.key, seconds=TAKE_SECONDS, seed=seed
    )


def read_prompt(request: Request) -> Sketch:
    """What a prompt asks for: the truth about its parts and style."""
    caption = read_caption(
        request.prompt, bpm=request.bpm, key=request.key, bars=1, meter=read_meter(4), seed=0
    )
    return caption.sketch


def render_composition(request: Request) -> Audio:
    """The composition of a request, played as it asks for; of a loop what rings on behind its end
    is heard at its beginning.
    """
    return complete(compose(request).render_in_steps(request.samples, request.loop))


def compose(request: Request) -> Guide:
    _, guide = resolve_guide(request, "auto")
    assert guide is not None
    return guide


def evaluate_take(name: str, number: int) -> EvaluatedTake:
    """The take of one held-out song's caption."""
    song = songs.make_song(TAKE_SEED + number, TAKE_SECONDS)
    request = make_request(song, number)
    model = get_model(name)
    real = render_composition(request)
    played = palette.render_mix(
        compose(request).score, song.sounds, request.samples, song.production
    )
    clips = (generate_clip(model, request), real, encode_and_decode(model, real), played)
    features = (measure_features(clip, request.bpm) for clip in clips)
    return EvaluatedTake(request, read_prompt(request), *features)


Judge = Callable[[Features, EvaluatedTake], float]  # a clip, and the truth about it
Off = Callable[[Features, Features], float]  # how far a clip is from another


def measure_takes(
    takes: Sequence[EvaluatedTake], labelled: Sequence[LabelledRender]
) -> Iterator[Row]:
    """Balance, tempo, key, drums and style of all takes, of their renders, and of takes held
    against the next one's truth.
    """
    yield from measure_balances(takes)
    drummed = [take for take in takes if take.drums == "drums"]
    pitched = [take for take in takes if take.is_pitched]
    yield make_row("tempo right, prompts with drums", drummed, _judge_tempo, 1.0)
    if missing := ears.find_missing("librosa"):
        yield Row("tempo right by librosa", math.nan, note=missing)
    else:
        yield make_row("tempo right by librosa, within 4 %", drummed, _judge_beats)
    yield make_row("in-key energy", pitched, _judge_key_share, 0.74)
    yield make_row("key top-1", pitched, _judge_best_key, 0.8)
    yield make_row("in-key energy of spectral peaks", pitched, _judge_peaks)
    yield from measure_recognition(takes, labelled)


def measure_balances(takes: Sequence[EvaluatedTake]) -> Iterator[Row]:
    """How far takes are off from the renders of their compositions, however loud both are."""

    def measure(metric: str, off: Off, target: float) -> Row:
        row = make_row(metric, takes, lambda clip, truth: off(clip, truth.real), target, "less")
        song = mean(off(take.take, take.song) for take in takes)
        asked = mean(off(take.real, take.song) for take in takes)
        note = f"{row.note}; from the song's own players {song:.2f}, as the render {asked:.2f}"
        return dataclasses.replace(row, note=note)

    for field, metric, target in (
        ("presence", "energy 1..4 kHz off by, dB", 2.0),
        ("treble", "energy 4..8 kHz off by, dB", 3.0),
        ("width", "side/mid off by, dB", 3.0),
        ("crest", "crest off by, dB", 2.0),
    ):
        yield measure(metric, functools.partial(_compare_balance, field), target)
    yield measure("centroid off by, %", _compare_centroid, 20.0)


def measure_first_samples(takes: Sequence[EvaluatedTake]) -> Row:
    """The largest first sample of all takes."""
    value = max(take.take.first for take in takes)
    real = max(take.real.first for take in takes)
    return Row("first sample, the largest", value, target=0.005, better="less", real=real)


def _compare_balance(field: str, clip: Features, other: Features) -> float:
    ours: float = getattr(clip.balance, field)
    theirs: float = getattr(other.balance, field)
    return abs(ours - theirs)


def _compare_centroid(clip: Features, other: Features) -> float:
    return 100 * abs(clip.balance.centroid / other.balance.centroid - 1)


def _judge_tempo(clip: Features, truth: EvaluatedTake) -> float:
    return metrics.is_same_tempo(clip.tempo, truth.request.bpm)


def _judge_beats(clip: Features, truth: EvaluatedTake) -> float:
    return metrics.is_same_tempo(clip.beats, truth.request.bpm, 0.04)


def _judge_key_share(clip: Features, truth: EvaluatedTake) -> float:
    return metrics.sum_scale(clip.chroma, truth.sketch.key)


def _judge_best_key(clip: Features, truth: EvaluatedTake) -> float:
    return metrics.is_best_scale(clip.chroma, truth.sketch.key)


def _judge_peaks(clip: Features, truth: EvaluatedTake) -> float:
    return metrics.sum_scale(clip.peaks, truth.sketch.key)


def make_row(
    metric: str,
    takes: Sequence[EvaluatedTake],
    judge: Judge,
    target: float = math.nan,
    better: str = "more",
    after_vae: bool = False,
) -> Row:
    """`after_vae`: the most that the measure gives is what the renders have after the VAE."""
    value = mean(judge(take.take, take) for take in takes)
    real = mean(judge(take.real, take) for take in takes)
    decoded = mean(judge(take.decoded, take) for take in takes)
    control = mean(judge(take.take, other) for take, other in zip(takes, rotate(takes)))
    if after_vae:
        note = (
            f"{len(takes)} prompts; learned from renders after the VAE, and real is: "
            "the music, not the missing top"
        )
        return Row(metric, value, control, target, better, decoded, note)
    note = f"{len(takes)} prompts; real after the VAE {decoded:.2f}"
    return Row(metric, value, control, target, better, real, note)


# --- drums and styles, by classifiers -------------------------------------------------------------


@dataclass(frozen=True)
class LabelledRender:
    """What the classifiers learn from one real render: its labels, its features, and its features
    after the VAE.
    """

    drums: str
    style: str
    clean: tuple[Floats, Floats]  # of drums, of style
    decoded: tuple[Floats, Floats]


def measure_recognition(
    takes: Sequence[EvaluatedTake], labelled: Sequence[LabelledRender]
) -> Iterator[Row]:
    """Drums and style by classifiers that learned from renders after the VAE, and by ones that
    learned from clean renders, which also miss what the VAE leaves out (the rows that end in
    "clean").
    """
    yield from _measure_recognition(takes, labelled, after_vae=True)
    yield from _measure_recognition(takes, labelled, after_vae=False)


def _measure_recognition(
    takes: Sequence[EvaluatedTake], labelled: Sequence[LabelledRender], after_vae: bool
) -> Iterator[Row]:
    ending = "" if after_vae else ", clean"
    right, relative = (math.nan, math.nan) if after_vae else (0.98, 0.85)
    features = [render.decoded if after_vae else render.clean for render in labelled]
    hear_drums = metrics.fit_classifier(
        [drums for drums, _ in features], [render.drums for render in labelled]
    )
    hear_style = metrics.fit_classifier(
        [style for _, style in features], [render.style for render in labelled], decay=0.02
    )

    def judge_drums(clip: Features, truth: EvaluatedTake) -> float:
        return hear_drums(clip.drums) == truth.drums

    def judge_style(clip: Features, truth: EvaluatedTake) -> float:
        return hear_style(clip.style) == truth.sketch.style

    metric = f"drums present or absent right{ending}"
    yield make_row(metric, takes, judge_drums, right, after_vae=after_vae)
    row = make_row(f"style recognised{ending}", takes, judge_style, after_vae=after_vae)
    yield row
    metric = f"style recognised, relative to real{ending}"
    value, control = (
        each / row.real if row.real else math.nan for each in (row.value, row.control)
    )
    yield Row(metric, value, control, relative, note=row.note)


def render_labelled(name: str, number: int) -> LabelledRender:
    """A real render of one song, and what is known about it."""
    song = songs.make_song(LEARN_SEED + number, TAKE_SECONDS)
    mix = song.render_mix()
    clean = _compute_classified(mix, song.sketch.bpm)
    decoded = _compute_classified(encode_and_decode(get_model(name), mix), song.sketch.bpm)
    return LabelledRender(label_drums(song.sketch), song.sketch.style, clean, decoded)


def _compute_classified(clip: Audio, bpm: float) -> tuple[Floats, Floats]:
    """The features of drums and of style."""
    return metrics.compute_drum_features(clip), metrics.compute_style_features(clip, bpm)


def get_labelled_renders(
    name: str, count: int, parallel_map: Map, cache: Path | None
) -> list[LabelledRender]:
    """What is learned from `count` songs: read from the cache, or made."""
    path = cache / f"{_fingerprint(name)}-{count}.json" if cache else None
    if path and path.exists():
        return [_read_labelled(**values) for values in json.loads(path.read_text())]
    labelled = list(parallel_map(functools.partial(render_labelled, name), range(count)))
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        values = [dataclasses.asdict(render) for render in labelled]
        part.write_text(json.dumps(values, default=np.ndarray.tolist))
        part.rename(path)
    return labelled


def _read_labelled(
    drums: str, style: str, clean: list[list[float]], decoded: list[list[float]]
) -> LabelledRender:
    return LabelledRender(drums, style, _read_pair(clean), _read_pair(decoded))


def _read_pair(lists: list[list[float]]) -> tuple[Floats, Floats]:
    drums, style = (np.array(values) for values in lists)
    return drums, style


def _fingerprint(name: str) -> str:
    """Of the VAE, and of the code that makes and measures songs."""
    files = [Path(module.__file__ or "") for module in (songs, bands, metrics)]
    files += sorted(Path(palette.__file__ or "").parent.glob("*.py"))
    files += sorted(Path(guide.__file__ or "").parent.glob("*.py"))
    files += sorted(path for path in checkpoint.find(name).vae.iterdir() if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


# --- stems ----------------------------------------------------------------------------------------

STEM_TARGETS = {"drums": 10.0, "bass": 8.0, VOCALS: 8.0, "chords": math.nan}  # by part, in dB


class Stem(NamedTuple):
    """How near a stem is to the true one, SI-SDR in dB."""

    known: float  # where a guide tells it; NaN where nobody has that track in the guide
    extracted: float  # where the network takes it out of a mix; NaN where it cannot
    through_vae: float  # the true one, encoded and decoded
    mix: float  # the mix, as if nothing had been taken out


def measure_stems(name: str, sizes: Sizes, parallel_map: Map) -> Iterator[Row]:
    """How near stems are to the true ones. Out of a take a guide tells them. The take is the song
    as the VAE gives it back, and its guide the one that its caption asks for: what a take has
    otherwise is heard by nobody who does not know it. Out of any other mix the network takes them.
    """
    stems = {}
    for part in STEM_TARGETS:
        playing = (seed for seed in itertools.count(STEM_SEED) if find_track(seed, part))
        seeds = list(itertools.islice(playing, sizes.songs))
        stems[part] = list(parallel_map(functools.partial(measure_stem, name, part), seeds))
    for part, target in STEM_TARGETS.items():
        told = [stem for stem in stems[part] if not math.isnan(stem.known)]
        known, _, through_vae, mix = zip(*told)
        note = f"{len(known)} songs; median {statistics.median(known):.1f}; control: the mix"
        metric = f"stems: SI-SDR of a take's {part}, dB"
        yield Row(metric, mean(known), mean(mix), target, real=mean(through_vae), note=note)
    for part in STEM_TARGETS:
        _, extracted, through_vae, mix = zip(*stems[part])
        note = f"{len(extracted)} songs; median {statistics.median(extracted):.1f}"
        if math.isnan(extracted[0]):
            note = "not available: the model takes no stems out"
        metric = f"stems: SI-SDR of extracted {part}, dB"
        yield Row(metric, mean(extracted), mean(mix), real=mean(through_vae), note=note)


def measure_stem(name: str, part: str, seed: int) -> Stem:
    """The stem of a part in the song of this seed."""
    model = get_model(name)
    song = make_stem_song(seed, part)
    track = find_track(seed, part)
    tracks = song.render_tracks()
    truth, mix = tracks[track], palette.mix(tracks)
    caption = song.write_caption(np.random.default_rng(song.seed))
    take = encode_and_decode(model, mix)
    guide = {name: each.T for name, each in song.render_guide_tracks(caption, track).items()}
    known = extracted = math.nan
    if track in guide:
        stem = complete(masks.share_out(take.T, guide, [track]))[track].T
        known = metrics.measure_si_sdr(stem, truth)
    with suppress(BadRequest):
        extracted = metrics.measure_si_sdr(model.extract(mix, track, caption), truth)
    return Stem(
        known,
        extracted,
        metrics.measure_si_sdr(encode_and_decode(model, truth), truth),
        metrics.measure_si_sdr(mix, truth),
    )


def make_stem_song(seed: int, part: str) -> songs.Song:
    """A song for the stem of a part: sung for that of the vocals alone."""
    return songs.make_song(seed, CODEC_SECONDS, singing=part == VOCALS)


def find_track(seed: int, part: str) -> str:
    """The track that has a part of the seed's song, where another track plays beside it; or ""."""
    tracks = make_stem_song(seed, part).tracks
    return tracks.get(part, "") if len({*tracks.values()}) > 1 else ""


# --- loops ----------------------------------------------------------------------------------------


def measure_loops(name: str, sizes: Sizes, parallel_map: Map) -> Iterator[Row]:
    """Whether loops click where they begin again."""
    seams = parallel_map(functools.partial(measure_seams, name), range(sizes.songs))
    ours, theirs = zip(*seams)
    note = f"{len(ours)} loops; steps over those around them: mean {mean(ours):.2f}"
    yield Row("seam of a loop, the largest", max(ours), math.nan, 1.0, "less", max(theirs), note)


def measure_seams(name: str, number: int) -> tuple[float, float]:
    """The seam of a looped take, and that of its composition's render."""
    song = songs.make_song(LOOP_SEED + number, TAKE_SECONDS)
    looped = {"bars": LOOP_BARS, "seconds": 0, "loop": True}
    request = make_request(song, number).changed(looped).resolved()
    clips = (generate_clip(get_model(name), request), render_composition(request))
    ours, theirs = map(metrics.measure_seam, clips)
    return ours, theirs


# --- every seed is safe, and different ------------------------------------------------------------


def measure_safety(name: str, sizes: Sizes, parallel_map: Map) -> Iterator[Row]:
    """Level, peak and silence over many seeds of short prompts without bpm or key."""
    measure = functools.partial(measure_take_level, name)
    levels, peaks = zip(*parallel_map(measure, range(sizes.silent_check)))
    sounding = [level for level in levels if level > -60]
    share = len(sounding) / len(levels)
    yield Row("takes neither NaN nor silent", share, target=1, note=f"{len(levels)} seeds")
    span = f"{min(sounding):.1f}..{max(sounding):.1f} dBFS" if sounding else ""
    share = mean(-26 <= level <= -10 for level in levels)
    yield Row("takes of -26..-10 dBFS RMS", share, target=1, note=span)
    share = mean(peak < -1 for peak in peaks)
    yield Row("takes with peaks below -1 dBFS", share, target=1, note=f"{max(peaks):.2f} dBFS")


def measure_take_level(name: str, seed: int) -> tuple[float, float]:
    """Level and peak of a take of a short prompt."""
    prompt = SHORT_PROMPTS[seed % len(SHORT_PROMPTS)]
    audio = generate_clip(get_model(name), Request(prompt, seconds=SAFETY_SECONDS, seed=seed))
    return metrics.measure_level(audio), metrics.measure_peak(audio)


def measure_seeds(name: str, sizes: Sizes, parallel_map: Map) -> Iterator[Row]:
    """How different two seeds of a prompt are, and what they were composed to. The control is the
    distance between different prompts.
    """
    pairs = list(parallel_map(functools.partial(render_two_seeds, name), range(sizes.songs)))
    distances = [measure_distance(*pair.takes) for pair in pairs]
    real = [measure_distance(*pair.renders) for pair in pairs]
    control = mean(
        measure_distance(pair.takes[0], other.takes[0]) for pair, other in zip(pairs, rotate(pairs))
    )
    metric = "two seeds of a prompt: log-mel, dB"
    yield Row(metric, mean(distances), control, 3, real=mean(real), note=f"{len(pairs)} prompts")
    note = f"that prompt's renders: {real[distances.index(min(distances))]:.2f}"
    yield Row("two seeds of a prompt: the least, dB", min(distances), target=3, note=note)


class TwoSeeds(NamedTuple):
    """The log-mel spectra of two takes of one prompt, and of the renders of their compositions."""

    takes: list[Floats]
    renders: list[Floats]


def render_two_seeds(name: str, number: int) -> TwoSeeds:
    request = make_request(songs.make_song(TAKE_SEED + number, TAKE_SECONDS), number)
    both = (request, dataclasses.replace(request, seed=request.seed + 100_000))
    model = get_model(name)
    return TwoSeeds(
        [metrics.compute_log_mel(generate_clip(model, each)) for each in both],
        [metrics.compute_log_mel(render_composition(each)) for each in both],
    )


def measure_distance(a: Floats, b: Floats) -> float:
    return float(np.abs(a - b).mean())


def measure_time(model: AceStep) -> Iterator[Row]:
    """How long a take takes."""
    request = Request("house with piano chords", bpm=120, seconds=TAKE_SECONDS)
    seconds = []
    for seed in range(1 + TIMED):
        started = time.perf_counter()
        generate_clip(model, dataclasses.replace(request, seed=seed))
        seconds.append(time.perf_counter() - started)
    note = f"median of {TIMED}; load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    yield Row("8 s take, s", statistics.median(seconds[1:]), target=2, better="less", note=note)


# --- all of it ------------------------------------------------------------------------------------


def describe_take(take: EvaluatedTake) -> pictures.Compared:
    """For the picture."""
    request = take.request
    title = f"{request.prompt} · {request.bpm:g} bpm · {request.key}"
    return pictures.Compared(title, take.take.mel, take.real.mel)


def measure_all(options: argparse.Namespace) -> Iterator[Row]:
    """The table, row by row."""
    name = options.model
    sizes = Sizes(*(getattr(options, field.name) for field in dataclasses.fields(Sizes)))
    sizes = sizes.eighth() if options.quick else sizes
    with start_pool(options.processes) as parallel_map:
        yield from measure_codec(name, sizes, parallel_map)
        takes = list(parallel_map(functools.partial(evaluate_take, name), range(sizes.takes)))
        if options.picture:
            pictures.draw_takes([describe_take(take) for take in takes[:16]], options.picture)
        labelled = get_labelled_renders(name, sizes.learn, parallel_map, options.cache)
        yield from measure_takes(takes, labelled)
        yield from sung.measure_lines(name, sizes.lines, parallel_map)
        yield from measure_stems(name, sizes, parallel_map)
        yield measure_first_samples(takes)
        for measure in (measure_loops, measure_safety, measure_seeds):
            yield from measure(name, sizes, parallel_map)
    if options.words:
        pictures.draw_words(sung.render_verse(get_model(name)), options.words)
    yield from measure_time(get_model(name))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "model", nargs="?", default="mini", help="a name or a folder, as for pipeline.load"
    )
    for name, default in dataclasses.asdict(Sizes()).items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=default, metavar="N")
    parser.add_argument("--quick", action="store_true", help="an eighth of everything")
    parser.add_argument(
        "--picture", type=Path, metavar="PNG", help="spectrograms of takes, beside renders"
    )
    parser.add_argument(
        "--words", type=Path, metavar="PNG", help="the words of a verse, over its waveforms"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--cache", type=Path, metavar="FOLDER", default=Path("runs/heard"))
    cores = (os.cpu_count() or 1) if device.is_cpu() else 1
    parser.add_argument(
        "--processes", type=int, default=cores, metavar="N", help="default: %(default)s"
    )
    options = parser.parse_args()
    print(HEADER)
    table = []
    for row in measure_all(options):
        print(row, flush=True)
        table.append(row)
    if options.json:
        options.json.write_text(json.dumps([to_json(row) for row in table], indent=1) + "\n")


if __name__ == "__main__":
    main()
