"""The protocol: which messages there are, and what their arguments mean. No sockets here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pipeline.request import BadRequest, OutOfRange, UnknownField, coerce, field_name, is_field

from .jobs import Event
from .wire import Argument, encode

MAX_TEXT = 250  # bytes of each text in a fail
MAX_ID = 128  # bytes: an id is in every event of its job
WHOLE_TEXTS = "send a text with spaces in it as one string, or use /ace/go"

# --- the tables ------------------------------------------------------------------------------------------------------


class Command(NamedTuple):
    arguments: str
    answer: str
    help: str


class Signal(NamedTuple):
    types: str
    arguments: str
    help: str


COMMANDS = {
    "/ace/ping": Command("[s token]", "/ace/pong", "is anybody there?"),
    "/ace/status": Command("", "/ace/state", "what the engine is doing"),
    "/ace/notify": Command("i on, [i port], [s topics]", "/ace/done", "send me every event (or some kinds), there"),
    "/ace/generate": Command("s id, then key value pairs", "/ace/queued", "make a clip"),
    "/ace/go": Command(
        "s id, s prompt, [f bars], [i seed]", "/ace/queued", "the same by position, for Pd and TouchOSC"
    ),
    "/ace/cancel": Command("s id or *", "/ace/cancelled", "stop a job, or all"),
    "/ace/sync": Command("i n", "/ace/synced", "answers once everything before it has been handled"),
}

EVENTS = {
    "queued": Signal("sif", "id, position, eta seconds", "the job is accepted (eta 0: not known yet)"),
    "progress": Signal("sfsf", "id, fraction 0..1, stage, eta seconds", "at most ten a second"),
    "clip": Signal(
        "sssfis", "id, stem, absolute path, bpm, bars, seed", "one file is final; bpm 0 when none was given"
    ),
    "finished": Signal("sis", "id, number of files, manifest path", "the job is done"),
    "fail": Signal("ssiss", "id, command, code, message, hint", "it did not work, and what to do"),
    "cancelled": Signal("s", "id", "the job was cancelled"),
    "state": Signal("ssi", "cold / loading / warm / busy / error, model, queue length", "whenever one of them changes"),
}

REPLIES = {
    "pong": Signal("ssi", "token, version, api", "answers /ace/ping"),
    "done": Signal("sii", "command, client number, lease seconds", "answers /ace/notify; a snapshot follows"),
    "synced": Signal("i", "n", "answers /ace/sync"),
}

SENT = EVENTS | REPLIES


def encode_event(event: Event) -> bytes:
    id = () if event.kind == "state" else (event.job.id if event.job else "",)
    if event.kind == "fail":
        return encode_fail(*id, *event.values)
    return encode(f"/ace/{event.kind}", EVENTS[event.kind].types, *id, *event.values)


def encode_fail(*values: str | int) -> bytes:
    """id, command, code, message, hint: whatever the texts are, the datagram stays below 1,200 bytes."""
    kept = (short(value) if isinstance(value, str) else value for value in values)
    return encode("/ace/fail", EVENTS["fail"].types, *kept)


def short(text: str) -> str:
    data = text.encode()
    return text if len(data) <= MAX_TEXT else data[: MAX_TEXT - 3].decode(errors="ignore") + "…"


# --- what clients send -----------------------------------------------------------------------------------------------


def id_of(argument: Argument) -> str:
    """A job's id or a token: a text, or a number as Pd sends them (7.0 is "7")."""
    if argument is None or isinstance(argument, bool):
        return ""
    return f"{argument:.10g}" if isinstance(argument, float) else str(argument).strip()


def whole(name: str, argument: Argument) -> int:
    """A whole number that fits into an OSC int."""
    try:
        number = float(argument)  # type: ignore[arg-type]
        if number != int(number):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise BadRequest(f"{name} must be a whole number, got {argument!r:.40}") from None
    if not -(2**31) <= number < 2**31:
        raise OutOfRange(f"{name} must fit into 32 bits, got {number:.0f}")
    return int(number)


def is_release(arguments: tuple[Argument, ...]) -> bool:
    """A button sends 1.0 when it is pressed and 0.0 when it is let go: that is no wish."""
    return len(arguments) == 1 and not isinstance(arguments[0], str) and not arguments[0] and arguments[0] is not None


def job_id(arguments: tuple[Argument, ...]) -> tuple[str, tuple[Argument, ...]]:
    """The id and what follows it. A lone number is a button pressed: the daemon chooses the id."""
    if not arguments or (len(arguments) == 1 and isinstance(arguments[0], float | bool)):
        return "", ()
    id = id_of(arguments[0])
    if len(id.encode()) > MAX_ID:
        raise OutOfRange(f"an id must have at most {MAX_ID} bytes, got {len(id.encode())}")
    return id, arguments[1:]


def named(arguments: tuple[Argument, ...]) -> dict[str, Any]:
    """The values of key value pairs, by name. Raises `BadRequest`."""
    values: dict[str, Any] = {}
    for name, value in _pairs(arguments):
        if name in values:
            raise BadRequest(f"parameter {name[:40]!r} was given twice")
        values[name] = value
    return values


def _pairs(arguments: tuple[Argument, ...]) -> Iterator[tuple[str, Any]]:
    """Key value pairs, as typed clients and as Pd send them.

    ("prompt", "warm beat", "bars", 4): each text is one argument, so every other argument is a name.
    ("prompt", "warm", "beat", "bars", 4.0): Pd's atoms; a text runs on until the next pair begins.
    ("prompt", "bars", "of", "gold"): no pair begins at "bars", as "of" is no number; all of it is the prompt.
    """
    names = [field_name(str(name)) for name in arguments[::2] if is_field(name)]
    strict = len(set(names)) == len(arguments) / 2  # each a name and a value, none of them twice
    index = 0
    while index < len(arguments):
        name, start = arguments[index], index + 1
        if not isinstance(name, str):
            raise BadRequest(f"a parameter's name must be a text, got {name!r:.40}", "send: id, then name value pairs")
        if start == len(arguments):
            raise BadRequest(f"parameter {name[:40]!r} has no value", WHOLE_TEXTS)
        index = start + 1
        while not strict and _goes_on(arguments, index):
            index += 1
        values = arguments[start:index]
        yield name, values[0] if len(values) == 1 and not isinstance(values[0], str) else _text(values)


def _goes_on(arguments: tuple[Argument, ...], index: int) -> bool:
    """Whether the text before `index` continues there: it was a single word, and no pair begins."""
    if index == len(arguments):
        return False
    before, word, after = arguments[index - 1], arguments[index], arguments[index + 1 : index + 2]
    if not isinstance(before, str) or " " in before:
        return False
    if is_field(word):
        return not _fits(str(word), after)
    if isinstance(word, str) and after and not isinstance(after[0], str):
        _suspect(word)
    return True


def _suspect(word: str) -> None:
    """A word before a number that is almost a parameter's name is a slip, like "bmp 128". Raises `UnknownField`."""
    try:
        field_name(word)
    except UnknownField as error:
        if error.hint.startswith("did you mean"):
            raise


def _fits(name: str, value: tuple[Argument, ...]) -> bool:
    """Whether `name` followed by `value` is meant as a parameter: "bars 4" is, "bars of gold" is not."""
    try:
        return bool(value) and coerce(field_name(name), value[0]) is not None
    except OutOfRange:
        return not isinstance(value[0], str)
    except BadRequest:
        return False


def _text(words: tuple[Argument, ...]) -> str:
    r"""Words joined with spaces; a literal \n is a newline, as Pd users cannot type one."""
    return " ".join(id_of(word) if not isinstance(word, str) else word for word in words).replace("\\n", "\n")


def positional(arguments: tuple[Argument, ...]) -> tuple[list[str], list[Argument]]:
    """The words of the prompt, and up to two numbers behind them: bars and seed."""
    split = len(arguments)
    while split > max(0, len(arguments) - 2) and _is_number(arguments[split - 1], first=split == 1):
        split -= 1
    return [_text((word,)) for word in arguments[:split]], list(arguments[split:])


def _is_number(argument: Argument, first: bool) -> bool:
    """Numbers, and texts of digits behind the prompt (what oscsend users type with ss)."""
    if isinstance(argument, str):
        return not first and argument.strip().removeprefix("-").isdecimal()
    return argument is not None and not isinstance(argument, bool)
