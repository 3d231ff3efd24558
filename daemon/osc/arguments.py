"""What the arguments of a message mean, as typed clients, Pd, buttons and people at a command line
send them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from pipeline.did_you_mean import find_similar, suggest
from pipeline.request import (
    FIELDS,
    FILE_FIELDS,
    BadRequest,
    OutOfRange,
    UnknownField,
    coerce,
    field_name,
    is_field,
)
from pipeline.request_files import check_file

from ..jobs import Priority
from .wire import Argument

Arguments = tuple[Argument, ...]

MAX_ID = 128  # bytes: an id is in every event of its job
MAX_COUNT = 1000  # takes of one order
ONE_STRING_HINT = "send a text with spaces in it as one string, or use /ace/go"
PRIORITIES = {"live": Priority.LIVE, "normal": Priority.NORMAL, "batch": Priority.BATCH}
_ALIKE = 0.75  # how alike a slip with a text behind it is to a name
_ANY_TEXT = ("prompt", "lyrics", "name", "lm_negative_prompt", "guide", *FILE_FIELDS)
# parameters whose values are some texts and not others
_CHOICES = [
    name for name, field in FIELDS.items() if type(field.default) is str and name not in _ANY_TEXT
]
ORDER_OPTIONS = (
    "count",
    "priority",
    "land_in",
)  # what /ace/generate takes besides the request's parameters


# --- one argument ---------------------------------------------------------------------------------


def parse_id(argument: Argument) -> str:
    """A job's id or a token: a text, or a number as Pd sends them (7.0 is "7")."""
    if argument is None or isinstance(argument, bool):
        return ""
    return f"{argument:.10g}" if isinstance(argument, float) else str(argument).strip()


def parse_int(name: str, argument: Argument) -> int:
    """A whole number that fits into an OSC int. Raises `BadRequest` and `OutOfRange`."""
    try:
        number = float("" if argument is None else argument)
        if number != int(number):
            raise ValueError
    except (ValueError, OverflowError):
        raise BadRequest(f"{name} must be a whole number, got {argument!r:.40}") from None
    if not -(2**31) <= number < 2**31:
        raise OutOfRange(f"{name} must fit into 32 bits, got {number:.0f}")
    return int(number)


def parse_id_at(arguments: Arguments, index: int) -> str:
    """The id at `index`; "" where there is none."""
    return parse_id(arguments[index]) if len(arguments) > index else ""


def parse_int_at(arguments: Arguments, index: int, name: str, default: int) -> int:
    """The whole number at `index`, where there is one."""
    return parse_int(name, arguments[index]) if len(arguments) > index else default


def parse_flag_at(arguments: Arguments, index: int, name: str, default: bool) -> bool:
    """The switch (1 or 0) at `index`, where there is one."""
    number = parse_int_at(arguments, index, name, int(default))
    if number not in (0, 1):
        raise OutOfRange(f"{name} must be 1 or 0, got {number}")
    return bool(number)


# --- buttons and ids ------------------------------------------------------------------------------


def is_button(arguments: Arguments) -> bool:
    """Whether they are a lone number, as a button sends it."""
    return len(arguments) == 1 and isinstance(arguments[0], float | bool)


def is_release(arguments: Arguments) -> bool:
    """Whether they are the lone 0.0 that a button sends when it is let go, which asks for nothing.
    (Pressed, it sends 1.0.)
    """
    if len(arguments) != 1 or arguments[0] is None or isinstance(arguments[0], str):
        return False
    return not arguments[0]


def split_job_id(arguments: Arguments) -> tuple[str, Arguments]:
    """The id of a new job, and what follows it. "" where the daemon is to choose one: for a button,
    or where there is nothing. Raises `OutOfRange`.
    """
    if not arguments or is_button(arguments):
        return "", ()
    id = parse_id(arguments[0])
    if len(id.encode()) > MAX_ID:
        raise OutOfRange(f"an id must have at most {MAX_ID} bytes, got {len(id.encode())}")
    if id == "*":
        raise OutOfRange("an id must not be *, which means all", "leave it empty and one is chosen")
    return id, arguments[1:]


def parse_id_unless_button(arguments: Arguments) -> str:
    """The id of the job that a message is about. "" where the newest is meant: for a button, or
    where there is nothing.
    """
    return "" if is_button(arguments) else parse_id_at(arguments, 0)


# --- words and numbers ----------------------------------------------------------------------------


def join_words(words: Arguments) -> str:
    r"""One text of words, which Pd sends one by one; a literal \n is a newline, as Pd users cannot
    type one.
    """
    texts = (word if isinstance(word, str) else parse_id(word) for word in words)
    return " ".join(texts).replace("\\n", "\n")


def join_value(arguments: Arguments) -> Argument:
    """A parameter's value: a number alone, or the words of a text."""
    if len(arguments) == 1 and not isinstance(arguments[0], str):
        return arguments[0]
    return join_words(arguments)


def parse_path_and_scale(arguments: Arguments) -> tuple[str, float]:
    """A path, whose words may come one by one, and the number behind it, or 1."""
    if len(arguments) > 1 and arguments[-1] is not None:
        with suppress(ValueError):
            return join_words(arguments[:-1]).strip(), float(arguments[-1])
    return join_words(arguments).strip(), 1.0


def split_numbers(arguments: Arguments, most: int = 2) -> tuple[list[str], list[Argument]]:
    """The words of a text, and the numbers behind them, at most `most` (of /ace/go: bars, seed)."""
    split = len(arguments)
    while split > max(0, len(arguments) - most) and _is_number(
        arguments[split - 1], is_first=split == 1
    ):
        split -= 1
    return [join_words((word,)) for word in arguments[:split]], list(arguments[split:])


def _is_number(argument: Argument, is_first: bool) -> bool:
    """Whether it counts as a number: a number, or a text of digits that is not the first argument
    (oscsend users send those with ss).
    """
    if isinstance(argument, str):
        return not is_first and argument.strip().removeprefix("-").isdecimal()
    return argument is not None and not isinstance(argument, bool)


# --- name value pairs -----------------------------------------------------------------------------


class OrderOptions(NamedTuple):
    """How many takes, how urgent (None: it was not said), the name of the granted folder that they
    land in ("": the daemon's), and the values that are left for the request.
    """

    takes: int
    priority: Priority | None
    land_in: str
    values: dict[str, Argument]


def split_order_options(values: dict[str, Argument]) -> OrderOptions:
    """Raises `BadRequest`."""
    extras = {
        name.lower(): value for name, value in values.items() if name.lower() in ORDER_OPTIONS
    }
    rest = {name: value for name, value in values.items() if name.lower() not in ORDER_OPTIONS}
    if len(extras) + len(rest) < len(values):
        raise BadRequest(f"one of {' '.join(ORDER_OPTIONS)} was given twice")
    count = parse_int("count", extras.get("count", 1))
    if not 1 <= count <= MAX_COUNT:
        raise OutOfRange(f"count must be in 1..{MAX_COUNT}, got {count}")
    word = str(extras["priority"]).strip().lower() if "priority" in extras else ""
    if word and word not in PRIORITIES:
        raise OutOfRange(
            f"priority must be one of {' '.join(PRIORITIES)}, got {word[:40]!r}",
            suggest(word, PRIORITIES),
        )
    land_in = parse_id(extras.get("land_in", ""))
    return OrderOptions(count, PRIORITIES.get(word), land_in, rest)


def parse_pairs(arguments: Arguments) -> dict[str, Argument]:
    """The values of name value pairs, by name. Raises `BadRequest`, at the first name that is none:
    looking for what it may be a slip for takes a while.
    """
    values: dict[str, Argument] = {}
    for name, value in _read_pairs(arguments):
        if not is_name(name):
            field_name(name)
        if name in values:
            raise BadRequest(f"parameter {name[:40]!r} was given twice")
        values[name] = value
    return values


def _read_pairs(arguments: Arguments) -> Iterator[tuple[str, Argument]]:
    """Name value pairs, as typed clients and as Pd send them.

    ("prompt", "warm beat", "bars", 4): each text is one argument, so every other argument is a
    name.
    ("prompt", "warm", "beat", "bars", 4.0): Pd's atoms; a text runs on until the next pair begins.
    ("prompt", "bars", "of", "gold"): no pair begins at "bars", as "of" is no number; all of it is
    the prompt.
    """
    names = [_canonical_name(str(name)) for name in arguments[::2] if is_name(name)]
    # each a name and a value, none of them twice
    is_strict = len(set(names)) == len(arguments) / 2
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
            raise BadRequest(f"parameter {name[:40]!r} has no value", "send: name, then its value")
        index = start + 1
        while not is_strict and _continues(arguments, index):
            index += 1
        yield name, join_value(arguments[start:index])


def is_name(word: Argument) -> bool:
    """Whether it is a parameter's name, or that of one of `ORDER_OPTIONS`."""
    return is_field(word) or (isinstance(word, str) and word.lower() in ORDER_OPTIONS)


def _canonical_name(word: str) -> str:
    return word.lower() if word.lower() in ORDER_OPTIONS else field_name(word)


def _continues(arguments: Arguments, index: int) -> bool:
    """Whether the text before `index` continues there: it was a single word, and no pair begins."""
    if index == len(arguments):
        return False
    before = arguments[index - 1]
    word = arguments[index]
    after = arguments[index + 1 : index + 3]
    if not isinstance(before, str) or " " in before:
        return False
    if is_name(word):
        return not _begins_pair(str(word), after)
    is_followed = isinstance(word, str) and bool(after)
    if is_followed and (_is_number(after[0], is_first=False) or _is_slip(str(word), after[0])):
        _reject_misspelling(str(word))
    return True


def _is_slip(word: str, value: Argument) -> bool:
    """Whether a word is much like the name of a parameter that can have this value, and not any
    text: "keey Am". Not so "keys Am", which a song may have.
    """
    field = find_similar(word, _CHOICES, _ALIKE)
    if not field or word.lower() == f"{field}s":
        return False
    try:
        coerce(field, value)
    except BadRequest:
        return False
    return True


def _reject_misspelling(word: str) -> None:
    """A word before a number that is almost a parameter's name is a slip, like "bmp 128". Raises
    `UnknownField`.
    """
    try:
        field_name(word)
    except UnknownField as error:
        if error.hint.startswith("did you mean"):
            raise


def _begins_pair(name: str, value: Arguments) -> bool:
    """Whether `name` followed by `value` is meant as a parameter: "bars 4" is, "bars of gold" is
    not.
    """
    if name.lower() == "priority":
        return bool(value) and str(value[0]).lower() in PRIORITIES
    if name.lower() == "land_in":
        return bool(value)
    field = "bars" if name.lower() == "count" else field_name(name)  # a number like any other
    if not value:
        return False
    try:
        check_file(field, coerce(field, value[0]))
    except OutOfRange:
        return not isinstance(value[0], str) or _has_unit(field, value)
    except BadRequest:
        return False
    return True


def _has_unit(field: str, value: Arguments) -> bool:
    """Whether a number and its unit came as two words: "80" and "%"."""
    words = [word for word in value[:2] if isinstance(word, str)]
    try:
        coerce(field, " ".join(words))
    except BadRequest:
        return False
    return True
