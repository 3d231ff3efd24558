"""acestepd and a peer in turns: `python -m tests.tools.bench --peer diffusers` (takes), or
`transformers` (the planner's audio codes).

Both have the same random weights, of the published sizes unless told otherwise, and the same jobs;
one pair of turns after the other is measured, A B A B, and what counts is the ratio of each pair.
Before that their outputs are compared, so that it is the same work. torch and the peer are no
dependencies: they may be in an environment of their own, whose Python `--python` names.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from daemon.runtime.processor import name_processor

from . import checkpoints
from .chart import draw_chart
from .processes import ROOT, PeerError, Process
from .turns import Pair, Row, compare, count_alike, format_row

Options = argparse.Namespace

ALIKE = 0.999  # cosine of float32 outputs; in bfloat16 it is more like .99
NEEDS = """\
The peer is not installed with acestepd. Make an environment for it and name its Python:
  python3 -m venv ~/peer && ~/peer/bin/pip install torch diffusers transformers
  python -m tests.tools.bench --peer {peer} --python ~/peer/bin/python"""


class Job(NamedTuple):
    """`size` and `tokens` are its row's; `request` is what both are asked for, `short` what they
    are asked for before, to warm up.
    """

    title: str
    size: float
    request: dict[str, Any]
    short: dict[str, Any]
    tokens: int = 0


class Contest(NamedTuple):
    """What is compared: the modules of both sides, which checkpoint they need, and the jobs."""

    ours: str
    peer: str
    checkpoint: str
    unit: str
    list_jobs: Callable[[Options], Iterator[Job]]


def list_takes(options: Options) -> Iterator[Job]:
    for seconds in options.seconds:
        take = {"do": "take", "seconds": seconds, "steps": options.steps}
        title = f"take of {seconds:g} s in {options.steps} steps"
        yield Job(title, seconds, take, {**take, "steps": 1})


def list_plans(options: Options) -> Iterator[Job]:
    """Alone, and with a second row for guidance, as songs are planned."""
    for rows in (1, 2):
        guided = ", guided" if rows == 2 else ""
        plan = {"do": "plan", "tokens": options.tokens, "rows": rows}
        title = f"{options.tokens} codes{guided}"
        yield Job(title, rows, plan, {**plan, "tokens": 4}, options.tokens - 1)  # one was prefill's


CONTESTS = {
    "diffusers": Contest(
        "acestepd_takes", "diffusers_takes", checkpoints.TAKES, "seconds of audio", list_takes
    ),
    "transformers": Contest(
        "acestepd_plans", "transformers_plans", checkpoints.PLANS, "rows", list_plans
    ),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("with --peer")
    group.add_argument(
        "--peer", choices=CONTESTS, help="measure takes or plans beside it, in turns"
    )
    group.add_argument("--python", default=sys.executable, help="that has torch and the peer")
    group.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    group.add_argument("--seconds", type=_read_numbers, default=(10.0, 30.0), help="10,30")
    group.add_argument("--steps", type=int, default=8)
    group.add_argument("--tokens", type=int, default=64, help="audio codes that are planned")
    group.add_argument("--pairs", type=int, default=3)
    group.add_argument("--size", choices=checkpoints.SIZES, default="full")
    group.add_argument("--checkpoint", type=Path, help="where it is, or is to be written and kept")
    group.add_argument("--peer-dtype", help="the peer's: float32, on a GPU bfloat16")
    group.add_argument("--compile", action="store_true", help="diffusers uses torch.compile")
    group.add_argument("--json", action="store_true")
    group.add_argument("--picture", type=Path, help="a PNG of stages over length")
    group.add_argument(
        "--processor", action="store_true", help="draw processor time: others use this machine too"
    )


def _read_numbers(text: str) -> tuple[float, ...]:
    return tuple(float(each) for each in text.split(","))


def main(options: Options) -> int:
    """Prints the report, as it comes to standard error. Returns an exit status."""
    try:
        report = run(options, lambda line: print(line, file=sys.stderr, flush=True))
    except PeerError as error:
        print(error, file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(report))
    return 0


def run(options: Options, tell: Callable[[str], None]) -> dict[str, Any]:
    """Raises `PeerError`."""
    contest = CONTESTS[options.peer]
    if options.compile and options.peer != "diffusers":
        raise PeerError(
            f"--compile is for diffusers only, and this is {options.peer}: leave it out"
        )
    needs = NEEDS.format(peer=options.peer)
    with (
        Process(options.python, contest.peer, needs) as peer,
        Process(sys.executable, contest.ours) as ours,
        open_checkpoint(options, contest.checkpoint, tell) as checkpoint,
    ):
        own = {"device": options.device, "checkpoint": str(checkpoint)}
        dtype = options.peer_dtype or ("float32" if options.device == "cpu" else "bfloat16")
        ours.ask(own)
        peer.ask({**own, "dtype": dtype, "compile": options.compile})
        about = {
            "date": date.today().isoformat(),
            "machine": f"{name_processor() or platform.machine()}, {os.cpu_count()} cores",
            "device": options.device,
            "size": options.size,
            "peer": options.peer,
            "peer_dtype": dtype,
            "compiled": options.compile,
            "versions": {**peer.versions, **ours.versions},
        }
        tell(", ".join(f"{name} {value}" for name, value in about.items()))
        tell(check(options.peer, ours, peer))
        rows = []
        for job in contest.list_jobs(options):
            pairs = tuple(measure(job, options.pairs, ours, peer))
            row = Row(job.title, job.size, pairs, job.tokens)
            rows.append(row)
            tell(format_row(row, options.peer))
    report = {**about, "rows": [row.to_json() for row in rows]}
    if options.picture:
        title = f"{options.peer} and acestepd, {about['machine']}, {about['date']}"
        if options.processor:
            title += ", processor time"
            rows = [row.by_processor() for row in rows]
        draw_chart(rows, options.peer, title, contest.unit, options.picture)
    return report


@contextmanager
def open_checkpoint(options: Options, kind: str, tell: Callable[[str], None]) -> Iterator[Path]:
    """The folder that was named, or one for now; it is written where there is nothing yet."""
    with tempfile.TemporaryDirectory() as folder:
        path = (options.checkpoint or Path(folder)).absolute()
        if not path.is_dir() or not any(path.iterdir()):
            tell(f"writing random weights ({options.size}) into {path}")
            command = [sys.executable, "-m", checkpoints.__name__, kind, options.size, str(path)]
            if subprocess.run(command, cwd=ROOT).returncode:
                raise PeerError(f"no weights could be written into {path}")
        yield path


def check(name: str, ours: Process, peer: Process) -> str:
    """Whether both compute the same. Raises `PeerError` where they do not."""
    request = {"do": "check", "tokens": 16, "rows": 1, "seed": 1}
    a, b = (process.ask(request)["outputs"] for process in (ours, peer))
    said = []
    for part, output in a.items():
        if part == "codes":
            said.append(f"the first {count_alike(output, b[part])} codes of 16 are the same")
            continue
        alike = compare(output, b[part])
        said.append(f"{part} {alike:.6f}")
        if alike < ALIKE - 0.02 * (name != "diffusers"):
            raise PeerError(f"{part}: the outputs' cosine is {alike:.4f}, they are not the same")
    return "outputs compared (cosine): " + ", ".join(said)


def measure(job: Job, pairs: int, ours: Process, peer: Process) -> Iterator[Pair]:
    for process in (ours, peer):
        process.ask({**job.short, "seed": 0})
    for seed in range(1, pairs + 1):
        request = {**job.request, "seed": seed}
        yield Pair(ours.take_turn(request), peer.take_turn(request))
