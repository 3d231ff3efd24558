"""Measure a model against what its voice should do, on songs that no training has seen: the same
table every time.

    python -m examples.voice.evaluate mini --picture takes.png --json numbers.json

`real` is the value of the same compositions, rendered instead of generated: the most that the
measure gives. `control` is the value against the truth of another clip: what chance gives. Seconds
are only worth reading on an idle machine.

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
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from unittest import mock

# before MLX: it brings the fast matrix library, without which all of this takes hours
import pipeline  # noqa: F401

import mlx.core as mx  # isort: skip
import numpy as np
import numpy.typing as npt

from pipeline import device, guide
from pipeline.audio import BadAudio
from pipeline.generate import AceStep, load
from pipeline.guide.composer.captions import read_caption
from pipeline.guide.composer.meter import read_meter
from pipeline.guide.composer.sketch import Sketch
from pipeline.guide.guide import resolve_guide
from pipeline.request import BadRequest, Request
from pipeline.take import Clip
from pipeline.weights import checkpoint

from . import bands, metrics, palette, songs
from .rendering import ONE_THREAD

if TYPE_CHECKING:
    from PIL import Image

_Item = TypeVar("_Item")
Audio = npt.NDArray[np.float32]  # (samples, 2)
Floats = npt.NDArray[np.floating]

# training stays below
CODEC_SEED = 5_000_000
TAKE_SEED = 5_110_000
STEM_SEED = 5_200_000
LEARN_SEED = 5_300_000
TAKE_SECONDS = 8.0
CODEC_SECONDS = 6.0
SAFETY_SECONDS = 4.0
TIMED = 5  # takes, after one to warm up
SHORT_PROMPTS = (
    *bands.BANDS,
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
class Row:
    """One line of the table. NaN stands for what does not apply."""

    metric: str
    value: float
    control: float = math.nan
    target: float = math.nan
    better: str = "more"  # or "less"
    real: float = math.nan
    note: str = ""

    @property
    def verdict(self) -> str:
        """Whether the target is reached; empty without one."""
        if math.isnan(self.target):
            return ""
        reached = self.value <= self.target if self.better == "less" else self.value >= self.target
        return "ok" if reached else "short"

    def __str__(self) -> str:
        sign = "<=" if self.better == "less" else ">="
        target = "" if math.isnan(self.target) else f"{sign} {self.target:g}"
        numbers = (
            "" if math.isnan(x) else f"{x:.2f}" for x in (self.value, self.real, self.control)
        )
        cells = "".join(f"{cell:>9}" for cell in (*numbers, target, self.verdict))
        return f"{self.metric:<{WIDTH}}{cells}  {self.note}".rstrip()


WIDTH = 44
COLUMN_NAMES = ("value", "real", "control", "target", "")
HEADER = f"{'metric':<{WIDTH}}" + "".join(f"{name:>9}" for name in COLUMN_NAMES)


@dataclass(frozen=True)
class Sizes:
    """How many clips each part measures."""

    takes: int = 64
    songs: int = 16
    silent_check: int = 500
    learn: int = 500  # real renders that the classifiers learn from

    def eighth(self) -> Sizes:
        """An eighth of everything, at least two."""
        return Sizes(*(max(2, size // 8) for size in dataclasses.astuple(self)))


# --- processes ------------------------------------------------------------------------------------

# a function's values, in order
Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


@functools.cache
def get_model(name: str) -> AceStep:
    """The model, loaded once in every process."""
    return load(name)


@contextmanager
def start_pool(processes: int) -> Iterator[Map]:
    """As many processes, each with one thread of its own; one process is this one."""
    if processes < 2:
        yield map
        return
    with mock.patch.dict(os.environ, ONE_THREAD):
        spawning = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, mp_context=spawning) as pool:
            yield pool.map


# --- the VAE --------------------------------------------------------------------------------------


def measure_codec(name: str, sizes: Sizes, parallel_map: Map) -> Iterator[Row]:
    """How near decoded songs are to what was encoded; which held notes keep their harmonics; and
    the comb that the decoder's frames leave.
    """
    numbers = range(sizes.songs)
    pairs = list(parallel_map(functools.partial(decode_song, name), numbers))
    mixes, decoded = zip(*pairs)
    for metric, measure, target, better in (
        ("VAE SI-SDR, dB", metrics.measure_si_sdr, 9.5, "more"),
        ("VAE log-mel distance, dB", metrics.measure_log_mel_distance, 3.5, "less"),
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

    tempo: float
    chroma: Floats
    peaks: Floats  # the chroma of spectral peaks
    drums: Floats  # features of the classifiers
    style: Floats
    mel: Floats  # (frames, 96) dBFS


@dataclass(frozen=True)
class EvaluatedTake:
    """A held-out prompt, the take of it, the same composition rendered with the sounds that the
    prompt names, and that render after the VAE: what the VAE loses, no network before it can give.
    """

    request: Request
    sketch: Sketch
    take: Features
    real: Features
    decoded: Features

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
        tempo=metrics.measure_tempo(audio),
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


def render_composition(request: Request, song: songs.Song) -> Audio:
    """The composition of the request's guide, played by the song's instruments."""
    _, guide = resolve_guide(request, "auto")
    assert guide is not None
    stems = palette.render(guide.score, song.sounds, request.samples, song.production)
    return palette.mix(stems)


def generate_clip(model: AceStep, request: Request) -> Audio:
    """The take, or silence where the model refused to give one."""
    try:
        [clip] = [event for event in model.render(request) if isinstance(event, Clip)]
    except BadAudio:
        return np.zeros((request.samples, 2), np.float32)
    return np.array(clip.audio).T


def evaluate_take(name: str, number: int) -> EvaluatedTake:
    """The take of one held-out song's caption."""
    song = songs.make_song(TAKE_SEED + number, TAKE_SECONDS)
    request = make_request(song, number)
    model = get_model(name)
    real = render_composition(request, song)
    clips = (generate_clip(model, request), real, encode_and_decode(model, real))
    features = (measure_features(clip, request.bpm) for clip in clips)
    return EvaluatedTake(request, read_prompt(request), *features)


Judge = Callable[[Features, EvaluatedTake], float]  # a clip, and the truth about it


def measure_takes(
    takes: Sequence[EvaluatedTake], labelled: Sequence[LabelledRender]
) -> Iterator[Row]:
    """Tempo, key, drums and style of all takes, of their renders, and of takes held against the
    next one's truth.
    """
    drummed = [take for take in takes if take.drums == "drums"]
    pitched = [take for take in takes if take.is_pitched]
    yield make_row("tempo right, prompts with drums", drummed, _judge_tempo, 0.9)
    yield make_row("in-key energy", pitched, _judge_key_share, 0.72)
    yield make_row("key top-1", pitched, _judge_best_key, 0.6)
    yield make_row("in-key energy of spectral peaks", pitched, _judge_peaks, math.nan)
    yield from measure_recognition(takes, labelled)


def _judge_tempo(clip: Features, truth: EvaluatedTake) -> float:
    return metrics.is_same_tempo(clip.tempo, truth.request.bpm)


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
    target: float,
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
        return Row(metric, value, control, target, real=decoded, note=note)
    note = f"{len(takes)} prompts; real after the VAE {decoded:.2f}"
    return Row(metric, value, control, target, real=real, note=note)


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
    yield make_row(metric, takes, judge_drums, 0.95, after_vae)
    row = make_row(f"style recognised{ending}", takes, judge_style, math.nan, after_vae)
    yield row
    if row.real:
        metric = f"style recognised, relative to real{ending}"
        yield Row(metric, row.value / row.real, row.control / row.real, 0.8, note=row.note)


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


def measure_stems(name: str, sizes: Sizes, parallel_map: Map) -> Iterator[Row]:
    """How near extracted stems are to the true ones."""
    for role in ("drums", "bass"):
        metric = f"stems: SI-SDR of extracted {role}, dB"
        try:
            yield measure_stem(name, metric, role, sizes.songs, parallel_map)
        except BadRequest as error:
            yield Row(metric, math.nan, target=6, note=f"not available: {error}")


def measure_stem(name: str, metric: str, role: str, count: int, parallel_map: Map) -> Row:
    """The control is what the mix itself has, as if nothing had been extracted."""
    playing = (
        seed
        for seed in itertools.count(STEM_SEED)
        if {role} < set(songs.make_song(seed, 1.0).sketch.parts)
    )
    seeds = list(itertools.islice(playing, count))
    results = parallel_map(functools.partial(extract_stem, name, role), seeds)
    extracted, truths, unchanged = zip(*results)
    values = list(map(metrics.measure_si_sdr, extracted, truths))
    other = mean(map(metrics.measure_si_sdr, extracted, rotate(truths)))
    note = (
        f"{len(values)} songs; median {statistics.median(values):.1f}; "
        f"control: the mix; another stem {other:.1f}"
    )
    return Row(metric, mean(values), mean(unchanged), 6, note=note)


def extract_stem(name: str, role: str, seed: int) -> tuple[Audio, Audio, float]:
    """A stem that the model took out of a song, the true one, and the SI-SDR of the mix."""
    song = songs.make_song(seed, CODEC_SECONDS)
    mix = song.render_mix()
    truth = song.render_stems()[role]
    caption = song.write_caption(np.random.default_rng(song.seed))
    stem: Audio = get_model(name).extract(mix, role, caption)
    return stem, truth, metrics.measure_si_sdr(mix, truth)


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
    """How different two seeds of a prompt are. The control is the distance between different
    prompts.
    """
    pairs = list(parallel_map(functools.partial(render_two_seeds, name), range(sizes.songs)))
    distances = [measure_distance(a, b) for a, b in pairs]
    control = mean(measure_distance(a, other) for (a, _), (other, _) in zip(pairs, rotate(pairs)))
    metric = "two seeds of a prompt: log-mel, dB"
    yield Row(metric, mean(distances), control, 3, note=f"{len(pairs)} prompts")
    yield Row("two seeds of a prompt: the least, dB", min(distances), target=3)


def render_two_seeds(name: str, number: int) -> list[Floats]:
    """The log-mel spectra of two takes of one prompt."""
    request = make_request(songs.make_song(TAKE_SEED + number, TAKE_SECONDS), number)
    other = dataclasses.replace(request, seed=request.seed + 100_000)
    model = get_model(name)
    return [metrics.compute_log_mel(generate_clip(model, each)) for each in (request, other)]


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
    yield Row("8 s take, s", statistics.median(seconds[1:]), target=3, better="less", note=note)


# --- the picture ----------------------------------------------------------------------------------

PANEL = (470, 128)  # pixels of a spectrogram
GAP = 6
TITLE = 22
MARGIN = 14
COLUMNS = 2  # pairs in a row
BACKGROUND = (14, 15, 20)
INK = (225, 228, 235)
FAINT = (130, 136, 150)
SHADES = (
    (0, 0, 4),
    (40, 11, 84),
    (101, 21, 110),
    (159, 42, 99),
    (212, 72, 66),
    (245, 125, 21),
    (250, 193, 39),
    (252, 255, 164),
)
DARKEST = -66.0  # dB; all that is below has one shade
BRIGHTEST = -16.0  # all that is above


def draw_picture(takes: Sequence[EvaluatedTake], path: Path) -> None:
    """Spectrograms of takes, each beside the render of the same composition, as one PNG."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(13)
    wide = 2 * PANEL[0] + GAP + 2 * MARGIN
    tall = PANEL[1] + TITLE + GAP
    rows = -(-len(takes) // COLUMNS)
    canvas = Image.new("RGB", (COLUMNS * wide, rows * tall + TITLE + MARGIN), BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    for column in range(COLUMNS):
        for side, name in enumerate(("take", "real render of the same notes")):
            draw.text((column * wide + MARGIN + side * (PANEL[0] + GAP), 6), name, FAINT, font)
    for number, take in enumerate(takes):
        x = number % COLUMNS * wide + MARGIN
        y = number // COLUMNS * tall + TITLE
        title = f"{take.request.prompt} · {take.request.bpm:g} bpm · {take.request.key}"
        while draw.textlength(title, font) > wide - 2 * MARGIN:
            title = title[:-2] + "…"
        draw.text((x, y + 3), title, INK, font)
        for side, clip in enumerate((take.take, take.real)):
            canvas.paste(draw_spectrogram(clip.mel), (x + side * (PANEL[0] + GAP), y + TITLE))
    canvas.save(path, optimize=True)


def draw_spectrogram(mel: Floats) -> Image.Image:
    """A clip's mel bands (frames, 96), relative to its loudest ones."""
    from PIL import Image

    relative = mel - np.percentile(mel, 99.8) + BRIGHTEST
    shade = np.clip((relative - DARKEST) / (BRIGHTEST - DARKEST), 0, 1).T[::-1]
    places = np.linspace(0, 1, len(SHADES))
    channels = [np.interp(shade, places, levels) for levels in zip(*SHADES)]
    pixels = np.stack(channels, axis=-1).astype(np.uint8)
    return Image.fromarray(pixels).resize(PANEL, Image.Resampling.BILINEAR)


# --- all of it ------------------------------------------------------------------------------------


def mean(values: Iterable[float]) -> float:
    """NaN for none."""
    listed = list(values)
    return float(np.mean(listed)) if listed else math.nan


def rotate(items: Sequence[_Item]) -> list[_Item]:
    """Every item's neighbour in its place, as the control."""
    return [*items[1:], *items[:1]]


def measure_all(options: argparse.Namespace) -> Iterator[Row]:
    """The table, row by row."""
    name = options.model
    sizes = Sizes(*(getattr(options, field.name) for field in dataclasses.fields(Sizes)))
    sizes = sizes.eighth() if options.quick else sizes
    with start_pool(options.processes) as parallel_map:
        yield from measure_codec(name, sizes, parallel_map)
        takes = list(parallel_map(functools.partial(evaluate_take, name), range(sizes.takes)))
        if options.picture:
            draw_picture(takes[:16], options.picture)
        labelled = get_labelled_renders(name, sizes.learn, parallel_map, options.cache)
        yield from measure_takes(takes, labelled)
        for measure in (measure_stems, measure_safety, measure_seeds):
            yield from measure(name, sizes, parallel_map)
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
    parser.add_argument("--picture", type=Path, metavar="PNG")
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


def to_json(row: Row) -> dict[str, object]:
    """The row's fields and its verdict; numbers that are not finite are None."""
    fields = dataclasses.asdict(row) | {"verdict": row.verdict}
    return {
        name: None if isinstance(x, float) and not math.isfinite(x) else x
        for name, x in fields.items()
    }


if __name__ == "__main__":
    main()
