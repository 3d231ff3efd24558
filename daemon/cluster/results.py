"""What a worker tells of a take and sends of it, checked before anything is made of it: that it is
what was asked for, and of the kinds and sizes that it can have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.explain import Explanation
from pipeline.lengths import PLANS_OF_SONGS
from pipeline.request import FIELDS, REST, UNDERSTAND, Request, names_file
from pipeline.singer.lines import LineTime, WordTime
from pipeline.weights.adapter import Adapter

from ..landing.finished_take import MIX
from ..messages import (
    FloatArray,
    MixLatents,
    ModelLoaded,
    PreviewAudio,
    RenderCancelled,
    RenderClip,
    RenderDescribed,
    RenderFailed,
    RenderFinished,
    RenderLines,
    RenderNotes,
    RenderPlan,
    RenderProgress,
    WorkerMessage,
)
from .parcels import BadParcel, Parcel, unpack

# what a recording is put into words with: how what plays it is called and written
KEPT = ("name", "format", "sample_rate", "peak_db", "normalize", "loudness", "seed")
# fields that the planner, the guide and the model fill in, where a request leaves them open
FILLED = tuple(
    "prompt lyrics language seconds bars bpm key time_signature read_prompt guide guide_seed "
    "composer codes plan_seed num_steps shift guidance_scale guidance_interval".split()
)
LATENTS = 64  # numbers of a frame
MOST = 1e15  # of a number: as large as one of a request
MOST_TOLD = 2**31 - 1  # of a whole number that is told in a message
CODES = range(400, 600)  # of a failure
LOUDEST = 4.0  # of a sample: what is made is in [-1, 1]


def read_result(
    parcel: Parcel, ticket: int, request: Request, shared: Path | None = None
) -> list[WorkerMessage]:
    """The messages with which a take of this request has ended. Raises `BadParcel`, and OSError
    where a file of the `shared` folder is not there.
    """
    with _refusing_junk():
        return _read_result(unpack(parcel, shared), ticket, request)


def _read_result(
    messages: Sequence[WorkerMessage], ticket: int, request: Request
) -> list[WorkerMessage]:
    if not messages:
        raise BadParcel("nothing came")
    *pieces, end = messages
    if any(getattr(each, "ticket", None) != ticket for each in (*pieces, end)):
        raise BadParcel("it is no end of the take that was asked for")
    match end:
        case RenderFinished():
            _check_finished(end)
            made = _complete(request, end.info.request)
            clips = [each for each in pieces if isinstance(each, RenderClip)]
            _check_clips(clips, request, made)
            latents = [each for each in pieces if isinstance(each, MixLatents)]
            others = [each for each in pieces if not isinstance(each, RenderClip | MixLatents)]
            _expect(len(latents) < 2 and all(map(_are_latents, latents)), "latents")
            _expect(not others, "messages")
            info = replace(end.info, request=made)
            described = RenderDescribed(ticket, info, made.samples)
            return [described, *pieces, replace(end, info=info)]
        case RenderFailed():
            _expect(
                _is_whole(end.code) and end.code in CODES and _are_texts((end.message, end.hint)),
                "failure",
            )
            return [end]
        case RenderCancelled():
            return [end]
    raise BadParcel("it is no end of a take")


def _complete(request: Request, made: Request) -> Request:
    """What was asked for, with what of it the worker may have filled in. Raises `BadRequest`."""
    if request.task == UNDERSTAND:
        request = Request().changed({name: getattr(request, name) for name in KEPT})
    open_fields = {name for name in FILLED if getattr(request, name) == FIELDS[name].default}
    if request.plan in PLANS_OF_SONGS:
        open_fields |= {"prompt", "lyrics"}
    if request.has_open_length:
        open_fields.add("seconds")
    open_fields.add("guide")  # it may be off
    if names_file("guide", request.guide) or names_file("guide", made.guide):
        open_fields.remove("guide")
    open_fields.add("key")  # the guide's is the same by another name
    filled = {name: getattr(made, name) for name in open_fields}
    return request.changed(
        {name: value for name, value in filled.items() if value != getattr(request, name)}
    )


def read_told(parcel: Parcel) -> list[WorkerMessage]:
    """What is told while a take is made. Raises `BadParcel`."""
    with _refusing_junk():
        messages = unpack(parcel)
        _expect(all(map(_may_be_told, messages)), "messages on the way")
        return messages


def read_loaded(parcel: Parcel) -> list[WorkerMessage]:
    """What a worker says of its model. Raises `BadParcel`."""
    with _refusing_junk():
        messages = unpack(parcel)
        _expect(all(map(_is_loaded, messages)), "model")
        return messages


@contextmanager
def _refusing_junk() -> Iterator[None]:
    """Whatever reading it raises but OSError: it is not what it should be."""
    try:
        yield
    except (BadParcel, OSError):
        raise
    except Exception as error:
        raise BadParcel(f"what came cannot be read: {error!r:.200}") from error


def _is_loaded(message: WorkerMessage) -> bool:
    return (
        isinstance(message, ModelLoaded)
        and _are_texts((message.title, *message.wordless))
        and all(map(_is_adapter, message.adapters))
        and all(map(_is_amount, (message.seconds_per_cost, message.token_cost)))
    )


def _may_be_told(message: WorkerMessage) -> bool:
    match message:
        case RenderProgress():
            return _is_amount(message.fraction) and isinstance(message.stage, str)
        case RenderPlan():
            return _is_mapping(message.planned, _is_plain)
        case RenderLines():
            return all(map(_is_line, message.lines))
        case RenderNotes():
            return all(_is_note(note) for note in message.notes)
        case PreviewAudio():
            return _is_told(message.step) and _is_audio(message.audio)
    return False


def _check_clips(clips: Sequence[RenderClip], request: Request, made: Request) -> None:
    if request.task == UNDERSTAND:
        _expect(not clips, "clips: it was to say what it hears")
        return
    _expect(all(_is_text(clip.name) and _is_audio(clip.audio) for clip in clips), "audio")
    lengths: dict[str, int] = defaultdict(int)
    names = []
    for name, pieces in groupby(clips, lambda clip: clip.name):
        names.append(name)
        lengths[name] += sum(piece.audio.shape[1] for piece in pieces)
    allowed = {MIX, REST, *request.tracks}
    has_mix = request.task == "extract" or names[:1] == [MIX]
    is_right = names and has_mix and allowed >= {*names}
    if not is_right or len({*names}) < len(names):
        found = " ".join(name[:20] for name in names[:10]) or "none"
        raise BadParcel(f"its clips are not those that were asked for: {found!a}")
    for length in lengths.values():
        if length != made.samples:  # behind a source's end there is silence
            raise BadParcel(f"its clips have {length:,} samples, and not {made.samples:,}")


def _check_finished(end: RenderFinished) -> None:
    _expect(_is_amount(end.token_cost), "token_cost")
    _expect(_is_mapping(end.cache_counts, _are_counts), "cache_counts")
    for name, is_right in _INFO.items():
        _expect(is_right(getattr(end.info, name)), name)


def _expect(is_right: bool, what: str) -> None:
    if not is_right:
        raise BadParcel(f"what it sent as {what} cannot be that")


# --- of which kind values are ---------------------------------------------------------------------


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST


def _is_told(value: Any) -> bool:
    return _is_whole(value) and abs(value) <= MOST_TOLD


def _is_number(value: object) -> bool:
    return _is_whole(value) or (isinstance(value, float) and abs(value) <= MOST)


def _is_amount(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | bool) or _is_number(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _are_texts(values: Iterable[object]) -> bool:
    return all(map(_is_text, values))


def _are_counts(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_whole, value))


def _is_mapping(value: object, is_right: Callable[[Any], bool]) -> bool:
    return isinstance(value, Mapping) and _are_texts(value) and all(map(is_right, value.values()))


def _is_mark(value: object) -> bool:
    """Seconds, and what is there."""
    match value:
        case (seconds, str()):
            return _is_number(seconds)
    return False


def _is_note(note: object) -> bool:
    return (
        isinstance(note, Explanation) and _is_text(note.text) and isinstance(note.is_problem, bool)
    )


def _is_word(word: WordTime) -> bool:
    return _is_text(word.text) and _is_number(word.start) and _is_number(word.end)


def _is_line(line: LineTime) -> bool:
    return (
        _are_texts((line.text, line.section, line.note))
        and all(map(_is_number, (line.start, line.end)))
        and all(map(_is_told, (line.bar, line.bars, line.line)))
        and all(map(_is_word, line.words))
    )


def _is_adapter(one: Adapter) -> bool:
    return _is_text(one.path) and _is_number(one.scale)


def _is_audio(audio: FloatArray) -> bool:
    if audio.ndim != 2 or audio.shape[0] != 2 or not _is_finite(audio):
        return False
    return bool(audio.min() >= -LOUDEST and audio.max() <= LOUDEST)


def _is_finite(array: FloatArray) -> bool:
    return array.size > 0 and bool(np.isfinite(array).all())


def _are_latents(message: MixLatents) -> bool:
    found = message.latents
    is_right = found.ndim == 2 and found.shape[1] == LATENTS and _is_finite(found)
    return is_right and _is_text(message.vae) and _is_number(message.gain)


_INFO: Mapping[str, Callable[[Any], bool]] = {
    "request": lambda value: isinstance(value, Request),
    "model": _is_text,
    "bits": _is_whole,
    "adapters": lambda value: all(map(_is_adapter, value)),
    "timesteps": lambda value: all(map(_is_number, value)),
    "codes": _is_text,
    "sections": lambda value: all(map(_is_mark, value)),
    "chords": lambda value: all(map(_is_mark, value)),
    "lines": lambda value: all(map(_is_line, value)),
    "planned": lambda value: _is_mapping(value, _is_plain),
    "timings": lambda value: _is_mapping(value, _is_number),
    "memory": lambda value: _is_mapping(value, _is_whole),
    "machine": lambda value: _is_mapping(value, _is_text),
    "notes": _are_texts,
    "problems": _are_texts,
}
