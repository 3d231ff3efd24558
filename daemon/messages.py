"""What the daemon and its worker send each other over their pipe, a type for every message.

On the pipe a message is the length of its head, the head in JSON, and then the bytes of every
array that it has, float32, in the order in which they lie in the memory. They go from one array
into the other: a take of minutes is not copied for it. Both ends run the same version of the
program. No MLX.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.capabilities import Capabilities
from pipeline.explain import Explanation
from pipeline.request import Request
from pipeline.singer.lines import LineTime, parse_lines
from pipeline.take import TakeInfo
from pipeline.weights.adapter import Adapter

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class WorkerMessage:
    """Any of those below. A `ticket` is the number under which the daemon gave a job to it."""


# --- to the worker --------------------------------------------------------------------------------


@dataclass(frozen=True)
class LoadModel(WorkerMessage):
    """The first message: the model to load, and its limits, as the settings have them. Models that
    are to plan takes also warm up their planner.
    """

    model: str
    variant: str
    adapters: tuple[Adapter, ...]
    linked_adapters: tuple[str, ...]  # paths that the settings name: links to them are followed
    revision: str
    bits: int
    planner: str
    plans_takes: bool
    cache_gb: float
    memory_gb: float
    wired_gb: float
    conditions_mb: float
    latents_mb: float
    latents_folder: str


@dataclass(frozen=True)
class Render(WorkerMessage):
    """Make this take now; what is being made goes on afterwards."""

    ticket: int
    request: Request


@dataclass(frozen=True)
class CancelRender(WorkerMessage):
    ticket: int


@dataclass(frozen=True)
class SetAdapters(WorkerMessage):
    """Play with these adapters and no others."""

    adapters: tuple[Adapter, ...]


# --- from the worker ------------------------------------------------------------------------------


@dataclass(frozen=True)
class FetchingModel(WorkerMessage):
    """A sign of life while the model's files are downloaded, which may take hours."""


@dataclass(frozen=True)
class ModelLoaded(WorkerMessage):
    """`seconds_per_cost` is what this machine has just taken, `token_cost` what a token of the
    planner costs, 0 without one. `wordless` says why it cannot say what a recording is, and what to
    do; empty where it can.
    """

    title: str
    adapters: tuple[Adapter, ...]
    capabilities: Capabilities
    seconds_per_cost: float
    token_cost: float
    wordless: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelLoadFailed(WorkerMessage):
    message: str


@dataclass(frozen=True)
class AdaptersSet(WorkerMessage):
    title: str
    adapters: tuple[Adapter, ...]


@dataclass(frozen=True)
class AdaptersRefused(WorkerMessage):
    """The model goes on with those it has."""

    message: str


@dataclass(frozen=True)
class RenderProgress(WorkerMessage):
    ticket: int
    fraction: float
    stage: str


@dataclass(frozen=True)
class RenderPlan(WorkerMessage):
    """What the planner filled in of the request."""

    ticket: int
    planned: Mapping[str, object]


@dataclass(frozen=True)
class RenderLines(WorkerMessage):
    """When the lines of the lyrics will be sung."""

    ticket: int
    lines: tuple[LineTime, ...]


@dataclass(frozen=True)
class RenderNotes(WorkerMessage):
    """What is made otherwise than it was asked for, and what was read of the request; all that is
    known by now.
    """

    ticket: int
    notes: tuple[Explanation, ...]


@dataclass(frozen=True)
class PreviewAudio(WorkerMessage):
    """An estimate of the mix after a step: (2, samples) at 48 kHz."""

    ticket: int
    step: int
    audio: FloatArray


@dataclass(frozen=True)
class RenderDescribed(WorkerMessage):
    """The take is made: its clips follow, each of so many samples. `RenderFinished` says the same
    of it once more, with what the clips have taken.
    """

    ticket: int
    info: TakeInfo
    samples: int


@dataclass(frozen=True)
class RenderClip(WorkerMessage):
    """The next samples of a clip, the mix first: (2, n) at 48 kHz."""

    ticket: int
    name: str
    audio: FloatArray


@dataclass(frozen=True)
class MixLatents(WorkerMessage):
    """What the mix was decoded from, (frames, 64), the digest of the VAE that decodes it, and the
    gain that the decoded audio was multiplied with.
    """

    ticket: int
    vae: str
    gain: float
    latents: FloatArray


@dataclass(frozen=True)
class RenderFinished(WorkerMessage):
    """The take is complete: its audio came before. `cache_counts` are hits and misses by kind."""

    ticket: int
    info: TakeInfo
    token_cost: float
    cache_counts: Mapping[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class RenderFailed(WorkerMessage):
    ticket: int
    code: int
    message: str
    hint: str


@dataclass(frozen=True)
class RenderCancelled(WorkerMessage):
    ticket: int


# --- on the pipe ----------------------------------------------------------------------------------

_LENGTH = struct.Struct("!I")  # of a head, in bytes
_TYPES = {kind.__name__: kind for kind in WorkerMessage.__subclasses__()}


class EncodedMessage(NamedTuple):
    """What goes over the pipe: the head, and the arrays' bytes."""

    head: bytes
    arrays: list[memoryview]


def encode_message(message: WorkerMessage) -> EncodedMessage:
    fields: dict[str, object] = {}
    shapes: dict[str, tuple[tuple[int, ...], str]] = {}  # and which index goes first
    arrays: list[memoryview] = []
    for spec in dataclasses.fields(message):
        value = getattr(message, spec.name)
        if isinstance(value, np.ndarray):
            order: Literal["C", "F"] = "F" if value.flags.f_contiguous else "C"
            shapes[spec.name] = value.shape, order
            arrays.append(_view_bytes(np.asarray(value, np.float32).reshape(-1, order=order)))
        else:
            fields[spec.name] = value
    head = {"type": type(message).__name__, "fields": fields, "arrays": shapes}
    return EncodedMessage(json.dumps(head, default=_to_json).encode(), arrays)


def send_message(connection: Connection, message: WorkerMessage) -> None:
    """Raises OSError where the other end is closed."""
    send_encoded(connection, encode_message(message))


def send_encoded(connection: Connection, message: EncodedMessage) -> None:
    """Raises OSError where the other end is closed."""
    head = memoryview(_LENGTH.pack(len(message.head)) + message.head)
    for rest in (head, *message.arrays):
        while rest:
            rest = rest[os.write(connection.fileno(), rest) :]


def receive_message(
    connection: Connection, wait: Callable[[], None] | None = None
) -> WorkerMessage:
    """Waits for the next one. Raises EOFError or OSError where the other end is closed. `wait` is
    called before every piece of it, and returns when there is one, or raises.
    """

    def receive_into(rest: memoryview) -> None:
        while rest:
            if wait:
                wait()
            received = os.readv(connection.fileno(), [rest])
            if not received:
                raise EOFError
            rest = rest[received:]

    def receive_bytes(length: int) -> bytearray:
        content = bytearray(length)
        receive_into(memoryview(content))
        return content

    def receive_array(length: int) -> FloatArray:
        array = np.empty(length, np.float32)
        receive_into(_view_bytes(array))
        return array

    (length,) = _LENGTH.unpack(receive_bytes(_LENGTH.size))
    return decode_message(receive_bytes(length), receive_array)


def decode_message(
    head: bytes | bytearray, read_array: Callable[[int], FloatArray]
) -> WorkerMessage:
    """The message of a head. `read_array` gives the next array (N,) of so many numbers."""
    parsed = json.loads(head)
    values = {name: _from_json(name, value) for name, value in parsed["fields"].items()}
    for name, (shape, order) in parsed["arrays"].items():
        values[name] = read_array(math.prod(shape)).reshape(shape, order=order)
    return _TYPES[parsed["type"]](**values)


def _view_bytes(array: FloatArray) -> memoryview:
    """The bytes of an array (N,), where they are."""
    return array.view(np.uint8).data


def _to_json(value: object) -> object:
    if isinstance(value, TakeInfo):
        return value.to_json()
    if isinstance(value, Request | Capabilities):
        return dataclasses.asdict(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")


def _read_adapters(value: list[tuple[str, float]]) -> tuple[Adapter, ...]:
    return tuple(Adapter(path, scale) for path, scale in value)


_READERS: dict[str, Callable[[Any], object]] = {
    "adapters": _read_adapters,
    "linked_adapters": tuple,
    "capabilities": Capabilities.from_json,
    "info": TakeInfo.from_json,
    "lines": parse_lines,
    "notes": lambda value: tuple(Explanation(*each) for each in value),
    "request": Request.restore,
    "wordless": tuple,
}


def _from_json(name: str, value: object) -> object:
    """A field's value again, after it was JSON."""
    return _READERS[name](value) if name in _READERS else value
