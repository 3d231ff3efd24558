"""What the arguments of a message mean, as typed clients, Pd, buttons and people at a command line
send them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pipeline.request import BadRequest, OutOfRange, UnknownField, coerce, field_name, is_field

from ..jobs import Priority
from .wire import Argument

Arguments = tuple[Argument, ...]

MAX_ID = 128  # bytes: an id is in every event of its job
MAX_COUNT = 1000  # takes of one wish
WHOLE_TEXTS = "send a text with spaces in it as one string, or use /ace/go"
PRIORITIES = {"live": Priority.LIVE, "normal": Priority.NORMAL, "batch": Priority.BATCH}
BESIDES = ("count", "priority")  # what /ace/generate takes besides the request's fields


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


def path_and_scale(arguments: Arguments) -> tuple[str, float]:
    """A path, whose words may come one by one, and the number behind it, or 1."""
    with suppress(TypeError, ValueError):
        if len(arguments) > 1:
            return text_of(arguments[:-1]).strip(), float(arguments[-1])  # type: ignore[arg-type]
    return text_of(arguments).strip(), 1.0


def number_at(arguments: Arguments, index: int, name: str, default: int) -> int:
    """The whole number at `index`, where there is one."""
    return whole(name, arguments[index]) if len(arguments) > index else default


def id_at(arguments: Arguments, index: int) -> str:
    return id_of(arguments[index]) if len(arguments) > index else ""


def is_release(arguments: Arguments) -> bool:
    """A button sends 1.0 when it is pressed and 0.0 when it is let go: that is no wish."""
    return (
        len(arguments) == 1
        and not isinstance(arguments[0], str)
        and not arguments[0]
        and arguments[0] is not None
    )


def job_id(arguments: Arguments) -> tuple[str, Arguments]:
    """The id and what follows it. A lone number is a button pressed: the daemon chooses the id."""
    if not arguments or (len(arguments) == 1 and isinstance(arguments[0], float | bool)):
        return "", ()
    id = id_of(arguments[0])
    if len(id.encode()) > MAX_ID:
        raise OutOfRange(f"an id must have at most {MAX_ID} bytes, got {len(id.encode())}")
    if id == "*":
        raise OutOfRange("an id must not be *, which means all", "leave it empty and one is chosen")
    return id, arguments[1:]


def pressed_or_id(arguments: Arguments) -> str:
    """The id that a message is about; "" for a button pressed, and where there is none: the newest
    is meant.
    """
    return (
        ""
        if len(arguments) == 1 and isinstance(arguments[0], float | bool)
        else id_at(arguments, 0)
    )


def flag_at(arguments: Arguments, index: int, name: str, default: bool) -> bool:
    number = number_at(arguments, index, name, int(default))
    if number not in (0, 1):
        raise OutOfRange(f"{name} must be 1 or 0, got {number}")
    return bool(number)


def order(values: dict[str, Any]) -> tuple[int, Priority | None, dict[str, Any]]:
    """How many takes, how urgent (None: it was not said), and what is left for the request. Raises
    `BadRequest`.
    """
    extras = {name.lower(): value for name, value in values.items() if name.lower() in BESIDES}
    rest = {name: value for name, value in values.items() if name.lower() not in BESIDES}
    if len(extras) + len(rest) < len(values):
        raise BadRequest("count or priority was given twice")
    count = whole("count", extras.get("count", 1))
    if not 1 <= count <= MAX_COUNT:
        raise OutOfRange(f"count must be in 1..{MAX_COUNT}, got {count}")
    word = str(extras["priority"]).strip().lower() if "priority" in extras else ""
    if word and word not in PRIORITIES:
        raise OutOfRange(f"priority must be one of {' '.join(PRIORITIES)}, got {word[:40]!r}")
    return count, PRIORITIES.get(word), rest


def named(arguments: Arguments) -> dict[str, Any]:
    """The values of key value pairs, by name. Raises `BadRequest`."""
    values: dict[str, Any] = {}
    for name, value in _pairs(arguments):
        if name in values:
            raise BadRequest(f"parameter {name[:40]!r} was given twice")
        values[name] = value
    return values


def _pairs(arguments: Arguments) -> Iterator[tuple[str, Any]]:
    """Key value pairs, as typed clients and as Pd send them.

    ("prompt", "warm beat", "bars", 4): each text is one argument, so every other argument is a
    name.
    ("prompt", "warm", "beat", "bars", 4.0): Pd's atoms; a text runs on until the next pair begins.
    ("prompt", "bars", "of", "gold"): no pair begins at "bars", as "of" is no number; all of it is
    the prompt.
    """
    names = [_kept_name(str(name)) for name in arguments[::2] if _is_name(name)]
    strict = len(set(names)) == len(arguments) / 2  # each a name and a value, none of them twice
    index = 0
    while index < len(arguments):
        name = arguments[index]
        start = index + 1
        if not isinstance(name, str):
            raise BadRequest(
                f"a parameter's name must be a text, got {name!r:.40}",
                "send: id, then name value pairs",
            )
        if start == len(arguments):
            raise BadRequest(f"parameter {name[:40]!r} has no value", WHOLE_TEXTS)
        index = start + 1
        while not strict and _goes_on(arguments, index):
            index += 1
        values = arguments[start:index]
        yield (
            name,
            values[0] if len(values) == 1 and not isinstance(values[0], str) else text_of(values),
        )


def _is_name(word: object) -> bool:
    return is_field(word) or (isinstance(word, str) and word.lower() in BESIDES)


def _kept_name(word: str) -> str:
    return word.lower() if word.lower() in BESIDES else field_name(word)


def _goes_on(arguments: Arguments, index: int) -> bool:
    """Whether the text before `index` continues there: it was a single word, and no pair begins."""
    if index == len(arguments):
        return False
    before = arguments[index - 1]
    word = arguments[index]
    after = arguments[index + 1 : index + 2]
    if not isinstance(before, str) or " " in before:
        return False
    if _is_name(word):
        return not _fits(str(word), after)
    if isinstance(word, str) and after and not isinstance(after[0], str):
        _suspect(word)
    return True


def _suspect(word: str) -> None:
    """A word before a number that is almost a parameter's name is a slip, like "bmp 128". Raises
    `UnknownField`.
    """
    try:
        field_name(word)
    except UnknownField as error:
        if error.hint.startswith("did you mean"):
            raise


def _fits(name: str, value: Arguments) -> bool:
    """Whether `name` followed by `value` is meant as a parameter: "bars 4" is, "bars of gold" is
    not.
    """
    if name.lower() == "priority":
        return bool(value) and str(value[0]).lower() in PRIORITIES
    kept = "bars" if name.lower() == "count" else field_name(name)  # a number like any other
    try:
        return bool(value) and coerce(kept, value[0]) is not None
    except OutOfRange:
        return not isinstance(value[0], str)
    except BadRequest:
        return False


def text_of(words: Arguments) -> str:
    r"""Words joined with spaces; a literal \n is a newline, as Pd users cannot type one."""
    return " ".join(id_of(word) if not isinstance(word, str) else word for word in words).replace(
        "\\n", "\n"
    )


def positional(arguments: Arguments, most: int = 2) -> tuple[list[str], list[Argument]]:
    """The words of a text, and up to `most` numbers behind them: of /ace/go, bars and seed."""
    split = len(arguments)
    while split > max(0, len(arguments) - most) and _is_number(
        arguments[split - 1], first=split == 1
    ):
        split -= 1
    return [text_of((word,)) for word in arguments[:split]], list(arguments[split:])


def _is_number(argument: Argument, first: bool) -> bool:
    """Numbers, and texts of digits behind the prompt (what oscsend users type with ss)."""
    if isinstance(argument, str):
        return not first and argument.strip().removeprefix("-").isdecimal()
    return argument is not None and not isinstance(argument, bool)
