"""acestepd's side of a comparison of planners: a process that writes audio codes."""

from __future__ import annotations

from pathlib import Path

from pipeline import device
from pipeline.networks.ops import choose_ops
from pipeline.planner.loading import load_planner
from pipeline.planner.logits import Sampling
from pipeline.planner.planner import Planner

# isort: split
import mlx.core as mx

from . import jobs
from .jobs import Instant
from .serving import Message, Work, serve


def hello() -> Message:
    return {"versions": jobs.list_versions(["mlx"])}


def prepare(job: Message) -> Work:
    if job["device"] == "cpu":
        mx.set_default_device(mx.Device(mx.cpu))
    elif device.is_cpu():
        raise ValueError("MLX has no GPU here: take --device cpu")
    device.can_compile()
    planner = load_planner(Path(job["checkpoint"]), choose_ops(), None)
    return lambda request: write_codes(planner, request)


def write_codes(planner: Planner, wanted: Message) -> Message:
    """Nothing of the prompts was read before."""
    planner.prompt_cache.clear()
    rows = wanted["rows"]
    prompt, negative = (jobs.write_plan_prompt(number) for number in (1 + wanted["seed"] % 8, 9))
    sampling = Sampling(temperature=0.0, top_p=1.0, guidance=2.0 if rows == 2 else 1.0)
    starts = {"prefill": Instant.now()}
    work = planner.write_codes(prompt, negative, wanted["tokens"], sampling)
    while True:
        try:
            written = next(work).tokens
        except StopIteration as end:
            codes = end.value
            break
        if written <= 1:
            starts["codes"] = Instant.now()
    return {**jobs.cut(starts, Instant.now()), "outputs": {"codes": list(codes)}}


if __name__ == "__main__":
    serve(hello, prepare)
