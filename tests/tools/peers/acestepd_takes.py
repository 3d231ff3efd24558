"""acestepd's side of a comparison of takes: a process that makes them."""

from __future__ import annotations

import time

from pipeline import AceStep, device, load
from pipeline.request import Request
from pipeline.take import Progress

# isort: split
import mlx.core as mx
import numpy as np

from . import jobs
from .serving import Message, Work, serve


def hello() -> Message:
    return {"versions": jobs.list_versions(["mlx"])}


def prepare(job: Message) -> Work:
    if job["device"] == "cpu":
        mx.set_default_device(mx.Device(mx.cpu))
    elif device.is_cpu():
        raise ValueError("MLX has no GPU here: take --device cpu")
    model = load(job["checkpoint"])

    def work(request: Message) -> Message:
        return check(model) if request["do"] == "check" else make_take(model, request)

    return work


def make_take(model: AceStep, wanted: Message) -> Message:
    """Nothing of it was computed before."""
    model.model.cache.clear()
    request = Request(
        prompt=jobs.PROMPT,
        lyrics=jobs.LYRICS,
        language="en",
        seconds=wanted["seconds"],
        num_steps=wanted["steps"],
        seed=wanted["seed"],
        guide="off",
        plan="off",
    )
    processor = dict[str, float]()
    stage = "text"
    started = time.perf_counter()
    begun = mark = time.process_time()
    for event in model.render(request):
        now = time.process_time()
        if isinstance(event, Progress) and event.stage == "decode":  # said behind its tiles
            stage = event.stage
        processor[stage] = processor.get(stage, 0.0) + now - mark
        mark = now
        if isinstance(event, Progress):  # what comes next
            stage = event.stage
        else:
            timings = event.info.timings
    processor["whole"] = time.process_time() - begun
    return {
        "stages": {**timings, "whole": time.perf_counter() - started},
        "processor": processor,
    }


def check(model: AceStep) -> Message:
    """One pass of the DiT, and what the VAE makes of some latents."""
    networks = model.model.networks
    config = model.model.config
    dtype = networks.decoder.scale_shift_table.dtype
    channels = config.audio_acoustic_hidden_dim
    condition = jobs.draw(1, 1, jobs.CHECKED_TOKENS, config.hidden_size)
    cross = networks.decoder.project_condition(mx.array(condition).astype(dtype))
    x = mx.array(jobs.draw(2, 1, jobs.CHECKED_FRAMES, channels))
    context = mx.array(jobs.draw(3, 1, jobs.CHECKED_FRAMES, config.in_channels - channels))
    time = mx.full((1,), 0.5)
    velocity = networks.decoder(x, context, time, time, cross)
    audio = model.model.vae.decode(x)  # (1, samples, 2)
    return {
        "outputs": {
            "DiT": jobs.pick_some(np.array(velocity.astype(mx.float32))),
            "VAE": jobs.pick_some(np.array(audio.astype(mx.float32)).swapaxes(1, 2)),
        }
    }


if __name__ == "__main__":
    serve(hello, prepare)
