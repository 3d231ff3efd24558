"""`acestepd bench`: how long takes need on this machine, stage by stage, and how near that is to
what the machine can do.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.request import Request
from pipeline.take import Clip, TakeInfo, describe_machine

from .. import VERSION
from ..landing import clips
from ..landing.finished_take import FinishedTake
from ..service import select_model
from ..settings import Settings

if TYPE_CHECKING:
    from pipeline import AceStep
    from pipeline.floors import Speed

LENGTHS = (10.0, 30.0, 60.0, 120.0, 240.0)  # seconds of audio
QUICK = (2.0,)
BUDGET = 120.0  # seconds that it may take, and what is begun comes to its end
RUNS = 3
LAND = "land"  # the stage behind the model's: files on disk, under their names
_PROMPT = "upbeat electronic dance music, 120 bpm, A minor"


@dataclass(frozen=True)
class Row:
    """Takes of one length: median seconds of each stage, what the two big ones could take at best,
    the whole of it, and the most bytes that MLX held. `first` is the first take of that length.
    """

    seconds: float
    runs: int
    first: float
    whole: float
    stages: Mapping[str, float]
    floors: Mapping[str, float]
    memory: int


@dataclass(frozen=True)
class Report:
    """What was measured. `load` is how long the model took to load."""

    version: str
    model: str
    device: str
    machine: Mapping[str, str]
    gflops: float
    gigabytes: float
    load: float
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def bench(settings: Settings, quick: bool, tell: Callable[[str], None]) -> Report:
    """Make takes until the time is up. `tell` gets a line for each length."""
    from pipeline import device, load
    from pipeline.floors import measure_speed
    from pipeline.weights import precision

    name, variant, _ = select_model(settings)
    started = time.perf_counter()
    model = load(name, variant=variant, revision=settings.pinned_revision, bits=settings.bits)
    loaded = time.perf_counter() - started
    speeds = {
        "diffusion": measure_speed(precision.find_dtype(model.model.networks.decoder)),
        "decode": measure_speed(model.model.vae.decoder.conv1.weight.dtype),
    }
    report = Report(
        VERSION,
        model.title,
        device.describe(),
        describe_machine(device.name_device()),
        speeds["diffusion"].flop / 1e9,
        speeds["diffusion"].bytes / 1e9,
        loaded,
        (),
    )
    tell(format_head(report))
    rows = []
    for row in _measure(model, speeds, QUICK if quick else LENGTHS, 0.0 if quick else BUDGET):
        rows.append(row)
        tell(format_row(row))
    return Report(**{**vars(report), "rows": tuple(rows)})


def _measure(
    model: AceStep, speeds: Mapping[str, Speed], lengths: tuple[float, ...], budget: float
) -> Iterator[Row]:
    """A row for each length that the budget has time for, the first in any case. `speeds`: by
    stage.
    """
    deadline = time.perf_counter() + budget
    cost = 0.0  # seconds of a second of audio
    for length in lengths:
        if cost and time.perf_counter() + 2 * cost * length > deadline:
            return
        first = _make_take(model, length, 0).seconds
        takes: list[_Take] = []
        while not takes or (
            len(takes) < RUNS and time.perf_counter() + takes[-1].seconds < deadline
        ):
            takes.append(_make_take(model, length, len(takes) + 1))
        whole = statistics.median(take.seconds for take in takes)
        cost = whole / length
        names = takes[0].stages
        stages = {name: statistics.median(take.stages[name] for take in takes) for name in names}
        memory = max(max(take.info.memory.values()) for take in takes)
        floors = _find_floors(model, speeds, takes[0].info)
        yield Row(length, len(takes), first, whole, stages, floors, memory)


class _Take(NamedTuple):
    seconds: float  # from the request to its files
    stages: dict[str, float]
    info: TakeInfo


def _make_take(model: AceStep, length: float, seed: int) -> _Take:
    request = Request(prompt=_PROMPT, seconds=length, seed=seed, plan="off")
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        made = [each for each in model.render(request) if isinstance(each, Clip)]
        rendered = time.perf_counter()
        clips.write_take(Path(folder), "bench", FinishedTake.of(made))
        landed = time.perf_counter()
    info = made[0].info
    return _Take(landed - started, {**info.timings, LAND: landed - rendered}, info)


def _find_floors(model: AceStep, speeds: Mapping[str, Speed], info: TakeInfo) -> dict[str, float]:
    """Seconds by stage."""
    from pipeline.floors import count_decode, count_pass
    from pipeline.weights import precision

    parts = model.model
    frames = parts.count_frames(info.request)
    condition = parts.encode_condition(*parts.encode_text(info.request))
    size = precision.find_dtype(parts.networks.decoder).size
    one = count_pass(parts.config, frames, condition.shape[1], size)
    chosen = parts.capabilities.defaults.choose(info.request)
    guided = chosen.guidance_interval if chosen.guidance_scale != 1 else 0.0
    passes = len(info.timesteps) * (1 + guided)
    heard = -(-info.request.samples // parts.hop)  # what lies behind is hardly decoded
    return {
        "diffusion": speeds["diffusion"].find_floor(one.repeat(passes)),
        "decode": speeds["decode"].find_floor(count_decode(parts.vae.config, heard)),
    }


# --- for people -----------------------------------------------------------------------------------


def format_head(report: Report) -> str:
    machine = f"{report.machine['system']} {report.machine['processor']}"
    return (
        f"acestepd {report.version}, {report.model}, {report.device}, {machine}, "
        f"{report.machine['blas']}\n"
        f"matrix product {report.gflops:.0f} GFLOP/s, copy {report.gigabytes:.0f} GB/s, "
        f"model loaded in {report.load:.1f} s"
    )


def format_row(row: Row) -> str:
    stages = ", ".join(
        f"{name} {seconds:.3f}" + _format_ratio(row, name, seconds)
        for name, seconds in row.stages.items()
    )
    return (
        f"{row.seconds:g} s of audio: {row.whole:.2f} s (first {row.first:.2f}, median of "
        f"{row.runs}): {stages}; {row.memory / 1e9:.1f} GB"
    )


def _format_ratio(row: Row, name: str, seconds: float) -> str:
    """` (2.1x)`: how many times its floor it takes."""
    floor = row.floors.get(name)
    return f" ({seconds / floor:.1f}x)" if floor else ""


def format_line(report: Report) -> str:
    """All of it on one line, to be pasted where somebody asks how fast it is."""
    takes = ", ".join(f"{row.seconds:g} s in {row.whole:.2f}" for row in report.rows)
    memory = max((row.memory for row in report.rows), default=0) / 1e9
    return (
        f"acestepd {report.version} bench: {report.model}, {report.device}, "
        f"{report.machine['processor']}, {report.gflops:.0f} GFLOP/s: {takes}; {memory:.1f} GB"
    )
