"""What was read out of a request, in sentences for whoever wrote it. No MLX."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .prompt_reading import read_prompt
from .prompts import KNOWN_BEATS, find_known_signature
from .reading.said import TAKEN, Said
from .request import UNDERSTAND, Request


class Explanation(NamedTuple):
    """A sentence about what was read. `is_problem`: something was not understood, or becomes
    something else than is written there. `is_plain`: it says no more than the value does.
    """

    text: str
    is_problem: bool = False
    is_plain: bool = False


def explain_request(request: Request) -> tuple[str, ...]:
    """What the prompt says of tempo, key and metre, and what the request makes of that; the same
    before and after it is resolved.
    """
    return tuple(said.text for said in list_prompt_explanations(request))


def list_prompt_explanations(request: Request) -> tuple[Explanation, ...]:
    """The same, with what of it is a problem."""
    if request.task == UNDERSTAND:
        return ()
    return (*_explain_prompt(request), *_explain_signature(request.follow_prompt()))


def _explain_prompt(request: Request) -> Iterator[Explanation]:
    if not request.read_prompt:
        return
    reading = read_prompt(request.prompt)
    by = "is its source's or was given" if _may_follow_source(request) else "was given"
    bpm = f"{request.bpm:.10g}" if request.bpm else ""
    yield from _explain(reading.tempo, "bpm", bpm, by)
    yield from _explain(reading.musical_key, "key", request.given_key, by)
    if request.beats_per_bar or request.time_signature:
        field = "beats_per_bar" if request.beats_per_bar else "time_signature"
        is_same = request.meter == Request(time_signature=reading.time_signature).meter
        given = reading.time_signature if is_same else str(getattr(request, field))
        yield from _explain(reading.meter, field, given, by)
    else:
        yield from _explain(reading.meter, "time_signature", "", by)


def _may_follow_source(request: Request) -> bool:
    """Whether its tempo, key and metre may be those of its source, rather than given with it."""
    return bool(request.task and request.source) and request.read_source


def _explain(said: Said, field: str, given: str, by: str) -> Iterator[Explanation]:
    """`by`: where the value of `field` that was `given` comes from."""
    if not said.value:
        yield from (Explanation(text, not given) for text in said.problems)
    elif given in ("", said.value):
        is_plain = said.verdict == TAKEN
        yield Explanation(f"the prompt says {said.said}: {said.verdict}", is_plain=is_plain)
    else:
        text = f"the prompt says {said.said}, and {field} {given} {by}: it is {given}"
        yield Explanation(text, True)


def _explain_signature(request: Request) -> Iterator[Explanation]:
    """What the models are not told, as they know no word for it."""
    signature = request.time_signature
    if find_known_signature(request) != signature:
        text = (
            f"the model is not told {signature}: models know time signatures of "
            f"{', '.join(KNOWN_BEATS)} beats; bars and guide have it"
        )
        yield Explanation(text, True)
