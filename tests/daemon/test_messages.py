"""What the daemon and its worker send each other, over a real pipe."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection

import numpy as np
import pytest

from daemon import messages
from daemon.messages import (
    AdaptersRefused,
    AdaptersSet,
    CancelRender,
    EncodedMessage,
    FetchingModel,
    LoadModel,
    MixLatents,
    ModelLoaded,
    ModelLoadFailed,
    PreviewAudio,
    Render,
    RenderCancelled,
    RenderClip,
    RenderDescribed,
    RenderFailed,
    RenderFinished,
    RenderLines,
    RenderNotes,
    RenderPlan,
    RenderProgress,
    SetAdapters,
    WorkerMessage,
    encode_message,
    receive_message,
    send_encoded,
    send_message,
)
from pipeline.capabilities import Capabilities
from pipeline.explain import Explanation
from pipeline.request import Request
from pipeline.take import TakeInfo
from pipeline.variants import COMMON_TASKS, TURBO
from pipeline.weights.adapter import Adapter
from tests.support.line_times import sung_line

LOFI = Adapter("/lofi", 0.5)
CAPABILITIES = Capabilities("mini", COMMON_TASKS, TURBO, turbo=True, plays_guides=True, sings=False)
AUDIO = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.float32)
INFO = TakeInfo(
    Request(prompt="x", seed=3, variation_seed=4),
    "mini",
    adapters=(LOFI,),
    timesteps=(1.0, 0.5),
    sections=((0.0, "verse"),),
    planned={"bpm": 92.0},
    timings={"text": 0.1},
    notes=("a note",),
)
LOAD = LoadModel(
    model="mini",
    variant="turbo",
    adapters=(LOFI,),
    linked_adapters=(LOFI.path,),
    revision="",
    bits=8,
    planner="",
    plans_takes=True,
    cache_gb=1.5,
    memory_gb=0.0,
    wired_gb=0.0,
    conditions_mb=512.0,
    latents_mb=10.0,
    latents_folder="/state/latents",
)
EXAMPLES = [
    LOAD,
    Render(7, Request(prompt="x", stems="drums", seed=1)),
    CancelRender(7),
    SetAdapters((LOFI,)),
    SetAdapters(()),
    FetchingModel(),
    ModelLoaded("mini (lofi)", (LOFI,), CAPABILITIES, 0.25, 40.0),
    ModelLoadFailed("it is broken"),
    AdaptersSet("mini", ()),
    AdaptersRefused("it is torn"),
    RenderProgress(7, 0.5, "diffusion"),
    RenderLines(7, (sung_line("la la", bar=3, start=4.5),)),
    RenderNotes(7, (Explanation("it does not sing", True), Explanation("90 bpm"))),
    RenderPlan(7, {"bpm": 92.0, "key": "A minor"}),
    PreviewAudio(7, 3, AUDIO),
    RenderDescribed(7, INFO, 4_800),
    RenderClip(7, "drums", AUDIO),
    MixLatents(7, "abc", 0.5, np.ones((3, 64), np.float32)),
    RenderFinished(7, INFO, 40.0, {"text": [1, 2]}),
    RenderFailed(7, 422, "it is bad", "be good"),
    RenderCancelled(7),
]


@pytest.fixture
def pipe() -> Iterator[tuple[Connection, Connection]]:
    ours, theirs = Pipe()
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)
def test_a_message_comes_out_as_it_went_in(
    message: WorkerMessage, pipe: tuple[Connection, Connection]
) -> None:
    send_message(pipe[0], message)
    received = receive_message(pipe[1])
    assert type(received) is type(message)
    for spec in dataclasses.fields(message):
        sent = getattr(message, spec.name)
        came = getattr(received, spec.name)
        if isinstance(sent, np.ndarray):
            assert came.dtype == np.float32
            np.testing.assert_array_equal(came, sent)
        else:
            assert came == sent
            assert type(came) is type(sent)
    assert not pipe[1].poll(), "nothing is left over"


def test_there_is_an_example_of_every_message() -> None:
    assert {type(message) for message in EXAMPLES} == set(messages.WorkerMessage.__subclasses__())


def test_messages_follow_each_other_whether_they_have_arrays_or_not(
    pipe: tuple[Connection, Connection],
) -> None:
    silence = np.zeros((2, 0), np.float32)
    for message in (RenderCancelled(1), RenderClip(2, "mix", silence), RenderCancelled(3)):
        send_message(pipe[0], message)
    received = [receive_message(pipe[1]) for _ in range(3)]
    assert [type(message) for message in received] == [RenderCancelled, RenderClip, RenderCancelled]
    assert isinstance(received[1], RenderClip)
    assert received[1].audio.shape == (2, 0)


def test_audio_that_is_laid_out_otherwise_or_of_another_type_arrives_as_float32(
    pipe: tuple[Connection, Connection],
) -> None:
    send_message(pipe[0], RenderClip(1, "mix", AUDIO.T.astype(np.float64).T))  # type: ignore[arg-type]
    received = receive_message(pipe[1])
    assert isinstance(received, RenderClip)
    assert received.audio.dtype == np.float32
    np.testing.assert_array_equal(received.audio, AUDIO)


def test_an_array_that_is_larger_than_the_pipe_arrives_whole(
    pipe: tuple[Connection, Connection],
) -> None:
    long = np.arange(2_000_000, dtype=np.float32).reshape(-1, 2).T  # as clips lie in the memory
    sender = threading.Thread(target=send_message, args=(pipe[0], RenderClip(1, "mix", long)))
    sender.start()
    received = receive_message(pipe[1])
    sender.join()
    assert isinstance(received, RenderClip)
    np.testing.assert_array_equal(received.audio, long)
    assert not pipe[1].poll(), "nothing is left over"


def test_an_end_within_an_array_is_an_error(pipe: tuple[Connection, Connection]) -> None:
    head, (audio,) = encode_message(RenderClip(1, "mix", AUDIO))
    send_encoded(pipe[0], EncodedMessage(head, [audio[:-1]]))
    pipe[0].close()
    with pytest.raises(EOFError):
        receive_message(pipe[1])


def test_the_end_of_the_other_end_is_an_error(pipe: tuple[Connection, Connection]) -> None:
    pipe[0].close()
    with pytest.raises((EOFError, OSError)):
        receive_message(pipe[1])
