"""The processes that evaluate a model, and what each of them makes takes with."""

from __future__ import annotations

import functools
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt

from pipeline.audio import BadAudio
from pipeline.generate import AceStep, load
from pipeline.request import Request
from pipeline.take import Clip

from .rendering import ONE_THREAD

Audio = npt.NDArray[np.float32]  # (samples, 2)

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


def generate_clips(model: AceStep, request: Request) -> dict[str, Audio]:
    """The clips (samples, 2) of a take by their names; none where the model refused to give any."""
    try:
        clips = [event for event in model.render(request) if isinstance(event, Clip)]
    except BadAudio:
        return {}
    return {clip.name: clip.samples.T for clip in clips}


def generate_clip(model: AceStep, request: Request) -> Audio:
    """The mix of a take, or silence."""
    silence = np.zeros((request.samples, 2), np.float32)
    return generate_clips(model, request).get("mix", silence)
