"""Measure a model against what its voice should do, on songs that no training has seen: the same
table every time.

    python -m examples.voice.evaluate mini --picture takes.png --json numbers.json

`real` is the value of the same compositions, rendered instead of generated: the most that the
measure gives. `control` is the value against another clip's truth: what chance gives. Seconds are
only worth reading on an idle machine.

A process for every core makes the clips, each with one thread. What the classifiers learn from is
kept in `--cache`, for as long as neither the VAE nor the code that renders and hears it changes.
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

import pipeline  # noqa: F401  (before MLX: it brings the fast matrix library, without which all of this takes hours)

import mlx.core as mx  # isort: skip
import numpy as np

from pipeline import device, guide
from pipeline.audio import BadAudio
from pipeline.generate import AceStep, load
from pipeline.guide.captions import read_caption
from pipeline.guide.guide import resolve_guide
from pipeline.guide.sketch import Sketch
from pipeline.guide.styles import STYLES
from pipeline.request import BadRequest, Request
from pipeline.take import Take
from pipeline.weights import checkpoint

from . import metrics, palette, songs

if TYPE_CHECKING:
    from PIL import Image

T = TypeVar("T")
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
    *STYLES,
    "",
    "drums only",
    "bass only",
    "piano",
    "sad strings",
    "808 beat",
    "flute melody",
    # fmt: skip
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
HEADER = f"{'metric':<{WIDTH}}" + "".join(
    f"{name:>9}" for name in ("value", "real", "control", "target", "")
)


@dataclass(frozen=True)
class Sizes:
    """How many clips each part measures."""

    takes: int = 64
    songs: int = 16
    silent_check: int = 500
    learn: int = 500  # real renders that the classifiers learn from

    def eighth(self) -> Sizes:
        return Sizes(*(max(2, size // 8) for size in dataclasses.astuple(self)))


# --- who does the work ----------------------------------------------------------------------------

# a function's values, in order
Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@functools.cache
def voice(name: str) -> AceStep:
    """The model, loaded once in every process."""
    return load(name)


@contextmanager
def workers(processes: int) -> Iterator[Map]:
    """As many processes, each with one thread of its own; one process is this one."""
    if processes < 2:
        yield map
        return
    with mock.patch.dict(os.environ, dict.fromkeys(THREADS, "1")):
        spawning = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, mp_context=spawning) as pool:
            yield pool.map


# --- the VAE --------------------------------------------------------------------------------------


def codec_rows(name: str, sizes: Sizes, each: Map) -> Iterator[Row]:
    pairs = list(each(functools.partial(coded_song, name), range(sizes.songs)))
    mixes, decoded = zip(*pairs)
    for metric, measure, target, better in (
        ("VAE SI-SDR, dB", metrics.si_sdr, 9.5, "more"),
        ("VAE log-mel distance, dB", metrics.log_mel_distance, 3.5, "less"),
    ):
        value, control = (mean(map(measure, decoded, other)) for other in (mixes, turned(mixes)))
        yield Row(metric, value, control, target, better, note=f"{len(mixes)} songs")


def coded_song(name: str, number: int) -> tuple[np.ndarray, np.ndarray]:
    mix = songs.song(CODEC_SEED + number, CODEC_SECONDS).mix()
    return mix, through(voice(name), mix)


def through(model: AceStep, audio: np.ndarray) -> np.ndarray:
    """Encoded (the posterior's mean) and decoded: (samples, 2)."""
    latents, _ = model.vae.encode(mx.array(audio)[None])
    return np.array(model.vae.decode(latents)[0])[: len(audio)]


# --- takes ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """What is kept of a clip."""

    tempo: float
    chroma: np.ndarray
    peaks: np.ndarray  # the chroma of spectral peaks
    drums: np.ndarray  # features of the classifiers
    style: np.ndarray
    mel: np.ndarray  # (frames, 96) dBFS


@dataclass(frozen=True)
class Heard:
    """A held-out prompt, the take of it, the same composition rendered with the sounds that the
    prompt names, and that render after the VAE: what it loses, no network before it can give.
    """

    request: Request
    asked: Sketch
    take: Measured
    real: Measured
    coded: Measured

    @property
    def drums(self) -> str:
        return has_drums(self.asked)

    @property
    def pitched(self) -> bool:
        return set(self.asked.parts) != {"drums"}


def has_drums(asked: Sketch) -> str:
    return "drums" if "drums" in asked.parts else "none"


def measure(audio: np.ndarray, bpm: float) -> Measured:
    return Measured(
        tempo=metrics.tempo(audio),
        chroma=metrics.chroma(audio),
        peaks=metrics.chroma(audio, peaks=True),
        drums=metrics.drum_features(audio),
        style=metrics.style_features(audio, bpm),
        mel=metrics.log_mel(audio),
    )


def request_for(song: songs.Song, seed: int) -> Request:
    caption = song.caption(np.random.default_rng(song.seed))
    return Request(
        caption, bpm=song.sketch.bpm, key=song.sketch.key, seconds=TAKE_SECONDS, seed=seed
    )


def understood(request: Request) -> Sketch:
    """What a prompt asks for: the truth about its parts and style."""
    return read_caption(
        request.prompt, bpm=request.bpm, key=request.key, bars=1, beats_per_bar=4, seed=0
    )


def rendered(request: Request, song: songs.Song) -> np.ndarray:
    """The composition of the request's guide, played by the song's instruments: (samples, 2)."""
    _, score = resolve_guide(request, "auto")
    assert score is not None
    return palette.mix(palette.render(score, song.sounds, request.samples))


def generated(model: AceStep, request: Request) -> np.ndarray:
    """The take (samples, 2), or silence where the model refused to give one."""
    try:
        [take] = [event for event in model.render(request) if isinstance(event, Take)]
    except BadAudio:
        return np.zeros((request.samples, 2), np.float32)
    return np.array(take.audio).T


def listen(name: str, number: int) -> Heard:
    song = songs.song(TAKE_SEED + number, TAKE_SECONDS)
    request = request_for(song, number)
    real = rendered(request, song)
    clips = generated(voice(name), request), real, through(voice(name), real)
    return Heard(request, understood(request), *(measure(clip, request.bpm) for clip in clips))


def take_rows(heard: Sequence[Heard], known: Sequence[Known]) -> Iterator[Row]:
    """Tempo, key, drums and style of all takes, of their renders, and of takes held against the
    next one's truth.
    """
    drummed = [one for one in heard if one.drums == "drums"]
    pitched = [one for one in heard if one.pitched]
    judged: tuple[tuple[str, Sequence[Heard], Judge, float], ...] = (
        ("tempo right, prompts with drums", drummed, _tempo, 0.9),
        (
            "in-key energy",
            pitched,
            lambda clip, truth: metrics.scale_share(clip.chroma, truth.asked.key),
            0.72,
        ),
        (
            "key top-1",
            pitched,
            lambda clip, truth: metrics.best_scale(clip.chroma, truth.asked.key),
            0.6,
        ),
        ("in-key energy of spectral peaks", pitched, _peaks_in_key, math.nan),
    )
    for one in judged:
        yield judged_row(*one)
    yield from recognised_rows(heard, known)


Judge = Callable[[Measured, Heard], float]


def _tempo(clip: Measured, truth: Heard) -> float:
    return metrics.same_tempo(clip.tempo, truth.request.bpm)


def _peaks_in_key(clip: Measured, truth: Heard) -> float:
    return metrics.scale_share(clip.peaks, truth.asked.key)


def judged_row(
    metric: str, heard: Sequence[Heard], judge: Judge, target: float, coded: bool = False
) -> Row:
    """`coded`: the most that the measure gives is what the renders have after the VAE."""
    value, real, after = (
        mean(judge(getattr(one, clip), one) for one in heard) for clip in ("take", "real", "coded")
    )
    control = mean(judge(one.take, other) for one, other in zip(heard, turned(heard)))
    if coded:
        note = f"{len(heard)} prompts; learned from renders after the VAE, and real is: the music, not the missing top"
        return Row(metric, value, control, target, real=after, note=note)
    return Row(
        metric,
        value,
        control,
        target,
        real=real,
        note=f"{len(heard)} prompts; real after the VAE {after:.2f}",
    )


# --- drums and styles, as classifiers hear them ---------------------------------------------------


@dataclass(frozen=True)
class Known:
    """What the classifiers learn from one real render: its features, and those after the VAE."""

    drums: str
    style: str
    clean: tuple[np.ndarray, np.ndarray]  # of drums, of style
    coded: tuple[np.ndarray, np.ndarray]


def recognised_rows(heard: Sequence[Heard], known: Sequence[Known]) -> Iterator[Row]:
    """Drums and style by classifiers that learned from renders after the VAE, and by ones that
    learned from clean renders, which also miss what the VAE leaves out (the rows that end in
    "clean").
    """
    for kind, ending in (("coded", ""), ("clean", ", clean")):
        features = [getattr(one, kind) for one in known]
        drums = metrics.fit([drum for drum, _ in features], [one.drums for one in known])
        style = metrics.fit(
            [style for _, style in features], [one.style for one in known], decay=0.02
        )
        coded = kind == "coded"
        yield judged_row(
            f"drums present or absent right{ending}",
            heard,
            lambda clip, truth, drums=drums: drums(clip.drums) == truth.drums,  # type: ignore[misc]
            0.95,
            coded,
        )
        row = judged_row(
            f"style recognised{ending}",
            heard,
            lambda clip, truth, style=style: style(clip.style) == truth.asked.style,  # type: ignore[misc]
            math.nan,
            coded,
        )
        yield row
        if row.real:
            value = row.value / row.real
            control = row.control / row.real
            yield Row(
                f"style recognised, relative to real{ending}", value, control, 0.8, note=row.note
            )


def learned(name: str, number: int) -> Known:
    song = songs.song(LEARN_SEED + number, TAKE_SECONDS)
    mix = song.mix()
    clean, coded = (
        (metrics.drum_features(clip), metrics.style_features(clip, song.sketch.bpm))
        for clip in (mix, through(voice(name), mix))
    )
    return Known(has_drums(song.sketch), song.sketch.style, clean, coded)


def lessons(name: str, count: int, each: Map, cache: Path | None) -> list[Known]:
    """What is learned from `count` songs: read from the cache, or made."""
    path = cache / f"{_fingerprint(name)}-{count}.json" if cache else None
    if path and path.exists():
        return [_known(**values) for values in json.loads(path.read_text())]
    known = list(each(functools.partial(learned, name), range(count)))
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".part")
        half.write_text(
            json.dumps([dataclasses.asdict(one) for one in known], default=np.ndarray.tolist)
        )
        half.rename(path)
    return known


def _known(drums: str, style: str, clean: list[list[float]], coded: list[list[float]]) -> Known:
    (a, b), (c, d) = ([np.array(part) for part in pair] for pair in (clean, coded))
    return Known(drums, style, (a, b), (c, d))


def _fingerprint(name: str) -> str:
    """Of the VAE, and of the code that makes and measures songs."""
    places = [Path(module.__file__ or "") for module in (songs, palette, metrics)]
    places += sorted(Path(guide.__file__ or "").parent.glob("*.py"))
    places += sorted(path for path in checkpoint.find(name).vae.iterdir() if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in places)).hexdigest()[:16]


# --- stems ----------------------------------------------------------------------------------------


def stem_rows(name: str, sizes: Sizes, each: Map) -> Iterator[Row]:
    for role in ("drums", "bass"):
        metric = f"stems: SI-SDR of extracted {role}, dB"
        try:
            yield stem_row(name, metric, role, sizes.songs, each)
        except BadRequest as error:
            yield Row(metric, math.nan, target=6, note=f"not available: {error}")


def stem_row(name: str, metric: str, role: str, count: int, each: Map) -> Row:
    """The control is what the mix itself has, as if nothing had been extracted."""
    playing = (
        seed
        for seed in itertools.count(STEM_SEED)
        if {role} < set(songs.song(seed, 1.0).sketch.parts)
    )
    chosen = itertools.islice(playing, count)
    extracted, truths, unchanged = zip(
        *each(functools.partial(extracted_stem, name, role), list(chosen))
    )
    values = list(map(metrics.si_sdr, extracted, truths))
    other = mean(map(metrics.si_sdr, extracted, turned(truths)))
    note = f"{len(values)} songs; median {statistics.median(values):.1f}; control: the mix; another stem {other:.1f}"
    return Row(metric, mean(values), mean(unchanged), 6, note=note)


def extracted_stem(name: str, role: str, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    song = songs.song(seed, CODEC_SECONDS)
    mix = song.mix()
    truth = song.stems()[role]
    stem = voice(name).extract(mix, role, song.caption(np.random.default_rng(song.seed)))
    return stem, truth, metrics.si_sdr(mix, truth)


# --- every seed is safe, and different ------------------------------------------------------------


def safety_rows(name: str, sizes: Sizes, each: Map) -> Iterator[Row]:
    """Level, peak and silence over many seeds of short prompts without bpm or key."""
    levels, peaks = zip(*each(functools.partial(level_and_peak, name), range(sizes.silent_check)))
    sounding = [level for level in levels if level > -60]
    span = f"{min(sounding):.1f}..{max(sounding):.1f} dBFS" if sounding else ""
    yield Row(
        "takes neither NaN nor silent",
        len(sounding) / len(levels),
        target=1,
        note=f"{len(levels)} seeds",
    )
    yield Row(
        "takes of -26..-10 dBFS RMS",
        mean(-26 <= level <= -10 for level in levels),
        target=1,
        note=span,
    )
    yield Row(
        "takes with peaks below -1 dBFS",
        mean(p < -1 for p in peaks),
        target=1,
        note=f"{max(peaks):.2f} dBFS",
    )


def level_and_peak(name: str, seed: int) -> tuple[float, float]:
    prompt = SHORT_PROMPTS[seed % len(SHORT_PROMPTS)]
    audio = generated(voice(name), Request(prompt, seconds=SAFETY_SECONDS, seed=seed))
    return metrics.level(audio), metrics.peak(audio)


def seed_rows(name: str, sizes: Sizes, each: Map) -> Iterator[Row]:
    """The control is the distance between different prompts."""
    pairs = list(each(functools.partial(two_seeds, name), range(sizes.songs)))
    apart = [distance(a, b) for a, b in pairs]
    control = mean(distance(a, other) for (a, _), (other, _) in zip(pairs, turned(pairs)))
    yield Row(
        "two seeds of a prompt: log-mel, dB", mean(apart), control, 3, note=f"{len(pairs)} prompts"
    )
    yield Row("two seeds of a prompt: the least, dB", min(apart), target=3)


def two_seeds(name: str, number: int) -> list[np.ndarray]:
    request = request_for(songs.song(TAKE_SEED + number, TAKE_SECONDS), number)
    other = dataclasses.replace(request, seed=request.seed + 100_000)
    return [metrics.log_mel(generated(voice(name), one)) for one in (request, other)]


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).mean())


def time_rows(model: AceStep) -> Iterator[Row]:
    request = Request("house with piano chords", bpm=120, seconds=TAKE_SECONDS)
    seconds = []
    for seed in range(1 + TIMED):
        started = time.perf_counter()
        generated(model, dataclasses.replace(request, seed=seed))
        seconds.append(time.perf_counter() - started)
    note = f"median of {TIMED}; load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    yield Row("8 s take, s", statistics.median(seconds[1:]), target=3, better="less", note=note)


# --- the picture ----------------------------------------------------------------------------------

PANEL = (470, 128)  # pixels; pairs in a row
GAP = 6
TITLE = 22
MARGIN = 14
COLUMNS = 2
BACKGROUND = (14, 15, 20)
INK = (225, 228, 235)
FAINT = (130, 136, 150)
SHADES = ((0, 0, 4), (40, 11, 84), (101, 21, 110), (159, 42, 99), (212, 72, 66), (245, 125, 21), (250, 193, 39),
          (252, 255, 164))  # fmt: skip
DARKEST = -66.0  # dB below and above which nothing is seen
BRIGHTEST = -16.0


def picture(heard: Sequence[Heard], path: Path) -> None:
    """Spectrograms of takes, each beside the render of the same composition, as one PNG."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(13)
    wide = 2 * PANEL[0] + GAP + 2 * MARGIN
    tall = PANEL[1] + TITLE + GAP
    rows = -(-len(heard) // COLUMNS)
    canvas = Image.new("RGB", (COLUMNS * wide, rows * tall + TITLE + MARGIN), BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    for column in range(COLUMNS):
        for side, name in enumerate(("take", "real render of the same notes")):
            draw.text((column * wide + MARGIN + side * (PANEL[0] + GAP), 6), name, FAINT, font)
    for number, one in enumerate(heard):
        x = number % COLUMNS * wide + MARGIN
        y = number // COLUMNS * tall + TITLE
        title = f"{one.request.prompt} · {one.request.bpm:g} bpm · {one.request.key}"
        while draw.textlength(title, font) > wide - 2 * MARGIN:
            title = title[:-2] + "…"
        draw.text((x, y + 3), title, INK, font)
        for side, clip in enumerate((one.take, one.real)):
            canvas.paste(spectrogram(clip.mel), (x + side * (PANEL[0] + GAP), y + TITLE))
    canvas.save(path, optimize=True)


def spectrogram(mel: np.ndarray) -> Image.Image:
    """Low notes at the bottom; as bright at its loudest, however loud the clip is."""
    from PIL import Image

    relative = mel - np.percentile(mel, 99.8) + BRIGHTEST
    shade = np.clip((relative - DARKEST) / (BRIGHTEST - DARKEST), 0, 1).T[::-1]
    places = np.linspace(0, 1, len(SHADES))
    channels = [np.interp(shade, places, levels) for levels in zip(*SHADES)]
    pixels = np.stack(channels, axis=-1).astype(np.uint8)
    return Image.fromarray(pixels).resize(PANEL, Image.Resampling.BILINEAR)


# --- all of it ------------------------------------------------------------------------------------


def mean(values: Iterable[float]) -> float:
    listed = list(values)
    return float(np.mean(listed)) if listed else math.nan


def turned(clips: Sequence[T]) -> list[T]:
    """Every clip's neighbour, the control."""
    return [*clips[1:], *clips[:1]]


def rows(options: argparse.Namespace) -> Iterator[Row]:
    name = options.model
    sizes = Sizes(*(getattr(options, field.name) for field in dataclasses.fields(Sizes)))
    sizes = sizes.eighth() if options.quick else sizes
    with workers(options.processes) as each:
        yield from codec_rows(name, sizes, each)
        heard = list(each(functools.partial(listen, name), range(sizes.takes)))
        if options.picture:
            picture(heard[:16], options.picture)
        yield from take_rows(heard, lessons(name, sizes.learn, each, options.cache))
        for part in (stem_rows, safety_rows, seed_rows):
            yield from part(name, sizes, each)
    yield from time_rows(voice(name))


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
    for row in rows(options):
        print(row, flush=True)
        table.append(row)
    if options.json:
        options.json.write_text(json.dumps([in_json(row) for row in table], indent=1) + "\n")


def in_json(row: Row) -> dict[str, object]:
    fields = dataclasses.asdict(row) | {"verdict": row.verdict}
    return {
        name: None if isinstance(x, float) and not math.isfinite(x) else x
        for name, x in fields.items()
    }


if __name__ == "__main__":
    main()
