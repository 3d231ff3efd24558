"""What was read out of a request, in sentences for whoever wrote it. No MLX."""

from __future__ import annotations

from collections.abc import Iterator

from .prompt_reading import read_prompt
from .prompts import KNOWN_BEATS, find_known_signature
from .reading.said import Said
from .request import UNDERSTAND, Request


def explain_request(request: Request) -> tuple[str, ...]:
    """What the prompt says of tempo, key and metre, and what the request makes of that; the same
    before and after it is resolved.
    """
    if request.task == UNDERSTAND:
        return ()
    return (*_explain_prompt(request), *_explain_signature(request.follow_prompt()))


def _explain_prompt(request: Request) -> Iterator[str]:
    if not request.read_prompt:
        return
    reading = read_prompt(request.prompt)
    yield from _explain(reading.tempo, "bpm", f"{request.bpm:.10g}" if request.bpm else "")
    yield from _explain(reading.musical_key, "key", request.key)
    if request.beats_per_bar or request.time_signature:
        field = "beats_per_bar" if request.beats_per_bar else "time_signature"
        is_same = request.meter == Request(time_signature=reading.time_signature).meter
        given = reading.time_signature if is_same else str(getattr(request, field))
        yield from _explain(reading.meter, field, given)
    else:
        yield from _explain(reading.meter, "time_signature", "")


def _explain(said: Said, field: str, given: str) -> Iterator[str]:
    if not said.value:
        yield from () if given else said.problems
    elif given in ("", said.value):
        yield f"the prompt says {said.said}: {said.verdict}"
    else:
        yield f"the prompt says {said.said}, and {field} {given} was given: it is {given}"


def _explain_signature(request: Request) -> Iterator[str]:
    """What the models are not told, as they know no word for it."""
    signature = request.time_signature
    if find_known_signature(request) != signature:
        yield (
            f"the model is not told {signature}: models know time signatures of "
            f"{', '.join(KNOWN_BEATS)} beats; bars and guide have it"
        )
