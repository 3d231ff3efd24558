"""Who evaluates a model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from examples.voice.processes import generate_clip, generate_clips, start_pool
from pipeline.audio import BadAudio
from pipeline.generate import AceStep
from pipeline.request import Request


class Refusing(AceStep):
    """What it makes is not music."""

    def __init__(self) -> None:
        pass

    def render(self, request: Request, noise: object = None) -> Iterator[None]:  # type: ignore[override]
        raise BadAudio("silence")
        yield


def test_processes_give_the_values_in_order() -> None:
    with start_pool(2) as parallel_map:
        assert list(parallel_map(abs, [-3, 2, -1])) == [3, 2, 1]
    with start_pool(1) as parallel_map:
        assert list(parallel_map(abs, [-3, 2, -1])) == [3, 2, 1]


def test_what_a_model_refuses_to_give_is_silence() -> None:
    request = Request("house", seconds=0.5)
    assert generate_clips(Refusing(), request) == {}
    silence = generate_clip(Refusing(), request)
    assert silence.shape == (request.samples, 2)
    assert not np.any(silence)
